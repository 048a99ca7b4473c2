"""What every retriever keeps to, over an embedder of counted words and over the real one."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest

from index.articles import Article
from qa.retriever import Filters, HybridRetriever, Retriever, articles_of, texts_of
from tests.fakes import BagOfWords, article, generation_of, real_embedder

FIRST = date(2024, 1, 1)
SUBJECTS = ["bridge", "flood", "ferry", "library", "comet", "strike", "cheese", "marathon", "painting", "storm"]
ARTICLES = [
    article(
        f"a{n}",
        f"The {SUBJECTS[n % 10]} near town{n} was in the news. People spoke of {SUBJECTS[(n + 3) % 10]} too.",
        title=f"News of the {SUBJECTS[n % 10]}",
        source=["Courier", "Herald", None][n % 3],
        published=None
        if n % 7 == 0
        else FIRST + timedelta(n)
        if n % 2
        else datetime(2024, 1, 1, 23, 59) + timedelta(n),
    )
    for n in range(60)
]
LONG = article(
    "long", "The lighthouse keeper told of storms and ships at sea. " * 150, source="Herald", published=FIRST
)


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.slow)])
def archive(request, tmp_path_factory):
    embedder = BagOfWords() if request.param == "fake" else real_embedder(request.config)
    generation = generation_of(tmp_path_factory.mktemp("index"), [*ARTICLES, LONG], embedder)
    return generation, HybridRetriever(generation, embedder)


@pytest.fixture(scope="module")
def retriever(archive) -> Retriever:
    return archive[1]


def day_of(each: Article) -> date | None:
    return each.published.date() if isinstance(each.published, datetime) else each.published


class TestRetriever:
    @pytest.mark.parametrize("n", [1, 8, 30, 59])
    def test_the_passage_asked_for_comes_first(self, retriever, n):
        hits = retriever.retrieve(f"What happened near town{n}?", 5)
        assert hits[0].passage.article_id == f"a{n}"
        assert hits[0].by in ("lexical", "both")

    @pytest.mark.parametrize("k", [1, 2, 12, 50])
    def test_no_more_than_k_best_first_each_once(self, retriever, k):
        hits = retriever.retrieve("What of the bridge and the flood?", k)
        assert 0 < len(hits) <= k
        assert len({hit.passage for hit in hits}) == len(hits)
        scores = [hit.score for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert all(hit.by in ("dense", "lexical", "both") for hit in hits)
        assert all((hit.bm25 == 0) == (hit.by == "dense") for hit in hits)

    def test_more_hits_begin_with_the_fewer(self, retriever):
        question = "What of the comet and the storm?"
        few, many = retriever.retrieve(question, 5), retriever.retrieve(question, 20)
        assert [hit.passage for hit in few] == [hit.passage for hit in many[:5]]

    def test_one_article_does_not_fill_the_list(self, retriever):
        hits = retriever.retrieve("What did the lighthouse keeper tell of storms and ships at sea?", 12)
        found = [hit.passage for hit in hits if hit.passage.article_id == "long"]
        assert hits[0].passage.article_id == "long"
        assert 1 <= len(found) <= 3
        for one in found:
            for other in found:
                assert one is other or min(one.end, other.end) - max(one.start, other.start) < (one.end - one.start) / 2

    @pytest.mark.parametrize(
        "filters",
        [
            Filters(sources=("Courier",)),
            Filters(sources=("Courier", "Herald")),
            Filters(after=FIRST + timedelta(20)),
            Filters(before=FIRST + timedelta(20)),
            Filters(FIRST + timedelta(10), FIRST + timedelta(12)),
            Filters(FIRST + timedelta(11), FIRST + timedelta(11)),
            Filters(FIRST + timedelta(5), FIRST + timedelta(40), ("Herald",)),
            Filters(FIRST - timedelta(5), FIRST - timedelta(1)),
            Filters(FIRST + timedelta(9), FIRST + timedelta(8)),
            Filters(sources=("nobody",)),
            Filters(sources=("",)),
        ],
    )
    @pytest.mark.parametrize("question", ["What of the bridge?", "Zanzibar", "???"])
    def test_filters_are_exact(self, archive, filters, question):
        generation, retriever = archive
        allowed = {
            each.id
            for each in [*ARTICLES, LONG]
            if (not filters.sources or (each.source and each.source in filters.sources))
            and (not filters.after or (day_of(each) and day_of(each) >= filters.after))
            and (not filters.before or (day_of(each) and day_of(each) <= filters.before))
        }
        found = {hit.passage.article_id for hit in retriever.retrieve(question, 100, filters)}
        assert found == allowed  # 100 bring everything, nearest first

    @pytest.mark.parametrize(
        "question",
        [
            "",
            " ",
            "???",
            "AND OR NOT",
            '"',
            "(((",
            "the of in",
            "東京はどこ",
            "🌉",
            "word " * 10_000,
            "\0",
            "x" * 50_000,
        ],
    )
    def test_any_question_may_be_asked(self, retriever, question):
        hits = retriever.retrieve(question, 5)
        assert len(hits) == 5

    def test_the_same_question_finds_the_same(self, retriever):
        question = "What of the ferry and the library?"
        expected = [hit.passage for hit in retriever.retrieve(question, 12)]
        with ThreadPoolExecutor(6) as pool:
            for hits in pool.map(lambda _: retriever.retrieve(question, 12), range(24)):
                assert [hit.passage for hit in hits] == expected

    def test_texts_are_those_of_the_hits(self, archive):
        generation, retriever = archive
        hits = retriever.retrieve("What of the ferry?", 12)
        for hit, (title, text) in zip(hits, texts_of(hits, articles_of(hits, generation)), strict=True):
            owner = generation.article(hit.passage.article_id)
            assert title == owner.title
            assert text == owner.text[hit.passage.start : hit.passage.end]
