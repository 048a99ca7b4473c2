"""The process that builds for a running server; see server/builder.py. People type ``verbatim index`` instead.

Standard input: a line of JSON, the order; then nothing, until the server ends, which ends this too.
Standard output, a line of JSON each: {"stage", "done", "total"}, at the end {"swapping"}, {"report"} or {"error"}.
"""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from index.errors import IndexFault, VerbatimError
from server.listening import leave
from server.problems import INDEX_FAULT, refusal_of
from server.tasks import STAGES, describe

_TELL_EVERY = 0.2  # seconds
_NICE = 10
_PATIENCE = 5.0  # seconds to clear up once the server has gone


class Progress:
    """Tells how far the build is; like ``server.terminal.Progress``, for a program."""

    def __init__(self, tell: Callable[[dict[str, Any]], None]):
        self._tell = tell
        self._stage, self._told = "", 0.0

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        stage = stage if stage in STAGES else "checking"  # golden questions are asked in stages of their own
        now = time.monotonic()
        if stage == self._stage and done != total and now - self._told < _TELL_EVERY:
            return
        self._stage, self._told = stage, now
        self._tell({"stage": stage, "done": done, "total": total})


def main() -> int:
    # What libraries print goes to standard error, and only lines of JSON to where the server reads.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(os, "nice"):
        os.nice(_NICE)
    order = json.loads(_read_line())
    threading.Thread(target=_end_with_server, daemon=True).start()

    def tell(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=out, flush=True)

    try:
        report = carry_out(order, tell)
    except KeyboardInterrupt:
        return 130
    except VerbatimError as error:
        refusal = refusal_of(error)
        tell({"error": describe(refusal.kind, str(refusal.detail))})
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        detail = f"{where}{error.strerror or error}; check the path, its permissions and the disk"
        tell({"error": describe(INDEX_FAULT, detail)})
        return 1
    tell({"report": report})
    return 0


def carry_out(order: dict[str, Any], tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The report of the build that ``order`` asks for, as JSON has it."""
    from index.build import build_index
    from index.removal import remove_articles
    from index.store import Store
    from server.loading import open_embedder, read_settings

    folders = {name: Path(order["settings"][name]) for name in ("index", "reader", "cache") if order["settings"][name]}
    settings = read_settings(**order["settings"] | folders)
    store, progress = Store(settings.index), Progress(tell)
    embedder = open_embedder(settings)
    golden = _golden(order["golden"], settings, embedder, progress)

    def check(generation: Any) -> None:
        golden(generation)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # from here on it is taken
        tell({"swapping": True})

    options = {"keep": settings.generations, "progress": progress, "check": check}
    gone = set()
    with suppress(IndexFault):  # of which the build itself tells, where it minds
        if not order["full"]:  # that keeps nothing from elsewhere, but what was uploaded stays
            gone = _uploaded_origins(store, order["uploads"])
    if order["kind"] == "remove":
        report = remove_articles(order["article_ids"], settings.index, embedder, **options)
    else:
        gone.update(path for path in order["paths"] if Path(path).is_relative_to(order["uploads"]))
        paths = [Path(path) for path in order["paths"]]
        report = build_index(paths, settings.index, embedder, full=order["full"], **options)
    return asdict(report) | {"barren": sorted(gone - _uploaded_origins(store, order["uploads"]))}


def _golden(path: str | None, settings: Any, embedder: Any, progress: Progress) -> Callable[[Any], None]:
    """What refuses a generation that answers fewer golden questions than the last; anything goes without questions."""
    from server.measuring import check_golden, read_all_questions

    if path is None:
        return lambda generation: None
    return partial(check_golden, read_all_questions([Path(path)]), settings, embedder, progress)


def _uploaded_origins(store: Any, uploads: str) -> set[str]:
    """The uploaded files from which the index in use has articles."""
    from index.errors import NoIndex

    try:
        generation = store.open()
    except NoIndex:
        return set()
    return {origin for origin in generation.origins() if Path(origin).is_relative_to(uploads)}


def _read_line() -> bytes:
    """The first line of standard input, and not a byte of what comes after it."""
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(0, 1)):
        line += byte
    return line


def _end_with_server() -> None:
    while os.read(0, 4096):  # not by sys.stdin: its lock would be held in every process that is forked meanwhile
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_PATIENCE)
    os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") else os._exit(1)


if __name__ == "__main__":
    leave(main())
