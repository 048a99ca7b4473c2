"""Copies: articles that carry the same text, found at index time.

A syndicated story comes in many dresses: a dateline, straight or curly quotes, other teasers between its
paragraphs, a paragraph less at the end. A story brought up to date, another day of a live blog, or next
week's figures in last week's sentences are *not* copies, however alike.

Texts whose signatures agree in a band of four values are compared word for word.
Sources: Broder 1997 (resemblance and containment); Indyk and Motwani 1998 (banding).
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache

import numpy as np

from index.articles import Article
from index.passages import split_sentences
from index.signatures import FACTORS, NOTHING, UNSPACED, VALUES

VERSION = 1  # goes up whenever the same text would get another signature or another verdict
_ROWS = 4  # values in a band: 32 bands find 99.99 % of pairs at Jaccard .7, 87 % at .5, 5 % at .2
_BUCKET = 64  # neighbours that an article is compared with in a bucket too full to be compared in whole
_LIKELY = 0.4  # least share of equal values that is worth reading two texts for
_READ = 8  # pairs, the most alike, that an article is read for: one site's furniture may fill most of its pages
_SHORT = 30  # words; below it only equal words make a copy, as one changed word may be all the news
_SHARED = 0.5  # least share of the longer text's words that the shorter one has too
_NEW = 0.05  # most of its words that the text with less of its own may have for itself,
_NEW_WORDS = 40  # and most in number, a short paragraph: galleries of captions can dwarf the stories they stand in
_CUT = 0.25  # a text that lacks more of the other's words than this was cut,
_NEW_IN_CUT = 0.01  # and a text that was only cut has next to nothing of its own
_REPLACED = 3  # words that stand where the other version has a fact: the news has moved on
_RELATED = 0.3  # least share of word pairs by which two sentences are versions of one

# Combining marks end a word in both patterns. Copies are cut alike, so nothing is lost.
_TOKEN = re.compile(rf"\d+(?:[.,:]\d+)*|[^\W\d_{UNSPACED}][^\W_{UNSPACED}]*|[^\W_]")
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_PROSE_END = re.compile(r"[.!?…。！？｡।॥؟۔։။።]\W*$")
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion".split()
)


# Two texts


@dataclass(frozen=True, slots=True)
class _Sentence:
    """``prose`` is in a paragraph that ends as sentences do: headings, credits and links mostly do not."""

    words: tuple[str, ...]
    key: tuple[str, ...]  # the words in lower case
    prose: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """One text made ready to be compared."""

    text: str
    sentences: tuple[_Sentence, ...]
    size: int  # in words
    known: frozenset[str]  # the words in lower case


def _read(text: str) -> _Page:
    text = unicodedata.normalize("NFKC", text)
    # Where blank lines part the paragraphs, other line breaks may be no more than the width of a page.
    paragraphs = _BLANK_LINE.split(text) if _BLANK_LINE.search(text) else text.split("\n")
    sentences = []
    for paragraph in paragraphs:
        prose = bool(_PROSE_END.search(paragraph, max(0, len(paragraph) - 8)))
        for start, end in split_sentences(paragraph):
            if words := tuple(_TOKEN.findall(paragraph, start, end)):
                sentences.append(_Sentence(words, tuple(word.lower() for word in words), prose))
    return _Page(text, tuple(sentences), len(words := _words_of(sentences)), frozenset(words))


def are_copies(one: str, other: str) -> bool:
    """Whether two texts are one article, apart from light edits, in whichever order they are given.

    They are when one has hardly any prose that the other lacks, and no fact differs. Where both have numbers
    of their own, or a sentence's two versions do not name the same names and numbers, somebody has brought
    the story up to date or filled in a form. The longer text may add as much again.
    """
    return _compare(_read(one), _read(other))


def _compare(one: _Page, other: _Page) -> bool:
    if one.text == other.text or _words_of(one.sentences) == _words_of(other.sentences):
        return one.size > 0
    # In one order, as the greedy pairing below depends on it.
    one, other = sorted((one, other), key=lambda page: (page.size, page.text))
    if one.size < _SHORT or one.size < _SHARED * other.size:
        return False
    ours, theirs = _subtract(one.sentences, other.sentences), _subtract(other.sentences, one.sentences)
    less, more = sorted((_count_new(ours, theirs), _count_new(theirs, ours)))
    was_cut = more > _CUT * other.size
    if less > min(_NEW * one.size, _NEW_WORDS) or (was_cut and less > _NEW_IN_CUT * one.size):
        return False
    pairs = _pair_versions(ours, theirs)
    if any(_facts_differ(mine, yours, one.known, other.known) for mine, yours in pairs):
        return False
    edited = frozenset().union(*pairs)
    ours, theirs = ([s for s in side if s.prose or s in edited] for side in (ours, theirs))
    return not (_has_number(ours, other.known) and _has_number(theirs, one.known))


def _words_of(sentences: Iterable[_Sentence]) -> list[str]:
    return [word for sentence in sentences for word in sentence.key]


def _subtract(sentences: Sequence[_Sentence], others: Sequence[_Sentence]) -> list[_Sentence]:
    """The sentences that are not among ``others``, as often as they are not."""
    left = Counter(sentence.key for sentence in others)
    kept = []
    for sentence in sentences:
        left[sentence.key] -= 1
        if left[sentence.key] < 0:
            kept.append(sentence)
    return kept


def _count_new(sentences: Sequence[_Sentence], others: Sequence[_Sentence]) -> int:
    """How many words of prose lie in no three words in a row that ``others`` have too."""
    words, theirs = _words_of(sentences), _words_of(others)
    known = set(zip(theirs, theirs[1:], theirs[2:], strict=False))
    new = [sentence.prose for sentence in sentences for _ in sentence.key]
    for first, triple in enumerate(zip(words, words[1:], words[2:], strict=False)):
        if triple in known:
            new[first : first + 3] = [False] * 3
    return sum(new)


def _shape(sentence: _Sentence) -> set[tuple[str, str]]:
    """Pairs of neighbouring words, all figures alike: what is left of a sentence when its news is taken out."""
    words = ["", *("0" if word[0].isdigit() else word for word in sentence.key), ""]
    return set(zip(words, words[1:], strict=False))


def _pair_versions(ours: Sequence[_Sentence], theirs: Sequence[_Sentence]) -> list[tuple[_Sentence, _Sentence]]:
    """Sentences that are two versions of one, each with the most alike that is left."""
    shapes = [_shape(sentence) for sentence in theirs]
    places: dict[tuple[str, str], list[int]] = {}
    for number, shape in enumerate(shapes):
        for pair in shape:
            places.setdefault(pair, []).append(number)
    pairs, free = [], set(range(len(theirs)))
    for sentence in ours:
        shape = _shape(sentence)
        shared = Counter(number for pair in shape for number in places.get(pair, ()) if number in free)
        best = max(shared, key=lambda number: (shared[number], -number), default=None)
        if best is not None and shared[best] >= _RELATED * min(len(shape), len(shapes[best])):
            free.remove(best)
            pairs.append((sentence, theirs[best]))
    return pairs


def _facts_differ(ours: _Sentence, theirs: _Sentence, our_words: Collection[str], their_words: Collection[str]) -> bool:
    """Whether a name or a number of one version gave way to another, or to other words."""
    mine, yours = Counter(ours.key), Counter(theirs.key)
    mine, yours = mine - yours, yours - mine
    we_name, they_name = _has_fact(ours, mine, their_words), _has_fact(theirs, yours, our_words)
    return we_name and (they_name or yours.total() >= _REPLACED) or they_name and mine.total() >= _REPLACED


def _has_fact(sentence: _Sentence, own: Collection[str], known: Collection[str]) -> bool:
    """Whether ``sentence`` has a number among its own words, or a name that is not known to the other text.

    Without capitals, as in Arabic or Chinese, any word may be a name, and counts as a number does.
    """
    return any(
        key in own and not (word[0].isupper() and key in known)
        for word, key in zip(sentence.words, sentence.key, strict=True)
        if not word[0].islower() or key in _NUMBER_WORDS
    )


def _has_number(sentences: Iterable[_Sentence], known: Collection[str]) -> bool:
    return any(word[0].isdigit() and word not in known for word in _words_of(sentences))


# Many texts


def find_copies(
    ids: Sequence[str],
    signatures: np.ndarray,
    text_of: Callable[[str], str],
    known: Iterable[Collection[str]] = (),
    fresh: Collection[str] | None = None,
) -> list[tuple[str, ...]]:
    """Groups of two or more ids whose texts are copies, ids and groups in ascending order.

    ``signatures`` is uint32 (len(ids), 128), row by row those of the unique ``ids``; it may be a memory map.
    A group holds all that are linked by copies. The order of ``ids`` does not matter.

    After a first build, ``known`` are its groups and ``fresh`` the ids that are new or have another text:
    only these are compared, with the members of groups that lost or changed one.

    Memory beside the signatures: about 300 bytes an article, and 256 texts at a time.
    """
    rows = np.array(sorted(range(len(ids)), key=ids.__getitem__), dtype=np.int64)
    names = [ids[row] for row in rows]
    groups = _Groups(len(names))
    new = _seed(groups, names, known, fresh)

    @lru_cache(maxsize=256)
    def page(number: int) -> _Page:
        return _read(text_of(names[number]))

    def link(one: int, other: int) -> bool:
        if groups.find(one) == groups.find(other):
            return True
        if not (new[one] or new[other]) or not _compare(page(one), page(other)):
            return False
        groups.join(one, other)
        return True

    leaders = _link_twins(signatures, rows, link)
    for one, other in _likely_pairs(signatures, rows[leaders], new[leaders]).tolist():
        link(int(leaders[one]), int(leaders[other]))
    return groups.named(names)


class _Groups:
    """Disjoint sets of numbers; the root of a set is its least number."""

    def __init__(self, size: int):
        self._parents = np.arange(size)

    def find(self, number: int) -> int:
        while (parent := self._parents[number]) != number:
            self._parents[number] = number = self._parents[parent]
        return int(number)

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.find(one), self.find(other)))
        self._parents[other] = one

    def named(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """The sets of two or more, by name."""
        members: dict[int, list[str]] = {}
        for number in np.flatnonzero(self._parents != np.arange(len(names))).tolist():
            members.setdefault(root := self.find(number), [names[root]]).append(names[number])
        return sorted(tuple(group) for group in members.values())


def _seed(
    groups: _Groups, names: Sequence[str], known: Iterable[Collection[str]], fresh: Collection[str] | None
) -> np.ndarray:
    """Joins the known groups that nothing happened to. Returns bool (names,): which to compare with all others."""
    if fresh is None:
        return np.ones(len(names), dtype=bool)
    numbers = {name: number for number, name in enumerate(names)}
    new = np.zeros(len(names), dtype=bool)
    new[[numbers[name] for name in fresh if name in numbers]] = True
    touched = []
    for group in known:
        members = [numbers[name] for name in group if name in numbers]
        if len(members) < len(group) or new[members].any():
            touched += members
        else:
            for member in members[1:]:
                groups.join(members[0], member)
    new[touched] = True
    return new


def _hash_rows(signatures: np.ndarray, rows: np.ndarray, first: int, last: int) -> np.ndarray:
    """uint64 (rows,): one value for the columns ``first`` to ``last - 1`` of each row."""
    factors = (FACTORS[first:last, 0].astype(np.uint64) << np.uint64(32)) | FACTORS[::-1][first:last, 0]
    hashes = np.empty(len(rows), np.uint64)
    for start in range(0, len(rows), 65_536):
        part = slice(start, start + 65_536)
        hashes[part] = (signatures[rows[part], first:last] * factors).sum(axis=1, dtype=np.uint64)
    return hashes ^ hashes >> np.uint64(29)


def _link_twins(signatures: np.ndarray, rows: np.ndarray, link: Callable[[int, int], bool]) -> np.ndarray:
    """Links numbers with equal signatures. Returns the numbers that then stand for all, ascending.

    A text that stands in a thousand articles is compared a thousand times here, not half a million times.
    """
    hashes = _hash_rows(signatures, rows, 0, VALUES)
    order = np.argsort(hashes, kind="stable")
    edges = np.flatnonzero(np.diff(hashes[order])) + 1
    empty = _hash_rows(np.full((1, VALUES), NOTHING), np.zeros(1, np.int64), 0, VALUES)[0]
    leaders: list[int] = []
    for twins in np.split(order, edges) if order.size else ():
        if hashes[twins[0]] == empty:
            continue
        unlike: list[int] = []  # twins by signature alone: one changed word in a thousand often leaves it as it is
        for number in twins.tolist():
            if not any(link(leader, number) for leader in unlike[-_BUCKET:]):
                unlike.append(number)
        leaders += unlike
    return np.array(sorted(leaders), dtype=np.int64)


def _likely_pairs(signatures: np.ndarray, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Pairs of places in ``rows``, int64 (pairs, 2), whose signatures share a band and agree in enough values.

    One of each pair is ``new``. In a bucket of more than 64 each is compared with the 64 that follow it in
    the order of the next band.
    """
    found = np.empty(0, np.int64)
    for first in range(0, VALUES, _ROWS):
        keys, next_keys = (
            _hash_rows(signatures, rows, at % VALUES, at % VALUES + _ROWS) for at in (first, first + _ROWS)
        )
        order = np.lexsort((next_keys, keys))
        keys = keys[order]
        starts = np.arange(len(keys))
        for distance in range(1, _BUCKET + 1):
            starts = starts[starts + distance < len(keys)]
            starts = starts[keys[starts] == keys[starts + distance]]
            if not starts.size:
                break
            pairs = np.sort(np.stack([order[starts], order[starts + distance]], axis=1), axis=1)
            pairs = pairs[new[pairs].any(axis=1)]
            pairs = pairs[_agreement(signatures, rows, pairs) >= _LIKELY]
            found = np.union1d(found, pairs[:, 0] * len(rows) + pairs[:, 1])
    pairs = np.stack(np.divmod(found, max(len(rows), 1)), axis=1)
    return pairs[_are_best(pairs, _agreement(signatures, rows, pairs))]


def _are_best(pairs: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """bool (pairs,): which are among the ``_READ`` with the greatest share of either of their two."""
    best = np.zeros(len(pairs), dtype=bool)
    for side in pairs.T:
        order = np.lexsort((-shares, side))
        first = np.searchsorted(side[order], side[order])
        best[order] |= np.arange(len(order)) - first < _READ
    return best


def _agreement(signatures: np.ndarray, rows: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The share of equal values in the signatures of each pair, float64 (pairs,)."""
    shares = np.empty(len(pairs))
    for start in range(0, len(pairs), 8192):
        part = slice(start, start + 8192)
        shares[part] = (signatures[rows[pairs[part, 0]]] == signatures[rows[pairs[part, 1]]]).mean(axis=1)
    return shares


def order_copies(articles: Iterable[Article]) -> list[Article]:
    """The copies of one text, the one to show in front first: published first, then the most complete.

    A day without a time counts as its midnight, a time without a zone as UTC. The undated come last.
    """
    return sorted(articles, key=lambda article: (*_instant(article), -len(article.text), article.id))


def _instant(article: Article) -> tuple[bool, timedelta]:
    """(whether undated, time since the year 1): a timedelta can hold what UTC puts before that year."""
    if (published := article.published) is None:
        return True, timedelta()
    if not isinstance(published, datetime):
        published = datetime.combine(published, time.min)
    return False, published.replace(tzinfo=None) - datetime.min - (published.utcoffset() or timedelta())
