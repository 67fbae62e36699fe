"""One reader for the YAML that people write: what is read as before, and what is refused with file, line and key."""

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError, DecisionError, InputError
from domain.record import Record
from tools.yaml_file import MAX_BYTES, MAX_DEPTH, parse_yaml, read_record, read_yaml

ROOT = Path(__file__).parents[2]
HOSTILE = {
    "a date that does not exist": ("plays:\n  - until: 2026-11-31\n", "f.yaml line 2: plays.0.until: 2026-11-31 is not a date that exists"),
    "a list as a key": ("? [a, b]\n: 1\n", "f.yaml line 1: a list or a group of keys cannot be a key"),
    "a mapping as a key": ("x:\n  ? {a: 1}\n  : 2\n", "f.yaml line 2: x: a list or a group of keys cannot be a key"),
    "a number of thousands of digits": (f"a: {'9' * 5000}\n", "f.yaml line 1: a: a number of more than 18 digits; put an id in quotation marks"),
    "deep nesting in brackets": ("[" * 100_000, f"f.yaml line 1: {'0.' * (MAX_DEPTH - 1)}0: nested more than {MAX_DEPTH} levels deep"),
    "deep nesting by indentation": ("\n".join(" " * n + "a:" for n in range(200)), "f.yaml line 33: " + ".".join("a" * 32) + f": nested more than {MAX_DEPTH} levels deep"),
    "an alias bomb": ("a: &a [x, x]\nb: &b [*a, *a]\n", "f.yaml line 2: b.0: *a repeats another part; write it out"),
    "a key that is there twice": ("a: 1\na: 2\n", "f.yaml line 2: a is there twice; keep one"),
    "a tag that makes an object": ("a: !!python/object/apply:os.system [ls]\n", "f.yaml line 1: a: the tag tag:yaml.org,2002:python/object/apply:os.system is not used here"),
    "a merge key": ("a:\n  <<: {b: 1}\n", "f.yaml line 2: a: << is not used here; write the keys out"),
    "an infinite number": ("weight: .inf\n", "f.yaml line 1: weight: .inf is not a number that can be used"),
    "not a number": ("weight: .nan\n", "f.yaml line 1: weight: .nan is not a number that can be used"),
    "an overflow": ("weight: 1.0e+400\n", "f.yaml line 1: weight: 1.0e+400 is not a number that can be used"),
    "two documents": ("a: 1\n---\nb: 2\n", "f.yaml line 2: a second document begins here; keep one"),
    "no closing bracket": ("a: [1, 2\n", "f.yaml line 2 is not valid YAML: did not find expected ',' or ']'"),
    "a tab as indentation": ("a:\n\tb: 1\n", "f.yaml line 2 is not valid YAML: found character that cannot start any token"),
    "a control character": ("a: \x07\n", "f.yaml line 1 holds a character that cannot be printed (U+0007)"),
}  # fmt: skip


class _Choice(Record):
    account: str
    until: date | None = None


class _File(Record):
    plays: tuple[_Choice, ...] = ()


@pytest.mark.parametrize(("text", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_yaml_is_refused_in_one_sentence_with_file_line_and_key(text: str, sentence: str) -> None:
    with pytest.raises(DecisionError) as refused:
        parse_yaml(text, "f.yaml", DecisionError)
    assert str(refused.value).startswith(sentence)


def test_every_yaml_that_ships_is_read_as_the_library_reads_it() -> None:
    shipped = sorted([*ROOT.glob("configs/**/*.yaml"), *ROOT.glob("examples/**/*.yaml"), *ROOT.glob("evals/**/*.yaml")])
    assert len(shipped) > 120
    for path in shipped:
        plain = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        assert read_yaml(path, ConfigurationError).content == plain, path


@given(st.recursive(
    st.none() | st.booleans() | st.integers(-10**12, 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"))) | st.dates(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(st.characters(codec="ascii", categories=("L",)), min_size=1), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_what_is_dumped_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assert parse_yaml(text, "f.yaml", InputError).content == yaml.load(text, Loader=yaml.CSafeLoader)


def test_a_value_of_the_wrong_kind_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "decisions.yaml"
    path.write_text("plays:\n  - account: A-1\n  - account: A-2\n    until: tomorrow\n", encoding="utf-8")
    with pytest.raises(DecisionError, match=r"^decisions\.yaml line 4: plays\.1\.until: Input should be a valid date"):
        read_record(path, _File, DecisionError)
    path.write_text("plays:\n  - acount: A-1\n", encoding="utf-8")
    with pytest.raises(DecisionError, match=r"^decisions\.yaml line 2: plays\.0\.account: Field required"):
        read_record(path, _File, DecisionError)
    path.write_text("plays: []\nmore: 1\n", encoding="utf-8")
    with pytest.raises(DecisionError, match=r"^decisions\.yaml line 2: more: no such key here"):
        read_record(path, _File, DecisionError)


def test_files_that_are_too_large_or_not_text_are_refused_by_name(tmp_path: Path) -> None:
    large, latin = tmp_path / "large.yaml", tmp_path / "latin.yaml"
    large.write_bytes(b"# " + b"x" * MAX_BYTES)
    latin.write_bytes("name: Müller".encode("latin-1"))
    with pytest.raises(InputError, match=r"^large\.yaml has more than 4,000,000 bytes; is it the right file\?"):
        read_yaml(large, InputError)
    with pytest.raises(InputError, match=r"^latin\.yaml is not UTF-8 text \(byte 7\); save it as UTF-8"):
        read_yaml(latin, InputError)


def test_an_empty_file_is_a_record_of_defaults_and_a_byte_order_mark_is_no_part_of_it(tmp_path: Path) -> None:
    empty, marked = tmp_path / "empty.yaml", tmp_path / "marked.yaml"
    empty.write_bytes(b"# nothing yet\n")
    marked.write_bytes(b"\xef\xbb\xbfplays: []\n")
    assert read_record(empty, _File, InputError) == read_record(marked, _File, InputError) == _File()
