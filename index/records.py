"""Records: named fields from the outside -> clean values.

A record is what one input file says about one article, before it has an id of ours.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import TypeVar
from urllib.parse import urlsplit

from dateutil import parser as dateutil_parser
from dateutil.tz import tzoffset

_T = TypeVar("_T")

# Vertical tab, form feed and NEL break lines: dropping them would join two words.
_LINE_BREAK = re.compile("\r\n?|[\v\f\x85]")
_CONTROL = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
# From the first white space only: a long run without a break would take quadratic time.
_BREAK_IN_LINE = re.compile("(?<!\\s)\\s*[\n\t\u2028\u2029]\\s*")

# Spellings of each field, best first; compared in lower case without "_" and "-".
_FIELDS = {
    "id": ("id", "articleid", "guid"),
    "title": ("title", "headline"),
    "text": ("text", "body", "content", "articlebody", "contenttext", "article"),
    "url": ("url", "link", "canonicalurl", "weburl"),
    "source": ("source", "publisher", "sitename", "outlet"),
    "published": ("published", "date", "pubdate", "datepublished", "publishedat", "publishdate", "publicationdate"),
    "authors": ("authors", "author", "byline", "creator"),
}
LONGEST_ID = 1000
LONGEST_TITLE = 300
_OPENING = 500  # characters of a text in which its headline is sought


class BadRecord(Exception):
    """A record that is no article; the message says why and what to do, on one line."""


@dataclass(frozen=True, slots=True)
class Record:
    """One article as its input gives it: clean values, ``id`` only where the input supplies one."""

    text: str
    title: str = ""
    id: str | None = None
    url: str | None = None
    source: str | None = None
    published: date | datetime | None = None
    authors: tuple[str, ...] = ()


def clean_text(text: str) -> str:
    """``text`` as it is stored and shown: LF line ends, no control characters but newline and tab.

    Lone surrogates become U+FFFD, blank space around the whole goes, and nothing else changes:
    no normalisation, so that emoji, combining marks and marks of direction stay as they were.
    """
    text = _LINE_BREAK.sub("\n", _CONTROL.sub("", text))
    return _SURROGATE.sub("\ufffd", text).strip()


def clean_title(title: str) -> str:
    """``clean_text`` on a single line: each line break or tab, with the blanks around it, is one space.

    What is longer than ``LONGEST_TITLE`` is cut between words, without a mark, as the article has none there.
    """
    line = _BREAK_IN_LINE.sub(" ", clean_text(title))
    if len(line) <= LONGEST_TITLE:
        return line
    return (line[: LONGEST_TITLE + 1].rpartition(" ")[0] or line[:LONGEST_TITLE]).rstrip()


def make_record(fields: Mapping[str, object]) -> Record:
    """The record that a JSON object describes; unknown fields are ignored.

    Raises BadRecord when there is no text or the id cannot be used.
    """
    named = {plain_name(name): value for name, value in reversed(fields.items())}
    text = _first(_text(named.get(name)) for name in _FIELDS["text"])
    if not text:
        raise BadRecord('there is no text; give the record a "text" field (or "body", "content")')
    return Record(
        text=text,
        title=_first(_line(named.get(name)) for name in _FIELDS["title"]) or headline(text),
        id=_first(_id(named.get(name)) for name in _FIELDS["id"]),
        url=_first(web_address(named.get(name)) for name in _FIELDS["url"]),
        source=_first(_line(named.get(name)) for name in _FIELDS["source"]),
        published=_first(parse_published(named.get(name)) for name in _FIELDS["published"]),
        authors=_first(split_authors(named.get(name)) for name in _FIELDS["authors"]) or (),
    )


def has_text(fields: Mapping[str, object]) -> bool:
    """Whether a JSON object has a text of its own, so that lists in it are no articles."""
    return any(_text(value) for name, value in fields.items() if plain_name(name) in _FIELDS["text"])


def plain_name(name: str) -> str:
    """The name of a field as it is compared."""
    return re.sub("[_-]", "", name).lower()


def _first(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in values if value), None)


def _text(value: object) -> str:
    """A string, or a list of paragraphs."""
    if isinstance(value, list):
        value = "\n\n".join(part for part in value if isinstance(part, str))
    return clean_text(value) if isinstance(value, str) else ""


def _name(value: object) -> str:
    """A string, or the name of what has one."""
    if isinstance(value, Mapping):
        value = value.get("name")
    return value if isinstance(value, str) else ""


def _line(value: object) -> str | None:
    return clean_title(_name(value)) or None


def _id(value: object) -> str | None:
    """An id to the letter; numbers become their digits."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    value = str(value)
    if len(value) > LONGEST_ID:
        raise BadRecord(f"the id is longer than {LONGEST_ID} characters; give the record a shorter one")
    if _SURROGATE.search(value):
        raise BadRecord("the id holds half a surrogate pair; give the record another one")
    return value if value.strip() else None


def headline(text: str, longest: int = 90) -> str:
    """A title for a text without one: its first line, cut between words."""
    line = clean_title(text[:_OPENING].split("\n", 1)[0])
    if len(line) <= longest:
        return line
    return (line[:longest].rpartition(" ")[0] or line[:longest]) + "…"


def web_address(value: object) -> str | None:
    """``value`` where it is an http(s) address, else None: anything else must never become a link."""
    if not isinstance(value, str):
        return None
    value = value.strip()
    if _CONTROL.search(value) or _SURROGATE.search(value) or re.search(r"\s", value):
        return None
    try:
        parts = urlsplit(value)
        return value if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None


def split_authors(value: object) -> tuple[str, ...]:
    """Names from a string ("By Jane Roe and John Doe"), a list of names or of ``{"name": ...}``."""
    if isinstance(value, list):
        names = [_line(item) for item in value]
    else:
        line = " ".join(clean_text(_name(value)).split())
        line = re.sub(r"^by\b:? ?", "", line, flags=re.IGNORECASE)
        names = [clean_title(name) for name in re.split(r" ?[;|] ?|,? and ", line)]
    return tuple(dict.fromkeys(name for name in names if name))


# Zone names that dateutil does not know. "ET" and "PT" are missing: they are summer or winter
# time, depending on the day, and an offset would be a guess.
_ZONES = {
    name: timedelta(hours=hours)
    for hours, names in {
        0: "UTC GMT Z WET", 1: "BST CET WEST", 2: "CEST EET", 3: "EEST MSK", 9: "JST KST",
        -4: "EDT AST", -5: "EST CDT", -6: "CST MDT", -7: "MST PDT", -8: "PST AKDT", -9: "AKST", -10: "HST",
    }.items()
    for name in names.split()
}  # fmt: skip
_ISO_DAY = re.compile(r"(\d{4})([-/.]?)(\d{2})\2(\d{2})")
_EARLIEST, _LATEST = 1600, 2200  # years; beyond them stand placeholders such as 0001-01-01


def parse_published(value: object) -> date | datetime | None:
    """When ``value`` says an article came out, or None where it does not say.

    Takes ISO 8601, RFC 2822, "May 20, 2020", "2020/05/20" and seconds (or milliseconds) since
    1970, which are UTC. A day alone is a ``date``; a zone is kept only where it is given.
    "May 2020" or "10:30" name no day, so they are None.
    """
    try:
        moment = _parse_moment(value)
        if moment is None or not _EARLIEST <= moment.year <= _LATEST:
            return None
        return moment
    except (ValueError, OverflowError, OSError, TypeError, ArithmeticError):
        return None


def _parse_moment(value: object) -> date | datetime | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, (int, float)):
        value = str(value)
    if not isinstance(value, str) or len(value) > 100:
        return None
    value = re.sub(r"\b([ap])\.m\.?", r"\1m", clean_title(value), flags=re.IGNORECASE)
    value = re.sub(r"^(?:published|updated|posted)\b:?\s*(?:on\s)?", "", value, flags=re.IGNORECASE)
    value = re.sub(r"\b(?:GMT|UTC) ?(?=[+-]\d)", "", value)  # dateutil takes GMT+3 as POSIX does: three hours behind
    if day := _ISO_DAY.fullmatch(value):
        return date(int(day[1]), int(day[3]), int(day[4]))
    if re.fullmatch(r"-?\d{9,13}(\.\d+)?", value):
        return _since_1970(float(value))
    return _parse_words(value)


def _since_1970(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds / 1000 if abs(seconds) > 1e11 else seconds, UTC)


def _parse_words(value: str) -> date | datetime | None:
    """Parse twice over two different days and hours: what then differs, the value did not say."""
    one, other = (
        dateutil_parser.parse(value, default=default, tzinfos=_zone)
        for default in (datetime(2000, 1, 1, 0), datetime(2003, 2, 3, 13))
    )
    if one.date() != other.date():
        return None
    if one.hour != other.hour:
        return one.date()
    if one.tzinfo is None:
        return one
    offset = one.utcoffset()
    return one.replace(tzinfo=None if offset is None else timezone(offset))


def _zone(name: str | None, offset: int | None) -> tzinfo | None:
    if offset is not None:
        return tzoffset(None, offset)
    zone = _ZONES.get(name or "")
    return None if zone is None else timezone(zone)
