"""The stories of the week: at most three things that the meeting has to know first.

One incident that several accounts share, one change, one decision. Rules choose them from the finished review. Pure.
"""

from collections.abc import Iterable
from datetime import date

from domain.facts import Incident, IncidentReport, QuotationFact
from domain.plan import TBD, RoleNeed, Story
from domain.portfolio import AtRiskAccount
from domain.review import Review
from domain.save_play import SavePlay
from tools.wording import ROLE_NAMES, capitalize_first, format_money, format_number, format_short_day, plural, quote

_NAMED = 3
_QUOTED = 80


def week_stories(review: Review) -> tuple[Story, ...]:
    """The stories of a review, without its own: incident, change, decision, each where there is one."""
    found = (_incident_story(review), _change_story(review), _decision_story(review))
    return tuple(story for story in found if story is not None)


def _incident_story(review: Review) -> Story | None:
    """The largest incident by ARR that is not known to be closed."""
    incident = next((each for each in review.incidents if each.open is not False), None)
    if incident is None:
        return None
    owners = {person.person_id: person.person for person in review.prework}
    return Story(
        kind="incident",
        title=f"{plural(len(incident.account_ids), 'account')} report {incident.title}",
        detail=" ".join(filter(None, (_span(incident), _loudest(incident)))),
        account_ids=incident.account_ids,
        arr=incident.arr,
        proposal="One owner, one fix and one message for all of them.",
        owner=owners.get(incident.owner, incident.owner) if incident.owner else TBD,
        by=None,
    )


def _span(incident: Incident) -> str:
    escalated = f", {incident.escalated} escalated" if incident.escalated else ""
    state = "still open" if incident.open else "whether it is solved is unknown"
    return f"Since {format_short_day(incident.first_on)}{escalated}, {state}."


def _loudest(incident: Incident) -> str:
    """The newest escalated report of the largest account that has one, in its own words."""
    size = {account_id: rank for rank, account_id in enumerate(incident.account_ids)}

    def weight(report: IncidentReport) -> tuple[bool, int]:
        return (not report.escalated, size.get(report.account_id, len(size)))

    if not incident.reports:
        return ""
    report = min(incident.reports, key=weight)
    name = next((each.name for each in incident.accounts if each.account_id == report.account_id), report.account_id)
    return f"{name}, {format_short_day(report.on)}: {quote(report.text, _QUOTED)}."


def _change_story(review: Review) -> Story | None:
    """The largest loss, else the largest account that came onto the list or got worse, else the largest save."""
    lost = [each for each in review.followup.outcomes if each.status == "lost"]
    if lost:
        worst = max(lost, key=lambda each: (each.arr or 0, each.account_id))
        return Story(
            kind="change", title=f"{worst.name} is lost", detail=worst.note, account_ids=(worst.account_id,), arr=worst.arr,
            proposal="Say what we learnt, and offer the way back.", owner=TBD, by=None,
        )  # fmt: skip
    moved = [line for line in review.at_risk if line.change in ("new", "worsened")]
    if moved:
        return _moved_story(review, max(moved, key=lambda line: (line.arr or 0, line.account_id)))
    saved = [each for each in review.followup.outcomes if each.status in ("saved", "recovered")]
    if not saved:
        return None
    best = max(saved, key=lambda each: (each.arr or 0, each.account_id))
    return Story(
        kind="change", title=f"{best.name} is saved", detail=best.note, account_ids=(best.account_id,), arr=best.arr,
        proposal="Say what worked, and thank the people who did it.", owner=TBD, by=None,
    )  # fmt: skip


def _moved_story(review: Review, line: AtRiskAccount) -> Story:
    came = "came onto the list" if line.change == "new" else "got worse"
    play = next((each for each in review.plays if each.account_id == line.account_id), None)
    proposal, owner, by = _first_step(review, line, play)
    return Story(
        kind="change",
        title=f"{line.name} {came}",
        detail=_newest_words(review, line) or f"{line.reasons[0]}." if line.reasons else line.change_note,
        account_ids=(line.account_id,),
        arr=line.arr,
        proposal=proposal,
        owner=owner,
        by=by,
    )


def _newest_words(review: Review, line: AtRiskAccount) -> str:
    """The newest bad sentence that the customer wrote or that was noted about them since the last review."""
    since = review.followup.previous_as_of
    quotations = [
        fact
        for fact in review.facts.get(line.account_id, ())
        if isinstance(fact, QuotationFact) and fact.tone == "bad" and fact.on is not None
        and (since is None or fact.on >= since)
    ]  # fmt: skip
    if not quotations:
        return ""
    newest = max(quotations, key=lambda fact: (fact.on or review.as_of, fact.id))
    speaker = f"{newest.speaker}, " if newest.speaker else ""
    return f"{speaker}{format_short_day(newest.on or review.as_of)}: {quote(newest.text, _QUOTED)}"


def _first_step(review: Review, line: AtRiskAccount, play: SavePlay | None) -> tuple[str, str, date | None]:
    running = review.running.get(line.account_id)
    if running is not None and running.next_step is not None:
        step = running.next_step
        return f"{step.title}.", step.owner, step.due
    if play is not None:
        steps = [step for phase in play.phases for step in phase.actions]
        if steps:
            first = min(steps, key=lambda step: (step.due, step.id))
            return f"{first.title}.", first.owner, first.due
    plan = next((each for each in review.intervention_plan if each.account_id == line.account_id), None)
    return (f"{plan.action}.", plan.owner, plan.by) if plan else ("Decide what to do.", line.csm or TBD, None)


def _decision_story(review: Review) -> Story | None:
    """Shortage for critical accounts, else the play with the most to gain."""
    if review.needs.uncovered:
        return _uncovered_story(review)
    if not review.plays:
        return None
    play = max(review.plays, key=lambda each: (each.expected_value.value or 0, each.account_id))
    steps = [step for phase in play.phases for step in phase.actions]
    first = min(steps, key=lambda step: (step.due, step.id)) if steps else None
    return Story(
        kind="decision",
        title=f"{play.name}: the play with the most to gain",
        detail=f"{play.cause_label}; expected value {format_money(play.expected_value.value, play.currency)}.",
        account_ids=(play.account_id,),
        arr=play.arr,
        proposal=f"{first.title}." if first else "Decide on the play.",
        owner=first.owner if first else play.owner,
        by=first.due if first else None,
    )


def _uncovered_story(review: Review) -> Story:
    needs = review.needs
    short = [role for role in needs.roles if role.hours_free is not None and role.hours_needed > role.hours_free]
    names = [each.name for each in needs.uncovered]
    known = {line.account_id: line.arr for line in review.intervention_plan}
    amounts = [known.get(each.account_id) for each in needs.uncovered]
    return Story(
        kind="decision",
        title=f"{plural(len(names), 'critical account')} without cover",
        detail=f"{_joined(names)}. {_shortage(short) if short else 'Hours or budget are missing.'}",
        account_ids=tuple(each.account_id for each in needs.uncovered),
        arr=round(sum(arr for arr in amounts if arr is not None), 2)
        if any(arr is not None for arr in amounts)
        else None,
        proposal="Free the hours, or say who waits.",
        owner=TBD,
        by=None,
    )


def _shortage(roles: Iterable[RoleNeed]) -> str:
    each = [
        f"{ROLE_NAMES.get(role.role, role.role)}: {format_number(role.hours_needed - (role.hours_free or 0))} h short"
        for role in roles
    ]
    return f"{capitalize_first('; '.join(each))}."


def _joined(names: list[str]) -> str:
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{', '.join(names[:_NAMED])} and {format_number(len(names) - _NAMED)} more"
