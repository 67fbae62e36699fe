"""Text of an answer for a terminal: sentences first, then the tables that the kind of question needs."""

from collections.abc import Sequence

from rich.table import Table

from app.summary_text import render_parts, text_table
from domain.evidence import Evidence
from domain.questions import AnswerPart, AnswerTable, QuestionAnswer
from domain.save_play import SavePlay
from domain.text_drafts import CheckedSentence
from tools.wording import format_money

_ROWS = 20
_AMOUNTS = frozenset(("ARR", "ARR at risk", "health", "risk", "accounts", "at risk", "reports"))
"""Columns of figures."""


def answer_text(answered: QuestionAnswer) -> str:
    """An answer with all its parts."""
    parts: list[Table | str] = [line for line in (answered.about, answered.carried) if line]
    for part in answered.parts:
        parts += _answer_part(part)
    if answered.answered_by == "model":
        parts.append(f"Tools chosen by {answered.model}: {', '.join(answered.steps)}.")
    if answered.note:
        parts.append(answered.note)
    if answered.proposed:
        parts.append(answered.proposed)
    return render_parts(*parts)


def _answer_part(part: AnswerPart) -> list[Table | str]:
    found: list[Table | str] = [*part.sentences]
    if part.known:
        found += ["", "What is on record:", *(f"- {line}" for line in part.known)]
    for statement in part.said:
        found.append(
            f"You said: {statement.says} (“{statement.quote}”). Taken as evidence from you, not from the data."
        )
    found.append("")
    if part.candidates:
        found.append(_candidates(part))
    for table in part.tables:
        found += [_table(table), ""]
    if part.draft is not None:
        found += draft_text(part.draft_lines)
    if part.play is not None:
        found += _play(part.play)
    elif part.evidence:
        found.append(_evidence(part.evidence))
    if part.plan:
        found.append(_plan(part))
    if part.capacity:
        found.append(_capacity(part))
    return found


def draft_text(lines: Sequence[Sequence[CheckedSentence]]) -> list[str]:
    """A draft in plain letters; behind a sentence stands what no fact supports."""
    return [" ".join(map(_marked, line)) for line in lines]


def _marked(sentence: CheckedSentence) -> str:
    claims = "; ".join(f"{claim.kind} {claim.words}" for claim in sentence.claims)
    return sentence.text.strip() + (f" [no fact: {claims}]" if claims else "")


def _table(table: AnswerTable) -> Table:
    columns = tuple((name, "right" if name in _AMOUNTS else "left") for name in table.columns)
    return text_table(f"{table.title} (from {table.source})", columns, table.rows)


def _candidates(part: AnswerPart) -> Table:
    rows = [
        (c.account_id, c.name, format_money(c.arr, c.currency), str(c.renewal_date or "unknown"), c.why)
        for c in part.candidates
    ]
    columns = (
        ("id", "left"),
        ("account", "left"),
        ("ARR", "right"),
        ("renewal", "left"),
        ("why it could be meant", "left"),
    )
    return text_table("Which account is meant?", columns, rows)


def _evidence(facts: Sequence[Evidence]) -> Table:
    rows = [(e.id, e.statement, str(e.observed_on or ""), e.source) for e in facts]
    return text_table("Evidence", (("id", "left"), ("what is known", "left"), ("on", "left"), ("source", "left")), rows)


def _play(play: SavePlay) -> list[Table | str]:
    value = play.expected_value
    found: list[Table | str] = [
        f"Save play: {play.name} | ARR {format_money(play.arr, play.currency)} | renewal {play.renewal_date or 'unknown'} | "
        f"owner {play.owner}",
        f"Root cause: {play.cause_label}. {play.root_cause}",
        *(
            [
                f"{play.doubt.model} doubts it: {play.doubt.label}? {' '.join(play.doubt.reasons)} Ask: {play.doubt.question}"
            ]
            if play.doubt
            else []
        ),
        f"Drafted by the {play.drafted_by}. {play.drafted_note} "
        f"{'Every check passed.' if play.verified else f'{len(play.violations)} checks failed.'}",
        "",
    ]
    if play.opening:
        found += [f"Say first: {play.opening}", ""]
    for phase in play.phases:
        rows = [
            (
                f"{step.title}: {step.whole}",
                step.owner,
                str(step.due),
                "; ".join(step.because) or step.purpose,
                step.result,
            )
            for step in phase.actions
        ]
        columns = (("action", "left"), ("owner", "left"), ("due", "left"), ("why", "left"), ("result", "left"))
        found += [text_table(phase.title, columns, rows), ""]
    found += [_evidence(play.evidence), ""]
    criteria: list[tuple[str, ...]] = [(c.name, c.metric, c.target, str(c.by)) for c in play.success_criteria]
    found += [
        text_table(
            "Success", (("criterion", "left"), ("metric", "left"), ("target", "left"), ("by", "left")), criteria
        ),
        "",
        *(f"Walk away when: {item.when}" for item in play.walk_away),
        "",
        f"Expected value {format_money(value.value, play.currency)}: {value.save_probability:.0%} to save "
        f"({value.save_basis}), cost {format_money(value.cost, play.currency)}.",
    ]
    return found


def _plan(part: AnswerPart) -> Table:
    rows = [
        (line.tier, line.name, "; ".join(line.why), line.action, line.owner, str(line.by)) for line in part.plan[:_ROWS]
    ]
    columns = (
        ("tier", "left"), ("account", "left"), ("why", "left"), ("action", "left"), ("owner", "left"), ("by", "left"),
    )  # fmt: skip
    title = "Plan" if len(part.plan) <= _ROWS else f"Plan, the first {_ROWS} of {len(part.plan)}; --json has all"
    return text_table(title, columns, rows)


def _capacity(part: AnswerPart) -> Table:
    rows = [
        (
            line.name,
            str(line.accounts),
            str(line.red_accounts),
            str(line.at_risk_accounts),
            "unknown" if line.hours_free is None else f"{line.hours_free:.0f}",
            "overloaded" if line.overloaded else "",
        )
        for line in part.capacity
    ]
    columns = (
        ("CSM", "left"), ("accounts", "right"), ("red", "right"), ("at risk", "right"), ("hours free", "right"), ("", "left"),
    )  # fmt: skip
    return text_table("Load", columns, rows)
