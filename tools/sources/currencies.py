"""Currencies: the currency of an amount, minor units, and the amount in the home currency."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from domain.errors import ConfigurationError, DataError
from tools.sources import words
from tools.sources.staging_table import AMOUNT_COLUMNS, StagingTable
from tools.sql import sql_identifier, sql_string, sql_strings

_CODE = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True)
class CurrencyRates:
    """The home currency, and for every other one the home-currency units for 1 unit of it.

    Raises ConfigurationError for a rate that is not above 0 and below 1e9.
    """

    home_currency: str
    rates: Mapping[str, float]

    def __post_init__(self) -> None:
        for code, rate in self._rates.items():
            if not 0 < rate < 1e9:
                raise ConfigurationError(
                    f"configs/scoring.yaml: money.rates.{code}: {rate} is not a rate above zero. Give the home-currency units for 1 {code}."
                )

    @property
    def home(self) -> str:
        """The code of the home currency."""
        return self.home_currency.strip().upper()

    @property
    def _rates(self) -> dict[str, float]:
        return {code.strip().upper(): rate for code, rate in self.rates.items()} | {self.home: 1.0}

    def rate_sql(self, currency: str) -> str:
        """The rate of a currency, as an expression that every engine reads; NULL for one that has no rate."""
        # A decimal, not a double: the same amount in the home currency on every engine, to the last cent.
        whens = " ".join(
            f"WHEN {sql_string(code)} THEN CAST({Decimal(str(float(rate))):.10f} AS DECIMAL(20,10))"
            for code, rate in sorted(self._rates.items())
        )
        return f"CASE {currency} {whens} END"

    def home_amount(self, amount: str, currency: str) -> str:
        """An amount in the home currency, DECIMAL(18,2); NULL where there is no rate."""
        own = f"CAST({amount} AS DECIMAL(18,2))"
        converted = f"CAST({own} * {self.rate_sql(currency)} AS DECIMAL(18,2))"
        return f"CASE WHEN {currency} = {sql_string(self.home)} THEN {own} ELSE {converted} END"


def row_currency(table: str, rates: CurrencyRates) -> str:
    """The currency of a row of the staging table ``s``; that of its account ``a`` where the row has none."""
    if table == "accounts":
        return f"coalesce(upper(s.currency), {sql_string(rates.home)})"
    return "coalesce(upper(s.currency), a.currency)" if table == "invoices" else "a.currency"


def in_major_units(cell: str, currency: str, unit: str = "minor") -> str:
    """An amount in minor units (cents) as major units. The currency decides: 100 to 1, 1 to 1 (JPY) or 1000 to 1 (KWD).

    ``unit`` is ``minor`` (ISO 4217) or ``stripe``, which differ in a few currencies.
    """
    none = sql_strings(words.NO_MINOR_UNIT[unit])
    thousand = sql_strings(words.THOUSAND_MINOR_UNITS)
    factor = f"CASE WHEN {currency} IN ({none}) THEN 1.000 WHEN {currency} IN ({thousand}) THEN 0.001 ELSE 0.010 END"
    return f"CAST({cell} * CAST({factor} AS DECIMAL(4,3)) AS DECIMAL(18,2))"


def refuse_unknown_currency(
    connection: duckdb.DuckDBPyConnection, staging: StagingTable, rates: CurrencyRates, currency: str, joins: str
) -> None:
    """Raise DataError for a kept row whose currency has no rate: a sum without it would be wrong, and nobody would see it."""
    row = connection.execute(
        f"SELECT {currency}, s.row_no FROM {staging.name} s {joins}"
        f" WHERE {rates.rate_sql(currency)} IS NULL AND {staging.kept_condition} ORDER BY s.row_no LIMIT 1"
    ).fetchone()
    if row is None:
        return
    code = str(row[0])
    todo = f"Add it to configs/scoring.yaml: money.rates.{code} (home-currency units for 1 {code})"
    if not _CODE.fullmatch(code):
        todo = "Write it as a three-letter code such as EUR"
    raise DataError(f"{staging.raw_table.location} row {row[1]}: there is no rate for the currency {code}. {todo}.")


def report_minor_units(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Add a notice where an amount in minor units is in a currency that ISO 4217 and Stripe count in different ones."""
    price = AMOUNT_COLUMNS[staging.table.name]
    if staging.mapped.units.get(price) != "minor":
        return
    differ = sorted(set(words.NO_MINOR_UNIT["minor"]) ^ set(words.NO_MINOR_UNIT["stripe"]))
    rows = connection.execute(
        f"SELECT currency, count(*) FROM {sql_identifier(staging.table.name)} WHERE currency IN ({sql_strings(differ)})"
        " GROUP BY 1 ORDER BY 1"
    ).fetchall()
    staging.notices += [
        f"{price}: {count} rows in {code} read in the minor units of ISO 4217; if they come from Stripe, which counts {code}"
        f" in other ones, say units: {{{price}: stripe}}."
        for code, count in rows
    ]


def report_dollar_signs(connection: duckdb.DuckDBPyConnection, staging: StagingTable) -> None:
    """Add a notice where amounts are written with a bare $ and the currency of their row is not a dollar."""
    price = AMOUNT_COLUMNS[staging.table.name]
    if price not in staging.columns.position or staging.formats[price].typed:
        return
    dollars = sql_strings(words.DOLLARS)
    row = connection.execute(
        f"SELECT count(*) FROM {sql_identifier(staging.table.name)} t JOIN {staging.raw_table.relation} r USING (row_no)"
        f" WHERE contains({staging.raw_table.text(staging.columns.position[price])}, '$') AND t.currency NOT IN ({dollars})"
    ).fetchone()
    if row and row[0]:
        staging.notices.append(
            f"{price}: {row[0]} amounts are written with $ and counted in the currency of their row,"
            " which is no dollar; map the currency column if that is wrong."
        )
