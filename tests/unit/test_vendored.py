"""Vendored files are unchanged and come with their licence."""

import hashlib
from pathlib import Path

STATIC = Path(__file__).parents[2] / "app" / "desk" / "static"
HTMX_4_0_1 = "a0abb04f2f45a1f89d1d4844023245537e5e6014c87b144553e0607b4cc32130"


def test_htmx_is_the_published_file_and_comes_with_its_licence() -> None:
    assert hashlib.sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest() == HTMX_4_0_1
    licence = (STATIC / "htmx.LICENSE.txt").read_text(encoding="utf-8")
    assert "Zero-Clause BSD" in licence
    assert "4.0.1" in licence


def test_the_scripts_of_the_desk_are_htmx_and_its_own_one() -> None:
    assert sorted(path.name for path in STATIC.glob("*.js")) == ["desk.js", "htmx.min.js"]
