"""Questions to begin with are about people, and are tried before they are offered."""

from datetime import date

import pytest

from qa.assistant import Assistant
from qa.suggestions import candidates, suggest
from tests.fakes import BY_SPAN, BagOfWords, PhraseReader, article, generation_of

ARTICLES = [
    article(
        "bridge",
        "The bridge reopens, mayor Ilse Brandt said. FIFA’s Referees Committee said nothing. The Town Council said no.",
        published=date(2025, 3, 4),
    ),
    article(
        "cat", "Zoë Ünal, a vet, said the cat was well. Ann’s Bakery said it was hungry.", published=date(2025, 3, 3)
    ),
    article("rain", "It will rain, said nobody in particular.", published=date(2025, 3, 2)),
]


@pytest.fixture(scope="module")
def generation(tmp_path_factory):
    return generation_of(tmp_path_factory.mktemp("index"), ARTICLES)


def assistant_of(generation, phrases: dict[str, float]) -> Assistant:
    return Assistant(generation, BagOfWords(), PhraseReader(phrases), BY_SPAN)


def test_people_who_are_let_speak_are_asked_about_newest_first(generation):
    questions = [question for _, question in candidates(assistant_of(generation, {}))]
    assert questions == ["Who is Ilse Brandt?", "Who is Zoë Ünal?"]


def test_only_what_is_answered_is_offered(generation):
    assert suggest(assistant_of(generation, {"mayor": 5.0})) == ("Who is Ilse Brandt?", "Who is Zoë Ünal?")
    assert suggest(assistant_of(generation, {"mayor": -5.0})) == ()


def test_a_name_is_no_answer_to_who_bears_it(generation):
    assert suggest(assistant_of(generation, {"Ilse Brandt": 5.0})) == ("Who is Zoë Ünal?",)
