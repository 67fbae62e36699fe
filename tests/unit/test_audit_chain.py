"""The audit log is a chain: whoever changes what was done is found out, and everything says from where it was done."""

# ruff: noqa: F811  (fixtures are imported by name)

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.stores import store_at
from domain.desk import Anchor
from tests.desk_places import Inside, monday, own  # noqa: F401  fixtures
from tests.e2e.running import DONE, REFUSED, Said, saveplay
from tests.e2e.worlds import W47, W48, Place, Shelf, desk, desk_first, shelf  # noqa: F401  fixtures
from tools import chain
from tools.store import Store

KEY = "one of ours, kept elsewhere"
DID = (
    ("Marguerite Oyelaran", "decided", {"gate": "plan", "budget": 5000}),
    ("Sadia Karim", "done", {"action": "2026-W47.TF-1052.primary", "on": "2026-11-20"}),
    ('O\'Brien \\ "東京" 🙈', "override", {"account": "TF-1040", "reason": "50% :sure"}),
    ("Marguerite Oyelaran", "chose", {"account": "TF-1052", "before": None, "after": {"decision": "approve"}}),
    ("Marguerite Oyelaran", "closed", {"owners": {"TF-1268": "P-19"}}),
)
FIELDS = {"audit": ("seq", "at", "review_id", "who", "what", "facts"), "chain": ("seq", "mac")}


@pytest.fixture
def store(where: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store in which five things were done, a minute apart."""
    monkeypatch.delenv("SAVEPLAY_AUDIT_KEY", raising=False)
    minutes = iter(range(60))
    with store_at(where) as place:
        store = place.store(lambda: f"2026-11-23T09:{next(minutes):02d}:00.000+00:00")
        for who, what, facts in DID:
            store.log(W48, who, what, **facts)
        yield store
        store.close()


def faults(store: Store, anchor: Anchor | None = None) -> tuple[str, ...]:
    return store.verify_audit(anchor).faults


def tampered(store: Store, *statements: str) -> tuple[str, ...]:
    """What is found after somebody changed the tables by hand."""
    for statement in statements:
        store.database.execute(statement, {})
    return faults(store)


# what is changed is found and named ----------------------------------------------------------------------------------


def test_a_log_that_nobody_touched_is_sound_and_says_how_long_it_is(store: Store) -> None:
    verdict = store.verify_audit()
    assert (verdict.is_sound, verdict.entries, verdict.before_chain) == (True, 5, 0)
    assert verdict.head == store.head()
    assert store.head().seq == store.revision()


def test_an_entry_that_was_edited_is_named_with_its_time_and_who_did_what(store: Store) -> None:
    found = tampered(store, 'update audit set facts = \'{"gate": "plan", "budget": 500}\' where seq = 1')
    assert found == (
        "entry 1 (2026-11-23T09:00:00.000+00:00, Marguerite Oyelaran: decided) is not as it was written",
    )  # fmt: skip


@pytest.mark.parametrize("field", FIELDS["audit"][1:])
def test_no_field_of_an_entry_can_be_changed_in_silence(store: Store, field: str) -> None:
    found = tampered(store, f"update audit set {field} = {field} || ' ' where seq = 3")
    assert len(found) == 1
    assert found[0].startswith("entry 3 (")


def test_an_entry_that_gets_another_number_is_missed_under_the_old_one(store: Store) -> None:
    assert tampered(store, "update audit set seq = 9 where seq = 5") == (
        "entry 5 was removed", "entry 9 was added without its link",
    )  # fmt: skip


def test_a_link_that_was_changed_is_found_at_its_entry_and_at_the_next(store: Store) -> None:
    found = tampered(store, f"update chain set mac = '{'a' * 64}' where seq = 2")
    assert [each.split(" (")[0] for each in found] == ["entry 2", "entry 3"]


def test_an_entry_that_was_removed_is_named(store: Store) -> None:
    assert tampered(store, "delete from audit where seq = 3") == ("entry 3 was removed",)


@pytest.mark.parametrize("seq", [1, 2, 4])
def test_an_entry_that_was_removed_with_its_link_breaks_the_next_one(store: Store, seq: int) -> None:
    found = tampered(store, f"delete from audit where seq = {seq}", f"delete from chain where seq = {seq}")
    assert len(found) == 1
    assert found[0].startswith(f"entry {seq + 1} (")


def test_two_entries_that_changed_places_are_both_named(store: Store) -> None:
    found = tampered(store, *(f"update audit set seq = {a} where seq = {b}" for a, b in ((99, 2), (2, 3), (3, 99))))
    assert [each.split(" (")[0] for each in found] == ["entry 2", "entry 3"]


def test_two_entries_that_changed_places_with_their_links_are_found(store: Store) -> None:
    moves = ((99, 2), (2, 3), (3, 99))
    found = tampered(store, *(f"update {t} set seq = {a} where seq = {b}" for t in FIELDS for a, b in moves))
    assert {each.split(" (")[0] for each in found} >= {"entry 2", "entry 3"}


@pytest.mark.parametrize("seq", [6, 40, 0, -1])
def test_an_entry_that_was_added_without_its_link_is_named(store: Store, seq: int) -> None:
    added = f"insert into audit values ({seq}, '2026-11-23T08:00:00', '{W48}', 'Nobody', 'decided', '{{}}')"
    assert tampered(store, added) == (f"entry {seq} was added without its link",)


def test_an_entry_that_was_added_with_a_made_up_link_is_found(store: Store) -> None:
    found = tampered(
        store,
        f"insert into audit values (6, '2026-11-23T10:00:00', '{W48}', 'Nobody', 'decided', '{{}}')",
        f"insert into chain values (6, '{'0' * 64}')",
    )
    assert found == ("entry 6 (2026-11-23T10:00:00, Nobody: decided) is not as it was written",)


def test_every_further_entry_goes_on_from_what_was_tampered_with_and_hides_nothing(store: Store) -> None:
    tampered(store, "update audit set who = 'Somebody Else' where seq = 5")
    store.log(W48, "Marguerite Oyelaran", "closed again")
    assert [each.split(" (")[0] for each in faults(store)] == ["entry 5"]


def test_another_key_than_the_one_it_was_made_with_finds_nothing_as_it_was(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAVEPLAY_AUDIT_KEY", KEY)
    assert len(faults(store)) == 5
    monkeypatch.delenv("SAVEPLAY_AUDIT_KEY")
    assert faults(store) == ()


def test_who_can_write_to_the_store_but_lacks_the_key_kept_elsewhere_cannot_forge(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAVEPLAY_AUDIT_KEY", KEY)
    tampered(store, "delete from audit", "delete from chain")
    store.log(W48, "Marguerite Oyelaran", "decided")
    assert faults(store) == ()
    [line], [link] = store.database.rows("select * from audit", {}), store.database.rows("select * from chain", {})
    kept_in_the_store = store.database.rows("select body from keys where kind = 'audit'", {})
    forged = chain.mac(kept_in_the_store[0]["body"].encode(), chain.BEGIN, {**line, "who": "Nobody"})
    assert link["mac"] != forged
    found = tampered(store, "update audit set who = 'Nobody'", f"update chain set mac = '{forged}'")
    assert len(found) == 1


# what was cut off ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("left", [0, 1, 4])
def test_a_tail_that_was_cut_off_is_found_only_against_an_anchor(store: Store, left: int) -> None:
    anchor = store.head()
    assert tampered(store, *(f"delete from {table} where seq > {left}" for table in FIELDS)) == ()
    [found] = faults(store, anchor)
    assert "the log was cut off" in found
    assert "the anchor is of entry 5" in found


def test_a_log_that_was_cut_off_and_written_on_is_found_against_an_anchor(store: Store) -> None:
    anchor = store.head()
    tampered(store, *(f"delete from {table} where seq > 3" for table in FIELDS))
    for _ in range(3):
        store.log(W48, "Marguerite Oyelaran", "approved something else")
    [found] = faults(store, anchor)
    assert "entry 5 is another one than the anchor was taken of" in found or "the log was cut off" in found


def test_links_that_were_all_taken_away_are_found_against_an_anchor_and_not_passed_off_as_covered(store: Store) -> None:
    anchor = store.head()
    assert tampered(store, "delete from chain") == ()
    assert (store.verify_audit().entries, store.verify_audit().before_chain) == (0, 5)
    assert len(faults(store, anchor)) == 1


def test_an_anchor_from_before_holds_for_all_that_was_logged_since(store: Store) -> None:
    anchor = store.head()
    store.log(W48, "Marguerite Oyelaran", "closed again")
    assert faults(store, anchor) == ()
    assert faults(store, Anchor(entries=0, seq=0, mac=chain.BEGIN)) == ()


# any change at all ---------------------------------------------------------------------------------------------------

words = st.text(max_size=12)
entries = st.lists(st.tuples(words, words, words, words, words), min_size=1, max_size=6)


def written(said: list[tuple[str, ...]]) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    """The two tables after these entries were logged."""
    lines = [dict(zip(FIELDS["audit"], (seq, *each), strict=True)) for seq, each in enumerate(said, start=1)]
    links, before = [], chain.BEGIN
    for line in lines:
        before = chain.mac(KEY.encode(), before, line)
        links.append((line["seq"], before))
    return lines, links


def is_sound(lines: list[dict[str, Any]], links: list[tuple[int, str]]) -> bool:
    in_order = sorted(lines, key=lambda line: line["seq"])
    return chain.verify(KEY.encode(), in_order, sorted(links)).is_sound


@given(entries, st.data())
def test_any_single_change_of_any_stored_field_is_found(said: list[tuple[str, ...]], data: st.DataObject) -> None:
    lines, links = written(said)
    assert is_sound(lines, links)
    at = data.draw(st.integers(0, len(lines) - 1), "entry")
    table, field = data.draw(st.sampled_from([(table, name) for table in FIELDS for name in FIELDS[table]]), "field")
    taken = {line["seq"] for line in lines}
    numbers = st.integers(-3, 12).filter(lambda seq: seq not in taken)
    if table == "chain":
        seq, mac = links[at]
        other = data.draw(st.text("0123456789abcdef", min_size=0, max_size=64).filter(lambda text: text != mac))
        links[at] = (data.draw(numbers), mac) if field == "seq" else (seq, other)
    else:
        old = lines[at][field]
        new = data.draw(numbers if field == "seq" else words.filter(lambda text: text != old), "new")
        lines[at] = {**lines[at], field: new}
    assert not is_sound(lines, links)


@given(entries.filter(lambda said: len(said) > 1), st.data())
def test_any_entry_but_the_last_that_is_taken_out_in_whole_is_found(
    said: list[tuple[str, ...]], data: st.DataObject
) -> None:
    lines, links = written(said)
    at = data.draw(st.integers(0, len(lines) - 2))
    assert not is_sound(lines[:at] + lines[at + 1 :], links[:at] + links[at + 1 :])


@given(entries, words, words)
def test_text_cannot_be_moved_from_one_field_into_the_next(said: list[tuple[str, ...]], one: str, other: str) -> None:
    line = written(said)[0][0]
    whole, moved = {**line, "who": one + other, "what": ""}, {**line, "who": one, "what": other}
    macs = {chain.mac(KEY.encode(), chain.BEGIN, each) for each in (whole, moved)}
    assert len(macs) == (2 if other else 1)


def test_every_stored_field_is_one_of_those_that_are_tried_here(store: Store) -> None:
    """A new column has to be signed, and tried above."""
    for table, fields in FIELDS.items():
        assert tuple(store.database.rows(f"select * from {table} limit 1", {})[0]) == fields


# on the command line -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def checked(shelf: Shelf, desk_first: Place) -> tuple[Place, dict[str, Said]]:
    """The log of the first week, checked as it is, against an anchor, and after each kind of change, on copies."""

    def make(place: Place) -> dict[str, Said]:
        def verify(*more: str | Path, at: Place = desk_first, env: dict[str, str] | None = None) -> Said:
            return saveplay("audit", "verify", *more, "--store", at.store, env=env)

        place.folder.mkdir()
        anchor = place.folder / "anchor.json"
        said = {"anchor": desk_first.run("audit", "anchor"), "sound": verify(), "json": verify("--json")}
        anchor.write_text(said["anchor"].out)
        said["anchored"] = verify("--anchor", anchor)
        said["another key"] = verify(env={"SAVEPLAY_AUDIT_KEY": KEY})
        said["no anchor"] = verify("--anchor", place.folder / "nowhere.json")
        broken = own(desk_first, place.folder / "edited")
        change(broken, "update audit set who = 'Nobody' where what = 'started'")
        said["edited"], said["edited as json"] = verify(at=broken), verify("--json", at=broken)
        cut = own(desk_first, place.folder / "cut")
        change(cut, "delete from audit where seq > 2", "delete from chain where seq > 2")
        said["cut"], said["cut, anchored"] = verify(at=cut), verify("--anchor", anchor, at=cut)
        return said

    return shelf.place("audit-checked", make)


def change(place: Place, *statements: str) -> None:
    with closing(sqlite3.connect(place.store / "saveplay.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_a_sound_log_is_told_with_exit_0_and_its_length(checked: tuple[Place, dict[str, Said]]) -> None:
    _, said = checked
    entries = json.loads(said["anchor"].ended(DONE).out)["entries"]
    expected = f"{entries} entries, each as it was written. The newest is number {entries}."
    assert said["sound"].ended(DONE).out.strip() == said["anchored"].ended(DONE).out.strip() == expected
    assert entries >= 4


def test_an_anchor_is_json_that_names_the_newest_entry(checked: tuple[Place, dict[str, Said]]) -> None:
    anchor = Anchor.model_validate_json(checked[1]["anchor"].out)
    verdict = json.loads(checked[1]["json"].ended(DONE).out)
    assert (anchor.seq, anchor.mac) == (verdict["head"]["seq"], verdict["head"]["mac"])
    assert verdict["faults"] == []


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("edited", "command line: started"),
        ("another key", "is not as it was written"),
        ("cut, anchored", "the log was cut off: it ends at entry 2"),
    ],
)
def test_a_log_with_a_fault_is_told_with_exit_2_and_the_fault(
    checked: tuple[Place, dict[str, Said]], case: str, says: str
) -> None:
    said = checked[1][case].ended(REFUSED)
    first, *found = said.out.splitlines()
    assert first == "The log is not as it was written:"
    assert any(says.replace("command line", "Nobody") in line for line in found)


def test_a_program_that_checks_the_log_reads_the_faults_as_json(checked: tuple[Place, dict[str, Said]]) -> None:
    said = checked[1]["edited as json"].ended(REFUSED)
    assert len(json.loads(said.out)["faults"]) == 1


def test_a_log_that_was_cut_off_passes_without_an_anchor(checked: tuple[Place, dict[str, Said]]) -> None:
    assert "2 entries, each as it was written" in checked[1]["cut"].ended(DONE).out


def test_an_anchor_that_is_none_is_refused_in_one_sentence(checked: tuple[Place, dict[str, Said]]) -> None:
    assert "no anchor; make one with `saveplay audit anchor`" in checked[1]["no anchor"].refusal


# from where it was done, and what was there before -------------------------------------------------------------------


@pytest.fixture(scope="module")
def three_ways(monday: Place, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The same things done on the command line, at the desk, and by a program."""
    place = own(monday, tmp_path_factory.mktemp("three-ways") / "place")
    action = place.actions()[0][0]
    play = place.document(W48)["plays"][0]
    account, version = play["account_id"], play["version"]
    place.run("done", action, "--by", "Sadia Karim", "--on", "2026-11-20").ended(DONE)
    inside = Inside(place.store)
    leader = inside.member("leader")
    browser, program = inside.browser(leader), inside.program(leader)
    answers = [
        browser.send(f"/r/{W48}/actions", {"action": action, "state": "open"}),
        program.post(f"/api/v1/actions/{action}", json={"state": "dropped", "on": "2026-11-21", "note": "no longer"}),
        browser.send(f"/r/{W48}/choices", {
            "account": account, "version": version, "decision": "reject", "reason": "no", "seen": "0"}),
        program.post(f"/api/v1/reviews/{W48}/choices", json={
            "decision": {"account": account, "version": version, "decision": "defer", "until": "2026-12-07"}, "seen": 1}),
        browser.send(f"/r/{W48}/override", {
            "account": account, "band": "red", "reason": "they said so", "until": "2999-01-01"}),
        program.post(f"/api/v1/reviews/{W48}/overrides/{account}", json={
            "band": "green", "reason": "they said otherwise", "until": "2999-01-02"}),
    ]  # fmt: skip
    assert [each.status_code for each in answers] == [303, 200, 303, 200, 303, 200], [a.text[-300:] for a in answers]
    log = inside.audit()
    with inside.desk.places.one() as opened:
        assert opened.store.verify_audit().is_sound
    inside.close()
    return log


def entries_of(log: list[dict[str, Any]], what: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [entry for entry in log if what(entry)]


def test_every_entry_says_by_which_way_in_it_was_made(three_ways: list[dict[str, Any]]) -> None:
    assert {entry["way"] for entry in three_ways} == {"command line", "desk", "API"}
    marked = entries_of(three_ways, lambda entry: "action" in entry)
    assert [(entry["what"], entry["way"]) for entry in marked] == [
        ("done", "command line"), ("open again", "desk"), ("dropped", "API"),
    ]  # fmt: skip


def test_an_action_that_is_marked_again_is_logged_with_what_stood_before(three_ways: list[dict[str, Any]]) -> None:
    _, at_the_desk, by_a_program = entries_of(three_ways, lambda entry: "action" in entry)
    assert at_the_desk["before"] == {"state": "done", "on": "2026-11-20"}
    assert by_a_program["before"] == {"state": "open", "on": None}


def test_a_choice_is_logged_with_what_was_said_before_and_what_is_said_now(three_ways: list[dict[str, Any]]) -> None:
    first, second = entries_of(three_ways, lambda entry: entry["what"] == "chose")
    assert (first["before"], first["after"]["decision"], first["way"]) == (None, "reject", "desk")
    assert second["before"] == first["after"]
    assert (second["after"]["decision"], second["after"]["until"], second["way"]) == ("defer", "2026-12-07", "API")


def test_an_override_is_logged_with_the_band_before_and_after(three_ways: list[dict[str, Any]]) -> None:
    first, second = entries_of(three_ways, lambda entry: entry["what"] == "override" and "after" in entry)
    assert second["before"] == first["after"]
    assert (first["after"]["band"], second["after"]["band"]) == ("red", "green")


def test_the_log_of_the_first_week_tells_the_command_line(three_ways: list[dict[str, Any]]) -> None:
    week = entries_of(three_ways, lambda entry: entry["review_id"] == W47 and entry["what"] == "started")
    assert [entry["way"] for entry in week] == ["command line"]
