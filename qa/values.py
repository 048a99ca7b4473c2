"""What a number or a name says, however it is written: "at least twenty", "$1.4 billion", "3%-3.25%", "Mr. Sunak".

Values are compared, never shown: what is shown stays the article's own words.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

Kind = Literal["count", "percent", "points", "money", "measure", "name"]
Bound = Literal["", "least", "most", "about"]


@dataclass(frozen=True, slots=True)
class Value:
    """A number, or two where the words give a range, with its unit; or a name.

    ``unit`` is the currency of money and the measure of a measure, in the singular. ``bound`` tells whether the
    number is a lower limit ("at least"), an upper one, or a rough one. ``exact`` is the step to which the number
    is told: 1,000 for "23,000". A name has its words, lower case, in ``words``, and no numbers.
    """

    kind: Kind
    low: float = 0.0
    high: float = 0.0
    unit: str = ""
    bound: Bound = ""
    exact: float = 0.0
    words: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for two values that are written differently and say the same; bounds do not count."""
        if self.kind == "name":
            return f"name {' '.join(self.words)}"
        numbers = f"{self.low:.10g}" if self.low == self.high else f"{self.low:.10g}-{self.high:.10g}"
        return " ".join(part for part in (self.kind, numbers, self.unit) if part)


def same_kind(one: Value, other: Value) -> bool:
    """Whether two values may be answers to one question: both people, or both dollars."""
    return one.kind == other.kind and one.unit == other.unit


def agree(one: Value, other: Value) -> bool:
    """Whether two values can both be right at one time: "more than 5,000" and "5,021" can, 82 and 98 cannot.

    Symmetric, not transitive. A name agrees with a longer form of it.
    """
    if not same_kind(one, other):
        return False
    if one.kind == "name":
        shorter, longer = sorted((one.words, other.words), key=len)
        return longer[-len(shorter) :] == shorter or (len(shorter) > 1 and set(shorter) <= set(longer))
    (low, high), (least, most) = _limits(one), _limits(other)
    return low <= most and least <= high


_BOUND_SLACK = 0.1  # "more than 5,000" is not said of 9,000
_ABOUT_SLACK = 0.05
_ROUNDED = 0.03  # "$1 billion" may be said of $1.02 billion, but not of 1.4


def _limits(value: Value) -> tuple[float, float]:
    """The least and the most that the words may stand for."""
    half = min(value.exact / 2, _ROUNDED * abs(value.high))
    low, high = value.low - half, value.high + half
    slack = abs(value.high) * (_BOUND_SLACK if value.bound in ("least", "most") else _ABOUT_SLACK)
    if value.bound == "least":
        return value.low, max(high, value.high + slack)
    if value.bound == "most":
        return min(low, value.low - slack), value.high
    return (min(low, value.low - slack), max(high, value.high + slack)) if value.bound == "about" else (low, high)


# Numbers

_UNITS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {"no": 0, "none": 0, "a": 1, "an": 1, "single": 1, "dozen": 12}
_TENS = {word: 10 * n for n, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}
_ORDINALS = {
    word: number
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(),
        1,
    )
}
_MAGNITUDES = {
    "hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12,
    "k": 1e3, "m": 1e6, "mn": 1e6, "bn": 1e9, "b": 1e9, "tn": 1e12,
}  # fmt: skip
_FRACTIONS = {"half": 0.5, "quarter": 0.25, "quarters": 0.25, "third": 1 / 3, "thirds": 1 / 3}
_SIGNS = {"¼": 0.25, "½": 0.5, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3, "⅛": 0.125}

_DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_CARDINAL = "|".join(sorted([*_UNITS, *_TENS], key=len, reverse=True))
_WRITTEN = rf"(?:(?:{_CARDINAL}|hundred|thousand|million|billion|trillion)(?:[\s-]+(?:and\s+)?(?=[a-z])|\b))+"
NUMBER = re.compile(
    rf"(?P<digits>{_DIGITS})(?P<sign>[¼½¾⅓⅔⅛])?(?P<nth>st|nd|rd|th)?(?![\d])"
    r"(?:[\s-]*(?P<size>hundred|thousand|million|billion|trillion)s?\b|(?P<short>k|mn|m|bn|b|tn)\b)?"
    r"|(?P<onlysign>[¼½¾⅓⅔⅛])"
    rf"|\b(?P<parts>(?:{_CARDINAL})[\s-]+)?(?P<fraction>quarters|thirds)\b|\b(?:(?:an?|one)[\s-]+)?"
    r"(?P<one>half|quarter|(?<=\bone[\s-])third|(?<=\ba[\s-])third(?=\s+of\b))\b"
    rf"|\b(?P<ordinal>(?:(?:{'|'.join(_TENS)})-)?(?:{'|'.join(_ORDINALS)}))\b"
    rf"|\b(?P<written>{_WRITTEN})",
    re.IGNORECASE,
)
_CURRENCIES = {
    "$": "dollar", "us$": "dollar", "usd": "dollar", "dollar": "dollar", "buck": "dollar", "€": "euro", "eur": "euro",
    "euro": "euro", "£": "pound", "gbp": "pound", "pound": "pound", "¥": "yen", "yen": "yen", "₹": "rupee",
    "rupee": "rupee", "c$": "canadian dollar", "ca$": "canadian dollar", "a$": "australian dollar",
    "au$": "australian dollar", "yuan": "yuan", "rouble": "ruble", "ruble": "ruble", "peso": "peso", "franc": "franc",
    "cent": "dollar",
}  # fmt: skip
_SIGN_BEFORE = re.compile(r"((?:\b[a-z]{1,2})?\$|[€£¥₹])\s*$", re.IGNORECASE)  # "HK$" is a unit of its own
_MEASURES = (
    "year|month|week|day|hour|minute|second|mile|kilometer|kilometre|km|meter|metre|foot|feet|inch|inche|yard|acre|"
    "ton|tonne|kilogram|kg|gram|ounce|gallon|liter|litre|barrel|degree|mph|kph|knot|watt|megawatt|gigawatt|"
    "point|seat|vote|goal|run|hectare"
)
_SPELLINGS = {"kilometre": "kilometer", "km": "kilometer", "metre": "meter", "feet": "foot", "inche": "inch",
              "litre": "liter", "tonne": "ton", "kg": "kilogram"}  # fmt: skip
_COUNTED = frozenset({"point", "seat", "vote", "goal", "run"})  # counted things, which the words often leave out
_BEHIND = re.compile(
    r"[\s-]*(?:(?P<percent>%|per\s?cent\b|percent\b)|(?P<points>(?:(?:of\s+)?an?\s+)?percentage[\s-]points?\b)"
    r"|(?P<basis>basis\s+points?\b)"
    r"|(?P<money>(?:us\s+|u\.s\.\s+)?(?:dollars?|bucks?|euros?|pounds?|yen|rupees?|yuan|roubles?|rubles?|pesos?|francs?"
    r"|cents?|usd|eur|gbp)\b)"
    rf"|(?:(?:square|cubic|nautical|metric|light|consecutive|straight|more|full|short|long)[\s-]+)?(?P<measure>{_MEASURES})s?\b)",
    re.IGNORECASE,
)
_BOUNDS: tuple[tuple[Bound, str], ...] = (
    ("least", r"at least|(?<!\bno )(?<!\bnot )more than|over|above|upwards? of|surpass(?:es|ed|ing)?"
     r"|exceed(?:s|ed|ing)?|top(?:s|ped|ping)?|as many as|no fewer than|no less than|greater than|past"),
    ("most", r"at most|fewer than|less than|under|below|up to|(?:no|not) more than|just under|just shy of"),
    ("about", r"about|around|nearly|almost|roughly|approximately|some|close to|an estimated|estimated"),
)  # fmt: skip
_BEFORE = [
    (bound, re.compile(rf"\b(?:{words})\s+(?:an?\s+|the\s+)?(?:us\$|[$€£¥₹])?\s*$", re.I)) for bound, words in _BOUNDS
]
_PLUS = re.compile(r"\s*(?:\+|or more\b|and counting\b)|-plus\b", re.IGNORECASE)
_RANGE = re.compile(r"\s*(?:%|percent\b|per\s?cent\b)?\s*(?:[-–—]|\bto\b|\band\b)\s*[-−]?(?:us\$|[$€£¥₹])?\s*$", re.I)
_MINUS = re.compile(r"(?:(?<![^\s(\[–—])[-−](?:us\$|[$€£¥₹])?|\b(?:minus|negative)\s)$", re.I)  # in "-5", not "3-5"
_MOST_WORDS = 14  # in a span that may be a value


def read_number(text: str, start: int, end: int) -> Value | None:
    """The number with its unit in ``text[start:end]``; the words just outside tell bounds, unit and currency.

    None where there is no number, or several that are no range. Never raises.
    """
    span = text[start:end]
    if len(span.split()) > _MOST_WORDS:
        return None
    found = [match for match in NUMBER.finditer(span) if _is_number(match, text, start, end)]
    if not found or len(found) > 2:
        return None
    if len(found) == 2 and not _RANGE.match(span[found[0].end() : found[1].start()]):
        return None
    return _number_of(text, start, found)


def _number_of(text: str, start: int, found: list[re.Match[str]]) -> Value:
    first, last = found[0], found[-1]
    before, after = text[max(0, start + first.start() - 40) : start + first.start()], text[start + last.end() :][:40]
    kind, unit, factor = _unit(before, after)
    amounts = [_amount(match) for match in found]
    if len(found) == 2 and amounts[0] < amounts[1] and _size(first) == 1:
        # "from 3 to 4 billion" counts both in billions, where that keeps them in order
        size = _size(last)
        amounts[0] *= size if amounts[0] * size < amounts[1] else 1.0
    for number, match in enumerate(found):
        if _MINUS.search(text[max(0, start + match.start() - 9) : start + match.start()]):
            amounts[number] = -amounts[number]
    low, high = (round(amount * factor, 10) for amount in (min(amounts), max(amounts)))
    step = _step(last) * factor
    if not step and kind == "percent" and not last["sign"]:
        step = 1.0  # "71%" is said of 71.5
    return Value(kind, low, high, unit, _bound(before, after), step)


_NAMING = re.compile(r"[^\W\d_]$|[A-ZÀ-Þ]-$")  # what digits are part of in "B12" and "COVID-19"


def _is_number(match: re.Match[str], text: str, start: int, end: int) -> bool:
    """Leaves out "a" and "no" alone, and digits within a name; the match is one in ``text[start:end]``."""
    words = match.group().strip().lower()
    alone = words == text[start:end].strip().lower()
    if words in ("a", "an") or (words in ("no", "single", "second", "none") and not alone):
        return False
    at = start + match.start()
    return _NAMING.search(text[max(0, at - 2) : at]) is None


def _amount(match: re.Match[str]) -> float:
    if match["digits"]:
        return (float(match["digits"].replace(",", "")) + _SIGNS.get(match["sign"] or "", 0.0)) * _size(match)
    if match["onlysign"]:
        return _SIGNS[match["onlysign"]]
    if match["fraction"] or match["one"]:
        parts = _UNITS.get((match["parts"] or "one").strip(" -").lower(), 1)
        return parts * _FRACTIONS[(match["fraction"] or match["one"]).lower()]
    if match["ordinal"]:
        *tens, last = match["ordinal"].lower().split("-")
        return float(sum(_TENS[word] for word in tens) + _ORDINALS[last])
    return _spelled(match["written"])


def _size(match: re.Match[str]) -> float:
    """What a number is counted in: a million for "3 million", "3m" and "three million", 1 for "3"."""
    words = re.findall("hundred|thousand|million|billion|trillion", (match["written"] or "").lower())
    word = match["size"] or match["short"] or (words[-1] if words else "")
    return _MAGNITUDES.get(word.lower(), 1.0)


def _spelled(words: str) -> float:
    """A number in words: "two hundred and five thousand"."""
    total = current = 0.0
    for word in re.findall(r"[a-z]+", words.lower()):
        if word == "and":
            continue
        if word in ("thousand", "million", "billion", "trillion"):
            total, current = total + max(current, 1.0) * _MAGNITUDES[word], 0.0
        elif word == "hundred":
            current = max(current, 1.0) * 100
        elif word == "dozen":
            current = max(current, 1.0) * 12
        else:
            current += _UNITS.get(word, 0) + _TENS.get(word, 0)
    return total + current


def _step(match: re.Match[str]) -> float:
    """How exactly a number is told: 0.1 million for "1.4 million", 1,000 for "23,000", 1 for "105"."""
    size, digits = _size(match), (match["digits"] or "").replace(",", "")
    if "." in digits:
        return size * 10.0 ** -len(digits.partition(".")[2])
    zeros = len(digits) - len(digits.rstrip("0")) if len(digits) > 3 else 0
    return size * 10.0**zeros if digits and (size > 1 or zeros) else 0.0


def _unit(before: str, after: str) -> tuple[Kind, str, float]:
    """(kind, unit, factor) by what stands around a number."""
    sign, behind = _SIGN_BEFORE.search(before), _BEHIND.match(after)
    if sign:
        name = sign[1].lower()
        return "money", _CURRENCIES.get(name, name), 1.0
    if behind is None:
        return "count", "", 1.0
    if behind["percent"]:
        return "percent", "", 1.0
    if behind["points"]:
        return "points", "", 1.0
    if behind["basis"]:
        return "points", "", 0.01
    if behind["money"]:
        name = behind["money"].lower().split()[-1]
        name = name if name in _CURRENCIES else name.rstrip("s")
        return "money", _CURRENCIES[name], 0.01 if name == "cent" else 1.0
    name = behind["measure"].lower()
    name = _SPELLINGS.get(name, name)
    return ("count", "", 1.0) if name in _COUNTED else ("measure", name, 1.0)


def _bound(before: str, after: str) -> Bound:
    if _PLUS.match(after):
        return "least"
    return next((bound for bound, pattern in _BEFORE if pattern.search(before)), "")


# Names

_TITLES = frozenset(
    "mr mrs ms miss dr sir dame lord lady president vice prime minister chancellor secretary senator sen rep "
    "representative congressman congresswoman governor gov mayor judge justice general gen king queen prince princess "
    "pope ceo chief executive chairman chairwoman captain coach founder the tycoon billionaire leader".split()
)
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’.-][^\W\d_]+)*")
_SMALL = frozenset("de la le van von der den bin al el da di dos of the and".split())
_LONGEST_NAME = 5  # words


def read_name(text: str) -> Value | None:
    """The name that ``text`` is, titles and possessives left out; None where it is more or less than one name."""
    text = re.sub(r"['’]s$", "", " ".join(text.split()).strip(" .,;:\"“”'‘’"))
    found = _NAME_WORD.findall(text)
    if not found or re.search(r"[\d,;:()\"“”]", text):
        return None
    kept = [word for word in found if word.lower().strip(".") not in _TITLES]
    if not kept or len(kept) > _LONGEST_NAME or not all(word[0].isupper() or word.lower() in _SMALL for word in kept):
        return None
    if not any(word[0].isupper() for word in kept):
        return None
    return Value("name", words=tuple(_fold(word) for word in kept))


def _fold(word: str) -> str:
    bare = unicodedata.normalize("NFKD", word.replace("’", "'"))
    return "".join(c for c in bare if not unicodedata.combining(c)).casefold().strip(".")
