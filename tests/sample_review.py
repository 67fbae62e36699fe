"""A complete, realistic, deterministic review of an invented customer base, in any of its states.

``sample_review()`` is a second-week review waiting for decisions. ``hostile=True`` gives accounts and people names that
can break pages, tables, spreadsheets and file systems.
"""

from datetime import date, timedelta
from typing import Any

from domain.data_audit import LeftOutRows, SourceAudit
from domain.diagnosis import CapacityLine, CauseFinding, Handover, Pattern
from domain.evidence import Contribution, Evidence, SourceRow
from domain.plan import AgendaItem, Escalation, PlanLine, Prework, ResourceNeeds, RoleNeed, UncoveredAccount
from domain.portfolio import (
    AccountMovement,
    Alert,
    AtRiskAccount,
    BandOverride,
    BridgeStep,
    ChurnParts,
    DataGap,
    DataReport,
    MatrixCell,
    PortfolioSummary,
    SignalCoverage,
    TierCount,
    WorkflowRule,
)
from domain.review import Review, Thresholds
from domain.save_play import (
    Cadence,
    ExpectedValue,
    PlayAction,
    PlayPhase,
    SavePlay,
    SuccessCriterion,
    WalkAwayCriterion,
)
from domain.tracking import (
    AccountOutcome,
    Action,
    CalendarHold,
    Commitment,
    CrmUpdate,
    Decision,
    Followup,
    Metric,
    Metrics,
    PersonFollowup,
    UnownedItem,
)

AS_OF = date(2026, 11, 23)
REVIEW_ID = "2026-W48"
HOSTILE_NAMES = (
    "<script>fetch('https://evil.example/x')</script>",
    'Pipe | "Quote" \r\n# Heading & <b>bold</b>',
    "![pixel](https://evil.example/p.png) [click](javascript:alert(1))",
    '=HYPERLINK("https://evil.example","win")',
    "\t@SUM(1+1)*cmd|' /C calc'!A0",
    "</title></style></svg><img src=x onerror=alert(1)>",
    "{{ 7*7 }} {% raw %} ${7*7}",
    "\u202egnp.exe\u202c `code` *bold* _under_ ~~gone~~",
    "W" * 90,
)
HOSTILE_IDS = {"acc-1001": "../../etc/passwd", "acc-1002": "CON", "acc-1003": "A/B\\C:*?", "acc-1004": "a-b-c"}
THRESHOLDS = Thresholds(
    at_risk_above=60, health_bands=(("red", 0), ("yellow", 60), ("green", 80)), velocity_alarm=-0.5, planning_days=14,
    red_account_limit=4, urgency_days={"immediate": 2, "urgent": 7, "standard": 28}, watch_renewal_within=90,
)  # fmt: skip
PEOPLE = {
    "p01": ("Nora Lindqvist", "csm"), "p02": ("Tomás Herrera", "csm"), "p03": ("Aiko Tanaka", "csm"),
    "p04": ("Sam Okafor", "csm"), "p10": ("Ingrid Moreau", "cs_manager"), "p20": ("Daniel Weiss", "exec_sponsor"),
    "p30": ("Priya Raman", "support_lead"), "p40": ("Luca Bianchi", "product"), "p50": ("Eva Novak", "billing"),
}  # fmt: skip
# id, name, segment, ARR, contract currency, renewal in days, CSM, health, health last week, risk, risk last week, tier,
# change, cause, runner-up, difficulty, reasons
ACCOUNTS: tuple[tuple[Any, ...], ...] = (
    ("acc-1001", "Northwind Logistics", "enterprise", 482_000, "EUR", 37, "p01", 31.4, 38.9, 91.2, 84.6, "critical",
     "worsened", "competitive_displacement", "value_gap", "hard",
     ("Evaluating alternatives, said on 18 Nov", "Champion left on 30 Oct")),
    ("acc-1002", "Kestrel Health Group", "enterprise", 365_500, "USD", 68, "p01", 38.2, 51.0, 86.4, 71.9, "critical",
     "worsened", "service_failure", "relationship_erosion", "moderate",
     ("Two tickets escalated in 90 days, one still open", "CSAT fell to 2.1 of 5")),
    ("acc-1003", "مجموعة الواحة للتجارة", "enterprise", 298_000, "EUR", -12, "p02", 44.7, 45.1, 88.0, 87.1, "critical",
     "unchanged", "commercial_friction", "customer_side_change", "moderate",
     ("Renewal overdue by 12 days", "Payment failed on 4 Nov and is not made good")),
    ("acc-1004", "Brightwater Utilities", "enterprise", 241_300, "GBP", 112, "p03", 46.0, 58.3, 74.8, 58.0, "high",
     "new", "relationship_erosion", "value_gap", "moderate",
     ("No executive touch for 131 days", "One active contact in 60 days")),
    ("acc-1005", "Ferrous & Sons Manufacturing of the Upper Rhine Valley and Adjoining Districts Holding 1874",
     "mid_market", 96_400, "EUR", 54, "p02", 49.8, 56.2, 79.3, 66.0, "high", "worsened", "product_fit", "value_gap",
     "hard", ("Usage down 44 % in four weeks", "Feature gap named in three tickets")),
    ("acc-1006", "Lumen 🌱 Education", "mid_market", 88_900, "EUR", 61, "p01", 52.5, 51.1, 72.0, 73.4, "high",
     "unchanged", "value_gap", "commercial_friction", "easy", ("Value doubted in a survey", "Two goals behind")),
    ("acc-1007", "Harbour & Quay Hotels", "mid_market", 74_200, "EUR", 143, "p04", 57.0, 68.4, 66.1, 49.8, "high",
     "new", "customer_side_change", "relationship_erosion", "moderate",
     ("Reorganisation announced on 9 Nov", "Executive sponsor changed")),
    ("acc-1008", "Polaris Freight", "mid_market", 61_750, "EUR", 29, None, 55.2, 58.0, 69.9, 65.3, "high", "worsened",
     "undetermined", "service_failure", "moderate", ("Support spike of 2.6 times", "Nobody owns the account")),
    ("acc-1009", "Vega Diagnostics", "mid_market", 58_000, "USD", 88, "p03", None, None, 67.5, 67.5, "high",
     "unchanged", "service_failure", "product_fit", "easy", ("SLA breached twice in 30 days", "Health not scored")),
    ("acc-1010", "Clearfield Foods", "small", 18_900, "EUR", 41, "p04", 61.3, 66.0, 68.2, 61.5, "medium", "worsened",
     "commercial_friction", "value_gap", "easy", ("Invoice overdue by 38 days", "Budget cut named in a note")),
    ("acc-1011", "Studio Aurora", "small", 14_200, "EUR", 75, "p04", 63.0, 61.2, 63.4, 67.8, "medium", "improved",
     "value_gap", "product_fit", "easy", ("NPS answer of 5", "Breadth of features falls")),
    ("acc-1012", "Tidewater Insurance Brokers", "small", 12_600, "EUR", None, "p02", 58.8, 64.5, 62.7, 55.0, "medium",
     "new", "relationship_erosion", "value_gap", "moderate", ("Three outreaches unanswered", "Velocity alarm")),
    ("acc-1013", "Quill & Co", "small", 9_800, "EUR", 120, "p03", 64.4, 64.9, 61.0, 60.8, "medium", "unchanged",
     "value_gap", "service_failure", "easy", ("NPS answer of 6", "Replies take 9 days")),
)  # fmt: skip
CAUSES = {
    "competitive_displacement": "Competitive displacement", "service_failure": "Service failure",
    "commercial_friction": "Commercial friction", "relationship_erosion": "Relationship erosion",
    "product_fit": "Product fit", "value_gap": "Value gap", "customer_side_change": "Customer-side change",
    "undetermined": "Undetermined",
}  # fmt: skip
# signal, label, category, pillar, statement, value, shown, unit, source, key, row text
SIGNALS: tuple[tuple[Any, ...], ...] = (
    ("stated_intent", "Stated intent", "sentiment", "satisfaction", "A note of 18 Nov 2026 says they compare vendors.",
     1.0, "1 statement", "statements", "notes.csv", "note 2026-11-18", "“we are talking to two other vendors”"),
    ("active_user_trend", "Active users, 4 weeks", "usage", "adoption",
     "Weekly active users fell by 44 % from 118 to 66 in four weeks.", -44.0, "−44 %", "%", "usage.csv", "2026-11-20",
     "active_users 66, logins 141"),
    ("escalations_90d", "Escalations, 90 days", "support", "satisfaction", "2 tickets were escalated in 90 days.", 2.0,
     "2 tickets", "tickets", "tickets.csv", "T-48121", "“Export fails every night | please escalate”"),
    ("exec_touch_days", "Days since executive touch", "relationship", "engagement",
     "The last executive meeting was 131 days ago.", 131.0, "131 days", "days", "touchpoints.csv", "2026-07-15",
     "exec_meeting, attended"),
    ("invoice_overdue_days", "Invoice overdue", "commercial", "outcomes",
     "Invoice INV-2210 of EUR 24,100 is overdue by 19 days.", 19.0, "19 days", "days", "invoices.csv", "INV-2210",
     "due 2026-11-04, open, 24100.00 EUR"),
    ("seat_utilisation", "Seat utilisation", "usage", "adoption", "52 % of the seats are used.", 52.0, "52 %", "%",
     "usage.csv", "2026-11-20", "66 of 127 seats"),
)  # fmt: skip
UNKNOWN_SIGNALS = (("nps_latest", "Latest NPS answer", "sentiment"), ("csat", "CSAT", "support"))
TITLES = {
    "stabilise": ("Call the economic buyer", "Write the plan down"),
    "address": ("Close the open escalation", "Show the value in their own numbers"),
    "rebuild": ("Review the results together", "Agree the renewal in words"),
}


def sample_review(state: str = "waiting_for_decisions", *, baseline: bool = False, hostile: bool = False) -> Review:
    """The review of week 48, in one of the three states."""
    names = {row[0]: row[1] for row in ACCOUNTS}
    if hostile:
        names |= {row[0]: name for row, name in zip(ACCOUNTS, HOSTILE_NAMES, strict=False)}
    ids = {row[0]: HOSTILE_IDS.get(row[0], row[0]) if hostile else row[0] for row in ACCOUNTS}
    lines = tuple(_line(rank, row, ids[row[0]], names[row[0]], baseline) for rank, row in enumerate(ACCOUNTS, 1))
    decided = state != "waiting_for_decisions"
    plays = tuple(_play(line, row, decided) for line, row in zip(lines[:10], ACCOUNTS, strict=False))
    actions = tuple(_actions(plays, state)) if decided else ()
    return Review(
        review_id=REVIEW_ID, as_of=AS_OF, state=state, profile="mid_market",
        profile_note="312 accounts: weekly, top 20 at-risk accounts, 90 minutes.",
        config_hash="b41f7c0e9a52", baseline=baseline, previous_review_id=None if baseline else "2026-W47",
        configuration_changed=False,
        drafter_note="No model is configured: every play comes from the playbook library.",
        holidays_note="Working days of Monday to Friday; no public holidays are configured.",
        time_zone="Europe/Berlin", data=_data(), thresholds=THRESHOLDS, portfolio=_portfolio(lines, baseline), at_risk=lines,
        intervention_plan=_plan(lines), plan_counts=_plan_counts(lines),
        next_step="Assign an owner to Polaris Freight, then schedule the three executive calls.",
        alerts=_alerts(lines), causes=tuple(_cause(line, row) for line, row in zip(lines[:10], ACCOUNTS, strict=False)),
        patterns=_patterns(lines), capacity=_capacity(), handovers=_handovers(lines), needs=_needs(lines), plays=plays,
        escalations=tuple(
            Escalation(account_id=line.account_id, name=line.name, when="no reply to the first call by Thursday",
                       to="Daniel Weiss (executive sponsor)", by=date(2026, 11, 26))
            for line in lines[:3]
        ),
        decisions=_decisions(plays, state), actions=actions, crm_updates=_crm(lines) if decided else (),
        touchpoints=_touchpoints(actions, lines), owners_to_assign=_owners(lines), followup=_followup(lines, baseline),
        metrics=_metrics(baseline), agenda=_agenda(lines), next_agenda=_next_agenda(lines), prework=_prework(lines),
        matrix=_matrix(), workflow=_workflow(),
        notes=("Risk is scored by arithmetic; the same data give the same review.",
               "Text from tickets, notes and surveys is quoted, never followed."),
    )  # fmt: skip


def _line(rank: int, row: tuple[Any, ...], account_id: str, name: str, baseline: bool) -> AtRiskAccount:
    _, _, segment, arr, contract, days, csm, health, before, risk, risk_before, tier, change, *_rest, reasons = row
    renewal = None if days is None else AS_OF + timedelta(days=days)
    band = "not_scored" if health is None else "red" if health < 60 else "yellow"
    moved = not baseline and health is not None
    probability = round(min(0.92, risk / 100 * 0.8), 3)
    return AtRiskAccount(
        rank=rank, account_id=account_id, name=name, segment=segment, arr=arr, currency="EUR",
        contract_arr=arr if contract == "EUR" else round(arr * 1.09), contract_currency=contract,
        renewal_date=renewal, renewal_in_days=days, csm=PEOPLE[csm][0] if csm else None, csm_id=csm,
        lifecycle_stage="live", parent_account_id=None, health=health, health_band=band,
        override=BandOverride(band="green", reason="Sponsor confirmed by phone", by="Nora Lindqvist",
                          until=date(2026, 12, 15)) if rank == 6 else None,
        coverage=0.41 if health is None else 0.86, confidence="low" if health is None else "high",
        velocity=None if baseline or health is None else round((health - before) / 14, 2),
        velocity_band="unknown" if baseline or health is None else "alarm" if health - before < -7 else "concern",
        risk_score=risk, churn_probability=probability, churn_horizon_weeks=13,
        order_probability=min(0.95, round(probability * 1.2, 3)), order_horizon_weeks=26,
        churn_parts=ChurnParts(base=0.01, decision_factor=7.3891, risk_factor=round(1.04**risk, 4)),
        calibrated=False, expected_churn_arr=round(arr * probability, 2),
        risk_tier=tier, intervention_tier="critical" if tier == "critical" else tier, reasons=reasons,
        contributions=_contributions(health), evidence=_evidence(), change="baseline" if baseline else change,
        change_note="First review: nothing to compare with." if baseline else
        f"Risk {risk_before:.1f} to {risk:.1f}.",
        risk_change=None if baseline else round(risk - risk_before, 1),
        health_change=round(health - before, 1) if moved else None,
        health_history=_history(health, before, baseline), in_meeting=rank <= 10,
    )  # fmt: skip


def _history(health: float | None, before: float | None, baseline: bool) -> tuple[tuple[date, float | None], ...]:
    if baseline:
        return ((AS_OF, health),)
    drift = (14, 15.5, 13, None, 12, 11.5, 9, 8, 9.5, 6, 3)
    past = [None if health is None or d is None else min(100.0, round((before or 0) + d, 1)) for d in drift]
    return tuple((AS_OF - timedelta(weeks=12 - i), value) for i, value in enumerate([*past, before, health]))


def _evidence() -> tuple[Evidence, ...]:
    found = []
    for index, (signal, _, category, pillar, text, value, shown, unit, source, key, quote) in enumerate(SIGNALS, 1):
        rows = tuple(
            SourceRow(table=source.removesuffix(".csv"), row=100 * index + i, on=AS_OF - timedelta(days=5 + i),
                      key=key if i == 0 else f"{key}-{i}", text=quote)
            for i in range(3)
        )  # fmt: skip
        found.append(
            Evidence(id=f"E{index}", signal=signal, category=category, pillar=pillar, statement=text, value=value,
                     shown=shown, unit=unit, direction="worse", observed_on=AS_OF - timedelta(days=2 + index),
                     source=source, rows=rows, row_count=3 if index > 1 else 17, risk_points=round(24.0 - 3 * index, 1))
        )  # fmt: skip
    return tuple(found)


def _contributions(health: float | None) -> tuple[Contribution, ...]:
    weights = (0.15, 0.22, 0.18, 0.20, 0.15, 0.10)
    known = tuple(
        Contribution(signal=row[0], label=row[1], category=row[2], value=row[5], shown=row[6],
                     component=None if health is None else round(health + 8 - 4 * i, 1), weight=weight,
                     health_points=round((health or 0) * weight, 1), risk_points=round(24.0 - 3 * i, 1),
                     health_change=None if health is None else round(-2.5 + i * 0.6, 1),
                     observed_on=AS_OF - timedelta(days=2 + i), age_days=2 + i, state="stale" if i == 3 else "known")
        for i, (row, weight) in enumerate(zip(SIGNALS, weights, strict=True))
    )  # fmt: skip
    missing = tuple(
        Contribution(signal=signal, label=label, category=category, value=None, shown="unknown", component=None,
                     weight=0, health_points=0, risk_points=0, health_change=None, observed_on=None, age_days=None,
                     state="unknown")
        for signal, label, category in UNKNOWN_SIGNALS
    )  # fmt: skip
    return known + missing


def _cause(line: AtRiskAccount, row: tuple[Any, ...]) -> CauseFinding:
    cause, runner, difficulty = row[13], row[14], row[15]
    return CauseFinding(
        account_id=line.account_id, name=line.name, category=cause, label=CAUSES[cause],
        confidence="low" if cause == "undetermined" else "high" if line.rank % 2 else "medium",
        score=round(0.82 - line.rank * 0.03, 2), runner_up=runner, runner_up_label=CAUSES[runner],
        would_tell_apart="If the price were the same, would you still look at other vendors?",
        reasoning="Stated intent (E1) and falling use (E2) point the same way; support is a lesser cause (E3).",
        pillar="adoption", pillar_note="Adoption fell by 18 points in 30 days, more than any other pillar.",
        driver="usage", driver_note="Two of the three heaviest signals are usage signals.", difficulty=difficulty,
        difficulty_note="The champion has left and the renewal is near.",
        time_to_churn=None if line.renewal_in_days is None else (30, max(45, line.renewal_in_days)),
        time_to_churn_note="The sooner of the renewal decision and the health trend.",
        evidence=("E1", "E2", "E3"),
    )  # fmt: skip


def _play(line: AtRiskAccount, row: tuple[Any, ...], decided: bool) -> SavePlay:
    owner = PEOPLE[row[6]] if row[6] else ("TBD", "csm")
    by_model = line.rank in (1, 2)
    statuses = ("approved", "approved", "edited", "approved", "rejected", "approved", "deferred", "approved")
    return SavePlay(
        account_id=line.account_id, name=line.name, arr=line.arr, currency="EUR", contract_arr=line.contract_arr,
        contract_currency=line.contract_currency, risk_level=line.risk_tier, intervention_tier=line.intervention_tier,
        renewal_date=line.renewal_date, renewal_in_days=line.renewal_in_days, created=AS_OF, owner=owner[0],
        owner_id=row[6], drafted_by="model" if by_model else "playbook",
        drafted_note="Checked: every figure traces to evidence." if by_model else "Complete play from the library.",
        verified=True, violations=(), cause=row[13], cause_label=CAUSES[row[13]],
        root_cause=f"{line.reasons[0]} (E1). Weekly use fell by 44 % (E2), and 2 tickets were escalated (E3).",
        questions=("Are we on track for what you bought us for?", "What works?", "What does not?",
                   "What would you change if you could?"),
        evidence=line.evidence, phases=_phases(owner, row[6]),
        success_criteria=(
            SuccessCriterion(name="Customer re-engagement", metric="Reply and a meeting in the diary",
                             target="Customer takes part in the save conversation", by=date(2026, 11, 30), week=1),
            SuccessCriterion(name="Root cause addressed", metric="Escalations closed", target="Customer says so",
                             by=date(2026, 12, 21), week=4),
            SuccessCriterion(name="Renewal commitment", metric="Spoken or written intent", target="Intent to renew",
                             by=date(2027, 1, 18), week=8),
            SuccessCriterion(name="Health", metric="Health (high is good)", target="at least 60",
                             by=date(2027, 1, 18), week=8),
        ),
        walk_away=(
            WalkAwayCriterion(when="They have signed with another vendor.", exit="Hand over their data in one week.",
                              way_back="A call three months after their go-live."),
            WalkAwayCriterion(when="No reply to three attempts on two channels, one by an executive.",
                              exit="A letter from the executive sponsor.", way_back="Any new sponsor on their side."),
        ),
        cadence=Cadence(weekly_check="Tuesday", next_check=date(2026, 12, 1), manager_review=date(2026, 12, 7),
                        decision_point=date(2026, 12, 21), note="Weekly until health is back above 60."),
        escalation=("To Daniel Weiss when the first call is not answered by Thursday.",
                    "To product when the feature gap is confirmed."),
        expected_value=ExpectedValue(arr=line.arr, churn_probability=line.churn_probability, save_probability=0.38,
                                     save_low=0.21, save_high=0.56, save_basis="prior and 7 outcomes", hours=21.5,
                                     cost=1_935, value=round(line.expected_churn_arr * 0.38 - 1_935, 2)),
        version=f"{line.rank:02d}c4e1f0", status=statuses[(line.rank - 1) % 8] if decided else "proposed",
    )  # fmt: skip


def _phases(owner: tuple[str, str], owner_id: str | None) -> tuple[PlayPhase, ...]:
    spans = {"stabilise": (0, 6), "address": (7, 27), "rebuild": (28, 55)}
    return tuple(
        PlayPhase(
            phase=phase, title=phase.capitalize(), starts=AS_OF + timedelta(days=first),
            ends=AS_OF + timedelta(days=last),
            actions=tuple(_phase_action(phase, index, owner, owner_id, first) for index in range(2)),
        )
        for phase, (first, last) in spans.items()
    )  # fmt: skip


def _phase_action(phase: str, index: int, owner: tuple[str, str], owner_id: str | None, first: int) -> PlayAction:
    due = AS_OF + timedelta(days=first + 1 + index)
    return PlayAction(
        id=f"{phase}-{index + 1}", title=TITLES[phase][index],
        action=f"{TITLES[phase][index]}: ask the four questions and write down the answers.", owner=owner[0],
        owner_id=owner_id, owner_role=owner[1], due=due, follow_up=due - timedelta(days=1),
        purpose="Shows that somebody listens and acts on the stated cause.", metric="Meeting held",
        evidence=("E1", "E2") if index == 0 else ("E3",), effort_hours=2.5, channel="call", customer_facing=True,
        contact="Mireille Dubois",
    )  # fmt: skip


def _actions(plays: tuple[SavePlay, ...], state: str) -> list[Action]:
    found = []
    for play in plays:
        if play.status not in ("approved", "edited"):
            continue
        for index, step in enumerate([s for phase in play.phases for s in phase.actions], 1):
            found.append(
                Action(id=f"{REVIEW_ID}-{play.version[:2]}-{index}", review_id=REVIEW_ID, account_id=play.account_id,
                       account_name=play.name, owner=step.owner, owner_id=step.owner_id, due=step.due,
                       follow_up=step.follow_up, kind="play", title=step.title, action=step.action,
                       purpose=step.purpose, phase="stabilise" if index < 3 else "address" if index < 5 else "rebuild",
                       urgency="immediate" if index == 1 else "urgent" if index == 2 else "standard",
                       effort_hours=step.effort_hours, channel=step.channel, playbook_action=step.id,
                       contact=step.contact, status="done" if state == "closed" and index == 1 else "open",
                       done_on=AS_OF if state == "closed" and index == 1 else None)
            )  # fmt: skip
    return found


def _decisions(plays: tuple[SavePlay, ...], state: str) -> tuple[Decision, ...]:
    if state == "waiting_for_decisions":
        return ()
    verbs = {"approved": "approve", "edited": "edit", "rejected": "reject", "deferred": "defer"}
    found = [
        Decision(subject=play.account_id, decision=verbs[play.status], by="Ingrid Moreau",
                 reason="Sponsor agreed on Friday" if play.status != "rejected" else "They are leaving for a merger",
                 until=date(2026, 12, 7) if play.status == "deferred" else None,
                 changes=("second call moved to 2 Dec",) if play.status == "edited" else (), play_version=play.version)
        for play in plays
    ]  # fmt: skip
    found.append(Decision(subject="budget", decision="approve", by="Daniel Weiss", reason="within plan", amount=12_000))
    if state == "closed":
        found.append(Decision(subject="close", decision="close", by="Ingrid Moreau", reason="all owned and dated"))
    return tuple(found)


def _portfolio(lines: tuple[AtRiskAccount, ...], baseline: bool) -> PortfolioSummary:
    total = sum(line.arr for line in lines)
    tiers = {"critical": (3, 0), "high": (6, 2), "medium": (4, 31), "low": (0, 266)}
    by_tier = tuple(
        TierCount(name=tier, accounts=risky + calm, arr=sum(x.arr for x in lines if x.risk_tier == tier) + calm * 31_000,
                  at_risk_accounts=risky, at_risk_arr=sum(x.arr for x in lines if x.risk_tier == tier))
        for tier, (risky, calm) in tiers.items()
    )  # fmt: skip
    arr = sum(count.arr for count in by_tier)
    segments = tuple(
        TierCount(name=name, accounts=count, arr=arr * share, at_risk_accounts=sum(x.segment == name for x in lines),
                  at_risk_arr=sum(x.arr for x in lines if x.segment == name))
        for name, count, share in (("enterprise", 41, 0.62), ("mid_market", 118, 0.28), ("small", 153, 0.10))
    )  # fmt: skip
    bands = tuple(
        TierCount(name=name, accounts=count, arr=arr * share, at_risk_accounts=risky, at_risk_arr=total * part)
        for name, count, share, risky, part in (("red", 24, 0.18, 8, 0.8), ("yellow", 71, 0.22, 4, 0.17),
                                                ("green", 209, 0.58, 0, 0.0), ("not_scored", 8, 0.02, 1, 0.03))
    )  # fmt: skip
    others = tuple(
        (
            f"Steady {i}",
            12.0 + (i * 17) % 46,
            20_000.0 + (i * 7919) % 260_000,
            "medium" if (i * 17) % 46 > 33 else "low",
        )
        for i in range(24)
    )
    return PortfolioSummary(
        accounts=312, currency="EUR", arr=arr, at_risk_accounts=len(lines), arr_at_risk=total,
        expected_churn_arr=sum(x.expected_churn_arr for x in lines), calibrated=False,
        churn_horizon_weeks=13, expected_churn_low=400_000.0, expected_churn_high=900_000.0, yearly_churn_rate=0.1,
        churn_basis="estimate from a churn rate of 10 % a year",
        calibration_note="Estimate, not yet checked against your own renewals.", by_tier=by_tier, by_segment=segments,
        by_band=bands, bridge=() if baseline else _bridge(lines, total), movements=_movements(lines, baseline),
        not_scored=8, overdue_renewals=1,
        scatter=tuple((x.name, x.risk_score, x.arr, x.risk_tier) for x in lines) + others,
    )  # fmt: skip


def _bridge(lines: tuple[AtRiskAccount, ...], total: float) -> tuple[BridgeStep, ...]:
    entered = [x for x in lines if x.change == "new"]
    moves: list[tuple[Any, ...]] = [
        ("configuration", 0.0, 0, ()),
        ("entered", sum(x.arr for x in entered), len(entered), tuple(x.account_id for x in entered)),
        ("left", -184_300.0, -3, ("acc-2001", "acc-2002", "acc-2003")), ("gone", -42_000.0, -1, ("acc-2010",)),
        ("arr_changed", 12_500.0, 0, ("acc-1001",)), ("exchange_rates", -3_150.0, 0, ()),
    ]  # fmt: skip
    opening = ("opening", total - sum(m[1] for m in moves), len(lines) - sum(m[2] for m in moves), ())
    return tuple(
        BridgeStep(name=name, arr=arr, accounts=accounts, account_ids=ids)
        for name, arr, accounts, ids in [opening, *moves, ("closing", total, len(lines), ())]
    )


def _movements(lines: tuple[AtRiskAccount, ...], baseline: bool) -> tuple[AccountMovement, ...]:
    if baseline:
        return ()
    gone = AccountMovement(account_id="acc-2001", name="Meridian Paper", arr=121_000, change="resolved",
                    note="Risk 66.0 to 41.2 after the export was mended.")  # fmt: skip
    moved = [x for x in lines if x.change not in ("unchanged", "baseline")]
    return (*(AccountMovement(account_id=x.account_id, name=x.name, arr=x.arr, change=x.change, note=x.change_note)
              for x in moved), gone)  # fmt: skip


def _plan(lines: tuple[AtRiskAccount, ...]) -> tuple[PlanLine, ...]:
    due = {"critical": (date(2026, 11, 25), "immediate"), "high": (date(2026, 11, 30), "urgent"),
           "medium": (date(2026, 12, 18), "standard")}  # fmt: skip
    work = {"critical": "Executive outreach and health review", "high": "Strategic check-in or QBR",
            "medium": "Direct outreach"}  # fmt: skip
    found = [
        PlanLine(tier=x.intervention_tier, account_id=x.account_id, name=x.name, arr=x.arr, why=x.reasons[:2],
                 action=work[x.intervention_tier], secondary="Document the feedback for product" if x.rank % 3 else None,
                 owner=x.csm or "TBD", by=due[x.intervention_tier][0], urgency=due[x.intervention_tier][1], rule="rule")
        for x in lines
    ]  # fmt: skip
    found.append(
        PlanLine(tier="watch", account_id="acc-3001", name="Oakline Furniture", arr=44_000,
                 why=("Renewal in 62 days, no risk flags",), action="Health check and QBR preparation", secondary=None,
                 owner="Aiko Tanaka", by=date(2027, 1, 10), urgency="standard", rule="renewal_near")
    )  # fmt: skip
    return tuple(found)


def _plan_counts(lines: tuple[AtRiskAccount, ...]) -> tuple[TierCount, ...]:
    return tuple(
        TierCount(name=tier, accounts=len(found), arr=sum(x.arr for x in found), at_risk_accounts=len(found),
                  at_risk_arr=sum(x.arr for x in found))
        for tier in ("critical", "high", "medium", "watch")
        for found in [[x for x in lines if x.intervention_tier == tier]]
    )  # fmt: skip


def _alerts(lines: tuple[AtRiskAccount, ...]) -> tuple[Alert, ...]:
    return tuple(
        Alert(kind="degradation" if x.rank != 7 else "champion", account_id=x.account_id, name=x.name,
              message=f"Health fell by {abs(x.health_change or 0):.1f} points in 7 days (high is good).",
              crm_field="health_alert", crm_value="degrading", task="Call the sponsor and ask what changed",
              on=date(2026, 11, 24))
        for x in (lines[1], lines[3], lines[6])
    )  # fmt: skip


def _patterns(lines: tuple[AtRiskAccount, ...]) -> tuple[Pattern, ...]:
    return (
        Pattern(kind="product_area", subject="Nightly export", accounts=4, arr=sum(x.arr for x in lines[1:5]),
                message="Four accounts at risk have tickets about the nightly export since release 8.2.",
                account_ids=tuple(x.account_id for x in lines[1:5])),
        Pattern(kind="segment", subject="enterprise", accounts=4, arr=sum(x.arr for x in lines[:4]),
                message="Enterprise is 13 % of accounts and 76 % of the ARR at risk.",
                account_ids=tuple(x.account_id for x in lines[:4])),
        Pattern(kind="csm", subject="Nora Lindqvist", accounts=3, arr=936_400,
                message="Three of the accounts at risk have the same CSM.",
                account_ids=(lines[0].account_id, lines[1].account_id, lines[5].account_id)),
    )  # fmt: skip


def _capacity() -> tuple[CapacityLine, ...]:
    load = (("p01", 34, 1_910_000, 6, 3, 936_400, 12.0, 9.5), ("p02", 41, 1_240_000, 3, 3, 407_000, 20.0, 14.0),
            ("p03", 29, 980_000, 2, 3, 309_100, 8.0, 6.0), ("p04", 52, 610_000, 5, 3, 107_300, 10.0, 7.5))  # fmt: skip
    return tuple(
        CapacityLine(person_id=pid, name=PEOPLE[pid][0], accounts=accounts, arr=arr, red_accounts=red,
                     at_risk_accounts=risky, at_risk_arr=risk_arr, weekly_hours=None if pid == "p04" else 38.0,
                     hours_committed=busy, hours_free=None if pid == "p04" else 30.0 - busy, hours_asked=asked,
                     overloaded=red > 4, note="more than 4 red accounts" if red > 4 else "")
        for pid, accounts, arr, red, risky, risk_arr, busy, asked in load
    )  # fmt: skip


def _handovers(lines: tuple[AtRiskAccount, ...]) -> tuple[Handover, ...]:
    return (
        Handover(account_id=lines[5].account_id, name=lines[5].name, arr=88_900, from_person="Nora Lindqvist",
                 to_person="Aiko Tanaka", receiver_accounts_after=30, receiver_red_after=3, receiver_hours_after=16.0,
                 reason="Six red accounts are more than four.", warm_handover=True),
    )  # fmt: skip


def _needs(lines: tuple[AtRiskAccount, ...]) -> ResourceNeeds:
    roles = (("csm", 4, 96.0, 70.0, 410.0), ("cs_manager", 1, 18.0, 12.0, 655.0), ("exec_sponsor", 1, 6.0, None, 2_100.0),
             ("product", 1, 14.0, 20.0, 0.0))  # fmt: skip
    return ResourceNeeds(
        roles=tuple(RoleNeed(role=r, people=n, hours_needed=h, hours_free=f, value_of_one_more_hour=v)
                    for r, n, h, f, v in roles),
        budget=15_000, budget_needed=12_000, currency="EUR", chosen=tuple(x.account_id for x in lines[:8]),
        postponed=tuple(x.account_id for x in lines[8:10]),
        uncovered=(UncoveredAccount(account_id=lines[2].account_id, name=lines[2].name,
                             lacks="4 executive hours in the first week"),),
        note="Most expected value within the hours and the budget; critical accounts first.",
    )  # fmt: skip


def _crm(lines: tuple[AtRiskAccount, ...]) -> tuple[CrmUpdate, ...]:
    return tuple(
        CrmUpdate(account_id=x.account_id, name=x.name, field=field, value=value, reason=x.reasons[0])
        for x in lines[:10]
        for field, value in (("risk_flag", x.risk_tier), ("intervention_status", "save play approved"))
    )


def _touchpoints(actions: tuple[Action, ...], lines: tuple[AtRiskAccount, ...]) -> tuple[CalendarHold, ...]:
    if not actions:
        return ()
    calls = [
        CalendarHold(uid=f"{action.id}@saveplay", account_id=action.account_id, name=action.account_name,
                   kind="customer_call", title=f"{action.title}: {action.account_name}", on=action.due, starts="10:00",
                   minutes=45, time_zone="Europe/Berlin", owner=action.owner, owner_id=action.owner_id,
                   attendees=("Mireille Dubois",), note="Ask the four questions; send the plan within 24 hours.",
                   follow_up=action.follow_up)
        for action in actions if action.urgency == "immediate"
    ]  # fmt: skip
    review = CalendarHold(uid=f"{REVIEW_ID}-manager@saveplay", account_id=lines[0].account_id, name=lines[0].name,
                        kind="manager_review", title=f"Manager review: {lines[0].name}", on=date(2026, 12, 7),
                        starts="", minutes=30, time_zone="Europe/Berlin", owner="Ingrid Moreau", owner_id="p10",
                        attendees=(), note="", follow_up=None)  # fmt: skip
    return (*calls, review)


def _owners(lines: tuple[AtRiskAccount, ...]) -> tuple[UnownedItem, ...]:
    return tuple(
        UnownedItem(account_id=x.account_id, name=x.name, what="account", proposal="Aiko Tanaka, by load")
        for x in lines if x.csm is None
    )  # fmt: skip


def _followup(lines: tuple[AtRiskAccount, ...], baseline: bool) -> Followup:
    if baseline:
        return Followup(baseline=True, previous_review_id=None, previous_as_of=None, commitments=(), by_person=(),
                        outcomes=(), learnings=())  # fmt: skip
    shape = (("done", -3), ("done_late", -5), ("late", -2), ("missed", -9), ("open", 4), ("done", -1), ("dropped", -4))
    commitments = tuple(
        Commitment(action_id=f"2026-W47-{i:02d}", review_id="2026-W47", account_id=x.account_id, account_name=x.name,
                   owner=x.csm or "TBD", owner_id=x.csm_id, title="Call the sponsor", due=AS_OF + timedelta(days=days),
                   status=status, done_on=AS_OF - timedelta(days=1) if status.startswith("done") else None)
        for i, (x, (status, days)) in enumerate(zip(lines, shape, strict=False), 1)
    )  # fmt: skip
    outcomes = (
        AccountOutcome(account_id="acc-2001", name="Meridian Paper", arr=121_000, status="saved", health_before=48.0,
                       health_now=71.5, note="Renewed for two years on 20 Nov.", people=("Aiko Tanaka", "Priya Raman")),
        AccountOutcome(account_id="acc-2010", name="Gable Roofing", arr=42_000, status="lost", health_before=41.0,
                       health_now=None, note="Signed elsewhere on 17 Nov.", people=("Sam Okafor",)),
        AccountOutcome(account_id=lines[0].account_id, name=lines[0].name, arr=lines[0].arr, status="in_play",
                       health_before=38.9, health_now=31.4, note="Health fell by 7.5 points.", people=("Nora Lindqvist",)),
    )  # fmt: skip
    return Followup(
        baseline=False, previous_review_id="2026-W47", previous_as_of=date(2026, 11, 16), commitments=commitments,
        by_person=(PersonFollowup(person="Nora Lindqvist", person_id="p01", done=1, done_late=1, late=0, missed=0, open=0),
                   PersonFollowup(person="Tomás Herrera", person_id="p02", done=0, done_late=0, late=1, missed=0, open=1)),
        outcomes=outcomes, learnings=("A call within two days came before both saves of this quarter.",),
    )  # fmt: skip


def _metrics(baseline: bool) -> Metrics:
    rows = (("owned", "process", "Actions with owner and date", 0.98, "98 %", "100 %", False, 41),
            ("reviewed", "process", "Critical accounts reviewed and owned", 1.0, "3 of 3", "100 %", True, 3),
            ("first_action", "process", "Days from risk found to first action", 2.4, "2.4 days", "< 7 days", True, 12),
            ("kept", "outcome", "At-risk accounts kept", 0.57, "57 %", "50–60 %", True, 14),
            ("regained", "outcome", "Health regained in 60 days", None, "unknown", "+15 points", None, 0))  # fmt: skip
    figures = tuple(
        Metric(id=i, kind=kind, label=label, value=value, shown=shown, target=target, met=met, count=count,
               low=0.33 if i == "kept" else None, high=0.79 if i == "kept" else None, note="")
        for i, kind, label, value, shown, target, met, count in rows
    )  # fmt: skip
    rate = Metric(id="service_failure", kind="outcome", label="Service failure", value=0.6, shown="60 %", target="50–60 %",
                  met=True, count=5, low=0.23, high=0.88, note="")  # fmt: skip
    return Metrics(figures=() if baseline else figures, save_rates=() if baseline else (rate,),
                   note="First review: figures begin next week." if baseline else "Small counts: read the intervals.")  # fmt: skip


def _agenda(lines: tuple[AtRiskAccount, ...]) -> tuple[AgendaItem, ...]:
    blocks = (
        (0, 10, "Portfolio risk overview", "CS leadership", ("At-risk ARR rose by EUR 0.1m.",)),
        (10, 20, "New at-risk accounts this week", "CS managers",
         ("Brightwater Utilities: no executive touch for 131 days.",)),
        (20, 40, "Prior week follow-up", "CSMs", ("Meridian Paper is saved.",)),
        (40, 75, "Deep dive on the top 10", "CS leadership and CSMs", ("Start with the three critical accounts.",)),
        (75, 85, "Resource allocation decisions", "CS leadership", ("4 hours missing in week one.",)),
        (85, 90, "Action assignment and next steps", "CS managers", ("Polaris Freight needs an owner.",)),
    )  # fmt: skip
    return tuple(
        AgendaItem(starts=f"{a // 60}:{a % 60:02d}", ends=f"{b // 60}:{b % 60:02d}", minutes=b - a, title=title,
                   lead=lead, points=points, account_ids=tuple(x.account_id for x in lines[:10]) if a == 40 else ())
        for a, b, title, lead, points in blocks
    )  # fmt: skip


def _next_agenda(lines: tuple[AtRiskAccount, ...]) -> tuple[AgendaItem, ...]:
    return (
        AgendaItem(starts="0:00", ends="0:20", minutes=20, title="Follow-up on this week's actions",
                   lead="CSMs", points=("Northwind Logistics: was the buyer called?",),
                   account_ids=tuple(x.account_id for x in lines[:3])),
    )  # fmt: skip


def _prework(lines: tuple[AtRiskAccount, ...]) -> tuple[Prework, ...]:
    return tuple(
        Prework(person_id=pid, person=PEOPLE[pid][0], account_ids=tuple(x.account_id for x in lines if x.csm_id == pid),
                questions=tuple((x.account_id, "Who decides about the renewal now?") for x in lines if x.csm_id == pid))
        for pid in ("p01", "p02", "p03", "p04")
    )  # fmt: skip


def _matrix() -> tuple[MatrixCell, ...]:
    plays = {"high": "Save play now", "medium": "Intensive care by the CSM", "low": "Grow and advocate"}
    return tuple(
        MatrixCell(risk=risk, opportunity=chance, accounts=7 * i + 3 * j, arr=71_000.0 * (i + 1) * (j + 1),
                   examples=("Northwind Logistics", "Kestrel Health Group") if i == 0 else (), play=plays[risk])
        for i, risk in enumerate(("high", "medium", "low"))
        for j, chance in enumerate(("high", "medium", "low"))
    )  # fmt: skip


def _workflow() -> tuple[WorkflowRule, ...]:
    return (
        WorkflowRule(state="risk tier critical", crm_field="risk_flag", crm_value="critical", alert="manager, same day",
                     task="Executive outreach within 48 hours", accounts_now=3),
        WorkflowRule(state="payment failed", crm_field="billing_status", crm_value="failed", alert="billing",
                     task="Billing follow-up", accounts_now=1),
    )  # fmt: skip


def _data() -> DataReport:
    tables = (("accounts", 312), ("people", 9), ("usage", 28_114), ("tickets", 1_940), ("invoices", 3_120),
              ("surveys", 0), ("contacts", 940), ("touchpoints", 4_411), ("goals", 620), ("notes", 1_205), ("outcomes", 31))  # fmt: skip
    sources = tuple(
        SourceAudit(table=name, connected=rows > 0, location=f"{name}.csv" if rows else "", rows=rows,
                    rows_left_out=12 if name == "tickets" else 0, first_date=date(2026, 8, 24) if rows else None,
                    last_date=date(2026, 11, 20) if rows else None, seen_until=date(2026, 11, 20) if rows else None,
                    columns=("account_id", "date"), columns_absent=("attended",) if name == "touchpoints" else (),
                    columns_ignored=("AnnualRevenue",) if name == "accounts" else (),
                    notices=("amounts read as minor units",) if name == "invoices" else ())
        for name, rows in tables
    )  # fmt: skip
    counts = [(*row[:3], 280 - 10 * i, 12 + i, 20 + 9 * i) for i, row in enumerate(SIGNALS)]
    counts.append(("nps_latest", "Latest NPS answer", "sentiment", 0, 0, 312))
    coverage = tuple(
        SignalCoverage(signal=signal, label=label, category=category, known=known, stale=stale, unknown=unknown)
        for signal, label, category, known, stale, unknown in counts
    )
    return DataReport(
        sources=sources,
        gaps=(DataGap(kind="not_connected", subject="surveys", message="Surveys are not connected: NPS and CSAT are unknown.",
                  accounts=312),
              DataGap(kind="accounts", subject="coverage", message="8 accounts have too little data for a health score.",
                  accounts=8)),
        rows_left_out=(LeftOutRows(table="tickets", column="account_id", reason="no such account", rows=9,
                               examples=("tickets.csv row 12: acc-9999", "tickets.csv row 40: <b>acc</b>|x")),
                       LeftOutRows(table="tickets", column="opened_at", reason="dated after the review", rows=3, examples=())),
        share_left_out=12 / 40_702, signal_coverage=coverage, fingerprint="9f2c5be1a7704d0c" * 4,
    )  # fmt: skip
