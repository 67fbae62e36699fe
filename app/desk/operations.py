"""Operations of the desk and its API: each checks the role and the input and writes to the audit log.

Decisions are those of the command line: the choices become the content of a decisions file, are checked by the same
rules and recorded at the same gate.
"""

import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeVar

from pydantic import ValidationError

from app.desk.loaded_review import LoadedReview, MeetingState
from app.desk.score_table import ScoreCache
from app.outgoing import check_closed, outbox_settings, release_outgoing
from app.parsing import field_problems, first_problem
from app.service import check_close_decisions, check_length, record_decisions, save_override, set_action_state
from app.text_readings import (
    AccountTexts,
    account_texts,
    mark_wrong,
    read_text,
    take_back_mark,
    take_back_reading,
)
from app.wiring import StoreSession
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.desk import Member, PendingDecision, check_role
from domain.errors import DecisionError, EditError, InputError, NotAllowed, StaleDecision, UnknownReference
from domain.outbox import PushPlan
from domain.portfolio import BandOverride
from domain.readings import PersonsReading, WrongMark
from domain.record import Record
from domain.tracking import Action
from tools.outbox.settings import open_sinks
from tools.planning.decisions import LEFT_OUT, check_deferral, check_reason, line_version
from tools.store.desk_store import DeskStore
from tools.wording import plural

R = TypeVar("R", bound=Record)

_MAX_ACTION_DAYS = 366
"""Days that something may have been done before the review that asked for it."""


@dataclass(frozen=True)
class TextReading:
    """A choice about one text: what it means, or that what was said about it is taken back."""

    text: str
    kind: str
    words: str = ""
    undo: bool = False


@dataclass(frozen=True)
class WrongStatement:
    """A mark on one statement, or that it is taken back."""

    statement: str
    reason: str = ""
    undo: bool = False


@dataclass(frozen=True)
class DeskOperations:
    """Operations of one member on one store."""

    store_session: StoreSession
    member: Member
    clock: Callable[[], str]
    scores: ScoreCache

    @property
    def _store(self) -> DeskStore:
        return DeskStore(self.store_session.store)

    # the plan --------------------------------------------------------------------------------------------------------

    def record_choice(
        self, loaded: LoadedReview, given: Mapping[str, object], seen: int, evidence: str | None = None
    ) -> PendingDecision:
        """Save the choice about one play or plan line. ``seen`` is the number of the choice that was read, 0 for none.

        ``evidence`` is the mark of the page on which the evidence was served; a critical account is approved at the
        desk only with it. None for a program, whose entry in the log names the API.
        Raises NotAllowed, DecisionError for what cannot be carried out, StaleDecision when a newer choice exists.
        """
        check_role(self.member, "leader", "deciding")
        decision = parse_decision(given)
        account, play = decision.account, loaded.plays.get(decision.account)
        if loaded.progress.stage != "deciding":
            raise StaleDecision(f"{loaded.review_id} waits for no decision on {account}; read what stands now")
        if play is None and account not in loaded.plan_lines:
            raise DecisionError(f"{account} has neither a play nor a plan line in {loaded.review_id}")
        if play is not None and decision.version != play.version:
            raise StaleDecision(
                f"{account}: the play is another one than was read (version {play.version} now); read it again"
            )
        if evidence is not None:
            self._check_evidence(loaded, decision, evidence)
        decision = decision.model_copy(update={"by": self.member.name})
        check_deferral(decision, loaded.review.as_of)
        if play is not None:
            check_reason(decision, play, loaded.view.causes.get(account))
        if play is not None and decision.decision == "edit":
            loaded.decision_preview(self.store_session).check_edit(decision)
        with self.store_session.store.transaction():
            self._check_same_run(loaded)
            return self._store.save_choice(loaded.review_id, loaded.progress.run, decision, self.member.name, seen)

    def take_back_choice(self, loaded: LoadedReview, account: str, seen: int) -> PendingDecision | None:
        """Take back the choice that was read. Returns what stands now: the choice before it, or None.

        Raises NotAllowed, StaleDecision when a newer choice exists or the decisions are recorded.
        """
        check_role(self.member, "leader", "taking back a decision")
        if loaded.progress.stage != "deciding":
            raise StaleDecision(f"the decisions of {loaded.review_id} are recorded; they cannot be taken back")
        with self.store_session.store.transaction():
            self._check_same_run(loaded)
            return self._store.take_back_choice(loaded.review_id, loaded.progress.run, account, self.member.name, seen)

    def evidence_mark(self, loaded: LoadedReview, account: str) -> str:
        """Mark that a page with the evidence of an account carries: it says to whom the page was served, and which plan.

        64 hexadecimal digits that only a desk of this store can make. Nothing is written when a page is read.
        """
        play, line = loaded.plays.get(account), loaded.plan_lines.get(account)
        version = play.version if play is not None else line_version(line) if line is not None else ""
        served = [loaded.review_id, loaded.progress.run, account, version, self.member.name]
        key = self.store_session.store.audit_key()
        return hmac.digest(key, f"evidence:{json.dumps(served)}".encode(), "sha256").hex()

    def _check_evidence(self, loaded: LoadedReview, decision: PlayDecision, evidence: str) -> None:
        """Raises DecisionError when somebody approves a critical account whose evidence was not served to them."""
        if decision.decision in ("reject", "defer") or not loaded.is_critical(decision.account):
            return
        if not hmac.compare_digest(evidence.encode(), self.evidence_mark(loaded, decision.account).encode()):
            raise DecisionError(
                f"{loaded.view.name(decision.account)} is critical: open its page at the meeting and read the evidence, "
                "then approve it there"
            )

    def record_plan(
        self,
        loaded: LoadedReview,
        others: str,
        budget: float | None,
        hours: Mapping[str, float] | None = None,
        left_out: Sequence[str] = (),
    ) -> Decisions:
        """Record the choices as the decision on the plan. Every play has one by now.

        ``left_out``: accounts without a play whose primary action is taken out of those that ``others`` approves.

        Raises NotAllowed, DecisionError for what is missing or cannot be carried out, StaleDecision for a second one.
        """
        check_role(self.member, "leader", "recording the decisions")
        if loaded.progress.stage != "deciding":
            raise StaleDecision(f"the plan of {loaded.review_id} is already decided; read what stands now")
        table = MeetingState.read(self.store_session, loaded)
        decisions = _validate(
            Decisions,
            {
                "review": loaded.review_id,
                "decided_by": self.member.name,
                "plays": [*(choice.decision for choice in table.choices.values()), *self._left_out(loaded, left_out)],
                "others": others or None,
                "budget": budget,
                "hours": hours or {},
            },
        )
        loaded.decision_preview(self.store_session).check(decisions)
        self.store_session.at.check_writable()
        with self.store_session.store.transaction():
            self._check_same_run(loaded)
            if self.store_session.store.decision(loaded.review_id, "plan") is not None:
                raise StaleDecision(f"the plan of {loaded.review_id} is already decided; read what stands now")
            if self._store.choices(loaded.review_id, loaded.progress.run) != table.choices:
                raise StaleDecision("somebody decided meanwhile; read what stands now, then record it")
            record_decisions(self.store_session, loaded.review_id, "plan", decisions)
        return decisions

    def check_critical_lines(self, loaded: LoadedReview) -> None:
        """Raises DecisionError while a critical account without a play is undecided: the desk asks for each by name."""
        table = MeetingState.read(self.store_session, loaded)
        left = table.undecided_lines(loaded) if loaded.progress.stage == "deciding" else []
        if left and not table.undecided(loaded):  # plays come first, and are named by the check of the decisions
            names = ", ".join(f"{loaded.view.name(account)} ({account})" for account in left)
            raise DecisionError(f"{plural(len(left), 'critical account')} without a play not decided: {names}")

    def _left_out(self, loaded: LoadedReview, accounts: Sequence[str]) -> list[PlayDecision]:
        unknown = [account for account in accounts if account not in loaded.lines_without_play]
        if unknown:
            raise DecisionError(f"{unknown[0]} is no account of the plan without a play; open the page again")
        by = self.member.name
        return [PlayDecision(account=each, decision="reject", reason=LEFT_OUT, by=by) for each in sorted({*accounts})]

    def close(self, loaded: LoadedReview, owners: Mapping[str, str], notes: str) -> Decisions:
        """Close the meeting. Raises NotAllowed, DecisionError while a critical account has no owner, StaleDecision."""
        check_role(self.member, "leader", "closing the meeting")
        if loaded.progress.stage != "closing":
            raise StaleDecision(f"{loaded.review_id} does not wait for its close; read what stands now")
        written = [f"{note.by}: {note.text}" for note in self._store.notes(loaded.review_id)]
        text = "\n".join(filter(None, [check_length(notes, "the notes"), *written]))
        named = {account: person for account, person in owners.items() if person}
        decisions = Decisions(
            review=loaded.review_id, decided_by=self.member.name, close=CloseDecision(owners=named, notes=text)
        )
        check_close_decisions(self.store_session, loaded.review_id, decisions)
        self.store_session.at.check_writable()
        with self.store_session.store.transaction():
            self._check_same_run(loaded)
            if self.store_session.store.decision(loaded.review_id, "close") is not None:
                raise StaleDecision(f"{loaded.review_id} is already closed; read what stands now")
            record_decisions(self.store_session, loaded.review_id, "close", decisions)
        return decisions

    def release(self, loaded: LoadedReview, plan_hash: str) -> PushPlan:
        """Release exactly the plan that was shown; the caller has it sent.

        Raises NotAllowed, StaleDecision when what would be sent is not what was shown, ConfigurationError for a receiver that
        cannot be called.
        """
        check_role(self.member, "leader", "releasing what other tools get")
        settings = outbox_settings(self.store_session, loaded.review_id, None)
        open_sinks(settings, settings.on())  # a token that is missing shows before anything is released
        self.store_session.at.check_writable()
        with self.store_session.store.transaction():
            self._check_same_run(loaded)
            check_closed(self.store_session, loaded.review_id)
            try:
                return release_outgoing(self.store_session, loaded.review_id, plan_hash, settings, self.member.name)
            except DecisionError:
                raise StaleDecision("what would be sent is not what you read any more; read what stands now") from None

    def _check_same_run(self, loaded: LoadedReview) -> None:
        if self.store_session.store.request(loaded.review_id)[2] != loaded.progress.run:
            raise StaleDecision(f"{loaded.review_id} was run again meanwhile; read what stands now")

    # follow-up -----------------------------------------------------------------------------------------------

    def mark_action(self, action_id: str, state: str, on: date, note: str) -> Action:
        """Mark an action as done, dropped, blocked or open; a CSM may mark only their own. Blocked needs a reason.

        Raises InputError for a day on which it cannot have happened, NotAllowed, UnknownReference.
        """
        check_role(self.member, "csm", "marking an action")
        if state not in ("done", "dropped", "blocked", "open"):
            raise InputError(f"an action is done, dropped, blocked or open, not {state!r}")
        if state == "blocked" and not note.strip():
            raise InputError("say what blocks the action")
        action = self.store_session.store.action(action_id)
        if self.member.role == "csm" and (action.owner_id is None or action.owner_id != self.member.person_id):
            raise NotAllowed(f"{action.title} is {action.owner}'s; a manager or a leader may mark it")
        self._check_action_day(action, on)
        return set_action_state(
            self.store_session, action_id, state, on, self.member.name, check_length(note, "the note")
        )

    def _check_action_day(self, action: Action, on: date) -> None:
        """Raises InputError for a day that has not come, or lies long before the review that asked for the action."""
        days = {review_id: as_of for review_id, as_of, _ in self.store_session.store.reviews()}
        # The newest review may be ahead of the clock: of a sample, or of a team in an earlier time zone.
        today = date.fromisoformat(self.clock()[:10])
        latest = max([today, *days.values()]) + timedelta(days=1)
        asked = min(today, days.get(action.review_id, today))
        if not asked - timedelta(days=_MAX_ACTION_DAYS) <= on <= latest:
            raise InputError(f"{on} cannot be the day of {action.title}; give the day on which it was done or dropped")

    def override(
        self, loaded: LoadedReview, account: str, band: str, reason: str, until: date, on: date
    ) -> BandOverride:
        """Save a band beside the computed one, until a date; a CSM may do so for their own accounts."""
        check_role(self.member, "csm", "an override")
        self._check_account(loaded, account, "an override")
        if band not in ("red", "yellow", "green"):
            raise InputError(f"a band is red, yellow or green, not {band!r}")
        record = BandOverride(band=band, reason=check_length(reason, "the reason"), by=self.member.name, until=until)
        save_override(self.store_session, account, record, on, loaded.review_id)
        return record

    # texts -----------------------------------------------------------------------------------------------------------

    def texts(self, loaded: LoadedReview, account: str) -> AccountTexts:
        """The texts and statements of an account as they stand now. Raises UnknownReference where nobody looked closely."""
        dossier = loaded.dossiers.get(account)
        if dossier is None:
            raise UnknownReference(f"{loaded.review_id} did not look closely at {account!r}; it has no texts to read")
        return account_texts(self.store_session, loaded.review_id, loaded.review.as_of, dossier)

    def read_text(self, loaded: LoadedReview, account: str, choice: TextReading, on: date) -> PersonsReading | None:
        """Save what a text means, or take it back; a CSM may do so for their own accounts."""
        check_role(self.member, "csm", "saying what a text means")
        self._check_account(loaded, account, "what a text means")
        session, texts, by = self.store_session, self.texts(loaded, account), self.member.name
        if choice.undo:
            take_back_reading(session, texts, choice.text, by, on)
            return None
        return read_text(session, texts, loaded.configuration, (choice.text, choice.kind, choice.words), by, on)

    def mark_wrong(self, loaded: LoadedReview, account: str, choice: WrongStatement, on: date) -> WrongMark | None:
        """Mark a statement as wrong, or take the mark back; a CSM may do so for their own accounts."""
        check_role(self.member, "csm", "marking a statement as wrong")
        self._check_account(loaded, account, "a mark on a statement")
        session, texts, by = self.store_session, self.texts(loaded, account), self.member.name
        if choice.undo:
            take_back_mark(session, texts, choice.statement, by, on)
            return None
        return mark_wrong(session, texts, choice.statement, choice.reason, by, on)

    def add_note(self, loaded: LoadedReview, account: str, text: str) -> None:
        """A note of the meeting, about an account or about the whole review."""
        check_role(self.member, "csm", "writing down a note")
        if account:
            self._check_account(loaded, account, "a note")
        if not text.strip():
            raise InputError("the note is empty")
        self._store.save_note(loaded.review_id, account, self.member.name, self.clock(), check_length(text, "the note"))

    def _check_account(self, loaded: LoadedReview, account: str, what: str) -> None:
        if account not in loaded.view.lines and self.scores.scores(self.store_session, loaded).account(account) is None:
            raise UnknownReference(f"{loaded.review_id} knows no account {account!r}; look for it on This week")
        if not loaded.can_act_on(self.member, account):
            raise NotAllowed(f"{what} about {loaded.view.name(account)} is for its CSM, a manager or a leader")


def parse_decision(given: Mapping[str, object]) -> PlayDecision:
    """One decision as it was given. Raises DecisionError naming what is wrong."""
    try:
        return PlayDecision.model_validate(given)
    except ValidationError as error:
        if given.get("decision") != "edit" or any(not problem["loc"] for problem in error.errors()):
            raise DecisionError(first_problem(error)) from None
        raise EditError(str(given.get("account", "")), field_problems(error)) from None


def _validate(model: type[R], given: Mapping[str, object]) -> R:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise DecisionError(first_problem(error)) from None
