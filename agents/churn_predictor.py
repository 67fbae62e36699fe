"""The churn predictor: who is at risk this week (phase 1), and what to do about it (phase 3)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta

from domain.configuration import Configuration, ReviewProfile, ReviewSettings
from domain.dossier import Dossier, Person
from domain.phase_results import PlanRow
from domain.plan import TBD, Escalation, PlanLine
from domain.portfolio import AtRiskAccount, BandOverride
from domain.save_play import SavePlay
from domain.tracking import UnownedItem
from tools.planning.allocation import Allocation, PlayCandidate, allocate
from tools.planning.capacity import CompletedActions, play_hours
from tools.planning.primary_actions import EarlierPrimaryActions
from tools.save_play.expected_value import budget_needed
from tools.save_play.selection import find_contact
from tools.scoring.portfolio_summary import change_note
from tools.scoring.tiers import condition_holds, fired_rules
from tools.wording import capitalize_first, format_day, plural
from tools.working_days import WorkingDays

NO_EARLIER_ACTIONS = EarlierPrimaryActions()
_REASONS = 3


def profile_for(configuration: Configuration, accounts: int) -> ReviewProfile:
    """The review profile (interval, length of lists) for this number of accounts."""
    return configuration.review.profile_for(accounts)


def at_risk_list(
    dossiers: Sequence[Dossier],
    people: Mapping[str, Person],
    configuration: Configuration,
    scope: int,
    overrides: Mapping[str, BandOverride],
) -> tuple[AtRiskAccount, ...]:
    """The accounts at risk on the list, with reasons, changes and history. ``dossiers``: the whole list, by rank."""
    return tuple(
        _at_risk_account(rank, dossier, people, configuration, rank <= scope, overrides.get(dossier.account_id))
        for rank, dossier in enumerate(dossiers, start=1)
        if dossier.at_risk
    )


def _at_risk_account(
    rank: int,
    dossier: Dossier,
    people: Mapping[str, Person],
    configuration: Configuration,
    in_meeting: bool,
    override: BandOverride | None,
) -> AtRiskAccount:
    csm = people.get(dossier.csm_id or "")
    fields = dossier.model_dump(
        include={
            "account_id", "name", "segment", "arr", "contract_arr", "contract_currency", "renewal_date",
            "renewal_in_days", "csm_id", "lifecycle_stage", "parent_account_id", "health", "health_band", "coverage",
            "confidence", "velocity", "velocity_band", "churn_probability", "churn_horizon_weeks", "order_probability",
            "order_horizon_weeks", "churn_parts", "calibrated", "expected_churn_arr",
            "risk_tier", "change", "health_history",
        }
    )  # fmt: skip
    return AtRiskAccount(
        **fields,
        rank=rank,
        currency=configuration.scoring.money.home,
        csm=csm.name if csm else None,
        override=override,
        risk_score=dossier.risk,
        intervention_tier=dossier.intervention_tier or "medium",
        reasons=risk_reasons(dossier, configuration),
        contributions=dossier.contributions,
        evidence=dossier.evidence,
        change_note=change_note(dossier.change, dossier.risk_then, dossier.risk, dossier.tier_then, dossier.risk_tier),
        risk_change=_difference(dossier.risk, dossier.risk_then),
        health_change=_difference(dossier.health, dossier.health_then),
        in_meeting=in_meeting,
    )


def _difference(now: float | None, then: float | None) -> float | None:
    return round(now - then, 6) if now is not None and then is not None else None


def risk_reasons(dossier: Dossier, configuration: Configuration) -> tuple[str, ...]:
    """Reasons for listing the account: rules that fire, a falling trend, then the heaviest evidence."""
    rules = fired_rules(dossier.values, dossier.size, configuration.tiers)
    found = [capitalize_first(rule.says) for rule in rules]
    if dossier.alarm:
        found.append(_falling_health(configuration))
    if dossier.renewal_in_days is not None and dossier.renewal_in_days < 0:
        found.insert(0, f"The renewal is overdue by {plural(-dossier.renewal_in_days, 'day')}")
    heaviest = [fact.statement.rstrip(".") for fact in dossier.evidence if fact.risk_points > 0]
    return tuple((found + heaviest)[: max(_REASONS, len(found))])


def _falling_health(configuration: Configuration) -> str:
    """The trend that raises the alarm, with the configured number."""
    return f"Health falls by {-configuration.scoring.velocity_alarm.value:g} points a day or more"


def intervention_plan(
    rows: Sequence[PlanRow],
    people: Mapping[str, Person],
    configuration: Configuration,
    calendar: WorkingDays,
    as_of: date,
    earlier: EarlierPrimaryActions = NO_EARLIER_ACTIONS,
) -> tuple[PlanLine, ...]:
    """One line an account: why, the primary and the secondary action, who, by when.

    An action that is open from an earlier review goes on with its date; one that was done lately is not asked again at once.
    """
    return tuple(_plan_line(row, people, configuration, calendar, as_of, earlier) for row in rows)


def _chosen_actions(
    row: PlanRow, configuration: Configuration, done: Mapping[tuple[str, str], date], as_of: date
) -> tuple[str, str | None, date | None]:
    """The primary action, the secondary one or None, and the day from which the first may be asked again."""
    tiers, pause = configuration.tiers, timedelta(days=int(configuration.review.primary_again_after.value))
    options = [rule for rule in tiers.actions if all(condition_holds(c, row.values) for c in rule.when)]
    names = list(dict.fromkeys(rule.action for rule in options)) or [tiers.default_action]
    names = [tiers.watch_action] if row.tier == "watch" else names
    again = {name: done[row.account_id, name] + pause for name in names if (row.account_id, name) in done}
    rested = [name for name in names if again.get(name, as_of) <= as_of]
    primary = (rested or names)[0]
    secondary = next((name for name in rested if name != primary), None)
    return primary, secondary, None if rested else again[primary]


def _plan_line(
    row: PlanRow,
    people: Mapping[str, Person],
    configuration: Configuration,
    calendar: WorkingDays,
    as_of: date,
    earlier: EarlierPrimaryActions,
) -> PlanLine:
    tiers = configuration.tiers
    primary, secondary, not_before = _chosen_actions(row, configuration, earlier.done, as_of)
    by, running = plan_due_date(row, configuration, calendar, as_of), earlier.continues(row.account_id, primary)
    if running is not None:
        by = min(by, running.due)
    elif not_before is not None:
        by = max(by, calendar.on_or_after(not_before))
    csm = people.get(row.csm_id or "")
    return PlanLine(
        tier=row.tier,
        account_id=row.account_id,
        name=row.name,
        arr=row.arr,
        why=_plan_reasons(row, configuration),
        action=primary,
        secondary=secondary,
        owner=csm.name if csm else TBD,
        by=by,
        since=running.review_id if running is not None else None,
        urgency=tiers.due[row.tier].urgency,
        rule=row.rule or "score" if row.tier != "watch" else "renewal",
    )


def _plan_reasons(row: PlanRow, configuration: Configuration) -> tuple[str, ...]:
    """One or two signals."""
    if row.tier == "watch" and row.renewal_in_days is not None:
        days = row.renewal_in_days
        return (f"Renewal overdue by {plural(-days, 'day')}" if days < 0 else f"Renewal in {plural(days, 'day')}",)
    fired = [capitalize_first(rule.says) for rule in fired_rules(row.values, row.size, configuration.tiers)]
    if row.velocity_alarm:
        fired.append(_falling_health(configuration))
    return tuple((fired + list(row.top))[:2])


def plan_due_date(row: PlanRow, configuration: Configuration, calendar: WorkingDays, as_of: date) -> date:
    """The last working day within the tier's time; for a watched renewal, the configured days before it."""
    settings, soonest = configuration.review, calendar.add_working_days(as_of, 1)
    if row.tier == "watch" and row.renewal_date is not None:
        days = row.renewal_in_days or 0
        if days < 0:
            return calendar.add_working_days(as_of, int(settings.overdue_renewal_working_days.value))
        before = timedelta(days=int(settings.watch_due_before_renewal.value))
        return max(calendar.on_or_before(row.renewal_date - before), soonest)
    last = as_of + timedelta(days=configuration.tiers.due[row.tier].days)
    if row.renewal_date is not None and row.renewal_date >= as_of:
        last = min(last, row.renewal_date)
    return max(calendar.on_or_before(last), soonest)


def allocate_plays(
    plays: Sequence[SavePlay],
    free: Mapping[str, float],
    budget: float,
    configuration: Configuration,
    as_of: date,
    done: CompletedActions = (),
    fixed: Collection[str] = (),
) -> Allocation:
    """The plays that fit into the free hours and the budget of this week. ``fixed``: accounts whose play runs in any case."""
    settings = configuration.review
    slack = settings.hours_tolerance.value
    free = {person: hours + slack if hours > 0 else hours for person, hours in free.items()}
    return allocate(
        [
            PlayCandidate(
                account_id=play.account_id,
                value=play.expected_value.value,
                hours={k: v for k, v in play_hours(play, as_of, settings, done).items() if not k.startswith("role:")},
                budget=budget_needed(play.expected_value, settings),
                critical=play.intervention_tier == "critical",
                fixed=play.account_id in fixed,
            )
            for play in plays
        ],
        free,
        budget,
    )


def plan_escalations(
    dossiers: Mapping[str, Dossier], plays: Sequence[SavePlay], calendar: WorkingDays, settings: ReviewSettings
) -> tuple[Escalation, ...]:
    """For each play: when to escalate, to whom, and by when."""
    found, first_days = [], int(settings.escalation_working_days.value)
    for play in plays:
        executive = find_contact(dossiers[play.account_id], "exec_sponsor", "economic_buyer")
        for index, step in enumerate(play.escalation):
            when, _, what = step.partition(": ")
            to = what or step
            if executive and index == 0 and play.intervention_tier == "critical":
                to = f"{to} Their side: {executive.name}."
            by = calendar.add_working_days(play.created, first_days) if index == 0 else play.cadence.manager_review
            found.append(Escalation(account_id=play.account_id, name=play.name, when=when, to=to, by=by))
    return tuple(found)


def list_unowned(plan: Sequence[PlanLine], proposal: str | None) -> tuple[UnownedItem, ...]:
    """Accounts of the plan that nobody owns, critical ones first, with who has the most hours free."""
    return tuple(
        UnownedItem(
            account_id=line.account_id,
            name=line.name,
            what=f"{capitalize_first(line.tier)}: {line.action}, by {format_day(line.by)}. Assign an owner in the CRM.",
            proposal=proposal,
        )
        for line in plan
        if line.owner == TBD
    )
