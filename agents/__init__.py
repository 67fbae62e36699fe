"""Judgement: the agents of the weekly review. They neither fetch nor write; what they judge is handed to them."""
