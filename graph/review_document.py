"""The review as one document, from whatever phases are done."""

from agents.churn_predictor import profile_for
from agents.play_drafter import drafting_note, drafting_summary
from agents.text_reader import reading_note
from domain.configuration import Configuration
from domain.drafting import DraftingRecord
from domain.phase_results import AssignResult, DiagnoseResult, IdentifyResult, PlanResult, Trends
from domain.plan import Briefing, PlanLine
from domain.readings import ReadingReport, TextsRead
from domain.review import Review, ReviewStatus, Thresholds, Urgency
from domain.tracking import Decision, Metrics
from graph.context import ReviewContext, ReviewState
from tools.planning.stories import week_stories
from tools.store.reading_store import TEXTS_READ

_NO_BRIEFING = Briefing(sentences=(), drafted_by="rules", drafting=DraftingRecord())


def review_document(context: ReviewContext, state: ReviewState) -> Review:
    """The content of ``review.json``, from which every page is made."""
    review_id, configuration = state["review_id"], context.configuration
    identified = context.result(state, "identified", IdentifyResult)
    trends = context.result(state, "trends", Trends)
    diagnosed = context.result(state, "diagnosed", DiagnoseResult)
    planned = context.result(state, "planned", PlanResult)
    done = context.store.has(review_id, "assigned")
    assigned = context.result(state, "assigned", AssignResult) if done else None
    decisions, status = _decisions(context, review_id, assigned)
    has_briefing = context.store.has(review_id, "briefing")  # reviews of the time before briefings have none
    briefing = context.result(state, "briefing", Briefing) if has_briefing else _NO_BRIEFING
    summary = drafting_summary([play.drafting for play in planned.plays], briefing.drafting, configuration)
    report = context.store.find(review_id, TEXTS_READ, TextsRead)
    reading = report.report if report is not None else ReadingReport()
    summary = summary.model_copy(
        update={"tokens": summary.tokens + reading.tokens, "cost": _sum(summary.cost, reading.cost)}
    )
    profile = profile_for(configuration, identified.portfolio.accounts)
    looked_at = tuple({each.account_id: each for each in (*identified.dossiers, *identified.asked)}.values())
    review = Review(
        review_id=review_id,
        as_of=identified.as_of,
        state=status,
        profile=profile.id,
        profile_note=profile.note,
        config_hash=configuration.hash,
        baseline=identified.baseline,
        previous_review_id=identified.previous_review_id,
        configuration_changed=identified.configuration_changed,
        drafter_note=" ".join(filter(None, (drafting_note(summary), reading_note(reading)))),
        drafting=summary,
        briefing=briefing,
        holidays_note=context.calendar.note,
        time_zone=configuration.review.time_zone,
        data=identified.data,
        thresholds=thresholds_of(configuration),
        portfolio=identified.portfolio,
        at_risk=identified.at_risk,
        ahead=identified.ahead,
        overdue=identified.overdue,
        renewals=identified.renewals,
        list_note=identified.list_note,
        backtest=identified.backtest,
        intervention_plan=_plan_with_owners(context, review_id, identified, planned),
        plan_counts=identified.plan_totals,
        next_step=planned.next_step,
        alerts=trends.alerts,
        causes=diagnosed.causes,
        patterns=diagnosed.patterns,
        capacity=planned.capacity,
        handovers=planned.handovers,
        needs=planned.needs,
        plays=assigned.plays if assigned else planned.plays,
        running=planned.progress,
        unchanged_plays=planned.unchanged,
        consequences=planned.consequences,
        deferred=assigned.deferred if assigned else planned.deferred,
        escalations=planned.escalations,
        decisions=decisions,
        actions=assigned.actions if assigned else (),
        closed_actions=assigned.closed_actions if assigned else (),
        crm_updates=assigned.crm_updates if assigned else (),
        touchpoints=assigned.touchpoints if assigned else (),
        owners_to_assign=assigned.owners_to_assign if assigned else planned.owners_to_assign,
        followup=identified.followup,
        metrics=assigned.metrics
        if assigned
        else Metrics(figures=(), save_rates=(), note="Counted after the decisions."),
        agenda=planned.agenda,
        next_agenda=assigned.next_agenda if assigned else (),
        prework=planned.prework,
        matrix=trends.matrix,
        workflow=assigned.workflow if assigned else (),
        notes=_notes(identified),
        facts={dossier.account_id: dossier.facts for dossier in looked_at},
        statements=tuple(each for dossier in looked_at for each in dossier.statements),
        unread_texts=tuple(each for dossier in looked_at for each in dossier.unread_texts),
        reading=identified.reading,
        model_reading=reading,
        incidents=identified.incidents,
    )
    return review.model_copy(update={"stories": week_stories(review)})


def _sum(one: float | None, other: float | None) -> float | None:
    """Both costs; None where one of them is unknown."""
    return None if one is None or other is None else round(one + other, 6)


def thresholds_of(configuration: Configuration) -> Thresholds:
    """The limits that the pages state, from the configuration of the review."""
    scoring, tiers, settings = configuration.scoring, configuration.tiers, configuration.review
    urgency_days: dict[Urgency, int] = {}
    for deadline in sorted(tiers.due.values(), key=lambda each: each.days):
        urgency_days.setdefault(deadline.urgency, deadline.days)
    return Thresholds(
        at_risk_above=scoring.at_risk_above.value,
        health_bands=tuple((band.name, band.starts_at) for band in scoring.health_bands),
        velocity_alarm=scoring.velocity_alarm.value,
        planning_days=int(settings.planning_days.value),
        red_account_limit=int(settings.red_account_limit.value),
        urgency_days=urgency_days,
        watch_renewal_within=int(tiers.watch_renewal_within.value),
    )


def _plan_with_owners(
    context: ReviewContext, review_id: str, identified: IdentifyResult, planned: PlanResult
) -> tuple[PlanLine, ...]:
    """The plan with the owners that were named at the close."""
    decision = context.store.decision(review_id, "close")
    owners = decision.close.owners if decision and decision.close else {}
    return tuple(
        line.model_copy(update={"owner": identified.people[owners[line.account_id]].name})
        if line.account_id in owners
        else line
        for line in planned.intervention_plan
    )


def _decisions(
    context: ReviewContext, review_id: str, assigned: AssignResult | None
) -> tuple[tuple[Decision, ...], ReviewStatus]:
    close = context.store.decision(review_id, "close")
    if assigned is None:
        return (), "waiting_for_decisions"
    if close is None:
        return assigned.decisions, "waiting_for_close"
    changes = tuple(f"owner of {a} is {p}" for a, p in sorted(close.close.owners.items())) if close.close else ()
    closing = Decision(
        subject="close",
        decision="close",
        by=close.decided_by,
        reason=(close.close.notes if close.close else "") or "Decisions and commitments are recorded.",
        changes=changes,
        unattended=close.unattended,
    )
    return (*assigned.decisions, closing), "closed"


def _notes(identified: IdentifyResult) -> tuple[str, ...]:
    found = [
        "Scores, tiers, causes, dates and money are computed by rules; the same data, history and configuration give "
        "the same review.",
        identified.portfolio.calibration_note,
    ]
    if identified.baseline:
        found.append("This is the first review: it is the baseline, and no change is shown.")
    elif identified.followup.baseline:
        found.append(
            "This is the first review: it is compared with the week before, which was filled in from the data."
        )
    if identified.configuration_changed:
        found.append(
            "The configuration changed since last week: last week was scored again with it for the comparison."
        )
    return tuple(found)
