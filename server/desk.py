"""Where questions queue: a few are answered at a time, some wait, the rest are turned away."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from index.store import IndexInfo
from qa.assistant import Reply, Request, Turn
from qa.retriever import Filters
from server.archive import Archive
from server.conversations import Conversations, Exchange, new_conversation
from server.links import marked_path
from server.messages import AskReply, AskRequest
from server.metrics import Metrics
from server.problems import BUSY, Refusal
from server.replies import write_reply
from server.settings import Settings

log = logging.getLogger("verbatim")


class Desk:
    """Takes a question as it came in and gives the reply as it goes out."""

    def __init__(self, archive: Archive, conversations: Conversations, metrics: Metrics, settings: Settings):
        self._archive, self._conversations, self._metrics = archive, conversations, metrics
        self._pool = ThreadPoolExecutor(settings.at_once, thread_name_prefix="verbatim-ask")
        self._most = settings.at_once + settings.waiting
        self._held = 0

    async def answer(self, asking: AskRequest) -> AskReply:
        """Raises Refusal when too many questions are held, and whatever the archive raises."""
        conversation_id = asking.conversation_id or new_conversation()
        history = [Exchange(Turn(each.question, each.answer or "", each.article_id)) for each in asking.history or ()]
        before = history or self._conversations.recall(asking.conversation_id)
        request = _request(asking, tuple(exchange.turn for exchange in before))
        reply, info = await self._run(request)
        self._conversations.record(conversation_id, _exchange(asking.question, reply), history or None)
        return write_reply(reply, conversation_id, info)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, request: Request) -> tuple[Reply, IndexInfo]:
        if self._held >= self._most:
            self._metrics.turned_away.inc()
            raise Refusal(BUSY, "too many questions are waiting; ask again in a moment", headers={"Retry-After": "2"})
        self._hold(1)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._ask, request)
        finally:
            self._hold(-1)

    def _hold(self, change: int) -> None:
        self._held += change
        self._metrics.held.set(self._held)

    def _ask(self, request: Request) -> tuple[Reply, IndexInfo]:
        log.debug("question=%r history=%d", request.question, len(request.history))
        try:
            reply, info = self._archive.ask_with_info(request)
        except Exception:
            self._metrics.questions.labels("failed").inc()
            raise
        self._metrics.questions.labels("answered" if reply.answers else "refused").inc()
        for stage, spent in reply.timings_ms.items():
            self._metrics.stage_seconds.labels(stage).observe(spent / 1000)
        return reply, info


def _request(asking: AskRequest, history: tuple[Turn, ...]) -> Request:
    filters = Filters(asking.published_after, asking.published_before, tuple(asking.sources or ()))
    return Request(asking.question.strip(), history, filters, asking.asked_on, asking.limit, asking.abstain)


def _exchange(question: str, reply: Reply) -> Exchange:
    if not reply.answers:
        return Exchange(Turn(question))
    answer = reply.answers[0]
    citation = answer.citations[0]
    href = marked_path(citation.article.id, citation.start, citation.end, citation.quote)
    return Exchange(Turn(question, answer.text, citation.article.id), href)
