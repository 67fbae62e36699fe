"""An account as it looks with what the asker says about it: cause and urgency may change, scores never do. Pure."""

from collections.abc import Sequence
from datetime import date

import numpy as np

from domain.configuration import Configuration
from domain.dossier import Dossier
from domain.evidence import Contribution, Evidence, SourceRow
from domain.questions import UserStatement
from domain.score_configuration import InterventionTier, Signal
from tools.scoring.tiers import fired_rules
from tools.wording import format_value

_ORDER: tuple[InterventionTier | None, ...] = ("critical", "high", "medium", "watch", None)
STATEMENT_SOURCE = "the person who asks"


def add_statements(dossier: Dossier, said: Sequence[UserStatement], configuration: Configuration, on: date) -> Dossier:
    """The dossier with the asker's evidence A1, A2, … ahead of the rest."""
    if not said:
        return dossier
    scoring, rules = configuration.scoring, configuration.asking.said
    facts, values, card = [], dict(dossier.values), {part.signal: part for part in dossier.contributions}
    for number, item in enumerate(said, start=1):
        signal, value = scoring.signals[item.signal], rules[item.signal].value
        component = _component_score(signal, value)
        facts.append(_evidence(f"A{number}", item, signal, value, component, on, scoring.severity_below.value))
        known = card.get(item.signal)
        if known is not None and (known.component is None or component < known.component):
            card[item.signal] = _reported_contribution(known, value, component, signal, on)
            values[item.signal] = value
    changed = dossier.model_copy(
        update={
            "values": values,
            "contributions": tuple(card.values()),
            "evidence": (*facts, *dossier.evidence),
        }
    )
    return changed.model_copy(update={"intervention_tier": _most_urgent_tier(changed, configuration)})


def _component_score(signal: Signal, value: float) -> float:
    """0 to 100 by the signal's points, straight lines between."""
    at, scores = zip(*signal.points, strict=True)
    return float(np.interp(value, at, scores))


def _evidence(
    name: str, item: UserStatement, signal: Signal, value: float, component: float, on: date, line: float
) -> Evidence:
    return Evidence(
        id=name,
        signal=item.signal,
        category=signal.category,
        pillar=signal.pillar,
        statement=f"According to {STATEMENT_SOURCE}, {item.says}.",
        value=value,
        shown=format_value(value, signal.unit),
        unit=signal.unit,
        direction="worse",
        observed_on=on,
        source=STATEMENT_SOURCE,
        rows=(SourceRow(table="question", row=1, on=on, key="question", text=f"“{item.quote}”"),),
        row_count=1,
        risk_points=round(signal.risk * max(line - component, 0.0) / line, 6),
    )


def _reported_contribution(
    known: Contribution, value: float, component: float, signal: Signal, on: date
) -> Contribution:
    """The signal as the asker reports it. Its points stay: nobody talks an account into a score."""
    update = {
        "value": value, "shown": format_value(value, signal.unit), "component": component, "observed_on": on, "age_days": 0,
        "state": "known",
    }  # fmt: skip
    return known.model_copy(update=update)


def _most_urgent_tier(dossier: Dossier, configuration: Configuration) -> InterventionTier | None:
    """The more urgent of the tier on record and the one that the rules give with what was said."""
    fired = fired_rules(dossier.values, dossier.size, configuration.tiers)
    return min((dossier.intervention_tier, fired[0].tier if fired else None), key=_ORDER.index)


def excluded_actions(configuration: Configuration, tried: Sequence[str]) -> frozenset[str]:
    """Actions that are not offered again because they were tried: today, whatever gives money away."""
    if not tried:
        return frozenset()
    books = configuration.playbooks.values()
    return frozenset(action.id for book in books for action in book.actions if action.concession)
