"""Questions in the terminal for an edit of a play: every answer is a number of a list, a date, or a remark.

An edit is tried before it is taken: what is wrong with it is said, and the question comes again.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from rich.console import Console
from rich.prompt import Prompt

from app.parsing import field_problems
from domain.decisions import PlayDecision
from domain.errors import DecisionError, EditError
from domain.facts import ContactFact
from domain.save_play import SavePlay
from tools.evidence.fact_words import fact_reason, person_name
from tools.save_play.editing import WHOLE_PLAY
from tools.wording import plain_name

if TYPE_CHECKING:
    from graph.decision_preview import DecisionPreview

Choices = Sequence[tuple[str, str]]
"""Value and words of each choice of a list."""
_LABEL = 110
"""Letters of a choice: a line of a terminal."""
_MENU: Choices = (
    ("add", "add a step"), ("cause", "change the cause"), ("people", "change with whom a step is done"),
    ("owners", "change an owner"), ("dates", "change a date"), ("after", "let a step wait for another"),
    ("drop", "leave a step out"), ("targets", "change a success criterion"), ("remarks", "add a remark"), ("done", "done"),
)  # fmt: skip


class EditPrompts:
    """The questions about one play. ``preview`` has its facts, people and vocabulary."""

    def __init__(self, play: SavePlay, preview: "DecisionPreview", console: Console, by: str) -> None:
        self._play, self._preview, self._console, self._by = play, preview, console, by
        self._context = preview.edit_context(play.account_id)
        self._given: dict[str, Any] = {}

    def ask(self) -> dict[str, Any]:
        """The changes, as a decision has them; empty if nothing was changed."""
        while (part := self._choose("What to change", _MENU)) != "done":
            changed = self._with_change(part, _ASK[part](self))
            if self._try(changed):
                self._given = changed
        return self._given

    def _with_change(self, part: str, change: Any) -> dict[str, Any]:
        old = self._given.get(part)
        if part == "cause":
            return {**self._given, part: change}
        if part in ("add", "drop"):
            return {**self._given, part: (*(old or ()), change)}
        return {**self._given, part: {**(old or {}), **change}}

    def _try(self, given: dict[str, Any]) -> bool:
        try:
            decision = PlayDecision.model_validate(
                {"account": self._play.account_id, "decision": "edit", "by": self._by, **given}
            )
            edited = self._preview.play(decision)
        except ValidationError as error:
            return self._refuse([f"{field}: {reason}" for field, reason in field_problems(error)])
        except EditError as error:
            return self._refuse([f"{field}: {reason}" for field, reason in error.faults])
        except DecisionError as error:
            return self._refuse([str(error)])
        for remark in edited.edits.remarks:
            if remark.untraced:
                self._console.print(f"Not on record: {', '.join(remark.untraced)}")
        if edited.cause != self._play.cause:
            self._console.print(edited.drafted_note)
        return True

    def _refuse(self, reasons: Sequence[str]) -> bool:
        for reason in reasons:
            self._console.print(f"Not taken. {reason}.")
        return False

    # one change --------------------------------------------------------------------------------------------------

    def _add(self) -> dict[str, Any]:
        terms, facts = self._context.configuration.plan, self._facts
        verbs, results = [(n, t.says) for n, t in terms.verbs.items()], [(n, t.says) for n, t in terms.results.items()]
        questions = [(name, term.says) for name, term in terms.questions.items()]
        asks = self._choose("Ask", questions, "nothing")
        return {
            "verb": self._choose("What", verbs),
            "about": self._choose("About", facts, "nothing in particular") or None,
            "with": self._choose("With", [*self._theirs, *self._ours], "nobody") or None,
            "asks": (asks,) if asks else (),
            "result": self._choose("What comes out", results, "not said") or None,
            "owner": self._choose("Owner", self._ours),
            "by": self._line("Due (like 2026-11-27)"),
        }

    def _cause(self) -> str:
        causes = self._context.configuration.causes.causes
        return self._choose("Cause", [(name, rule.label) for name, rule in causes.items()])

    def _person(self) -> dict[str, str]:
        return {self._step(): self._choose("With", [*self._theirs, *self._ours])}

    def _owner(self) -> dict[str, str]:
        return {self._step(): self._choose("Owner", self._ours)}

    def _date(self) -> dict[str, str]:
        return {self._step(): self._line("Due (like 2026-11-27)")}

    def _after(self) -> dict[str, str]:
        return {self._step(): self._choose("It comes after", self._steps, "no other step")}

    def _step(self) -> str:
        return self._choose("Step", self._steps)

    def _target(self) -> dict[str, dict[str, str]]:
        criteria = [(each.name, f"{each.name}: {each.target}, by {each.by}") for each in self._play.success_criteria]
        name = self._choose("Criterion", criteria)
        day, number = self._line("By (empty: as it is)"), self._line("At least (empty: as it is)")
        return {name: {part: value for part, value in (("by", day), ("at_least", number)) if value}}

    def _remark(self) -> dict[str, str]:
        place = self._choose("On", [(WHOLE_PLAY, "the whole play"), *self._steps])
        return {place: self._line("Your words")}

    # lists -------------------------------------------------------------------------------------------------------

    @property
    def _steps(self) -> Choices:
        decision = {"account": self._play.account_id, "decision": "edit", "by": self._by, **self._given}
        play = self._preview.play(PlayDecision.model_validate(decision)) if self._given else self._play
        return [(each.id, f"{each.due} {each.title}") for phase in play.phases for each in phase.actions]

    @property
    def _facts(self) -> Choices:
        return [(fact.id, fact_reason(fact)) for fact in self._context.dossier.facts]

    @property
    def _theirs(self) -> Choices:
        found = [fact for fact in self._context.dossier.facts if isinstance(fact, ContactFact)]
        return [(fact.id, person_name(fact)) for fact in found if fact.status != "departed"]

    @property
    def _ours(self) -> Choices:
        people = sorted(self._context.people.values(), key=lambda person: (person.name, person.person_id))
        return [(person.person_id, person.name) for person in people]

    def _choose(self, what: str, choices: Choices, empty: str = "") -> str:
        """The value of the choice with the number that was typed; empty for 0, where that is offered."""
        if empty:
            self._console.print(f"  0  {empty}")
        for number, (_, words) in enumerate(choices, 1):
            self._console.print(f"{number:>3}  {plain_name(words, _LABEL)}")
        while True:
            typed = Prompt.ask(f"{what} (a number)", console=self._console).strip()
            if typed.isdecimal() and (0 if empty else 1) <= int(typed) <= len(choices):
                return choices[int(typed) - 1][0] if int(typed) else ""
            self._console.print("That is no number of the list.")

    def _line(self, what: str) -> str:
        return Prompt.ask(what, default="", show_default=False, console=self._console).strip()


_ASK: dict[str, Callable[[EditPrompts], Any]] = {
    "add": EditPrompts._add, "cause": EditPrompts._cause, "people": EditPrompts._person, "owners": EditPrompts._owner,
    "dates": EditPrompts._date, "after": EditPrompts._after, "drop": EditPrompts._step, "targets": EditPrompts._target,
    "remarks": EditPrompts._remark,
}  # fmt: skip
