"""Answers about the customer base: one function for each kind of question, read-only, with its evidence.

The rules, a model's tools and Python callers all use the same functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from agents.churn_predictor import intervention_plan, risk_reasons
from agents.play_drafter import PlayDrafter
from agents.text_drafter import TextDrafter, drafted_note
from domain.configuration import Configuration, DraftKind
from domain.diagnosis import CapacityLine, CauseFinding
from domain.dossier import Dossier, Person
from domain.facts import Incident
from domain.phase_results import DiagnoseResult, PlanResult
from domain.plan import PlanLine
from domain.questions import AnswerPart, ParsedQuestion, PlayRequest, UserStatement
from domain.score_configuration import InterventionTier
from domain.text_drafts import DRAFT_TITLES
from graph.past_plays import PastPlay, past_plays
from graph.review_history import EarlierReviews
from tools.ask.find_account import MAX_CANDIDATES, AccountMatch, find_account
from tools.ask.find_people import named_people
from tools.ask.parse_question import parse_question
from tools.ask.user_statements import add_statements, excluded_actions
from tools.evidence.causes import UNDETERMINED, diagnose
from tools.evidence.dossier import Known, build_dossiers, load_people
from tools.evidence.fact_text import FactText
from tools.evidence.incidents import find_incidents
from tools.planning.capacity import capacity_lines, committed_hours
from tools.planning.follow_up import list_commitments
from tools.planning.intervention_plan import build_plan_rows, read_plan_scores
from tools.save_play.draft_claims import check_text, marks_note
from tools.save_play.draft_record import draft_record
from tools.save_play.expected_value import SaveRecord
from tools.scoring import portfolio_summary
from tools.scoring.scored_base import Row, ScoredBase
from tools.scoring.snapshots import SnapshotStore
from tools.store.review_store import ReviewStore
from tools.wording import capitalize_first, format_day, format_money, format_total, plain_name, plural
from tools.working_days import WorkingDays

if TYPE_CHECKING:
    from agents.conversation import ModelClient

_MAX_LATE_LISTED = 10
_MAX_FACTS = 6


@dataclass
class AskContext:
    """One customer base on one day, and everything a question may be about. Nothing here writes."""

    base: ScoredBase
    store: ReviewStore
    history: SnapshotStore
    calendar: WorkingDays
    client: "ModelClient | None" = None
    asker: str | None = None
    """Person id of who asks, for "my" and "I"; None when unknown."""
    written: set[str] = field(default_factory=set)
    """Tables that were written for questions, by name (``graph/ask_rows.py``)."""
    _dossiers: dict[str, Dossier] = field(default_factory=dict)
    _found: dict[str, AccountMatch] = field(default_factory=dict)

    @property
    def configuration(self) -> Configuration:
        """The team's configuration."""
        return self.base.configuration

    @property
    def as_of(self) -> date:
        """The day of the question."""
        return self.base.as_of

    @cached_property
    def people(self) -> dict[str, Person]:
        """Our people, by id."""
        return load_people(self.base)

    @cached_property
    def incidents(self) -> tuple[Incident, ...]:
        """The same thing reported by several accounts of the base."""
        return find_incidents(self.base)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """Segments of the base, by name."""
        rows = self.base.rows("select distinct segment from scored where segment is not null order by 1")
        return tuple(row["segment"] for row in rows)

    @cached_property
    def former(self) -> list[Row]:
        """Lost customers, the latest first."""
        return self.base.rows(
            "select account_id, name, arr, churned_on from former order by churned_on desc, account_id"
        )

    @cached_property
    def plays(self) -> list[PastPlay]:
        """Every approved play of the kept reviews with what was done, newest first."""
        return past_plays(self.earlier, self.store, self.base, self.as_of)

    @cached_property
    def capacity(self) -> tuple[CapacityLine, ...]:
        """Load of each CSM as the review of this day counts it; by the open promises where there is no such review."""
        for review_id, on, _ in self.store.reviews():
            if on == self.as_of and (planned := self.store.find(review_id, "planned", PlanResult)) is not None:
                return planned.capacity
        settings = self.configuration.review
        hours = committed_hours(self.earlier.open_actions(), self.as_of, settings)
        return capacity_lines(portfolio_summary.csm_books(self.base), self.people, hours, {}, settings)

    @cached_property
    def diagnosed(self) -> dict[str, str] | None:
        """Cause of each account that the latest review in the store diagnosed; None where no review did."""
        reviews = [(on, review_id) for review_id, on, _ in self.store.reviews() if on <= self.as_of]
        for _, review_id in sorted(reviews, reverse=True):
            found = self.store.find(review_id, "diagnosed", DiagnoseResult)
            if found is not None:
                return {finding.account_id: finding.category for finding in found.causes}
        return None

    def account_name(self, account_id: str) -> str:
        """Name of the account; its id where nobody knows it."""
        rows = self.base.rows("select name from scored where account_id = ?", [account_id])
        return str(rows[0]["name"]) if rows else account_id

    def person_name(self, person_id: str | None) -> str:
        """Name of one of ours; "nobody" where there is none."""
        if person_id is None:
            return "nobody"
        return self.people[person_id].name if person_id in self.people else person_id

    def person_id(self, name: str) -> str | None:
        """Id of the one of ours with this id or name; None for anybody else."""
        named = named_people(name, self.people)
        return named[0].person.person_id if len(named) == 1 else None

    def parse(self, question: str) -> ParsedQuestion:
        """The question as the rules read it."""
        return parse_question(question, self.configuration, self.people, self.segments)

    # which account ---------------------------------------------------------------------------------------------------

    def resolve_account(self, text: str, reading: ParsedQuestion) -> str | AnswerPart:
        """The one account that is meant, or the question back."""
        found = self.find(text, reading)
        if found.account_id is not None:
            return found.account_id
        if found.candidates:
            many = f"{plural(len(found.candidates), 'account')} could be meant; say which, by name or id."
            return AnswerPart(kind="which_account", sentences=(many,), candidates=found.candidates)
        sentence = "No account with such a name, id or description is known; look at `saveplay score` for the names."
        return AnswerPart(kind="unknown_account", sentences=(sentence,))

    def find(self, text: str, reading: ParsedQuestion | None = None) -> AccountMatch:
        """The account that the words mean, or whom they may mean; each text is looked up once."""
        if text not in self._found:
            self._found[text] = find_account(self.base, text, reading or self.parse(text))
        return self._found[text]

    def dossier(self, account_id: str, said: Sequence[UserStatement] = ()) -> Dossier:
        """Everything known about the account, with what the asker said."""
        if account_id not in self._dossiers:
            self.base.select_accounts([account_id])
            details = self.base.signal_details()
            known = Known(incidents=self.incidents, open_actions=self.earlier.open_actions())
            (self._dossiers[account_id],) = build_dossiers(self.base, [account_id], self.history, details, known)
        return add_statements(self._dossiers[account_id], said, self.configuration, self.as_of)

    # the kinds of question -------------------------------------------------------------------------------------------

    async def save_play(
        self, account_id: str, said: Sequence[UserStatement] = (), tried: Sequence[str] = ()
    ) -> AnswerPart:
        """A complete, verified save play for the account as it is, with what the asker said."""
        dossier = self.dossier(account_id, said)
        finding = diagnose(dossier, self.configuration.causes, self.configuration.scoring)
        drafter = self._drafter()
        context = drafter.play_context(
            dossier, finding, tried=tried, excluded=excluded_actions(self.configuration, tried)
        )
        play = drafter.play(context, await drafter.draft(context) if self.client is not None else None)
        without = diagnose(self.dossier(account_id), self.configuration.causes, self.configuration.scoring)
        sentences = [f"{dossier.name}: {_cause_clause(finding)}, {dossier.intervention_tier or 'medium'} priority."]
        if said and without.category != finding.category:
            sentences.append(f"Without what you said: {_cause_clause(without)}.")
        if tried:
            sentences.append(f"Left out, because {tried[0]}: whatever gives money away.")
        if not dossier.at_risk:
            sentences.append("The data alone do not put the account at risk.")
        return AnswerPart(
            kind="save_play",
            sentences=tuple(sentences),
            account_id=account_id,
            name=dossier.name,
            said=tuple(said),
            cause=finding,
            evidence=play.evidence,
            play=play,
        )

    async def draft_text(self, account_id: str, kind: DraftKind, said: Sequence[UserStatement] = ()) -> AnswerPart:
        """A draft about the account's play as it would be today: for a person to edit, stored nowhere."""
        dossier, drafter = self.dossier(account_id, said), self._drafter()
        context = drafter.play_context(
            dossier, diagnose(dossier, self.configuration.causes, self.configuration.scoring)
        )
        play = drafter.from_playbook(context)
        draft = await TextDrafter(self.configuration, self.client).draft(context, play, kind)
        lines = check_text(draft.text, draft_record(context, play, kind))
        sentences = [f"{DRAFT_TITLES[kind]}, {dossier.name}. {draft.mark}", drafted_note(draft), marks_note(lines)]
        return AnswerPart(
            kind="draft",
            sentences=tuple(filter(None, sentences)),
            account_id=account_id,
            name=dossier.name,
            said=tuple(said),
            draft=draft,
            draft_lines=lines,
        )

    def explain_risk(self, account_id: str, said: Sequence[UserStatement] = ()) -> AnswerPart:
        """Reasons why the account is at risk, or the answer that it is not."""
        dossier = self.dossier(account_id, said)
        finding = diagnose(dossier, self.configuration.causes, self.configuration.scoring)
        standing = "at risk" if dossier.at_risk else "not at risk"
        health = "not scored" if dossier.health is None else f"{dossier.health:.0f} of 100 (high is good)"
        first = f"{dossier.name} is {standing}: risk {dossier.risk:.0f} of 100 (high is bad), health {health}."
        sentences = [first, *(f"{text}." for text in risk_reasons(dossier, self.configuration)[:4])]
        sentences.append(f"{capitalize_first(_cause_clause(finding))}. {finding.reasoning}")
        facts = [fact for fact in dossier.evidence if fact.direction == "worse"]
        return AnswerPart(
            kind="why",
            sentences=tuple(sentences),
            account_id=account_id,
            name=dossier.name,
            said=tuple(said),
            cause=finding,
            evidence=tuple(facts[:_MAX_FACTS]),
            known=FactText.of(dossier.facts, self.incidents, self.as_of).leading(),
        )

    def list_plan(
        self, tier: InterventionTier | None = None, segment: str | None = None, csm_id: str | None = None
    ) -> AnswerPart:
        """The intervention plan (account, action, owner, date) of a tier, a segment, a CSM, or all."""
        scores = read_plan_scores(self.base)
        slices = {row["account_id"]: (row["segment"], row["csm_id"]) for row in scores}
        self.base.select_accounts([row["account_id"] for row in scores])
        rows = build_plan_rows(self.base, scores, self.base.signal_details())
        lines = [
            line
            for line in intervention_plan(rows, self.people, self.configuration, self.calendar, self.as_of)
            if (tier is None or line.tier == tier)
            and (segment is None or slices[line.account_id][0] == segment)
            and (csm_id is None or slices[line.account_id][1] == csm_id)
        ]
        what = " ".join(filter(None, (f"tier {tier}" if tier else "", f"segment {segment}" if segment else "")))
        owner = f" of {self.people[csm_id].name}" if csm_id else ""
        total, missing = round(sum(line.arr or 0.0 for line in lines), 2), sum(line.arr is None for line in lines)
        arr = format_total(total, len(lines), missing, self.configuration.scoring.money.home)
        subject = f"in {what}" if what else "in the plan"
        sentences = [f"{plural(len(lines), 'account')}{owner} {subject}, {arr} of ARR."]
        if lines:
            sentences += [_plan_sentence(line) for line in lines[:3]]
        return AnswerPart(kind="plan", sentences=tuple(sentences), plan=tuple(lines))

    def changes(self) -> AnswerPart:
        """Changes since the last review: accounts that came, left or got worse, and the money at risk."""
        if self.base.previous is None:
            return AnswerPart(kind="changes", sentences=("There is no earlier review in this store to compare with.",))
        portfolio = portfolio_summary.summarize_portfolio(self.base)
        steps = {step.name: step.arr for step in portfolio.bridge}
        moved = steps["closing"] - steps["opening"]
        since = format_day(self.base.previous.as_of)
        at_risk = format_total(
            portfolio.arr_at_risk, portfolio.at_risk_accounts, portfolio.at_risk_unknown_arr, portfolio.currency
        )
        sentences = [
            f"{at_risk} of ARR is at risk at {plural(portfolio.at_risk_accounts, 'account')}, "
            f"{format_money(abs(moved), portfolio.currency)} {'more' if moved > 0 else 'less'} than on {since}."
        ]
        for change, says in _CHANGE_PHRASES:
            names = [move.name for move in portfolio.movements if move.change == change]
            if names:
                more = f" and {len(names) - MAX_CANDIDATES} more" if len(names) > MAX_CANDIDATES else ""
                sentences.append(f"{plural(len(names), 'account')} {says}: {', '.join(names[:MAX_CANDIDATES])}{more}.")
        return AnswerPart(kind="changes", sentences=tuple(sentences), movements=portfolio.movements)

    def csm_workload(self, csm_id: str | None = None) -> AnswerPart:
        """CSMs who are over capacity, and the one with the most hours free."""
        lines = tuple(line for line in self.capacity if csm_id is None or line.person_id == csm_id)
        crowded = sorted((line for line in lines if line.overloaded or line.note), key=lambda line: not line.overloaded)
        sentences = [f"{line.name}: {line.note}." for line in crowded] or ["Nobody is overloaded."]
        free = [line for line in lines if not line.overloaded and (line.hours_free or 0) > 0]
        if free:
            period = plural(int(self.configuration.review.planning_days.value), "day")
            best = max(free, key=lambda line: (line.hours_free or 0, line.name))
            sentences.append(f"{best.name} has the most time free: {best.hours_free:.0f} hours in {period}.")
        return AnswerPart(kind="load", sentences=tuple(sentences), capacity=lines)

    def late_commitments(self, csm_id: str | None = None, account_id: str | None = None) -> AnswerPart:
        """Promised actions that are late or missed."""
        promised = [
            action
            for action in self.store.actions_before(self.as_of)
            if (csm_id is None or action.owner_id == csm_id) and (account_id is None or action.account_id == account_id)
        ]
        items = list_commitments(promised, self.store.progress(), self.as_of, self.configuration.review)
        late = tuple(item for item in items if item.status in ("late", "missed"))
        if not late:
            return AnswerPart(kind="late", sentences=("Nothing that was promised is late.",))
        sentences = [f"{plural(len(late), 'commitment')} late or missed."]
        sentences += [
            f"{item.owner}: {item.title} for {item.account_name}, due {format_day(item.due)} ({item.status})."
            for item in late[:_MAX_LATE_LISTED]
        ]
        ids = tuple(dict.fromkeys(item.account_id for item in late))
        return AnswerPart(kind="late", sentences=tuple(sentences), commitments=late, account_ids=ids)

    def not_understood(self) -> AnswerPart:
        """Examples of questions, for one that was not understood."""
        return AnswerPart(kind="unclear", sentences=(f"The question was not understood. {self.suggestions()}",))

    def suggestions(self) -> str:
        """Examples of questions about accounts, segments and people of this portfolio."""
        rows = self.base.rows(
            "select name, segment, csm_id from scored order by at_risk desc, arr desc nulls last, account_id limit 1"
        )
        first = rows[0] if rows else {"name": "an account", "segment": None, "csm_id": None}
        words = {
            "account": plain_name(first["name"]),
            "segment": first["segment"] or "all",
            "csm": self.person_name(first["csm_id"]),
        }
        examples = (example.format(**words) for example in self.configuration.asking.examples)
        return f"For example: {'; '.join(f'“{example}”' for example in examples)}."

    def build_proposal(self, part: AnswerPart, question: str, by: str, tried: Sequence[str]) -> PlayRequest:
        """The request for this play, to be decided with the next plays."""
        assert part.account_id is not None
        return PlayRequest(
            account_id=part.account_id, question=question, by=by, on=self.as_of, said=part.said, tried=tuple(tried)
        )

    @property
    def earlier(self) -> EarlierReviews:
        """The reviews before the day of the question."""
        return EarlierReviews(self.store, self.configuration.review, self.as_of)

    def _save_records(self) -> dict[str, SaveRecord]:
        """Known outcomes of earlier plays by cause: the same as a review of this day would use."""
        outcomes = portfolio_summary.outcomes_since(self.base, self.earlier.last_seen())
        return self.earlier.save_records(outcomes, self.earlier.settled_plays())

    def _drafter(self) -> PlayDrafter:
        return PlayDrafter(
            configuration=self.configuration,
            calendar=self.calendar,
            people=self.people,
            records=self._save_records(),
            today=self.as_of,
            client=self.client,
        )


_CHANGE_PHRASES = (
    ("new", "came onto the list"),
    ("worsened", "got worse"),
    ("improved", "got better"),
    ("resolved", "left the list"),
)


def _cause_clause(finding: CauseFinding) -> str:
    if finding.category == UNDETERMINED and len(finding.candidates) > 1:
        causes = finding.label.partition(": ")[2]
        return f"the cause is not clear yet, {causes}, so the play begins by finding it"
    if finding.category == UNDETERMINED:
        return "the cause is not clear yet, so the play begins by finding it"
    return f"{finding.label.lower()} is the likely cause (confidence {finding.confidence})"


def _plan_sentence(line: PlanLine) -> str:
    return f"{line.name}: {line.action}, {line.owner}, by {format_day(line.by)}."
