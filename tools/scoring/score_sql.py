"""Signals in, scores out, for the whole base at once.

Pure: writes the SQL that turns a table ``measured`` (attributes, signals, observation days; one row for each account)
into health, risk, tiers and probabilities. After a change of configuration the same SQL scores last week again, so that
a change of weights can be separated from a change of customers.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from domain.score_configuration import CATEGORIES, Category, ScoreConfiguration, ScoringSettings, Signal
from tools.scoring import health, risk, tiers
from tools.scoring.source_shares import ALL_SOURCES, SourceShares
from tools.signals import CONTEXT_COLUMNS, OBSERVED_ON, round_sql, signal_columns
from tools.signals.own_signals import observed_on
from tools.sql import sql_number, sql_string

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
SCORE_COLUMNS = (
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
    "renewal_in_days",
)
"""The scores of an account, whatever its chance of leaving; ``renewal_in_days`` is measured beside the signals."""
ODDS_COLUMNS = ("decision_odds", "order_decision_odds", "risk_odds")
"""Log-odds: what a renewal decision and what risk add to the chance of leaving."""
CHANCE_COLUMNS = ("churn_probability", "order_probability", "expected_churn_arr")
SCORED_COLUMNS = (*SCORE_COLUMNS, *ODDS_COLUMNS, *CHANCE_COLUMNS)
LABEL_COLUMNS = ("health_band", "velocity_band", "confidence", "score_tier", "risk_tier", "rule", "intervention_tier")
"""The names among the scores: each follows from the numbers."""
NUMERIC_COLUMNS = (*(name for name in SCORE_COLUMNS if name not in LABEL_COLUMNS), "rule_number")
REPORTED_COLUMNS = SCORE_COLUMNS[:-1]
"""The scores that are saved of a week. Chances are not: the odds of the day give them anew."""


def size_sql(scoring: ScoringSettings, arr: str) -> str:
    """The size of an account by its ARR in the home currency."""
    large, small = _size_conditions(scoring, arr)
    return f"case when {large} then 'enterprise' when {small} then 'small_business' else 'mid_market' end"


def _size_conditions(scoring: ScoringSettings, arr: str) -> tuple[str, str]:
    above, below = (
        sql_number(scoring.enterprise_above.value),
        sql_number(scoring.small_business_below.value),
    )
    return f"{arr} > {above}", f"{arr} < {below}"


def side_by_side_sql(
    scoring: ScoringSettings, columns: Sequence[str], tables: Sequence[str], attributes: Sequence[str] = ATTRIBUTES
) -> str:
    """The attributes of every account and the ``columns`` of the ``tables``, which hold the accounts in the same order.

    A table ``month_health`` among them has the health of a month ago.
    """
    # Positional join, because joining ten tables of a million accounts by id would cost more than all the arithmetic.
    # It puts row n beside row n and checks nothing: each table is made in the order of the ids, and the caller compares
    # the ids place by place before any score is used.
    size = size_sql(scoring, "accounts.arr_home")
    before = "month_health.health" if "month_health" in tables else "cast(null as double)"
    own = {
        "segment": f"coalesce(accounts.segment, {size})",
        "size": size,
        "arr": "accounts.arr_home",
        "contract_arr": "accounts.arr",
        "contract_currency": f"coalesce(upper(accounts.currency), {sql_string(scoring.money.home)})",
        "health_month_ago": before,
    }
    cells = [f"{own.get(name, f'accounts.{name}')} as {name}" for name in attributes]
    beside = " positional join ".join(["accounts", *tables])
    return f"select {', '.join([*cells, *columns])} from {beside}"


def measured_columns(scoring: ScoringSettings) -> tuple[str, ...]:
    """The measured columns of an account: signals, context and days of observation."""
    own = scoring.own_signals
    return (*OBSERVED_ON, *own, *CONTEXT_COLUMNS, *sorted(set(OBSERVED_ON.values())), *map(observed_on, own))


def signal_table_sql(scoring: ScoringSettings, categories: Sequence[str], source: str) -> str:
    """One row an account: the signals of some categories, rounded, with their days and the size of the account.

    ``source`` stands after FROM and yields ``part`` (what the files measure) and, with sentiment, ``stated``.
    """
    names = _measured_in(scoring, categories)
    large, small = _size_conditions(scoring, "part.arr_home")
    sizes = f"{large} as is_enterprise, {small} as is_small_business"
    return f"select part.account_id, {sizes}, {', '.join(signal_columns(names))} from {source}"


def category_sums_sql(
    configuration: ScoreConfiguration,
    categories: Sequence[Category],
    part: str,
    as_of: date,
    shares: SourceShares = ALL_SOURCES,
) -> str:
    """One row an account: its place in the table that has its signals, what these categories add to both scores, and
    which comparisons of the rules hold."""
    placed, signals = f"(select rowid as place, * from {part})", _signals_of(configuration.scoring, categories)
    steps = _category_steps(configuration.scoring, categories, _comparisons(configuration, categories), shares)
    chain = _cte_chain(_fresh(configuration.scoring, placed, signals, as_of), steps)
    return f"{chain} select place, {', '.join(_sums(configuration, categories, shares))} from final"


def _signals_of(scoring: ScoringSettings, categories: Sequence[str]) -> dict[str, Signal]:
    return {name: signal for each in categories for name, signal in health.category_signals(scoring, each).items()}


def _measured_in(scoring: ScoringSettings, categories: Sequence[str]) -> list[str]:
    """The signals and the context that the files of these categories measure."""
    context = [name for name, category in CONTEXT_COLUMNS.items() if category in categories]
    return [*_signals_of(scoring, categories), *context]


def _comparisons(configuration: ScoreConfiguration, categories: Sequence[str]) -> dict[str, str]:
    return tiers.comparisons_of(configuration.tiers, _measured_in(configuration.scoring, categories))


def _sums(configuration: ScoreConfiguration, categories: Sequence[Category], shares: SourceShares) -> list[str]:
    sums = [f"{what}_{each}" for each in categories for what in "ksp"]
    sums += [f"r_{each}" for each in categories if health.is_read_in_part(configuration.scoring, each, shares)]
    paired = [f"v_{name}" for name in risk.paired_signals(configuration.scoring, categories)]
    return sums + paired + list(_comparisons(configuration, categories))


def _fresh(scoring: ScoringSettings, source: str, names: Iterable[str], as_of: date) -> str:
    """``source`` with these signals unknown where they are not young enough."""
    fresh = [f"{health.fresh_value_sql(name, scoring.signals[name], as_of)} as {name}" for name in names]
    return f"select * replace ({', '.join(fresh)}) from {source}"


def _category_steps(
    scoring: ScoringSettings, categories: Sequence[Category], held: Mapping[str, str], shares: SourceShares
) -> list[list[str]]:
    """The steps from fresh values to what each category adds to both scores, and to the comparisons ``held``."""
    signals = _signals_of(scoring, categories).items()
    components = [f"{health.component_sql(name, signal)} as c_{name}" for name, signal in signals]
    sums = [part for c in categories for part in (*health.health_sums(scoring, c, shares), *risk.risk_sums(scoring, c))]
    return [
        components + [f"{holds} as {column}" for column, holds in held.items()],
        sums + risk.severity_columns(scoring, categories),
    ]


def _score_steps(scoring: ScoringSettings, shares: SourceShares) -> list[list[str]]:
    """The steps from those sums to health and risk."""
    return [a + b for a, b in zip(health.health_steps(scoring, shares), risk.risk_steps(scoring), strict=True)]


def _from_signals(
    configuration: ScoreConfiguration, source: str, as_of: date, shares: SourceShares
) -> tuple[str, list[list[str]]]:
    """The first table (fresh values of ``source``) and the steps from there to health and risk."""
    scoring = configuration.scoring
    held = tiers.comparisons_of(configuration.tiers, measured_columns(scoring))
    first, *further = _category_steps(scoring, CATEGORIES, held, shares)
    steps = [first + health.SIZE_FLAGS, *further, *_score_steps(scoring, shares)]
    return _fresh(scoring, source, scoring.signals, as_of), steps


def _cte_chain(first: str, steps: list[list[str]]) -> str:
    """Common table expressions from ``step_0`` to ``final``; each step sees the columns of those before it."""
    chain = [f"step_0 as ({first})"]
    chain += [f"step_{n} as (select *, {', '.join(columns)} from step_{n - 1})" for n, columns in enumerate(steps, 1)]
    return "with " + ",\n".join([*chain, f"final as (select * from step_{len(steps)})"])


def velocity_sql(scoring: ScoringSettings) -> str:
    """Points of health a day since about a month ago."""
    return round_sql(f"(health - health_month_ago) / {sql_number(scoring.velocity_days.value)}")


def _decision_steps(configuration: ScoreConfiguration, velocity: str) -> list[list[str]]:
    """The steps from both scores to velocity and the rule that fires."""
    return [[f"{velocity} as velocity"], *tiers.tier_steps(configuration.scoring, configuration.tiers)]


def _label_steps(configuration: ScoreConfiguration, shares: SourceShares) -> list[list[str]]:
    """The steps from the numeric scores to the names of bands and tiers."""
    scoring = configuration.scoring
    bands = tuple((band.name, band.starts_at) for band in scoring.health_bands)
    words = [
        health.band_sql("health", bands, "'not_scored'") + " as health_band",
        _velocity_band(scoring) + " as velocity_band",
        _confidence(scoring, shares) + " as confidence",
        tiers.score_tier_sql(scoring) + " as score_tier",
    ]
    return [words, tiers.tier_label_columns(configuration.tiers)]


def _velocity_band(scoring: ScoringSettings) -> str:
    alarm, concern, up = (
        sql_number(s.value) for s in (scoring.velocity_alarm, scoring.velocity_concern, scoring.velocity_improving)
    )
    return (
        f"case when velocity is null then 'unknown' when velocity <= {alarm} then 'alarm' "
        f"when velocity <= {concern} then 'concern' when velocity <= {up} then 'stable' else 'improving' end"
    )


def _confidence(scoring: ScoringSettings, shares: SourceShares) -> str:
    """From the share of the intended weight that is known: little data, fully known, is still little data."""
    high, medium = sql_number(scoring.confidence_high.value), sql_number(scoring.confidence_medium.value)
    known = health.intended_share_sql(scoring, shares)
    best = "" if shares.is_lowered else f"when {known} >= {high} then 'high' "
    return f"case {best}when {known} >= {medium} then 'medium' else 'low' end"


def scored_sql(
    configuration: ScoreConfiguration,
    source: str,
    as_of: date,
    velocity: str = "",
    shares: SourceShares = ALL_SOURCES,
) -> str:
    """One row an account: attributes and scores. ``velocity`` may name a column that was reported before."""
    velocity = velocity or velocity_sql(configuration.scoring)
    first, steps = _from_signals(configuration, source, as_of, shares)
    steps += [*_decision_steps(configuration, velocity), *_label_steps(configuration, shares)]
    return f"{_cte_chain(first, steps)} select {', '.join((*ATTRIBUTES, *SCORE_COLUMNS))} from final"


def numeric_scores_sql(
    configuration: ScoreConfiguration, tables: Sequence[str], shares: SourceShares = ALL_SOURCES
) -> str:
    """One row an account: its place and the numeric scores; names of bands and tiers follow from them.

    ``tables`` hold the signals and what each category adds, in the order of the accounts.
    """
    # Tables side by side are read by one thread, so as little as possible is left for this statement: what each category
    # adds was worked out before, with all threads. Names are left out because they are most of the bytes of a row.
    columns = [f"{tables[0]}.rowid as place", "renewal_in_days", *_sums(configuration, CATEGORIES, shares)]
    source = side_by_side_sql(configuration.scoring, columns, tables, ("size", "arr", "health_month_ago"))
    steps = [
        *_score_steps(configuration.scoring, shares),
        *_decision_steps(configuration, velocity_sql(configuration.scoring)),
    ]
    chain = _cte_chain(source, [health.SIZE_FLAGS, *steps])
    return f"{chain} select place, {', '.join(NUMERIC_COLUMNS)} from final"


def labelled_sql(
    configuration: ScoreConfiguration,
    source: str,
    columns: Sequence[str],
    shares: SourceShares = ALL_SOURCES,
    further: Sequence[list[str]] = (),
) -> str:
    """The ``columns`` of a select statement that yields the numeric scores, and of the names that follow from them.

    ``further``: more steps, each a list of columns over those before.
    """
    steps = [*_label_steps(configuration, shares), *further]
    return f"{_cte_chain(source, steps)} select {', '.join(columns)} from final"


DETAIL_COLUMNS = ("value", "observed_on", "component", "share", "health_points", "risk_points")
"""The details of each signal of an account under review, as columns ``<detail>__<signal>``."""


def detail_sql(
    configuration: ScoreConfiguration, source: str, as_of: date, accounts: str, shares: SourceShares = ALL_SOURCES
) -> str:
    """One wide row an account, for a few accounts: both scores, and the details of every signal.

    ``accounts`` names a table with the column account_id.
    """
    chosen = f"(select * from {source} semi join {accounts} using (account_id))"
    columns, scoring = ["account_id", "health", "risk"], configuration.scoring
    for name, signal in scoring.signals.items():
        share = health.share_sql(name, signal)
        details = (
            name,
            observed_on(name),
            f"c_{name}",
            share,
            f"({share}) * coalesce(c_{name}, 0)",
            risk.amplified_points_sql(name, signal, scoring),
        )
        columns += [f"{what} as {label}__{name}" for label, what in zip(DETAIL_COLUMNS, details, strict=True)]
    return f"{_cte_chain(*_from_signals(configuration, chosen, as_of, shares))} select {', '.join(columns)} from final order by account_id"


def signal_coverage_sql(configuration: ScoreConfiguration, as_of: date) -> str:
    """Per signal, for how many accounts it is known, stale and unknown; one row, three columns a signal."""
    columns = []
    for name, signal in configuration.scoring.signals.items():
        value = health.fresh_value_sql(name, signal, as_of)
        columns.append(f"count({value}) as known_{name}")
        columns.append(f"count({name}) - count({value}) as stale_{name}")
    return f"select count(*) as accounts, {', '.join(columns)} from measured"


def snapshot_columns(scoring: ScoringSettings) -> tuple[str, ...]:
    """The columns that the history keeps of an account and week."""
    return (*ATTRIBUTES, *measured_columns(scoring), *REPORTED_COLUMNS)
