"""The command as it is typed, with the shipped models, on the sample articles."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.store import Store

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
QUESTIONS = ROOT / "tests" / "data" / "sample_questions.jsonl"
COST = "How much did it cost to fix Kalvik's swing bridge?"
COST_ANSWER = "38.5 million kroner"
HEAVY = {"torch", "transformers", "sentence_transformers"}


class Terminal:
    """A folder in which commands are typed, each in a process of its own."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("VERBATIM_")}
        self.env |= {"XDG_CACHE_HOME": str(folder / "cache"), "XDG_DATA_HOME": str(folder), "PYTHONPATH": str(ROOT)}

    def type(self, *words: str | Path, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *python, "-m", "server.cli", *map(str, words)],
            cwd=self.folder,
            env=self.env,
            capture_output=True,
            text=True,
        )

    def type_well(self, *words: str | Path, python: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        done = self.type(*words, python=python)
        assert done.returncode == 0, done.stderr
        return done

    def type_json(self, *words: str | Path) -> dict:
        return json.loads(self.type_well(*words, "--json").stdout)

    @contextmanager
    def serve(self, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
        """The running process and its address."""
        log = (self.folder / "serve.log").open("w")
        typed = [sys.executable, "-X", "importtime", "-m", "server.cli", "serve", "--port", "0", *words]
        with (
            log,
            subprocess.Popen(
                typed, cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=log, text=True
            ) as process,
        ):
            try:
                yield process, re.search(r"http://\S+", process.stdout.readline())[0]
            finally:
                process.kill()


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """Where the samples are indexed."""
    terminal = Terminal(tmp_path_factory.mktemp("typed"))
    built = terminal.type_json("index", SAMPLES)
    assert built["skipped"] == []
    assert (built["added"], built["embedded"]) == (built["articles"], built["passages"])
    return terminal


def imported(log: str) -> set[str]:
    """Packages that ``python -X importtime`` saw."""
    return {name.partition(".")[0] for name in re.findall(r"^import time:.*\|\s+(\S+)$", log, re.MULTILINE)}


def test_an_answer_is_cited_to_the_letter(terminal):
    reply = terminal.type_json("ask", COST)
    assert reply["answers"][0]["text"] == COST_ANSWER
    generation = Store(terminal.folder / "verbatim-index").open()
    for answer in reply["answers"]:
        assert answer["text"] == answer["citations"][0]["quote"]
        for citation in answer["citations"]:
            text = generation.article(citation["article_id"]).text
            assert text[citation["start"] : citation["end"]] == citation["quote"]


def test_the_same_for_people(terminal):
    shown = terminal.type_well("ask", COST).stdout
    assert shown.startswith(COST_ANSWER + "\n")
    assert "[1] Kalvik's swing bridge reopens after 14 months of repairs, 4 March 2025" in shown


def test_asking_imports_no_torch(terminal):
    packages = imported(terminal.type_well("ask", COST, python=("-X", "importtime")).stderr)
    assert "openvino" in packages
    assert not packages & HEAVY


def test_serving_answers_imports_no_torch_and_ends_with_ctrl_c(terminal):
    with terminal.serve() as (process, address):
        body = json.dumps({"question": COST}).encode()
        asking = urllib.request.Request(f"{address}/ask", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asking) as response:
            assert json.load(response)["answers"][0]["text"] == COST_ANSWER
        with urllib.request.urlopen(f"{address}/") as response:  # begins to look for suggestions
            assert response.status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    log = (terminal.folder / "serve.log").read_text()
    assert log.splitlines()[-1] == "stopped"
    assert "openvino" in imported(log)
    assert not imported(log) & HEAVY


def test_serving_before_there_is_an_index_says_what_to_type(terminal):
    with terminal.serve("--index", "none-yet") as (_, address):
        page = urllib.request.Request(f"{address}/", headers={"Accept": "text/html"})
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(page):
            pass
        with refused.value as response:
            assert response.code == 503
            assert "verbatim index" in response.read().decode()


def test_every_citation_given_to_the_sample_questions_is_true(terminal):
    report = terminal.type_json("eval", QUESTIONS)
    assert report["citations"]["valid"]["total"] > 0
    assert report["citations"]["miscited"] == []


def test_a_life_with_damage_and_a_way_back(terminal):
    first = terminal.type_json("info")
    second = terminal.type_json("index", SAMPLES)
    assert (second["embedded"], second["reused"]) == (0, first["passages"])
    assert terminal.type_json("verify")["sound"]
    name = f"generations/{second['generation']}/vectors.faiss"
    file = terminal.folder / "verbatim-index" / name
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    damaged = terminal.type("verify")
    assert (damaged.returncode, damaged.stdout) == (1, name + "\n")
    assert terminal.type_json("info")["damaged"] == [name]
    answered = terminal.type("ask", COST)
    assert (answered.returncode, answered.stdout.startswith(COST_ANSWER)) == (0, True)
    assert f"generation {first['generation']} answers instead" in answered.stderr
    assert "vectors.faiss is damaged" in answered.stderr
    assert terminal.type_json("rollback") == {"generation": first["generation"]}
    assert terminal.type_json("ask", COST)["answers"][0]["text"] == COST_ANSWER


def test_whoever_stops_reading_early_ends_it_quietly(terminal):
    shell = f"{sys.executable} -m server.cli info --json | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=terminal.folder, env=terminal.env, capture_output=True, text=True)
    assert done.returncode in (0, 1)
    assert done.stderr == ""
