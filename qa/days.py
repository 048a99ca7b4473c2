"""Stretches of days: what "March 2022", "last week" or "Christmas Eve" come to on the calendar.

Arithmetic alone, no language. Weeks begin on Monday. Seasons are the northern meteorological ones.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from dateutil.easter import easter
from dateutil.relativedelta import FR, MO, SU, TH, relativedelta

Unit = Literal["day", "month", "year"]
SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}  # the first of their three months


@dataclass(frozen=True, slots=True)
class Stretch:
    """All days from ``start`` to ``end``, both included; ``unit`` is how finely the words tell them."""

    start: date
    end: date
    unit: Unit = "day"

    def __str__(self) -> str:
        """``YYYY-MM-DD``, ``YYYY-MM``, ``YYYY``, or two of one kind as ``A/B``."""
        size = {"day": 10, "month": 7, "year": 4}[self.unit]
        first, last = self.start.isoformat()[:size], self.end.isoformat()[:size]
        return first if first == last else f"{first}/{last}"


def parse_stretch(written: str) -> Stretch:
    """The days that ``YYYY-MM-DD``, ``YYYY-MM``, ``YYYY`` or ``A/B`` stands for; ValueError for anything else."""
    first, slash, last = written.partition("/")
    begin, finish = _parse_one(first), _parse_one(last if slash else first)
    if begin.start > finish.end:
        raise ValueError(f"{written!r} ends before it begins")
    finest = min(begin, finish, key=lambda part: ("day", "month", "year").index(part.unit))
    return Stretch(begin.start, finish.end, finest.unit)


def _parse_one(written: str) -> Stretch:
    numbers = [int(number) for number in written.split("-")]
    if len(written) not in (4, 7, 10) or len(numbers) != (len(written) - 1) // 3:
        raise ValueError(f"{written!r} is no date; write YYYY-MM-DD, YYYY-MM or YYYY")
    first = date(*numbers, *(1,) * (3 - len(numbers)))
    if len(numbers) == 3:
        return one_day(first)
    return one_month(first.year, first.month) if len(numbers) == 2 else one_year(first.year)


def one_day(day: date) -> Stretch:
    return Stretch(day, day)


def one_month(year: int, month: int, months: int = 1) -> Stretch:
    """The month, or so many months from it on. ``month`` may lie outside of 1 to 12."""
    start = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)
    return Stretch(start, start + relativedelta(months=months, days=-1), "month")


def one_year(year: int, years: int = 1) -> Stretch:
    return Stretch(date(year, 1, 1), date(year + years - 1, 12, 31), "year")


def one_decade(year: int) -> Stretch:
    return one_year(year // 10 * 10, 10)


def one_century(number: int) -> Stretch:
    """The 20th runs from 1901 to 2000."""
    return one_year(100 * number - 99, 100)


def one_week(day: date) -> Stretch:
    """The week, Monday to Sunday, that ``day`` is in."""
    monday = day - timedelta(days=day.weekday())
    return Stretch(monday, monday + timedelta(days=6))


def one_weekend(day: date) -> Stretch:
    """Saturday and Sunday of the week that ``day`` is in."""
    sunday = one_week(day).end
    return Stretch(sunday - timedelta(days=1), sunday)


def one_season(year: int, name: str) -> Stretch:
    """The season that begins in ``year``: the winter of 2021 ends in February 2022."""
    return one_month(year, SEASONS[name], 3)


def one_quarter(year: int, number: int) -> Stretch:
    """Quarter ``number`` of ``year``; numbers outside of 1 to 4 run into other years."""
    return one_month(year, 3 * number - 2, 3)


def nth_weekday(month: Stretch, weekday: int, n: int) -> date:
    """The ``n``-th ``weekday`` (Monday is 0) of a month, or the last one if ``n`` is -1."""
    if n == -1:
        return month.end - timedelta(days=(month.end.weekday() - weekday) % 7)
    return month.start + timedelta(days=(weekday - month.start.weekday()) % 7 + 7 * (n - 1))


def move(stretch: Stretch, unit: str, count: int) -> Stretch:
    """``stretch`` so many units later, told no more finely than the unit: two years after 5 May 2020 is 2022.

    Days and weeks keep days, as "a week later" tells a day when it is said of one.
    """
    if unit in ("day", "week"):
        days = timedelta(days=count * (7 if unit == "week" else 1))
        return Stretch(stretch.start + days, stretch.end + days)
    if unit == "month":
        return one_month(stretch.start.year, stretch.start.month + count)
    return one_year(stretch.start.year + count * {"year": 1, "decade": 10, "century": 100}[unit])


def around(day: date, unit: str, count: int = 0) -> Stretch:
    """The day, week, month ... that ``day`` is in, or so many of them later."""
    if unit in SEASONS:
        year = day.year - (unit == "winter" and day.month <= 2)
        return one_season(year + count, unit)
    weeks = day + timedelta(days=7 * count) if unit in ("week", "weekend") else day
    match unit:
        case "week":
            return one_week(weeks)
        case "weekend":
            return one_weekend(weeks)
        case "quarter":
            return one_quarter(day.year, (day.month + 2) // 3 + count)
        case "decade":
            return one_decade(day.year + 10 * count)
        case "century":
            return one_century((day.year + 99) // 100 + count)
    return move({"day": one_day(day)}.get(unit, one_month(day.year, day.month)), unit, count)


def nearest(choices: list[date], day: date, direction: int) -> date:
    """The choice nearest to ``day`` that does not lie after it (-1), not before it (1), or anywhere (0)."""
    fitting = [choice for choice in choices if direction * (choice - day).days >= 0]
    return min(fitting or choices, key=lambda choice: abs((choice - day).days))


# Holidays

_FIXED = {
    "new year's day": (1, 1), "groundhog day": (2, 2), "valentine's day": (2, 14), "st patrick's day": (3, 17),
    "april fools' day": (4, 1), "earth day": (4, 22), "may day": (5, 1), "cinco de mayo": (5, 5),
    "juneteenth": (6, 19), "independence day": (7, 4), "bastille day": (7, 14), "halloween": (10, 31),
    "guy fawkes night": (11, 5), "veterans day": (11, 11), "armistice day": (11, 11), "christmas eve": (12, 24),
    "christmas": (12, 25), "boxing day": (12, 26), "new year's eve": (12, 31),
}  # fmt: skip
_AFTER_EASTER = {
    "fat tuesday": -47, "mardi gras": -47, "ash wednesday": -46, "palm sunday": -7, "maundy thursday": -3,
    "good friday": -2, "easter": 0, "easter monday": 1, "ascension day": 39, "pentecost": 49,
}  # fmt: skip
_BY_WEEKDAY: dict[str, Callable[[int], date]] = {
    "martin luther king day": lambda year: date(year, 1, 1) + relativedelta(weekday=MO(3)),
    "presidents day": lambda year: date(year, 2, 1) + relativedelta(weekday=MO(3)),
    "mother's day": lambda year: date(year, 5, 1) + relativedelta(weekday=SU(2)),
    "memorial day": lambda year: date(year, 5, 31) + relativedelta(weekday=MO(-1)),
    "father's day": lambda year: date(year, 6, 1) + relativedelta(weekday=SU(3)),
    "labor day": lambda year: date(year, 9, 1) + relativedelta(weekday=MO(1)),
    "columbus day": lambda year: date(year, 10, 1) + relativedelta(weekday=MO(2)),
    "election day": lambda year: date(year, 11, 1) + relativedelta(weekday=MO(1)) + timedelta(days=1),
    "thanksgiving": lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)),
    "black friday": lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)) + timedelta(days=1),
    "cyber monday": lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)) + timedelta(days=4),
    "giving tuesday": lambda year: date(year, 11, 1) + relativedelta(weekday=TH(4)) + timedelta(days=5),
}
# Inauguration Day comes every fourth year: asked for in another, it is the one before.
_EVERY_FOUR = {"inauguration day": (1, 20)}
HOLIDAYS = (*_FIXED, *_AFTER_EASTER, *_BY_WEEKDAY, *_EVERY_FOUR)


def holiday(name: str, year: int) -> date:
    """The day of a holiday of ``HOLIDAYS`` in ``year``, as the United States keep it; "easter" is the Western one."""
    if name in _FIXED:
        return date(year, *_FIXED[name])
    if name in _AFTER_EASTER:
        return easter(year) + timedelta(days=_AFTER_EASTER[name])
    if name in _EVERY_FOUR:
        return date(year - (year - 1) % 4, *_EVERY_FOUR[name])
    return _BY_WEEKDAY[name](year)


def holiday_weekend(day: date) -> Stretch:
    """The weekend that goes with a holiday: from a Thursday on, with a Monday or a Friday, else the nearest one."""
    if day.weekday() == TH.weekday:
        return Stretch(day, day + timedelta(days=3))
    near = one_weekend(day - timedelta(days=2) if day.weekday() <= 1 else day)
    if day.weekday() in (MO.weekday, FR.weekday):
        return Stretch(min(day, near.start), max(day, near.end))
    return near


def mean_the_same(one: str | None, other: str | None) -> bool:
    """Whether two dates in ``resolve_date``'s form are the same days: 2022-03/2022-05 is 2022-03-01/2022-05-31."""
    if one is None or other is None:
        return one == other
    days, others = parse_stretch(one), parse_stretch(other)
    return (days.start, days.end) == (others.start, others.end)
