"""Articles as hostile as they come: 500 payloads, one in every field of an article, on every page that shows them."""

import pytest
from playwright.sync_api import expect

from index.articles import Article
from qa.assistant import Answer
from server.links import marked_path
from tests.browser.conftest import opened, serving
from tests.browser.test_chat import ask
from tests.conftest import FakeArchive, FakeAssistant, cite

pytestmark = pytest.mark.browser

RUN = "window.ran=1"
HANDLERS = "error load click focus mouseover toggle begin animationstart pointerenter beforeinput".split()
TAGS = "img svg video audio body details input iframe object marquee".split()
SCHEMES = (
    "javascript:", "JaVaScRiPt:", "java\nscript:", "\x01javascript:", "data:text/html,", "vbscript:", "//evil.example/",
)  # fmt: skip
FRAMES = (
    "{}", "\">{}", "'>{}", "</p>{}", "</mark>{}", "</title>{}", "</script>{}", "</style>{}", "</textarea>{}",
    "</template>{}", "--><!-- -->{}", "]]>{}", "&lt;{}", "\\x3c{}", "{{{{{}}}}}", "{{% raw %}}{}", "${{{}}}", "`{}`",
    "\u2028{}", "\ufeff{}",
)  # fmt: skip


def payloads() -> list[str]:
    handlers = [f"<{tag} src=x tabindex=0 on{handler}={RUN}>" for tag in TAGS for handler in HANDLERS]
    framed = [frame.format(f"<script>{RUN}</script>") for frame in FRAMES]
    styled = [frame.format("<style>*{display:none}</style>") for frame in FRAMES]
    linked = [frame.format(f"<a href='{scheme}{RUN}'>x</a>") for frame in FRAMES[:10] for scheme in SCHEMES]
    urls = [f"{scheme}{RUN}" for scheme in SCHEMES]
    attributes = [f"{quote} on{handler}={RUN} x={quote}" for quote in ("'", '"', "`") for handler in HANDLERS]
    meta = [f"<meta http-equiv=refresh content='0;url={scheme}{RUN}'>" for scheme in SCHEMES]
    forms = [f"<form action='{s}'><button formaction='{s}' autofocus onfocus={RUN}>" for s in SCHEMES]
    bases = [f"<base href='{s}'><link rel=stylesheet href='{s}'><script src='{s}'></script>" for s in SCHEMES]
    nested = [frame.format(f"<svg><animate onbegin={RUN} attributeName=x dur=1s>") for frame in FRAMES]
    slots = [
        frame.format("<template shadowrootmode=open><slot></slot></template><b id=ask data-slot=why>")
        for frame in FRAMES
    ]
    more = [frame.format(f"<{tag} on{h}={RUN}>") for frame in FRAMES[1:11] for tag in TAGS[:7] for h in HANDLERS[:3]]
    every = [*handlers, *framed, *styled, *linked, *urls, *attributes, *meta, *forms, *bases, *nested, *slots, *more]
    return list(dict.fromkeys(each.replace("\x01", "") for each in every))[:500]  # no text holds control characters


def hostile(number: int, payload: str) -> Article:
    """``payload`` in every field; what follows it makes ids and texts differ."""
    return Article(
        id=f"{payload}{number}",
        title=payload,
        text=f"Before {payload} the words {payload}{number} after it. {payload}",
        url=payload if number % 2 else f"https://example.org/{payload}",
        source=payload,
        authors=(payload, payload),
    )


ARTICLES = tuple(hostile(number, payload) for number, payload in enumerate(payloads()))
AT_ONCE = 10  # answers a question


def archive() -> FakeArchive:
    answers = {}
    for first in range(0, len(ARTICLES), AT_ONCE):
        some = ARTICLES[first : first + AT_ONCE]
        cited = [
            cite(article, f"{article.title}{first + n}", n + 1, copies=(some[0],)) for n, article in enumerate(some)
        ]
        answers[f"Question {first}?"] = tuple(Answer(each.quote, each.article.text, 0.5, (each,)) for each in cited)
    return FakeArchive(ARTICLES, FakeAssistant(answers))


def test_there_are_500():
    assert len(ARTICLES) == len({article.title for article in ARTICLES}) == 500


STRANGE = """() => [...document.querySelectorAll("*")].filter(e =>
  [...e.attributes].some(a => a.name.startsWith("on") || /^\\s*(javascript|data|vbscript):/i.test(a.value))
  || (e.tagName === "IMG" && !e.matches(".timeline[hidden]:not([src])"))
  || ["SVG", "IFRAME", "OBJECT", "STYLE", "BASE", "VIDEO", "AUDIO", "MARQUEE"].includes(e.tagName.toUpperCase())
).map(e => e.outerHTML)"""


@pytest.mark.parametrize("scripts", [True, False])
def test_nothing_runs(chromium, scripts):
    """``opened`` fails on any error, which a violation of the policy is, on any dialog and on any request elsewhere."""
    with serving(archive()) as address, opened(chromium, address, java_script_enabled=scripts) as page:
        page.goto("/")
        for first in range(0, len(ARTICLES), AT_ONCE):
            page.request.post(
                "/ask", data={"question": f"Question {first}?", "limit": AT_ONCE, "conversation_id": f"c{first // 100}"}
            )
            if not scripts or first % 100:
                continue
            ask(page, f"Question {first}?")
            expect(page.locator(".exchange").last.locator(".words mark").first).to_be_attached()
        if scripts:
            page.locator(".reference").first.hover()
            expect(page.locator("#preview")).to_be_visible()
            page.get_by_role("link", name="Why this answer").first.wait_for()
            assert page.evaluate(STRANGE) == []
        for some in range(0, len(ARTICLES), 100):
            page.goto(f"/c/c{some // 100}")
            expect(page.locator(".exchange")).to_have_count(100 // AT_ONCE)
            texts = [article.text.partition(" the words ")[2] for article in ARTICLES[some : some + 100]]
            shown = page.locator(".words mark").evaluate_all("all => all.map(mark => mark.textContent)")
            assert shown == [text.partition(" after it.")[0] for text in texts]
            assert page.evaluate(STRANGE) == []
            if not scripts:
                continue
            assert page.evaluate("window.ran") is None
            for number in range(0, 100, 25):
                page.locator(".answer .citation .title").nth(number).evaluate("e => e.click()")
                title = ARTICLES[some + number].title
                page.locator(".reader", has=page.get_by_role("heading", name=title, exact=True)).wait_for()
                marks = page.locator(".reader mark:not(.other)").all_text_contents()
                assert "".join(marks) == shown[number].replace("\n", "")
                assert page.evaluate(STRANGE) == [] and page.evaluate("window.ran") is None


def test_no_article_page_runs_anything(chromium):
    with serving(archive()) as address, opened(chromium, address) as page:
        for article in ARTICLES[::10]:
            quote = cite(article, article.text.partition(" the words ")[2].partition(" after it.")[0])
            page.goto(marked_path(article.id, quote.start, quote.end))
            assert "".join(page.locator("mark").all_text_contents()) == quote.quote.replace("\n", "")
            assert page.evaluate(STRANGE) == [] and page.evaluate("window.ran") is None
