"""Which FAISS index at which size: search time, recall against exact search, time to build, bytes.

    python -m bench.dense INDEX QUESTIONS... [--sizes 50000 100000 200000] [--kinds Flat SQ8 IVF,SQ8] [--count 300]

Takes the vectors of INDEX, a random part of them in the order of publication for each size (0 or more than there
are: all), and the questions' vectors. Recall is the share of the exact best 10 (and 50) that are found; exact is
Flat on the same vectors, which are stored in float16. Searches ask for 100 rows, as retrieval does, with one
thread. Then each kind is limited to ranges of publication through :class:`index.dense.DenseIndex`, as date filters
are: the share of the exact best 10 within the range that it finds.
"""

import argparse
import itertools
import os
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np

from index import dense
from index.embedder import load_embedder
from index.store import Store
from qa.fusion import DEPTH
from qa.questions import read_questions

PROBES = (16, 32, 64, 128)
SHARES = (0.001, 0.01, 0.019, 0.05, 0.3)  # of the passages, selected by a date filter


@dataclass(frozen=True, slots=True)
class Timing:
    """Milliseconds a search, p50 and p99 on the clock, p50 of processor time."""

    p50: float
    p99: float
    cpu: float


def lists_of(count: int) -> int:
    """How many lists an inverted file of ``count`` vectors has, by the project's rule."""
    kind = dense.index_kind(max(count, dense.FLAT_UP_TO + 1))
    lists = int(kind.removeprefix("IVF").split(",")[0])
    return lists if count > dense.FLAT_UP_TO else 2 ** round(np.log2(4 * np.sqrt(count)))


def build(kind: str, vectors: np.ndarray) -> tuple[faiss.Index, float, float]:
    """The index, and the seconds on the clock and of processor time that it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        sample = np.sort(np.random.default_rng(0).permutation(len(vectors))[: dense._TRAINING_ROWS])
        index.train(vectors[sample].astype(np.float32))
    for start in range(0, len(vectors), 65_536):
        index.add(vectors[start : start + 65_536].astype(np.float32))
    return index, time.perf_counter() - wall, time.process_time() - cpu


def search_all(index, queries: np.ndarray, k: int, parameters=None) -> tuple[np.ndarray, Timing]:
    """Rows found for each query, (queries, k), searched one by one."""
    found, walls, cpus = [], [], []
    for query in queries:
        wall, cpu = time.perf_counter(), time.process_time()
        found.append(index.search(query[None], k, params=parameters)[1][0])
        walls.append(1000 * (time.perf_counter() - wall))
        cpus.append(1000 * (time.process_time() - cpu))
    return np.array(found), Timing(*np.percentile(walls, (50, 99)), float(np.percentile(cpus, 50)))


def recall(found: np.ndarray, exact: np.ndarray, k: int) -> float:
    """The share of the exact best ``k`` that are among the ``k`` found."""
    return float(np.mean([len(set(f[:k]) & set(e[:k])) / k for f, e in zip(found, exact, strict=True)]))


def size_of(index: faiss.Index) -> int:
    return faiss.serialize_index(index).nbytes


def compare(vectors: np.ndarray, queries: np.ndarray, kinds: list[str]) -> None:
    """Prints a row for each kind, for inverted files one for each number of probes."""
    exact = None
    for kind in kinds:
        name = kind.replace("IVF,", f"IVF{lists_of(len(vectors))},")
        index, wall, cpu = build(name, vectors)
        size = size_of(index)
        for probes in PROBES if name.startswith("IVF") else (None,):
            parameters = faiss.SearchParametersIVF(nprobe=probes) if probes else None
            search_all(index, queries[:20], DEPTH, parameters)
            found, timing = search_all(index, queries, DEPTH, parameters)
            exact = found if name == "Flat" else exact
            cells = [len(vectors), name, probes or "", f"{timing.p50:.2f}", f"{timing.p99:.2f}", f"{timing.cpu:.2f}"]
            cells += [f"{recall(found, exact, k):.3f}" for k in (10, 50)]
            print(f"| {' | '.join(map(str, [*cells, f'{wall:.0f} ({cpu:.0f})', f'{size / 1e6:.1f}']))} |", flush=True)
        compare_filters(index, name, vectors, queries[:100])
        del index


def compare_filters(index: faiss.Index, name: str, vectors: np.ndarray, queries: np.ndarray) -> None:
    """Prints how much of the exact best 10 in ranges of publication the project's search finds, and how fast."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vectors.faiss"
        faiss.write_index(index, str(path))
        served = dense.DenseIndex(path, *vectors.shape)
    parts = []
    for share in SHARES:
        rows = max(20, int(share * len(vectors)))
        first = (len(vectors) - rows) // 2
        within = vectors[first : first + rows].astype(np.float32)
        shares, walls = [], []
        for query in queries:
            exact = first + np.argsort(-(within @ query), kind="stable")[:10]
            wall = time.perf_counter()
            found = served.search(query, DEPTH, (first, first + rows))[0][:10]
            walls.append(1000 * (time.perf_counter() - wall))
            shares.append(len(set(found) & set(exact)) / len(exact))
        parts.append(f"{100 * share:g} %: {np.mean(shares):.3f} in {np.median(walls):.2f} ms")
    print(f"  {name}, of the best 10 in a range of so many passages: {'; '.join(parts)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--sizes", type=int, nargs="+", default=[50_000, 100_000, 200_000])
    parser.add_argument("--kinds", nargs="+", default=["Flat", "SQ8", "IVF,SQ8"], help="Flat comes first")
    parser.add_argument("--count", type=int, default=300, help="questions (300)")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    if args.kinds[0] != "Flat":
        parser.error("the first of --kinds is Flat, which the others are compared with")
    faiss.omp_set_num_threads(1)
    generation = Store(args.index).open()
    embedder = load_embedder(generation.manifest.embedder, args.cache)
    asked = list(itertools.chain.from_iterable(read_questions(path) for path in args.questions))
    random.Random(20240909).shuffle(asked)
    queries = np.concatenate([embedder.embed([question.text]) for question in asked[: args.count]])
    stored, _ = generation.stored_vectors()
    print(f"{len(queries)} questions, {len(stored)} vectors of {stored.shape[1]}; load {os.getloadavg()[0]:.1f}")
    print("| vectors | kind | probes | p50 ms | p99 ms | CPU p50 ms | recall@10 | recall@50 | build s (CPU) | MB |")
    print(f"|{'---|' * 10}")
    for size in args.sizes:
        rows = np.sort(np.random.default_rng(0).permutation(len(stored))[: size or None])
        compare(np.asarray(stored[rows]), queries, args.kinds)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
