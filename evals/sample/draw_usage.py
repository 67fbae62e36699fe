"""Usage rows: weekly on Sundays, or daily for the customers connected to the newer feed."""

import math
import random
from collections.abc import Iterator

from evals.sample.customer import Row, SampleCustomer
from evals.sample.dates import DAILY_WEEKS, ago, sunday_offsets
from evals.sample.draw_customers import was_customer

_WEEKDAY = (1.0, 1.05, 1.04, 1.0, 0.9, 0.16, 0.1)


def usage_rows(customer: SampleCustomer, rng: random.Random) -> list[Row]:
    """All usage rows of a customer, oldest first."""
    if "usage" in customer.missing:
        return []
    share, keenness, breadth = rng.uniform(0.58, 0.92), rng.uniform(3.5, 8.0), rng.randint(6, 13)
    growth = rng.uniform(-0.02, 0.12)
    rows = []
    for days in _days(customer):
        if not was_customer(customer, days) or days < customer.usage_until:
            continue
        level = customer.use.level_at(days) * _season(customer, days) * (1 - growth * days / 420) * rng.gauss(1, 0.03)
        day_factor = _WEEKDAY[ago(days).weekday()] * 0.8 if customer.daily else 1.0
        users = max(0, min(customer.seats, round(customer.seats * share * level * day_factor)))
        pace = keenness * (0.24 if customer.daily else 1) * rng.gauss(1, 0.05) * min(1.0, 0.6 + 0.4 * level)
        logins = round(users * max(pace, 1.0))
        rows.append(
            {
                "account_id": customer.account_id,
                "date": ago(days).isoformat(),
                "active_users": str(users),
                "logins": str(logins),
                "core_actions": str(round(logins * rng.uniform(2.6, 3.4))),
                "features_used": str(min(14, round(breadth * min(1.0, 0.35 + 0.65 * level))) if users else 0),
            }
        )
    return rows


def _days(customer: SampleCustomer) -> Iterator[int]:
    if customer.daily:
        yield from range(DAILY_WEEKS * 7 - 1, -1, -1)
    else:
        yield from sunday_offsets()


def _season(customer: SampleCustomer, days: int) -> float:
    """Holidays for everybody, and a yearly wave for seasonal customers."""
    day = ago(days)
    dip = (
        0.55 if (day.month, day.day) >= (12, 24) or (day.month, day.day) <= (1, 3) else 0.93 if day.month == 8 else 1.0
    )
    if not customer.season:
        return dip
    into_winter = 1 / (1 + math.exp(-((day.timetuple().tm_yday - 303) / 6)))
    into_spring = 1 / (1 + math.exp((day.timetuple().tm_yday - 80) / 6))
    return dip * (1 + customer.season * max(into_winter, into_spring))
