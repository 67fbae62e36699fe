"""The store: each record is written once, completely or not at all, in a folder and in a database alike."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest

from app.decision_file import unattended_decisions
from app.stores import StoreLocation, open_location
from app.wiring import StoreSession, open_store
from domain.errors import BusyError, DecisionError, InputError, StoreError, UnknownReference
from domain.portfolio import BandOverride
from domain.questions import PlayRequest
from domain.tracking import Action
from tests.databases import new_user, run_sql
from tests.sample_review import sample_review
from tools.store.review_store import ReviewStore

MONDAY = date(2026, 11, 23)
W47, W48 = "2026-W47", "2026-W48"
REQUEST = {"data": "exports", "as_of": "2026-11-23", "out": "reviews", "configs": None}
CLOSED = sample_review("closed")
ACTIONS = CLOSED.actions[:3]
APPROVED = unattended_decisions(W48, "all")
HOSTILE = "50% off: O'Brien & :co said \"%(x)s\" — 東京 🙈 \\ 'draft:%'"


@pytest.fixture
def place(store_location: str) -> Iterator[StoreLocation]:
    with open_location(store_location) as place:
        yield place


@pytest.fixture
def store(place: StoreLocation) -> Iterator[ReviewStore]:
    store = place.store(lambda: "2026-11-23T09:00:00.000+00:00")
    yield store
    store.close()


@pytest.fixture
def another(store_location: str) -> Iterator[Callable[[], ReviewStore]]:
    """Opens the same store again, like another process."""
    with ExitStack() as opened:

        def open_it() -> ReviewStore:
            place = opened.enter_context(open_location(store_location))
            store = place.store(lambda: "2026-11-23T10:00:00.000+00:00")
            opened.callback(store.close)
            return store

        yield open_it


def known_as(*ids: str) -> list[Action]:
    return [ACTIONS[0].model_copy(update={"id": name}) for name in ids]


# a store is made when it is needed ----------------------------------------------------------------------------------


def test_looking_for_a_store_makes_none(store_location: str) -> None:
    with open_location(store_location) as place:
        assert not place.exists()
        assert not place.history().has(W47)
        assert not place.exists()
    with open_store(store_location) as opened:
        assert opened.at.exists()


def test_stores_that_several_processes_make_at_once_are_one(store_location: str) -> None:
    made: list[object] = []

    def open_it() -> None:
        with open_store(store_location) as opened:
            opened.store.log(W48, "somebody", "opened")
            made.append(opened)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 6
    with open_store(store_location) as opened:
        assert len(opened.store.audit(W48)) == 6


# reviews -------------------------------------------------------------------------------------------------------------


def test_a_week_that_is_begun_again_forgets_what_was_done_but_not_what_a_model_was_paid_for(store: ReviewStore) -> None:
    assert store.start(W48, MONDAY, REQUEST) == 1
    store.save(W48, "planned", APPROVED)
    store.save(W48, "draft:A-1", APPROVED)
    store.decide(W48, "plan", APPROVED)
    store.save_actions(W48, MONDAY, ACTIONS)
    store.set_state(W48, "closed")
    assert store.start(W48, MONDAY, {**REQUEST, "data": HOSTILE}) == 2
    assert store.request(W48) == ({**REQUEST, "data": HOSTILE}, "running", 2)
    assert (store.has(W48, "planned"), store.has(W48, "draft:A-1")) == (False, True)
    assert store.decision(W48, "plan") is None
    assert store.actions_of(W48) == sorted(ACTIONS, key=lambda action: action.id), "promised until people decide again"


def test_every_beginning_of_a_week_has_its_own_number_however_many_begin_at_once(
    store: ReviewStore, another: Callable[[], ReviewStore]
) -> None:
    numbers: list[int] = []
    others = [another() for _ in range(4)]

    def begin(other: ReviewStore) -> None:
        numbers.extend(other.start(W48, MONDAY, REQUEST) for _ in range(5))

    threads = [threading.Thread(target=begin, args=[other]) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == list(range(1, 21))
    assert store.request(W48)[2] == 20


def test_a_review_that_nobody_began_is_told_apart_from_those_there_are(store: ReviewStore) -> None:
    with pytest.raises(UnknownReference, match=r"no review '2026-W48' in .*; no review has been run in this store yet"):
        store.request(W48)
    for back in (7, 14):
        day = MONDAY - timedelta(days=back)
        store.start(f"{day:%G-W%V}", day, REQUEST)
    with pytest.raises(UnknownReference, match=r"known: 2026-W47, 2026-W46$"):
        store.request(W48)
    store.set_state(W47, "waiting:plan")
    assert [(review_id, state) for review_id, _, state in store.reviews()] == [
        ("2026-W46", "running"), (W47, "waiting:plan"),
    ]  # fmt: skip


def test_the_result_of_a_phase_comes_back_as_it_was_whatever_is_in_it(
    store: ReviewStore, another: Callable[[], ReviewStore]
) -> None:
    said = APPROVED.model_copy(update={"decided_by": HOSTILE})
    for record in (APPROVED, said):
        store.save(W48, "planned", record)
    assert another().get(W48, "planned", type(said)) == said
    with pytest.raises(UnknownReference, match="2026-W48 has no briefing yet; run `saveplay resume 2026-W48`"):
        store.get(W48, "briefing", type(said))


def test_a_decision_stands_once_it_is_given(store: ReviewStore, another: Callable[[], ReviewStore]) -> None:
    store.decide(W48, "plan", APPROVED)
    with pytest.raises(DecisionError, match="already decided"):
        another().decide(W48, "plan", unattended_decisions(W48, "none"))
    assert store.decision(W48, "plan") == APPROVED
    assert store.decision(W48, "close") is None


# actions and progress ------------------------------------------------------------------------------------------------


def test_an_action_is_there_once_however_often_it_is_written(store: ReviewStore) -> None:
    for _ in range(2):
        store.save_actions(W48, MONDAY, ACTIONS)
    assert store.action_ids() == sorted(action.id for action in ACTIONS)
    assert store.actions_before(MONDAY) == []
    assert store.actions_before(MONDAY + timedelta(days=1)) == sorted(ACTIONS, key=lambda action: action.id)


def test_of_an_action_in_two_reviews_the_later_one_counts(store: ReviewStore) -> None:
    later = ACTIONS[0].model_copy(update={"title": "Call again"})
    store.save_actions(W48, MONDAY, [later])
    store.save_actions(W47, MONDAY - timedelta(days=7), [ACTIONS[0]])
    assert store.actions_before(MONDAY + timedelta(days=7)) == [later]


def test_actions_are_in_the_same_order_everywhere(store: ReviewStore) -> None:
    store.save_actions(W48, MONDAY, known_as("b", "B", "a-1", "a1", "ä", "É", "a_1", "10", "9"))
    assert store.action_ids() == ["10", "9", "B", "a-1", "a1", "a_1", "b", "É", "ä"]


def test_actions_that_cannot_all_be_written_leave_the_old_ones(store: ReviewStore) -> None:
    store.save_actions(W48, MONDAY, known_as("old"))

    def half() -> Iterator[Action]:
        yield from known_as("new")
        raise RuntimeError("the power went out")

    with pytest.raises(RuntimeError):
        store.save_actions(W48, MONDAY, half())
    assert store.action_ids() == ["old"]
    store.save_actions(W48, MONDAY, known_as("new"))
    assert store.action_ids() == ["new"]


def test_progress_is_taken_for_all_actions_or_for_none(store: ReviewStore) -> None:
    store.save_actions(W48, MONDAY, known_as("W48.A1.call", "W48.A1.letter"))
    with pytest.raises(UnknownReference, match=r"no action 'W48\.A1\.cal'; did you mean W48\.A1\.call"):
        store.mark([("W48.A1.letter", "done", MONDAY), ("W48.A1.cal", "done", MONDAY)], "", "Dana")
    assert store.progress() == {}
    store.mark([("W48.A1.letter", "done", MONDAY), ("W48.A1.call", "dropped", MONDAY)], HOSTILE, "Dana")
    store.mark([("W48.A1.letter", "open", None)], "", "Dana")
    assert store.progress() == {"W48.A1.letter": ("open", None), "W48.A1.call": ("dropped", MONDAY)}


# overrides, proposals, audit -----------------------------------------------------------------------------------------


def test_the_latest_override_of_an_account_is_in_force_until_its_end(store: ReviewStore) -> None:
    def says(band: str, days: int) -> BandOverride:
        return BandOverride(band=band, reason=HOSTILE, by="Dana", until=MONDAY + timedelta(days=days))  # type: ignore[arg-type]

    store.override("A-1", MONDAY, says("red", 30))
    store.override("A-1", MONDAY - timedelta(days=7), says("green", 30))
    store.override("A-2", MONDAY, says("red", 1))
    store.override("A-2", MONDAY, says("yellow", 2))
    assert store.overrides(MONDAY - timedelta(days=8)) == {}
    assert store.overrides(MONDAY - timedelta(days=1)) == {"A-1": says("green", 30)}
    assert store.overrides(MONDAY) == {"A-1": says("red", 30), "A-2": says("yellow", 2)}
    assert set(store.overrides(MONDAY + timedelta(days=3))) == {"A-1"}


def test_what_was_asked_for_is_put_before_one_review_only(store: ReviewStore) -> None:
    def asked(account: str, question: str, days_ago: int = 0) -> PlayRequest:
        on = MONDAY - timedelta(days=days_ago)
        return PlayRequest(account_id=account, question=question, by="Dana", on=on, said=(), tried=())

    for proposal in (asked("b", "first"), asked("b", "second"), asked("B", "third"), asked("a", "early", -1)):
        store.propose(proposal)
    assert [each.question for each in store.proposals(W48, MONDAY)] == ["third", "second"]
    store.settle_proposals(W48, ["b", "nobody"])
    store.settle_proposals("2026-W49", ["b", "B"])
    assert [each.question for each in store.proposals(W48, MONDAY)] == ["second"]
    assert [each.question for each in store.proposals("2026-W49", MONDAY)] == ["third"]
    store.propose(asked("b", "again"))
    assert [each.question for each in store.proposals("2026-W50", MONDAY)] == ["again"]


def test_the_audit_log_keeps_its_order_whoever_writes(store: ReviewStore, another: Callable[[], ReviewStore]) -> None:
    for number, each in enumerate([store, another(), store, another()]):
        each.log(W48, "Dana", "decided", number=number, note=HOSTILE)
    store.log("", "Dana", "imported")
    lines = store.audit(W48)
    assert [line["number"] for line in lines] == [0, 1, 2, 3]
    assert {line["note"] for line in lines} == {HOSTILE}
    assert [line["at"][11:16] for line in lines] == ["09:00", "10:00", "09:00", "10:00"]


# at the same time ----------------------------------------------------------------------------------------------------


def test_who_reads_sees_one_moment_while_another_process_writes(
    store: ReviewStore, another: Callable[[], ReviewStore]
) -> None:
    writer = another()
    writer.start(W48, MONDAY, REQUEST)
    writer.save(W48, "planned", APPROVED)
    with store.reading():
        assert store.request(W48)[2] == 1
        writer.start(W48, MONDAY, REQUEST)
        assert (store.request(W48)[2], store.has(W48, "planned")) == (1, True)
    assert (store.request(W48)[2], store.has(W48, "planned")) == (2, False)


def test_one_process_at_a_time_works_on_a_review(store_location: str) -> None:
    with open_store(store_location) as ours, open_store(store_location) as theirs:
        ours.lock_review(W48)
        ours.lock_review(W48)
        theirs.lock_review(W47)
        with pytest.raises(
            BusyError, match=r"^another process is working on 2026-W48; wait until it is done, then try"
        ):
            theirs.lock_review(W48)
    with open_store(store_location) as later:
        later.lock_review(W48)


def test_who_waits_for_a_review_gets_it_when_the_other_is_done(store_location: str) -> None:
    order: list[str] = []

    def wait(theirs: StoreLocation) -> None:
        with theirs.alone(W48, wait_seconds=30):
            order.append("theirs")

    with open_location(store_location) as ours, open_location(store_location) as theirs:
        waiting = threading.Thread(target=wait, args=[theirs])
        with ours.alone(W48):
            waiting.start()
            time.sleep(0.2)
            order.append("ours")
        waiting.join()
    assert order == ["ours", "theirs"]


def test_who_waits_too_long_for_a_review_is_turned_away(store_location: str) -> None:
    with open_location(store_location) as ours, open_location(store_location) as theirs, ours.alone(W48):
        began = time.monotonic()
        with pytest.raises(BusyError), theirs.alone(W48, wait_seconds=0.2):
            pass
        assert time.monotonic() - began >= 0.2


def test_checkpoints_that_several_processes_need_for_the_first_time_are_made_once(store_location: str) -> None:
    found: list[object] = []

    async def look(opened: StoreSession) -> None:
        async with opened.at.saver() as saver:
            found.append(await saver.aget({"configurable": {"thread_id": "nothing"}}))

    def begin() -> None:
        with open_store(store_location) as opened:
            asyncio.run(look(opened))

    threads = [threading.Thread(target=begin) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [None, None, None]


# only in a database --------------------------------------------------------------------------------------------------


def test_everything_of_ours_is_in_a_schema_of_its_own(postgres_url: str) -> None:
    with open_store(postgres_url) as opened:
        opened.store.start(W48, MONDAY, REQUEST)
    query = "select distinct schemaname from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
    assert run_sql(postgres_url, query) == [("saveplay",)]


def test_a_database_that_goes_away_in_the_middle_is_named_and_its_lock_is_free(postgres_url: str) -> None:
    with open_store(postgres_url) as opened:
        opened.lock_review(W48)
        kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        run_sql(postgres_url, kill)
        with pytest.raises(StoreError, match=r"^the store postgresql://.* went away .*; what was finished is kept"):
            opened.store.start(W48, MONDAY, REQUEST)
    with open_store(postgres_url) as later:
        later.lock_review(W48)
        assert later.store.reviews() == []


def test_somebody_who_may_only_read_sees_a_review_and_is_told_that_he_cannot_write(postgres_url: str) -> None:
    with open_store(postgres_url) as opened:
        opened.store.start(W48, MONDAY, REQUEST)
    url = new_user(postgres_url)
    reader = urlsplit(url).username
    run_sql(postgres_url, f"grant usage on schema saveplay to {reader}")
    run_sql(postgres_url, f"grant select on all tables in schema saveplay to {reader}")
    with open_store(url) as reading:
        assert reading.store.request(W48)[2] == 1
        with pytest.raises(InputError, match="cannot be used: permission denied for table"):
            reading.store.start(W48, MONDAY, REQUEST)


def test_a_text_that_a_database_cannot_hold_is_refused_and_nothing_is_written(postgres_url: str) -> None:
    with open_store(postgres_url) as opened:
        with pytest.raises(InputError, match="cannot keep this"):
            opened.store.log(W48, "nobody\0", "decided")
        assert opened.store.audit(W48) == []


def test_a_database_that_cannot_hold_every_script_is_refused(postgres_url: str) -> None:
    latin = postgres_url + "_latin"
    run_sql(postgres_url, f"create database {latin.rpartition('/')[2]} template template0 encoding latin1 locale 'C'")
    with pytest.raises(InputError, match="keeps text as LATIN1; make one with the encoding UTF8"), open_store(latin):
        pass
