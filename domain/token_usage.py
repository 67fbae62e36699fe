"""Tokens that a model read and wrote."""

from domain.record import Record


class TokenUsage(Record):
    """Tokens read and written, and number of calls."""

    read: int = 0
    written: int = 0
    calls: int = 0

    @property
    def total(self) -> int:
        """Tokens read and written."""
        return self.read + self.written

    def __add__(self, other: "TokenUsage") -> "TokenUsage":
        return TokenUsage(
            read=self.read + other.read, written=self.written + other.written, calls=self.calls + other.calls
        )
