"""The year of a month or a day that is written without one: "July 14", "in September", "Jan. 27".

A weekday beside it settles it, then the year that the story around it is told of, then whether its verb is
in the past or lies ahead. The nearest year that fits is taken.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from qa.days import Stretch, nearest, one_day, one_month, one_week, one_weekend
from qa.expressions import Expression, find_expressions
from qa.tense import Tense, find_tense, sentence_bounds


@dataclass(frozen=True, slots=True)
class Setting:
    """What an expression is understood against: its text, the day it was written, and how it is read.

    ``tense`` is one known from elsewhere; ``depth`` counts expressions that lean on one another.
    """

    text: str
    written: date | None
    tense: Tense | None = None
    depth: int = 0

    def tense_of(self, one: Expression) -> Tense | None:
        return self.tense or find_tense(self.text, one.start, one.end)


def in_year(one: Expression, year: int) -> Stretch:
    """The days of a date or a month in ``year``; ValueError if it has no such day."""
    if one.kind == "month":
        return one_month(year, one.month)
    first = date(year, one.month, one.number("day1") or one.number("day"))
    if one.word("weekof"):
        if one.word("weekof") == "weekend":
            return one_weekend(first)
        begins = re.search(r"beginning|starting|commencing", one.match.group(), re.I)
        return Stretch(first, first + timedelta(days=6)) if begins else one_week(first)
    last = date(year, one.month, one.number("day2") or one.number("day"))
    return Stretch(first, last) if first <= last else one_day(first)


# Days known by their date alone, years later, where their words are near.
_KNOWN_DAYS = {
    (9, 11): (2001, re.compile(r"attack|terror|twin towers|trade center|hijack", re.I)),
    (1, 6): (2021, re.compile(r"capitol|insurrection|riot|committee", re.I)),
    (2, 24): (2022, re.compile(r"ukrain|invasion|invaded", re.I)),
    (10, 7): (2023, re.compile(r"hamas", re.I)),
}


def guess_year(one: Expression, setting: Setting) -> int | None:
    """The year that a date or a month without one most likely is of; None for a text of no known day."""
    written = setting.written
    if written is None:
        return None
    years = range(written.year - 3, written.year + 4)
    tense = setting.tense_of(one)
    if one.weekday is not None and one.kind == "date":
        fitting = [date(year, one.month, one.number("day")) for year in years if _has_day(year, one)]
        fitting = [day for day in fitting if day.weekday() == one.weekday]
        if fitting:
            return nearest(fitting, written, 0).year
    if tense != "future" and (told := _told_year(one, setting)):
        return told
    return _by_tense(one, setting, years, tense)


def _by_tense(one: Expression, setting: Setting, years: range, tense: Tense | None) -> int | None:
    which, written = one.word("which"), setting.written
    days = [in_year(one, year).start for year in years if _has_day(year, one)]
    if one.kind == "month":
        month = written.replace(day=1)
        if which in ("last", "this past", "the previous"):
            return max(day for day in days if day < month).year
        if which == "next":
            return min(day for day in days if day > month).year
        if which == "this":
            return written.year
        return nearest(days, month, 1 if tense == "future" or which == "this coming" else -1).year
    if not days:
        return None
    day = nearest(days, written, {"past": -1, "future": 1, None: 0}[tense])
    close = nearest(days, written, 0)
    # What "will" be next autumn but was ten days ago has a page older than its date.
    return close.year if tense == "future" and day - close > timedelta(days=300) > 25 * (written - close) else day.year


def _has_day(year: int, one: Expression) -> bool:
    return one.kind == "month" or one.word("month") not in ("feb", "february") or one.number("day") < 29 or not year % 4


_FRAME = re.compile(
    r"(?:^|\.\s)[\"“'‘]?(?:but |and |back |early |earlier |late |later )?(?:(?:in|during) (?P<year>(?:19|20)\d\d)\b"
    r"|(?P<last>last year)\b)(?!['’])",
    re.IGNORECASE,
)


def _told_year(one: Expression, setting: Setting) -> int | None:
    """The year of the story that a month or a day stands in, where it is another than that of the article."""
    text, written = setting.text, setting.written
    if one.kind == "date" and (known := _KNOWN_DAYS.get((one.month, one.number("day")))):
        near = text[max(0, one.start - 60) : one.end + 120]
        if written.year >= known[0] and known[1].search(near):
            return known[0]
    begin, _ = sentence_bounds(text, one.start, one.end)
    if frame := _FRAME.match(text, begin, one.start):
        return int(frame["year"]) if frame["year"] else written.year - 1
    for earlier in reversed(find_expressions(text, max(0, begin - 200), one.start)):
        if earlier.kind in ("date", "month") and earlier.year and earlier.year < written.year:
            start = in_year(earlier, earlier.year).start
            months = (one.month - start.month) % 12
            return start.year + (start.month + months > 12) if months <= 2 and earlier.end > begin - 200 else None
    return None
