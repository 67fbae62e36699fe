"""Writes a review into its folder: first into a folder beside it, then renamed, so that nobody reads half a review."""

import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

from app.timing import Timing
from domain.desk import AuditAnchor
from domain.review import Review
from tools.places import translate_os_errors
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
    """Replace the folder by new files, path to content. Raises PlaceError when it cannot be written.

    A new folder is for its owner only; one that exists keeps the rights that somebody gave it.
    """
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.aside")
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    with translate_os_errors(folder, "cannot write the review into", "--out"):
        try:
            shutil.rmtree(aside, ignore_errors=True)
            _restore_old_folder(folder)
            _write_files(aside, files, stat.S_IMODE(folder.stat().st_mode) if folder.exists() else _OWNER_ONLY)
            _keep_decisions_file(folder, aside)
            if folder.exists():
                folder.rename(old)
            aside.rename(folder)
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)  # on a full disk, the half folder would take the space
            raise
    shutil.rmtree(old, ignore_errors=True)
    _remove_leftovers(folder)


_OWNER_ONLY = 0o700


def _write_files(folder: Path, files: dict[str, bytes], mode: int) -> None:
    """Write files into a new folder; the folders get the mode, the files the same rights to read and write."""
    for within in sorted(
        {folder, *(parent for name in files for parent in (folder / name).parents if folder in parent.parents)}
    ):
        within.mkdir(parents=True, exist_ok=True)
        within.chmod(mode)
    for name, content in files.items():
        path = folder / name
        with open(path, "xb", opener=_open_private) as file:
            file.write(content)
        path.chmod(mode & 0o666)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


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
