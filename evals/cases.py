"""Hand-written accounts: a few rows, a date, and the conclusions of an experienced leader. One YAML file per case.

Dates are given as days before the review (``opened_ago: 9``). A table that a case does not mention gets the quiet rows
of a healthy customer. A table that it mentions gets exactly the rows of the case.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError

from domain.days import PlausibleDay
from domain.errors import ConfigurationError
from domain.record import Record
from domain.setting import MAX_DAYS, Day, Number
from tools.yaml_file import YamlDocument, read_yaml, shorten

FIXTURES = Path(__file__).parent / "fixtures"
CASES_FOLDER = FIXTURES / "accounts"
Row = dict[str, Any]
DEFAULT_SEATS = 30

AGO_COLUMNS: dict[str, dict[str, str]] = {
    "tickets": {"opened_ago": "opened_at", "closed_ago": "closed_at"},
    "invoices": {"due_ago": "due_date", "paid_ago": "paid_on"},
    "surveys": {"ago": "date"},
    "contacts": {"departed_ago": "departed_on"},
    "touchpoints": {"ago": "date", "responded_ago": "responded_at"},
    "goals": {"due_ago": "due_date"},
    "notes": {"ago": "date"},
    "outcomes": {"ago": "date"},
}
"""By table: key of a case row to the date column that it fills."""
ROW_KEYS: dict[str, frozenset[str]] = {
    "tickets": frozenset({"priority", "escalated", "sla_breached", "csat", "subject", "body", "repeat"}),
    "invoices": frozenset({"amount", "currency", "status"}),
    "surveys": frozenset({"kind", "score", "comment"}),
    "contacts": frozenset({"role", "name", "title"}),
    "touchpoints": frozenset({"kind", "outbound", "attended", "contact"}),
    "goals": frozenset({"goal", "status"}),
    "notes": frozenset({"text", "pulse", "author"}),
    "outcomes": frozenset({"kind", "arr_change"}),
}
"""By table: the other keys that a row may have."""


def _as_tuple(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _as_word_groups(value: object) -> tuple[tuple[object, ...], ...]:
    return tuple(_as_tuple(item) for item in _as_tuple(value))


OneOrMore = Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
WordGroups = Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_as_word_groups)]


class Expected(Record):
    """Conclusions of a leader. Lists hold every acceptable answer; a key that is left out is not judged."""

    health_band: OneOrMore = ()
    at_risk: bool | None = None
    risk_tier: OneOrMore = ()
    tier: OneOrMore = ()
    """Accepted intervention tiers; ``none`` when nothing is planned."""
    action: OneOrMore = ()
    """The primary action contains one of these words."""
    cause: OneOrMore = ()
    cause_second: OneOrMore = ()
    """Other causes that are accepted in first place."""
    pillar: OneOrMore = ()
    difficulty: OneOrMore = ()
    play_has: WordGroups = ()
    """Each entry is a word or a list of alternatives; the text of the play contains one of them."""
    play_lacks: OneOrMore = ()


class CaseAccount(Record):
    """The row of the account itself."""

    name: str | None = None
    arr: Number = 50_000
    currency: str = "EUR"
    renewal_in_days: int | None = Field(default=200, ge=-MAX_DAYS, le=MAX_DAYS)
    seats: int | None = Field(default=DEFAULT_SEATS, ge=0, le=10_000_000)
    lifecycle_stage: str = "live"
    started_ago: int | None = Field(default=900, ge=-MAX_DAYS, le=10 * MAX_DAYS)
    segment: str | None = None
    owner: bool = True


class Usage(Record):
    """Usage, oldest row first. The last row is dated ``last_ago`` days before the review."""

    active_users: tuple[Number, ...]
    logins: tuple[Number, ...] | Number | None = None
    core_actions: tuple[Number, ...] | Number | None = None
    features_used: tuple[Number, ...] | Number | None = None
    last_ago: Day = 1
    every: int = Field(default=7, ge=1, le=MAX_DAYS)
    """Days between two rows."""


class CaseCustomer(Record):
    """One account with its rows. A table that is None gets the quiet rows of a healthy customer."""

    account: CaseAccount = CaseAccount()
    usage: Usage | tuple[()] | None = None
    tickets: tuple[Row, ...] | None = None
    invoices: tuple[Row, ...] | None = None
    surveys: tuple[Row, ...] | None = None
    contacts: tuple[Row, ...] | None = None
    touchpoints: tuple[Row, ...] | None = None
    goals: tuple[Row, ...] | None = None
    notes: tuple[Row, ...] | None = None
    outcomes: tuple[Row, ...] | None = None
    parent: bool = False
    child: bool = False


class AccountCase(CaseCustomer):
    """One case: an account, its related accounts, and the expected conclusions."""

    name: str
    why: str
    as_of: PlausibleDay
    tests: tuple[str, ...] = ()
    not_connected: tuple[str, ...] = ()
    stale: Mapping[str, Day] = {}
    """Age of a source's newest row in the whole portfolio, in days, by table."""
    month_ago: bool = False
    """True if the base was also scored 28 days earlier, so that velocity is known."""
    also: tuple[CaseCustomer, ...] = ()
    expect: Expected

    @property
    def account_id(self) -> str:
        """The account id in the portfolio."""
        return self.name

    @property
    def surroundings(self) -> tuple[object, ...]:
        """Key of the cases that can share a portfolio: date, sources not connected, stale sources, score of last month."""
        return (self.as_of, self.not_connected, tuple(sorted(self.stale.items())), self.month_ago)


def load_yaml(path: Path) -> Any:
    """The content of a file of fixtures. Raises ConfigurationError with the file and the line that is wrong."""
    return _read_fixture(path).content


def _read_fixture(path: Path) -> YamlDocument:
    try:
        return read_yaml(path, ConfigurationError)
    except FileNotFoundError:
        raise ConfigurationError(f"{path.name}: there is no such file in {path.parent.name}/") from None


def read_case(path: Path) -> AccountCase:
    """Read one case. Raises ConfigurationError with the file, the line and the key that is wrong."""
    document = _read_fixture(path)
    if not isinstance(document.content, dict):
        raise ConfigurationError(f"{path.name}: a case is a mapping with why, as_of, account and expect")
    if "name" in document.content:
        raise ConfigurationError(
            f"{document.position(['name'])}: name: no such key here; the file is named after the case"
        )
    try:
        case = AccountCase.model_validate({**document.content, "name": path.stem})
    except ValidationError as error:
        raise ConfigurationError(document.explain(error)) from None
    _check_rows(document, (), case)
    for number, customer in enumerate(case.also):
        _check_rows(document, ("also", number), customer)
    return case


def read_cases(folder: Path = CASES_FOLDER) -> tuple[AccountCase, ...]:
    """Read all cases of a folder, sorted by name."""
    return tuple(read_case(path) for path in sorted(folder.glob("*.yaml")))


def _check_rows(document: YamlDocument, outer: tuple[str | int, ...], customer: CaseCustomer) -> None:
    for table, keys in ROW_KEYS.items():
        for number, row in enumerate(getattr(customer, table) or (), start=1):
            where = f"{document.position((*outer, table, number - 1))}: {table} row {number}"
            _check_days(where, table, row)
            strange = sorted(set(row) - keys - set(AGO_COLUMNS[table]))
            if strange:
                known = ", ".join(sorted(keys | set(AGO_COLUMNS[table])))
                raise ConfigurationError(f"{where}: no key {strange[0]!r}; there are {known}")


def _check_days(where: str, table: str, row: Row) -> None:
    repeated = row.get("repeat", [])
    if not isinstance(repeated, list):
        raise ConfigurationError(f"{where}: repeat: write a list of days before the review, like [3, 9]")
    for key, days in [(key, row.get(key)) for key in AGO_COLUMNS[table]] + [("repeat", each) for each in repeated]:
        if days is not None and (type(days) is not int or abs(days) > MAX_DAYS):
            raise ConfigurationError(f"{where}: {key}: {shorten(days)} is not a number of days before the review")


# rows ------------------------------------------------------------------------------------------------------------------


def case_rows(customer: CaseCustomer, account_id: str, as_of: date, stale: Mapping[str, int]) -> dict[str, list[Row]]:
    """Rows of one customer by table, with real dates, without ``accounts`` and ``people``. None means unknown."""
    quiet = _healthy_rows(customer.account)
    found: dict[str, list[Row]] = {"usage": _usage_rows(customer, account_id, as_of, stale.get("usage", 0))}
    roles: dict[str, str] = {}
    for table in ("contacts", *(name for name in AGO_COLUMNS if name != "contacts")):
        given = getattr(customer, table)
        rows = [row for each in (quiet[table] if given is None else given) for row in _repeat_ticket(each)]
        least = stale.get(table, 0)
        made = []
        for number, row in enumerate(rows, start=1):
            cells = {key: value for key, value in row.items() if key not in AGO_COLUMNS[table]}
            for key, column in AGO_COLUMNS[table].items():
                days = row.get(key)
                older = given is None and days is not None and days < least
                cells[column] = None if days is None else as_of - timedelta(days=least if older else days)
            cells["account_id"] = account_id
            made.append(_complete_cells(table, cells, f"{account_id}-{number}", roles))
        found[table] = made
    return found


def _complete_cells(table: str, cells: Row, row_id: str, roles: dict[str, str]) -> Row:
    """Add the ids and the cells that a case may leave out."""
    if table == "tickets":
        return {"priority": "normal", "escalated": False, "sla_breached": False, "ticket_id": f"T-{row_id}", **cells}
    if table == "invoices":
        status = "open" if cells.get("paid_on") is None else "paid"
        return {"amount": 1000, "currency": "EUR", "status": status, "invoice_id": f"I-{row_id}", **cells}
    if table == "contacts":
        status = "active" if cells.get("departed_on") is None else "departed"
        roles.setdefault(str(cells.get("role")), f"K-{row_id}")
        return {"status": status, "contact_id": f"K-{row_id}", "name": f"Contact {row_id}", **cells}
    if table == "touchpoints":
        contact = cells.pop("contact", None)
        return {"contact_id": roles.get(contact) if contact else None, **cells}
    return cells


def _repeat_ticket(row: Row) -> list[Row]:
    """The row itself, or one closed ticket for each day listed in ``repeat``."""
    if "repeat" not in row:
        return [row]
    rest = {key: value for key, value in row.items() if key != "repeat"}
    return [{"opened_ago": days, "closed_ago": max(days - 1, 0), **rest} for days in row["repeat"]]


def _usage_rows(customer: CaseCustomer, account_id: str, as_of: date, stale: int) -> list[Row]:
    if customer.usage is None:
        users = round((customer.account.seats or DEFAULT_SEATS) * 0.8)
        usage = Usage(active_users=(float(users),) * 13, last_ago=max(1, stale))
    elif isinstance(customer.usage, Usage):
        usage = customer.usage
    else:
        return []
    weeks = len(usage.active_users)

    def column(given: tuple[float, ...] | float | None, default: Sequence[float]) -> Sequence[float]:
        if given is None:
            return default
        return given if isinstance(given, tuple) else [given] * weeks

    logins = column(usage.logins, [users * 5 for users in usage.active_users])
    actions = column(usage.core_actions, [users * 9 for users in usage.active_users])
    features = column(usage.features_used, [9.0 if users else 0.0 for users in usage.active_users])
    return [
        {
            "account_id": account_id,
            "date": as_of - timedelta(days=usage.last_ago + usage.every * (weeks - 1 - week)),
            "active_users": usage.active_users[week],
            "logins": logins[week],
            "core_actions": actions[week],
            "features_used": features[week],
        }
        for week in range(weeks)
    ]


def _healthy_rows(facts: CaseAccount) -> dict[str, tuple[Row, ...]]:
    """Rows of a healthy customer by table."""
    each = ("champion", "economic_buyer", "exec_sponsor", "user")
    return {
        "tickets": ({"opened_ago": 140, "closed_ago": 139, "csat": 5, "subject": "How do I export a report?"},),
        "invoices": ({"due_ago": 55, "paid_ago": 57}, {"due_ago": 25, "paid_ago": 27}),
        "surveys": (
            {"ago": 122, "kind": "nps", "score": 9, "comment": ""},
            {"ago": 30, "kind": "nps", "score": 9, "comment": "Does what we need."},
        ),
        "contacts": tuple({"role": role, "name": f"{role.replace('_', ' ').title()} of theirs"} for role in each),
        "touchpoints": (
            {"ago": 84, "kind": "exec_meeting", "outbound": True, "attended": True, "contact": "exec_sponsor"},
            {"ago": 20, "kind": "exec_meeting", "outbound": True, "attended": True, "contact": "exec_sponsor"},
            *({"ago": 12 + 9 * n, "kind": "email", "outbound": True, "responded_ago": 11 + 9 * n, "contact": role}
              for n, role in enumerate(each)),
        ),
        "goals": ({"goal": "Roll out to all teams", "status": "met"}, {"goal": "Monthly close", "status": "on_track"}),
        "notes": tuple({"ago": ago, "text": "A calm week, nothing open.", "pulse": 4} for ago in (62, 34, 6)),
        "outcomes": (),
    }  # fmt: skip
