"""Which publication days a question makes preferable, and how much."""

from datetime import date

from qa.preferences import preferences

ASKED = date(2024, 6, 20)


def days(question: str, newest: date | None = None) -> tuple[date, date, float]:
    (preferred,) = preferences(question, ASKED, newest)
    return preferred.after, preferred.before, preferred.weight


def test_without_a_period_the_last_days():
    assert days("Who won the cup?")[:2] == (date(2024, 6, 10), ASKED)


def test_a_month_weighs_more_than_a_whole_year():
    month, year = days("Who won in March 2022?"), days("Who won in 2022?")
    assert month[:2] == (date(2022, 3, 1), date(2022, 5, 15))
    assert year[:2] == (date(2022, 1, 1), date(2023, 3, 31))
    assert month[2] > year[2] > days("Who won the cup?")[2]


def test_the_latest_is_looked_for_where_the_archive_ends():
    assert days("What is the latest price?", date(2023, 3, 31))[:2] == (date(2023, 1, 30), date(2023, 3, 31))


def test_the_latest_is_not_looked_for_after_the_day_of_asking():
    assert days("What is the latest price?", date(2025, 1, 1))[1] == ASKED


def test_the_first_days_of_the_calendar_do_no_harm():
    assert preferences("What is the latest price?", date.min, date.min)[0].after == date.min
