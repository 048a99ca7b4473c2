"""Every word of the interface, and how dates and confidence are put into words.

Templates use these; the page's script gets the ones it needs from ``script_texts``.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.messages import AnswerOut

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

# Lowest confidence for each wording, the highest first.
CONFIDENCE = (
    (0.9, "Very likely right"),
    (0.75, "Likely right"),
    (0.5, "More likely right than not"),
    (0.25, "Uncertain"),
    (0.0, "Unlikely to be right"),
)


@dataclass(frozen=True, slots=True)
class Texts:
    name: str = "Verbatim"
    title: str = "Verbatim: answers in the articles’ own words"
    skip: str = "Skip to the question"
    new_conversation: str = "New conversation"
    conversation: str = "Conversation"
    welcome: str = "Ask the archive"
    welcome_more: str = "Answers are the articles’ own words, marked where they stand. Nothing is written by a machine."
    suggestions: str = "For instance"
    question: str = "Your question"
    placeholder: str = "Ask a question"
    ask: str = "Ask"
    asked: str = "You asked"
    searched_for: str = "Searched for:"
    looking: str = "Looking through the articles …"
    other_answers: str = "Other possible answers"
    conflicting: str = "The articles do not agree on this."
    resolved: str = "That is"
    passage: str = "Show the passage"
    original: str = "Original page"
    copies: str = "The same text also in:"
    earlier: str = "Earlier articles said:"
    undated: str = "no date"
    refusal: str = "The archive does not say."
    nearest: str = "These passages come closest."
    nothing_near: str = "No passage comes close."
    failed: str = "That did not work."
    unreachable: str = "The server cannot be reached. Your question is still in the box: try again."
    and_citations: str = "cited from"
    articles_one: str = "article"
    articles: str = "articles"
    newest: str = "newest"
    generation: str = "index"
    no_index: str = "No articles are indexed yet"
    no_index_more: str = "In a terminal, type this with the folder or file of your articles, then load this page again:"
    back: str = "Back to the questions"
    original_at: str = "These words on the original page"
    original_page: str = "The original page"
    moved: str = "The cited words are not at this place in the article any more: it was changed since."
    by: str = "By"
    to: str = "to"
    problem_request: str = "Request"


TEXTS = Texts()


def script_texts() -> str:
    """JSON with the texts that the page's script shows, and the tables to word dates and confidence."""
    names = ("asked", "looking", "refusal", "nearest", "nothing_near", "failed", "unreachable", "undated", "to")
    names += ("resolved", "and_citations")
    texts = {name: getattr(TEXTS, name) for name in names}
    return json.dumps(texts | {"months": MONTHS, "confidence": CONFIDENCE}, ensure_ascii=False)


def human_date(iso: str | None) -> str | None:
    """``2024-09-09T10:00:55`` as "9 September 2024"; also ``2024-09``, ``2024`` and an interval ``A/B``."""
    if not iso:
        return None
    if "/" in iso:
        return f" {TEXTS.to} ".join(human_date(part) or "" for part in iso.split("/"))
    year, *rest = iso[:10].split("-")
    day = str(int(rest[1])) if len(rest) > 1 else ""
    month = MONTHS[int(rest[0]) - 1] if rest else ""
    return " ".join(part for part in (day, month, year.lstrip("0") or "0") if part)


def human_resolved(answer: "AnswerOut") -> str:
    """The date an answer's words stand for, as "That is 1 June 2025"; empty when they say it themselves."""
    day = human_date(answer.resolved_date)
    return f"{TEXTS.resolved} {day}" if day and day != answer.text else ""


def human_confidence(confidence: float) -> str:
    """0.94 as "Very likely right, 94 %". Never 0 or 100 %: nothing is certain."""
    words = next((words for lowest, words in CONFIDENCE if confidence >= lowest), CONFIDENCE[-1][1])
    return f"{words}, {min(99, max(1, int(confidence * 100 + 0.5)))}\u00a0%"


def human_count(number: int, one: str, many: str) -> str:
    """1234 as "1,234 articles"."""
    return f"{number:,} {one if number == 1 else many}"


def full_sentence(text: str) -> str:
    """An error's line, which begins small, as a sentence to be shown."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
