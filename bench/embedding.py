"""Embedding passages for a build: ours against sentence-transformers' default, on the same machine in one run.

    python -m bench.embedding ARTICLES [--count 600]

Also says how far the vectors differ, and for how many of 300 passages the ten nearest stay the same.
"""

import argparse
import itertools
import time
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

from index.articles import Skipped, read_articles
from index.embedder import DEFAULT_MODEL, load_embedder, locate_model
from index.passages import split_article


def passages(path: Path, count: int) -> list[str]:
    def texts():
        for found in read_articles([path]):
            if not isinstance(found, Skipped):
                article = found.article
                for passage in split_article(article.id, article.text):
                    yield f"{article.title}. {article.text[passage.start : passage.end]}"

    return list(itertools.islice(texts(), count))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=Path)
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    texts = passages(args.articles, args.count)
    ours = load_embedder(DEFAULT_MODEL, args.cache)
    theirs = SentenceTransformer(str(locate_model(DEFAULT_MODEL)), device="cpu")
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
    cosine = (mine * default).sum(axis=1)
    print(f"cosine to its vectors: mean {cosine.mean():.6f}, least {cosine.min():.6f}")
    compared = min(300, len(texts))
    nearest = [[set(np.argsort(-(v[i] @ v.T))[:10]) for i in range(compared)] for v in (mine, default)]
    same = sum(one == other for one, other in zip(*nearest, strict=True))
    print(f"the same ten nearest: {same} of {compared} passages")


if __name__ == "__main__":
    main()
