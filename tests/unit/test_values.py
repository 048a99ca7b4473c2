"""What numbers and names say, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.values import Value, agree, read_name, read_number, same_kind


def number(text: str) -> Value | None:
    return read_number(text, 0, len(text))


class TestNumbers:
    @pytest.mark.parametrize(
        ("text", "key"),
        [
            ("28", "count 28"),
            ("nine", "count 9"),
            ("twenty-one", "count 21"),
            ("a dozen", "count 12"),
            ("two hundred and five thousand", "count 205000"),
            ("1,217", "count 1217"),
            ("more than 23,000", "count 23000"),
            ("At least 16", "count 16"),
            ("43 people", "count 43"),
            ("100k", "count 100000"),
            ("1.6 million", "count 1600000"),
            ("21st", "count 21"),
            ("twenty-first", "count 21"),
            ("5.81%", "percent 5.81"),
            ("7 percent", "percent 7"),
            ("10.1 per cent", "percent 10.1"),
            ("0.25% to 0.5%", "percent 0.25-0.5"),
            ("3%-3.25%", "percent 3-3.25"),
            ("1½% to 1¾%", "percent 1.5-1.75"),
            ("three-quarters of a percentage point", "points 0.75"),
            ("half a percentage point", "points 0.5"),
            ("75 basis points", "points 0.75"),
            ("$4.37", "money 4.37 dollar"),
            ("80 cents", "money 0.8 dollar"),
            ("$1.4 billion", "money 1400000000 dollar"),
            ("$1bn", "money 1000000000 dollar"),
            ("£20m", "money 20000000 pound"),
            ("2.4 million euros", "money 2400000 euro"),
            ("$700-800 million", "money 700000000-800000000 dollar"),
            ("3 to 4 billion", "count 3000000000-4000000000"),
            ("five years", "measure 5 year"),
            ("6 feet", "measure 6 foot"),
            ("20 kilometres", "measure 20 kilometer"),
            ("20 COVID-19 cases", "count 20"),
            ("one to two million", "count 1000000-2000000"),
            ("five to ten thousand", "count 5000-10000"),
            ("-0.6%", "percent -0.6"),
            ("−5 degrees", "measure -5 degree"),
            ("minus five degrees", "measure -5 degree"),
            ("-5 to -3 degrees", "measure -5--3 degree"),
            ("-$5 million", "money -5000000 dollar"),
            ("3-5%", "percent 3-5"),
            ("one-third", "count 0.3333333333"),
            ("a third of voters", "count 0.3333333333"),
            ("one quarter", "count 0.25"),
            ("A$5m", "money 5000000 australian dollar"),
            ("CA$5m", "money 5000000 canadian dollar"),
            ("HK$5m", "money 5000000 hk$"),
            ("US$5m", "money 5000000 dollar"),
        ],
    )
    def test_what_it_says(self, text, key):
        assert number(text).key == key

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "Rex",
            "B12",
            "B-52",
            "COVID-19",
            "a",
            "the mayor of all who live in this old town of ours now, who said that 5 came",
        ],
    )
    def test_no_number(self, text):
        assert number(text) is None

    def test_several_numbers_are_none(self):
        assert number("19 killed and 40 hurt in 3 towns") is None

    @pytest.mark.parametrize(
        ("text", "words", "bound"),
        [
            ("rises to at least 101 people", "101", "least"),
            ("surpassed 1,000 cases", "1,000", "least"),
            ("fewer than 40 seats", "40", "most"),
            ("nearly 300 homes", "300", "about"),
            ("some 12 people", "12", "about"),
            ("no more than 5 people", "5", "most"),
            ("not more than $5", "$5", "most"),
            ("no fewer than 5 people", "5", "least"),
            ("no less than 5 people", "5", "least"),
            ("500 or more", "500", "least"),
            ("it is 7 now", "7", ""),
        ],
    )
    def test_bounds_may_stand_beside(self, text, words, bound):
        start = text.index(words)
        assert read_number(text, start, start + len(words)).bound == bound

    def test_units_may_stand_beside(self):
        text = "It fell to $3.99 a gallon, or 12 percent."
        assert read_number(text, 12, 16).key == "money 3.99 dollar"
        assert read_number(text, text.index("12"), text.index("12") + 2).key == "percent 12"

    def test_weeks_gone_by_are_no_unit(self):
        assert number("killed 5 last week").key == "count 5"


class TestAgreement:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("at least 20", "twenty"),
            ("more than 5,000", "5,021"),
            ("23,000", "22,765"),
            ("$1 billion", "$1.02 billion"),
            ("71%", "71.5%"),
            ("about 40", "41"),
            ("7 percent", "7%"),
        ],
    )
    def test_both_may_be_right(self, one, other):
        assert agree(number(one), number(other)) and agree(number(other), number(one))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("82", "98"),
            ("at least 20", "31"),
            ("$1 billion", "$1.4 billion"),
            ("5%", "5"),
            ("$5", "£5"),
            ("6.94%", "6.92%"),
            ("-5 degrees", "5 degrees"),
            ("no more than 500", "540"),
            ("HK$5", "$5"),
        ],
    )
    def test_only_one_can_be(self, one, other):
        assert not agree(number(one), number(other)) and not agree(number(other), number(one))

    def test_people_and_dollars_do_not_compare(self):
        assert not same_kind(number("5"), number("$5"))


class TestNames:
    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("Boris Johnson", ("boris", "johnson")),
            ("Prime Minister Boris Johnson", ("boris", "johnson")),
            ("Mr. Sunak’s", ("sunak",)),
            ("Ursula von der Leyen", ("ursula", "von", "der", "leyen")),
            ("José", ("jose",)),
        ],
    )
    def test_what_it_says(self, text, words):
        assert read_name(text).words == words

    @pytest.mark.parametrize(
        "text", ["", "Prime Minister", "Liz Truss or Rishi Sunak", "the mayor", "Rex, 5", "no one at all"]
    )
    def test_no_name(self, text):
        assert read_name(text) is None

    def test_a_surname_agrees_with_the_full_name(self):
        assert agree(read_name("Johnson"), read_name("Boris Johnson"))
        assert not agree(read_name("Joe Biden"), read_name("Hunter Biden"))
        assert not agree(read_name("Johnson"), read_name("Liz Truss"))


NUMBERS = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "at least ", "more than ", "about ", "$", "€"]),
    st.one_of(st.integers(0, 10**7).map(lambda n: f"{n:,}"), st.floats(0, 999).map(lambda x: f"{x:.2f}")),
    st.sampled_from(["", "%", " million", " people", " percentage points", " miles"]),
)


class TestAnyText:
    @given(st.text(max_size=60), st.integers(0, 60), st.integers(0, 60))
    def test_reading_never_raises(self, text, start, end):
        read_number(text, start, end)
        read_name(text)

    @given(NUMBERS)
    def test_reading_again_says_the_same(self, text):
        value = number(text)
        assert value is not None
        assert number(text) == value and number(f"  {text} ").key == value.key

    @given(NUMBERS)
    def test_a_value_agrees_with_itself(self, text):
        assert agree(number(text), number(text))

    @given(NUMBERS, NUMBERS)
    def test_agreement_is_symmetric(self, one, other):
        assert agree(number(one), number(other)) == agree(number(other), number(one))

    @given(NUMBERS, NUMBERS)
    def test_equal_keys_agree(self, one, other):
        if number(one).key == number(other).key:
            assert agree(number(one), number(other))

    @given(st.integers(0, 10**9))
    def test_grouping_and_bounds_change_nothing(self, amount):
        keys = {number(text).key for text in (f"{amount}", f"{amount:,}", f"at least {amount:,}", f"{amount:,} people")}
        assert len(keys) == 1
