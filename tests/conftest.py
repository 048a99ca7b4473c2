"""What the tests share: a small archive of our own articles, and an assistant with answers worked out by hand."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import hypothesis
import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck

from index.articles import Article
from index.errors import NoIndex, UnknownArticle
from index.passages import Passage, split_sentences
from index.store import IndexInfo
from qa.assistant import Answer, Assistant, Citation, Nearest, Reply, Request, Superseded
from qa.explanation import Considered, Explanation
from qa.reader import Span
from qa.retriever import Hit
from server.app import create_app
from server.settings import Settings

HARBOUR = Article(
    id="harbour",
    title="Harbour bridge to open in spring",
    text=(
        "The new harbour bridge will open on 4 May, the city said on Monday. "
        "It cost 212 million euros, 40 million more than planned.\n\n"
        "Mayor Ilse Brandt called the bridge “a gift to the eastern quarter”. "
        "Trams will cross it every six minutes; cars may not use it at all.\n\n"
        "The old bridge, built in 1911, stays open to walkers."
    ),
    url="https://example.org/city/harbour-bridge?page=1",
    source="Example Courier",
    published=datetime(2024, 9, 9, 10, 0, 55),
    authors=("R. Okafor", "J. Lind"),
)
DELAY = Article(
    id="news/2024/pont-d’été 🌉.json",
    title="Bridge opening put off",
    text="🌉🌉 The harbour bridge will open on 1 June, not on 4 May. 🌧️ Rain is to blame, Mayor Ilse Brandt said.",
    url="http://example.org/delay#top",
    source="Example Herald",
    published=date(2025, 2, 3),
)
HOSTILE = Article(
    id="<img src=x onerror=alert(1)>",
    title="<script>alert(1)</script>",
    text=(
        "\"><script>alert('text')</script> The parrot is called </mark><b onclick=alert(2)>Rex</b>. "
        "{{ 7 * 7 }} {% raw %} &amp; stays as it is.\n\n<style>*{display:none}</style>"
    ),
    url="javascript:alert(document.domain)",
    source="<svg onload=alert(3)>",
    published=None,
)
COPY = Article(id="copy", title="Bridge to open", text=HARBOUR.text, source="Example Wire", published=date(2024, 9, 10))
ARTICLES = (HARBOUR, DELAY, HOSTILE, COPY)


def cite(article: Article, quote: str, number: int = 1, copies: tuple[Article, ...] = (), nth: int = 0) -> Citation:
    """The ``nth`` place of ``quote`` in ``article``, in a passage that is its paragraph."""
    start = -1
    for _ in range(nth + 1):
        start = article.text.index(quote, start + 1)
    end = start + len(quote)
    first = article.text.rfind("\n", 0, start) + 1
    last = article.text.find("\n", end)
    passage = Passage(article.id, first, len(article.text) if last < 0 else last)
    return Citation(number, article, passage, start, end, quote, copies)


def answer(citation: Citation, confidence: float, *more: Citation, **others) -> Answer:
    """An answer with the sentence around its first citation."""
    text = citation.article.text
    sentence = next((a, b) for a, b in split_sentences(text) if a <= citation.start and citation.end <= b)
    return Answer(citation.quote, text[slice(*sentence)], confidence, (citation, *more), **others)


OPENS = "When will the harbour bridge open?"
COST = "What did the bridge cost?"
PARROT = "What is the parrot called?"
CARS = "May cars use it?"
ANSWERS: Mapping[str, tuple[Answer, ...]] = {
    OPENS: (
        answer(
            cite(DELAY, "1 June"),
            0.94,
            resolved_date="2025-06-01",
            earlier=(Superseded("4 May", (cite(HARBOUR, "4 May", 2, copies=(COPY,)),)),),
        ),
        answer(cite(HARBOUR, "4 May", 2, copies=(COPY,)), 0.41, resolved_date="2025-05-04", status="conflicting"),
    ),
    COST: (answer(cite(HARBOUR, "212 million euros", copies=(COPY,)), 0.78),),
    PARROT: (answer(cite(HOSTILE, "</mark><b onclick=alert(2)>Rex</b>"), 0.6),),
    CARS: (answer(cite(HARBOUR, "cars may not use it at all"), 0.55),),
}


class FakeAssistant(Assistant):
    """Knows the questions in ``ANSWERS``; for any other, a harbour article comes nearest."""

    def __init__(self, answers: Mapping[str, tuple[Answer, ...]] = ANSWERS):  # opens no index
        self._answers = answers
        self.asked: list[Request] = []

    def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        searched = request.question
        if request.history and "it" in request.question.rstrip("?").split():
            searched = f"{request.question} [{request.history[-1].question}]"
        found = self._answers.get(request.question, ())[: request.limit]
        nearest = () if found else (Nearest(cite(HARBOUR, "1911"), 0.12), Nearest(cite(HOSTILE, "Rex", 2), 0.05))
        timings = {"resolve": 0.5, "retrieve": 3.25, "read": 40.0, "total": 43.75}
        return Reply(request.question, searched, found, nearest, "g1", timings)


@dataclass
class FakeArchive:
    """Articles in memory. ``missing`` is a folder in which there is no index."""

    articles: tuple[Article, ...] = ARTICLES
    assistant: FakeAssistant = field(default_factory=FakeAssistant)
    missing: Path | None = None
    offered: tuple[str, ...] = (OPENS, COST)

    def ask(self, request: Request) -> Reply:
        self._open()
        return self.assistant.ask(request)

    def ask_with_info(self, request: Request) -> tuple[Reply, IndexInfo]:
        return self.ask(request), self.info()

    def explain(self, request: Request) -> Explanation:
        self._open()
        found = (("1911", 0.75), ("4 May", 0.5))
        hits = [Hit(cite(HARBOUR, quote).passage, score, "both", 0.5, 7.4) for quote, score in found]
        span = Span(hits[0].passage, HARBOUR.text.index("1911"), HARBOUR.text.index("1911") + 4, 3.0)
        considered = (Considered(hits[0], HARBOUR, span, 0.12), Considered(hits[1], HARBOUR))
        return Explanation(request.question, 0.3, considered)

    def sources(self) -> tuple[str, ...]:
        self._open()
        return tuple(dict.fromkeys(article.source for article in self.articles if article.source))

    def article(self, article_id: str) -> Article:
        self._open()
        for article in self.articles:
            if article.id == article_id:
                return article
        raise UnknownArticle(article_id)

    def info(self) -> IndexInfo:
        self._open()
        built = datetime(2025, 2, 4, 6, 30, 15, tzinfo=UTC)
        return IndexInfo("g1", built, 1234, 5678, date(2025, 2, 3), "all-MiniLM-L6-v2", 9_000_000, (), 3)

    def suggestions(self) -> tuple[str, ...]:
        self._open()
        return self.offered

    def _open(self) -> None:
        if self.missing is not None:
            raise NoIndex(self.missing)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "browser: drives a real Chromium")
    # A busy machine is no failure.
    hypothesis.settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    hypothesis.settings.load_profile("untimed")


def connect(archive: FakeArchive, settings: Settings | None = None) -> TestClient:
    """A client as this machine's own browser or program would be one."""
    settings = settings or Settings()
    if settings.data == Settings().data:  # a person's own
        settings = replace(settings, keep=False)
    app = create_app(archive, settings)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def archive() -> FakeArchive:
    return FakeArchive()


@pytest.fixture
def client(archive: FakeArchive) -> Iterator[TestClient]:
    with connect(archive) as client:
        yield client
