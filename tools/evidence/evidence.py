"""Evidence: the facts behind the scores of one account, in sentences, down to the rows of the input.

Pure. The registry of signals says which rows are behind each; for a signal that counts, the number of rows is the value,
so the engine's SQL and this module check each other.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from domain.configuration import ScoringSettings, Signal
from domain.evidence import Contribution, Direction, Evidence, SourceRow
from tools.signals.registry import SIGNALS, InputRow, Period, is_answered
from tools.wording import format_unsigned, format_value, times_text

MAX_ROWS = 12
_QUOTE = 160


def build_contributions(
    details: Iterable[Mapping[str, Any]],
    before: Mapping[str, float],
    scoring: ScoringSettings,
    as_of: date,
    raw: Mapping[str, float | None],
) -> tuple[Contribution, ...]:
    """The scorecard of one account; its points sum to health and to risk exactly (to the sixth decimal)."""
    rows = list(details)
    health = exact_parts([row["health_points"] for row in rows], rows[0]["health"] if rows else None)
    risk = exact_parts([row["risk_points"] for row in rows], rows[0]["risk"] if rows else None)
    found = []
    for row, health_points, risk_points in zip(rows, health, risk, strict=True):
        signal = scoring.signals[row["signal"]]
        value = row["value"]
        stale = value is None and raw.get(row["signal"]) is not None
        seen = row["observed_on"]
        compared = row["signal"] in before and row["health"] is not None
        moved = round(health_points - before[row["signal"]], 6) if compared else None
        found.append(
            Contribution(
                signal=row["signal"],
                label=signal.label,
                category=signal.category,
                value=value,
                shown=format_value(value, signal.unit),
                component=row["component"],
                weight=round(row["share"] or 0.0, 6),
                health_points=health_points,
                risk_points=risk_points,
                health_change=moved,
                observed_on=seen if value is not None or stale else None,
                age_days=(as_of - seen).days if seen and (value is not None or stale) else None,
                state="known" if value is not None else "stale" if stale else "unknown",
            )
        )
    return tuple(found)


def exact_parts(parts: list[float | None], total: float | None) -> list[float]:
    """The parts in millionths, with the rounding left over given to the largest, so that they sum to ``total``."""
    # Rounded parts rarely sum to the rounded total. The largest part takes the difference, where it shows least, so that
    # a reader who adds up the table gets the score.
    micro = [round((part or 0.0) * 1e6) for part in parts]
    if total is not None and micro:
        largest = max(range(len(micro)), key=lambda index: abs(micro[index]))
        micro[largest] += round(total * 1e6) - sum(micro)
    return [value / 1e6 for value in micro] if total is not None else [0.0] * len(micro)


def direction(signal: Signal, component: float | None, scoring: ScoringSettings) -> Direction:
    """Worse below the line where severity begins, better in the green band, steady between.

    A phrase without a value ("no invoice is overdue") is true of the best value only; short of it, steady.
    """
    if component is None:
        return "steady"
    if component < scoring.severity_below.value:
        return "worse"
    absolute = "{value}" not in signal.says.better
    return "better" if component >= (100 if absolute else scoring.health_bands[-1].starts_at) else "steady"


def signal_sentence(name: str, value: float, way: Direction, scoring: ScoringSettings) -> str:
    """One sentence on the signal ``name``, with value and direction; no internal score. A change speaks by its own sign."""
    signal = scoring.signals[name]
    phrase = signal.says
    if signal.unit in ("percent_change", "score_10_change"):
        text = phrase.worse if value < 0 else phrase.better if value > 0 else phrase.steady
    else:
        text = {"worse": phrase.worse, "better": phrase.better, "steady": phrase.steady}[way]
    stated = SIGNALS[name].is_stated  # counted by how often people wrote it
    return text.format(value=times_text(value) if stated else format_unsigned(value, signal.unit))


def build_evidence(
    scorecard: Iterable[Contribution],
    rows: list[InputRow],
    statements: Mapping[str, list[InputRow]],
    scoring: ScoringSettings,
    sources: Mapping[str, str],
    as_of: date,
) -> tuple[Evidence, ...]:
    """E1, E2, …: every known signal of one account, those that add risk first, with the rows behind it."""
    known = [part for part in scorecard if part.value is not None]
    known.sort(key=lambda part: (-part.risk_points, part.component if part.component is not None else 100, part.signal))
    found = []
    for index, part in enumerate(known, start=1):
        signal = scoring.signals[part.signal]
        way = direction(signal, part.component, scoring)
        behind = _rows_behind(part.signal, rows, statements, Period(as_of, signal.window_days or 0))
        assert part.value is not None
        found.append(
            Evidence(
                id=f"E{index}",
                signal=part.signal,
                category=signal.category,
                pillar=signal.pillar,
                statement=signal_sentence(part.signal, part.value, way, scoring) + ".",
                value=part.value,
                shown=part.shown,
                unit=signal.unit,
                direction=way,
                observed_on=part.observed_on,
                source=_source(signal.table, behind, sources),
                rows=tuple(source_row(row) for row in behind[:MAX_ROWS]),
                row_count=len(behind),
                risk_points=part.risk_points,
            )
        )
    return tuple(found)


def _source(table: str, behind: list[InputRow], sources: Mapping[str, str]) -> str:
    tables = sorted({row.table for row in behind}) or [table]
    return ", ".join(sources.get(name) or name for name in tables)


def _rows_behind(
    signal: str, rows: list[InputRow], statements: Mapping[str, list[InputRow]], period: Period
) -> list[InputRow]:
    entry = SIGNALS[signal]
    if entry.is_stated:
        found = list(statements.get(signal, []))
    else:
        found = [row for row in rows if row.table in entry.rows and entry.rows[row.table](row, period)]
    if entry.keep is not None:
        found = entry.keep(found, rows)
    return sorted(found, key=_newest_first)


def _newest_first(row: InputRow) -> tuple[int, str, str, str, int]:
    """Order of rows by what they say, so that the order of lines in an export changes nothing; its place comes last."""
    return (-(row.on.toordinal() if row.on else 0), row.table, _own_id(row), _text(row), row.row)


def source_row(row: InputRow) -> SourceRow:
    """The row as the page shows it."""
    return SourceRow(table=row.table, row=row.row, on=row.on, key=_key(row), text=_text(row))


def _key(row: InputRow) -> str:
    return _own_id(row) or (row.on.isoformat() if row.on else f"row {row.row}")


def _own_id(row: InputRow) -> str:
    """The id that the row has in its source; empty where there is none."""
    names = ("ticket_id", "invoice_id", "contact_id_own")
    return next((str(row.facts[name]) for name in names if row.facts.get(name)), "")


def shorten_quote(text: str, limit: int = _QUOTE) -> str:
    """A short quotation on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _text(row: InputRow) -> str:
    facts = row.facts
    if facts.get("quote"):
        return f"“{shorten_quote(str(facts['quote']))}”"
    if row.table == "usage":
        named = ("active_users", "logins", "core_actions", "features_used")
        return ", ".join(f"{facts[k]:g} {k.replace('_', ' ')}" for k in named if facts.get(k) is not None)
    if row.table == "tickets":
        marks = [str(facts["priority"])] if facts.get("priority") else []
        marks += ["escalated"] if facts.get("escalated") else []
        marks += ["service level missed"] if facts.get("sla_breached") else []
        marks += [f"CSAT {facts['csat']:g}"] if facts.get("csat") is not None else []
        marks += ["open" if facts.get("closed_at") is None else f"closed {facts['closed_at']}"]
        return f"{shorten_quote(str(facts.get('subject') or 'no subject'), 90)} ({', '.join(marks)})"
    if row.table == "invoices":
        return f"{facts['amount']:,.2f} {facts.get('currency') or ''} {facts.get('status') or 'status unknown'}".strip()
    return _other_text(row)


def _other_text(row: InputRow) -> str:
    facts = row.facts
    if row.table == "surveys":
        said = f": “{shorten_quote(str(facts['comment']), 100)}”" if facts.get("comment") else ""
        return f"{str(facts['kind']).upper()} {facts['score']:g}{said}"
    if row.table == "notes":
        return f"pulse {facts['pulse']:g}: “{shorten_quote(str(facts['text']), 110)}”"
    if row.table == "touchpoints":
        how = "missed" if facts.get("attended") is False else "answered" if is_answered(row) else "no answer"
        who = f" with {facts['contact_name']}" if facts.get("contact_name") else ""
        return f"{str(facts['kind']).replace('_', ' ')}{who}, {how}"
    if row.table == "contacts":
        left = f", departed {facts.get('departed_on') or ''}".rstrip() if facts.get("status") == "departed" else ""
        return f"{facts['name']}, {str(facts.get('role') or 'no role').replace('_', ' ')}{left}"
    if row.table == "goals":
        return f"{shorten_quote(str(facts['goal']), 90)}: {str(facts['status']).replace('_', ' ')}"
    return f"{facts.get('kind')} {facts.get('arr_change') or ''}".strip()
