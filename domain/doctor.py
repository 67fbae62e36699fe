"""Result of `saveplay doctor`: one check for each part of an installation."""

from typing import Literal

from domain.record import Record


class Check(Record):
    """One part that was checked."""

    part: Literal[
        "store", "rights", "disk", "history", "checkpoints", "audit", "audit key", "configuration", "model", "data"
    ]
    is_fine: bool
    found: str
    """The finding, in one sentence."""
    mend: str = ""
    """The next step; empty when all is fine."""


class DoctorReport(Record):
    """All checks, in the order in which they were made."""

    checks: tuple[Check, ...]

    @property
    def is_fine(self) -> bool:
        """True if nothing needs a person."""
        return all(check.is_fine for check in self.checks)
