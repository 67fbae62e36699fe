"""The save plays of one review: which accounts get one, which play already runs, what was drafted."""

from collections.abc import Collection, Mapping
from functools import cached_property

from agents.capacity_analyzer import free_hours_by_person
from agents.churn_predictor import profile_for
from agents.play_drafter import PlayDrafter, add_note, running_choices
from domain.configuration import Configuration
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier
from domain.phase_results import DiagnoseResult, DraftResult, FreeHours, IdentifyResult, RunningPlay
from domain.questions import PlayRequest
from domain.save_play import SavePlay
from graph.context import ReviewContext, ReviewState
from tools.ask.user_statements import excluded_actions
from tools.evidence.causes import with_cause
from tools.save_play.context import PlayContext
from tools.save_play.editing import edited_context
from tools.save_play.expected_value import SaveRecord, chance_to_work_on, save_probability

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
        self.accounts = _accounts_with_play(context, identified, self.causes_by_account, self.running)

    @cached_property
    def dossiers(self) -> dict[str, Dossier]:
        """Every account that may get a play, by id; of one that somebody asked for, the dossier with those statements."""
        return {dossier.account_id: dossier for dossier in self._identified.all_dossiers}

    def to_draft(self) -> list[str]:
        """Accounts that need a new play, worst first."""
        return [dossier.account_id for dossier in self.accounts if self.existing_play(dossier) is None]

    def existing_play(self, dossier: Dossier) -> RunningPlay | None:
        """The play that runs for the account, if the cause is still the same and nobody asked for a new one."""
        old = self.running.get(dossier.account_id)
        if old is None or dossier.account_id in self.play_requests:
            return None
        finding = self.causes_by_account[dossier.account_id]
        # Evidence that fades while a play works on it is no news about the cause.
        return old if old.cause in (finding.category, old.edits.cause, *finding.candidates) else None

    def _finding(self, dossier: Dossier) -> CauseFinding:
        """The diagnosis; where a play goes on although its cause is no longer clear, with the cause that it works on."""
        found, old = self.causes_by_account[dossier.account_id], self.existing_play(dossier)
        if old is None or old.cause == found.category or old.cause not in found.candidates:
            return found
        others = [cause for cause in found.candidates if cause != old.cause]
        return with_cause(found, old.cause, others[0] if others else None, self.context.configuration.causes)

    def origins(self) -> dict[str, str]:
        """Account to the review in which its running play began."""
        found = ((dossier.account_id, self.existing_play(dossier)) for dossier in self.accounts)
        return {account: old.origin for account, old in found if old is not None}

    def play_context(self, dossier: Dossier) -> PlayContext:
        """Everything the account's play may use."""
        old, request = self.existing_play(dossier), self.play_requests.get(dossier.account_id)
        tried = request.tried if request else ()
        context = self.drafter.play_context(
            dossier,
            self._finding(dossier),
            created=old.created if old else None,
            tried=[*tried, *self._titles_done(dossier.account_id)],
            excluded=excluded_actions(self.context.configuration, tried),
        )
        return edited_context(context, old.edits) if old else context

    def _titles_done(self, account_id: str) -> list[str]:
        """Titles of the playbook actions that are done for the account."""
        library = self.context.configuration.library
        titles = {action.id: action.plain_title for _, action in library}
        done = sorted(action for account, action in self.done if account == account_id)
        return [titles[action] for action in done if action in titles]

    def plays(self) -> tuple[SavePlay, ...]:
        """The play of every account that gets one, worst account first."""
        return tuple(self.build_play(dossier) for dossier in self.accounts)

    def build_play(self, dossier: Dossier) -> SavePlay:
        """The play of one account: the one that runs, or a new one from the stored draft or the playbook."""
        context, old = self.play_context(dossier), self.existing_play(dossier)
        if old is not None:
            choices = running_choices(context, old.actions, old.dates, old.owners)
            return self.drafter.continue_play(context, choices, old.origin)
        drafted = self.context.store.find(self.review_id, draft_key(dossier.account_id), DraftResult)
        return self._with_origin(self.drafter.play(context, drafted))

    def _with_origin(self, play: SavePlay) -> SavePlay:
        """The play with notes on the question that asked for it and the play that it replaces."""
        request, replaced = self.play_requests.get(play.account_id), self.running.get(play.account_id)
        if request is not None:
            asked = f"{request.by} on {request.on}: “{request.question}”"
            play = add_note(play.model_copy(update={"asked": asked}), "Here because somebody asked for it.")
        if replaced is not None:
            subject = "It" if request is not None else f"The cause changed since {replaced.origin}; this"
            play = add_note(play, f"{subject} replaces the running play.")
        return play


def draft_key(account_id: str) -> str:
    """Name under which the draft of one account is stored."""
    return f"draft:{account_id}"


def _play_drafter(context: ReviewContext, identified: IdentifyResult) -> PlayDrafter:
    return PlayDrafter(
        configuration=context.configuration,
        calendar=context.calendar,
        people=identified.people,
        records=context.earlier_reviews(identified.as_of).save_records(identified.outcomes),
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
    context: ReviewContext, identified: IdentifyResult, causes: Mapping[str, CauseFinding], running: Collection[str]
) -> tuple[Dossier, ...]:
    """The accounts of the list with the most to gain, as many as the profile discusses in depth; those whose play runs; then
    those that somebody asked for.

    An account of the list keeps its rank, with the requested dossier where there is one.
    """
    configuration = context.configuration
    deep_dives = profile_for(configuration, identified.portfolio.accounts).deep_dives
    requested = {dossier.account_id: dossier for dossier in identified.asked}
    ranks = {line.account_id: line.rank for line in identified.at_risk}
    ranks |= {line.account_id: line.rank for line in identified.ahead}
    listed = sorted((*identified.dossiers, *identified.ahead_dossiers), key=lambda each: ranks[each.account_id])
    records = context.earlier_reviews(identified.as_of).save_records(identified.outcomes)
    gains = {each.account_id: _gain(each, causes[each.account_id], records, configuration) for each in listed}
    most = set(sorted(gains, key=lambda account: (-gains[account], ranks[account]))[:deep_dives])
    chosen = [each for each in listed if each.account_id in most or each.account_id in running]
    chosen = [requested.pop(each.account_id, each) for each in (*chosen, *identified.running_dossiers)]
    return (*chosen, *requested.values())


def _gain(
    dossier: Dossier, finding: CauseFinding, records: Mapping[str, SaveRecord], configuration: Configuration
) -> float:
    """ARR that a play is expected to keep, before its cost; none is counted where the ARR is unknown."""
    record = records.get(finding.category, SaveRecord())
    chance = save_probability(finding.category, finding.difficulty, record, configuration.review)
    return round((dossier.arr or 0.0) * chance_to_work_on(dossier) * chance.mean, 2)
