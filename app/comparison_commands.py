"""``saveplay eval --compare A B``: two ways to draft, side by side, and which plays people prefer without knowing whose they are."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from app.output import print_progress, print_result, to_json_text
from app.summary_text import render_parts, text_table
from app.wiring import apply_environment
from domain.configuration import Configuration
from domain.errors import ConfigurationError, InputError
from domain.save_play import SavePlay
from evals.figures import Figure
from evals.labels import blind_page, read_labels, write_labels
from evals.page import format_interval, format_value
from evals.preference import Choice, Label, PlayPair, Preference, order_pairs, preference
from evals.variants import (
    ACCOUNTS,
    RECORDED_ACCOUNTS,
    Difference,
    Variant,
    differences,
    draft_variant,
    pair_plays,
    read_variant,
    side_by_side,
)
from tools.configuration import read_configuration
from tools.wording import plural

_KEYS: Mapping[str, Choice] = {
    "1": "left",
    "l": "left",
    "2": "right",
    "r": "right",
    "0": "same",
    "=": "same",
    "s": "same",
}

_RECORDING = "compare"


@dataclass(frozen=True)
class ComparisonRequest:
    """Two sides to compare, and the use of their plays."""

    sides: tuple[str, str]
    mode: Literal["playbook", "replay", "live"]
    seed: int
    labels: Sequence[Path]
    """Files of labels; new labels are added to the first."""
    choose: str | None
    """Name of the person who chooses now in the terminal."""
    judge: bool
    html: Path | None
    configs: str | None
    as_json: bool
    accounts: int | None = None
    """Accounts that both sides draft; None: as many as were recorded, or as a person judges in one sitting."""


def run_comparison(request: ComparisonRequest) -> None:
    """Draft both sides, let people or a model choose, and print what differs and what is preferred."""
    if request.choose is not None and not request.labels:
        raise InputError("--choose: name a file that keeps the labels: --labels FILE")
    shipped = apply_environment(read_configuration(Path(request.configs) if request.configs else None))
    kind: Literal["playbook", "model"] = "playbook" if request.mode == "playbook" else "model"
    a, b = (read_variant(name, shipped, apply_environment, kind) for name in request.sides)
    for side in (a, b):
        if request.mode == "live" and side.by_model and side.configuration.model.name is None:
            raise ConfigurationError(f"{side.name}: no model is configured; set SAVEPLAY_MODEL, or name in model.yaml")
    most = request.accounts or (RECORDED_ACCOUNTS if request.mode == "replay" else ACCOUNTS)
    with _recording(request.mode):  # one for both sides: tidying keeps what either of them used
        plays = [_draft(side, request.mode, most) for side in (a, b)]
    pairs = order_pairs(pair_plays(*plays), request.seed, ACCOUNTS)
    labels = read_labels([path for path in request.labels if request.choose is None or path.exists()])
    if request.html is not None:
        request.html.parent.mkdir(parents=True, exist_ok=True)
        request.html.write_text(blind_page(pairs, request.seed), encoding="utf-8")
        print_progress(f"page to choose on: {request.html}")
    if request.choose is not None:
        labels += _choose(pairs, labels, request)
    notes: tuple[str, ...] = ()
    if request.judge:
        judged, notes = _judge(pairs, request, shipped)
        labels += judged
    found = preference(pairs, labels)
    if request.as_json:
        print_result(to_json_text(_as_document(request, plays, pairs, found, notes)))
    else:
        print_result(comparison_text(a.name, b.name, plays, found, notes))


def _draft(side: Variant, mode: str, most: int) -> dict[str, SavePlay]:
    from evals.recorded_model import RECORDED_MODEL, ReplayClient, build_model_client, recorded_configuration

    if mode != "replay" or not side.by_model:
        return draft_variant(side, lambda known: build_model_client(known, lambda *_: None), _print_progress, most)
    recorded = recorded_configuration(side.configuration)
    replayed = Variant(f"{side.name} ({RECORDED_MODEL}, recorded)", recorded, side.prompts)
    opened: list[ReplayClient] = []

    def open_replay(known: Configuration) -> ReplayClient:
        opened.append(ReplayClient(build_model_client(known, lambda *_: None)))
        return opened[-1]

    plays = draft_variant(replayed, open_replay, _print_progress, most)
    if missing := sum(client.missing for client in opened):
        # The playbook's plays in their place would look like a prompt that is worse.
        raise ConfigurationError(
            f"--model replay: {side.name}: nothing is recorded for {plural(missing, 'request')}; use --model live, or the prompts"
            f" and the {RECORDED_ACCOUNTS} accounts that were recorded"
        )
    return plays


def _recording(mode: str) -> AbstractContextManager[object]:
    """The recorded answers, where they are replayed."""
    from evals.recorded_model import cassette

    return cassette(_RECORDING) if mode == "replay" else nullcontext()


def _print_progress(what: str, done: int, of: int) -> None:
    if done == of:
        print_progress(f"{what}: {done} of {of}")


def _choose(pairs: Sequence[PlayPair], labels: Sequence[Label], request: ComparisonRequest) -> tuple[Label, ...]:
    """Choices of a person in the terminal, one pair after the other; each is kept at once."""
    assert request.choose is not None
    by, made = request.choose, list[Label]()
    kept = read_labels([path for path in request.labels[:1] if path.exists()])
    done = {label.pair for label in labels if label.by == by}
    waiting = [pair for pair in pairs if pair.key not in done]
    print_progress(f"{plural(len(waiting), 'pair')} to choose between. 1 left, 2 right, 0 no difference, q stop.")
    for number, pair in enumerate(waiting, start=1):
        left, right = pair.shown(request.seed)
        print_progress(
            f"\n{number} of {len(waiting)}: {pair.name}\n{pair.situation}\n\n1: LEFT\n{left}\n\n2: RIGHT\n{right}\n"
        )
        choice = _read_choice()
        if choice is None:
            break
        made.append(Label(by=by, account=pair.account, pair=pair.key, seed=request.seed, choice=choice))
        write_labels(request.labels[0], (*kept, *made))
    return tuple(made)


def _read_choice() -> Choice | None:
    """The choice that is typed; None when the person stops."""
    while True:
        print_progress("1, 2, 0 or q:")
        line = sys.stdin.readline()
        typed = line.strip().lower()
        if not line or typed in ("q", "quit"):
            return None
        if typed in _KEYS:
            return _KEYS[typed]


def _judge(
    pairs: Sequence[PlayPair], request: ComparisonRequest, shipped: Configuration
) -> tuple[tuple[Label, ...], tuple[str, ...]]:
    from evals.judge import judge_pairs
    from evals.recorded_model import build_model_client

    model = shipped.model.name
    if model is None:
        raise ConfigurationError("--judge: no model is configured; set SAVEPLAY_MODEL, or name in model.yaml")
    return judge_pairs(pairs, request.seed, model, build_model_client(shipped, lambda *_: None), _print_progress)


# what is printed ---------------------------------------------------------------------------------------------------------


def comparison_text(
    a: str, b: str, plays: Sequence[Mapping[str, SavePlay]], found: Preference, notes: Sequence[str]
) -> str:
    """Both sides: figures, the plays account by account, and the preference."""
    rows = [_difference_row(difference) for difference in differences(*plays)]
    columns = [("figure", "left"), ("A", "right"), ("B", "right"), ("B minus A", "right"), ("95 %", "right")]
    return render_parts(
        f"A: {a}\nB: {b}",
        text_table("\nFigures", columns, rows),
        "\nPlay by play",
        *(f"  {line}" for line in side_by_side(*plays)),
        f"\n{preference_text(found)}",
        *(f"Not judged: {note}" for note in notes),
    )


def _difference_row(difference: Difference) -> list[str]:
    figure = difference.a
    change = difference.change
    if change is None or not figure.n:
        return [figure.name.replace("_", " "), "unknown", "unknown", "", ""]
    middle, low, high = (_change_text(value, figure) for value in change)
    sides = [format_value(side.value, side) for side in (difference.a, difference.b)]
    return [figure.name.replace("_", " "), *sides, middle, f"{low} to {high}"]


def _change_text(value: float, figure: Figure) -> str:
    """A difference with its sign; of shares in percentage points."""
    shown = f"{abs(value) * 100:.1f} points" if figure.unit == "share" else format_value(abs(value), figure)
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{shown}"


def preference_text(found: Preference) -> str:
    """The preference in sentences: counts, interval, what it can show, agreement."""
    if not found.pairs:
        return "No account has two different plays."
    if not found.labelled:
        return (
            f"{plural(found.pairs, 'pair')} of plays differ and nobody has chosen yet: --choose NAME --labels FILE, or "
            "--html PAGE for somebody else."
        )
    counts, share = found.preferred, found.share_b
    lines = [
        f"{found.labelled} of {plural(found.pairs, 'pair')} labelled by {', '.join(found.people)}: A preferred in {counts['A']}, "
        f"B in {counts['B']}, no difference in {counts['same']}."
    ]
    if share.n:
        verdict = "hardly chance" if found.is_sure else "it may be chance"
        lines.append(f"B is preferred in {share.value:.0%} of {plural(share.n, 'decided pair')} (95 %: {format_interval(share)}); "
                     f"sign test p = {found.p_value:.3f}: {verdict}.")  # fmt: skip
    if not found.is_sure:
        lines.append(_needed_text(found))
    if found.agreement is not None:
        kappa = "" if found.kappa is None else f"; beyond chance (kappa) {found.kappa:.2f}"
        lines.append(f"Two people agree in {found.agreement.value:.0%} of {plural(found.agreement.n, 'comparison')} "
                     f"(95 %: {format_interval(found.agreement)}){kappa}.")  # fmt: skip
    if found.left.n:
        lines.append(f"The left side was chosen in {found.left.value:.0%} of {plural(found.left.n, 'choice')}.")
    if found.judge is not None:
        lines.append(f"The model agrees with people in {found.judge.value:.0%} of {plural(found.judge.n, 'pair')} "
                     f"(95 %: {format_interval(found.judge)}).")  # fmt: skip
    if found.outdated:
        lines.append(f"{plural(found.outdated, 'label')} about other plays than these: not counted.")
    return "\n".join(lines)


def _needed_text(found: Preference) -> str:
    decided = found.share_b.n
    if found.needed is None:
        return f"{plural(decided, 'decided pair')} cannot show a difference; at least six are needed."
    return f"Of {plural(decided, 'decided pair')}, {found.needed} for one side would have shown a difference."


def _as_document(
    request: ComparisonRequest, plays: Sequence[Mapping[str, SavePlay]], pairs: Sequence[PlayPair], found: Preference,
    notes: Sequence[str],
) -> dict[str, object]:  # fmt: skip
    return {
        "a": request.sides[0],
        "b": request.sides[1],
        "seed": request.seed,
        "figures": [
            {"name": d.a.name, "says": d.a.says, "a": d.a.value, "b": d.b.value, "change": d.change}
            for d in differences(*plays)
        ],
        "pairs": [{"account": pair.account, "pair": pair.key, "a": pair.a, "b": pair.b} for pair in pairs],
        "preference": found.model_dump(mode="json"),
        "not_judged": list(notes),
    }
