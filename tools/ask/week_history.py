"""The kept weeks: the portfolio week by week, two weeks side by side, who joined and who left. Engine queries; read-only.

A week is shown as it was reported then. Today's rows come from the scored base.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from domain.questions import AnswerTable, PortfolioQuery
from tools.ask.run_query import query_where
from tools.scoring.scored_base import Row, ScoredBase
from tools.scoring.snapshots import Snapshot
from tools.sql import sql_path
from tools.wording import format_date, format_money, plain_name, plural

MOST_WEEKS = 27
"""Weeks of a course: half a year and this week."""
_MOST_MOVED = 100
_COLUMNS = "account_id, name, segment, csm_id, cast(arr as double) as arr, health, risk, at_risk, intervention_tier"


@dataclass(frozen=True)
class WeeksAnswer:
    """Sentences and rows of an answer about the kept weeks."""

    sentences: tuple[str, ...]
    tables: tuple[AnswerTable, ...]
    account_ids: tuple[str, ...] = ()


def nearest_week(base: ScoredBase, day: date | None) -> Snapshot | None:
    """The latest kept week on or before the day, or the oldest of all; None: the review before. None if none is kept."""
    if day is None:
        return base.previous or (base.snapshots[-1] if base.snapshots else None)
    before = [week for week in base.snapshots if week.as_of <= day]
    return before[-1] if before else (base.snapshots[0] if base.snapshots else None)


def week_note(week: Snapshot, day: date | None) -> list[str]:
    """A sentence where another week than the wanted one is compared."""
    if day is None or week.as_of == day:
        return []
    why = "the oldest kept week" if week.as_of > day else "the kept week before it"
    return [f"No week of {format_date(day)} is kept; compared with {why}, of {format_date(week.as_of)}."]


def account_course(base: ScoredBase, account_id: str, since: date | None) -> tuple[list[Row], list[str]]:
    """Health and risk of one account by week, oldest first, and a sentence if the scoring changed between."""
    weeks = _weeks(base, since)
    rows = [
        {"as_of": week.as_of, **row}
        for week in weeks
        for row in base.rows(
            f"select {_COLUMNS} from read_parquet({sql_path(week.path)}) where account_id = ?", [account_id]
        )
    ]
    now = base.rows(f"select {_COLUMNS} from scored where account_id = ?", [account_id])
    return [*rows, *({"as_of": base.as_of, **row} for row in now)], _rescored(base, weeks)


def _rescored(base: ScoredBase, weeks: Sequence[Snapshot]) -> list[str]:
    changed = [week for week in weeks if week.scoring_hash != base.configuration.scoring_hash]
    if not changed:
        return []
    return [
        f"Weeks up to {format_date(changed[-1].as_of)} were scored with another configuration, so part of the change may be that."
    ]


def _weeks(base: ScoredBase, since: date | None) -> list[Snapshot]:
    weeks = base.snapshots[-MOST_WEEKS + 1 :]
    if since is None:
        return weeks
    first = nearest_week(base, since)
    return [week for week in weeks if first is not None and week.as_of >= first.as_of]


def portfolio_course(base: ScoredBase, query: PortfolioQuery) -> WeeksAnswer:
    """Accounts at risk, their ARR and mean health by week."""
    weeks = _weeks(base, query.since)
    if not weeks:
        return WeeksAnswer(("No earlier week is kept in this store.",), ())
    rows = [_week_figures(base, week.as_of, f"read_parquet({sql_path(week.path)})", query) for week in weeks]
    rows.append(_week_figures(base, base.as_of, "scored", query))
    currency = base.configuration.scoring.money.home
    cells = tuple(
        (str(r["as_of"]), str(r["n"]), str(r["risky"]), format_money(r["arr"], currency), _score(r["health"]))
        for r in rows
    )
    first, last = rows[0], rows[-1]
    moved = last["arr"] - first["arr"]
    direction = "more" if moved >= 0 else "less"
    sentences = [
        f"{_scope(query)}: {first['risky']} accounts at risk with {format_money(first['arr'], currency)} of ARR on"
        f" {format_date(first['as_of'])}, {last['risky']} with {format_money(last['arr'], currency)} on {format_date(last['as_of'])}:"
        f" {format_money(abs(moved), currency)} {direction}.",
        *_limits(query), *_rescored(base, weeks),
    ]  # fmt: skip
    columns = ("week", "accounts", "at risk", "ARR at risk", "mean health")
    return WeeksAnswer(
        tuple(sentences), (AnswerTable(title="Week by week", columns=columns, rows=cells, source="the kept weeks"),)
    )


def _week_figures(base: ScoredBase, day: date, source: str, query: PortfolioQuery) -> Row:
    where, values = _scope_sql(base, query)
    found = base.rows(
        f"select count(*) as n, count(*) filter (at_risk) as risky, coalesce(sum(cast(arr as double)) filter (at_risk), 0) as arr,"
        f" avg(health) as health from {source} w{where}",
        values,
    )[0]
    return {"as_of": day, **found}


def _scope_sql(base: ScoredBase, query: PortfolioQuery) -> tuple[str, list[Any]]:
    """The accounts that the filters mean today, whatever they were in the week."""
    if not query.conditions:
        return "", []
    where, values = query_where(base, query)
    return (
        f" where w.account_id in (select s.account_id from scored s join compared c using (account_id) join measured m using (account_id){where})",
        values,
    )


def _scope(query: PortfolioQuery) -> str:
    return ", ".join(condition.says for condition in query.conditions) or "The portfolio"


def _limits(query: PortfolioQuery) -> list[str]:
    return ["The filters are those of today; customers lost since are not in them."] if query.conditions else []


def _score(value: float | None) -> str:
    return "not scored" if value is None else f"{value:.0f}"


def compare_weeks(base: ScoredBase, query: PortfolioQuery) -> WeeksAnswer:
    """The portfolio of a kept week beside today's, with who joined and who left the list."""
    week = nearest_week(base, query.since)
    if week is None:
        return WeeksAnswer(("No earlier week is kept in this store.",), ())
    source = f"read_parquet({sql_path(week.path)})"
    then, now = _week_figures(base, week.as_of, source, query), _week_figures(base, base.as_of, "scored", query)
    currency = base.configuration.scoring.money.home
    lines = (
        ("accounts", str(then["n"]), str(now["n"])),
        ("at risk", str(then["risky"]), str(now["risky"])),
        ("ARR at risk", format_money(then["arr"], currency), format_money(now["arr"], currency)),
        ("mean health", _score(then["health"]), _score(now["health"])),
    )
    moved = now["arr"] - then["arr"]
    verdict = "Worse" if moved > 0 else "Better" if moved < 0 else "The same"
    sentences = [
        f"{verdict} than on {format_date(week.as_of)}: {then['risky']} accounts at risk then, {now['risky']} now; ARR at risk"
        f" {format_money(then['arr'], currency)} then, {format_money(now['arr'], currency)} now.",
        *week_note(week, query.since), *_limits(query), *_rescored(base, [week]),
    ]  # fmt: skip
    columns = ("", format_date(week.as_of), format_date(base.as_of))
    table = AnswerTable(title="Two weeks", columns=columns, rows=lines, source="the kept week and the scores of today")
    joined, left = moved_accounts(base, query, "joined"), moved_accounts(base, query, "left")
    sentences += [joined.sentences[0], left.sentences[0]]
    return WeeksAnswer(tuple(sentences), (table, *joined.tables, *left.tables), joined.account_ids + left.account_ids)


def moved_accounts(base: ScoredBase, query: PortfolioQuery, kind: str) -> WeeksAnswer:
    """The accounts that joined, or left, the at-risk list since the week."""
    week = nearest_week(base, query.since)
    if week is None:
        return WeeksAnswer(("No earlier week is kept in this store.",), ())
    source = f"read_parquet({sql_path(week.path)})"
    where, values = _scope_sql(base, query)
    now, then = "coalesce(n.at_risk, false)", "coalesce(o.at_risk, false)"
    test = f"{now} and not {then}" if kind == "joined" else f"{then} and not {now}"
    rows = base.rows(
        f"with w as (select account_id, coalesce(n.name, o.name) as name, cast(coalesce(n.arr, o.arr) as double) as arr,"
        f" o.risk as risk_then, n.risk as risk_now, n.account_id is null as gone from scored n full join {source} o using (account_id)"
        f" where {test}) select * from w{where} order by arr desc nulls last, account_id",
        values,
    )
    currency = base.configuration.scoring.money.home
    cells = tuple(
        (r["account_id"], plain_name(r["name"]), format_money(r["arr"], currency), _score(r["risk_then"]),
         "no longer a customer" if r["gone"] else _score(r["risk_now"]))
        for r in rows[:_MOST_MOVED]
    )  # fmt: skip
    verb = "joined" if kind == "joined" else "left"
    scope = "" if not query.conditions else f" ({_scope(query)})"
    says = f"{plural(len(rows), 'account')} {verb} the at-risk list since {format_date(week.as_of)}{scope}."
    gone = sum(bool(row["gone"]) for row in rows)
    more = [f"{gone} of them {'is' if gone == 1 else 'are'} no longer a customer."] if gone else []
    title = f"{verb.capitalize()} the list"
    columns = ("id", "account", "ARR", f"risk on {format_date(week.as_of)}", "risk now")
    table = AnswerTable(title=title, columns=columns, rows=cells, source="the kept week and the scores of today")
    ids = tuple(row["account_id"] for row in rows[:_MOST_MOVED])
    return WeeksAnswer((says, *more, *week_note(week, query.since)), (table,) if cells else (), ids)
