"""The simulated world: reproducible, without knowledge of the future, plausible, and consistent about plays."""

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from statistics import mean

import pytest

from evals.sample.write import COLUMNS
from evals.world import SimulatedPlay, TrueAccount, World, simulate
from evals.world.assumptions import KINDS, MISSING

Row = dict[str, str]
DATED = {"usage": "date", "tickets": "opened_at", "invoices": "due_date", "surveys": "date", "touchpoints": "date"}
DATED["notes"] = "date"
KEYS = {
    "usage": ("account_id", "date"),
    "tickets": ("ticket_id",),
    "invoices": ("invoice_id",),
    "contacts": ("contact_id",),
    "goals": ("account_id", "goal"),
    "outcomes": ("account_id", "date"),
    "notes": ("account_id", "date", "text"),
    "surveys": ("account_id", "date", "kind"),
}
LEARNED_LATER = {
    "tickets": {"closed_at", "escalated", "sla_breached", "csat"},
    "invoices": {"status", "paid_on"},
    "contacts": {"status", "departed_on", "role", "title"},
    "goals": {"status"},
}


@pytest.fixture(scope="module")
def world() -> World:
    return simulate(5)


def day_of(world: World, week: int) -> date:
    return world.first + timedelta(weeks=week)


def by_account(rows: list[Row]) -> dict[str, list[Row]]:
    grouped = defaultdict(list)
    for row in rows:
        grouped[row["account_id"]].append(row)
    return grouped


def died_of_something_seen(account: TrueAccount) -> bool:
    day = account.churned_on
    return day is not None and any(c.visible and c.active_on(day) for c in account.conditions)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_ones() -> None:
    def said(seed: int) -> str:
        small = simulate(seed, accounts=15)
        return json.dumps([small.known_on(small.end), small.known_on(day_of(small, 30))]) + repr(small.accounts)

    assert said(1) == said(1)
    assert said(1) != said(2)


def test_an_account_lives_the_same_life_however_many_others_there_are() -> None:
    few, many = simulate(3, accounts=8), simulate(3, accounts=16)
    assert few.accounts == many.accounts[:8]
    notes = [row for row in many.known_on(many.end)["notes"] if row["account_id"] <= "W-0008"]
    assert few.known_on(few.end)["notes"] == notes


def test_there_are_eleven_tables_with_our_columns_and_only_strings(world: World) -> None:
    tables = world.known_on(world.end)
    assert list(tables) == list(COLUMNS)
    assert len(tables) == 11
    for name, rows in tables.items():
        assert rows
        assert all(tuple(row) == COLUMNS[name] for row in rows)
        assert all(isinstance(cell, str) for row in rows for cell in row.values())


def test_ids_and_names_are_unique(world: World) -> None:
    ids = [account.account_id for account in world.accounts]
    assert ids == sorted(set(ids))
    assert len({account.name for account in world.accounts}) == len(ids)
    tables = world.known_on(world.end, weeks=80)
    for name, column in (("tickets", "ticket_id"), ("invoices", "invoice_id"), ("contacts", "contact_id")):
        found = [row[column] for row in tables[name]]
        assert len(found) == len(set(found))
    assert len({row["name"] for row in tables["contacts"]}) == len(tables["contacts"])


@pytest.mark.parametrize("week", [20, 53, 80])
def test_no_cell_tells_the_future(world: World, week: int) -> None:
    day = day_of(world, week)
    tables = world.known_on(day)
    planned = {("accounts", "renewal_date"), ("goals", "due_date")}
    for name, rows in tables.items():
        for column in COLUMNS[name]:
            if (name, column) not in planned and column.endswith(("date", "_at", "_on")):
                assert max(row[column] for row in rows) <= str(day)
    assert all(row["renewal_date"] > str(day) for row in tables["accounts"] if row["renewal_date"])


def test_dated_rows_are_those_of_the_weeks_asked_for_and_usage_is_from_sundays(world: World) -> None:
    day = day_of(world, 60)
    tables = world.known_on(day, weeks=5)
    for name, column in DATED.items():
        assert min(row[column] for row in tables[name]) >= str(day - timedelta(weeks=5))
    assert all(date.fromisoformat(row["date"]).weekday() == 6 for row in tables["usage"])
    assert min(row["date"] for row in tables["outcomes"]) < str(day - timedelta(weeks=40))


def test_nothing_is_older_than_the_customer(world: World) -> None:
    tables = world.known_on(world.end, weeks=80)
    started = {row["account_id"]: row["started_on"] for row in tables["accounts"]}
    assert any(day > str(world.first) for day in started.values())
    for name, column in DATED.items():
        assert all(row[column] >= started[row["account_id"]] for row in tables[name])


def test_rows_of_the_past_never_change_except_for_what_is_learned_later(world: World) -> None:
    early, late = world.known_on(day_of(world, 50), 60), world.known_on(day_of(world, 56), 60)
    still = {row["account_id"] for row in late["accounts"]}
    for name, key in KEYS.items():
        after = {tuple(row[column] for column in key): row for row in late[name]}
        for row in early[name]:
            if row["account_id"] in still:
                now = after[tuple(row[column] for column in key)]
                assert {column for column in row if row[column] != now[column]} <= LEARNED_LATER.get(name, set())
    changed = {row["ticket_id"] for row in early["tickets"] if not row["closed_at"]}
    assert any(row["closed_at"] for row in late["tickets"] if row["ticket_id"] in changed)


def test_a_lost_account_is_in_the_exports_for_eight_weeks_and_sends_nothing_any_more(world: World) -> None:
    lost = next(a for a in world.accounts if a.churned_on and day_of(world, 20) < a.churned_on < day_of(world, 60))
    assert lost.churned_on is not None
    for days, there in ((-1, True), (0, True), (56, True), (57, False)):
        tables = world.known_on(lost.churned_on + timedelta(days=days))
        assert (lost.account_id in by_account(tables["accounts"])) is there
        kinds = [row["kind"] for row in by_account(tables["outcomes"])[lost.account_id]]
        assert ("churned" in kinds) is (there and days >= 0)
        rows = [row for name in ("usage", "touchpoints", "notes") for row in by_account(tables[name])[lost.account_id]]
        assert all(row["date"] < str(lost.churned_on) for row in rows)


def test_renewals_change_the_arr_as_their_outcomes_say(world: World) -> None:
    day = day_of(world, 75)
    tables = world.known_on(day)
    accounts = {account.account_id: account for account in world.accounts}
    assert {row["kind"] for row in tables["outcomes"]} == {"renewed", "contracted", "expanded", "churned"}
    for row in tables["outcomes"]:
        account, on = accounts[row["account_id"]], date.fromisoformat(row["date"])
        if row["kind"] == "churned":
            assert float(row["arr_change"]) == -account.arr
        else:
            assert on in account.renewals
            before = account.arr_on(on - timedelta(days=1))
            assert account.arr_on(on) - before == float(row["arr_change"])
    assert all(float(row["arr"]) == accounts[row["account_id"]].arr_on(day) for row in tables["accounts"])


def test_base_rates_are_those_of_an_ordinary_business(world: World) -> None:
    lost = [account for account in world.accounts if account.churned_on]
    began = [max(world.first, account.arr_steps[0][0]) for account in world.accounts]
    ended = [account.churned_on or world.end for account in world.accounts]
    years = sum((end - begin).days for begin, end in zip(began, ended, strict=True)) / 365
    assert 0.085 <= len(lost) / years <= 0.155
    assert 0.28 <= mean(bool(account.conditions) for account in world.accounts) <= 0.40
    healed = [c for a in world.accounts if not a.churned_on for c in a.conditions if c.ended]
    assert len(healed) >= 0.06 * len(world.accounts)
    assert min(a.arr_steps[0][1] for a in world.accounts) >= 8_000
    assert max(a.arr_steps[0][1] for a in world.accounts) <= 600_000


def test_most_decisions_fall_into_the_weeks_before_a_renewal_and_a_few_elsewhere(world: World) -> None:
    lost = [account for account in world.accounts if account.churned_on]
    near = [a for a in lost if any(a.churned_on and 0 <= (day - a.churned_on).days <= 56 for day in a.renewals)]
    assert 0.75 <= len(near) / len(lost) < 1


def test_some_leave_without_a_visible_sign_and_graver_conditions_cost_more(world: World) -> None:
    lost = [account for account in world.accounts if account.churned_on]
    assert 0.04 <= mean(not died_of_something_seen(account) for account in lost) <= 0.25
    ill = [(max(c.severity for c in a.conditions), a.churned_on is not None) for a in world.accounts if a.conditions]
    assert mean(left for severity, left in ill if severity > 0.65) > mean(
        left for severity, left in ill if severity <= 0.65
    )


def test_without_plays_everybody_leaves_on_the_day_that_is_true(world: World) -> None:
    assert all(world.churned_on(account.account_id) == account.churned_on for account in world.accounts)


def test_the_right_play_beats_attention_beats_a_wrong_play_beats_nothing_and_none_does_harm(world: World) -> None:
    lost = dict.fromkeys(("nothing", "wrong", "general", "right"), 0)
    for account in world.accounts:
        for condition in account.conditions:
            on = condition.began + timedelta(weeks=5)
            other = next(kind for kind in KINDS if kind not in {one.kind for one in account.conditions})
            for name, against in (("wrong", other), ("general", None), ("right", condition.kind)):
                day = world.churned_on(account.account_id, [SimulatedPlay(on, against)])
                assert (day or date.max) >= (account.churned_on or date.max)
                lost[name] += day is not None
            lost["nothing"] += account.churned_on is not None
    assert lost["right"] < lost["general"] < lost["wrong"] <= lost["nothing"]
    assert lost["right"] < 0.85 * lost["nothing"]


def test_more_plays_never_do_harm_and_the_same_one_twice_is_no_better_at_once(world: World) -> None:
    for account in world.accounts:
        for condition in account.conditions:
            play = SimulatedPlay(condition.began + timedelta(weeks=4), condition.kind)
            one = world.churned_on(account.account_id, [play])
            assert world.churned_on(account.account_id, [play, play]) == one
            more = world.churned_on(account.account_id, [play, SimulatedPlay(play.on + timedelta(weeks=20), None)])
            assert (more or date.max) >= (one or date.max)


def test_a_play_for_a_healthy_account_changes_nothing(world: World) -> None:
    for account in world.accounts:
        early = min((c.began for c in account.conditions), default=world.end) - timedelta(days=1)
        plays = [SimulatedPlay(early, kind) for kind in KINDS] + [SimulatedPlay(early, None)]
        assert world.churned_on(account.account_id, plays) == account.churned_on


def test_the_true_condition_is_the_gravest_one_that_is_active(world: World) -> None:
    account = next(a for a in world.accounts if len(a.conditions) > 1)
    grave = max(account.conditions, key=lambda condition: condition.severity)
    assert world.true_condition(account.account_id, grave.began) == grave.kind
    first = min(condition.began for condition in account.conditions)
    assert world.true_condition(account.account_id, first - timedelta(days=1)) is None


def test_every_source_is_missing_somewhere_and_some_have_no_champion_or_no_csm(world: World) -> None:
    tables = world.known_on(day_of(world, 78), weeks=78)
    old = {row["account_id"] for row in tables["accounts"] if row["started_on"] < str(world.first)}
    for name in MISSING:
        assert 0 < len(old - set(by_account(tables[name]))) < len(old) / 2
    with_champion = {row["account_id"] for row in tables["contacts"] if row["role"] == "champion"}
    assert set(by_account(tables["contacts"])) - with_champion
    assert any(not row["csm_id"] for row in tables["accounts"])
    assert any(not row["renewal_date"] for row in tables["accounts"])


def departed(*roles: str) -> Callable[[dict[str, list[Row]], date], bool]:
    def found(rows: dict[str, list[Row]], day: date) -> bool:
        since = str(day - timedelta(weeks=40))
        return any(row["role"] in roles and row["departed_on"] >= since for row in rows["contacts"])

    return found


def badly_served(rows: dict[str, list[Row]], _day: date) -> bool:
    return sum("true" in (row["escalated"], row["sla_breached"]) for row in rows["tickets"]) >= 2


def core_work_drifts(rows: dict[str, list[Row]], _day: date) -> bool:
    each = [int(row["core_actions"]) / int(row["logins"]) for row in rows["usage"] if row["logins"] != "0"]
    return len(each) >= 6 and mean(each[-3:]) < 0.92 * mean(each[:3])


def goals_behind(rows: dict[str, list[Row]], _day: date) -> bool:
    return any(row["status"] == "behind" for row in rows["goals"])


def pays_late(rows: dict[str, list[Row]], day: date) -> bool:
    paid = [(row["due_date"], row["paid_on"] or str(day)) for row in rows["invoices"]]
    return any((date.fromisoformat(on) - date.fromisoformat(due)).days > 14 for due, on in paid)


def answers_less(rows: dict[str, list[Row]], day: date) -> bool:
    old = str(day - timedelta(days=10))
    mails = [row for row in rows["touchpoints"] if row["kind"] == "email" and row["outbound"] == "true"]
    return sum(not row["responded_at"] for row in mails if row["date"] < old) >= 2


TRACES = {
    "champion_leaves": departed("champion"),
    "product_gap": core_work_drifts,
    "service_failure": badly_served,
    "value_doubt": goals_behind,
    "price_pressure": pays_late,
    "competitor": answers_less,
    "reorganisation": departed("exec_sponsor", "economic_buyer"),
}


@pytest.fixture(scope="module")
def seen(world: World) -> dict[str, tuple[float, float]]:
    """Share of accounts with the trace of each kind: those with the condition for six weeks, and healthy ones."""
    found: dict[tuple[str, bool], list[bool]] = defaultdict(list)
    for week in range(20, 80, 10):
        day = day_of(world, week)
        grouped = {name: by_account(rows) for name, rows in world.known_on(day).items() if name != "people"}
        for account in world.accounts:
            rows = {name: table[account.account_id] for name, table in grouped.items()}
            if not rows["accounts"]:
                continue
            kinds = {c.kind for c in account.conditions if c.active_on(day) and c.visible and (day - c.began).days > 41}
            for kind in kinds if account.conditions else KINDS:
                found[kind, bool(kinds)].append(TRACES[kind](rows, day))
    return {kind: (mean(found[kind, True]), mean(found[kind, False])) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_leaves_traces_in_its_tables_more_often_than_chance(
    seen: dict[str, tuple[float, float]], kind: str
) -> None:
    ill, healthy = seen[kind]
    assert ill > 1.4 * healthy
    assert ill < 0.95


def test_healthy_accounts_show_scary_things_too(world: World) -> None:
    healthy = {account.account_id for account in world.accounts if not account.conditions}
    day = day_of(world, 75)
    tables = {name: by_account(rows) for name, rows in world.known_on(day, weeks=60).items() if name != "people"}
    scared = [
        trace for trace in TRACES.values() if any(trace({n: t[a] for n, t in tables.items()}, day) for a in healthy)
    ]
    assert len(scared) == len(TRACES)
    texts = [row["text"] for account in healthy for row in tables["notes"][account]]
    assert any("alternatives" in text for text in texts)
