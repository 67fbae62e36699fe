"""The accounts of the intervention plan, straight from the engine: at risk by tier, and renewals to watch."""

from collections.abc import Collection, Mapping

from domain.phase_results import PlanRow
from domain.portfolio import TierCount
from tools.evidence.evidence import direction, signal_sentence
from tools.scoring.scored_base import Row, ScoredBase
from tools.scoring.tiers import rule_inputs
from tools.signals import CONTEXT_COLUMNS
from tools.wording import known_amount

_TIERS = ("critical", "high", "medium", "watch")
_TOP = 2


def at_risk_ids(base: ScoredBase, limit: int) -> list[str]:
    """The at-risk list: overdue renewals first, then by risk × ARR, ties by account id."""
    rows = base.rows(
        "select account_id from scored where at_risk order by coalesce(renewal_in_days < 0, false) desc, "
        "risk * cast(arr as double) desc, account_id limit ?",
        [limit],
    )
    return [row["account_id"] for row in rows]


def read_plan_scores(base: ScoredBase) -> list[Row]:
    """Every account of the plan, by tier and ARR, cut at the configured length of a table."""
    limit = int(base.configuration.review.plan_rows_per_tier.value)
    rows = base.rows(
        "select account_id, name, segment, arr, size, intervention_tier, rule, csm_id, exec_sponsor_id, renewal_date, "
        "renewal_in_days, alarm, risk, row_number() over (partition by intervention_tier order by "
        "coalesce(renewal_in_days < 0, false) desc, arr desc, account_id) as place from scored "
        "where intervention_tier is not null qualify place <= ? order by account_id",
        [limit],
    )
    return sorted(rows, key=lambda row: (_TIERS.index(row["intervention_tier"]), row["place"]))


def build_plan_rows(base: ScoredBase, rows: list[Row], details: Mapping[str, list[Row]]) -> tuple[PlanRow, ...]:
    """The accounts of the plan with what decides their action."""
    names = ", ".join(CONTEXT_COLUMNS)
    found = base.rows(f"select account_id, {names} from measured semi join picked using (account_id)")
    context = {row["account_id"]: row for row in found}
    wanted = rule_inputs(base.configuration.tiers)
    return tuple(_plan_row(base, row, details[row["account_id"]], context[row["account_id"]], wanted) for row in rows)


def _plan_row(base: ScoredBase, row: Row, details: list[Row], context: Row, wanted: Collection[str]) -> PlanRow:
    values = {part["signal"]: part["value"] for part in details} | {name: context[name] for name in CONTEXT_COLUMNS}
    return PlanRow(
        account_id=row["account_id"],
        name=row["name"],
        arr=known_amount(row["arr"]),
        size=row["size"],
        tier=row["intervention_tier"],
        rule=row["rule"],
        csm_id=row["csm_id"],
        exec_sponsor_id=row["exec_sponsor_id"],
        renewal_date=row["renewal_date"],
        renewal_in_days=int(row["renewal_in_days"]) if row["renewal_in_days"] is not None else None,
        velocity_alarm=row["alarm"],
        risk=row["risk"],
        values={name: value for name, value in values.items() if name in wanted},
        top=_top_evidence(base, details),
    )


def _top_evidence(base: ScoredBase, details: list[Row]) -> tuple[str, ...]:
    scoring = base.configuration.scoring
    heavy = sorted(
        (part for part in details if part["risk_points"] > 0), key=lambda p: (-p["risk_points"], p["signal"])
    )
    return tuple(
        signal_sentence(
            part["signal"],
            part["value"],
            direction(scoring.signals[part["signal"]], part["component"], scoring),
            scoring,
        )
        for part in heavy[:_TOP]
    )


def count_plan_totals(base: ScoredBase) -> tuple[TierCount, ...]:
    """Accounts and ARR by intervention tier, complete even where the table is cut."""
    rows = base.rows(
        "select intervention_tier as tier, count(*) as n, coalesce(sum(arr), 0) as arr, count(*) filter (at_risk) as risky, "
        "coalesce(sum(arr) filter (at_risk), 0) as risky_arr, count(*) filter (arr is null) as unknown, "
        "count(*) filter (arr is null and at_risk) as risky_unknown from scored where intervention_tier is not null group by 1"
    )
    found = {row["tier"]: row for row in rows}
    return tuple(
        TierCount(
            name=tier,
            accounts=found[tier]["n"] if tier in found else 0,
            arr=float(found[tier]["arr"]) if tier in found else 0.0,
            at_risk_accounts=found[tier]["risky"] if tier in found else 0,
            at_risk_arr=float(found[tier]["risky_arr"]) if tier in found else 0.0,
            unknown_arr=found[tier]["unknown"] if tier in found else 0,
            at_risk_unknown_arr=found[tier]["risky_unknown"] if tier in found else 0,
        )
        for tier in _TIERS
    )
