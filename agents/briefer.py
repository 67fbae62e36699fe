"""The briefing that opens the meeting: rules give the facts, a model may join them into a few sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agents.conversation import Message, ModelClient
from agents.repair_loop import RepairLoop, parse_answer
from domain.configuration import Configuration
from domain.drafting import BriefingDraft, DraftingRecord, Violation
from domain.plan import Briefing
from tools.planning.briefing import BriefingFact, plain_sentences
from tools.prompts import render_prompt
from tools.save_play.answer_schema import briefing_schema
from tools.save_play.sentence_rules import PLACEHOLDER, SentenceRules, fill_placeholders, restore_placeholders


@dataclass(frozen=True)
class Briefer:
    """Writes the briefing; ``names`` may appear in slots only, never typed."""

    configuration: Configuration
    names: frozenset[str]
    client: ModelClient | None

    async def write(self, facts: Sequence[BriefingFact]) -> Briefing:
        """The briefing in a model's words if they pass the checks, else one sentence for each fact."""
        ordinary = Briefing(sentences=plain_sentences(facts), drafted_by="rules", drafting=DraftingRecord())
        if self.client is None:
            return ordinary
        most = int(self.configuration.model.briefing_sentences.value)
        loop = RepairLoop(
            self.client,
            self.configuration,
            "briefing",
            (
                Message("system", render_prompt("briefing_rules")),
                Message("user", render_prompt("briefing_facts", facts=facts, most=most)),
            ),
            briefing_schema(len(facts), most),
        )
        rules, texts_by_id = self._rules(facts), {fact.id: fact.anonymised_text for fact in facts}
        draft = await loop.run(
            lambda text: parse_answer(text, BriefingDraft).map_sentences(
                lambda sentence: restore_placeholders(sentence, texts_by_id)
            ),
            lambda answer: check_briefing(answer, facts, rules, most),
        )
        if draft is None:
            return ordinary.model_copy(update={"drafting": loop.drafting})
        texts: Mapping[str, str] = {fact.id: fact.text for fact in facts}
        sentences = tuple(fill_placeholders(sentence, {}, texts) for sentence in draft.sentences)
        return Briefing(sentences=sentences, drafted_by="model", drafting=loop.drafting)

    def _rules(self, facts: Sequence[BriefingFact]) -> SentenceRules:
        model = self.configuration.model
        return SentenceRules(
            words=model.words,
            max_length=int(model.sentence_length.value),
            vocabulary=self.configuration.vocabulary,
            facts=frozenset(fact.id for fact in facts),
            names=self.names,
        )


def check_briefing(
    draft: BriefingDraft, facts: Sequence[BriefingFact], rules: SentenceRules, most: int
) -> list[Violation]:
    """Violations of the briefing: typed facts, a fact used twice, a decision left out."""
    found = [
        violation
        for number, sentence in enumerate(draft.sentences, start=1)
        for violation in rules.check(f"sentence {number}", sentence, fact=True)
    ]
    cited = [slot for sentence in draft.sentences for slot in PLACEHOLDER.findall(sentence)]
    if not 1 <= len(draft.sentences) <= most:
        found.append(Violation(code="briefing_length", message=f"write one to {most} sentences"))
    for fact in facts:
        if cited.count(fact.id) > 1:
            found.append(Violation(code="fact_twice", message=f"{{{fact.id}}} stands more than once; use it once"))
        if fact.kind == "decide" and fact.id not in cited:
            found.append(Violation(code="decision_missing", message=f"{{{fact.id}}} has to be decided; write it, too"))
    return found
