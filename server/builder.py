"""Builds in a process of their own: nothing that happens to them, a crash included, reaches the answers.

The process (server/child.py) gets its order as a line of JSON and tells how far it is in lines of JSON. It ends when
it is told to, and when the server ends, however that happens: its standard input is closed then.
"""

import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from index.errors import IndexFault, VerbatimError
from index.generation import Generation
from index.store import Store
from server.problems import INTERNAL, UNKNOWN_ARTICLE
from server.settings import Settings
from server.tasks import Outcome, Task, describe
from server.uploads import Uploads

COMMAND = (sys.executable, "-m", "server.child")
GRACE = 5.0  # seconds for a process to clear up after itself before it is killed
_SHOWN = 4_000  # bytes of what a process that broke down said last

log = logging.getLogger("verbatim.tasks")


Withdraw = Callable[[Sequence[str]], object]
"""Takes articles out of all else that the server keeps: what was asked and answered."""


class Builder:
    """A ``server.tasks.Worker``."""

    def __init__(
        self,
        settings: Settings,
        uploads: Uploads,
        command: Sequence[str] = COMMAND,
        withdraw: Withdraw = lambda article_ids: None,
    ):
        self._settings, self._uploads, self._command = settings, uploads, tuple(command)
        self._withdraw = withdraw
        self._store = Store(settings.index)

    def run(self, task: Task, tell: Callable[[str, int, int | None], None], stop: threading.Event) -> Outcome:
        try:
            return self._carry_out(task, tell, stop)
        except Exception:  # a full disk, for one, which what was uploaded must not fill for ever
            self.forget(task)
            raise

    def _carry_out(self, task: Task, tell: Callable[[str, int, int | None], None], stop: threading.Event) -> Outcome:
        taken: list[Path] = []
        paths = [Path(path) for path in task.job.paths]
        if task.job.incoming:
            uploaded, taken = self._uploads.take_in(Path(task.job.incoming))
            paths += uploaded
        outcome = self._run(self._order(task, paths), tell, stop)
        if outcome.state == "succeeded":
            self._uploads.drop((outcome.report or {}).pop("barren", []))
        else:
            self._uploads.drop(taken)
            self._sweep()
        if task.job.incoming:
            self._uploads.drop_incoming(Path(task.job.incoming))
        return self._finish_removal(task, outcome) if task.job.kind == "remove" else outcome

    def _finish_removal(self, task: Task, outcome: Outcome) -> Outcome:
        """Articles that are in the index no more, or never were, shall not be anywhere else either."""
        if outcome.state != "succeeded" and (outcome.error or {}).get("type") != UNKNOWN_ARTICLE.type:
            return outcome
        try:
            self._withdraw(task.job.article_ids)
        except Exception:
            log.exception("task %s could not change what was asked and answered", task.uid)
            detail = "the articles are out of the index, but not out of the conversations; remove them once more"
            return Outcome("failed", outcome.report, describe(INTERNAL, detail))
        return outcome

    def forget(self, task: Task) -> None:
        """What was uploaded for the task goes, unless the index has articles from it."""
        if task.started_at is not None:
            self._sweep()
        if task.job.incoming:
            incoming = Path(task.job.incoming)
            origins = self._origins()
            self._uploads.drop([path for path in self._uploads.taken_in(incoming) if os.fsdecode(path) not in origins])
            self._uploads.drop_incoming(incoming)

    def _origins(self) -> set[str]:
        try:
            return set(Generation(self._store.generations / self._store.current()[0]).origins())
        except (VerbatimError, OSError):
            return set()

    def _order(self, task: Task, paths: Sequence[Path]) -> dict[str, Any]:
        settings = self._settings
        names = ("index", "model", "reader", "threshold", "threads", "cache", "generations")
        values = {name: getattr(settings, name) for name in names}
        return {
            "kind": task.job.kind,
            "paths": [os.fsdecode(path) for path in paths],
            "uploads": os.fsdecode(self._uploads.folder),
            "full": task.job.full,
            "golden": task.job.golden,
            "article_ids": task.job.article_ids,
            "settings": {name: str(value) if isinstance(value, Path) else value for name, value in values.items()},
        }

    def _run(self, order: dict, tell: Callable[[str, int, int | None], None], stop: threading.Event) -> Outcome:
        before = self._generation()
        with tempfile.TemporaryFile() as said:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,  # Ctrl-C is for the server, and all that it starts can be ended
            )
            last = _Last()
            watcher = threading.Thread(target=_end_when, args=(process, stop, last), daemon=True)
            watcher.start()
            try:
                outcome = _follow(process, order, tell, last)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
            finally:
                _kill(process)
                process.wait()
                watcher.join()
                for stream in (process.stdin, process.stdout):
                    with suppress(OSError):  # what it had not taken yet
                        stream.close()
            if outcome is not None:
                return outcome
            if self._generation() != before:  # ended after all was done, before it could say so
                return Outcome("succeeded", {"generation": self._generation()})
            if stop.is_set():
                return Outcome("canceled")
            return _broken(process.returncode, said)

    def _generation(self) -> str | None:
        try:
            return self._store.current()[0]
        except IndexFault:
            return None

    def _sweep(self) -> None:
        """Removes what a process that was killed has left, unless another one is building."""
        if not self._store.folder.exists():
            return
        try:
            with self._store.lock():
                self._store.sweep()
        except (VerbatimError, OSError) as error:
            log.info("what an ended build left stays until the next one: %s", error)


class _Last:
    """Set once the build has nothing left to do but to swap, which is not to be interrupted."""

    def __init__(self) -> None:
        self.reached = threading.Event()


def _follow(process: subprocess.Popen, order: dict, tell: Callable, last: _Last) -> Outcome | None:
    """Sends the order and reads until the process ends; None if it said nothing of how it ended."""
    outcome = None
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return None
    for line in process.stdout:
        try:
            told = json.loads(line)
        except ValueError:  # it was ended in the middle of a word
            break
        if "stage" in told:
            tell(told["stage"], told["done"], told["total"])
        elif "swapping" in told:
            last.reached.set()
        elif "report" in told:
            outcome = Outcome("succeeded", told["report"])
        elif "error" in told:
            outcome = Outcome("failed", error=told["error"])
    return outcome


def _end_when(process: subprocess.Popen, stop: threading.Event, last: _Last) -> None:
    while process.poll() is None:
        if stop.wait(0.1):
            break
    else:
        return
    _signal(process, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        if last.reached.is_set():
            return
        _kill(process)


def _kill(process: subprocess.Popen) -> None:
    """Ends the process and all that it started."""
    _signal(process, getattr(signal, "SIGKILL", signal.SIGTERM))


def _signal(process: subprocess.Popen, number: int) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
    except (ProcessLookupError, PermissionError):
        pass  # all of it has ended


def _broken(status: int, said) -> Outcome:
    said.seek(max(0, said.seek(0, os.SEEK_END) - _SHOWN))
    log.error("a build broke down with status %d: %s", status, said.read().decode(errors="replace"))
    how = f"was ended by the system (signal {-status}), perhaps for want of memory" if status < 0 else "broke down"
    return Outcome(
        "failed", error=describe(INTERNAL, f"the build {how}; nothing was changed: the server's log tells more")
    )
