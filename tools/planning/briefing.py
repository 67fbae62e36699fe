"""Facts for the briefing that opens the meeting: what changed, why, what to decide. Rules make each one. Pure."""

from collections.abc import Sequence
from typing import Literal

from domain.diagnosis import CauseFinding
from domain.phase_results import DiagnoseResult, IdentifyResult, PlanResult
from domain.plan import TBD
from domain.record import Record
from tools.evidence.causes import UNDETERMINED
from tools.save_play.sentence_rules import as_clause
from tools.wording import capitalize_first, format_arr, format_money, format_total, plural

_MAX_NAMED = 3


class BriefingFact(Record):
    """One thing that the meeting has to know."""

    id: str
    kind: Literal["changed", "why", "decide"]
    text: str
    """A clause with its numbers and direction, without a full stop."""
    names: tuple[str, ...] = ()
    """Accounts named in it."""

    @property
    def anonymised_text(self) -> str:
        """The clause as a model reads it: no account is named."""
        hidden = self.text
        for name in self.names:
            hidden = hidden.replace(name, "(account)")
        return hidden


def briefing_facts(
    identified: IdentifyResult, diagnosed: DiagnoseResult, planned: PlanResult
) -> tuple[BriefingFact, ...]:
    """The facts in the order in which people want them."""
    found: list[tuple[Literal["changed", "why", "decide"], str]] = []
    found += [("changed", text) for text in _change_facts(identified)]
    found += [("why", text) for text in _cause_facts(diagnosed)]
    found += [("decide", text) for text in _decision_facts(identified, planned)]
    known = sorted(set(identified.account_names))
    return tuple(
        BriefingFact(id=f"F{n}", kind=kind, text=text, names=tuple(name for name in known if name in text))
        for n, (kind, text) in enumerate(found, start=1)
    )


def plain_sentences(facts: Sequence[BriefingFact]) -> tuple[str, ...]:
    """The briefing without a model: one sentence a fact."""
    return tuple(f"{capitalize_first(fact.text)}." for fact in facts)


def _change_facts(identified: IdentifyResult) -> list[str]:
    summary = identified.portfolio
    total = format_total(summary.arr_at_risk, summary.at_risk_accounts, summary.at_risk_unknown_arr, summary.currency)
    now = f"{plural(summary.at_risk_accounts, 'account')} with {total} of ARR"
    steps = {step.name: step for step in summary.bridge}
    if not steps:
        return [f"{now} are at risk; this is the first review, so nothing is compared"]
    before = steps["opening"].arr
    moved = summary.arr_at_risk - before
    way = "more" if moved > 0 else "less"
    text = f"{now} are at risk, {format_money(abs(moved), summary.currency)} {way} than last week"
    found = [text if round(moved) else f"{now} are at risk, as much as last week"]
    new = [move for move in summary.movements if move.change == "new"]
    if new:
        largest = max(new, key=lambda move: (move.arr or 0, move.account_id))
        many = f"{plural(len(new), 'account')} came onto the list, the largest is"
        one = "one account came onto the list,"
        found.append(f"{many if len(new) > 1 else one} {largest.name} ({format_arr(largest.arr, summary.currency)})")
    gone = [move for move in summary.movements if move.change == "resolved"]
    if gone:
        found.append(f"{plural(len(gone), 'account')} left the list")
    late = sum(1 for item in identified.followup.commitments if item.status in ("late", "missed"))
    if late:
        found.append(f"{plural(late, 'commitment')} of earlier weeks {'is' if late == 1 else 'are'} late or missed")
    return found


def _cause_facts(diagnosed: DiagnoseResult) -> list[str]:
    found = [as_clause(pattern.message) for pattern in diagnosed.patterns[:2]]
    return found or [_most_common_cause(diagnosed.causes)]


def _most_common_cause(causes: Sequence[CauseFinding]) -> str:
    counts: dict[str, int] = {}
    for finding in causes:
        if finding.category != UNDETERMINED:
            counts[finding.label] = counts.get(finding.label, 0) + 1
    if not counts:
        return "no cause stands out"
    label, count = max(sorted(counts.items()), key=lambda item: item[1])
    return f"{label.lower()} is the likely cause for {plural(count, 'account')}"


def _decision_facts(identified: IdentifyResult, planned: PlanResult) -> list[str]:
    amounts = [play.arr for play in planned.plays if play.arr is not None]
    missing = len(planned.plays) - len(amounts)
    currency = identified.portfolio.currency
    needs = planned.needs
    found = [
        f"{plural(len(planned.plays), 'save play')} for {format_total(round(sum(amounts), 2), len(planned.plays), missing, currency)} of ARR wait for a decision"
    ]
    if needs.waiting:
        found.append(
            f"{len(needs.waiting)} of them {'is' if len(needs.waiting) == 1 else 'are'} beyond the hours and {'waits' if len(needs.waiting) == 1 else 'wait'}"
        )
    if needs.uncovered:
        names = ", ".join(item.name for item in needs.uncovered[:_MAX_NAMED])
        names += f" and {len(needs.uncovered) - _MAX_NAMED} more" if len(needs.uncovered) > _MAX_NAMED else ""
        found.append(f"hours or budget do not cover {plural(len(needs.uncovered), 'critical account')}: {names}")
    if needs.budget_needed > needs.budget:
        found.append(
            f"the plays ask for {format_money(needs.budget_needed, currency)} and {format_money(needs.budget, currency)} is set aside"
        )
    unowned = sum(1 for line in planned.intervention_plan if line.owner == TBD)
    if unowned:
        found.append(f"{plural(unowned, 'account')} of the plan {'needs' if unowned == 1 else 'need'} an owner")
    crowded = sum(1 for line in planned.capacity if line.overloaded)
    if crowded:
        found.append(f"{plural(crowded, 'CSM')} {'is' if crowded == 1 else 'are'} over capacity")
    return found
