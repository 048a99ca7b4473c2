"""What every classifier of a conversation's words keeps to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from qa.followups import Marks, TermClassifier, find_words
from tests.fakes import WordMarker, real_classifier

FIRST = "Where was Mayor Ilse Brandt born in 1961?"
TEXTS = [FIRST, "Harbour Town", "Mayor Ilse Brandt opens the bridge"]
QUESTION = "How old was she when she left?"
ODD = [
    "",
    " ",
    "…",
    "🌉",
    "字" * 3000,
    "x" * 20_000,
    "a " * 20_000,
    "\u202eabc\u202c",
    "e\u0301" * 50,
    "\0",
    "[SEP] [CLS]",
]


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.slow)])
def classifier(request) -> TermClassifier:
    return real_classifier() if request.param == "real" else WordMarker(added="1961", instead="Ilse Brandt")


def check(marks: Marks, question: str, texts: list[str]) -> None:
    """One probability for each word, in the order of :func:`find_words`."""
    assert [len(each) for each in marks.added] == [len(find_words(text)) for text in texts]
    assert [len(each) for each in marks.instead] == [len(find_words(text)) for text in texts]
    assert len(marks.replaced) == len(find_words(question))
    every = [marks.leans, *marks.replaced, *(p for side in (marks.added, marks.instead) for each in side for p in each)]
    assert all(type(probability) is float and 0 <= probability <= 1 for probability in every)


class TestClassifier:
    def test_a_pronoun_takes_the_name(self, classifier):
        marks = classifier.mark(QUESTION, TEXTS)
        check(marks, QUESTION, TEXTS)
        assert marks.leans > 0.5
        words = dict(zip([FIRST[start:end] for start, end in find_words(FIRST)], marks.added[0], strict=True))
        assert words["Brandt"] > 0.5 > words["Where"]
        assert marks.replaced[3] > 0.5

    def test_no_texts_no_marks(self, classifier):
        check(classifier.mark(QUESTION, []), QUESTION, [])

    @pytest.mark.parametrize("odd", ODD)
    def test_any_text_may_be_asked_or_have_been_said(self, classifier, odd):
        check(classifier.mark(odd, TEXTS), odd, TEXTS)
        check(classifier.mark(QUESTION, [odd, *TEXTS]), QUESTION, [odd, *TEXTS])

    def test_a_long_conversation_is_read_from_its_end(self, classifier):
        texts = [*TEXTS, *["The council met again and talked about the price of bread."] * 60]
        marks = classifier.mark(QUESTION, texts)
        check(marks, QUESTION, texts)
        assert max(marks.added[0]) > 0.5
        assert max(marks.added[-1]) < 0.5

    def test_the_same_question_gets_the_same_marks_from_any_thread(self, classifier):
        expected = classifier.mark(QUESTION, TEXTS)
        with ThreadPoolExecutor(6) as pool:
            assert all(marks == expected for marks in pool.map(lambda _: classifier.mark(QUESTION, TEXTS), range(24)))
