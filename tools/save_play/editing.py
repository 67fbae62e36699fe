"""Edits of a save play by people: checked field by field, then the play is made again from the library. Pure.

An edit chooses among the account's own facts, people and the vocabulary. Only remarks hold free words, apart from the plan.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from domain.decisions import PlayDecision
from domain.play_edits import MAX_REMARK, PlayEdits, Remark
from domain.playbook import PHASES, Phase
from domain.save_play import PlayAction, SavePlay
from tools.save_play.added_steps import added_id
from tools.save_play.builder import ChosenAction, build_play, playbook_choices
from tools.save_play.context import PlayContext
from tools.wording import format_number, plain_name, plural, quote

WHOLE_PLAY = "play"
"""Place of a remark about the whole play."""
_FIGURE = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


# the context of an edited play ------------------------------------------------------------------------------------


def edited_context(context: PlayContext, edits: PlayEdits) -> PlayContext:
    """The context with the changes of people: the cause that they named, the steps that they added."""
    if edits == context.edits:
        return context
    finding, label = context.finding, cause_label(context, edits.cause)
    if edits.cause and label and edits.cause != finding.category:
        said = f"{edits.by} names this cause. The review found: {finding.label}."
        finding = finding.model_copy(
            update={
                "category": edits.cause,
                "label": label,
                "reasoning": said,
                "runner_up": finding.category,
                "runner_up_label": finding.label,
            }
        )
    return replace(context, finding=finding, edits=edits)


def cause_label(context: PlayContext, cause: str) -> str | None:
    """Label of a cause; None for one that does not exist."""
    rule = context.configuration.causes.causes.get(cause)
    return rule.label if rule else None


def edits_of(decision: PlayDecision, play: SavePlay, context: PlayContext, by: str) -> PlayEdits:
    """The changes of a decision, on top of those that the play has already."""
    old, dropped = play.edits, set(decision.drop)
    added = {added_id(each): each for each in (*old.added, *decision.add)}
    remarks = [remark for remark in old.remarks if remark.at not in dropped]
    remarks += [_remark(text, place, by, play, context) for place, text in sorted(decision.own_words.items())]
    return PlayEdits(
        by=by,
        cause=decision.cause or old.cause,
        added=tuple(each for action, each in added.items() if action not in dropped),
        people=_left(old.people | decision.people, dropped),
        after=_left(old.after | decision.after, dropped),
        targets=old.targets | decision.targets,
        remarks=tuple(remarks),
    )


def _left(values: dict[str, str], dropped: set[str]) -> dict[str, str]:
    return {action: value for action, value in sorted(values.items()) if action not in dropped}


def _remark(text: str, place: str, by: str, play: SavePlay, context: PlayContext) -> Remark:
    words = plain_name(text, MAX_REMARK)
    known = set(_numbers_in(_record_of(play, context)))
    strange = tuple(dict.fromkeys(figure for figure in _numbers_in(words) if figure not in known))
    return Remark(text=words, by=by, on=context.today, at="" if place == WHOLE_PLAY else place, untraced=strange)


def _record_of(play: SavePlay, context: PlayContext) -> str:
    """Everything about the account that people can read, in one text: facts, evidence, rows, the plan."""
    said = [fact.model_dump_json() for fact in context.dossier.facts]
    said += [f"{item.statement} {item.shown}" for item in play.evidence]
    said += [f"{row.key} {row.text}" for item in play.evidence for row in item.rows]
    said += [f"{phase.starts} {phase.ends}" for phase in play.phases]
    said += [
        f"{each.due} {each.follow_up} {each.title} {each.whole} {each.effort_hours:g}" for each in actions_of(play)
    ]
    said += [f"{each.target} {each.metric} {each.by}" for each in play.success_criteria]
    said += [
        f"{amount:.2f} {format_number(amount, 0)}" for amount in (play.arr, play.contract_arr) if amount is not None
    ]
    said += [f"{play.renewal_date} {play.renewal_in_days} {play.name} {context.today}"]
    return " ".join(said)


def _numbers_in(text: str) -> list[str]:
    """The numbers in a text, without separators of thousands and without decimals that say nothing."""
    found = [figure.replace(",", "") for figure in _FIGURE.findall(text)]
    return [figure.rstrip("0").rstrip(".") if "." in figure else figure.lstrip("0") or "0" for figure in found]


# the play made again ----------------------------------------------------------------------------------------------


def edit_play(play: SavePlay, decision: PlayDecision, context: PlayContext, by: str) -> SavePlay:
    """The play with everything of the decision but owners, dates and dropped steps. Its fields were checked before."""
    edited = edited_context(context, edits_of(decision, play, context, by))
    choices = edited_choices(play, decision.swap, edited)
    made = build_play(edited, choices)
    note = made.drafted_note if edited.finding.category != play.cause else play.drafted_note
    update = {
        "drafted_by": made.drafted_by if edited.finding.category != play.cause else play.drafted_by,
        "drafted_note": f"{note} {_kept(play, made)}" if edited.finding.category != play.cause else note,
        "draft": None if edited.finding.category != play.cause else play.draft,
        "drafting": play.drafting,
        "asked": play.asked,
        "doubt": play.doubt if play.doubt is not None and play.doubt.cause != made.cause else None,
        "evidence": tuple(dict.fromkeys((*play.evidence, *made.evidence))),
        "version": play.version,
    }
    return made.model_copy(update=update)


def edited_choices(play: SavePlay, swap: Mapping[str, str], context: PlayContext) -> dict[Phase, list[ChosenAction]]:
    """The steps of the edited play: those that stay with their owner and date, the replacements, and the added ones."""
    known = {phase: {action.id: action for action in context.library(phase)} for phase in PHASES}
    phases = {phase.phase: phase.actions for phase in play.phases}
    stay = {action.id: action for action in actions_of(play)}
    chosen: dict[Phase, list[ChosenAction]] = {phase: [] for phase in PHASES}
    if context.finding.category != play.cause:
        proposed = {
            phase: [choice.action.id for choice in choices] for phase, choices in playbook_choices(context).items()
        }
    else:
        proposed = {phase: [action.id for action in phases[phase]] for phase in PHASES}
    for phase in PHASES:
        for action_id in (swap.get(each, each) for each in proposed[phase]):
            old = stay.get(action_id)
            owner = context.people.get(old.owner_id or "") if old else None
            changed = action_id in context.edits.people or action_id in context.edits.after
            kept = old if play.drafting.outcome == "goes_on" and not changed else None
            chosen[phase].append(ChosenAction(known[phase][action_id], owner, old.due if old else None, kept=kept))
    taken = {choice.action.id for choices in chosen.values() for choice in choices}
    for added in context.edits.added:
        phase = context.phase_on(added.by)
        if added_id(added) not in taken:
            action = known[phase][added_id(added)]
            chosen[phase].append(ChosenAction(action, context.people[added.owner], added.by))
    return chosen


def _kept(old: SavePlay, new: SavePlay) -> str:
    """Words for what a changed cause kept of the play."""
    before, now = [a.id for a in actions_of(old)], {a.id: a.title for a in actions_of(new)}
    kept = [now[action] for action in before if action in now]
    said = f"Kept: {'; '.join(kept)}." if kept else "No step was kept."
    return f"{new.edits.by} changed the cause from {old.cause_label} to {new.cause_label}. {said} {plural(len(now) - len(kept), 'step')} new."


def actions_of(play: SavePlay) -> list[PlayAction]:
    """All steps of a play, in their order."""
    return [action for phase in play.phases for action in phase.actions]


def describe_edit(
    decision: PlayDecision,
    titles: Mapping[str, str] = MappingProxyType({}),
    people: Mapping[str, str] = MappingProxyType({}),
) -> tuple[str, ...]:
    """The changes of an edit in words. ``titles`` and ``people``: words for a step and names for a person instead of ids."""

    def name(action: str) -> str:
        return quote(titles[action]) if action in titles else "the play" if action == WHOLE_PLAY else action

    found = [f"cause is now {decision.cause.replace('_', ' ')}"] if decision.cause else []
    found += [
        f"owner of {name(action)} is now {people.get(person, person)}"
        for action, person in sorted(decision.owners.items())
    ]
    found += [f"{name(action)} is due {on}" for action, on in sorted(decision.dates.items())]
    found += [f"{name(old)} is replaced by {name(new)}" for old, new in sorted(decision.swap.items())]
    found += [
        f"{name(action)} is done with {people.get(person, person)}"
        for action, person in sorted(decision.people.items())
    ]
    found += [
        f"{name(action)} comes after {name(other) if other else 'no other step'}"
        for action, other in sorted(decision.after.items())
    ]
    found += [f"target of {criterion} is changed" for criterion in sorted(decision.targets)]
    found += [f"{name(added_id(added))} is added" for added in decision.add]
    found += [f"remark on {name(action)}" for action in sorted(decision.own_words)]
    return tuple(found + [f"{name(action)} is left out" for action in decision.drop])
