"""Root cause: a ranked hypothesis from evidence, with its runner-up and what would tell them apart.

Pure. Each signal speaks for a cause in proportion to its severity: its points are multiplied by it, so that a signal that
is barely bad cannot name a cause. Where the best cause has too little evidence, or no lead, the answer is *undetermined*
and the play starts with a diagnosis.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from domain.configuration import CauseSettings, Driver
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier
from domain.evidence import Contribution
from domain.playbook import Difficulty
from domain.score_configuration import ScoringSettings
from tools.wording import capitalize_first, plural

UNDETERMINED = "undetermined"
_DRIVERS: dict[str, Driver] = {
    "usage": "usage",
    "relationship": "engagement",
    "sentiment": "sentiment",
    "support": "sentiment",
    "commercial": "financial",
}
_HARDER: dict[Difficulty, Difficulty] = {"easy": "moderate", "moderate": "hard", "hard": "hard"}


@dataclass(frozen=True)
class CauseCandidate:
    """One cause with the points that the evidence gives it, and the signals behind them, heaviest first."""

    cause: str
    points: float
    signals: tuple[str, ...]


def severity(part: Contribution, scoring: ScoringSettings) -> float:
    """0 (fine or unknown) to 1 (as bad as it gets)."""
    line = scoring.severity_below.value
    if part.component is None or part.component >= line:
        return 0.0
    return (line - part.component) / line


def rank_causes(dossier: Dossier, causes: CauseSettings, scoring: ScoringSettings) -> list[CauseCandidate]:
    """All causes that any evidence speaks for, strongest first; ties in alphabetical order."""
    severities = {part.signal: severity(part, scoring) for part in dossier.contributions}
    found = []
    for cause, rule in causes.causes.items():
        parts = [(fact.points * severities.get(fact.signal, 0.0), fact.signal) for fact in rule.evidence]
        parts = sorted(((points, signal) for points, signal in parts if points > 0), reverse=True)
        total = round(sum(points for points, _ in parts), 6)
        if total > 0:
            found.append(CauseCandidate(cause, total, tuple(signal for _, signal in parts)))
    return sorted(found, key=lambda candidate: (-candidate.points, candidate.cause))


def diagnose(dossier: Dossier, causes: CauseSettings, scoring: ScoringSettings) -> CauseFinding:
    """The finding for one account."""
    candidates = rank_causes(dossier, causes, scoring)
    first = candidates[0] if candidates else CauseCandidate(UNDETERMINED, 0.0, ())
    second = candidates[1] if len(candidates) > 1 else None
    lead = first.points - (second.points if second else 0.0)
    known = first.points >= causes.minimum_points.value and lead >= causes.minimum_lead.value
    category = first.cause if known else UNDETERMINED
    traces = [each for each in candidates[:2] if each.points >= causes.candidate_points.value]
    open_causes = () if known else tuple(each.cause for each in traces)
    runner_up = (second.cause if second else None) if known else (first.cause if candidates else None)
    driver, driver_note = _driver(dossier)
    pillar, pillar_note = _pillar(dossier, causes, scoring)
    difficulty, difficulty_note = _difficulty(dossier, category, open_causes, causes)
    window, window_note = time_to_churn(dossier, causes)
    shown = [first] if known or second is None else [first, second]
    evidence = _evidence_ids(dossier, tuple(dict.fromkeys(signal for each in shown for signal in each.signals)))
    return CauseFinding(
        account_id=dossier.account_id,
        name=dossier.name,
        category=category,
        label=cause_label(category, open_causes, causes),
        confidence=_confidence(first, lead, causes) if known else "low",
        score=round(first.points, 2),
        runner_up=runner_up,
        runner_up_label=_label(runner_up, causes) if runner_up else None,
        candidates=open_causes,
        would_tell_apart=question_between(first.cause, second.cause if second else None, causes),
        reasoning=_reasoning(dossier, shown, known, causes),
        pillar=pillar,
        pillar_note=pillar_note,
        driver=driver,
        driver_note=driver_note,
        difficulty=difficulty,
        difficulty_note=difficulty_note,
        time_to_churn=window,
        time_to_churn_note=window_note,
        evidence=evidence,
    )


def with_cause(finding: CauseFinding, cause: str, runner_up: str | None, causes: CauseSettings) -> CauseFinding:
    """An undetermined finding as that of one cause, with low confidence."""
    return finding.model_copy(
        update={
            "category": cause,
            "label": _label(cause, causes),
            "runner_up": runner_up,
            "runner_up_label": _label(runner_up, causes) if runner_up else None,
            "candidates": (),
        }
    )


def cause_label(category: str, candidates: tuple[str, ...], causes: CauseSettings) -> str:
    """The name of the cause; of an undetermined one also the causes that it may be."""
    if category != UNDETERMINED or not candidates:
        return _label(category, causes)
    return f"{_label(None, causes)}: {' or '.join(_label(each, causes).lower() for each in candidates)}"


def _label(cause: str | None, causes: CauseSettings) -> str:
    rule = causes.causes.get(cause or "")
    return rule.label if rule else "Undetermined"


def _confidence(first: CauseCandidate, lead: float, causes: CauseSettings) -> str:
    if first.points >= causes.confident_points.value and lead >= causes.confident_lead.value:
        return "high"
    return "medium" if lead >= causes.medium_lead.value else "low"


def question_between(first: str, second: str | None, causes: CauseSettings) -> str:
    """The question whose answer tells two causes apart."""
    key = "/".join(sorted((first, second))) if second else ""
    return causes.tell_apart.get(key, causes.tell_apart_default)


def _evidence_ids(dossier: Dossier, signals: tuple[str, ...]) -> tuple[str, ...]:
    facts = (dossier.evidence_for(signal) for signal in signals)
    return tuple(fact.id for fact in facts if fact is not None)


def _reasoning(dossier: Dossier, shown: Sequence[CauseCandidate], known: bool, causes: CauseSettings) -> str:
    """The heaviest signs: of the cause, or of each cause that it may be, as many in all."""
    most = int(causes.reasons.value)
    said = {each.cause: _signs(dossier, each, most if len(shown) == 1 else max(most // 2, 1), causes) for each in shown}
    said = {cause: signs for cause, signs in said.items() if signs}
    if known:
        return f"{capitalize_first('; '.join(said[shown[0].cause]))}."
    if not said:
        return "No evidence points to a cause; the conversation has to find it."
    text = " ".join(f"For {_label(cause, causes).lower()}: {'; '.join(signs)}." for cause, signs in said.items())
    return f"The evidence does not name one cause. {text}"


def _signs(dossier: Dossier, candidate: CauseCandidate, most: int, causes: CauseSettings) -> list[str]:
    rule = causes.causes.get(candidate.cause)
    says = {fact.signal: fact.why for fact in rule.evidence} if rule else {}
    return [
        f"{says[signal]} ({fact.id})" for signal in candidate.signals[:most] if (fact := dossier.evidence_for(signal))
    ]


def _driver(dossier: Dossier) -> tuple[Driver | str, str]:
    points: dict[str, float] = {}
    for part in dossier.contributions:
        points[_DRIVERS[part.category]] = points.get(_DRIVERS[part.category], 0.0) + part.risk_points
    name, most = max(sorted(points.items()), key=lambda item: item[1], default=("unknown", 0.0))
    if most <= 0:
        return "unknown", "No known signal adds risk."
    heaviest = max(
        (part for part in dossier.contributions if _DRIVERS[part.category] == name), key=lambda part: part.risk_points
    )
    fact = dossier.evidence_for(heaviest.signal)
    return (
        name,
        f"The largest part of the risk; above all: {fact.statement}" if fact else "The largest part of the risk.",
    )


def _pillar(dossier: Dossier, causes: CauseSettings, scoring: ScoringSettings) -> tuple[str, str]:
    """The pillar that dropped most since last week, or, without a last week, the one with the most risk in it."""
    moved: dict[str, float] = {}
    risky: dict[str, float] = {}
    for part in dossier.contributions:
        pillar = scoring.signals[part.signal].pillar
        moved[pillar] = moved.get(pillar, 0.0) + (part.health_change or 0.0)
        risky[pillar] = risky.get(pillar, 0.0) + part.risk_points
    worst, change = min(sorted(moved.items()), key=lambda item: item[1])
    if change <= -causes.pillar_drop_points.value:
        return worst, f"It lost {-change:.1f} points of health since last week (health: high is good)."
    heaviest, points = max(sorted(risky.items()), key=lambda item: item[1])
    if points <= 0:
        return "unknown", "No pillar shows a known weakness."
    return heaviest, "It carries most of the risk; no pillar dropped this week."


def _difficulty(
    dossier: Dossier, category: str, candidates: Sequence[str], causes: CauseSettings
) -> tuple[Difficulty, str]:
    rule = causes.causes.get(category)
    level: Difficulty = rule.base_difficulty if rule else "moderate"
    reasons = [rule.difficulty_why if rule else "The cause has to be found first."]
    days = dossier.renewal_in_days
    if days is not None and days <= causes.harder_within_days.value:
        level = _HARDER[level]
        reasons.append("The renewal is overdue." if days < 0 else f"Only {plural(days, 'day')} to the renewal.")
    if dossier.health is not None and dossier.health < causes.harder_below_health.value:
        level = _HARDER[level]
        reasons.append("Health is so low that several things are broken at once.")
    left = dossier.values.get("champion_status") == 2
    if left and all(causes.causes[cause].harder_without_champion for cause in ([category] if rule else candidates)):
        level = _HARDER[level]
        reasons.append("Nobody on their side speaks for us since the champion left.")
    return level, " ".join(reasons)


def time_to_churn(dossier: Dossier, causes: CauseSettings) -> tuple[tuple[int, int] | None, str]:
    """The sooner of the renewal decision and the trend's projection, in days from the review, as a range."""
    options = []
    if dossier.renewal_in_days is not None:
        latest = max(dossier.renewal_in_days, 0)
        earliest = max(int(latest - causes.decision_lead_days.value), 0)
        options.append((earliest, latest, "the renewal decision"))
    falling = dossier.velocity is not None and dossier.velocity < 0 and dossier.health is not None
    if falling and dossier.health is not None and dossier.velocity is not None:
        distance = max(dossier.health - causes.floor_health.value, 0.0)
        middle = distance / -dossier.velocity
        spread = causes.trend_spread.value
        if middle <= causes.trend_horizon_days.value:
            options.append(
                (int(middle * (1 - spread)), int(middle * (1 + spread)) + 1, "the trend of health over the last month")
            )
    if not options:
        return None, "Unknown: neither a renewal date nor a falling trend is known."
    earliest, latest, why = min(options)
    return (earliest, latest), f"Set by {why}, if nothing is done."
