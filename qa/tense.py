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
_FUTURE = re.compile(
    r"(?:\b(?:will|won['’]t|shall|would|might|upcoming|scheduled|slated|(?<!than )(?<!as )expected|expects?|hopes?|hoping"
    r"|aims?|aiming|intends?|plans to|planning|plan to|going to|about to|(?:is|are|was|were|be) due|due (?:on|in|by|out)"
    r"|looking to|ahead of|in time for|in advance of|deadline|planned for|likely to|(?<!found )(?<!believed )(?<!thought )"
    r"(?<!known )(?<!ha[ds] )(?<!have )to be|begins|starts|opens|kicks off|takes? place|takes? effect"
    r"|goes? on sale|go into effect|goes into effect|premieres|debuts|arrives|returns|drops|airs|expires|ends|closes"
    r"|resumes|launches|meets|faces|plays|hosts|runs|falls|becomes|retires|departs|concludes|wraps up"
    r"|hits? (?:theaters|theatres|cinemas|shelves|stores)|(?:set|poised|supposed|bound|ready|preparing|eligible) (?:to|for)"
    r"|(?:is|are) to)\b|['’]ll\b)",
    re.IGNORECASE,
)
_MODAL = re.compile(r"\b(?:may|can|could|should|must)\s+(?!not\b|have\b)[a-z]", re.ASCII)
_WOULD_HAVE = re.compile(r"\b(?:would|might|could|should|may|must)(?: not|n['’]t)? have\b", re.IGNORECASE)
_ONGOING = re.compile(r"(?:\b(?:is|are)|['’]s|['’]re)\s+(?:\w+ly\s+)?(?:\w{3,}ing)\b|\bto [a-z]{3,}\s*$", re.IGNORECASE)
_IRREGULAR = (
    "was were had has have did didn't didn’t been ago said told began took came went won lost left found made gave held "
    "met ran saw sent shot struck fell spoke wrote rose grew knew became thought brought bought sold caught taught fought "
    "kept felt led paid laid broke chose drove flew froze hid rode shook sank sang swore tore threw wore withdrew sought "
    "built spent stood heard dealt burst beat got hit underwent gone seen taken given born done slain stole sued pled"
)
_PAST = re.compile(
    rf"\b(?:{'|'.join(_IRREGULAR.split())}|(?!(?:hundr|sacr|kindr|sh|sl|r|b|w)ed\b)[a-z]+(?<!e)ed|agreed|freed|fled)\b"
)
_FINITE = re.compile(rf"\b(?:{'|'.join(_IRREGULAR.split())})\b")
_UNTIL = re.compile(
    r"\b(?:until|till|through|by|no later than|ahead of|in time for|is|are)\s+"
    r"(?:(?:on|in|at|about|around|early|late|next|this|at least|the end of|mid-?)[\s-]*)*$",
    re.IGNORECASE,
)
_STARTING = re.compile(r"\b(?:starting|beginning|effective|coming|upcoming)\s+(?:on |in |about |around )?$", re.IGNORECASE)
_LITTLE = re.compile(
    r"^[\s'’]*(?:(?:on|in|at|by|from|for|since|until|early|late|earlier|later|this|the|mid|around|about|just|then|so|even"
    r"|and|but|a\.m\.|p\.m\.|\d{1,2}(?::\d\d)?)[\s-]*)*$",
    re.IGNORECASE,
)


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
    pieces = _BREAK.split(before)
    own = pieces[-1]
    leads = _LITTLE.match(own) is not None  # a clause begins here: its verb is still to come
    later = next((piece for piece in _BREAK.split(re.sub(r"^['’]s|^\s*[,;]", "", after)) if piece.strip()), "")
    if _UNTIL.search(before):
        clause = later if leads else own
        return "past" if _FINITE.search(clause) and not _FUTURE.search(clause) else "future"
    if leads and len(pieces) > 1 and (tense := _weigh(later)):
        return tense
    for piece in reversed(pieces):
        if tense := _weigh(piece):
            return tense
    if _STARTING.search(before):
        return "future"
    return next((tense for piece in _BREAK.split(after) if (tense := _weigh(piece))), None)


def _weigh(clause: str) -> Tense | None:
    """A clause says "will" or the like, or has a verb in the past; being about to do something counts less than both."""
    clause = _WOULD_HAVE.sub("had", clause)
    future = [match.start() for match in _FUTURE.finditer(clause)]
    future += [match.start() for match in _MODAL.finditer(clause)]
    if future:
        # unless something was said or done after it: "the show's hosts said"
        finite = [match.start() for match in _FINITE.finditer(clause)]
        behind = [at for at in finite if at > max(future) and not re.search(r"\b(?:be|have|been)\s+$", clause[:at])]
        return "past" if behind else "future"
    if _PAST.search(clause):
        return "past"
    return "future" if _ONGOING.search(clause) else None
