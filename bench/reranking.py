"""What reading does to the order of passages: hit@k as fused, and as `qa.evidence.order_passages` puts them.

    python -m bench.reranking SEEN

SEEN is the ``seen.jsonl`` that `training.confidence` keeps: the twelve passages read for each question, with their
spans. hit@k: the text of the best k x 110 words of these passages holds an accepted answer; so of hit@20 and beyond
nothing can be said. "By best span" is the order in which each passage counts as the best answer that it holds. The
ranking of answers is fitted in ten parts, none of which has seen the question; the weights of fusion have.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from bench.retrieval import words_to_answer
from index.passages import Passage
from qa.assistant import READ
from qa.confidence import Confidence
from qa.evidence import Candidate, join, order_passages
from qa.reader import Reading, Span
from qa.retriever import Hit
from qa.scoring import Share
from training.confidence import FOLDS, MOST, candidates, fit_ranking

CUTS = (1, 3, 5, 10)


def candidates_of(row: dict, confidence: Confidence) -> tuple[list[Passage], list[Candidate]]:
    """The passages of one question as they were found, and its candidate answers, best first."""
    hits = [Hit(**{**found["hit"], "passage": Passage(**found["hit"]["passage"])}) for found in row["hits"]]
    readings = [Reading(tuple(map(tuple, f["reading"]["spans"])), f["reading"]["null"]) for f in row["hits"]]
    days = {
        (hit.passage, hit.passage.start + start): day
        for hit, found in zip(hits, row["hits"], strict=True)
        for (start, _, _), day in zip(found["reading"]["spans"], found["days"], strict=True)
    }

    def date_of(span: Span) -> str | None:
        return days[span.passage, span.start]

    texts = [found["text"] for found in row["hits"]]
    return [hit.passage for hit in hits], join(row["question"], hits, readings, texts, confidence, date_of)


def orders(row: dict, confidence: Confidence) -> dict[str, list[Passage]]:
    """The passages of one question in each order."""
    found, candidates = candidates_of(row, confidence)
    by_span = list(dict.fromkeys(span.passage for candidate in candidates for span in candidate.spans))
    by_share = order_passages(candidates)
    return {name: list(dict.fromkeys(order + found)) for name, order in
            (("as fused", found), ("by best span", by_span), ("re-ranked", by_share))}  # fmt: skip


def cross_fit(rows: list[dict]) -> list[Confidence]:
    """The ranking for each question, from a fit that has not seen it."""
    seen = [candidates(row, READ) for row in rows]
    counts = Counter(each.file for each in seen)
    weights = np.array([min(1.0, MOST / counts[each.file]) for each in seen])
    folds = np.random.default_rng(0).permutation(len(seen)) % FOLDS
    fitted = []
    for fold in range(FOLDS):
        others = np.flatnonzero(folds != fold)
        fitted.append(Confidence(fit_ranking([seen[number] for number in others], weights[others]), {"bias": 0.0}, 0.0))
    return [fitted[fold] for fold in folds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seen", type=Path)
    args = parser.parse_args()
    with args.seen.open(encoding="utf-8") as lines:
        next(lines)  # what it was made of
        rows = [row for row in map(json.loads, lines) if row["hits"]]
    words: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row, confidence in zip(rows, cross_fit(rows), strict=True):
        texts = {Passage(**found["hit"]["passage"]): found["text"] for found in row["hits"]}
        for way, order in orders(row, confidence).items() if row["answers"] else ():
            found = words_to_answer([texts[passage] for passage in order], tuple(row["answers"]))
            words[row["file"], way].append(found)
    print(f"| questions | n | way | {' | '.join(f'hit@{k}' for k in CUTS)} |\n|---|---|---|{'---|' * len(CUTS)}")
    for (file, way), found in words.items():
        shares = [Share.of(np.array(found) <= k * 110) for k in CUTS]
        cells = [f"{100 * s.value:.1f} [{100 * s.interval[0]:.1f}, {100 * s.interval[1]:.1f}]" for s in shares]
        print(f"| {file} | {len(found)} | {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
