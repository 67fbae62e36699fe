"""Suite ``plays``: names that a save play must hold, written by a leader from the rows before any play was looked at.

The playbook drafter plans for each account of the sample portfolio. A must-have counts only if a *step* names it. Each
fixture file is one half: the figures of a half stand apart, so that one half can stay unseen while the library is written.
"""

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from agents.play_drafter import PlayDrafter
from domain.configuration import Configuration
from domain.dossier import Dossier
from domain.record import Record
from domain.save_play import PlayAction, SavePlay
from evals.agent_outputs import build_drafter
from evals.cases import FIXTURES, load_yaml
from evals.engine import Judgement, Question, ReportProgress, Verdict, answer_questions
from evals.figures import Figure, SuiteResult, mean_figure, question_figures, share_figure, slice_figures
from evals.suites.ask import open_sample_context
from tools.evidence.causes import diagnose
from tools.evidence.dossier import Known, build_dossiers, load_people
from tools.evidence.incidents import find_incidents

SAYS = "Save plays of the sample: what an experienced leader says that the steps must name, and must not."
FOLDER = FIXTURES / "plays"


class MustHave(Record):
    """Something that a step has to name; any one of the texts shows it."""

    id: str
    what: str
    any_of: tuple[str, ...]


class MustNot(Record):
    """Something that no step may say."""

    what: str
    any_of: tuple[str, ...]


class PlayCase(Record):
    """Judgement of a leader about one account, from its rows alone."""

    account: str
    story: str
    cause: str
    second: str | None = None
    must_have: tuple[MustHave, ...]
    must_not: tuple[MustNot, ...] = ()
    buyer: str | None = None


@dataclass(frozen=True)
class PlannedAccount:
    """The play of one account, and the same play planned with the facts of another account."""

    play: SavePlay
    swapped: SavePlay
    segment: str

    @property
    def steps(self) -> list[PlayAction]:
        """All steps of the play."""
        return [action for phase in self.play.phases for action in phase.actions]

    @property
    def said(self) -> str:
        """Everything that the steps say, in small letters."""
        return steps_text(self.play)


def steps_text(play: SavePlay) -> str:
    """Everything that the steps of a play say, in small letters."""
    return "\n".join(_step_text(action) for phase in play.phases for action in phase.actions).casefold()


def _step_text(step: PlayAction) -> str:
    parts = [
        step.title,
        step.whole,
        step.purpose,
        *step.because,
        *step.asks,
        step.result,
        step.owner,
        step.contact or "",
    ]
    return " ".join(parts)


def read_play_cases(folder: Path = FOLDER) -> dict[str, tuple[PlayCase, ...]]:
    """By half, as the name of its file ends: the cases."""
    return {
        path.stem.removeprefix("must_haves_"): tuple(PlayCase(**entry) for entry in load_yaml(path))
        for path in sorted(folder.glob("must_haves_*.yaml"))
    }


class NothingForbidden(Question):
    """No step says what it must not, meets somebody who left, or lies before the review."""

    figure_name, description = "no_contradiction", "no step contradicts the record"

    def verdict(self, case: PlayCase, got: PlannedAccount) -> Verdict:
        found = [item.what for item in case.must_not if any(text.casefold() in got.said for text in item.any_of)]
        found += [f"{step.id} is due {step.due}" for step in got.steps if step.due < got.play.created]
        return not found, "; ".join(found) or "none"


class BuyerNamed(Question):
    """The economic buyer is named in a step where one is known."""

    figure_name, description = "buyer_named", "the economic buyer is named in a step, where one is known"

    def applies(self, case: PlayCase) -> bool:
        return case.buyer is not None

    def verdict(self, case: PlayCase, got: PlannedAccount) -> Verdict:
        return (case.buyer or "").casefold() in got.said, f"the buyer is {case.buyer}"


class OtherFactsOtherPlay(Question):
    """The play planned with another account's facts has other steps."""

    figure_name, description = "swap_changes", "with the facts of another account the play becomes another"

    def verdict(self, case: PlayCase, got: PlannedAccount) -> Verdict:
        def names(play: SavePlay) -> list[str]:
            return [f"{action.title} {action.whole}" for phase in play.phases for action in phase.actions]

        return names(got.play) != names(got.swapped), "the same steps" if got.play == got.swapped else "other steps"


class MostNamed(Question):
    """At least seven in ten must-haves of the account are named in its steps."""

    figure_name, description = "most_named", "at least 70 % of the account's must-haves are named in steps"

    def verdict(self, case: PlayCase, got: PlannedAccount) -> Verdict:
        missing = [item.what for item in case.must_have if not _is_named(item, got.said)]
        named = len(case.must_have) - len(missing)
        return named >= 0.7 * len(case.must_have), "missing: " + ("; ".join(missing) or "nothing")


QUESTIONS: tuple[Question, ...] = (MostNamed(), NothingForbidden(), BuyerNamed(), OtherFactsOtherPlay())


def _is_named(item: MustHave, said: str) -> bool:
    return any(text.casefold() in said for text in item.any_of)


def specific_share(play: SavePlay) -> float:
    """Share of the play's steps that name a fact of the account."""
    steps = [action.step for phase in play.phases for action in phase.actions]
    return sum(1 for step in steps if step is not None and step.is_specific) / len(steps) if steps else 0.0


def named_must_haves(case: PlayCase, play: SavePlay) -> float:
    """Share of the must-haves of an account that the steps of its play name."""
    said = steps_text(play)
    return sum(_is_named(item, said) for item in case.must_have) / len(case.must_have)


def run_plays(configuration: Configuration, report_progress: ReportProgress, folder: Path = FOLDER) -> SuiteResult:
    """Judge the plays of all accounts that the fixtures describe."""
    halves = read_play_cases(folder)
    cases = [case for half in halves.values() for case in half]
    report_progress("plays", 0, len(cases))
    planned = _plan([case.account for case in cases], configuration)
    report_progress("plays", len(cases), len(cases))
    judgements = [
        Judgement(
            case.account,
            case.story,
            case,
            planned.get(case.account),
            _lost(case, planned),
            _slices(case, planned.get(case.account)),
        )
        for case in cases
    ]
    results = answer_questions("plays", judgements, QUESTIONS, lambda got: {"cause": got.play.cause})
    says = {question.figure_name: question.description for question in QUESTIONS}
    figures = (*_must_have_figures(halves, planned), *question_figures(results, says), *_step_figures(planned))
    return SuiteResult(
        suite="plays", model="none", says=SAYS, figures=figures, cases=results, slices=slice_figures(results)
    )


def _slices(case: PlayCase, got: PlannedAccount | None) -> dict[str, str]:
    """Kind of account: the cause that the leader named, segment and tier."""
    found = {"cause": case.cause.replace("_", " ")}
    if got is not None:
        found |= {"segment": got.segment, "tier": got.play.intervention_tier}
    return found


def _lost(case: PlayCase, planned: Mapping[str, PlannedAccount]) -> str | None:
    return None if case.account in planned else "the account is not in the sample"


def _plan(accounts: Sequence[str], configuration: Configuration) -> dict[str, PlannedAccount]:
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch:
        sample = open_sample_context(Path(scratch), configuration, None)
        base = sample.base
        base.select_accounts(accounts)
        known = Known(incidents=find_incidents(base))
        dossiers = build_dossiers(base, accounts, sample.history, base.signal_details(), known)
        drafter = build_drafter(base, load_people(base), None)
        base.close()
    others = [*dossiers[1:], *dossiers[:1]]
    return {
        dossier.account_id: PlannedAccount(
            _play(drafter, dossier, dossier, configuration),
            _play(drafter, dossier, other, configuration),
            dossier.segment,
        )
        for dossier, other in zip(dossiers, others, strict=True)
    }


def _play(drafter: PlayDrafter, dossier: Dossier, other: Dossier, configuration: Configuration) -> SavePlay:
    """The play of an account with the facts of another one (or its own)."""
    finding = diagnose(dossier, configuration.causes, configuration.scoring)
    return drafter.from_playbook(drafter.play_context(dossier.model_copy(update={"facts": other.facts}), finding))


def _must_have_figures(
    halves: Mapping[str, Sequence[PlayCase]], planned: Mapping[str, PlannedAccount]
) -> Iterable[Figure]:
    """The share of must-haves that steps name, whole and by half."""
    named = {
        half: [_is_named(item, planned[case.account].said) for case in cases for item in case.must_have]
        for half, cases in halves.items()
    }
    every = [hit for hits in named.values() for hit in hits]
    yield share_figure("must_haves", "must-haves that are named in steps", sum(every), len(every))
    for half, hits in named.items():
        yield share_figure(f"must_haves_{half}", f"the same, half {half}", sum(hits), len(hits))


def _step_figures(planned: Mapping[str, PlannedAccount]) -> tuple[Figure, ...]:
    words = {
        account: sum(len(step.action.split()) for step in got.steps) / len(got.steps)
        for account, got in planned.items()
    }
    shares = {account: specific_share(got.play) for account, got in planned.items()}
    return (
        mean_figure("specific", "share of a play's steps that name a fact of the account", shares),
        mean_figure(
            "shared", "steps that two plays of one cause share word for word", _shared(planned), better="lower"
        ),
        mean_figure("words", "words of a step's sentence", words, "words", "lower", gated=False),
    )


def _shared(planned: Mapping[str, PlannedAccount]) -> dict[str, float]:
    """By pair of accounts with the same cause: the share of (step, about, with) that both have."""
    by_cause: dict[str, list[str]] = defaultdict(list)
    for account, got in sorted(planned.items()):
        by_cause[got.play.cause].append(account)
    return {
        f"{one} and {other}": _overlap(_triples(planned[one]), _triples(planned[other]))
        for accounts in by_cause.values()
        for one, other in combinations(accounts, 2)
    }


def _triples(got: PlannedAccount) -> set[tuple[str, str | None, str | None]]:
    return {
        (
            step.id,
            step.step.about if step.step else None,
            step.step.person.name if step.step and step.step.person else None,
        )
        for step in got.steps
    }


def _overlap(one: set[tuple[str, str | None, str | None]], other: set[tuple[str, str | None, str | None]]) -> float:
    return len(one & other) / min(len(one), len(other))
