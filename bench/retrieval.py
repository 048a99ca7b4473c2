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
from index.store import Store
from qa.questions import read_questions
from qa.retriever import DEPTH, Ranked, fuse, pick
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


def texts_of(generation: Generation, ranked: Ranked) -> Iterator[str]:
    """The passages that a question would get, best first."""
    for passage in pick(generation, ranked[0], CUTS[-1] * 2).values():
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
    ways: dict[str, Callable[[Ranked, Ranked], Ranked]] = {
        "dense": lambda d, _: d,
        "lexical": lambda _, b: b,
        "reciprocal rank": reciprocal,
        **{f"weighted, lexical {w}": (lambda d, b, w=w: fuse(d, b, w)) for w in (0.3, 0.4, 0.5, 0.6, 0.7)},
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
                found[name].append(words_to_answer(texts_of(generation, way(*sides)), question.answers))
        for name, words in found.items():
            shares = " | ".join(f"{100 * np.mean(np.array(words) <= k * 110):.1f}" for k in CUTS)
            print(f"| {path.stem} ({len(asked)}) | {name} | {shares} |", flush=True)
        print(f"searching: p50 {np.percentile(took, 50):.1f} ms, p99 {np.percentile(took, 99):.1f} ms", flush=True)


if __name__ == "__main__":
    main()
