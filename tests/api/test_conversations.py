"""Conversations on disk, and what people think of answers: kept, found, changed, exported, forgotten."""

import json
import re
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient

import server.conversations
from index.errors import UsageError
from qa.assistant import Answer, Turn
from qa.questions import read_questions
from server.cli import main
from server.conversations import Conversations, title_of, withdraw_articles
from server.drawer import NAME, Drawer
from server.exports import plain
from server.messages import AskReply, AskRequest
from server.settings import Settings
from server.visitors import COOKIE
from tests.api.test_errors import assert_problem
from tests.conftest import CARS, COPY, COST, DELAY, HARBOUR, OPENS, PARROT, FakeArchive, FakeAssistant, cite, connect

PAGE = {"accept": "text/html"}


def browser(client: TestClient) -> TestClient:
    """``client`` with the cookie that the page gives."""
    client.get("/", headers=PAGE)
    assert client.cookies[COOKIE]
    return client


def ask(client: TestClient, question: str, conversation: str | None = None, **more) -> dict:
    response = client.post("/ask", json={"question": question, "conversation_id": conversation} | more)
    assert response.status_code == 200, response.text
    return response.json()


def listed(client: TestClient, q: str = "") -> list[str]:
    return [each["title"] for each in client.get("/conversations", params={"q": q}).json()["conversations"]]


@pytest.fixture
def kept(tmp_path) -> Settings:
    return Settings(data=tmp_path / "data")


# ---- kept ------------------------------------------------------------------------------------------


def test_the_cookie_tells_nothing_and_no_script_reads_it(client):
    cookie = client.get("/", headers=PAGE).headers["set-cookie"]
    assert re.match(rf"{COOKIE}=[0-9a-f]{{32}}; HttpOnly; Max-Age=34560000; Path=/; SameSite=lax$", cookie)
    assert "set-cookie" not in client.get("/", headers=PAGE).headers  # it has one now
    assert "set-cookie" not in client.post("/ask", json={"question": COST}).headers


def test_conversations_outlive_the_server(kept):
    with connect(FakeArchive(), kept) as client:
        reply = ask(browser(client), COST)
        cookies = dict(client.cookies)
    second = FakeArchive()
    with connect(second, kept) as client:
        client.cookies.update(cookies)
        assert listed(client) == [COST]
        assert ask(client, "And it?", reply["conversation_id"])["turn"] == 1
    assert second.assistant.asked[0].history == (Turn(COST, "212 million euros", "harbour"),)
    assert (kept.data / NAME).stat().st_mode & 0o077 == 0


def test_nothing_is_on_disk_when_that_is_off(tmp_path):
    with connect(FakeArchive(), Settings(data=tmp_path, keep=False)) as client:
        ask(browser(client), COST)
        assert listed(client) == [COST]
    assert not (tmp_path / NAME).exists()


def test_each_browser_sees_its_own(kept):
    with connect(FakeArchive(), kept) as client:
        mine = ask(browser(client), COST)["conversation_id"]
        client.cookies.clear()
        browser(client)
        assert listed(client) == []
        assert_problem(client.get(f"/c/{mine}"), 404, "unknown-conversation")
        for method, path in (("GET", ".json"), ("GET", ".md"), ("DELETE", "")):
            assert_problem(client.request(method, f"/conversations/{mine}{path}"), 404, "unknown-conversation")
        renamed = client.patch(f"/conversations/{mine}", json={"title": "Mine"})
        assert_problem(renamed, 404, "unknown-conversation")
        reply = ask(client, "And it?", mine)
        assert reply["conversation_id"] != mine and reply["searched_for"] == "And it?"
        client.cookies.clear()
        assert ask(client, "And it?", mine)["conversation_id"] != mine  # a program gets no further


def test_a_programs_conversation_is_in_no_list(client):
    reply = ask(client, COST, "mine")
    assert reply["conversation_id"] == "mine" and listed(client) == []
    assert ask(client, "And it?", "mine")["turn"] == 1
    assert_problem(client.delete("/conversations/mine"), 404, "unknown-conversation")
    assert COST in client.get("/c/mine").text


def test_search_is_by_words_of_questions_answers_and_names(client):
    browser(client)
    ask(client, COST)
    ask(client, CARS)
    assert listed(client) == [CARS, COST]
    assert listed(client, "MILLION bridge") == [COST]
    assert listed(client, "not at all") == [CARS]
    assert listed(client, "100%") == [] and listed(client, "_") == []


def test_renaming_and_deleting(client):
    identity = ask(browser(client), COST)["conversation_id"]
    other = ask(client, CARS)["conversation_id"]
    assert client.patch(f"/conversations/{identity}", json={"title": " The  bridge "}).status_code == 204
    assert sorted(listed(client)) == sorted([CARS, "The bridge"])
    assert_problem(client.patch(f"/conversations/{identity}", json={"title": " "}), 422, "invalid-request")
    assert_problem(client.patch(f"/conversations/{identity}", json={"name": "x"}), 422, "invalid-request")
    assert client.delete(f"/conversations/{identity}").status_code == 204
    assert_problem(client.get(f"/c/{identity}"), 404, "unknown-conversation")
    assert_problem(client.delete(f"/conversations/{identity}"), 404, "unknown-conversation")
    assert client.get(f"/c/{other}").status_code == 200
    assert client.delete("/conversations").status_code == 204
    assert listed(client) == []


def test_the_same_by_forms(client):
    identity = ask(browser(client), COST)["conversation_id"]
    page = client.post(f"/conversations/{identity}", data={"title": "The bridge"}, headers=PAGE)
    assert page.url.path == "/conversations" and "The bridge" in page.text
    assert COST not in client.post(f"/conversations/{identity}", data={"action": "delete"}, headers=PAGE).text
    ask(client, CARS)
    assert_problem(client.post("/conversations", data={"action": "burn"}), 422, "invalid-request")
    assert CARS not in client.post("/conversations", data={"action": "delete-all"}, headers=PAGE).text


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_another_site_changes_nothing(client, method):
    identity = ask(browser(client), COST)["conversation_id"]
    for path in ("/conversations", f"/conversations/{identity}"):
        response = client.request(method, path, headers={"sec-fetch-site": "cross-site"})
        assert_problem(response, 403, "cross-site")
    assert listed(client) == [COST]


def test_bounds(client):
    drawer = Drawer(None)
    conversations = Conversations(drawer, most=2, turns=3)
    template = AskReply.model_validate(client.post("/ask", json={"question": COST}).json())

    def record(visitor: str, identity: str, question: str) -> None:
        reply = template.model_copy(update={"question": question, "conversation_id": identity})
        conversations.record(visitor, AskRequest(question=question), reply)

    for number in range(5):
        record("v", "a", str(number))
    assert [(each.number, each.turn.question) for each in conversations.exchanges("v", "a")] == [
        (2, "2"),
        (3, "3"),
        (4, "4"),
    ]
    record("v", "b", "b")
    record("v", "a", "5")
    for identity in "cde":
        record("", identity, identity)  # programs' do not drive out a browser's
    assert [each.id for each in conversations.listed("v")] == ["a", "b"]
    record("w", "f", "f")
    assert [each.id for each in conversations.listed("v")] == ["a"]
    assert conversations.recall("", "c") == () and conversations.recall("", "d") != ()
    drawer.close()


def test_an_answer_is_given_even_if_it_cannot_be_kept(kept, monkeypatch, caplog):
    def fail(*_):
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(server.conversations._Recording, "record", fail)
    with connect(FakeArchive(), kept) as client:
        assert ask(client, COST)["answered"]
    assert "could not be kept (disk I/O error)" in caplog.text


def test_a_change_that_fails_at_its_end_stops_no_later_one(tmp_path):
    drawer = Drawer(tmp_path)
    with pytest.raises(sqlite3.IntegrityError), drawer.change() as connection:
        connection.execute("pragma defer_foreign_keys=on")  # what is wrong is found by the commit
        connection.execute("insert into judged values (7, 'harbour')")
    with drawer.change() as connection:
        connection.execute("insert into removed values ('harbour', 0)")
    assert len(drawer.rows("select * from removed")) == 1 and drawer.rows("select * from judged") == []
    with pytest.raises(sqlite3.OperationalError, match="disk is full"), drawer.change() as connection:
        connection.execute("rollback")  # as SQLite does by itself
        raise sqlite3.OperationalError("database or disk is full")
    drawer.close()


def test_a_damaged_file_stops_nothing(kept, caplog):
    kept.data.mkdir()
    (kept.data / NAME).write_bytes(b"no database" * 1000)
    with connect(FakeArchive(), kept) as client:
        assert ask(browser(client), COST)["answered"]
        assert listed(client) == [COST]
    assert "conversations are not kept" in caplog.text and "move it away" in caplog.text
    with pytest.raises(UsageError, match="still hold these articles"):
        withdraw_articles(kept.data, ["harbour"])


def test_a_file_of_a_later_version_is_left_alone(kept):
    drawer = Drawer(kept.data)
    with drawer.change() as connection:
        connection.execute("pragma user_version=99")
    drawer.close()
    with pytest.raises(UsageError, match="later version"):
        withdraw_articles(kept.data, ["harbour"])


# ---- gone on with ----------------------------------------------------------------------------------


def test_a_question_asked_anew_takes_the_place_of_what_followed(client, archive):
    identity = ask(browser(client), COST)["conversation_id"]
    ask(client, "Who won the cup?", identity)
    ask(client, CARS, identity)
    reply = ask(client, "And it?", identity, replaces=1)
    assert reply["turn"] == 1
    assert archive.assistant.asked[-1].history == (Turn(COST, "212 million euros", "harbour"),)
    kept = client.get(f"/conversations/{identity}.json").json()["exchanges"]
    assert [each["question"] for each in kept] == [COST, "And it?"]
    assert ask(client, CARS, identity, replaces=0)["turn"] == 0


def test_what_was_searched_for_can_be_edited(client, archive):
    identity = ask(browser(client), COST)["conversation_id"]
    ask(client, "And it?", identity)
    page = client.get(f"/c/{identity}?edit=1&searched=1").text
    assert f">And it? [{COST}]</textarea>" in page and 'name="standalone" value="true"' in page
    form = {"question": "Of it?", "conversation_id": identity, "replaces": "1", "standalone": "true"}
    client.post("/", data=form, headers=PAGE)
    assert archive.assistant.asked[-1].history == ()
    assert client.get(f"/conversations/{identity}.json").json()["exchanges"][1]["reply"]["searched_for"] == "Of it?"


def test_history_keeps_what_it_tells_the_same(client):
    ask(client, COST, "mine")
    turn = {"question": COST, "answer": "212 million euros", "article_id": "harbour"}
    ask(client, CARS, "mine", history=[turn])
    page = client.get("/c/mine").text
    assert page.count('class="words"') == 2 + 1  # both in full, and the template
    ask(client, CARS, "mine", history=[turn | {"answer": "another"}])
    assert client.get("/c/mine").text.count('class="words"') == 1 + 1


def test_limits_stay_until_they_are_taken_away(client, archive):
    form = {"question": COST, "published_after": "2024-01-31", "source": "example COURIER"}
    page = client.post("/", data=form, headers=PAGE)
    assert archive.assistant.asked[0].filters.sources == ("Example Courier",)
    assert "From 31 January 2024 · Example Courier" in page.text
    away = re.findall(r'<a href="(/c/\w+\?narrow=1[^"]*)"', page.text)
    assert len(away) == 2
    without = client.get(away[0].replace("&amp;", "&")).text
    assert 'name="sources" value="Example Courier"' in without and 'value="2024-01-31"' not in without
    refused = client.post("/", data={"question": COST, "source": "Nobody"}, headers=PAGE)
    assert refused.status_code == 422 and "No article is from &#39;Nobody&#39;" in refused.text


# ---- exported --------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [OPENS, COST, PARROT, CARS, "Who won the cup?"])
def test_numbers_in_page_and_exports_are_the_same(client, question):
    reply = ask(browser(client), question)
    identity = reply["conversation_id"]
    page = client.get(f"/c/{identity}", headers=PAGE).text.split("<template")[0]
    exported = client.get(f"/conversations/{identity}.json").json()
    markdown = client.get(f"/conversations/{identity}.md").text
    assert exported["exchanges"][0]["reply"] == reply
    cited = [c for a in reply["answers"] for c in a["citations"] + [c for e in a["earlier"] for c in e["citations"]]]
    for citation in cited or reply["nearest"]:
        number, quote = citation["number"], citation["quote"]
        assert f'id="s0-{number}"' in page
        line = next(line for line in markdown.split("\n") if line.startswith(f"- \\[{number}\\] “{plain(quote)}”"))
        assert plain(citation["title"]) in line and citation["href"] in line
    assert page.count('class="reference"') == sum(len(answer["citations"]) for answer in reply["answers"])


def test_markdown_reads_nothing_into_an_articles_words(client):
    identity = ask(browser(client), PARROT)["conversation_id"]
    markdown = client.get(f"/conversations/{identity}.md")
    assert markdown.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "attachment" in markdown.headers["content-disposition"]
    assert not re.search(r"(?<!\\)<(?!http)", markdown.text)
    assert "javascript:" not in markdown.text


def test_titles_are_short():
    assert title_of("  Why \n not?  ") == "Why not?"
    assert len(title_of("word " * 100)) <= 122 and title_of("word " * 100).endswith("word …")


# ---- taken out -------------------------------------------------------------------------------------


def taken_out(kept: Settings, *questions: str, ids: tuple[str, ...] = ("harbour",)) -> tuple[list[dict], str]:
    """The turns that are left of a conversation after an article was removed, and its page."""
    with connect(FakeArchive(), kept) as client:
        browser(client)
        identity = None
        for question in questions:
            identity = ask(client, question, identity)["conversation_id"]
        withdraw_articles(kept.data, ids)  # as another process
        kept_turns = client.get(f"/conversations/{identity}.json").json()["exchanges"]
        return kept_turns, client.get(f"/c/{identity}").text.split("<template")[0]


def test_a_removed_article_leaves_conversations(kept):
    (turn,), page = taken_out(kept, COST)
    assert (turn["question"], turn["answer"], turn["reply"]["answers"]) == (COST, "", [])
    assert "212" not in page and "The archive does not say." in page
    assert b"212 million" not in b"".join(path.read_bytes() for path in kept.data.iterdir())


def test_what_other_articles_say_stays(kept):
    (turn,), page = taken_out(kept, OPENS)
    (answer,) = turn["reply"]["answers"]
    assert (turn["answer"], answer["text"], answer["earlier"]) == ("1 June", "1 June", [])
    assert "4 May" in answer["sentence"] and HARBOUR.title not in page and COPY.title not in page


def test_copies_go_too(kept):
    (turn,), page = taken_out(kept, COST, ids=("copy",))
    assert turn["answer"] == "212 million euros"
    assert turn["reply"]["answers"][0]["citations"][0]["copies"] == [] and COPY.title not in page


def test_an_answer_that_others_attest_is_theirs(kept):
    first, second = cite(HARBOUR, "4 May"), cite(DELAY, "4 May", 2)
    answer = Answer(
        "4 May", "The new harbour bridge will open on 4 May, the city said on Monday.", 0.8, (first, second)
    )
    with connect(FakeArchive(assistant=FakeAssistant({"When?": (answer,)})), kept) as client:
        identity = ask(browser(client), "When?")["conversation_id"]
        withdraw_articles(kept.data, ["harbour"])
        (turn,) = client.get(f"/conversations/{identity}.json").json()["exchanges"]
    (left,) = turn["reply"]["answers"]
    assert (left["text"], left["sentence"], left["citations"][0]["article_id"]) == ("4 May", "4 May", DELAY.id)


def test_words_taken_from_its_answers_go_too(kept):
    turns, _ = taken_out(kept, CARS, "And it?")
    assert [turn["reply"]["searched_for"] for turn in turns] == [CARS, "And it?"]


def test_an_answer_that_was_under_way_is_not_kept_with_it(kept):
    with connect(FakeArchive(), kept) as client:
        browser(client)
        ask(client, PARROT)
        withdraw_articles(kept.data, ["harbour"])
        identity = ask(client, COST)["conversation_id"]
        assert client.get(f"/conversations/{identity}.json").json()["exchanges"][0]["answer"] == ""


def test_where_nothing_was_kept_nothing_is_made(tmp_path):
    assert withdraw_articles(tmp_path, ["harbour"]) == 0 and list(tmp_path.iterdir()) == []


# ---- why, and what people think --------------------------------------------------------------------


def test_why(client):
    reply = client.post("/why", json={"question": COST}).json()
    first, second = reply["considered"]
    assert (first["quote"], first["confidence"], first["score"], first["found_by"]) == ("1911", 0.12, 0.75, "both")
    assert (second["quote"], second["confidence"]) == (None, None)
    for each in reply["considered"]:
        passage = each["passage"]
        assert HARBOUR.text[passage["start"] : passage["end"]] == passage["text"]
    assert HARBOUR.text[first["start"] : first["end"]] == first["quote"]


def test_why_as_a_page_and_for_the_script(client):
    identity = ask(browser(client), COST)["conversation_id"]
    page = client.get(f"/c/{identity}/0/why", headers=PAGE).text
    assert "found by meaning and by its words" in page and "<mark" in page
    assert client.get(f"/c/{identity}/0/why").json()["considered"][0]["quote"] == "1911"
    assert_problem(client.get(f"/c/{identity}/7/why"), 404, "unknown-conversation")


def judge(client: TestClient, reply: dict, verdict: str, line: str = "", answer: int = 0):
    body = {"conversation_id": reply["conversation_id"], "turn": reply["turn"], "answer": answer}
    return client.post("/feedback", json=body | {"verdict": verdict, "line": line})


def examples(client: TestClient) -> list[tuple]:
    found = []
    for article in client.get("/feedback").json()["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                for each in qa["answers"] + qa.get("plausible_answers", []):
                    start = each["answer_start"]
                    assert paragraph["context"][start : start + len(each["text"])] == each["text"]
                answers, plausible = (
                    [each["text"] for each in qa.get(n, [])] for n in ("answers", "plausible_answers")
                )
                found.append((qa["question"], answers, qa["is_impossible"], plausible))
    return found


def test_feedback_becomes_squad_examples(client, tmp_path):
    browser(client)
    cost, parrot, cars, none = (ask(client, question) for question in (COST, PARROT, CARS, "Who won the cup?"))
    assert judge(client, cost, "right").status_code == 204
    judge(client, parrot, "wrong", "something else entirely")
    judge(client, cars, "wrong", "every six minutes")
    judge(client, none, "right")
    assert examples(client) == [
        (COST, ["212 million euros"], False, []),
        (CARS, ["every six minutes"], False, []),
        ("Who won the cup?", [], True, ["1911"]),
        (PARROT, [], True, ["</mark><b onclick=alert(2)>Rex</b>"]),
    ]
    judge(client, cost, "wrong source")  # a change of mind
    assert (COST, [], True, ["212 million euros"]) in examples(client) and len(examples(client)) == 4
    file = tmp_path / "feedback.json"
    file.write_text(client.get("/feedback").text)
    assert len(read_questions(file)) == 4


def test_a_wrong_refusal_says_nothing_without_the_words(client):
    reply = ask(browser(client), "Who won the cup?")
    judge(client, reply, "wrong", "somebody")
    assert examples(client) == []
    judge(client, reply, "wrong", "The old bridge")
    assert examples(client) == [("Who won the cup?", ["The old bridge"], False, [])]
    judge(client, reply, "wrong", "he old bridge")  # not whole words
    assert examples(client) == []


def test_feedback_is_on_the_answer_that_was_judged(kept):
    with connect(FakeArchive(), kept) as client:
        judge(client, first := ask(browser(client), COST), "right")
        identity = first["conversation_id"]
        second = ask(client, CARS, identity, replaces=0)
        assert second["turn"] == first["turn"] == 0
        assert "You said: right" not in client.get(f"/c/{identity}").text  # that was said of another answer
        judge(client, second, "wrong")
        assert "You said: wrong" in client.get(f"/c/{identity}").text
        kept_of_both = [(COST, ["212 million euros"], False, []), (CARS, [], True, ["cars may not use it at all"])]
        assert examples(client) == kept_of_both
        third = ask(client, PARROT, identity, history=[{"question": COST}])
        assert third["turn"] == 1 and "You said: wrong" not in client.get(f"/c/{identity}").text
        assert examples(client) == kept_of_both
        withdraw_articles(kept.data, ["harbour"])
        assert examples(client) == []


def test_feedback_by_form(client):
    reply = ask(browser(client), COST)
    form = {
        "conversation_id": reply["conversation_id"],
        "turn": "0",
        "answer": "0",
        "verdict": "wrong source",
        "line": "",
    }
    page = client.post("/feedback", data=form, headers=PAGE)
    assert page.url.path == f"/c/{reply['conversation_id']}" and "You said: wrong source. Thank you." in page.text


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"verdict": "splendid"}, 422, "invalid-request"),
        ({"verdit": "right"}, 422, "invalid-request"),
        ({"turn": 9}, 404, "unknown-answer"),
        ({"answer": 3}, 404, "unknown-answer"),
        ({"conversation_id": "another"}, 404, "unknown-answer"),
        ({"turn": "9" * 5_000}, 422, "invalid-request"),
    ],
)
def test_feedback_on_nothing(client, change, status, name):
    reply = ask(browser(client), COST)
    body = {"conversation_id": reply["conversation_id"], "turn": 0, "verdict": "right"} | change
    assert_problem(client.post("/feedback", json=body), status, name)
    assert_problem(client.post("/feedback", data=body), status, name)


@pytest.mark.parametrize("content", [b"", b"{", b"nonsense", b"\xff\xfe"])
def test_feedback_that_is_no_json(client, content):
    response = client.post("/feedback", content=content, headers={"content-type": "application/json"})
    assert_problem(response, 400, "bad-json")


def test_another_browsers_answer_is_not_ones_to_judge(client):
    reply = ask(browser(client), COST)
    client.cookies.clear()
    assert_problem(judge(browser(client), reply, "wrong"), 404, "unknown-answer")


def test_feedback_on_a_removed_article_goes(kept, monkeypatch):
    monkeypatch.setenv("VERBATIM_DATA", str(kept.data))
    with connect(FakeArchive(), kept) as client:
        browser(client)
        judge(client, ask(client, COST), "right")
        judge(client, ask(client, PARROT), "right")
        withdraw_articles(kept.data, ["harbour"])
        assert [question for question, *_ in examples(client)] == [PARROT]
        shown = CliRunner().invoke(main, ["feedback"])
        assert json.loads(shown.stdout) == client.get("/feedback").json()


def test_without_any_feedback_the_export_is_empty(monkeypatch, tmp_path):
    monkeypatch.setenv("VERBATIM_DATA", str(tmp_path))
    assert json.loads(CliRunner().invoke(main, ["feedback"]).stdout) == {"version": "v2.0", "data": []}
    assert not list(Path(tmp_path).iterdir())


# ---- marks -----------------------------------------------------------------------------------------


def test_an_article_shows_all_that_the_conversation_cites_of_it(client):
    identity = ask(browser(client), COST)["conversation_id"]
    ask(client, CARS, identity)
    start = HARBOUR.text.index("cars may not")
    path = f"/articles/harbour?start={start}&end={start + 26}&conversation={identity}"
    html = client.get(path).text
    assert re.findall(r'<mark class="other">(.*?)</mark>', html) == ["212 million euros"]
    assert re.findall(r'<mark id="w">(.*?)</mark>', html) == ["cars may not use it at all"]
    (last,) = re.findall(r'<a href="([^"]*)">‹ Previous mark</a>', html)
    assert "Mark 2 of 2" in html and "Next mark" not in html
    assert '<mark id="w">212 million euros</mark>' in client.get(last.replace("&amp;", "&")).text
    client.cookies.clear()
    assert 'class="other"' not in client.get(path).text  # another browser


def test_marks_that_are_not_there_any_more_are_not_shown(client, archive):
    identity = ask(browser(client), COST)["conversation_id"]
    archive.articles = (replace(HARBOUR, text=HARBOUR.text.replace("212", "999")),)
    html = client.get(f"/articles/harbour?start=0&end=3&conversation={identity}").text
    assert 'class="other"' not in html
