"""Commands that read and change nothing: score, check, history. They import as little as possible, to start fast."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine_progress import EngineProgress
from app.output import EXIT_BAD_INPUT, EXIT_DONE, print_progress, print_result, terminal_line, to_json_text
from app.stores import open_location
from app.wiring import ReviewRequest, absolute_location, load_scored_base, open_store
from domain.errors import InputError, UnknownReference
from domain.readings import PeoplesReadings
from tools.places import translate_disk_errors
from tools.sql import sql_path

if TYPE_CHECKING:
    from tools.scoring.scored_base import ScoreOnlyBase
    from tools.scoring.snapshots import SnapshotStore


def _load_scores(
    data: str, day: date, configs: str | None, store: str | None, progress: EngineProgress
) -> "ScoreOnlyBase":
    from tools.configuration import read_score_configuration

    configuration = read_score_configuration(Path(configs) if configs else None)
    request = ReviewRequest(absolute_location(data), day, "", configs)
    with _history_and_readings(store, day) as (history, people):
        return load_scored_base(request, configuration, history, progress, people)


@contextmanager
def _history_and_readings(store: str | None, day: date) -> Iterator[tuple["SnapshotStore", PeoplesReadings]]:
    """Earlier weeks as kept, and people's readings of texts by then. Creates no store."""
    with open_location(store) as location:
        if not location.exists():
            yield location.history(), PeoplesReadings()
            return
    with open_store(store) as session:
        yield session.history(), session.people(day)


def print_scores(
    data: str,
    day: date,
    *,
    store: str | None,
    configs: str | None,
    parquet: Path | None,
    signals: bool,
    explain: bool,
    as_json: bool,
) -> None:
    """Print the scores: as JSON, or totals and the worst accounts. ``parquet`` is a file to write all scores to.

    ``signals`` adds every signal to both. Raises InputError where there is neither to add them to.
    """
    if signals and not as_json and parquet is None:
        raise InputError("--signals adds to --json and --parquet: give one of them")
    progress = EngineProgress(print_progress, terminal_line())
    base = _load_scores(data, day, configs, store, progress)
    if explain:
        from app.score_explanation import explanation_text, scoring_explanation

        found = scoring_explanation(base, progress.steps)
        print_result(to_json_text(found) if as_json else explanation_text(found))
        return
    query = _scores_query(base, signals)
    if parquet is not None:
        _write_parquet(base, query, parquet, progress)
    if as_json:
        print_result(to_json_text(base.rows(query)))
        return
    from app.summary_text import scores_text

    print_result(scores_text(base))


def _scores_query(base: "ScoreOnlyBase", signals: bool) -> str:
    """The statement that yields the scores, with every signal where they are asked for."""
    if not signals:
        return "from scored order by account_id"
    from tools.scoring.data_gaps import unknown_reasons
    from tools.scoring.signal_details import scores_with_signals_sql

    return scores_with_signals_sql(base.configuration, base.as_of, unknown_reasons(base), base.source_shares)


def _write_parquet(base: "ScoreOnlyBase", query: str, parquet: Path, progress: EngineProgress) -> None:
    """Write the scores to a file beside the target, then rename it: an interrupted command leaves no half file."""
    aside = parquet.with_name(f".{parquet.name}.{os.getpid()}.aside")
    with translate_disk_errors(parquet, "cannot write", "--parquet"):
        try:
            parquet.parent.mkdir(parents=True, exist_ok=True)
            with progress("writing the scores", base.connection):
                base.connection.execute(f"copy ({query}) to {sql_path(aside)} (format parquet)")
            aside.replace(parquet)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)


def print_backtest(data: str, day: date, *, store: str | None, configs: str | None, as_json: bool) -> None:
    """Print the look back on the kept weeks."""
    from app.summary_text import backtest_text
    from tools.configuration import read_configuration
    from tools.scoring.backtest import backtest

    configuration = read_configuration(Path(configs) if configs else None)
    request = ReviewRequest(absolute_location(data), day, "", configs)
    with _history_and_readings(store, day) as (history, people):
        progress = EngineProgress(print_progress, terminal_line())
        base = load_scored_base(request, configuration, history, progress, people)
        found, note = backtest(base), base.odds.note
        base.close()
    print_result(found.model_dump_json(indent=2) if as_json else backtest_text(found, note))


def print_history(account: str, store: str | None, as_json: bool) -> None:
    """Print every stored week of one account. Raises UnknownReference when no week contains it."""
    import duckdb

    from app.summary_text import history_text

    with open_location(store) as location, duckdb.connect(":memory:") as connection:
        history = location.history()
        found = history.account_weeks(connection, account)
        for notice in history.notices():
            print_progress(notice)
    if not found:
        raise UnknownReference(
            f"no week in {history.name} knows the account {account!r}; use an account id of the data"
        )
    print_result(to_json_text(found) if as_json else history_text(account, found))


def print_data_report(data: str, day: date, configs: str | None, as_json: bool) -> None:
    """Print the data audit."""
    from tools.scoring.portfolio_summary import data_report

    base = _load_scores(data, day, configs, None, EngineProgress(print_progress, terminal_line()))
    found = data_report(base)
    if as_json:
        print_result(found.model_dump_json(indent=2))
        return
    from app.summary_text import data_report_text

    print_result(data_report_text(found, day))


def print_doctor_report(store: str | None, configs: str | None, data: str | None, today: date, as_json: bool) -> None:
    """Print each check and end the process: exit 2 when something needs a person."""
    from app.doctor import examine

    report = examine(store, configs, data, today)
    if as_json:
        print_result(to_json_text(report.model_dump(mode="json")))
    else:
        lines = [
            f"{'ok     ' if c.is_fine else 'problem'}  {c.part:<13}  {c.found} {c.mend}".rstrip() for c in report.checks
        ]
        print_result("\n".join(lines))
    raise SystemExit(EXIT_DONE if report.is_fine else EXIT_BAD_INPUT)
