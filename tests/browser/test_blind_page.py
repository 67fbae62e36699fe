"""The page of blind choices in a real browser: what is chosen comes out as a file of labels."""

import os
from pathlib import Path

import pytest

from evals.labels import blind_page, read_labels
from evals.preference import PlayPair

CHROMIUM = Path("/usr/bin/chromium")
REQUIRED = os.environ.get("SAVEPLAY_REQUIRE_BROWSER") == "1"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.skipif(not CHROMIUM.exists() and not REQUIRED, reason="Chromium is not installed"),
]


def test_choices_made_on_the_page_become_a_file_of_labels(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    pairs = [
        PlayPair(account=f"TF-{n}", name="<b>Zoë</b>", situation="“</script>”", a=f"call\n  {n}", b=f"write\n  {n}")
        for n in range(3)
    ]
    (tmp_path / "page.html").write_text(blind_page(pairs, 4), encoding="utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.goto((tmp_path / "page.html").as_uri())
        page.fill("input[name=by]", "Zoë")
        for each, choice in zip(pairs, ("left", "right", "same"), strict=True):
            page.check(f'fieldset[data-pair="{each.key}"] input[value="{choice}"]')
        shown = page.input_value("textarea")
        with page.expect_download() as saved:
            page.click("a[download]")
        saved.value.save_as(tmp_path / "labels.json")
        browser.close()
    labels = read_labels([tmp_path / "labels.json"])
    assert [(label.by, label.pair, label.choice) for label in labels] == [
        ("Zoë", each.key, choice) for each, choice in zip(pairs, ("left", "right", "same"), strict=True)
    ]
    assert shown == (tmp_path / "labels.json").read_text(encoding="utf-8")
    assert errors == []
