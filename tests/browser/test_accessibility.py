"""axe-core over every state of the chat, in both themes and at both widths."""

from collections.abc import Callable

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import serving
from tests.browser.test_chat import ask, hold, wait_for
from tests.conftest import CARS, COST, HARBOUR, OPENS, FakeArchive

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
RUN = """async tags => {
  const options = {runOnly: {type: "tag", values: tags}, resultTypes: ["violations", "incomplete"]};
  const found = await axe.run(document, options);
  const told = all => all.flatMap(rule => rule.nodes.map(n => [rule.id, n.target.join(" "), n.failureSummary]));
  return [told(found.violations), told(found.incomplete)];
}"""


def empty(page: Page) -> None:
    expect(page.get_by_role("heading", name="Ask the archive")).to_be_visible()
    page.get_by_text("Dates and sources").click()
    page.get_by_label("From").fill("2024-01-31")
    expect(page.locator(".chip")).to_be_visible()


def answering(page: Page) -> None:
    held = hold(page)
    ask(page, COST)
    wait_for(page, held)
    expect(page.get_by_text("Looking through the articles").first).to_be_visible()


def answered(page: Page) -> None:
    ask(page, OPENS)
    expect(page.locator(".words mark").first).to_be_visible()
    page.locator(".reference").first.focus()
    expect(page.locator("#preview")).to_be_visible()
    page.locator(".card summary").first.click()
    page.get_by_text("Is this right?").first.click()
    page.get_by_role("link", name="Why this answer").click()
    expect(page.locator(".found").first).to_be_visible()


def no_answer(page: Page) -> None:
    ask(page, "Wer hat den Pokal gewonnen?")
    expect(page.locator(".refusal")).to_be_visible()


def error(page: Page) -> None:
    page.route("**/ask", lambda route: route.abort())
    ask(page, COST)
    expect(page.locator(".problem")).to_be_visible()


def article_open(page: Page) -> None:
    for count, question in enumerate((COST, CARS), 1):
        ask(page, question)
        expect(page.locator(".words mark")).to_have_count(count)
    page.get_by_role("link", name=HARBOUR.title).last.click()
    expect(page.locator(".reader mark").first).to_be_visible()


def history(page: Page) -> None:
    ask(page, COST)
    expect(page.locator(".words mark")).to_be_visible()
    page.get_by_role("link", name="History").click()
    page.locator("dialog .past summary").click()
    page.get_by_text("Delete all").click()
    page.get_by_role("button", name="Delete every conversation").scroll_into_view_if_needed()


def history_page(page: Page) -> None:
    ask(page, COST)
    expect(page.locator(".words mark")).to_be_visible()
    page.goto("/conversations")
    page.locator(".past summary").click()


def article_page(page: Page) -> None:
    page.goto("/articles/harbour?start=76&end=93")
    expect(page.locator("mark")).to_be_visible()


def problem_page(page: Page) -> None:
    page.goto("/c/nothing")
    expect(page.get_by_role("heading", name="No such conversation")).to_be_visible()


# What axe leaves to people, and what they saw.
LOOKED_INTO = {
    # It sees the page behind the dialog. The colours are those of the other button to delete, which it passes.
    ("color-contrast", 'button[value="delete-all"]'),
}
STATES = (
    empty, answering, answered, no_answer, error, article_open, history, history_page, article_page, problem_page,
)  # fmt: skip


@pytest.fixture(scope="module")
def served():
    with serving(FakeArchive()) as address:
        yield address


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_violation(chromium: Browser, served: str, state: Callable[[Page], None], width: int):
    # axe makes functions of text, which the policy of the page forbids: it is off here, and tested elsewhere.
    context = chromium.new_context(
        base_url=served, bypass_csp=True, viewport={"width": width, "height": 720}, reduced_motion="reduce"
    )
    page = context.new_page()
    try:
        page.goto("/")
        state(page)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.add_script_tag(path=AXE_FILE_PATH)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            violations, incomplete = page.evaluate(RUN, TAGS)
            undecided = [each for each in incomplete if tuple(each[:2]) not in LOOKED_INTO]
            assert (scheme, violations, undecided) == (scheme, [], [])
    finally:
        context.close()
