"""Commands around the review desk: serve, invite, audit."""

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.output import EXIT_BAD_INPUT, EXIT_DONE, print_progress, print_result, to_json_text
from app.publishing import published_heads
from app.wiring import open_store, utc_now
from domain.desk import DESK_ROLES, AuditAnchor, Member
from domain.errors import InputError

if TYPE_CHECKING:
    from types import FrameType

    import uvicorn

    from app.desk.desk_app import DeskApp


def serve_desk(store: str | None, configs: str | None, host: str, port: int, name: str) -> None:
    """Run the review desk until Ctrl-C. Raises InputError for an address that others can reach without a sign-in."""
    import gc
    import getpass

    import uvicorn

    from app.desk.connections import DeskConnection, allow_many_connections
    from app.desk.desk_app import DeskApp
    from app.desk.server import create_app
    from app.desk.settings import is_loopback, read_settings

    gc.enable()  # a short command needs no collection; the desk may run for weeks
    settings = read_settings(Path(configs) if configs else None)
    if not is_loopback(host) and settings.openid is None and settings.proxy is None:
        raise InputError(
            f"--host {host} is open to others: set openid or proxy in configs/desk.yaml first (docs/desk-sign-in.md says how)"
        )
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    with open_store(store) as session:  # an error in the store is shown before the desk accepts anybody
        is_empty = not session.store.reviews()
    is_whole = configs is not None and (Path(configs) / "scoring.yaml").exists()  # a folder may hold desk.yaml alone
    desk = DeskApp(store, settings, configs=str(Path(configs).resolve()) if configs and is_whole else None)
    config = uvicorn.Config(
        create_app(desk), host=host, port=port, log_level="warning", access_log=False, server_header=False,
        proxy_headers=False, timeout_graceful_shutdown=3, lifespan="on", http=DeskConnection,
    )  # fmt: skip
    allow_many_connections()
    listening = config.bind_socket()
    listening.listen(128)  # the link works from the moment that it is printed
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{listening.getsockname()[1]}"
    if settings.openid is None and settings.proxy is None:
        with desk.store_pool.borrow() as session:
            me = Member(name=name or getpass.getuser(), role="leader")
            key = desk.sessions(session).create_link(me, me.name)
        print_progress(f"The review desk is open at {address}. Come in as {me.name}, by this link that opens once:")
        print_result(f"{address}/enter?key={key}")
    else:
        print_progress(f"The review desk is open at {settings.address or address}")
    if is_empty:
        print_progress(
            "There is no review in this store yet: the first page leads you to one, with the sample or your own data."
        )
    import sys

    sys.stdout.flush()
    with suppress(KeyboardInterrupt):  # Ctrl-C is the normal end
        _uvicorn_server(config, desk).run(sockets=[listening])
    print_progress("The review desk is closed.")


def _uvicorn_server(config: "uvicorn.Config", desk: "DeskApp") -> "uvicorn.Server":
    """A server that ends its event streams first: pages that listen would keep it from stopping."""
    import uvicorn

    class DeskServer(uvicorn.Server):
        """A server that closes its event streams when it is asked to end."""

        def handle_exit(self, sig: int, frame: "FrameType | None") -> None:
            """End the event streams, then the server."""
            desk.runner.stop_accepting()
            desk.sender.stop_accepting()
            super().handle_exit(sig, frame)

    return DeskServer(config)


def create_invitation(
    name: str, role: str, person: str | None, token: bool, days: int, store: str | None, configs: str | None
) -> None:
    """Make a sign-in link or a token and print it. Raises InputError for an unknown role."""
    from app.desk.sessions import PeopleCache, Sessions
    from app.desk.settings import read_settings
    from tools.store.desk_store import DeskStore

    if role not in DESK_ROLES:
        raise InputError(f"--role {role!r}: use {', '.join(DESK_ROLES)}")
    settings = read_settings(Path(configs) if configs else None)
    with open_store(store) as session:
        people = PeopleCache().people(session)
        sessions = Sessions(DeskStore(session.store), settings, utc_now, lambda: people)
        member = Member(name=name, role=role, person_id=person)
        if token:
            print_result(sessions.create_token(member, "command line", days))
            return
        print_result(f"{settings.address}/enter?key={sessions.create_link(member, 'command line')}")
        if not settings.address:
            print_progress("Put the address of the desk in front of it, like http://127.0.0.1:8470")


def print_audit_verdict(anchor: Path | None, store: str | None, as_json: bool) -> None:
    """Print the result of checking the audit log and end the process: exit 2 when an entry was changed."""
    earlier = None
    if anchor is not None:
        try:
            earlier = AuditAnchor.model_validate_json(anchor.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InputError(f"{anchor}: no anchor; make one with `saveplay audit anchor`") from None
    with open_store(store) as session:
        verdict = session.store.verify_audit(earlier, published_heads(session.store))
        place = session.store.audit_key_place()
    if as_json:
        print_result(to_json_text({**verdict.model_dump(mode="json"), "key": place.model_dump(mode="json")}))
    elif verdict.is_sound:
        old = f"; {verdict.before_chain} older ones are not covered" if verdict.before_chain else ""
        print_result(
            f"{verdict.entries} entries, each as it was written{old}. The newest is number {verdict.head.seq}."
        )
        if verdict.uncovered:
            print_result(f"{verdict.uncovered} decisions, choices and the like are older than the hashes of entries; "
                         "what was changed in them before is not known.")  # fmt: skip
        if anchor is None:
            print_progress("Entries that were cut off at the end, in every place that the store knows, show only against an anchor "
                           "kept elsewhere: --anchor FILE.")  # fmt: skip
    else:
        print_result("\n".join(["The log is not as it was written:", *verdict.faults]))
    if not as_json:
        print_progress(place.sentence)
    raise SystemExit(EXIT_DONE if verdict.is_sound else EXIT_BAD_INPUT)


def print_audit_anchor(store: str | None) -> None:
    """Print the head of the audit log as JSON, to be stored somewhere else."""
    with open_store(store) as session:
        print_result(json.dumps(session.store.chain_head().model_dump(mode="json", exclude_none=True)))
