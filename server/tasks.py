"""What the index is told to do, one task after the other, and what came of it; kept in the user's data folder.

    DIR/tasks/<uid>.json      one task, written anew whenever its state changes

States go enqueued -> processing -> succeeded, failed or canceled. Only success changes the index.
"""

import logging
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from server.problems import INDEX_BUSY, TASK_OVER, TOO_MANY_TASKS, UNKNOWN_TASK, Kind, Refusal

STAGES = ("reading", "splitting", "embedding", "writing", "checking")
KEPT = 100  # tasks that are over
MOST_WAITING = 20
STOPPED = Kind("server-stopped", 503, "The server stopped")

log = logging.getLogger("verbatim.tasks")

State = Literal["enqueued", "processing", "succeeded", "failed", "canceled"]


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done. ``incoming`` is a folder with uploaded files; it becomes part of ``paths`` when it begins."""

    kind: Literal["rebuild", "remove"]
    paths: tuple[str, ...] = ()
    incoming: str | None = None
    full: bool = False
    golden: str | None = None
    article_ids: tuple[str, ...] = ()
    files: tuple[str, ...] = ()  # names of what was uploaded, to be shown


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stage is: of articles, of passages while embedding; ``began`` and ``heard`` in monotonic seconds."""

    stage: str
    done: int
    total: int | None
    began: float
    heard: float

    @property
    def seconds_left(self) -> float | None:
        """Until the end of this stage."""
        if not self.total or not self.done:
            return None
        return max(0.0, (self.total - self.done) * (self.heard - self.began) / self.done)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended. ``report`` is that of the build, ``error`` a problem document without its request."""

    state: Literal["succeeded", "failed", "canceled"]
    report: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Task:
    uid: str
    job: Job
    state: State
    enqueued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    progress: Progress | None = None
    report: dict[str, Any] | None = None
    error: dict[str, Any] | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("succeeded", "failed", "canceled")


class Worker(Protocol):
    """Does one job at a time."""

    def run(self, task: Task, tell: Callable[[str, int, int | None], None], stop: threading.Event) -> Outcome:
        """Ends soon after ``stop`` is set. Whatever is not a success has changed nothing."""
        ...

    def forget(self, task: Task) -> None:
        """Throws away what a task that never ran, or was cut off, has left."""
        ...


_FILE = TypeAdapter(Task)


class Tasks:
    """Any thread may call any method. The tasks run in a thread of their own, which begins with the first."""

    def __init__(self, folder: Path, worker: Worker):
        self._folder, self._worker = folder, worker
        self._tasks: dict[str, Task] = {}  # in the order in which they came
        self._waiting: deque[str] = deque()
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._at_work: str | None = None
        self._closed = False
        self._thread: threading.Thread | None = None
        self._owner = FileLock(folder / "owner.lock", thread_local=False)

    def start(self) -> None:
        """Brings back the tasks of earlier runs. Those not ended have failed, unless another server is at work."""
        found = [task for path in self._folder.glob("*.json") if (task := _read(path))]
        with self._changed:
            for task in sorted(found, key=lambda task: task.enqueued_at):
                self._tasks[task.uid] = task
            cut_off = [task for task in self._tasks.values() if not task.is_over]
        if cut_off and self._is_owner():
            self._give_up(cut_off)

    def _give_up(self, tasks: Sequence[Task]) -> None:
        for task in tasks:
            self._worker.forget(task)
            self._end(task.uid, Outcome("failed", error=_describe_stop("the server stopped before this was done")))

    def submit(self, job: Job) -> Task:
        """
        Raises:
            Refusal: too many wait already.
        """
        task = Task(uuid.uuid4().hex, job, "enqueued", datetime.now(UTC))
        with self._changed:
            if len(self._waiting) >= MOST_WAITING or self._closed:
                detail = f"{MOST_WAITING} tasks are waiting; try again when some are done"
                raise Refusal(TOO_MANY_TASKS, detail, headers={"Retry-After": "60"})
            self._keep(task)
            self._is_owner()
            self._waiting.append(task.uid)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="verbatim-tasks", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        return task

    def all(self) -> list[Task]:
        """Newest first."""
        with self._changed:
            return list(reversed(self._tasks.values()))

    def get(self, uid: str) -> Task:
        """
        Raises:
            Refusal: there is no such task.
        """
        with self._changed:
            if uid not in self._tasks:
                raise Refusal(UNKNOWN_TASK, "no task has this uid; GET /index/tasks lists them")
            return self._tasks[uid]

    def cancel(self, uid: str) -> Task:
        """The task, canceled, or still processing for the moments that it takes to stop.

        Raises:
            Refusal: there is no such task, it is over, or it is another server's.
        """
        with self._changed:
            task = self.get(uid)
            if task.is_over:
                raise Refusal(TASK_OVER, f"the task has {_ENDED[task.state]} already; nothing is left to cancel")
            if uid == self._at_work:
                self._stop.set()
                return task
            if uid not in self._waiting:
                raise Refusal(INDEX_BUSY, "this is a task of another server; cancel it there, or wait for its end")
            self._waiting.remove(uid)
            self._end(uid, Outcome("canceled"))
        self._worker.forget(task)
        return self.get(uid)

    def close(self, patience: float = 15.0) -> None:
        """Stops the task at work, and waits until it has stopped. Those that wait have failed."""
        with self._changed:
            self._closed = True
            self._stop.set()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(patience)
        self._give_up([self._tasks[uid] for uid in self._waiting])
        self._owner.release(force=True)

    def _is_owner(self) -> bool:
        """Whether no other server works on these tasks; from now on none will take itself for that."""
        try:
            self._owner.acquire(timeout=0)
        except (Timeout, OSError):
            return False
        return True

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                outcome = self._worker.run(task, lambda *told, uid=task.uid: self._tell(uid, *told), self._stop)
            except Exception:
                log.exception("task %s failed inside", task.uid)
                detail = f"the task could not be run; the server's log names the cause under {task.uid}"
                outcome = Outcome("failed", error=describe(Kind("internal-error", 500, "It failed inside"), detail))
            if outcome.state == "canceled" and self._closed:
                outcome = Outcome("failed", error=_describe_stop("the server was stopped meanwhile"))
            self._end(task.uid, outcome)

    def _next(self) -> Task | None:
        """The next task, now processing, as soon as there is one; None when the server stops."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if self._closed:
                return None
            self._stop.clear()
            self._at_work = uid = self._waiting.popleft()
            return self._keep(replace(self._tasks[uid], state="processing", started_at=datetime.now(UTC)))

    def _tell(self, uid: str, stage: str, done: int, total: int | None) -> None:
        with self._changed:
            last, now = self._tasks[uid].progress, time.monotonic()
            began = last.began if last and last.stage == stage else now
            self._tasks[uid] = replace(self._tasks[uid], progress=Progress(stage, done, total, began, now))

    def _end(self, uid: str, outcome: Outcome) -> None:
        log.info("task %s %s", uid, _ENDED[outcome.state])
        with self._changed:
            self._keep(
                replace(
                    self._tasks[uid],
                    state=outcome.state,
                    finished_at=datetime.now(UTC),
                    report=outcome.report,
                    error=outcome.error,
                )
            )
            over = [task.uid for task in self._tasks.values() if task.is_over]
            for old in over[:-KEPT]:
                del self._tasks[old]
                with suppress(OSError):
                    (self._folder / f"{old}.json").unlink()

    def _keep(self, task: Task) -> Task:
        """Remembers the task, on disk too. A full disk costs the history, never the task."""
        self._tasks[task.uid] = task
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            temporary = self._folder / f"{task.uid}.new"
            temporary.write_bytes(_FILE.dump_json(replace(task, progress=None)))
            os.replace(temporary, self._folder / f"{task.uid}.json")
        except OSError as error:
            log.warning("task %s cannot be kept in %s: %s", task.uid, self._folder, error.strerror)
        return task


_ENDED = {"succeeded": "succeeded", "failed": "failed", "canceled": "been canceled"}


def describe(kind: Kind, detail: str) -> dict[str, Any]:
    """A problem document, without what is known of a request only."""
    return {"type": kind.type, "title": kind.title, "status": kind.status, "detail": detail}


def _describe_stop(cause: str) -> dict[str, Any]:
    return describe(STOPPED, f"{cause}; nothing was changed: start it again")


def _read(path: Path) -> Task | None:
    try:
        return _FILE.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        log.warning("%s holds no task: %s", path, type(error).__name__)
        return None
