"""What a reply says of time: the period it understood, how far the archive reaches, corrections, values by date."""

from dataclasses import replace
from datetime import date
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pytest

from index.articles import Article
from qa.assistant import Reply, Request
from qa.corrections import find_correction
from qa.freshness import Freshness
from qa.periods import find_period
from tests.api.test_errors import assert_problem
from tests.conftest import ARTICLES, COST, OPENS, FakeArchive, FakeAssistant, answer, cite, connect

NOTED = Article(
    id="noted",
    title="Toll rises",
    text="The storm killed 12 people. 🌧️\n\nCorrection: An earlier version of this story misstated the number of dead.",
    published=date(2024, 9, 9),
)


class Dated(FakeAssistant):
    """Understands periods as the real one does, and says how old its newest article is."""

    def ask(self, request: Request) -> Reply:
        reply = super().ask(request)
        period = find_period(request.question, request.asked_on or date(2025, 3, 1)) if request.dates else None
        return replace(reply, understood=period, freshness=Freshness(date(2025, 2, 3), 1000, period is not None))


@pytest.fixture
def dated():
    cited = replace(cite(NOTED, "12"), correction=find_correction(NOTED.text))
    assistant = Dated({"How many did the storm kill?": (answer(cited, 0.9),)})
    with connect(FakeArchive((*ARTICLES, NOTED), assistant)) as client:
        yield client


def ask(client, question: str, **fields) -> dict:
    response = client.post("/ask", json={"question": question} | fields)
    assert response.status_code == 200, response.text
    return response.json()


class TestUnderstood:
    def test_the_period_and_its_words(self, dated):
        reply = ask(dated, "What did it cost in March 2022?")
        assert reply["understood"] == {
            "kind": "within", "text": "in March 2022", "after": "2022-03-01", "before": "2022-03-31"
        }  # fmt: skip

    def test_an_open_end(self, dated):
        understood = ask(dated, "What happened before 2020?")["understood"]
        assert (understood["kind"], understood["after"], understood["before"]) == ("before", None, "2019-12-31")

    def test_the_latest_has_no_days(self, dated):
        understood = ask(dated, "What is the latest price?")["understood"]
        assert understood == {"kind": "latest", "text": "latest", "after": None, "before": None}

    def test_nothing(self, dated):
        assert ask(dated, "What is it called?")["understood"] is None

    def test_it_can_be_switched_off(self, dated):
        assert ask(dated, "What did it cost in March 2022?", dates=False)["understood"] is None

    def test_the_field_is_a_truth_value(self, client):
        response = client.post("/ask", json={"question": COST, "dates": "no"})
        assert_problem(response, 422, "invalid-request")


class TestFreshness:
    def test_a_warning_when_the_question_reaches_beyond(self, dated):
        freshness = ask(dated, "What is the latest price?")["freshness"]
        assert (freshness["newest_article"], freshness["age_days"]) == ("2025-02-03", 1000)
        assert freshness["warning"].startswith("The newest article here is of 3 February 2025, 2 years ago.")

    def test_none_otherwise(self, dated):
        assert ask(dated, "What is it called?")["freshness"]["warning"] is None

    def test_the_page_warns(self, dated):
        page = dated.post("/", data={"question": "What is the latest price?"}).text
        assert "The newest article here is of 3 February 2025, 2 years ago." in page

    def test_the_page_tells_the_age_of_the_archive(self, dated):
        page = dated.get("/").text
        assert "newest 3 February 2025, " in page
        assert " ago" in page or "today" in page


class TestCorrections:
    def test_a_citation_carries_its_article_s_correction(self, dated):
        (answered,) = ask(dated, "How many did the storm kill?")["answers"]
        (citation,) = answered["citations"]
        note = citation["correction"]
        assert note["kind"] == "correction"
        assert NOTED.text[note["start"] : note["end"]] == note["quote"]
        assert note["quote"].startswith("Correction: An earlier version")
        assert note["href"] == f"/articles/noted?start={note['start']}&end={note['end']}"

    def test_the_page_shows_it(self, dated):
        page = dated.post("/", data={"question": "How many did the storm kill?"}).text
        assert "This article was corrected:" in page
        assert "misstated the number of dead" in page

    def test_a_note_that_is_not_the_article_s_never_goes_out(self, dated):
        from server.replies import write_citation

        citation = cite(NOTED, "12")
        altered = replace(find_correction(NOTED.text), quote="Correction: all is well.")
        with pytest.raises(AssertionError, match="differs"):
            write_citation(replace(citation, correction=altered))


class TestTimeline:
    def test_a_history_has_a_picture(self, client):
        best, other = ask(client, OPENS)["answers"]
        assert best["timeline"]["text"] == "Values by date: 1 June (3 February 2025), 4 May (9 September 2024)"
        query = parse_qsl(urlsplit(best["timeline"]["src"]).query)
        assert query == [("v", "1 June"), ("d", "2025-02-03"), ("v", "4 May"), ("d", "2024-09-09")]
        assert other["timeline"] is None

    def test_the_picture_is_there(self, client):
        source = ask(client, OPENS)["answers"][0]["timeline"]["src"]
        response = client.get(source)
        assert response.status_code == 200
        assert response.headers["content-type"] == "image/svg+xml"
        assert "default-src 'none'" in response.headers["content-security-policy"]
        texts = [each.text for each in ElementTree.fromstring(response.text).iter() if each.text]
        assert "1 June" in texts and "9 September 2024" in texts

    def test_the_page_shows_it(self, client):
        page = client.post("/", data={"question": OPENS}).text
        assert 'src="/timeline.svg?v=1+June&amp;d=2025-02-03&amp;v=4+May' in page
        assert 'alt="Values by date: 1 June (3 February 2025), 4 May (9 September 2024)"' in page

    def test_values_are_escaped(self, client):
        response = client.get("/timeline.svg", params={"v": "<script>alert(1)</script>\x00&", "d": "2024-01-01"})
        assert response.status_code == 200
        assert "<script" not in response.text
        assert ElementTree.fromstring(response.text) is not None

    @pytest.mark.parametrize(
        "query",
        ["", "v=1", "v=1&d=2024-13-01", "v=1&v=2&d=2024-01-01", "v=1&d=yesterday", "&".join(["v=1&d=2024-01-01"] * 30)],
    )
    def test_other_queries_are_refused(self, client, query):
        assert_problem(client.get(f"/timeline.svg?{query}"), 422, "invalid-request")
