"""Question and the day it is asked -> publication days to prefer.

Never a filter: a wrong guess must not hide an answer.
"""

from datetime import date, timedelta

from qa.retriever import Preference

_NEWS_DAYS = 10  # how long people ask about what they read
_NEWS_WEIGHT = 0.15


def preferences(question: str, asked_on: date) -> tuple[Preference, ...]:
    """What was published lately is what is mostly asked about."""
    return (Preference(asked_on - timedelta(days=_NEWS_DAYS), asked_on, _NEWS_WEIGHT),)
