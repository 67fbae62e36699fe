"""Two thousand correct plays pass every check; thousands of plays with any one change do not.

Accounts, drafts and changes come from a fixed seed: the same in every run. Each change concerns one thing that a reader
acts upon: numbers, dates, names, ids, owners, direction words, citations. Not changed are fields that nobody acts upon
or that other parts own: the model's own answer (``draft``), the origin of the play (``drafting``, ``drafted_note``,
``asked``), what people changed (``edits``), the weeks in which play and steps began (``origin``, ``began``), the verdict
(``verified``, ``violations``), the decision (``status``) and the hash (``version``).
"""

import gc
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import Any, get_args

import pytest

from agents.play_drafter import PlayDrafter, running_choices
from domain.diagnosis import CauseDoubt
from domain.dossier import Contact, Dossier, Person
from domain.drafting import FIRST_TOUCH, DraftAction, DraftingRecord, PlayDraft
from domain.evidence import Direction, Evidence, SourceRow
from domain.facts import (
    ContactFact,
    Fact,
    FactSource,
    GoalFact,
    InvoiceFact,
    QuotationFact,
    TicketFact,
    UsageFact,
)
from domain.phase_results import DraftResult, RunningPlay
from domain.playbook import PHASES, Difficulty
from domain.portfolio import RiskTier
from domain.record import Record
from domain.save_play import SavePlay
from domain.score_configuration import InterventionTier
from tests.builders import (
    CALENDAR,
    HIGHEST,
    LOWEST,
    SHIPPED,
    SIGNALS,
    build_context,
    build_dossier,
    build_finding,
    component_of,
    made_up_team,
)
from tools.evidence.causes import UNDETERMINED
from tools.evidence.evidence import direction, signal_sentence
from tools.save_play.context import ActionOption, PlayContext
from tools.save_play.expected_value import SaveRecord as Outcomes
from tools.save_play.verification import check_draft, verify_play
from tools.wording import format_value

pytestmark = pytest.mark.long

CAUSES = (*SHIPPED.causes.causes, UNDETERMINED)
CLEAN = 2_000
PER_KIND = 150
LEFT_ALONE = (
    "draft",
    "drafting",
    "drafted_note",
    "asked",
    "edits",
    "origin",
    "verified",
    "violations",
    "version",
    "status",
)

FIRST_NAMES = (
    "Ines", "Tobias", "Sadia", "Marguerite", "Kwame", "Yuki", "Oleksandr", "Priya", "Lars", "Ngozi", "Renée", "Dmitri",
    "Amina", "Søren", "Beatriz", "Callum",
)  # fmt: skip
LAST_NAMES = (
    "Oyelaran", "Brandstätter", "Karim", "Villanueva", "Okonkwo", "Tanaka", "Shevchenko", "Raghunathan", "Lindqvist",
    "Adeyemi", "Dubois", "Petrov", "Haddad", "Kjærgaard", "Figueiredo", "MacAllister",
)  # fmt: skip
COMPANIES = (
    "Northwind", "Brightwater Logistics", "Kestrel & Sons", "Hollowell Foods", "Zephyrline", "Ostrava Werke", "Quillfeather",
    "Marlowe Dairies", "Tessellate", "Vantablau",
)  # fmt: skip
HEARD = (
    "We waited nine days for an answer and nobody called us back about the invoices.",
    "Honestly the whole team dreads opening the planning board every morning.",
    "Our auditors keep asking why the same figures differ between both pages.",
    "Please stop sending release letters to colleagues who left long ago.",
)
ROLES = ("csm", "csm", "csm", "cs_manager", "cs_manager", "exec_sponsor", "exec_sponsor", "support_lead", "support_lead",
         "product", "product", "product", "billing", "billing")  # fmt: skip

Draw = random.Random


@dataclass(frozen=True)
class Case:
    """One correct play with everything that it was built from."""

    play: SavePlay
    context: PlayContext

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name that the texts of the play contain."""
        dossier = self.context.dossier
        people = [person.name for person in self.context.people.values()]
        return tuple(dict.fromkeys([dossier.name, *people, *(contact.name for contact in dossier.contacts)]))

    def caught(self, play: SavePlay) -> bool:
        return bool(verify_play(play, self.context))


# made-up accounts ----------------------------------------------------------------------------------------------------


def some_people(draw: Draw) -> dict[str, Person]:
    """Several people for most roles, and sometimes nobody for a role."""
    names = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    roles = [role for role in ROLES if draw.random() > 0.12] or ["csm"]
    chosen = draw.sample(names, len(roles))
    return {
        f"P-{number}": Person(
            person_id=f"P-{number}", name=name, email=None, role=role, weekly_hours=38,
            manager_id="P-4" if draw.random() < 0.7 else None,
        )
        for number, (role, name) in enumerate(zip(roles, chosen, strict=True), start=1)
    }  # fmt: skip


def some_contacts(draw: Draw) -> tuple[Contact, ...]:
    roles = draw.sample(["champion", "economic_buyer", "exec_sponsor", "user"], draw.randint(0, 4))
    return tuple(
        Contact(
            contact_id=f"C-{number}", name=f"{draw.choice(LAST_NAMES)} {draw.choice(FIRST_NAMES)}", title=None, role=role,
            active=draw.random() < 0.8, departed_on=None,
        )
        for number, role in enumerate(roles)
    )  # fmt: skip


def some_values(draw: Draw) -> dict[str, float]:
    """Random values of some signals between worst and best, whole numbers for counts."""
    found = {}
    for name in draw.sample(SIGNALS, draw.randint(0, len(SIGNALS) // 2)):
        value = draw.uniform(LOWEST[name], HIGHEST[name])
        counted = SHIPPED.scoring.signals[name].unit in ("count", "step", "days")
        found[name] = float(round(value)) if counted else round(value, 1)
    return found


def in_real_words(fact: Evidence, draw: Draw) -> Evidence:
    """The fact in the product's wording, sometimes with a quoted row."""
    signal = SHIPPED.scoring.signals[fact.signal]
    assert fact.value is not None
    way = direction(signal, component_of(fact.signal, fact.value), SHIPPED.scoring)
    text = f"“{draw.choice(HEARD)}”" if signal.table in ("tickets", "notes", "surveys") else "open, due"
    on = fact.observed_on or date(2026, 11, 1)
    row = SourceRow(table=signal.table, row=draw.randint(2, 900), on=on, key=f"K-{draw.randint(1, 99)}", text=text)
    update = {
        "statement": signal_sentence(fact.signal, fact.value, way, SHIPPED.scoring) + ".", "shown": format_value(fact.value, signal.unit),
        "direction": way, "source": f"{signal.table}.csv", "rows": (row,), "row_count": draw.randint(1, 9),
    }  # fmt: skip
    return fact.model_copy(update=update)


def some_facts(draw: Draw, created: date) -> tuple[Fact, ...]:
    """Some facts of record of every kind that steps are about, in random order."""

    def fact(kind: str, key: str, on: date) -> dict[str, Any]:
        source = FactSource(table=f"{kind}s", key=key)
        return {
            "id": f"{kind}:{key}",
            "on": on,
            "side": "theirs",
            "tone": draw.choice(["bad", "neutral"]),
            "source": source,
        }

    day = created - timedelta(days=draw.randint(1, 60))
    number = str(draw.randint(1000, 9999))
    found: list[Fact] = [
        TicketFact(
            **fact("ticket", f"T-{number}", day), ticket_id=f"T-{number}", subject=draw.choice(HEARD)[:40], open=True,
            closed_on=None, age_days=draw.randint(1, 90), priority=draw.choice(["high", "normal"]),
            escalated=draw.random() < 0.5, sla_breached=False,
        ),
        QuotationFact(
            **fact("quote", number, day), text=draw.choice(HEARD), speaker=draw.choice([None, "Renée Dubois"]),
            recorded_by=None, language="en", mode="asserted", read_by="phrases",
            says=draw.choice(["feature_gap", "evaluating_alternatives", "value_doubted", "service_complaint", "takeover"]),
        ),
        ContactFact(
            **fact("contact", f"C-{number}", day), contact_id=f"C-{number}", name=f"{draw.choice(FIRST_NAMES)} Ekberg",
            role=draw.choice(["champion", "economic_buyer", "user"]), title=None, last_answered=None, last_met=day,
            status=draw.choice(["active", "departed", "new"]), departed_on=None, waiting_since=draw.choice([None, day]),
            named_in=None,
        ),
        InvoiceFact(
            **fact("invoice", f"INV-{number}", day), invoice_id=f"INV-{number}", amount=draw.randint(100, 90_000) / 1,
            currency="EUR", status=draw.choice(["open", "failed"]), due_on=day, days_overdue=draw.randint(-30, 60),
        ),
        GoalFact(
            **fact("goal", number, day), goal="Close the month in three days", status=draw.choice(["behind", "missed"]),
            due_on=day,
        ),
        UsageFact(
            **fact("usage", "active_users", created), measure="active_users", from_on=day, to_on=created, seats=400,
            from_value=float(draw.randint(100, 400)), to_value=float(draw.randint(10, 99)), turned_on=None,
        ),
    ]  # fmt: skip
    return tuple(draw.sample(found, draw.randint(0, len(found))))


def some_dossier(draw: Draw, created: date, people: Mapping[str, Person]) -> Dossier:
    csms = [p.person_id for p in people.values() if p.role == "csm"]
    arr = float(draw.randrange(4_000, 900_000, 250))
    dossier = build_dossier(
        some_values(draw),
        as_of=created,
        account_id=f"A-{draw.randint(100, 999)}",
        name=draw.choice(COMPANIES),
        arr=arr,
        contract_arr=arr,
        size=draw.choice(["small_business", "mid_market", "enterprise"]),
        renewal_in_days=draw.choice([None, -12, 0, 3, 9, 18, 33, 47, 60, 120, 300]),
        csm_id=draw.choice(csms) if csms and draw.random() < 0.9 else None,
        exec_sponsor_id=next((p.person_id for p in people.values() if p.role == "exec_sponsor"), None),
        health=draw.choice([None, 12.0, 44.5, 61.0, 83.2]),
        risk_tier=draw.choice(["critical", "high", "medium", "low"]),
        intervention_tier=draw.choice(["critical", "critical", "high", "high", "medium", "watch"]),
        churn_probability=round(draw.uniform(0.05, 0.95), 4),
        contacts=some_contacts(draw),
        texts=tuple(draw.sample(HEARD, draw.randint(0, 2))),
        facts=some_facts(draw, created),
    )
    return dossier.model_copy(update={"evidence": tuple(in_real_words(fact, draw) for fact in dossier.evidence)})


def some_context(draw: Draw) -> tuple[PlayDrafter, PlayContext]:
    created = date(2026, 1, 1) + timedelta(days=draw.randrange(700))
    people = some_people(draw)
    dossier = some_dossier(draw, created, people)
    against = [fact.id for fact in dossier.evidence if fact.direction == "worse"]
    cited = tuple(against[: draw.randint(0, 3)])
    cause, runner_up = draw.sample(CAUSES, 2)
    finding = build_finding(
        cause,
        draw.choice(get_args(Difficulty)),
        account_id=dossier.account_id,
        name=dossier.name,
        label=cause.replace("_", " ").capitalize(),
        confidence=draw.choice(["high", "medium", "low"]),
        runner_up=runner_up,
        runner_up_label=draw.choice([None, runner_up.replace("_", " ").capitalize()]),
        reasoning="; ".join(f"A reason to worry ({fact})" for fact in cited) or "No evidence points to a cause.",
        would_tell_apart="What changed in the last two months?",
        evidence=cited,
    )
    records = {cause: Outcomes(draw.randint(0, 9), draw.randint(0, 9))} if draw.random() < 0.5 else {}
    drafter = PlayDrafter(SHIPPED, CALENDAR, people, records, created)
    return drafter, drafter.play_context(dossier, finding)


# what a good model answers -------------------------------------------------------------------------------------------


def chosen(option: ActionOption, draw: Draw) -> DraftAction:
    return DraftAction(action=option.action.id, owner=draw.choice(option.owners), due=draw.choice(option.days))


def good_draft(context: PlayContext, draw: Draw) -> PlayDraft:
    """A valid random draft from the options of the play context."""
    first = chosen(draw.choice(context.options[FIRST_TOUCH]), draw)
    lines = {}
    for phase in PHASES:
        offered = [option for option in context.options[phase] if option.action.id != first.action]
        fewest, most = context.count(phase)
        count = draw.randint(min(fewest, len(offered)), min(most, len(offered)))
        lines[phase] = tuple(chosen(option, draw) for option in draw.sample(offered, count))
    return PlayDraft(first_touch=first, **lines)


def clean_cases(number: int) -> Iterator[Case]:
    """Five plays for one invented account: one from the playbook, and four chosen by a model."""
    draw = random.Random(number)
    drafter, context = some_context(draw)
    yield Case(drafter.from_playbook(context), context)
    for _ in range(4):
        drafting = DraftingRecord(
            outcome=draw.choice(["first_try", "repaired"]), model="a-model", rounds=draw.randint(1, 3)
        )
        drafted = DraftResult(draft=good_draft(context, draw), drafting=drafting)
        yield Case(drafter.play(context, drafted), context)


@cache
def clean() -> tuple[Case, ...]:
    """The correct plays, built once. Garbage collection is off meanwhile, because it would scan them repeatedly."""
    gc.disable()
    try:
        return tuple(case for number in range(CLEAN // 5) for case in clean_cases(number))
    finally:
        gc.enable()


def by_model() -> list[Case]:
    return [case for case in clean() if case.play.draft is not None]


def test_plays_that_keep_to_the_evidence_pass_every_check() -> None:
    faulty = [case for case in clean() if case.play.violations or not case.play.verified]
    codes = Counter(fault.code for case in faulty for fault in case.play.violations)
    first = [fault.message for case in faulty[:5] for fault in case.play.violations]
    assert faulty == [], f"{len(faulty)} of {CLEAN} clean plays were refused: {dict(codes)}; {first}"
    drafts = [check_draft(case.play.draft, case.context) for case in by_model()[::10] if case.play.draft]
    assert [faults for faults in drafts if faults] == [], "which verify asks, too"


def test_the_clean_plays_are_of_every_kind() -> None:
    plays = [case.play for case in clean()]
    assert {play.drafted_by for play in plays} == {"playbook", "model"}
    assert {play.cause for play in plays} == set(CAUSES)
    assert {play.intervention_tier for play in plays} == {"critical", "high", "medium", "watch"}
    assert {case.context.finding.difficulty for case in clean()} == set(get_args(Difficulty))
    assert {bool(play.evidence) for play in plays} == {True, False}
    steps = [action.step for play in plays for phase in play.phases for action in phase.actions]
    assert len({step.about for step in steps if step is not None}) > 100, "steps about many facts"
    unusual = [
        action
        for case in by_model()
        for phase in case.play.phases
        for action in phase.actions
        if action.owner_id not in {p.person_id for p in case.context.team.by_role.values() if p} | {None}
    ]
    assert len(unusual) > 100, "the model chose somebody else than the usual owner"


# one thing changed ---------------------------------------------------------------------------------------------------

Path = tuple[str | int, ...]
Leaf = tuple[Path, Any]


def leaves(value: Any, path: Path = ()) -> Iterator[Leaf]:
    """Every simple value of a play, with its path."""
    if isinstance(value, Record):
        for name, part in value:
            if path or name not in LEFT_ALONE:
                yield from leaves(part, (*path, name))
    elif isinstance(value, tuple):
        for place, item in enumerate(value):
            yield from leaves(item, (*path, place))
    else:
        yield path, value


def changed(value: Any, path: Path, new: Any) -> Any:
    """A copy with the value at the path replaced."""
    if not path:
        return new
    step, *rest = path
    if isinstance(step, int):
        return (*value[:step], changed(value[step], tuple(rest), new), *value[step + 1 :])
    return value.model_copy(update={step: changed(getattr(value, step), tuple(rest), new)})


UNFOUNDED = CauseDoubt(
    cause="value_gap", label=SHIPPED.causes.causes["value_gap"].label, because=("E98", "E99"),
    reasons=("They are insolvent.", "They said so."), question="Are they?", model="a-model",
)  # fmt: skip

ONE_OF: dict[str, tuple[Any, ...]] = {
    "intervention_tier": get_args(InterventionTier), "risk_level": get_args(RiskTier), "direction": get_args(Direction),
    "phase": PHASES, "drafted_by": ("playbook", "model"), "doubt": (UNFOUNDED,),
}  # fmt: skip
"""Fields that can hold nothing else."""


def texts(case: Case) -> list[tuple[Path, str]]:
    return [(path, value) for path, value in leaves(case.play) if isinstance(value, str) and path[-1] not in ONE_OF]


def swapped(case: Case, draw: Draw, pattern: str, swap: Callable[[str], str]) -> SavePlay | None:
    """The play with one match of the pattern in one text replaced, or None without a match."""
    found = [(path, text, match) for path, text in texts(case) for match in re.finditer(pattern, text)]
    if not found:
        return None
    path, text, match = draw.choice(found)
    new = text[: match.start()] + swap(match[0]) + text[match.end() :]
    return changed(case.play, path, new) if new != text else None


def number_in_a_text(case: Case, draw: Draw) -> SavePlay | None:
    return swapped(case, draw, r"(?<![A-Za-z\d-])\d+(?![\d-]|\w)", lambda old: str(int(old) + draw.choice([1, 2, 10])))


def number_in_a_field(case: Case, draw: Draw) -> SavePlay | None:
    found = [
        (path, value)
        for path, value in leaves(case.play)
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    path, value = draw.choice(found)
    return changed(case.play, path, draw.choice([value + 1, value * 2 + 1, -value if value else 0.5, value + 0.01]))


def date_in_a_field(case: Case, draw: Draw) -> SavePlay | None:
    found = [(path, value) for path, value in leaves(case.play) if isinstance(value, date)]
    path, value = draw.choice(found)
    return changed(case.play, path, value + timedelta(days=draw.choice([-7, -1, 1, 2, 7, 30, 365])))


def date_in_a_text(case: Case, draw: Draw) -> SavePlay | None:
    def other(old: str) -> str:
        day, month = old.split(" ")
        return f"{int(day) % 28 + 1} {month}"

    return swapped(case, draw, r"\b\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b", other)


def name_in_a_text(case: Case, draw: Draw) -> SavePlay | None:
    pattern = "|".join(re.escape(name) for name in sorted(case.names, key=len, reverse=True))
    others = (*case.names, "Wilhelmina Strand", "Fabrikam")
    return swapped(case, draw, pattern, lambda old: draw.choice([name for name in others if name != old]))


def id_of_something(case: Case, draw: Draw) -> SavePlay | None:
    names = ("id", "owner_id", "account_id", "key", "signal", "cause", "phase")
    found = [(path, value) for path, value in leaves(case.play) if path[-1] in names]
    path, value = draw.choice(found)
    book = case.context.playbook
    others: dict[str, list[str]] = {
        "id": [a.id for a in book.actions] if path[0] == "phases" else [f"E{n}" for n in range(1, 40)],
        "owner_id": [*case.context.people, "P-77"],
        "phase": list(PHASES),
        "cause": list(CAUSES),
        "signal": list(SIGNALS),
    }
    wanted = [other for other in others.get(str(path[-1]), ["A-1000"]) if other != value]
    return changed(case.play, path, draw.choice(wanted)) if wanted else None


def owner_of_an_action(case: Case, draw: Draw) -> SavePlay | None:
    """The play with another real person as owner, in name, id and sentence; the same role if possible."""
    places = [(n, m) for n, phase in enumerate(case.play.phases) for m in range(len(phase.actions))]
    n, m = draw.choice(places)
    action = case.play.phases[n].actions[m]
    others = [person for person in case.context.people.values() if person.person_id != action.owner_id]
    same = [person for person in others if person.role == action.owner_role]
    if not others:
        return None
    person = draw.choice(same if same and draw.random() < 0.7 else others)
    text = action.action.replace(action.owner, person.name) if action.owner_id else action.action
    update = {"owner": person.name, "owner_id": person.person_id, "action": text}
    return changed(case.play, ("phases", n, "actions", m), action.model_copy(update=update))


def owner_of_the_play(case: Case, draw: Draw) -> SavePlay | None:
    others = [person for person in case.context.people.values() if person.person_id != case.play.owner_id]
    if not others:
        return None
    person = draw.choice(others)
    return case.play.model_copy(update={"owner": person.name, "owner_id": person.person_id})


TURNED = {
    "fell": "rose", "rose": "fell", "only": "above", "worse": "better", "better": "worse", "no": "an", "not": "now",
    "nobody": "everybody", "above": "below", "less": "more", "more": "less", "lower": "higher", "higher": "lower",
    "high": "low", "low": "high", "before": "after", "after": "before", "at least": "at most", "without": "with",
    "never": "always", "steady": "falling", "open": "closed", "left": "joined", "down": "up", "up": "down",
}  # fmt: skip


def direction_in_a_text(case: Case, draw: Draw) -> SavePlay | None:
    pattern = r"(?i)\b(?:" + "|".join(TURNED) + r")\b"
    return swapped(case, draw, pattern, lambda old: TURNED[old.lower()])


def direction_of_the_evidence(case: Case, draw: Draw) -> SavePlay | None:
    if not case.play.evidence:
        return None
    place = draw.randrange(len(case.play.evidence))
    now = case.play.evidence[place].direction
    new = draw.choice([way for way in ("worse", "better", "steady") if way != now])
    return changed(case.play, ("evidence", place, "direction"), new)


def citation_of_an_action(case: Case, draw: Draw) -> SavePlay | None:
    """The play with one citation added, removed or replaced."""
    places = [(n, m) for n, phase in enumerate(case.play.phases) for m in range(len(phase.actions))]
    n, m = draw.choice(places)
    now = case.play.phases[n].actions[m].evidence
    known = [fact.id for fact in case.context.dossier.evidence]
    spare = [fact for fact in [*known, "E98"] if fact not in now]
    ways = [(*now, draw.choice(spare)), now[1:], (*now[:-1], draw.choice(spare)), tuple(reversed(now))]
    ways = [way for way in ways if way != now]
    return changed(case.play, ("phases", n, "actions", m, "evidence"), draw.choice(ways))


def citation_in_a_text(case: Case, draw: Draw) -> SavePlay | None:
    other = draw.choice(["", "(E1)", "(E2)", "(E3)", "(E44)"])
    return swapped(case, draw, r"\(E\d+\)", lambda old: other)


def something_left_out_or_added(case: Case, draw: Draw) -> SavePlay | None:
    """The play with an action, fact, question or criterion removed, repeated or moved."""
    lists: list[Path] = [
        ("questions",), ("evidence",), ("success_criteria",), ("walk_away",), ("escalation",), ("phases",),
        *(("phases", n, "actions") for n in range(len(case.play.phases))),
    ]  # fmt: skip
    path = draw.choice(lists)
    now: Any = case.play
    for step in path:
        now = now[step] if isinstance(step, int) else getattr(now, step)
    if not now:
        return None
    place = draw.randrange(len(now))
    ways = [(*now[:place], *now[place + 1 :]), (*now, now[place]), tuple(reversed(now))]
    ways = [way for way in ways if way != now]
    return changed(case.play, path, draw.choice(ways))


def a_sentence_slipped_in(case: Case, draw: Draw) -> SavePlay | None:
    """The play with words that no playbook and no evidence contains, at the end of a text."""
    path, text = draw.choice([(path, text) for path, text in texts(case) if " " in text])
    more = draw.choice([" Send the customer list.", " Give them a discount.", "!", " ", "\u202e", "\u200b"])
    return changed(case.play, path, text + more)


KINDS: dict[str, Callable[[Case, Draw], SavePlay | None]] = {
    "a number in a text": number_in_a_text,
    "a number in a field": number_in_a_field,
    "a date in a field": date_in_a_field,
    "a date in a text": date_in_a_text,
    "a name in a text": name_in_a_text,
    "an id": id_of_something,
    "the owner of an action": owner_of_an_action,
    "the owner of the play": owner_of_the_play,
    "a direction word in a text": direction_in_a_text,
    "the direction of the evidence": direction_of_the_evidence,
    "a citation of an action": citation_of_an_action,
    "a citation in a text": citation_in_a_text,
    "something left out or added": something_left_out_or_added,
    "a sentence slipped in": a_sentence_slipped_in,
}


def where(play: SavePlay, other: SavePlay) -> str:
    """The first difference between two plays, for the message of a failed test."""
    before, after = dict(leaves(play)), dict(leaves(other))
    for path in (*before, *after):
        if before.get(path) != after.get(path):
            return f"{'.'.join(map(str, path))}: {before.get(path)!r} became {after.get(path)!r}"
    return "nowhere"


def altered(kind: str) -> list[tuple[Case, SavePlay]]:
    """So many plays with one change of this kind, from clean plays chosen with a fixed seed."""
    draw, found = random.Random(f"mutations of {kind}"), []
    for case in draw.sample(clean(), len(clean())):
        play = KINDS[kind](case, draw)
        if play is not None and play != case.play:
            found.append((case, play))
            if len(found) == PER_KIND:
                break
    return found


def test_no_change_of_what_people_read_passes_unseen() -> None:
    counts, missed = {}, []
    for kind in KINDS:
        plays = altered(kind)
        unseen = [where(case.play, play) for case, play in plays if not case.caught(play)]
        counts[kind] = f"{len(plays) - len(unseen)} of {len(plays)} caught"
        missed += [f"{kind}: {place}" for place in unseen]
        assert len(plays) >= 100, f"{kind}: only {len(plays)} plays could be changed"
        assert {play.version for _, play in plays} <= {case.play.version for case, _ in plays}, "the hash stays"
    total = sum(int(line.split(" of ")[1].split()[0]) for line in counts.values())
    assert total >= 2_000
    assert missed == [], f"{len(missed)} of {total} changed plays passed: {missed[:8]}; {counts}"


def test_the_hash_of_a_play_is_not_what_tells_a_changed_one() -> None:
    for case in clean()[:50]:
        assert not case.caught(case.play.model_copy(update={"version": "0" * 12}))


def other_than(path: Path, value: Any) -> Any:
    """Another value of the same type."""
    if path[-1] in ONE_OF:
        return next(other for other in ONE_OF[str(path[-1])] if other != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, date):
        return value + timedelta(days=1)
    return f"{value} x" if value is not None else "x"


def test_there_is_no_field_of_a_play_that_could_be_changed_unseen() -> None:
    cases = [clean()[5], by_model()[40]]
    unseen = Counter(
        ".".join("#" if isinstance(step, int) else step for step in path)
        for case in cases
        for path, value in leaves(case.play)
        if "began" not in path and not case.caught(changed(case.play, path, other_than(path, value)))
    )
    assert not unseen, f"changed and not noticed: {dict(unseen)}"


def test_the_sentence_of_one_action_cannot_stand_at_another() -> None:
    for case in by_model()[:100]:
        first, second = case.play.phases[1].actions[:2]
        if first.purpose != second.purpose:
            swapped_play = changed(case.play, ("phases", 1, "actions", 0, "purpose"), second.purpose)
            assert case.caught(swapped_play)


def test_a_play_that_people_edited_still_tells_the_facts_of_its_account() -> None:
    """Moving a date does not change the evidence: it still equals the account's record."""
    cases = [case for case in by_model() if case.play.evidence][:10]
    unseen: Counter[str] = Counter()
    for case in cases:
        edited = case.play.model_copy(update={"status": "edited"})
        assert not case.caught(edited)
        for path, value in leaves(edited):
            if path[0] == "evidence" and not case.caught(changed(edited, path, other_than(path, value))):
                unseen[str(path[2])] += 1
    assert not unseen, f"changed and not noticed: {dict(unseen)}"


def test_another_owner_changes_the_name_in_the_sentence_and_nothing_else() -> None:
    """The library writes "Marks repeats" and the customer has a Mark, too; the usual owner is called Mark."""
    people = made_up_team() | {
        "P-4": made_up_team()["P-4"].model_copy(update={"name": "Mark"}),
        "P-9": made_up_team()["P-4"].model_copy(update={"person_id": "P-9", "name": "Priya Raghunathan"}),
    }
    champion = Contact(
        contact_id="C-1", name="Mark Olsen", title=None, role="champion", active=True, departed_on=None,
    )  # fmt: skip
    drafter, context = build_context(people=people, contacts=(champion,), values={"open_escalations": 2.0})
    for phase in PHASES:
        for action in context.playbook.phase(phase):
            if action.owner_role != "support_lead":
                continue
            chosen_ids = {name: [a.id for a in context.playbook.phase(name)][:3] for name in PHASES} | {
                phase: [action.id]
            }
            usual, other = (
                next(line for part in play.phases for line in part.actions if line.id == action.id)
                for play in (
                    drafter.continue_play(
                        context, running_choices(context, running(context, chosen_ids, owners)), "2026-W40"
                    )
                    for owners in ({}, {action.id: "P-9"})
                )
            )
            assert other.owner == "Priya Raghunathan"
            assert other.whole.replace("Priya Raghunathan", "Mark") == usual.whole, action.id
            assert other.whole.count("Mark Olsen") == usual.whole.count("Mark Olsen")


def running(context: PlayContext, actions: Mapping[str, list[str]], owners: dict[str, str]) -> RunningPlay:
    """A play that runs with these actions; ``owners`` differ from the usual ones."""
    return RunningPlay(
        account_id="A-1", name="A-1", arr=None, cause=context.finding.category, created=context.created, origin="2026-W40",
        actions={phase: tuple(ids) for phase, ids in actions.items()}, dates={}, owners=owners, health=None,
    )  # fmt: skip


# a draft with one fault ----------------------------------------------------------------------------------------------

Spoil = Callable[[PlayDraft, Case, Draw], PlayDraft | None]


def lined(draft: PlayDraft, draw: Draw, update: Callable[[DraftAction], dict[str, Any]]) -> PlayDraft:
    """The draft with a fault in one of the actions."""
    places = [
        ("first_touch", 0),
        *((phase, n) for phase in PHASES for n in range(len(draft.phase(phase)) - (phase == PHASES[0]))),
    ]
    place, number = draw.choice(places)
    if place == "first_touch":
        return draft.model_copy(update={place: draft.first_touch.model_copy(update=update(draft.first_touch))})
    lines = list(getattr(draft, place))
    lines[number] = lines[number].model_copy(update=update(lines[number]))
    return draft.model_copy(update={place: tuple(lines)})


def _other_action(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft:
    """The draft with an action of another cause or phase, or with an unknown action."""
    books = [
        action.id for book in SHIPPED.playbooks.values() for action in book.actions if book is not case.context.playbook
    ]
    return lined(draft, draw, lambda line: {"action": draw.choice([draw.choice(books), "give-a-discount", "", "E1"])})


def _other_place(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft:
    """The draft with an action of this cause in a phase that does not offer it."""
    line = draft.address[0].model_copy(update={"action": draft.rebuild[0].action})
    return draft.model_copy(update={"address": (line, *draft.address[1:])})


def _other_owner(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft:
    def somebody(line: DraftAction) -> dict[str, Any]:
        role = line.owner.rstrip("0123456789").rstrip("_")
        others = [handle for handle, (own, _) in case.context.owners.items() if own != role]
        return {"owner": draw.choice([*others, "ceo", "P-1", case.names[-1], "", "csm_9"])}

    return lined(draft, draw, somebody)


def _other_day(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft:
    offered = {o.action.id: o.days for options in case.context.options.values() for o in options}

    def some_day(line: DraftAction) -> dict[str, Any]:
        days = offered[line.action]
        weekend = days[-1] + timedelta(days=5 - days[-1].weekday())
        return {
            "due": draw.choice([days[0] - timedelta(days=1), days[-1] + timedelta(days=1), weekend, date(1999, 1, 4)])
        }

    return lined(draft, draw, some_day)


def _twice(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft:
    phase = draw.choice(("address", "rebuild"))
    lines = getattr(draft, phase)
    return draft.model_copy(update={phase: (*lines[:-1], lines[0])})


def _too_few(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft:
    phase = draw.choice(PHASES)
    fewest, _ = case.context.count(phase)
    return draft.model_copy(update={phase: getattr(draft, phase)[: draw.randrange(fewest)]})


def _too_many(draft: PlayDraft, case: Case, draw: Draw) -> PlayDraft | None:
    """The draft with one offered action more than allowed."""
    for phase in draw.sample(PHASES, 3):
        _, most = case.context.count(phase)
        taken = {line.action for line in getattr(draft, phase)}
        spare = [option for option in case.context.options[phase] if option.action.id not in taken]
        if len(taken) == most and spare:
            return draft.model_copy(update={phase: (*getattr(draft, phase), chosen(spare[0], draw))})
    return None


FAULTS: dict[str, tuple[str, Spoil]] = {
    "an action of another cause": ("action_unknown", _other_action),
    "an action at the wrong place": ("action_unknown", _other_place),
    "an owner who is not offered": ("owner_not_allowed", _other_owner),
    "a day that is not offered": ("date_not_allowed", _other_day),
    "an action twice": ("action_twice", _twice),
    "too few actions": ("phase_too_thin", _too_few),
    "too many actions": ("phase_too_full", _too_many),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_draft_with_one_fault_is_sent_back_for_that_fault(fault: str) -> None:
    code, spoil = FAULTS[fault]
    draw, tried, unnamed = random.Random(f"fault {fault}"), 0, []
    for case in draw.sample(by_model(), len(by_model())):
        assert case.play.draft is not None
        draft = spoil(case.play.draft, case, draw)
        if draft is None or draft == case.play.draft:
            continue
        tried += 1
        codes = {found.code for found in check_draft(draft, case.context)}
        if code not in codes:
            unnamed.append((codes, draft))
        if tried == 60:
            break
    assert tried >= 20, f"only {tried} drafts could be given this fault"
    assert unnamed == [], f"{len(unnamed)} of {tried} drafts were not sent back for {code}: {unnamed[:2]}"


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_said_about_a_fault_repeats_nothing_that_could_harm(fault: str) -> None:
    """The messages go back to the model and into the record: one line of plain text, not too long."""
    _, spoil = FAULTS[fault]
    draw = random.Random(f"message {fault}")
    for case in by_model()[:25]:
        assert case.play.draft is not None
        draft = spoil(case.play.draft, case, draw)
        for found in check_draft(draft, case.context) if draft else []:
            assert found.message.isprintable(), found
            assert len(found.message) <= 400, found


def test_a_play_made_from_a_draft_with_a_fault_does_not_verify_either() -> None:
    """The draft is checked again with the play: a draft that was let through by mistake is found out."""
    draw, tried = random.Random("again"), 0
    for fault, (_, spoil) in FAULTS.items():
        for case in by_model()[:4]:
            assert case.play.draft is not None
            draft = spoil(case.play.draft, case, draw)
            if draft is not None and draft != case.play.draft:
                tried += 1
                assert case.caught(case.play.model_copy(update={"draft": draft})), fault
    assert tried > 20
