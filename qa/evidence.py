"""Spans from many passages -> candidate answers: equal ones joined, best first."""

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from index.passages import Passage
from qa.confidence import Confidence, Features
from qa.expectation import fit
from qa.reader import Reading, Span
from qa.retriever import Hit
from qa.values import read_number

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_LEADING = re.compile(
    r"^(?:in|on|at|by|from|to|about|around|nearly|almost|some|roughly|approximately|at least|more than|over|up to"
    r"|fewer than|less than|just over|just under|estimated)\s+(?=[\d$€£])"
)
_INITIALS = re.compile(r"\b([^\W\d_])\.(?=[^\W\d_]\b)")
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MINUS = re.compile(r"(?<![\w%)])[-−](?=[$€£]?\d)")
_PERCENT = re.compile(r"(?<=\d)\s*(?:percent|per cent)\b|(?<=\d)\s+(?=%)")
_SPELLED = re.compile(
    r"^(?P<lead>[a-z ]*?)\b(?P<number>(?:(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
    r"|\w+teen|\w+ty|hundred|and)(?:\s+|$))+)$"
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer and every span that gives it, best first. ``confidence`` is the probability that it is right.

    ``rank`` orders candidates, ``ranks`` is what it would be with each of the ``spans`` alone, and ``features`` is what
    it was made of. ``status`` and ``earlier``, older values newest first, are told by ``qa.changes``.
    """

    spans: tuple[Span, ...]
    confidence: float
    rank: float = 0.0
    ranks: tuple[float, ...] = ()
    features: Features | None = None
    status: Literal["current", "conflicting"] = "current"
    earlier: tuple["Candidate", ...] = ()


def join(
    question: str,
    hits: Sequence[Hit],
    readings: Sequence[Reading],
    texts: Sequence[str],
    confidence: Confidence,
    date_of: Callable[[Span], str | None] = lambda span: None,
) -> list[Candidate]:
    """Candidate answers to ``question`` from what was read in each hit, most likely first.

    Spans are one answer when their words are, or the dates that ``date_of`` gives them: "Tuesday" in two
    articles may be two days, and "on 5 July" and "Tuesday" one. Without a date words join words.
    """
    groups = group_spans(hits, readings, texts, date_of)
    measured = {}
    for key, group in groups.items():
        group.sort(key=lambda found: -(found[1] + found[0].score))
        # The words as they stand: whether they are a name shows in their capitals.
        measured[key] = features_of([found[:3] for found in group], fit(question, group[0][3]))
    ranked = sorted(groups, key=lambda key: -confidence.rank(measured[key]))
    ranks = [confidence.rank(measured[key]) for key in ranked]
    candidates = []
    for place, key in enumerate(ranked):
        others = ranks[:place] + ranks[place + 1 :]
        alone: dict[Span, float] = {}
        for found in groups[key]:
            alone.setdefault(found[0], confidence.rank(features_of([found[:3]], measured[key].fit)))
        spans = tuple(distinct([span for span, *_ in groups[key]]))
        sure = confidence.of(measured[key], ranks[place], others)
        of_spans = tuple(alone[span] for span in spans)
        candidates.append(Candidate(spans, sure, ranks[place], of_spans, measured[key]))
    return candidates


_BEFORE_NUMBERS = frozenset(
    ("", "at least", "more than", "over", "up to", "about", "around", "nearly", "almost", "some", "less than")
)
Found = tuple[Span, float, Hit, str]  # a span, its score, where it was found, its words


def group_spans(
    hits: Sequence[Hit], readings: Sequence[Reading], texts: Sequence[str], date_of: Callable[[Span], str | None]
) -> dict[tuple[str, str], list[Found]]:
    """Spans by what they say, in the order in which they were found."""
    groups: dict[tuple[str, str], list[Found]] = {}
    dated: dict[str, set[str]] = {}
    for hit, reading, text in zip(hits, readings, texts, strict=True):
        for start, end, score in reading.spans:
            span = Span(hit.passage, hit.passage.start + start, hit.passage.start + end, score - reading.null)
            words, day = text[start:end], date_of(span)
            key = answer_key(words)
            if day:
                dated.setdefault(key, set()).add(day)
            if day or key:
                groups.setdefault(("day", day) if day else ("words", key), []).append((span, score, hit, words))
    for key, days in dated.items():
        if ("words", key) in groups and len(days) == 1:  # "4 May" in an article without a date of its own
            groups["day", *days] += groups.pop(("words", key))
    return groups


def features_of(group: Sequence[tuple[Span, float, Hit]], fits: int) -> Features:
    """What bears on whether the spans of one answer are right."""
    return Features(
        margin=max(span.score for span, _, _ in group),
        span=max(score for _, score, _ in group),
        retrieval=max(hit.score - hit.preferred for _, _, hit in group),
        preferred=max(hit.preferred for _, _, hit in group),
        cosine=max(hit.cosine for _, _, hit in group),
        passages=len({(span.passage.article_id, span.passage.start) for span, _, _ in group}),
        articles=len({span.passage.article_id for span, _, _ in group}),
        fit=fits,
    )


def order_passages(candidates: Sequence[Candidate]) -> list[Passage]:
    """The passages that hold candidates, so ordered that the first few together are as likely as can be to hold the
    right one: each next is the one that adds most to what those before it hold.

    The candidates' probabilities are the softmax of their ranks, which is what the ranking was fitted as. Taking the
    best next one is within 1 - 1/e of the best choice for every number of passages (Nemhauser, Wolsey & Fisher 1978).
    """
    if not candidates:
        return []
    top = max(candidate.rank for candidate in candidates)
    likely = [math.exp(candidate.rank - top) for candidate in candidates]
    holds: dict[Passage, set[int]] = {}
    for number, candidate in enumerate(candidates):
        for span in candidate.spans:
            holds.setdefault(span.passage, set()).add(number)
    ordered, held = [], set()
    while holds:
        # Where nothing is added, the passage with the best candidate; where that is one and the same, the first seen.
        best = max(holds, key=lambda passage: (sum(likely[n] for n in holds[passage] - held), -min(holds[passage])))
        ordered.append(best)
        held |= holds.pop(best)
    return ordered


def distinct(spans: Sequence[Span]) -> list[Span]:
    """Each place in an article once: overlapping passages bring the same words twice."""
    kept: dict[tuple[str, int, int], Span] = {}
    for span in spans:
        kept.setdefault((span.passage.article_id, span.start, span.end), span)
    return list(kept.values())


def answer_key(text: str) -> str:
    """What two answers must share to be the same: case, articles, punctuation and spacing do not count."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub(r"['’]s\b", "", text)
    # "U.S." is "US" and "1,500" is "1500", but "-5" is not "5".
    text = _MINUS.sub("minus ", _GROUPED.sub("", _INITIALS.sub(r"\1", text)))
    # Combining marks are letters' parts: without its vowel signs one Hindi word is another.
    text = "".join(c if c.isalnum() or c.isspace() or c in "%$€£." or _is_mark(c) else " " for c in text)
    text = re.sub(r"(?<!\d)\.|\.(?!\d)", " ", text)
    text = " ".join(_ARTICLES.sub(" ", text).split())
    return _LEADING.sub("", _PERCENT.sub("%", _in_digits(text)))


def _in_digits(text: str) -> str:
    """ "at least twenty one" as "at least 21": what ends with a number in words, which the others write in digits."""
    match = _SPELLED.match(text)
    number = read_number(match["number"], 0, len(match["number"])) if match else None
    if number is None or match["lead"].strip() not in _BEFORE_NUMBERS:
        return text
    return f"{match['lead'].strip()} {number.low:.10g}".strip()


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"  # emoji styles
