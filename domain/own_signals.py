"""Signals that a team adds from its own data by configuration alone: the column, what is made of it, and the tables to read.

One rule: the names of own signals and own tables begin with ``own_``, so that they never meet a name of the product.
"""

import re
from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from domain.record import Record
from domain.setting import Number
from domain.tables import Column, Table

OWN = "own_"
OWN_ACCOUNTS = "own_accounts"
"""The table of own columns that stand in the accounts themselves: one undated row an account."""
OWN_NAME = r"^own_[a-z0-9_]{1,40}$"

Take = Literal["latest", "sum", "mean", "lowest", "highest", "count", "days_since", "change", "difference"]
WINDOWED = ("sum", "mean", "lowest", "highest", "count", "change", "difference")
COMPARED = ("change", "difference")
"""The last window against the window before it: in percent of the sums, and as a difference of the means."""
_WITHOUT_COLUMN = ("count", "days_since")


class OwnMeasure(Record):
    """The column that an own signal is measured from, and what is made of its rows."""

    column: str | None = Field(
        default=None, min_length=1, max_length=60, description="As the data calls it. None: the rows themselves count."
    )
    kind: Literal["number", "flag", "date"] = Field(
        default="number", description="flag: yes is 1 and no is 0. date: the value is the number of days since."
    )
    values: dict[Annotated[str, Field(min_length=1)], Number] = Field(
        default={}, description="Words of the column and the number that each stands for."
    )
    take: Take = "latest"

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.column is None and self.take not in _WITHOUT_COLUMN:
            raise ValueError(f"take: {self.take} needs a column; only {' and '.join(_WITHOUT_COLUMN)} do without")
        if self.column is not None and not _slug(self.column):
            raise ValueError("column: a letter or a digit is needed in its name")
        if self.values and self.kind != "number":
            raise ValueError(f"values: a {self.kind} has no words to translate; leave out kind or values")
        return self

    @property
    def cell(self) -> str | None:
        """The name of the column once it is read."""
        return None if self.column is None else OWN + _slug(self.column)


class SignalPair(Record):
    """Two signals that count together: risk points when both are bad, as many as the better of the two allows."""

    signals: tuple[str, str]
    risk: float = Field(gt=0, le=60, description="Risk points when both have component 0.")
    says: str = Field(min_length=5, description="A clause that says what the two mean together.")
    why: str = Field(min_length=10)

    @model_validator(mode="after")
    def _two_signals(self) -> Self:
        if self.signals[0] == self.signals[1]:
            raise ValueError(f"signals: {self.signals[0]} is there twice; a pair has two signals")
        return self


def _slug(header: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_")


def own_tables(measures: Iterable[tuple[str, OwnMeasure]]) -> dict[str, Table]:
    """The tables that own signals are measured from, by name; ``measures`` are (table, measure) of each own signal.

    Raises ValueError where two columns of a table would get the same name, or one is read in two ways.
    """
    found: dict[str, dict[str, Column]] = {}
    for table, measure in measures:
        columns = found.setdefault(table, {})
        if measure.cell is None or measure.column is None:
            continue
        column = Column(measure.cell, measure.kind, missed=False, header=measure.column, words=_words(measure))
        if columns.setdefault(measure.cell, column) != column:
            raise ValueError(
                f"the column {measure.column!r} of {table} is read in two ways: write it, kind and values alike"
            )
    return {name: _table(name, tuple(columns.values())) for name, columns in found.items()}


def _words(measure: OwnMeasure) -> tuple[tuple[str, str], ...]:
    return tuple((word, f"{number:f}".rstrip("0").rstrip(".")) for word, number in measure.values.items())


def _table(name: str, columns: tuple[Column, ...]) -> Table:
    account = Column("account_id", "id", required=True)
    if name == OWN_ACCOUNTS:
        return Table(name, (account, *columns))
    day = Column("date", "date", required=True)
    return Table(name, (account, day, *columns), date_column="date", freshness_columns=("date",))
