"""Signals in, scores out, for the whole base at once.

Pure: writes the SQL that turns a table ``measured`` (attributes, signals, observation days; one row an account) into
health, risk, tiers and probabilities. The same text scores today's base and, after a change of configuration, last
week's: so a change of weights can be told from a change of customers.
"""

from dataclasses import dataclass
from datetime import date

from domain.configuration import Configuration, Scoring
from tools import health, risk, tiers
from tools.signals import CONTEXT, OBSERVED_ON, literal, signal_columns, six

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


def size_sql(scoring: Scoring, arr: str) -> str:
    """The size of an account by its ARR in the home currency."""
    return (
        f"case when {arr} > {health.number(scoring.enterprise_above.value)} then 'enterprise' "
        f"when {arr} < {health.number(scoring.small_business_below.value)} then 'small_business' else 'mid_market' end"
    )


def signals_table_sql(scoring: Scoring, source: str, has_month: bool) -> str:
    """The table ``signals``: one row an account, in the order of the accounts, with all that scoring needs to know.

    ``source`` stands after FROM and yields, row by row, ``accounts``, what the files of signals measure, what was stated
    and (with ``has_month``) ``month_health``.
    """
    size = size_sql(scoring, "accounts.arr_home")
    before = "month_health.health" if has_month else "cast(null as double)"
    columns = ", ".join(signal_columns())
    return (
        f"select accounts.account_id, accounts.arr_home as arr, {size} as size, {before} as health_month_ago, {columns} "
        f"from {source}"
    )


def measured_sql(scoring: Scoring) -> str:
    """Attributes and signals side by side, out of ``accounts`` and ``signals``, which are in the same order."""
    return f"""
        select a.account_id, a.name, coalesce(a.segment, s.size) as segment, s.size, s.arr,
            a.arr as contract_arr, coalesce(upper(a.currency), '{scoring.money.home}') as contract_currency,
            a.renewal_date, a.csm_id, a.exec_sponsor_id, a.lifecycle_stage, a.parent_account_id, a.started_on,
            s.* exclude (account_id, size, arr)
        from accounts a positional join signals s"""


def _both_scores(scoring: Scoring, source: str, as_of: date) -> tuple[str, list[list[str]]]:
    """The first table (fresh values of ``source``) and the steps from there to health and risk."""
    today = literal(as_of)
    fresh = [f"{health.fresh_value(name, signal, today)} as {name}" for name, signal in scoring.signals.items()]
    components = [f"{health.component(name, signal)} as c_{name}" for name, signal in scoring.signals.items()]
    scores = [a + b for a, b in zip(health.layers(scoring), risk.layers(scoring), strict=True)]
    return f"select * replace ({', '.join(fresh)}) from {source}", [components, *scores]


def _chain(first: str, steps: list[list[str]]) -> str:
    """Common table expressions from ``step_0`` to ``final``; each step sees the columns of those before it."""
    chain = [f"step_0 as ({first})"]
    chain += [f"step_{n} as (select *, {', '.join(columns)} from step_{n - 1})" for n, columns in enumerate(steps, 1)]
    return "with " + ",\n".join([*chain, f"final as (select * from step_{len(steps)})"])


VELOCITY = six("(health - health_month_ago) / 30")


def _judged(configuration: Configuration, curve: ChurnCurve, velocity: str) -> list[list[str]]:
    """The steps from both scores to bands, velocity, probability and tiers."""
    scoring = configuration.scoring
    bands = tuple((band.name, band.starts_at) for band in scoring.health_bands)
    moving = [f"{velocity} as velocity"]
    named = [
        health.banded("health", bands, "'not_scored'") + " as health_band",
        _velocity_band(scoring) + " as velocity_band",
        _confidence(scoring) + " as confidence",
        f"{risk.churn_probability(curve.slope, curve.midpoint)} as churn_probability",
    ]
    money = ["cast(round(cast(arr as double) * churn_probability, 2) as decimal(18, 2)) as expected_churn_arr"]
    return [moving, named, money, *tiers.layers(scoring, configuration.tiers)]


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


def scored_sql(
    configuration: Configuration,
    source: str,
    as_of: date,
    curve: ChurnCurve,
    velocity: str = VELOCITY,
    attributes: tuple[str, ...] = ATTRIBUTES,
) -> str:
    """One row an account: attributes and scores. ``velocity`` may name a column that was reported before."""
    columns = ", ".join((*attributes, *SCORES, "renewal_in_days"))
    first, steps = _both_scores(configuration.scoring, source, as_of)
    return f"{_chain(first, [*steps, *_judged(configuration, curve, velocity)])} select {columns} from final"


DETAILS = ("value", "observed_on", "component", "share", "health_points", "risk_points")
"""What is told about each signal of an account under review, as columns ``<detail>__<signal>``."""


def detail_sql(scoring: Scoring, source: str, as_of: date, accounts: str) -> str:
    """One wide row an account, for a few accounts: both scores, and the details of every signal.

    ``accounts`` names a table with the column account_id.
    """
    chosen = f"(select * from {source} semi join {accounts} using (account_id))"
    columns = ["account_id", "health", "risk"]
    for name, signal in scoring.signals.items():
        share = health.share(name, signal)
        details = (
            name,
            OBSERVED_ON[name],
            f"c_{name}",
            share,
            f"({share}) * coalesce(c_{name}, 0)",
            risk.amplified(name, signal, scoring),
        )
        columns += [f"{what} as {label}__{name}" for label, what in zip(DETAILS, details, strict=True)]
    return f"{_chain(*_both_scores(scoring, chosen, as_of))} select {', '.join(columns)} from final order by account_id"


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
