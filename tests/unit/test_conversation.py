"""Follow-ups get the words that they lean on; questions that stand alone are left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.conversation import Turn, leans, resolve

JOINT = Turn("Where will North-Joint 2024 take place?", "Sea of Japan and the Sea of Okhotsk", "a")
BRANDT = Turn("Who called the bridge a gift?", "Mayor Ilse Brandt", "b")
REFUSED = Turn("Where will North-Joint 2024 take place?")


class TestResolve:
    def test_without_a_history_nothing_changes(self):
        assert resolve("When will it begin?", ()) == "When will it begin?"

    @pytest.mark.parametrize(
        ("question", "turn", "words"),
        [
            ("When will it begin?", JOINT, {"North-Joint", "2024"}),
            ("When will it begin?", REFUSED, {"North-Joint", "2024"}),
            ("What did she say about the trams?", BRANDT, {"Ilse", "Brandt"}),
            ("How long will they take?", JOINT, {"North-Joint"}),
            ("Why?", JOINT, {"North-Joint", "Okhotsk"}),
            ("And when?", JOINT, {"North-Joint"}),
            ("What about the trams?", BRANDT, {"bridge"}),
            ("who was there?", BRANDT, {"bridge", "Brandt"}),
        ],
    )
    def test_a_follow_up_gets_what_it_leans_on(self, question, turn, words):
        resolved = resolve(question, (turn,))
        assert resolved.startswith(question + " ")
        assert words <= set(resolved.split())

    @pytest.mark.parametrize(
        "question",
        [
            "When did Mary Robinson sell her house?",
            "Is it true that taxes will rise in Norway?",
            "How long does it take to build a bridge in Norway?",
            "How many people live in the city that hosted the Olympics?",
            "What did the Norwegian government announce on Monday?",
            "are there wolves in the forests near Oslo",
        ],
    )
    def test_a_question_that_stands_alone_is_left_alone(self, question):
        assert resolve(question, (JOINT, BRANDT)) == question

    def test_words_that_are_there_already_are_not_put_twice(self):
        resolved = resolve("When will north-joint 2024 begin and how long will it be?", (JOINT,))
        assert resolved.lower().split().count("north-joint") == 1

    def test_the_last_exchange_counts(self):
        resolved = resolve("When did she say it?", (JOINT, BRANDT))
        assert "Brandt" in resolved and "North-Joint" not in resolved

    def test_a_chain_of_follow_ups_keeps_its_subject(self):
        chain = (JOINT, Turn("When will it begin?", "Monday"))
        assert "North-Joint" in resolve("How long will it be?", chain)

    def test_a_long_history_costs_no_more(self):
        turns = tuple(Turn("And then what about it?", "It went on.") for _ in range(5000))
        assert resolve("And why?", turns).startswith("And why?")

    def test_what_is_added_stays_short(self):
        turn = Turn(" ".join(f"Name{n}" for n in range(100)), " ".join(f"Other{n}" for n in range(100)))
        assert len(resolve("Why is it so?", (turn,)).split()) <= 4 + 12

    @given(st.text(max_size=60), st.lists(st.tuples(st.text(max_size=60), st.text(max_size=60)), max_size=4))
    def test_any_text_may_be_asked(self, question, exchanges):
        resolved = resolve(question, tuple(Turn(asked, answer) for asked, answer in exchanges))
        assert resolved.startswith(question)

    @pytest.mark.parametrize("run", ["A ", "Aa of ", "it ", "that ", "’", "x-", " ", "\n", "is it true that "])
    def test_a_hostile_text_takes_no_quadratic_time(self, run):
        text = run * 20_000
        assert resolve("And it?", (Turn(text, text),)).startswith("And it?")
        assert isinstance(leans(text), bool)


@pytest.mark.parametrize("question", ["Why?", "and when?", "How much did they pay?", "But how?", "What else?", ""])
def test_leaning(question):
    assert leans(question)
