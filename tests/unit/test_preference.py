"""Preference between two ways to draft, from labels of people who do not know which is which."""

import random
from pathlib import Path

import pytest

from domain.errors import ConfigurationError
from evals.labels import blind_page, read_labels, write_labels
from evals.preference import Choice, Label, PlayPair, Side, order_pairs, preference, side_of, sign_test

SEED = 7


def pair(number: int) -> PlayPair:
    return PlayPair(
        account=f"TF-{number}",
        name=f"Customer {number}",
        situation="Value gap.",
        a=f"call {number}",
        b=f"write {number}",
    )


PAIRS = order_pairs([pair(number) for number in range(20)], SEED, 20)


def chosen(each: PlayPair, side: Side, by: str = "ada", seed: int = SEED) -> Label:
    """A label for this side, as the person saw it: left or right."""
    choice: Choice = "same" if side == "same" else "left" if (side == "A") == each.left_is_a(seed) else "right"
    return Label(by=by, account=each.account, pair=each.key, seed=seed, choice=choice)


def simulated(by: str, for_b: float, chance: int) -> list[Label]:
    """Labels of somebody who finds B better with this probability."""
    dice = random.Random(f"{by} {chance}")
    return [chosen(each, "B" if dice.random() < for_b else "A", by) for each in PAIRS]


def test_twenty_judgements_show_a_rule_that_people_clearly_prefer() -> None:
    found = [preference(PAIRS, simulated("ada", 0.9, chance)) for chance in range(40)]
    assert sum(each.is_sure and each.share_b.value > 0.5 for each in found) >= 36
    assert all(each.labelled == 20 for each in found)
    assert {each.needed for each in found} == {15}


def test_twenty_judgements_about_equal_plays_seldom_show_a_difference() -> None:
    found = [preference(PAIRS, simulated("ada", 0.5, chance)) for chance in range(200)]
    assert sum(each.is_sure for each in found) <= 14
    assert sum(each.share_b.low <= 0.5 <= each.share_b.high for each in found) >= 180


@pytest.mark.parametrize(
    ("one", "other", "p"), [(0, 0, 1), (5, 5, 1), (0, 5, 0.0625), (0, 6, 0.03125), (5, 15, 0.0414)]
)
def test_the_sign_test_is_exact_and_two_sided(one: int, other: int, p: float) -> None:
    assert sign_test(one, other) == pytest.approx(p, abs=1e-4)
    assert sign_test(one, other) == sign_test(other, one)


def test_compared_the_other_way_round_the_same_labels_give_the_mirrored_result() -> None:
    turned = [each.model_copy(update={"a": each.b, "b": each.a}) for each in PAIRS]
    labels = simulated("ada", 0.8, 3)
    ahead, back = preference(PAIRS, labels), preference(turned, labels)
    assert (ahead.preferred["A"], ahead.preferred["B"]) == (back.preferred["B"], back.preferred["A"])
    assert ahead.preferred["B"] > 10


def test_the_places_are_shuffled_by_the_seed_and_say_nothing_about_the_side() -> None:
    many = [pair(number) for number in range(400)]
    left = [each.left_is_a(SEED) for each in many]
    assert 160 < sum(left) < 240
    assert left == [each.left_is_a(SEED) for each in many]
    assert left != [each.left_is_a(SEED + 1) for each in many]
    assert [each.key for each in PAIRS] != [each.key for each in order_pairs(PAIRS, SEED + 1, 20)]


def test_somebody_who_always_takes_the_left_is_seen_and_decides_nothing() -> None:
    labels = [Label(by="ada", account=each.account, pair=each.key, seed=SEED, choice="left") for each in PAIRS]
    found = preference(PAIRS, labels)
    assert found.left.value == 1
    assert not found.is_sure


def test_labels_made_with_different_seeds_count_for_the_side_that_was_seen() -> None:
    labels = [chosen(each, "B", by, seed) for each in PAIRS for by, seed in (("ada", 1), ("bo", 2))]
    found = preference(PAIRS, labels)
    assert found.preferred == {"A": 0, "B": 20, "same": 0}
    assert found.agreement is not None
    assert found.agreement.value == 1


def test_a_pair_counts_once_however_many_people_labelled_it() -> None:
    first, second, third = PAIRS[:3]
    labels = [
        *(chosen(first, "A", by) for by in ("ada", "bo", "cy")),
        chosen(second, "A", "ada"), chosen(second, "B", "bo"),
        chosen(third, "same", "ada"),
    ]  # fmt: skip
    found = preference(PAIRS, labels)
    assert found.preferred == {"A": 1, "B": 0, "same": 2}
    assert (found.labelled, found.share_b.n, found.people) == (3, 1, ("ada", "bo", "cy"))
    assert found.agreement is not None
    assert (found.agreement.value, found.agreement.n) == (0.75, 4)


def test_agreement_beyond_chance_is_near_zero_for_people_who_guess_and_one_for_people_who_agree() -> None:
    guess = [label for by in ("ada", "bo", "cy", "di") for label in simulated(by, 0.5, 1)]
    agree = [chosen(each, "A" if number % 2 else "B", by) for by in ("ada", "bo") for number, each in enumerate(PAIRS)]
    assert abs(preference(PAIRS, guess).kappa or 0) < 0.2
    assert preference(PAIRS, agree).kappa == 1


def test_a_person_who_chooses_again_replaces_the_first_choice() -> None:
    labels = [chosen(PAIRS[0], "A"), chosen(PAIRS[0], "B")]
    assert preference(PAIRS, labels).preferred["B"] == 1


def test_a_model_never_votes_and_its_agreement_with_people_is_reported() -> None:
    people = [chosen(each, "B") for each in PAIRS[:10]]
    model = [chosen(each, "B" if number < 7 else "A", "model:small") for number, each in enumerate(PAIRS)]
    found = preference(PAIRS, [*people, *model])
    assert found.preferred == {"A": 0, "B": 10, "same": 0}
    assert found.people == ("ada",)
    assert found.judge is not None
    assert (found.judge.value, found.judge.n) == (0.7, 10)
    assert preference(PAIRS, people).judge is None


def test_labels_about_other_plays_are_counted_and_left_out() -> None:
    found = preference(PAIRS, [chosen(pair(99), "B"), chosen(PAIRS[0], "B")])
    assert (found.labelled, found.outdated) == (1, 1)


def test_plays_that_are_equal_are_not_shown() -> None:
    same = pair(1).model_copy(update={"b": "call 1"})
    assert order_pairs([same, pair(2)], SEED, 20) == (pair(2),)
    found = preference((), ())
    assert (found.pairs, found.p_value, found.needed, found.kappa) == (0, 1, None, None)


def test_labels_are_kept_in_a_file_and_read_back(tmp_path: Path) -> None:
    labels = tuple(simulated("Zoë", 0.5, 1))
    write_labels(tmp_path / "new" / "labels.json", labels)
    assert read_labels([tmp_path / "new" / "labels.json"]) == labels
    assert [side_of(label, each) for label, each in zip(labels, PAIRS, strict=True)].count("same") == 0


@pytest.mark.parametrize("content", ["", "[]", '{"labels": [{"by": "ada"}]}', "\xff"])
def test_a_file_that_holds_no_labels_is_refused_by_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"labels\.json"):
        read_labels([path])


def test_the_page_names_no_side_runs_nothing_of_a_customer_and_repeats_byte_for_byte() -> None:
    hostile = PlayPair(account="TF-1", name="<script>alert(1)</script>", situation="“</p>”", a="  <b>a</b>", b="  b")
    page = blind_page([hostile], SEED)
    assert page == blind_page([hostile], SEED)
    assert page == blind_page([hostile.model_copy(update={"a": hostile.b, "b": hostile.a})], SEED)
    assert "<script>alert" not in page
    assert "<b>a</b>" not in page
    assert "http" not in page.replace("http-equiv", "")
