"""Two machines that work on one store in a PostgreSQL database.

A machine is a folder for its pages and one for its copies of past weeks; nothing else distinguishes machines. The expected
review is the result of the same commands with a store in a folder.
"""

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.review import Review
from tests.databases import LocalPostgres, run_sql
from tests.e2e.commands import (
    DONE,
    REFUSED,
    WAITING,
    CommandResult,
    KillCondition,
    file_exists,
    has_printed,
    kill_when,
    race_commands,
    saveplay,
)
from tests.e2e.shared_stores import FIRST_DAY, OVERRIDES, SECOND_DAY, W47, W48, SharedStores, StoreFolder

pytestmark = pytest.mark.servers


@dataclass(frozen=True)
class Machine(StoreFolder):
    """A machine whose store is in a database that other machines use, too."""

    url: str

    @property
    def store(self) -> str:  # type: ignore[override]
        return self.url

    @property
    def copies(self) -> Path:
        return self.folder / "copies"

    def run(self, *arguments: str | Path) -> CommandResult:
        return saveplay(*arguments, "--store", self.url, env={"SAVEPLAY_CACHE": str(self.copies)})

    def beginning(self, data: Path, day: str, *more: str) -> tuple[list[str | Path], dict[str, str]]:
        """Arguments and environment of a review on this machine."""
        return self.review_arguments(data, day, *more), {"SAVEPLAY_CACHE": str(self.copies)}

    def begin(self, data: Path, day: str, *more: str) -> CommandResult:
        arguments, env = self.beginning(data, day, *more)
        return saveplay(*arguments, env=env)

    def dies(self, moment: KillCondition, *arguments: str | Path) -> None:
        """Run a command on this machine and kill it at a moment."""
        kill_when([*arguments, "--verbose"], moment, {"SAVEPLAY_CACHE": str(self.copies)})

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        return run_sql(self.url, query.replace(" from ", " from saveplay.", 1))


@dataclass(frozen=True)
class Team:
    """Two machines with one store."""

    berlin: Machine
    lisbon: Machine


@dataclass(frozen=True)
class Teams:
    """Creates teams by scenario, each once per run."""

    stores: SharedStores

    def that(
        self, did: str, store: Callable[[], str], make: Callable[[Team], Mapping[str, CommandResult] | None]
    ) -> tuple[Team, dict[str, CommandResult]]:
        """The team after a scenario, and the output of its commands."""

        def make_place(place: StoreFolder) -> Mapping[str, CommandResult] | None:
            place.folder.mkdir()
            (place.folder / "url").write_text(store())
            return make(self._at(place))

        place, said = self.stores.place(f"shared-{did}", make_place)
        return self._at(place), said

    def _at(self, place: StoreFolder) -> Team:
        url = (place.folder / "url").read_text()
        return Team(Machine(place.folder / "berlin", url), Machine(place.folder / "lisbon", url))


@pytest.fixture(scope="module")
def teams(shared_stores: SharedStores) -> Teams:
    return Teams(shared_stores)


@pytest.fixture(scope="module")
def first(teams: Teams, team_data: Path, postgres: LocalPostgres) -> Team:
    """The first week, reviewed in Berlin, with two overrides set in Lisbon."""

    def make(team: Team) -> None:
        for account, band, until in OVERRIDES:
            why = ("--reason", "The sponsor told me on the phone", "--by", "Sadia Karim")
            team.lisbon.run(
                "override", account, "--band", band, "--until", until, "--on", "2026-11-10", *why
            ).check_exit(DONE)
        team.berlin.begin(team_data, FIRST_DAY, "--approve", "all").check_exit(DONE)

    return teams.that("first", postgres.new_database, make)[0]


def test_a_review_in_a_database_is_the_review_in_a_folder(first: Team, team_first_week: StoreFolder) -> None:
    assert first.berlin.digests(W47) == team_first_week.digests(W47)
    assert first.berlin.actions() == team_first_week.actions()
    assert first.berlin.stray_files() == []


# two at once ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def rivalry(
    teams: Teams, team_data: Path, postgres: LocalPostgres, first: Team
) -> tuple[Team, dict[str, CommandResult]]:
    """Both begin the second week at the same time."""

    def make(team: Team) -> dict[str, CommandResult]:
        both = [each.beginning(team_data, SECOND_DAY, "--approve", "all") for each in (team.berlin, team.lisbon)]
        return dict(zip(("berlin", "lisbon"), race_commands(*both), strict=True))

    return teams.that("rivals", lambda: postgres.new_database(first.berlin.url), make)


def test_of_two_machines_on_one_week_one_wins_and_the_other_says_so(
    rivalry: tuple[Team, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    team, said = rivalry
    winner, loser = sorted(said, key=lambda name: said[name].code)
    assert (said[winner].code, said[loser].code) == (DONE, REFUSED), (said[winner].err, said[loser].err)
    assert re.search("another process is working on 2026-W48", said[loser].refusal)
    assert getattr(team, winner).digests(W48) == team_second_week.digests(W48)
    assert getattr(team, loser).pages(W48) == {}


def test_the_week_is_in_the_store_once(
    rivalry: tuple[Team, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    team, _ = rivalry
    assert team.berlin.actions() == team_second_week.actions()
    assert len(team.berlin.actions()) > 0
    begun = [what for what, _ in team.berlin.audit(W48) if what == "started"]
    assert (begun, team.berlin.registered()) == (["started"], [W47, W48])


def test_a_machine_that_was_not_there_last_week_compares_with_it(
    rivalry: tuple[Team, dict[str, CommandResult]],
) -> None:
    team, said = rivalry
    winner = next(getattr(team, name) for name in said if said[name].code == DONE)
    assert winner.document(W48)["previous_review_id"] == W47
    assert sorted(path.name for path in winner.copies.rglob("*.*")) == [f"{W47}.parquet", f"{W48}.parquet"]


# one machine reviews, the other decides -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def watched(
    teams: Teams, team_data: Path, postgres: LocalPostgres, first: Team
) -> tuple[Team, dict[str, CommandResult]]:
    """Berlin runs the second week up to the decisions; Lisbon reads it meanwhile, and then decides."""

    def make(team: Team) -> dict[str, CommandResult]:
        said = {}
        with ThreadPoolExecutor() as threads:
            review = threads.submit(team.berlin.begin, team_data, SECOND_DAY)
            while not review.done():
                said[f"look {len(said)}"] = team.lisbon.run("show", W48, "--json")
        said["last look"] = team.lisbon.run("show", W48, "--json")
        return {**said, "review": review.result(), "decide": team.lisbon.run("decide", W48, "--approve", "all")}

    return teams.that("watched", lambda: postgres.new_database(first.berlin.url), make)


def test_who_looks_on_sees_a_whole_review_or_is_told_that_there_is_none_yet(
    watched: tuple[Team, dict[str, CommandResult]],
) -> None:
    looks = [each for name, each in watched[1].items() if "look" in name]
    for look in looks:
        if look.code == DONE:
            assert Review.model_validate_json(look.out).review_id == W48
        else:
            assert re.search(r"no review '2026-W48'|2026-W48 has no \w+ yet", look.refusal)
    assert (looks[0].code, looks[-1].code) == (REFUSED, DONE)
    assert json.loads(looks[-1].out)["state"] == "waiting_for_decisions"


def test_what_one_machine_reviewed_the_other_decides(
    watched: tuple[Team, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    team, said = watched
    said["review"].check_exit(WAITING)
    said["decide"].check_exit(DONE)
    assert team.berlin.digests(W48) == team_second_week.digests(W48)
    assert team.lisbon.actions() == team_second_week.actions()


# a machine is killed -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def relieved(
    teams: Teams, team_data: Path, postgres: LocalPostgres, first: Team
) -> tuple[Team, dict[str, CommandResult]]:
    """Berlin is killed during the second week, Lisbon continues and is killed, too; then Berlin continues."""

    def make(team: Team) -> dict[str, CommandResult]:
        team.berlin.dies(
            has_printed("3 Intervention planning"),
            *team.berlin.review_arguments(team_data, SECOND_DAY, "--approve", "all"),
        )
        team.lisbon.dies(file_exists(team.berlin.out, f"{W48}/review.html"), "resume", W48, "--store", team.lisbon.url)
        return {"resume": team.berlin.run("resume", W48)}

    return teams.that("relieved", lambda: postgres.new_database(first.berlin.url), make)


def test_what_a_machine_left_when_it_was_killed_another_finishes(
    relieved: tuple[Team, dict[str, CommandResult]], team_second_week: StoreFolder
) -> None:
    team, said = relieved
    said["resume"].check_exit(DONE)
    assert team.berlin.digests(W48) == team_second_week.digests(W48)
    assert team.berlin.actions() == team_second_week.actions()
    assert team.berlin.stray_files() == []
