"""What was asked and answered, kept so that it can be found again, gone on with, and taken with one.

Bounded: the conversations longest out of use are forgotten first, and of one conversation the oldest turns.
A conversation is the browser's that began it. One begun by a program, which sends no cookie, is listed nowhere
and open to whoever knows its id; where a token is asked for, only its holder is shown it.
"""

import json
import logging
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from index.errors import UsageError
from qa.assistant import Turn
from server.drawer import Drawer, kept_in
from server.links import marked_path
from server.messages import AskReply, AskRequest
from server.withdrawal import articles_in, without_articles

RECALLED = 20  # turns that a question may refer back to
LONGEST_TITLE = 120
_REMEMBERED_REMOVALS = 60  # seconds: a question asked before an article's removal may be answered after it

log = logging.getLogger("verbatim")


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list. Times are UTC."""

    id: str
    title: str
    began: datetime
    turns: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One turn as it was kept. ``reply`` is None where only the words are known; ``asking`` holds the fields of
    the request that narrowed it; ``href`` is where the answer's words are marked."""

    number: int
    asked_at: datetime
    turn: Turn
    asking: dict[str, Any]
    reply: AskReply | None
    href: str | None = None


class Conversations:
    """Safe to use from several threads. ``visitor`` is a browser's id, "" for a program."""

    def __init__(self, drawer: Drawer, most: int = 2_000, turns: int = 100):
        self._drawer, self._most, self._turns = drawer, most, turns

    def open_to(self, visitor: str, conversation_id: str, programs: bool = True) -> bool:
        """Whether it is ``visitor``'s, or does not exist yet; or, if ``programs``, is a program's."""
        rows = self._drawer.rows("select visitor from conversation where id = ?", (conversation_id,))
        if not rows:
            return True
        owner = rows[0]["visitor"]
        return owner == visitor if owner else programs

    def summary(self, visitor: str, conversation_id: str) -> Summary | None:
        rows = self._drawer.rows(
            f"select {_SUMMARY} from conversation where id = ? and visitor in ('', ?)", (conversation_id, visitor)
        )
        return _summary(rows[0]) if rows else None

    def listed(self, visitor: str, words: str = "", most: int = 200) -> list[Summary]:
        """The visitor's own, last used first; with ``words`` those in which all of them occur."""
        if not visitor:
            return []
        query, values = f"select {_SUMMARY} from conversation where visitor = ?", [visitor]
        for word in words.split()[:10]:
            query += (
                " and (instr(folded(title), ?) or exists (select 1 from turn where conversation = id"
                " and instr(folded(question || ' ' || answer), ?)))"
            )
            values += [word.casefold()] * 2
        return [_summary(row) for row in self._drawer.rows(f"{query} order by used desc limit ?", (*values, most))]

    def exchanges(self, visitor: str, conversation_id: str, programs: bool = True) -> tuple[Exchange, ...]:
        """Oldest first; empty for one that is new, forgotten, another browser's, or a program's unless ``programs``."""
        if not self.open_to(visitor, conversation_id, programs):
            return ()
        rows = self._drawer.rows("select * from turn where conversation = ? order by number", (conversation_id,))
        return tuple(_exchange(row) for row in rows)

    def recall(self, visitor: str, conversation_id: str, before: int | None = None) -> tuple[Turn, ...]:
        """The last turns, oldest first, for the assistant; only those ``before`` that number, if given."""
        if not self.open_to(visitor, conversation_id):
            return ()
        rows = self._drawer.rows(
            "select question, answer, article_id from turn where conversation = ? and number < ?"
            " order by number desc limit ?",
            (conversation_id, 2**62 if before is None else before, RECALLED),
        )
        return tuple(Turn(*row) for row in reversed(rows))

    def record(
        self, visitor: str, asking: AskRequest, reply: AskReply, history: Sequence[Turn] | None = None
    ) -> AskReply:
        """Keeps a turn and gives the reply with its number; ``history``, when given, is taken for what was before.

        An answer is not lost because it cannot be kept: that is logged.
        """
        try:
            with self._drawer.change() as connection:
                recording = _Recording(connection, visitor, reply.conversation_id)
                reply = recording.record(asking, reply, history, self._turns)
            self._forget_oldest()
        except sqlite3.Error as error:
            log.error("a conversation could not be kept (%s); look at the disk and the folder in VERBATIM_DATA", error)
        return reply

    def cited(
        self, visitor: str, conversation_id: str, article_id: str, programs: bool = True
    ) -> list[tuple[int, int, str]]:
        """Start, end and words of each place of the article that this conversation's answers cite."""
        replies = [each.reply for each in self.exchanges(visitor, conversation_id, programs) if each.reply]
        cited = [c for reply in replies for c in (*(c for a in reply.answers for c in a.citations), *reply.nearest)]
        return sorted({(c.start, c.end, c.quote) for c in cited if c.article_id == article_id})

    def rename(self, visitor: str, conversation_id: str, title: str) -> bool:
        return self._change(
            "update conversation set title = ? where id = ? and visitor = ?", title, conversation_id, visitor
        )

    def delete(self, visitor: str, conversation_id: str) -> bool:
        return self._change("delete from conversation where id = ? and visitor = ?", conversation_id, visitor)

    def delete_all(self, visitor: str) -> bool:
        return self._change("delete from conversation where visitor = ?", visitor)

    def _change(self, query: str, *values: str) -> bool:
        if not values[-1]:  # a program's are not for others to change
            return False
        with self._drawer.change() as connection:
            changed = connection.execute(query, values).rowcount > 0
        if changed and query.startswith("delete"):
            self._drawer.forget_log()
        return changed

    def _forget_oldest(self) -> None:
        """Programs' conversations and browsers' are counted apart, so that neither drives out the others."""
        for programs in ("=", "<>"):
            query = f"select id from conversation where visitor {programs} '' order by used desc limit -1 offset ?"
            if self._drawer.rows(query, (self._most,)):
                with self._drawer.change() as connection:
                    connection.execute(f"delete from conversation where id in ({query})", (self._most,))


@dataclass(frozen=True, slots=True)
class _Recording:
    """One turn on its way into the drawer, within a transaction."""

    connection: sqlite3.Connection
    visitor: str
    conversation_id: str

    def record(self, asking: AskRequest, reply: AskReply, history: Sequence[Turn] | None, most: int) -> AskReply:
        self._begin(asking.question)
        if history is not None:
            self._replace(history)
        if asking.replaces is not None:
            self._drop_from(asking.replaces)
        reply = reply.model_copy(update={"turn": self._next()})
        written = self._without_removed(reply)
        self._add(turn_of(written) if written else Turn(reply.question), asking, written)
        self._drop("number <= ?", reply.turn - most)
        return reply

    def _drop_from(self, number: int) -> None:
        """Feedback on these turns stays, but is not on the turns that get their numbers next."""
        self._drop("number >= ?", number)
        self.connection.execute(
            "update feedback set turn = -id where conversation = ? and turn >= ?", (self.conversation_id, number)
        )

    def _begin(self, question: str) -> None:
        (used,) = self.connection.execute("update counter set value = value + 1 returning value").fetchone()
        self.connection.execute(
            "insert into conversation values (?, ?, ?, ?, ?) on conflict (id) do update set used = excluded.used",
            (self.conversation_id, self.visitor, title_of(question), _now(), used),
        )

    def _replace(self, history: Sequence[Turn]) -> None:
        """What was kept in full stays as long as the history tells the same."""
        kept = self.connection.execute(
            "select number, question, answer from turn where conversation = ? order by number", (self.conversation_id,)
        ).fetchall()
        same = 0
        while same < min(len(kept), len(history)) and tuple(kept[same])[1:] == (
            history[same].question,
            history[same].answer,
        ):
            same += 1
        if same < len(kept):
            self._drop_from(kept[same]["number"])
        for turn in history[same:]:
            self._add(turn, None, None)

    def _add(self, turn: Turn, asking: AskRequest | None, reply: AskReply | None) -> None:
        narrowed = asking.model_dump(mode="json", include=KEPT_OF_ASKING, exclude_defaults=True) if asking else {}
        number = reply.turn if reply else self._next()
        self.connection.execute(
            "insert into turn values (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.conversation_id,
                number,
                _now(),
                turn.question,
                turn.answer,
                turn.article_id,
                json.dumps(narrowed),
                reply and reply.model_dump_json(),
            ),
        )
        ids = articles_in(reply.model_dump()) if reply else set()
        cite(self.connection, self.conversation_id, number, ids | ({turn.article_id} if turn.article_id else set()))

    def _next(self) -> int:
        (last,) = self.connection.execute(
            "select max(number) from turn where conversation = ?", (self.conversation_id,)
        ).fetchone()
        return 0 if last is None else last + 1

    def _drop(self, which: str, number: int) -> None:
        self.connection.execute(f"delete from turn where conversation = ? and {which}", (self.conversation_id, number))

    def _without_removed(self, reply: AskReply) -> AskReply | None:
        self.connection.execute("delete from removed where at < ?", (int(time.time()) - _REMEMBERED_REMOVALS,))
        removed = {row["article_id"] for row in self.connection.execute("select article_id from removed")}
        return without_articles(reply, removed) if removed else reply


KEPT_OF_ASKING = {
    "published_after", "published_before", "sources", "asked_on", "limit", "abstain", "dates", "standalone",
}  # fmt: skip
_SUMMARY = "id, title, began, (select count(*) from turn where conversation = id) as turns"


def withdraw_articles(folder: Path, article_ids: Sequence[str]) -> int:
    """As :func:`remove_articles`, in the folder of a server that may be running.

    Raises:
        UsageError: what is kept there cannot be changed.
    """
    if not kept_in(folder):
        return 0
    drawer = Drawer(folder, strict=True)
    try:
        return remove_articles(drawer, article_ids)
    except (sqlite3.Error, OSError) as error:
        raise UsageError(
            f"the conversations in {folder} still hold these articles ({error}); mend or delete them, then remove again"
        ) from error
    finally:
        drawer.close()


def remove_articles(drawer: Drawer, article_ids: Sequence[str]) -> int:
    """Takes articles out of every conversation and all feedback; gives the number of turns that named one."""
    removed, count = set(article_ids), 0
    with drawer.change() as connection:
        now = int(time.time())
        connection.executemany("insert or replace into removed values (?, ?)", [(each, now) for each in removed])
        for row in _turns_citing(connection, removed):
            _rewrite(connection, row, removed)
            count += 1
        connection.executemany(
            "delete from feedback where id in (select feedback from judged where article_id = ?)",
            [(each,) for each in removed],
        )
    drawer.forget_log()
    return count


def cite(connection: sqlite3.Connection, conversation_id: str, number: int, article_ids: set[str]) -> None:
    """Notes which articles a turn names, so that they can be found again."""
    connection.executemany(
        "insert or ignore into cited values (?, ?, ?)", [(each, conversation_id, number) for each in article_ids]
    )


def turn_of(reply: AskReply) -> Turn:
    """The reply as an earlier turn that a later question may refer back to."""
    if not reply.answers:
        return Turn(reply.question)
    answer = reply.answers[0]
    return Turn(reply.question, answer.text, answer.citations[0].article_id)


def title_of(question: str) -> str:
    """A conversation's name to begin with: its first question, cut at a word if it is long."""
    title = " ".join(question.split())
    return title if len(title) <= LONGEST_TITLE else title[:LONGEST_TITLE].rsplit(" ", 1)[0] + " …"


def new_conversation() -> str:
    return uuid.uuid4().hex


def is_guessable(conversation_id: str) -> bool:
    """Whether a program chose the id itself: nobody can guess one of :func:`new_conversation`."""
    return re.fullmatch("[0-9a-f]{32}", conversation_id) is None


def _turns_citing(connection: sqlite3.Connection, article_ids: set[str]) -> Iterator[sqlite3.Row]:
    found: dict[tuple[str, int], None] = {}
    for article_id in article_ids:
        rows = connection.execute("select conversation, number from cited where article_id = ?", (article_id,))
        found |= dict.fromkeys((row["conversation"], row["number"]) for row in rows)
    for place in found:
        yield connection.execute("select * from turn where conversation = ? and number = ?", place).fetchone()


def _rewrite(connection: sqlite3.Connection, row: sqlite3.Row, removed: set[str]) -> None:
    place = row["conversation"], row["number"]
    reply = without_articles(_reply(row), removed) if row["reply"] else None
    turn = turn_of(reply) if reply else Turn(row["question"])
    if reply is None and row["article_id"] not in removed:
        turn = Turn(row["question"], row["answer"], row["article_id"])
    connection.execute(
        "update turn set answer = ?, article_id = ?, reply = ? where conversation = ? and number = ?",
        (turn.answer, turn.article_id, reply and reply.model_dump_json(), *place),
    )
    connection.execute("delete from cited where conversation = ? and number = ?", place)
    ids = articles_in(reply.model_dump()) if reply else set()
    cite(connection, *place, ids | ({turn.article_id} if turn.article_id else set()))
    # What follows was searched with words of this answer, and may have been judged.
    connection.execute(
        "update feedback set entry = json_set(entry, '$.question', json_extract(entry, '$.asked'))"
        " where conversation = ? and (turn > ? or turn < 0)",  # below 0 are those of turns that were replaced
        place,
    )
    later = connection.execute(
        "select * from turn where conversation = ? and number > ? and reply is not null", place
    ).fetchall()
    for each in later:
        reply = _reply(each)
        plain = reply and reply.model_copy(update={"searched_for": reply.question}).model_dump_json()
        connection.execute(
            "update turn set reply = ? where conversation = ? and number = ?", (plain, place[0], each["number"])
        )


def _reply(row: sqlite3.Row) -> AskReply | None:
    try:
        return AskReply.model_validate_json(row["reply"]) if row["reply"] else None
    except ValidationError:  # kept by another version: the words are there all the same
        return None


def _exchange(row: sqlite3.Row) -> Exchange:
    turn, reply = Turn(row["question"], row["answer"], row["article_id"]), _reply(row)
    href = None
    if reply and reply.answers:
        first = reply.answers[0].citations[0]
        href = marked_path(first.article_id, first.start, first.end, first.quote)
    asked_at = datetime.fromisoformat(row["asked_at"])
    return Exchange(row["number"], asked_at, turn, json.loads(row["asking"]), reply, href)


def _summary(row: sqlite3.Row) -> Summary:
    return Summary(row["id"], row["title"], datetime.fromisoformat(row["began"]), row["turns"])


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
