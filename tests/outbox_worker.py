"""A process that forks pushes, so that a test can kill one every few milliseconds.

One line of JSON in: ``{"store": folder, "settings": {…}, "plan": hash, "worker": name}``. One line out: the number of the process.
"""

import json
import os
import signal
import sys
from pathlib import Path

from domain.outbox import OutboxSettings
from tests.outgoing import run
from tools.outbox.sinks import asana, calendar, hubspot, slack, webhook  # noqa: F401 - imported before the fork
from tools.store.review_store import ReviewStore


def main() -> None:
    """Fork one push a line until the input ends, then end."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            store = ReviewStore(Path(asked["store"]), lambda: "2026-11-23T10:00:00.000+00:00")
            run(store, OutboxSettings.model_validate(asked["settings"]), asked["plan"], asked["worker"])
            os._exit(0)
        print(child, flush=True)
    os._exit(0)  # nothing to clean up: what the libraries would say at their end is of no use here


if __name__ == "__main__":
    main()
