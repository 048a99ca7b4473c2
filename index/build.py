"""The whole build: articles -> passages -> vectors -> index, one generation at a time."""

import hashlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index import disk
from index.articles import Skipped, read_articles, show_path
from index.copies import VERSION, find_copies
from index.dense import write_dense
from index.embedder import Embedder
from index.errors import ArticleError, DamagedIndex, GoldenFailed, IndexFault, NoIndex
from index.generation import Draft, Generation
from index.lexical import write_lexical
from index.passages import split_article
from index.signatures import signature
from index.store import Store

SPLITTER = {"version": 1, "size": 110, "overlap": 25}
KEEP_GENERATIONS = 3
_ROWS_AT_ONCE = 512

log = logging.getLogger("verbatim.build")

Progress = Callable[[str, int, int | None], None]
"""Told (stage, done, total or None); stages are reading, splitting, embedding, writing, checking."""


@dataclass(frozen=True, slots=True)
class BuildReport:
    """What a build did. Counts are of articles, except ``passages``, ``embedded`` and ``reused``.

    ``dropped``: ids of older generations that a removal took away, since they held what was to go.
    """

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
    dropped: tuple[str, ...] = ()


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

    ``full`` starts over, reusing nothing. ``keep`` generations stay on disk. ``check`` may refuse the new one by
    raising: GoldenFailed keeps it aside, anything else leaves no trace of it. Whatever is raised, nothing has changed.

    Raises:
        ArticleError: nothing at all could be read, or with ``strict`` anything could not.
        IndexLocked: another build is running.
        DamagedIndex: a byte of the generation to build on differs; ``full`` does not look at it.
        IncompatibleIndex: that generation has another format, so that nothing of it could be kept.
        GoldenFailed: ``check`` raised it.
        IndexFault: the disk is full or broken.
    """
    began = time.monotonic()
    store = Store(folder)
    with store.lock():
        previous = None if full else open_previous(store)
        with drafting(store) as draft:
            skipped = read_into(draft, paths, store.folder, strict, progress)
            if skipped:
                refuse_nothing(draft, skipped)
            if previous:
                keep_from_elsewhere(draft, previous, paths, skipped)
            refuse_nothing(draft, skipped)
            reason = write_generation(draft, previous, embedder, progress)
            progress("checking", 0, None)
            manifest = draft.finish(embedder, SPLITTER, skipped, join_roots(previous, paths))
            check_new(store, draft, check)
            store.swap(manifest.generation)
        built = report(store, manifest.generation, previous, skipped, reason, time.monotonic() - began)
        tidy(store, keep)
    return built


def check_new(store: Store, draft: Draft, check: Callable[[Generation], None]) -> None:
    try:
        check(Generation(draft.folder))
    except GoldenFailed as refusal:
        store.set_aside(draft.folder.name, refusal.reason)
        raise


def tidy(store: Store, keep: int) -> None:
    """Removes generations that are too old. The new one is in use by now, so what fails here fails nothing."""
    try:
        store.prune(keep)
    except IndexFault as error:
        log.warning("an old generation could not be removed, the next build will try again: %s", error)


@contextmanager
def drafting(store: Store) -> Iterator[Draft]:
    """A new generation that leaves nothing behind unless it is taken or kept aside."""
    draft = store.begin()
    try:
        yield draft
    except BaseException as error:
        kept = draft.folder.name in store.aside() or store.is_current(draft.folder.name)
        draft.close() if kept else draft.discard()
        if isinstance(error, sqlite3.OperationalError):  # SQLite needs room to sort, too
            raise disk.explain(store.folder, error) from error
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
    except DamagedIndex:
        if store.is_pointed():
            raise
        # The first build was stopped between its last two steps, or somebody lost the pointer.
        previous = store.open(store.substitutes()[0])
    previous.check()
    return previous


def read_into(draft: Draft, paths: Iterable[Path], without: Path, strict: bool, progress: Progress) -> list[Skipped]:
    """Every readable article under ``paths`` goes into the record; what could not be read comes back.

    ``without`` is the index itself, which may lie in a folder of articles.
    """
    skipped = []
    for done, found in enumerate(read_articles(paths, without=without), 1):
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


def join_roots(previous: Generation | None, paths: Sequence[Path]) -> list[str]:
    """``paths`` and what ``previous`` was built from, without what lies in a folder among them."""
    roots = {show_path(os.path.abspath(path)) for path in paths}
    roots.update(previous.built_from() if previous else ())
    return sorted(root for root in roots if not _lies_in(root, roots - {root}))


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
    split_into(draft, previous, progress)
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


def split_into(draft: Draft, previous: Generation | None, progress: Progress) -> None:
    """Passages of all articles; those of articles that have not changed are as they were."""
    total = draft.count("article")
    known = previous.digests() if previous and previous.manifest.splitter == SPLITTER else {}
    digests = draft.digests() if known else {}
    row = 0
    for done, (number, article) in enumerate(draft.articles(), 1):
        if article.id in known and known[article.id] == digests[article.id]:
            passages = previous.passages_of(article.id)
        else:
            passages = split_article(article.id, article.text, SPLITTER["size"], SPLITTER["overlap"])
        draft.add_passages(row, number, passages)
        row += len(passages)
        progress("splitting", done, total)
    draft.write_days()


def embed_into(draft: Draft, previous: Generation | None, embedder: Embedder, progress: Progress) -> np.ndarray:
    """Vectors of all passages, (n, d) float16 memory map; those of texts embedded before are copied."""
    total = draft.count("passage")
    vectors = disk.new_array(draft.embeddings, np.float16, (total, embedder.dimensions))
    keys = disk.new_array(draft.keys, np.uint8, (total, 16))
    known = KnownVectors(previous)
    progress("embedding", 0, total)
    for first, texts in chunks(embedded_texts(draft), _ROWS_AT_ONCE):
        rows = slice(first, first + len(texts))
        keys[rows] = [list(hashlib.blake2b(text.encode(), digest_size=16).digest()) for text in texts]
        missing = known.copy_into(vectors[rows], keys[rows])
        if missing:
            vectors[rows][missing] = embedder.embed([texts[i] for i in missing])
        progress("embedding", first + len(texts), total)
    disk.flush_array(draft.embeddings, vectors)
    disk.flush_array(draft.keys, keys)
    return vectors


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
