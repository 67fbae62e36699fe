"""The review page in a real browser: on a phone, on a projector, in the dark, on paper, and with hostile names."""

import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.report import render_files
from tests.sample_review import sample_review

CHROMIUM = Path("/usr/bin/chromium")
REQUIRED = os.environ.get("SAVEPLAY_REQUIRE_BROWSER") == "1"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists() and not REQUIRED, reason="Chromium is not installed"),
]
PAGES = ("waiting", "closed", "baseline", "hostile")
CONTRAST = """() => {
  const parse = (c) => c.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = new Set();
  for (const e of document.querySelectorAll('main *, nav *')) {
    if (e.closest('svg') || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.add(e.className + ' ' + e.tagName + ' ' + ratio.toFixed(2));
  }
  return [...bad];
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pages")
    reviews = {
        "waiting": sample_review(), "closed": sample_review("closed"), "baseline": sample_review(baseline=True),
        "hostile": sample_review("closed", hostile=True),
    }  # fmt: skip
    for name, review in reviews.items():
        pack = render_files(review)
        (root / f"{name}.html").write_bytes(pack["review.html"])
        (root / "accounts").mkdir(exist_ok=True)
        for path, content in pack.items():
            if path.startswith("accounts/") and name == "closed":
                (root / path).write_bytes(content)
        (root / f"{name}-managers.html").write_bytes(pack["managers/capacity.html"])
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def opened(browser, folder) -> Callable[..., Any]:
    """Opens each page once and shows it in the requested width and colours, on a screen."""
    pages = {}

    def look_at(name: str, width: int = 1280, scheme: str = "light") -> Any:
        if name not in pages:
            pages[name] = fetched(browser, folder, name)
        page, noise = pages[name]
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(media="screen", color_scheme=scheme)
        return page, noise

    return look_at


@pytest.fixture
def untouched(browser, folder) -> Iterator[Any]:
    """A closed review on a separate page for clicking and typing."""
    page, _ = fetched(browser, folder, "closed")
    yield page
    page.close()


def fetched(browser, folder, name):
    """The page, and what it fetched or complained about since it was opened."""
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page.set_default_timeout(20_000)
    noise: list[str] = []
    page.on("console", lambda message: noise.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: noise.append(f"error: {error}"))
    page.on("dialog", lambda dialog: noise.append(f"dialog: {dialog.message}"))
    address = (folder / f"{name}.html").as_uri()
    page.on("request", lambda request: noise.append(request.url) if request.url != address else None)
    page.goto(address)
    return page, noise


@pytest.mark.parametrize("width", [375, 768, 1280, 1920])
@pytest.mark.parametrize("name", [*PAGES, "closed-managers", "hostile-managers"])
def test_nothing_is_wider_than_the_screen(opened, name: str, width: int) -> None:
    page, _ = opened(name, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", PAGES)
def test_the_page_runs_nothing_fetches_nothing_and_complains_about_nothing(opened, name: str) -> None:
    page, noise = opened(name)
    page.wait_for_timeout(200)
    assert noise == []
    assert page.locator("script, img, iframe, object, link").count() == 0


@pytest.mark.parametrize("name", PAGES)
def test_headings_go_down_one_level_at_a_time(opened, name: str) -> None:
    page, _ = opened(name)
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map((e) => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - sooner <= 1 for sooner, later in pairwise(levels))


def test_every_table_has_a_caption_and_every_heading_cell_a_scope(opened) -> None:
    page, _ = opened("closed")
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("svg[role=img]:not([aria-label])").count() == 0
    assert page.locator("main").count() == page.locator("nav[aria-label]").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["waiting", "closed", "closed-managers"])
def test_every_word_can_be_read_in_light_and_dark(opened, name: str, scheme: str) -> None:
    page, _ = opened(name, scheme=scheme)
    assert page.evaluate(CONTRAST) == []


def test_every_agenda_line_and_citation_leads_to_its_place(untouched) -> None:
    page = untouched
    lost = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map((a) => a.getAttribute('href').slice(1))"
        ".filter((id) => !document.getElementById(id))"
    )
    assert lost == []
    page.locator("#decide tbody a").first.click()
    page.locator(".cite").first.click()
    assert page.url.endswith("accounts/acc-1001.html#account-acc-1001-E1")


def test_the_page_opens_short_and_its_first_screen_is_the_briefing(opened) -> None:
    page, _ = opened("waiting")
    assert page.evaluate("document.documentElement.scrollHeight") < 12_000
    assert page.locator(".todo").bounding_box()["y"] < 900
    words = page.locator("#briefing").inner_text().split()
    assert len(words) <= 150


def test_every_part_of_the_page_opens_with_a_click(untouched) -> None:
    page = untouched
    folds = page.locator("details.fold")
    for number in range(folds.count()):
        fold = folds.nth(number)
        fold.locator("> summary").click()
        assert fold.locator(".folded").is_visible()


def test_the_keyboard_reaches_the_content_first_and_focus_is_seen(untouched) -> None:
    page = untouched
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_a_tier_is_told_by_its_word_and_shape_and_not_by_colour_alone(opened) -> None:
    page, _ = opened("closed")
    chips = page.locator("#at-risk .chip[class*=tier-]")
    assert {(chips.nth(i).text_content() or "").strip() for i in range(chips.count())} == {"critical", "high", "medium"}
    assert page.locator("#at-risk .chip[class*=tier-]:not(:has(svg))").count() == 0


@pytest.mark.parametrize("name", ["closed", "hostile"])
def test_the_page_prints(opened, name: str) -> None:
    page, _ = opened(name)
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    assert 3 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type/Page\n") + paper.count(b"/Type /Page ") <= 12
    page.emulate_media(media="print")
    assert page.locator("nav.rail").is_hidden()
