"""Settings that hold for all tests: property tests draw the same examples in every run and leave no files behind."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.builders import Scored, score_folder

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def example() -> Scored:
    """The example portfolio, read from its files and scored without a history."""
    return score_folder(Path(__file__).parents[1] / "examples" / "portfolio")
