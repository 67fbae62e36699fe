"""The one base of every record: immutable, and refusing keys it does not know."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A value object. Unknown keys are an error, so a misspelt setting never passes silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)
