"""Looking after the index over HTTP: tasks, uploads, paths, going back; by programs and by forms."""

import json
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from index.build import build_index
from index.store import Store
from qa.archive import Archive
from server.app import create_app
from server.settings import Settings
from tests.api.test_errors import assert_problem
from tests.building import COMMAND, Reader
from tests.fakes import BagOfWords

PAGE = {"accept": "text/html"}


class House:
    """A folder of articles, an index of them, and a client of a server over it."""

    def __init__(self, folder: Path, *how: str, **settings):
        self.folder, self.news = folder, folder / "news"
        self.news.mkdir(exist_ok=True)
        self.settings = Settings(
            index=folder / "index", data=folder / "data", **{"article_folders": (self.news,)} | settings
        )
        archive = Archive(self.settings.index, lambda: (BagOfWords(), Reader()))
        app = create_app(archive, self.settings, (*COMMAND, *how))
        self.client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)

    def write(self, **texts: str) -> None:
        records = [
            {"id": id, "title": id, "text": text, "source": "Courier", "published": "2024-09-09"}
            for id, text in texts.items()
        ]
        (self.news / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    def build(self) -> str:
        return build_index([self.news], self.settings.index, BagOfWords()).generation

    def end(self, response) -> dict:
        """The task that a request began, once it is over."""
        assert response.status_code == 202, response.text
        assert response.headers["location"] == f"/index/tasks/{response.json()['uid']}"
        return self.wait(response.json()["uid"])

    def wait(self, uid: str) -> dict:
        for _ in range(6000):
            task = self.client.get(f"/index/tasks/{uid}").json()
            if task["state"] not in ("enqueued", "processing"):
                return task
            time.sleep(0.01)
        raise AssertionError(task)


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.write(one="First text.", two="Second text.")
    with house.client:
        yield house


def test_a_rebuild(house):
    task = house.end(
        house.client.post("/index/rebuild", json={"paths": [str(house.news)], "full": False, "golden": None})
    )
    assert task["state"] == "succeeded"
    assert task["counts"] == {
        "articles": 2, "passages": 2, "embedded": 2, "reused": 0, "added": 2, "changed": 0, "removed": 0, "skipped": 0,
    }  # fmt: skip
    assert (task["kind"], task["paths"], task["error"], task["progress"]) == ("rebuild", [str(house.news)], None, None)
    assert task["enqueued_at"] <= task["started_at"] <= task["finished_at"]
    assert (
        house.client.get("/index").json()["generation"]
        == task["generation"]
        == Store(house.settings.index).current()[0]
    )
    assert house.client.get("/index/tasks").json() == {"tasks": [task]}


def test_without_a_body_all_is_read_again(house):
    house.build()
    house.write(one="First text, corrected.")
    (house.news / "empty.txt").write_bytes(b"")
    task = house.end(house.client.post("/index/rebuild"))
    assert [task["counts"][name] for name in ("changed", "removed", "skipped")] == [1, 1, 1]
    assert [Path(each["path"]).name for each in task["skipped"]] == ["empty.txt"]


def test_the_index_in_detail(house):
    (house.news / "empty.txt").write_bytes(b"")
    first, second = house.build(), house.build()
    facts = house.client.get("/index").json()
    assert facts["sources"] == [{"source": "Courier", "articles": 2}]
    assert (facts["months"], facts["undated"]) == ([{"month": "2024-09", "articles": 2}], 0)
    assert [(each["generation"], each["state"]) for each in facts["generations"]] == [
        (second, "in use"),
        (first, "kept"),
    ]
    assert [Path(each["path"]).name for each in facts["skipped_articles"]] == ["empty.txt"]
    assert facts["built_from"] == [str(house.news)]
    assert house.client.get("/index").headers["vary"] == "Accept"


def test_uploads(house):
    files = [("files", ("a b.txt", b"A text.")), ("files", ("c.jsonl", b'{"id": "c", "text": "Another."}'))]
    task = house.end(house.client.post("/index/rebuild", files=files))
    assert (task["state"], task["counts"]["added"], task["paths"]) == ("succeeded", 2, ["a b.txt", "c.jsonl"])
    assert house.client.get("/articles/c.json").json()["text"] == "Another."
    house.end(house.client.post("/index/rebuild", json={}))
    assert house.client.get("/articles/c.json").status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "name"),
    [
        ({"paths": ["/etc"]}, 403, "path-not-allowed"),
        ({"paths": ["news"]}, 422, "invalid-request"),
        ({"paths": "/news"}, 422, "invalid-request"),
        ({"paths": [7]}, 422, "invalid-request"),
        ({"full": "yes"}, 422, "invalid-request"),
        ({"golden": "/etc/passwd"}, 403, "path-not-allowed"),
        ({"path": ["/etc"]}, 422, "invalid-request"),
        ([], 422, "invalid-request"),
    ],
)
def test_what_is_no_rebuild(house, body, status, name):
    document = assert_problem(house.client.post("/index/rebuild", json=body), status, name)
    if body and "path" in body:
        assert "did you mean 'paths'" in document["detail"]
    assert house.client.get("/index/tasks").json() == {"tasks": []}


def test_paths_do_not_climb_out(house):
    (house.news / "out").symlink_to("/etc")
    for path in (
        f"{house.news}/../data",
        f"{house.news}/out",
        f"{house.news}/out/passwd",
        f"{house.news}/x/../../x",
    ):
        assert_problem(house.client.post("/index/rebuild", json={"paths": [path]}), 403, "path-not-allowed")


def test_only_what_the_index_was_built_from_by_default(tmp_path):
    house = House(tmp_path, article_folders=())
    house.write(one="First text.")
    with house.client:
        path = str(house.news / "a.jsonl")
        assert_problem(house.client.post("/index/rebuild", json={"paths": [path]}), 403, "path-not-allowed")
        build_index([house.news / "a.jsonl"], house.settings.index, BagOfWords())
        assert house.end(house.client.post("/index/rebuild", json={"paths": [path]}))["state"] == "succeeded"
        assert_problem(house.client.post("/index/rebuild", json={"paths": [str(house.news)]}), 403, "path-not-allowed")


@pytest.mark.parametrize(
    ("content", "kind", "status", "name"),
    [
        (b"{", "application/json", 400, "bad-json"),
        (b"\xff", "application/json", 400, "bad-json"),
        (b"[" * 100_000, "application/json", 400, "bad-json"),
        (b'{"paths": ["/\\ud83c"], "article_ids": ["\\ud83c"]}', "application/json", 422, "invalid-request"),
        (b"{}", "text/plain", 415, "not-json"),
        (b"x", "multipart/form-data", 422, "invalid-request"),
        (b"--b\r\nrubbish", "multipart/form-data; boundary=b", 422, "invalid-request"),
        (b"--b--\r\n", "multipart/form-data; boundary=b", 422, "invalid-request"),
        (b"a=1&" * 2000, "application/x-www-form-urlencoded", 422, "invalid-request"),
    ],
)
@pytest.mark.parametrize("path", ["/index/rebuild", "/index/remove"])
def test_a_body_that_cannot_be_meant(house, path, content, kind, status, name):
    if path == "/index/remove" and kind.startswith("multipart"):
        status, name = 415, "not-json"
    assert_problem(house.client.post(path, content=content, headers={"content-type": kind}), status, name)


def test_uploads_are_bounded(tmp_path):
    house = House(tmp_path, upload_files=2, upload_megabytes=1)
    with house.client:
        three = [("files", (f"{name}.txt", b"Text.")) for name in "abc"]
        assert (
            "at most 2 files"
            in assert_problem(house.client.post("/index/rebuild", files=three), 422, "invalid-request")["detail"]
        )
        large = [("files", ("a.txt", b"x" * 1_000_001))]
        assert_problem(house.client.post("/index/rebuild", files=large), 413, "body-too-large")
        empty = [("files", ("a.txt", b""))]
        assert_problem(house.client.post("/index/rebuild", files=empty), 422, "invalid-request")
        assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
        allowed = [("files", ("a.txt", b"x " * 450_000))]  # more than other bodies may have
        assert house.client.post("/index/rebuild", files=allowed).status_code == 202


def test_canceling(tmp_path):
    house = House(tmp_path, "slow")
    house.write(**{f"a{number}": f"Text {number}." for number in range(600)})
    with house.client:
        first = house.client.post("/index/rebuild").json()["uid"]
        second = house.client.post("/index/rebuild").json()["uid"]
        assert house.client.post(f"/index/tasks/{second}/cancel").json()["state"] == "canceled"
        for _ in range(6000):
            at = house.client.get(f"/index/tasks/{first}").json()["progress"]
            if at and at["stage"] == "embedding":
                break
            time.sleep(0.01)
        assert (at["number"], at["of"], at["total"]) == (3, 5, 600)
        house.client.post(f"/index/tasks/{first}/cancel")
        assert house.wait(first)["state"] == "canceled"
        assert_problem(house.client.post(f"/index/tasks/{first}/cancel"), 409, "task-over")
        assert_problem(house.client.post("/index/tasks/none/cancel"), 404, "unknown-task")
        assert_problem(house.client.get("/index/tasks/none"), 404, "unknown-task")
        assert_problem(house.client.get("/index"), 503, "no-index")
        assert list((house.settings.index / "generations").glob("*")) == []


def test_going_back(house):
    first = house.build()
    house.write(one="First text.")
    second = house.build()
    assert house.client.post("/index/rollback").json() == {"generation": first}
    assert_problem(house.client.post("/index/rollback", json={}), 503, "index-fault")
    assert house.client.post("/index/rollback", json={"generation": second}).json() == {"generation": second}
    assert_problem(house.client.post("/index/rollback", json={"generation": "../.."}), 422, "invalid-request")
    with Store(house.settings.index).lock():
        assert_problem(house.client.post("/index/rollback"), 409, "index-busy")


def test_without_an_index_nothing_is_made(house):
    assert_problem(house.client.post("/index/rollback"), 503, "no-index")
    assert not house.settings.index.exists()
    task = house.end(house.client.post("/index/remove", json={"article_ids": ["one"]}))
    assert (task["state"], task["error"]["type"]) == ("failed", "urn:verbatim:problem:no-index")


def test_removing(house):
    house.build()
    task = house.end(house.client.post("/index/remove", json={"article_ids": ["one"]}))
    assert (task["kind"], task["state"], task["article_ids"], task["paths"]) == ("remove", "succeeded", ["one"], None)
    assert task["counts"]["removed"] == 1
    failed = house.end(house.client.post("/index/remove", json={"article_ids": ["one"]}))
    assert failed["error"]["status"] == 404
    assert set(failed["error"]) == {"type", "title", "status", "detail", "instance"}
    assert_problem(house.client.post("/index/remove", json={"article_ids": []}), 422, "invalid-request")
    assert_problem(house.client.post("/index/remove"), 422, "invalid-request")


def test_a_removed_article_leaves_the_conversations_too(house):
    house.write(one="The bridge cost 212 million euros.", two="Second text.")
    house.build()
    asked = house.client.post("/ask", json={"question": "What did the bridge cost?", "abstain": False}).json()
    assert asked["answers"][0]["citations"][0]["article_id"] == "one"
    assert house.end(house.client.post("/index/remove", json={"article_ids": ["one"]}))["state"] == "succeeded"
    kept = [path for path in house.settings.data.rglob("*") if path.is_file() and b"212 million" in path.read_bytes()]
    assert kept == []


class TestForms:
    def test_each_form_leads_back_to_the_page(self, house):
        first = house.build()
        house.build()
        send = {"headers": PAGE, "follow_redirects": False}
        for path, options in (
            ("/index/rebuild", {"data": {"full": "on"}}),
            ("/index/rebuild", {"files": [("files", ("a.txt", b"Text."))]}),
            ("/index/remove", {"data": {"article_ids": " one \r\n"}}),
        ):
            sent = house.client.post(path, **options, **send)
            assert sent.status_code == 303
            uid = sent.headers["location"].removeprefix("/index?task=").removesuffix("#task")
            task = house.wait(uid)
            assert task["state"] == "succeeded"
            html = house.client.get(sent.headers["location"], headers=PAGE).text
            assert uid in html and "Done" in html
        assert task["article_ids"] == ["one"]
        assert house.client.get("/index/tasks").json()["tasks"][-1]["full"] is True
        assert first not in html  # older states that hold a removed article are gone

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("rebuild", {"full": "false"}),
            ("rebuild", {"full": "off"}),
            ("rebuild", {"paths": "/news"}),
            ("rebuild", {"ful": "on"}),
            ("remove", {"article_ids": "one", "ids": "two"}),
            ("rollback", {"to": "x"}),
        ],
    )
    def test_a_field_that_is_not_meant_is_not_swallowed(self, house, path, field):
        house.build()
        assert_problem(house.client.post(f"/index/{path}", data=field), 422, "invalid-request")
        assert house.client.get("/index/tasks").json() == {"tasks": []}

    def test_going_back(self, house):
        first = house.build()
        house.build()
        sent = house.client.post("/index/rollback", data={"generation": first}, headers=PAGE, follow_redirects=False)
        assert (sent.status_code, sent.headers["location"]) == (303, f"/index?rolled_back={first}#history")
        assert f'<span class="path">{first}</span>' in house.client.get(sent.headers["location"], headers=PAGE).text

    def test_what_fails_is_a_page(self, house):
        page = house.client.post("/index/rebuild", files=[("files", ("a.txt", b""))], headers=PAGE)
        assert page.status_code == 422 and "a.txt is empty" in page.text


def test_a_page_without_an_index(house):
    html = house.client.get("/index", headers=PAGE)
    assert html.status_code == 200 and "No articles are indexed yet" in html.text


def test_the_page_says_what_is_damaged(house):
    house.build()
    [path] = house.settings.index.glob("generations/*/manifest.json")
    path.write_bytes(b"{}")
    html = house.client.get("/index", headers=PAGE).text
    assert "The index cannot be used as it is." in html and "damaged" in html and "cannot be read" in html


def test_hostile_names_stay_text(house):
    house.write(one="Text.")
    record = {"id": "x", "text": "Text.", "source": "<script>alert(1)</script>"}
    (house.news / "<img src=x onerror=alert(2)>.jsonl").write_text(json.dumps(record) + "\n{broken\n")
    house.build()
    task = house.end(house.client.post("/index/rebuild"))
    assert len(task["skipped"]) == 1
    html = house.client.get("/index", headers=PAGE).text
    assert "<script>alert" not in html and "<img" not in html and "&lt;script&gt;alert(1)" in html
