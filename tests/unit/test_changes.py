"""Values that moved: which candidates are one history, which comes first, and what is left alone."""

from datetime import date

import pytest

from index.passages import Passage
from qa.assistant import Assistant, Request
from qa.changes import join_changes
from qa.evidence import Candidate, join
from qa.explanation import explain
from qa.freshness import judge_freshness
from qa.moving import find_moving, only_grows
from qa.periods import find_period
from qa.reader import Reading
from qa.retriever import Filters, Hit
from tests.fakes import BY_SPAN, BagOfWords, PhraseReader, article, generation_of

TOLL = "How many people did Hurricane Ida kill in Lousa?"
PRICE = "What is the average price of a loaf of bread?"
LEADER = "Who is the prime minister of Freedonia?"
ASKED = date(2022, 12, 1)


def candidates_of(question: str, *told: tuple[date | None, str, str, float], titles: tuple[str, ...] = ()):
    """Candidates from articles of these days and texts, in each of which the reader finds one phrase so well."""
    articles, hits, readings = {}, [], []
    for number, (day, text, phrase, score) in enumerate(told):
        each = article(f"a{number}", text, title=titles[number] if titles else "", published=day)
        articles[each.id] = each
        hits.append(Hit(Passage(each.id, 0, len(text)), 0.5, "both", 0.5))
        start = text.index(phrase)
        readings.append(Reading(((start, start + len(phrase), score),), 0.0))
    joined = join(question, hits, readings, [text for _, text, _, _ in told], BY_SPAN)
    period = find_period(question, ASKED)
    return join_changes(question, joined, articles, BY_SPAN, period), articles


def said(candidate: Candidate, articles) -> str:
    span = candidate.spans[0]
    return articles[span.passage.article_id].text[span.start : span.end]


def told(*toll: tuple[int, str, float]) -> list[tuple[date, str, str, float]]:
    """Articles of October days that tell how many people the hurricane killed."""
    return [
        (date(2022, 10, day), f"Hurricane Ida killed {words} people in Lousa.", words, score)
        for day, words, score in toll
    ]


class TestHistory:
    def test_the_newest_first_and_the_others_newest_first(self):
        found, articles = candidates_of(TOLL, *told((2, "at least 76", 3.0), (4, "105", 2.0), (3, "101", 2.5)))
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["105", "101", "at least 76"]
        assert found[0].status == "current" and len(found) == 1

    def test_the_same_value_in_several_articles_is_one(self):
        found, articles = candidates_of(
            TOLL, *told((2, "76", 3.0), (3, "seventy-six", 2.5), (4, "105", 2.0), (5, "105", 1.0))
        )
        assert [said(each, articles) for each in found[0].earlier] == ["seventy-six"]
        assert {span.passage.article_id for span in found[0].earlier[0].spans} == {"a0", "a1"}
        assert {span.passage.article_id for span in found[0].spans} == {"a2", "a3"}

    def test_other_values_do_not_make_it_less_sure(self):
        found, _ = candidates_of(TOLL, *told((2, "76", 3.0), (4, "105", 2.0)))
        alone, _ = candidates_of(TOLL, *told((4, "105", 2.0)))
        assert found[0].confidence >= alone[0].confidence

    def test_a_grouped_or_written_number_is_no_year(self):
        found, articles = candidates_of(TOLL, *told((2, "1,950", 3.0), (3, "two thousand", 2.5), (4, "2,015", 2.0)))
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["2,015", "two thousand", "1,950"]

    def test_a_toll_never_falls(self):
        found, articles = candidates_of(TOLL, *told((2, "76", 3.0), (3, "101", 2.5), (4, "12", 2.0)))
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["101", "76"]
        assert [said(each, articles) for each in found[1:]] == ["12"]

    def test_a_price_may(self):
        texts = [(3, "$4.10", 2.0), (9, "$3.90", 2.0)]
        prices = [(date(2022, 6, d), f"The average price of a loaf of bread is {w} now.", w, s) for d, w, s in texts]
        found, articles = candidates_of(PRICE, *prices)
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["$3.90", "$4.10"]

    def test_who_holds_an_office(self):
        holders = [
            (date(2016, 7, 15), "Prime Minister Anna Berg of Freedonia spoke.", "Anna Berg", 2.0),
            (date(2022, 9, 5), "Carl Dorn became prime minister of Freedonia.", "Carl Dorn", 1.5),
        ]
        found, articles = candidates_of(LEADER, *holders)
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["Carl Dorn", "Anna Berg"]

    def test_a_value_far_less_likely_is_no_part_of_it(self):
        found, articles = candidates_of(TOLL, *told((2, "76", 9.0), (4, "105", 1.0)))
        assert [said(each, articles) for each in found] == ["76", "105"] and not found[0].earlier

    def test_what_the_words_call_past_comes_after_what_they_call_new(self):
        text = "The average price of a loaf of bread has risen to $4, up from $3 in May."
        other = "The average price of a loaf of bread is $2."
        found, articles = candidates_of(
            PRICE,
            (date(2022, 6, 9), text, "$4", 2.0),
            (date(2022, 6, 9), text, "$3", 2.1),
            (date(2022, 1, 9), other, "$2", 2.0),
        )
        assert (said(found[0], articles), said(found[0].earlier[0], articles)) == ("$4", "$2")

    def test_a_bound_that_was_overtaken_is_an_older_value(self):
        found, articles = candidates_of(TOLL, *told((2, "at least 151", 2.0), (4, "156", 2.0)))
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["156", "at least 151"]

    @pytest.mark.parametrize("later", ["dropped to $2.40 during the year before", "is expected to drop to $2.40"])
    def test_what_is_past_or_to_come_never_comes_first(self, later):
        prices = [
            (date(2022, 6, 3), "The average price of a loaf of bread is $3.90.", "$3.90", 2.0),
            (date(2022, 9, 9), f"The average price of a loaf of bread {later}.", "$2.40", 2.0),
        ]
        found, articles = candidates_of(PRICE, *prices)
        assert said(found[0], articles) == "$3.90"

    def test_what_is_new_may_be_the_end_of_a_move(self):
        question = "What is the interest rate of the Bank of Freedonia?"
        rates = [
            (date(2022, 6, 3), "The Bank of Freedonia set its interest rate at 3%.", "3%", 2.0),
            (date(2022, 9, 9), "The Bank of Freedonia raised its interest rate from 4.5% to 5%.", "4.5% to 5%", 2.0),
        ]
        found, articles = candidates_of(question, *rates)
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["4.5% to 5%", "3%"]

    def test_a_newer_value_must_be_told_well_to_come_first(self):
        prices = [
            (date(2022, month, 3), f"The average price of a loaf of bread is {price}.", price, score)
            for month, price, score in ((3, "$3.90", 4.0), (9, "$3.70", 1.5))
        ]
        found, articles = candidates_of(PRICE, *prices)
        assert [said(each, articles) for each in found] == ["$3.90", "$3.70"]

    def test_a_toll_a_little_above_the_last_need_not_be(self):
        found, articles = candidates_of(TOLL, *told((2, "101", 4.0), (4, "105", 1.5)))
        assert [said(each, articles) for each in (found[0], *found[0].earlier)] == ["105", "101"]

    def test_a_toll_does_not_leap(self):
        found, articles = candidates_of(TOLL, *told((2, "76", 2.5), (4, "33,000", 2.0)))
        assert [said(each, articles) for each in found] == ["76", "33,000"] and not found[0].earlier


class TestNoHistory:
    @pytest.mark.parametrize(
        "other",
        [
            "Hurricane Ike killed 105 people in Lousa.",
            "Hurricane Ida killed people. Repairs in Lousa cost $105.",
            "Lousa lies 105 miles from where Hurricane Ida killed.",
        ],
    )
    def test_of_another_story_or_kind(self, other):
        words = "$105" if "$" in other else "105"
        found, articles = candidates_of(TOLL, *told((2, "76", 2.0)), (date(2022, 10, 4), other, words, 1.5))
        assert said(found[0], articles) == "76" and not found[0].earlier

    def test_of_a_year(self):
        found, articles = candidates_of(TOLL, *told((2, "76", 2.0), (4, "2015", 1.5)))
        assert said(found[0], articles) == "76" and not found[0].earlier

    def test_of_undated_articles(self):
        found, _ = candidates_of(
            TOLL, *told((2, "76", 2.0)), (None, "Hurricane Ida killed 105 people in Lousa.", "105", 1.5)
        )
        assert not found[0].earlier

    def test_of_a_fact_that_stays(self):
        question = "How many windows has the Lousa tower?"
        texts = [(date(2022, 10, d), f"The Lousa tower has {n} windows.", n, 2.0) for d, n in ((2, "76"), (4, "80"))]
        found, _ = candidates_of(question, *texts)
        assert not found[0].earlier and len(found) == 2

    def test_of_a_question_for_something_else(self):
        found, _ = candidates_of("Where did Hurricane Ida go?", *told((2, "76", 2.0), (4, "105", 1.5)))
        assert [each.earlier for each in found] == [(), ()]


class TestConflict:
    def test_values_of_one_day_stand_side_by_side(self):
        found, articles = candidates_of(TOLL, *told((4, "76", 2.0), (4, "105", 1.5)))
        assert {said(each, articles) for each in found} == {"76", "105"}
        assert [each.status for each in found] == ["conflicting", "conflicting"]

    def test_values_that_can_both_be_right_do_not_conflict(self):
        found, _ = candidates_of(TOLL, *told((4, "more than 5,000", 2.0), (4, "5,021", 1.5), (2, "900", 1.0)))
        assert found[0].status == "current" and len(found[0].earlier) == 1


class TestPeriod:
    PRICES = (
        (date(2022, 3, 9), "The average price of a loaf of bread is $4 now.", "$4", 2.0),
        (date(2022, 6, 9), "The average price of a loaf of bread is $5 now.", "$5", 2.5),
        (date(2022, 9, 9), "The average price of a loaf of bread is $3 now.", "$3", 3.0),
    )

    def test_the_value_of_the_period_comes_first(self):
        found, articles = candidates_of("What was the average price of a loaf of bread on 9 June 2022?", *self.PRICES)
        assert (said(found[0], articles), [said(each, articles) for each in found[0].earlier]) == ("$5", ["$4"])

    def test_as_of_a_day_it_is_the_newest_until_then(self):
        found, articles = candidates_of("What was the average price of a loaf of bread as of July 2022?", *self.PRICES)
        assert said(found[0], articles) == "$5"

    def test_without_one_it_is_the_newest(self):
        found, articles = candidates_of(PRICE, *self.PRICES)
        assert said(found[0], articles) == "$3"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How many people died in the flood?", "number"),
        ("What is the annual inflation rate?", "number"),
        ("What is the death toll?", "number"),
        ("How much does a gallon of gas cost?", "number"),
        ("To what range did the bank raise its rate?", "number"),
        ("Who is the prime minister of the United Kingdom?", "name"),
        ("Who is the richest person in the world?", "name"),
        ("Who leads the league?", "name"),
        ("Who is Rishi Sunak?", None),
        ("Who won the cup?", None),
        ("How old is the mayor?", None),
        ("When did it open?", None),
        ("Where is it?", None),
    ],
)
def test_what_moves(question, kind):
    moving = find_moving(question)
    assert (moving.kind if moving else None) == kind


@pytest.mark.parametrize(
    ("question", "onward"),
    [
        ("How many people died in the flood?", True),
        ("What is the inflation rate now?", True),
        ("How many people died in the flood in 2021?", True),
        ("What was the inflation rate in March 2022?", False),
        ("How much did the public pay for the palace?", False),
        ("Who is the prime minister of the United Kingdom?", False),
    ],
)
def test_whose_newest_value_is_asked_for(question, onward):
    assert find_moving(question, find_period(question, ASKED)).onward is onward


def test_what_only_grows():
    assert only_grows("How many people were killed?") and not only_grows("What is the price of bread?")


class TestAnswers:
    """From the question to the answer: earlier values are cited as exactly as the answer."""

    def test_earlier_values_have_citations(self, tmp_path):
        articles = [
            article(f"n{day}", f"🌪️ Hurricane Ida killed {n} people in Lousa.", published=date(2022, 10, day))
            for day, n in ((2, "76"), (3, "101"), (4, "105"))
        ]
        reader = PhraseReader({"76": 2.0, "101": 1.8, "105": 1.6})
        with_history = Assistant(generation_of(tmp_path / "i", articles), BagOfWords(), reader, BY_SPAN)
        (answer,) = with_history.ask(Request(TOLL, asked_on=ASKED)).answers
        assert (answer.text, [each.text for each in answer.earlier]) == ("105", ["101", "76"])
        cited = [*answer.citations, *(citation for each in answer.earlier for citation in each.citations)]
        assert [citation.number for citation in cited] == [1, 2, 3]
        for citation in cited:
            assert citation.article.text[citation.start : citation.end] == citation.quote

    def test_a_newer_value_is_looked_for_where_one_moved(self, tmp_path):
        """It stands in a passage that has less of the question's words than twenty others."""
        articles = []
        for number, (day, toll) in enumerate([(1, "76"), (2, "101")] * 10):
            own = " ".join(f"word{number}x{place}" for place in range(12))  # no copies of each other
            text = f"How many people did Hurricane Ida kill in Lousa? It killed {toll}. {own}"
            articles.append(article(f"n{number:02}", text, published=date(2022, 9, day)))
        later = "By then Hurricane Ida had killed 105 people in Lousa, " + " ".join(f"more{n}" for n in range(60))
        articles.append(article("z", later, published=date(2022, 10, 4)))
        reader = PhraseReader({"76": 2.0, "101": 1.8, "105": 1.6})
        assistant = Assistant(generation_of(tmp_path / "i", articles), BagOfWords(), reader, BY_SPAN)
        first = assistant.find(TOLL, Request(TOLL), ASKED, None)
        assert "z" not in {hit.passage.article_id for hit in first}
        (answer, *_) = assistant.ask(Request(TOLL, asked_on=ASKED)).answers
        assert (answer.text, [each.text for each in answer.earlier]) == ("105", ["101", "76"])
        until = Filters(before=date(2022, 9, 30))
        (answer, *_) = assistant.ask(Request(TOLL, asked_on=ASKED, filters=until)).answers
        assert answer.text == "101"
        considered = explain(assistant, Request(TOLL, asked_on=ASKED)).considered
        assert [each.article.id for each in considered].count("z") == 1 and considered[-1].article.id == "z"

    def test_the_newest_value_is_nearest_where_none_is_sure_enough(self, tmp_path):
        articles = [
            article("n2", "Hurricane Ida killed 76 people in Lousa, 12 of them children.", published=date(2022, 10, 2)),
            article("n3", "Hurricane Ida killed 101 people in Lousa.", published=date(2022, 10, 3)),
        ]
        reader = PhraseReader({"76": -1.0, "12": -1.1, "101": -1.2})
        assistant = Assistant(generation_of(tmp_path / "i", articles), BagOfWords(), reader, BY_SPAN)
        reply = assistant.ask(Request(TOLL, asked_on=ASKED))
        assert not reply.answers and [each.citation.quote for each in reply.nearest] == ["101", "12"]

    def test_the_reply_tells_what_it_understood_and_how_far_it_reaches(self, tmp_path):
        articles = [article("n", "Hurricane Ida killed 76 people in Lousa.", published=date(2022, 10, 2))]
        assistant = Assistant(generation_of(tmp_path / "i", articles), BagOfWords(), PhraseReader({"76": 2.0}), BY_SPAN)
        reply = assistant.ask(Request("How many did Ida kill in October 2022?", asked_on=ASKED))
        assert reply.understood.start == date(2022, 10, 1)
        assert (reply.freshness.newest, reply.freshness.age, reply.freshness.behind) == (date(2022, 10, 2), 60, False)
        assert assistant.ask(Request("How many did Ida kill in October 2022?", dates=False)).understood is None
        assert assistant.ask(Request("What is the latest toll?", asked_on=ASKED)).freshness.behind
        assert assistant.ask(Request("What is the toll today?", asked_on=ASKED)).freshness.behind
        assert not assistant.ask(Request("What is the toll today?", asked_on=date(2022, 10, 3))).freshness.behind


NEWEST = date(2022, 10, 2)


@pytest.mark.parametrize(
    ("question", "asked_on", "behind"),
    [
        ("What happened today?", ASKED, True),
        ("What happens tomorrow?", ASKED, True),
        ("Who is leading right now?", ASKED, True),
        ("Who resigned last week?", ASKED, True),
        ("Who resigned last week?", date(2022, 10, 5), False),
        ("Who resigned in 2021?", ASKED, False),
        ("Who led before today?", ASKED, False),
        ("Who resigned?", ASKED, False),
        ("Who starred in Breaking Bad?", ASKED, False),
        ("Who directed Apocalypse Now?", ASKED, False),
        ("What is direct current?", ASKED, False),
    ],
)
def test_a_question_about_days_after_the_newest_article(question, asked_on, behind):
    for period in (find_period(question, asked_on), None):  # the chip may have been taken away
        assert judge_freshness(question, period, asked_on, NEWEST).behind is behind
