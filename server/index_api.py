"""Looking after the index over HTTP: by JSON, by uploads, and by the forms of the page."""

import json
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qs

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response

from server.api import problems
from server.index_messages import (
    IndexDetails,
    RebuildRequest,
    RemoveRequest,
    RollbackRequest,
    RolledBack,
    TaskList,
    TaskOut,
    task_path,
    write_task,
)
from server.index_page import render_index_page
from server.permission import is_permitted
from server.problems import BAD_JSON, INVALID, NOT_JSON, Refusal, validate, wants_page
from server.tasks import Task
from server.upkeep import Upkeep

Model = TypeVar("Model", bound=BaseModel)
Uid = Annotated[str, Path(description="Of the task.", max_length=100)]

router = APIRouter(tags=["index"])


def _takes(model: type[BaseModel], fields: dict[str, Any], files: bool = False) -> dict[str, Any]:
    """The body of a route, for /openapi.json: JSON, or the ``fields`` of a form."""
    form = {"schema": {"type": "object", "properties": fields}}
    content: dict[str, Any] = {
        "application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}},
        "application/x-www-form-urlencoded": form,
    }
    if files:
        binary = {"type": "array", "items": {"type": "string", "format": "binary"}}
        content["multipart/form-data"] = {"schema": {"type": "object", "properties": {"files": binary}}}
    return {"requestBody": {"required": False, "content": content}}


MODELS = (RebuildRequest, RemoveRequest, RollbackRequest)
_TEXT = {"type": "string"}
_PAGE = {200: {"content": {"text/html": {"schema": _TEXT}}}}
_SEE = {303: {"description": "The page of the index, for whoever accepts text/html."}}


@router.get(
    "/index",
    response_model=IndexDetails,
    summary="The index in use",
    responses=_PAGE | problems(503),
)
def index(request: Request) -> Response:
    """As JSON; for whoever accepts text/html, the page on which it is looked after."""
    if wants_page(request):
        return render_index_page(request)
    details = _upkeep(request).details(request.app.state.archive.info(), is_permitted(request))
    return JSONResponse(details.model_dump(mode="json"), headers={"Vary": "Accept"})


@router.post(
    "/index/rebuild",
    status_code=202,
    response_model=TaskOut,
    summary="Bring the index up to date",
    openapi_extra=_takes(RebuildRequest, {"full": {"type": "string", "enum": ["on"]}}, files=True),
    responses=_SEE | problems(401, 403, 408, 413, 415, 422, 429),
)
async def rebuild(request: Request) -> Response:
    """Reads paths again, or takes in uploaded files; a task does it, and the index in use answers until it is done."""
    if _content_type(request) == "multipart/form-data":
        return _accept(request, await _add_files(request))
    asked = await _read(request, RebuildRequest, {"full": lambda values: values[-1] == "on" or values[-1]})
    task = await run_in_threadpool(_upkeep(request).rebuild, asked.paths, asked.full, asked.golden)
    return _accept(request, task)


@router.post(
    "/index/remove",
    status_code=202,
    response_model=TaskOut,
    summary="Take articles out, of older states too",
    openapi_extra=_takes(RemoveRequest, {"article_ids": _TEXT}),
    responses=_SEE | problems(401, 403, 408, 413, 415, 422, 429),
)
async def remove(request: Request) -> Response:
    asked = await _read(request, RemoveRequest, {"article_ids": _lines})
    return _accept(request, await run_in_threadpool(_upkeep(request).remove, asked.article_ids))


@router.post(
    "/index/rollback",
    response_model=RolledBack,
    summary="Go back to an older state",
    openapi_extra=_takes(RollbackRequest, {"generation": _TEXT}),
    responses=_SEE | problems(401, 403, 408, 409, 413, 415, 422, 503),
)
async def rollback(request: Request) -> Response:
    asked = await _read(request, RollbackRequest, {"generation": lambda values: values[-1]})
    generation = await run_in_threadpool(_upkeep(request).roll_back, asked.generation)
    if wants_page(request):
        return RedirectResponse(f"/index?rolled_back={generation}#history", 303)
    return JSONResponse({"generation": generation})


@router.get("/index/tasks", response_model=TaskList, summary="All tasks", responses=problems(401))
def tasks(request: Request) -> TaskList:
    return TaskList(tasks=[write_task(task) for task in _upkeep(request).tasks.all()])


@router.get("/index/tasks/{uid}", response_model=TaskOut, summary="A task", responses=problems(401, 404, 422))
def task(request: Request, uid: Uid) -> TaskOut:
    return write_task(_upkeep(request).tasks.get(uid))


@router.post(
    "/index/tasks/{uid}/cancel",
    status_code=202,
    response_model=TaskOut,
    summary="Cancel a task",
    responses=_SEE | problems(401, 403, 404, 409, 422),
)
def cancel(request: Request, uid: Uid) -> Response:
    """A task that is processed takes moments to stop; then it is canceled, and nothing was changed."""
    return _accept(request, _upkeep(request).tasks.cancel(uid))


def _upkeep(request: Request) -> Upkeep:
    return request.app.state.upkeep


def _accept(request: Request, task: Task) -> Response:
    if wants_page(request):
        return RedirectResponse(f"/index?task={task.uid}#task", 303)
    return JSONResponse(write_task(task).model_dump(mode="json"), 202, {"Location": task_path(task.uid)})


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read(request: Request, model: type[Model], fields: dict[str, Any]) -> Model:
    """The body, JSON or a form, as a ``model``; none at all is that with its defaults.

    ``fields`` make of the values of each field of a form what the model takes. Raises Refusal.
    """
    body = await request.body()
    kind = _content_type(request)
    if kind == "application/x-www-form-urlencoded":
        try:
            given = parse_qs(body.decode("utf-8", "replace"), max_num_fields=1_000)
        except ValueError:
            raise Refusal(INVALID, "the form has too many fields; send fewer") from None
        if unknown := sorted(given.keys() - fields.keys()):
            known = " and ".join(fields)
            raise Refusal(INVALID, f"a form has no field {unknown[0]!r} here, only {known}; send JSON for the others")
        return validate(model, {name: fields[name](values) for name, values in given.items()})
    if not body:
        return validate(model, {})
    if kind != "application/json":
        raise Refusal(NOT_JSON, "the body must be a JSON object, sent with Content-Type: application/json, or a form")
    try:
        return validate(model, json.loads(body))
    except (ValueError, RecursionError):  # of json; a wrong field is a Refusal already
        raise Refusal(BAD_JSON, "the body is not JSON in UTF-8; send a JSON object") from None


async def _add_files(request: Request) -> Task:
    upkeep = _upkeep(request)
    try:
        async with request.form(max_files=upkeep.most_files, max_fields=10) as form:
            files = [
                (each.filename or "", each.file)
                for each in form.getlist("files")
                if isinstance(each, UploadFile) and each.filename
            ]
            return await run_in_threadpool(upkeep.add, files)
    except Refusal:
        raise
    except HTTPException as error:
        most = f"at most {upkeep.most_files:,} files, in fields named files"
        raise Refusal(INVALID, f"the upload cannot be read ({str(error.detail).rstrip('.')}); send {most}") from None


def _lines(values: list[str]) -> list[str]:
    return [line.strip() for value in values for line in value.splitlines() if line.strip()]
