"""One review as the pages show it: the document, its progress, and the choices of the meeting so far.

A review is loaded once and cached until it changes; a cached review is never modified.
"""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from threading import Lock
from typing import Literal

from markupsafe import Markup

from app.desk.recent_cache import RecentCache
from app.report.view import ReviewView
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, build_context
from domain.configuration import Configuration
from domain.desk import MeetingNote, Member, PendingDecision
from domain.dossier import Dossier, Person
from domain.errors import UnknownReference
from domain.phase_results import IdentifyResult
from domain.plan import PlanLine, ResourceNeeds, WaitingPlay
from domain.review import Review
from domain.save_play import SavePlay
from graph.decision_preview import DecisionPreview
from graph.review_document import review_document
from graph.workload import Workload
from tools.planning.decisions import DECIDED_STATUS
from tools.store.desk_store import DeskStore

Stage = Literal["preparing", "deciding", "working", "closing", "finishing", "closed"]
STAGES: dict[Stage, str] = {
    "preparing": "Being prepared",
    "deciding": "Waiting for decisions",
    "working": "Decided; the actions are being handed out",
    "closing": "Waiting for the close",
    "finishing": "Closed; the pages are being written",
    "closed": "Closed",
}


@dataclass(frozen=True)
class ReviewProgress:
    """The progress of a review at one moment. Two are equal when the review did not change in between."""

    review_id: str
    as_of: date
    run: int
    stage: Stage
    kinds: tuple[str, ...] = field(repr=False)
    """Kinds of the saved results."""


def review_progress(store_session: StoreSession, review_id: str) -> ReviewProgress:
    """The progress of a review. Raises UnknownReference."""
    store = store_session.store
    kept, state, run = store.request(review_id)
    kinds = store.kinds(review_id)
    decided = [gate for gate in ("plan", "close") if store.decision(review_id, gate) is not None]
    if state == "closed":
        stage: Stage = "closed"
    elif "close" in decided:
        stage = "finishing"
    elif state == "waiting:close":
        stage = "closing"
    elif "plan" in decided:
        stage = "working"
    else:
        stage = "deciding" if state == "waiting:plan" else "preparing"
    return ReviewProgress(review_id, date.fromisoformat(kept["as_of"]), run, stage, kinds)


class LoadedReview:
    """One review with all that its pages need."""

    def __init__(self, store_session: StoreSession, progress: ReviewProgress) -> None:
        own = StoreSession(
            store_session.at, store_session.store
        )  # with results of its own: those of an earlier run must not stay
        self.progress = progress
        self.request = ReviewRequest.from_stored(store_session.store.request(progress.review_id)[0])
        self._context = build_context(own, progress.review_id, Timing())
        self._state = self._context.stored_state(progress.review_id)
        self.review: Review = review_document(self._context, self._state)
        self.identified: IdentifyResult = self._context.result(self._state, "identified", IdentifyResult)
        self.view = ReviewView(self.review)
        self._lock = Lock()
        self._loads: dict[tuple[str, ...], Workload] = {}
        self.fragments: dict[Hashable, Markup] = {}
        """Rendered parts of pages, by template, key and language."""

    @property
    def review_id(self) -> str:
        """ISO week of the review."""
        return self.progress.review_id

    @property
    def people(self) -> Mapping[str, Person]:
        """Our own people, by id."""
        return self.identified.people

    @cached_property
    def configuration(self) -> Configuration:
        """The configuration that the review runs with."""
        return self._context.configuration

    @property
    def day_after(self) -> str:
        """The first day to which a play can be deferred, as a form takes it."""
        return (self.review.as_of + timedelta(days=1)).isoformat()

    @property
    def next_review_date(self) -> date:
        """The day of the next review, by the interval of the team's profile; it may be a day off."""
        profile = self.configuration.review.profile_for(self.review.portfolio.accounts)
        return self.review.as_of + timedelta(days=profile.interval_days)

    @cached_property
    def dossiers(self) -> dict[str, Dossier]:
        """The facts about each account that was looked at closely, by account."""
        return {each.account_id: each for each in self.identified.all_dossiers}

    @cached_property
    def plays(self) -> dict[str, SavePlay]:
        """The plays by account, in the order of the meeting."""
        return {play.account_id: play for play in self.view.ranked_plays}

    @cached_property
    def plan_lines(self) -> dict[str, PlanLine]:
        """The lines of the intervention plan by account."""
        return {line.account_id: line for line in self.review.intervention_plan}

    @cached_property
    def lines_without_play(self) -> dict[str, PlanLine]:
        """Lines of the plan whose account has no play and is not put off: only their primary action is decided."""
        put_off = {each.account_id for each in self.review.deferred}
        return {a: line for a, line in self.plan_lines.items() if a not in self.plays and a not in put_off}

    @cached_property
    def critical_lines(self) -> dict[str, PlanLine]:
        """Those of critical accounts, which are decided one by one."""
        return {account: line for account, line in self.lines_without_play.items() if line.tier == "critical"}

    def is_critical(self, account: str) -> bool:
        """True for an account of critical priority."""
        play, line = self.plays.get(account), self.plan_lines.get(account)
        found = play.intervention_tier if play is not None else line.tier if line is not None else None
        return found == "critical"

    @cached_property
    def csm_id_of(self) -> dict[str, str | None]:
        """The CSM's id of every account of the plan."""
        return {row.account_id: row.csm_id for row in self.identified.plan_rows}

    def decision_preview(self, store_session: StoreSession) -> DecisionPreview:
        """Preview of the effect of pending decisions, on the present store."""
        return DecisionPreview(replace(self._context, store=store_session.store), self._state)

    def load(self, store_session: StoreSession, table: "MeetingState") -> Workload:
        """Hours and needs after the choices so far; computed once for the same choices."""
        key = table.cache_key
        with self._lock:
            if key not in self._loads:
                if len(self._loads) > 20:
                    self._loads.clear()
                decisions = [choice.decision for choice in table.choices.values()]
                self._loads[key] = self.decision_preview(store_session).load(decisions)
            return self._loads[key]

    def waiting(self, store_session: StoreSession, table: "MeetingState") -> dict[str, WaitingPlay]:
        """Plays beyond the hours after the choices so far, by account; none once the plan is decided."""
        if self.progress.stage != "deciding" or not self.review.needs.waiting:
            return {}
        return {each.account_id: each for each in self.load(store_session, table).needs.waiting}

    def can_act_on(self, member: Member, account: str) -> bool:
        """True when the member may act for the account: a CSM for their own, managers and leaders for all."""
        line = self.view.lines.get(account)
        csm = self.csm_id_of.get(account) or (line.csm_id if line else None)
        return member.is_at_least("manager") or (member.role == "csm" and csm is not None and csm == member.person_id)

    @property
    def _public_needs(self) -> ResourceNeeds:
        waiting = tuple(each.model_copy(update={"breaks": ""}) for each in self.review.needs.waiting)
        return self.review.needs.model_copy(update={"waiting": waiting})

    @cached_property
    def public_review(self) -> Review:
        """The review without figures about our own people, for readers below a manager."""
        return self.review.model_copy(
            update={
                "capacity": (),
                "handovers": (),
                "needs": self._public_needs,
                "patterns": tuple(self.view.patterns(personal=False)),
                "followup": self.review.followup.model_copy(update={"by_person": ()}),
            }
        )


class ReviewCache:
    """The reviews of one store that were read last."""

    _SIZE = 4

    def __init__(self) -> None:
        self._reviews: RecentCache[ReviewProgress, LoadedReview] = RecentCache(self._SIZE)

    def load_review(self, store_session: StoreSession, review_id: str) -> LoadedReview | None:
        """The review as it is now; None while it is being prepared. Raises UnknownReference for an unknown review."""
        progress = review_progress(store_session, review_id)
        with suppress(UnknownReference):  # a step is under way: its results are not there yet
            return self._reviews.get(progress, lambda: LoadedReview(store_session, progress))
        return None


def latest_review_id(store_session: StoreSession) -> str | None:
    """The newest review, which the desk opens with."""
    reviews = store_session.store.reviews()
    return reviews[-1][0] if reviews else None


@dataclass(frozen=True)
class MeetingState:
    """The choices and notes of one meeting so far."""

    choices: Mapping[str, PendingDecision]
    notes: Sequence[MeetingNote]

    @classmethod
    def read(cls, store_session: StoreSession, loaded: LoadedReview) -> "MeetingState":
        """Read from the store."""
        desk = DeskStore(store_session.store)
        return cls(desk.choices(loaded.review_id, loaded.progress.run), desk.notes(loaded.review_id))

    def status(self, play: SavePlay) -> str:
        """The status of a play: as recorded, else by the choice so far."""
        return play.status if play.status != "proposed" else self.status_of(play.account_id)

    def status_of(self, account: str) -> str:
        """The status of an account by the choice so far; proposed without one."""
        choice = self.choices.get(account)
        return DECIDED_STATUS[choice.decision.decision] if choice else "proposed"

    @property
    def cache_key(self) -> tuple[str, ...]:
        """A key that changes with every choice."""
        return tuple(f"{account}:{choice.number}" for account, choice in self.choices.items())

    def undecided(self, loaded: LoadedReview) -> list[SavePlay]:
        """The plays without a choice. One beyond the hours needs none: it waits."""
        return [
            play for play in loaded.plays.values() if self.status(play) == "proposed" and not self.waits(play, loaded)
        ]

    def undecided_lines(self, loaded: LoadedReview) -> list[str]:
        """Critical accounts without a play whose primary action nobody chose anything for; none after the recording."""
        if loaded.progress.stage != "deciding":
            return []
        return [account for account in loaded.critical_lines if account not in self.choices]

    def last_of(self, member: Member) -> PendingDecision | None:
        """The newest choice of the member that still stands; None without one."""
        mine = [choice for choice in self.choices.values() if choice.by == member.name]
        return max(mine, key=lambda choice: (choice.place, choice.decision.account), default=None)

    def decided(self, loaded: LoadedReview) -> int:
        """Number of plays that people chose something for."""
        return sum(play.account_id in self.choices for play in loaded.plays.values())

    def waiting(self, loaded: LoadedReview) -> int:
        """Number of plays beyond the hours that nobody chose anything for."""
        return sum(self.waits(play, loaded) for play in loaded.plays.values())

    def waits(self, play: SavePlay, loaded: LoadedReview) -> bool:
        """True while a play beyond the hours has no choice of its own."""
        return play.account_id not in self.choices and loaded.view.waits(play)
