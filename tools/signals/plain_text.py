"""Text as people read it: without markup, addresses and quoted mail, and with look-alike signs written in one way.

Pure. ``plain_text`` cleans one text. The same steps, as patterns that every engine knows, clean the texts in the engine
before a phrase is searched there. That search may find more than there is, never less: what it cannot decide (a rare
entity, an accent typed as a sign of its own) it finds, and the text itself decides.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import reduce
from html import unescape

from tools.sql import sql_string

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
_ENTITIES: tuple[Step, ...] = (
    (r"&(?:nbsp|ensp|emsp|thinsp|#160|#xa0|#8239);", " "),
    (r"&(?:apos|rsquo|lsquo|#0*39|#x27|#8216|#8217|#x2018|#x2019);", "'"),
    (r"&(?:quot|ldquo|rdquo|#34|#8220|#8221);", '"'),
    (r"&(?:ndash|mdash|#8211|#8212);", "-"),
    (r"&(?:shy|zwnj|#173|#8203);", ""),
    (r"&(?:lt|#60);", "<"),
    (r"&(?:gt|#62);", ">"),
    (r"&(?:amp|#38);", "&"),
)
_USUAL_ENTITIES = {"&nbsp;": " ", "&#39;": "'", "&rsquo;": "'", "&quot;": '"', "&lt;": "<", "&gt;": ">", "&amp;": "&"}
"""Those that most texts have no others than, by what they stand for: replaced without a pattern, which is ten times as fast."""
_ANY_ENTITY = "&(?:#|[a-z])"
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
_LOOK_ALIKES: tuple[Step, ...] = tuple(
    ("[" + "".join(f"\\u{ord(sign):04x}" for sign in signs) + "]", by) for by, signs in _WRITTEN_AS.items()
)
_ANY_LOOK_ALIKE = f"[{''.join(_WRITTEN_AS.values())}]"
STEPS = (*_MARKUP, *_ENTITIES, *_ADDRESSES, *_LOOK_ALIKES)
"""The steps of an engine, in their order."""

_RARE_MARKUP = "regexp_matches(shown, '<(?:!--|style|script|head)', 'i')"
_LAYERS = (
    (f"contains(shown, '<') and {_RARE_MARKUP}", _MARKUP[:4]),
    ("contains(shown, '<')", _MARKUP[4:]),
    (f"contains(shown, '&') and regexp_matches(shown, '{_ANY_ENTITY}', 'i')", _ENTITIES),
    ("contains(shown, '@') or contains(shown, '://') or contains(shown, 'www.')", _ADDRESSES),
    (f"strlen(shown) <> length(shown) and regexp_matches(shown, '{_ANY_LOOK_ALIKE}')", _LOOK_ALIKES),
)  # fmt: skip
"""For the embedded engine: which texts need which steps."""

UNDECIDED = r"&(?:#[0-9]+|#x[0-9a-f]+|[a-z][a-z0-9]+);|[\u0300-\u036f]"
"""A pattern of what is left when an engine has done the steps, and only ``plain_text`` can read."""

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
             for steps in (_MARKUP, _ADDRESSES, _LOOK_ALIKES)}  # fmt: skip


def plain_text(text: str) -> str:
    """The text that a person sees, with its line ends. Mail quoted below an answer is left out."""
    if text.isascii() and not any(sign in text for sign in ("<", ">", "&", "@", "://", "www.", "\n")):
        return text
    answer = _MAIL_IN_MARKUP.sub("", text)
    shown = unescape(_replaced(answer if _replaced(answer, _MARKUP).strip() else text, _MARKUP))
    return unicodedata.normalize("NFC", _replaced(_replaced(_without_mail_below(shown), _ADDRESSES), _LOOK_ALIKES))


def _replaced(text: str, steps: tuple[Step, ...]) -> str:
    return reduce(lambda done, step: step[0].sub(step[1], done), _COMPILED[steps], text)


def _without_mail_below(text: str) -> str:
    """The answer above a quoted mail. A text that is nothing but the mail is what somebody wanted to show: it stays."""
    found = _MAIL_BELOW.search(text)
    answer = _QUOTED_LINE.sub("", text[: found.start()] if found else text)
    return answer if answer.strip() else text


def plain_text_query(query: str, text: str) -> str:
    """The rows of ``query`` in the embedded engine, with ``text``, an expression over them, made plain as ``shown``.

    One layer for each group of steps: most texts need none of them, which a cheap test shows.
    """
    found = f"select *, {text} as shown from ({query})"
    for needed, steps in _LAYERS[:2]:
        found = _layer(found, needed, nested_steps("shown", steps, _duckdb_step))
    usual = nested_steps("shown", tuple(_USUAL_ENTITIES.items()), _replace_sql)
    found = _layer(found, "contains(shown, '&')", usual)
    for needed, steps in _LAYERS[2:]:
        found = _layer(found, needed, nested_steps("shown", steps, _duckdb_step))
    return found


def _layer(query: str, needed: str, shown: str) -> str:
    return f"select * replace (case when {needed} then {shown} else shown end as shown) from ({query})"


def _replace_sql(text: str, sign: str, by: str) -> str:
    return f"replace({text}, {sql_string(sign)}, {sql_string(by)})"


def nested_steps(text: str, steps: tuple[Step, ...], one: Callable[[str, str, str], str]) -> str:
    """The steps one around the other. ``one`` gives the SQL of a step from a text, a pattern and a replacement."""
    return reduce(lambda inner, step: one(inner, *step), steps, text)


def _duckdb_step(text: str, pattern: str, by: str) -> str:
    return f"regexp_replace({text}, {sql_string(re2_pattern(pattern))}, {sql_string(by)}, 'gis')"


def re2_pattern(pattern: str) -> str:
    """The pattern as the embedded engine's library writes it."""
    return re.sub(r"\\u([0-9a-f]{4})", r"\\x{\1}", pattern)
