"""Text output of the commands: plain tables for a terminal, readable without colour."""

from collections.abc import Mapping, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tools.wording import (
    arr_at_risk_text,
    expected_churn_text,
    format_arr,
    format_money,
    format_short_day,
    format_total,
    known_amount,
    plural,
    unknown_arr_text,
)

if TYPE_CHECKING:
    from domain.backtest import Backtest
    from domain.plan import Story
    from domain.portfolio import DataReport, ListedAccount
    from domain.renewals import RenewalView
    from domain.review import Review
    from tools.scoring.scored_base import ScoreOnlyBase

_WIDTH = 118
_ROWS = 15


def render_parts(*parts: Table | str) -> str:
    """The parts as plain text, one below the other."""
    out = StringIO()
    console = Console(file=out, width=_WIDTH, highlight=False, markup=False, emoji=False)
    for part in parts:
        console.print(part)
    return out.getvalue()


def text_table(title: str, columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> Table:
    """A plain table; columns are (name, justify)."""
    made = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold", title_style="bold")
    for name, justify in columns:
        made.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in rows:
        made.add_row(*[Text(cell) for cell in row])
    return made


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f}"


def _count(value: int | None) -> str:
    """A count; empty for none, so that the other counts are easy to see."""
    return f"{value:,}" if value else ""


def review_text(review: "Review", folder: Path | None) -> str:
    """A review on one screen: numbers, the accounts most at risk, and the folder with everything."""
    p = review.portfolio
    head = f"{review.data.ends_note}\n" if review.data.ends_note else ""
    head += (
        f"{review.review_id}, as of {review.as_of} ({review.profile_note.lower()})\n"
        f"{arr_at_risk_text(p)} at risk in "
        f"{plural(p.at_risk_accounts, 'account')} of {p.accounts:,}{unknown_arr_text(p)}; expected churn "
        f"{expected_churn_text(p)}."
    )
    if review.baseline:
        head += "\nFirst review: this is the baseline; changes are shown from next week on."
    data = review.data
    head += f"\n{data.former_note}" if data.former_note else ""
    head += f"\nData: {data.share_left_out:.2%} of the rows left out, {plural(len(data.gaps), 'gap')}. {review.drafter_note}\n"
    head += "".join(f"{note}\n" for note in (data.left_out_note, data.health_note) if note)
    head += "".join(f"\n* {_story(story, p.currency)}" for story in review.stories) + ("\n" if review.stories else "")
    rows = [
        (
            str(line.rank),
            line.name,
            format_money(line.arr, line.currency),
            _number(line.health),
            _number(line.risk_score),
            *_standing(line),
        )
        for line in review.listed[:_ROWS]
    ]
    columns = [("#", "right"), ("account", "left"), ("ARR", "right"), ("health", "right"), ("risk", "right"),
               ("priority", "left"), ("change", "left"), ("why", "left")]  # fmt: skip
    counts = ", ".join(f"{count.name} {count.accounts:,}" for count in review.plan_counts)
    waiting = f" ({len(review.needs.waiting)} wait for hours)" if review.needs.waiting else ""
    renewals = f"\n{_renewals(review.renewals, p.currency)}" if review.renewals else ""
    tail = renewals + (
        f"\nPlan: {counts}. {plural(len(review.plays), 'save play')}{waiting}, {plural(len(review.actions), 'action')}."
    )
    if folder is not None:
        tail += f"\nEverything is in {folder}; start with review.html."
    return render_parts(head, text_table("The list (health: high is good; risk: high is bad)", columns, rows), tail)


def _renewals(view: "RenewalView", currency: str) -> str:
    """The renewals of four quarters on one line, and those that are overdue."""
    total, overdue = view.total, view.period("overdue")
    late = (
        f"; {overdue.accounts:,} overdue ({format_total(overdue.arr, overdue.accounts, overdue.unknown_arr, currency)})"
        if overdue.accounts
        else ""
    )
    return (
        f"Renewals until {view.last}: {format_total(total.arr, total.accounts, total.unknown_arr, currency)} in "
        f"{plural(total.accounts, 'account')}, {format_money(total.expected_arr, currency)} expected, "
        f"{format_money(total.at_risk_arr, currency)} at risk, {format_money(total.committed_arr, currency)} committed{late}."
    )


def _story(story: "Story", currency: str) -> str:
    from domain.plan import TBD  # `score` prints no review and loads none

    owner = "no owner yet" if story.owner == TBD else story.owner
    by = f", {format_short_day(story.by)}" if story.by else ""
    return f"{story.title} ({format_arr(story.arr, currency)}). {story.detail}\n  Next: {story.proposal} ({owner}{by})"


def _standing(line: "ListedAccount") -> tuple[str, str, str]:
    """Priority, change and first reason of a line of the list."""
    from domain.portfolio import AheadAccount

    if isinstance(line, AheadAccount):
        return "watch", "ahead", line.reason
    return line.intervention_tier, line.change, line.reasons[0] if line.reasons else ""


def backtest_text(found: "Backtest", test: str) -> str:
    """The look back: the list against simple rules, and the chances against what came."""
    weeks, soon = found.list_horizon_weeks, found.chance_horizon_weeks
    rules = [
        (
            rule.name,
            _share(rule.arr_caught),
            _share(rule.leavers_caught),
            "unknown" if rule.lead_weeks is None else f"{rule.lead_weeks:.1f}",
        )
        for rule in found.rules
    ]
    bands = [
        (f"{band.low:.0%} to {band.high:.0%}", f"{band.account_weeks:,}", f"{band.said:.1%}", f"{band.came:.1%}")
        for band in found.bands
    ]
    columns = [
        ("first " + str(found.list_size), "left"),
        ("ARR caught", "right"),
        ("leavers caught", "right"),
        ("weeks ahead", "right"),
    ]
    told = [("chance", "left"), ("account-weeks", "right"), ("said", "right"), ("came", "right")]
    parts: list[Table | str] = [
        f"{found.note}\n{test}\n",
        *([text_table(f"Left within {weeks} weeks", columns, rules)] if rules else []),
        *([text_table(f"Chance of leaving within {soon} weeks", told, bands)] if bands else []),
    ]
    return render_parts(*parts)


def _share(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0%}"


def scores_text(base: "ScoreOnlyBase") -> str:
    """Totals by risk tier, and the accounts with the most revenue at risk."""
    tiers = base.rows(
        "select risk_tier, count(*) as n, coalesce(sum(arr), 0) as arr, count(*) filter (arr is null) as unknown from scored"
        " group by 1 order by 1"
    )
    currency = base.configuration.scoring.money.home
    totals = [
        (row["risk_tier"], f"{row['n']:,}", format_total(float(row["arr"]), row["n"], row["unknown"], currency))
        for row in tiers
    ]
    worst = base.rows(
        "select account_id, name, arr, health, health_band, risk, risk_tier, intervention_tier from scored "
        f"order by at_risk desc, risk * cast(arr as double) desc, account_id limit {_ROWS}"
    )
    rows = [
        (row["account_id"], row["name"], format_money(known_amount(row["arr"]), currency), _number(row["health"]), row["health_band"],
         _number(row["risk"]), row["risk_tier"], row["intervention_tier"] or "")
        for row in worst
    ]  # fmt: skip
    columns = [("account", "left"), ("name", "left"), ("ARR", "right"), ("health", "right"), ("band", "left"),
               ("risk", "right"), ("tier", "left"), ("intervention", "left")]  # fmt: skip
    return render_parts(
        text_table("Accounts by risk tier", [("tier", "left"), ("accounts", "right"), ("ARR", "right")], totals),
        "",
        text_table("Highest risk × ARR (health: high is good; risk: high is bad)", columns, rows),
    )


def history_text(account: str, found: Sequence[Mapping[str, Any]]) -> str:
    """One account week by week."""
    rows = [
        (
            week["review_id"],
            str(week["as_of"]),
            _number(week["health"]),
            week["health_band"].replace("_", " "),
            _number(week["risk"]),
            week["risk_tier"],
            week["intervention_tier"] or "",
            (week["rule"] or "").replace("_", " "),
            "; ".join(
                note
                for note, holds in (("scoring changed", week["reconfigured"]), ("filled in", not week["reviewed"]))
                if holds
            ),
        )
        for week in found
    ]
    columns = [("week", "left"), ("as of", "left"), ("health", "right"), ("band", "left"), ("risk", "right"),
               ("tier", "left"), ("intervention", "left"), ("rule", "left"), ("note", "left")]  # fmt: skip
    title = f"{account}, {found[-1]['name']} (health: high is good; risk: high is bad)"
    return render_parts(text_table(title, columns, rows))


def data_report_text(report: "DataReport", day: date) -> str:
    """The data audit: sources, rows left out, signals, gaps."""
    sources = [
        (
            source.table,
            source.location if source.connected else "not connected",
            f"{source.rows:,}" if source.connected else "",
            _count(source.rows_left_out),
            f"{source.share_left_out:.2%}" if source.share_left_out else "",
            str(source.first_date or ""),
            str(source.last_date or ""),
            f"{(day - source.seen_until).days} days" if source.seen_until else "",
        )
        for source in report.sources
    ]
    left = [
        (entry.table, entry.column or "", f"{entry.rows:,}", entry.reason, "; ".join(entry.examples[:2]))
        for entry in report.rows_left_out
    ]
    signals = [
        (item.label, item.category, f"{item.known:,}", _count(item.stale), _count(item.unknown))
        for item in report.signal_coverage
    ]
    notices = [f"  {source.table}: {notice}" for source in report.sources for notice in source.notices]
    parts: list[Table | str] = [
        text_table(
            f"Sources, as of {day}",
            [("table", "left"), ("from", "left"), ("rows", "right"), ("left out", "right"), ("share", "right"), ("first", "left"),
             ("last", "left"), ("age", "right")],
            sources,
        )
    ]  # fmt: skip
    if report.read_from:
        windows = [f"  {table}: from {first} on" for table, first in report.read_from.items()]
        parts += ["", "Older rows are not read, because nothing looks back so far; they are in no count:", *windows]
    if notices:
        parts += ["", "Assumed while reading:", *notices]
    if left:
        columns = [("table", "left"), ("column", "left"), ("rows", "right"), ("reason", "left"), ("examples", "left")]
        parts += ["", text_table(f"Left out ({report.share_left_out:.2%} of all rows)", columns, left)]
    columns = [("signal", "left"), ("category", "left"), ("known", "right"), ("stale", "right"), ("unknown", "right")]
    parts += ["", text_table("Signals: accounts", columns, signals)]
    if report.former_note:
        parts += ["", report.former_note]
    if report.gaps:
        parts += ["", "Gaps and what they cost:", *[f"  {gap.message}" for gap in report.gaps]]
    notes = [note for note in (report.ends_note, report.health_note, report.left_out_note) if note]
    parts = [*notes, "", *parts] if notes else parts
    return render_parts(*parts)
