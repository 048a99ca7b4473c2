"""Question and the day it is asked -> publication days to prefer.

Never a filter: a wrong guess must not hide an answer.
"""

from datetime import date, timedelta

from qa.periods import find_period, publication_days
from qa.retriever import Preference

_NEWS_DAYS = 10  # how long people ask about what they read
_NEWS_WEIGHT = 0.15
_NAMED_WEIGHT = 0.4


def preferences(question: str, asked_on: date) -> tuple[Preference, ...]:
    """The days that a question names, or else the last few: what was published lately is mostly asked about."""
    period = find_period(question, asked_on)
    days = publication_days(period) if period else None
    if days:
        return (Preference(*days, _NAMED_WEIGHT),)
    since = asked_on - min(timedelta(days=_NEWS_DAYS), asked_on - date.min)
    return (Preference(since, asked_on, _NEWS_WEIGHT),)
