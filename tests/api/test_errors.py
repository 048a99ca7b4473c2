"""One shape for everything that goes wrong, wherever it does."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from index.errors import DamagedIndex, IncompatibleIndex, ModelError, NoIndex, UsageError
from server.problems import KINDS
from server.settings import Settings
from tests.conftest import COST, FakeArchive, FakeAssistant, connect

KNOWN = {kind.type: kind for kind in KINDS}


def assert_problem(response, status: int, name: str) -> dict:
    assert response.headers["content-type"] == "application/problem+json", response.text
    document = response.json()
    assert document["type"] == f"urn:verbatim:problem:{name}"
    assert response.status_code == document["status"] == status == KNOWN[document["type"]].status
    assert document["title"] == KNOWN[document["type"]].title
    assert document["detail"] and "\n" not in document["detail"]
    assert document["instance"].startswith("/")
    assert document["request_id"] == response.headers["x-request-id"]
    assert set(document) <= {"type", "title", "status", "detail", "instance", "request_id", "errors"}
    assert "default-src 'none'" in response.headers["content-security-policy"]
    return document


def ask(client: TestClient, **body) -> object:
    return client.post("/ask", json={"question": "Why?"} | body)


@pytest.mark.parametrize(
    ("body", "field", "said"),
    [
        ({"question": ""}, "question", "empty"),
        ({"question": " \n\t "}, "question", "empty"),
        ({"question": "x" * 2001}, "question", "2,000"),
        ({"question": "x" * 10_000}, "question", "10,000"),
        ({"question": None}, "question", "string"),
        ({"question": 7}, "question", "string"),
        ({"question": ["a"]}, "question", "string"),
        ({"limit": 0}, "limit", "greater"),
        ({"limit": 11}, "limit", "less"),
        ({"limit": "3"}, "limit", "integer"),
        ({"limit": True}, "limit", "integer"),
        ({"limit": 2.5}, "limit", "integer"),
        ({"abstain": "no"}, "abstain", "boolean"),
        ({"asked_on": "yesterday"}, "asked_on", "YYYY-MM-DD"),
        ({"asked_on": "2024-02-30"}, "asked_on", "YYYY-MM-DD"),
        ({"asked_on": 20240909}, "asked_on", "YYYY-MM-DD"),
        ({"published_after": "2024-09-09T00:00:00"}, "published_after", "YYYY-MM-DD"),
        ({"published_after": "2024-09-10", "published_before": "2024-09-09"}, "", "swap"),
        ({"sources": "Reuters"}, "sources", "list"),
        ({"sources": [""]}, "sources.0", "at least 1"),
        ({"history": {"question": "Who?"}}, "history", "list"),
        ({"history": [{"answer": "x"}]}, "history.0.question", "needed"),
        ({"history": [{"question": "x", "anwser": "y"}]}, "history.0.anwser", "'answer'"),
        ({"history": [{"question": "x"}] * 101}, "history", "100"),
        ({"conversation_id": "../../etc"}, "conversation_id", "pattern"),
        ({"conversation_id": "x" * 65}, "conversation_id", "pattern"),
        ({"qestion": "Why?"}, "qestion", "did you mean 'question'?"),
        ({"zzzzzz": 1}, "zzzzzz", "no field 'zzzzzz'"),
    ],
)
def test_a_wrong_field_is_named(client, archive, body, field, said):
    document = assert_problem(ask(client, **body), 422, "invalid-request")
    assert any(each["field"] == field and said in each["message"] for each in document["errors"]), document
    assert said in document["detail"]
    assert archive.assistant.asked == []


def test_every_wrong_field_is_named(client):
    document = assert_problem(client.post("/ask", json={"limit": 99, "abstain": 3}), 422, "invalid-request")
    assert [each["field"] for each in document["errors"]] == ["question", "limit", "abstain"]


def test_the_longest_question_is_answered(client, archive):
    question = "🌉" * 2000
    assert ask(client, question=question).status_code == 200
    assert archive.assistant.asked[0].question == question


@pytest.mark.parametrize(
    ("content", "status", "name"),
    [
        (b"{", 400, "bad-json"),
        (b"\xff\xfe", 400, "bad-json"),
        (b'{"question": "\xff"}', 400, "bad-json"),
        (b"[" * 100_000, 400, "bad-json"),
        (b"", 422, "invalid-request"),
        (b"null", 422, "invalid-request"),
        (b"[]", 422, "invalid-request"),
        (b'"Why?"', 422, "invalid-request"),
        (b'{"question": "half \\ud83c"}', 422, "invalid-request"),
        (b'{"question": "Why?", "sources": ["\\ud83c"]}', 422, "invalid-request"),
        (b'{"question": "Why?", "history": [{"question": "Who?", "answer": "\\udc00"}]}', 422, "invalid-request"),
        (b'{"question": "Why?", "\\ud83c": 1}', 422, "invalid-request"),
        (b'{"question": "Why?", "limit": NaN}', 422, "invalid-request"),
        (b'{"question": "Why?", "limit": 1e999}', 422, "invalid-request"),
    ],
)
def test_a_body_that_is_no_request(client, content, status, name):
    response = client.post("/ask", content=content, headers={"content-type": "application/json"})
    assert_problem(response, status, name)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", None])
def test_only_json_is_taken(client, content_type):
    headers = {"content-type": content_type} if content_type else {}
    assert_problem(client.post("/ask", content=b'{"question": "Why?"}', headers=headers), 415, "not-json")


@pytest.mark.parametrize("path", ["/ask", "/"])
def test_a_large_body_is_refused(client, path, archive):
    assert_problem(client.post(path, content=b"x" * 1_000_001), 413, "body-too-large")
    chunks = (b" " * 65_536 for _ in range(40))  # no Content-Length: sent in chunks
    headers = {"content-type": "application/json"}
    assert_problem(client.post(path, content=chunks, headers=headers), 413, "body-too-large")
    assert archive.assistant.asked == []


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/ask/", "/index/", "/static/nothing.css", "/static/../app.py", "/static/%2e%2e/app.py", "/docs"],
)
def test_nothing_there(client, path):
    assert_problem(client.get(path), 404, "not-found")


@pytest.mark.parametrize("path", ["/articles/nothing", "/articles/nothing.json", "/articles/", "/articles/a%2Fb%0Ac"])
def test_an_unknown_article(client, path):
    assert_problem(client.get(path), 404, "unknown-article")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/ask", "POST"),
        ("PUT", "/", "GET, HEAD, POST"),
        ("POST", "/articles/harbour", "GET, HEAD"),
        ("DELETE", "/articles/harbour.json", "GET, HEAD"),
        ("POST", "/index", "GET, HEAD"),
        ("BREW", "/livez", "GET, HEAD"),
        ("POST", "/static/chat.css", "GET, HEAD"),
    ],
)
def test_another_method(client, method, path, allowed):
    response = client.request(method, path)
    assert_problem(response, 405, "wrong-method")
    assert response.headers["allow"] == allowed


@pytest.mark.parametrize(
    "query", ["start=1", "end=1", "start=a&end=b", "start=5&end=5", "start=-1&end=5", "start=9&end=1"]
)
def test_offsets_that_are_none(client, query):
    assert_problem(client.get(f"/articles/harbour?{query}"), 422, "invalid-request")


NEEDS_INDEX = ["/", "/index", "/readyz", "/articles/harbour", "/articles/harbour.json"]


@pytest.mark.parametrize("path", NEEDS_INDEX)
def test_without_an_index_all_say_so(path):
    with connect(FakeArchive(missing=Path("here"))) as client:
        response = client.get(path)
        document = assert_problem(response, 503, "no-index")
        assert "verbatim index ARTICLES --index here" in document["detail"]
        assert response.headers["retry-after"]


def test_without_an_index_there_is_life():
    with connect(FakeArchive(missing=Path("here"))) as client:
        assert client.get("/livez").json() == {"status": "alive"}
        assert "verbatim_index_ready 0.0" in client.get("/metrics").text
        assert_problem(ask(client), 503, "no-index")
        assert_problem(client.post("/", data={"question": "Why?"}), 503, "no-index")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_without_an_index_the_page_says_what_to_type(method):
    with connect(FakeArchive(missing=Path("<b>"))) as client:
        response = client.request(method, "/", headers={"accept": "text/html"})
    assert response.status_code == 503
    assert response.headers["content-type"].startswith("text/html")
    assert "<code>verbatim index ARTICLES --index &lt;b&gt;</code>" in response.text


class FailingAssistant(FakeAssistant):
    def __init__(self, error: Exception):
        super().__init__()
        self._error = error

    def ask(self, request):
        raise self._error


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (DamagedIndex(Path("vectors.faiss"), "checksum"), 503, "index-fault"),
        (IncompatibleIndex("made by format 2; build it anew with: verbatim index --full"), 503, "index-fault"),
        (ModelError("reader.xml was altered; install again"), 503, "model-fault"),
        (UsageError("the question holds no word"), 422, "invalid-request"),
    ],
)
def test_designed_errors_are_told(error, status, name):
    with connect(FakeArchive(assistant=FailingAssistant(error))) as client:
        assert assert_problem(ask(client), status, name)["detail"] == str(error)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (NoIndex(Path("/secret/folder")), "no-index"),
        (DamagedIndex(Path("/secret/vectors.faiss"), "checksum"), "index-fault"),
        (ModelError("/secret/reader.xml was altered; install again"), "model-fault"),
    ],
)
def test_other_machines_are_told_no_file_names(error, name, caplog):
    archive = FakeArchive(assistant=FailingAssistant(error))
    with connect(archive, Settings(host="0.0.0.0")) as client:
        document = assert_problem(ask(client), 503, name)
        page = client.post("/", data={"question": "Why?"}, headers={"accept": "text/html"}).text
    assert "secret" not in json.dumps(document) + page
    assert f"request_id={document['request_id']} {error}" in caplog.text
    for host in ("localhost", "127.0.0.2", "[::1]", "::1"):
        with connect(archive, Settings(host=host)) as client:
            assert "secret" in client.post("http://127.0.0.1/ask", json={"question": "Why?"}).text


def test_without_an_index_other_machines_too_hear_what_to_type():
    with connect(FakeArchive(missing=Path("/secret")), Settings(host="0.0.0.0")) as client:
        page = client.get("/", headers={"accept": "text/html"}).text
    assert "<code>verbatim index ARTICLES</code>" in page and "secret" not in page


def test_an_unforeseen_error_is_logged_and_not_told(caplog):
    with connect(FakeArchive(assistant=FailingAssistant(RuntimeError("secret /path")))) as client:
        response = ask(client)
        document = assert_problem(response, 500, "internal-error")
        assert "secret" not in response.text and "Traceback" not in response.text
        page = client.post("/", data={"question": "Why?"}, headers={"accept": "text/html"})
        assert 'verbatim_questions_total{outcome="failed"} 2.0' in client.get("/metrics").text
    assert page.status_code == 500 and "secret" not in page.text and "<h1>" in page.text
    assert any(document["request_id"] in record.getMessage() and record.exc_info for record in caplog.records)


def test_problems_are_pages_for_people(client):
    response = client.get("/articles/<script>alert(1)</script>", headers={"accept": "text/html,*/*;q=0.8"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "<script>alert" not in response.text
    assert response.headers["x-request-id"] in response.text


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost@evil.example", "[::1]evil", ""]
)
def test_names_of_other_servers_are_refused(client, host):
    assert_problem(client.get("/index", headers={"host": host}), 400, "wrong-host")


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:9", "127.0.0.1:8000", "[::1]:8000", "localhost."])
def test_own_names_are_taken(client, host):
    assert client.get("/index", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("path", "sent"), [("/ask", {"json": {"question": COST}}), ("/", {"data": {"question": COST}})]
)
def test_pages_of_other_sites_may_not_ask(client, archive, site, path, sent):
    assert_problem(client.post(path, headers={"sec-fetch-site": site}, **sent), 403, "cross-site")
    assert archive.assistant.asked == []
    for allowed in ("same-origin", "none"):
        assert client.post(path, headers={"sec-fetch-site": allowed, "origin": "null"}, **sent).status_code == 200
    assert client.get("/", headers={"sec-fetch-site": site}).status_code == 200  # a link from elsewhere
    assert client.head("/", headers={"sec-fetch-site": site}).status_code == 200


def test_which_names_depends_on_where_it_listens(archive):
    with connect(archive, Settings(host="0.0.0.0")) as client:
        assert client.get("/index", headers={"host": "archive.example"}).status_code == 200
    with connect(archive, Settings(host="0.0.0.0", allowed_hosts=("archive.example",))) as client:
        assert client.get("/index", headers={"host": "archive.example:80"}).status_code == 200
        assert_problem(client.get("/index", headers={"host": "evil.example"}), 400, "wrong-host")


def test_openapi_names_every_status_as_a_problem(client):
    described = client.get("/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    schema = response["content"]["application/problem+json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}, (path, method, status)
    assert "HTTPValidationError" not in json.dumps(described)
