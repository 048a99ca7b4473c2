"""Isolation: files whose formats others take apart are read in a process of their own, which may be lost.

PDF, feeds and Markdown are read by libraries that a hostile file can keep busy for hours, fill with gigabytes, or
break. One process, index/isolated.py, serves all such files of a build, and ends with the one that is too much.
"""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from index.isolated import OUT_OF_MEMORY
from index.records import BadRecord

_PROGRAM = "import sys; sys.path.insert(0, sys.argv.pop(1)); from index.isolated import main; main()"
_PATIENCE = 60.0  # seconds for one file, by the clock: it counts its processor's time itself
_LEAVING = 2.0  # seconds to end in, once it has nothing more to say
_PROFILED, _KILLED = (getattr(signal, name, 0) for name in ("SIGPROF", "SIGKILL"))


class Isolation:
    """Starts its process when the first file comes. Close it at the end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def read(self, kind: str, path: Path, data: bytes = b"") -> Iterator[dict[str, object]]:
        """The fields of each article in a "feed" or "markdown", given as ``data``, or in a "pdf", by its path.

        Raises BadRecord when it cannot be read, or not to its end.
        """
        process = self._start()
        timer = threading.Timer(_PATIENCE, process.kill)
        timer.start()
        whole = False
        try:
            order = {"kind": kind, "path": str(path), "size": len(data)}
            process.stdin.write(json.dumps(order).encode() + b"\n" + data)
            process.stdin.flush()
            for line in process.stdout:
                told = json.loads(line)
                if "fields" in told:
                    yield told["fields"]
                    continue
                whole = "end" in told
                if whole:
                    return
                process.stdout.readline()  # the end
                whole = True
                raise BadRecord(told["fault"])
            with suppress(subprocess.TimeoutExpired):  # else it would look as if it had been killed
                process.wait(_LEAVING)
        except (BrokenPipeError, ValueError):
            pass  # it ended in the middle of a word
        finally:
            timer.cancel()
            if not whole:
                self.close()
        raise BadRecord(_explain(process.returncode))

    def _start(self) -> subprocess.Popen:
        if self._process is None:
            root = str(Path(__file__).parents[1])
            self._process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, root],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self._process

    def close(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # what it had not taken yet
                stream.close()

    def __enter__(self) -> "Isolation":
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


def _explain(status: int | None) -> str:
    if status in (-_PROFILED, -_KILLED):
        return "takes longer to take apart than any article; save the article as .txt"
    if status == OUT_OF_MEMORY:
        return "takes more memory than any article; save the article as .txt"
    return "breaks what takes it apart, or takes too much memory for it; save the article as .txt"
