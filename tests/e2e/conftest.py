"""Shared stores of the end-to-end tests, and a time limit that is long enough for whole reviews."""

import pytest

from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    both_weeks,
    decided,
    first_week,
    meeting_wishes,
    overruled_decisions,
    restarted_review,
    shared_stores,
    team_data,
    team_first_week,
    team_second_week,
    waiting_review,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Raise the time limit: a test may wait for a shared store that another worker creates. A limit of a test's own stays."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix() and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(400))
