"""The form in which people change a save play: its fields, what was typed into them, and what is wrong with each.

Plain fields: the form works without a script. A field keeps what was typed when something has to be corrected.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from domain.decisions import PlayDecision
from domain.dossier import Person
from domain.facts import ContactFact
from domain.plan_language import PlanVocabulary, Worded
from domain.save_play import PlayAction, SavePlay
from graph.decision_preview import DecisionPreview
from tools.evidence.fact_words import fact_reason, person_name
from tools.save_play.editing import WHOLE_PLAY
from tools.wording import plain_name

Options = Sequence[tuple[str, str]]
"""Value and words of each choice of a list."""
_PARTS = {"owner": "owners", "due": "dates", "swap": "swap", "person": "people", "after": "after", "remark": "remarks"}
"""Field of the form by part of the decision; the rest of a field's name is the action."""
_ROW = ("verb", "about", "with", "ask", "ask2", "result", "owner", "by")
"""Fields of a step that people add."""
_ROWS = 2
"""Empty rows for steps to add; saving gives room for more."""
_LABEL = 120
"""Letters of a fact in a list: longer ones are cut."""


@dataclass(frozen=True)
class EditForm:
    """One form. ``play`` is the play that it changes: as proposed, or planned again for another cause."""

    play: SavePlay
    causes: Options
    facts: Options
    theirs: Options
    ours: Options
    vocabulary: PlanVocabulary
    others: Mapping[str, Mapping[str, str]]
    """By action: the titles of the steps that could replace it."""
    typed: Mapping[str, str] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    replanned: bool = False

    @property
    def steps(self) -> list[PlayAction]:
        """All steps in their order."""
        return [action for phase in self.play.phases for action in phase.actions]

    def value(self, name: str, usual: object = "") -> str:
        """Value of a field: as it was typed, else the usual one."""
        return self.typed.get(name, str(usual if usual is not None else ""))

    def fault(self, name: str) -> str:
        """The mistake in a field, in plain words; empty without one."""
        return self.faults.get(name, "")

    def opened(self, action: str) -> bool:
        """True if a folded field of the step was filled or has a fault."""
        names = {f"{part}:{action}" for part in ("person", "swap", "remark")}
        return any(self.typed.get(name) for name in names) or any(
            name in self.faults for name in (*names, f"after:{action}")
        )

    @property
    def elsewhere(self) -> list[str]:
        """Faults that belong to no field of the page."""
        shown = {f"{part}:{action.id}" for part in (*_PARTS, "drop") for action in self.steps}
        shown |= {f"target:{each.name}:{part}" for each in self.play.success_criteria for part in ("by", "at_least")}
        shown |= {f"add:{row}:{part}" for row in self.rows for part in _ROW} | {"cause", f"remark:{WHOLE_PLAY}"}
        return [reason for name, reason in self.faults.items() if name not in shown]

    @property
    def rows(self) -> range:
        """Numbers of the rows for added steps: those that are filled, and empty ones."""
        filled = [int(name.split(":")[1]) for name in self.typed if name.startswith("add:")]
        return range(1, max(filled, default=0) + _ROWS + 1)

    @property
    def verbs(self) -> Options:
        """The verbs, in words."""
        return _terms(self.vocabulary.verbs)

    @property
    def questions(self) -> Options:
        """The questions, in words."""
        return _terms(self.vocabulary.questions)

    @property
    def results(self) -> Options:
        """The results, in words."""
        return _terms(self.vocabulary.results)


def _terms(terms: Mapping[str, Worded]) -> Options:
    return [(name, term.says) for name, term in terms.items()]


def build_form(
    preview: DecisionPreview,
    play: SavePlay,
    people: Mapping[str, Person],
    by: str,
    cause: str = "",
    typed: Mapping[str, str] | None = None,
    faults: Mapping[str, str] | None = None,
) -> EditForm:
    """The form for a play; with a cause, for the play planned again for it. Raises EditError for an unknown cause."""
    is_other = bool(cause) and cause != play.cause
    shown = preview.replanned(play.account_id, cause, by) if is_other else play
    context, account = preview.edit_context(play.account_id), play.account_id
    facts = context.dossier.facts
    theirs = [f for f in facts if isinstance(f, ContactFact) and f.status != "departed"]
    colleagues = sorted(people.values(), key=lambda person: (person.name, person.person_id))
    steps = [action for phase in shown.phases for action in phase.actions]
    return EditForm(
        play=shown,
        causes=[(name, rule.label) for name, rule in context.configuration.causes.causes.items()],
        facts=[(fact.id, plain_name(fact_reason(fact), _LABEL)) for fact in facts],
        theirs=[(fact.id, person_name(fact)) for fact in theirs],
        ours=[(person.person_id, person.name) for person in colleagues],
        vocabulary=context.configuration.plan,
        others={} if is_other else {action.id: preview.replacement_titles(account, action.id) for action in steps},
        typed=typed or {},
        faults=faults or {},
        replanned=is_other,
    )


# from the form to the decision -------------------------------------------------------------------------------------


def typed_fields(form: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Content of the fields, with the rows of added steps in one sequence: an empty row counts for nothing."""
    plain = {name: values[0].strip() for name, values in form.items() if values}
    rows = sorted(
        {int(name.split(":")[1]) for name in plain if name.startswith("add:") and name.split(":")[1].isdecimal()}
    )
    filled = [row for row in rows if any(plain.get(f"add:{row}:{part}") for part in _ROW)]
    found = {name: value for name, value in plain.items() if not name.startswith("add:")}
    for number, row in enumerate(filled, 1):
        found |= {f"add:{number}:{part}": plain.get(f"add:{row}:{part}", "") for part in _ROW}
    return found


def edit_from_fields(typed: Mapping[str, str]) -> dict[str, object]:
    """The edit: only what differs from the play as it was shown, which stands in fields named ``was:…``."""
    dropped = tuple(name.partition(":")[2] for name in typed if name.startswith("drop:"))
    swapped = {name.partition(":")[2] for name, value in typed.items() if name.startswith("swap:") and value}
    found: dict[str, dict[str, object]] = {part: {} for part in _PARTS.values()}
    targets: dict[str, dict[str, object]] = {}
    for name, now in typed.items():
        kind, _, action = name.partition(":")
        if not action or " ".join(now.split()) == " ".join(typed.get(f"was:{name}", "").split()):
            continue
        if kind == "target" and now:
            criterion, _, part = action.rpartition(":")
            targets.setdefault(criterion, {})[part] = now
            continue
        is_own = kind in ("swap", "remark") or action not in swapped  # a replacement has its own owner and date
        if kind in _PARTS and is_own and action not in dropped and (now or kind == "after"):
            found[_PARTS[kind]][action] = now
    return {**found, "targets": targets, "cause": typed.get("cause", ""), "drop": dropped, "add": _added(typed)}


def _added(typed: Mapping[str, str]) -> list[dict[str, object]]:
    rows = sorted({int(name.split(":")[1]) for name in typed if name.startswith("add:")})
    found: list[dict[str, object]] = []
    for row in rows:
        said = {part: typed.get(f"add:{row}:{part}", "") for part in _ROW}
        asks = tuple(said[part] for part in ("ask", "ask2") if said[part])
        terms = {"about": said["about"] or None, "with": said["with"] or None, "result": said["result"] or None}
        found.append({"verb": said["verb"], "owner": said["owner"], "by": said["by"], "asks": asks, **terms})
    return found


def fields_of(decision: PlayDecision) -> dict[str, str]:
    """The fields as a pending edit fills them, so that it can be changed further."""
    found = {
        f"{kind}:{action}": str(value)
        for kind, part in _PARTS.items()
        for action, value in getattr(decision, part).items()
    }
    found |= {f"drop:{action}": "1" for action in decision.drop}
    for name, change in decision.targets.items():
        found |= {f"target:{name}:{part}": str(value) for part, value in change.model_dump(exclude_none=True).items()}
    for row, added in enumerate(decision.add, 1):
        asks = (*added.asks, "", "")
        values = (added.verb, added.about, added.person, asks[0], asks[1], added.result, added.owner, str(added.by))
        found |= {f"add:{row}:{part}": value or "" for part, value in zip(_ROW, values, strict=True)}
    return (
        found
        | ({"cause": decision.cause} if decision.cause else {})
        | ({"reason": decision.reason} if decision.reason else {})
    )


def field_of(place: str) -> str:
    """Name of the form's field for a place in the decision: ``dates.sf-call`` is ``due:sf-call``."""
    part, _, rest = place.partition(".")
    if part == "add":
        row, _, name = rest.partition(".")
        return f"add:{row}:{'ask' if name.startswith('asks') else name}"
    if part == "targets":
        name, _, field_name = rest.rpartition(".")
        return f"target:{name or rest}:{field_name if name else 'by'}"
    kinds = {decided: kind for kind, decided in _PARTS.items()} | {"drop": "drop", "wording": "remark"}
    return f"{kinds[part]}:{rest}" if part in kinds else place
