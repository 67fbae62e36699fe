"""Configuration of a team: one model for each file under ``configs/``. Units and reasons of the numbers are in the YAML files."""

import re
from collections.abc import Collection, Iterator
from datetime import date, time
from functools import cached_property
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from domain.fact_settings import FactSettings
from domain.plan_language import PlanVocabulary
from domain.playbook import DIAGNOSIS, PHASES, Difficulty, Phase, Playbook, PlaybookAction, Situation
from domain.record import Record
from domain.score_configuration import (
    CATEGORIES,
    RULE_CONTEXT,
    SIZES,
    Category,
    InterventionTier,
    RuleCondition,
    ScoreConfiguration,
    Size,
    check_expressions,
)
from domain.setting import (
    Count,
    Day,
    Days,
    Factor,
    Hours,
    Minutes,
    Money,
    Number,
    PlayWeek,
    Points,
    Price,
    Quantity,
    Rows,
    Seconds,
    Setting,
    Share,
    SomeCount,
    SomeDays,
    SomeShare,
    Temperature,
    Tokens,
    Week,
    WeeklyHours,
    Weight,
)
from domain.tables import Role

Driver = Literal["usage", "engagement", "sentiment", "financial"]
HoldKind = Literal["customer_call", "executive_call", "manager_review", "weekly_check", "decision_point", "action"]


class CauseEvidence(Record):
    """Signal that speaks for a cause; points grow with its severity, up to ``points``."""

    signal: str
    points: float = Field(gt=0, le=60)
    why: str


class CauseRule(Record):
    """Evidence for one cause, and how difficult it is to solve."""

    label: str
    evidence: tuple[CauseEvidence, ...] = Field(min_length=1)
    base_difficulty: Difficulty
    difficulty_why: str
    harder_without_champion: bool = Field(
        default=True, description="A champion who left makes the save harder. Off where that is the cause itself."
    )


class CauseSettings(Record):
    """``configs/causes.yaml``: the seven causes, and the points and lead needed for each confidence."""

    causes: dict[Annotated[str, Field(pattern="^[a-z_]+$")], CauseRule] = Field(min_length=1)
    minimum_points: Points
    candidate_points: Points
    minimum_lead: Points
    medium_lead: Points
    confident_points: Points
    confident_lead: Points
    tell_apart: dict[str, str] = Field(description="'cause_a/cause_b' in alphabetical order: the question.")
    tell_apart_default: str
    harder_within_days: Days
    harder_below_health: Points
    decision_lead_days: Days
    floor_health: Points
    trend_horizon_days: Days
    trend_spread: Share
    pillar_drop_points: Points
    reasons: Count

    @model_validator(mode="after")
    def _pairs_known(self) -> Self:
        for key in self.tell_apart:
            pair = key.split("/")
            unknown = [name for name in pair if name not in self.causes]
            if unknown:
                raise ValueError(f"tell_apart: {key}: there is no cause {unknown[0]!r} under causes")
            if len(pair) != 2 or pair != sorted(set(pair)):
                raise ValueError(f"tell_apart: {key}: write two causes in alphabetical order, with / between them")
        return self


class ReviewProfile(Record):
    """Size and length of the review for a portfolio of a certain size."""

    id: str
    above_accounts: int = Field(ge=0, le=100_000_000, description="From this number of accounts on.")
    note: str
    list_size: Rows
    meeting_scope: Rows
    deep_dives: Rows
    all_yellow_and_red: bool = Field(default=False, description="Every yellow and red account is on the list.")
    minutes: Minutes
    standup: bool
    interval_days: int = Field(ge=1, le=366, description="Days from one review to the next.")


class PhaseSettings(Record):
    """One phase of a save play: its name, its time, and how many actions it has."""

    label: str
    weeks: tuple[Week, Week] = Field(description="First and last week, as the title says it.")
    days: tuple[Day, Day] = Field(description="First and last calendar day after the play starts.")
    actions: int = Field(ge=3, le=100, description="Actions at most.")

    @model_validator(mode="after")
    def _days_lie_in_weeks(self) -> Self:
        (first, last), (starts, ends) = self.weeks, self.days
        if not (first - 1) * 7 <= starts <= ends <= last * 7 - 1:
            raise ValueError(f"days {starts} to {ends} do not lie in weeks {first} to {last}")
        return self

    @property
    def title(self) -> str:
        """Name and time, for example ``Address (weeks 2–4)``."""
        first, last = self.weeks
        return f"{self.label} (week {first})" if first == last else f"{self.label} (weeks {first}–{last})"


class MetricTargets(Record):
    """Targets of the figures about the review itself."""

    days_to_action: Days
    kept: Share
    churn_at_risk: Share
    health_regained: Points


class HoldSettings(Record):
    """Calendar holds: how long each kind takes, and the times at which they may start."""

    minutes: dict[HoldKind, Minutes]
    first_at: time
    slot_minutes: SomeCount

    @model_validator(mode="after")
    def _every_kind_has_minutes(self) -> Self:
        missing = sorted(set(get_args(HoldKind)) - {"action"} - set(self.minutes))
        if missing:
            raise ValueError(f"minutes: {missing[0]} is missing")
        return self


class AgendaBlock(Record):
    """One block of the meeting."""

    id: str
    title: str
    minutes: Minutes
    lead: str


class SavePrior(Record):
    """Prior of the save rate as cases: the rate is saved / (saved + lost), and their sum is its weight."""

    saved: float = Field(gt=0, le=1e6, allow_inf_nan=False)
    lost: float = Field(gt=0, le=1e6, allow_inf_nan=False)


class AlertRule(Record):
    """Workflow for one state of an account: alert, task and CRM field.

    ``standing`` limits it to accounts at risk, critical, fallen (health), new on the list, or resolved.
    """

    id: str = Field(pattern="^[a-z_]+$")
    state: str
    when: tuple[RuleCondition, ...] = ()
    standing: Literal["any", "at_risk", "critical", "fell", "new", "resolved"] = "any"
    crm_field: str
    crm_value: str
    alert: str
    tells: tuple[Role, ...] = ()
    """Roles that an alert goes to (``saveplay remind``), as ``alert`` says it for people."""
    task: str


class ReviewSettings(Record):
    """``configs/review.yaml``: profiles, agenda, capacity, money and the calendar."""

    profiles: tuple[ReviewProfile, ...] = Field(min_length=1)
    list_order: Literal["expected_loss", "risk_times_arr"] = "expected_loss"
    decision_ahead: Days = Setting(value=28, unit="days", why="Four weeks: less is too late for a play to be felt.")
    overdue_question: Days = Setting(value=365, unit="days", why="A date so long past is a question about the data.")
    agenda: tuple[AgendaBlock, ...]
    plan_rows_per_tier: Count
    red_account_limit: Count
    intervention_share: Share
    planning_days: SomeDays
    hours_tolerance: Hours
    hours_per_account: dict[Size, WeeklyHours]
    hours_why: str
    default_weekly_hours: dict[Role, WeeklyHours]
    hourly_rate: Money
    weekly_budget: Money
    concession_share: Share
    save_priors: dict[Difficulty | Literal["undetermined"], SavePrior]
    save_priors_why: str
    handover_renewal_after: Days
    handover_candidates: Count
    opportunity_high: Points
    opportunity_medium: Points
    alerts_per_state: Count
    movement_rows: Count
    bridge_accounts: Count
    late_becomes_missed: Days
    pattern_minimum: Count
    pattern_lift: Factor
    theme_minimum: Count
    remembered_reviews: Count
    regain_after_days: Days
    targets: MetricTargets
    handovers_per_csm: Count
    primary_action_hours: Hours
    primary_again_after: Days
    assign_owner_hours: Hours
    assign_owner_working_days: Days
    watch_due_before_renewal: Days
    overdue_renewal_working_days: Days
    escalation_working_days: Days
    holds: HoldSettings
    play_phases: dict[Phase, PhaseSettings]
    shortest_schedule: SomeShare
    first_touch_grace: Days
    health_gain: Points
    renewal_near_days: Days
    decide_before_renewal: Days
    manager_review_every: SomeDays
    holiday_country: str
    holiday_subdivision: str | None
    company_holidays: tuple[date, ...]
    time_zone: str
    meeting_starts: str
    weekly_check: Literal["monday", "tuesday", "wednesday", "thursday", "friday"]
    manager_review_week: PlayWeek
    decision_week: PlayWeek
    opportunity: dict[str, Weight]
    matrix: dict[str, str]
    questions: dict[Category, str]
    workflow: tuple[AlertRule, ...]

    @model_validator(mode="before")
    @classmethod
    def _drop_retired_keys(cls, given: Any) -> Any:
        """The secondary action is no commitment any more; a file that still dates it is read without that."""
        return (
            {key: value for key, value in given.items() if key != "secondary_after_days"}
            if isinstance(given, dict)
            else given
        )

    @model_validator(mode="after")
    def _nothing_missing(self) -> Self:
        if all(profile.above_accounts > 0 for profile in self.profiles):
            raise ValueError("profiles: one profile begins at above_accounts: 0, so that every portfolio has one")
        levels = ("high", "medium", "low")
        if not sum(self.opportunity.values()):
            raise ValueError("opportunity: at least one signal has a share above 0")
        needed: tuple[tuple[str, Collection[str], Collection[str]], ...] = (
            ("hours_per_account", SIZES, self.hours_per_account),
            ("questions", CATEGORIES, self.questions),
            ("save_priors", ("easy", "moderate", "hard"), self.save_priors),
            ("default_weekly_hours", get_args(Role), self.default_weekly_hours),
            ("play_phases", PHASES, self.play_phases),
            ("matrix", [f"{risk}/{chance}" for risk in levels for chance in levels], self.matrix),
        )
        for key, wanted, given in needed:
            missing = sorted(set(wanted) - set(given))
            if missing:
                raise ValueError(f"{key}: {missing[0]} is missing")
        return self

    def profile_for(self, accounts: int) -> ReviewProfile:
        """Frequency and size of the review, by the number of accounts."""
        fitting = [profile for profile in self.profiles if accounts >= profile.above_accounts]
        return max(fitting, key=lambda profile: profile.above_accounts)

    @property
    def play_days(self) -> int:
        """Calendar days of a whole play."""
        return self.play_phases[PHASES[-1]].days[1] + 1


class TokenPrices(Record):
    """Prices by model: for a million tokens read, a million written and, where they cost less, a million read from the cache."""

    currency: str = Field(pattern="^[A-Z]{3}$")
    as_of: date
    models: dict[str, tuple[Price, Price] | tuple[Price, Price, Price]]

    def cost(self, model: str, read: int, written: int, cached: int = 0) -> float | None:
        """Cost of tokens in ``currency``; ``cached`` are part of ``read``. None when the model is not in the table."""
        price = self.models.get(model)
        if price is None:
            return None
        from_cache = price[2] if len(price) == 3 else price[0]
        return round(((read - cached) * price[0] + cached * from_cache + written * price[1]) / 1e6, 6)


class WordLists(Record):
    """Words, in lower case, that a model must not write itself."""

    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    money: tuple[str, ...]
    directions: tuple[str, ...]
    internal: tuple[str, ...]
    """Never in a text for the customer."""
    concessions: tuple[str, ...]
    orders: tuple[str, ...]
    beginnings: tuple[str, ...]
    """Words that may begin a sentence, besides those of the playbooks; their capital does not make them a name."""
    acronyms: tuple[str, ...]
    """Words in capitals that are not names."""
    ordinals: tuple[str, ...] = ()
    """Further words for numbers; this and what follows mark sentences of drafts."""
    promises: tuple[str, ...] = ()
    """Verbs with which we bind ourselves, after we, I, or one of ours."""
    absolutes: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    """Words that say how a matter stands."""
    denials: tuple[str, ...] = ()
    """Words that turn a fact round."""
    conversation: tuple[str, ...] = ()
    """Words of ordinary talk, which say nothing about an account."""


ModelRole = Literal["drafting", "briefing", "ask", "reading"]


class ReadingSettings(Record):
    """Reading of texts by a model. Where it is on, whole texts are sent to the model's server."""

    enabled: bool
    texts: Count
    per_account: Count
    days: SomeDays
    longest: Quantity
    statements: SomeCount
    shortest_quotation: Quantity
    budget_tokens: Tokens
    least_precision: Share
    most_alarms: Share
    measured: tuple[str, ...] = Field(description="Names of models that passed `saveplay eval --suite reading`.")
    ordinary_names: tuple[str, ...] = Field(description="Words that are names as well, in small letters.")


class ModelSettings(Record):
    """``configs/model.yaml``: model, limits of time and tokens, prices, and words that it must not write."""

    name: str | None
    fast_name: str | None
    url: str | None
    roles: dict[ModelRole, Literal["strong", "fast"]]
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high"] | None
    temperature: Temperature
    seed: Setting
    timeout: Seconds
    answer_tokens: Quantity
    answer_bytes: Quantity
    repair_rounds: Factor
    retries: Factor
    retry_first_wait: Seconds
    retry_longest_wait: Seconds
    loading_wait: Seconds
    at_once: SomeCount
    own_steps: tuple[str, ...] = ()
    """Names of the models that may add steps of their own to a play."""
    budget_seconds: Seconds
    budget_tokens: Tokens
    evidence_lines: Count
    quotes: Count
    sentence_length: Quantity
    briefing_sentences: SomeCount
    ask_steps: SomeCount
    ask_tokens: Quantity
    prices: TokenPrices
    reading: ReadingSettings | None = Field(default=None, description="None in a file of an older form: off.")
    words: WordLists
    words_why: str

    def model_for(self, role: ModelRole) -> str | None:
        """Name of the model for this work; None when none is configured."""
        return (self.fast_name or self.name) if self.roles.get(role) == "fast" else self.name

    @property
    def reads(self) -> bool:
        """True if the team switched reading on."""
        return self.reading is not None and self.reading.enabled

    @property
    def may_add_steps(self) -> bool:
        """True if the model that drafts plays may add steps to those on offer."""
        return self.model_for("drafting") in self.own_steps


DraftKind = Literal["talk_track", "follow_up_email", "action_plan", "executive_brief"]
"""Texts that are drafted for people to use."""
QuestionKind = Literal["save_play", "why", "changes", "load", "late", "plan"]


class StatementRule(Record):
    """Statement that a person may make about an account, with the value of the signal that it means."""

    value: Number
    says: str = Field(min_length=5, description="A clause that follows 'according to the person who asks'.")
    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions, case-insensitive.")

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        check_expressions(self.phrases)
        return self


class PastAttemptRule(Record):
    """Attempt of the past whose kind of action is not offered again."""

    says: str
    phrases: tuple[str, ...]

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        check_expressions(self.phrases)
        return self


FactTopic = Literal[
    "renewal", "owner", "sponsor", "amount", "people", "tickets", "said", "met", "owed", "health", "invoices", "usage", "goals",
    "family",
]  # fmt: skip
"""Topics of questions about one account."""


class FilterRule(Record):
    """Words that stand for a filter on accounts, and the filter."""

    field: str
    values: tuple[str, ...] = ()
    low: Number | None = None
    high: Number | None = None
    known: bool | None = None
    says: str
    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions over plain small letters.")


class FigureRule(Record):
    """Words for a figure of accounts that a question may bound, sort by or average: "more than 300 seats"."""

    words: tuple[str, ...] = Field(min_length=1, description="Regular expressions over plain small letters.")
    title: str
    unit: Literal["number", "percent"] = "number"
    adds_up: bool = False
    """True if a sum over accounts means something: seats do, scores do not."""
    falls: bool = False
    """True for a change in percent: "usage down by more than 30 %" is below -30."""

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        check_expressions(self.words)
        return self


Subject = Literal[
    "accounts", "actions", "people", "incidents", "plays", "renewals", "quotations", "tickets", "invoices", "outcomes",
    "surveys", "touchpoints", "notes", "goals", "colleagues",
]  # fmt: skip
"""Things that a question can list and count."""
HistoryKind = Literal["joined", "left", "compare", "course"]
"""Questions about the kept weeks: who came onto the list, who left it, two weeks side by side, week by week."""


class SubjectRule(Record):
    """Words for one subject of questions, and its own filters, groups and amounts. All are regular expressions over
    plain small letters."""

    words: tuple[str, ...] = Field(min_length=1)
    filters: tuple[FilterRule, ...] = ()
    groups: dict[str, tuple[str, ...]] = {}
    amounts: dict[str, tuple[str, ...]] = {}

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        for group in (self.words, *(rule.phrases for rule in self.filters), *self.groups.values()):
            check_expressions(group)
        for group in self.amounts.values():
            check_expressions(group)
        return self


class AskCues(Record):
    """Words that tell one way of asking from another. All are regular expressions over plain small letters."""

    person: tuple[str, ...]
    """A question about who somebody is."""
    why: tuple[str, ...]
    """The beginning of a question for the reason."""
    why_alone: tuple[str, ...]
    """A follow-up that only asks why."""
    incident: tuple[str, ...]
    """A problem that several customers share."""
    planned: tuple[str, ...]
    """Asks for work to be done, rather than for accounts."""
    recently: tuple[str, ...]
    """A change within days or weeks, rather than a list of all years."""
    rows: tuple[str, ...]
    """The beginning of a question for rows."""
    between_names: tuple[str, ...]
    """Words between two names that are compared."""
    the_other: tuple[str, ...]
    """The one of two that the question before was not about."""
    and_then: tuple[str, ...]
    """The beginning of a follow-up."""
    only: tuple[str, ...]
    """The beginning of a follow-up that narrows the list before."""
    of_those: tuple[str, ...]
    """A reference to the list before."""
    them: tuple[str, ...]
    """Words for the accounts of the list before."""
    pronoun: tuple[str, ...]
    """A word for the account of the question before."""
    reports_to: tuple[str, ...] = ()
    """A question about who belongs to the team of somebody of ours."""
    trouble: tuple[str, ...] = ()
    """A question about how an account is, without a word for the kind."""
    started: tuple[str, ...] = ()
    """Words for the beginning of a customer."""
    anybody: tuple[str, ...] = ()
    """Words for whoever it is, as good as the plural."""
    share: tuple[str, ...] = ()
    """A question for a share of the whole."""
    what_if: tuple[str, ...] = ()
    """The beginning of a question about what may be."""
    yes_or_no: tuple[str, ...]
    """The beginning of a question that states nothing."""
    reason: tuple[str, ...]
    """Words before a reason, which is a statement also in a question."""
    overdue_renewal: tuple[str, ...]
    this_year: tuple[str, ...]
    late: tuple[str, ...]
    sorting: tuple[str, ...]
    """Words of an order."""
    mine: tuple[str, ...]
    """Words for who asks."""
    renewing: tuple[str, ...]
    """A day that belongs to the renewal, in a question about something else."""
    with_something: tuple[str, ...]
    """Words between accounts and what they have."""
    opening: tuple[str, ...]
    """Somebody opens a ticket, which may be closed by now."""
    never: tuple[str, ...]
    """Words that turn a contact into its absence."""
    newest: tuple[str, ...]
    """The newest rows are asked for."""
    turning: tuple[str, ...]
    """A word that turns a question round or leaves something out: an answer without it would be the wrong one."""
    second_question: tuple[str, ...]
    """Between two questions in one sentence, as it was typed."""
    third_person: tuple[str, ...]
    """A pronoun for the person of the first of two questions."""
    called: tuple[str, ...]
    """Words before the name of a person, which the expression holds in its first group."""

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        for name in type(self).model_fields:
            check_expressions(getattr(self, name))
        return self


class RefusalRule(Record):
    """Requests that are not questions, and the sentence that says so."""

    says: str
    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions over plain small letters.")


class AskSettings(Record):
    """``configs/ask.yaml``: phrases for understanding a question without a model."""

    kinds: dict[QuestionKind, tuple[str, ...]]
    close_enough: Points
    ignored: tuple[str, ...]
    legal_forms: tuple[str, ...]
    tiers: dict[InterventionTier, tuple[str, ...]]
    months: tuple[tuple[str, ...], ...] = Field(min_length=12, max_length=12)
    said: dict[str, StatementRule]
    tried: dict[Literal["concession"], PastAttemptRule]
    topics: dict[FactTopic, tuple[str, ...]]
    briefing: tuple[str, ...]
    comparing: tuple[str, ...]
    accounts: tuple[str, ...]
    measures: dict[Literal["count", "sum", "average", "median"], tuple[str, ...]]
    groups: dict[
        Literal["segment", "currency", "csm", "sponsor", "team", "stage", "band", "tier", "month"], tuple[str, ...]
    ]
    filters: tuple[FilterRule, ...]
    figures: dict[str, FigureRule]
    """By field of the account, or by signal."""
    no_filter: frozenset[str]
    refused: tuple[RefusalRule, ...]
    lost: tuple[str, ...]
    numbers: dict[str, int]
    """Numbers in words; the words are plain small letters."""
    units: dict[Literal["day", "week", "month", "quarter", "year"], tuple[str, ...]]
    spans: dict[
        Literal["between", "last", "ago", "overdue", "ahead", "this", "beginning", "since", "until", "inside"],
        tuple[str, ...],
    ]
    """Expressions for days; ``{number}`` and ``{unit}`` stand for the words above."""
    subjects: dict[Subject, SubjectRule]
    history: dict[HistoryKind, tuple[str, ...]]
    contacted: dict[Literal["touched", "answered"], tuple[str, ...]]
    """Accounts that were, or were not, met or heard from since a day."""
    worked: tuple[str, ...]
    """Questions for what helped before."""
    cues: AskCues
    examples: tuple[str, ...]
    drafts: dict[DraftKind, tuple[str, ...]] = {}
    """By kind of draft: phrases that ask for it."""

    @model_validator(mode="after")
    def _query_expressions_are_valid(self) -> Self:
        phrases = [
            self.briefing,
            self.comparing,
            self.accounts,
            self.lost,
            self.worked,
            *self.history.values(),
            *self.contacted.values(),
        ]
        phrases += [
            *self.units.values(),
            *(
                tuple(p.replace("{number}", "x").replace("{unit}", "x").replace("{month}", "x") for p in group)
                for group in self.spans.values()
            ),
        ]
        phrases += [*self.topics.values(), *self.measures.values(), *self.groups.values(), *self.drafts.values()]
        phrases += [rule.phrases for rule in self.filters] + [rule.phrases for rule in self.refused]
        for group in phrases:
            check_expressions(group)
        return self


class Configuration(ScoreConfiguration):
    """All files of ``configs/``."""

    causes: CauseSettings
    review: ReviewSettings
    model: ModelSettings
    asking: AskSettings
    plan: PlanVocabulary
    facts: FactSettings
    playbooks: dict[str, Playbook]
    situations: dict[str, Situation]
    hash: str
    """Hash of all files, recorded in the review."""

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """All words of the playbooks, in lower case."""
        words = (re.findall(r"[A-Za-zÀ-ÖØ-öø-ÿ]+", book.model_dump_json()) for book in self.playbooks.values())
        return frozenset(word.lower() for found in words for word in found)

    @model_validator(mode="after")
    def _names_known(self) -> Self:
        used = [("review.yaml", rule.id, c.signal) for rule in self.review.workflow for c in rule.when]
        used += [("review.yaml", "opportunity", name) for name in self.review.opportunity]
        used += [("ask.yaml", "said", name) for name in self.asking.said]
        used += [("causes.yaml", name, f.signal) for name, rule in self.causes.causes.items() for f in rule.evidence]
        self._refuse_unknown(used)
        known = self.scoring.signals.keys() | RULE_CONTEXT
        self._check_playbooks()
        for file, action in self.library:
            unknown = set(action.signals) - known
            if unknown:
                raise ValueError(f"{file}: {action.id}: unknown signal {sorted(unknown)[0]!r}")
            self._check_terms(file, action)
        for name, playbook in self.playbooks.items():
            self._check_agreements(f"playbooks/{name}.yaml", playbook)
        return self

    @property
    def library(self) -> Iterator[tuple[str, PlaybookAction]]:
        """Every action of playbooks and situations, with its file."""
        for name, playbook in self.playbooks.items():
            yield from ((f"playbooks/{name}.yaml", action) for action in playbook.actions)
        for name, situation in self.situations.items():
            yield from ((f"situations/{name}.yaml", action) for action in situation.actions)

    def _check_terms(self, file: str, action: PlaybookAction) -> None:
        """Every verb, question and result of the action is a term of ``plan.yaml``."""
        used = {"verbs": [action.verb], "questions": list(action.asks), "results": [action.result or ""]}
        self._refuse_unknown_terms(file, action.id, used)
        for other in action.after:
            if other not in self._action_ids:
                raise ValueError(f"{file}: {action.id}: after: no action is called {other!r}")

    @cached_property
    def _action_ids(self) -> frozenset[str]:
        return frozenset(action.id for _, action in self.library)

    def _check_agreements(self, file: str, playbook: Playbook) -> None:
        """Every term of success criteria and walk-away conditions is a term of ``plan.yaml``."""
        for item in playbook.success:
            self._refuse_unknown_terms(file, item.name, {"measures": [item.measure], "results": [item.state or ""]})
        for end in playbook.walk_away:
            used = {"conditions": [end.when], "exits": [end.exit], "ways_back": [end.way_back]}
            self._refuse_unknown_terms(file, end.when, used)

    def _refuse_unknown_terms(self, file: str, place: str, used: dict[str, list[str]]) -> None:
        for part, names in used.items():
            terms = getattr(self.plan, part)
            unknown = [name for name in names if name and " " not in name and name not in terms]
            if unknown:  # a sentence is of a library of an older version
                raise ValueError(f"{file}: {place}: {unknown[0]!r} is not among the {part} of plan.yaml; add it there")

    def _check_playbooks(self) -> None:
        """Every cause has a playbook and every playbook a cause, in the file of its name."""
        for name in (*self.causes.causes, DIAGNOSIS):
            if name not in self.playbooks:
                where = (
                    f"causes.yaml: causes.{name} has no playbook" if name != DIAGNOSIS else "the diagnosis is missing"
                )
                raise ValueError(f"{where}: add configs/playbooks/{name}.yaml")
        for name, playbook in self.playbooks.items():
            if name not in self.causes.causes and name != DIAGNOSIS:
                raise ValueError(
                    f"playbooks/{name}.yaml: causes.yaml has no cause {name!r}: add it under causes, or remove the file"
                )
            if playbook.cause != name:
                raise ValueError(f"playbooks/{name}.yaml: cause: {playbook.cause!r} is not the name of the file")
