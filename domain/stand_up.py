"""The critical accounts on one day between two reviews: what moved since the last look and since the review, and alerts."""

from datetime import date

from domain.record import Record
from domain.running_play import AccountMove, PlaySnapshot


class FirstStep(Record):
    """The next thing that somebody does for an account."""

    title: str
    owner: str
    """A person's name, or ``TBD``."""
    by: date
    is_agreed: bool
    """True for an open action that people approved; False for the primary action that its priority asks for."""


class StandUpAccount(Record):
    """One account that is critical on the day."""

    account_id: str
    name: str
    arr: float | None
    """In the home currency."""
    renewal_date: date | None
    renewal_in_days: int | None
    health: float | None
    """0 to 100, high is good."""
    risk: float
    """0 to 100, high is bad."""
    owner: str
    """Name of the CSM, or ``TBD``."""
    why: tuple[str, ...]
    """Reasons, strongest first."""
    first_step: FirstStep
    new_since_look: bool
    """True if it was not critical at the last look."""
    new_since_review: bool
    """True if it was not critical in the review."""
    moves: tuple[AccountMove, ...]
    """Since the last look."""
    moves_since_review: tuple[AccountMove, ...]


class NoLongerCritical(Record):
    """One account that was critical in the review or at the last look and is not today."""

    account_id: str
    name: str
    arr: float | None
    now: str
    """Its priority today in words, or why it has none."""


class AccountPicture(Record):
    """A critical account as this day saw it, kept for the next look."""

    account_id: str
    seen: PlaySnapshot


class StandUp(Record):
    """One day between two reviews. The same store, data and day give the same record."""

    review_id: str
    review_as_of: date
    as_of: date
    last_look: date
    """Day of the look before: the day of the review, if there was none since."""
    currency: str
    accounts: int
    """Critical accounts; as many as a table of the plan holds are in ``critical``."""
    arr: float
    """Their ARR, without those of which it is unknown."""
    unknown_arr: int
    critical: tuple[StandUpAccount, ...]
    """Overdue renewals first, then by ARR."""
    no_longer: tuple[NoLongerCritical, ...]
    fingerprint: str
    """Hash of the data that was read."""
    pictures: tuple[AccountPicture, ...]

    @property
    def alerts(self) -> list[StandUpAccount]:
        """Accounts that are critical since the last look."""
        return [account for account in self.critical if account.new_since_look]
