"""Which browser it is: a random id in a cookie, so that each sees its own conversations. Programs have none."""

import re
import uuid

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "verbatim_visitor"
_DAYS = 400  # browsers keep none longer


def visitor_of(request: Request) -> str:
    """The browser's id, "" without one."""
    value = request.cookies.get(COOKIE, "")
    return value if re.fullmatch(r"[0-9a-f]{32}", value) else ""


def ensure_visitor(request: Request) -> str:
    """The browser's id; a new one if it has none, which :func:`greet` must then give it."""
    if not hasattr(request.state, "visitor"):
        request.state.visitor = visitor_of(request) or uuid.uuid4().hex
    return request.state.visitor


def greet(request: Request, response: Response) -> Response:
    """``response`` with the cookie, for a browser that has none yet."""
    if not visitor_of(request):
        response.set_cookie(
            COOKIE,
            ensure_visitor(request),
            max_age=_DAYS * 24 * 3600,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
    return response
