"""A build makes current what it is given, keeps what it is not, and embeds nothing twice."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest

import index.build
from index.articles import Found, Skipped
from index.build import BuildReport, build_index
from index.errors import (
    ArticleError,
    DamagedIndex,
    GoldenFailed,
    IncompatibleIndex,
    IndexFault,
    IndexLocked,
    NoIndex,
    UnknownArticle,
    UsageError,
)
from index.generation import Generation
from index.removal import remove_articles
from index.store import Store
from tests.fakes import BagOfWords, article


class Desk:
    """A folder of JSON Lines files beside an index of them."""

    def __init__(self, folder: Path):
        self.news, self.index = folder / "news", folder / "index"
        self.news.mkdir()
        self.embedder = BagOfWords()

    def write(self, name: str, **texts: str) -> Path:
        """One record a text; the keywords are the ids."""
        path = self.news / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(json.dumps({"id": id, "title": id, "text": text}) + "\n" for id, text in texts.items()))
        return path

    def build(self, *paths: Path, **options) -> BuildReport:
        return build_index(paths or [self.news], self.index, self.embedder, **options)

    def texts(self) -> dict[str, str]:
        return {each.id: each.text for each, _ in Store(self.index).open().sourced_articles()}


@pytest.fixture
def desk(tmp_path) -> Desk:
    return Desk(tmp_path)


def counts(report: BuildReport) -> tuple[int, int, int]:
    return report.added, report.changed, report.removed


class TestIncrements:
    def test_the_first_build_adds_everything(self, desk):
        desk.write("a.jsonl", one="First text.", two="Second text.")
        report = desk.build()
        assert counts(report) == (2, 0, 0)
        assert (report.articles, report.passages, report.embedded, report.reused) == (2, 2, 2, 0)
        assert (report.skipped, report.rebuilt_because) == ((), None)
        assert desk.texts() == {"one": "First text.", "two": "Second text."}
        assert desk.embedder.embedded == ["one. First text.", "two. Second text."]

    def test_building_again_embeds_nothing(self, desk):
        desk.write("a.jsonl", one="First text.", two="Second text.")
        desk.build()
        desk.embedder.embedded.clear()
        report = desk.build()
        assert desk.embedder.embedded == []
        assert counts(report) == (0, 0, 0)
        assert (report.embedded, report.reused) == (0, 2)

    def test_only_what_is_new_is_embedded(self, desk):
        desk.write("a.jsonl", one="First text.", two="Second text.", three="Third text.")
        desk.build()
        desk.embedder.embedded.clear()
        desk.write("a.jsonl", four="Fourth text.", two="Second text, corrected.", one="First text.")
        report = desk.build()
        assert sorted(desk.embedder.embedded) == ["four. Fourth text.", "two. Second text, corrected."]
        assert counts(report) == (1, 1, 1)
        assert (report.embedded, report.reused) == (2, 1)
        assert desk.texts() == {"one": "First text.", "two": "Second text, corrected.", "four": "Fourth text."}

    def test_reused_vectors_stand_at_their_passages(self, desk):
        desk.write("b.jsonl", **{f"b{n}": f"Text number {n} about subject{n}." for n in range(20)})
        desk.build()
        desk.write("a.jsonl", **{f"a{n}": f"Another {n} of matter{n}." for n in range(20)})
        desk.build()
        generation = Store(desk.index).open()
        stored = generation.stored_vectors()[0]
        passages = generation.passages(range(40))
        expected = BagOfWords().embed([f"{p.article_id}. {desk.texts()[p.article_id]}" for p in passages])
        assert abs(stored - expected).max() < 1e-3
        for row in (0, 19, 20, 39):
            assert generation.dense().search(expected[row], 1)[0].tolist() == [row]

    def test_an_unchanged_article_is_not_split_again(self, desk, monkeypatch):
        long = {f"a{n}": f"Sentence of article {n} and nothing else. " * 60 for n in range(4)}
        desk.write("a.jsonl", **long)
        desk.build()
        split, original = [], index.build.split_article

        def watched(name: str, *rest):
            split.append(name)
            return original(name, *rest)

        monkeypatch.setattr(index.build, "split_article", watched)
        desk.write("a.jsonl", **long | {"a2": "Now a short one.", "b": "New."})
        desk.build()
        assert sorted(split) == ["a2", "b"]
        monkeypatch.undo()
        changed = Store(desk.index).open()
        desk.build(full=True)
        full = Store(desk.index).open()
        rows = range(full.manifest.passages)
        assert changed.passages(range(changed.manifest.passages)) == full.passages(rows)
        assert [changed.passages_of(name) for name in long] == [full.passages_of(name) for name in long]

    def test_a_change_of_title_or_date_alone_is_a_change(self, desk):
        path = desk.news / "a.jsonl"
        for record in (
            {"published": "2024-09-09"},
            {"published": "2024-09-10"},
            {"published": "2024-09-10", "url": "http://a.org/b"},
        ):
            path.write_text(json.dumps({"id": "a", "title": "T", "text": "Text."} | record))
            report = desk.build()
        assert counts(report) == (0, 1, 0)
        assert (report.embedded, report.reused) == (0, 1)

    def test_the_same_id_twice_leaves_the_later(self, desk):
        desk.write("a.jsonl", one="Old.")
        desk.write("b.jsonl", one="New.")
        report = desk.build()
        assert (report.articles, report.added, desk.texts()) == (1, 1, {"one": "New."})

    def test_two_articles_of_one_text_both_stay(self, desk):
        (desk.news / "a.jsonl").write_text(
            "".join(json.dumps({"id": i, "title": "T", "text": "Same."}) + "\n" for i in "ab")
        )
        desk.build()
        report = desk.build()
        assert (report.articles, report.embedded, report.reused) == (2, 0, 2)

    def test_progress_is_told(self, desk):
        desk.write("a.jsonl", one="One.", two="Two.")
        told = []
        desk.build(progress=lambda stage, done, total: told.append((stage, done, total)))
        assert [stage for stage in dict.fromkeys(stage for stage, _, _ in told)] == [
            "reading",
            "splitting",
            "embedding",
            "writing",
            "checking",
        ]
        assert ("reading", 2, None) in told and ("splitting", 2, 2) in told and ("embedding", 2, 2) in told


class TestElsewhere:
    def test_what_came_from_elsewhere_is_kept(self, desk):
        desk.write("east/a.jsonl", east="East.")
        desk.write("west/a.jsonl", west="West.")
        desk.build(desk.news / "east")
        report = desk.build(desk.news / "west")
        assert counts(report) == (1, 0, 0)
        assert desk.texts() == {"east": "East.", "west": "West."}

    def test_a_vanished_file_takes_its_articles_along(self, desk):
        desk.write("east/a.jsonl", east="East.")
        desk.write("east/b.jsonl", bee="Bee.").unlink()
        path = desk.write("east/b.jsonl", bee="Bee.")
        desk.write("west/a.jsonl", west="West.")
        desk.build()
        path.unlink()
        assert counts(desk.build(desk.news / "west")) == (0, 0, 0)
        assert counts(desk.build(desk.news / "east")) == (0, 0, 1)
        assert desk.texts() == {"east": "East.", "west": "West."}

    def test_a_name_that_only_begins_alike_is_elsewhere(self, desk):
        desk.write("east/a.jsonl", east="East.")
        desk.write("east2/a.jsonl", other="Other.")
        desk.build()
        shutil.rmtree(desk.news / "east2")
        assert counts(desk.build(desk.news / "east")) == (0, 0, 0)

    @pytest.mark.parametrize("roundabout", ["west/../east", "./east", "east/", "../news/east"])
    def test_a_path_may_be_written_in_any_way(self, desk, monkeypatch, roundabout):
        desk.write("west/a.jsonl", west="West.")
        desk.write("east/a.jsonl", east="East.")
        path = desk.write("east/b.jsonl", bee="Bee.")
        monkeypatch.chdir(desk.news)
        desk.build(Path(roundabout))
        path.unlink()
        assert counts(desk.build(Path(roundabout))) == (0, 0, 1)

    def test_an_article_that_moved_is_the_same_article(self, desk):
        path = desk.write("east/a.jsonl", one="One.")
        desk.build()
        (desk.news / "west").mkdir()
        path.rename(desk.news / "west/a.jsonl")
        assert counts(desk.build()) == (0, 0, 0)
        desk.write("east/b.jsonl", two="Two.")
        assert counts(desk.build(desk.news / "east")) == (1, 0, 0)
        assert desk.texts().keys() == {"one", "two"}

    def test_a_file_that_cannot_be_read_keeps_its_articles(self, desk):
        path = desk.write("a.jsonl", one="One.", two="Two.")
        desk.write("b.jsonl", bee="Bee.")
        desk.build()
        path.write_bytes(b"\x1f\x8b broken")
        path.rename(desk.news / "a.jsonl.gz")
        desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        report = desk.build()
        assert counts(report) == (0, 0, 0)
        assert [Path(item.path).name for item in report.skipped] == ["a.jsonl.gz"]

    def test_an_unreadable_file_or_folder_keeps_its_articles(self, desk, monkeypatch):
        east, west = desk.write("east/a.jsonl", one="One."), desk.write("west/a.jsonl", two="Two.")
        desk.write("c.jsonl", three="Three.")
        desk.build()
        items = [
            Skipped(str(east), "cannot be read", whole=True),
            Skipped(str(west.parent), "the folder cannot be read", whole=True),
            Found(article("three", "Three, again."), str(desk.news / "c.jsonl")),
        ]
        monkeypatch.setattr(index.build, "read_articles", lambda paths, without: iter(items))
        assert counts(desk.build()) == (0, 1, 0)
        assert desk.texts() == {"one": "One.", "two": "Two.", "three": "Three, again."}

    def test_a_bad_line_is_reported_and_the_rest_is_current(self, desk):
        path = desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        path.write_text(json.dumps({"id": "one", "title": "one", "text": "One."}) + "\n{broken\n")
        report = desk.build()
        assert counts(report) == (0, 0, 1)
        assert [(Path(item.path).name, item.line) for item in report.skipped] == [("a.jsonl", 2)]
        manifest = Store(desk.index).open().manifest
        assert manifest.skipped == 1
        assert manifest.skipped_first[0]["line"] == 2

    @pytest.mark.parametrize("broken", ['[{"id": "one", "text": "One."},,]', '[{"id": "one", "text": "One."}],'])
    def test_a_stray_comma_costs_no_article(self, desk, broken):
        path = desk.news / "a.json"
        path.write_text(json.dumps([{"id": "one", "text": "One."}, {"id": "two", "text": "Two."}], indent=1))
        desk.write("b.jsonl", bee="Bee.")
        desk.build()
        path.write_text(broken)
        assert counts(desk.build()) == (0, 0, 0)
        assert desk.texts().keys() == {"one", "two", "bee"}

    def test_a_file_given_up_keeps_what_was_not_reached(self, desk, monkeypatch):
        path = desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        first, second = path.read_text().splitlines()
        path.write_text("\n".join([first, *["x"] * 1000, second]))
        assert counts(desk.build()) == (0, 0, 0)
        assert desk.texts().keys() == {"one", "two"}

    @pytest.mark.parametrize("left", [[{"id": "one", "text": "One."}, {"id": "bad"}], [], [{"id": "bad"}]])
    def test_what_was_deleted_from_a_file_goes_though_a_record_is_bad(self, desk, left):
        path = desk.news / "a.json"
        path.write_text(json.dumps([{"id": "one", "text": "One."}, {"id": "two", "text": "Two."}]))
        desk.write("b.jsonl", bee="Bee.")
        desk.build()
        path.write_text(json.dumps(left))
        assert len(desk.build().skipped) == 1
        assert desk.texts().keys() == {"bee"} | {each["id"] for each in left if "text" in each}

    def test_a_share_that_is_down_keeps_its_articles(self, desk):
        """A link to itself can be seen no more than a stale file handle: nobody knows what lies behind."""
        folder = desk.write("share/a.jsonl", one="One.").parent
        desk.write("b.jsonl", bee="Bee.")
        desk.build()
        shutil.rmtree(folder)
        folder.symlink_to(folder)
        assert not folder.exists()
        for paths in ([desk.news], [folder, desk.news / "b.jsonl"]):
            assert counts(desk.build(*paths)) == (0, 0, 0)
        folder.unlink()
        assert counts(desk.build(folder, desk.news / "b.jsonl")) == (0, 0, 1)

    def test_a_folder_whose_name_is_no_utf8(self, desk):
        folder = Path(os.fsdecode(os.fsencode(desk.news) + b"/caf\xe9"))
        try:
            folder.mkdir()
        except OSError:
            pytest.skip("this file system takes UTF-8 names alone")
        for name in ("one", "two"):
            (folder / f"{name}.jsonl").write_text(json.dumps({"id": name, "text": name}))
        desk.build(folder)
        (folder / "two.jsonl").unlink()
        assert counts(desk.build(folder)) == (0, 0, 1)

    @pytest.mark.parametrize("named", ["index", "link"])
    def test_an_index_among_its_articles_is_no_article(self, desk, named):
        desk.write("a.jsonl", one="One.")
        desk.index = desk.news / named
        if named == "link":
            (desk.news / "real").mkdir()
            desk.index.symlink_to(desk.news / "real")
        for _ in range(2):
            report = desk.build(strict=True)
        assert (report.articles, report.skipped) == (1, ())

    def test_a_folder_that_holds_index_and_articles_may_be_named(self, desk):
        desk.write("a.jsonl", one="One.")
        assert build_index([desk.news], desk.news, desk.embedder).articles == 1

    def test_files_of_one_name_in_folders_of_one_name(self, desk):
        for folder in ("jan/articles", "feb/articles"):
            (desk.news / folder).mkdir(parents=True)
            (desk.news / folder / "1.txt").write_text(f"Words of {folder}.")
            desk.build(desk.news / folder)
        assert sorted(desk.texts().values()) == ["Words of feb/articles.", "Words of jan/articles."]


class TestFailures:
    def test_nothing_at_all_is_an_error_and_leaves_nothing(self, desk):
        with pytest.raises(ArticleError, match="none were found"):
            desk.build()
        with pytest.raises(ArticleError, match=r"no such file.*nothing could be read at all"):
            desk.build(desk.news / "missing")
        assert Store(desk.index).complete() == []
        assert list(Store(desk.index).generations.iterdir()) == []

    def test_strict_refuses_what_is_otherwise_reported(self, desk):
        desk.write("a.jsonl", one="One.")
        before = desk.build().generation
        (desk.news / "b.jsonl").write_text("{broken\n")
        assert len(desk.build().skipped) == 1
        current = Store(desk.index).current()
        with pytest.raises(ArticleError, match=r"b\.jsonl:1"):
            desk.build(strict=True)
        assert Store(desk.index).current() == current
        assert before in Store(desk.index).complete()
        assert len(Store(desk.index).complete()) == 2

    @pytest.mark.parametrize("problem", [RuntimeError("no reader"), KeyboardInterrupt()])
    def test_a_refused_generation_leaves_no_trace(self, desk, problem):
        desk.write("a.jsonl", one="One.")
        desk.build()
        store = Store(desk.index)
        before = store.current()
        desk.write("a.jsonl", two="Two.")

        def refuse(generation: Generation) -> None:
            assert generation.article("two").text == "Two."
            assert generation.dense() and generation.lexical()
            assert store.current() == before
            raise problem

        with pytest.raises(type(problem)):
            desk.build(check=refuse)
        assert store.current() == before
        assert [path.name for path in store.generations.iterdir()] == store.complete() == [before[0]]
        assert desk.texts() == {"one": "One."}

    def test_what_golden_questions_refuse_is_kept_aside(self, desk):
        desk.write("a.jsonl", one="One.")
        desk.build()
        store = Store(desk.index)
        before = store.current()
        refused = []

        def refuse(generation: Generation) -> None:
            refused.append(generation.id)
            raise GoldenFailed("it answers 0 of 2 right", generation.id)

        for text in ("Two.", "Three."):  # the second takes the first one's place
            desk.write("a.jsonl", two=text)
            with pytest.raises(GoldenFailed, match="rollback --to"):
                desk.build(check=refuse)
        assert store.current() == before
        assert store.complete() == [before[0]]
        assert store.aside() == {refused[1]: "it answers 0 of 2 right"}
        assert [(kept.id, kept.state) for kept in store.history()] == [(refused[1], "aside"), (before[0], "in use")]
        assert store.verify() == []
        assert [pointer[0] for pointer in store.substitutes()] == []
        with pytest.raises(IncompatibleIndex):
            store.rollback()
        assert desk.texts() == {"one": "One."}
        assert store.rollback(refused[1]) == refused[1]
        assert desk.texts() == {"two": "Three."}
        assert (store.complete(), store.aside(), store.verify()) == ([before[0], refused[1]], {}, [])

    def test_what_is_aside_goes_with_the_next_that_is_taken(self, desk):
        desk.write("a.jsonl", one="One.")
        desk.build()

        def refuse(generation: Generation) -> None:
            raise GoldenFailed("fewer", generation.id)

        desk.write("a.jsonl", one="Two.")
        with pytest.raises(GoldenFailed):
            desk.build(check=refuse)
        store = Store(desk.index)
        (aside,) = store.aside()
        (store.generations / aside / "keys.npy").write_bytes(b"")
        assert store.verify() == [f"generations/{aside}/keys.npy"]
        with pytest.raises(DamagedIndex):
            store.rollback(aside)
        with pytest.raises(UsageError, match="in use"):
            store.discard(store.current()[0])
        with pytest.raises(UsageError, match="there is no generation"):
            store.discard("../elsewhere")
        desk.build()
        assert store.aside() == {}
        assert sorted(path.name for path in store.generations.iterdir()) == store.complete()
        assert desk.texts() == {"one": "Two."}

    def test_an_embedder_that_fails_leaves_the_old_index(self, desk):
        class Failing(BagOfWords):
            def embed(self, texts):
                raise MemoryError

        desk.write("a.jsonl", one="One.")
        desk.build()
        desk.write("a.jsonl", one="Another.")
        with pytest.raises(MemoryError):
            build_index([desk.news], desk.index, Failing())
        assert desk.texts() == {"one": "One."}
        assert counts(desk.build()) == (0, 1, 0)

    @pytest.mark.parametrize("kilobytes", [1, 16, 60, 110, 160, 220])
    def test_a_full_disk_is_one_line_and_leaves_the_old_index(self, desk, kilobytes):
        """A file may grow no further than this, which stops the record, the vectors or the index, in this order."""
        resource = pytest.importorskip("resource")
        desk.write("a.jsonl", one="One.")
        desk.build()
        desk.write("a.jsonl", **{f"a{n}": f"Text {n} of {n * 7} things. " * 60 for n in range(60)})
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes << 10, hard))
        try:
            with pytest.raises(IndexFault, match="make room or check the disk") as caught:
                desk.build()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "\n" not in str(caught.value)
        assert desk.texts() == {"one": "One."}
        assert desk.build().articles == 60

    def test_room_for_the_vectors_is_taken_before_they_are_written(self, desk, monkeypatch):
        """Else a full disk shows in the middle of a memory map, and ends the process."""

        def refuse(descriptor: int, start: int, size: int) -> None:
            assert size == os.fstat(descriptor).st_size
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
        desk.write("a.jsonl", one="One.")
        with pytest.raises(IndexFault, match="No space left on device"):
            desk.build()
        assert desk.embedder.embedded == []

    @pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EINVAL])
    def test_file_systems_that_cannot_take_room_will_do(self, desk, monkeypatch, code):
        def refuse(*values: int) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
        desk.write("a.jsonl", one="One.")
        assert desk.build().articles == 1

    def test_two_builds_do_not_run_at_once(self, desk):
        desk.write("a.jsonl", one="One.")
        with Store(desk.index).lock(), pytest.raises(IndexLocked, match="wait until it is done"):
            desk.build()

    @pytest.mark.parametrize("file", ["articles.sqlite", "embeddings.npy", "keys.npy", "vectors.faiss", "days.npy"])
    def test_damage_is_never_built_upon(self, desk, file):
        """What is reused from a damaged generation would pass for sound in the next one."""
        desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        path = Store(desk.index).open().folder / file
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data))
        with pytest.raises(DamagedIndex, match=file):
            desk.build()
        with pytest.raises(DamagedIndex, match=file):
            remove_articles(["one"], desk.index, desk.embedder)
        assert counts(desk.build(full=True)) == (2, 0, 0)
        assert Store(desk.index).open().manifest.articles == 2

    def test_a_broken_pointer_is_not_taken_for_an_empty_folder(self, desk):
        desk.write("a.jsonl", one="One.")
        desk.build()
        (desk.index / "CURRENT").write_bytes(b"garbage")
        with pytest.raises(DamagedIndex, match="verbatim rollback"):
            desk.build()
        assert desk.build(full=True).articles == 1

    def test_a_lost_pointer_loses_no_article(self, desk):
        desk.write("east/a.jsonl", east="East.")
        desk.write("west/a.jsonl", west="West.")
        desk.build()
        (desk.index / "CURRENT").unlink()
        assert Store(desk.index).verify() == ["CURRENT"]
        shutil.rmtree(desk.news / "east")
        assert desk.build(desk.news / "west").articles == 2
        assert desk.texts() == {"east": "East.", "west": "West."}
        assert Store(desk.index).verify() == []

    def test_a_build_that_was_stopped_before_it_was_taken_leaves_nothing(self, desk):
        desk.write("a.jsonl", one="One.")
        before = desk.build().generation
        store = Store(desk.index)
        with store.lock():
            draft = store.begin()
            draft.add_article(article("x", "Not taken."), "/nowhere/x.txt")
            index.build.write_generation(draft, None, desk.embedder, lambda stage, done, total: None)
            stopped = draft.finish(desk.embedder, index.build.SPLITTER, []).generation
        (store.folder / "CURRENT.new").write_bytes(b"half")
        assert (store.generations / stopped / "manifest.json").exists()
        assert (store.complete(), store.aside(), store.verify()) == ([before], {}, [])
        assert [kept.id for kept in store.history()] == [before]
        desk.build()
        assert not (store.generations / stopped).exists()
        assert not (store.folder / "CURRENT.new").exists()
        assert len(store.complete()) == 2


class TestStartingOver:
    def test_another_embedder_embeds_everything_and_says_so(self, desk):
        desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        desk.embedder = BagOfWords(128, "better words", "bag-2")
        report = desk.build()
        assert desk.embedder.embedded == ["one. One.", "two. Two."]
        assert (report.embedded, report.reused) == (2, 0)
        assert "better words" in report.rebuilt_because and "bag of words" in report.rebuilt_because
        assert counts(report) == (0, 0, 0)
        generation = Store(desk.index).open()
        assert (generation.manifest.embedder, generation.manifest.dimensions) == ("better words", 128)
        assert desk.build().rebuilt_because is None

    def test_what_came_from_elsewhere_is_embedded_anew_too(self, desk):
        desk.write("east/a.jsonl", east="East.")
        desk.write("west/a.jsonl", west="West.")
        desk.build()
        desk.embedder = BagOfWords(128, "better words", "bag-2")
        desk.build(desk.news / "west")
        assert sorted(desk.embedder.embedded) == ["east. East.", "west. West."]

    def test_another_splitter_splits_again_and_says_so(self, desk, monkeypatch):
        desk.write("a.jsonl", one="Seven words are in this short sentence. " * 40, two="Two.")
        assert desk.build().passages > 2
        monkeypatch.setattr(index.build, "SPLITTER", index.build.SPLITTER | {"size": 40, "overlap": 0})
        desk.embedder.embedded.clear()
        report = desk.build()
        assert "split" in report.rebuilt_because
        assert report.passages == 9
        assert report.reused == 1
        assert "two. Two." not in desk.embedder.embedded

    def test_full_reuses_nothing(self, desk):
        desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        desk.embedder.embedded.clear()
        report = desk.build(full=True)
        assert desk.embedder.embedded == ["one. One.", "two. Two."]
        assert (report.embedded, report.reused) == (2, 0)


class TestRemoval:
    def test_removed_articles_are_nowhere_any_more(self, desk):
        for text in ("SECRETWORD one.", "SECRETWORD two."):
            desk.write("a.jsonl", one=text, two="Two.")
            desk.build()
        desk.embedder.embedded.clear()
        report = remove_articles(["one"], desk.index, desk.embedder)
        assert counts(report) == (0, 0, 1)
        assert (report.articles, report.embedded, report.reused) == (1, 0, 1)
        assert desk.embedder.embedded == []
        assert desk.texts() == {"two": "Two."}
        for path in desk.index.rglob("*"):
            if path.is_file():
                assert b"secretword" not in path.read_bytes().lower(), path
        with pytest.raises(IncompatibleIndex):
            Store(desk.index).rollback()

    def test_a_removed_article_comes_back_by_no_rollback(self, desk):
        """Generations that hold it go, wherever they are; the others stay."""
        made = []
        for name in ("one", "two", "three"):
            desk.write("a.jsonl", **{name: f"SECRETWORD of {name}.", "other": f"Other {name}."})
            made.append(desk.build(keep=9).generation)

        def refuse(generation: Generation) -> None:
            raise GoldenFailed("fewer", generation.id)

        desk.write("a.jsonl", two="SECRETWORD of two.")
        with pytest.raises(GoldenFailed):
            desk.build(check=refuse)
        store = Store(desk.index)
        (aside,) = store.aside()
        current = store.current()
        report = remove_articles(["two"], desk.index, desk.embedder)
        assert set(report.dropped) == {made[1], aside}
        assert store.current() == current
        assert (store.complete(), store.aside()) == ([made[0], made[2]], {})
        report = remove_articles(["three"], desk.index, desk.embedder)
        assert report.dropped == (made[2],)
        assert store.complete() == [made[0], report.generation]
        assert store.rollback() == made[0]
        assert desk.texts() == {"one": "SECRETWORD of one.", "other": "Other one."}

    def test_generations_that_cannot_be_read_go_with_a_removal(self, desk):
        desk.write("a.jsonl", one="One.", two="Two.")
        damaged = desk.build().generation
        desk.build()
        with (Store(desk.index).generations / damaged / "articles.sqlite").open("r+b") as file:
            file.write(b"X")
        assert damaged in remove_articles(["one"], desk.index, desk.embedder).dropped
        assert Store(desk.index).verify() == []

    def test_a_removal_that_embeds_anew_says_why(self, desk):
        desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        report = remove_articles(["one"], desk.index, BagOfWords(128, "better words", "bag-2"))
        assert "better words" in report.rebuilt_because
        assert (report.embedded, report.reused) == (1, 0)

    def test_an_unknown_id_changes_nothing(self, desk):
        desk.write("a.jsonl", one="One.", two="Two.")
        desk.build()
        desk.build()
        store = Store(desk.index)
        before = store.current(), store.complete()
        with pytest.raises(UnknownArticle, match="three"):
            remove_articles(["one", "three"], desk.index, desk.embedder)
        assert (store.current(), store.complete()) == before

    def test_the_last_article_cannot_be_removed(self, desk):
        desk.write("a.jsonl", one="One.")
        desk.build()
        with pytest.raises(ArticleError, match="no article would be left"):
            remove_articles(["one"], desk.index, desk.embedder)
        assert desk.texts() == {"one": "One."}

    def test_without_an_index_there_is_nothing_to_remove(self, desk):
        with pytest.raises(NoIndex):
            remove_articles(["one"], desk.index, desk.embedder)


class TestGenerations:
    @pytest.mark.parametrize("keep", [1, 3])
    def test_the_last_few_are_kept(self, desk, keep):
        made = []
        for n in range(4):
            desk.write("a.jsonl", one=f"Version {n}.")
            made.append(desk.build(keep=keep).generation)
        assert Store(desk.index).complete() == made[-keep:]
        assert Store(desk.index).verify() == []

    def test_rollback_then_build_goes_on_from_there(self, desk):
        for n in range(2):
            desk.write("a.jsonl", one=f"Version {n}.")
            desk.build()
        Store(desk.index).rollback()
        assert desk.texts() == {"one": "Version 0."}
        desk.embedder.embedded.clear()
        assert counts(desk.build()) == (0, 1, 0)
        assert desk.texts() == {"one": "Version 1."}
        assert len(Store(desk.index).complete()) == 3
        assert Store(desk.index).rollback() != Store(desk.index).complete()[-1]

    def test_the_same_input_gives_the_same_index(self, desk, tmp_path):
        desk.write("a.jsonl", **{f"a{n}": f"Text {n}. " * 30 for n in range(20)})
        hashes = []
        for name in ("one", "two"):
            build_index([desk.news], tmp_path / name, BagOfWords())
            files = Store(tmp_path / name).open().manifest.files
            hashes.append({file: facts for file, facts in files.items() if not file.startswith("lexical/")})
        assert hashes[0] == hashes[1]
