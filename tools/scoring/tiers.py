"""Tiers: the accounts at risk, and how soon to act. Rules from configuration; the first that holds decides.

Pure: writes SQL over the fresh values ``<signal>``, ``risk``, ``velocity`` and ``size``. A rule whose signal is
unknown does not fire.
"""

from collections.abc import Collection, Iterable, Mapping

from domain.score_configuration import RISK_SCORE, RuleCondition, ScoringSettings, Size, TierRule, TierSettings
from tools.sql import sql_number, sql_string, sql_strings

_OPERATORS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<"}


def condition_sql(rule: RuleCondition) -> str:
    """One comparison; NULL where the signal is unknown."""
    name, value = next((key, getattr(rule, key)) for key in _OPERATORS if getattr(rule, key) is not None)
    return f"{rule.signal} {_OPERATORS[name]} {sql_number(value)}"


def comparison_columns(tiers: TierSettings) -> dict[RuleCondition, str]:
    """Every comparison of the rules with the name of its column. Rules share comparisons; each is worked out once."""
    asked = (each for rule in tiers.rules for each in (*rule.when, *rule.at_risk_when) if each.signal != RISK_SCORE)
    return {each: f"holds_{place}" for place, each in enumerate(dict.fromkeys(asked))}


def comparisons_of(tiers: TierSettings, names: Collection[str]) -> dict[str, str]:
    """The columns for the comparisons of these signals or this context, and what each says."""
    return {column: condition_sql(each) for each, column in comparison_columns(tiers).items() if each.signal in names}


def _all_hold(wanted: Iterable[RuleCondition], tiers: TierSettings) -> str:
    columns = comparison_columns(tiers)
    return " and ".join(condition_sql(each) if each.signal == RISK_SCORE else columns[each] for each in wanted)


def fires_sql(rule: TierRule, tiers: TierSettings) -> str:
    """A condition: the rule's state is present. Not true where a signal is unknown."""
    sizes = "".join(f" and size <> {sql_string(size)}" for size in rule.not_for)
    return f"({_all_hold(rule.when, tiers)}{sizes})"


def flags_sql(rule: TierRule, tiers: TierSettings) -> str:
    """A condition: the rule alone puts the account at risk."""
    fired = fires_sql(rule, tiers)
    return f"({fired} and {_all_hold(rule.at_risk_when, tiers)})" if rule.at_risk_when else fired


def rule_inputs(tiers: TierSettings) -> frozenset[str]:
    """The signals and the context that decide about tier and action of an account."""
    by_rule = [*(rule.when for rule in tiers.rules), *(rule.when for rule in tiers.actions)]
    return frozenset(each.signal for when in by_rule for each in when)


def condition_holds(rule: RuleCondition, values: Mapping[str, float | None]) -> bool:
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


def fired_rules(values: Mapping[str, float | None], size: Size, tiers: TierSettings) -> list[TierRule]:
    """The tier rules that fire for one account, in the order of the configuration; the first decides its tier."""
    return [
        rule
        for rule in tiers.rules
        if size not in rule.not_for and all(condition_holds(condition, values) for condition in rule.when)
    ]


def tier_steps(scoring: ScoringSettings, tiers: TierSettings) -> list[list[str]]:
    """The accounts at risk in three steps, each a list of columns over the one before.

    ``flagged`` and ``alarm``; ``at_risk``; ``rule_number`` (the first that fires, from 1 on).
    """
    flagged = " or ".join(flags_sql(rule, tiers) for rule in tiers.rules)
    first = " ".join(f"when {fires_sql(rule, tiers)} then {place}" for place, rule in enumerate(tiers.rules, 1))
    return [
        [
            f"coalesce({flagged}, false) as flagged",
            f"coalesce(velocity <= {sql_number(scoring.velocity_alarm.value)}, false) as alarm",
        ],
        [f"(risk > {sql_number(scoring.at_risk_above.value)} or alarm or flagged) as at_risk"],
        [f"cast(case when at_risk then case {first} end end as utinyint) as rule_number"],
    ]


def score_tier_sql(scoring: ScoringSettings) -> str:
    """The tier that the risk score alone says."""
    names = [(band.name, band.starts_at) for band in scoring.risk_tiers]
    by_score = " ".join(f"when risk >= {sql_number(start)} then {sql_string(name)}" for name, start in reversed(names))
    return f"case {by_score} end"


def tier_label_columns(tiers: TierSettings) -> list[str]:
    """Over ``score_tier`` and the ``layers``: ``risk_tier``, never low for an account at risk, how soon to act, and the
    id of the ``rule``."""
    by_rule = " ".join(
        f"when rule_number = {place} then {sql_string(rule.tier)}" for place, rule in enumerate(tiers.rules, 1)
    )
    ids = sql_strings(rule.id for rule in tiers.rules)
    return [
        f"list_extract([{ids}], rule_number) as rule",
        "case when at_risk and score_tier = 'low' then 'medium' else score_tier end as risk_tier",
        "case when not at_risk and renewal_in_days <= "
        f"{sql_number(tiers.watch_renewal_within.value)} then 'watch' when not at_risk then null {by_rule} "
        "else 'medium' end as intervention_tier",
    ]
