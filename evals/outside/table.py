"""A table with one row an account, scored by the product with a card of own signals.

One rule: the column that says who left is never among those that are read.
"""

import csv
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from domain.configuration import Configuration
from domain.errors import ConfigurationError
from domain.evidence import Evidence
from domain.record import Record
from domain.score_configuration import ScoringSettings
from tools.evidence.dossier import build_dossiers
from tools.scoring.scored_base import ScoredBase, read_base
from tools.scoring.snapshots import SnapshotStore
from tools.yaml_file import read_record

Vector = NDArray[np.float64]
_HORIZONS_A_YEAR = 365 / 7
_MOST = 0.95


class LeftColumn(Record):
    """The column that says who left, and the word that means it."""

    column: str
    means_left: str


class OutsideCard(Record):
    """A table and the own signals that are configured for it."""

    says: str
    file: str = Field(description="Beside the card.")
    account: str
    left: LeftColumn
    as_of: date
    signals: dict[str, Any] = Field(min_length=1, description="As under signals in scoring.yaml.")
    pairs: tuple[dict[str, Any], ...] = Field(default=(), description="As under pairs in scoring.yaml.")


@dataclass(frozen=True)
class OutsideResult:
    """The product's result for every account of a table, and the accounts that left."""

    name: str
    says: str
    left: Vector
    """1 for an account that left."""
    chance: Vector
    risk: Vector
    components: Mapping[str, Vector]
    """By own signal: 0 to 100 where known, else not a number."""
    points: Mapping[str, float]
    """By own signal: mean health points and risk points together, which are 0 for a signal that counts nowhere."""
    evidence: tuple[Evidence, ...]
    """Evidence of the account with the highest risk."""


def read_card(path: Path) -> OutsideCard:
    """The card in a file. Raises ConfigurationError naming file, line and key."""
    return read_record(path, OutsideCard, ConfigurationError)


def with_card(
    configuration: Configuration, signals: Mapping[str, Any], pairs: tuple[Any, ...], rate: float
) -> Configuration:
    """The configuration with these own signals. ``rate`` is the share that leaves within the horizon that is shown."""
    # The rate of a base is something that its outcomes tell the product. A table with one row an account has no dates, so
    # the rate of the table is told by way of the configuration instead.
    raw = configuration.scoring.model_dump(mode="json")
    raw["signals"] = {**raw["signals"], **signals}
    raw["pairs"] = list(pairs)
    weeks = configuration.scoring.churn.horizon_weeks.value
    raw["churn"]["yearly_rate"]["value"] = min(round(1 - (1 - rate) ** (_HORIZONS_A_YEAR / weeks), 6), _MOST)
    try:
        scoring = ScoringSettings.model_validate(raw)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(key) for key in problem["loc"])
        raise ConfigurationError(f"the card: {where}: {problem['msg']}") from None
    return configuration.model_copy(update={"scoring": scoring})


def score_table(path: Path, configuration: Configuration, scratch: Path, *, with_pairs: bool = True) -> OutsideResult:
    """Score the table that a card belongs to. ``scratch`` is an empty folder."""
    card = read_card(path)
    left = _who_left(path.parent / card.file, card)
    configured = with_card(
        configuration, card.signals, card.pairs if with_pairs else (), sum(left.values()) / len(left)
    )
    data = scratch / "data"
    data.mkdir(parents=True)
    shutil.copy(path.parent / card.file, data / card.file)
    key = {"account_id": card.account, "name": card.account}
    unknown = {"arr": "unknown", "renewal_date": "unknown"}
    mapping = {"tables": {"accounts": {"from": card.file, "columns": key, "constants": unknown}}}
    (data / "mapping.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")
    return score_folder(path.stem, card.says, data, left, configured, card.as_of, scratch)


def score_folder(
    name: str,
    says: str,
    data: Path,
    left: Mapping[str, bool],
    configuration: Configuration,
    as_of: date,
    scratch: Path,
) -> OutsideResult:
    """Score a folder of data, and put what is said beside who left."""
    history = SnapshotStore(scratch / "history")
    base = read_base(str(data), as_of, configuration, history)
    try:
        return _result(base, name, says, left, history)
    finally:
        base.close()


def _result(base: ScoredBase, name: str, says: str, left: Mapping[str, bool], history: SnapshotStore) -> OutsideResult:
    rows = [row for row in base.rows("select * from scored order by account_id") if row["account_id"] in left]
    accounts = [row["account_id"] for row in rows]
    base.select_accounts(accounts)
    details = base.signal_details()
    own = list(base.configuration.scoring.own_signals)
    table = {
        signal: [next(d for d in details[account] if d["signal"] == signal) for account in accounts] for signal in own
    }
    worst = max(rows, key=lambda row: (row["risk"], row["account_id"]))["account_id"]
    base.select_accounts([worst])
    dossier = build_dossiers(base, [worst], history, {worst: details[worst]})[0]
    return OutsideResult(
        name=name,
        says=says,
        left=np.asarray([float(left[account]) for account in accounts]),
        chance=np.asarray([row["churn_probability"] for row in rows]),
        risk=np.asarray([row["risk"] for row in rows]),
        components={s: np.asarray([_or_nan(d["component"]) for d in table[s]]) for s in own},
        points={s: float(np.mean([(d["health_points"] or 0) + d["risk_points"] for d in table[s]])) for s in own},
        evidence=dossier.evidence,
    )


def _or_nan(value: float | None) -> float:
    return float("nan") if value is None else value


def _who_left(path: Path, card: OutsideCard) -> dict[str, bool]:
    """By account: whether it left. Raises ConfigurationError where the table has no such column, or nobody left."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for column in (card.account, card.left.column):
        if not rows or column not in rows[0]:
            raise ConfigurationError(f"{path.name}: there is no column {column!r}; the card names it")
    left = {row[card.account]: row[card.left.column] == card.left.means_left for row in rows}
    if len(set(left.values())) < 2:
        raise ConfigurationError(
            f"{path.name}: {card.left.column} is {card.left.means_left!r} for everybody or for nobody"
        )
    return left
