"""Signals in, scores out, for the whole base at once.

Pure: writes the SQL that turns a table ``measured`` (attributes, signals, observation days; one row an account) into
health, risk, tiers and probabilities. The same text scores today's base and, after a change of configuration, last
week's: so a change of weights can be told from a change of customers.
"""

from dataclasses import dataclass
from datetime import date

from domain.configuration import Configuration, Scoring
from tools import health, risk, tiers
from tools.signals import CONTEXT, OBSERVED_ON, literal

ATTRIBUTES = (
    "account_id",
    "name",
    "segment",
    "size",
    "arr",
    "contract_arr",
    "contract_currency",
    "renewal_date",
    "csm_id",
    "exec_sponsor_id",
    "lifecycle_stage",
    "parent_account_id",
    "started_on",
    "health_month_ago",
)
SCORES = (
    "health",
    "health_band",
    "coverage",
    "confidence",
    "velocity",
    "velocity_band",
    "risk",
    "score_tier",
    "risk_tier",
    "flagged",
    "alarm",
    "at_risk",
    "rule",
    "intervention_tier",
    "churn_probability",
    "expected_churn_arr",
)


FORMER_SQL = """
    select account_id from outcomes group by account_id
    having max(case when kind = 'churned' then date end) >=
        coalesce(max(case when kind <> 'churned' then date end), date '0001-01-01')"""
"""Accounts that have left: churned, and nothing since. They are no longer part of the base."""


@dataclass(frozen=True)
class ChurnCurve:
    """A logistic curve from risk to churn probability, and how it came about."""

    slope: float
    midpoint: float
    outcomes: int
    calibrated: bool


def measured_sql(scoring: Scoring, month_ago: str | None) -> str:
    """Attributes and signals side by side. ``month_ago`` names a table (account_id, health) or is None."""
    size = (
        f"case when a.arr_home > {health.number(scoring.enterprise_above.value)} then 'enterprise' "
        f"when a.arr_home < {health.number(scoring.small_business_below.value)} then 'small_business' "
        "else 'mid_market' end"
    )
    join = f"left join {month_ago} m on m.account_id = a.account_id" if month_ago else ""
    before = "m.health" if month_ago else "cast(null as double)"
    return f"""
        select a.account_id, a.name, coalesce(a.segment, {size}) as segment, {size} as size, a.arr_home as arr,
            a.arr as contract_arr, coalesce(upper(a.currency), '{scoring.money.home}') as contract_currency,
            a.renewal_date, a.csm_id, a.exec_sponsor_id, a.lifecycle_stage, a.parent_account_id, a.started_on,
            {before} as health_month_ago, s.* exclude (account_id)
        from accounts a join signals s on s.account_id = a.account_id {join}
        where a.account_id not in ({FORMER_SQL})"""


def _steps(configuration: Configuration, source: str, as_of: date, curve: ChurnCurve) -> str:
    """The chain of common table expressions from ``source`` to ``final``."""
    scoring = configuration.scoring
    today = literal(as_of)
    fresh = [f"{health.fresh_value(name, signal, today)} as {name}" for name, signal in scoring.signals.items()]
    components = [f"{health.component(name, signal)} as c_{name}" for name, signal in scoring.signals.items()]
    sums = health.category_columns(scoring) + risk.category_points(scoring)
    scores = health.health_columns(scoring) + risk.risk_columns(scoring)
    velocity = [
        "round((health - health_month_ago) / 30, 6) as velocity",
        health.banded("health", tuple((b.name, b.starts_at) for b in scoring.health_bands), "'not_scored'")
        + " as health_band",
        _velocity_band(scoring) + " as velocity_band",
        _confidence(scoring) + " as confidence",
    ]
    chance = f"{risk.churn_probability(curve.slope, curve.midpoint)} as churn_probability"
    expected = "cast(round(cast(arr as double) * churn_probability, 2) as decimal(18, 2)) as expected_churn_arr"
    layers = [
        ("fresh", f"select * replace ({', '.join(fresh)}) from {source}"),
        ("components", f"select *, {', '.join(components)} from fresh"),
        ("sums", f"select *, {', '.join(sums)} from components"),
        ("scores", f"select *, {', '.join(scores)} from sums"),
        ("moving", f"select *, {', '.join(velocity)} from scores"),
        ("tiered", f"select *, {', '.join(tiers.tier_columns(scoring, configuration.tiers))} from moving"),
        ("final", f"select *, {chance}, {expected} from tiered"),
    ]
    return "with " + ",\n".join(f"{name} as ({sql})" for name, sql in layers)


def _velocity_band(scoring: Scoring) -> str:
    alarm, concern, up = (
        health.number(s.value) for s in (scoring.velocity_alarm, scoring.velocity_concern, scoring.velocity_improving)
    )
    return (
        f"case when velocity is null then 'unknown' when velocity <= {alarm} then 'alarm' "
        f"when velocity <= {concern} then 'concern' when velocity <= {up} then 'stable' else 'improving' end"
    )


def _confidence(scoring: Scoring) -> str:
    high, medium = health.number(scoring.confidence_high.value), health.number(scoring.confidence_medium.value)
    return f"case when coverage >= {high} then 'high' when coverage >= {medium} then 'medium' else 'low' end"


def scored_sql(configuration: Configuration, source: str, as_of: date, curve: ChurnCurve) -> str:
    """One row an account: attributes and scores."""
    columns = ", ".join((*ATTRIBUTES, *SCORES, "renewal_in_days"))
    return f"{_steps(configuration, source, as_of, curve)} select {columns} from final"


def detail_sql(configuration: Configuration, source: str, as_of: date, curve: ChurnCurve, accounts: str) -> str:
    """Long form for a few accounts: one row a signal with value, component, share and points of both scores.

    ``accounts`` names a table with the column account_id.
    """
    scoring = configuration.scoring
    rows = []
    for name, signal in scoring.signals.items():
        part = health.share(name, signal)
        rows.append(
            f"select account_id, '{name}' as signal, {name} as value, {OBSERVED_ON[name]} as observed_on, "
            f"c_{name} as component, {part} as share, ({part}) * coalesce(c_{name}, 0) as health_points, "
            f"{risk.amplified(name, signal, scoring)} as risk_points, health, risk from chosen"
        )
    chosen = f"select final.* from final join {accounts} picked on picked.account_id = final.account_id"
    steps = _steps(configuration, source, as_of, curve)
    return f"{steps}, chosen as materialized ({chosen})\n" + "\nunion all\n".join(rows)


def state_counts_sql(configuration: Configuration, as_of: date) -> str:
    """Per signal, for how many accounts it is known, stale and unknown; one row, three columns a signal."""
    today = literal(as_of)
    columns = []
    for name, signal in configuration.scoring.signals.items():
        value = health.fresh_value(name, signal, today)
        columns.append(f"count({value}) as known_{name}")
        columns.append(f"count({name}) - count({value}) as stale_{name}")
    return f"select count(*) as accounts, {', '.join(columns)} from measured"


SNAPSHOT_COLUMNS = (*ATTRIBUTES, *OBSERVED_ON, *CONTEXT, *sorted(set(OBSERVED_ON.values())), *SCORES[:-2])
