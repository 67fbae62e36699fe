"""Base of every record: immutable, and unknown keys are refused."""

from typing import Any

from pydantic import BaseModel, ConfigDict

Row = dict[str, Any]
"""One row of a query: values by column name."""


class Record(BaseModel):
    """Value object. An unknown key is an error, so that a misspelt setting is not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)
