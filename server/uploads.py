"""Articles that were uploaded: where they wait, and where they stay.

    DIR/incoming/<random>/...            of tasks that have not begun
    DIR/uploads/<hash>/<name>            what the index is built from; the same bytes are kept once

A task moves its files from the one to the other when it begins, so that no other task reads them before.
"""

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from server.problems import INVALID, Refusal
from server.settings import Settings

_AT_ONCE = 1 << 20  # bytes
_NOTE = "taken-in"
_LONGEST_NAME = 120  # bytes, so that any file system takes it


def own_folder(settings: Settings) -> Path:
    """Where what belongs to the index in use is kept in the user's data folder."""
    index = os.path.abspath(settings.index)
    digest = hashlib.sha256(index.encode("utf-8", "surrogateescape")).hexdigest()[:12]
    return settings.data.absolute() / "indexes" / f"{_clean(Path(index).name) or 'index'}-{digest}"


class Uploads:
    """The uploaded files of one index."""

    def __init__(self, folder: Path):
        self.folder = folder / "uploads"
        self._incoming = folder / "incoming"

    def store(self, files: Iterable[tuple[str, BinaryIO]]) -> Path:
        """A new folder that holds these files, which come as (name, bytes).

        Raises:
            Refusal: one of them is empty, or there is none.
        """
        folder = self._incoming / secrets.token_hex(8)
        try:
            for name, source in files:
                self._store_one(folder, name, source)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        if not folder.exists():
            raise Refusal(INVALID, "no file was chosen; choose one or more")
        return folder

    def _store_one(self, folder: Path, name: str, source: BinaryIO) -> None:
        cleaned = _clean(name) or "article.txt"
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / secrets.token_hex(8)
        digest = hashlib.sha256(cleaned.encode())
        with temporary.open("wb") as file:
            while data := source.read(_AT_ONCE):
                digest.update(data)
                file.write(data)
            if not file.tell():
                raise Refusal(INVALID, f"the file {cleaned} is empty; choose another")
        place = folder / digest.hexdigest()[:16]
        place.mkdir(exist_ok=True)
        os.replace(temporary, place / cleaned)

    def take_in(self, incoming: Path) -> tuple[list[Path], list[Path]]:
        """Moves what a folder of :meth:`store` holds to where it stays. Returns all files, and those new there."""
        files = sorted(incoming.glob("*/*"), key=_written_at)
        paths = [self.folder / file.parent.name / file.name for file in files]
        new = [path for path in paths if not path.exists()]
        # What is new is noted first, so that it is found when this process ends before the task does.
        (incoming / _NOTE).write_bytes(b"\0".join(map(os.fsencode, new)))
        for file, path in zip(files, paths, strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, path)  # also the same bytes: they are the last version again
        return paths, new

    def taken_in(self, incoming: Path) -> list[Path]:
        """What :meth:`take_in` has found new in that folder, until it is dropped."""
        try:
            noted = (incoming / _NOTE).read_bytes()
        except OSError:
            return []
        return [Path(os.fsdecode(path)) for path in noted.split(b"\0") if path]

    def drop_incoming(self, incoming: Path) -> None:
        shutil.rmtree(incoming, ignore_errors=True)

    def drop(self, paths: Sequence[Path | str]) -> None:
        """Removes those of ``paths`` that were uploaded; others are not touched."""
        for path in map(Path, paths):
            if self.holds(path):
                with suppress(OSError):
                    path.unlink()
                    path.parent.rmdir()

    def holds(self, path: Path) -> bool:
        return path.parent.parent == self.folder and ".." not in path.parts

    def in_order(self, paths: Iterable[Path]) -> list[Path]:
        """``paths`` with what was uploaded last, in the order in which it came: of two versions the later one holds."""
        return sorted(paths, key=lambda path: _written_at(path) if self.holds(path) else (0, ""))

    def names(self) -> list[str]:
        """What is kept, by name."""
        return sorted(file.name for file in self.folder.glob("*/*"))


def _written_at(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.parent.name  # moving keeps the time; clocks are coarse


def _clean(name: str) -> str:
    """The last part of a file's name, without what could mean anything to a file system or a terminal."""
    last = re.split(r"[/\\]", name)[-1]
    last = re.sub(r"[\x00-\x1f\x7f-\x9f<>:\"|?*\ud800-\udfff]", "_", last).strip(" .")
    stem, ending = os.path.splitext(last)
    if ending.lower() == ".gz":
        stem, inner = os.path.splitext(stem)
        ending = inner + ending
    kept = stem.encode()[: max(1, _LONGEST_NAME - len(ending.encode()))].decode(errors="ignore")
    return (kept + ending).encode()[:_LONGEST_NAME].decode(errors="ignore")
