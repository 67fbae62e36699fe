"""The rule for a table of which too much could not be used: the run stops, or goes on as if it were not connected.

The few rows that are left of such a table say that little happened, which looks like good news. ``accounts`` always stops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.data_audit import DataAudit, SourceAudit
from domain.errors import DataError
from tools.sources.mapping import FILE_NAME, SourceMapping


@dataclass(frozen=True)
class LeftOutLimits:
    """By table, or ``default``: the share of its rows that may be left out. Fewer than ``minimum_rows`` stop nothing."""

    by_table: Mapping[str, float] = field(default_factory=dict)
    minimum_rows: int = 0

    def of(self, table: str) -> float:
        """The limit of a table, 0 to 1; 1 where none is set."""
        return self.by_table.get(table, self.by_table.get("default", 1.0))


def with_shares(audit: DataAudit) -> DataAudit:
    """The audit with the share of each table that could not be used."""
    sources = tuple(
        source.model_copy(update={"share_left_out": round(audit.share_left_out_of(source), 6)})
        for source in audit.sources
    )
    return audit.model_copy(update={"sources": sources})


def tables_to_give_up(audit: DataAudit, limits: LeftOutLimits, mapping: SourceMapping) -> list[str]:
    """The tables above their limit that the mapping allows to be treated as not connected.

    Raises DataError for a table above its limit that it does not name.
    """
    above = [source for source in audit.sources if _is_above(audit, source, limits)]
    allowed = {source.table for source in above if mapping.table(source.table).when_unreadable == "not_connected"}
    stopping = [source for source in above if source.table not in allowed or source.table == "accounts"]
    if stopping:
        raise DataError("; ".join(_problem(audit, source, limits) for source in stopping))
    return sorted(allowed)


def _is_above(audit: DataAudit, source: SourceAudit, limits: LeftOutLimits) -> bool:
    unusable = audit.unusable_rows(source)
    return unusable >= max(limits.minimum_rows, 1) and source.share_left_out > limits.of(source.table)


def _problem(audit: DataAudit, source: SourceAudit, limits: LeftOutLimits) -> str:
    unusable = audit.unusable_rows(source)
    reasons = sorted(_reasons(audit, source.table), key=lambda reason: -reason[0])
    worst = "; ".join(f"{rows:,} rows: {text}" for rows, text in reasons[:2])
    choice = f", or set tables.{source.table}.when_unreadable: not_connected in {FILE_NAME} to go on without it"
    return (
        f"{source.location}: {unusable:,} of {unusable + source.rows:,} rows could not be used ({100 * source.share_left_out:.0f} %, at most"
        f" {100 * limits.of(source.table):.0f} % may be): {worst}. What is left would look like good news. Mend the file or the mapping"
        f"{'' if source.table == 'accounts' else choice}"
    )


def _reasons(audit: DataAudit, table: str) -> Sequence[tuple[int, str]]:
    """Rows and reason with an example, of rows and not of single cells."""
    return [
        (entry.rows, f"{f'{entry.column}: ' if entry.column else ''}{entry.reason} ({entry.examples[0]})")
        for entry in audit.left_out
        if entry.table == table and entry.is_row_fault
    ]


def given_up_audit(source: SourceAudit) -> SourceAudit:
    """The audit of a table that is treated as not connected."""
    notice = (
        f"{100 * source.share_left_out:.0f} % of the rows could not be used, so the table is treated as not connected"
        f" (when_unreadable in {FILE_NAME})."
    )
    return source.model_copy(
        update={
            "connected": False,
            "given_up": True,
            "rows": 0,
            "first_date": None,
            "last_date": None,
            "seen_until": None,
            "notices": (*source.notices, notice),
        }
    )
