"""Periods that a question names: "in March 2022", "last week", "before 2020", "the latest".

A period tells which of several answers is meant, when articles of other times give others. It is there to
prefer answers, never to hide one: a question may name a year for many reasons.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from qa.dates import find_interval
from qa.days import Stretch
from qa.expectation import expected_kind
from qa.expressions import Expression, find_expressions
from qa.tense import find_tense
from qa.years import Setting

Kind = Literal["within", "before", "after", "as_of", "latest", "event"]


@dataclass(frozen=True, slots=True)
class Period:
    """A period in a question, both days included; None is open, and both are for ``latest``.

    ``start_in`` and ``end_in`` are the offsets of its words in the question, in code points. ``relative``: the days
    hang on the day the question is asked ("last week", "in March"). ``event``: the words tell events apart ("the
    2020 election"), not when something was or was written.
    """

    start: date | None
    end: date | None
    start_in: int
    end_in: int
    kind: Kind
    relative: bool = False


def find_period(question: str, asked_on: date) -> Period | None:
    """The period that a question names, if its words surely are one; None otherwise. Never raises.

    Of several, one that says when comes before one that tells events apart, then the first.
    """
    periods = [period for period in _find_all(question, asked_on) if period is not None]
    if not periods:
        return _find_latest(question)
    return min(periods, key=lambda period: (period.kind == "event", period.start_in))


# Days after a period in which it is still reported on: the figures of March come out in April.
_REPORTED_LATER = ((2, 7), (31, 45), (400, 90))  # (longest period it goes for, days)
_EVENT_NEAR = timedelta(days=60)


def publication_days(period: Period) -> tuple[date, date] | None:
    """First and last day on which articles about the period may well have been published; None where there is no
    telling. Figures come out after their month, and of an event one writes before and after it."""
    if period.start is None and period.end is None:
        return None
    start, end = period.start or date.min, period.end or date.max
    if period.kind == "event":
        return start - min(_EVENT_NEAR, start - date.min), _later(end, _EVENT_NEAR)
    length = (end - start).days + 1
    wait = next((days for longest, days in _REPORTED_LATER if length <= longest), 90)
    return start, _later(end, timedelta(days=0 if period.kind == "before" else wait))


def _later(day: date, wait: timedelta) -> date:
    return day + min(wait, date.max - day)


_CLOCK = re.compile(r"\b(?:what|which) time\b", re.IGNORECASE)


def is_time_question(question: str) -> bool:
    """Whether a calendar date answers it: "When did", "What year"; but not "What time", which asks for the clock."""
    return expected_kind(question) == "time" and _CLOCK.search(question) is None


# How the words before an expression say what it is to the question

_WITHIN = (
    "in|on|during|throughout|over|within|early in|late in|in early|in late|in mid|mid|early|late|at the end of|at the "
    "start of|by the end of|at|for|from|of|between|around|about"
)
_LEAD = re.compile(
    r"\b(?P<kind>before|prior to|until|till|by|up to|after|since|as of|as at|following"
    rf"|{_WITHIN.replace(' ', '[ ]')})[\s-]+(?:(?:the|early|late|mid|end of|start of|beginning of)[\s-]+)*$",
    re.IGNORECASE,
)
# "before the election of 2020"; but "before the mill burned down in 2020" is told where the fire is told of
_BY_EVENT = re.compile(
    r"\b(?P<kind>before|after|since|until)\s+the\s+(?:[\w’'-]+\s+){1,2}(?:of|in)\s+(?:the\s+)?$", re.IGNORECASE
)
_BY_CLAUSE = re.compile(r"\b(?:before|after|since|until)\b[^,.;?]{1,80}\b(?:in|on)\s+$", re.IGNORECASE)
_KINDS: dict[str, Kind] = {
    "before": "before", "prior to": "before", "until": "before", "till": "before", "up to": "before", "by": "before",
    "after": "after", "following": "after", "since": "after", "as of": "as_of", "as at": "as_of",
}  # fmt: skip
_ON = ("on", "at", "over", "since", "before", "after", "until", "by", "during")
_EXCLUSIVE = ("before", "prior to", "after", "following")
_TITLED = re.compile(
    r"(?:[\"“‘'«]|\b(?:films?|movies?|novels?|book|album|songs?|series|show|play|game|titled|called|named|entitled"
    r"|route|room|flight|area|section|article|agenda|vision|version|windows|runner)\s+[\"“‘']?)$",
    re.IGNORECASE,
)
_SPAN = re.compile(r"\b(?:first|only|last|second|third)\s+time\s+$", re.IGNORECASE)


_NEAR = 120  # characters before and behind an expression that say what it is to the question
_MOST_READ = 12  # expressions of a question that are looked at
_AND = re.compile(r"\s*(?:[-–—]|\b(?:to|through|until|till|and|or)\b)\s*(?:the\s+)?", re.IGNORECASE)


def _find_all(question: str, asked_on: date) -> list[Period | None]:
    found = find_expressions(question, 0, len(question))[:_MOST_READ]
    periods = []
    for number, one in enumerate(found):
        if number and _continues(question, found[number - 1], one):
            continue
        group = [one]
        if number + 1 < len(found) and _continues(question, one, found[number + 1]):
            group.append(found[number + 1])
        periods.append(_read(group, question, asked_on))
    return periods


def _continues(question: str, one: Expression, other: Expression) -> bool:
    between = question[one.end : other.start]
    return _AND.fullmatch(between) is not None


def _read(group: list[Expression], question: str, asked_on: date) -> Period | None:
    one = group[0]
    base = max(0, one.start - _NEAR)
    before, after = question[base : one.start], question[group[-1].end : group[-1].end + _NEAR]
    lead = _LEAD.search(before)
    kind = _kind_of(one, lead, before, after)
    if kind is None:
        return None
    word = lead["kind"].lower() if lead else ""
    if kind == "within" and one.year and (event := _BY_EVENT.search(before)):
        lead, kind, word = event, _KINDS[event["kind"].lower()], ""
    try:
        tense = find_tense(question, one.start, group[-1].end) or "past"
        days = find_interval(group, Setting(question, asked_on, tense))
        bounds = _bounds(days, kind, word) if days else None
    except (ValueError, OverflowError):
        return None
    if days is None or bounds is None:
        return None
    if kind == "within" and (days.start > asked_on or (one.year and _BY_CLAUSE.search(before))):
        kind = "event"  # what is still to come is written of before it
    bounds = _part_of_month(bounds, one, before) if kind == "within" and len(group) == 1 else bounds
    relative = not any(each.year or each.kind in ("decade", "century", "nine eleven") for each in group)
    start_in = base + lead.start() if lead and kind != "event" else one.start
    return Period(*bounds, start_in, group[-1].end, kind, relative)


# A word that a year may tell apart: "2020 election", not "2020 and"
_NAMED = re.compile(
    r"\s+(?!(?:in|on|at|by|to|for|as|than|and|or|with|was|were|is|are|did|do|does|had|has|have|compared|after|before|from"
    r"|when|while|if|but|so|according|because|who|what|which|where|how|why)\b)[^\W\d_]",
    re.IGNORECASE,
)
_TELLING_APART = ("year", "years", "month", "date", "season", "holiday")
_DETERMINED = re.compile(r"\b(?:the|a|an|its|his|her|their|our|this|that|which|what|\w+['’]s?)\s+$", re.IGNORECASE)


def _kind_of(one: Expression, lead: re.Match[str] | None, before: str, after: str) -> Kind | None:
    """What an expression is to the question; None where it may be no period at all."""
    if _TITLED.search(before) or one.kind == "ordinal" or one.word("sense") == "in" or _SPAN.search(before):
        return None
    if after.startswith(("'s", "’s")):
        return "event"
    if one.kind in _TELLING_APART and _NAMED.match(after) and _attributive(one, before, lead):
        return "event"
    if one.kind == "holiday" and not (one.year or one.word("which")):
        # "Halloween" may be the film
        return _KINDS.get(lead["kind"].lower(), "within") if lead and lead["kind"].lower() in _ON else None
    if lead:
        return _KINDS.get(lead["kind"].lower(), "within")
    if one.kind in ("year", "years"):
        # "Groundhog Day 2021", "the Oscars 2022"; a bare number alone is no period
        return "event" if re.search(r"\b[A-Z][\w’'.-]*\s+$", before) else None
    if one.kind == "weekday" or (one.kind == "month" and not one.year and not one.word("which")):
        return "within" if one.word("which") or one.word("week") or not after.strip(" ?.!") else None
    return "within"


def _attributive(one: Expression, before: str, lead: re.Match[str] | None) -> bool:
    """Whether an expression stands before the noun that it tells apart: "its August 2022 increase"."""
    if one.match.group().lower().startswith("the ") or one.word("which"):
        return False
    if _DETERMINED.search(before):
        return True
    if one.kind in ("year", "years"):
        # "in 2020 Biden said" against "at 2020 Olympics" and "the Tokyo 2020 Olympics"
        if lead is None:
            return re.search(r"(?:^|\b[A-Z][\w’'.-]*)\s*$", before) is not None
        return lead["kind"].lower() not in ("in", "since", "during", "until", "by")
    return False


def _bounds(days: Stretch, kind: Kind, word: str) -> tuple[date | None, date | None]:
    """``before`` and ``after`` leave the days named out, ``until``, ``by`` and ``since`` do not.

    Nor does ``word`` "", for the days of an event: what came before the election of 2020 may have come in 2020.
    """
    aside = timedelta(days=word in _EXCLUSIVE)
    if kind == "before":
        return None, (days.start - aside if word in _EXCLUSIVE else days.end)
    if kind == "after":
        return (days.end + aside if word in _EXCLUSIVE else days.start), None
    return days.start, days.end


_PART = re.compile(r"\b(?P<part>early|mid|late)(?:\s+in)?[\s-]+$", re.IGNORECASE)
_PARTS = {"early": (1, 11), "mid": (8, 23), "late": (19, 31)}  # days of the month; the words are vague, so they overlap


def _part_of_month(
    bounds: tuple[date | None, date | None], one: Expression, before: str
) -> tuple[date | None, date | None]:
    """The days of "mid-July" within July."""
    start, end = bounds
    match = _PART.search(before) or re.match(r"(?P<part>early|mid|late)\b", one.match.group(), re.IGNORECASE)
    if match is None or start is None or end is None or start.day != 1 or not 27 <= (end - start).days <= 30:
        return bounds
    first, last = _PARTS[match["part"].lower()]
    return start.replace(day=first), start.replace(day=min(last, end.day))


_LATEST = re.compile(
    r"\b(?:latest|most recent(?:ly)?|newest|current(?:ly)?|right now|as of now|at present|at the moment|nowadays"
    r"|these days|up to date|to date|so far|now)\b(?!\s*['’])",
    re.IGNORECASE,
)
_NO_LATEST = re.compile(
    r"\b(?:until|till|by|before|just|ever since|alternating|direct|ocean|electric)\s+$", re.IGNORECASE
)


def _find_latest(question: str) -> Period | None:
    for match in _LATEST.finditer(question):
        titled = match.start() > 0 and match.group()[0].isupper() and not question.isupper()  # "Apocalypse Now"
        if not titled and not _NO_LATEST.search(question[: match.start()]):
            return Period(None, None, match.start(), match.end(), "latest", True)
    return None
