"""POST /ask: the contract, field for field."""

import threading
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import qa.archive
from index.articles import Article
from index.passages import Passage
from qa.assistant import Answer, Citation, Request, Turn
from qa.retriever import Filters
from server.settings import Settings
from tests.api.test_errors import assert_problem
from tests.conftest import ANSWERS, COST, DELAY, HARBOUR, OPENS, FakeArchive, FakeAssistant, cite, connect
from tests.fakes import BagOfWords, PhraseReader, generation_of

CITATION = {
    "number", "article_id", "title", "source", "url", "published", "quote", "start", "end", "passage", "href",
    "original", "copies", "correction",
}  # fmt: skip


def test_an_answer_in_full(client):
    reply = client.post("/ask", json={"question": COST}).json()
    conversation_id = reply.pop("conversation_id")
    assert len(conversation_id) == 32
    assert reply == {
        "question": COST,
        "searched_for": COST,
        "answered": True,
        "answers": [
            {
                "text": "212 million euros",
                "sentence": "It cost 212 million euros, 40 million more than planned.",
                "confidence": 0.78,
                "resolved_date": None,
                "status": "current",
                "earlier": [],
                "citations": [
                    {
                        "number": 1,
                        "article_id": "harbour",
                        "title": "Harbour bridge to open in spring",
                        "source": "Example Courier",
                        "url": "https://example.org/city/harbour-bridge?page=1",
                        "published": "2024-09-09T10:00:55",
                        "quote": "212 million euros",
                        "start": 76,
                        "end": 93,
                        "passage": {
                            "start": 0,
                            "end": 124,
                            "text": "The new harbour bridge will open on 4 May, the city said on Monday. "
                            "It cost 212 million euros, 40 million more than planned.",
                        },
                        "href": "/articles/harbour?start=76&end=93",
                        "original": "https://example.org/city/harbour-bridge?page=1"
                        "#:~:text=on%20Monday.%20It%20cost-,212%20million%20euros,-%2C%2040%20million%20more",
                        "copies": [
                            {
                                "article_id": "copy",
                                "title": "Bridge to open",
                                "source": "Example Wire",
                                "url": None,
                                "published": "2024-09-10",
                                "href": "/articles/copy",
                            }
                        ],
                        "correction": None,
                    }
                ],
                "timeline": None,
            }
        ],
        "nearest": [],
        "turn": 0,
        "language": None,
        "index": {
            "generation": "g1",
            "built_at": "2025-02-04T06:30:15+00:00",
            "articles": 1234,
            "newest_article": "2025-02-03",
        },
        "understood": None,
        "freshness": {"newest_article": None, "age_days": None, "warning": None},
        "timings_ms": {"resolve": 0.5, "retrieve": 3.25, "read": 40.0, "total": 43.75},
    }


def test_earlier_and_conflicting_answers(client):
    best, other = client.post("/ask", json={"question": OPENS}).json()["answers"]
    assert (best["text"], best["resolved_date"], best["status"]) == ("1 June", "2025-06-01", "current")
    (earlier,) = best["earlier"]
    assert set(earlier) == {"text", "published", "status", "citations"}
    assert (earlier["text"], earlier["published"], earlier["status"]) == ("4 May", "2024-09-09T10:00:55", "superseded")
    assert set(earlier["citations"][0]) == CITATION
    assert other["status"] == "conflicting"


def test_no_answer_comes_with_what_is_nearest(client):
    reply = client.post("/ask", json={"question": "Who won the cup?"}).json()
    assert (reply["answered"], reply["answers"]) == (False, [])
    first = reply["nearest"][0]
    assert set(first) == CITATION | {"confidence"}
    assert (first["quote"], first["confidence"]) == ("1911", 0.12)
    assert first["passage"]["text"] == "The old bridge, built in 1911, stays open to walkers."


def test_all_that_bears_on_a_question_is_passed_on(client, archive):
    body = {
        "question": "  May cars use it?\n",
        "history": [
            {"question": "Who won?", "answer": ""},
            {"question": "And then?", "answer": None, "article_id": None},
            {"question": COST, "answer": "212 million euros", "article_id": "harbour"},
        ],
        "published_after": "2024-01-31",
        "published_before": "2024-12-31",
        "sources": ["Example Courier", "Ünïcode"],
        "asked_on": "2024-09-20",
        "limit": 10,
        "abstain": False,
    }
    reply = client.post("/ask", json=body).json()
    (request,) = archive.assistant.asked
    assert request.question == "May cars use it?"
    assert request.history == (Turn("Who won?"), Turn("And then?"), Turn(COST, "212 million euros", "harbour"))
    assert request.filters == Filters(date(2024, 1, 31), date(2024, 12, 31), ("Example Courier", "Ünïcode"))
    assert (request.asked_on, request.limit, request.abstain) == (date(2024, 9, 20), 10, False)
    assert reply["searched_for"] == f"May cars use it? [{COST}]"


def test_defaults_and_nulls_mean_the_same(client, archive):
    nulls = ("history", "conversation_id", "published_after", "published_before", "sources", "asked_on")
    assert client.post("/ask", json={"question": COST}).status_code == 200
    assert client.post("/ask", json={"question": COST} | dict.fromkeys(nulls)).status_code == 200
    first, second = archive.assistant.asked
    assert first == second
    assert (first.history, first.filters, first.asked_on, first.limit, first.abstain) == ((), Filters(), None, 3, True)


def test_limit_is_passed_on(client):
    assert len(client.post("/ask", json={"question": OPENS, "limit": 1}).json()["answers"]) == 1


def test_a_conversation_goes_on_by_its_id(client, archive):
    first = client.post("/ask", json={"question": COST}).json()
    second = client.post("/ask", json={"question": "Who won?", "conversation_id": first["conversation_id"]}).json()
    client.post("/ask", json={"question": "And it?", "conversation_id": second["conversation_id"]})
    assert second["conversation_id"] == first["conversation_id"]
    assert archive.assistant.asked[1].history == (Turn(COST, "212 million euros", "harbour"),)
    assert archive.assistant.asked[2].history == (Turn(COST, "212 million euros", "harbour"), Turn("Who won?"))
    other = client.post("/ask", json={"question": COST}).json()
    assert other["conversation_id"] != first["conversation_id"]
    assert archive.assistant.asked[3].history == ()


def test_history_wins_over_the_conversation(client, archive):
    first = client.post("/ask", json={"question": COST}).json()["conversation_id"]
    body = {"question": "Who?", "conversation_id": first, "history": [{"question": "Where?", "answer": "here"}]}
    client.post("/ask", json=body)
    client.post("/ask", json={"question": "When?", "conversation_id": first})
    assert archive.assistant.asked[1].history == (Turn("Where?", "here"),)
    assert archive.assistant.asked[2].history == (Turn("Where?", "here"), Turn("Who?"))


def test_history_brings_back_a_conversation_that_a_restart_lost(client, archive):
    turn = {"question": COST, "answer": "212 million euros", "article_id": "harbour"}
    client.post("/ask", json={"question": "Who?", "conversation_id": "lost", "history": [turn]})
    client.post("/ask", json={"question": "When?", "conversation_id": "lost"})
    assert archive.assistant.asked[1].history == (Turn(COST, "212 million euros", "harbour"), Turn("Who?"))


def test_a_forgotten_conversation_begins_anew_under_its_id(client, archive):
    reply = client.post("/ask", json={"question": COST, "conversation_id": "from-before-the-restart"}).json()
    assert reply["conversation_id"] == "from-before-the-restart"
    assert archive.assistant.asked[0].history == ()


class SlowAssistant(FakeAssistant):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__()
        self.begun, self.go_on = threading.Semaphore(0), threading.Event()

    def ask(self, request):
        self.begun.release()
        assert self.go_on.wait(30)
        return super().ask(request)


def test_the_facts_are_those_of_the_index_that_answered():
    class Swapped(FakeArchive):
        """A new generation came while the old one answered."""

        def info(self):
            return replace(super().info(), generation="g2", articles=9)

        def ask_with_info(self, request):
            return self.ask(request), super().info()

    with connect(Swapped()) as client:
        index = client.post("/ask", json={"question": COST}).json()["index"]
        assert (index["generation"], index["articles"]) == ("g1", 1234)
        assert client.get("/index").json()["generation"] == "g2"


def test_an_archive_answers_with_the_facts_of_one_generation(tmp_path, monkeypatch):
    class Swapping(PhraseReader):
        """A new generation is swapped in while it reads."""

        settings = {"confidence": {"ranking": {"span": 1.0}, "weights": {"rank": 1.0}, "threshold": 0.5}}

        def read(self, question, texts):
            generation_of(tmp_path, [HARBOUR, DELAY])
            return super().read(question, texts)

    monkeypatch.setattr(qa.archive, "_LOOK_EVERY", 0.0)
    first = generation_of(tmp_path, [HARBOUR])
    archive = qa.archive.Archive(tmp_path, lambda: (BagOfWords(), Swapping({"212 million euros": 3.0})))
    reply, info = archive.ask_with_info(Request(COST))
    assert (reply.generation, info.generation, info.articles) == (first.id, first.id, 1)
    assert archive.info().articles == 2


def test_too_many_questions_are_turned_away():
    assistant = SlowAssistant()
    with connect(FakeArchive(assistant=assistant), Settings(at_once=1, waiting=1)) as client:
        statuses: list[int] = []
        ask = lambda: statuses.append(client.post("/ask", json={"question": COST}).status_code)  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(2)]
        threads[0].start()
        assert assistant.begun.acquire(timeout=30)
        threads[1].start()
        while "verbatim_questions_held 2.0" not in client.get("/metrics").text:  # health is answered meanwhile
            pass
        response = client.post("/ask", json={"question": COST})
        assert_problem(response, 503, "busy")
        assert int(response.headers["retry-after"]) > 0
        assistant.go_on.set()
        for thread in threads:
            thread.join(30)
        assert statuses == [200, 200]
        assert len(assistant.asked) == 2
        assert client.post("/ask", json={"question": COST}).status_code == 200


def test_head_is_get_without_a_body(client):
    response = client.head("/")
    assert response.status_code == 200 and response.content == b""


# What article texts are: no carriage returns, NULs or lone surrogates; all else may occur.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), min_size=1, max_size=60)


@st.composite
def citations(draw) -> Citation:
    text = draw(TEXTS)
    start = draw(st.integers(0, len(text) - 1))
    end = draw(st.integers(start + 1, len(text)))
    first, last = draw(st.integers(0, start)), draw(st.integers(end, len(text)))
    identity = draw(TEXTS.filter(lambda text: "%" not in text))  # the test client decodes these twice
    article = Article(identity, draw(TEXTS), text, draw(st.none() | st.just("https://example.org/a")))
    return Citation(1, article, Passage(article.id, first, last), start, end, text[start:end])


@given(citations())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cited_words_are_the_articles_to_the_byte(citation):
    answer = Answer(citation.quote, citation.article.text, 0.5, (citation,))
    assistant = FakeAssistant({"Q?": (answer,)})
    with connect(FakeArchive((citation.article,), assistant)) as client:
        (cited,) = client.post("/ask", json={"question": "Q?"}).json()["answers"][0]["citations"]
        page = client.get(cited["href"])
        path = cited["href"].split("?start=")[0]
        if "/?id=" not in cited["href"]:
            article = client.get(f"{path}.json").json()
            assert article["text"] == citation.article.text
            assert article["text"][cited["start"] : cited["end"]] == cited["quote"] == citation.quote
    passage = cited["passage"]
    assert passage["text"] == citation.article.text[passage["start"] : passage["end"]]
    assert passage["text"][cited["start"] - passage["start"] : cited["end"] - passage["start"]] == cited["quote"]
    assert page.status_code == 200


def test_words_that_are_not_the_articles_never_go_out():
    citation = replace(cite(HARBOUR, "4 May"), quote="5 May")
    assistant = FakeAssistant({"Q?": (Answer("5 May", "on 5 May", 0.9, (citation,)),)})
    with connect(FakeArchive(assistant=assistant)) as client:
        response = client.post("/ask", json={"question": "Q?"})
        assert_problem(response, 500, "internal-error")
        assert "5 May" not in response.text


def test_the_fakes_themselves_cite_to_the_byte():
    for answers in ANSWERS.values():
        for answer in answers:
            for citation in answer.citations:
                assert citation.article.text[citation.start : citation.end] == citation.quote
                assert replace(citation, number=9).quote in answer.sentence


@pytest.mark.parametrize("question", list(ANSWERS))
def test_every_text_is_the_quote_of_its_first_citation(client, question):
    for answer in client.post("/ask", json={"question": question}).json()["answers"]:
        assert answer["text"] == answer["citations"][0]["quote"]
        assert answer["text"] in answer["sentence"]
