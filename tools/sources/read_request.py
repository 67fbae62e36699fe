"""The request for one read of the data: the review date, the rates, the look-back, and the texts that are wanted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from domain.score_configuration import Signal
from domain.tables import TABLES, Table
from tools.engine import StepWatcher
from tools.sources.currencies import CurrencyRates
from tools.sources.left_out_limits import LeftOutLimits
from tools.sources.staging_table import ReadPlan, StagingTable
from tools.sources.validation_rules import first_day_read, value_limits
from tools.sql import sql_date


@dataclass(frozen=True)
class TextFilter:
    """The texts that are wanted: those of the last ``window_days`` days that match ``pattern``, without regard to case."""

    pattern: str
    window_days: int


@dataclass(frozen=True)
class ReadRequest:
    """The arguments of ``open_portfolio``. ``texts`` None: files are read with all texts, a server sends none."""

    as_of: date
    rates: CurrencyRates
    lookback_days: Mapping[str, int]
    texts: TextFilter | None
    windows: Mapping[str, int]
    """Days that signals look back, by signal; a server that measures them needs them."""
    watcher: StepWatcher
    left_out: LeftOutLimits = field(default_factory=LeftOutLimits)
    tables: Mapping[str, Table] = field(default_factory=lambda: TABLES)
    """The tables that are read, those of own signals among them."""
    own: Mapping[str, Signal] = field(default_factory=dict)
    """The own signals, for a server that measures them."""

    def since(self, table: Table) -> date | None:
        """The first day that is read of a table; None where all of it is."""
        return first_day_read(table, self.as_of, self.lookback_days)

    def plan(self, staging: StagingTable) -> ReadPlan:
        """The rows to read, and the ranges of their cells. A row without a day is read, to be reported."""
        since, keep = self.since(staging.table), "true"
        if since is not None:
            day = f"v_{staging.table.date_column}"
            keep = f"({day} IS NULL OR {day} >= {sql_date(since)})"
        return ReadPlan(keep, value_limits(staging.table.name, dict(staging.mapped.units)))
