"""The review desk in a real browser: read by everybody, on a phone, in the dark, by keyboard, and with hostile texts."""

# ruff: noqa: F811  (fixtures are imported by name)

import csv
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_report_page import CONTRAST
from tests.desk_in_process import evidence_mark, own_copy
from tests.e2e.commands import DONE, WAITING
from tests.e2e.shared_stores import (  # noqa: F401  fixtures
    SECOND_DAY,
    TEAM_ACCOUNTS,
    W47,
    W48,
    SharedStores,
    StoreFolder,
    read_csv_rows,
    shared_stores,
    team_data,
    team_first_week,
)
from tests.served_desk import (
    BROWSER_REQUIRED,
    CHROMIUM,
    LEADER,
    ServedDesk,
    chromium,
    csrf_token,
    open_sign_in_link,
    running_desk,
    sign_in_by_link,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.servers,
    pytest.mark.timeout(400),  # a test may wait for a shared store that another worker creates
    pytest.mark.skipif(not CHROMIUM.exists() and not BROWSER_REQUIRED, reason="Chromium is not installed"),
]

LARGEST_FIRST_PAGE = 120_000
"""Bytes of everything that the first page fetches."""
HOSTILE = (
    "<script>window.stolen = 'script'</script>",
    '"><svg onload="window.stolen=\'svg\'"><img src=x onerror="window.stolen=\'img\'">',
    "![logo](https://evil.example/logo.png) [go](javascript:alert())",
    "</style><style>@import url(https://evil.example/s.css); body { display: none }</style>",
    "<div hx-get='https://evil.example/x' hx-trigger='load' hx-on:load='window.stolen = 1'>Bait</div>",
    "' autofocus onfocus='window.stolen=1' x='",
    "{{ cycler.__init__.__globals__ }}{% raise %}${7*7}",
    "\u202egnp.exe\u202c \u2066Moon\u200b\u200f \u0007\u001b[31mred",
    "Verylong" * 40,
    "شركة المستقبل للتجارة 👩‍👩‍👧‍👦🚀",
)
"""Hostile texts that people may type at the desk or in a CRM, one for each account with a play."""
LONGEST = TEAM_ACCOUNTS[8]
"""The account whose name becomes the longest of these texts."""
AXE = """async (colours) => {
  // Colours take seconds: of long lists the first rows are looked at, those after them have the same.
  const rules = { 'color-contrast': { enabled: false } }, all = { resultTypes: ['violations'], preload: false };
  const alike = { exclude: [['tbody tr:nth-child(n+4)'], ['ol > li:nth-child(n+4)'], ['ul > li:nth-child(n+4)']] };
  const found = colours ? await axe.run(alike, { ...all, runOnly: ['color-contrast'] })
    : await axe.run(document, { ...all, rules });
  return found.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(' | '));
}"""
LOOKS = (
    (1280, "light", (False, True)), (1280, "dark", (True,)), (375, "dark", (True,)), (375, "light", (False,)),
)  # fmt: skip
"""In which width and colours axe looks at what: at everything but colours in both widths, at colours wherever they are
others."""
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > width + 1
    && !e.closest('.scroll')).slice(0, 4).map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 40)}`);
}"""
UNSEEN_STOPS = """() => {
  const stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')];
  const unseen = [];
  for (const stop of stops) {
    if (stop.type === 'hidden' || stop.disabled || !stop.checkVisibility()) continue;
    stop.focus();
    const style = getComputedStyle(stop);
    if (document.activeElement !== stop) unseen.push('cannot be reached: ' + stop.outerHTML.slice(0, 120));
    else if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 1)
      unseen.push('focus is not seen: ' + stop.outerHTML.slice(0, 120));
  }
  return unseen;
}"""
FOREIGN = """() => [
  ...[...document.querySelectorAll('script')].filter((e) => !e.src.startsWith(location.origin + '/static/')),
  ...document.querySelectorAll('main img, main iframe, main object, main style, main link, main base, main meta'),
  ...[...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => /^(on|hx-on)/i.test(a.name)
    || /^\\s*javascript:/i.test(a.value))),
].map((e) => e.outerHTML.slice(0, 120))"""


@dataclass
class Look:
    """Findings about one page."""

    axe: list[str] = field(default_factory=list)
    hard_to_read: list[str] = field(default_factory=list)
    too_wide: list[str] = field(default_factory=list)
    noise: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)
    first_stop: str = ""
    foreign: list[str] = field(default_factory=list)
    stolen: object = None
    fetched: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def hostile_week(shared_stores: SharedStores, team_data: Path, team_first_week: StoreFolder) -> StoreFolder:
    """The second week, waiting for decisions, with hostile names for the ten accounts that have a play."""

    def make(place: StoreFolder) -> None:
        own_copy(team_first_week, place.folder)
        data = place.folder / "data"
        shutil.copytree(team_data, data)
        header, rows = read_csv_rows(data / "accounts.csv")
        name_at, worst = header.index("name"), TEAM_ACCOUNTS[:11]
        names = dict(zip(worst, (*HOSTILE, "Plain & Simple"), strict=True))
        changed = [[*row[:name_at], names.get(row[0], row[name_at]), *row[name_at + 1 :]] for row in rows]
        with (data / "accounts.csv").open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([header, *changed])
        place.review(data, SECOND_DAY, code=WAITING)

    return shared_stores.place("hostile-week", make)[0]


@pytest.fixture(scope="module")
def served_desk(hostile_week: StoreFolder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    """The desk of that week; every hostile text was also entered as a note, a reason and a judgement."""
    place = own_copy(hostile_week, tmp_path_factory.mktemp("care") / "place")
    plays = place.document(W48)["plays"]
    place.run("refresh", "--as-of", "2026-11-24").check_exit(DONE)
    with running_desk(place.store) as served:
        client = sign_in_by_link(served.link(LEADER, "leader"))
        mark = csrf_token(client.get(f"/r/{W48}/meeting").text)
        for text, play in zip([*HOSTILE, *HOSTILE], plays, strict=False):
            seen = evidence_mark(client.get(f"/r/{W48}/meeting?account={play['account_id']}").text)
            for path, form in forms_of(text, play).items():
                given = {"csrf": mark, "account": play["account_id"], "evidence": seen, **form}
                sent = client.post(f"/r/{W48}/{path}", data=given)
                assert sent.status_code == 303, f"{path} {text[:20]}: {sent.text[-400:]}"
        client.close()
        yield served


def forms_of(text: str, play: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Forms that enter a text as a note, as the reason of an edit or a rejection, and as a judgement."""
    action = play["phases"][0]["actions"][0]
    remark = {"decision": "edit", f"remark:{action['id']}": text}
    said = remark if len(text) <= 600 and text.strip() else {"decision": "reject"}
    return {
        "notes": {"text": text},
        "choices": {"version": play["version"], "seen": "0", "reason": text, **said},
        "override": {"band": "red", "reason": text, "until": str(date.today() + timedelta(days=300))},
    }


@pytest.fixture(scope="module")
def leader(browser: Any, served_desk: ServedDesk) -> Iterator[Any]:
    """The leader's browser."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    context.set_default_timeout(15_000)
    open_sign_in_link(context, served_desk.leader_link).close()
    yield context
    context.close()


@pytest.fixture(scope="module")
def pages(hostile_week: StoreFolder) -> dict[str, str]:
    """Address of every kind of page."""
    plays = [play["account_id"] for play in hostile_week.document(W48)["plays"]]
    week, first, longest = f"/r/{W48}", plays[0], LONGEST
    return {
        "week": f"{week}/week", "account": f"{week}/account?account={longest}", "play": f"{week}/play?account={first}",
        "edit": f"{week}/play?account={plays[1]}&edit=1", "meeting": f"{week}/meeting?account={first}",
        "capacity": f"{week}/capacity", "renewals": f"{week}/renewals", "stand-up": f"{week}/stand-up",
        "no stand-up": f"/r/{W47}/stand-up", "follow-up": f"{week}/follow-up", "metrics": f"{week}/metrics",
        "data": f"{week}/data", "what if": f"{week}/what-if?at_risk_above=40", "ask": f"{week}/ask", "audit": "/audit",
        "people": "/people", "closed meeting": f"/r/{W47}/meeting", "closed week": f"/r/{W47}/week",
        "send": f"/r/{W47}/send",
        "sign in": "/sign-in", "enter": "/enter?key=%3Cscript%3E", "error": f"{week}/account?account=NOBODY",
    }  # fmt: skip


def looked_at(page: Any, address: str, axe: str, question: str = "") -> Look:
    """Open a page and examine it: in two widths, in light and dark colours, with the keyboard."""
    look = Look()
    listeners = {
        "console": lambda message: look.noise.append(message.text) if message.type in ("error", "warning") else None,
        "pageerror": lambda error: look.noise.append(str(error)),
        "dialog": lambda dialog: (look.noise.append(f"dialog: {dialog.message}"), dialog.dismiss()),
        "request": lambda request: look.fetched.append(request.url),
    }
    for event, listener in listeners.items():
        page.on(event, listener)
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light")
    page.goto(address)
    if question:
        page.get_by_label("Your question").fill(question)
        page.get_by_role("button", name="Ask").click()
        page.locator(".answer").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    look.first_stop = page.evaluate(
        "document.activeElement.closest('main') ? 'main' : document.activeElement.matches('body') ? '' : "
        "document.activeElement.className"
    )
    look.unseen = page.evaluate(UNSEEN_STOPS)
    page.evaluate("document.activeElement.blur()")
    page.evaluate(axe)
    for width, scheme, colours in LOOKS:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        look.axe += [f"{width} {scheme} {each}" for at in colours for each in page.evaluate(AXE, at)]
        look.hard_to_read += page.evaluate(CONTRAST)
        look.too_wide += page.evaluate(TOO_WIDE)
    look.foreign, look.stolen = page.evaluate(FOREIGN), page.evaluate("window.stolen")
    for event, listener in listeners.items():
        page.remove_listener(event, listener)
    return look


@pytest.fixture(scope="module")
def looks(leader: Any, served_desk: ServedDesk, pages: dict[str, str]) -> dict[str, Look]:
    """Findings about every page; each is opened once."""
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    page = leader.new_page()
    found = {}
    for name, path in pages.items():
        question = "Build a save play for Plain & Simple" if name == "ask" else ""
        found[name] = looked_at(page, served_desk.at + path, axe, question)
    page.close()
    return found


def told(looks: dict[str, Look], what: str) -> dict[str, Any]:
    """Findings of one kind by page, without pages that have none."""
    return {name: getattr(look, what) for name, look in looks.items() if getattr(look, what)}


def test_axe_finds_nothing_on_any_page_in_light_and_dark_wide_and_narrow(looks: dict[str, Look]) -> None:
    assert told(looks, "axe") == {}


def test_every_word_of_every_page_can_be_read(looks: dict[str, Look]) -> None:
    assert told(looks, "hard_to_read") == {}


def test_no_page_is_wider_than_a_phone(looks: dict[str, Look]) -> None:
    assert told(looks, "too_wide") == {}


def test_no_page_complains_under_the_strict_policy(looks: dict[str, Look]) -> None:
    noise = told(looks, "noise")
    assert noise.pop("error") == ["Failed to load resource: the server responded with a status of 404 (Not Found)"]
    assert noise == {}


def test_the_keyboard_reaches_everything_and_the_way_past_the_menu_first(looks: dict[str, Look]) -> None:
    assert told(looks, "unseen") == {}
    bare = {"sign in": "", "enter": "main", "error": "main"}  # this page has no menu: the content comes first
    assert {name: look.first_stop for name, look in looks.items()} == {name: bare.get(name, "skip") for name in looks}


def test_no_hostile_text_runs_fetches_or_becomes_a_part_of_a_page(
    looks: dict[str, Look], served_desk: ServedDesk
) -> None:
    assert told(looks, "stolen") == {}
    assert told(looks, "foreign") == {}
    elsewhere = [url for look in looks.values() for url in look.fetched if not url.startswith(served_desk.at)]
    assert elsewhere == []


def test_hostile_texts_are_shown_as_what_they_are(
    leader: Any, served_desk: ServedDesk, hostile_week: StoreFolder
) -> None:
    page = leader.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    plays = hostile_week.document(W48)["plays"]
    for text, play in list(zip(HOSTILE, plays[: len(HOSTILE)], strict=True))[:7]:
        page.goto(f"{served_desk.at}/r/{W48}/meeting?account={play['account_id']}")
        shown = page.locator("main").inner_text()
        assert text in shown, "the note, letter for letter"
        assert page.locator(".one h2.headline, .one h1").first.inner_text() == play["name"]
    page.get_by_label("Note").fill(HOSTILE[4])  # again, with the request that replaces a part of the page
    page.get_by_role("button", name="Write it down").click()
    page.locator("#main li", has_text="Bait").nth(0).wait_for()
    assert page.evaluate("window.stolen") is None
    assert [url for url in asked if not url.startswith(served_desk.at)] == []
    page.close()


def test_the_whole_meeting_is_walked_by_tab_and_the_way_past_the_menu_works(
    leader: Any, served_desk: ServedDesk, pages: dict[str, str]
) -> None:
    page = leader.new_page()
    page.goto(served_desk.at + pages["meeting"])
    page.keyboard.press("Tab")
    box = page.locator("a.skip").bounding_box()
    assert box is not None
    assert box["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    passed = []
    for _ in range(300):
        page.keyboard.press("Tab")
        passed.append(page.evaluate("document.activeElement.innerText || document.activeElement.name || ''"))
        if passed[-1] == "budget":
            break
    assert any(each.startswith(("Approve", "Continue")) for each in passed)
    assert passed[-1] == "budget", "nothing on the way holds the keyboard"
    assert page.get_by_role("button", name="Record, and hand out").is_disabled(), (
        "critical accounts are not decided yet"
    )
    page.close()


def test_enter_asks_and_shift_with_enter_begins_a_line(
    leader: Any, served_desk: ServedDesk, pages: dict[str, str]
) -> None:
    page = leader.new_page()
    page.goto(served_desk.at + pages["ask"])
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_label("Your question").fill("who is")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("overloaded?")
    assert (sent, page.get_by_label("Your question").input_value()) == ([], "who is\noverloaded?")
    page.keyboard.press("Enter")
    page.locator("[data-answer]").first.wait_for()
    assert "hours free for save plays" in page.locator("[data-answer]").first.inner_text()
    assert len(sent) == 1
    page.close()


def test_the_first_page_is_light(browser: Any, leader: Any, served_desk: ServedDesk, pages: dict[str, str]) -> None:
    context = browser.new_context(storage_state=leader.storage_state())
    page = context.new_page()
    answers: list[Any] = []
    page.on("response", lambda answer: answers.append(answer))
    page.goto(served_desk.at + pages["week"], wait_until="load")
    bodies = {answer.url: len(answer.body()) for answer in answers if not answer.url.endswith("/live")}
    assert 3 <= len(bodies) <= 6
    assert sum(bodies.values()) < LARGEST_FIRST_PAGE, bodies
    context.close()


def test_a_store_without_a_review_says_how_to_begin(browser: Any, tmp_path: Path) -> None:
    import axe_playwright_python

    axe = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    with running_desk(tmp_path / "store") as empty:
        context = browser.new_context()
        page = open_sign_in_link(context, empty.leader_link)
        assert page.locator("h1").inner_text() == "There is no review in this store yet"
        assert "saveplay demo" in page.locator("main code").first.inner_text()
        look = looked_at(page, empty.at + "/", axe)
        assert look == Look(first_stop="skip", fetched=look.fetched)
        context.close()
