"""An earlier run of a week: what people decided and chose in it, and what of it a further run keeps.

A week that people have worked on is not run again by accident. When somebody wants it, what is replaced is written into
the audit log, and choices about plays that stay the same wait for the new run.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.wiring import StoreSession
from domain.decisions import Decisions
from domain.desk import PendingDecision
from domain.errors import UnknownReference
from domain.phase_results import EarlierRun, PlanResult
from domain.tracking import Action
from tools.planning.decisions import decision_for_rest, line_version, waiting_plays
from tools.save_play.selection import play_version
from tools.store.desk_store import DeskStore
from tools.wording import plural


@dataclass(frozen=True)
class WorkedWeek:
    """Decisions, actions and choices that people have put into a week so far."""

    review_id: str
    is_interrupted: bool
    decided: Mapping[str, Decisions]
    """Decisions by gate."""
    plays: int
    """Number of plays that were decided; of gates while there are no plays yet."""
    choices: Mapping[str, PendingDecision]
    """Pending choices and decisions of people about single accounts, by account."""
    actions: tuple[Action, ...]
    """The actions that this review stored, sorted by id."""
    dropped: tuple[str, ...]
    """Ids of actions that an even earlier run had approved and that were dropped by this one."""
    closed_on: str
    """ISO day on which the meeting was closed; empty while it is not."""

    @property
    def is_touched(self) -> bool:
        """True when a further run would replace something that people decided or chose."""
        return bool(self.decided or self.choices)

    @property
    def approved(self) -> tuple[Action, ...]:
        """The actions that are still to be done, or were done."""
        return tuple(action for action in self.actions if action.status != "dropped")

    @property
    def content(self) -> str:
        """Things that would be replaced, like ``10 decisions and 182 approved actions (closed on 2026-11-24)``."""
        parts = [plural(self.plays, "decision")] if self.decided else [plural(len(self.choices), "choice")]
        if self.decided and self.approved:
            parts.append(plural(len(self.approved), "approved action"))
        return " and ".join(parts) + (f" (closed on {self.closed_on})" if self.closed_on else "")

    @property
    def refusal(self) -> str:
        """The sentence that refuses a further run."""
        first = f"`saveplay resume {self.review_id}` goes on with it; " if self.is_interrupted else ""
        return (
            f"{self.review_id} has {self.content}; {first}add --again to run it anew; "
            "choices on unchanged plays are carried over"
        )

    def kept(self) -> EarlierRun:
        """The part of this run that the next one needs."""
        return EarlierRun(
            choices=tuple(self.choices[account] for account in sorted(self.choices)),
            actions=tuple(sorted({*self.dropped, *(action.id for action in self.approved)})),
        )


def read_worked_week(session: StoreSession, review_id: str) -> WorkedWeek | None:
    """The work of people in a week; None for a week that was never started."""
    store = session.store
    try:
        _, state, run = store.request(review_id)
    except UnknownReference:
        return None
    decided = {gate: each for gate in ("plan", "close") if (each := store.decision(review_id, gate)) is not None}
    planned = store.find(review_id, "planned", PlanResult)
    earlier = store.find(review_id, "earlier_run", EarlierRun) or EarlierRun()
    choices = {choice.decision.account: choice for choice in earlier.choices}
    choices |= _pinned(DeskStore(store).choices(review_id, run), planned)
    if "plan" in decided:
        choices |= _pinned(_decisions_of_people(decided["plan"], planned), planned)
    return WorkedWeek(
        review_id=review_id,
        is_interrupted=state == "running",
        decided=decided,
        plays=len(planned.plays) if planned else len(decided),
        choices=choices,
        actions=tuple(store.actions_of(review_id)),
        dropped=earlier.dropped,
        closed_on=_closing_day(session, review_id) if "close" in decided else "",
    )


def _decisions_of_people(decisions: Decisions, planned: PlanResult | None) -> dict[str, PendingDecision]:
    """Decisions about single accounts as choices, with those that ``rest`` made. An unattended run chose nothing."""
    if decisions.unattended:
        return {}
    named = {each.account: each for each in decisions.plays}
    waiting = waiting_plays(planned) if planned else {}  # nobody decided on those: the new run weighs them again
    plays = [play.account_id for play in planned.plays if play.account_id not in waiting] if planned else []
    running = planned.progress if planned else {}
    rest = {a: decision_for_rest(a, decisions, {}, a in running) for a in plays if a not in named}
    by = decisions.decided_by
    return {
        account: PendingDecision(decision=each, by=each.by or by, number=1)
        for account, each in sorted({**rest, **named}.items())
    }


def _pinned(choices: Mapping[str, PendingDecision], planned: PlanResult | None) -> dict[str, PendingDecision]:
    """The choices, each with the version of the play or plan line that it is about, and numbered from 1 again.

    Versions are computed anew: those of a store that an earlier program wrote have another content.
    """
    if planned is None:
        return dict(choices)
    plays = {play.account_id: play for play in planned.plays}
    lines = {line.account_id: line for line in planned.intervention_plan}
    found = {}
    for account, choice in choices.items():
        play, line = plays.get(account), lines.get(account)
        if play is not None and choice.decision.version in (None, play.version):
            version = play_version(play)
        elif play is None and line is not None:
            version = line_version(line)
        else:
            continue  # about a play that had changed already
        decision = choice.decision.model_copy(update={"version": version})
        found[account] = PendingDecision(decision=decision, by=choice.by, number=1)
    return found


def _closing_day(session: StoreSession, review_id: str) -> str:
    lines = [line for line in session.store.audit(review_id) if line.get("gate") == "close"]
    return str(lines[-1]["at"])[:10] if lines else ""


def log_replaced_run(session: StoreSession, week: WorkedWeek, by: str) -> None:
    """Write down what a further run of the week replaces: decisions, choices and the ids of approved actions."""
    choices = {account: each.model_dump(mode="json", exclude_defaults=True) for account, each in week.choices.items()}
    decided = {gate: each.model_dump(mode="json", exclude_defaults=True) for gate, each in week.decided.items()}
    facts = {"replaced": week.content, "decisions": decided, "choices": choices}
    session.store.log_list(week.review_id, by, "started again", "actions", [each.id for each in week.approved], **facts)
