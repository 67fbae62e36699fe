"""A program that works through a meeting at the desk: ``python -m tests.e2e.desk_meeting STORE DECISIONS``.

It does what is still missing, so it can be started again after it was killed. The desk runs in its process.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tests.desk_in_process import InProcessDesk
from tests.e2e.shared_stores import W48
from tools.store.desk_store import DeskStore


def work_through(store: Path, wanted: dict[str, Any]) -> None:
    """Note, override, progress, choices, then the decision on the plan, or the close when that is next."""
    inside = InProcessDesk(store)
    api, account, action = f"/api/v1/reviews/{W48}", wanted["account"], wanted["action"]
    with inside.desk.store_pool.borrow() as session:
        noted = DeskStore(session.store).notes(W48)
    with inside.token_client(inside.member("leader")) as program:

        def send(path: str, body: Any) -> None:
            answer = program.post(path, json=body)
            assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"

        stands = program.get(f"{api}/choices").json()
        if stands["stage"] == "deciding":
            if not noted:
                send(f"{api}/notes", {"account": account, "text": "They wait for the export"})
            send(f"{api}/overrides/{account}", {"band": "red", "reason": "The sponsor left", "until": wanted["until"]})
            send(f"/api/v1/actions/{action}", {"state": "done", "on": "2026-11-20", "note": "called"})
            for decision in wanted["plays"]:
                if decision["account"] not in stands["choices"]:
                    send(f"{api}/choices", {"decision": decision, "seen": 0})
            send(f"{api}/plan", {"others": wanted["others"], "budget": wanted["budget"]})
        elif stands["stage"] == "closing":
            send(f"{api}/close", wanted["close"])
    inside.close()


if __name__ == "__main__":
    work_through(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text(encoding="utf-8")))
