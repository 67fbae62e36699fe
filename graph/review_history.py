"""Results of earlier reviews: who was at risk, which plays run, what became of them, what is still to do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.configuration import ReviewSettings
from domain.phase_results import AtRiskSnapshot, EarlierRun, IdentifyResult, RunningPlay, RunningPlays
from domain.renewals import PlayCommitment
from domain.running_play import Deferral
from domain.tracking import Action, SettledPlay, SettledPlays
from tools.planning.follow_up import PlayRecord, completed_actions, open_actions
from tools.planning.metrics import PassedForecast, ReviewHistory
from tools.planning.primary_actions import EarlierPrimaryActions, earlier_primary_actions
from tools.save_play.expected_value import SaveRecord
from tools.store.review_store import ReviewStore

RENEWAL_INTENT = "intent_in_writing"
"""Result of ``configs/plan.yaml`` that commits a customer to the renewal."""


@dataclass(frozen=True)
class EarlierReviews:
    """Reviews before ``day``, as many as are remembered. Reads the store, changes nothing."""

    store: ReviewStore
    settings: ReviewSettings
    day: date
    own: str = ""
    """Id of the review that asks: an earlier run of its week is not an earlier review. Empty for a question."""

    def _review_ids(self) -> list[str]:
        """The reviews that are remembered, newest first."""
        found = [
            review_id for review_id, as_of, _ in self.store.reviews() if as_of < self.day and review_id != self.own
        ]
        return found[::-1][: int(self.settings.remembered_reviews.value)]

    def snapshots(self) -> list[AtRiskSnapshot]:
        """Accounts at risk in each review, newest first."""
        found = (self.store.find(review_id, "standing", AtRiskSnapshot) for review_id in self._review_ids())
        return [snapshot for snapshot in found if snapshot is not None]

    def last_seen(self) -> dict[str, date]:
        """Account to the date of the latest review that had it at risk."""
        oldest_first = reversed(self.snapshots())
        return {item.account_id: snapshot.as_of for snapshot in oldest_first for item in snapshot.at_risk}

    def _running(self) -> Iterator[RunningPlays]:
        """The plays that ran after each review, newest first."""
        for review_id in self._review_ids():
            running = self.store.find(review_id, "running", RunningPlays)
            if running is not None:
                yield running

    def running_plays(self) -> dict[str, RunningPlay]:
        """The plays that run since the last review, by account; a play whose time is over has ended."""
        latest = next(self._running(), RunningPlays(plays=()))
        longest = timedelta(days=self.settings.play_days)
        return {play.account_id: play for play in latest.plays if self.day - play.created <= longest}

    def deferrals(self) -> dict[str, Deferral]:
        """Plays that people deferred, by account, also those whose day has come, as the last review left them."""
        latest = next(self._running(), RunningPlays(plays=()))
        return {deferral.account_id: deferral for deferral in latest.deferred}

    def actions_by_id(self) -> dict[str, Action]:
        """Every action of earlier reviews, as the latest one left it."""
        return {action.id: action for action in self._actions()}

    def approved_plays(self) -> list[RunningPlay]:
        """Every play that was ever approved, once, as its first review left it; oldest first."""
        found: dict[tuple[str, date], RunningPlay] = {}
        for running in reversed(list(self._running())):
            for play in running.plays:
                found.setdefault((play.account_id, play.created), play)
        return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]

    def save_records(self, outcomes: Mapping[str, str], settled: Sequence[SettledPlay]) -> dict[str, SaveRecord]:
        """Saves and losses by cause. ``outcomes``: account to its outcome since it was last at risk."""
        return _count_saves((play.cause, kept) for play, kept in self._ended_plays(outcomes, settled))

    def step_records(self, outcomes: Mapping[str, str], settled: Sequence[SettledPlay]) -> dict[str, SaveRecord]:
        """Saves and losses by playbook action, over the plays in which it was done by the day. ``outcomes`` as above."""
        done = self._days_done()
        return _count_saves(
            (action, kept)
            for play, kept in self._ended_plays(outcomes, settled)
            for actions in play.actions.values()
            for action in actions
            if play.action_id(action) in done
        )

    def _ended_plays(
        self, outcomes: Mapping[str, str], settled: Sequence[SettledPlay]
    ) -> Iterator[tuple[RunningPlay, bool]]:
        """Approved plays with an outcome, and whether the account was kept. An account may be at risk again since: what was
        settled stays."""
        ended = {
            (play.account_id, play.origin): play.status == "saved" for play in settled if play.status != "recovered"
        }
        for play in self.approved_plays():
            kind = outcomes.get(play.account_id)
            kept = ended.get((play.account_id, play.origin)) if kind is None else kind != "churned"
            if kept is not None:
                yield play, kept

    def settled_plays(self) -> tuple[SettledPlay, ...]:
        """Saves and losses up to the last review, newest first."""
        last = self._last_review()
        kept = self.store.find(last[0], "settled", SettledPlays) if last is not None else None
        return kept.plays if kept is not None else ()

    def play_record(self, play: RunningPlay, label: str) -> PlayRecord:
        """Progress of a running play by the end of the day. ``label``: its cause in words."""
        days, notes, actions = self._days_done(), self.store.progress_notes(), self.actions_by_id()
        done = [
            (days[action_id], actions[action_id].owner, notes.get(action_id, ""))
            for action_id in play.action_ids
            if action_id in days and action_id in actions
        ]
        return PlayRecord(label, play.origin, play.created, len(play.action_ids), done)

    def _days_done(self) -> dict[str, date]:
        """Ids of the actions that were done by the end of the day, with the day that people named, or this one."""
        progress = self.store.progress().items()
        return {
            each: on or self.day for each, (state, on) in progress if state == "done" and (on or self.day) <= self.day
        }

    def renewal_intents(self) -> list[PlayCommitment]:
        """Steps of plays whose result is the intent to renew in writing and that were done by the day; by account and day."""
        done, found = self._days_done(), set()
        for running in self._running():
            for play in running.plays:
                for step in play.steps.values():
                    if step.step is None or step.step.result != RENEWAL_INTENT:
                        continue
                    on = done.get(play.action_id(step.id))
                    if on is not None:
                        found.add(PlayCommitment(account_id=play.account_id, on=on))
        return sorted(found, key=lambda each: (each.account_id, each.on))

    def open_actions(self) -> list[Action]:
        """Actions of earlier reviews that were neither done nor dropped at the end of the day."""
        return open_actions(self._actions(), self.store.progress(), self.day)

    def primary_actions(self) -> EarlierPrimaryActions:
        """The primary actions of earlier reviews, open and done."""
        return earlier_primary_actions(self._actions(), self.store.progress(), self.day)

    def completed_actions(self) -> set[tuple[str, str]]:
        """Account id and playbook action of what earlier reviews approved and somebody had done by the end of the day."""
        return completed_actions(self._actions(), self.store.progress(), self.day)

    def carried_actions(self) -> list[Action]:
        """Actions that the last review still had to follow: what was settled before it is left out.

        What the last review dropped because its week was run again is in it: somebody may still be at work on it.
        """
        last = self._last_review()
        if last is None:
            return open_actions(self._actions(), self.store.progress(), self.day - timedelta(days=1))
        review_id, as_of = last
        actions, replaced = self._actions(), self.store.find(review_id, "earlier_run", EarlierRun)
        still_open = open_actions(actions, self.store.progress(), as_of - timedelta(days=1))
        gone = set(replaced.dropped if replaced else ()) - {action.id for action in still_open}
        return sorted([*still_open, *(each for each in actions if each.id in gone)], key=lambda action: action.id)

    def _last_review(self) -> tuple[str, date] | None:
        earlier = [(key, on) for key, on, _ in self.store.reviews() if on < self.day and key != self.own]
        return max(earlier, key=lambda each: each[1], default=None)

    def _actions(self) -> list[Action]:
        return self.store.actions_before(self.day, besides=self.own)

    def metrics_history(self, identified: IdentifyResult, records: Mapping[str, SaveRecord]) -> ReviewHistory:
        """Everything that the metrics need of earlier reviews."""
        snapshots = self.snapshots()
        regain = timedelta(days=int(self.settings.regain_after_days.value))
        old = [play for play in self.approved_plays() if self.day - play.created >= regain]
        return ReviewHistory(
            first_found={item.account_id: snapshot.as_of for snapshot in snapshots for item in snapshot.at_risk},
            outcomes=identified.outcomes,
            health_at_approval={play.account_id: play.health for play in old},
            health_now=identified.standing_now,
            forecast=_passed_forecast(snapshots, self.day, identified.outcomes),
            records=records,
        )


def _count_saves(ended: Iterable[tuple[str, bool]]) -> dict[str, SaveRecord]:
    """Saves and losses by name. Each case: the name, and whether the account was kept."""
    counts: dict[str, list[int]] = {}
    for name, kept in ended:
        counts.setdefault(name, [0, 0])[0 if kept else 1] += 1
    return {name: SaveRecord(saved, lost) for name, (saved, lost) in counts.items()}


def _passed_forecast(
    snapshots: Sequence[AtRiskSnapshot], day: date, outcomes: Mapping[str, str]
) -> PassedForecast | None:
    """The newest forecast whose time has passed, and the losses among its accounts; None while there is none."""
    for snapshot in snapshots:  # newest first
        weeks = snapshot.churn_horizon_weeks
        if weeks is not None and snapshot.as_of + timedelta(weeks=weeks) <= day:
            lost = sum(1 for item in snapshot.at_risk if outcomes.get(item.account_id) == "churned")
            chances = tuple(item.churn_probability for item in snapshot.at_risk)
            return PassedForecast(snapshot.review_id, weeks, chances, lost)
    return None
