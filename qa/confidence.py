"""How likely a shown answer is right: fitted on development data, never guessed.

Two small logistic models, their weights saved beside the reader's: ``rank`` orders the
candidate answers of one question; ``confidence`` is the probability that the first is right,
from the same features and from how far it stands ahead of the rest.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from index.errors import ModelError


@dataclass(frozen=True, slots=True)
class Features:
    """What is known of one candidate answer."""

    margin: float  # best span score less its passage's null score
    span: float  # best span score, comparable across passages
    retrieval: float  # best fused retrieval score, without what preferred days add
    cosine: float  # best similarity of question and passage
    passages: int  # that give this answer
    articles: int  # that give this answer
    preferred: float = 0.0  # the most that a passage of it gained by the days the question points to
    fit: int = 0  # whether it looks like what the question asks for: 1, -1, or 0 where there is no telling

    def numbers(self) -> dict[str, float]:
        return {
            "margin": self.margin,
            "span": self.span,
            "retrieval": self.retrieval,
            "cosine": self.cosine,
            "passages": math.log(self.passages),
            "articles": math.log(self.articles),
            "preferred": self.preferred,
            "fit": float(self.fit),
        }


@dataclass(frozen=True, slots=True)
class Confidence:
    """The fitted weights: feature name -> weight, with "bias" for the constant."""

    ranking: Mapping[str, float]
    weights: Mapping[str, float]
    threshold: float

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Confidence":
        """
        Raises:
            ModelError: the reader's confidence was never fitted.
        """
        try:
            return cls(settings["ranking"], settings["weights"], settings["threshold"])
        except (KeyError, TypeError) as error:
            raise ModelError(
                "the reader's confidence was not fitted; do it with: python -m training.confidence"
            ) from error

    def rank(self, features: Features) -> float:
        return _weigh(self.ranking, features.numbers())

    def of(self, features: Features, rank: float, others: Sequence[float]) -> float:
        """The probability, 0 to 1, that a candidate of this ``rank`` is right, given the ranks of the ``others``."""
        weighed = _weigh(self.weights, self.numbers(features, rank, others))
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, weighed))))

    @staticmethod
    def numbers(features: Features, rank: float, others: Sequence[float]) -> dict[str, float]:
        """All that the confidence may be weighed from: the features, and how the candidate stands among the others."""
        return features.numbers() | {
            "rank": rank,
            "ahead": max(-5.0, min(5.0, rank - max(others, default=rank - 5.0))),
            "share": 1 / (1 + sum(math.exp(min(50.0, other - rank)) for other in others)),
        }


def _weigh(weights: Mapping[str, float], numbers: Mapping[str, float]) -> float:
    return weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in numbers.items())
