"""The pages in a real browser, with scripts and without, by pointer and by keyboard."""

import re
import socket

import pytest
from playwright.sync_api import Locator, Page, expect

from index.articles import Article
from qa.assistant import Answer
from tests.browser.conftest import opened, serving
from tests.conftest import COST, DELAY, HARBOUR, HOSTILE, OPENS, PARROT, FakeArchive, FakeAssistant, cite

pytestmark = pytest.mark.browser

VISITED = ("/", "/articles/harbour?start=36&end=41")


def ask(page: Page, question: str) -> None:
    page.get_by_label("Your question").fill(question)
    page.get_by_role("button", name="Ask", exact=True).click()


def marks(page: Page) -> list[str]:
    return page.locator("main mark").all_text_contents()


def test_asking_with_scripts(page):
    page.goto("/")
    page.evaluate("window.stayed = true")
    ask(page, OPENS)
    expect(page.locator(".words mark").first).to_have_text("1 June")
    expect(page.locator(".words").first).to_have_text(DELAY.text)
    expect(page.locator(".confidence").first).to_have_text("Very likely right, 94\u00a0%That is 1 June 2025")
    expect(page.locator(".citation").first).to_contain_text("Bridge opening put off")
    expect(page.locator(".citation").first).to_contain_text("Example Herald · 3 February 2025")
    expect(page.get_by_text("The articles do not agree on this.")).to_have_count(2)
    expect(page.get_by_text("The articles do not agree on this.").nth(1)).to_be_visible()
    expect(page.get_by_text("The articles do not agree on this.").nth(0)).to_be_hidden()
    expect(page.locator(".earlier").first).to_contain_text("4 May 9 September 2024")
    expect(page.get_by_role("status")).to_have_text("Answer ready, 2 sources.")
    expect(page.get_by_label("Your question")).to_have_value("")
    assert page.evaluate("window.stayed") is True


def test_scripts_and_server_show_the_same(page, chromium, address):
    """The script fills copies of what the server renders: neither may say more than the other."""
    for question in (OPENS, COST, PARROT, "Who won the cup?"):
        page.goto("/")
        ask(page, question)
        expect(page.locator(".reply .confidence").first).to_be_attached()
        with opened(chromium, address, java_script_enabled=False) as plain:
            plain.goto("/")
            ask(plain, question)
            assert shown(page) == shown(plain)


def shown(page: Page) -> list[str]:
    expect(page.locator(".exchange")).to_have_count(1)
    links = page.locator(".exchange a").evaluate_all("links => links.map(a => a.getAttribute('href'))")
    links = [re.sub(r"&v=\w+|(?<=/c/)\w+|(?<=conversation=)\w+", "", link) for link in links]
    numbers = page.locator(".exchange li").evaluate_all("items => items.map(li => li.value)")
    text = page.locator(".exchange").inner_text().replace("Copy with citations", "")  # a script's work
    return [re.sub(r"\s+", " ", text), *links, *map(str, numbers)]


def test_a_follow_up_with_scripts(page, archive):
    page.goto("/")
    ask(page, COST)
    expect(page.locator(".words mark")).to_have_count(1)
    ask(page, "May cars use it?")
    expect(page.locator(".words mark")).to_have_count(2)
    expect(page.locator(".searched").nth(1)).to_have_text(f"Searched for: May cars use it? [{COST}] Edit")
    expect(page.locator(".searched").nth(0)).to_be_hidden()
    assert archive.assistant.asked[1].history[0].answer == "212 million euros"


def test_asking_without_scripts(chromium, address, archive):
    with opened(chromium, address, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("button", name=COST).click()
        expect(page.locator(".words mark")).to_have_text("212 million euros")
        ask(page, "May cars use it?")
        expect(page.locator(".words mark")).to_have_text(["212 million euros", "cars may not use it at all"])
        assert archive.assistant.asked[1].history[0].question == COST
        ask(page, "Who won the cup?")
        expect(page.locator(".refusal")).to_be_visible()
        page.reload()
        expect(page.locator(".refusal")).to_be_visible()
        assert len(archive.assistant.asked) == 3
        page.get_by_role("link", name=HARBOUR.title).last.click()
        page.get_by_role("link", name="Back to the questions").click()
        expect(page.locator(".refusal")).to_be_visible()
        expect(page.locator(".exchange")).to_have_count(3)
        page.get_by_role("link", name="New conversation").click()
        expect(page.get_by_role("heading", name="Ask the archive")).to_be_visible()


def test_no_answer_is_said_plainly(page):
    page.goto("/")
    ask(page, "Who won the cup?")
    expect(page.locator(".refusal")).to_have_text("The archive does not say.")
    expect(page.get_by_text("These passages come closest.")).to_be_visible()
    assert marks(page) == ["1911", "Rex"]
    expect(page.get_by_role("status")).to_have_text("The archive does not say.")


@pytest.mark.parametrize("scripts", [True, False])
def test_a_citation_leads_to_the_marked_words(chromium, address, scripts):
    with opened(chromium, address, java_script_enabled=scripts, viewport={"width": 600, "height": 300}) as page:
        page.goto("/")
        ask(page, OPENS)
        page.get_by_role("link", name="Harbour bridge to open in spring").first.click()
        mark = page.locator(".reader mark" if scripts else "mark")
        expect(mark).to_have_text("4 May")
        expect(mark).to_be_in_viewport()
        expect(page.get_by_role("heading", name=HARBOUR.title)).to_be_attached()


def test_the_way_back_finds_the_conversation(page):
    page.goto("/")
    ask(page, COST)
    page.get_by_role("link", name=HARBOUR.title).click()
    page.get_by_role("link", name="As a page of its own").click()
    page.get_by_role("link", name="Back to the questions").click()
    expect(page.locator(".words mark")).to_have_text("212 million euros")
    ask(page, "And it?")
    expect(page.locator(".searched").nth(1)).to_contain_text(COST)
    page.get_by_role("link", name="New conversation").click()
    expect(page.get_by_role("heading", name="Ask the archive")).to_be_visible()
    expect(page.locator(".exchange")).to_have_count(0)


def test_a_conversation_survives_a_restart_of_the_server(chromium, tmp_path):
    first, second = FakeArchive(), FakeArchive()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with opened(chromium, f"http://127.0.0.1:{port}") as page:
        with serving(first, port, tmp_path):
            page.goto("/")
            ask(page, "Who won the cup?")
            expect(page.locator(".refusal")).to_be_visible()
            ask(page, COST)
            expect(page.locator(".words mark")).to_have_count(1)
        with serving(second, port, tmp_path):
            page.reload()
            expect(page.locator(".words mark")).to_have_text("212 million euros")
            ask(page, "May cars use it?")
            expect(page.locator(".words mark")).to_have_count(2)
    turns = [(turn.question, turn.answer, turn.article_id) for turn in second.assistant.asked[0].history]
    assert turns == [("Who won the cup?", "", None), (COST, "212 million euros", "harbour")]


@pytest.mark.parametrize("scripts", [True, False])
def test_the_right_one_of_two_same_words_is_marked(chromium, scripts):
    article = Article("a", "A", "🌉 Aid came late. U.S. troops left the U.S.")
    answer = Answer("U.S.", "U.S. troops left the U.S.", 0.9, (cite(article, "U.S.", nth=1),))
    archive = FakeArchive((article,), FakeAssistant({"Where?": (answer,)}))
    with serving(archive) as address, opened(chromium, address, java_script_enabled=scripts) as page:
        page.goto("/")
        ask(page, "Where?")
        expect(page.locator(".words mark")).to_have_text("U.S.")
        assert page.locator(".words mark").evaluate("e => e.previousSibling.textContent") == "U.S. troops left the "


def hold(page: Page) -> list:
    """Requests to /ask from now on, none of which gets on by itself."""
    held: list = []
    page.route("**/ask", lambda route: held.append(route))
    return held


def wait_for(page: Page, held: list) -> None:
    while not held:
        page.wait_for_timeout(20)


def test_leaving_while_a_question_waits_puts_it_back(page):
    page.goto("/")
    ask(page, OPENS)
    expect(page.locator(".words mark").first).to_be_visible()
    held = hold(page)
    ask(page, COST)
    wait_for(page, held)
    page.get_by_role("link", name="Bridge to open", exact=True).first.click()
    page.get_by_role("link", name="Back to the questions").click()
    expect(page.get_by_label("Your question")).to_have_value(COST)
    expect(page.locator(".problem")).to_have_count(0)
    expect(page.locator(".exchange")).to_have_count(1)
    page.reload()
    expect(page.get_by_label("Your question")).to_have_value("")


def test_a_hidden_page_shows_the_question_again(page):
    """As when the browser keeps the page itself and comes back to it."""
    page.goto("/")
    held = hold(page)
    ask(page, COST)
    wait_for(page, held)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    expect(page.get_by_label("Your question")).to_have_value(COST)
    expect(page.get_by_role("heading", name="Ask the archive")).to_be_visible()
    expect(page.locator(".exchange")).to_have_count(0)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    expect(page.get_by_label("Your question")).to_have_value(COST)
    page.unroute("**/ask")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".words mark")).to_have_text("212 million euros")


def test_a_new_conversation_keeps_no_late_reply(page):
    page.goto("/")
    held = hold(page)
    ask(page, COST)
    wait_for(page, held)
    page.evaluate("document.getElementById('new').addEventListener('click', event => event.preventDefault())")
    page.get_by_role("link", name="New conversation").click(modifiers=["Control"])  # in another tab: this one waits on
    expect(page.get_by_text("Looking through the articles").first).to_be_visible()
    page.get_by_role("link", name="New conversation").click()
    expect(page.get_by_text("Looking through the articles").first).to_be_hidden()
    held[0].fulfill(json=page.request.post("/ask", data={"question": COST}).json())
    page.wait_for_timeout(200)
    assert page.evaluate("sessionStorage.length") == 0 and page.url.endswith("/")
    page.goto("/")
    expect(page.get_by_label("Your question")).to_have_value("")
    expect(page.locator(".exchange")).to_have_count(0)


def test_passages_open_with_the_words_marked(page):
    page.goto("/")
    ask(page, OPENS)
    page.locator("summary").first.click()
    passage = page.locator(".passage").first
    expect(passage).to_have_text(DELAY.text)
    expect(passage.locator("mark")).to_have_text("1 June")


@pytest.mark.parametrize("scripts", [True, False])
def test_hostile_articles_are_only_text(chromium, address, scripts):
    with opened(chromium, address, java_script_enabled=scripts) as page:  # fails on any dialog, error or request
        page.goto("/")
        ask(page, PARROT)
        expect(page.locator(".words mark")).to_have_text("</mark><b onclick=alert(2)>Rex</b>")
        page.locator(".words mark").click()
        ask(page, HOSTILE.title + HOSTILE.text)
        expect(page.locator(".question").last).to_contain_text("<script>alert(1)</script>")
        page.get_by_role("link", name="<script>alert(1)</script>").first.click()
        if scripts:
            page.get_by_role("link", name="As a page of its own").click()
        expect(page.locator("h1")).to_have_text("<script>alert(1)</script>")
        expect(page.locator(".meta").first).to_contain_text("<svg onload=alert(3)>")
        assert page.locator("main b, main img, main svg, main script, main style").count() == 0
        assert page.locator("a[href^='javascript']").count() == 0


def test_the_policy_stops_what_gets_in_all_the_same(chromium, address):
    with pytest.raises(AssertionError, match="Trusted"), opened(chromium, address) as page:
        page.goto("/")
        assert page.evaluate("try { document.body.innerHTML = '<b>'; 'set' } catch { 'stopped' }") == "stopped"
        later = (
            "new Promise(tell => setTimeout(() => { try { Function('')(); tell('run') } catch { tell('stopped') } }))"
        )
        assert page.evaluate(later) == "stopped"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", VISITED)
def test_no_sideways_scrolling_at_320(chromium, address, scheme, path):
    with opened(chromium, address, viewport={"width": 320, "height": 480}, color_scheme=scheme) as page:
        page.goto(path)
        if path == "/":
            for question in (OPENS, PARROT, "x" * 300):
                ask(page, question)
                expect(page.locator(".looking:visible")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth") == 320


CONTRAST = """element => {
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const linear = c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r / 255) + .7152 * linear(g / 255) + .0722 * linear(b / 255);
  let ground = element;
  while (parse(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
  const pair = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(parse).map(light);
  return (Math.max(...pair) + .05) / (Math.min(...pair) + .05);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_stand_out_from_the_page(chromium, address, scheme):
    line = CONTRAST.replace("getComputedStyle(element).color", "getComputedStyle(element).boxShadow.split(')')[0]")
    line = line.replace("let ground = element", "let ground = element.parentElement")
    with opened(chromium, address, color_scheme=scheme) as page:
        page.goto(VISITED[1])
        shadow = page.locator("mark").evaluate("e => getComputedStyle(e).boxShadow")
        assert re.fullmatch(r"rgb\([\d, ]+\) 0px -2px 0px 0px inset", shadow)
        assert page.locator("mark").evaluate(line) >= 3


def test_the_box_can_be_enlarged_where_it_does_not_grow_by_itself(page):
    page.goto("/")
    rules = """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
      .filter(rule => rule instanceof CSSSupportsRule).map(rule => [rule.conditionText, rule.cssRules[0].cssText])"""
    ((condition, rule),) = page.evaluate(rules)
    assert condition == "not (field-sizing: content)" and "resize: vertical; min-height: 4.5rem" in rule


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_and_targets(chromium, address, scheme):
    with opened(chromium, address, color_scheme=scheme) as page:
        page.goto("/")
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", ground)[:3])) > 384) == (scheme == "light")
        expect(page.locator(".suggestions button").first).to_be_visible()
        assert_easy(page)
        ask(page, OPENS)
        expect(page.locator(".words mark").first).to_be_visible()
        ask(page, "Who won the cup?")
        expect(page.get_by_text("These passages come closest.")).to_be_visible()
        assert_easy(page)
        page.goto(VISITED[1])
        assert_easy(page)


def assert_easy(page: Page) -> None:
    """Every text reaches 4.5 : 1, every target 24 pixels."""
    for element in page.locator("a, p, h1, h2, h3, mark, summary, button, textarea, blockquote, .meta, .old").all():
        if element.is_visible():
            assert element.evaluate(CONTRAST) >= 4.5, element.evaluate("e => e.outerHTML")
    for element in page.locator("a, button, summary, textarea").all():
        if element.is_visible() and "skip" not in (element.get_attribute("class") or ""):
            assert element.bounding_box()["height"] >= 24, element.evaluate("e => e.outerHTML")


def test_the_words_are_the_largest_thing(page):
    page.goto("/")
    ask(page, COST)
    expect(page.locator(".words mark")).to_be_visible()
    size = "element => parseFloat(getComputedStyle(element).fontSize)"
    largest = page.locator(".words mark").evaluate(size)
    assert all(element.evaluate(size) < largest for element in page.locator("body *:not(.words mark)").all())


def tab_to(page: Page, element: Locator, key: str = "Tab") -> None:
    """By as many strokes as it takes; on the way no focus may be out of sight or under the box."""
    seen = """() => {
      const e = document.activeElement, r = e.getBoundingClientRect(), box = document.getElementById("ask");
      return e.closest("#ask") !== null || box === null || getComputedStyle(box).position !== "sticky"
        || r.bottom <= box.getBoundingClientRect().top + 1 || r.height === 0;
    }"""
    for _ in range(60):
        page.keyboard.press(key)
        assert page.evaluate(seen), page.evaluate("document.activeElement.outerHTML")
        if element.evaluate("e => e === document.activeElement"):
            return
    raise AssertionError("the focus never gets there")


def test_by_keyboard_alone(page):
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the question")).to_be_focused()
    page.keyboard.press("Enter")
    box = page.get_by_label("Your question")
    expect(box).to_be_focused()
    page.keyboard.type("What did the")
    page.keyboard.press("Shift+Enter")
    expect(box).to_have_value("What did the\n")
    page.keyboard.press("Backspace")
    page.keyboard.type(" bridge cost?")
    page.keyboard.press("Enter")
    expect(page.locator(".words mark")).to_have_text("212 million euros")
    expect(box).to_be_focused()
    passage = page.locator("summary", has_text="Show the passage")
    tab_to(page, passage, "Shift+Tab")
    assert passage.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page.locator(".passage").first).to_be_visible()
    tab_to(page, page.get_by_role("link", name=HARBOUR.title), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".reader mark")).to_have_text("212 million euros")
    expect(page.locator(".reader")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".reader")).to_have_count(0)
    expect(page.get_by_role("link", name=HARBOUR.title)).to_be_focused()


@pytest.mark.parametrize("event", ["{isComposing: true}", "{keyCode: 229}"])
def test_enter_while_composing_never_sends(page, archive, event):
    page.goto("/")
    box = page.get_by_label("Your question")
    box.fill(COST)
    init = "{key: 'Enter', bubbles: true, cancelable: true, ...init}"
    press = f"e => e.dispatchEvent(new KeyboardEvent('keydown', {init}))"
    went_on = box.evaluate(press.replace("...init", f"...{event}"))
    assert went_on is True and archive.assistant.asked == []
    expect(box).to_have_value(COST)
    assert box.evaluate(press.replace(", ...init", "")) is False  # an ordinary Enter sends
    expect(page.locator(".words mark")).to_have_text("212 million euros")


def test_reading_further_up_is_not_disturbed(chromium, address):
    with opened(chromium, address, viewport={"width": 600, "height": 400}) as page:
        page.goto("/")
        for count, question in enumerate((OPENS, COST, PARROT), 1):
            ask(page, question)
            expect(page.locator(".words mark").nth(count)).to_be_attached()
        held = hold(page)
        ask(page, "Who won the cup?")
        expect(page.get_by_text("Looking through the articles").last).to_be_visible()
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        wait_for(page, held)
        held[0].continue_()
        expect(page.locator(".refusal")).to_be_attached()
        page.wait_for_timeout(300)
        assert page.evaluate("scrollY") == 0


def test_typing_does_not_move_the_page(chromium, address):
    with opened(chromium, address, viewport={"width": 320, "height": 640}, reduced_motion="reduce") as page:
        page.goto("/")
        ask(page, OPENS)
        expect(page.locator(".words mark").first).to_be_visible()
        page.evaluate("scrollTo({top: 50, behavior: 'instant'})")
        page.keyboard.type("And then?")
        page.wait_for_timeout(300)
        assert page.evaluate("scrollY") == 50


def test_an_error_is_told_and_the_question_kept(chromium, address):
    with pytest.raises(AssertionError, match="Failed to load"), opened(chromium, address) as page:
        page.goto("/")
        page.route("**/ask", lambda route: route.abort())
        ask(page, COST)
        expect(page.locator(".problem")).to_contain_text("The server cannot be reached.")
        expect(page.get_by_label("Your question")).to_have_value(COST)
        page.unroute("**/ask")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".words mark")).to_have_text("212 million euros")


def test_a_failed_question_goes_before_what_was_typed_meanwhile(chromium, address):
    with pytest.raises(AssertionError, match="Failed to load"), opened(chromium, address) as page:
        page.goto("/")
        held = hold(page)
        ask(page, COST)
        wait_for(page, held)
        page.get_by_label("Your question").fill("And then?")
        held[0].fulfill(status=503, json={"detail": "too many questions are waiting; ask again in a moment"})
        told = "That did not work. Too many questions are waiting; ask again in a moment."
        expect(page.locator(".problem")).to_have_text(told)
        expect(page.get_by_role("status")).to_have_text(told)
        expect(page.get_by_label("Your question")).to_have_value(f"{COST}\nAnd then?")
        assert page.get_by_role("alert").count() == 0


def test_for_print_and_for_calm(chromium, address):
    with opened(chromium, address, reduced_motion="reduce") as page:
        page.goto("/")
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        ask(page, COST)
        expect(page.locator(".words mark")).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator(".words mark")).to_be_visible()
        expect(page.get_by_label("Your question")).to_be_hidden()
        expect(page.locator(".card > details").first).to_be_hidden()  # closed: there is nothing to open on paper
