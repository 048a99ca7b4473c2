"""The whole way from a question to cited answers."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import count

from index.articles import Article
from index.embedder import Embedder
from index.generation import Generation
from index.passages import Passage, split_sentences
from qa.confidence import Confidence
from qa.conversation import Turn, resolve
from qa.evidence import Candidate, join
from qa.preferences import preferences
from qa.reader import Reader, Span
from qa.retriever import Filters, HybridRetriever, texts_of

READ = 12  # passages read for one question
_CITATIONS = 5  # shown per answer
_NEAREST = 3
_YES_NO = re.compile(
    r"^\s*(?:(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may|might|must)"
    r"(?:n['’]t)?|(?:ca|wo|sha)n['’]t)\s+(?!.*\bor\b)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Citation:
    """Where the exact words stand: ``article.text[start:end] == quote``, offsets in code points."""

    number: int
    article: Article
    passage: Passage
    start: int
    end: int
    quote: str
    copies: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Superseded:
    """An older value of an answer that changed."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """``text`` is the quote of the first citation; ``sentence`` the sentence or two around it, also verbatim."""

    text: str
    sentence: str
    confidence: float
    citations: tuple[Citation, ...]
    resolved_date: str | None = None
    status: str = "current"
    earlier: tuple[Superseded, ...] = ()


@dataclass(frozen=True, slots=True)
class Nearest:
    """The closest passage when there is no answer: its best span and how likely that would be right."""

    citation: Citation
    confidence: float


@dataclass(frozen=True, slots=True)
class Request:
    """A question and all that bears on it. ``asked_on`` is the day that "today" means."""

    question: str
    history: tuple[Turn, ...] = ()
    filters: Filters = Filters()
    asked_on: date | None = None
    limit: int = 3
    abstain: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question. ``answers`` is empty when the archive does not say; ``nearest`` is then filled."""

    question: str
    searched_for: str
    answers: tuple[Answer, ...]
    nearest: tuple[Nearest, ...]
    generation: str
    timings_ms: dict[str, float] = field(default_factory=dict)


class Assistant:
    """Answers questions from one open index generation; any thread may ask.

    ``threshold`` is the confidence below which an answer is not given; None takes the fitted one.
    """

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder,
        reader: Reader,
        confidence: Confidence,
        threshold: float | None = None,
    ):
        self.generation = generation
        self.retriever = HybridRetriever(generation, embedder)
        self.reader = reader
        self.confidence = confidence
        self.threshold = confidence.threshold if threshold is None else threshold

    def ask(self, request: Request) -> Reply:
        """The whole way: question -> rewrite -> retrieve -> read -> answer."""
        clock = Clock()
        question = resolve(request.question, request.history)
        clock.lap("resolve")
        preferred = preferences(question, request.asked_on or date.today())
        hits = self.retriever.retrieve(question, READ, request.filters, preferred)
        texts = texts_of(hits, self.generation)
        clock.lap("retrieve")
        readings = self.reader.read(question, texts)
        candidates = join(question, hits, readings, [text for _, text in texts], self.confidence)
        clock.lap("read")
        numbers = count(1)
        settles = _YES_NO.match(request.question) is not None
        if settles:
            candidates = self._one_per_sentence(candidates)
        given = [c for c in candidates[: request.limit] if c.confidence >= self.threshold or not request.abstain]
        answers = tuple(self._answer(candidate, numbers, settles) for candidate in given)
        nearest = () if answers else self._nearest(candidates, numbers)
        return Reply(request.question, question, answers, nearest, self.generation.id, clock.timings())

    def _answer(self, candidate: Candidate, numbers: count, settles: bool) -> Answer:
        articles = {s.passage.article_id: self.generation.article(s.passage.article_id) for s in candidate.spans}
        citations = []
        for span in one_per_article(candidate.spans)[:_CITATIONS]:
            article = articles[span.passage.article_id]
            # A question answered by yes or no gets the sentence that settles it.
            start, end = sentence_around(article.text, span) if settles else (span.start, span.end)
            citations.append(cite(next(numbers), article, span.passage, start, end))
        first = candidate.spans[0]
        text = articles[first.passage.article_id].text
        start, end = sentence_around(text, first)
        return Answer(citations[0].quote, text[start:end], candidate.confidence, tuple(citations))

    def _one_per_sentence(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The best candidate of each sentence, in order, where sentences are what is shown."""
        best: dict[str, Candidate] = {}
        for candidate in candidates:
            text = self.generation.article(candidate.spans[0].passage.article_id).text
            best.setdefault(text[slice(*sentence_around(text, candidate.spans[0]))], candidate)
        return list(best.values())

    def _nearest(self, candidates: Sequence[Candidate], numbers: count) -> tuple[Nearest, ...]:
        """The best span of each of the closest passages."""
        nearest, seen = [], set()
        for candidate in candidates:
            span = candidate.spans[0]
            if span.passage not in seen:
                seen.add(span.passage)
                article = self.generation.article(span.passage.article_id)
                citation = cite(next(numbers), article, span.passage, span.start, span.end)
                nearest.append(Nearest(citation, candidate.confidence))
            if len(nearest) == _NEAREST:
                break
        return tuple(nearest)


def cite(number: int, article: Article, passage: Passage, start: int, end: int) -> Citation:
    """The one place where a quote is made: cut from the article, so that it cannot differ from it."""
    return Citation(number, article, passage, start, end, article.text[start:end])


def one_per_article(spans: Sequence[Span]) -> list[Span]:
    """The best span of each article, in order."""
    best: dict[str, Span] = {}
    for span in spans:
        best.setdefault(span.passage.article_id, span)
    return list(best.values())


def sentence_around(text: str, span: Span) -> tuple[int, int]:
    """Offsets of the sentence that holds the span, or of those that it runs over."""
    base = span.passage.start
    sentences = split_sentences(text[base : span.passage.end])
    touched = [(base + s, base + e) for s, e in sentences if base + s < span.end and base + e > span.start]
    return (min(span.start, touched[0][0]), max(span.end, touched[-1][1])) if touched else (span.start, span.end)


class Clock:
    """Milliseconds by stage."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = round((now - self._last) * 1000, 2)
        self._last = now

    def timings(self) -> dict[str, float]:
        return self._laps | {"total": round((time.perf_counter() - self._began) * 1000, 2)}
