"""From findings to work: capacity, allocation, agenda, decisions, actions, follow-up and metrics."""
