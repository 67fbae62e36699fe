"""A store in PostgreSQL with as few rights as the docs promise, after restarts of its server, and in messages to people."""

# ruff: noqa: F811  (fixtures are imported by name)

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.desk.store_pool import StorePool
from app.wiring import open_store
from domain.errors import InputError, SaveplayError, StoreError, UnknownReference
from tests.databases import LocalPostgres, new_user, run_sql
from tests.desk_in_process import InProcessDesk
from tests.e2e.commands import DONE, REFUSED, ROOT, WAITING, saveplay
from tests.e2e.shared_stores import FIRST_DAY, W47, shared_stores, team_data  # noqa: F401  fixtures

GRANTS = re.findall(r"^GRANT .*;$", (ROOT / "docs" / "scale.md").read_text(encoding="utf-8"), re.MULTILINE)
"""The statements of the docs, for a user called reviewer."""
END_ALL = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


@pytest.fixture
def made(postgres_url: str) -> str:
    """A store that its owner has opened once."""
    with open_store(postgres_url):
        pass
    return postgres_url


def grant(url: str, *statements: str) -> str:
    """A new user with these rights; the URL for that user."""
    user = new_user(url)
    for statement in statements:
        run_sql(url, statement.replace("reviewer", str(urlsplit(user).username)))
    return user


def test_the_grants_of_the_docs_are_enough_for_a_whole_review(made: str, team_data: Path, tmp_path: Path) -> None:
    assert len(GRANTS) == 2
    user = grant(made, *GRANTS)
    env = {"SAVEPLAY_CACHE": str(tmp_path / "cache")}
    asked = ["review", "--data", team_data, "--as-of", FIRST_DAY, "--out", tmp_path / "reviews", "--store", user]
    saveplay(*asked, env=env).check_exit(WAITING)
    saveplay("decide", W47, "--approve", "all", "--store", user, env=env).check_exit(DONE)
    saveplay("audit", "verify", "--store", user, env=env).check_exit(DONE)


@pytest.mark.parametrize("table", ["checkpoints", "checkpoint_writes", "actions", "snapshots"])
def test_a_right_that_is_missing_is_named_before_anything_is_stored(
    made: str,
    team_data: Path,
    tmp_path: Path,
    table: str,
) -> None:
    user = grant(made, *GRANTS, f"revoke insert on saveplay.{table} from reviewer")
    asked = ["review", "--data", team_data, "--as-of", FIRST_DAY, "--out", tmp_path / "reviews", "--approve", "all"]
    said = saveplay(*asked, "--store", user, env={"SAVEPLAY_CACHE": str(tmp_path / "cache")})
    assert f"permission denied for table {table}; docs/scale.md has the GRANT statements" in said.refusal
    assert said.code == REFUSED
    for each in ("reviews", "decisions", "audit"):
        assert run_sql(made, f"select count(*) from saveplay.{each}") == [(0,)]


def test_every_request_is_answered_after_the_server_started_anew(made: str) -> None:
    pool = StorePool(made)
    try:
        with pool.borrow() as one, pool.borrow() as two, pool.borrow() as three:
            for session in (one, two, three):
                session.store.log("", "Dana", "looked")
        run_sql(made, END_ALL)
        for _ in range(4):
            with pool.borrow() as session:
                session.store.log("", "Dana", "looked")
        assert run_sql(made, "select count(*) from saveplay.audit") == [(7,)]
    finally:
        pool.close()


def test_a_read_is_repeated_once_and_a_write_or_a_lock_is_not(made: str) -> None:
    with open_store(made) as session:
        run_sql(made, END_ALL)
        assert session.store.reviews() == []
        run_sql(made, END_ALL)
        with session.store.reading():
            assert session.store.reviews() == []
        run_sql(made, END_ALL)
        with pytest.raises(StoreError):
            session.store.log("", "Dana", "looked")
    with open_store(made) as session:
        session.lock_review(W47)
        run_sql(made, END_ALL)
        with pytest.raises(StoreError):
            session.store.reviews()


def test_what_pages_say_about_the_store_names_no_host_and_no_user(made: str, postgres: LocalPostgres) -> None:
    errors: list[SaveplayError] = []
    with open_store(made) as session:
        with pytest.raises(UnknownReference) as unknown:
            session.store.request("2026-W01")
        run_sql(made, END_ALL)
        with pytest.raises(StoreError) as lost:
            session.store.log("", "Dana", "looked")
        errors += [unknown.value, lost.value]
    for url in (postgres.url("nothing"), made.replace("postgres@", "nobody:s3cret-Pa55@"), grant(made)):
        with pytest.raises(InputError) as refused, open_store(url):
            pass
        errors.append(refused.value)
    for error in errors:
        assert "127.0.0.1" in str(error), "the command line names it"
        for private in ("127.0.0.1", "postgres", "nobody", "user_of", str(postgres.port)):
            assert private not in error.public_message


def test_a_desk_whose_database_is_gone_answers_without_its_address(made: str, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = InProcessDesk(made)  # type: ignore[arg-type]
    with inside.token_client(inside.member("leader")) as program:
        assert program.get("/api/v1/reviews").status_code == 200
        name = urlsplit(made).path[1:]
        inside.close()
        run_sql(postgres_of(made), f"alter database {name} rename to {name}_moved")
        answer = program.get("/api/v1/reviews")
    assert answer.status_code in (422, 503)
    for private in ("127.0.0.1", "postgres", name):
        assert private not in answer.text


def postgres_of(url: str) -> str:
    return url.rpartition("/")[0] + "/postgres"
