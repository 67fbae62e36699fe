"""Numbers at the desk, compared with the review: the table of all accounts, and the effect of other weights."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.desk import what_if
from app.desk.loaded_review import LoadedReview, ReviewCache
from app.desk.score_table import PAGE_SIZE, PRIORITIES, SORTS, ScoreCache, ScoreTable, TableQuery
from app.wiring import ReviewRequest, load_scored_base, open_store
from domain.errors import InputError, UnknownReference
from tests.e2e.commands import ROOT
from tests.e2e.shared_stores import SECOND_DAY, W48, StoreFolder
from tools.configuration import read_configuration


@pytest.fixture(scope="module")
def opened(
    both_weeks: StoreFolder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LoadedReview, ScoreTable]]:
    """The second week of the whole sample portfolio, read like the desk reads it."""
    place = both_weeks.copy_to(tmp_path_factory.mktemp("numbers") / "world")
    library = ReviewCache()
    with open_store(str(place.store)) as work:
        book = library.load_review(work, W48)
        assert book is not None
        yield book, ScoreCache().scores(work, book)


def ids(scores: ScoreTable, **wanted: str) -> list[str]:
    """Account ids of a view, over all of its pages."""
    first = scores.page(TableQuery.of(wanted))
    pages = [scores.page(TableQuery.of({**wanted, "page": str(number)})) for number in range(1, first.pages + 1)]
    return [row["account_id"] for page in pages for row in page.rows]


def test_the_table_shows_who_is_at_risk_and_what_it_comes_to(opened: tuple[LoadedReview, ScoreTable]) -> None:
    book, scores = opened
    page = scores.page(TableQuery())
    portfolio = book.review.portfolio
    assert page.accounts == portfolio.at_risk_accounts
    assert page.arr == pytest.approx(portfolio.arr_at_risk)
    heaviest = max(book.review.at_risk, key=lambda line: line.risk_score * line.arr)
    assert page.rows[0]["account_id"] == heaviest.account_id
    assert (page.rows[0]["risk"], page.rows[0]["health"]) == (heaviest.risk_score, heaviest.health)


def test_every_account_stands_on_exactly_one_page(opened: tuple[LoadedReview, ScoreTable]) -> None:
    book, scores = opened
    every = ids(scores, show="all")
    assert len(every) == len(set(every)) == book.review.portfolio.accounts
    assert scores.page(TableQuery.of({"show": "all"})).pages == -(-len(every) // PAGE_SIZE)
    assert len(scores.page(TableQuery.of({"show": "all", "page": "999"})).rows) == len(every) % PAGE_SIZE or PAGE_SIZE


@pytest.mark.parametrize("sort", SORTS)
def test_turning_the_order_round_shows_the_same_accounts_from_the_other_end(
    opened: tuple[LoadedReview, ScoreTable], sort: str
) -> None:
    _, scores = opened
    there, back = ids(scores, show="all", sort=sort), ids(scores, show="all", sort=sort, turned="1")
    assert sorted(there) == sorted(back)
    assert there != back


def test_filters_add_up_to_the_whole(opened: tuple[LoadedReview, ScoreTable]) -> None:
    book, scores = opened
    every = set(ids(scores, show="all"))
    by_csm = [set(ids(scores, show="all", csm=csm)) for csm, _ in scores.choices["csm"]]
    by_csm.append(set(ids(scores, show="all", csm="nobody")))
    assert set.union(*by_csm) == every
    assert sum(map(len, by_csm)) == len(every)
    for count in book.review.plan_counts:
        if count.name in PRIORITIES:
            assert len(ids(scores, priority=count.name)) == count.accounts


def test_what_changed_since_last_week_is_what_the_review_says(opened: tuple[LoadedReview, ScoreTable]) -> None:
    book, scores = opened
    for change in ("new", "worsened", "improved", "resolved"):
        said = {each.account_id for each in book.review.portfolio.movements if each.change == change}
        assert set(ids(scores, show="all", change=change)) == said


@pytest.mark.parametrize("search", ["%", "_", "'", '"; drop table shown; --', "\\", "<script>"])
def test_a_search_is_text_and_never_a_pattern(opened: tuple[LoadedReview, ScoreTable], search: str) -> None:
    _, scores = opened
    names = {
        row["account_id"]: row["name"] for row in scores.page(TableQuery.of({"show": "all", "search": search})).rows
    }
    assert all(search.lower() in name.lower() for name in names.values())


@pytest.mark.parametrize(
    "query",
    [{"page": "-1"}, {"page": "x"}, {"sort": "1; drop"}, {"priority": "worst"}, {"show": "none"}, {"page": "9" * 40}],
)
def test_an_address_with_an_unknown_filter_is_refused_by_its_name(query: dict[str, str]) -> None:
    [(name, value)] = query.items()
    with pytest.raises(InputError, match=f"^{name} '{value}' is "):
        TableQuery.of(query)


@pytest.mark.parametrize("query", [{"csm": "P-none"}, {"segment": "Nobody's"}])
def test_a_filter_for_somebody_whom_the_week_does_not_know_is_refused(
    opened: tuple[LoadedReview, ScoreTable], query: dict[str, str]
) -> None:
    _, scores = opened
    with pytest.raises(InputError, match="is unknown; use "):
        scores.check(TableQuery.of(query))


def test_an_empty_filter_is_none(opened: tuple[LoadedReview, ScoreTable]) -> None:
    _, scores = opened
    empty = dict.fromkeys(("show", "priority", "csm", "segment", "change", "search", "sort", "page"), "")
    assert scores.check(TableQuery.of(empty)) == TableQuery()


def test_the_weeks_of_an_account_are_those_that_the_command_line_tells(opened: tuple[LoadedReview, ScoreTable]) -> None:
    book, scores = opened
    line = book.review.at_risk[0]
    weeks = scores.weeks(line.account_id)
    assert [week["as_of"] for week in weeks] == [on for on, _ in line.health_history][-len(weeks) :]
    assert weeks[-1]["health"] == line.health
    assert scores.weeks("nobody") == []


# what if -------------------------------------------------------------------------------------------------------------


def test_numbers_that_are_as_they_are_change_nothing(opened: tuple[LoadedReview, ScoreTable]) -> None:
    book, scores = opened
    same = {knob.name: f"{knob.current:g}" for knob in what_if.adjustable_numbers(book.configuration)}
    asked = what_if.WhatIfChanges.of(same, book.configuration)
    assert (asked.values, asked.problem) == ({}, "")
    assert what_if.compute_effect(scores, book.configuration, book.review.as_of, asked) is None


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"at_risk_above": "high"}, "'high' is not a number"),
        ({"at_risk_above": "101"}, "between 0 and 100"),
        ({"at_risk_above": "nan"}, "between 0 and 100"),
        ({"weight.enterprise.usage": "50"}, "100"),
        ({"tier.high": "90"}, ""),
    ],
)
def test_numbers_that_do_not_fit_together_are_told(
    opened: tuple[LoadedReview, ScoreTable], given: dict[str, str], says: str
) -> None:
    book, _ = opened
    asked = what_if.WhatIfChanges.of(given, book.configuration)
    assert asked.problem
    assert says in asked.problem
    assert asked.values == {}


def test_what_the_page_foretells_is_what_a_review_with_the_downloaded_file_finds(
    opened: tuple[LoadedReview, ScoreTable], both_weeks: StoreFolder, tmp_path: Path
) -> None:
    book, scores = opened
    given = {
        "weight.enterprise.usage": "40", "weight.enterprise.relationship": "15", "tier.high": "62", "at_risk_above": "55",
        "cluster_step": "0.2",
    }  # fmt: skip
    asked = what_if.WhatIfChanges.of(given, book.configuration)
    foretold = what_if.compute_effect(scores, book.configuration, book.review.as_of, asked)
    assert foretold is not None
    assert foretold.moved_accounts
    configs = tmp_path / "configs"
    shutil.copytree(ROOT / "configs", configs)
    place = both_weeks.copy_to(tmp_path / "world")
    with open_store(str(place.store)) as work:
        file = what_if.scoring_file(asked, work.review_files(W48), W48)
        (configs / "scoring.yaml").write_text(file, encoding="utf-8")
        request = ReviewRequest(book.request.data, book.review.as_of, "", str(configs))
        base = load_scored_base(request, read_configuration(configs), work.history())
        found = {row["account_id"]: row for row in base.rows("select account_id, risk_tier, at_risk, risk from scored")}
        base.close()
    assert str(book.review.as_of) == SECOND_DAY
    assert sum(row["at_risk"] for row in found.values()) == foretold.at_risk_after
    for row in foretold.moved_accounts:
        after = found[row["account_id"]]
        assert (after["risk_tier"], after["at_risk"]) == (row["tier_after"], row["at_risk_after"])
        assert after["risk"] == pytest.approx(row["risk_after"])


def test_scores_that_are_no_longer_kept_are_told(both_weeks: StoreFolder, tmp_path: Path) -> None:
    place = both_weeks.copy_to(tmp_path / "world")
    (place.store / "history" / f"{W48}.parquet").unlink()
    library = ReviewCache()
    with open_store(str(place.store)) as work:
        book = library.load_review(work, W48)
        assert book is not None
        with pytest.raises(UnknownReference, match="are no longer kept; run the review again"):
            ScoreCache().scores(work, book)
