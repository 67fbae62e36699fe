"""The command line is a contract: names, exit codes, streams, one clear sentence when something is wrong.

Real processes, as in ``tests/e2e``; nothing is faked. Slow data is created once per run.
"""

# ruff: noqa: F811  (fixtures are imported by name)

import csv
import json
import re
import shutil
import tomllib
from pathlib import Path

import duckdb
import icalendar
import pytest
from pydantic import TypeAdapter

from domain.portfolio import DataReport
from domain.review import Review
from tests.e2e.commands import DONE, PORTFOLIO, REFUSED, ROOT, WAITING, CommandResult, saveplay
from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    FIRST_DAY,
    OVERRIDES,
    SECOND_DAY,
    W47,
    W48,
    SharedStores,
    StoreFolder,
    overruled_decisions,
    read_csv_rows,
    shared_stores,
    team_data,
    team_first_week,
    team_second_week,
)

pytestmark = pytest.mark.timeout(400)

COMMANDS = (
    "review",
    "ask",
    "decide",
    "show",
    "resume",
    "score",
    "check",
    "demo",
    "done",
    "override",
    "read",
    "history",
    "eval",
    "mcp",
)
HEAVY = ("langgraph", "mcp", "langchain_core", "openai", "duckdb", "sqlalchemy", "numpy", "jinja2", "pydantic")


@pytest.fixture(scope="module")
def help_text() -> str:
    return saveplay("--help").check_exit(DONE).out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(help_text: str, command: str) -> None:
    assert re.search(rf"^\W*{command}\b", help_text, re.MULTILINE)
    said = saveplay(command, "--help").check_exit(DONE)
    assert f"saveplay {command}" in said.out.replace("python -m app.cli", "saveplay")
    assert len(said.out.splitlines()) > 5


def test_help_comes_without_loading_anything_heavy() -> None:
    import subprocess
    import sys

    from tests.e2e.commands import clean_environment

    timed = [sys.executable, "-X", "importtime", "-m", "app.cli", "--help"]
    done = subprocess.run(timed, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=True)
    loaded = {line.rsplit("|", 1)[-1].strip().split(".")[0] for line in done.stderr.splitlines() if "|" in line}
    assert "typer" in loaded, "the list of imports is read"
    assert loaded & set(HEAVY) == set()


def test_the_script_is_the_same_command_line() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    assert scripts == {"saveplay": "app.cli:main"}


# errors are one sentence ---------------------------------------------------------------------------------------------

REVIEW = ["review", "--data", str(PORTFOLIO), "--as-of", SECOND_DAY]
OVERRIDE = ["override", "A1", "--reason", "so", "--by", "me"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["review", "--data", str(PORTFOLIO), "--as-of", "23.11.2026"],
            r"--as-of '23.11.2026' is not a date; write it",
        ),
        (["review", "--data", str(PORTFOLIO), "--as-of", "2026-02-30"], r"'2026-02-30' is not a date"),
        (["review", "--data", "/nowhere/at all", "--as-of", SECOND_DAY], r"does not exist"),
        ([*REVIEW, "--approve", "maybe"], r"--approve takes all, none or a decisions file; there is no file 'maybe'"),
        ([*REVIEW, "--approve", str(PORTFOLIO / "notes.csv")], r"notes\.csv"),
        ([*REVIEW, "--configs", "/nowhere"], r"is missing in the configuration folder nowhere/"),
        (["score", "--data", "/nowhere", "--as-of", SECOND_DAY], r"does not exist"),
        (["check", "--data", "ftp://somewhere/x"], r"is not a data location"),
        (["check", "--data", str(PORTFOLIO), "--as-of", "soon"], r"'soon' is not a date"),
        (["show", "2026-W01"], r"no review '2026-W01'.*no review has been run in this store yet"),
        (["resume", "2026-W01"], r"no review '2026-W01'"),
        (["decide", "2026-W01", "--approve", "all"], r"no review '2026-W01'"),
        (["done", "2026-W01.A1.primary"], r"no action '2026-W01.A1.primary'"),
        (["done"], r"name one action, or a file with --import"),
        (["done", "--import", "/nowhere.csv"], r"nowhere\.csv"),
        (["done", "--import", str(PORTFOLIO / "notes.csv")], r"notes.csv: no column 'id'"),
        ([*OVERRIDE, "--band", "purple", "--until", "2026-12-01"], r"'purple': use red, yellow or green"),
        ([*OVERRIDE, "--band", "red", "--until", "2020-01-01"], r"the override ends on 2020-01-01, before it begins"),
        ([*OVERRIDE, "--band", "red", "--until", "2999-01-01"], r"give a day within 366 days"),
        ([*OVERRIDE, "--band", "red", "--until", "2999-01-01", "--reason", " "], r"an override needs a reason"),
        ([*OVERRIDE, "--band", "red", "--until", "christmas"], r"--until 'christmas' is not a date"),
        (["demo", str(PORTFOLIO)], r"is not empty; name a new folder"),
    ],
    ids=lambda value: " ".join(value).replace(str(PORTFOLIO), "portfolio") if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_in_one_sentence(arguments: list[str], says: str, tmp_path: Path) -> None:
    stored = arguments[0] not in ("check", "demo")
    said = saveplay(*arguments, *(["--store", str(tmp_path / "store")] if stored else []), cwd=tmp_path)
    assert re.search(says, said.refusal)
    assert not (tmp_path / "reviews").exists()


@pytest.mark.parametrize(
    "arguments", [["review"], ["--nonsense"], ["dance"], [*REVIEW, "--backfill", "-1"], ["decide"], ["override", "A1"]]
)
def test_bad_usage_is_explained_on_standard_error(arguments: list[str], tmp_path: Path) -> None:
    said = saveplay(*arguments, cwd=tmp_path)
    assert said.code == REFUSED
    assert "Usage:" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_kept(team_data: Path, tmp_path: Path) -> None:
    place = StoreFolder(tmp_path)
    place.out.write_text("a file, not a folder")
    said = saveplay(*place.review_arguments(team_data, FIRST_DAY, "--approve", "all"))
    assert said.code == REFUSED
    assert "name another --out" in said.err
    assert "Traceback" not in said.err
    assert place.registered() == [], "nothing is written"


def test_a_store_given_as_a_database_url_is_never_taken_for_a_folder(tmp_path: Path) -> None:
    said = saveplay("show", W47, "--store", "postgresql://127.0.0.1:1/nothing", cwd=tmp_path)
    assert said.code in (REFUSED, 1)
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []


# output streams ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shown(shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder) -> dict[str, CommandResult]:
    """Output of the commands that only read, for the data of the small team."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        data = ["--data", team_data, "--as-of", FIRST_DAY]
        return {
            "show": team_first_week.run("show", W47),
            "show json": team_first_week.run("show", W47, "--json"),
            "check": saveplay("check", *data),
            "check json": saveplay("check", *data, "--json"),
            "score": saveplay("score", *data, "--store", place.store),
            "score json": saveplay("score", *data, "--json", "--store", place.store),
            "parquet": saveplay(
                "score", *data, "--parquet", place.folder / "a" / "scores.parquet", "--store", place.store
            ),
            "history": team_first_week.run("history", _worst(team_first_week)),
            "history json": team_first_week.run("history", _worst(team_first_week), "--json"),
            "stranger": team_first_week.run("history", "A-0"),
            "unknown": team_first_week.run("decide", "2026-W99", "--approve", "all"),
            "narrow": saveplay("show", W47, "--store", team_first_week.store, env={"PYTHONIOENCODING": "latin-1"}),
        }

    return shared_stores.place("shown", make)[1]


def test_reading_commands_print_results_and_nothing_else(shown: dict[str, CommandResult]) -> None:
    for name, said in shown.items():
        if name not in ("narrow", "unknown", "stranger"):
            said.check_exit(DONE)
            assert said.out.endswith("\n")
            assert said.err == "", name


@pytest.mark.parametrize("name", ["show json", "check json", "score json", "history json"])
def test_json_is_one_document(shown: dict[str, CommandResult], name: str) -> None:
    json.loads(shown[name].out)


def test_show_prints_the_review_in_a_screenful_and_whole_as_json(
    shown: dict[str, CommandResult], team_first_week: StoreFolder
) -> None:
    assert Review.model_validate_json(shown["show json"].out).review_id == W47
    assert shown["show json"].out.encode() == team_first_week.pages(W47)["review.json"]
    text = shown["show"].out
    assert text.startswith(W47)
    for line in Review.model_validate_json(shown["show json"].out).at_risk[:5]:
        assert line.name.split()[0] in text
    assert "start with review.html" in " ".join(text.split())


def test_a_terminal_of_another_encoding_still_gets_its_answer(shown: dict[str, CommandResult]) -> None:
    """Windows pipes are not UTF-8, and customers have names in every script."""
    shown["narrow"].check_exit(DONE)


def _worst(place: StoreFolder) -> str:
    return str(place.document(W47)["at_risk"][0]["account_id"])


def test_history_tells_an_account_week_by_week_as_it_was_reported(
    shown: dict[str, CommandResult], team_first_week: StoreFolder
) -> None:
    line = team_first_week.document(W47)["at_risk"][0]
    weeks = json.loads(shown["history json"].out)
    assert (weeks[-1]["review_id"], weeks[-1]["health"]) == (W47, line["health"])
    assert [week["as_of"] for week in weeks] == sorted(week["as_of"] for week in weeks)
    assert W47 in shown["history"].out
    assert line["name"].split()[0] in shown["history"].out
    assert "knows the account 'A-0'" in shown["stranger"].refusal


def test_an_unknown_review_is_refused_with_the_known_ones(shown: dict[str, CommandResult]) -> None:
    assert "no review '2026-W99'" in shown["unknown"].refusal
    assert f"known: {W47}" in shown["unknown"].refusal


def test_check_names_tables_rows_left_out_and_gaps(shown: dict[str, CommandResult]) -> None:
    report = DataReport.model_validate_json(shown["check json"].out)
    text = " ".join(shown["check"].out.split())
    for source in report.sources:
        assert source.table in text
    assert report.rows_left_out
    assert report.gaps
    for left in report.rows_left_out:
        assert left.reason.split(":")[0] in text
    assert report.gaps[0].subject in text


def test_score_covers_every_account_and_keeps_nothing(
    shown: dict[str, CommandResult], shared_stores: SharedStores, team_data: Path
) -> None:
    rows = TypeAdapter(list[dict[str, object]]).validate_json(shown["score json"].out)
    place = StoreFolder(shared_stores.root / "shown")
    parquet = place.folder / "a" / "scores.parquet"
    stored = duckdb.sql(f"select account_id, health, risk, risk_tier from '{parquet}' order by account_id").fetchall()
    assert [(r["account_id"], r["health"], r["risk"], r["risk_tier"]) for r in rows] == stored
    assert {str(row["account_id"]) for row in rows} <= {row[0] for row in read_csv_rows(team_data / "accounts.csv")[1]}
    assert len(rows) > 15
    assert not place.store.exists() or not list(place.store.rglob("*.parquet"))


def test_progress_goes_to_standard_error_and_the_result_to_standard_output(
    overruled_decisions: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    _, said = overruled_decisions
    assert Review.model_validate_json(said["json"].out).state == "waiting_for_decisions"
    assert [line for line in said["json"].err.splitlines() if re.match(r"[1-4] ", line)] == [
        "1 Risk identification", "2 Root cause analysis", "3 Intervention planning",
    ]  # fmt: skip
    assert "waiting for decisions" in said["json"].err


def test_demo_writes_the_sample_and_the_review_runs_on_it(shared_stores: SharedStores) -> None:
    def make(place: StoreFolder) -> dict[str, CommandResult]:
        said = {"demo": saveplay("demo", place.folder / "sample")}
        said["review"] = saveplay(*place.review_arguments(place.folder / "sample" / "portfolio", FIRST_DAY))
        return said

    place, said = shared_stores.place("demo", make)
    assert f"{place.folder}/sample/portfolio" in said["demo"].check_exit(DONE).out
    said["review"].check_exit(WAITING)
    assert len(place.document(W47)["plays"]) == 10
    made = {path.name: path.read_bytes() for path in (place.folder / "sample" / "portfolio").iterdir()}
    assert made == {path.name: path.read_bytes() for path in PORTFOLIO.iterdir()}, "the sample is always the same"


# health overrides ----------------------------------------------------------------------------------------------------


def test_an_override_stands_beside_the_computed_band_and_ends_on_its_date(
    team_first_week: StoreFolder,
    team_second_week: StoreFolder,
) -> None:
    def said(place: StoreFolder, review_id: str) -> dict[str, tuple[str, str]]:
        lines = place.document(review_id)["at_risk"]
        return {line["account_id"]: (line["override"] or {}).get("band") for line in lines}

    (ended, ended_band, _), (lasting, lasting_band, _) = OVERRIDES
    first, second = said(team_first_week, W47), said(team_second_week, W48)
    assert (first[ended], first[lasting]) == (ended_band, lasting_band)
    assert (second[ended], second[lasting]) == (None, lasting_band)
    assert {band for account, band in first.items() if account not in (ended, lasting)} == {None}
    line = next(line for line in team_first_week.document(W47)["at_risk"] if line["account_id"] == lasting)
    computed = "red" if line["health"] < 60 else "yellow" if line["health"] < 80 else "green"
    assert line["health_band"] == computed != lasting_band, "the computed band stays"
    assert f"CSM says {lasting_band}" in team_first_week.pages(W47)["review.html"].decode()


def test_an_override_of_an_account_that_no_week_knows_is_refused(team_first_week: StoreFolder, tmp_path: Path) -> None:
    place = team_first_week.copy_to(tmp_path / "copy")
    until = ("--band", "red", "--reason", "so", "--by", "me", "--on", "2026-11-20", "--until", "2026-12-31")
    assert (
        "knows the account 'TF-nowhere'; use an account id of the data"
        in place.run("override", "TF-nowhere", *until).refusal
    )
    place.run("override", "TF-1052", *until).check_exit(DONE)


# names that break pages ----------------------------------------------------------------------------------------------


def test_hostile_names_are_escaped_on_every_page(team_second_week: StoreFolder) -> None:
    pages = team_second_week.pages(W48)
    for name, content in pages.items():
        if name.endswith((".html", ".md")):
            assert b"<script>alert" not in content, name
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in pages["review.html"].decode()
    assert "<script>alert(1)</script> Retail GmbH" in pages["review.json"].decode(), "data stays as it is"


def test_no_cell_is_run_as_a_formula(team_second_week: StoreFolder) -> None:
    cells = [
        cell
        for name in ("actions.csv", "crm_updates.csv")
        for row in csv.reader((team_second_week.out / W48 / name).read_text(encoding="utf-8").splitlines())
        for cell in row
    ]
    assert any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert [cell for cell in cells if re.match(r"\s*[=+@]|\s*-\D", cell)] == []


def test_calendars_can_be_read_and_hold_every_touchpoint_once(team_second_week: StoreFolder) -> None:
    review, found = team_second_week.document(W48), {}
    for name, content in team_second_week.pages(W48).items():
        if name.startswith("calendar/"):
            for event in icalendar.Calendar.from_ical(content).walk("VEVENT"):
                assert str(event["uid"]) not in found, "one hold, one file"
                found[str(event["uid"])] = event
    assert set(found) == {hold["uid"] for hold in review["touchpoints"]}
    for hold in review["touchpoints"]:
        starts = found[hold["uid"]].decoded("dtstart")
        assert starts.isoformat()[:16] == f"{hold['on']}T{hold['starts']}"
        assert starts.tzinfo is not None
        assert found[hold["uid"]].walk("VALARM"), "every hold has a reminder"


# import of a filled-in action list -----------------------------------------------------------------------------------


def test_the_action_list_can_be_imported_as_it_was_written_and_changes_nothing(
    team_second_week: StoreFolder,
    tmp_path: Path,
) -> None:
    place = team_second_week.copy_to(tmp_path / "copy")
    done = place.document(W47)["actions"][0]["id"]
    place.run("done", done, "--on", "2026-11-17").check_exit(DONE)
    listed = shutil.copy(place.out / W48 / "actions.csv", tmp_path / "actions.csv")
    place.run("done", "--import", listed, "--on", "2026-11-24").check_exit(DONE)
    progress = place.progress()
    assert progress[done][0] == "done", "a list written before it was done does not open it again"


def test_an_import_with_one_bad_line_records_nothing(team_second_week: StoreFolder, tmp_path: Path) -> None:
    place = team_second_week.copy_to(tmp_path / "copy")
    first, second, *_ = [action["id"] for action in place.document(W48)["actions"]]
    (tmp_path / "actions.csv").write_text(f"id,status\n{first},done\n{second},finished\n")
    said = place.run("done", "--import", tmp_path / "actions.csv", "--on", "2026-11-24")
    assert "actions.csv row 3: status 'finished'; use done, open or dropped" in said.refusal
    assert place.progress() == {}
