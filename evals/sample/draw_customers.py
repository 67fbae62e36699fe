"""Customers from their scripts: facts are drawn, then the story is applied."""

import random
from collections.abc import Sequence
from datetime import date, timedelta

from evals.sample.customer import SampleContact, SampleCustomer
from evals.sample.customer_scripts import CustomerScript
from evals.sample.dates import LAST_DAY, ago
from evals.sample.names import ENDINGS, FIRST, LAST, ODD_NAMES, STEMS, TITLES, TRADES
from evals.sample.staff import CSMS, NEW, ON_LEAVE, OVERLOADED, SPONSORS

CURRENCIES = ["EUR"] * 13 + ["USD"] * 4 + ["GBP"] * 2 + ["CHF"]


def draw_customers(parts: Sequence[CustomerScript], seed: int, prefix: str) -> list[SampleCustomer]:
    """All customers in order of their ids. The same seed gives the same customers."""
    rng = random.Random(f"{seed}/{prefix}/cast")
    names = _company_names(rng, len(parts))
    order = list(range(len(parts)))
    rng.shuffle(order)
    customers = []
    for number, (index, name) in enumerate(zip(order, names, strict=True)):
        part = parts[index]
        customer = _customer(part, f"{prefix}-{1001 + 3 * number}", name, rng)
        part.story(customer, part.depth)
        customers.append(customer)
    _add_parents(customers, rng)
    return customers


def _company_names(rng: random.Random, count: int) -> list[str]:
    stems = list(STEMS)
    rng.shuffle(stems)
    while len(stems) < count:
        stems.append(f"{rng.choice(STEMS)} & {rng.choice(LAST)}")
    return [f"{stem} {rng.choice(TRADES)}{rng.choice(ENDINGS)}" for stem in stems[:count]]


def _customer(part: CustomerScript, account_id: str, plain_name: str, rng: random.Random) -> SampleCustomer:
    arr = part.arr or min(480_000, max(6_000, round(rng.lognormvariate(10.5, 0.95), -2)))
    segment = "Enterprise" if arr > 100_000 else "Mid-market" if arr >= 20_000 else "SMB"
    days = part.renewal if part.renewal is not None else _renewal(rng)
    age = rng.randint(1, 5) if part.story.__name__ != "onboarding" else 1
    renewal = LAST_DAY + timedelta(days)
    price = rng.uniform(420, 900)
    customer = SampleCustomer(
        account_id=account_id,
        name=ODD_NAMES.get(part.odd, plain_name),
        arr=int(arr),
        currency=rng.choice(CURRENCIES),
        renewal=None if part.renewal is None and rng.random() < 0.03 else renewal,
        segment=segment,
        csm_id=_csm(part, rng),
        sponsor_id="" if segment == "SMB" or rng.random() < 0.12 else rng.choice(SPONSORS),
        started=date(renewal.year - age, renewal.month, min(renewal.day, 28)),
        seats=max(5, round(arr / price / 5) * 5 if arr > 15_000 else round(arr / price)),
        daily=part.daily,
        ended=part.ended,
    )
    customer.contacts = _contacts(customer, plain_name, rng)
    _habits(customer, rng)
    return customer


def _renewal(rng: random.Random) -> int:
    return rng.randint(14, 118) if rng.random() < 0.3 else rng.randint(121, 358)


def _csm(part: CustomerScript, rng: random.Random) -> str:
    if part.csm is not None:
        return f"P-1{part.csm}" if part.csm else ""
    if rng.random() < 0.03:
        return ""
    weights = {OVERLOADED: 0.4, ON_LEAVE: 0.7, NEW: 0.15}
    return rng.choices(CSMS, [weights.get(csm, 1.0) for csm in CSMS])[0]


def _contacts(customer: SampleCustomer, plain_name: str, rng: random.Random) -> list[SampleContact]:
    count = {"Enterprise": rng.randint(5, 7), "Mid-market": rng.randint(3, 5), "SMB": rng.randint(2, 3)}
    roles = ["champion", "economic_buyer", "user", "exec_sponsor", "user", "user", "user"]
    if customer.segment == "Mid-market":
        roles.remove("exec_sponsor")
    stem = "".join(letter for letter in plain_name.split()[0].lower() if letter.isascii() and letter.isalnum())
    domain = f"{stem}.example"
    people = []
    for index, role in enumerate(roles[: count[customer.segment]]):
        first, last = rng.choice(FIRST), rng.choice(LAST)
        contact_id = f"C-{customer.account_id.split('-')[1]}-{index + 1}"
        email = f"{first}.{last}@{domain}".lower()
        people.append(SampleContact(contact_id, f"{first} {last}", rng.choice(TITLES[role]), role, email))
    return people


def _habits(customer: SampleCustomer, rng: random.Random) -> None:
    """Draw the usual intervals of meetings, surveys and notes for this customer."""
    if customer.segment == "SMB":
        customer.exec_days = rng.choice([None, rng.randint(30, 160)])
    else:
        customer.exec_days = rng.randint(7, 72)
    customer.nps_days = rng.randint(8, 78) if rng.random() < 0.92 else None
    customer.note_days = rng.randint(3, 26) if rng.random() < 0.82 else rng.randint(33, 70)
    customer.goals = rng.choice(
        [("met", "on_track"), ("on_track",), ("met", "met", "on_track"), ("on_track", "on_track")]
    )


def _add_parents(customers: list[SampleCustomer], rng: random.Random) -> None:
    """Three groups of companies: one parent each, with two or three children."""
    plain = [c for c in customers if c.story in ("healthy", "lukewarm", "stale_survey")]
    for size in (4, 3, 3):
        members = rng.sample(plain, size)
        plain = [c for c in plain if c not in members]
        parent = max(members, key=lambda c: c.arr)
        children = [member for member in members if member is not parent]
        regions = rng.sample(["Nordic", "Iberia", "UK", "France", "Polska", "Italia"], len(children))
        for child, region in zip(children, regions, strict=True):
            child.parent_id = parent.account_id
            child.name = f"{parent.name.split()[0]} {region}"


def was_customer(customer: SampleCustomer, days: float) -> bool:
    """True if the customer was under contract so many days ago."""
    return customer.ended <= days and ago(days) >= customer.started
