"""Pages of a list, with the number of rows that are left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypedDict, TypeVar

T = TypeVar("T")


class Counts(TypedDict):
    """The fields of a listing."""

    total: int
    left_out: int
    next_page: int | None


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page."""

    rows: Sequence[T]
    counts: Counts


def page_of(rows: Sequence[T], page: int, size: int) -> Page[T]:
    """A page of ``size`` rows, from 1; one after the last is empty."""
    shown = rows[(page - 1) * size : page * size]
    is_last = page * size >= len(rows)
    return Page(
        shown, Counts(total=len(rows), left_out=len(rows) - len(shown), next_page=None if is_last else page + 1)
    )
