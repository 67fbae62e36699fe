"""Preference of people between two plays of the same account: labels, intervals, agreement. Pure.

One pair counts once, however many people labelled it. A model's labels never count as those of people.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import comb
from typing import Literal

from domain.record import Record
from evals.figures import Figure, share_figure

Choice = Literal["left", "right", "same"]
Side = Literal["A", "B", "same"]
JUDGE = "model:"
"""Beginning of the name of a labeller that is a model."""
_SURE = 0.05


class PlayPair(Record):
    """Two plays of one account as texts, of which nobody shall know who drafted which."""

    account: str
    name: str
    situation: str
    """Cause and circumstances, the same for both."""
    a: str
    b: str

    @property
    def key(self) -> str:
        """Hash of the two texts, in any order: a label belongs to exactly these plays."""
        return hashlib.sha256("\0".join(sorted((self.a, self.b))).encode()).hexdigest()[:12]

    def left_is_a(self, seed: int) -> bool:
        """True if A stands on the left. It depends on the seed and on the texts only."""
        digest = hashlib.sha256(f"{seed} {self.key}".encode()).digest()
        first = min(self.a, self.b) if digest[0] % 2 else max(self.a, self.b)
        return first == self.a

    def shown(self, seed: int) -> tuple[str, str]:
        """The two texts, left and right."""
        return (self.a, self.b) if self.left_is_a(seed) else (self.b, self.a)


class Label(Record):
    """The choice of one person, or model, between two plays."""

    by: str
    account: str
    pair: str
    seed: int
    choice: Choice


class Labels(Record):
    """A file of labels."""

    labels: tuple[Label, ...]


class Preference(Record):
    """Result of a comparison by labels."""

    pairs: int
    """Pairs that differ."""
    labelled: int
    preferred: Mapping[Side, int]
    """Pairs by the side that most people prefer; ``same`` also where people are divided evenly."""
    share_b: Figure
    """Share of decided pairs in which B is preferred."""
    p_value: float
    """Two-sided sign test: the chance of such a count if both were equally good."""
    needed: int | None
    """Smallest number of pairs for one side that would not pass for chance; None when there are too few pairs for any."""
    people: tuple[str, ...]
    agreement: Figure | None = None
    """Share of equal labels among people who labelled the same pair; None when no pair has two."""
    kappa: float | None = None
    """Agreement beyond chance: 0 is chance, 1 is perfect."""
    left: Figure
    """Share of left among choices of a side: far from one half, the places were judged, not the plays."""
    judge: Figure | None = None
    """Share of pairs in which the model prefers the same side as people; None without a model's labels."""
    outdated: int = 0
    """Labels about plays that are not these."""

    @property
    def is_sure(self) -> bool:
        """True if the difference hardly passes for chance."""
        return self.p_value < _SURE


def order_pairs(pairs: Iterable[PlayPair], seed: int, most: int) -> tuple[PlayPair, ...]:
    """Pairs that differ, shuffled by the seed, at most so many."""
    differ = [pair for pair in pairs if pair.a != pair.b]
    shuffled = sorted(differ, key=lambda pair: hashlib.sha256(f"{seed}/{pair.key}".encode()).digest())
    return tuple(shuffled[:most])


def side_of(label: Label, pair: PlayPair) -> Side:
    """The side that the label prefers."""
    if label.choice == "same":
        return "same"
    return "A" if (label.choice == "left") == pair.left_is_a(label.seed) else "B"


def preference(pairs: Sequence[PlayPair], labels: Sequence[Label]) -> Preference:
    """Preferences of people. A later label of the same person about the same pair replaces the earlier one."""
    known = {pair.key: pair for pair in pairs}
    last = {(label.pair, label.by): label for label in labels if label.pair in known}
    people = [label for label in last.values() if not label.by.startswith(JUDGE)]
    sides = _sides_by_pair(people, known)
    chosen = {key: _majority(found) for key, found in sides.items()}
    counts = Counter(chosen.values())
    decided = counts["A"] + counts["B"]
    left = [label.choice for label in people if label.choice != "same"]
    return Preference(
        pairs=len(pairs),
        labelled=len(chosen),
        preferred={side: counts[side] for side in ("A", "B", "same")},
        share_b=share_figure("prefer_b", "decided pairs in which B is preferred", counts["B"], decided, gated=False),
        p_value=sign_test(counts["A"], counts["B"]),
        needed=next((k for k in range(decided // 2 + 1, decided + 1) if sign_test(decided - k, k) < _SURE), None),
        people=tuple(sorted({label.by for label in people})),
        agreement=_agreement(sides.values()),
        kappa=_kappa(sides.values()),
        left=share_figure("left", "choices of the left side", left.count("left"), len(left), gated=False),
        judge=_judge_agreement(chosen, last.values(), known),
        outdated=sum(label.pair not in known for label in labels),
    )


def sign_test(one: int, other: int) -> float:
    """Chance that one side wins at least so often, or so seldom, if both were equally good."""
    n, most = one + other, max(one, other)
    return min(1.0, 2 * sum(comb(n, k) for k in range(most, n + 1)) / 2**n) if n else 1.0


def _sides_by_pair(labels: Iterable[Label], known: Mapping[str, PlayPair]) -> dict[str, list[Side]]:
    found: dict[str, list[Side]] = defaultdict(list)
    for label in labels:
        found[label.pair].append(side_of(label, known[label.pair]))
    return dict(found)


def _majority(sides: Sequence[Side]) -> Side:
    """The side with more votes; ``same`` when neither has."""
    lead = sides.count("A") - sides.count("B")
    return "A" if lead > 0 else "B" if lead < 0 else "same"


def _agreement(sides: Iterable[Sequence[Side]]) -> Figure | None:
    equal = [one == other for votes in sides for one, other in combinations(votes, 2)]
    if not equal:
        return None
    return share_figure("agreement", "equal labels of two people about one pair", sum(equal), len(equal), gated=False)


def _kappa(sides: Iterable[Sequence[Side]]) -> float | None:
    several = [votes for votes in sides if len(votes) > 1]
    agreed = _agreement(several)
    votes = Counter(side for found in several for side in found)
    chance = sum((count / votes.total()) ** 2 for count in votes.values()) if votes else 1.0
    return None if agreed is None or chance == 1 else round((agreed.value - chance) / (1 - chance), 3)


def _judge_agreement(
    chosen: Mapping[str, Side], labels: Iterable[Label], known: Mapping[str, PlayPair]
) -> Figure | None:
    equal = [
        side_of(label, known[label.pair]) == chosen[label.pair]
        for label in labels
        if label.by.startswith(JUDGE) and label.pair in chosen
    ]
    if not equal:
        return None
    return share_figure("judge", "pairs in which the model prefers what people prefer", sum(equal), len(equal), gated=False)  # fmt: skip
