"""CPU of one question after loading, by kind of question. ``python -m bench.ask_cost FOLDER [ACCOUNTS]``.

Prints one JSON document: for each question the smallest CPU seconds of two runs of the whole process, all threads counted.
"""

import asyncio
import json
import sys
import time
from datetime import timedelta
from pathlib import Path

from bench import portfolio
from graph.ask_context import AskContext
from graph.ask_conversation import answer_follow_up
from tools.configuration import read_configuration
from tools.scoring.scored_base import read_base
from tools.scoring.snapshots import SnapshotStore
from tools.store.review_store import ReviewStore
from tools.wording import review_id_of
from tools.working_days import WorkingDays

QUESTIONS = (
    "Enterprise accounts renewing before February, sorted by ARR",
    "median ARR by segment",
    "how many open tickets do we have, by priority?",
    "accounts with overdue invoices",
    "who joined the list in the last three weeks?",
    "compare this week with two weeks ago",
    "how did the portfolio develop over the last weeks?",
    "what changed since last week?",
    "who is overloaded?",
    "what did customers say about competitors?",
    "accounts without an active champion",
    "accounts with seat utilisation under 40 percent",
    "what is our NPS this quarter?",
    "how many calls were missed in October, by person?",
    "what has worked before?",
    "when does {name} renew, and who owns it?",
    "how did {name} develop over the last weeks?",
    "why is {name} at risk?",
    "build a save play for {name}",
)


def open_context(folder: Path, accounts: int) -> AskContext:
    """The generated base with three kept weeks."""
    data = folder / f"{accounts}-ask"
    if not (data / "done").exists():
        portfolio.write_portfolio(data, accounts, 50, 7)
        (data / "done").touch()
    configuration, history = read_configuration(), SnapshotStore(folder / f"{accounts}-ask-history")
    for back in (3, 2, 1):
        day = portfolio.AS_OF - timedelta(weeks=back)
        past = read_base(str(data), day, configuration, history)
        past.save_scores(history, review_id_of(day), reviewed=True)
        past.close()
    return AskContext(
        base=read_base(str(data), portfolio.AS_OF, configuration, history),
        store=ReviewStore(folder / f"{accounts}-ask-store", portfolio.AS_OF.isoformat),
        history=history,
        calendar=WorkingDays(configuration.review),
    )


def cpu_of(context: AskContext, question: str) -> float:
    """CPU seconds of the answer."""
    began = time.process_time()
    asyncio.run(answer_follow_up(question, context, ()))
    return time.process_time() - began


def main() -> None:
    """Ask every question three times; the first time warms up, as the first question of a session does."""
    folder, accounts = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    context = open_context(folder, accounts)
    name = context.base.rows("select name from scored where at_risk order by risk desc, account_id limit 1")[0]["name"]
    asked = [question.replace("{name}", name) for question in QUESTIONS]
    first = {question: cpu_of(context, question) for question in asked}
    again = {question: min(cpu_of(context, question) for _ in range(2)) for question in asked}
    found = {q: {"first": round(first[q], 3), "again": round(again[q], 3)} for q in asked}
    sys.stdout.write(json.dumps({"accounts": accounts, "cpu_seconds": found}, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
