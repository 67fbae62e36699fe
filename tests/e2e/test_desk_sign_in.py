"""Sign-in at the review desk: by OpenID Connect, behind a proxy, and refused.

The desk is a real process, and so is the correct provider (oidc-provider-mock). A small provider in this file, on its
own socket, sends faulty answers: tokens with a foreign key, for another client, or out of date.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import yaml
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from tests.e2e.commands import ROOT, WAITING, run_in_parallel, saveplay, start_command
from tests.e2e.shared_stores import (
    SECOND_DAY,
    W48,
    SharedStores,
    StoreFolder,
    read_csv_rows,
    write_csv_rows,
    write_team_data,
)
from tests.served_desk import ServedClient

pytestmark = pytest.mark.servers

CLIENT, SECRET = "saveplay-desk", "a secret of the client"
AS_CLIENT = {"client_id": CLIENT, "client_secret_from": "DESK_SECRET_OF_THESE_TESTS"}
NAME = "desk.example.com"
CSM, MANAGER, SPONSOR = (
    f"{name}@tallyfold.example" for name in ("sadia.karim", "ruth.castellanos", "marguerite.oyelaran")
)
CASED, SHARED, LONG = (
    "Hannah.Brandt@Tallyfold.Example",
    "helpdesk@tallyfold.example",
    "philippa.grant@tallyfold.example",
)
ROLES = {"leader": ["Marguerite.Oyelaran@tallyfold.example", "ops@tallyfold.example"], "manager": [LONG]}
_PATIENCE_SECONDS = 60
_PLAINLY: dict[str, Any] = {"timeout": _PATIENCE_SECONDS, "trust_env": False, "verify": False}
"""Options of every HTTP client here: no proxy, and no certificates because loading them takes long."""


# the desk under test -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def kept(shared_stores: SharedStores) -> StoreFolder:
    """A waiting review with an address in mixed case, an address of two people, and a very long name."""

    def make(place: StoreFolder) -> None:
        data = write_team_data(place.folder / "data")
        header, rows = read_csv_rows(data / "people.csv")
        people = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
        by_name = {person["name"]: person for person in people.values()}
        by_name["Hannah Brandt"]["email"] = CASED
        by_name["Grace Otieno"]["email"] = by_name["Julie Perrin"]["email"] = SHARED
        by_name["Philippa Grant"]["name"] = "<script>alert(1)</script>" * 10
        write_csv_rows(data / "people.csv", header, [list(person.values()) for person in people.values()])
        place.review(data, SECOND_DAY, code=WAITING)

    return shared_stores.place("sign-in", make)[0]


@dataclass(frozen=True)
class OpenDesk:
    """A running desk and its store."""

    at: str
    store: Path
    browsers: list[ServedClient] = field(default_factory=list)

    def browser(self, **more: Any) -> ServedClient:
        """A browser without redirects and without a proxy."""
        self.browsers.append(ServedClient(base_url=self.at, **{**_PLAINLY, **more}))
        return self.browsers[-1]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.store / "saveplay.db", timeout=30)) as connection, connection:
            return connection.execute(query).fetchall()

    def logged(self, what: str) -> list[tuple[str, dict[str, Any]]]:
        """Person and facts of each audit entry of this kind, oldest first."""
        found = self.rows(f"select who, facts from audit where what = '{what}' order by seq")
        return [(who, json.loads(facts)) for who, facts in found]


@contextmanager
def opened(kept: StoreFolder, **settings: Any) -> Iterator[OpenDesk]:
    """A desk with these settings in its desk.yaml, on a copy of the store, during the block."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        at = Path(folder)
        store, configs = at / "store", configured(at / "configs", **settings)
        shutil.copytree(kept.store, store)
        port = free_port()  # a desk with a configured address does not print its port
        arguments = ["serve", "--configs", configs, "--store", store, "--port", str(port)]
        process = start_command(arguments, said.fileno(), said.fileno())
        try:
            wait_for(f"http://127.0.0.1:{port}/sign-in", process, said.fileno())
            yield (desk := OpenDesk(f"http://127.0.0.1:{port}", store))
            for browser in desk.browsers:
                browser.close()
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGINT)
            process.wait(15)
        printed = os.pread(said.fileno(), 1 << 20, 0).decode()
        assert "Traceback" not in printed, printed[-3000:]


def configured(folder: Path, **settings: Any) -> Path:
    """A configuration folder with these settings of the desk."""
    shutil.copytree(ROOT / "configs", folder)
    (folder / "desk.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    return folder


def free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(address: str, process: Any, said: int) -> None:
    """Wait until the address answers."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            if httpx.get(address, headers={"host": "localhost"}, **_PLAINLY).status_code < 500:
                return
        except httpx.TransportError:
            time.sleep(0.02)
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"nothing answers at {address}: {os.pread(said, 65536, 0).decode()[-2000:]}")


def seat(browser: ServedClient, **headers: str) -> tuple[str, str]:
    """Name and role of the signed-in person, taken from a page."""
    page = browser.get(f"/r/{W48}/data", headers=headers)
    assert page.status_code == 200, f"{page.status_code}: {page.text[-500:]}"
    name, _, role = page.text.partition("<summary><bdi>")[2].partition("</summary>")[0].partition("</bdi>")
    return unescape(name), role.partition(">")[2].partition("<")[0]


def mark_on(page: str) -> str:
    return unescape(page.partition('name="csrf" value="')[2].partition('"')[0])


def refused(desk: OpenDesk, answer: httpx.Response, status: int = 403) -> dict[str, Any]:
    """Check the page of a refused sign-in and return the facts of its audit entry."""
    assert answer.status_code == status, answer.text[-500:]
    assert "saveplay-desk=" not in answer.headers.get("set-cookie", "")
    assert "<h1>You could not be signed in</h1>" in answer.text
    assert 'href="/sign-in"' in answer.text
    who, facts = desk.logged("refused")[-1]
    assert (who, facts["way"], facts["path"]) == ("somebody", "desk", answer.request.url.path)
    assert facts["why"] in unescape(answer.text)
    return facts


@pytest.fixture(scope="module", autouse=True)
def secret() -> Iterator[None]:
    """The client secret, in the environment variable that the desk reads."""
    os.environ[AS_CLIENT["client_secret_from"]] = SECRET
    yield
    del os.environ[AS_CLIENT["client_secret_from"]]


# a correct provider --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of a provider that runs as a process."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    unconfirmed = json.dumps({"sub": "unconfirmed", "email": CSM, "email_verified": False})
    named = json.dumps({"sub": "0042", "email": MANAGER.upper(), "email_verified": True})
    command = [sys.executable, "-m", "oidc_provider_mock", "-p", str(port), "--user-claims", unconfirmed]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen([*command, "--user-claims", named], stdout=said, stderr=said)
        try:
            wait_for(f"{address}/.well-known/openid-configuration", process, said.fileno())
            yield address
        finally:
            process.terminate()
            process.wait(15)


@pytest.fixture(scope="module")
def strict(kept: StoreFolder, provider: str) -> Iterator[OpenDesk]:
    """A desk for the people in the data and in desk.yaml only."""
    with opened(kept, openid={"issuer": provider, **AS_CLIENT}, roles=ROLES, tries_a_minute=1000) as desk:
        yield desk


def begun(browser: ServedClient) -> str:
    """Start the sign-in and return the provider's address."""
    assert 'href="/oidc/start"' in browser.get("/sign-in").text
    answer = browser.get("/oidc/start")
    assert answer.status_code == 303, answer.text[-500:]
    return answer.headers["location"]


def agreed(address: str, sub: str) -> str:
    """Sign in at the provider and return the address that it redirects to."""
    answer = httpx.post(address, data={"sub": sub}, **_PLAINLY)
    assert answer.status_code == 302, answer.text[-500:]
    return answer.headers["location"]


def came_in(desk: OpenDesk, sub: str) -> ServedClient:
    """The browser of a person who signed in at the provider."""
    browser = desk.browser()
    answer = browser.get(agreed(begun(browser), sub))
    assert answer.status_code == 200, desk.logged("refused")[-1]
    assert 'http-equiv="refresh" content="0;url=/"' in answer.text
    return browser


@pytest.mark.parametrize(
    ("sub", "name", "role"),
    [
        (CSM, "Sadia Karim", "csm"),
        (MANAGER, "Ruth Castellanos", "manager"),
        ("0042", "Ruth Castellanos", "manager"),
        (SPONSOR, "Marguerite Oyelaran", "leader"),
        (CASED.lower(), "Hannah Brandt", "csm"),
        ("OPS@tallyfold.example", "OPS@tallyfold.example", "leader"),
        (LONG, ("<script>alert(1)</script>" * 10)[:120], "manager"),
    ],
)
def test_people_come_in_with_the_role_of_the_data_or_the_one_that_desk_yaml_gives_them(
    strict: OpenDesk, sub: str, name: str, role: str
) -> None:
    browser = came_in(strict, sub)
    assert strict.logged("signed in")[-1][0] == name
    assert strict.logged("signed in")[-1][1]["role"] == role
    assert (seat(browser)[0], seat(browser)[1].lower()) == (name, role)


def test_nobody_gets_further_than_their_role(strict: OpenDesk) -> None:
    for sub, audit, people in ((CSM, 403, 403), (MANAGER, 200, 403), (SPONSOR, 200, 200)):
        browser = came_in(strict, sub)
        assert (browser.get("/audit").status_code, browser.get("/people").status_code) == (audit, people), sub


def test_people_come_in_while_the_next_review_is_being_prepared(strict: OpenDesk) -> None:
    next_week = "'2026-W49', '2026-11-30', request, 'running', 1"
    strict.rows(f"insert into reviews (review_id, as_of, request, state, run) select {next_week} from reviews limit 1")
    try:
        assert seat(came_in(strict, MANAGER))[0] == "Ruth Castellanos"
    finally:
        strict.rows("delete from reviews where review_id = '2026-W49'")


def test_the_welcome_shows_a_hostile_name_as_text(strict: OpenDesk) -> None:
    browser = strict.browser()
    page = browser.get(agreed(begun(browser), LONG)).text
    assert "&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_somebody_unknown_is_refused(strict: OpenDesk) -> None:
    browser = strict.browser()
    answer = browser.get(agreed(begun(browser), "stranger@elsewhere.example"))
    assert "is not one of the people of this desk; ask whoever runs it" in refused(strict, answer)["why"]
    assert browser.get("/").headers["location"] == "/sign-in"


def test_an_address_that_two_people_share_lets_in_neither(strict: OpenDesk) -> None:
    browser = strict.browser()
    assert "the address of 2 people" in refused(strict, browser.get(agreed(begun(browser), SHARED)))["why"]


def test_an_address_that_was_never_confirmed_is_refused(strict: OpenDesk) -> None:
    browser = strict.browser()
    assert "was never confirmed" in refused(strict, browser.get(agreed(begun(browser), "unconfirmed")))["why"]


def test_letters_that_only_look_alike_are_somebody_else(strict: OpenDesk) -> None:
    browser = strict.browser()
    refused(strict, browser.get(agreed(begun(browser), CSM.replace("k", "\u212a"))))


@pytest.mark.parametrize("state", ["wrong", "", "\u212a"])
def test_a_state_of_another_browser_is_refused_and_the_sign_in_is_used_up(strict: OpenDesk, state: str) -> None:
    browser = strict.browser()
    back = agreed(begun(browser), CSM)
    query = {key: values[0] for key, values in parse_qs(urlsplit(back).query).items()}
    tampered = browser.get("/oidc/back?" + urlencode({**query, "state": state}))
    assert "begin again" in refused(strict, tampered)["why"]
    refused(strict, browser.get(back))


def test_the_link_back_opens_nothing_in_another_browser(strict: OpenDesk) -> None:
    victim, other = strict.browser(), strict.browser()
    back = agreed(begun(victim), CSM)
    refused(strict, other.get(back))
    assert victim.get(back).status_code == 200


def test_coming_back_a_second_time_is_refused(strict: OpenDesk) -> None:
    browser = strict.browser()
    back = agreed(begun(browser), CSM)
    secret = browser.cookies["saveplay-sign-in"]
    assert browser.get(back).status_code == 200
    again = strict.browser(headers={"cookie": f"saveplay-sign-in={secret}"})
    refused(strict, again.get(back))


def test_a_code_that_another_client_was_given_is_refused(strict: OpenDesk) -> None:
    browser = strict.browser()
    back = agreed(begun(browser).replace(CLIENT, "another-client"), CSM)
    assert "OAuthError" in refused(strict, browser.get(back))["cause"]


def test_a_code_that_was_used_is_refused(strict: OpenDesk) -> None:
    first, second = strict.browser(), strict.browser()
    spent = agreed(begun(first), CSM)
    assert first.get(spent).status_code == 200
    state = parse_qs(urlsplit(agreed(begun(second), CSM)).query)["state"][0]
    code = parse_qs(urlsplit(spent).query)["code"][0]
    assert "OAuthError" in refused(strict, second.get("/oidc/back", params={"code": code, "state": state}))["cause"]


def test_saying_no_at_the_provider_is_told(strict: OpenDesk) -> None:
    browser = strict.browser()
    state = parse_qs(urlsplit(begun(browser)).query)["state"][0]
    error = "access_denied\u202e\n<b>call 555</b>"
    answer = browser.get("/oidc/back", params={"error": error, "state": state})
    assert "the sign-in service refused (access_denied<b>call 555</b>)" in refused(strict, answer)["why"]
    assert "<b>" not in answer.text


def test_what_the_provider_is_said_to_refuse_is_told_to_nobody_who_did_not_begin(strict: OpenDesk) -> None:
    assert "555" not in strict.browser().get("/oidc/back", params={"error": "call 555"}).text


def test_a_session_ends_when_the_store_has_it_no_more(strict: OpenDesk) -> None:
    browser = came_in(strict, MANAGER)
    assert seat(browser)[0] == "Ruth Castellanos"
    strict.rows("delete from keys where kind = 'session'")
    answer = browser.get(f"/r/{W48}/data")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
    assert browser.post(f"/r/{W48}/notes", data={"text": "too late"}).status_code == 401


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(strict: OpenDesk) -> None:
    browser = came_in(strict, CSM)
    copy = strict.browser(cookies=dict(browser.cookies))
    mark = mark_on(browser.get(f"/r/{W48}/data").text)
    assert browser.post("/sign-out", data={"csrf": mark}).status_code == 303
    assert copy.get("/").headers["location"] == "/sign-in"


def test_the_store_keeps_no_secret_of_anybody(strict: OpenDesk) -> None:
    browser = came_in(strict, CSM)
    begun(browser)
    kept = json.dumps(strict.rows("select * from keys"))
    assert all(value not in kept for value in browser.cookies.values())


def test_the_cookie_is_for_this_site_and_no_script(strict: OpenDesk) -> None:
    browser = strict.browser()
    cookie = browser.get(agreed(begun(browser), CSM)).headers.get_list("set-cookie")[0]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie


def test_a_header_counts_for_nothing_where_no_proxy_is_set(strict: OpenDesk) -> None:
    answer = strict.browser().get("/", headers={"X-Forwarded-Email": SPONSOR, "X-Forwarded-User": SPONSOR})
    assert answer.headers["location"] == "/sign-in"


# a faulty provider ---------------------------------------------------------------------------------------------------


@dataclass
class Loose:
    """A provider with the tokens that a test wants. It checks the desk's secret and the proof for the code."""

    port: int = field(default_factory=free_port)
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    other: ECKey = field(default_factory=lambda: ECKey.generate_key("P-384", {"kid": "two", "use": "enc"}))
    asked: dict[str, Any] = field(default_factory=dict)
    """The last authorization request."""
    claims: dict[str, Any] = field(default_factory=dict)
    """Changed claims of the next token; None leaves a claim out."""
    sign: Callable[[dict[str, Any]], str] | None = None
    more: Any = None
    """Answer of the user-info endpoint."""
    answer: Any = None
    """Answer of the token endpoint instead of tokens."""
    facts: Any = None
    """Provider metadata instead of the correct ones."""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def back(self, address: str, **claims: Any) -> str:
        """Address that the provider redirects to after a sign-in with these claims."""
        self.asked = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        self.claims, self.sign, self.more, self.answer = claims, None, None, None
        return f"{urlsplit(self.asked['redirect_uri']).path}?" + urlencode({"code": "a", "state": self.asked["state"]})

    def get(self, path: str) -> Any:
        if path == "/keys":
            return {"keys": [{"kty": "AKP", "kid": "new"}, *(k.as_dict(private=False) for k in (self.other, self.key))]}
        if path == "/userinfo":
            return self.more
        return self.facts if self.facts is not None else {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize?tenant=1",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "id_token_signing_alg_values_supported": ["none", "HS256", "ES256"],
        }  # fmt: skip

    def post(self, form: Mapping[str, str]) -> Any:
        if self.answer is not None:
            return self.answer
        proof = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        sent = (form["client_secret"], proof, form["redirect_uri"])
        assert sent == (SECRET, self.asked["code_challenge"], self.asked["redirect_uri"])
        usual = {"iss": self.issuer, "aud": CLIENT, "sub": "7", "nonce": self.asked["nonce"], "email": CSM,
                 "exp": int(time.time()) + 300, "iat": int(time.time())}  # fmt: skip
        claims = {key: value for key, value in {**usual, **self.claims}.items() if value is not None}
        token = self.sign(claims) if self.sign else signed(claims, self.key)
        return {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "id_token": token}

    @contextmanager
    def answering(self) -> Iterator["Loose"]:
        """Answer requests during the block."""
        provider = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = 1 << 16

            def do_GET(self) -> None:
                self._say(provider.get(self.path))

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["content-length"])).decode()
                self._say(provider.post({key: values[0] for key, values in parse_qs(sent).items()}))

            def _say(self, what: Any) -> None:
                body = what if isinstance(what, bytes) else json.dumps(what).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


def signed(claims: dict[str, Any], key: ECKey | OctKey, algorithm: str = "ES256") -> str:
    """A signed token, with an extra header as some providers send it."""
    return jwt.encode({"alg": algorithm, "kid": "one"}, claims, key, algorithms=[algorithm])


def unsigned(claims: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(each).encode()).decode() for each in ({"alg": "none"}, claims))
    return ".".join([*(part.rstrip("=") for part in parts), ""])


@pytest.fixture(scope="module")
def loose() -> Iterator[Loose]:
    with Loose().answering() as provider:
        yield provider


@pytest.fixture(scope="module")
def open_desk(kept: StoreFolder, loose: Loose) -> Iterator[OpenDesk]:
    """A desk with an own host name that lets in everybody who signs in, by the faulty provider or behind a proxy."""
    settings = {
        "address": "HTTPS://Desk.Example.com/",
        "openid": {"issuer": loose.issuer + "/", **AS_CLIENT},
        "proxy": {"header": "X-Forwarded-Email", "trusted": ["127.0.0.1", "10.0.0.0/24"]},
        "roles": ROLES,
        "otherwise": "viewer",
        "tries_a_minute": 1000,
    }
    with opened(kept, **settings) as desk:
        yield desk


def outside(desk: OpenDesk, **more: Any) -> ServedClient:
    """A browser that reaches the desk through a proxy that ends https and keeps the host name."""
    return desk.browser(headers={"host": NAME, **more.pop("headers", {})}, **more)


def returned(desk: OpenDesk, loose: Loose, **claims: Any) -> tuple[ServedClient, str]:
    """A browser that signed in at the provider, and the address that it is redirected to."""
    browser = outside(desk)
    answer = browser.get("/oidc/start")
    secret = answer.headers["set-cookie"].partition("=")[2].partition(";")[0]
    browser.headers["cookie"] = (
        f"saveplay-sign-in={secret}"  # the cookie is for https only: httpx would not send it here
    )
    return browser, loose.back(answer.headers["location"], **claims)


def test_somebody_unknown_looks_on_where_everybody_may(open_desk: OpenDesk, loose: Loose) -> None:
    browser, back = returned(open_desk, loose, email="stranger@elsewhere.example", email_verified="true")
    answer = browser.get(back)
    assert answer.status_code == 200, answer.text[-500:]
    assert open_desk.logged("signed in")[-1] == ("stranger@elsewhere.example", {"role": "viewer", "way": "desk"})


def test_an_address_that_two_people_share_looks_on_as_nobody_in_particular(open_desk: OpenDesk, loose: Loose) -> None:
    browser, back = returned(open_desk, loose, email=SHARED.upper())
    assert browser.get(back).status_code == 200
    assert open_desk.logged("signed in")[-1] == (SHARED.upper(), {"role": "viewer", "way": "desk"})


def test_under_https_the_cookies_go_nowhere_else_and_the_provider_leads_back_to_that_name(
    open_desk: OpenDesk, loose: Loose
) -> None:
    browser, back = returned(open_desk, loose)
    assert loose.asked["redirect_uri"] == f"https://{NAME}/oidc/back"
    assert (loose.asked["tenant"], loose.asked["code_challenge_method"]) == ("1", "S256")
    session, gone = browser.get(back).headers.get_list("set-cookie")
    assert "; Secure" in session
    assert 'saveplay-sign-in=""' in gone
    assert "; Secure" in browser.get("/oidc/start").headers["set-cookie"]


def test_what_the_token_does_not_say_is_asked_for(open_desk: OpenDesk, loose: Loose) -> None:
    browser, back = returned(open_desk, loose, email=None)
    loose.more = {"sub": "7", "email": MANAGER, "email_verified": True}
    assert browser.get(back).status_code == 200
    assert open_desk.logged("signed in")[-1][0] == "Ruth Castellanos"


@pytest.mark.parametrize("more", [{"sub": "8", "email": MANAGER}, {"email": MANAGER}, ["no object"], b"no JSON"])
def test_further_facts_about_somebody_else_are_refused(open_desk: OpenDesk, loose: Loose, more: Any) -> None:
    browser, back = returned(open_desk, loose, email=None)
    loose.more = more
    assert refused(open_desk, browser.get(back))["cause"]


@pytest.mark.parametrize(
    ("claims", "cause"),
    [
        ({"nonce": "of another sign-in"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": [CLIENT, "another-client"], "azp": "another-client"}, "azp"),
        ({"iss": "https://elsewhere.example"}, "iss"),
        ({"exp": int(time.time()) - 3600}, "ExpiredTokenError"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "exp"),
        ({"iat": int(time.time()) + 3600}, "issued in the future"),
        ({"sub": None}, "sub"),
        ({"sub": ["7"]}, "sub"),
    ],
)
def test_a_token_that_is_not_for_us_now_is_refused(
    open_desk: OpenDesk, loose: Loose, claims: dict[str, Any], cause: str
) -> None:
    browser, back = returned(open_desk, loose, **claims)
    facts = refused(open_desk, browser.get(back))
    assert "could not be verified; begin again" in facts["why"]
    assert cause in facts["cause"]


@pytest.mark.parametrize(
    ("sign", "cause"),
    [
        (lambda claims: signed(claims, ECKey.generate_key("P-256")), "BadSignatureError"),
        (lambda claims: signed(claims, OctKey.import_key(SECRET * 2), "HS256"), "UnsupportedAlgorithmError"),
        (unsigned, "UnsupportedAlgorithmError"),
        (lambda claims: signed(claims, ECKey.generate_key("P-256"))[:-9], "BadSignatureError"),
        (lambda _: "no token at all", "DecodeError"),
        (lambda _: ["no", "text"], "TypeError"),
    ],
)
def test_a_token_that_the_provider_did_not_sign_is_refused(
    open_desk: OpenDesk, loose: Loose, sign: Callable[[dict[str, Any]], str], cause: str
) -> None:
    browser, back = returned(open_desk, loose)
    loose.sign = sign
    assert cause in refused(open_desk, browser.get(back))["cause"]


@pytest.mark.parametrize("answer", [{"error": "invalid_grant"}, {"access_token": "t"}, ["a list"], b"<html>", b""])
def test_a_provider_that_gives_no_token_is_told(open_desk: OpenDesk, loose: Loose, answer: Any) -> None:
    browser, back = returned(open_desk, loose)
    loose.answer = answer
    assert "begin again" in refused(open_desk, browser.get(back))["why"]


@pytest.mark.parametrize(
    "email",
    [None, "", "  ", 7, ["a@b.example"], {"a": 1}, True, "a" * 200 + "@b.example", "a@b.example\n" + CSM,
     "\u202e" + CSM, CSM + "\x00"],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(open_desk: OpenDesk, loose: Loose, email: Any) -> None:
    browser, back = returned(open_desk, loose, email=email)
    loose.more = {"sub": "7"}
    refused(open_desk, browser.get(back))


@pytest.mark.parametrize("email", [f" {CSM}", f"{CSM} ", f"{CSM}\x1f", f"{CSM}\u2003", f"\u0085{CSM}", f"\n{CSM}"])
def test_an_address_with_an_odd_character_more_is_another_address(
    open_desk: OpenDesk, strict: OpenDesk, loose: Loose, email: str
) -> None:
    browser, back = returned(open_desk, loose, email=email)
    answer = browser.get(back)
    assert answer.status_code in (200, 403)
    assert open_desk.logged("signed in")[-1][0] != "Sadia Karim" or answer.status_code == 403


@pytest.mark.parametrize(("in_token", "in_userinfo"), [(None, False), (True, False), ("true", "false"), (False, True)])
def test_an_address_that_either_place_calls_unconfirmed_is_refused(
    open_desk: OpenDesk, loose: Loose, in_token: Any, in_userinfo: Any
) -> None:
    browser, back = returned(open_desk, loose, email_verified=in_token)
    loose.more = {"sub": "7", "email": CSM, "email_verified": in_userinfo}
    assert "was never confirmed" in refused(open_desk, browser.get(back))["why"]


@pytest.mark.parametrize("verified", [False, "false", {}])
def test_an_address_counts_only_when_it_is_said_to_be_confirmed_or_nothing_is_said(
    open_desk: OpenDesk, loose: Loose, verified: Any
) -> None:
    browser, back = returned(open_desk, loose, email_verified=verified)
    assert "was never confirmed" in refused(open_desk, browser.get(back))["why"]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (b"<html>", "does not answer"),
        (["a list"], "does not answer"),
        ({}, "does not say how to sign in"),
        ({"issuer": "https://elsewhere.example", "authorization_endpoint": "a", "token_endpoint": "b",
          "jwks_uri": "c"}, "names itself differently"),
    ],
)  # fmt: skip
def test_a_provider_that_is_another_one_or_talks_nonsense_is_told(
    open_desk: OpenDesk, loose: Loose, facts: Any, why: str
) -> None:
    loose.facts = facts
    try:
        assert why in refused(open_desk, outside(open_desk).get("/oidc/start"), 503)["why"]
    finally:
        loose.facts = None


def test_a_provider_that_is_down_is_told_before_and_after_signing_in_there(kept: StoreFolder) -> None:
    provider = Loose()
    with opened(kept, openid={"issuer": provider.issuer, "client_id": CLIENT}, tries_a_minute=5) as desk:
        down = refused(desk, desk.browser().get("/oidc/start"), 503)
        assert "does not answer; try again in a few minutes" in down["why"]
        assert "ConnectError" in down["cause"]
        with provider.answering():
            browser = desk.browser()
            back = provider.back(begun(browser))
        refused(desk, browser.get(back), 503)
        # Repeated attempts have to wait; a one-time link still works in this time.
        assert [desk.browser().get("/oidc/start").status_code for _ in range(3)] == [503, 503, 429]


# behind a proxy ------------------------------------------------------------------------------------------------------


def by_proxy(desk: OpenDesk, who: str, **more: Any) -> ServedClient:
    """The browser of a person whom the proxy has signed in."""
    return outside(desk, headers={"X-Forwarded-Email": who}, **more)


@pytest.mark.parametrize(
    ("who", "name", "role"),
    [
        (CSM, "Sadia Karim", "CSM"),
        (MANAGER.title(), "Ruth Castellanos", "manager"),
        ("ops@tallyfold.example", "ops@tallyfold.example", "leader"),
        ("stranger@elsewhere.example", "stranger@elsewhere.example", "viewer"),
        ("<i>stranger</i>", "<i>stranger</i>", "viewer"),
    ],
)
def test_whom_the_proxy_names_is_in(open_desk: OpenDesk, who: str, name: str, role: str) -> None:
    found = seat(by_proxy(open_desk, who))
    assert (found[0], found[1].lower()) == (name, role.lower())


def test_the_header_counts_from_nowhere_but_the_proxy(open_desk: OpenDesk) -> None:
    elsewhere = httpx.HTTPTransport(local_address="127.0.0.2")
    answer = by_proxy(open_desk, SPONSOR, transport=elsewhere).get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_without_the_header_nobody_is_in(open_desk: OpenDesk) -> None:
    assert outside(open_desk).get("/").headers["location"] == "/sign-in"


@pytest.mark.parametrize("who", ["", "a" * 500, "\u00ad"])
def test_a_name_from_the_proxy_that_is_none_is_refused(open_desk: OpenDesk, who: str) -> None:
    answer = outside(open_desk).get("/", headers=[("X-Forwarded-Email", who.encode("latin-1"))])  # type: ignore[list-item]
    assert answer.status_code == 403
    assert "empty, too long or cannot be printed" in open_desk.logged("refused")[-1][1]["why"]


def test_a_header_that_a_client_slipped_in_beside_the_one_of_the_proxy_is_refused(open_desk: OpenDesk) -> None:
    twice = [("host", NAME), ("X-Forwarded-Email", SPONSOR), ("X-Forwarded-Email", CSM)]
    answer = open_desk.browser().get("/", headers=twice)
    assert answer.status_code == 403
    assert "the proxy has to remove X-Forwarded-Email" in unescape(answer.text)


def test_forms_behind_the_proxy_work_with_the_mark_of_the_page_and_only_with_it(open_desk: OpenDesk) -> None:
    browser, notes = by_proxy(open_desk, CSM), f"/r/{W48}/notes"
    own = {"origin": f"https://{NAME}", "sec-fetch-site": "same-origin"}
    mark = mark_on(browser.get(f"/r/{W48}/data").text)
    assert len(mark) == 64
    assert browser.post(notes, data={"csrf": mark, "text": "Called the sponsor"}, headers=own).status_code == 303
    assert open_desk.logged("wrote down")[-1][0] == "Sadia Karim"
    of_another = mark_on(by_proxy(open_desk, MANAGER).get(f"/r/{W48}/data").text)
    for wrong in (of_another, "proxy-Sadia Karim", ""):
        answer = browser.post(notes, data={"csrf": wrong, "text": "Not me"}, headers=own)
        assert answer.status_code == 403, wrong
    # A token forwarded by the proxy is not a desk token: another site can make a browser send it.
    bearing = {**own, "origin": "https://evil.example", "authorization": "Bearer of-the-proxy"}
    assert browser.post(notes, data={"csrf": "guessed", "text": "Not me"}, headers=bearing).status_code == 403
    assert len(open_desk.logged("wrote down")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": f"https://{NAME}.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": f"https://{NAME}", "sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_mark(open_desk: OpenDesk, headers: dict[str, str]) -> None:
    browser = by_proxy(open_desk, CSM)
    mark = mark_on(browser.get(f"/r/{W48}/data").text)
    with suppress(httpx.ReadError):  # the desk may close the connection before it has read the form
        answer = browser.post(f"/r/{W48}/notes", data={"csrf": mark, "text": "From elsewhere"}, headers=headers)
        assert (answer.status_code, "another site" in answer.text) == (403, True)
    assert all(facts["text"] != "From elsewhere" for _, facts in open_desk.logged("wrote down"))


def test_the_desk_answers_under_its_name_and_no_other(open_desk: OpenDesk) -> None:
    browser = by_proxy(open_desk, CSM)
    assert browser.get("/", headers={"host": f"{NAME}:443"}).status_code == 303
    assert browser.get("/", headers={"host": "evil.example"}).status_code == 421


def test_a_one_time_link_lets_in_whom_the_proxy_does_not_name(open_desk: OpenDesk) -> None:
    said = saveplay("invite", "A guest", "--role", "viewer", "--store", open_desk.store).check_exit(0)
    link, own = said.out.strip().partition("/enter?key=")[2], {"origin": f"https://{NAME}"}
    first, second = (outside(open_desk).post("/enter", data={"key": link}, headers=own) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 403)
    assert "Ask for another one" in second.text
    assert "; Secure" in first.headers["set-cookie"]
    cookie = first.headers["set-cookie"].partition(";")[0]
    assert seat(outside(open_desk, headers={"cookie": cookie}))[0] == "A guest"


# desk settings -------------------------------------------------------------------------------------------------------


def test_a_desk_that_is_open_to_others_needs_a_sign_in_and_settings_that_mean_something(tmp_path: Path) -> None:
    openid = {"issuer": "https://login.example.com", "client_id": CLIENT}
    settings: list[tuple[dict[str, Any], str]] = [
        ({}, "--host 0.0.0.0 is open to others: set openid or proxy"),
        (
            {"openid": {**openid, "issuer": "http://login.example.com"}},
            r"desk.yaml line \d+: openid.issuer: .*only https://",
        ),
        ({"openid": openid, "address": "https://example.com/desk"}, "address: .*nothing comes after the name"),
        ({"proxy": {"header": "X-Forwarded-Email", "trusted": ["localhost"]}}, "proxy.trusted: .*'localhost' is not"),
        ({"openid": openid, "roles": {"leader": [CSM], "viewer": [CSM.upper()]}}, "roles: .*stands there twice"),
    ]
    commands = [
        ["serve", "--host", "0.0.0.0", "--port", "0", "--store", tmp_path / "store", "--configs",
         configured(tmp_path / str(place), **each)]
        for place, (each, _) in enumerate(settings)
    ]  # fmt: skip
    commands.append([*commands[0][:-1], tmp_path / "nowhere"])
    for said, why in zip(
        run_in_parallel(*commands), [*(why for _, why in settings), "nowhere does not exist"], strict=True
    ):
        assert re.search(why, said.refusal), said.refusal
