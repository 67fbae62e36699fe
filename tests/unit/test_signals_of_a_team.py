"""Signals of a team's own: measured as configured, unknown where nobody knows, refused with file, key and reason."""

import csv
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from domain.configuration import Configuration
from domain.errors import ConfigurationError, DataError
from domain.evidence import Evidence
from domain.score_configuration import RuleCondition, ScoringSettings, TierRule
from tests.builders import AS_OF, NO_HISTORY, SHIPPED, with_scoring
from tools.evidence.dossier import build_dossiers
from tools.scoring.data_gaps import count_signals, data_gaps
from tools.scoring.scored_base import ScoredBase, read_base

VISITS = (
    ("A", 3, 5), ("A", 10, 3), ("A", 30, 10), ("A", 50, 10), ("A", 70, 7),
    ("B", 40, 6),
    ("C", 2, ""), ("C", 6, 4), ("C", 6, 9),
)  # fmt: skip
"""Account, days before the review, visits. C has an empty cell on the latest day and two rows on the day before."""


def own(take: str, **changes: Any) -> dict[str, Any]:
    """An own signal on the column visits of own_visits, as scoring.yaml has it."""
    windows = {} if take in ("latest", "days_since") else {"window_days": 28}
    return {
        "label": f"Visits ({take})", "category": "usage", "pillar": "adoption", "table": "own_visits", "unit": "count",
        "worse_when": "lower", "points": [[0, 0], [10, 100]], "weight": {"default": 20}, "risk": 20, "fresh": {"days": None},
        "own": {"column": "visits", "take": take}, "why": "They come for a reason.",
        "says": {"worse": "Visits: {value}", "better": "Visits: {value}", "steady": "Visits: {value}"},
        **windows, **changes,
    }  # fmt: skip


def configured(signals: dict[str, dict[str, Any]], pairs: Iterable[dict[str, Any]] = ()) -> Configuration:
    return with_scoring({"signals": {**SHIPPED.scoring.model_dump()["signals"], **signals}, "pairs": list(pairs)})


def write(folder: Path, visits: Iterable[tuple[str, int, Any]] = VISITS, mapping: str = "") -> str:
    tables: dict[str, list[tuple[Any, ...]]] = {
        "accounts": [("account_id", "name", "arr", "renewal_date", "Contract", "Since", "Beta"),
                     ("A", "Alder", 1000, "2027-06-01", "Monthly", "2026-11-01", "yes"),
                     ("B", "Birch", 1000, "2027-06-01", "Yearly", "", "no"),
                     ("C", "Cedar", 1000, "2027-06-01", "", "2026-01-01", ""),
                     ("D", "Dogwood", 1000, "2027-06-01", "Weekly", "", "perhaps")],
        "own_visits": [("account_id", "date", "visits"), *((a, AS_OF - timedelta(days=d), v) for a, d, v in visits)],
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    if mapping:
        (folder / "mapping.yaml").write_text(mapping, encoding="utf-8")
    return str(folder)


def values(base: ScoredBase, signal: str) -> dict[str, float | None]:
    return {row["account_id"]: row[signal] for row in base.rows(f"select account_id, {signal} from measured")}


def evidence(base: ScoredBase, account: str) -> dict[str, Evidence]:
    base.select_accounts([account])
    dossier = build_dossiers(base, [account], NO_HISTORY, base.signal_details())[0]
    return {fact.signal: fact for fact in dossier.evidence}


TAKES = {
    "latest": {"A": 5, "B": 6, "C": 4, "D": None},  # the worse of two values of one day
    "sum": {"A": 8, "B": 0, "C": 13, "D": None},
    "mean": {"A": 4, "B": None, "C": 6.5, "D": None},
    "lowest": {"A": 3, "B": None, "C": 4, "D": None},
    "highest": {"A": 5, "B": None, "C": 9, "D": None},
    "count": {"A": 2, "B": 0, "C": 2, "D": None},
    "days_since": {"A": 3, "B": 40, "C": 6, "D": None},
    "change": {"A": -60, "B": None, "C": None, "D": None},
    "difference": {"A": -6, "B": None, "C": None, "D": None},
}


@pytest.fixture(scope="module")
def every_take(tmp_path_factory: pytest.TempPathFactory) -> ScoredBase:
    signals = {f"own_{take}": own(take) for take in TAKES}
    data = write(tmp_path_factory.mktemp("takes"))
    return read_base(data, AS_OF, configured(signals), NO_HISTORY)


@pytest.mark.parametrize("take", TAKES)
def test_a_signal_is_what_its_configuration_says_and_unknown_where_no_row_shows_it(
    every_take: ScoredBase, take: str
) -> None:
    assert values(every_take, f"own_{take}") == pytest.approx(TAKES[take])


def test_the_rows_of_the_evidence_are_those_that_the_value_is_made_of(every_take: ScoredBase) -> None:
    shown = evidence(every_take, "A")
    assert [row.text for row in shown["own_sum"].rows] == ["visits: 5", "visits: 3"]
    assert shown["own_count"].row_count == shown["own_count"].value == 2
    assert [row.text for row in shown["own_latest"].rows] == ["visits: 5"]
    assert len(shown["own_change"].rows) == 4  # two windows; the fifth row is older than both
    assert shown["own_latest"].source == "own_visits.csv"
    assert shown["own_latest"].rows[0].key == "2026-11-20"
    assert shown["own_latest"].statement == "Visits: 5."


def test_a_table_that_records_every_event_shows_that_none_happened(tmp_path: Path) -> None:
    everything = {"days": 7, "counted_from": "source"}
    signals = {"own_sum": own("sum", fresh=everything), "own_change": own("change", fresh=everything)}
    base = read_base(write(tmp_path), AS_OF, configured(signals), NO_HISTORY)
    assert values(base, "own_sum") == {"A": 8, "B": 0, "C": 13, "D": 0}
    assert values(base, "own_change") == {"A": -60, "B": -100, "C": None, "D": None}


def test_a_value_that_is_too_old_counts_as_unknown(tmp_path: Path) -> None:
    signals = {"own_latest": own("latest", fresh={"days": 14})}
    base = read_base(write(tmp_path), AS_OF, configured(signals), NO_HISTORY)
    assert evidence(base, "A")["own_latest"].value == 5
    assert "own_latest" not in evidence(base, "B")


def account_signal(column: str, **measure: Any) -> dict[str, Any]:
    return own("latest", table="own_accounts", own={"column": column, **measure})


def test_columns_of_the_accounts_are_read_as_numbers_words_flags_and_days(tmp_path: Path) -> None:
    signals = {
        "own_contract": account_signal("Contract", values={"Monthly": 1, "Yearly": 12}),
        "own_since": account_signal("Since", kind="date"),
        "own_beta": account_signal("beta", kind="flag"),
    }
    base = read_base(write(tmp_path), AS_OF, configured(signals), NO_HISTORY)
    assert values(base, "own_contract") == {"A": 1, "B": 12, "C": None, "D": None}
    assert values(base, "own_since") == {"A": 22, "B": None, "C": 326, "D": None}
    assert values(base, "own_beta") == {"A": 1, "B": 0, "C": None, "D": None}
    fact = evidence(base, "A")["own_contract"].rows[0]
    assert (fact.table, fact.row, fact.key, fact.text) == ("own_accounts", 2, "A", "Contract: Monthly")
    wrong = {entry.column: entry for entry in base.audit.left_out if entry.table == "own_accounts"}
    assert wrong["own_contract"].examples == ("accounts.csv row 5: 'Weekly'",)
    assert wrong["own_beta"].reason == "value set to unknown: neither yes nor no"


def test_a_column_that_the_data_lacks_is_a_gap_and_moves_no_score(tmp_path: Path) -> None:
    data = write(tmp_path)
    base = read_base(data, AS_OF, configured({"own_plan": account_signal("Plan")}), NO_HISTORY)
    assert set(values(base, "own_plan").values()) == {None}
    told = [gap.message for gap in data_gaps(base, count_signals(base))]
    assert "The column 'Plan' is not in accounts.csv, so these are unknown for every account: Visits (latest)." in told


def test_a_table_that_the_data_lacks_is_not_connected(tmp_path: Path) -> None:
    signals = {"own_logins": own("sum", table="own_logins", own={"column": "logins", "take": "sum"})}
    base = read_base(write(tmp_path), AS_OF, configured(signals), NO_HISTORY)
    assert set(values(base, "own_logins").values()) == {None}
    assert not base.audit.source("own_logins").connected


def test_mapping_yaml_names_the_file_and_the_columns_of_an_own_table(tmp_path: Path) -> None:
    data = write(tmp_path)
    (tmp_path / "own_visits.csv").rename(tmp_path / "doors.csv")
    text = (tmp_path / "doors.csv").read_text(encoding="utf-8")
    (tmp_path / "doors.csv").write_text(text.replace("account_id,date", "shop,day"), encoding="utf-8")
    mapping = "tables:\n  own_visits: {from: doors.csv, columns: {account_id: shop, date: day}}\n"
    (tmp_path / "mapping.yaml").write_text(mapping, encoding="utf-8")
    base = read_base(data, AS_OF, configured({"own_sum": own("sum")}), NO_HISTORY)
    assert values(base, "own_sum") == pytest.approx(TAKES["sum"])


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("tables: {own_visits: {columns: {shop: A}}}", "tables.own_visits.columns.shop: no such column"),
        ("tables: {own_visits: {from: nowhere.csv}}", "tables.own_visits.from: nowhere.csv"),
    ],
)
def test_a_mapping_of_an_own_table_that_does_not_fit_is_named(tmp_path: Path, mapping: str, says: str) -> None:
    data = write(tmp_path, mapping=mapping)
    with pytest.raises((ConfigurationError, DataError), match=says):
        read_base(data, AS_OF, configured({"own_sum": own("sum")}), NO_HISTORY)


def test_without_own_signals_own_tables_are_left_alone(tmp_path: Path) -> None:
    data = write(tmp_path, mapping="tables: {own_visits: {from: own_visits.csv}}")
    base = read_base(data, AS_OF, SHIPPED, NO_HISTORY)
    assert "own_visits" not in {source.table for source in base.audit.sources}


# --- pairs ---

PAIR = {
    "signals": ["own_latest", "own_contract"], "risk": 30, "says": "few visits on a monthly contract",
    "why": "Either alone is common.",
}  # fmt: skip
TWO = {"own_latest": own("latest"), "own_contract": account_signal("Contract", values={"Monthly": 1, "Yearly": 12})}


def risks(base: ScoredBase) -> dict[str, float]:
    return {row["account_id"]: row["risk"] for row in base.rows("select account_id, risk from scored")}


def test_a_pair_adds_risk_only_where_both_are_bad_and_says_so(tmp_path: Path) -> None:
    data = write(tmp_path)
    alone = read_base(data, AS_OF, configured(TWO), NO_HISTORY)
    paired = read_base(data, AS_OF, configured(TWO, [PAIR]), NO_HISTORY)
    before, after = risks(alone), risks(paired)
    assert after["A"] > before["A"] + 5
    assert {name: after[name] for name in "BCD"} == {name: before[name] for name in "BCD"}  # one is good or unknown
    shown = evidence(paired, "A")
    assert (
        "It counts together with Visits (latest): few visits on a monthly contract." in shown["own_contract"].statement
    )
    assert sum(fact.risk_points for fact in shown.values()) == pytest.approx(after["A"], abs=1e-5)
    assert "together" not in evidence(paired, "B")["own_latest"].statement


def test_more_of_one_bad_sign_never_lowers_risk_with_a_pair(tmp_path: Path) -> None:
    found = []
    for visits in (10, 8, 7, 6.9, 5, 2, 0):
        data = write(tmp_path / str(visits), [("A", 3, visits)])
        found.append(risks(read_base(data, AS_OF, configured(TWO, [PAIR]), NO_HISTORY))["A"])
    assert found == sorted(found)
    assert found[-1] > found[0] + 20


# --- refusals ---


def _measure(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda signal: signal["own"].update(changes)


REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("visits", own("sum"), "the name of an own signal begins with own_"),
    ("own_visits_on", own("sum"), "no _on at the end"),
    ("own_visits", {**own("sum"), "own": None}, "own is missing"),
    ("own_visits", own("sum", table="visits"), "table: an own signal is measured from own_accounts"),
    ("own_visits", own("sum", window_days=None), "take sum needs it"),
    ("own_visits", own("latest", window_days=28), "take latest has no window"),
    ("own_visits", own("sum", table="own_accounts"), "own_accounts has no days"),
    ("own_visits", own("latest", table="own_accounts", fresh={"days": 7}), "own_accounts has no days"),
    ("own_visits", own("latest", unit="step"), "step belongs to the champion"),
    ("own_visits", own("latest", own={"take": "latest"}), "take: latest needs a column"),
    ("own_visits", own("latest", own={"column": "?"}), "a letter or a digit"),
    ("own_visits", own("latest", own={"column": "visits", "kind": "flag", "values": {"a": 1}}), "leave out kind or values"),
)  # fmt: skip


@pytest.mark.parametrize(("name", "signal", "says"), REFUSED)
def test_an_own_signal_that_does_not_fit_together_is_refused_with_a_reason(
    name: str, signal: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        configured({name: signal})


def test_a_column_that_is_read_in_two_ways_and_a_pair_of_unknown_signals_are_refused() -> None:
    with pytest.raises(ValidationError, match="is read in two ways"):
        configured({"own_a": own("latest"), "own_b": own("latest", own={"column": "Visits", "kind": "flag"})})
    with pytest.raises(ValidationError, match="pairs: unknown signal 'own_c'"):
        configured(TWO, [{**PAIR, "signals": ["own_latest", "own_c"]}])
    with pytest.raises(ValidationError, match="a pair has two signals"):
        configured(TWO, [{**PAIR, "signals": ["own_latest", "own_latest"]}])


def test_a_window_longer_than_what_is_read_is_refused() -> None:
    lookback = {**SHIPPED.scoring.lookback_days, "own_visits": 40}
    raw = SHIPPED.scoring.model_dump() | {"lookback_days": lookback}
    raw["signals"] = {**raw["signals"], "own_change": own("change")}
    with pytest.raises(ValidationError, match="only 40 days of own_visits are read"):
        ScoringSettings.model_validate(raw)


def test_a_rule_of_the_tiers_may_ask_for_an_own_signal(tmp_path: Path) -> None:
    rule = TierRule(
        id="empty_store", tier="critical", when=(RuleCondition(signal="own_latest", below=6),), says="Hardly any visits",
        why="Nobody comes.",
    )  # fmt: skip
    asked = configured(TWO)
    tiers = asked.tiers.model_copy(update={"rules": (rule, *asked.tiers.rules)})
    base = read_base(write(tmp_path), AS_OF, asked.model_copy(update={"tiers": tiers}), NO_HISTORY)
    at_risk = base.rows("select account_id, rule from scored where at_risk order by account_id")
    assert at_risk == [{"account_id": name, "rule": "empty_store"} for name in "AC"]
