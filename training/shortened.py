"""Follow-ups made from questions that stand alone.

Conversations with short answers and titles, as they are in use, are not to be had with rewrites.
Two or more questions of SQuAD about one article are a conversation, and the last of them becomes a
follow-up when it is shortened as people shorten: a name that was said becomes a pronoun or goes
unsaid; only "Why?" or "And in 1999?" remains. What it was before is its rewrite.
"""

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from qa.conversation import Turn
from qa.followups import find_words, term, terms

SQUAD = ("squad11_train_44articles", "squad11_train_samples", "squad20_dev_a")


@dataclass(frozen=True)
class Example:
    """A question, the turns before it with the titles of their articles, and the question made to stand alone."""

    question: str
    rewrite: str
    turns: tuple[Turn, ...]
    titles: tuple[str, ...]  # one for each turn, "" for none


@dataclass(frozen=True)
class Paragraph:
    title: str
    context: str
    asked: tuple[tuple[str, str], ...]  # question and answer ("" when there is none)


def read_paragraphs(folder: Path) -> dict[str, list[Paragraph]]:
    """The paragraphs of each article that have two or more questions."""
    found: dict[str, list[Paragraph]] = defaultdict(list)
    for name in SQUAD:
        with gzip.open(folder / f"{name}.json.gz", "rt", encoding="utf-8") as file:
            data = json.load(file)["data"]
        for article in data:
            title = article.get("title", "").replace("_", " ").strip()
            by_context: dict[str, list[tuple[str, str]]] = defaultdict(list)
            for paragraph in article["paragraphs"]:
                for qa in paragraph["qas"]:
                    answer = qa["answers"][0]["text"] if qa["answers"] else ""
                    by_context[paragraph["context"]].append((qa["question"].strip(), answer))
            for context, asked in by_context.items():
                if len(asked) > 1:
                    # A file of samples from many articles has no titles: each of its paragraphs stands for itself.
                    found[title or context].append(Paragraph(title, context, tuple(asked)))
    return found


def draw_shortened(articles: dict[str, list[Paragraph]]) -> Callable[[random.Random], Example | None]:
    """Draws examples; None where the questions drawn share nothing that could be shortened."""
    names = [name for name, paragraphs in articles.items() for _ in paragraphs]

    def draw(rng: random.Random) -> Example | None:
        paragraphs = articles[rng.choice(names)]
        paragraph = rng.choice(paragraphs)
        asked = list(paragraph.asked)
        rng.shuffle(asked)
        if len(paragraphs) > 1 and rng.random() < 0.3:  # the conversation began elsewhere in the article
            asked = [asked[0], *rng.choice(paragraphs).asked[:2]]
        (question, _), *before = asked[: rng.choice((2, 2, 3, 4))]
        before = [(q, a if len(a.split()) < 15 and rng.random() > 0.1 else "") for q, a in before]
        title = news_title(paragraph, rng)
        turns = tuple(Turn(q, a) for q, a in before)
        example = Example(question, question, turns, (title,) * len(turns))
        shorten = rng.choice((to_pronoun, to_pronoun, to_pronoun, to_pronoun, leave_out, leave_out, bare, swap_year))
        return shorten(example, paragraph.context, rng)

    return draw


def news_title(paragraph: Paragraph, rng: random.Random) -> str:
    """The page's heading, or the beginning of a sentence, which is what headlines are like; now and then none."""
    chance = rng.random()
    if chance < 0.2:
        return ""
    if chance < 0.4 and paragraph.title:
        return paragraph.title
    sentence = rng.choice(re.split(r"(?<=[.!?]) ", paragraph.context))
    head = " ".join(sentence.split()[: rng.randrange(6, 13)])
    return f"{paragraph.title} {head}" if paragraph.title and rng.random() < 0.5 else head


def to_pronoun(example: Example, context: str, rng: random.Random) -> Example | None:
    """A name that the conversation has already becomes the pronoun that the paragraph uses most."""
    runs = shared_runs(example)
    if not runs:
        return None
    start, end = rng.choice(runs)
    question = example.question
    word = pronoun_for(question[start:end], context) or rng.choice(("it", "it", "they"))
    possessive = re.match(r"(?:'s|’s|'|’)(?= )", question[end:])
    if possessive:
        word, end = {"he": "his", "she": "her", "they": "their", "it": "its"}[word], end + possessive.end()
    elif re.search(r"\b(?:of|by|to|for|with|from|about|in|on|at|against|after)\s$", question[:start].lower()):
        word = {"he": "him", "she": "her", "they": "them"}.get(word, word)
        word = rng.choice((word, "that")) if word == "it" else word
    elif rng.random() < 0.15:
        word = {"it": "this", "they": "these"}.get(word, word)
    return replace(example, question=capital(question[:start] + word + question[end:]))


def pronoun_for(name: str, context: str) -> str | None:
    """ "he" or "she" where the paragraph goes on so soon after the name, and the name is no place that is gone to."""
    found = {"he": 0, "she": 0}
    pattern = rf"(?<!\bin )(?<!\bat )(?<!\bthe )\b{re.escape(name)}\b(?=([^.]{{0,80}}\b|[^.]*\. )(he|she|his|her)\b)"
    for match in re.finditer(pattern, context):
        found["he" if match[2] in ("he", "his") else "she"] += 1
    best = max(found, key=lambda word: found[word])
    return best if found[best] and name[:1].isupper() else None


def leave_out(example: Example, context: str, rng: random.Random) -> Example | None:
    """What the conversation has already goes unsaid, the preposition before it too."""
    question = example.question
    cuts = []
    for start, end in shared_runs(example):
        before = re.search(r"\b(?:of|by|to|for|with|from|about|in|on|at|during|against) $", question[:start].lower())
        if before:
            cuts.append((before.start(), end))
    if not cuts:
        return None
    start, end = rng.choice(cuts)
    rest = re.sub(r"\s+", " ", question[:start] + question[end:]).strip()
    rest = re.sub(r"\s+([?.,])", r"\1", rest)
    if rng.random() < 0.25:
        rest = f"And {rest[:1].lower()}{rest[1:]}"
    return replace(example, question=capital(rest)) if len(terms(rest)) > 0 else None


def bare(example: Example, context: str, rng: random.Random) -> Example | None:
    """Only "Why?" remains; what it asks about is the whole last question."""
    last = example.turns[-1].question
    head = re.match(r"(?:how (?:many|much|old|long|far|big|often)|what|which|who|where|when|why|how)\b", last.lower())
    if head is None:
        return None
    asked = rng.choice(("Why?", "When?", "Where?", "How?", "How many?", "How come?", "Since when?", "Who?", "By whom?"))
    if rng.random() < 0.3:
        asked = f"And {asked.lower()}"
    return replace(example, question=asked, rewrite=f"{asked.rstrip('?')} {last[head.end() :].strip()}")


def swap_year(example: Example, context: str, rng: random.Random) -> Example | None:
    """ "And in 1999?", "What about France?": the last question asked again with one thing changed."""
    last = example.turns[-1].question
    years = list(re.finditer(r"\b(?:in )?(?:1[0-9]|20)\d\d\b", last))
    names = list(re.finditer(r"(?<=[a-z,] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*", last))
    if years and rng.random() < 0.7:
        old, new = years[0], f"in {rng.randrange(1900, 2024)}"
    else:
        others = set(re.findall(r"(?<=[a-z,] )[A-Z][\w'-]+(?: [A-Z][\w'-]+)*", context)) - {n[0] for n in names}
        if not names or not others:
            return None
        old, new = rng.choice(names), rng.choice(sorted(others))
    question = rng.choice(("And {}?", "What about {}?", "How about {}?", "and {}?", "But {}?")).format(new)
    return replace(example, question=question, rewrite=last[: old.start()] + new + last[old.end() :])


def shared_runs(example: Example) -> list[tuple[int, int]]:
    """Stretches of the question, names first of all, whose every content word the conversation has already."""
    said = [f"{t.question} {t.answer}" for t in example.turns]
    known = set().union(*map(terms, [*said, *example.titles]))
    question = example.question
    runs: list[tuple[int, int]] = []
    for start, end in find_words(question):
        word = term(question[start:end])
        if word not in known:
            continue
        if runs and question[runs[-1][1] : start].strip().lower() in ("", "of", "of the", "the", "and"):
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((start, end))
    kept = []
    for start, end in runs:
        text = question[start:end]
        end -= 2 if text.endswith(("'s", "’s")) else 0
        named_before = question[:start].lower().endswith("the ")
        if start == 0 or not (named_before or re.search(r"[A-Z]", text)):
            continue
        article = re.search(r"\b(?:the|a|an) $", question[:start], re.IGNORECASE)
        kept.append((article.start() if article else start, end))
    return kept


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]
