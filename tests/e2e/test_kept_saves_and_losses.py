"""A play that ends is on one line of every later review: the play, who did what, and what was learnt."""

import shutil
from html import unescape
from pathlib import Path

from tests.desk_in_process import own_copy
from tests.e2e.commands import DONE
from tests.e2e.shared_stores import W48, StoreFolder

LESSON = "A named engineer on the call ended it; the credit was not needed."


def test_a_save_stays_on_record_with_its_play_and_what_was_learnt(
    team_second_week: StoreFolder, team_data: Path, tmp_path: Path
) -> None:
    place = own_copy(team_second_week, tmp_path / "place")
    play = next(play for play in place.document(W48)["plays"] if play["status"] in ("approved", "edited"))
    account = play["account_id"]
    action = next(a for a in place.document(W48)["actions"] if a["account_id"] == account and a["kind"] == "play")
    place.run("done", action["id"], "--on", "2026-11-26", "--note", LESSON, "--by", "Sadia Karim").check_exit(DONE)
    data = tmp_path / "data"
    shutil.copytree(team_data, data)
    with (data / "outcomes.csv").open("a", encoding="utf-8") as handle:
        handle.write(f"{account},2026-11-27,renewed,0\n")
    for day in ("2026-11-30", "2026-12-07"):
        place.review(data, day, "--approve", "all")
    for review_id in ("2026-W49", "2026-W50"):
        (line,) = [each for each in place.document(review_id)["followup"]["settled"] if each["account_id"] == account]
        assert (line["status"], line["review_id"], line["learnt"]) == ("saved", "2026-W49", LESSON)
        assert line["cause"] == play["cause_label"]
        assert line["people"] == [action["owner"]]
        steps = {rate["id"]: rate for rate in place.document(review_id)["metrics"]["save_rates_by_step"]}
        done = steps[f"save_rate_{action['playbook_action']}"]
        assert (done["value"], done["count"]) == (1.0, 1), "the step that was done counts with its play's outcome"
        assert "{" not in done["label"]
        rows = place.table(review_id, "saves_and_losses.csv")
        assert [row["learnt"] for row in rows if row["account_id"] == account] == [LESSON]
    page = place.pages("2026-W49")["review.html"].decode()
    assert LESSON in page
    assert done["label"] in unescape(page)
    assert "Thank you" in page, "saves are celebrated by name"
