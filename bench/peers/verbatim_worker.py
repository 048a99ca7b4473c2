"""This project, as `verbatim index` and `verbatim ask --always` run it."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parent)]

# ruff: noqa: E402
from measured import work

from index import runtime
from index.build import build_index
from index.embedder import load_embedder
from index.store import Store
from qa.assistant import Assistant, Request
from qa.confidence import Confidence
from qa.reader import SHIPPED, SpanReader, load_reader


def build(task: dict) -> Callable[[str], str]:
    if task["precision"] == "fp32":
        runtime.precision = lambda: "f32"
    cache = Path(task["cache"])
    embedder = load_embedder(task["embedder"], cache)
    folder = Path(tempfile.mkdtemp(dir=task["work"])) / "index"
    build_index([Path(task["articles"])], folder, embedder)
    reader = SpanReader(SHIPPED)
    if reader.settings["fingerprint"] != task["reader_fingerprint"]:  # other weights than the shipped ones
        reader = load_reader(task["reader"], cache)
    confidence = Confidence.from_settings(reader.settings["confidence"])
    assistant = Assistant(Store(folder).open(), embedder, reader, confidence)

    def answer(question: str) -> str:
        answers = assistant.ask(Request(question, limit=1, abstain=False)).answers
        return answers[0].text if answers else ""

    return answer


if __name__ == "__main__":
    work(build, ("openvino", "faiss-cpu", "tantivy", "numpy"))
