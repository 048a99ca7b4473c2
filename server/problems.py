"""Errors as the outside sees them: RFC 9457 problem documents, or a page where a browser asks for one."""

import difflib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from index.errors import (
    ArticleError,
    GoldenFailed,
    IndexFault,
    ModelError,
    NoIndex,
    UnknownArticle,
    UsageError,
    VerbatimError,
)

MEDIA_TYPE = "application/problem+json"

log = logging.getLogger("verbatim")


@dataclass(frozen=True, slots=True)
class Kind:
    """What the ``type`` of a problem stands for."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        return f"urn:verbatim:problem:{self.name}"


BAD_JSON = Kind("bad-json", 400, "The body is not JSON")
WRONG_HOST = Kind("wrong-host", 400, "This server does not go by that name")
BAD_REQUEST = Kind("bad-request", 400, "The request cannot be read")
TOKEN_NEEDED = Kind("token-needed", 401, "This needs the token")
CROSS_SITE = Kind("cross-site", 403, "Another site's page may not ask here")
PATH_NOT_ALLOWED = Kind("path-not-allowed", 403, "That path may not be indexed from here")
NOT_FOUND = Kind("not-found", 404, "There is nothing here")
UNKNOWN_ARTICLE = Kind("unknown-article", 404, "No such article")
UNKNOWN_CONVERSATION = Kind("unknown-conversation", 404, "No such conversation")
UNKNOWN_ANSWER = Kind("unknown-answer", 404, "No such answer")
UNKNOWN_TASK = Kind("unknown-task", 404, "No such task")
WRONG_METHOD = Kind("wrong-method", 405, "This address takes other methods")
BODY_TOO_SLOW = Kind("body-too-slow", 408, "The body took too long to arrive")
TASK_OVER = Kind("task-over", 409, "The task is over")
INDEX_BUSY = Kind("index-busy", 409, "The index is being built")
BODY_TOO_LARGE = Kind("body-too-large", 413, "The body is too large")
NOT_JSON = Kind("not-json", 415, "The body must be sent as application/json")
INVALID = Kind("invalid-request", 422, "The request cannot be meant")
UNREADABLE = Kind("unreadable-articles", 422, "The articles cannot be read")
GOLDEN_FAILED = Kind("golden-failed", 422, "The new index answers less")
TOO_MANY_TASKS = Kind("too-many-tasks", 429, "Too many tasks are waiting")
INTERNAL = Kind("internal-error", 500, "Something went wrong inside")
NO_INDEX = Kind("no-index", 503, "No articles are indexed yet")
INDEX_FAULT = Kind("index-fault", 503, "The index cannot be used")
MODEL_FAULT = Kind("model-fault", 503, "A model cannot be used")
BUSY = Kind("busy", 503, "Too many questions at once")

# What is said instead of messages that name files of this machine, when others can reach it.
_UNNAMED = {
    NO_INDEX: "there is no index here yet; make one with: verbatim index ARTICLES",
    INDEX_FAULT: "the index cannot be used; the server's log says why, under this request id",
    MODEL_FAULT: "a model cannot be used; the server's log says why, under this request id",
}

KINDS = tuple(value for value in list(globals().values()) if isinstance(value, Kind))


class FieldError(BaseModel):
    field: str = Field(description="The path of the field, such as history.0.question.", examples=["question"])
    message: str = Field(examples=["the question is empty; type one"])


class Problem(BaseModel):
    """RFC 9457 problem document."""

    model_config = ConfigDict(json_schema_extra={"required": ["type", "title", "status", "detail", "request_id"]})

    type: str = Field(description="Stable; docs/api.md lists them all.", examples=[INVALID.type])
    title: str = Field(examples=[INVALID.title])
    status: int = Field(examples=[INVALID.status])
    detail: str = Field(description="What is wrong and what to do.", examples=["question: it is empty; type one"])
    instance: str = Field(description="The path that was asked for.", examples=["/ask"])
    request_id: str = Field(description="As in the X-Request-ID header and in the log.", examples=["4f0c2b1d9e"])
    errors: list[FieldError] = Field(default=[], description="For invalid requests, each field that is wrong.")


class Refusal(HTTPException):
    """A problem raised on purpose; FastAPI lets it through even while it reads a body."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(kind.status, detail, dict(headers or {}))
        self.kind, self.errors = kind, tuple(errors)


def refusal_of(error: VerbatimError) -> Refusal:
    """The problem that a designed error is to the outside."""
    if isinstance(error, UnknownArticle):
        return Refusal(UNKNOWN_ARTICLE, "no article has this id; ids are in the citations of an answer")
    if isinstance(error, UsageError):
        return Refusal(INVALID, str(error))
    if isinstance(error, ArticleError):
        return Refusal(UNREADABLE, str(error))
    if isinstance(error, GoldenFailed):
        return Refusal(GOLDEN_FAILED, str(error))
    headers = {"Retry-After": "10"}
    if isinstance(error, NoIndex):
        return Refusal(NO_INDEX, str(error), headers=headers)
    kind = INDEX_FAULT if isinstance(error, IndexFault) else MODEL_FAULT if isinstance(error, ModelError) else INTERNAL
    return Refusal(kind, str(error), headers=headers if kind.status == 503 else None)


def refuse(request: Request, error: VerbatimError) -> Refusal:
    """The problem that ``error`` is to whoever sent ``request``: other machines are told no file names."""
    refusal = refusal_of(error)
    if request.app.state.local or refusal.kind not in _UNNAMED:
        return refusal
    log.warning("request_id=%s %s", _request_id(request), error)
    return Refusal(refusal.kind, _UNNAMED[refusal.kind], headers=refusal.headers)


def invalid(errors: Sequence[Mapping[str, Any]], model: type[BaseModel] | None = None) -> Refusal:
    """The problem for pydantic's ``errors``; fields of ``model`` are proposed for misspelt ones."""
    described = [FieldError(field=_path(error["loc"]), message=_message(error, model)) for error in errors[:20]]
    detail = "; ".join(f"{each.field}: {each.message}" if each.field else each.message for each in described)
    return Refusal(INVALID, detail, described)


def validate(model: type[BaseModel], values: Any) -> Any:
    """``values`` as a ``model``. Raises Refusal."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid(error.errors(include_context=False, include_url=False), model) from error


def wants_page(request: Request) -> bool:
    """Whether a person is looking: browsers name text/html, programs do not."""
    return "text/html" in request.headers.get("accept", "").lower()


def respond(request: Request, refusal: Refusal) -> Response:
    """The problem as JSON, or as a page for a person."""
    document: dict[str, Any] = {
        "type": refusal.kind.type,
        "title": refusal.kind.title,
        "status": refusal.kind.status,
        "detail": _plain(str(refusal.detail)),
        "instance": quote(request.scope["path"]),
        "request_id": _request_id(request),
    }
    if refusal.errors:
        document["errors"] = [each.model_dump() for each in refusal.errors]
    headers = {"Cache-Control": "no-store", "Vary": "Accept"} | dict(refusal.headers or {})
    pages = getattr(request.app.state, "pages", None) if "app" in request.scope else None
    if pages is not None and wants_page(request):
        return pages.problem(document, headers)
    return Response(json.dumps(document), refusal.kind.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Gives every error that the routes raise this one shape."""

    @app.exception_handler(VerbatimError)
    def designed(request: Request, error: VerbatimError) -> Response:
        return respond(request, refuse(request, error))

    @app.exception_handler(RequestValidationError)
    def unreadable(request: Request, error: RequestValidationError) -> Response:
        return respond(request, _refusal_of_validation(request, error))

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        return respond(request, error if isinstance(error, Refusal) else _refusal_of_http(request, error))


def _refusal_of_validation(request: Request, error: RequestValidationError) -> Refusal:
    errors = error.errors()
    if errors[0]["type"] == "json_invalid":
        return Refusal(BAD_JSON, f"the body is not JSON (at character {errors[0]['loc'][-1]}); send a JSON object")
    if errors[0]["loc"] == ("body",) and isinstance(error.body, bytes):
        return Refusal(NOT_JSON, "the body must be a JSON object, sent with Content-Type: application/json")
    if errors[0]["loc"] == ("body",) and errors[0]["type"] == "missing":
        return Refusal(INVALID, 'there is no body; send a JSON object such as {"question": "..."}')
    return invalid([dict(each, loc=each["loc"][1:]) for each in errors], getattr(request.app.state, "asking", None))


def _refusal_of_http(request: Request, error: HTTPException) -> Refusal:
    if error.status_code == 405:
        methods = {
            method
            for route in getattr(request.app.state, "routes", ())
            if route.matches(dict(request.scope))[0].value
            for method in getattr(route, "methods", None) or ()
        }
        allowed = ", ".join(sorted(methods | {"HEAD"} if "GET" in methods else methods)) or "GET, HEAD"
        return Refusal(WRONG_METHOD, f"this address takes: {allowed}", headers={"Allow": allowed})
    if error.status_code == 404:
        return Refusal(NOT_FOUND, "there is nothing at this address; /openapi.json lists what there is")
    if error.status_code == 400:
        return Refusal(BAD_JSON, "the body cannot be read; send a JSON object in UTF-8")
    kind = Kind(f"http-{error.status_code}", error.status_code, "The request was refused")
    return Refusal(kind, str(error.detail), headers=error.headers)


def _request_id(request: Request) -> str:
    return request.scope.get("state", {}).get("request_id", "")


def _path(location: Sequence[Any]) -> str:
    return _plain(".".join(str(part) for part in location))[:120]


def _message(error: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    if error["type"] == "extra_forbidden":
        name = _plain(str(error["loc"][-1]))[:80]
        nearest = difflib.get_close_matches(name, _fields(model, error["loc"]), n=1)
        return f"there is no field {name!r}" + (f"; did you mean {nearest[0]!r}?" if nearest else "")
    if error["type"] == "missing":
        return "this field is needed"
    message = error["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _fields(model: type[BaseModel] | None, location: Sequence[Any]) -> list[str]:
    """Names of the fields beside the one at ``location``."""
    if model is None:
        return []
    nested = getattr(model, "nested", {}).get(location[0]) if len(location) > 1 else model
    return list(nested.model_fields) if nested else []


def _plain(text: str) -> str:
    """``text`` as one line that UTF-8 can hold."""
    return " ".join(text.encode("utf-8", "replace").decode().split())[:500]
