"""Learning from the team's own weeks: taken only when it wins on later weeks, and what cannot teach is left out and said."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pytest

from tests.builders import AS_OF, SHIPPED
from tools.scoring.churn_fit import Cells, fit_slopes, squared_error
from tools.scoring.churn_learning import learn_slopes
from tools.scoring.churn_odds import Learned, Slopes, prior_slopes, terms_sql
from tools.scoring.churn_rate import rate_of
from tools.scoring.past_weeks import PastWeeks, load_past_weeks
from tools.scoring.snapshots import SnapshotStore
from tools.wording import review_id_of

CHURN = SHIPPED.scoring.churn
WEEKS = 60


@dataclass
class Life:
    """One account: risk and renewal by week, and the week in which it left, if any."""

    account_id: str
    risk: Callable[[int], float]
    renewal: date
    left: int | None = None


@dataclass
class OwnHistory:
    """Kept weeks and outcomes of made-up accounts, up to today."""

    folder: Path
    lives: list[Life]
    reviewed: bool = True
    forgotten: bool = False
    """The export no longer has those who left, neither account nor outcome."""
    first: int = 0
    connection: duckdb.DuckDBPyConnection = field(default_factory=lambda: duckdb.connect(":memory:"))

    def day(self, week: int) -> date:
        return AS_OF - timedelta(weeks=WEEKS - week)

    def learn(self) -> tuple[PastWeeks, Learned]:
        store, run = SnapshotStore(self.folder), self.connection.execute
        for week in range(self.first, WEEKS):
            present = [each for each in self.lives if each.left is None or week < each.left]
            if not self.reviewed and self.forgotten:
                present = [each for each in self.lives if each.left is None]
            rows = [
                (each.account_id, 1000.0, each.risk(week), False, None, self._renewal(each, week), None)
                for each in present
            ]
            run("create or replace table week_rows (account_id varchar, arr double, risk double, at_risk boolean, "
                "intervention_tier varchar, renewal_date date, started_on date)")  # fmt: skip
            run("insert into week_rows select unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?), unnest(?)",
                [list(column) for column in zip(*rows, strict=True)])  # fmt: skip
            store.save(
                self.connection, "from week_rows", review_id_of(self.day(week)), self.day(week), "x", self.reviewed, 104
            )
        run("create table accounts (account_id varchar, renewal_date date, started_on date, term_months integer)")
        run("create table outcomes (account_id varchar, date date, kind varchar)")
        for each in self.lives:
            if each.left is None:
                run("insert into accounts values (?, ?, null, null)", [each.account_id, each.renewal])
            elif not self.forgotten:
                run("insert into outcomes values (?, ?, 'churned')", [each.account_id, self.day(each.left)])
        run(f"create table terms as {terms_sql(CHURN, AS_OF)}")
        past = load_past_weeks(self.connection, store.snapshots(self.connection, AS_OF), CHURN, AS_OF, 365)
        return past, learn_slopes(self.connection, past, CHURN, rate_of(0, 0.0, CHURN))

    def _renewal(self, life: Life, week: int) -> date:
        """The next renewal as it was known then; a filled-in week knows only that of today."""
        if not self.reviewed:
            return life.renewal
        on = life.renewal
        while on - timedelta(days=365) > self.day(week):
            on -= timedelta(days=365)
        return on


def base(chance: Callable[[float], float], accounts: int = 300, seed: int = 1) -> list[Life]:
    """Accounts of constant risk that leave each week with a chance that depends on it."""
    rng, found = random.Random(seed), []
    for number in range(accounts):
        risk = rng.choice([0.0, 30.0, 60.0, 90.0])
        left = next((week for week in range(1, WEEKS) if rng.random() < chance(risk)), None)
        renewal = AS_OF + timedelta(days=rng.randint(1, 364))
        found.append(Life(f"A-{number:04d}", lambda week, r=risk: r, renewal, left))  # type: ignore[misc]
    return found


def steep(risk: float) -> float:
    return 0.012 if risk >= 90 else 0.0003


def test_a_fit_that_wins_on_the_newest_quarter_is_taken_and_says_its_figures(tmp_path: Path) -> None:
    past, learned = OwnHistory(tmp_path, base(steep)).learn()
    assert past.weeks == WEEKS - 12
    assert (learned.slopes.fitted, learned.checked) == (True, True)
    assert learned.slopes.decision < CHURN.decision.value, "here no renewal decides"
    assert "tested on the newest quarter" in learned.note
    assert "of one rate for everybody" in learned.note


def test_few_losses_teach_nothing_and_the_page_says_how_many_are_needed(tmp_path: Path) -> None:
    lives = base(steep)
    for number, life in enumerate(each for each in lives if each.left is not None):
        life.left = life.left if number < 6 else None
    _, learned = OwnHistory(tmp_path, lives).learn()
    assert learned.slopes == prior_slopes(CHURN)
    assert not learned.checked
    assert "of 10 losses needed to learn from" in learned.note


def test_outcomes_that_mislead_are_tested_and_not_taken(tmp_path: Path) -> None:
    """For most of the year the calm accounts left; in the newest quarter those in trouble did."""
    rng, lives = random.Random(3), []
    for number in range(300):
        risk = rng.choice([0.0, 90.0])
        turn = WEEKS - 26
        leaves = rng.random() < (0.25 if risk == 0 else 0.01)
        later = rng.random() < (0.002 if risk == 0 else 0.3)
        left = rng.randint(1, turn) if leaves else rng.randint(turn + 1, WEEKS - 1) if later else None
        lives.append(Life(f"A-{number:04d}", lambda week, r=risk: r, AS_OF + timedelta(days=rng.randint(1, 364)), left))  # type: ignore[misc]
    _, learned = OwnHistory(tmp_path, lives).learn()
    assert learned.slopes == prior_slopes(CHURN)
    assert "was tested on the newest quarter and not taken" in learned.note


def test_weeks_too_young_to_know_who_left_teach_nothing(tmp_path: Path) -> None:
    past, learned = OwnHistory(tmp_path, base(steep), first=WEEKS - 12).learn()
    assert past.weeks == 0
    assert learned.slopes == prior_slopes(CHURN)
    assert "no kept week is old enough" in learned.note


def test_an_account_that_is_gone_from_the_data_without_an_outcome_counts_as_left(tmp_path: Path) -> None:
    told = OwnHistory(tmp_path / "told", base(steep)).learn()[1]
    gone = OwnHistory(tmp_path / "gone", base(steep), forgotten=True).learn()[1]
    assert gone.slopes.fitted
    assert gone.slopes.risk == pytest.approx(told.slopes.risk, abs=0.003)


def test_when_all_ids_change_at_once_nobody_is_taken_for_left(tmp_path: Path) -> None:
    lives = base(lambda risk: 0.0, accounts=60)
    for life in lives:
        life.left = 30
    renamed = [Life(f"B{each.account_id}", each.risk, each.renewal) for each in lives]
    history = OwnHistory(tmp_path, [*lives, *renamed], forgotten=True)
    _, learned = history.learn()
    assert history.connection.execute("select count(*) from past where left_soon").fetchall() == [(0,)]
    assert not learned.checked


def test_filled_in_weeks_without_those_who_left_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    past, learned = OwnHistory(tmp_path, base(steep), reviewed=False, forgotten=True).learn()
    assert past.weeks == 0
    assert "those who left are not in the data" in past.left_out
    assert learned.slopes == prior_slopes(CHURN)


def test_filled_in_weeks_with_everybody_teach_where_the_renewal_of_that_time_is_known(tmp_path: Path) -> None:
    past, _ = OwnHistory(tmp_path, base(steep), reviewed=False).learn()
    assert past.weeks > 0
    assert "renewal date of that time is not known" in past.left_out


def cells(left: Callable[[float, float], float]) -> Cells:
    grid = [(d, r) for d in (0.0, 1.0) for r in (0.0, 30.0, 60.0, 90.0)]
    decision, risk = (np.asarray(column, dtype=float) for column in zip(*grid, strict=True))
    count = np.full(len(grid), 2000.0)
    gone = np.asarray([round(2000 * left(d, r)) for d, r in grid], dtype=float)
    return Cells(int(gone.sum()), decision, risk, count, gone)


def test_slopes_are_never_negative() -> None:
    fitted = fit_slopes(cells(lambda d, r: 0.2 - 0.1 * d - 0.001 * r), prior_slopes(CHURN), 0.001)
    assert (fitted.decision, fitted.risk) == (0.0, 0.0)


def test_a_fit_finds_the_slopes_that_made_the_losses_and_has_the_smaller_error() -> None:
    true = Slopes(1.0, 0.02)
    made = cells(lambda d, r: 1 / (1 + float(np.exp(-(-4 + true.decision * d + true.risk * r)))))
    fitted = fit_slopes(made, prior_slopes(CHURN), CHURN.learning_caution.value)
    assert fitted.decision == pytest.approx(1.0, abs=0.1)
    assert fitted.risk == pytest.approx(0.02, abs=0.002)
    share = float(made.left.sum() / made.count.sum())
    assert squared_error(made, fitted, share) < squared_error(made, prior_slopes(CHURN), share)
