"""Every bench, one after the other, in the order of bench/results.md.

    make bench                                              what needs no data: the sample articles
    make bench DATA=DIR INDEX=DIR [HF=DIR] [LONG=1]         all but what takes hours, or with LONG=1 that too

DATA is the folder of development data, INDEX an index of its news articles, HF the trained reader in the Hugging Face
layout. Prints each command before what it prints; a bench that fails does not stop the others. Exits 1 if one failed.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parents[1]
VERBATIM = [str(Path(sys.executable).with_name("verbatim"))]
STARTING = 120  # seconds that a server may take to be ready


@dataclass(frozen=True, slots=True)
class Step:
    """One command. With ``serves`` it runs beside a server over that index; PORT and PID in it are the server's."""

    heading: str
    command: list[str]
    serves: Path | None = None


def bench(name: str, *arguments: object) -> list[str]:
    return [sys.executable, "-m", f"bench.{name}", *map(str, arguments)]


def evaluate(questions: Path, *arguments: object) -> list[str]:
    return [*VERBATIM, "eval", str(questions), *map(str, arguments)]


def small_steps(index: Path, cache: Path) -> list[Step]:
    """What the sample articles suffice for; ``index`` is made of them first."""
    questions = ROOT / "tests/data/sample_questions.jsonl"
    served = ("--port", "PORT", "--pid", "PID", "--count", 50, "--seconds", 10)
    return [
        Step("Building the index", [*VERBATIM, "index", str(ROOT / "samples"), "--index", str(index)]),
        Step("Building the index", bench("embedding", ROOT / "samples", "--cache", cache)),
        Step("Retrieval", bench("retrieval", index, questions, "--cache", cache)),
        Step("Retrieval", bench("searching", index, questions, "--cache", cache)),
        Step("Answers", evaluate(questions, "--index", index)),
        Step("Serving", bench("serving", questions, *served), index),
        Step("Serving", bench("citations", questions, "--port", "PORT"), index),
        Step("Serving", bench("swaps", "--swaps", 5, "--quiet", 10)),
        Step("Copies", bench("copies", ROOT / "samples")),
    ]


def full_steps(data: Path, index: Path, cache: Path) -> list[Step]:
    """What bench/results.md reports, but for what needs the trained reader or hours."""
    articles, quiz, chat = data / "news/articles.jsonl.gz", data / "news/newsquiz.jsonl", data / "newschat"
    single, kept = chat / "single.jsonl", ("--cache", cache)
    kinds = ("single", "dates", "duplicates", "conversations", "changing", "unanswerable")
    talks = data / "followups/canard_dev.json.gz"
    return [
        Step("Building the index", bench("embedding", articles, "--count", 320, "--questions", quiz, *kept)),
        Step("Retrieval", bench("retrieval", index, single, quiz, "--limit", 500, *kept)),
        Step("Retrieval", bench("passages", index, single, quiz, *kept)),
        Step("Retrieval", bench("dense", index, quiz, *kept)),
        Step("Retrieval", bench("searching", index, quiz, *kept)),
        *(Step("Answers", evaluate(chat / f"{kind}.jsonl", "--index", index)) for kind in kinds),
        Step("Answers", evaluate(quiz, "--index", index)),
        Step("Follow-ups", bench("followups", index, chat / "conversations.jsonl", single, talks, *kept)),
        *(
            Step("Reading alone", evaluate(file, "--reading"))
            for file in sorted((data / "reader/dev").glob("*.json.gz"))
        ),
        Step("Serving", bench("serving", quiz, "--port", "PORT", "--pid", "PID", "--count", 150), index),
        Step("Serving", bench("citations", chat, quiz, "--port", "PORT", "--limit", 2050, "--once"), index),
        Step("Serving", bench("swaps")),
        Step("Dates", bench("dates", chat / "dates.jsonl", articles)),
        Step("News sense", bench("news_sense", chat, quiz, "--index", index)),
        Step("Copies", bench("copies", articles, "--duplicates", chat / "duplicates.jsonl")),
    ]


def reader_steps(data: Path, index: Path, cache: Path, reader: Path, work: Path) -> list[Step]:
    """What needs the trained reader, beside PyTorch and beside other tools."""
    questions = (data / "newschat/single.jsonl", data / "news/newsquiz.jsonl")
    return [
        Step("Serving", bench("reading", reader)),
        Step("Side by side", bench("side_by_side", index, reader, work, *questions, "--cache", cache)),
    ]


def long_steps(data: Path, index: Path, cache: Path, work: Path) -> list[Step]:
    """A million passages. Building them takes an hour, and 4 GB of disk."""
    quiz, million = data / "news/newsquiz.jsonl", work / "index"
    served = ("--port", "PORT", "--pid", "PID", "--count", 150)
    return [
        Step("A million passages", bench("million", index, work)),
        Step("A million passages", bench("searching", million, quiz, "--cache", cache)),
        Step("A million passages", bench("dense", million, quiz, "--sizes", 0, "--cache", cache)),
        Step("A million passages", bench("serving", quiz, *served), million),
    ]


def run(step: Step) -> bool:
    """Runs a step, its output going where ours goes. Returns whether it succeeded."""
    if step.serves is None:
        return subprocess.run(show(step.command), cwd=ROOT, check=False).returncode == 0
    with serving(step.serves) as (port, pid):
        if not port:
            return False
        known = {"PORT": str(port), "PID": str(pid)}
        command = [known.get(part, part) for part in step.command]
        return subprocess.run(show(command), cwd=ROOT, check=False).returncode == 0


def show(command: list[str]) -> list[str]:
    parts = [part.removeprefix(f"{ROOT}/") for part in command[1:]]
    print(f"\n$ {Path(command[0]).name} {' '.join(parts)}   (load {os.getloadavg()[0]:.1f})", flush=True)
    return command


@contextmanager
def serving(index: Path) -> Iterator[tuple[int, int]]:
    """(port, process id) of a server over ``index`` that is ready; (0, 0) if it did not become so."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*VERBATIM, "serve", "--index", str(index), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield (port, server.pid) if is_ready(server, port) else (0, 0)
    finally:
        server.terminate()
        server.wait()


def is_ready(server: subprocess.Popen, port: int) -> bool:
    deadline = time.monotonic() + STARTING
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == 200:
                return True
        except httpx.HTTPError:
            pass
        time.sleep(0.5)
    print(f"no server became ready over the index; try: verbatim serve --port {port}", flush=True)
    return False


def run_all(steps: Sequence[Step]) -> int:
    heading, failed = "", []
    for step in steps:
        if step.heading != heading:
            heading = step.heading
            print(f"\n## {heading}", flush=True)
        if not run(step):
            failed.append(" ".join(step.command[1:4]))
    print(f"\n{len(steps) - len(failed)} of {len(steps)} commands succeeded", *failed, sep="\nfailed: ")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, help="folder of development data")
    parser.add_argument("--index", type=Path, help="index of its news articles")
    parser.add_argument("--hf", type=Path, help="the trained reader in the Hugging Face layout")
    parser.add_argument("--long", action="store_true", help="a million passages, too")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "runs/bench", help="folder for what takes room (runs/bench)"
    )
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    if (args.data is None) != (args.index is None):
        parser.error("give both --data and --index, or neither for the sample articles alone")
    if args.data is None:
        with tempfile.TemporaryDirectory() as folder:
            return run_all(small_steps(Path(folder) / "index", args.cache))
    data, index, work = args.data.resolve(), args.index.resolve(), args.work.resolve()
    steps = full_steps(data, index, args.cache)
    if args.hf:
        steps += reader_steps(data, index, args.cache, args.hf.resolve(), work / "side-by-side")
    if args.long:
        steps += long_steps(data, index, args.cache, work / "million")
    return run_all(steps)


if __name__ == "__main__":
    sys.exit(main())
