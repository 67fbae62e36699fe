"""Output of the agents for each case: dossier, cause, plan line and save play."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from agents.churn_predictor import intervention_plan
from agents.conversation import ModelClient
from agents.play_drafter import PlayDrafter
from domain.diagnosis import CauseFinding
from domain.dossier import Dossier, Person
from domain.plan import PlanLine
from domain.save_play import PlayAction, SavePlay
from evals.case_portfolio import CasePortfolio
from evals.cases import Row
from tools.evidence.causes import diagnose
from tools.evidence.dossier import build_dossiers, load_people
from tools.planning.intervention_plan import build_plan_rows, read_plan_scores
from tools.scoring.scored_base import ScoredBase
from tools.working_days import WorkingDays


@dataclass(frozen=True)
class AgentOutput:
    """Output of the agents for one account."""

    dossier: Dossier
    finding: CauseFinding
    line: PlanLine | None
    """None when nothing is planned for the account."""
    play: SavePlay
    people: Mapping[str, Person]
    rows: Mapping[str, Sequence[Row]]
    """The account's own rows from the fixture, by table."""
    situation_actions: frozenset[str] = frozenset()
    """Ids of the actions of situations, which stand beside those of any cause."""

    @property
    def tier(self) -> str:
        """Intervention tier, or ``none``."""
        return self.dossier.intervention_tier or "none"

    @property
    def actions(self) -> list[PlayAction]:
        """Every action of the play."""
        return [action for phase in self.play.phases for action in phase.actions]


OpenModel = Callable[[], ModelClient | None]
"""Opens a client for the model, or returns None. Called once per portfolio: a client belongs to one event loop."""


def no_model() -> None:
    """Open no client: drafts come from the playbook."""
    return


def run_agents(portfolio: CasePortfolio, open_model: OpenModel = no_model) -> dict[str, AgentOutput]:
    """Output by account id for every case of the portfolio. With a model, it drafts the plays of accounts at risk."""
    base, configuration, team = portfolio.base, portfolio.base.configuration, load_people(portfolio.base)
    accounts = [case.account_id for case in portfolio.cases]
    lines = full_plan(base, team)
    base.select_accounts(accounts)
    found = build_dossiers(base, accounts, portfolio.history, base.signal_details())
    findings = [diagnose(dossier, configuration.causes, configuration.scoring) for dossier in found]
    situations = configuration.situations.values()
    beside = frozenset(action.id for situation in situations for action in situation.actions)
    plays = asyncio.run(_draft_plays(build_drafter(base, team, open_model()), found, findings))
    return {
        dossier.account_id: AgentOutput(
            dossier=dossier,
            finding=finding,
            line=lines.get(dossier.account_id),
            play=play,
            people=team,
            situation_actions=beside,
            rows={
                table: [row for row in rows if row.get("account_id") == dossier.account_id]
                for table, rows in portfolio.tables.items()
            },
        )
        for dossier, finding, play in zip(found, findings, plays, strict=True)
    }


def full_plan(base: ScoredBase, team: Mapping[str, Person]) -> dict[str, PlanLine]:
    """The whole intervention plan by account id, without the limit on rows per tier."""
    settings = base.configuration.review
    longer = settings.plan_rows_per_tier.model_copy(update={"value": 100_000})
    whole = settings.model_copy(update={"plan_rows_per_tier": longer})
    base = replace(base, configuration=base.configuration.model_copy(update={"review": whole}))
    scores = read_plan_scores(base)
    base.select_accounts([row["account_id"] for row in scores])
    rows = build_plan_rows(base, scores, base.signal_details())
    calendar = WorkingDays(base.configuration.review)
    plan = intervention_plan(rows, team, base.configuration, calendar, base.as_of)
    return {line.account_id: line for line in plan}


def build_drafter(base: ScoredBase, team: Mapping[str, Person], client: ModelClient | None) -> PlayDrafter:
    """The play drafter, set up as in a review."""
    return PlayDrafter(
        configuration=base.configuration,
        calendar=WorkingDays(base.configuration.review),
        people=team,
        records={},
        today=base.as_of,
        client=client,
    )


async def _draft_plays(
    drafter: PlayDrafter, found: Sequence[Dossier], findings: Sequence[CauseFinding]
) -> list[SavePlay]:
    async def each(dossier: Dossier, finding: CauseFinding) -> SavePlay:
        context = drafter.play_context(dossier, finding)
        asked = drafter.client is not None and dossier.at_risk
        return drafter.play(context, await drafter.draft(context) if asked else None)

    try:
        return list(await asyncio.gather(*(each(d, f) for d, f in zip(found, findings, strict=True))))
    finally:
        if drafter.client is not None:
            await drafter.client.close()


_QUOTED = re.compile(r"“[^”]*”")


def play_text(play: SavePlay) -> str:
    """All sentences that the product wrote for the play, in one text, without evidence, quotations and account names.

    What customers wrote stands between quotation marks, and only there: it is taken out.
    """
    said = [play.root_cause, play.opening, *play.questions, *play.escalation, play.cadence.note]
    for phase in play.phases:
        for action in phase.actions:
            said += [
                action.title,
                action.whole,
                action.purpose,
                action.metric,
                *action.because,
                *action.asks,
                action.result,
            ]
    said += [text for item in play.walk_away for text in (item.when, item.exit, item.way_back)]
    said += [text for item in play.success_criteria for text in (item.name, item.metric, item.target)]
    return _QUOTED.sub("“…”", "\n".join(said))
