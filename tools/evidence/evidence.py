"""Evidence: the signals behind the scores of one account, in sentences, down to the rows of the input.

Pure. The registry of signals says which rows are behind each; for a signal that counts, the number of rows is the value,
so the engine's SQL and this module check each other.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from domain.evidence import Contribution, Direction, Evidence, SourceRow
from domain.score_configuration import ScoringSettings, Signal
from tools.signals.own_signals import own_row, signal_entry
from tools.signals.registry import InputRow, Period, is_answered
from tools.wording import format_unsigned, format_value, times_text

MAX_ROWS = 12
_QUOTE = 160


def build_contributions(
    details: Iterable[Mapping[str, Any]],
    previous_points: Mapping[str, float],
    scoring: ScoringSettings,
    as_of: date,
    values_before_freshness: Mapping[str, float | None],
) -> tuple[Contribution, ...]:
    """The contributions of one account; their points sum to health and to risk exactly (to the sixth decimal).

    ``previous_points``: health points by signal in the previous review. ``values_before_freshness``: values by signal,
    also those that are too old to count.
    """
    rows = list(details)
    health = exact_parts([row["health_points"] for row in rows], rows[0]["health"] if rows else None)
    risk = exact_parts([row["risk_points"] for row in rows], rows[0]["risk"] if rows else None)
    found = []
    for row, health_points, risk_points in zip(rows, health, risk, strict=True):
        signal = scoring.signals[row["signal"]]
        value = row["value"]
        stale = value is None and values_before_freshness.get(row["signal"]) is not None
        observed_on = row["observed_on"] if value is not None or stale else None
        compared = row["signal"] in previous_points and row["health"] is not None
        points_change = round(health_points - previous_points[row["signal"]], 6) if compared else None
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
                health_change=points_change,
                observed_on=observed_on,
                age_days=(as_of - observed_on).days if observed_on else None,
                state="known" if value is not None else "stale" if stale else "unknown",
            )
        )
    return tuple(found)


def exact_parts(parts: list[float | None], total: float | None) -> list[float]:
    """The parts rounded to six decimals; the largest takes the rounding difference, so that they sum to ``total``."""
    # Rounded parts rarely sum to the rounded total. The largest part takes the difference, where it shows least, so that
    # a reader who adds up the table gets the score.
    micro = [round((part or 0.0) * 1e6) for part in parts]
    if total is not None and micro:
        largest = max(range(len(micro)), key=lambda index: abs(micro[index]))
        micro[largest] += round(total * 1e6) - sum(micro)
    return [value / 1e6 for value in micro] if total is not None else [0.0] * len(micro)


def direction(signal: Signal, component: float | None, scoring: ScoringSettings) -> Direction:
    """Direction that the sentence about a signal states.

    - An unknown component is steady.
    - A component below ``severity_below`` is worse.
    - A component in the green band is better. If the phrase for "better" has no value ("no invoice is overdue"), it is
      true of the best value only: the component has to be 100.
    - Any other component is steady.
    """
    if component is None:
        return "steady"
    if component < scoring.severity_below.value:
        return "worse"
    absolute = "{value}" not in signal.says.better
    return "better" if component >= (100 if absolute else scoring.health_bands[-1].starts_at) else "steady"


def signal_sentence(name: str, value: float, direction_: Direction, scoring: ScoringSettings) -> str:
    """One sentence on the signal ``name``, with value and direction; no internal score.

    A change uses its sign, not the component.
    """
    signal = scoring.signals[name]
    phrase = signal.says
    if signal.unit in ("percent_change", "score_10_change"):
        is_worse = value < 0 if signal.worse_when == "lower" else value > 0
        text = phrase.steady if value == 0 else phrase.worse if is_worse else phrase.better
    else:
        text = {"worse": phrase.worse, "better": phrase.better, "steady": phrase.steady}[direction_]
    stated = signal_entry(name, signal).is_stated  # counted by how often people wrote it
    return text.format(value=times_text(value) if stated else format_unsigned(value, signal.unit))


def build_evidence(
    contributions: Iterable[Contribution],
    rows: list[InputRow],
    statements: Mapping[str, list[InputRow]],
    scoring: ScoringSettings,
    sources: Mapping[str, str],
    as_of: date,
) -> tuple[Evidence, ...]:
    """E1, E2, …: every known signal of one account, those that add risk first, with the rows behind it."""
    known = [contribution for contribution in contributions if contribution.value is not None]
    known.sort(
        key=lambda contribution: (
            -contribution.risk_points,
            contribution.component if contribution.component is not None else 100,
            contribution.signal,
        )
    )
    found = []
    for index, contribution in enumerate(known, start=1):
        signal = scoring.signals[contribution.signal]
        direction_ = direction(signal, contribution.component, scoring)
        source_rows = _source_rows(
            contribution.signal, signal, rows, statements, Period(as_of, signal.window_days or 0)
        )
        assert contribution.value is not None
        found.append(
            Evidence(
                id=f"E{index}",
                signal=contribution.signal,
                category=signal.category,
                pillar=signal.pillar,
                statement=" ".join(
                    [
                        signal_sentence(contribution.signal, contribution.value, direction_, scoring) + ".",
                        *_pair_sentences(contribution.signal, {c.signal: c.component for c in known}, scoring),
                    ]
                ),
                value=contribution.value,
                shown=contribution.shown,
                unit=signal.unit,
                direction=direction_,
                observed_on=contribution.observed_on,
                source=_source(signal.table, source_rows, sources),
                rows=tuple(source_row(row) for row in source_rows[:MAX_ROWS]),
                row_count=len(source_rows),
                risk_points=contribution.risk_points,
            )
        )
    return tuple(found)


def _pair_sentences(name: str, components: Mapping[str, float | None], scoring: ScoringSettings) -> Iterator[str]:
    """A sentence for each pair of this signal of which both count against the account."""
    for pair in scoring.pairs:
        both = [components.get(each) for each in pair.signals]
        if name in pair.signals and all(c is not None and c < scoring.severity_below.value for c in both):
            other = next(each for each in pair.signals if each != name)
            yield f"It counts together with {scoring.signals[other].label}: {pair.says}."


def _source(table: str, source_rows: list[InputRow], sources: Mapping[str, str]) -> str:
    tables = sorted({row.table for row in source_rows}) or [table]
    return ", ".join(sources.get(name) or name for name in tables)


def _source_rows(
    name: str, signal: Signal, rows: list[InputRow], statements: Mapping[str, list[InputRow]], period: Period
) -> list[InputRow]:
    entry = signal_entry(name, signal)
    if entry.is_stated:
        found = list(statements.get(name, []))
    else:
        found = [row for row in rows if row.table in entry.rows and entry.rows[row.table](row, period)]
    if entry.row_filter is not None:
        found = entry.row_filter(found, rows)
    if signal.own is not None:
        found = [own_row(row, signal.own) for row in found]
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
    names = ("ticket_id", "invoice_id", "contact_id_own", "own_key")
    return next((str(row.columns[name]) for name in names if row.columns.get(name)), "")


def shorten_quote(text: str, limit: int = _QUOTE) -> str:
    """A short quotation on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def _text(row: InputRow) -> str:
    quote = row.columns.get("quote")
    if quote:
        return f"“{shorten_quote(str(quote))}”"
    if "own_text" in row.columns:
        return str(row.columns["own_text"])
    return _ROW_TEXTS[row.table](row.columns)


def _usage_text(columns: Mapping[str, Any]) -> str:
    named = ("active_users", "logins", "core_actions", "features_used")
    return ", ".join(f"{columns[k]:g} {k.replace('_', ' ')}" for k in named if columns.get(k) is not None)


def _ticket_text(columns: Mapping[str, Any]) -> str:
    marks = [str(columns["priority"])] if columns.get("priority") else []
    marks += ["escalated"] if columns.get("escalated") else []
    marks += ["service level missed"] if columns.get("sla_breached") else []
    marks += [f"CSAT {columns['csat']:g}"] if columns.get("csat") is not None else []
    marks += [_ticket_end(columns)]
    return f"{shorten_quote(str(columns.get('subject') or 'no subject'), 90)} ({', '.join(marks)})"


def _ticket_end(columns: Mapping[str, Any]) -> str:
    if columns.get("closed_at") is not None:
        return f"closed {columns['closed_at']}"
    return "closed" if columns.get("status") == "closed" else "open"


def _invoice_text(columns: Mapping[str, Any]) -> str:
    status = columns.get("status") or "status unknown"
    return f"{columns['amount']:,.2f} {columns.get('currency') or ''} {status}".strip()


def _survey_text(columns: Mapping[str, Any]) -> str:
    comment = f": “{shorten_quote(str(columns['comment']), 100)}”" if columns.get("comment") else ""
    return f"{str(columns['kind']).upper()} {columns['score']:g}{comment}"


def _note_text(columns: Mapping[str, Any]) -> str:
    return f"pulse {columns['pulse']:g}: “{shorten_quote(str(columns['text']), 110)}”"


def _touchpoint_text(columns: Mapping[str, Any]) -> str:
    answer = "missed" if columns.get("attended") is False else "answered" if is_answered(columns) else "no answer"
    contact = f" with {columns['contact_name']}" if columns.get("contact_name") else ""
    return f"{str(columns['kind']).replace('_', ' ')}{contact}, {answer}"


def _contact_text(columns: Mapping[str, Any]) -> str:
    left = f", departed {columns.get('departed_on') or ''}".rstrip() if columns.get("status") == "departed" else ""
    return f"{columns['name']}, {str(columns.get('role') or 'no role').replace('_', ' ')}{left}"


def _goal_text(columns: Mapping[str, Any]) -> str:
    return f"{shorten_quote(str(columns['goal']), 90)}: {str(columns['status']).replace('_', ' ')}"


def _outcome_text(columns: Mapping[str, Any]) -> str:
    return f"{columns.get('kind')} {columns.get('arr_change') or ''}".strip()


_ROW_TEXTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "usage": _usage_text, "tickets": _ticket_text, "invoices": _invoice_text, "surveys": _survey_text, "notes": _note_text,
    "touchpoints": _touchpoint_text, "contacts": _contact_text, "goals": _goal_text, "outcomes": _outcome_text,
}  # fmt: skip
"""Text of a row without a quotation, by its input table."""
