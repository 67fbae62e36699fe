"""The gaps of the data: what is not connected, not filled, too old or not readable, and what that costs.

A gap of the portfolio is said once, with its reason. A gap of single accounts is counted.
"""

from collections.abc import Iterable
from datetime import timedelta

from domain.data_audit import SourceAudit
from domain.portfolio import DataGap, SignalCoverage
from domain.score_configuration import SIZES
from tools.scoring.scored_base import ScoreOnlyBase, signal_coverage
from tools.scoring.signal_reasons import reason_unknown, reason_unknown_everywhere
from tools.scoring.source_shares import connected_weight, signal_tables
from tools.signals.own_signals import observed_on
from tools.signals.registry import EARLIER_DAYS
from tools.sql import sql_date
from tools.wording import capitalize_first, format_date, plural

_NAMED = 3
"""Accounts that a gap names."""


def count_signals(base: ScoreOnlyBase) -> tuple[SignalCoverage, ...]:
    """For each signal the number of accounts of which it is known, stale and unknown."""
    signals = base.configuration.scoring.signals
    return tuple(
        SignalCoverage(
            signal=name, label=signals[name].label, category=signals[name].category, known=k, stale=s, unknown=u
        )
        for name, k, s, u in signal_coverage(base)
    )


def unknown_reasons(base: ScoreOnlyBase) -> dict[str, str]:
    """By signal: the reason for the accounts of which it is unknown."""
    signals = base.configuration.scoring.signals
    return {
        item.signal: reason_unknown(item.signal, signals[item.signal], base.audit, item.known + item.stale > 0)
        for item in count_signals(base)
    }


def left_out_note(base: ScoreOnlyBase) -> str:
    """One sentence with the share of each table that could not be used; empty where every row could."""
    shares = sorted((-source.share_left_out, source.table) for source in base.audit.sources if source.share_left_out)
    return (
        f"Not usable by table: {', '.join(f'{table} {_percent(-share)}' for share, table in shares)}." if shares else ""
    )


def _percent(share: float) -> str:
    """A share in percent; a small one with decimals, so that it does not look like none."""
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.2f} %"


def health_note(base: ScoreOnlyBase) -> str:
    """One sentence on what health rests on; empty where every source is connected."""
    scoring, shares = base.configuration.scoring, base.source_shares
    weights = connected_weight(scoring, shares)
    present = {row["size"] for row in base.rows("select distinct size from scored")}
    found = sorted({round(weights[size]) for size in SIZES if size in present})
    if not found or all(weights[size] == 100 for size in SIZES):
        return ""
    if found[-1] == 0:
        return "Health is not scored: no source that it is measured from is connected."
    tables = _tables_of_health(base)
    share = f"{found[0]} %" if len(found) == 1 else f"{found[0]} to {found[-1]} % (by size of account)"
    return f"Health rests on {_listed(tables)}{' alone' if len(tables) == 1 else ''}, {share} of the intended weight."


def _tables_of_health(base: ScoreOnlyBase) -> list[str]:
    """The connected tables that signals are measured from, in the order of the audit."""
    signals = base.configuration.scoring.signals
    measured = {table for name, signal in signals.items() for table in signal_tables(name, signal)}
    return [source.table for source in base.audit.sources if source.connected and source.table in measured]


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def data_gaps(base: ScoreOnlyBase, counted: tuple[SignalCoverage, ...]) -> tuple[DataGap, ...]:
    """All gaps, those of the portfolio first."""
    signals = base.configuration.scoring.signals
    total = base.rows("select count(*) as n, count(*) filter (health is null) as unscored from scored")[0]
    found = [gap for source in base.audit.sources for gap in _source_gaps(source, counted, base, total["n"])]
    found += _gaps_of_everybody(base, counted, total["n"])
    groups: dict[tuple[str, str, int, str, int | None], list[str]] = {}
    for item in counted:
        table, observed, days = signals[item.signal].table, observed_on(item.signal), signals[item.signal].fresh.days
        observed = EARLIER_DAYS.get(observed, observed)
        if item.stale:
            groups.setdefault(("stale_source", table, item.stale, observed, days), []).append(item.signal)
        if item.unknown and item.known + item.stale and base.audit.source(table).connected:
            groups.setdefault(("signal", table, item.unknown, observed, None), []).append(item.signal)
    for (kind, table, accounts, _, limit), names in groups.items():
        labels = ", ".join(signals[name].label for name in names)
        if kind == "stale_source":
            message = f"{labels}: too old for {plural(accounts, 'account')} (limit {limit} days), counted as unknown."
            found.append(DataGap(kind="stale_source", subject=table, message=message, accounts=accounts))
        else:
            message = f"{labels}: not measured for {plural(accounts, 'account')}."
            found.append(DataGap(kind="signal", subject=table, message=message, accounts=accounts))
    found += _silence_gap(base)
    if total["unscored"]:
        share = base.configuration.scoring.minimum_coverage.value
        many = plural(total["unscored"], "account")
        message = f"Health is not scored for {many}: under {share:.0%} of the connected weight is known."
        found.append(DataGap(kind="accounts", subject="health", message=message, accounts=total["unscored"]))
    lost = [DataGap(kind="history", subject="history", message=m, accounts=total["n"]) for m in base.history_notices]
    return tuple(found + _unknown_arr(base) + _renewal_questions(base) + base.former.gaps() + lost)


def _unknown_arr(base: ScoreOnlyBase) -> list[DataGap]:
    """Accounts without an ARR: they are scored, and in no sum."""
    accounts = base.rows("select count(*) as n from scored where arr is null")[0]["n"]
    if not accounts:
        return []
    message = f"The ARR of {plural(accounts, 'account')} is unknown: scored, but in no sum of ARR, and listed after the others."
    return [DataGap(kind="accounts", subject="arr", message=message, accounts=accounts)]


def _renewal_questions(base: ScoreOnlyBase) -> list[DataGap]:
    """Renewals so long past that nobody can have meant them: they count as unknown."""
    days = int(base.configuration.scoring.renewal_question_after.value)
    rows = base.rows(
        "select name, renewal_date, count(*) over () as accounts from scored where renewal_date < ? "
        f"order by arr desc nulls last, account_id limit {_NAMED}",
        [base.as_of - timedelta(days=days)],
    )
    if not rows:
        return []
    accounts = rows[0]["accounts"]
    names = ", ".join(f"{row['name']} ({format_date(row['renewal_date'])})" for row in rows)
    more = f" and {plural(accounts - _NAMED, 'more account')}" if accounts > _NAMED else ""
    message = (
        f"The renewal date is more than {days} days past and counts as unknown: {names}{more}. Correct the date, or say"
        " auto_renews (and term_months) in accounts for a contract that renews by itself."
    )
    return [DataGap(kind="accounts", subject="renewal_date", message=message, accounts=accounts)]


def _silence_gap(base: ScoreOnlyBase) -> list[DataGap]:
    """Accounts that stopped in a table that may have rows on days with use only: their silence is not measured."""
    limit, seen = base.configuration.scoring.signals["days_silent"].fresh.days, base.audit.source("usage").seen_until
    if limit is None or seen is None or (base.as_of - seen).days > limit:
        return []
    oldest = sql_date(base.as_of - timedelta(days=limit))
    row = base.rows(
        f"select coalesce(max(days_silent), 0) as silent, count(*) filter (usage_on < {oldest}) as stopped from measured"
    )[0]
    if row["silent"] or not row["stopped"]:
        return []
    many = plural(row["stopped"], "account")
    message = (
        f"No account ends on a day without use in usage, and {many} had no row in the last {limit} days: not measured, so nobody"
        " is known to be silent. If a day without a row is a day without use, set tables.usage.no_row: zero in mapping.yaml."
    )
    return [DataGap(kind="signal", subject="usage", message=message, accounts=row["stopped"])]


def _gaps_of_everybody(base: ScoreOnlyBase, counted: Iterable[SignalCoverage], accounts: int) -> list[DataGap]:
    """The signals that no account has because of what a connected source does not hold, one gap for each reason."""
    signals = base.configuration.scoring.signals
    groups: dict[tuple[str, str], list[str]] = {}
    for item in counted:
        table = signals[item.signal].table
        if item.known + item.stale or not base.audit.source(table).connected:
            continue
        if reason := reason_unknown_everywhere(item.signal, signals[item.signal], base.audit):
            groups.setdefault((table, reason), []).append(item.label)
    return [
        DataGap(
            kind="signal",
            subject=table,
            message=f"{capitalize_first(reason)}, so these are unknown for every account: {', '.join(labels)}.",
            accounts=accounts,
        )
        for (table, reason), labels in groups.items()
    ]


_IN_PLACE_OF = {("tickets", "status"): "closed_at"}
"""By table and column: the column that says the same and more. Where that one is there, nothing is missed."""


def _source_gaps(
    source: SourceAudit, counted: tuple[SignalCoverage, ...], base: ScoreOnlyBase, accounts: int
) -> Iterable[DataGap]:
    """A source that is not connected and the signals it costs, or what a connected one lacks."""
    signals = base.configuration.scoring.signals
    if not source.connected:
        lost = [i.label for i in counted if signals[i.signal].table == source.table and not i.known + i.stale]
        cost = f", so these are unknown for every account: {', '.join(lost)}" if lost else ""
        state = "is not connected"
        if source.given_up:
            state = (
                f"is treated as not connected, because {_percent(source.share_left_out)} of its rows could not be used"
            )
        yield DataGap(
            kind="not_connected", subject=source.table, message=f"{source.table} {state}{cost}.", accounts=accounts
        )
        return
    if absent := [
        name for name in source.columns_absent if _IN_PLACE_OF.get((source.table, name)) not in source.columns
    ]:
        message = f"{source.table} has no {', '.join(absent)}."
        yield DataGap(kind="column_absent", subject=source.table, message=message, accounts=accounts)
    if source.share_left_out > base.configuration.scoring.left_out_noticed.value:
        message = (
            f"{_percent(source.share_left_out)} of the rows of {source.table} could not be used: what is measured from it counts"
            f" {_percent(1 - source.share_left_out)} towards coverage, and confidence is not high."
        )
        yield DataGap(kind="unreadable", subject=source.table, message=message, accounts=accounts)
