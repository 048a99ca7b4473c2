"""Both sides' findings as one order."""

import numpy as np
import pytest

from index.passages import Passage
from qa.fusion import DEPTH, WEIGHTS, describe, fuse, gain, merge

NAMES = list(WEIGHTS)


def ranked(*found):
    return np.array([row for row, _ in found], dtype=np.int64), np.array([s for _, s in found], dtype=np.float32)


def table(rows, passages, dense, lexical, coverage=None):
    coverage = np.zeros((len(rows), 2)) if coverage is None else np.array(coverage)
    features = describe(np.array(rows, dtype=np.int64), passages, dense, lexical, coverage)
    return {name: features[:, column].tolist() for column, name in enumerate(NAMES)}


PASSAGES = [Passage("a", 0, 600), Passage("a", 1000, 1300), Passage("b", 0, 600)]


class TestDescribe:
    def test_each_side_gives_its_scores_and_ranks(self):
        found = table([3, 5, 9], PASSAGES, ranked((9, 0.8), (3, 0.6), (5, 0.4)), ranked((5, 20.0), (3, 10.0), (9, 5.0)))
        assert found["cosine"] == pytest.approx([0.6, 0.4, 0.8])
        assert found["bm25"] == pytest.approx([0.5, 1.0, 0.25])
        assert found["dense_rank"] == pytest.approx([1 / 11, 1 / 12, 1 / 10])
        assert found["lexical_rank"] == pytest.approx([1 / 11, 1 / 10, 1 / 12])

    def test_what_a_side_did_not_bring_stands_below_its_last(self):
        found = table([3, 5, 9], PASSAGES, ranked((9, 0.8), (3, 0.6)), ranked((5, 20.0)))
        assert found["cosine"][1] == pytest.approx(0.57)
        assert found["bm25"][0] == found["bm25"][2] == pytest.approx(0.95)
        assert found["dense_rank"][1] < found["dense_rank"][0]

    def test_an_article_counts_as_its_best_passage(self):
        found = table([3, 5, 9], PASSAGES, ranked((9, 0.8), (3, 0.6), (5, 0.4)), ranked((5, 20.0), (3, 10.0), (9, 5.0)))
        assert found["article_cosine"] == pytest.approx([0.6, 0.6, 0.8])
        assert found["article_bm25"] == pytest.approx([1.0, 1.0, 0.25])

    def test_coverage_place_and_length(self):
        coverage = [[0.5, 0.1], [0.2, 0.0], [1.0, 0.4]]
        found = table([3, 5, 9], PASSAGES, ranked((3, 0.6), (5, 0.5), (9, 0.4)), ranked(), coverage)
        assert found["covered"] == [0.5, 0.2, 1.0] and found["titled"] == [0.1, 0.0, 0.4]
        assert found["place"] == pytest.approx([0.0, np.log(2), 0.0])
        assert found["length"] == pytest.approx([1.0, 0.5, 1.0])

    def test_a_side_that_found_nothing_says_nothing(self):
        found = table([3, 5, 9], PASSAGES, ranked((3, 0.6), (5, 0.5), (9, 0.4)), ranked())
        assert found["bm25"] == [0.0, 0.0, 0.0] and len(set(found["lexical_rank"])) == 1

    def test_rows_brought_beyond_the_usual_depth_keep_their_scores(self):
        dense = ranked(*[(row, 0.9 - row / 1000) for row in range(DEPTH + 10)])
        passages = [Passage(f"a{row}", 0, 600) for row in range(DEPTH + 10)]
        cosines = table(range(DEPTH + 10), passages, dense, ranked())["cosine"]
        assert cosines == pytest.approx(dense[1].tolist())

    def test_nothing_found(self):
        assert describe(np.empty(0, np.int64), [], ranked(), ranked(), np.zeros((0, 2))).shape == (0, len(NAMES))


class TestFuse:
    def test_better_on_both_sides_is_better(self):
        passages = [Passage("a", 0, 600), Passage("b", 0, 600)]
        both = ranked((1, 0.8), (4, 0.5)), ranked((1, 20.0), (4, 9.0))
        scores = fuse(describe(np.array([1, 4]), passages, *both, np.array([[0.9, 0.0], [0.3, 0.0]])))
        assert scores[0] > scores[1]

    def test_saying_more_of_the_question_lifts(self):
        passages = [Passage("a", 0, 600), Passage("b", 0, 600)]
        both = ranked((1, 0.5), (4, 0.5)), ranked()
        scores = fuse(describe(np.array([1, 4]), passages, *both, np.array([[0.1, 0.0], [0.9, 0.0]])))
        assert scores[1] > scores[0]


class TestGain:
    def test_rows_within_preferred_days_gain_and_no_others(self):
        gained = gain(np.array([1, 4, 7]), [((4, 7), 0.4), ((0, 5), 0.1)])
        assert gained.tolist() == pytest.approx([0.1, 0.5, 0.0])


class TestMerge:
    def test_each_row_once_with_its_best_score(self):
        rows, scores = merge([ranked((1, 0.5), (2, 0.4)), ranked((2, 0.6), (3, 0.1))])
        assert rows.tolist() == [2, 1, 3]
        assert scores.tolist() == pytest.approx([0.6, 0.5, 0.1])

    def test_no_search(self):
        assert [len(part) for part in merge([])] == [0, 0]
