"""Corrections and retractions in an article's own text: "Correction: an earlier version misstated ..."."""

import re
from dataclasses import dataclass
from typing import Literal

from index.passages import split_sentences

Kind = Literal["correction", "clarification", "retraction"]
_MOST = 3  # a page with more notes is a list of other stories' corrections
_LONGEST = 600  # code points of a note


@dataclass(frozen=True, slots=True)
class Correction:
    """``article.text[start:end] == quote``, offsets in code points."""

    kind: Kind
    start: int
    end: int
    quote: str


_STORY = (
    r"(?:story|article|report|piece|post|column|video|page|headline|item|interview|graphic|caption|analysis|gallery|essay"
    r"|review|profile|transcript|fact[ -]check|timeline|list|blog|newsletter|podcast|map|chart)"
)
_LABEL = re.compile(
    r"[^\S\n]*[*_(\[]{0,3}(?P<label>corrections?(?:\s*(?:&|and|/)\s*(?:clarifications?|updates?))?|clarifications?|retractions?"
    r"|retracted)(?:\s+appended)?[*_]{0,3}\s*[:–—]\s*\S",
    re.IGNORECASE,
)
_NOTE = re.compile(
    rf"\b(?:an?|the)\s+(?:earlier|previous|prior|original|initial|first)\s+versions?\s+of\s+"
    rf"(?:this|the following|our)\s+(?:[\w-]+\s+){{0,2}}{_STORY}\b"
    r"(?!\s+(?:(?:was|were)\s+)?(?:originally\s+|first\s+)?(?:published|appeared|ran)\b)"
    rf"|\b(?:this|our)\s+{_STORY}\s+(?:has been|was|is)\s+(?:\w+ly\s+)?(?:updated|revised|amended|edited|changed)\s+"
    r"to\s+(?:correct|clarify|fix|remedy|reflect|remove|accurately)\b"
    rf"|\b(?:this|our)\s+{_STORY}\s+(?:has been|was)\s+(?:\w+ly\s+)?(?:corrected|clarified)\b"
    rf"|\b(?:this|our)\s+{_STORY}\s+(?:originally|previously|initially|incorrectly|mistakenly|erroneously|wrongly)\s+"
    r"(?:mis\w+|said|stated|reported|identified|gave|listed|described|attributed|included|named|referred)\b"
    rf"|\b(?:this|our)\s+{_STORY}\s+(?:has been|was|is)\s+(?:fully\s+)?(?:retracted|withdrawn)\b"
    rf"|\b(?:we|has|have|CNN|AP|Reuters)\s+(?:hereby\s+)?retract(?:s|ed|ing)?\s+(?:this|our)\s+{_STORY}\b",
    re.IGNORECASE,
)
_WORDS = (
    "version of", "versions of", "correction", "clarification", "retract", "updated to ", "revised to ", "amended to ",
    "edited to ", "changed to ", "been corrected", "was corrected", "clarified", "been withdrawn", "was withdrawn",
    "story originally", "article originally", "report originally", "incorrectly", "erroneously", "misstated",
)  # fmt: skip
_RETRACTED = re.compile(r"\bretract|\bwithdrawn\b", re.IGNORECASE)
_CALLED = re.compile(r"\W*corrections?\b", re.IGNORECASE)
_CLEARED = re.compile(r"\bto (?:clarify|reflect)\b|\bclarified\b|^\W*clarification", re.IGNORECASE)
_WRONG = re.compile(r"\bmis\w+ed\b|\bincorrect|\bwrong|\berror|\bto correct\b|\binaccura|\berroneous", re.IGNORECASE)


def find_correction(text: str) -> Correction | None:
    """The note in which an article corrects or retracts itself, a retraction before others, then the first; None
    where there is none. Never raises."""
    notes = [_note(text, *found) for line in _lines(text) if (found := _begin(text, *line)) is not None]
    if not notes or len(notes) > _MOST:
        return None
    return min(notes, key=lambda note: note.kind != "retraction")


def _lines(text: str) -> list[tuple[int, int]]:
    """The paragraphs that may be notes: plain searches for their words are a hundred times as quick as the pattern."""
    lower, lines = text.lower(), {}
    if len(lower) != len(text):  # İ becomes two characters
        lower = text
    for word in _WORDS:
        at = lower.find(word)
        while at >= 0:
            end = text.find("\n", at)
            end = len(text) if end < 0 else end
            lines[text.rfind("\n", 0, at) + 1] = end
            at = lower.find(word, end)
    return sorted(lines.items())


def _begin(text: str, first: int, last: int) -> tuple[int, bool] | None:
    """Where a note begins in a paragraph, and whether it begins with what it is called."""
    if _LABEL.match(text, first, last):
        return first, True
    match = _NOTE.search(text, first, last)
    return (match.start(), False) if match else None


def _note(text: str, at: int, labelled: bool) -> Correction:
    """From the sentence that the note begins with to the end of its paragraph, or of the last sentence that fits."""
    first = text.rfind("\n", 0, at) + 1
    last = text.find("\n", at)
    last = len(text) if last < 0 else last
    start, end = (first if labelled else at), last
    if not labelled:
        start = next((first + s for s, e in split_sentences(text[first:last]) if first + e > at), at)
    if end - start > _LONGEST:
        ends = [start + e for _, e in split_sentences(text[start:end]) if e <= _LONGEST]
        end = ends[-1] if ends else start + _LONGEST
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    quote = text[start:end]
    return Correction(_kind(quote), start, end, quote)


def _kind(quote: str) -> Kind:
    if _RETRACTED.search(quote[:200]):
        return "retraction"
    if _CALLED.match(quote):
        return "correction"
    return "clarification" if _CLEARED.search(quote) and not _WRONG.search(quote) else "correction"
