"""The JSON side: /ask, articles and the index as JSON, health, metrics."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.convertors import Convertor, register_url_convertor

from index.errors import UnknownArticle
from server.messages import ArticleOut, AskReply, AskRequest, Readiness, State
from server.permission import is_permitted
from server.problems import KINDS, MEDIA_TYPE
from server.replies import write_article
from server.visitors import visitor_of


class _Anything(Convertor[str]):
    """Starlette's ``path`` convertor stops at a line break; ids may hold even that."""

    regex = r"(?s:.*)"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("anything", _Anything())

router = APIRouter()


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems a route may answer with, for /openapi.json."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": "; ".join(kind.title for kind in KINDS if kind.status == status),
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in (*statuses, 400, 500)
    }


@router.post(
    "/ask",
    response_model=AskReply,
    summary="Ask a question",
    tags=["questions"],
    responses=problems(403, 408, 413, 415, 422, 503),
)
async def ask(
    request: Request,
    asking: Annotated[
        AskRequest,
        Body(
            openapi_examples={
                "question": {"value": {"question": "Where will North-Joint 2024 take place?"}},
                "follow-up": {
                    "value": {
                        "question": "Who takes part?",
                        "history": [
                            {
                                "question": "Where will North-Joint 2024 take place?",
                                "answer": "Sea of Japan and the Sea of Okhotsk",
                            }
                        ],
                    }
                },
                "narrowed": {
                    "value": {
                        "question": "What did he announce last week?",
                        "published_after": "2024-09-01",
                        "sources": ["Reuters"],
                        "asked_on": "2024-09-20",
                        "limit": 1,
                    }
                },
            }
        ),
    ],
) -> AskReply:
    """The archive's own words for an answer, with citations; or none, with the closest passages."""
    return await request.app.state.desk.answer(asking, visitor_of(request), is_permitted(request))


@router.get(
    "/articles/{article_id:anything}.json",
    response_model=ArticleOut,
    summary="An article as JSON",
    tags=["articles"],
    responses=problems(404, 422, 503),
)
async def article_json(
    request: Request, article_id: Annotated[str, Path(description="The id, percent-encoded.")]
) -> Response | ArticleOut:
    """The text in full, so that anyone can check the offsets of citations."""
    # The page of an article whose own id ends in .json has the same path; only pages take start and end.
    state = request.app.state
    try:
        if "start" in request.query_params:
            return await state.pages.article(request, article_id + ".json")
        return write_article(await run_in_threadpool(state.archive.article, article_id))
    except UnknownArticle:
        if "start" in request.query_params:
            raise
        return await state.pages.article(request, article_id + ".json")


@router.get("/livez", response_model=State, summary="Is the process alive?", tags=["health"], responses=problems())
async def livez() -> State:
    return State(status="alive")


@router.get(
    "/readyz",
    response_model=Readiness,
    response_model_exclude_defaults=True,
    summary="Can it answer?",
    tags=["health"],
    responses=problems(503),
)
def readyz(request: Request) -> Readiness:
    return Readiness(status="ready", damaged=list(request.app.state.archive.info().damaged))


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    tags=["health"],
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}} | problems(),
)
def metrics(request: Request) -> Response:
    return Response(request.app.state.metrics.write(), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())
