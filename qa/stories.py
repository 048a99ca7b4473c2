"""Whether an article tells of what a question is about, and how it tells a value: as news, or as past."""

import re
import unicodedata
from datetime import date
from functools import lru_cache

from index.articles import Article
from index.lexical import words
from index.passages import Passage
from qa.dates import resolve_date
from qa.days import parse_stretch
from qa.expressions import find_expressions
from qa.periods import Period
from qa.reader import Span
from qa.values import NUMBER, Value, read_number

_SMALL = frozenset(
    """a an the of in on at to for from by with and or is are was were be been do does did has have had what which who
    whom whose when where why how that this these those it its as there s many much people number first average total
    current currently latest now newest recent recently so far ever most more than world worldwide annual""".split()
)
_SAME = {"united states": "us", "u.s.": "us", "american": "us", "americans": "us", "america": "us", "usa": "us",
         "united kingdom": "uk", "u.k.": "uk", "britain": "uk", "british": "uk", "britons": "uk",
         "federal reserve": "fed"}  # fmt: skip
_OTHERWISE = re.compile(
    rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(_SAME, key=len, reverse=True)))})(?!\w)", re.IGNORECASE
)
_ALIKE = 0.6  # share of the telling words that an article must have too
_NAMED = 0.6  # share of the question's names that its best article must have
_COUNTRIES = {
    "us": re.compile(r"\b(?:U\.S\.|US|USA|United States|America|Americans?)\b|\bU\.S\."),
    "uk": re.compile(r"\b(?:UK|U\.K\.|United Kingdom|Britain|British|Britons?|England)\b|\bU\.K\."),
}
_NAME = re.compile(r"(?<![.?!]\s)(?<!^)\b[A-ZÀ-ÖØ-Þ][\w’'.-]*")


class Story:
    """What a question and the article that answers it best have in common, and other articles must have too.

    ``found`` is False where that article lacks too many of the question's names to be about it.
    """

    def __init__(self, question: str, article: Article, passage: Passage):
        names, terms = _terms(question)
        told = _told(article, passage.start, passage.end)
        # What is told at home names its country late, if at all: it counts anywhere in the article.
        self._countries = [_COUNTRIES[name] for name in names & terms & set(_COUNTRIES)]
        self._names = (names & told) - set(_COUNTRIES)
        named = names - set(_COUNTRIES)
        self.found = len(self._names) >= _NAMED * len(named)
        self._terms = (terms & told) - set(_COUNTRIES)

    def told_in(self, article: Article, span: Span) -> bool:
        """Whether the passage around the span, with its headline, names the same things and has most of the words."""
        told = _told(article, span.passage.start, span.passage.end)
        if not self._names <= told or len(self._terms & told) < _ALIKE * len(self._terms):
            return False
        return all(country.search(article.title) or country.search(article.text) for country in self._countries)


@lru_cache(maxsize=64)
def _terms(question: str) -> tuple[frozenset[str], frozenset[str]]:
    """(names, all telling words) of a question, months and years left out."""
    plain = list(question)
    for each in find_expressions(question, 0, len(question)):
        plain[each.start : each.end] = " " * (each.end - each.start)
    bare = "".join(plain)
    names = _stems(" ".join(match.group() for match in _NAME.finditer(bare)))
    return names, _stems(bare)


def _told(article: Article, start: int, end: int) -> frozenset[str]:
    return _stems(f"{article.title}. {article.text[start:end]}")


@lru_cache(maxsize=512)
def _stems(text: str) -> frozenset[str]:
    text = _OTHERWISE.sub(lambda match: _SAME[match.group().lower()], text)
    return frozenset(_stem(word) for word in words(text) if word not in _SMALL and len(word) > 1)


def _stem(word: str) -> str:
    """Enough of a word to meet its plural and its tenses."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)][:7]
    return word[:7]


def in_headline(value: Value, title: str) -> bool:
    """Whether a headline gives this very value."""
    if value.kind == "name":
        return value.words[-1] in {word.strip(".") for word in re.findall(r"[\w'’-]+", _plain(title))}
    numbers = (read_number(title, *match.span()) for match in NUMBER.finditer(title))
    return any(number is not None and number.key == value.key for number in numbers)


def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.replace("’s", "").replace("'s", ""))
    return "".join(c for c in bare if not unicodedata.combining(c)).casefold()


_SIDE = 90  # characters beside a value that say of what time it is
_OF = (
    r"(?:an?\s+|the\s+|about\s+|at least\s+|more than\s+|nearly\s+"
    r"|(?:\w+\s+)?(?:range|level|high|low|record|total)\s+of\s+)*[$£€]?$"
)
_NEW = re.compile(
    r"\b(?:(?:ris|climb|grow|jump|soar|surg|increas|drop|dip)\w*|risen|rose|grew|grown|fell|fallen|up|down|now|stands?|stood|sits?|raised|cut"
    rf"|brings?|bringing|brought)\b(?:(?!\bfrom\b)[^.;\d]){{0,50}}?\b(?:to|at)\s+{_OF}"
    r"|\b(?:reach(?:ed|es|ing)?|hit(?:s|ting)?|surpass(?:ed|es|ing)?|topp?(?:ed|s|ing)?|total(?:s|ed|ing)?|averag(?:ed|es|ing)"
    rf"|(?:is|are|was) (?:now|currently))\s+{_OF}",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\b(?:from|compared\s+(?:to|with)|versus|above\s+the|below\s+the|beating|by)\s+"
    rf"(?:\w+\s+)?{_OF}|\b(?:up|down|another|extra|additional)\s+"
    r"(?:(?:by|about|around|roughly|nearly|almost|some|more than)\s+)?[$£€]?$",
    re.IGNORECASE,
)
_PAST_BEFORE = re.compile(
    r"\b(?:(?:a|one|two|three|last|this time last|the previous|in the previous)\s+(?:year|month|week|decade)s?"
    r"(?:\s+(?:ago|earlier|before))?|previous(?:ly)?|briefly|earlier (?:this|in)|back in|since then"
    r"|at the time)\b[^.;\d]*$",
    re.IGNORECASE,
)
_PAST_AFTER = re.compile(
    r"^[^.;,\d]{0,30}\b(?:(?:a|one|two|three)\s+(?:year|month|week)s?\s+(?:ago|earlier|before)|last (?:year|month)"
    r"|(?:the )?(?:year|month|week) (?:before|earlier)|the previous (?:year|month|week)|at this time last)\b",
    re.IGNORECASE,
)
_TO_COME = re.compile(
    r"\b(?:will|would|could|might|may|expect(?:s|ed|ing)?|forecasts?|predict(?:s|ed)?|project(?:s|ed)|estimates? that"
    r"|if)\b(?:(?!\bhas\b|\bhave\b)[^.;]){0,70}$",
    re.IGNORECASE,
)
_FORMER = re.compile(
    r"\b(?:former|ex-?|then-?|previous|outgoing|late|predecessor,?|succeed(?:s|ed|ing)?|replac(?:e[sd]?|ing)|departing"
    r"|ousted|disgraced|deposed|unlike|move over)\W+(?:[\w.’'-]+\s+){0,4}$",
    re.IGNORECASE,
)

_TO = re.compile(r"\d\S*\s+to\s+\S*\d")


def newness(text: str, span: Span) -> int:
    """What the words around a value say of its time: 1 for "has risen to 43", -1 for "up from 28", "3.05% a year ago",
    "could reach 50" and "former", 0 where they say nothing."""
    before, after = _beside(text, span)
    if "%" in text[span.start : span.end] and re.search(r"\b(?:up|down)\s+$", before, re.IGNORECASE):
        return 0  # "prices were up 8.5%" is what inflation is
    moved = _TO.search(text[span.start : span.end]) is not None  # "from 4.5% to 5%" ends with what is new
    past = (_PAST_BEFORE, _FORMER, _TO_COME) if moved else (_FROM, _PAST_BEFORE, _FORMER, _TO_COME)
    if any(pattern.search(before) for pattern in past) or _PAST_AFTER.search(after):
        return -1
    return 1 if _NEW.search(before) else 0


def _beside(text: str, span: Span) -> tuple[str, str]:
    """What stands before and after a span in its sentence, or in the part of it that is near."""
    before = text[max(0, span.start - _SIDE) : span.start]
    before = before[
        max(before.rfind(stop) + len(stop) for stop in (". ", "\n", "! ", "? ") if stop in before or stop == "\n") :
    ]
    after = text[span.end : span.end + _SIDE]
    ends = [after.index(stop) for stop in (". ", "\n", "! ", "? ") if stop in after]
    return before, after[: min(ends, default=len(after))]


_EVERYWHERE = re.compile(r"\b(?:worldwide|globally|global|(?:around|across) the (?:world|globe))\b", re.IGNORECASE)


def closeness(question: str, terms: frozenset[str], text: str, span: Span) -> float:
    """The share, 0 to 1, of the question's telling words in the sentence around a value; none where one of the two
    speaks of the whole world and the other does not, and -2 where it names another country."""
    before, after = _beside(text, span)
    around = f"{before} {after}"
    asked = terms & set(_COUNTRIES)
    named = {name for name, pattern in _COUNTRIES.items() if pattern.search(around)} if asked else set()
    if named and not named & asked:
        return -2.0
    if (_EVERYWHERE.search(around) is None) != (_EVERYWHERE.search(question) is None):
        return 0.0
    return len(terms & _stems(around)) / max(1, len(terms))


_SINCE = re.compile(r"\b(?:since|than|before|until|from)\s+(?:\w+\s+)?$", re.IGNORECASE)
_COARSE = 62  # days; a longer stretch than this, and than twice the period, does not tell of the period


def told_of_period(text: str, span: Span, published: date, period: Period) -> int:
    """1 where the date nearest to a value in its sentence is of the period ("8.5% in March"), -1 where it is of
    another time, 0 where there is none."""
    before, after = _beside(text, span)
    start, end = (period.start or date.min), (period.end or date.max)
    nearest, told = _SIDE + 1, 0
    for each in find_expressions(text, span.start - len(before), span.end + len(after)):
        away = max(each.start - span.end, span.start - each.end)
        if away >= nearest or _SINCE.search(text, max(0, each.start - 20), each.start):
            continue
        days = resolve_date(text, each.start, each.end, published)
        stretch = parse_stretch(days) if days else None
        if stretch is None or (stretch.end - stretch.start).days > max(_COARSE, 2 * (end - start).days):
            continue
        nearest, told = away, 1 if start <= stretch.end and stretch.start <= end else -1
    return told


_OUTLETS = frozenset("cnn business today press reuters afp news network times post".split())


def holds_role(text: str, span: Span, terms: frozenset[str]) -> bool:
    """Whether most of the role's words stand beside a name, in its sentence: "Prime Minister Rishi Sunak"."""
    before, after = _beside(text, span)
    told = _stems(f"{before[-60:]} {after[:60]}")
    return len(terms & told) >= 0.5 * len(terms)


def is_credit(text: str, span: Span, value: Value) -> bool:
    """Whether a name is that of a place, an outlet or an author at the head of a text: "London CNN -"."""
    if value.words[-1] in _OUTLETS:
        return True
    return (
        re.match(
            r"\s*(?:\(\w+\)\s*)?[—–-]{1,2}\s|\s*,\s+The\b|\s*\n\s*(?:USA|CNN|AP|Associated)",
            text[span.end : span.end + 30],
        )
        is not None
    )


def telling_words(question: str) -> tuple[frozenset[str], frozenset[str]]:
    """Stems of all the words that say what is asked about, and of those among them that are no names."""
    names, terms = _terms(question)
    return frozenset(terms), frozenset(terms - names - set(_COUNTRIES))
