"""Result of reading the input: rows read, rows left out with reasons, and the age of each source."""

from datetime import date

from domain.record import Record

ACCOUNT_LEFT_OUT = "its account was left out"
"""Reason for rows of an account that could not be used itself: their own table is not at fault."""
FUTURE_DATED = "dated after the review date"
"""Reason for rows that are left out because they are in the future."""

DELETED_AT_SOURCE = "deleted at the source, or replaced by a newer version"
"""Reason for rows that the source itself marks as rows that no longer count."""
ACCOUNT_DELETED = "its account is deleted at the source"
"""Reason for rows of such an account."""
EXACT_REPEAT = "the same row is there already, cell by cell; it counts once"
"""Reason for a row of a table without a key that repeats an earlier one exactly."""

UNKNOWN_PREFIX = "value set to unknown: "
"""Beginning of the reason for a cell, whose row is kept."""
_NOT_FAULTY = frozenset((FUTURE_DATED, DELETED_AT_SOURCE, ACCOUNT_DELETED, EXACT_REPEAT))
"""Reasons of rows that are left out although they could be read."""
EXCUSED = _NOT_FAULTY | {ACCOUNT_LEFT_OUT}
"""Reasons that say nothing against the table that the rows are in."""


class LeftOutRows(Record):
    """Rows of one table left out for one reason."""

    table: str
    column: str | None
    reason: str
    """Part of a sentence: "not a date", "no such account", "dated after the review"."""
    rows: int
    examples: tuple[str, ...]
    """Up to five, each "file.csv row 12: value"; row 1 is the header line."""

    @property
    def is_row_fault(self) -> bool:
        """True for rows left out through a fault of their own; False for single cells, and for what is excused."""
        return self.reason not in EXCUSED and not self.reason.startswith(UNKNOWN_PREFIX)


class SourceAudit(Record):
    """One of the eleven tables as it was read."""

    table: str
    connected: bool
    location: str
    """Name of the file or table, without its folder, so that no path of a machine is shown; empty when not connected."""
    rows: int
    """Rows read and kept."""
    rows_left_out: int
    first_date: date | None
    last_date: date | None
    """Earliest and latest date on or before the review date in the table's date columns."""
    seen_until: date | None
    """Day until which the source is complete: ``exported_on`` of the mapping if given, else ``last_date``."""
    columns: tuple[str, ...]
    """Columns of `domain.tables` that the source has."""
    columns_absent: tuple[str, ...]
    """Optional columns of `domain.tables` that the source does not have."""
    columns_ignored: tuple[str, ...]
    """Columns of the source that are not read."""
    columns_empty: tuple[str, ...] = ()
    """Columns that the source has, that signals need, and that no kept row fills."""
    share_left_out: float = 0.0
    """Share of the rows up to the review date that could not be used, 0 to 1, without those of accounts left out."""
    given_up: bool = False
    """True for a table that is treated as not connected, because too much of it could not be used."""
    notices: tuple[str, ...] = ()
    """Assumptions while reading: encoding, day-first dates, minor units, the opportunity used for a renewal."""


class DataAudit(Record):
    """Result of reading the whole data location."""

    sources: tuple[SourceAudit, ...]
    left_out: tuple[LeftOutRows, ...]
    fingerprint: str
    """SHA-256 over the bytes of CSV files, the sizes and footers of Parquet files (with size, minimum and maximum of every
    column chunk), the headers of a DuckDB file, or a server's answer. It is the same for two reviews of the same data."""

    @property
    def rows(self) -> int:
        """Rows kept, over all tables."""
        return sum(source.rows for source in self.sources)

    @property
    def rows_left_out(self) -> int:
        """Rows left out, over all tables."""
        return sum(source.rows_left_out for source in self.sources)

    def unusable_rows(self, source: SourceAudit) -> int:
        """Rows of one table that could not be used, without those that say nothing against it."""
        excused = sum(entry.rows for entry in self.left_out if entry.table == source.table and entry.reason in EXCUSED)
        return max(source.rows_left_out - excused, 0)

    def share_left_out_of(self, source: SourceAudit) -> float:
        """Share of the rows of one table that could not be used, 0 to 1."""
        unusable = self.unusable_rows(source)
        return unusable / (source.rows + unusable) if unusable else 0.0

    @property
    def rows_not_faulty(self) -> int:
        """Rows left out that could be read: dated after the review, deleted at the source, or repeated."""
        return sum(entry.rows for entry in self.left_out if entry.reason in _NOT_FAULTY)

    @property
    def share_left_out(self) -> float:
        """Share of the rows up to the review date that could not be used, 0 to 1."""
        unusable = self.rows_left_out - self.rows_not_faulty
        total = self.rows + unusable
        return unusable / total if total else 0.0

    def source(self, table: str) -> SourceAudit:
        """The audit of one table. Raises StopIteration for a name that is not in `domain.tables`."""
        return next(source for source in self.sources if source.table == table)
