"""The rules of the start hold to the end: a review goes on with the configuration that it began with, and says when the
data or the configuration on disk have changed since."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from tests.desk_in_process import InProcessDesk, own_copy
from tests.e2e.commands import DONE, ROOT, WAITING, CommandResult
from tests.e2e.shared_stores import FIRST_DAY, W47, SharedStores, StoreFolder, read_csv_rows, write_csv_rows


@pytest.fixture(scope="module")
def changed_rules(shared_stores: SharedStores, team_data: Path) -> tuple[StoreFolder, dict[str, CommandResult]]:
    """A review decided after its configuration got further days off, and one without such a change."""

    def make(place: StoreFolder) -> dict[str, CommandResult]:
        configs = shutil.copytree(ROOT / "configs", place.folder / "configs")
        place.review(team_data, FIRST_DAY, "--configs", configs, code=WAITING)
        same = own_copy(place, place.folder / "same")
        same.run("decide", W47, "--approve", "all").check_exit(DONE)
        settings = configs / "review.yaml"
        text = settings.read_text(encoding="utf-8")
        assert "company_holidays: [" in text
        settings.write_text(
            text.replace("company_holidays: [", "company_holidays: [2026-11-18, 2026-11-19, ", 1), "utf-8"
        )
        said = {"changed": place.run("decide", W47, "--approve", "all")}
        settings.write_text("review: [", encoding="utf-8")
        said["resume"] = place.run("resume", W47)
        (configs / "scoring.yaml").write_text("at_risk_above: [", encoding="utf-8")
        return said

    return shared_stores.place("changed-rules", make)


def test_actions_follow_the_days_off_of_the_start(
    changed_rules: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    place, said = changed_rules
    said["changed"].check_exit(DONE)
    assert "changed since 2026-W47 began; it goes on with the configuration of its start" in said["changed"].err
    same = StoreFolder(place.folder / "same").document(W47)
    assert place.document(W47) == same


def test_a_closed_review_is_shown_as_it_was_even_when_its_configuration_is_broken_now(
    changed_rules: tuple[StoreFolder, dict[str, CommandResult]],
) -> None:
    place, said = changed_rules
    said["resume"].check_exit(DONE)
    assert place.document(W47) == StoreFolder(place.folder / "same").document(W47)


def test_the_desk_hands_out_the_scoring_of_the_start(
    changed_rules: tuple[StoreFolder, dict[str, CommandResult]], tmp_path: Path
) -> None:
    inside = InProcessDesk(own_copy(changed_rules[0], tmp_path / "copy").store)
    reader = inside.browser(inside.member("viewer"))
    file = yaml.safe_load(reader.get(f"/r/{W47}/what-if/scoring.yaml?at_risk_above=41").text)
    inside.close()
    at_start = yaml.safe_load((ROOT / "configs" / "scoring.yaml").read_text(encoding="utf-8"))
    assert file["at_risk_above"] != at_start["at_risk_above"]
    assert {**file, "at_risk_above": at_start["at_risk_above"]} == at_start


def test_a_closed_review_is_never_run_again_by_resume(team_second_week: StoreFolder, tmp_path: Path) -> None:
    """Its checkpoints may be of an earlier program, and its data may be gone."""
    place = own_copy(team_second_week, tmp_path / "copy")
    (place.store / "checkpoints.db").unlink()
    with closing(sqlite3.connect(place.store / "saveplay.db")) as connection, connection:
        connection.execute("update reviews set request = replace(request, 'desk', 'nowhere')")
    before = place.digests("2026-W48")
    place.run("resume", "2026-W48").check_exit(DONE)
    assert place.digests("2026-W48") == before


def test_data_that_changed_before_it_was_read_is_read_again_and_logged(
    team_data: Path, team_first_week: StoreFolder, tmp_path: Path
) -> None:
    """The state of a kill right after the start is made by hand: nothing of phase 1 is there."""
    place, data = StoreFolder(tmp_path), shutil.copytree(team_data, tmp_path / "data")
    place.review(data, FIRST_DAY, code=WAITING)
    with closing(sqlite3.connect(place.store / "saveplay.db")) as connection, connection:
        connection.execute("delete from documents where kind <> 'configuration'")
        connection.execute("update reviews set state = 'running'")
    (place.store / "checkpoints.db").unlink()
    header, rows = read_csv_rows(data / "notes.csv")
    write_csv_rows(data / "notes.csv", header, rows[:-1])
    said = place.run("resume", W47).check_exit(WAITING)
    assert "the data changed since 2026-W47 was started; it is read again as it is now" in said.err
    with closing(sqlite3.connect(place.store / "saveplay.db")) as connection:
        lines = connection.execute("select what, facts from audit where review_id = ? order by seq", (W47,)).fetchall()
    assert [what for what, _ in lines] == ["started", "data read again"]
    started, again = (json.loads(facts) for _, facts in lines)
    assert again["before"] == started["fingerprint"] != again["fingerprint"]
    assert place.document(W47)["data"]["fingerprint"] == again["fingerprint"]
