"""What outlives a run: reviews, decisions, actions, the audit log, in SQLite or PostgreSQL."""
