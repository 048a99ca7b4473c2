"""Question -> passages: dense and lexical search, fused."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from index.articles import Article
from index.embedder import Embedder
from index.generation import Generation
from index.passages import Passage
from qa.fusion import DEPTH, Ranked, describe, fuse, gain, merge

PREFERRED_DEPTH = 40  # rows that each side brings from preferred days
_PER_ARTICLE = 3  # no live blog fills the list


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is limited to; dates are inclusive publication days."""

    after: date | None = None
    before: date | None = None
    sources: tuple[str, ...] = ()

    def admit(self, article: Article) -> bool:
        """Whether an article is within the limits, as both searches decide it."""
        if self.sources and article.source not in self.sources:
            return False
        if not (self.after or self.before):
            return True
        if article.published is None:
            return False
        day = date.fromisoformat(article.published.isoformat()[:10])
        return (self.after or date.min) <= day <= (self.before or date.max)


@dataclass(frozen=True, slots=True)
class Preference:
    """Publication days, both included, that a question points to; ``weight`` is added to the fused score of
    passages from them. Nothing is excluded: the question may have been understood wrongly."""

    after: date
    before: date
    weight: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage. ``score`` is the fused one with ``preferred`` in it. ``by`` names who found it: "dense",
    "lexical" or "both"; ``cosine`` is 0 and ``bm25`` is 0 where that side did not find it."""

    passage: Passage
    score: float
    by: str
    cosine: float = 0.0
    bm25: float = 0.0
    preferred: float = 0.0


class Retriever(Protocol):
    def retrieve(
        self, question: str, k: int, filters: Filters = Filters(), preferences: Sequence[Preference] = ()
    ) -> list[Hit]:
        """At most ``k`` hits, best first, each passage once."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """All rows that either side brought, ascending: (n,) int64, their passages, what describes them, (n, 10) as in
    `qa.fusion`, and what they gain by preferred days, (n,). ``cosines`` and ``bm25s`` are each side's own."""

    rows: np.ndarray
    passages: list[Passage]
    features: np.ndarray
    gained: np.ndarray
    cosines: dict[int, float]
    bm25s: dict[int, float]


class HybridRetriever:
    """Both sides of one generation, fused. Any thread may call it."""

    def __init__(self, generation: Generation, embedder: Embedder):
        self._generation, self._embedder = generation, embedder
        self._dense, self._lexical = generation.dense(), generation.lexical()

    def retrieve(
        self, question: str, k: int, filters: Filters = Filters(), preferences: Sequence[Preference] = ()
    ) -> list[Hit]:
        found = self.find(question, max(DEPTH, 2 * k), filters, preferences)
        scores = fuse(found.features) + found.gained
        order = np.argsort(-scores, kind="stable").tolist()
        picked = pick([found.passages[place] for place in order], self._generation.copied(), k)
        return [_hit(found, place, float(scores[place])) for place in (order[number] for number in picked)]

    def find(self, question: str, depth: int, filters: Filters, preferences: Sequence[Preference]) -> Found:
        """What both sides bring, ``depth`` rows each and more from preferred days."""
        limit, selected = self._limits(filters)
        ranges: list[tuple[tuple[int, int] | None, int]] = []
        preferred: list[tuple[tuple[int, int], float]] = []
        if limit[0] < limit[1] and (selected is None or selected.any()):
            whole = limit == (0, self._generation.manifest.passages)
            ranges.append((None if whole else limit, depth))
        for preference in preferences if ranges else ():
            first, last = self._generation.rows_between(preference.after, preference.before)
            rows = max(first, limit[0]), min(last, limit[1])
            if rows[0] < rows[1]:
                preferred.append((rows, preference.weight))
                ranges.append((rows, PREFERRED_DEPTH))
        vector = self._embedder.embed([question]) if ranges else np.empty(0)
        dense = merge([self._dense.search(vector, n, rows, selected) for rows, n in ranges])
        lexical = merge([self._lexical.search(question, n, rows, filters.sources) for rows, n in ranges])
        return self._describe(question, dense, lexical, preferred)

    def _describe(
        self, question: str, dense: Ranked, lexical: Ranked, preferred: Sequence[tuple[tuple[int, int], float]]
    ) -> Found:
        rows = np.union1d(dense[0], lexical[0])
        passages = self._generation.passages(rows.tolist())
        return Found(
            rows,
            passages,
            describe(rows, passages, dense, lexical, self._lexical.cover(question, rows)),
            gain(rows, preferred),
            dict(zip(dense[0].tolist(), dense[1].tolist(), strict=True)),
            dict(zip(lexical[0].tolist(), lexical[1].tolist(), strict=True)),
        )

    def _limits(self, filters: Filters) -> tuple[tuple[int, int], np.ndarray | None]:
        rows = (0, self._generation.manifest.passages)
        if filters.after or filters.before:
            rows = self._generation.rows_between(filters.after, filters.before)
        return rows, self._generation.rows_from(filters.sources) if filters.sources else None


def _hit(found: Found, place: int, score: float) -> Hit:
    row = int(found.rows[place])
    by = "both" if row in found.cosines and row in found.bm25s else "dense" if row in found.cosines else "lexical"
    cosine, bm25 = found.cosines.get(row, 0.0), found.bm25s.get(row, 0.0)
    return Hit(found.passages[place], score, by, cosine, bm25, float(found.gained[place]))


def pick(passages: Sequence[Passage], copied: Mapping[str, int], k: int) -> list[int]:
    """Places of the first ``k`` passages, best first, that say something new: few of one article, no overlaps, no
    copies. ``copied`` gives the group of each article that has copies."""
    picked: list[int] = []
    taken: dict[str, list[Passage]] = defaultdict(list)
    chosen: dict[int, str] = {}
    for place, passage in enumerate(passages):
        others = taken[passage.article_id]
        if len(others) == _PER_ARTICLE or any(_overlap(passage, other) for other in others):
            continue
        group = copied.get(passage.article_id)
        if group is not None and chosen.setdefault(group, passage.article_id) != passage.article_id:
            continue
        others.append(passage)
        picked.append(place)
        if len(picked) == k:
            break
    return picked


def _overlap(one: Passage, other: Passage) -> bool:
    """Whether two passages of one article share more than half of the shorter one."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared > 0.5 * min(one.end - one.start, other.end - other.start)


def articles_of(hits: Sequence[Hit], generation: Generation) -> dict[str, Article]:
    """The articles of the hits, by id."""
    return {article_id: generation.article(article_id) for article_id in {hit.passage.article_id for hit in hits}}


def texts_of(hits: Sequence[Hit], articles: Mapping[str, Article]) -> list[tuple[str, str]]:
    """(title, text) of each hit's passage."""
    passages = [hit.passage for hit in hits]
    return [(articles[p.article_id].title, articles[p.article_id].text[p.start : p.end]) for p in passages]
