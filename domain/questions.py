"""Questions of people, their statements about an account, and the answers."""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.configuration import HistoryKind, QuestionKind, Subject
from domain.diagnosis import CapacityLine, CauseFinding
from domain.evidence import Evidence
from domain.plan import PlanLine
from domain.portfolio import AccountMovement
from domain.record import Record
from domain.save_play import SavePlay
from domain.score_configuration import InterventionTier
from domain.text_drafts import CheckedSentence, TextDraft
from domain.token_usage import TokenUsage
from domain.tracking import Commitment

AnswerKind = (
    QuestionKind
    | Literal["list", "facts", "briefing", "compare", "draft", "refused", "which_account", "unknown_account", "unclear"]
)
Measure = Literal["list", "count", "sum", "average", "median"]
MOST_EARLIER = 3
"""Earlier questions of a conversation that are kept."""


class Condition(Record):
    """One filter of a query: any of ``values``, a range, or known or unknown. The parts hold together."""

    field: str
    """A field of record (``segment``, ``csm``, ``arr``, …), one of the subject's own, ``said``, or the name of a signal."""
    values: tuple[str, ...] = ()
    low: float | date | None = None
    """At least this."""
    high: float | date | None = None
    """Less than this."""
    known: bool | None = None
    """False: the field has no value. True: it has one."""
    says: str
    """The condition as it is shown."""


class PortfolioQuery(Record):
    """Read-only question about all accounts or what is recorded of them, filled in by the grammar or a model."""

    subject: Subject = "accounts"
    conditions: tuple[Condition, ...] = ()
    measure: Measure = "list"
    of: str = "arr"
    """Amount that a sum, an average or a median is of: ``arr``, ``health``, ``risk``, or one of the subject's."""
    group: str | None = None
    """Field of the account or of the subject."""
    sort: str | None = None
    """``arr``, ``renewal``, ``risk``, ``health``, or an amount or ``day`` of the subject; None: its usual order."""
    ascending: bool = False
    top: int | None = None
    history: HistoryKind | None = None
    """A question about the kept weeks."""
    since: date | None = None
    """The other week of a question about the kept weeks; None: the review before."""
    unapplied: tuple[str, ...] = ()
    """Words that may be meant as a filter and that no filter understands."""


class FilterDraft(Record):
    """One filter that a model proposes for a query."""

    field: str
    op: Literal["is", "at_least", "below", "missing"]
    value: str = Field(default="", max_length=200)
    """A name, a key, a number, or a day as YYYY-MM-DD. Several values are separated by ``|``."""
    words: str = Field(max_length=200)
    """The words of the question that mean this filter, exactly as written there."""


class QueryDraft(Record):
    """A query as a model fills it in. Nothing of it is run before code has checked it."""

    fits: bool
    """False if the question is not about a list, a count, a figure or the weeks before."""
    subject: Subject
    filters: tuple[FilterDraft, ...] = Field(max_length=8)
    measure: Measure
    amount: str = Field(default="", max_length=20)
    """Amount that is summed or averaged; empty: the usual one."""
    group: str = Field(default="", max_length=20)
    sort: str = Field(default="", max_length=20)
    ascending: bool = False
    top: int = Field(default=0, ge=0, le=200)
    """Number of rows; 0: all."""
    history: Literal["", "joined", "left", "compare", "course"] = ""
    since: str = Field(default="", max_length=10)
    """The other week of a question about the weeks before, as YYYY-MM-DD."""


class AnswerTable(Record):
    """Rows of an answer, as they are shown."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    source: str
    """Tables and scores that the rows come from."""


class UserStatement(Record):
    """Statement about an account by the person who asks. It counts as evidence, never in a score."""

    signal: str
    says: str
    """The statement as a clause; the text is in ``configs/ask.yaml``."""
    quote: str
    """The words of the question."""


class ParsedQuestion(Record):
    """Content of a question, as parsed without a model; None where the question says nothing."""

    kind: QuestionKind | None
    tier: InterventionTier | None
    segment: str | None
    csm_id: str | None
    month: int | None
    """Month of the renewal that the question names, 1 to 12."""
    said: tuple[UserStatement, ...]
    tried: tuple[str, ...]
    """Clauses on what was tried before, from ``configs/ask.yaml``."""


class AccountCandidate(Record):
    """Account that a question may mean."""

    account_id: str
    name: str
    arr: float | None
    currency: str
    renewal_date: date | None
    segment: str | None
    why: str
    """Reason: the part of the question that fits."""


class AnswerPart(Record):
    """One answer. Fields that its kind does not use are empty."""

    kind: AnswerKind
    sentences: tuple[str, ...]
    account_id: str | None = None
    name: str | None = None
    candidates: tuple[AccountCandidate, ...] = ()
    """Accounts to choose from, when the question is ambiguous."""
    said: tuple[UserStatement, ...] = ()
    cause: CauseFinding | None = None
    evidence: tuple[Evidence, ...] = ()
    play: SavePlay | None = None
    draft: TextDraft | None = None
    draft_lines: tuple[tuple[CheckedSentence, ...], ...] = ()
    """The lines of the draft, with what is traced and what no fact supports."""
    plan: tuple[PlanLine, ...] = ()
    movements: tuple[AccountMovement, ...] = ()
    capacity: tuple[CapacityLine, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    known: tuple[str, ...] = ()
    """Facts of record that lead the answer, with the customer's own words. For people only: no model reads them."""

    query: PortfolioQuery | None = None
    """The query as it was understood, for a list or a count."""
    taken_as: str = ""
    """The subject that a model saw in a question where the grammar saw none; the first sentence says it."""
    tables: tuple[AnswerTable, ...] = ()
    account_ids: tuple[str, ...] = ()
    """Accounts in the tables."""
    about_people: bool = False
    """True if the answer has figures about people of the team: it is for managers."""

    @property
    def needs_clarification(self) -> bool:
        """True if the person has to say more before there is an answer."""
        return self.kind in ("which_account", "unknown_account", "unclear")


class QuestionAnswer(Record):
    """Answer to one question. The same data, history, configuration and recorded model give the same answer."""

    question: str
    as_of: date
    parts: tuple[AnswerPart, ...]
    answered_by: Literal["rules", "model"]
    model: str | None = None
    steps: tuple[str, ...] = ()
    """Tools that the model called, with their arguments."""
    tokens: TokenUsage = TokenUsage()
    carried: str = ""
    """One sentence on what was taken over from the question before; empty if nothing was."""
    about: str = ""
    """The review that the answer is about, when the question named no data."""
    note: str = ""
    """Reason for answering by rules instead of the model; otherwise empty."""
    proposed: str = ""
    """One sentence on the decision to which the play was added; empty if nothing was proposed."""


class PlayRequest(Record):
    """Requested play that is added to the next decision."""

    account_id: str
    question: str
    by: str
    on: date
    said: tuple[UserStatement, ...]
    tried: tuple[str, ...]
