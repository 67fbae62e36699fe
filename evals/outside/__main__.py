"""The suite ``outside`` for data of your own, without any baseline.

``python -m evals.outside CARD.yaml`` judges a table with one row an account, beside a card like those in ``tables/``.
``python -m evals.outside FOLDER AS_OF [DAYS]`` judges files of the fightchurn simulator: who left within so many days (60).
"""

import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from domain.errors import SaveplayError
from evals.figures import SuiteResult
from evals.outside.fightchurn import convert_fightchurn
from evals.outside.table import score_folder, with_card
from evals.suites.outside import run_outside, table_result
from tools.configuration import read_configuration


def judge(arguments: Sequence[str]) -> SuiteResult:
    """The result for a card, or for a folder of the simulator."""
    configuration = read_configuration()
    if len(arguments) == 1:
        return run_outside(configuration, lambda *_: None, (Path(arguments[0]),))
    source, as_of = Path(arguments[0]), date.fromisoformat(arguments[1])
    days = int(arguments[2]) if len(arguments) > 2 else 60
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        data = Path(scratch) / "data"
        converted = convert_fightchurn(source, as_of, days, data)
        rate = sum(converted.left.values()) / len(converted.left)
        configured = with_card(configuration, converted.signals, (), rate)
        says = f"Files of the simulator as of {as_of}: who left within {days} days."
        return table_result(
            score_folder(source.name, says, data, converted.left, configured, as_of, Path(scratch)), None
        )


def main(arguments: Sequence[str]) -> None:
    """Print the figures."""
    if not 1 <= len(arguments) <= 3:
        sys.exit(__doc__)
    try:
        result = judge(arguments)
    except SaveplayError as error:
        sys.exit(f"evals.outside: {error}")
    for figure in result.figures:
        print(f"{figure.name:40} {figure.value:7.3f}  {figure.low:.3f} to {figure.high:.3f}  {figure.says}")  # noqa: T201
    for note in result.notes:
        print(note)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
