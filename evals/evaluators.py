"""Questions about the product's conclusions on an account, one small class each.

Each decides if it applies to a case, if the answer is right, and explains expected and actual answer in words.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from domain.plan import TBD
from domain.playbook import SPOKEN_CHANNELS
from domain.save_play import SavePlay
from evals.agent_outputs import AgentOutput, play_text
from evals.cases import AccountCase
from evals.engine import Question, Verdict
from evals.recount import recount_signals
from tools.evidence.causes import UNDETERMINED

FIRST_TOUCH_LIMITS = {"critical": 2, "high": 7, "medium": 28, "watch": 90, "none": 90}
"""Latest first conversation by tier, in days after the review. Copied from the definitions, not from the product."""
FORBIDDEN_WORDS = ("checking in", "health score", "risk score", "churn probability", "save play")
"""Words that no action visible to a customer may contain."""


def _accepts(wanted: Sequence[str], got: str) -> Verdict:
    return got in wanted, f"expected {' or '.join(wanted)}, got {got}"


class HealthBandRight(Question):
    """The health band is accepted."""

    figure_name, description = "band", "a leader accepts the health band"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.health_band)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.health_band, got.dossier.health_band)


class AtRiskListed(Question):
    """The account is on the at-risk list exactly when expected."""

    figure_name, description = (
        "at_risk",
        "the account is on the at-risk list exactly when a leader expects it",
    )

    def applies(self, case: AccountCase) -> bool:
        return case.expect.at_risk is not None

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        words = {True: "at risk", False: "not at risk"}
        right = got.dossier.at_risk == case.expect.at_risk
        return right, f"expected {words[bool(case.expect.at_risk)]}, got {words[got.dossier.at_risk]}"


class RiskLevel(Question):
    """The risk tier is accepted."""

    figure_name, description = "risk_tier", "a leader accepts the risk tier"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.risk_tier)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.risk_tier, got.dossier.risk_tier)


class Tier(Question):
    """The intervention tier is accepted."""

    figure_name, description = "tier", "the intervention tier follows the written rules"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.tier)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.tier, got.tier)


class PrimaryAction(Question):
    """The primary action of the plan contains an expected word."""

    figure_name, description = "action", "the primary action of the plan fits the strongest reason"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.action)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        action = got.line.action if got.line else "nothing planned"
        right = any(word.lower() in action.lower() for word in case.expect.action)
        return right, f"expected {' or '.join(case.expect.action)}, got “{action}”"


class Cause(Question):
    """A named cause is accepted; where none is named, one of the two that are asked about is."""

    figure_name, description = (
        "cause",
        "a leader accepts the cause, or one of the two that an undetermined play asks about",
    )

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.cause)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        accepted = (*case.expect.cause, *case.expect.cause_second)
        if got.finding.category in accepted or not got.finding.candidates:
            return _accepts(accepted, got.finding.category)
        found = set(accepted) & set(got.finding.candidates)
        return bool(found), f"expected {' or '.join(accepted)}, got {got.finding.label}"


class CauseInTopTwo(Question):
    """The first cause or the runner-up is accepted."""

    figure_name, description = "cause_in_two", "a leader accepts the first cause or the runner-up"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.cause)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        two = [name for name in (got.finding.category, got.finding.runner_up, *got.finding.candidates) if name]
        accepted = (*case.expect.cause, *case.expect.cause_second)
        return bool(set(accepted) & set(two)), f"expected {' or '.join(accepted)}, got {', '.join(two)}"


class Pillar(Question):
    """The pillar that dropped is accepted."""

    figure_name, description = "pillar", "a leader accepts the pillar that dropped"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.pillar)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.pillar, got.finding.pillar)


class Difficulty(Question):
    """The recovery difficulty is accepted."""

    figure_name, description = "difficulty", "a leader accepts the recovery difficulty"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.difficulty)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.difficulty, got.finding.difficulty)


class PlayIncludes(Question):
    """The play contains every required word."""

    figure_name, description = "play_has", "the play contains what a leader requires"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.play_has)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        text = play_text(got.play).lower()
        missing = [words for words in case.expect.play_has if not any(word.lower() in text for word in words)]
        return not missing, "; ".join(
            f"nothing about {' or '.join(words)}" for words in missing
        ) or "everything is there"


class PlayExcludes(Question):
    """The play contains no word that the case forbids, and customers see no internal word."""

    figure_name, description = (
        "play_lacks",
        "the play contains nothing that a leader forbids, and nothing internal in its words to the customer",
    )

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        text = play_text(got.play).lower()
        heard = " ".join(f"{a.title} {a.action}" for a in got.actions if a.customer_facing).lower()
        found = [word for word in case.expect.play_lacks if word.lower() in text]
        found += [word for word in FORBIDDEN_WORDS if word in f"{heard} {got.play.opening.lower()}"]
        return not found, "; ".join(f"it contains “{word}”" for word in found) or "nothing forbidden"


class ActionsFitCause(Question):
    """All actions come from the playbook of one accepted cause, or from a situation."""

    figure_name, description = (
        "plan_fits_cause",
        "every action comes from the playbook of an accepted cause or from a situation",
    )

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.cause)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        accepted = {*case.expect.cause, *case.expect.cause_second}
        if got.play.cause not in accepted | ({UNDETERMINED} if accepted & set(got.finding.candidates) else set()):
            return False, f"a play for {got.play.cause}"
        own = {action.id.split("-", 1)[0] for action in got.actions if action.id not in got.situation_actions}
        possible = [ACTION_PREFIXES.get(cause) for cause in (got.play.cause, *got.finding.candidates)]
        prefixes = {prefix for prefix in possible if prefix}  # a cause that a team added has none
        return (own <= prefixes if prefixes else len(own) == 1), f"actions of {', '.join(sorted(own))}"


ACTION_PREFIXES = {
    "product_fit": "pf", "value_gap": "vg", "service_failure": "sf", "relationship_erosion": "re",
    "competitive_displacement": "cd", "commercial_friction": "cf", "customer_side_change": "cc", "undetermined": "dx",
}  # fmt: skip
"""First part of the action ids, by cause. A copy, so that a playbook under a wrong cause is noticed."""


class DatesValid(Question):
    """Dates are weekdays in the order of the phases, and the first conversation is in time."""

    figure_name, description = (
        "dates",
        "dates are weekdays in the order of the phases; the first conversation is in the tier's time limit",
    )

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        wrong = [f"{action.title} on {action.due}" for action in got.actions if action.due.weekday() > 4]
        phases = [[action.due for action in phase.actions] for phase in got.play.phases]
        wrong += [f"{action.due} before the review" for action in got.actions if action.due < case.as_of]
        if [min(days) for days in phases] != sorted(min(days) for days in phases):
            wrong.append("a later phase begins before an earlier one")
        first = _first_touch(got.play)
        latest = case.as_of + timedelta(days=FIRST_TOUCH_LIMITS[got.tier])
        if first is None or first > latest:
            wrong.append(f"first conversation on {first}, at the latest {latest}")
        return not wrong, "; ".join(wrong[:3]) or "all dates are valid"


def _first_touch(play: SavePlay) -> date | None:
    spoken = [a.due for phase in play.phases for a in phase.actions if a.channel in SPOKEN_CHANNELS]
    return min(spoken, default=None)


class OwnersValid(Question):
    """Every owner exists and has the role that the action asks for."""

    figure_name, description = "owners", "each action has one of our people as owner, with the required role"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        wrong = []
        for action in got.actions:
            person = got.people.get(action.owner_id or "")
            if person is None and (action.owner != TBD or case.account.owner):
                wrong.append(f"{action.title}: {action.owner} is not one of our people")
            elif person is not None and person.name != action.owner:
                wrong.append(f"{action.title}: {action.owner} is not {person.person_id}")
            elif person is not None and person.role != action.owner_role:
                wrong.append(f"{action.title}: {person.role} instead of {action.owner_role}")
        return not wrong, "; ".join(wrong[:3]) or "all of them"


class EvidenceCorrect(Question):
    """The cited values equal an independent count of the rows (tolerance 0.06)."""

    figure_name, description = "evidence_true", "cited values equal an independent count of the case's rows"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        counts = recount_signals(got.rows, case.as_of)
        wrong = [
            f"{fact.signal} is {fact.value}, counted {counts[fact.signal]:g}"
            for fact in got.play.evidence
            if fact.signal in counts and fact.value is not None and abs(fact.value - counts[fact.signal]) > 0.06
        ]
        return not wrong, "; ".join(wrong[:3]) or f"{sum(f.signal in counts for f in got.play.evidence)} facts counted"


class EvidenceCited(Question):
    """Every action cites evidence of the play, when the play has any."""

    figure_name, description = "evidence_cited", "each action cites evidence that the play shows"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        known = {fact.id for fact in got.play.evidence}
        wrong = [a.title for a in got.actions if known and (not a.evidence or not set(a.evidence) <= known)]
        return not wrong, "; ".join(wrong[:3]) or "all of them"


class PlayComplete(Question):
    """The play has every part of the template."""

    figure_name, description = (
        "complete",
        "the play has three phases of three actions, success and walk-away criteria, a cadence, and is verified",
    )

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        play, lacks = got.play, []
        if not play.verified or play.violations:
            lacks.append("it is not verified")
        if [phase.phase for phase in play.phases] != ["stabilise", "address", "rebuild"]:
            lacks.append("the three phases")
        lacks += [f"three actions in {phase.phase}" for phase in play.phases if len(phase.actions) < 3]
        if len(play.success_criteria) < 4:
            lacks.append("four success criteria")
        if len(play.walk_away) < 2:
            lacks.append("walk-away criteria")
        if not case.as_of < play.cadence.next_check < play.cadence.decision_point:
            lacks.append("a cadence")
        return not lacks, f"missing: {', '.join(lacks)}" if lacks else "complete"


QUESTIONS: tuple[Question, ...] = (
    HealthBandRight(), AtRiskListed(), RiskLevel(), Tier(), PrimaryAction(), Cause(), CauseInTopTwo(), Pillar(), Difficulty(), PlayIncludes(),
    PlayExcludes(), ActionsFitCause(), DatesValid(), OwnersValid(), EvidenceCorrect(), EvidenceCited(), PlayComplete(),
)  # fmt: skip
