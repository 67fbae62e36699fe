"""Suites of the evaluation, one per module: accounts, questions, hostile texts, drafts and simulated worlds."""
