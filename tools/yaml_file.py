"""The one reader of YAML that people write: configuration, mapping, decisions, desk settings.

A file is read as a stream of parser events and put together without recursion, so that neither depth nor aliases can
exhaust memory or the stack. What plain settings do not need is refused: aliases, tags, repeated keys, lists as keys,
infinite numbers. Every error names file, line and key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from domain.errors import InputError
from domain.record import Record

R = TypeVar("R", bound=Record)
Key = str | int
Keys = tuple[Key, ...]

MAX_BYTES = 4_000_000
"""Bytes of a file: a hundred times the largest that ships, and read in seconds."""
MAX_DEPTH = 32
"""Levels of nesting; the deepest file that ships has seven."""
MAX_DIGITS = 18
"""Digits of a whole number; longer ones are ids and belong in quotation marks."""
_MAX_SHOWN = 80
"""Characters of a key, a value or a place that a message shows."""
_MAX_PLACE, _MAX_PLACE_WORDS = 200, 8
"""Characters and words at the beginning of a message in which the name of a place is looked for."""
_PLAIN_MESSAGES = {
    "extra_forbidden": "no such key here",
    "model_type": "write keys with their values here",
    "dict_type": "write keys with their values here",
    "tuple_type": "write a list here",
    "string_type": "write one text here",
    "invalid_key": "a key is a text; put it in quotation marks",
}
_REFUSED_TAGS = {"tag:yaml.org,2002:merge": "<< is not used here; write the keys out"}
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


@dataclass(frozen=True)
class YamlDocument:
    """The content of one file, and the line of each key."""

    name: str
    content: Any
    """Dictionaries, lists, texts, numbers, dates, True, False and None."""
    lines: Mapping[Keys, int] = field(default_factory=dict, repr=False)
    """Line number from 1, by the keys that lead to a value."""

    def line_of(self, words: str) -> int | None:
        """The line of a place that a model's message names, like ``signals.nps.points`` or ``workflow: silence``.

        A word is a key, or the ``id`` of an entry in a list. None when the first word is neither.
        """
        keys: Keys = ()
        parts = words[:_MAX_PLACE].split(": ")
        for word in [word for part in parts for word in (part, *part.partition(" ")[0].split("."))][:_MAX_PLACE_WORDS]:
            keys = next((found for found in self._below(keys) if word in (found[-1], self._id_at(found))), keys)
        return self.lines[keys] if keys else None

    def _below(self, keys: Keys) -> list[Keys]:
        """Places below ``keys``, those nearest first."""
        below = [each for each in self.lines if each[: len(keys)] == keys and len(each) > len(keys)]
        return sorted(below, key=len)

    def _id_at(self, keys: Keys) -> Any:
        value = self.content
        for key in keys:
            if not isinstance(value, list | dict) or (isinstance(value, dict) and key not in value):
                return None  # below a key that is not a text
            value = value[key]  # type: ignore[index]
        return value.get("id") if isinstance(value, dict) else None

    def position(self, keys: Sequence[Key]) -> str:
        """``decisions.yaml line 12`` for the value at ``keys``, or for what encloses it when it is missing."""
        known = (self.lines.get(tuple(keys[:length])) for length in range(len(keys), -1, -1))
        line = next((line for line in known if line is not None), None)
        return self.name if line is None else f"{self.name} line {line}"

    def explain(self, error: ValidationError, outer: int = 0, whole: str = "") -> str:
        """The first problem that a model found, with line and key.

        ``outer`` keys of the model are not in the file. ``whole`` takes the place of the key where the whole file is
        wrong; the line is then the one of the place that the message begins with, if it does.
        """
        problem = error.errors(include_url=False, include_input=False)[0]
        keys: list[Key] = [key for key in problem["loc"][outer:] if key != "[key]"]
        message = str(problem["msg"]).removeprefix("Value error, ")
        message = _PLAIN_MESSAGES.get(problem["type"], message)
        where = ".".join(str(key) for key in keys)
        if keys:
            return f"{self.position(keys)}: {shorten(where)}: {shorten(message, 600)}"
        line = self.line_of(message) if ": " in message else None
        at = self.name if line is None else f"{self.name} line {line}"
        return ": ".join(part for part in (at, whole, shorten(message, 600)) if part)


def shorten(text: object, most: int = _MAX_SHOWN) -> str:
    """A key or value of a file for a message: on one line, and not longer than ``most`` characters."""
    line = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def read_yaml(path: Path, error: type[InputError], name: str = "") -> YamlDocument:
    """The document in a file; the content of an empty one is None. Messages call the file ``name``.

    Raises ``error`` with file, line, key and reason. A missing file raises FileNotFoundError: the caller knows whether
    that is wrong.
    """
    return parse_yaml(read_text(path, error, name), name or path.name, error)


def read_text(path: Path, error: type[InputError], name: str = "") -> str:
    """The text of a file, at most ``MAX_BYTES`` and in UTF-8. Raises as ``read_yaml`` does."""
    name = name or path.name
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device never ends
            raise error(f"{name} is not a file; put a file there, or remove it")
        with path.open("rb") as file:  # a bounded read: the size may change
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise error(f"{name} cannot be read: {problem.strerror}") from None
    if len(content) > MAX_BYTES:
        raise error(f"{name} has more than {MAX_BYTES:,} bytes; is it the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(f"{name} is not UTF-8 text (byte {problem.start}); save it as UTF-8") from None


def read_record(path: Path, model: type[R], error: type[InputError]) -> R:
    """A file as a record of a model; an empty file is a record of defaults. Raises as ``read_yaml`` does."""
    document = read_yaml(path, error)
    try:
        return model.model_validate({} if document.content is None else document.content)
    except ValidationError as problem:
        raise error(document.explain(problem)) from None


def parse_yaml(text: str, name: str, error: type[InputError]) -> YamlDocument:
    """The document in a text. ``name`` is what the messages call it. Raises ``error``."""
    builder = _Builder(name, error)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.add(event)
    except yaml.MarkedYAMLError as problem:
        line = f" line {problem.problem_mark.line + 1}" if problem.problem_mark else ""
        raise error(f"{name}{line} is not valid YAML: {shorten(problem.problem or problem.context)}") from None
    except yaml.reader.ReaderError as problem:
        number = text.encode()[: problem.position].count(b"\n") + 1  # the position counts bytes
        raise error(
            f"{name} line {number} holds a character that cannot be printed (U+{problem.character:04X})"
        ) from None
    return YamlDocument(name, builder.content, builder.lines)


@dataclass
class _Open:
    """A list or dictionary that is being filled."""

    value: list[Any] | dict[Any, Any]
    keys: Keys
    key: Any = None
    has_key: bool = False


class _Builder:
    """Puts events together into plain values; the open collections are a list, not the call stack."""

    def __init__(self, name: str, error: type[InputError]) -> None:
        self.content: Any = None
        self.lines: dict[Keys, int] = {}
        self._name, self._error = name, error
        self._open: list[_Open] = []
        self._documents = 0

    def add(self, event: Any) -> None:
        """The next event of the parser."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refuse(line, "a second document begins here; keep one")
        elif isinstance(event, yaml.AliasEvent):
            raise self._refuse(line, f"*{shorten(event.anchor)} repeats another part; write it out")
        elif isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event, line), line)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._begin(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()

    def _begin(self, event: Any, line: int) -> None:
        if event.tag is not None:
            raise self._refuse(line, f"the tag {shorten(event.tag)} is not used here")
        if len(self._open) >= MAX_DEPTH:
            raise self._refuse(line, f"nested more than {MAX_DEPTH} levels deep")
        value: list[Any] | dict[Any, Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        self._open.append(_Open(value, self._put(value, line)))

    def _put(self, value: Any, line: int) -> Keys:
        """Put a value where it belongs; returns the keys that lead to it."""
        if not self._open:
            self.content = value
            self.lines[()] = line
            return ()
        into = self._open[-1]
        if isinstance(into.value, list):
            keys: Keys = (*into.keys, len(into.value))
            into.value.append(value)
        elif not into.has_key:
            self._take_key(into, value, line)
            return into.keys
        else:
            keys = (*into.keys, _as_key(into.key))
            into.value[into.key], into.has_key = value, False
        self.lines.setdefault(keys, line)
        return keys

    def _take_key(self, into: _Open, key: Any, line: int) -> None:
        assert isinstance(into.value, dict)
        if isinstance(key, list | dict):
            raise self._refuse(line, "a list or a group of keys cannot be a key")
        if key in into.value:
            raise self._refuse(line, f"{shorten(key)} is there twice; keep one")
        into.key, into.has_key = key, True
        self.lines[(*into.keys, _as_key(key))] = line

    def _scalar(self, event: Any, line: int) -> Any:
        tag = event.tag if event.tag is not None else _RESOLVER.resolve(yaml.ScalarNode, event.value, event.implicit)
        if event.tag is not None:
            raise self._refuse(line, f"the tag {shorten(event.tag)} is not used here")
        if tag in _REFUSED_TAGS:
            raise self._refuse(line, _REFUSED_TAGS[tag])
        if tag == "tag:yaml.org,2002:int" and sum(map(str.isdigit, event.value)) > MAX_DIGITS:
            raise self._refuse(line, f"a number of more than {MAX_DIGITS} digits; put an id in quotation marks")
        if tag == "tag:yaml.org,2002:value":
            return event.value
        try:
            value = _CONSTRUCTOR.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, OverflowError):
            kind = "a date that exists" if tag.endswith("timestamp") else "a number that can be used"
            raise self._refuse(line, f"{shorten(event.value)} is not {kind}") from None
        if isinstance(value, float) and not isfinite(value):
            raise self._refuse(line, f"{shorten(event.value)} is not a number that can be used")
        return value

    def _refuse(self, line: int, reason: str) -> InputError:
        keys: list[Key] = list(self._open[-1].keys) if self._open else []
        if self._open and self._open[-1].has_key:
            keys.append(_as_key(self._open[-1].key))
        elif self._open and isinstance(self._open[-1].value, list):
            keys.append(len(self._open[-1].value))
        where = shorten(".".join(map(str, keys)))
        return self._error(
            f"{self._name} line {line}: {where}: {reason}" if where else f"{self._name} line {line}: {reason}"
        )


def _as_key(key: Any) -> Key:
    """A key as pydantic's error locations write it."""
    return key if isinstance(key, str | int) and not isinstance(key, bool) else str(key)
