"""The text reader: a model copies out what a text states, and code checks every statement before it counts.

A quotation has to stand verbatim in that text, the kind and the mode have to be known, the speaker has to be named in the
text. What fails is dropped and counted. What a text says is never followed: the model's answer is only ever compared with
the text.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import get_args

from agents.conversation import Message, ModelClient
from agents.repair_loop import RepairLoop, parse_answer
from domain.configuration import Configuration, ReadingSettings
from domain.drafting import DraftingRecord, ReadingAnswer, StatementAnswer
from domain.errors import AnswerRefused, PromptTooLong
from domain.readings import ModelReading, ModelStatement, ReadingReport
from domain.statements import StatementMode
from domain.text_to_read import TextToRead, contact_prefix
from domain.token_usage import TokenUsage
from tools.evidence.statement_kinds import statement_kinds
from tools.prompts import render_prompt, short_hash
from tools.save_play.answer_schema import reading_schema
from tools.save_play.pseudonyms import HiddenText, hide_names
from tools.wording import plural

_ABOUT_THE_TEXT = (AnswerRefused.code, PromptTooLong.code)
"""Errors that the same text would meet again: it is not sent a second time."""
_TEXT_KINDS = {
    "notes": "A note that a colleague of ours wrote about the customer.",
    "tickets": "A ticket, written by the customer.",
    "surveys": "A comment on a survey, written by the customer.",
}


@dataclass(frozen=True)
class TextRequest:
    """A text with names hidden, and the question to the model about it."""

    text: TextToRead
    hidden: HiddenText
    loop: RepairLoop

    @property
    def digest(self) -> str:
        """Digest of text, prompt, schema and model."""
        drafting = self.loop.drafting
        return short_hash(self.text.text_id, drafting.model or "", drafting.prompt_hash or "")


@dataclass(frozen=True)
class TextReader:
    """Reads texts for the review of one day."""

    configuration: Configuration
    client: ModelClient
    today: date

    @property
    def _settings(self) -> ReadingSettings:
        assert self.configuration.model.reading is not None, "nothing is read where reading is off"
        return self.configuration.model.reading

    @cached_property
    def _rules(self) -> Message:
        kinds = statement_kinds(self.configuration)
        known = self.configuration.wording.kinds
        defined = [(kind, known[kind].definition if kind in known else kind.replace("_", " ")) for kind in kinds]
        most = int(self._settings.statements.value)
        return Message("system", render_prompt("reading_rules", kinds=defined, most=most))

    @cached_property
    def _ordinary_words(self) -> frozenset[str]:
        return self.configuration.vocabulary | {word.casefold() for word in self._settings.ordinary_names}

    def request(self, text: TextToRead) -> TextRequest:
        """The question about one text."""
        hidden = hide_names(text.text, text.names, self._ordinary_words, int(self._settings.longest.value))
        people = [(name, who.role.replace("_", " ") if who and who.role else "") for name, who in hidden.people.items()]
        asked = render_prompt("reading_text", what=_TEXT_KINDS[text.table], people=people, text=hidden.text)
        schema = reading_schema(statement_kinds(self.configuration), int(self._settings.statements.value))
        messages = (self._rules, Message("user", asked))
        return TextRequest(text, hidden, RepairLoop(self.client, self.configuration, "reading", messages, schema))

    async def read(self, request: TextRequest) -> ModelReading | DraftingRecord:
        """The reading; where the server gave no answer, the record that says why, so that it can be asked again."""
        answer = await request.loop.run(lambda text: parse_answer(text, ReadingAnswer), lambda _: [])
        drafting, text = request.loop.drafting, request.text
        if answer is None and drafting.error is not None and drafting.error not in _ABOUT_THE_TEXT:
            return drafting
        kept, dropped = check_statements(answer, request.hidden, text, self.configuration) if answer else ((), {})
        return ModelReading(
            digest=request.digest,
            text_id=text.text_id,
            account_id=text.account_id,
            table=text.table,
            key=text.key,
            written_on=text.on,
            model=drafting.model or "",
            read_for=self.today,
            statements=kept,
            dropped=dropped,
            failed=drafting.reason if answer is None else "",
            is_cut=request.hidden.is_cut,
            tokens=drafting.tokens,
            cost=drafting.cost,
        )


# what counts ---------------------------------------------------------------------------------------------------------


def check_statements(
    answer: ReadingAnswer, hidden: HiddenText, text: TextToRead, configuration: Configuration
) -> tuple[tuple[ModelStatement, ...], dict[str, int]]:
    """The statements that pass every check, with names put back, and the number of the others by reason."""
    settings, kinds = configuration.model.reading, statement_kinds(configuration)
    assert settings is not None
    kept: dict[tuple[str, str], ModelStatement] = {}
    dropped: Counter[str] = Counter()
    most = int(settings.statements.value)
    for said in answer.statements[:most]:
        mode = next((mode for mode in get_args(StatementMode) if mode == said.mode), None)
        quotation = hidden.original(said.quotation)
        if said.kind not in kinds:
            dropped["unknown kind"] += 1
        elif mode is None:
            dropped["unknown mode"] += 1
        elif quotation is None or quotation not in text.whole:
            dropped["not in the text"] += 1
        elif len(quotation) < settings.shortest_quotation.value:
            dropped["too short"] += 1
        elif (said.kind, quotation) in kept:
            dropped["said twice"] += 1
        else:
            kept[said.kind, quotation] = ModelStatement(
                kind=said.kind,
                mode=mode,
                quotation=quotation,
                speaker=_speaker(said, hidden, text),
                since=(hidden.original(said.since) or None) if said.since else None,
            )
    if len(answer.statements) > most:
        dropped["too many"] += len(answer.statements) - most
    return tuple(kept.values()), dict(sorted(dropped.items()))


def _speaker(said: StatementAnswer, hidden: HiddenText, text: TextToRead) -> str | None:
    """The contact of this account whose pseudonym the model names, if it stands in the text."""
    who = hidden.people.get((said.speaker or "").strip())
    return who.name if who is not None and who.key.startswith(contact_prefix(text.account_id)) else None


# the report ----------------------------------------------------------------------------------------------------------


def reading_report(
    readings: Sequence[ModelReading],
    not_answered: Sequence[DraftingRecord],
    not_sent: int,
    configuration: Configuration,
) -> ReadingReport:
    """Counts of what was read for one review."""
    model = configuration.model.model_for("reading")
    said = [each for reading in readings for each in reading.statements]
    dropped: Counter[str] = Counter()
    for reading in readings:
        dropped.update(reading.dropped)
    reasons = Counter(each.reason for each in not_answered)
    reasons.update(reading.failed for reading in readings if reading.failed)
    costs = [*(each.cost for each in readings), *(each.cost for each in not_answered)]
    used = [*(each.tokens for each in readings), *(each.tokens for each in not_answered)]
    settings = configuration.model.reading
    return ReadingReport(
        model=model,
        texts=len(readings),
        accounts=len({reading.account_id for reading in readings}),
        not_sent=not_sent,
        cut=sum(reading.is_cut for reading in readings),
        not_answered=dict(sorted(reasons.items())),
        statements=len(said),
        by_kind=dict(sorted(Counter(each.kind for each in said if each.mode == "asserted").items())),
        dropped=dict(sorted(dropped.items())),
        is_measured=settings is not None and model in settings.measured,
        tokens=sum(used, TokenUsage()),
        cost=None if None in costs else round(sum(cost for cost in costs if cost is not None), 6),
    )


def reading_note(report: ReadingReport) -> str:
    """Sentences for the first page: which texts left the house, and what came of it. Empty where nothing was to be sent."""
    if report.model is None or not (report.texts or report.not_answered):
        return ""
    parts = [
        f"{plural(report.texts, 'whole text')} of {plural(report.accounts, 'account')} "
        f"{'was' if report.texts == 1 else 'were'} sent to {report.model} to be read, with pseudonyms for known names: "
        f"{plural(report.statements, 'statement')} kept, {sum(report.dropped.values())} dropped by checks."
    ]
    if report.cut:
        parts.append(f"Of {plural(report.cut, 'long text')} only the beginning was sent.")
    if report.not_sent:
        parts.append(f"{plural(report.not_sent, 'more new text')} did not fit the budget.")
    parts += [f"Not read: {plural(count, 'text')}: {reason}" for reason, count in report.not_answered.items()]
    if not report.is_measured:
        parts.append(f"{report.model} has not passed the reading suite: check what it read.")
    return " ".join(parts)
