"""The tools about work: promised actions that are open, and who has how much to do."""

from app.desk.loaded_review import MeetingState
from app.mcp.paging import page_of
from app.mcp.reader import ReviewReader, owner_name
from app.mcp.records import ActionList, ActionRow, CapacityList, LoadRow
from domain.desk import check_role
from domain.tracking import Commitment
from tools.planning.follow_up import list_commitments
from tools.wording import format_date, plain_name, plural

ACTIONS_A_PAGE = 15
PEOPLE_A_PAGE = 20
_WAITING = 10
_SETTLED = ("done", "done_late", "dropped")
_LATE = ("late", "missed")


def list_open_actions(reader: ReviewReader, account: str, owner: str, late: bool, page: int) -> ActionList:
    """Actions that are not settled, the earliest due first. Raises NotAllowed for a colleague's below a manager."""
    account_id = reader.account_id(account) if account.strip() else None
    person = reader.person(owner, "the work") if owner.strip() else None
    rows = open_rows(reader, account_id, person.person_id if person else None)
    overdue = sum(row.days_late > 0 for row in rows)
    chosen = [row for row in rows if row.days_late > 0] if late else rows
    shown = page_of(chosen, page, ACTIONS_A_PAGE)
    whose = f" of {plain_name(person.name)}" if person else ""
    for_whom = f" for {plain_name(reader.view.name(account_id))}" if account_id else ""
    return ActionList(
        about=reader.about,
        **shown.counts,
        summary=f"{plural(len(rows), 'action')}{whose}{for_whom} open on {format_date(reader.today)}, {overdue} of them late.",
        on=reader.today,
        actions=tuple(shown.rows),
    )


def open_rows(reader: ReviewReader, account_id: str | None, owner_id: str | None = None) -> tuple[ActionRow, ...]:
    """Actions that are not settled, of one account or one owner if given, the earliest due first."""
    store, day = reader.session.store, reader.today
    progress, notes = store.progress(), store.progress_notes()
    promised = store.actions_before(reader.loaded.next_review_date, account_id)
    found = list_commitments(promised, progress, day, reader.loaded.configuration.review)
    return tuple(
        _row(reader, item, progress.get(item.action_id, ("open", None))[0] == "blocked", notes.get(item.action_id, ""))
        for item in found
        if item.status not in _SETTLED and (owner_id is None or item.owner_id == owner_id)
    )


def _row(reader: ReviewReader, item: Commitment, blocked: bool, note: str) -> ActionRow:
    days = (reader.today - item.due).days if item.status in _LATE else 0
    is_own = item.owner_id is not None and item.owner_id == reader.member.person_id
    return ActionRow(
        action_id=item.action_id,
        account_id=item.account_id,
        account=plain_name(item.account_name),
        what=item.title,
        # A viewer gets no owners: counted, late actions are a figure about a person.
        owner=owner_name(item.owner) if is_own or reader.member.is_at_least("csm") else None,
        due=item.due,
        status="blocked" if blocked else item.status,
        days_late=days,
        note=plain_name(note or item.note, 200),
    )


def list_capacity(reader: ReviewReader, page: int) -> CapacityList:
    """Load of each CSM after the decisions so far, the overloaded first. Raises NotAllowed below a manager."""
    check_role(reader.member, "manager", "capacity")
    loaded, review = reader.loaded, reader.loaded.review
    capacity, needs = review.capacity, review.needs
    if loaded.progress.stage == "deciding":
        load = loaded.load(reader.session, MeetingState.read(reader.session, loaded))
        capacity, needs = load.capacity, load.needs
    lines = sorted(capacity, key=lambda line: (not line.overloaded, line.hours_free or 0.0, line.name))
    shown = page_of(lines, page, PEOPLE_A_PAGE)
    over = [line.name for line in lines if line.overloaded]
    summary = f"{plural(len(over), 'CSM')} over capacity: {', '.join(over)}." if over else "No CSM is over capacity."
    more = len(needs.waiting) - _WAITING
    waiting = [
        f"{plain_name(each.name)} ({each.account_id}): {each.lacks}; {each.frees}" for each in needs.waiting[:_WAITING]
    ]
    return CapacityList(
        about=reader.about,
        **shown.counts,
        summary=summary,
        period_days=review.thresholds.planning_days if review.thresholds else None,
        people=tuple(
            LoadRow(
                person_id=line.person_id,
                name=plain_name(line.name),
                accounts=line.accounts,
                at_risk=line.at_risk_accounts,
                red=line.red_accounts,
                hours_free=None if line.hours_free is None else round(line.hours_free, 1),
                hours_committed=round(line.hours_committed, 1),
                hours_asked=round(line.hours_asked, 1),
                overloaded=line.overloaded,
                note=line.note,
            )
            for line in shown.rows
        ),
        waiting=(*waiting, f"and {more} more") if more > 0 else tuple(waiting),
    )
