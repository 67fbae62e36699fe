"""The play drafter: turns a cause into a plan for one account, from the playbook library.

It chooses and fills in; it invents nothing. People decide on what it drafts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from domain.configuration import Configuration
from domain.dossier import Dossier, Person
from domain.playbook import PHASES, Criterion, Phase, Playbook, PlaybookAction, PlayTier
from domain.review import (
    Cadence,
    CauseFinding,
    Evidence,
    PlayPhase,
    SavePlay,
    SuccessCriterion,
    WalkAwayCriterion,
)
from tools.calendar import WorkingDays
from tools.causes import UNDETERMINED
from tools.money import Record, expected_value
from tools.plays import (
    TBD,
    Team,
    adverse,
    choose,
    concessions,
    pace,
    phase_of,
    play_action,
    slots,
    team_of,
    version_of,
)
from tools.verification import verify

DRAFTER_NOTE = "Save plays are drafted from the playbook library; no language model is configured."


@dataclass(frozen=True)
class PlayDrafter:
    """Drafts from the playbook library. ``records`` are the known outcomes of earlier plays by cause."""

    configuration: Configuration
    calendar: WorkingDays
    people: Mapping[str, Person]
    records: Mapping[str, Record]

    def draft(self, dossier: Dossier, finding: CauseFinding, created: date) -> SavePlay:
        """A complete, verified play for one account."""
        name = finding.category if finding.category != UNDETERMINED else "diagnosis"
        playbook = self.configuration.playbooks[name]
        tier: PlayTier = dossier.intervention_tier if dossier.intervention_tier in ("critical", "high") else "medium"
        chosen = choose(playbook, tier, finding.difficulty, adverse(dossier))
        return self.assemble(dossier, finding, created, playbook, chosen, created)

    def assemble(
        self,
        dossier: Dossier,
        finding: CauseFinding,
        created: date,
        playbook: Playbook,
        chosen: Mapping[Phase, list[PlaybookAction]],
        today: date,
    ) -> SavePlay:
        """The play made of the chosen actions; ``created`` lies before ``today`` when it goes on."""
        team = team_of(dossier, self.people)
        words = slots(dossier, team, playbook.cause)
        speed = pace(dossier.renewal_in_days)
        phases = tuple(
            self._phase(phase, chosen[phase], dossier, finding, team, words, created, speed) for phase in PHASES
        )
        actions = [action for phase in PHASES for action in chosen[phase]]
        csm = team.by_role.get("csm")
        play = SavePlay(
            account_id=dossier.account_id,
            name=dossier.name,
            arr=dossier.arr,
            currency=self.configuration.scoring.money.home,
            contract_arr=dossier.contract_arr,
            contract_currency=dossier.contract_currency,
            risk_level=dossier.risk_tier,
            intervention_tier=dossier.intervention_tier or "medium",
            renewal_date=dossier.renewal_date,
            renewal_in_days=dossier.renewal_in_days,
            created=created,
            owner=csm.name if csm else TBD,
            owner_id=csm.person_id if csm else None,
            drafted_by="playbook",
            drafted_note=f"From the playbook “{playbook.label}”.",
            verified=False,
            violations=(),
            cause=finding.category,
            cause_label=finding.label,
            root_cause=_root_cause(finding),
            questions=(finding.would_tell_apart, *playbook.questions),
            evidence=_cited(dossier, phases, finding),
            phases=phases,
            success_criteria=self._success(playbook, dossier, words, created, speed),
            walk_away=tuple(
                WalkAwayCriterion(
                    when=item.when.format_map(words),
                    exit=item.exit.format_map(words),
                    way_back=item.way_back.format_map(words),
                )
                for item in playbook.walk_away
            ),
            cadence=self._cadence(dossier, created, today),
            escalation=_escalation(dossier, team, finding),
            expected_value=expected_value(
                dossier.arr,
                dossier.churn_probability,
                finding.difficulty,
                sum(action.effort_hours for action in actions),
                concessions(actions, dossier.arr, self.configuration.review),
                self.records.get(finding.category, Record()),
                self.configuration.review,
            ),
            version="",
            status="proposed",
        )
        violations = verify(play, playbook, self.people, self.calendar)
        play = play.model_copy(update={"violations": violations, "verified": not violations})
        return play.model_copy(update={"version": version_of(play)})

    def _phase(
        self,
        phase: Phase,
        actions: list[PlaybookAction],
        dossier: Dossier,
        finding: CauseFinding,
        team: Team,
        words: Mapping[str, str],
        created: date,
        speed: float,
    ) -> PlayPhase:
        lines = [
            play_action(action, phase, dossier, finding, team, words, created, self.calendar) for action in actions
        ]
        return phase_of(phase, lines, created, speed)

    def _success(
        self, playbook: Playbook, dossier: Dossier, words: Mapping[str, str], created: date, speed: float
    ) -> tuple[SuccessCriterion, ...]:
        found = [self._criterion(item, dossier, words, created, speed) for item in playbook.success]
        return tuple(sorted(found, key=lambda item: (item.by, item.name)))

    def _criterion(
        self, item: Criterion, dossier: Dossier, words: Mapping[str, str], created: date, speed: float
    ) -> SuccessCriterion:
        days = item.week * 7 - 1 if item.week == 1 else round(7 + (item.week * 7 - 8) * speed)
        by = max(self.calendar.on_or_before(created + timedelta(days=days)), self.calendar.on_or_after(created))
        target = item.target.format_map(words)
        if "health" in item.name.lower():
            target = f"{target} ({self._health_target(dossier)})"
        return SuccessCriterion(
            name=item.name, metric=item.metric.format_map(words), target=target, by=by, week=item.week
        )

    def _health_target(self, dossier: Dossier) -> str:
        floors = [band.starts_at for band in self.configuration.scoring.health_bands]
        if dossier.health is None:
            return f"at least {floors[1]:.0f} of 100 once enough is known; not scored today"
        goal = next((floor for floor in floors if floor > dossier.health), 100.0)
        goal = (
            max(goal, min(dossier.health + 15, 100.0))
            if dossier.health < floors[-1]
            else max(dossier.health, goal - 15)
        )
        return f"at least {goal:.0f} of 100, from {dossier.health:.0f} today; high is good"

    def _cadence(self, dossier: Dossier, created: date, today: date) -> Cadence:
        settings, days = self.configuration.review, self.calendar
        decision = created + timedelta(days=int(settings.decision_week.value) * 7 - 3)
        note = f"Weekly touch with {dossier.name} until health is back in its band."
        left = dossier.renewal_in_days
        if dossier.renewal_date is not None and left is not None and 0 <= left < 49:
            decision = max(dossier.renewal_date - timedelta(days=7), today + timedelta(days=2))
            note += " The decision point is drawn forward because the renewal is near."
        review = created + timedelta(days=int(settings.manager_review_week.value) * 7 - 4)
        decision = days.on_or_before(decision) if days.on_or_before(decision) > today else days.plus(today, 2)
        while review < today:
            review += timedelta(days=14)
        return Cadence(
            weekly_check=settings.weekly_check.capitalize(),
            next_check=days.weekday_from(settings.weekly_check, today + timedelta(days=1)),
            manager_review=min(days.on_or_after(review), decision),
            decision_point=decision,
            note=note,
        )


def _cited(dossier: Dossier, phases: tuple[PlayPhase, ...], finding: CauseFinding) -> tuple[Evidence, ...]:
    """What speaks against the account, and whatever the plan cites besides."""
    named = {fact for phase in phases for action in phase.actions for fact in action.evidence} | set(finding.evidence)
    return tuple(fact for fact in dossier.evidence if fact.direction == "worse" or fact.id in named)


def _root_cause(finding: CauseFinding) -> str:
    text = f"{finding.reasoning} Confidence: {finding.confidence}."
    if finding.runner_up_label and finding.category != UNDETERMINED:
        text += f" Runner-up: {finding.runner_up_label}."
    return text


def _escalation(dossier: Dossier, team: Team, finding: CauseFinding) -> tuple[str, ...]:
    """When to involve whom."""
    steps = []
    if dossier.intervention_tier == "critical":
        steps.append(
            f"At once: {team.name('exec_sponsor')} speaks with their executive; {team.name('cs_manager')} is informed."
        )
    else:
        steps.append(f"No answer to two attempts on two channels: {team.name('cs_manager')} calls.")
    if finding.category == "product_fit":
        steps.append(
            f"Gap confirmed as blocking: {team.name('product')} answers with a date or an honest no within a week."
        )
    if finding.category == "service_failure":
        steps.append(
            f"A promised fix date slips: {team.name('support_lead')} and {team.name('exec_sponsor')} call the same day."
        )
    if finding.category == "commercial_friction":
        steps.append(
            f"A concession above the owner's authority: {team.name('cs_manager')} decides before it is offered."
        )
    steps.append(f"Two weekly checks without movement: {team.name('exec_sponsor')} takes the next conversation.")
    return tuple(steps)
