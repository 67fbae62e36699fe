"""The scores of all accounts in one week, queried page by page: only the rows that are shown leave the engine."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cached_property
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from app.desk.loaded_review import LoadedReview, ReviewProgress
from app.desk.recent_cache import RecentCache
from app.wiring import StoreSession
from domain.configuration import Configuration
from domain.errors import InputError, UnknownReference
from domain.phase_results import IdentifyResult
from tools.engine import EngineLimits, open_engine
from tools.scoring.score_sql import REPORTED_COLUMNS
from tools.scoring.scoring_steps import SqlLog, columns_not_saved, load_week
from tools.scoring.snapshots import SnapshotStore, saved_shares
from tools.scoring.week_over_week import comparison_sql
from tools.sql import sql_date, sql_files

Row = dict[str, Any]
PAGE_SIZE = 50
"""Rows of a page: enough for most meetings without paging, and a page stays under 120 kB."""
_MAX_CACHED_ACCOUNTS = 500
"""Accounts whose weeks are cached."""
SORTS = {
    "money": ("risk * cast(arr as double)", "Risk × ARR"),
    "risk": ("risk", "Risk"),
    "health": ("health", "Health"),
    "arr": ("arr", "ARR"),
    "renewal": ("renewal_date", "Renewal"),
    "name": ("lower(name)", "Name"),
    "change": ("risk_change", "Change of risk"),
}
_ASCENDING = ("health", "renewal", "name")
"""Sorted from the smallest."""
SHOWN = ("at-risk", "all")
PRIORITIES = ("critical", "high", "medium")
"""Priorities of accounts at risk."""
CHANGES = ("new", "worsened", "improved", "resolved", "unchanged", "baseline")


@dataclass(frozen=True)
class TableQuery:
    """The filters, the order and the page of the table."""

    show: str = "at-risk"
    """at-risk or all."""
    priority: str = ""
    csm: str = ""
    segment: str = ""
    change: str = ""
    renewal: str = ""
    """A row of the renewal view: a month such as 2026-12, overdue or unknown."""
    search: str = ""
    sort: str = "money"
    turned: bool = False
    page: int = 1

    @classmethod
    def of(cls, given: "dict[str, str]") -> "TableQuery":
        """From the query of an address; an empty value is none. Raises InputError for an unknown value."""
        known = {name: value.strip()[:200] for name, value in given.items() if name in _QUERY_NAMES}
        page = known.get("page") or "1"
        if not page.isascii() or not page.isdecimal() or len(page) > 6:
            raise InputError(f"page {page!r} is not the number of a page")
        return cls(
            show=_one_of("show", known.get("show", ""), SHOWN) or "at-risk",
            priority=_one_of("priority", known.get("priority", ""), PRIORITIES),
            csm=known.get("csm", ""),
            segment=known.get("segment", ""),
            change=_one_of("change", known.get("change", ""), CHANGES),
            renewal=_renewal(known.get("renewal", "")),
            search=known.get("search", ""),
            sort=_one_of("sort", known.get("sort", ""), tuple(SORTS)) or "money",
            turned=_one_of("turned", known.get("turned", ""), ("0", "1", "False", "True")) in ("1", "True"),
            page=max(int(page), 1),
        )

    def query_string(self, **changes: Any) -> str:
        """The query of the address that asks for this, with some of it changed; a change goes back to the first page."""
        wanted = replace(self, **{"page": 1, **changes})
        usual = TableQuery()
        said = {f.name: getattr(wanted, f.name) for f in fields(wanted)}
        return urlencode({k: int(v) if v is True else v for k, v in said.items() if v != getattr(usual, k)})


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    """A value of a filter, or empty. Raises InputError."""
    if value and value not in known:
        raise InputError(f"{name} {value!r} is unknown; use {', '.join(known[:10])}")
    return value


def _renewal(value: str) -> str:
    """A row of the renewal view, or empty. Raises InputError."""
    if value and value not in ("overdue", "unknown") and not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", value, re.ASCII):
        raise InputError(f"renewal {value!r} is no month like 2026-12, nor overdue or unknown")
    return value


_QUERY_NAMES = {field.name for field in fields(TableQuery)}


@dataclass(frozen=True)
class TablePage:
    """One page of the table and the totals of all pages."""

    rows: list[Row]
    accounts: int
    arr: float
    unknown_arr: int
    """Accounts whose ARR is unknown: they are not in the sum."""
    wanted: TableQuery

    @property
    def pages(self) -> int:
        """Number of pages."""
        return max(-(-self.accounts // PAGE_SIZE), 1)


@dataclass(frozen=True)
class WhatIfEffect:
    """Accounts that another scoring would move, and the totals before and after it."""

    moved_accounts: list[Row]
    counts: dict[str, int]
    at_risk_before: int
    at_risk_after: int
    arr_before: float
    arr_after: float


class ScoreTable:
    """This week's snapshot beside last week's, in an engine of its own."""

    def __init__(
        self, history: SnapshotStore, identified: IdentifyResult, configuration: Configuration, review_id: str
    ) -> None:
        self._connection = open_engine(EngineLimits(memory="400MB"))
        self._lock = Lock()
        self._weeks: dict[str, list[Row]] = {}
        self._configuration: Configuration = configuration
        snapshots = history.snapshots(self._connection, identified.as_of + timedelta(days=1))
        self.snapshots = snapshots
        this = next((each for each in snapshots if each.review_id == review_id), None)
        if this is None:
            raise UnknownReference(f"the scores of {review_id} are no longer kept; run the review again")
        self.source_shares = saved_shares(self._connection, this)
        before = [each for each in snapshots if each.as_of < identified.as_of]
        self._connection.execute(f"create table scored as from read_parquet({sql_files([this.path])})")
        self._connection.execute(
            f"create view scored_signals as select * exclude ({', '.join(REPORTED_COLUMNS)}), velocity as reported_velocity"
            f"{columns_not_saved(self._connection, 'scored', configuration.scoring)} from scored"
        )
        last = next((each for each in before if each.review_id == identified.previous_review_id), None)
        if last is not None:
            load_week(SqlLog(self._connection), "previous", last, self._configuration)
        people = [(person.person_id, person.name) for person in identified.people.values()]
        self._connection.execute("create table people (csm_id varchar, csm varchar)")
        if people:
            self._connection.executemany("insert into people values (?, ?)", people)
        # As everywhere: a renewal so long past that it is a question about the data has no known date.
        longest = -int(configuration.review.overdue_question.value)
        days = f"date_diff('day', {sql_date(identified.as_of)}, s.renewal_date)"
        renewal_days = f"case when {days} >= {longest} then {days} end"
        self._connection.execute(
            "create table shown as select s.account_id, s.name, s.segment, s.arr, s.renewal_date, s.csm_id, p.csm, "
            f"{renewal_days} as renewal_in_days, s.health, s.health_band, s.coverage, s.risk, s.risk_tier, s.intervention_tier, s.at_risk, s.rule, "
            "c.change, s.risk - c.risk_then as risk_change, s.health - c.health_then as health_change "
            f"from scored s join ({comparison_sql(self._configuration.scoring, last is not None)}) c using (account_id) "
            "left join people p using (csm_id)"
        )

    def _query(self, sql: str, values: list[Any] | None = None) -> list[Row]:
        with self._lock:
            cursor = self._connection.execute(sql, values or [])
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def page(self, wanted: TableQuery, size: int = PAGE_SIZE) -> TablePage:
        """One page of the table, of ``size`` rows."""
        where, values = _where(wanted)
        expression, _ = SORTS[wanted.sort]
        down = (wanted.sort not in _ASCENDING) != wanted.turned
        (totals,) = self._query(
            f"select count(*) as accounts, coalesce(sum(arr), 0) as arr, count(*) filter (arr is null) as unknown"
            f" from shown where {where}",
            values,
        )
        pages = max(-(-totals["accounts"] // size), 1)
        page = min(wanted.page, pages)
        rows = self._query(
            f"select * from shown where {where} order by {expression} {'desc' if down else 'asc'} nulls last, account_id "
            f"limit {size} offset {(page - 1) * size}",
            values,
        )
        totals_shown = totals["accounts"], float(totals["arr"]), totals["unknown"]
        return TablePage(rows, *totals_shown, replace(wanted, page=page))

    def check(self, wanted: TableQuery) -> TableQuery:
        """The same query. Raises InputError for a CSM or a segment that nothing in the table has."""
        for name, value in (("csm", wanted.csm), ("segment", wanted.segment)):
            _one_of(name, value, [known for known, _ in self.choices[name]])
        return wanted

    def account(self, account_id: str) -> Row | None:
        """The whole row of one account: attributes, signals and scores."""
        found = self._query(
            "select s.*, w.csm, w.change, w.risk_change, w.health_change from scored s join shown w using (account_id) "
            "where account_id = ?",
            [account_id],
        )
        return found[0] if found else None

    def weeks(self, account_id: str) -> list[Row]:
        """Health and risk of one account, week by week, oldest first; ``reconfigured`` marks another scoring."""
        if account_id not in self._weeks:
            if len(self._weeks) > _MAX_CACHED_ACCOUNTS:
                self._weeks.clear()
            self._weeks[account_id] = self._read_weeks(account_id)
        return self._weeks[account_id]

    def _read_weeks(self, account_id: str) -> list[Row]:
        if not self.snapshots:
            return []
        rows = self._query(
            "select filename, health, risk, risk_tier, health_band from read_parquet"
            f"({sql_files(each.path for each in self.snapshots)}, filename = true, union_by_name = true) where account_id = ?",
            [account_id],
        )
        found: list[Row] = []
        by_file = {row["filename"]: row for row in rows}
        before = None
        for each in self.snapshots:
            row = by_file.get(str(each.path))
            if row is not None:
                scores = {name: row[name] for name in ("health", "risk", "risk_tier", "health_band")}
                changed = before is not None and each.scoring_hash != before
                found.append({"as_of": each.as_of, "reviewed": each.reviewed, "reconfigured": changed, **scores})
            before = each.scoring_hash
        return found

    @cached_property
    def choices(self) -> dict[str, list[tuple[str, str]]]:
        """Choices of the filters: the CSMs and segments of the table."""
        csms = self._query("select distinct csm_id, csm from shown where csm_id is not null order by csm, csm_id")
        segments = self._query("select distinct segment from shown where segment is not null order by segment")
        return {
            "csm": [(row["csm_id"], row["csm"] or row["csm_id"]) for row in csms],
            "segment": [(row["segment"], row["segment"]) for row in segments],
        }

    def compare_scoring(self, scored: str, most: int) -> WhatIfEffect:
        """Accounts that another scoring would move; ``scored`` is SQL over ``scored_signals``, ``most`` limits the list."""
        both = f"from scored b join ({scored}) a using (account_id)"
        (totals,) = self._query(
            "select count(*) filter (b.at_risk) as before, count(*) filter (a.at_risk) as after, "
            "coalesce(sum(b.arr) filter (b.at_risk), 0) as arr_before, "
            f"coalesce(sum(a.arr) filter (a.at_risk), 0) as arr_after {both}"
        )
        moves = "b.risk_tier <> a.risk_tier or b.at_risk <> a.at_risk"
        counts = self._query(
            f"select case when b.risk_tier <> a.risk_tier then b.risk_tier || ' to ' || a.risk_tier "
            "when a.at_risk then 'now at risk' else 'no longer at risk' end as move, count(*) as accounts "
            f"{both} where {moves} "
            "group by 1 order by 2 desc, 1"
        )
        rows = self._query(
            "select b.account_id, b.name, b.arr, b.health as health_before, a.health as health_after, b.risk as "
            "risk_before, a.risk as risk_after, b.risk_tier as tier_before, a.risk_tier as tier_after, b.at_risk as "
            f"at_risk_before, a.at_risk as at_risk_after {both} where {moves} order by b.arr desc, b.account_id limit {most}"
        )
        return WhatIfEffect(
            moved_accounts=rows,
            counts={row["move"]: row["accounts"] for row in counts},
            at_risk_before=totals["before"],
            at_risk_after=totals["after"],
            arr_before=float(totals["arr_before"]),
            arr_after=float(totals["arr_after"]),
        )


class ScoreCache:
    """The score tables of the reviews that were read last."""

    _SIZE = 4

    def __init__(self) -> None:
        self._tables: RecentCache[ReviewProgress, ScoreTable] = RecentCache(self._SIZE)
        self._making = Lock()

    def scores(self, store_session: StoreSession, loaded: LoadedReview) -> ScoreTable:
        """The scores of the whole base in that week. Raises UnknownReference when they are no longer kept."""
        with self._making:  # a table has an engine with memory of its own: never two for one review
            return self._tables.get(
                loaded.progress,
                lambda: ScoreTable(store_session.history(), loaded.identified, loaded.configuration, loaded.review_id),
            )


_RENEWAL_TESTS = {"overdue": "renewal_in_days < 0", "unknown": "renewal_in_days is null"}


def _where(wanted: TableQuery) -> tuple[str, list[Any]]:
    tests, values = ["true"], []
    if wanted.show == "at-risk" and wanted.change != "resolved":
        tests.append("at_risk")
    for column, value in (
        ("intervention_tier", wanted.priority),
        ("segment", wanted.segment),
        ("change", wanted.change),
    ):
        if value:
            tests.append(f"{column} = ?")
            values.append(value)
    if wanted.csm == "nobody":
        tests.append("csm_id is null")
    elif wanted.csm:
        tests.append("csm_id = ?")
        values.append(wanted.csm)
    if wanted.renewal in _RENEWAL_TESTS:
        tests.append(_RENEWAL_TESTS[wanted.renewal])
    elif wanted.renewal:
        tests.append("renewal_in_days >= 0 and strftime(renewal_date, '%Y-%m') = ?")
        values.append(wanted.renewal)
    if wanted.search:
        tests.append("(contains(lower(name), lower(?)) or lower(account_id) = lower(?))")
        values += [wanted.search, wanted.search]
    return " and ".join(tests), values
