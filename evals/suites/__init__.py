"""What is judged: accounts, portfolios with known truth, questions, hostile text, recorded drafts. One module a suite."""
