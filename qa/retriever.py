"""Question -> passages: dense and lexical search, fused."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import numpy as np

from index.embedder import Embedder
from index.passages import Passage
from index.store import Generation

# How many rows each side brings; more changes no hit@10 by a tenth of a point.
DEPTH = 100
_PER_ARTICLE = 3  # no live blog fills the list
# Weighted sum of the scores, each scaled by its own best, chosen on half of the development questions; see
# bench/results.md for what the other fusions gave.
_LEXICAL_WEIGHT = 0.5


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search is limited to; dates are inclusive publication days."""

    after: date | None = None
    before: date | None = None
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage. ``by`` names who found it: "dense", "lexical" or "both"; ``cosine`` is 0 and
    ``bm25`` is 0 where that side did not find it."""

    passage: Passage
    score: float
    by: str
    cosine: float = 0.0
    bm25: float = 0.0


class Retriever(Protocol):
    def retrieve(self, question: str, k: int, filters: Filters = Filters()) -> list[Hit]:
        """At most ``k`` hits, best first, each passage once."""
        ...


class HybridRetriever:
    """Both sides of one generation, fused. Any thread may call it."""

    def __init__(self, generation: Generation, embedder: Embedder):
        self._generation, self._embedder = generation, embedder
        self._dense, self._lexical = generation.dense(), generation.lexical()

    def retrieve(self, question: str, k: int, filters: Filters = Filters()) -> list[Hit]:
        if not self._generation.manifest.passages:
            return []
        rows = selected = None
        if filters.after or filters.before:
            rows = self._generation.rows_between(filters.after, filters.before)
            if rows[0] >= rows[1]:
                return []
        if filters.sources:
            selected = self._generation.rows_from(filters.sources)
            if not selected.any():
                return []
        depth = max(DEPTH, 2 * k)
        vector = self._embedder.embed([question])
        dense = self._dense.search(vector, depth, rows, selected)
        lexical = self._lexical.search(question, depth, rows, filters.sources)
        order, fused = fuse(dense, lexical)
        return self._hits(order, fused, dict(zip(*dense)), dict(zip(*lexical)), k)

    def _hits(self, rows: np.ndarray, fused: np.ndarray, cosines: dict, bm25s: dict, k: int) -> list[Hit]:
        scores = dict(zip(rows.tolist(), fused.tolist(), strict=True))
        hits = []
        for row, passage in pick(self._generation, rows, k).items():
            by = "both" if row in cosines and row in bm25s else "dense" if row in cosines else "lexical"
            hits.append(Hit(passage, scores[row], by, float(cosines.get(row, 0)), float(bm25s.get(row, 0))))
        return hits


def pick(generation: Generation, rows: np.ndarray, k: int) -> dict[int, Passage]:
    """The first ``k`` rows, with their passages, that say something new: few of one article, no overlaps."""
    picked: dict[int, Passage] = {}
    taken: Counter[str] = Counter()
    for row, passage in zip(rows.tolist(), generation.passages(rows.tolist()), strict=True):
        if taken[passage.article_id] == _PER_ARTICLE or any(_overlap(passage, other) for other in picked.values()):
            continue
        taken[passage.article_id] += 1
        picked[row] = passage
        if len(picked) == k:
            break
    return picked


def fuse(
    dense: tuple[np.ndarray, np.ndarray],
    lexical: tuple[np.ndarray, np.ndarray],
    lexical_weight: float = _LEXICAL_WEIGHT,
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of both sides, best first, and their fused scores, about 0 to 1.

    Each side's scores are taken between its own last and best; a row that one side did not
    bring counts as that side's last.
    """
    scores: dict[int, float] = {}
    for (rows, values), weight in ((dense, 1 - lexical_weight), (lexical, lexical_weight)):
        if len(rows):
            low, high = float(values.min()), float(values.max())
            for row, value in zip(rows.tolist(), values.tolist(), strict=True):
                scores[row] = scores.get(row, 0.0) + weight * ((value - low) / (high - low) if high > low else 1.0)
    order = np.array(sorted(scores, key=lambda row: (-scores[row], row)), dtype=np.int64)
    return order, np.array([scores[row] for row in order.tolist()])


def _overlap(one: Passage, other: Passage) -> bool:
    """Whether two passages of one article share more than half of the shorter one."""
    if one.article_id != other.article_id:
        return False
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared > 0.5 * min(one.end - one.start, other.end - other.start)


def texts_of(hits: Sequence[Hit], generation: Generation) -> list[tuple[str, str]]:
    """(title, text) of each hit's passage."""
    articles = {hit.passage.article_id: generation.article(hit.passage.article_id) for hit in hits}
    return [
        (articles[p.article_id].title, articles[p.article_id].text[p.start : p.end]) for p in (hit.passage for hit in hits)
    ]
