"""Does every citation stand where it says it stands? Asks a running server and checks against its articles.

    verbatim serve --index DIR &
    python -m bench.citations QUESTIONS... [--port 8000] [--limit 2500] [--minutes 30] [--once]

QUESTIONS are files or folders as `verbatim eval` reads them. Each question goes to /ask twice, with and without
abstention; with ``--once`` only with it. For every citation in `answers`, in their `earlier` values and in
`nearest`, the article is fetched from /articles/ID.json and must hold the quote and the passage at the offsets
given; an answer's text must be its first quote, and its sentence must stand in that article. Prints counts and
latency; exits 1 if anything is false, or if a request fails. Only loopback addresses are asked.
"""

import argparse
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import quote

import httpx
import numpy as np

from qa.questions import Question, read_questions

SHOWN = 20  # violations printed in full; all are counted


def question_body(question: Question, abstain: bool = True) -> dict[str, object]:
    """The JSON of a POST /ask that asks ``question``, its history and its day included."""
    history = [
        {"question": turn.question, "answer": turn.answer, "article_id": turn.article_id} for turn in question.history
    ]
    asked_on = question.date.isoformat() if question.date else None
    return {"question": question.text, "history": history, "asked_on": asked_on, "abstain": abstain}


def cited(reply: dict) -> Iterator[tuple[str, dict]]:
    """Every citation of a reply, with the name of the place it stands in."""
    for answer in reply["answers"]:
        yield from (("answers", citation) for citation in answer["citations"])
        for earlier in answer["earlier"]:
            yield from (("earlier", citation) for citation in earlier["citations"])
    yield from (("nearest", nearest) for nearest in reply["nearest"])


def citation_faults(citation: dict, text: str) -> Iterator[str]:
    """What is false about a citation of the article whose full text is ``text``; nothing when all is true."""
    start, end, passage = citation["start"], citation["end"], citation["passage"]
    if not 0 <= start < end <= len(text):
        yield f"offsets {start}:{end} lie outside of the article's {len(text)} characters"
    elif text[start:end] != citation["quote"]:
        yield f"{start}:{end} holds {text[start:end]!r}, not {citation['quote']!r}"
    if text[passage["start"] : passage["end"]] != passage["text"]:
        yield f"the passage is not what {passage['start']}:{passage['end']} holds"
    if not passage["start"] <= start < end <= passage["end"]:
        yield f"the quote at {start}:{end} lies outside of its passage {passage['start']}:{passage['end']}"


def answer_faults(answer: dict, fetch: Callable[[str], str]) -> Iterator[str]:
    """What is false about an answer beyond its citations."""
    for value in (answer, *answer["earlier"]):
        if not value["citations"]:
            yield f"{value['text']!r} has no citation"
        elif value["text"] != value["citations"][0]["quote"]:
            yield f"{value['text']!r} is not its first quote {value['citations'][0]['quote']!r}"
    if answer["citations"] and answer["sentence"] not in fetch(answer["citations"][0]["article_id"]):
        yield f"the sentence {answer['sentence'][:60]!r} does not stand in the article"


def shape_faults(reply: dict, abstain: bool) -> Iterator[str]:
    """What is false about a reply as a whole."""
    if reply["answered"] != bool(reply["answers"]):
        yield f"answered is {reply['answered']} with {len(reply['answers'])} answers"
    if not abstain and not reply["answered"] and reply["nearest"]:
        yield "refused, though abstention was off and passages were found"


class Checker:
    """Asks, fetches, checks and counts."""

    def __init__(self, client: httpx.Client):
        self.client = client
        self.counts: Counter[str] = Counter()
        self.faults: list[str] = []
        self.seconds: list[float] = []
        self.fetch = lru_cache(maxsize=4096)(self._fetch)

    def _fetch(self, article_id: str) -> str:
        response = self.client.get(f"/articles/{quote(article_id, safe='')}.json")
        response.raise_for_status()
        self.counts["articles fetched"] += 1
        return response.json()["text"]

    def check(self, question: Question, abstain: bool) -> None:
        """Ask one question and note every fault of its reply, a request that fails included."""
        try:
            begun = time.perf_counter()
            response = self.client.post("/ask", json=question_body(question, abstain))
            self.seconds.append(time.perf_counter() - begun)
            response.raise_for_status()
            faults = list(self._faults(response.json(), abstain))
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            faults = [f"{type(error).__name__}: {error}"]
            self.counts["requests failed"] += 1
        self.counts["requests"] += 1
        self.faults += [f"{question.id} (abstain {str(abstain).lower()}): {fault}" for fault in faults]

    def _faults(self, reply: dict, abstain: bool) -> Iterator[str]:
        self.counts["answered" if reply["answered"] else "refused"] += 1
        yield from shape_faults(reply, abstain)
        for place, citation in cited(reply):
            self.counts[f"citations in {place}"] += 1
            yield from citation_faults(citation, self.fetch(citation["article_id"]))
        for answer in reply["answers"]:
            self.counts["answers"] += 1
            yield from answer_faults(answer, self.fetch)


def report(checker: Checker, asked: int, planned: int) -> None:
    print(f"{asked} of {planned} questions asked, each with and without abstention")
    for name, count in sorted(checker.counts.items()):
        print(f"  {count:>8}  {name}")
    if checker.seconds:
        p50, p95, p99 = np.quantile(checker.seconds, [0.5, 0.95, 0.99]) * 1000
        print(f"  /ask: p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms")
    for fault in checker.faults[:SHOWN]:
        print(f"FALSE {fault}")
    print(f"{len(checker.faults)} violations")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check every citation of a running server against its articles.")
    parser.add_argument("questions", nargs="+", help="question files or folders, as `verbatim eval` reads them")
    parser.add_argument("--port", type=int, default=8000, help="where the server listens on 127.0.0.1 (8000)")
    parser.add_argument("--once", action="store_true", help="ask each question with abstention only")
    parser.add_argument("--limit", type=int, default=2500, help="ask at most so many questions (2500)")
    parser.add_argument("--minutes", type=float, default=30, help="stop asking after so many minutes (30)")
    options = parser.parse_args()
    questions = list(itertools.chain.from_iterable(read_questions(path) for path in options.questions))[: options.limit]
    deadline, asked = time.monotonic() + 60 * options.minutes, 0
    with httpx.Client(base_url=f"http://127.0.0.1:{options.port}", timeout=60, trust_env=False) as client:
        checker = Checker(client)
        for question in questions:
            if time.monotonic() > deadline:
                break
            for abstain in (True,) if options.once else (True, False):
                checker.check(question, abstain)
            asked += 1
    report(checker, asked, len(questions))
    citations = sum(count for name, count in checker.counts.items() if name.startswith("citations"))
    if not citations:
        print("no citation was checked: is anything indexed?")
    return 1 if checker.faults or not citations else 0


if __name__ == "__main__":
    sys.exit(main())
