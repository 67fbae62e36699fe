"""Deterministic work: reads, computes, checks, writes. No model is called here."""
