"""Kinds of statements that a text can be read as: those of the configuration. Pure."""

from domain.configuration import Configuration
from domain.readings import NOTHING_TO_NOTE
from tools.wording import capitalize_first


def statement_kinds(configuration: Configuration) -> tuple[str, ...]:
    """The kinds, in the order of the configuration."""
    return tuple(configuration.wording.kinds or configuration.wording.intents)


def reading_choices(configuration: Configuration) -> dict[str, str]:
    """By what a person can say that a text means its words, "nothing to note" last."""
    labels = {kind: each.label for kind, each in configuration.wording.kinds.items()}
    return {kind: labels.get(kind, kind_words(kind)) for kind in (*statement_kinds(configuration), NOTHING_TO_NOTE)}


def kind_words(kind: str) -> str:
    """A kind as people read it."""
    return capitalize_first(kind.replace("_", " "))
