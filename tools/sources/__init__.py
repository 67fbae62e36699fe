"""Data in: a folder of exports, a DuckDB file or a server becomes eleven typed tables and an audit of what was left out."""

from tools.sources.portfolio import Portfolio, TableRead, open_portfolio
from tools.sources.read_request import TextFilter

__all__ = ["Portfolio", "TableRead", "TextFilter", "open_portfolio"]
