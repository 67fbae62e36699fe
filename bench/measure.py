"""Measure everything in one run and write docs/performance.md: ``make bench``.

Each figure is a whole process, measured by the operating system (processor time, wall time, peak memory). The
implementations take turns, so that a slow minute of the machine affects all of them. The page shows medians and ratios.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpe_openai
import duckdb

from bench import portfolio
from domain.errors import InputError
from tools.yaml_file import read_yaml

ROOT = Path(__file__).resolve().parent.parent
AS_OF = portfolio.AS_OF.isoformat()
RECORDED = ROOT / "evals" / "fixtures" / "recorded" / "drafts.yaml"
_SAMPLE_ROWS = 2_000
"""Rows of a table whose tokens are counted; the total is extrapolated from them."""


@dataclass(frozen=True)
class ProcessRun:
    """Resources of one process: processor and wall seconds, peak memory in bytes, and its output."""

    cpu: float
    wall: float
    megabytes: float
    out: str


def run_measured(arguments: Sequence[str], **environment: str) -> ProcessRun:
    """Run a Python module of this checkout from compiled files. Raises RuntimeError when it fails."""
    usual = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "bytecode")}
    usual.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**usual, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    out = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}")
    return ProcessRun(used.ru_utime + used.ru_stime, wall, used.ru_maxrss / 1024, out)


def median_run(runs: Sequence[ProcessRun]) -> ProcessRun:
    """The median of each figure."""
    return ProcessRun(
        *(statistics.median(getattr(run, name) for run in runs) for name in ("cpu", "wall", "megabytes")), ""
    )


def score_command(folder: Path, *more: str) -> list[str]:
    """Arguments of ``saveplay score`` with an empty store."""
    return ["app.cli", "score", "--data", str(folder), "--as-of", AS_OF, "--store", str(folder.parent / "store"), *more]


IMPLEMENTATIONS = {
    "scan floor": lambda folder: (["bench.column_scan", str(folder)], {}),
    "saveplay": lambda folder: (score_command(folder), {}),
    "saveplay, two threads": lambda folder: (score_command(folder), {"SAVEPLAY_THREADS": "2"}),
    "Polars": lambda folder: (["bench.polars_scores", str(folder), "--as-of", AS_OF], {}),
    "pandas": lambda folder: (["bench.pandas_scores", str(folder), "--as-of", AS_OF], {}),
}


def compare_implementations(folder: Path, runs: int, names: Sequence[str]) -> dict[str, list[ProcessRun]]:
    """Run the implementations in turns, each so many times, and saveplay also on the careful path."""
    measured = {name: (folder, name) for name in names}
    return run_in_turns(runs, measured | {"saveplay, with care": (ensure_careful_base(folder), "saveplay")})


def run_in_turns(runs: int, measured: Mapping[str, tuple[Path, str]]) -> dict[str, list[ProcessRun]]:
    """Run pairs of base and implementation in turns, each so many times."""
    found: dict[str, list[ProcessRun]] = {name: [] for name in measured}
    for turn in range(runs):
        for name, (folder, implementation) in measured.items():
            arguments, environment = IMPLEMENTATIONS[implementation](folder)
            found[name].append(run_measured(arguments, **environment))
            print_progress(
                f"  {folder.name}, {turn + 1} of {runs}: {name} {found[name][-1].cpu:.2f} s of processor time"
            )
    return found


def medians_by_name(found: Mapping[str, Sequence[ProcessRun]]) -> dict[str, ProcessRun]:
    """Median of each figure, by name."""
    return {name: median_run(each) for name, each in found.items()}


def repeat_count(size: int, runs: int) -> int:
    """Number of turns for a base of this size; short runs are repeated more often because they vary more."""
    return runs * 3 if size <= 1_000 else runs


def same_worst_accounts(folder: Path) -> bool:
    """True if all three implementations give the same 25 accounts in the same order with the same risk."""
    rows = json.loads(run_measured(score_command(folder, "--json")).out)
    rows.sort(key=lambda row: (not row["at_risk"], -row["risk"] * float(row["arr"]), row["account_id"]))
    expected = [(row["account_id"], round(row["risk"], 6)) for row in rows[:25]]
    for module in ("bench.pandas_scores", "bench.polars_scores"):
        lines = run_measured([module, str(folder), "--as-of", AS_OF]).out.splitlines()
        named = [(line.split()[0], round(float(line.split()[2]), 6)) for line in lines if line.startswith("A0")]
        if named != expected:
            print_progress(f"  {module} differs: {named[:3]} instead of {expected[:3]}")
            return False
    return True


def ensure_base(root: Path, accounts: int, usage_rows: int = 50, step_days: int = 7, *more: str) -> Path:
    """Folder of the base; it is written first if it is missing. ``more`` are further options of ``bench.portfolio``."""
    folder = root / f"{accounts}-{usage_rows}-{step_days}{''.join(more).replace('--', '-').replace('=', '')}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        print_progress(f"writing {accounts:,} accounts, {accounts * usage_rows:,} usage rows")
        # in its own process: the peak memory of this process is counted for every process that it starts
        usage = [f"--usage-rows={usage_rows}", f"--step-days={step_days}"]
        run_measured(["bench.portfolio", str(folder), f"{accounts}", *usage, *more])
        (folder / "done").touch()
    return folder


def ensure_careful_base(folder: Path) -> Path:
    """The same base, but ``closed_at`` of the tickets is an empty column of whole numbers: tickets are then read cell by
    cell, as from CSV.
    """
    careful = folder.with_name(f"{folder.name}-careful")
    if not (careful / "tickets.parquet").exists():
        shutil.rmtree(careful, ignore_errors=True)
        shutil.copytree(folder, careful, copy_function=os.link)
        (careful / "tickets.parquet").unlink()
        changed = f"select * replace (cast(null as integer) as closed_at) from '{folder / 'tickets.parquet'}'"
        with duckdb.connect() as connection:
            connection.execute(f"copy ({changed}) to '{careful / 'tickets.parquet'}' (format parquet)")
    return careful


def time_review_steps(folder: Path, out: Path) -> tuple[ProcessRun, list[tuple[str, float]]]:
    """Run a whole review without a model; returns the process and the seconds of its steps. A first run warms up."""
    arguments = ["app.cli", "review", "--data", str(folder), "--as-of", AS_OF]
    for turn in ("first", "second"):
        where = ["--store", str(out / turn / "store"), "--out", str(out / turn / "reviews")]
        whole = run_measured([*arguments, *where, "--approve", "all"])
    (run,) = (out / "second" / "reviews").glob("*/run.json")
    steps: dict[str, float] = {}
    for step in json.loads(run.read_text())["steps"]:
        steps[step["phase"]] = steps.get(step["phase"], 0.0) + step["seconds"]
    return whole, list(steps.items())


def time_review_parts(folder: Path, out: Path, runs: int) -> dict[str, float]:
    """Median processor seconds of a review by part, without imports."""
    found = [
        json.loads(run_measured(["bench.review_parts", str(folder), str(out / str(turn))]).out) for turn in range(runs)
    ]
    return {part: statistics.median(each[part] for each in found) for part in found[0]}


def count_tokens(folder: Path) -> dict[str, int]:
    """Number of tokens of the prompts of a review, and of the whole portfolio as CSV."""
    encoding = bpe_openai.get_encoding("o200k_base")
    found = {"without usage": 0}
    with duckdb.connect() as connection:
        for name in (
            "accounts",
            "tickets",
            "invoices",
            "surveys",
            "contacts",
            "touchpoints",
            "goals",
            "notes",
            "usage",
        ):
            files = f"read_parquet('{folder / name}{'/*' if name == 'usage' else ''}.parquet')"
            ((rows,),) = connection.execute(f"select count(*) from {files}").fetchall()
            kept = connection.execute(f"from {files} limit {_SAMPLE_ROWS}").fetchall()
            text = "\n".join(",".join("" if cell is None else str(cell) for cell in row) for row in kept)
            count = round(len(encoding.encode_ordinary(text)) / len(kept) * rows)
            found["usage" if name == "usage" else "without usage"] = count + found.get(
                "usage" if name == "usage" else "without usage", 0
            )
        ((found["accounts"],),) = connection.execute(f"select count(*) from '{folder}/accounts.parquet'").fetchall()
    sent = read_yaml(RECORDED, InputError).content["interactions"]
    prompts = [json.loads(each["request"]["body"])["messages"] for each in sent]
    found["calls"] = len(prompts)
    found["prompts"] = sum(len(encoding.encode_ordinary(m["content"])) for messages in prompts for m in messages)
    return found


def print_progress(text: str) -> None:
    """Print progress on standard error."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Measure everything, or with ``--quick`` the small sizes only, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT / "build" / "bench", help="folder of the invented bases")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="1k and 100k accounts only, nothing is written")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        found = measure_all(given, Path(scratch))
    from bench.page import write_page

    page = write_page(found)
    if given.quick:
        sys.stdout.write(page)
    else:
        (ROOT / "docs" / "performance.md").write_text(page, encoding="utf-8")
        print_progress("docs/performance.md is written")


def measure_all(given: argparse.Namespace, scratch: Path) -> dict[str, object]:
    """All figures of the page.

    Steps that write many files run late, and nothing is deleted before the end: for minutes after a large deletion, a
    file system may skip the freed places one by one, and writing new files then takes ten times as long.
    """
    found: dict[str, object] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
    }
    found["runs"] = given.runs
    RECORDED.stat()  # it is read at the very end, because its tokens take memory that every later process would inherit
    found["imports"] = median_run(
        [run_measured(["timeit", "-n", "1", "-r", "1", "import duckdb"]) for _ in range(given.runs)]
    )
    sizes = (1_000, 100_000) if given.quick else (1_000, 100_000, 1_000_000)
    runs_by_size = {
        size: compare_implementations(
            ensure_base(given.data, size), repeat_count(size, given.runs), list(IMPLEMENTATIONS)
        )
        for size in sizes
    }
    found["sizes"] = {size: medians_by_name(each) for size, each in runs_by_size.items()}
    engine = [engine_seconds(ensure_base(given.data, 1_000)) for _ in range(repeat_count(1_000, given.runs))]
    found["engine_1k"] = statistics.median(engine)
    if not given.quick:
        twice = ensure_base(given.data, 1_000_000, 100)
        once = ensure_base(given.data, 1_000_000)
        both = {"floor": (once, "scan floor"), "floor of twice": (twice, "scan floor")}
        both |= {"once": (once, "saveplay"), "twice": (twice, "saveplay")}
        found["twice"] = medians_by_name(run_in_turns(given.runs, both))
        dense = ensure_base(given.data, 1_000_000, 50, 1)
        found["dense"] = medians_by_name(
            compare_implementations(dense, 3, ["scan floor", "saveplay", "saveplay, two threads"])
        )
        found["spilling"] = run_measured(score_command(once), SAVEPLAY_MEMORY="600MB")
    found["parts"] = time_review_parts(ensure_base(given.data, 10_000), scratch / "parts", given.runs * 3)
    reviewed = {size: time_review_steps(ensure_base(given.data, size), scratch / f"{size}") for size in (1_000, 10_000)}
    found["reviews"] = reviewed
    found["texts"] = measure_texts(given, scratch / "texts")
    found["same"] = {size: same_worst_accounts(ensure_base(given.data, size)) for size in sizes[:2]}
    found["tokens"] = count_tokens(ensure_base(given.data, 1_000))
    return found


def measure_texts(given: argparse.Namespace, scratch: Path) -> dict[str, tuple[ProcessRun, ProcessRun, int]]:
    """A score and a review of 100,000 accounts with few texts and with two million more, and the accounts on their lists."""
    bases = {
        "few": ensure_base(given.data, 100_000),
        "many": ensure_base(given.data, 100_000, 50, 7, "--notes=20", "--sentences=3"),
    }
    scores = medians_by_name(run_in_turns(given.runs, {name: (base, "saveplay") for name, base in bases.items()}))
    found = {}
    for name, base in bases.items():
        review, _ = time_review_steps(base, scratch / name)
        (listed,) = (scratch / name / "second" / "reviews").glob("*/list.csv")
        with listed.open(encoding="utf-8", newline="") as lines:
            found[name] = scores[name], review, sum(1 for _ in csv.reader(lines)) - 1
    return found


def engine_seconds(folder: Path) -> float:
    """Seconds of the engine's steps in one `saveplay score`."""
    steps = json.loads(run_measured(score_command(folder, "--explain", "--json")).out)["steps"]
    return float(sum(step["seconds"] for step in steps))


if __name__ == "__main__":
    main()
