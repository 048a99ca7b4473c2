"""Quotes are cut from articles, and the earliest copy of a text stands for all."""

from datetime import date

import pytest

from index.passages import Passage
from qa.citations import cite, cite_first
from qa.retriever import Filters
from tests.fakes import article, generation_of

PARAGRAPHS = [
    "The harbour bridge of Kalvik opens again on 4 May, the town said, after eleven months of work.",
    "The repair cost 38.5 million kroner, which is two million less than planned in the budget of last year.",
    "Boats may pass every second hour; the ferry to the islands stops running on the evening of the same day.",
]
TEXT = "\n\n".join(PARAGRAPHS)
QUOTE = "38.5 million kroner"
LATER = "KALVIK, Wednesday —\n\n" + TEXT
ARTICLES = [
    article("late", TEXT, source="Ledger", published=date(2025, 5, 3)),
    article("early", LATER, source="Courier", published=date(2025, 5, 1)),
    article(
        "other", "The cat was found in the harbour, sound and hungry.", source="Courier", published=date(2025, 5, 2)
    ),
]


@pytest.fixture(scope="module")
def generation(tmp_path_factory):
    return generation_of(tmp_path_factory.mktemp("index"), ARTICLES)


def found(generation, article_id: str = "late"):
    text = generation.article(article_id).text
    start = text.index(QUOTE)
    passage = Passage(article_id, text.index(PARAGRAPHS[1]), text.index(PARAGRAPHS[1]) + len(PARAGRAPHS[1]))
    return cite(1, generation.article(article_id), passage, start, start + len(QUOTE))


def check(citation) -> None:
    assert citation.article.text[citation.start : citation.end] == citation.quote == QUOTE
    passage = citation.passage
    assert passage.article_id == citation.article.id
    assert citation.article.text[passage.start : passage.end] == PARAGRAPHS[1]


def test_the_earliest_copy_is_cited_and_the_other_named(generation):
    for article_id in ("late", "early"):
        citation = cite_first(generation, found(generation, article_id), Filters())
        check(citation)
        assert citation.article.id == "early"
        assert [copy.id for copy in citation.copies] == ["late"]


@pytest.mark.parametrize(
    "filters",
    [
        Filters(sources=("Ledger",)),
        Filters(after=date(2025, 5, 2)),
        Filters(sources=("Ledger",), before=date(2025, 5, 3)),
    ],
)
def test_a_copy_that_the_filters_leave_out_is_neither_cited_nor_named(generation, filters):
    citation = cite_first(generation, found(generation), filters)
    check(citation)
    assert (citation.article.id, citation.copies) == ("late", ())


def test_an_article_without_copies_stays_as_it_is(generation):
    text = generation.article("other").text
    citation = cite(3, generation.article("other"), Passage("other", 0, len(text)), 4, 7)
    assert cite_first(generation, citation, Filters()) == citation


@pytest.mark.parametrize(
    ("filters", "admitted"),
    [
        (Filters(), {"late", "early", "other", "undated"}),
        (Filters(sources=("Courier",)), {"early", "other"}),
        (Filters(after=date(2025, 5, 2)), {"late", "other"}),
        (Filters(before=date(2025, 5, 2)), {"early", "other"}),
        (Filters(after=date(2025, 5, 2), before=date(2025, 5, 2)), {"other"}),
    ],
)
def test_filters_admit_as_the_searches_do(filters, admitted):
    undated = article("undated", TEXT, source=None)
    assert {each.id for each in [*ARTICLES, undated] if filters.admit(each)} == admitted
