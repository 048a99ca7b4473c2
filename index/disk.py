"""Writing: every write, sync and rename of an index goes through here.

So a disk that is full or broken is one designed error with its cause, and tests can make any single step
fail, or end the process there. FAISS writes into a file opened here. SQLite, tantivy and memory maps write
by themselves: each call that makes them do so stands within :func:`step`.
"""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from index.errors import IndexFault

Watcher = Callable[[str, Path], None]
"""Told (kind, path) before each step, which fails by what it raises. Kinds: make, write, sync, rename, remove."""

_OF_PATHS = (errno.EACCES, errno.EPERM, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EROFS, errno.ENAMETOOLONG)

_watchers: list[Watcher] = []


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tells ``watcher`` of every step while the context lasts."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


@contextmanager
def step(kind: str, path: Path, also: type[Exception] = OSError) -> Iterator[None]:
    """One thing done to the disk. ``also`` is what a library raises where the system raises OSError.

    Raises:
        IndexFault: it failed.
    """
    try:
        for watcher in _watchers:
            watcher(kind, path)
        yield
    except (OSError, also) as error:
        raise explain(path, error) from error


def explain(path: Path, error: Exception) -> IndexFault:
    """What to tell of a step that failed."""
    why = " ".join(str(getattr(error, "strerror", None) or error).split())
    known = getattr(error, "errno", None) in _OF_PATHS
    remedy = "check the path and its permissions" if known else "make room or check the disk"
    return IndexFault(f"{path} cannot be written ({why}); {remedy}")


class Output:
    """A new file, open for writing, whose writes are steps."""

    def __init__(self, path: Path):
        self._path = path
        with step("make", path):
            self._file = path.open("wb")

    def write(self, data: bytes) -> int:
        with step("write", self._path):
            return self._file.write(data)

    def sync(self) -> None:
        with step("sync", self._path):
            self._file.flush()
            os.fsync(self._file.fileno())

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, *problem: object) -> None:
        try:
            with step("write", self._path):  # the last bytes may still find no room
                self._file.flush()
        finally:
            with suppress(OSError):
                self._file.close()


def write_synced(path: Path, data: bytes) -> None:
    with Output(path) as file:
        file.write(data)
        file.sync()


def replace_synced(path: Path, data: bytes) -> None:
    """Puts ``data`` in place of what ``path`` holds, all or nothing, and makes that last."""
    temporary = path.with_name(path.name + ".new")
    try:
        write_synced(temporary, data)
        with step("rename", path):
            os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_file(path: Path) -> None:
    with step("sync", path), path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    with step("sync", folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def make_folder(folder: Path) -> None:
    with step("make", folder):
        folder.mkdir(parents=True, exist_ok=True)


def remove_file(path: Path) -> None:
    with step("remove", path):
        path.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    with step("remove", folder):
        shutil.rmtree(folder)


def new_array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    """A memory map of a new .npy file. Its room is taken now: writing into a hole of a full disk ends the process."""
    with step("make", path):
        array = np.lib.format.open_memmap(path, "w+", dtype, shape)
    if hasattr(os, "posix_fallocate"):
        with step("write", path), path.open("rb+") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
            except OSError as error:
                if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):  # some file systems cannot
                    raise
    return array


def flush_array(path: Path, array: np.memmap) -> None:
    with step("sync", path):
        array.flush()


def save_array(path: Path, array: np.ndarray) -> None:
    with Output(path) as file:
        np.lib.format.write_array(_Writer(file), array)


class _Writer:
    """What NumPy needs of a file."""

    def __init__(self, file: Output):
        self.write = file.write
