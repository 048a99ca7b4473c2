"""Feeds, Markdown and PDF become articles; files made to do harm are given up, and the rest is read."""

import gzip
import json
import random
import subprocess
import sys
import zlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import index.isolation
from index.articles import Article, Found, Limits, Skipped, read_articles
from index.isolated import MEMORY, SECONDS
from index.isolation import Isolation
from index.markup import read_markup

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>The Kalvik &amp;amp; Post</title>
<item><guid isPermaLink="false">g 1</guid><title>Bridge &amp;lt;b&amp;gt; reopens</title><link>http://x.org/a</link>
  <pubDate>Mon, 09 Sep 2024 10:00:05 GMT</pubDate><dc:creator>Jane Roe</dc:creator>
  <description>Short.</description>
  <content:encoded><![CDATA[<p>First <b>para</b>graph.</p><p>Second<br>line<script>alert(1)</script></p>
  <ul><li>One</li><li>Two &lt;3 🌉</li></ul>]]></content:encoded></item>
<item><title>No text</title></item>
<item><title>Plain</title><link>http://x.org/b</link><description>Just words.</description></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom"><title>Kalvik</title>
<entry><id>urn:1</id><title type="html">Tom &amp;amp; Jerry</title><link href="http://x.org/b"/>
  <published>2024-09-09T10:00:00+02:00</published><author><name>A B</name></author><author><name>C D</name></author>
  <content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Hello <i>you</i>.</p><p>More.</p></div></content>
</entry></feed>"""
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "ha">%s]><rss version="2.0"><channel><item>%s</item></channel></rss>'
)


def pdf_of(pages: Sequence[Sequence[str] | bytes], title: str = "") -> bytes:
    """A PDF with a line of text for each string; bytes are the instructions that draw a page."""
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({title}) >>".encode(),
    ]
    for number, page in enumerate(pages):
        drawn = page if isinstance(page, bytes) else draw(page)
        packed = zlib.compress(drawn, 9)
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R "
            b"/Resources << /Font << /F1 3 0 R >> >> >>" % (6 + 2 * number),
            b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed),
        ]
    data, places = bytearray(b"%PDF-1.4\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    data += b"".join(b"%010d 00000 n \n" % place for place in places)
    data += b"trailer << /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start)
    return bytes(data)


def draw(lines: Sequence[str]) -> bytes:
    shown = " ".join("(%s) Tj T*" % line.replace("\\", "").replace("(", "").replace(")", "") for line in lines)
    return f"BT /F1 12 Tf 72 720 Td 14 TL {shown} ET".encode("latin-1")


def read(*paths: Path) -> tuple[list[Article], list[Skipped]]:
    items = list(read_articles(paths))
    return [item.article for item in items if isinstance(item, Found)], [i for i in items if isinstance(i, Skipped)]


def read_bytes(folder: Path, name: str, data: bytes | str) -> tuple[list[Article], list[Skipped]]:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return read(folder / name)


def read_one(folder: Path, name: str, data: bytes | str) -> Article:
    (article,), skipped = read_bytes(folder, name, data)
    assert skipped == []
    return article


class TestFeeds:
    @pytest.mark.parametrize("name", ["a.rss", "a.xml", "a.txt", "a", "a.xml.gz"])
    def test_each_entry_is_an_article(self, tmp_path, name):
        data = gzip.compress(RSS.encode()) if name.endswith(".gz") else RSS
        articles, skipped = read_bytes(tmp_path, name, data)
        assert articles[0] == Article(
            id="g 1",
            title="Bridge <b> reopens",
            text="First paragraph.\n\nSecond\nline\n\nOne\n\nTwo <3 🌉",
            url="http://x.org/a",
            source="The Kalvik & Post",
            published=datetime(2024, 9, 9, 10, 0, 5, tzinfo=UTC),
            authors=("Jane Roe",),
        )
        assert [(article.title, article.text) for article in articles[1:]] == [("Plain", "Just words.")]
        assert [item.reason.partition(":")[0] for item in skipped] == ["entry 2"]
        assert not skipped[0].whole

    def test_atom(self, tmp_path):
        article = read_one(tmp_path, "a.atom", ATOM)
        assert (article.id, article.title, article.text) == ("urn:1", "Tom & Jerry", "Hello you.\n\nMore.")
        assert (article.authors, article.source) == (("A B", "C D"), "Kalvik")
        assert article.published.isoformat() == "2024-09-09T10:00:00+02:00"

    def test_other_xml_is_no_feed(self, tmp_path):
        _, skipped = read_bytes(tmp_path, "a.xml", "<?xml version='1.0'?>\n<urlset><url>x</url></urlset>")
        assert "no RSS or Atom feed" in skipped[0].reason and skipped[0].whole
        _, skipped = read_bytes(tmp_path, "b.xml", "<?xml version='1.0'?>\n<urlset>\n<url>x</urlset>")
        assert "line 3" in skipped[0].reason

    def test_a_page_under_a_feeds_name(self, tmp_path):
        page = "<!doctype html><html><body><article><p>" + "The harbour is open again. " * 20 + "</p></article></body>"
        assert read_one(tmp_path, "a.xml", page).text.startswith("The harbour is open")


class TestMarkdown:
    def test_front_matter_and_what_the_page_shows(self, tmp_path):
        text = """---
title: "Harbour: open"
date: 2024-09-09
author: [Jane Roe, Joe Doe]
canonical_url: https://x.org/harbour
text: not this
---
# Harbour: open

First *para* with `code` and a [link](http://x),
which goes on.

> Quoted &amp; shown

- one
- two **bold**

| a | b |
|---|---|
| 1 | 2 |

```
kept  as
it is
```
<script>alert(1)</script>
"""
        article = read_one(tmp_path, "a.md", text)
        assert article.text == (
            "First para with code and a link, which goes on.\n\nQuoted & shown\n\none\n\ntwo bold\n\n"
            "a\tb\n\n1\t2\n\nkept as\nit is"
        )
        assert (article.title, article.published) == ("Harbour: open", date(2024, 9, 9))
        assert (article.authors, article.url) == (("Jane Roe", "Joe Doe"), "https://x.org/harbour")

    def test_without_front_matter(self, tmp_path):
        article = read_one(tmp_path, "2025-03-04-bridge.md", "# The bridge\n\nIt is open.")
        assert (article.title, article.text, article.published) == ("The bridge", "It is open.", date(2025, 3, 4))
        article = read_one(tmp_path, "2025-03-04-bridge-is-open.markdown", "The bridge is open, the city said.")
        assert (article.title, article.text) == ("Bridge is open", "The bridge is open, the city said.")

    def test_without_a_text_it_is_not_told_to_have_a_field(self, tmp_path):
        (tmp_path / "a.md").write_text("---\ntitle: T\n---\n")
        [skipped] = read(tmp_path)[1]
        assert (skipped.reason, skipped.whole) == ("there is no text; remove it or write some", False)

    def test_broken_front_matter_is_told_with_its_line(self, tmp_path):
        _, skipped = read_bytes(tmp_path, "a.md", "---\ntitle: x\ndate: [unclosed\n---\nText")
        assert "front matter" in skipped[0].reason and "line" in skipped[0].reason


class TestPdf:
    LINES = (
        "Harbour closed for three days",
        "The harbour of Kalvik was closed for three days after the storm, the",
        "port authority said on Tues-",
        "day. It reopens on Friday, after divers have looked at the quay and the",
        "cranes.",
        "A second paragraph stands here, and it is long enough to run over the",
    )

    def test_lines_become_running_text(self, tmp_path):
        data = pdf_of([[*self.LINES, "1"], ["2", "end of the page. Boats may come back.", "Page 2 of 2"]])
        article = read_one(tmp_path, "2024-09-09-harbour.pdf", data)
        assert article.text == (
            "Harbour closed for three days\n\n"
            "The harbour of Kalvik was closed for three days after the storm, the port authority said on Tuesday. "
            "It reopens on Friday, after divers have looked at the quay and the cranes.\n\n"
            "A second paragraph stands here, and it is long enough to run over the end of the page. "
            "Boats may come back."
        )
        assert (article.title, article.published) == ("Harbour closed for three days", date(2024, 9, 9))

    def test_a_title_in_its_properties(self, tmp_path):
        assert read_one(tmp_path, "a.pdf", pdf_of([self.LINES], "The quay")).title == "The quay"
        assert read_one(tmp_path, "b.pdf", pdf_of([self.LINES], "Microsoft Word - x.doc")).title != "Microsoft Word"

    def test_without_words(self, tmp_path):
        _, skipped = read_bytes(tmp_path, "a.pdf", pdf_of([b"0 0 m 9 9 l S"]))
        assert "no text layer" in skipped[0].reason and skipped[0].whole
        for data in (b"%PDF-1.4", b"text", gzip.compress(pdf_of([self.LINES]))):
            articles, skipped = read_bytes(tmp_path, "b.pdf", data)
            assert (articles, len(skipped)) == ([], 1)

    def test_one_process_reads_them_all(self, tmp_path):
        for number in range(5):
            (tmp_path / f"{number}.pdf").write_bytes(pdf_of([[*self.LINES, f"Number {number} of all."]]))
        processes = set()
        with Isolation() as isolation:
            for number in range(5):
                (fields,) = isolation.read("pdf", tmp_path / f"{number}.pdf")
                assert f"Number {number} of all." in fields["text"]
                processes.add(isolation._process.pid)
        assert len(processes) == 1


def deep_yaml() -> bytes:
    return b"---\na: " + b"[" * 100_000 + b"\n---\ntext"


HOSTILE = {
    "entities.xml": lambda: (
        BOMB
        % (
            "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)),
            "<title>&a9;</title><description>&a9;</description>",
        )
    ).encode(),
    "outside.xml": lambda: (BOMB % ('<!ENTITY x SYSTEM "file:///etc/passwd">', "<title>&x;</title>")).encode(),
    "deep.xml": lambda: b"<rss version='2.0'><channel><item>" + b"<a>" * 150_000,
    "wide.xml": lambda: b"<rss version='2.0'><channel>" + b"<item/>" * 1_000_000,
    "deep.html": lambda: b"<html><body>" + b"<div>" * 700_000,
    "wide.html": lambda: b"<html><body>" + b"<p>a</p>" * 400_000,
    "deep.json": lambda: b"[" * 8_000_000,
    "deep.jsonl": lambda: b'{"text": ' * 500_000,
    "lists.json": lambda: b"[" + b"[]," * 1_300_000 + b"1]",
    "lists.jsonl": lambda: b'{"text":"a","b":[' + b"[]," * 2_500_000 + b"1]}",
    "numbers.jsonl": lambda: b'{"text":"a","b":[' + b"0.1," * 1_900_000 + b"1]}",
    "line.txt": lambda: b"a" * (100 << 20),
    "line.jsonl": lambda: b'{"text":"' + b"a" * (100 << 20) + b'"}\n',
    "line.json": lambda: b'{"text":"' + b"a" * (100 << 20) + b'"}\n',
    "line.html": lambda: b"<html><body>" + b"a" * (100 << 20),
    "line.md": lambda: b"a" * (100 << 20),
    "line.xml": lambda: b"<rss>" + b"a" * (100 << 20),
    "bomb.txt.gz": lambda: gzip.compress(b"a" * (1 << 20)) * 1000,
    "bomb.json.gz": lambda: gzip.compress(b" " * (1 << 20)) * 1000,
    "bomb.jsonl.gz": lambda: gzip.compress(b"a" * (1 << 20)) * 1000,
    "bomb.xml.gz": lambda: gzip.compress(b"<rss>" + b" " * (1 << 20)) * 1000,
    "brackets.md": lambda: b"[" * 100_000 + b"a" + b"]" * 100_000,
    "stars.md": lambda: b"*a " * 500_000,
    "deep.md": deep_yaml,
    "words.pdf": lambda: pdf_of([b"BT /F1 12 Tf " + b"(a) Tj " * 10_000_000 + b" ET"]),
    "deep.pdf": lambda: pdf_of([b"q " * 5_000_000]),
    "arrays.pdf": lambda: b"%PDF-1.4\n1 0 obj " + b"[" * 3_000_000,
    "archive.zip": lambda: b"PK\x03\x04" + b"\0" * 5000,
}


class Watch:
    """What a call takes of Python's memory, in bytes."""

    def __enter__(self) -> "Watch":
        import tracemalloc

        self._tracing = tracemalloc
        tracemalloc.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.bytes = self._tracing.get_traced_memory()[1]
        self._tracing.stop()


class TestHostileFiles:
    @pytest.mark.parametrize("name", HOSTILE)
    def test_is_given_up_in_little_memory(self, tmp_path, name):
        path = tmp_path / name
        path.write_bytes(HOSTILE[name]())
        (tmp_path / "z.txt").write_text("The rest.")
        with Watch() as watch:
            articles, skipped = read(path, tmp_path / "z.txt")
        assert [article.text for article in articles] == ["The rest."]
        assert {Path(item.path).name for item in skipped} == {name}
        assert all("\n" not in item.reason for item in skipped)
        assert watch.bytes < 50 << 20

    def test_what_is_isolated_has_a_second_and_fifty_megabytes(self):
        assert SECONDS < 1 and MEMORY < 50 << 20

    def test_a_file_that_takes_for_ever_costs_only_itself(self, tmp_path):
        """And the process that was lost is replaced."""
        (tmp_path / "a.md").write_text("First.")
        (tmp_path / "b.md").write_bytes(HOSTILE["brackets.md"]())
        (tmp_path / "c.md").write_bytes(HOSTILE["stars.md"]())
        (tmp_path / "d.md").write_text("Last.")
        articles, skipped = read(tmp_path)
        assert [article.text for article in articles] == ["First.", "Last."]
        assert [(Path(item.path).name, item.whole) for item in skipped] == [("b.md", True), ("c.md", True)]
        assert "longer" in skipped[0].reason

    @pytest.mark.parametrize("megabytes", [200, 2000])
    def test_a_limit_of_memory_from_outside_stays(self, tmp_path, megabytes):
        """As `ulimit -v` sets it: no process may raise it again."""
        pytest.importorskip("resource")
        (tmp_path / "a.md").write_text("First.")
        (tmp_path / "b.rss").write_text(RSS)
        script = (
            "import resource, sys; from pathlib import Path; from index.articles import read_articles\n"
            f"resource.setrlimit(resource.RLIMIT_AS, ({megabytes} << 20, {megabytes} << 20))\n"
            "print([type(each).__name__ for each in read_articles([Path(sys.argv[1])])])"
        )
        root = Path(__file__).parents[2]
        done = subprocess.run([sys.executable, "-c", script, tmp_path], cwd=root, capture_output=True, text=True)
        assert done.stdout == "['Found', 'Found', 'Skipped', 'Found']\n", done.stderr

    def test_a_process_that_breaks_down_was_not_slow(self, tmp_path, monkeypatch):
        monkeypatch.setattr(index.isolation, "_PROGRAM", "import os, time; os.close(1); time.sleep(0.3); os._exit(1)")
        (tmp_path / "a.md").write_text("First.")
        [skipped] = read(tmp_path)[1]
        assert "breaks what takes it apart" in skipped.reason

    def test_reading_leaves_no_process(self, tmp_path, monkeypatch):
        started = []
        start = subprocess.Popen
        monkeypatch.setattr(
            subprocess, "Popen", lambda *args, **kwargs: started.append(start(*args, **kwargs)) or started[-1]
        )
        (tmp_path / "a.md").write_text("First.")
        (tmp_path / "b.md").write_text("Last.")
        found = read_articles([tmp_path])
        assert next(found).article.text == "First."
        found.close()
        assert [process.returncode is None for process in started] == [False]

    def test_an_alias_bomb_in_front_matter_is_only_front_matter(self, tmp_path):
        rows = [f"k{n}: &k{n} [{','.join([f'*k{n - 1}'] * 10)}]" for n in range(1, 9)]
        article = read_one(tmp_path, "a.md", "---\nk0: &k0 [x]\n" + "\n".join(rows) + "\n---\nThe text.")
        assert article.text == "The text."

    def test_packed_text_is_no_bomb(self, tmp_path):
        chance = random.Random(4)
        texts = (" ".join(f"word{chance.randrange(100)}" for _ in range(200)) for _ in range(2000))
        data = b"".join(json.dumps({"text": text}).encode() + b"\n" for text in texts)
        assert len(data) > 2 << 20
        (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(data))
        items = list(read_articles([tmp_path], Limits(unpacked=1 << 20)))
        assert [type(item) for item in items] == [Found] * 2000


class TestLongDocuments:
    LIMITS = Limits(document=300, line=2000)

    def read(self, folder: Path, text: str) -> tuple[list[str], list[Skipped]]:
        (folder / "a.json").write_text(text)
        items = list(read_articles([folder / "a.json"], self.LIMITS))
        texts = [item.article.text for item in items if isinstance(item, Found)]
        return texts, [item for item in items if isinstance(item, Skipped)]

    @pytest.mark.parametrize("indent", [None, 2])
    @pytest.mark.parametrize("shape", ["array", "articles", "items"])
    def test_are_read_record_by_record(self, tmp_path, monkeypatch, indent, shape):
        import index.jsonfiles

        monkeypatch.setattr(index.jsonfiles, "_CHUNK", 70)
        records = [{"text": f"Text “{n}” \\ 🌉", "tags": [1, {"a": []}]} for n in range(50)]
        value = records if shape == "array" else {"version": [1, {"x": "y"}], shape: records, "next": None}
        texts, skipped = self.read(tmp_path, json.dumps(value, indent=indent, ensure_ascii=False))
        assert (texts, skipped) == ([record["text"] for record in records], [])

    def test_faults_are_told_with_their_place(self, tmp_path):
        records = [json.dumps({"text": f"Text {n}"}) for n in range(30)]
        records[3] = '{"title": "no text"}'
        texts, skipped = self.read(tmp_path, "[" + ",\n".join(records) + "]")
        assert len(texts) == 29
        assert (skipped[0].line, skipped[0].whole) == (4, False)
        assert "record 4" in skipped[0].reason

    @pytest.mark.parametrize("broken", ["{broken", '{"text": "x"} {"text": "y"}', "7,", ""])
    def test_what_comes_before_the_damage_is_read(self, tmp_path, broken):
        records = [json.dumps({"text": f"Text {n}"}) for n in range(30)]
        texts, skipped = self.read(tmp_path, "[" + ",\n".join([*records, broken]))
        assert texts[:30] == [f"Text {n}" for n in range(30)]
        assert skipped[-1].whole and skipped[-1].line >= 30

    def test_one_long_article_is_refused(self, tmp_path):
        texts, skipped = self.read(tmp_path, json.dumps({"text": "x" * 500}))
        assert texts == []
        assert "no list of articles" in skipped[0].reason


class TestMarkup:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("plain", "plain"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<p>a</p><p>b</p>c<div>d<p>e</div>", "a\n\nb\n\nc\n\nd\n\ne"),
            ("<p> a \n b <i>c</i>d </p>", "a b cd"),
            ("a<style>x</style>b<script>y</script>c<!-- z -->d", "abcd"),
            ("<pre>a  b\n c</pre>", "a b\nc"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a\tb\n\nc"),
            ("&lt;b&gt; &amp;amp; &nbsp;x", "<b> &amp; \xa0x"),
            ("", ""),
            ("<p></p>", ""),
        ],
    )
    def test_as_a_browser_breaks_it(self, html, text):
        assert read_markup(html) == text

    def test_depth_needs_no_stack(self):
        assert read_markup("<p>before</p>" + "<div>" * 100_000 + "x").startswith("before")
