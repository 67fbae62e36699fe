"""A new engine says which SQL dialect it speaks, and what is not described for it is said before anything is sent."""

from collections.abc import Sequence

import duckdb
import pytest

from domain.errors import InputError
from tools.sources.dialects import COLUMN_TYPES, require_dialect
from tools.sources.servers import SERVERS, open_server


class MariaServer:
    """An engine that somebody has begun to add: it connects, and nothing is said about its dialect yet."""

    dialect = "mysql"
    connected = False

    def __init__(self, url: str) -> None:
        type(self).connected = True
        self.rows_fetched = 0

    def tables(self) -> dict[str, list[tuple[str, str]]]:
        return {}

    def table_sql(self, table: str) -> str:
        return table

    def fetch(
        self, sql: str, connection: duckdb.DuckDBPyConnection, name: str, columns: Sequence[tuple[str, str]]
    ) -> None:
        raise AssertionError("nothing is sent to it")

    def close(self) -> None:
        pass


class AuroraServer(MariaServer):
    """Made from another engine, without a dialect of its own."""


def test_an_engine_whose_dialect_is_not_described_is_refused_before_it_connects() -> None:
    with pytest.raises(InputError) as refused:
        open_server("maria://host/base", {**SERVERS, "maria": MariaServer})
    assert str(refused.value) == (
        "MariaServer speaks the SQL dialect 'mysql', which is not described: add an entry for 'mysql' to COLUMN_TYPES in"
        " tools/sources/dialects.py."
    )
    assert not MariaServer.connected


def test_an_engine_does_not_inherit_the_dialect_of_another() -> None:
    with pytest.raises(InputError, match="AuroraServer does not say which SQL dialect it speaks: set `dialect`"):
        open_server("aurora://host/base", {"aurora": AuroraServer})


@pytest.mark.parametrize("scheme", SERVERS)
def test_the_dialects_of_the_engines_that_we_have_are_described(scheme: str) -> None:
    server = SERVERS[scheme]
    require_dialect(scheme, vars(server)["dialect"])
    assert vars(server)["dialect"] in COLUMN_TYPES
