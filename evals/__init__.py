"""Evaluations: worlds whose truth is known, and how close the review comes to it."""
