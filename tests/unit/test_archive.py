"""An archive goes on answering while generations come, go and break."""

import pytest

import qa.archive
from index.errors import DamagedIndex, IncompatibleIndex, NoIndex
from index.store import Store
from qa.archive import Archive
from qa.assistant import Request
from tests.fakes import BagOfWords, PhraseReader, article, generation_of

CONFIDENCE = {"ranking": {"span": 1.0}, "weights": {"rank": 1.0}, "threshold": 0.5}
QUESTION = Request("Where was the cat found?")


class Models:
    """Counts how often models are loaded."""

    def __init__(self, embedder=None):
        self.loaded = 0
        self.embedder = embedder or BagOfWords()

    def __call__(self):
        self.loaded += 1
        reader = PhraseReader({"in the harbour": 3.0, "on the roof": 3.0})
        reader.settings = {"confidence": CONFIDENCE}
        return self.embedder, reader


@pytest.fixture(autouse=True)
def always_look(monkeypatch):
    monkeypatch.setattr(qa.archive, "_LOOK_EVERY", 0.0)


def build(folder, text: str):
    return generation_of(folder, [article("cat", text)])


def test_no_index_is_told_and_found_once_it_is_there(tmp_path):
    archive = Archive(tmp_path, Models())
    for _ in range(2):
        with pytest.raises(NoIndex):
            archive.ask(QUESTION)
    build(tmp_path, "The cat was found in the harbour.")
    assert archive.ask(QUESTION).answers[0].text == "in the harbour"


def test_a_newer_generation_is_taken_and_models_are_loaded_once(tmp_path):
    models = Models()
    archive = Archive(tmp_path, models)
    first = build(tmp_path, "The cat was found in the harbour.")
    assert archive.ask(QUESTION).generation == first.id
    second = build(tmp_path, "The cat was found on the roof.")
    reply = archive.ask(QUESTION)
    assert (reply.generation, reply.answers[0].text) == (second.id, "on the roof")
    assert archive.info().generation == second.id
    assert models.loaded == 1


def test_a_damaged_newer_generation_leaves_the_open_one_serving(tmp_path):
    archive = Archive(tmp_path, Models())
    first = build(tmp_path, "The cat was found in the harbour.")
    archive.ask(QUESTION)
    second = build(tmp_path, "The cat was found on the roof.")
    with (second.folder / "articles.sqlite").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff\xff")
    reply = archive.ask(QUESTION)
    assert (reply.generation, reply.answers[0].text) == (first.id, "in the harbour")


def test_a_damaged_index_is_not_read_again_for_each_question(tmp_path, monkeypatch):
    generation = build(tmp_path, "The cat was found in the harbour.")
    with (generation.folder / "vectors.faiss").open("r+b") as file:
        file.write(b"\xff\xff")
    opened = []
    monkeypatch.setattr(Store, "open", lambda *_: opened.append(1) or generation)
    archive = Archive(tmp_path, Models())
    for _ in range(3):
        with pytest.raises(DamagedIndex):
            archive.ask(QUESTION)
    assert len(opened) == 1


def test_an_index_of_another_embedder_is_refused_with_what_to_do(tmp_path):
    build(tmp_path, "The cat was found in the harbour.")
    archive = Archive(tmp_path, Models(BagOfWords(name="other", fingerprint="bag-2")))
    with pytest.raises(IncompatibleIndex, match="--full"):
        archive.ask(QUESTION)
