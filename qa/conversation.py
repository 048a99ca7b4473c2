"""Follow-up -> standalone question, without a language model.

A follow-up keeps its own words; words of the last exchange that it leans on are put behind it,
as in query resolution by term classification (QuReTeC, Voskarides et al. 2020). Which ones is
decided by rule here: the names and other content words of the last question and answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

_LEANING = re.compile(
    r"\b(?:he|him|his|she|her|hers|it|its|they|them|their|theirs|this|that|these|those|there|then|one|ones|"
    r"the same|else|other|others|another)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][\w’'.-]*(?:\s+(?:(?:of|the|de|van|von|al|and|for)\s+)?[A-Z0-9][\w’'.-]*)*")
_WORD = re.compile(r"[^\W_]+(?:[-’'][^\W_]+)*")
_LITTLE = frozenset(
    """a an the of in on at to for from by with and or but is are was were be been being do does did has have had
    will would can could should may might what which who whom whose when where why how that this these those it
    its he him his she her they them their there then as about into than more most many much any some not no so
    if did one ones also other another else same after before during first last""".split()
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange; ``answer`` is "" when it was refused, ``article_id`` None when unknown."""

    question: str
    answer: str = ""
    article_id: str | None = None


def resolve(question: str, history: Sequence[Turn]) -> str:
    """``question`` as it stands, or with the words of the history that it leans on put behind it."""
    if not history or not leans(question):
        return question
    last = history[-1]
    added = []
    known = {word.lower() for word in _WORD.findall(question)}
    for word in [*_content(resolve(last.question, history[:-1][-2:])), *_names(last.answer)]:
        if word.lower() not in known:
            known.add(word.lower())
            added.append(word)
    return f"{question} {' '.join(added[:12])}" if added else question


def leans(question: str) -> bool:
    """Whether a question cannot be understood alone: a pronoun, or hardly a word of its own."""
    content = _content(question)
    if not content or (len(content) == 1 and not _names_something(question)):
        return True
    if re.match(r"\s*(?:and|but|so|what about|how about)\b", question, re.IGNORECASE):
        return True
    if _LEANING.search(_idle_it(question)) is None:
        return False
    # "Did Mary sell her house?" answers its own pronoun.
    return not _names_something(question)


def _names_something(question: str) -> bool:
    return any(match.start() > 0 for match in _NAME.finditer(question))


def _idle_it(question: str) -> str:
    """Without pronouns that point nowhere: "is it true that", "that" before a clause, "there is"."""
    return re.sub(
        r"\b(?:is it true that|it takes?|does it take|did it take|(?:is|are|was|were) there|there (?:is|are|was|were)"
        r"|(?<=[a-z] )that(?= [a-z]))\b",
        " ",
        question,
        flags=re.IGNORECASE,
    )


def _content(text: str) -> list[str]:
    return [word for word in _WORD.findall(text) if word.lower() not in _LITTLE]


def _names(text: str) -> list[str]:
    words = [word for name in _NAME.findall(text) for word in _content(name)]
    return words or _content(text)[:4]
