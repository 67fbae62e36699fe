"""The house: folders are imported from this checkout, and signals, their meaning and their rows stay together."""

import importlib
from pathlib import Path

import pytest

from tools.configuration import read_configuration
from tools.evidence import BEHIND
from tools.signals import CONTEXT, INTENTS, OBSERVED_ON, category_sql

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("folder", ["domain", "tools", "agents", "graph", "app", "evals"])
def test_each_folder_is_imported_from_this_checkout(folder: str) -> None:
    module = importlib.import_module(folder)
    assert Path(str(module.__file__)).resolve() == ROOT / folder / "__init__.py"


def test_every_signal_has_a_meaning_and_a_day_it_was_observed() -> None:
    signals = read_configuration().scoring.signals
    assert set(signals) == set(OBSERVED_ON)


@pytest.mark.parametrize("name", [*OBSERVED_ON, *CONTEXT])
def test_every_signal_is_measured_by_the_file_of_its_category(name: str) -> None:
    signals = read_configuration().scoring.signals
    categories = [signals[name].category] if name in signals else ["usage", "commercial"]
    categories += ["stated"] if name in INTENTS else []
    assert any(f" as {name}" in category_sql(c) or f".{name}" in category_sql(c) for c in categories)


def test_every_signal_names_the_rows_behind_it() -> None:
    configuration = read_configuration()
    assert set(BEHIND) | set(configuration.wording.intents) == set(configuration.scoring.signals)
    for name, (table, _) in BEHIND.items():
        assert configuration.scoring.signals[name].table == table


def test_nothing_committed_names_a_registry_or_a_machine() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "--index-url" not in lock
    assert "http" not in {line.split("==")[0] for line in lock.splitlines()}
    assert "://" not in lock
