"""Tables of another shape: invented ones that are the same every time, and files of the fightchurn simulator."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.errors import InputError
from evals.outside.__main__ import judge
from evals.outside.fightchurn import convert_fightchurn
from evals.outside.invented import FOLDER, TABLES, write_invented
from evals.outside.table import read_card
from evals.suites.outside import run_outside
from tests.builders import SHIPPED

AS_OF = date(2026, 6, 1)


def test_the_invented_tables_are_those_that_the_script_writes(tmp_path: Path) -> None:
    write_invented(tmp_path)
    for name in TABLES:
        assert (tmp_path / f"{name}.csv").read_bytes() == (FOLDER / f"{name}.csv").read_bytes()


def test_no_card_reads_the_column_that_says_who_left() -> None:
    for name in TABLES:
        card = read_card(FOLDER / f"{name}.yaml")
        assert card.left.column not in {signal["own"]["column"] for signal in card.signals.values()}


@pytest.mark.long
def test_own_signals_rank_every_table_better_than_simple_rules_and_a_pair_helps_where_both_matter() -> None:
    result = run_outside(SHIPPED, lambda *_: None)
    assert all(case.right for case in result.cases), [check.why for case in result.cases for check in case.checks]
    for name in TABLES:
        card = result.figure(f"{name}_auc").value
        assert card > max(result.figure(f"{name}_auc_of_{rule}").value for rule in ("best_signal", "warnings"))
        assert result.figure(f"{name}_brier_skill").low > 0
    assert result.figure("phone_lines_auc").value > result.figure("phone_lines_auc_without_pairs").value + 0.01


def simulator_files(folder: Path) -> Path:
    """Forty customers on monthly plans; every fourth uses the product less and leaves after the review date."""
    folder.mkdir()
    accounts, terms, events = [], [], []
    for number in range(1, 41):
        leaves = number % 4 == 0
        accounts.append(f"{number},web,1990-01-01,DE")
        for month in range(4 if leaves else 8):
            start = date(2026, 3, 2) + timedelta(days=30 * month)
            terms.append(f"{number},basic,{start},{start + timedelta(days=30)},9.99,NULL,NULL,1,0")
        for day in range(1, 57, 2):
            times = 1 if leaves and day < 28 else 3
            events += [f"{number},{AS_OF - timedelta(days=day)} 10:00:00,{kind},NULL,NULL" for kind in (0, 1)] * times
    (folder / "socialnet7_account.csv").write_text("\n".join(accounts), encoding="utf-8")
    (folder / "socialnet7_subscriptions_2026-06-01.csv").write_text("\n".join(terms), encoding="utf-8")
    (folder / "socialnet7_events_2026-06-01.csv").write_text("\n".join(events), encoding="utf-8")
    return folder


def test_files_of_the_simulator_are_scored_and_who_left_later_is_known(tmp_path: Path) -> None:
    result = judge([str(simulator_files(tmp_path / "sim")), AS_OF.isoformat(), "60"])
    (case,) = result.cases
    assert {check.name: check.right for check in case.checks}["scored"]
    assert result.figures[0].value == pytest.approx(1.0)
    assert result.figures[0].n == 40


def test_nothing_later_than_the_review_gets_into_the_data(tmp_path: Path) -> None:
    converted = convert_fightchurn(simulator_files(tmp_path / "sim"), date(2026, 5, 1), 60, tmp_path / "data")
    assert "2026-05-02" not in (tmp_path / "data" / "own_events.csv").read_text(encoding="utf-8")
    assert (tmp_path / "data" / "outcomes.csv").read_text(encoding="utf-8").count("churned") == 0
    assert sum(converted.left.values()) == 10


def test_a_folder_without_the_files_of_the_simulator_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no file \*subscription\*\.csv"):
        convert_fightchurn(tmp_path, AS_OF, 60, tmp_path / "data")
