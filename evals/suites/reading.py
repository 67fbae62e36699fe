"""Suite ``reading``: stories and ordinary notes with what is stated in them, and what the reader finds.

Files ``stories_*.yaml`` and ``ordinary_*.yaml`` of a folder are read; the last letter names the half. The words of
``configs/phrases/`` were tuned on half a. Half b was scored once, at the end.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from domain.configuration import Configuration
from domain.errors import ConfigurationError
from evals.cases import FIXTURES
from evals.figures import Figure, SuiteResult, share_figure
from tools.reading.reader import FoundStatement, StatementReader, TextRow
from tools.reading.sentences import sentences
from tools.yaml_file import read_yaml

SAYS = "Stories and ordinary notes in five languages, written from the definitions of the kinds alone."
FOLDER = FIXTURES / "reading"
HALVES = {"a": "half a (tuned on)", "b": "half b (unseen)"}
_KINDS = {"evaluation": "evaluating_alternatives", "blocking_gap": "feature_gap"}
_TABLES = {"survey": "surveys", "ticket": "tickets"}
_DAY = date(2026, 11, 16)
_SAME_WORDS = 0.6
"""Share of the words of the shorter of two quotations from which on both are the same sentence."""


@dataclass
class _Counts:
    """Counts by what they are of: all, a kind, a language."""

    wanted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    asserted: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    others: int = 0
    turned: int = 0


def run_reading(
    configuration: Configuration, halves: Sequence[str] = tuple(HALVES), folder: Path = FOLDER
) -> SuiteResult:
    """Read all texts of the folder; figures by half, and in each by kind and language."""
    reader = StatementReader(configuration.wording)
    figures: list[Figure] = []
    notes: list[str] = []
    for half in halves:
        counts = _Counts()
        for story in _entries(folder / f"stories_{half}.yaml"):
            for index, text in enumerate(story["texts"]):
                expected = [each for each in story["statements"] if each["text_index"] == index]
                _count(counts, list(reader.read([_row(text)])), expected, story["language"])
        ordinary = [(note, list(reader.read([_row(note)]))) for note in _entries(folder / f"ordinary_{half}.yaml")]
        alarms = [sum(map(_is_alarm, read)) for _, read in ordinary]
        figures += _figures(HALVES[half], counts)
        quiet = sum(count == 0 for count in alarms)
        figures.append(
            share_figure(
                f"{HALVES[half]}: quiet", "ordinary notes without a false alarm", quiet, len(alarms), gated=False
            )
        )
        written = sum(len(list(sentences(note["text"]))) for note, _ in ordinary)
        notes.append(
            f"{HALVES[half]}: {1000 * sum(alarms) / max(written, 1):.0f} false alarms per 1,000 ordinary sentences."
        )
    return SuiteResult(suite="reading", model="none", says=SAYS, figures=tuple(figures), notes=tuple(notes))


def _count(
    counts: _Counts, read: Sequence[FoundStatement], expected: Sequence[Mapping[str, Any]], language: str
) -> None:
    said = [each for each in read if each.mode == "asserted"]
    for each in expected:
        kind = _kind(each)
        hit = any(statement.kind == kind and _same(statement, each) for statement in said)
        if each["mode"] == "asserted":
            counts.wanted.update(_names(kind, language))
            counts.found.update(_names(kind, language) if hit else ())
        else:
            counts.others += 1
            counts.turned += hit
    meant = [each for each in expected if each["mode"] == "asserted"]
    for statement in said:
        counts.asserted.update(_names(statement.kind, language))
        if any(statement.kind == _kind(each) and _same(statement, each) for each in meant):
            counts.right.update(_names(statement.kind, language))


def _names(kind: str, language: str) -> tuple[str, ...]:
    return "", f", kind {kind}", f", language {language}"


def _figures(half: str, counts: _Counts) -> Iterator[Figure]:
    for name in sorted(counts.wanted):
        says = "asserted statements found with the right kind"
        yield share_figure(f"{half}: recall{name}", says, counts.found[name], counts.wanted[name], gated=False)
    for name in sorted(counts.asserted):
        says = "asserted statements that are stated"
        yield share_figure(f"{half}: precision{name}", says, counts.right[name], counts.asserted[name], gated=False)
    says = "negated, hypothetical, past and others' sentences not asserted"
    kept = counts.others - counts.turned
    yield share_figure(f"{half}: not turned round", says, kept, counts.others, gated=False)


def _entries(path: Path) -> Iterable[dict[str, Any]]:
    return read_yaml(path, ConfigurationError).content or ()


def _row(text: Mapping[str, Any]) -> TextRow:
    on = text.get("date", _DAY)
    day = on if isinstance(on, date) else date.fromisoformat(str(on))
    return TextRow("A", day, _TABLES.get(text["source"], "notes"), 1, text["text"])


def _kind(expected: Mapping[str, Any]) -> str:
    kind = str(expected["kind"])
    return _KINDS.get(kind, kind)


def _is_alarm(said: FoundStatement) -> bool:
    return said.mode == "asserted" and said.kind != "promise_of_ours"


def _same(said: FoundStatement, expected: Mapping[str, Any]) -> bool:
    """True where both quote the same sentence, or most of it."""
    one, other = said.quote, " ".join(str(expected["quotation"]).split())
    mine, theirs = set(one.split()), set(other.split())
    return one in other or other in one or len(mine & theirs) >= _SAME_WORDS * min(len(mine), len(theirs))
