"""Suite ``reading``: stories and ordinary notes with what is stated in them, and what the reader finds.

Files ``stories*.yaml`` and ``ordinary*.yaml`` of a folder are read, as many as there are.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from domain.configuration import Configuration
from domain.errors import ConfigurationError
from domain.statements import Statement
from evals.cases import FIXTURES
from evals.figures import Figure, SuiteResult, share_figure
from tools.reading.reader import StatementReader, TextRow
from tools.yaml_file import read_yaml

SAYS = "Stories and ordinary notes in five languages, written from the definitions of the kinds alone."
FOLDER = FIXTURES / "reading"
_KINDS = {"evaluation": "evaluating_alternatives", "blocking_gap": "feature_gap"}
_TABLES = {"survey": "surveys", "ticket": "tickets"}
_DAY = date(2026, 11, 16)


def run_reading(configuration: Configuration, folder: Path = FOLDER) -> SuiteResult:
    """Read all texts of the folder; figures by kind, by language and by mode."""
    reader = StatementReader(configuration.wording)
    right, wanted, found = Counter[str](), Counter[str](), Counter[str]()
    turned = others = 0
    for story in _entries(folder, "stories"):
        for index, text in enumerate(story["texts"]):
            read = list(reader.read([_row(story["id"], text)]))
            expected = [each for each in story["statements"] if each["text_index"] == index]
            asserted = [each for each in expected if each["mode"] == "asserted"]
            for each in asserted:
                kind, language = _kind(each), story["language"]
                hit = any(said.mode == "asserted" and said.kind == kind and _same(said, each) for said in read)
                for name in ("all", f"kind {kind}", f"language {language}"):
                    wanted[name] += 1
                    right[name] += hit
            for each in expected:
                if each["mode"] != "asserted":
                    others += 1
                    turned += any(s.mode == "asserted" and s.kind == _kind(each) and _same(s, each) for s in read)
            for said in (said for said in read if said.mode == "asserted"):
                known = any(said.kind == _kind(each) and _same(said, each) for each in asserted)
                for name in ("all", f"kind {said.kind}", f"language {story['language']}"):
                    found[name] += 1
                    found[f"{name}, right"] += known
    notes = list(_entries(folder, "ordinary"))
    alarms = [note["id"] for note in notes if any(map(_is_alarm, reader.read([_row(note["id"], note)])))]
    figures: list[Figure] = []
    for name in sorted(wanted):
        figures.append(
            share_figure(
                f"recall, {name}",
                "asserted statements found with the right kind",
                right[name],
                wanted[name],
                gated=False,
            )
        )
    for name in sorted(name for name in found if not name.endswith(", right")):
        figures.append(
            share_figure(
                f"precision, {name}",
                "asserted statements that are stated",
                found[f"{name}, right"],
                found[name],
                gated=False,
            )
        )
    figures.append(
        share_figure(
            "not turned round",
            "negated, hypothetical, past and others' sentences not asserted",
            others - turned,
            others,
        )
    )
    figures.append(
        share_figure(
            "quiet on ordinary notes", "ordinary notes without a false alarm", len(notes) - len(alarms), len(notes)
        )
    )
    per_thousand = 1000 * len(alarms) / len(notes) if notes else 0
    said_notes = (
        f"False alarms per 1,000 ordinary notes: {per_thousand:.0f}.",
        f"Sentences asserted that are not: {turned}.",
    )
    return SuiteResult(suite="reading", model="none", says=SAYS, figures=tuple(figures), notes=said_notes)


def _entries(folder: Path, name: str) -> Iterable[dict[str, Any]]:
    for path in sorted(folder.glob(f"{name}*.yaml")):
        yield from read_yaml(path, ConfigurationError).content


def _row(key: str, text: dict[str, Any]) -> TextRow:
    on = text.get("date", _DAY)
    day = on if isinstance(on, date) else date.fromisoformat(str(on))
    return TextRow(key, day, _TABLES.get(text["source"], "notes"), key, 1, text["text"])


def _kind(expected: dict[str, Any]) -> str:
    kind = str(expected["kind"])
    return _KINDS.get(kind, kind)


def _is_alarm(said: Statement) -> bool:
    return said.mode == "asserted" and said.kind != "promise_of_ours"


def _same(said: Statement, expected: dict[str, Any]) -> bool:
    """True where both quote the same sentence, or most of it."""
    one, other = said.quotation, " ".join(str(expected["quotation"]).split())
    shared, least = set(one.split()) & set(other.split()), min(len(set(one.split())), len(set(other.split())))
    return one in other or other in one or len(shared) >= 0.6 * least
