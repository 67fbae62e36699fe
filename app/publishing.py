"""Writes a review into its folder: first into a folder beside it, then renamed, so that nobody reads half a review."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from app.timing import Timing
from domain.desk import AuditAnchor
from domain.errors import DataError
from domain.review import Review
from tools.store.review_store import ReviewStore


def review_publisher(out: Path, store: ReviewStore, timing: Timing, review_id: str) -> Callable[[Review], None]:
    """A function that writes the pages, lists and calendars of a review into ``out``/<review id>."""

    def publish(review: Review) -> None:
        from app.decision_file import decisions_template
        from app.report import render_files

        files = render_files(review)
        if review.state == "waiting_for_decisions":
            files["decisions.yaml"] = decisions_template(review).encode()
        files["audit.jsonl"] = "".join(json.dumps(line) + "\n" for line in store.audit(review_id)).encode()
        steps = [{"phase": phase, "by": agent, "seconds": round(seconds, 4)} for phase, agent, seconds in timing.steps]
        calls = [
            {"model": model, "seconds": round(took, 3), "outcome": outcome} for model, took, outcome in timing.calls
        ]
        request = store.request(review_id)[0]
        run = {"review_id": review_id, "request": request, "steps": steps, "model_calls": calls}
        run["audit_head"] = store.chain_head().model_dump(mode="json", exclude_none=True)
        files["run.json"] = (json.dumps(run, indent=2) + "\n").encode()
        replace_folder(out / review_id, files)

    return publish


def published_heads(store: ReviewStore) -> list[tuple[str, AuditAnchor]]:
    """Heads of the audit chain in the ``run.json`` of the store's published reviews, each with its file.

    A folder that is absent, or that another request wrote, is passed over.
    """
    found = []
    for review_id, _, state in store.reviews():
        request = store.request(review_id)[0]
        path = Path(request["out"]) / review_id / "run.json"
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            if state != "running" and run["request"] == request:
                found.append((str(path), AuditAnchor.model_validate(run["audit_head"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def replace_folder(folder: Path, files: dict[str, bytes]) -> None:
    """Replace the folder by new files, path to content. Raises DataError when it cannot be written."""
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.aside")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        for within in {(aside / name).parent for name in files}:
            within.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        _restore_old_folder(folder)
        _keep_decisions_file(folder, aside)
        if folder.exists():
            folder.rename(old)
        aside.rename(folder)
    except OSError as error:
        raise DataError(
            f"cannot write the review into {folder}: {error.strerror or error}; name another --out"
        ) from None
    shutil.rmtree(old, ignore_errors=True)
    _remove_leftovers(folder)


_FILLED = re.compile(r"^decided_by:[ \t]*[^#\s]|^\s+decision:[ \t]*[^#\s]", re.MULTILINE)


def _keep_decisions_file(folder: Path, aside: Path) -> None:
    """Keep a decisions file that somebody has begun to fill in."""
    filled = folder / "decisions.yaml"
    if filled.exists() and (_FILLED.search(filled.read_text("utf-8", "replace")) or not (aside / filled.name).exists()):
        shutil.copy2(filled, aside / filled.name)


def _restore_old_folder(folder: Path) -> None:
    """Put the old folder back when a process was killed between the two renames."""
    for left in sorted(folder.parent.glob(f".{folder.name}.*.old")):
        if not folder.exists():
            left.rename(folder)


def _remove_leftovers(folder: Path) -> None:
    """Remove the folders that a killed process left beside this one."""
    for left in folder.parent.glob(f".{folder.name}.*"):
        if left.suffix in (".aside", ".old"):
            shutil.rmtree(left, ignore_errors=True)
