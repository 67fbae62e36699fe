"""The small relational store: reviews, phase results, decisions, actions, progress, overrides, the audit log.

Every write is an upsert by a business key, so that doing it twice is doing it once. Times come from the caller's clock
and stay in the audit log; nothing that is decided or drafted depends on them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from domain.decisions import Decisions
from domain.errors import UnknownReference
from domain.model import Record
from domain.review import Action, Override

R = TypeVar("R", bound=Record)

_schema = sa.MetaData()
_reviews = sa.Table(
    "reviews",
    _schema,
    sa.Column("review_id", sa.String, primary_key=True),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("run", sa.Integer, nullable=False),
)
_documents = sa.Table(
    "documents",
    _schema,
    sa.Column("review_id", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
_decisions = sa.Table(
    "decisions",
    _schema,
    sa.Column("review_id", sa.String, primary_key=True),
    sa.Column("gate", sa.String, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
_actions = sa.Table(
    "actions",
    _schema,
    sa.Column("action_id", sa.String, primary_key=True),
    sa.Column("approved_in", sa.String, primary_key=True, index=True),
    sa.Column("review_id", sa.String, nullable=False),
    sa.Column("approved_on", sa.Date, nullable=False),
    sa.Column("account_id", sa.String, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
_progress = sa.Table(
    "progress",
    _schema,
    sa.Column("action_id", sa.String, primary_key=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("on_day", sa.Date),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
_overrides = sa.Table(
    "overrides",
    _schema,
    sa.Column("account_id", sa.String, primary_key=True),
    sa.Column("set_on", sa.Date, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)
_audit = sa.Table(
    "audit",
    _schema,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("review_id", sa.String, nullable=False),
    sa.Column("who", sa.String, nullable=False),
    sa.Column("what", sa.String, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)


class Store:
    """One store, on SQLite in a folder (or any database that SQLAlchemy reaches by URL)."""

    def __init__(self, folder: Path, clock: Callable[[], str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._clock = clock
        self._engine = sa.create_engine(f"sqlite:///{folder / 'saveplay.db'}", connect_args={"timeout": 30})
        sa.event.listen(self._engine, "connect", _durable)
        _schema.create_all(self._engine)

    @contextmanager
    def _write(self) -> Iterator[sa.Connection]:
        with self._engine.begin() as connection:
            yield connection

    def _upsert(self, connection: sa.Connection, table: sa.Table, **row: Any) -> None:
        make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        keys = [column.name for column in table.primary_key]
        statement = make(table).values(**row)
        rest = {name: statement.excluded[name] for name in row if name not in keys}
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest))

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # reviews ---------------------------------------------------------------------------------------------------------

    def start(self, review_id: str, as_of: date, request: dict[str, Any]) -> int:
        """Begin the week anew: what an earlier run of the same week left is replaced. Returns the run's number."""
        with self._write() as connection:
            last = connection.execute(sa.select(_reviews.c.run).where(_reviews.c.review_id == review_id)).scalar()
            for table in (_documents, _decisions):
                connection.execute(sa.delete(table).where(table.c.review_id == review_id))
            connection.execute(sa.delete(_actions).where(_actions.c.approved_in == review_id))
            run = (last or 0) + 1
            body = json.dumps(request, sort_keys=True)
            self._upsert(connection, _reviews, review_id=review_id, as_of=as_of, request=body, state="running", run=run)
        return run

    def request(self, review_id: str) -> tuple[dict[str, Any], str, int]:
        """What was asked for, the state, and the run's number. Raises UnknownReference."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(_reviews).where(_reviews.c.review_id == review_id)).one_or_none()
            known = (
                connection.execute(sa.select(_reviews.c.review_id).order_by(_reviews.c.as_of.desc())).scalars().all()
            )
        if row is None:
            there = f"known: {', '.join(known[:5])}" if known else "no review has been run in this store yet"
            raise UnknownReference(f"no review {review_id!r} in {self.folder.name}/; {there}")
        return json.loads(row.request), row.state, row.run

    def set_state(self, review_id: str, state: str) -> None:
        """Remember how far the review is."""
        with self._write() as connection:
            connection.execute(sa.update(_reviews).where(_reviews.c.review_id == review_id).values(state=state))

    def reviews(self) -> list[tuple[str, date, str]]:
        """Id, date and state of every review, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(_reviews).order_by(_reviews.c.as_of)).all()
        return [(row.review_id, row.as_of, row.state) for row in rows]

    # phase results ---------------------------------------------------------------------------------------------------

    def put(self, review_id: str, kind: str, record: Record) -> None:
        """Keep the result of a phase."""
        with self._write() as connection:
            self._upsert(connection, _documents, review_id=review_id, kind=kind, body=record.model_dump_json())

    def get(self, review_id: str, kind: str, model: type[R]) -> R:
        """The result of a phase. Raises UnknownReference when the phase has not finished."""
        found = self.find(review_id, kind, model)
        if found is None:
            raise UnknownReference(f"{review_id} has no {kind} yet; run `saveplay resume {review_id}`")
        return found

    def find(self, review_id: str, kind: str, model: type[R]) -> R | None:
        """The result of a phase, or None."""
        with self._engine.connect() as connection:
            wanted = (_documents.c.review_id == review_id) & (_documents.c.kind == kind)
            body = connection.execute(sa.select(_documents.c.body).where(wanted)).scalar()
        return model.model_validate_json(body) if body is not None else None

    def has(self, review_id: str, kind: str) -> bool:
        """Whether a phase has finished."""
        with self._engine.connect() as connection:
            wanted = (_documents.c.review_id == review_id) & (_documents.c.kind == kind)
            return connection.execute(sa.select(_documents.c.kind).where(wanted)).scalar() is not None

    # decisions -------------------------------------------------------------------------------------------------------

    def decide(self, review_id: str, gate: str, decisions: Decisions) -> None:
        """Store a decision before anything resumes; once given, it stands."""
        with self._write() as connection:
            there = (_decisions.c.review_id == review_id) & (_decisions.c.gate == gate)
            if connection.execute(sa.select(_decisions.c.body).where(there)).scalar() is None:
                body = decisions.model_dump_json()
                connection.execute(sa.insert(_decisions).values(review_id=review_id, gate=gate, body=body))

    def decision(self, review_id: str, gate: str) -> Decisions | None:
        """What was decided at a gate, or None."""
        with self._engine.connect() as connection:
            wanted = (_decisions.c.review_id == review_id) & (_decisions.c.gate == gate)
            body = connection.execute(sa.select(_decisions.c.body).where(wanted)).scalar()
        return Decisions.model_validate_json(body) if body is not None else None

    # actions and progress --------------------------------------------------------------------------------------------

    def put_actions(self, review_id: str, on: date, actions: Iterable[Action]) -> None:
        """The approved actions of a review; each once, by its id, however often this is called."""
        with self._write() as connection:
            connection.execute(sa.delete(_actions).where(_actions.c.approved_in == review_id))
            for action in actions:
                self._upsert(
                    connection,
                    _actions,
                    action_id=action.id,
                    review_id=action.review_id,
                    approved_in=review_id,
                    approved_on=on,
                    account_id=action.account_id,
                    body=action.model_dump_json(),
                )

    def actions_before(self, as_of: date) -> list[Action]:
        """All actions that reviews before ``as_of`` approved, as the latest of them left each; by id."""
        with self._engine.connect() as connection:
            wanted = sa.select(_actions).where(_actions.c.approved_on < as_of).order_by(_actions.c.approved_on)
            latest = {row.action_id: row.body for row in connection.execute(wanted)}
        return [Action.model_validate_json(latest[action_id]) for action_id in sorted(latest)]

    def action_ids(self) -> list[str]:
        """Every action there is."""
        with self._engine.connect() as connection:
            wanted = sa.select(_actions.c.action_id).distinct().order_by(_actions.c.action_id)
            return list(connection.execute(wanted).scalars())

    def mark(self, action_id: str, state: str, on: date | None, note: str, by: str) -> None:
        """Record progress: done or dropped on a day, or open again. Raises UnknownReference."""
        if action_id not in self.action_ids():
            raise UnknownReference(_nearest(action_id, self.action_ids()))
        with self._write() as connection:
            self._upsert(connection, _progress, action_id=action_id, state=state, on_day=on, note=note, by=by)

    def progress(self) -> dict[str, tuple[str, date | None]]:
        """State and day by action."""
        with self._engine.connect() as connection:
            return {row.action_id: (row.state, row.on_day) for row in connection.execute(sa.select(_progress))}

    # overrides -------------------------------------------------------------------------------------------------------

    def override(self, account_id: str, set_on: date, override: Override) -> None:
        """A person's own judgement of a band, until a date."""
        with self._write() as connection:
            body = override.model_dump_json()
            self._upsert(connection, _overrides, account_id=account_id, set_on=set_on, body=body)

    def overrides(self, as_of: date) -> dict[str, Override]:
        """The overrides in force on ``as_of``, the latest of each account."""
        with self._engine.connect() as connection:
            wanted = sa.select(_overrides).where(_overrides.c.set_on <= as_of).order_by(_overrides.c.set_on)
            rows = connection.execute(wanted).all()
        found = {row.account_id: Override.model_validate_json(row.body) for row in rows}
        return {account: item for account, item in found.items() if item.until >= as_of}

    # audit -----------------------------------------------------------------------------------------------------------

    def log(self, review_id: str, who: str, what: str, **facts: Any) -> None:
        """One line of the audit log, with the time."""
        with self._write() as connection:
            connection.execute(
                sa.insert(_audit).values(
                    at=self._clock(), review_id=review_id, who=who, what=what, facts=json.dumps(facts, sort_keys=True)
                )
            )

    def audit(self, review_id: str) -> list[dict[str, Any]]:
        """The audit log of one review, oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(
                sa.select(_audit).where(_audit.c.review_id == review_id).order_by(_audit.c.seq)
            ).all()
        return [
            {"at": row.at, "review": row.review_id, "who": row.who, "what": row.what, **json.loads(row.facts)}
            for row in rows
        ]


def _durable(connection: Any, _: Any) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")


def _nearest(name: str, known: Sequence[str]) -> str:
    from rapidfuzz import process

    near = [match[0] for match in process.extract(name, known, limit=3, score_cutoff=60)]
    return f"no action {name!r}" + (f"; did you mean {', '.join(near)}?" if near else "; see actions.csv of the review")
