"""What an index lives through: processes killed, files damaged, many articles, few changes.

    python -m bench.torture kills [--count 200]         SIGKILL at moments spread over all stages of a rebuild
    python -m bench.torture damage [--count 2000]       flipped bits and cut ends in every file of an index
    python -m bench.torture size [--count 100000]       generated articles, indexed; needs a few GB of disk
    python -m bench.torture change [--count 600]        1 % of the articles changed, against a full build
    python -m bench.torture all                         all four

Each prints one line of JSON with what was counted, and exits 1 if anything was not as it must be. The stages are
the real ones, the articles generated; the first three embed with counted words, ``change`` with the real model.
"""

import argparse
import json
import logging
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.generated import WordCounts, make_article, write_articles
from index import disk
from index.build import build_index
from index.errors import DamagedIndex, NoIndex
from index.store import Store

ARTICLES = 120
CHANGED = range(0, ARTICLES, 11)
GIGABYTE = 1 << 30


class Failed(Exception):
    """The index did not do what it must."""


def require(held: bool, what: str) -> None:
    if not held:
        raise Failed(what)


# Kills


class Moments:
    """Counts what a build does, steps of writing and calls of progress alike, and ends its group at one of them."""

    def __init__(self, counter, last: int | None = None):
        self._counter, self._last = counter, last
        self.stage = "opening"
        self.seen: list[str] = []

    def progress(self, stage: str, done: int, total: int | None) -> None:
        self.stage = stage
        self._count()

    def step(self, kind: str, path: Path) -> None:
        if kind == "rename" and path.name == "CURRENT":
            self.stage = "swapping"
        elif kind == "remove" and self.stage == "swapping":
            self.stage = "pruning"
        self._count()

    def _count(self) -> None:
        self.seen.append(self.stage)
        self._counter.value = len(self.seen)
        if len(self.seen) == self._last:
            os.killpg(0, signal.SIGKILL)


def rebuild(folder: str, counter, last: int | None, seen=None) -> None:
    """The process that is killed: a group of its own, into which it also starts what takes Markdown apart."""
    os.setsid()
    moments = Moments(counter, last)
    counter.value = 0
    with disk.watched(moments.step):
        build_index([Path(folder) / "news"], Path(folder) / "index", WordCounts(32), keep=2, progress=moments.progress)
    if seen is not None:
        seen.send(moments.seen)


def write_news(folder: Path, version: int) -> None:
    write_articles(folder / "news", ARTICLES, CHANGED, version, words=120)
    (folder / "news" / "note.md").write_text(f"---\ntitle: Note\n---\nVersion {version} of the note.")


def expected_texts(version: int) -> dict[str, str]:
    changed = set(CHANGED)
    articles = (make_article(n, version if n in changed else 0, words=120) for n in range(ARTICLES))
    return {article["id"]: article["text"] for article in articles}


def check_index(folder: Path, versions: tuple[int, ...]) -> int:
    """Opens the index, reads all of it, and tells which version it holds: all of one and nothing of another."""
    store = Store(folder / "index")
    generation = store.open()
    generation.check()
    require(store.verify() == [], f"damaged: {store.verify()}")
    texts = {article.id: article.text for article, _ in generation.sourced_articles()}
    note = next(text for name, text in texts.items() if not name.startswith("article-"))
    version = int(note.split()[1])
    require(version in versions, f"version {version}, not one of {versions}")
    found = {name: text for name, text in texts.items() if name.startswith("article-")}
    require(found == expected_texts(version), f"articles are lost or mixed in version {version}")
    check_search(generation, version)
    return version


def check_search(generation, version: int) -> None:
    """Both indexes lead to the passages of this version."""
    question = f"Version {version} of article 11."
    rows, _ = generation.lexical().search(question, 5)
    nearest, _ = generation.dense().search(WordCounts(32).embed([question]), 5)
    for passage in generation.passages([*rows, *nearest]):
        require(0 <= passage.start < passage.end, "a passage is out of its article")
    texts = [generation.article(p.article_id).text[p.start : p.end] for p in generation.passages(rows)]
    require(any(question in text for text in texts), "the changed article is not found by its words")


def check_tidy(folder: Path) -> None:
    store = Store(folder / "index")
    names = {path.name for path in store.folder.iterdir()}
    require(names <= {"CURRENT", "LOCK", "generations"}, f"left in the folder: {sorted(names)}")
    require(sorted(path.name for path in store.generations.iterdir()) == store.complete(), "generations are left over")
    for name in store.complete():
        opened = store.open(store.pointer_to(name))
        held = {path.relative_to(opened.folder).as_posix() for path in opened.folder.rglob("*") if path.is_file()}
        require(held == {*opened.manifest.files, "manifest.json"}, f"files are left over in {name}")


def choose_moments(stages: list[str], count: int) -> list[int]:
    """``count`` numbers of moments, from 1, as many of each stage as there are to have; the swap in full."""
    numbers: dict[str, list[int]] = {}
    for number, stage in enumerate(stages, 1):
        numbers.setdefault(stage, []).append(number)
    chosen: list[int] = []
    left = count
    for done, (_, places) in enumerate(sorted(numbers.items(), key=lambda item: len(item[1]))):
        share = min(len(places), left // (len(numbers) - done))
        chosen += [places[i * len(places) // share] for i in range(share)]
        left -= share
    return sorted(chosen)


def run_kills(count: int, folder: Path) -> dict:
    """Three quarters at a counted moment, a quarter by the clock, in the midst of what libraries do."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["index.build", "bench.generated", "faiss", "tantivy", "filelock"])
    write_news(folder, 0)
    build_index([folder / "news"], folder / "index", WordCounts(32), keep=2)
    write_news(folder, 1)
    dry_run(context, folder)
    write_news(folder, 0)
    build_index([folder / "news"], folder / "index", WordCounts(32), keep=2)
    write_news(folder, 1)
    stages, seconds = dry_run(context, folder)  # the second one, when everything is loaded
    counted = choose_moments(stages, count - count // 4)
    chance = random.Random(5)
    timed = [chance.uniform(0, seconds) for _ in range(count - len(counted))]
    killed, outcome, version = Counter(), Counter(), 1
    for moment in [*counted, *timed]:
        before, version = version, version + 1
        write_news(folder, version)
        stage = kill_once(context, folder, moment, stages)
        killed[stage] += 1
        found = check_index(folder, (before, version))
        outcome["completed" if stage == "ended" else "old" if found == before else "new"] += 1
        build_index([folder / "news"], folder / "index", WordCounts(32), keep=2)
        require(check_index(folder, (version,)) == version, "the next build is not the newest")
        check_tidy(folder)
    return {"kills": count, "of_these_counted": len(counted), "by_the_clock": len(timed), "moments": len(stages)} | {
        "stages": dict(killed),
        "opened_as": dict(outcome),
    }


def dry_run(context, folder: Path) -> tuple[list[str], float]:
    """The stage of each moment of a rebuild that is left alone, and its seconds."""
    receive, send = context.Pipe(False)
    counter = context.Value("i", -1)  # held here, or it is gone before the process looks for it
    process = context.Process(target=rebuild, args=(str(folder), counter, None, send))
    began = time.perf_counter()
    process.start()
    send.close()
    try:
        stages = receive.recv()
    except EOFError:
        raise Failed("a rebuild that was left alone did not end well") from None
    process.join()
    return stages, time.perf_counter() - began


def kill_once(context, folder: Path, moment: int | float, stages: list[str]) -> str:
    """Starts a rebuild that ends at ``moment``, a number of a moment or seconds. Returns the stage it was in."""
    counter = context.Value("i", -1)
    last = moment if isinstance(moment, int) else None
    process = context.Process(target=rebuild, args=(str(folder), counter, last))
    process.start()
    if last is None:
        time.sleep(moment)
        while counter.value < 0 and process.is_alive():
            time.sleep(0.001)
        with suppress(ProcessLookupError):  # it was quicker
            os.killpg(process.pid, signal.SIGKILL)
    process.join()
    if process.exitcode == 0:
        return "ended"
    require(process.exitcode == -signal.SIGKILL, f"the rebuild ended with {process.exitcode}")
    return stages[min(counter.value, len(stages)) - 1] if counter.value > 0 else "opening"


# Damage


def run_damage(count: int, folder: Path) -> dict:
    """Each change is undone after it was looked for; every file has its share."""
    index = folder / "index"
    for version in (1, 2):
        write_news(folder, version)
        build_index([folder / "news"], index, WordCounts(32), keep=2)
    files = sorted(path for path in index.rglob("*") if path.is_file() and not path.name.startswith("LOCK"))
    chance = random.Random(11)
    counted = Counter(files=len(files))
    # Large files are where bits are lost; small ones are where one bit matters most: half by number, half by size.
    sizes = [max(1, path.stat().st_size) for path in files]
    for number in range(count):
        path = files[number % len(files)] if number % 2 else chance.choices(files, sizes)[0]
        kind = "truncated" if number % 4 == 3 else "flipped"
        with damaged(path, kind, chance):
            check_verify(index, path, by_command=number % max(1, count // 10) == 0, counted=counted)
            if number % 4 == 0 or number < 2 * len(files):
                check_answers(index, path, counted)
        counted[kind] += 1
    require(Store(index).verify() == [], "the changes were not undone")
    return dict(counted)


@contextmanager
def damaged(path: Path, kind: str, chance: random.Random) -> Iterator[None]:
    before = path.read_bytes()
    after = bytearray(before)
    if kind == "flipped":
        after[chance.randrange(len(after))] ^= 1 << chance.randrange(8)
    else:
        del after[chance.randrange(len(after)) :]
    path.write_bytes(after)
    try:
        yield
    finally:
        path.write_bytes(before)


def check_verify(index: Path, path: Path, by_command: bool, counted: Counter) -> None:
    name = path.relative_to(index).as_posix()
    if by_command:
        command = [sys.executable, "-m", "server.cli", "verify", "--index", str(index)]
        done = subprocess.run(command, capture_output=True, text=True)
        status, said, told = done.returncode, done.stdout, done.stderr
        counted["verified_by_command"] += 1
    else:
        from click.testing import CliRunner

        from server.cli import main

        result = CliRunner().invoke(main, ["verify", "--index", str(index)])
        require(isinstance(result.exception, SystemExit), f"{name}: {result.exception!r}")
        status, said, told = result.exit_code, result.stdout, result.stderr
        counted["verified"] += 1
    require(status == 1 and name in said.splitlines(), f"{name} is not named: {status} {said} {told}")
    require("Traceback" not in told and told.count("\n") == 1, f"{name}: {told}")


def check_answers(index: Path, path: Path, counted: Counter) -> None:
    """An archive that was opened over the damage and has looked through everything answers from sound files only."""
    from qa.archive import Archive
    from qa.assistant import Request
    from tests.fakes import PhraseReader

    reader = PhraseReader({"Version 1": 3.0, "Version 2": 3.0})
    weights = {"ranking": {"span": 1.0}, "weights": {"rank": 1.0}, "threshold": 0.5}
    reader.settings = {"confidence": weights}
    archive = Archive(index, lambda: (WordCounts(32), reader))
    request = Request("Which version is article 11 of?")
    newest = Store(index).complete()[-1]
    place = path.relative_to(index).parts
    hit = place[1] if place[0] == "generations" else None
    first = archive.ask(request)
    for generation in Store(index).complete():
        while not archive.inspector.look_through(generation):
            pass  # its own thread begins at the same time, and has the right of way
    reply = archive.ask(request)
    require(archive.info().damaged == ("/".join(place),), f"damage told: {archive.info().damaged}, not {place}")
    require(reply.generation != hit, f"answered from {hit}, of which {path.name} is damaged")
    require(hit == newest or reply.generation == newest, "an older generation answers without need")
    counted["answered_before_it_was_known" if first.generation == hit else "never_answered_from"] += 1
    for answer in reply.answers:
        for citation in answer.citations:
            quoted = citation.article.text[citation.start : citation.end]
            require(quoted == citation.quote and quoted in ("Version 1", "Version 2"), f"false quote {quoted!r}")
            counted["citations"] += 1


# Size and change


def run_size(count: int, folder: Path) -> dict:
    """In this process, whose peak of memory is told: run it by itself."""
    write_articles(folder / "news", count)
    began = time.perf_counter()
    report = build_index([folder / "news"], folder / "index", WordCounts())
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    require(report.articles == count and not report.skipped, f"{report.articles} of {count} articles")
    require(peak < 4 * GIGABYTE, f"{peak / GIGABYTE:.2f} GB of memory")
    size = Store(folder / "index").info().size_bytes
    return {"articles": count, "passages": report.passages, "minutes": round(seconds / 60, 1)} | {
        "peak_memory_mb": peak >> 20,
        "index_mb": size >> 20,
    }


def run_change(count: int, folder: Path, cache: Path) -> dict:
    """The same articles in two indexes: one brought up to date, one built in full."""
    from index.embedder import DEFAULT_MODEL, load_embedder

    embedder = load_embedder(DEFAULT_MODEL, cache)
    embedder.embed(["warm", "up"])
    changed = range(0, count, 100)
    write_articles(folder / "news", count, words=500)
    build_index([folder / "news"], folder / "changed", embedder)
    write_articles(folder / "news", count, changed, version=1, words=500)
    took = {}
    for name in ("changed", "full"):
        began = time.perf_counter()
        report = build_index([folder / "news"], folder / name, embedder)
        took[name] = time.perf_counter() - began
        if name == "changed":
            require(report.changed == len(changed), f"{report.changed} changed articles, not {len(changed)}")
            embedded = report.embedded
    same = compare(folder, embedder, count)
    return {"articles": count, "changed": len(changed), "passages": report.passages, "embedded": embedded} | {
        "seconds": round(took["changed"], 2),
        "seconds_in_full": round(took["full"], 2),
        "share": round(took["changed"] / took["full"], 4),
        "questions_with_the_same_hits": same,
    }


def compare(folder: Path, embedder, count: int) -> int:
    """Asks both indexes the same questions; every hit must be the same passage with the same scores."""
    from qa.retriever import HybridRetriever

    retrievers = [HybridRetriever(Store(folder / name).open(), embedder) for name in ("changed", "full")]
    numbers = [*range(0, count, 100), *random.Random(3).sample(range(count), min(100, count))]
    for number in numbers:
        article = make_article(number, 1 if number % 100 == 0 else 0, words=500)
        question = f"What of {article['title']}: {article['text'].split('.')[2][:80]}?"
        one, other = ([(hit.passage, hit.score) for hit in each.retrieve(question, 12)] for each in retrievers)
        require(one == other, f"the two indexes differ for {question!r}")
    return len(numbers)


def run(name: str, count: int | None, cache: Path) -> dict:
    with tempfile.TemporaryDirectory(prefix="torture-") as made:
        folder = Path(made)
        if name == "kills":
            return run_kills(count or 200, folder)
        if name == "damage":
            return run_damage(count or 2000, folder)
        if name == "size":
            return run_size(count or 100_000, folder)
        return run_change(count or 600, folder, cache)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=["kills", "damage", "size", "change", "all"])
    parser.add_argument("--count", type=int, help="how many; see above")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser(), help="of prepared models")
    given = parser.parse_args()
    if given.name == "all":  # each in a process of its own, for its memory
        command = [sys.executable, "-m", "bench.torture", "--cache", str(given.cache)]
        return max(subprocess.run([*command, name]).returncode for name in ("kills", "damage", "change", "size"))
    logging.disable()  # of damage, which is what it is all about
    began = time.perf_counter()
    try:
        found = run(given.name, given.count, given.cache)
    except (Failed, DamagedIndex, NoIndex) as error:
        print(json.dumps({"torture": given.name, "failed": str(error)}))
        return 1
    print(json.dumps({"torture": given.name} | found | {"took_seconds": round(time.perf_counter() - began)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
