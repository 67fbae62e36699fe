"""Any text in a name: tables keep their shape, cells never become formulas, pages never become code."""

import csv
import io
import re
import unicodedata
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.report import csv_files as tabular
from app.report import formatting, markdown
from app.report.charts import health_chart, scatter_chart
from app.report.file_names import stems
from tests.sample_review import AS_OF, sample_review

NASTY = st.sampled_from(list("=+-@\t\r\n|<>[]()!`*_#\\\"'＝＋－＠ \u200b\u202e\x00;,:/"))
TEXT = st.lists(st.one_of(NASTY, st.characters(exclude_categories=("Cs",))), max_size=40).map("".join)


@given(
    st.lists(st.lists(st.one_of(TEXT, st.integers(), st.floats(allow_nan=False)), min_size=1, max_size=5), max_size=5)
)
def test_no_cell_of_a_csv_can_run_as_a_formula(rows: list[list[str | int | float]]) -> None:
    written = tabular.csv_bytes(("a", "b"), rows).decode("utf-8")
    read = list(csv.reader(io.StringIO(written, newline="")))[1:]
    assert len(read) == len(rows)
    for given_row, read_row in zip(rows, read, strict=True):
        for given_cell, cell in zip(given_row, read_row, strict=True):
            if isinstance(given_cell, str):
                assert tabular.read_text(cell) == given_cell
                assert given_cell in (cell, cell[1:]) or set(given_cell) & set(";\t\r\n")
                bare = cell.lstrip("".join(chr(i) for i in range(33)) + "\x7f\u200b\xa0")
                assert not bare.startswith(tuple("=+-@＝＋－＠"))
                assert not cell.startswith(("\t", "\r", "\n"))
            else:
                assert float(cell) == float(given_cell)


PIECES = st.lists(
    st.sampled_from(["=1+1", "+1", "-1", "@x", ";", "; ", ';"', '"', ",", "\t", "\r", "\n", "'", " ", "＝1", "a"]),
    max_size=12,
)
FORMULA_SIGNS = tuple("=+-@＝＋－＠")


@pytest.mark.parametrize("separator", [";", "\t", ","])
@given(
    st.lists(
        st.tuples(st.sampled_from(["A-1", "2026-W48-A-1-01"]), PIECES.map("".join), TEXT, st.integers()), max_size=4
    )
)
def test_no_piece_of_a_line_is_a_formula_where_the_spreadsheet_splits_at_another_separator(
    separator: str, rows: list[tuple[str, str, str, int]]
) -> None:
    written = tabular.csv_bytes(("id", "one", "two", "n"), rows).decode("utf-8")
    numbers = {str(row[3]) for row in rows}
    split = csv.reader(io.StringIO(written, newline=""), delimiter=separator)
    plainly = (re.split(f"[{separator}\r\n]", written),) if separator != "," else ()
    for cells in (*split, *plainly):
        for cell in cells:
            assert cell in numbers or not cell.lstrip(' "').startswith(FORMULA_SIGNS), (cell, written)
            assert not cell.startswith(("\t", "\r"))


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("costs 5;=cmd|' /C calc'!A0", "costs 5;'=cmd|' /C calc'!A0"),
        ("first\n=1+1", "first\n'=1+1"),
        ("a; -1", "a;' -1"),
        ("a;'=1", "a;''=1"),
        ("one; two", "one; two"),
        ("5 - 3; 2 + 2", "5 - 3; 2 + 2"),
    ],
)
def test_an_apostrophe_stands_before_what_a_piece_of_a_text_would_run_and_is_taken_away_on_import(
    text: str, written: str
) -> None:
    assert tabular.escape_formula(text) == written
    assert tabular.read_text(written) == text


@given(st.lists(TEXT, min_size=1, max_size=6))
def test_a_row_of_a_markdown_table_stays_one_row_of_as_many_cells(cells: list[str]) -> None:
    line = str(markdown.row(cells))
    assert len(line.splitlines()) == 1
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) == len(cells) + 1


@given(TEXT)
def test_no_text_becomes_a_tag_a_link_or_a_picture_in_markdown(text: str) -> None:
    shown = str(markdown.escape(text))
    assert not re.search(r"(?<!\\)(?:\\\\)*<", shown)
    assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]`]", shown)
    assert "://" not in shown


MARKDOWN = MarkdownIt("commonmark", {"html": True})
"""A reader that lets HTML through: an escape that fails shows as a tag."""


@given(
    st.one_of(
        TEXT, st.sampled_from(["A & B", "a &amp; b", "&#60;b&#62;", "1 < 2 > 0", "> quoted", "</td><script>x", "R&D;"])
    )
)
def test_a_text_reads_in_markdown_as_it_was_written_with_an_entity_only_for_a_tag(text: str) -> None:
    shown = str(markdown.escape(f"x {text} x"))
    tags = len(re.findall("<(?=[A-Za-z/!?])", formatting.single_line(text)))
    assert len(re.findall(r"(?<!\\)&(amp|lt|gt|quot|#\d+);", shown)) == tags
    assert not re.search("<[A-Za-z/!?]", shown), "no reader of Markdown sees a tag"
    page = MARKDOWN.renderInline(shown)
    assert "<" not in page, "no tag"
    assert unescape(page) == formatting.single_line(f"x {text} x")


@given(
    st.one_of(
        TEXT, st.text("aB1 .:;?()w/,-%'"), st.sampled_from(["1. a", "2) b", "www.a.b", "ftp://a", "12.5 %", "a  b"])
    )
)
def test_what_is_taken_as_it_is_would_not_have_been_written_otherwise(text: str) -> None:
    assert str(markdown.escape(text)) == markdown.escape_markdown(text)


class Shape(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@given(TEXT)
def test_no_name_adds_a_tag_or_an_attribute_to_a_chart(name: str) -> None:
    def shape(given_name: str) -> Shape:
        found = Shape()
        found.feed(
            scatter_chart([(given_name, 80.0, 5_000.0, "high")], "EUR") + health_chart([(AS_OF, 40.0)], given_name)
        )
        return found

    assert shape(name).tags <= shape("Northwind").tags
    assert shape(name).attributes <= shape("Northwind").attributes


@given(st.lists(TEXT, unique=True, max_size=8))
def test_every_id_gets_a_safe_stem_of_its_own(ids: list[str]) -> None:
    found = stems(ids)
    assert len({stem.lower() for stem in found.values()}) == len(ids)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", stem) for stem in found.values())


def test_every_table_of_a_hostile_review_keeps_its_columns() -> None:
    from app.report import render_files

    for name, content in render_files(sample_review("closed", hostile=True)).items():
        if name.endswith(".md"):
            for block in re.findall(r"(?:^\|.*\n?)+", content.decode("utf-8"), flags=re.MULTILINE):
                bars = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in block.strip().splitlines()}
                assert len(bars) == 1, (name, block)


def test_direction_controls_never_reach_a_page() -> None:
    from app.report import render_files

    for name, content in render_files(sample_review("closed", hostile=True)).items():
        if name.endswith((".md", ".html")):
            assert not any(unicodedata.bidirectional(char) in {"RLO", "LRO"} for char in content.decode("utf-8")), name
