"""How old an archive is, and whether a question asks about days that it does not reach."""

from dataclasses import dataclass
from datetime import date, timedelta

from qa.periods import Period, find_period

_SLACK = timedelta(days=3)  # an archive that ends so shortly before the day asked about is up to date


@dataclass(frozen=True, slots=True)
class Freshness:
    """``newest`` is the day of the newest article, None where none is dated, and ``age`` its days before the day of
    asking; ``behind`` whether the question asks about days after it."""

    newest: date | None
    age: int | None
    behind: bool = False


def judge_freshness(question: str, period: Period | None, asked_on: date, newest: date | None) -> Freshness:
    """How the archive stands to a question asked on a day. An article of a later day makes the age 0.

    ``period`` is what the question was taken to name; None where that was not looked for, or not to be used.
    """
    if newest is None:
        return Freshness(None, None)
    age = max(0, (asked_on - newest).days)
    up_to_date = asked_on - newest <= _SLACK
    return Freshness(newest, age, not up_to_date and _is_beyond(period or find_period(question, asked_on), newest))


def _is_beyond(period: Period | None, newest: date) -> bool:
    if period is None or period.kind == "before":
        return False
    return period.kind == "latest" or (period.start or date.min) > newest
