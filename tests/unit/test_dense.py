"""Each kind of vector index against multiplying everything out."""

from pathlib import Path

import numpy as np
import pytest

import index.dense
from index.dense import DenseIndex, index_kind, write_dense
from index.errors import DamagedIndex, IndexFault

COUNT, DIMENSIONS = 3000, 32
KINDS = ["Flat", "SQ8", "IVF"]
LEAST_RECALL = {"Flat": 1.0, "SQ8": 0.95, "IVF": 0.9}


def unit_rows(count: int, seed: int) -> np.ndarray:
    """Rows in clusters, as passages of one subject lie."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(1).normal(size=(40, DIMENSIONS))
    rows = centres[chance.integers(40, size=count)] + 0.5 * chance.normal(size=(count, DIMENSIONS))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


VECTORS = unit_rows(COUNT, 2).astype(np.float16).astype(np.float32)  # as the build stores them
QUESTIONS = unit_rows(30, 3)


def write_kind(kind: str, path: Path, patch: pytest.MonkeyPatch) -> Path:
    """An index of ``VECTORS`` of the kind that a larger archive would get."""
    patch.setattr(index.dense, "EXACT_UP_TO", COUNT if kind == "Flat" else 10)
    patch.setattr(index.dense, "FLAT_UP_TO", 20 if kind == "IVF" else COUNT)
    assert index_kind(COUNT).startswith(kind)
    write_dense(path, VECTORS.astype(np.float16))
    return path


@pytest.fixture(scope="module", params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def dense(kind, tmp_path_factory) -> DenseIndex:
    with pytest.MonkeyPatch.context() as patch:
        path = write_kind(kind, tmp_path_factory.mktemp(kind) / "vectors.faiss", patch)
    return DenseIndex(path, COUNT, DIMENSIONS)


def brute_force(vector: np.ndarray, k: int, allowed: np.ndarray) -> set[int]:
    scores = np.where(allowed, VECTORS @ vector, -np.inf)
    return set(np.argsort(-scores)[: min(k, int(allowed.sum()))].tolist())


def recall(dense: DenseIndex, k: int, rows=None, selected=None) -> float:
    """The share of the true best ``k``; asserts on the way that every filter is exact."""
    allowed = np.ones(COUNT, bool) if selected is None else selected.copy()
    if rows is not None:
        allowed &= (np.arange(COUNT) >= rows[0]) & (np.arange(COUNT) < rows[1])
    shares = []
    for vector in QUESTIONS:
        found, scores = dense.search(vector, k, rows, selected)
        assert found.dtype == np.int64 and scores.dtype == np.float32
        assert len(found) == len(scores) == len(set(found.tolist())) <= k
        assert allowed[found].all()
        assert (np.diff(scores) <= 0).all()
        assert scores == pytest.approx(VECTORS[found] @ vector, abs=0.02)
        best = brute_force(vector, k, allowed)
        shares.append(len(best & set(found.tolist())) / len(best) if best else float(len(found) == 0))
    return float(np.mean(shares))


class TestSearch:
    def test_it_finds_the_best(self, dense, kind):
        assert recall(dense, 10) >= LEAST_RECALL[kind]

    @pytest.mark.parametrize("rows", [(0, COUNT), (0, 1), (1000, 2500), (2990, COUNT), (COUNT - 1, COUNT), (500, 520)])
    def test_a_range_of_rows_is_exact(self, dense, kind, rows):
        assert recall(dense, 10, rows) >= LEAST_RECALL[kind]

    @pytest.mark.parametrize("share", [0.0004, 0.01, 0.1, 0.9, 1.0])
    def test_selected_rows_are_exact(self, dense, kind, share):
        selected = np.random.default_rng(4).random(COUNT) < share
        selected[7] = True
        assert recall(dense, 10, None, selected) >= LEAST_RECALL[kind]
        assert recall(dense, 10, (1000, 2003), selected) >= LEAST_RECALL[kind]

    def test_a_narrow_range_is_looked_for_in_more_lists(self, dense, monkeypatch):
        monkeypatch.setattr(index.dense, "PROBES", 12)  # of 256: finds a tenth or so of what lies in a short range
        assert recall(dense, 10, (1000, 1150)) >= 0.9

    def test_few_rows_are_all_found(self, dense):
        selected = np.zeros(COUNT, bool)
        selected[[3, 1501, 2999]] = True
        for vector in QUESTIONS:
            assert set(dense.search(vector, 10, None, selected)[0].tolist()) == {3, 1501, 2999}
            assert set(dense.search(vector, 10, (1400, 3000), selected)[0].tolist()) == {1501, 2999}

    def test_nothing_selected_finds_nothing(self, dense):
        assert len(dense.search(QUESTIONS[0], 10, None, np.zeros(COUNT, bool))[0]) == 0
        assert len(dense.search(QUESTIONS[0], 10, (5, 5))[0]) == 0

    def test_k_may_be_larger_than_the_index(self, dense, kind):
        found, _ = dense.search(QUESTIONS[0], 2 * COUNT)
        assert len(found) == len(set(found.tolist()))
        assert len(found) == COUNT or (kind == "IVF" and 10 < len(found) < COUNT)  # only some lists are looked into

    def test_one_row_or_a_plain_vector(self, dense):
        flat, framed = dense.search(QUESTIONS[0], 5), dense.search(QUESTIONS[:1].astype(np.float64), 5)
        assert flat[0].tolist() == framed[0].tolist()

    def test_the_same_vectors_give_the_same_answers(self, dense, kind, tmp_path, monkeypatch):
        again = DenseIndex(write_kind(kind, tmp_path / "again.faiss", monkeypatch), COUNT, DIMENSIONS)
        for vector in QUESTIONS[:5]:
            assert again.search(vector, 10)[0].tolist() == dense.search(vector, 10)[0].tolist()


class TestFullDisk:
    @pytest.mark.parametrize("count", [3, COUNT])
    def test_no_byte_is_lost_quietly(self, tmp_path, count):
        """Three vectors fit into the buffer that is written when the file is closed."""
        if not Path("/dev/full").exists():
            pytest.skip("needs /dev/full")
        (tmp_path / "vectors.faiss").symlink_to("/dev/full")
        with pytest.raises(IndexFault, match="No space left"):
            write_dense(tmp_path / "vectors.faiss", VECTORS[:count])


class TestKinds:
    @pytest.mark.parametrize(
        ("count", "kind"),
        [
            (0, "Flat"),
            (1, "Flat"),
            (50_000, "Flat"),
            (50_001, "SQ8"),
            (400_000, "SQ8"),
            (400_001, "IVF2048,SQ8"),
            (1_000_000, "IVF4096,SQ8"),
            (10_000_000, "IVF16384,SQ8"),
        ],
    )
    def test_size_decides(self, count, kind):
        assert index_kind(count) == kind

    def test_a_single_vector(self, tmp_path):
        write_dense(tmp_path / "one", VECTORS[:1])
        found, scores = DenseIndex(tmp_path / "one", 1, DIMENSIONS).search(VECTORS[0], 100)
        assert found.tolist() == [0] and scores[0] == pytest.approx(1, abs=1e-3)

    def test_no_vector_at_all(self, tmp_path):
        write_dense(tmp_path / "none", VECTORS[:0])
        assert len(DenseIndex(tmp_path / "none", 0, DIMENSIONS).search(VECTORS[0], 10)[0]) == 0


class TestDamage:
    @pytest.fixture
    def file(self, tmp_path) -> Path:
        write_dense(tmp_path / "vectors.faiss", VECTORS[:50])
        return tmp_path / "vectors.faiss"

    def test_every_shorter_file_is_refused(self, file):
        data = file.read_bytes()
        for length in [*range(64), *range(64, len(data), 501), len(data) - 1]:
            file.write_bytes(data[:length])
            with pytest.raises(DamagedIndex):
                DenseIndex(file, 50, DIMENSIONS)

    @pytest.mark.parametrize("data", [b"", b"\0" * 4096, b"not an index at all", b"\xff" * 999])
    def test_another_file_is_refused(self, file, data):
        file.write_bytes(data)
        with pytest.raises(DamagedIndex, match="verbatim verify"):
            DenseIndex(file, 50, DIMENSIONS)

    @pytest.mark.parametrize(("count", "dimensions"), [(49, DIMENSIONS), (51, DIMENSIONS), (50, 16)])
    def test_another_size_is_refused(self, file, count, dimensions):
        with pytest.raises(DamagedIndex):
            DenseIndex(file, count, dimensions)

    def test_a_missing_file_is_refused(self, tmp_path):
        with pytest.raises(DamagedIndex):
            DenseIndex(tmp_path / "vectors.faiss", 50, DIMENSIONS)
