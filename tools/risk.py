"""Risk: 0 to 100, high is bad. Severities add up, warn louder together, and louder as the renewal comes near.

Pure: writes SQL over components ``c_<signal>`` and ``renewal_in_days``. An unknown signal adds nothing. Each factor
grows without a step and never falls when a signal worsens, so risk does not either.
"""

from domain.configuration import CATEGORIES, Scoring, Signal
from tools.health import number, of_category


def points(name: str, signal: Signal, scoring: Scoring) -> str:
    """Risk points of one signal before amplification: full at component 0, none from ``severity_below`` up."""
    line = number(scoring.severity_below.value)
    severity = f"({line} - c_{name}) / {line}"
    return f"case when c_{name} < {line} then {number(signal.risk)} * {severity} else 0 end"


def category_points(scoring: Scoring) -> list[str]:
    """``p_<category>``: the points of each category."""
    return [
        " + ".join(points(name, signal, scoring) for name, signal in of_category(scoring, category).items())
        + f" as p_{category}"
        for category in CATEGORIES
    ]


def risk_columns(scoring: Scoring) -> list[str]:
    """``base``, ``clustering`` and ``nearness`` (factors from 1 up), ``raw`` and ``risk``, which nears 100 and stops."""
    base = " + ".join(f"p_{category}" for category in CATEGORIES)
    full = number(scoring.cluster_points.value)
    warning = " + ".join(
        f"case when p_{category} >= {full} then 1 else p_{category} / {full} end" for category in CATEGORIES
    )
    horizon = number(scoring.renewal_horizon.value)
    left = (
        f"case when renewal_in_days is null or renewal_in_days >= {horizon} then {horizon} "
        "when renewal_in_days <= 0 then 0 else renewal_in_days end"
    )
    step = number(scoring.cluster_step.value)
    return [
        f"{base} as base",
        f"{warning} as warning",
        f"case when warning > 1 then 1 + {step} * (warning - 1) else 1 end as clustering",
        f"1 + {number(scoring.renewal_step.value)} * ({horizon} - ({left})) / {horizon} as nearness",
        "base * clustering * nearness as raw",
        f"round(100 * (1 - exp(-raw / {number(scoring.risk_scale.value)})), 6) as risk",
    ]


def amplified(name: str, signal: Signal, scoring: Scoring) -> str:
    """What one signal adds to the final score; these sum to ``risk``."""
    return f"case when base > 0 then ({points(name, signal, scoring)}) / base * risk else 0 end"


def churn_probability(slope: float, midpoint: float) -> str:
    """A logistic curve over ``risk``: the prior, or what was fitted to known outcomes."""
    return f"round(1 / (1 + exp(-{number(slope)} * (risk - {number(midpoint)}))), 6)"
