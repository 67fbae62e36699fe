"""Parts that the pandas and the Polars implementation share: names, comparisons and the command line."""

import argparse
import operator
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

KEY = "account_id"
COMPARE = {"at_least": operator.ge, "at_most": operator.le, "above": operator.gt, "below": operator.lt}
"""Operator of a rule's condition, by its name in the configuration."""


def print_worst_accounts(
    description: str, worst_accounts: Callable[[Path, date], Sequence[tuple[str, float, float]]]
) -> None:
    """Print account id, risk and health of the worst accounts, for a folder and a date from the command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="the review date, YYYY-MM-DD")
    given = parser.parse_args()
    for account, risk_score, health in worst_accounts(given.folder, given.as_of):
        print(f"{account}  risk {risk_score:.6f}  health {health:.6f}")
