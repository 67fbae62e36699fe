"""The text drafter: talk track, follow-up e-mail, action plan and brief, as drafts that a person edits before use.

A model joins slots; code puts facts, quotations, steps and names into them. Without a model, or when its answer cannot be used, the
draft is made from the play's own checked sentences. A draft is never part of a plan and is sent nowhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from agents.conversation import Message, ModelClient
from agents.play_drafter import renewal_words
from agents.repair_loop import RepairLoop, parse_answer
from domain.configuration import Configuration, DraftKind
from domain.drafting import DraftingRecord, Violation
from domain.save_play import SavePlay
from domain.text_drafts import FOR_CUSTOMER, MAX_DRAFT, SectionsDraft, TextDraft
from tools.prompts import render_prompt
from tools.save_play.answer_schema import sections_schema
from tools.save_play.context import PlayContext
from tools.save_play.draft_record import is_internal, normalise
from tools.save_play.own_steps import facts_for_prompt
from tools.save_play.play_texts import draft_facts, draft_from_play, step_line, steps_for
from tools.save_play.prompt_facts import Anonymiser, PromptFact
from tools.save_play.sentence_rules import PLACEHOLDER, fill_placeholders, restore_placeholders

_MAX_SECTIONS, _MAX_SENTENCES = 8, 12
_COPIED_RUN = 7
"""Words in a row that a draft shares with the cases of the prompt: it repeats them instead of the account."""
_WORD = re.compile(r"[^\W\d_]+")
_PEOPLE = {
    "contact": "their main contact", "executive": "their executive", "csm": "our CSM", "manager": "our CS manager",
    "our_executive": "our executive", "account": "the account",
}  # fmt: skip


@dataclass(frozen=True)
class TextDrafter:
    """Drafts texts about plays. ``client`` is the language model, or None."""

    configuration: Configuration
    client: ModelClient | None = None

    async def draft(self, context: PlayContext, play: SavePlay, kind: DraftKind) -> TextDraft:
        """The draft of this kind. Never raises for what a model does: then it comes from the play, with the reason."""
        from_play = draft_from_play(context, play, kind)
        if self.client is None:
            return from_play
        slots = DraftSlots.of(context, play, kind)
        messages = text_messages(context, slots, kind)
        loop = RepairLoop(self.client, self.configuration, "drafting", messages, sections_schema())
        found = await loop.run(
            lambda text: _restored(parse_answer(text, SectionsDraft), slots),
            lambda answer: text_faults(answer, slots, messages[0].content),
        )
        if found is None:
            return from_play.model_copy(update={"drafting": loop.drafting})
        return from_play.model_copy(
            update={
                "text": filled_text(found, slots),
                "made_by": loop.drafting.model or "",
                "facts": draft_facts(context, [each.fact for each in slots.facts]),
                "drafting": loop.drafting,
            }
        )


@dataclass(frozen=True)
class DraftSlots:
    """Slots that a model may put into a draft, each with the words that code writes there."""

    facts: tuple[PromptFact, ...]
    steps: Mapping[str, str]
    people: Mapping[str, str]

    @classmethod
    def of(cls, context: PlayContext, play: SavePlay, kind: DraftKind) -> "DraftSlots":
        """For a draft of this kind: the customer is shown no note of ours and no step that they do not see."""
        for_customer = kind in FOR_CUSTOMER
        facts = tuple(f for f in facts_for_prompt(context) if not (for_customer and is_internal(f.fact)))
        internal = frozenset(context.configuration.model.words.internal)
        steps = steps_for(play, customer=for_customer, internal_words=internal)
        named = {name: context.words[name] for name in _PEOPLE if "to be " not in context.words[name]}
        return cls(facts, {f"P{number}": step_line(step) for number, step in enumerate(steps, 1)}, named)

    @property
    def words(self) -> dict[str, str]:
        """The words of every slot, with names."""
        facts = {each.handle: _clause(each.sentence) for each in self.facts}
        return {**facts, **self.steps, **self.people}


def _clause(sentence: str) -> str:
    """The fact as a part of a sentence: without its full stop. Its first letter stays: it may be that of a name."""
    return sentence.rstrip(".")


def text_messages(context: PlayContext, slots: DraftSlots, kind: DraftKind) -> tuple[Message, Message]:
    """Messages for the model: the rules, which never change, then the account, the kind last."""
    plain, dossier = Anonymiser.of(context), context.dossier
    account = render_prompt(
        "text_account",
        size=dossier.size.replace("_", " "),
        tier=context.tier,
        renewal=renewal_words(dossier),
        label=context.finding.label,
        facts=[(each.handle, plain(each.sentence)) for each in slots.facts],
        steps=[(handle, plain(says)) for handle, says in slots.steps.items()],
        people=[(name, _PEOPLE[name]) for name in slots.people],
        kind=kind,
    )
    return Message("system", render_prompt("text_rules")), Message("user", account)


def _restored(draft: SectionsDraft, slots: DraftSlots) -> SectionsDraft:
    """The draft with a slot wherever an id can mean nothing else, ``F2`` or ``{{F2}}``."""
    ids = dict.fromkeys((*(each.handle for each in slots.facts), *slots.steps), "")
    sections = tuple(
        section.model_copy(update={"sentences": tuple(restore_placeholders(text, ids) for text in section.sentences)})
        for section in draft.sections
    )
    return SectionsDraft(sections=sections)


def text_faults(draft: SectionsDraft, slots: DraftSlots, rules: str) -> list[Violation]:
    """Why a draft cannot be shown at all. What it claims without a fact is no fault: it is marked."""
    found = []
    sentences = [text for section in draft.sections for text in section.sentences if text.strip()]
    if not sentences:
        found.append(Violation(code="text_missing", message="the draft is empty; write the sections"))
    if len(draft.sections) > _MAX_SECTIONS or any(len(each.sentences) > _MAX_SENTENCES for each in draft.sections):
        found.append(
            Violation(code="text_too_long", message=f"at most {_MAX_SECTIONS} sections of {_MAX_SENTENCES} sentences")
        )
    if sum(map(len, sentences)) > MAX_DRAFT:
        return [*found, Violation(code="text_too_long", message=f"at most {MAX_DRAFT:,} characters in all")]
    known = slots.words
    for slot in dict.fromkeys(slot for text in sentences for slot in PLACEHOLDER.findall(text)):
        if slot not in known:
            message = f"{{{slot[:40]}}}: there is no such slot; use {', '.join(f'{{{name}}}' for name in known)}"
            found.append(Violation(code="slot_unknown", message=message))
    if not any(slot in known for text in sentences for slot in PLACEHOLDER.findall(text)):
        found.append(Violation(code="fact_missing", message="no slot is used; a draft names the facts and the steps"))
    cases = rules.partition("Two cases")[2]
    if _runs(" ".join(sentences)) & _runs(cases):
        found.append(Violation(code="repeats_example", message="it repeats the two cases; write about this account"))
    if not found and len(filled_text(draft, slots)) > MAX_DRAFT:
        found.append(
            Violation(code="text_too_long", message=f"with its slots filled it has more than {MAX_DRAFT:,} characters")
        )
    return found


def _runs(text: str) -> set[tuple[str, ...]]:
    words = [word.casefold() for word in _WORD.findall(PLACEHOLDER.sub(" ", text))]
    return {tuple(words[at : at + _COPIED_RUN]) for at in range(len(words) - _COPIED_RUN + 1)}


def filled_text(draft: SectionsDraft, slots: DraftSlots) -> str:
    """The draft as people read it: headings, and a line for each sentence, with the words of the slots."""
    lines: list[str] = []
    for section in draft.sections:
        if section.heading.strip():
            lines.append(f"{normalise(section.heading).strip(' :#').replace(chr(10), ' ')}:")
        lines += [fill_placeholders(text, slots.words, {}) for text in section.sentences if text.strip()]
        lines.append("")
    return normalise("\n".join(lines))


def drafted_note(draft: TextDraft) -> str:
    """Words for how a draft came to be, where a model was asked and its answer was not used; else empty."""
    drafting: DraftingRecord = draft.drafting
    if draft.made_by or drafting.outcome != "fell_back":
        return ""
    return f"The draft of {drafting.model} was not used: {drafting.reason}"
