"""The words news writes time in: where they stand in a text, and what they are made of.

Only the grammar. What an expression means on the calendar is worked out in ``qa.dates``.
General date parsers were tried first: they give "in June" a day of the month, take "$5" and "33" for dates,
do not know "mid-January" or "last week" as a week, and need up to five milliseconds.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from re import Match

from qa.days import SEASONS

WEEKDAYS = {
    name: number
    for number, names in enumerate(
        ("monday mon", "tuesday tues tue", "wednesday wed", "thursday thurs thur thu", "friday fri", "saturday sat",
         "sunday sun")
    )
    for name in names.split()
}  # fmt: skip
MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), 1,
    )
    for name in names.split()
}  # fmt: skip
NUMBERS = {
    word: number
    for number, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty".split(), 1,
    )
} | {"a": 1, "an": 1, "a couple": 2, "a couple of": 2, "a dozen": 12, "thirty": 30, "forty": 40, "fifty": 50,
     "half a": 0.5}  # fmt: skip
ORDINALS = {
    word: number
    for number, words in enumerate(("first 1st", "second 2nd", "third 3rd", "fourth 4th", "fifth 5th"), 1)
    for word in words.split()
} | {"last": -1, "final": -1}
# How a holiday is written, and the name it goes by in qa.days. Of two that begin alike the longer stands first.
_HOLIDAY_NAMES = {
    r"christmas eve": "christmas eve", r"christmas(?: day)?|xmas": "christmas", r"easter monday": "easter monday",
    r"new year['’]?s eve": "new year's eve", r"new year['’]?s day": "new year's day",
    r"thanksgiving(?: day)?": "thanksgiving", r"memorial day": "memorial day", r"labou?r day": "labor day",
    r"independence day|(?:the )?(?:fourth|4th) of july|july (?:fourth|4th)": "independence day",
    r"halloween": "halloween", r"valentine['’]?s day": "valentine's day", r"easter(?: sunday)?": "easter",
    r"good friday": "good friday", r"palm sunday": "palm sunday",
    r"ash wednesday": "ash wednesday", r"maundy thursday": "maundy thursday", r"fat tuesday|shrove tuesday":
    "fat tuesday", r"mardi gras": "mardi gras", r"ascension day": "ascension day", r"pentecost": "pentecost",
    r"juneteenth": "juneteenth", r"veterans['’]? day": "veterans day", r"groundhog day": "groundhog day",
    r"armistice day|remembrance day": "armistice day", r"(?:saint|st\.?) patrick['’]?s day": "st patrick's day",
    r"(?:martin luther king(?:,? jr\.?)?|mlk) day": "martin luther king day",
    r"president(?:s|['’]s|s['’]) day": "presidents day", r"april fool(?:s|['’]s|s['’]) day": "april fools' day",
    r"columbus day|indigenous peoples?['’]?s? day": "columbus day", r"earth day": "earth day",
    r"may day": "may day", r"cinco de mayo": "cinco de mayo", r"bastille day": "bastille day",
    r"guy fawkes (?:night|day)|bonfire night": "guy fawkes night", r"boxing day": "boxing day",
    r"mother['’]?s['’]? day": "mother's day", r"father['’]?s['’]? day": "father's day",
    r"election (?:day|night)": "election day", r"black friday": "black friday", r"cyber monday": "cyber monday",
    r"giving tuesday": "giving tuesday", r"inauguration day": "inauguration day",
}  # fmt: skip
_HOLIDAYS = [(re.compile(pattern, re.IGNORECASE), name) for pattern, name in _HOLIDAY_NAMES.items()]


@dataclass(frozen=True, slots=True)
class Expression:
    """One time expression, ``text[start:end]``, with the named parts of the rule that found it."""

    kind: str
    start: int
    end: int
    match: Match[str]
    left_out: frozenset[str] = frozenset()

    @property
    def parts(self) -> frozenset[str]:
        """Names of the parts that the rule knows and that tell a time by themselves."""
        return frozenset(self.match.re.groupindex) - _ASIDE - self.left_out

    def without(self, parts: Iterable[str]) -> "Expression":
        return replace(self, left_out=self.left_out | frozenset(parts))

    def word(self, part: str) -> str:
        """A part in lower case, its white space single and without a full stop; "" if it is absent."""
        if part in self.left_out:
            return ""
        return " ".join((self.match.groupdict().get(part) or "").lower().replace("’", "'").rstrip(".").split())

    def number(self, part: str) -> int | None:
        """A part written in digits."""
        digits = self.word(part)
        return int(digits) if digits else None

    @property
    def year(self) -> int | None:
        """Named in digits; in full, except in ``numeric`` dates."""
        return self.number("year") or self.number("tightyear")

    @property
    def month(self) -> int:
        month = self.word("month")
        return int(month) if month.isdigit() else MONTHS[month]

    @property
    def weekday(self) -> int | None:
        return WEEKDAYS.get(self.word("weekday"))

    @property
    def holiday(self) -> str:
        """The name as ``qa.days`` knows it."""
        return next(name for pattern, name in _HOLIDAYS if pattern.fullmatch(self.word("holiday")))

    def touches(self, start: int, end: int, parts: Iterable[str] | None = None) -> bool:
        """Whether ``text[start:end]`` holds some of the parts that tell a time, or of those named."""
        named = self.parts if parts is None else [part for part in parts if part in self.match.re.groupindex]
        return any(max(self.match.start(part), start) < min(self.match.end(part), end) for part in named)


_ASIDE = frozenset({"which", "whichyear", "count", "sense"})  # words that are no time by themselves

# The grammar. White space is _S: any but a line break.

_S, _O = r"[^\S\n]+", r"[^\S\n]*"
_FULL_WEEKDAY = r"(?P<weekday>(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?!\w)"
_WEEKDAY = r"(?P<weekday>(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tues?|wed|thur?s?|fri|sat|sun)"
_MONTH = (
    r"(?P<month>(?:january|february|march|april|may|june|july|august|september|october|november|december)(?!\w)"
    r"|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)(?![^\W\d_])\.?)"
)
_DIGITS = r"(?P<year>1[0-9]\d\d|20\d\d)"
_YEAR = rf"{_DIGITS}(?![\w%]|[.,]\d|-\d{{3}})"
_OTHER_YEAR = rf"(?P<whichyear>last|this|next|that|the{_S}(?:previous|following|same)){_S}year"
_OF_YEAR = rf"(?:,?{_S}(?:(?:of|in){_S})?(?:{_YEAR}|{_OTHER_YEAR})|,(?P<tightyear>20\d\d)\b)"
_TH = r"(?:st|nd|rd|th)?"
_DAY = rf"(?P<day>\d{{1,2}}){_TH}(?!\w|[.,:/]\d|{_O}%)"
_TO = rf"(?:{_O}[-–—]{_O}|{_S}(?:to|through|thru|until|and){_S})"
# What follows "June 3 and 10" if the 10 is a day, not "10 people".
_AFTER_DAY = (
    rf"(?={_O}(?:[.,;:)’'\"”]|$|\n)|{_S}(?:in|at|on|for|with|by|when|as|from|was|were|will|of|this|last|next|the"
    rf"|\d{{4}})\b)"
)
_WEEK_OF = rf"(?:(?P<weekof>week(?:end)?){_S}(?:of|beginning|starting|commencing|ending){_S})?"
_COUNT = rf"(?P<count>(?<![\d.,$£€])\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True)).replace(' ', _S)})"
_NTH = rf"(?:the{_S})?(?P<nth>{'|'.join(ORDINALS)}){_S}"
_WHICH = (
    rf"(?P<which>this(?:{_S}(?:past|coming|same))?|last|next|that(?:{_S}same)?|the{_S}"
    r"(?:past|last|coming|next|following|previous|prior|preceding|same|current|upcoming))"
)
_THIS = rf"(?P<which>this(?:{_S}(?:past|coming))?|last|next|that|the{_S}(?:following|next|previous|same))"
_SEASON = r"(?P<season>spring|summer|fall|autumn|winter)"
_PART_OF = rf"(?:end|start|beginning|middle|rest|later|earlier|early|late|half|course){_S}(?:of|in){_S}the"

# Each with the classes of words that it can begin with.
_RULES = (
    ("date", "month weekday week", rf"{_WEEK_OF}(?:{_WEEKDAY}[.,]?,?{_S}(?:the{_S})?)?{_MONTH},?{_S}{_DAY}"
                      rf"(?:{_TO}(?P<day2>\d{{1,2}}){_TH}{_AFTER_DAY})?{_OF_YEAR}?"),
    ("date", "digits weekday week the", rf"{_WEEK_OF}(?:{_WEEKDAY}[.,]?,?{_S})?(?:the{_S})?"
                      rf"(?:(?<![\d.,:$£€/-])(?P<day1>\d{{1,2}}){_TH}{_TO})?(?<![\d.,:$£€/])(?P<day>\d{{1,2}}){_TH}{_S}(?:of{_S})?{_MONTH}{_OF_YEAR}?"),
    ("month", "month which the", rf"(?:{_THIS}{_S})?{_MONTH}{_OF_YEAR}?"),
    ("iso", "digits", rf"(?<![\d/-]){_DIGITS}[-/](?P<month>0?[1-9]|1[0-2])[-/](?P<day>[0-2]?\d|3[01])(?!\d)"),
    ("numeric", "digits", r"(?<![\d/.])(?P<first>[0-3]?\d)(?P<mark>[/.])(?P<second>[0-3]?\d)(?P=mark)"
                          r"(?P<year>(?:19|20)\d\d|\d\d)(?![\d/])"),
    ("nine eleven", "digits", r"(?<![\d/])(?P<day>9/11)(?![\d/])"),
    ("nth weekday", "nth the", rf"{_NTH}{_FULL_WEEKDAY}{_S}(?:in|of){_S}{_MONTH}{_OF_YEAR}?"),
    ("nth part", "nth the", rf"{_NTH}(?P<unit>weekend|week|day){_S}(?:in|of){_S}{_MONTH}{_OF_YEAR}?"),
    ("weekday", "weekday which the", rf"(?:{_THIS}{_S})?{_FULL_WEEKDAY}(?:{_S}(?:(?:of|in){_S})?"
                           rf"(?P<week>last|this|next|that|the{_S}(?:previous|following|same)){_S}week)?"),
    ("day", "relative which the", rf"(?P<day>the{_S}day{_S}before{_S}yesterday|the{_S}day{_S}after{_S}tomorrow|today"
                    rf"|tonight|yesterday|tomorrow|overnight|last{_S}night|this{_S}(?:morning|afternoon|evening))\b(?!-)"),
    ("unit", "which the", rf"{_WHICH}{_S}(?:{_COUNT}{_S})?(?:(?:fiscal|school|calendar|academic){_S})?(?P<unit>day"
                     r"|night|morning|afternoon|evening|weekend|week|month|quarter|year|decade|century|spring|summer|fall"
                     r"|autumn|winter)(?P<plural>s)?\b(?!-)"),
    ("unit", "part", rf"(?P<which>{_PART_OF}){_S}(?P<unit>week|month|year|decade|century)\b(?!-)"),
    ("unit", "the", rf"(?P<which>the){_S}(?P<unit>weekend|spring|summer|fall|autumn|winter)\b(?!-)"
                     rf"(?!{_S}(?:of|games|olympics|solstice|break|season|time|months)\b)"),
    ("shift", "count digits the", rf"(?:{_COUNT}|(?P<vague>several|many|some|(?:a{_S})?few|the)){_S}(?P<unit>second"
                      rf"|minute|hour|day|night|weekend|week|month|year|decade|century|centurie)(?P<plural>s)?(?:{_S}and{_S}a{_S}"
                      rf"(?P<half>half))?{_S}(?P<sense>ago|earlier|later|before|after|prior|previously|afterwards?"
                      rf"|from{_S}now|hence)\b"),
    ("shift", "in", rf"(?P<sense>in){_S}(?:(?:about|just|another){_S})?{_COUNT}{_S}(?P<unit>day|week|month|year)"
                      rf"(?:s?['’]?s?{_S}time|s)?\b(?!['’])(?!{_S}(?:ago|earlier|later|before|after|prior|and)\b)"),
    ("season", "season the", rf"(?:the{_S})?{_SEASON}(?:{_S}season)?{_OF_YEAR}(?:[-–/]\d\d(?:\d\d)?\b)?"),
    ("season", "digits", rf"(?<![\d,.$£€-]){_DIGITS}{_S}{_SEASON}\b(?!{_S}(?:olympics|paralympics|games))"),
    ("holiday", "holiday which the", rf"(?:(?P<which>last|this|next|this{_S}(?:past|coming)){_S})?(?P<holiday>"
                           rf"{'|'.join(_HOLIDAY_NAMES).replace(' ', _S)})(?!\w)"
                           rf"(?P<weekend>{_S}weekend)?{_OF_YEAR}?"),
    ("quarter", "nth the", rf"{_NTH}(?:fiscal{_S})?(?P<part>quarter|half){_OF_YEAR}"),
    ("quarter", "q", rf"q(?P<nth>[1-4])(?P<part>){_OF_YEAR}"),
    ("years", "digits", rf"(?<![\d.,:$£€#/-]){_DIGITS}\s?[-–/]\s?(?P<year2>(?:1[5-9]|20)\d\d|\d\d)"
                        r"(?![\w%/-]|[.,]\d)"),
    ("year", "digits", rf"(?<![\d.,:$£€#/&+-]){_YEAR}"),
    ("decade", "digits", r"(?<![\d.,$£€])(?P<decade>(?:1[0-9]|20)\d0)['’]?s\b"),
    ("decade", "digits", r"(?:(?<=['’‘])|(?<=the )|(?<=arly )|(?<=late )|(?<=mid-))(?P<decade>[1-9]0)['’]?s\b"),
    ("century", "digits", rf"(?P<century>\d{{1,2}})(?:st|nd|rd|th)(?:{_S}|-)century\b"),
    ("ordinal", "the", rf"the{_S}(?P<day>\d{{1,2}})(?:st|nd|rd|th)(?=\s*(?:[.,;:)’'\"”]|$|\n))"),
)  # fmt: skip
_STARTS = {
    "month": " ".join(MONTHS), "weekday": " ".join(WEEKDAYS), "week": "week weekend", "the": "the",
    "which": "last this next that", "nth": " ".join(ORDINALS) + " 1 2 3 4 5", "in": "in",
    "q": "q", "season": " ".join(SEASONS), "digits": "#",
    "relative": "today tonight yesterday tomorrow overnight", "count": " ".join(NUMBERS) + " several many some few",
    "part": "end start beginning middle rest later earlier early late half course",
    "holiday": "christmas xmas new thanksgiving memorial labor labour independence fourth 4 july halloween valentine "
    "easter good palm ash maundy fat shrove mardi ascension pentecost juneteenth veterans groundhog armistice "
    "remembrance saint st martin mlk president presidents april columbus indigenous earth may cinco bastille guy "
    "bonfire boxing mother mothers father fathers election black cyber giving inauguration",
}  # fmt: skip


def _rules_by_word() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """First word, or "#" for any number in digits -> the rules to try there."""
    rules: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for kind, starts, pattern in _RULES:
        compiled = re.compile(rf"(?<!\w)(?:{pattern})", re.IGNORECASE)
        for word in {word for start in starts.split() for word in _STARTS[start].split()}:
            rules.setdefault(word, []).append((kind, compiled))
    return rules


_BY_WORD = _rules_by_word()
_WORD = re.compile(r"[^\W\d_]+|\d+")


def find_expressions(text: str, start: int, end: int) -> list[Expression]:
    """The time expressions of ``text`` between two offsets, in order; of two that overlap the longer one."""
    found = []
    for word in _WORD.finditer(text, start, end):
        first = word.group().lower()
        rules = (*_BY_WORD.get(first, ()), *_BY_WORD["#"]) if first.isdigit() else _BY_WORD.get(first, ())
        for kind, pattern in rules:
            if match := pattern.match(text, word.start(), end):
                found.append(Expression(kind, match.start(), match.end(), match))
    kept: list[Expression] = []
    for one in sorted(found, key=lambda each: (each.start - each.end, each.start)):
        if all(one.end <= other.start or one.start >= other.end for other in kept) and is_time(one, text):
            kept.append(one)
    return sorted(kept, key=lambda each: each.start)


# Words that look like time and are none: "may", Theresa May, The March on Washington, Sunday Times, 1500 people

_LEADS = frozenset(
    """in on of since by until till last next this that early late mid from to through thru and or during before after
    between around about for as every each past coming previous following beginning starting ending effective both end
    start middle through over back is was founded established built born est""".split()
)
_SURE_LEADS = frozenset("in of since by until till early late mid during through from".split())
_TITLES = frozenset("Mr Mrs Ms Dr Sen Rep Gov".split())
_NAMES_TOO = frozenset({"may", "march", "april", "june", "august"})
_OPENS = re.compile(r"\s*(?:['’,–—]|-|(?:was|is|and|to|through|saw|brought|marked|\d{4})\b)")
_TITLE = re.compile(r"\s+(?:Night (?:Live|Football|Lights|Fever)|Times|Mirror|Mail|Telegraph|Express|Murder)\b")
_NO_WEEKDAY = frozenset("every each super bloody sheffield freaky manic ruby casual throwback".split())
_NUMBERED = frozenset("no route highway room flight channel".split())
_COUNTED = re.compile(
    r"\s+(?:people|persons?|men|women|children|deaths?|cases|votes|homes|miles|kilomet|km|met(?:er|re)s|feet|foot|pounds?"
    r"|lbs?|kg|tons?|tonnes|dollars|euros|points|jobs|workers|employees|students|troops|soldiers|calories|square|acres"
    r"|mph|hours|minutes|seconds|days|times|yards|years|units|copies|followers|members|percent|per\s)",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"([\w.'’]+)[^\w\n]*$")


def is_time(expression: Expression, text: str) -> bool:
    """Whether the words mean a time here, as far as those beside them tell."""
    kind, start, end = expression.kind, expression.start, expression.end
    before = match.group(1) if (match := _BEFORE.search(text[max(0, start - 24) : start])) else ""
    if kind in ("month", "date"):
        return _is_month(expression, text, before)
    if kind == "weekday":
        return before.lower() not in _NO_WEEKDAY and not _TITLE.match(text, end)
    if kind == "year":
        return _is_year(expression, text, before)
    if kind == "day":
        return not (text[start:end] == "TODAY" and before == "USA")
    if kind == "unit":
        return _is_unit(expression)
    if kind == "shift" and expression.word("vague") == "the":
        return expression.word("sense") in ("before", "after") and not expression.word("plural")
    if kind == "decade" and expression.number("decade") < 100:
        return not re.search(r"degree|temperature|\bhighs?\b|\blows?\b|heat\b", text[max(0, start - 80) : end + 40])
    return True


def _is_month(expression: Expression, text: str, before: str) -> bool:
    word, lead = expression.match["month"], before.lower().strip(".")
    lower, which = word.lower().rstrip("."), expression.word("which")
    verb = word[0].islower() and lower in ("may", "march")
    if expression.kind == "date" and not verb:
        return 1 <= expression.number("day") <= 31
    if text.startswith(" Madness", expression.end):
        return False
    if verb:  # "in march", not "to march"
        return lead in _SURE_LEADS or (which in ("last", "next") and lead != "the")
    if which not in ("", "that") or lead in _LEADS or expression.year or expression.word("whichyear"):
        return True
    if len(lower) <= 4 and lower not in ("may", "june", "july"):  # "Jan", "Mar" and "Sep" are names too
        return False
    return lower not in _NAMES_TOO or _is_no_name(expression, text, before)


def _is_no_name(expression: Expression, text: str, before: str) -> bool:
    """Whether "May", "March", "April" ... alone is the month, by what stands before and behind it."""
    at, end = expression.match.span("month")
    if not before or text[max(0, at - 3) : at].rstrip()[-1:] in '.!?”"\n':
        return before.rstrip(".") not in _TITLES and _OPENS.match(text, end) is not None
    article = before.lower() == "the" and expression.word("month") in ("may", "march")
    return before[:1].islower() and not article and re.match(r"\s+[A-Z]", text[end : end + 3]) is None


def _is_year(expression: Expression, text: str, before: str) -> bool:
    start, end = expression.start, expression.end
    if text[start - 1 : start] in tuple("\"“'‘") and text[end : end + 1] in tuple("\"”'’,"):
        return False  # a title
    if _COUNTED.match(text, end) or before.lower().rstrip(".") in _NUMBERED:
        return False
    return expression.year >= 1900 or before.lower() in _LEADS or text[start - 1 : start] == "("


def _is_unit(expression: Expression) -> bool:
    which, unit, count = expression.word("which"), expression.word("unit"), expression.word("count")
    if bool(count and count not in ("one", "1")) != bool(expression.word("plural")):
        return False
    return not (unit == "day" and which in ("this", "last", "the last") and not count)
