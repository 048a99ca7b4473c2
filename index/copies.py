"""Copies: articles that carry the same text, found at index time.

A syndicated story comes in many dresses: another headline, a dateline, straight or curly quotes, other
teasers between its paragraphs, a paragraph less at the end. A story that was brought up to date, another
day of a live blog, or next week's figures in last week's sentences are *not* copies, however alike.

    signature()      128 MinHash values of a text's word triples, 512 bytes, kept with the article
    find_copies()    texts whose signatures agree in a band of four values are compared word for word
    order_copies()   the one to show in front comes first

Sources: Broder 1997 (resemblance and containment); Indyk and Motwani 1998 (banding).
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from functools import lru_cache

import numpy as np

from index.articles import Article
from index.passages import split_sentences

VERSION = 1
"""Goes up whenever the same text would get another signature or another verdict."""

VALUES = 128
_ROWS = 4  # values in a band: 32 bands find 99.99 % of pairs at Jaccard .7, 87 % at .5, 5 % at .2
_BUCKET = 64  # neighbours that an article is compared with in a bucket too full to be compared in whole
_LIKELY = 0.35  # least estimated Jaccard of signatures that is worth reading two texts for
_SHORT = 30  # words; below it only equal words make a copy, as one changed word may be all the news
_SHARED = 0.5  # least share of the longer text's words that the shorter one has too
_NEW = 0.1  # most of its words that the text with less of its own may have for itself
_RELATED = 0.3  # least share of word pairs by which two sentences are versions of one

# Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Han, kana, Yi. Each letter counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff"
_LETTER = re.compile(f"[{_UNSPACED}]")
# Combining marks end a word in both patterns. Copies are cut alike, so nothing is lost.
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(rf"\d+(?:[.,:]\d+)*|[^\W\d_{_UNSPACED}][^\W_{_UNSPACED}]*|[^\W_]")
_PROSE_END = re.compile(r"[.!?…。！？｡।॥؟۔։။።]\W*$")
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion "
    "dozen first second third fourth fifth half".split()
)


# Signatures


def _draw_numbers() -> tuple[np.ndarray, np.ndarray]:
    """(factors, terms) of the 128 hash functions, uint32 (128, 1). Other numbers need another VERSION."""
    drawn = np.random.RandomState(20240909).bytes(2 * VALUES * 4)
    factors, terms = np.frombuffer(drawn, "<u4").astype(np.uint32).reshape(2, VALUES, 1)
    return factors | np.uint32(1), terms


_FACTORS, _TERMS = _draw_numbers()
_NOTHING = np.uint32(0xFFFFFFFF)


def signature(text: str) -> np.ndarray:
    """MinHash of the word triples of ``text``: uint32 (128,), the same on every machine and in every run.

    The share of equal values in two signatures estimates the Jaccard similarity of the texts'
    triples, within .09 in 95 of 100 cases. Case, punctuation and white space do not count. A text
    without a single word gets the largest value 128 times.
    """
    text = unicodedata.normalize("NFKC", text.lower())
    if _LETTER.search(text):
        text = _LETTER.sub(r" \g<0> ", text)
    words = " ".join(_WORD.findall(text)).encode("utf-8", "surrogatepass").split()
    least = np.full(VALUES, _NOTHING)
    if words:
        triples = _join_triples(np.fromiter(map(zlib.crc32, words), np.uint64, len(words)))
        for first in range(0, len(triples), 1024):  # what fits the processor's cache
            values = triples[first : first + 1024] * _FACTORS
            values += _TERMS
            np.minimum(least, values.min(axis=1), out=least)
    return least


def _join_triples(hashes: np.ndarray) -> np.ndarray:
    """A uint32 for each three words in a row; for fewer than three words, one for them all."""
    if len(hashes) < 3:
        hashes = np.concatenate([hashes, np.zeros(3 - len(hashes), np.uint64)])
    mixed = (hashes[:-2] * np.uint64(0x9E3779B97F4A7C15) + hashes[1:-1]) * np.uint64(0xC2B2AE3D27D4EB4F) + hashes[2:]
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return (mixed >> np.uint64(32)).astype(np.uint32)


# Two texts


@dataclass(frozen=True, slots=True)
class _Sentence:
    """``words`` as they stand and, in ``key``, in lower case. ``prose`` is in a paragraph that ends as
    sentences do; headings, credits and links to other stories mostly do not."""

    words: tuple[str, ...]
    key: tuple[str, ...]
    prose: bool


@dataclass(frozen=True, slots=True)
class _Page:
    """One text made ready to be compared: its sentences, its length in words, and which words they are."""

    text: str
    sentences: tuple[_Sentence, ...]
    size: int
    known: frozenset[str]


def _read(text: str) -> _Page:
    text = unicodedata.normalize("NFKC", text)
    sentences = []
    for line in filter(str.strip, text.split("\n")):
        prose = bool(_PROSE_END.search(line, max(0, len(line) - 8)))
        for start, end in split_sentences(line):
            if words := tuple(_TOKEN.findall(line, start, end)):
                sentences.append(_Sentence(words, tuple(word.lower() for word in words), prose))
    size = sum(len(sentence.key) for sentence in sentences)
    return _Page(text, tuple(sentences), size, frozenset(word for sentence in sentences for word in sentence.key))


def are_copies(one: str, other: str) -> bool:
    """Whether two texts are one article, apart from light edits. Does not depend on their order.

    They are when the shorter has nearly all its prose from the longer, which may go on for as long
    again, and no fact differs: where both have a number of their own, or one sentence's versions both
    have a number or a name of their own, somebody has changed the story, or filled in a form.
    """
    return _compare(_read(one), _read(other))


def _compare(one: _Page, other: _Page) -> bool:
    if one.text == other.text:
        return one.size > 0
    # One order of the two, so that the greedy pairing below cannot depend on it.
    one, other = sorted((one, other), key=lambda page: (page.size, page.text))
    if one.size < _SHORT or one.size < _SHARED * other.size:
        return one.size == other.size > 0 and list(_all_words(one)) == list(_all_words(other))
    ours, theirs = _subtract(one.sentences, other.sentences), _subtract(other.sentences, one.sentences)
    pairs, ours, theirs = _pair_versions(ours, theirs)
    if any(_facts_differ(mine, yours, one.known, other.known) for mine, yours in pairs):
        return False
    new = [_own_words(mine, yours) for mine, yours in pairs]
    ours, theirs = [s for s in ours if s.prose], [s for s in theirs if s.prose]
    edited = list(zip(*pairs, strict=True)) or [(), ()]
    if _own_numbers([*ours, *edited[0]], other.known) and _own_numbers([*theirs, *edited[1]], one.known):
        return False
    least = min(
        sum(mine for mine, _ in new) + sum(len(s.key) for s in ours),
        sum(yours for _, yours in new) + sum(len(s.key) for s in theirs),
    )
    return least <= _NEW * one.size


def _all_words(page: _Page) -> Iterator[str]:
    return (word for sentence in page.sentences for word in sentence.key)


def _subtract(sentences: Sequence[_Sentence], others: Sequence[_Sentence]) -> list[_Sentence]:
    """The sentences that are not among ``others``, as often as they are not."""
    left = Counter(sentence.key for sentence in others)
    kept = []
    for sentence in sentences:
        if left[sentence.key] > 0:
            left[sentence.key] -= 1
        else:
            kept.append(sentence)
    return kept


def _shape(sentence: _Sentence) -> set[tuple[str, str]]:
    """Pairs of neighbouring words, all figures alike: what is left of a sentence when its news is taken out."""
    words = ["", *("0" if word[0].isdigit() else word for word in sentence.key), ""]
    return set(zip(words, words[1:], strict=False))


def _pair_versions(
    ours: Sequence[_Sentence], theirs: Sequence[_Sentence]
) -> tuple[list[tuple[_Sentence, _Sentence]], list[_Sentence], list[_Sentence]]:
    """Sentences that are two versions of one, each with the most alike that is left; then what has no pair."""
    shapes = [_shape(sentence) for sentence in theirs]
    places: dict[tuple[str, str], list[int]] = {}
    for number, shape in enumerate(shapes):
        for pair in shape:
            places.setdefault(pair, []).append(number)
    pairs, alone, free = [], [], set(range(len(theirs)))
    for sentence in ours:
        shape = _shape(sentence)
        shared = Counter(number for pair in shape for number in places.get(pair, ()) if number in free)
        best = max(shared, key=lambda number: (shared[number], -number), default=None)
        if best is not None and shared[best] >= _RELATED * min(len(shape), len(shapes[best])):
            free.remove(best)
            pairs.append((sentence, theirs[best]))
        else:
            alone.append(sentence)
    return pairs, alone, [theirs[number] for number in sorted(free)]


def _facts_differ(ours: _Sentence, theirs: _Sentence, our_words: Collection[str], their_words: Collection[str]) -> bool:
    """Whether each version of a sentence has a name or a number that is nowhere in the other's text."""
    return _has_fact(ours, their_words) and _has_fact(theirs, our_words)


def _has_fact(sentence: _Sentence, known: Collection[str]) -> bool:
    # Without a lower case, as in Arabic or Chinese, any word may be a name.
    return any(
        key not in known and (not word[0].islower() or key in _NUMBER_WORDS)
        for word, key in zip(sentence.words, sentence.key, strict=True)
    )


def _own_words(ours: _Sentence, theirs: _Sentence) -> tuple[int, int]:
    """How many words each version has that the other has not."""
    mine, yours = Counter(ours.key), Counter(theirs.key)
    return (mine - yours).total(), (yours - mine).total()


def _own_numbers(sentences: Iterable[_Sentence], known: Collection[str]) -> bool:
    return any(key[0].isdigit() and key not in known for sentence in sentences for key in sentence.key)


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

    After a first build, ``known`` are the groups found then, and ``fresh`` the ids that are new or have
    another text now: only these are compared, and the members of groups that lost or changed a member.

    Memory: 16 bytes an article, and about 100 a likely pair; texts are read two at a time.
    """
    order = sorted(range(len(ids)), key=ids.__getitem__)
    names = [ids[number] for number in order]
    groups = _Groups(len(names))
    new = _seed(groups, names, known, fresh)
    rows = np.array(order, dtype=np.int64)

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
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return int(number)

    def join(self, one: int, other: int) -> None:
        one, other = sorted((self.find(one), self.find(other)))
        self._parents[other] = one

    def named(self, names: Sequence[str]) -> list[tuple[str, ...]]:
        """The sets of two or more, by name."""
        members: dict[int, list[str]] = {}
        for number in np.flatnonzero(self._parents != np.arange(len(names))).tolist():
            root = self.find(number)
            members.setdefault(root, [names[root]]).append(names[number])
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
    factors = (_FACTORS[first:last, 0].astype(np.uint64) << np.uint64(32)) | _FACTORS[::-1][first:last, 0]
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
    empty = _hash_rows(np.full((1, VALUES), _NOTHING), np.zeros(1, np.int64), 0, VALUES)[0]
    leaders: list[int] = []
    for twins in np.split(order, edges):
        if len(twins) == 0 or hashes[twins[0]] == empty:
            continue
        first = len(leaders)
        for number in twins.tolist():
            if not any(link(leader, number) for leader in leaders[max(first, len(leaders) - _BUCKET) :]):
                leaders.append(number)
    return np.array(sorted(leaders), dtype=np.int64)


def _likely_pairs(signatures: np.ndarray, rows: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Pairs of places in ``rows``, int64 (pairs, 2), whose signatures share a band and agree in enough values.

    One of each pair is ``new``. In a bucket of more than 64, which site furniture alone can fill, each is
    compared with the 64 that follow it in the order of the next band.
    """
    found = np.empty(0, np.int64)
    for first in range(0, VALUES, _ROWS):
        following = (first + _ROWS) % VALUES
        keys = _hash_rows(signatures, rows, first, first + _ROWS)
        order = np.lexsort((_hash_rows(signatures, rows, following, following + _ROWS), keys))
        keys = keys[order]
        starts = np.arange(len(keys))
        for distance in range(1, _BUCKET + 1):
            starts = starts[starts + distance < len(keys)]
            starts = starts[keys[starts] == keys[starts + distance]]
            if not len(starts):
                break
            pairs = np.sort(np.stack([order[starts], order[starts + distance]], axis=1), axis=1)
            pairs = pairs[new[pairs].any(axis=1)]
            pairs = pairs[_agreement(signatures, rows, pairs) >= _LIKELY]
            found = np.union1d(found, pairs[:, 0] * len(rows) + pairs[:, 1])
    return np.stack(np.divmod(found, max(len(rows), 1)), axis=1)


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


def _instant(article: Article) -> tuple[bool, datetime]:
    published = article.published
    if published is None:
        return True, datetime.max.replace(tzinfo=UTC)
    if not isinstance(published, datetime):
        published = datetime.combine(published, time.min)
    return False, published.astimezone(UTC) if published.tzinfo else published.replace(tzinfo=UTC)
