"""Follow-up -> standalone question, without a language model.

A trained classifier marks the words of the conversation that a question needs (:mod:`qa.followups`).
Here they are put in: a name in the place of its pronoun where that is safe, all others in brackets
behind the question. No word is used that the conversation does not hold.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from qa.followups import Marks, TermClassifier, find_words, term, terms

_REMEMBERED = 8  # turns; the first one, where the subject was named, is always among them
_LEANS = 0.7  # below this a question stands alone
_ADDED = 0.2  # a word too many costs a search little, a word too few the answer
_ADDED_OF_TITLE = 0.1  # titles say in few words what the story is
_REPLACED = 0.6
_MOST_ADDED = 14  # words; a question of more words than that is no longer about anything
_LONGEST_NAME = 7  # words; a longer run of capitals is a headline
_LONGEST_READ = 1000  # characters of a text; more than the classifier sees, and a hostile one costs no time

# How sure it must be that a name stands for the pronoun: "it" is often a thing without a name, or nothing at all.
_PERSON, _THING = 0.7, 0.9
_PRONOUNS = {
    **dict.fromkeys(("he", "she", "him", "her", "his", "hers"), _PERSON),
    **dict.fromkeys(("it", "its", "they", "them", "their", "theirs"), _THING),
}
_OWNING = {"his", "hers", "its", "their", "theirs"}
_CAPITALS = "".join(filter(str.isupper, map(chr, range(0x530))))  # Latin, Greek and Cyrillic
_NAME = re.compile(
    rf"\b[{_CAPITALS}][\w’'.-]*(?:\s+(?:(?:of|the|on|de|van|von|al|for)\s+){{0,2}}[{_CAPITALS}0-9][\w’'.-]*)*"
)
_STOP = re.compile(r"[^\s\w’'\"“”$£€-]")
_YEAR = r"(?:1[6-9]|20)\d\d"
_MONTH = r"(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_TIME = re.compile(rf"\b(?:(in|for|during|on)\s+)?((?:{_MONTH}\s+)?{_YEAR})\b", re.IGNORECASE)
_TIME_ONLY = re.compile(
    rf"\s*(?:and|but|or)?\s*(?:what about|how about)?\s*(?:(in|for|during)\s+)?((?:{_MONTH}\s+)?{_YEAR})\s*\??\s*",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange; ``answer`` is "" when it was refused, ``article_id`` None when unknown."""

    question: str
    answer: str = ""
    article_id: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """A text of the conversation; ``title`` when it is an article's, which is no sentence and full of capitals."""

    text: str
    title: bool = False


def resolve(
    question: str,
    history: Sequence[Turn],
    classifier: TermClassifier,
    title_of: Callable[[str], str] = lambda article_id: "",
) -> str:
    """``question`` as it stands, or with the words of the history that it leans on.

    ``title_of`` gives the title of an article by its id, "" where there is none.
    """
    if not history or not question.strip():
        return question
    if again := _ask_again(question, history, classifier, title_of):
        return again
    said = recall(history, title_of)
    marks = classifier.mark(question, [each.text for each in said])
    if marks.leans < _LEANS:
        return question
    wanted = choose(question, said, marks)
    question, wanted = put_in_place(question, said, marks, wanted)
    return put_behind(question, find_phrases(said, wanted))


def recall(history: Sequence[Turn], title_of: Callable[[str], str]) -> list[Said]:
    """What was said, the latest turn first: its question, its answer, and its article's title where that is new."""
    kept = history if len(history) <= _REMEMBERED else [history[0], *history[1 - _REMEMBERED :]]
    said: list[Said] = []
    for turn in reversed(kept):
        said += [Said(_cut(text)) for text in (turn.question, turn.answer) if text]
        title = Said(_cut(title_of(turn.article_id)), title=True) if turn.article_id else None
        if title and title.text and title not in said:
            said.append(title)
    return said


def _cut(text: str) -> str:
    """The beginning of a text, ending with a whole word."""
    return text if len(text) <= _LONGEST_READ else text[:_LONGEST_READ].rpartition(" ")[0]


def _ask_again(
    question: str, history: Sequence[Turn], classifier: TermClassifier, title_of: Callable[[str], str]
) -> str | None:
    """ "And in 2023?" is the last question with another time; None where this is no such question."""
    when = _TIME_ONLY.fullmatch(question)
    if when is None:
        return None
    last = resolve(history[-1].question, history[:-1][-_REMEMBERED:], classifier, title_of)
    if old := _TIME.search(last):
        return f"{last[: old.start(2)]}{when[2]}{last[old.end(2) :]}"
    return f"{last.rstrip(' ?')} {when[1] or 'in'} {when[2]}?"


def choose(question: str, said: Sequence[Said], marks: Marks) -> set[str]:
    """The terms to add: those marked, and names in full. A question that names its own year gets no other."""
    found: dict[str, float] = {}
    for each, added in zip(said, marks.added, strict=True):
        for (start, end), probability in zip(find_words(each.text), added, strict=True):
            key = term(each.text[start:end])
            if probability >= (_ADDED_OF_TITLE if each.title else _ADDED):
                found[key] = max(probability, found.get(key, 0.0))
    found.pop("", None)
    wanted = set(sorted(found, key=lambda key: -found[key])[:_MOST_ADDED])
    for each in said:
        for name in names_in(each):
            if terms(name) & wanted:
                wanted |= terms(name)
    if _TIME.search(question):
        wanted = {key for key in wanted if not re.fullmatch(_YEAR, key)}
    return wanted - terms(question)


def names_in(said: Said) -> list[str]:
    """Runs of capitalised words; none in titles, where capitals say little."""
    if said.title:
        return []
    return [name for name in _NAME.findall(said.text) if len(name.split()) <= _LONGEST_NAME]


def put_in_place(question: str, said: Sequence[Said], marks: Marks, wanted: set[str]) -> tuple[str, set[str]]:
    """Replaces the first pronoun by the name that it stands for, where both are certain."""
    words = find_words(question)
    names = {least: _surest_name(said, marks, wanted, least) for least in (_PERSON, _THING)}
    for number, (start, end) in enumerate(words):
        pronoun = question[start:end].lower()
        name = names.get(_PRONOUNS.get(pronoun))
        if name is None or marks.replaced[number] < _REPLACED:
            continue
        follows = number + 1 < len(words) and term(question[slice(*words[number + 1])])
        ending = "'s" if pronoun in _OWNING or (pronoun == "her" and follows) else ""
        return question[:start] + name + ending + question[end:], wanted - terms(name)
    return question, wanted


def _surest_name(said: Sequence[Said], marks: Marks, wanted: set[str], least: float) -> str | None:
    """The wanted name that most surely stands for a pronoun; of about equals the fullest, then the latest."""
    sure: dict[str, float] = {}
    for each, instead in zip(said, marks.instead, strict=True):
        for (start, end), probability in zip(find_words(each.text), instead, strict=True):
            key = term(each.text[start:end])
            sure[key] = max(probability, sure.get(key, 0.0))
    names = [_bare(name) for each in said for name in names_in(each) if terms(name) and terms(name) <= wanted]
    means = {name: sum(sure.get(key, 0.0) for key in terms(name)) / len(terms(name)) for name in names}
    certain = [name for name in means if means[name] >= least]
    return max(certain, key=lambda name: (round(means[name], 1), len(terms(name))), default=None)


def _bare(name: str) -> str:
    """Without little words before it ("Did Joe Biden"), and without a possessive or a stop behind it."""
    words = find_words(name)
    first = next((start for start, end in words if term(name[start:end])), 0)
    return re.sub(r"(?:['’]s?|\W+)$", "", name[first:])


def find_phrases(said: Sequence[Said], wanted: Collection[str]) -> list[str]:
    """Stretches of the texts that hold the wanted terms, each term once, longest first; titles last of all."""
    left = set(wanted)
    runs = [(each, run) for each in said for run in _runs(each.text, left)]
    phrases = []
    while left and runs:
        each, run = max(runs, key=lambda pair: (len(_terms_of(*pair) & left), not pair[0].title))
        if not _terms_of(each, run) & left:
            break
        run = _trim(each, run, left)
        left -= _terms_of(each, run)
        phrases.append(re.sub(r"['’]s?$", "", each.text[run[0][0] : run[-1][1]]))
    return phrases


Run = list[tuple[int, int]]  # offsets of words


def _runs(text: str, wanted: Collection[str]) -> list[Run]:
    """Wanted words that follow each other with at most little words, and no stop, between them."""
    runs: list[Run] = []
    going, at = False, 0
    for start, end in find_words(text):
        key = term(text[start:end])
        if key in wanted:
            if not going or _STOP.search(text[at:start]):
                runs.append([])
            runs[-1].append((start, end))
            going, at = True, end
        elif key:
            going = False
    return runs


def _terms_of(said: Said, run: Run) -> set[str]:
    return {term(said.text[start:end]) for start, end in run}


def _trim(said: Said, run: Run, left: Collection[str]) -> Run:
    """Without words at either end that are said already."""
    new = [term(said.text[start:end]) in left for start, end in run]
    return run[new.index(True) : len(new) - new[::-1].index(True)]


def put_behind(question: str, phrases: Sequence[str]) -> str:
    """ "Why?" -> "Why? (Avelo, Northern Colorado)"."""
    return f"{question.rstrip()} ({', '.join(phrases)})" if phrases else question
