"""Health, risk, tiers and probabilities for the whole base at once, in the engine."""
