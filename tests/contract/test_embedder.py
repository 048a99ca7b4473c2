"""What every embedder keeps to."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from index.embedder import Embedder
from tests.fakes import BagOfWords, real_embedder

TEXTS = [
    "The harbour bridge will open on 4 May.",
    "Rain put the opening of the bridge off.",
    "A cat was found.",
    "One.",
    "word " * 2000,
]
ODD = [
    "",
    " ",
    "\n",
    "…",
    "🌉",
    "字" * 3000,
    "x" * 20_000,
    "\u202eabc",
    "e\u0301",
    "\0",
    "שלום",
    "[CLS] [SEP] [PAD]",
    "\ufeff",
]


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.slow)])
def embedder(request) -> Embedder:
    return BagOfWords() if request.param == "fake" else real_embedder(request.config)


class TestEmbedder:
    def test_it_names_itself(self, embedder):
        assert embedder.name and embedder.fingerprint
        assert embedder.dimensions > 0

    @pytest.mark.parametrize("texts", [TEXTS, TEXTS[:1], TEXTS[:2], ODD, [], TEXTS * 20])
    def test_vectors_are_unit_rows(self, embedder, texts):
        vectors = embedder.embed(texts)
        assert vectors.shape == (len(texts), embedder.dimensions)
        assert vectors.dtype == np.float32
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(texts)), abs=0.01)

    def test_each_odd_text_has_a_vector_of_its_own(self, embedder):
        for text in ODD:
            assert np.isfinite(embedder.embed([text])).all()

    def test_the_same_text_has_the_same_vector_in_any_company(self, embedder):
        together = embedder.embed([*TEXTS, *ODD, *reversed(TEXTS)])
        for text, vector, again in zip(TEXTS, together, reversed(together), strict=False):
            assert vector @ again > 0.999
            assert vector @ embedder.embed([text])[0] > 0.999

    def test_the_nearer_text_is_nearer(self, embedder):
        question, bridge, cat = embedder.embed(["When will the harbour bridge open?", TEXTS[0], TEXTS[2]])
        assert question @ bridge > question @ cat + 0.2

    def test_any_thread_may_ask(self, embedder):
        alone = embedder.embed([TEXTS[0]])[0]
        with ThreadPoolExecutor(8) as pool:
            vectors = list(pool.map(lambda n: embedder.embed([TEXTS[n % 2]])[0], range(64)))
        assert all(vector @ alone > 0.999 for vector in vectors[::2])
        assert all(vector @ alone < 0.99 for vector in vectors[1::2])

    def test_batches_may_overlap_questions(self, embedder):
        with ThreadPoolExecutor(4) as pool:
            batches = pool.map(lambda _: embedder.embed(TEXTS[:4] * 8), range(3))
            singles = pool.map(lambda n: embedder.embed([TEXTS[n % 4]])[0], range(24))
            expected = embedder.embed(TEXTS[:4])
            for batch in batches:
                assert (np.sum(batch * np.tile(expected, (8, 1)), axis=1) > 0.999).all()
            assert all(vector @ expected[n % 4] > 0.999 for n, vector in enumerate(singles))
