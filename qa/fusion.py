"""What both searches found -> one order.

Each passage is described by ten numbers, and a linear model weighs them. It is a conditional logit: its weights make
it likeliest that, of all passages found for a question, one that holds an accepted answer is drawn from the softmax
over their scores (`python -m training.fusion` fits it; bench/results.md compares it with reciprocal ranks and with a
weighted sum of both sides' scores).
"""

from collections.abc import Sequence

import numpy as np

from index.passages import Passage

DEPTH = 100  # rows that each side brings
Ranked = tuple[np.ndarray, np.ndarray]  # rows (n,) int64 and their scores (n,) float, best first
_MISSED = 0.95  # of a side's last score: what a row that it did not bring is taken to have
_RANK_CONSTANT = 10
_UNRANKED = 150
# In units of what a preferred day adds (`qa.preferences`), so that both can be summed.
WEIGHTS = {
    "cosine": 0.5312,
    "bm25": 0.0918,  # against the best passage's
    "dense_rank": 2.9145,  # 1 / (10 + rank)
    "lexical_rank": 0.782,
    "article_cosine": -0.1516,  # the best of the article's passages
    "article_bm25": 0.4232,
    "covered": 0.7024,  # share of the question's words in passage or title, by rarity
    "titled": -0.3888,  # the same of the title alone: it says the same of every passage of its article
    "place": -0.0884,  # log(1 + thousands of characters before the passage)
    "length": 0.2002,  # characters / 600
}


def merge(searches: Sequence[Ranked]) -> Ranked:
    """Several searches of one side as one, each row once, best first."""
    if len(searches) == 1:
        return searches[0]
    if not searches:
        return np.empty(0, np.int64), np.empty(0, np.float32)
    best: dict[int, float] = {}
    for rows, scores in searches:
        best.update(zip(rows.tolist(), scores.tolist(), strict=True))
    order = sorted(best, key=lambda row: (-best[row], row))
    return np.array(order, dtype=np.int64), np.array([best[row] for row in order], dtype=np.float32)


def describe(
    rows: np.ndarray, passages: Sequence[Passage], dense: Ranked, lexical: Ranked, coverage: np.ndarray
) -> np.ndarray:
    """(n, 10) float64, columns as in ``WEIGHTS``, of ``rows``, (n,) int64 ascending, all that either side found.

    ``coverage``, (n, 2), is what `index.lexical.LexicalIndex.cover` says of them.
    """
    cosines, dense_ranks = _stand(rows, dense)
    bm25s, lexical_ranks = _stand(rows, lexical)
    bm25s /= max(bm25s.max(initial=0.0), 1e-6)
    _, article = np.unique([passage.article_id for passage in passages], return_inverse=True)
    starts = np.array([passage.start for passage in passages])
    lengths = np.array([passage.end - passage.start for passage in passages])
    return np.column_stack(
        [
            cosines,
            bm25s,
            dense_ranks,
            lexical_ranks,
            _best_of(article, cosines),
            _best_of(article, bm25s),
            coverage,
            np.log1p(starts / 1000),
            lengths / 600,
        ]
    )


def fuse(features: np.ndarray) -> np.ndarray:
    """Scores, (n,) float64, of rows so described."""
    return features @ np.array(list(WEIGHTS.values()))


def gain(rows: np.ndarray, preferred: Sequence[tuple[tuple[int, int], float]]) -> np.ndarray:
    """What each row gains, (n,) float64, by ranges of rows, first <= row < last, that a question prefers."""
    gained = np.zeros(len(rows))
    for (first, last), weight in preferred:
        gained += weight * ((rows >= first) & (rows < last))
    return gained


def _stand(rows: np.ndarray, found: Ranked) -> tuple[np.ndarray, np.ndarray]:
    """How rows stand on one side: their scores and 1 / (10 + rank)."""
    scores = np.zeros(len(rows))
    ranks = np.full(len(rows), 1 / (_RANK_CONSTANT + _UNRANKED))
    if len(found[0]):
        scores += _MISSED * float(found[1][:DEPTH][-1])
        places = np.searchsorted(rows, found[0])
        scores[places] = found[1]
        ranks[places] = 1 / (_RANK_CONSTANT + np.arange(len(places)))
    return scores, ranks


def _best_of(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The greatest value of each one's group, (n,)."""
    best = np.full(len(values), -np.inf)
    np.maximum.at(best, group, values)
    return best[group]
