"""The format of one column (dates, decimals, types), and the SQL expressions that read it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class ColumnFormat:
    """The way the cells of one column are written; None where neither the mapping nor the cells show it."""

    date_order: str | None = None
    """``day_first``, ``month_first`` or ``iso``."""
    decimal: str | None = None
    """``point`` or ``comma``."""
    unit: str | None = None
    """A unit of mapping.yaml: ``minor``, ``epoch_ms``, ``epoch_s``, ``percent``, ``five`` or ``good_bad``."""
    numeric: bool = False
    """The source says that it is a number, so that a point is a decimal point."""
    plain: bool = False
    """Every cell is an ISO date, or digits with at most a decimal point: a cast is enough."""
    values: dict[str, str] = field(default_factory=dict)
    """Words of the source and what they mean, from mapping.yaml."""
    typed: str | None = None
    """The source's own type, where the cell can be taken as it is."""
    fast_path: bool = False
    """Take ids and choices as they are, without spaces around them. Only for sources with types."""


@dataclass(frozen=True)
class ColumnExpressions:
    """SQL expressions of one column ``x``: ``text`` yields t_x, ``parts`` p_x (a struct, where needed), ``value`` v_x.

    ``problems`` are (condition over t_x, p_x and v_x, reason); the first that holds is the one reported.
    """

    text: str
    parts: str | None
    value: str
    problems: tuple[tuple[str, str], ...]
