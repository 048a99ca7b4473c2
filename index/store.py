"""The folder of an index: its generations, and which of them is in use.

    DIR/CURRENT                      the generation in use: its id and its manifest's SHA-256
    DIR/LOCK, DIR/LOCK.pid           held by the one build that may run
    DIR/generations/<id>/            see index/generation.py; these two files alone know the names on disk

A build makes the next generation beside the one in use and swaps ``CURRENT`` in one atomic replace. The last few
are kept to go back to. One that was made but refused is kept aside: its manifest says why, and only who asks for
it by its id gets it.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from index import disk
from index.errors import DamagedIndex, IncompatibleIndex, IndexFault, IndexLocked, NoIndex, UsageError
from index.generation import Draft, Generation
from index.manifest import PENDING, find_damage, read_manifest, write_manifest
from index.runtime import file_hash

_POINTER = re.compile(rb"(\w[\w-]{0,99}) ([0-9a-f]{64})\n")
POINTER = "CURRENT"
Pointer = tuple[str, str]
"""A generation's id and the SHA-256 of its manifest."""


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


@dataclass(frozen=True, slots=True)
class Kept:
    """One generation on disk. ``state`` is "in use", "kept", "aside" or "unreadable"; ``reason`` says why, if so."""

    id: str
    state: str
    reason: str | None = None
    built_at: datetime | None = None
    articles: int | None = None
    passages: int | None = None


class Store:
    """The folder of one index.

    Raises, from the methods that open: NoIndex, DamagedIndex, IncompatibleIndex.
    """

    def __init__(self, folder: Path):
        self.folder = folder.absolute()
        self.generations = self.folder / "generations"
        self._pointer = self.folder / POINTER

    def current(self) -> Pointer:
        """What CURRENT holds."""
        try:
            named = _POINTER.fullmatch(self._pointer.read_bytes())
        except FileNotFoundError:
            if self.complete():
                raise DamagedIndex(self._pointer, "it is missing") from None
            raise NoIndex(self.folder) from None
        except OSError as error:
            raise DamagedIndex(self._pointer, f"it cannot be read: {error.strerror}") from None
        if named is None:
            raise DamagedIndex(self._pointer, "it does not name a generation")
        return named[1].decode(), named[2].decode()

    def open(self, pointer: Pointer | None = None) -> Generation:
        """The generation in use, or the one that ``pointer``, read before, names. Reads what is cheap to read."""
        generation, digest = pointer or self.current()
        folder = self.generations / generation
        if self.pointer_to(generation) != (generation, digest):
            if (folder / "manifest.json").exists():
                read_manifest(folder)  # says so if it is the one of the two that is damaged
            raise DamagedIndex(self._pointer, "it fits no generation that is here")
        opened = Generation(folder)
        # SQLite itself notices hardly any flipped bit, and these are the words that are quoted.
        opened.check("articles.sqlite", cheap=True)
        return opened

    def is_current(self, generation: str) -> bool:
        """Whether CURRENT names this generation. One that cannot be read names none."""
        with suppress(IndexFault):
            return self.current()[0] == generation
        return False

    def is_pointed(self) -> bool:
        """Whether there is a CURRENT, whatever it holds."""
        return os.path.lexists(self._pointer)

    def pointer_to(self, generation: str) -> Pointer | None:
        """What CURRENT would hold for this generation; None where its manifest cannot be read."""
        try:
            return generation, file_hash(self.generations / generation / "manifest.json")
        except OSError:
            return None

    def substitutes(self) -> list[Pointer]:
        """What may stand in for a damaged generation in use, best first: older ones, newest first, then newer ones."""
        try:
            current, digest = self.current()
            if self.pointer_to(current) != (current, digest):
                current = "~"
        except IndexFault:
            current = "~"  # sorts after every generation
        others = [name for name in reversed(self.complete()) if name != current]
        others.sort(key=lambda name: name > current)
        return list(filter(None, map(self.pointer_to, others)))

    def served(self, damaged: Sequence[str]) -> Pointer:
        """Which generation answers, where ``damaged`` files are known, as :meth:`verify` gives them."""
        hit = {name.split("/")[1] for name in damaged if "/" in name}
        with suppress(DamagedIndex):
            pointer = self.current()
            if pointer[0] not in hit and pointer == self.pointer_to(pointer[0]):
                return pointer
        return next((pointer for pointer in self.substitutes() if pointer[0] not in hit), None) or self.current()

    def complete(self) -> list[str]:
        """Ids of all finished generations, oldest first, without those that are kept aside."""
        return [name for name in self._finished() if self._aside(name) is None]

    def aside(self) -> dict[str, str]:
        """Why each generation that is kept aside was not taken, by its id, oldest first."""
        reasons = {name: self._aside(name) for name in self._finished()}
        return {name: reason for name, reason in reasons.items() if reason not in (None, PENDING)}

    def _finished(self) -> list[str]:
        return sorted(path.parent.name for path in self.generations.glob("*/manifest.json"))

    def _aside(self, name: str) -> str | None:
        with suppress(IndexFault):
            return read_manifest(self.generations / name).aside
        return None

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Held while building. The system releases it when the holder dies, so it cannot go stale.

        What ``LOCK.pid`` says is for people only: a number left by a process that died, or that another one
        has by now, stops nobody.

        Raises:
            IndexLocked: another process holds it.
        """
        from filelock import FileLock, Timeout

        disk.make_folder(self.folder)
        holder = self.folder / "LOCK.pid"
        lock = FileLock(self.folder / "LOCK")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise IndexLocked(self.folder, _read_pid(holder)) from None
        except OSError as error:
            raise disk.explain(self.folder / "LOCK", error) from error
        try:
            disk.write_synced(holder, str(os.getpid()).encode())
            yield
        finally:
            with suppress(OSError):
                holder.unlink(missing_ok=True)
            lock.release()

    def begin(self) -> Draft:
        """A new, empty generation, after removing what interrupted builds left. Call under the lock."""
        finished = self._finished()
        self._clear(finished)
        # Numbered: two may be made within a second, and clocks are set back.
        number = 1 + max((int(name[:6]) for name in finished if name[:6].isdigit()), default=0)
        folder = self.generations / f"{number:06d}-{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.urandom(3).hex()}"
        disk.make_folder(folder)
        try:
            return Draft(folder)
        except IndexFault:
            with suppress(IndexFault):
                disk.remove_folder(folder)
            raise

    def sweep(self) -> None:
        """Removes what builds that were interrupted left behind. Call under the lock."""
        self._clear(self._finished())

    def _clear(self, finished: Sequence[str]) -> None:
        """Removes what builds that were interrupted left behind."""
        for folder in self.generations.glob("*"):
            whole = folder.name in finished and self._aside(folder.name) != PENDING
            if not whole and folder.is_dir() and not folder.is_symlink():
                self.drop(folder.name)
        for path in (*self.folder.glob("*.new"), *self.generations.glob("*/*.new")):
            disk.remove_file(path)

    def swap(self, generation: str) -> None:
        """Makes ``generation`` the one in use, atomically and durably, or changes nothing."""
        self._mark(generation, None)
        pointer = self.pointer_to(generation)
        if pointer is None:
            raise DamagedIndex(self.generations / generation / "manifest.json", "it cannot be read")
        before = self._pointer.read_bytes() if self._pointer.is_file() else None
        try:
            disk.replace_synced(self._pointer, "{} {}\n".format(*pointer).encode())
        except IndexFault:
            with suppress(OSError, IndexFault):
                self._put_back(before)
            raise

    def _put_back(self, before: bytes | None) -> None:
        """After a failed swap: if only what makes it last has failed, nobody knows what a crash would leave."""
        if before is None:
            disk.remove_file(self._pointer)
        elif self._pointer.read_bytes() != before:
            disk.replace_synced(self._pointer, before)

    def set_aside(self, generation: str, reason: str) -> None:
        """Keeps a finished generation, for who asks for it by its id, and no other one that was set aside before."""
        self._mark(generation, reason)
        for name in self.aside():
            if name != generation:
                self.drop(name)

    def _mark(self, generation: str, reason: str | None) -> None:
        folder = self.generations / generation
        manifest = read_manifest(folder)
        if manifest.aside != reason:
            write_manifest(folder, replace(manifest, aside=reason))

    def drop(self, generation: str) -> None:
        """Removes a generation."""
        # The manifest goes first: a half-removed generation must not look complete.
        disk.remove_file(self.generations / generation / "manifest.json")
        disk.remove_folder(self.generations / generation)

    def discard(self, generation: str) -> None:
        """Removes a generation that is not in use.

        Raises:
            UsageError: there is none of this id, or it is in use.
        """
        if self.is_current(generation):
            raise UsageError(f"generation {generation} is in use; go to another one first with: verbatim rollback")
        self._expect(generation)
        self.drop(generation)

    def _expect(self, generation: str) -> None:
        if generation not in self._finished():
            known = ", ".join(self._finished()) or "none"
            raise UsageError(f"there is no generation {generation!r}; there are: {known}")

    def prune(self, keep: int) -> None:
        """Removes all but the newest ``keep`` generations and the one in use, and those aside that are older."""
        current, _ = self.current()
        complete = self.complete()
        old = complete[:-keep] if keep else complete
        for name in (*old, *(name for name in self.aside() if name < current)):
            if name != current:
                self.drop(name)

    def rollback(self, to: str | None = None) -> str:
        """Makes an older generation, or the one whose id is ``to``, current; returns its id.

        Without ``to`` it is the newest one older than the one in use that can be opened.

        Raises:
            NoIndex: there is no generation at all.
            IncompatibleIndex: there is no older sound one.
            DamagedIndex: the one asked for is damaged.
            UsageError: there is none of that id.
        """
        if to is not None:
            return self._go_to(to)
        try:
            current = self.current()[0]
        except IndexFault:
            if not self.complete():
                raise
            current = "~"
        for name in reversed(self.complete()):
            if name < current and _is_sound(self.generations / name):
                self.swap(name)
                return name
        raise IncompatibleIndex(
            f"no older sound generation is kept in {self.folder}; rebuild with: verbatim index ARTICLES"
        )

    def _go_to(self, generation: str) -> str:
        if not self._finished():
            raise NoIndex(self.folder)
        self._expect(generation)
        folder = self.generations / generation
        read_manifest(folder)
        for file in find_damage(folder):
            raise DamagedIndex(folder / file, "its bytes differ from the manifest")
        self.swap(generation)
        return generation

    def verify(self) -> list[str]:
        """Paths, relative to the folder, of all files that differ from what was written; [] when all is sound."""
        damaged = [f"generations/{name}/{file}" for name in self._finished() for file in self.find_damage(name)]
        try:
            generation, digest = self.current()
            sealed = f"generations/{generation}/manifest.json" not in damaged
            if sealed and self.pointer_to(generation) != (generation, digest):
                damaged.append(POINTER)
        except DamagedIndex:
            damaged.append(POINTER)
        return sorted(set(damaged))

    def find_damage(self, generation: str, hash_file=file_hash) -> Iterator[str]:
        """Names of the damaged files of one generation, as they are found."""
        return find_damage(self.generations / generation, hash_file)

    def history(self) -> list[Kept]:
        """All generations on disk, newest first."""
        try:
            current = self.current()[0]
        except IndexFault:
            current = ""
        return [self._describe(name, current) for name in reversed(self._finished()) if self._aside(name) != PENDING]

    def _describe(self, name: str, current: str) -> Kept:
        try:
            manifest = read_manifest(self.generations / name)
        except IndexFault as error:
            return Kept(name, "unreadable", str(error))
        state = "in use" if name == current else "kept" if manifest.aside is None else "aside"
        built_at = datetime.fromisoformat(manifest.built_at)
        return Kept(name, state, manifest.aside, built_at, manifest.articles, manifest.passages)

    def info(self, damaged: Sequence[str] = (), pointer: Pointer | None = None) -> IndexInfo:
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
    return not any(find_damage(folder))


def _read_pid(path: Path) -> int:
    """The number in ``path``, 0 where it is not to be had."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def _measure(folder: Path) -> int:
    """Bytes of all files in ``folder``, without those that a build removes meanwhile."""
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                size += os.stat(os.path.join(parent, name)).st_size
    return size
