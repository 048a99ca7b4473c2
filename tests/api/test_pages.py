"""The pages as a browser without scripts gets them."""

import json
import re
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from index.articles import Article
from qa.assistant import Answer
from server.links import article_path, marked_path, original_link, text_fragment, web_address
from server.marks import marked_sentence, paragraphs
from server.pages import HERE, _environment
from server.replies import write_answer
from server.terminal import describe_answer
from server.texts import (
    TEXTS,
    IndexTexts,
    Texts,
    human_confidence,
    human_date,
    human_resolved,
    index_script_texts,
    script_texts,
)
from tests.conftest import ARTICLES, COST, DELAY, HARBOUR, HOSTILE, OPENS, PARROT, FakeArchive, cite, connect

PAGE = {"accept": "text/html"}


class Tree(HTMLParser):
    """Which elements there are, with what text in them: enough to see whether text became markup."""

    VOID = ("meta", "link", "input", "br")

    def __init__(self, html: str):
        super().__init__()
        self.open: list[tuple[str, dict]] = []
        self.tags: list[tuple[str, dict]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        self.texts.append((tuple(tag for tag, _ in self.open), data))


def texts_in(html: str, tag: str) -> list[str]:
    return [data for path, data in Tree(html).texts if tag in path and "template" not in path]


def test_the_empty_page_offers_questions_that_can_be_answered(client):
    html = client.get("/").text
    assert [attrs["value"] for tag, attrs in Tree(html).tags if attrs.get("name") == "suggestion"] == [OPENS, COST]
    assert "1,234 articles · newest 3 February 2025" in re.sub(r"\s+", " ", html)
    assert client.post("/", data={"suggestion": COST, "question": ""}).text.count("212 million euros") > 1


def conversation_in(html: str) -> str:
    """The conversation that the next question will belong to."""
    fields = [attrs["value"] for _, attrs in Tree(html).tags if attrs.get("name") == "conversation_id"]
    return next(filter(None, fields))


def test_asking_by_form(client):
    html = client.post("/", data={"question": OPENS}, headers=PAGE).text
    assert texts_in(html, "mark")[:2] == ["1 June", "1 June"]  # in its sentence, in its passage
    assert "Very likely right, 94\u00a0%" in html
    assert "That is 1 June 2025" in html
    assert "Earlier articles said:" in html and "The articles do not agree on this." in html
    assert re.search(r'href="/articles/harbour\?start=36&amp;end=41&amp;v=\w{8}&amp;conversation=\w{32}#w"', html)
    assert "Example Courier · 9 September 2024" in html


def test_no_answer_is_said_plainly(client):
    html = client.post("/", data={"question": "Who won the cup?"}, headers=PAGE).text
    assert "The archive does not say." in html
    assert texts_in(html, "mark") == ["1911", "Rex"]
    assert "Unlikely to be right, 12\u00a0%" in html


def test_a_follow_up_by_form(client, archive):
    first = client.post("/", data={"question": COST}, headers=PAGE).text
    conversation = conversation_in(first)
    second = client.post("/", data={"question": "And it?", "conversation_id": conversation}, headers=PAGE).text
    assert archive.assistant.asked[1].history[0].question == COST
    assert f"And it? [{COST}]" in second and "Searched for:" in second
    assert "212 million euros" in second and archive.assistant.asked[1].question == "And it?"


def test_loading_the_answer_again_asks_nothing_again(client, archive):
    sent = client.post("/", data={"question": COST}, headers=PAGE, follow_redirects=False)
    assert sent.status_code == 303 and re.fullmatch(r"/c/[0-9a-f]{32}#t0", sent.headers["location"])
    first, again = (client.get(sent.headers["location"], headers=PAGE).text for _ in range(2))
    assert first == again and texts_in(first, "mark")[0] == "212 million euros" and 'id="latest"' in first
    assert len(archive.assistant.asked) == 1
    assert texts_in(first, "h1") == [TEXTS.title]


def test_the_way_back_from_an_article_finds_the_conversation(client):
    html = client.post("/", data={"question": COST}, headers=PAGE).text
    conversation = conversation_in(html)
    links = [attrs["href"] for tag, attrs in Tree(html).tags if attrs.get("href", "").startswith("/articles/")]
    assert len(links) == 3  # the number, the title, and the copy
    for link in links:
        backs = [attrs["href"] for _, attrs in Tree(client.get(link).text).tags if attrs.get("class") == "new"]
        assert backs[-1] == f"/c/{conversation}#latest"
        assert "212 million euros" in client.get(backs[-1]).text
    assert 'class="new" href="/"' in client.get("/articles/harbour").text
    assert 'href="/c/%22%3E#latest"' in client.get('/articles/harbour?conversation=">').text


@pytest.mark.parametrize("identity", ["forgotten", "", '"><b>', "a" * 10_000])
def test_a_conversation_that_is_not_there_is_the_empty_page(client, identity):
    assert client.get("/", params={"conversation": identity}).text == client.get("/").text


def test_a_turn_asked_by_a_program_is_shown_too(client):
    sent = client.post("/", data={"question": OPENS}, headers=PAGE, follow_redirects=False)
    identity = sent.headers["location"].removeprefix("/c/").removesuffix("#t0")
    client.post("/ask", json={"question": COST, "conversation_id": identity})
    html = client.get(f"/?conversation={identity}").text
    assert texts_in(html, "h2") == ["You asked ", OPENS, "You asked ", COST]
    assert texts_in(html, "mark")[-2:] == ["212 million euros"] * 2


@pytest.mark.parametrize("path", ["/", "/articles/harbour", "/articles/nothing"])
def test_one_first_heading(client, path):
    html = client.get(path, headers=PAGE).text
    levels = [int(tag[1]) for tag, _ in Tree(html.split("<template")[0]).tags if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1 and levels[0] == 1
    assert all(below - above <= 1 for above, below in zip(levels, levels[1:], strict=False))


@pytest.mark.parametrize(("question", "said"), [(" ", "is empty"), ("x" * 2001, "2,000")])
def test_a_form_that_cannot_be_meant(client, question, said):
    response = client.post("/", data={"question": question}, headers=PAGE)
    assert response.status_code == 422 and said in response.text and 'id="question"' in response.text
    assert 'role="alert"' not in response.text  # the page has one live region
    assert client.post("/", data={"question": question}).headers["content-type"] == "application/problem+json"


def test_nothing_an_article_holds_becomes_markup(client):
    plain = client.post("/", data={"question": COST}, headers=PAGE).text
    hostile = client.post("/", data={"question": PARROT}, headers=PAGE).text
    article = client.get(article_path(HOSTILE.id)).text
    assert {tag for tag, _ in Tree(hostile).tags} <= {tag for tag, _ in Tree(plain).tags}
    for html in (hostile, article, client.post("/", data={"question": HOSTILE.text[:900]}, headers=PAGE).text):
        tree = Tree(html)
        assert [attrs for tag, attrs in tree.tags if tag == "script" and set(attrs) != {"src", "type"}] == []
        assert not [attrs for _, attrs in tree.tags if any(name.startswith("on") or name == "style" for name in attrs)]
        tags = [tag for tag, attrs in tree.tags if attrs.get("class") != "timeline" or "src" in attrs]
        assert not [tag for tag in tags if tag in ("img", "style", "svg", "b")]
        assert not [attrs for _, attrs in tree.tags if attrs.get("href", "").startswith("javascript")]
    assert "<script>alert(1)</script>" in texts_in(article, "h1")


def test_templates_escape_whatever_they_are_named():
    environment = _environment()
    assert environment.autoescape is True
    assert environment.from_string("{{ x }}").render(x="<b>'\"&") == "&lt;b&gt;&#39;&#34;&amp;"
    for template in (HERE / "templates").iterdir():
        assert not re.search(r"\|\s*safe|autoescape|Markup", template.read_text())


def test_scripts_never_make_markup_of_text():
    for script in (HERE / "static").glob("*.js"):
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|DOMParser|setHTML", script.read_text()
        )


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.title)
def test_an_article_page_shows_the_text_to_the_letter(client, article):
    html = client.get(article_path(article.id)).text
    start, end = html.index('<div class="text">'), html.index("</article>")
    shown = [
        "".join(data for path, data in Tree(each).texts) for each in re.findall(r"<p dir.*?</p>", html[start:end], re.S)
    ]
    assert shown == [line for line in article.text.split("\n") if line.strip()]
    assert "<mark" not in html


def test_marks_may_span_paragraphs(client):
    start, end = HARBOUR.text.index("40 million"), HARBOUR.text.index("Brandt")
    html = client.get(f"/articles/harbour?start={start}&end={end}").text
    assert texts_in(html, "mark") == ["40 million more than planned.", "Mayor Ilse "]
    assert html.count('id="w"') == 1


def test_offsets_count_code_points(client):
    citation = cite(DELAY, "Rain is to blame")
    html = client.get(f"{article_path(DELAY.id)}?start={citation.start}&end={citation.end}").text
    assert texts_in(html, "mark") == ["Rain is to blame"]


def test_words_that_are_gone_are_not_made_up(client):
    html = client.get("/articles/harbour?start=5&end=100000").text
    assert "<mark" not in html and "it was changed since" in html


def test_other_words_at_the_same_place_are_not_marked(client, archive):
    href = marked_path("harbour", 76, 93, "212 million euros")
    assert texts_in(client.get(href).text, "mark") == ["212 million euros"]
    archive.articles = (replace(HARBOUR, text=HARBOUR.text.replace("212", "999")),)
    changed = client.get(href).text
    assert "<mark" not in changed and "it was changed since" in changed and "999 million" in changed
    assert texts_in(client.get("/articles/harbour?start=76&end=93").text, "mark") == ["999 million euros"]


@pytest.mark.parametrize(
    "identity",
    [".", "..", "a/../b", "a.json", "a", "?q=1#x", "é 🌉", "line\nbreak", "x\n", " ", "..json", "a.json.json", "+"],
)
def test_any_id_can_be_addressed(identity):
    others = ("a", "a.json", "a.json.json")
    articles = [Article(each, f"Title of {each!r}", "Some words here.") for each in {identity, *others}]
    with connect(FakeArchive(tuple(articles))) as client:
        path = article_path(identity)
        marked = client.get(f"{path}{'&' if '?' in path else '?'}start=5&end=10")
        assert texts_in(marked.text, "mark") == ["words"]
        assert f"Title of {identity!r}" in "".join(texts_in(marked.text, "h1"))
        if "?" not in path:
            assert client.get(f"{path}.json").json()["id"] == identity


def test_a_page_of_an_id_that_ends_in_json_is_found_without_offsets(client):
    assert DELAY.title in client.get(article_path(DELAY.id)).text


@given(st.text("ab \n\t🌉\u2028é", max_size=30), st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_paragraphs_hold_every_letter_and_mark_exactly_the_words(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    pieces = [piece for paragraph in paragraphs(text, [(start, end)]) for piece in paragraph]
    assert "".join(words for words, _ in pieces) == "".join(line for line in text.split("\n") if line.strip())
    marked = "".join(words for words, number in pieces if number is not None)
    blank = {line for line in text.split("\n") if not line.strip()}
    if not any(blank):
        assert marked == text[start:end].replace("\n", "")


def test_the_right_one_of_two_same_words_is_marked():
    article = Article("a", "A", "Before it all. He saw 2 of the 2 ships. After.")
    sentence = "He saw 2 of the 2 ships."
    first, second = (write_answer(Answer("2", sentence, 0.5, (cite(article, "2", nth=nth),))) for nth in (0, 1))
    assert marked_sentence(first) == ("He saw ", "2", " of the 2 ships.")
    assert marked_sentence(second) == ("He saw 2 of the ", "2", " ships.")


def test_the_right_one_is_marked_at_the_very_end():
    article = Article("a", "A", "Aid came late. U.S. troops left the U.S.")
    sentence = "U.S. troops left the U.S."
    first, last = (write_answer(Answer("U.S.", sentence, 0.5, (cite(article, "U.S.", nth=nth),))) for nth in (0, 1))
    assert marked_sentence(first) == ("", "U.S.", " troops left the U.S.")
    assert marked_sentence(last) == ("U.S. troops left the ", "U.S.", "")


def test_a_date_that_says_itself_is_not_said_twice():
    year = write_answer(Answer("1911", "built in 1911", 0.5, (cite(HARBOUR, "1911"),), resolved_date="1911"))
    day = write_answer(Answer("4 May", "on 4 May", 0.5, (cite(HARBOUR, "4 May"),), resolved_date="2025-05-04"))
    assert (human_resolved(year), human_resolved(day)) == ("", "That is 4 May 2025")
    assert "That is" not in "".join(describe_answer(year))
    assert any(line.endswith(". That is 4 May 2025.") for line in describe_answer(day))


@pytest.mark.parametrize(
    ("iso", "words"),
    [
        ("2024-09-09T10:00:55+02:00", "9 September 2024"),
        ("2024-12-31", "31 December 2024"),
        ("2024-01", "January 2024"),
        ("2024", "2024"),
        ("2024-05-01/2024-05-03", "1 May 2024 to 3 May 2024"),
        (None, None),
    ],
)
def test_dates_in_words(iso, words):
    assert human_date(iso) == words


@pytest.mark.parametrize(
    ("confidence", "words"),
    [
        (1.0, "Very likely right, 99\u00a0%"),
        (0.94, "Very likely right, 94\u00a0%"),
        (0.76, "Likely right, 76\u00a0%"),
        (0.5, "More likely right than not, 50\u00a0%"),
        (0.3, "Uncertain, 30\u00a0%"),
        (0.0, "Unlikely to be right, 1\u00a0%"),
    ],
)
def test_confidence_in_words(confidence, words):
    assert human_confidence(confidence) == words


@pytest.mark.parametrize(
    ("text", "words", "fragment"),
    [
        ("alone", "alone", "alone"),
        ("one two three four five six seven", "six", "two%20three%20four%20five-,six,-seven"),
        ("well-known, a & b", "a & b", "well%2Dknown%2C-,a%20%26%20b"),
        ("head\nfirst  line here\nlast line\ntail", "line here\nlast", "first-,line%20here,last,-line"),
        ("a " + "w " * 200 + "z", ("w " * 200).strip(), "a-,w%20w%20w%20w,w%20w%20w%20w,-z"),
        ("é 🌉 ü", "🌉", "%C3%A9-,%F0%9F%8C%89,-%C3%BC"),
    ],
)
def test_text_fragments(text, words, fragment):
    start = text.index(words)
    assert text_fragment(text, start, start + len(words)) == fragment


def test_text_fragments_tell_a_place_from_all_others():
    row = "In Kalvik five people were injured. "
    text = f"{row * 3}In Velmora {row}\n\nIlse said no.\n\nBrandt\n\nMarit said no.\n\nBrandt\n\nEnd."
    last = text.rindex("five")
    assert text_fragment(text, last, last + 4) == "In%20Velmora%20In%20Kalvik-,five,-people%20were%20injured."
    second = text.index("five", text.index("five") + 1)  # with four words on each side it is like the third
    fragment = text_fragment(text, second, second + 4)
    assert fragment.endswith("-,five,-people%20were%20injured.%20In%20Kalvik%20five%20people%20were")
    name = text.rindex("Brandt")  # alone in its paragraph: the ones beside it tell
    assert text_fragment(text, name, name + 6) == "Marit%20said%20no.-,Brandt,-End."


@pytest.mark.parametrize(
    ("url", "linked"),
    [
        ("https://a.example/x", True),
        ("HTTP://a.example", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("//a.example", False),
        ("https:///path", False),
        ("data:text/html,x", False),
        ("http://[", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_are_linked(url, linked):
    assert (web_address(url) is not None) == linked
    assert (original_link(Article("a", "A", "Some words", url), 0, 4) is not None) == linked


def test_all_that_a_visit_loads_is_small_and_from_here(client):
    html = client.get("/").text
    loaded = [attrs.get("href") or attrs.get("src") for tag, attrs in Tree(html).tags if tag in ("link", "script")]
    assert all(path.startswith("/static/") for path in loaded)
    assert len(html) + sum(len(client.get(path).content) for path in loaded) < 50_000
    assert len(loaded) == len(set(loaded))


def test_safe_headers_on_everything(client):
    for path in ("/", "/static/chat.js", "/articles/harbour", "/articles/nothing", "/index", "/metrics", "/nothing"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy and "require-trusted-types-for 'script'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"


def test_every_text_is_used():
    pages = "".join(path.read_text() for path in Path(HERE / "templates").iterdir())
    code = "".join(path.read_text() for path in HERE.glob("*.py"))
    scripts = "".join(path.read_text() for path in Path(HERE / "static").glob("*.js"))
    chosen = {f"found_by_{each}" for each in ("dense", "lexical", "both")}  # by a word of a reply
    chosen |= {"correction", "clarification", "retraction"}
    for name in {field.name for field in (*fields(Texts), *fields(IndexTexts))} - chosen:
        assert re.search(rf"(?<!\w)(texts|t|TEXTS|INDEX_TEXTS)\.{name}\b", pages + code + scripts), name
    for name in {*json.loads(script_texts()), *json.loads(index_script_texts())} - chosen:
        assert re.search(rf"\btexts\.{name}\b", scripts), name


def test_every_static_file_is_used():
    templates = "".join(path.read_text() for path in Path(HERE / "templates").iterdir())
    scripts = "".join(path.read_text() for path in Path(HERE / "static").glob("*.js"))
    for path in (HERE / "static").iterdir():
        assert f"/static/{path.name}" in templates or f'"./{path.name}"' in scripts, path.name
