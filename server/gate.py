"""What every request passes through: its id, checks of host, site and permission, limits, headers, log, metrics."""

import asyncio
import logging
import re
import time
import uuid
from dataclasses import dataclass, field
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.metrics import Metrics
from server.permission import Permission
from server.problems import BODY_TOO_LARGE, BODY_TOO_SLOW, CROSS_SITE, INTERNAL, WRONG_HOST, Refusal, respond
from server.settings import Settings

LARGEST_BODY = 1_000_000  # bytes
SLOWEST_BODY = 10.0  # seconds from the end of the head to the end of the body
UPLOADS = "/index/rebuild"  # takes larger bodies, of files, and ...
SLOWEST_UPLOAD = 900.0  # ... waits longer for them
_DRAINED = 16_000_000  # bytes of a refused body that are read and thrown away, for at most ...
_DRAINING = 2.0  # ... so many seconds: many clients hear the refusal only when they have sent all

log = logging.getLogger("verbatim")
access = logging.getLogger("verbatim.access")

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_SANE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(?::[0-9]+)?")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@dataclass(slots=True)
class _Passage:
    """One request on its way through."""

    request_id: str
    status: int = 0
    sent: int = 0
    began: float = field(default_factory=time.perf_counter)


class Gate:
    """Outermost middleware: nothing gets past it without an id, safe headers and a line in the log."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        settings: Settings,
        permission: Permission,
        slowest_body: float = SLOWEST_BODY,
    ):
        self._app, self._metrics, self._permission, self._slowest_body = app, metrics, permission, slowest_body
        self._hosts = known_hosts(settings)
        self._largest_upload = settings.upload_megabytes * 1_000_000

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        passing = _Passage(_request_id(headers))
        scope = dict(scope, state=dict(scope.get("state", {}), request_id=passing.request_id))
        asked = scope["method"]
        if asked == "HEAD":  # answered as GET, without the body
            scope["method"] = "GET"
        guarded = _guarded(passing, send, asked == "HEAD")
        try:
            await self._let_through(scope, headers, receive, guarded)
        except ClientDisconnect:
            log.info("request_id=%s was given up by the client", passing.request_id)
        except Exception:
            log.exception("request_id=%s failed inside", passing.request_id)
            if passing.status:
                raise
            detail = "the server could not finish this; its log names the cause under this request id"
            await respond(Request(scope), Refusal(INTERNAL, detail))(scope, receive, guarded)
        finally:
            self._note(passing, asked, scope)

    async def _let_through(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        largest, slowest = self._limits(scope, headers)
        try:
            _check_host(headers, self._hosts)
            _check_site(scope["method"], headers)
            self._permission.check(scope, headers)
            _check_length(headers, largest)
        except Refusal as refusal:
            if "expect" not in headers:  # a client that asks first has sent nothing yet
                await _drain(receive)
            await respond(Request(scope), refusal)(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, largest, slowest), send)

    def _limits(self, scope: Scope, headers: Headers) -> tuple[int, float]:
        """Bytes that a body may have, and seconds that it may take."""
        if scope["path"] == UPLOADS and headers.get("content-type", "").startswith("multipart/form-data"):
            return self._largest_upload, SLOWEST_UPLOAD
        return LARGEST_BODY, self._slowest_body

    def _note(self, passing: _Passage, method: str, scope: Scope) -> None:
        seconds = time.perf_counter() - passing.began
        route = _route(scope)
        self._metrics.requests.labels(method if method in _METHODS else "other", route, str(passing.status)).inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
        access.info(
            "request_id=%s method=%s path=%s status=%d ms=%.1f bytes=%d",
            passing.request_id,
            quote(method),
            quote(scope["path"], errors="replace")[:300],
            passing.status,
            seconds * 1000,
            passing.sent,
        )


def known_hosts(settings: Settings) -> frozenset[str] | None:
    """Names under which the server may be addressed; None for any.

    A page elsewhere could point its own name at a loopback address and read the archive through
    the browser (DNS rebinding); such a request carries that name in its Host header.
    """
    if settings.allowed_hosts:
        return frozenset(settings.allowed_hosts)
    if not settings.local:
        return None
    host = settings.host.strip("[]").lower()
    return frozenset({"localhost", "127.0.0.1", "[::1]", host, f"[{host}]"})


def _check_host(headers: Headers, hosts: frozenset[str] | None) -> None:
    if hosts is None or "host" not in headers:
        return
    match = _HOST.fullmatch(headers["host"].lower())
    if match is None or match[1].rstrip(".") not in hosts:
        detail = "the Host header names another server; use this machine's name, or list it in VERBATIM_ALLOWED_HOSTS"
        raise Refusal(WRONG_HOST, detail)


def _check_site(method: str, headers: Headers) -> None:
    """Browsers say where a request comes from, and send another site's form without asking first.

    The Origin header tells less: under our own Referrer-Policy it is "null" for our own form.
    """
    if method != "GET" and headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise Refusal(CROSS_SITE, "a page of another site sent this; ask on this server's own page, or by a program")


def _check_length(headers: Headers, largest: int) -> None:
    length = headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > largest:
        raise _too_large(largest)


def _too_large(largest: int) -> Refusal:
    detail = f"the body is larger than {largest:,} bytes; send less"
    return Refusal(BODY_TOO_LARGE, detail, headers={"Connection": "close"})


def _bounded(receive: Receive, largest: int, slowest: float) -> Receive:
    """``receive``, refusing a body that is too large or takes too long, however it is sent."""
    deadline = asyncio.get_running_loop().time() + slowest
    received, complete = 0, False

    async def bounded() -> Message:
        nonlocal received, complete
        if complete:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            detail = f"the body did not arrive within {slowest:g} seconds; send it again"
            raise Refusal(BODY_TOO_SLOW, detail, headers={"Connection": "close"}) from None
        received += len(message.get("body", b""))
        complete = not message.get("more_body", False)
        if received > largest:
            if not complete:
                await _drain(receive)
            raise _too_large(largest)
        return message

    return bounded


async def _drain(receive: Receive) -> None:
    drained = 0
    try:
        async with asyncio.timeout(_DRAINING):
            while drained < _DRAINED:
                message = await receive()
                drained += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        return


def _guarded(passing: _Passage, send: Send, without_body: bool) -> Send:
    """``send`` that adds the headers, and keeps count."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            passing.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers.update(SAFE_HEADERS)
            headers["X-Request-ID"] = passing.request_id
            headers.setdefault("Cache-Control", "no-store")
        elif message["type"] == "http.response.body":
            if without_body:
                message = dict(message, body=b"")
            passing.sent += len(message.get("body", b""))
        await send(message)

    return guarded


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex


def _route(scope: Scope) -> str:
    """The template of the route that matched, so that ids do not end up in metrics."""
    if scope["path"].startswith("/static/"):
        return "/static"
    return getattr(scope.get("route"), "path_format", None) or "none"
