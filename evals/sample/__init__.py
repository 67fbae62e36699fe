"""The sample: an invented customer base of the invented vendor Tallyfold, with a hidden truth.

The rows only give hints of the truth. The sample shares no rule and no number with the product.
"""

from pathlib import Path

from evals.sample.bad_rows import add_bad_rows
from evals.sample.customer_scripts import CUSTOMER_SCRIPTS
from evals.sample.draw_customers import draw_customers
from evals.sample.exports import write_exports
from evals.sample.portfolio import draw_tables, truth_rows
from evals.sample.write import COLUMNS, write_csv

SEED = 20261123
TRUTH_COLUMNS = ("account_id", "story", "true_cause", "hidden_since", "what_will_happen")


def write_sample(folder: Path, *, seed: int = SEED) -> None:
    """Write ``portfolio/``, ``exports/`` and ``truth/`` below the folder; the same seed gives the same bytes."""
    customers = draw_customers(CUSTOMER_SCRIPTS, seed, "TF")
    tables = draw_tables(customers, seed)
    add_bad_rows(tables, seed)
    for name, rows in tables.items():
        write_csv(folder / "portfolio" / f"{name}.csv", COLUMNS[name], rows)
    write_csv(folder / "truth" / "portfolio.csv", TRUTH_COLUMNS, truth_rows(customers))
    write_csv(folder / "truth" / "exports.csv", TRUTH_COLUMNS, truth_rows(write_exports(folder / "exports", seed)))
