"""What do those who ask notice while the index is swapped under them?

    python -m bench.swaps [--swaps 20] [--clients 8] [--quiet 30] [--pause 3] [--pointer] [--samples samples]

Makes a folder with the sample articles, an index of them and a server over it, all of its own and thrown away
afterwards. First `--clients` ask for `--quiet` seconds while nothing else goes on; then they go on asking while the
index is swapped `--swaps` times, `--pause` seconds apart. Each swap is a real rebuild through POST /index/rebuild:
the articles alternate between two variants, one of which begins every text with a sentence of its own, so that all
offsets differ, and lacks every third article. With `--pointer` two finished generations take turns instead, which
costs no building: for many swaps, to see whether memory and file descriptors stay flat.

Prints one row of a Markdown table: failed requests, replies in which anything cited is not what the generation they
name holds, generations that answered, p50 and p99 quiet and while swapping, memory and open file descriptors of the
server after the first tenth of the swaps and at the end. Exits 1 if a request failed or a reply was mixed. Linux only.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np

from bench.citations import cited
from bench.serving import memory
from index.articles import Found, read_articles
from index.store import Store

QUESTIONS = (
    "How much did it cost to fix Kalvik's swing bridge?",
    "Who is the mayor?",
    "When does the ferry sail?",
    "What did the council decide?",
    "How many people came?",
    "Where is the museum?",
    "Who won the prize?",
    "What happened on Monday?",
)
MOVED = "This edition was set anew. "  # what moves every offset of the second variant
WARM_UP = 16  # questions that are asked and not counted


@dataclass(slots=True)
class Asked:
    """What came of one stretch of asking: seconds of each request, failures, and the replies."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    replies: list[dict] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Milliseconds."""
        return 1000 * float(np.quantile(self.seconds, share)) if self.seconds else float("nan")


class Askers:
    """Clients, a thread each, that ask until they are stopped; each question is another than the client's last."""

    def __init__(self, base_url: str, clients: int):
        self._base_url, self._clients = base_url, clients
        self._lock, self._stop = threading.Lock(), threading.Event()

    @contextmanager
    def asking(self) -> Iterator[Asked]:
        asked = Asked()
        self._stop.clear()
        threads = [threading.Thread(target=self._ask, args=(number, asked)) for number in range(self._clients)]
        for thread in threads:
            thread.start()
        try:
            yield asked
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def _ask(self, number: int, asked: Asked) -> None:
        with httpx.Client(base_url=self._base_url, timeout=60, trust_env=False) as client:
            while not self._stop.is_set():
                number += 1
                body = {"question": QUESTIONS[number % len(QUESTIONS)], "abstain": False, "asked_on": "2025-03-05"}
                began = time.perf_counter()
                try:
                    response = client.post("/ask", json=body)
                    failure = "" if response.status_code == 200 else f"{response.status_code} {response.text[:200]}"
                except httpx.HTTPError as error:
                    failure = f"{type(error).__name__}: {error}"
                taken = time.perf_counter() - began
                with self._lock:
                    if failure:
                        asked.failed.append(failure)
                    else:
                        asked.seconds.append(taken)
                        asked.replies.append(response.json())


class Press:
    """The articles in two variants, and the folder in which one of them lies to be indexed."""

    def __init__(self, samples: Path, folder: Path):
        self.news, self._edition = folder / "news", 0
        self.news.mkdir()
        self._articles = [found.article for found in read_articles([samples]) if isinstance(found, Found)]
        if len(self._articles) < 3:
            sys.exit(f"{samples} holds fewer than three articles; name another folder with --samples")

    def print_next(self) -> None:
        """Puts the other variant in place of the one that lies there."""
        moved = self._edition % 2
        self._edition += 1
        lines = [
            json.dumps(
                {
                    "id": article.id,
                    "title": article.title,
                    "text": (MOVED if moved else "") + article.text,
                    "source": article.source,
                    "published": article.published.isoformat() if article.published else None,
                }
            )
            for number, article in enumerate(self._articles)
            if not (moved and number % 3 == 2)
        ]
        temporary = self.news / "articles.new"
        temporary.write_text("\n".join(lines))
        os.replace(temporary, self.news / "articles.jsonl")


class Texts:
    """The articles of each generation that was ever current, read from disk while it was there."""

    def __init__(self, index: Path):
        self._store = Store(index)
        self._texts: dict[str, dict[str, str]] = {}

    def note(self) -> str:
        generation = self._store.open()
        if generation.id not in self._texts:
            self._texts[generation.id] = {each.id: each.text for each, _ in generation.sourced_articles()}
        return generation.id

    def is_mixed(self, reply: dict) -> bool:
        """Whether anything that ``reply`` cites is not what the generation that it names holds."""
        texts = self._texts.get(reply["index"]["generation"], {})
        for _, citation in cited(reply):
            text, passage = texts.get(citation["article_id"], ""), citation["passage"]
            if text[citation["start"] : citation["end"]] != citation["quote"]:
                return True
            if text[passage["start"] : passage["end"]] != passage["text"] or not passage["text"]:
                return True
        return False


@contextmanager
def serving(folder: Path, index: Path) -> Iterator[tuple[int, str]]:
    """(process id, address) of a server."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VERBATIM_TOKEN", "VERBATIM_HOST")}
    environment |= {"VERBATIM_DATA": str(folder / "data"), "VERBATIM_LOG_LEVEL": "warning"}
    command = [sys.executable, "-m", "server.cli", "serve", "--index", str(index), "--port", "0"]
    environment["VERBATIM_ARTICLE_FOLDERS"] = str(folder / "news")
    server = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        found = re.search(r"http://\S+", server.stdout.readline())
        if found is None:
            sys.exit("the server did not start")
        yield server.pid, found[0]
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)


def rebuild(client: httpx.Client, press: Press) -> None:
    """One real rebuild, to its end."""
    press.print_next()
    task = client.post("/index/rebuild", json={"paths": [str(press.news)]}).raise_for_status().json()
    while task["state"] in ("enqueued", "processing"):
        time.sleep(0.1)
        task = client.get(f"/index/tasks/{task['uid']}").json()
    if task["state"] != "succeeded":
        sys.exit(f"a rebuild {task['state']}: {task['error']}")


def swap_pointer(store: Store) -> None:
    """Makes the other one of the two newest generations current."""
    with store.lock():
        store.swap(next(name for name in store.complete()[-2:] if name != store.current()[0]))


def wait_until_served(client: httpx.Client, generation: str) -> None:
    for _ in range(600):
        if client.get("/index").json()["generation"] == generation:
            return
        time.sleep(0.05)
    sys.exit(f"the server did not take up generation {generation}")


def held(pid: int) -> tuple[float, int]:
    """(resident memory in MiB, open file descriptors) of the server."""
    return memory(pid)[0], len(os.listdir(f"/proc/{pid}/fd"))


def run(options: argparse.Namespace, folder: Path) -> int:
    index, press = folder / "index", Press(Path(options.samples), folder)
    build = [sys.executable, "-m", "server.cli", "index", str(press.news), "--index", str(index)]
    for _ in range(2):
        press.print_next()
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    texts = Texts(index)
    store = Store(index)
    with (
        serving(folder, index) as (pid, address),
        httpx.Client(base_url=address, timeout=60, trust_env=False) as client,
    ):
        askers = Askers(address, options.clients)
        for number in range(WARM_UP):
            client.post("/ask", json={"question": QUESTIONS[number % len(QUESTIONS)]}).raise_for_status()
        texts.note()
        with askers.asking() as quiet:
            time.sleep(options.quiet)
        early = held(pid)
        with askers.asking() as swapping:
            for number in range(options.swaps):
                swap_pointer(store) if options.pointer else rebuild(client, press)
                wait_until_served(client, texts.note())
                if number == max(1, options.swaps // 10):
                    early = held(pid)
                time.sleep(options.pause)
        late = held(pid)
    return tell(options, texts, quiet, swapping, early, late)


def tell(
    options: argparse.Namespace,
    texts: Texts,
    quiet: Asked,
    swapping: Asked,
    early: tuple[float, int],
    late: tuple[float, int],
) -> int:
    failed = quiet.failed + swapping.failed
    replies = quiet.replies + swapping.replies
    mixed = sum(texts.is_mixed(reply) for reply in replies)
    cells = {
        "swaps": f"{options.swaps}{' of the pointer' if options.pointer else ''}",
        "clients": str(options.clients),
        "requests": f"{len(quiet.seconds):,} + {len(swapping.seconds):,}",
        "failed": str(len(failed)),
        "mixed": str(mixed),
        "citations": f"{sum(1 for reply in replies for _ in cited(reply)):,}",
        "generations": str(len({reply["index"]["generation"] for reply in replies})),
        "p50 quiet, swapping": f"{quiet.quantile(0.5):.0f}, {swapping.quantile(0.5):.0f} ms",
        "p99 quiet, swapping": f"{quiet.quantile(0.99):.0f}, {swapping.quantile(0.99):.0f} ms",
        "ratio of p99": f"{swapping.quantile(0.99) / quiet.quantile(0.99):.2f}",
        "memory early, late": f"{early[0]:.0f}, {late[0]:.0f} MiB",
        "descriptors early, late": f"{early[1]}, {late[1]}",
    }
    for line in (cells, ["---"] * len(cells), cells.values()):
        print(f"| {' | '.join(line)} |")
    for failure in failed[:10]:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failed or mixed or not replies else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Swap the index of a server under those who ask.")
    parser.add_argument("--samples", default="samples", help="a folder of articles (samples)")
    parser.add_argument("--swaps", type=int, default=20, help="how often the index is swapped (20)")
    parser.add_argument("--clients", type=int, default=8, help="how many ask at once (8)")
    parser.add_argument("--quiet", type=float, default=30, help="seconds of asking without swaps (30)")
    parser.add_argument("--pause", type=float, default=3, help="seconds between two swaps (3)")
    parser.add_argument("--pointer", action="store_true", help="let two finished generations take turns: no building")
    options = parser.parse_args()
    if not (
        0 < options.swaps <= 1000 and 0 < options.clients <= 64 and 0 < options.quiet <= 600 and options.pause >= 0
    ):
        parser.error("--swaps goes up to 1000, --clients up to 64, --quiet up to 600")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the server must not outlive this
    with tempfile.TemporaryDirectory() as folder:
        return run(options, Path(folder).resolve())


if __name__ == "__main__":
    sys.exit(main())
