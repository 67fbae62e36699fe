"""What the commands do. Each takes what was typed, already parsed, and prints a result or raises an error of the tree."""

import csv
import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import EXIT_DONE, EXIT_WAITING, print_progress, print_result, to_json_text
from app.decision_file import read_decisions, unattended_decisions
from app.engine_progress import EngineProgress
from app.timing import Timing
from app.wiring import ReviewRequest, StoreSession, backfill, load_scored_base, open_store, run_review
from domain.decisions import Decisions
from domain.errors import DecisionError, InputError
from domain.portfolio import BandOverride
from domain.questions import QuestionAnswer
from domain.review import Review
from domain.tracking import Action

if TYPE_CHECKING:
    from tools.store.review_store import ReviewStore

NEXT_STEP_TEXT = {
    "plan": "waiting for decisions on the plays: fill in {folder}/decisions.yaml, then\n"
    "  saveplay decide {review} --file {folder}/decisions.yaml\n"
    "or decide in the terminal: saveplay decide {review}",
    "close": "waiting for the close of the meeting:\n  saveplay decide {review} --approve all\n"
    "or name missing owners in a file: close: {{owners: {{account id: person id}}}}",
}


def parse_approval(approve: str, review_id: str) -> Decisions:
    """``all``, ``none``, or the decisions file of that name."""
    if approve in ("all", "none"):
        return unattended_decisions(review_id, approve)
    path = Path(approve)
    if not path.exists():
        raise DecisionError(f"--approve takes all, none or a decisions file; there is no file {approve!r}")
    return read_decisions(path, review_id)


def start_review(
    place: StoreSession, request: ReviewRequest, review_id: str, weeks: int, timing: Timing, by: str = "command line"
) -> None:
    """Check configuration and data before anything is written, then start the week (again).

    Raises BusyError when another process is working on it.
    """
    configuration, history = place.configuration(request), place.history()
    watching = EngineProgress(print_progress)
    load_once = load_scored_base(request, configuration, history, watching)
    check_writable(Path(request.out))
    place.lock_review(review_id)
    if weeks:
        print_progress(f"0 Backfill of {weeks} weeks")
        backfill(request, configuration, history, weeks, watching)
        load_once = load_scored_base(request, configuration, history, watching)
    place.store.start(review_id, request.as_of, request.kept())
    place.store.log(review_id, by, "started", data=request.data, fingerprint=load_once.audit.fingerprint)
    place.preloaded_bases[review_id] = load_once


def check_writable(out: Path) -> None:
    """Refuse a place for the outputs that cannot be written, before anything is kept. Raises InputError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".{os.getpid()}.probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(f"cannot write into {out}: {error.strerror}; name another --out") from None


def decide_and_run(place: StoreSession, review_id: str, decisions: Decisions, timing: Timing) -> str | None:
    """Check and store what was decided, then go on. Decides the gate that waits, and the close when it is in there too.

    Raises DecisionError for what cannot be carried out, BusyError when another process is working on the review.
    """
    place.lock_review(review_id)
    gate = waiting_gate(place, review_id)
    if gate is None:
        raise DecisionError(f"{review_id} waits for nothing: it is closed; see saveplay show {review_id}")
    earlier = place.store.decision(review_id, gate)
    if earlier is not None:
        raise DecisionError(
            f"{review_id} was already decided by {earlier.decided_by}; go on with: saveplay resume {review_id}"
        )
    if gate == "plan":
        check_plan_decisions(place, review_id, decisions, timing)
        place.store.decide(review_id, "plan", decisions)
        place.store.log(review_id, decisions.decided_by, "decided", gate="plan", unattended=decisions.unattended)
        gate = run_review(place, review_id, timing)
    if gate == "close" and decisions.close is not None:
        check_close_decisions(place, review_id, decisions)
        place.store.decide(review_id, "close", decisions)
        place.store.log(review_id, decisions.decided_by, "closed", unattended=decisions.unattended)
        gate = run_review(place, review_id, timing)
    return gate


def waiting_gate(place: StoreSession, review_id: str) -> str | None:
    """The gate that the review waits at, or None."""
    state = place.store.request(review_id)[1]
    if state == "running":
        raise DecisionError(f"{review_id} was interrupted; first: saveplay resume {review_id}")
    return state.removeprefix("waiting:") if state.startswith("waiting:") else None


def check_plan_decisions(place: StoreSession, review_id: str, decisions: Decisions, timing: Timing) -> None:
    """Refuse what cannot be carried out. Raises DecisionError."""
    from app.wiring import build_context
    from graph.decision_preview import DecisionPreview

    context = build_context(place, review_id, timing)
    DecisionPreview(context, context.stored_state(review_id)).check(decisions)


def check_close_decisions(place: StoreSession, review_id: str, decisions: Decisions) -> None:
    """A meeting closes only when every critical account has an owner. Raises DecisionError."""
    from domain.phase_results import AssignResult, IdentifyResult, PlanResult
    from tools.planning.decisions import AppliedDecisions, unowned_critical

    planned = place.store.get(review_id, "planned", PlanResult)
    assigned = place.store.get(review_id, "assigned", AssignResult)
    people = place.store.get(review_id, "identified", IdentifyResult).people
    owners = decisions.close.owners if decisions.close else {}
    for account, person in owners.items():
        if person not in people:
            raise DecisionError(f"close: {account}: nobody of ours has the id {person!r}")
    open_ones = unowned_critical(planned, AppliedDecisions(assigned.plays, (), ()), owners)
    if open_ones and not decisions.unattended:
        names = ", ".join(open_ones)
        raise DecisionError(
            f"critical accounts without an owner: {names}; name one for each (in a decisions file under close: owners:)"
        )


def print_outcome(place: StoreSession, review_id: str, gate: str | None, as_json: bool, timing: Timing) -> None:
    """What came of it, on standard output; exit 3 when people have to decide."""
    folder = Path(place.store.request(review_id)[0]["out"]) / review_id
    if as_json:
        print_result((folder / "review.json").read_text(encoding="utf-8"))
    else:
        print_result(review_summary(load_review_document(place, review_id), folder))
    if gate is not None:
        print_progress(f"{review_id} is " + NEXT_STEP_TEXT[gate].format(review=review_id, folder=folder))
        raise SystemExit(EXIT_WAITING)
    raise SystemExit(EXIT_DONE)


def review_summary(review: Review, folder: Path | None) -> str:
    """The review in a screenful."""
    from app.summary_text import review_text

    return review_text(review, folder)


def load_review_document(place: StoreSession, review_id: str) -> Review:
    """The review document from the store."""
    from app.wiring import build_context
    from graph.review_document import review_document

    context = build_context(place, review_id, Timing())
    return review_document(context, context.stored_state(review_id))


def republish_review(place: StoreSession, review_id: str, timing: Timing) -> None:
    """Write the folder of a review again from the store."""
    from app.wiring import build_context
    from graph.review_document import review_document

    context = build_context(place, review_id, timing)
    context.publish(review_document(context, context.stored_state(review_id)))


def print_review(place: StoreSession, review_id: str, as_json: bool) -> None:
    """Print a review from the store."""
    from app.report import review_json

    with place.store.reading():
        review = load_review_document(place, review_id)
        folder = Path(place.store.request(review_id)[0]["out"]) / review_id
    print_result(review_json(review).decode() if as_json else review_summary(review, folder))


def record_action_progress(
    action: str | None, on: date, by: str, note: str, undo: bool, file: Path | None, store: str | None
) -> None:
    """One action, or a whole filled-in actions.csv."""
    if (action is None) == (file is None):
        raise InputError("name one action, or a file with --import actions.csv")
    with open_store(store) as place:
        if action is not None:
            set_action_state(place.store, action, "open" if undo else "done", on, by, note)
            print_result(f"{action} is {'open again' if undo else f'done on {on}'}")
            return
        assert file is not None
        place.store.mark(read_action_list(file, on, set(place.store.action_ids())), note, by)
        place.store.log("", by, "imported", file=file.name)
        print_result(f"progress imported from {file.name}")


def set_action_state(store: "ReviewStore", action_id: str, state: str, on: date, by: str, note: str) -> Action:
    """Say that an action is done, dropped or open again, with what was said before in the log. Raises UnknownReference."""
    action = store.action(action_id)
    with store.together():
        said, day = store.progress().get(action_id, ("open", None))
        store.mark([(action_id, state, on if state != "open" else None)], note, by)
        store.log(
            action.review_id, by, "open again" if state == "open" else state, action=action_id,
            account=action.account_id, on=on.isoformat(), note=note,
            before={"state": said, "on": day.isoformat() if day else None},
        )  # fmt: skip
    return action


def save_override(store: "ReviewStore", account: str, record: BandOverride, on: date, review_id: str = "") -> None:
    """Keep a person's own band from a day on, with the one before in the log."""
    with store.together():
        before = store.overrides(on).get(account)
        store.override(account, on, record)
        store.log(
            review_id, record.by, "override", account=account,
            before=before.model_dump(mode="json") if before else None, after=record.model_dump(mode="json"),
        )  # fmt: skip


IMPORTED_STATES = {
    "done": "done",
    "done_late": "done",
    "dropped": "dropped",
    "open": "",
    "late": "",
    "missed": "",
    "": "",
}
"""What a status in an imported list says; a line that is still open says nothing new."""


def read_action_list(file: Path, on: date, known: set[str]) -> list[tuple[str, str, date]]:
    """Id, state and day of each line. Raises InputError naming the row; nothing is recorded then."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            reader = csv.DictReader(handle)
            missing = {"id", "status"} - set(reader.fieldnames or ())
            if missing:
                raise InputError(f"{file.name}: no column {sorted(missing)[0]!r}; import the actions.csv of a review")
            rows = list(enumerate(reader, start=2))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: {getattr(error, 'strerror', None) or 'not a text file'}") from None
    found: list[tuple[str, str, date]] = []
    for number, row in rows:
        action_id, status = (
            (row["id"] or "").lstrip("'").strip(),
            (row["status"] or "").strip().lower().replace(" ", "_"),
        )
        if action_id not in known:
            raise InputError(f"{file.name} row {number}: no action {action_id!r} in this store")
        if status not in IMPORTED_STATES:
            raise InputError(f"{file.name} row {number}: status {status!r}; use done, open or dropped")
        if IMPORTED_STATES[status]:
            found.append((action_id, IMPORTED_STATES[status], _done_on(row.get("done_on") or "", on, file, number)))
    return found


def _done_on(text: str, on: date, file: Path, number: int) -> date:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else on
    except ValueError:
        raise InputError(f"{file.name} row {number}: done_on {text!r} is not a date like 2026-11-25") from None


def set_override(account: str, band: str, reason: str, until: date, by: str, on: date, store: str | None) -> None:
    """A person's own band beside the computed one."""
    if band not in ("red", "yellow", "green"):
        raise InputError(f"--band {band!r}: use red, yellow or green")
    if until < on:
        raise InputError("--until lies before the override begins")
    with open_store(store) as place:
        record = BandOverride(band=band, reason=reason, by=by, until=until)
        save_override(place.store, account, record, on)
    print_result(f"{account} is shown as {band} beside its computed band until {until}")


def write_demo(folder: Path) -> None:
    """The sample portfolio."""
    from evals.sample import write_sample

    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder")
    write_sample(folder)
    print_result(f"A sample portfolio is in {folder}/portfolio. Try:\n"
         f"  saveplay review --data {folder}/portfolio --as-of 2026-11-16 --approve all\n"
         f"  saveplay review --data {folder}/portfolio --as-of 2026-11-23")  # fmt: skip


def print_answer(answered: QuestionAnswer, as_json: bool) -> None:
    """The answer; exit 3 when it asks back."""
    from app.answer_text import answer_text

    print_result(to_json_text(answered.model_dump(mode="json")) if as_json else answer_text(answered))
    if any(part.needs_clarification for part in answered.parts):
        raise SystemExit(EXIT_WAITING)
    raise SystemExit(EXIT_DONE)
