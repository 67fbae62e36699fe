"""The scores of ``saveplay score`` in Polars: lazy scans, one query, the streaming engine.

Run as ``python -m bench.polars_scores FOLDER --as-of 2026-11-23`` on a folder written by ``bench/portfolio.py``. The
benchmark compares it with the product: the same signals, health, risk and order, with the numbers of ``configs/``. It
assumes a first week: without a history there is no velocity.
"""

import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from bench.common import COMPARE, KEY, print_worst_accounts
from domain.configuration import Configuration
from domain.score_configuration import (
    CATEGORIES,
    SIZES,
    PhraseSettings,
    RuleCondition,
    ScoringSettings,
    Signal,
    TierRule,
)
from tools.configuration import read_configuration
from tools.signals import OBSERVED_ON
from tools.signals.statements import StatementFinder, TextRow


@dataclass(frozen=True)
class Export:
    """A folder of Parquet files, read as known on the review date."""

    folder: Path
    as_of: date
    scoring: ScoringSettings

    def scan(self, table: str) -> pl.LazyFrame:
        """A whole table, from a file or a folder of files."""
        path = self.folder / table
        return pl.scan_parquet(path / "*.parquet" if path.is_dir() else path.with_suffix(".parquet"))

    def rows(self, table: str, dated: str) -> pl.LazyFrame:
        """The rows of the look-back up to the review date, with their ``age`` in days."""
        first = self.as_of - timedelta(days=self.scoring.lookback_days.get(table, 36_500))
        rows = self.scan(table).filter(pl.col(dated).is_between(first, self.as_of))
        return rows.with_columns(age=self.age(dated))

    def age(self, day: str) -> pl.Expr:
        """Whole days before the review date."""
        return (pl.lit(self.as_of) - pl.col(day)).dt.total_days()

    def known(self, day: str) -> pl.Expr:
        """The day, or null if it is after the review date."""
        return pl.when(pl.col(day) <= self.as_of).then(pl.col(day))

    def seen(self, *days: str) -> pl.Expr:
        """The latest day in a table, which shows how fresh the source is."""
        return pl.max_horizontal(self.known(day).max() for day in days)

    def home(self, amount: str, currency: pl.Expr) -> pl.Expr:
        """An amount in the home currency."""
        money = self.scoring.money
        rates = money.rates | {money.home: 1.0}
        rate = currency.str.to_uppercase().fill_null(money.home).replace_strict(rates, return_dtype=pl.Float64)
        return round_half_up(pl.col(amount).cast(pl.Float64) * rate, 2)


def round_half_up(value: pl.Expr, decimals: int = 6) -> pl.Expr:
    """Round to so many decimals, halves away from zero, like the engine."""
    return value.round(decimals, mode="half_away_from_zero")


def table_facts(rows: pl.LazyFrame, **expressions: pl.Expr) -> dict[str, Any]:
    """Values of a whole table by name, read with the streaming engine."""
    return rows.select(**expressions).collect(engine="streaming").row(0, named=True)


def has_values(column: str) -> pl.Expr:
    """True if any row fills the column. An empty column cannot prove that nothing happened."""
    return pl.col(column).is_not_null().any()


def read_accounts(export: Export) -> pl.LazyFrame:
    """The accounts, with ARR in the home currency and their size."""
    accounts = export.scan("accounts").select(
        KEY,
        "renewal_date",
        "started_on",
        "seats",
        contract_arr=pl.col("arr").cast(pl.Float64),
        arr=export.home("arr", pl.col("currency")),
    )
    size = (
        pl.when(pl.col("arr") > export.scoring.enterprise_above.value)
        .then(pl.lit("enterprise"))
        .when(pl.col("arr") < export.scoring.small_business_below.value)
        .then(pl.lit("small_business"))
        .otherwise(pl.lit("mid_market"))
    )
    return accounts.with_columns(size=size)


def percent_change(now: str, before: str) -> pl.Expr:
    """Change from ``before`` to ``now`` in percent; unknown where there was nothing before."""
    return pl.when(pl.col(before) > 0).then(100 * (pl.col(now) - pl.col(before)) / pl.col(before))


def with_usage(accounts: pl.LazyFrame, export: Export) -> pl.LazyFrame:
    """Add trends over four weeks, breadth, and measured silence."""
    now, before, users = pl.col("age") < 28, pl.col("age").is_between(28, 55), pl.col("active_users")
    windows = (
        export.rows("usage", "date")
        .group_by(KEY)
        .agg(
            usage_on=pl.when(users.is_not_null()).then(pl.col("date")).max(),
            # Each signal is as old as the newest row that has its own column.
            actions_on=pl.when(pl.col("core_actions").is_not_null()).then(pl.col("date")).max(),
            logins_on=pl.when(pl.col("logins").is_not_null()).then(pl.col("date")).max(),
            features_on=pl.when(pl.col("features_used").is_not_null()).then(pl.col("date")).max(),
            last_row=pl.when(users.is_not_null()).then(pl.col("age")).min(),
            first_row=pl.when(users.is_not_null()).then(pl.col("age")).max(),
            last_active=pl.when(users > 0).then(pl.col("age")).min(),
            active_users_now=pl.when(now).then(users).mean(),
            active_users_before=pl.when(before).then(users).mean(),
            actions_now=pl.when(now).then(pl.col("core_actions")).mean(),
            actions_before=pl.when(before).then(pl.col("core_actions")).mean(),
            logins=pl.when(now).then(pl.col("logins")).sum(),
            days_of_logins=pl.when(now).then(pl.col("logins")).count(),
            user_days=pl.when(now).then(users).sum(),
            feature_breadth=pl.when(now).then(pl.col("features_used")).max(),
        )
    )
    seats, has_logins = pl.col("seats"), (pl.col("user_days") > 0) & (pl.col("days_of_logins") > 0)
    last, first = pl.col("last_row"), pl.col("first_row")
    return accounts.join(windows, on=KEY, how="left").with_columns(
        active_users_trend=percent_change("active_users_now", "active_users_before"),
        core_actions_trend=percent_change("actions_now", "actions_before"),
        seat_utilisation=pl.when(seats > 0).then((100 * pl.col("active_users_now") / seats).clip(upper_bound=100)),
        logins_per_user=pl.when(has_logins).then(pl.col("logins") / pl.col("user_days")),
        days_silent=(pl.col("last_active") - last).fill_null(first - last + 1),
    )


def with_support(accounts: pl.LazyFrame, export: Export) -> pl.LazyFrame:
    """Add counts of tickets, and ratings of support. When tickets are connected, no ticket is a measured zero."""
    tickets, age, quarter = export.rows("tickets", "opened_at"), pl.col("age"), pl.col("age") <= 90
    whole = table_facts(
        tickets,
        seen=export.seen("opened_at", "closed_at"),
        escalated=has_values("escalated"),
        breached=has_values("sla_breached"),
        priority=has_values("priority"),
        ends=has_values("closed_at"),
    )
    is_open = export.known("closed_at").is_null()
    counts = tickets.group_by(KEY).agg(
        month_now=(age <= 30).sum(),
        months_before=age.is_between(31, 120).sum(),
        escalations=(pl.col("escalated") & quarter).sum(),
        open_escalations=(pl.col("escalated") & is_open).sum(),
        sla_breaches=(pl.col("sla_breached") & quarter).sum(),
        oldest_urgent_ticket=pl.when(pl.col("priority").is_in(["high", "urgent"]) & is_open).then(age).max(),
    )
    rated = tickets.filter(quarter, pl.col("csat").is_not_null()).select(KEY, date="opened_at", score="csat")
    asked = export.rows("surveys", "date").filter(pl.col("kind") == "csat", quarter).select(KEY, "date", "score")
    ratings = pl.concat([rated, asked]).group_by(KEY)
    month = pl.col("month_now").fill_null(0)
    ratio = month / (pl.col("months_before").fill_null(0) / 3).clip(lower_bound=1)

    def count(column: str, known: bool) -> pl.Expr:
        return pl.when(pl.lit(known)).then(pl.col(column).fill_null(0))

    return (
        accounts.join(counts, on=KEY, how="left")
        .join(ratings.agg(support_csat=pl.col("score").mean(), rated_on=pl.col("date").max()), on=KEY, how="left")
        .with_columns(
            ticket_spike=pl.when(month >= 5).then(ratio).otherwise(ratio.clip(upper_bound=1)),
            escalations=count("escalations", whole["escalated"]),
            open_escalations=count("open_escalations", whole["escalated"] and whole["ends"]),
            sla_breaches=count("sla_breaches", whole["breached"]),
            oldest_urgent_ticket=count("oldest_urgent_ticket", whole["priority"] and whole["ends"]),
            tickets_on=pl.lit(whole["seen"], dtype=pl.Date),
        )
    )


def texts_within(export: Export, days: float) -> pl.LazyFrame:
    """Texts of the last ``days`` days: notes, tickets and survey comments."""
    written = pl.concat_str("subject", "body", separator=". ", ignore_nulls=True)
    is_written = pl.any_horizontal(pl.col("subject", "body").is_not_null())
    tickets = export.rows("tickets", "opened_at").filter(is_written)
    parts = [
        export.rows("notes", "date").select(KEY, "age", "date", "text", table=pl.lit("notes")),
        tickets.select(KEY, "age", date="opened_at", text=written, table=pl.lit("tickets")),
        export.rows("surveys", "date").select(KEY, "age", "date", text="comment", table=pl.lit("surveys")),
    ]
    return pl.concat(parts).filter(pl.col("age") <= days, pl.col("text").is_not_null())


def count_statements(texts: pl.LazyFrame, wording: PhraseSettings) -> pl.LazyFrame:
    """Stated intents per account, one column each. Only texts that contain a phrase are read sentence by sentence.

    Each phrase is searched separately in a prepared column: one expression for all phrases, or replacing spaces within
    the filter, takes many times as long.
    """
    names = "(?:" + "|".join(re.escape(name) for name in wording.competitors) + ")"
    phrases = [phrase.replace("{competitor}", names) for rule in wording.intents.values() for phrase in rule.phrases]
    spaced = texts.with_columns(spaced=pl.col("text").str.replace_all(r"\s+", " "))
    likely = spaced.filter(pl.any_horizontal(pl.col("spaced").str.contains(f"(?i){phrase}") for phrase in phrases))
    columns = likely.select(KEY, "date", "table", "text").collect(engine="streaming").iter_rows()
    rows = (TextRow(account, day, table, number, text) for number, (account, day, table, text) in enumerate(columns))
    stated = [(statement.account_id, statement.intent) for statement in StatementFinder(wording).find(rows)]
    found = pl.LazyFrame(stated, schema={KEY: pl.String, "intent": pl.String}, orient="row")
    return found.group_by(KEY).agg((pl.col("intent") == intent).sum().alias(intent) for intent in wording.intents)


def lowest_by_day(rows: pl.LazyFrame, value: str) -> pl.LazyFrame:
    """One row per account and day, with the lowest value of that day."""
    return rows.group_by(KEY, "date").agg(pl.col(value).min())


def with_sentiment(accounts: pl.LazyFrame, export: Export, wording: PhraseSettings) -> pl.LazyFrame:
    """Add NPS, the CSM's pulse, and stated intents; "nothing stated" is known only where somebody wrote something."""
    by_day = pl.col("score").sort_by("date", descending=True)
    answers = lowest_by_day(export.rows("surveys", "date").filter(pl.col("kind") == "nps"), "score").group_by(KEY)
    nps = answers.agg(nps=by_day.first(), nps_before=by_day.slice(1, 1).first(), answered_on=pl.col("date").max())
    pulses = lowest_by_day(export.rows("notes", "date").filter(pl.col("pulse").is_not_null()), "pulse").group_by(KEY)
    pulse = pulses.agg(csm_pulse=pl.col("pulse").sort_by("date").last(), felt_on=pl.col("date").max())
    texts = texts_within(export, wording.window_days.value)
    written = texts.group_by(KEY).agg(written_on=pl.col("date").max())
    for part in (nps, pulse, written, count_statements(texts, wording)):
        accounts = accounts.join(part, on=KEY, how="left")
    stated = pl.when(pl.col("written_on").is_not_null()).then(pl.col(*wording.intents).fill_null(0))
    return accounts.with_columns(stated, nps_change=pl.col("nps") - pl.col("nps_before"))


def with_relationship(accounts: pl.LazyFrame, export: Export) -> pl.LazyFrame:
    """Add meetings, answers and departures. No touchpoint on record is a gap in the data, not neglect."""
    contacts = export.scan("contacts")
    kind, age, attended = pl.col("kind"), pl.col("age"), pl.col("attended")
    with_power = kind.is_in(["qbr", "call"]) & pl.col("role").is_in(["exec_sponsor", "economic_buyer"])
    known = export.rows("touchpoints", "date").with_columns(responded_at=export.known("responded_at"))
    touches = (
        known.join(contacts.select(KEY, "contact_id", "role"), on=[KEY, "contact_id"], how="left")
        .with_columns(
            answered_on=pl.when(attended).then(pl.col("date")).otherwise(pl.col("responded_at")),
            missed=attended.not_().fill_null(False),
            days_to_answer=(pl.col("responded_at") - pl.col("date")).dt.total_days(),
        )
        .with_columns(last_answer=pl.col("answered_on").max().over(KEY))
    )
    whole = table_facts(
        known,
        seen=export.seen("date", "responded_at"),
        first=pl.col("date").min(),
        outbound=has_values("outbound"),
        attended=has_values("attended"),
        answers=has_values("attended") | has_values("responded_at"),
    )
    # A source that names no executive anywhere cannot show that nobody met one.
    powerful = (kind == "exec_meeting") | pl.col("role").is_in(["exec_sponsor", "economic_buyer"])
    named = pl.lit(table_facts(touches, executives=powerful.any())["executives"])
    answered, last_answer = pl.col("answered_on").is_not_null(), pl.col("last_answer")
    # Outreach of the last three days has not had time for an answer.
    waiting = pl.col("outbound") & kind.is_in(["email", "call"]) & ~answered & age.is_between(4, 60)
    waiting &= last_answer.is_null() | (pl.col("date") > last_answer)
    executive = ~pl.col("missed") & ((kind == "exec_meeting") | with_power)
    every = touches.group_by(KEY).agg(
        exec_age=pl.when(executive).then(age).min(),
        named=pl.col("contact_id").count(),
        missed_meetings=(pl.col("missed") & (kind != "email") & (age <= 90)).sum(),
        response_days=pl.when(age <= 90).then(pl.col("days_to_answer")).mean(),
        unanswered_outreach=waiting.sum(),
    )
    active = touches.filter(answered, age <= 60, pl.col("contact_id").is_not_null()).group_by(KEY)
    first = pl.lit(whole["first"], dtype=pl.Date)
    known_days = (pl.lit(export.as_of) - pl.max_horizontal("started_on", first)).dt.total_days()
    touched, answers = pl.col("named").is_not_null(), pl.lit(whole["answers"])
    return (
        accounts.join(every, on=KEY, how="left")
        .join(active.agg(active_contacts=pl.col("contact_id").n_unique()), on=KEY, how="left")
        .join(count_people(contacts, export), on=KEY, how="left")
        .with_columns(
            days_since_exec_touch=pl.when(touched & named).then(pl.col("exec_age").fill_null(known_days)),
            active_contacts=pl.when((pl.col("named") > 0) & answers).then(pl.col("active_contacts").fill_null(0)),
            unanswered_outreach=pl.when(answers & pl.lit(whole["outbound"])).then(pl.col("unanswered_outreach")),
            missed_meetings=pl.when(pl.lit(whole["attended"])).then(pl.col("missed_meetings")),
            touchpoints_on=pl.lit(whole["seen"], dtype=pl.Date),
        )
    )


def count_people(contacts: pl.LazyFrame, export: Export) -> pl.LazyFrame:
    """The state of the champion, and sponsors or buyers who left within half a year."""
    role, status, departed_on = pl.col("role"), pl.col("status"), export.known("departed_on")
    ahead = pl.col("departed_on").is_not_null() & departed_on.is_null()
    gone = pl.when(status.is_null()).then(departed_on.is_not_null()).otherwise((status == "departed") & ~ahead)
    champion, recent = role == "champion", (export.age("departed_on") <= 180).fill_null(True)
    sponsor = role.is_in(["economic_buyer", "exec_sponsor"])
    whole = table_facts(
        contacts,
        champions=champion.any(),
        sponsors=sponsor.any(),
        ends=has_values("status") | has_values("departed_on"),
    )
    people = contacts.group_by(KEY).agg(
        champions=(champion & ~gone).sum(),
        champions_gone=(champion & gone).sum(),
        sponsor_changed=pl.when(pl.lit(whole["sponsors"] and whole["ends"])).then((sponsor & gone & recent).sum()),
    )
    step = pl.when(pl.col("champions") > 0).then(0).when(pl.col("champions_gone") > 0).then(2).otherwise(1)
    known = pl.when(pl.lit(whole["champions"])).then(step)
    return people.select(KEY, "sponsor_changed", champion_status=known, contacts_on=pl.lit(export.as_of))


def with_commercial(accounts: pl.LazyFrame, export: Export) -> pl.LazyFrame:
    """Add invoices, ARR over a year, goals, and days to the renewal."""
    billing = export.scan("accounts").select(KEY, account_currency="currency")
    status, paid, past = pl.col("status"), export.known("paid_on").is_not_null(), export.age("due_date")
    paid_later = (pl.col("paid_on") > export.as_of) & (status.fill_null("paid") == "paid")
    invoices = export.scan("invoices").join(billing, on=KEY, how="left")
    invoices = invoices.select(
        KEY,
        amount=export.home("amount", pl.coalesce("currency", "account_currency")),
        status=pl.when(paid_later).then(pl.lit("open")).otherwise(status),
        paid=paid,
        past=past,
    )
    # A credit note is what we owe, and nobody owes a zero.
    due = (pl.col("past") >= 0) & ~pl.col("paid") & status.is_in(["open", "failed"]) & (pl.col("amount") > 0)
    debts = invoices.group_by(KEY).agg(
        # An invoice that is not yet due, or has no status, proves nothing.
        billed=((pl.col("past") >= 0) & (status.is_not_null() | pl.col("paid"))).any(),
        payment_failed=(due & (status == "failed")).sum(),
        invoice_overdue=pl.when(due).then(pl.col("past")).max(),
        amount_overdue=pl.when(due & (pl.col("past") > 0)).then(pl.col("amount")).sum(),
    )
    unsized = pl.col("kind").is_in(["contracted", "expanded"]) & pl.col("arr_change").is_null()
    year = export.rows("outcomes", "date").filter(pl.col("age") <= 365)
    moved = year.group_by(KEY).agg(
        moved=pl.col("arr_change").cast(pl.Float64).sum(), unsized=unsized.any(), outcomes_on=pl.col("date").max()
    )
    goals = export.scan("goals").filter(pl.col("status").is_not_null()).group_by(KEY)
    behind = goals.agg(goals_behind=100 * status.is_in(["behind", "missed"]).mean())
    before = pl.col("contract_arr") - pl.col("moved")
    amount = pl.when("billed").then(pl.col("amount_overdue"))
    return (
        accounts.join(debts, on=KEY, how="left")
        .join(moved, on=KEY, how="left")
        .join(behind, on=KEY, how="left")
        .with_columns(
            payment_failed=pl.when("billed").then(pl.col("payment_failed")),
            invoice_overdue=pl.when("billed").then(pl.col("invoice_overdue").fill_null(0)),
            overdue_share=pl.when(pl.col("arr") > 0).then(100 * amount / pl.col("arr")),
            arr_trend=pl.when(~pl.col("unsized") & (before > 0)).then(100 * pl.col("moved") / before),
            renewal_in_days=pl.when(export.age("renewal_date") <= export.scoring.renewal_question_after.value).then(
                -export.age("renewal_date")
            ),
            invoices_on=pl.lit(
                table_facts(export.scan("invoices"), seen=export.seen("due_date", "paid_on"))["seen"], pl.Date
            ),
            goals_on=pl.lit(export.as_of),
        )
    )


def former_customers(export: Export) -> pl.LazyFrame:
    """Accounts whose last outcome is a churn."""
    day, churned = pl.col("date"), pl.col("kind") == "churned"
    outcomes = export.rows("outcomes", "date").group_by(KEY)
    last = outcomes.agg(churned=pl.when(churned).then(day).max(), other=pl.when(~churned).then(day).max())
    return last.filter(pl.col("churned") >= pl.col("other").fill_null(date.min))


def drop_stale(name: str, signal: Signal, export: Export) -> pl.Expr:
    """The signal, or null if it is stale; recorded events stay valid when the source is stale."""
    value = round_half_up(pl.col(name).cast(pl.Float64))
    if signal.fresh.days is None:
        return value
    counts = export.age(OBSERVED_ON[name]) <= signal.fresh.days
    return pl.when(counts | (value > 0) if signal.fresh.events_stand else counts).then(value).alias(name)


def component_score(name: str, signal: Signal) -> pl.Expr:
    """Score of a signal, 0 to 100, by linear interpolation between the breakpoints."""
    value, (first, last) = pl.col(name), (signal.points[0], signal.points[-1])
    line = pl.when(value.is_null()).then(None).when(value <= first[0]).then(first[1])
    for (v0, c0), (v1, c1) in pairwise(signal.points):
        line = line.when(value <= v1).then(c0 + (value - v0) * ((c1 - c0) / (v1 - v0)))
    return round_half_up(line.otherwise(last[1])).alias(f"c_{name}")


def by_size(shares: Mapping[str, float]) -> pl.Expr:
    """A share by account size."""
    if len(set(shares.values())) == 1:
        return pl.lit(next(iter(shares.values())))
    return pl.col("size").replace_strict(shares, return_dtype=pl.Float64)


def category_sums(scoring: ScoringSettings, category: str) -> list[pl.Expr]:
    """Columns of one category: known weight, weighted sum, share of health, and points of risk."""
    signals = {f"c_{name}": signal for name, signal in scoring.signals.items() if signal.category == category}
    weights = {
        c: by_size({size: s.weight.get(size, s.weight["default"]) for size in SIZES}) for c, s in signals.items()
    }
    known = pl.sum_horizontal(pl.when(pl.col(c).is_not_null()).then(weight) for c, weight in weights.items())
    share = by_size({size: scoring.category_weights[size][category] for size in SIZES})
    line = scoring.severity_below.value
    points = [signal.risk * (line - pl.col(c)).clip(lower_bound=0) / line for c, signal in signals.items()]
    return [
        known.alias(f"known_{category}"),
        pl.sum_horizontal(weights.values()).alias(f"whole_{category}"),
        pl.sum_horizontal(pl.col(c) * weight for c, weight in weights.items()).alias(f"sum_{category}"),
        pl.when(known > 0).then(share).otherwise(0.0).alias(f"share_{category}"),
        pl.sum_horizontal(points).alias(f"points_{category}"),
    ]


def weighted_total(*columns: str, by: str | None = None) -> pl.Expr:
    """The sum over the categories of the product of columns, divided by another; an unknown category adds nothing."""
    terms = []
    for category in CATEGORIES:
        product = reduce(operator.mul, [pl.col(f"{column}_{category}") for column in columns])
        divisor = pl.col(f"{by}_{category}") if by else pl.lit(1.0)
        terms.append(pl.when(divisor > 0).then(product / divisor))
    return pl.sum_horizontal(terms)


def account_risk(scoring: ScoringSettings) -> pl.Expr:
    """Risk, 0 to 100, high is bad: severities add up, with factors for several signals and for a near renewal."""
    full, horizon = scoring.cluster_points.value, scoring.renewal_horizon.value
    warning = pl.sum_horizontal((pl.col(f"points_{c}") / full).clip(upper_bound=1) for c in CATEGORIES)
    clustering = 1 + scoring.cluster_step.value * (warning - 1).clip(lower_bound=0)
    left = pl.col("renewal_in_days").fill_null(horizon).clip(0, horizon)
    nearness = 1 + scoring.renewal_step.value * (horizon - left) / horizon
    return round_half_up(
        100 * (1 - (-weighted_total("points") * clustering * nearness / scoring.risk_scale.value).exp())
    )


def condition_holds(condition: RuleCondition) -> pl.Expr:
    """One comparison; an unknown value gives false."""
    name = next(name for name in COMPARE if getattr(condition, name) is not None)
    return COMPARE[name](pl.col(condition.signal), getattr(condition, name)).fill_null(False)


def rule_applies(rule: TierRule) -> pl.Expr:
    """True where the rule alone puts an account at risk."""
    conditions = [condition_holds(condition) for condition in (*rule.when, *rule.at_risk_when)]
    return pl.all_horizontal(*conditions, ~pl.col("size").is_in(rule.not_for))


def score_all_accounts(folder: Path, as_of: date, configuration: Configuration | None = None) -> pl.LazyFrame:
    """Every account of the base with arr, risk, health, coverage and at_risk."""
    configuration = configuration or read_configuration(None)
    scoring = configuration.scoring
    export = Export(folder, as_of, scoring)
    enough = pl.col("coverage") >= scoring.minimum_coverage.value
    at_risk = pl.any_horizontal(
        pl.col("risk") > scoring.at_risk_above.value, *[rule_applies(rule) for rule in configuration.tiers.rules]
    )
    return (
        read_accounts(export)
        .join(former_customers(export), on=KEY, how="anti")
        .pipe(with_usage, export)
        .pipe(with_support, export)
        .pipe(with_sentiment, export, configuration.wording)
        .pipe(with_relationship, export)
        .pipe(with_commercial, export)
        .with_columns(drop_stale(name, signal, export) for name, signal in scoring.signals.items())
        .with_columns(component_score(name, signal) for name, signal in scoring.signals.items())
        .with_columns(expression for category in CATEGORIES for expression in category_sums(scoring, category))
        .with_columns(
            coverage=round_half_up(weighted_total("share", "known", by="whole") / 100),
            health=round_half_up(weighted_total("share", "sum", by="known") / weighted_total("share")),
            risk=account_risk(scoring),
        )
        .select(KEY, "arr", "coverage", "risk", health=pl.when(enough).then(pl.col("health")), at_risk=at_risk)
    )


def worst_accounts(folder: Path, as_of: date, count: int = 25) -> list[tuple[str, float, float]]:
    """The worst accounts as (account_id, risk, health): those at risk first, then by risk × ARR."""
    order = ["at_risk", pl.col("risk") * pl.col("arr"), KEY]
    worst = score_all_accounts(folder, as_of).sort(order, descending=[True, True, False]).head(count)
    return worst.select(KEY, "risk", pl.col("health").fill_null(float("nan"))).collect(engine="streaming").rows()


if __name__ == "__main__":
    print_worst_accounts(__doc__.splitlines()[0], worst_accounts)
