"""A typed query over the scored base: the engine filters, counts and sorts; only what is shown leaves it. Read-only.

Field names go through a fixed list or the configured signals, values only as parameters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.configuration import FigureRule
from domain.dossier import Person
from domain.questions import AnswerTable, Condition, PortfolioQuery
from tools.scoring.scored_base import Row, ScoredBase
from tools.wording import capitalize_first, format_date, format_money, format_number, plain_name, plural

MOST_ROWS = 200
ACCOUNT_FIELDS = {
    "segment": "s.segment", "csm": "s.csm_id", "sponsor": "s.exec_sponsor_id", "stage": "s.lifecycle_stage", "band": "s.health_band",
    "tier": "s.intervention_tier", "at_risk": "cast(s.at_risk as varchar)", "change": "c.change", "arr": "cast(s.arr as double)",
    "renewal": "s.renewal_date", "health": "s.health", "risk": "s.risk", "account": "s.account_id",
    "team": "(select any_value(p.manager_id) from people p where p.person_id = s.csm_id)",
    "month": "strftime(s.renewal_date, '%Y-%m')", "currency": "s.contract_currency", "started": "s.started_on",
    "seats": "(select any_value(a.seats) from accounts a where a.account_id = s.account_id)",
    "chance": "100 * s.churn_probability", "users": "m.active_users_now",
}  # fmt: skip
"""SQL of the fields of an account that a query may filter, group or sort by; signals come on top."""
_TITLES = {
    "segment": "segment",
    "currency": "currency of the contract",
    "csm": "CSM",
    "sponsor": "sponsor",
    "stage": "stage",
    "band": "health",
    "tier": "priority",
    "team": "team",
    "month": "month of renewal",
}
AGGREGATES = {"sum": "sum", "average": "avg", "median": "median"}
_ALWAYS_SHOWN = ("arr", "renewal", "health", "risk")
_FROM = "from scored s join compared c using (account_id) join measured m using (account_id)"


@dataclass(frozen=True)
class QueryResult:
    """Result of a query."""

    understood: str
    sentences: tuple[str, ...]
    tables: tuple[AnswerTable, ...]
    account_ids: tuple[str, ...]


def run_query(base: ScoredBase, query: PortfolioQuery, people: Mapping[str, Person]) -> QueryResult:
    """The rows and figures of the query, with how it was understood in the first sentence."""
    where, values = query_where(base, query)
    if query.group:
        return _grouped(base, query, people, where, values)
    totals = base.rows(
        f"select count(*) as n, coalesce(sum(cast(s.arr as double)), 0) as arr, count(*) filter (s.arr is null) as unknown {_FROM}{where}",
        values,
    )[0]
    rows, figures = _account_rows(base, query, where, values), _shown_figures(base, query)
    currency = base.configuration.scoring.money.home
    shown = query.top or totals["n"]
    understood = (
        f"{subject_line(query)}: {plural(totals['n'], 'account')}, {format_money(totals['arr'], currency)} of ARR"
    )
    sentences = [f"{understood}{_shown_clause(base, query, totals['n'])}."]
    if totals["unknown"]:
        sentences.append(f"The ARR of {plural(totals['unknown'], 'account')} is unknown and not in the sum.")
    if query.measure in AGGREGATES and (query.measure != "sum" or query.of != "arr"):
        sentences.append(_figure(base, query, where, values))
    rule = base.configuration.asking.figures.get(query.sort or "")
    if rule is not None and rows and query.top is not None:
        first = rows[0]
        value = _figure_text(first[query.sort if query.sort in _ALWAYS_SHOWN else f"figure_{query.sort}"], rule)
        degree = "Lowest" if query.ascending else "Highest"
        sentences.append(f"{degree} {rule.title}: {plain_name(first['name'])}, {value}.")
    table = AnswerTable(
        title="Accounts" if shown <= MOST_ROWS else f"Accounts, the first {MOST_ROWS} of {shown}",
        columns=(
            *("id", "account", "segment", "ARR", "renewal", "CSM", "health", "risk", "priority"),
            *(rule.title for _, rule in figures),
        ),
        rows=tuple(_account_row(row, people, currency, figures) for row in rows),
        source=_source(base, query),
    )
    return QueryResult(
        subject_line(query),
        tuple(sentences),
        (table,) if rows else (),
        tuple(r["id"] for r in rows),
    )


def _shown_clause(base: ScoredBase, query: PortfolioQuery, total: int) -> str:
    if query.top is None or query.top >= total:
        return ""
    direction = "lowest" if query.ascending else "highest"
    title = _figure_title(base, query.sort or "arr")
    many = "one" if query.top == 1 else query.top
    return f"; shown: the {many} with the {'earliest' if query.sort == 'renewal' else direction} {title}"


def subject_line(query: PortfolioQuery, otherwise: str = "All accounts") -> str:
    """The filters as they were understood; ``otherwise`` where there is none."""
    says = ", ".join(condition.says for condition in query.conditions)
    return (capitalize_first(says) if otherwise else says) or otherwise


def _source(base: ScoredBase, query: PortfolioQuery) -> str:
    tables = "accounts and the scores"
    if any(condition.field == "said" for condition in query.conditions):
        tables = "accounts, the statements found in their texts, and the scores"
    return f"{tables} of {format_date(base.as_of)}"


def query_where(base: ScoredBase, query: PortfolioQuery) -> tuple[str, list[Any]]:
    """The filters of the query as SQL with its parameters."""
    parts, values = [], []
    for condition in query.conditions:
        sql, given = account_condition(base, condition)
        parts.append(sql)
        values += given
    return (f" where {' and '.join(parts)}" if parts else ""), values


def share_of_base(base: ScoredBase, query: PortfolioQuery) -> tuple[str, str]:
    """The share of the ARR and of the accounts that the filters take, in words. ARR that is unknown counts on neither side."""
    where, values = query_where(base, query)
    (row,) = base.rows(
        f"select sum(s.arr) as arr, count(*) as n, (select sum(arr) from scored) as whole, (select count(*) from scored) as accounts {_FROM}{where}",
        values,
    )
    currency, arr, whole = base.configuration.scoring.money.home, float(row["arr"] or 0), float(row["whole"] or 0)
    of_arr = f"{arr / whole:.1%}".replace("%", " %") if whole else "An unknown share"
    of_accounts = f"{row['n'] / row['accounts']:.1%}".replace("%", " %") if row["accounts"] else "none"
    return (
        f"{of_arr} of the ARR: {format_money(arr, currency)} of {format_money(whole, currency)}",
        f"{of_accounts} of the accounts: {row['n']:,} of {row['accounts']:,}",
    )


_TOUCHES = {"touched": "", "answered": " and (not outbound or responded_at is not null or attended)"}


def account_condition(base: ScoredBase, condition: Condition, own: str | None = None) -> tuple[str, list[Any]]:
    """The condition as SQL with its parameters. ``own``: SQL of a field that the account does not have.

    Raises KeyError for a field that nothing knows.
    """
    if own is None:
        listed = _membership(base, condition)
        if listed is not None:
            negated = "not " if condition.known is False else ""
            return f"s.account_id {negated}in ({listed[0]})", listed[1]
    column = own or account_column(base, condition.field)
    tests: list[str] = []
    values: list[Any] = []
    if condition.values:
        tests.append(f"coalesce(list_contains(?, {column}), false)")
        values.append(list(condition.values))
    if condition.known is not None:
        tests.append(f"{column} is {'not ' if condition.known else ''}null")
    for bound, sign in ((condition.low, ">="), (condition.high, "<")):
        if bound is not None:
            tests.append(f"{column} {sign} ?")
            values.append(bound)
    return " and ".join(tests) or "true", values


def _membership(base: ScoredBase, condition: Condition) -> tuple[str, list[Any]] | None:
    """A query for the accounts that the condition is about, where it looks into another table."""
    values = list(condition.values)
    if condition.field == "said":
        return "select account_id from statements where list_contains(?, intent)", [values]
    if condition.field == "team":
        return (
            "select a.account_id from scored a join people p on p.person_id = a.csm_id where list_contains(?, p.manager_id)",
            [values],
        )
    if condition.field == "champion":
        contacts = base.full_table("contacts")
        return f"select account_id from {contacts} where role = 'champion' and status = 'active'", []
    if condition.field == "incident":
        return "select account_id from asked_incidents where list_contains(?, incident)", [values]
    if condition.field == "cause":
        return "select account_id from asked_causes where list_contains(?, cause)", [values]
    if condition.field in _TOUCHES:
        touchpoints = base.full_table("touchpoints")
        of_kind = " and list_contains(?, kind)" if values else ""
        sql = f"select account_id from {touchpoints} where date >= ?{_TOUCHES[condition.field]}{of_kind}"
        return sql, [condition.low, values] if values else [condition.low]
    return None


def account_column(base: ScoredBase, name: str) -> str:
    """SQL of a field of the account, or of a signal. Raises KeyError for a name that nothing knows."""
    if name in ACCOUNT_FIELDS:
        return ACCOUNT_FIELDS[name]
    if name not in base.configuration.scoring.signals:
        raise KeyError(name)
    return f'm."{name}"'


def _shown_figures(base: ScoredBase, query: PortfolioQuery) -> list[tuple[str, FigureRule]]:
    """The figures that the question is about and that the usual columns do not show."""
    asked = [*(condition.field for condition in query.conditions), query.sort or "", query.of]
    figures = base.configuration.asking.figures
    return [(name, figures[name]) for name in dict.fromkeys(asked) if name in figures and name not in _ALWAYS_SHOWN]


def _account_rows(base: ScoredBase, query: PortfolioQuery, where: str, values: list[Any]) -> list[Row]:
    order = (
        f"{account_column(base, query.sort or 'arr')} {'asc' if query.ascending else 'desc'} nulls last, s.account_id"
    )
    figures = "".join(f", {account_column(base, name)} as figure_{name}" for name, _ in _shown_figures(base, query))
    return base.rows(
        "select s.account_id as id, s.name, s.segment, s.arr, s.renewal_date, s.csm_id, s.health, s.risk, s.intervention_tier as tier"
        f"{figures} {_FROM}{where} order by {order} limit {min(query.top or MOST_ROWS, MOST_ROWS)}",
        values,
    )


def _account_row(
    row: Row, people: Mapping[str, Person], currency: str, figures: Sequence[tuple[str, FigureRule]]
) -> tuple[str, ...]:
    return (
        row["id"],
        plain_name(row["name"]),
        row["segment"] or "unknown",
        format_money(None if row["arr"] is None else float(row["arr"]), currency),
        str(row["renewal_date"] or "unknown"),
        _person(row["csm_id"], people),
        "unknown" if row["health"] is None else f"{row['health']:.0f}",
        f"{row['risk']:.0f}",
        row["tier"] or "",
        *(_figure_text(row[f"figure_{name}"], rule) for name, rule in figures),
    )


def _figure_text(value: float | None, rule: FigureRule) -> str:
    if value is None:
        return "unknown"
    return f"{format_number(float(value), 1)}{' %' if rule.unit == 'percent' else ''}"


def _person(person_id: str | None, people: Mapping[str, Person]) -> str:
    if person_id is None:
        return "nobody"
    return people[person_id].name if person_id in people else person_id


def _figure(base: ScoredBase, query: PortfolioQuery, where: str, values: list[Any]) -> str:
    column = account_column(base, query.of)
    row = base.rows(
        f"select {AGGREGATES[query.measure]}({column}) as value, count({column}) as n {_FROM}{where}", values
    )[0]
    shown = _amount(row["value"], query.of, base)
    return f"{capitalize_first(_measure_word(query))} {_figure_title(base, query.of)}: {shown}, over {plural(row['n'], 'account')} where it is known."


def _measure_word(query: PortfolioQuery) -> str:
    return "total" if query.measure == "sum" else query.measure


def _figure_title(base: ScoredBase, of: str) -> str:
    figures = base.configuration.asking.figures
    return "ARR" if of == "arr" else figures[of].title if of in figures else of


def _amount(value: float | None, of: str, base: ScoredBase) -> str:
    if of == "arr":
        return format_money(value, base.configuration.scoring.money.home)
    return _figure_text(value, base.configuration.asking.figures[of])


def _grouped(
    base: ScoredBase, query: PortfolioQuery, people: Mapping[str, Person], where: str, values: list[Any]
) -> QueryResult:
    assert query.group is not None
    key = ACCOUNT_FIELDS[query.group]
    figure = AGGREGATES.get(query.measure)
    value = f"{figure}({account_column(base, query.of)})" if figure else "null"
    is_lowest = query.ascending and query.sort == query.of
    order = "key" if query.group == "month" else f"{'value' if figure else 'n'} {'asc' if is_lowest else 'desc'}"
    rows = base.rows(
        f"select {key} as key, count(*) as n, count(*) filter (s.at_risk) as risky, sum(cast(s.arr as double)) as arr,"
        f" sum(cast(s.arr as double)) filter (s.at_risk) as risky_arr, {value} as value {_FROM}{where}"
        f" group by 1 order by {order} nulls last, 1 limit {MOST_ROWS}",
        values,
    )
    currency = base.configuration.scoring.money.home
    names = [group_name(row["key"], query.group, people) for row in rows]
    what, measure = _figure_title(base, query.of), _measure_word(query)
    columns = (
        _TITLES[query.group],
        "accounts",
        "at risk",
        "ARR",
        "ARR at risk",
        *((f"{measure} {what}",) if figure else ()),
    )
    cells = tuple(
        (
            name, str(row["n"]), str(row["risky"]), format_money(row["arr"], currency), format_money(row["risky_arr"] or 0.0, currency),
            *((_amount(row["value"], query.of, base),) if figure else ()),
        )
        for name, row in zip(names, rows, strict=True)
    )  # fmt: skip
    sentences = [f"{subject_line(query)}, by {_TITLES[query.group]}: {plural(len(rows), 'group')}."]
    if rows and query.group != "month":  # months are in their own order
        first = capitalize_first(names[0])
        sentences.append(f"{first} has the most: {plural(rows[0]['n'], 'account')}." if not figure else
                         f"{first} has the {'lowest' if is_lowest else 'highest'} {measure}: {_amount(rows[0]['value'], query.of, base)}.")  # fmt: skip
    table = AnswerTable(title=f"By {_TITLES[query.group]}", columns=columns, rows=cells, source=_source(base, query))
    return QueryResult(subject_line(query), tuple(sentences), (table,) if rows else (), ())


def group_name(key: str | None, group: str, people: Mapping[str, Person]) -> str:
    """The name of a group of accounts."""
    if group in ("csm", "sponsor", "team"):
        return _person(key, people)
    return key or ("not at risk" if group == "tier" else "unknown")
