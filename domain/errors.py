"""Errors that the product raises on purpose, grouped by what the caller should do next.

    SaveplayError                 base; nothing raises it directly
    ├── InputError                exit 2: the input cannot be used; correct it and call again
    │   ├── DataError             a file, table, column or row of the customer data
    │   ├── ConfigurationError    a file under configs/ or a mapping.yaml
    │   ├── DecisionError         a decisions file, or a decision that breaks a rule of the review
    │   │   ├── EditError         fields of an edit that cannot be taken as written; a form marks each of them
    │   │   └── StaleDecision     somebody decided meanwhile; read the newer decision, then decide again (409)
    │   ├── UnknownReference      a review, account, person or action that does not exist
    │   └── PlaceError            a file, folder or disk of the store or the output: damaged, full, read-only
    ├── NotAllowed                exit 2, 403: the role does not include it; ask somebody whose role does
    ├── BusyError                 exit 2: another process is working on the same review; wait for it
    ├── StoreError                exit 1: the database was lost, or a stored result was changed from outside
    ├── DeliveryError             never ends a push: the item keeps the reason, and the push goes on with the next
    │   ├── NotDelivered          it did not arrive, or may be looked up; another attempt is safe after ``wait`` seconds
    │   ├── NoAnswer              it went out and nobody answered: it may have arrived
    │   ├── DeliveryRefused       4xx: the receiver will not take it as it is; a person looks
    │   └── ChangedThere          somebody changed it at the receiver meanwhile; it is left as it is
    └── ModelError                never ends a review: the playbook's play is used and says why
        ├── ModelUnavailable      worth another attempt; then no model is used in this review
        │   ├── TimedOut          no answer in time; the next play may get one
        │   ├── RateLimited       429: too many calls; ``wait`` is the pause that the server asks for, in seconds
        │   ├── ServerFailed      5xx
        │   │   └── ModelLoading  503 while the model is loaded; worth a longer wait
        │   └── Unreachable       no server, or the connection broke
        ├── RequestRejected       4xx: ``about_server`` says if further calls would be rejected, too
        ├── PromptTooLong         longer than the server takes; costs this one request
        ├── AnswerRefused         the model declined to answer, or a filter did; asking again changes nothing
        ├── UnusableAnswer        an answer that cannot be used; sent back with the fault named
        │   ├── AnswerTruncated   stopped at the length limit
        │   │   └── ThoughtTooLong  the limit was spent on thinking, before any answer
        │   ├── NotJson           not the JSON that was asked for
        │   ├── SchemaMismatch    JSON, but not of the schema
        │   └── AnswerTooLarge    longer than any play; reading stopped
        └── OverBudget            the review's time or tokens for the model are spent

A table that is absent and a row that does not parse are not errors of this tree: they are data about the review and
are reported in it.
"""

from collections.abc import Sequence
from typing import Any


class SaveplayError(Exception):
    """Base of the tree. The message says what is wrong, where, and what to do."""

    public: str | None = None
    """The message for pages and the API, when the message itself names the host or the user of a database."""

    @property
    def public_message(self) -> str:
        """The message without the host and the user of a database."""
        return self.public or str(self)


class InputError(SaveplayError):
    """The input cannot be used. Nothing has been written."""


class DataError(InputError):
    """The customer data cannot be read as it is. The message names file, column and row where there is one."""


class ConfigurationError(InputError):
    """A configuration or mapping file is wrong. The message names the file and the key."""


class DecisionError(InputError):
    """A decision cannot be taken as written. The message names the account and the rule."""


class EditError(DecisionError):
    """Fields of an edit cannot be taken as written. ``faults`` holds pairs of field and reason, as ("dates.sf-call", "a day off")."""

    def __init__(self, account: str, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(f"{account}: " + "; ".join(f"{field}: {reason}" for field, reason in faults))
        self.faults = tuple(faults)


class StaleDecision(DecisionError):
    """The play or the choice changed since it was read. Nothing was saved."""


class UnknownReference(InputError):
    """A name or id is unknown. The message lists the nearest known ones."""


class PlaceError(InputError):
    """A file, folder or disk cannot be used: damaged, full, read-only, or in the way. The message names it and what to do.

    What was finished before is kept.
    """

    @property
    def public_message(self) -> str:
        """The message for pages and the API: it names no place of the server."""
        return "a place that the desk needs cannot be used; the log of the server names it, and saveplay doctor how to mend it"


class NotAllowed(SaveplayError):
    """The role does not include this operation. The message names a role that does."""


class BusyError(SaveplayError):
    """Another process holds the lock of this review."""


class StoreError(SaveplayError):
    """The database of the store was lost, or a stored result is not the one that the review wrote.

    Everything finished is saved; the message says what to do.
    """


class DeliveryError(SaveplayError):
    """A receiver did not take an item. The message names host and status, and no token or password."""


class NotDelivered(DeliveryError):
    """Another attempt is safe: it did not arrive, or the receiver can be asked whether it did."""

    def __init__(self, message: str, wait: float | None = None, is_certain: bool = True) -> None:
        super().__init__(message)
        self.wait, self.is_certain = wait, is_certain


class NoAnswer(DeliveryError):
    """It went out and no answer came: it may have arrived."""


class DeliveryRefused(DeliveryError):
    """The receiver will not take it as it is. ``status`` is the HTTP or SMTP status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ChangedThere(DeliveryError):
    """Somebody changed the item at the receiver since it was read."""


class ModelError(SaveplayError):
    """The model gave no usable answer. ``code`` is recorded in the review; ``answer`` is the partial answer, or None."""

    code = "model_failed"

    def __init__(self, message: str, answer: Any = None) -> None:
        super().__init__(message)
        self.answer = answer


class ModelUnavailable(ModelError):
    """The server may answer a later attempt."""

    wait: float | None = None
    """Seconds that the server asks to wait; None when it does not say."""


class TimedOut(ModelUnavailable):
    """No answer in time."""

    code = "timed_out"


class RateLimited(ModelUnavailable):
    """429: too many calls."""

    code = "rate_limited"


class ServerFailed(ModelUnavailable):
    """5xx."""

    code = "server_failed"


class ModelLoading(ServerFailed):
    """The server is there and still loads the model."""

    code = "loading"


class Unreachable(ModelUnavailable):
    """There is no server, or the connection broke."""

    code = "unreachable"


class RequestRejected(ModelError):
    """4xx. ``status`` is the HTTP status; ``about_server`` is true for a wrong key, address or model name."""

    code = "call_refused"

    def __init__(self, message: str, status: int, about_server: bool = True) -> None:
        super().__init__(message)
        self.status, self.about_server = status, about_server


class PromptTooLong(ModelError):
    """The request is longer than the server takes."""

    code = "prompt_too_long"


class AnswerRefused(ModelError):
    """The model declined to answer, or a filter did."""

    code = "refused"


class UnusableAnswer(ModelError):
    """The answer cannot be used; it is sent back with the fault named."""

    code = "broken"


class AnswerTruncated(UnusableAnswer):
    """The answer stopped at the length limit."""

    code = "cut_short"


class ThoughtTooLong(AnswerTruncated):
    """The length limit was spent on thinking, before any answer."""

    code = "thought_too_long"


class NotJson(UnusableAnswer):
    """The answer is not the JSON that was asked for."""

    code = "not_json"


class SchemaMismatch(UnusableAnswer):
    """The answer is JSON, but not of the schema."""

    code = "wrong_shape"


class AnswerTooLarge(UnusableAnswer):
    """The answer is longer than any play could be."""

    code = "too_large"


class OverBudget(ModelError):
    """The review's time or tokens for the model are spent."""

    code = "over_budget"
