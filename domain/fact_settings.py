"""Typed content of ``configs/facts.yaml``: how many facts are shown, and when several accounts report the same thing.

Units and reasons of the numbers are in the YAML file.
"""

import re
from collections.abc import Iterable
from typing import Self

from pydantic import model_validator

from domain.record import Record
from domain.setting import Count, Days, Factor, Quantity, Share, SomeCount, SomeDays


def _check_expressions(patterns: Iterable[str]) -> None:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None


class TicketFactSettings(Record):
    """Which tickets are facts."""

    per_account: Count
    closed_within: Days


class QuotationSettings(Record):
    """Which sentences are quoted, and how their speaker and tone are found."""

    per_account: Count
    good_per_account: Count
    longest: Quantity
    window: SomeDays
    decisive: tuple[str, ...]
    """Kinds of statements, the most decisive first; other kinds follow."""
    good_kinds: tuple[str, ...]
    """Kinds of statements that are good news."""
    promise_kinds: tuple[str, ...]
    """Kinds of statements in which we promise something."""
    low_pulse: SomeCount
    trouble: tuple[str, ...]
    praise: tuple[str, ...]
    addressed: tuple[str, ...]
    """Words before a name that make the person the listener and not the speaker."""
    speaking: tuple[str, ...]
    """Words after a name that make the person the speaker."""

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions((*self.trouble, *self.praise, *self.addressed, *self.speaking))
        return self


class PeopleSettings(Record):
    """Which people are facts, and who waits for us."""

    per_account: Count
    answered_within: Days
    waiting_from: Days
    waiting_until: SomeDays
    new_roles: tuple[str, ...]
    """Expressions for people whom a text names by their new role."""
    not_new: tuple[str, ...]
    """Words before a role that take the news back."""

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions((*self.new_roles, *self.not_new))
        return self


class MeetingSettings(Record):
    """Which meetings are facts."""

    missed_within: Days
    missed_per_account: Count


class MoneySettings(Record):
    """Which invoices are facts."""

    invoices_per_account: Count
    due_within: Days
    paid_late_within: Days
    paid_late_by: Days


class GoalSettings(Record):
    """Limits of the goals that are facts."""

    per_account: Count


class UsageFactSettings(Record):
    """Limits for finding a fall of usage and its end."""

    weeks: SomeCount
    moved: Share
    steady: Share
    drift: Share
    steady_weeks: SomeCount


class PromiseSettings(Record):
    """Limits of the promises that are facts."""

    per_account: Count


class UnreadSettings(Record):
    """Which texts stand under "new since last week, please read"."""

    per_account: Count
    longest: Quantity


class WordThresholds(Record):
    """When a word is reported by so many accounts that it is no chance."""

    accounts: SomeCount
    lift: Factor
    serious: Share
    """Share of the tickets that are urgent, escalated or late."""


class IncidentSettings(Record):
    """When several accounts report the same thing in the same weeks."""

    window: SomeDays
    earlier: SomeDays
    within: SomeDays
    codes: WordThresholds
    phrases: WordThresholds
    companions: WordThresholds
    shared_accounts: SomeCount
    phrase_share: Share
    words_shown: SomeCount
    reports_shown: SomeCount
    most: SomeCount
    code: str
    """Expression for codes and version numbers, in the embedded engine's syntax (RE2)."""
    version_context: str
    """Words that make a number with a point a version."""
    all_well: str
    """Expression: a sentence that matches reports nothing."""
    stop_words: tuple[str, ...]
    owner_role: str
    """Role of ours that owns an incident, where one person holds it."""

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions((self.code, self.version_context, self.all_well))
        return self


class FactSettings(Record):
    """``configs/facts.yaml``: facts of record and incidents."""

    tickets: TicketFactSettings
    quotations: QuotationSettings
    people: PeopleSettings
    meetings: MeetingSettings
    money: MoneySettings
    goals: GoalSettings
    usage: UsageFactSettings
    promises: PromiseSettings
    unread: UnreadSettings
    incidents: IncidentSettings
