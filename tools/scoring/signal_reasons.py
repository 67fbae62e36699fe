"""The reason why a signal is not known: for everybody, because of what a source lacks, or for one account.

Pure. Each reason is part of a sentence and is checked against the audit before it is given.
"""

from domain.data_audit import DataAudit, SourceAudit
from domain.own_signals import OwnMeasure
from domain.score_configuration import Signal
from tools.scoring.source_shares import signal_tables
from tools.signals.own_signals import signal_entry


def reason_unknown(name: str, signal: Signal, audit: DataAudit, is_known_somewhere: bool) -> str:
    """The reason for an account of which the signal is unknown."""
    everywhere = None if is_known_somewhere else reason_unknown_everywhere(name, signal, audit)
    return everywhere or f"nothing in {signal.table} measures it for this account"


def reason_unknown_everywhere(name: str, signal: Signal, audit: DataAudit) -> str | None:
    """The reason for a signal that no account has; None where each account has its own."""
    sources = [source for source in audit.sources if source.table in signal_tables(name, signal)]
    if not any(source.connected for source in sources):
        given_up = next((source for source in sources if source.given_up), None)
        if given_up is not None:
            share = f"{100 * given_up.share_left_out:.0f} % of its rows could not be used"
            return f"{given_up.table} is treated as not connected, because {share}"
        return f"{signal.table} is not connected"
    own = next((source for source in sources if source.table == signal.table and source.connected), None)
    if own is None:
        return None
    if own.rows == 0:
        return f"no row of {own.table} could be used" if own.rows_left_out else f"{own.table} has no rows to measure"
    if signal.own is not None:
        return _reason_own_column(signal.own, own)
    entry = signal_entry(name, signal)
    lacking = (_reason_empty(own, group) for group in entry.needs)
    return next((reason for reason in lacking if reason), None) or entry.not_shown or None


def _reason_own_column(measure: OwnMeasure, source: SourceAudit) -> str | None:
    """The reason where the data has no such column, or nothing in it."""
    if measure.cell is None or (measure.cell in source.columns and measure.cell not in source.columns_empty):
        return None
    what = "is not in" if measure.cell not in source.columns else "has no value that can be used in"
    return f"the column {measure.column!r} {what} {source.location}"


def _reason_empty(source: SourceAudit, columns: tuple[str, ...]) -> str | None:
    """The reason where none of these columns is filled; None where one is."""
    if any(column in source.columns and column not in source.columns_empty for column in columns):
        return None
    if any(column in source.columns for column in columns):
        return f"no row of {source.table} has {' or '.join(columns)}"
    return f"{source.table} has no {' or '.join(columns)}"
