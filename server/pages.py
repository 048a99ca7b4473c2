"""The pages, rendered here in full; the script only spares a reload."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Query
from fastapi.concurrency import run_in_threadpool
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from index.articles import Article
from index.errors import NoIndex, VerbatimError
from index.store import IndexInfo
from server.api import problems
from server.archive import Archive
from server.conversations import Conversations, Exchange
from server.feedback import Feedback
from server.links import carry, conversation_path, fingerprint, marked_path, original_link, web_address
from server.marks import marked_passage, marked_sentence, paragraphs, separate
from server.messages import AskRequest, CitationOut
from server.narrowing import Narrowing, known_source, narrowed
from server.permission import is_permitted, login_path
from server.problems import INVALID, NO_INDEX, UNKNOWN_CONVERSATION, Refusal, refuse, validate, wants_page
from server.replies import iso
from server.texts import (
    TEXTS,
    age_of,
    full_sentence,
    human_confidence,
    human_count,
    human_date,
    human_percent,
    human_resolved,
    human_understood,
    script_texts,
)
from server.visitors import ensure_visitor, greet, visitor_of

HERE = Path(__file__).parent
_SOURCES = 200  # offered to choose from
_SHOWN = 30  # turns; more only if asked for, a browser takes seconds for hundreds of answers
_LISTS = ("sources",)
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
                        "published_after": {"type": "string", "format": "date"},
                        "published_before": {"type": "string", "format": "date"},
                        "sources": {"type": "array", "items": {"type": "string"}},
                        "source": {"type": "string", "description": "One more source."},
                        "replaces": {"type": "string", "description": "The number of a turn."},
                        "standalone": {"type": "string", "description": "true, or empty"},
                        "dates": {"type": "string", "description": "false, or empty"},
                    },
                }
            }
        },
    }
}
HTML = {200: {"content": {"text/html": {"schema": {"type": "string"}}}}}
_SENT_ON = {303: {"description": "The page with the answer, which may be loaded again without asking again."}}

router = APIRouter(default_response_class=HTMLResponse)


@router.get("/", summary="The page to ask on", tags=["pages"], responses=HTML | problems(422, 503))
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
    "/c/{conversation_id}", summary="A conversation's page", tags=["pages"], responses=HTML | problems(404, 503)
)
async def conversation_page(
    request: Request,
    conversation_id: str,
    edit: Annotated[str | None, Query(description="The number of a turn to ask anew.")] = None,
    searched: Annotated[str | None, Query(description="With edit: 1 edits what was searched for.")] = None,
    dates: Annotated[
        str | None, Query(description="With edit: 0 asks without the days that the question names.")
    ] = None,
    all: Annotated[str | None, Query(description="1 shows every turn, not the last ones only.")] = None,
    narrow: Annotated[str | None, Query(description="1: the limits in this query hold, not the last ones.")] = None,
) -> Response:
    return await request.app.state.pages.conversation(request, conversation_id)


@router.get(
    "/articles/{article_id:anything}",
    summary="An article's page",
    tags=["pages"],
    responses=HTML | problems(404, 422, 503),
)
async def article_page(
    request: Request,
    article_id: str,
    start: Annotated[str | None, Query(description="First code point of the words to mark.")] = None,
    end: Annotated[str | None, Query(description="The code point after the last one.")] = None,
    v: Annotated[str | None, Query(description="8 digits that tell whether other words stand there by now.")] = None,
    conversation: Annotated[str | None, Query(description="The conversation to lead back to.")] = None,
) -> Response:
    """The article, with ``text[start:end]`` marked when both are given, and what else the conversation cites of it."""
    return await request.app.state.pages.article(request, article_id)


@dataclass(frozen=True, slots=True)
class _Room:
    """What stands on the page to ask on. ``older`` turns are left out; ``editing`` is the number of the turn that the
    next question replaces."""

    conversation_id: str = ""
    exchanges: Sequence[Exchange] = ()
    older: int = 0
    typed: str = ""
    narrowing: Narrowing = field(default_factory=Narrowing)
    editing: int | None = None
    standalone: bool = False
    dates: bool = True
    suggestions: Sequence[str] = ()
    refusal: Refusal | None = None


class Pages:
    """Renders everything a person looks at."""

    def __init__(self, archive: Archive, conversations: Conversations, feedback: Feedback):
        self._archive, self._conversations, self._feedback = archive, conversations, feedback
        self._environment = _environment()

    async def home(self, request: Request) -> Response:
        info = await run_in_threadpool(self._archive.info)
        conversation_id = request.query_params.get("conversation", "")
        visitor = ensure_visitor(request)
        if await self._exchanges(request, visitor, conversation_id):
            return await self.conversation(request, conversation_id)
        suggestions = await run_in_threadpool(self._suggestions)
        room = _Room(suggestions=suggestions, narrowing=Narrowing.of_query(request.query_params))
        return await run_in_threadpool(self._chat, request, info, room)

    async def conversation(self, request: Request, conversation_id: str) -> Response:
        """Raises Refusal for one that there is not, or that is another browser's."""
        info = await run_in_threadpool(self._archive.info)
        visitor = ensure_visitor(request)
        exchanges = await self._exchanges(request, visitor, conversation_id)
        if not exchanges:
            raise unknown_conversation()
        room = _room(conversation_id, exchanges, request)
        if "all" not in request.query_params:
            older = max(0, len(room.exchanges) - _SHOWN)
            room = replace(room, exchanges=room.exchanges[older:], older=older)
        return await run_in_threadpool(self._chat, request, info, room)

    async def answer(self, request: Request) -> Response:
        """Sends the browser on to the page with the answer; or the page with what went wrong."""
        form = read_form((await request.body()).decode("utf-8", "replace"))
        info = await run_in_threadpool(self._archive.info)
        visitor = ensure_visitor(request) if wants_page(request) else visitor_of(request)
        try:
            asking = validate(AskRequest, await run_in_threadpool(self._asked, form))
            reply = await request.app.state.desk.answer(asking, visitor, is_permitted(request))
        except (Refusal, VerbatimError) as error:
            if not wants_page(request) or isinstance(error, NoIndex):
                raise
            refusal = error if isinstance(error, Refusal) else refuse(request, error)
            exchanges = await self._exchanges(request, visitor, form.get("conversation_id", ""))
            return await run_in_threadpool(self._chat, request, info, _failed(form, exchanges, refusal))
        address = f"{conversation_path(reply.conversation_id)}#t{reply.turn}"
        response = RedirectResponse(address, 303)
        return greet(request, response) if wants_page(request) else response

    async def article(self, request: Request, article_id: str) -> Response:
        """Raises UnknownArticle, and Refusal for offsets that are not two numbers in order."""
        query = request.query_params
        article = await run_in_threadpool(self._archive.article, article_id or query.get("id", ""))
        offsets = _offsets(query)
        moved = offsets is not None and _moved(article.text, offsets, query.get("v"))
        marks = [] if offsets is None or moved else await run_in_threadpool(self._marks, request, article, offsets)
        conversation_id = query.get("conversation", "")
        html = self.render(
            "article.html",
            article=article,
            published=iso(article.published),
            paragraphs=paragraphs(article.text, marks),
            current=marks.index(offsets) if offsets in marks else -1,
            steps=[
                carry(marked_path(article.id, start, end, article.text[start:end]), conversation_id) + "#w"
                for start, end in marks
            ],
            moved=moved,
            address=web_address(article.url),
            original=original_link(article, *offsets) if offsets in marks else None,
            info=self._info(),
            back=_way_back(conversation_id),
        )
        return HTMLResponse(html, headers={"Cache-Control": "private, no-cache"})

    def problem(self, document: Mapping[str, Any], headers: Mapping[str, str]) -> Response:
        """A problem document as a page."""
        html = self.render("problem.html", problem=document, no_index=document["type"] == NO_INDEX.type)
        return HTMLResponse(html, document["status"], dict(headers))

    def render(self, template: str, **values: Any) -> str:
        return self._environment.get_template(template).render(**values)

    def _chat(self, request: Request, info: IndexInfo, room: _Room) -> Response:
        visitor = ensure_visitor(request)
        html = self.render(
            "chat.html",
            info=info,
            here=conversation_path(room.conversation_id) if room.exchanges else "/",
            verdicts=self._feedback.given(visitor, room.conversation_id),
            may_judge=is_permitted(request),
            sources=self._archive.sources()[:_SOURCES],
            **{name: getattr(room, name) for name in _Room.__slots__},
        )
        # no-store would cost the way back to the conversation from an article.
        status = room.refusal.kind.status if room.refusal else 200
        return greet(request, HTMLResponse(html, status, {"Cache-Control": "private, no-cache"}))

    def _asked(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """The form as the body of POST /ask."""
        sources = list(form.get("sources", ()))
        if form.get("source", "").strip():
            known = known_source(form["source"], self._archive.sources())
            if known is None:
                raise Refusal(
                    INVALID, f"no article is from {form['source'].strip()[:200]!r}; choose a source of the list"
                )
            sources += [known] if known not in sources else []
        replaces = form.get("replaces", "")
        return {
            "question": form.get("suggestion") or form.get("question", ""),
            "conversation_id": form.get("conversation_id") or None,
            "published_after": form.get("published_after") or None,
            "published_before": form.get("published_before") or None,
            "sources": sources or None,
            "replaces": int(replaces) if re.fullmatch(r"[0-9]{1,15}", replaces) else None,
            "standalone": form.get("standalone") == "true",
            "dates": form.get("dates") != "false",
        }

    async def _exchanges(self, request: Request, visitor: str, conversation_id: str) -> tuple[Exchange, ...]:
        """What may be shown of a conversation to who asks."""
        exchanges = self._conversations.exchanges
        return await run_in_threadpool(exchanges, visitor, conversation_id, is_permitted(request))

    def _marks(self, request: Request, article: Article, offsets: tuple[int, int]) -> list[tuple[int, int]]:
        conversation_id = request.query_params.get("conversation", "")
        cited = self._conversations.cited(visitor_of(request), conversation_id, article.id, is_permitted(request))
        return separate(offsets, [(start, end) for start, end, words in cited if article.text[start:end] == words])

    def _suggestions(self) -> tuple[str, ...]:
        return tuple(self._archive.suggestions()[:4])

    def _info(self) -> IndexInfo | None:
        try:
            return self._archive.info()
        except VerbatimError:
            return None


def unknown_conversation() -> Refusal:
    return Refusal(UNKNOWN_CONVERSATION, "no conversation of this browser has this id; /conversations lists them")


def read_form(body: str) -> dict[str, Any]:
    """The fields of a form: text, the last where there are several, but all of ``sources``. Raises Refusal."""
    try:
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=60)
    except ValueError as error:
        raise Refusal(INVALID, "the form has too many fields; send question and conversation_id") from error
    return {name: values if name in _LISTS else values[-1].replace("\r\n", "\n") for name, values in fields.items()}


def _room(conversation_id: str, exchanges: Sequence[Exchange], request: Request) -> _Room:
    """A conversation, up to the turn that is being edited, if one is."""
    query = request.query_params
    asking = exchanges[-1].asking
    edited = next((each for each in exchanges if str(each.number) == query.get("edit")), None)
    narrowing = Narrowing.of_query(query) if "narrow" in query else Narrowing.of(edited.asking if edited else asking)
    if edited is None:
        return _Room(conversation_id, exchanges, narrowing=narrowing)
    searched = bool(query.get("searched")) and edited.reply is not None
    typed = edited.reply.searched_for if searched and edited.reply else edited.turn.question
    before = [each for each in exchanges if each.number < edited.number]
    dates = query.get("dates") != "0" and edited.asking.get("dates", True)
    return _Room(conversation_id, before, 0, typed, narrowing, edited.number, searched, dates)


def _failed(form: Mapping[str, Any], exchanges: Sequence[Exchange], refusal: Refusal) -> _Room:
    typed = form.get("suggestion") or form.get("question", "")
    narrowing = Narrowing.of(form)
    return _Room(form.get("conversation_id", ""), exchanges, 0, typed, narrowing, refusal=refusal)


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
    return f"{conversation_path(conversation_id)}#latest" if conversation_id else "/"


def place(it: CitationOut, conversation_id: str) -> str:
    """Where a citation's words are marked, as long as they stand there."""
    return carry(marked_path(it.article_id, it.start, it.end, it.quote), conversation_id) + "#w"


def badge(it: CitationOut) -> str:
    """The letter that stands for a source."""
    return next((letter for letter in it.source or it.title if letter.isalnum()), "·").upper()


def edit_path(conversation_id: str, turn: int, searched: bool = False, dates: bool = True) -> str:
    """Where an earlier question, or what was searched for it, is asked anew; or asked without the days it names."""
    more = f"{'&searched=1' if searched else ''}{'' if dates else '&dates=0'}"
    return f"{conversation_path(conversation_id)}?edit={turn}{more}#question"


def why_path(conversation_id: str, turn: int) -> str:
    return f"{conversation_path(conversation_id)}/{turn}/why"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"texts": TEXTS, "script_texts": script_texts(), "count": human_count}
    environment.globals |= {"marked_passage": marked_passage, "marked_sentence": marked_sentence}
    environment.globals |= {
        "resolved": human_resolved,
        "narrowed": narrowed,
        "badge": badge,
        "understood": human_understood,
    }
    environment.globals |= {"edit_path": edit_path, "why_path": why_path, "web_address": web_address}
    environment.filters |= {"login_path": login_path, "human_date": human_date, "human_confidence": human_confidence}
    environment.filters |= {"age": age_of}
    environment.filters |= {"sentence": full_sentence, "carry": carry, "place": place, "percent": human_percent}
    return environment
