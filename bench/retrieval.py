"""Retrieval measured like a search engine: dense alone, lexical alone, and fused in several ways.

    python -m bench.retrieval INDEX QUESTIONS...

hit@k: the text of the best k x 110 words of passages holds an accepted answer.
"""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from index.embedder import load_embedder
from index.generation import Generation
from index.lexical import LexicalIndex
from index.store import Store
from qa.fusion import DEPTH, Ranked, describe, fuse
from qa.questions import read_questions
from qa.retriever import pick
from qa.scoring import words_until

CUTS = (1, 5, 10, 20, 50)


def reciprocal(dense: Ranked, lexical: Ranked, constant: int = 60) -> Ranked:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009)."""
    scores: dict[int, float] = {}
    for rows, _ in (dense, lexical):
        for rank, row in enumerate(rows.tolist()):
            scores[row] = scores.get(row, 0.0) + 1 / (constant + rank + 1)
    order = np.array(sorted(scores, key=lambda row: -scores[row]), dtype=np.int64)
    return order, np.array([scores[row] for row in order.tolist()])


def weighted(dense: Ranked, lexical: Ranked, lexical_weight: float = 0.5) -> Ranked:
    """Each side's scores, scaled between its best and the one at ``DEPTH``, weighed and summed."""
    scores = dict.fromkeys([*dense[0].tolist(), *lexical[0].tolist()], 0.0)
    for (rows, values), weight in ((dense, 1 - lexical_weight), (lexical, lexical_weight)):
        if not len(rows):
            continue
        high, low = float(values[0]), float(values[:DEPTH][-1])
        scaled = (values - low) / (high - low) if high > low else np.ones(len(values))
        side = dict(zip(rows.tolist(), scaled.tolist(), strict=True))
        for row in scores:
            scores[row] += weight * side.get(row, min(0.0, float(scaled[-1])))
    order = np.array(sorted(scores, key=lambda row: -scores[row]), dtype=np.int64)
    return order, np.array([scores[row] for row in order.tolist()])


def fitted(generation: Generation, index: LexicalIndex, question: str, dense: Ranked, lexical: Ranked) -> Ranked:
    """As in use."""
    rows = np.union1d(dense[0], lexical[0])
    passages = generation.passages(rows.tolist())
    scores = fuse(describe(rows, passages, dense, lexical, index.cover(question, rows)))
    order = np.argsort(-scores, kind="stable")
    return rows[order], scores[order]


def texts_of(generation: Generation, ranked: Ranked) -> Iterator[str]:
    """The passages that a question would get, best first."""
    passages = generation.passages(ranked[0].tolist())
    for place in pick(passages, generation.copied(), CUTS[-1] * 2):
        passage = passages[place]
        yield generation.article(passage.article_id).text[passage.start : passage.end]


def words_to_answer(texts: Iterable[str], answers: tuple[str, ...]) -> float:
    """How many words of the texts one reads until an accepted answer has passed; inf when none comes."""
    read = 0
    for text in texts:
        until = words_until(text, answers)
        if until is not None:
            return read + until
        read += len(text.split())
    return float("inf")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    parser.add_argument("--limit", type=int, default=10_000)
    args = parser.parse_args()
    generation = Store(args.index).open()
    embedder = load_embedder(generation.manifest.embedder, args.cache)
    dense, lexical = generation.dense(), generation.lexical()
    ways: dict[str, Callable[[str, Ranked, Ranked], Ranked]] = {
        "dense": lambda _, d, b: d,
        "lexical": lambda _, d, b: b,
        "reciprocal rank": lambda _, d, b: reciprocal(d, b),
        **{f"weighted, lexical {w}": (lambda _, d, b, w=w: weighted(d, b, w)) for w in (0.3, 0.5, 0.7)},
        "fitted": lambda question, d, b: fitted(generation, lexical, question, d, b),
    }
    print(f"| questions | way | {' | '.join(f'hit@{k}' for k in CUTS)} |\n|---|---|{'---|' * len(CUTS)}")
    for path in args.questions:
        asked = [q for q in read_questions(path) if q.answers and not q.history][: args.limit]
        found: dict[str, list[float]] = {name: [] for name in ways}
        took = []
        for question in asked:
            began = time.perf_counter()
            sides = dense.search(embedder.embed([question.text]), DEPTH), lexical.search(question.text, DEPTH)
            took.append((time.perf_counter() - began) * 1000)
            for name, way in ways.items():
                found[name].append(words_to_answer(texts_of(generation, way(question.text, *sides)), question.answers))
        for name, words in found.items():
            shares = " | ".join(f"{100 * np.mean(np.array(words) <= k * 110):.1f}" for k in CUTS)
            print(f"| {path.stem} ({len(asked)}) | {name} | {shares} |", flush=True)
        print(f"searching: p50 {np.percentile(took, 50):.1f} ms, p99 {np.percentile(took, 99):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
