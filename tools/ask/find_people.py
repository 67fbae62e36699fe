"""People of the team whom a question names, by id, name, possessive or initial. Pure; a word that fits two names nobody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rapidfuzz import fuzz

from domain.dossier import Person
from tools.ask.parse_question import normalize_text

_MIN_NAME_MATCH = 86
_MIN_PART = 3
_TOKEN = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class NamedPerson:
    """A person, and the words of the plain question that name them."""

    person: Person
    words: str


def named_people(question: str, people: Mapping[str, Person]) -> tuple[NamedPerson, ...]:
    """Everybody of the team whom the question names, in the order of the question."""
    text = " ".join(re.sub(r"['’]s?\b|['’]", " ", normalize_text(question)).split())
    tokens = [token.strip(".-") for token in _TOKEN.findall(text)]
    is_capitalised = any(letter.isupper() for letter in question[1:])
    capitals = {normalize_text(word) for word in re.findall(r"\b[^\W\d_a-z]\w*", question)} if is_capitalised else None
    found: dict[str, tuple[int, NamedPerson]] = {}
    for person in people.values():
        name = normalize_text(person.name).split()
        place, words = _full_name(tokens, name, person.person_id)
        if place is not None:
            found[person.person_id] = (place, NamedPerson(person, words))
    taken = " ".join(named.words for _, named in found.values()).split()
    for place, token in enumerate(tokens):
        if len(token) < _MIN_PART or token in taken or (capitals is not None and token not in capitals):
            continue
        sharing = [person for person in people.values() if token in _parts(person)]
        if len(sharing) == 1:
            found.setdefault(sharing[0].person_id, (place, NamedPerson(sharing[0], token)))
    return tuple(named for _, named in sorted(found.values(), key=lambda pair: pair[0]))


def _parts(person: Person) -> set[str]:
    """First and last name, also with the s of a possessive without its apostrophe."""
    parts = {part for part in normalize_text(person.name).split() if len(part) >= _MIN_PART}
    return parts | {f"{part}s" for part in parts}


def _full_name(tokens: list[str], name: list[str], person_id: str) -> tuple[int | None, str]:
    """Place and words of the id, the full name (a typing error aside), or an initial and the last name."""
    if normalize_text(person_id) in tokens:
        return tokens.index(normalize_text(person_id)), normalize_text(person_id)
    for start in range(len(tokens) - len(name) + 1):
        run = tokens[start : start + len(name)]
        alike = min((fuzz.ratio(a, b) for a, b in zip(run, name, strict=True)), default=0)
        is_initial = len(name) > 1 and run[0] == name[0][0] and run[-1] == name[-1]
        if is_initial or (alike >= 60 and fuzz.ratio(" ".join(run), " ".join(name)) >= _MIN_NAME_MATCH):
            return start, " ".join(run)
    return None, ""
