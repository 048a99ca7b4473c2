"""An archive several times as large as a real one, to measure what a million passages cost.

    python -m bench.million INDEX FOLDER [--times 5] [--cosine 0.9]

Writes ``FOLDER/articles.jsonl``, the articles of INDEX ``--times`` over, and builds them into ``FOLDER/index`` as
`verbatim index` would, reader, copies, word index, FAISS training, manifest and all; only the vectors are given
instead of computed. The first version of each article is the article itself. In each further version

- names give way to names: words that the archive writes with a capital, by rank of frequency, change places
  within groups of 64 ranks, by a permutation for each version; so the words are as frequent as before, but no
  two versions say the same. Months, days of the week and abbreviations stay;
- numbers of two or more figures become others of as many figures, but for the years 1900 to 2099;
- each passage's vector gets Gaussian noise that leaves it at a cosine of about ``--cosine`` to the real one, drawn
  from a generator seeded with the passage's number.

Then measure it with `python -m bench.searching FOLDER/index QUESTIONS` and `python -m bench.serving`.
"""

import argparse
import hashlib
import json
import math
import os
import re
import resource
import time
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from index.articles import Article
from index.build import SPLITTER, build_index
from index.generation import Generation
from index.passages import split_article
from index.store import Store

GROUP = 64  # ranks of frequency among which names change places
_CAPITALISED = re.compile(r"\b[A-Z][a-z]{3,}\b")
_LOWER = re.compile(r"\b[a-z]{4,}\b")
_CHANGED = re.compile(r"\b[A-Z][a-z]{3,}\b|(?<![\d.,])\d{2,}\b")
_CALENDAR = frozenset(
    """January February March April June July August September October November December
    Monday Tuesday Wednesday Thursday Friday Saturday Sunday""".split()
)


def rank_names(texts: Iterable[str]) -> list[str]:
    """Words that are names, most frequent first: mostly written with a capital, and rarely before a full stop."""
    capitalised, lower, stopped = Counter(), Counter(), Counter()
    for text in texts:
        capitalised.update(_CAPITALISED.findall(text))
        lower.update(_LOWER.findall(text))
        stopped.update(match.group() for match in _CAPITALISED.finditer(text) if text[match.end() :][:1] == ".")
    return [
        name
        for name, count in sorted(capitalised.items(), key=lambda item: (-item[1], item[0]))
        if count >= 3 and count > 2 * lower[name.lower()] and stopped[name] < 0.3 * count and name not in _CALENDAR
    ]


def rename(names: Sequence[str], version: int) -> dict[str, str]:
    """What each name becomes in a version: another one of about its frequency, never itself (version > 0)."""
    renamed = {}
    for first in range(0, len(names), GROUP):
        group = list(names[first : first + GROUP])
        order = np.random.default_rng([GROUP, first]).permutation(len(group))
        shift = version % len(group)
        for place, successor in zip(order, np.roll(order, shift), strict=True):
            renamed[group[place]] = group[successor]
    return renamed


def renumber(number: str, version: int) -> str:
    """Another number of as many figures; years stay."""
    if len(number) == 4 and number[:2] in ("19", "20"):
        return number
    low = 10 ** (len(number) - 1)
    return str(low + zlib.crc32(f"{version} {number}".encode()) % (9 * low))


def change(text: str, renamed: dict[str, str], version: int) -> str:
    """``text`` with other names and numbers, sentence by sentence and word by word as long as before."""

    def other(match: re.Match) -> str:
        found = match.group()
        return renumber(found, version) if found[0].isdigit() else renamed.get(found, found)

    return _CHANGED.sub(other, text)


def change_article(article: Article, renamed: dict[str, str], version: int) -> Article:
    """A version of an article, with an id and an address of its own; version 0 is the article itself."""
    if version == 0:
        return article
    url = f"{article.url}{'&' if '?' in article.url else '?'}version={version}" if article.url else None
    return replace(
        article,
        id=f"{article.id}-{version}",
        title=change(article.title, renamed, version),
        text=change(article.text, renamed, version),
        url=url,
    )


def to_line(article: Article) -> str:
    published = article.published.isoformat() if article.published else None
    record = {name: getattr(article, name) for name in ("id", "title", "text", "url", "source", "authors")}
    return json.dumps(record | {"published": published}, ensure_ascii=False) + "\n"


def key_of(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def embedded_texts(article: Article) -> list[str]:
    """What a build embeds for an article, passage by passage."""
    passages = split_article(article.id, article.text, SPLITTER["size"], SPLITTER["overlap"])
    title = f"{article.title}. " if article.title else ""
    return [title + article.text[passage.start : passage.end] for passage in passages]


@dataclass(slots=True)
class Prepared:
    """What was written: ``keys``, hashes of the texts to embed, and ``numbers``, version * passages + row, of each."""

    keys: list[bytes]
    numbers: list[int]
    articles: int = 0
    uneven: int = 0  # versions that do not split into as many passages as the article itself


def write_versions(generation: Generation, times: int, path: Path) -> Prepared:
    """Writes all versions of all articles as JSON Lines, one version after the other."""
    names = rank_names(article.text for article, _ in generation.sourced_articles())
    rows = rows_by_key(generation)
    print(f"{len(names)} words are names; the first: {', '.join(names[:12])}", flush=True)
    prepared = Prepared([], [])
    with path.open("w", encoding="utf-8") as file:
        for version in range(times):
            renamed = rename(names, version)
            for article, _ in generation.sourced_articles():
                changed = change_article(article, renamed, version)
                file.write(to_line(changed))
                note(prepared, article, changed, rows, version * generation.manifest.passages)
    return prepared


def rows_by_key(generation: Generation) -> dict[bytes, int]:
    """The row of each embedded text, by its hash."""
    return {key.tobytes(): row for row, key in enumerate(generation.stored_vectors()[1])}


def note(prepared: Prepared, article: Article, changed: Article, rows: dict[bytes, int], base: int) -> None:
    """Adds the texts of ``changed`` and the numbers of the passages of ``article`` that they were made of."""
    originals, texts = embedded_texts(article), embedded_texts(changed)
    prepared.articles += 1
    prepared.uneven += len(originals) != len(texts)
    for place, text in enumerate(texts):
        prepared.keys.append(key_of(text))
        prepared.numbers.append(base + rows[key_of(originals[min(place, len(originals) - 1)])])


def jitter(vector: np.ndarray, number: int, cosine: float) -> np.ndarray:
    """A unit vector at about ``cosine`` to the unit vector (d,): Gaussian noise, scaled, normalised again."""
    noise = np.random.default_rng(number).standard_normal(len(vector), dtype=np.float32)
    jittered = vector + noise * (math.sqrt(1 / cosine**2 - 1) / math.sqrt(len(vector)))
    return jittered / np.linalg.norm(jittered)


class JitteredVectors:
    """An embedder that knows the prepared texts only. What it gives is by the real model, plus noise."""

    def __init__(self, generation: Generation, prepared: Prepared, cosine: float):
        self.name = generation.manifest.embedder
        self.fingerprint = generation.manifest.fingerprint
        self.dimensions = generation.manifest.dimensions
        self._vectors, _ = generation.stored_vectors()
        self._cosine = cosine
        keys = np.frombuffer(b"".join(prepared.keys), dtype="V16")
        order = np.argsort(keys.view("S16"), kind="stable")  # equal texts get the vector of the first
        self._keys, self._numbers = keys.view("S16")[order], np.array(prepared.numbers)[order]

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        wanted = np.frombuffer(b"".join(map(key_of, texts)), dtype="S16")
        places = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        if (self._keys[places] != wanted).any():
            raise ValueError("a text to embed is none of those prepared")
        return np.stack(list(self._given(self._numbers[places].tolist())))

    def _given(self, numbers: Iterable[int]) -> Iterator[np.ndarray]:
        for number in numbers:
            version, row = divmod(number, len(self._vectors))
            vector = self._vectors[row].astype(np.float32)
            yield jitter(vector, number, self._cosine) if version else vector


def peak_memory() -> float:
    """The most memory this process has held, in MiB (Linux)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of a generation; those of a folder in it together."""
    total: Counter[str] = Counter()
    for path in folder.rglob("*"):
        if path.is_file():
            total[path.relative_to(folder).parts[0]] += path.stat().st_size
    return dict(total.most_common())


class Stages:
    """Says how long each stage of a build took."""

    def __init__(self) -> None:
        self._stage, self._began = "", time.monotonic()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage != self._stage:
            self.close()
            self._stage, self._began = stage, time.monotonic()

    def close(self) -> None:
        if self._stage:
            passed = time.monotonic() - self._began
            print(f"{self._stage}: {passed:.0f} s, peak {peak_memory():.0f} MiB so far", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("folder", type=Path, help="where the articles and the index go; made if missing")
    parser.add_argument("--times", type=int, default=5, help="versions of each article, itself included (5)")
    parser.add_argument("--cosine", type=float, default=0.9, help="between a jittered vector and the real one (.9)")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    generation = Store(args.index).open()
    began = time.monotonic()
    path = args.folder / "articles.jsonl"
    prepared = write_versions(generation, args.times, path)
    unlike = len(set(prepared.keys))
    print(
        f"{prepared.articles} articles, {len(prepared.keys)} passages, {unlike} of them unlike all others; "
        f"{prepared.uneven} articles split otherwise than before: {time.monotonic() - began:.0f} s, "
        f"{path.stat().st_size / 1e6:.0f} MB, peak {peak_memory():.0f} MiB",
        flush=True,
    )
    embedder = JitteredVectors(generation, prepared, args.cosine)
    del prepared
    print(f"load average before the build: {os.getloadavg()[0]:.2f}", flush=True)
    stages = Stages()
    report = build_index([path], args.folder / "index", embedder, full=True, progress=stages)
    stages.close()
    print(
        f"built {report.articles} articles, {report.passages} passages in {report.seconds:.0f} s "
        f"(embedding left out), peak memory {peak_memory():.0f} MiB, load {os.getloadavg()[0]:.2f}"
    )
    for name, size in sizes(args.folder / "index" / "generations" / report.generation).items():
        print(f"  {size / 1e6:8.1f} MB  {name}")


if __name__ == "__main__":
    main()
