"""Phase 1, risk identification: the churn predictor lists the accounts at risk, the health scorer the trends."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from agents.churn_predictor import at_risk_list, profile_for
from agents.meeting_lines import ahead_lines, list_note, overdue_lines, watched
from domain.configuration import ReviewProfile
from domain.dossier import Dossier
from domain.facts import Incident
from domain.phase_results import AtRiskEntry, AtRiskSnapshot, IdentifyResult, PlanRow, Trends
from domain.portfolio import PortfolioSummary
from domain.questions import PlayRequest
from domain.readings import count_readings
from domain.tracking import AccountOutcome, Commitment, Followup, SettledPlay, SettledPlays
from graph.context import ReviewContext, ReviewState, StateUpdate, review_date, review_node, save_result
from tools.ask.user_statements import add_statements
from tools.evidence.dossier import Known, build_dossiers, load_people
from tools.evidence.incidents import find_incidents
from tools.planning.follow_up import (
    AccountStatus,
    account_outcome,
    build_follow_up,
    list_commitments,
    merge_settled,
    settled_play,
)
from tools.planning.intervention_plan import build_plan_rows, count_plan_totals, read_plan_scores
from tools.planning.meeting_list import MeetingList, meeting_list, read_overdue
from tools.scoring import portfolio_summary
from tools.scoring.backtest import backtest
from tools.scoring.renewal_view import renewal_view
from tools.scoring.scored_base import ScoredBase
from tools.wording import known_amount, review_id_of


@review_node("1 Risk identification", "churn predictor")
def identify_risk(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Score the whole base; list where most can still be kept; open with last week's commitments."""
    base, review_id = context.base(), state["review_id"]
    totals = portfolio_summary.summarize_portfolio(base)
    profile = profile_for(context.configuration, totals.accounts)
    play_requests = requests_of_customers(base, context.store.proposals(review_id, review_date(state)))
    accounts = _read_accounts(context, profile, meeting_list(base, profile), play_requests, review_date(state))
    identified = _identified(context, state, totals, profile, play_requests, accounts)
    trends, snapshot = _trends(base), _at_risk_snapshot(identified, base)
    base.save_scores(context.history, review_id, reviewed=True)
    with context.store.transaction():  # all that is read from the data: a resume must not mix it with later data
        context.store.save(review_id, "standing", snapshot)
        context.store.save(review_id, "settled", SettledPlays(plays=identified.followup.settled))
        context.save_result(review_id, "trends", trends)
        return save_result(context, state, "identified", identified)


@review_node("1 Risk identification", "health scorer")
def follow_trends(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Health that fell, warnings by dimension, stakeholder changes; the risk × opportunity matrix."""
    if context.store.has(state["review_id"], "trends"):
        trends = context.result(state, "trends", Trends)
    else:  # begun by a program that did not save them with the list
        trends = _trends(context.base())
    return save_result(context, state, "trends", trends)


def _trends(base: ScoredBase) -> Trends:
    alerts, states = portfolio_summary.workflow_alerts(base)
    return Trends(alerts=alerts, states=states, matrix=portfolio_summary.opportunity_matrix(base))


@dataclass(frozen=True)
class _Accounts:
    """The accounts that are read in detail."""

    listing: MeetingList
    listed: tuple[Dossier, ...]
    """The accounts on the list, by rank."""
    running: tuple[Dossier, ...]
    """Accounts with a running or a deferred play that are neither on the list nor requested."""
    requested_dossiers: tuple[Dossier, ...]
    """Accounts for which somebody asked for a play, with the statements of the question."""
    plan_rows: tuple[PlanRow, ...]
    incidents: tuple[Incident, ...]


def _read_accounts(
    context: ReviewContext,
    profile: ReviewProfile,
    listing: MeetingList,
    play_requests: Sequence[PlayRequest],
    day: date,
) -> _Accounts:
    base = context.base()
    planned, requested = read_plan_scores(base), [request.account_id for request in play_requests]
    seen = {*listing.account_ids, *requested}
    earlier = context.earlier_reviews(day)
    running = [a for a in _customers(base, {*earlier.running_plays(), *earlier.deferrals()}) if a not in seen]
    base.select_accounts(sorted({*seen, *running, *(row["account_id"] for row in planned)}))
    details = base.signal_details()
    plan_rows = build_plan_rows(base, planned, details)
    wanted = list(dict.fromkeys([*listing.account_ids, *requested, *running]))
    base.select_accounts(wanted)
    known = Known(
        incidents=find_incidents(base),
        open_actions=[each for each in earlier.open_actions() if each.kind != "look_again"],
        new_days=profile.interval_days,
    )
    by_id = {each.account_id: each for each in build_dossiers(base, wanted, context.history, details, known)}
    return _Accounts(
        listing=listing,
        listed=tuple(by_id[account] for account in listing.account_ids),
        running=tuple(by_id[account] for account in running),
        requested_dossiers=tuple(_with_statements(by_id[each.account_id], each, context) for each in play_requests),
        plan_rows=plan_rows,
        incidents=known.incidents,
    )


def _with_statements(dossier: Dossier, request: PlayRequest, context: ReviewContext) -> Dossier:
    return add_statements(dossier, request.said, context.configuration, request.on)


def _identified(
    context: ReviewContext,
    state: ReviewState,
    totals: PortfolioSummary,
    profile: ReviewProfile,
    play_requests: Sequence[PlayRequest],
    accounts: _Accounts,
) -> IdentifyResult:
    base, day, configuration = context.base(), review_date(state), context.configuration
    team, books = load_people(base), portfolio_summary.csm_books(base)
    seen = context.earlier_reviews(day).last_seen()
    overrides = context.store.overrides(day)
    listed, scope = accounts.listed, profile.meeting_scope
    at_risk = at_risk_list(listed, team, configuration, scope, overrides)
    ahead = ahead_lines(listed, team, configuration, context.calendar, day, scope)
    overdue = read_overdue(base)
    return IdentifyResult(
        review_id=state["review_id"],
        as_of=day,
        profile=profile.id,
        baseline=base.previous is None,
        previous_review_id=base.previous.review_id if base.previous else None,
        previous_as_of=base.previous.as_of if base.previous else None,
        configuration_changed=base.configuration_changed,
        data=portfolio_summary.data_report(base),
        portfolio=totals,
        at_risk=at_risk,
        dossiers=tuple(dossier for dossier in listed if dossier.at_risk),
        ahead=ahead,
        ahead_dossiers=tuple(watched(dossier) for dossier in listed if not dossier.at_risk),
        running_dossiers=accounts.running,
        overdue=overdue_lines(overdue, team, configuration, context.calendar, day),
        backtest=backtest(base),
        reading=count_readings(base.people),
        list_note=list_note(configuration, len(at_risk), len(ahead), len(accounts.listing.appended), profile),
        plan_rows=accounts.plan_rows,
        plan_totals=count_plan_totals(base),
        people=team,
        books=books,
        movable=portfolio_summary.movable_accounts(base, portfolio_summary.csm_ids(base)),
        population=portfolio_summary.portfolio_counts(base),
        followup=_followup(context, base, day),
        incidents=accounts.incidents,
        standing_now=portfolio_summary.current_health(base, sorted(seen)),
        outcomes=portfolio_summary.outcomes_since(base, seen),
        renewals=renewal_view(base, context.earlier_reviews(day).renewal_intents()),
        asked=accounts.requested_dossiers,
        proposals=tuple(play_requests),
    )


def requests_of_customers(base: ScoredBase, play_requests: list[PlayRequest]) -> list[PlayRequest]:
    """Requests whose account is still a customer."""
    customers = set(_customers(base, [request.account_id for request in play_requests]))
    return [request for request in play_requests if request.account_id in customers]


def _customers(base: ScoredBase, accounts: Iterable[str]) -> list[str]:
    """Those of some accounts that are still customers, by id."""
    rows = base.rows("select account_id from scored where list_contains(?, account_id) order by 1", [list(accounts)])
    return [row["account_id"] for row in rows]


def _at_risk_snapshot(identified: IdentifyResult, base: ScoredBase) -> AtRiskSnapshot:
    """Accounts at risk this week, for later reviews."""
    rows = base.rows(
        "select account_id, name, arr, churn_probability, health from scored where at_risk order by account_id"
    )
    entries = tuple(AtRiskEntry(**{**row, "arr": known_amount(row["arr"])}) for row in rows)
    return AtRiskSnapshot(
        review_id=identified.review_id,
        as_of=identified.as_of,
        churn_horizon_weeks=identified.portfolio.churn_horizon_weeks,
        at_risk=entries,
    )


def _followup(context: ReviewContext, base: ScoredBase, day: date) -> Followup:
    """Last week's commitments, and the outcome of the accounts that had a play."""
    previous = base.previous
    if previous is None or not previous.reviewed:  # nothing was promised in a week that was only filled in
        return build_follow_up(None, (), ())
    items = list_commitments(
        context.earlier_reviews(day).carried_actions(), context.store.progress(), day, context.configuration.review
    )
    outcomes = _outcomes(context, base, previous.as_of, items)
    settled = _settled_plays(context, outcomes, day)
    return build_follow_up((previous.review_id, previous.as_of), items, outcomes, settled)


def _settled_plays(context: ReviewContext, outcomes: Iterable[AccountOutcome], day: date) -> tuple[SettledPlay, ...]:
    """Saves and losses of this review and of those before it."""
    earlier, causes = context.earlier_reviews(day), context.configuration.causes.causes
    running = earlier.running_plays()
    found = []
    for outcome in outcomes:
        if outcome.status in ("saved", "lost", "recovered"):
            play = running[outcome.account_id]
            rule = next((rule for cause, rule in causes.items() if cause == play.cause), None)
            record = earlier.play_record(play, rule.label if rule is not None else "Cause undetermined")
            found.append(settled_play(outcome, record, review_id_of(day), day))
    return merge_settled(earlier.settled_plays(), [play for play in found if play is not None])


def _outcomes(
    context: ReviewContext, base: ScoredBase, since: date, items: tuple[Commitment, ...]
) -> list[AccountOutcome]:
    """Outcome of each account whose play runs, since the day of the previous review; largest ARR first."""
    running = context.earlier_reviews(base.as_of).running_plays()
    if not running:
        return []
    account_ids = sorted(running)
    kinds = portfolio_summary.outcomes_since(base, dict.fromkeys(account_ids, since))
    health_now = portfolio_summary.current_health(base, account_ids)
    still_at_risk = portfolio_summary.still_at_risk(base, account_ids)
    return [
        account_outcome(
            account,
            play.name,
            play.arr,
            AccountStatus(
                kinds.get(account),
                account in still_at_risk,
                account in health_now,
                play.health,
                health_now.get(account),
            ),
            [item for item in items if item.account_id == account],
        )
        for account, play in sorted(running.items(), key=lambda pair: (-(pair[1].arr or 0), pair[0]))
    ]
