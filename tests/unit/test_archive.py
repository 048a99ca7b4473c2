"""An archive goes on answering while generations come, go and break."""

import time

import pytest

import qa.archive
import qa.inspection
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


class TestDamage:
    """Nothing is answered from what is known to be damaged; the newest sound generation stands in."""

    @pytest.fixture(autouse=True)
    def at_once(self, monkeypatch):
        monkeypatch.setattr(qa.inspection, "_PATIENCE", 0.0)
        monkeypatch.setattr(qa.inspection, "_PAUSE", 0.0)

    @pytest.mark.parametrize("file", ["articles.sqlite", "vectors.faiss", "days.npy", "manifest.json"])
    def test_found_on_opening(self, tmp_path, file):
        first = build(tmp_path, "The cat was found in the harbour.")
        second = build(tmp_path, "The cat was found on the roof.")
        flip(second.folder / file)
        archive = Archive(tmp_path, Models())
        reply, info = archive.ask_with_info(QUESTION)
        assert (reply.generation, reply.answers[0].text) == (first.id, "in the harbour")
        assert info.generation == first.id
        assert archive.info().damaged == (f"generations/{second.id}/{file}",)

    def test_the_pointer(self, tmp_path):
        build(tmp_path, "The cat was found in the harbour.")
        second = build(tmp_path, "The cat was found on the roof.")
        flip(tmp_path / "CURRENT")
        archive = Archive(tmp_path, Models())
        assert archive.ask(QUESTION).generation == second.id
        assert archive.info().damaged == ("CURRENT",)
        Store(tmp_path).swap(second.id)
        archive.ask(QUESTION)
        assert archive.info().damaged == ()

    @pytest.mark.parametrize("file", ["articles.sqlite", "embeddings.npy", "keys.npy", "manifest.json"])
    def test_found_in_the_background(self, tmp_path, file):
        first = build(tmp_path, "The cat was found in the harbour.")
        second = build(tmp_path, "The cat was found on the roof.")
        archive = Archive(tmp_path, Models())
        assert archive.ask(QUESTION).generation == second.id
        flip(second.folder / file)
        archive.inspector.inspect(second.id)  # as it is once more after some hours
        wait_until(lambda: archive.info().damaged)
        reply = archive.ask(QUESTION)
        assert (reply.generation, reply.answers[0].text) == (first.id, "in the harbour")
        assert archive.info().damaged == (f"generations/{second.id}/{file}",)
        assert archive.info().generation == first.id
        third = build(tmp_path, "The cat was found on the roof.")
        assert archive.ask(QUESTION).generation == third.id

    def test_older_generations_are_looked_through_too(self, tmp_path):
        first = build(tmp_path, "The cat was found in the harbour.")
        flip(first.folder / "vectors.faiss")
        second = build(tmp_path, "The cat was found on the roof.")
        archive = Archive(tmp_path, Models())
        assert archive.ask(QUESTION).generation == second.id
        wait_until(lambda: archive.info().damaged == (f"generations/{first.id}/vectors.faiss",))
        assert archive.ask(QUESTION).generation == second.id

    def test_an_answer_under_way_is_given_anew(self, tmp_path, monkeypatch):
        first = build(tmp_path, "The cat was found in the harbour.")
        second = build(tmp_path, "The cat was found on the roof.")
        archive = Archive(tmp_path, Models())
        archive.ask(QUESTION)
        ask, asked = qa.archive.Assistant.ask, []

        def ask_while_damage_is_found(self, request):
            asked.append(self.generation.id)
            archive.inspector.condemn(DamagedIndex(second.folder / "articles.sqlite", "found meanwhile"))
            return ask(self, request)

        monkeypatch.setattr(qa.archive.Assistant, "ask", ask_while_damage_is_found)
        assert archive.ask(QUESTION).generation == first.id
        assert asked == [second.id, first.id]

    def test_when_none_is_sound_that_is_said(self, tmp_path):
        generation = build(tmp_path, "The cat was found in the harbour.")
        archive = Archive(tmp_path, Models())
        archive.ask(QUESTION)
        flip(generation.folder / "keys.npy")
        archive.inspector.inspect(generation.id)
        wait_until(archive.inspector.damaged)
        for _ in range(2):
            with pytest.raises(DamagedIndex, match="verbatim verify"):
                archive.ask(QUESTION)
        build(tmp_path, "The cat was found on the roof.")
        assert archive.ask(QUESTION).answers[0].text == "on the roof"

    def test_a_generation_that_a_build_removed_is_not_damaged(self, tmp_path):
        first = build(tmp_path, "The cat was found in the harbour.")
        archive = Archive(tmp_path, Models())
        archive.ask(QUESTION)
        build(tmp_path, "The cat was found on the roof.")
        Store(tmp_path).prune(1)
        archive.inspector.inspect(first.id)
        assert not archive.inspector.condemn(DamagedIndex(first.folder / "keys.npy", "gone"))
        assert archive.ask(QUESTION).answers[0].text == "on the roof"
        assert archive.info().damaged == ()

    def test_what_is_kept_aside_never_stands_in(self, tmp_path):
        first = build(tmp_path, "The cat was found in the harbour.")
        second = build(tmp_path, "The cat was found on the roof.")
        Store(tmp_path).swap(first.id)
        Store(tmp_path).set_aside(second.id, "it answers less")
        flip(first.folder / "articles.sqlite")
        with pytest.raises(DamagedIndex):
            Archive(tmp_path, Models()).ask(QUESTION)


def flip(path) -> None:
    """Changes the last bit of a file."""
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))


def wait_until(happened) -> None:
    for _ in range(1000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")
