"""Do links to cited words land on them? Text fragments of repetitive pages, tried in Chromium.

    python -m bench.fragments [--pages 500] [--seed 1]

Each page repeats a few sentences that differ in one or two words, as live blogs and tables of results do; one place is
cited. The page is served from this machine and opened by the link that an answer would give. Chromium scrolls to the
middle of what it finds; it is right when it is where it has to be for the cited words, and no other place with the same
words is nearer.
"""

import argparse
import html
import random
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import sync_playwright

from index.articles import Article
from server.links import original_link

NAMES = "Okafor Lind Brandt Søreide Aramaki Haugland Pellegri Nesse Marit Ilse".split()
PLACES = "Velmora Kalvik Żurawno Hoshimori Brekke Aldern".split()
FORMS = (
    "{name} of {place} finished in {n} minutes, the jury said.",
    "At {n} o'clock the police in {place} closed the bridge again, {name} said.",
    "{name}: “We lost {n} houses in {place}.”",
    "In {place} {n} people were injured, and {n} of them are still in hospital.",
    "{place}, {n} March – {name} did not want to comment.",
)
# Where the browser scrolled to, and where it has to scroll for each place with these words; the cited one is first.
SCROLLED = """async () => {
  await new Promise(done => setTimeout(done, 250));
  const landed = scrollY, all = [...document.querySelectorAll("b")];
  const places = all.sort((a, b) => (b.id === "cited") - (a.id === "cited"));
  return [landed, places.map(place => (place.scrollIntoView({block: "center", behavior: "instant"}), scrollY))];
}"""


def make_article(number: int, dice: random.Random) -> tuple[Article, int, int]:
    """An article of 40 to 90 paragraphs, and the offsets of words in it that stand there more than once."""
    paragraphs = []
    for _ in range(dice.randint(40, 90)):
        values = [(dice.choice(NAMES), dice.choice(PLACES), dice.randint(2, 9)) for _ in range(dice.randint(1, 3))]
        form = dice.choice(FORMS[:3] if number % 2 else FORMS)
        paragraphs.append(" ".join(form.format(name=a, place=b, n=c) for a, b, c in values))
    text = "\n\n".join(paragraphs)
    words = dice.choice([name for name in (*NAMES, *PLACES) if text.count(name) > 1])
    start = -1
    for _ in range(dice.randint(1, text.count(words))):
        start = text.index(words, start + 1)
    return Article(f"a{number}", f"Page {number}", text, f"http://127.0.0.1:0/{number}"), start, start + len(words)


def page_of(article: Article, start: int, end: int) -> str:
    """The article as a page. Every place with the cited words is in a <b>; the cited one has an id."""
    words, parts, at = article.text[start:end], [], 0
    while (found := article.text.find(words, at)) >= 0:
        mark = f"<b{' id=cited' if found == start else ''}>{html.escape(words)}</b>"
        parts += [html.escape(article.text[at:found]), mark]
        at = found + len(words)
    body = "".join(parts) + html.escape(article.text[at:])
    paragraphs = "".join(f"<p>{each}</p>" for each in body.split("\n\n"))
    style = "<style>b{font-weight:400}</style>"
    return f"<!doctype html><meta charset=utf-8><title>{article.title}</title>{style}{paragraphs}"


def serve(pages: dict[str, str]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path, "").encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    dice = random.Random(given.seed)
    made = [make_article(number, dice) for number in range(given.pages)]
    server = serve({f"/{number}": page_of(*each) for number, each in enumerate(made)})
    right, wrong = 0, []
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for article, start, end in made:
            link = original_link(article, start, end) or ""
            page = browser.new_page(viewport={"width": 900, "height": 500})
            page.goto(link.replace(":0/", f":{server.server_address[1]}/"))
            landed, (cited, *others) = page.evaluate(SCROLLED)
            off = abs(landed - cited)
            hit = off < 60 and all(off <= abs(landed - other) for other in others)
            right += hit
            wrong += [] if hit else [link]
            page.close()
        browser.close()
    server.shutdown()
    print(f"{right} of {given.pages} links land on the cited words ({right / given.pages:.1%})")
    for link in wrong[:10]:
        print("  not:", link)


if __name__ == "__main__":
    main()
