"""A few SVG primitives. Every text and attribute is escaped; colours come from the page's style sheet by class."""

import unicodedata
from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from app.report.formatting import single_line


def coordinate(value: float) -> str:
    """A coordinate with at most one decimal, so that the same numbers give the same bytes."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def element(name: str, content: object = "", **attributes: object) -> Markup:
    """One element; ``class_`` and other trailing underscores drop off, inner underscores become hyphens."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    listed = "".join(
        f' {key}="{coordinate(value) if isinstance(value, int | float) else escape(single_line(value))}"'
        for key, value in pairs
    )
    inner = content if isinstance(content, Markup) else escape(single_line(content))
    return Markup(f"<{name}{listed}>{inner}</{name}>" if inner else f"<{name}{listed}/>")


def join(parts: Iterable[Markup]) -> Markup:
    """Elements one after the other."""
    return Markup("").join(parts)


def image(width: float, height: float, label: str, parts: Iterable[Markup], class_: str) -> Markup:
    """A picture with its label, which scales with the page."""
    body = join(parts)
    return element(
        "svg", body, class_=class_, role="img", aria_label=label, viewBox=f"0 0 {coordinate(width)} {coordinate(height)}",
        width=width, height=height,
    )  # fmt: skip


def text(x: float, y: float, content: str, class_: str, anchor: str = "start") -> Markup:
    """A line of text."""
    return element("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def rect(x: float, y: float, width: float, height: float, class_: str) -> Markup:
    """A rectangle."""
    return element("rect", x=x, y=y, width=width, height=height, class_=class_)


def path(points: Sequence[tuple[float, float]], class_: str) -> Markup:
    """An open line through points."""
    return element("path", d="M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points), class_=class_)


def tier_mark(tier: str, x: float, y: float, size: float) -> Markup:
    """The shape of a risk tier: diamond, triangle, circle, ring. A word is always beside it or in the key."""
    s, class_ = size, f"mark mark-{tier}"
    if tier == "critical":
        corners: tuple[tuple[float, float], ...] = (
            (x, y - s * 1.2),
            (x + s * 1.2, y),
            (x, y + s * 1.2),
            (x - s * 1.2, y),
        )
    elif tier == "high":
        corners = ((x, y - s * 1.1), (x + s * 1.1, y + s * 0.85), (x - s * 1.1, y + s * 0.85))
    else:
        return element("circle", cx=x, cy=y, r=s * (0.95 if tier == "medium" else 0.75), class_=class_)
    return element(
        "polygon", points=" ".join(f"{coordinate(px)},{coordinate(py)}" for px, py in corners), class_=class_
    )


def text_width(content: str, size: float = 12) -> float:
    """About how wide a text is; wide letters and emoji count double."""
    return sum(size * (1.05 if unicodedata.east_asian_width(char) in "WF" else 0.56) for char in content)


def shorten(name: str, longest: int = 26) -> str:
    """A name that fits beside a mark."""
    flat = single_line(name)
    return flat if len(flat) <= longest else flat[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
