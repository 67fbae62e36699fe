"""``--store postgresql://…``: one clear sentence when it cannot be opened, and no password in output or files."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from app.stores import open_location
from app.wiring import open_store
from domain.errors import InputError
from tests.databases import PASSWORD, LocalPostgres, new_user, run_sql
from tests.e2e.commands import DONE, ROOT, CommandResult, clean_environment, saveplay

SECRET = "s3cret-Pa55"
CLOSED = "postgresql://dana:s3cret-Pa55@127.0.0.1:1/reviews"
"""A URL with a port on which nobody listens."""
WITHOUT_DRIVER = "import sys; sys.modules['psycopg'] = None; from app.cli import main; main()"
"""Environment in which the driver seems not to be installed."""


def refused(url: str) -> str:
    """The one sentence of a command with a refused store."""
    with pytest.raises(InputError) as caught, open_store(url):
        pass
    assert caught.value.__suppress_context__ or caught.value.__context__ is None, "the cause would be printed, too"
    said = str(caught.value)
    assert "\n" not in said
    return said


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_a_server_that_is_not_there_is_named_with_the_reason(scheme: str) -> None:
    said = refused(CLOSED.replace("postgresql", scheme, 1))
    assert said == "cannot open the store postgresql://dana@127.0.0.1:1/reviews: Connection refused"


@pytest.mark.parametrize(
    "url",
    ["postgresql://dana:s3cret-Pa55@nowhere.invalid/reviews",
     "postgresql://dana@127.0.0.1:1/reviews?password=s3cret-Pa55",
     "postgresql://127.0.0.1:1,127.0.0.1:2/reviews?user=dana&password=s3cret-Pa55",
     "postgresql://dana:s3cret-Pa55@/reviews?host=/no/such/folder",
     "postgresql://dana:x@s3cret-Pa55@127.0.0.1:1/reviews",
     "postgresql://dana:x/s3cret-Pa55@127.0.0.1:1/reviews",
     "postgresql://dana:1/s3cret-Pa55@127.0.0.1:1/reviews",
     "postgresql://dana:x#s3cret-Pa55@127.0.0.1:1/reviews",
     "postgresql://dana:x?s3cret-Pa55@127.0.0.1:1/reviews",
     "postgresql://dana:s3cret-Pa55%@127.0.0.1:1/reviews",
     "postgresql://dana:s3cret-Pa55%00@127.0.0.1:1/reviews",
     "postgresql://dana:s3cret-Pa55@127.0.0.1:one/reviews",
     "postgresql://dana:s3cret-Pa55@127.0.0.1:1/reviews?colour=blue",
     "postgresql://dana:s3cret-Pa55@127.0.0.1:1/reviews?connect_timeout=soon",
     "postgresql://dana:s3cret-Pa55@127.0.0.1:1/reviews?sslmode=perhaps",
     "postgresql://dana:s3cret-Pa55@[::1/reviews",
     "postgresql:/dana:s3cret-Pa55@127.0.0.1/reviews",
     "postgres:dana:s3cret-Pa55@127.0.0.1/reviews",
     "POSTGRESQL://dana:s3cret-Pa55@127.0.0.1/reviews",
     "postgresql+psycopg://dana:s3cret-Pa55@127.0.0.1/reviews",
     "mysql://dana:s3cret-Pa55@127.0.0.1/reviews"],
    ids=lambda url: url.replace(SECRET, "…"),
)  # fmt: skip
def test_no_piece_of_a_password_is_repeated_however_the_url_is_wrong(url: str) -> None:
    assert SECRET not in refused(url)


def test_another_kind_of_database_is_refused_with_what_is_possible() -> None:
    said = refused("mysql://dana@127.0.0.1/reviews")
    assert said == "--store mysql:…: a store is a folder or a URL like postgresql://user@host/database"


def test_a_url_that_cannot_be_read_says_how_to_write_one() -> None:
    said = refused("postgresql://dana:p@ss@host/reviews")
    assert "write it like postgresql://user@host/database, and characters like @ : / # in a password as %40" in said


def test_a_database_that_does_not_exist_is_named(postgres: LocalPostgres) -> None:
    assert refused(postgres.url("nothing")).endswith('/nothing: database "nothing" does not exist')


def test_a_folder_may_have_any_name_that_is_no_url(tmp_path: Path) -> None:
    for name in ("store", "a store: of ours", "postgres", "C:reviews"):
        with open_store(str(tmp_path / name)) as opened:
            assert opened.at.exists()
        assert (tmp_path / name / "saveplay.db").exists()


# a password ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def guarded(postgres_url: str) -> str:
    """A database that asks for a password, which is in the URL."""
    url = new_user(postgres_url)
    run_sql(postgres_url, f"alter database {_database(url)} owner to {_user(url)}")
    return url


def _user(url: str) -> str:
    return str(urlsplit(url).username)


def _database(url: str) -> str:
    return urlsplit(url).path[1:]


def test_a_password_with_any_characters_opens_the_store_and_is_written_nowhere(
    guarded: str, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAVEPLAY_CACHE", str(tmp_path))
    told = ["override", "A-1", "--band", "red", "--reason", "Because", "--until", "2026-12-31", "--by", "Dana"]
    done = saveplay(*told, "--store", guarded).check_exit(DONE)
    absent = saveplay("history", "A-1", "--store", guarded)
    unknown = saveplay("show", "2026-W48", env={"SAVEPLAY_STORE": guarded})
    assert f"no week in postgresql://{_user(guarded)}@127.0.0.1:" in absent.refusal
    assert f"no review '2026-W48' in postgresql://{_user(guarded)}@127.0.0.1:" in unknown.refusal
    said = [stream for each in (done, absent, unknown) for stream in (each.out, each.err)]
    tables = [
        name for (name,) in run_sql(postgres_url, "select tablename from pg_tables where schemaname = 'saveplay'")
    ]
    kept = [str(run_sql(postgres_url, f"select * from saveplay.{table}")) for table in tables]
    assert "A-1" in "".join(kept)
    for text in (*said, *kept):
        assert PASSWORD not in text
        assert quote(PASSWORD, safe="") not in text


def test_a_wrong_password_is_refused_without_repeating_it(guarded: str) -> None:
    said = refused(guarded.replace(quote(PASSWORD, safe=""), SECRET))
    assert said.endswith(f'password authentication failed for user "{_user(guarded)}"')
    assert SECRET not in said


def test_the_name_of_a_store_and_the_place_of_its_copies_depend_on_no_password(
    guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAVEPLAY_CACHE", str(tmp_path))
    without = guarded.replace(f":{quote(PASSWORD, safe='')}@", "@")
    assert "@" in without
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with open_location(guarded) as place, open_location(without) as again:
        assert place.history().name == again.history().name == without
        assert place.history().folder == again.history().folder


@pytest.mark.parametrize(
    ("password", "reason"),
    [("e", "Connection refused"), ("on", "Connection refused"), ("ref", "Connection refused"), ("used", "Connection refused"),
     ("refused", "Connection …")],
)  # fmt: skip
def test_a_short_password_or_a_piece_of_a_word_does_not_blank_out_the_reason(password: str, reason: str) -> None:
    said = refused(f"postgresql://dana:{password}@127.0.0.1:1/reviews")
    assert said == f"cannot open the store postgresql://dana@127.0.0.1:1/reviews: {reason}"


# drivers -------------------------------------------------------------------------------------------------------------


def python(code: str, *arguments: str | Path) -> CommandResult:
    """Run this code in a separate Python process."""
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


def test_a_driver_that_is_not_installed_is_named() -> None:
    said = python(WITHOUT_DRIVER, "show", "2026-W48", "--store", CLOSED).refusal
    assert said == 'a store in PostgreSQL needs its driver: pip install "saveplay[postgres]"'


LOADED = """
import sys
from app.wiring import open_store
with open_store(sys.argv[1]) as session:
    session.store.reviews(), session.history(), session.store.log("", "Dana", "looked")
print(*sorted({"psycopg", "sqlite3", "filelock", "langgraph"} & set(sys.modules)))
"""


def test_each_kind_of_store_loads_its_own_driver_and_no_other(tmp_path: Path, postgres_url: str) -> None:
    assert python(LOADED, tmp_path / "store").check_exit(DONE).out.split() == ["sqlite3"]
    with open_store(postgres_url):
        pass  # making the tables of the checkpoints needs LangGraph
    assert python(LOADED, postgres_url).check_exit(DONE).out.split() == ["psycopg"]
