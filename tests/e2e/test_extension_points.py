"""A signal is added by SQL, YAML and one entry, an own signal and a cause by YAML alone; a forgotten piece is named.

Each test works on a copy of the folders it changes. Nothing is faked: signals are scored by a process of their own.
"""

import csv
import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from agents.play_drafter import PlayDrafter
from app.desk import what_if
from domain.errors import ConfigurationError
from tests.builders import AS_OF, CALENDAR, build_dossier, made_up_team
from tests.e2e.commands import PORTFOLIO, ROOT, clean_environment
from tools.configuration import DEFAULT_FOLDER, read_configuration
from tools.evidence.causes import diagnose, rank_causes
from tools.evidence.dossier import build_dossiers
from tools.scoring.score_sql import scored_sql
from tools.scoring.scored_base import read_base
from tools.scoring.snapshots import SnapshotStore

# --- a signal ---

SQL = ("    f.support_csat,\n", "    r.open_tickets,\n    f.support_csat,\n")
COUNTED = [
    ("        sum(is_escalated * is_open) as open_escalations,\n", "        sum(is_open) as open_tickets,\n"),
    (
        "        coalesce(c.sla_breaches, 0) as sla_breaches,\n",
        "        coalesce(c.open_tickets, 0) as open_tickets,\n",
    ),
]
ENTRY = (
    '    "sla_breaches": SignalEntry(',
    '    "open_tickets": SignalEntry("tickets_on", {"tickets": _is("closed_at", None)}, is_whole=True),\n',
)
MEANING = """
  open_tickets:
    {label: Tickets that are open, category: support, pillar: satisfaction, table: tickets, unit: count,
     worse_when: higher, points: [[0, 100], [3, 60], [10, 0]], weight: {default: 5}, risk: 5,
     fresh: {days: 3, counted_from: source},
     says: {worse: "Tickets that are open: {value}", better: "No ticket is open", steady: "Tickets that are open: {value}"},
     why: "Work that the customer waits for."}
"""
SCORE = """
from datetime import date
from pathlib import Path
from tools.configuration import read_configuration
from tools.evidence.dossier import build_dossiers
from tools.scoring.scored_base import read_base
from tools.scoring.snapshots import SnapshotStore

history = SnapshotStore(Path({history!r}))
base = read_base({data!r}, date(2026, 11, 16), read_configuration(), history)
accounts = [row["account_id"] for row in base.rows("select account_id from scored order by risk desc limit 40")]
base.select_accounts(accounts)
facts = [f for d in build_dossiers(base, accounts, history, base.signal_details()) for f in d.evidence]
for fact in facts:
    if fact.signal == "open_tickets":
        assert fact.row_count == fact.value, fact
        print(fact.statement)
"""


@dataclass
class Checkout:
    """A copy of the folders that score, to be changed and run."""

    folder: Path

    def before(self, file: str, old: str, new: str) -> None:
        """Insert ``new`` before ``old``."""
        self.replace(file, old, new + old)

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, old
        path.write_text(text.replace(old, new), encoding="utf-8")

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code], cwd=self.folder, env=clean_environment({"PYTHONPATH": str(self.folder)}),
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    @property
    def refusal(self) -> str:
        """The last line that loading the configuration says when it is refused."""
        found = self.run("from tools.configuration import read_configuration; read_configuration()")
        assert found.returncode == 1, found.stdout
        return found.stderr.strip().splitlines()[-1]

    def measure(self) -> None:
        for old, new in COUNTED:
            self.before("tools/signals/support.sql", old, new)
        self.replace("tools/signals/support.sql", *SQL)

    def register(self) -> None:
        self.before("tools/signals/registry.py", *ENTRY)

    def explain(self) -> None:
        with (self.folder / "configs" / "scoring.yaml").open("a", encoding="utf-8") as file:
            file.write(MEANING)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("domain", "tools", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    return Checkout(tmp_path)


def test_a_signal_is_added_by_sql_yaml_and_one_entry(checkout: Checkout) -> None:
    checkout.measure()
    checkout.register()
    checkout.explain()
    scored = checkout.run(SCORE.format(history=str(checkout.folder / "history"), data=str(PORTFOLIO)))
    assert scored.returncode == 0, scored.stderr[-3000:]
    assert "Tickets that are open: " in scored.stdout


def test_a_measured_column_that_is_not_registered_is_named(checkout: Checkout) -> None:
    checkout.measure()
    wanted = "open_tickets is measured in support.sql but not registered: add it to tools/signals/registry.py"
    assert checkout.refusal.endswith(wanted)


def test_a_registered_signal_that_nothing_measures_is_named(checkout: Checkout) -> None:
    checkout.register()
    checkout.explain()
    wanted = "open_tickets is registered but not measured: add it to the last select of tools/signals/support.sql"
    assert checkout.refusal.endswith(wanted)


def test_a_registered_signal_without_a_meaning_is_named(checkout: Checkout) -> None:
    checkout.measure()
    checkout.register()
    assert re.search(r"scoring\.yaml line \d+: signals: open_tickets is registered but", checkout.refusal)


def test_a_meaning_without_a_registration_is_named(checkout: Checkout) -> None:
    checkout.explain()
    wanted = "open_tickets is not registered: add it to tools/signals/registry.py and measure it in support.sql"
    assert checkout.refusal.endswith(wanted)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("category: support", "category: usage", "category is usage, but support.sql measures it"),
        ("table: tickets", "table: notes", "table is notes, but its rows in tools/signals/registry.py are of tickets"),
    ],
)
def test_a_meaning_that_contradicts_the_registration_is_named(
    checkout: Checkout, old: str, new: str, says: str
) -> None:
    checkout.measure()
    checkout.register()
    checkout.explain()
    path = checkout.folder / "configs" / "scoring.yaml"
    head, mark, tail = path.read_text(encoding="utf-8").rpartition("  open_tickets:")
    path.write_text(head + mark + tail.replace(old, new), encoding="utf-8")
    assert says in checkout.refusal


def test_an_entry_whose_day_is_not_measured_is_named(checkout: Checkout) -> None:
    checkout.measure()
    checkout.before("tools/signals/registry.py", ENTRY[0], ENTRY[1].replace("tickets_on", "opened_on"))
    checkout.explain()
    wanted = "open_tickets is observed on opened_on: add that day to the last select of support.sql"
    assert checkout.refusal.endswith(wanted)


# --- a signal of a team's own ---

EXAMPLE = re.compile(r"^   ```yaml\n(.*?)^   ```", re.MULTILINE | re.DOTALL)


def documented_example(configs: Path, data: Path) -> None:
    """Do what docs/changing.md shows, as it stands there."""
    text = (ROOT / "docs" / "changing.md").read_text(encoding="utf-8")
    blocks = {}
    for block in EXAMPLE.findall(text):
        lines = textwrap.dedent(block).splitlines()
        blocks[lines[0]] = yaml.safe_load("\n".join(lines[1:]))
    (data / "mapping.yaml").write_text(yaml.safe_dump(blocks["# mapping.yaml"]), encoding="utf-8")
    scoring = yaml.safe_load((configs / "scoring.yaml").read_text(encoding="utf-8"))
    scoring["signals"] |= blocks["# scoring.yaml: signals"]
    scoring["pairs"] = blocks["# scoring.yaml: pairs"]
    (configs / "scoring.yaml").write_text(yaml.safe_dump(scoring, sort_keys=False), encoding="utf-8")
    causes = yaml.safe_load((configs / "causes.yaml").read_text(encoding="utf-8"))
    causes["causes"]["value_gap"]["evidence"] += blocks["# causes.yaml: causes.value_gap.evidence"]
    (configs / "causes.yaml").write_text(yaml.safe_dump(causes, sort_keys=False), encoding="utf-8")


def write_visits(data: Path, accounts: list[str]) -> None:
    """Visits that fell by half for the first account and held for the others."""
    lines = ["customer,day,Visits"]
    for place, account in enumerate(accounts):
        for days in range(1, 57, 7):
            visits = 4 if place == 0 and days < 28 else 8
            lines.append(f"{account},{AS_OF - timedelta(days=days)},{visits}")
    (data / "store_visits.csv").write_text("\n".join(lines), encoding="utf-8")


def test_an_own_signal_is_added_as_the_documentation_shows(configs: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(PORTFOLIO, tmp_path / "data"))
    with (data / "accounts.csv").open(encoding="utf-8") as file:
        accounts = sorted(row["account_id"] for row in csv.DictReader(file))[:40]
    write_visits(data, accounts)
    documented_example(configs, data)
    configuration = read_configuration(configs)
    history = SnapshotStore(tmp_path / "history")
    base = read_base(str(data), AS_OF, configuration, history)
    base.select_accounts(accounts[:1])
    dossier = build_dossiers(base, accounts[:1], history, base.signal_details())[0]
    fact = next(each for each in dossier.evidence if each.signal == "own_store_visits")
    assert fact.statement.startswith("Store visits fell 50 % against the four weeks before.")
    assert (fact.source, fact.row_count, fact.rows[0].table) == ("store_visits.csv", 8, "own_visits")
    part = next(each for each in dossier.contributions if each.signal == "own_store_visits")
    assert part.weight > 0  # in health
    assert part.risk_points > 0
    ranked = {each.cause: each.signals for each in rank_causes(dossier, configuration.causes, configuration.scoring)}
    assert "own_store_visits" in ranked["value_gap"]
    # What if: the numbers of the own signal and of the pair can be moved, and move scores.
    numbers = {number.name: number.current for number in what_if.adjustable_numbers(configuration)}
    assert (numbers["signal.own_store_visits.risk"], numbers["pair.0"]) == (24, 12)
    given = {"signal.own_store_visits.risk": "60", "signal.own_store_visits.weight": "200", "pair.0": "40"}
    changed = what_if.changed_configuration(what_if.WhatIfChanges.of(given, configuration), configuration)
    source = "(select m.*, s.account_id as place from measured m join scored s using (account_id))"
    query = "select risk, health from ({}) where account_id = ?"
    was, then = (
        base.rows(query.format(scored_sql(each, source, AS_OF, shares=base.source_shares)), accounts[:1])[0]
        for each in (configuration, changed)
    )
    assert then["risk"] > was["risk"]
    assert then["health"] < was["health"]


# --- a cause ---


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "configs"))


def add_cause(configs: Path) -> None:
    """A cause in causes.yaml, without a question that tells it from the others."""
    path = configs / "causes.yaml"
    entry = {
        "slow_start": {
            "label": "Slow start", "base_difficulty": "easy", "difficulty_why": "A start can be made again.",
            "evidence": [{"signal": "logins_per_user", "points": 40, "why": "they hardly sign in"}],
        }
    }  # fmt: skip
    lines = "".join(f"  {line}\n" for line in yaml.safe_dump(entry).splitlines())
    path.write_text(path.read_text(encoding="utf-8").replace("causes:\n", "causes:\n" + lines, 1), encoding="utf-8")


def add_playbook(configs: Path) -> None:
    """Its playbook, made from the one for a value gap."""
    text = (configs / "playbooks" / "value_gap.yaml").read_text(encoding="utf-8")
    text = text.replace("cause: value_gap", "cause: slow_start").replace("id: vg-", "id: ss-")
    text = text.replace("specialist: product", "specialist: billing")
    text = text.replace(
        "specialist: billing", 'escalation: ["No start by day ten: {manager} calls."]\nspecialist: billing'
    )
    (configs / "playbooks" / "slow_start.yaml").write_text(text, encoding="utf-8")


def test_a_cause_is_added_by_yaml_alone(configs: Path) -> None:
    add_cause(configs)
    add_playbook(configs)
    configuration = read_configuration(configs)
    dossier = build_dossier({"logins_per_user": 0.5, "feature_breadth": 1})
    finding = diagnose(dossier, configuration.causes, configuration.scoring)
    assert (finding.category, finding.label) == ("slow_start", "Slow start")
    assert finding.would_tell_apart == configuration.causes.tell_apart_default
    drafter = PlayDrafter(configuration, CALENDAR, made_up_team(), {}, AS_OF)
    play = drafter.from_playbook(drafter.play_context(dossier, finding))
    assert (play.cause, play.violations) == ("slow_start", ())
    assert {action.id[:3] for phase in play.phases for action in phase.actions} == {"ss-"}
    assert "No start by day ten: Cs Manager 2 calls." in play.escalation


def refusal(configs: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(configs)
    return str(caught.value)


def test_a_cause_without_a_playbook_is_named(configs: Path) -> None:
    add_cause(configs)
    wanted = r"configuration: causes\.yaml line \d+: causes\.slow_start has no playbook: add configs/playbooks/slow_start\.yaml"
    assert re.fullmatch(wanted, refusal(configs))


def test_a_playbook_without_a_cause_is_named(configs: Path) -> None:
    add_playbook(configs)
    assert "playbooks/slow_start.yaml: causes.yaml has no cause 'slow_start': add it" in refusal(configs)


@pytest.mark.parametrize(
    ("key", "says"),
    [("slow_start/value_gap", "there is no cause 'slow_start'"), ("value_gap/product_fit", "in alphabetical order")],
)
def test_a_question_for_a_pair_that_does_not_exist_is_named(configs: Path, key: str, says: str) -> None:
    path = configs / "causes.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("tell_apart:\n", f"tell_apart:\n  {key}: Which?\n", 1), encoding="utf-8")
    assert re.match(rf"configuration: causes\.yaml line \d+: the whole file: tell_apart: {key}: ", refusal(configs))
    assert says in refusal(configs)
