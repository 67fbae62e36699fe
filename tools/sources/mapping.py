"""``mapping.yaml``: the names and formats of a team's export, in the terms of the data model. Unknown keys are errors."""

import re
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from domain.days import PlausibleDay
from domain.errors import ConfigurationError
from domain.own_signals import OWN, OWN_ACCOUNTS
from domain.record import Record
from domain.tables import TABLES, Column, Table
from tools.yaml_file import read_record

FILE_NAME = "mapping.yaml"
DateOrder = Literal["iso", "day_first", "month_first"]
Decimals = Literal["point", "comma"]
Unit = Literal["minor", "stripe", "epoch_ms", "epoch_s", "percent", "five", "good_bad", "freshdesk"]
Repeats = Literal["add", "count_distinct", "refuse"]
DatedBy = Literal["day", "first_day_of_week", "last_day_of_week"]
MINOR_UNITS = ("minor", "stripe")
"""Amounts in minor units: as ISO 4217 counts them, and as Stripe does."""

_DATE_UNITS = ("epoch_ms", "epoch_s")
_CSAT_UNITS = ("percent", "five", "good_bad", "freshdesk")
CSAT_COLUMNS = {("tickets", "csat"), ("surveys", "score")}
# Times of the last edit in CRM exports, as name_key() writes them. Such a date moves whenever somebody touches a record,
# and would make an old event look new.
EDIT_TIME_COLUMNS = {
    "lastmodifieddate",
    "lastmodified",
    "lastmodifiedat",
    "lastmodifieddatetime",
    "hslastmodifieddate",
    "systemmodstamp",
    "modifiedat",
    "modifieddate",
    "modifiedon",
    "dateupdated",
    "updatedat",
    "updateddate",
    "updatedon",
    "lastupdated",
}


def _scalar_text(value: object) -> object:
    """A scalar as text. YAML reads ``yes``, ``1`` and ``2026-11-22`` as values, and an export has only texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float | date) else value


def _constant_text(value: object) -> object:
    """The text of a constant; one that is left empty says that nobody knows."""
    return "" if value is None else _scalar_text(value)


ScalarText = Annotated[str, BeforeValidator(_scalar_text), Field(min_length=1)]
ConstantText = Annotated[str, BeforeValidator(_constant_text)]


MAY_BE_UNKNOWN = ("renewal_date", "due_date", "arr")
"""Columns that a source must have and whose cells may be empty: a card that is charged at once has no due date."""


def is_unknown(constant: str) -> bool:
    """True for a constant that says that the team does not have the value."""
    return constant.strip().lower() in ("", "unknown")


class MappingRecord(Record):
    """A part of mapping.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class RenewalMapping(MappingRecord):
    """The source of the renewal date when it is on opportunities instead of on the account."""

    source: ScalarText = Field(alias="from")
    account: ScalarText
    date: ScalarText
    closed: ScalarText | None = None
    type: ScalarText | None = None
    renewal_type: ScalarText | None = None


class TableMapping(MappingRecord):
    """One table: its source, its columns, and the meaning of its values. Keys are columns of the data model."""

    source: ScalarText | None = Field(default=None, alias="from")
    exported_on: PlausibleDay | None = None
    columns: dict[str, ScalarText] = Field(default_factory=dict)
    fallbacks: dict[str, ScalarText] = Field(default_factory=dict)
    """By date column: another column of the source, which is read where the cell of the first is empty."""
    constants: dict[str, ConstantText] = Field(default_factory=dict)
    """By column: the same value in every row; empty or ``unknown`` where the team does not have it."""
    values: dict[str, dict[ScalarText, ScalarText]] = Field(default_factory=dict)
    units: dict[str, Unit] = Field(default_factory=dict)
    date_order: DateOrder | None = None
    decimal: Decimals | None = None
    renewals: RenewalMapping | None = None
    no_row: Literal["unknown", "zero"] = "unknown"
    """For usage: the meaning of a day without a row, from an account's first row to the newest day of the table."""
    when_unreadable: Literal["stop", "not_connected"] = "stop"
    """Answer when more of its rows are left out than ``left_out_limits`` in scoring.yaml allows."""
    repeats: Repeats | None = None
    """Usage: the meaning of several rows for an account and day."""
    user_id: ScalarText | None = None
    """Usage: the column with the user of a row, for ``repeats: count_distinct``."""
    dated_by: DatedBy | None = None
    """Usage: the day that a row is dated by."""


class SourceMapping(MappingRecord):
    """The whole file. An absent file is an empty mapping."""

    date_order: DateOrder | None = None
    decimal: Decimals | None = None
    tables: dict[str, TableMapping] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_tables(self) -> "SourceMapping":
        for name, mapped in self.tables.items():
            if name.startswith(OWN):
                continue  # checked by ``of``, which knows what the configuration reads of it
            if name not in TABLES:
                raise ValueError(f"tables.{name}: no such table; the tables are {', '.join(TABLES)}")
            _check_table(TABLES[name], mapped)
        return self

    def table(self, name: str) -> TableMapping:
        """The mapping of one table with the defaults of the file filled in."""
        mapped = self.tables.get(name, TableMapping())
        update = {"date_order": mapped.date_order or self.date_order, "decimal": mapped.decimal or self.decimal}
        return mapped.model_copy(update=update)

    def of(self, table: Table) -> TableMapping:
        """The mapping of one table, for a table of the team's own with what scoring.yaml says about its columns.

        Raises ConfigurationError for a key that does not fit such a table.
        """
        mapped = self.table(table.name)
        if not table.name.startswith(OWN):
            return mapped
        try:
            _check_table(table, mapped)
        except ValueError as error:
            raise ConfigurationError(f"{FILE_NAME}: {error}") from None
        if table.name == OWN_ACCOUNTS:
            mapped = _beside_accounts(mapped, self.table("accounts"))
        words = {column.name: dict(column.words) for column in table.columns if column.words}
        return mapped.model_copy(update={"values": {**words, **mapped.values}})


def _beside_accounts(mapped: TableMapping, accounts: TableMapping) -> TableMapping:
    """Own columns of the accounts stand in the file of the accounts, whose formats they share."""
    key = {name: column for name, column in accounts.columns.items() if name == "account_id"}
    return mapped.model_copy(
        update={
            "source": accounts.source,
            "columns": {**key, **mapped.columns},
            "exported_on": mapped.exported_on or accounts.exported_on,
            "date_order": mapped.date_order or accounts.date_order,
            "decimal": mapped.decimal or accounts.decimal,
        }
    )


def _check_table(table: Table, mapped: TableMapping) -> None:
    columns = {column.name: column for column in table.columns}
    for part in ("columns", "fallbacks", "constants", "values", "units"):
        for name in getattr(mapped, part):
            if name not in columns:
                raise ValueError(
                    f"tables.{table.name}.{part}.{name}: no such column; {table.name} has {', '.join(columns)}"
                )
    for name, constant in mapped.constants.items():
        if is_unknown(constant) and columns[name].required and name not in MAY_BE_UNKNOWN:
            raise ValueError(f"tables.{table.name}.constants.{name}: {table.name} cannot be read without a value")
        if name in mapped.columns:
            raise ValueError(f"tables.{table.name}.constants.{name}: also under columns; keep one of the two")
    for name in mapped.fallbacks:
        if columns[name].kind != "date":
            raise ValueError(f"tables.{table.name}.fallbacks.{name}: only a date can be taken from another column")
    for name, source_column in [*mapped.columns.items(), *mapped.fallbacks.items()]:
        if columns[name].kind == "date" and name_key(source_column) in EDIT_TIME_COLUMNS:
            raise ValueError(
                f"tables.{table.name}.columns.{name}: {source_column} is when the record was last edited, not when something "
                "happened with the customer; map the date of the event itself"
            )
    for name, unit in mapped.units.items():
        _check_unit(table, columns[name], unit)
    for name, values in mapped.values.items():
        _check_values(table, columns[name], values)
    _check_usage_keys(table, mapped)
    if mapped.when_unreadable == "not_connected" and table.name == "accounts":
        raise ValueError("tables.accounts.when_unreadable: without accounts there is no review; leave it out")
    if mapped.renewals and table.name != "accounts":
        raise ValueError(f"tables.{table.name}.renewals: only accounts take renewals")
    if mapped.renewals and ("renewal_date" in mapped.columns or "renewal_date" in mapped.constants):
        raise ValueError("tables.accounts.renewals: renewal_date is mapped as well; keep one of the two")


def _check_usage_keys(table: Table, mapped: TableMapping) -> None:
    if mapped.no_row == "zero" and table.name != "usage":
        raise ValueError(f"tables.{table.name}.no_row: only usage has days without a row")
    for key in ("repeats", "user_id", "dated_by"):
        if getattr(mapped, key) is not None and table.name != "usage":
            raise ValueError(f"tables.{table.name}.{key}: only usage has it")
    if (mapped.repeats == "count_distinct") != (mapped.user_id is not None):
        raise ValueError(
            "tables.usage.repeats: count_distinct and user_id, the column with the user of a row, go together"
        )


def _check_unit(table: Table, column: Column, unit: str) -> None:
    fits = {
        **dict.fromkeys(MINOR_UNITS, column.kind == "money"),
        **dict.fromkeys(_DATE_UNITS, column.kind == "date"),
        **dict.fromkeys(_CSAT_UNITS, (table.name, column.name) in CSAT_COLUMNS),
    }
    if not fits[unit]:
        raise ValueError(f"tables.{table.name}.units.{column.name}: {unit} does not fit this column")


def _check_values(table: Table, column: Column, values: dict[str, str]) -> None:
    where = f"tables.{table.name}.values.{column.name}"
    if column.kind == "number":
        _check_numbers(where, values)
    elif column.kind not in ("choice", "text", "flag"):
        raise ValueError(f"{where}: only choices, flags, texts, scores and other plain numbers can be translated")
    allowed = ("true", "false") if column.kind == "flag" else column.choices
    for word, meaning in values.items():
        if allowed and meaning not in allowed:
            raise ValueError(f"{where}.{word}: {meaning} is not one of {', '.join(allowed)}")


def _check_numbers(where: str, values: dict[str, str]) -> None:
    for word, meaning in values.items():
        if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", meaning):
            raise ValueError(f"{where}.{word}: {meaning} is not a number")


def name_key(name: str) -> str:
    """A column name for comparison: without case, spaces, underscores and hyphens."""
    return "".join(character for character in name.casefold() if character not in " _-\t\u00a0")


def read_mapping(path: Path) -> SourceMapping:
    """The mapping in ``path``, or the empty one if there is no such file. Raises ConfigurationError."""
    if not path.exists() and not path.is_symlink():
        return SourceMapping()
    return read_record(path, SourceMapping, ConfigurationError)
