"""Which of their columns is which of ours. Two of theirs on one of ours is an error, never a choice made here."""

from dataclasses import dataclass
from difflib import get_close_matches

from domain.errors import ConfigurationError, DataError
from domain.tables import Table
from tools.sources.mapping import FILE_NAME, TableMapping, name_key

_CUSTOMER_REVENUE = "annualrevenue"


@dataclass(frozen=True)
class ColumnMatch:
    """``position`` of ours among theirs; ``ignored`` are theirs that nothing reads, in file order."""

    position: dict[str, int]
    ignored: tuple[str, ...]


def match_columns(table: Table, theirs: list[str], mapped: TableMapping, location: str) -> ColumnMatch:
    """Match by mapping first, then by name. Raises DataError or ConfigurationError naming the file and the column."""
    squashed = [name_key(name) for name in theirs]
    position: dict[str, int] = {}
    for column in table.columns:
        if column.name in mapped.constants:
            continue
        found = _find_column(column.name, theirs, squashed, mapped, location)
        if found is not None:
            position[column.name] = found
    _refuse_shared(table, position, theirs, mapped, location)
    _refuse_customer_revenue(table, position, theirs, location)
    _refuse_missing(table, position, theirs, mapped, location)
    used = set(position.values())
    ignored = tuple(name or "(no name)" for index, name in enumerate(theirs) if index not in used)
    return ColumnMatch(position, ignored)


def _find_column(ours: str, theirs: list[str], squashed: list[str], mapped: TableMapping, location: str) -> int | None:
    wanted = mapped.columns.get(ours)
    if wanted is None:
        hits = [index for index, name in enumerate(squashed) if name == name_key(ours)]
        if hits and theirs[hits[0]] in mapped.columns.values():
            return None
    else:
        hits = [index for index, name in enumerate(theirs) if name == wanted]
        hits = hits or [index for index, name in enumerate(squashed) if name == name_key(wanted)]
        if not hits:
            near = get_close_matches(wanted, theirs, n=3, cutoff=0.5) or theirs
            raise DataError(
                f"{location}: there is no column {wanted!r}, which {FILE_NAME} takes for {ours}. "
                f"The file has {_name_list(near)}. Correct the name in {FILE_NAME}."
            )
    if len(hits) > 1:
        raise DataError(
            f"{location}: the columns {_name_list([theirs[hit] for hit in hits])} both land on {ours}. Remove or rename "
            f"one of them, or say in {FILE_NAME} which one is meant."
        )
    return hits[0] if hits else None


def _refuse_shared(
    table: Table, position: dict[str, int], theirs: list[str], mapped: TableMapping, location: str
) -> None:
    """One of theirs may fill several id columns of ours (an owner who is also the sponsor), nothing else."""
    kinds = {column.name: column.kind for column in table.columns}
    by_theirs: dict[int, list[str]] = {}
    for ours, index in position.items():
        by_theirs.setdefault(index, []).append(ours)
    for index, names in by_theirs.items():
        if len(names) > 1 and any(kinds[name] in ("money", "number", "integer") for name in names):
            raise ConfigurationError(
                f"{FILE_NAME}: tables.{table.name}.columns: {theirs[index]!r} of {location} is taken for "
                f"{' and '.join(names)}; one column cannot be both."
            )


def _refuse_customer_revenue(table: Table, position: dict[str, int], theirs: list[str], location: str) -> None:
    if table.name != "accounts":
        return
    revenue = next((name for name in theirs if name_key(name) == _CUSTOMER_REVENUE), None)
    taken = "arr" in position and theirs[position["arr"]] == revenue
    if revenue is not None and (taken or "arr" not in position):
        raise DataError(
            f"{location}: {revenue} is the customer's own revenue, never the ARR they pay you. Map arr to the column "
            f"that holds the recurring revenue of the contract ({FILE_NAME}: tables.accounts.columns.arr)."
        )


def _refuse_missing(
    table: Table, position: dict[str, int], theirs: list[str], mapped: TableMapping, location: str
) -> None:
    given = set(position) | set(mapped.constants)
    if mapped.renewals:
        given.add("renewal_date")
    missing = [name for name in table.required if name not in given]
    if missing:
        raise DataError(
            f"{location}: the column {missing[0]} is missing"
            + (f" (and {_name_list(missing[1:])})" if missing[1:] else "")
            + f", and {table.name} cannot be read without it. The file has {_name_list(theirs)}. Name the column that "
            f"holds it in {FILE_NAME}: tables.{table.name}.columns.{missing[0]}."
        )


def _name_list(names: list[str]) -> str:
    shown = ", ".join(repr(name) if not name.replace("_", "").isalnum() else name for name in names[:20])
    return shown + (f" and {len(names) - 20} more" if len(names) > 20 else "")
