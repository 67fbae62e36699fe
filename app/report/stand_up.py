"""The files of the stand-up of one day: a page, Markdown and JSON. Pure."""

from app.report import rendering
from app.report.stand_up_text import StandUpTasks
from app.report.view import ReviewView
from domain.review import Review
from domain.stand_up import StandUp


def render_day(review: Review, found: StandUp, tasks: StandUpTasks) -> dict[str, bytes]:
    """The files of the day: a page, Markdown and JSON. Links lead into the folder of the review."""
    view = ReviewView(review, root=f"../../{review.review_id}/")
    given = {"day": found, "tasks": tasks}
    return {
        "stand-up.html": rendering.render_html("stand_up.html", view, **given),
        "stand-up.md": rendering.render_markdown("stand_up.md", view, **given),
        "stand-up.json": f"{found.model_dump_json(indent=2, exclude={'pictures'})}\n".encode(),
    }
