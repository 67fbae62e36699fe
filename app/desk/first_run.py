"""The first page of an empty store: it leads a newcomer from the sample or their own data to the first review.

Each step is one button and names the command that does the same. It reads data and starts the first review; once there
is a review, it is gone.
"""

import shlex
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from app.desk.loaded_review import latest_review_id
from app.desk.request_context import RequestContext, read_form, require_role
from app.parsing import parse_review_date
from app.service import check_data
from app.wiring import ReviewRequest, absolute_location
from domain.errors import BusyError, InputError, SaveplayError, StaleDecision
from domain.portfolio import DataReport
from tools.places import reason_of
from tools.wording import review_id_of

router = APIRouter(include_in_schema=False)
Form = Annotated[dict[str, list[str]], Depends(read_form)]
Leader = Annotated[RequestContext, Depends(require_role("leader", "starting the first review"), scope="function")]

SAMPLE = "saveplay-sample"
"""Folder of the sample, where the desk was started."""
SAMPLE_DAY = date(2026, 11, 23)
"""Monday after the last day of the sample."""
OUT = "reviews"
"""Folder of the reviews, where the desk was started; that of the command line."""
WEEKS = 4
"""Past weeks that are filled in, where nothing else is said: as many as a trend needs."""
_MOST_WEEKS = 104
_LONGEST = 4_000
_SHOWN = 120


@dataclass(frozen=True)
class FirstData:
    """The data that a newcomer names: where they are, the day of the review, and past weeks to fill in."""

    data: str
    as_of: str
    weeks: int = WEEKS

    @property
    def check_command(self) -> str:
        """The command that checks the data."""
        return f"saveplay check --data {shlex.quote(self.data)} --as-of {shlex.quote(self.as_of)}"

    @property
    def review_command(self) -> str:
        """The command that starts the review."""
        weeks = f" --backfill {self.weeks}" if self.weeks else ""
        return f"saveplay review --data {shlex.quote(self.data)} --as-of {shlex.quote(self.as_of)}{weeks}"

    def request(self, today: date, configs: str | None) -> ReviewRequest:
        """The request of the review. Raises InputError for what no review can begin with."""
        if not self.data:
            raise InputError("Say where the data are: a folder, or the address of a database")
        if len(self.data) > _LONGEST or not self.data.isprintable():
            raise InputError("This is no folder and no address of a database.")
        day = parse_review_date(self.as_of, today)
        return ReviewRequest(absolute_location(self.data), day, str(Path(OUT).resolve()), configs)


def show_first_run(
    context: RequestContext,
    given: FirstData | None = None,
    report: DataReport | None = None,
    fault: str = "",
) -> Response:
    """The page; with ``given`` what was named, with ``report`` what the check says about it, or with a ``fault``."""
    today = context.desk.today("UTC")
    return context.show(
        "first_run.html",
        422 if fault else 200,
        given=given or FirstData("", today.isoformat()),
        data=report,
        fault=fault,
        sample=SAMPLE,
        sample_day=SAMPLE_DAY,
        most_weeks=_MOST_WEEKS,
    )


@router.post("/first-run/sample")
def load_sample(context: Leader, form: Form) -> Response:
    """Write the sample portfolio where the desk was started, and show what the check says about it."""
    _check_empty(context)
    given = FirstData(f"{SAMPLE}/portfolio", SAMPLE_DAY.isoformat())
    folder = Path(SAMPLE)
    try:
        _write_sample(folder)
    except OSError as error:
        fault = f"cannot write the sample into {folder.resolve()}: {reason_of(error, 'folder to start the desk in')}"
        return show_first_run(context, None, None, fault)
    except InputError as error:
        return show_first_run(context, None, None, str(error))
    return _show_check(context, given)


@router.post("/first-run/check")
def check_first_data(context: Leader, form: Form) -> Response:
    """Answer of ``saveplay check`` about the data that were named."""
    _check_empty(context)
    return _show_check(context, _given(form))


@router.post("/first-run/start")
def start_first_review(context: Leader, form: Form) -> Response:
    """Start the first review in the background."""
    _check_empty(context)
    given = _given(form)
    try:
        request = given.request(context.desk.today("UTC"), context.desk.configs)
        if not 0 <= given.weeks <= _MOST_WEEKS:
            raise InputError(f"past weeks to fill in are 0 to {_MOST_WEEKS}")
    except SaveplayError as error:
        return show_first_run(context, given, None, error.public_message)
    review_id = review_id_of(request.as_of)
    context.desk.runner.start_week(review_id, request, context.member.name, weeks=given.weeks)
    return context.back(f"/r/{review_id}/week")


def _shown(data: str) -> str:
    """The data as a message names them."""
    return data if len(data) <= _SHOWN else data[:_SHOWN] + "…"


def _write_sample(folder: Path) -> None:
    """Write the sample; one that is there is kept. Raises InputError where something else is there."""
    if (folder / "portfolio" / "usage.csv").exists() and (folder / "truth" / "exports.csv").exists():
        return  # written last, so that the sample is whole
    if folder.exists() and not (folder / "portfolio").is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder} is there already and holds something else; move it, then load the sample")
    from evals.sample import write_sample

    write_sample(folder)


def _given(form: dict[str, list[str]]) -> FirstData:
    text = {name: form.get(name, [""])[0].strip() for name in ("data", "as_of", "weeks")}
    weeks = text["weeks"] or str(WEEKS)
    return FirstData(text["data"], text["as_of"], int(weeks) if weeks.isdecimal() and len(weeks) < 5 else -1)


def _check_empty(context: RequestContext) -> None:
    """Raises StaleDecision once there is a review: the next weeks are opened from This week."""
    if latest_review_id(context.store_session) is not None:
        raise StaleDecision("there is a review in this store by now; open the next week from This week")


def _show_check(context: RequestContext, given: FirstData) -> Response:
    try:
        request = given.request(context.desk.today("UTC"), context.desk.configs)
        report = check_data(context.store_session, request)
    except OSError as error:  # a name that is too long, a folder that nobody may read
        fault = f"cannot read {_shown(given.data)}: {reason_of(error, 'folder')}"
        return show_first_run(context, given, None, fault)
    except BusyError:
        raise
    except SaveplayError as error:
        return show_first_run(context, given, None, error.public_message)
    return show_first_run(context, given, report)
