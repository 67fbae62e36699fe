"""What is known about the data itself: what was read, what was left out and why, how fresh each source is."""

from datetime import date

from domain.record import Record

FUTURE_DATED = "dated after the review date"
"""The reason for leaving out what lies in the future."""


class LeftOutRows(Record):
    """Rows of one table left out for one reason."""

    table: str
    column: str | None
    reason: str
    """A sentence fragment: "not a date", "no such account", "dated after the review"."""
    rows: int
    examples: tuple[str, ...]
    """Up to five, each "file.csv row 12: value"; row 1 is the header line."""


class SourceAudit(Record):
    """One of the eleven tables as it was read."""

    table: str
    connected: bool
    location: str
    """File name or table name inside the data location (never an absolute path); empty when not connected."""
    rows: int
    """Rows read and kept."""
    rows_left_out: int
    first_date: date | None
    last_date: date | None
    """Earliest and latest date on or before the review date in the table's date columns."""
    seen_until: date | None
    """How fresh the source is: ``exported_on`` of the mapping if given, else ``last_date``."""
    columns: tuple[str, ...]
    """Columns of ours that the source fills."""
    columns_absent: tuple[str, ...]
    """Optional columns that the source does not have."""
    columns_ignored: tuple[str, ...]
    """Columns of the source that nothing here reads."""
    notices: tuple[str, ...] = ()
    """What was assumed while reading: encoding, day-first dates, minor units, which opportunity was taken."""


class DataAudit(Record):
    """The whole data location."""

    sources: tuple[SourceAudit, ...]
    left_out: tuple[LeftOutRows, ...]
    fingerprint: str
    """SHA-256 over the bytes of CSV files, the sizes and footers of Parquet files (they tell the size and the extremes of
    every column chunk), the headers of a DuckDB file, or what a server answered: two reviews of the same data share it."""

    @property
    def rows(self) -> int:
        """Rows kept, over all tables."""
        return sum(source.rows for source in self.sources)

    @property
    def rows_left_out(self) -> int:
        """Rows left out, over all tables."""
        return sum(source.rows_left_out for source in self.sources)

    @property
    def future_rows(self) -> int:
        """Rows dated after the review: not read, but nothing is wrong with them."""
        return sum(entry.rows for entry in self.left_out if entry.reason == FUTURE_DATED)

    @property
    def share_left_out(self) -> float:
        """Share of the rows up to the review date that could not be used, 0 to 1."""
        unusable = self.rows_left_out - self.future_rows
        total = self.rows + unusable
        return unusable / total if total else 0.0

    def source(self, table: str) -> SourceAudit:
        """The audit of one table."""
        return next(source for source in self.sources if source.table == table)
