"""How fast does a running server answer, and how much memory does it hold?

    verbatim serve --index DIR & echo $!
    python -m bench.serving QUESTIONS [--port 8000] [--pid PID] [--count 200] [--seconds 20] [--clients 8]

Prints one row of a Markdown table: latency of /ask with one client over `--count` questions, then throughput
with one client and with `--clients`, `--seconds` each, then the memory of the server process and its children.
Questions are taken in an order shuffled with a fixed seed, so that two runs ask the same ones. Only loopback
is asked, and clients share the machine with the server. Exits 1 if a request fails.
"""

import argparse
import itertools
import random
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from bench.citations import question_body
from qa.questions import read_questions

WARM_UP = 10  # the first questions load pages and fill caches; they are asked and not counted


@dataclass(slots=True)
class Load:
    """What came of one run: seconds of each request that succeeded, how many failed, seconds it took in all."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    elapsed: float = 0.0

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed if self.elapsed else 0.0


def ask_all(base_url: str, bodies: list[dict], clients: int, count: int | None, seconds: float) -> Load:
    """Ask in turn from ``clients`` threads until ``count`` requests are made or ``seconds`` are over."""
    load, lock = Load(), threading.Lock()
    turns = itertools.count() if count is None else iter(range(count))
    begun = time.perf_counter()

    def work() -> None:
        with httpx.Client(base_url=base_url, timeout=60, trust_env=False) as client:
            while time.perf_counter() - begun < seconds:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    return
                sent = time.perf_counter()
                succeeded = ask(client, bodies[turn % len(bodies)])
                taken = time.perf_counter() - sent
                with lock:
                    load.seconds += [taken] if succeeded else []
                    load.failed += not succeeded

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.elapsed = time.perf_counter() - begun
    return load


def ask(client: httpx.Client, body: dict) -> bool:
    """Whether the server gave a whole reply; why not is printed."""
    try:
        response = client.post("/ask", json=body)
    except httpx.HTTPError as error:
        print(f"failed: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    if response.status_code != 200:
        print(f"failed: {response.status_code} {response.text[:200]}", file=sys.stderr)
    return response.status_code == 200


def process_tree(pid: int) -> list[int]:
    """A process and all below it."""
    below = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        below += [each for child in task.read_text().split() for each in process_tree(int(child))]
    return [pid, *below]


def memory(pid: int) -> tuple[float, float]:
    """Resident and proportional set size of a process and all below it, in MiB (Linux)."""
    resident = proportional = 0
    for each in process_tree(pid):
        for line in Path(f"/proc/{each}/smaps_rollup").read_text().splitlines():
            name, _, value = line.partition(":")
            resident += int(value.split()[0]) if name == "Rss" else 0
            proportional += int(value.split()[0]) if name == "Pss" else 0
    return resident / 1024, proportional / 1024


def milliseconds(load: Load, quantile: float) -> str:
    return f"{1000 * np.quantile(load.seconds, quantile):.0f} ms" if load.seconds else "-"


def print_row(options: argparse.Namespace, one: Load, single: Load, many: Load) -> None:
    held = [f"{size:.0f} MiB" for size in memory(options.pid)] if options.pid else ["-", "-"]
    speedup = f"{many.throughput / single.throughput:.2f}" if single.throughput else "-"
    cells = {
        "questions": str(len(one.seconds)),
        "p50": milliseconds(one, 0.5),
        "p99": milliseconds(one, 0.99),
        "1 client": f"{single.throughput:.1f}/s",
        f"{options.clients} clients": f"{many.throughput:.1f}/s",
        "ratio": speedup,
        f"p99, {options.clients} clients": milliseconds(many, 0.99),
        "RSS": held[0],
        "PSS": held[1],
        "failed": str(one.failed + single.failed + many.failed),
    }
    for line in (cells, ["---"] * len(cells), cells.values()):
        print(f"| {' | '.join(line)} |")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure /ask of a running server.")
    parser.add_argument("questions", nargs="+", help="question files or folders, as `verbatim eval` reads them")
    parser.add_argument("--port", type=int, default=8000, help="where the server listens on 127.0.0.1 (8000)")
    parser.add_argument("--pid", type=int, help="the server's process id, to measure its memory")
    parser.add_argument("--count", type=int, default=200, help="questions to measure latency with (200)")
    parser.add_argument("--seconds", type=float, default=20, help="seconds for each measure of throughput (20)")
    parser.add_argument("--clients", type=int, default=8, help="how many clients ask at once (8)")
    options = parser.parse_args()
    if not (0 < options.count <= 10_000 and 0 < options.seconds <= 600 and 0 < options.clients <= 64):
        parser.error("--count goes up to 10000, --seconds up to 600, --clients up to 64")
    base_url = f"http://127.0.0.1:{options.port}"
    questions = list(itertools.chain.from_iterable(read_questions(path) for path in options.questions))
    random.Random(20240909).shuffle(questions)
    bodies = [question_body(question) for question in questions]
    # Each measure has questions of its own, so that no cache filled by one makes another look fast.
    first, second, third = (bodies[part::3] or bodies for part in range(3))
    ask_all(base_url, second, 1, WARM_UP, 60)
    one = ask_all(base_url, first, 1, options.count, 600)
    single = ask_all(base_url, second, 1, None, options.seconds)
    many = ask_all(base_url, third, options.clients, None, options.seconds)
    print_row(options, one, single, many)
    return 1 if one.failed or single.failed or many.failed else 0


if __name__ == "__main__":
    sys.exit(main())
