"""The stand-up of one day: the critical accounts of the base as it is scored today, beside the last look and the review.

Reads the store and the base; writes nothing, and no review depends on it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agents.churn_predictor import intervention_plan, profile_for
from domain.dossier import Dossier, Person
from domain.facts import Incident
from domain.phase_results import IdentifyResult
from domain.plan import TBD, PlanLine
from domain.running_play import PlaySnapshot
from domain.stand_up import AccountPicture, FirstStep, NoLongerCritical, StandUp, StandUpAccount
from domain.tracking import Action
from graph.context import ReviewContext
from tools.evidence.dossier import Known, build_dossiers, load_people
from tools.evidence.incidents import find_incidents
from tools.planning.account_moves import account_moves
from tools.planning.follow_up import open_actions
from tools.planning.intervention_plan import build_plan_rows, count_plan_totals, read_plan_scores
from tools.planning.running_play import snapshot
from tools.scoring.scored_base import Row, ScoredBase
from tools.sql import sql_files
from tools.wording import known_amount

_CRITICAL = "critical"


@dataclass(frozen=True)
class _Before:
    """State that the review and the last look knew."""

    review: IdentifyResult
    monday: Mapping[str, Row]
    """Scores of the review's own week, by account; empty when that week is no longer kept."""
    last: StandUp | None
    """None when the review itself was the last look."""

    @property
    def look(self) -> date:
        """Day of the last look."""
        return self.last.as_of if self.last is not None else self.review.as_of

    def was_critical_in_review(self, account_id: str) -> bool:
        """True if the review had the account as critical."""
        if account_id in self.monday:
            return bool(self.monday[account_id]["intervention_tier"] == _CRITICAL)
        return account_id in self.critical_in_review

    @property
    def critical_in_review(self) -> list[str]:
        """Critical accounts of the review, as far as its plan lists them."""
        return [row.account_id for row in self.review.plan_rows if row.tier == _CRITICAL]

    def was_critical_at_look(self, account_id: str) -> bool:
        """True if the last look had the account as critical."""
        if self.last is None:
            return self.was_critical_in_review(account_id)
        return any(each.account_id == account_id for each in self.last.critical)


def stand_up(context: ReviewContext, base: ScoredBase, review: IdentifyResult, last: StandUp | None) -> StandUp:
    """The critical accounts of ``base``. ``last``: the look before, if there was one since the review."""
    rows = [row for row in read_plan_scores(base) if row["intervention_tier"] == _CRITICAL]
    ids = [row["account_id"] for row in rows]
    base.select_accounts(ids)
    details = base.signal_details()
    plan_rows = build_plan_rows(base, rows, details)
    team = load_people(base)
    lines = intervention_plan(plan_rows, team, context.configuration, context.calendar, base.as_of)
    agreed = _open_actions(context, base.as_of)
    known = Known(
        incidents=find_incidents(base),
        open_actions=agreed,
        new_days=profile_for(context.configuration, review.portfolio.accounts).interval_days,
    )
    dossiers = build_dossiers(base, ids, context.history, details, known)
    before = _Before(review, _scores_of_review(context, base, review.review_id, ids), last)
    total = next(count for count in count_plan_totals(base) if count.name == _CRITICAL)
    return StandUp(
        review_id=review.review_id,
        review_as_of=review.as_of,
        as_of=base.as_of,
        last_look=before.look,
        currency=base.configuration.scoring.money.home,
        accounts=total.accounts,
        arr=total.arr,
        unknown_arr=total.unknown_arr,
        critical=tuple(
            _account(dossier, line, team, before, known.incidents, agreed, base)
            for dossier, line in zip(dossiers, lines, strict=True)
        ),
        no_longer=_no_longer(base, before, set(ids)),
        fingerprint=base.audit.fingerprint,
        pictures=tuple(
            AccountPicture(account_id=each.account_id, seen=snapshot(review.review_id, base.as_of, each, "", ()))
            for each in dossiers
        ),
    )


def _open_actions(context: ReviewContext, day: date) -> list[Action]:
    """Approved actions that are neither done nor dropped by the end of the day, this review's own ones too."""
    store = context.store
    found = open_actions(store.actions_before(day + timedelta(days=1)), store.progress(), day)
    return [action for action in found if action.kind != "look_again"]


def _scores_of_review(
    context: ReviewContext, base: ScoredBase, review_id: str, accounts: Sequence[str]
) -> dict[str, Row]:
    """Scores of some accounts as the review's own week has them."""
    weeks = context.history.snapshots(base.connection, base.as_of + timedelta(days=1))
    own = next((week for week in weeks if week.review_id == review_id), None)
    if own is None:
        return {}
    rows = base.rows(
        "select account_id, health, risk, arr, renewal_date, intervention_tier from "
        f"read_parquet({sql_files([own.path])}) where account_id in (select unnest(?))",
        [list(accounts)],
    )
    return {row["account_id"]: row for row in rows}


def _account(
    dossier: Dossier,
    line: PlanLine,
    team: Mapping[str, Person],
    before: _Before,
    incidents: Sequence[Incident],
    agreed: Sequence[Action],
    base: ScoredBase,
) -> StandUpAccount:
    account, currency = dossier.account_id, base.configuration.scoring.money.home
    csm = team.get(dossier.csm_id or "")
    notable = base.configuration.scoring.notable_change.value
    since_review = account_moves(
        _calmed(_picture_of_review(dossier, before, base.as_of), dossier, notable),
        dossier,
        incidents,
        base.as_of,
        {},
        currency,
    )
    since_look = since_review
    if before.last is not None:
        pictures = {each.account_id: each.seen for each in before.last.pictures}
        seen = pictures.get(account) or _facts_until(dossier, before.review.review_id, before.look, base.as_of)
        since_look = account_moves(_calmed(seen, dossier, notable), dossier, incidents, base.as_of, {}, currency)
    return StandUpAccount(
        account_id=account,
        name=dossier.name,
        arr=dossier.arr,
        renewal_date=dossier.renewal_date,
        renewal_in_days=dossier.renewal_in_days,
        health=dossier.health,
        risk=dossier.risk,
        owner=csm.name if csm else TBD,
        why=line.why,
        first_step=_first_step(line, [action for action in agreed if action.account_id == account]),
        new_since_look=not before.was_critical_at_look(account),
        new_since_review=not before.was_critical_in_review(account),
        moves=since_look,
        moves_since_review=since_review,
    )


def _picture_of_review(dossier: Dossier, before: _Before, today: date) -> PlaySnapshot:
    """The account as the review saw it; of one that it did not look at, the scores of its week and the facts of that day."""
    review = before.review
    seen = next((each for each in review.all_dossiers if each.account_id == dossier.account_id), None)
    if seen is not None:
        return snapshot(review.review_id, review.as_of, seen, "", ())
    picture, row = _facts_until(dossier, review.review_id, review.as_of, today), before.monday.get(dossier.account_id)
    if row is None:
        return picture
    figures = {
        "health": row["health"],
        "risk": row["risk"],
        "arr": known_amount(row["arr"]),
        "renewal_date": row["renewal_date"],
    }
    return picture.model_copy(update=figures)


def _facts_until(dossier: Dossier, review_id: str, until: date, today: date) -> PlaySnapshot:
    """Today's account without the facts of the days since: what is known where nobody looked at it then.

    A day to come, such as that of the renewal, was known before.
    """
    picture = snapshot(review_id, until, dossier, "", ())
    known = tuple(fact for fact in dossier.facts if fact.on is None or not until < fact.on <= today)
    return picture.model_copy(update={"facts": known})


def _calmed(seen: PlaySnapshot, dossier: Dossier, notable: float) -> PlaySnapshot:
    """The picture with today's health and risk where they moved by less than a notable change: a point a day is no news."""
    figures: dict[str, float | None] = {}
    if seen.health is not None and dossier.health is not None and abs(seen.health - dossier.health) < notable:
        figures["health"] = dossier.health
    if abs(seen.risk - dossier.risk) < notable:
        figures["risk"] = dossier.risk
    return seen.model_copy(update=figures)


def _first_step(line: PlanLine, agreed: Sequence[Action]) -> FirstStep:
    """The open action that is due first; without one in the time that the priority leaves, its primary action."""
    first = min(agreed, key=lambda action: (action.due, action.id), default=None)
    if first is not None and first.due <= line.by:
        return FirstStep(title=first.title, owner=first.owner, by=first.due, is_agreed=True)
    return FirstStep(title=line.action, owner=line.owner, by=line.by, is_agreed=False)


def _no_longer(base: ScoredBase, before: _Before, critical: Collection[str]) -> tuple[NoLongerCritical, ...]:
    """Accounts that the review or the last look had as critical and that are not today, by name."""
    names = {row.account_id: (row.name, row.arr) for row in before.review.plan_rows if row.tier == _CRITICAL}
    if before.last is not None:
        names |= {each.account_id: (each.name, each.arr) for each in before.last.critical}
    gone = sorted(set(names) - set(critical))
    rows = base.rows(
        "select account_id, at_risk, intervention_tier from scored where account_id in (select unnest(?))", [gone]
    )
    today = {row["account_id"]: row for row in rows}
    found = [
        NoLongerCritical(
            account_id=account, name=names[account][0], arr=names[account][1], now=_now(today.get(account))
        )
        for account in gone
        if today.get(account, {}).get("intervention_tier") != _CRITICAL  # beyond the length of the table
    ]
    return tuple(sorted(found, key=lambda each: (each.name, each.account_id)))


def _now(row: Row | None) -> str:
    if row is None:
        return "no longer a customer"
    return f"now {row['intervention_tier']}" if row["at_risk"] and row["intervention_tier"] else "no longer at risk"
