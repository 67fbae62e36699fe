"""The commands that look and change nothing: score, check, history. They import no more than that takes."""

import os
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import as_document, say, show
from app.stores import store_at
from app.watching import Watching
from app.wiring import Request, absolute, load_base
from domain.errors import InputError, UnknownReference

if TYPE_CHECKING:
    from tools.scoring.scored_base import ScoredBase


def _base(data: str, day: date, configs: str | None, store: str | None, watching: Watching) -> "ScoredBase":
    from tools.configuration import read_score_configuration

    configuration = read_score_configuration(Path(configs) if configs else None)
    with store_at(store) as place:
        return load_base(Request(absolute(data), day, "", configs), configuration, place.history(), watching)


def score_accounts(
    data: str,
    day: date,
    *,
    store: str | None,
    configs: str | None,
    parquet: Path | None,
    explain: bool,
    as_json: bool,
) -> None:
    """Scores of the whole base: a Parquet file, JSON, or the totals and the worst on the screen."""
    watching = Watching(say)
    base = _base(data, day, configs, store, watching)
    if explain:
        from app.explaining import plan, plan_text

        found = plan(base, watching.steps)
        show(as_document(found) if as_json else plan_text(found))
        return
    if parquet is not None:
        _write(base, parquet, watching)
    if as_json:
        show(as_document(base.rows("from scored order by account_id")))
        return
    from app.summary_text import scores

    show(scores(base))


def _write(base: "ScoredBase", parquet: Path, watching: Watching) -> None:
    """Written aside and renamed, so that an interrupted command leaves no half of a file."""
    aside = parquet.with_name(f".{parquet.name}.{os.getpid()}.aside")
    target = str(aside).replace("'", "''")
    try:
        parquet.parent.mkdir(parents=True, exist_ok=True)
        with watching("writing the scores", base.connection):
            base.connection.execute(f"copy (from scored order by account_id) to '{target}' (format parquet)")
        aside.replace(parquet)
    except OSError as error:
        raise InputError(f"cannot write {parquet}: {error.strerror}") from None
    finally:
        aside.unlink(missing_ok=True)


def show_history(account: str, store: str | None, as_json: bool) -> None:
    """Every kept week of one account. Raises UnknownReference when no week knows it."""
    import duckdb

    from app.summary_text import weeks

    with store_at(store) as place, duckdb.connect(":memory:") as connection:
        history = place.history()
        found = history.weeks_of(connection, account)
    if not found:
        raise UnknownReference(f"no week in {history.name} knows the account {account!r}; ids are those of the data")
    show(as_document(found) if as_json else weeks(account, found))


def check_data(data: str, day: date, configs: str | None, as_json: bool) -> None:
    """The data audit."""
    from tools.scoring.portfolio_summary import data_report

    base = _base(data, day, configs, None, Watching(say))
    found = data_report(base)
    if as_json:
        show(found.model_dump_json(indent=2))
        return
    from app.summary_text import audit

    show(audit(found, day))
