"""The page of the archive in a real browser: with its script, by keyboard, without any script, with a token."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from index.build import build_index
from qa.archive import Archive
from server.app import create_app, uvicorn_options
from server.settings import Settings
from tests.browser.conftest import opened
from tests.building import COMMAND, Reader
from tests.fakes import BagOfWords

pytestmark = pytest.mark.browser

TOKEN = "a token of many letters".replace(" ", "-")


class House:
    """A folder with articles, an index of them, and a server over it."""

    def __init__(self, folder: Path, how: str = "", token: str | None = None):
        self.folder, self.news = folder, folder / "news"
        self.news.mkdir(exist_ok=True)
        self.command = (*COMMAND, how)
        self.settings = Settings(
            index=folder / "index", data=folder / "data", article_folders=(self.news,), token=token
        )

    def write(self, count: int, word: str = "Text") -> None:
        records = [
            {
                "id": f"a{number}",
                "title": f"Title {number}",
                "text": f"{word} {number} tells of matter {number}.",
                "source": f"Courier {number % 11}",
                "published": f"20{20 + number % 5}-0{1 + number % 9}-10",
            }
            for number in range(count)
        ]
        (self.news / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))

    def build(self) -> None:
        build_index([self.news], self.settings.index, BagOfWords())

    @contextmanager
    def serving(self) -> Iterator[str]:
        archive = Archive(self.settings.index, lambda: (BagOfWords(), Reader()))
        app = create_app(archive, self.settings, self.command)
        server = uvicorn.Server(uvicorn.Config(app, **uvicorn_options(self.settings)))
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(30)
            listener.close()


@contextmanager
def at_page(chromium: Browser, house: House, **options) -> Iterator[Page]:
    with house.serving() as address, opened(chromium, address, **options) as page:
        page.goto("/index")
        yield page


def fact(page: Page, name: str) -> str:
    return page.locator("dl div", has_text=name).locator("dd").inner_text()


def watch_status(page: Page) -> None:
    """Notes all that the status region ever says, in ``window.said``."""
    page.evaluate(
        """() => { window.said = []; const live = document.getElementById("status");
        new MutationObserver(() => window.said.push(live.textContent)).observe(live, {childList: true}); }"""
    )


def upload(name: str, **texts: str) -> dict:
    lines = "".join(json.dumps({"id": id, "title": id, "text": text}) + "\n" for id, text in texts.items())
    return {"name": name, "mimeType": "application/octet-stream", "buffer": lines.encode()}


def done(page: Page) -> None:
    expect(page.locator("#task [data-state]")).to_have_attribute("data-state", "succeeded", timeout=60_000)


def test_the_first_articles_are_added_by_the_button(chromium, tmp_path):
    with at_page(chromium, House(tmp_path)) as page:
        expect(page.get_by_text("No articles are indexed yet")).to_be_visible()
        watch_status(page)
        page.get_by_label("Files").set_input_files([upload("x.jsonl", one="The ferry sails at noon.")])
        page.get_by_role("button", name="Add to the archive").click()
        done(page)
        expect(page.locator("#facts dl")).to_be_visible()
        assert (fact(page, "Articles"), fact(page, "Newest article")) == ("1", "no date")
        expect(page.locator("#task")).to_contain_text("1 added, 0 changed, 0 removed")
        said = page.evaluate("window.said")
        assert said[0] == "Sending …" and "Done" in said[-1] and "1 added" in said[-1]
        page.goto("/index")  # it is all there without the script's doing, too
        expect(page.locator("#task")).to_contain_text("x.jsonl")


def test_a_rebuild_with_progress_to_the_end(chromium, tmp_path):
    house = House(tmp_path, "slow")
    house.write(8)
    house.build()
    house.write(40, word="Words")
    with at_page(chromium, house) as page:
        watch_status(page)
        page.get_by_role("button", name="Rebuild").focus()
        page.keyboard.press("Enter")
        state = page.locator("#task [data-slot=state]").first
        expect(state).to_contain_text("Stage 3 of 5: Embedding", timeout=30_000)
        assert page.locator("#task progress").get_attribute("value") is not None
        done(page)
        assert fact(page, "Articles") == "40"
        said = page.evaluate("window.said")
        stages = [match[1] for text in said if (match := re.match(r"Stage (\d) of 5", text))]
        assert stages == sorted(stages) and "3" in stages
        assert "32 added, 8 changed" in said[-1]


def test_a_rebuild_is_canceled(chromium, tmp_path):
    house = House(tmp_path, "slow")
    house.write(2)
    house.build()
    house.write(600)
    with at_page(chromium, house) as page:
        page.get_by_role("button", name="Rebuild").click()
        expect(page.locator("#task [data-slot=state]").first).to_contain_text("Embedding", timeout=30_000)
        page.get_by_role("button", name="Cancel").focus()
        page.keyboard.press("Enter")
        expect(page.locator("#task [data-state]")).to_have_attribute("data-state", "canceled", timeout=30_000)
        expect(page.locator("#status")).to_contain_text("Canceled; nothing was changed")
        assert fact(page, "Articles") == "2"
        assert page.evaluate("document.activeElement.id") == "task-title"  # the button has gone


def test_going_back(chromium, tmp_path):
    house = House(tmp_path)
    house.write(3)
    house.build()
    house.write(5)
    house.build()
    with at_page(chromium, house) as page:
        assert fact(page, "Articles") == "5"
        page.get_by_role("button", name="Use generation 000001").click()
        expect(page.locator("#status")).to_contain_text("The index in use is now generation 000001")
        assert fact(page, "Articles") == "3"
        assert page.evaluate("document.activeElement.id") == "history-title"
        page.get_by_role("button", name="Use generation 000002").click()
        expect(page.locator("#status")).to_contain_text("000002")


def test_files_are_dropped(chromium, tmp_path):
    with at_page(chromium, House(tmp_path)) as page:
        transfer = page.evaluate_handle(
            """() => { const transfer = new DataTransfer();
            transfer.items.add(new File(["A dropped text."], "dropped.txt")); return transfer; }"""
        )
        page.dispatch_event("#upkeep", "dragover", {"dataTransfer": transfer})
        expect(page.locator("#drop")).to_have_class(re.compile("over"))
        page.dispatch_event("#upkeep", "drop", {"dataTransfer": transfer})
        expect(page.locator("#status")).to_have_text("1 chosen")
        assert page.evaluate("document.activeElement.textContent") == "Add to the archive"
        page.keyboard.press("Enter")
        done(page)
        expect(page.locator("#task")).to_contain_text("dropped.txt")


def test_what_fails_is_told_at_the_form(chromium, tmp_path):
    house = House(tmp_path)
    house.news.rmdir()
    with house.serving() as address, chromium.new_context(base_url=address) as context:  # a refusal is in the console
        page = context.new_page()
        page.goto("/index")
        with page.expect_response("**/index/rebuild") as told:
            page.evaluate("document.getElementById('update').requestSubmit()")
        assert told.value.status == 422
        expect(page.locator("#update .bad")).to_contain_text("That did not work. Nothing is known to index from")


def test_without_scripts(chromium, tmp_path):
    house = House(tmp_path)
    house.write(3)
    house.build()
    with at_page(chromium, house, java_script_enabled=False) as page:
        page.get_by_label("Files").set_input_files([upload("x.jsonl", one="The ferry sails at noon.")])
        page.get_by_role("button", name="Add to the archive").click()
        for _ in range(100):
            assert page.url.split("?")[0].endswith("/index")
            again = page.get_by_role("link", name="See how far it is")
            if not again.count():
                break
            again.click()
            page.wait_for_timeout(100)
        done(page)
        page.wait_for_timeout(1100)  # the server looks for a new generation once a second
        page.goto("/index")
        assert fact(page, "Articles") == "4"
        page.get_by_role("button", name="Use generation 000001").click()
        expect(page.locator("#history .good")).to_contain_text("The index in use is now generation 000001")
        page.get_by_label("Id of the article").fill("a1")
        page.get_by_role("button", name="Remove", exact=True).click()
        assert "task=" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_it_fits_and_can_be_used(chromium, tmp_path, scheme, width):
    house = House(tmp_path)
    house.write(60)
    (house.news / "broken.pdfx").write_bytes(b"x")
    house.build()
    house.write(61)
    house.build()
    viewport = {"width": width, "height": 900}
    with at_page(chromium, house, color_scheme=scheme, viewport=viewport) as page:
        assert page.locator("h1").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        small = page.evaluate(
            """() => [...document.querySelectorAll("main :is(button, summary, a, input:not([type=hidden]))")]
            .filter((it) => it.getClientRects().length)
            .map((it) => [it, (it.closest("label") ?? it).getBoundingClientRect()])
            .filter(([, box]) => box.width < 24 || box.height < 24).map(([it]) => it.outerHTML)"""
        )
        assert small == []
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll("main input:not([type=hidden])")]
            .filter((it) => !it.labels.length).map((it) => it.outerHTML)"""
        )
        assert unnamed == []
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none"


def test_with_a_token(chromium, tmp_path):
    house = House(tmp_path, token=TOKEN)
    house.write(3)
    house.build()
    with at_page(chromium, house) as page:
        assert page.locator("#add, #update, #remove").count() == 0
        page.get_by_role("link", name="Log in").click()
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/index")
        [cookie] = page.context.cookies()
        assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and TOKEN not in cookie["value"]
        page.get_by_role("button", name="Rebuild").click()
        done(page)
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("link", name="Log in")).to_be_visible()
        assert page.context.cookies() == []
