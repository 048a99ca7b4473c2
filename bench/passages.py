"""How long should passages be, and how far should they overlap?

    python -m bench.passages INDEX QUESTIONS... [--sizes 80 110 150 200] [--overlaps 0 25 50] [--dense 110/25 ...]

Splits a sample of INDEX's articles anew for each size and overlap, both in words, and asks for the passages that
answer. The sample holds what answers the questions that can be answered (of each file the first ``--limit``), and
other articles up to ``--articles``. hit@k: the text of the best k x 110 words of passages holds an accepted answer,
so that longer passages gain nothing; and as many words of one article may come as three passages of 110 hold, by
whole passages. The word index alone for each way of splitting; with ``--dense`` the vectors
alone and both fused too, which takes the time of embedding all passages that INDEX does not hold.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.million import key_of
from bench.retrieval import CUTS, texts_of, weighted, words_to_answer
from bench.sampling import Sample, answerable, take_sample
from index.articles import Article
from index.build import KnownVectors
from index.embedder import load_embedder
from index.generation import Generation
from index.lexical import LexicalIndex, write_lexical
from index.passages import Passage, split_article
from index.store import Store
from qa import retriever
from qa.fusion import DEPTH, Ranked
from qa.questions import Question, read_questions

WORDS = 110
PER_ARTICLE = retriever._PER_ARTICLE * WORDS  # words


class SplitSample:
    """The sample split in one way; it has what ranking passages needs of a generation."""

    def __init__(self, articles: Sequence[Article], size: int, overlap: int):
        self._articles = {article.id: article for article in articles}
        self._passages = [
            passage for article in articles for passage in split_article(article.id, article.text, size, overlap)
        ]

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        return [self._passages[row] for row in rows]

    def article(self, article_id: str) -> Article:
        return self._articles[article_id]

    def copied(self) -> dict[str, int]:
        return {}

    def __len__(self) -> int:
        return len(self._passages)

    def rows(self) -> list[tuple[str, str, str]]:
        """(title, text, source) of each passage."""
        return [
            (article.title, article.text[passage.start : passage.end], article.source or "")
            for passage in self._passages
            for article in (self._articles[passage.article_id],)
        ]


def lexical_search(sample: SplitSample, questions: Sequence[Question]) -> list[Ranked]:
    """What the word index finds for each question."""
    with tempfile.TemporaryDirectory() as folder:
        write_lexical(Path(folder) / "lexical", sample.rows())
        index = LexicalIndex(Path(folder) / "lexical")
        return [index.search(question.text, 2 * DEPTH) for question in questions]


def dense_search(
    sample: SplitSample, questions: Sequence[Question], embedder, known: KnownVectors, queries: np.ndarray
) -> tuple[list[Ranked], int]:
    """What exact search over the vectors finds for each question, and how many passages had to be embedded."""
    texts = [f"{title}. {text}" if title else text for title, text, _ in sample.rows()]
    vectors = np.empty((len(texts), embedder.dimensions), dtype=np.float32)
    keys = np.frombuffer(b"".join(map(key_of, texts)), dtype=np.uint8).reshape(-1, 16)
    missing = known.copy_into(vectors, keys)
    for start in range(0, len(missing), 512):
        part = missing[start : start + 512]
        vectors[part] = embedder.embed([texts[row] for row in part])
    found = []
    for query in queries:
        scores = vectors @ query
        rows = np.argsort(-scores, kind="stable")[: 2 * DEPTH]
        found.append((rows.astype(np.int64), scores[rows]))
    return found, len(missing)


def print_shares(name: str, sample: SplitSample, ranked: Sequence[Ranked], questions: Sequence[Question]) -> None:
    words = np.array([words_to_answer(texts_of(sample, r), q.answers) for r, q in zip(ranked, questions, strict=True)])
    kinds = np.array([question.kind for question in questions])
    for kind in dict.fromkeys(kinds.tolist()):
        shares = " | ".join(f"{100 * np.mean(words[kinds == kind] <= k * WORDS):.1f}" for k in CUTS)
        print(f"| {name} | {len(sample)} | {kind} ({(kinds == kind).sum()}) | {shares} |", flush=True)


def choose(generation: Generation, paths: Sequence[Path], limit: int, count: int) -> Sample:
    asked: list[Question] = []
    for path in paths:
        plain = [question for question in read_questions(path) if question.answers and not question.history]
        asked += answerable(plain, generation, limit)
    return take_sample(generation, asked, count)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[80, 110, 150, 200])
    parser.add_argument("--overlaps", type=int, nargs="+", default=[0, 25, 50])
    parser.add_argument("--dense", nargs="*", default=[], metavar="SIZE/OVERLAP")
    parser.add_argument("--articles", type=int, default=1500)
    parser.add_argument("--limit", type=int, default=300)
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    generation = Store(args.index).open()
    chosen = choose(generation, args.questions, args.limit, args.articles)
    print(f"{len(chosen.articles)} articles, {len(chosen.questions)} questions; load {os.getloadavg()[0]:.1f}")
    print(f"| way, size/overlap | passages | questions | {' | '.join(f'hit@{k}' for k in CUTS)} |")
    print(f"|{'---|' * (3 + len(CUTS))}", flush=True)
    dense = [tuple(map(int, way.split("/"))) for way in args.dense]
    lexical = [(size, overlap) for size in args.sizes for overlap in args.overlaps]
    embedder = known = queries = None
    if dense:
        embedder, known = load_embedder(generation.manifest.embedder, args.cache), KnownVectors(generation)
        queries = np.concatenate([embedder.embed([question.text]) for question in chosen.questions])
    for size, overlap in dict.fromkeys(lexical + dense):
        retriever._PER_ARTICLE = round(PER_ARTICLE / size)
        sample = SplitSample(chosen.articles, size, overlap)
        words = lexical_search(sample, chosen.questions)
        print_shares(f"lexical {size}/{overlap}", sample, words, chosen.questions)
        if (size, overlap) in dense:
            began = time.perf_counter()
            vectors, embedded = dense_search(sample, chosen.questions, embedder, known, queries)
            print_shares(f"dense {size}/{overlap}", sample, vectors, chosen.questions)
            both = [weighted(d, b) for d, b in zip(vectors, words, strict=True)]
            print_shares(f"weighted {size}/{overlap}", sample, both, chosen.questions)
            print(f"({embedded} passages embedded, {time.perf_counter() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
