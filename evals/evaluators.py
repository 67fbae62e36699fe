"""One small class per question that a judge would ask about what was concluded on an account.

Each says whether it applies to a case and, if so, whether the answer is right and what was got instead.
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

FIRST_TOUCH_LIMITS = {"critical": 2, "high": 7, "medium": 28, "watch": 90, "none": 90}
"""Days within which the first conversation takes place, by tier; from the written definitions."""
FORBIDDEN_WORDS = ("checking in", "health score", "risk score", "churn probability", "save play")
"""Words that no action that a customer sees may hold."""


def _accepts(wanted: Sequence[str], got: str) -> Verdict:
    return got in wanted, f"expected {' or '.join(wanted)}, got {got}"


class HealthBandRight(Question):
    """Health band."""

    asks, says = "band", "the health band is one that a leader accepts"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.health_band)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.health_band, got.dossier.health_band)


class AtRiskListed(Question):
    """On the list or not."""

    asks, says = "at_risk", "the account is on the at-risk list when it should be, and not when it should not"

    def applies(self, case: AccountCase) -> bool:
        return case.expect.at_risk is not None

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        words = {True: "at risk", False: "not at risk"}
        right = got.dossier.at_risk == case.expect.at_risk
        return right, f"expected {words[bool(case.expect.at_risk)]}, got {words[got.dossier.at_risk]}"


class RiskLevel(Question):
    """Risk tier by score."""

    asks, says = "risk_tier", "the risk tier is one that a leader accepts"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.risk_tier)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.risk_tier, got.dossier.risk_tier)


class Tier(Question):
    """Intervention tier."""

    asks, says = "tier", "the intervention tier follows the written rules"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.tier)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.tier, got.tier)


class PrimaryAction(Question):
    """First action of the intervention plan."""

    asks, says = "action", "the primary action of the plan fits the strongest reason"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.action)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        action = got.line.action if got.line else "nothing planned"
        right = any(word.lower() in action.lower() for word in case.expect.action)
        return right, f"expected {' or '.join(case.expect.action)}, got “{action}”"


class Cause(Question):
    """Cause in first place."""

    asks, says = "cause", "the first cause is the leader's, or one they accept"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.cause)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts((*case.expect.cause, *case.expect.cause_second), got.finding.category)


class CauseInTopTwo(Question):
    """Cause among the first two."""

    asks, says = "cause_in_two", "a cause that the leader accepts is the first or the runner-up"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.cause)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        two = [name for name in (got.finding.category, got.finding.runner_up) if name]
        accepted = (*case.expect.cause, *case.expect.cause_second)
        return bool(set(accepted) & set(two)), f"expected {' or '.join(accepted)}, got {', '.join(two)}"


class Pillar(Question):
    """Pillar that dropped."""

    asks, says = "pillar", "the pillar that carries the trouble"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.pillar)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.pillar, got.finding.pillar)


class Difficulty(Question):
    """How hard the recovery is."""

    asks, says = "difficulty", "recovery difficulty as a leader would put it"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.difficulty)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        return _accepts(case.expect.difficulty, got.finding.difficulty)


class PlayIncludes(Question):
    """What must be in the plan."""

    asks, says = "play_has", "the play holds what a leader would insist on"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.play_has)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        text = play_text(got.play).lower()
        missing = [words for words in case.expect.play_has if not any(word.lower() in text for word in words)]
        return not missing, "; ".join(f"nothing about {' or '.join(words)}" for words in missing) or "all there"


class PlayExcludes(Question):
    """What must not be in it: per case, and words that customers never see."""

    asks, says = "play_lacks", "nothing in the play that a leader forbids; nothing internal where the customer hears it"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        text = play_text(got.play).lower()
        heard = " ".join(f"{a.title} {a.action}" for a in got.actions if a.customer_facing).lower()
        found = [word for word in case.expect.play_lacks if word.lower() in text]
        found += [word for word in FORBIDDEN_WORDS if word in f"{heard} {got.play.opening.lower()}"]
        return not found, "; ".join(f"it says “{word}”" for word in found) or "none of it"


class ActionsFitCause(Question):
    """Actions of the cause's own library, and of a cause the leader accepts."""

    asks, says = "plan_fits_cause", "every action comes from the playbook of an accepted cause"

    def applies(self, case: AccountCase) -> bool:
        return bool(case.expect.cause)

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        accepted = {*case.expect.cause, *case.expect.cause_second}
        if got.play.cause not in accepted:
            return False, f"a play for {got.play.cause}"
        own = {action.id.split("-", 1)[0] for action in got.actions}
        return own == {ACTION_PREFIXES[got.play.cause]}, f"actions of {', '.join(sorted(own))}"


ACTION_PREFIXES = {
    "product_fit": "pf", "value_gap": "vg", "service_failure": "sf", "relationship_erosion": "re",
    "competitive_displacement": "cd", "commercial_friction": "cf", "customer_side_change": "cc", "undetermined": "dx",
}  # fmt: skip
"""How the ids of a cause's actions begin; kept here so that a library under a wrong cause is noticed."""


class DatesValid(Question):
    """Working days, in order, first touch in time."""

    asks, says = "dates", "dates lie on weekdays, in order of the phases, the first conversation within the tier's time"

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
        return not wrong, "; ".join(wrong[:3]) or "all legal"


def _first_touch(play: SavePlay) -> date | None:
    spoken = [a.due for phase in play.phases for a in phase.actions if a.channel in SPOKEN_CHANNELS]
    return min(spoken, default=None)


class OwnersValid(Question):
    """Owners exist and have the role."""

    asks, says = "owners", "each action has an owner of ours with the role that it asks for"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        wrong = []
        for action in got.actions:
            person = got.people.get(action.owner_id or "")
            if person is None and (action.owner != TBD or case.account.owner):
                wrong.append(f"{action.title}: {action.owner} is nobody of ours")
            elif person is not None and person.name != action.owner:
                wrong.append(f"{action.title}: {action.owner} is not {person.person_id}")
            elif person is not None and person.role != action.owner_role:
                wrong.append(f"{action.title}: {person.role} instead of {action.owner_role}")
        return not wrong, "; ".join(wrong[:3]) or "all of them"


class EvidenceCorrect(Question):
    """Cited evidence, counted again from the rows."""

    asks, says = "evidence_true", "what is cited is so: counted again from the fixture's rows"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        counts = recount_signals(got.rows, case.as_of)
        wrong = [
            f"{fact.signal} is {fact.value}, counted {counts[fact.signal]:g}"
            for fact in got.play.evidence
            if fact.signal in counts and fact.value is not None and abs(fact.value - counts[fact.signal]) > 0.06
        ]
        return not wrong, "; ".join(wrong[:3]) or f"{sum(f.signal in counts for f in got.play.evidence)} facts counted"


class EvidenceCited(Question):
    """Every action cites evidence that the play holds."""

    asks, says = "evidence_cited", "each action cites evidence that the play shows"

    def verdict(self, case: AccountCase, got: AgentOutput) -> Verdict:
        known = {fact.id for fact in got.play.evidence}
        wrong = [a.title for a in got.actions if known and (not a.evidence or not set(a.evidence) <= known)]
        return not wrong, "; ".join(wrong[:3]) or "all of them"


class PlayComplete(Question):
    """The template is filled."""

    asks, says = "complete", "three phases of three actions, success and walk-away criteria, cadence, a verified plan"

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
        return not lacks, f"lacks {', '.join(lacks)}" if lacks else "complete"


QUESTIONS: tuple[Question, ...] = (
    HealthBandRight(), AtRiskListed(), RiskLevel(), Tier(), PrimaryAction(), Cause(), CauseInTopTwo(), Pillar(), Difficulty(), PlayIncludes(),
    PlayExcludes(), ActionsFitCause(), DatesValid(), OwnersValid(), EvidenceCorrect(), EvidenceCited(), PlayComplete(),
)  # fmt: skip
