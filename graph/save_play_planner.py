"""The save plays of one review: which accounts get one, which play already runs, what was drafted."""

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from agents.capacity_analyzer import free_hours_by_person
from agents.churn_predictor import profile_for
from agents.play_drafter import PlayDrafter, add_note, running_choices
from domain.configuration import Configuration
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier
from domain.facts import ContactFact, Fact, PromiseFact, QuotationFact, TicketFact
from domain.phase_results import DiagnoseResult, DraftResult, FreeHours, IdentifyResult, RunningPlay
from domain.playbook import PHASES, PlaybookAction
from domain.questions import PlayRequest
from domain.running_play import PlayProgress
from domain.save_play import SavePlay
from graph.context import ReviewContext, ReviewState
from tools.ask.user_statements import excluded_actions
from tools.evidence.causes import UNDETERMINED, with_cause
from tools.evidence.fact_text import FactText
from tools.planning.running_play import PlayChange, WeekOfPlay, facts_of, play_progress
from tools.save_play.builder import playbook_choices
from tools.save_play.context import PlayContext
from tools.save_play.editing import edited_context
from tools.save_play.expected_value import SaveRecord, chance_to_work_on, save_probability
from tools.wording import format_short_day

FREE_HOURS = "free_hours"
"""Name under which the hours that people had left are stored."""


class SavePlayPlanner:
    """The play drafter with everything that it needs of one review and of the reviews before it."""

    def __init__(self, context: ReviewContext, state: ReviewState, identified: IdentifyResult) -> None:
        self.context, self.review_id, self._identified = context, identified.review_id, identified
        self.drafter = _play_drafter(context, identified)
        diagnosed = context.result(state, "diagnosed", DiagnoseResult)
        self.causes_by_account = {finding.account_id: finding for finding in diagnosed.causes}
        earlier = context.earlier_reviews(identified.as_of)
        self.running, self.done = earlier.running_plays(), earlier.completed_actions()
        self.play_requests: dict[str, PlayRequest] = {request.account_id: request for request in identified.proposals}
        self.deferrals = earlier.deferrals()
        self.deferred = {
            account: each
            for account, each in self.deferrals.items()
            if each.until > identified.as_of and account not in self.play_requests
        }
        """Plays that are not on the table today."""
        due = set(self.deferrals) - set(self.deferred)
        self._reasons: dict[str, str | None] = {}
        self.accounts = _accounts_with_play(
            context, identified, self.causes_by_account, {*self.running, *due}, self.deferred
        )

    @cached_property
    def dossiers(self) -> dict[str, Dossier]:
        """Every account that may get a play, by id; of one that somebody asked for, the dossier with those statements."""
        return {dossier.account_id: dossier for dossier in self._identified.all_dossiers}

    def to_draft(self) -> list[str]:
        """Accounts that need a new play, worst first."""
        return [dossier.account_id for dossier in self.accounts if self.existing_play(dossier) is None]

    def existing_play(self, dossier: Dossier) -> RunningPlay | None:
        """The play that runs for the account, if nothing calls for another one."""
        old = self.running.get(dossier.account_id)
        return old if old is not None and self.reason_for_change(dossier) is None else None

    def reason_for_change(self, dossier: Dossier) -> str | None:
        """Why another play is proposed than the one that runs: somebody asked, the cause moved, or a new situation holds."""
        account = dossier.account_id
        if account not in self._reasons:
            old = self.running.get(account)
            self._reasons[account] = self._find_reason(old, dossier) if old is not None else None
        return self._reasons[account]

    def _find_reason(self, old: RunningPlay, dossier: Dossier) -> str | None:
        request, finding = self.play_requests.get(dossier.account_id), self.causes_by_account[dossier.account_id]
        if request is not None:
            return f"{request.by} asked for another play on {format_short_day(request.on)}."
        words = FactText.of(dossier.facts, self._identified.incidents, self._identified.as_of)
        known_since_last_week = old.seen is not None and old.seen.cause_label == finding.label
        # Evidence that fades while a play works on it is no news about the cause; nor is a cause that people chose.
        still = (finding.category, old.edits.cause, *finding.candidates)
        if old.cause not in still and not known_since_last_week:
            moved = f"The cause moved from {self._cause_label(old.cause).lower()} to {finding.label.lower()}."
            news, strongest = _new_facts(old, dossier), _strongest(dossier, finding)
            return f"{moved} New: {words.sentence(news[0])}" if news else f"{moved} {strongest}".rstrip()
        if old.seen is None:
            return None
        context = self.drafter.play_context(dossier, self._finding_of(old, finding))
        offered = {action.id for phase in PHASES for action in context.usable(phase)} - _own_actions(old)
        for situation in context.situations:
            fact, adds = context.facts.first(situation.when), offered & {action.id for action in situation.actions}
            if situation.situation not in old.seen.situations and fact is not None and adds:
                return (
                    f"New: {situation.label[:1].lower()}{situation.label[1:]}. {words.sentence(_spoken(fact, dossier))}"
                )
        answered = self._answered_news(old, dossier, context)
        return f"New and decisive: {words.sentence(answered)}" if answered is not None else None

    def _answered_news(self, old: RunningPlay, dossier: Dossier, context: PlayContext) -> Fact | None:
        """A decisive fact since the last review that a play made today would answer with a step of its own."""
        news = {fact.id: fact for fact in _new_facts(old, dossier) if self._is_decisive(fact)}
        if not news:
            return None
        own = _own_actions(old)
        chosen = [choice.action.id for choices in playbook_choices(context).values() for choice in choices]
        steps = [context.steps[action] for action in chosen if action not in own]
        return next((news[fact] for step in steps if step for fact in facts_of(step) if fact in news), None)

    def _is_decisive(self, fact: Fact) -> bool:
        if isinstance(fact, QuotationFact):
            return fact.mode == "asserted" and fact.says in self.context.configuration.facts.quotations.decisive
        if isinstance(fact, TicketFact):
            return bool(fact.escalated and fact.open)
        return isinstance(fact, ContactFact) and fact.role in ("champion", "economic_buyer", "exec_sponsor")

    def _cause_label(self, cause: str) -> str:
        rule = self.context.configuration.causes.causes.get(cause)
        return rule.label if rule else UNDETERMINED.capitalize()

    def origins(self) -> dict[str, str]:
        """Account to the review in which its running play began."""
        found = ((dossier.account_id, self.existing_play(dossier)) for dossier in self.accounts)
        return {account: old.origin for account, old in found if old is not None}

    def play_context(self, dossier: Dossier) -> PlayContext:
        """Everything the account's play may use."""
        old, request = self.existing_play(dossier), self.play_requests.get(dossier.account_id)
        finding = self.causes_by_account[dossier.account_id]
        return self._context_of(dossier, self._finding_of(old, finding) if old else finding, old, request)

    def _context_of(
        self, dossier: Dossier, finding: CauseFinding, old: RunningPlay | None, request: PlayRequest | None
    ) -> PlayContext:
        tried = request.tried if request else ()
        context = self.drafter.play_context(
            dossier,
            finding,
            created=old.created if old else None,
            tried=[*tried, *self._titles_done(dossier.account_id)],
            excluded=excluded_actions(self.context.configuration, tried),
        )
        return edited_context(context, old.edits) if old else context

    def _titles_done(self, account_id: str) -> list[str]:
        """Titles of the playbook actions that are done for the account."""
        done = sorted(action for account, action in self.done if account == account_id)
        return [self._library[action].plain_title for action in done if action in self._library]

    @cached_property
    def _library(self) -> dict[str, PlaybookAction]:
        """The actions of playbooks and situations by id."""
        return {action.id: action for _, action in self.context.configuration.library}

    def plays(self) -> tuple[SavePlay, ...]:
        """The play of every account that gets one, worst account first."""
        return tuple(self.build_play(dossier) for dossier in self.accounts)

    def build_play(self, dossier: Dossier) -> SavePlay:
        """The play of one account: the one that runs, or a new one from the stored draft or the playbook."""
        context, old = self.play_context(dossier), self.existing_play(dossier)
        if old is not None:
            return self.drafter.continue_play(context, running_choices(context, old), old.origin)
        drafted = self.context.store.find(self.review_id, draft_key(dossier.account_id), DraftResult)
        return self._with_origin(self._with_own_ids(self.drafter.play(context, drafted)))

    def _with_own_ids(self, play: SavePlay) -> SavePlay:
        """The play; a step that the running play has too stays the same action, done or open."""
        old = self.running.get(play.account_id)
        if old is None:
            return play
        mine = _own_actions(old)
        phases = [
            phase.model_copy(
                update={
                    "actions": tuple(
                        action.model_copy(update={"began": old.began.get(action.id, old.origin)})
                        if action.id in mine
                        else action
                        for action in phase.actions
                    )
                }
            )
            for phase in play.phases
        ]
        return play.model_copy(update={"phases": tuple(phases)})

    def unchanged_plays(self) -> dict[str, SavePlay]:
        """By account: the running play as it is, where another one is proposed."""
        found = {}
        for dossier in self.accounts:
            old = self.running.get(dossier.account_id)
            if old is not None and self.existing_play(dossier) is None:
                finding = self._finding_of(old, self.causes_by_account[dossier.account_id])
                context = self._context_of(dossier, finding, old, None)
                choices = running_choices(context, old)
                found[dossier.account_id] = self.drafter.continue_play(context, choices, old.origin)
        return found

    def _finding_of(self, old: RunningPlay, finding: CauseFinding) -> CauseFinding:
        """The cause that the running play was made for, beside what the rows say today."""
        if old.cause == finding.category:
            return finding
        if old.cause in finding.candidates:
            others = [cause for cause in finding.candidates if cause != old.cause]
            return with_cause(finding, old.cause, others[0] if others else None, self.context.configuration.causes)
        label = self._cause_label(old.cause)
        update = {"category": old.cause, "label": label, "runner_up": None, "runner_up_label": None}
        reasoning = (
            f"Agreed on {format_short_day(old.created)}: {label.lower()}. The rows now say {finding.label.lower()}."
        )
        return finding.model_copy(update={**update, "reasoning": reasoning})

    def situations(self) -> dict[str, tuple[str, ...]]:
        """By account: ids of the situations that hold today."""
        found = ((dossier.account_id, self.play_context(dossier).situations) for dossier in self.accounts)
        return {account: tuple(each.situation for each in held) for account, held in found}

    def progress(self, plays: Sequence[SavePlay]) -> dict[str, PlayProgress]:
        """By account: where its running play stands, with the proposal for the meeting."""
        identified, earlier = self._identified, self.context.earlier_reviews(self._identified.as_of)
        actions, settings = earlier.actions_by_id(), self.context.configuration
        week = WeekOfPlay(
            as_of=identified.as_of,
            settings=settings.review,
            currency=settings.scoring.money.home,
            incidents=identified.incidents,
            progress=self.context.store.progress(),
            notes=self.context.store.progress_notes(),
            outcomes={each.account_id: each for each in identified.followup.outcomes},
            deferrals={name: each for name, each in self.deferrals.items() if name not in self.deferred},
        )
        found = {}
        for play in plays:
            old = self.running.get(play.account_id)
            if old is not None:
                dossier = self.dossiers[play.account_id]
                why = self.reason_for_change(dossier)
                own = [actions[name] for name in old.action_ids if name in actions]
                change = PlayChange(why, play) if why is not None else None
                found[play.account_id] = play_progress(old, own, dossier, week, change)
        return found

    def _with_origin(self, play: SavePlay) -> SavePlay:
        """The play with notes on the question that asked for it and the play that it replaces."""
        request, replaced = self.play_requests.get(play.account_id), self.running.get(play.account_id)
        if request is not None:
            asked = f"{request.by} on {request.on}: “{request.question}”"
            play = add_note(play.model_copy(update={"asked": asked}), "Here because somebody asked for it.")
        if replaced is not None:
            play = add_note(play, f"It would replace the play that runs since {replaced.origin}.")
        return play


def _spoken(fact: Fact, dossier: Dossier) -> Fact:
    """The sentence that names a person, for somebody whom only a text names; any other fact as it is."""
    source = fact.named_in if isinstance(fact, ContactFact) else None
    return next((each for each in dossier.facts if each.id == source), fact)


def _strongest(dossier: Dossier, finding: CauseFinding) -> str:
    """The heaviest evidence for a cause in one sentence; empty where it has none."""
    return next((each.statement for each in dossier.evidence if each.id in finding.evidence), "")


def _own_actions(old: RunningPlay) -> set[str]:
    return {action for actions in old.actions.values() for action in actions}


def _new_facts(old: RunningPlay, dossier: Dossier) -> list[Fact]:
    """Bad news of the account that the last review did not have, the most decisive first."""
    if old.seen is None:
        return []
    known, since = {fact.id for fact in old.seen.facts}, old.seen.as_of
    found = [fact for fact in dossier.facts if fact.id not in known and fact.tone == "bad"]
    days = {fact.id: fact.departed_on if isinstance(fact, ContactFact) else fact.on for fact in found}
    recent = [fact for fact in found if (day := days[fact.id]) is not None and day > since]
    order = (QuotationFact, TicketFact, ContactFact)
    ranked = [fact for kind in order for fact in recent if isinstance(fact, kind)]
    others = [fact for fact in recent if not isinstance(fact, (*order, PromiseFact))]
    return [*ranked, *others]


def draft_key(account_id: str) -> str:
    """Name under which the draft of one account is stored."""
    return f"draft:{account_id}"


def _play_drafter(context: ReviewContext, identified: IdentifyResult) -> PlayDrafter:
    return PlayDrafter(
        configuration=context.configuration,
        calendar=context.calendar,
        people=identified.people,
        records=context.earlier_reviews(identified.as_of).save_records(
            identified.outcomes, identified.followup.settled
        ),
        today=identified.as_of,
        client=context.client,
        free_hours=(context.store.find(identified.review_id, FREE_HOURS, FreeHours) or FreeHours()).by_person,
    )


def save_free_hours(context: ReviewContext, identified: IdentifyResult) -> None:
    """Keep the hours that people have left now; every later step of the review plans with the same ones."""
    promised = context.earlier_reviews(identified.as_of).open_actions()
    hours = FreeHours(by_person=free_hours_by_person(identified, promised, context.configuration))
    context.store.save(identified.review_id, FREE_HOURS, hours)


def _accounts_with_play(
    context: ReviewContext,
    identified: IdentifyResult,
    causes: Mapping[str, CauseFinding],
    running: Collection[str],
    deferred: Collection[str],
) -> tuple[Dossier, ...]:
    """The accounts of the list with the most to gain, as many as the profile discusses in depth; those whose play runs or
    comes back today; then those that somebody asked for. ``deferred`` wait for a later day.

    An account of the list keeps its rank, with the requested dossier where there is one.
    """
    configuration = context.configuration
    deep_dives = profile_for(configuration, identified.portfolio.accounts).deep_dives
    requested = {dossier.account_id: dossier for dossier in identified.asked}
    ranks = {line.account_id: line.rank for line in identified.at_risk}
    ranks |= {line.account_id: line.rank for line in identified.ahead}
    listed = sorted((*identified.dossiers, *identified.ahead_dossiers), key=lambda each: ranks[each.account_id])
    records = context.earlier_reviews(identified.as_of).save_records(identified.outcomes, identified.followup.settled)
    listed = [each for each in listed if each.account_id not in deferred]
    gains = {each.account_id: _gain(each, causes[each.account_id], records, configuration) for each in listed}
    most = set(sorted(gains, key=lambda account: (-gains[account], ranks[account]))[:deep_dives])
    chosen = [each for each in listed if each.account_id in most or each.account_id in running]
    off_list = [each for each in identified.running_dossiers if each.account_id not in deferred]
    chosen = [requested.pop(each.account_id, each) for each in (*chosen, *off_list)]
    return (*chosen, *requested.values())


def _gain(
    dossier: Dossier, finding: CauseFinding, records: Mapping[str, SaveRecord], configuration: Configuration
) -> float:
    """ARR that a play is expected to keep, before its cost; none is counted where the ARR is unknown."""
    record = records.get(finding.category, SaveRecord())
    chance = save_probability(finding.category, finding.difficulty, record, configuration.review)
    return round((dossier.arr or 0.0) * chance_to_work_on(dossier) * chance.mean, 2)
