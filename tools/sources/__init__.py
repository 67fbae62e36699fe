"""Data in: a folder of exports or a DuckDB file as eleven typed tables and an audit of what was left out."""

from tools.sources.fast_path import TextFilter
from tools.sources.portfolio import Portfolio, TableRead, open_portfolio

__all__ = ["Portfolio", "TableRead", "TextFilter", "open_portfolio"]
