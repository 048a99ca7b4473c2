"""Values by date, corrections and the archive's reach, as a person sees them."""

from dataclasses import replace
from datetime import date

from playwright.sync_api import Browser, Page, expect

from index.articles import Article
from qa.assistant import Reply, Request, Superseded
from qa.corrections import find_correction
from qa.freshness import Freshness
from tests.browser.conftest import opened, serving
from tests.conftest import FakeArchive, FakeAssistant, answer, cite

TOLL = "How many did the storm kill so far?"
ARTICLES = tuple(
    Article(
        id=f"toll-{day}",
        title=f"Toll at {number}",
        text=f"The storm killed {number} people.\n\nCorrection: An earlier version of this story had a wrong street.",
        source="Courier",
        published=date(2024, 9, day),
    )
    for day, number in ((9, "105"), (7, "101"), (2, "76"))
)


class Storm(FakeAssistant):
    def ask(self, request: Request) -> Reply:
        freshness = Freshness(date(2024, 9, 9), 800, behind="so far" in request.question)
        return replace(super().ask(request), freshness=freshness)


def storm() -> FakeArchive:
    newest, *older = (
        replace(cite(each, each.title.split()[-1], number), correction=find_correction(each.text))
        for number, each in enumerate(ARTICLES, 1)
    )
    history = tuple(Superseded(each.quote, (each,)) for each in older)
    return FakeArchive(ARTICLES, Storm({TOLL: (answer(newest, 0.9, earlier=history),)}))


def look(page: Page) -> None:
    picture = page.locator("img.timeline")
    expect(picture).to_be_visible()
    expect(picture).to_have_attribute(
        "alt", "Values by date: 105 (9 September 2024), 101 (7 September 2024), 76 (2 September 2024)"
    )
    assert picture.evaluate("image => image.complete && image.naturalWidth") == 360
    expect(page.locator(".warning")).to_contain_text("The newest article here is of 9 September 2024, 2 years ago.")
    expect(page.locator(".correction").first).to_contain_text(
        "This article was corrected: Correction: An earlier version"
    )
    expect(page.locator(".earlier")).to_contain_text("101")


def test_with_the_script(chromium: Browser):
    with serving(storm()) as address, opened(chromium, address) as page:
        page.goto("/")
        page.get_by_role("textbox", name="Your question").fill(TOLL)
        page.keyboard.press("Enter")
        page.locator("img.timeline").wait_for()
        look(page)


def test_without_the_script(chromium: Browser):
    with serving(storm()) as address, opened(chromium, address, java_script_enabled=False) as page:
        page.goto("/")
        page.get_by_role("textbox", name="Your question").fill(TOLL)
        page.get_by_role("button", name="Ask").click()
        expect(page.locator("img.timeline")).to_be_visible()
        expect(page.locator(".warning")).to_contain_text("The newest article here is of 9 September 2024")
        expect(page.locator(".correction").first).to_contain_text("This article was corrected:")
