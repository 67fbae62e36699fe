"""The share of its intended weight on which health can rest: the sources that the team has, as far as they could be read.

Pure. A source that the team does not have is a gap of the portfolio: its weight is taken out of coverage for everybody. A
source of which much could not be read counts for what was read.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.data_audit import DataAudit
from domain.own_signals import OWN
from domain.score_configuration import CATEGORIES, SIZES, Category, ScoringSettings, Signal, Size
from domain.tables import TABLES
from tools.signals import TEXT_COLUMNS
from tools.signals.own_signals import signal_entry
from tools.signals.registry import SIGNALS


@dataclass(frozen=True)
class SourceShares:
    """By table that the team has: the share of its rows that could be read, 0 to 1. A table that is not there it has not."""

    by_table: Mapping[str, float]

    def of_signal(self, name: str, signal: Signal) -> float | None:
        """The share that was read of what the signal is measured from; None where the team has no such source."""
        if signal.table in self.by_table:
            return self.by_table[signal.table]
        return max(
            (self.by_table[table] for table in signal_tables(name, signal) if table in self.by_table), default=None
        )

    @property
    def is_lowered(self) -> bool:
        """True where much of a source that signals are measured from could not be read."""
        return any(
            share < 1 for table, share in self.by_table.items() if table in _MEASURED_TABLES or table.startswith(OWN)
        )

    @property
    def text(self) -> str:
        """The shares as text, for a file."""
        return json.dumps(dict(sorted(self.by_table.items())))


def signal_tables(name: str, signal: Signal) -> frozenset[str]:
    """The tables that a signal is measured from; any of them is enough."""
    entry = signal_entry(name, signal)
    return frozenset(TEXT_COLUMNS) if entry.is_stated else frozenset(entry.rows)


_MEASURED_TABLES = frozenset((*TEXT_COLUMNS, *(table for entry in SIGNALS.values() for table in entry.rows)))
ALL_SOURCES = SourceShares(dict.fromkeys(TABLES, 1.0))
"""Every table connected and read."""


def shares_from_text(text: str | None) -> SourceShares:
    """The shares that ``SourceShares.text`` gave; without a text, as in weeks that were saved before, all sources."""
    return ALL_SOURCES if text is None else SourceShares(json.loads(text))


def source_shares(audit: DataAudit, scoring: ScoringSettings) -> SourceShares:
    """The sources of this audit. A few rows left out do not count; a table that was given up was not read at all."""
    noticed = scoring.left_out_noticed.value
    return SourceShares(
        {
            source.table: 0.0 if not source.connected else _share_read(source.share_left_out, noticed)
            for source in audit.sources
            if source.connected or source.given_up
        }
    )


def _share_read(left_out: float, noticed: float) -> float:
    return round(1 - left_out, 6) if left_out > noticed else 1.0


def connected_signals(
    scoring: ScoringSettings, category: Category, shares: SourceShares
) -> Iterable[tuple[str, Signal]]:
    """The signals of a category that the team has a source for."""
    for name, signal in scoring.signals.items():
        if signal.category == category and shares.of_signal(name, signal) is not None:
            yield name, signal


def connected_weight(scoring: ScoringSettings, shares: SourceShares) -> dict[Size, float]:
    """By size of account: percent of the intended weight of health that the connected sources carry."""
    return {size: round(sum(_category_share(scoring, c, size, shares) for c in CATEGORIES), 9) for size in SIZES}


def _category_share(scoring: ScoringSettings, category: Category, size: Size, shares: SourceShares) -> float:
    def weight(signals: Iterable[Signal]) -> float:
        return sum(signal.weight.get(size, signal.weight["default"]) for signal in signals)

    whole = weight(signal for signal in scoring.signals.values() if signal.category == category)
    connected = weight(signal for _, signal in connected_signals(scoring, category, shares))
    return scoring.category_weights[size][category] * connected / whole if whole else 0.0
