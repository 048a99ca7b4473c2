"""The probability of being right, worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.errors import ModelError
from qa.confidence import Confidence, Features

FEATURES = Features(margin=2.0, span=3.0, retrieval=0.5, cosine=0.25, passages=4, articles=2, fit=-1)
numbers = st.floats(-1e6, 1e6)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_settings_are_taken_as_saved():
    settings = {"ranking": {"span": 1.0}, "weights": {"bias": -1.0}, "threshold": 0.4}
    confidence = Confidence.from_settings(settings)
    assert (confidence.rank(FEATURES), confidence.threshold) == (3.0, 0.4)
    assert confidence.of(FEATURES, 3.0, []) == pytest.approx(sigmoid(-1))


@pytest.mark.parametrize("missing", ["ranking", "weights", "threshold"])
def test_settings_that_lack_a_part_are_refused(missing):
    settings = {"ranking": {}, "weights": {}, "threshold": 0.4}
    del settings[missing]
    with pytest.raises(ModelError, match="not fitted"):
        Confidence.from_settings(settings)


def test_a_confidence_that_was_never_fitted_is_refused():
    with pytest.raises(ModelError, match="not fitted"):
        Confidence.from_settings(None)


def test_ranking_weighs_the_features():
    weights = {
        "margin": 1.0,
        "span": 10.0,
        "retrieval": 100.0,
        "cosine": 1000.0,
        "bias": 7.0,
        "fit": 0.5,
        "unknown": 5.0,
    }
    assert Confidence(weights, {}, 0.5).rank(FEATURES) == pytest.approx(2 + 30 + 50 + 250 + 7 - 0.5)
    assert Confidence({"passages": 1.0, "articles": 1.0}, {}, 0.5).rank(FEATURES) == pytest.approx(math.log(8))


@pytest.mark.parametrize(
    ("name", "rank", "others", "value"),
    [
        ("rank", 1.5, [], 1.5),
        ("ahead", 1.5, [1.0, 0.5], 0.5),
        ("ahead", 1.0, [1.5], -0.5),
        ("ahead", 1.5, [], 5.0),
        ("ahead", 100.0, [0.0], 5.0),
        ("ahead", 0.0, [100.0], -5.0),
        ("share", 1.0, [], 1.0),
        ("share", 1.0, [1.0], 0.5),
        ("share", 1.0, [1.0, 1.0, 1.0], 0.25),
        ("share", 0.0, [math.log(3)], 0.25),
    ],
)
def test_how_it_stands_among_the_others(name, rank, others, value):
    assert Confidence({}, {name: 1.0}, 0.5).of(FEATURES, rank, others) == pytest.approx(sigmoid(value))


@given(rank=numbers, others=st.lists(numbers, max_size=5), weight=numbers, bias=numbers)
def test_it_is_always_a_probability(rank, others, weight, bias):
    weights = {"rank": weight, "ahead": weight, "share": weight, "bias": bias}
    assert 0 <= Confidence({}, weights, 0.5).of(FEATURES, rank, others) <= 1


@given(st.lists(numbers, min_size=2, max_size=6))
def test_a_better_rank_is_never_less_likely(ranks):
    confidence = Confidence({}, {"rank": 0.3, "ahead": 1.0, "share": 2.0}, 0.5)
    ranked = sorted(ranks, reverse=True)
    values = [confidence.of(FEATURES, r, ranked[:i] + ranked[i + 1 :]) for i, r in enumerate(ranked)]
    assert all(one >= other - 1e-12 for one, other in zip(values, values[1:], strict=False))
