"""A typed query over actions, people, tickets and the other subjects: filters, figures and rows, by the engine. Read-only."""

from collections.abc import Mapping
from typing import Any

from domain.dossier import Person
from domain.questions import AnswerTable, Condition, PortfolioQuery
from tools.ask.run_query import (
    ACCOUNT_FIELDS,
    AGGREGATES,
    MOST_ROWS,
    QueryResult,
    account_column,
    account_condition,
    group_name,
    subject_line,
)
from tools.ask.subject_tables import SUBJECTS, Column, SubjectTable
from tools.scoring.scored_base import Row, ScoredBase
from tools.wording import capitalize_first, format_date, format_money, format_number, plain_name, plural, quote

_LONGEST_TEXT = 200
_AMOUNT_TITLES = {"arr": "ARR", "change": "ARR change"}


def run_subject_query(base: ScoredBase, query: PortfolioQuery, people: Mapping[str, Person]) -> QueryResult:
    """Rows and figures of one subject. Raises KeyError for a field that neither the subject nor the accounts have."""
    table = SUBJECTS[query.subject]
    if table.table is not None and base.warehouse is not None:
        says = f"The {table.table} stay on the server; ask about one account, or read them there."
        return QueryResult(query.subject, (says,), (), ())
    asked = _Asked(base, query, table, people)
    return asked.grouped() if query.group else asked.listed()


class _Asked:
    """One query on its table."""

    def __init__(
        self, base: ScoredBase, query: PortfolioQuery, table: SubjectTable, people: Mapping[str, Person]
    ) -> None:
        self.base, self.query, self.table, self.people = base, query, table, people
        self.currency = base.configuration.scoring.money.home
        joined = "left join" if table.keeps_former else "join"
        self.where, self.values = self._where()
        self.rows_sql = (
            f"from {self._sql(table.rows)} {joined} scored s using (account_id)"
            f" left join compared c using (account_id) left join measured m using (account_id){self.where}"
        )

    def _sql(self, expression: str) -> str:
        """The expression with the name of its input table and the day."""
        if "{contacts}" in expression:
            expression = expression.replace("{contacts}", self.base.full_table("contacts"))
        name = self.base.full_table(self.table.table) if self.table.table else ""
        return expression.replace("{table}", name).replace("{as_of}", f"'{self.base.as_of}'")

    def _where(self) -> tuple[str, list[Any]]:
        tests, values = [], []
        if self.table.day is not None and self.table.past:  # what is dated later is not known yet
            tests.append(f"({self.table.day} is null or {self.table.day} <= cast('{self.base.as_of}' as date))")
        if self.query.subject == "invoices":  # an invoice is written before it is due
            tests.clear()
        for condition in self.query.conditions:
            test, given = self._condition(condition)
            tests.append(test)
            values += given
        return (f" where {' and '.join(tests)}" if tests else ""), values

    def _condition(self, condition: Condition) -> tuple[str, list[Any]]:
        if condition.field == "contact":
            return f"contains({self.table.fields['contact']}, ?)", [condition.values[0]]
        own = self.table.day if condition.field == "day" else self.table.fields.get(condition.field)
        own = own or self.table.amounts.get(condition.field)
        return account_condition(self.base, condition, self._sql(own) if own else None)

    def listed(self) -> QueryResult:
        """Rows, with their number, their accounts and the amount asked for."""
        amount = self._amount_name()
        value = self._sql(self.table.amounts[amount]) if amount else "null"
        aggregate = self._aggregate(amount)
        total = self.base.rows(
            f"select count(*) as n, count(distinct r.account_id) as accounts, {aggregate}({value}) as value,"
            f" count({value}) as known {self.rows_sql}",
            self.values,
        )[0]
        found = self._rows()
        sentences = [f"{self._understood()}: {self._counted(total)}{self._shown_clause(total['n'])}."]
        if amount and total["n"]:
            sentences.append(self._amount_sentence(amount, total))
        columns = tuple(column.title for column in self.table.columns)
        rows = tuple(tuple(self._cell(row[f"c{i}"], c) for i, c in enumerate(self.table.columns)) for row in found)
        shown = self.query.top or total["n"]
        title = capitalize_first(self.table.many)
        title = title if shown <= MOST_ROWS else f"{title}, the first {MOST_ROWS} of {shown}"
        table = AnswerTable(title=title, columns=columns, rows=rows, source=self._source())
        ids = tuple(dict.fromkeys(row["account_id"] for row in found if row["account_id"] is not None))
        return self._result(sentences, table if rows else None, ids)

    def _rows(self) -> list[Row]:
        shown = ", ".join(f"{self._sql(column.sql)} as c{i}" for i, column in enumerate(self.table.columns))
        limit = min(self.query.top or MOST_ROWS, MOST_ROWS)
        sql = f"select r.account_id, {shown} {self.rows_sql} order by {self._order()} limit {limit}"
        return self.base.rows(sql, self.values)

    def _order(self) -> str:
        sort = self.query.sort
        own = self.table.day if sort == "day" else self.table.amounts.get(sort or "")
        wanted = self._sql(own) if own else account_column(self.base, sort) if sort and sort != "day" else None
        if wanted is None:
            return self._sql(self.table.order)
        return f"{wanted} {'asc' if self.query.ascending else 'desc'} nulls last, {self._sql(self.table.order)}"

    def grouped(self) -> QueryResult:
        """One row a group, the largest first."""
        assert self.query.group is not None
        amount = self._amount_name()
        value = self._sql(self.table.amounts[amount]) if amount else "null"
        aggregate = self._aggregate(amount)
        is_figure = self.query.measure in AGGREGATES or self.query.sort in self.table.amounts
        order = "key" if self.query.group == "month" else f"{'value' if is_figure else 'n'} desc nulls last, 1"
        rows = self.base.rows(
            f"select {self._group_sql()} as key, count(*) as n, count(distinct r.account_id) as accounts, {aggregate}({value}) as value"
            f" {self.rows_sql} group by 1 order by {order} limit {self.query.top or MOST_ROWS}",
            self.values,
        )
        names = [self._group_name(row["key"]) for row in rows]
        title = self.query.group.replace("_", " ")
        heads = (title, self.table.many, "accounts", *((self._amount_title(amount),) if amount else ()))
        if self.table.one == "account":
            heads = (title, "reports", "accounts", *heads[3:])
        cells = tuple(
            (name, str(row["n"]), str(row["accounts"]), *((self._figure(amount, row["value"]),) if amount else ()))
            for name, row in zip(names, rows, strict=True)
        )
        total = sum(row["n"] for row in rows)
        sentences = [
            f"{self._understood()}, by {title}: {plural(total, self.table.one)} in {plural(len(rows), 'group')}."
        ]
        if rows and self.query.group != "month":
            most = max(
                range(len(rows)), key=lambda place: (rows[place]["value"] or 0) if is_figure else rows[place]["n"]
            )
            figure = self._figure(amount, rows[most]["value"]) if is_figure else plural(rows[most]["n"], self.table.one)
            what = (
                f"the highest {self._amount_title(amount)}"
                if is_figure and amount in self.table.averaged
                else "the most"
            )
            sentences.append(f"{capitalize_first(names[most])} has {what}: {figure}.")
        table = AnswerTable(
            title=f"{capitalize_first(self.table.many)} by {title}", columns=heads, rows=cells, source=self._source()
        )
        ids = tuple(row["key"] for row in rows) if self.query.group == "account" else ()
        return self._result(sentences, table if rows else None, ids)

    def _group_sql(self) -> str:
        group = self.query.group or ""
        if group == "account":
            return "r.account_id"
        if group == "month":
            day = self.table.day or "s.renewal_date"
            return f"strftime({self._sql(day)}, '%Y-%m')"
        if group in self.table.fields:
            return self._sql(self.table.fields[group])
        return ACCOUNT_FIELDS[group]

    def _group_name(self, key: str | None) -> str:
        group = self.query.group or ""
        if group == "account":
            rows = self.base.rows("select name from scored where account_id = ?", [key])
            return plain_name(rows[0]["name"]) if rows else str(key)
        if group == "cause" and key:
            rule = self.base.configuration.causes.causes.get(key)
            return rule.label if rule else key.replace("_", " ")
        if group in self.table.fields or group == "month":
            return plain_name(str(key)).replace("_", " ") if key else "unknown"
        return group_name(key, group, self.people)

    def _result(self, sentences: list[str], table: AnswerTable | None, ids: tuple[str, ...]) -> QueryResult:
        return QueryResult(self._understood(), tuple(sentences), (table,) if table else (), ids)

    def _understood(self) -> str:
        many = "shared problems" if self.table.one == "account" else self.table.many
        conditions = subject_line(self.query, "")
        return capitalize_first(f"{many}, {conditions}" if conditions else f"all {many}")

    def _counted(self, total: Row) -> str:
        if self.table.one == "account":
            return plural(total["accounts"], "account")
        many = plural(total["n"], self.table.one)
        return many if self.query.subject == "colleagues" else f"{many} of {plural(total['accounts'], 'account')}"

    def _shown_clause(self, total: int) -> str:
        top = self.query.top
        if top is None or top >= total:
            return ""
        is_newest = self.query.sort == "day" and not self.query.ascending
        return f"; shown: the {'newest' if is_newest else 'first'}{f' {top}' if top > 1 else ''}"

    def _amount_name(self) -> str | None:
        """The amount that the figures are of: the one asked for, or the only one in money."""
        if self.query.of in self.table.amounts:
            return self.query.of
        if self.query.sort in self.table.amounts:
            return self.query.sort
        if self.query.measure in AGGREGATES:
            return next(iter(self.table.amounts), None)
        return self.table.money[0] if self.table.money else None

    def _aggregate(self, amount: str | None) -> str:
        """The SQL function for the amount: what is asked for, or what this amount is usually shown as."""
        return AGGREGATES.get(self.query.measure, "avg" if amount in self.table.averaged else "sum")

    def _amount_title(self, amount: str) -> str:
        how = {"avg": "average ", "median": "median "}.get(self._aggregate(amount), "")
        return "NPS (promoters less detractors, %)" if amount == "nps" else f"{how}{_AMOUNT_TITLES.get(amount, amount)}"

    def _figure(self, amount: str | None, value: float | None) -> str:
        if amount in self.table.money:
            return format_money(None if value is None else float(value), self.currency)
        return "unknown" if value is None else format_number(float(value), 2)

    def _amount_sentence(self, amount: str, total: Row) -> str:
        of = (
            "" if total["known"] == total["n"] else f", over {plural(total['known'], self.table.one)} where it is known"
        )
        return f"{capitalize_first(self._amount_title(amount))}: {self._figure(amount, total['value'])}{of}."

    def _cell(self, value: Any, column: Column) -> str:
        if column.shown == "person":
            return group_name(value, "csm", self.people)
        if column.shown == "money":
            return format_money(None if value is None else float(value), self.currency)
        if value is None:
            return "" if column.shown in ("day", "words", "quoted", "count") else "unknown"
        if column.shown == "number":
            return f"{value:.0f}"
        if column.shown == "name":
            return plain_name(value)
        if column.shown == "quoted":
            return quote(value, _LONGEST_TEXT)
        if column.shown == "words":
            return plain_name(value, _LONGEST_TEXT)
        return str(value)

    def _source(self) -> str:
        return f"{self.table.source} of {format_date(self.base.as_of)}"
