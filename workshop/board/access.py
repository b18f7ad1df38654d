"""Who may use the board: the owner of the address with the token, from this machine only.

The address contains a random token. It is exchanged for a cookie that other sites' pages cannot
send, and each POST repeats it in a header that a form of another page cannot set.
"""

import secrets
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from workshop.board.address import PARAMETER

TOKEN_HEADER = "X-Board-Token"  # noqa: S105 - the header's name
BODY_LIMIT = 1_000_000
"""The most bytes of a request's body; an event has at most a million."""

_SAFE = {"GET", "HEAD"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Access:
    """Refuses requests without the token or from another site, and sets the security headers.

    Args:
        app: The application behind it.
        token: The token of the board's address.
        port: The board's port.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._token = token
        self._cookie = f"board-{port}"  # cookies do not distinguish ports
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the application's start and end."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        refusal = self._foreign(scope["method"], headers) or self._unauthorised(scope, headers)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _foreign(self, method: str, headers: Headers) -> Response | None:
        """Return the refusal of a request from another site or for another host."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if host not in self._hosts:
            return _refused("The board answers on the loopback address only.")
        if origin is not None and origin != f"http://{host}":
            return _refused("The request comes from another site.")
        if method not in _SAFE and headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _refused("The request comes from another site.")
        try:
            length = int(headers.get("content-length", "0"))
        except ValueError:
            length = BODY_LIMIT + 1
        if length > BODY_LIMIT or "transfer-encoding" in headers:
            return _refused("The request is too large.", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return None

    def _unauthorised(self, scope: Scope, headers: Headers) -> Response | None:
        """Return the response to a request without the cookie; None if it has it."""
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get(PARAMETER)
        if given is not None and scope["method"] in _SAFE:
            if not self._is_token(given):
                return _refused("The token is wrong. Open the address that `make board` prints.")
            return self._with_cookie(
                scope["path"], (each for each in query if each[0] != PARAMETER)
            )
        if not self._is_token(cookie_parser(headers.get("cookie", "")).get(self._cookie, "")):
            return _refused("Open the address that `make board` prints: it has a token.")
        if scope["method"] not in _SAFE and not self._is_token(headers.get(TOKEN_HEADER, "")):
            return _refused(f"The header {TOKEN_HEADER} is missing. Reload the page.")
        return None

    def _with_cookie(self, path: str, query: Iterable[tuple[str, str]]) -> Response:
        """Return a redirection to the same page that sets the cookie."""
        rest = urlencode(list(query))
        # A path with two slashes would lead to another host.
        response = RedirectResponse(f"/{path.lstrip('/')}" + (f"?{rest}" if rest else ""), 303)
        response.set_cookie(self._cookie, self._token, httponly=True, samesite="strict")
        return response

    def _is_token(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self._token.encode())


def _refused(why: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> Response:
    return PlainTextResponse(f"{why}\n", status)
