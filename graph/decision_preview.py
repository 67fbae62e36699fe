"""Preview of pending decisions, before anything is recorded: plays as edited and checked again, and the workload.

Phase 4 carries out the same edits by the same functions, so what people saw is what is done.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from domain.decisions import Decisions, PlayDecision
from domain.dossier import Dossier
from domain.errors import DecisionError, EditError
from domain.phase_results import IdentifyResult, PlanResult
from domain.playbook import PlaybookAction
from domain.save_play import SavePlay
from graph.context import ReviewContext, ReviewState
from graph.save_play_planner import SavePlayPlanner
from graph.workload import Workload, plan_workload
from tools.planning.decisions import AppliedDecisions, apply_decisions, check_decisions, check_deferral, check_feasible
from tools.save_play.builder import step_title
from tools.save_play.context import PlayContext
from tools.save_play.edit_checks import edit_faults
from tools.save_play.editing import edit_play


class DecisionPreview:
    """One review whose plays are being decided. Reads the store, changes nothing."""

    def __init__(self, context: ReviewContext, state: ReviewState) -> None:
        self.context, self.state = context, state
        self.identified = context.result(state, "identified", IdentifyResult)
        self.planned = context.result(state, "planned", PlanResult)
        self._plays = {play.account_id: play for play in self.planned.plays}

    @cached_property
    def _planner(self) -> SavePlayPlanner:
        return SavePlayPlanner(self.context, self.state, self.identified)

    @cached_property
    def _accounts(self) -> dict[str, Dossier]:
        return self._planner.dossiers

    def check(self, decisions: Decisions) -> None:
        """Check that everything can be carried out and has the reasons it needs. Raises DecisionError."""
        check_decisions(
            decisions,
            self.with_edits(decisions.plays, decisions.decided_by),
            self._planner.causes_by_account,
            self.identified.people,
            self.context.calendar,
        )
        for decision in decisions.plays:
            check_deferral(decision, self.identified.as_of)
        if not decisions.unattended:
            for decision in decisions.plays:
                if decision.decision == "edit" and not decision.reason.strip():
                    self.check_edit(decision)

    def check_edit(self, decision: PlayDecision) -> None:
        """Refuse an edit that cannot be carried out, or without a reason when the changed play fails a check.

        Raises DecisionError.
        """
        edited = self.play(decision)
        if not edited.verified and not decision.reason.strip():
            raise DecisionError(
                f"{decision.account}: as changed it does not pass every check ({edited.violations[0].message}); "
                "say why it may go out"
            )

    def apply(self, decisions: Decisions) -> AppliedDecisions:
        """The decisions applied; edited plays are checked again and carry what is wrong with them."""
        people, currency = self.identified.people, self.identified.portfolio.currency
        decided = apply_decisions(
            decisions, self.with_edits(decisions.plays, decisions.decided_by), people, currency, self.context.calendar
        )
        plays = tuple(self._verify_edited(play) if play.status == "edited" else play for play in decided.plays)
        return replace(decided, plays=plays)

    def play(self, decision: PlayDecision) -> SavePlay:
        """One play as it would be after a decision. Raises DecisionError for what cannot be carried out."""
        decisions = Decisions(
            review=self.identified.review_id, decided_by="preview", plays=(decision,), rest="approve", others="approve"
        )
        planned, people = self.with_edits(decisions.plays, decisions.decided_by), self.identified.people
        check_feasible(decisions, planned, people, self.context.calendar)
        return next(play for play in self.apply(decisions).plays if play.account_id == decision.account)

    def load(self, decisions: Sequence[PlayDecision]) -> Workload:
        """Capacity and needs when the plays that were rejected or deferred so far do not run."""
        out = {each.account for each in decisions if each.decision in ("reject", "defer")}
        edits = {each.account: each for each in decisions if each.decision == "edit"}
        as_they_are = {each.account for each in decisions if each.decision == "continue"} & set(self.planned.unchanged)
        plays = tuple(
            self.play(edits[play.account_id])
            if play.account_id in edits
            else self.planned.unchanged[play.account_id]
            if play.account_id in as_they_are
            else play
            for play in self.planned.plays
            if play.account_id not in out
        )
        approved = {each.account for each in decisions if each.decision in ("approve", "edit")}
        return plan_workload(self.context, self.identified, plays, approved)

    def replacement_actions(self, account: str, action: str) -> list[PlaybookAction]:
        """Steps that could replace an action: same phase, offered for the account, not in the play already."""
        play = self._plays[account]
        phase = next((phase for phase in play.phases if any(each.id == action for each in phase.actions)), None)
        if phase is None:
            raise DecisionError(f"{account}: the play has no action {action!r}")
        context = self._planner.play_context(self._accounts[account])
        taken = {each.id for part in play.phases for each in part.actions} | context.excluded
        return [each for each in context.usable(phase.phase) if each.id not in taken]

    def replacement_titles(self, account: str, action: str) -> dict[str, str]:
        """The same steps by id, with their titles as the play would show them."""
        context = self._planner.play_context(self._accounts[account])
        return {each.id: step_title(context, each) for each in self.replacement_actions(account, action)}

    def with_edits(self, decisions: Sequence[PlayDecision], decided_by: str = "") -> PlanResult:
        """The proposed plays, made again where people changed more than owners and dates. Raises EditError naming the fields."""
        wanted = {each.account: each for each in decisions if each.decision == "edit" and each.account in self._plays}
        if not wanted:
            return self.planned
        plays = tuple(
            self._edit(play, wanted[play.account_id], decided_by) if play.account_id in wanted else play
            for play in self.planned.plays
        )
        return self.planned.model_copy(update={"plays": plays})

    def replanned(self, account: str, cause: str, by: str) -> SavePlay:
        """The play planned again for another cause, for the form in which people change it further."""
        return self._edit(self._plays[account], PlayDecision(account=account, decision="edit", cause=cause), by)

    def edit_context(self, account: str) -> PlayContext:
        """The facts, people and vocabulary that an edit of the account's play may choose from."""
        return self._planner.play_context(self._accounts[account])

    def _edit(self, play: SavePlay, decision: PlayDecision, decided_by: str) -> SavePlay:
        context = self.edit_context(play.account_id)
        faults = [*edit_faults(decision, play, context), *self._swap_faults(play, decision)]
        if faults:
            raise EditError(play.account_id, faults)
        return (
            edit_play(play, decision, context, decision.by or decided_by or "the meeting") if decision.replans else play
        )

    def _swap_faults(self, play: SavePlay, decision: PlayDecision) -> Iterator[tuple[str, str]]:
        taken: set[str] = set()
        for old, new in decision.swap.items():
            try:
                offered = {each.id for each in self.replacement_actions(play.account_id, old)} - taken
            except DecisionError as error:
                yield f"swap.{old}", str(error)
                continue
            taken.add(new)
            if new not in offered:
                known = ", ".join(sorted(offered)) or "nothing else"
                yield f"swap.{old}", f"{old} cannot be replaced by {new!r}; the playbook has {known}"

    def _verify_edited(self, play: SavePlay) -> SavePlay:
        return self._planner.drafter.verify(play, self._planner.play_context(self._accounts[play.account_id]))
