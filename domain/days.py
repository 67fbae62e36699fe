"""Days that a person or a file may name. Outside them a slip of the keyboard is likelier than a meaning."""

from datetime import date
from typing import Annotated

from pydantic import Field

EARLIEST_DAY = date(1990, 1, 1)
"""Nothing that a review reads is older than the systems that its rows come from."""
LATEST_DAY = date(2199, 12, 31)
PlausibleDay = Annotated[date, Field(ge=EARLIEST_DAY, le=LATEST_DAY)]
