"""Whether a sentence tells of what was or of what is to come, at one place in it.

News leaves out the year and the week ("on Tuesday", "Jan. 27") and lets the verb tell which one is meant.
"""

import re
from typing import Literal

from index.passages import split_sentences

Tense = Literal["past", "future"]
_BACK, _ON = 320, 240  # characters of text looked at before and after the place

# Where one verb's reach ends.
_BREAK = re.compile(
    r"[,;:—–()\[\]“”\"]|\b(?:that|which|who|whom|whose|where|when|while|after|before|because|since|as|if|but|and|or|until"
    r"|though|although|whether|amid|following|despite|saying|then)\b",
    re.IGNORECASE,
)
_AHEAD = (
    r"will|won['’]t|shall|would|might|upcoming|scheduled|slated|(?<!than )(?<!as )expected|expects?|hopes?|hoping"
    r"|aims?|aiming|intends?|plans to|planning|plan to|planned for|going to|about to|likely to|looking to|ahead of"
    r"|in time for|in advance of|deadline|(?:is|are|was|were|be) due|due (?:on|in|by|out)|(?:is|are) to"
    r"|(?:set|poised|supposed|bound|ready|preparing|eligible) (?:to|for)"
    r"|(?<!found )(?<!believed )(?<!thought )(?<!known )(?<!ha[ds] )(?<!have )to be"
)
# What is fixed ahead is told in the present: "the shop opens on Friday".
_TIMETABLE = (
    r"begins|starts|opens|kicks off|takes? place|takes? effect|goes? on sale|goes? into effect|premieres|debuts|arrives"
    r"|returns|drops|airs|expires|ends|closes|resumes|heads (?:to|into)|launches|meets|faces|plays|hosts|runs|falls"
    r"|becomes|marks|retires|departs|concludes|wraps up|hits? (?:theaters|theatres|cinemas|shelves|stores)"
)
# In lower case alone: a Planning Board plans nothing, and Will Smith has no future in him.
_FUTURE = re.compile(rf"\b(?:{_AHEAD}|{_TIMETABLE})\b|['’]ll\b")
_MODAL = re.compile(r"\b(?:may|can|could|should|must)\s+(?!not\b|have\b)[a-z]", re.ASCII)
_WOULD_HAVE = re.compile(r"\b(?:would|might|could|should|may|must)(?: not|n['’]t)? have\b", re.IGNORECASE)
_ONGOING = re.compile(
    r"(?:\b(?:is|are)|['’]s|['’]re)\s+(?:(?:\w+ly|just|still|now|also|already)\s+)?(?:\w{3,}ing)\b"
    r"|\bto [a-z]{3,}\s*$"
)
_IRREGULAR = (
    "was were had did didn't didn’t been ago said told began took came went won lost left found made gave held "
    "met ran saw sent shot struck fell spoke wrote rose grew knew became thought brought bought sold caught "
    "taught fought kept felt led paid laid broke chose drove flew froze hid rode shook sank sang swore tore threw "
    "wore withdrew sought built spent stood heard dealt burst beat got hit underwent begun risen fallen chosen "
    "gone seen taken given born done slain stole sued pled"
)
_PAST = re.compile(
    rf"\b(?:{'|'.join(_IRREGULAR.split())}|(?!(?:hundr|sacr|kindr|sh|sl|r|b|w)ed\b)[a-z]+(?<!e)ed|agreed|freed|fled)\b"
)
_FINITE = re.compile(rf"\b(?:{'|'.join(_IRREGULAR.split())})\b")
# "the documents seized on", but not "will be seized on"
_DONE = re.compile(
    r"(?<!\bbe )(?<!\bbeen )(?<!\bget )(?<!\bis )(?<!\bare )(?<!ly )(?<!not )"
    r"\b(?!scheduled|expected|slated|planned|supposed)[a-z]+[a-df-z]ed\s+"
    r"(?:(?:on|in|at|by|during|over|from|the|early|late)\s+)*$"
)
_BARE_PARTICIPLE = re.compile(r"\s*(?:[a-z]+ly\s+)?[a-z]+ed\s+(?:on|in|at|by)?\s*")
_TO_DO = re.compile(r"\bto (?!the\b|an?\b)[a-z]{2,}")

# Words right before or behind the time

_UNTIL = re.compile(
    r"\b(?:until|till|through|by|no later than|ahead of|in time for|is|are)\s+"
    r"(?:(?:on|in|at|about|around|early|late|next|this|at least|the end of|mid)(?!\w)[\s-]*)*$",
    re.IGNORECASE,
)
_PUT_OFF = re.compile(
    r"\b(?:extended|postponed|delayed|moved|pushed|rescheduled|deferred|adjourned)\b[^.,;]*\bto\s+(?:the\s+)?$"
)
_SINCE = re.compile(
    r"\b(?P<word>since|after|following)\s+(?:(?:early|late|the|at least|around|mid)(?!\w)[\s-]*)*$", re.IGNORECASE
)
_STARTING = re.compile(
    r"\b(?:starting|beginning|effective|coming|upcoming)\s+(?:(?:on|in|about|around)\s+)?$", re.IGNORECASE
)
_LITTLE = re.compile(
    r"[\s'’]*(?:(?:on|in|at|by|from|for|since|until|early|late|earlier|later|this|the|end|start|beginning|middle|of|mid"
    r"|around|about|just|then|so|even|and|but|a\.m\.|p\.m\.|\d{1,2}(?::\d\d)?)(?!\w)[\s-]*)*$",
    re.IGNORECASE,
)
_TIME_OF_DAY = re.compile(r"(?:['’]s|\s+(?:morning|afternoon|evening|night))?\s*[,;]?")


def sentence_bounds(text: str, start: int, end: int) -> tuple[int, int]:
    """Offsets of the sentence around ``text[start:end]``, or of as much of it as lies near."""
    first, last = max(0, start - _BACK), min(len(text), end + _ON)
    for begin, finish in split_sentences(text[first:last]):
        if first + finish > start:
            return min(first + begin, start), max(first + finish, end)
    return start, end


def find_tense(text: str, start: int, end: int) -> Tense | None:
    """The tense of the verb that ``text[start:end]``, a time expression, goes with; None when none can be seen."""
    begin, finish = sentence_bounds(text, start, end)
    before, after = text[begin:start], text[end:finish]
    own = _BREAK.split(before)[-1]
    leads = _LITTLE.match(own) is not None  # a clause begins here: its verb is still to come
    later = _BREAK.split(after[_TIME_OF_DAY.match(after).end() :])[0]
    if tense := _beside(before, after, later if leads else own):
        return tense
    if leads and own != before and (tense := _weigh(later)):
        return tense
    starting = _STARTING.search(before) is not None
    if starting and _TO_DO.search(own):
        return "future"
    if tense := _last_verb(before):
        return tense
    return "future" if starting else next((tense for piece in _BREAK.split(after) if (tense := _weigh(piece))), None)


def _beside(before: str, after: str, clause: str) -> Tense | None:
    """What the words right beside the time say: until, since, onward."""
    if _UNTIL.search(before):
        return "past" if _FINITE.search(clause) and not _FUTURE.search(clause) else "future"
    if _PUT_OFF.search(before) or after.startswith((" onward", " and beyond")):
        return "future"
    if since := _SINCE.search(before):
        ahead = since["word"].lower() != "since" and _FUTURE.search(_BREAK.split(before[: since.start()])[-1])
        return "future" if ahead else "past"
    return None


def _last_verb(before: str) -> Tense | None:
    """The tense of the last clause that has one; in "will be tried and sentenced" the second leans on the first."""
    breaks = [None, *_BREAK.finditer(before)]
    for broken, piece in zip(reversed(breaks), reversed(_BREAK.split(before)), strict=True):
        joined = broken is not None and broken.group().lower() in ("and", "or", "but")
        if not (joined and _BARE_PARTICIPLE.fullmatch(piece)) and (tense := _weigh(piece)):
            return tense
    return None


def _weigh(clause: str) -> Tense | None:
    """Whether a clause says "will" or the like, or has a verb in the past; "is doing" counts less than both."""
    clause = _WOULD_HAVE.sub("had", clause)
    future = [match.start() for match in _FUTURE.finditer(clause)]
    future += [match.start() for match in _MODAL.finditer(clause)]
    if future:
        # unless something was said or done after it: "the show's hosts said"
        finite = [match.start() for match in _FINITE.finditer(clause)]
        behind = [at for at in finite if at > max(future) and not re.search(r"\b(?:be|have|been)\s+$", clause[:at])]
        return "past" if behind or _DONE.search(clause) else "future"
    if _PAST.search(clause):
        return "past"
    return "future" if _ONGOING.search(clause) else None
