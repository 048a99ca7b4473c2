"""What the figures rest on: changed articles, jittered vectors, chosen samples, recall and agreement."""

from datetime import date

import numpy as np
import pytest

from bench.dense import lists_of, recall
from bench.million import (
    JitteredVectors,
    Prepared,
    change,
    change_article,
    embedded_texts,
    jitter,
    key_of,
    rank_names,
    rename,
    renumber,
)
from bench.sampling import take_sample
from index.articles import Article
from qa.questions import Question

TEXT = (
    "Marek Zabrowski met Elena Torvald in Lisbon on Monday. They counted 1,250 boats and 37 birds in 2019. "
    "Torvald, who lives in Lisbon, said that Zabrowski was late. In Sept. the boats go south."
)
NAMES = ["Marek", "Zabrowski", "Elena", "Torvald", "Lisbon"]


def test_names_are_words_mostly_written_with_a_capital():
    texts = [
        "The mayor of Lisbon spoke. Lisbon slept. In Sept. Lisbon woke in Sept. and Sept. again, on Monday Monday."
    ]
    assert rank_names([*texts, "The city. The mayor. The river. the the"]) == ["Lisbon"]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_version_changes_every_name_and_keeps_the_number_of_words(version):
    renamed = rename(NAMES, version)
    assert sorted(renamed.values()) == sorted(NAMES)
    assert all(name != other for name, other in renamed.items())
    changed = change(TEXT, renamed, version)
    assert len(changed.split()) == len(TEXT.split())
    assert changed != TEXT
    assert "Monday" in changed and "2019" in changed and "Sept." in changed


def test_no_two_versions_are_alike():
    texts = {change(TEXT, rename(NAMES, version), version) for version in range(1, 5)}
    assert len(texts | {TEXT}) == 5


def test_numbers_keep_their_length_and_years_stay():
    for number in ("10", "37", "999", "12345"):
        other = renumber(number, 1)
        assert len(other) == len(number) and other[0] != "0"
        assert other == renumber(number, 1)
    assert renumber("1999", 3) == "1999"
    assert renumber("2024", 3) == "2024"
    assert renumber("2124", 3) != "2124"


def test_the_first_version_is_the_article_itself_and_others_have_ids_of_their_own():
    article = Article("a", "Lisbon floods", TEXT, "https://x.example/a", None, date(2020, 1, 2))
    assert change_article(article, rename(NAMES, 0), 0) is article
    changed = change_article(article, rename(NAMES, 2), 2)
    assert (changed.id, changed.url) == ("a-2", "https://x.example/a?version=2")
    assert changed.published == article.published
    assert len(embedded_texts(changed)) == len(embedded_texts(article))


def test_jitter_leaves_a_unit_vector_at_about_the_cosine_asked_for():
    vectors = np.random.default_rng(0).standard_normal((200, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    jittered = np.stack([jitter(vector, number, 0.9) for number, vector in enumerate(vectors)])
    np.testing.assert_allclose(np.linalg.norm(jittered, axis=1), 1, atol=1e-5)
    cosines = (vectors * jittered).sum(axis=1)
    assert 0.89 < cosines.mean() < 0.91
    assert cosines.min() > 0.85
    np.testing.assert_array_equal(jitter(vectors[7], 7, 0.9), jittered[7])


class StoredVectors:
    """Two passages' vectors, as a generation holds them."""

    class manifest:
        embedder, fingerprint, dimensions = "counted", "f", 4

    def stored_vectors(self):
        return np.eye(4, dtype=np.float16)[:2], None


def test_prepared_texts_get_the_vector_of_the_passage_they_were_made_of():
    texts = ["one", "two", "one changed", "two changed"]
    embedder = JitteredVectors(StoredVectors(), Prepared([key_of(text) for text in texts], [0, 1, 2, 3]), 0.9)
    vectors = embedder.embed(["two", "one", "two changed"])
    np.testing.assert_array_equal(vectors[:2], np.eye(4)[[1, 0]])
    assert vectors[2].argmax() == 1 and vectors[2][1] < 1
    with pytest.raises(ValueError, match="none of those prepared"):
        embedder.embed(["never seen"])


class Archive:
    """Articles, as a generation gives them."""

    def __init__(self, count: int):
        self._articles = [
            Article(f"a{n}", f"Title {n}", f"The answer is number{n}, they said.", f"https://x.example/{n}")
            for n in range(count)
        ]

    def sourced_articles(self):
        return ((article, "here") for article in self._articles)


def test_a_sample_holds_what_answers_and_is_always_the_same():
    questions = [
        Question("q1", "which?", ("number7",), article_ids=("a7",)),
        Question("q2", "which?", ("number3",), urls=("http://www.x.example/5", "https://x.example/3/")),
        Question("q3", "which?", ("number4",), urls=("https://x.example/8",)),
        Question("q4", "which?", answerable=False),
    ]
    sample = take_sample(Archive(30), questions, 10)
    assert [question.id for question in sample.questions] == ["q1", "q2"]
    assert {"a7", "a3"} < {article.id for article in sample.articles}
    assert len(sample.articles) == 10
    assert sample == take_sample(Archive(30), questions, 10)


def test_an_answer_must_stand_as_whole_words():
    questions = [Question("q", "which?", ("number",), urls=("https://x.example/1",))]
    assert take_sample(Archive(3), questions, 2).questions == ()


def test_recall_counts_what_both_found():
    found, exact = np.array([[1, 2, 3, 4], [9, 8, 7, 6]]), np.array([[2, 1, 9, 9], [1, 2, 3, 4]])
    assert recall(found, exact, 2) == 0.5
    assert recall(found, exact, 4) == 0.25


def test_lists_follow_the_rule_of_the_index():
    assert lists_of(1_000_000) == 4096
    assert lists_of(50_000) == 1024
