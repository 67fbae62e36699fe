"""The decisions file: a template that people fill in, and its reader."""

from pathlib import Path

from pydantic import ValidationError

from domain.decisions import CloseDecision, Decisions
from domain.errors import DecisionError
from domain.review import Review
from domain.running_play import Consequences, PlayProgress
from tools.evidence.fact_words import fact_reason
from tools.planning.decisions import reason_for_asking
from tools.wording import format_arr, plain_name
from tools.yaml_file import read_yaml

_LABEL = 90
"""Letters of a fact in a comment: a line of the file."""


def decisions_template(review: Review) -> str:
    """A decisions file to fill in: one entry for each play, with its actions as comments."""
    lines = [
        f"# Decisions for {review.review_id}. Fill in, then: saveplay decide {review.review_id} --file decisions.yaml",
        "# decision: approve, edit, reject (with a reason) or defer (with until: a date)",
        "# A play that runs: continue, change or edit, stop (with a reason) or defer",
        "# For an edit: owners: {action id: person id}, dates: {action id: date}, drop: [action id], cause: a cause,",
        "#   people: {action id: contact}, after: {action id: action id}, remarks: {action id or play: your words},",
        "#   targets: {criterion: {by: date, at_least: number}},",
        "#   add: [{verb: call, about: fact, with: contact, asks: [question], owner: person id, by: date}]",
        "# Verbs, questions and results are in configs/plan.yaml; facts and contacts of each account stand below it.",
        f"review: {review.review_id}",
        "decided_by:   # who decides",
        "others:       # approve or reject: primary actions of the accounts that have no play",
        f"budget: {review.needs.budget:g}   # {review.needs.currency} for this week's plays",
        "plays:" if len(review.plays) > len(review.needs.waiting) else "plays: []",
    ]
    causes, facts = {cause.account_id: cause for cause in review.causes}, review.facts
    waiting = {each.account_id: each for each in review.needs.waiting}
    for play in review.plays:
        about = f"{play.name}, {play.cause_label}, {format_arr(play.arr, play.currency)}"
        lines.append("  # " + " ".join(about.split()))
        wait, mark = waiting.get(play.account_id), ""
        if wait is not None:
            lines.append(
                f"  # waits for hours: lacks {wait.lacks}. To run it all the same, remove the # of the next lines"
            )
            mark = "# "
        lines.append(f"  {mark}- account: {_quoted(play.account_id)}")
        running, effect = review.running.get(play.account_id), review.consequences.get(play.account_id)
        if running is not None:
            lines.append("  # " + " ".join(f"{running.proposal}: {running.why}".split()))
        for word, text in effect_lines(effect, running):
            lines.append("  # " + " ".join(f"{word}: {text}".split()))
        if play.doubt is not None:
            said = f"{play.doubt.model} doubts the cause: {' '.join(play.doubt.reasons)} Ask: {play.doubt.question}"
            lines.append("  # " + " ".join(said.split()))
            lines.append(f"  # To take it over: decision: edit, cause: {play.doubt.cause}")
        lines.append(f"  {mark}  version: {_quoted(play.version)}")
        lines.append(f"  {mark}  decision:")
        if rule := reason_for_asking("approve", play, causes.get(play.account_id)):
            lines.append(f"    # reason: needed to approve it; {rule}")
        for action in (action for phase in play.phases for action in phase.actions):
            lines.append(f"    #   {action.id}: {action.due}, {' '.join(action.owner.split())}")
        lines += [
            f"    #   {fact.id}: {plain_name(fact_reason(fact), _LABEL)}" for fact in facts.get(play.account_id, ())
        ]
    lines += ["# The close of the meeting, when critical accounts have no owner yet:", "# close:"]
    lines.append("#   owners: {account id: person id}")
    return "\n".join(lines) + "\n"


def effect_lines(effect: Consequences | None, running: PlayProgress | None) -> list[tuple[str, str]]:
    """Effect of each decision, with the word for it."""
    if effect is None:
        return []
    if running is None:
        return [("approve", effect.approve), ("reject", effect.reject), ("defer", effect.defer)]
    change = [("change", effect.approve)] if running.proposal == "change" else []
    return [("continue", effect.continue_), *change, ("stop", effect.reject), ("defer", effect.defer)]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_decisions(path: Path, review_id: str) -> Decisions:
    """The decisions in a file. Raises DecisionError naming file, line and key; plays and people are checked later."""
    try:
        document = read_yaml(path, DecisionError)
    except FileNotFoundError:
        raise DecisionError(f"{path}: No such file or directory") from None
    if not isinstance(document.content, dict):
        what = "is empty" if document.content is None else "has no keys"
        raise DecisionError(f"{path.name} {what}; it needs review, decided_by and plays")
    try:
        decisions = Decisions.model_validate(document.content)
    except ValidationError as error:
        raise DecisionError(document.explain(error, whole="the file")) from None
    if decisions.unattended:  # it frees decisions of their reasons, so a file may not claim it
        raise DecisionError(f"{path.name}: unattended: this is recorded by --approve all or none; remove the line")
    if decisions.review != review_id:
        raise DecisionError(f"{path.name} is about {decisions.review}, not {review_id}")
    return decisions


def unattended_decisions(review_id: str, answer: str) -> Decisions:
    """The decisions of ``--approve all`` and ``--approve none``, marked as taken without a person."""
    approve = answer == "all"
    return Decisions(
        review=review_id,
        decided_by=f"unattended (--approve {answer})",
        rest="approve" if approve else "reject",
        others="approve" if approve else "reject",
        close=CloseDecision(notes="Closed without a meeting."),
        unattended=True,
    )
