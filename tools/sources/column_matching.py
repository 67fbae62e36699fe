"""Match the columns of a file or table to the columns of the data model, by mapping.yaml or by name.

Two columns of the source for one column of the model are an error, never a choice made here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from domain.errors import ConfigurationError, DataError
from domain.tables import Table
from tools.sources.mapping import FILE_NAME, TableMapping, name_key

_CUSTOMER_REVENUE = "annualrevenue"
_LONGEST_SHOWN = 60
_LONGEST_LIST = 500
"""Characters of a column name and of all of them in a message: the header of a damaged file may be the whole file."""


@dataclass(frozen=True)
class ColumnMatch:
    """``position``: by column of the model, its index in the header. ``ignored``: header names that nothing reads."""

    position: dict[str, int]
    ignored: tuple[str, ...]
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    """By column of the model: the index of the column that is read where the cell of the first is empty."""
    user: int | None = None
    """The index of the column with the user of a row of usage, where mapping.yaml names one."""

    @property
    def used(self) -> frozenset[int]:
        """Indexes of the columns that are read."""
        user = () if self.user is None else (self.user,)
        return frozenset((*self.position.values(), *self.fallbacks.values(), *user))


def match_columns(table: Table, header: list[str], mapped: TableMapping, location: str) -> ColumnMatch:
    """Match by mapping first, then by name. Raises DataError or ConfigurationError naming the file and the column."""
    # Names are compared without case, spaces, underscores and hyphens: "Account ID", account_id and AccountId are one.
    squashed = [name_key(name) for name in header]
    position: dict[str, int] = {}
    for column in table.columns:
        if column.name in mapped.constants:
            continue
        found = _find_column(column.name, column.header or column.name, header, squashed, mapped, location)
        if found is not None:
            position[column.name] = found
    _refuse_shared(table, position, header, mapped, location)
    if "arr" not in mapped.constants:
        _refuse_customer_revenue(table, position, header, location)
    _refuse_missing(table, position, header, mapped, location)
    fallbacks = {
        name: _named_column(name, other, header, squashed, location)[0] for name, other in mapped.fallbacks.items()
    }
    user = _named_column("user_id", mapped.user_id, header, squashed, location)[0] if mapped.user_id else None
    match = ColumnMatch(position, (), fallbacks, user)
    ignored = tuple(name or "(no name)" for index, name in enumerate(header) if index not in match.used)
    return replace(match, ignored=ignored)


def _find_column(
    target: str, usual: str, header: list[str], squashed: list[str], mapped: TableMapping, location: str
) -> int | None:
    """The index in the header of the column for ``target``, by the mapping or its ``usual`` name; None where there is none."""
    mapped_name = mapped.columns.get(target)
    if mapped_name is None:
        hits = [index for index, name in enumerate(squashed) if name == name_key(usual)]
        # The mapping uses the column of this name for another one: the name alone then proves nothing.
        if hits and header[hits[0]] in mapped.columns.values():
            return None
    else:
        hits = _named_column(target, mapped_name, header, squashed, location)
    if len(hits) > 1:
        raise DataError(
            f"{location}: the columns {_name_list([header[hit] for hit in hits])} both fit {target}. Remove or rename "
            f"one of them, or say in {FILE_NAME} which one is meant."
        )
    return hits[0] if hits else None


def _named_column(target: str, given: str, header: list[str], squashed: list[str], location: str) -> list[int]:
    """The indexes of the columns that mapping.yaml names for ``target``. Raises DataError where there is none."""
    hits = [index for index, name in enumerate(header) if name == given]
    hits = hits or [index for index, name in enumerate(squashed) if name == name_key(given)]
    if not hits:
        near = get_close_matches(given, header, n=3, cutoff=0.5) or header
        raise DataError(
            f"{location}: there is no column {given!r}, which {FILE_NAME} takes for {target}. "
            f"The file has {_name_list(near)}. Correct the name in {FILE_NAME}."
        )
    return hits


def _refuse_shared(
    table: Table, position: dict[str, int], header: list[str], mapped: TableMapping, location: str
) -> None:
    """One column may fill several id columns (an owner who is also the sponsor), but no two numbers."""
    kinds = {column.name: column.kind for column in table.columns}
    by_index: dict[int, list[str]] = {}
    for name, index in position.items():
        by_index.setdefault(index, []).append(name)
    for index, names in by_index.items():
        if len(names) > 1 and any(kinds[name] in ("money", "number", "integer") for name in names):
            raise ConfigurationError(
                f"{FILE_NAME}: tables.{table.name}.columns: {header[index]!r} of {location} is taken for "
                f"{' and '.join(names)}; one column cannot be both."
            )


def _refuse_customer_revenue(table: Table, position: dict[str, int], header: list[str], location: str) -> None:
    """Refuse Salesforce's AnnualRevenue for arr: it is what the customer earns, not what the customer pays."""
    if table.name != "accounts":
        return
    revenue = next((name for name in header if name_key(name) == _CUSTOMER_REVENUE), None)
    taken = "arr" in position and header[position["arr"]] == revenue
    if revenue is not None and (taken or "arr" not in position):
        raise DataError(
            f"{location}: {revenue} is the customer's own revenue, never the ARR they pay you. Map arr to the column "
            f"that holds the recurring revenue of the contract ({FILE_NAME}: tables.accounts.columns.arr)."
        )


def _refuse_missing(
    table: Table, position: dict[str, int], header: list[str], mapped: TableMapping, location: str
) -> None:
    given = set(position) | set(mapped.constants)
    if mapped.renewals:
        given.add("renewal_date")
    missing = [name for name in table.required if name not in given]
    if missing:
        raise DataError(
            f"{location}: the column {missing[0]} is missing"
            + (f" (and {_name_list(missing[1:])})" if missing[1:] else "")
            + f", and {table.name} cannot be read without it. The file has {_name_list(header)}. Name the column that "
            f"holds it in {FILE_NAME}: tables.{table.name}.columns.{missing[0]}."
        )


def _name_list(names: list[str]) -> str:
    short = [name if len(name) <= _LONGEST_SHOWN else f"{name[: _LONGEST_SHOWN - 1]}…" for name in names[:20]]
    shown = ", ".join(repr(name) if not name.replace("_", "").isalnum() else name for name in short)
    if len(shown) > _LONGEST_LIST:
        return f"{shown[: _LONGEST_LIST - 1]}…"
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
