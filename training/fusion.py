"""Fit how much each thing that both searches know of a passage weighs in the order of passages.

    python -m training.fusion INDEX QUESTIONS...

A conditional logit over all passages found for a question: the likelihood that one with an accepted answer is drawn.
A file of more than 400 questions weighs as if it held 400. Prints hit@k as weighed now and as fitted, from weights that
have not seen the question (five folds), where hit@k is the share of questions of which the text of the best k x 110
words of passages holds an accepted answer; and at last the weights fitted on everything, which stand in `qa.fusion`.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from tqdm import tqdm

from index.embedder import load_embedder
from index.generation import Generation
from index.passages import Passage
from index.store import Store
from qa.fusion import DEPTH, WEIGHTS
from qa.preferences import preferences
from qa.questions import read_questions
from qa.retriever import Filters, HybridRetriever, pick
from qa.scoring import words_until

CUTS = (1, 5, 10, 20)
FOLDS = 5
MOST = 400  # questions that a file may weigh


@dataclass
class Asked:
    """A question with what was found: passages, features with the gain by preferred days in the last column, how many
    words of each passage there are, and how many until an accepted answer has passed (inf where none)."""

    file: str
    passages: list[Passage]
    features: np.ndarray
    words: np.ndarray
    until: np.ndarray


def look(args: argparse.Namespace) -> list[Asked]:
    generation = Store(args.index).open()
    retriever = HybridRetriever(generation, load_embedder(generation.manifest.embedder, args.cache))
    asked = []
    for path in args.questions:
        for question in tqdm(read_questions(path), desc=path.stem):
            if not question.answers or question.history or question.kind.endswith("rewritten"):
                continue
            preferred = preferences(question.text, question.date or date.today(), generation.newest)
            found = retriever.find(question.text, DEPTH, Filters(), preferred)
            texts = texts_of(generation, found.passages)
            until = [words_until(text, question.answers) for text in texts]
            asked.append(
                Asked(
                    path.stem,
                    found.passages,
                    np.column_stack([found.features, found.gained]),
                    np.array([len(text.split()) for text in texts]),
                    np.array([np.inf if words is None else words for words in until]),
                )
            )
    return asked


def texts_of(generation: Generation, passages: Sequence[Passage]) -> list[str]:
    articles = {id: generation.article(id).text for id in {passage.article_id for passage in passages}}
    return [articles[passage.article_id][passage.start : passage.end] for passage in passages]


def fit(asked: Sequence[Asked], weights: np.ndarray) -> np.ndarray:
    """Weights of the features, (11,), the last that of the gain."""
    right = [np.isfinite(each.until) for each in asked]
    useful = [(a, r, w) for a, r, w in zip(asked, right, weights, strict=True) if r.any() and not r.all()]
    scale = np.concatenate([a.features for a, _, _ in useful]).std(axis=0) + 1e-9
    scaled = [(a.features / scale, r, w) for a, r, w in useful]

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        total, gradient = 0.5 * theta @ theta, theta.copy()
        for features, holds, weight in scaled:
            z = features @ theta
            p = np.exp(z - z.max())
            p /= p.sum()
            q = np.where(holds, p, 0.0)
            total -= weight * np.log(q.sum() + 1e-12)
            gradient -= weight * ((q / (q.sum() + 1e-12) - p) @ features)
        return total, gradient

    return minimize(loss, np.zeros(len(scale)), jac=True, method="L-BFGS-B").x / scale


def words_to_answer(each: Asked, theta: np.ndarray, copied: dict[str, int]) -> float:
    """How many words one reads, in the order of these weights, until an accepted answer has passed."""
    order = np.argsort(-(each.features @ theta), kind="stable").tolist()
    read = 0.0
    for number in pick([each.passages[place] for place in order], copied, 2 * CUTS[-1]):
        place = order[number]
        if np.isfinite(each.until[place]):
            return read + each.until[place]
        read += each.words[place]
    return np.inf


def cross_fit(asked: Sequence[Asked], weights: np.ndarray, copied: dict[str, int]) -> np.ndarray:
    folds = np.random.default_rng(0).permutation(len(asked)) % FOLDS
    words = np.zeros(len(asked))
    for fold in range(FOLDS):
        others = np.flatnonzero(folds != fold)
        theta = fit([asked[place] for place in others], weights[others])
        for place in np.flatnonzero(folds == fold):
            words[place] = words_to_answer(asked[place], theta, copied)
    return words


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    asked = look(args)
    copied = Store(args.index).open().copied()
    counts = Counter(each.file for each in asked)
    weights = np.array([min(1.0, MOST / counts[each.file]) for each in asked])
    now = np.array([*WEIGHTS.values(), 1.0])
    ways = {
        "as weighed now": np.array([words_to_answer(each, now, copied) for each in asked]),
        "fitted, cross-fitted": cross_fit(asked, weights, copied),
    }
    print(f"| questions | n | way | {' | '.join(f'hit@{k}' for k in CUTS)} |\n|---|---|---|{'---|' * len(CUTS)}")
    for file, count in counts.items():
        these = np.array([each.file == file for each in asked])
        for way, words in ways.items():
            shares = " | ".join(f"{100 * np.mean(words[these] <= k * 110):.1f}" for k in CUTS)
            print(f"| {file} | {count} | {way} | {shares} |")
    theta = fit(asked, weights)
    print(json.dumps(dict(zip(WEIGHTS, np.round(theta[:-1] / theta[-1], 4).tolist(), strict=True)), indent=1))


if __name__ == "__main__":
    main()
