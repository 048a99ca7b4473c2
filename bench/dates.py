"""How many dates are told right, given the right words? And how long does it take?

    python -m bench.dates QUESTIONS ARTICLES [--rounds 20]

QUESTIONS is a JSON Lines file of dates: `when` items with `answers`, `published` and `resolved`, and `constraint`
items whose `resolved` is the period that the question names. ARTICLES holds their articles, one a line. For each
`when` item the first accepted answer that occurs in its article is resolved in its place. Dates are compared by
their first and last day. Prints every miss.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from qa.dates import resolve_date
from qa.days import parse_stretch
from qa.periods import find_period


def read_lines(path: Path) -> list[dict]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def same_days(one: str | None, other: str) -> bool:
    """Whether two dates or intervals mean the same days, however they are written."""
    if one is None:
        return False
    first, second = parse_stretch(one), parse_stretch(other)
    return (first.start, first.end) == (second.start, second.end)


def place(text: str, answers: list[str]) -> tuple[int, int]:
    """Where the first of the answers that occurs stands; ValueError if none does."""
    for answer in answers:
        if (start := text.find(answer)) >= 0:
            return start, start + len(answer)
    raise ValueError(f"none of {answers} stands in the article")


def microseconds(calls: list[Callable[[], object]], rounds: int) -> float:
    """The least mean time of a call over some rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.perf_counter()
        for call in calls:
            call()
        best = min(best, (time.perf_counter() - begun) / len(calls))
    return best * 1e6


def check_spans(items: list[dict], texts: dict[str, str], rounds: int) -> None:
    right, calls = 0, []
    for item in items:
        text, published = texts[item["article_id"]], date.fromisoformat(item["published"].replace("/", "-"))
        start, end = place(text, item["answers"])
        found = resolve_date(text, start, end, published)
        right += same_days(found, item["resolved"])
        calls.append(lambda text=text, start=start, end=end, day=published: resolve_date(text, start, end, day))
        if not same_days(found, item["resolved"]):
            shown = f"{text[max(0, start - 60) : start]}[{text[start:end]}]{text[end : end + 30]}".replace("\n", " ")
            print(f"  {item['id']} of {published}: {found}, not {item['resolved']}: {shown}")
    print(f"resolved: {right} of {len(items)}; {microseconds(calls, rounds):.0f} microseconds each")


def check_questions(items: list[dict], rounds: int) -> None:
    """Exact where the days are the very ones; holding where the period at least contains them."""
    exact = holding = 0
    calls = []
    for item in items:
        asked_on, meant = date.fromisoformat(item["published"].replace("/", "-")), parse_stretch(item["resolved"])
        period = find_period(item["question"], asked_on)
        days = (period.start, period.end) if period else (None, None)
        exact += days == (meant.start, meant.end)
        holds = None not in days and days[0] <= meant.start and meant.end <= days[1]
        holding += holds
        calls.append(lambda question=item["question"], day=asked_on: find_period(question, day))
        if days != (meant.start, meant.end):
            kind = period.kind if period else "no period"
            print(f"  {item['id']}: {kind} {days[0]}/{days[1]}, not {item['resolved']}: {item['question']}")
    print(f"period found exactly: {exact}, holding the days meant: {holding}, of {len(items)}; ", end="")
    print(f"{microseconds(calls, rounds):.0f} microseconds each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("questions", type=Path)
    parser.add_argument("articles", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    items = read_lines(options.questions)
    wanted = {item["article_id"] for item in items}
    texts = {one["id"]: one["text"] for one in read_lines(options.articles) if one["id"] in wanted}
    check_spans([item for item in items if item["kind"] == "when"], texts, options.rounds)
    check_questions([item for item in items if item["kind"] == "constraint"], options.rounds)


if __name__ == "__main__":
    main()
