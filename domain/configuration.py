"""Everything a team tunes, typed. Each number carries its unit and the reason for its default in the YAML beside it."""

import re
from collections.abc import Collection, Iterable
from datetime import date, time
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar, get_args

from pydantic import Field, model_validator

from domain.playbook import PHASES, Cause, Difficulty, Phase, Playbook, Role
from domain.record import Record

Category = Literal["usage", "support", "sentiment", "relationship", "commercial"]
Pillar = Literal["engagement", "satisfaction", "adoption", "outcomes"]
Unit = Literal[
    "percent", "percent_change", "days", "count", "ratio", "score_10", "score_10_change", "score_5", "step", "per_user"
]
Size = Literal["enterprise", "mid_market", "small_business"]
InterventionTier = Literal["critical", "high", "medium", "watch"]
Driver = Literal["usage", "engagement", "sentiment", "financial"]
HoldKind = Literal["customer_call", "executive_call", "manager_review", "weekly_check", "decision_point", "action"]

CATEGORIES: tuple[Category, ...] = ("usage", "support", "sentiment", "relationship", "commercial")
SIZES: tuple[Size, ...] = ("enterprise", "mid_market", "small_business")


class Setting(Record):
    """One tunable number with its unit and the reason for its default."""

    value: float
    unit: str
    why: str = Field(min_length=10)


class Freshness(Record):
    """When a signal is too old to count.

    ``counted_from`` is the day of the account's own row, or the day the whole source was last seen.
    ``events_stand``: a stale source cannot say that nothing happened, but what it did record still happened.
    """

    days: int | None = Field(ge=0, description="None: the table carries no dates to judge by.")
    counted_from: Literal["row", "source"] = "row"
    events_stand: bool = False


class SignalPhrases(Record):
    """How a signal's value is put into words. ``{value}`` is the value with its unit."""

    worse: str
    better: str
    steady: str


class Signal(Record):
    """What one signal means. What it measures is in ``tools/signals/<category>.sql``."""

    label: str
    category: Category
    pillar: Pillar
    table: str
    unit: Unit
    worse_when: Literal["lower", "higher"]
    points: tuple[tuple[float, float], ...] = Field(
        min_length=2, description="(value, component 0 to 100), values rising; straight lines between, flat outside."
    )
    weight: dict[Literal["default"] | Size, float] = Field(description="Share of its category.")
    risk: float = Field(ge=0, le=60, description="Risk points at full severity.")
    fresh: Freshness
    says: SignalPhrases
    why: str = Field(min_length=10)

    @model_validator(mode="after")
    def _points_agree_with_direction(self) -> Self:
        values = [value for value, _ in self.points]
        scores = [score for _, score in self.points]
        if any(low >= high for low, high in pairwise(values)):
            raise ValueError("points: values must rise")
        rising = self.worse_when == "lower"
        if any((b < a) if rising else (b > a) for a, b in pairwise(scores)):
            raise ValueError(f"points: the component must {'rise' if rising else 'fall'} with the value")
        if not all(0 <= score <= 100 for score in scores):
            raise ValueError("points: components lie between 0 and 100")
        if "default" not in self.weight:
            raise ValueError("weight: a default is needed")
        return self


class BandLimits(Record):
    """A half-open range [from, to) of a 0 to 100 score; the last one includes 100."""

    name: str
    starts_at: float = Field(ge=0, lt=100)


def _bands_cover_everything(bands: tuple[BandLimits, ...]) -> tuple[BandLimits, ...]:
    starts = [band.starts_at for band in bands]
    if starts[0] != 0 or starts != sorted(set(starts)):
        raise ValueError("bands must start at 0 and rise, so that every score has exactly one")
    return bands


class MoneySettings(Record):
    """Home currency and the rates of the others, in home units for one unit."""

    home: str = Field(pattern="^[A-Z]{3}$")
    rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[float, Field(gt=0)]]
    rates_of: date
    why: str


class ScoringSettings(Record):
    """``configs/scoring.yaml``: signals, health and risk."""

    money: MoneySettings
    enterprise_above: Setting
    small_business_below: Setting
    category_weights: dict[Size, dict[Category, float]]
    signals: dict[str, Signal]
    lookback_days: dict[str, int]
    minimum_coverage: Setting
    confidence_high: Setting
    confidence_medium: Setting
    health_bands: tuple[BandLimits, ...]
    risk_tiers: tuple[BandLimits, ...]
    velocity_window: tuple[int, int]
    velocity_alarm: Setting
    velocity_concern: Setting
    velocity_improving: Setting
    degradation_points: Setting
    severity_below: Setting
    risk_scale: Setting
    cluster_points: Setting
    cluster_step: Setting
    renewal_horizon: Setting
    renewal_step: Setting
    at_risk_above: Setting
    notable_change: Setting
    churn_slope: Setting
    churn_midpoint: Setting
    outcomes_to_calibrate: Setting

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _bands_cover_everything(self.health_bands)
        _bands_cover_everything(self.risk_tiers)
        for size in SIZES:
            weights = self.category_weights.get(size, {})
            if set(weights) != set(CATEGORIES) or abs(sum(weights.values()) - 100) > 1e-9:
                raise ValueError(f"category_weights.{size}: all five categories, summing to 100")
        return self


class RuleCondition(Record):
    """A comparison of one signal's fresh value; false when the value is unknown."""

    signal: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        if sum(x is not None for x in (self.at_least, self.at_most, self.above, self.below)) != 1:
            raise ValueError("exactly one of at_least, at_most, above, below")
        return self


class TierRule(Record):
    """One rule of the intervention tiers; the first rule that holds decides."""

    id: str = Field(pattern="^[a-z_]+$")
    tier: Literal["critical", "high"]
    when: tuple[RuleCondition, ...] = Field(min_length=1, description="All must hold.")
    at_risk_when: tuple[RuleCondition, ...] = Field(
        default=(), description="Further conditions under which the rule alone puts an account at risk."
    )
    not_for: tuple[Size, ...] = Field(default=(), description="Sizes for which the rule is off.")
    says: str
    why: str


class ActionRule(Record):
    """Which primary action a signal asks for; the first that holds is the primary, the next the secondary."""

    id: str
    when: tuple[RuleCondition, ...] = Field(min_length=1)
    action: str
    owner_role: Role


class ActionDeadline(Record):
    """How soon an intervention tier must be acted on."""

    days: int = Field(ge=1, description="Calendar days to the last working day for the primary action.")
    urgency: Literal["immediate", "urgent", "standard"]
    says: str


class TierSettings(Record):
    """``configs/tiers.yaml``: who must be acted on, how soon, with what."""

    rules: tuple[TierRule, ...]
    watch_renewal_within: Setting
    due: dict[InterventionTier, ActionDeadline]
    actions: tuple[ActionRule, ...]
    default_action: str
    watch_action: str


class CauseEvidence(Record):
    """One fact that speaks for a cause: points grow with the severity of the signal."""

    signal: str
    points: float = Field(gt=0, le=60)
    why: str


class CauseRule(Record):
    """How one cause is recognised."""

    label: str
    evidence: tuple[CauseEvidence, ...] = Field(min_length=1)
    base_difficulty: Difficulty
    difficulty_why: str


class CauseSettings(Record):
    """``configs/causes.yaml``: the seven causes and how sure we must be."""

    causes: dict[Cause, CauseRule]
    minimum_points: Setting
    minimum_lead: Setting
    confident_points: Setting
    confident_lead: Setting
    tell_apart: dict[str, str] = Field(description="'cause_a/cause_b' in alphabetical order: the question.")
    tell_apart_default: str
    harder_within_days: Setting
    harder_below_health: Setting
    decision_lead_days: Setting
    floor_health: Setting


_UNSUPPORTED_SYNTAX = re.compile(r"\(\?<?[=!]|\(\?P=|\\[1-9]")
"""Parts of expressions that the engine, which reads all texts first, does not know."""


def _check_expressions(phrases: Iterable[str]) -> None:
    for phrase in phrases:
        try:
            re.compile(phrase.replace("{competitor}", "x"), re.IGNORECASE)  # as it is used: compiled once
        except re.error as error:
            raise ValueError(f"{phrase!r} is not a regular expression: {error}") from None


class Intent(Record):
    """A stated intent, found in what people wrote."""

    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions, case-insensitive.")
    unless: tuple[str, ...] = Field(default=(), description="A sentence that also matches one of these does not count.")
    tables: tuple[Literal["notes", "tickets", "surveys"], ...] = ("notes", "tickets", "surveys")
    why: str

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions((*self.phrases, *self.unless))
        for phrase in self.phrases:
            if _UNSUPPORTED_SYNTAX.search(phrase):
                raise ValueError(f"{phrase!r}: no look-around or back-reference; what rules it out goes into unless")
        return self


class PhraseSettings(Record):
    """``configs/phrases.yaml``: how stated intents and themes are found in text."""

    intents: dict[str, Intent]
    competitors: tuple[str, ...]
    negations: tuple[str, ...]
    window_days: Setting
    themes: dict[str, tuple[str, ...]]

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions((*self.negations, *(phrase for phrases in self.themes.values() for phrase in phrases)))
        return self


class ReviewProfile(Record):
    """How often and how wide the review is for a portfolio size."""

    id: str
    above_accounts: int = Field(ge=0, description="From this number of accounts on.")
    note: str
    list_size: int
    meeting_scope: int
    deep_dives: int
    minutes: int
    standup: bool
    interval_days: int = Field(ge=1, description="Days from one review to the next.")


class PhaseSettings(Record):
    """One phase of a save play: its name, its time, and how many actions it has."""

    label: str
    weeks: tuple[int, int] = Field(description="First and last week, as the title says it.")
    days: tuple[int, int] = Field(description="First and last calendar day after the play starts.")
    actions: int = Field(ge=3, description="Actions at most.")

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

    days_to_action: Setting
    kept: Setting
    churn_at_risk: Setting
    health_regained: Setting


class HoldSettings(Record):
    """Calendar holds: how long each kind takes, and the times at which they may start."""

    minutes: dict[HoldKind, int]
    first_at: time
    slot_minutes: Setting

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
    minutes: int
    lead: str


class SavePrior(Record):
    """What is believed before any outcome is known: a share and the number of cases it is worth."""

    saved: float = Field(gt=0)
    lost: float = Field(gt=0)


class AlertRule(Record):
    """One state of an account and the workflow that it starts."""

    id: str = Field(pattern="^[a-z_]+$")
    state: str
    when: tuple[RuleCondition, ...] = ()
    standing: Literal["any", "at_risk", "critical", "fell", "new", "resolved"] = "any"
    crm_field: str
    crm_value: str
    alert: str
    task: str


class ReviewSettings(Record):
    """``configs/review.yaml``: profiles, agenda, capacity, money and the calendar."""

    profiles: tuple[ReviewProfile, ...]
    agenda: tuple[AgendaBlock, ...]
    plan_rows_per_tier: Setting
    red_account_limit: Setting
    intervention_share: Setting
    planning_days: Setting
    hours_per_account: dict[Size, float]
    hours_why: str
    default_weekly_hours: dict[Role, float]
    hourly_rate: Setting
    weekly_budget: Setting
    concession_share: Setting
    save_priors: dict[Difficulty, SavePrior]
    save_priors_why: str
    late_becomes_missed: Setting
    pattern_minimum: Setting
    pattern_lift: Setting
    theme_minimum: Setting
    remembered_reviews: Setting
    regain_after_days: Setting
    targets: MetricTargets
    handovers_per_csm: Setting
    primary_action_hours: Setting
    secondary_after_days: Setting
    assign_owner_hours: Setting
    assign_owner_working_days: Setting
    watch_due_before_renewal: Setting
    overdue_renewal_working_days: Setting
    escalation_working_days: Setting
    holds: HoldSettings
    play_phases: dict[Phase, PhaseSettings]
    shortest_schedule: Setting
    first_touch_grace: Setting
    health_gain: Setting
    renewal_near_days: Setting
    decide_before_renewal: Setting
    manager_review_every: Setting
    holiday_country: str
    holiday_subdivision: str | None
    company_holidays: tuple[date, ...]
    time_zone: str
    meeting_starts: str
    weekly_check: Literal["monday", "tuesday", "wednesday", "thursday", "friday"]
    manager_review_week: Setting
    decision_week: Setting
    opportunity: dict[str, float]
    matrix: dict[str, str]
    questions: dict[Category, str]
    workflow: tuple[AlertRule, ...]

    @model_validator(mode="after")
    def _nothing_missing(self) -> Self:
        levels = ("high", "medium", "low")
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
        """How often and how wide the review is, by the number of accounts."""
        fitting = [profile for profile in self.profiles if accounts >= profile.above_accounts]
        return max(fitting, key=lambda profile: profile.above_accounts)

    @property
    def play_days(self) -> int:
        """Calendar days of a whole play."""
        return self.play_phases[PHASES[-1]].days[1] + 1


class TokenPrices(Record):
    """What tokens cost: by model, for a million read and a million written."""

    currency: str = Field(pattern="^[A-Z]{3}$")
    as_of: date
    models: dict[str, tuple[float, float]]

    def cost(self, model: str, read: int, written: int) -> float | None:
        """What so many tokens cost; None when the model is not in the table."""
        price = self.models.get(model)
        return round((read * price[0] + written * price[1]) / 1e6, 6) if price else None


class WordLists(Record):
    """Words, in lower case, that a model does not type itself."""

    numbers: tuple[str, ...]
    dates: tuple[str, ...]
    money: tuple[str, ...]
    directions: tuple[str, ...]
    internal: tuple[str, ...]
    """Never in a text meant for the customer."""
    concessions: tuple[str, ...]
    orders: tuple[str, ...]
    beginnings: tuple[str, ...]
    """Words that may begin a sentence, beside those of the playbooks: with a capital they are no names."""
    acronyms: tuple[str, ...]
    """Capitals that are no names."""


ModelRole = Literal["drafting", "briefing", "ask"]


class ModelSettings(Record):
    """``configs/model.yaml``: which model, how long, how much, and what it must not type."""

    name: str | None
    fast_name: str | None
    url: str | None
    roles: dict[ModelRole, Literal["strong", "fast"]]
    temperature: Setting
    seed: Setting
    timeout: Setting
    answer_tokens: Setting
    answer_bytes: Setting
    repair_rounds: Setting
    retries: Setting
    retry_first_wait: Setting
    retry_longest_wait: Setting
    at_once: Setting
    budget_seconds: Setting
    budget_tokens: Setting
    evidence_lines: Setting
    quotes: Setting
    sentence_length: Setting
    briefing_sentences: Setting
    ask_steps: Setting
    ask_tokens: Setting
    prices: TokenPrices
    words: WordLists
    words_why: str

    def model_for(self, role: ModelRole) -> str | None:
        """The name of the model that does this work; None when none is configured."""
        return (self.fast_name or self.name) if self.roles[role] == "fast" else self.name


QuestionKind = Literal["save_play", "why", "changes", "load", "late", "plan"]


class StatementRule(Record):
    """Something that whoever asks may say about an account: the signal it speaks of, and its value."""

    value: float
    says: str = Field(min_length=5, description="A clause that follows 'according to the person who asks'.")
    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions, case-insensitive.")

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions(self.phrases)
        return self


class PastAttemptRule(Record):
    """Something that was tried before and is not offered again."""

    says: str
    phrases: tuple[str, ...]

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions(self.phrases)
        return self


class AskSettings(Record):
    """``configs/ask.yaml``: how a question is read without a model."""

    kinds: dict[QuestionKind, tuple[str, ...]]
    close_enough: Setting
    ignored: tuple[str, ...]
    legal_forms: tuple[str, ...]
    tiers: dict[InterventionTier, tuple[str, ...]]
    months: tuple[tuple[str, ...], ...] = Field(min_length=12, max_length=12)
    said: dict[str, StatementRule]
    tried: dict[Literal["concession"], PastAttemptRule]
    examples: tuple[str, ...]


_RULE_CONTEXT = frozenset(("renewal_in_days", "active_users_before"))
"""What rules may ask for beside the signals."""


class ScoreConfiguration(Record):
    """What makes a score: all that is read of ``configs/`` where nothing but scores is wanted."""

    scoring: ScoringSettings
    tiers: TierSettings
    wording: PhraseSettings
    scoring_hash: str
    """Hash of these three files."""

    @model_validator(mode="after")
    def _signals_known(self) -> Self:
        rules = [(rule.id, (*rule.when, *rule.at_risk_when)) for rule in self.tiers.rules]
        rules += [(rule.id, rule.when) for rule in self.tiers.actions]
        self._refuse_unknown(("tiers.yaml", name, each.signal) for name, conditions in rules for each in conditions)
        return self

    def _refuse_unknown(self, used: Iterable[tuple[str, str, str]]) -> None:
        for file, place, signal in used:
            if signal not in self.scoring.signals and signal not in _RULE_CONTEXT:
                raise ValueError(f"{file}: {place}: unknown signal {signal!r}")


ConfigurationT = TypeVar("ConfigurationT", bound=ScoreConfiguration)
"""The whole configuration or the part that makes a score, whichever was asked for."""


class Configuration(ScoreConfiguration):
    """All of ``configs/``, read once."""

    causes: CauseSettings
    review: ReviewSettings
    model: ModelSettings
    asking: AskSettings
    playbooks: dict[str, Playbook]
    hash: str
    """Hash of everything, for the record of the review."""

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Every word that the playbooks use, in small letters."""
        words = (re.findall(r"[A-Za-zÀ-ÖØ-öø-ÿ]+", book.model_dump_json()) for book in self.playbooks.values())
        return frozenset(word.lower() for found in words for word in found)

    @model_validator(mode="after")
    def _names_known(self) -> Self:
        used = [("review.yaml", rule.id, c.signal) for rule in self.review.workflow for c in rule.when]
        used += [("review.yaml", "opportunity", name) for name in self.review.opportunity]
        used += [("ask.yaml", "said", name) for name in self.asking.said]
        used += [("causes.yaml", name, f.signal) for name, rule in self.causes.causes.items() for f in rule.evidence]
        self._refuse_unknown(used)
        known = self.scoring.signals.keys() | _RULE_CONTEXT
        for name, playbook in self.playbooks.items():
            for action in (*playbook.stabilise, *playbook.address, *playbook.rebuild):
                unknown = set(action.signals) - known
                if unknown:
                    raise ValueError(f"playbooks/{name}.yaml: {action.id}: unknown signal {sorted(unknown)[0]!r}")
        return self
