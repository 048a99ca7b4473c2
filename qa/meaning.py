"""What one time expression comes to on the calendar: "July 14", "last week", "two days earlier".

Weekdays are past unless their verb lies ahead. Whatever the words leave open stays open: "in June" is a month,
"two years ago" a year, "a few years ago" nothing at all.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from qa.days import (
    SEASONS,
    Stretch,
    around,
    holiday,
    holiday_weekend,
    move,
    nearest,
    nth_weekday,
    one_century,
    one_day,
    one_decade,
    one_month,
    one_quarter,
    one_season,
    one_week,
    one_weekend,
    one_year,
)
from qa.expressions import NUMBERS, ORDINALS, Expression, find_expressions
from qa.tense import sentence_bounds
from qa.years import Setting, guess_year, in_year

_EARLIER = (120, 400)  # characters before an expression in which the day that it counts from may stand


def resolve(expression: Expression, setting: Setting) -> Stretch | None:
    """The days that an expression of ``setting.text`` means; None where they cannot be told.

    Raises ValueError for a day that its month does not have, OverflowError beyond the calendar.
    """
    return _RESOLVERS[expression.kind](expression, setting)


def antecedent(one: Expression, setting: Setting) -> Stretch | None:
    """The time told last before an expression, which "that day" and "a week later" count from."""
    if setting.depth > 1:
        return None
    end, inner = one.start, replace(setting, tense=None, depth=setting.depth + 1)
    for back in _EARLIER:
        start = max(0, one.start - back)
        for earlier in reversed(find_expressions(setting.text, start, end)):
            if known := resolve(earlier, inner):
                return known
        end = start
    return None


# Dates with their own numbers


def year_of(one: Expression, setting: Setting) -> int | None:
    """The year that an expression itself names, as in "June of last year"."""
    which = one.word("whichyear").removeprefix("the ")
    if one.year or not which or setting.written is None:
        return one.year
    if which in ("last", "this", "next"):
        return setting.written.year + {"last": -1, "this": 0, "next": 1}[which]
    known = antecedent(one, setting)
    return known.start.year + {"previous": -1, "following": 1}.get(which, 0) if known else None


def _date(one: Expression, setting: Setting) -> Stretch | None:
    year = year_of(one, setting) or guess_year(one, setting)
    return in_year(one, year) if year else None


def _iso(one: Expression, setting: Setting) -> Stretch:
    return one_day(date(one.year or 1, one.month, one.number("day") or 1))


def _numeric(one: Expression, setting: Setting) -> Stretch:
    """The month first, as in the United States, unless it cannot be or full stops stand between."""
    month, day, year = one.number("first"), one.number("second"), one.year
    if month > 12 or (one.match["mark"] == "." and day <= 12):
        month, day = day, month
    return one_day(date(year if year > 99 else year + (2000 if year < 50 else 1900), month, day))


def _nth(one: Expression, setting: Setting) -> Stretch | None:
    """The first Monday in May, the last week of July: the week is the month's first or last seven days."""
    month = _date(replace(one, kind="month"), setting)
    if month is None:
        return None
    nth = ORDINALS[one.word("nth")]
    if one.weekday is not None:
        return one_day(nth_weekday(month, one.weekday, nth))
    if one.word("unit") == "weekend":
        return one_weekend(nth_weekday(month, 5, nth))
    size = 7 if one.word("unit") == "week" else 1
    start = month.end - timedelta(days=size - 1) if nth < 0 else month.start + timedelta(days=size * (nth - 1))
    return Stretch(start, start + timedelta(days=size - 1))


def _ordinal(one: Expression, setting: Setting) -> Stretch | None:
    """A bare "the 14th": of the month told last, else of the nearest one that fits the tense."""
    if known := antecedent(one, setting):
        return one_day(known.start.replace(day=one.number("day")))
    if setting.written is None:
        return None
    months = [one_month(setting.written.year, setting.written.month + more) for more in (-2, -1, 0, 1, 2)]
    days = [month.start.replace(day=one.number("day")) for month in months if one.number("day") <= month.end.day]
    return one_day(nearest(days, setting.written, 1 if setting.tense_of(one) == "future" else -1))


def _year(one: Expression, setting: Setting) -> Stretch:
    return one_year(one.year)


def _years(one: Expression, setting: Setting) -> Stretch | None:
    """Years like "2008-2012" and "2021-22"; "2022-07" is a month."""
    year, last = one.year, one.number("year2")
    if last is None:
        return one_year(year)
    if last < 100:
        if last <= year % 100 and 1 <= last <= 12:
            return one_month(year, last)
        last += year - year % 100 + (100 if last <= year % 100 else 0)
    return one_year(year, last - year + 1) if 0 < last - year < 100 else None


def _decade(one: Expression, setting: Setting) -> Stretch:
    """Where "the 1800s" are a century, "the 2000s" are ten years, and "the '90s" are those of the last century."""
    year = one.number("decade")
    if year < 100:
        return one_decade(year + (1900 if year >= 20 else 2000))
    return one_year(year, 100) if year % 100 == 0 and year < 2000 else one_decade(year)


def _century(one: Expression, setting: Setting) -> Stretch:
    return one_century(one.number("century"))


def _quarter(one: Expression, setting: Setting) -> Stretch | None:
    year, nth = year_of(one, setting), one.word("nth")
    if year is None:
        return None
    half = one.word("part") == "half"
    number = int(nth) if nth.isdigit() else ORDINALS[nth]
    number = (2 if half else 4) if number < 0 else number
    if half:
        return one_month(year, 6 * number - 5, 6) if number <= 2 else None
    return one_quarter(year, number) if number <= 4 else None


def _season(one: Expression, setting: Setting) -> Stretch | None:
    year = year_of(one, setting)
    return one_season(year, one.word("season")) if year else None


def _holiday(one: Expression, setting: Setting) -> Stretch | None:
    year, which, written = year_of(one, setting), one.word("which"), setting.written
    if year is None and written is None:
        return None
    if year is None and which == "this":
        year = written.year
    if year is None:
        days = [holiday(one.holiday, written.year + more) for more in (-2, -1, 0, 1, 2)]
        direction = {"last": -1, "this past": -1, "next": 1, "this coming": 1}.get(which)
        if direction:
            days = [day for day in days if day != written]
        else:
            direction = {"past": -1, "future": 1, None: 0}[setting.tense_of(one)]
        day = nearest(days, written, direction)
        if direction < 0 and not which and written - day > timedelta(days=300):
            day = nearest(days, written, 0)  # nobody calls it "Halloween" alone when the next is days away
    else:
        day = holiday(one.holiday, year)
    return holiday_weekend(day) if one.word("weekend") else one_day(day)


# Days and weeks told from the day of writing, or from another day in the text

_DAYS_OFF = {"yesterday": -1, "last night": -1, "tomorrow": 1, "the day before yesterday": -2,
             "the day after tomorrow": 2}  # fmt: skip


def _day(one: Expression, setting: Setting) -> Stretch | None:
    return _from_written(setting, "day", _DAYS_OFF.get(one.word("day"), 0))


def _from_written(setting: Setting, unit: str, count: int) -> Stretch | None:
    return around(setting.written, unit, count) if setting.written else None


def _weekday(one: Expression, setting: Setting) -> Stretch | None:
    which, week, written = one.word("which"), one.word("week"), setting.written
    if (which or week).removeprefix("the ") in ("that", "same", "following", "previous", "next") and (
        (which or week) != "next"
    ):
        return _weekday_told(one, setting, which or week, bool(week))
    if written is None:
        return None
    if week or which == "next":
        monday = one_week(written).start + timedelta(days={"last": -7, "this": 0, "next": 7}[week or which])
        return one_day(monday + timedelta(days=one.weekday))
    back, on = (written.weekday() - one.weekday) % 7, (one.weekday - written.weekday()) % 7
    if which in ("last", "this past"):
        # "last Tuesday", written on a Wednesday, is not yesterday
        least = 3 if which == "last" else 1
        return one_day(written - timedelta(days=back if back >= least else back + 7))
    if which == "this coming":
        return one_day(written + timedelta(days=on or 7))
    tense = setting.tense_of(one)
    if tense == "future" or (which == "this" and tense is None):
        return one_day(written + timedelta(days=on))
    return one_day(written - timedelta(days=back))


def _weekday_told(one: Expression, setting: Setting, which: str, by_week: bool) -> Stretch | None:
    """Like "that Friday", "the following Monday", "Tuesday of that week": counted from the time told before."""
    known = antecedent(one, setting)
    if known is None:
        return None
    step = {"the following": 1, "the next": 1, "the previous": -1}.get(which, 0)
    if by_week:
        return one_day(one_week(known.start).start + timedelta(days=7 * step + one.weekday))
    if step < 0:
        return one_day(known.start - timedelta(days=(known.start.weekday() - one.weekday - 1) % 7 + 1))
    first = known.end + timedelta(days=1) if step else known.start
    return one_day(first + timedelta(days=(one.weekday - first.weekday()) % 7))


_PLAIN_UNIT = {"night": "day", "morning": "day", "afternoon": "day", "evening": "day", "autumn": "fall"}
_SPAN_SO_FAR = ("this past", "the past", "the last")
_TOLD = {"that": 0, "that same": 0, "the same": 0, "the following": 1, "the next": 1, "the previous": -1,
         "the prior": -1, "the preceding": -1}  # fmt: skip
_AHEAD = re.compile(r"(?:over|in|within|during|for|throughout)\s+$", re.IGNORECASE)


def _unit(one: Expression, setting: Setting) -> Stretch | None:
    which, unit, count = one.word("which"), one.word("unit"), one.word("count")
    unit = _PLAIN_UNIT.get(unit, unit)
    if count and count not in ("one", "1"):
        return _so_far(unit, count, setting) if which in ("last", *_SPAN_SO_FAR) else None
    if which in _TOLD:
        return _unit_told(one, setting, unit, _TOLD[which])
    if unit == "weekend":
        return _weekend(which, one, setting)
    if unit in SEASONS:
        return _unit_season(which, unit, one, setting)
    if which in _SPAN_SO_FAR:
        return _so_far(unit, "one", setting)
    step = {"last": -1, "next": 1, "this coming": 1, "the coming": 1, "the upcoming": 1}.get(which, 0)
    return _from_written(setting, unit, step)


def _so_far(unit: str, count: str, setting: Setting) -> Stretch | None:
    """A time like "the past two weeks", which ends on the day it is told of."""
    if setting.written is None or unit not in ("day", "week", "month", "year", "decade"):
        return None
    begun = move(one_day(setting.written), unit, -_count(count))
    return Stretch(begun.start, setting.written, "year" if unit in ("year", "decade") else begun.unit)


def _unit_told(one: Expression, setting: Setting, unit: str, step: int) -> Stretch | None:
    if one.word("which") == "the next" and unit != "day" and _AHEAD.search(setting.text[: one.start][-12:]):
        return None  # "over the next year"
    known = antecedent(one, setting)
    if known is None:
        return _from_written(setting, unit, step) if step < 0 else None
    if unit == "day" and known.start != known.end:
        return None
    if unit in ("week", "weekend") and known.unit != "day":
        return None
    return around(known.end if step > 0 else known.start, unit, step)


def _weekend(which: str, one: Expression, setting: Setting) -> Stretch | None:
    written = setting.written
    if written is None:
        return None
    this, now = one_weekend(written), written.weekday() >= 5
    previous = one_weekend(written - timedelta(days=7))
    if which in ("last", *_SPAN_SO_FAR):
        return previous
    if which in ("next", "this coming", "the coming", "the upcoming"):
        return this if which != "next" and not now else one_weekend(written + timedelta(days=7))
    tense = setting.tense_of(one)
    if now or tense == "future" or (which == "this" and (tense is None or written.weekday() > 1)):
        return this
    return previous


def _unit_season(which: str, name: str, one: Expression, setting: Setting) -> Stretch | None:
    written = setting.written
    if written is None:
        return None
    this = around(written, name)
    if which in ("last", "next"):
        early = name == "winter" and 2 < written.month < 9  # the winter to come is "next" all spring and summer
        return around(written, name, -1 if which == "last" else 0 if early else 1)
    if which == "this" and name != "winter":
        return this
    ahead = setting.tense_of(one) == "future" or "coming" in which
    if ahead:
        return this if this.end >= written else around(written, name, 1)
    return this if this.start <= written else around(written, name, -1)


def _count(word: str) -> float:
    return NUMBERS[word] if word in NUMBERS else int(word)


_MOST = re.compile(r"\b(?:\w{2,}est|most|least|first|worst|only|time|lows?|highs?|record)\b[^.!?]*$", re.IGNORECASE)
_ENDS_HERE = re.compile(r"\s*(?:$|[.,;:!?)\]”—–])|\s*\n")


def _shift(one: Expression, setting: Setting) -> Stretch | None:
    """A time like "two years ago", "a week later", "the day before", "in ten days"."""
    sense, unit = one.word("sense"), one.word("unit").replace("centurie", "century")
    unit = {"second": "hour", "minute": "hour", "night": "day", "weekend": "week"}.get(unit, unit)
    if one.word("vague") not in ("", "the"):
        return None
    count, unit = _exact(_count(one.word("count") or "one"), unit, bool(one.word("half")))
    count *= 1 if sense in ("in", "later", "after", "afterward", "afterwards", "from now", "hence") else -1
    if sense in ("ago", "from now", "hence"):
        return _shift_written(setting, unit, count)
    if sense == "in":
        # "the most in 15 years" looks back
        back = _MOST.search(setting.text[max(0, one.start - 60) : one.start])
        return _shift_written(setting, unit, count) if not back and setting.tense_of(one) == "future" else None
    if sense in ("before", "after") and not _ENDS_HERE.match(setting.text, one.end):
        return _shift_event(one, setting, unit, count)
    known = antecedent(one, setting)
    if known is None:
        return _shift_written(setting, unit, count) if count < 0 else None
    return _shift_known(known, unit, count)


def _exact(count: float, unit: str, half: bool) -> tuple[int, str]:
    """Whole numbers of a unit: a year and a half is 18 months, half a century 50 years."""
    if (half or count == 0.5) and unit in ("year", "decade", "century"):
        per, finer = {"year": (12, "month"), "decade": (10, "year"), "century": (100, "year")}[unit]
        return int((count + 0.5 * half) * per), finer
    return int(count), unit


def _shift_written(setting: Setting, unit: str, count: int) -> Stretch | None:
    if unit == "hour":
        return _from_written(setting, "day", 0)
    if unit in ("decade", "century"):
        unit, count = "year", count * (10 if unit == "decade" else 100)
    return _from_written(setting, unit, count)


def _shift_event(one: Expression, setting: Setting, unit: str, count: int) -> Stretch | None:
    """A time like "two days after July 4": counted from the one told behind it, before the next comma."""
    if setting.text[one.end : one.end + 5].lower() == " last":  # "the week before last"
        return _shift_written(setting, unit, 2 * count)
    _, end = sentence_bounds(setting.text, one.start, one.end)
    comma = setting.text.find(",", one.end, end)
    follows = find_expressions(setting.text, one.end, end if comma < 0 else comma)
    known = resolve(follows[0], replace(setting, depth=setting.depth + 1)) if follows and setting.depth < 3 else None
    return _shift_known(known, unit, count) if known else None


def _shift_known(known: Stretch, unit: str, count: int) -> Stretch | None:
    if unit == "hour":
        return known if known.start == known.end else None
    if unit in ("day", "week") and known.unit != "day":
        return None
    if unit == "day" and known.start != known.end:
        known = one_day(known.start if count < 0 else known.end)
    return move(known, unit, count)


_RESOLVERS: dict[str, Callable[[Expression, Setting], Stretch | None]] = {
    "date": _date, "month": _date, "iso": _iso, "numeric": _numeric, "nth weekday": _nth, "nth part": _nth,
    "nine eleven": lambda one, setting: one_day(date(2001, 9, 11)), "ordinal": _ordinal, "year": _year,
    "years": _years, "decade": _decade, "century": _century, "quarter": _quarter, "season": _season,
    "holiday": _holiday, "day": _day, "weekday": _weekday, "unit": _unit, "shift": _shift,
}  # fmt: skip
