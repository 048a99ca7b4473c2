"""What a question asks for, and whether an answer looks like it."""

import pytest

from qa.expectation import expected_kind, fit


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people were hurt?", "number"),
        ("How much did the bridge cost?", "number"),
        ("What percentage of voters stayed at home?", "number"),
        ("How old is the driver?", "number"),
        ("When will the ferry sail again?", "time"),
        ("In what year was the library founded?", "time"),
        ("How long ago did the strike begin?", "time"),
        ("Who won?", "name"),
        ("Where is the comet best seen?", "name"),
        ("Which company runs the buses?", "name"),
        ("What happened when he fell ill?", None),
        ("Why was the cheese recalled?", None),
        ("What did the mayor say?", None),
    ],
)
def test_the_asking_words_tell_what_is_wanted(question, kind):
    assert expected_kind(question) == kind


def test_the_first_asking_word_decides():
    assert expected_kind("Who said how many people were hurt?") == "name"
    assert expected_kind("How many people met the man who won?") == "number"


@pytest.mark.parametrize(
    ("question", "answer", "fits"),
    [
        ("How many people were hurt?", "a dozen", 1),
        ("How many people were hurt?", "1,200", 1),
        ("How many people were hurt?", "the mayor", -1),
        ("When did it open?", "on Tuesday", 1),
        ("When did it open?", "last month", 1),
        ("When did it open?", "Anna Berg", -1),
        ("Who opened it?", "Anna Berg", 1),
        ("Who opened it?", "李明", 1),
        ("Who opened it?", "on foot", -1),
        ("Why did it close?", "anything at all", 0),
    ],
)
def test_an_answer_fits_what_is_wanted_or_does_not(question, answer, fits):
    assert fit(question, answer) == fits
