"""Questions to begin with: such as the newest articles answer, each tried before it is offered."""

import re
from collections import Counter
from collections.abc import Iterator

from index.articles import Article
from qa.assistant import Assistant, Request

_WANTED = 4
_ARTICLES = 40  # looked into
_TRIED = 30
_OPENING = 5000  # characters of an article in which names are looked for
_SURE = 0.4
_NAME = r"[A-ZÀ-Þ][a-zß-ɏ][\w-]{0,30}"  # no possessive, no abbreviation
_PERSON = re.compile(rf"\b{_NAME}(?: {_NAME}){{1,2}}\b(?!['’])")
# Capitalised words that are no part of a person's name.
_OTHER = re.compile(
    r"\b(?:The|A|An|In|On|At|But|And|For|If|It|He|She|They|We|This|That|After|Before|When|While|Mr|Mrs|Ms|Dr|"
    r"Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|January|February|March|April|May|June|July|August|"
    r"September|October|November|December|President|Minister|University|Department|House|Street|Council|North|South|"
    r"East|West|New|United|National|City|County|State|Court|Bank|School|Party|Office|Union|Institute|Centre|Center|"
    r"Committee|Commission|Board|Agency|Association|Federation|Company|Group|Senate|Congress|Ministry|Museum|Club|"
    r"Police|Service|Services|Society|Foundation|Fund|Authority|Bureau|League|News|Times|Post)\b"
)
_SAYING = r"(?:,| said| says| told| announced| added| wrote| explained)"


def suggest(assistant: Assistant) -> tuple[str, ...]:
    """At most four questions, from different articles, that the assistant answers with confidence."""
    found: list[str] = []
    used: set[str] = set()
    for tried, (article, question) in enumerate(candidates(assistant)):
        if tried == _TRIED or len(found) == _WANTED:
            break
        if article.id in used:
            continue
        reply = assistant.ask(Request(question, limit=1))
        sure = max(_SURE, assistant.threshold)
        if reply.answers and reply.answers[0].confidence >= sure and _tells(question, reply.answers[0].text):
            found.append(question)
            used.add(article.id)
    return tuple(found)


def candidates(assistant: Assistant) -> Iterator[tuple[Article, str]]:
    """Who the people are that the newest articles let speak."""
    for article in assistant.generation.newest_articles(_ARTICLES):
        opening = article.text[:_OPENING]
        names = Counter(
            name
            for name in _PERSON.findall(opening)
            if not _OTHER.search(name) and re.search(re.escape(name) + _SAYING, opening)
        )
        for name, _ in names.most_common(2):
            yield article, f"Who is {name}?"


def _tells(question: str, answer: str) -> bool:
    """Whether the answer says more than the name asked about."""
    return not set(re.findall(r"\w+", answer.lower())) <= set(re.findall(r"\w+", question.lower()))
