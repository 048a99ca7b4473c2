"""The command line, over real indexes on disk, with models whose output can be worked out by hand."""

import json
import os
import re
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from index.build import BuildReport
from index.errors import NoIndex, UsageError
from index.store import Store
from qa.assistant import Citation, Request
from server import cli, listening, loading, terminal
from server.replies import write_reply
from tests.conftest import CARS, OPENS, FakeArchive
from tests.fakes import BagOfWords, PhraseReader

ROOT = Path(__file__).parents[2]
BRIDGE = "The bridge cost 212 million euros. Mayor Ilse Brandt opened it on Monday."
FERRY = "The ferry sails at noon. Its captain is Jon Vik."


class Reader(PhraseReader):
    """Finds the two names and the sum; its confidence is 1 / (1 + exp(-score))."""

    settings = {"confidence": {"ranking": {"span": 1.0}, "weights": {"rank": 1.0}, "threshold": 0.5}}

    def __init__(self):
        super().__init__({"212 million euros": 3.0, "Ilse Brandt": 2.0, "Jon Vik": 1.0, "noon": -2.0})


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands are typed. It holds ``news`` with two articles, and no index yet."""
    for name in [name for name in os.environ if name.startswith("VERBATIM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("index.embedder.load_embedder", lambda *_: BagOfWords())
    monkeypatch.setattr("qa.reader.load_reader", lambda *_: Reader())
    (tmp_path / "news").mkdir()
    write_articles(tmp_path, bridge=BRIDGE, ferry=FERRY)
    return tmp_path


def write_articles(desk: Path, **texts: str) -> None:
    records = [
        {"id": id, "title": f"The {id}", "text": text, "source": f"{id.title()} News", "published": "2024-09-09"}
        for id, text in texts.items()
    ]
    (desk / "news" / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))


def run(*typed: str) -> Result:
    return CliRunner().invoke(cli.main, typed)


def run_well(*typed: str) -> str:
    """Standard output of a command that must succeed."""
    result = run(*typed)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*typed: str) -> dict:
    return json.loads(run_well(*typed, "--json"))


def error_of(*typed: str, status: int = 1) -> str:
    """The one line that a failing command writes; standard output stays empty."""
    result = run(*typed)
    assert (result.exit_code, result.stdout) == (status, "")
    assert result.stderr.count("\n") == 1
    return result.stderr.strip()


def usage_error_of(*typed: str) -> str:
    result = run(*typed)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
    return result.stderr


def damage(file: Path) -> None:
    """Flips one bit in the middle."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


class TestHelp:
    def test_every_command_of_the_design_is_there(self):
        named = {"index", "remove", "ask", "serve", "eval", "feedback", "info", "verify", "rollback"}
        assert set(cli.main.commands) == named

    @pytest.mark.parametrize("name", sorted(cli.main.commands))
    def test_every_command_and_option_explains_itself(self, name):
        command = cli.main.commands[name]
        assert command.help
        assert not command.get_short_help_str(62).endswith("...")
        assert all(option.help for option in command.params if isinstance(option, click.Option))
        assert command.help.split("\n")[0] in run_well(name, "--help")

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("index", {"--index", "--full", "--strict", "--golden", "--json"}),
            ("remove", {"--index", "--generation"}),
            ("ask", {"--index", "--json", "--after", "--before", "--source", "--always"}),
            ("serve", {"--index", "--host", "--port"}),
            ("eval", {"--index", "--reading", "--json", "--predictions"}),
            ("info", {"--index", "--json"}),
            ("verify", {"--index", "--json"}),
            ("rollback", {"--index", "--json", "--to"}),
        ],
    )
    def test_options_are_those_of_the_design(self, name, options):
        params = cli.main.commands[name].params
        assert {opt for option in params if isinstance(option, click.Option) for opt in option.opts} == options

    def test_help_imports_nothing_heavy(self):
        script = "import sys; from server.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
        done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
        loaded = {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}
        heavy = {
            "numpy",
            "faiss",
            "torch",
            "openvino",
            "tokenizers",
            "tantivy",
            "fastapi",
            "pydantic",
            "uvicorn",
            "tqdm",
        }
        assert "click" in loaded
        assert not loaded & heavy

    @pytest.mark.parametrize("typed", [["nonsense"], ["index"], ["ask"], ["serve", "--port", "65536"], ["eval"]])
    def test_wrong_usage_exits_with_2(self, typed):
        usage_error_of(*typed)


class TestIndex:
    def test_tells_what_was_done_and_what_to_type_next(self, desk):
        lines = run_well("index", "news", "--index", "my index").splitlines()
        assert lines[0].startswith("2 articles, 2 passages (2 embedded, 0 reused), in ")
        assert lines[1] == "2 added, 0 changed, 0 removed"
        assert lines[2] == "next: verbatim ask \"QUESTION\" --index 'my index' or: verbatim serve --index 'my index'"
        assert len(lines) == 3

    def test_as_json(self, desk):
        (desk / "news" / "b.jsonl").write_text('{"title": "no text"}\n')
        built = run_json("index", "news")
        assert set(built) == set(BuildReport.__slots__)
        assert (built["articles"], built["added"], built["embedded"]) == (2, 2, 2)
        [skipped] = built["skipped"]
        assert skipped["path"].endswith("b.jsonl")
        assert skipped["line"] == 1
        assert built["generation"] == Store(desk / "verbatim-index").current()[0]

    def test_what_is_skipped_is_listed_to_twenty_and_counted(self, desk):
        (desk / "news" / "b.jsonl").write_text('{"title": "no text"}\n' * 23)
        lines = run_well("index", "news").splitlines()
        assert "23 skipped:" in lines
        assert sum(re.match(r"  \S+b\.jsonl:\d+: ", line) is not None for line in lines) == 20
        assert "  and 3 more; --json lists them all" in lines

    def test_strict_fails_at_the_first(self, desk):
        (desk / "news" / "b.jsonl").write_text('{"title": "no text"}\n')
        assert "b.jsonl:1: " in error_of("index", "news", "--strict")
        assert not (desk / "verbatim-index" / "CURRENT").exists()

    def test_paths_that_do_not_exist_leave_the_index_alone(self, desk):
        run_well("index", "news")
        assert error_of("index", "nwes") == "error: nwes: there is no such file or folder; check the path"
        assert run_json("info")["articles"] == 2

    @pytest.mark.parametrize("typed", [("",), ("news", ""), ("news", "--index", ""), ("news", "--golden", "")])
    def test_an_empty_path_is_not_the_folder_one_is_in(self, desk, typed):
        """A shell makes it of a variable that is not set."""
        assert "it is empty; name a file or folder" in usage_error_of("index", *typed)
        assert sorted(path.name for path in desk.iterdir()) == ["news"]

    def test_the_folder_one_is_in(self, desk):
        for _ in range(2):
            assert run_json("index", ".", "--strict")["articles"] == 2

    def test_why_nothing_could_be_reused(self, desk, monkeypatch):
        run_well("index", "news")
        monkeypatch.setattr("index.embedder.load_embedder", lambda *_: BagOfWords(name="other", fingerprint="bag-2"))
        assert "made anew, since the embedder is other, the last build's was bag of words" in run_well("index", "news")

    def test_settings_come_from_the_environment_too(self, desk, monkeypatch):
        monkeypatch.setenv("VERBATIM_INDEX", "elsewhere")
        run_well("index", "news")
        assert (desk / "elsewhere" / "CURRENT").exists()
        monkeypatch.setenv("VERBATIM_INDXE", "x")
        assert "VERBATIM_INDEX" in error_of("info")

    def test_what_the_system_refuses_is_one_line(self, desk):
        (desk / "file").write_text("")
        assert error_of("index", "news", "--index", "file/index").startswith("error: ")

    def test_ctrl_c_leaves_the_index_in_use(self, desk, monkeypatch):
        run_well("index", "news")
        before = run_json("info")

        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(BagOfWords, "embed", interrupt)
        write_articles(desk, bridge=BRIDGE + " More.")
        assert error_of("index", "news", status=130) == "stopped; nothing is left half done"
        assert run_json("info") | {"size_bytes": 0} == before | {"size_bytes": 0}
        assert len(list((desk / "verbatim-index" / "generations").iterdir())) == 1


class TestGolden:
    @pytest.fixture
    def questions(self, desk) -> str:
        lines = [
            {"question": "What did the bridge cost?", "answers": ["212 million euros"]},
            {"question": "Who is the captain?", "answers": ["Jon Vik"]},
        ]
        (desk / "golden.jsonl").write_text("\n".join(map(json.dumps, lines)))
        return "golden.jsonl"

    def test_an_index_that_answers_as_well_is_taken(self, desk, questions):
        run_well("index", "news", "--golden", questions)
        write_articles(desk, bridge=BRIDGE, ferry=FERRY, more="Nothing of note.")
        run_well("index", "news", "--golden", questions)
        assert run_json("info")["articles"] == 3

    def test_one_that_answers_less_is_not(self, desk, questions):
        run_well("index", "news", "--golden", questions)
        write_articles(desk, other="Nothing of note.")
        result = run("index", "news", "--golden", questions)
        assert result.exit_code == 1
        assert "answers 0 of 2 golden questions right, the one in use 1;" in result.stderr
        assert run_json("info")["articles"] == 2

    def test_what_was_refused_is_kept_aside(self, desk, questions):
        run_well("index", "news", "--golden", questions)
        first = run_json("info")["generation"]
        write_articles(desk, other="Nothing of note.")
        result = run("index", "news", "--golden", questions)
        aside, kept = run_json("info")["generations"]
        assert (aside["state"], kept["state"], kept["generation"]) == ("aside", "in use", first)
        assert "answers 0 of 2" in aside["reason"]
        assert f"take it with: verbatim rollback --to {aside['generation']}, or remove it with:" in result.stderr
        assert any("aside" in line and aside["generation"] in line for line in run_well("info").splitlines())
        assert "no older sound generation" in error_of("rollback")
        run_well("rollback", "--to", aside["generation"])
        assert run_json("info")["articles"] == 1
        run_well("rollback")
        assert run_json("info")["generation"] == first

    def test_what_was_refused_can_be_removed(self, desk, questions):
        run_well("index", "news", "--golden", questions)
        write_articles(desk, other="Nothing of note.")
        run("index", "news", "--golden", questions)
        aside, kept = [each["generation"] for each in run_json("info")["generations"]]
        assert "is in use" in error_of("remove", "--generation", kept)
        assert "there is no generation 'x'" in error_of("remove", "--generation", "x")
        assert run_well("remove", "--generation", aside) == f"generation {aside} is removed\n"
        assert [each["generation"] for each in run_json("info")["generations"]] == [kept]

    def test_questions_are_read_before_anything_is_built(self, desk):
        assert "cannot read none.jsonl" in error_of("index", "news", "--golden", "none.jsonl")
        assert not (desk / "verbatim-index").exists()

    def test_one_that_cites_falsely_is_not(self, desk, questions, monkeypatch):
        monkeypatch.setattr("qa.assistant.cite", lambda *place: Citation(*place, quote="never said"))
        result = run("index", "news", "--golden", questions)
        assert result.exit_code == 1
        assert "the new index cites falsely" in result.stderr
        assert not (desk / "verbatim-index" / "CURRENT").exists()

    def test_a_damaged_index_in_use_does_not_stand_in_the_way(self, desk, questions):
        run_well("index", "news")
        damage(desk / "verbatim-index" / "generations" / run_json("info")["generation"] / "vectors.faiss")
        result = run("index", "news", "--full", "--golden", questions)
        assert result.exit_code == 0
        assert "only citations were checked: " in result.stderr
        assert run_json("ask", "What did the bridge cost?")["answered"]

    def test_another_embedder_is_said_to_be_past_comparing(self, desk, questions, monkeypatch):
        run_well("index", "news")
        monkeypatch.setattr("index.embedder.load_embedder", lambda *_: BagOfWords(name="other", fingerprint="bag-2"))
        result = run("index", "news", "--golden", questions)
        assert result.exit_code == 0
        assert "only citations were checked: the index in use was made with bag of words" in result.stderr


class TestRemove:
    def test_takes_articles_out(self, desk):
        run_well("index", "news")
        assert "0 added, 0 changed, 1 removed" in run_well("remove", "ferry")
        assert run_json("info")["articles"] == 1

    def test_older_states_that_hold_them_go_too(self, desk):
        run_well("index", "news")
        write_articles(desk, bridge=BRIDGE)
        run_well("index", "news")
        assert "1 state of the index that held any of it removed" in run_well("remove", "ferry")
        assert len(run_json("verify")["generations"]) == 1

    def test_articles_or_a_generation_but_not_both(self, desk):
        for arguments in ((), ("ferry", "--generation", "x")):
            assert run("remove", *arguments).exit_code == 2

    def test_an_unknown_id_changes_nothing(self, desk):
        run_well("index", "news")
        assert "'nobody'" in error_of("remove", "ferry", "nobody")
        assert run_json("info")["articles"] == 2

    def test_the_last_article_stays(self, desk):
        run_well("index", "news")
        assert "no article would be left; to be rid of them all, remove this folder" in error_of(
            "remove", "ferry", "bridge"
        )

    def test_what_was_asked_loses_only_what_the_index_has_not(self, desk, monkeypatch):
        withdrawn = []
        monkeypatch.setattr("server.conversations.withdraw_articles", lambda folder, ids: withdrawn.append(ids))
        run_well("index", "news")
        error_of("remove", "ferry", "nobody")
        with Store(desk / "verbatim-index").lock():
            error_of("remove", "ferry")
        run_well("remove", "ferry")
        assert withdrawn == [["nobody"], [], ["ferry"]]

    def test_without_an_index_no_folder_is_made(self, desk):
        assert "make one with: verbatim index" in error_of("remove", "ferry")
        assert not (desk / "verbatim-index").exists()


class TestAsk:
    def test_for_people(self, desk):
        run_well("index", "news")
        lines = run_well("ask", "What did the bridge cost?").splitlines()
        assert lines[:5] == [
            "212 million euros",
            "  Very likely right, 95\u00a0%.",
            "  The bridge cost 212 million euros.",
            "  [1] The bridge, Bridge News, 9 September 2024",
            f"      article bridge, characters {BRIDGE.index('212')} to {BRIDGE.index('212') + 17}",
        ]

    def test_as_json_it_is_the_object_of_the_api(self, desk):
        run_well("index", "news")
        reply = run_json("ask", "What did the bridge cost?")
        archive = loading.open_archive(loading.read_settings())
        expected = write_reply(archive.ask(Request("What did the bridge cost?")), "id", archive.info())
        varying = ("conversation_id", "timings_ms")
        assert list(reply) == list(type(expected).model_fields)
        expected = expected.model_dump(mode="json")
        assert {k: v for k, v in reply.items() if k not in varying} == {
            k: v for k, v in expected.items() if k not in varying
        }
        for answer in reply["answers"]:
            for citation in answer["citations"]:
                text = archive.article(citation["article_id"]).text
                assert text[citation["start"] : citation["end"]] == citation["quote"]

    def test_no_answer_is_said_plainly_with_what_comes_closest(self, desk):
        write_articles(desk, ferry="The ferry sails at noon.")
        run_well("index", "news")
        result = run_well("ask", "When does the ferry sail?").splitlines()
        assert result[0] == "The archive does not say. These passages come closest."
        assert "      best words there: noon (Unlikely to be right, 12\u00a0%)" in result
        assert "      The ferry sails at noon." in result

    def test_always_shows_the_best_all_the_same(self, desk):
        write_articles(desk, ferry="The ferry sails at noon.")
        run_well("index", "news")
        assert run_well("ask", "When does the ferry sail?", "--always").splitlines()[0] == "noon"

    def test_filters(self, desk):
        run_well("index", "news")
        assert run_json("ask", "Who?", "--source", "Ferry News")["answers"][0]["text"] == "Jon Vik"
        assert run_json("ask", "Who?", "--source", "Ferry News", "--source", "Bridge News")["answers"][1:]
        assert run_json("ask", "Who?", "--after", "2024-09-10")["answers"] == []
        assert run_json("ask", "Who?", "--after", "2024-09-09", "--before", "2024-09-09")["answers"]

    def test_a_source_that_there_is_not_is_told(self, desk):
        run_well("index", "news")
        assert "a source that there is: 'Ferry News'" in error_of("ask", "Who?", "--source", "Fery News")

    def test_where_no_article_has_a_source_none_is_offered(self, desk):
        (desk / "news" / "a.jsonl").write_text('{"text": "Words."}')
        run_well("index", "news")
        assert "none names one: leave out --source" in error_of("ask", "Who?", "--source", "Ferry News")

    @pytest.mark.parametrize("day", ["2024-9-9", "20240909", "2024-02-30", "yesterday", "2024-W01-1"])
    def test_wrong_dates_are_wrong_usage(self, desk, day):
        assert "YYYY-MM-DD" in usage_error_of("ask", "Who?", "--after", day)

    def test_other_wrong_usage(self, desk):
        assert "swap them" in usage_error_of("ask", "Who?", "--after", "2024-02-02", "--before", "2024-02-01")
        assert "empty" in usage_error_of("ask", " ")
        assert "2,000" in usage_error_of("ask", "x" * 2001)

    def test_without_an_index_the_next_step_is_named(self, desk):
        assert "make one with: verbatim index" in error_of("ask", "Who?", "--json")


class TestShownReplies:
    """What only replies with everything in them show."""

    def show(self, question: str) -> list[str]:
        archive = FakeArchive()
        return list(terminal.describe_reply(write_reply(archive.ask(Request(question)), "id", archive.info())))

    def test_dates_conflicts_and_earlier_values(self):
        lines = self.show(OPENS)
        assert "  Very likely right, 94\u00a0%. That is 1 June 2025." in lines
        assert "  The articles do not agree on this." in lines
        assert "  Earlier articles said: 4 May" in lines
        assert "      The same text also in: Bridge to open" in lines
        assert any(line.startswith("      https://example.org/city/harbour-bridge?page=1#:~:text=") for line in lines)

    def test_two_answers_stand_apart(self):
        lines = self.show(OPENS)
        assert lines[0] == "1 June"
        assert lines[lines.index("") + 1] == "4 May"

    def test_one_answer_is_numbered(self):
        assert any(line.startswith("  [1] Harbour bridge to open in spring") for line in self.show(CARS))

    def test_a_terminal_that_has_not_every_sign(self):
        script = "from server.terminal import write_lines; write_lines(['“é”'])"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env=os.environ | {"PYTHONIOENCODING": "latin-1"},
            capture_output=True,
            check=True,
        )
        assert done.stdout == b"\\u201c\xe9\\u201d\n"

    def test_a_terminal_is_told_nothing_by_articles(self, capsys):
        terminal.write_lines(["a \x1b[31mred\x1b[0m\nline\x07\x9b2J"])
        assert capsys.readouterr().out == "a  [31mred [0m line 2J\n"


class TestState:
    def test_info_as_json_has_the_fields_of_the_design(self, desk):
        run_well("index", "news")
        facts = run_json("info")
        fields = "generation built_at articles passages newest_article embedder size_bytes damaged skipped generations"
        assert set(facts) == set(fields.split())
        assert (facts["articles"], facts["passages"], facts["newest_article"]) == (2, 2, "2024-09-09")
        assert (facts["embedder"], facts["damaged"], facts["skipped"]) == ("bag of words", [], 0)
        files = [path for path in (desk / "verbatim-index").rglob("*") if path.is_file()]
        assert facts["size_bytes"] == sum(path.stat().st_size for path in files)

    def test_info_for_people(self, desk):
        run_well("index", "news")
        lines = run_well("info").splitlines()
        assert f"index           {desk / 'verbatim-index'}" in lines
        assert "articles        2" in lines
        assert "damaged         nothing" in lines
        assert lines[-1].endswith(" UTC, 2 articles)")
        write_articles(desk, bridge=BRIDGE)
        run_well("index", "news")
        assert run_well("info").splitlines()[-2].endswith(" UTC, 1 article)")

    def test_a_sound_index_is_verified(self, desk):
        run_well("index", "news")
        assert run_well("verify") == "all is sound: every byte of 1 generation\n"
        generation = run_json("info")["generation"]
        assert run_json("verify") == {"sound": True, "generations": [generation], "damaged": []}

    def test_damage_is_named(self, desk):
        run_well("index", "news")
        generation = run_json("info")["generation"]
        files = [f"generations/{generation}/articles.sqlite", f"generations/{generation}/vectors.faiss"]
        for file in files:
            damage(desk / "verbatim-index" / file)
        result = run("verify")
        assert result.exit_code == 1
        assert result.stdout.splitlines() == files
        assert result.stderr.startswith("error: damaged files: 2; go back with: verbatim rollback, or")
        result = run("verify", "--json")
        assert result.exit_code == 1
        assert json.loads(result.stdout)["damaged"] == files
        assert run_json("info")["damaged"] == files

    def test_info_tells_what_answers_when_the_newest_is_damaged(self, desk):
        run_well("index", "news")
        first = run_json("info")["generation"]
        write_articles(desk, bridge=BRIDGE)
        run_well("index", "news")
        second = run_json("info")["generation"]
        damage(desk / "verbatim-index" / "generations" / second / "manifest.json")
        facts = run_json("info")
        assert (facts["generation"], facts["articles"]) == (first, 2)
        assert facts["damaged"] == [f"generations/{second}/manifest.json"]
        assert [each["state"] for each in facts["generations"]] == ["unreadable", "kept"]
        assert run_json("ask", "What did the bridge cost?")["index"]["generation"] == first

    def test_as_many_states_are_kept_as_the_setting_says(self, desk, monkeypatch):
        monkeypatch.setenv("VERBATIM_GENERATIONS", "2")
        for _ in range(4):
            run_well("index", "news")
        assert len(run_json("verify")["generations"]) == 2

    def test_rollback_names_where_it_went(self, desk):
        run_well("index", "news")
        first = run_json("info")["generation"]
        write_articles(desk, ferry=FERRY)
        run_well("index", "news")
        assert run_well("rollback") == f"the index in use is now generation {first}\n"
        assert run_json("info")["articles"] == 2
        assert "no older sound generation" in error_of("rollback")

    def test_rollback_as_json(self, desk):
        run_well("index", "news")
        first = run_json("info")["generation"]
        run_well("index", "news")
        assert run_json("rollback") == {"generation": first}

    @pytest.mark.parametrize("command", ["info", "verify", "rollback"])
    def test_without_an_index_no_folder_is_made(self, desk, command):
        assert error_of(command) == f"error: {NoIndex(desk / 'verbatim-index')}"
        assert not (desk / "verbatim-index").exists()


class TestEval:
    @pytest.fixture
    def questions(self, desk) -> str:
        line = {"id": "q1", "question": "What did the bridge cost?", "answers": ["212 million euros"]}
        (desk / "questions.jsonl").write_text(json.dumps(line))
        return "questions.jsonl"

    def test_over_the_index(self, desk, questions):
        run_well("index", "news")
        report = run_json("eval", questions, "--predictions", "p.jsonl")
        assert report["overall"]["as_answered"]["em"]["count"] == 1
        assert report["overall"]["hits"][0]["text"]["count"] == 1
        assert report["citations"]["miscited"] == []
        [prediction] = map(json.loads, (desk / "p.jsonl").read_text().splitlines())
        assert set(prediction) == {"id", "answered", "confidence", "answers"}
        assert (prediction["id"], prediction["answered"]) == ("q1", True)
        assert prediction["answers"][0] == "212 million euros"

    def test_for_people(self, desk, questions):
        run_well("index", "news")
        assert run_well("eval", questions, questions).startswith("2 questions; ")

    def test_reading_needs_no_index(self, desk):
        qas = [
            {
                "id": "1",
                "question": "What did it cost?",
                "answers": [{"text": "212 million euros", "answer_start": 16}],
            },
            {"id": "2", "question": "Who sings?", "answers": [], "is_impossible": True},
        ]
        paragraphs = [{"context": BRIDGE, "qas": qas[:1]}, {"context": "The ferry sails at noon.", "qas": qas[1:]}]
        (desk / "squad.json").write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
        report = run_json("eval", "squad.json", "--reading", "--predictions", "p.jsonl")
        assert report["reading"]["as_answered"]["em"]["count"] == 2
        right, refused = map(json.loads, (desk / "p.jsonl").read_text().splitlines())
        assert right["confidence"] == pytest.approx(0.9526, abs=1e-4)
        assert refused["confidence"] == pytest.approx(0.1192, abs=1e-4)
        assert not (desk / "verbatim-index").exists()

    def test_reading_needs_texts(self, desk, questions):
        assert "leave out --reading" in error_of("eval", questions, "--reading")


class TestServe:
    def test_a_port_in_use_is_one_line(self, desk):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            assert error_of("serve", "--port", str(port)).startswith(f"error: port {port} is in use; ")

    def test_an_address_of_another_machine_is_one_line(self, desk):
        assert "--host 127.0.0.1" in error_of("serve", "--host", "192.0.2.1", "--port", "0")

    def test_addresses_can_be_opened(self):
        for host, shown in (("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "localhost")):
            with listening.listen(host, 0) as listener:
                assert listening.address_of(listener) == f"http://{shown}:{listener.getsockname()[1]}"

    def test_ctrl_c_ends_it_with_130(self, capsys):
        def interrupt() -> None:
            raise KeyboardInterrupt

        assert listening.run_until_stopped(interrupt) == 130
        assert capsys.readouterr().err == "stopped\n"
        assert listening.run_until_stopped(lambda: None) == 0

    def test_warming_up_asks_something(self, archive):
        listening.warm_up(archive)
        assert len(archive.assistant.asked) == 1

    def test_warming_up_survives_without_an_index(self, tmp_path, caplog):
        listening.warm_up(FakeArchive(missing=tmp_path))
        assert "make one with: verbatim index" in caplog.text


class TestProgress:
    @pytest.fixture
    def clock(self, monkeypatch) -> list[float]:
        """A clock that is set by hand."""
        now = [100.0]
        monkeypatch.setattr("server.terminal.time.monotonic", lambda: now[0])
        return now

    def test_a_line_every_few_seconds(self, clock, capsys):
        with terminal.Progress() as progress:
            for second in range(12):
                clock[0] = 100.0 + second
                progress("embedding", second * 100, 2000)
        assert capsys.readouterr().err.splitlines() == [
            "embedding: 500 of 2,000 passages, 100 a second, 15 s left",
            "embedding: 1,000 of 2,000 passages, 100 a second, 10 s left",
        ]

    def test_without_a_total(self, clock, capsys):
        with terminal.Progress() as progress:
            clock[0] = 106.0
            progress("reading", 1200, None)
        assert capsys.readouterr().err == "reading: 1,200 articles, 200 a second\n"

    def test_a_stage_begins_where_the_last_one_was_left(self, clock, capsys):
        with terminal.Progress() as progress:
            clock[0] = 104.0
            progress("splitting", 7, 7)
            clock[0] = 114.0
            progress("embedding", 50, 100)
        assert capsys.readouterr().err == "embedding: 50 of 100 passages, 5 a second, 10 s left\n"

    def test_bars_on_a_terminal(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        with terminal.Progress() as progress:
            progress("splitting", 3, 3)
            progress("embedding", 60, 60)
        shown = capsys.readouterr().err
        assert "splitting: 3/3 articles" in shown
        assert "embedding: 60/60 passages" in shown
        assert " left" in shown


def test_days_are_read_in_one_form_only():
    assert cli.Day().convert("2024-09-09", None, None) == date(2024, 9, 9)
    with pytest.raises(click.BadParameter):
        cli.Day().convert("09/09/2024", None, None)


def test_unknown_settings_are_designed_errors(monkeypatch):
    monkeypatch.setenv("VERBATIM_PROT", "1")
    with pytest.raises(UsageError, match="VERBATIM_PORT"):
        loading.read_settings()
