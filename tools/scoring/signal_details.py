"""Every signal of every account, as one nested column beside the scores: for other programs, and for people who ask why.

Pure SQL text over ``scored`` and ``measured``; the engine does the work for all accounts at once.
"""

from collections.abc import Mapping
from datetime import date

from domain.score_configuration import ScoreConfiguration, Signal
from tools.scoring.score_sql import detail_sql
from tools.scoring.source_shares import ALL_SOURCES, SourceShares
from tools.sql import sql_string


def scores_with_signals_sql(
    configuration: ScoreConfiguration, as_of: date, reasons: Mapping[str, str], shares: SourceShares = ALL_SOURCES
) -> str:
    """The columns of ``scored`` and the struct ``signals``, one row an account in the order of the ids.

    Of each signal: ``value``, ``component`` (0 to 100), ``observed_on``, ``state`` (known, stale or unknown) and ``reason``,
    which is empty where it is known. ``reasons`` has for each signal why it is
    unknown where it is.
    """
    signals = ", ".join(
        f"{name} := {_struct(name, signal, reasons[name])}" for name, signal in configuration.scoring.signals.items()
    )
    details = detail_sql(configuration, "measured", as_of, "scored", shares)
    return (
        f"select s.*, struct_pack({signals}) as signals from scored s join ({details}) d on d.account_id = s.account_id"
        " join measured m on m.account_id = s.account_id order by s.account_id"
    )


def _struct(name: str, signal: Signal, missing: str) -> str:
    is_known, is_stale = f"d.value__{name} is not null", f"m.{name} is not null"
    old = f"'last seen on ' || d.observed_on__{name} || {sql_string(f', and it counts for {signal.fresh.days} days')}"
    return (
        f"struct_pack(value := d.value__{name}, component := d.component__{name},"
        f" observed_on := case when {is_known} or {is_stale} then d.observed_on__{name} end,"
        f" state := case when {is_known} then 'known' when {is_stale} then 'stale' else 'unknown' end,"
        f" reason := case when {is_known} then null when {is_stale} then {old} else {sql_string(missing)} end)"
    )
