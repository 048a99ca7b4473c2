"""The whole build: articles -> passages -> vectors -> index, one generation at a time."""

import errno
import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.articles import Skipped, read_articles, show_path
from index.copies import VERSION, find_copies
from index.dense import write_dense
from index.embedder import Embedder
from index.errors import ArticleError, IndexFault, NoIndex, UnknownArticle
from index.generation import Draft, Generation
from index.lexical import write_lexical
from index.passages import split_article
from index.signatures import signature
from index.store import Store

SPLITTER = {"version": 1, "size": 110, "overlap": 25}
KEEP_GENERATIONS = 3
_ROWS_AT_ONCE = 512
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Progress = Callable[[str, int, int | None], None]
"""Told (stage, done, total or None); stages are reading, splitting, embedding, writing, checking."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. Counts are of articles, except ``passages``, ``embedded`` and ``reused``."""

    generation: str
    articles: int
    passages: int
    embedded: int
    reused: int
    added: int
    changed: int
    removed: int
    skipped: tuple[Skipped, ...]
    rebuilt_because: str | None
    seconds: float


def build_index(
    paths: Sequence[Path],
    folder: Path,
    embedder: Embedder,
    *,
    full: bool = False,
    strict: bool = False,
    keep: int = KEEP_GENERATIONS,
    check: Callable[[Generation], None] = lambda generation: None,
    progress: Progress = lambda stage, done, total: None,
) -> BuildReport:
    """Makes what came from ``paths`` current, keeps what came from elsewhere, and swaps the result in.

    ``full`` starts over, reusing nothing. ``check`` may refuse the new generation by raising.

    Raises:
        ArticleError: nothing at all could be read, or with ``strict`` anything could not.
        IndexLocked: another build is running.
        DamagedIndex: a byte of the generation to build on differs; ``full`` does not look at it.
        IncompatibleIndex: that generation has another format, so that nothing of it could be kept.
        IndexFault: the disk is full.
    """
    began = time.monotonic()
    store = Store(folder)
    with store.lock():
        previous = None if full else open_previous(store)
        with drafting(store) as draft:
            skipped = read_into(draft, paths, strict, progress)
            if skipped:
                refuse_nothing(draft, skipped)
            if previous:
                keep_from_elsewhere(draft, previous, paths, skipped)
            refuse_nothing(draft, skipped)
            reason = write_generation(draft, previous, embedder, progress)
            progress("checking", 0, None)
            manifest = draft.finish(embedder, SPLITTER, skipped)
            check(Generation(draft.folder))
        store.swap(manifest.generation)
        built = report(store, manifest.generation, previous, skipped, reason, time.monotonic() - began)
        store.prune(keep)
    return built


def remove_articles(article_ids: Sequence[str], folder: Path, embedder: Embedder) -> BuildReport:
    """A new generation without these articles; no older one that holds them is kept.

    Raises:
        UnknownArticle: one of the ids is not in the index; nothing is changed then.
        ArticleError: no article would be left.
    """
    began = time.monotonic()
    store = Store(folder)
    with store.lock():
        previous = store.open()
        previous.check()
        unwanted = set(article_ids)
        for article_id in unwanted - previous.digests().keys():
            raise UnknownArticle(article_id)
        with drafting(store) as draft:
            for article, origin in previous.sourced_articles():
                if article.id not in unwanted:
                    draft.add_article(article, origin)
            refuse_nothing(draft, [])
            reason = write_generation(draft, previous, embedder, lambda stage, done, total: None)
            manifest = draft.finish(embedder, SPLITTER, [])
        store.swap(manifest.generation)
        built = report(store, manifest.generation, previous, [], reason, time.monotonic() - began)
        store.prune(1)
    return built


@contextmanager
def drafting(store: Store) -> Iterator[Draft]:
    """A new generation that leaves nothing behind unless it is finished."""
    draft = None
    try:
        draft = store.begin()
        yield draft
    except BaseException as error:
        if draft:
            draft.discard()
        if isinstance(error, sqlite3.OperationalError) or isinstance(error, OSError) and error.errno in _NO_ROOM:
            why = getattr(error, "strerror", error)
            raise IndexFault(f"{store.folder} cannot be written ({why}); make room or check the disk") from error
        raise


def open_previous(store: Store) -> Generation | None:
    """The generation to build on, None when there is none yet.

    Raises:
        DamagedIndex: a byte of it differs; what is reused would pass for sound ever after.
        IncompatibleIndex: its format is another, so that articles from elsewhere could not be kept.
    """
    try:
        previous = store.open()
    except NoIndex:
        return None
    previous.check()
    return previous


def read_into(draft: Draft, paths: Iterable[Path], strict: bool, progress: Progress) -> list[Skipped]:
    """Every readable article under ``paths`` goes into the record; what could not be read comes back."""
    skipped = []
    for done, found in enumerate(read_articles(paths), 1):
        if isinstance(found, Skipped):
            if strict:
                raise ArticleError(found.path, found.reason, found.line)
            skipped.append(found)
        else:
            draft.add_article(found.article, found.origin)
        progress("reading", done, None)
    return skipped


def keep_from_elsewhere(draft: Draft, previous: Generation, paths: Sequence[Path], skipped: Sequence[Skipped]) -> None:
    """Carries over articles from outside ``paths``, and those of files that could not be read whole this time."""
    roots = {show_path(os.path.abspath(path)) for path in paths}
    unread = {item.path for item in skipped if item.whole}
    for article, origin in previous.sourced_articles():
        kept = not _lies_in(origin, roots) or _lies_in(origin, unread)
        if kept and not draft.has_article(article.id):
            draft.add_article(article, origin)


def _lies_in(path: str, folders: set[str]) -> bool:
    return path in folders or any(str(parent) in folders for parent in Path(path).parents)


def refuse_nothing(draft: Draft, skipped: Sequence[Skipped]) -> None:
    if draft.count("article"):
        return
    if skipped:
        raise ArticleError(skipped[0].path, f"{skipped[0].reason}; nothing could be read at all", skipped[0].line)
    raise ArticleError("articles", "none were found; name a file or folder that holds some")


def write_generation(draft: Draft, previous: Generation | None, embedder: Embedder, progress: Progress) -> str | None:
    """Passages, vectors and both indexes of the articles in ``draft``. Returns why nothing could be reused, if so."""
    group_copies(draft, previous)
    split_into(draft, progress)
    reason = None
    if previous and previous.manifest.fingerprint != embedder.fingerprint:
        reason = f"the embedder is {embedder.name}, the last build's was {previous.manifest.embedder}"
        previous = None
    elif previous and previous.manifest.splitter != SPLITTER:
        reason = "passages are split differently since the last build"
    vectors = embed_into(draft, previous, embedder, progress)
    progress("writing", 0, None)
    write_dense(draft.vectors, vectors)
    rows = ((article.title, text, article.source or "") for article, text in draft.passage_texts())
    write_lexical(draft.lexical, rows)
    return reason


def group_copies(draft: Draft, previous: Generation | None) -> None:
    """Finds out which articles are copies of one another; of those compared before only the verdicts are taken."""
    digests = draft.digests()
    if previous and previous.manifest.copies != VERSION:
        previous = None
    known = previous.signatures() if previous else {}
    old = previous.digests() if previous else {}
    fresh = {article_id for article_id, digest in digests.items() if old.get(article_id) != digest}
    signatures = {i: signature(draft.text_of(i)) if i in fresh else known[i] for i in sorted(digests)}
    groups = find_copies(
        list(signatures),
        np.array(list(signatures.values())),
        draft.text_of,
        known=previous.copy_groups() if previous else (),
        fresh=fresh if previous else None,
    )
    draft.write_copies(signatures, groups)


def split_into(draft: Draft, progress: Progress) -> None:
    total = draft.count("article")
    row = 0
    for done, (number, article) in enumerate(draft.articles(), 1):
        passages = split_article(article.id, article.text, SPLITTER["size"], SPLITTER["overlap"])
        draft.add_passages(row, number, passages)
        row += len(passages)
        progress("splitting", done, total)
    draft.write_days()


def embed_into(draft: Draft, previous: Generation | None, embedder: Embedder, progress: Progress) -> np.ndarray:
    """Vectors of all passages, (n, d) float16 memory map; those of texts embedded before are copied."""
    total = draft.count("passage")
    vectors = new_array(draft.embeddings, np.float16, (total, embedder.dimensions))
    keys = new_array(draft.keys, np.uint8, (total, 16))
    known = KnownVectors(previous)
    progress("embedding", 0, total)
    for first, texts in chunks(embedded_texts(draft), _ROWS_AT_ONCE):
        rows = slice(first, first + len(texts))
        keys[rows] = [list(hashlib.blake2b(text.encode(), digest_size=16).digest()) for text in texts]
        missing = known.copy_into(vectors[rows], keys[rows])
        if missing:
            vectors[rows][missing] = embedder.embed([texts[i] for i in missing])
        progress("embedding", first + len(texts), total)
    vectors.flush()
    keys.flush()
    return vectors


def new_array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """A memory map of a new .npy file. Its room is taken now: writing into a hole of a full disk ends the process."""
    array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("rb+") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # some file systems cannot
                    raise
    return array


def embedded_texts(draft: Draft) -> Iterator[str]:
    """What is embedded for each passage: the title gives context that a passage alone often lacks."""
    for article, text in draft.passage_texts():
        yield f"{article.title}. {text}" if article.title else text


def chunks(texts: Iterable[str], size: int) -> Iterator[tuple[int, list[str]]]:
    """(number of the first, texts), ``size`` at a time."""
    first, chunk = 0, []
    for text in texts:
        chunk.append(text)
        if len(chunk) == size:
            yield first, chunk
            first, chunk = first + size, []
    if chunk:
        yield first, chunk


class KnownVectors:
    """The last generation's vectors by the hash of their text."""

    def __init__(self, previous: Generation | None):
        self._sorted = None
        if previous and previous.manifest.passages:
            self._vectors, keys = previous.stored_vectors()
            names = np.ascontiguousarray(keys).view("S16")[:, 0]
            self._order = np.argsort(names)
            self._sorted = names[self._order]

    def copy_into(self, vectors: np.ndarray, keys: np.ndarray) -> list[int]:
        """Fills the rows of ``vectors`` whose key is known; returns the numbers of the others."""
        if self._sorted is None:
            return list(range(len(keys)))
        names = np.ascontiguousarray(keys).view("S16")[:, 0]
        places = np.minimum(np.searchsorted(self._sorted, names), len(self._sorted) - 1)
        known = self._sorted[places] == names
        vectors[known] = self._vectors[self._order[places[known]]]
        return np.flatnonzero(~known).tolist()


def report(
    store: Store,
    generation: str,
    previous: Generation | None,
    skipped: Sequence[Skipped],
    reason: str | None,
    seconds: float,
) -> BuildReport:
    """Compares the new generation with the one before it."""
    current = store.open()
    new, old = current.digests(), previous.digests() if previous else {}
    reused = 0
    if previous and previous.manifest.fingerprint == current.manifest.fingerprint:
        keys, old_keys = current.stored_vectors()[1], previous.stored_vectors()[1]
        reused = int(np.isin(np.ascontiguousarray(keys).view("S16"), np.ascontiguousarray(old_keys).view("S16")).sum())
    return BuildReport(
        generation=generation,
        articles=current.manifest.articles,
        passages=current.manifest.passages,
        embedded=current.manifest.passages - reused,
        reused=reused,
        added=len(new.keys() - old.keys()),
        changed=sum(new[article_id] != old[article_id] for article_id in new.keys() & old.keys()),
        removed=len(old.keys() - new.keys()),
        skipped=tuple(skipped),
        rebuilt_because=reason,
        seconds=seconds,
    )
