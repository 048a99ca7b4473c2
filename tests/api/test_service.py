"""What runs beside the answers: the index, health, metrics, the log, the description, limits of connections."""

import contextlib
import json
import logging
import re
import socket
import threading
import time
from pathlib import Path

import pytest
import uvicorn

import server.connection
from index.articles import Article
from index.embedder import DEFAULT_MODEL
from index.errors import UsageError
from server import gate
from server.app import create_app, uvicorn_options
from server.links import article_path
from server.messages import AskRequest
from server.problems import KINDS
from server.settings import Settings, settings_table, variable
from tests.conftest import COST, FakeArchive

ROOT = Path(__file__).parents[2]


def test_the_index(client):
    facts = client.get("/index").json()
    details = {"sources", "months", "undated", "generations", "skipped_articles", "built_from"}
    assert set(facts) >= details
    assert {name: value for name, value in facts.items() if name not in details} == {
        "generation": "g1",
        "built_at": "2025-02-04T06:30:15+00:00",
        "articles": 1234,
        "passages": 5678,
        "newest_article": "2025-02-03",
        "embedder": "all-MiniLM-L6-v2",
        "size_bytes": 9_000_000,
        "damaged": [],
        "skipped": 3,
    }


def test_an_article(client):
    article = client.get("/articles/harbour.json").json()
    assert set(article) == {"id", "title", "text", "url", "source", "published", "authors"}
    assert article["text"].startswith("The new harbour bridge") and article["authors"] == ["R. Okafor", "J. Lind"]


def test_health(client):
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_metrics_count_by_route(client):
    client.post("/ask", json={"question": COST})
    client.post("/ask", json={"question": "Who?"})
    client.get("/articles/harbour")
    client.get("/articles/a%2Fb")
    client.get("/static/chat.css")
    client.get("/elsewhere")
    client.request("BREW", "/")
    text = client.get("/metrics").text
    for line in (
        'verbatim_http_requests_total{method="POST",route="/ask",status="200"} 2.0',
        'verbatim_http_requests_total{method="GET",route="/articles/{article_id}",status="200"} 1.0',
        'verbatim_http_requests_total{method="GET",route="/articles/{article_id}",status="404"} 1.0',
        'verbatim_http_requests_total{method="GET",route="/static",status="200"} 1.0',
        'verbatim_http_requests_total{method="GET",route="none",status="404"} 1.0',
        'verbatim_questions_total{outcome="answered"} 1.0',
        'verbatim_questions_total{outcome="refused"} 1.0',
        'verbatim_stage_seconds_count{stage="read"} 2.0',
        "verbatim_questions_held 0.0",
        "verbatim_index_articles 1234.0",
    ):
        assert line in text
    assert 'method="other"' in text and "BREW" not in text and "harbour" not in text


def test_one_line_a_request_and_no_question_in_it(client, caplog):
    with caplog.at_level(logging.INFO, "verbatim"):
        client.post("/ask", json={"question": COST}, headers={"x-request-id": "abc-1.2_3"})
        client.get("/articles/a%0Ab?start=1&end=secret")
    lines = [record.getMessage() for record in caplog.records if record.name == "verbatim.access"]
    pattern = r"request_id=abc-1\.2_3 method=POST path=/ask status=200 ms=[0-9.]+ bytes=[1-9][0-9]*"
    assert re.fullmatch(pattern, lines[0])
    assert re.fullmatch(r"request_id=[0-9a-f]{32} method=GET path=/articles/a%0Ab status=404 .*", lines[1])
    assert len(lines) == 2 and "bridge" not in caplog.text and "secret" not in caplog.text


@pytest.mark.parametrize("given", ["x" * 65, "a b", "a=b", "é".encode(), ""])
def test_an_odd_request_id_is_replaced(client, given):
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/livez", headers={"x-request-id": given}).headers["x-request-id"])


def test_the_description_names_the_whole_contract(client):
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {
        "/", "/ask", "/articles/{article_id}", "/articles/{article_id}.json", "/index", "/livez", "/readyz", "/metrics",
        "/timeline.svg",
        "/index/rebuild", "/index/remove", "/index/rollback", "/index/tasks", "/index/tasks/{uid}",
        "/index/tasks/{uid}/cancel", "/login", "/logout",
        "/why", "/feedback", "/c/{conversation_id}", "/c/{conversation_id}/{turn}/why", "/conversations",
        "/conversations/{conversation_id}", "/conversations/{conversation_id}.json",
        "/conversations/{conversation_id}.md",
    }  # fmt: skip
    schemas = described["components"]["schemas"]
    assert set(schemas["AskRequest"]["properties"]) == set(AskRequest.model_fields)
    assert schemas["AskRequest"]["additionalProperties"] is False
    ask = described["paths"]["/ask"]["post"]
    examples = ask["requestBody"]["content"]["application/json"]["examples"]
    assert examples
    for example in examples.values():
        assert client.post("/ask", json=example["value"]).status_code == 200
    references = set(re.findall(r'"#/components/schemas/(\w+)"', client.get("/openapi.json").text))
    assert references <= set(schemas)


def test_the_documentation_names_every_path_problem_and_field(client):
    text = (ROOT / "docs" / "api.md").read_text()
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"`{path.replace('article_id', 'id')}`" in re.sub("(GET|POST|PATCH|DELETE) ", "", text), path
    assert [kind.name for kind in KINDS if f"`{kind.name}`" not in text] == []
    assert [name for name in AskRequest.model_fields if f"`{name}`" not in text] == []


def test_settings_come_from_the_environment():
    given = {
        "VERBATIM_INDEX": "/a",
        "VERBATIM_PORT": "9",
        "VERBATIM_THRESHOLD": "0.4",
        "VERBATIM_LOG_LEVEL": "WARNING",
        "VERBATIM_ALLOWED_HOSTS": "A.example, b.example.:8000,c.example:9,[::1]:7,::2,[FE80::1]",
        "VERBATIM_READER": "",
        "PATH": "/bin",
        "XDG_CACHE_HOME": "/c",
    }
    settings = Settings.from_environment({"port": 7, "host": None}, given)
    assert (settings.index, settings.port, settings.threshold) == (Path("/a"), 7, 0.4)
    assert (settings.log_level, settings.host, settings.reader) == ("warning", "127.0.0.1", None)
    assert settings.allowed_hosts == ("a.example", "b.example", "c.example", "[::1]", "[::2]", "[fe80::1]")
    assert settings.cache == Path("/c/verbatim")
    assert Settings.from_environment({}, {}) == Settings()
    assert Settings().cache == Path.home() / ".cache" / "verbatim"
    assert Settings().model == DEFAULT_MODEL


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("VERBATIM_PROT", "1", "the nearest is VERBATIM_PORT"),
        ("VERBATIM_TRESHOLD", "1", "the nearest is VERBATIM_THRESHOLD"),
        ("VERBATIM_PORT", "eight", "a number from 0 to 65535"),
        ("VERBATIM_PORT", "70000", "a number from 0 to 65535"),
        ("VERBATIM_THRESHOLD", "nan", "a number from 0 to 1"),
        ("VERBATIM_LOG_LEVEL", "loud", "one of debug, info"),
    ],
)
def test_a_wrong_setting_is_named(name, value, said):
    with pytest.raises(UsageError, match=f"{name}.*{re.escape(said)}"):
        Settings.from_environment({}, {name: value})


def test_the_table_of_settings_is_whole():
    table = settings_table()
    assert all(f"`{variable(name)}`" in table for name in Settings.__dataclass_fields__)


def test_only_one_file_reads_the_environment():
    readers = [
        path.name for path in (ROOT / "server").rglob("*.py") if re.search(r"os\.environ|getenv", path.read_text())
    ]
    assert readers == ["settings.py"]


PERCENT = Article("100%25", "Percent", "Some words.")


class Served:
    """A server on a socket, with deadlines short enough to wait for."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(server.connection, "SLOWEST_HEAD", 0.4)
        monkeypatch.setattr(gate.Gate.__init__, "__defaults__", (0.4,))
        settings = Settings()
        config = uvicorn.Config(create_app(FakeArchive((PERCENT,)), settings), **uvicorn_options(settings))
        self._server = uvicorn.Server(config)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.should_exit = True
        self._thread.join(20)
        self._listener.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(self._listener.getsockname(), timeout=20)


def read_all(connection: socket.socket) -> bytes:
    """Until the server closes; a test that never gets there fails by the socket's own timeout."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    return received


def read_one(connection: socket.socket) -> bytes:
    """One response, by its Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
    while len(body) < length:
        body += connection.recv(65_536)
    assert len(body) == length
    return head + b"\r\n\r\n" + body


@pytest.fixture
def served(monkeypatch):
    with Served(monkeypatch) as served:
        yield served


HEAD = b"POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


def test_a_client_that_says_nothing_is_hung_up_on(served):
    with served.connect() as connection:
        assert read_all(connection) == b""


def test_a_head_that_trickles_is_hung_up_on(served):
    with served.connect() as connection:
        stopped = threading.Event()

        def trickle():
            try:
                connection.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
                while not stopped.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                pass

        thread = threading.Thread(target=trickle)
        thread.start()
        assert read_all(connection) == b""
        stopped.set()
        thread.join()


def test_a_second_head_that_trickles_is_hung_up_on(served):
    with served.connect() as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_one(connection).startswith(b"HTTP/1.1 200")
        connection.sendall(b"GET /li")
        assert read_all(connection) == b""


def test_a_body_that_trickles_is_refused(served):
    with served.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 408") and b"urn:verbatim:problem:body-too-slow" in answer
    assert b"connection: close" in answer.lower()


def test_an_unread_body_that_trickles_is_hung_up_on(served):
    with served.connect() as connection:
        connection.sendall(HEAD.replace(b"/ask", b"/livez") + b"Content-Length: 100\r\n\r\n")
        assert read_one(connection).startswith(b"HTTP/1.1 405")
        connection.sendall(b"x")
        read_all(connection)


def test_a_large_body_is_refused_while_it_is_sent(served):
    with served.connect() as connection:
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(30):
            connection.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413") and b"urn:verbatim:problem:body-too-large" in answer


def test_a_large_body_is_refused_before_it_is_sent(served):
    with served.connect() as connection:
        connection.sendall(HEAD + b"Content-Length: 50000000\r\nExpect: 100-continue\r\n\r\n")
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413")  # and no 100 Continue before it


def test_a_client_that_gives_up_is_no_error(served, caplog):
    with caplog.at_level(logging.INFO, "verbatim"):
        with served.connect() as connection:
            connection.sendall(HEAD.replace(b"/ask", b"/") + b"Content-Length: 100\r\n\r\nquest")
            time.sleep(0.1)
        with served.connect() as connection:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            read_one(connection)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_what_is_not_http_is_a_problem_too(served):
    with served.connect() as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = read_all(connection)
    head, _, body = answer.decode().partition("\r\n\r\n")
    status, *lines = head.split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert status.startswith("HTTP/1.1 400") and headers["content-type"] == "application/problem+json"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert json.loads(body)["request_id"] == headers["x-request-id"]
    assert "default-src 'none'" in headers["content-security-policy"] and headers["x-frame-options"] == "DENY"


def test_a_head_without_end_is_refused(served):
    with served.connect() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(b"GET / HTTP/1.1\r\nX-Long: " + b"a" * 100_000)
        assert read_all(connection).startswith(b"HTTP/1.1 400")


def test_ids_are_decoded_once(served):
    """Starlette's test client decodes twice, so this takes a real connection."""
    for path, status in ((article_path("100%25"), 200), ("/articles/100%25", 404)):
        with served.connect() as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            assert read_one(connection).startswith(b"HTTP/1.1 %d" % status)


def test_an_honest_client_keeps_its_connection(served):
    with served.connect() as connection:
        for _ in range(3):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert read_one(connection).startswith(b"HTTP/1.1 200")
            time.sleep(0.5)  # longer than a head may take: between requests nothing is due
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = read_all(connection)
    assert b"server:" not in answer.lower() and answer.startswith(b"HTTP/1.1 200")
