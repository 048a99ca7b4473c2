"""Who may change things: on this machine anyone but other sites' pages, elsewhere whoever has the token."""

import logging
import os
import re
import stat
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from index.errors import UsageError
from server.app import create_app
from server.permission import COOKIE, GUARDED, SESSION, Permission, is_guarded, keep_token, token_file
from server.settings import Settings
from tests.api.test_errors import assert_problem
from tests.conftest import COST, FakeArchive

TOKEN = "correct-horse-battery"
PAGE = {"accept": "text/html"}
CHANGES = [
    ("POST", "/index/rebuild"),
    ("POST", "/index/remove"),
    ("POST", "/index/rollback"),
    ("GET", "/index/tasks"),
    ("GET", "/index/tasks/x"),
    ("POST", "/index/tasks/x/cancel"),
    ("GET", "/conversations"),
    ("DELETE", "/conversations/x"),
    ("POST", "/feedback"),
    ("GET", "/feedback/export"),
]


def connect(tmp_path, **settings) -> TestClient:
    given = Settings(index=tmp_path / "index", data=tmp_path / "data", **settings)
    return TestClient(create_app(FakeArchive(), given), base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.fixture
def away(tmp_path):
    """A client of a server that other machines can reach."""
    return connect(tmp_path, host="0.0.0.0", token=TOKEN)


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_beyond_this_machine_a_token_is_asked_for(away, method, path):
    document = assert_problem(refused := away.request(method, path), 401, "token-needed")
    assert refused.headers["www-authenticate"].startswith("Bearer") and "/login" in document["detail"]
    for wrong in ("Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", "Bearer é", TOKEN):
        assert away.request(method, path, headers={"authorization": wrong.encode()}).status_code == 401
    assert away.request(method, path, headers={"authorization": f"bearer {TOKEN}"}).status_code not in (401, 403)


def test_what_changes_nothing_is_open(away):
    assert away.post("/ask", json={"question": COST}).status_code == 200
    for path in ("/", "/index", "/livez", "/readyz", "/metrics", "/articles/harbour", "/static/index.js"):
        assert away.get(path).status_code == 200


def places_of(identity: str) -> tuple[str, ...]:
    """Where a conversation, or what it cites, is shown without a guarded address."""
    return f"/c/{identity}", f"/?conversation={identity}", f"/c/{identity}/0/why"


def test_a_programs_conversation_is_shown_to_who_has_the_token(away):
    bearer = {"authorization": f"Bearer {TOKEN}"}
    identity = away.post("/ask", json={"question": COST}).json()["conversation_id"]
    cited = f"/articles/harbour?start=0&end=3&conversation={identity}"
    for path in places_of(identity):
        shown = away.get(path, headers=PAGE)
        assert "212 million" not in shown.text and COST not in shown.text.split("suggestions")[0], path
        assert shown.status_code == (200 if "?" in path else 404)
        assert away.get(path, headers=PAGE | bearer).status_code == 200
    assert 'class="other"' not in away.get(cited).text and 'class="other"' in away.get(cited, headers=bearer).text
    assert "212 million" in away.get(f"/c/{identity}", headers=PAGE | bearer).text
    refused = away.post("/", data={"question": "", "conversation_id": identity}, headers=PAGE)
    assert refused.status_code == 422 and "212 million" not in refused.text
    # The program that knows the id goes on with it all the same.
    reply = away.post("/ask", json={"question": "And it?", "conversation_id": identity}).json()
    assert (reply["conversation_id"], reply["turn"]) == (identity, 1) and COST in reply["searched_for"]


def test_a_browsers_conversation_is_shown_to_its_cookie(away):
    away.get("/", headers=PAGE)
    identity = away.post("/ask", json={"question": COST}).json()["conversation_id"]
    for path in places_of(identity):
        assert away.get(path, headers=PAGE).status_code == 200
    assert "212 million" in away.get(f"/c/{identity}", headers=PAGE).text
    away.cookies.clear()
    for headers in (PAGE, PAGE | {"authorization": f"Bearer {TOKEN}"}):
        assert_problem(away.get(f"/c/{identity}", headers=headers | {"accept": "*/*"}), 404, "unknown-conversation")
        assert "212 million" not in away.get(f"/?conversation={identity}", headers=headers).text


def test_without_a_token_no_id_is_gone_on_with_that_others_may_guess(away):
    bearer = {"authorization": f"Bearer {TOKEN}"}
    asked = {"question": COST, "conversation_id": "42"}
    assert away.post("/ask", json=asked, headers=bearer).json()["conversation_id"] == "42"
    stranger = away.post("/ask", json={"question": "And it?", "conversation_id": "42", "replaces": 0}).json()
    assert stranger["conversation_id"] != "42" and stranger["searched_for"] == "And it?"
    own = away.post("/ask", json={"question": "And it?", "conversation_id": "42"}, headers=bearer).json()
    assert own["turn"] == 1 and COST in own["searched_for"]


def test_without_a_token_nothing_can_be_changed_from_elsewhere(tmp_path):
    away = connect(tmp_path, host="0.0.0.0")
    for header in ("Bearer", "Bearer None", "Bearer "):
        assert_problem(away.post("/index/rollback", headers={"authorization": header}), 401, "token-needed")
    assert away.post("/login", data={"token": ""}).status_code == 401
    assert away.post("/login", data={"token": "None"}).status_code == 401


def test_a_token_that_is_set_is_asked_for_on_this_machine_too(tmp_path):
    """It may stand behind a proxy, through which everyone comes from this machine."""
    here = connect(tmp_path, token=TOKEN)
    assert_problem(here.post("/index/rollback"), 401, "token-needed")
    assert here.get("/index/tasks", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_on_this_machine_no_token_is_asked_for(tmp_path, method, path):
    assert connect(tmp_path).request(method, path).status_code not in (401, 403)


@pytest.mark.parametrize("path", ["/index/rebuild", "/index/remove", "/index/rollback", "/index/tasks/x/cancel"])
@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1"},
    ],
)
def test_other_sites_pages_change_nothing(tmp_path, path, headers):
    assert_problem(connect(tmp_path).post(path, headers=headers), 403, "cross-site")
    away = connect(tmp_path, host="0.0.0.0", token=TOKEN)
    assert_problem(away.post(path, headers=headers | {"authorization": f"Bearer {TOKEN}"}), 403, "cross-site")


@pytest.mark.parametrize(
    "headers", [{}, {"sec-fetch-site": "same-origin", "origin": "null"}, {"origin": "http://127.0.0.1"}]
)
def test_our_own_page_and_programs_may(tmp_path, headers):
    assert_problem(connect(tmp_path).post("/index/rollback", headers=headers), 503, "no-index")


def test_a_large_body_without_a_token_is_not_read(away):
    sent = []

    def chunks():
        for _ in range(1000):
            sent.append(1)
            yield b"x" * 65_536

    answer = away.post("/index/rebuild", content=chunks(), headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code == 401
    assert not list((away.app.state.upkeep.uploads.folder.parent).glob("*"))


class TestLogin:
    def test_in_and_out(self, away):
        form = away.get("/login?next=/conversations", headers=PAGE)
        assert form.status_code == 200 and 'value="/conversations"' in form.text
        assert form.headers["cache-control"] == "no-store"
        wrong = away.post("/login", data={"token": "wrong"})
        assert wrong.status_code == 401 and "That is not the token" in wrong.text and COOKIE not in wrong.cookies
        right = away.post("/login", data={"token": f" {TOKEN} ", "next": "/index"}, follow_redirects=False)
        assert (right.status_code, right.headers["location"]) == (303, "/index")
        cookie = right.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie and f"Max-Age={SESSION}" in cookie
        assert TOKEN not in cookie
        assert away.get("/index/tasks").status_code == 200
        assert 'id="add"' in away.get("/index", headers=PAGE).text
        away.post("/logout")
        assert away.get("/index/tasks").status_code == 401
        assert 'id="add"' not in away.get("/index", headers=PAGE).text

    @pytest.mark.parametrize(
        "next", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/a\r\nX: y", ""]
    )
    def test_it_leads_nowhere_else(self, away, next):
        answer = away.post("/login", data={"token": TOKEN, "next": next}, follow_redirects=False)
        assert answer.headers["location"] == "/index"
        away.cookies.clear()
        assert 'name="next" value="/index"' in away.get("/login", params={"next": next}, headers=PAGE).text

    def test_a_person_without_a_token_is_led_to_the_form(self, away):
        page = away.get("/conversations", headers=PAGE)
        assert page.status_code == 401 and 'href="/login?next=/conversations"' in page.text
        page = away.post("/index/rebuild", headers=PAGE)
        assert 'href="/login?next=/index"' in page.text

    def test_cookies_that_are_none(self, away, tmp_path, monkeypatch):
        permission = away.app.state.permission
        good = permission.make_session()
        issued, digest = good.split(".")
        other = Permission(Settings(host="0.0.0.0", token="another-token-altogether"))
        tries = (
            f"{int(issued) + 1}.{digest}",
            f"{issued}.{'0' * 64}",
            other.make_session(),
            TOKEN,
            "",
            ".",
            f"{issued}.{digest}x",
        )
        for value in tries:
            assert away.get("/index/tasks", headers={"cookie": f"{COOKIE}={value}"}).status_code == 401, value
        assert away.get("/index/tasks", headers={"cookie": f"{COOKIE}={good}"}).status_code == 200
        now = int(issued)
        monkeypatch.setattr("server.permission.time.time", lambda: now + SESSION + 1)
        assert away.get("/index/tasks", headers={"cookie": f"{COOKIE}={good}"}).status_code == 401


def test_the_token_is_never_told(away, caplog):
    with caplog.at_level(logging.DEBUG):
        away.get("/index/tasks", headers={"authorization": f"Bearer {TOKEN}"})
        away.post("/login", data={"token": TOKEN})
        away.post("/login", data={"token": TOKEN + "x"})
        away.get(f"/index/tasks/{'x' * 20}", headers={"authorization": f"Bearer {TOKEN}"})
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(Settings(token=TOKEN))
    with pytest.raises(UsageError) as caught:
        Settings.from_environment({}, {"VERBATIM_TOKEN": "too short"})
    assert "too short" not in str(caught.value) and "VERBATIM_TOKEN" in str(caught.value)


class TestKeptToken:
    def test_made_once_and_kept_private(self, tmp_path):
        given = Settings(host="0.0.0.0", data=tmp_path / "d")
        first, second = keep_token(given), keep_token(given)
        assert first.token == second.token and re.fullmatch(r"[\w-]{43}", first.token)
        assert stat.S_IMODE(os.stat(token_file(given)).st_mode) == 0o600

    def test_not_needed(self, tmp_path):
        for given in (Settings(data=tmp_path), Settings(host="0.0.0.0", data=tmp_path, token=TOKEN)):
            assert keep_token(given) is given
        assert not token_file(given).exists()

    @pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
    def test_a_file_that_holds_none(self, tmp_path, content):
        given = Settings(host="0.0.0.0", data=tmp_path)
        token_file(given).write_bytes(content)
        with pytest.raises(UsageError, match="VERBATIM_TOKEN"):
            keep_token(given)


def test_what_is_guarded():
    for path in GUARDED:
        assert is_guarded(path) and is_guarded(f"{path}/x") and not is_guarded(f"{path}x")
    assert not is_guarded("/index") and not is_guarded("/ask") and not is_guarded("/")


@pytest.mark.parametrize("token", [TOKEN, None])
def test_damage_is_told_on_the_page(tmp_path, monkeypatch, token):
    info = replace(FakeArchive().info(), damaged=("generations/g2/vectors.faiss",))
    monkeypatch.setattr(FakeArchive, "info", lambda self: info)
    html = connect(tmp_path, token=token).get("/index", headers=PAGE).text
    assert "Files of the index are damaged:" in html and "Go back to an older state" in html
    assert ("vectors.faiss" in html) == (token is None)


def test_files_of_this_machine_are_told_to_who_may_know(away):
    open_, told = away.get("/index").json(), away.get("/index", headers={"authorization": f"Bearer {TOKEN}"}).json()
    assert set(open_) == set(told)
    assert open_["built_from"] == open_["skipped_articles"] == []
