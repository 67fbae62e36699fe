"""The eleven input tables and their columns: the form into which every export is brought.

Only ``accounts`` is required. An absent table is "not connected": its signals are unknown, never zero.
"""

from dataclasses import dataclass
from typing import Literal, get_args

Role = Literal["csm", "cs_manager", "exec_sponsor", "support_lead", "product", "billing"]
"""Roles of our own people."""
ColumnKind = Literal["id", "text", "number", "money", "integer", "date", "flag", "choice"]


@dataclass(frozen=True)
class Column:
    """One column. A ``choice`` column allows only ``choices``; another value becomes unknown, or, if required, drops the row."""

    name: str
    kind: ColumnKind
    required: bool = False
    choices: tuple[str, ...] = ()
    missed: bool = True
    """False for a column whose absence costs nothing: it is then no gap in the data."""
    header: str = ""
    """The name that the data has for it, where that is not ``name``: a column of a team's own."""
    words: tuple[tuple[str, str], ...] = ()
    """Words of such a column and the number that each stands for."""


@dataclass(frozen=True)
class Table:
    """One input table.

    ``key`` is the column whose values must be unique. ``date_column`` limits rows to the look-back; rows dated after the review
    are left out. ``freshness_columns`` are the date columns whose latest value is the age of the source.
    """

    name: str
    columns: tuple[Column, ...]
    key: str | None = None
    date_column: str | None = None
    freshness_columns: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the columns without which the table cannot be read."""
        return tuple(column.name for column in self.columns if column.required)


def _id(name: str, required: bool = False) -> Column:
    return Column(name, "id", required)


def _date(name: str, required: bool = False) -> Column:
    return Column(name, "date", required)


def _choice(name: str, *choices: str, required: bool = False) -> Column:
    return Column(name, "choice", required, choices)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "accounts",
            (
                _id("account_id", True),
                Column("name", "text", True),
                Column("arr", "money", True),
                Column("currency", "text"),
                _date("renewal_date", True),
                Column("segment", "text"),
                _id("csm_id"),
                _id("exec_sponsor_id"),
                _choice("lifecycle_stage", "onboarding", "live", "offboarding"),
                _date("started_on"),
                Column("seats", "integer"),
                _id("parent_account_id"),
                Column("auto_renews", "flag", missed=False),
                Column("term_months", "integer", missed=False),
            ),
            key="account_id",
        ),
        Table(
            "people",
            (
                _id("person_id", True),
                Column("name", "text", True),
                Column("email", "text"),
                _choice("role", *get_args(Role), required=True),
                _id("manager_id"),
                Column("weekly_hours", "number"),
            ),
            key="person_id",
        ),
        Table(
            "usage",
            (
                _id("account_id", True),
                _date("date", True),
                Column("active_users", "number"),
                Column("logins", "number"),
                Column("core_actions", "number"),
                Column("features_used", "number"),
            ),
            date_column="date",
            freshness_columns=("date",),
        ),
        Table(
            "tickets",
            (
                _id("ticket_id", True),
                _id("account_id", True),
                _date("opened_at", True),
                _date("closed_at"),
                _choice("status", "open", "closed"),
                _choice("priority", "low", "normal", "high", "urgent"),
                Column("escalated", "flag"),
                Column("sla_breached", "flag"),
                Column("csat", "number"),
                Column("subject", "text"),
                Column("body", "text"),
            ),
            key="ticket_id",
            date_column="opened_at",
            freshness_columns=("opened_at", "closed_at"),
        ),
        Table(
            "invoices",
            (
                _id("invoice_id", True),
                _id("account_id", True),
                _date("due_date", True),
                Column("amount", "money", True),
                Column("currency", "text"),
                _choice("status", "open", "paid", "failed", "void"),
                _date("paid_on"),
            ),
            key="invoice_id",
            freshness_columns=("due_date", "paid_on"),
        ),
        Table(
            "surveys",
            (
                _id("account_id", True),
                _date("date", True),
                _choice("kind", "nps", "csat", required=True),
                Column("score", "number", True),
                Column("comment", "text"),
                _id("contact_id"),
            ),
            date_column="date",
            freshness_columns=("date",),
        ),
        Table(
            "contacts",
            (
                _id("contact_id", True),
                _id("account_id", True),
                Column("name", "text", True),
                Column("title", "text"),
                _choice("role", "champion", "economic_buyer", "exec_sponsor", "user"),
                _choice("status", "active", "departed"),
                _date("departed_on"),
                Column("email", "text"),
            ),
            key="contact_id",
        ),
        Table(
            "touchpoints",
            (
                _id("account_id", True),
                _date("date", True),
                _choice("kind", "exec_meeting", "qbr", "call", "email", "training", required=True),
                Column("outbound", "flag"),
                Column("attended", "flag"),
                _date("responded_at"),
                _id("contact_id"),
                _id("person_id"),
            ),
            date_column="date",
            freshness_columns=("date", "responded_at"),
        ),
        Table(
            "goals",
            (
                _id("account_id", True),
                Column("goal", "text", True),
                _date("due_date"),
                _choice("status", "met", "on_track", "behind", "missed"),
            ),
        ),
        Table(
            "notes",
            (
                _id("account_id", True),
                _date("date", True),
                Column("text", "text", True),
                Column("author", "text"),
                Column("pulse", "number"),
            ),
            date_column="date",
            freshness_columns=("date",),
        ),
        Table(
            "outcomes",
            (
                _id("account_id", True),
                _date("date", True),
                _choice("kind", "renewed", "churned", "contracted", "expanded", required=True),
                Column("arr_change", "money"),
            ),
            date_column="date",
            freshness_columns=("date",),
        ),
    )
}
