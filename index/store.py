"""The folder of an index: its generations, and which of them is in use.

    DIR/CURRENT                      the generation in use: its id and its manifest's SHA-256
    DIR/LOCK, DIR/LOCK.pid           held by the one build that may run
    DIR/generations/<id>/            see index/generation.py; these two files alone know the names on disk

A build makes the next generation beside the one in use and swaps ``CURRENT`` in one atomic replace.
"""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from index.errors import DamagedIndex, IncompatibleIndex, IndexFault, IndexLocked, NoIndex
from index.generation import Draft, Generation, sync_folder, write_synced
from index.manifest import damaged_files, read_manifest
from index.runtime import file_hash

_POINTER = re.compile(rb"(\w[\w-]{0,99}) ([0-9a-f]{64})\n")


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What `verbatim info` and GET /index tell."""

    generation: str
    built_at: datetime
    articles: int
    passages: int
    newest_article: date | None
    embedder: str
    size_bytes: int
    damaged: tuple[str, ...]
    skipped: int


class Store:
    """The folder of one index.

    Raises, from the methods that open: NoIndex, DamagedIndex, IncompatibleIndex.
    """

    def __init__(self, folder: Path):
        self.folder = folder.absolute()
        self.generations = self.folder / "generations"
        self._pointer = self.folder / "CURRENT"

    def current(self) -> tuple[str, str]:
        """(generation id, SHA-256 of its manifest) that CURRENT names."""
        try:
            named = _POINTER.fullmatch(self._pointer.read_bytes())
        except FileNotFoundError:
            raise NoIndex(self.folder) from None
        except OSError as error:
            raise DamagedIndex(self._pointer, f"it cannot be read: {error.strerror}") from None
        if named is None:
            raise DamagedIndex(self._pointer, "it does not name a generation")
        return named[1].decode(), named[2].decode()

    def open(self, pointer: tuple[str, str] | None = None) -> "Generation":
        """The generation in use, or the one that ``pointer``, read before, names."""
        generation, digest = pointer or self.current()
        folder = self.generations / generation
        if not (folder / "manifest.json").exists() or file_hash(folder / "manifest.json") != digest:
            raise DamagedIndex(folder / "manifest.json", "it is not the one that CURRENT names")
        opened = Generation(folder)
        # SQLite itself notices hardly any flipped bit, and these are the words that are quoted.
        opened.check("articles.sqlite")
        return opened

    def complete(self) -> list[str]:
        """Ids of all finished generations, oldest first."""
        return sorted(path.parent.name for path in self.generations.glob("*/manifest.json"))

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while building. The system releases it when the holder dies, so it cannot go stale.

        Raises:
            IndexLocked: another process holds it.
        """
        from filelock import FileLock, Timeout

        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "LOCK"
        holder = self.folder / "LOCK.pid"
        try:
            with FileLock(path, timeout=0):
                holder.write_text(str(os.getpid()))
                yield
                holder.unlink(missing_ok=True)
        except Timeout:
            pid = holder.read_text() if holder.exists() else "0"
            raise IndexLocked(self.folder, int(pid) if pid.isdigit() else 0) from None

    def begin(self) -> "Draft":
        """A new, empty generation, after removing what interrupted builds left. Call under the lock."""
        finished = self.complete()
        for folder in self.generations.glob("*"):
            if folder.name not in finished and folder.is_dir() and not folder.is_symlink():
                shutil.rmtree(folder)
        # Numbered: two may be made within a second, and clocks are set back.
        number = 1 + max((int(name[:6]) for name in finished if name[:6].isdigit()), default=0)
        folder = self.generations / f"{number:06d}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(3).hex()}"
        folder.mkdir(parents=True)
        return Draft(folder)

    def swap(self, generation: str) -> None:
        """Makes ``generation`` the one in use, atomically and durably."""
        digest = file_hash(self.generations / generation / "manifest.json")
        temporary = self.folder / "CURRENT.new"
        write_synced(temporary, f"{generation} {digest}\n".encode())
        os.replace(temporary, self._pointer)
        sync_folder(self.folder)

    def prune(self, keep: int) -> None:
        """Removes all but the newest ``keep`` generations and the one in use."""
        current, _ = self.current()
        for name in self.complete()[:-keep] if keep else self.complete():
            if name != current:
                # The manifest goes first: a half-removed generation must not look complete.
                (self.generations / name / "manifest.json").unlink()
                shutil.rmtree(self.generations / name)

    def rollback(self) -> str:
        """Makes the newest generation older than the one in use that can be opened current; returns its id.

        Raises:
            NoIndex: there is no generation at all.
            IncompatibleIndex: there is no older sound one.
        """
        try:
            current = self.current()[0]
        except IndexFault:
            if not self.complete():
                raise
            current = "~"  # sorts after every generation
        for name in reversed(self.complete()):
            if name < current and _is_sound(self.generations / name):
                self.swap(name)
                return name
        raise IncompatibleIndex(
            f"no older sound generation is kept in {self.folder}; rebuild with: verbatim index ARTICLES"
        )

    def verify(self) -> list[str]:
        """Paths, relative to the folder, of all files that differ from what was written; [] when all is sound."""
        damaged = [
            f"generations/{name}/{file}" for name in self.complete() for file in damaged_files(self.generations / name)
        ]
        try:
            generation, digest = self.current()
            manifest = self.generations / generation / "manifest.json"
            sealed = f"generations/{generation}/manifest.json" not in damaged
            if not manifest.exists() or (sealed and file_hash(manifest) != digest):
                damaged.append("CURRENT")
        except DamagedIndex:
            damaged.append("CURRENT")
        return sorted(set(damaged))

    def info(self, damaged: Sequence[str] = (), pointer: tuple[str, str] | None = None) -> IndexInfo:
        """What stands in the manifest in use (or the one of ``pointer``), and the bytes that the whole folder takes."""
        generation, _ = pointer or self.current()
        manifest = read_manifest(self.generations / generation)
        return IndexInfo(
            generation=generation,
            built_at=datetime.fromisoformat(manifest.built_at),
            articles=manifest.articles,
            passages=manifest.passages,
            newest_article=date.fromisoformat(manifest.newest_article) if manifest.newest_article else None,
            embedder=manifest.embedder,
            size_bytes=_measure(self.folder),
            damaged=tuple(damaged),
            skipped=manifest.skipped,
        )


def _is_sound(folder: Path) -> bool:
    """Whether a generation can be opened: its format is the one that is read, and every byte is as it was written."""
    try:
        read_manifest(folder)
    except IndexFault:
        return False
    return not damaged_files(folder)


def _measure(folder: Path) -> int:
    """Bytes of all files in ``folder``, without those that a build removes meanwhile."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.stat(os.path.join(parent, name)).st_size
    return size
