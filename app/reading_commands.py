"""The command ``read``: texts that nothing understood, what a person says they mean, and statements that are wrong."""

from dataclasses import dataclass
from datetime import date

from app.output import print_result, to_json_text
from app.text_readings import (
    AccountTexts,
    find_account_texts,
    mark_wrong,
    read_text,
    take_back_mark,
    take_back_reading,
)
from app.wiring import StoreSession, open_store
from domain.configuration import Configuration
from domain.errors import InputError
from domain.facts import UnreadText
from domain.readings import PersonsReading, WrongMark
from domain.statements import Statement
from tools.evidence.statement_kinds import kind_words, reading_choices
from tools.wording import format_short_day, quote

_SHOWN = 200
"""Letters of a text in the list; --json has all that the review kept."""


@dataclass(frozen=True)
class TextChoice:
    """Options of one call."""

    text: str | None
    means: str | None
    words: str
    wrong: str | None
    reason: str
    undo: bool
    by: str
    on: date

    @property
    def is_empty(self) -> bool:
        """True where the list alone is wanted."""
        return self.text is None and self.wrong is None

    def check(self) -> None:
        """Raises InputError for options that do not go together."""
        if self.is_empty and (self.means is not None or self.words or self.reason or self.undo):
            raise InputError(
                "say what it is about: --text ID or --wrong STATEMENT, from the list of saveplay read ACCOUNT"
            )
        if self.text is not None and self.wrong is not None:
            raise InputError("--text and --wrong are two things; give one at a time")
        if self.text is not None and (self.means is None) != self.undo:
            raise InputError("give --means KIND, or --undo to take back what was said about the text")
        if not self.is_empty and not self.by.strip():
            raise InputError("say who reads it: --by NAME")


def read_account_texts(
    account: str, choice: TextChoice, review_id: str | None, store: str | None, as_json: bool
) -> None:
    """Carry out the choice, if there is one; else print the list."""
    choice.check()
    with open_store(store) as session:
        texts = find_account_texts(session, account, review_id)
        configuration = session.review_configuration(texts.review_id)
        if not choice.is_empty:
            print_result(_carry_out(session, texts, configuration, choice))
        elif as_json:
            print_result(to_json_text(_as_json(texts, configuration)))
        else:
            print_result(_as_text(texts, configuration))


def _carry_out(session: StoreSession, texts: AccountTexts, configuration: Configuration, choice: TextChoice) -> str:
    if choice.text is not None and choice.undo:
        take_back_reading(session, texts, choice.text, choice.by, choice.on)
        return f"{choice.text} stands as unread again"
    if choice.text is not None:
        chosen = (choice.text, choice.means or "", choice.words)
        reading = read_text(session, texts, configuration, chosen, choice.by, choice.on)
        return f"{_reading_line(reading)}. It counts from {texts.review_id} on, when that is run again, and in later reviews."
    assert choice.wrong is not None
    if choice.undo:
        take_back_mark(session, texts, choice.wrong, choice.by, choice.on)
        return f"{choice.wrong} counts again"
    mark = mark_wrong(session, texts, choice.wrong, choice.reason, choice.by, choice.on)
    return f"{_mark_line(mark)}. It counts no more in later reviews, nor in {texts.review_id} when that is run again."


def _as_json(texts: AccountTexts, configuration: Configuration) -> dict[str, object]:
    return {
        "review_id": texts.review_id,
        "account_id": texts.account_id,
        "kinds": list(reading_choices(configuration)),
        "unread": [each.model_dump(mode="json") for each in texts.unread],
        "statements": [each.model_dump(mode="json") for each in texts.statements],
        "readings": [each.model_dump(mode="json") for each in texts.readings.values()],
        "wrong": [each.model_dump(mode="json") for each in texts.marks.values()],
    }


def _as_text(texts: AccountTexts, configuration: Configuration) -> str:
    lines = [f"{texts.name} ({texts.account_id}) in {texts.review_id}"]
    lines += _section("New texts that nothing understood, please read:", [
        f"{each.id}  {each.table}, {format_short_day(each.on)}: {quote(each.text, _SHOWN)}{_found_nothing(each)}" for each in texts.unread
    ])  # fmt: skip
    lines += _section("Read by people:", [f"{key}  {_reading_line(each)}" for key, each in texts.readings.items()])
    lines += _section("Statements:", [f"{each.id}  {_statement_line(each)}" for each in texts.statements])
    lines += _section("Marked as wrong:", [f"{key}  {_mark_line(each)}" for key, each in texts.marks.items()])
    if len(lines) == 1:
        lines.append("  No new text, and no statement.")
    lines.append(f"Say what a text means: saveplay read {texts.account_id} --text ID --means KIND --by NAME")
    lines.append(f"Say that a statement is wrong: saveplay read {texts.account_id} --wrong ID --by NAME")
    return "\n".join([*lines, f"Kinds: {', '.join(reading_choices(configuration))}"])


def _section(title: str, found: list[str]) -> list[str]:
    return [title, *(f"  {line}" for line in found)] if found else []


def _found_nothing(text: UnreadText) -> str:
    return f" ({text.looked_at_by} read it and found nothing)" if text.looked_at_by else ""


def _reading_line(reading: PersonsReading) -> str:
    said = f"{kind_words(reading.kind or '')}: {quote(reading.quotation, _SHOWN)}"
    return f"{said}, read by {reading.by} on {format_short_day(reading.on)}"


def _statement_line(statement: Statement) -> str:
    kind, _, name = statement.read_by.partition(":")
    reader = f"{kind} {name}" if kind == "model" else name or kind
    mode = "" if statement.mode == "asserted" else f" [{statement.mode.replace('_', ' ')}]"
    said = f"{kind_words(statement.kind)}{mode}: {quote(statement.quotation, _SHOWN)}"
    return f"{said}, {statement.table}, {format_short_day(statement.on)}, read by {reader}"


def _mark_line(mark: WrongMark) -> str:
    why = f": {mark.reason}" if mark.reason else ""
    said = f"not {kind_words(mark.kind).lower()}: {quote(mark.quotation, _SHOWN)}"
    return f"{said}, says {mark.by} on {format_short_day(mark.on)}{why}"
