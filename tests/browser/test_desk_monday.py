"""A whole Monday at the review desk: a leader, a manager and a CSM, each in a browser of their own."""

# ruff: noqa: F811  (fixtures are imported by name)

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.desk_in_process import monday_store, own_copy  # noqa: F401  fixtures
from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    NEW_DATE,
    NEW_OWNER,
    UNOWNED_ACCOUNT,
    W48,
    StoreFolder,
    shared_stores,
    team_data,
    team_first_week,
)
from tests.served_desk import BROWSER_REQUIRED, CHROMIUM, LEADER, ServedDesk, chromium, open_sign_in_link, running_desk

APPROVE, REJECT = re.compile("^(Approve|Continue)"), re.compile("^(Reject|Stop)")
WHY_NOT = re.compile("^(Why not|Why it stops)")
"""A play that runs since an earlier week is continued or stopped."""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.servers,
    pytest.mark.timeout(400),  # a test may wait for a shared store that another worker creates
    pytest.mark.skipif(not CHROMIUM.exists() and not BROWSER_REQUIRED, reason="Chromium is not installed"),
]
SHOTS = Path(__file__).parents[2] / "build" / "screenshots" / "desk"
MANAGER, SECOND_LEADER = "Ruth Castellanos", "Anders Falk"
WEEK, MEETING, CAPACITY = f"/r/{W48}/week", f"/r/{W48}/meeting", f"/r/{W48}/capacity"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


class Room:
    """A desk and the browsers of its members, each signed in once."""

    def __init__(self, desk: ServedDesk, browser: Any, place: StoreFolder) -> None:
        self.desk, self._browser, self.place = desk, browser, place
        self._contexts: dict[str, Any] = {}

    def somebody(self, name: str, role: str = "leader", person: str | None = None, link: str = "") -> Any:
        """A page of this person, in their own browser."""
        if name not in self._contexts:
            context = self._browser.new_context(viewport={"width": 1280, "height": 900})
            context.set_default_timeout(60_000)
            self._contexts[name] = context
            link = link or (self.desk.leader_link if name == LEADER else self.desk.link(name, role, person))
            page = open_sign_in_link(context, link)
        else:
            page = self._contexts[name].new_page()
        return page

    def without_scripts(self, name: str) -> Any:
        """A page of a signed-in person, in a browser without scripts."""
        kept = self._contexts[name].storage_state()
        context = self._browser.new_context(java_script_enabled=False, storage_state=kept)
        context.set_default_timeout(60_000)
        return context.new_page()

    def leave(self) -> None:
        """Close all browsers."""
        for context in self._contexts.values():
            context.close()

    def choices(self) -> dict[str, tuple[str, str]]:
        """The stored decision about each account, and the person who made it."""
        rows = self.place._rows("select account_id, body from choices where review_id = '2026-W48'")
        return {account: _said(body) for account, body in rows}


def _said(body: str) -> tuple[str, str]:
    choice = json.loads(body)
    return (choice["decision"]["decision"], choice["by"]) if choice else ("", "")  # taken back


@pytest.fixture
def opened(monday_store: StoreFolder, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The desk on the morning of the meeting, for one test."""
    place = own_copy(monday_store, tmp_path_factory.mktemp("day") / "place")
    with running_desk(place.store) as desk:
        room = Room(desk, browser, place)
        yield room
        room.leave()


@pytest.fixture(scope="module")
def room(monday_store: StoreFolder, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    """The same desk for the smaller tests; each decides on other accounts."""
    place = own_copy(monday_store, tmp_path_factory.mktemp("room") / "place")
    with running_desk(place.store) as desk:
        room = Room(desk, browser, place)
        yield room
        room.leave()


@pytest.fixture(scope="module")
def accounts(monday_store: StoreFolder) -> list[str]:
    """The accounts with a play, in the order of the meeting."""
    return [play["account_id"] for play in monday_store.document(W48)["plays"]]


@pytest.fixture
def shot() -> Callable[[Any, str], None]:
    """Saves a screenshot of a page when a folder for screenshots is set."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def keep(page: Any, name: str) -> None:
        page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
        page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)

    return keep


def hears(page: Any) -> None:
    """Wait until the page receives events of others: reloading removes a mark from it."""
    page.evaluate("window.opened = true")


def was_not_loaded_again(page: Any) -> bool:
    return page.evaluate("window.opened === true")


def asked_of(page: Any, person: str) -> float:
    """Hours of a person for this week's plays, as shown on the capacity page."""
    shown = page.locator(f"#load tr[data-person='{person}'] td[data-label='Asked now']").inner_text()
    return float(re.sub(r"[^\d.]", "", shown))


def says(page: Any, text: str | re.Pattern[str], where: str = "main") -> None:
    """Wait until the page contains the text."""
    page.locator(where).filter(has_text=text).first.wait_for()


def owners_of(play: dict[str, Any]) -> list[dict[str, Any]]:
    return [action for phase in play["phases"] for action in phase["actions"]]


def test_three_people_get_through_a_whole_monday(
    opened: Room, monday_store: StoreFolder, accounts: list[str], shot: Callable[[Any, str], None]
) -> None:
    plays = {play["account_id"]: play for play in monday_store.document(W48)["plays"]}
    waiting = {each["account_id"] for each in monday_store.document(W48)["needs"]["waiting"]}
    deciding = [account for account in accounts if account not in waiting]
    edited, rejected = [account for account in deciding if account != UNOWNED_ACCOUNT][:2]
    total = len(accounts)
    assert len(deciding) >= 5
    assert waiting, "some plays wait for hours"
    moved = owners_of(plays[edited])[0]
    csm_of = Counter(
        action["owner_id"]
        for account, play in plays.items()
        if account not in (edited, rejected)
        for action in owners_of(play)
        if action["owner_role"] == "csm"
    )
    csm, losing = csm_of.most_common(1)[0][0], owners_of(plays[rejected])
    csm_name = next(a["owner"] for play in plays.values() for a in owners_of(play) if a["owner_id"] == csm)
    loses = Counter(action["owner_id"] for action in losing if action["owner_role"] == "csm").most_common(1)[0][0]

    # The leader opens the printed link, reads the week, and lets the manager in.
    leader = opened.somebody(LEADER)
    assert leader.url.endswith(WEEK)
    says(leader, f"0 of {total} plays decided, {len(waiting)} wait for hours")
    shot(leader, "01-week")
    leader.select_option("select[name=priority]", "critical")
    leader.wait_for_url(re.compile("priority=critical"))
    assert set(leader.locator("#accounts tbody td[data-label=Priority]").all_inner_texts()) == {"critical"}
    leader.goto(opened.desk.at + "/people")
    leader.get_by_label("Name").fill(MANAGER)
    leader.locator("select[name=role]").select_option("manager")
    leader.get_by_role("button", name="Make it").click()
    shot(leader, "02-let-in")
    manager = opened.somebody(MANAGER, link=leader.locator(".banner code").inner_text())
    worker = opened.somebody(csm_name, "csm", csm)
    assert worker.get_by_role("link", name="Capacity").count() == 0

    # The manager watches the capacity page; it is never loaded again from here on.
    manager.goto(opened.desk.at + CAPACITY)
    hears(manager)
    before, relieved = asked_of(manager, NEW_OWNER), asked_of(manager, loses)
    shot(manager, "03-capacity-before")

    # One play is approved with another owner and another day for its first action.
    leader.goto(f"{opened.desk.at}{MEETING}?account={edited}")
    shot(leader, "04-meeting")
    leader.keyboard.press("e")
    leader.wait_for_url(re.compile("edit=1"))
    leader.locator(f"[name='owner:{moved['id']}']").select_option(NEW_OWNER)
    leader.locator(f"[name='due:{moved['id']}']").fill(NEW_DATE)
    why = leader.get_by_label("Why", exact=True)
    why.fill("Mila knows the people there")
    shot(leader, "05-edit")
    leader.get_by_role("button", name="Approve with these changes").click()
    says(leader, f"As changed by {LEADER}")
    says(leader, f"is due {NEW_DATE}")
    shot(leader, "06-edited")
    says(manager, f"1 play of {total} decided")
    assert asked_of(manager, NEW_OWNER) > before, "what was handed to her is asked of her at once"

    # One is rejected, with a reason; what it asked for is free again.
    relieved = asked_of(manager, loses)
    leader.goto(f"{opened.desk.at}{MEETING}?account={rejected}")
    leader.get_by_label(WHY_NOT).fill("The sponsor already agreed to renew")
    leader.get_by_role("button", name=REJECT).click()
    says(leader, f"2 of {total} plays decided")
    says(manager, f"2 plays of {total} decided")
    assert asked_of(manager, loses) < relieved
    assert was_not_loaded_again(manager)
    shot(manager, "07-capacity-after")

    # The others that fit the hours are approved, each where the desk leads after the one before.
    # What was rejected left hours free: a play that waited may fit now, and is decided as well.
    decided = 2
    while leader.get_by_text("Still undecided").count():
        at = leader.locator(".queue a[aria-current]").get_attribute("href")
        is_play = leader.locator(".answers form input[name=version]").count() > 0
        decided += is_play
        reason = leader.locator(".answers form").first.locator("input[name=reason]")
        if reason.get_attribute("required") is not None:
            reason.fill("Worth it: they answered last week")
        leader.get_by_role("button", name=APPROVE).first.click()
        says(leader, f"{decided} of {total} plays decided")
        leader.locator(f".queue a[href='{at}'] .status-approved").wait_for()
    assert decided >= len(deciding)
    shot(leader, "08-all-decided")

    # The decision is recorded, carried out in the background, and shown to everybody.
    leader.get_by_label("approve them").check()
    leader.get_by_label("Budget for this week's plays").fill("5000")
    leader.get_by_role("button", name="Record, and hand out the actions").click()
    leader.locator("#close").wait_for()
    says(manager, "Waiting for the close", ".stage")
    shot(leader, "09-closing")

    # Closing is refused while a critical account has no owner; what was written for the record stays.
    leader.get_by_label("For the record").fill("All critical accounts are owned.")
    leader.get_by_role("button", name="Close the meeting").click()
    says(leader, re.compile(f"critical accounts without an owner.*{UNOWNED_ACCOUNT}"), "#news")
    shot(leader, "10-no-owner")
    for empty in leader.locator("#close select").all():
        empty.select_option(NEW_OWNER)
    assert leader.get_by_label("For the record").input_value() == "All critical accounts are owned."
    leader.get_by_role("button", name="Close the meeting").click()
    leader.locator(".stage-closed").wait_for()
    shot(leader, "11-closed")
    manager.locator(".stage-closed").wait_for()
    assert was_not_loaded_again(manager)

    # The CSM finds their actions and reports one as done; the leader sees it.
    leader.goto(f"{opened.desk.at}/r/{W48}/follow-up")
    hears(leader)
    worker.goto(f"{opened.desk.at}/r/{W48}/follow-up")
    listed = worker.locator("tr[data-action] td[data-label=Owner]").all_text_contents()
    owners = {name.strip() for name in listed}
    assert owners == {csm_name}
    mine = worker.locator("tr[data-action]").first.get_attribute("data-action")
    row = f"tr[data-action='{mine}']"
    worker.locator(f"{row} button", has_text="Done").click()
    says(worker, "done", f"{row} td[data-label=State]")
    folded = leader.locator(f"{row} td[data-label=State]").filter(has_text="done").first
    folded.wait_for(state="attached")  # in the leader's longer list it stands below the fold
    assert was_not_loaded_again(leader)
    shot(worker, "12-follow-up")
    assert opened.place.progress()[mine][0] == "done"

    # The next week is opened from the desk. A small team meets every two weeks; this time it does so a week earlier.
    leader.goto(opened.desk.at + WEEK)
    assert leader.get_by_label("Review date").input_value() == "2026-12-07"
    leader.get_by_label("Review date").fill("2026-11-30")
    leader.get_by_role("button", name="Open it").click()
    leader.wait_for_url(re.compile("2026-W49/week"))
    says(leader, "At-risk review of Mon 30 Nov 2026", "h1")
    assert leader.locator("#week-choice option").all_inner_texts()[0] == "2026-W49"
    shot(leader, "13-next-week")

    # The review contains everything that people entered.
    review = opened.place.document(W48)
    status = {play["account_id"]: play["status"] for play in review["plays"]}
    assert Counter(status.values()) == {
        "approved": decided - 2, "edited": 1, "rejected": 1, "deferred": total - decided,
    }  # fmt: skip
    assert (status[edited], status[rejected]) == ("edited", "rejected")
    action = next(action for action in review["actions"] if action["id"].endswith(f".{edited}.{moved['id']}"))
    assert (action["owner_id"], action["due"]) == (NEW_OWNER, NEW_DATE)
    left = [action["kind"] for action in review["actions"] if action["account_id"] == rejected]
    assert left == ["primary"], "a rejected play leaves the account one next step"


def test_who_decides_on_what_somebody_else_changed_meanwhile_is_told_and_nothing_is_lost(
    room: Room, accounts: list[str]
) -> None:
    account = accounts[0]
    slow, fast = room.somebody(LEADER), room.somebody(SECOND_LEADER)
    for page in (slow, fast):
        page.goto(f"{room.desk.at}{MEETING}?account={account}")
    slow.get_by_label(WHY_NOT).fill("They asked us to wait")
    fast.get_by_label(re.compile("^Why (it is|\\()")).fill("The board wants it")
    fast.get_by_role("button", name=APPROVE).first.click()
    says(fast, f"1 of {len(accounts)} plays decided")
    says(slow, "Something changed meanwhile", "#news")
    with slow.expect_response(re.compile("/choices$")) as answered:
        slow.get_by_role("button", name=REJECT).click()
    assert answered.value.status == 409
    says(slow, f"{account}: {SECOND_LEADER} decided meanwhile", "#news")
    assert slow.get_by_label(WHY_NOT).input_value() == "They asked us to wait"
    assert room.choices()[account] in {("approve", SECOND_LEADER), ("continue", SECOND_LEADER)}
    slow.get_by_role("button", name="See what stands now").click()
    says(slow, f"approved by {SECOND_LEADER}: The board wants it", ".decide")

    slow.get_by_label(WHY_NOT).fill("They asked us to wait")
    slow.get_by_role("button", name=REJECT).click()
    says(slow, "rejected", f".queue a[href$='{account}']")
    assert room.choices()[account] == ("reject", LEADER)


def test_a_decision_is_seen_in_every_open_browser_and_the_account_that_is_read_stays(
    room: Room, accounts: list[str]
) -> None:
    read, account = accounts[1], accounts[2]
    looking, deciding = room.somebody(LEADER), room.somebody(SECOND_LEADER)
    looking.goto(f"{room.desk.at}{MEETING}?account={read}")
    hears(looking)
    deciding.goto(f"{room.desk.at}{MEETING}?account={account}")
    deciding.get_by_label("Until").fill("2026-12-07")
    deciding.get_by_role("button", name="Defer").click()
    says(looking, "deferred", f".queue a[href$='{account}']")
    assert was_not_loaded_again(looking)
    assert looking.locator(".queue a[aria-current]").get_attribute("href").endswith(read)
    stays = deciding.locator(".queue a[aria-current]").get_attribute("href")
    assert deciding.url.endswith(stays), "the address says which account is read, so that news do not lead elsewhere"


def test_the_desk_decides_without_any_script(room: Room, accounts: list[str]) -> None:
    approved, rejected = accounts[3], accounts[5]
    room.somebody(LEADER)
    page = room.without_scripts(LEADER)
    page.goto(f"{room.desk.at}/r/{W48}/play?account={approved}")
    page.get_by_label(re.compile("^Why (it is|\\()")).fill("It is worth the hours")
    page.get_by_role("button", name=APPROVE).click()
    says(page, f"approved by {LEADER}: It is worth the hours", ".decide")
    page.goto(f"{room.desk.at}{MEETING}?account={rejected}")
    page.get_by_label(WHY_NOT).fill("They are leaving the market")
    page.get_by_role("button", name=REJECT).click()
    says(page, "rejected", f".queue a[href$='{rejected}']")
    page.get_by_label("Note").fill("Agreed by all")
    page.get_by_role("button", name="Write it down").click()
    says(page, "Agreed by all")
    assert {account: room.choices()[account][0] for account in (approved, rejected)} == {
        approved: "approve",
        rejected: "reject",
    }
    page.context.close()


def test_ten_plays_take_ten_keys_and_each_decision_is_taken_back_with_one(opened: Room, accounts: list[str]) -> None:
    """Every key is counted; a reason, where the rules ask for one, is text and counts as one key and Enter."""
    page, keys, reasons, decided = opened.somebody(LEADER), 0, 0, []
    page.goto(f"{opened.desk.at}{MEETING}")
    plays = page.locator(".queue ol").first
    undecided = plays.locator("li", has=page.locator(".status-proposed"))
    todo = undecided.count()
    while undecided.count():
        at = page.locator(".queue a[aria-current]").get_attribute("href")
        assert plays.locator(f"a[href='{at}'] .status-proposed").count(), (
            "the desk leads from one undecided to the next"
        )
        page.keyboard.press("a")
        keys += 1
        if page.evaluate("document.activeElement.tagName") == "INPUT":
            page.keyboard.type("Worth it")
            page.keyboard.press("Enter")
            reasons += 1
        plays.locator(f"a[href='{at}'] .status-approved").wait_for()
        says(page, "Your last decision: approved", ".taken")
        decided.append(at)
    assert keys == len(decided) >= todo, "one key a play, and none to find the next"
    kept = opened.choices()
    print(f"{len(decided)} plays: {keys} keys and {reasons} reasons")
    for at in reversed(decided[-3:]):
        page.keyboard.press("u")
        page.wait_for_url(re.compile(re.escape(at) + "$"))
        plays.locator(f"a[href='{at}'] .status-approved").wait_for(state="detached")
    left = [account for account, choice in opened.choices().items() if choice[0]]
    assert len(left) == len(kept) - 3


def test_a_decision_is_taken_back_without_any_script(room: Room, accounts: list[str]) -> None:
    at = accounts[9]
    room.somebody(LEADER)
    page = room.without_scripts(LEADER)
    page.goto(f"{room.desk.at}{MEETING}?account={at}")
    page.get_by_label(WHY_NOT).fill("They are leaving the market")
    page.get_by_role("button", name=REJECT).click()
    says(page, "Your last decision: rejected", ".taken")
    assert at in {account for account in room.choices() if room.choices()[account]}
    page.locator(".taken button").click()
    page.locator(f".queue a[aria-current][href$='{at}']").wait_for()
    assert room.choices()[at] == ("", "")
    page.context.close()


def test_one_key_decides_and_others_go_on_and_back(room: Room, accounts: list[str]) -> None:
    at, after = accounts[6], accounts[7]
    page = room.somebody(LEADER)

    def is_at(account: str) -> None:
        page.wait_for_url(re.compile(f"account={account}"))
        page.locator(f".queue a[aria-current][href$='{account}']").wait_for()

    page.goto(f"{room.desk.at}{MEETING}?account={at}")
    page.keyboard.press("j")
    is_at(after)
    page.keyboard.press("k")
    is_at(at)
    reason = page.locator(".answers form").first.locator("input[name=reason]")
    page.keyboard.press("a")
    if reason.get_attribute("required") is not None:  # a hard save is not approved by one key
        assert reason.evaluate("(field) => field === document.activeElement")
        page.keyboard.type("Worth it")
        page.keyboard.press("Enter")
    says(page, "approved", f".queue a[href$='{at}']")

    page.goto(f"{room.desk.at}{MEETING}?account={after}")
    page.keyboard.press("r")
    page.keyboard.type("ard times: no")  # letters are typed here, they decide nothing
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    assert page.get_by_label("Until").evaluate("(field) => field === document.activeElement")
    page.keyboard.press("Escape")
    page.keyboard.press("r")
    page.keyboard.press("Enter")
    says(page, "rejected", f".queue a[href$='{after}']")
    assert room.choices()[at][0], room.choices()[after] == ("approve", ("reject", LEADER))
