"""Settings of the chance of leaving: ``churn`` in ``configs/scoring.yaml``.

The defaults serve configurations that a store kept before these settings existed.
"""

from typing import Any

from domain.record import Record
from domain.setting import Count, Days, Factor, Setting, Share, SomeCount, SomeDays, Weeks

RETIRED_KEYS = frozenset(
    (
        "churn_slope",
        "churn_midpoint",
        "calibration_lead",
        "calibration_window",
        "calibration_minimum_slope",
        "outcomes_to_calibrate",
    )
)
"""Keys of an earlier formula. A file that still has them is read without them."""


def without_retired_keys(given: Any) -> Any:
    """The content of ``scoring.yaml`` without the keys of the earlier formula."""
    if not isinstance(given, dict) or not RETIRED_KEYS & given.keys():
        return given
    return {key: value for key, value in given.items() if key not in RETIRED_KEYS}


class ChurnSettings(Record):
    """The chance of leaving: horizons, the two slopes, the yearly rate, and when a fit to own history is believed."""

    horizon_weeks: Weeks = Setting(value=13, unit="weeks", why="A quarter: what a leader is asked to forecast.")
    order_weeks: Weeks = Setting(value=26, unit="weeks", why="A play of eight weeks can still change what is decided.")
    decision_lead: Days = Setting(value=30, unit="days", why="Notice is given about a month before the renewal.")
    decision: Factor = Setting(value=2.0, unit="log-odds", why="A decision in the horizon makes leaving likelier.")
    risk: Factor = Setting(value=0.04, unit="log-odds per point of risk", why="25 points multiply the odds by 2.7.")
    unknown_renewal: Share = Setting(value=0.4, unit="share of a decision", why="A year holds the horizon some times.")
    usual_term: SomeDays = Setting(value=365, unit="days", why="Most contracts of companies run for a year.")
    shortest_term: SomeDays = Setting(value=25, unit="days", why="Shorter terms are data errors.")
    yearly_rate: Share = Setting(value=0.10, unit="share of accounts a year", why="A usual rate of business software.")
    rate_weight: SomeCount = Setting(value=100, unit="account-years", why="Ten losses, before the own ones count more.")
    rate_days: SomeDays = Setting(value=365, unit="days", why="A whole year, so that every renewal month is in it.")
    test_weeks: Weeks = Setting(value=13, unit="weeks", why="A quarter of later weeks that the fit has not seen.")
    losses_to_learn: SomeCount = Setting(value=10, unit="accounts that left", why="Fewer cannot fit two slopes.")
    losses_to_test: SomeCount = Setting(
        value=5, unit="accounts that left", why="Fewer cannot tell two forecasts apart."
    )
    vanish_limit: Share = Setting(value=0.1, unit="share of a week", why="When more vanish at once, ids were changed.")
    learning_caution: Factor = Setting(
        value=1.0, unit="weight of the prior", why="1: half the prior slope more or less is one standard error away."
    )
    backtest_list: Count = Setting(value=25, unit="accounts", why="As long as the list of the meeting.")
