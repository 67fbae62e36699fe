"""What reading a column needs to know, and the SQL it comes to."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnFormat:
    """How the cells of one column are meant; None where nobody said and the cells themselves do not show it."""

    date_order: str | None = None
    decimal: str | None = None
    unit: str | None = None
    numeric: bool = False
    plain: bool = False
    """Every cell is an ISO date, or digits with at most a decimal point: no need for the long way of reading."""
    values: dict[str, str] = field(default_factory=dict)
    typed: str | None = None
    """The source's own type, where the cell can be taken as it is."""
    fast_path: bool = False
    """Take ids and choices as they are but for blanks around them: tried first where the source has types."""


@dataclass(frozen=True)
class ColumnExpressions:
    """Expressions of one column. ``problems`` are (condition, reason) over t_, p_ and v_, the first that holds wins."""

    text: str
    parts: str | None
    value: str
    problems: tuple[tuple[str, str], ...]
