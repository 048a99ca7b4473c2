"""What people think of answers, and the examples in it for evaluation and training.

Kept beside the conversations. The export is SQuAD v2 JSON: a passage as context, offsets in code points.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from server.conversations import Conversations
from server.drawer import Drawer
from server.messages import AskReply, CitationOut, Judgement

_MOST = 20_000


class Feedback:
    """Safe to use from several threads."""

    def __init__(self, drawer: Drawer, conversations: Conversations):
        self._drawer, self._conversations = drawer, conversations

    def give(self, visitor: str, judgement: Judgement) -> bool:
        """Keeps it, in the place of an earlier one on the same answer; False if there is no such answer."""
        reply = self._reply(visitor, judgement)
        if reply is None or judgement.answer >= max(1, len(reply.answers)):
            return False
        entry = _entry(reply, judgement)
        with self._drawer.change() as connection:
            self._keep(connection, visitor, judgement, entry)
        return True

    def given(self, visitor: str, conversation_id: str) -> dict[tuple[int, int], str]:
        """Verdicts of this visitor by turn and answer."""
        rows = self._drawer.rows(
            "select turn, answer, verdict from feedback where visitor = ? and conversation = ?",
            (visitor, conversation_id),
        )
        return {(row["turn"], row["answer"]): row["verdict"] for row in rows}

    def export(self) -> dict[str, Any]:
        """All of it as one SQuAD v2 document, grouped by article."""
        by_title: dict[str, dict[str, list[dict]]] = defaultdict(lambda: defaultdict(list))
        for row in self._drawer.rows("select * from feedback order by id"):
            entry = json.loads(row["entry"])
            example = _example(row, entry)
            if example:
                by_title[entry["title"]][entry["context"]].append(example)
        data = [
            {"title": title, "paragraphs": [{"context": context, "qas": qas} for context, qas in contexts.items()]}
            for title, contexts in by_title.items()
        ]
        return {"version": "v2.0", "data": data}

    def _reply(self, visitor: str, judgement: Judgement) -> AskReply | None:
        exchanges = self._conversations.exchanges(visitor, judgement.conversation_id)
        return next((each.reply for each in exchanges if each.number == judgement.turn), None)

    @staticmethod
    def _keep(connection: sqlite3.Connection, visitor: str, judgement: Judgement, entry: dict[str, Any]) -> None:
        place = visitor, judgement.conversation_id, judgement.turn, judgement.answer
        which = "visitor = ? and conversation = ? and turn = ? and answer = ?"
        connection.execute(f"delete from feedback where {which}", place)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        added = connection.execute(
            "insert into feedback (visitor, conversation, turn, answer, given_at, verdict, line, entry)"
            " values (?, ?, ?, ?, ?, ?, ?, ?)",
            (*place, now, judgement.verdict, judgement.line.strip(), json.dumps(entry)),
        )
        connection.execute("insert into judged values (?, ?)", (added.lastrowid, entry["article_id"]))
        oldest = "select id from feedback order by id desc limit -1 offset ?"
        connection.execute(f"delete from feedback where id in ({oldest})", (_MOST,))


def _entry(reply: AskReply, judgement: Judgement) -> dict[str, Any]:
    """What was asked and shown, whole, so that it outlives its conversation. Of one article only, that it can be
    taken out by."""
    citation: CitationOut | None = None
    if reply.answers:
        citation = reply.answers[judgement.answer].citations[0]
    elif reply.nearest:
        citation = reply.nearest[0]
    cited = citation and {
        "title": citation.title,
        "context": citation.passage.text,
        "words": citation.quote,
        "start": citation.start - citation.passage.start,
        "article_id": citation.article_id,
    }
    nothing = {"title": "", "context": "", "words": "", "start": 0, "article_id": ""}
    return (cited or nothing) | {
        "asked": reply.question,
        "question": reply.searched_for,
        "answered": reply.answered,
        "generation": reply.index.generation,
    }


def _example(row: sqlite3.Row, entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """One question as SQuAD has it; None where a verdict says nothing about the passage.

    Words that were wrong, or right by chance in a passage that does not tell, are what SQuAD v2 calls plausible
    answers of an impossible question. A line that stands in the passage to the letter is its answer.
    """
    said = _in_context(row["line"], entry["context"])
    shown = {"text": entry["words"], "answer_start": entry["start"]}
    if not entry["context"]:
        return None
    if row["verdict"] == "right" and entry["answered"]:
        answers, plausible = [shown], []
    elif row["verdict"] != "right" and said:
        answers, plausible = [said], []
    elif row["verdict"] == "right" or entry["answered"]:
        answers, plausible = [], [shown]
    else:  # it was wrong to refuse, and nobody said what the answer is
        return None
    return {
        "id": f"feedback-{row['id']}",
        "question": entry["question"],
        "answers": answers,
        "is_impossible": not answers,
        **({"plausible_answers": plausible} if plausible else {}),
        "asked": entry["asked"],
        "verdict": row["verdict"],
        "line": row["line"],
        "given_at": row["given_at"],
        "article_id": entry["article_id"],
        "generation": entry["generation"],
    }


def _in_context(line: str, context: str) -> dict[str, Any] | None:
    """``line`` where it stands in the context as a whole word or words."""
    start = context.find(line) if line else -1
    if start < 0:
        return None
    end = start + len(line)
    cut = (start > 0 and context[start - 1].isalnum() and line[0].isalnum()) or (
        end < len(context) and context[end].isalnum() and line[-1].isalnum()
    )
    return None if cut else {"text": line, "answer_start": start}
