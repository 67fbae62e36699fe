"""Settings that hold for all tests: property tests draw the same examples in every run and leave no files behind."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

from tests.builders import Scored, score_folder

for name in [n for n in os.environ if n.startswith(("SAVEPLAY_MODEL", "SAVEPLAY_FAST", "SAVEPLAY_STORE", "OPENAI_"))]:
    del os.environ[name]  # whoever runs the tests may have a model and a store of their own

settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def example() -> Scored:
    """The example portfolio, read from its files and scored without a history."""
    return score_folder(Path(__file__).parents[1] / "examples" / "portfolio")
