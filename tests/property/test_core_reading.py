"""The quick look at a text, by which most texts are left: it never leaves one that states something."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.phrases import read_combination, split_words
from tests.builders import AS_OF, SHIPPED
from tools.reading.reader import StatementReader, TextRow
from tools.reading.sentences import sentences

READER = StatementReader(SHIPPED.wording)


def expressions() -> Iterator[str]:
    """Every expression of every language by which a kind is said, with an ending where any is allowed."""
    for code, language in SHIPPED.wording.languages.items():
        words = SHIPPED.wording.words(code)
        for kind in language.kinds.values():
            for text in kind.said_by:
                said = read_combination(text)
                each = said.expressions or [one for name in said.concepts for one in split_words(words[name])]
                yield from (" ".join(one).replace("*", "s") for one in each)


PIECES = st.one_of(
    st.sampled_from(sorted(set(expressions()))),
    st.sampled_from(
        ["the", "Acme", "nicht", "pas", "on Monday", "12", "(draft)", "Corvane", "we", "n'a", "Über", "don't"]
    ),
)
BETWEEN = st.sampled_from([" ", " ", " ", ", ", ". ", "\n", " - ", "; ", "/", " | ", "' ", "\n\n"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(PIECES, BETWEEN), max_size=14))
def test_no_text_that_states_something_is_left_unread(parts: list[tuple[str, str]]) -> None:
    text = "".join(piece + between for piece, between in parts)
    row = TextRow("A", AS_OF, "notes", 2, text)
    assert list(READER.read([row])) == list(READER.read_whole(row, list(sentences(text)), text))
