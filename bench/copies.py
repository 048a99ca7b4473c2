"""Copies: how many known pairs are found, how many there are at all, what it costs, and pairs to read by eye.

    python -m bench.copies ARTICLES [--duplicates FILE] [--pairs FILE] [--near FILE]

``--duplicates`` is JSON Lines whose ``article_ids`` are articles of one text. ``--pairs`` writes 200 found
pairs of unequal texts, drawn at random (all if fewer), with what differs; ``--near`` the pairs whose signatures
are most alike among those that were read and refused.
"""

import argparse
import json
import random
import re
import time
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from index.articles import Article, Found, read_articles
from index.copies import are_copies, find_copies
from index.passages import split_sentences
from index.signatures import signature

SHOWN = 200
Pair = tuple[str, str]


def pairs_of(groups: Iterable[Sequence[str]]) -> list[Pair]:
    return [pair for group in groups for pair in combinations(sorted(group), 2)]


def explain(one: Article, other: Article, limit: int = 12) -> str:
    """Both articles' data and, - and +, the sentences of each that the other lacks, case and punctuation aside."""
    lines = [f"== {article.id} | {article.published} | {article.title} | {article.url}" for article in (one, other)]
    sides = [
        {" ".join(re.findall(r"\w+", text[a:b].lower())): text[a:b] for a, b in split_sentences(text)}
        for text in (one.text, other.text)
    ]
    for mark, mine, theirs in (("-", *sides), ("+", *reversed(sides))):
        own = [sentence for key, sentence in mine.items() if key not in theirs]
        lines += [f"{mark}{sentence[:200]}" for sentence in own[:limit]]
        lines += [f"{mark}({len(own) - limit} more)"] * (len(own) > limit)
    return "\n".join([*lines, ""])


def nearest(
    ids: Sequence[str], signatures: np.ndarray, found: set[Pair], texts: dict[str, str]
) -> list[tuple[float, Pair]]:
    """(estimated Jaccard, pair) of all pairs at .4 or more that are in no group, most alike first."""
    near = []
    for row in range(len(ids)):
        alike = (signatures[row + 1 :] == signatures[row]).mean(axis=1)
        for place in np.flatnonzero(alike >= 0.4):
            pair = tuple(sorted((ids[row], ids[row + 1 + place])))
            if pair not in found and texts[pair[0]].strip():
                near.append((float(alike[place]), pair))
    return sorted(near, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("articles", type=Path, nargs="+")
    parser.add_argument("--duplicates", type=Path)
    parser.add_argument("--pairs", type=Path)
    parser.add_argument("--near", type=Path)
    args = parser.parse_args()
    articles = {item.article.id: item.article for item in read_articles(args.articles) if isinstance(item, Found)}
    ids, texts = list(articles), {article.id: article.text for article in articles.values()}

    began = time.process_time()
    signatures = np.stack([signature(texts[article_id]) for article_id in ids])
    signed = time.process_time() - began
    typical = [text for text in texts.values() if 850 <= len(text.split()) <= 950][:200]
    took = []
    for text in typical:
        began = time.process_time_ns()
        signature(text)
        took.append((time.process_time_ns() - began) / 1000)
    reads = []

    def text_of(article_id: str) -> str:
        reads.append(article_id)
        return texts[article_id]

    began = time.process_time()
    groups = find_copies(ids, signatures, text_of)
    grouped = time.process_time() - began
    found = set(pairs_of(groups))
    unequal = [pair for pair in sorted(found) if texts[pair[0]] != texts[pair[1]]]
    print(f"{len(ids)} articles: {1e6 * signed / len(ids):.0f} us of processor time each for the signature")
    p50, p95 = np.percentile(took or [0], (50, 95))
    print(f"of 850 to 950 words ({len(took)} articles): p50 {p50:.0f} us, p95 {p95:.0f} us")
    print(f"find_copies: {grouped:.2f} s, {1e6 * grouped / len(ids):.0f} us an article, {len(reads)} texts read")
    print(f"{len(groups)} groups, the largest {max(map(len, groups), default=0)}; {len(found)} pairs")
    print(f"{len(unequal)} pairs of unequal texts, in {sum(len({texts[i] for i in g}) > 1 for g in groups)} groups")
    print(f"{sum(not are_copies(*(texts[i] for i in pair)) for pair in unequal)} of them only by way of a third text")
    if args.duplicates:
        known = pairs_of(json.loads(line)["article_ids"] for line in args.duplicates.open(encoding="utf-8"))
        print(f"{sum(pair in found for pair in known)} of {len(known)} pairs in {args.duplicates.name} found")
    if args.pairs:
        drawn = random.Random(0).sample(unequal, min(SHOWN, len(unequal)))
        args.pairs.write_text("\n".join(explain(*(articles[i] for i in pair)) for pair in drawn), encoding="utf-8")
    if args.near:
        near = nearest(ids, signatures, found, texts)[:SHOWN]
        shown = [f"{alike:.2f}\n{explain(*(articles[i] for i in pair))}" for alike, pair in near]
        args.near.write_text("\n".join(shown), encoding="utf-8")


if __name__ == "__main__":
    main()
