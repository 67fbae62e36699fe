"""Text as people read it: without markup, addresses and quoted mail, and with look-alike signs written in one way. Pure."""

import re
import unicodedata
from functools import reduce
from html import unescape

Step = tuple[str, str]
"""A pattern, and what replaces each match. Patterns ignore case; a dot is any sign, line ends too."""

# A sign is written \uXXXX: PostgreSQL, Java and Python know that form, and RE2 has one that is made from it.
_INLINE = "a|abbr|b|big|code|del|em|font|i|ins|label|mark|q|s|small|span|strong|sub|sup|u|wbr"
_MARKUP: tuple[Step, ...] = (
    (r"<!--.*?-->", " "),
    (r"<style[ >].*?</style>", " "),
    (r"<script[ >].*?</script>", " "),
    (r"<head>.*?</head>", " "),
    (rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", ""),
    (r"</?[a-z][^<>]*>", "\n"),
)
# An address is replaced by a sign that is no word: the words around it do not become neighbours.
_ADDRESSES: tuple[Step, ...] = (
    (r"(?:[a-z]+://|www\.)[^\s<>\x22]*[^\s<>\x22.,;:!?)]", "\u2026"),
    (r"[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+", "\u2026"),
)
_WRITTEN_AS: dict[str, str] = {
    "'": "\u2018\u2019\u02bc\u02b9\u2032\u00b4\uff07",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "-": "\u2010\u2011",
    "": "\u00ad\u200b\u200c\u200d\u2060\ufeff",
}
"""By sign: the signs that look like it. Those that look like nothing (soft hyphens, marks of no width) are taken out."""
_LOOK_ALIKE = re.compile(f"[{''.join(_WRITTEN_AS.values())}]")
_LOOK_ALIKES = str.maketrans({sign: by for by, signs in _WRITTEN_AS.items() for sign in signs})

_MAIL_BELOW = re.compile(
    r"^[ \t]*(?:-{2,} ?(?:original message|ursprüngliche nachricht|message d'origine|mensaje original) ?-{2,}"
    r"|on\b[^\n]{5,150}\n?[^\n]{0,80}\bwrote:|am\b[^\n]{5,150}\n?[^\n]{0,80}\bschrieb\b[^\n]{0,80}:"
    r"|le\b[^\n]{5,150}\n?[^\n]{0,80}\ba écrit ?:|(?:from|von|de): [^\n]+\n[ \t]*(?:sent|date|to|gesendet|envoyé|enviado)\b"
    r"[^\n]*:)",
    re.IGNORECASE | re.MULTILINE,
)
_MAIL_IN_MARKUP = re.compile(
    r"<(?:div|blockquote)\b[^<>]*(?:gmail_quote|type=.?cite)[^<>]*>.*", re.IGNORECASE | re.DOTALL
)
_QUOTED_LINE = re.compile(r"^[ \t]*>.*\n?", re.MULTILINE)
_COMPILED = {steps: [(re.compile(pattern, re.IGNORECASE | re.DOTALL), by) for pattern, by in steps]
             for steps in (_MARKUP, _ADDRESSES)}  # fmt: skip


def plain_text(text: str) -> str:
    """The text that a person sees, with its line ends. Mail quoted below an answer is left out."""
    if text.isascii() and not any(sign in text for sign in ("<", ">", "&", "@", "://", "www.", "\n")):
        return text
    shown = _without_markup(text) if "<" in text else text
    shown = unescape(shown) if "&" in shown else shown
    shown = _without_mail_below(shown) if "\n" in shown or ">" in shown else shown
    if any(sign in shown for sign in ("@", "://", "www.", "WWW.", "Www.")):
        shown = _replaced(shown, _ADDRESSES)
    if shown.isascii():
        return shown
    return unicodedata.normalize("NFC", shown.translate(_LOOK_ALIKES) if _LOOK_ALIKE.search(shown) else shown)


def _without_markup(text: str) -> str:
    answer = _MAIL_IN_MARKUP.sub("", text)
    return _replaced(answer if _replaced(answer, _MARKUP).strip() else text, _MARKUP)


def _replaced(text: str, steps: tuple[Step, ...]) -> str:
    return reduce(lambda done, step: step[0].sub(step[1], done), _COMPILED[steps], text)


def _without_mail_below(text: str) -> str:
    """The answer above a quoted mail. A text that is nothing but the mail is what somebody wanted to show: it stays."""
    found = _MAIL_BELOW.search(text)
    answer = _QUOTED_LINE.sub("", text[: found.start()] if found else text)
    return answer if answer.strip() else text
