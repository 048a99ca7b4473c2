"""Where questions queue: a few are answered at a time, some wait, the rest are turned away."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

from index.store import IndexInfo
from qa.assistant import Reply, Request, Turn
from qa.explanation import Explanation
from qa.retriever import Filters
from server.archive import Archive
from server.conversations import Conversations, is_guessable, new_conversation
from server.messages import AskReply, AskRequest
from server.metrics import Metrics
from server.problems import BUSY, Refusal
from server.replies import write_reply
from server.settings import Settings

Done = TypeVar("Done")
log = logging.getLogger("verbatim")


class Desk:
    """Takes a question as it came in and gives the reply as it goes out."""

    def __init__(self, archive: Archive, conversations: Conversations, metrics: Metrics, settings: Settings):
        self._archive, self._conversations, self._metrics = archive, conversations, metrics
        self._pool = ThreadPoolExecutor(settings.at_once, thread_name_prefix="verbatim-ask")
        self._most = settings.at_once + settings.waiting
        self._held = 0

    async def answer(self, asking: AskRequest, visitor: str = "", permitted: bool = True) -> AskReply:
        """Answers and keeps what ``visitor`` asked; "" is a program.

        Who is not ``permitted`` cannot go on with a conversation whose id others might guess.
        Raises Refusal when too many questions are held, and whatever the archive raises.
        """
        kept = self._conversations
        conversation_id = asking.conversation_id or new_conversation()
        guessed = is_guessable(conversation_id) and not permitted
        if guessed or not await run_in_threadpool(kept.open_to, visitor, conversation_id):
            conversation_id = new_conversation()  # the id is another's, or may be
        given = [Turn(each.question, each.answer or "", each.article_id) for each in asking.history or ()] or None
        before = given or await run_in_threadpool(kept.recall, visitor, conversation_id, asking.replaces)
        reply, info = await self._wait(self._ask, _request(asking, () if asking.standalone else tuple(before)))
        written = write_reply(reply, conversation_id, info)
        return await run_in_threadpool(kept.record, visitor, asking, written, given)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def explain(self, asking: AskRequest) -> Explanation:
        """What is considered for this question. Raises as :meth:`answer` does."""
        history = tuple(Turn(each.question, each.answer or "", each.article_id) for each in asking.history or ())
        return await self._wait(self._archive.explain, _request(asking, () if asking.standalone else history))

    async def _wait(self, do: Callable[[Request], Done], request: Request) -> Done:
        if self._held >= self._most:
            self._metrics.turned_away.inc()
            raise Refusal(BUSY, "too many questions are waiting; ask again in a moment", headers={"Retry-After": "2"})
        self._hold(1)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, do, request)
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


def _request(asking: AskRequest, history: tuple[Turn, ...] = ()) -> Request:
    filters = Filters(asking.published_after, asking.published_before, tuple(asking.sources or ()))
    question, day = asking.question.strip(), asking.asked_on
    return Request(question, history, filters, day, asking.limit, asking.abstain, asking.dates)
