"""Evaluations: cases and simulated worlds with known truth, and how close the review comes to it."""
