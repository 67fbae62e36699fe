"""The chance of leaving within a horizon: ``logit P = level + decision · w + risk · points``.

Pure: writes SQL, and one query returns the two levels. ``w`` says if a renewal decision falls into the horizon. The level
is chosen so that the mean over the base is the base's own churn rate; so it needs a pass over all accounts, which the
engine makes once, over counts of equal odds.
"""

import math
from dataclasses import dataclass
from datetime import date

from domain.churn_settings import ChurnSettings
from tools.scoring.churn_rate import ChurnRate
from tools.signals import round_sql
from tools.sql import sql_date, sql_number

_STEPS = 42
"""Halvings of an interval of 80 log-odds: far below the ninth decimal."""
_WIDEST = 40
_DECIMALS = 3
"""Decimals of the log-odds that accounts are counted by."""


@dataclass(frozen=True)
class Slopes:
    """The two slopes of the log-odds; never negative. ``fitted``: they come from the team's own weeks."""

    decision: float
    risk: float
    fitted: bool = False


@dataclass(frozen=True)
class Learned:
    """The slopes to use, and what the test said."""

    slopes: Slopes
    note: str
    checked: bool


@dataclass(frozen=True)
class ChurnOdds:
    """Everything that turns risk and renewal into the two chances of a review date."""

    slopes: Slopes
    rate: ChurnRate
    shown_level: float
    """Log-odds of an account without risk and without a renewal decision, for the horizon that is shown."""
    order_level: float
    """The same for the longer horizon that orders the list."""
    note: str = ""
    """One sentence on the test against the team's own renewals."""
    checked: bool = False
    """True if the probabilities were tested on weeks of the team's own and were better than one rate for everybody."""


def prior_slopes(settings: ChurnSettings) -> Slopes:
    """The slopes of the configuration."""
    return Slopes(settings.decision.value, settings.risk.value)


_DAYS_OF_TERM = "cast(round(accounts.term_months * 365e0 / 12) as bigint)"


def terms_sql(settings: ChurnSettings, as_of: date) -> str:
    """One row an account, in the order of the ids: days of the running contract, at most the usual term; NULL when unknown.

    The term is that of the contract, where the data has it. Else a contract runs from the last renewal that the outcomes
    have, else from the start, to the renewal date.
    """
    shortest, usual = sql_number(settings.shortest_term.value), sql_number(settings.usual_term.value)
    return (
        f"select a.account_id, case when a.days >= {shortest} and a.days < {usual} then a.days end as term_days from ("
        f"select accounts.account_id, coalesce({_DAYS_OF_TERM}, "
        "date_diff('day', coalesce(r.renewed_on, accounts.started_on), accounts.renewal_date)) as days from accounts left join (select account_id, max(date) as renewed_on from outcomes where kind = 'renewed' "
        f"and date <= {sql_date(as_of)} group by account_id) r on r.account_id = accounts.account_id) a order by a.account_id"
    )


def decision_sql(settings: ChurnSettings, slopes: Slopes, weeks: float) -> str:
    """Log-odds that a renewal decision adds, over ``renewal_in_days`` and ``term_days``.

    A contract of a shorter term is decided more often, so one decision adds less: so much that over a year its
    customers leave as often as those of a yearly contract.
    """
    window, usual = weeks * 7 + settings.decision_lead.value, settings.usual_term.value
    whole = (math.exp(slopes.decision) - 1) * min(window / usual, 1)
    term = f"least(coalesce(term_days, {sql_number(usual)}), {sql_number(usual)})"
    added = f"ln(1 + {sql_number(whole)} / least({sql_number(window)} / {term}, 1))"
    share = (
        f"case when term_days <= {sql_number(window)} or renewal_in_days <= {sql_number(window)} then 1 "
        f"when renewal_in_days is null then {sql_number(settings.unknown_renewal.value)} else 0 end"
    )
    return round_sql(f"({share}) * {added}")


def odds_sql(settings: ChurnSettings, slopes: Slopes, source: str) -> str:
    """One row an account of ``source`` (place, risk, renewal_in_days, term_days): the parts of its log-odds besides the level."""
    shown = decision_sql(settings, slopes, settings.horizon_weeks.value)
    order = decision_sql(settings, slopes, settings.order_weeks.value)
    points = round_sql(f"{sql_number(slopes.risk)} * risk")
    columns = f"{shown} as decision_odds, {order} as order_decision_odds, {points} as risk_odds"
    return f"select place, {columns} from {source}"


def term_weeks(settings: ChurnSettings) -> float:
    """A usual term in weeks: the horizon of renewals further ahead than both others reach."""
    return settings.usual_term.value / 7


def term_odds_sql(settings: ChurnSettings, slopes: Slopes, source: str) -> str:
    """The same as ``odds_sql`` for the horizon of a usual term, in the columns ``decision_odds`` and ``risk_odds``."""
    decision = decision_sql(settings, slopes, term_weeks(settings))
    points = round_sql(f"{sql_number(slopes.risk)} * risk")
    return f"select place, {decision} as decision_odds, {points} as risk_odds from {source}"


def level_sql(source: str, decision: str, share: float) -> str:
    """One number: the level at which the mean chance over ``source`` is ``share``."""
    # Bisection, because the mean rises with the level and there is no closed form. Accounts are counted by their rounded
    # log-odds first: a few thousand rows for any base, each of less than a billion accounts, as many as the decimal holds.
    # Sums are of decimals, so the order of the rows changes no digit.
    step = "cast(l.n / (1 + exp(-((h.low + h.high) / 2 + l.odds))) as decimal(18, 9))"
    goal = f"(select sum(n) * {sql_number(share)} from lines)"
    return (
        f"with recursive lines as materialized (select cast(round({decision} + risk_odds, {_DECIMALS}) as double) as odds, "
        f"count(*) as n from {source} group by 1), "
        f"halving as (select 0 as step, -{_WIDEST}e0 as low, {_WIDEST}e0 as high union all "
        f"select step + 1, case when below then (low + high) / 2 else low end, case when below then high else (low + high) / 2 end "
        f"from (select h.step, h.low, h.high, sum({step}) < {goal} as below from halving h, lines l "
        f"where h.step < {_STEPS} group by h.step, h.low, h.high)) "
        "select round((low + high) / 2, 9) from halving order by step desc limit 1"
    )


def chance_columns(odds: ChurnOdds) -> list[list[str]]:
    """The steps from the parts of the log-odds to the two chances and the ARR that is expected to leave."""
    shown = chance_sql(odds.shown_level, "decision_odds")
    order = chance_sql(odds.order_level, "order_decision_odds")
    money = "cast(round(cast(arr as double) * churn_probability, 2) as decimal(18, 2)) as expected_churn_arr"
    return [[f"{shown} as churn_probability", f"{order} as order_probability"], [money]]


def chance_sql(level: float, decision: str) -> str:
    """A chance of 0 to 1 from its level and its parts."""
    return round_sql(f"1 / (1 + exp(-({sql_number(level)} + {decision} + risk_odds)))")
