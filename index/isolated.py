"""The process in which files are taken apart whose formats are not ours to bound; see index/isolation.py.

Standard input: a line of JSON for each file, {"kind", "path", "size"}, then ``size`` bytes (none if it reads the
path itself). Standard output: lines of JSON, {"fields"} for an article, {"fault"} for what could not be read, and
{"end"} after each file. A file that takes too much of the processor or of memory ends the process.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

try:
    import resource
except ImportError:  # on Windows only the time is limited, by the other process
    resource = None

SECONDS = 0.6  # of the processor for a file that gives nothing
CHARACTERS = 100_000  # of text that earn a PDF another second
MEMORY = 44 << 20  # bytes beyond what the libraries and the file itself take
OUT_OF_MEMORY = 9  # exit status


def main() -> None:
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends when its input does
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if resource:
        for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
            resource.setrlimit(limit, (0, 0))
    allowance = Allowance()
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        _limit_memory(None)
        data = sys.stdin.buffer.read(order["size"])
        _load(order["kind"])
        _limit_memory(len(data))
        allowance.begin()
        for told in _answer(order, data, allowance):
            print(json.dumps(told), file=out)
        allowance.end()
        print(json.dumps({"end": True}), file=out, flush=True)


class Allowance:
    """Ends the process, whatever it is doing, once a file has taken too many seconds of the processor."""

    def begin(self) -> None:
        self._began = time.process_time()
        self.extend(0)

    def extend(self, size: int) -> None:
        """Allows for ``size`` characters of text in all."""
        left = SECONDS + size / CHARACTERS - (time.process_time() - self._began)
        self._set(max(0.001, left))

    def end(self) -> None:
        self._set(0)

    @staticmethod
    def _set(seconds: float) -> None:
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_PROF, seconds)


def _answer(order: dict, data: bytes, allowance: Allowance) -> Iterator[dict]:
    try:
        for fields in _read(order, data, allowance):
            yield {"fields": fields}
    except ValueError as error:
        yield {"fault": " ".join(str(error).split())}
    except RecursionError:
        yield {"fault": "is nested too deeply; save the article as .txt"}
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:  # hostile files meet other people's parsers here; one must never stop the rest
        yield {"fault": f"cannot be taken apart ({type(error).__name__}); save the article as .txt"}


def _read(order: dict, data: bytes, allowance: Allowance) -> Iterator[dict]:
    from index.feeds import read_feed
    from index.markdown import read_markdown
    from index.pdfs import read_pdf

    if order["kind"] == "feed":
        yield from read_feed(data)
    elif order["kind"] == "markdown":
        yield read_markdown(data.decode())
    else:
        yield read_pdf(Path(order["path"]), allowance.extend)


def _load(kind: str) -> None:
    """Imports what the kind needs and uses it once, so that neither counts."""
    from index.feeds import read_feed
    from index.markdown import read_markdown
    from index.pdfs import load_pdfium

    if kind == "feed":
        list(read_feed(b"<rss version='2.0'><channel><item><title>a &lt;b></title></item></channel></rss>"))
    elif kind == "markdown":
        read_markdown("---\ntitle: a\n---\na")
    else:
        load_pdfium()


def _limit_memory(held: int | None) -> None:
    """To a little more than is in use now, and ``held``, the size of a file; None takes the limit away again."""
    try:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        most = resource.getrlimit(resource.RLIMIT_AS)[1]  # the shell, or a container, may have set one
        limit = most if held is None else used + MEMORY + held
        with suppress(ValueError):  # it is above that one, which then has to do
            resource.setrlimit(resource.RLIMIT_AS, (limit, most))
    except (OSError, AttributeError):
        return  # other systems do not enforce it


if __name__ == "__main__":
    main()
