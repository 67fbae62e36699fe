"""Risk: 0 to 100, high is bad. Points of all signals are added, multiplied by two factors, and mapped by 1 - exp(-x), so
that risk stays below 100.

Pure: writes SQL over components ``c_<signal>`` and ``renewal_in_days``. An unknown signal adds nothing. Each factor
is continuous and monotonic in every signal, so risk is too.
"""

from collections.abc import Collection

from domain.score_configuration import CATEGORIES, ScoringSettings, Signal
from tools.scoring.health import category_signals
from tools.signals import round_sql
from tools.sql import sql_number


def points_sql(name: str, signal: Signal, scoring: ScoringSettings) -> str:
    """Risk points of one signal before the factors: all at component 0, none from ``severity_below`` up."""
    severity_limit = sql_number(scoring.severity_below.value)
    points_per_unit = sql_number(signal.risk / scoring.severity_below.value)
    return f"case when c_{name} < {severity_limit} then {points_per_unit} * ({severity_limit} - c_{name}) else 0 end"


def risk_sums(scoring: ScoringSettings, category: str) -> list[str]:
    """Over the components of a category: ``p_``, its points."""
    terms = [points_sql(name, signal, scoring) for name, signal in category_signals(scoring, category).items()]
    return [f"{' + '.join(terms)} as p_{category}"]


def paired_signals(scoring: ScoringSettings, categories: Collection[str]) -> list[str]:
    """The signals of these categories that count together with another one."""
    paired = dict.fromkeys(name for pair in scoring.pairs for name in pair.signals)
    return [name for name in paired if scoring.signals[name].category in categories]


def severity_columns(scoring: ScoringSettings, categories: Collection[str]) -> list[str]:
    """Of each paired signal ``v_``, its severity: 0 from ``severity_below`` up and where unknown, 1 at component 0."""
    limit = sql_number(scoring.severity_below.value)
    return [
        f"case when c_{name} < {limit} then ({limit} - c_{name}) / {limit} else 0 end as v_{name}"
        for name in paired_signals(scoring, categories)
    ]


def _pair_points(scoring: ScoringSettings, name: str = "") -> list[str]:
    """Points of each pair, as many as its less severe signal allows; with a name half of them, of the pairs with it."""
    return [
        f"{sql_number(pair.risk / 2 if name else pair.risk)} * case when v_{first} < v_{second} then v_{first} else v_{second} end"
        for pair in scoring.pairs
        for first, second in (pair.signals,)
        if not name or name in pair.signals
    ]


def risk_steps(scoring: ScoringSettings) -> list[list[str]]:
    """Risk in three steps over the sums of every category, each a list of columns over the one before.

    ``base`` and ``warning`` (how many categories warn); the factors ``clustering`` and ``nearness``, from 1 up; and
    ``risk``, which approaches 100.
    """
    full_warning = sql_number(scoring.cluster_points.value)
    total_points = " + ".join([*(f"p_{category}" for category in CATEGORIES), *_pair_points(scoring)])
    warning = " + ".join(
        f"case when p_{c} >= {full_warning} then 1 else p_{c} / {full_warning} end" for c in CATEGORIES
    )
    horizon = sql_number(scoring.renewal_horizon.value)
    days_left = (
        f"case when renewal_in_days is null or renewal_in_days >= {horizon} then {horizon} "
        "when renewal_in_days <= 0 then 0 else renewal_in_days end"
    )
    step = sql_number(scoring.cluster_step.value)
    # Factors multiply and are not added: a near renewal makes a real problem worse, but is no problem by itself. With
    # points of 0 risk stays 0, on the renewal day too. Dividing by the scale and 1 - exp(-x) keep the result below 100,
    # so that two very bad accounts still have an order.
    raw = f"base * clustering * nearness / {sql_number(scoring.risk_scale.value)}"
    return [
        [f"{total_points} as base", f"{warning} as warning"],
        [
            f"case when warning > 1 then 1 + {step} * (warning - 1) else 1 end as clustering",
            f"1 + {sql_number(scoring.renewal_step.value)} * ({horizon} - ({days_left})) / {horizon} as nearness",
        ],
        [f"{round_sql(f'100 * (1 - exp(-({raw})))')} as risk"],
    ]


def amplified_points_sql(name: str, signal: Signal, scoring: ScoringSettings) -> str:
    """Points that one signal adds to the final score, with half of those of its pairs; they sum to ``risk``."""
    points = " + ".join([points_sql(name, signal, scoring), *_pair_points(scoring, name)])
    return f"case when base > 0 then ({points}) / base * risk else 0 end"
