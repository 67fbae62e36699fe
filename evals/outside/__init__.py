"""Data of another shape than the product's own: tables with one row an account, and the files of a churn simulator.

One rule: nothing is fitted to the answers. A card is a configuration of own signals that somebody wrote down.
"""
