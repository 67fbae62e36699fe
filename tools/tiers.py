"""Tiers: who is at risk, and how soon it must be acted on. Rules from configuration, first match wins.

Pure: writes SQL over the fresh values ``<signal>``, ``risk``, ``velocity`` and ``size``. A rule whose signal is
unknown does not fire.
"""

from collections.abc import Iterable

from domain.configuration import Condition, Scoring, TierRule, Tiers
from tools.health import number

_OPERATORS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}


def condition(rule: Condition) -> str:
    """One comparison; never NULL."""
    name, value = next((key, getattr(rule, key)) for key in _OPERATORS if getattr(rule, key) is not None)
    return f"coalesce({rule.signal} {_OPERATORS[name]} {number(value)}, false)"


def all_of(conditions: Iterable[Condition]) -> str:
    """All comparisons hold."""
    return " and ".join(condition(rule) for rule in conditions)


def asked(tiers: Tiers) -> set[str]:
    """The signals and context that the rules ask for, and how near the renewal is."""
    conditions = [each for rule in tiers.rules for each in (*rule.when, *rule.at_risk_when)]
    return {"renewal_in_days", *(each.signal for each in conditions)}


def fires(rule: TierRule) -> str:
    """Whether the rule's state is present."""
    sizes = "".join(f" and size <> '{size}'" for size in rule.not_for)
    return f"({all_of(rule.when)}{sizes})"


def flags(rule: TierRule) -> str:
    """Whether the rule alone puts the account at risk."""
    return f"({fires(rule)} and {all_of(rule.at_risk_when)})" if rule.at_risk_when else fires(rule)


def holds(rule: Condition, values: dict[str, float | None]) -> bool:
    """The same comparison on one account's values, for the accounts under review."""
    value = values.get(rule.signal)
    if value is None:
        return False
    if rule.at_least is not None:
        return value >= rule.at_least
    if rule.at_most is not None:
        return value <= rule.at_most
    if rule.above is not None:
        return value > rule.above
    return rule.below is not None and value < rule.below


def layers(scoring: Scoring, tiers: Tiers) -> list[list[str]]:
    """Who is at risk in three steps, each a list of columns over the one before.

    ``flagged`` and ``alarm``; ``at_risk``; ``rule`` (the first that fires).
    """
    flagged = " or ".join(flags(rule) for rule in tiers.rules)
    first = " ".join(f"when {fires(rule)} then '{rule.id}'" for rule in tiers.rules)
    return [
        [
            f"({flagged}) as flagged",
            f"coalesce(velocity <= {number(scoring.velocity_alarm.value)}, false) as alarm",
        ],
        [f"(risk > {number(scoring.at_risk_above.value)} or alarm or flagged) as at_risk"],
        [f"case when at_risk then case {first} end end as rule"],
    ]


def score_tier(scoring: Scoring) -> str:
    """The tier that the risk score alone says."""
    names = [(band.name, band.starts_at) for band in scoring.risk_tiers]
    by_score = " ".join(f"when risk >= {number(start)} then '{name}'" for name, start in reversed(names))
    return f"case {by_score} end"


def names(tiers: Tiers) -> list[str]:
    """Over ``score_tier`` and the ``layers``: ``risk_tier``, never low for an account at risk, and how soon to act."""
    by_rule = " ".join(f"when rule = '{rule.id}' then '{rule.tier}'" for rule in tiers.rules)
    return [
        "case when at_risk and score_tier = 'low' then 'medium' else score_tier end as risk_tier",
        "case when not at_risk and renewal_in_days <= "
        f"{number(tiers.watch_renewal_within.value)} then 'watch' when not at_risk then null {by_rule} "
        "else 'medium' end as intervention_tier",
    ]
