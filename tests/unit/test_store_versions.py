"""The version of a store: new stores have the newest, older ones are brought to it, others are refused in one sentence."""

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from app.stores import open_location
from app.wiring import open_store
from domain.errors import InputError, PlaceError
from tests.databases import LocalPostgres, run_sql
from tools.store.sqlite import Sqlite, translate_sqlite_errors
from tools.store.tables import STEPS
from tools.store.versions import NEWEST, bring_up_to_date, find_value, stored_version

NEXT = (*STEPS, "create table pets (name text); alter table notes add column tone text")


def make_sqlite(folder: Path, statements: str) -> str:
    """A store folder with a database that these statements made."""
    folder.mkdir()
    with closing(sqlite3.connect(folder / "saveplay.db")) as database:
        database.executescript(statements)
    return str(folder)


def refused(place: str) -> str:
    with pytest.raises(InputError) as caught, open_store(place):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_new_store_has_the_newest_version_and_a_name_of_its_own(store_location: str) -> None:
    with open_store(store_location) as opened:
        database = opened.store.database
        assert stored_version(database) == NEWEST
        name = find_value(database, "store_id")
    with open_store(store_location) as opened:
        assert find_value(opened.store.database, "store_id") == name is not None


def test_a_store_without_a_version_gets_what_it_lacks_and_keeps_what_it_holds(tmp_path: Path) -> None:
    first_seven = ";".join(STEPS[0].replace("{identity}", "integer primary key").split(";")[:6])
    place = make_sqlite(tmp_path / "store", first_seven + "; insert into overrides values ('A-1', '2026-11-01', '{}')")
    with open_store(place) as opened:
        database = opened.store.database
        assert stored_version(database) == NEWEST
        assert database.rows("select account_id from overrides", {}) == [{"account_id": "A-1"}]
        assert opened.store.reviews() == []
        opened.store.log("", "Dana", "opened")
        assert opened.store.verify_audit().is_sound


def test_a_store_of_a_newer_program_is_refused_and_not_touched(store_location: str) -> None:
    with open_store(store_location) as opened:
        newer = {"version": str(NEWEST + 1)}
        opened.store.database.execute("update meta set value = :version where name = 'schema_version'", newer)
    said = refused(store_location)
    assert (
        f"was made by a newer saveplay (store version {NEWEST + 1}, this one knows {NEWEST}); update saveplay" in said
    )
    with open_location(store_location) as place:
        assert place.exists()


def test_a_table_with_other_columns_is_refused_with_its_name(tmp_path: Path) -> None:
    place = make_sqlite(
        tmp_path / "store",
        "create table reviews (review_id text, as_of text, request text, state text, run integer);"
        "create table decisions (who text, what text)",
    )
    said = refused(place)
    assert said.startswith(
        "store/ cannot be used: the table decisions has other columns than any saveplay made (who, what)"
    )
    with closing(sqlite3.connect(tmp_path / "store" / "saveplay.db")) as database:
        assert len(database.execute("select name from sqlite_master where type = 'table'").fetchall()) == 2


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    said = refused(make_sqlite(tmp_path / "store", "create table songs (title text)"))
    assert said == "store/ is no store of saveplay: it holds other tables (songs); name another place with --store"


def test_a_later_step_changes_an_older_store_once(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store")) as opened:
        opened.store.log("", "Dana", "opened")
    for _ in range(2):
        database = Sqlite(tmp_path / "store")
        bring_up_to_date(database, NEXT)
        assert stored_version(database) == NEWEST + 1
        assert "tone" in database.columns()["notes"]
        assert len(database.rows("select * from audit", {})) == 1
        database.close()


def test_a_step_that_fails_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store")):
        pass
    database = Sqlite(tmp_path / "store")
    with pytest.raises(sqlite3.OperationalError):
        bring_up_to_date(database, (*STEPS, "create table pets (name text); create tabel wrong"))
    assert stored_version(database) == NEWEST
    assert "pets" not in database.columns()
    database.close()


def test_two_programs_that_bring_a_store_up_to_date_at_once_do_it_once(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store")):
        pass
    done: list[int | None] = []

    def upgrade() -> None:
        database = Sqlite(tmp_path / "store")
        try:
            bring_up_to_date(database, NEXT)
            done.append(stored_version(database))
        finally:
            database.close()

    threads = [threading.Thread(target=upgrade) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [NEWEST + 1] * 4


def test_a_store_in_postgresql_without_a_version_is_brought_to_it(postgres: LocalPostgres) -> None:
    place = postgres.new_database()
    with open_store(place) as opened:
        opened.store.log("", "Dana", "opened")
    run_sql(place, "drop table saveplay.meta, saveplay.notes")
    with open_store(place) as opened:
        assert stored_version(opened.store.database) == NEWEST
        assert "notes" in opened.store.database.columns()
        assert opened.store.verify_audit().entries == 1
    run_sql(place, "drop table saveplay.meta; alter table saveplay.views rename column who to person")
    assert "the table views has other columns" in refused(place)


def test_a_result_that_is_larger_than_sqlite_keeps_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with closing(Sqlite(tmp_path / "store")) as database:
        database.execute("create table t (body text)", {})
        database._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 500)  # in place of a GB
        with pytest.raises(PlaceError, match=r"store/saveplay\.db: a part of the review is larger than the 1 GB"):
            database.execute("insert into t values (:body)", {"body": "x" * 1000})


def test_a_result_that_its_driver_refuses_is_refused_in_the_same_words(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="larger than the 1 GB"), translate_sqlite_errors(tmp_path / "saveplay.db"):
        raise OverflowError("string longer than INT_MAX bytes")
