"""Scores that are not plain numbers of their scale: labelled answers ("0 - Not at all likely", "4/5"), Freshdesk ratings."""

from tools.sources.mapping import FILE_NAME
from tools.sql import sql_string

SCORE_COLUMNS = frozenset((("tickets", "csat"), ("surveys", "score"), ("notes", "pulse")))
_DIGITS = r"[0-9]{1,2}(?:[.,][0-9]+)?"
_LABELLED = rf"({_DIGITS}) ?(?:[-–—:=.)(] ?[^0-9 ].*|\*+|★+|stars?)"
FRESHDESK = {-103: 1.0, -102: 1.5, -101: 2.0, 100: 3.0, 101: 4.0, 102: 4.5, 103: 5.0}
"""Freshdesk's ratings (extremely unhappy to extremely happy, 100 is neutral) on 1 to 5."""


def with_label(table: str, t: str, number: str) -> str:
    """``number``, or where the text has a label the number before it. "4/5" is read where 5 is the end of the scale."""
    ends = {"5": "true", "10": "false"}
    if table == "surveys":
        ends = {"5": "v_kind = 'csat'", "10": "v_kind = 'nps'"}
    cases = [(f"regexp_full_match({t}, {sql_string(_LABELLED)}, 'i')", "true")]
    for end, wanted in ends.items():
        pattern = sql_string(rf"{_DIGITS} ?(?:/|of|out of) ?{end}(?:\.0)?(?: stars?)?")
        cases.append((f"regexp_full_match({t}, {pattern}, 'i')", wanted))
    first = f"TRY_CAST(replace(regexp_extract({t}, '^{_DIGITS}'), ',', '.') AS DOUBLE)"
    whens = " ".join(f"WHEN {shape} AND {wanted} THEN {first}" for shape, wanted in cases)
    return f"CASE {whens} ELSE {number} END"


def freshdesk_score(number: str) -> str:
    """A Freshdesk rating on 1 to 5; moved out of every valid range where it is none, so that the range check refuses it."""
    whens = " ".join(f"WHEN {rating} THEN {score}" for rating, score in FRESHDESK.items())
    return f"CASE {number} {whens} ELSE {number} + 1000 END"


_CSAT = "a CSAT answer is 1 to 5"
_OUTSIDE = (
    f"{_CSAT}, or 0 to 100 as a percentage; if these are Freshdesk ratings (−103 to 103), say units: {{{{{{}}: freshdesk}}}} in"
    f" {FILE_NAME}"
)
_PERCENT = f"{_CSAT}; if these are percentages, say units: {{{{{{}}: percent}}}} in {FILE_NAME}"


def csat_limits(column: str, value: str, unit: str | None) -> list[tuple[str, str]]:
    """(condition, reason) for a satisfaction score outside its scale."""
    # Another unit arrives here as 1 to 5 already; a value outside its scale was moved out of the range by the reader.
    if unit == "percent":
        return [(f"{value} NOT BETWEEN 1 AND 5", "a percentage is 0 to 100")]
    if unit == "freshdesk":
        return [(f"{value} NOT BETWEEN 1 AND 5", "a Freshdesk rating is 100 to 103, or −101 to −103")]
    return [
        (f"{value} > 100 OR {value} < 0", _OUTSIDE.format(column)),
        (f"{value} > 5", _PERCENT.format(column)),
        (f"{value} < 1", _CSAT),
    ]


def right_advice(column: str | None, reason: str, reasons: list[str]) -> str:
    """The reason without the advice of percentages where ``reasons`` of the column say that it goes beyond 0 to 100."""
    outside = any(other.endswith(_OUTSIDE.format(column)) for other in reasons)
    return reason.replace(_PERCENT.format(column), _CSAT) if outside else reason
