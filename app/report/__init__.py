"""The pages and files of one review, made from the review document and nothing else: no clock, no chance, no I/O."""

from pydantic import TypeAdapter

from app.report import pages
from app.report.holds import calendar
from app.report.tabular import actions_csv, crm_csv
from app.report.view import ReviewView
from domain.review import Review

_REVIEW = TypeAdapter(Review)


def render_pack(review: Review) -> dict[str, bytes]:
    """Every file of the review by its relative path, sorted; the same review gives the same bytes."""
    view = ReviewView(review)
    pack = _whole(view) | _for_managers(view) | _by_play(view) | _by_person(view)
    return dict(sorted(pack.items()))


def _whole(view: ReviewView) -> dict[str, bytes]:
    return {
        "review.json": review_json(view.review),
        "review.html": pages.html("review.html", view),
        "review.md": pages.text("review.md", view),
        "agenda.md": pages.text("agenda.md", view, items=view.review.agenda, title="Agenda"),
        "next_agenda.md": pages.text("agenda.md", view, items=view.review.next_agenda, title="Next agenda"),
        "standup.md": pages.text("standup.md", view),
        "actions.csv": actions_csv(view.review),
        "crm_updates.csv": crm_csv(view.review),
    }


def _for_managers(view: ReviewView) -> dict[str, bytes]:
    return {
        "managers/capacity.md": pages.text("capacity.md", view),
        "managers/capacity.html": pages.html("capacity.html", view),
    }


def _by_play(view: ReviewView) -> dict[str, bytes]:
    return {f"plays/{view.stem(play.account_id)}.md": pages.text("play.md", view, play=play) for play in view.dives}


def _by_person(view: ReviewView) -> dict[str, bytes]:
    pack: dict[str, bytes] = {}
    for person in view.people:
        pack[f"actions/{person.stem}.md"] = pages.text("actions.md", view, person=person)
        if holds := view.holds_of(person):  # a calendar without an event is not one that RFC 5545 allows
            pack[f"calendar/{person.stem}.ics"] = calendar(holds, person.name, view.review.as_of)
        if prework := view.prework_of(person):
            pack[f"prework/{person.stem}.md"] = pages.text("prework.md", view, person=person, prework=prework)
    return pack


def review_json(review: Review) -> bytes:
    """The document itself, fields in the order of the model."""
    return b"%b\n" % _REVIEW.dump_json(review, indent=2)
