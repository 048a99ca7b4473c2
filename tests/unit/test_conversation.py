"""Follow-ups get the words that they lean on; questions that stand alone are left alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.conversation import Said, Turn, find_phrases, names_in, recall, resolve
from qa.followups import Marks, find_words, term, terms
from tests.fakes import WordMarker

JOINT = Turn("Where will North-Joint 2024 take place?", "Sea of Japan and the Sea of Okhotsk", "a")
BRANDT = Turn("Who called the bridge a gift?", "Ilse Brandt", "b")
TOLL = Turn("How many people died in Iran in 2022?", "512", "c")
TITLES = {"a": "Russia and China to hold drills", "b": "Harbour bridge to open", "c": "Unrest in Iran"}


class Everything:
    """Marks every word and every pronoun: the most that can ever be added."""

    def mark(self, question, texts):
        words = tuple((1.0,) * len(find_words(text)) for text in texts)
        return Marks(1.0, (1.0,) * len(find_words(question)), words, words)


class Nothing(Everything):
    def mark(self, question, texts):
        raise AssertionError("was asked although nothing was said before")


class TestResolve:
    def test_without_a_history_nothing_is_asked(self):
        assert resolve("When will it begin?", (), Nothing()) == "When will it begin?"

    def test_a_question_that_stands_alone_is_left_alone(self):
        assert resolve("What did Mary Robinson sell?", (JOINT,), WordMarker()) == "What did Mary Robinson sell?"

    def test_a_name_takes_the_place_of_its_pronoun(self):
        marker = WordMarker(instead="Ilse Brandt")
        assert resolve("How old is she?", (BRANDT,), marker) == "How old is Ilse Brandt?"

    @pytest.mark.parametrize(
        ("question", "resolved"),
        [
            ("What is her age?", "What is Ilse Brandt's age?"),
            ("Who saw her?", "Who saw Ilse Brandt?"),
            ("Who saw her in May?", "Who saw Ilse Brandt in May?"),
            ("Is this his own?", "Is this Ilse Brandt's own?"),
            ("Does she know what she wants?", "Does Ilse Brandt know what she wants?"),
        ],
    )
    def test_the_name_takes_the_form_of_the_pronoun(self, question, resolved):
        assert resolve(question, (BRANDT,), WordMarker(instead="Ilse Brandt")) == resolved

    def test_what_takes_no_place_stands_behind(self):
        marker = WordMarker(added="bridge gift", instead="Ilse Brandt")
        assert resolve("When did she say it?", (BRANDT,), marker) == "When did Ilse Brandt say it? (bridge a gift)"

    def test_words_that_are_no_name_stand_behind(self):
        marker = WordMarker(instead="bridge")
        assert resolve("How long is it?", (BRANDT,), marker) == "How long is it? (bridge)"

    def test_a_pronoun_of_its_own_question_stays(self):
        class Unreplaced(WordMarker):
            def mark(self, question, texts):
                marks = super().mark(question, texts)
                return Marks(marks.leans, (0.0,) * len(marks.replaced), marks.added, marks.instead)

        resolved = resolve("Is it true that he left?", (BRANDT,), Unreplaced(instead="Ilse Brandt"))
        assert resolved == "Is it true that he left? (Ilse Brandt)"

    def test_a_name_is_added_whole(self):
        assert resolve("Why?", (BRANDT,), WordMarker(added="Brandt")) == "Why? (Ilse Brandt)"

    def test_words_that_are_there_already_are_not_added(self):
        marker = WordMarker(added="North-Joint 2024")
        assert resolve("When will north-joint 2024 begin?", (JOINT,), marker) == "When will north-joint 2024 begin?"

    def test_a_year_gives_way_to_the_question_s_own(self):
        marker = WordMarker(added="people died Iran 2022")
        assert resolve("Who rules since 2023?", (TOLL,), marker) == "Who rules since 2023? (people died in Iran)"

    def test_titles_lend_words_but_no_names(self):
        resolved = resolve("Are they safe?", (JOINT,), WordMarker(instead="Russia China"), TITLES.get)
        assert resolved == "Are they safe? (Russia and China)"

    def test_a_chain_of_follow_ups_keeps_its_subject(self):
        chain = (BRANDT, Turn("How long is it?", "90 metres"), Turn("And how wide?", "12 metres"))
        assert resolve("Who built it?", chain, WordMarker(added="bridge")) == "Who built it? (bridge)"


class TestAnotherTime:
    @pytest.mark.parametrize("question", ["And in 2023?", "and in 2023", "in 2023?", "What about 2023?", "2023?"])
    def test_the_last_question_is_asked_again(self, question):
        resolved = resolve(question, (TOLL,), WordMarker())
        assert resolved == "How many people died in Iran in 2023?"

    def test_a_question_without_a_time_gets_one(self):
        assert resolve("And in May 2023?", (BRANDT,), WordMarker()) == "Who called the bridge a gift in May 2023?"

    def test_months_give_way_with_their_year(self):
        asked = Turn("Who won in June 2022?", "Ann")
        assert resolve("And in July 2023?", (asked,), WordMarker()) == "Who won in July 2023?"

    def test_a_chain_of_times_goes_back_to_the_question(self):
        chain = (TOLL, Turn("And in 2023?"), Turn("And in 2024?"))
        assert resolve("And in 2025?", chain, WordMarker()) == "How many people died in Iran in 2025?"

    def test_the_question_asked_again_may_lean_itself(self):
        chain = (BRANDT, Turn("Who saw her in 2022?", "Ann"))
        assert resolve("And in 2023?", chain, WordMarker(instead="Ilse Brandt")) == "Who saw Ilse Brandt in 2023?"

    @pytest.mark.parametrize("question", ["And in 2023 in Iraq?", "Who won in 2023?", "And Iraq?"])
    def test_more_than_a_time_is_a_question_of_its_own(self, question):
        assert resolve(question, (TOLL,), WordMarker()) == question

    def test_a_long_chain_of_times_ends(self):
        chain = tuple(Turn(f"And in {1700 + n}?") for n in range(300))
        assert "2023" in resolve("And in 2023?", (TOLL, *chain), WordMarker())


class TestRecall:
    def test_the_latest_comes_first_and_a_title_once(self):
        again = Turn("How long is it?", "", "b")
        assert recall((JOINT, BRANDT, again), TITLES.get) == [
            Said("How long is it?"),
            Said(TITLES["b"], title=True),
            Said(BRANDT.question),
            Said(BRANDT.answer),
            Said(JOINT.question),
            Said(JOINT.answer),
            Said(TITLES["a"], title=True),
        ]

    def test_of_a_long_conversation_the_last_turns_and_the_first(self):
        said = recall([JOINT, *[Turn(f"Question {n}?") for n in range(1000)]], lambda article_id: "")
        assert said[0].text == "Question 999?"
        assert [each.text for each in said[-2:]] == [JOINT.question, JOINT.answer]
        assert len(said) == 9


def test_phrases_are_whole_stretches_and_say_nothing_twice():
    said = [Said("Which two cities did Avelo stop serving in 2022?"), Said("Avelo leaves Las Vegas", title=True)]
    assert find_phrases(said, {"avelo", "stop", "serving", "2022", "vega"}) == ["Avelo stop serving in 2022", "Vegas"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Is the Sea of Japan deep?", ["Is the Sea of Japan"]),
        ("how old is joe biden", []),
        ("Vincent van Gogh, Paul Gauguin", ["Vincent van Gogh", "Paul Gauguin"]),
        ("gehört Émile Zola, Šárka Łukasz", ["Émile Zola", "Šárka Łukasz"]),
        ("Где Ольга Берг?", ["Где Ольга Берг"]),
        ("Every Word Here Has A Capital As Headlines Do", []),
    ],
)
def test_names(text, names):
    assert names_in(Said(text)) == names
    assert names_in(Said(text, title=True)) == []


@pytest.mark.parametrize(
    ("one", "other"), [("Cities", "cities"), ("Colts", "colt"), ("Ghana’s", "Ghana"), ("bridge's", "Bridges")]
)
def test_forms_of_a_word_are_one_term(one, other):
    assert term(one) == term(other) != ""


@pytest.mark.parametrize("word", ["the", "Who", "HIS", "it's"])
def test_little_words_are_no_terms(word):
    assert term(word) == ""


TEXT = st.text(max_size=60) | st.lists(
    st.sampled_from("Did he see Ann Brandt's bridge in May 2022 and it , . ? ’s the of Sea 1999 €5 her they".split()),
    max_size=12,
).map(" ".join)
TURNS = st.lists(st.builds(Turn, TEXT, TEXT, st.sampled_from([None, "a", "b", "gone"])), max_size=10)


@given(TEXT, TURNS, st.sampled_from([Everything(), WordMarker(added="bridge 2022", instead="Ann Brandt")]))
def test_no_word_is_used_that_nobody_said(question, history, classifier):
    titles = {"a": "Sea of Japan", "b": ""}
    resolved = resolve(question, history, classifier, lambda article_id: titles.get(article_id, ""))
    said = [question, *titles.values(), *(f"{turn.question} {turn.answer}" for turn in history)]
    assert terms(resolved) <= set().union(*map(terms, said))
    if not re.search(r"\d{4}|\b(?:he|it|her|they)\b", question, re.IGNORECASE):
        assert resolved.startswith(question.rstrip())


@pytest.mark.parametrize(
    "run",
    ["A ", "Aa of ", "Aa of the ", "it ", "that ", "’", "x-", " ", "\n", "in 2022 ", "May ", "1", "and in ", "$,"],
)
@pytest.mark.parametrize("classifier", [Everything(), WordMarker()])
def test_a_hostile_text_takes_no_quadratic_time(run, classifier):
    text = run * 20_000
    assert isinstance(resolve("And it?", (Turn(text, text),), classifier), str)
    assert isinstance(resolve(text, (Turn(text, text),), classifier), str)
