"""Operations on reviews that the command line, the review desk and questions share.

Each operation checks first, then writes the change and its audit line in one transaction. It prints nothing: progress
goes to the ``Timing`` that is passed in. The graph is imported where it is used: recording progress does not need it.
"""

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from app.earlier_run import WorkedWeek, log_replaced_run, read_worked_week
from app.engine_progress import EngineProgress
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, backfill, build_context, load_scored_base, run_review
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.errors import DecisionError, InputError, UnknownReference
from domain.phase_results import AssignResult, IdentifyResult, PlanResult
from domain.plan import TBD
from domain.portfolio import BandOverride, DataReport
from domain.questions import PlayRequest
from domain.review import Review
from domain.tracking import Action
from tools.outbox.push import save_marked
from tools.places import make_private_folder, translate_os_errors
from tools.planning.decisions import AppliedDecisions, bind_to_plays, decision_for_rest, unowned_critical, waiting_plays
from tools.planning.follow_up import ProgressLog
from tools.store.desk_store import DeskStore

if TYPE_CHECKING:
    from graph.decision_preview import DecisionPreview

Gate = Literal["plan", "close"]
MAX_NOTE_LENGTH = 2_000
"""Characters of a note, a reason or a remark: a page of the minutes, not a document."""
MAX_OVERRIDE_DAYS = 366
"""Days that a person's own band may last; a person who still means it then says so again."""

# start ---------------------------------------------------------------------------------------------------------------


def start_review(
    session: StoreSession,
    request: ReviewRequest,
    review_id: str,
    weeks: int,
    timing: Timing,
    by: str = "command line",
    again: bool = False,
) -> None:
    """Check configuration and data, then start the week's review, or start it again.

    ``weeks`` is the number of past weeks to score first. ``again`` replaces what people decided and chose in the week;
    choices about plays that stay the same are carried over. Nothing is written before everything is checked.
    Raises DecisionError for a week with decisions or choices that is started without ``again``; InputError, DataError or
    ConfigurationError; BusyError when another process works on the review.
    """
    _check_untouched(read_worked_week(session, review_id), again)
    configuration, history = session.configuration(request), session.history()
    progress = EngineProgress(timing.say, timing.overwrite)
    base = load_scored_base(request, configuration, history, progress, session.people(request.as_of, review_id))
    check_output_folder(Path(request.out))
    session.lock_review(review_id)
    if weeks:
        timing.say(f"0 Backfill of {weeks} weeks")
        backfill(request, configuration, session, weeks, progress)
        base = load_scored_base(request, configuration, history, progress, session.people(request.as_of, review_id))
    with session.store.transaction():
        week = read_worked_week(session, review_id)  # once more: somebody may have decided in the meantime
        _check_untouched(week, again)
        session.store.start(review_id, request.as_of, request.to_stored())
        session.keep_configuration(review_id, request)
        if week is not None:
            session.store.save(review_id, "earlier_run", week.kept())
        if week is not None and week.is_touched:
            log_replaced_run(session, week, by)
        session.store.log(
            review_id, by, "started", data=request.data, fingerprint=base.audit.fingerprint,
            configuration=configuration.hash, backfill=weeks,
        )  # fmt: skip
    if week is not None and week.is_touched:
        timing.say(f"{review_id} is run anew; it had {week.content}; choices on unchanged plays are carried over")
    session.contexts.pop(review_id, None)
    session.preloaded_bases[review_id] = base


def _check_untouched(week: WorkedWeek | None, again: bool) -> None:
    if week is not None and week.is_touched and not again:
        raise DecisionError(week.refusal)


def check_data(session: StoreSession, request: ReviewRequest) -> DataReport:
    """The audit of the data: what was read, what is left out and what is not connected. Stores nothing.

    Raises InputError, DataError or ConfigurationError.
    """
    from tools.configuration import read_score_configuration
    from tools.scoring.portfolio_summary import data_report

    configuration = read_score_configuration(Path(request.configs) if request.configs else None)
    base = load_scored_base(request, configuration, session.history(), None, session.people(request.as_of))
    return data_report(base)


def check_output_folder(out: Path) -> None:
    """Make the output folder, for its owner only, and try to write into it. Raises PlaceError."""
    with translate_os_errors(out, "cannot write into", "--out"):
        make_private_folder(out)
        probe = out / f".{os.getpid()}.probe"
        probe.touch()
        probe.unlink()


# decide --------------------------------------------------------------------------------------------------------------


def waiting_gate(session: StoreSession, review_id: str) -> Gate | None:
    """The gate that the review waits at, or None. Raises DecisionError for a review that was interrupted."""
    state = session.store.request(review_id)[1]
    if state == "running":
        raise DecisionError(f"{review_id} was interrupted; first: saveplay resume {review_id}")
    if state == "waiting:plan":
        return "plan"
    return "close" if state == "waiting:close" else None


def check_plan_decisions(session: StoreSession, review_id: str, decisions: Decisions, timing: Timing) -> None:
    """Check that the decisions on the plan can be carried out. Raises DecisionError."""
    build_preview(session, review_id, timing).check(decisions)


def build_preview(session: StoreSession, review_id: str, timing: Timing | None = None) -> "DecisionPreview":
    """The preview of decisions on a review that waits for them."""
    from graph.decision_preview import DecisionPreview

    context = build_context(session, review_id, timing or Timing())
    return DecisionPreview(context, context.stored_state(review_id))


def check_close_decisions(session: StoreSession, review_id: str, decisions: Decisions) -> None:
    """Check that the meeting can close: every critical account has an owner. Raises DecisionError.

    An unattended run may close without owners: nobody is there to name them.
    """
    planned = session.store.get(review_id, "planned", PlanResult)
    assigned = session.store.get(review_id, "assigned", AssignResult)
    people = session.store.get(review_id, "identified", IdentifyResult).people
    owners = decisions.close.owners if decisions.close else {}
    for account, person in owners.items():
        if person not in people:
            raise DecisionError(f"close: {account}: nobody of ours has the id {person!r}")
    unowned = unowned_critical(planned, AppliedDecisions(assigned.plays, (), ()), owners)
    if unowned and not decisions.unattended:
        raise DecisionError(
            f"critical accounts without an owner: {', '.join(unowned)}; "
            "name one for each (in a decisions file under close: owners:)"
        )


def record_decisions(session: StoreSession, review_id: str, gate: Gate, decisions: Decisions) -> None:
    """Store the decisions of one gate with their audit entry. The caller has checked them.

    The entry says for each account what held before and what was decided. Decisions about plays that name no version
    are stored with that of the play as it is. Raises DecisionError when the gate was decided before.
    """
    with session.store.transaction():
        planned = session.store.find(review_id, "planned", PlanResult)
        if gate == "plan" and planned is not None:
            decisions = bind_to_plays(decisions, planned)
        session.store.decide(review_id, gate, decisions)
        changes = (_plan_changes if gate == "plan" else _owner_changes)(session, decisions, planned)
        facts = _plan_facts(decisions) if gate == "plan" else _close_facts(decisions)
        session.store.log_list(
            review_id, decisions.decided_by, "decided" if gate == "plan" else "closed", "changes", changes, gate=gate,
            unattended=decisions.unattended, **facts,
        )  # fmt: skip


def record_unattended_decisions(session: StoreSession, review_id: str, decisions: Decisions) -> None:
    """Store the decisions of both gates before an unattended run reaches them, each with its audit line.

    There are no plays to check them against yet. Raises DecisionError when a gate was decided before.
    """
    with session.store.transaction():
        for gate in ("plan", "close"):
            session.store.decide(review_id, gate, decisions)
            session.store.log(review_id, decisions.decided_by, "decided", gate=gate, unattended=True)


def _plan_facts(decisions: Decisions) -> dict[str, Any]:
    said = {each.account: each.decision for each in decisions.plays}
    return {"plays": said, "budget": decisions.budget, "others": decisions.others}


def _plan_changes(session: StoreSession, decisions: Decisions, planned: PlanResult | None) -> list[dict[str, Any]]:
    """For each play, and each plan line that was named: the pending choice before, and the decision."""
    review_id = decisions.review
    choices = DeskStore(session.store).choices(review_id, session.store.request(review_id)[2])
    said = {each.account: each for each in decisions.plays}
    if planned is not None:
        said |= {
            play.account_id: decision_for_rest(
                play.account_id, decisions, waiting_plays(planned), play.account_id in planned.progress
            )
            for play in planned.plays
            if play.account_id not in said
        }
    return [
        {
            "account": account,
            "before": _as_facts(choices[account].decision) if account in choices else "proposed",
            "after": _as_facts(decision),
        }
        for account, decision in sorted(said.items())
    ]


def _as_facts(decision: PlayDecision) -> dict[str, Any]:
    facts: dict[str, Any] = decision.model_dump(mode="json", exclude_defaults=True, exclude={"account"})
    return facts


def _close_facts(decisions: Decisions) -> dict[str, Any]:
    close = decisions.close or CloseDecision()
    return {"owners": dict(close.owners), "notes": close.notes}


def _owner_changes(session: StoreSession, decisions: Decisions, planned: PlanResult | None) -> list[dict[str, Any]]:
    """For each account that gets an owner: the owner in the plan before, and the person's id."""
    before = {line.account_id: line.owner for line in planned.intervention_plan} if planned else {}
    owners = decisions.close.owners if decisions.close else {}
    return [
        {"account": account, "before": before.get(account, TBD), "after": person}
        for account, person in sorted(owners.items())
    ]


def decide_and_run(session: StoreSession, review_id: str, decisions: Decisions, timing: Timing) -> str | None:
    """Check and record decisions, then continue the review. Returns the gate that it waits at, or None when closed.

    Decides the gate that waits, and the close as well when the decisions contain it.
    Raises DecisionError for what cannot be carried out, BusyError when another process works on the review.
    """
    session.lock_review(review_id)
    gate: str | None = waiting_gate(session, review_id)
    if gate is None:
        raise DecisionError(f"{review_id} waits for nothing: it is closed; see saveplay show {review_id}")
    earlier = session.store.decision(review_id, gate)
    if earlier is not None:
        raise DecisionError(
            f"{review_id} was already decided by {earlier.decided_by}; go on with: saveplay resume {review_id}"
        )
    if gate == "plan":
        check_plan_decisions(session, review_id, decisions, timing)
        record_decisions(session, review_id, "plan", decisions)
        gate = run_review(session, review_id, timing)
    if gate == "close" and decisions.close is not None:
        check_close_decisions(session, review_id, decisions)
        record_decisions(session, review_id, "close", decisions)
        gate = run_review(session, review_id, timing)
    return gate


def save_proposal(session: StoreSession, proposal: PlayRequest, review_id: str = "") -> None:
    """Save a requested play for the next decision, that of ``review_id`` if it waits for one, with its audit entry."""
    with session.store.transaction():
        session.store.propose(proposal)
        session.store.log(
            review_id, proposal.by, "proposed", account=proposal.account_id, question=proposal.question,
            on=proposal.on.isoformat(),
        )  # fmt: skip


# read ----------------------------------------------------------------------------------------------------------------


def load_review_document(session: StoreSession, review_id: str) -> Review:
    """The review document, made from what the store holds. Raises UnknownReference."""
    from graph.review_document import review_document

    context = build_context(session, review_id, Timing())
    return review_document(context, context.stored_state(review_id))


def publish_again(session: StoreSession, review_id: str, timing: Timing) -> None:
    """Write the folder of a review again from what the store holds."""
    from graph.review_document import review_document

    context = build_context(session, review_id, timing)
    context.publish(review_document(context, context.stored_state(review_id)))


# follow up -----------------------------------------------------------------------------------------------------------


def set_action_state(session: StoreSession, action_id: str, state: str, on: date, by: str, note: str) -> Action:
    """Set an action to done, dropped or open, with the state before in the audit line. Raises UnknownReference."""
    store = session.store
    action = store.action(action_id)
    with store.transaction():
        progress = store.progress()
        store.mark([(action_id, state, on if state != "open" else None)], note, by)
        save_marked(store, [action_id])
        store.log(
            action.review_id, by, "open again" if state == "open" else state, action=action_id,
            account=action.account_id, on=on.isoformat(), note=note, before=_progress_facts(progress, action_id),
        )  # fmt: skip
    return action


def import_action_states(
    session: StoreSession, states: Sequence[tuple[str, str, date]], by: str, note: str, source: str
) -> None:
    """Set many actions at once: (action id, done or dropped, day). All or none, with every change in the audit log.

    ``source`` is the name of the imported file. Raises UnknownReference.
    """
    with session.store.transaction():
        known = session.store.progress()
        session.store.mark(states, note, by)
        save_marked(session.store, [action_id for action_id, _, _ in states])
        now = session.store.progress()
        changes = [
            {"action": action_id, "before": _progress_facts(known, action_id), "after": _progress_facts(now, action_id)}
            for action_id in dict.fromkeys(action_id for action_id, _, _ in states)
            if known.get(action_id) != now.get(action_id)
        ]
        session.store.log_list("", by, "imported", "changes", changes, file=source, lines=len(states), note=note)


def _progress_facts(progress: ProgressLog, action_id: str) -> dict[str, str | None]:
    state, on = progress.get(action_id, ("open", None))
    return {"state": state, "on": on.isoformat() if on else None}


def check_override(override: BandOverride, on: date) -> None:
    """Check the reason and the days of a band that begins on ``on``. Raises InputError."""
    if not override.reason.strip():
        raise InputError("an override needs a reason")
    check_length(override.reason, "the reason")
    if override.until < on:
        raise InputError(f"the override ends on {override.until}, before it begins")
    if (override.until - on).days > MAX_OVERRIDE_DAYS:
        raise InputError(f"the override ends on {override.until}; give a day within {MAX_OVERRIDE_DAYS} days")


def check_known_account(session: StoreSession, account: str) -> None:
    """Raises UnknownReference for an account that no kept week has; a store without weeks cannot tell."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        history = session.history()
        if history.snapshots(connection, date.max) and not history.account_weeks(connection, account):
            raise UnknownReference(
                f"no week in {history.name} knows the account {account!r}; use an account id of the data, and run the"
                " week's review first if the account is new"
            )


def check_length(text: str, what: str) -> str:
    """A text that people typed, within bounds and with plain line ends. Raises InputError."""
    if len(text) > MAX_NOTE_LENGTH:
        raise InputError(f"{what} has {len(text)} characters; at most {MAX_NOTE_LENGTH}")
    return text.replace("\r\n", "\n").strip()


def save_override(session: StoreSession, account: str, override: BandOverride, on: date, review_id: str = "") -> None:
    """Save a person's own band for an account from ``on``, with the band before in the audit line. Raises InputError."""
    check_override(override, on)
    store = session.store
    with store.transaction():
        before = store.overrides(on).get(account)
        store.override(account, on, override)
        store.log(
            review_id, override.by, "override", account=account,
            before=before.model_dump(mode="json") if before else None, after=override.model_dump(mode="json"),
        )  # fmt: skip
