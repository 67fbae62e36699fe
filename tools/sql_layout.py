"""A SQL statement laid out for reading: one clause, column or condition a line, as far as a line would be too long.

Pure text, and only blanks are changed: a statement laid out is the statement that was run.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

_WIDTH = 110
_STEP = 4
_TOKEN = re.compile(r"\s+|--[^\n]*|'(?:[^']|'')*'|\"[^\"]*\"|[\w.]+|.", re.DOTALL)
_CLAUSES = frozenset(
    ("with", "select", "from", "where", "group", "having", "order", "limit", "union", "left", "full", "cross", "semi",
     "positional")
)  # fmt: skip
_OPENING, _CLOSING = frozenset(("(", "[", "{", "case")), frozenset((")", "]", "}", "end"))


@dataclass
class _Node:
    """A token, or what is between an opening and a closing one; ``spaced`` when a blank was before it."""

    text: str
    spaced: bool
    inner: "list[_Node]" = field(default_factory=list)
    closing: str = ""
    closing_spaced: bool = False


def lay_out_sql(sql: str) -> str:
    """The same statement over several lines."""
    nodes, _, _ = _read(iter(_TOKEN.findall(sql)))
    return "\n".join(_lines(nodes, 0))


def _read(tokens: Iterator[str]) -> tuple[list[_Node], str, bool]:
    """The nodes up to the closing token, that token, and whether a blank was before it."""
    found: list[_Node] = []
    spaced = False
    for token in tokens:
        if token.isspace():
            spaced = True
            continue
        if token.lower() in _CLOSING:
            return found, token, spaced
        node = _Node(token, spaced)
        if token.lower() in _OPENING:
            node.inner, node.closing, node.closing_spaced = _read(tokens)
        found.append(node)
        spaced = False
    return found, "", False


def _flat(nodes: Sequence[_Node]) -> str:
    """On one line."""
    return "".join((" " if node.spaced else "") + _flat_node(node) for node in nodes).strip()


def _flat_node(node: _Node) -> str:
    inside = "".join((" " if each.spaced else "") + _flat_node(each) for each in node.inner)
    return node.text + inside + (" " if node.closing_spaced else "") + node.closing


def _has(nodes: Sequence[_Node], test: Callable[[str], bool]) -> bool:
    return any(test(node.text) or _has(node.inner, test) for node in nodes)


def _is_comment(text: str) -> bool:
    return text.startswith("--")


def _is_clause(nodes: Sequence[_Node], place: int) -> bool:
    word = nodes[place].text.lower()
    before = nodes[place - 1].text.lower() if place else ""
    if word in ("join", "by", "outer"):
        return word == "join" and before not in ("left", "full", "cross", "semi", "positional", "outer")
    follows_call = place + 1 < len(nodes) and nodes[place + 1].text == "(" and not nodes[place + 1].spaced
    return word in _CLAUSES and not follows_call and before != "distinct" and not (word == "select" and before == "all")


def _split(nodes: Sequence[_Node], begins: Callable[[Sequence[_Node], int], bool]) -> list[list[_Node]]:
    """The nodes in parts, a new one wherever ``begins`` says so."""
    parts: list[list[_Node]] = [[]]
    for place, node in enumerate(nodes):
        if parts[-1] and begins(nodes, place):
            parts.append([])
        parts[-1].append(node)
    return parts


def _after_comma(nodes: Sequence[_Node], place: int) -> bool:
    return nodes[place - 1].text == ","


def _has_comma(nodes: Sequence[_Node]) -> bool:
    return any(node.text == "," for node in nodes)


def _word(*words: str) -> Callable[[Sequence[_Node], int], bool]:
    return lambda nodes, place: nodes[place].text.lower() in words


def _condition(nodes: Sequence[_Node], place: int) -> bool:
    """At ``and`` or ``or``, but not at the one that belongs to ``between``."""
    earlier = [node.text.lower() for node in nodes[:place]]
    word = nodes[place].text.lower()
    last = next((text for text in reversed(earlier) if text in ("and", "or", "between")), "")
    return word == "or" or (word == "and" and last != "between")


_BREAKS = (_after_comma, _word("when", "else"), _condition, _word("+"))


def _lines(nodes: Sequence[_Node], indent: int) -> list[str]:
    """The nodes as lines, each indented."""
    if not nodes:
        return []
    if _is_comment(nodes[0].text):
        return [" " * indent + nodes[0].text, *_lines(nodes[1:], indent)]
    flat = _flat(nodes)
    if len(flat) + indent <= _WIDTH and not _has(nodes, _is_comment):
        return [" " * indent + flat]
    clauses = _split(nodes, _is_clause)
    if len(clauses) > 1:
        return [line for clause in clauses for line in _lines(clause, indent)]
    if _is_clause(nodes, 0) and len(nodes) > 1:
        head = 2 if nodes[1].text.lower() in ("by", "all", "join") else 1
        return [" " * indent + _flat(nodes[:head]), *_lines(nodes[head:], indent + _STEP)]
    places = [place for place, node in enumerate(nodes) if _is_comment(node.text)]
    if places and not _has_comma(nodes):
        return [*_lines(nodes[: places[0]], indent), *_lines(nodes[places[0] :], indent)]
    for begins in _BREAKS:
        parts = _split(nodes, begins)
        if len(parts) > 1:
            return [line for part in parts for line in _lines(part, indent)]
    return _open_groups(nodes, indent)


def _open_groups(nodes: Sequence[_Node], indent: int) -> list[str]:
    """The long groups of a line that cannot be split, each with what is in it on lines of its own."""
    lines, begun = [], " " * indent
    for node in nodes:
        begun += " " if node.spaced and begun.strip() else ""
        text = _flat_node(node)
        fits = len(text) + indent <= _WIDTH - _STEP and not _has(node.inner, _is_comment)
        if not node.inner or fits:
            begun += text
            continue
        lines.append(begun + node.text)
        lines += _lines(node.inner, indent + _STEP)
        begun = " " * indent + node.closing
    return [*lines, begun] if begun.strip() else lines
