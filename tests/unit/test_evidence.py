"""Spans from many passages: which answers are one, which comes first, and where each stands."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.passages import Passage
from qa.confidence import Confidence
from qa.evidence import Candidate, answer_key, distinct, join, order_passages
from qa.reader import Reading, Span
from qa.retriever import Hit
from tests.fakes import BY_SPAN

QUESTION = "What about it?"  # of no kind that an answer could fit


def hit(article_id: str, start: int, text: str, score: float = 0.5, cosine: float = 0.5) -> Hit:
    return Hit(Passage(article_id, start, start + len(text)), score, "both", cosine)


def read(text: str, wanted: dict[str, float], null: float = 0.0) -> Reading:
    spans = ((text.index(phrase), text.index(phrase) + len(phrase), score) for phrase, score in wanted.items())
    return Reading(tuple(sorted(spans, key=lambda span: -span[2])), null)


def joined(*found: tuple[str, int, str, dict[str, float]], confidence: Confidence = BY_SPAN, question: str = QUESTION):
    """Candidates from (article id, passage start, passage text, phrases with their scores)."""
    hits = [hit(name, start, text) for name, start, text, _ in found]
    readings = [read(text, wanted) for _, _, text, wanted in found]
    return join(question, hits, readings, [text for _, _, text, _ in found], confidence)


class TestSameAnswer:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("the Sea of Japan", "Sea of Japan"),
            ("SEA OF JAPAN.", "sea of japan"),
            ("“Rex”", "Rex"),
            ("Rex's", "Rex"),
            ("Rex’s", "Rex"),
            ("in 1911", "1911"),
            ("about $5 million", "$5 million"),
            ("nearly 40", "40"),
            ("North-Joint", "North Joint"),
            ("15–20 years", "15-20 years"),
            ("a  gift\nto it", "gift to it"),
            ("U.S.", "U.S"),
            ("U.S.", "US"),
            ("Washington, D.C.", "Washington DC"),
            ("10 a.m.", "10 AM"),
            ("1,500 people", "1500 people"),
            ("$1,234,567.5", "$1234567.5"),
            ("−5 degrees", "minus 5 degrees"),
            ("café", "cafe\u0301"),
            ("ﬁnance", "finance"),
            ("Straße", "STRASSE"),
            ("１９１１", "1911"),
            ("at least 151", "151"),
            ("more than 23,000", "23,000"),
            ("nine", "9"),
            ("at least twenty-one", "21"),
            ("7 percent", "7%"),
            ("10.1 per cent", "10.1%"),
        ],
    )
    def test_spellings_that_are_one(self, one, other):
        assert answer_key(one) == answer_key(other) != ""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("3.5", "35"),
            ("-5%", "5%"),
            ("1,5", "15"),
            ("10 a.m.", "10 p.m."),
            ("Plan A.", "Plan B."),
            ("5%", "5"),
            ("$5", "€5"),
            ("4 May", "May 4 2024"),
            ("Japan", "Sea of Japan"),
            ("in Paris", "1911"),
            ("दिन", "दान"),
            ("हिन्दी", "हन्द"),
            ("now", "not"),
            ("東京", "京都"),
            ("1.5", "1 5"),
            ("sixty minutes", "60"),
            ("party", "2"),
            ("nineteen", "90"),
        ],
    )
    def test_answers_that_differ(self, one, other):
        assert answer_key(one) != answer_key(other)

    @pytest.mark.parametrize("text", ["", " ", "the", "…", "“”", "—", "❤\ufe0f"])
    def test_what_says_nothing_is_no_answer(self, text):
        assert answer_key(text) == ""

    @given(st.text(max_size=40))
    def test_a_key_is_its_own_key(self, text):
        key = answer_key(text)
        assert key == " ".join(key.split())


class TestJoin:
    def test_equal_answers_are_one_candidate(self):
        (candidate,) = joined(
            ("a", 0, "It opens on 4 May.", {"4 May": 1.0}),
            ("b", 100, "The 4 May opening.", {"The 4 May": 2.0}),
        )
        assert candidate.spans == (
            Span(Passage("b", 100, 118), 100, 109, 2.0),
            Span(Passage("a", 0, 18), 12, 17, 1.0),
        )

    def test_the_most_likely_comes_first(self):
        candidates = joined(
            ("a", 0, "It opens on 4 May.", {"4 May": 1.0, "opens": -2.0}), ("b", 0, "No, on 1 June.", {"1 June": 3.0})
        )
        assert [c.spans[0].score for c in candidates] == [3.0, 1.0, -2.0]
        confidences = [c.confidence for c in candidates]
        assert confidences == sorted(confidences, reverse=True)
        assert confidences == pytest.approx([0.952574, 0.731059, 0.119203], abs=1e-6)

    def test_a_span_is_scored_against_its_own_null(self):
        text = "It opens on 4 May."
        (candidate,) = join(QUESTION, [hit("a", 7, text)], [read(text, {"4 May": 5.0}, null=2.0)], [text], BY_SPAN)
        assert candidate.spans == (Span(Passage("a", 7, 25), 19, 24, 3.0),)

    def test_overlapping_passages_bring_a_place_once(self):
        text = "First of all. It opens on 4 May."
        (candidate,) = joined(("a", 0, text, {"4 May": 1.0}), ("a", 14, text[14:], {"4 May": 2.0}))
        assert candidate.spans == (Span(Passage("a", 14, 32), 26, 31, 2.0),)

    def test_places_stay_apart(self):
        text = "It opens on 4 May. Yes, 4 May."
        reading = Reading(((12, 17, 2.0), (24, 29, 1.0)), 0.0)
        (candidate,) = join(QUESTION, [hit("a", 0, text)], [reading], [text], BY_SPAN)
        assert [(span.start, span.end) for span in candidate.spans] == [(12, 17), (24, 29)]

    def test_answers_of_nothing_are_dropped(self):
        assert joined(("a", 0, "— the … end", {"the": 9.0, "—": 8.0, "…": 7.0})) == []

    def test_nothing_in_nothing_out(self):
        assert join(QUESTION, [], [], [], BY_SPAN) == []
        assert join(QUESTION, [hit("a", 0, "Text.")], [Reading((), 1.0)], ["Text."], BY_SPAN) == []

    def test_hits_and_readings_belong_together(self):
        with pytest.raises(ValueError):
            join(QUESTION, [hit("a", 0, "Text.")], [], ["Text."], BY_SPAN)

    @pytest.mark.parametrize(
        ("feature", "expected"),
        [
            ("span", 4.0),
            ("margin", 3.0),
            ("retrieval", 0.9),
            ("cosine", 0.8),
            ("passages", 1.0986),
            ("articles", 0.6931),
        ],
    )
    def test_features_are_taken_over_all_that_give_the_answer(self, feature, expected):
        found = [
            (Hit(Passage("a", 0, 5), 0.9, "both", 0.1), Reading(((0, 5, 4.0),), 2.0)),
            (Hit(Passage("a", 50, 55), 0.1, "both", 0.8), Reading(((0, 5, 1.0),), -2.0)),
            (Hit(Passage("b", 0, 5), 0.2, "both", 0.2), Reading(((0, 5, 0.0),), 0.0)),
        ]
        confidence = Confidence({"span": 1.0}, {feature: 1.0}, 0.5)
        hits, readings = zip(*found, strict=True)
        (candidate,) = join(QUESTION, hits, readings, ["4 May"] * 3, confidence)
        assert candidate.confidence == pytest.approx(1 / (1 + 2.718281828**-expected), abs=1e-4)

    @pytest.mark.parametrize(
        ("question", "likelier"),
        [("Who called it a gift?", "Ilse Brandt"), ("When does it open?", "4 May"), ("How many people came?", "212")],
    )
    def test_what_is_asked_for_is_seen_in_the_words_as_they_stand(self, question, likelier):
        """Not in the folded form that answers are compared by: a name shows in its capitals."""
        confidence = Confidence({"fit": 1.0}, {"fit": 1.0}, 0.5)
        text = "On 4 May Ilse Brandt told the crowd of 212 about a surprise"
        wanted = {"Ilse Brandt": 1.0, "a surprise": 1.0, "4 May": 1.0, "212": 1.0}
        candidates = joined(("a", 0, text, wanted), confidence=confidence, question=question)
        fitting = {text[c.spans[0].start : c.spans[0].end] for c in candidates if c.confidence > 0.5}
        assert likelier in fitting
        assert "a surprise" not in fitting


def test_distinct_keeps_the_first_of_a_place():
    one, again = Span(Passage("a", 0, 9), 2, 4, 5.0), Span(Passage("a", 1, 9), 2, 4, 9.0)
    other = Span(Passage("b", 0, 9), 2, 4, 1.0)
    assert distinct([one, again, other]) == [one, other]


def passages_of(*candidates: tuple[float, str]) -> list[str]:
    """The order of passages, each a letter, from candidates that have a rank and stand in the given ones."""
    made = [
        Candidate(tuple(Span(Passage(letter, 0, 9), 0, 5, 0.0) for letter in letters), 0.5, rank)
        for rank, letters in candidates
    ]
    return [passage.article_id for passage in order_passages(made)]


class TestOrderPassages:
    def test_each_next_one_adds_an_answer(self):
        assert passages_of((2.0, "abc"), (1.0, "d"), (0.0, "e")) == ["a", "d", "e", "b", "c"]

    def test_two_likely_answers_beat_the_likeliest(self):
        assert passages_of((1.0, "a"), (0.9, "b"), (0.8, "b")) == ["b", "a"]

    def test_what_is_held_already_counts_no_more(self):
        assert passages_of((2.0, "ab"), (1.9, "ac"), (0.0, "d")) == ["a", "d", "b", "c"]

    def test_nothing_of_nothing(self):
        assert passages_of() == []

    @given(st.lists(st.tuples(st.floats(-50, 50), st.text("abcdef", min_size=1, max_size=4)), max_size=6))
    def test_every_passage_comes_once_and_the_first_holds_most(self, candidates):
        order = passages_of(*candidates)
        assert sorted(order) == sorted({letter for _, letters in candidates for letter in letters})
        top = max((rank for rank, _ in candidates), default=0.0)
        held = {a: sum(math.exp(rank - top) for rank, letters in candidates if a in letters) for a in order}
        assert not order or held[order[0]] == pytest.approx(max(held.values()))
