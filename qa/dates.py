"""Dates in articles: what "Tuesday", "in June" or "from 3 to 5 June" means, against the day of publication.

A span that a reader cut out of an article may hold part of an expression, one, or several. Here the whole
expressions are found and joined; ``qa.expressions`` knows the words and ``qa.meaning`` what each comes to.
"""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

from qa.days import Stretch, one_year
from qa.expressions import WEEKDAYS, Expression, find_expressions
from qa.meaning import resolve, year_of
from qa.years import Setting, in_year

_AROUND = 60  # characters beside a span in which the rest of its expression may stand
_LONGEST = 200  # characters of a span that may still be a time


def resolve_date(text: str, start: int, end: int, published: date | datetime | None) -> str | None:
    """The calendar date meant by the time expression in ``text[start:end]``, offsets in code points.

    Words beside the span are used where it is only a part: "July 14" of "July 14, 2021". ``published`` is the
    day of the text; without one only dates with a year can be told. Gives ``YYYY-MM-DD``, ``YYYY-MM``, ``YYYY``
    or an inclusive interval ``A/B``, as fine as the words are, and None where the span is no time expression or
    means no certain days. Never raises.
    """
    if not 0 <= start < end <= len(text) or end - start > _LONGEST:
        return None
    near = find_expressions(text, max(0, start - _AROUND), _word_end(text, end + _AROUND))
    inside = [one for one in near if one.touches(start, end)]
    if not inside or not _is_about_time(text, start, end, inside):
        return None
    try:
        stretch = _resolve_span(start, end, inside, near, Setting(text, _written_on(text, published)))
    except (ValueError, OverflowError):  # 30 February, or beyond the year 9999
        return None
    return str(stretch) if stretch else None


def find_interval(expressions: list[Expression], setting: Setting) -> Stretch | None:
    """The interval from the first expression to the next, if the words between say so; else what the first means.

    Raises as ``qa.meaning.resolve`` does.
    """
    first, *others = expressions
    return _join(first, others[0], setting) if others else resolve(first, setting)


def _resolve_span(
    start: int, end: int, inside: list[Expression], near: list[Expression], setting: Setting
) -> Stretch | None:
    first = inside[0].without([part for part in ("day1", "day2", "year2") if not inside[0].touches(start, end, [part])])
    if len(inside) == 1:
        if first.year and first.year > 999 and not first.touches(start, end, first.parts - {"year", "tightyear"}):
            return one_year(first.year)
        following = next((one for one in near if one.start >= first.end), None)
        if following and _lacks_year(first) and (last := _sharing_year(first, following, setting)):
            return _before(first, last)
    return find_interval([first, *inside[1:]], setting)


def _word_end(text: str, at: int) -> int:
    """The end of the word that is cut at ``at``, so that "years" is not taken for "year"."""
    while at < len(text) and text[at].isalnum():
        at += 1
    return min(at, len(text))


# Words that may stand in a span beside a time without making it something else

_GLUE = re.compile(
    r"(?:on|in|at|by|from|for|since|until|till|during|before|after|between|around|about|over|through|throughout|within"
    r"|early|earlier|late|later|mid|middle|end|beginning|start|starting|and|to|or|of|the|this|that|a|an|as|shortly|just"
    r"|only|nearly|almost|roughly|more|than|less|some|exactly|back|sometime|morning|afternoon|evening|night|nights|noon"
    r"|midday|midnight|dawn|dusk|local|time|hours|am|pm|[apms]|et|est|edt|pt|gmt|bst|season|years?|week|day|\d{1,2})$",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")


def _is_about_time(text: str, start: int, end: int, inside: list[Expression]) -> bool:
    """Whether at least half of the span's words tell time, or a third where it begins with such a word."""
    timely = [
        any(one.start <= word.start() < one.end for one in inside) or _GLUE.match(word.group()) is not None
        for word in _WORD.finditer(text, start, end)
    ]
    return bool(timely) and sum(timely) >= len(timely) / (3 if timely[0] else 2)


_DATELINE = re.compile(
    r"\W{0,3}(?:[A-Z][\w.’' -]{1,40},\s+(?:[A-Z][\w. ]{1,20},\s+)?)?"
    r"(?P<day>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)\b(?:\s*\([^)\n]{2,20}\))?\s*(?:[-–—:]|\n)"
)


def _written_on(text: str, published: date | datetime | None) -> date | None:
    """The day of publication, or the weekday that the text opens with, up to six days before."""
    day = published.date() if isinstance(published, datetime) else published
    if day is not None and (match := _DATELINE.match(text, 0, 120)):
        day -= timedelta(days=(day.weekday() - WEEKDAYS[match["day"].lower()]) % 7)
    return day


# Two expressions that make one interval

_FROM_TO = re.compile(
    r"[^\S\n]*(?P<word>[-–—]|,?\s(?:to|through|thru|until|till|and|into|or)\s)[^\S\n]*(?:(?:on|in|at|late|early|the)\s)*",
    re.IGNORECASE,
)
_UNITS = ("day", "month", "year")


def _join(first: Expression, second: Expression, setting: Setting) -> Stretch | None:
    """From the first to the second. Two things with a gap between them ("2016 and 2020") are no interval."""
    between = _FROM_TO.fullmatch(setting.text, first.end, second.start)
    if between is None:
        return resolve(first, setting)
    last = _sharing_year(first, second, setting) if _lacks_year(first) else None
    begun = _before(first, last) if last else resolve(first, setting)
    if begun is None:
        return None
    last = last or _behind(second, begun, setting)
    if last is None or last.end < begun.start:
        return begun if last is None else None
    listed = between["word"].strip(", ").lower() in ("and", "or")
    gap = (last.start - begun.end).days
    if listed and gap > 1 and not re.search(r"\b(?:between|both)\W+(?:\w+\W+)?$", setting.text[: first.start], re.I):
        return None
    return Stretch(begun.start, last.end, min(begun.unit, last.unit, key=_UNITS.index))


def _lacks_year(one: Expression) -> bool:
    return one.kind in ("month", "date") and not one.year and not one.word("whichyear")


def _sharing_year(first: Expression, second: Expression, setting: Setting) -> Stretch | None:
    """What the second means if its year is also that of the first, as in "from March to July 2020"."""
    if second.kind not in ("month", "date") or _FROM_TO.fullmatch(setting.text, first.end, second.start) is None:
        return None
    year = year_of(second, setting)
    return in_year(second, year) if year else None


def _before(one: Expression, last: Stretch) -> Stretch:
    """The time of an expression without a year, in the year of ``last`` or the one before."""
    begun = in_year(one, last.start.year)
    return begun if begun.start <= last.start else in_year(one, last.start.year - 1)


def _behind(second: Expression, begun: Stretch, setting: Setting) -> Stretch | None:
    """The second of two, where it names no year or week of its own the next one after the first."""
    last = resolve(second, setting)
    bare = _lacks_year(second) or (second.kind == "weekday" and not second.word("which"))
    if bare or (last is not None and last.end < begun.start):
        return resolve(second, replace(setting, written=begun.end, tense="future"))
    return last
