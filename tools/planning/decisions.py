"""Decisions applied: each decision of people sets the status of a play, and edits or approves its plan.

Pure. Only what was approved (or approved with edits) becomes an action.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.decisions import Decisions, PlayDecision
from domain.desk import PendingDecision
from domain.diagnosis import CauseFinding
from domain.dossier import Person
from domain.errors import DecisionError
from domain.phase_results import PlanResult
from domain.plan import TBD, PlanLine, WaitingPlay
from domain.save_play import PlayAction, SavePlay
from domain.tracking import Decision
from tools.save_play.editing import describe_edit
from tools.save_play.selection import play_version, replace_name, unassigned_role
from tools.save_play.step_order import number_steps
from tools.wording import format_money, plural
from tools.working_days import WorkingDays

DECIDED_STATUS = {
    "approve": "approved", "continue": "approved", "edit": "edited", "reject": "rejected", "defer": "deferred",
}  # fmt: skip
"""Status of a play by the decision about it."""


LEFT_OUT = "Taken out of the list of primary actions at the meeting"
"""Reason of a decision on a primary action that people took out of the list that they approved."""


@dataclass(frozen=True)
class AppliedDecisions:
    """Plays with status and edits, approved plan lines of accounts without a play, and one record for each decision."""

    plays: tuple[SavePlay, ...]
    lines: tuple[PlanLine, ...]
    record: tuple[Decision, ...]
    left: tuple[PlanLine, ...] = ()
    """Plan lines of accounts without a play that people rejected or deferred by name."""
    waited: frozenset[str] = frozenset()
    """Accounts whose play waits for hours because nobody named it; their primary action goes out."""

    @property
    def by_account(self) -> dict[str, Decision]:
        """The decision on each subject."""
        return {decision.subject: decision for decision in self.record}


def line_version(line: PlanLine) -> str:
    """Hash of what people decide on in a plan line: 12 hexadecimal digits."""
    body = json.dumps(line.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()[:12]


def check_decisions(
    decisions: Decisions,
    planned: PlanResult,
    causes: Mapping[str, CauseFinding],
    people: Mapping[str, Person],
    days: WorkingDays,
) -> None:
    """Refuse decisions that cannot be carried out as written, or that lack a reason.

    ``causes``: account to its diagnosis. Raises DecisionError naming account and rule.
    """
    check_feasible(decisions, planned, people, days)
    if not decisions.unattended:
        _check_reasons(decisions, planned, causes)


def check_feasible(decisions: Decisions, planned: PlanResult, people: Mapping[str, Person], days: WorkingDays) -> None:
    """Refuse decisions that cannot be carried out as written. Raises DecisionError naming account and rule."""
    plays = {play.account_id: play for play in planned.plays}
    lines = {line.account_id for line in planned.intervention_plan}
    for decision in decisions.plays:
        if decision.account not in plays and decision.account not in lines:
            raise DecisionError(f"{decision.account} has neither a play nor a plan line in {decisions.review}")
        if decision.decision == "continue" and decision.account not in planned.progress:
            raise DecisionError(f"{decision.account} has no running play to continue; approve, reject or defer it")
        if decision.account in plays:
            _check_play(decision, plays[decision.account], people, days)
        elif decision.decision == "edit":
            raise DecisionError(f"{decision.account} has no play to edit; approve, reject or defer its primary action")
    named = {decision.account for decision in decisions.plays}
    waiting = waiting_plays(planned).keys()
    open_plays = sorted(set(plays) - named - waiting)
    if decisions.rest == "ask" and open_plays:
        raise DecisionError(
            f"{plural(len(open_plays), 'play')} not decided: {', '.join(open_plays)}. Name them, or say rest: approve or "
            "rest: reject"
        )
    others = lines - (set(plays) - waiting) - named - {each.account_id for each in planned.deferred}
    if decisions.rest == "ask" and decisions.others is None and others:
        count = len(others)
        raise DecisionError(
            f"{plural(count, 'account')} of the plan without a play: say others: approve or others: reject"
        )


def check_deferral(decision: PlayDecision, as_of: date) -> None:
    """Refuse a deferral to a day that has come. Raises DecisionError."""
    if decision.decision == "defer" and decision.until is not None and decision.until <= as_of:
        raise DecisionError(f"{decision.account}: defer it to a day after {as_of}; {decision.until} is not")


def reason_for_asking(decision: str, play: SavePlay, cause: CauseFinding | None) -> str | None:
    """The rule that makes a person give a reason for the decision, with what to say; None when none does.

    An edit is judged by the play that it makes, not by the play as it was proposed.
    """
    if decision == "reject":
        return "a rejection needs a reason"
    if decision in ("approve", "edit") and cause is not None and cause.difficulty == "hard":
        return "this is a hard save; say why it is worth it"
    if decision == "approve" and not play.verified:
        return "the play did not pass every check; say why it may go out"
    return None


def check_reason(decision: PlayDecision, play: SavePlay, cause: CauseFinding | None) -> None:
    """Refuse a decision that needs a reason and has none. Raises DecisionError."""
    rule = reason_for_asking(decision.decision, play, cause)
    if rule is not None and not decision.reason.strip():
        raise DecisionError(f"{decision.account}: {rule}")


def _check_reasons(decisions: Decisions, planned: PlanResult, causes: Mapping[str, CauseFinding]) -> None:
    """Refuse approvals without the reason that they need. ``rest: approve`` gives no reason for any single play."""
    named = {decision.account: decision for decision in decisions.plays}
    waiting, unnamed = waiting_plays(planned), []
    for play in planned.plays:
        if play.account_id in waiting and play.account_id not in named:
            continue
        decision, cause = named.get(play.account_id), causes.get(play.account_id)
        if decision is not None:
            check_reason(decision, play, cause)
        elif decisions.rest == "approve" and reason_for_asking("approve", play, cause) is not None:
            unnamed.append(play.account_id)
    if unnamed:
        raise DecisionError(
            f"rest: approve is not enough for {', '.join(unnamed)}: a hard save, or a play that did not pass every "
            "check, needs a reason of its own; name each with a reason"
        )


def unchanged_choices(choices: Sequence[PendingDecision], planned: PlanResult) -> list[PendingDecision]:
    """The choices whose play or plan line is in this plan as it was when they were made; by account.

    ``version`` of each names what was read. Only choices about plays keep it: a plan line needs none.
    """
    plays = {play.account_id: play.version for play in planned.plays}
    lines = {line.account_id: line_version(line) for line in planned.intervention_plan}
    found = []
    for choice in sorted(choices, key=lambda choice: choice.decision.account):
        decision = choice.decision
        if decision.account in plays:
            if decision.version == plays[decision.account]:
                found.append(choice)
        elif decision.version is not None and decision.version == lines.get(decision.account):
            free = decision.model_copy(update={"version": None})
            found.append(choice.model_copy(update={"decision": free}))
    return found


def bind_to_plays(decisions: Decisions, planned: PlanResult) -> Decisions:
    """The decisions, each with the version of the play that it is about, also where people named none."""
    versions = {play.account_id: play.version for play in planned.plays}
    plays = tuple(
        each.model_copy(update={"version": each.version or versions.get(each.account)}) for each in decisions.plays
    )
    return decisions.model_copy(update={"plays": plays})


def _check_play(decision: PlayDecision, play: SavePlay, people: Mapping[str, Person], days: WorkingDays) -> None:
    if decision.version and decision.version != play.version:
        raise DecisionError(
            f"{play.account_id}: the play changed since it was read (version {play.version} now); read it again"
        )
    known = {action.id for phase in play.phases for action in phase.actions}
    for action in (*decision.owners, *decision.dates, *decision.drop):
        if action not in known:
            raise DecisionError(
                f"{play.account_id}: the play has no action {action!r}; it has {', '.join(sorted(known))}"
            )
    for action, person in decision.owners.items():
        if person not in people:
            raise DecisionError(f"{play.account_id}: {action}: no colleague has the id {person!r}")
    for action, on in decision.dates.items():
        if on < play.created or not days.is_working(on):
            raise DecisionError(f"{play.account_id}: {action}: {on} is {'past' if on < play.created else 'a day off'}")
    if len(known) - len(set(decision.drop)) < 1:
        raise DecisionError(f"{play.account_id}: an edit that drops every action is a rejection; say so with a reason")


def apply_decisions(
    decisions: Decisions, planned: PlanResult, people: Mapping[str, Person], currency: str, days: WorkingDays
) -> AppliedDecisions:
    """Statuses, edits and the record. Unnamed plays follow ``rest``; unnamed plan lines follow ``others``.

    A play that waits for hours is never approved with the rest; the primary action of its account is.
    """
    named = {decision.account: decision for decision in decisions.plays}
    waiting = waiting_plays(planned)
    plays, record = [], []
    for play in planned.plays:
        decision = named.get(play.account_id) or decision_for_rest(
            play.account_id, decisions, waiting, play.account_id in planned.progress
        )
        if decision.decision in ("continue", "reject", "defer"):  # all three are about the play that runs, if one does
            play = planned.unchanged.get(play.account_id, play)
        decided = _edit_play(play, decision, people, days) if decision.decision == "edit" else play
        plays.append(decided.model_copy(update={"status": DECIDED_STATUS[decision.decision]}))
        record.append(_decision_record(decision, decisions, play.version, describe_edit(decision)))
    left_to_wait = frozenset(waiting.keys() - named.keys())
    with_play = {play.account_id for play in planned.plays} - left_to_wait
    without_play = [line for line in planned.intervention_plan if line.account_id not in with_play]
    put_off = {each.account_id for each in planned.deferred}
    others = [line for line in without_play if line.account_id not in named and line.account_id not in put_off]
    lines, left = [], []
    for line in without_play:
        own = named.get(line.account_id)
        if own is not None:
            record.append(_decision_record(own, decisions, None, ()))
            if own.decision in ("reject", "defer"):
                left.append(line)
        approved = own.decision == "approve" if own is not None else line in others and _others_approved(decisions)
        if approved:
            lines.append(line)
    record += _resource_decisions(decisions, currency)
    if others and (decisions.others is not None or _others_approved(decisions)):
        record.append(_others_record(decisions, len(others)))
    return AppliedDecisions(tuple(plays), tuple(lines), tuple(record), tuple(left), left_to_wait)


def waiting_plays(planned: PlanResult) -> dict[str, WaitingPlay]:
    """The plays beyond the hours, by account, in their order. A play that runs has its hours already."""
    return {each.account_id: each for each in planned.needs.waiting if each.account_id not in planned.progress}


def decision_for_rest(
    account: str, decisions: Decisions, waiting: Mapping[str, WaitingPlay], running: bool
) -> PlayDecision:
    """Decision about a play that nobody named: approved with the rest, rejected because it was not decided, or put off
    to the next review because it waits for hours.

    A play that runs was approved before: it goes on until somebody stops it.
    """
    if account in waiting and decisions.rest != "reject":
        wait = waiting[account]
        reason = f"Waits for hours or budget: lacks {wait.lacks}"
        return PlayDecision(account=account, decision="defer", reason=reason, until=wait.until)
    if decisions.rest == "approve":
        reason = "Approved automatically (unattended)" if decisions.unattended else "Approved with the rest"
        return PlayDecision(account=account, decision="approve", reason=reason)
    if running:
        return PlayDecision(account=account, decision="continue", reason="Not decided; the running play goes on")
    return PlayDecision(account=account, decision="reject", reason="Not decided in the meeting")


def _others_approved(decisions: Decisions) -> bool:
    """True if the primary actions that nobody named are approved; without ``others`` they follow ``rest``."""
    return decisions.others == "approve" or (decisions.others is None and decisions.rest == "approve")


def _decision_record(
    decision: PlayDecision, decisions: Decisions, version: str | None, changes: tuple[str, ...]
) -> Decision:
    return Decision(
        subject=decision.account,
        decision=decision.decision,
        by=decision.by or decisions.decided_by,
        reason=decision.reason,
        until=decision.until,
        changes=changes,
        play_version=version,
        unattended=decisions.unattended,
    )


def _others_record(decisions: Decisions, count: int) -> Decision:
    """Record of the one decision on the primary actions that nobody named. Its amount is what was approved."""
    approved = _others_approved(decisions)
    actions = f"{plural(count, 'primary action')} for accounts without a play"
    return Decision(
        subject="others",
        decision="approve" if approved else "reject",
        by=decisions.decided_by,
        reason=actions if approved else f"{actions}, left out",
        amount=count if approved else 0,
        unattended=decisions.unattended,
    )


def _resource_decisions(decisions: Decisions, currency: str) -> list[Decision]:
    def approval(subject: str, reason: str, amount: float | None) -> Decision:
        return Decision(
            subject=subject,
            decision="approve",
            by=decisions.decided_by,
            reason=reason,
            amount=amount,
            unattended=decisions.unattended,
        )

    found = []
    if decisions.budget is not None:
        found.append(
            approval("budget", f"{format_money(decisions.budget, currency)} for this week's plays", decisions.budget)
        )
    found += [approval("hours", f"{hours:g} hours of {role}", hours) for role, hours in sorted(decisions.hours.items())]
    return found


def _edit_play(play: SavePlay, decision: PlayDecision, people: Mapping[str, Person], days: WorkingDays) -> SavePlay:
    """The play with other owners and dates, without dropped actions; a new version."""
    phases = []
    for phase in play.phases:
        kept = [
            _edit_action(action, decision, people, play.created, days)
            for action in phase.actions
            if action.id not in decision.drop
        ]
        phases.append(phase.model_copy(update={"actions": tuple(kept)}))
    edited = play.model_copy(update={"phases": number_steps(phases)})
    return edited.model_copy(update={"version": play_version(edited)})


def _edit_action(
    action: PlayAction, decision: PlayDecision, people: Mapping[str, Person], created: date, days: WorkingDays
) -> PlayAction:
    update: dict[str, object] = {}
    if action.id in decision.dates:
        due = decision.dates[action.id]
        update |= {"due": due, "follow_up": days.follow_up(due, created)}
    person = people.get(decision.owners.get(action.id, ""))
    if person is not None:
        old_name = unassigned_role(action.owner_role) if action.owner == TBD else action.owner
        text, detail = (replace_name(each, old_name, person.name) for each in (action.action, action.detail))
        update |= {"owner": person.name, "owner_id": person.person_id, "action": text, "detail": detail}
    return action.model_copy(update=update)


def unowned_critical(planned: PlanResult, decided: AppliedDecisions, owners: Mapping[str, str]) -> list[str]:
    """Critical accounts that nobody owns and the close does not assign."""
    owner_by_account = {play.account_id: play.owner for play in decided.plays}
    return [
        line.account_id
        for line in planned.intervention_plan
        if line.tier == "critical"
        and owner_by_account.get(line.account_id, line.owner) == TBD
        and line.account_id not in owners
    ]
