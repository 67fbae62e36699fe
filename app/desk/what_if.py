"""Preview of other weights and thresholds: this week's signals scored again, and the accounts that would change tier.

Nothing is saved. The result is a file for a configuration folder.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml
from pydantic import ValidationError

from app.desk.score_table import ScoreTable, WhatIfEffect
from app.parsing import first_problem
from domain.configuration import Configuration
from domain.errors import ConfigurationError, DecisionError
from domain.score_configuration import CATEGORIES, SIZES, ConfigurationFiles, ScoringSettings
from tools.scoring.score_sql import scored_sql
from tools.yaml_file import parse_yaml

MAX_LISTED = 100
"""Accounts that are listed; the counts are of all."""
THRESHOLDS = (
    ("at_risk_above", "At risk from a risk of", 0.0, 100.0),
    ("severity_below", "A signal warns below a component of", 1.0, 100.0),
    ("cluster_step", "Added per further category that warns", 0.0, 1.0),
    ("renewal_step", "Added on the day of the renewal", 0.0, 2.0),
    ("minimum_coverage", "Scored from a coverage of", 0.0, 1.0),
)
_GROUPS = {
    "tier": "Tiers of risk",
    "": "Thresholds",
    "signal": "Signals of your own",
    "pair": "Signals that count together",
}
ADJUSTABLE_TIERS = ("medium", "high", "critical")


@dataclass(frozen=True)
class AdjustableNumber:
    """One number of the configuration that can be changed on the page."""

    name: str
    label: str
    unit: str
    why: str
    current: float
    minimum: float
    maximum: float


@dataclass(frozen=True)
class WhatIfChanges:
    """The numbers that were changed on the page."""

    values: Mapping[str, float]
    problem: str = ""
    """The reason why the input cannot be used; empty when it can."""

    @classmethod
    def of(cls, given: Mapping[str, str], configuration: Configuration) -> "WhatIfChanges":
        """From the query of an address: what differs from the configuration."""
        found: dict[str, float] = {}
        for setting in adjustable_numbers(configuration):
            text = given.get(setting.name, "").strip()
            if not text:
                continue
            try:
                value = float(text)
            except ValueError:
                return cls({}, f"{setting.label}: {text[:40]!r} is not a number")
            if not setting.minimum <= value <= setting.maximum:
                return cls({}, f"{setting.label}: between {setting.minimum:g} and {setting.maximum:g}")
            if value != setting.current:
                found[setting.name] = value
        changes = cls(found)
        try:
            changed_configuration(changes, configuration)
        except DecisionError as error:
            return cls({}, str(error))
        return changes


def adjustable_numbers(configuration: Configuration) -> list[AdjustableNumber]:
    """All that can be moved: the weight of each category by size, the tiers of risk, the thresholds, own signals."""
    scoring = configuration.scoring
    found = [
        AdjustableNumber(f"weight.{size}.{category}", f"{size.replace('_', ' ')}: {category}", "percent of health",
             "The categories of a size sum to 100.", scoring.category_weights[size][category], 0, 100)
        for size in SIZES for category in CATEGORIES
    ]  # fmt: skip
    starts = {band.name: band.starts_at for band in scoring.risk_tiers}
    found += [
        AdjustableNumber(f"tier.{name}", f"{name} from a risk of", "points of risk", "", starts[name], 0, 100)
        for name in ADJUSTABLE_TIERS
    ]
    for name, label, least, most in THRESHOLDS:
        setting = getattr(scoring, name)
        found.append(AdjustableNumber(name, label, setting.unit, setting.why, setting.value, least, most))
    return [*found, *_own_numbers(scoring)]


def _own_numbers(scoring: ScoringSettings) -> list[AdjustableNumber]:
    """Weight and risk points of the team's own signals, and points of the pairs: numbers that nobody else has tried out."""
    found = []
    for name, signal in scoring.own_signals.items():
        weight, unit = signal.weight["default"], f"share of {signal.category}"
        found.append(AdjustableNumber(f"signal.{name}.weight", signal.label, unit, signal.why, weight, 0, 1000))
        found.append(
            AdjustableNumber(f"signal.{name}.risk", signal.label, "points of risk", signal.why, signal.risk, 0, 60)
        )
    for place, pair in enumerate(scoring.pairs):
        label = " with ".join(scoring.signals[name].label for name in pair.signals)
        found.append(AdjustableNumber(f"pair.{place}", label, "points of risk", pair.why, pair.risk, 0.1, 60))
    return found


def group_numbers(settings: Sequence[AdjustableNumber]) -> dict[str, list[AdjustableNumber]]:
    """The numbers below the table of weights, by the title of their group; no group is empty."""
    found: dict[str, list[AdjustableNumber]] = {}
    for setting in settings:
        kind = setting.name.partition(".")[0] if "." in setting.name else ""
        if kind != "weight":
            found.setdefault(_GROUPS[kind], []).append(setting)
    return found


def apply_changes(changes: WhatIfChanges, raw: dict[str, Any]) -> dict[str, Any]:
    """The content of scoring.yaml with the changes."""
    changed = deepcopy(raw)
    for name, value in changes.values.items():
        kind, _, rest = name.partition(".")
        if kind == "weight":
            size, _, category = rest.partition(".")
            changed["category_weights"][size][category] = value
        elif kind == "signal":
            signal, _, number = rest.partition(".")
            _change_signal(changed["signals"][signal], number, value)
        elif kind == "pair":
            changed["pairs"][int(rest)]["risk"] = value
        elif kind == "tier":
            for band in changed["risk_tiers"]:
                if band["name"] == rest:
                    band["starts_at"] = value
        else:
            changed[name]["value"] = value
    return changed


def _change_signal(signal: dict[str, Any], number: str, value: float) -> None:
    if number == "weight":
        signal["weight"]["default"] = value
    else:
        signal["risk"] = value


def changed_configuration(changes: WhatIfChanges, configuration: Configuration) -> Configuration:
    """The configuration with the changes. Raises DecisionError for numbers that do not fit together."""
    raw = apply_changes(changes, configuration.scoring.model_dump(mode="json"))
    try:
        scoring = ScoringSettings.model_validate(raw)
    except ValidationError as error:
        raise DecisionError(first_problem(error)) from None
    return configuration.model_copy(update={"scoring": scoring})


def compute_effect(
    scores: ScoreTable, configuration: Configuration, as_of: date, changes: WhatIfChanges
) -> WhatIfEffect | None:
    """The effect of the changed numbers on this week's scores; None when nothing is changed."""
    if not changes.values:
        return None
    changed = changed_configuration(changes, configuration)
    scored = scored_sql(changed, "scored_signals", as_of, "reported_velocity", scores.source_shares)
    return scores.compare_scoring(scored, MAX_LISTED)


def scoring_file(changes: WhatIfChanges, files: ConfigurationFiles, review_id: str) -> str:
    """scoring.yaml of the review with the changes, its other values as they are, and what was changed at its head."""
    raw = parse_yaml(files.files["scoring.yaml"], "scoring.yaml", ConfigurationError).content
    lines = [f"# {name}: {value:g}" for name, value in changes.values.items()] or ["# nothing"]
    head = f"# Changed on the page What if of {review_id}; put it into a folder and name that with --configs:"
    return "\n".join(
        [head, *lines, yaml.safe_dump(apply_changes(changes, raw), sort_keys=False, allow_unicode=True, width=120)]
    )
