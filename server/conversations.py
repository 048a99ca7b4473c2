"""Recent turns of recent conversations, so that a follow-up can be asked by its conversation's id alone.

Kept in memory and bounded: the conversations longest out of use are forgotten first.
"""

import threading
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from qa.assistant import Turn
from server.messages import AskReply


@dataclass(frozen=True, slots=True)
class Exchange:
    """A turn, and the path at which its answer's words are marked."""

    turn: Turn
    href: str | None = None


class Conversations:
    """Safe to use from several threads."""

    def __init__(self, most: int = 1_000, turns: int = 20, shown: int = 100):
        self._most, self._turns, self._most_shown = most, turns, shown
        self._kept: OrderedDict[str, tuple[Exchange, ...]] = OrderedDict()
        self._shown: OrderedDict[str, AskReply] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, conversation_id: str | None) -> tuple[Exchange, ...]:
        """Oldest first; empty for a conversation that is new or forgotten."""
        with self._lock:
            return self._kept.get(conversation_id or "", ())

    def record(self, conversation_id: str, exchange: Exchange, history: Sequence[Exchange] | None = None) -> None:
        """Adds ``exchange``; ``history``, when given, takes the place of what was kept before it."""
        with self._lock:
            before = self._kept.get(conversation_id, ()) if history is None else tuple(history)
            self._kept[conversation_id] = (*before, exchange)[-self._turns :]
            self._kept.move_to_end(conversation_id)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            self._shown.pop(conversation_id, None)

    def show(self, reply: AskReply) -> None:
        """Keeps the reply to the last turn in full, until the next one is recorded."""
        with self._lock:
            self._shown[reply.conversation_id] = reply
            while len(self._shown) > self._most_shown:
                self._shown.popitem(last=False)

    def shown(self, conversation_id: str) -> AskReply | None:
        with self._lock:
            return self._shown.get(conversation_id)


def new_conversation() -> str:
    return uuid.uuid4().hex
