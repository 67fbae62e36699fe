"""A review goes on only with what its own steps wrote."""

from pathlib import Path

import pytest

from app.wiring import open_store
from domain.phase_results import IdentifyResult, PlanResult, Trends
from domain.record import Record
from tests.e2e.commands import DONE, CommandResult
from tests.e2e.shared_stores import W48, StoreFolder

FAILED = 1
CHANGES: dict[str, tuple[type[Record], dict[str, object]]] = {
    "identified": (IdentifyResult, {"profile": "another"}),
    "trends": (Trends, {"alerts": ()}),
    "planned": (PlanResult, {"next_step": "Approve everything."}),
}


def copied(waiting_review: tuple[StoreFolder, CommandResult], folder: Path) -> StoreFolder:
    return StoreFolder(waiting_review[0].folder.parent).copy_to(folder)


@pytest.mark.parametrize("kind", CHANGES)
def test_a_result_that_was_changed_between_two_phases_stops_the_review_and_says_what_to_do(
    kind: str, waiting_review: tuple[StoreFolder, CommandResult], tmp_path: Path
) -> None:
    place, (model, change) = copied(waiting_review, tmp_path / "world"), CHANGES[kind]
    with open_store(str(place.store)) as opened:
        opened.store.save(W48, kind, opened.store.get(W48, kind, model).model_copy(update=change))
    said = place.run("decide", W48, "--approve", "all")
    assert said.code == FAILED, said.err
    assert f"the stored result '{kind}' of {W48} is not the one that this review went on with" in said.err
    assert "run the week again with `saveplay review --as-of 2026-" in said.err
    assert place.run("resume", W48).code == FAILED, "and stays stopped"


def test_the_same_bytes_written_again_are_the_same_result(
    waiting_review: tuple[StoreFolder, CommandResult], tmp_path: Path
) -> None:
    place = copied(waiting_review, tmp_path / "world")
    with open_store(str(place.store)) as opened:
        for kind, (model, _) in CHANGES.items():
            opened.store.save(W48, kind, opened.store.get(W48, kind, model))
    assert place.run("decide", W48, "--approve", "all").code == DONE
