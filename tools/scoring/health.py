"""Health: 0 to 100, high is good. The weighted mean of what is known.

Pure: writes SQL over a table ``measured`` (one row an account: attributes, signals, observation days). Unknown signals
give their weight to the others of their category, unknown categories to the other categories.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from itertools import pairwise

from domain.score_configuration import CATEGORIES, SIZES, Category, ScoringSettings, Signal, Size
from tools.scoring.source_shares import ALL_SOURCES, SourceShares, connected_signals, connected_weight
from tools.signals import round_sql
from tools.signals.own_signals import observed_on
from tools.sql import sql_date, sql_number, sql_string


def fresh_value_sql(name: str, signal: Signal, as_of: date) -> str:
    """The signal's value while it is young enough, else NULL; recorded events outlive a stale source."""
    if signal.fresh.days is None:
        return name
    young = f"{observed_on(name)} >= {sql_date(as_of - timedelta(days=signal.fresh.days))}"
    stands = f" or {name} > 0" if signal.fresh.events_stand else ""
    return f"case when {young}{stands} then {name} end"


def component_sql(name: str, signal: Signal) -> str:
    """0 to 100 from the breakpoints: straight lines between them, flat outside, NULL when unknown."""
    first, last = signal.points[0], signal.points[-1]
    # Slope and offset are worked out here, once, and not for each account: one multiplication and one addition a row.
    lines = [f"when {name} <= {sql_number(first[0])} then {sql_number(first[1])}"]
    for (v0, c0), (v1, c1) in pairwise(signal.points):
        slope = (c1 - c0) / (v1 - v0)
        lines.append(
            f"when {name} <= {sql_number(v1)} then {name} * {sql_number(slope)} + {sql_number(c0 - slope * v0)}"
        )
    return round_sql(f"case {' '.join(lines)} when {name} > {sql_number(last[0])} then {sql_number(last[1])} end")


def weight_sql(signal: Signal) -> str:
    """The signal's share of its category, by size of account."""
    default = signal.weight["default"]
    return _by_size({size: signal.weight.get(size, default) for size in SIZES})


def category_weight_sql(scoring: ScoringSettings, category: str) -> str:
    """The category's share of health, by size of account."""
    return _by_size({size: scoring.category_weights[size][category] for size in SIZES})  # type: ignore[index]


SIZE_FLAGS = ["size = 'enterprise' as is_enterprise", "size = 'small_business' as is_small_business"]
"""The two questions that weights ask of the size, answered once: comparing names in each weight would cost as much."""


def _by_size(weights: Mapping[Size, float]) -> str:
    large, small, other = (sql_number(weights[size]) for size in ("enterprise", "small_business", "mid_market"))
    if large == small == other:
        return other
    return f"case when is_enterprise then {large} when is_small_business then {small} else {other} end"


def category_signals(scoring: ScoringSettings, category: str) -> dict[str, Signal]:
    """The signals of one category, in the order of the configuration."""
    return {name: signal for name, signal in scoring.signals.items() if signal.category == category}


def _whole_weight(scoring: ScoringSettings, category: str) -> str:
    """Sum of the weights of all signals of the category, by size of account."""
    weights = [signal.weight for signal in category_signals(scoring, category).values()]
    return _by_size({size: sum(weight.get(size, weight["default"]) for weight in weights) for size in SIZES})


def known_weight_sql(scoring: ScoringSettings, category: str) -> str:
    """Sum of the weights of the category's known signals."""
    terms = [
        f"case when c_{name} is null then 0 else {weight_sql(signal)} end"
        for name, signal in category_signals(scoring, category).items()
    ]
    return " + ".join(terms)


def weighted_sum_sql(scoring: ScoringSettings, category: str) -> str:
    """Sum of weight times component over the category's known signals."""
    terms = [
        f"coalesce(c_{name} * {weight_sql(signal)}, 0)" for name, signal in category_signals(scoring, category).items()
    ]
    return " + ".join(terms)


def health_sums(scoring: ScoringSettings, category: Category, shares: SourceShares = ALL_SOURCES) -> list[str]:
    """Over the components of a category: ``k_``, the weight of its known signals, and ``s_``, their weighted sum.

    Where one of its sources was read in part also ``r_``, the weight of the known signals as far as it was read.
    """
    known, weighted = known_weight_sql(scoring, category), weighted_sum_sql(scoring, category)
    sums = [f"{known} as k_{category}", f"{weighted} as s_{category}"]
    return sums + _read_weight(scoring, category, shares)


def is_read_in_part(scoring: ScoringSettings, category: Category, shares: SourceShares) -> bool:
    """True where a source of the category's signals was read in part."""
    return any(
        (shares.of_signal(name, signal) or 0) < 1 for name, signal in connected_signals(scoring, category, shares)
    )


def _read_weight(scoring: ScoringSettings, category: Category, shares: SourceShares) -> list[str]:
    if not is_read_in_part(scoring, category, shares):
        return []
    terms = [
        f"case when c_{name} is null then 0 else {weight_sql(signal)} * {sql_number(shares.of_signal(name, signal) or 0)} end"
        for name, signal in connected_signals(scoring, category, shares)
    ]
    return [f"{' + '.join(terms)} as r_{category}"]


def health_steps(scoring: ScoringSettings, shares: SourceShares = ALL_SOURCES) -> list[list[str]]:
    """Health in three steps over the sums of every category, each a list of columns over the one before.

    ``w_``, the weight of each category if anything of it is known; then ``w_known`` and ``coverage`` (share of the
    connected weight that is known, 0 to 1); then ``health`` (NULL below the minimum coverage).
    """
    # A category with one known signal keeps its full weight, spread over what is known: a missing column must not look
    # like good or bad health. How much is known is told apart, by coverage.
    weights = [f"case when k_{c} > 0 then {category_weight_sql(scoring, c)} else 0 end as w_{c}" for c in CATEGORIES]
    known = " + ".join(f"w_{category}" for category in CATEGORIES)
    read = {c: f"{'r' if is_read_in_part(scoring, c, shares) else 'k'}_{c}" for c in CATEGORIES}
    covered = " + ".join(f"w_{c} * {read[c]} / {_whole_weight(scoring, c)}" for c in CATEGORIES)
    means = " + ".join(f"case when k_{c} > 0 then w_{c} * s_{c} / k_{c} else 0 end" for c in CATEGORIES)
    enough = f"coverage >= {sql_number(scoring.minimum_coverage.value)}"
    return [
        weights,
        [f"{known} as w_known", f"{_coverage_sql(scoring, covered, shares)} as coverage"],
        [f"case when {enough} then {round_sql(f'({means}) / w_known')} end as health"],
    ]


def _coverage_sql(scoring: ScoringSettings, covered: str, shares: SourceShares) -> str:
    """The known weight as a share of the connected weight; 0 where no source is connected."""
    connected = connected_weight(scoring, shares)
    if not all(connected.values()):
        return "cast(0 as double)"
    return round_sql(f"({covered}) / {_by_size({size: connected[size] for size in SIZES})}")


def intended_share_sql(scoring: ScoringSettings, shares: SourceShares) -> str:
    """The known weight as a share of the intended weight, 0 to 1: coverage as if every source were connected."""
    weights = connected_weight(scoring, shares)
    if all(weight == 100 for weight in weights.values()):
        return "coverage"
    large, small, other = (sql_number(weights[size] / 100) for size in ("enterprise", "small_business", "mid_market"))
    share = f"case size when 'enterprise' then {large} when 'small_business' then {small} else {other} end"
    return f"(coverage * {share})"


def share_sql(name: str, signal: Signal) -> str:
    """Share of the score, 0 to 1, after unknown signals gave their weight away; 0 for an unknown signal."""
    of = f"w_{signal.category} * {weight_sql(signal)} / k_{signal.category} / w_known"
    return f"case when c_{name} is null then 0 else {of} end"


def band_sql(column: str, bands: tuple[tuple[str, float], ...], otherwise: str = "NULL") -> str:
    """The name of the half-open band that a score lies in."""
    cases = " ".join(f"when {column} >= {sql_number(start)} then {sql_string(name)}" for name, start in reversed(bands))
    return f"case when {column} is null then {otherwise} {cases} end"
