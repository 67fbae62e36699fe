"""Configuration of a team: one model for each file under ``configs/``. Units and reasons of the numbers are in the YAML files."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, time
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from pydantic import Field, model_validator

from domain.churn_settings import ChurnSettings, without_retired_keys
from domain.fact_settings import FactSettings
from domain.own_signals import COMPARED, OWN, OWN_ACCOUNTS, OWN_NAME, WINDOWED, OwnMeasure, SignalPair, own_tables
from domain.plan_language import PlanVocabulary
from domain.playbook import DIAGNOSIS, PHASES, Difficulty, Phase, Playbook, PlaybookAction, Role, Situation
from domain.record import Record
from domain.setting import (
    MAX_DAYS,
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
    Weeks,
    Weight,
)
from domain.tables import TABLES, Table

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


class ConfigurationFiles(Record):
    """The files of a configuration folder as a review began with them."""

    files: dict[str, str]
    """Content by path in the folder, like ``scoring.yaml`` or ``playbooks/value_gap.yaml``."""


class Freshness(Record):
    """Age limit of a signal in days; an older value counts as unknown.

    ``counted_from``: age is counted from the account's own row, or from the day on which the whole source was last seen.
    ``events_stand``: a stale source cannot show that nothing happened, but an event that it recorded still counts.
    """

    days: int | None = Field(ge=0, le=MAX_DAYS, description="None: the table carries no dates to judge by.")
    counted_from: Literal["row", "source"] = "row"
    events_stand: bool = False


class SignalPhrases(Record):
    """Sentences for a signal's value by direction. ``{value}`` is the value with its unit."""

    worse: str
    better: str
    steady: str


_WINDOW_WORDS = {
    30: "thirty days", 60: "sixty days", 90: "ninety days", 180: "half a year", 365: "twelve months",
}  # fmt: skip


def _with_window(text: Any, days: int) -> Any:
    """The text with the window in it: usual ones in words."""
    if not isinstance(text, str):
        return text
    return text.replace("{window_days}", str(days)).replace("{window}", _WINDOW_WORDS.get(days, f"{days} days"))


class Signal(Record):
    """Meaning of one signal. Its measurement is SQL in ``tools/signals/<category>.sql``, or ``own``."""

    label: str
    category: Category
    pillar: Pillar
    table: str
    unit: Unit
    worse_when: Literal["lower", "higher"]
    points: tuple[tuple[Number, Number], ...] = Field(
        min_length=2, description="(value, component 0 to 100), values rising; straight lines between, flat outside."
    )
    weight: dict[Literal["default"] | Size, Weight] = Field(description="Share of its category.")
    risk: float = Field(ge=0, le=60, description="Risk points at full severity.")
    window_days: int | None = Field(
        default=None,
        ge=1,
        le=MAX_DAYS,
        description="How far back it looks; its SQL has it as :window_<signal>. None: no window.",
    )
    fresh: Freshness
    says: SignalPhrases
    why: str = Field(min_length=10)
    own: OwnMeasure | None = Field(default=None, description="For a signal of a team's own: what it is measured from.")

    @model_validator(mode="before")
    @classmethod
    def _say_the_window(cls, given: Any) -> Any:
        """Fill ``{window}`` and ``{window_days}`` in label and phrases, so that a changed window is said."""
        if not isinstance(given, dict) or not isinstance(days := given.get("window_days"), int):
            return given
        says = given.get("says")
        says = {key: _with_window(text, days) for key, text in says.items()} if isinstance(says, dict) else says
        return {**given, "label": _with_window(given.get("label"), days), "says": says}

    @model_validator(mode="after")
    def _window_known(self) -> Self:
        if "{window" in f"{self.label} {self.says.worse} {self.says.better} {self.says.steady}":
            raise ValueError("{window} in label or says: window_days is missing")
        return self

    @model_validator(mode="after")
    def _own_measure_fits(self) -> Self:
        if self.own is None:
            return self
        take = self.own.take
        if not re.fullmatch(OWN_NAME, self.table):
            raise ValueError(
                f"table: an own signal is measured from {OWN_ACCOUNTS} (columns of the accounts) or from a table of your own, "
                "whose name begins with own_ and has small letters, digits and _"
            )
        if self.unit == "step":
            raise ValueError("unit: step belongs to the champion; use count for an own signal")
        if self.table == OWN_ACCOUNTS and (take != "latest" or self.fresh.days is not None):
            raise ValueError(
                f"{OWN_ACCOUNTS} has no days: leave out take and window_days, and write fresh: {{days: null}}"
            )
        if (take in WINDOWED) != (self.window_days is not None):
            raise ValueError(
                f"window_days: take {take} {'needs it' if take in WINDOWED else 'has no window; leave it out'}"
            )
        return self

    @property
    def days_read(self) -> int:
        """Days that it looks back; a comparison of two windows looks back two."""
        windows = 2 if self.own is not None and self.own.take in COMPARED else 1
        return windows * (self.window_days or 0)

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
    """Range [from, to) of a score from 0 to 100; it ends where the next begins, and the last includes 100."""

    name: str
    starts_at: float = Field(ge=0, lt=100)


def _check_bands(key: str, bands: tuple[BandLimits, ...], names: tuple[str, ...]) -> None:
    starts = [band.starts_at for band in bands]
    if starts[0] != 0 or starts != sorted(set(starts)):
        raise ValueError(f"{key}: bands must start at 0 and rise, so that every score has exactly one")
    if tuple(band.name for band in bands) != names:
        raise ValueError(f"{key}: the bands are {', '.join(names)}, in this order")


class MoneySettings(Record):
    """Home currency, and rates of other currencies: home units for one unit."""

    home: str = Field(pattern="^[A-Z]{3}$")
    rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]]
    rates_of: date
    why: str


_TABLE_LIMIT = Setting(value=0.5, unit="share of rows", why="What is left of such a table is not what happened.")
_ACCOUNTS_LIMIT = Setting(value=0.2, unit="share of rows", why="Without a fifth of the accounts it is another base.")


class ScoringSettings(Record):
    """``configs/scoring.yaml``: signals, health and risk."""

    money: MoneySettings
    enterprise_above: Money
    small_business_below: Money
    category_weights: dict[Size, dict[Category, Weight]]
    signals: dict[str, Signal]
    lookback_days: dict[str, Day]
    data_ends_before_days: Days = Setting(value=14, unit="days", why="Two missed weekly exports; one can be a holiday.")
    left_out_limits: dict[str, Share] = Field(
        default={"default": _TABLE_LIMIT, "accounts": _ACCOUNTS_LIMIT},
        description="By table, or default: the share of its rows that may be left out.",
    )
    left_out_minimum: Count = Setting(value=20, unit="rows", why="A few bad rows of a short list are mended by hand.")
    left_out_noticed: Share = Setting(value=0.05, unit="share of rows", why="A few bad rows in a hundred are usual.")
    minimum_coverage: Share
    confidence_high: Share
    confidence_medium: Share
    health_bands: tuple[BandLimits, ...] = Field(min_length=1)
    risk_tiers: tuple[BandLimits, ...] = Field(min_length=1)
    velocity_days: SomeDays
    velocity_window: tuple[Day, Day]
    history_weeks: Weeks
    velocity_alarm: Setting
    velocity_concern: Setting
    velocity_improving: Setting
    degradation_points: Points
    severity_below: Points
    risk_scale: SomeCount
    cluster_points: Points
    cluster_step: Factor
    renewal_horizon: SomeDays
    renewal_step: Factor
    at_risk_above: Points
    notable_change: Points
    renewal_question_after: Days = Setting(value=365, unit="days", why="A yearly contract would have renewed again.")
    came_back_used_after: Days = Setting(value=7, unit="days", why="Data are taken along for some days after the end.")
    came_back_billed_after: Days = Setting(value=60, unit="days", why="The last invoice falls due after the end.")
    churn: ChurnSettings = ChurnSettings()
    pairs: tuple[SignalPair, ...] = Field(default=(), max_length=12, description="Signals that count together.")

    @model_validator(mode="before")
    @classmethod
    def _drop_retired_keys(cls, given: Any) -> Any:
        return without_retired_keys(given)

    @property
    def own_signals(self) -> dict[str, Signal]:
        """The signals that the team added from its own data."""
        return {name: signal for name, signal in self.signals.items() if signal.own is not None}

    @property
    def tables(self) -> dict[str, Table]:
        """Every input table: those of the product, and those that own signals are measured from."""
        return {**TABLES, **self.own_tables}

    @property
    def own_tables(self) -> dict[str, Table]:
        """The tables that own signals are measured from, by name."""
        return own_tables((each.table, each.own) for each in self.own_signals.values() if each.own)

    @model_validator(mode="after")
    def _own_signals_named(self) -> Self:
        for name, signal in self.signals.items():
            if (signal.own is not None) != name.startswith(OWN):
                reason = (
                    "own is missing: say which column it is measured from"
                    if signal.own is None
                    else ("the name of an own signal begins with own_")
                )
                raise ValueError(f"signals.{name}: {reason}")
            if signal.own is not None and (not re.fullmatch(OWN_NAME, name) or name.endswith("_on")):
                raise ValueError(
                    f"signals.{name}: up to 40 small letters, digits and _ after own_, and no _on at the end"
                )
        try:
            _ = self.own_tables
        except ValueError as error:
            raise ValueError(f"signals: {error}") from None
        unknown = [name for pair in self.pairs for name in pair.signals if name not in self.signals]
        if unknown:
            raise ValueError(f"pairs: unknown signal {unknown[0]!r}")
        return self

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _check_bands("health_bands", self.health_bands, ("red", "yellow", "green"))
        _check_bands("risk_tiers", self.risk_tiers, ("low", "medium", "high", "critical"))
        nearest, farthest = self.velocity_window
        if nearest > farthest:
            raise ValueError(f"velocity_window: write the fewer days first, like [{farthest}, {nearest}]")
        for size in SIZES:
            weights = self.category_weights.get(size, {})
            if set(weights) != set(CATEGORIES) or abs(sum(weights.values()) - 100) > 1e-9:
                raise ValueError(f"category_weights.{size}: all five categories, summing to 100")
        for name in self.left_out_limits:
            if name != "default" and name not in self.tables:
                raise ValueError(f"left_out_limits.{name}: no such table; use default, {', '.join(self.tables)}")
        if "default" not in self.left_out_limits:
            raise ValueError("left_out_limits: a default is needed")
        for name, signal in self.signals.items():
            read = self.lookback_days.get(signal.table)
            if read is not None and signal.days_read > read:
                raise ValueError(
                    f"signals.{name}.window_days: only {read} days of {signal.table} are read (lookback_days)"
                )
        return self


class RuleCondition(Record):
    """A comparison of one signal's fresh value; false when the value is unknown."""

    signal: str
    at_least: Number | None = None
    at_most: Number | None = None
    above: Number | None = None
    below: Number | None = None

    @model_validator(mode="after")
    def _one_comparison(self) -> Self:
        if sum(x is not None for x in (self.at_least, self.at_most, self.above, self.below)) != 1:
            raise ValueError("exactly one of at_least, at_most, above, below")
        return self


class TierRule(Record):
    """One rule of the intervention tiers; the first rule that holds decides."""

    id: str = Field(pattern="^[a-z_]+$")
    tier: Literal["critical", "high", "medium"]
    when: tuple[RuleCondition, ...] = Field(min_length=1, description="All must hold.")
    at_risk_when: tuple[RuleCondition, ...] = Field(
        default=(),
        description="Further conditions under which the rule alone puts an account at risk; they may name the score, risk.",
    )
    not_for: tuple[Size, ...] = Field(default=(), description="Sizes for which the rule is off.")
    says: str
    why: str


class ActionRule(Record):
    """Primary action that a signal asks for; the first rule that holds gives the primary action, the next the secondary."""

    id: str
    when: tuple[RuleCondition, ...] = Field(min_length=1)
    action: str
    owner_role: Role


class ActionDeadline(Record):
    """Deadline for the primary action of an intervention tier."""

    days: int = Field(ge=1, le=366, description="Calendar days to the last working day for the primary action.")
    urgency: Literal["immediate", "urgent", "standard"]
    says: str


class TierSettings(Record):
    """``configs/tiers.yaml``: rules of the intervention tiers, deadlines and primary actions."""

    rules: tuple[TierRule, ...] = Field(min_length=1)
    watch_renewal_within: Days
    due: dict[InterventionTier, ActionDeadline]
    actions: tuple[ActionRule, ...]
    default_action: str
    watch_action: str
    overdue_action: str = "Agree an extension or a bridge"


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


_UNSUPPORTED_SYNTAX = re.compile(r"\(\?<?[=!]|\(\?P=|\\[1-9]")
"""Syntax of Python's regular expressions that the engine does not support; the engine searches all texts first."""


def _check_expressions(phrases: Iterable[str]) -> None:
    for phrase in phrases:
        try:
            re.compile(phrase.replace("{competitor}", "x"), re.IGNORECASE)  # as it is used: compiled once
        except re.error as error:
            raise ValueError(f"{phrase!r} is not a regular expression: {error}") from None


class Intent(Record):
    """Stated intent, with the phrases that show it in a text."""

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
    """``configs/phrases.yaml``: phrases of stated intents and themes."""

    intents: dict[str, Intent]
    competitors: tuple[str, ...]
    negations: tuple[str, ...]
    conditions: tuple[str, ...] = Field(
        default=(), description="A sentence that matches one of these counts for no intent."
    )
    window_days: SomeDays
    themes: dict[str, tuple[str, ...]]

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        themes = (phrase for phrases in self.themes.values() for phrase in phrases)
        _check_expressions((*self.negations, *self.conditions, *themes))
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


ModelRole = Literal["drafting", "briefing", "ask"]


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
    budget_seconds: Seconds
    budget_tokens: Tokens
    evidence_lines: Count
    quotes: Count
    sentence_length: Quantity
    briefing_sentences: SomeCount
    ask_steps: SomeCount
    ask_tokens: Quantity
    prices: TokenPrices
    words: WordLists
    words_why: str

    def model_for(self, role: ModelRole) -> str | None:
        """Name of the model for this work; None when none is configured."""
        return (self.fast_name or self.name) if self.roles[role] == "fast" else self.name


QuestionKind = Literal["save_play", "why", "changes", "load", "late", "plan"]


class StatementRule(Record):
    """Statement that a person may make about an account, with the value of the signal that it means."""

    value: Number
    says: str = Field(min_length=5, description="A clause that follows 'according to the person who asks'.")
    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions, case-insensitive.")

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions(self.phrases)
        return self


class PastAttemptRule(Record):
    """Attempt of the past whose kind of action is not offered again."""

    says: str
    phrases: tuple[str, ...]

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        _check_expressions(self.phrases)
        return self


FactTopic = Literal[
    "renewal", "owner", "sponsor", "amount", "people", "tickets", "said", "met", "owed", "health", "invoices", "usage", "goals"
]  # fmt: skip
"""Topics of questions about one account."""


class FilterRule(Record):
    """Words that stand for a filter on accounts, and the filter."""

    field: str
    values: tuple[str, ...] = ()
    low: Number | None = None
    known: bool | None = None
    says: str
    phrases: tuple[str, ...] = Field(min_length=1, description="Regular expressions over plain small letters.")


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
    groups: dict[Literal["segment", "csm", "sponsor", "stage", "band", "tier"], tuple[str, ...]]
    filters: tuple[FilterRule, ...]
    no_filter: frozenset[str]
    refused: tuple[RefusalRule, ...]
    lost: tuple[str, ...]
    examples: tuple[str, ...]

    @model_validator(mode="after")
    def _query_expressions_are_valid(self) -> Self:
        phrases = [self.briefing, self.comparing, self.accounts, self.lost]
        phrases += [*self.topics.values(), *self.measures.values(), *self.groups.values()]
        phrases += [rule.phrases for rule in self.filters] + [rule.phrases for rule in self.refused]
        for group in phrases:
            _check_expressions(group)
        return self


RISK_SCORE = "risk"
"""Name of the risk score in ``at_risk_when``."""
_RULE_CONTEXT = frozenset(("renewal_in_days", "active_users_before"))
"""Values besides the signals that rules may use."""


class ScoreConfiguration(Record):
    """Part of ``configs/`` that a score needs: scoring, tiers and phrases. ``score`` and ``check`` read only this."""

    scoring: ScoringSettings
    tiers: TierSettings
    wording: PhraseSettings
    scoring_hash: str
    """Hash of these three files."""

    @property
    def windows(self) -> dict[str, int]:
        """Days that each signal with a window looks back; ``texts`` is how far back texts are read.

        ``overdue_renewal`` is how long a renewal may be past and still count.
        """
        windows = {name: s.window_days for name, s in self.scoring.signals.items() if s.window_days is not None}
        overdue = int(self.scoring.renewal_question_after.value)
        return {**windows, "overdue_renewal": overdue, "texts": int(self.wording.window_days.value)}

    @model_validator(mode="after")
    def _signals_known(self) -> Self:
        rules: list[tuple[str, Sequence[RuleCondition]]] = [
            (rule.id, (*rule.when, *(each for each in rule.at_risk_when if each.signal != RISK_SCORE)))
            for rule in self.tiers.rules
        ]
        rules += [(rule.id, rule.when) for rule in self.tiers.actions]
        self._refuse_unknown(("tiers.yaml", name, each.signal) for name, conditions in rules for each in conditions)
        return self

    def _refuse_unknown(self, used: Iterable[tuple[str, str, str]]) -> None:
        for file, place, signal in used:
            if signal not in self.scoring.signals and signal not in _RULE_CONTEXT:
                raise ValueError(f"{file}: {place}: unknown signal {signal!r}")


ConfigurationT = TypeVar("ConfigurationT", bound=ScoreConfiguration)
"""The whole configuration, or only the part for scores."""


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
        known = self.scoring.signals.keys() | _RULE_CONTEXT
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
