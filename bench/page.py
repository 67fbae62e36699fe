"""The page docs/performance.md, written from one run of the benchmark. Pure text."""

from itertools import pairwise
from typing import Any

_HEAD = """# Performance

Written by `make bench`: medians of {runs} runs each, three times as many at 1,000 accounts; {cores} cores; Python {python},
DuckDB {duckdb}. Seconds are those of whole processes with their imports, as the operating system counts them. Modules are compiled
beforehand, like installed ones. Machines differ, and so does one machine from day to day. So each figure is shown beside a scan floor
of the same run; on this machine, importing DuckDB alone took {imports:.2f} s of processor time.

The data is generated (`bench/portfolio.py`): 50 weekly usage rows an account, sorted by date as a warehouse appends them,
and about four rows an account in eight other tables. All 33 signals are measured from ten tables, every recent text is searched for
stated intents, and every account is scored, tiered and compared.
"""
_WAYS = """
- **scan floor**: DuckDB reads all rows of the columns that the signals need, and does nothing else (`bench/column_scan.py`).
- **saveplay**: `saveplay score`, one thread, at most 1 GB for the engine. **With care**: `closed_at` of the tickets is an empty
  column of whole numbers, which the fast path refuses, so each ticket is read cell by cell, as from CSV.
- **Polars**, **pandas**: the same signals and scores, as a capable analyst would write them (`bench/polars_scores.py`,
  `bench/pandas_scores.py`), without checking the data. {same}
"""


def _table(head: list[str], rows: list[list[str]]) -> str:
    rule = "|" + "|".join([" --- "] + [" ---: "] * (len(head) - 1)) + "|"
    return "\n".join(["| " + " | ".join(head) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def _comparison_table(found: dict[str, Any]) -> str:
    floor = found["scan floor"]
    rows = [
        [name, f"{took.cpu:.2f}", f"{took.wall:.2f}", f"{took.megabytes:,.0f}", f"{took.cpu / floor.cpu:.1f}"]
        for name, took in found.items()
    ]
    return _table(["", "processor s", "wall s", "MB", "× floor"], rows)


def write_page(found: dict[str, Any]) -> str:
    """The whole page as Markdown. ``found`` holds the medians that ``bench.measure`` collects."""
    text = [_HEAD.format(**{**found, "imports": found["imports"].cpu})]
    agree = " and ".join(f"{size:,}" for size, same in found["same"].items() if same)
    checked = (
        f"Checked in this run: the same 25 accounts in the same order, at {agree} accounts."
        if agree
        else "**They differ.**"
    )
    text.append("## Compared with other ways\n" + _WAYS.format(same=checked))
    for size, runs in found["sizes"].items():
        text.append(f"### {size:,} accounts, {size * 50:,} usage rows\n\n{_comparison_table(runs)}")
    text.append(_growth(found["sizes"]))
    text.append(
        f"At 1,000 accounts the steps of the engine take {found['engine_1k']:.2f} s; the rest is starting Python and "
        "importing DuckDB, pydantic and the command line.\n"
    )
    if "twice" in found:
        text.append(_large(found))
    text.append(_texts(found["texts"]))
    text.append(_reviews(found))
    text.append(_tokens(found["tokens"]))
    return "\n".join(text)


_PARTS = {
    "scoring": "reading and scoring",
    "asking": "queries on the scored base: the list, the plan, counts, changes, warnings, evidence",
    "phases": "the work of the agents",
    "pages": "pages, lists, calendars and files",
    "graph and store": "the graph and the store",
    "history": "saving the scores of the week",
    "configuration": "reading the configuration",
    "screen": "the summary on the screen",
}


def _growth(sizes: dict[int, Any]) -> str:
    known = sorted(sizes)
    rows = []
    for small, large in pairwise(known):
        factor = sizes[large]["saveplay"].cpu / sizes[small]["saveplay"].cpu
        tenths = len(str(large)) - len(str(small))
        rows.append([f"{small:,} to {large:,}", f"{factor:.1f}", f"{factor ** (1 / tenths):.1f}"])
    return "## Growth\n\n" + _table(["accounts", "times the processor time", "for each factor of ten"], rows)


def _large(found: dict[str, Any]) -> str:
    whole, history = found["sizes"][1_000_000], found["twice"]
    one = whole["saveplay"]
    pandas, two = whole["pandas"], whole["saveplay, two threads"]
    spilling = found["spilling"]
    lines = [
        "## A million accounts",
        "",
        f"- Processor time is {one.cpu / whole['scan floor'].cpu:.1f} times the floor; the process holds {one.megabytes:,.0f} MB.",
        f"- pandas takes {pandas.cpu / one.cpu:.1f} times the processor time and {pandas.wall / one.wall:.1f} times the wall time; "
        f"beside two threads, {pandas.wall / two.wall:.1f} times the wall time.",
        f"- Twice the history (100 weekly rows, 100 million in all) and once the history, measured in turns: "
        f"{history['twice'].cpu:.1f} s and {history['once'].cpu:.1f} s. Rows older than the look-back are never read. The "
        f"scan floor, which reads them, goes from {history['floor'].cpu:.1f} s to {history['floor of twice'].cpu:.1f} s.",
        f"- With `SAVEPLAY_MEMORY=600MB` the engine spills to disk: {spilling.cpu:.1f} s of processor time, {spilling.megabytes:,.0f} MB.",
        "- The hardest case, 50 daily rows that are all inside the look-back:",
        "",
        _comparison_table(found["dense"]),
    ]
    return "\n".join(lines)


def _texts(found: dict[str, Any]) -> str:
    rows = []
    for name, texts in (("few", "100,000"), ("many", "2,060,000")):
        score, review, listed = found[name]
        for said, run in (("`saveplay score`", score), ("`saveplay review`", review)):
            rows.append([said, texts, f"{listed:,}", f"{run.cpu:.1f}", f"{run.wall:.1f}", f"{run.megabytes:,.0f}"])
    (few, few_review, few_listed), (many, many_review, many_listed) = found["few"], found["many"]
    return (
        "## What reading texts costs\n\n100,000 accounts, once with 40,000 notes of one sentence and once with 2,000,000 of three, no two"
        " alike; four of five are in\nthe window in which texts are read, and one in a hundred states an intent.\n\n"
        + _table(["", "texts", "accounts on the list", "processor s", "wall s", "MB"], rows)
        + f"\nA million texts cost a score {(many.cpu - few.cpu) / 2:.1f} s of processor time: each is searched once, and only those in which"
        " a phrase stands leave\nthe engine. The cost of a review follows the accounts on its list, each with its evidence, facts and page: "
        f"{1000 * few_review.cpu / few_listed:.1f} ms an account with few\ntexts, {1000 * many_review.cpu / many_listed:.1f} ms with"
        " twenty notes an account. More are on it because more customers said something.\n"
    )


def _reviews(found: dict[str, Any]) -> str:
    text = [
        "## A whole review",
        "",
        "`saveplay review --approve all` without a model: read, score, diagnose, plan, assign, and write every page, list,",
        "calendar and file. The steps are wall seconds inside the process; the rest of it is imports and reading the data.",
        "",
    ]
    names = list(dict.fromkeys(name for _, steps in found["reviews"].values() for name, _ in steps))
    rows = [["whole process, processor s", *(f"{whole.cpu:.1f}" for whole, _ in found["reviews"].values())]]
    rows.append(["whole process, MB", *(f"{whole.megabytes:,.0f}" for whole, _ in found["reviews"].values())])
    for name in names:
        rows.append([name, *(f"{dict(steps).get(name, 0):.2f}" for _, steps in found["reviews"].values())])
    text.append(_table(["", *(f"{size:,} accounts" for size in found["reviews"])], rows))
    text += ["Of 10,000 accounts, once everything is imported (`bench/review_parts.py`):", ""]
    text.append(_table(["", "processor s"], [[said, f"{found['parts'][part]:.2f}"] for part, said in _PARTS.items()]))
    return "\n".join(text)


def _tokens(found: dict[str, int]) -> str:
    handed, usage = found["without usage"], found["usage"]
    return f"""## Tokens

Counted offline with the o200k_base vocabulary.

| | tokens |
| --- | ---: |
| ten plays and eight texts for people by a model: {found["calls"]} calls with their repairs, as recorded | {found["prompts"]:,} |
| giving an agent the rows of {found["accounts"]:,} accounts as CSV, without usage | {handed:,} |
| the same with usage | {handed + usage:,} |

The first figure does not grow with the number of accounts: a model sees only the accounts that get a play, and only their evidence.
At {found["accounts"]:,} accounts the rows are {(handed + usage) / found["prompts"]:,.0f} times as many tokens, read once, before an agent has
judged any of them; at 100,000 accounts a hundred times that.
"""
