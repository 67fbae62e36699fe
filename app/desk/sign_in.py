"""Sign-in by a one-time link, by OpenID Connect or behind a proxy, and sign-out."""

import os
import secrets
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException

from app.desk.desk_app import DeskApp, current_session, get_desk
from app.desk.render import render_page
from app.desk.sessions import COOKIE, MAX_NAME_LENGTH, Session, expiry_time, find_member
from app.desk.settings import OpenId
from app.wiring import StoreSession
from domain.desk import Member, SignInWay
from domain.errors import ConfigurationError, NotAllowed
from tools.store.desk_store import DeskStore

router = APIRouter(include_in_schema=False)
_STATE_COOKIE = "saveplay-sign-in"
_STATE_MINUTES = 10
_PROVIDER_SECONDS = 10
_SKEW_SECONDS = 60
"""Largest difference between the provider's clock and ours."""
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures with a key that only the provider has; never one with the client's secret, and never none."""
_ENDPOINTS = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")


class _ProviderError(NotAllowed):
    """The sign-in service is unreachable or its answer is unusable; the person is not at fault."""


def limit_attempts(request: Request) -> None:
    """One attempt to come in. Raises HTTPException 429 when there were too many from this address."""
    desk, address = get_desk(request), request.client.host if request.client else ""
    if desk.sign_in_attempts.exceeds_limit(address):
        raise HTTPException(429)


def signed_in_response(
    request: Request,
    store_session: StoreSession,
    member: Member,
    response: Response,
    way: SignInWay = "link",
    name: str = "",
) -> Response:
    """The answer with the cookie of a new session; ``name`` is the sign-in name at the provider."""
    desk = get_desk(request)
    session = desk.sessions(store_session).start_session(member, way, name)
    desk.sign_in_attempts.reset_attempts(request.client.host if request.client else "")
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


def refused_response(
    request: Request, title: str, why: str, status: int = 403, cause: BaseException | None = None
) -> Response:
    """The page after a refused sign-in; the cause goes into the audit log."""
    desk, path = get_desk(request), request.url.path
    facts = {"cause": f"{type(cause).__name__}: {cause}"[:300]} if cause else {}
    with desk.store_pool.borrow() as store_session:
        store_session.store.way = "desk"
        store_session.store.log("", "somebody", "refused", path=path, why=why, **facts)
    return HTMLResponse(
        render_page("trouble.html", title=title, message=why, status=status, back="/sign-in", path=path), status
    )


@router.get("/sign-in", response_class=HTMLResponse)
def sign_in_page(request: Request) -> str:
    """The ways to sign in here."""
    return render_page(
        "sign_in.html",
        openid=get_desk(request).settings.openid is not None,
        proxy=get_desk(request).settings.proxy is not None,
    )


@router.get("/enter", response_class=HTMLResponse)
def enter_page(key: str = "") -> str:
    """A one-time link leads here. Only pressing the button uses it up: programs that look at links do not."""
    return render_page("enter.html", key=key[:200])


@router.post("/enter", dependencies=[Depends(limit_attempts)])
def use_link(request: Request, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Sign in with a one-time key."""
    desk = get_desk(request)
    with desk.store_pool.borrow() as store_session:
        store_session.store.way = "desk"
        with store_session.store.transaction():  # a link is used up only together with the session that it opens
            member = desk.sessions(store_session).redeem_link(key)
            if member is not None:
                return signed_in_response(request, store_session, member, RedirectResponse("/", 303))
    return refused_response(
        request, "This link opens nothing", "It was used already, or it is too old. Ask for another one."
    )


@router.post("/sign-out")
def sign_out(request: Request, session: Annotated[Session, Depends(current_session)]) -> Response:
    """End the session; its cookie is invalid from now on."""
    desk = get_desk(request)
    with desk.store_pool.borrow() as store_session:
        store_session.store.way = "desk"
        desk.sessions(store_session).end_session(session)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(COOKIE, path="/")
    return response


# OpenID Connect ------------------------------------------------------------------------------------------------------


@router.get("/oidc/start", dependencies=[Depends(limit_attempts)])
def openid_start(request: Request) -> Response:
    """Off to the provider, with a state that only this browser can bring back."""
    desk = get_desk(request)
    openid = _openid(desk)
    secret, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    try:
        with _client(openid, desk, request) as client:
            facts = _provider_metadata(client, openid)
            address, state = client.create_authorization_url(
                facts["authorization_endpoint"], nonce=nonce, code_verifier=verifier
            )
    except NotAllowed as refused:
        return _not_signed_in(request, refused)
    with desk.store_pool.borrow() as store_session:
        keys, now = DeskStore(store_session.store), desk.clock()
        keys.delete_expired_keys(now)
        body = {"state": state, "nonce": nonce, "verifier": verifier}
        keys.save_key("sign-in", secret, body, expiry_time(now, minutes=_STATE_MINUTES))
    response = RedirectResponse(address, 303)
    response.set_cookie(
        _STATE_COOKIE,
        secret,
        max_age=_STATE_MINUTES * 60,
        httponly=True,
        secure=desk.is_secure,
        samesite="lax",
        path="/oidc",
    )
    return response


@router.get("/oidc/back", dependencies=[Depends(limit_attempts)])
def openid_callback(request: Request) -> Response:
    """Back from the provider: the code is exchanged, the identity checked, the person let in."""
    desk = get_desk(request)
    openid = _openid(desk)
    with desk.store_pool.borrow() as store_session:
        kept = DeskStore(store_session.store).consume_key(
            "sign-in", request.cookies.get(_STATE_COOKIE, ""), desk.clock()
        )
    try:
        name = _claimed_name(
            openid, _verified_claims(openid, desk, request, kept)
        )  # takes a while: no store is held meanwhile
        with desk.store_pool.borrow() as store_session:
            store_session.store.way = "desk"
            member = find_member(name, desk.settings, desk.people_cache.people(store_session) or {})
            # A page, not a redirect: a cookie for this site only is not sent along on a way that began at another one.
            page = HTMLResponse(render_page("come_in.html", name=member.name))
            response = signed_in_response(request, store_session, member, page, "OpenID", name)
    except NotAllowed as refused:
        response = _not_signed_in(request, refused)
    response.delete_cookie(_STATE_COOKIE, path="/oidc")
    return response


def _not_signed_in(request: Request, refused: NotAllowed) -> Response:
    status = 503 if isinstance(refused, _ProviderError) else 403
    return refused_response(request, "You could not be signed in", str(refused), status, refused.__cause__)


def _openid(desk: DeskApp) -> OpenId:
    if desk.settings.openid is None:
        raise HTTPException(404)
    return desk.settings.openid


def _client(openid: OpenId, desk: DeskApp, request: Request) -> Any:
    """A client of the provider. Raises ConfigurationError without the libraries."""
    try:
        from authlib.integrations.httpx_client import OAuth2Client
    except ImportError:
        raise ConfigurationError('signing in by OpenID Connect needs: pip install "saveplay[openid]"') from None
    root = desk.settings.address or f"{request.url.scheme}://{request.url.netloc}"
    return OAuth2Client(
        client_id=openid.client_id,
        client_secret=os.environ.get(openid.client_secret_from) or None,
        scope="openid email profile",
        redirect_uri=f"{root}/oidc/back",
        code_challenge_method="S256",
        timeout=_PROVIDER_SECONDS,
        verify=_ssl_context(),
    )


@cache
def _ssl_context() -> Any:
    """The trusted certificates, cached because reading them takes longer than the rest of a sign-in."""
    from authlib.integrations.httpx_client.oauth2_client import httpx2 as http  # httpx where there is no httpx2

    return http.create_ssl_context()


def _fetch_json(client: Any, url: str, **how: Any) -> dict[str, Any]:
    """A JSON object of the provider. Raises what ``_troubles`` lists."""
    found = client.request("GET", url, **how).raise_for_status().json()
    if not isinstance(found, dict):
        raise TypeError(f"{url} is no JSON object")
    return found


def _provider_errors() -> tuple[type[Exception], ...]:
    """Errors of a provider that does not answer, or whose answer is invalid."""
    from authlib.common.errors import AuthlibBaseError
    from authlib.integrations.httpx_client.oauth2_client import httpx2 as http
    from joserfc.errors import JoseError

    known = (http.HTTPError, http.InvalidURL, AuthlibBaseError, JoseError)
    return *known, ValueError, TypeError, KeyError, AttributeError


def _provider_metadata(client: Any, openid: OpenId) -> dict[str, str]:
    """The metadata of the provider. Raises NotAllowed when it does not answer or has another name."""
    issuer = openid.issuer.rstrip("/")
    try:
        found = _fetch_json(client, f"{issuer}/.well-known/openid-configuration", withhold_token=True)
        facts = {name: str(value) for name, value in found.items() if name in (*_ENDPOINTS, "userinfo_endpoint")}
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if client.client_secret and "client_secret_basic" not in methods and "client_secret_post" in methods:
            client.token_endpoint_auth_method = "client_secret_post"
    except _provider_errors() as error:
        raise _ProviderError("the sign-in service does not answer; try again in a few minutes") from error
    if not set(_ENDPOINTS) <= set(facts):
        raise _ProviderError("the sign-in service does not say how to sign in; tell whoever runs the desk")
    if facts["issuer"].rstrip("/") != issuer:
        raise _ProviderError(
            "the sign-in service names itself differently than desk.yaml does; tell whoever runs the desk"
        )
    return facts


def _verified_claims(openid: OpenId, desk: DeskApp, request: Request, kept: dict[str, Any] | None) -> dict[str, Any]:
    """The verified claims about the person. Raises NotAllowed with the reason."""
    given = request.query_params
    if kept is None or not secrets.compare_digest(given.get("state", "").encode(), kept["state"].encode()):
        raise NotAllowed("this sign-in was not begun in this browser, or it is too old or used up; begin again")
    if "error" in given:
        raise NotAllowed(
            f"the sign-in service refused ({_printable(given['error'])}); begin again or ask whoever runs it"
        )
    with _client(openid, desk, request) as client:
        facts = _provider_metadata(client, openid)
        try:
            token = client.fetch_token(
                facts["token_endpoint"], code=given.get("code", ""), code_verifier=kept["verifier"]
            )
            claims = _decode_token(token["id_token"], _fetch_json(client, facts["jwks_uri"], withhold_token=True), {
                "iss": facts["issuer"], "aud": openid.client_id, "nonce": kept["nonce"],
            })  # fmt: skip
            if "userinfo_endpoint" in facts and (openid.claim == "email" or openid.claim not in claims):
                claims = _with_userinfo(client, facts["userinfo_endpoint"], claims, openid.claim)
        except _provider_errors() as error:
            raise NotAllowed(
                "what the sign-in service says of you could not be verified; begin again, and tell whoever runs the "
                "desk if that does not help"
            ) from error
    return claims


def _with_userinfo(client: Any, address: str, claims: dict[str, Any], claim: str) -> dict[str, Any]:
    """The claims of the identity token with those of the user-info endpoint, which decide nothing that the token says.

    An address is confirmed only when neither place says that it is not. Raises what ``_provider_errors`` lists; an endpoint
    that does not answer matters only when the token does not name the person.
    """
    from authlib.integrations.httpx_client.oauth2_client import httpx2 as http

    try:
        more = _fetch_json(client, address)
    except (http.HTTPError, ValueError, TypeError):
        if claim in claims:
            return claims
        raise
    if more.get("sub") != claims["sub"]:
        raise ValueError("the further facts are of somebody else")
    said = [place["email_verified"] for place in (claims, more) if "email_verified" in place]
    unconfirmed = [each for each in said if not _is_confirmed(each)]
    return {**more, **claims, **({"email_verified": unconfirmed[0]} if unconfirmed else {})}


def _is_confirmed(said: object) -> bool:
    return said in (True, "true")


def _decode_token(token: str, keys: dict[str, Any], expected: dict[str, str]) -> dict[str, Any]:
    """The claims of an identity token that is signed by the provider, for us, now, in answer to what we asked."""
    from joserfc import jwt
    from joserfc.jwk import KeySet
    from joserfc.jws import JWSRegistry

    registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)  # providers add headers of their own
    claims = jwt.decode(token, KeySet.import_key_set(keys), registry=registry).claims  # type: ignore[arg-type]
    rules: dict[str, Any] = {name: {"essential": True, "value": value} for name, value in expected.items()}
    rules |= {"exp": {"essential": True}, "sub": {"essential": True}, "azp": {"value": expected["aud"]}}
    jwt.JWTClaimsRegistry(leeway=_SKEW_SECONDS, **rules).validate(claims)
    return claims


def _claimed_name(openid: OpenId, claims: dict[str, Any]) -> str:
    """The name in a verified identity. Raises NotAllowed."""
    name = claims.get(openid.claim)
    if not isinstance(name, str) or not name.strip():
        raise NotAllowed(f"your identity has no {openid.claim}; whoever runs the desk sets claim in configs/desk.yaml")
    if openid.claim == "email" and not _is_confirmed(claims.get("email_verified", True)):
        raise NotAllowed(f"the address {_printable(name)} was never confirmed; confirm it there, then sign in again")
    return name


def _printable(text: str) -> str:
    """Text of others for a page and the log: what cannot be printed is left out, and not more than a name's worth."""
    return "".join(letter for letter in text if letter.isprintable())[:MAX_NAME_LENGTH]
