"""A small base in which some accounts have no ARR: every output says "unknown", none says zero, and sums say what is missing.

Four accounts without ARR: one critical, one ahead, one that is no longer in the data, one that churned since last week.
"""

import csv
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.builders import AS_OF, PortfolioBuilder
from tests.contract.test_desk_access import plain
from tests.desk_in_process import InProcessDesk
from tests.e2e.commands import DONE, saveplay

NAMES = {
    "U-1": "Nullarbor Mills", "U-2": "Aheadly Foods", "U-3": "Gonepast Logistics", "U-4": "Formerly Optics",
    "K-1": "Knowles Bank", "K-2": "Calm Dental", "K-3": "Steady Steel",
}  # fmt: skip
CRITICAL, AHEAD, GONE, FORMER = (NAMES[f"U-{number}"] for number in range(1, 5))
W47, W48 = "2026-W47", "2026-W48"
ZERO = re.compile(r"(?:EUR|€)\W{0,2}0(?![\d.,]*[1-9])|\bNone\b|\bnan\b|\bNaN\b")
"""An amount of zero, or what Python says for nothing."""


def base(weeks_ago: int) -> PortfolioBuilder:
    """The base of a week: last week with one account more, and without the churn."""
    made = PortfolioBuilder(AS_OF - timedelta(weeks=weeks_ago))
    made.person("P-1", "csm", name="Sadia Karim", weekly_hours=40, manager_id="P-2").person("P-2", "cs_manager")
    made.person("P-3", "exec_sponsor")
    arr = {"K-1": 120_000.0, "K-2": 80_000.0, "K-3": 80_000.0}
    renewal = {"U-1": 50, "U-2": 45, "U-3": 100, "U-4": 30, "K-1": 60}
    for account, name in NAMES.items():
        if account == "U-3" and not weeks_ago:
            continue
        facts = {"name": name, "exec_sponsor_id": "P-3", "renewal": renewal.get(account, 200)}
        made.healthy_account(account, arr=arr.get(account), **facts)
        if account in ("U-1", "U-3", "U-4", "K-1"):
            made.ticket(account, 20, escalated=True, priority="urgent", subject="Invoices stuck")
            made.note(account, "They are evaluating alternatives.", days_ago=12)
    made.outcome("K-2", "renewed", 100)
    return made if weeks_ago else made.outcome("U-4", "churned", 3, None)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store and the files of both weeks."""
    folder = tmp_path_factory.mktemp("unknown-arr")
    for weeks_ago in (1, 0):
        data = base(weeks_ago).write(folder / f"data-{weeks_ago}")
        asked = ["review", "--data", data, "--as-of", AS_OF - timedelta(weeks=weeks_ago), "--approve", "all"]
        saveplay(*map(str, asked), "--store", folder / "store", "--out", folder / "out").check_exit(DONE)
    return folder


def about(text: str, name: str) -> list[str]:
    """The lines that name the account."""
    return [line for line in text.splitlines() if name in line]


def rows_of(page: str) -> str:
    """A page as text, one line a table row, list item or paragraph."""
    return "\n".join(plain(part) for part in re.split(r"</(?:tr|li|p|h1|h2|h3|dd|figcaption|title)>", page))


def check(text: str, where: str) -> None:
    """No line about an account without ARR has an amount of zero, and nothing is called None."""
    for name in (CRITICAL, AHEAD, GONE, FORMER):
        for line in about(text, name):
            said = re.sub(r"\b0 accounts,? EUR 0\b", "", line)  # a field of the matrix without accounts
            assert line.startswith("Budget: ") or not ZERO.search(said), (where, line[:300])
    assert not re.search(r"EUR (?:None|nan|NaN)|(?m:^None$)", text), (where, text[:200])


FILES = ("*.md", "*/*.md", "*.csv", "*.html", "*/*.html", "*/*.ics")


def test_no_file_says_zero_or_none_for_an_account_without_arr(place: Path) -> None:
    for week in (W47, W48):
        made = [path for pattern in FILES for path in (place / "out" / week).glob(pattern)]
        assert len(made) > 20
        for path in made:
            text = path.read_text(encoding="utf-8")
            check(rows_of(text) if path.suffix == ".html" else text, f"{week}/{path.name}")


def read(place: Path, name: str, week: str = W48) -> str:
    return (place / "out" / week / name).read_text(encoding="utf-8")


def test_the_first_page_says_unknown_and_what_the_sums_leave_out(place: Path) -> None:
    page, text = rows_of(read(place, "review.html")), read(place, "review.md")
    assert any("unknown" in line for line in about(page, CRITICAL))
    assert any("unknown" in line for line in about(page, AHEAD))
    assert "EUR 120,000 of EUR 280,000 ARR is at risk (ARR unknown for 2 accounts, 1 of them at risk)" in page
    assert "1 account with unknown ARR is not reviewed: its latest outcome is churned." in page
    assert "| ARR | EUR 280,000 and 2 unknown in 5 accounts |" in text
    assert "| ARR at risk | EUR 120,000 and 1 unknown in 2 accounts |" in text
    assert "| watch | 1 | unknown | 0 | EUR 0 |" in text
    assert "| mid market | 4 | EUR 160,000 and 2 unknown | 1 | unknown |" in text
    assert "The ARR of 2 accounts is unknown: scored, but in no sum of ARR" in text


def test_agenda_standup_and_plays_say_unknown(place: Path) -> None:
    assert any(
        f"{CRITICAL}: Competitive displacement, ARR unknown" in line for line in read(place, "agenda.md").splitlines()
    )
    assert f"- **{CRITICAL}**: ARR unknown, risk" in read(place, "standup.md")
    assert "**ARR:** unknown" in read(place, "plays/u-1.md")
    assert "unknown" in plain(read(place, "accounts/u-1.html"))
    with (place / "out" / W48 / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        arr = {row["account_id"]: row["arr"] for row in csv.DictReader(file)}
    assert (arr["U-1"], arr["U-2"]) == ("", "")


def test_an_account_that_is_no_longer_in_the_data_is_neither_saved_nor_lost(place: Path) -> None:
    review: dict[str, Any] = json.loads(read(place, "review.json"))
    became = {each["account_id"]: (each["status"], each["arr"]) for each in review["followup"]["outcomes"]}
    assert became["U-3"] == ("left_list", None)
    text = read(place, "review.md")
    assert f"{GONE} is saved" not in text
    assert f"**Left the list:** {GONE} (ARR unknown). No longer in the accounts, and no outcome says why." in text
    steps = {step["name"]: step["accounts"] for step in review["portfolio"]["bridge"]}
    assert (steps["opening"], steps["gone"], steps["closing"]) == (4, 2, 2), (
        "the accounts add up, also those without ARR"
    )
    assert review["data"]["former_arr"] == 0
    assert review["portfolio"]["unknown_arr"] == 2


COMMANDS: dict[str, tuple[str, ...]] = {
    "show": (),
    "ask save play for Nullarbor Mills": ("unknown",),
    "ask what changed": ("unknown", "EUR 120,000 and 1 unknown of ARR is at risk"),
    "ask which critical accounts": ("and 1 unknown of ARR",),
    "ask why is Nullarbor Mills at risk": (CRITICAL,),
    "ask who is overloaded": (),
    "ask when does Formerly Optics renew": ("Its ARR was unknown",),
    "ask which customers did we lose": ("1 customer lost and not come back; their ARR: unknown",),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_terminal_says_unknown(place: Path, command: str) -> None:
    name, _, question = command.partition(" ")
    data = ("--data", place / "data-0", "--as-of", AS_OF.isoformat()) if question else ()
    said = saveplay(name, question or W48, "--store", place / "store", *data)
    said.check_exit(DONE)
    check(said.out, command)
    for words in COMMANDS[command]:
        assert words in " ".join(said.out.split()), said.out


def test_score_and_check_say_unknown(place: Path) -> None:
    data = ("--data", place / "data-0", "--as-of", AS_OF.isoformat())
    table = saveplay("score", *data, "--store", place / "store")
    check(table.out, "score")
    assert any("unknown" in line for line in about(table.out, CRITICAL))
    rows = json.loads(saveplay("score", *data, "--store", place / "store", "--json").out)
    assert {row["account_id"]: row["arr"] for row in rows}["U-1"] is None
    assert "The ARR of 2 accounts is unknown" in " ".join(saveplay("check", *data).out.split())


@pytest.fixture(scope="module")
def inside(place: Path) -> Iterator[InProcessDesk]:
    desk = InProcessDesk(place / "store")
    yield desk
    desk.close()


PAGES = (
    "week", "account?account=U-1", "account?account=U-2", "play?account=U-1", "meeting", "capacity", "follow-up", "my-week",
    "metrics", "data", "what-if?at_risk_above=1", "ask?question=what+changed",
)  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_every_page_of_the_desk_says_unknown(inside: InProcessDesk, page: str) -> None:
    answer = inside.browser(inside.member("leader", "P-1")).get(f"/r/{W48}/{page}")
    assert answer.status_code == 200, answer.text[:500]
    text = rows_of(answer.text)
    check(text, page)
    if page.startswith(("week", "account", "play", "what-if")):
        assert "unknown" in text


def test_programs_get_null_and_no_zero(inside: InProcessDesk) -> None:
    with inside.token_client(inside.member("leader")) as program:
        review = program.get(f"/api/v1/reviews/{W48}").json()
    assert {line["account_id"]: line["arr"] for line in (*review["at_risk"], *review["ahead"])}["U-1"] is None
