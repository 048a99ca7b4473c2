"""News sense: dates told from the question alone, questions about a period, values that moved, and what it all costs.

    python -m bench.news_sense NEWSCHAT QUIZ --index INDEX [--quiz 300] [--rounds 1]

NEWSCHAT is the folder with `single.jsonl`, `unanswerable.jsonl`, `dates.jsonl` and `changing.jsonl`, QUIZ a JSON Lines
file of questions with `answers` and `date`. Every question is asked with `abstain` off; "given" beside a share counts
an answer only if it would have been given. "Without" asks with `dates` off, and for times also without the history of
values. A changing value is right where the first answer is the last value listed, in an article after the last but one;
answers from articles after the last one listed are printed, to be read by eye: not every article is listed.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

from bench.dates import read_lines, same_days
from index.articles import Article
from qa.assistant import READ, READ_FIRST, Answer, Assistant, Evidence, Reply, Request
from qa.evidence import Candidate
from qa.moving import find_moving
from qa.periods import Period
from qa.reader import Reading
from qa.retriever import Hit, texts_of
from qa.scoring import exact_match
from qa.values import Value, agree, read_name, read_number
from server.loading import open_archive, read_settings


class Plain(Assistant):
    """The same assistant without the history of values."""

    def read(
        self,
        question: str,
        hits: Sequence[Hit],
        articles: Mapping[str, Article],
        period: Period | None = None,
        find_since: Callable[[date], Sequence[Hit]] = lambda day: (),
    ) -> Evidence:
        hits = tuple(hits[:READ])
        readings: list[Reading] = []
        candidates: list[Candidate] = []
        for first, last in ((0, READ_FIRST), (READ_FIRST, READ)):
            readings += self.reader.read(question, texts_of(hits[first:last], articles))
            candidates = self._join(question, hits, readings, articles)
            if len(hits) <= last or (candidates and candidates[0].confidence >= 0.6):
                break
        return Evidence(hits, articles, tuple(candidates))


def ask(assistant: Assistant, item: dict, dates: bool = True) -> Reply:
    asked_on = date.fromisoformat(item["date"].replace("/", "-")) if item.get("date") else None
    return assistant.ask(Request(item["question"], asked_on=asked_on, abstain=False, dates=dates))


def is_right(reply: Reply, item: dict) -> bool:
    return bool(reply.answers) and exact_match(reply.answers[0].text, item["answers"]) == 1


def share(right: int, of: int) -> str:
    return f"{right} of {of} ({100 * right / max(1, of):.1f} %)"


def check_when(assistant: Assistant, items: list[dict]) -> None:
    first = three = given = 0
    for item in items:
        reply = ask(assistant, item)
        hits = [same_days(answer.resolved_date, item["resolved"]) for answer in reply.answers[:3]]
        sure = bool(reply.answers) and reply.answers[0].confidence >= assistant.threshold
        first, three, given = first + any(hits[:1]), three + any(hits), given + (any(hits) and sure)
    print(f"dates resolved exactly, in the first three answers: {share(three, len(items))}")
    print(f"  in the first: {share(first, len(items))}; in the first three and given: {share(given, len(items))}")


def check_constraints(assistant: Assistant, items: list[dict]) -> None:
    replies = [(ask(assistant, item), ask(assistant, item, dates=False)) for item in items]
    with_dates = sum(is_right(reply, item) for (reply, _), item in zip(replies, items, strict=True))
    without = sum(is_right(reply, item) for (_, reply), item in zip(replies, items, strict=True))
    print(f"questions about a period, right first: {share(with_dates, len(items))}")
    print(f"  the same without the date logic: {share(without, len(items))}")
    for (reply, other), item in zip(replies, items, strict=True):
        if not is_right(reply, item):
            said = [answer.text for answer in (*reply.answers[:1], *other.answers[:1])]
            print(f"  {item['id']}: {said}, not {item['answers'][0]!r}: {item['question']}")


def check_harm(assistant: Assistant, items: list[dict]) -> None:
    harmed, helped, before, named = [], [], 0, 0
    for item in items:
        reply, without = ask(assistant, item), ask(assistant, item, dates=False)
        right, was = is_right(reply, item), is_right(without, item)
        before += was
        harmed += [(item, reply)] if was and not right else []
        helped += [(item, reply)] if right and not was else []
        named += reply.understood is not None
    print(
        f"harmed by the date logic: {share(len(harmed), len(items))}; helped: {len(helped)}; right without it: {before}"
    )
    print(
        f"  in {named} a period was understood; of these harmed: {_understood(harmed)}, helped: {_understood(helped)}"
    )
    for item, reply in harmed:
        words = reply.searched_for[reply.understood.start_in : reply.understood.end_in] if reply.understood else ""
        print(f"  {item.get('id', item.get('question_id', ''))} {words!r}: {item['question']}")


def _understood(asked: list[tuple[dict, Reply]]) -> int:
    return sum(reply.understood is not None for _, reply in asked)


def read_value(text: str) -> Value | None:
    return read_number(text, 0, len(text)) or read_name(text)


def says(text: str, wanted: str) -> bool:
    one, other = read_value(text), read_value(wanted)
    return one is not None and other is not None and agree(one, other)


def day_of(answer: Answer) -> str:
    return answer.citations[0].article.published.isoformat()[:10]


def check_changing(assistant: Assistant, items: list[dict]) -> None:
    right = newest = given = 0
    to_read = []
    for item in items:
        reply = ask(assistant, item)
        *older, last = item["values"]
        first = reply.answers[0]
        told = any(says(each.text, value["answer"]) for each in first.earlier for value in older)
        after = day_of(first) > older[-1]["published"].replace("/", "-")
        is_last = says(first.text, last["answer"]) and after
        is_newer = not is_last and day_of(first) > last["published"].replace("/", "-")
        newest += is_last
        right += is_last and told
        given += is_last and told and first.confidence >= assistant.threshold
        history = [f"{each.text} ({each.citations[0].article.published.isoformat()[:10]})" for each in first.earlier]
        mark = "right" if is_last and told else "newer?" if is_newer and told else "wrong"
        to_read += [item["id"]] if is_newer and told else []
        print(f"  {item['id']} {mark}: {first.text} ({day_of(first)}), {first.status}, before: {'; '.join(history)}")
    print(f"newest listed value first, an older one superseded: {share(right, len(items))}; given: {given}")
    print(f"  newest first: {newest}; from articles newer than any listed, to be read: {len(to_read)} {to_read}")


def check_fixed(assistant: Assistant, items: list[dict]) -> None:
    """Questions whose answer does not move: how many are given a history all the same?"""
    shown = []
    for item in items:
        if find_moving(item["question"]) is not None:
            reply = ask(assistant, item)
            shown += [item["id"] for answer in reply.answers[:1] if answer.earlier or answer.status != "current"]
    print(f"histories or conflicts shown for questions that ask for no value that moves: {len(shown)} {shown}")


def check_time(assistant: Assistant, plain: Assistant, items: list[dict], rounds: int) -> None:
    """Both in turn, question by question, so that what else the machine does weighs on both alike."""
    added, kinds = [], []
    for item in items:
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for place, (one, dates) in enumerate(((assistant, True), (plain, False))):
                begun = time.perf_counter()
                ask(one, item, dates)
                times[place].append(1000 * (time.perf_counter() - begun))
        added.append(min(times[0]) - min(times[1]))
        kinds.append(find_moving(item["question"]) is not None)
    moving = [each for each, kind in zip(added, kinds, strict=True) if kind]
    others = [each for each, kind in zip(added, kinds, strict=True) if not kind]
    for name, each in (("all", added), ("asking for a value that moves", moving), ("others", others)):
        if each:
            print(f"added a question, p50, {name}: {statistics.median(each):.1f} ms over {len(each)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("newschat", type=Path)
    parser.add_argument("questions", type=Path)
    parser.add_argument("--index", type=Path, required=True)
    parser.add_argument("--quiz", type=int, default=300, help="questions of QUIZ that are asked")
    parser.add_argument("--rounds", type=int, default=1, help="times that each question is timed; the least counts")
    parser.add_argument("--only", nargs="*", default=["when", "constraint", "changing", "fixed", "harm", "time"])
    options = parser.parse_args()
    files = {
        name: read_lines(options.newschat / f"{name}.jsonl") for name in ("single", "unanswerable", "dates", "changing")
    }
    assistant = open_archive(read_settings(index=options.index)).assistant()
    plain = Plain(assistant.generation, assistant.retriever._embedder, assistant.reader, assistant.confidence)
    quiz = read_lines(options.questions)[: options.quiz]
    when, constraint = ([each for each in files["dates"] if each["kind"] == kind] for kind in ("when", "constraint"))
    parts: dict[str, Callable[[], None]] = {
        "when": lambda: check_when(assistant, when),
        "constraint": lambda: check_constraints(assistant, constraint),
        "changing": lambda: check_changing(assistant, files["changing"]),
        "fixed": lambda: check_fixed(assistant, files["single"] + files["unanswerable"]),
        "harm": lambda: check_harm(assistant, files["single"] + quiz),
        "time": lambda: check_time(assistant, plain, files["single"] + files["changing"], options.rounds),
    }
    for name in options.only:
        parts[name]()


if __name__ == "__main__":
    main()
