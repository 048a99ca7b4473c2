"""Verbatim beside Haystack 3 and txtai: the same articles, embedding model, reader weights and questions.

    python -m bench.side_by_side INDEX HF_READER WORK QUESTIONS... [--articles 1000] [--questions 300]

One command does it all. INDEX is where articles are taken from, HF_READER the trained reader in the Hugging Face
layout, WORK a folder for virtual environments (made once, from the package index that pip is set to use) and results.
The articles are those that the questions need, and others at random with a fixed seed. All three get Verbatim's
passages with their articles' titles in front, are asked one question after the other on the same two cores, and
must answer: what is scored is the first answer's text, as SQuAD scores it. Each tool runs in a process and an
environment of its own, in fp32 and in bfloat16, at the settings that its documentation recommends; its worker in
bench/peers says which. A row marked "with token types" repairs what Haystack's reader leaves out of BERT's input.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.million import to_line
from bench.sampling import Sample, answerable, take_sample
from index.build import SPLITTER
from index.embedder import load_embedder, locate_model
from index.passages import split_article
from index.runtime import weights_hash
from index.store import Store
from qa.assistant import READ
from qa.questions import Question, read_questions
from qa.scoring import Mean, exact_match, f1

WORKERS = Path(__file__).parent / "peers"
TORCH = "torch==2.13.0"  # first and by itself: a range takes a build for graphics cards
PACKAGES = {
    "haystack": ["haystack-ai==3.4.0", "transformers-haystack==2.0.0", "sentence-transformers-haystack==2.0.0"],
    # From 9.9 on txtai decodes spans itself, and ends with a TypeError where a reader trained on SQuAD 2.0 finds no
    # answer. This is the last release that leaves it to transformers, which in turn dropped that pipeline in 5.3.
    "txtai": ["txtai==9.8.0", "transformers==4.57.6"],
}


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the result: which worker, and what is set for it."""

    name: str
    worker: str
    precision: str
    token_types: bool = False
    context: int = 3  # matches that txtai joins and reads; 3 is its default


RUNS = (  # each tool at its best first: at full size the first five take half an hour, all an hour
    Run("Verbatim", "verbatim", "bf16"),
    Run("Haystack, with token types", "haystack", "fp32", token_types=True),
    Run("txtai", "txtai", "fp32"),
    Run("Haystack, with token types", "haystack", "bf16", token_types=True),
    Run("txtai, 12 matches", "txtai", "bf16", context=READ),
    Run("Verbatim", "verbatim", "fp32"),
    Run("Haystack", "haystack", "fp32"),
    Run("Haystack", "haystack", "bf16"),
    Run("txtai, 12 matches", "txtai", "fp32", context=READ),
)


def make_environment(tool: str, folder: Path) -> Path:
    """The Python of a tool's virtual environment, made and filled if it is not there."""
    if tool == "verbatim":
        return Path(sys.executable)
    python = folder / tool / "bin" / "python"
    if not (folder / tool / ".complete").exists():
        print(f"installing {', '.join(PACKAGES[tool])} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / tool], check=True)
        for packages in ([TORCH], [TORCH, *PACKAGES[tool]]):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        (folder / tool / ".complete").touch()
    return python


def write_work(sample: Sample, args: argparse.Namespace) -> dict:
    """The work that every run shares; articles and passages lie in files."""
    articles = args.work / "articles.jsonl"
    articles.write_text("".join(map(to_line, sample.articles)), encoding="utf-8")
    passages = [
        f"{article.title}. {article.text[passage.start : passage.end]}"
        for article in sample.articles
        for passage in split_article(article.id, article.text, SPLITTER["size"], SPLITTER["overlap"])
    ]
    model = Store(args.index).open().manifest.embedder
    load_embedder(model, args.cache)  # prepared once, outside of what is measured
    return {
        "articles": str(articles),
        "passages": passages,
        "questions": [question.text for question in sample.questions],
        "embedder": str(locate_model(model)),
        "reader": str(args.reader),
        "reader_fingerprint": weights_hash(args.reader),
        "read": READ,
        "cache": str(args.cache),
        "work": str(args.work),
    }


def run_worker(run: Run, task: dict, args: argparse.Namespace) -> dict | None:
    """What a worker found, None if it failed."""
    python = make_environment(run.worker, args.work / "env")
    name = "-".join(("".join(c if c.isalnum() else "_" for c in run.name.lower()), run.precision))
    given, came, log = (args.work / f"{name}.{ending}" for ending in ("in.json", "out.json", "log"))
    settings = {"precision": run.precision, "token_types": run.token_types, "context": run.context}
    given.write_text(json.dumps(task | settings), encoding="utf-8")
    came.unlink(missing_ok=True)
    with log.open("w") as file:
        worker = WORKERS / f"{run.worker}_worker.py"
        process = subprocess.run([python, worker, given, came], stdout=file, stderr=subprocess.STDOUT, check=False)
    if process.returncode or not came.exists():
        print(f"{run.name} in {run.precision} failed; {log} says why", file=sys.stderr, flush=True)
        return None
    return json.loads(came.read_text(encoding="utf-8"))


def row(run: Run, result: dict, questions: tuple[Question, ...]) -> str:
    pairs = list(zip(result["answers"], (question.answers for question in questions), strict=True))
    scores = [Mean.of([100 * score(text, answers) for text, answers in pairs]) for score in (exact_match, f1)]
    p50, p95 = np.percentile(result["seconds"], (50, 95)) * 1000
    cells = [run.name, run.precision]
    cells += [f"{mean.value:.1f} [{mean.interval[0]:.1f}, {mean.interval[1]:.1f}]" for mean in scores]
    cells += [sum(not text for text in result["answers"]), f"{p50:.0f} ms", f"{p95:.0f} ms"]
    cells += [f"{result['build_seconds']:.0f} s", f"{result['build_mib']:.0f} MiB", f"{result['peak_mib']:.0f} MiB"]
    return f"| {' | '.join(map(str, cells))} | {os.getloadavg()[0]:.1f} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("index", type=Path)
    parser.add_argument("reader", type=Path, help="folder with config.json, model.safetensors and tokenizer.json")
    parser.add_argument("work", type=Path, help="folder for environments and results")
    parser.add_argument("questions", type=Path, nargs="+")
    parser.add_argument("--articles", type=int, default=1000)
    parser.add_argument("--count", type=int, default=300, help="questions asked at most (300)")
    parser.add_argument("--only", nargs="*", default=["verbatim", "haystack", "txtai"], help="tools to run (all)")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/verbatim").expanduser())
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    args.work, args.reader = args.work.resolve(), args.reader.resolve()
    asked = list(itertools.chain.from_iterable(read_questions(path) for path in args.questions))
    plain = [question for question in asked if question.answers and not question.history]
    generation = Store(args.index).open()
    sample = take_sample(generation, answerable(plain, generation, args.count), args.articles)
    questions = sample.questions
    task = write_work(sample, args)
    print(f"{len(sample.articles)} articles, {len(task['passages'])} passages, {len(questions)} questions")
    print("| tool | precision | EM | F1 | no answer | p50 | p95 | build | memory, build | memory, most | load |")
    print(f"|{'---|' * 11}", flush=True)
    failed = 0
    for run in RUNS:
        if run.worker in args.only:
            result = run_worker(run, task, args)
            failed += result is None
            if result:
                print(row(run, result, questions), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
