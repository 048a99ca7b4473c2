"""What the first page costs: bytes and requests, counted at the socket; and that nothing shifts."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import opened
from tests.browser.test_chat import ask
from tests.conftest import COST

pytestmark = pytest.mark.browser

MOST_BYTES, MOST_REQUESTS = 50_000, 6


def one_of(event: dict) -> dict[str, str]:
    """A request's address; a browser's own pictures, such as that of a date field, are no requests."""
    url = event["request"]["url"]
    return {} if url.startswith("data:") else {event["requestId"]: url}


def test_the_first_page_is_light(chromium, address):
    with opened(chromium, address) as page:
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        requests: dict[str, str] = {}
        received: dict[str, float] = {}
        session.on("Network.requestWillBeSent", lambda e: requests.update(one_of(e)))
        session.on("Network.loadingFinished", lambda e: received.update({e["requestId"]: e["encodedDataLength"]}))
        page.goto("/", wait_until="networkidle")
        assert [url for url in requests.values() if not url.startswith(address)] == []
        assert len(requests) <= MOST_REQUESTS, requests.values()
        assert sum(received.values()) <= MOST_BYTES, received
        first = len(requests)
        ask(page, COST)
        expect(page.locator(".words mark")).to_be_visible()
        # The answer, and the scripts that show it. A busy browser fetches the page's icon when it finds the time.
        later = [url for url in list(requests.values())[first:] if not url.endswith("icon.svg")]
        assert len(later) <= 3, later


def test_nothing_shifts_while_the_page_loads_and_answers(chromium, address):
    watch = """() => {
      window.shifts = [];
      new PerformanceObserver(list => shifts.push(...list.getEntries().map(e => e.hadRecentInput ? 0 : e.value)))
        .observe({type: "layout-shift", buffered: true});
    }"""
    with opened(chromium, address) as page:
        page.goto("/", wait_until="networkidle")
        page.evaluate(watch)
        page.wait_for_timeout(100)
        assert sum(page.evaluate("shifts")) == 0
