"""Evidence on screen and conversations at hand: previews, the article beside the chat, copies, feedback, history."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import opened
from tests.browser.test_chat import ask, hold, tab_to, wait_for
from tests.conftest import CARS, COST, DELAY, HARBOUR, OPENS, PARROT

pytestmark = pytest.mark.browser


@pytest.fixture
def answered(page) -> Page:
    page.goto("/")
    ask(page, COST)
    expect(page.locator(".words mark")).to_have_text("212 million euros")
    return page


# ---- preview ---------------------------------------------------------------------------------------


def test_a_preview_on_hover_that_can_be_hovered_itself(answered):
    preview = answered.locator("#preview")
    answered.locator(".reference").hover()
    expect(preview).to_be_visible()
    expect(preview.locator("mark")).to_have_text("212 million euros")
    expect(preview).to_contain_text(HARBOUR.title)
    assert answered.locator(".reference").get_attribute("aria-describedby") == "preview"
    preview.hover()
    answered.wait_for_timeout(300)
    expect(preview).to_be_visible()
    answered.mouse.move(2, 2)
    expect(preview).to_be_hidden()


def test_a_preview_on_focus_that_escape_takes_away(answered):
    preview, reference = answered.locator("#preview"), answered.locator(".reference")
    tab_to(answered, reference, "Shift+Tab")
    expect(preview).to_be_visible()
    answered.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    expect(reference).to_be_focused()
    answered.keyboard.press("Tab")
    answered.keyboard.press("Shift+Tab")
    expect(preview).to_be_visible()
    answered.keyboard.press("Tab")
    expect(preview).to_be_hidden()


@pytest.mark.parametrize("size", [(320, 480), (1280, 720)])
def test_a_preview_is_on_the_page_and_off_the_box(chromium, address, size):
    with opened(chromium, address, viewport={"width": size[0], "height": size[1]}) as page:
        page.goto("/")
        ask(page, COST)
        page.locator(".reference").hover()
        expect(page.locator("#preview")).to_be_visible()
        shown, box = page.locator("#preview").bounding_box(), page.locator("#ask").bounding_box()
        assert shown["x"] >= 0 and shown["x"] + shown["width"] <= size[0] and shown["y"] >= 0
        assert shown["y"] + shown["height"] <= box["y"] + 1


# ---- the article beside the chat ---------------------------------------------------------------------


@pytest.mark.parametrize("width", [320, 1280])
def test_the_article_opens_beside_the_chat_at_the_marked_words(chromium, address, width):
    with opened(chromium, address, viewport={"width": width, "height": 420}) as page:
        page.goto("/")
        for count, question in enumerate((COST, CARS), 1):
            ask(page, question)
            expect(page.locator(".words mark")).to_have_count(count)
        page.get_by_role("link", name=HARBOUR.title).last.click()
        mark = page.locator(".reader mark:not(.other)")
        expect(mark).to_have_text("cars may not use it at all")
        expect(mark).to_be_in_viewport()
        expect(page.locator(".reader")).to_be_focused()
        log, reader = page.locator("#log").bounding_box(), page.locator(".reader").bounding_box()
        assert (reader["x"] >= log["x"] + log["width"]) == (width == 1280)
        expect(page.locator(".reader")).to_contain_text("Mark 2 of 2")
        page.get_by_role("button", name="Previous mark").click()
        expect(mark).to_have_text("212 million euros")
        expect(mark).to_be_in_viewport()
        page.get_by_role("button", name="Next mark").click()
        expect(mark).to_have_text("cars may not use it at all")
        original = page.locator(".reader").get_by_role("link", name="These words on the original page")
        assert original.get_attribute("href").startswith(f"{HARBOUR.url}#:~:text=")
        page.get_by_role("button", name="Close").click()
        expect(page.get_by_role("link", name=HARBOUR.title).last).to_be_focused()
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_reader_shows_the_text_to_the_letter(page):
    page.goto("/")
    for question, article in ((OPENS, DELAY), (COST, HARBOUR)):
        ask(page, question)
        page.locator(".exchange").last.get_by_role("link", name=article.title).first.click()
        expect(page.locator(".reader h2")).to_have_text(article.title)
        shown = page.locator(".reader .text p").evaluate_all("all => all.map(p => p.textContent)")
        assert shown == [line for line in article.text.split("\n") if line.strip()]


def test_an_article_that_changed_meanwhile_says_so(answered, archive):
    from dataclasses import replace

    archive.articles = (replace(HARBOUR, text=HARBOUR.text.replace("212", "999")),)
    answered.get_by_role("link", name=HARBOUR.title).click()
    expect(answered.locator(".reader .moved")).to_contain_text("it was changed since")
    expect(answered.locator(".reader mark")).to_have_count(0)


def test_an_article_that_is_gone_is_told_on_its_page(chromium, address, archive):
    with pytest.raises(AssertionError, match="404"), opened(chromium, address) as page:
        page.goto("/")
        ask(page, COST)
        expect(page.locator(".words mark")).to_have_text("212 million euros")
        archive.articles = ()
        page.get_by_role("link", name=HARBOUR.title).click()
        expect(page.get_by_role("heading", name="No such article")).to_be_visible()


# ---- copying -----------------------------------------------------------------------------------------


def copied(page: Page) -> tuple[str, str]:
    """What the next click on Copy puts on the clipboard, as text and as markup."""
    page.evaluate("""() => document.addEventListener("copy", event => {
      window.copied = ["text/plain", "text/html"].map(type => event.clipboardData.getData(type));
    }, {once: true})""")
    page.get_by_role("button", name="Copy with citations").last.click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    return tuple(page.evaluate("window.copied"))


def test_copies_carry_words_numbers_and_links(answered):
    text, markup = copied(answered)
    href = "https://example.org/city/harbour-bridge?page=1#:~:text="
    assert text.startswith(
        "“It cost 212 million euros, 40 million more than planned.” [1]\n\n[1] Harbour bridge to open"
    )
    assert "Example Courier · 9 September 2024" in text and href in text
    assert "<strong>212 million euros</strong>" in markup and f'<a href="{href}' in markup and "[1]" in markup
    expect(answered.get_by_role("status")).to_have_text("Copied.")
    expect(answered.get_by_role("button", name="Copied.")).to_be_visible()
    expect(answered.get_by_role("button", name="Copy with citations")).to_be_visible()


def test_copied_markup_holds_no_markup_of_an_articles(page):
    page.goto("/")
    ask(page, PARROT)
    expect(page.locator(".words mark")).to_be_visible()
    text, markup = copied(page)
    assert "</mark><b onclick=alert(2)>Rex</b>" in text
    assert "<b " not in markup and "<script" not in markup and "&lt;b onclick=alert(2)&gt;Rex" in markup


@pytest.mark.parametrize("question", [OPENS, COST, PARROT, CARS])
def test_numbers_in_text_list_and_copy_are_the_same(page, question):
    page.goto("/")
    ask(page, question)
    expect(page.locator(".words mark").first).to_be_visible()
    for answer in page.locator(".answer").all():
        numbers = answer.locator(".reference [data-slot=number]").all_inner_texts()
        cards = answer.locator("[data-slot=citations] > .citation")
        assert numbers == cards.locator(".number").all_inner_texts()
        sources = answer.locator(".reference").evaluate_all("all => all.map(a => a.dataset.source)")
        assert sources == cards.evaluate_all("all => all.map(li => li.id)")
    text, _ = copied(page)
    assert re.findall(r"^\[(\d+)\]", text, re.MULTILINE) == re.findall(r"\[(\d+)\]", text.split("\n")[0])


# ---- why, feedback -----------------------------------------------------------------------------------


def test_why_this_answer(answered):
    why = answered.get_by_role("link", name="Why this answer")
    why.click()
    reasons = answered.get_by_role("region", name="What was considered")
    expect(reasons).to_contain_text("found by meaning and by its words, score 0.75 (meaning 0.50, words 7.4)")
    expect(reasons.locator("mark:visible")).to_have_text(["1911"])
    expect(reasons).to_contain_text("Answers less likely than 30\u00a0% are not given.")
    assert why.get_attribute("aria-expanded") == "true"
    why.click()
    expect(reasons).to_have_count(0)


def test_why_is_told_once_however_often_it_is_asked_for(answered):
    why = answered.get_by_role("link", name="Why this answer")
    why.evaluate("link => { link.click(); link.click(); link.click(); }")
    reasons = answered.get_by_role("region", name="What was considered")
    expect(reasons).to_be_visible()
    answered.wait_for_load_state("networkidle")
    expect(reasons).to_have_count(1)


def test_feedback(answered):
    answered.get_by_text("Is this right?").click()
    answered.get_by_label("Say more").fill("40 million")
    answered.get_by_role("button", name="Wrong", exact=True).click()
    expect(answered.get_by_text("You said: wrong. Thank you.")).to_be_focused()
    exported = answered.request.get("/feedback").json()
    (qa,) = exported["data"][0]["paragraphs"][0]["qas"]
    assert [each["text"] for each in qa["answers"]] == ["40 million"]
    answered.reload()
    expect(answered.get_by_text("You said: wrong. Thank you.")).to_be_visible()


# ---- asking ------------------------------------------------------------------------------------------


def test_editing_a_question_goes_on_from_there(page, archive):
    page.goto("/")
    for question in (COST, CARS, PARROT):
        ask(page, question)
        expect(page.locator(".exchange").last.locator(".words mark").first).to_be_attached()
    page.get_by_role("link", name="Edit this question").nth(1).click()
    box = page.get_by_label("Your question")
    expect(box).to_have_value(CARS)
    expect(page.get_by_text("You are changing an earlier question.")).to_be_visible()
    page.get_by_role("link", name="Leave it as it is").click()
    expect(box).to_have_value("")
    page.get_by_role("link", name="Edit this question").nth(1).click()
    box.fill("Who won the cup?")
    page.keyboard.press("Enter")
    expect(page.locator(".refusal")).to_be_visible()
    expect(page.locator(".question")).to_have_text([f"You asked {COST}", "You asked Who won the cup?"])
    page.reload()
    expect(page.locator(".question")).to_have_count(2)
    assert [turn.question for turn in archive.assistant.asked[-1].history] == [COST]


def test_an_edit_that_fails_brings_everything_back(chromium, address):
    with pytest.raises(AssertionError, match="Failed to load"), opened(chromium, address) as page:
        page.goto("/")
        for question in (COST, CARS):
            ask(page, question)
            expect(page.locator(".exchange").last.locator(".words mark").first).to_be_attached()
        page.route("**/ask", lambda route: route.abort())
        page.get_by_role("link", name="Edit this question").first.click()
        page.keyboard.press("Enter")
        expect(page.locator(".problem")).to_be_visible()
        expect(page.locator(".words mark")).to_have_count(2)
        page.unroute("**/ask")
        page.keyboard.press("Enter")
        expect(page.locator(".question")).to_have_text([f"You asked {COST}"])


def test_an_edit_that_fails_is_tried_again_as_it_was(chromium, address, archive):
    with pytest.raises(AssertionError, match="Failed to load"), opened(chromium, address) as page:
        page.goto("/")
        ask(page, COST)
        expect(page.locator(".words mark")).to_be_visible()
        page.goto(f"{page.url}?edit=0&dates=0")  # the turn itself is not on this page
        page.route("**/ask", lambda route: route.abort())
        page.get_by_label("Your question").press("Enter")
        expect(page.locator(".problem")).to_be_visible()
        expect(page.get_by_text("You are changing an earlier question.")).to_be_visible()
        page.unroute("**/ask")
        page.get_by_label("Your question").press("Enter")
        expect(page.locator(".words mark")).to_be_visible()
        expect(page.locator(".exchange")).to_have_attribute("id", "t0")
    assert [request.dates for request in archive.assistant.asked] == [True, False]


def test_what_was_typed_while_an_edit_failed_is_kept(chromium, address):
    with pytest.raises(AssertionError, match="Failed to load"), opened(chromium, address) as page:
        page.goto("/")
        ask(page, COST)
        expect(page.locator(".words mark")).to_be_visible()
        held = hold(page)
        page.get_by_role("link", name="Edit this question").click()
        box = page.get_by_label("Your question")
        box.press("Enter")
        wait_for(page, held)
        box.fill("And it?")
        held[0].abort()
        expect(page.locator(".problem")).to_be_visible()
        expect(box).to_have_value(f"{COST}\nAnd it?")


def test_what_was_searched_for_can_be_edited(page, archive):
    page.goto("/")
    ask(page, COST)
    expect(page.locator(".words mark")).to_be_visible()
    ask(page, "And it?")
    page.get_by_role("link", name="Edit what was searched for").click()
    expect(page.get_by_label("Your question")).to_have_value(f"And it? [{COST}]")
    page.keyboard.press("Enter")
    expect(page.locator(".question").last).to_have_text(f"You asked And it? [{COST}]")
    expect(page.locator(".searched").last).to_be_hidden()
    assert archive.assistant.asked[-1].history == ()


def test_limits_as_chips(page, archive):
    page.goto("/")
    page.get_by_text("Dates and sources").click()
    page.get_by_label("From").fill("2024-01-31")
    page.get_by_label("Source", exact=True).fill("example herald")
    page.keyboard.press("Enter")
    expect(page.locator("#chips bdi")).to_have_text(["From 31 January 2024", "Example Herald"])
    page.get_by_role("link", name="Take away: From 31 January 2024").click()
    expect(page.locator("#chips bdi")).to_have_text(["Example Herald"])
    page.get_by_label("Source", exact=True).fill("Nobody")
    page.keyboard.press("Tab")
    assert (
        page.get_by_label("Source", exact=True).evaluate("e => e.validationMessage")
        == "No article is from this source."
    )
    page.get_by_label("Source", exact=True).fill("")
    ask(page, COST)
    expect(page.locator(".narrowed").first).to_have_text("Example Herald")
    assert archive.assistant.asked[0].filters.sources == ("Example Herald",)
    assert archive.assistant.asked[0].filters.after is None
    page.reload()
    expect(page.locator("#chips bdi")).to_have_text(["Example Herald"])


def test_slash_goes_to_the_box_unless_that_is_off(page):
    page.goto("/")
    box = page.get_by_label("Your question")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("and/or")
    expect(box).to_have_value("and/or")
    page.get_by_label("/ jumps here").uncheck()
    page.reload()
    page.keyboard.press("/")
    expect(box).not_to_be_focused()
    expect(page.get_by_label("/ jumps here")).not_to_be_checked()


def test_a_question_in_another_language_is_told_so(page):
    page.goto("/")
    ask(page, "Wann wurde die Brücke gebaut?")
    note = "This looks like German. The archive is read in English: a question in English finds more."
    expect(page.locator(".language").first).to_have_text(note)
    ask(page, COST)
    expect(page.locator(".words mark")).to_be_visible()
    expect(page.locator(".language").nth(1)).to_be_hidden()


def test_few_announcements(page):
    page.goto("/")
    page.evaluate("""() => {
      window.said = [];
      new MutationObserver(() => said.push(document.getElementById("status").textContent))
        .observe(document.getElementById("status"), {childList: true, characterData: true, subtree: true});
    }""")
    ask(page, OPENS)
    expect(page.locator(".words mark").first).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Answer ready, 2 sources.")
    assert page.evaluate("said") == ["Searching", "Answer ready, 2 sources."]
    assert page.locator("[aria-live], [role=status], [role=alert], [role=log]").count() == 1


# ---- history -----------------------------------------------------------------------------------------


def test_history(page):
    page.goto("/")
    ask(page, COST)
    expect(page.locator(".words mark")).to_be_visible()
    first = page.url
    page.get_by_role("link", name="New conversation").click()
    ask(page, CARS)
    expect(page.locator(".words mark")).to_be_visible()
    page.get_by_role("link", name="History").click()
    dialog = page.get_by_role("dialog", name="History")
    names = dialog.locator(".past .title")
    expect(names).to_have_text([CARS, COST])
    expect(dialog.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("212 million")
    expect(names).to_have_text([COST])
    dialog.locator(".past summary").click()
    dialog.get_by_label("New name").fill("The bridge")
    page.keyboard.press("Enter")
    dialog.get_by_role("searchbox").fill("")
    expect(names).to_have_text([CARS, "The bridge"])
    with page.expect_download() as download:
        dialog.locator(".past summary").last.click()
        dialog.get_by_role("link", name="Markdown").last.click()
    assert "**212 million euros**" in download.value.path().read_text()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="History").click()
    names.last.click()
    page.wait_for_url(first)
    expect(page.locator(".words mark")).to_have_text("212 million euros")
    page.get_by_role("link", name="History").click()
    dialog.locator(".past summary").last.click()
    dialog.get_by_role("button", name="Delete this conversation").last.click()
    page.wait_for_url("**/")
    expect(page.get_by_role("heading", name="Ask the archive")).to_be_visible()


def test_all_without_scripts(chromium, address, archive):
    with opened(chromium, address, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_text("Dates and sources").click()
        page.get_by_label("Source", exact=True).fill("Example Courier")
        ask(page, COST)
        expect(page.locator("#chips bdi")).to_have_text(["Example Courier"])
        page.get_by_role("link", name="Take away: Example Courier").click()
        expect(page.locator("#chips .chip")).to_have_count(0)
        ask(page, CARS)
        assert [request.filters.sources for request in archive.assistant.asked] == [("Example Courier",), ()]
        page.get_by_role("link", name="Why this answer").last.click()
        expect(page.locator(".found")).to_have_count(2)
        page.get_by_role("link", name="Back to the questions").click()
        page.locator(".judging summary").last.click()
        page.get_by_role("button", name="Wrong source").last.click()
        expect(page.get_by_text("You said: wrong source. Thank you.")).to_be_visible()
        page.get_by_role("link", name="Source 1").last.click()
        expect(page.locator("mark#w")).to_have_text("cars may not use it at all")
        page.get_by_role("link", name="Previous mark").click()
        expect(page.locator("mark#w")).to_have_text("212 million euros")
        page.get_by_role("link", name="Back to the questions").click()
        page.get_by_role("link", name="Edit this question").first.click()
        expect(page.get_by_label("Your question")).to_have_value(COST)
        ask(page, "Who won the cup?")
        expect(page.locator(".question")).to_have_text(["You asked Who won the cup?"])
        page.get_by_role("link", name="History").click()
        page.get_by_label("Search what was asked").fill("cup")
        page.get_by_role("button", name="Search").click()
        page.locator(".past summary").click()
        page.get_by_label("New name").fill("The cup")
        page.get_by_role("button", name="Rename").click()
        page.get_by_role("link", name="The cup").click()
        expect(page.locator(".refusal")).to_be_visible()
        page.get_by_role("link", name="History").click()
        page.locator(".past summary").click()
        page.get_by_role("button", name="Delete this conversation").click()
        expect(page.get_by_text("Nothing was asked in this browser yet.")).to_be_visible()
