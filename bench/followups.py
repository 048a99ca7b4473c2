"""Follow-ups measured: what is found with them, what is left alone, which words are added, and how long it takes.

    python -m bench.followups INDEX CONVERSATIONS SINGLE CANARD_DEV [--own-answers]

CONVERSATIONS are JSON Lines of `turns` with `question`, `standalone`, `answers` and `article_id`; SINGLE are
questions that stand alone; CANARD_DEV is CANARD's development file. The history of a turn holds the accepted
answers and their articles, or with --own-answers what the archive answered, refusals included.

hit@k: the text of the best k x 110 words of passages holds an accepted answer. Added words are compared as
terms (case, plural and little words left out) over all turns together; those count as wanted that stand in
the conversation and in the human rewrite but not in the question, as in QuReTeC's paper.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from index.embedder import load_embedder
from index.store import Store
from qa.assistant import Assistant, Request
from qa.confidence import Confidence
from qa.conversation import Turn, resolve
from qa.evaluate import text_rank
from qa.followups import load_classifier, terms
from qa.preferences import preferences
from qa.questions import Question, read_questions
from qa.reader import SpanReader
from qa.retriever import Filters
from qa.scoring import Share

CUTS = (1, 5, 10, 20)
PAPER = "QuReTeC on QuAC's test set, from its paper, not measured here: P 71.5, R 66.1 (F1 68.7, their harmonic mean)"

Resolve = Callable[[str, Sequence[Turn]], str]
Rows = list[tuple[str, Sequence[Turn], str]]  # question, history, human rewrite


class Resolver:
    """:func:`resolve` as it is used, and how long each call with a history took."""

    def __init__(self, title_of: Callable[[str], str]):
        self._title_of, self._classifier = title_of, load_classifier()
        self.took: list[tuple[float, float]] = []  # milliseconds on the clock, and of the processor
        self("Why?", (Turn("Where did the ship sink?"),))  # the first call compiles
        self.took.clear()

    def __call__(self, question: str, history: Sequence[Turn]) -> str:
        began, used = time.perf_counter(), time.process_time()
        resolved = resolve(question, history, self._classifier, self._title_of)
        if history:
            took = time.perf_counter() - began, time.process_time() - used
            self.took.append((took[0] * 1000, took[1] * 1000))
        return resolved


def with_own_answers(questions: Sequence[Question], assistant: Assistant) -> list[Question]:
    """The turns as asked, each after what the assistant answered to those before it."""
    turns: list[Question] = []
    history: tuple[Turn, ...] = ()
    for question in questions:
        history = history if question.history else ()
        turns.append(replace(question, history=history))
        reply = assistant.ask(Request(question.text, history=history))
        answer = reply.answers[0] if reply.answers else None
        said = Turn(question.text, answer.text, answer.citations[0].article.id) if answer else Turn(question.text)
        history += (said,)
    return turns


def measure_hits(name: str, asked: Sequence[tuple[str, tuple[str, ...]]], assistant: Assistant) -> None:
    ranks = []
    for text, answers in asked:
        preferred = preferences(text, date.today(), assistant.generation.newest)
        hits = assistant.retriever.retrieve(text, 60, Filters(), preferred)
        ranks.append(text_rank(hits, answers, assistant.generation.article) or 1000)
    shares = " | ".join(f"{100 * np.mean(np.array(ranks) <= k):.1f}" for k in CUTS)
    print(f"| {name} | {len(ranks)} | {shares} |", flush=True)


def read_canard(path: Path) -> Rows:
    """CANARD's turns: the page's heading and section stand for a first exchange, answers are whole sentences."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = json.load(file)
    found: Rows = []
    for row in rows:
        title, section, *said = row["History"]
        turns = [Turn(title, section)] + [Turn(q, a) for q, a in zip(said[::2], said[1::2], strict=True)]
        found.append((row["Question"], turns, row["Rewrite"]))
    return found


def measure_words(rows: Rows, resolve: Resolve) -> None:
    right = added = wanted = in_rewrite = 0
    for question, history, rewrite in rows:
        known = terms(question)
        given = terms(resolve(question, history)) - known
        lacking = terms(rewrite) - known
        said = set().union(*(terms(f"{turn.question} {turn.answer}") for turn in history))
        right += len(given & lacking)
        added += len(given)
        wanted += len(lacking & said)
        in_rewrite += len(lacking)
    precision, recall = right / added, right / wanted
    f1 = 2 * precision * recall / (precision + recall)
    print(f"added words ({len(rows)} turns): P {100 * precision:.1f}, R {100 * recall:.1f}, F1 {100 * f1:.1f}")
    print(f"recall of all words of the rewrites, said or not: {100 * right / in_rewrite:.1f}\n{PAPER}", flush=True)


def stand_alone(conversations: Sequence[Question], single: Sequence[Question], canard: Rows) -> Iterator[tuple]:
    """Groups of questions that stand alone, each with a history that they do not need: (name, pairs)."""
    asked = [q for q in conversations if not q.kind.endswith("rewritten")]
    last = [q for q, after in zip(asked, [*asked[1:], None], strict=True) if after is None or not after.history]
    histories = [(*q.history, Turn(q.text, q.answers[0], q.article_ids[0])) for q in last]
    other = {q.id: histories[n % len(histories)] for n, q in enumerate([*single, *conversations], 7)}
    yield "single questions after another conversation", [(q.text, other[q.id]) for q in single]
    openings = [q for q in asked if not q.history]
    yield (
        "openings after another conversation",
        [(q.text, histories[(n + 11) % len(histories)]) for n, q in enumerate(openings)],
    )
    own = {f"{q.id}/standalone": q.history for q in asked if q.history}
    rewritten = [q for q in conversations if q.id in own]
    yield "rewritten follow-ups after their own conversation", [(q.text, own[q.id]) for q in rewritten]
    same = [(q, h) for q, h, rewrite in canard if q.strip(" ?").lower() == rewrite.strip(" ?").lower()]
    yield "CANARD turns that nobody rewrote", same


def tell(share: Share) -> str:
    low, high = share.interval
    return f"{share.count} of {share.total}, {100 * share.value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("conversations", type=Path)
    parser.add_argument("single", type=Path)
    parser.add_argument("canard", type=Path)
    parser.add_argument("--own-answers", action="store_true")
    parser.add_argument("--limit", type=int, default=10_000, help="CANARD turns to read")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    generation = Store(args.index).open()
    reader = SpanReader()
    embedder = load_embedder(generation.manifest.embedder, args.cache)
    confidence = Confidence.from_settings(reader.settings["confidence"])
    assistant = Assistant(generation, embedder, reader, confidence)
    resolve_one = Resolver(assistant.title)
    conversations = read_questions(args.conversations)
    canard = read_canard(args.canard)[: args.limit]

    print(f"| follow-ups | turns | {' | '.join(f'hit@{k}' for k in CUTS)} |\n|---|---|{'---|' * len(CUTS)}")
    turns = [q for q in conversations if q.kind == "follow-up"]
    measure_hits("as asked", [(q.text, q.answers) for q in turns], assistant)
    measure_hits("resolved", [(resolve_one(q.text, q.history), q.answers) for q in turns], assistant)
    if args.own_answers:
        asked = [q for q in conversations if q.kind in ("opening", "follow-up")]
        own = [q for q in with_own_answers(asked, assistant) if q.history]
        pairs = [(resolve_one(q.text, q.history), q.answers) for q in own]
        measure_hits("resolved after our own answers", pairs, assistant)
    rewritten = [q for q in conversations if q.kind == "follow-up, rewritten"]
    measure_hits("rewritten by a person", [(q.text, q.answers) for q in rewritten], assistant)
    print()
    unchanged: list[bool] = []
    for name, pairs in stand_alone(conversations, read_questions(args.single), canard):
        left = [resolve_one(text, history) == text for text, history in pairs]
        unchanged += left
        print(f"left alone, {name}: {tell(Share.of(left))}", flush=True)
    print(f"left alone, all: {tell(Share.of(unchanged))}\n")
    measure_words(canard, resolve_one)
    for name, took in zip(("clock", "processor"), zip(*resolve_one.took, strict=True), strict=True):
        p50, p95 = np.percentile(took, (50, 95))
        print(f"resolving ({len(took)} calls), {name}: p50 {p50:.1f} ms, p95 {p95:.1f} ms")


if __name__ == "__main__":
    main()
