"""Cases of the evaluation: content of a file, portfolio from its rows, and refusal of faulty files."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from evals.case_portfolio import NEIGHBOUR_ID, group_cases, portfolio_tables
from evals.cases import ROW_KEYS, AccountCase, case_rows, read_case, read_cases
from evals.evaluators import ACTION_PREFIXES
from evals.recount import recount_signals
from evals.suites.ask import read_questions
from evals.suites.hostile import read_hostile_texts
from tests.builders import SHIPPED

CASES = read_cases()
MONDAY = date(2026, 11, 23)


def written(tmp_path: Path, text: str) -> AccountCase:
    path = tmp_path / "a_case.yaml"
    path.write_text(text, encoding="utf-8")
    return read_case(path)


def made(tmp_path: Path, rest: str = "") -> AccountCase:
    return written(tmp_path, f"why: A reason.\nas_of: 2026-11-23\n{rest}\nexpect: {{at_risk: false}}\n")


def test_every_tier_rule_has_cases_that_name_it_on_both_sides() -> None:
    tags = {tag.removeprefix("tier_rule:") for case in CASES for tag in case.tests if tag.startswith("tier_rule:")}
    assert tags >= {"escalation", "payment", "alternatives", "nps", "spike", "usage", "exec_touch", "watch"}
    assert sum("boundary" in case.tests for case in CASES) >= 16


def test_every_cause_is_expected_somewhere_and_so_is_no_cause() -> None:
    causes = {cause for case in CASES for cause in case.expect.cause}
    assert causes == {*SHIPPED.causes.causes, "undetermined"}


def test_there_are_enough_cases_questions_and_hostile_texts_and_each_says_why() -> None:
    assert len(CASES) >= 60
    assert all(len(case.why) > 20 for case in CASES)
    assert len(read_questions()) >= 60
    assert len({question.language for question in read_questions()}) >= 5
    assert len(read_hostile_texts()) >= 200
    assert len({text.id for text in read_hostile_texts()}) == len(read_hostile_texts())


def test_the_beginnings_of_action_ids_are_those_of_the_library() -> None:
    own = {name: {action.id.split("-")[0] for action in book.actions} for name, book in SHIPPED.playbooks.items()}
    assert own == {
        ("diagnosis" if name == "undetermined" else name): {prefix} for name, prefix in ACTION_PREFIXES.items()
    }


def test_a_table_that_is_not_mentioned_is_quiet_and_one_that_is_holds_exactly_its_rows(tmp_path: Path) -> None:
    case = made(tmp_path, "surveys: [{ago: 3, kind: nps, score: 2}]\nnotes: []")
    rows = case_rows(case, "x", MONDAY, {})
    assert [(row["date"], row["score"]) for row in rows["surveys"]] == [(MONDAY - timedelta(days=3), 2)]
    assert rows["notes"] == []
    assert len(rows["contacts"]) == 4
    assert len(rows["usage"]) == 13


def test_a_repeated_ticket_is_one_closed_ticket_a_day(tmp_path: Path) -> None:
    case = made(tmp_path, "tickets: [{repeat: [3, 9], subject: Question}]")
    found = [(row["opened_at"], row["closed_at"]) for row in case_rows(case, "x", MONDAY, {})["tickets"]]
    assert found == [(MONDAY - timedelta(days=d), MONDAY - timedelta(days=d - 1)) for d in (3, 9)]


def test_a_stale_source_has_no_newer_quiet_row_anywhere(tmp_path: Path) -> None:
    case = made(tmp_path, "stale: {notes: 40, usage: 20}")
    tables = portfolio_tables([case])
    assert max(row["date"] for row in tables["notes"]) == MONDAY - timedelta(days=40)
    assert max(row["date"] for row in tables["usage"]) == MONDAY - timedelta(days=20)


def test_a_source_that_is_not_connected_has_no_row_not_even_the_neighbours(tmp_path: Path) -> None:
    tables = portfolio_tables([made(tmp_path, "not_connected: [usage]")])
    assert tables["usage"] == []
    assert {row["account_id"] for row in tables["accounts"]} == {"a_case", NEIGHBOUR_ID}


def test_children_and_parents_stand_beside_their_case(tmp_path: Path) -> None:
    case = made(tmp_path, "also: [{account: {name: Top}, parent: true}, {account: {name: Leaf}, child: true}]")
    found = {row["account_id"]: row["parent_account_id"] for row in portfolio_tables([case])["accounts"]}
    assert found == {"a_case": "a_case-1", "a_case-1": None, "a_case-2": "a_case", NEIGHBOUR_ID: None}


def test_cases_share_a_portfolio_only_with_the_same_surroundings() -> None:
    groups = group_cases(CASES)
    assert sum(len(group) for group in groups) == len(CASES)
    assert all(len({case.surroundings for case in group}) == 1 for group in groups)
    assert max(len(group) for group in groups) > len(CASES) / 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1, 2]", "a case is a mapping"),
        ("why: [", "a_case.yaml line 2 is not valid YAML"),
        ("why: x\nas_of: 2026-11-23\nexpect: {tiers: high}", "expect.tiers"),
        ("why: x\nas_of: soon\nexpect: {}", "as_of"),
        ("why: x\nas_of: 2026-11-23\nexpect: {}\nnotes: [{ago: 3, txt: y}]", "notes row 1: no key 'txt'"),
        ("why: x\nas_of: 2026-11-23\nexpect: {}\nalso: [{tickets: [{opened: 3}]}]", "tickets row 1: no key 'opened'"),
        ("why: x\nas_of: 2026-11-23\nexpect: {}\nmistyped: 3", "mistyped"),
    ],
)
def test_a_file_that_is_no_case_is_refused_with_file_and_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=r"a_case\.yaml") as caught:
        written(tmp_path, text)
    assert says in str(caught.value)


def test_the_keys_of_a_row_are_columns_of_its_table() -> None:
    from domain.tables import TABLES

    for table, keys in ROW_KEYS.items():
        known = {column.name for column in TABLES[table].columns} | {"repeat", "contact"}
        assert keys <= known, table


def test_evidence_is_counted_again_without_the_product() -> None:
    day = MONDAY - timedelta(days=5)
    rows = {
        "usage": [{"date": MONDAY - timedelta(days=7 * n), "active_users": 10 if n < 4 else 20} for n in range(8)],
        "tickets": [{"opened_at": day, "closed_at": None, "escalated": True, "sla_breached": True, "csat": 2}],
        "invoices": [{"status": "failed", "paid_on": None, "due_date": MONDAY - timedelta(days=12)}],
        "surveys": [{"date": day, "kind": "nps", "score": 3}],
        "notes": [{"date": day, "pulse": 2}],
        "goals": [{"status": "behind"}, {"status": "met"}],
        "touchpoints": [{"date": day, "kind": "qbr", "attended": False}],
    }
    assert recount_signals(rows, MONDAY) == {
        "escalations": 1, "open_escalations": 1, "sla_breaches": 1, "support_csat": 2, "active_users_trend": -50, "nps": 3, "csm_pulse": 2,
        "payment_failed": 1, "invoice_overdue": 12, "goals_behind": 50, "missed_meetings": 1,
    }  # fmt: skip
