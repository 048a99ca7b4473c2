"""Why an answer: the passages that a question finds, their scores, and what the reader makes of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from index.articles import Article
from qa.assistant import Assistant, Request
from qa.evidence import Candidate
from qa.periods import find_period
from qa.reader import Span
from qa.retriever import Hit, articles_of


@dataclass(frozen=True, slots=True)
class Considered:
    """A passage that was found. ``span`` is the likeliest answer in it, None when it was left unread or holds
    none; ``confidence`` is that answer's."""

    hit: Hit
    article: Article
    span: Span | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """``considered`` is in the order in which the passages were found, best first; those that were looked for because
    a number moved come last."""

    searched_for: str
    threshold: float
    considered: tuple[Considered, ...]


def explain(assistant: Assistant, request: Request) -> Explanation:
    """Goes the way of :meth:`Assistant.ask` again and shows what it saw."""
    question = assistant.resolve(request)
    asked_on = request.asked_on or date.today()
    period = find_period(question, asked_on) if request.dates else None
    hits = assistant.find(question, request, asked_on, period)
    articles = articles_of(hits, assistant.generation)
    find_since = partial(assistant.find, question, request, asked_on, period)
    evidence = assistant.read(question, hits, articles, period, find_since)
    considered = [
        _consider(hit, evidence.articles[hit.passage.article_id], evidence.candidates) for hit in evidence.hits
    ]
    return Explanation(question, assistant.threshold, tuple(considered))


def _consider(hit: Hit, article: Article, candidates: Sequence[Candidate]) -> Considered:
    for candidate in (each for first in candidates for each in (first, *first.earlier)):  # best first
        for span in candidate.spans:
            if span.passage == hit.passage:
                return Considered(hit, article, span, candidate.confidence)
    return Considered(hit, article)
