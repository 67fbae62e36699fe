"""``configs/desk.yaml``: who signs in how, and who may what. Without the file: one person on this machine, by a link."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field, ValidationError

from domain.desk import DeskRole
from domain.errors import ConfigurationError
from domain.model import Record


class OpenId(Record):
    """Sign-in by OpenID Connect."""

    issuer: str = Field(pattern=r"^https?://", description="As the provider names itself.")
    client_id: str
    client_secret_from: str = Field(
        default="SAVEPLAY_OIDC_SECRET", description="The environment variable that holds the client's secret."
    )
    claim: str = Field(default="email", description="What of the identity names the person.")


class Proxy(Record):
    """Sign-in by a proxy in front of the desk, which sets a header that no client can set."""

    header: str = Field(description="Like X-Forwarded-Email; the proxy has to remove it from what clients send.")
    trusted: tuple[str, ...] = Field(
        min_length=1, description="Addresses of the proxy; the header counts from nowhere else."
    )


class DeskSettings(Record):
    """What a team sets about its desk."""

    address: str = Field(default="", description="How the desk is reached from outside, like https://desk.example.com.")
    openid: OpenId | None = None
    proxy: Proxy | None = None
    roles: dict[DeskRole, tuple[str, ...]] = Field(
        default_factory=dict, description="Sign-in names by role; they go before what the data say."
    )
    otherwise: Literal["viewer", "refuse"] = Field(
        default="refuse", description="What somebody is who signs in and is named neither here nor in the people."
    )
    session_hours: float = Field(default=12, gt=0, le=168, description="Hours; a working day, then sign in again.")
    link_minutes: float = Field(default=60, gt=0, le=1440, description="Minutes that a one-time link is good for.")
    tries_a_minute: int = Field(default=10, ge=1, description="Attempts to sign in from one address within a minute.")


def read_settings(folder: Path | None) -> DeskSettings:
    """The settings in a configuration folder. Raises ConfigurationError naming the key."""
    path = (folder or Path(__file__).resolve().parents[2] / "configs") / "desk.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return DeskSettings()
    try:
        return DeskSettings.model_validate(yaml.load(text, Loader=yaml.CSafeLoader) or {})
    except yaml.YAMLError as error:
        raise ConfigurationError(f"desk.yaml is not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(key) for key in problem["loc"])
        raise ConfigurationError(f"configuration: desk.yaml: {where or 'the whole file'}: {problem['msg']}") from None
