"""The reasons for leaving out a row or a cell that more than one reader gives, in the words that the audit shows.

The embedded engine and a server read the same table by different statements. A person compares their audits by these
texts, so each is written once.
"""

from domain.data_audit import ACCOUNT_LEFT_OUT as ACCOUNT_LEFT_OUT
from domain.tables import Column

REQUIRED_IS_EMPTY = "empty, and it is required"
NO_SUCH_ACCOUNT = "no such account"
NOT_A_NUMBER = "not a number"
NOT_AN_AMOUNT = "not an amount"


def repeated_key(key: str) -> str:
    """The reason for a row whose key an earlier row has already."""
    return f"this {key} is there already; the first row is kept"


def unknown_choice(column: Column) -> str:
    """The reason for a word that is not one of the column's choices, and what to do about it."""
    return f"not one of {', '.join(column.choices)} (translate it under values in mapping.yaml)"
