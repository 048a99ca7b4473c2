"""The pages, rendered here in full; the script only spares a reload."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from index.errors import NoIndex, VerbatimError
from index.store import IndexInfo
from server.api import problems
from server.archive import Archive
from server.conversations import Conversations, Exchange
from server.links import carry, fingerprint, original_link, web_address
from server.messages import AnswerOut, AskReply, AskRequest, CitationOut
from server.problems import INVALID, NO_INDEX, Refusal, refuse, validate, wants_page
from server.replies import iso
from server.texts import (
    TEXTS,
    full_sentence,
    human_confidence,
    human_count,
    human_date,
    human_resolved,
    script_texts,
)

HERE = Path(__file__).parent
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["question"],
                    "properties": {
                        "question": {"type": "string"},
                        "conversation_id": {"type": "string"},
                        "suggestion": {"type": "string", "description": "A question that was offered; it wins."},
                    },
                }
            }
        },
    }
}
_HTML = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_SENT_ON = {303: {"description": "The page with the answer, which may be loaded again without asking again."}}

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/", summary="The page to ask on", tags=["pages"], responses=_HTML | problems(422, 503))
async def home(
    request: Request,
    conversation: Annotated[str | None, Query(description="The conversation to show.")] = None,
) -> Response:
    return await request.app.state.pages.home(request)


@router.post(
    "/",
    summary="Ask by the page's form",
    tags=["pages"],
    status_code=303,
    openapi_extra=_FORM,
    responses=_SENT_ON | problems(403, 408, 413, 422, 503),
)
async def ask_by_form(request: Request) -> Response:
    return await request.app.state.pages.answer(request)


@router.get(
    "/articles/{article_id:anything}",
    summary="An article's page",
    tags=["pages"],
    responses=_HTML | problems(404, 422, 503),
)
async def article_page(
    request: Request,
    article_id: str,
    start: Annotated[str | None, Query(description="First code point of the words to mark.")] = None,
    end: Annotated[str | None, Query(description="The code point after the last one.")] = None,
    v: Annotated[str | None, Query(description="8 digits that tell whether other words stand there by now.")] = None,
    conversation: Annotated[str | None, Query(description="The conversation to lead back to.")] = None,
) -> Response:
    """The article, with ``text[start:end]`` marked when both are given."""
    return await request.app.state.pages.article(request, article_id)


class Pages:
    """Renders everything a person looks at."""

    def __init__(self, archive: Archive, conversations: Conversations):
        self._archive, self._conversations = archive, conversations
        self._environment = _environment()

    async def home(self, request: Request) -> Response:
        info = await run_in_threadpool(self._archive.info)
        conversation_id = request.query_params.get("conversation", "")
        before = self._conversations.recall(conversation_id)
        if not before:
            return self._chat(info, await run_in_threadpool(self._suggestions))
        reply = self._conversations.shown(conversation_id)
        return self._chat(info, (), "", conversation_id, before[:-1] if reply else before, reply)

    async def answer(self, request: Request) -> Response:
        """Sends the browser on to the page with the answer; or the page with what went wrong."""
        form = _fields((await request.body()).decode("utf-8", "replace"))
        info = await run_in_threadpool(self._archive.info)
        typed = form.get("suggestion") or form.get("question", "")
        before = self._conversations.recall(form.get("conversation_id"))
        try:
            asking = validate(AskRequest, {"question": typed, "conversation_id": form.get("conversation_id") or None})
            reply = await request.app.state.desk.answer(asking)
        except (Refusal, VerbatimError) as error:
            if not wants_page(request) or isinstance(error, NoIndex):
                raise
            refusal = error if isinstance(error, Refusal) else refuse(request, error)
            return self._chat(info, (), typed, form.get("conversation_id", ""), before, refusal=refusal)
        self._conversations.show(reply)
        return RedirectResponse(f"{carry('/', reply.conversation_id)}#latest", 303)

    async def article(self, request: Request, article_id: str) -> Response:
        """Raises UnknownArticle, and Refusal for offsets that are not two numbers in order."""
        article = await run_in_threadpool(self._archive.article, article_id or request.query_params.get("id", ""))
        offsets = _offsets(request.query_params)
        moved = offsets is not None and _moved(article.text, offsets, request.query_params.get("v"))
        start, end = (0, 0) if offsets is None or moved else offsets
        html = self._environment.get_template("article.html").render(
            article=article,
            published=iso(article.published),
            paragraphs=paragraphs(article.text, start, end),
            moved=moved,
            address=web_address(article.url),
            original=original_link(article, start, end) if end else None,
            info=self._info(),
            back=_way_back(request.query_params.get("conversation", "")),
        )
        return HTMLResponse(html, headers={"Cache-Control": "private, no-cache"})

    def problem(self, document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
        """A problem document as a page."""
        template = self._environment.get_template("problem.html")
        html = template.render(problem=document, no_index=document["type"] == NO_INDEX.type)
        return HTMLResponse(html, document["status"], dict(headers))

    def _chat(
        self,
        info: IndexInfo,
        suggestions: tuple[str, ...],
        typed: str = "",
        conversation_id: str = "",
        before: tuple[Exchange, ...] = (),
        reply: AskReply | None = None,
        refusal: Refusal | None = None,
    ) -> Response:
        html = self._environment.get_template("chat.html").render(
            info=info,
            suggestions=suggestions,
            typed=typed,
            conversation_id=conversation_id,
            before=before,
            reply=reply,
            refusal=refusal,
        )
        # no-store would cost the way back to the conversation from an article.
        return HTMLResponse(html, refusal.kind.status if refusal else 200, {"Cache-Control": "private, no-cache"})

    def _suggestions(self) -> tuple[str, ...]:
        return tuple(self._archive.suggestions()[:4])

    def _info(self) -> IndexInfo | None:
        try:
            return self._archive.info()
        except VerbatimError:
            return None


def paragraphs(text: str, start: int, end: int) -> list[list[tuple[str, bool]]]:
    """The paragraphs of ``text``, each as pieces ``(words, marked)``; ``text[start:end]`` is what is marked."""
    result = []
    for match in re.finditer(r"[^\n]+", text):
        first, last = match.span()
        cuts = [first, min(max(start, first), last), min(max(end, first), last), last]
        pieces = [
            (text[a:b], marked) for a, b, marked in zip(cuts, cuts[1:], (False, True, False), strict=False) if a < b
        ]
        if match.group().strip():
            result.append(pieces)
    return result


def marked_passage(citation: CitationOut) -> tuple[str, str, str]:
    """The cited passage as what is before, within and after the quote."""
    text, shift = citation.passage.text, citation.passage.start
    return text[: citation.start - shift], citation.quote, text[citation.end - shift :]


def marked_sentence(answer: AnswerOut) -> tuple[str, str, str]:
    """The answer's sentence as what is before, within and after its words.

    The words may occur in it more than once: the occurrence meant is the one with which the
    whole sentence stands in the cited passage.
    """
    sentence, words, citation = answer.sentence, answer.text, answer.citations[0]
    passage, at = citation.passage.text, citation.start - citation.passage.start
    found = sentence.find(words)
    while found >= 0:
        shift = at - found  # where the sentence begins in the passage
        if shift >= 0 and passage.startswith(sentence, shift):
            return sentence[:found], words, sentence[found + len(words) :]
        found = sentence.find(words, found + 1)
    return "", words, ""


def _fields(body: str) -> dict[str, str]:
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=20)
    except ValueError as error:
        raise Refusal(INVALID, "the form has too many fields; send question and conversation_id") from error
    return {name: values[-1].replace("\r\n", "\n") for name, values in fields.items()}


def _offsets(query: Mapping[str, str]) -> tuple[int, int] | None:
    if "start" not in query and "end" not in query:
        return None
    given = query.get("start", ""), query.get("end", "")
    if not all(re.fullmatch(r"[0-9]{1,12}", each) for each in given) or int(given[0]) >= int(given[1]):
        raise Refusal(INVALID, "start and end must be two numbers, the smaller first; follow a citation's href")
    return int(given[0]), int(given[1])


def _moved(text: str, offsets: tuple[int, int], expected: str | None) -> bool:
    """Whether other words stand at ``offsets`` than those whose fingerprint is ``expected``."""
    start, end = offsets
    return end > len(text) or expected not in (None, fingerprint(text[start:end]))


def _way_back(conversation_id: str) -> str:
    return f"{carry('/', conversation_id)}#latest" if conversation_id else "/"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"texts": TEXTS, "script_texts": script_texts(), "count": human_count}
    environment.globals |= {
        "marked_passage": marked_passage,
        "marked_sentence": marked_sentence,
        "resolved": human_resolved,
    }
    environment.globals |= {"web_address": web_address}
    environment.filters |= {"human_date": human_date, "human_confidence": human_confidence}
    environment.filters |= {"sentence": full_sentence, "carry": carry}
    return environment
