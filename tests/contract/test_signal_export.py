"""``saveplay score --signals``: every signal of every account, with its state and the reason where it is not known."""

import json
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.builders import AS_OF, NO_HISTORY, SHIPPED, PortfolioBuilder
from tests.e2e.commands import DONE, REFUSED, saveplay
from tools.scoring.data_gaps import unknown_reasons
from tools.scoring.scored_base import read_base
from tools.scoring.signal_details import scores_with_signals_sql


def world() -> PortfolioBuilder:
    """Two accounts: one with a fresh and an old answer, one with nothing."""
    made = PortfolioBuilder().account("A1").account("A2")
    return made.survey("A1", 120, 3).ticket("A1", 2, escalated=True).ticket("A2", 100, closed=90)


def test_every_signal_has_a_state_and_a_reason_where_it_is_not_known(tmp_path: Path) -> None:
    base = read_base(str(world().write(tmp_path)), AS_OF, SHIPPED, NO_HISTORY)
    rows = base.rows(scores_with_signals_sql(SHIPPED, AS_OF, unknown_reasons(base), base.source_shares))
    first, second = (row["signals"] for row in rows)
    assert set(first) == set(SHIPPED.scoring.signals)
    assert (first["open_escalations"]["value"], first["open_escalations"]["state"]) == (1, "known")
    assert first["open_escalations"]["reason"] is None
    assert isinstance(first["open_escalations"]["observed_on"], date)
    assert (first["nps"]["value"], first["nps"]["component"], first["nps"]["state"]) == (None, None, "stale")
    assert "and it counts for 90 days" in first["nps"]["reason"]
    assert second["nps"]["reason"] == "nothing in surveys measures it for this account"
    assert second["active_users_trend"] == {
        "value": None,
        "component": None,
        "observed_on": None,
        "state": "unknown",
        "reason": "usage is not connected",
    }


@pytest.mark.timeout(120)
def test_json_and_parquet_hold_the_same_signals(tmp_path: Path) -> None:
    folder, target = world().write(tmp_path / "data"), tmp_path / "scores.parquet"
    asked = ("score", "--data", str(folder), "--as-of", AS_OF.isoformat(), "--signals")
    found = saveplay(*asked, "--json", "--parquet", str(target))
    assert found.code == DONE
    printed = {row["account_id"]: row["signals"]["open_escalations"]["value"] for row in json.loads(found.out)}
    rows = duckdb.sql(f"select account_id, signals.open_escalations.value from '{target}'").fetchall()
    assert dict(rows) == printed == {"A1": 1, "A2": 0}
    assert saveplay(*asked).code == REFUSED
