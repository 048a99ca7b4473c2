"""The real models: as good as what they were made from, without PyTorch once prepared, refused once altered."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from index.embedder import DEFAULT_MODEL, SentenceEmbedder, export_embedder, load_embedder, locate_model
from index.errors import ModelError
from index.runtime import SETTINGS, read_model_folder
from qa import followups
from qa.conversation import Turn, resolve
from qa.followups import FollowupClassifier, open_vectors, term, terms
from qa.reader import SHIPPED, SpanReader, load_reader
from tests.fakes import real_classifier, real_embedder, real_reader

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TEXTS = [
    "The harbour bridge will open on 4 May, the city said on Monday.",
    "Harbour bridge to open in spring. It cost 212 million euros, 40 million more than planned.",
    "When will the harbour bridge open?",
    "Yes.",
    "",
    "🌉 Żółć, naïve café — “quoted”; 3.5 % of $1,879.",
    "東京は晴れです。",
    "The council met again and talked about the budget, the parks and the price of bread. " * 40,
    *(f"Article {n} tells of town{n} and what happened there " + "day after day " * n for n in range(24)),
]


@pytest.fixture(scope="module")
def embedder(request) -> SentenceEmbedder:
    return real_embedder(request.config)


@pytest.fixture
def exported(embedder, tmp_path) -> Path:
    """A copy of the prepared embedder, to be altered."""
    return Path(shutil.copytree(embedder._folder, tmp_path / "embedder"))


class TestEmbedder:
    def test_it_agrees_with_sentence_transformers(self, embedder):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(locate_model(DEFAULT_MODEL)), device="cpu", local_files_only=True)
        expected = model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False, batch_size=8)
        batch = embedder.embed(TEXTS)
        single = np.concatenate([embedder.embed([text]) for text in TEXTS])
        assert np.sum(batch * expected, axis=1).min() > 0.9995
        assert np.sum(single * expected, axis=1).min() > 0.9995

    def test_it_ranks_as_sentence_transformers_does(self, embedder):
        question, *passages = embedder.embed([TEXTS[2], TEXTS[0], TEXTS[1], TEXTS[3], TEXTS[9]])
        scores = [float(question @ passage) for passage in passages]
        assert scores[0] > scores[1] > max(scores[2:])

    def test_what_was_prepared_once_is_used_again(self, request, embedder):
        said = []
        cache = request.config.cache.mkdir("verbatim-models")
        again = load_embedder(DEFAULT_MODEL, cache, say=said.append)
        assert said == []
        assert again.fingerprint == embedder.fingerprint
        assert (again.name, again.dimensions) == (DEFAULT_MODEL, 384)

    def test_the_long_name_is_the_same_model(self):
        assert locate_model(f"sentence-transformers/{DEFAULT_MODEL}") == locate_model(DEFAULT_MODEL)

    @pytest.mark.parametrize("name", ["no-such-model", "no-such/model", "/no/such/folder", "", "../.."])
    def test_an_unknown_model_is_refused_without_a_download(self, tmp_path, name):
        with pytest.raises(ModelError):
            load_embedder(name, tmp_path)

    def test_a_folder_that_is_no_model_is_refused_and_leaves_nothing(self, tmp_path):
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "config.json").write_text("{}")
        with pytest.raises(ModelError) as caught:
            load_embedder(str(tmp_path / "model"), tmp_path / "cache")
        assert "\n" not in str(caught.value)
        assert not list((tmp_path / "cache").rglob("*"))

    def test_changed_weights_have_another_fingerprint(self, embedder, tmp_path):
        from safetensors.numpy import load_file, save_file

        model = Path(shutil.copytree(locate_model(DEFAULT_MODEL), tmp_path / "model"))
        weights = model / "model.safetensors"
        tensors = load_file(weights)
        name = next(name for name in tensors if name.endswith("word_embeddings.weight"))
        tensors[name] = tensors[name] + np.float32(0.01)
        save_file(tensors, weights, metadata={"format": "pt"})
        export_embedder("changed", model, tmp_path / "exported")
        assert SentenceEmbedder(tmp_path / "exported").fingerprint != embedder.fingerprint


@pytest.mark.parametrize("file", ["model.xml", "model.bin", "tokenizer.json"])
def test_an_altered_embedder_is_refused(exported, file):
    data = bytearray((exported / file).read_bytes())
    data[len(data) // 2] ^= 1
    (exported / file).write_bytes(bytes(data))
    with pytest.raises(ModelError, match=file):
        SentenceEmbedder(exported)


@pytest.mark.parametrize("file", ["model.xml", "model.bin", "tokenizer.json", SETTINGS])
def test_an_incomplete_embedder_is_refused(exported, file):
    (exported / file).unlink()
    with pytest.raises(ModelError):
        SentenceEmbedder(exported)


@pytest.mark.parametrize("settings", ["", "{", "[]", "null", "{}", '{"files": []}'])
def test_broken_settings_are_refused(exported, settings):
    (exported / SETTINGS).write_text(settings)
    with pytest.raises(ModelError):
        SentenceEmbedder(exported)


class TestReader:
    def test_the_shipped_reader_is_whole(self):
        real_reader()
        settings = read_model_folder(SHIPPED)
        files = {path.name for path in SHIPPED.iterdir()} - {SETTINGS, "README.md", "LICENSE", "model-card.md"}
        assert files == settings["files"].keys()
        assert settings["confidence"].keys() >= {"ranking", "weights", "threshold"}
        assert 0 < settings["confidence"]["threshold"] < 1

    @pytest.mark.parametrize(
        ("question", "answer"),
        [
            ("When will the harbour bridge open?", "4 May"),
            ("How much did the bridge cost?", "212 million euros"),
            ("Who called the bridge a gift?", "Ilse Brandt"),
            ("When was the old bridge built?", "1911"),
        ],
    )
    def test_it_reads_plain_sentences(self, question, answer):
        text = (
            "The new harbour bridge will open on 4 May, the city said on Monday. It cost 212 million euros, 40 million "
            "more than planned. Mayor Ilse Brandt called the bridge “a gift to the eastern quarter”. "
            "The old bridge, built in 1911, stays open to walkers."
        )
        (reading,) = real_reader().read(question, [("Harbour bridge to open in spring", text)])
        start, end, score = reading.spans[0]
        assert answer in text[start:end]
        assert len(text[start:end]) < len(answer) + 30
        assert score > reading.null

    def test_an_altered_reader_is_refused(self, tmp_path):
        real_reader()
        folder = Path(shutil.copytree(SHIPPED, tmp_path / "reader"))
        file = next(name for name in read_model_folder(folder)["files"] if name != "tokenizer.json")
        data = bytearray((folder / file).read_bytes())
        data[-1] ^= 1
        (folder / file).write_bytes(bytes(data))
        with pytest.raises(ModelError, match="altered"):
            SpanReader(folder)

    def test_another_model_must_be_a_folder_of_one(self, tmp_path):
        with pytest.raises(ModelError, match=r"config\.json"):
            load_reader(str(tmp_path), tmp_path / "cache")
        (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
        with pytest.raises(ModelError) as caught:
            load_reader(str(tmp_path), tmp_path / "cache")
        assert "\n" not in str(caught.value)


class TestFollowups:
    CHAIN = (
        Turn("Who will open the harbour bridge in Kalvik in May 2024?", "Mayor Ilse Brandt"),
        Turn("What did it cost?", "212 million euros"),
    )

    def test_the_shipped_model_is_whole_and_small(self):
        settings = read_model_folder(followups.SHIPPED)
        files = {path.name for path in followups.SHIPPED.iterdir()}
        assert files == {*settings["files"], SETTINGS, "README.md"}
        assert sum(path.stat().st_size for path in followups.SHIPPED.iterdir()) < 22_000_000
        assert sum(path.stat().st_size for path in SHIPPED.parent.rglob("*")) < 70_000_000

    def test_a_pronoun_is_replaced(self):
        resolved = resolve("How old is she?", self.CHAIN[:1], real_classifier())
        assert "Ilse Brandt" in resolved

    @pytest.mark.parametrize(
        ("question", "words"),
        [("Why?", {"harbour", "bridge"}), ("How long is it?", {"bridge"}), ("And in 2025?", {"bridge", "2025"})],
    )
    def test_what_is_left_out_is_added(self, question, words):
        resolved = resolve(question, self.CHAIN[:1], real_classifier())
        assert {term(word) for word in words} <= terms(resolved)

    @pytest.mark.parametrize(
        "question",
        [
            "Which country won the most medals at the 2022 Winter Olympics?",
            "When did Mary Robinson sell her house in Dublin?",
            "How many people live in Reykjavik?",
        ],
    )
    def test_a_question_that_stands_alone_is_left_alone(self, question):
        assert resolve(question, self.CHAIN, real_classifier()) == question

    def test_an_altered_model_is_refused(self, tmp_path):
        folder = Path(shutil.copytree(followups.SHIPPED, tmp_path / "followups"))
        data = bytearray((folder / "model.onnx").read_bytes())
        data[-1] ^= 1
        (folder / "model.onnx").write_bytes(bytes(data))
        with pytest.raises(ModelError, match="altered"):
            FollowupClassifier(folder)

    @pytest.mark.parametrize("setting", ["word_vectors", "tokenizer"])
    def test_another_package_is_refused(self, tmp_path, setting):
        folder = Path(shutil.copytree(followups.SHIPPED, tmp_path / "followups"))
        settings = json.loads((folder / SETTINGS).read_text())
        (folder / SETTINGS).write_text(json.dumps(settings | {setting: "0" * 64}))
        with pytest.raises(ModelError, match="install"):
            FollowupClassifier(folder)

    def test_a_package_without_word_vectors_is_refused(self, tmp_path):
        with pytest.raises(ModelError, match="install"):
            open_vectors(tmp_path)
        (tmp_path / "model.safetensors").write_bytes(b"x" * 100)
        with pytest.raises(ModelError, match="install"):
            open_vectors(tmp_path)


def test_torch_is_not_imported_once_everything_is_prepared(request, embedder):
    """It would cost every start seconds and half a gigabyte."""
    real_reader()
    cache = request.config.cache.mkdir("verbatim-models")
    code = f"""
import sys
from pathlib import Path
from index.embedder import DEFAULT_MODEL, load_embedder
from qa.followups import load_classifier
from qa.reader import load_reader
embedder = load_embedder(DEFAULT_MODEL, Path({str(cache)!r}))
assert embedder.embed(["one", "two"]).shape == (2, 384)
assert load_reader(None, Path({str(cache)!r})).read("Who came?", [("", "Rex came.")])[0].spans
assert load_classifier().mark("Why?", ["Who came?"]).leans > 0.5
print(*sorted({{"torch", "transformers", "sentence_transformers", "huggingface_hub"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr
