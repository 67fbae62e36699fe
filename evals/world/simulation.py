"""The whole world: simulation, exports of a day, and outcomes with and without plays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from evals.sample.write import COLUMNS
from evals.world import assumptions
from evals.world.churn import churn_day, draw_churn, leave_chance
from evals.world.conditions import draw_conditions
from evals.world.draw_facts import draw_contacts, draw_facts
from evals.world.draw_people import contact_entries, goal_entries, touch_entries
from evals.world.draw_tickets import ticket_entries
from evals.world.draw_usage import usage_entries
from evals.world.draw_words import note_entries, survey_entries
from evals.world.levels import hidden_levels
from evals.world.model import AccountLife, DatedRow, Row, SimulatedPlay, TrueAccount, WorldSpan, random_stream
from evals.world.money import arr_steps, invoice_entries, outcome_entries
from evals.world.staff import world_staff

_DRAWERS: dict[str, Callable[[AccountLife, Random], list[DatedRow]]] = {
    "usage": usage_entries,
    "tickets": ticket_entries,
    "invoices": invoice_entries,
    "surveys": survey_entries,
    "contacts": contact_entries,
    "touchpoints": touch_entries,
    "goals": goal_entries,
    "notes": note_entries,
    "outcomes": outcome_entries,
}

FULL_HISTORY_TABLES = ("contacts", "goals", "outcomes")
"""Tables that an export shows from the beginning, whatever the look-back."""


@dataclass(frozen=True)
class World:
    """A customer base with known truth. ``end`` is the day after its last week."""

    seed: int
    first: date
    end: date
    accounts: tuple[TrueAccount, ...]
    people: tuple[Row, ...]
    _lives: Mapping[str, AccountLife] = field(repr=False)
    _entries: Mapping[str, Mapping[str, tuple[DatedRow, ...]]] = field(repr=False)

    def known_on(self, day: date, weeks: int = 14) -> dict[str, list[Row]]:
        """The eleven tables in an export of that day; dated rows only from the last ``weeks`` weeks."""
        tables: dict[str, list[Row]] = {name: [] for name in COLUMNS}
        tables["people"] = [dict(row) for row in self.people]
        since = day - timedelta(weeks=weeks)
        for account in self.accounts:
            life = self._lives[account.account_id]
            if not _in_export(life, day):
                continue
            tables["accounts"].append(_account_row(account, life, day))
            for name, entries in self._entries[account.account_id].items():
                earliest = date.min if name in FULL_HISTORY_TABLES else since
                tables[name] += [entry.as_of(day) for entry in entries if earliest <= entry.day <= day]
        return tables

    def churned_on(self, account_id: str, plays: Sequence[SimulatedPlay] = ()) -> date | None:
        """Day on which the account would leave with these plays, or None; the same random draws, a lower hazard."""
        life = self._lives[account_id]
        return churn_day(life.facts, life.hidden, life.fate, life.span, plays)

    def leave_chance(self, account_id: str, since: date, until: date, plays: Sequence[SimulatedPlay] = ()) -> float:
        """The true probability of leaving between the two days with these plays, for an account that is there on the first."""
        life = self._lives[account_id]
        return leave_chance(life.facts, life.hidden, life.span, since, until, plays)

    def true_condition(self, account_id: str, day: date) -> str | None:
        """Kind of the most severe condition that is active on that day, or None."""
        active = [one.condition for one in self._lives[account_id].hidden if one.condition.active_on(day)]
        return max(active, key=lambda condition: condition.severity).kind if active else None


def simulate(seed: int, accounts: int = 400, weeks: int = 80, end: date = date(2026, 11, 23)) -> World:
    """The whole world without any intervention; the same seed gives the same world."""
    span = WorldSpan(end - timedelta(weeks=weeks), end, weeks)
    lives = [_draw_life(seed, number, span) for number in range(accounts)]
    return World(
        seed=seed,
        first=span.first,
        end=end,
        accounts=tuple(_true_account(life) for life in lives),
        people=world_staff(),
        _lives={life.facts.account_id: life for life in lives},
        _entries={life.facts.account_id: _draw_rows(seed, life) for life in lives},
    )


def _draw_life(seed: int, number: int, span: WorldSpan) -> AccountLife:
    """Draw one account from its first to its last day."""
    facts = draw_facts(seed, number, span)
    hidden = draw_conditions(seed, facts, span)
    fate = draw_churn(seed, facts, span)
    churned_on = churn_day(facts, hidden, fate, span)
    return AccountLife(
        facts=facts,
        span=span,
        hidden=hidden,
        fate=fate,
        churned_on=churned_on,
        arr_steps=arr_steps(seed, facts, hidden, churned_on, span),
        contacts=draw_contacts(seed, facts, hidden, span),
        levels=hidden_levels(seed, facts, hidden, span),
    )


def _draw_rows(seed: int, life: AccountLife) -> dict[str, tuple[DatedRow, ...]]:
    """Rows of an account by table, only between its first and its last day."""
    drawn = {}
    for name, drawer in _DRAWERS.items():
        if name not in life.facts.missing:
            entries = drawer(life, random_stream(seed, life.facts.account_id, name))
            last = life.ends if name == "outcomes" else life.ends - timedelta(days=1)
            drawn[name] = tuple(entry for entry in entries if life.facts.started <= entry.day <= last)
    return drawn


def _true_account(life: AccountLife) -> TrueAccount:
    lived = [one.condition for one in life.hidden if life.churned_on is None or one.condition.began <= life.churned_on]
    return TrueAccount(
        account_id=life.facts.account_id,
        name=life.facts.name,
        arr=life.arr_steps[-1][1],
        arr_steps=life.arr_steps,
        renewals=life.facts.renewals,
        conditions=tuple(lived),
        churned_on=life.churned_on,
    )


def _in_export(life: AccountLife, day: date) -> bool:
    """True if the account has started and has not been removed from the CRM after it left."""
    gone = life.churned_on and (day - life.churned_on).days > assumptions.CHURNED_STAYS_DAYS
    return life.facts.started <= day and not gone


def _account_row(account: TrueAccount, life: AccountLife, day: date) -> Row:
    facts = life.facts
    renewal = next((str(renewal) for renewal in facts.renewals if renewal > day), "")
    young = (day - facts.started).days < 7 * assumptions.ONBOARDING_WEEKS
    return {
        "account_id": facts.account_id,
        "name": facts.name,
        "arr": f"{account.arr_on(day):.0f}",
        "currency": "EUR",
        "renewal_date": renewal if facts.renewal_known else "",
        "segment": facts.segment,
        "csm_id": facts.csm_id,
        "exec_sponsor_id": facts.sponsor_id,
        "lifecycle_stage": "onboarding" if young else "live",
        "started_on": str(facts.started),
        "seats": str(facts.seats),
        "parent_account_id": "",
    }
