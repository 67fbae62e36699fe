"""Hostile YAML in every file that people write: one sentence with file, line and key, and nothing else happens."""

import shutil
from pathlib import Path

import pytest

from app.decision_file import read_decisions
from app.desk.settings import read_settings
from domain.errors import InputError
from evals.cases import read_case
from tests.contract.hostile_yaml import CASES, CONFIGURATION, DECISIONS, DESK, MAPPING
from tests.contract.hostile_yaml_sentences import SENTENCES
from tools.configuration import DEFAULT_FOLDER, read_configuration
from tools.sources.mapping import read_mapping

W48 = "2026-W48"


def edited(shipped: str, text: str) -> str:
    """The whole new text of a file: an edit of the one that ships, or the text itself."""
    old, arrow, new = text.partition("<<<>>>")
    assert not arrow or old in shipped
    return shipped.replace(old, new, 1) if arrow else text


def refusal(tmp_path: Path, kind: str, file: str, text: str | bytes) -> str:
    """The sentence of the reader of this kind of file."""
    folder = tmp_path / "configs"
    if kind == "configuration":
        shutil.copytree(DEFAULT_FOLDER, folder)
        text = edited((folder / file).read_text(encoding="utf-8"), str(text))
    folder.mkdir(exist_ok=True)
    path = folder / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InputError) as refused:
        {
            "decisions": lambda: read_decisions(path, W48),
            "mapping": lambda: read_mapping(path),
            "configuration": lambda: read_configuration(folder),
            "desk": lambda: read_settings(folder),
            "case": lambda: read_case(path),
        }[kind]()
    return str(refused.value)


HOSTILE = [
    *(("decisions", "decisions.yaml", name, text) for name, text in DECISIONS),
    *(("mapping", "mapping.yaml", name, text) for name, text in MAPPING),
    *(("configuration", file, name, text) for name, file, text in CONFIGURATION),
    *(("desk", "desk.yaml", name, text) for name, text in DESK),
    *(("case", "a_case.yaml", name, text) for name, text in CASES),
]


@pytest.mark.parametrize(
    ("kind", "file", "name", "text"), HOSTILE, ids=[f"{kind}: {file}: {name}" for kind, file, name, _ in HOSTILE]
)
def test_hostile_yaml_is_refused_in_the_one_sentence_that_it_must_get(
    tmp_path: Path, kind: str, file: str, name: str, text: str | bytes
) -> None:
    sentence = refusal(tmp_path, kind, file, text)
    assert sentence == SENTENCES[f"{kind}: {file}: {name}"]
    assert len(sentence) < 800
    assert sentence.isprintable()


def test_a_file_that_never_ends_is_not_read_to_its_end(tmp_path: Path) -> None:
    endless = tmp_path / "decisions.yaml"
    endless.symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"^decisions\.yaml is not a file; put a file there, or remove it$"):
        read_decisions(endless, W48)
