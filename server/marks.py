"""Where words are marked: in an article, in a passage, in the sentence of an answer."""

import re
from collections.abc import Sequence

from server.messages import AnswerOut, CitationOut

Mark = tuple[int, int]  # start and end in code points


def paragraphs(text: str, marks: Sequence[Mark]) -> list[list[tuple[str, int | None]]]:
    """The paragraphs of ``text``, each as pieces ``(words, number of their mark or None)``.

    ``marks`` are in order and do not overlap.
    """
    result = []
    for match in re.finditer(r"[^\n]+", text):
        if not match.group().strip():
            continue
        pieces: list[tuple[str, int | None]] = []
        at, last = match.span()
        for number, (start, end) in enumerate(marks):
            start, end = max(start, at), min(end, last)
            if start < end:
                pieces += [(text[at:start], None)] if at < start else []
                pieces.append((text[start:end], number))
                at = end
        result.append(pieces + ([(text[at:last], None)] if at < last else []))
    return result


def separate(first: Mark, others: Sequence[Mark]) -> list[Mark]:
    """``first`` and those of the others that overlap neither it nor each other, in order."""
    kept = [first]
    for start, end in others:
        if all(end <= s or e <= start for s, e in kept):
            kept.append((start, end))
    return sorted(kept)


def marked_passage(citation: CitationOut) -> tuple[str, str, str]:
    """The cited passage as what is before, within and after the quote."""
    text, shift = citation.passage.text, citation.passage.start
    return text[: citation.start - shift], citation.quote, text[citation.end - shift :]


def marked_sentence(answer: AnswerOut) -> tuple[str, str, str]:
    """The answer's sentence as what is before, within and after its words.

    The words may occur in it more than once: the occurrence meant is the one with which the
    whole sentence stands in the cited passage.
    """
    sentence, words, citation = answer.sentence, answer.text, answer.citations[0]
    passage, at = citation.passage.text, citation.start - citation.passage.start
    found = sentence.find(words)
    while found >= 0:
        shift = at - found  # where the sentence begins in the passage
        if shift >= 0 and passage.startswith(sentence, shift):
            return sentence[:found], words, sentence[found + len(words) :]
        found = sentence.find(words, found + 1)
    return "", words, ""
