"""Approved plays of the kept reviews: what was done, and what became of the account. Reads the store and the outcomes."""

from dataclasses import dataclass
from datetime import date, timedelta

from domain.phase_results import RunningPlay
from domain.tracking import Action
from graph.review_history import EarlierReviews
from tools.planning.follow_up import progress_on
from tools.scoring.scored_base import ScoredBase
from tools.store.review_store import ReviewStore


@dataclass(frozen=True)
class PastPlay:
    """One approved play."""

    account_id: str
    name: str
    cause: str
    """Key of the cause."""
    label: str
    began: date
    state: str
    """``running`` or ``ended``."""
    outcome: str
    """Latest outcome of the account since the play began: ``renewed``, ``churned`` …; ``none yet``."""
    done: tuple[str, ...]
    """Titles of the actions that were done."""
    steps: tuple[tuple[str, str], ...]
    """Id of the playbook action and title of each action that was done."""

    @property
    def is_kept(self) -> bool:
        """True if the customer renewed or grew since."""
        return self.outcome in ("renewed", "expanded")

    @property
    def is_lost(self) -> bool:
        """True if the customer left since."""
        return self.outcome == "churned"


def past_plays(earlier: EarlierReviews, store: ReviewStore, base: ScoredBase, as_of: date) -> list[PastPlay]:
    """Every approved play, the newest first."""
    approved = earlier.approved_plays()
    if not approved:
        return []
    progress = store.progress()
    done = [a for a in store.actions_before(as_of) if progress_on(a, progress, as_of)[0] == "done"]
    running = {(play.account_id, play.created) for play in earlier.running_plays().values()}
    outcomes = _outcomes(base, approved, as_of)
    causes = base.configuration.causes.causes
    longest = timedelta(days=base.configuration.review.play_days)
    return [
        PastPlay(
            account_id=play.account_id,
            name=play.name,
            cause=play.cause,
            label=causes[play.cause].label if play.cause in causes else play.cause.replace("_", " "),
            began=play.created,
            state="running" if (play.account_id, play.created) in running else "ended",
            outcome=outcomes.get((play.account_id, play.created), "none yet"),
            done=tuple(action.title for action in mine),
            steps=tuple((action.playbook_action or action.kind, action.title) for action in mine),
        )
        for play in sorted(approved, key=lambda each: (each.created, each.account_id), reverse=True)
        for mine in [_actions_of(play, done, longest)]
    ]


def _actions_of(play: RunningPlay, done: list[Action], longest: timedelta) -> list[Action]:
    """Done actions of the play: those of its account in the time that it ran."""
    return [
        a for a in done if a.account_id == play.account_id and play.created <= (a.done_on or a.due) <= play.created + longest
    ]  # fmt: skip


def _outcomes(base: ScoredBase, plays: list[RunningPlay], as_of: date) -> dict[tuple[str, date], str]:
    """The latest outcome of each account since its play began; several on one day: the worst."""
    rows = base.rows(
        "select p.account_id, p.began, arg_max(o.kind, (o.date, case o.kind when 'churned' then 3 when 'contracted' then 2 "
        "when 'renewed' then 1 else 0 end)) as kind from (select unnest(?) as account_id, unnest(?::date[]) as began) p "
        "join outcomes o on o.account_id = p.account_id and o.date >= p.began and o.date <= ? group by 1, 2",
        [[play.account_id for play in plays], [play.created for play in plays], as_of],
    )
    return {(row["account_id"], row["began"]): row["kind"] for row in rows}
