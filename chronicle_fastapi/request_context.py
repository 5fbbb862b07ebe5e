"""What surrounds a request: its correlation id, who acts in it, and that the request is the cause.

Pure ASGI, and so seen by `def` endpoints, background tasks and bodies that are streamed as well. It is the
outermost layer, so that every response carries the correlation id; who acts, and the route's values, are
known further in only, and thus looked up when something is appended.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chronicle import Causation, Identity, surroundings
from chronicle.values import uuid7
from chronicle_fastapi.request_options import RequestOptions

CORRELATION_HEADER: Final = "x-correlation-id"
_RAW_HEADER: Final = CORRELATION_HEADER.encode()
CAUSATION_TYPE: Final = "FastAPI Request"

_OF_INTEREST: Final = (("origin", b"origin"), ("referer", b"referer"))
_STATE: Final = "chronicle_requests"
_SEEN: Final = "chronicle.request"


def add_to(app: Starlette, options: RequestOptions) -> None:
    """Have the requests of an application surrounded, whether it has started or not; once is enough.

    A lifespan is entered through the finished middleware stack, which takes no more middleware but may be
    wrapped.
    """
    setattr(app.state, _STATE, options)
    if app.middleware_stack is None:
        added: list[object] = [each.cls for each in app.user_middleware]
        if RequestContext not in added:
            app.add_middleware(RequestContext)
    elif not isinstance(app.middleware_stack, RequestContext):
        app.middleware_stack = RequestContext(app.middleware_stack)


class RequestContext:
    """The middleware. It does nothing in an application that is mounted into another one that has it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles a request."""
        if scope["type"] not in ("http", "websocket") or _SEEN in scope:
            await self.app(scope, receive, send)
            return
        scope[_SEEN] = True
        options: RequestOptions = getattr(scope["app"].state, _STATE)
        request = RequestSurroundings(scope, options)
        with surroundings(request):
            await self.app(scope, receive, _echo(send, str(request.correlation_id).encode()))


class RequestSurroundings:
    """Everything ambient in a request, made when it is asked for (client-surface.md 3.1)."""

    __slots__ = ("_causation", "_occurred", "_options", "_scope", "correlation_id")

    def __init__(self, scope: Scope, options: RequestOptions) -> None:
        self.correlation_id = _sent_correlation_id(scope) or uuid7()
        self._scope = scope
        self._options = options
        self._occurred = datetime.now(UTC)
        # Whether a path is excluded is settled here: on its way in, a request changes its root path.
        is_excluded = options.excludes(scope["path"].removeprefix(scope.get("root_path", "")))
        self._causation: tuple[Causation, ...] | None = () if is_excluded else None

    @property
    def identity(self) -> Identity:
        """Who acts; asked anew each time, for authentication may come in between."""
        if self._causation == ():
            return Identity.SYSTEM
        return self._options.identity(HTTPConnection(self._scope)) or Identity.NOT_SET

    @property
    def causation(self) -> tuple[Causation, ...]:
        """One entry, that of the request; none when its path is excluded."""
        if self._causation is not None:
            return self._causation
        found = (Causation(CAUSATION_TYPE, _properties(self._scope), self._occurred),)
        if "path_params" in self._scope:
            self._causation = found  # routing is over: it stays as it is
        return found


def _properties(scope: Scope) -> dict[str, str]:
    headers = dict(reversed(scope["headers"]))  # of several the first counts
    query = scope["query_string"].decode("latin-1")
    properties = {
        "route": scope["path"],
        "method": scope.get("method", "GET"),
        "host": headers.get(b"host", b"").decode("latin-1"),
        "protocol": f"HTTP/{scope.get('http_version', '1.1')}",
        "scheme": scope["scheme"],
        "query": f"?{query}" if query else "",
    }
    for name, raw_name in _OF_INTEREST:
        if raw_name in headers:
            properties[name] = headers[raw_name].decode("latin-1")
    route_values: dict[str, Any] = scope.get("path_params", {})
    for key, value in route_values.items():
        properties[f"route-value:{key}"] = str(value)
    return properties


def _sent_correlation_id(scope: Scope) -> UUID | None:
    """What the caller sent, unless that is no id; all zeros means that none is set."""
    for name, value in scope["headers"]:
        if name == _RAW_HEADER:
            try:
                sent = UUID(value.decode("latin-1"))
            except ValueError:
                return None
            return sent if sent.int else None
    return None


def _echo(send: Send, correlation_id: bytes) -> Send:
    async def echo(message: Message) -> None:
        if message["type"] in ("http.response.start", "websocket.accept"):
            headers = message.get("headers", ())
            if _RAW_HEADER not in dict(headers):
                message["headers"] = [*headers, (_RAW_HEADER, correlation_id)]
        await send(message)

    return echo
