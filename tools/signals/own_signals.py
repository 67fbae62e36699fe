"""Own signals: SQL that measures what scoring.yaml says under ``own``, and the rows that are behind each value.

Pure text. One rule: only what every engine has, so that an own signal is measured where the shipped ones are.
"""

from collections.abc import Collection, Mapping
from datetime import date

from domain.data_audit import DataAudit, SourceAudit
from domain.own_signals import OWN_ACCOUNTS, OwnMeasure
from domain.score_configuration import Signal
from tools.signals.registry import SIGNALS, InputRow, Period, RowTest, SignalEntry
from tools.sql import sql_date

Sources = Mapping[str, SourceAudit]
"""The audit of each table, by its name."""


def observed_on(name: str) -> str:
    """The column that holds the day a signal was observed."""
    return SIGNALS[name].observed_on if name in SIGNALS else f"{name}_on"


def signal_entry(name: str, signal: Signal) -> SignalEntry:
    """The entry of a signal: the registered one, or the one that follows from ``own``."""
    if signal.own is None:
        return SIGNALS[name]
    measure = signal.own
    needs = ((measure.cell,),) if measure.cell else ()
    newest = measure.take in ("latest", "days_since")
    test = _row_test(measure, signal.days_read)
    return SignalEntry(
        observed_on(name),
        {signal.table: test},
        needs,
        row_filter=_newest if newest else None,
        is_whole=_is_whole(signal),
    )


def _is_whole(signal: Signal) -> bool:
    return signal.own is not None and signal.own.take in ("count", "days_since")


def own_signals_in(signals: Mapping[str, Signal], categories: Collection[str]) -> dict[str, Signal]:
    """The own signals of these categories."""
    return {name: each for name, each in signals.items() if each.own is not None and each.category in categories}


def _row_test(measure: OwnMeasure, days: int) -> RowTest:
    """The rows that the value is made of: those with a cell, inside the windows that are looked at."""

    def test(row: InputRow, period: Period) -> bool:
        has_cell = measure.cell is None or row.columns.get(measure.cell) is not None
        return has_cell and (not days or 0 <= row.age(period.as_of) < days)

    return test


def _newest(candidates: list[InputRow], _: list[InputRow]) -> list[InputRow]:
    """The rows of the latest day."""
    last = max((row.on for row in candidates if row.on is not None), default=None)
    return [row for row in candidates if row.on == last]


def sources_of(audit: DataAudit) -> Sources:
    """The audits by table."""
    return {source.table: source for source in audit.sources}


def own_signals_sql(signals: Mapping[str, Signal], as_of: date, sources: Sources) -> str:
    """One row an account: these own signals and the days they were observed. Needs ``accounts`` and the own tables."""
    columns, joins = [], []
    for place, table in enumerate(sorted({signal.table for signal in signals.values()})):
        those = {name: signal for name, signal in signals.items() if signal.table == table}
        joins.append(f"left join ({_by_account(table, those, as_of)}) o{place} on o{place}.account_id = a.account_id")
        for name, signal in those.items():
            is_measured = _is_measured(signal, sources.get(table))
            value = _value(name, signal, f"o{place}.") if is_measured else "cast(null as double)"
            seen = sources[table].seen_until if table in sources else None
            columns += [f"{value} as {name}", f"{_day(name, signal, f'o{place}.', seen)} as {observed_on(name)}"]
    return f"select a.account_id, {', '.join(columns)} from accounts a {' '.join(joins)}"


def _is_measured(signal: Signal, source: SourceAudit | None) -> bool:
    """True where the table is there and some row fills the column; else every account is unknown, and none is zero."""
    cell = signal.own.cell if signal.own else None
    return (
        source is not None
        and source.connected
        and (cell is None or (cell in source.columns and cell not in source.columns_empty))
    )


def _by_account(table: str, signals: Mapping[str, Signal], as_of: date) -> str:
    """The aggregates of one own table, one row an account."""
    dated = table != OWN_ACCOUNTS
    today = f"cast({sql_date(as_of)} as date)"
    inner = ["account_id", *(["date", f"date_diff('day', date, {today}) as age"] if dated else [])]
    for cell, measure in _cells(signals).items():
        inner.append(f"{_number(cell, measure, today)} as n_{cell}")
        if dated:
            inner.append(
                f"dense_rank() over (partition by account_id order by case when {cell} is null then 1 else 0 end, "
                f"date desc) as r_{cell}"
            )
    outer = [part for name, signal in signals.items() for part in _aggregates(name, signal, dated)]
    bound = f" where date <= {today}" if dated else ""
    rows = f"select {', '.join(inner)} from {table}{bound}"
    return f"select account_id, {', '.join(outer)} from ({rows}) read_rows group by account_id"


def _cells(signals: Mapping[str, Signal]) -> dict[str, OwnMeasure]:
    measures = [signal.own for signal in signals.values() if signal.own]
    return {measure.cell: measure for measure in measures if measure.cell}


def _number(cell: str, measure: OwnMeasure, today: str) -> str:
    if measure.kind == "flag":
        return f"case when {cell} then 1 when not {cell} then 0 end"
    return f"date_diff('day', {cell}, {today})" if measure.kind == "date" else cell


def _aggregates(name: str, signal: Signal, dated: bool) -> list[str]:
    """The parts that the value is made of, as aggregates ``<part>_<signal>``."""
    assert signal.own is not None
    take, cell = signal.own.take, signal.own.cell
    value = f"n_{cell}" if cell else "1"
    has = f"{value} is not null"
    days = signal.window_days
    now = f"age < {days}" if days else "true"
    before = f"age >= {days} and age < {2 * days}" if days else "false"
    # The worse of several values of one day counts, so that the order of rows never matters.
    worst = "max" if signal.worse_when == "higher" else "min"
    if not dated:
        return [f"{worst}({value}) as v_{name}"]
    parts: dict[str, list[str]] = {
        "latest": [f"{worst}(case when r_{cell} = 1 then {value} end) as v_{name}"],
        "lowest": [f"min(case when {now} then {value} end) as v_{name}"],
        "highest": [f"max(case when {now} then {value} end) as v_{name}"],
        "mean": [f"avg(case when {now} then {value} end) as v_{name}"],
        "sum": [f"sum(case when {now} then {value} end) as v_{name}"],
        "count": [f"sum(case when {now} and {has} then 1 else 0 end) as v_{name}"],
        "days_since": [f"min(case when {has} then age end) as v_{name}"],
        "change": [f"sum(case when {w} then {value} end) as {part}_{name}" for part, w in (("v", now), ("b", before))],
        "difference": [
            f"avg(case when {w} then {value} end) as {part}_{name}" for part, w in (("v", now), ("b", before))
        ],
    }
    return [*parts[take], f"max(case when {has} then date end) as d_{name}"]


def _value(name: str, signal: Signal, alias: str) -> str:
    """The value from the aggregates. A table that records every event shows that none happened; one with rows for some
    accounts does not."""
    assert signal.own is not None
    take = signal.own.take
    now, before, day = (f"{alias}{part}_{name}" for part in "vbd")
    silence = f"coalesce({now}, 0)" if signal.fresh.counted_from == "source" else now
    if take in ("sum", "count"):
        on_record = f"case when {day} is not null then coalesce({now}, 0) end"
        return f"cast({silence if signal.fresh.counted_from == 'source' else on_record} as double)"
    if take == "change":
        return f"case when {before} > 0 then 100.0 * ({silence} - {before}) / {before} end"
    if take == "difference":
        return f"{now} - {before}"
    return now


def _day(name: str, signal: Signal, alias: str, seen: date | None) -> str:
    if signal.table == OWN_ACCOUNTS or signal.fresh.counted_from == "source":
        return f"cast({sql_date(seen)} as date)"
    return f"{alias}d_{name}"


def own_row(row: InputRow, measure: OwnMeasure) -> InputRow:
    """The row as evidence: the one cell that the signal is measured from, and the account where the row has no day."""
    value = row.columns.get(measure.cell) if measure.cell else None
    text = f"{measure.column}: {_shown(measure, value)}" if value is not None else "a row on this day"
    key = row.columns.get("account_id") if row.on is None else None
    return InputRow(row.table, row.row, row.on, {"own_text": text, "own_key": key})


def _shown(measure: OwnMeasure, value: object) -> str:
    words = {number: word for word, number in measure.values.items()}
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return words.get(float(value)) or f"{value:,.10g}"
    return str(value)
