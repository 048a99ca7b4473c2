"""Tasks run one after the other in a process of their own; whatever is not a success leaves everything as it was."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from index.store import Store
from server import builder
from server.chart import draw_chart
from server.folders import Folders
from server.problems import Refusal
from server.settings import Settings
from server.tasks import KEPT, MOST_WAITING, Job, Outcome, Task, Tasks
from server.upkeep import Upkeep
from server.uploads import Uploads, own_folder
from tests.building import COMMAND

DONE = Outcome("succeeded", {"generation": "g1"})


class Hands:
    """A worker that waits to be let go, and notes what it was given."""

    def __init__(self, *outcomes: Outcome | Exception):
        self.outcomes, self.ran, self.forgotten = list(outcomes), [], []
        self.go, self.at_work = threading.Semaphore(0), threading.Semaphore(0)

    def run(self, task: Task, tell: Callable, stop: threading.Event) -> Outcome:
        self.ran.append(task.job)
        tell("reading", 3, None)
        tell("embedding", 5, 10)
        self.at_work.release()
        while not self.go.acquire(timeout=0.01):
            if stop.is_set():
                return Outcome("canceled")
        outcome = self.outcomes.pop(0) if self.outcomes else DONE
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def forget(self, task: Task) -> None:
        self.forgotten.append(task.uid)


def wait_for(tasks: Tasks, uid: str) -> Task:
    """The task, once it is over; one that never is fails by the time limit of the whole run."""
    for _ in range(6000):
        if (task := tasks.get(uid)).is_over:
            return task
        time.sleep(0.01)
    raise AssertionError(f"still {task.state}")


def job(name: str) -> Job:
    return Job("rebuild", (name,))


class TestQueue:
    def test_one_after_the_other(self, tmp_path):
        hands = Hands()
        tasks = Tasks(tmp_path, hands)
        uids = [tasks.submit(job(name)).uid for name in "abc"]
        hands.at_work.acquire()
        assert [tasks.get(uid).state for uid in uids] == ["processing", "enqueued", "enqueued"]
        assert [task.uid for task in tasks.all()] == uids[::-1]
        hands.go.release(3)
        assert [wait_for(tasks, uid).state for uid in uids] == ["succeeded"] * 3
        assert hands.ran == [job(name) for name in "abc"]
        tasks.close()

    def test_progress(self, tmp_path):
        hands = Hands()
        tasks = Tasks(tmp_path, hands)
        uid = tasks.submit(job("a")).uid
        hands.at_work.acquire()
        at = tasks.get(uid).progress
        assert (at.stage, at.done, at.total) == ("embedding", 5, 10)
        assert replace(at, began=100.0, heard=102.0).seconds_left == 2.0
        assert replace(at, total=None).seconds_left is None
        tasks.close()

    def test_canceling_what_waits_and_what_is_at_work(self, tmp_path):
        hands = Hands()
        tasks = Tasks(tmp_path, hands)
        first, second = (tasks.submit(job(name)).uid for name in "ab")
        hands.at_work.acquire()
        assert tasks.cancel(second).state == "canceled"
        assert hands.forgotten == [second]
        tasks.cancel(first)
        assert wait_for(tasks, first).state == "canceled"
        with pytest.raises(Refusal, match="canceled already"):
            tasks.cancel(first)
        third = tasks.submit(job("c")).uid  # a stop does not reach the next one
        hands.go.release()
        assert wait_for(tasks, third).state == "succeeded"
        assert hands.ran == [job("a"), job("c")]
        tasks.close()

    def test_what_another_server_does_is_canceled_there(self, tmp_path):
        hands = Hands()
        tasks = Tasks(tmp_path, hands)
        uids = [tasks.submit(job(name)).uid for name in "ab"]
        hands.at_work.acquire()
        other = Tasks(tmp_path, Hands())
        other.start()
        for uid in uids:
            with pytest.raises(Refusal, match="cancel it there") as caught:
                other.cancel(uid)
            assert caught.value.kind.status == 409
        other.close()
        tasks.close()

    def test_a_worker_that_breaks_fails_its_task_only(self, tmp_path):
        hands = Hands(ZeroDivisionError(), DONE)
        hands.go.release(2)
        tasks = Tasks(tmp_path, hands)
        first, second = (tasks.submit(job(name)).uid for name in "ab")
        failed = wait_for(tasks, first)
        assert (failed.state, failed.error["status"]) == ("failed", 500)
        assert first in failed.error["detail"]
        assert wait_for(tasks, second).state == "succeeded"
        tasks.close()

    def test_too_many(self, tmp_path):
        hands = Hands()
        tasks = Tasks(tmp_path, hands)
        tasks.submit(job("at work"))
        hands.at_work.acquire()
        for _ in range(MOST_WAITING):
            tasks.submit(job("waits"))
        with pytest.raises(Refusal) as caught:
            tasks.submit(job("too many"))
        assert (caught.value.kind.name, caught.value.kind.status) == ("too-many-tasks", 429)
        tasks.close()

    def test_an_unknown_one(self, tmp_path):
        with pytest.raises(Refusal) as caught:
            Tasks(tmp_path, Hands()).get("../../etc/passwd")
        assert caught.value.kind.name == "unknown-task"


class TestHistory:
    def test_tasks_outlive_the_server(self, tmp_path):
        hands = Hands(DONE, Outcome("failed", error={"type": "t", "title": "T", "status": 503, "detail": "d"}))
        hands.go.release(2)
        tasks = Tasks(tmp_path, hands)
        uids = [tasks.submit(job(name)).uid for name in "ab"]
        before = [replace(wait_for(tasks, uid), progress=None) for uid in uids]
        tasks.close()
        again = Tasks(tmp_path, Hands())
        again.start()
        assert again.all() == before[::-1]
        again.close()

    def test_what_a_dead_server_left_unfinished_has_failed(self, tmp_path):
        hands = Hands()
        left = Tasks(tmp_path, hands)
        uids = [left.submit(job(name)).uid for name in "ab"]
        hands.at_work.acquire()
        files = {path.name: path.read_bytes() for path in tmp_path.glob("*.json")}
        left.close()
        for name, data in files.items():  # as they were while the server lived
            (tmp_path / name).write_bytes(data)
        hands = Hands()
        again = Tasks(tmp_path, hands)
        again.start()
        assert [again.get(uid).state for uid in uids] == ["failed", "failed"]
        assert "the server stopped" in again.get(uids[0]).error["detail"]
        assert sorted(hands.forgotten) == sorted(uids)
        again.close()

    def test_what_another_server_works_on_is_left_to_it(self, tmp_path):
        hands = Hands()
        busy = Tasks(tmp_path, hands)
        uid = busy.submit(job("a")).uid
        hands.at_work.acquire()
        other = Tasks(tmp_path, Hands())
        other.start()
        assert other.get(uid).state == "processing"
        busy.close()

    def test_stopping_the_server_fails_the_task_at_work(self, tmp_path):
        hands = Hands()
        tasks = Tasks(tmp_path, hands)
        uid = tasks.submit(job("a")).uid
        hands.at_work.acquire()
        tasks.close()
        assert tasks.get(uid).state == "failed"
        assert tasks.get(uid).error["type"] == "urn:verbatim:problem:server-stopped"

    def test_only_so_many_are_kept(self, tmp_path):
        stamp = datetime(2025, 1, 1, tzinfo=UTC)
        seed = Tasks(tmp_path, Hands())
        for number in range(KEPT):
            seed._keep(Task(f"old{number:03}", job("a"), "succeeded", stamp.replace(microsecond=number), report={}))
        hands = Hands()
        hands.go.release()
        tasks = Tasks(tmp_path, hands)
        tasks.start()
        uid = tasks.submit(job("new")).uid
        wait_for(tasks, uid)
        tasks.close()
        assert len(tasks.all()) == len(list(tmp_path.glob("*.json"))) == KEPT
        assert tasks.all()[0].uid == uid and tasks.all()[-1].uid == "old001"

    def test_a_broken_file_is_no_task(self, tmp_path):
        (tmp_path / "x.json").write_text("{")
        tasks = Tasks(tmp_path, Hands())
        tasks.start()
        assert tasks.all() == []


class House:
    """An index of a folder of articles, and a server's upkeep of it."""

    def __init__(self, folder: Path, command=COMMAND):
        self.news = folder / "news"
        self.news.mkdir(exist_ok=True)
        self.settings = Settings(index=folder / "index", data=folder / "data", article_folders=(self.news,))
        self.upkeep = Upkeep(self.settings, command)
        self.store = Store(self.settings.index)

    def write(self, **texts: str) -> None:
        records = [{"id": id, "title": id, "text": text} for id, text in texts.items()]
        (self.news / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    def run(self, task: Task) -> Task:
        return wait_for(self.upkeep.tasks, task.uid)

    def rebuild(self, paths=None, full=False, golden=None) -> Task:
        return self.run(self.upkeep.rebuild(paths, full, golden))

    def texts(self) -> dict[str, str]:
        return {each.id: each.text for each, _ in self.store.open().sourced_articles()}

    def state(self) -> dict[str, bytes]:
        """Every file of the index."""
        files = [path for path in self.settings.index.rglob("*") if path.is_file() and "LOCK" not in path.name]
        return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.write(one="First text.", two="Second text.")
    yield house
    house.upkeep.tasks.close()


def wait_until(condition: Callable[[], object]) -> None:
    for _ in range(6000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to that")


class TestBuilding:
    def test_a_rebuild_and_what_it_reports(self, house):
        (house.news / "b.txt").write_bytes(b"")
        done = house.rebuild()
        assert (done.state, done.error) == ("succeeded", None)
        assert [done.report[name] for name in ("articles", "added", "embedded", "reused")] == [2, 2, 2, 0]
        assert [Path(each["path"]).name for each in done.report["skipped"]] == ["b.txt"]
        assert done.progress is None or done.progress.stage == "checking"
        house.write(one="First text.", three="Third text.")
        done = house.rebuild()  # what the index was built from is known by now
        assert [done.report[name] for name in ("articles", "added", "removed", "reused")] == [2, 1, 1, 1]
        assert set(house.texts()) == {"one", "three"}

    def test_uploads_are_kept_and_found_again(self, house):
        house.rebuild()
        added = house.run(house.upkeep.add([("../../x/New one.txt", io.BytesIO(b"A new text."))]))
        assert added.report["articles"] == 3
        [path] = house.upkeep.uploads.folder.glob("*/*")
        assert path.name == "New one.txt"
        assert house.run(house.upkeep.add([("New one.txt", io.BytesIO(b"A new text."))])).report["articles"] == 3
        assert len(list(house.upkeep.uploads.folder.glob("*/*"))) == 1  # the same bytes are the same file
        assert house.rebuild().report["articles"] == 3
        assert not list(house.upkeep.uploads._incoming.glob("*"))

    def test_an_upload_without_an_article_is_not_kept(self, house):
        house.rebuild()
        picture = ("a.png", io.BytesIO(b"\x89PNG\r\n\x1a\n\0\0"))
        done = house.run(house.upkeep.add([picture, ("b.txt", io.BytesIO(b"A text."))]))
        assert done.state == "succeeded" and len(done.report["skipped"]) == 1
        assert [path.name for path in house.upkeep.uploads.folder.glob("*/*")] == ["b.txt"]

    def test_a_task_that_breaks_leaves_no_upload(self, house, monkeypatch):
        house.rebuild()
        monkeypatch.setattr(builder, "_follow", lambda *_: 1 / 0)
        done = house.run(house.upkeep.add([("a.txt", io.BytesIO(b"A text."))]))
        assert (done.state, done.error["status"]) == ("failed", 500)
        uploads = house.upkeep.uploads
        assert tmp_files(uploads.folder) == tmp_files(uploads._incoming) == []

    def test_starting_over_after_an_upload_that_gave_nothing(self, house):
        """What was dropped is among what the index was built from, yet no article would be lost."""
        house.rebuild()
        house.run(house.upkeep.add([("a.png", io.BytesIO(b"\x89PNG\r\n\x1a\n\0")), ("b.txt", io.BytesIO(b"A text."))]))
        done = house.rebuild(full=True)
        assert (done.state, done.report["articles"], done.report["reused"]) == ("succeeded", 3, 0)

    def test_the_version_that_was_uploaded_last_holds(self, house):
        """Whatever the names that the files have on disk, when all of them are read again."""
        house.rebuild()
        for number in range(8):
            record = json.dumps({"id": "x", "text": f"Version {number}."}) + "\n"
            kept = json.dumps({"id": f"y{number}", "text": f"Only here {number}."})
            house.run(house.upkeep.add([("a.jsonl", io.BytesIO((record + kept).encode()))]))
        assert house.rebuild().report["changed"] == 0
        assert house.texts()["x"] == "Version 7."
        assert house.rebuild(full=True).state == "succeeded" and house.texts()["x"] == "Version 7."
        first = b'{"id": "x", "text": "Version 0."}\n{"id": "y0", "text": "Only here 0."}'
        house.run(house.upkeep.add([("a.jsonl", io.BytesIO(first))]))
        assert house.rebuild().report["changed"] == 0
        assert house.texts()["x"] == "Version 0."

    def test_starting_over_elsewhere_deletes_no_upload(self, house):
        house.rebuild()
        house.run(house.upkeep.add([("a.txt", io.BytesIO(b"A text."))]))
        assert house.rebuild([str(house.news)], full=True).report["articles"] == 2
        assert len(tmp_files(house.upkeep.uploads.folder)) == 1

    def test_a_lost_pointer_does_not_stop_a_rebuild(self, house):
        house.rebuild()
        (house.settings.index / "CURRENT").unlink()
        assert house.rebuild([str(house.news)]).report["reused"] == 2

    def test_an_older_version_does_not_come_back_after_a_removal(self, house):
        house.rebuild()
        for text in ("SECRETWORD one", "SECRETWORD two", "SECRETWORD three"):
            record = json.dumps({"id": "gone", "text": text})
            house.run(house.upkeep.add([("gone.jsonl", io.BytesIO(record.encode()))]))
            assert len(tmp_files(house.upkeep.uploads.folder)) == 1
        house.run(house.upkeep.remove(["gone"]))
        assert tmp_files(house.upkeep.uploads.folder) == []
        assert house.rebuild().state == "succeeded" and "gone" not in house.texts()

    def test_a_failed_task_changes_nothing(self, tmp_path):
        house = House(tmp_path)
        done = house.run(house.upkeep.add([("a.txt", io.BytesIO(b"\0\0\0"))]))
        assert (done.state, done.error["type"]) == ("failed", "urn:verbatim:problem:unreadable-articles")
        assert "a.txt" in done.error["detail"]
        assert not list(house.upkeep.uploads.folder.rglob("*.txt")) and house.state() == {}
        house.upkeep.tasks.close()

    def test_golden_questions(self, house):
        house.write(one="The bridge cost 212 million euros.")
        assert house.rebuild().state == "succeeded"
        questions = house.news / "golden.jsonl"
        questions.write_text(json.dumps({"question": "What did the bridge cost?", "answers": ["212 million euros"]}))
        house.write(one="The bridge was expensive.")
        done = house.rebuild([str(house.news / "a.jsonl")], golden=str(questions))
        assert (done.state, done.error["type"]) == ("failed", "urn:verbatim:problem:golden-failed")
        assert house.texts() == {"one": "The bridge cost 212 million euros."}

    def test_a_removed_article_leaves_its_upload_too(self, house):
        house.rebuild()
        house.run(house.upkeep.add([("gone.jsonl", io.BytesIO(b'{"id": "gone", "text": "SECRETWORD"}'))]))
        assert "gone" in house.texts()
        done = house.run(house.upkeep.remove(["gone"]))
        assert (done.state, done.report["removed"]) == ("succeeded", 1)
        assert "gone" not in house.texts()
        kept = [path for path in tmp_files(house.settings.data) if b"SECRETWORD" in path.read_bytes()]
        assert kept == []
        unknown = house.run(house.upkeep.remove(["nobody"]))
        assert unknown.error["type"] == "urn:verbatim:problem:unknown-article"

    def test_the_process_is_of_low_priority_and_in_its_own_group(self, tmp_path):
        house = House(tmp_path, (*COMMAND, "slow"))
        house.write(**{f"a{number}": f"Text {number}." for number in range(100)})
        task = house.upkeep.rebuild(None, False, None)
        [child] = processes_of(house, task)
        assert os.getpgid(child) == child != os.getpgid(0)
        wait_until(lambda: house.upkeep.tasks.get(task.uid).progress)
        assert os.getpriority(os.PRIO_PROCESS, child) >= 10
        house.upkeep.tasks.close()


def tmp_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def processes_of(house: House, task: Task) -> list[int]:
    """The children of this process that build, once there are any."""
    found: list[int] = []

    def look() -> bool:
        children = Path(f"/proc/{os.getpid()}/task").glob("*/children")
        pids = [int(pid) for path in children for pid in path.read_text().split()]
        found[:] = [pid for pid in pids if b"tests.building" in command_of(pid)]
        return bool(found)

    wait_until(look)
    return found


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def serve(folder: str) -> None:
    """A server's part, in a process of its own: begins a slow build, prints its process, and stays."""
    house = House(Path(folder), (*COMMAND, "slow"))
    task = house.upkeep.rebuild(None, False, None)
    wait_until(lambda: (at := house.upkeep.tasks.get(task.uid).progress) and at.stage == "embedding")
    print(*processes_of(house, task), flush=True)
    time.sleep(3600)


class TestEnding:
    """Whichever way a build is ended, the index is to the byte what it was, and nothing is left running."""

    def begin(self, tmp_path: Path, how: str) -> tuple[House, Task, dict[str, bytes]]:
        house = House(tmp_path)
        house.write(old="The old text.")
        assert house.rebuild().state == "succeeded"
        before = house.state()
        house.upkeep.tasks.close()
        house = House(tmp_path, (*COMMAND, how))
        house.write(**{f"a{number}": f"Text {number}." for number in range(600)})
        return house, house.upkeep.rebuild(None, False, None), before

    def at_stage(self, house: House, task: Task, stage: str) -> None:
        wait_until(lambda: (at := house.upkeep.tasks.get(task.uid).progress) and at.stage == stage)

    @pytest.mark.parametrize("how", ["slow", "hang"])
    def test_canceled(self, tmp_path, how, monkeypatch):
        monkeypatch.setattr(builder, "GRACE", 0.5 if how == "hang" else 20.0)
        house, task, before = self.begin(tmp_path, how)
        self.at_stage(house, task, "embedding")
        [child] = processes_of(house, task)
        house.upkeep.tasks.cancel(task.uid)
        done = house.run(task)
        assert (done.state, done.error) == ("canceled", None)
        assert house.state() == before
        assert not Path(f"/proc/{child}").exists()
        assert house.texts() == {"old": "The old text."}
        house.upkeep.tasks.close()

    def test_ended_by_the_system(self, tmp_path):
        house, task, before = self.begin(tmp_path, "crash")
        done = house.run(task)
        assert (done.state, done.error["status"]) == ("failed", 500)
        assert "signal 9" in done.error["detail"]
        assert house.state() == before
        house.upkeep.tasks.close()

    def test_the_server_is_killed(self, tmp_path):
        """The build ends with it, though nobody is left to tell it to."""
        house, task, before = self.begin(tmp_path, "slow")
        house.upkeep.tasks.close()
        assert house.upkeep.tasks.get(task.uid).state == "failed"
        code = "import sys; from tests.unit.test_tasks import serve; serve(sys.argv[1])"
        root = Path(__file__).parents[2]
        server = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=root)
        child = int(server.stdout.readline())
        server.kill()
        server.wait()
        server.stdout.close()
        wait_until(lambda: not command_of(child))
        assert house.state() == before
        again = House(tmp_path)
        again.upkeep.tasks.start()
        assert [each.state for each in again.upkeep.tasks.all()] == ["failed", "failed", "succeeded"]
        assert again.rebuild().report["articles"] == 600
        again.upkeep.tasks.close()


def test_an_upload_that_was_cut_off_is_not_kept(house):
    house.rebuild()
    incoming = house.upkeep.uploads.store([("a.txt", io.BytesIO(b"A text.")), ("b.txt", io.BytesIO(b"Another."))])
    paths, _ = house.upkeep.uploads.take_in(incoming)
    assert house.rebuild([str(paths[0])]).state == "succeeded"  # as if the swap had been the last thing done
    cut_off = Task("x", Job("rebuild", incoming=str(incoming)), "processing", datetime.now(UTC), datetime.now(UTC))
    house.upkeep.tasks._worker.forget(cut_off)
    assert [path.exists() for path in paths] == [True, False]
    assert not incoming.exists()


class TestPaths:
    @pytest.fixture
    def folders(self, tmp_path):
        (tmp_path / "news" / "inner").mkdir(parents=True)
        (tmp_path / "news" / "a.txt").write_text("A text.")
        (tmp_path / "secret").mkdir()
        (tmp_path / "secret" / "s.txt").write_text("A secret.")
        (tmp_path / "news-more").mkdir()
        (tmp_path / "news" / "way-out").symlink_to(tmp_path / "secret")
        (tmp_path / "news" / "out.txt").symlink_to(tmp_path / "secret" / "s.txt")
        settings = Settings(index=tmp_path / "i", data=tmp_path / "d", article_folders=(tmp_path / "news",))
        return Folders(settings, Uploads(own_folder(settings)))

    @pytest.mark.parametrize("name", ["news", "news/a.txt", "news/inner", "news/inner/../a.txt"])
    def test_within(self, folders, tmp_path, name):
        assert folders.permit([f"{tmp_path}/{name}"]) == [Path(os.path.normpath(tmp_path / name))]

    @pytest.mark.parametrize(
        "name",
        [
            "secret",
            "secret/s.txt",
            "news/../secret",
            "news-more",
            "news/way-out",
            "news/out.txt",
            "news/way-out/s.txt",
            "",
        ],
    )
    def test_outside(self, folders, tmp_path, name):
        with pytest.raises(Refusal) as caught:
            folders.permit([f"{tmp_path}/{name}"])
        assert caught.value.kind.name == "path-not-allowed"

    @pytest.mark.parametrize("name", ["news", "~/news", "", "/\0"])
    def test_no_absolute_path(self, folders, name):
        with pytest.raises(Refusal, match="absolute"):
            folders.permit([name])

    def test_not_there(self, folders, tmp_path):
        with pytest.raises(Refusal, match="no such file"):
            folders.permit([f"{tmp_path}/news/none.txt"])

    def test_what_is_not_there_is_left_out_of_a_rebuild(self, house):
        """A disk that is unplugged must not empty the index."""
        house.rebuild()
        more = house.settings.article_folders[0].parent / "more"
        more.mkdir()
        (more / "b.txt").write_text("More text.")
        house.upkeep.folders._configured.append(more)
        assert house.rebuild([str(more)]).report["articles"] == 3
        more.rename(more.with_name("unplugged"))
        assert house.upkeep.folders.present(full=False) == [house.news]
        assert house.rebuild().report["articles"] == 3
        with pytest.raises(Refusal, match="would lose its articles"):
            house.upkeep.rebuild(None, True, None)

    def test_without_index_and_folders_nothing_is_known(self, tmp_path):
        upkeep = Upkeep(Settings(index=tmp_path / "i", data=tmp_path / "d"))
        with pytest.raises(Refusal, match="upload files"):
            upkeep.rebuild(None, False, None)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\news\\b.html", "b.html"),
        ("..", "article.txt"),
        (".hidden.txt", "hidden.txt"),
        ("a\0b\nc.txt", "a_b_c.txt"),
        ("ä" * 300 + ".jsonl.gz", "ä" * 55 + ".jsonl.gz"),
        ("x." + "y" * 500, None),
    ],
)
def test_names_of_uploads_are_harmless(tmp_path, given, kept):
    uploads = Uploads(tmp_path)
    paths, new = uploads.take_in(uploads.store([(given, io.BytesIO(b"text"))]))
    assert paths == new and paths[0].read_bytes() == b"text"
    assert paths[0].parent.parent == uploads.folder and len(paths[0].name.encode()) <= 120
    assert kept is None or paths[0].name == kept
    uploads.drop([tmp_path / "elsewhere", *paths])
    assert not list(uploads.folder.glob("*"))


def test_an_upload_of_nothing(tmp_path):
    with pytest.raises(Refusal, match="no file was chosen"):
        Uploads(tmp_path).store([])
    with pytest.raises(Refusal, match="b.txt is empty"):
        Uploads(tmp_path).store([("a.txt", io.BytesIO(b"text")), ("b.txt", io.BytesIO())])
    assert not list(tmp_path.rglob("*.txt"))


class TestChart:
    def test_months_without_articles_have_their_place(self):
        chart = draw_chart([("2024-11", 4), ("2025-02", 1)])
        assert [(bar.when, bar.count) for bar in chart.bars] == [
            ("2024-11", 4), ("2024-12", 0), ("2025-01", 0), ("2025-02", 1),
        ]  # fmt: skip
        assert [(bar.x, bar.y, bar.height) for bar in chart.bars[2:]] == [(21, 100, 0), (31, 75, 25)]
        assert chart.shown == [("November 2024", 4), ("February 2025", 1)]
        assert (chart.width, chart.highest.when) == (40, "2024-11")

    def test_many_months_are_joined_to_years(self):
        chart = draw_chart([("1999-12", 1), ("2005-01", 2), ("2005-02", 3)])
        assert [(bar.when, bar.count) for bar in chart.bars] == [
            ("1999", 1), ("2000", 0), ("2001", 0), ("2002", 0), ("2003", 0), ("2004", 0), ("2005", 5),
        ]  # fmt: skip

    def test_nothing_to_draw(self):
        assert draw_chart([]) is None
