"""Files of labels, and the page on which a person labels pairs of plays without knowing who drafted which."""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError

from domain.errors import ConfigurationError
from evals.preference import Label, Labels, PlayPair

_SCRIPT = """
const form = document.querySelector("form");
form.addEventListener("input", () => {
  const by = form.elements["by"].value.trim(), labels = [];
  for (const pair of document.querySelectorAll("fieldset")) {
    const chosen = pair.querySelector("input:checked");
    if (chosen) labels.push({by: by, account: pair.dataset.account, pair: pair.dataset.pair, seed: Number(form.dataset.seed), choice: chosen.value});
  }
  const text = JSON.stringify({labels: labels}, null, 1) + "\\n";
  document.querySelector("output").textContent = labels.length + " of " + document.querySelectorAll("fieldset").length;
  document.querySelector("textarea").value = by ? text : "";
  const link = document.querySelector("a[download]");
  link.hidden = !by || !labels.length;
  link.href = "data:application/json;charset=utf-8," + encodeURIComponent(text);
});
"""


def read_labels(paths: Sequence[Path]) -> tuple[Label, ...]:
    """Labels of all files, in their order. Raises ConfigurationError for a file that holds none."""
    found: list[Label] = []
    for path in paths:
        try:
            found += Labels.model_validate_json(path.read_text(encoding="utf-8")).labels
        except OSError:
            raise ConfigurationError(f"{path}: there is no file of labels; write one with --choose NAME") from None
        except (ValidationError, UnicodeDecodeError):
            raise ConfigurationError(f"{path}: not a file of labels; save it again from the page") from None
    return tuple(found)


def write_labels(path: Path, labels: Sequence[Label]) -> None:
    """Write labels as JSON. The same labels give the same bytes."""
    body = Labels(labels=tuple(labels)).model_dump(mode="json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def blind_page(pairs: Sequence[PlayPair], seed: int) -> str:
    """The page as HTML: two plays side by side, left and right by the seed, and a choice for each pair. It fetches nothing."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    return environment.get_template("blind_page.html.j2").render(
        pairs=[(pair, _lines(*pair.shown(seed))) for pair in pairs], seed=seed, script=_SCRIPT, digest=digest
    )


def _lines(left: str, right: str) -> list[tuple[str, list[tuple[str, int, bool]]]]:
    """Both sides with their lines: text, level of indentation, and true if the other side has the same line."""
    sides = (("Left", left, right), ("Right", right, left))
    return [
        (
            name,
            [
                (line.strip(), (len(line) - len(line.lstrip())) // 2, line in other.split("\n"))
                for line in text.split("\n")
            ],
        )
        for name, text, other in sides
    ]
