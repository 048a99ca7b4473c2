"""Generated articles and a cheap embedder, for what needs many of them and no meaning."""

import json
import random
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_SYLLABLES = "ka lo vi ter mo san del ri un qua ber no sti hal ge pru".split()
_WORDS = [a + b + c for a in _SYLLABLES for b in _SYLLABLES for c in ("", "n", "ra", "sk")]
_WORD = re.compile(r"\w+")


class WordCounts:
    """Each word adds 1 in a place that its CRC-32 chooses; then the length is made 1. No weights, no threads."""

    name, fingerprint = "word counts", "word-counts-1"

    def __init__(self, dimensions: int = 384):
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        vectors[:, 0] = 1e-3  # a text without words has a direction too
        for row, text in enumerate(texts):
            places = [zlib.crc32(word.encode()) % self.dimensions for word in _WORD.findall(text.lower())]
            vectors[row] += np.bincount(places, minlength=self.dimensions)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make_article(number: int, version: int = 0, words: int = 250) -> dict[str, str]:
    """The fields of one article, always the same for a number and a version."""
    chance = random.Random(number * 1000 + version)
    sentences = []
    while words > 0:
        length = chance.randint(6, 24)
        sentence = " ".join(chance.choices(_WORDS, k=length))
        sentences.append(f"{sentence.capitalize()} {chance.randint(1, 9999)}.")
        words -= length
    paragraphs = [" ".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4)]
    return {
        "id": f"article-{number}",
        "title": f"{' '.join(chance.choices(_WORDS, k=5)).capitalize()} {number}",
        "text": f"Version {version} of article {number}. " + "\n\n".join(paragraphs),
        "published": f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d}",
        "source": f"source{number % 7}.example",
    }


def write_articles(folder: Path, count: int, changed: Sequence[int] = (), version: int = 0, words: int = 250) -> None:
    """JSON Lines files of 500 articles; those whose numbers are ``changed`` in this ``version``."""
    folder.mkdir(parents=True, exist_ok=True)
    again = set(changed)
    for first in range(0, count, 500):
        with (folder / f"{first:07d}.jsonl").open("w", encoding="utf-8") as file:
            for number in range(first, min(first + 500, count)):
                article = make_article(number, version if number in again else 0, words)
                file.write(json.dumps(article, ensure_ascii=False) + "\n")
