"""Embedding passages for a build: ours against sentence-transformers' default, on the same machine in one run.

    python -m bench.embedding ARTICLES [--count 600] [--questions QUESTIONS]

Also says how far the vectors differ, and how often the ten nearest passages stay the same: of 300 passages, and
with ``--questions`` of 300 questions, which is how vectors are used. There are often several passages of almost the
same score at the tenth place, so it prints the gap between the tenth and the next, and how often the ten are the same
when passages within .001 of the tenth score may change places. "Questions in fp32" embeds only the passages in the
precision of the build.
"""

import argparse
import itertools
import time
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from index import runtime
from index.articles import Skipped, read_articles
from index.embedder import DEFAULT_MODEL, SentenceEmbedder, load_embedder, locate_model
from index.passages import split_article
from qa.questions import read_questions

COMPARED = 300
TIE = 0.001


def passages(path: Path, count: int) -> list[str]:
    def texts():
        for found in read_articles([path]):
            if not isinstance(found, Skipped):
                article = found.article
                for passage in split_article(article.id, article.text):
                    yield f"{article.title}. {article.text[passage.start : passage.end]}"

    return list(itertools.islice(texts(), count))


def compare_nearest(name: str, exact: np.ndarray, ours: np.ndarray, k: int = 10) -> None:
    """Prints how often the ``k`` best of each row are the same in two (rows, passages) arrays of scores."""
    if exact.shape[1] <= k:
        return
    same, same_but_ties, gaps = agreement(exact, ours, k)
    low, middle = np.percentile(gaps, (10, 50))
    print(
        f"{name}: the same ten nearest for {same} of {len(exact)}, for {same_but_ties} when scores within {TIE} are "
        f"equal; gap below the tenth: p10 {low:.5f}, p50 {middle:.5f}; scores differ by {np.std(ours - exact):.5f} (sd)"
    )


def agreement(exact: np.ndarray, ours: np.ndarray, k: int) -> tuple[int, int, np.ndarray]:
    """Rows with the same best ``k``; the same with ties forgiven; gap between the scores at ``k`` and ``k`` + 1."""
    same = same_but_ties = 0
    gaps = np.empty(len(exact))
    for number, (wanted, found) in enumerate(zip(exact, ours, strict=True)):
        order = np.argsort(-wanted, kind="stable")
        best, got = set(order[:k].tolist()), set(np.argsort(-found, kind="stable")[:k].tolist())
        edge = wanted[order[k - 1]]
        gaps[number] = edge - wanted[order[k]]
        same += best == got
        same_but_ties += all(abs(wanted[row] - edge) <= TIE for row in best ^ got)
    return same, same_but_ties, gaps


def embed_each(embedder: SentenceEmbedder, texts: list[str]) -> np.ndarray:
    """One by one, as questions come."""
    return np.concatenate([embedder.embed([text]) for text in texts])


def exact_embedder(ours: SentenceEmbedder) -> SentenceEmbedder:
    """The same model, computing in fp32."""
    runtime.precision = lambda: "f32"
    return SentenceEmbedder(ours._folder)


def compare_speed(ours: SentenceEmbedder, theirs: SentenceTransformer, texts: list[str]) -> tuple[np.ndarray, ...]:
    """Prints passages a second of both, in turn, three times. Returns both vectors."""
    ours.embed(texts[:64])
    theirs.encode(texts[:64])
    rates: dict[str, list[float]] = {"ours": [], "sentence-transformers": []}
    for _ in range(3):
        began = time.perf_counter()
        mine = ours.embed(texts)
        rates["ours"].append(len(texts) / (time.perf_counter() - began))
        began = time.perf_counter()
        default = theirs.encode(texts, normalize_embeddings=True)
        rates["sentence-transformers"].append(len(texts) / (time.perf_counter() - began))
    for name, values in rates.items():
        print(f"{name}: {max(values):.1f} passages a second (of three: {', '.join(f'{v:.1f}' for v in values)})")
    print(f"times as fast: {max(rates['ours']) / max(rates['sentence-transformers']):.2f}")
    return mine, default


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--questions", type=Path)
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    texts = passages(args.articles, args.count)
    ours = load_embedder(DEFAULT_MODEL, args.cache)
    theirs = SentenceTransformer(str(locate_model(DEFAULT_MODEL)), device="cpu")
    print(f"{len(texts)} passages, computed in {runtime.precision()}")
    mine, default = compare_speed(ours, theirs, texts)
    cosine = (mine * default).sum(axis=1)
    print(f"cosine to its vectors: mean {cosine.mean():.6f}, least {cosine.min():.6f}")
    compare_nearest("passages", default[:COMPARED] @ default.T, mine[:COMPARED] @ mine.T)
    if args.questions:
        asked = [question.text for question in read_questions(args.questions)][:COMPARED]
        exact = theirs.encode(asked, normalize_embeddings=True) @ default.T
        compare_nearest("questions", exact, embed_each(ours, asked) @ mine.T)
        compare_nearest("questions in fp32", exact, embed_each(exact_embedder(ours), asked) @ mine.T)


if __name__ == "__main__":
    main()
