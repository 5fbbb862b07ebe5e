"""Who may use the admin API and the admin page.

Nobody but a holder of the admin token: `CHRONICLE_ADMIN_TOKEN`, or else one made when the application starts
and printed once, with the address of the page. API clients send it, `Authorization: Bearer ...`. A browser
hands it in once, in the form of the login page, and has a cookie from then on that shows no token, ends by
itself, and is good for nothing once the token changes.

An application that knows its administrators by itself gives its own dependency instead:
`create_admin_router(access=...)`. `refuse_cross_site` guards what changes something in either case.
"""

import hashlib
import hmac
import os
import secrets
import sys
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.routing import NoMatchFound

from chronicle import ConfigurationError

TOKEN_VARIABLE: Final = "CHRONICLE_ADMIN_TOKEN"
SHORTEST_TOKEN: Final = 16
SESSION_SECONDS: Final = 12 * 60 * 60
LOGIN_ROUTE: Final = "chronicle_admin_login"

_STATE: Final = "chronicle_admin_token"
_COOKIE: Final = "chronicle_admin"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class TokenRequiredError(HTTPException):
    """Neither the admin token nor the cookie that stands for it: status 401."""

    def __init__(self) -> None:
        detail = f"The admin token is needed: Authorization: Bearer <the value of {TOKEN_VARIABLE}>."
        super().__init__(401, detail, headers={"WWW-Authenticate": 'Bearer realm="chronicle admin"'})


class CrossSiteError(HTTPException):
    """A browser was made to send this by a page of another site: status 403."""

    def __init__(self) -> None:
        super().__init__(
            403,
            "A change must come from the admin page itself. If it does, a proxy in between changes the Host "
            "header: let it pass the original one on.",
        )


class AdminToken:
    """The admin token of one application, and the sessions of browsers that once showed it.

    A session is its end and a signature of that end, made with a key derived from the token: the server keeps
    none of them, they outlive its restart, and a new token ends them all.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_TOKEN:
            raise ConfigurationError(
                f"{TOKEN_VARIABLE} is too short to keep anybody out: give it {SHORTEST_TOKEN} characters or "
                "more, or leave it away to have one made at each start."
            )
        self._secret = secret
        self._token_key = secrets.token_bytes(32)
        self._session_key = hmac.digest(secret.encode(), b"chronicle admin session", hashlib.sha256)
        # All ports of a host share their cookies: applications on one machine must not sign each other out.
        self.cookie_name = f"{_COOKIE}_{hashlib.sha256(self._session_key).hexdigest()[:8]}"

    @classmethod
    def of(cls, app: Starlette) -> Self:
        """The token of `app`, read or made when first asked for; one that had to be made is printed.

        It is printed, not logged: logs are kept, and shipped to places that have no business with it. Raises
        `ConfigurationError` when the environment has one that is too short.
        """
        found = getattr(app.state, _STATE, None)
        if not isinstance(found, cls):
            given = os.environ.get(TOKEN_VARIABLE)
            found = cls(given or secrets.token_urlsafe(32))
            setattr(app.state, _STATE, found)
            if not given:
                print(found.announcement(_login_path(app)), file=sys.stderr, flush=True)
        return found

    def matches(self, given: str) -> bool:
        """Whether `given` is the token. Takes as long for a good guess as for a bad one of any length."""
        return hmac.compare_digest(self._digest(given), self._digest(self._secret))

    def _digest(self, text: str) -> bytes:
        return hmac.digest(self._token_key, text.encode("utf-8", "surrogatepass"), hashlib.sha256)

    def new_session(self, now: float | None = None) -> str:
        """The value of a cookie for a browser that showed the token. `now` is in seconds since the epoch."""
        end = str(int(time.time() if now is None else now) + SESSION_SECONDS)
        return f"{end}.{self._signature(end)}"

    def accepts_session(self, value: str, now: float | None = None) -> bool:
        """Whether `value` was made by `new_session` for this token, and has not ended."""
        end, _, signature = value.partition(".")
        if not hmac.compare_digest(signature.encode("utf-8", "surrogatepass"), self._signature(end).encode()):
            return False
        return int(end) > (time.time() if now is None else now)

    def _signature(self, end: str) -> str:
        return hmac.new(self._session_key, end.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def announcement(self, login_path: str) -> str:
        """What is printed at the start. The token is in the fragment, which no browser sends anywhere."""
        return (
            "\nChronicle's admin page made a token for this run. To sign in, open on this server:\n\n"
            f"    {login_path}#token={self._secret}\n\n"
            f"or set {TOKEN_VARIABLE} to a token of your own.\n"
        )


@asynccontextmanager
async def announced(app: Starlette) -> AsyncGenerator[None]:
    """A lifespan that settles the token of `app` when it starts, rather than when somebody first asks."""
    AdminToken.of(app)
    yield


def _login_path(app: Starlette) -> str:
    try:
        return str(app.url_path_for(LOGIN_ROUTE))
    except NoMatchFound:
        return "<the admin page>/login"


_bearer: Final = HTTPBearer(
    scheme_name="adminToken", description=f"The value of {TOKEN_VARIABLE}.", auto_error=False
)


async def require_admin_token(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> None:
    """The dependency that lets holders of the admin token in: by bearer token, or by the page's cookie.

    Raises `TokenRequiredError`.
    """
    token = AdminToken.of(request.app)
    if credentials is not None:
        # Whoever says who they are is taken by their word: a wrong token is not made good by a cookie.
        if not token.matches(credentials.credentials):
            raise TokenRequiredError
    elif not token.accepts_session(request.cookies.get(token.cookie_name, "")):
        raise TokenRequiredError


async def refuse_cross_site(request: Request) -> None:
    """The dependency that lets no other site change something through the browser of an administrator.

    Every browser says where a changing request comes from, in `Sec-Fetch-Site` or at least in `Origin`. A
    client that says neither is no browser, and is refused only if it sends cookies all the same. A bearer
    token is never sent by a browser on its own.

    Raises `CrossSiteError`.
    """
    if request.method in _SAFE_METHODS or _has_bearer_token(request.headers):
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        # "none" is a person, typing an address or submitting again after a restart of the browser.
        is_ours = site in ("same-origin", "none")
    elif origin is not None:
        is_ours = urlsplit(origin).netloc == request.headers.get("host")
    else:
        is_ours = "cookie" not in request.headers
    if not is_ours:
        raise CrossSiteError


def _has_bearer_token(headers: Mapping[str, str]) -> bool:
    return headers.get("authorization", "").lower().startswith("bearer ")


def sign_in(connection: HTTPConnection, response: Response) -> None:
    """Give the browser a session. The cookie has no path, so that it is for the folder of the login page, as
    the browser sees it: right behind every proxy, whatever it does to paths.
    """
    token = AdminToken.of(connection.app)
    response.set_cookie(
        token.cookie_name,
        token.new_session(),
        max_age=SESSION_SECONDS,
        path=None,
        secure=connection.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def has_session(connection: HTTPConnection) -> bool:
    """Whether the browser has a session to sign out from; never without the admin token."""
    return any(name.startswith(_COOKIE) for name in connection.cookies)


def sign_out(connection: HTTPConnection, response: Response) -> None:
    """Take the session away from the browser."""
    response.set_cookie(
        AdminToken.of(connection.app).cookie_name,
        "",
        max_age=0,
        path=None,
        secure=connection.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
