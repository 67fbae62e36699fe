"""Suite ``drafts``: what a model writes, and whether the checks catch what it must not.

Two halves. A scripted model makes one fault at a time, and each has to be refused by name: these cases need no model. And
the ten accounts of the sample review are drafted by a real model, live or as recorded, and judged.
"""

import asyncio
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agents.model_client import ModelClient
from agents.play_drafter import PlayDrafter
from domain.configuration import Configuration
from domain.drafting import Draft, DraftAction
from domain.phases import Drafted
from domain.review import SavePlay
from evals.cases import AccountCase, read_cases
from evals.engine import Judgement, Question, Tell, Verdict, verdicts
from evals.figures import CaseResult, Figure, SuiteResult, by_question, mean, share
from evals.judged import drafter_of
from evals.staging import staged
from evals.suites.ask import sample_desk
from tools.evidence.causes import diagnose
from tools.evidence.dossier import dossiers, people
from tools.planning.intervention_plan import at_risk_ids
from tools.save_play.builder import assemble, draft_lines
from tools.save_play.context import Frame
from tools.save_play.placeholders import Rules
from tools.save_play.verification import check_draft, verify

SAYS = "Drafts: every fault that a scripted model makes is refused by name; plays of a real model are complete and verified."
STAGE = ("two_causes_service_then_rival", "budget_cut_asks_for_discount")
PLAYS = 10


# one fault at a time ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Something that a model gets wrong, and the code under which it is refused. ``code`` None: it is fine."""

    name: str
    code: str | None
    make: Callable[[Draft, Frame], Draft]


@dataclass(frozen=True)
class Tampered:
    """A change to a finished play, and the code under which it is noticed."""

    name: str
    code: str
    make: Callable[[SavePlay], SavePlay]


def _summary(text: str) -> Callable[[Draft, Frame], Draft]:
    return lambda draft, _: draft.model_copy(update={"summary": text})


def _opening(text: str) -> Callable[[Draft, Frame], Draft]:
    return lambda draft, _: draft.model_copy(update={"opening": text})


def _first(**changes: object) -> Callable[[Draft, Frame], Draft]:
    return lambda draft, _: draft.model_copy(update={"first_touch": draft.first_touch.model_copy(update=changes)})


def _address(change: Callable[[tuple[DraftAction, ...]], tuple[DraftAction, ...]]) -> Callable[[Draft, Frame], Draft]:
    return lambda draft, _: draft.model_copy(update={"address": change(draft.address)})


def _heard(draft: Draft, frame: Frame) -> Draft:
    said = next(row.text for fact in frame.evidence for row in fact.rows if row.table in ("notes", "tickets"))
    words = "".join(letter for letter in said if letter.isalpha() or letter == " ").lower().split()
    return draft.model_copy(update={"summary": f"It is about this: {' '.join(words[:9])}, because {{E1}}."})


def _another(draft: Draft, frame: Frame) -> Draft:
    """An action of another cause's library."""
    other = next(book for name, book in sorted(frame.configuration.playbooks.items()) if name != frame.playbook.cause)
    line = draft.first_touch.model_copy(update={"action": other.phase("stabilise")[0].id})
    return draft.model_copy(update={"first_touch": line})


FAULTS: tuple[Fault, ...] = (
    Fault("a careful draft", None, lambda draft, _: draft),
    Fault("a number in figures", "number_typed", _summary("They wait for 3 answers, because {E1}.")),
    Fault("a number in words", "number_typed", _summary("They wait for three answers, because {E1}.")),
    Fault("a share", "number_typed", _summary("They use a third of it, because {E1}.")),
    Fault("a date", "date_typed", _summary("They decide in december, because {E1}.")),
    Fault("a weekday", "date_typed", _summary("They decide on monday, because {E1}.")),
    Fault("an amount", "money_typed", _summary("They pay many dollars for it, because {E1}.")),
    Fault("a reversed direction", "direction_typed", _summary("Usage rose for them, because {E1}.")),
    Fault("a direction of its own", "direction_typed", _summary("It goes down for them, because usage fell and {E1}.")),
    Fault("a name", "name_typed", _summary("It helps Konstanze most, because {E1}.")),
    Fault("an address", "address_typed", _opening("Hello {contact}, please write to help at our.example today.")),
    Fault("a slot that does not exist", "slot_unknown", _summary("It helps, because {E99}.")),
    Fault("an internal fact told to the customer", "slot_unknown", _opening("Hello {contact}, we see that {E1}.")),
    Fault("an internal score told to the customer", "internal_score", _opening("Hello {contact}, your health score worries us.")),
    Fault("a claim without evidence", "fact_missing", _summary("Everybody is unhappy and wants to leave.")),
    Fault("a discount that nobody offered", "concession_typed", _first(why="A discount makes them stay, since {E1}.")),
    Fault("an order from outside", "order_typed", _summary("Please forward the list, because {E1}.")),
    Fault("a customer's words repeated", "repeats_outsider", _heard),
    Fault("an empty sentence", "text_missing", _summary("  ")),
    Fault("a very long sentence", "text_too_long", _summary("It helps them, " * 60 + "because {E1}.")),
    Fault("letters that hide something", "character_not_allowed", _summary("It helps them\u200b, because {E1}.")),
    Fault("an action of another playbook", "action_unknown", _another),
    Fault("an action twice", "action_twice", _address(lambda lines: (lines[0], lines[0], *lines[2:]))),
    Fault("an owner who does not do this", "owner_not_allowed", _first(owner="nobody")),
    Fault("a date outside the phase", "date_not_allowed", lambda draft, frame: draft.model_copy(
        update={"first_touch": draft.first_touch.model_copy(update={"due": frame.today + timedelta(days=200)})})),
    Fault("evidence of another account", "evidence_unknown", _first(evidence=("E77",))),
    Fault("no evidence", "evidence_missing", _first(evidence=())),
    Fault("too few actions", "phase_too_thin", _address(lambda lines: lines[:1])),
    Fault("the same sentence twice", "sentence_twice", _address(
        lambda lines: (lines[0], lines[1].model_copy(update={"why": lines[0].why}), *lines[2:]))),
)  # fmt: skip


def _action(**changes: object) -> Callable[[SavePlay], SavePlay]:
    def change(play: SavePlay) -> SavePlay:
        phase = play.phases[1]
        actions = (phase.actions[0].model_copy(update=changes), *phase.actions[1:])
        phases = (play.phases[0], phase.model_copy(update={"actions": actions}), play.phases[2])
        return play.model_copy(update={"phases": phases})

    return change


def _evidence(**changes: object) -> Callable[[SavePlay], SavePlay]:
    return lambda play: play.model_copy(
        update={"evidence": (play.evidence[0].model_copy(update=changes), *play.evidence[1:])}
    )


TAMPERED: tuple[Tampered, ...] = (
    Tampered("another owner in a finished play", "owner_unknown", _action(owner="Konstanze Birkholz")),
    Tampered("a citation that does not exist", "evidence_unknown", _action(evidence=("E88",))),
    Tampered("another purpose in a finished play", "action_differs", _action(purpose="Because we say so.")),
    Tampered("another value in the evidence", "evidence_differs", _evidence(statement="Everything is fine.")),
    Tampered("another ARR in the header", "header_differs", lambda play: play.model_copy(update={"arr": play.arr + 1})),
    Tampered("no walk-away criteria", "walk_away_missing", lambda play: play.model_copy(update={"walk_away": ()})),
    Tampered("no success criteria", "success_missing", lambda play: play.model_copy(update={"success_criteria": ()})),
)


@dataclass(frozen=True)
class Refused:
    """What the checks said about a faulty draft or play."""

    codes: tuple[str, ...]


class RefusedByName(Question):
    """The fault is found, under its own code."""

    asks, says = "refused", "each fault of a scripted model is refused under its own code, and a careful draft is not"

    def verdict(self, case: Fault | Tampered, got: Refused) -> Verdict:
        right = case.code in got.codes if case.code else not got.codes
        return right, f"expected {case.code or 'no fault'}, got {', '.join(got.codes) or 'none'}"


def careful(frame: Frame) -> Draft:
    """A draft without a fault: the first actions offered, the first day, plain sentences."""
    ways = iter(_WAYS)

    def line(place: str, number: int) -> DraftAction:
        option = frame.options[place][number]
        return DraftAction(
            action=option.action.id,
            owner=option.owners[0],
            due=option.days[0],
            evidence=(frame.evidence[0].id,),
            why=f"Gives {{contact}} {next(ways)}, since {{{frame.evidence[0].id}}}.",
        )

    def several(place: str) -> tuple[DraftAction, ...]:
        fewest, _ = frame.count(place)
        taken = first.action
        offered = [n for n, option in enumerate(frame.options[place]) if option.action.id != taken]
        return tuple(line(place, n) for n in offered[:fewest])

    first = line("first_touch", 0)
    return Draft(
        summary="What weighs most for {account} is this: {E1}.",
        opening="Hello {contact}, thank you for taking the time. What gets in your way?",
        first_touch=first,
        stabilise=several("stabilise"),
        address=several("address"),
        rebuild=several("rebuild"),
    )


_WAYS = (
    "a person to turn to", "a clear answer", "a way to see what happens", "a plan in writing", "a working product",
    "a say in the order of things", "proof that it works", "a reason to trust us", "somebody who listens",
    "a calm start", "a fair picture", "a word that is kept", "an open ear", "a good habit",
)  # fmt: skip


def scripted(configuration: Configuration, cases: Sequence[AccountCase] | None = None) -> tuple[CaseResult, ...]:
    """Every fault at two accounts."""
    chosen = [case for case in (cases or read_cases()) if case.name in STAGE]
    judgements = []
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        stage = staged(chosen, Path(scratch), configuration)
        drafter = drafter_of(stage.base, people(stage.base), None)
        stage.base.pick([case.name for case in chosen])
        details = stage.base.details()
        for dossier in dossiers(stage.base, [case.name for case in chosen], stage.history, details):
            frame = drafter.frame(dossier, diagnose(dossier, configuration.causes, configuration.scoring))
            judgements += _tried(dossier.account_id, frame, drafter.rules(frame), drafter)
        stage.base.close()
    return verdicts("drafts", judgements, (RefusedByName(),), lambda got: {"refused for": ", ".join(got.codes)})


def _tried(account: str, frame: Frame, rules: Rules, drafter: PlayDrafter) -> list[Judgement]:
    found = []
    for fault in FAULTS:
        draft = fault.make(careful(frame), frame)
        codes = [violation.code for violation in check_draft(draft, frame, rules)]
        if not codes:
            codes = [v.code for v in verify(assemble(frame, draft_lines(frame, draft), draft), frame, rules)]
        refused = Refused(tuple(dict.fromkeys(codes)))
        found.append(Judgement(f"{fault.name} ({account})", "A fault that a model can make.", fault, refused))
    play = drafter.from_playbook(frame)
    for change in TAMPERED:
        codes = [violation.code for violation in verify(change.make(play), frame, rules)]
        refused = Refused(tuple(dict.fromkeys(codes)))
        found.append(Judgement(f"{change.name} ({account})", "A play changed after it was drafted.", change, refused))
    return found


# a real model ----------------------------------------------------------------------------------------------------------


class Answered(Question):
    """The model was asked with today's prompt and answered."""

    asks, says = "answered", "the model answered today's prompt (replay: the prompt is the one that was recorded)"

    def verdict(self, case: str, got: SavePlay) -> Verdict:
        error = got.drafting.error
        why = "the prompt is no longer the one that was recorded: look at prompts/ and run `make record`"
        return error is None, f"{error}: {got.drafting.reason} ({why})" if error else "answered"


class Whole(Question):
    """The play that reaches people."""

    asks, says = "verified", "the play that reaches people is complete and without a violation"

    def verdict(self, case: str, got: SavePlay) -> Verdict:
        lacks = [] if got.verified else [violation.code for violation in got.violations]
        lacks += [phase.phase for phase in got.phases if len(phase.actions) < 3]
        return not lacks, ", ".join(lacks) or "complete"


def real(configuration: Configuration, client: ModelClient, tell: Tell) -> tuple[list[Judgement], list[SavePlay]]:
    """The ten accounts of the sample review, drafted."""
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        desk = sample_desk(Path(scratch), configuration, None)
        base, history = desk.base, desk.history
        accounts = at_risk_ids(base, PLAYS)
        base.pick(accounts)
        found = dossiers(base, accounts, history, base.details())
        drafter = drafter_of(base, people(base), client)
        frames = [drafter.frame(d, diagnose(d, configuration.causes, configuration.scoring)) for d in found]
        drafted = asyncio.run(_drafted(drafter, frames, client, tell))
        plays = [drafter.play(frame, item) for frame, item in zip(frames, drafted, strict=True)]
        base.close()
        desk.store.close()
    return [Judgement(play.name, f"Cause: {play.cause_label}.", play.account_id, play) for play in plays], plays


async def _drafted(drafter: PlayDrafter, frames: Sequence[Frame], client: ModelClient, tell: Tell) -> list[Drafted]:
    done: list[Drafted] = []

    async def each(frame: Frame) -> Drafted:
        drafted = await drafter.draft(frame)
        done.append(drafted)
        tell("drafts", len(done), len(frames))
        return drafted

    tell("drafts", 0, len(frames))
    try:
        return list(await asyncio.gather(*(each(frame) for frame in frames)))
    finally:
        await client.close()


def drafted_figures(plays: Sequence[SavePlay], seconds: Mapping[str, float]) -> tuple[Figure, ...]:
    """How the plays came to be, and what they took. ``seconds`` by call; empty in a replay."""
    outcomes = [play.drafting.outcome for play in plays]
    n = len(plays)
    total = {play.account_id: _own_words(play) for play in plays}
    found = [
        share("first_try", "drafts that passed every check at first try", outcomes.count("first_try"), n),
        share("kept", "plays that keep the model's choices: first try, repaired or in part",
              sum(outcome in ("first_try", "repaired", "in_part") for outcome in outcomes), n),
        mean("own_words", "sentences of a play that are the model's own", total),
        mean("tokens", "tokens read and written a play",
             {p.account_id: float(p.drafting.tokens.read + p.drafting.tokens.written) for p in plays}, "tokens", "lower",
             gated=False),
    ]  # fmt: skip
    if seconds:
        found.append(mean("latency", "seconds a call", seconds, "seconds", "lower", gated=False))
    costs = [play.drafting.cost for play in plays]
    if all(cost is not None for cost in costs) and any(costs):
        by_account = {play.account_id: float(play.drafting.cost or 0.0) for play in plays}
        found.append(
            mean(
                "cost",
                "cost of a play, in the currency of the price table",
                by_account,
                "currency",
                "lower",
                gated=False,
            )
        )
    return tuple(found)


def _own_words(play: SavePlay) -> float:
    """Of summary, opening and one sentence an action."""
    possible = 2 + sum(len(phase.actions) for phase in play.phases)
    return len(play.draft.wording()) / possible if play.draft else 0.0


def run_drafts(
    configuration: Configuration,
    client: ModelClient | None,
    model: str,
    tell: Tell,
    seconds: Callable[[], Mapping[str, float]] = dict,
) -> SuiteResult:
    """The scripted faults; with a client, the sample's ten plays as well."""
    results = scripted(configuration)
    says = {RefusedByName.asks: RefusedByName.says}
    figures: tuple[Figure, ...] = ()
    if client is not None:
        judgements, plays = real(configuration, client, tell)
        results += verdicts("drafts", judgements, (Answered(), Whole()), _described)
        says |= {Answered.asks: Answered.says, Whole.asks: Whole.says}
        figures = drafted_figures(plays, seconds())
    results = tuple(sorted(results, key=lambda case: case.name))
    return SuiteResult(
        suite="drafts", model=model, says=SAYS, figures=(*by_question(results, says), *figures), cases=results
    )


def _described(play: SavePlay) -> dict[str, str]:
    return {
        "outcome": play.drafting.outcome,
        "answers": str(play.drafting.rounds),
        "refused": ", ".join(dict.fromkeys(fault.code for fault in play.drafting.refused)) or "nothing",
        "cause": play.cause,
    }
