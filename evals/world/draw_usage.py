"""Usage rows: one each Sunday for accounts with a feed."""

import math
import random
from datetime import date

from evals.world import assumptions
from evals.world.model import AccountFacts, AccountLife, DatedRow


def usage_entries(life: AccountLife, rng: random.Random) -> list[DatedRow]:
    """All usage rows of an account, oldest first."""
    share, pace = rng.uniform(*assumptions.SEATS_IN_USE), rng.uniform(*assumptions.LOGINS_EACH)
    depth, breadth = rng.uniform(*assumptions.CORE_EACH), rng.randint(*assumptions.FEATURES)
    growth = rng.uniform(*assumptions.GROWTH)
    gap = _feed_gap(life, rng)
    entries, drift = [], 0.0
    memory, shock = assumptions.USE_DRIFT
    for week, (use, core) in enumerate(zip(life.levels["use"], life.levels["core"], strict=True)):
        drift = memory * drift + rng.gauss(0, shock)
        noise = [rng.gauss(1, assumptions.USE_NOISE) for _ in range(3)]
        lost = rng.random() < assumptions.ROW_LOST or week in gap
        day = life.span.sunday_of(week)
        if day >= life.ends:
            break
        if lost or day < life.begins:
            continue
        calm = (1 + growth * week / 52) * (1 + drift) * _season(life.facts, day)
        level = use * calm * noise[0]
        users = max(0, min(life.facts.seats, round(life.facts.seats * share * level)))
        logins = round(users * pace * (0.7 + 0.3 * use) * noise[1])
        actions = round(logins * depth * core * noise[2])
        features = round(breadth * (0.6 + 0.4 * min(1.0, level) * core)) if users else 0
        entries.append(
            DatedRow(
                day,
                {
                    "account_id": life.facts.account_id,
                    "date": str(day),
                    "active_users": str(users),
                    "logins": str(logins),
                    "core_actions": str(actions),
                    "features_used": str(features),
                },
            )
        )
    return entries


def _feed_gap(life: AccountLife, rng: random.Random) -> range:
    """The weeks in which the feed is broken, if it ever is."""
    begin, lasts = rng.randrange(life.span.weeks), rng.randint(*assumptions.FEED_GAP_WEEKS)
    return range(begin, begin + lasts) if rng.random() < assumptions.FEED_GAP else range(0)


def _season(facts: AccountFacts, day: date) -> float:
    """Holidays for everybody, and a yearly wave for seasonal businesses."""
    near_new_year = (day.month, day.day) >= (12, 22) or (day.month, day.day) <= (1, 4)
    dip = assumptions.HOLIDAY_USE if near_new_year else assumptions.AUGUST_USE if day.month == 8 else 1.0
    if not facts.season:
        return dip
    angle = 2 * math.pi * (day.timetuple().tm_yday - facts.season_peak) / 365
    return dip * (1 - facts.season * (1 - math.cos(angle)) / 2)
