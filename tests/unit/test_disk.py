"""Every step that writes may fail: the index in use stays, the cause is told, and the next build succeeds."""

import errno
import json
import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from index import disk
from index.build import build_index
from index.errors import IndexFault
from index.store import Store
from tests.fakes import BagOfWords


class Failing:
    """A watcher that lets step ``number`` fail; counts them and names their kinds."""

    def __init__(self, number: int = -1, code: int = errno.ENOSPC):
        self.number, self.code = number, code
        self.steps: list[tuple[str, str]] = []

    def __call__(self, kind: str, path: Path) -> None:
        self.steps.append((kind, path.name))
        if len(self.steps) == self.number + 1:
            raise OSError(self.code, os.strerror(self.code))


@pytest.fixture
def news(tmp_path) -> Path:
    (tmp_path / "news.jsonl").write_text(article_line("one", "First text."))
    return tmp_path / "news.jsonl"


def article_line(name: str, text: str) -> str:
    return json.dumps({"id": name, "title": name, "text": text}) + "\n"


def build(news: Path, watcher: Failing | None = None) -> None:
    with ExitStack() as stack:
        if watcher:
            stack.enter_context(disk.watched(watcher))
        build_index([news], news.parent / "index", BagOfWords(32), keep=2)


def texts(folder: Path) -> list[str]:
    return sorted(article.text for article, _ in Store(folder).open().sourced_articles())


def check_tidy(folder: Path) -> None:
    """Nothing lies about that does not belong to a whole generation."""
    store = Store(folder)
    assert store.verify() == []
    assert {path.name for path in folder.iterdir()} <= {"CURRENT", "LOCK", "generations"}
    assert sorted(path.name for path in store.generations.iterdir()) == store.complete()
    for generation in store.complete():
        opened = store.open(store.pointer_to(generation))
        held = {path for path in opened.folder.rglob("*") if path.is_file()}
        assert held == {opened.folder / name for name in opened.manifest.files} | {opened.folder / "manifest.json"}


def test_all_kinds_of_steps_are_seen(news):
    watcher = Failing()
    build(news, watcher)
    assert {kind for kind, _ in watcher.steps} == {"make", "write", "sync", "rename", "remove"}
    written = {name for kind, name in watcher.steps if kind == "write"}
    generation = Store(news.parent / "index").open()
    own = {Path(name).name for name in generation.manifest.files if not name.startswith("lexical/")}
    assert written >= own | {"lexical", "manifest.json.new", "CURRENT.new"}
    synced = {name for kind, name in watcher.steps if kind == "sync"}
    assert synced >= {Path(name).name for name in generation.manifest.files} | {"manifest.json.new", "CURRENT.new"}
    assert synced >= {"index", "generations", generation.id, "lexical"}
    last = [step for step in watcher.steps if step[0] in ("rename", "sync")][-2:]
    assert last == [("rename", "CURRENT"), ("sync", "index")]


def test_each_step_of_a_rebuild_may_fail(news):
    folder = news.parent / "index"
    build(news)
    build(news)
    number = 0
    while True:
        news.write_text(article_line("one", f"Text {number}.") + article_line("two", f"More of {number}."))
        before, current = texts(folder), Store(folder).current()
        watcher = Failing(number, (errno.ENOSPC, errno.EIO)[number % 2])
        try:
            build(news, watcher)
        except IndexFault as error:
            assert isinstance(error.__cause__, OSError), error
            assert os.strerror(watcher.code) in str(error) and "\n" not in str(error)
            assert (texts(folder), Store(folder).current()) == (before, current)
            assert Store(folder).verify() == []
            kinds = {kind for kind, _ in watcher.steps[number:]}
            assert kinds <= {"remove", "make", "write", "sync", "rename"}
        else:
            assert texts(folder) == [f"More of {number}.", f"Text {number}."]
            if len(watcher.steps) <= number:
                break
            assert watcher.steps[number][0] == "remove"  # the new generation was in use by then
        build(news)
        assert texts(folder) == [f"More of {number}.", f"Text {number}."]
        check_tidy(folder)
        number += 1
    assert number > 25


def test_each_step_of_the_first_build_may_fail(news):
    number = 0
    while True:
        folder = news.parent / "index"
        watcher = Failing(number, (errno.EIO, errno.ENOSPC)[number % 2])
        try:
            build(news, watcher)
        except IndexFault:
            assert not (folder / "CURRENT").exists()
            build(news)
            check_tidy(folder)
        else:
            break
        folder.rename(news.parent / f"done{number}")
        number += 3
    assert number > 25
    assert len(watcher.steps) <= number


def test_a_swap_that_may_not_last_is_taken_back(news):
    """What a crash would leave is unknown when the folder could not be synced, so it is the old one again."""
    folder = news.parent / "index"
    build(news)
    before = Store(folder).current()
    renamed = []

    def fail_after_rename(kind: str, path: Path) -> None:
        if kind == "rename" and path.name == "CURRENT":
            renamed.append(path)
        elif kind == "sync" and path == folder and len(renamed) == 1:
            raise OSError(errno.EIO, "Input/output error")

    news.write_text(article_line("one", "Second text."))
    with disk.watched(fail_after_rename), pytest.raises(IndexFault, match="Input/output error"):
        build_index([news], folder, BagOfWords(32))
    assert len(renamed) == 2
    assert Store(folder).current() == before
    check_tidy(folder)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (errno.ENOSPC, "make room or check the disk"),
        (errno.EIO, "make room or check the disk"),
        (errno.EACCES, "check the path and its permissions"),
        (errno.ENOTDIR, "check the path and its permissions"),
    ],
)
def test_the_remedy_fits_the_cause(tmp_path, code, remedy):
    fault = disk.explain(tmp_path / "x", OSError(code, os.strerror(code)))
    assert str(fault) == f"{tmp_path / 'x'} cannot be written ({os.strerror(code)}); {remedy}"
