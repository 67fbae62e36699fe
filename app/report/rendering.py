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

from app.report import (
    charts,
    formatting,
    grouping,
    markdown,
    metrics_text,
    renewal_text,
    review_charts,
    stand_up_text,
    threshold_text,
)
from app.report.view import ReviewView

_TEMPLATES = Path(__file__).parent / "templates"
_CITED = re.compile(r"\bE\d+\b")
_FILTERS = (
    formatting.word, formatting.capital, formatting.number, formatting.score, formatting.signed, formatting.percent, formatting.money,
    formatting.signed_money, formatting.total, formatting.known_arr, formatting.arr, formatting.day, formatting.short_day, formatting.in_days, formatting.span, formatting.hours,
    formatting.listed, formatting.rounded, formatting.rounded_money, formatting.rounded_change,
)  # fmt: skip
_TEMPLATE_FUNCTIONS = (
    formatting.renewal,
    formatting.velocity,
    formatting.probability,
    formatting.churn_impact,
    formatting.churn_range,
    formatting.odds_factors,
    formatting.is_late,
)


def _html_value(value: object) -> Markup:
    if type(value) is str:  # most are
        return _escaped(value)
    return value if isinstance(value, Markup) else _escaped(markdown.display_text(value))


@lru_cache(maxsize=8192)
def _escaped(written: str) -> Markup:
    """Names, days and tiers come back in table after table."""
    return escape(formatting.single_line(written))


@lru_cache(maxsize=8192, typed=True)  # markup is equal to the text it is written with
def name_markup(text: str | None) -> Markup:
    """The name of an account or a person; in ``bdi``, so that one written from right to left keeps to itself."""
    return Markup(f'<bdi class="name">{_html_value(text)}</bdi>')


def account_link(account_id: str, view: ReviewView, text: str) -> Markup:
    """The name of an account, leading to its page where it has one."""
    shown = name_markup(text)
    if not view.has_page(account_id):
        return shown
    return Markup(f'<a href="{view.root}accounts/{view.stem(account_id)}.html">{shown}</a>')


def link_citations(text: str, anchor: str, known: tuple[str, ...]) -> Markup:
    """The text with every evidence id of the account linked to its evidence."""

    def linked(found: re.Match[str]) -> str:
        cited = found.group(0)
        return f'<a class="cite" href="#{anchor}-{cited}">{cited}</a>' if cited in known else cited

    return Markup(_CITED.sub(linked, str(escape(formatting.single_line(text)))))


def _bytecode_cache() -> FileSystemBytecodeCache | None:
    """Compiled templates in the user's cache folder: half a second less a run. None where nothing may be written."""
    folder = Path(platformdirs.user_cache_dir("saveplay", appauthor=False)) / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return FileSystemBytecodeCache(str(folder))


class _SingleEscapeGenerator(CodeGenerator):
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
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, bytecode_cache=_bytecode_cache(),
    )  # fmt: skip
    environment.code_generator_class = _SingleEscapeGenerator
    environment.filters.update({function.__name__: function for function in _FILTERS})
    environment.filters["plural"] = formatting.counted
    environment.globals.update({function.__name__: function for function in _TEMPLATE_FUNCTIONS})
    environment.globals.update(
        phase_titles=formatting.PHASE_TITLES,
        groups=grouping,
        limits=threshold_text,
        renewals=renewal_text,
        days=stand_up_text,
        metrics_text=metrics_text,
    )
    return environment


def html_environment(loader: BaseLoader) -> Environment:
    """HTML templates with the words, the charts and the escaping of the review page."""
    found = _environment(_html_value, loader)
    found.filters.update(account=account_link, cite=link_citations, name=name_markup)
    found.globals.update(charts=charts, figures=review_charts)
    return found


@cache
def _html() -> Environment:
    return html_environment(FileSystemLoader(_TEMPLATES))


@cache
def _markdown() -> Environment:
    environment = _environment(markdown.escape, FileSystemLoader(_TEMPLATES))
    environment.globals.update(head=markdown.head)
    environment.filters.update(row=markdown.row)
    return environment


def render_html(template: str, view: ReviewView, **more: object) -> bytes:
    """One self-contained page."""
    return _encoded(_render(_html(), template, view, more))


def render_markdown(template: str, view: ReviewView, **more: object) -> bytes:
    """One Markdown file, without runs of empty lines."""
    filled = _render(_markdown(), f"md/{template}", view, more)
    return _encoded(re.sub(r"\n{3,}", "\n\n", filled).strip() + "\n")


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _render(environment: Environment, template: str, view: ReviewView, more: Mapping[str, object]) -> str:
    context = {"view": view, "review": view.review, "currency": view.review.portfolio.currency, **more}
    return environment.get_template(template).render(context)
