"""Faulty configurations: refused before anything is computed, with the file and the key."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.configuration import Configuration
from domain.errors import ConfigurationError
from domain.score_configuration import ConfigurationFiles
from tests.builders import SHIPPED
from tools.configuration import (
    DEFAULT_FOLDER,
    files_of_an_older_form,
    parse_kept_configuration,
    read_configuration,
    read_configuration_files,
    read_score_configuration,
)
from tools.working_days import WorkingDays


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "configs"))


def edited(folder: Path, file: str, old: str, new: str) -> str:
    """The error message after one edit."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(folder)
    assert str(folder) not in str(caught.value)
    return str(caught.value)


EDITS = [
    ("scoring.yaml", "at_risk_above: {value: ", "at_risk_above: {value: about ", "at_risk_above"),
    ("scoring.yaml", "risk_scale: {", "risk_skale: {", "risk_s"),
    ("scoring.yaml", "mid_market: {usage: 30", "mid_market: {usage: 31", "category_weights"),
    ("scoring.yaml", "starts_at: 60", "starts_at: 90", "bands"),
    ("scoring.yaml", "points: [[-50, 0],", "points: [[-50, 99],", "points"),
    ("scoring.yaml", "points: [[-50, 0],", "points: [[90, 0],", "points"),
    ("scoring.yaml", "risk: 34, window_days: 90,", "risk: 34,", "window_days"),
    ("scoring.yaml", "risk: 14, window_days: 90,", "risk: 14, window_days: 400,", "lookback_days"),
    ("scoring.yaml", "risk: 32,\n", "risk: 32, window_days: 9,\n", "does nothing"),
    ("scoring.yaml", "USD: 0.86", "USD: -1", "rates"),
    ("tiers.yaml", "{signal: escalations,", "{signal: escalatoins,", "escalatoins"),
    ("tiers.yaml", "at_risk_when: [{signal: renewal_in_days", "at_risk_when: [{signal: renewal_days", "renewal_days"),
    ("tiers.yaml", "at_least: 1}]", "at_least: 1, below: 3}]", "when"),
    ("tiers.yaml", "  watch: {days: 90", "  watched: {days: 90", "due"),
    ("causes.yaml", "{signal: feature_gap, points: 45", "{signal: feature_gaps, points: 45", "feature_gaps"),
    ("causes.yaml", "  product_fit:\n", "  produkt_fit:\n", "causes"),
    ("phrases.yaml", "tables: [notes, surveys]", "tables: [notes, emails]", "tables"),
    ("phrases.yaml", "- '{competitor}'", "- '({competitor}'", "competitor_named"),
    ("tiers.yaml", "{invoice_overdue} days", "{invoice_overdu} days", "invoice_overdu}"),
    ("review.yaml", "{days_silent_span}", "{days_silent", "workflow: silence"),
    ("review.yaml", "minutes: 45", "minutes: soon", "profiles"),
    ("review.yaml", "signal: days_silent, at_least: 14", "signal: silent_days, at_least: 14", "silent_days"),
    ("review.yaml", "opportunity: {seat_utilisation: 40", "opportunity: {seats: 40", "seats"),
    ("review.yaml", "  support: What exactly", "  helpdesk: What exactly", "questions"),
    ("review.yaml", "enterprise: 1.0, mid_market: 0.5,", "enterprise: 1.0,", "hours_per_account"),
    ("review.yaml", "  hard: {saved: 1.25, lost: 3.75}\n", "", "save_priors"),
    ("review.yaml", "weeks: [2, 4], days: [7, 27]", "weeks: [2, 4], days: [7, 28]", "play_phases.address"),
    ("review.yaml", "  rebuild: {label: Rebuild", "  rebuilt: {label: Rebuild", "play_phases"),
    ("review.yaml", "customer_call: 30, ", "", "holds"),
    ("review.yaml", ", interval_days: 14", "", "interval_days"),
    ("playbooks/value_gap.yaml", "cause: value_gap", "cause: value_gape", "cause"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "key"), EDITS, ids=[f"{edit[0]}: {edit[3]}" for edit in EDITS])
def test_a_wrong_setting_is_refused_by_file_and_key(folder: Path, file: str, old: str, new: str, key: str) -> None:
    message = edited(folder, file, old, new)
    assert file in message
    assert key in message
    assert "\n" not in message


def test_a_signal_that_nothing_measures_is_refused(folder: Path) -> None:
    path = folder / "scoring.yaml"
    text = path.read_text(encoding="utf-8")
    goals = text[text.index("  goals_behind:") :]
    path.write_text(text + goals.replace("goals_behind", "goals_dreamt"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"scoring\.yaml.*goals_dreamt"):
        read_configuration(folder)


@pytest.mark.parametrize("file", ["scoring.yaml", "tiers.yaml", "playbooks/diagnosis.yaml"])
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(ConfigurationError, match=re.escape(file.rpartition("/")[2])):
        read_configuration(folder)


def test_a_file_that_is_not_yaml_is_named(folder: Path) -> None:
    (folder / "review.yaml").write_text("profiles: [", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"review\.yaml line 2 is not valid YAML"):
        read_configuration(folder)


def test_a_score_needs_three_files_and_finds_in_them_what_a_review_finds(folder: Path) -> None:
    whole = read_configuration(folder)
    for path in [*folder.glob("playbooks/*.yaml"), *(folder / f"{name}.yaml" for name in ("causes", "review", "ask"))]:
        path.write_text("not: [what it should be", encoding="utf-8")
    scores = read_score_configuration(folder)
    assert (scores.scoring, scores.tiers, scores.wording) == (whole.scoring, whole.tiers, whole.wording)
    assert scores.scoring_hash == whole.scoring_hash
    with pytest.raises(ConfigurationError, match="line 2 is not valid YAML"):
        read_configuration(folder)
    tiers = folder / "tiers.yaml"
    tiers.write_text(tiers.read_text("utf-8").replace("signal: escalations", "signal: shouting", 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"tiers\.yaml line 6: .*unknown signal 'shouting'"):
        read_score_configuration(folder)


def test_every_change_of_a_score_changes_the_hash_of_the_scores_and_a_meeting_time_does_not(folder: Path) -> None:
    before = read_configuration(folder)
    review = folder / "review.yaml"
    review.write_text(review.read_text(encoding="utf-8").replace('"09:30"', '"10:30"'), encoding="utf-8")
    later = read_configuration(folder)
    assert (later.scoring_hash, later.hash != before.hash) == (before.scoring_hash, True)
    for file in ("scoring.yaml", "tiers.yaml", "phrases.yaml"):
        with (folder / file).open("a", encoding="utf-8") as handle:
            handle.write("# another wording\n")
        changed = read_configuration(folder)
        assert changed.scoring_hash != later.scoring_hash
        later = changed


def test_a_country_without_known_holidays_is_refused_by_key() -> None:
    nowhere = SHIPPED.review.model_copy(update={"holiday_country": "XX"})
    with pytest.raises(ConfigurationError, match=r"review\.yaml: holiday_country"):
        WorkingDays(nowhere)


@pytest.mark.parametrize("phrase", [r"leave (?!a note)", r"(?<=not )stay", r"(\w+) \1"])
def test_a_phrase_that_the_engine_cannot_read_is_refused_with_what_to_do(folder: Path, phrase: str) -> None:
    phrases = folder / "phrases.yaml"
    text = phrases.read_text(encoding="utf-8")
    phrases.write_text(text.replace("    phrases:\n", f"    phrases:\n      - '{phrase}'\n", 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"phrases\.yaml.*goes into unless"):
        read_configuration(folder)


STATED = [
    ("tiers.yaml", "signal: invoice_overdue, above: 60}]", "signal: invoice_overdue, above: 45}]",
     lambda c: c.tiers.rules[2].says, "an invoice is more than 45 days overdue"),
    ("tiers.yaml", "ticket_spike, at_least: 2", "ticket_spike, at_least: 3",
     lambda c: c.tiers.rules[5].says, "support tickets at 3 times the usual month or more"),
    ("scoring.yaml", "risk: 34, window_days: 90", "risk: 34, window_days: 30",
     lambda c: c.tiers.rules[0].says, "a ticket was escalated in the last 30 days"),
    ("scoring.yaml", "degradation_points: {value: 10", "degradation_points: {value: 7.5",
     lambda c: c.review.workflow[2].state, "Health fell by more than 7.5 points or into red"),
    ("review.yaml", "days_silent, at_least: 14", "days_silent, at_least: 9",
     lambda c: c.review.workflow[7].state, "Measured silence of 9 days or more"),
    ("tiers.yaml", "critical: {days: 2", "critical: {days: 3",
     lambda c: c.review.workflow[0].task, "Primary action within 72 hours"),
    ("review.yaml", "above_accounts: 501", "above_accounts: 801",
     lambda c: c.review.profiles[1].note, "100 to 800 accounts: weekly, the top 20 in the meeting"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "text", "says"), STATED, ids=[each[4] for each in STATED])
def test_a_changed_number_is_said(
    folder: Path, file: str, old: str, new: str, text: Callable[[Configuration], str], says: str
) -> None:
    path = folder / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert text(read_configuration(folder)) == says


def test_the_shipped_texts_have_no_placeholder_left() -> None:
    texts = [rule.says for rule in SHIPPED.tiers.rules] + [due.says for due in SHIPPED.tiers.due.values()]
    texts += [text for rule in SHIPPED.review.workflow for text in (rule.state, rule.task)]
    texts += [profile.note for profile in SHIPPED.review.profiles]
    texts += [text for s in SHIPPED.scoring.signals.values() for text in (s.label, s.says.worse.replace("{value}", ""))]
    assert [text for text in texts if "{" in text] == []


def test_a_review_begun_under_an_older_version_is_read_with_the_shipped_file_of_the_new_form() -> None:
    kept = dict(read_configuration_files().files)
    kept["causes.yaml"] = re.sub(r"^candidate_points:.*\n", "", kept["causes.yaml"], flags=re.MULTILINE)
    kept["review.yaml"] = kept["review.yaml"].replace("time_zone: Europe/Berlin", "time_zone: Europe/Lisbon")
    older = ConfigurationFiles(files=kept)
    assert files_of_an_older_form(older) == ["causes.yaml"]
    found = parse_kept_configuration(older)
    assert found.causes == read_configuration().causes
    assert found.review.time_zone == "Europe/Lisbon", "what can be read stays as the review began with it"


def test_a_kept_file_that_is_wrong_and_not_old_is_still_refused() -> None:
    kept = dict(read_configuration_files().files)
    kept["causes.yaml"] = kept["causes.yaml"].replace("signal: escalations", "signal: escalation")
    with pytest.raises(ConfigurationError, match="escalation"):
        parse_kept_configuration(ConfigurationFiles(files=kept))
