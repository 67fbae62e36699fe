"""Drafts of texts for people to use: never part of a plan, and never sent by the program.

A draft is marked until a person has edited or confirmed it. What its facts support is traced; what nothing supports is marked.
"""

from datetime import date
from typing import Literal

from pydantic import Field

from domain.configuration import DraftKind
from domain.drafting import DraftingRecord
from domain.record import Record

DRAFT_TITLES: dict[DraftKind, str] = {
    "talk_track": "Talk track for the first call",
    "follow_up_email": "Follow-up e-mail after the call",
    "action_plan": "Mutual action plan",
    "executive_brief": "Brief for our executive",
}
DRAFT_SENTENCES: dict[str, str] = {
    "purpose": "Purpose of the call:",
    "said": "What they said; name it before you ask:",
    "ask": "Ask:",
    "objections": "Objections they may raise, and what you can say:",
    "agree": "Agree before you hang up:",
    "stay": "Do not name a price, a date or a function that is not in the plan.",
    "subject": "Subject: What we agreed today",
    "thanks": "Thank you for the conversation.",
    "please": "This is what I took from it; please correct what is wrong or missing.",
    "told": "What you told us:",
    "agreed": "What we agreed:",
    "unclear": "Still open between us:",
    "regards": "Kind regards,",
    "reach": "What we both want to reach:",
    "steps": "Steps:",
    "together": "We check the plan together:",
    "why": "Why they may leave:",
    "words": "In their words:",
    "who": "Who is who:",
    "favour": "What we ask of you:",
    "works": "What shows that it works:",
    "stop": "We stop when:",
}
"""The fixed sentences of drafts that are made from a play."""
FOR_CUSTOMER: frozenset[DraftKind] = frozenset({"follow_up_email", "action_plan"})
"""Kinds that the customer reads: nothing internal may stand in them."""
MAX_DRAFT = 8_000
"""Characters of a draft: two pages. What is longer is refused."""

ClaimKind = Literal[
    "number",
    "date",
    "name",
    "money",
    "promise",
    "concession",
    "claim",
    "direction",
    "order",
    "quotation",
    "internal",
    "address",
]
"""Kinds of what a sentence says without a fact."""


class DraftFact(Record):
    """One fact that a draft was made with."""

    id: str
    text: str
    """The fact in code's words."""


class TextDraft(Record):
    """One draft. ``made_by`` is the model's name; empty: it was made from the play's own checked sentences."""

    review_id: str = ""
    """Empty for a draft that nobody stored."""
    account_id: str
    name: str
    kind: DraftKind
    play_version: str
    text: str
    made_by: str = ""
    facts: tuple[DraftFact, ...] = ()
    drafting: DraftingRecord = DraftingRecord()
    confirmed_by: str = ""
    """Person who edited or confirmed it; empty while it is a draft."""
    confirmed_on: date | None = None
    edited: bool = False
    """True if that person changed the text."""

    @property
    def mark(self) -> str:
        """The words that stand above the text."""
        if self.confirmed_by:
            how = "Edited" if self.edited else "Confirmed"
            return f"{how} by {self.confirmed_by} on {self.confirmed_on}. Made by {self.made_by or 'the play'}."
        if self.made_by:
            return f"Draft by {self.made_by}, edit before use."
        return "Draft made from the play's own sentences, edit before use."


class TextPart(Record):
    """A piece of a sentence, with the fact or the step that it was traced to; empty: it was traced to nothing."""

    text: str
    source: str = ""


class UnsupportedClaim(Record):
    """Something that a sentence says and no fact supports."""

    kind: ClaimKind
    words: str


class CheckedSentence(Record):
    """One sentence of a draft as people see it."""

    parts: tuple[TextPart, ...]
    claims: tuple[UnsupportedClaim, ...] = ()

    @property
    def text(self) -> str:
        """The sentence as it was written."""
        return "".join(part.text for part in self.parts)


class DraftSection(Record):
    """One part of a draft as a model answers it."""

    heading: str = Field(description="A few words.")
    sentences: tuple[str, ...]


class SectionsDraft(Record):
    """Answer of the model for a draft: sections of sentences with slots such as {F2} or {contact}."""

    sections: tuple[DraftSection, ...]
