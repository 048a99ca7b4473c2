"""Generations on disk: every damaged byte is found, every swap is whole, every article comes back as it went in."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.articles import Article
from index.build import build_index
from index.errors import DamagedIndex, IncompatibleIndex, IndexLocked, NoIndex, UnknownArticle, UsageError
from index.generation import Generation
from index.store import Store
from qa.assistant import Assistant, Request
from tests.fakes import BY_SPAN, BagOfWords, PhraseReader, article, generation_of

ODD_IDS = [
    "news/2024/a b.txt",
    "d’été 🌉",
    "'; drop table article; --",
    '"',
    "%2F?#",
    "../../etc",
    "a\nb",
    "A",
    "a",
    "é",
]
WHEN = [
    None,
    date(2024, 9, 9),
    datetime(2024, 9, 9, 0, 0),
    datetime(2024, 9, 9, 23, 59, 59, 999999),
    datetime(2024, 9, 10, 0, 30, tzinfo=timezone(timedelta(hours=2))),
    datetime(2024, 9, 8, 23, 30, tzinfo=UTC),
    date(2024, 9, 10),
    date(1969, 12, 31),
    datetime(2024, 2, 29, 12, 0, 1),
    date(1600, 1, 1),
    datetime(2199, 12, 31, 23, 59),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """An index folder with two generations. Read only: copy it before changing anything."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "articles.jsonl"
    for words in ("one", "two"):
        lines = [
            {"id": f"a{n}", "title": f"Title {n}", "text": f"Text {words} of article {n}. It is short.", "source": "X"}
            for n in range(8)
        ]
        source.write_text("\n".join(map(json.dumps, lines)) + "\nno JSON\n")
        build_index([source], folder / "index", BagOfWords(32))
    return folder / "index"


@pytest.fixture
def copy(built, tmp_path) -> Path:
    return Path(shutil.copytree(built, tmp_path / "index"))


def files_of(folder: Path) -> list[str]:
    kept = [path for path in folder.rglob("*") if path.is_file() and path.name != "LOCK"]
    return sorted(path.relative_to(folder).as_posix() for path in kept if ".lock" not in path.name)


def ask(folder: Path) -> None:
    """Uses every file of the index as the assistant does."""
    store = Store(folder)
    generation = store.open()
    store.info()
    assistant = Assistant(generation, BagOfWords(32), PhraseReader({"Text": 1.0}), BY_SPAN)
    assert assistant.ask(Request("the text of article 3")).answers
    assert len(list(generation.sourced_articles())) == 8


class TestRecord:
    def test_articles_come_back_as_they_went_in(self, tmp_path):
        articles = [
            Article(
                id=name,
                title=f"Title {name}",
                text=f"Text of {name}.\n\nZweiter Absatz mit e\u0301 und 🌉\u200d\u202e.",
                url="https://example.org/a?b=c&d#e",
                source=None if number % 2 else "L'Écho",
                published=published,
                authors=("A. B.", "Ç “D”") if number % 3 else (),
            )
            for number, (name, published) in enumerate(zip(ODD_IDS, WHEN, strict=False))
        ]
        generation = generation_of(tmp_path, articles)
        for each in articles:
            assert generation.article(each.id) == each
        assert {found.id: found for found, _ in generation.sourced_articles()} == {a.id: a for a in articles}
        assert generation.manifest.articles == len(ODD_IDS)

    def test_an_unknown_id_says_so(self, tmp_path):
        generation = generation_of(tmp_path, [article("a", "One.")])
        for name in ("b", "", "A", "a ", "%"):
            with pytest.raises(UnknownArticle):
                generation.article(name)

    def test_the_same_id_again_is_a_new_version(self, tmp_path):
        generation = generation_of(tmp_path, [article("a", "Old text."), article("b", "B."), article("a", "New text.")])
        assert generation.article("a").text == "New text."
        assert (generation.manifest.articles, generation.manifest.passages) == (2, 2)

    def test_passages_are_cut_from_their_articles(self, tmp_path):
        articles = [article(f"a{n}", f"Satz {n} — é. " * (60 * n), published=WHEN[n]) for n in range(1, 6)]
        generation = generation_of(tmp_path, articles)
        texts = {a.id: a.text for a in articles}
        passages = generation.passages(range(generation.manifest.passages))
        assert {p.article_id for p in passages} == texts.keys()
        assert all(texts[p.article_id][p.start : p.end].startswith("Satz") for p in passages)
        assert generation.passages([3, 0, 3]) == [passages[3], passages[0], passages[3]]
        assert generation.passages([]) == []

    def test_one_article_of_one_word(self, tmp_path):
        generation = generation_of(tmp_path, [article("a", "Yes")])
        reader = PhraseReader({"Yes": 1.0})
        reply = Assistant(generation, BagOfWords(), reader, BY_SPAN).ask(Request("What was the answer in the end?"))
        assert [a.text for a in reply.answers] == ["Yes"]

    def test_articles_without_text(self, tmp_path):
        generation = generation_of(
            tmp_path / "one", [article("a", ""), article("b", " \n "), article("c", "Words here.")]
        )
        assert (generation.manifest.articles, generation.manifest.passages) == (3, 1)
        empty = generation_of(tmp_path / "none", [article("a", "")])
        reply = Assistant(empty, BagOfWords(), PhraseReader({}), BY_SPAN).ask(Request("What is there to read?"))
        assert (reply.answers, reply.nearest) == ((), ())

    def test_newest_articles_and_sources(self, tmp_path):
        articles = [article(f"a{n}", "Text.", published=w, source="XY"[n % 2]) for n, w in enumerate(WHEN)]
        generation = generation_of(tmp_path, [*articles, article("z", "Text.")])
        assert [a.id for a in generation.newest_articles(3)] == ["a10", "a4", "a6"]
        assert generation.sources() == [("X", 6), ("Y", 5)]
        assert Store(tmp_path).info().newest_article == date(2199, 12, 31)

    def test_any_thread_may_read(self, tmp_path):
        generation = generation_of(tmp_path, [article(f"a{n}", f"Text {n}.") for n in range(50)])
        with ThreadPoolExecutor(8) as pool:
            texts = list(pool.map(lambda n: generation.article(f"a{n % 50}").text, range(400)))
        assert texts == [f"Text {n % 50}." for n in range(400)]

    def test_threads_that_ask_different_things_get_their_own_rows(self, dated):
        generation, articles = dated
        names, count = [each.id for each in articles], generation.manifest.passages

        def ask_for(number: int) -> object:
            match number % 5:
                case 0:
                    return generation.article(names[number % len(names)])
                case 1:
                    return generation.passages([number % count, number * 7 % count])
                case 2:
                    return generation.newest_articles(number % 9)
                case 3:
                    return [each.id for each, _ in generation.sourced_articles()]
                case _:
                    return generation.copies_of(names[number % len(names)])

        expected = [ask_for(number) for number in range(1000)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)
        try:
            with ThreadPoolExecutor(8) as pool:
                assert list(pool.map(ask_for, range(1000))) == expected
        finally:
            sys.setswitchinterval(interval)

    def test_every_article_is_listed_however_many(self, tmp_path, monkeypatch):
        import index.generation

        for at_once in (1, 7, 8, 9):
            monkeypatch.setattr(index.generation, "_AT_ONCE", at_once)
            folder = tmp_path / str(at_once)
            generation = generation_of(folder, [article(f"a{n}", f"Text {n}.") for n in range(8)])
            assert [each.id for each, _ in generation.sourced_articles()] == [f"a{n}" for n in range(8)]

    def test_of_many_copies_the_earliest_fifty(self, tmp_path):
        text = (
            "The harbour of Kalvik was closed for three days after the storm, the port authority said on Tuesday. " * 5
        )
        days = [None, *(date(2024, 1, 1) + timedelta(days=n) for n in range(60))]
        random.Random(5).shuffle(days)
        copies = [article(f"a{n}", text, published=day) for n, day in enumerate(days)]
        found = generation_of(tmp_path, copies).copies_of("a0")
        assert len(found) == 50
        assert [each.published for each in found] == sorted(filter(None, {*days} - {days[0]}))[:50]
        few = generation_of(tmp_path, [each for each in copies if each.published is None or each.published.month == 1])
        assert few.copies_of(next(each.id for each in copies if each.published))[-1].published is None


class TestFilters:
    @pytest.mark.parametrize("after", [None, *sorted({w.date() if isinstance(w, datetime) else w for w in WHEN if w})])
    @pytest.mark.parametrize("before", [None, *sorted({w.date() if isinstance(w, datetime) else w for w in WHEN if w})])
    def test_days_are_inclusive_and_exact(self, dated, after, before):
        check_between(*dated, after, before)

    @given(after=st.none() | st.dates(), before=st.none() | st.dates())
    @settings(max_examples=50)
    def test_any_days_may_be_asked_for(self, dated, after, before):
        check_between(*dated, after, before)

    def test_undated_articles_are_never_within_days(self, tmp_path):
        generation = generation_of(tmp_path, [article("a", "One."), article("b", "Two.")])
        first, last = generation.rows_between(date(1, 1, 1), None)
        assert first == last

    def test_sources_are_exact(self, dated):
        generation, articles = dated
        owners = {a.id: a.source for a in articles}
        rows = [p.article_id for p in generation.passages(range(generation.manifest.passages))]
        for wanted in ((), ("X",), ("X", "Y"), ("x",), ("",), ("nobody", "Y"), ("X", "X")):
            selected = generation.rows_from(wanted)
            assert selected.dtype == bool
            assert selected.tolist() == [owners[name] in wanted for name in rows]

    def test_sources_that_do_not_exist_are_not_remembered(self, dated):
        generation, _ = dated
        for n in range(100):
            assert not generation.rows_from((f"nobody {n}", "X")).all()
        assert generation._sources.keys() <= {"X", "Y"}

    def test_sources_and_days_are_found_without_reading_articles(self, dated):
        database = sqlite3.connect(dated[0].folder / "articles.sqlite")
        for query in (
            "select row from passage join article on number = article where source = 'X'",
            "select source, count(*) from article where source is not null group by source",
            "select number from article order by published desc, number limit 5",
        ):
            plan = [row[3] for row in database.execute(f"explain query plan {query}")]
            assert all("COVERING INDEX" in step for step in plan), plan
        database.close()


def make_dated(folder: Path) -> tuple[Generation, list[Article]]:
    texts = ["One.", "Two sentences. " * 200, "", "Three."]
    articles = [
        article(f"a{n}-{m}", texts[(n + m) % 4], published=when, source=["X", "Y", None][(n + m) % 3])
        for m in range(3)
        for n, when in enumerate(WHEN)
    ]
    random.Random(3).shuffle(articles)
    return generation_of(folder, articles), articles


@pytest.fixture(scope="module")
def dated(tmp_path_factory) -> tuple[Generation, list[Article]]:
    return make_dated(tmp_path_factory.mktemp("dated"))


def check_between(generation: Generation, articles: list[Article], after: date | None, before: date | None) -> None:
    days = {a.id: a.published.date() if isinstance(a.published, datetime) else a.published for a in articles}
    expected = set()
    for row, passage in enumerate(generation.passages(range(generation.manifest.passages))):
        day = days[passage.article_id]
        if day and (after is None or day >= after) and (before is None or day <= before):
            expected.add(row)
    first, last = generation.rows_between(after, before)
    assert set(range(first, last)) == expected


class TestDamage:
    def test_a_sound_index_is_sound(self, copy):
        assert Store(copy).verify() == []
        ask(copy)

    def test_every_file_is_covered(self, built):
        """A flipped bit anywhere is found, and named; what then still opens raises nothing undesigned."""
        chance = random.Random(7)
        for name in files_of(built):
            data = (built / name).read_bytes()
            places = {0, len(data) - 1, *(chance.randrange(len(data)) for _ in range(4))} if data else set()
            for place in places:
                changed = bytearray(data)
                changed[place] ^= 1 << chance.randrange(8)
                check_damaged(built, name, bytes(changed))

    def test_every_byte_of_the_pointer_and_the_manifests(self, built):
        chance = random.Random(8)
        for name in files_of(built):
            if name.endswith("manifest.json") or name == "CURRENT":
                data = (built / name).read_bytes()
                step = 1 if name == "CURRENT" else 11
                for place in range(0, len(data), step):
                    changed = bytearray(data)
                    changed[place] ^= 1 << chance.randrange(8)
                    check_named(built, name, bytes(changed))

    @pytest.mark.parametrize("cut", [0, 1, 0.5, -1])
    def test_a_truncated_file_is_named(self, built, cut):
        for name in files_of(built):
            data = (built / name).read_bytes()
            if data:
                check_damaged(built, name, data[: int(len(data) * cut) if cut == 0.5 else cut])

    def test_a_missing_file_is_named(self, copy):
        current = Store(copy).current()[0]
        for name in [n for n in files_of(copy) if current in n and not n.endswith("manifest.json")]:
            data = (copy / name).read_bytes()
            (copy / name).unlink()
            assert Store(copy).verify() == [name]
            with pytest.raises(DamagedIndex):
                Store(copy).open()
            (copy / name).write_bytes(data)

    def test_a_missing_manifest_makes_the_pointer_wrong(self, copy):
        current = Store(copy).current()[0]
        (copy / "generations" / current / "manifest.json").unlink()
        assert Store(copy).verify() != []
        with pytest.raises(DamagedIndex):
            Store(copy).open()

    @pytest.mark.parametrize(
        "pointer",
        [
            b"",
            b"\n",
            b"x",
            b"../elsewhere {}\n",
            b".. {}\n",
            b". {}\n",
            b"/tmp/elsewhere {}\n",
            b"generations/x {}\n",
            b"C:\\elsewhere {}\n",
            b"a\0b {}\n",
            b"\xff\xfe {}\n",
            b"a b c d\n",
            b"x" * 5000 + b" {}\n",
            b"missing-generation {}\n",
        ],
    )
    def test_a_pointer_that_leads_elsewhere_is_refused(self, copy, tmp_path, pointer):
        store = Store(copy)
        generation, digest = store.current()
        shutil.copytree(copy / "generations" / generation, tmp_path / "elsewhere")
        (copy / "CURRENT").write_bytes(pointer.replace(b"{}", digest.encode()))
        with pytest.raises(DamagedIndex):
            store.open()
        assert store.verify() == ["CURRENT"]
        assert store.rollback() in store.complete()

    def test_the_newest_sound_one_stands_in(self, copy):
        store = Store(copy)
        older, newer = store.complete()
        assert [pointer[0] for pointer in store.substitutes()] == [older]
        assert store.served([]) == store.current()
        assert store.served([f"generations/{newer}/keys.npy"])[0] == older
        with pytest.raises(NoIndex):
            Store(copy / "nowhere").served([])
        (copy / "CURRENT").write_bytes(b"rubbish")
        assert [pointer[0] for pointer in store.substitutes()] == [newer, older]
        assert store.served(store.verify())[0] == newer
        (copy / "CURRENT").write_text(f"{newer} {'0' * 64}\n")
        assert store.verify() == ["CURRENT"]
        assert store.served(["CURRENT"])[0] == newer
        store.rollback(older)
        assert [pointer[0] for pointer in store.substitutes()] == [newer]

    def test_files_that_cannot_be_read_are_damaged(self, copy):
        """A disk that has lost a place, or a folder where a file was."""
        current = Store(copy).current()[0]
        path = copy / "generations" / current / "keys.npy"
        path.unlink()
        path.mkdir()
        assert Store(copy).verify() == [f"generations/{current}/keys.npy"]
        manifest = copy / "generations" / current / "manifest.json"
        manifest.unlink()
        manifest.mkdir()
        assert f"generations/{current}/manifest.json" in Store(copy).verify()

    def test_a_pointer_that_is_a_folder_is_refused(self, copy):
        (copy / "CURRENT").unlink()
        (copy / "CURRENT").mkdir()
        with pytest.raises(DamagedIndex):
            Store(copy).open()

    def test_no_index_at_all(self, tmp_path):
        for folder in (tmp_path, tmp_path / "missing"):
            store = Store(folder)
            for method in (store.open, store.info, store.verify, store.rollback):
                with pytest.raises(NoIndex, match="verbatim index"):
                    method()
        assert not (tmp_path / "missing").exists()

    def test_another_format_is_refused(self, copy, monkeypatch):
        import index.manifest

        monkeypatch.setattr(index.manifest, "FORMAT", 999)
        with pytest.raises(IncompatibleIndex, match="--full"):
            Store(copy).open()
        assert Store(copy).verify() == []


def check_named(built: Path, name: str, data: bytes) -> None:
    """``verify`` names the file, or the pointer where it cannot tell which of the two is wrong."""
    with swapped(built, name, data):
        named = Store(built).verify()
        assert named == [name], (name, named)
        if name == "CURRENT" or Store(built).current()[0] in name:
            with pytest.raises(DamagedIndex):
                ask(built)


def check_damaged(built: Path, name: str, data: bytes) -> None:
    """``verify`` names the file, and no answer comes from damaged words or from a damaged index."""
    current, size = Store(built).current()[0], (built / name).stat().st_size
    with swapped(built, name, data):
        assert Store(built).verify() == [name]
        reused_only = name.endswith(("embeddings.npy", "keys.npy")) and (built / name).stat().st_size == size
        if name == "CURRENT" or (current in name and not reused_only):
            with pytest.raises(DamagedIndex) as caught:
                ask(built)
            assert "\n" not in str(caught.value)
        else:
            ask(built)


class swapped:
    """The file with other bytes, for as long as this is entered."""

    def __init__(self, folder: Path, name: str, data: bytes):
        self._path, self._data = folder / name, data

    def __enter__(self) -> None:
        self._before = self._path.read_bytes()
        self._path.write_bytes(self._data)

    def __exit__(self, *problem: object) -> None:
        self._path.write_bytes(self._before)


class TestLife:
    def test_it_may_be_moved(self, built, tmp_path):
        moved = Path(shutil.copytree(built, tmp_path / "a b#c?d%41 é"))
        ask(moved)
        assert Store(moved).verify() == []
        for path in [path for path in moved.rglob("*") if path.is_file()]:
            assert str(built).encode() not in path.read_bytes() or path.name in ("articles.sqlite", "manifest.json")

    def test_it_may_be_named_relatively(self, built, monkeypatch):
        monkeypatch.chdir(built.parent)
        store = Store(Path("index"))
        monkeypatch.chdir("/")
        assert store.open().manifest.articles == 8

    def test_reading_changes_nothing(self, copy):
        def state() -> dict[str, tuple[int, int]]:
            return {name: ((copy / name).stat().st_size, (copy / name).stat().st_mtime_ns) for name in files_of(copy)}

        before = state()
        ask(copy)
        Store(copy).verify()
        assert state() == before

    def test_rollback_goes_to_the_one_before_and_no_further(self, copy):
        store = Store(copy)
        older, newer = store.complete()
        assert store.current()[0] == newer
        assert store.open().article("a3").text.startswith("Text two")
        assert store.rollback() == older
        assert store.open().article("a3").text.startswith("Text one")
        with pytest.raises(IncompatibleIndex):
            store.rollback()
        assert store.current()[0] == older

    def test_rollback_to_one_that_is_named(self, copy):
        store = Store(copy)
        older, newer = store.complete()
        assert store.rollback(older) == older
        assert store.rollback(newer) == newer
        assert store.rollback(newer) == newer
        assert store.open().id == newer
        with pytest.raises(UsageError, match=older):
            store.rollback("../generations/" + older)
        (copy / "generations" / older / "keys.npy").write_bytes(b"")
        with pytest.raises(DamagedIndex):
            store.rollback(older)
        assert (store.current()[0], store.verify()) == (newer, [f"generations/{older}/keys.npy"])

    def test_rollback_passes_over_damage(self, copy):
        store = Store(copy)
        (copy / "generations" / store.complete()[0] / "keys.npy").write_bytes(b"")
        before = store.current()
        with pytest.raises(IncompatibleIndex):
            store.rollback()
        assert store.current() == before

    def test_rollback_passes_over_another_format(self, copy):
        from index.manifest import seal, unseal

        store = Store(copy)
        path = copy / "generations" / store.complete()[0] / "manifest.json"
        fields = unseal(path)
        path.write_bytes(seal(fields | {"format": fields["format"] - 1}))
        assert store.verify() == []
        before = store.current()
        with pytest.raises(IncompatibleIndex, match="no older sound generation"):
            store.rollback()
        assert store.current() == before

    def test_generations_sort_by_age_however_fast_they_come(self, tmp_path):
        made = [generation_of(tmp_path, [article("a", f"Text {n}.")]).id for n in range(6)]
        store = Store(tmp_path)
        assert store.complete() == made
        for keep in (99, 4, 2, 1):
            store.prune(keep)
            assert store.complete() == made[-keep:]

    def test_prune_never_removes_the_one_in_use(self, copy):
        store = Store(copy)
        older, newer = store.complete()
        store.swap(older)
        store.prune(1)
        assert store.complete() == [older, newer]
        store.prune(0)
        assert store.complete() == [older]

    def test_what_was_interrupted_is_removed_by_the_next_build(self, copy):
        debris = copy / "generations" / "999999-half"
        (debris / "lexical").mkdir(parents=True)
        (debris / "articles.sqlite").write_bytes(b"half")
        (copy / "generations" / ".DS_Store").write_bytes(b"left by a file manager")
        store = Store(copy)
        assert store.verify() == []
        kept = store.complete()
        with store.lock():
            draft = store.begin()
            assert not debris.exists()
            draft.discard()
        assert store.complete() == kept
        ask(copy)

    def test_an_open_generation_outlives_a_swap(self, copy):
        generation = Store(copy).open()
        generation_of(copy, [article("new", "New.")])
        assert generation.article("a3").text.startswith("Text two")

    def test_an_open_generation_outlives_its_files(self, copy):
        """Also in threads that have asked nothing before."""
        generation = Store(copy).open()
        shutil.rmtree(generation.folder)
        found = []
        thread = threading.Thread(target=lambda: found.append(generation.article("a3").text))
        thread.start()
        thread.join()
        assert found[0].startswith("Text two")
        assert len(list(generation.sourced_articles())) == 8

    def test_one_reading_of_the_pointer_serves_all(self, copy):
        store = Store(copy)
        pointer = store.current()
        store.swap(store.complete()[0])
        assert store.open(pointer).id == store.info(pointer=pointer).generation == pointer[0]
        assert store.open().id == store.info().generation == store.complete()[0] != pointer[0]
        with pytest.raises(DamagedIndex):
            store.open((pointer[0], "0" * 64))

    def test_files_that_vanish_while_they_are_measured(self, copy, monkeypatch):
        kept = Store(copy).info().size_bytes
        (copy / "generations" / "999999-half").mkdir()
        (copy / "generations" / "999999-half" / "gone").symlink_to(copy / "nowhere")
        walk = os.walk

        def walk_late(folder):
            for parent, folders, names in walk(folder):
                yield parent, folders, [*names, "removed meanwhile"]

        monkeypatch.setattr(os, "walk", walk_late)
        assert Store(copy).info().size_bytes == kept

    def test_info_tells_what_stands(self, copy):
        info = Store(copy).info(("x",))
        assert (info.articles, info.passages, info.embedder, info.skipped) == (8, 8, "bag of words", 1)
        assert info.newest_article is None
        assert info.damaged == ("x",)
        assert info.built_at.tzinfo is not None
        assert info.size_bytes == sum(path.stat().st_size for path in copy.rglob("*") if path.is_file())


class TestLock:
    def test_another_process_is_refused_and_told_who_holds_it(self, tmp_path):
        hold = """
            import sys
            from pathlib import Path
            from index.store import Store
            with Store(Path(sys.argv[1])).lock():
                print("held", flush=True)
                sys.stdin.read()
        """
        holder = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(hold), str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        with holder:
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(IndexLocked, match=str(holder.pid)), Store(tmp_path).lock():
                raise AssertionError("two builds ran at once")
            holder.kill()
            holder.wait()
            with Store(tmp_path).lock():
                pass

    @pytest.mark.parametrize("left", ["999999", str(os.getpid()), str(os.getppid()), "1", "", "rubbish"])
    def test_what_a_dead_holder_left_stops_nobody(self, tmp_path, left):
        """Its number may be another process's by now, after a restart of the machine more than ever."""
        (tmp_path / "LOCK").write_bytes(b"")
        (tmp_path / "LOCK.pid").write_text(left)
        with Store(tmp_path).lock():
            assert (tmp_path / "LOCK.pid").read_text() == str(os.getpid())
        assert not (tmp_path / "LOCK.pid").exists()

    def test_it_is_released_after_an_error(self, tmp_path):
        with pytest.raises(KeyError), Store(tmp_path).lock():
            raise KeyError
        with Store(tmp_path).lock():
            pass

    def test_a_holder_that_has_not_said_who_it_is(self, tmp_path):
        assert str(IndexLocked(tmp_path, 0)).startswith("another process is building an index in ")

    def test_reading_needs_no_lock(self, copy):
        with Store(copy).lock():
            ask(copy)


def test_vectors_are_stored_for_reuse(built):
    vectors, keys = Store(built).open().stored_vectors()
    assert (vectors.shape, vectors.dtype) == ((8, 32), np.float16)
    assert (keys.shape, keys.dtype) == ((8, 16), np.uint8)
