"""Part of a team's configuration that a score needs: scoring, tiers and phrases. The rest is in `domain.configuration`."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from domain.churn_settings import ChurnSettings, without_retired_keys
from domain.own_signals import COMPARED, OWN, OWN_ACCOUNTS, OWN_NAME, WINDOWED, OwnMeasure, SignalPair, own_tables
from domain.record import Record
from domain.setting import (
    MAX_DAYS,
    Count,
    Day,
    Days,
    Factor,
    Money,
    Number,
    Points,
    Setting,
    Share,
    SomeCount,
    SomeDays,
    Weeks,
    Weight,
)
from domain.tables import TABLES, Role, Table

Category = Literal["usage", "support", "sentiment", "relationship", "commercial"]
Pillar = Literal["engagement", "satisfaction", "adoption", "outcomes"]
Unit = Literal[
    "percent", "percent_change", "days", "count", "ratio", "score_10", "score_10_change", "score_5", "step", "per_user"
]
Size = Literal["enterprise", "mid_market", "small_business"]
InterventionTier = Literal["critical", "high", "medium", "watch"]

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


_UNSUPPORTED_SYNTAX = re.compile(r"\(\?<?[=!]|\(\?P=|\\[1-9]")
"""Syntax of Python's regular expressions that the engine does not support; the engine searches all texts first."""


def check_expressions(phrases: Iterable[str]) -> None:
    """Refuse a phrase that the engine cannot search for. Raises ValueError naming it."""
    for phrase in phrases:
        try:
            re.compile(phrase.replace("{competitor}", "x"))  # as it is used, so that Python compiles it once
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
        check_expressions((*self.phrases, *self.unless))
        for phrase in self.phrases:
            if _UNSUPPORTED_SYNTAX.search(phrase):
                raise ValueError(f"{phrase!r}: no look-around or back-reference; what rules it out goes into unless")
        return self


class StatementKind(Record):
    """Kind of thing that somebody may state in a text, whoever reads it: phrases, a model or a person."""

    label: str
    definition: str = Field(min_length=10, description="One sentence: what has to be said for it to be this kind.")
    signals: tuple[str, ...] = Field(default=(), description="Stated signals that a text of this kind counts for.")
    why: str


class PhraseSettings(Record):
    """``configs/phrases.yaml``: kinds of statements, phrases of stated intents, and themes."""

    kinds: dict[str, StatementKind] = Field(default={}, description="None in files of an older form.")
    intents: dict[str, Intent]
    competitors: tuple[str, ...]
    negations: tuple[str, ...]
    conditions: tuple[str, ...] = Field(
        default=(), description="A sentence that matches one of these counts for no intent."
    )
    window_days: SomeDays
    themes: dict[str, tuple[str, ...]]

    def signals_of(self, kind: str) -> tuple[str, ...]:
        """The stated signals that a text of this kind counts for; an intent without an entry counts for itself."""
        if kind in self.kinds:
            return self.kinds[kind].signals
        return (kind,) if kind in self.intents else ()

    @model_validator(mode="after")
    def _kinds_are_known(self) -> Self:
        for name, kind in self.kinds.items():
            unknown = [signal for signal in kind.signals if signal not in self.intents]
            if unknown:
                raise ValueError(f"kinds: {name}: no signal {unknown[0]!r} is stated; use {', '.join(self.intents)}")
        return self

    @model_validator(mode="after")
    def _expressions_are_valid(self) -> Self:
        themes = (phrase for phrases in self.themes.values() for phrase in phrases)
        check_expressions((*self.negations, *self.conditions, *themes))
        return self


RISK_SCORE = "risk"
"""Name of the risk score in ``at_risk_when``."""
RULE_CONTEXT = frozenset(("renewal_in_days", "active_users_before"))
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
            if signal not in self.scoring.signals and signal not in RULE_CONTEXT:
                raise ValueError(f"{file}: {place}: unknown signal {signal!r}")


ConfigurationT = TypeVar("ConfigurationT", bound=ScoreConfiguration)
"""The whole configuration, or only the part for scores."""
