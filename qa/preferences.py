"""Question and the day it is asked -> publication days to prefer.

Never a filter: a wrong guess must not hide an answer.
"""

from datetime import date, timedelta

from qa.periods import find_period, publication_days
from qa.retriever import Preference

_NEWS_DAYS = 10  # how long people ask about what they read
_NEWS_WEIGHT = 0.15
_NAMED_WEIGHT = 0.4
_LONG, _LONG_WEIGHT = 365, 0.25  # what was in a year is often told later, too
_LATEST_DAYS = timedelta(days=60)


def preferences(question: str, asked_on: date, newest: date | None = None) -> tuple[Preference, ...]:
    """The days that a question names, or else the last few: what was published lately is mostly asked about.

    ``newest`` is the day of the archive's newest article: what is asked for as "the latest" is looked for in the weeks
    before it, where the archive ends before the day of asking.
    """
    period = find_period(question, asked_on)
    if period and period.kind == "latest" and newest is not None:
        last = min(newest, asked_on)
        return (Preference(last - min(_LATEST_DAYS, last - date.min), last, _NEWS_WEIGHT),)
    days = publication_days(period) if period else None
    if days:
        whole_year = (days[1] - days[0]).days >= _LONG
        return (Preference(*days, _LONG_WEIGHT if whole_year else _NAMED_WEIGHT),)
    since = asked_on - min(timedelta(days=_NEWS_DAYS), asked_on - date.min)
    return (Preference(since, asked_on, _NEWS_WEIGHT),)
