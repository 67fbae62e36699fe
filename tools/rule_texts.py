"""Rules in words: the numbers in the texts of tiers.yaml and review.yaml come from the rules themselves.

Pure. A text names a number by a placeholder, so that a changed number is said: ``{invoice_overdue}`` is the number that the
rule compares the signal with, ``{ticket_spike_times}`` the same as "twice", ``{days_silent_span}`` as "two weeks", and
``{escalations_window}`` how many days the signal looks back. Some texts have further ones; an unknown one is refused.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from domain.errors import ConfigurationError
from domain.score_configuration import RuleCondition, ScoringSettings, TierSettings

if TYPE_CHECKING:
    from domain.configuration import ReviewProfile, ReviewSettings

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_FORMATTED = re.compile(r"{[^{}]*[:!.\[]")


def state_tier_numbers(tiers: TierSettings, windows: Mapping[str, int]) -> TierSettings:
    """The tiers with the numbers in their texts. Raises ConfigurationError for an unknown placeholder."""
    rules = tuple(
        rule.model_copy(
            update={
                "says": _filled(
                    rule.says, _stated((*rule.when, *rule.at_risk_when), windows), f"tiers.yaml: {rule.id}: says"
                )
            }
        )
        for rule in tiers.rules
    )
    due = {
        tier: deadline.model_copy(
            update={"says": _filled(deadline.says, _day_words("", deadline.days), f"tiers.yaml: due.{tier}: says")}
        )
        for tier, deadline in tiers.due.items()
    }
    return tiers.model_copy(update={"rules": rules, "due": due})


def state_review_numbers(
    review: "ReviewSettings", tiers: TierSettings, scoring: ScoringSettings, windows: Mapping[str, int]
) -> "ReviewSettings":
    """The review's settings with the numbers in their texts. Raises ConfigurationError for an unknown placeholder."""
    common = {"degradation_points": _number(scoring.degradation_points.value)}
    for tier, deadline in tiers.due.items():
        common |= _day_words(f"{tier}_", deadline.days)
    workflow = []
    for rule in review.workflow:
        values, where = common | _stated(rule.when, windows), f"review.yaml: workflow: {rule.id}"
        texts = {"state": _filled(rule.state, values, where), "task": _filled(rule.task, values, where)}
        workflow.append(rule.model_copy(update=texts))
    following = [profile.above_accounts for profile in review.profiles[1:]]
    profiles = tuple(
        _with_note(profile, after) for profile, after in zip(review.profiles, [*following, None], strict=True)
    )
    return review.model_copy(update={"workflow": tuple(workflow), "profiles": profiles})


def _with_note(profile: "ReviewProfile", following: int | None) -> "ReviewProfile":
    """The profile with its note: ``{from}`` and ``{under}`` accounts, ``{over}`` and ``{up_to}`` one less of each."""
    values = {"from": str(profile.above_accounts), "over": str(profile.above_accounts - 1)}
    values |= {"under": str(following), "up_to": str(following - 1)} if following is not None else {}
    values |= {"meeting_scope": str(profile.meeting_scope)}
    return profile.model_copy(
        update={"note": _filled(profile.note, values, f"review.yaml: profiles: {profile.id}: note")}
    )


def _stated(conditions: Iterable[RuleCondition], windows: Mapping[str, int]) -> dict[str, str]:
    """Values for the placeholders of some conditions."""
    found = {}
    for each in conditions:
        compared = next(x for x in (each.at_least, each.at_most, each.above, each.below) if x is not None)
        found[each.signal] = _number(compared)
        found[f"{each.signal}_times"] = _times(compared)
        found[f"{each.signal}_span"] = _span(compared)
        window = windows.get(each.signal)
        if window is not None:
            found[f"{each.signal}_window"] = str(window)
    return found


def _day_words(prefix: str, days: int) -> dict[str, str]:
    return {f"{prefix}days": str(days), f"{prefix}hours": str(days * 24), f"{prefix}span": _span(days)}


def _span(days: float) -> str:
    """Days as people say them: "one week", "two weeks", "9 days"."""
    weeks, rest = divmod(abs(days), 7)
    if rest or not 1 <= weeks <= 10:
        return f"{_number(days)} {'day' if abs(days) == 1 else 'days'}"
    return f"{_NUMBERS[int(weeks)]} {'week' if weeks == 1 else 'weeks'}"


def _times(count: float) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{_number(count)} times"


def _number(value: float) -> str:
    """Without a sign: the sentence says which way."""
    return f"{abs(value):.10g}"


def _filled(text: str, values: Mapping[str, str], where: str) -> str:
    try:
        if _FORMATTED.search(text):
            raise ValueError("only a name may be in braces: a format could ask for gigabytes")
        return text.format_map(values)
    except KeyError as error:
        known = ", ".join(sorted(values))
        raise ConfigurationError(
            f"configuration: {where}: unknown placeholder {{{error.args[0]}}}; known: {known}"
        ) from None
    except (ValueError, IndexError, AttributeError):
        raise ConfigurationError(
            f"configuration: {where}: a brace without its partner, or without a name in it"
        ) from None
