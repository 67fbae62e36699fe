"""What people do at the desk and through its API: each with who may, what is checked, and an entry in the audit log.

The same decisions as on the command line: choices become a decisions file's content, checked by the same rules and
recorded at the same gate.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from pydantic import ValidationError

from app.desk.loaded_review import LoadedReview, MeetingState
from app.parsing import first_problem
from app.service import check_close_decisions, record_decisions, save_override, set_action_state
from app.wiring import StoreSession
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.desk import DeskRole, Member, PendingDecision
from domain.errors import DecisionError, InputError, NotAllowed, StaleDecision
from domain.portfolio import BandOverride
from domain.record import Record
from domain.tracking import Action
from tools.store.desk_store import DeskStore

R = TypeVar("R", bound=Record)

MAX_NOTE_LENGTH = 2_000
"""Characters of a note, a reason or a remark: a page of the minutes, not a document."""
ROLE_NAMES: dict[DeskRole, str] = {
    "viewer": "a viewer", "csm": "a CSM", "manager": "a manager", "leader": "a leader",
}  # fmt: skip


def check_role(member: Member, role: DeskRole, what: str) -> None:
    """Raises NotAllowed when the role of whoever asks does not include it."""
    if not member.is_at_least(role):
        raise NotAllowed(f"{what} is for {ROLE_NAMES[role]}; {member.name} is {ROLE_NAMES[member.role]} here")


def check_length(text: str, what: str) -> str:
    """A text that people typed, within bounds. Raises InputError."""
    if len(text) > MAX_NOTE_LENGTH:
        raise InputError(f"{what} has {len(text)} characters; at most {MAX_NOTE_LENGTH}")
    return text.replace("\r\n", "\n").strip()


@dataclass(frozen=True)
class DeskOperations:
    """Somebody acting on a store."""

    place: StoreSession
    member: Member
    clock: Callable[[], str]

    @property
    def _store(self) -> DeskStore:
        return DeskStore(self.place.store)

    # the plan --------------------------------------------------------------------------------------------------------

    def choose(self, book: LoadedReview, given: Mapping[str, object], seen: int) -> PendingDecision:
        """Say what happens to one play or plan line. ``seen`` is the number of the choice that was read, 0 for none.

        Raises NotAllowed, DecisionError for what cannot be carried out, StaleDecision when something newer stands.
        """
        check_role(self.member, "leader", "deciding")
        decision = parse_decision(given)
        account, play = decision.account, book.plays.get(decision.account)
        if book.standing.stage != "deciding":
            raise StaleDecision(f"{book.review_id} waits for no decision on {account}; read what stands now")
        if play is None and account not in book.lines:
            raise DecisionError(f"{account} has neither a play nor a plan line in {book.review_id}")
        if play is not None and decision.version != play.version:
            raise StaleDecision(
                f"{account}: the play is another one than was read (version {play.version} now); read it again"
            )
        self._check_reason(book, decision)
        decision = decision.model_copy(update={"by": self.member.name})
        if play is not None and decision.decision == "edit":
            edited = book.outlook(self.place).play(decision)
            if not edited.verified and not decision.reason.strip():
                why = edited.violations[0].message
                raise DecisionError(
                    f"{account}: as changed it does not pass every check ({why}); say why it may go out"
                )
        with self.place.store.together():
            self._check_same_run(book)
            return self._store.choose(book.review_id, book.standing.run, decision, self.member.name, seen)

    def _check_reason(self, book: LoadedReview, decision: PlayDecision) -> None:
        """A hard save, or a play that did not pass every check, is not approved with one key."""
        if decision.decision not in ("approve", "edit") or decision.reason.strip():
            return
        cause, play = book.view.causes.get(decision.account), book.plays.get(decision.account)
        if cause is not None and play is not None and cause.difficulty == "hard":
            raise DecisionError(f"{decision.account}: this is a hard save; say why it is worth it")
        if play is not None and not play.verified and decision.decision == "approve":
            raise DecisionError(f"{decision.account}: the play did not pass every check; say why it may go out")

    def record_plan(
        self, book: LoadedReview, others: str, budget: float | None, hours: Mapping[str, float] | None = None
    ) -> Decisions:
        """Record the choices as the decision on the plan. Every play has one by now.

        Raises NotAllowed, DecisionError for what is missing or cannot be carried out, StaleDecision for a second one.
        """
        check_role(self.member, "leader", "recording the decisions")
        if book.standing.stage != "deciding":
            raise StaleDecision(f"the plan of {book.review_id} is already decided; read what stands now")
        table = MeetingState.of(self.place, book)
        decisions = _validate(
            Decisions,
            {
                "review": book.review_id,
                "decided_by": self.member.name,
                "plays": [choice.decision for choice in table.choices.values()],
                "others": others or None,
                "budget": budget,
                "hours": hours or {},
            },
        )
        book.outlook(self.place).check(decisions)
        with self.place.store.together():
            self._check_same_run(book)
            if self.place.store.decision(book.review_id, "plan") is not None:
                raise StaleDecision(f"the plan of {book.review_id} is already decided; read what stands now")
            if self._store.choices(book.review_id, book.standing.run) != table.choices:
                raise StaleDecision("somebody decided meanwhile; read what stands now, then record it")
            record_decisions(self.place, book.review_id, "plan", decisions)
        return decisions

    def close(self, book: LoadedReview, owners: Mapping[str, str], notes: str) -> Decisions:
        """Close the meeting. Raises NotAllowed, DecisionError while a critical account has no owner, StaleDecision."""
        check_role(self.member, "leader", "closing the meeting")
        if book.standing.stage != "closing":
            raise StaleDecision(f"{book.review_id} does not wait for its close; read what stands now")
        written = [f"{note.by}: {note.text}" for note in self._store.notes(book.review_id)]
        text = "\n".join(filter(None, [check_length(notes, "the notes"), *written]))
        named = {account: person for account, person in owners.items() if person}
        decisions = Decisions(
            review=book.review_id, decided_by=self.member.name, close=CloseDecision(owners=named, notes=text)
        )
        check_close_decisions(self.place, book.review_id, decisions)
        with self.place.store.together():
            self._check_same_run(book)
            if self.place.store.decision(book.review_id, "close") is not None:
                raise StaleDecision(f"{book.review_id} is already closed; read what stands now")
            record_decisions(self.place, book.review_id, "close", decisions)
        return decisions

    def _check_same_run(self, book: LoadedReview) -> None:
        if self.place.store.request(book.review_id)[2] != book.standing.run:
            raise StaleDecision(f"{book.review_id} was run again meanwhile; read what stands now")

    # what was promised -----------------------------------------------------------------------------------------------

    def mark(self, action_id: str, state: str, on: date, note: str) -> Action:
        """Say that an action is done, dropped or open again. A CSM says so of their own. Raises as it says."""
        check_role(self.member, "csm", "marking an action")
        if state not in ("done", "dropped", "open"):
            raise InputError(f"an action is done, dropped or open, not {state!r}")
        action = self.place.store.action(action_id)
        if self.member.role == "csm" and (action.owner_id is None or action.owner_id != self.member.person_id):
            raise NotAllowed(f"{action.title} is {action.owner}'s; a manager or a leader may mark it")
        return set_action_state(self.place, action_id, state, on, self.member.name, check_length(note, "the note"))

    def override(self, book: LoadedReview, account: str, band: str, reason: str, until: date, on: date) -> BandOverride:
        """One's own judgement of a band, beside the computed one, until a date. A CSM's for their own accounts."""
        check_role(self.member, "csm", "an override")
        self._check_account(book, account, "an override")
        if band not in ("red", "yellow", "green"):
            raise InputError(f"a band is red, yellow or green, not {band!r}")
        if not reason.strip():
            raise InputError("an override needs a reason")
        if until < on:
            raise InputError(f"the override ends on {until}, before it begins")
        record = BandOverride(band=band, reason=check_length(reason, "the reason"), by=self.member.name, until=until)
        save_override(self.place, account, record, on, book.review_id)
        return record

    def write_down(self, book: LoadedReview, account: str, text: str) -> None:
        """A note of the meeting, about an account or about the whole review."""
        check_role(self.member, "csm", "writing down a note")
        if account:
            self._check_account(book, account, "a note")
        if not text.strip():
            raise InputError("the note is empty")
        self._store.write_down(book.review_id, account, self.member.name, self.clock(), check_length(text, "the note"))

    def _check_account(self, book: LoadedReview, account: str, what: str) -> None:
        if not book.can_act_on(self.member, account):
            raise NotAllowed(f"{what} about {book.view.name(account)} is for its CSM, a manager or a leader")


def parse_decision(given: Mapping[str, object]) -> PlayDecision:
    """One decision as it was given. Raises DecisionError naming what is wrong."""
    return _validate(PlayDecision, given)


def _validate(model: type[R], given: Mapping[str, object]) -> R:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise DecisionError(first_problem(error)) from None
