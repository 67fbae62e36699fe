"""``saveplay eval``: run the suites, print and write what they found, and compare with the accepted baseline."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.table import Table

from app.cli import DONE, FAULT, as_document, say, show
from app.stores import store_at
from app.summary_text import printed, table
from app.wiring import Request, absolute, load_base, with_environment
from domain.configuration import Configuration
from domain.errors import InputError
from evals.cases import ACCOUNTS, read_cases
from evals.figures import SuiteResult
from evals.gate import BASELINE, Change, accepted, compared, read_baseline, regressions, write_baseline
from evals.page import evaluation_page, interval, shown
from evals.running import SUITES, WAYS, Evaluation, Suite, evaluate
from tools.configuration import read_configuration
from tools.wording import plural

_SHOWN = 25


def run_evaluation(
    suite: str, way: str, baseline: Path | None, accept: bool, html: Path | None, configs: str | None, as_json: bool
) -> None:
    """The whole command; exit 1 when a gated figure or case is worse than the baseline."""
    if suite != "all" and suite not in SUITES:
        raise InputError(f"--suite {suite!r}: use {', '.join(SUITES)} or all")
    drafts = next((known for known in WAYS if known == way), None)
    if drafts is None:
        raise InputError(f"--model {way!r}: use playbook, replay or live")
    configuration = _configuration(configs)
    path = baseline or BASELINE
    known = read_baseline(path) if path.exists() or not accept else None
    chosen: Sequence[Suite] = SUITES if suite == "all" else [name for name in SUITES if name == suite]
    evaluation = evaluate(chosen, drafts, configuration, _tell)
    changes = compared(evaluation, known) if known else ()
    if accept:
        write_baseline(accepted(evaluation, known), path)
        say(f"accepted: {path}")
    if html is not None:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(evaluation_page(evaluation, changes), encoding="utf-8")
        say(f"report: {html}")
    worse = () if accept else regressions(changes)
    if as_json:
        body = {
            "evaluation": evaluation.model_dump(mode="json"),
            "changes": [c.model_dump(mode="json") for c in changes],
        }
        show(as_document(body | {"passed": not worse}))
    else:
        show(evaluation_text(evaluation, changes, worse))
    raise SystemExit(FAULT if worse else DONE)


def _configuration(configs: str | None) -> Configuration:
    return with_environment(read_configuration(Path(configs) if configs else None))


def _tell(what: str, done: int, of: int) -> None:
    """Progress on standard error: one moving line in a terminal, first and last elsewhere."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{what}: {done} of {of} " + ("\n" if done == of else ""))
        sys.stderr.flush()
    elif done in (0, of):
        say(f"{what}: {done} of {of}")


def evaluation_text(evaluation: Evaluation, changes: Sequence[Change], worse: Sequence[Change]) -> str:
    """Figures by suite, the comparison of ways, what is wrong, what changed."""
    parts: list[Table | str] = [f"Drafted by: {evaluation.model}. Intervals are 95 %."]
    for suite in evaluation.suites:
        rows = [
            (figure.name.replace("_", " "), shown(figure.value, figure), interval(figure), str(figure.n), figure.says)
            for figure in suite.figures
        ]
        columns = (
            ("figure", "left"),
            ("value", "right"),
            ("95 %", "right"),
            ("of", "right"),
            ("what it means", "left"),
        )
        parts.append(table(f"\n{suite.suite}", columns, rows))
        if suite.comparisons:
            parts.append(_ways(suite))
        parts += [f"  {note}" for note in suite.notes if not note.startswith("Never")]
        wrong = [case for case in suite.cases if not case.right]
        for case in wrong[:_SHOWN]:
            faults = "; ".join(f"{c.name}: {c.why}" for c in case.checks if not c.right)
            parts.append(f"  wrong: {case.name}: {case.error or faults}")
        if len(wrong) > _SHOWN:
            parts.append(f"  and {len(wrong) - _SHOWN} more; --html writes them all")
    if changes:
        parts.append("\nAgainst the baseline")
        parts += [f"  {change.kind}: {change.suite}/{change.name}: {change.message}" for change in changes[:60]]
    verdict = (
        f"{plural(len(worse), 'thing')} worse than the baseline." if worse else "Nothing is worse than the baseline."
    )
    return printed(*parts, f"\n{verdict}")


def _ways(suite: SuiteResult) -> Table:
    """The review beside simpler ways of choosing."""
    heads = (
        "way of choosing",
        "ARR caught",
        "left, caught",
        "ARR kept",
        "kept an hour",
        "lead, ARR caught",
        "lead, kept an hour",
    )
    rows = []
    for way in suite.comparisons:
        leads = [f"{shown(figure.value, figure)} ({interval(figure)})" for figure in way.difference]
        cells = [way.name, *(shown(figure.value, figure) for figure in way.figures), *leads[:1], *leads[-1:]]
        rows.append([*cells, *[""] * (len(heads) - len(cells))])
    return table("", [(head, "left" if number == 0 else "right") for number, head in enumerate(heads)], rows)


def explain_case(name: str, configs: str | None) -> None:
    """One case, from its rows to its play."""
    from evals.explained import explained

    show(explained(name, read_cases(), _configuration(configs)))


def add_case(account: str, data: str, day: date, name: str | None, folder: Path | None, configs: str | None) -> None:
    """Write an anonymised case of a real account, to be read and completed by a person."""
    from evals.anonymised import anonymised

    configuration = _configuration(configs)
    with store_at(None) as place:
        base = load_base(Request(absolute(data), day, "", configs), configuration, place.history())
    text = anonymised(base, account)
    path = (folder or ACCOUNTS) / f"{name or 'real_' + date.isoformat(day).replace('-', '_')}.yaml"
    if path.exists():
        raise InputError(f"{path} exists; give the case another --name")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    show(f"{path}\nRead it: names are taken out, the customer's words are not. Then write `why`, and put into `expect` what an "
         f"experienced leader concludes.\nTry it: saveplay eval --explain {path.stem}")  # fmt: skip
