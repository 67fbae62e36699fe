"""A machine that dies while an item is sent or taken back leaves it to another, which finishes it once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Literal

import pytest

from domain.outbox import Delivery, OutboxItem, OutboxSettings, Wanted
from tests.outgoing import WEEK, action, digest, field, hold, note, run
from tests.receivers import SECRETS, Receivers, outbox_yaml, serve_receivers
from tools.outbox.plan import push_plan
from tools.outbox.push import Push, release, report, save_wanted
from tools.outbox.reading_back import read_back
from tools.outbox.settings import open_sinks
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

pytestmark = pytest.mark.long

NAMES = ("calendar", "hubspot", "slack", "asana")
Moment = Literal["before the call", "after the call"]


class Died(BaseException):
    """As by ``kill -9``: nothing is written any more."""


class Mortal(Push):
    """A machine that dies at its first call."""

    moment: Moment = "before the call"

    def _save(self, attempts: Sequence[OutboxItem]) -> list[OutboxItem]:
        saved = super()._save(attempts)
        if self.moment == "before the call" and saved:
            raise Died
        return saved

    def _record(self, deliveries: Sequence[tuple[OutboxItem, Delivery]]) -> None:
        if deliveries:
            raise Died


class MortalAfterwards(Mortal):
    """The same after the call."""

    moment = "after the call"


@pytest.fixture
def there() -> Iterator[Receivers]:
    with serve_receivers() as receivers:
        receivers.companies = {f"acc-{number}": {"risk_tier": "low"} for number in range(3)}
        yield receivers


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    opened = ReviewStore(tmp_path / "store", lambda: "2026-11-23T10:00:00.000+00:00")
    yield opened
    opened.close()


def week(text: str) -> list[Wanted]:
    tasks = [action(number, sink, text) for number in range(2) for sink in ("hubspot", "asana")]
    return [*tasks, field(1, text), note(1, text), hold(1, text), digest(text)]


@pytest.mark.parametrize("machine", [Mortal, MortalAfterwards])
def test_what_a_dead_machine_left_is_finished_once_whatever_it_was_doing(
    machine: type[Mortal], store: ReviewStore, there: Receivers
) -> None:
    settings = OutboxSettings.model_validate(outbox_yaml(there.url, *NAMES, timeout=0.5, lease=1.6))
    states = set()
    for wanted in (week("Call the sponsor"), week("Call the new sponsor"), []):
        save_wanted(store, WEEK, wanted, NAMES, "Lee")
        plan = push_plan(WEEK, OutboxStore(store).items(), settings)
        release(store, plan.hash, WEEK, settings, "Lee")
        for number in range(len(plan.changes)):
            worker = machine(
                store, open_sinks(settings, NAMES), settings, f"dead {number}", "Lee", lambda: datetime.now(UTC), sleep
            )
            with pytest.raises(Died):
                worker.run(plan.hash)
        states |= {item.state for item in OutboxStore(store).items() if item.claimed_by}
        run(store, settings, plan.hash, "alive")
        assert report(store, WEEK, plan, NAMES).open == ()
        assert set(there.created.values()) == {1}
        assert read_back(OutboxStore(store).items(), open_sinks(settings, NAMES)).differences == []
    assert states >= {"sending", "revoking"}
    assert there.companies["acc-1"] == {"risk_tier": "low"}
    assert {item.state for item in OutboxStore(store).items()} == {"revoked"}
    assert store.verify_audit().faults == ()
