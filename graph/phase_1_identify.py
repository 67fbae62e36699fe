"""Phase 1, risk identification: the churn predictor lists the accounts at risk, the health scorer the trends."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from agents.churn_predictor import at_risk_list, profile_for
from domain.configuration import ReviewProfile
from domain.dossier import Dossier
from domain.phase_results import AtRiskEntry, AtRiskSnapshot, IdentifyResult, PlanRow, Trends
from domain.portfolio import PortfolioSummary
from domain.questions import PlayRequest
from domain.tracking import AccountOutcome, Commitment, Followup
from graph.context import ReviewContext, ReviewState, StateUpdate, review_date, review_node, save_result
from tools.ask.user_statements import add_statements
from tools.evidence.dossier import build_dossiers, load_people
from tools.planning.follow_up import AccountStatus, account_outcome, build_follow_up, list_commitments
from tools.planning.intervention_plan import at_risk_ids, build_plan_rows, count_plan_totals, read_plan_scores
from tools.scoring import portfolio_summary
from tools.scoring.scored_base import ScoredBase
from tools.wording import known_amount


@review_node("1 Risk identification", "churn predictor")
def identify_risk(state: ReviewState, context: ReviewContext) -> StateUpdate:
    """Score the whole base; list the worst by risk × ARR; open with last week's commitments."""
    base, review_id = context.base(), state["review_id"]
    totals = portfolio_summary.summarize_portfolio(base)
    profile = profile_for(context.configuration, totals.accounts)
    play_requests = requests_of_customers(base, context.store.proposals(review_id, review_date(state)))
    accounts = _read_accounts(context, profile.list_size, play_requests)
    identified = _identified(context, state, totals, profile, play_requests, accounts)
    trends, snapshot = _trends(base), _at_risk_snapshot(identified, base)
    base.save_scores(context.history, review_id, reviewed=True)
    with context.store.transaction():  # all that is read from the data: a resume must not mix it with later data
        context.store.save(review_id, "standing", snapshot)
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

    listed: tuple[Dossier, ...]
    """The at-risk list, worst first."""
    requested_dossiers: tuple[Dossier, ...]
    """Accounts for which somebody asked for a play, with the statements of the question."""
    plan_rows: tuple[PlanRow, ...]


def _read_accounts(context: ReviewContext, list_size: int, play_requests: Sequence[PlayRequest]) -> _Accounts:
    base = context.base()
    listed, planned = at_risk_ids(base, list_size), read_plan_scores(base)
    requested = [request.account_id for request in play_requests]
    base.select_accounts(sorted({*listed, *requested, *(row["account_id"] for row in planned)}))
    details = base.signal_details()
    plan_rows = build_plan_rows(base, planned, details)
    dossiers = build_dossiers(base, list(dict.fromkeys([*listed, *requested])), context.history, details)
    by_id = {dossier.account_id: dossier for dossier in dossiers}
    return _Accounts(
        listed=tuple(dossiers[: len(listed)]),
        requested_dossiers=tuple(_with_statements(by_id[each.account_id], each, context) for each in play_requests),
        plan_rows=plan_rows,
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
        at_risk=at_risk_list(accounts.listed, team, configuration, profile.meeting_scope, overrides),
        dossiers=accounts.listed,
        plan_rows=accounts.plan_rows,
        plan_totals=count_plan_totals(base),
        people=team,
        books=books,
        movable=portfolio_summary.movable_accounts(base, portfolio_summary.csm_ids(base)),
        population=portfolio_summary.portfolio_counts(base),
        followup=_followup(context, base, day),
        standing_now=portfolio_summary.current_health(base, sorted(seen)),
        outcomes=portfolio_summary.outcomes_since(base, seen),
        asked=accounts.requested_dossiers,
        proposals=tuple(play_requests),
    )


def requests_of_customers(base: ScoredBase, play_requests: list[PlayRequest]) -> list[PlayRequest]:
    """Requests whose account is still a customer."""
    accounts = [request.account_id for request in play_requests]
    rows = base.rows("select account_id from scored where list_contains(?, account_id)", [accounts])
    customers = {row["account_id"] for row in rows}
    return [request for request in play_requests if request.account_id in customers]


def _at_risk_snapshot(identified: IdentifyResult, base: ScoredBase) -> AtRiskSnapshot:
    """Accounts at risk this week, for later reviews."""
    rows = base.rows(
        "select account_id, name, arr, churn_probability, health from scored where at_risk order by account_id"
    )
    entries = tuple(AtRiskEntry(**{**row, "arr": known_amount(row["arr"])}) for row in rows)
    return AtRiskSnapshot(review_id=identified.review_id, as_of=identified.as_of, at_risk=entries)


def _followup(context: ReviewContext, base: ScoredBase, day: date) -> Followup:
    """Last week's commitments, and the outcome of the accounts that had a play."""
    previous = base.previous
    if previous is None:
        return build_follow_up(None, (), ())
    items = list_commitments(
        context.earlier_reviews(day).carried_actions(), context.store.progress(), day, context.configuration.review
    )
    outcomes = _outcomes(context, base, previous.as_of, items)
    return build_follow_up((previous.review_id, previous.as_of), items, outcomes)


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
            AccountStatus(kinds.get(account), account in still_at_risk, play.health, health_now.get(account)),
            [item for item in items if item.account_id == account],
        )
        for account, play in sorted(running.items(), key=lambda pair: (-(pair[1].arr or 0), pair[0]))
    ]
