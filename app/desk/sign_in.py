"""Coming in: by a one-time link, by OpenID Connect, behind a proxy. And going out."""

import os
import secrets
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from app.desk.door import COOKIE, Session, later, member_named
from app.desk.reading import latest
from app.desk.render import page
from app.desk.server import Desk, desk_of, session_of
from app.desk.settings import OpenId
from app.wiring import Workplace
from domain.desk import Member
from domain.errors import ConfigurationError, NotAllowed
from domain.phases import Identified
from tools.desk_store import DeskStore

router = APIRouter(include_in_schema=False)
_STATE = "saveplay-sign-in"
_STATE_MINUTES = 10


def known_member(name: str, desk: Desk, place: Workplace) -> Member | None:
    """Who somebody is at the desk, by the settings and the people of the newest review."""
    review_id = latest(place)
    identified = place.store.find(review_id, "identified", Identified) if review_id else None
    return member_named(name, desk.settings, identified.people if identified else {})


def held_back(request: Request) -> None:
    """One attempt to come in. Raises HTTPException 429 when there were too many from this address."""
    desk, address = desk_of(request), request.client.host if request.client else ""
    if desk.attempts.is_one_too_many(address):
        raise HTTPException(429)


def let_in(desk: Desk, place: Workplace, member: Member, response: Response) -> Response:
    """The answer with the cookie of a new session."""
    session = desk.door(place).let_in(member)
    response.set_cookie(
        COOKIE,
        session.secret,
        max_age=int(desk.settings.session_hours * 3600),
        httponly=True,
        secure=desk.is_secure,
        samesite="strict",
        path="/",
    )
    return response


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in(request: Request) -> str:
    """How to come in here."""
    return page("sign_in.html", openid=desk_of(request).settings.openid is not None)


@router.get("/enter", response_class=HTMLResponse)
def enter_page(key: str = "") -> str:
    """A one-time link leads here. Only pressing the button uses it up: programs that look at links do not."""
    return page("enter.html", key=key[:200])


@router.post("/enter", dependencies=[Depends(held_back)])
def enter(request: Request, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Come in with a one-time key."""
    desk = desk_of(request)
    with desk.places.one() as place:
        place.store.way = "desk"
        member = desk.door(place).by_link(key)
        if member is None:
            place.store.log("", "somebody", "refused", path="/enter", why="a link that is used up or was never made")
            body = page("trouble.html", title="This link opens nothing", status=403, back="/sign-in", path="/enter",
                        message="It was used already, or it is too old. Ask for another one.")  # fmt: skip
            return HTMLResponse(body, 403)
        return let_in(desk, place, member, RedirectResponse("/", 303))


@router.post("/sign-out")
def sign_out(request: Request, session: Annotated[Session, Depends(session_of)]) -> Response:
    """Go out; the cookie is worth nothing from now on."""
    desk = desk_of(request)
    with desk.places.one() as place:
        place.store.way = "desk"
        desk.door(place).let_out(session)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


# OpenID Connect ------------------------------------------------------------------------------------------------------


@router.get("/oidc/start", dependencies=[Depends(held_back)])
def openid_start(request: Request) -> Response:
    """Off to the provider, with a state that only this browser can bring back."""
    desk = desk_of(request)
    openid = _openid(desk)
    secret, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    client, facts = _client(openid, desk, request)
    with client:
        address, state = client.create_authorization_url(
            facts["authorization_endpoint"], nonce=nonce, code_verifier=verifier
        )
    with desk.places.one() as place:
        body = {"state": state, "nonce": nonce, "verifier": verifier}
        DeskStore(place.store).keep_key("sign-in", secret, body, later(desk.clock(), minutes=_STATE_MINUTES))
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _STATE, secret, max_age=_STATE_MINUTES * 60, httponly=True, secure=desk.is_secure, samesite="lax", path="/oidc"
    )
    return response


@router.get("/oidc/back", dependencies=[Depends(held_back)])
def openid_back(request: Request) -> Response:
    """Back from the provider: the code is exchanged, the identity checked, the person let in."""
    desk = desk_of(request)
    openid = _openid(desk)
    with desk.places.one() as place:
        place.store.way = "desk"
        kept = DeskStore(place.store).use_key("sign-in", request.cookies.get(_STATE, ""), desk.clock())
        try:
            name = _identity(openid, desk, request, kept)
            member = known_member(name, desk, place)
            if member is None:
                raise NotAllowed(f"{name} is not one of the people of this desk; ask whoever runs it")
        except NotAllowed as refused:
            place.store.log("", "somebody", "refused", path="/oidc/back", why=str(refused))
            body = page("trouble.html", title="You could not be signed in", message=str(refused), status=403,
                        back="/sign-in", path="/oidc/back")  # fmt: skip
            return HTMLResponse(body, 403)
        # A page, not a redirect: a cookie for this site only is not sent along on a way that began at another one.
        response = let_in(desk, place, member, HTMLResponse(page("come_in.html", name=member.name)))
    response.delete_cookie(_STATE, path="/oidc")
    return response


def _openid(desk: Desk) -> OpenId:
    if desk.settings.openid is None:
        raise HTTPException(404)
    return desk.settings.openid


def _client(openid: OpenId, desk: Desk, request: Request) -> tuple[Any, dict[str, Any]]:
    """A client of the provider, and what the provider says of itself. Raises NotAllowed when it does not answer."""
    try:
        import httpx
        from authlib.integrations.httpx_client import OAuth2Client
    except ImportError:
        raise ConfigurationError('signing in by OpenID Connect needs: pip install "saveplay[openid]"') from None
    root = desk.settings.address or f"{request.url.scheme}://{request.url.netloc}"
    client = OAuth2Client(
        client_id=openid.client_id,
        client_secret=os.environ.get(openid.client_secret_from) or None,
        scope="openid email profile",
        redirect_uri=f"{root}/oidc/back",
        code_challenge_method="S256",
        timeout=10,
    )
    try:
        found = client.get(f"{openid.issuer.rstrip('/')}/.well-known/openid-configuration", withhold_token=True)
        facts = found.raise_for_status().json()
    except (httpx.HTTPError, ValueError) as error:
        client.close()
        raise NotAllowed(f"the sign-in service does not answer ({type(error).__name__}); try again later") from None
    if facts.get("issuer", "").rstrip("/") != openid.issuer.rstrip("/"):
        client.close()
        raise NotAllowed("the sign-in service names itself differently than configs/desk.yaml does")
    return client, facts


def _identity(openid: OpenId, desk: Desk, request: Request, kept: dict[str, Any] | None) -> str:
    """The name in a verified identity. Raises NotAllowed with the reason."""
    import httpx
    from authlib.common.errors import AuthlibBaseError
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    given = request.query_params
    if "error" in given:
        raise NotAllowed(f"the sign-in service refused: {given['error'][:100]}")
    if kept is None or not secrets.compare_digest(given.get("state", ""), kept["state"]):
        raise NotAllowed("this sign-in was not begun in this browser, or it is too old; begin again")
    client, facts = _client(openid, desk, request)
    try:
        with client:
            token = client.fetch_token(
                facts["token_endpoint"], code=given.get("code", ""), code_verifier=kept["verifier"]
            )
            keys = client.get(facts["jwks_uri"], withhold_token=True).raise_for_status().json()
            algorithms = [a for a in facts.get("id_token_signing_alg_values_supported", ["RS256"]) if a != "none"]
            asymmetric = [a for a in algorithms if a[:2] in ("RS", "ES", "PS", "Ed")]
            claims = jwt.decode(token["id_token"], KeySet.import_key_set(keys), algorithms=asymmetric).claims
        rules = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": facts["issuer"]},
            aud={"essential": True, "value": openid.client_id},
            nonce={"essential": True, "value": kept["nonce"]},
            exp={"essential": True},
        )
        rules.validate(claims)
    except (AuthlibBaseError, JoseError, httpx.HTTPError, KeyError, ValueError) as error:
        raise NotAllowed(f"the identity could not be checked ({type(error).__name__}); begin again") from None
    name = claims.get(openid.claim)
    if not isinstance(name, str) or not name:
        raise NotAllowed(f"the identity has no {openid.claim}; set claim in configs/desk.yaml")
    if openid.claim == "email" and claims.get("email_verified") is False:
        raise NotAllowed(f"the address {name} was never confirmed")
    return name


def is_loopback(host: str) -> bool:
    """Whether a host name is this machine only."""
    return (urlsplit(f"//{host}").hostname or "") in ("127.0.0.1", "localhost", "::1")
