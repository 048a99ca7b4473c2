"""Retrieval alone, as the assistant calls it: how long it takes, and where the time goes.

    python -m bench.searching INDEX QUESTIONS... [--count 300]

Opens INDEX as a server does, then retrieves for each question with the days that it points to, and reads the
texts of what was found. Prints p50 and p99 of the time on the clock and of the processor time, which other work
on the machine disturbs less, for the whole and for each part; then the same limited to a week, a year and one
publisher. Questions are taken in an order shuffled with a fixed seed; the first 20 warm up and do not count.
"""

import argparse
import itertools
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from index.embedder import load_embedder
from index.generation import Generation
from index.store import Store
from qa.assistant import READ
from qa.preferences import preferences
from qa.questions import Question, read_questions
from qa.retriever import Filters, HybridRetriever, articles_of, texts_of

WARM_UP = 20


class Stopwatch:
    """Milliseconds on the clock and of processor time, by part, summed for each question."""

    def __init__(self) -> None:
        self._questions: list[dict[str, tuple[float, float]]] = []

    def next(self) -> None:
        self._questions.append(defaultdict(lambda: (0.0, 0.0)))

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        passed = 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)
        if self._questions:
            before = self._questions[-1][part]
            self._questions[-1][part] = before[0] + passed[0], before[1] + passed[1]

    def row(self, part: str) -> str:
        """A row of a Markdown table: p50 and p99 on the clock, p50 and p99 of processor time."""
        times = np.array([question[part] for question in self._questions])
        cells = [f"{value:.1f}" for column in times.T for value in np.percentile(column, (50, 99))]
        return f"| {part} | {' | '.join(cells)} |"


class Watched:
    """Stands in for an object and times the calls of some of its methods."""

    def __init__(self, inner: object, watch: Stopwatch, parts: dict[str, str]):
        self._inner, self._watch, self._parts = inner, watch, parts

    def __getattr__(self, name: str):
        value = getattr(self._inner, name)
        if name not in self._parts:
            return value

        def timed(*args, **named):
            with self._watch.time(self._parts[name]):
                return value(*args, **named)

        return timed


class WatchedGeneration(Watched):
    """A generation whose two searches are timed as well."""

    def dense(self) -> Watched:
        return Watched(self._inner.dense(), self._watch, {"search": "vectors"})

    def lexical(self) -> Watched:
        return Watched(self._inner.lexical(), self._watch, {"search": "words"})


PARTS = {"passages": "passages from the record"}


def run(questions: Sequence[Question], retrieve: Callable, texts: Callable, watch: Stopwatch, filters: Filters) -> int:
    """Retrieves for every question. Returns how many hits there were."""
    hits = 0
    for question in questions:
        watch.next()
        with watch.time("retrieval"):
            preferred = preferences(question.text, question.date or date.today())
            found = retrieve(question.text, READ, filters, preferred)
        with watch.time("reading the articles found"):
            texts(found)
        hits += len(found)
    return hits


def resident() -> float:
    """Memory of this process, in MiB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def limits(generation: Generation) -> dict[str, Filters]:
    """Some filters, by name, with the share of passages that they select."""
    newest = date.fromisoformat(generation.manifest.newest_article) - timedelta(365)
    source = generation.sources()[-1][0] if generation.sources() else ""
    named = {
        "one week": Filters(newest, newest + timedelta(6)),
        "one year": Filters(newest - timedelta(364), newest),
        f"the publisher {source}": Filters(sources=(source,)),
    }
    shares = {}
    for name, filters in named.items():
        selected = np.ones(generation.manifest.passages, dtype=bool)
        if filters.after:
            selected = np.zeros_like(selected)
            selected[slice(*generation.rows_between(filters.after, filters.before))] = True
        if filters.sources:
            selected &= generation.rows_from(filters.sources)
        shares[f"{name} ({100 * selected.mean():.2f} % of the passages)"] = filters
    return shares


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    asked = list(itertools.chain.from_iterable(read_questions(path) for path in args.questions))
    random.Random(20240909).shuffle(asked)
    asked = asked[: args.count + WARM_UP]

    began = time.perf_counter()
    generation, watch = Store(args.index).open(), Stopwatch()
    embedder = load_embedder(generation.manifest.embedder, args.cache)
    watched = WatchedGeneration(generation, watch, PARTS)
    retriever = HybridRetriever(watched, Watched(embedder, watch, {"embed": "embedding the question"}))
    opened = time.perf_counter() - began

    def texts(hits) -> None:
        texts_of(hits, articles_of(hits, generation))

    run(asked[:WARM_UP], retriever.retrieve, texts, Stopwatch(), Filters())
    hits = run(asked[WARM_UP:], retriever.retrieve, texts, watch, Filters())
    print(
        f"{generation.manifest.passages} passages, opened in {opened:.2f} s; {len(asked) - WARM_UP} questions, "
        f"{hits} hits; {resident():.0f} MiB resident without a reader; load {os.getloadavg()[0]:.1f}"
    )
    print("| part | p50 ms | p99 ms | CPU p50 ms | CPU p99 ms |\n|---|---|---|---|---|")
    parts = ("retrieval", "embedding the question", "vectors", "words", PARTS["passages"])
    for part in (*parts, "reading the articles found"):
        print(watch.row(part))
    for name, filters in limits(generation).items():
        limited = Stopwatch()
        run(asked[WARM_UP:][:100], retriever.retrieve, texts, limited, filters)
        print(limited.row("retrieval").replace("retrieval", f"retrieval, {name}"))


if __name__ == "__main__":
    main()
