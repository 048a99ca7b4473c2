"""Stand-ins whose output can be worked out by hand: an embedder of counted words, a reader that looks phrases up.

Beside them stand the real ones, loaded once, for the tests that both must pass.
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from index.articles import Article
from index.build import SPLITTER, write_generation
from index.embedder import DEFAULT_MODEL, SentenceEmbedder, load_embedder
from index.generation import Generation
from index.store import Store
from qa.confidence import Confidence
from qa.followups import FollowupClassifier, Marks, find_words, load_classifier, term, terms
from qa.reader import SHIPPED, Reading, SpanReader

# A candidate's rank is its span score, and its confidence 1 / (1 + exp(-rank)): 0 is one half.
BY_SPAN = Confidence(ranking={"span": 1.0}, weights={"rank": 1.0}, threshold=0.5)


class BagOfWords:
    """Each word adds 1 in one of ``dimensions`` places, which its CRC-32 chooses; then the length is made 1.

    ``embedded`` holds every text that was ever embedded, in order.
    """

    def __init__(self, dimensions: int = 256, name: str = "bag of words", fingerprint: str = "bag-1"):
        self.name, self.fingerprint, self.dimensions = name, fingerprint, dimensions
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        self.embedded += texts
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row, 0] = 1e-3  # a text without words has a direction too
            for word in re.findall(r"\w+", text.lower()):
                vectors[row, zlib.crc32(word.encode()) % self.dimensions] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class PhraseReader:
    """Finds the given phrases, wherever they first stand in a text, with the given scores.

    Where phrases overlap the better one stays, and no text gives more than ``most`` spans.
    """

    def __init__(self, phrases: Mapping[str, float], null: float = 0.0, most: int = 3):
        self._phrases, self._null, self._most = phrases, null, most
        self.asked: list[str] = []

    def read(self, question: str, texts: Sequence[tuple[str, str]]) -> list[Reading]:
        self.asked.append(question)
        return [self._read_one(text) for _, text in texts]

    def read_text(self, question: str, text: str) -> Reading:
        return self.read(question, [("", text)])[0]

    def _read_one(self, text: str) -> Reading:
        spans: list[tuple[int, int, float]] = []
        for phrase, score in sorted(self._phrases.items(), key=lambda item: -item[1]):
            start = text.find(phrase)
            if start >= 0 and all(start + len(phrase) <= s or e <= start for s, e, _ in spans):
                spans.append((start, start + len(phrase), score))
        return Reading(tuple(spans[: self._most]), self._null)


class WordMarker:
    """Marks the words of ``added`` and ``instead`` wherever the texts hold them, and each pronoun as replaced.

    A question leans exactly if the texts hold any of them. ``asked`` holds every question, in order.
    """

    def __init__(self, added: str = "", instead: str = ""):
        self._added, self._instead = terms(f"{added} {instead}"), terms(instead)
        self.asked: list[str] = []

    def mark(self, question: str, texts: Sequence[str]) -> Marks:
        self.asked.append(question)
        words = [[text[start:end] for start, end in find_words(text)] for text in texts]
        added = tuple(tuple(float(term(word) in self._added) for word in each) for each in words)
        instead = tuple(tuple(float(term(word) in self._instead) for word in each) for each in words)
        replaced = tuple(float(question[start:end].lower() in PRONOUNS) for start, end in find_words(question))
        return Marks(float(any(map(any, added))), replaced, added, instead)


PRONOUNS = {"he", "him", "his", "she", "her", "it", "its", "they", "them", "their"}


def real_embedder(config: pytest.Config) -> SentenceEmbedder:
    """The packaged model, exported into pytest's own cache the first time."""
    assert config.cache is not None, "run without: -p no:cacheprovider"
    return load_embedder(DEFAULT_MODEL, config.cache.mkdir("verbatim-models"))


def real_reader() -> SpanReader:
    if not SHIPPED.is_dir():
        pytest.fail(f"the reader's weights are missing; train it, or copy them into {SHIPPED}")
    return SpanReader()


def real_classifier() -> FollowupClassifier:
    return load_classifier()


def article(
    id: str, text: str, *, title: str = "", source: str | None = None, published: date | datetime | None = None
) -> Article:
    return Article(id=id, title=title, text=text, source=source, published=published)


def generation_of(folder: Path, articles: Sequence[Article], embedder: BagOfWords | None = None) -> Generation:
    """The open index of ``articles``, made without any input file."""
    embedder = embedder or BagOfWords()
    store = Store(folder)
    with store.lock():
        draft = store.begin()
        for each in articles:
            draft.add_article(each, "/nowhere/articles.jsonl")
        write_generation(draft, None, embedder, lambda stage, done, total: None)
        manifest = draft.finish(embedder, SPLITTER, [])
        store.swap(manifest.generation)
    return store.open()
