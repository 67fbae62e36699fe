"""The tools that ask: a question in words, a save play, and the one tool that writes, a proposal for the next decision.

All three call `app.questions`, as the desk and `saveplay ask` do.
"""

import re
from collections.abc import Sequence

from app.desk.answers import answer_for, named_colleagues
from app.mcp.accounts import encoded, play_state
from app.mcp.reader import ReviewReader, owner_name
from app.mcp.records import Candidate, PartAnswer, ProposedPlay, QuestionResult, SavePlayAnswer, StepRow, TablePart
from app.questions import MAX_QUESTION_LENGTH, MOST_EARLIER, answer_play, answer_question
from app.report.formatting import word
from domain.desk import check_role
from domain.questions import AnswerPart, AnswerTable, QuestionAnswer, UserStatement
from domain.save_play import SavePlay
from tools.wording import format_date, format_money, plain_name

_CITED = re.compile(r"\b[AE]\d+\b")
_ROWS = 15
_STEPS = 12
_TERMS = 4
_SENTENCES = 12
_KNOWN = 8
_DRAFT = "a draft: nobody has proposed or decided it"


def ask(reader: ReviewReader, question: str, earlier: Sequence[str]) -> QuestionResult:
    """The answer to a question about the review's data, as this member may read it."""
    before = tuple(each[:MAX_QUESTION_LENGTH] for each in earlier if each.strip())[-MOST_EARLIER:]
    request = reader.loaded.request
    answered = answer_question(
        question,
        request.data,
        request.as_of,
        store=reader.service.store,
        configs=request.configs,
        asker=reader.member.person_id,
        earlier=before,
        way="MCP",
        cache=reader.service.base,
    )
    colleague = named_colleagues(" ".join((*before, question)), reader.loaded.people, reader.member)
    answered = answer_for(reader.member, answered, colleague)
    return QuestionResult(
        about=reader.about,
        question=question,
        carried=answered.carried,
        answered_by=answered.answered_by,
        parts=tuple(_part(reader, part) for part in answered.parts),
    )


def _part(reader: ReviewReader, part: AnswerPart) -> PartAnswer:
    return PartAnswer(
        kind=part.kind,
        sentences=part.sentences[:_SENTENCES],
        account_id=part.account_id,
        account=part.name,
        said=_said(part.said),
        known=part.known[:_KNOWN],
        candidates=tuple(
            Candidate(account_id=each.account_id, name=plain_name(each.name), why=each.why) for each in part.candidates
        ),
        tables=tuple(_table(table) for table in (*part.tables, *_more_tables(part, reader.currency)) if table.rows),
    )


def _said(statements: Sequence[UserStatement]) -> tuple[str, ...]:
    return tuple(f"{each.says} (“{plain_name(each.quote, 200)}”), taken as evidence from you" for each in statements)


def _table(table: AnswerTable) -> TablePart:
    return TablePart(
        title=table.title,
        source=table.source,
        columns=table.columns,
        rows=table.rows[:_ROWS],
        left_out=max(len(table.rows) - _ROWS, 0),
    )


def _more_tables(part: AnswerPart, currency: str) -> list[AnswerTable]:
    """The parts of an answer that pages lay out themselves, as tables."""
    return [
        AnswerTable(
            title="Plan",
            source="the plan of the day",
            columns=("id", "account", "priority", "action", "owner", "by"),
            rows=tuple(
                (line.account_id, plain_name(line.name), line.tier, line.action, owner_name(line.owner), str(line.by))
                for line in part.plan
            ),
        ),
        AnswerTable(
            title="Changes",
            source="the scores of this and the last review",
            columns=("id", "account", "change", "ARR", "note"),
            rows=tuple(
                (move.account_id, plain_name(move.name), move.change, format_money(move.arr, currency), move.note)
                for move in part.movements
            ),
        ),
        AnswerTable(
            title="Load",
            source="accounts, people and open actions",
            columns=("id", "CSM", "accounts", "at risk", "red", "hours free", "note"),
            rows=tuple(
                (
                    line.person_id, plain_name(line.name), str(line.accounts), str(line.at_risk_accounts), str(line.red_accounts),
                    "unknown" if line.hours_free is None else f"{line.hours_free:.0f}", line.note,
                )
                for line in part.capacity
            ),
        ),
        AnswerTable(
            title="Late",
            source="the actions of earlier reviews",
            columns=("action", "account", "owner", "due", "status"),
            rows=tuple(
                (each.title, plain_name(each.account_name), owner_name(each.owner), str(each.due), each.status)
                for each in part.commitments
            ),
        ),
        AnswerTable(
            title="Steps of the play",
            source="the playbook and the facts of the account",
            columns=("step", "owner", "due", "why"),
            rows=tuple(
                (step.action, owner_name(step.owner), str(step.due), "; ".join(step.because) or step.purpose)
                for phase in (part.play.phases if part.play else ())
                for step in phase.actions
            ),
        ),
        AnswerTable(
            title="Evidence",
            source="the rows of the account",
            columns=("id", "what is known", "on", "source"),
            rows=tuple(
                (fact.id, fact.statement, str(fact.observed_on or "unknown"), fact.source) for fact in part.evidence
            ),
        ),
    ]  # fmt: skip


# save plays ----------------------------------------------------------------------------------------------------------


def read_save_play(reader: ReviewReader, account: str, said: str) -> SavePlayAnswer:
    """The play of the review; a draft where it has none, or where something new is said. Writes nothing."""
    account_id = reader.account_id(account)
    play = reader.view.plays.get(account_id)
    if play is not None and not said.strip():
        return _play(reader, play, (), _decided(reader, play))
    answered = answer_play(
        account_id, said, reader.loaded.request, store=reader.service.store, way="MCP", cache=reader.service.base
    )
    part, drafted = _drafted(answered)
    return _play(reader, drafted, part.said, _DRAFT)


def _drafted(answered: QuestionAnswer) -> tuple[AnswerPart, SavePlay]:
    part = answered.parts[0]
    assert part.play is not None
    return part, part.play


def _decided(reader: ReviewReader, play: SavePlay) -> str:
    decision = reader.view.decisions.get(play.account_id)
    state = play_state(reader, play.account_id) or play.status
    if decision is None or play.status == "proposed":
        return state
    by = "automatically, by a setting" if decision.unattended else f"by {plain_name(decision.by)}"
    why = f": {plain_name(decision.reason, 200)}" if decision.reason and not decision.unattended else ""
    return f"{state} ({word(decision.decision)} {by}{why})"


def _play(reader: ReviewReader, play: SavePlay, said: Sequence[UserStatement], status: str) -> SavePlayAnswer:
    is_draft = status == _DRAFT
    states = {} if is_draft else _step_states(reader, play)
    steps = [(phase.title, step) for phase in play.phases for step in phase.actions]
    value = play.expected_value
    return SavePlayAnswer(
        about=reader.about,
        account_id=play.account_id,
        name=plain_name(play.name),
        status=status,
        arr=play.arr,
        currency=play.currency,
        renewal_date=play.renewal_date,
        owner=owner_name(play.owner),
        cause=play.cause_label,
        diagnosis=play.root_cause,
        evidence=tuple(
            f"{fact.id}: {fact.statement} ({fact.source}, {format_date(fact.observed_on) if fact.observed_on else 'no day'})"
            for fact in play.evidence
            if fact.id in _CITED.findall(play.root_cause)
        ),
        said=_said(said),
        say_first=play.opening,
        steps=tuple(
            StepRow(
                phase=title,
                what=step.action,
                owner=owner_name(step.owner),
                due=step.due,
                why=step.because or (step.purpose,),
                result=step.result,
                state=states.get(step.id, "proposed" if is_draft or play.status == "proposed" else play.status),
            )
            for title, step in steps[:_STEPS]
        ),
        steps_left_out=max(len(steps) - _STEPS, 0),
        success=tuple(f"{each.metric}: {each.target}, by {each.by}" for each in play.success_criteria[:_TERMS]),
        walk_away_when=tuple(each.when for each in play.walk_away[:_TERMS]),
        expected_value=f"{format_money(value.value, play.currency)}: {value.save_probability:.0%} to save ({value.save_basis}), "
        f"{value.hours:.0f} hours, cost {format_money(value.cost, play.currency)}",
        next="propose puts it before the next decision; people decide it"
        if is_draft
        else "people decide it in the review, on the desk or with saveplay decide",
        more="" if is_draft else f"the whole play is in {play_uri(reader.loaded.review_id, play.account_id)}",
    )


def play_uri(review_id: str, account_id: str) -> str:
    """The address of one play."""
    return f"saveplay://reviews/{review_id}/plays/{encoded(account_id)}"


def _step_states(reader: ReviewReader, play: SavePlay) -> dict[str, str]:
    """The state of each step that is an action by now, by id of the step."""
    progress = reader.session.store.progress()
    return {
        action.playbook_action: progress.get(action.id, (action.status, None))[0]
        for action in reader.review.actions
        if action.account_id == play.account_id and action.playbook_action
    }


def propose(reader: ReviewReader, account: str, said: str) -> ProposedPlay:
    """Put a play before the next decision, with its audit entry. Raises NotAllowed for a viewer, BusyError."""
    check_role(reader.member, "csm", "proposing a play")
    account_id = reader.account_id(account)
    answered = answer_play(
        account_id,
        said,
        reader.loaded.request,
        store=reader.service.store,
        propose_by=reader.member.name,
        way="MCP",
        cache=reader.service.base,
    )
    _, play = _drafted(answered)
    return ProposedPlay(
        about=reader.about,
        account_id=account_id,
        name=plain_name(play.name),
        proposed=answered.proposed,
        cause=play.cause_label,
        steps=sum(len(phase.actions) for phase in play.phases),
        next="People approve, edit, reject or defer it there. Until then nothing is done, and no other tool here can do it.",
    )
