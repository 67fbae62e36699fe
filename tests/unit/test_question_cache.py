"""The base that a server keeps between questions: used again while nothing changed, read again when anything did."""

import os
from datetime import date
from pathlib import Path

import pytest

from app.questions import BaseCache, answer_question
from domain.questions import QuestionAnswer
from tests.e2e.commands import saveplay
from tests.e2e.shared_stores import read_csv_rows, write_csv_rows, write_team_data

DAY = date(2026, 11, 23)


def _ask(data: Path, store: Path, cache: BaseCache | None, asker: str | None = None) -> QuestionAnswer:
    question = "how many accounts are mine?" if asker else "how many Enterprise accounts are there?"
    return answer_question(question, str(data), DAY, store=str(store), asker=asker, cache=cache)


@pytest.mark.long
def test_answers_from_a_kept_base_are_those_of_a_new_one_and_follow_every_change(tmp_path: Path) -> None:
    data, store, cache = write_team_data(tmp_path / "data"), tmp_path / "store", BaseCache()
    first = _ask(data, store, cache)
    kept = cache._context
    assert _ask(data, store, cache) == first == _ask(data, store, None)
    assert cache._context is kept

    mine = [_ask(data, store, cache, asker) for asker in ("P-12", "P-13")]
    assert mine[0].parts != mine[1].parts
    assert cache._context is kept

    header, rows = read_csv_rows(data / "accounts.csv")
    segment = header.index("segment")
    moved = [[*row[:segment], "Mid-market", *row[segment + 1 :]] if row[0] == "TF-1040" else row for row in rows]
    write_csv_rows(data / "accounts.csv", header, moved)
    os.utime(data / "accounts.csv", (1, 1))
    changed = _ask(data, store, cache)
    assert changed.parts != first.parts
    assert changed == _ask(data, store, None)

    kept = cache._context
    band = ("--band", "red", "--until", "2026-12-31", "--on", "2026-11-20", "--reason", "a call", "--by", "Sadia")
    saveplay("override", "TF-1040", *band, "--store", store).check_exit(0)
    _ask(data, store, cache)
    assert cache._context is not kept, "the store changed"
