"""From a question to cited answers: the words of the article and no others."""

from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.passages import Passage, split_sentences
from qa.assistant import Assistant, Reply, Request, sentence_around
from qa.conversation import Turn
from qa.reader import Span
from qa.retriever import Filters
from tests.fakes import BY_SPAN, BagOfWords, PhraseReader, WordMarker, article, generation_of

OPENS = "When does the harbour bridge open?"
ARTICLES = [
    article(
        "plan",
        "The harbour bridge will open on 4 May. Mayor Ilse Brandt said so. It cost 212 million euros.",
        title="Bridge to open",
        source="Courier",
        published=date(2024, 9, 9),
    ),
    article(
        "delay",
        "🌉🌉 The harbour bridge will open on 1 June, not on 4 May. Rain is to blame.",
        title="Bridge put off",
        source="Herald",
        published=datetime(2025, 2, 3, 23, 30),
    ),
    article("wire", "The bridge in the harbour: 4 May is the day.", title="In short", source=None),
    article(
        "cat", "The cat Rex was found. Its harbour was an open bridge box.", source="Herald", published=date(2025, 2, 4)
    ),
]


@pytest.fixture(scope="module")
def generation(tmp_path_factory):
    return generation_of(tmp_path_factory.mktemp("index"), ARTICLES)


def assistant_of(generation, phrases: dict[str, float], threshold: float | None = None, null: float = 0.0) -> Assistant:
    return Assistant(generation, BagOfWords(), PhraseReader(phrases, null), BY_SPAN, threshold)


def ask(generation, phrases: dict[str, float], question: str = OPENS, **request) -> Reply:
    reply = assistant_of(generation, phrases).ask(Request(question, **request))
    check(reply)
    return reply


def citations_of(reply: Reply) -> list:
    return [c for answer in reply.answers for c in answer.citations] + [near.citation for near in reply.nearest]


def check(reply: Reply) -> None:
    """What holds for every reply."""
    citations = citations_of(reply)
    assert [citation.number for citation in citations] == list(range(1, len(citations) + 1))
    for citation in citations:
        assert citation.article.text[citation.start : citation.end] == citation.quote != ""
        assert citation.passage.article_id == citation.article.id
        assert citation.passage.start <= citation.start < citation.end <= citation.passage.end
    for answer in reply.answers:
        assert answer.text == answer.citations[0].quote
        assert answer.sentence in answer.citations[0].article.text
        assert answer.text in answer.sentence
        assert 0 <= answer.confidence <= 1
    assert not (reply.answers and reply.nearest)


class TestAnswers:
    def test_equal_answers_are_joined_and_all_cited(self, generation):
        reply = ask(generation, {"4 May": 3.0, "1 June": 2.0})
        first, second = reply.answers
        assert (first.text, second.text) == ("4 May", "1 June")
        assert {citation.article.id for citation in first.citations} == {"plan", "delay", "wire"}
        assert [citation.article.id for citation in second.citations] == ["delay"]
        assert second.citations[0].number == 4
        assert first.sentence in ("The harbour bridge will open on 4 May.", *[a.text for a in ARTICLES])
        assert second.sentence == "🌉🌉 The harbour bridge will open on 1 June, not on 4 May."

    def test_confidence_falls(self, generation):
        reply = ask(generation, {"4 May": 1.0, "1 June": 5.0, "Rex": 0.5})
        assert [answer.text for answer in reply.answers] == ["1 June", "4 May", "Rex"]
        assert [answer.confidence for answer in reply.answers] == pytest.approx(
            [0.993307, 0.731059, 0.622459], abs=1e-6
        )

    @pytest.mark.parametrize("limit", [1, 2, 3, 10])
    def test_no_more_than_asked_for(self, generation, limit):
        reply = ask(generation, {"4 May": 4.0, "1 June": 3.0, "Rex": 2.0, "Rain": 1.0}, limit=limit)
        assert [answer.text for answer in reply.answers] == ["4 May", "1 June", "Rex", "Rain"][:limit]

    def test_an_article_is_cited_once_an_answer_and_only_five_are(self, tmp_path):
        text = "The bridge will open on 4 May. " + "Many other words stand here in between. " * 40
        articles = [article(f"a{n}", text + f"Number {n} says: the bridge opens on 4 May.") for n in range(9)]
        (answer,) = ask(generation_of(tmp_path, articles), {"4 May": 3.0}).answers
        cited = [citation.article.id for citation in answer.citations]
        assert len(cited) == len(set(cited)) == 5

    def test_the_reply_tells_what_was_asked_and_where(self, generation):
        reply = ask(generation, {"4 May": 3.0})
        assert (reply.question, reply.searched_for, reply.generation) == (OPENS, OPENS, generation.id)
        assert reply.timings_ms.keys() == {"resolve", "retrieve", "read", "total"}
        assert all(time >= 0 for time in reply.timings_ms.values())

    def test_a_follow_up_is_searched_and_read_in_full(self, generation):
        reader, marker = PhraseReader({"212 million euros": 3.0}), WordMarker(added="harbour bridge")
        assistant = Assistant(generation, BagOfWords(), reader, BY_SPAN, classifier=marker)
        reply = assistant.ask(Request("What did it cost?", (Turn(OPENS, "4 May"),)))
        assert reply.question == "What did it cost?"
        assert reply.searched_for == "What did it cost? (harbour bridge)"
        assert assistant.reader.asked == [reply.searched_for]
        assert reply.answers[0].text == "212 million euros"

    def test_the_title_of_the_last_answer_lends_words_to_a_follow_up(self, generation):
        article = generation.article(ARTICLES[0].id)
        marker = WordMarker(added=article.title)
        assistant = Assistant(generation, BagOfWords(), PhraseReader({}), BY_SPAN, classifier=marker)
        for article_id, found in ((article.id, True), ("gone", False), (None, False)):
            resolved = assistant.resolve(Request("Why?", (Turn("What is new?", "4 May", article_id),)))
            assert (resolved != "Why?") is found

    def test_a_first_question_needs_no_classifier(self, generation):
        marker = WordMarker(added="bridge")
        assistant = Assistant(generation, BagOfWords(), PhraseReader({}), BY_SPAN, classifier=marker)
        assert assistant.ask(Request("Why is it so?")).searched_for == "Why is it so?"
        assert marker.asked == []


class TestAbstention:
    @pytest.mark.parametrize(("score", "given"), [(0.001, True), (0.0, True), (-0.001, False)])
    def test_the_threshold_itself_is_enough(self, generation, score, given):
        reply = ask(generation, {"4 May": score})
        assert bool(reply.answers) is given
        assert bool(reply.nearest) is not given

    def test_each_answer_must_reach_it(self, generation):
        assert [a.text for a in ask(generation, {"4 May": 2.0, "1 June": -2.0}).answers] == ["4 May"]

    def test_a_contradiction_is_shown_from_both_sides(self, tmp_path):
        day, toll = date(2024, 9, 9), "How many people did the storm kill at the harbour bridge?"
        articles = [
            article(n, f"{n}: The storm killed {n} people at the harbour bridge.", published=day) for n in ("76", "105")
        ]
        assistant = assistant_of(generation_of(tmp_path, articles), {"76": 1.0, "105": -0.2}, threshold=0.5)
        given = assistant.ask(Request(toll, asked_on=day)).answers
        assert {(answer.text, answer.status) for answer in given} == {("76", "conflicting"), ("105", "conflicting")}
        assert min(answer.confidence for answer in given) < assistant.threshold

    def test_a_threshold_of_ones_own_counts(self, generation):
        for threshold, count in ((0.0, 2), (0.75, 1), (0.9, 0), (1.0, 0)):
            reply = assistant_of(generation, {"4 May": 1.5, "1 June": -9.0}, threshold).ask(Request(OPENS))
            assert len(reply.answers) == count

    def test_without_abstaining_the_best_are_given(self, generation):
        reply = ask(generation, {"4 May": -3.0, "1 June": -4.0}, abstain=False)
        assert [answer.text for answer in reply.answers] == ["4 May", "1 June"]
        assert reply.answers[0].confidence == pytest.approx(0.047426, abs=1e-6)
        assert reply.nearest == ()

    def test_nearest_are_the_best_spans_of_the_closest_passages(self, generation):
        phrases = {"1 June": -1.0, "Rain": -2.0, "212 million euros": -3.0, "Ilse Brandt": -4.0, "Rex": -5.0}
        reply = ask(generation, phrases)
        assert reply.answers == ()
        assert [near.citation.quote for near in reply.nearest] == ["1 June", "212 million euros", "Rex"]
        assert len({near.citation.passage for near in reply.nearest}) == 3
        confidences = [near.confidence for near in reply.nearest]
        assert confidences == sorted(confidences, reverse=True)

    def test_nothing_read_is_no_answer(self, generation):
        reply = ask(generation, {}, abstain=False)
        assert (reply.answers, reply.nearest) == ((), ())


class TestYesAndNo:
    @pytest.mark.parametrize(
        "question",
        [
            "Does the bridge open on 4 May?",
            "is the bridge open?",
            "Isn’t the bridge open?",
            "Will it open?",
            "Can't it open?",
            "And does it open?",
            "But, is it open?",
            "May it open?",
            "Is the bridge open or not?",
        ],
    )
    def test_the_sentence_settles_it(self, generation, question):
        reply = ask(generation, {"4 May": 3.0}, question)
        assert reply.answers[0].text == reply.answers[0].sentence
        assert reply.answers[0].text.endswith((".", "blame.", "day."))
        assert "4 May" in reply.answers[0].text

    @pytest.mark.parametrize(
        "question",
        [
            "When does it open?",
            "Does it open on 4 May or on 1 June?",
            "Who is Ilse Brandt?",
            "Island bridge opening?",
            "Can you tell me when the bridge opens?",
            "May 4 bridge opening",
            "And when does it open?",
        ],
    )
    def test_other_questions_get_the_words_alone(self, generation, question):
        assert ask(generation, {"4 May": 3.0}, question).answers[0].text == "4 May"

    def test_a_sentence_is_not_given_twice(self, generation):
        reply = ask(
            generation,
            {"4 May": 3.0, "harbour bridge": 2.0, "will open": 1.0},
            "Will the harbour bridge open on 4 May?",
        )
        texts = [answer.text for answer in reply.answers]
        assert len(texts) == len(set(texts))


class TestFilters:
    @pytest.mark.parametrize(
        ("filters", "cited"),
        [
            (Filters(), {"plan", "delay", "wire", "cat"}),
            (Filters(sources=("Herald",)), {"delay", "cat"}),
            (Filters(sources=("Herald", "Courier")), {"plan", "delay", "cat"}),
            (Filters(sources=("nobody",)), set()),
            (Filters(sources=("",)), set()),
            (Filters(sources=("", "Courier")), {"plan"}),
            (Filters(after=date(2025, 2, 3)), {"delay", "cat"}),
            (Filters(before=date(2025, 2, 3)), {"plan", "delay"}),
            (Filters(after=date(2025, 2, 3), before=date(2025, 2, 3)), {"delay"}),
            (Filters(after=date(2025, 2, 4), before=date(2025, 2, 3)), set()),
            (Filters(after=date(1900, 1, 1)), {"plan", "delay", "cat"}),
            (Filters(after=date(2025, 1, 1), sources=("Courier",)), set()),
        ],
    )
    def test_they_are_kept(self, generation, filters, cited):
        phrases = {"The harbour bridge": 3.0, "The bridge in the harbour": 2.0, "Rex": 1.0}
        for abstain in (True, False):
            reply = ask(generation, phrases, filters=filters, abstain=abstain, limit=9)
            assert {citation.article.id for citation in citations_of(reply)} == cited


# Words of every kind of text that could make an offset drift.
odd_words = st.sampled_from(
    ["bridge", "e\u0301", "é", "🌉", "👨\u200d👩\u200d👧", "🇫🇷", "\u202eabc\u202c", "שלום", "ﬁ", "İ",
     "ß", "字", "\u0301", "\u200b", "\ufeff", "<b>", "&amp;", "\"", "“Rex”", "3.5%", "Mr.", "U.S.", "\u2028", "Ǆ", "𝒽"]
)  # fmt: skip
odd_texts = st.lists(
    st.tuples(odd_words, st.sampled_from([" ", "", "\n", ". ", "\u00a0"])), min_size=1, max_size=40
).map(lambda parts: "".join(word + gap for word, gap in parts).strip())


class TestAnyText:
    @given(
        text=st.one_of(odd_texts, st.text(min_size=1, max_size=80)), where=st.tuples(st.integers(0), st.integers(1, 9))
    )
    @settings(max_examples=20, deadline=None)
    def test_quotes_are_cut_from_the_article_to_the_letter(self, tmp_path_factory, text, where):
        text = "".join(character for character in text if not "\ud800" <= character <= "\udfff")
        if not text.strip():
            return
        start = where[0] % len(text)
        phrase = text[start : start + where[1]]
        generation = generation_of(tmp_path_factory.mktemp("any"), [article("a", text, title="Bridge")])
        for question in ("What of the bridge?", "Is it a bridge?"):
            reply = assistant_of(generation, {phrase: 2.0}).ask(Request(question, abstain=False))
            for citation in citations_of(reply):
                assert citation.article.text == text
                assert text[citation.start : citation.end] == citation.quote
                assert (
                    citation.quote.encode()
                    == text.encode("utf-32-le")[4 * citation.start : 4 * citation.end].decode("utf-32-le").encode()
                )

    def test_a_span_late_in_a_long_article(self, tmp_path):
        text = (
            "🌉 The council met again; nothing came of it. " * 300
            + "At last the bridge opened on 9 July. "
            + "Ende. " * 300
        )
        generation = generation_of(tmp_path, [article("long", text)])
        (answer,) = ask(generation, {"9 July": 3.0}, "When did the bridge open at last?").answers
        assert answer.citations[0].start == text.index("9 July")
        assert answer.sentence == "At last the bridge opened on 9 July."


class TestSentenceAround:
    def around(self, text: str, quote: str, start: int = 0, end: int | None = None) -> str:
        at = text.index(quote)
        span = Span(Passage("a", start, len(text) if end is None else end), at, at + len(quote), 0.0)
        return text[slice(*sentence_around(text, span))]

    @pytest.mark.parametrize(
        ("quote", "expected"),
        [
            ("Two", "Two is here."),
            ("One is here. Two", "One is here. Two is here."),
            ("here.\nThree", "Two is here.\nThree “is” here."),
            ("Three", "Three “is” here."),
        ],
    )
    def test_it_is_whole(self, quote, expected):
        assert self.around("One is here. Two is here.\nThree “is” here.", quote) == expected

    def test_it_stays_in_the_passage(self):
        assert self.around("One is here. Two is here.", "is", 4, 11) == "is here"

    @given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 10))
    def test_it_holds_the_span(self, text, start, length):
        span = Span(Passage("a", 0, len(text)), min(start, len(text)), min(start + length, len(text)), 0.0)
        first, last = sentence_around(text, span)
        assert 0 <= first <= span.start <= span.end <= last <= len(text)
        assert first == span.start or first in {s for s, _ in split_sentences(text)}
