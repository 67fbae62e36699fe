"""``saveplay eval``: run the suites, print and write the results, compare them with the accepted baseline."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.table import Table

from app.output import EXIT_DONE, EXIT_FAILURE, print_progress, print_result, to_json_text
from app.stores import open_location
from app.summary_text import render_parts, text_table
from app.wiring import ReviewRequest, absolute_location, apply_environment, load_scored_base
from domain.configuration import Configuration
from domain.errors import InputError
from evals.baseline import (
    BASELINE,
    BaselineChange,
    accept_results,
    compare_with_baseline,
    read_baseline,
    regressions,
    write_baseline,
)
from evals.cases import CASES_FOLDER, read_cases
from evals.evaluation import DRAFTING_MODES, SUITES, DraftingMode, Evaluation, Suite, evaluate_suites
from evals.figures import Figure, SuiteResult
from evals.page import evaluation_page, format_interval, format_value
from tools.configuration import read_configuration
from tools.wording import plural

_MAX_WRONG_CASES = 25


def run_evaluation(
    suite: str, way: str, baseline: Path | None, accept: bool, html: Path | None, configs: str | None, as_json: bool
) -> None:
    """Run the evaluation and end the process: exit 1 when a gated figure or case is worse than the baseline."""
    if suite != "all" and suite not in SUITES:
        raise InputError(f"--suite {suite!r}: use {', '.join(SUITES)} or all")
    drafts = drafting_mode(way)
    configuration = _configuration(configs)
    path = baseline or BASELINE
    known = read_baseline(path) if path.exists() or not accept else None
    chosen: Sequence[Suite] = SUITES if suite == "all" else [name for name in SUITES if name == suite]
    evaluation = evaluate_suites(chosen, drafts, configuration, _print_case_progress)
    changes = compare_with_baseline(evaluation, known) if known else ()
    if accept:
        write_baseline(accept_results(evaluation, known), path)
        print_progress(f"accepted: {path}")
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(evaluation_page(evaluation, changes), encoding="utf-8")
        print_progress(f"report: {html}")
    worse = () if accept else regressions(changes)
    if as_json:
        body = {
            "evaluation": evaluation.model_dump(mode="json"),
            "changes": [c.model_dump(mode="json") for c in changes],
        }
        print_result(to_json_text(body | {"passed": not worse}))
    else:
        print_result(evaluation_text(evaluation, changes, worse))
    raise SystemExit(EXIT_FAILURE if worse else EXIT_DONE)


def drafting_mode(word: str) -> DraftingMode:
    """The source of the drafts that ``--model`` names. Raises InputError."""
    found = next((known for known in DRAFTING_MODES if known == word), None)
    if found is None:
        raise InputError(f"--model {word!r}: use playbook, replay or live")
    return found


def _configuration(configs: str | None) -> Configuration:
    return apply_environment(read_configuration(Path(configs) if configs else None))


def _print_case_progress(what: str, done: int, of: int) -> None:
    """Print progress on standard error: one line that moves in a terminal, else the first and the last count."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what}: {done} of {of} " + ("\n" if done == of else ""))
        sys.stderr.flush()
    elif done in (0, of):
        print_progress(f"{what}: {done} of {of}")


def evaluation_text(evaluation: Evaluation, changes: Sequence[BaselineChange], worse: Sequence[BaselineChange]) -> str:
    """The figures of each suite, the comparison with simpler methods, wrong cases, and changes since the baseline."""
    parts: list[Table | str] = [f"Drafted by: {evaluation.model}. Intervals are 95 %."]
    for suite in evaluation.suites:
        rows = [
            (
                figure.name.replace("_", " "),
                format_value(figure.value, figure),
                format_interval(figure),
                str(figure.n),
                figure.says,
            )
            for figure in suite.figures
        ]
        columns = (
            ("figure", "left"),
            ("value", "right"),
            ("95 %", "right"),
            ("count", "right"),
            ("meaning", "left"),
        )
        parts.append(text_table(f"\n{suite.suite}", columns, rows))
        if suite.comparisons:
            parts.append(_comparison_table(suite))
        parts += [_slice_line(dimension, figures) for dimension, figures in suite.slices.items()]
        parts += [f"  {note}" for note in suite.notes if not note.startswith("Never")]
        wrong = [case for case in suite.cases if not case.right]
        for case in wrong[:_MAX_WRONG_CASES]:
            faults = "; ".join(f"{c.name}: {c.why}" for c in case.checks if not c.right)
            parts.append(f"  wrong: {case.name}: {case.error or faults}")
        if len(wrong) > _MAX_WRONG_CASES:
            parts.append(f"  and {len(wrong) - _MAX_WRONG_CASES} more; --html writes them all")
    if changes:
        parts.append("\nChanges since the baseline")
        parts += [f"  {change.kind}: {change.suite}/{change.name}: {change.message}" for change in changes[:60]]
    verdict = (
        f"{plural(len(worse), 'result')} worse than the baseline." if worse else "Nothing is worse than the baseline."
    )
    return render_parts(*parts, f"\n{verdict}")


def _slice_line(dimension: str, figures: Sequence[Figure]) -> str:
    """Right cases of each part in one line; the page has the intervals."""
    shares = (f"{figure.name} {round(figure.value * figure.n)} of {figure.n}" for figure in figures)
    return f"  right by {dimension}: {', '.join(shares)}"


def _comparison_table(suite: SuiteResult) -> Table:
    """The review compared with simpler methods of choosing accounts."""
    heads = (
        "policy",
        "ARR caught",
        "left, caught",
        "ARR kept",
        "kept per hour",
        "lead, ARR caught",
        "lead, kept per hour",
    )
    rows = []
    for policy in suite.comparisons:
        leads = [f"{format_value(figure.value, figure)} ({format_interval(figure)})" for figure in policy.difference]
        cells = [
            policy.name,
            *(format_value(figure.value, figure) for figure in policy.figures),
            *leads[:1],
            *leads[-1:],
        ]
        rows.append([*cells, *[""] * (len(heads) - len(cells))])
    return text_table("", [(head, "left" if number == 0 else "right") for number, head in enumerate(heads)], rows)


def print_case(name: str, configs: str | None) -> None:
    """Print one case from its rows to its play."""
    from evals.explain import explain_one_case

    print_result(explain_one_case(name, read_cases(), _configuration(configs)))


def write_anonymised_case(
    account: str, data: str, day: date, name: str | None, folder: Path | None, configs: str | None
) -> None:
    """Write an anonymised case of a real account. A person reads and completes it. Raises InputError."""
    from evals.anonymise import anonymise_account

    configuration = _configuration(configs)
    with open_location(None) as location:
        base = load_scored_base(
            ReviewRequest(absolute_location(data), day, "", configs), configuration, location.history()
        )
    text = anonymise_account(base, account)
    path = (folder or CASES_FOLDER) / f"{name or 'real_' + date.isoformat(day).replace('-', '_')}.yaml"
    if path.exists():
        raise InputError(f"{path} exists; give the case another --name")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print_result(f"{path}\nRead it: names are taken out, the customer's words are not. Then write `why`, and put into `expect` what an "
         f"experienced leader concludes.\nTry it: saveplay eval --explain {path.stem}")  # fmt: skip
