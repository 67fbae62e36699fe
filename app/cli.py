"""The command line: options, one call for each command, and the exit codes of errors.

Commands import what they need when they run, so that `--help` appears at once.
"""

import gc
import os
import sys
import traceback
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from app.output import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILURE, print_progress, printed_timing, use_utf8
from app.parsing import future_note, parse_date, parse_review_date
from domain.errors import BusyError, InputError, NotAllowed, SaveplayError
from tools.places import DISK_REASONS, reason_of

app = typer.Typer(
    name="saveplay",
    help="The weekly at-risk account review: scored by arithmetic, drafted by a model, decided by people.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_INTERRUPTED = 130
"""Exit code that typer gives to Ctrl-C."""
STOPPED_MESSAGE = "saveplay: stopped; what was finished is kept, `saveplay resume` goes on"

Data = Annotated[
    str, typer.Option("--data", help="A folder of CSV or Parquet files, duckdb:///file.db, postgresql://… or spark://…")
]
AsOf = Annotated[str, typer.Option("--as-of", help="The review date, like 2026-11-23. Nothing later is read.")]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="Where reviews and history live: a folder or postgresql://… (or SAVEPLAY_STORE)."),
]
Configs = Annotated[str | None, typer.Option("--configs", help="A configuration folder instead of the shipped one.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Time per step.")]
ReviewId = Annotated[str, typer.Argument(help="The review, like 2026-W48.", metavar="REVIEW")]


def _review_day(text: str) -> date:
    """The review date; one after today is said before anything else. Raises InputError."""
    today = date.today()
    day = parse_review_date(text, today)
    if note := future_note(day, today):
        print_progress(note)
    return day


@app.command()
def review(
    data: Data,
    as_of: AsOf,
    out: Annotated[str, typer.Option("--out", help="Folder in which the review gets its own folder.")] = "reviews",
    approve: Annotated[str | None, typer.Option(help="all, none, or a decisions file, for unattended runs.")] = None,
    backfill: Annotated[
        int,
        typer.Option(
            min=0,
            max=104,
            help="Score this many past weeks first, for trends; at most history_weeks of scoring.yaml stay.",
        ),
    ] = 0,
    again: Annotated[
        bool, typer.Option("--again", help="Run a week anew that has decisions or choices; they are replaced.")
    ] = False,
    store: StoreOption = None,
    configs: Configs = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Run the weekly review: who is at risk, why, what to do; then wait for decisions."""
    from app.commands import run_weekly_review

    run_weekly_review(
        data,
        _review_day(as_of),
        out=out,
        approve=approve,
        backfill=backfill,
        again=again,
        store=store,
        configs=configs,
        verbose=verbose,
        as_json=as_json,
    )


@app.command()
def refresh(
    data: Annotated[str | None, typer.Option("--data", help="As for a review; by default the newest review's.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The day. Default: today.")] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Folder for stand-up/<day>. Default: that of the reviews.")
    ] = None,
    by: Annotated[str, typer.Option(help="Name for the audit log.")] = "command line",
    store: StoreOption = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Score the data of a day between two reviews: what moved at critical accounts, alerts for new ones. Changes no review."""
    from app.commands import refresh_day

    day = _review_day(as_of) if as_of else date.today()
    refresh_day(data, day, out=out, by=by, store=store, verbose=verbose, as_json=as_json)


@app.command()
def decide(
    review_id: ReviewId,
    file: Annotated[
        Path | None, typer.Option("--file", help="A decisions file (a template is in the review's folder).")
    ] = None,
    approve: Annotated[str | None, typer.Option(help="all or none.")] = None,
    store: StoreOption = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Approve, edit, reject or defer each play; then close the review. Asks in the terminal when no file is given."""
    from app.commands import decide_review

    decide_review(review_id, file, approve, store, verbose, as_json)


@app.command()
def resume(review_id: ReviewId, store: StoreOption = None, verbose: Verbose = False, as_json: Json = False) -> None:
    """Continue a review that was interrupted. A finished review is written again from the store."""
    from app.commands import resume_review

    resume_review(review_id, store, verbose, as_json)


@app.command("show")
def show_review(review_id: ReviewId, store: StoreOption = None, as_json: Json = False) -> None:
    """Print a review."""
    from app.commands import print_review

    print_review(review_id, store, as_json)


@app.command()
def ask(
    question: Annotated[
        str | None, typer.Argument(help="In your own words, in quotation marks. Without one: a conversation.")
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="As for a review; by default the latest review's.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="By default the day of the latest review.")] = None,
    store: StoreOption = None,
    configs: Configs = None,
    propose: Annotated[bool, typer.Option("--propose", help="Propose the play for the next decision.")] = False,
    by: Annotated[str, typer.Option(help='Who asks; for --propose, and for "my" and "I".')] = "command line",
    verbose: Verbose = False,
    as_json: Json = False,
) -> None:
    """Ask about accounts, people, plays and changes, in your own words. Changes nothing."""
    from app.commands import print_answer, print_conversation
    from app.questions import answer_question

    day, timing = _review_day(as_of) if as_of else None, printed_timing(verbose)
    if question is None:
        print_conversation(data, day, store=store, configs=configs, asker=by, timing=timing, as_json=as_json)
        return
    answered = answer_question(
        question,
        data,
        day,
        store=store,
        configs=configs,
        propose_by=by if propose else None,
        asker=by,
        timing=timing,
    )
    print_answer(answered, as_json)


@app.command()
def score(
    data: Data,
    as_of: AsOf,
    store: StoreOption = None,
    configs: Configs = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the scores of every account to this file.")] = None,
    signals: Annotated[
        bool, typer.Option("--signals", help="Add every signal of every account to --json and --parquet.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what was read, how long it took, and the SQL.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print health, risk and tier of every account. Stores nothing."""
    from app.read_commands import print_scores

    print_scores(
        data,
        _review_day(as_of),
        store=store,
        configs=configs,
        parquet=parquet,
        signals=signals,
        explain=explain,
        as_json=as_json,
    )


@app.command()
def backtest(
    data: Data, as_of: AsOf, store: StoreOption = None, configs: Configs = None, as_json: Json = False
) -> None:
    """Look back on the kept weeks: who would have been listed, who left, how honest the chances were. Stores nothing."""
    from app.read_commands import print_backtest

    print_backtest(data, _review_day(as_of), store=store, configs=configs, as_json=as_json)


@app.command()
def history(
    account: Annotated[str, typer.Argument(help="Account id.")], store: StoreOption = None, as_json: Json = False
) -> None:
    """Health, risk and tier of one account, week by week, as they were reported."""
    from app.read_commands import print_history

    print_history(account, store, as_json)


@app.command()
def check(
    data: Data,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Default: today.")] = None,
    configs: Configs = None,
    as_json: Json = False,
) -> None:
    """Audit the data: rows, rows left out and why, staleness, what is not connected and what that costs."""
    from app.read_commands import print_data_report

    print_data_report(data, _review_day(as_of) if as_of else date.today(), configs, as_json)


@app.command()
def done(
    action: Annotated[str | None, typer.Argument(help="Action id, from actions.csv.")] = None,
    on: Annotated[str | None, typer.Option("--on", help="The day it was done. Default: today.")] = None,
    by: Annotated[str, typer.Option(help="Name of the person who reports it.")] = "command line",
    note: Annotated[str, typer.Option(help="The outcome, in a sentence.")] = "",
    undo: Annotated[bool, typer.Option(help="Open it again.")] = False,
    file: Annotated[
        Path | None, typer.Option("--import", help="An actions.csv with the status column filled in.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Other names of the file's columns, like id=Kennung,status=Status.")
    ] = None,
    dates: Annotated[
        str | None, typer.Option(help="day_first or month_first, where the dates of the file do not show it.")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Record that an action is done, or import a filled-in actions.csv."""
    from app.commands import record_action_progress

    today = date.today()
    day = parse_date(on, "--on") if on else today
    record_action_progress(action, day, by, note, undo, file, store, columns, dates, today)


@app.command()
def push(
    review_id: ReviewId,
    send: Annotated[bool, typer.Option("--send", help="Send the plan that --plan names.")] = False,
    plan: Annotated[str | None, typer.Option("--plan", help="The hash that the plan ended with.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Read back: what is missing, changed or done there.")] = False,
    by: Annotated[str, typer.Option(help="Who releases it.")] = "command line",
    store: StoreOption = None,
    configs: Configs = None,
    as_json: Json = False,
) -> None:
    """Print what a closed review would write into the team's tools; with --send, send exactly that."""
    from app.push_command import push_review

    push_review(review_id, send, plan, check, by, store, configs, as_json)


@app.command()
def remind(
    as_of: Annotated[str, typer.Option("--as-of", help="The moment, like 2026-11-24T09:00+01:00.")],
    send: Annotated[bool, typer.Option("--send", help="Send the messages.")] = False,
    plan: Annotated[str | None, typer.Option("--plan", help="The hash that the plan ended with.")] = None,
    by: Annotated[str, typer.Option(help="Who releases it.")] = "command line",
    store: StoreOption = None,
    configs: Configs = None,
    as_json: Json = False,
) -> None:
    """Print whom it would remind before a due date or alert; with --send, send exactly that."""
    from app.remind_command import remind_people

    remind_people(as_of, send, plan, by, store, configs, as_json)


@app.command()
def override(
    account: Annotated[str, typer.Argument(help="Account id.")],
    band: Annotated[str, typer.Option(help="red, yellow or green.")],
    reason: Annotated[str, typer.Option(help="Why the computed band is wrong.")],
    until: Annotated[str, typer.Option(help="When it ends.")],
    by: Annotated[str, typer.Option(help="Name of the person who overrides it.")],
    on: Annotated[str | None, typer.Option("--on", help="From when on. Default: today.")] = None,
    store: StoreOption = None,
) -> None:
    """Put your own band beside the computed one, with a reason and an end date."""
    from app.commands import set_override

    set_override(
        account, band, reason, parse_date(until, "--until"), by, parse_date(on, "--on") if on else date.today(), store
    )


@app.command("read")
def read_texts(
    account: Annotated[str, typer.Argument(help="Account id.")],
    text: Annotated[str | None, typer.Option("--text", help="Id of a text, from the list.")] = None,
    means: Annotated[str | None, typer.Option("--means", help="What it means: a kind from the list.")] = None,
    words: Annotated[str, typer.Option("--words", help="The words that say so, as they are written.")] = "",
    wrong: Annotated[str | None, typer.Option("--wrong", help="Id of a statement that is wrong.")] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why it is wrong.")] = "",
    undo: Annotated[
        bool, typer.Option("--undo", help="Take back what was said about the text or the statement.")
    ] = False,
    by: Annotated[str, typer.Option("--by", help="Name of the person who reads.")] = "",
    on: Annotated[str | None, typer.Option("--on", help="The day they said so. Default: today.")] = None,
    review_id: Annotated[str | None, typer.Option("--review", help="The review. Default: the newest.")] = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """List the texts of an account that nothing understood; say what one means, or that a statement is wrong."""
    from app.reading_commands import TextChoice, read_account_texts

    day = parse_date(on, "--on") if on else date.today()
    choice = TextChoice(text, means, words, wrong, reason, undo, by, day)
    read_account_texts(account, choice, review_id, store, as_json)


@app.command()
def serve(
    store: StoreOption = None,
    configs: Configs = None,
    host: Annotated[
        str, typer.Option(help="The address to listen at. One that others can reach needs a sign-in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8470,
    name: Annotated[str, typer.Option("--as", help="Your name, as it appears under decisions.")] = "",
) -> None:
    """Open the review desk in a browser: the meeting, the decisions, the follow-up."""
    from app.desk_commands import serve_desk

    serve_desk(store, configs, host, port, name)


@app.command("mcp")
def serve_agents(
    store: StoreOption = None,
    configs: Configs = None,
    name: Annotated[str, typer.Option("--as", help="Your name, as it appears under proposals.")] = "command line",
    role: Annotated[str, typer.Option(help="viewer, csm, manager or leader: how much the agent may read.")] = "manager",
    person: Annotated[str | None, typer.Option(help='Your person id in the data, for "my" and "me".')] = None,
    http: Annotated[bool, typer.Option("--http", help="Over HTTP, with a token of the desk on every call.")] = False,
    host: Annotated[str, typer.Option(help="With --http: the address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http; 0 takes any free port.")] = 8471,
) -> None:
    """Let agents read the reviews and propose plays, by the Model Context Protocol. Decides and sends nothing."""
    try:
        from app.mcp.serve import serve_http, serve_stdio
    except ModuleNotFoundError as error:
        raise InputError(f"`saveplay mcp` needs {error.name}: pip install 'saveplay[mcp]'") from None
    if http:
        serve_http(store, configs, host, port)
    else:
        serve_stdio(store, name, role, person)


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="Who it is for.")],
    role: Annotated[str, typer.Option(help="viewer, csm, manager or leader.")],
    person: Annotated[str | None, typer.Option(help="Their person id in the data.")] = None,
    token: Annotated[
        bool, typer.Option("--token", help="A token for a program instead of a link that opens once.")
    ] = False,
    days: Annotated[int, typer.Option(min=1, max=366, help="Days that a token is valid.")] = 30,
    store: StoreOption = None,
    configs: Configs = None,
) -> None:
    """Give somebody access to the review desk: a link that opens once, or a token for a program."""
    from app.desk_commands import create_invitation

    create_invitation(name, role, person, token, days, store, configs)


audit_commands = typer.Typer(no_args_is_help=True, help="Check that nobody changed the audit log.")
app.add_typer(audit_commands, name="audit")


@audit_commands.command("verify")
def verify_audit(
    anchor: Annotated[
        Path | None, typer.Option(help="An earlier anchor: also finds entries removed from the end since then.")
    ] = None,
    store: StoreOption = None,
    as_json: Json = False,
) -> None:
    """Check every link of the log: exit 2 when an entry was edited, removed, added or moved."""
    from app.desk_commands import print_audit_verdict

    print_audit_verdict(anchor, store, as_json)


@audit_commands.command("anchor")
def anchor_audit(store: StoreOption = None) -> None:
    """Print the head of the log as JSON, to store somewhere else."""
    from app.desk_commands import print_audit_anchor

    print_audit_anchor(store)


eval_commands = typer.Typer(
    invoke_without_command=True, help="Measure how good the review is, and whether a change made it worse."
)
app.add_typer(eval_commands, name="eval")


@eval_commands.callback()
def evaluate(
    context: typer.Context,
    suite: Annotated[
        str, typer.Option(help="accounts, plays, agents, ask, hostile, drafts, worlds, outside or all.")
    ] = "all",
    model: Annotated[
        str, typer.Option(help="playbook (no model), replay (recorded answers) or live (the configured one).")
    ] = "playbook",
    baseline: Annotated[Path | None, typer.Option(help="Compare with this file instead of the committed one.")] = None,
    accept: Annotated[bool, typer.Option("--accept", help="Make these results the baseline.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the report, case by case, to this file.")] = None,
    explain: Annotated[str | None, typer.Option(help="Show one account case from its rows to its play.")] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Compare the plays of two prompts folders, models or configurations."),
    ] = None,
    labels: Annotated[
        list[Path] | None, typer.Option(help="With --compare: files of labels; the first gets new ones.")
    ] = None,
    choose: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --compare: choose blind, under this name.")
    ] = None,
    judge: Annotated[bool, typer.Option("--judge", help="With --compare: let the model choose, too.")] = False,
    seed: Annotated[int, typer.Option(help="With --compare: order in which the plays are shown.")] = 1,
    accounts: Annotated[
        int | None, typer.Option(min=1, max=20, help="With --compare: how many accounts both sides draft (20).")
    ] = None,
    configs: Configs = None,
    as_json: Json = False,
) -> None:
    """Judge the agents against fixtures and known truth; exit 1 when something is worse than the baseline."""
    try:
        from app import evaluation_commands
    except ModuleNotFoundError as error:
        raise InputError(f"`saveplay eval` needs {error.name}: pip install 'saveplay[evals]'") from None
    if context.invoked_subcommand is not None:
        return
    if explain is not None:
        evaluation_commands.print_case(explain, configs)
        return
    if compare is not None:
        from app.comparison_commands import ComparisonRequest, run_comparison

        mode = evaluation_commands.drafting_mode(model)
        run_comparison(
            ComparisonRequest(compare, mode, seed, tuple(labels or ()), choose, judge, html, configs, as_json, accounts)
        )
        return
    evaluation_commands.run_evaluation(suite, model, baseline, accept, html, configs, as_json)


@eval_commands.command("add")
def add_case(
    account: Annotated[str, typer.Option(help="Account id.")],
    data: Data,
    as_of: AsOf,
    name: Annotated[str | None, typer.Option(help="Name of the case.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Folder of the new case. Default: with the other cases.")] = None,
    configs: Configs = None,
) -> None:
    """Make a case from a real account: its rows without names, for a person to complete."""
    from app.evaluation_commands import write_anonymised_case

    write_anonymised_case(account, data, _review_day(as_of), name, folder, configs)


@app.command()
def doctor(
    store: StoreOption = None,
    configs: Configs = None,
    data: Annotated[str | None, typer.Option("--data", help="Also read this data once.")] = None,
    as_json: Json = False,
) -> None:
    """Check store, history, checkpoints, audit log, configuration and disk; say what is wrong and how to mend it."""
    from app.read_commands import print_doctor_report

    print_doctor_report(store, configs, data, date.today(), as_json)


@app.command()
def demo(folder: Annotated[Path, typer.Argument(help="An empty or new folder.")]) -> None:
    """Write a sample portfolio to try every command with."""
    from app.commands import write_demo

    write_demo(folder)


def main() -> None:
    """Run one command; an error becomes one message and an exit code.

    Ends the process at once, without Python's own cleaning up: everything is closed and flushed by then, and cleaning
    up would cost a tenth of the whole run.
    """
    use_utf8()
    gc.disable()  # a short command that builds large records: collecting garbage only costs time
    code = _run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # the reader of the output closed the pipe, like `head`
        pass
    except OSError as error:
        with suppress(OSError):
            print_progress(f"saveplay: cannot write the output: {reason_of(error)}")
        code = EXIT_BAD_INPUT
    if "tools.engine" in sys.modules:
        sys.modules["tools.engine"].remove_spill_folders()
    os._exit(code)


def _run() -> int:
    """Run one command. Returns its exit code."""
    try:
        app()
    except SystemExit as end:
        if end.code == _INTERRUPTED:
            print_progress(STOPPED_MESSAGE)
            return EXIT_FAILURE
        return end.code if isinstance(end.code, int) else EXIT_DONE
    except (InputError, BusyError, NotAllowed) as error:
        print_progress(f"saveplay: {error}")
        return EXIT_BAD_INPUT
    except BrokenPipeError:
        return EXIT_DONE
    except SaveplayError as error:
        print_progress(f"saveplay: {error}")
        return EXIT_FAILURE
    except KeyboardInterrupt:
        print_progress(STOPPED_MESSAGE)
        return EXIT_FAILURE
    except OSError as error:
        if error.errno not in DISK_REASONS:
            traceback.print_exc()
            return EXIT_FAILURE
        print_progress(f"saveplay: cannot use {error.filename or 'the output'}: {reason_of(error)}")
        return EXIT_BAD_INPUT
    except Exception as error:  # noqa: BLE001 - the outermost call: any other error is a fault of the program, shown in full
        if isinstance(error, RuntimeError) and "interrupted" in str(error):  # DuckDB reports Ctrl-C like this
            print_progress(STOPPED_MESSAGE)
            return EXIT_FAILURE
        traceback.print_exc()
        return EXIT_FAILURE
    return EXIT_DONE


if __name__ == "__main__":
    main()
