"""The whole way from a question to cited answers."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from itertools import count, pairwise

from index.articles import Article
from index.embedder import Embedder
from index.errors import UnknownArticle
from index.generation import Generation
from index.passages import split_sentences
from qa.changes import has_moved, join_changes
from qa.citations import Citation, cite, cite_first
from qa.confidence import Confidence
from qa.conversation import Turn, resolve
from qa.dates import resolve_date
from qa.evidence import Candidate, join, order_passages
from qa.followups import TermClassifier, load_classifier
from qa.freshness import Freshness, judge_freshness
from qa.moving import find_moving
from qa.periods import Period, find_period, is_time_question
from qa.preferences import preferences
from qa.reader import Reader, Reading, Span
from qa.retriever import Filters, Hit, HybridRetriever, articles_of, texts_of

READ = 12  # passages read for one question
READ_FIRST = 6
READ_MOVED = 18  # passages read where the first twelve show a value that moved; a number's last six are newer ones
_SETTLED = 0.6  # confidence after the first passages at which reading on made no more answers right
_CITATIONS = 5  # shown per answer
_NEAREST = 3
_YES_NO = re.compile(
    r"^\s*(?:(?:and|but|so|or|then|well),?\s+)?"
    r"(?:(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|shall|should|may(?!\s+\d)|might|must)"
    r"(?:n['’]t)?|(?:ca|wo|sha)n['’]t)\s+(?!(?:you|i)\b)(?!.*\bor\b(?!\s+not\b))",
    re.IGNORECASE,
)


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
class Evidence:
    """The passages found for a question, those that were read in front, their articles, and the candidate answers
    that they give, best first."""

    hits: tuple[Hit, ...]
    articles: Mapping[str, Article]
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A question and all that bears on it. ``asked_on`` is the day that "today" means; without ``dates`` no day that
    the question names, and no other, is preferred."""

    question: str
    history: tuple[Turn, ...] = ()
    filters: Filters = Filters()
    asked_on: date | None = None
    limit: int = 3
    abstain: bool = True
    dates: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a question. ``answers`` is empty when the archive does not say; ``nearest`` is then filled.

    ``understood`` is the period that the question was taken to name, its offsets in ``searched_for``.
    """

    question: str
    searched_for: str
    answers: tuple[Answer, ...]
    nearest: tuple[Nearest, ...]
    generation: str
    timings_ms: dict[str, float] = field(default_factory=dict)
    understood: Period | None = None
    freshness: Freshness = Freshness(None, None)


class Assistant:
    """Answers questions from one open index generation; any thread may ask.

    ``threshold`` is the confidence below which an answer is not given; None takes the fitted one.
    ``classifier`` marks the words that follow-ups need; None takes the shipped one when it is first needed.
    """

    def __init__(
        self,
        generation: Generation,
        embedder: Embedder,
        reader: Reader,
        confidence: Confidence,
        threshold: float | None = None,
        classifier: TermClassifier | None = None,
    ):
        self.generation = generation
        self.retriever = HybridRetriever(generation, embedder)
        self.reader = reader
        self.confidence = confidence
        self.threshold = confidence.threshold if threshold is None else threshold
        self._classifier = classifier

    def ask(self, request: Request) -> Reply:
        """The whole way: question -> rewrite -> retrieve -> read -> answer."""
        clock = Clock()
        question = self.resolve(request)
        clock.lap("resolve")
        asked_on = request.asked_on or date.today()
        period = find_period(question, asked_on) if request.dates else None
        hits = self.find(question, request, asked_on, period)
        articles = articles_of(hits, self.generation)
        clock.lap("retrieve")
        evidence = self.read(question, hits, articles, period, partial(self.find, question, request, asked_on, period))
        articles, candidates = evidence.articles, evidence.candidates
        clock.lap("read")
        settles = _YES_NO.match(request.question) is not None
        if settles:
            candidates = one_per_sentence(candidates, articles)
        given = self._given(candidates, request)
        numbers = count(1)
        answers = tuple(self._answer(candidate, articles, numbers, settles, request.filters) for candidate in given)
        nearest = () if answers else self._nearest(candidates, articles, numbers)
        freshness = judge_freshness(question, period, asked_on, self.generation.newest)
        return Reply(
            request.question, question, answers, nearest, self.generation.id, clock.timings(), period, freshness
        )

    def title(self, article_id: str) -> str:
        """The title of an article; "" where there is none, or no such article any more."""
        try:
            return self.generation.article(article_id).title
        except UnknownArticle:
            return ""

    def resolve(self, request: Request) -> str:
        """The question that is searched: as it was asked, or with the words of the history that it leans on."""
        if not request.history:
            return request.question
        return resolve(request.question, request.history, self._classifier or load_classifier(), self.title)

    def find(
        self, question: str, request: Request, asked_on: date, period: Period | None, since: date | None = None
    ) -> list[Hit]:
        """The passages to read for a standalone question, best first; more where what it asks for may have moved.

        With ``since`` only those that came out on that day or later.
        """
        preferred = preferences(question, asked_on, self.generation.newest) if request.dates else ()
        filters = request.filters
        if since:
            filters = replace(filters, after=max(since, filters.after or since))
        moving = find_moving(question, period)
        k = READ_MOVED if since or (moving and not moving.onward) else READ
        return self.retriever.retrieve(question, k, filters, preferred)

    def _given(self, candidates: Sequence[Candidate], request: Request) -> Sequence[Candidate]:
        """Those that are shown: none unless the first is sure enough, which is what the threshold is fitted on.

        What contradicts the first stands beside it however sure it is: half a contradiction tells nothing.
        """
        if not request.abstain:
            return candidates[: request.limit]
        if not candidates or candidates[0].confidence < self.threshold:
            return ()
        return [
            candidate
            for candidate in candidates[: request.limit]
            if candidate.confidence >= self.threshold or candidate.status == "conflicting"
        ]

    def read(
        self,
        question: str,
        hits: Sequence[Hit],
        articles: Mapping[str, Article],
        period: Period | None = None,
        find_since: Callable[[date], Sequence[Hit]] = lambda day: (),
    ) -> Evidence:
        """What the hits say. The later ones are left unread where the first settle it, and those beyond the twelfth
        where no value moved; where a number did, some that ``find_since`` its newest value are read too."""
        moving = find_moving(question, period)
        at_once = moving is None or not moving.surely  # one value, however sure, may be one of several
        hits, articles = list(hits), dict(articles)
        readings: list[Reading] = []
        candidates: list[Candidate] = []
        for first, last in pairwise((0, READ_FIRST, READ, READ_MOVED)):
            readings += self.reader.read(question, texts_of(hits[first:last], articles))
            if not at_once and last < min(READ, len(hits)):
                continue
            joined = self._join(question, hits, readings, articles)
            candidates = join_changes(question, joined, articles, self.confidence, period)
            settled = last == READ or (joined and joined[0].confidence >= _SETTLED)
            if settled and not has_moved(candidates):
                break
            if moving and moving.onward and len(hits) == last == READ:
                known = {hit.passage for hit in hits}
                newer = find_since(newest_day(candidates[0], articles))
                hits += [hit for hit in newer if hit.passage not in known][: READ_MOVED - READ]
                articles |= articles_of(hits, self.generation)
            if len(hits) <= last:
                break
        return Evidence(tuple(hits), articles, tuple(candidates))

    def _join(
        self,
        question: str,
        hits: Sequence[Hit],
        readings: Sequence[Reading],
        articles: Mapping[str, Article],
    ) -> list[Candidate]:
        read = len(readings)
        passages = [text for _, text in texts_of(hits[:read], articles)]
        if not is_time_question(question):
            return join(question, hits[:read], readings, passages, self.confidence)
        return join(question, hits[:read], readings, passages, self.confidence, lambda span: date_of(span, articles))

    def _answer(
        self,
        candidate: Candidate,
        articles: Mapping[str, Article],
        numbers: count,
        settles: bool,
        filters: Filters,
    ) -> Answer:
        citations = self._cite(candidate, articles, numbers, settles, filters)
        first = candidate.spans[0]
        text = articles[first.passage.article_id].text
        start, end = sentence_around(text, first)
        cited = citations[0]
        when = None if settles else resolve_date(cited.article.text, cited.start, cited.end, cited.article.published)
        older = (self._cite(each, articles, numbers, settles, filters) for each in candidate.earlier)
        earlier = tuple(Superseded(each[0].quote, each) for each in older)
        sure = candidate.confidence
        return Answer(cited.quote, text[start:end], sure, citations, when, candidate.status, earlier)

    def _cite(
        self,
        candidate: Candidate,
        articles: Mapping[str, Article],
        numbers: count,
        settles: bool,
        filters: Filters,
    ) -> tuple[Citation, ...]:
        citations = []
        for span in one_per_article(candidate.spans)[:_CITATIONS]:
            article = articles[span.passage.article_id]
            # A question answered by yes or no gets the sentence that settles it.
            start, end = sentence_around(article.text, span) if settles else (span.start, span.end)
            citation = cite(next(numbers), article, span.passage, start, end)
            citations.append(cite_first(self.generation, citation, filters))
        return tuple(citations)

    @staticmethod
    def _nearest(
        candidates: Sequence[Candidate], articles: Mapping[str, Article], numbers: count
    ) -> tuple[Nearest, ...]:
        """The best span of each of the passages that are likeliest to hold the answer between them; of a value that
        moved the newest stands in front."""
        moved = [candidates[0].spans[0].passage] if has_moved(candidates) else []
        nearest = []
        for passage in list(dict.fromkeys(moved + order_passages(candidates)))[:_NEAREST]:
            candidate = next(each for each in candidates if any(span.passage == passage for span in each.spans))
            span = next(span for span in candidate.spans if span.passage == passage)
            citation = cite(next(numbers), articles[passage.article_id], passage, span.start, span.end)
            nearest.append(Nearest(citation, candidate.confidence))
        return tuple(nearest)


def date_of(span: Span, articles: Mapping[str, Article]) -> str | None:
    """The calendar date that a span means, read against its article's own date; None when it is no time."""
    article = articles[span.passage.article_id]
    return resolve_date(article.text, span.start, span.end, article.published)


def newest_day(candidate: Candidate, articles: Mapping[str, Article]) -> date:
    """The day on which the newest of a candidate's articles came out; one of them must have a date."""
    published = (articles[span.passage.article_id].published for span in candidate.spans)
    return date.fromisoformat(max(when.isoformat()[:10] for when in published if when))


def one_per_sentence(candidates: Sequence[Candidate], articles: Mapping[str, Article]) -> list[Candidate]:
    """The best candidate of each sentence, in order, where sentences are what is shown."""
    best: dict[str, Candidate] = {}
    for candidate in candidates:
        text = articles[candidate.spans[0].passage.article_id].text
        best.setdefault(text[slice(*sentence_around(text, candidate.spans[0]))], candidate)
    return list(best.values())


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
