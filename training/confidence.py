"""Fit what the reader's scores are worth: the order of candidate answers, and the probability that the first is right.

    python -m training.confidence INDEX QUESTIONS... --reader qa/models/reader --out runs/confidence
    python -m training.confidence INDEX QUESTIONS... --reader qa/models/reader --out runs/confidence --save

Every question is retrieved and read once; what was seen is kept in ``--out``, so that fitting
again takes seconds. Two models, both linear in `qa.confidence.Features`:

* ranking: softmax over the candidates of a question, likelihood of the right ones (conditional logit);
* confidence: logistic regression, on all questions: is the first candidate exactly (EM) an
  accepted answer? A span that is a word too long counts as wrong, so confidence errs low.

A file of more than 400 questions weighs as if it held 400: two thousand quiz questions, half of
which the archive cannot answer, must not drown a hundred careful ones. All figures printed
are cross-fitted over ten folds; what is saved is fitted on everything. The threshold is read
off the cross-fitted risk-coverage curve: the highest confidence that still keeps nine in ten of
the right answers.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from tqdm import tqdm

from index.embedder import load_embedder
from index.passages import Passage
from index.runtime import SETTINGS, file_hash, read_model_folder
from index.store import Store
from qa.assistant import READ, date_of
from qa.confidence import Confidence, Features
from qa.evidence import features_of, group_spans
from qa.expectation import fit as fit_kind
from qa.periods import is_time_question
from qa.preferences import preferences
from qa.questions import read_questions
from qa.reader import Reading, Span, SpanReader
from qa.retriever import Hit, HybridRetriever, articles_of, texts_of
from qa.scoring import exact_match, f1

FOLDS = 10
MOST = 400  # questions that a file may weigh
KEPT = 0.9  # of the right answers, at the threshold
_RANKING = ("span", "margin", "retrieval", "cosine", "passages", "articles", "preferred", "fit")
_WEIGHTS = ("rank", "ahead", "share", "margin", "cosine", "articles", "fit")


@dataclass
class Seen:
    """One question with its candidates: features and how right each is."""

    file: str
    answerable: bool
    features: list[Features]
    em: list[float]
    f1: list[float]


def collect(args: argparse.Namespace) -> list[Seen]:
    """What was read, from ``--out`` if index, reader and questions are the same as then."""
    path = args.out / "seen.jsonl"
    made_of = {
        "generation": Store(args.index).current()[0],
        "reader": read_model_folder(args.reader)["files"]["model.onnx"],
        "questions": [file_hash(file) for file in args.questions],
        "read": args.read,
    }
    if not path.exists() or json.loads(path.open().readline()) != made_of:
        look(args, path, made_of)
    with path.open() as lines:
        next(lines)
        return [candidates(json.loads(line), args.passages) for line in lines]


def look(args: argparse.Namespace, path: Path, made_of: dict) -> None:
    """Retrieves and reads for every question; one line each: hits with their spans."""
    generation = Store(args.index).open()
    retriever = HybridRetriever(generation, load_embedder(generation.manifest.embedder, args.cache))
    reader = SpanReader(args.reader)
    questions = [(file.stem, q) for file in args.questions for q in read_questions(file)]
    partial = path.with_suffix(".part")
    with partial.open("w") as out:
        out.write(json.dumps(made_of) + "\n")
        for file, question in tqdm(questions):
            if question.history or question.kind.endswith("rewritten"):
                continue
            preferred = preferences(question.text, question.date or date.today(), generation.newest)
            hits = retriever.retrieve(question.text, args.read, preferences=preferred)
            articles = articles_of(hits, generation)
            texts = texts_of(hits, articles)
            timed = is_time_question(question.text)
            rows = []
            for hit, reading, (_, text) in zip(hits, reader.read(question.text, texts), texts, strict=True):
                spans = [
                    Span(hit.passage, hit.passage.start + s, hit.passage.start + e, v) for s, e, v in reading.spans
                ]
                days = [date_of(span, articles) if timed else None for span in spans]
                rows.append({"hit": asdict(hit), "reading": asdict(reading), "days": days, "text": text})
            row = {"file": file, "id": question.id, "question": question.text, "answers": list(question.answers)}
            out.write(json.dumps(row | {"kind": question.kind, "hits": rows}) + "\n")
    partial.replace(path)


def candidates(row: dict, passages: int) -> Seen:
    """The candidate answers of one question, grouped and measured as in serving."""
    hits, readings, texts, days = [], [], [], {}
    for found in row["hits"][:passages]:
        hit = Hit(**{**found["hit"], "passage": Passage(**found["hit"]["passage"])})
        reading = Reading(tuple(map(tuple, found["reading"]["spans"])), found["reading"]["null"])
        for (start, end, _), day in zip(reading.spans, found["days"], strict=True):
            days[hit.passage, hit.passage.start + start, hit.passage.start + end] = day
        hits.append(hit)
        readings.append(reading)
        texts.append(found["text"])
    groups = group_spans(hits, readings, texts, lambda span: days[span.passage, span.start, span.end])
    features, em, overlap = [], [], []
    for group in groups.values():
        text = max(group, key=lambda found: found[1] + found[0].score)[3]
        features.append(features_of([found[:3] for found in group], fit_kind(row["question"], text)))
        em.append(max((exact_match(text, (answer,)) for answer in row["answers"]), default=0.0))
        overlap.append(max((f1(text, (answer,)) for answer in row["answers"]), default=0.0))
    return Seen(row["file"], bool(row["answers"]), features, em, overlap)


def fit_ranking(seen: list[Seen], weights: np.ndarray) -> dict[str, float]:
    """Conditional logit over the candidates of each question that has a right one (F1 at least a half)."""
    useful = [(s, w) for s, w in zip(seen, weights, strict=True) if max(s.f1, default=0) >= 0.5]
    matrices = [np.array([[f.numbers()[n] for n in _RANKING] for f in s.features]) for s, _ in useful]
    targets = [np.where(np.array(s.f1) >= 0.5, np.array(s.f1), 0.0) for s, _ in useful]
    scale = np.concatenate(matrices).std(axis=0) + 1e-9

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        total, gradient = 0.02 * theta @ theta, 0.04 * theta
        for matrix, target, (_, weight) in zip(matrices, targets, useful, strict=True):
            z = matrix / scale @ theta
            p = np.exp(z - z.max())
            p /= p.sum()
            q = p * target
            right = q.sum()
            total -= weight * np.log(right + 1e-12)
            gradient -= weight * ((q / (right + 1e-12) - p) @ (matrix / scale))
        return total, gradient

    theta = minimize(loss, np.zeros(len(_RANKING)), jac=True, method="L-BFGS-B").x / scale
    return dict(zip(_RANKING, theta.tolist(), strict=True))


def first(s: Seen, ranking: dict[str, float]) -> tuple[dict[str, float], float, float]:
    """Confidence features, EM and F1 of the candidate that the ranking puts first; there must be one."""
    confidence = Confidence(ranking, {}, 0.0)
    ranks = [confidence.rank(f) for f in s.features]
    best = int(np.argmax(ranks))
    numbers = confidence.numbers(s.features[best], ranks[best], ranks[:best] + ranks[best + 1 :])
    return numbers, s.em[best], s.f1[best]


def fit_logistic(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression with a bias in the last place; y may be soft."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.column_stack([(x - mean) / scale, np.ones(len(x))])

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        logits = z @ theta
        value = weights @ (np.logaddexp(0, logits) - y * logits) + 0.01 * theta[:-1] @ theta[:-1]
        p = 1 / (1 + np.exp(-logits))
        return value, z.T @ (weights * (p - y)) + 0.02 * np.append(theta[:-1], 0)

    theta = minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x
    return np.append(theta[:-1] / scale, theta[-1] - (theta[:-1] / scale) @ mean)


def fit(seen: list[Seen], weights: np.ndarray) -> tuple[dict[str, float], dict[str, float]]:
    ranking = fit_ranking(seen, weights)
    tops = [first(s, ranking) for s in seen]
    x = np.array([[numbers[name] for name in _WEIGHTS] for numbers, _, _ in tops])
    y = np.array([em for _, em, _ in tops])
    theta = fit_logistic(x, y, weights)
    return ranking, dict(zip([*_WEIGHTS, "bias"], theta.tolist(), strict=True))


def cross_fit(seen: list[Seen], weights: np.ndarray) -> list[dict]:
    """(file, confidence, EM, F1, answerable) of each question, from a fit that has not seen it."""
    folds = np.random.default_rng(0).permutation(len(seen)) % FOLDS
    results: list[dict] = [{} for _ in seen]
    for fold in range(FOLDS):
        others = np.flatnonzero(folds != fold)
        ranking, confidence = fit([seen[i] for i in others], weights[others])
        for i in np.flatnonzero(folds == fold):
            numbers, em, overlap = first(seen[i], ranking)
            logit = confidence["bias"] + sum(confidence[name] * numbers[name] for name in _WEIGHTS)
            results[i] = {
                "file": seen[i].file,
                "confidence": float(1 / (1 + np.exp(-logit))),
                "em": em,
                "f1": overlap,
                "answerable": seen[i].answerable,
            }
    return results


def threshold_of(results: list[dict], weights: np.ndarray) -> float:
    """The confidence above which KEPT of the right answers lie."""
    pairs = sorted((-r["confidence"], w) for r, w in zip(results, weights, strict=True) if r["em"])
    total = np.cumsum([w for _, w in pairs])
    return float(-pairs[int(np.searchsorted(total, KEPT * total[-1]))][0])


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """Expected calibration error, bins of equal count."""
    order = np.argsort(confidence)
    parts = np.array_split(order, bins)
    return float(sum(len(p) / len(order) * abs(confidence[p].mean() - right[p].mean()) for p in parts if len(p)))


def table(results: list[dict], threshold: float) -> list[str]:
    lines = ["| questions | n | EM | F1 | answered | of the right, answered | refused | ECE |", "|---|" + "---|" * 7]
    for file in [*sorted({r["file"] for r in results}), "all"]:
        rows = [r for r in results if file in (r["file"], "all")]
        c, y = np.array([r["confidence"] for r in rows]), np.array([r["em"] for r in rows])
        answered = c >= threshold
        kept = answered[y == 1].mean() if y.any() else float("nan")
        lines.append(
            f"| {file} | {len(rows)} | {100 * np.mean([r['em'] for r in rows]):.1f} | "
            f"{100 * np.mean([r['f1'] for r in rows]):.1f} | {100 * answered.mean():.1f} | "
            f"{100 * kept:.1f} | {100 * (~answered).mean():.1f} | {calibration_error(c, y):.3f} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--reader", type=Path, default=Path("qa/models/reader"))
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    parser.add_argument("--out", type=Path, default=Path("runs/confidence"))
    parser.add_argument("--read", type=int, default=20, help="passages read once and kept")
    parser.add_argument("--passages", type=int, default=READ, help="of those, how many are used")
    parser.add_argument("--save", action="store_true", help="write the fit into the reader's settings")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    seen = [s for s in collect(args) if s.features]  # where nothing was read nothing is shown
    counts = {file: sum(s.file == file for s in seen) for file in {s.file for s in seen}}
    weights = np.array([min(1.0, MOST / counts[s.file]) for s in seen])
    results = cross_fit(seen, weights)
    threshold = threshold_of(results, weights)
    print("\n".join(table(results, threshold)))
    ranking, confidence = fit(seen, weights)
    fitted = {"ranking": ranking, "weights": confidence, "threshold": round(threshold, 3)}
    print(json.dumps(fitted, indent=1))
    (args.out / "cross_fitted.json").write_text(json.dumps(results))
    if args.save:
        path = args.reader / SETTINGS
        path.write_text(json.dumps(json.loads(path.read_text()) | {"confidence": fitted}, indent=1) + "\n")


if __name__ == "__main__":
    main()
