"""The vector side: FAISS, its kind chosen by size.

| passages | kind | why |
|---|---|---|
| up to 50,000 | Flat | exact, 4 ms at most |
| up to 400,000 | SQ8 | a byte a dimension, recall@10 .99 of exact, half the time |
| beyond | IVF,SQ8 | 2 ms at a million, recall@10 .96 |

Rows are the passages' numbers, 0 to n - 1, in order of publication, so that a date filter is
a range of rows, which FAISS tests almost for free.
"""

import math
from pathlib import Path

import numpy as np

from index import disk
from index.errors import DamagedIndex

EXACT_UP_TO = 50_000
FLAT_UP_TO = 400_000
PROBES = 64
_TRAINING_ROWS = 200_000


def index_kind(count: int) -> str:
    """The FAISS factory string for ``count`` vectors."""
    if count <= EXACT_UP_TO:
        return "Flat"
    if count <= FLAT_UP_TO:
        return "SQ8"
    lists = 2 ** round(math.log2(4 * math.sqrt(count)))
    return f"IVF{lists},SQ8"


def write_dense(path: Path, vectors: np.ndarray) -> None:
    """Builds the index of ``vectors``, (n, d) float16 or float32 unit rows (a memory map will do), into ``path``.

    Raises:
        IndexFault: the disk is full.
    """
    import faiss

    count, dimensions = vectors.shape
    index = faiss.index_factory(dimensions, index_kind(count), faiss.METRIC_INNER_PRODUCT)
    if not index.is_trained:
        # A fixed seed: the same archive gives the same index.
        sample = np.sort(np.random.default_rng(0).permutation(count)[:_TRAINING_ROWS])
        index.train(vectors[sample].astype(np.float32))
    for start in range(0, count, 65_536):
        index.add(vectors[start : start + 65_536].astype(np.float32))
    with disk.Output(path) as file:  # FAISS itself keeps it quiet when the last bytes of a file find no room
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))


class DenseIndex:
    """An open vector index; searches may run from any thread, each on one core."""

    def __init__(self, path: Path, count: int, dimensions: int):
        """
        Raises:
            DamagedIndex: the file is no FAISS index of ``count`` vectors of ``dimensions``.
        """
        import faiss

        try:
            self._index = faiss.read_index(str(path))
        except RuntimeError as error:
            raise DamagedIndex(path, "FAISS cannot read it") from error
        if self._index.ntotal != count or self._index.d != dimensions:
            raise DamagedIndex(path, f"{self._index.ntotal} vectors of {self._index.d}, not {count} of {dimensions}")

    def search(
        self, vector: np.ndarray, k: int, rows: tuple[int, int] | None = None, selected: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best rows and their cosines for ``vector``, (d,) or (1, d) float32: (<=k,) int64 and float32, best first.

        ``rows`` limits to first <= row < last; ``selected``, (n,) bool, to the rows that are true.
        """
        import faiss

        # For a single question one thread is quicker than two; OpenMP holds this setting per calling thread.
        faiss.omp_set_num_threads(1)
        scores, found = self._index.search(
            np.ascontiguousarray(vector, dtype=np.float32).reshape(1, -1), k, params=self._parameters(rows, selected)
        )
        kept = found[0] >= 0
        return found[0][kept], scores[0][kept]

    def _parameters(self, rows: tuple[int, int] | None, selected: np.ndarray | None):
        import faiss

        selector, share = None, 1.0
        if selected is not None:
            if rows is not None:
                selected = selected & _range_mask(len(selected), rows)
            bits = np.packbits(selected, bitorder="little")
            selector = faiss.IDSelectorBitmap(bits)
            share = selected.mean()
        elif rows is not None:
            selector = faiss.IDSelectorRange(*rows)
            share = (rows[1] - rows[0]) / max(1, self._index.ntotal)
        if not isinstance(self._index, faiss.IndexIVF):
            return faiss.SearchParameters(sel=selector) if selector else None
        # The fewer rows are selected, the further apart they lie: as many lists as hold PROBES lists' worth of them.
        probes = self._index.nlist if share * self._index.nlist <= PROBES else math.ceil(PROBES / share)
        return faiss.SearchParametersIVF(nprobe=min(probes, self._index.nlist), sel=selector)


def _range_mask(count: int, rows: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(count, dtype=bool)
    mask[rows[0] : rows[1]] = True
    return mask
