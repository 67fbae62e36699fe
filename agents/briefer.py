"""The briefing that opens the meeting: rules give the facts, a model may join them into a few sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.dialogue import Dialogue, parsed
from agents.model_client import Message, ModelClient
from domain.configuration import Configuration
from domain.drafting import BriefingDraft, Drafting, Violation
from domain.review import Briefing
from tools.planning.briefing import Fact, plain
from tools.prompts import prompt
from tools.save_play.answer_schema import briefing_schema
from tools.save_play.placeholders import SLOT, Rules, filled, tidied

MOST_SENTENCES = 6


@dataclass(frozen=True)
class Briefer:
    """Writes the briefing; ``names`` are those that must come from slots only."""

    configuration: Configuration
    names: frozenset[str]
    client: ModelClient | None

    async def write(self, facts: Sequence[Fact]) -> Briefing:
        """In a model's words when they keep to the facts, else one sentence a fact."""
        ordinary = Briefing(sentences=plain(facts), drafted_by="rules", drafting=Drafting())
        if self.client is None:
            return ordinary
        dialogue = Dialogue(
            self.client,
            self.configuration,
            "briefing",
            (
                Message("system", prompt("briefing_rules")),
                Message("user", prompt("briefing_facts", facts=facts, most=MOST_SENTENCES)),
            ),
            briefing_schema(len(facts), MOST_SENTENCES),
        )
        rules, told = self._rules(facts), {fact.id: fact.told for fact in facts}
        draft = await dialogue.settle(
            lambda text: parsed(text, BriefingDraft).reworded(lambda sentence: tidied(sentence, told)),
            lambda answer: unfit(answer, facts, rules),
        )
        if draft is None:
            return ordinary.model_copy(update={"drafting": dialogue.drafting})
        texts: Mapping[str, str] = {fact.id: fact.text for fact in facts}
        sentences = tuple(filled(sentence, {}, texts) for sentence in draft.sentences)
        return Briefing(sentences=sentences, drafted_by="model", drafting=dialogue.drafting)

    def _rules(self, facts: Sequence[Fact]) -> Rules:
        model = self.configuration.model
        return Rules(
            words=model.words,
            longest=int(model.sentence_length.value),
            vocabulary=self.configuration.vocabulary,
            facts=frozenset(fact.id for fact in facts),
            names=self.names,
        )


def unfit(draft: BriefingDraft, facts: Sequence[Fact], rules: Rules) -> list[Violation]:
    """What must not stand: typed facts, a fact twice, a decision left out."""
    found = [
        fault
        for number, sentence in enumerate(draft.sentences, start=1)
        for fault in rules.faults(f"sentence {number}", sentence, fact=True)
    ]
    cited = [slot for sentence in draft.sentences for slot in SLOT.findall(sentence)]
    if not 1 <= len(draft.sentences) <= MOST_SENTENCES:
        found.append(Violation(code="briefing_length", message=f"write one to {MOST_SENTENCES} sentences"))
    for fact in facts:
        if cited.count(fact.id) > 1:
            found.append(Violation(code="fact_twice", message=f"{{{fact.id}}} stands more than once; use it once"))
        if fact.kind == "decide" and fact.id not in cited:
            found.append(Violation(code="decision_missing", message=f"{{{fact.id}}} has to be decided; write it, too"))
    return found
