"""The scores of ``saveplay score`` in pandas, as an analyst would write them.

Run as ``python -m bench.pandas_scores FOLDER --as-of 2026-11-23`` on a folder written by ``bench/portfolio.py``. The
benchmark compares it with the product: the same signals, health, risk and order, with the numbers of ``configs/``. It
assumes a first week: without a history there is no velocity.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bench.common import COMPARE, KEY, print_worst_accounts
from domain.configuration import Configuration
from domain.score_configuration import (
    CATEGORIES,
    RISK_SCORE,
    SIZES,
    PhraseSettings,
    RuleCondition,
    ScoringSettings,
    Signal,
    TierRule,
)
from tools.configuration import read_configuration
from tools.signals import OBSERVED_ON
from tools.signals.plain_text import re2_pattern
from tools.signals.statements import StatementFinder, TextRow


@dataclass(frozen=True)
class Export:
    """A folder of Parquet files, read as known on the review date."""

    folder: Path
    as_of: date
    scoring: ScoringSettings

    @property
    def today(self) -> pd.Timestamp:
        """The review date."""
        return pd.Timestamp(self.as_of)

    def read(self, table: str, columns: list[str], filters: list[tuple] | None = None) -> pd.DataFrame:
        """A whole table, or the rows that pass the filters."""
        path = self.folder / table if (self.folder / table).is_dir() else self.folder / f"{table}.parquet"
        return pd.read_parquet(path, columns=columns, filters=filters, to_pandas_kwargs={"date_as_object": False})

    def rows(self, table: str, dated: str, columns: list[str]) -> pd.DataFrame:
        """The rows of the look-back up to the review date, with their ``age`` in days."""
        filters = [(dated, "<=", self.as_of)]
        if table in self.scoring.lookback_days:
            filters.append((dated, ">=", self.as_of - timedelta(days=self.scoring.lookback_days[table])))
        rows = self.read(table, [KEY, dated, *columns], filters)
        rows["age"] = self.age(rows[dated])
        return rows

    def age(self, days: pd.Series) -> pd.Series:
        """Whole days before the review date."""
        return (self.today - days).dt.days

    def known(self, days: pd.Series) -> pd.Series:
        """The days without those after the review date."""
        return days.where(days <= self.today)

    def seen(self, rows: pd.DataFrame, *columns: str) -> pd.Timestamp:
        """The latest day in a table, which shows how fresh the source is."""
        return rows[list(columns)].apply(self.known).max().max()

    def home(self, amount: pd.Series, currency: pd.Series) -> pd.Series:
        """Amounts in the home currency."""
        money = self.scoring.money
        rates = money.rates | {money.home: 1.0}
        return round_half_up(amount.astype(float) * currency.str.upper().fillna(money.home).map(rates), 2)


def read_accounts(export: Export) -> pd.DataFrame:
    """The accounts by their id, with ARR in the home currency and their size."""
    columns = [KEY, "arr", "currency", "renewal_date", "started_on", "seats"]
    accounts = export.read("accounts", columns).set_index(KEY)
    accounts["arr"] = accounts["arr"].astype(float)
    accounts["arr_home"] = export.home(accounts["arr"], accounts["currency"])
    large = accounts["arr_home"] > export.scoring.enterprise_above.value
    small = accounts["arr_home"] < export.scoring.small_business_below.value
    accounts["size"] = np.select([large, small], ["enterprise", "small_business"], "mid_market")
    return accounts


def percent_change(now: pd.Series, before: pd.Series) -> pd.Series:
    """Change from ``before`` to ``now`` in percent; unknown where there was nothing before."""
    return 100 * (now - before) / before.where(before > 0)


def usage_signals(export: Export, accounts: pd.DataFrame) -> pd.DataFrame:
    """Trends over four weeks, breadth, and measured silence."""
    rows = export.rows("usage", "date", ["active_users", "logins", "core_actions", "features_used"])
    month = rows[rows["age"] < 28].groupby(KEY)
    now = month.agg(
        active_users_now=("active_users", "mean"),
        actions_now=("core_actions", "mean"),
        user_days=("active_users", "sum"),
        feature_breadth=("features_used", "max"),
    )
    logins = month[["logins"]].sum(min_count=1)
    before = rows[rows["age"].between(28, 55)].groupby(KEY)
    before = before.agg(active_users_before=("active_users", "mean"), actions_before=("core_actions", "mean"))
    counted = rows.dropna(subset="active_users").groupby(KEY)
    counted = counted.agg(usage_on=("date", "max"), last_row=("age", "min"), first_row=("age", "max"))
    active = rows[rows["active_users"] > 0].groupby(KEY).agg(last_active=("age", "min"))
    # Each signal is as old as the newest row that has its own column.
    of_column = {"actions_on": "core_actions", "logins_on": "logins", "features_on": "features_used"}
    newest = [rows.dropna(subset=c).groupby(KEY)["date"].max().rename(on) for on, c in of_column.items()]
    found = accounts[["seats"]].join([now, logins, before, counted, active, *newest])
    found["active_users_trend"] = percent_change(found["active_users_now"], found["active_users_before"])
    found["core_actions_trend"] = percent_change(found["actions_now"], found["actions_before"])
    seats = found["seats"].where(found["seats"] > 0)
    found["seat_utilisation"] = (100 * found["active_users_now"] / seats).clip(upper=100)
    found["logins_per_user"] = found["logins"] / found["user_days"].where(found["user_days"] > 0)
    never_active = found["first_row"] - found["last_row"] + 1
    found["days_silent"] = (found["last_active"] - found["last_row"]).fillna(never_active)
    return found.drop(columns="seats")


def support_signals(export: Export, accounts: pd.DataFrame) -> pd.DataFrame:
    """Counts of tickets, and ratings of support. When tickets are connected, no ticket is a measured zero."""
    columns = ["closed_at", "priority", "escalated", "sla_breached", "csat"]
    tickets = export.rows("tickets", "opened_at", columns)
    is_open = export.known(tickets["closed_at"]).isna()
    escalated, quarter = tickets["escalated"].eq(True), tickets["age"] <= 90
    urgent = tickets["priority"].isin(["high", "urgent"])
    counts = pd.DataFrame(
        {
            "month_now": tickets["age"] <= 30,
            "months_before": tickets["age"].between(31, 120),
            "escalations": escalated & quarter,
            "open_escalations": escalated & is_open,
            "sla_breaches": tickets["sla_breached"].eq(True) & quarter,
        }
    )
    counts = counts.groupby(tickets[KEY]).sum()
    waiting = tickets[urgent & is_open].groupby(KEY).agg(oldest_urgent_ticket=("age", "max"))
    found = accounts[[]].join([counts, waiting]).fillna(0)
    ratio = found["month_now"] / (found["months_before"] / 3).clip(lower=1)
    found["ticket_spike"] = ratio.where(found["month_now"] >= 5, ratio.clip(upper=1))
    for column, names in {
        "escalated": ["escalations", "open_escalations"],
        "sla_breached": ["sla_breaches"],
        "priority": ["oldest_urgent_ticket"],
        "closed_at": ["open_escalations", "oldest_urgent_ticket"],
    }.items():
        if tickets[column].isna().all():
            found[names] = np.nan
    found["tickets_on"] = export.seen(tickets, "opened_at", "closed_at")
    surveys = export.rows("surveys", "date", ["kind", "score"])
    rated = tickets[quarter & tickets["csat"].notna()].rename(columns={"opened_at": "date", "csat": "score"})
    asked = surveys[surveys["kind"].eq("csat") & (surveys["age"] <= 90)]
    ratings = pd.concat([rated[[KEY, "date", "score"]], asked[[KEY, "date", "score"]]])
    return found.join(ratings.groupby(KEY).agg(support_csat=("score", "mean"), rated_on=("date", "max")))


def lowest_by_day(rows: pd.DataFrame, value: str) -> pd.DataFrame:
    """One row per account and day, with the lowest value of that day; the latest day comes last."""
    return rows.groupby([KEY, "date"], as_index=False)[value].min().sort_values("date")


def read_texts(export: Export, days: float) -> pd.DataFrame:
    """Texts of the last ``days`` days: notes, tickets and survey comments."""
    notes = export.rows("notes", "date", ["text"])
    tickets = export.rows("tickets", "opened_at", ["subject", "body"]).rename(columns={"opened_at": "date"})
    both = tickets["subject"].str.cat(tickets["body"], sep=". ")
    tickets["text"] = both.fillna(tickets["subject"]).fillna(tickets["body"])
    surveys = export.rows("surveys", "date", ["comment"]).rename(columns={"comment": "text"})
    parts = [notes.assign(table="notes"), tickets.assign(table="tickets"), surveys.assign(table="surveys")]
    texts = pd.concat(parts, ignore_index=True)
    return texts.loc[texts["text"].notna() & (texts["age"] <= days), [KEY, "date", "table", "text"]]


def count_statements(texts: pd.DataFrame, wording: PhraseSettings) -> pd.DataFrame:
    """Stated intents per account, one column each. Only texts that contain a phrase are read sentence by sentence."""
    finder = StatementFinder(wording)
    spaced = texts["text"].str.replace(r"\s+", " ", regex=True)
    # Arrow searches with RE2: for so many phrases the patterns of Python itself take ten times as long.
    found = pc.match_substring_regex(pa.array(spaced), re2_pattern(finder.filter), ignore_case=True)
    likely = texts[found.to_numpy(zero_copy_only=False)]
    rows = (TextRow(row.account_id, row.date.date(), row.table, row.Index, row.text) for row in likely.itertuples())
    stated = pd.DataFrame([(s.account_id, s.intent) for s in finder.find(rows)], columns=[KEY, "intent"])
    return pd.crosstab(stated[KEY], stated["intent"]).reindex(columns=list(wording.intents), fill_value=0)


def sentiment_signals(export: Export, accounts: pd.DataFrame, wording: PhraseSettings) -> pd.DataFrame:
    """NPS, the CSM's pulse, and stated intents; "nothing stated" is known only where somebody wrote something."""
    surveys = export.rows("surveys", "date", ["kind", "score"])
    answers = lowest_by_day(surveys[surveys["kind"].eq("nps")], "score").groupby(KEY)
    latest = answers.agg(nps=("score", "last"), answered_on=("date", "last"))
    previous = answers.nth(-2).set_index(KEY)["score"].rename("nps_before")
    pulses = lowest_by_day(export.rows("notes", "date", ["pulse"]).dropna(subset="pulse"), "pulse").groupby(KEY)
    pulse = pulses.agg(csm_pulse=("pulse", "last"), felt_on=("date", "last"))
    texts = read_texts(export, wording.window_days.value)
    written = texts.groupby(KEY).agg(written_on=("date", "max"))
    found = accounts[[]].join([latest, previous, pulse, written, count_statements(texts, wording)])
    found["nps_change"] = found["nps"] - found["nps_before"]
    for intent in wording.intents:
        found[intent] = found[intent].fillna(0).where(found["written_on"].notna())
    return found


def relationship_signals(export: Export, accounts: pd.DataFrame) -> pd.DataFrame:
    """Signals about meetings, answers and departures. No touchpoint on record is a gap in the data, not neglect."""
    contacts = export.read("contacts", [KEY, "contact_id", "role", "status", "departed_on"])
    columns = ["kind", "outbound", "attended", "responded_at", "contact_id"]
    touches = export.rows("touchpoints", "date", columns)
    touches = touches.merge(contacts[[KEY, "contact_id", "role"]], on=[KEY, "contact_id"], how="left")
    touches["responded_at"] = export.known(touches["responded_at"])
    attended, missed = touches["attended"].eq(True), touches["attended"].eq(False)
    touches["answered_on"] = touches["date"].where(attended, touches["responded_at"])
    answered, age, kind = touches["answered_on"].notna(), touches["age"], touches["kind"]
    with_power = kind.isin(["qbr", "call"]) & touches["role"].isin(["exec_sponsor", "economic_buyer"])
    executive = ~missed & (kind.eq("exec_meeting") | with_power)
    touches["days_to_answer"] = (touches["responded_at"] - touches["date"]).dt.days
    touches["missed"] = missed & kind.ne("email") & (age <= 90)

    every = touches.groupby(KEY).agg(
        last_answer=("answered_on", "max"), named=("contact_id", "count"), missed_meetings=("missed", "sum")
    )
    met = touches[executive].groupby(KEY).agg(exec_age=("age", "min"))
    active = touches[answered & (age <= 60)].groupby(KEY).agg(active_contacts=("contact_id", "nunique"))
    replies = touches[age <= 90].groupby(KEY).agg(response_days=("days_to_answer", "mean"))
    # Outreach of the last three days has not had time for an answer.
    sent = touches[touches["outbound"].eq(True) & kind.isin(["email", "call"]) & ~answered & age.between(4, 60)]
    last_answer = sent[KEY].map(every["last_answer"])
    unanswered = sent[last_answer.isna() | (sent["date"] > last_answer)].groupby(KEY).size().rename("outreach")

    found = accounts[["started_on"]].join([every, met, active, replies, unanswered, count_people(export, contacts)])
    # A source that names no executive anywhere cannot show that nobody met one.
    touched = found["named"].notna()
    executives = kind.eq("exec_meeting") | touches["role"].isin(["exec_sponsor", "economic_buyer"])
    first = touches["date"].min()
    known_days = export.age(found["started_on"].where(found["started_on"] > first, first))
    found["days_since_exec_touch"] = found["exec_age"].fillna(known_days).where(touched & executives.any())
    has_attended = touches["attended"].notna().any()
    has_answers = has_attended or touches["responded_at"].notna().any()
    has_outbound = touches["outbound"].notna().any()
    found["active_contacts"] = found["active_contacts"].fillna(0).where((found["named"] > 0) & has_answers)
    found["unanswered_outreach"] = found["outreach"].fillna(0).where(touched & has_outbound & has_answers)
    found["missed_meetings"] = found["missed_meetings"].where(touched & has_attended)
    found["touchpoints_on"] = export.seen(touches, "date", "responded_at")
    return found.drop(columns="started_on")


def count_people(export: Export, contacts: pd.DataFrame) -> pd.DataFrame:
    """The state of the champion, and sponsors or buyers who left within half a year."""
    departed_on, status, role = contacts["departed_on"], contacts["status"], contacts["role"]
    by_status = status.eq("departed") & ~(departed_on > export.today)
    gone = by_status.where(status.notna(), departed_on <= export.today)
    sponsor = role.isin(["economic_buyer", "exec_sponsor"])
    people = pd.DataFrame(
        {
            "champions": role.eq("champion") & ~gone,
            "champions_gone": role.eq("champion") & gone,
            "sponsor_changed": sponsor & gone & ~(export.age(departed_on) > 180),
        }
    )
    people = people.groupby(contacts[KEY]).sum()
    people["champion_status"] = np.select([people["champions"] > 0, people["champions_gone"] > 0], [0.0, 2.0], 1.0)
    if not role.eq("champion").any():
        people["champion_status"] = np.nan
    if not sponsor.any() or (status.isna() & departed_on.isna()).all():
        people["sponsor_changed"] = np.nan
    people["contacts_on"] = export.today
    return people


def commercial_signals(export: Export, accounts: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Signals about invoices, ARR over a year, goals, and days to the renewal."""
    invoices = export.read("invoices", [KEY, "due_date", "amount", "currency", "status", "paid_on"])
    currency = invoices["currency"].fillna(invoices[KEY].map(accounts["currency"]))
    invoices["amount"] = export.home(invoices["amount"], currency)
    paid_later = (invoices["paid_on"] > export.today) & invoices["status"].fillna("paid").eq("paid")
    status = invoices["status"].mask(paid_later, "open")
    paid, past = export.known(invoices["paid_on"]).notna(), export.age(invoices["due_date"])
    invoices = invoices.assign(past=past, failed=status.eq("failed"))
    # A credit note is what we owe, and nobody owes a zero.
    due = invoices[status.isin(["open", "failed"]) & ~paid & (past >= 0) & (invoices["amount"] > 0)]
    debts = due.groupby(KEY).agg(payment_failed=("failed", "sum"), invoice_overdue=("past", "max"))
    overdue = due[due["past"] > 0].groupby(KEY).agg(amount_overdue=("amount", "sum"))
    # An invoice that is not yet due, or has no status, proves nothing.
    billed = accounts.index.isin(invoices.loc[(past >= 0) & (status.notna() | paid), KEY])

    year = outcomes[outcomes["age"] <= 365]
    unsized = year["kind"].isin(["contracted", "expanded"]) & year["arr_change"].isna()
    moved = (
        year.assign(unsized=unsized)
        .groupby(KEY)
        .agg(moved=("arr_change", "sum"), unsized=("unsized", "sum"), outcomes_on=("date", "max"))
    )
    goals = export.read("goals", [KEY, "status"]).dropna(subset="status")
    behind = goals["status"].isin(["behind", "missed"]).groupby(goals[KEY]).mean().rename("behind")

    found = accounts[["arr", "arr_home", "renewal_date"]].join([debts, overdue, moved, behind])
    for name in ("payment_failed", "invoice_overdue", "amount_overdue"):
        found[name] = found[name].fillna(0).where(billed)
    found["overdue_share"] = 100 * found["amount_overdue"] / found["arr_home"].where(found["arr_home"] > 0)
    before = found["arr"] - found["moved"]
    found["arr_trend"] = (100 * found["moved"] / before.where(before > 0)).where(found["unsized"] == 0)
    found["goals_behind"] = 100 * found["behind"]
    past_renewal = export.age(found["renewal_date"])
    found["renewal_in_days"] = -past_renewal.where(past_renewal <= export.scoring.renewal_question_after.value)
    found["invoices_on"] = export.seen(invoices, "due_date", "paid_on")
    found["goals_on"] = export.today
    return found.drop(columns=["arr", "arr_home", "renewal_date"])


def former_customers(outcomes: pd.DataFrame) -> pd.Index:
    """Accounts whose last outcome is a churn."""
    churned = outcomes[outcomes["kind"] == "churned"].groupby(KEY)["date"].max()
    other = outcomes[outcomes["kind"] != "churned"].groupby(KEY)["date"].max().reindex(churned.index)
    return churned.index[other.isna() | (churned >= other)]


def round_half_up(values: pd.Series, decimals: int = 6) -> pd.Series:
    """Round to so many decimals, halves away from zero, like the engine."""
    scale = 10.0**decimals
    return np.trunc(values * scale + np.copysign(0.5, values)) / scale


def drop_stale(export: Export, found: pd.DataFrame) -> pd.DataFrame:
    """The signals without stale ones; recorded events stay valid when the source is stale."""
    values = {}
    for name, signal in export.scoring.signals.items():
        value = round_half_up(found[name])
        if signal.fresh.days is not None:
            counts = export.age(found[OBSERVED_ON[name]]) <= signal.fresh.days
            value = value.where(counts | (value > 0) if signal.fresh.events_stand else counts)
        values[name] = value
    return pd.DataFrame(values)


def component_score(signal: Signal, value: pd.Series) -> pd.Series:
    """Score of a signal, 0 to 100, by linear interpolation between the breakpoints."""
    points, scores = zip(*signal.points, strict=True)
    return round_half_up(pd.Series(np.interp(value, points, scores), index=value.index))


def signals_of(scoring: ScoringSettings, category: str) -> list[str]:
    """The signals of one category."""
    return [name for name, signal in scoring.signals.items() if signal.category == category]


def by_size(shares: dict[str, dict[str, float]], size: pd.Series) -> pd.DataFrame:
    """Shares by account size, as one column per name and one row per account."""
    return pd.DataFrame(shares).loc[size].set_axis(size.index)


def health_and_coverage(
    scoring: ScoringSettings, components: pd.DataFrame, size: pd.Series
) -> tuple[pd.Series, pd.Series]:
    """Weighted mean of the known signals (unknown below the minimum coverage), and the known share of the weight."""
    weights = {name: signal.weight for name, signal in scoring.signals.items()}
    weight = by_size({name: {s: w.get(s, w["default"]) for s in SIZES} for name, w in weights.items()}, size)
    share = by_size({c: {s: scoring.category_weights[s][c] for s in SIZES} for c in CATEGORIES}, size)
    known = weight.where(components.notna(), 0)
    covered = means = total = 0.0
    for category in CATEGORIES:
        names = signals_of(scoring, category)
        known_weight = known[names].sum(axis=1)
        weighted = (components[names] * known[names]).sum(axis=1)
        of_known = share[category].where(known_weight > 0, 0)
        total = total + of_known
        covered = covered + of_known * known_weight / weight[names].sum(axis=1)
        means = means + (of_known * weighted / known_weight).fillna(0)
    coverage = round_half_up(covered / 100)
    return round_half_up(means / total).where(coverage >= scoring.minimum_coverage.value), coverage


def account_risk(scoring: ScoringSettings, components: pd.DataFrame, renewal_in_days: pd.Series) -> pd.Series:
    """Risk, 0 to 100, high is bad: severities add up, with factors for several signals and for a near renewal."""
    line = scoring.severity_below.value
    severity = (line - components).clip(lower=0).fillna(0) / line
    points = severity * [signal.risk for signal in scoring.signals.values()]
    by_category = pd.DataFrame({c: points[signals_of(scoring, c)].sum(axis=1) for c in CATEGORIES})
    base = by_category.sum(axis=1)
    warning = (by_category / scoring.cluster_points.value).clip(upper=1).sum(axis=1)
    clustering = 1 + scoring.cluster_step.value * (warning - 1).clip(lower=0)
    horizon = scoring.renewal_horizon.value
    left = renewal_in_days.fillna(horizon).clip(0, horizon)
    nearness = 1 + scoring.renewal_step.value * (horizon - left) / horizon
    return round_half_up(100 * (1 - np.exp(-base * clustering * nearness / scoring.risk_scale.value)))


def condition_holds(condition: RuleCondition, values: pd.DataFrame) -> pd.Series:
    """One comparison; an unknown value gives False."""
    name = next(name for name in COMPARE if getattr(condition, name) is not None)
    return COMPARE[name](values[condition.signal], getattr(condition, name))


def rule_applies(rule: TierRule, values: pd.DataFrame, size: pd.Series) -> pd.Series:
    """True where the rule alone puts an account at risk."""
    conditions = [condition_holds(condition, values) for condition in (*rule.when, *rule.at_risk_when)]
    return np.logical_and.reduce(conditions) & ~size.isin(rule.not_for)


def score_all_accounts(folder: Path, as_of: date, configuration: Configuration | None = None) -> pd.DataFrame:
    """Every account of the base with arr, risk, health, coverage and at_risk."""
    configuration = configuration or read_configuration(None)
    scoring = configuration.scoring
    export = Export(folder, as_of, scoring)
    accounts = read_accounts(export)
    outcomes = export.rows("outcomes", "date", ["kind", "arr_change"])
    outcomes["arr_change"] = outcomes["arr_change"].astype(float)
    found = accounts[["arr_home", "size"]].join(
        [
            usage_signals(export, accounts),
            support_signals(export, accounts),
            sentiment_signals(export, accounts, configuration.wording),
            relationship_signals(export, accounts),
            commercial_signals(export, accounts, outcomes),
        ]
    )
    found = found.drop(index=former_customers(outcomes), errors="ignore")
    values = drop_stale(export, found)
    components = pd.DataFrame({name: component_score(scoring.signals[name], values[name]) for name in values})
    health, coverage = health_and_coverage(scoring, components, found["size"])
    scored = pd.DataFrame({"arr": found["arr_home"], "health": health, "coverage": coverage})
    scored["risk"] = account_risk(scoring, components, found["renewal_in_days"])
    scored["at_risk"] = scored["risk"] > scoring.at_risk_above.value
    values[["renewal_in_days", "active_users_before"]] = found[["renewal_in_days", "active_users_before"]]
    values[RISK_SCORE] = scored["risk"]
    for rule in configuration.tiers.rules:
        scored["at_risk"] |= rule_applies(rule, values, found["size"])
    return scored.reset_index()


def worst_accounts(folder: Path, as_of: date, count: int = 25) -> list[tuple[str, float, float]]:
    """The worst accounts as (account_id, risk, health): those at risk first, then by risk × ARR."""
    scored = score_all_accounts(folder, as_of)
    scored["weighed"] = scored["risk"] * scored["arr"]
    worst = scored.sort_values(["at_risk", "weighed", KEY], ascending=[False, False, True]).head(count)
    return list(worst[[KEY, "risk", "health"]].itertuples(index=False, name=None))


if __name__ == "__main__":
    print_worst_accounts(__doc__.splitlines()[0], worst_accounts)
