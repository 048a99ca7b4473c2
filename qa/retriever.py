"""Question -> passages: dense and lexical search, fused."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from index.articles import Article
from index.embedder import Embedder
from index.generation import Generation
from index.passages import Passage

DEPTH = 100  # rows that each side brings
PREFERRED_DEPTH = 40  # rows that each side brings from preferred days
_PER_ARTICLE = 3  # no live blog fills the list
Ranked = tuple[np.ndarray, np.ndarray]  # rows (n,) int64 and their scores (n,) float, best first
# A weighted sum of scaled scores; bench/results.md says what other weights and reciprocal ranks gave.
_LEXICAL_WEIGHT = 0.5


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
    """A retrieved passage. ``by`` names who found it: "dense", "lexical" or "both"; ``cosine`` is 0 and
    ``bm25`` is 0 where that side did not find it."""

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


class HybridRetriever:
    """Both sides of one generation, fused. Any thread may call it."""

    def __init__(self, generation: Generation, embedder: Embedder):
        self._generation, self._embedder = generation, embedder
        self._dense, self._lexical = generation.dense(), generation.lexical()

    def retrieve(
        self, question: str, k: int, filters: Filters = Filters(), preferences: Sequence[Preference] = ()
    ) -> list[Hit]:
        limit, selected = self._limits(filters)
        if limit[0] >= limit[1] or (selected is not None and not selected.any()):
            return []
        whole = limit == (0, self._generation.manifest.passages)
        depth = max(DEPTH, 2 * k)
        vector = self._embedder.embed([question])
        ranges: list[tuple[tuple[int, int] | None, int]] = [(None if whole else limit, depth)]
        preferred: list[tuple[tuple[int, int], float]] = []
        for preference in preferences:
            first, last = self._generation.rows_between(preference.after, preference.before)
            rows = max(first, limit[0]), min(last, limit[1])
            if rows[0] < rows[1]:
                preferred.append((rows, preference.weight))
                ranges.append((rows, PREFERRED_DEPTH))
        dense = merge([self._dense.search(vector, n, rows, selected) for rows, n in ranges])
        lexical = merge([self._lexical.search(question, n, rows, filters.sources) for rows, n in ranges])
        order, fused, gained = prefer(*fuse(dense, lexical), preferred)
        return self._hits(order, fused, gained, dense, lexical, k)

    def _limits(self, filters: Filters) -> tuple[tuple[int, int], np.ndarray | None]:
        rows = (0, self._generation.manifest.passages)
        if filters.after or filters.before:
            rows = self._generation.rows_between(filters.after, filters.before)
        return rows, self._generation.rows_from(filters.sources) if filters.sources else None

    def _hits(
        self, order: np.ndarray, fused: np.ndarray, gained: np.ndarray, dense: Ranked, lexical: Ranked, k: int
    ) -> list[Hit]:
        scores = dict(zip(order.tolist(), zip(fused.tolist(), gained.tolist(), strict=True), strict=True))
        cosines = dict(zip(dense[0].tolist(), dense[1].tolist(), strict=True))
        bm25s = dict(zip(lexical[0].tolist(), lexical[1].tolist(), strict=True))
        hits = []
        for row, passage in pick(self._generation, order, k).items():
            by = "both" if row in cosines and row in bm25s else "dense" if row in cosines else "lexical"
            hits.append(Hit(passage, scores[row][0], by, cosines.get(row, 0.0), bm25s.get(row, 0.0), scores[row][1]))
        return hits


def merge(searches: Sequence[Ranked]) -> Ranked:
    """Several searches of one side as one, each row once, best first."""
    if len(searches) == 1:
        return searches[0]
    best: dict[int, float] = {}
    for rows, scores in searches:
        best.update(zip(rows.tolist(), scores.tolist(), strict=True))
    order = sorted(best, key=lambda row: (-best[row], row))
    return np.array(order, dtype=np.int64), np.array([best[row] for row in order], dtype=np.float32)


def fuse(dense: Ranked, lexical: Ranked, lexical_weight: float = _LEXICAL_WEIGHT) -> Ranked:
    """Rows of both sides, best first, and their fused scores, about 0 to 1.

    Each side's scores are taken between its best and the one at ``DEPTH``; a row that one side
    did not bring counts as that side's last.
    """
    scores = dict.fromkeys([*dense[0].tolist(), *lexical[0].tolist()], 0.0)
    for (rows, values), weight in ((dense, 1 - lexical_weight), (lexical, lexical_weight)):
        if not len(rows):
            continue
        high, low = float(values[0]), float(values[:DEPTH][-1])
        scaled = (values - low) / (high - low) if high > low else np.ones(len(values))
        side = dict(zip(rows.tolist(), scaled.tolist(), strict=True))
        floor = min(0.0, float(scaled[-1]))
        for row in scores:
            scores[row] += weight * side.get(row, floor)
    order = sorted(scores, key=lambda row: (-scores[row], row))
    return np.array(order, dtype=np.int64), np.array([scores[row] for row in order])


def prefer(
    order: np.ndarray, fused: np.ndarray, preferred: Sequence[tuple[tuple[int, int], float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and scores after preferences, best first, and what each row gained by them."""
    gained = np.zeros(len(order))
    for (first, last), weight in preferred:
        gained += weight * ((order >= first) & (order < last))
    new = np.argsort(-(fused + gained), kind="stable")
    return order[new], (fused + gained)[new], gained[new]


def pick(generation: Generation, rows: np.ndarray, k: int) -> dict[int, Passage]:
    """The first ``k`` rows, with their passages, that say something new: few of one article, no overlaps, no copies."""
    picked: dict[int, Passage] = {}
    taken: Counter[str] = Counter()
    copied = generation.copied()
    chosen: dict[int, str] = {}
    for row, passage in zip(rows.tolist(), generation.passages(rows.tolist()), strict=True):
        if taken[passage.article_id] == _PER_ARTICLE or any(_overlap(passage, other) for other in picked.values()):
            continue
        group = copied.get(passage.article_id)
        if group is not None and chosen.setdefault(group, passage.article_id) != passage.article_id:
            continue
        taken[passage.article_id] += 1
        picked[row] = passage
        if len(picked) == k:
            break
    return picked


def _overlap(one: Passage, other: Passage) -> bool:
    """Whether two passages of one article share more than half of the shorter one."""
    if one.article_id != other.article_id:
        return False
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared > 0.5 * min(one.end - one.start, other.end - other.start)


def articles_of(hits: Sequence[Hit], generation: Generation) -> dict[str, Article]:
    """The articles of the hits, by id."""
    return {article_id: generation.article(article_id) for article_id in {hit.passage.article_id for hit in hits}}


def texts_of(hits: Sequence[Hit], articles: Mapping[str, Article]) -> list[tuple[str, str]]:
    """(title, text) of each hit's passage."""
    passages = [hit.passage for hit in hits]
    return [(articles[p.article_id].title, articles[p.article_id].text[p.start : p.end]) for p in passages]
