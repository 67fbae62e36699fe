"""Settings that hold for all tests: property tests draw the same examples in every run and leave no files behind."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

from tests.builders import ScoredPortfolio, score_folder
from tests.databases import postgres, postgres_url, shared_store_location, store_location  # noqa: F401  fixtures
from tests.e2e.commands import CONFIGURATION_HOME
from tests.read_responses import unread_responses

CALLER_SETTINGS = ("SAVEPLAY_MODEL", "SAVEPLAY_FAST", "SAVEPLAY_STORE", "SAVEPLAY_CACHE", "OPENAI_", "PG")
for name in [n for n in os.environ if n.startswith(CALLER_SETTINGS)]:
    del os.environ[name]  # the developer who runs the tests may have a model, a store and a database of their own

os.environ["XDG_CONFIG_HOME"] = CONFIGURATION_HOME  # nor does a test leave keys of audit logs with the developer

set_hypothesis_home_dir(Path(tempfile.gettempdir()) / "saveplay-hypothesis")
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def example() -> ScoredPortfolio:
    """The example portfolio, read from its files and scored without a history."""
    return score_folder(Path(__file__).parents[1] / "examples" / "portfolio")


@pytest.fixture(autouse=True)
def _responses_are_read() -> Iterator[None]:
    """Fail a test that sends a request to the desk and does not look at the answer."""
    yield
    unread = unread_responses()
    assert not unread, f"nobody read the answer to {'; '.join(unread)}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need a database server: `make servers` runs them, so that `make test` stays short."""
    for item in items:
        if "postgres" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.servers)
