"""``configs/desk.yaml``: ways to sign in, and roles. Without the file: one person on this machine, by a link."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator

from domain.desk import DeskRole
from domain.errors import ConfigurationError
from domain.record import Record
from tools.yaml_file import read_yaml


def is_loopback(host: str) -> bool:
    """True for a host name of this machine only."""
    try:
        return _address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _address(text: str) -> IPv4Address | IPv6Address:
    """An address; one of IPv4 that is written as one of IPv6 is the former. Raises ValueError."""
    found = ip_address(text)
    return (isinstance(found, IPv6Address) and found.ipv4_mapped) or found


class OpenId(Record):
    """Sign-in by OpenID Connect."""

    issuer: str = Field(pattern=r"^https?://", description="As the provider names itself.")
    client_id: str = Field(min_length=1)
    client_secret_from: str = Field(
        default="SAVEPLAY_OIDC_SECRET", description="The environment variable that holds the client's secret."
    )
    claim: str = Field(default="email", min_length=1, description="What of the identity names the person.")

    @field_validator("issuer")
    @classmethod
    def _require_https(cls, issuer: str) -> str:
        if issuer.startswith("http://") and not is_loopback(urlsplit(issuer).hostname or ""):
            raise ValueError("only https:// keeps others from answering in the provider's place")
        return issuer


class Proxy(Record):
    """Sign-in by a proxy in front of the desk, which sets a header that no client can set."""

    header: str = Field(
        pattern=r"^[A-Za-z0-9-]+$",
        description="Like X-Forwarded-Email; the proxy has to remove it from what clients send.",
    )
    trusted: tuple[str, ...] = Field(
        min_length=1, description="Addresses or networks of the proxy; the header counts from nowhere else."
    )

    @field_validator("trusted")
    @classmethod
    def _check_networks(cls, trusted: tuple[str, ...]) -> tuple[str, ...]:
        for each in trusted:
            try:
                ip_network(each)
            except ValueError:
                raise ValueError(f"{each!r} is not an address; write it like 10.0.0.7 or 10.0.0.0/24") from None
        return trusted

    def is_trusted(self, address: str) -> bool:
        """True for an address of the proxy."""
        try:
            found = _address(address)
        except ValueError:
            return False
        return any(found in ip_network(each) for each in self.trusted)


class DeskSettings(Record):
    """The settings of a team's desk."""

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

    @field_validator("address")
    @classmethod
    def _normalise_address(cls, address: str) -> str:
        parts = urlsplit(address.strip().lower())
        is_whole = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
        if address and (not is_whole or parts.path not in ("", "/") or parts.query or parts.fragment):
            raise ValueError("write it like https://desk.example.com: nothing comes after the name")
        return f"{parts.scheme}://{parts.netloc}" if address else ""

    @field_validator("roles")
    @classmethod
    def _check_single_role(cls, roles: dict[DeskRole, tuple[str, ...]]) -> dict[DeskRole, tuple[str, ...]]:
        named = [name.strip().lower() for names in roles.values() for name in names]
        for name in named:
            if named.count(name) > 1:
                raise ValueError(f"{name} stands there twice; everybody has one role")
        return roles


def read_settings(folder: Path | None) -> DeskSettings:
    """The settings in a configuration folder. Raises ConfigurationError naming line and key."""
    folder = folder or Path(__file__).resolve().parents[2] / "configs"
    if not folder.is_dir():
        raise ConfigurationError(f"the configuration folder {folder} does not exist")
    try:
        document = read_yaml(folder / "desk.yaml", ConfigurationError)
    except FileNotFoundError:
        return DeskSettings()
    try:
        return DeskSettings.model_validate({} if document.content is None else document.content)
    except ValidationError as error:
        raise ConfigurationError(f"configuration: {document.explain(error, whole='the whole file')}") from None
