"""The portfolio in numbers: totals, tiers, the bridge, books and gaps, all counted in the engine."""

from collections.abc import Iterable
from datetime import date

from domain.configuration import AlertRule
from domain.phase_results import CsmBook, MovableAccount, PortfolioCounts
from domain.portfolio import (
    AccountMovement,
    Alert,
    BridgeStep,
    DataReport,
    MatrixCell,
    PortfolioSummary,
    TierCount,
)
from domain.score_configuration import SIZES
from tools.scoring.churn_forecast import SPREAD_SQL, churn_basis, churn_interval, churn_note
from tools.scoring.data_gaps import count_signals, data_gaps, health_note, left_out_note
from tools.scoring.health import component_sql, fresh_value_sql
from tools.scoring.scored_base import Row, ScoredBase, ScoreOnlyBase
from tools.scoring.tiers import condition_sql
from tools.scoring.week_over_week import BRIDGE_SQL
from tools.sql import sql_number, sql_string
from tools.wording import format_date, known_amount, plural

_UNKNOWN_ARR = "count(*) filter (arr is null) as unknown, count(*) filter (arr is null and at_risk) as risky_unknown"
_STEPS = ("opening", "exchange_rates", "configuration", "entered", "left", "gone", "arr_changed", "closing")
_TIERS = ("critical", "high", "medium", "low")
_BANDS = ("red", "yellow", "green", "not_scored")
_SCATTER = 120


def _counts(base: ScoredBase, column: str, order: tuple[str, ...] = ()) -> tuple[TierCount, ...]:
    rows = base.rows(
        f"select {column} as name, count(*) as accounts, coalesce(sum(arr), 0) as arr, count(*) filter (at_risk) as risky, "
        f"coalesce(sum(arr) filter (at_risk), 0) as risky_arr, {_UNKNOWN_ARR} from scored group by 1 order by 1"
    )
    found = {
        str(row["name"]): TierCount(
            name=str(row["name"]),
            accounts=row["accounts"],
            arr=float(row["arr"]),
            at_risk_accounts=row["risky"],
            at_risk_arr=float(row["risky_arr"]),
            unknown_arr=row["unknown"],
            at_risk_unknown_arr=row["risky_unknown"],
        )
        for row in rows
    }
    empty = {name: TierCount(name=name, accounts=0, arr=0.0, at_risk_accounts=0, at_risk_arr=0.0) for name in order}
    return tuple({**empty, **found}.values())


def at_risk_bridge(base: ScoredBase) -> tuple[BridgeStep, ...]:
    """At-risk ARR from last week to this one; empty in the first review."""
    if base.previous is None:
        return ()
    rows = {row["step"]: row for row in base.rows(BRIDGE_SQL)}
    named = int(base.configuration.review.bridge_accounts.value)
    found = []
    for name in _STEPS:
        row = rows.get(name, {"arr": 0, "accounts": 0, "account_ids": []})
        found.append(
            BridgeStep(
                name=name,
                arr=float(row["arr"]),
                accounts=row["accounts"],
                account_ids=tuple(row["account_ids"][:named]),
            )
        )
    return tuple(found)


def _movements(base: ScoredBase) -> tuple[AccountMovement, ...]:
    """New, worsened, improved and resolved, by ARR; at most ``movement_rows``."""
    if base.previous is None:
        return ()
    rows = base.rows(
        "select * from compared where change in ('new', 'worsened', 'improved', 'resolved') "
        "order by arr desc nulls last, account_id limit ?",
        [int(base.configuration.review.movement_rows.value)],
    )
    return tuple(
        AccountMovement(
            account_id=row["account_id"],
            name=row["name"],
            arr=known_amount(row["arr"]),
            change=row["change"],
            note=change_note(row["change"], row["risk_then"], row["risk"], row["tier_then"], row["risk_tier"]),
        )
        for row in rows
    )


def change_note(change: str, then: float | None, now: float | None, tier_then: str | None, tier: str | None) -> str:
    """The change since last week in one sentence."""
    if change == "baseline":
        return "First review: this is the baseline."
    if then is None or now is None:
        return "Not in last week's review."
    moved = f"risk {then:.0f} → {now:.0f} (high is bad)"
    if change == "resolved":
        return f"No longer at risk: {moved}."
    if tier_then != tier:
        moved += f", tier {tier_then} → {tier}"
    words = {
        "new": "At risk since this week",
        "worsened": "Worse",
        "improved": "Better",
        "unchanged": "Much as last week",
    }
    return f"{words[change]}: {moved}."


def summarize_portfolio(base: ScoredBase) -> PortfolioSummary:
    """The customer base in numbers; tiers, segments and bands sum to the same totals."""
    total = base.rows(
        "select count(*) as accounts, coalesce(sum(arr), 0) as arr, count(*) filter (at_risk) as risky, "
        "coalesce(sum(arr) filter (at_risk), 0) as risky_arr, coalesce(sum(expected_churn_arr), 0) as expected, "
        f"{_UNKNOWN_ARR}, count(*) filter (health is null) as not_scored, count(*) filter (renewal_in_days < 0) as overdue, {SPREAD_SQL} "
        "as spread from scored"
    )[0]
    low, high = churn_interval(float(total["expected"]), float(total["spread"]), base.odds.rate)
    return PortfolioSummary(
        accounts=total["accounts"],
        currency=base.configuration.scoring.money.home,
        arr=float(total["arr"]),
        unknown_arr=total["unknown"],
        at_risk_accounts=total["risky"],
        arr_at_risk=float(total["risky_arr"]),
        at_risk_unknown_arr=total["risky_unknown"],
        expected_churn_arr=float(total["expected"]),
        churn_horizon_weeks=int(base.configuration.scoring.churn.horizon_weeks.value),
        expected_churn_low=low,
        expected_churn_high=high,
        yearly_churn_rate=round(base.odds.rate.yearly, 6),
        churn_basis=churn_basis(base.odds),
        calibrated=base.odds.checked,
        calibration_note=churn_note(base.odds, base.configuration.scoring.churn),
        by_tier=_counts(base, "risk_tier", _TIERS),
        by_segment=_counts(base, "segment"),
        by_band=_counts(base, "health_band", _BANDS),
        bridge=at_risk_bridge(base),
        movements=_movements(base),
        not_scored=total["not_scored"],
        overdue_renewals=total["overdue"],
        scatter=tuple(
            (row["name"], row["risk"], float(row["arr"]), row["risk_tier"])
            for row in base.rows(
                "select name, risk, arr, risk_tier from scored where arr is not null "
                f"order by at_risk desc, risk * arr desc, account_id limit {_SCATTER}"
            )
        ),
    )


def csm_books(base: ScoredBase) -> tuple[CsmBook, ...]:
    """The book of each CSM; the accounts without one come first."""
    sizes = ", ".join(f"count(*) filter (size = {sql_string(size)}) as n_{size}" for size in SIZES)
    rows = base.rows(
        "select csm_id, count(*) as accounts, coalesce(sum(arr), 0) as arr, count(*) filter (health_band = 'red') as red, "
        f"count(*) filter (at_risk) as risky, coalesce(sum(arr) filter (at_risk), 0) as risky_arr, {_UNKNOWN_ARR}, "
        f"{sizes} from scored group by csm_id order by csm_id nulls first"
    )
    return tuple(
        CsmBook(
            csm_id=row["csm_id"],
            accounts=row["accounts"],
            arr=float(row["arr"]),
            red_accounts=row["red"],
            at_risk_accounts=row["risky"],
            at_risk_arr=float(row["risky_arr"]),
            unknown_arr=row["unknown"],
            at_risk_unknown_arr=row["risky_unknown"],
            by_size={size: row[f"n_{size}"] for size in SIZES},
        )
        for row in rows
    )


def csm_ids(base: ScoredBase) -> list[str]:
    """Ids of the CSMs, and of owners of accounts that the people table does not have."""
    rows = base.rows(
        "select person_id from people where role = 'csm' union select csm_id from scored "
        "where csm_id is not null and csm_id not in (select person_id from people) order by 1"
    )
    return [row["person_id"] for row in rows]


def movable_accounts(base: ScoredBase, csms: list[str]) -> tuple[MovableAccount, ...]:
    """Accounts of the given CSMs that could change hands quietly: green, not at risk, no renewal soon."""
    review = base.configuration.review
    rows = base.rows(
        "select account_id, name, arr, csm_id, size from scored where csm_id in (select unnest(?)) and not at_risk "
        "and health_band = 'green' and (renewal_in_days is null or renewal_in_days > ?) "
        "order by arr, account_id limit ?",
        [csms, review.handover_renewal_after.value, int(review.handover_candidates.value)],
    )
    return tuple(MovableAccount(**{**row, "arr": known_amount(row["arr"])}) for row in rows)


def portfolio_counts(base: ScoredBase) -> PortfolioCounts:
    """Accounts by segment and by CSM."""
    segments = base.rows("select segment as k, count(*) as n from scored group by 1 order by 1")
    csms = base.rows("select csm_id as k, count(*) as n from scored where csm_id is not null group by 1 order by 1")
    return PortfolioCounts(segments={r["k"]: r["n"] for r in segments}, csms={r["k"]: r["n"] for r in csms})


def opportunity_matrix(base: ScoredBase) -> tuple[MatrixCell, ...]:
    """Risk × opportunity, nine fields. Opportunity is the configured mean of what speaks for growth, known parts only."""
    review = base.configuration.review
    shares = review.opportunity
    high, medium = sql_number(review.opportunity_high.value), sql_number(review.opportunity_medium.value)
    value = " + ".join(f"coalesce(c_{name} * {sql_number(share)}, 0)" for name, share in shares.items())
    weight = " + ".join(
        f"case when c_{name} is null then 0 else {sql_number(share)} end" for name, share in shares.items()
    )
    rows = base.rows(
        f"""with parts as ({_components(base, list(shares))}),
        graded as (
            select s.account_id, s.name, s.arr,
                case when s.risk_tier in ('critical', 'high') then 'high' when s.risk_tier = 'medium' then 'medium'
                    else 'low' end as risk,
                case when ({weight}) = 0 then 'low' when ({value}) / ({weight}) >= {high} then 'high'
                    when ({value}) / ({weight}) >= {medium} then 'medium' else 'low' end as opportunity
            from scored s join parts p on p.account_id = s.account_id)
        select risk, opportunity, count(*) as accounts, coalesce(sum(arr), 0) as arr, count(*) filter (arr is null) as unknown,
            list(name order by arr desc nulls last, account_id)[1:3] as examples from graded group by 1, 2"""
    )
    found = {(row["risk"], row["opportunity"]): row for row in rows}
    levels = ("high", "medium", "low")
    return tuple(_cell(base, risk, chance, found.get((risk, chance))) for risk in levels for chance in levels)


def _fresh(base: ScoredBase, names: Iterable[str]) -> str:
    """Fresh values of a few signals, one row an account."""
    signals = base.configuration.scoring.signals
    fresh = [f"{fresh_value_sql(n, signals[n], base.as_of) if n in signals else n} as {n}" for n in sorted(set(names))]
    return f"select {', '.join(['account_id', *fresh])} from measured"


def _components(base: ScoredBase, names: list[str]) -> str:
    signals = base.configuration.scoring.signals
    parts = ", ".join(f"{component_sql(n, signals[n])} as c_{n}" for n in names)
    return f"select account_id, {parts} from ({_fresh(base, names)})"


_STATE_SQL = {
    "any": "true",
    "at_risk": "s.at_risk",
    "critical": "s.intervention_tier = 'critical'",
    "fell": "c.fell",
    "new": "c.change = 'new'",
    "resolved": "c.change = 'resolved'",
}


def workflow_alerts(base: ScoredBase) -> tuple[tuple[Alert, ...], dict[str, int]]:
    """Accounts in each workflow state, by ARR (at most ``alerts_per_state`` each), and how many hold it."""
    found: list[Alert] = []
    counts: dict[str, int] = {}
    rules = base.configuration.review.workflow
    most = int(base.configuration.review.alerts_per_state.value)
    names = {condition.signal for rule in rules for condition in rule.when}
    base.connection.execute(f"create or replace temp table states as {_fresh(base, names)}")
    for rule in rules:
        holds = " and ".join([_STATE_SQL[rule.standing], *(condition_sql(c) for c in rule.when)])
        rows = base.rows(
            "select s.account_id, s.name, count(*) over () as total from "
            "(select account_id, name, arr, at_risk, intervention_tier from scored) s join states f on "
            "f.account_id = s.account_id join (select account_id, change, fell from compared) c on "
            f"c.account_id = s.account_id where {holds} "
            f"order by s.arr desc nulls last, s.account_id limit {most}"
        )
        counts[rule.id] = rows[0]["total"] if rows else 0
        found += [_alert(rule, row, base) for row in rows]
    return tuple(found), counts


def _alert(rule: AlertRule, row: Row, base: ScoredBase) -> Alert:
    return Alert(
        kind=rule.id,
        account_id=row["account_id"],
        name=row["name"],
        message=f"{rule.state}. Tell: {rule.alert}.",
        crm_field=rule.crm_field,
        crm_value=rule.crm_value,
        task=rule.task,
        on=base.as_of,
    )


def _cell(base: ScoredBase, risk: str, chance: str, row: Row | None) -> MatrixCell:
    return MatrixCell(
        risk=risk,
        opportunity=chance,
        accounts=row["accounts"] if row else 0,
        arr=float(row["arr"]) if row else 0.0,
        unknown_arr=row["unknown"] if row else 0,
        examples=tuple(row["examples"]) if row else (),
        play=base.configuration.review.matrix[f"{risk}/{chance}"],
    )


def data_report(base: ScoreOnlyBase) -> DataReport:
    """Sources, gaps and coverage: what the numbers rest on and what they lack."""
    counted = count_signals(base)
    return DataReport(
        sources=base.audit.sources,
        gaps=data_gaps(base, counted),
        rows_left_out=base.audit.left_out,
        share_left_out=round(base.audit.share_left_out, 6),
        signal_coverage=counted,
        fingerprint=base.audit.fingerprint,
        ends_note=_ends_note(base),
        health_note=health_note(base),
        left_out_note=left_out_note(base),
        former_accounts=base.former.left_out,
        former_arr=base.former.arr,
        former_note=base.former.note(base.configuration.scoring.money.home),
        read_from={read.table: read.since for read in base.reads if read.since is not None},
    )


def _ends_note(base: ScoreOnlyBase) -> str:
    """A sentence when the newest dated row is long past. Due dates of invoices are written ahead and do not count."""
    known = base.configuration.scoring.tables
    tables = [name for name, table in known.items() if table.freshness_columns and name != "invoices"]
    seen = [day for name in tables if (day := base.audit.source(name).seen_until)]
    if not seen or (days := (base.as_of - max(seen)).days) <= base.configuration.scoring.data_ends_before_days.value:
        return ""
    return f"The data ends on {format_date(max(seen))}, {plural(days, 'day')} before this review."


def current_health(base: ScoredBase, accounts: list[str]) -> dict[str, float | None]:
    """Health today of some accounts, as far as they are still customers."""
    rows = base.rows("select account_id, health from scored where account_id in (select unnest(?))", [accounts])
    return {row["account_id"]: row["health"] for row in sorted(rows, key=lambda row: row["account_id"])}


def still_at_risk(base: ScoredBase, accounts: list[str]) -> set[str]:
    """Those of some accounts that are at risk today."""
    rows = base.rows("select account_id from scored where at_risk and account_id in (select unnest(?))", [accounts])
    return {row["account_id"] for row in rows}


def outcomes_since(base: ScoredBase, since: dict[str, date]) -> dict[str, str]:
    """The latest outcome of each account on or after its date; several on one day: the worst."""
    if not since:
        return {}
    rows = base.rows(
        "select o.account_id, arg_max(o.kind, (o.date, case o.kind when 'churned' then 3 when 'contracted' then 2 "
        "when 'renewed' then 1 else 0 end)) as kind from outcomes o join (select unnest(?) as account_id, "
        "unnest(?) as since) s on s.account_id = o.account_id and o.date >= s.since group by 1 order by 1",
        [list(since), list(since.values())],
    )
    return {row["account_id"]: row["kind"] for row in rows}
