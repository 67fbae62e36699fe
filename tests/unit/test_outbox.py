"""The outbox: what people approved arrives once, is left alone when people changed it, and is taken back when it changes."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.errors import ConfigurationError, DecisionError
from domain.outbox import OutboxSettings
from tests.outgoing import WEEK, action, digest, field, hold, note, preread, push, run, stored
from tests.receivers import SECRETS, Receivers, outbox_yaml, serve_receivers
from tests.sample_review import sample_review
from tools.outbox.desired import merge, wanted_items
from tools.outbox.plan import push_plan
from tools.outbox.push import release, save_wanted
from tools.outbox.reading_back import read_back
from tools.outbox.settings import open_sinks, read_outbox_settings
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore

ALL = ("webhook", "calendar", "hubspot", "slack", "asana")


@pytest.fixture
def there() -> Iterator[Receivers]:
    with serve_receivers() as receivers:
        receivers.companies = {f"acc-{number}": {"risk_tier": "low"} for number in range(5)}
        yield receivers


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReviewStore]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    opened = ReviewStore(tmp_path / "store", lambda: "2026-11-23T10:00:00.000+00:00")
    yield opened
    opened.close()


def settings_for(there: Receivers, *names: str, **numbers: float) -> OutboxSettings:
    return OutboxSettings.model_validate(outbox_yaml(there.url, *(names or ALL), **numbers))


def once_each(there: Receivers) -> bool:
    return set(there.created.values()) == {1}


def week() -> list:
    return [
        *(action(number, sink) for number in range(3) for sink in ("hubspot", "asana", "webhook")),
        *(field(number, "critical") for number in range(3)), hold(1), hold(2), digest(),
    ]  # fmt: skip


def test_a_second_push_of_the_same_content_sends_nothing(store: ReviewStore, there: Receivers) -> None:
    first = push(store, settings_for(there), week())
    assert (first.sent, first.open, once_each(there)) == (15, (), True)
    writes = there.writes
    second = push(store, settings_for(there), week())
    assert (second.sent, second.left, second.open, there.writes) == (0, 15, (), writes)


def test_every_answer_lost_after_the_receiver_committed_doubles_nothing(store: ReviewStore, there: Receivers) -> None:
    lost: set[str] = set()

    def lose_the_first_answer(method: str, path: str) -> str | None:
        if method == "GET" or (method, path) in lost or path == "/hook":
            return None
        lost.add((method, path))
        return "commit and drop"

    there.fault = lose_the_first_answer
    done = push(store, settings_for(there), week())
    assert (done.sent, done.open, once_each(there)) == (15, (), True)
    assert len(there.messages) == 1


def test_a_webhook_comes_again_under_its_id_and_with_a_signature_that_others_accept(
    store: ReviewStore, there: Receivers
) -> None:
    answers = iter(["commit and drop", "500", None])
    there.fault = lambda method, path: next(answers)
    push(store, settings_for(there, "webhook"), [action(1, "webhook")])
    assert len(there.raw_webhooks) == 2
    assert len(there.webhooks) == 1
    verifier = pytest.importorskip("standardwebhooks").Webhook(SECRETS["SAVEPLAY_WEBHOOK_SECRET"])
    for headers, body in there.raw_webhooks:
        assert verifier.verify(body, headers)["data"]["title"] == "Call the sponsor"


def test_a_receiver_that_says_later_is_asked_later_and_one_that_says_no_is_left_to_people(
    store: ReviewStore, there: Receivers
) -> None:
    answers = iter(["429", "500", "drop"])
    there.fault = lambda method, path: next(answers, None)
    done = push(store, settings_for(there, "hubspot"), [action(1, "hubspot"), field(9, "high")])
    assert done.sent == 1
    assert [(item.state, item.last_error) for item in done.open] == [("refused", "no company with account_id = acc-9")]


def test_what_people_changed_there_is_left_as_it_is(store: ReviewStore, there: Receivers) -> None:
    before = [action(1, "asana"), action(2, "hubspot"), field(1, "critical"), hold(1)]
    settings = settings_for(there)
    push(store, settings, before)
    there.asana["1"]["name"] = "My own words"
    there.tasks[before[1].key]["hs_task_subject"] = "My own words"
    there.companies["acc-1"]["risk_tier"] = "no longer"
    [place] = there.events
    number, body = there.events[place]
    there.events[place] = (number + 1, body.replace(b"Executive call", b"Coffee"))
    after = [action(1, "asana", "New"), action(2, "hubspot", "New"), field(1, "low"), hold(1, "New")]
    done = push(store, settings, after)
    assert {item.state for item in done.open} == {"conflict"}
    assert len(done.open) == 4
    assert there.asana["1"]["name"] == there.tasks[before[1].key]["hs_task_subject"] == "My own words"
    assert there.companies["acc-1"]["risk_tier"] == "no longer"
    found = read_back(OutboxStore(store).items(), open_sinks(settings, settings.on()))
    assert [each.found for each in found.differences] == ["changed by people"] * 4


def test_what_a_rerun_no_longer_decides_is_taken_back(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there)
    push(store, settings, week())
    done = push(store, settings, [])
    assert (done.taken_back, done.open) == (15, ())
    assert {task["completed"] for task in there.asana.values()} == {True}
    assert {task["hs_task_status"] for task in there.tasks.values()} == {"COMPLETED"}
    assert there.asana["1"]["notes"] == f"Taken back: no longer decided in {WEEK}"
    assert there.companies["acc-1"] == {"risk_tier": "low"}
    assert all(b"STATUS:CANCELLED" in body and b"SEQUENCE:10002" in body for _, body in there.events.values())
    assert there.messages[0]["text"].startswith("This digest was taken back.")
    assert {event["type"] for event in there.webhooks.values()} == {"action.set", "action.taken_back"}
    again = push(store, settings, week())
    assert (again.sent, again.open, once_each(there)) == (15, (), True)
    assert {task["completed"] for task in there.asana.values()} == {False}
    assert all(b"CONFIRMED" in body for _, body in there.events.values())


def test_a_field_that_people_changed_is_not_put_back(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there, "hubspot")
    push(store, settings, [field(1, "critical")])
    there.companies["acc-1"]["risk_tier"] = "by hand"
    done = push(store, settings, [])
    assert (done.taken_back, done.open, there.companies["acc-1"]) == (1, (), {"risk_tier": "by hand"})


def test_next_week_updates_a_field_and_an_older_week_does_not_undo_it(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there, "hubspot")
    push(store, settings, [field(1, "critical")])
    push(store, settings, [field(1, "high")], review="2026-W49")
    push(store, settings, [field(1, "medium")])
    assert there.companies["acc-1"] == {"risk_tier": "high"}


def test_a_plan_that_is_not_the_one_shown_is_refused(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there, "asana")
    save_wanted(store, WEEK, [action(1, "asana")], ["asana"], "Lee")
    shown = push_plan(WEEK, OutboxStore(store).items(), settings)
    save_wanted(store, WEEK, [action(1, "asana", "Something else")], ["asana"], "Lee")
    with pytest.raises(DecisionError, match="look at it again"):
        release(store, shown.hash, WEEK, settings, "Lee")
    elsewhere = settings.model_copy(
        update={"sinks": {"asana": settings.sinks["asana"].model_copy(update={"place": "another project"})}}
    )
    shown = push_plan(WEEK, OutboxStore(store).items(), settings)
    with pytest.raises(DecisionError):
        release(store, shown.hash, WEEK, elsewhere, "Lee")
    assert there.calls == []


def test_a_decision_that_changes_after_the_release_waits_for_a_new_one(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there, "asana")
    save_wanted(store, WEEK, [action(1, "asana"), action(2, "asana")], ["asana"], "Lee")
    plan = push_plan(WEEK, OutboxStore(store).items(), settings)
    release(store, plan.hash, WEEK, settings, "Lee")
    save_wanted(store, WEEK, [action(1, "asana", "Something else"), action(2, "asana")], ["asana"], "Lee")
    run(store, settings, plan.hash, "one")
    assert [stored(store, action(number, "asana")).state for number in (1, 2)] == ["planned", "sent"]


def test_merging_twice_changes_nothing(store: ReviewStore, there: Receivers) -> None:
    push(store, settings_for(there), week())
    assert merge(OutboxStore(store).items(), week(), WEEK, ALL) == []


def test_every_send_is_in_the_audit_log_and_the_tables_agree_with_it(store: ReviewStore, there: Receivers) -> None:
    push(store, settings_for(there), week())
    entries = [line for line in store.audit(WEEK) if line["what"] == "outgoing: sent"]
    assert len(entries) == 15
    assert {line["who"] for line in entries} == {"Lee"}
    assert store.verify_audit().faults == ()
    changed = json.dumps({"title": "something that nobody decided"})
    store.database.execute("update outbox set desired = :body where kind = 'digest'", {"body": changed})
    assert "the outgoing item digest:" in store.verify_audit().faults[0]


def test_no_secret_is_in_the_store_in_errors_or_in_plans(store: ReviewStore, there: Receivers, tmp_path: Path) -> None:
    settings = settings_for(there)
    there.fault = lambda method, path: "500" if method != "GET" else None
    there.answer = lambda method, path, body, headers: (400, {}, json.dumps(headers).encode())  # type: ignore[method-assign]
    done = push(store, settings.model_copy(update={"deadline": settings.first_wait}), week())
    assert len(done.open) == 15
    written = b"".join(path.read_bytes() for path in (tmp_path / "store").iterdir() if path.is_file())
    for secret in SECRETS.values():
        assert secret.encode() not in written
        assert secret not in str(done)
        assert secret not in str(open_sinks(settings, settings.on()))


def test_a_host_that_is_not_allowed_or_a_secret_that_is_missing_is_named_before_any_call(
    store: ReviewStore, there: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(there, "asana")
    with pytest.raises(ConfigurationError, match="not in hosts"):
        open_sinks(settings.model_copy(update={"hosts": ()}), ["asana"])
    monkeypatch.delenv("SAVEPLAY_ASANA_TOKEN")
    with pytest.raises(ConfigurationError, match="SAVEPLAY_ASANA_TOKEN is not set"):
        open_sinks(settings, ["asana"])


def test_hostile_names_arrive_as_text(store: ReviewStore, there: Receivers) -> None:
    evil = "<script>x</script> <!channel> =cmd()\r\nBEGIN:VEVENT \u202egnp"
    wanted = [action(1, "hubspot", evil), action(1, "asana", evil), hold(1, evil), digest(evil)]
    push(store, settings_for(there), wanted)
    [event] = [body for _, body in there.events.values()]
    assert event.count(b"BEGIN:VEVENT\r\n") == 1
    text = there.messages[0]["text"]
    assert "&lt;!channel&gt;" in text
    assert "<!" not in text
    assert "\u202e" not in there.asana["1"]["name"] + text
    assert "\n" not in there.asana["1"]["name"]


def test_a_mail_whose_answer_was_lost_is_held_back_or_sent_again_as_configured(
    store: ReviewStore, there: Receivers
) -> None:
    aiosmtpd = pytest.importorskip("aiosmtpd.controller")
    arrived: list[str] = []

    class Forgetful:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            arrived.append(envelope.content.decode())
            if len(arrived) == 1:
                server.transport.abort()  # it has the mail, and nobody hears of it
            return "250 kept"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    mailbox = aiosmtpd.Controller(Forgetful(), hostname="127.0.0.1", port=port)
    mailbox.start()
    try:
        content = outbox_yaml(there.url, "mail")
        content["sinks"]["mail"]["url"] = f"smtp://127.0.0.1:{port}"
        once = OutboxSettings.model_validate(content)
        done = push(store, once, [preread()])
        assert ([item.state for item in done.open], len(arrived)) == (["unknown"], 1)
        assert [item.state for item in push(store, once, [preread()]).open] == ["unknown"]
        assert len(arrived) == 1
        content["sinks"]["mail"]["no_answer"] = "at least once"
        again = push(store, OutboxSettings.model_validate(content), [preread()])
        assert (again.sent, again.open, len(arrived)) == (1, (), 2)
        assert "To: dana@example.com" in arrived[1]
        assert arrived[0].partition("Message-ID")[2] == arrived[1].partition("Message-ID")[2]
    finally:
        mailbox.stop()


def test_many_fields_and_tasks_go_in_few_calls_and_each_has_its_own_answer(
    store: ReviewStore, there: Receivers
) -> None:
    there.companies = {f"acc-{number}": {} for number in range(120)}

    def remove_one(method: str, path: str) -> None:
        if path.endswith("/companies/batch/update"):
            there.companies.pop("acc-7", None)  # between the look and the write

    there.fault = remove_one
    settings = settings_for(there, "hubspot")
    wanted = [*(field(number, "high") for number in range(120)), *(action(number, "hubspot") for number in range(120))]
    done = push(store, settings, wanted)
    assert [(item.key, item.state, item.last_error) for item in done.open] == [
        (field(7, "").key, "refused", "HubSpot says nothing with acc-7")
    ]
    assert (done.sent, once_each(there), len(there.calls)) == (239, True, 8)
    assert {each["hs_task_status"] for each in there.tasks.values()} == {"NOT_STARTED"}


def test_two_fields_of_one_company_are_one_line_of_a_call(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there, "hubspot")
    done = push(store, settings, [field(1, "high"), field(1, "falling", "Health_Alert")])
    assert (done.sent, len(there.calls)) == (2, 2)
    assert there.companies["acc-1"] == {"risk_tier": "high", "health_alert": "falling"}
    push(store, settings, [])
    assert there.companies["acc-1"] == {"risk_tier": "low", "health_alert": ""}


def test_a_note_is_written_once_and_hangs_on_its_company(store: ReviewStore, there: Receivers) -> None:
    answers = iter(["commit and drop"])  # the note arrives, and nobody hears of it: its link is still missing
    there.fault = lambda method, path: next(answers, None) if path.endswith("/notes/batch/upsert") else None
    settings = settings_for(there, "hubspot")
    done = push(store, settings, [note(1), note(9)])
    assert [(item.state, item.last_error) for item in done.open] == [("refused", "no company with account_id = acc-9")]
    assert (done.sent, once_each(there), there.links) == (1, True, {"1": "c-acc-1"})
    [written] = there.notes.values()
    assert written["hs_note_body"].startswith(
        f"Weekly review {WEEK}: play approved by Lee<br>Cause: Service failure<br>Why:"
    )
    done = push(store, settings, [note(1, "They signed <b>today</b>")])
    assert "Why: They signed &lt;b&gt;today&lt;/b&gt;" in written["hs_note_body"]
    written["hs_note_body"] = "My own words"
    assert [item.state for item in push(store, settings, [note(1)]).open] == ["conflict"]


def test_a_note_is_taken_back_by_its_text(store: ReviewStore, there: Receivers) -> None:
    settings = settings_for(there, "hubspot")
    push(store, settings, [note(1)])
    done = push(store, settings, [])
    assert (done.taken_back, done.open) == (1, ())
    assert [each["hs_note_body"] for each in there.notes.values()] == [f"Taken back: no longer decided in {WEEK}"]


def test_the_digest_ends_with_a_line_to_the_desk_if_there_is_one(there: Receivers) -> None:
    content = {**outbox_yaml(there.url, "slack"), "desk": "https://desk.example.com/"}
    review = sample_review(state="closed")
    [with_line] = wanted_items(review, OutboxSettings.model_validate(content), {})
    [without] = wanted_items(review, settings_for(there, "slack"), {})
    assert with_line.content == {
        **(without.content or {}),
        "desk": f"https://desk.example.com/r/{review.review_id}/week",
    }


def test_the_shipped_settings_have_every_receiver_off() -> None:
    assert read_outbox_settings(None).on() == {}
