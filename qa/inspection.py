"""Damage to an index that is in use: looked for in the background, and remembered."""

import hashlib
import logging
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from index.errors import DamagedIndex
from index.store import Store

log = logging.getLogger("verbatim.archive")
_PATIENCE = 5.0  # seconds before it begins, for the first answers
_AGAIN_AFTER = 6 * 3600.0  # seconds: disks lose bits later, too
_PIECE = 1 << 20  # bytes read at once
_PAUSE = 0.002  # seconds after each piece
_LOWEST = 19


class Inspector:
    """Reads every byte of every generation, the one in use first, by a thread of the lowest priority.

    What is found damaged once stays condemned as long as the process runs.
    """

    def __init__(self, store: Store):
        self._store = store
        self._damaged: dict[str, set[str]] = {}
        self._wanted = threading.Event()
        self._serving = ""
        self._thread: threading.Thread | None = None

    def inspect(self, generation: str) -> None:
        """Begins anew with this generation, which is in use from now on."""
        self._serving = generation
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="inspector", daemon=True)
            self._thread.start()

    def condemn(self, error: DamagedIndex) -> bool:
        """Remembers what an error says. False where it is about no file of a generation that is there."""
        with suppress(ValueError):
            generation, _, file = error.path.relative_to(self._store.generations).as_posix().partition("/")
            return self._note(generation, file)
        return False

    def is_condemned(self, generation: str) -> bool:
        return generation in self._damaged

    def damaged(self) -> tuple[str, ...]:
        """Paths of the damaged files, relative to the index's folder, of the generations that are still there."""
        there = [name for name in list(self._damaged) if self._store.pointer_to(name)]
        return tuple(sorted(f"generations/{name}/{file}" for name in there for file in self._damaged[name]))

    def _note(self, generation: str, file: str) -> bool:
        if not file or self._store.pointer_to(generation) is None:
            return False  # a build has removed it meanwhile
        known = self._damaged.get(generation, set())
        if file not in known:
            log.error("damaged: generations/%s/%s; check with: verbatim verify", generation, file)
            self._damaged[generation] = known | {file}
        return True

    def _work(self) -> None:
        _lower_priority()
        while True:
            self._wanted.wait(_AGAIN_AFTER)
            self._wanted.clear()
            if self._wanted.wait(_PATIENCE):
                continue  # another generation came
            others = [kept.id for kept in self._store.history() if kept.id != self._serving]
            for generation in (self._serving, *others):
                if not self.look_through(generation):
                    break

    def look_through(self, generation: str) -> bool:
        """Reads every byte of a generation now. False if it was broken off for another one that is in use now."""
        try:
            for file in self._store.find_damage(generation, self._hash):
                self._note(generation, file)
        except _BrokenOff:
            return False
        except OSError as error:  # a folder that went away
            log.info("generation %s could not be looked through: %s", generation, error)
        return True

    def _hash(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                if self._wanted.wait(_PAUSE):
                    raise _BrokenOff
        return digest.hexdigest()


class _BrokenOff(Exception):
    """There is something more urgent to look through."""


def _lower_priority() -> None:
    if sys.platform == "linux":  # elsewhere a thread has no number that this would take
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _LOWEST)
