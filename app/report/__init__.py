"""The pages and files of one review, made from the review document and nothing else: no clock, no chance, no I/O."""

from dataclasses import replace

from pydantic import TypeAdapter

from app.report import rendering
from app.report.calendar_files import calendar_file
from app.report.csv_files import (
    actions_csv,
    commitments_csv,
    crm_csv,
    list_csv,
    renewal_accounts_csv,
    renewals_csv,
    saves_csv,
)
from app.report.my_week import week_of
from app.report.view import ReviewView
from domain.review import Review

_REVIEW = TypeAdapter(Review)


def render_files(review: Review) -> dict[str, bytes]:
    """Every file of the review by its relative path, sorted; the same review gives the same bytes."""
    view = ReviewView(review)
    files = _review_files(view) | _renewal_files(view) | _manager_files(view) | _account_pages(view)
    files |= _play_files(view) | _person_files(view)
    return dict(sorted(files.items()))


def _review_files(view: ReviewView) -> dict[str, bytes]:
    return {
        "review.json": review_json(view.review),
        "review.html": rendering.render_html("review.html", view),
        "review.md": rendering.render_markdown("review.md", view),
        "agenda.md": rendering.render_markdown("agenda.md", view, items=view.review.agenda, title="Agenda"),
        "next_agenda.md": rendering.render_markdown(
            "agenda.md", view, items=view.review.next_agenda, title="Next agenda"
        ),
        "standup.md": rendering.render_markdown("standup.md", view),
        "actions.csv": actions_csv(view.review),
        "commitments.csv": commitments_csv(view.review),
        "crm_updates.csv": crm_csv(view.review),
        "saves_and_losses.csv": saves_csv(view.review),
        "list.csv": list_csv(view.review.listed),
    }


def _renewal_files(view: ReviewView) -> dict[str, bytes]:
    """None for a review of an older version, which has no renewal view."""
    found = view.review.renewals
    if found is None:
        return {}
    return {
        "renewals.html": rendering.render_html("renewals.html", view),
        "renewals.csv": renewals_csv(found),
        "renewal_accounts.csv": renewal_accounts_csv(found),
    }


def _manager_files(view: ReviewView) -> dict[str, bytes]:
    return {
        "managers/capacity.md": rendering.render_markdown("capacity.md", view),
        "managers/capacity.html": rendering.render_html("capacity.html", replace(view, root="../")),
    }


def _account_pages(view: ReviewView) -> dict[str, bytes]:
    within = replace(view, root="../")
    return {
        f"accounts/{view.stem(account_id)}.html": rendering.render_html(
            "account.html", within, account_id=account_id, play=view.plays.get(account_id)
        )
        for account_id in view.account_pages
    }


def _play_files(view: ReviewView) -> dict[str, bytes]:
    return {
        f"plays/{view.stem(play.account_id)}.md": rendering.render_markdown("play.md", view, play=play)
        for play in view.ranked_plays
    }


def _person_files(view: ReviewView) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for person in view.people:
        files[f"actions/{person.stem}.md"] = rendering.render_markdown(
            "actions.md", view, person=person, week=week_of(view, person, view.review.as_of)
        )
        if holds := view.touchpoints_of(person):  # a calendar without an event is not one that RFC 5545 allows
            files[f"calendar/{person.stem}.ics"] = calendar_file(holds, person.name, view.review.as_of)
        if prework := view.prework_of(person):
            files[f"prework/{person.stem}.md"] = rendering.render_markdown(
                "prework.md", view, person=person, prework=prework
            )
    return files


def review_json(review: Review) -> bytes:
    """The document itself, fields in the order of the model."""
    return b"%b\n" % _REVIEW.dump_json(review, indent=2)
