"""The charts of the review, drawn as SVG: pure functions from numbers to markup.

Every chart has a label; the page shows its table beside it. Unknown is a gap in a line, never a zero.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import NamedTuple

from markupsafe import Markup

from app.report import svg
from app.report.formatting import counted, number, score, short_day, short_money, signed, word

ScatterPoint = tuple[str, float, float, str]
"""Name, risk, ARR, tier."""
Box = tuple[float, float, float, float]
WIDTH, LEFT, RIGHT = 720.0, 58.0, 132.0
_MAX_LABELS = 9


def _scale(low: float, high: float, start: float, end: float) -> "Scale":
    return Scale(low, high if high > low else low + 1, start, end)


class Scale:
    """A straight line from values to coordinates; values outside are drawn at the edge."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, high, start, end

    def __call__(self, value: float) -> float:
        """The coordinate of a value."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


@cache
def tier_glyph(tier: str) -> Markup:
    """The shape of a risk tier beside its word."""
    return svg.element("svg", svg.tier_mark(tier, 7, 7, 5), class_="glyph", viewBox="0 0 14 14", aria_hidden="true")


@cache
def band_glyph(band: str) -> Markup:
    """The band of a health score as one, two or three filled bars of three: more is healthier."""
    filled = {"red": 1, "yellow": 2, "green": 3}.get(band, 0)
    bars = (
        svg.rect(1 + 4.5 * i, 9 - 4 * i, 3.4, 4 + 4 * i, f"bar bar-{band}" if i < filled else "bar bar-off")
        for i in range(3)
    )
    return svg.element("svg", svg.join(bars), class_="glyph", viewBox="0 0 14 14", aria_hidden="true")


# --- risk and ARR -----------------------------------------------------------------------------------------------------


def scatter_chart(points: Sequence[ScatterPoint], currency: str, at_risk_above: float | None = None) -> Markup:
    """Risk across, ARR up on a logarithmic scale; the heaviest accounts carry their names.

    ``at_risk_above`` is the risk of the configuration from which an account is at risk; no line is drawn without it.
    """
    height, bottom = 400.0, 352.0
    amounts = [max(arr, 1.0) for _, _, arr, _ in points] or [1.0, 10.0]
    low, high = math.floor(math.log10(min(amounts)) * 2) / 2, math.ceil(math.log10(max(amounts)) * 2 + 0.2) / 2
    across, up = _scale(0, 100, LEFT, WIDTH - RIGHT), _scale(low, high, bottom, 24)
    placed = [(across(risk), up(math.log10(max(arr, 1.0))), name, risk * arr, tier) for name, risk, arr, tier in points]
    placed.sort(key=lambda dot: (dot[3], dot[2]))
    label = f"Risk and ARR of {len(points)} accounts"
    zone: list[Markup] = []
    limit: list[Markup] = []
    labels_from = LEFT
    if at_risk_above is not None:
        labels_from, shown = across(at_risk_above), number(at_risk_above, 2)
        label += f"; at risk from {shown} to the right"
        zone = [svg.rect(labels_from, 24, across(100) - labels_from, bottom - 24, "zone")]
        limit = [svg.line(labels_from, 24, labels_from, bottom, "threshold"),
                 svg.text(labels_from + 6, 17, f"at risk above {shown}", "tick strong")]  # fmt: skip
    parts = [
        *zone,
        *_scatter_axes(across, up, bottom, currency),
        *limit,
        *(svg.tier_mark(tier, x, y, 5.5) for x, y, _, _, tier in placed),
        *_labels([(x, y, name) for x, y, name, _, _ in placed], labels_from, bottom),
    ]
    return svg.image(WIDTH, height, f"{label}.", parts, "chart scatter")


def _scatter_axes(across: Scale, up: Scale, bottom: float, currency: str) -> list[Markup]:
    parts = [svg.text(6, 13, f"ARR, {currency}", "tick strong")]
    for risk in range(0, 101, 20):
        parts += [svg.line(across(risk), bottom, across(risk), bottom + 5, "axis"),
                  svg.text(across(risk), bottom + 20, f"{risk}", "tick", "middle")]  # fmt: skip
    parts.append(svg.text(across(50), bottom + 40, "Risk (high is bad)", "tick strong", "middle"))
    for exponent in range(math.ceil(up.low * 2), math.floor(up.high * 2) + 1):
        if exponent % 2 == 0:
            y = up(exponent / 2)
            parts += [svg.line(LEFT, y, WIDTH - RIGHT, y, "grid"),
                      svg.text(LEFT - 8, y + 4, short_money(10 ** (exponent / 2)), "tick", "end")]  # fmt: skip
    return [*parts, svg.line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis")]


def _labels(dots: list[tuple[float, float, str]], from_x: float, bottom: float) -> list[Markup]:
    """Names of the heaviest dots, each where it covers no other dot and no other name."""
    taken: list[Box] = [(x - 5, y - 5, x + 5, y + 5) for x, y, _ in dots]
    parts: list[Markup] = []
    for x, y, name in [dot for dot in reversed(dots) if dot[0] >= from_x][:_MAX_LABELS]:
        shown = svg.shorten(name)
        wide = svg.text_width(shown)
        for left, top in _label_positions(x, y, wide):
            box = (left, top, left + wide, top + 14)
            inside = left > LEFT and left + wide < WIDTH - 4 and top > 20 and top + 14 < bottom
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                parts.append(svg.text(left, top + 12, shown, "label"))
                break
    return parts


def _label_positions(x: float, y: float, wide: float) -> Iterator[tuple[float, float]]:
    """Possible positions of a name: beside, above, below, then at the corners, near before far."""
    for away in (0.0, 5.0):
        for left in (x + 9, x - 9 - wide):
            yield left, y - 7 - away
            yield left, y - 7 + away
        yield x - wide / 2, y - 22 - away
        yield x - wide / 2, y + 8 + away


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


# --- the bridge -------------------------------------------------------------------------------------------------------


def bridge_chart(steps: Sequence[tuple[str, float, int]], currency: str) -> Markup:
    """ARR at risk from last week to this one; steps are name, ARR and accounts, the first and the last being totals."""
    shown = [step for index, step in enumerate(steps) if step[1] or index in (0, len(steps) - 1)]
    tops = _bar_ends(shown)
    height, bottom = 300.0, 236.0
    up = _scale(0, max([1.0, *(max(pair) for pair in tops)]), bottom, 36)
    slot = (WIDTH - 12) / max(len(shown), 1)
    parts = [svg.line(6, bottom, WIDTH - 6, bottom, "axis")]
    for index, ((name, arr, accounts), (start, end)) in enumerate(zip(shown, tops, strict=True)):
        x, total = 6 + slot * index, index in (0, len(shown) - 1)
        kind = "total" if total else "rise" if arr > 0 else "fall"
        upper, lower = min(up(start), up(end)), max(up(start), up(end))
        middle = x + slot / 2
        amount = short_money(arr) if total else _signed_short(arr)
        parts += [svg.rect(x + slot * 0.14, upper, slot * 0.72, max(lower - upper, 2), f"step {kind}"),
                  svg.text(middle, upper - 9, amount, "label number", "middle"),
                  svg.text(middle, bottom + 20, word(name), "tick strong", "middle")]  # fmt: skip
        if accounts:
            parts.append(svg.text(middle, bottom + 38, counted(abs(accounts), "account"), "tick", "middle"))
        if index < len(shown) - 1:
            parts.append(svg.line(x + slot * 0.86, up(end), x + slot * 1.14, up(end), "join"))
    label = f"ARR at risk in {currency}: " + "; ".join(f"{word(name)} {short_money(arr)}" for name, arr, _ in shown)
    return svg.image(WIDTH, height, label, parts, "chart bridge")


def _bar_ends(steps: Sequence[tuple[str, float, int]]) -> list[tuple[float, float]]:
    """Start and end of each bar."""
    found: list[tuple[float, float]] = []
    running = 0.0
    for index, (_, arr, _) in enumerate(steps):
        start = 0.0 if index in (0, len(steps) - 1) else running
        running = start + arr
        found.append((start, running))
    return found


def _signed_short(amount: float) -> str:
    return ("+" if amount > 0 else "\N{MINUS SIGN}") + short_money(abs(amount))


# --- renewals by month ------------------------------------------------------------------------------------------------


class RenewalBar(NamedTuple):
    """One month: its name, and ARR up for renewal, at risk, committed and expected to stay."""

    name: str
    arr: float
    at_risk: float
    committed: float
    expected: float


def renewals_chart(bars: Sequence[RenewalBar], currency: str) -> Markup:
    """ARR up for renewal by month: the part at risk from the ground, the committed part beside it, the expected as a line."""
    height, bottom = 300.0, 236.0
    up = _scale(0, max([1.0, *(bar.arr for bar in bars)]), bottom, 36)
    slot = (WIDTH - 12) / max(len(bars), 1)
    parts = [svg.line(6, bottom, WIDTH - 6, bottom, "axis")]
    for index, bar in enumerate(bars):
        x, wide = 6 + slot * (index + 0.16), slot * 0.68
        middle, (month, _, year) = x + wide / 2, bar.name.partition(" ")
        if bar.arr:
            parts += [svg.rect(x, up(bar.arr), wide, bottom - up(bar.arr), "renewal-rest"),
                      svg.rect(x, up(bar.at_risk), wide, bottom - up(bar.at_risk), "renewal-risk"),
                      svg.rect(x, up(bar.committed), wide / 4, bottom - up(bar.committed), "renewal-committed"),
                      svg.line(x - 4, up(bar.expected), x + wide + 4, up(bar.expected), "renewal-expected"),
                      svg.text(middle, up(bar.arr) - 9, short_money(bar.arr), "label number", "middle")]  # fmt: skip
        parts += [svg.text(middle, bottom + 20, month, "tick strong", "middle"),
                  svg.text(middle, bottom + 38, year, "tick", "middle")]  # fmt: skip
    label = f"ARR up for renewal in {currency}: " + "; ".join(
        f"{bar.name} {short_money(bar.arr)}, at risk {short_money(bar.at_risk)}" for bar in bars if bar.arr
    )
    return svg.image(WIDTH, height, label, parts, "chart renewals")


# --- health over time -------------------------------------------------------------------------------------------------


def _known_stretches(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """The known stretches of a line: a gap stays a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is None:
            runs.append([])
        else:
            runs[-1].append((x, y))
    return [run for run in runs if run]


def health_chart(
    values: Sequence[tuple[date, float | None]], name: str, bands: Sequence[tuple[str, float]] = ()
) -> Markup:
    """Weekly health of one account over the bands of the configuration, given as name and lowest health, rising."""
    width, height, bottom = 520.0, 210.0, 172.0
    up = _scale(0, 100, bottom, 14)
    across = _scale(0, max(len(values) - 1, 1), 40, width - 96)
    parts: list[Markup] = []
    tops = [*(low for _, low in bands[1:]), 100.0]
    for (band, low), high in zip(bands, tops, strict=False):
        parts += [svg.rect(40, up(high), width - 136, up(low) - up(high), f"band band-{band}"),
                  svg.text(36, up(low) + 4, number(low, 2), "tick", "end"),
                  svg.text(width - 48, up((low + high) / 2) + 4, word(band), "tick")]  # fmt: skip
    runs = _known_stretches(
        [(across(i), None if health is None else up(health)) for i, (_, health) in enumerate(values)]
    )
    parts += [svg.path(run, "trend") for run in runs if len(run) > 1]
    parts += [svg.element("circle", cx=x, cy=y, r=2.6, class_="dot") for run in runs for x, y in run]
    if values:
        parts += [svg.text(40, bottom + 20, short_day(values[0][0]), "tick"),
                  svg.text(width - 96, bottom + 20, short_day(values[-1][0]), "tick", "end")]  # fmt: skip
        if values[-1][1] is not None:
            x, y = across(len(values) - 1), up(values[-1][1])
            parts += [svg.element("circle", cx=x, cy=y, r=4.5, class_="dot now"),
                      svg.text(x + 9, y + 4, score(values[-1][1]), "label number")]  # fmt: skip
    known = [health for _, health in values if health is not None]
    span = f"from {score(known[0])} to {score(known[-1])}" if known else "unknown"
    return svg.image(width, height, f"Health of {name}, high is good: {span}.", parts, "chart history")


def sparkline(values: Sequence[tuple[date, float | None]], red_below: float | None = None) -> Markup:
    """A tiny health line, with a limit where an account turns red; the numbers are written beside it."""
    across, up = _scale(0, max(len(values) - 1, 1), 2, 66), _scale(0, 100, 26, 2)
    runs = _known_stretches(
        [(across(i), None if health is None else up(health)) for i, (_, health) in enumerate(values)]
    )
    limit = [] if red_below is None else [svg.line(2, up(red_below), 66, up(red_below), "limit")]
    parts = [*limit, *(svg.path(run, "trend") for run in runs if len(run) > 1)]
    if values and values[-1][1] is not None:
        parts.append(svg.element("circle", cx=across(len(values) - 1), cy=up(values[-1][1]), r=2.4, class_="dot now"))
    known = [health for _, health in values if health is not None]
    moved = f"health {signed(known[-1] - known[0])} since {short_day(values[0][0])}" if len(known) > 1 else "no history"
    return svg.image(70, 28, moved, parts, "spark")


# --- capacity ---------------------------------------------------------------------------------------------------------

CsmLoad = tuple[str, float, float, float | None, int, bool]
"""Name, hours committed, hours asked, hours there are (committed and free), red accounts, overloaded."""


def capacity_chart(loads: Sequence[CsmLoad]) -> Markup:
    """Hours of each CSM as a stacked bar against what there is, and the red accounts as squares."""
    row, left = 46.0, 190.0
    height = row * len(loads) + 34
    most = max([1.0, *(committed + asked for _, committed, asked, *_ in loads), *(load[3] or 0 for load in loads)])
    across = _scale(0, most, left, WIDTH - 150)
    parts: list[Markup] = []
    for index, (name, committed, asked, there, red, overloaded) in enumerate(loads):
        y = row * index + 10
        parts += [svg.text(left - 12, y + 18, svg.shorten(name, 24), "label", "end"),
                  svg.rect(left, y + 4, across(committed) - left, 20, "hours committed"),
                  svg.rect(across(committed), y + 4, across(committed + asked) - across(committed), 20, "hours asked"),
                  *(svg.rect(WIDTH - 136 + 11 * i, y + 9, 8, 10, "red-account") for i in range(min(red, 9))),
                  svg.text(WIDTH - 32, y + 19, f"{red}{' !' if overloaded else ''}", "label number")]  # fmt: skip
        if there is not None:
            parts.append(svg.line(across(there), y, across(there), y + 28, "limit"))
    parts += [svg.text(left, height - 8, "hours: committed, asked by this week's plays, | = there are", "tick"),
              svg.text(WIDTH - 136, height - 8, "red accounts", "tick")]  # fmt: skip
    return svg.image(WIDTH, height, f"Hours and red accounts of {len(loads)} CSMs.", parts, "chart capacity")
