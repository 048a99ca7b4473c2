"""Questions that a passage does not answer, made from those that it does.

Human-written ones are scarce (4,268 in the training data), and a passage picked at random is
too easy to tell apart. What people wrote for SQuAD 2.0 are small changes: another name or
number, an antonym, a negation (Rajpurkar et al. 2018, table 2); these rules make such changes.
A fourth kind is what retrieval brings: the right text without the sentence that answers.
"""

import random
import re

from index.passages import split_sentences

_NAME = re.compile(r"(?<=[a-z,] )[A-Z][\w'-]+(?: (?:of |the |de )?[A-Z][\w'-]+)*")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,.]*\d(?!\w)|(?<![\w.,])\d(?![\w.,])")
_AUXILIARY = re.compile(r"\b(is|are|was|were|did|does|do|has|have|had|can|could|will|would|should)\b")
_NEGATED = {"can": "can't", "will": "won't"}
_PAIRS = """
first last|most least|more less|before after|largest smallest|biggest smallest|highest lowest|higher lower|
increase decrease|increased decreased|began ended|start end|started ended|opened closed|won lost|north south|
northern southern|east west|eastern western|early late|earlier later|oldest youngest|longest shortest|best worst|
allowed banned|accepted rejected|support oppose|supported opposed|legal illegal|public private|major minor|
maximum minimum|majority minority|male female|father mother|son daughter|husband wife|brother sister|
inside outside|above below|old new|former current|good bad|large small|long short|high low|strong weak|
succeed fail|gained lost|rise fall|rose fell|joined left|born died|built destroyed|bought sold|arrive leave|
hot cold|common rare|easy difficult|positive negative|never always|without with|rich poor
"""
_OPPOSITES = {
    word: other
    for pair in _PAIRS.replace("\n", "").split("|")
    for word, other in (pair.split(), reversed(pair.split()))
}
_OPPOSITE = re.compile(rf"\b({'|'.join(_OPPOSITES)})\b")


def alter_question(question: str, passage: str, answers: set[str], rng: random.Random) -> str | None:
    """The question with one word or name changed so that the passage no longer answers it; None where no rule fits."""
    rules = [_swap_name, _swap_name, _swap_number, _oppose, _oppose, _negate]
    rng.shuffle(rules)
    for rule in rules:
        altered = rule(question, passage, answers, rng)
        if altered and altered != question:
            return altered
    return None


def drop_answer(passage: str, answers: list[tuple[int, int]]) -> str | None:
    """The passage without the sentences that hold an answer; None where too little is left, or the answer still is."""
    texts = {passage[start:end].lower() for start, end in answers}
    kept = [
        passage[start:end]
        for start, end in split_sentences(passage)
        if not any(text in passage[start:end].lower() for text in texts)
    ]
    rest = " ".join(kept)
    if len(rest.split()) < 30 or any(text in rest.lower() for text in texts):
        return None
    return rest


def _swap_name(question: str, passage: str, answers: set[str], rng: random.Random) -> str | None:
    names = _NAME.findall(question)
    others = {name for name in _NAME.findall(passage) if name not in question and name not in answers}
    return _replace(question, rng.choice(names), rng.choice(sorted(others))) if names and others else None


def _swap_number(question: str, passage: str, answers: set[str], rng: random.Random) -> str | None:
    numbers = _NUMBER.findall(question)
    if not numbers:
        return None
    old = rng.choice(numbers)
    others = [n for n in _NUMBER.findall(passage) if len(n) == len(old) and n not in question and n not in answers]
    if not others and old.isdigit():
        others = [str(max(1, int(old) + rng.choice((-10, -3, -2, -1, 1, 2, 3, 10))))]
    return _replace(question, old, rng.choice(others)) if others else None


def _oppose(question: str, passage: str, answers: set[str], rng: random.Random) -> str | None:
    words = _OPPOSITE.findall(question)
    if not words:
        return None
    old = rng.choice(words)
    return _replace(question, old, _OPPOSITES[old])


def _negate(question: str, passage: str, answers: set[str], rng: random.Random) -> str | None:
    if "n't" in question or " not " in question or rng.random() < 0.4:
        return None
    return _AUXILIARY.sub(lambda found: _NEGATED.get(found[0], found[0] + "n't"), question, count=1)


def _replace(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text, count=1)
