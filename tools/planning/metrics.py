"""Is the review working? Process and outcome figures with their targets and intervals. Pure.

What cannot be known yet says so; no figure is made up from too little.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from domain.configuration import ReviewSettings
from domain.plan import TBD, PlanLine
from domain.tracking import Action, Commitment, CrmUpdate, Metric, Metrics
from tools.save_play.expected_value import SaveRecord, wilson_interval_95

_Z80 = 1.2815515655446004
"""Normal quantile of the ends of an 80 % interval."""
_PLACE = re.compile(r"\{(\w+)\}")
_PLACE_WORDS = {
    "with": "their contact",
    "about": "the matter",
    "amount": "the right number of",
    "account": "the account",
    "our_executive": "our executive",
}


@dataclass(frozen=True)
class PassedForecast:
    """The chances of leaving of one earlier review, after their time."""

    review_id: str
    weeks: int
    chances: tuple[float, ...]
    """Of each account that was at risk then."""
    lost: int
    """Accounts among them that left since."""


@dataclass(frozen=True)
class ReviewHistory:
    """Knowledge of earlier reviews: accounts at risk, when each was found, and its outcome."""

    first_found: Mapping[str, date]
    """Account to the date of the first review that had it at risk."""
    outcomes: Mapping[str, str]
    """Account to the outcome since: renewed, expanded, contracted, churned."""
    health_at_approval: Mapping[str, float | None]
    """Health in the first review that approved a play, for plays that are old enough to be judged."""
    health_now: Mapping[str, float | None]
    forecast: PassedForecast | None
    """The newest forecast whose time has passed; None while there is none."""
    records: Mapping[str, SaveRecord]


def _share_metric(
    kind: str, name: str, label: str, part: int, whole: int, target: str, met: bool | None, note: str = ""
) -> Metric:
    low, high = wilson_interval_95(part, whole) if whole else (None, None)
    return Metric(
        id=name,
        kind=kind,
        label=label,
        value=part / whole if whole else None,
        shown=f"{part / whole:.0%} ({part:,} of {whole:,})".replace("%", " %") if whole else "not known yet",
        target=target,
        met=met if whole else None,
        count=whole,
        low=round(low, 4) if low is not None else None,
        high=round(high, 4) if high is not None else None,
        note=note if whole else note or "No case yet.",
    )


def process_metrics(
    plan: Sequence[PlanLine],
    owners: Mapping[str, str],
    actions: Sequence[Action],
    updates: Sequence[CrmUpdate],
    past: ReviewHistory,
    done: Sequence[Commitment],
    settings: ReviewSettings,
) -> list[Metric]:
    """Figures of the meeting itself."""
    critical = [line for line in plan if line.tier == "critical"]
    owned = sum(1 for line in critical if owners.get(line.account_id, line.owner) != TBD)
    dated = sum(1 for action in actions if action.owner != TBD)
    accounts = {action.account_id for action in actions if action.kind != "assign_owner"}
    updated = accounts & {update.account_id for update in updates}
    return [
        _share_metric(
            "process", "critical_owned", "Critical accounts reviewed and owned", owned, len(critical), "100 %",
            owned == len(critical),
        ),
        _share_metric(
            "process", "actions_dated", "Actions with a named owner and a date", dated, len(actions), "100 %",
            dated == len(actions),
        ),
        _share_metric(
            "process", "crm_updated", "Approved accounts with CRM updates on the same day", len(updated), len(accounts),
            "100 %", len(updated) == len(accounts),
        ),
        _days_to_action(past, done, settings.targets.days_to_action.value),
        _late_first_touches(done),
    ]  # fmt: skip


def _days_to_action(past: ReviewHistory, done: Sequence[Commitment], target: float) -> Metric:
    first: dict[str, date] = {}
    for item in done:
        if item.done_on is not None:
            first[item.account_id] = min(first.get(item.account_id, item.done_on), item.done_on)
    days = [(on - past.first_found[account]).days for account, on in first.items() if account in past.first_found]
    mean = sum(days) / len(days) if days else None
    return Metric(
        id="days_to_action",
        kind="process",
        label="Days from risk found to first action",
        value=round(mean, 2) if mean is not None else None,
        shown=f"{mean:.1f} days" if mean is not None else "not known yet",
        target=f"under {target:g} days",
        met=mean < target if mean is not None else None,
        count=len(days),
        low=None,
        high=None,
        note="" if days else "No action of an earlier review is done yet.",
    )


def _late_first_touches(done: Sequence[Commitment]) -> Metric:
    """Share of accounts whose first action that was due was late, missed or done late."""
    first: dict[str, Commitment] = {}
    for item in sorted(done, key=lambda item: (item.due, item.action_id)):
        if item.status in ("done", "done_late", "late", "missed"):
            first.setdefault(item.account_id, item)
    late = sum(1 for item in first.values() if item.status != "done")
    return _share_metric(
        "process", "late_first_touch", "First touches that came late", late, len(first), "falling", None,
        "The first action of each account of earlier reviews that was due by now.",
    )  # fmt: skip


def outcome_metrics(past: ReviewHistory, settings: ReviewSettings) -> list[Metric]:
    """Figures of what became of accounts that were at risk."""
    known = [past.outcomes[account] for account in past.first_found if account in past.outcomes]
    gone = sum(1 for kind in known if kind == "churned")
    kept = len(known) - gone
    least, most = settings.targets.kept.value, settings.targets.churn_at_risk.value
    return [
        _share_metric(
            "outcome", "kept", "Accounts at risk that were kept", kept, len(known), f"{least * 100:g} % or more",
            kept >= least * len(known),
        ),
        _share_metric(
            "outcome", "churn_at_risk", "Churn among accounts at risk", gone, len(known), f"under {most * 100:g} %",
            gone < most * len(known),
        ),
        _health_regained(past, settings),
        _forecast(past.forecast),
    ]  # fmt: skip


def _health_regained(past: ReviewHistory, settings: ReviewSettings) -> Metric:
    regained = [
        now - then
        for account, then in past.health_at_approval.items()
        if then is not None and (now := past.health_now.get(account)) is not None
    ]
    mean = sum(regained) / len(regained) if regained else None
    gain, days = settings.targets.health_regained.value, f"{settings.regain_after_days.value:g}"
    return Metric(
        id="health_regained",
        kind="outcome",
        label=f"Health regained in {days} days after a play",
        value=round(mean, 2) if mean is not None else None,
        shown=f"{mean:+.1f} points" if mean is not None else "not known yet",
        target=f"{gain:+g} points",
        met=mean >= gain if mean is not None else None,
        count=len(regained),
        low=None,
        high=None,
        note="" if regained else f"No play is {days} days old yet.",
    )


def _forecast(passed: PassedForecast | None) -> Metric:
    """Losses that the chances of leaving forecast, beside those seen within the same time among the same accounts."""
    expected = sum(passed.chances) if passed else None
    spread = math.sqrt(sum(p * (1 - p) for p in passed.chances)) if passed else 0.0
    low, high = (
        (max((expected or 0.0) - _Z80 * spread, 0.0), (expected or 0.0) + _Z80 * spread) if passed else (None, None)
    )
    return Metric(
        id="forecast",
        kind="outcome",
        label="Losses forecast against losses seen",
        value=round(expected, 4) if expected is not None else None,
        shown=f"{expected:.1f} forecast, {passed.lost} seen" if passed else "not known yet",
        target=f"{low:.1f} to {high:.1f}" if low is not None and high is not None else "within the interval of chance",
        met=low <= passed.lost <= high if passed and low is not None and high is not None else None,
        count=len(passed.chances) if passed else 0,
        low=None,
        high=None,
        note=f"Accounts at risk in {passed.review_id}, within {passed.weeks} weeks; 80 % of such counts are in the target."
        if passed
        else "No earlier review is old enough: its forecast is for the weeks after it.",
    )


def rates_by_cause(records: Mapping[str, SaveRecord], labels: Mapping[str, str]) -> list[Metric]:
    """The save rate of each cause, also of those without a case. ``labels``: cause to its name."""
    return [_save_rate(cause, label, records.get(cause, SaveRecord())) for cause, label in labels.items()]


def rates_by_step(records: Mapping[str, SaveRecord], titles: Mapping[str, str]) -> list[Metric]:
    """The save rate of the plays in which a step was done, most cases first. ``titles``: step to its title in the library."""
    rates = [_save_rate(step, _plain_title(titles[step]), each) for step, each in records.items() if step in titles]
    return sorted(rates, key=lambda rate: (-rate.count, -(rate.value or 0.0), rate.label))


def _save_rate(name: str, label: str, record: SaveRecord) -> Metric:
    cases = record.saved + record.lost
    return _share_metric("outcome", f"save_rate_{name}", f"Save rate: {label}", record.saved, cases, "rising", None)


def _plain_title(title: str) -> str:
    """The title of a step for any account: a word in each open place."""
    return _PLACE.sub(lambda place: _PLACE_WORDS.get(place[1], place[1].replace("_", " ")), title)


def build_metrics(
    figures: Sequence[Metric], by_cause: Sequence[Metric], by_step: Sequence[Metric], calibrated: bool
) -> Metrics:
    """All figures, and the save rates."""
    note = (
        "" if calibrated else "Chances of leaving are estimates until they have been checked against your own renewals."
    )
    return Metrics(figures=tuple(figures), save_rates=tuple(by_cause), save_rates_by_step=tuple(by_step), note=note)
