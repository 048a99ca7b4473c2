"""How old an archive is, and whether a question asks about days that it does not reach."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from qa.periods import Period

_SLACK = timedelta(days=3)  # an archive that ends so shortly before the day asked about is up to date
_TODAY = re.compile(
    r"\b(?:today|tonight|yesterday|tomorrow|this (?:morning|afternoon|evening|week|weekend|month)|right now|breaking"
    r"|currently|at the moment|these days|nowadays|now|latest|newest|most recent|current|up to date"
    r"|so far)\b(?!\s*['’])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Freshness:
    """``newest`` is the day of the newest article, None where none is dated, and ``age`` its days before the day of
    asking; ``behind`` whether the question asks about days after it."""

    newest: date | None
    age: int | None
    behind: bool = False


def judge_freshness(question: str, period: Period | None, asked_on: date, newest: date | None) -> Freshness:
    """How the archive stands to a question asked on a day. An article of a later day makes the age 0."""
    if newest is None:
        return Freshness(None, None)
    age = max(0, (asked_on - newest).days)
    return Freshness(newest, age, newest + _SLACK < asked_on and _asks_beyond(question, period, newest))


def _asks_beyond(question: str, period: Period | None, newest: date) -> bool:
    if period is not None and period.kind == "latest":
        return True
    if period is not None and period.kind != "before":
        return (period.start or date.min) > newest
    return period is None and _TODAY.search(question) is not None
