"""Suite ``reading``: sentences of stories and ordinary notes, as phrases read them and as a model does, side by side.

Each fixture file is one half, written from the definitions of the kinds alone. A model reads half b with the shipped prompt;
a recorded one reads a sample of it. A statement counts only as far as the review would count it: after all checks.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from agents.conversation import ModelClient
from agents.text_reader import TextReader
from domain.configuration import Configuration
from domain.readings import ModelReading
from domain.record import Record
from domain.text_to_read import KnownName, TextToRead, contact_prefix
from evals.cases import FIXTURES, load_yaml
from evals.engine import ReportProgress
from evals.figures import Figure, SuiteResult, share_figure
from tools.signals.plain_text import plain_text
from tools.signals.statements import StatementFinder, TextRow

SAYS = "Stories and ordinary notes in five languages: what phrases and a model read in them."
FOLDER = FIXTURES / "reading"
SEEN, UNSEEN = "ab"
SAMPLE = (40, 20)
"""Texts with a statement and ordinary ones that a recorded model reads: an hour on a laptop."""
_KINDS = {"evaluation": "evaluating_alternatives", "blocking_gap": "feature_gap"}
_TABLES = {"survey": "surveys", "ticket": "tickets", "note": "notes", "chat": "tickets"}
_DAY = date(2026, 11, 16)
_ACCOUNT = "A"
_SAME_WORDS = 0.6
"""Share of the words of the shorter of two quotations from which on both are the same sentence."""
_HARMLESS = "promise_of_ours"
"""Kind that is no alarm in an ordinary note."""


class Expected(Record):
    """One statement of a text, as its writer meant it."""

    quotation: str
    kind: str
    mode: str


@dataclass(frozen=True)
class LabelledText:
    """One text with all that it states; an ordinary one states nothing."""

    half: str
    language: str
    text: TextToRead
    expected: tuple[Expected, ...]
    is_ordinary: bool


Said = tuple[str, str, str]
"""Kind, mode and quotation of what somebody read."""
ReadAll = Callable[[Sequence[LabelledText]], Sequence[Sequence[Said] | None]]
"""Reads texts: for each what it says, or None where there was no answer."""


@dataclass
class Counts:
    """Counts of one reader, in all and by language."""

    wanted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    asserted: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    others: int = 0
    kept: int = 0
    ordinary: int = 0
    quiet: int = 0
    unanswered: int = 0


def run_reading(
    configuration: Configuration,
    client: ModelClient | None,
    report_progress: ReportProgress,
    *,
    is_sample: bool = False,
) -> SuiteResult:
    """Phrases on both halves; with a client also the model, and the phrases on the same texts."""
    texts = [text for half in (SEEN, UNSEEN) for text in labelled_texts(half)]
    by_phrases = _phrases(configuration)
    figures: list[Figure] = []
    for half in (SEEN, UNSEEN):
        ours = [text for text in texts if text.half == half]
        figures += reader_figures(f"phrases, half {half}", count(ours, by_phrases(ours)))
    notes: list[str] = []
    model = configuration.model.model_for("reading") if client is not None else None
    if client is not None and model is not None:
        chosen = sample(texts) if is_sample else [text for text in texts if text.half == UNSEEN]
        found, read = by_phrases(chosen), _model(configuration, client, report_progress)(chosen)
        counts = count(chosen, read)
        figures += reader_figures(f"phrases, the model's {len(chosen)} texts", count(chosen, found))
        figures += reader_figures(f"{model}, {len(chosen)} texts", counts)
        figures += reader_figures(f"both, {len(chosen)} texts", count(chosen, _together(found, read)))
        notes.append(verdict(model, counts, configuration))
    return SuiteResult(suite="reading", model=model or "none", says=SAYS, figures=tuple(figures), notes=tuple(notes))


def sample(texts: Sequence[LabelledText]) -> list[LabelledText]:
    """Texts of the unseen half, spread evenly over its languages and stories."""
    unseen = [text for text in texts if text.half == UNSEEN]
    telling = [text for text in unseen if text.expected]
    ordinary = [text for text in unseen if text.is_ordinary]
    chosen = [
        [each[place * len(each) // most] for place in range(min(most, len(each)))]
        for each, most in zip((telling, ordinary), SAMPLE, strict=True)
    ]
    return [*chosen[0], *chosen[1]]


# texts ---------------------------------------------------------------------------------------------------------------


def labelled_texts(half: str) -> Iterator[LabelledText]:
    """The texts of one half, stories first."""
    for story in load_yaml(FOLDER / f"stories_{half}.yaml"):
        for index, text in enumerate(story["texts"]):
            expected = [each for each in story["statements"] if each["text_index"] == index]
            yield _labelled(half, f"{story['id']}-{index}", story, text, expected)
    for note in load_yaml(FOLDER / f"ordinary_{half}.yaml"):
        yield _labelled(half, note["id"], note, note, None)


def _labelled(
    half: str,
    name: str,
    story: Mapping[str, Any],
    text: Mapping[str, Any],
    expected: Sequence[Mapping[str, Any]] | None,
) -> LabelledText:
    table, shown = _TABLES[text["source"]], plain_text(text["text"])
    names = [KnownName(f"company/{story['account']}", story["account"], "company")] if "account" in story else []
    for key, kind in (("author", "colleague" if table == "notes" else "customer"), ("speaker", "customer")):
        if text.get(key):
            prefix = contact_prefix(_ACCOUNT) if kind == "customer" else "colleague/"
            names.append(
                KnownName(f"{prefix}{text[key]}", text[key], "customer" if kind == "customer" else "colleague")
            )
    row = TextToRead(
        text_id=name, account_id=_ACCOUNT, table=table, key=name, on=_DAY, text=shown, whole=" ".join(shown.split()),
        names=tuple(dict.fromkeys(names)),
    )  # fmt: skip
    meant = tuple(
        Expected(quotation=" ".join(each["quotation"].split()), kind=_KINDS.get(each["kind"], each["kind"]), mode=each["mode"])
        for each in expected or ()
    )  # fmt: skip
    return LabelledText(half, story["language"], row, meant, expected is None)


# readers -------------------------------------------------------------------------------------------------------------


def _phrases(configuration: Configuration) -> ReadAll:
    finder = StatementFinder(configuration.wording)

    def read(texts: Sequence[LabelledText]) -> list[list[Said]]:
        rows = [TextRow(_ACCOUNT, _DAY, each.text.table, 1, each.text.text) for each in texts]
        return [[(said.intent, said.mode, said.quote) for said in finder.find([row])] for row in rows]

    return read


def _model(configuration: Configuration, client: ModelClient, report_progress: ReportProgress) -> ReadAll:
    """The configured model. Where it gives no usable answer, it has read nothing, and the figures say so."""
    reader = TextReader(_with_reading(configuration), client, _DAY)

    async def read_each(texts: Sequence[LabelledText]) -> list[list[Said] | None]:
        done, places = 0, asyncio.Semaphore(int(configuration.model.at_once.value))

        async def one(text: LabelledText) -> list[Said] | None:
            nonlocal done
            async with places:
                read = await reader.read(reader.request(text.text))
            done += 1
            report_progress("reading", done, len(texts))
            if not isinstance(read, ModelReading) or read.failed:
                return None
            return [(said.kind, said.mode, said.quotation) for said in read.statements]

        try:
            return list(await asyncio.gather(*map(one, texts)))
        finally:
            await client.close()

    return lambda texts: asyncio.run(read_each(texts))


def _together(
    by_phrases: Sequence[Sequence[Said] | None], by_model: Sequence[Sequence[Said] | None]
) -> list[list[Said]]:
    """Statements as a review uses them: the model's take the place of those that phrases found in the same sentence."""
    return [
        [*(read or ()), *(said for said in found or () if not any(_same(said[2], each[2]) for each in read or ()))]
        for found, read in zip(by_phrases, by_model, strict=True)
    ]


def _with_reading(configuration: Configuration) -> Configuration:
    assert configuration.model.reading is not None, "a configuration of this version has settings for reading"
    reading = configuration.model.reading.model_copy(update={"enabled": True})
    return configuration.model_copy(update={"model": configuration.model.model_copy(update={"reading": reading})})


# figures -------------------------------------------------------------------------------------------------------------


def count(texts: Sequence[LabelledText], read: Sequence[Sequence[Said] | None]) -> Counts:
    """Statements in the texts, and those of them that a reader found."""
    counts = Counts()
    for text, answer in zip(texts, read, strict=True):
        counts.unanswered += answer is None
        said = [each for each in answer or () if each[1] == "asserted"]
        names = ("", f", {text.language}")
        if text.is_ordinary:
            counts.ordinary += 1
            counts.quiet += all(kind == _HARMLESS for kind, _, _ in said)
            continue
        meant = [each for each in text.expected if each.mode == "asserted"]
        for each in text.expected:
            hit = any(kind == each.kind and _same(quotation, each.quotation) for kind, _, quotation in said)
            if each.mode == "asserted":
                counts.wanted.update(names)
                counts.found.update(names if hit else ())
            else:
                counts.others += 1
                counts.kept += not hit
        for kind, _, quotation in said:
            counts.asserted.update(names)
            if any(kind == each.kind and _same(quotation, each.quotation) for each in meant):
                counts.right.update(names)
    return counts


def reader_figures(reader: str, counts: Counts) -> Iterator[Figure]:
    """Recall and precision in all and by language, sentences not turned round, quiet ordinary notes."""
    for name in sorted(counts.wanted):
        says = "asserted statements found with the right kind"
        yield share_figure(f"{reader}: recall{name}", says, counts.found[name], counts.wanted[name], gated=False)
    for name in sorted(counts.asserted):
        says = "statements read as asserted that are"
        yield share_figure(f"{reader}: precision{name}", says, counts.right[name], counts.asserted[name], gated=False)
    says = "negated, hypothetical, past and others' sentences not asserted"
    yield share_figure(f"{reader}: not turned round", says, counts.kept, counts.others, gated=False)
    says = "ordinary notes without a false alarm"
    yield share_figure(f"{reader}: quiet", says, counts.quiet, counts.ordinary, gated=False)


def verdict(model: str, counts: Counts, configuration: Configuration) -> str:
    """If the model may be listed as measured: precision and false alarms against the limits of the configuration."""
    settings = configuration.model.reading
    assert settings is not None
    precision = counts.right[""] / counts.asserted[""] if counts.asserted[""] else 0.0
    alarms = 1 - counts.quiet / counts.ordinary if counts.ordinary else 1.0
    passed = (
        precision >= settings.least_precision.value and alarms <= settings.most_alarms.value and not counts.unanswered
    )
    figures = (
        f"precision {precision:.0%} (at least {settings.least_precision.value:.0%}), false alarms in {alarms:.1%} of ordinary "
        f"notes (at most {settings.most_alarms.value:.1%}), {counts.unanswered} texts without an answer"
    )
    if passed:
        return f"{model} passed: {figures}. Add its name to reading.measured in model.yaml."
    return f"{model} did not pass: {figures}. What it reads is not reliable enough to be switched on."


def _same(one: str, other: str) -> bool:
    """True where both quote the same sentence, or most of it."""
    mine, theirs = set(one.split()), set(other.split())
    return one in other or other in one or len(mine & theirs) >= _SAME_WORDS * min(len(mine), len(theirs))
