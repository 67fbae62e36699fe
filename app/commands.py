"""Commands that change something or print a review. Each takes parsed options and prints a result.

Errors are those of the error tree; the command line turns them into one message.
"""

import itertools
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.decision_file import read_decisions, unattended_decisions
from app.output import EXIT_DONE, EXIT_WAITING, print_progress, print_result, printed_timing, to_json_text
from app.parsing import parse_list_layout
from app.service import (
    check_known_account,
    check_override,
    decide_and_run,
    import_action_states,
    load_review_document,
    publish_again,
    record_unattended_decisions,
    save_override,
    set_action_state,
    start_review,
)
from app.stores import open_location
from app.wiring import ReviewRequest, StoreSession, absolute_location, open_store, run_review
from domain.decisions import Decisions
from domain.errors import DecisionError, InputError
from domain.portfolio import BandOverride
from domain.questions import QuestionAnswer
from tools.wording import review_id_of

if TYPE_CHECKING:
    from app.timing import Timing
    from tools.sources.action_list import ListLayout

NEXT_STEP_TEXT = {
    "plan": "waiting for decisions on the plays: fill in {folder}/decisions.yaml, then\n"
    "  saveplay decide {review} --file {folder}/decisions.yaml\n"
    "or decide in the terminal: saveplay decide {review}",
    "close": "waiting for the close of the meeting:\n  saveplay decide {review} --approve all\n"
    "or name missing owners in a file: close: {{owners: {{account id: person id}}}}",
}

# the review ----------------------------------------------------------------------------------------------------------


def run_weekly_review(
    data: str,
    day: date,
    *,
    out: str,
    approve: str | None,
    backfill: int,
    again: bool,
    store: str | None,
    configs: str | None,
    verbose: bool,
    as_json: bool,
) -> None:
    """Start the review of a week, run it as far as decisions allow, and print it."""
    folder = str(Path(configs).resolve()) if configs else None
    request = ReviewRequest(absolute_location(data), day, str(Path(out).resolve()), folder)
    review_id = review_id_of(day)
    decisions = parse_approval(approve, review_id) if approve else None
    timing = printed_timing(verbose)
    with open_store(store) as session:
        start_review(session, request, review_id, backfill, timing, again=again)
        if decisions is not None and decisions.unattended:
            record_unattended_decisions(session, review_id, decisions)
        gate = run_review(session, review_id, timing)
        if decisions is not None and gate is not None:
            gate = decide_and_run(session, review_id, decisions, timing)
        print_outcome(session, review_id, gate, as_json)


def decide_review(
    review_id: str, file: Path | None, approve: str | None, store: str | None, verbose: bool, as_json: bool
) -> None:
    """Take decisions from a file, from ``--approve`` or from the terminal, carry them out and print the review."""
    timing = printed_timing(verbose)
    with open_store(store) as session:
        session.store.request(review_id)  # an unknown review is refused before anybody is asked for decisions
        if file is not None:
            decisions = read_decisions(file, review_id)
        elif approve is not None:
            decisions = parse_approval(approve, review_id)
        else:
            from app.decision_prompts import prompt_for_decisions

            decisions = prompt_for_decisions(session, review_id)
        gate = decide_and_run(session, review_id, decisions, timing)
        print_outcome(session, review_id, gate, as_json)


def parse_approval(approve: str, review_id: str) -> Decisions:
    """The decisions that ``--approve`` names: ``all``, ``none`` or a decisions file. Raises DecisionError."""
    if approve in ("all", "none"):
        return unattended_decisions(review_id, approve)
    path = Path(approve)
    if not path.exists():
        raise DecisionError(f"--approve takes all, none or a decisions file; there is no file {approve!r}")
    return read_decisions(path, review_id)


def resume_review(review_id: str, store: str | None, verbose: bool, as_json: bool) -> None:
    """Continue an interrupted review, write its folder again and print it."""
    timing = printed_timing(verbose)
    with open_store(store) as session:
        gate = run_review(session, review_id, timing)
        publish_again(session, review_id, timing)
        print_outcome(session, review_id, gate, as_json)


def print_outcome(session: StoreSession, review_id: str, gate: str | None, as_json: bool) -> None:
    """Print the review and end the process: exit 3 with the next step when people have to decide."""
    from app.summary_text import review_text

    folder = _review_folder(session, review_id)
    if as_json:
        print_result((folder / "review.json").read_text(encoding="utf-8"))
    else:
        print_result(review_text(load_review_document(session, review_id), folder))
    if gate is not None:
        print_progress(f"{review_id} is " + NEXT_STEP_TEXT[gate].format(review=review_id, folder=folder))
        raise SystemExit(EXIT_WAITING)
    raise SystemExit(EXIT_DONE)


def print_review(review_id: str, store: str | None, as_json: bool) -> None:
    """Print a review from the store."""
    from app.report import review_json
    from app.summary_text import review_text

    with open_store(store) as session:
        with session.store.reading():
            review = load_review_document(session, review_id)
            folder = _review_folder(session, review_id)
        print_result(review_json(review).decode() if as_json else review_text(review, folder))


def _review_folder(session: StoreSession, review_id: str) -> Path:
    return Path(session.store.request(review_id)[0]["out"]) / review_id


# follow-up -----------------------------------------------------------------------------------------------------------


def record_action_progress(
    action: str | None,
    on: date,
    by: str,
    note: str,
    undo: bool,
    file: Path | None,
    store: str | None,
    columns: str | None,
    dates: str | None,
    today: date,
) -> None:
    """Record one action as done or open again, or import a filled-in actions.csv.

    ``columns`` and ``dates`` are the options of the command that describe the file.
    """
    if (action is None) == (file is None):
        raise InputError("name one action, or a file with --import actions.csv")
    if file is None and (columns or dates):
        raise InputError("--columns and --dates describe a file; give it with --import")
    with open_store(store) as session:
        if action is not None:
            set_action_state(session, action, "open" if undo else "done", on, by, note)
            print_result(f"{action} is {'open again' if undo else f'done on {on}'}")
        if file is not None:
            print_result(_import_actions(session, file, parse_list_layout(columns, dates), on, today, by, note))


def _import_actions(
    session: StoreSession, file: Path, layout: "ListLayout", on: date, today: date, by: str, note: str
) -> str:
    """Record the states of a filled-in list. Returns what was recorded, in a sentence."""
    from app.action_list import KnownActions, read_action_list

    known = KnownActions(session.store.approval_days(), session.store.progress())
    listed = read_action_list(file, layout, known, on, max(on, _latest_day(session, today)))
    if listed.states:
        import_action_states(session, listed.states, by, note, file.name)
    count, same = len(listed.states), listed.nothing_new
    return (
        f"{file.name}: {count} action{'s' if count != 1 else ''} recorded, "
        f"{same} line{'s' if same != 1 else ''} said nothing new"
    )


def _latest_day(session: StoreSession, today: date) -> date:
    """The last day that has come. Where the newest review is ahead of the clock, as in the sample, its week counts."""
    newest = max((day for _, day, _ in session.store.reviews()), default=today)
    return today if today >= newest else newest + timedelta(days=6)


def set_override(account: str, band: str, reason: str, until: date, by: str, on: date, store: str | None) -> None:
    """Save a person's own band beside the computed one, until a date."""
    if band not in ("red", "yellow", "green"):
        raise InputError(f"--band {band!r}: use red, yellow or green")
    override = BandOverride(band=band, reason=reason.strip(), by=by, until=until)
    check_override(override, on)
    with open_store(store) as session:
        check_known_account(session, account)
        save_override(session, account, override, on)
    print_result(f"{account} is shown as {band} beside its computed band until {until}")


def refresh_day(
    data: str | None, day: date, *, out: str | None, by: str, store: str | None, verbose: bool, as_json: bool
) -> None:
    """Score the data of a day between two reviews, write its stand-up and print it."""
    from app.engine_progress import EngineProgress
    from app.refresh import no_review_yet, refresh, tasks_of, write_day
    from app.report.stand_up_text import day_text

    timing = printed_timing(verbose)
    with open_location(store) as location:  # a refused command makes no store
        if not location.exists():
            raise InputError(no_review_yet(day))
    with open_store(store) as session:
        found = refresh(session, data, day, by, EngineProgress(timing.say, timing.overwrite))
        folder = write_day(session, found, out)
        if as_json:
            print_result((folder / "stand-up.json").read_text(encoding="utf-8"))
            return
        review = load_review_document(session, found.review_id)
        print_result(f"{day_text(found, tasks_of(session, review, found))}\n\nIt is in {folder}.")


# a sample and answers ------------------------------------------------------------------------------------------------


def write_demo(folder: Path) -> None:
    """Write the sample portfolio into an empty or new folder."""
    from evals.sample import write_sample

    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty; name a new folder")
    write_sample(folder)
    print_result(f"A sample portfolio is in {folder}/portfolio. In a browser, step by step:\n"
         f"  saveplay serve\n"
         f"Or here:\n"
         f"  saveplay check --data {folder}/portfolio --as-of 2026-11-23\n"
         f"  saveplay review --data {folder}/portfolio --as-of 2026-11-16 --approve all\n"
         f"  saveplay review --data {folder}/portfolio --as-of 2026-11-23")  # fmt: skip


def print_conversation(
    data: str | None,
    day: date | None,
    *,
    store: str | None,
    configs: str | None,
    asker: str,
    timing: "Timing",
    as_json: bool,
) -> None:
    """Answer the questions of the standard input, one a line, until it ends or a line is empty."""
    from app.answer_text import answer_text
    from app.questions import answer_conversation

    if sys.stdin.isatty():
        print_progress("Ask one question a line. “new” drops what was carried over; an empty line ends it.")
    questions = itertools.takewhile(str.strip, iter(sys.stdin.readline, ""))
    for answered in answer_conversation(
        (line.rstrip("\n") for line in questions), data, day, store=store, configs=configs, asker=asker, timing=timing
    ):
        print_result(to_json_text(answered.model_dump(mode="json")) if as_json else answer_text(answered))


def print_answer(answered: QuestionAnswer, as_json: bool) -> None:
    """Print the answer to a question and end the process: exit 3 when the answer is a question back."""
    from app.answer_text import answer_text

    print_result(to_json_text(answered.model_dump(mode="json")) if as_json else answer_text(answered))
    if any(part.needs_clarification for part in answered.parts):
        raise SystemExit(EXIT_WAITING)
    raise SystemExit(EXIT_DONE)
