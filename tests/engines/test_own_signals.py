"""Own signals on Spark: measured there as from files, with their days and the same cells that could not be read."""

import os
from pathlib import Path

import duckdb
import pytest

from tests.builders import AS_OF, NO_HISTORY
from tests.unit.test_signals_of_a_team import PAIR, TAKES, account_signal, configured, own, write
from tools.scoring.scored_base import read_base

pytestmark = pytest.mark.servers


def test_own_signals_are_measured_on_spark_like_in_a_file(tmp_path: Path) -> None:
    if os.environ.get("SAVEPLAY_REQUIRE_SPARK") != "1":
        pytest.importorskip("pyspark", reason="Spark is not installed")
    files, lake = tmp_path / "files", tmp_path / "lake"
    write(files)
    lake.mkdir()
    for name in ("accounts", "own_visits"):
        source, target = files / f"{name}.csv", lake / f"{name}.parquet"
        duckdb.execute(f"copy (from read_csv('{source}', nullstr = '')) to '{target}'")
    signals = {f"own_{take}": own(take) for take in TAKES}
    signals["own_all"] = own("sum", fresh={"days": 7, "counted_from": "source"})
    signals["own_contract"] = account_signal("Contract", values={"Monthly": 1, "Yearly": 12})
    signals["own_since"] = account_signal("Since", kind="date")
    configuration = configured(signals, [{**PAIR, "signals": ["own_latest", "own_contract"]}])
    places = (str(files), str(lake), f"spark://local?folder={lake}")
    bases = [read_base(where, AS_OF, configuration, NO_HISTORY) for where in places]
    names = ", ".join([*signals, *(f"{name}_on" for name in signals)])
    for query in (f"select account_id, {names} from measured", "select account_id, risk, health from scored"):
        from_csv, from_parquet, from_spark = (base.rows(f"{query} order by account_id") for base in bases)
        assert from_csv == from_parquet == from_spark
    assert [(e.column, e.rows) for e in bases[2].audit.left_out] == [("own_contract", 1)]
    for base in bases:
        base.close()
