"""A real server and a real Chromium."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from server.app import create_app, uvicorn_options
from server.settings import Settings
from tests.conftest import FakeArchive

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@contextmanager
def serving(archive: FakeArchive, port: int = 0, data: Path | None = None) -> Iterator[str]:
    """The address of a server over ``archive``, as ``verbatim serve`` would run it; it keeps things in ``data``."""
    settings = Settings(port=port, keep=False) if data is None else Settings(port=port, data=data)
    server = uvicorn.Server(uvicorn.Config(create_app(archive, settings), **uvicorn_options(settings)))
    listener = socket.create_server((settings.host, port))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("no Chromium on this machine; install it with: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def address(archive: FakeArchive) -> Iterator[str]:
    with serving(archive) as address:
        yield address


@contextmanager
def opened(chromium: Browser, address: str, **options) -> Iterator[Page]:
    """A page that fails the test when a script fails, something is blocked, or a dialog opens."""
    context: BrowserContext = chromium.new_context(base_url=address, **options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    trouble: list[str] = []
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("dialog", lambda dialog: (trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: None if request.url.startswith(address) else trouble.append(request.url))
    try:
        yield page
    finally:
        context.close()
    assert trouble == []


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    with opened(chromium, address) as page:
        yield page
