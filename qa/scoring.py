"""Numbers about answers: normalisation, EM, F1, intervals, and how far a confidence can be trusted.

Nothing here knows about questions, indexes or files: texts and arrays go in, numbers come out.
Normalisation, EM and F1 are those of the SQuAD 2.0 evaluation (Rajpurkar et al., 2018), except that
typographic quotes and dashes count as punctuation too.
"""

import math
import re
import string
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

_QUOTES_AND_DASHES = "‘’‚‛“”„‟" + "‐‑‒–—―−"
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation + _QUOTES_AND_DASHES)
_ARTICLE = re.compile(r"\b(a|an|the)\b")
_Z95 = 1.959964  # the normal quantile of a two-sided 95 % interval


def normalize_answer(text: str) -> str:
    """``text`` in lower case, without punctuation and English articles, with single spaces."""
    return " ".join(_ARTICLE.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def exact_match(prediction: str, answers: Iterable[str]) -> float:
    """1.0 if ``prediction`` equals an accepted answer once both are normalised, else 0.0."""
    predicted = normalize_answer(prediction)
    return float(any(predicted == normalize_answer(answer) for answer in _scorable(answers)))


def f1(prediction: str, answers: Iterable[str]) -> float:
    """The best overlap of words with an accepted answer, 0.0 to 1.0, words counted as often as they occur."""
    predicted = normalize_answer(prediction).split()
    return max(_overlap(predicted, normalize_answer(answer).split()) for answer in _scorable(answers))


def _scorable(answers: Iterable[str]) -> Sequence[str]:
    """The answers that normalisation leaves something of; with none, the empty answer is the right one."""
    return [answer for answer in answers if normalize_answer(answer)] or [""]


def _overlap(predicted: list[str], wanted: list[str]) -> float:
    if not predicted or not wanted:
        return float(predicted == wanted)
    shared = (Counter(predicted) & Counter(wanted)).total()
    return 2 * shared / (len(predicted) + len(wanted))


def words_until(text: str, answers: Iterable[str]) -> int | None:
    """How many words of ``text`` must be read until an accepted answer has gone by; None if none does.

    Words are what white space separates. The answer's words must stand there in a row, and whole,
    after normalisation of both.
    """
    wanted = [f" {normalized} " for answer in answers if (normalized := normalize_answer(answer))]
    wanted = [answer for answer in wanted if answer in f" {normalize_answer(text)} "]
    if not wanted:
        return None
    seen = " "
    for count, word in enumerate(text.split(), 1):
        normalized = normalize_answer(word)
        seen += f"{normalized} " if normalized else ""
        if normalized and any(seen.endswith(answer) for answer in wanted):
            return count
    return len(text.split())


@dataclass(frozen=True, slots=True)
class Share:
    """``count`` of ``total``, with the 95 % interval of Wilson; ``value``, ``low`` and ``high`` are None for none."""

    count: int
    total: int

    @classmethod
    def of(cls, outcomes: Iterable[object]) -> "Share":
        """The share of ``outcomes`` that are true."""
        truths = [bool(outcome) for outcome in outcomes]
        return cls(sum(truths), len(truths))

    @property
    def value(self) -> float | None:
        return self.count / self.total if self.total else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Low and high end (Wilson, 1927); inside [0, 1] even when nothing or everything was counted."""
        if not self.total:
            return None
        share, n, z2 = self.count / self.total, self.total, _Z95**2
        middle = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))

    def to_json(self) -> dict[str, object]:
        return {"value": self.value, "interval": _rounded(self.interval), "count": self.count, "total": self.total}


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean of ``total`` numbers with a 95 % interval; ``value`` and ``interval`` are None when there were none."""

    value: float | None
    interval: tuple[float, float] | None
    total: int

    @classmethod
    def of(cls, values: Sequence[float], resamples: int = 1000) -> "Mean":
        """The mean with a bootstrap interval, the same on every run (the seed is fixed)."""
        if not len(values):
            return cls(None, None, 0)
        array = np.asarray(values, dtype=np.float64)
        chance = np.random.default_rng(20240909)
        means = [array[chance.integers(array.size, size=array.size)].mean() for _ in range(resamples)]
        low, high = np.quantile(means, [0.025, 0.975])
        return cls(float(array.mean()), (float(low), float(high)), array.size)

    def to_json(self) -> dict[str, object]:
        return {"value": self.value, "interval": _rounded(self.interval), "total": self.total}


@dataclass(frozen=True, slots=True)
class Ranking:
    """AUROC: how often a random one of ``positives`` has a higher confidence than a random one of ``negatives``.

    Ties count half. The interval is that of Hanley and McNeil (1982). None where one side is empty.
    """

    value: float | None
    interval: tuple[float, float] | None
    positives: int
    negatives: int

    @classmethod
    def of(cls, positives: Sequence[float], negatives: Sequence[float]) -> "Ranking":
        if not len(positives) or not len(negatives):
            return cls(None, None, len(positives), len(negatives))
        good, bad = np.asarray(positives, dtype=np.float64), np.sort(np.asarray(negatives, dtype=np.float64))
        below, up_to = np.searchsorted(bad, good, "left"), np.searchsorted(bad, good, "right")
        area = float((below + up_to).sum() / (2 * good.size * bad.size))
        one, two = area / (2 - area), 2 * area**2 / (1 + area)
        spread = area * (1 - area) + (good.size - 1) * (one - area**2) + (bad.size - 1) * (two - area**2)
        half = _Z95 * math.sqrt(max(spread, 0.0) / (good.size * bad.size))
        return cls(area, (max(0.0, area - half), min(1.0, area + half)), good.size, bad.size)

    def to_json(self) -> dict[str, object]:
        sides = {"positives": self.positives, "negatives": self.negatives}
        return {"value": self.value, "interval": _rounded(self.interval), **sides}


def _rounded(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else [round(end, 6) for end in interval]


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Giving the ``coverage`` most confident answers means a share of ``risk`` wrong ones among them."""

    coverage: float
    confidence: float
    risk: float


def risk_coverage(confidence: Sequence[float], right: Sequence[float]) -> tuple[tuple[RiskPoint, ...], float | None]:
    """The risk-coverage curve at ten coverages, and the area under the whole of it (smaller is better).

    Both sequences are as long as there are answers. Answers of equal confidence share their outcome,
    so that the order they come in changes nothing.
    """
    if not len(confidence):
        return (), None
    ranked, outcome = _by_confidence(confidence, right)
    risk = 1 - np.cumsum(outcome) / np.arange(1, outcome.size + 1)
    places = sorted({math.ceil(outcome.size * tenth / 10) for tenth in range(1, 11)})
    points = tuple(RiskPoint(n / outcome.size, float(ranked[n - 1]), float(risk[n - 1])) for n in places)
    return points, float(risk.mean())


def _by_confidence(confidence: Sequence[float], right: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Confidences from high to low and the outcomes beside them, equal confidences sharing their mean outcome."""
    levels, group = np.unique(-np.asarray(confidence, dtype=np.float64), return_inverse=True)
    sizes = np.bincount(group)
    means = np.bincount(group, weights=np.asarray(right, dtype=np.float64)) / sizes
    return np.repeat(-levels, sizes), np.repeat(means, sizes)


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin of the calibration: what was promised on average, and what came of it."""

    count: int
    confidence: float
    right: float


def calibration(
    confidence: Sequence[float], right: Sequence[float], bins: int = 10
) -> tuple[tuple[Bin, ...], float | None]:
    """Bins of equal count, from high to low confidence, and the expected calibration error over them.

    The error is the mean distance of confidence and share of right answers, each bin weighing as many
    as it holds. With fewer answers than bins there is a bin for each.
    """
    if not len(confidence):
        return (), None
    ranked, outcome = _by_confidence(confidence, right)
    parts = zip(np.array_split(ranked, bins), np.array_split(outcome, bins), strict=True)
    filled = tuple(Bin(given.size, float(given.mean()), float(came.mean())) for given, came in parts if given.size)
    return filled, sum(each.count * abs(each.confidence - each.right) for each in filled) / ranked.size


def threshold_keeping(share: float, confidence: Sequence[float]) -> float | None:
    """The highest threshold that at least ``share`` of these confidences reach; None when there are none."""
    if not len(confidence):
        return None
    ranked = sorted(confidence, reverse=True)
    # 0.07 * 100 is 7.000000000000001 in binary, and must not be rounded up to eight.
    return float(ranked[max(1, math.ceil(share * len(ranked) - 1e-9)) - 1])


def best_threshold(
    confidence: Sequence[float], if_given: Sequence[float], if_refused: Sequence[float]
) -> tuple[float | None, float]:
    """The threshold with the best mean score, and that score, as the SQuAD 2.0 evaluation finds it.

    ``if_given[i]`` is the score of answering question ``i``, ``if_refused[i]`` that of refusing it. Questions
    of equal confidence are answered or refused together. The threshold is None if refusing all is best.
    """
    if not len(confidence):
        return None, 0.0
    ranked, gain = _by_confidence(confidence, np.subtract(if_given, if_refused))
    scores = (float(np.sum(if_refused)) + np.cumsum(gain)) / ranked.size
    # Inside a run of equal confidences the scores lie on a line, so the best one is at the end of a run.
    best = int(np.argmax(scores))
    refused = float(np.mean(if_refused))
    return (float(ranked[best]), float(scores[best])) if scores[best] > refused else (None, refused)
