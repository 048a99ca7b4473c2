"""Questions with known answers put to an index or to the reader alone: ``verbatim eval`` and ``--golden``."""

import math
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import GoldenFailed, IncompatibleIndex, IndexFault
from server.loading import open_archive, open_reader
from server.terminal import Progress, say

if TYPE_CHECKING:
    from index.embedder import SentenceEmbedder
    from index.generation import Generation
    from qa.questions import Question
    from qa.report import ReadingReport, Report
    from server.settings import Settings


def read_all_questions(paths: Iterable[Path]) -> "list[Question]":
    from qa.questions import read_questions

    return [question for path in paths for question in read_questions(path)]


def evaluate_index(questions: "Sequence[Question]", settings: "Settings") -> "Report":
    from qa.evaluate import evaluate

    assistant = open_archive(settings).assistant()
    with Progress() as progress:
        return evaluate(
            questions, assistant, assistant.retriever, assistant.generation, progress=partial(progress, "asking")
        )


def evaluate_reader(questions: "Sequence[Question]", settings: "Settings") -> "ReadingReport":
    """The reader alone: confidence is the odds of its best span against there being no answer."""
    from qa.evaluate import evaluate_reading

    reader = open_reader(settings)

    def answer_in(question: str, context: str) -> tuple[str, float]:
        reading = reader.read_text(question, context)
        if not reading.spans:
            return "", 0.0
        start, end, score = reading.spans[0]
        return context[start:end], 1 / (1 + math.exp(min(700.0, reading.null - score)))

    with Progress() as progress:
        return evaluate_reading(questions, answer_in, progress=partial(progress, "reading questions"))


def check_golden(
    questions: "Sequence[Question]",
    settings: "Settings",
    embedder: "SentenceEmbedder",
    progress: "Progress",
    new: "Generation",
) -> None:
    """
    Raises:
        GoldenFailed: ``new`` cites falsely, or gives fewer right answers than the generation in use.
    """
    from index.store import Store
    from qa.assistant import Assistant
    from qa.confidence import Confidence
    from qa.evaluate import evaluate

    reader = open_reader(settings)
    confidence = Confidence.from_settings(reader.settings["confidence"])

    def measure(generation: "Generation", stage: str) -> "Report":
        assistant = Assistant(generation, embedder, reader, confidence, settings.threshold)
        return evaluate(questions, assistant, archive=generation, progress=partial(progress, stage))

    found = measure(new, "asking the new index")
    if found.miscited:
        raise GoldenFailed(f"the new index cites falsely for the question {found.miscited[0]}", new.id)
    try:
        old = Store(settings.index).open()
        if old.manifest.fingerprint != embedder.fingerprint:
            raise IncompatibleIndex(f"the index in use was made with {old.manifest.embedder}")
        before = measure(old, "asking the index in use").overall.em
    except IndexFault as error:
        say(f"only citations were checked: {error}")
        return
    if found.overall.em.count < before.count:
        raise GoldenFailed(
            f"the new index answers {found.overall.em.count} of {len(questions)} golden questions right, "
            f"the one in use {before.count}",
            new.id,
        )
