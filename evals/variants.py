"""Two ways to draft the same accounts: by prompts, model or configuration; their plays, and what differs between them.

Both sides see the same accounts of the sample portfolio on the same day. Everything else is as shipped.
"""

import asyncio
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from agents.conversation import ModelClient
from domain.configuration import Configuration
from domain.errors import ConfigurationError
from domain.save_play import PlayAction, SavePlay
from evals.agent_outputs import build_drafter
from evals.engine import ReportProgress
from evals.figures import Figure, mean_figure, paired_difference
from evals.preference import PlayPair
from evals.suites.ask import open_sample_context
from evals.suites.plays import named_must_haves, read_play_cases, specific_share
from tools.configuration import read_configuration
from tools.evidence.causes import diagnose
from tools.evidence.dossier import Known, build_dossiers, load_people
from tools.evidence.incidents import find_incidents
from tools.planning.intervention_plan import at_risk_ids
from tools.prompts import PROMPTS_FOLDER, prompts_from
from tools.wording import format_short_day, plural

ACCOUNTS = 20
"""Accounts that are drafted, at most and where nobody says how many: as many as a person judges in one sitting."""
RECORDED_ACCOUNTS = 2
"""Accounts of the recorded comparison of two prompts."""
PLAYBOOK = "playbook"
_EVIDENCE_IDS = re.compile(r" \(E\d+(?:, E\d+)*\)")
OpenClient = Callable[[Configuration], ModelClient]


@dataclass(frozen=True)
class Variant:
    """One side of a comparison."""

    name: str
    configuration: Configuration
    prompts: Path | None = None
    """Folder whose prompts replace those of the same name; None for the shipped ones."""
    by_model: bool = True


def read_variant(
    name: str,
    shipped: Configuration,
    finish: Callable[[Configuration], Configuration],
    mode: Literal["playbook", "model"],
) -> Variant:
    """The side that a word names: a folder of prompts, a folder of configuration, ``playbook``, or a model.

    ``finish`` applies the environment to a configuration. Raises ConfigurationError.
    """
    folder = Path(name)
    if name == PLAYBOOK:
        return Variant(name, shipped, by_model=False)
    if not folder.is_dir():
        named = shipped.model.model_copy(update={"name": name, "fast_name": None})
        return Variant(name, shipped.model_copy(update={"model": named}))
    if any(folder.glob("*.j2")):
        unknown = sorted(path.name for path in folder.glob("*.j2") if not (PROMPTS_FOLDER / path.name).exists())
        if unknown:
            raise ConfigurationError(
                f"{folder / unknown[0]}: there is no prompt of this name in {PROMPTS_FOLDER.name}/"
            )
        if mode == PLAYBOOK:
            raise ConfigurationError(f"{name}: prompts make a difference only with a model; add --model live")
        return Variant(name, shipped, folder)
    return Variant(name, finish(read_configuration(folder)), by_model=mode == "model")


def draft_variant(
    variant: Variant, open_client: OpenClient, report_progress: ReportProgress, most: int = ACCOUNTS
) -> dict[str, SavePlay]:
    """The play of each of the ``most`` first accounts at risk, by account id."""
    configuration = variant.configuration
    with tempfile.TemporaryDirectory(prefix="saveplay-eval-") as scratch, prompts_from(variant.prompts):
        sample = open_sample_context(Path(scratch), configuration, None)
        base = sample.base
        accounts = at_risk_ids(base, most)
        base.select_accounts(accounts)
        known = Known(incidents=find_incidents(base))
        dossiers = build_dossiers(base, accounts, sample.history, base.signal_details(), known)
        client = open_client(configuration) if variant.by_model else None
        drafter = build_drafter(base, load_people(base), client)
        base.close()
        sample.store.close()
        contexts = [drafter.play_context(d, diagnose(d, configuration.causes, configuration.scoring)) for d in dossiers]
        done: list[str] = []

        async def each(number: int) -> SavePlay:
            drafted = await drafter.draft(contexts[number]) if client is not None else None
            done.append(dossiers[number].account_id)
            report_progress(f"compare: {variant.name}", len(done), len(contexts))
            return drafter.play(contexts[number], drafted)

        async def everything() -> list[SavePlay]:
            try:
                return list(await asyncio.gather(*map(each, range(len(contexts)))))
            finally:
                if client is not None:
                    await client.close()

        return {play.account_id: play for play in asyncio.run(everything())}


# what differs ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Difference:
    """One figure of both sides, and B minus A account by account with its 95 % interval."""

    a: Figure
    b: Figure
    change: tuple[float, float, float] | None


def pair_plays(a: Mapping[str, SavePlay], b: Mapping[str, SavePlay]) -> tuple[PlayPair, ...]:
    """Both plays of each account that both sides have, as texts."""
    return tuple(
        PlayPair(account=key, name=a[key].name, situation=situation_text(a[key]), a=play_as_text(a[key]), b=play_as_text(b[key]))
        for key in sorted(set(a) & set(b))
    )  # fmt: skip


def differences(a: Mapping[str, SavePlay], b: Mapping[str, SavePlay]) -> tuple[Difference, ...]:
    """Figures of both sides over the accounts that both have."""
    wanted = {case.account: case for half in read_play_cases().values() for case in half}
    common = sorted(set(a) & set(b))

    def each(name: str, says: str, value: Callable[[SavePlay], float | None], better: Literal["higher", "lower"] = "higher",
             unit: Literal["share", "count", "words", "tokens"] = "share") -> Difference:  # fmt: skip
        sides = [{key: value(plays[key]) for key in common} for plays in (a, b)]
        known = [{key: found for key, found in side.items() if found is not None} for side in sides]
        one, other = (mean_figure(name, says, side, unit, better, gated=False) for side in known)
        return Difference(one, other, paired_difference(known[1], known[0]))

    def must_haves(play: SavePlay) -> float | None:
        case = wanted.get(play.account_id)
        return named_must_haves(case, play) if case is not None else None

    return (
        each("first_try", "drafts that passed every check at the first try", lambda p: float(p.drafting.outcome == "first_try")),
        each("kept", "plays that use the model's choices", lambda p: float(p.drafted_by == "model")),
        each("must_haves", "what a leader wants named, named in steps", must_haves),
        each("specific", "share of a play's steps that name a fact of the account", specific_share),
        each("violations", "violations in finished plays", lambda p: float(len(p.violations)), "lower", "count"),
        each("faults", "faults in answers that were sent back", lambda p: float(len(p.drafting.refused)), "lower", "count"),
        each("steps", "steps of a play", lambda p: float(len(steps_of(p))), "higher", "count"),
        each("words", "words of a play", lambda p: float(len(play_as_text(p).split())), "lower", "words"),
        each("tokens", "tokens of a play", lambda p: float(p.drafting.tokens.total), "lower", "tokens"),
    )  # fmt: skip


def steps_of(play: SavePlay) -> list[PlayAction]:
    """All steps of a play."""
    return [action for phase in play.phases for action in phase.actions]


def changed_steps(a: SavePlay, b: SavePlay) -> tuple[list[str], list[str], list[str]]:
    """Titles of the steps that only A has, that only B has, and that both have with another day, owner or text."""
    one, other = ({step.id: step for step in steps_of(play)} for play in (a, b))
    moved = [one[key].title for key in one if key in other and _step_lines(one[key]) != _step_lines(other[key])]
    return [one[k].title for k in one if k not in other], [other[k].title for k in other if k not in one], moved


def situation_text(play: SavePlay) -> str:
    """Cause and circumstances of an account in two sentences, without who drafted and without ids of evidence."""
    days = play.renewal_in_days
    renewal = (
        "renewal unknown" if days is None else f"renewal in {plural(days, 'day')}" if days >= 0 else "renewal overdue"
    )
    return f"{play.cause_label}. {play.intervention_tier.capitalize()} priority, {renewal}. {_EVIDENCE_IDS.sub('', play.root_cause)}"


def play_as_text(play: SavePlay) -> str:
    """The steps of a play as people read them, without who drafted it: phases, steps and their texts, each level indented."""
    lines = []
    for phase in play.phases:
        lines.append(phase.title)
        for action in phase.actions:
            lines += _step_lines(action)
    return "\n".join(lines)


def _step_lines(action: PlayAction) -> list[str]:
    lines = [f"  {format_short_day(action.due)}, {action.owner}: {action.title}", f"    {action.action}"]
    return [*lines, f"    Because: {'; '.join(action.because)}"] if action.because else lines


def side_by_side(a: Mapping[str, SavePlay], b: Mapping[str, SavePlay]) -> Sequence[str]:
    """One line an account: how many steps both have, and which only one has."""
    lines = []
    for key in sorted(set(a) & set(b)):
        only_a, only_b, moved = changed_steps(a[key], b[key])
        if not (only_a or only_b or moved):
            lines.append(f"{a[key].name}: the same play")
            continue
        said = [f"{plural(len(steps_of(b[key])) - len(only_b) - len(moved), 'step')} the same"]
        said += [f"{len(moved)} with another day, owner or text"] if moved else []
        said += [f"Only A: {'; '.join(only_a)}"] if only_a else []
        said += [f"Only B: {'; '.join(only_b)}"] if only_b else []
        lines.append(f"{a[key].name}: {'. '.join(said)}.")
    return lines
