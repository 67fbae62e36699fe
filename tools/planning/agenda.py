"""The meeting: its agenda with this week's material, what each CSM prepares, and next week's agenda. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date

from domain.configuration import Configuration, ReviewProfile
from domain.diagnosis import CapacityLine
from domain.phase_results import DiagnoseResult, IdentifyResult, Trends
from domain.plan import TBD, AgendaItem, PlanLine, Prework, ResourceNeeds
from domain.portfolio import AtRiskAccount
from domain.running_play import Deferral
from domain.save_play import SavePlay
from domain.tracking import Action
from tools.wording import (
    ROLE_NAMES,
    arr_at_risk_text,
    expected_churn_text,
    format_arr,
    format_day,
    format_money,
    format_number,
    plural,
    unknown_arr_text,
)


def build_agenda(
    identified: IdentifyResult,
    trends: Trends,
    capacity: Sequence[CapacityLine],
    plays: Sequence[SavePlay],
    needs: ResourceNeeds,
    plan: Sequence[PlanLine],
    configuration: Configuration,
    profile: ReviewProfile,
) -> tuple[AgendaItem, ...]:
    """The six blocks with their times; a shorter meeting shortens each in proportion."""
    points = {
        "portfolio": _portfolio_points(identified),
        "new": _new_points(identified, trends),
        "followup": _followup_points(identified),
        "deep_dive": [
            f"{play.name}: {play.cause_label}, {format_arr(play.arr, play.currency)}, {_renewal(play)}"
            for play in plays
        ],
        "resources": _resource_points(needs, capacity),
        "actions": _closing_points(plan),
    }
    accounts = {
        "new": tuple(line.account_id for line in identified.at_risk if line.change == "new"),
        "deep_dive": tuple(play.account_id for play in plays),
    }
    return _agenda_items(configuration, profile, points, accounts)


def _agenda_items(
    configuration: Configuration,
    profile: ReviewProfile,
    points: Mapping[str, Sequence[str]],
    accounts: Mapping[str, tuple[str, ...]],
) -> tuple[AgendaItem, ...]:
    blocks = configuration.review.agenda
    total = sum(block.minutes for block in blocks)
    found, at, spent = [], 0, 0
    for block in blocks:
        spent += block.minutes
        end = round(spent * profile.minutes / total)
        found.append(
            AgendaItem(
                starts=f"{at // 60}:{at % 60:02d}",
                ends=f"{end // 60}:{end % 60:02d}",
                minutes=end - at,
                title=block.title,
                lead=block.lead,
                points=tuple(points.get(block.id, ())),
                account_ids=accounts.get(block.id, ()),
            )
        )
        at = end
    return tuple(found)


def _renewal(play: SavePlay) -> str:
    if play.renewal_in_days is None or play.renewal_date is None:
        return "renewal unknown"
    if play.renewal_in_days < 0:
        return f"renewal overdue by {plural(-play.renewal_in_days, 'day')}"
    return f"renewal in {plural(play.renewal_in_days, 'day')}"


def _portfolio_points(identified: IdentifyResult) -> list[str]:
    numbers = identified.portfolio
    share = numbers.arr_at_risk / numbers.arr if numbers.arr else 0.0
    found = [
        f"{arr_at_risk_text(numbers)} is at risk ({share:.0%}), in {plural(numbers.at_risk_accounts, 'account')} of {numbers.accounts}{unknown_arr_text(numbers)}.",
        f"Expected churn: {expected_churn_text(numbers)}.",
    ]
    if identified.baseline:
        found.append("First review: this week is the baseline; changes are shown from next week on.")
    else:
        steps = {step.name: step for step in numbers.bridge}
        moved = steps["closing"].arr - steps["opening"].arr
        way = "rose" if moved > 0 else "fell"
        found.append(
            f"At-risk ARR {way} by {format_money(abs(moved), numbers.currency)} since last week."
            if round(moved)
            else "At-risk ARR is what it was last week."
        )
    if identified.configuration_changed:
        found.append("The configuration changed since last week; its effect is a step of its own in the bridge.")
    if numbers.overdue_renewals:
        found.append(f"{plural(numbers.overdue_renewals, 'renewal')} overdue.")
    if identified.data.gaps:
        found.append(f"{plural(len(identified.data.gaps), 'data gap')}; see the data section.")
    return found


def _new_points(identified: IdentifyResult, trends: Trends) -> list[str]:
    said: dict[str, tuple[str, list[str]]] = {}
    for line in identified.at_risk:
        if line.change == "new" and line.reasons:
            said.setdefault(line.account_id, (line.name, []))[1].append(line.reasons[0])
    for alert in trends.alerts:
        if alert.kind == "degradation":
            said.setdefault(alert.account_id, (alert.name, []))[1].append(alert.message.split(".")[0])
    found = [f"{name}: {'. '.join(what)}." for name, what in said.values()]
    if identified.baseline:
        return ["First review: nothing can be new yet."]
    return found or ["No account came onto the list and none fell sharply."]


def _followup_points(identified: IdentifyResult) -> list[str]:
    follow = identified.followup
    if follow.baseline:
        return ["First review: there are no commitments yet."]
    counts = {status: sum(1 for item in follow.commitments if item.status == status) for status in _STATUS_LABELS}
    said = ", ".join(f"{count} {words}" for status, words in _STATUS_LABELS.items() if (count := counts[status]))
    found = [f"Commitments: {said}." if said else "No commitments were open."]
    found += [f"{item.name}: {item.note}" for item in follow.outcomes if item.status in ("saved", "lost", "recovered")]
    return found + list(follow.learnings)


_STATUS_LABELS = {
    "done": "done",
    "done_late": "done late",
    "late": "late",
    "missed": "missed",
    "open": "open",
    "deferred": "deferred",
}


def _resource_points(needs: ResourceNeeds, capacity: Sequence[CapacityLine]) -> list[str]:
    over = sum(1 for line in capacity if line.overloaded)
    found = [
        f"{ROLE_NAMES[role.role]}: {format_number(role.hours_needed)} hours asked"
        + (f", {format_number(role.hours_free)} free." if role.hours_free is not None else ", free hours unknown.")
        for role in needs.roles
    ]
    found.append(
        f"Budget: {format_money(needs.budget_needed, needs.currency)} asked, {format_money(needs.budget, needs.currency)} set aside."
    )
    found += [f"Not covered: {item.name} ({item.lacks})." for item in needs.uncovered]
    uncovered = {item.account_id for item in needs.uncovered}
    found += [f"Waits: {item.name} ({item.lacks})." for item in needs.waiting if item.account_id not in uncovered]
    if over:
        found.append(f"{over} of {plural(len(capacity), 'CSM')} overloaded; handovers are proposed to the managers.")
    return found


def _closing_points(plan: Sequence[PlanLine]) -> list[str]:
    critical = [line for line in plan if line.tier == "critical"]
    unowned = sum(1 for line in critical if line.owner == TBD)
    found = [f"{plural(len(critical), 'critical account')}; {unowned or 'none'} without an owner."]
    found.append("Every immediate action has a date; decisions are recorded before anybody leaves.")
    return found


def build_prework(
    identified: IdentifyResult, diagnosed: DiagnoseResult, configuration: Configuration
) -> tuple[Prework, ...]:
    """Per CSM: the accounts on the list and the questions to answer before the meeting."""
    asked: Mapping[str, str] = {str(name): text for name, text in configuration.review.questions.items()}
    causes = {finding.account_id: finding for finding in diagnosed.causes}
    grouped: dict[str, list[AtRiskAccount]] = {}
    for line in identified.at_risk:
        if line.csm_id:
            grouped.setdefault(line.csm_id, []).append(line)
    found = []
    for person_id, lines in sorted(grouped.items()):
        questions = []
        for line in lines:
            categories = [part.category for part in sorted(line.contributions, key=lambda p: -p.risk_points)]
            questions.append((line.account_id, asked[categories[0]]))
            if line.account_id in causes:
                questions.append((line.account_id, causes[line.account_id].would_tell_apart))
        person = identified.people.get(person_id)
        found.append(
            Prework(
                person_id=person_id,
                person=person.name if person else person_id,
                account_ids=tuple(line.account_id for line in lines),
                questions=tuple(questions),
            )
        )
    return tuple(found)


OPEN_STATUSES = ("open", "late", "missed")
"""States of an action that still has to be done."""


def build_next_agenda(
    actions: Sequence[Action],
    plays: Sequence[SavePlay],
    next_review: date,
    configuration: Configuration,
    profile: ReviewProfile,
    deferrals: Sequence[Deferral] = (),
) -> tuple[AgendaItem, ...]:
    """Next week's agenda: what falls due until then, and what is checked."""
    plays = [play for play in plays if play.status in ("approved", "edited")]
    due = [action for action in actions if action.due <= next_review and action.status in OPEN_STATUSES]
    checks = [play for play in plays if play.cadence.next_check <= next_review]
    reviews = [play for play in plays if play.cadence.manager_review <= next_review]
    decisions = [play for play in plays if play.cadence.decision_point <= next_review]
    back = sorted(deferrals, key=lambda each: (each.until, each.name, each.account_id))
    looked_at: dict[str, tuple[str, list[str]]] = {}
    for what, found in (("weekly check", checks), ("manager review", reviews), ("decision point", decisions)):
        for play in found:
            looked_at.setdefault(play.account_id, (play.name, []))[1].append(what)
    for each in back:
        comes = f"deferred, comes back on {format_day(each.until)}"
        what = comes if each.until > next_review else f"back on the table, deferred by {each.by}"
        looked_at.setdefault(each.account_id, (each.name, []))[1].append(what)
    points = {
        "portfolio": [f"Review of {format_day(next_review)}: at-risk ARR against this week."],
        "new": ["Accounts that are new on the list, and health that fell."],
        "followup": [
            f"{action.owner}: {action.title}, {action.account_name}, due {format_day(action.due)}" for action in due
        ]
        or ["No action falls due before the next review."],
        "deep_dive": [f"{name}: {', '.join(whats)}" for name, whats in looked_at.values()],
        "resources": ["Hours and budget against what was approved this week."],
        "actions": ["New actions, owners and dates."],
    }
    return _agenda_items(configuration, profile, points, {"deep_dive": tuple(play.account_id for play in checks)})
