"""The lines of the meeting list besides the accounts at risk: accounts ahead, overdue renewals, and the note on the order."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from domain.configuration import Configuration, ReviewProfile
from domain.dossier import Dossier, Person
from domain.plan import TBD
from domain.portfolio import AheadAccount, OverdueRenewal
from domain.record import Row
from tools.wording import known_amount, plural
from tools.working_days import WorkingDays


def watched(dossier: Dossier) -> Dossier:
    """The dossier of an account that is not at risk, with the priority of what is only watched."""
    return dossier.model_copy(update={"intervention_tier": "watch"})


def ahead_lines(
    dossiers: Sequence[Dossier],
    people: Mapping[str, Person],
    configuration: Configuration,
    calendar: WorkingDays,
    as_of: date,
    scope: int,
) -> tuple[AheadAccount, ...]:
    """The accounts of the list that are not at risk. ``dossiers``: the whole list, by rank."""
    return tuple(
        _ahead_line(rank, dossier, people, configuration, _watch_date(dossier, configuration, calendar, as_of), scope)
        for rank, dossier in enumerate(dossiers, start=1)
        if not dossier.at_risk
    )


def _ahead_line(
    rank: int,
    dossier: Dossier,
    people: Mapping[str, Person],
    configuration: Configuration,
    by: date,
    scope: int,
) -> AheadAccount:
    csm, churn = people.get(dossier.csm_id or ""), configuration.scoring.churn
    return AheadAccount(
        **dossier.model_dump(
            include={
                "account_id", "name", "segment", "arr", "renewal_date", "renewal_in_days", "csm_id", "health",
                "health_band", "churn_probability", "churn_parts", "calibrated", "expected_churn_arr",
            }
        ),
        rank=rank,
        currency=configuration.scoring.money.home,
        csm=csm.name if csm else None,
        risk_score=dossier.risk,
        churn_horizon_weeks=int(churn.horizon_weeks.value),
        order_probability=dossier.order_probability or 0.0,
        order_horizon_weeks=int(churn.order_weeks.value),
        reason=_ahead_reason(dossier, configuration),
        action=configuration.tiers.watch_action,
        owner=csm.name if csm else TBD,
        by=by,
        in_meeting=rank <= scope,
    )  # fmt: skip


def _ahead_reason(dossier: Dossier, configuration: Configuration) -> str:
    days, churn = dossier.renewal_in_days, configuration.scoring.churn
    near = days is not None and 0 <= days <= churn.order_weeks.value * 7 + churn.decision_lead.value
    if near:
        return "Nothing seen: large and near its renewal"
    if dossier.health_band in ("red", "yellow"):
        return f"Health is {dossier.health_band}; no rule puts it at risk"
    return "Nothing seen"


def _watch_date(dossier: Dossier, configuration: Configuration, calendar: WorkingDays, as_of: date) -> date:
    """The day of the watch action: some days before the renewal; without one, at the end of the planning period."""
    settings, soonest = configuration.review, calendar.add_working_days(as_of, 1)
    if dossier.renewal_date is None or dossier.renewal_date < as_of:
        return max(calendar.on_or_before(as_of + timedelta(days=int(settings.planning_days.value))), soonest)
    before = timedelta(days=int(settings.watch_due_before_renewal.value))
    return max(calendar.on_or_before(dossier.renewal_date - before), soonest)


def overdue_lines(
    rows: Sequence[Row],
    people: Mapping[str, Person],
    configuration: Configuration,
    calendar: WorkingDays,
    as_of: date,
) -> tuple[OverdueRenewal, ...]:
    """The overdue renewals, in the order of the rows."""
    settings = configuration.review
    by = calendar.add_working_days(as_of, int(settings.overdue_renewal_working_days.value))
    return tuple(
        OverdueRenewal(
            account_id=row["account_id"],
            name=row["name"],
            arr=known_amount(row["arr"]),
            currency=configuration.scoring.money.home,
            renewal_date=row["renewal_date"],
            days_overdue=row["days_overdue"],
            at_risk=row["at_risk"],
            owner=people[row["csm_id"]].name if row["csm_id"] in people else TBD,
            action=configuration.tiers.overdue_action,
            by=by,
            note="Is this date right, or does the contract renew by itself? Correct it in the CRM."
            if row["days_overdue"] > settings.overdue_question.value
            else "",
        )
        for row in rows
    )


def list_note(configuration: Configuration, at_risk: int, ahead: int, appended: int, profile: ReviewProfile) -> str:
    """Sentences on the order of the list, and on who is on it."""
    found = [f"{plural(at_risk + ahead, 'account')} on the list: {at_risk:,} at risk, {ahead:,} ahead."]
    if configuration.review.list_order == "risk_times_arr":
        found.append("Ordered by risk × ARR, overdue renewals first.")
    else:
        weeks, days = configuration.scoring.churn.order_weeks.value, configuration.review.decision_ahead.value
        found.append(
            f"Ordered by ARR × chance of leaving within {weeks:.0f} weeks, of decisions at least {days:.0f} days ahead; "
            "overdue renewals count as now."
        )
    if appended:
        found.append(f"{plural(appended, 'critical account')} added at the end, whatever the order.")
    if profile.all_yellow_and_red:
        found.append("Every yellow and red account is on it.")
    return " ".join(found)
