"""Who may change the archive and see what is personal: whoever is on this machine; elsewhere, whoever has the token.

Beyond loopback, and on loopback too where ``VERBATIM_TOKEN`` is set, the addresses in ``GUARDED`` ask for the
token: ``Authorization: Bearer TOKEN``, or the cookie that the form at ``/login`` sets. What is not listed there
may look at ``is_permitted`` and show less. On loopback other sites' pages are kept out, with or without a token.
"""

import hashlib
import hmac
import os
import re
import secrets
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.types import Scope

from index.errors import UsageError
from server.problems import CROSS_SITE, TOKEN_NEEDED, Refusal
from server.settings import Settings

GUARDED = (
    "/index/rebuild",
    "/index/tasks",
    "/index/rollback",
    "/index/remove",
    "/conversations",
    "/feedback",
)
COOKIE = "verbatim_session"
SESSION = 30 * 24 * 3600  # seconds
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


class Permission:
    """Decides on each request before any of its body is read."""

    def __init__(self, settings: Settings):
        self._token = settings.token
        self._free = settings.local and settings.token is None

    def check(self, scope: Scope, headers: Headers) -> None:
        """Notes in ``scope`` whether the sender is permitted.

        Raises:
            Refusal: the address is guarded, and the sender has no token or is another site's page.
        """
        permitted = self._free or self._knows(scope, headers)
        scope["state"]["permitted"] = permitted
        if not is_guarded(scope["path"]):
            return
        if scope["method"] not in _SAFE_METHODS:
            refuse_other_origin(headers)
        if not permitted:
            detail = "this needs the token of this server; log in at /login, or send Authorization: Bearer TOKEN"
            raise Refusal(TOKEN_NEEDED, detail, headers={"WWW-Authenticate": 'Bearer realm="verbatim"'})

    @property
    def is_free(self) -> bool:
        """Whether no token is asked for at all."""
        return self._free

    def is_token(self, given: str) -> bool:
        return self._token is not None and _are_equal(given, self._token)

    def make_session(self) -> str:
        """A cookie's value that stands for the token for ``SESSION`` seconds, and tells nothing about it."""
        return self._seal(int(time.time()))

    def _knows(self, scope: Scope, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.is_token(given.strip())
        return self._is_session(HTTPConnection(scope).cookies.get(COOKIE, ""))

    def _is_session(self, value: str) -> bool:
        issued = re.fullmatch(r"([0-9]{1,12})\.[0-9a-f]{64}", value)
        if self._token is None or issued is None or not _are_equal(value, self._seal(int(issued[1]))):
            return False
        return 0 <= time.time() - int(issued[1]) < SESSION

    def _seal(self, issued: int) -> str:
        digest = hmac.new((self._token or "").encode(), f"session {issued}".encode(), hashlib.sha256)
        return f"{issued}.{digest.hexdigest()}"


def is_guarded(path: str) -> bool:
    return any(path == guarded or path.startswith(f"{guarded}/") for guarded in GUARDED)


def is_permitted(request: Request) -> bool:
    """Whether the sender may change things and see what is personal."""
    return getattr(request.state, "permitted", False)


def refuse_other_origin(headers: Headers) -> None:
    """For browsers too old for Sec-Fetch-Site, which server/gate.py looks at: their Origin must be this server.

    The pages with guarded forms have a referrer policy of their own, under which their Origin is not "null".

    Raises:
        Refusal: it is another.
    """
    origin = headers.get("origin")
    if origin is None or "sec-fetch-site" in headers:
        return
    if origin == "null" or urlsplit(origin).netloc.lower() != headers.get("host", "").lower():
        raise Refusal(CROSS_SITE, "a page of another site sent this; do it on this server's own page, or by a program")


def login_path(path: str) -> str:
    """Where to log in, to come back to the page at ``path``."""
    return f"/login?next={quote(path if not path.startswith('/index/') else '/index')}"


def keep_token(settings: Settings) -> Settings:
    """``settings`` with a token, if others can reach the server: the one set, else the one kept in the data folder.

    Raises:
        UsageError: none is set, and none can be kept there.
    """
    if settings.local or settings.token is not None:
        return settings
    file = token_file(settings)
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as opened:
                opened.write(secrets.token_urlsafe(32) + "\n")
        token = file.read_text().strip()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"{file} cannot be used ({reason}); set VERBATIM_TOKEN or VERBATIM_DATA") from None
    if len(token) < 16:
        raise UsageError(f"{file} holds no token of 16 or more characters; remove it, or set VERBATIM_TOKEN")
    return replace(settings, token=token)


def token_file(settings: Settings) -> Path:
    return settings.data / "token"


def _are_equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())
