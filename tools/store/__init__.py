"""Storage of what outlives a run: reviews, decisions, actions and the audit log, in SQLite or PostgreSQL."""
