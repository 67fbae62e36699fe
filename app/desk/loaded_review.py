"""What the pages show of one review: the document, the choices so far, the scores of the whole base.

A review is put together once and kept until something of it changes; what is kept is never written to.
"""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

from app.report.view import ReviewView
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, build_context
from domain.desk import MeetingNote, Member, PendingDecision
from domain.dossier import Dossier, Person
from domain.errors import UnknownReference
from domain.phase_results import IdentifyResult
from domain.plan import PlanLine
from domain.review import Review
from domain.save_play import SavePlay
from tools.store.desk_store import DeskStore

if TYPE_CHECKING:
    from app.desk.score_table import ScoreTable
    from graph.decision_preview import DecisionPreview
    from graph.workload import Workload

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
    """How far a review is, read in one moment. Two readings are equal when nothing of the review changed in between."""

    review_id: str
    as_of: date
    run: int
    stage: Stage
    kinds: tuple[str, ...] = field(repr=False)
    """The results that there are."""


def review_progress(place: StoreSession, review_id: str) -> ReviewProgress:
    """How far a review is. Raises UnknownReference."""
    store = place.store
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
    """One review, put together."""

    def __init__(self, place: StoreSession, standing: ReviewProgress) -> None:
        from graph.review_document import review_document

        own = StoreSession(place.at, place.store)  # with results of its own: those of an earlier run must not stay
        self.standing = standing
        self.request = ReviewRequest.of(place.store.request(standing.review_id)[0])
        self._context = build_context(own, standing.review_id, Timing())
        self._state = self._context.stored_state(standing.review_id)
        self.review: Review = review_document(self._context, self._state)
        self.identified: IdentifyResult = self._context.result(self._state, "identified", IdentifyResult)
        self.view = ReviewView(self.review)
        self._lock = Lock()
        self._loads: dict[tuple[str, ...], Workload] = {}
        self.fragments: dict[Hashable, Markup] = {}
        """Parts of pages that were filled already."""

    @property
    def review_id(self) -> str:
        """The review."""
        return self.standing.review_id

    @property
    def people(self) -> Mapping[str, Person]:
        """Ours, by id."""
        return self.identified.people

    @cached_property
    def configuration(self) -> Any:
        """What the review is run with."""
        return self._context.configuration

    @property
    def next_review_date(self) -> date:
        """The day of the next review, by the interval of the team's profile; it may be a day off."""
        profile = self.configuration.review.profile_for(self.review.portfolio.accounts)
        return self.review.as_of + timedelta(days=profile.interval_days)

    @cached_property
    def dossiers(self) -> dict[str, Dossier]:
        """What is known about each account of the list."""
        return {each.account_id: each for each in (*self.identified.dossiers, *self.identified.asked)}

    @cached_property
    def plays(self) -> dict[str, SavePlay]:
        """The plays by account, in the order of the meeting."""
        return {play.account_id: play for play in self.view.ranked_plays}

    @cached_property
    def lines(self) -> dict[str, PlanLine]:
        """The lines of the intervention plan by account."""
        return {line.account_id: line for line in self.review.intervention_plan}

    @cached_property
    def csm_id_of(self) -> dict[str, str | None]:
        """The CSM's id of every account of the plan."""
        return {row.account_id: row.csm_id for row in self.identified.plan_rows}

    def outlook(self, place: StoreSession) -> "DecisionPreview":
        """What decisions would come to, over the store as it is now."""
        from dataclasses import replace

        from graph.decision_preview import DecisionPreview

        return DecisionPreview(replace(self._context, store=place.store), self._state)

    def load(self, place: StoreSession, table: "MeetingState") -> "Workload":
        """Load and needs after the choices so far; worked out once for the same choices."""
        key = table.key
        with self._lock:
            if key not in self._loads:
                if len(self._loads) > 20:
                    self._loads.clear()
                decisions = [choice.decision for choice in table.choices.values()]
                self._loads[key] = self.outlook(place).load(decisions)
            return self._loads[key]

    def can_act_on(self, member: Member, account: str) -> bool:
        """Whether somebody may act for an account: a CSM for their own, managers and leaders for every one."""
        line = self.view.lines.get(account)
        csm = self.csm_id_of.get(account) or (line.csm_id if line else None)
        return member.is_at_least("manager") or (member.role == "csm" and csm is not None and csm == member.person_id)

    @cached_property
    def public_review(self) -> Review:
        """The review without what is said about people of ours: for whoever is no manager."""
        return self.review.model_copy(
            update={
                "capacity": (),
                "handovers": (),
                "patterns": tuple(self.view.patterns(personal=False)),
                "followup": self.review.followup.model_copy(update={"by_person": ()}),
            }
        )


class ReviewCache:
    """The reviews of one store, each put together once; the last few are kept."""

    MAX_KEPT = 4

    def __init__(self) -> None:
        self._books: dict[ReviewProgress, LoadedReview] = {}
        self._scores: dict[ReviewProgress, ScoreTable] = {}
        self._lock = Lock()

    def book(self, place: StoreSession, review_id: str) -> LoadedReview | None:
        """The review as it stands; None while it is being prepared. Raises UnknownReference for one that is none."""
        standing = review_progress(place, review_id)
        with self._lock:
            if standing in self._books:
                return self._books[standing]
        made = None
        with suppress(UnknownReference):  # a step is under way: its results are not there yet
            made = LoadedReview(place, standing)
        if made is None:
            return None
        with self._lock:
            for old in list(self._books)[: -self.MAX_KEPT + 1]:
                del self._books[old]
            return self._books.setdefault(standing, made)

    def scores(self, place: StoreSession, book: LoadedReview) -> "ScoreTable":
        """The scores of the whole base in that week."""
        from app.desk.score_table import ScoreTable

        with self._lock:
            if book.standing not in self._scores:
                for old in list(self._scores)[: -self.MAX_KEPT + 1]:
                    del self._scores[old]  # somebody may be reading in it: its engine goes when nobody does
                self._scores[book.standing] = ScoreTable(place, book)
            return self._scores[book.standing]


def latest_review_id(place: StoreSession) -> str | None:
    """The review that the desk opens with: the newest."""
    reviews = place.store.reviews()
    return reviews[-1][0] if reviews else None


@dataclass(frozen=True)
class MeetingState:
    """What was said at the desk so far about one review."""

    choices: Mapping[str, PendingDecision]
    notes: Sequence[MeetingNote]

    @classmethod
    def of(cls, place: StoreSession, book: LoadedReview) -> "MeetingState":
        """Read from the store."""
        desk = DeskStore(place.store)
        return cls(desk.choices(book.review_id, book.standing.run), desk.notes(book.review_id))

    def status(self, play: SavePlay) -> str:
        """What stands about a play: as recorded, else as said so far."""
        if play.status != "proposed":
            return play.status
        choice = self.choices.get(play.account_id)
        said = {"approve": "approved", "edit": "edited", "reject": "rejected", "defer": "deferred"}
        return said[choice.decision.decision] if choice else "proposed"

    @property
    def key(self) -> tuple[str, ...]:
        """What all the choices together are known by."""
        return tuple(f"{account}:{choice.number}" for account, choice in self.choices.items())

    def undecided(self, book: LoadedReview) -> list[SavePlay]:
        """The plays that nobody has said anything about."""
        return [play for play in book.plays.values() if self.status(play) == "proposed"]
