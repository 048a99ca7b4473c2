"""The form at which a browser shows that it has the token."""

import re
from typing import Annotated
from urllib.parse import parse_qs

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from server.api import problems
from server.permission import COOKIE, SESSION, is_permitted
from server.texts import INDEX_TEXTS

_HTML = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string"}, "next": {"type": "string"}},
                }
            }
        },
    }
}
_SENT_ON = {303: {"description": "The page that was meant."}}

router = APIRouter(default_response_class=HTMLResponse, tags=["pages"])


@router.get("/login", summary="The page to log in on", responses=_HTML | problems(422))
def login_page(
    request: Request, next: Annotated[str, Query(description="The path to go on to.", max_length=2_000)] = "/index"
) -> Response:
    if is_permitted(request):
        return RedirectResponse(_own_path(next), 303)
    return _show(request, next)


@router.post(
    "/login",
    summary="Log in by the page's form",
    status_code=303,
    openapi_extra=_FORM,
    responses=_SENT_ON | problems(401, 403, 408, 413),
)
async def log_in(request: Request) -> Response:
    """Sets a cookie that no script can read and no other site's page can use."""
    form = parse_qs((await request.body()).decode("utf-8", "replace"))
    given, next = form.get("token", [""])[-1].strip(), form.get("next", ["/index"])[-1]
    permission = request.app.state.permission
    if not permission.is_token(given):
        return _show(request, next, wrong=True)
    response = RedirectResponse(_own_path(next), 303)
    secure = request.url.scheme == "https"
    response.set_cookie(
        COOKIE, permission.make_session(), max_age=SESSION, httponly=True, samesite="strict", secure=secure
    )
    return response


@router.post("/logout", summary="Log out", status_code=303, responses=_SENT_ON | problems(403))
def log_out() -> Response:
    response = RedirectResponse("/index", 303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response


def _show(request: Request, next: str, wrong: bool = False) -> Response:
    html = request.app.state.pages.render("login.html", t=INDEX_TEXTS, next=_own_path(next), wrong=wrong)
    return HTMLResponse(html, 401 if wrong else 200, headers={"Cache-Control": "no-store"})


def _own_path(path: str) -> str:
    """``path`` if it leads to a page of this server, else the page of the index."""
    return path if re.fullmatch(r"/(?![/\\])[!-~]*", path) else "/index"
