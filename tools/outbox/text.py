"""Text of customers and colleagues for lines and fields: one line, without control or direction-changing characters."""

import html


def plain(text: object, most: int = 400) -> str:
    """The text on one line, at most ``most`` characters."""
    line = " ".join("".join(each if each.isprintable() else " " for each in str(text)).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def for_html(text: object) -> str:
    """Text for a field that the receiver shows as HTML."""
    return html.escape(plain(text, 4_000))


def for_slack(text: object) -> str:
    """Text for Slack: ``&``, ``<`` and ``>`` are its only marks for links, mentions and commands."""
    return plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
