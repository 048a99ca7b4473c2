"""What the first page costs on a slow line: largest paint, layout shift, bytes and requests.

    python -m bench.page http://127.0.0.1:8000 [--times 5]

The line is Chromium's own throttle: 1.6 Mbit/s down, 750 kbit/s up, 150 ms a round trip, nothing in the cache.
"""

import argparse
import shutil
import statistics

from playwright.sync_api import Browser, sync_playwright

LINE = {"offline": False, "latency": 150, "downloadThroughput": 1_600_000 / 8, "uploadThroughput": 750_000 / 8}
WATCH = """
  window.seen = {paint: 0, shift: 0};
  new PerformanceObserver(list => list.getEntries().forEach(e => seen.paint = e.startTime))
    .observe({type: "largest-contentful-paint", buffered: true});
  new PerformanceObserver(list => list.getEntries().forEach(e => seen.shift += e.hadRecentInput ? 0 : e.value))
    .observe({type: "layout-shift", buffered: true});
"""


def visit(browser: Browser, address: str) -> tuple[float, float, int, int]:
    """Milliseconds to the largest paint, layout shift, bytes on the wire, requests."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.send("Network.emulateNetworkConditions", LINE)
    sizes: list[int] = []
    session.on(  # what takes no bytes is a picture of the browser's own
        "Network.loadingFinished",
        lambda event: sizes.append(int(event["encodedDataLength"])) if event["encodedDataLength"] else None,
    )
    page.add_init_script(WATCH)
    page.goto(address, wait_until="networkidle")
    page.wait_for_timeout(300)
    seen = page.evaluate("seen")
    context.close()
    return seen["paint"], seen["shift"], sum(sizes), len(sizes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--times", type=int, default=5)
    given = parser.parse_args()
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        visits = [visit(browser, given.address) for _ in range(given.times)]
        browser.close()
    paints, shifts, sizes, counts = zip(*visits, strict=True)
    print(f"largest paint  {statistics.median(paints):.0f} ms (median of {given.times}, worst {max(paints):.0f})")
    print(f"layout shift   {max(shifts):.4f}")
    print(f"on the wire    {max(sizes):,} bytes, {max(counts)} requests")


if __name__ == "__main__":
    main()
