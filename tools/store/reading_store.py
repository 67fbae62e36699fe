"""Store of people's readings of texts and their marks of wrong statements.

A row counts from the day of the review on whose page it was said: in that review when it is run again, and in every later
one. So an earlier week that is run again reads what was known to it.
"""

from datetime import date

from domain.readings import ModelReading, PeoplesReadings, PersonsReading, TextsRead, WrongMark
from tools.store.review_store import ReviewStore
from tools.store.tables import UPSERT

TEXTS_READ = "texts_read"
"""Name under which a review stores the readings of a model that count in it."""


class ReadingStore:
    """Readings and marks of one store. Whoever writes also writes the audit entry, in the same transaction."""

    def __init__(self, store: ReviewStore) -> None:
        self._store = store
        self._database = store.database

    def save_reading(self, reading: PersonsReading, counts_from: date) -> None:
        """Save what a text means; a later choice about the same text replaces it."""
        row = {"text_id": reading.text_id, "counts_from": counts_from.isoformat()}
        with self._store.transaction():
            body = {"account_id": reading.account_id, "body": reading.model_dump_json()}
            self._database.execute(UPSERT["reading"], row | body)
            self._store.changed("readings", *row.values())

    def save_mark(self, mark: WrongMark, counts_from: date) -> None:
        """Save that a statement is wrong, or that it is not; the latest counts."""
        row = {"statement_id": mark.statement_id, "counts_from": counts_from.isoformat()}
        with self._store.transaction():
            body = {"account_id": mark.account_id, "body": mark.model_dump_json()}
            self._database.execute(UPSERT["wrong_mark"], row | body)
            self._store.changed("wrong_marks", *row.values())

    def read_by_model(self, as_of: date, besides: str = "") -> tuple[ModelReading, ...]:
        """Readings of a model that the latest review up to ``as_of`` had; ``besides`` is a review that is left out.

        Each review stores all that count in it, so that an earlier week that is run again reads what was known to it.
        """
        rows = self._database.rows(
            "select d.body from documents d join reviews r on r.review_id = d.review_id "
            "where d.kind = :kind and r.as_of <= :as_of and d.review_id <> :besides order by r.as_of desc limit 1",
            {"kind": TEXTS_READ, "as_of": as_of.isoformat(), "besides": besides},
        )
        return TextsRead.model_validate_json(rows[0]["body"]).readings if rows else ()

    def said_by(self, as_of: date, account_id: str | None = None) -> PeoplesReadings:
        """Readings and marks of people that count in a review of ``as_of``; of one account if given."""
        readings = {
            row["text_id"]: PersonsReading.model_validate_json(row["body"])
            for row in self._rows("readings", as_of, account_id)
        }
        marks = {
            row["statement_id"]: WrongMark.model_validate_json(row["body"])
            for row in self._rows("wrong_marks", as_of, account_id)
        }
        return PeoplesReadings(
            readings=tuple(readings[each] for each in sorted(readings) if readings[each].kind is not None),
            marks=tuple(marks[each] for each in sorted(marks) if marks[each].wrong),
        )

    def _rows(self, table: str, as_of: date, account_id: str | None) -> list[dict[str, str]]:
        only = " and account_id = :account_id" if account_id is not None else ""
        query = f"select * from {table} where counts_from <= :as_of{only} order by counts_from"
        return self._database.rows(query, {"as_of": as_of.isoformat(), "account_id": account_id})
