"""Doubts of a model about a cause: checked against the facts of the account. Pure.

A doubt changes nothing. What does not hold is dropped with the reason; it costs no plan.
"""

from collections.abc import Iterator, Sequence

from domain.diagnosis import CauseDoubt
from domain.drafting import DoubtDraft
from tools.evidence.causes import UNDETERMINED, question_between
from tools.evidence.fact_text import FactText
from tools.save_play.context import PlayContext
from tools.save_play.prompt_facts import PromptFact, resolve_fact
from tools.wording import plain_name

MIN_FACTS = 2
"""Facts that a doubt needs: one is a sign, and the cause that it speaks against rests on several."""
_MAX_FACTS = 4


def check_doubt(
    doubt: DoubtDraft | None, context: PlayContext, facts: Sequence[PromptFact], model: str
) -> tuple[CauseDoubt | None, str]:
    """The doubt as people see it, or None and the reason. Both are empty for an answer without a doubt."""
    if doubt is None:
        return None, ""
    finding, causes = context.finding, context.configuration.causes
    rule = causes.causes.get(doubt.cause)
    if rule is None:
        return None, f"no cause is called {plain_name(doubt.cause, 40)!r}"
    if doubt.cause == finding.category:
        return None, "it names the cause that the review found"
    found = dict(
        each for handle in doubt.because if (each := resolve_fact(handle, facts, context.evidence)) is not None
    )
    unknown = [handle for handle in doubt.because if resolve_fact(handle, facts, context.evidence) is None]
    if len(found) < MIN_FACTS:
        said = f"; {plain_name(unknown[0], 40)!r} is no fact of the account" if unknown else ""
        return None, f"it needs {MIN_FACTS} facts and has {len(found)}{said}"
    cited = list(found.items())[:_MAX_FACTS]
    other = (
        (finding.candidates or (finding.runner_up or "",))[0] if finding.category == UNDETERMINED else finding.category
    )
    return CauseDoubt(
        cause=doubt.cause,
        label=rule.label,
        because=tuple(fact for fact, _ in cited),
        reasons=tuple(words for _, words in cited),
        question=question_between(doubt.cause, other if other != doubt.cause else None, causes),
        model=model,
    ), ""


def unfounded(doubt: CauseDoubt, context: PlayContext) -> Iterator[str]:
    """Faults of a doubt that stands in a play; none for one that ``check_doubt`` made for this account."""
    rule = context.configuration.causes.causes.get(doubt.cause)
    if rule is None or rule.label != doubt.label:
        yield f"{plain_name(doubt.label, 40)!r} is no cause that a play can have"
    words = FactText.of(context.dossier.facts, (), context.today)
    known = {item.id: item.statement for item in context.evidence}
    known |= {fact.id: words.sentence(fact) for fact in context.facts.facts if fact.id in doubt.because}
    if len(set(doubt.because) & set(known)) < MIN_FACTS:
        yield f"a doubt needs {MIN_FACTS} facts of the account"
    elif doubt.reasons != tuple(known.get(fact) for fact in doubt.because):
        yield "its reasons are not the facts that it cites"
