"""Learning from the team's own weeks, tested before it is believed.

The two slopes are fitted to older weeks and compared with the prior on the newest quarter, which the fit has not seen. One rule:
they are taken only if their squared error there is smaller; else the figures are said and the prior stays.
"""

import duckdb

from domain.churn_settings import ChurnSettings
from tools.scoring.churn_odds import Learned, prior_slopes
from tools.scoring.churn_rate import ChurnRate
from tools.scoring.past_weeks import PastWeeks


def learn_slopes(
    connection: duckdb.DuckDBPyConnection, past: PastWeeks, churn: ChurnSettings, rate: ChurnRate
) -> Learned:
    """The slopes of the prior or of a fit that beat it on the newest quarter. The table ``past`` is there if it has weeks."""
    prior = prior_slopes(churn)
    if not past.weeks:
        note = (
            "Estimate, not yet checked against your own renewals: no kept week is old enough to see who left after it."
        )
        return Learned(prior, f"{note} {past.left_out}".strip(), False)
    from tools.scoring.churn_fit import learn_from_weeks  # brings numpy, which takes as long as reading a small base

    return learn_from_weeks(connection, past, churn, rate)
