"""Templates filled from a review: the HTML pages and the Markdown files.

Both environments refuse undefined names, escape every value, and never print a Python name such as ``None``.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import platformdirs
from jinja2 import BaseLoader, Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, escape

from app.report import charts, figures, groups, markdown, wording
from app.report.view import ReviewView

_TEMPLATES = Path(__file__).parent / "templates"
_CITED = re.compile(r"\bE\d+\b")
_FILTERS = (
    wording.word, wording.capital, wording.number, wording.score, wording.signed, wording.percent, wording.money,
    wording.signed_money, wording.arr, wording.day, wording.short_day, wording.in_days, wording.span, wording.hours,
    wording.listed, wording.plural,
)  # fmt: skip
_SENTENCES = (wording.renewal, wording.velocity, wording.probability, wording.worth, wording.is_late)


def _html_value(value: object) -> Markup:
    if type(value) is str:  # most are
        return _escaped(value)
    return value if isinstance(value, Markup) else _escaped(markdown.said(value))


@lru_cache(maxsize=8192)
def _escaped(written: str) -> Markup:
    """Names, days and tiers come back in table after table."""
    return escape(wording.plain(written))


@lru_cache(maxsize=8192, typed=True)  # markup is equal to the text it is written with
def name(text: str | None) -> Markup:
    """The name of an account or a person; in ``bdi``, so that one written from right to left keeps to itself."""
    return Markup(f'<bdi class="name">{_html_value(text)}</bdi>')


def account(account_id: str, view: ReviewView, text: str) -> Markup:
    """The name of an account, leading to its section where it has one."""
    shown = name(text)
    return Markup(f'<a href="#account-{view.stem(account_id)}">{shown}</a>') if view.has_dive(account_id) else shown


def cite(text: str, anchor: str, known: tuple[str, ...]) -> Markup:
    """The text with every evidence id of the account linked to its evidence."""

    def linked(found: re.Match[str]) -> str:
        cited = found.group(0)
        return f'<a class="cite" href="#{anchor}-{cited}">{cited}</a>' if cited in known else cited

    return Markup(_CITED.sub(linked, str(escape(wording.plain(text)))))


def _compiled() -> FileSystemBytecodeCache | None:
    """Compiled templates in the user's cache folder: half a second less a run. None where nothing may be written."""
    folder = Path(platformdirs.user_cache_dir("saveplay", appauthor=False)) / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder))


class _EscapedOnce(CodeGenerator):
    """Compiles templates that escape a value where it is finalised, and not once more around that.

    Overrides two of the methods that Jinja's own `jinja2.nativetypes` overrides.
    """

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(finalize.src)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")


def _environment(finalize: Any, loader: BaseLoader) -> Environment:
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, finalize=finalize,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, bytecode_cache=_compiled(),
    )  # fmt: skip
    environment.code_generator_class = _EscapedOnce
    environment.filters.update({function.__name__: function for function in _FILTERS})
    environment.globals.update({function.__name__: function for function in _SENTENCES})
    environment.globals.update(phase_titles=wording.PHASE_TITLES, groups=groups)
    return environment


def environment(loader: BaseLoader) -> Environment:
    """HTML templates with the words, the charts and the escaping of the review page."""
    found = _environment(_html_value, loader)
    found.filters.update(account=account, cite=cite, name=name)
    found.globals.update(charts=charts, figures=figures)
    return found


@cache
def _html() -> Environment:
    return environment(FileSystemLoader(_TEMPLATES))


@cache
def _markdown() -> Environment:
    environment = _environment(markdown.escape, FileSystemLoader(_TEMPLATES))
    environment.globals.update(head=markdown.head)
    environment.filters.update(row=markdown.row)
    return environment


def html(template: str, view: ReviewView, **more: object) -> bytes:
    """One self-contained page."""
    return _encoded(_filled(_html(), template, view, more))


def text(template: str, view: ReviewView, **more: object) -> bytes:
    """One Markdown file, without runs of empty lines."""
    filled = _filled(_markdown(), f"md/{template}", view, more)
    return _encoded(re.sub(r"\n{3,}", "\n\n", filled).strip() + "\n")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _filled(environment: Environment, template: str, view: ReviewView, more: Mapping[str, object]) -> str:
    context = {"view": view, "review": view.review, "currency": view.review.portfolio.currency, **more}
    return environment.get_template(template).render(context)
