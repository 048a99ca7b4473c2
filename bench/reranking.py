"""What reading does to the order of passages: hit@k as fused, and ordered by the reader's best span.

    python -m bench.reranking SEEN [--reader qa/models/reader]

SEEN is the ``seen.jsonl`` that `training.confidence` keeps: the twelve passages read for each question, with their
spans. hit@k: the text of the best k x 110 words of these passages holds an accepted answer; so of hit@20 and beyond
nothing can be said. A passage counts as its best span does in the fitted ranking of answers, joined with equal spans
of other passages.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import numpy as np

from bench.retrieval import words_to_answer
from index.passages import Passage
from index.runtime import read_model_folder
from qa.confidence import Confidence
from qa.evidence import features_of, group_spans
from qa.expectation import fit
from qa.reader import Reading, Span
from qa.retriever import Hit
from qa.scoring import Share

CUTS = (1, 3, 5, 10)


def order(row: dict, confidence: Confidence) -> list[int]:
    """Numbers of the passages of one question, the one with the best answer first."""
    hits = [Hit(**{**found["hit"], "passage": Passage(**found["hit"]["passage"])}) for found in row["hits"]]
    readings = [Reading(tuple(map(tuple, f["reading"]["spans"])), f["reading"]["null"]) for f in row["hits"]]
    days = {
        (hit.passage, hit.passage.start + start): day
        for hit, found in zip(hits, row["hits"], strict=True)
        for (start, _, _), day in zip(found["reading"]["spans"], found["days"], strict=True)
    }

    def date_of(span: Span) -> str | None:
        return days[span.passage, span.start]

    best = {hit.passage: float("-inf") for hit in hits}
    for group in group_spans(hits, readings, [found["text"] for found in row["hits"]], date_of).values():
        rank = confidence.rank(features_of([found[:3] for found in group], fit(row["question"], group[0][3])))
        for span, *_ in group:
            best[span.passage] = max(best[span.passage], rank)
    return sorted(range(len(hits)), key=lambda number: -best[hits[number].passage])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("seen", type=Path)
    parser.add_argument("--reader", type=Path, default=Path("qa/models/reader"))
    args = parser.parse_args()
    confidence = Confidence.from_settings(read_model_folder(args.reader)["confidence"])
    words: dict[tuple[str, str], list[float]] = defaultdict(list)
    with args.seen.open(encoding="utf-8") as lines:
        next(lines)  # what it was made of
        for line in lines:
            row = json.loads(line)
            texts = [found["text"] for found in row["hits"]]
            if row["answers"] and texts:
                answers = tuple(row["answers"])
                words[row["file"], "as fused"].append(words_to_answer(texts, answers))
                reordered = [texts[number] for number in order(row, confidence)]
                words[row["file"], "re-ranked"].append(words_to_answer(reordered, answers))
    print(f"| questions | n | way | {' | '.join(f'hit@{k}' for k in CUTS)} |\n|---|---|---|{'---|' * len(CUTS)}")
    for (file, way), found in words.items():
        shares = [Share.of(np.array(found) <= k * 110) for k in CUTS]
        cells = [f"{100 * s.value:.1f} [{100 * s.interval[0]:.1f}, {100 * s.interval[1]:.1f}]" for s in shares]
        print(f"| {file} | {len(found)} | {way} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
