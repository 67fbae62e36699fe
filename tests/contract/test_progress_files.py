"""Action lists as people fill them in and their spreadsheets save them: what is read, what is asked back, what is refused."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pytest

from app.commands import record_action_progress
from app.wiring import open_store
from domain.errors import InputError
from domain.tracking import Action
from tests.e2e.commands import DONE, REFUSED, saveplay

MONDAY, TODAY = date(2026, 11, 23), date(2026, 12, 4)
CALL, MAIL, VISIT = (f"2026-W48.TF-1340.{name}" for name in ("call-the-sponsor", "send-the-plan", "visit"))
ACTIONS = (CALL, MAIL, VISIT)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which one review approved three actions on Monday 23 November."""
    with open_store(str(tmp_path / "store")) as session:
        session.store.start("2026-W48", MONDAY, {})
        session.store.save_actions("2026-W48", MONDAY, [action(action_id) for action_id in ACTIONS])
    return tmp_path / "store"


def action(action_id: str) -> Action:
    return Action(
        id=action_id, review_id="2026-W48", account_id="TF-1340", account_name="Müller & Söhne", owner="Dana",
        owner_id=None, due=date(2026, 11, 27), follow_up=None, kind="play", title="Call", action="Call", purpose="Keep",
        phase="now", urgency="standard", effort_hours=1, channel="call", playbook_action=None, contact=None,
    )  # fmt: skip


def imported(
    store: Path, content: str | bytes, *, columns: str | None = None, dates: str | None = None, today: date = TODAY
) -> Mapping[str, tuple[str, date | None]]:
    """Import a list and return what the store then knows about each action."""
    file = store.parent / "list.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    record_action_progress(None, today, "Dana", "", False, file, str(store), columns, dates, today)
    return recorded(store)


def recorded(store: Path) -> Mapping[str, tuple[str, date | None]]:
    with open_store(str(store)) as session:
        return session.store.progress()


def audit_lines(store: Path) -> list[str]:
    with open_store(str(store)) as session:
        lines = [line["what"] for review in ("", "2026-W48") for line in session.store.audit(review)]
        return [line for line in lines if line != "stored actions"]  # the entry of the fixture's own actions


def refused(store: Path, content: str | bytes, **options: str) -> str:
    """The sentence of a refused import; nothing was recorded."""
    with pytest.raises(InputError) as caught:
        imported(store, content, **options)
    assert recorded(store) == {}
    assert audit_lines(store) == []
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("list.csv")
    return message


# what spreadsheets save -------------------------------------------------------------------------------------------------

EXPECTED = {CALL: ("done", date(2026, 11, 25)), MAIL: ("dropped", date(2026, 11, 30))}
SAVED = {
    "de, semicolons, Windows-1252": (
        f"id;account;status;done_on\r\n{CALL};Müller & Söhne;done;25.11.2026\r\n{MAIL};Müller;dropped;30.11.2026\r\n"
    ).encode("cp1252"),
    "de, UTF-8 with a mark, quoted, short years": (
        f'\ufeff"id";"status";"done_on"\r\n"{CALL}";"Done";"25.11.26"\r\n"{MAIL}";"dropped";"30.11.26"\r\n'
    ).encode(),
    "de, a line that says sep=;": f"sep=;\r\nid;status;done_on\r\n{CALL};done;25.11.2026\r\n{MAIL};dropped;30.11.2026\r\n",
    "us": f"id,status,done_on\r\n{CALL},done,11/25/2026\r\n{MAIL},dropped,11/30/2026\r\n",
    "us, Unicode text with a time": (
        f"id\tstatus\tdone_on\r\n{CALL}\tdone\t11/25/2026 0:00\r\n{MAIL}\tdropped\t11/30/2026 0:00\r\n"
    ).encode("utf-16"),
    "uk": f"id,status,done_on\r\n{CALL},done,25/11/2026\r\n{MAIL},dropped,30/11/2026\r\n",
    "uk, named months": f"id,status,done_on\r\n{CALL},DONE,25-Nov-2026\r\n{MAIL},Dropped,30 Nov 2026\r\n",
    "jp, Shift-JIS": (
        f"id,account,status,done_on\r\n{CALL},株式会社ミュラー,done,2026/11/25\r\n{MAIL},カナダ表,dropped,2026/11/30\r\n"
    ).encode("cp932"),
    "jp, UTF-8 with a mark": f"\ufeffid,status,done_on\r\n{CALL},done,2026/11/25\r\n{MAIL},dropped,2026/11/30\r\n",
    "emptied lines at the end": (
        f"id;status;done_on\r\n{CALL};done;25.11.2026\r\n{MAIL};dropped;30.11.2026\r\n;;\r\n;;\r\n\r\n\r\n"
    ),
    "the planned days show the order of the days done": (
        f"id,status,due,done_on\n{CALL},done,11/27/2026,11/25/2026\n{MAIL},dropped,12/1/2026,11/30/2026\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("content", SAVED.values(), ids=SAVED.keys())
def test_a_list_is_read_as_the_spreadsheet_of_a_country_saves_it(store: Path, content: str | bytes) -> None:
    assert imported(store, content) == EXPECTED


def test_the_planned_days_tell_day_and_month_apart_where_the_days_done_do_not(store: Path) -> None:
    content = f"id,status,due,done_on\n{CALL},done,27/11/2026,01/12/2026\n{MAIL},done,30/11/2026,02/12/2026\n"
    assert imported(store, content) == {CALL: ("done", date(2026, 12, 1)), MAIL: ("done", date(2026, 12, 2))}


def test_the_answer_counts_what_was_recorded_and_what_said_nothing_new(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = f"id,status,done_on\n{CALL},done,2026-11-25\n{MAIL},open,\n{VISIT},,\n"
    imported(store, content)
    assert capsys.readouterr().out == "list.csv: 1 action recorded, 2 lines said nothing new\n"
    lines = audit_lines(store)
    assert "imported" in lines
    imported(store, content)
    assert capsys.readouterr().out == "list.csv: 0 actions recorded, 3 lines said nothing new\n"
    assert audit_lines(store) == lines, "what changes nothing leaves no line"


def test_a_line_without_a_day_is_done_on_the_day_of_the_import_and_keeps_a_day_that_is_known(store: Path) -> None:
    assert imported(store, f"id,status\n{CALL},done\n") == {CALL: ("done", TODAY)}
    assert imported(store, f"id,status\n{CALL},done\n", today=date(2026, 12, 9)) == {CALL: ("done", TODAY)}


# what is asked back -----------------------------------------------------------------------------------------------------

GERMAN = f"Kennung;Status;Erledigt am\r\n{CALL};done;25.11.2026\r\n"


def test_renamed_columns_are_asked_back_with_the_option_that_names_them(store: Path) -> None:
    message = refused(store, GERMAN.encode("cp1252"))
    assert message == (
        "list.csv: no column 'id'; found 'Kennung', 'Status', 'Erledigt am': name them with"
        ' --columns "id=Kennung,done_on=Erledigt am"'
    )
    assert imported(store, GERMAN, columns="id=Kennung,done_on=Erledigt am") == {CALL: ("done", date(2026, 11, 25))}


def test_columns_in_another_script_are_asked_back_as_they_are_written(store: Path) -> None:
    content = f"識別子,状態,完了日\r\n{CALL},done,2026/11/25\r\n".encode("cp932")
    assert refused(store, content).endswith("name them with --columns id=識別子,status=状態,done_on=完了日")
    assert imported(store, content, columns="id=識別子,status=状態,done_on=完了日") == {
        CALL: ("done", date(2026, 11, 25))
    }


def test_days_under_another_name_are_not_taken_for_the_day_of_the_import(store: Path) -> None:
    message = refused(store, GERMAN, columns="id=Kennung")
    assert message.endswith("""no column 'done_on'; found 'Kennung', 'Status', 'Erledigt am': name them with --columns \
"done_on=Erledigt am\"""")


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("id=Nummer", "no column 'Nummer', which --columns names; found 'Kennung', 'Status', 'Erledigt am'"),
        ("id=Kennung,status=Kennung", "--columns names one column twice"),
    ],
)
def test_a_wrong_name_of_a_column_is_answered_with_the_names_there_are(store: Path, columns: str, says: str) -> None:
    assert says in refused(store, GERMAN, columns=columns)


def test_days_that_could_be_two_are_asked_back_with_the_option_that_says_which(store: Path) -> None:
    content = f"id,status,done_on\n{CALL},done,11/12/2026\n{MAIL},open,\n{VISIT},done,01/12/2026\n"
    assert refused(store, content) == (
        "list.csv rows 2, 4: the order of day and month is not known; say it with --dates day_first or --dates month_first"
    )
    ours = {CALL: ("done", date(2026, 12, 11)), VISIT: ("done", date(2026, 12, 1))}
    assert imported(store, content, dates="day_first", today=date(2026, 12, 14)) == ours


# what is refused --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (f"{CALL},done,2026-11-25\n{CALL},open,", f"row 3: {CALL} is open, but done on 2026-11-25 in row 2"),
        (f"{CALL},done,2026-11-25\n{CALL},dropped,2026-11-25", "row 3: "),
        (f"{CALL},done,2026-11-25\n{CALL},done,2026-11-26", "done on 2026-11-26, but done on 2026-11-25 in row 2"),
        (f"{CALL},done,2026-11-31", "row 2: done_on '2026-11-31' is not a date that exists"),
        (f"{CALL},done,31.11.2026", "row 2: done_on '31.11.2026' is not a date that exists"),
        (f"{CALL},done,soon", "row 2: done_on 'soon' is not a date"),
        (f"{CALL},done,2026-12-05", "row 2: done_on 2026-12-05 lies in the future"),
        (f"{CALL},done,2026-11-20", "row 2: done_on 2026-11-20 lies before the action was approved (2026-11-23)"),
        (f"{CALL},open,2026-11-25", "row 2: done_on is 2026-11-25, but the status is open; write done or clear the date"),
        (f"{CALL},erledigt,", "row 2: status 'erledigt'; use done, open or dropped"),
        (",done,", "row 2: no action id"),
        ("2026-W48.TF-1.none,done,", "row 2: no action '2026-W48.TF-1.none' in this store"),
        (f"{CALL},done,2026-11-25,more,fields", "row 2: wrong number of fields (the header has 3)"),
        (f'{CALL},done,2026-11-25\n{MAIL},"done,2026-11-25\n', "row 3: the file is truncated"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_right_is_named_with_its_row_and_reason(store: Path, lines: str, says: str) -> None:
    assert says in refused(store, f"id,status,done_on\n{lines}\n")


def test_up_to_ten_problems_are_named_at_once(store: Path) -> None:
    lines = "".join(f"{CALL},weg{number},\n" for number in range(13))
    message = refused(store, f"id,status,done_on\n{lines}{MAIL},done,2026-11-25\n")
    assert message.count("; use done, open or dropped") == 10
    assert message.startswith("list.csv row 2: status 'weg0'; use done, open or dropped; row 3: ")
    assert message.endswith("; and 3 more; nothing was recorded")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (f"id,status,note\n{CALL},done,{'x' * 140_000}\n", "row 2: a field has 140,000 characters"),
        (f"id,status,note\n{CALL},done,{'x' * 3_000_000}\n", "row 2: the row or a field in it is longer than 1,000,000"),
        (f"id,status,{'x' * 140_000}\n{CALL},done,\n", "row 1: a column name has more than 131,072 characters"),
        (f"id,status\n{CALL},do\0ne\n", "holds binary bytes (row 2)"),
        (b"PK\x03\x04 a workbook", "is a zip or Excel file, not a CSV file"),
        (b"PAR1 a table", "is a Parquet file, not a CSV file"),
        (b"", "is empty (0 bytes)"),
        (b"\r\n\r\n", "holds nothing but blank lines"),
        (b"sep=;\r\n", "the header line is blank"),
        (f"id,status,Status\n{CALL},done,open\n", "2 columns are named 'status'; keep one of them"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_list_is_named_and_not_half_read(store: Path, content: str | bytes, says: str) -> None:
    assert says in refused(store, content)


def test_a_real_workbook_and_a_real_parquet_file_are_refused_by_the_command(store: Path) -> None:
    file = store.parent / "list.csv"
    duckdb.execute(f"COPY (SELECT '{CALL}' AS id, 'done' AS status) TO '{file}' (FORMAT parquet)")
    assert "list.csv is a Parquet file" in saveplay("done", "--import", file, "--store", store).refusal
    assert "is not a file" in saveplay("done", "--import", store, "--store", store).refusal


def test_the_command_takes_the_options_and_says_what_it_did(store: Path) -> None:
    file = store.parent / "list.csv"
    file.write_bytes(GERMAN.encode("cp1252"))
    arguments = ("done", "--import", file, "--store", store, "--on", "2026-12-04")
    assert saveplay(*arguments).code == REFUSED
    said = saveplay(*arguments, "--columns", "id=Kennung,done_on=Erledigt am").check_exit(DONE)
    assert said.out == "list.csv: 1 action recorded, 0 lines said nothing new\n"
    assert "use day_first or month_first" in saveplay(*arguments, "--dates", "german").refusal
    assert "write it like id=Kennung" in saveplay(*arguments, "--columns", "Kennung").refusal
