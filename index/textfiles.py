"""Text files: one article, under a heading or without one.

The heading is one line, ``date 2024-09-09 TITLE Monday, September 9, 2024 10:00:55 AM``; any of
its parts may be missing.
"""

import re
from datetime import date, datetime

from index.records import LONGEST_TITLE, BadRecord, Record, clean_text, clean_title, headline, parse_published

_LEAD = re.compile(r"date[ \t:]+(\d{4}-\d{2}-\d{2})\b[ \t]*", re.IGNORECASE)
_STAMP = re.compile(
    r"""\b(?P<weekday>(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,?\ +)?
    (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?\ +\d{1,2},?\ +\d{4}\b
    (?P<time>,?\ +(?:at\ +)?\d{1,2}:\d{2}(?::\d{2})?(?:\ *[AaPp]\.?[Mm]\b\.?)?
      (?:\ *(?:UTC|GMT)?[+-]\d{2}:?\d{2}\b|\ *(?:UTC|GMT|Z|[A-Z]{1,3}T)\b)?)?""",
    re.VERBOSE,
)
_LONGEST_TITLE = 150
_LONGEST_HEADING = 600
_DATED_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})[-_ ]*")


def read_text(text: str, stem: str) -> Record:
    """The article in a plain text; ``stem`` is its file's name, for what the text does not say.

    Raises BadRecord when there is no text.
    """
    text = clean_text(text)
    line, _, after = text.partition("\n")
    stands_alone = not after.partition("\n")[0].strip()
    title, published, rest = _read_heading(line, stands_alone)
    if title or published:
        if title and len(title) > LONGEST_TITLE:  # it will be cut, and no word may be lost
            rest = f"{title} {rest}".rstrip()
        after = after.lstrip("\n")
        body = clean_text(f"{rest}\n\n{after}")
    elif stands_alone and after and _looks_like_title(line):
        title, body = line, clean_text(after)
    else:
        body = text
    if not body:  # a heading alone is an article of one line
        body, title = title or "", None
    if not body:
        raise BadRecord("there is no text; remove the file or fill it")
    named, day = _read_stem(stem)
    return Record(text=body, title=clean_title(title or named or headline(body)), published=published or day)


def _read_heading(line: str, stands_alone: bool) -> tuple[str | None, date | datetime | None, str]:
    """Title, time of publication, and what else stands in the line; nothing where the line is no heading."""
    lead = _LEAD.match(line)
    day = parse_published(lead[1]) if lead else None
    if day is None and (len(line) > _LONGEST_HEADING or not stands_alone):
        return None, None, ""
    start = lead.end() if lead and day else 0
    for stamp in _STAMP.finditer(line, start):
        moment = parse_published(stamp.group())
        if moment and _is_stamp(stamp, moment, day):
            return line[start : stamp.start()].strip(" \t|,–—-") or None, moment, line[stamp.end() :]
    return (line[start:].strip() or None, day, "") if day else (None, None, "")


def _is_stamp(stamp: re.Match, moment: date | datetime, day: date | None) -> bool:
    """Whether a date in the line is the publication's, rather than a part of the title."""
    closes = not stamp.string[stamp.end() :].strip()
    if day is None:
        return closes and bool(stamp["weekday"] or stamp["time"])
    near = abs(moment.toordinal() - day.toordinal()) <= 2  # the two may stand in different zones
    return near and (closes or bool(stamp["time"]))


def _looks_like_title(line: str) -> bool:
    return len(line) <= _LONGEST_TITLE and not line.endswith((".", ",", ":", ";", "…", ".”", '."'))


def _read_stem(stem: str) -> tuple[str, date | None]:
    """A title and a day from a name such as ``2024-09-09-north-joint``."""
    dated = _DATED_NAME.match(stem)
    day = parse_published(dated[1]) if dated else None
    words = re.sub(r"[-_\s]+", " ", stem[dated.end() :] if dated and day else stem).strip()
    return words[:1].upper() + words[1:], day
