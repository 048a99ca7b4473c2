"""What was asked in this browser, found again, renamed, deleted, taken along; why an answer; feedback.

Routes only: server/conversations.py and server/feedback.py do the work.
"""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.responses import HTMLResponse, RedirectResponse

from server.api import problems
from server.conversations import Conversations, title_of
from server.exports import write_markdown
from server.feedback import Feedback
from server.links import conversation_path
from server.messages import AskRequest, ConversationList, Judgement, KeptConversation, Renaming, WhyReply
from server.pages import HTML, read_form, unknown_conversation
from server.permission import is_permitted
from server.problems import BAD_JSON, INVALID, UNKNOWN_ANSWER, Refusal, invalid, validate, wants_page
from server.replies import write_conversation, write_summary, write_why
from server.visitors import visitor_of

_PAGE_TOO = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_FORM = "application/x-www-form-urlencoded"
_AS_FORM = {"requestBody": {"content": {_FORM: {"schema": {"type": "object"}}}}}
_SENT_ON = {303: {"description": "Back to the page."}}
_GONE = {204: {"description": "Done."}}

router = APIRouter()


@router.get(
    "/conversations",
    response_model=ConversationList,
    summary="This browser's conversations",
    tags=["conversations"],
    responses=_PAGE_TOO | problems(401),
)
async def conversations(
    request: Request, q: Annotated[str, Query(max_length=200, description="Words that must occur.")] = ""
) -> Any:
    """Whoever accepts text/html gets a page. Programs, which have no cookie, have an empty list."""
    summaries = await run_in_threadpool(_kept(request).listed, visitor_of(request), q)
    written = [write_summary(each) for each in summaries]
    if not wants_page(request):
        return ConversationList(conversations=written)
    html = request.app.state.pages.render("history.html", conversations=written, words=q)
    return HTMLResponse(html, headers={"Cache-Control": "private, no-store", "Vary": "Accept, Cookie"})


@router.delete(
    "/conversations",
    status_code=204,
    summary="Delete all of them",
    tags=["conversations"],
    responses=problems(401, 403),
)
async def delete_all(request: Request) -> Response:
    await run_in_threadpool(_kept(request).delete_all, visitor_of(request))
    return Response(status_code=204)


@router.post(
    "/conversations",
    status_code=303,
    summary="Delete all, by a form",
    tags=["conversations"],
    openapi_extra=_AS_FORM,
    responses=_SENT_ON | problems(401, 403, 422),
)
async def delete_all_by_form(request: Request) -> Response:
    form = read_form((await request.body()).decode("utf-8", "replace"))
    if form.get("action") != "delete-all":
        raise Refusal(INVALID, "the form says nothing to do; send action=delete-all")
    await delete_all(request)
    return RedirectResponse("/conversations", 303)


@router.get(
    "/conversations/{conversation_id}.md",
    summary="A conversation as Markdown",
    tags=["conversations"],
    response_class=Response,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}} | problems(401, 404),
)
async def as_markdown(request: Request, conversation_id: str) -> Response:
    """With all citations, and their numbers as on the page."""
    summary, exchanges = await run_in_threadpool(_found, request, conversation_id)
    text = write_markdown(summary, exchanges, str(request.base_url))
    return Response(text, media_type="text/markdown; charset=utf-8", headers=_download(conversation_id, "md"))


@router.get(
    "/conversations/{conversation_id}.json",
    response_model=KeptConversation,
    summary="A conversation as JSON",
    tags=["conversations"],
    responses=problems(401, 404),
)
async def as_json(request: Request, response: Response, conversation_id: str) -> KeptConversation:
    """With every reply as it was given."""
    summary, exchanges = await run_in_threadpool(_found, request, conversation_id)
    response.headers.update(_download(conversation_id, "json"))
    return write_conversation(summary, exchanges)


@router.patch(
    "/conversations/{conversation_id}",
    status_code=204,
    summary="Rename a conversation",
    tags=["conversations"],
    responses=_GONE | problems(401, 403, 404, 415, 422),
)
async def rename(request: Request, conversation_id: str, renaming: Annotated[Renaming, Body()]) -> Response:
    if not await run_in_threadpool(
        _kept(request).rename, visitor_of(request), conversation_id, title_of(renaming.title)
    ):
        raise unknown_conversation()
    return Response(status_code=204)


@router.delete(
    "/conversations/{conversation_id}",
    status_code=204,
    summary="Delete a conversation",
    tags=["conversations"],
    responses=_GONE | problems(401, 403, 404),
)
async def delete(request: Request, conversation_id: str) -> Response:
    if not await run_in_threadpool(_kept(request).delete, visitor_of(request), conversation_id):
        raise unknown_conversation()
    return Response(status_code=204)


@router.post(
    "/conversations/{conversation_id}",
    status_code=303,
    summary="Rename or delete, by a form",
    tags=["conversations"],
    openapi_extra=_AS_FORM,
    responses=_SENT_ON | problems(401, 403, 404, 422),
)
async def change_by_form(request: Request, conversation_id: str) -> Response:
    """``title`` renames, ``action=delete`` deletes."""
    form = read_form((await request.body()).decode("utf-8", "replace"))
    if form.get("action") == "delete":
        await delete(request, conversation_id)
    else:
        await rename(request, conversation_id, validate(Renaming, {"title": form.get("title", "")}))
    return RedirectResponse("/conversations", 303)


@router.post(
    "/why",
    response_model=WhyReply,
    summary="What is considered for a question",
    tags=["questions"],
    responses=problems(403, 408, 413, 415, 422, 503),
)
async def why(request: Request, asking: Annotated[AskRequest, Body()]) -> WhyReply:
    """The passages that are found, their scores, and what the reader makes of each; the body is that of /ask."""
    return write_why(await request.app.state.desk.explain(asking))


@router.get(
    "/c/{conversation_id}/{turn}/why",
    summary="Why an answer was given",
    tags=["pages"],
    response_class=HTMLResponse,
    responses=HTML | problems(404, 503),
)
async def why_page(request: Request, conversation_id: str, turn: int) -> Response:
    """Searched anew, as it was asked: in the index in use, with the same limits. JSON for programs, as of /why."""
    exchanges = await run_in_threadpool(
        _kept(request).exchanges, visitor_of(request), conversation_id, is_permitted(request)
    )
    exchange = next((each for each in exchanges if each.number == turn), None)
    if exchange is None:
        raise unknown_conversation()
    question = exchange.reply.searched_for if exchange.reply else exchange.turn.question
    asking = validate(AskRequest, exchange.asking | {"question": question, "standalone": True})
    explanation = write_why(await request.app.state.desk.explain(asking))
    headers = {"Cache-Control": "private, no-cache", "Vary": "Accept"}
    if not wants_page(request):
        return JSONResponse(explanation.model_dump(), headers=headers)
    back = f"{conversation_path(conversation_id)}#t{turn}"
    html = request.app.state.pages.render("why.html", why=explanation, back=back, conversation_id=conversation_id)
    return HTMLResponse(html, headers=headers)


@router.post(
    "/feedback",
    status_code=204,
    summary="Say what you think of an answer",
    tags=["feedback"],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": Judgement.model_json_schema()},
                _FORM: {"schema": Judgement.model_json_schema()},
            },
        }
    },
    responses=_GONE | _SENT_ON | problems(401, 403, 404, 422),
)
async def judge(request: Request) -> Response:
    """By JSON; or by the page's form, which is sent back to the page."""
    body = await request.body()
    by_form = request.headers.get("content-type", "").startswith(_FORM)
    judgement = _judgement(read_form(body.decode("utf-8", "replace"))) if by_form else _json(body)
    if not await run_in_threadpool(_feedback(request).give, visitor_of(request), judgement):
        raise Refusal(
            UNKNOWN_ANSWER, "this browser was given no such answer; conversation_id and turn are in the reply"
        )
    if by_form and wants_page(request):
        return RedirectResponse(f"{conversation_path(judgement.conversation_id)}#t{judgement.turn}", 303)
    return Response(status_code=204)


@router.get("/feedback", summary="All feedback as SQuAD v2 JSON", tags=["feedback"], responses=problems(401))
async def feedback(request: Request) -> JSONResponse:
    """To evaluate with `verbatim eval` and to train with. Offsets are code points of the context."""
    return JSONResponse(await run_in_threadpool(_feedback(request).export), headers=_download("feedback", "json"))


def _kept(request: Request) -> Conversations:
    return request.app.state.conversations


def _feedback(request: Request) -> Feedback:
    return request.app.state.feedback


def _found(request: Request, conversation_id: str) -> Any:
    visitor = visitor_of(request)
    summary = _kept(request).summary(visitor, conversation_id)
    if summary is None:
        raise unknown_conversation()
    return summary, _kept(request).exchanges(visitor, conversation_id)


def _judgement(form: dict[str, Any]) -> Judgement:
    numbers = {name: int(form[name]) for name in ("turn", "answer") if re.fullmatch("[0-9]{1,15}", form.get(name, ""))}
    return validate(Judgement, form | numbers)


def _json(body: bytes) -> Judgement:
    try:
        return Judgement.model_validate_json(body)
    except ValidationError as error:
        errors = error.errors(include_context=False, include_url=False)
        if errors[0]["type"] == "json_invalid":
            raise Refusal(BAD_JSON, "the body is not JSON; send a JSON object in UTF-8") from error
        raise invalid(errors, Judgement) from error


def _download(name: str, kind: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="verbatim-{name[:40]}.{kind}"', "Cache-Control": "no-store"}
