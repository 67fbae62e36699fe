"""The worlds that the end-to-end tests share, and enough patience for whole reviews."""

import pytest

from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    both_weeks,
    decided,
    desk,
    desk_first,
    desk_second,
    first_week,
    reborn,
    shelf,
    too_late,
    waiting,
    wanted,
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test may wait for a world that another worker is making."""
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.timeout(400))
