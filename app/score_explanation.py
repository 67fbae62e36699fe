"""``saveplay score --explain``: rows and columns read of each table, the time of each step, and the SQL that was sent."""

from typing import Any

from app.summary_text import render_parts, text_table
from tools.scoring.scored_base import ScoreOnlyBase
from tools.sql_layout import lay_out_sql


def scoring_explanation(base: ScoreOnlyBase, steps: list[tuple[str, float]]) -> dict[str, Any]:
    """Each table with its rows, columns, weeks read and seconds; then every step and every SQL statement."""
    seconds: dict[str, float] = {}
    for what, took in steps:
        seconds[what] = seconds.get(what, 0.0) + took
    tables = []
    for read in base.reads:
        weeks = None if read.since is None else round((base.as_of - read.since).days / 7, 1)
        names = (f"reading {read.table}", f"validating {read.table}", f"counting {read.table}")
        tables.append(
            {
                "table": read.table,
                "location": read.location,
                "rows": base.audit.source(read.table).rows,
                "columns": list(read.columns),
                "since": read.since,
                "weeks": weeks,
                "copied": read.copied,
                "seconds": round(sum(seconds.get(name, 0.0) for name in names), 3),
            }
        )
    return {
        "as_of": base.as_of,
        "engine": base.warehouse.server.dialect if base.warehouse else "duckdb",
        "rows_fetched": base.warehouse.server.rows_fetched if base.warehouse else None,
        "tables": tables,
        "steps": [{"step": what, "seconds": round(took, 3)} for what, took in steps],
        "statements": [{"step": what, "sql": lay_out_sql(sql)} for what, sql in base.executed_statements],
    }


def explanation_text(found: dict[str, Any]) -> str:
    """The explanation as text for a terminal."""
    columns = [
        ("table", "left"),
        ("from", "left"),
        ("rows", "right"),
        ("weeks", "right"),
        ("seconds", "right"),
        ("columns", "left"),
    ]
    rows = [
        [
            read["table"],
            read["location"],
            f"{read['rows']:,}",
            "all" if read["weeks"] is None else f"{read['weeks']:g}",
            f"{read['seconds']:.2f}",
            ", ".join(read["columns"]),
        ]
        for read in found["tables"]
    ]
    title = f"What was read ({found['engine']}), as of {found['as_of']}"
    steps = [[step["step"], f"{step['seconds']:.2f}"] for step in found["steps"]]
    sent = "\n".join(f"-- {statement['step']}\n{statement['sql']};\n" for statement in found["statements"])
    fetched = f"\n{found['rows_fetched']:,} rows left the server.\n" if found["rows_fetched"] is not None else "\n"
    return (
        render_parts(
            text_table(title, columns, rows),
            fetched,
            text_table("Steps", [("step", "left"), ("seconds", "right")], steps),
            "\n",
        )
        + sent
    )
