"""Text as people read it, the same in Python and in the engine."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import AS_OF, SHIPPED
from tools.signals import match_sql, single_line_sql
from tools.signals.plain_text import plain_text, plain_text_query
from tools.signals.statements import StatementFinder, TextRow

FINDER = StatementFinder(SHIPPED.wording)
CONNECTION = duckdb.connect(config={"threads": 1})


def stated(text: str) -> dict[str, str]:
    """The quotations by intent, found in a note."""
    return {said.intent: said.quote for said in FINDER.find([TextRow("A", AS_OF, "notes", 2, text)])}


def passes(text: str) -> bool:
    """True where the engine's search for any phrase finds the text."""
    shown = plain_text_query("select ?::varchar as x", "x")
    line = f"select {single_line_sql('shown')} as line from ({shown})"
    row = CONNECTION.execute(f"select {match_sql('line', FINDER.filter)} from ({line})", [text]).fetchone()
    return bool(row and row[0])


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("They aren\u2019t here", "They aren't here"),
        ("single\u2011sign\u00adon\u00a0now", "single-signon now"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("<p>They are <b>evaluating</b>&nbsp;alternatives.</p>", "They are evaluating alternatives."),
        ("We can&#39;t &amp; won&rsquo;t", "We can't & won't"),
        ("See https://help.osier.example/rfp/answers. Thanks", "See \u2026. Thanks"),
        ("Mail from tender@osier.example, thanks", "Mail from \u2026, thanks"),
        ("<style>.tender{margin:0}</style><!-- rfp -->All fine", "All fine"),
        ("3 < 5 and a > b", "3 < 5 and a > b"),
        ("Plain words.", "Plain words."),
    ],
)
def test_a_text_is_what_a_person_sees(written: str, shown: str) -> None:
    assert plain_text(written).strip() == shown


def test_quoted_mail_below_an_answer_is_not_said_again() -> None:
    quoted = "On 3 Nov 2026, Ann Lee wrote:\n> We are evaluating alternatives.\n"
    assert stated("All fine now, thanks.\n\n" + quoted) == {}
    assert stated("All fine.\n-----Original Message-----\nFrom: x\nWe cannot afford this.") == {}
    assert stated('<div>Fine.</div><blockquote type="cite">We are evaluating alternatives</blockquote>') == {}
    assert "evaluating_alternatives" in stated("On Monday Ann wrote to us:\nWe are evaluating alternatives.")
    assert "evaluating_alternatives" in stated(quoted.replace("> ", "")), "a note that is only the mail shows it"


def test_a_negation_without_its_apostrophe_is_a_negation() -> None:
    assert stated("They dont want to switch to another vendor") == {}
    assert stated("We wont leave you") == {}
    assert set(stated("We cant afford this anymore")) == {"budget_cut"}


def test_the_quotation_shows_the_plain_text() -> None:
    assert stated("<p>They are evaluating<br>alternatives.</p>") == {
        "evaluating_alternatives": "They are evaluating alternatives."
    }


WORDS = (
    "We",
    "are",
    "evaluating",
    "alternatives",
    "can",
    "t",
    "afford",
    "this",
    "an",
    "RFP",
    "value",
    "see the",
    "cannot",
)
MARKS = (
    " ", " ", " ", "\u00a0", "&nbsp;", "<br>", "<b>", "</b>", "</p><p>", "\u2019", "'", "&rsquo;", "&#39;", "\u00ad", "\n", "&#8239;",
    "&zwj;", "&Tab;", "<!-- x -->", " http://x.example/a ", "\u202f", "\u2011", "&amp;nbsp;", "<span class='a'>", "e\u0301", "&eacute;", "&lt;", ">",
)  # fmt: skip


@pytest.mark.long
@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(MARKS)), max_size=9))
def test_the_search_in_the_engine_misses_nothing_that_the_plain_text_states(parts: list[tuple[str, str]]) -> None:
    text = "".join(word + mark for word, mark in parts)
    assert passes(text) or not stated(text)
