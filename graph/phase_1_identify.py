"""Phase 1, risk identification: the churn predictor lists who is at risk, the health scorer what fell."""

from datetime import date

from agents.churn_predictor import at_risk_list, profile_for
from domain.asking import Proposal
from domain.phases import AtRiskThen, Identified, Standing, Trends
from domain.review import AccountOutcome, Action, Commitment, Followup
from graph.context import ReviewContext, ReviewState, Update, as_of, kept, step
from graph.review_history import earlier_standings, previous_running
from tools.ask.user_statements import with_said
from tools.evidence.dossier import dossiers, people
from tools.planning.capacity import capacity_lines
from tools.planning.follow_up import account_outcome, commitments, followup
from tools.planning.intervention_plan import at_risk_ids, plan_rows, plan_scores, plan_totals
from tools.scoring import portfolio_summary
from tools.scoring.scored_base import CustomerBase


@step("1 Risk identification", "churn predictor")
def churn_predictor_identifies(state: ReviewState, context: ReviewContext) -> Update:
    """Score the whole base; list the worst by risk × ARR; open with last week's commitments."""
    base, day = context.base(), as_of(state)
    configuration = context.configuration
    totals = portfolio_summary.portfolio(base)
    profile = profile_for(configuration, totals.accounts)
    team = people(base)
    listed, planned = at_risk_ids(base, profile.list_size), plan_scores(base)
    proposals = known_proposals(base, context.store.proposals(state["review_id"], day))
    wanted = [proposal.account_id for proposal in proposals]
    base.pick(sorted({*listed, *wanted, *(row["account_id"] for row in planned)}))
    details = base.details()
    rows = plan_rows(base, planned, details)
    every = dossiers(base, list(dict.fromkeys([*listed, *wanted])), context.history, details)
    found, by_id = every[: len(listed)], {dossier.account_id: dossier for dossier in every}
    standings = earlier_standings(context, day)
    seen = {item.account_id: standing.as_of for standing in reversed(standings) for item in standing.at_risk}
    books = portfolio_summary.books(base)
    crowded = [line.person_id for line in capacity_lines(books, team, {}, {}, configuration.review)]
    identified = Identified(
        review_id=state["review_id"],
        as_of=day,
        profile=profile.id,
        baseline=base.previous is None,
        previous_review_id=base.previous.review_id if base.previous else None,
        previous_as_of=base.previous.as_of if base.previous else None,
        configuration_changed=base.configuration_changed,
        data=portfolio_summary.data_report(base),
        portfolio=totals,
        at_risk=at_risk_list(found, team, configuration, profile.meeting_scope, context.store.overrides(day)),
        dossiers=tuple(found),
        plan_rows=rows,
        plan_totals=plan_totals(base),
        people=team,
        books=books,
        movable=portfolio_summary.movable(base, crowded),
        population=portfolio_summary.population(base),
        followup=_followup(context, base, day),
        standing_now=portfolio_summary.health_of(base, sorted(seen)),
        outcomes=portfolio_summary.outcomes_since(base, seen),
        asked=tuple(with_said(by_id[p.account_id], p.said, configuration, p.on) for p in proposals),
        proposals=tuple(proposals),
    )
    context.store.put(state["review_id"], "standing", _standing(identified, base))
    base.keep(context.history, state["review_id"], reviewed=True)
    return kept(context, state, "identified", identified)


@step("1 Risk identification", "health scorer")
def health_scorer_follows_trends(state: ReviewState, context: ReviewContext) -> Update:
    """Health that fell, warnings by dimension, stakeholder changes; the risk × opportunity matrix."""
    base = context.base()
    alerts, states = portfolio_summary.alerts(base)
    return kept(context, state, "trends", Trends(alerts=alerts, states=states, matrix=portfolio_summary.matrix(base)))


def known_proposals(base: CustomerBase, proposals: list[Proposal]) -> list[Proposal]:
    """Those whose account is still a customer."""
    known = {
        row["account_id"]
        for row in base.rows(
            "select account_id from scored where list_contains(?, account_id)", [[p.account_id for p in proposals]]
        )
    }
    return [proposal for proposal in proposals if proposal.account_id in known]


def _standing(identified: Identified, base: CustomerBase) -> Standing:
    """Who is at risk this week, for the reviews to come."""
    rows = base.rows(
        "select account_id, name, arr, churn_probability, health from scored where at_risk order by account_id"
    )
    then = tuple(AtRiskThen(**{**row, "arr": float(row["arr"])}) for row in rows)
    return Standing(review_id=identified.review_id, as_of=identified.as_of, at_risk=then)


def _followup(context: ReviewContext, base: CustomerBase, day: date) -> Followup:
    """Last week's promises and what became of the accounts that had a play."""
    if base.previous is None:
        return followup(None, (), ())
    promised = _still_open_or_new(context.store.actions_before(day), context, day)
    items = commitments(promised, context.store.progress(), day, context.configuration.review)
    outcomes = _outcomes(context, base, items)
    return followup((base.previous.review_id, base.previous.as_of), items, outcomes)


def _still_open_or_new(actions: list[Action], context: ReviewContext, day: date) -> list[Action]:
    """Without what was already done or dropped before the last review."""
    last = max((as_of for _, as_of, _ in context.store.reviews() if as_of < day), default=day)
    progress = context.store.progress()
    kept_actions = []
    for action in actions:
        state, on = progress.get(action.id, (action.status, None))
        settled = state in ("done", "dropped") and (on is None or on < last)
        if not settled and action.status != "dropped":
            kept_actions.append(action)
    return kept_actions


def _outcomes(context: ReviewContext, base: CustomerBase, items: tuple[Commitment, ...]) -> list[AccountOutcome]:
    running = previous_running(context, base.as_of)
    if base.previous is None or not running:
        return []
    names = sorted(running)
    kinds = portfolio_summary.outcomes_since(base, dict.fromkeys(names, base.previous.as_of))
    now = portfolio_summary.health_of(base, names)
    risky = portfolio_summary.at_risk_of(base, names)
    return [
        account_outcome(
            account,
            play.name,
            play.arr,
            (kinds.get(account), account in risky, play.health, now.get(account)),
            [item for item in items if item.account_id == account],
        )
        for account, play in sorted(running.items(), key=lambda pair: (-pair[1].arr, pair[0]))
    ]
