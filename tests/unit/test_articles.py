"""Every input format becomes articles, and nothing in the input stops the rest."""

import gzip
import json
import os
import random
import socket
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import index.webpages
from index.articles import Article, Found, Limits, Skipped, clean_text, read_articles
from index.records import LONGEST_TITLE, clean_title, headline, parse_published, split_authors

DATA = Path(__file__).parent.parent / "data"
HEADING = " date 2024-09-09 Two fleets meet Monday, September 9, 2024 10:00:55 AM"


def read(*paths: Path, limits: Limits = Limits()) -> tuple[list[Article], list[Skipped]]:
    items = list(read_articles(paths, limits))
    return [item.article for item in items if isinstance(item, Found)], [i for i in items if isinstance(i, Skipped)]


def read_bytes(folder: Path, name: str, data: bytes, limits: Limits = Limits()):
    (folder / name).write_bytes(data)
    return read(folder / name, limits=limits)


def read_one(folder: Path, name: str, data: bytes | str) -> Article:
    articles, skipped = read_bytes(folder, name, data if isinstance(data, bytes) else data.encode())
    assert skipped == []
    assert len(articles) == 1
    return articles[0]


def read_record(folder: Path, **fields) -> Article:
    return read_one(folder, "a.jsonl", json.dumps(fields))


def only_reason(outcome: tuple[list[Article], list[Skipped]]) -> str:
    articles, skipped = outcome
    assert articles == []
    assert len(skipped) == 1
    assert "\n" not in skipped[0].reason
    return skipped[0].reason


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


class TestTextFiles:
    def test_title_and_time_come_apart(self, tmp_path):
        article = read_one(tmp_path, "a.txt", f"{HEADING}\n\nFirst paragraph.\n\nSecond one.\n")
        assert article.title == "Two fleets meet"
        assert article.published == datetime(2024, 9, 9, 10, 0, 55)
        assert article.text == "First paragraph.\n\nSecond one."

    @pytest.mark.parametrize(
        ("heading", "title", "published"),
        [
            ("date 2024-09-09 Two fleets meet", "Two fleets meet", date(2024, 9, 9)),
            ("date 2024-09-09 Two fleets meet Monday, September 9, 2024", "Two fleets meet", date(2024, 9, 9)),
            ("date 2024-09-09", "My story", date(2024, 9, 9)),
            ("date 2024-09-09 Monday, September 9, 2024 10:00:55 AM", "My story", datetime(2024, 9, 9, 10, 0, 55)),
            ("Two fleets meet Monday, September 9, 2024 3:05 PM", "Two fleets meet", datetime(2024, 9, 9, 15, 5)),
            ("date 2024-09-09 What changed after September 11, 2001", None, date(2024, 9, 9)),
            (
                "date 2024-09-09 Fleets meet September 9, 2024 10:00:55 AM",
                "Fleets meet",
                datetime(2024, 9, 9, 10, 0, 55),
            ),
            ("Two fleets meet", "Two fleets meet", None),
            ("Will two fleets meet?", "Will two fleets meet?", None),
        ],
    )
    def test_any_part_of_the_heading_may_be_missing(self, tmp_path, heading, title, published):
        article = read_one(tmp_path, "my-story.txt", f"{heading}\n\nThe paragraph.\n")
        assert article.title == (title or "What changed after September 11, 2001")
        assert article.published == published
        assert type(article.published) is type(published)
        assert article.text == "The paragraph."

    def test_zone_is_kept_where_given(self, tmp_path):
        article = read_one(tmp_path, "a.txt", f"{HEADING} EDT\n\nText.")
        assert article.published == datetime(2024, 9, 9, 10, 0, 55, tzinfo=timezone(timedelta(hours=-4)))

    def test_what_follows_the_heading_in_its_line_is_kept(self, tmp_path):
        article = read_one(tmp_path, "a.txt", f"{HEADING} The story begins here.\nIt goes on.")
        assert article.title == "Two fleets meet"
        assert article.text == "The story begins here.\n\nIt goes on."

    def test_a_lead_paragraph_is_no_title(self, tmp_path):
        text = "The mayor resigned on Tuesday.\n\nShe gave no reason."
        article = read_one(tmp_path, "2025-03-04-mayor_resigns.txt", text)
        assert article.title == "Mayor resigns"
        assert article.text == text
        assert article.published == date(2025, 3, 4)

    def test_without_a_blank_line_the_first_line_is_text(self, tmp_path):
        article = read_one(tmp_path, "story.txt", "A verse\nof two lines")
        assert (article.title, article.text) == ("Story", "A verse\nof two lines")

    def test_one_line_is_an_article(self, tmp_path):
        assert read_one(tmp_path, "note.txt", "Rain").text == "Rain"

    def test_a_heading_alone_keeps_its_words(self, tmp_path):
        article = read_one(tmp_path, "a.txt", "date 2024-09-09 The harbour is closed")
        assert article.text == "The harbour is closed"
        assert article.published == date(2024, 9, 9)

    def test_a_date_alone_is_no_article(self, tmp_path):
        assert "no text" in only_reason(read_bytes(tmp_path, "a.txt", b" date 2024-09-09 \n"))

    def test_line_ends_of_windows_and_old_macs(self, tmp_path):
        for end in ("\r\n", "\r"):
            article = read_one(tmp_path, "a.txt", end.join([HEADING, "", "One.", "", "Two."]))
            assert (article.title, article.text) == ("Two fleets meet", "One.\n\nTwo.")


class TestJson:
    RECORD = {"id": "x1", "title": "T", "text": "Body.", "published": "2020/05/20", "authors": ["A B"], "more": [1]}

    def test_fields(self, tmp_path):
        article = read_record(tmp_path, url="https://www.news.example/a", **self.RECORD)
        assert article == Article(
            "x1", "T", "Body.", "https://www.news.example/a", "news.example", date(2020, 5, 20), ("A B",)
        )

    @pytest.mark.parametrize(
        ("name", "field", "value", "expected"),
        [
            ("headline", "title", "T", "T"),
            ("title", "title", "Two\n  lines\there", "Two lines here"),
            ("body", "text", "Body", "Body"),
            ("content", "text", "Body", "Body"),
            ("articleBody", "text", "Body", "Body"),
            ("text", "text", ["One.", "Two."], "One.\n\nTwo."),
            ("date", "published", "May 20, 2020", date(2020, 5, 20)),
            ("pubDate", "published", "Wed, 20 May 2020 08:00:00 +0200", None),
            ("date_published", "published", "2020-05-20", date(2020, 5, 20)),
            ("link", "url", "https://n.example/1", "https://n.example/1"),
            ("url", "url", "javascript:alert(1)", None),
            ("url", "url", "http://[", None),
            ("url", "url", 7, None),
            ("byline", "authors", "By Jane Roe and John Doe", ("Jane Roe", "John Doe")),
            ("author", "authors", "Jane Roe; John Doe", ("Jane Roe", "John Doe")),
            ("author", "authors", {"name": "Jane Roe"}, ("Jane Roe",)),
            ("authors", "authors", [{"name": "Jane Roe"}, "John Doe", "", 7, "John Doe"], ("Jane Roe", "John Doe")),
            ("source", "source", "The Post", "The Post"),
            ("publisher", "source", {"name": "The Post"}, "The Post"),
            ("id", "id", 12, "12"),
            ("id", "id", " a/B?#%é ", " a/B?#%é "),
        ],
    )
    def test_aliases(self, tmp_path, name, field, value, expected):
        if name == "pubDate":
            expected = datetime(2020, 5, 20, 8, tzinfo=timezone(timedelta(hours=2)))
        article = read_record(tmp_path, **{"text": "Body", name: value} if field != "text" else {name: value})
        assert getattr(article, field) == expected

    def test_an_empty_field_yields_to_its_alias(self, tmp_path):
        article = read_record(tmp_path, title="", headline="H", text=" ", body="B", published="soon", date="2020-05-20")
        assert (article.title, article.text, article.published) == ("H", "B", date(2020, 5, 20))

    def test_a_record_without_title_takes_its_first_words(self, tmp_path):
        article = read_record(tmp_path, text="word " * 50)
        assert article.title.startswith("word word") and article.title.endswith("word…") and len(article.title) <= 91
        assert read_record(tmp_path, text="Short.\n\nMore.").title == "Short."

    @pytest.mark.parametrize(
        "data",
        [
            json.dumps([{"text": "One"}, {"text": "Two"}]),
            json.dumps({"status": "ok", "articles": [{"text": "One"}, {"text": "Two"}]}, indent=2),
            '{"text": "One"}\n{"text": "Two"}\n',
            '\ufeff{"text": "One"}\r\n\r\n{"text": "Two"}',
        ],
    )
    @pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.ndjson", "a.json.gz", "a.jsonl.gz", "unknown"])
    def test_every_shape_under_every_name(self, tmp_path, name, data):
        data = data.encode()
        articles, skipped = read_bytes(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data)
        assert [article.text for article in articles] == ["One", "Two"]
        assert skipped == []

    @pytest.mark.parametrize("name", ["items", "articles"])
    @pytest.mark.parametrize("inner", [[], ["a tag", 7], [{"text": "Another."}]])
    def test_an_article_may_have_lists_of_its_own(self, tmp_path, name, inner):
        record = {name: inner, "id": "a", "articleBody": "One."}
        for file in ("a.json", "a.jsonl"):
            assert read_one(tmp_path, file, json.dumps(record)).text == "One."

    def test_one_object_over_several_lines(self, tmp_path):
        assert read_one(tmp_path, "a.json", json.dumps({"text": "One"}, indent=1)).text == "One"

    def test_one_broken_line_costs_only_itself(self, tmp_path):
        good = lines(*({"text": f"Number {i}."} for i in range(1, 8000)))
        rows = good.split(b"\n")
        rows[7311] = b'{"text": "cut off'
        articles, skipped = read_bytes(tmp_path, "a.jsonl", b"\n".join(rows))
        assert len(articles) == 7998
        assert [(item.line, item.path) for item in skipped] == [(7312, str(tmp_path / "a.jsonl"))]
        assert "not valid JSON" in skipped[0].reason

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b'{"title": "T"}', "no text"),
            (b'{"text": ""}', "no text"),
            (b'{"text": 7}', "no text"),
            (b"7", "not an article"),
            (b"null", "not an article"),
            (b'"text"', "not an article"),
            (b"[7]", "record 1: not an article"),
            (b'{"text": "x", "id": "%s"}' % (b"9" * 5000), "longer than 1000"),
            (b'{"text": "x", "id": "\\ud800"}', "surrogate"),
            (b'{"text": "x", "id": %s}' % (b"9" * 5000), "too many digits"),
            (b"[" * 100_000, "nested too deeply"),
            (b'{"a":' * 100_000, "nested too deeply"),
            (b"\xff\xfe{", "not valid JSON"),
            (b"{'text': 'x'}", "not valid JSON"),
        ],
    )
    def test_bad_records_are_named(self, tmp_path, line, reason):
        data = b'{"text": "before"}\n' + line + b'\n{"text": "after"}\n'
        articles, skipped = read_bytes(tmp_path, "a.jsonl", data)
        assert [article.text for article in articles] == ["before", "after"]
        assert [item.line for item in skipped] == [2]
        assert reason in skipped[0].reason

    def test_a_bad_member_of_an_array_costs_only_itself(self, tmp_path):
        articles, skipped = read_bytes(tmp_path, "a.json", b'[{"text": "One"}, {"title": "T"}, {"text": "Two"}]')
        assert [article.text for article in articles] == ["One", "Two"]
        assert "record 2" in skipped[0].reason

    @pytest.mark.parametrize("data", [b'[{"text": "x"},', b"[" * 100_000, b"[%s]" % (b"9" * 5000), b"{]"])
    def test_broken_documents(self, tmp_path, data):
        assert "JSON" in only_reason(read_bytes(tmp_path, "a.json", data))

    @pytest.mark.parametrize("tail", [",", " ,", "x"])
    @pytest.mark.parametrize("indent", [None, 1])
    def test_a_document_with_something_after_it_is_one_fault(self, tmp_path, tail, indent):
        """Not JSON Lines, where each line would be a fault of its own."""
        records = [{"text": "One"}, {"text": "Two"}]
        data = (json.dumps(records, indent=indent) + tail).encode()
        assert "Extra data" in only_reason(read_bytes(tmp_path, "a.json", data))

    @pytest.mark.parametrize("data", [b"[]", b'{"articles": []}'])
    def test_no_articles_at_all(self, tmp_path, data):
        assert "holds no article" in only_reason(read_bytes(tmp_path, "a.json", data))


class TestPages:
    def test_main_text_and_metadata(self):
        articles, skipped = read(DATA / "pages" / "bridge.html")
        assert skipped == []
        article = articles[0]
        assert article.title == "Swing bridge at Kalvik reopens"
        assert article.url == "https://www.harbourpost.example/2025/03/04/swing-bridge"
        assert article.source == "The Harbour Post"
        assert article.authors == ("Ane Lund", "Tor Vik")
        assert article.published == datetime(2025, 3, 4, 8, 30, tzinfo=timezone(timedelta(hours=1)))
        assert article.text.split("\n\n") == [
            "The old swing bridge at Kalvik reopened on Tuesday after 14 months of repairs, the port authority said, "
            "and the first lorry crossed at 6:12 a.m.",
            "The work cost 38.5 million kroner,\n"
            "about 4 million more than planned, because divers found rust & cracks.",
            "What comes next",
            "The western lane opens in April.",
            "Tolls start on 1 June.",
            "“We were told ‘never again’, and here we are,” the mayor said 👩‍🚒.",
            "Year\tCost",
            "2023\t12 million",
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-2", "utf-16"])
    def test_declared_encoding(self, tmp_path, encoding):
        page = (
            f'<html><head><meta charset="{encoding}"><title>Łódź</title></head>'
            "<body><p>Burmistrz Łodzi otworzył most – źle.</p>"
        )
        article = read_one(tmp_path, "a.html", page.replace("–", "-").encode(encoding))
        assert "Burmistrz Łodzi otworzył most - źle." in article.text

    def test_a_page_under_a_text_name(self, tmp_path):
        article = read_one(tmp_path, "a.txt", "<!DOCTYPE html><html><body><p>Only this is read.</p></body></html>")
        assert article.text == "Only this is read."

    def test_never_goes_to_the_network(self, tmp_path, monkeypatch):
        def refuse(*args, **kwargs):
            raise AssertionError("a page must not open a connection")

        monkeypatch.setattr(socket, "create_connection", refuse)
        monkeypatch.setattr(socket.socket, "connect", refuse)
        read_bytes(tmp_path, "a.html", b"http://127.0.0.1:9/article")
        page = b'<html><head><base href="http://127.0.0.1:9/"><link rel="canonical" href="/x"></head><body><p>Text.</p>'
        assert read_bytes(tmp_path, "b.html", page)[0][0].text == "Text."

    @pytest.mark.parametrize("data", [b"<html></html>", b"<p>", b"<div>" * 5000, b"<html><script>alert(1)</script>"])
    def test_pages_without_text(self, tmp_path, data):
        assert "main text" in only_reason(read_bytes(tmp_path, "a.html", data))

    @pytest.mark.parametrize("day", [r"\q2024-01-01", r"\u20", r"\ud800", "2024-13-77", "2024-01-01"])
    def test_a_broken_date_costs_only_itself(self, tmp_path, day):
        script = f'{{"datePublished": "{day}"}}'
        head = f'<head><script type="application/ld+json">{script}</script></head>'
        page = f"<html>{head}<body><p>Only this is read.</p></body></html>"
        article = read_one(tmp_path, "a.html", page)
        assert article.text == "Only this is read."
        assert article.published == (date(2024, 1, 1) if day == "2024-01-01" else None)

    @pytest.mark.parametrize("step", ["_extract", "_list_blocks", "_find_published", "split_authors", "web_address"])
    def test_whatever_fails_in_one_page_the_rest_is_read(self, tmp_path, monkeypatch, step):
        def fail(*values):
            raise RuntimeError("unforeseen")

        monkeypatch.setattr(index.webpages, step, fail)
        (tmp_path / "a.html").write_text("<html><body><p>Only this is read.</p></body></html>")
        (tmp_path / "b.txt").write_text("Good.")
        articles, skipped = read(tmp_path)
        assert [article.text for article in articles] == ["Good."]
        assert "RuntimeError" in skipped[0].reason

    def test_many_comments_and_no_page(self, tmp_path):
        """Tried in every grouping, thirty of them would take minutes."""
        text = "<!---->" * 1000 + "x"
        assert read_one(tmp_path, "a.txt", text).text == text
        assert (
            read_one(tmp_path, "b.txt", "<!-- a -->\n" * 200 + "<html><body><p>Text.</p></body></html>").text == "Text."
        )

    def test_says_nothing_on_standard_error(self, tmp_path, capfd):
        read_bytes(tmp_path, "a.html", b"<html><body></body></html>")
        assert capfd.readouterr() == ("", "")


class TestEncodings:
    TEXT = "The café in Orléans reopened – “déjà vu”, said the mayor."

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
    def test_text_files(self, tmp_path, encoding):
        assert read_one(tmp_path, "a.txt", self.TEXT.encode(encoding)).text == self.TEXT

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
    @pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
    def test_json(self, tmp_path, encoding, name):
        data = json.dumps({"text": self.TEXT}, ensure_ascii=False) + "\n"
        assert read_one(tmp_path, name, data.encode(encoding)).text == self.TEXT

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("koi8-r", "Мэр города объявил во вторник, что мост откроется в следующем месяце."),
            ("shift_jis", "市長は火曜日、橋が来月再開されると発表した。修理には十四か月かかった。"),
            ("gb18030", "市长星期二宣布，大桥将于下个月重新开放。维修工程历时十四个月。"),
            (
                "iso8859_2",
                "Burmistrz Łodzi ogłosił we wtorek, że most zostanie otwarty w przyszłym miesiącu po długim remoncie.",
            ),
        ],
    )
    def test_undeclared(self, tmp_path, encoding, text):
        assert read_one(tmp_path, "a.txt", text.encode(encoding)).text == text

    def test_one_damaged_byte_does_not_turn_utf8_into_something_else(self, tmp_path):
        article = read_one(tmp_path, "a.txt", "Łódź, Kraków, Gdańsk".encode() + b" \xff Zielona G\xc3\xb3ra")
        assert article.text == "Łódź, Kraków, Gdańsk \ufffd Zielona Góra"

    def test_one_nul_is_removed(self, tmp_path):
        assert read_one(tmp_path, "a.txt", b"The bridge re\0opened on Tuesday. " * 9).text.startswith(
            "The bridge reopened"
        )


class TestDates:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("2020/05/20", date(2020, 5, 20)),
            ("2020-05-20", date(2020, 5, 20)),
            ("20200520", date(2020, 5, 20)),
            (20200520, date(2020, 5, 20)),
            ("May 20, 2020", date(2020, 5, 20)),
            ("20 May 2020", date(2020, 5, 20)),
            ("Updated: May 20, 2020", date(2020, 5, 20)),
            ("2020-05-20T00:00:00", datetime(2020, 5, 20)),
            ("2020-05-20T10:00:55Z", datetime(2020, 5, 20, 10, 0, 55, tzinfo=UTC)),
            ("2020-05-20T10:00:55.5+05:30", datetime(2020, 5, 20, 4, 30, 55, 500_000, tzinfo=UTC)),
            ("Wed, 20 May 2020 10:00:55 GMT", datetime(2020, 5, 20, 10, 0, 55, tzinfo=UTC)),
            ("Wed, 20 May 2020 10:00:55 EST", datetime(2020, 5, 20, 15, 0, 55, tzinfo=UTC)),
            ("2020-05-20 10:00 GMT+3", datetime(2020, 5, 20, 7, tzinfo=UTC)),
            ("May 20, 2020, 9:29 a.m. ET", datetime(2020, 5, 20, 9, 29)),
            (1589932800, datetime(2020, 5, 20, tzinfo=UTC)),
            (1589932800.0, datetime(2020, 5, 20, tzinfo=UTC)),
            (1589932800000, datetime(2020, 5, 20, tzinfo=UTC)),
            ("1589932800", datetime(2020, 5, 20, tzinfo=UTC)),
        ],
    )
    def test_forms(self, value, expected):
        found = parse_published(value)
        assert found == expected
        assert type(found) is type(expected)

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "soon",
            "May 2020",
            "Monday",
            "10:30",
            "2020",
            2020,
            "2020-13-45",
            "0001-01-01T00:00:00",
            "9" * 90,
            None,
            True,
        ]
        + [
            float("nan"),
            float("inf"),
            1e300,
            pytest.param(10**5000, id="huge"),
            "2020-05-20T10:00+99:99",
            {"a": 1},
            ["2020-05-20"],
            pytest.param("x" * 10**6, id="long"),
        ],
    )
    def test_what_names_no_day_is_none(self, value):
        assert parse_published(value) is None

    @given(st.one_of(st.text(max_size=60), st.integers(), st.floats(), st.from_regex(r"[0-9:/ TZ+.,-]{1,30}")))
    def test_never_raises(self, value):
        found = parse_published(value)
        assert found is None or found.isoformat()


class TestIds:
    def test_address_without_its_trimmings(self, tmp_path):
        def id_of(url: str) -> str:
            return read_record(tmp_path, text="x", url=url).id

        plain = id_of("https://n.example/a?p=1")
        assert len(plain) == 16
        for url in ("HTTPS://N.example:443/a?p=1#top", "https://n.example/a?utm_source=x&p=1&fbclid=y"):
            assert id_of(url) == plain
        for url in ("https://n.example/a?p=2", "https://n.example/A?p=1", "https://m.example/a?p=1"):
            assert id_of(url) != plain

    def test_the_address_of_a_site_tells_no_articles_apart(self, tmp_path):
        records = [{"text": text, "url": "https://n.example/"} for text in ("One", "Two")]
        articles, _ = read_bytes(tmp_path, "a.jsonl", lines(*records))
        assert articles[0].id != articles[1].id

    def test_equal_texts_keep_their_own_ids(self, tmp_path):
        (tmp_path / "deep").mkdir()
        for name in ("a.txt", "b.txt", "deep/a.txt"):
            (tmp_path / name).write_text("The same words.")
        (tmp_path / "c.jsonl").write_bytes(lines({"text": "The same words."}, {"text": "The same words."}))
        articles, _ = read(tmp_path)
        assert len({article.id for article in articles}) == 5

    def test_the_folder_is_part_of_the_name(self, tmp_path):
        """Also when each is read alone: they may come into one index one after the other."""
        ids = set()
        for folder in ("jan/articles", "feb/articles"):
            (tmp_path / folder).mkdir(parents=True)
            (tmp_path / folder / "1.txt").write_text("Some words.")
            (tmp_path / folder / "2.jsonl").write_bytes(lines({"text": "One"}, {"text": "Two"}))
            ids.update(article.id for article in read(tmp_path / folder)[0])
        assert len(ids) == 6
        assert {article.id for article in read(tmp_path)[0]} == ids

    def test_an_address_outlives_a_move(self, tmp_path):
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "a.jsonl").write_bytes(lines({"text": "One", "url": "https://n.example/a"}))
        before, _ = read(tmp_path / "here")
        (tmp_path / "here").rename(tmp_path / "there")
        assert read(tmp_path / "there")[0] == before

    def test_a_file_has_one_id_however_it_is_named(self, tmp_path, monkeypatch):
        (tmp_path / "a.txt").write_text("Some words.")
        monkeypatch.chdir(tmp_path)
        assert read(tmp_path)[0] == read(tmp_path / "a.txt")[0] == read(Path("a.txt"))[0] == read(Path("."))[0]

    def test_folders_of_one_name_stay_apart(self, tmp_path):
        for parent in ("x", "y"):
            (tmp_path / parent / "news").mkdir(parents=True)
            (tmp_path / parent / "news" / "a.txt").write_text("Some words.")
        articles, _ = read(tmp_path / "x" / "news", tmp_path / "y" / "news")
        assert len({article.id for article in articles}) == 2


class TestFolders:
    def test_order_hidden_files_and_endings(self, tmp_path):
        for name in ("b.txt", "a/z.txt", "a/.hidden.txt", ".git/c.txt", "a/b.JSON", "photo.png", "style.css"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text('{"text": "x"}' if name.endswith("JSON") else "x")
        (tmp_path / "report.docx").write_bytes(b"PK")
        (tmp_path / "README").write_text("x")
        items = list(read_articles([tmp_path]))
        assert [item.origin for item in items if isinstance(item, Found)] == [
            str(tmp_path / name) for name in ("a/b.JSON", "a/z.txt", "b.txt")
        ]
        skipped = {Path(item.path).name: item.reason for item in items if isinstance(item, Skipped)}
        assert skipped.keys() == {"README", "report.docx"}
        assert ".docx" in skipped["report.docx"] and "without an ending" in skipped["README"]

    def test_nothing_is_read_twice(self, tmp_path):
        (tmp_path / "a.txt").write_text("x")
        (tmp_path / "notes.md").write_text("y")
        articles, skipped = read(tmp_path / "a.txt", tmp_path, tmp_path, tmp_path / "notes.md")
        assert sorted(article.text for article in articles) == ["x", "y"]

    def test_a_hidden_file_that_is_named_is_read(self, tmp_path):
        (tmp_path / ".a.txt").write_text("x")
        assert len(read(tmp_path, tmp_path / ".a.txt")[0]) == 1

    def test_links_that_lead_back(self, tmp_path):
        (tmp_path / "inner").mkdir()
        (tmp_path / "inner" / "a.txt").write_text("x")
        (tmp_path / "inner" / "up").symlink_to(tmp_path)
        (tmp_path / "self.txt").symlink_to(tmp_path / "self.txt")
        (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
        articles, skipped = read(tmp_path)
        assert len(articles) == 1
        reasons = {Path(item.path).name: item.reason for item in skipped}
        assert "read already" in reasons["up"]
        assert "leads nowhere" in reasons["gone.txt"]
        assert "cannot be read" in reasons["self.txt"]

    def test_a_path_that_does_not_exist(self, tmp_path):
        assert "no such file" in only_reason(read(tmp_path / "nowhere.txt"))
        assert "cannot be read" in only_reason(read(Path("a\0b.txt")))

    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "a.txt")
        assert "not a regular file" in only_reason(read(tmp_path))

    def test_what_may_not_be_read(self, tmp_path):
        (tmp_path / "a.txt").write_text("x")
        (tmp_path / "a.txt").chmod(0)
        if os.access(tmp_path / "a.txt", os.R_OK):
            pytest.skip("root may read everything")
        (tmp_path / "inner").mkdir(mode=0)
        _, skipped = read(tmp_path)
        assert len(skipped) == 2
        assert all("permissions" in item.reason for item in skipped)

    def test_a_file_that_fails_while_it_is_read(self, tmp_path):
        (tmp_path / "a.txt").symlink_to("/proc/self/mem")  # opens, and then fails for everyone
        if not os.path.exists("/proc/self/mem"):
            pytest.skip("needs /proc")
        assert "cannot be read" in only_reason(read(tmp_path / "a.txt"))

    def test_links_that_lead_out_of_the_folder(self, tmp_path):
        for name in ("news", "secret"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "a.txt").write_text(name)
        (tmp_path / "news" / "deep").mkdir()
        (tmp_path / "news" / "deep" / "in.txt").symlink_to("../a.txt")
        (tmp_path / "news" / "folder").symlink_to("../secret")
        (tmp_path / "news" / "file.txt").symlink_to(tmp_path / "secret" / "a.txt")
        (tmp_path / "link").symlink_to(tmp_path / "news")
        for root in (tmp_path / "news", tmp_path / "link"):
            articles, skipped = read(root)
            assert [article.text for article in articles] == ["news", "news"]
            assert {Path(item.path).name: item.whole for item in skipped} == {"folder": True, "file.txt": True}
            assert all("leads out" in item.reason for item in skipped)
        assert read(tmp_path / "news" / "folder")[0][0].text == "secret"

    def test_names_that_are_no_utf8(self, tmp_path):
        name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt")
        try:
            Path(name).write_text("x. y")
        except OSError:
            pytest.skip("this file system takes UTF-8 names alone")
        found = next(read_articles([tmp_path]))
        assert found.origin.encode().endswith(b"/caf\\xe9.txt")
        assert found.article.title.encode()


class TestWholeOrNot:
    """``whole``: the rest was not read, so that what an earlier build found there must stay."""

    @pytest.mark.parametrize(
        ("name", "data", "whole"),
        [
            ("a.json", b'[{"text": "x"},\n,{"text": "y"}]', [True]),
            ("a.json", b'[{"text": "x"}],', [True]),
            ("a.json", json.dumps([{"text": "x"}], indent=1).encode() + b"\n,", [True]),
            ("a.json", b"[" * 100_000, [True]),
            ("a.json", b"[%s]" % (b"9" * 5000), [True]),
            ("a.json", b'[{"text": "x"}, {"title": "no text"}]', [False]),
            ("a.json", b"[]", [False]),
            ("a.json", b"7", [False]),
            ("a.json", b"", [False]),
            ("a.jsonl", b'{"text": "x"}\n{broken\n', [False]),
            ("a.jsonl", b"x\n" * 9, [False] * 5 + [True]),
            ("a.jsonl", b'{"text": "' + b"x" * 5000 + b'"}', [False]),
            ("a.txt", b" ", [False]),
            ("a.txt", b"x" * 5000, [True]),
            ("a.txt", b"\0" * 300, [True]),
            ("a.html", b"<html></html>", [True]),
            ("a.txt.gz", b"\x1f\x8b broken", [True]),
            ("a.jsonl.gz", gzip.compress(lines(*({"text": f"{n}"} for n in range(999))))[:-300], [True]),
        ],
    )
    def test_faults(self, tmp_path, name, data, whole):
        _, skipped = read_bytes(
            tmp_path, name, data, Limits(line=4000, file=4000 if name == "a.txt" else 1 << 20, faults=5)
        )
        assert [item.whole for item in skipped] == whole

    def test_files_and_folders(self, tmp_path):
        (tmp_path / "inner").mkdir()
        (tmp_path / "inner" / "up").symlink_to(tmp_path)
        (tmp_path / "self").symlink_to(tmp_path / "self")
        (tmp_path / "gone.txt").symlink_to(tmp_path / "nowhere")
        (tmp_path / "notes.tex").write_text("x")
        os.mkfifo(tmp_path / "pipe.txt")
        _, skipped = read(tmp_path, tmp_path / "missing", tmp_path / "notes.tex" / "below", tmp_path / "self")
        assert {Path(item.path).name: item.whole for item in skipped} == {
            "up": False,
            "self": True,
            "gone.txt": False,
            "notes.tex": True,
            "pipe.txt": True,
            "missing": False,
            "below": False,
        }


class TestHostileFiles:
    def test_empty(self, tmp_path):
        for name in ("a.txt", "a.jsonl", "a.html", "a.json"):
            assert "empty" in only_reason(read_bytes(tmp_path, name, b""))
        assert "empty" in only_reason(read_bytes(tmp_path, "a.txt.gz", gzip.compress(b"")))
        assert "no text" in only_reason(read_bytes(tmp_path, "b.txt", b" \n\t\n"))
        assert "holds no article" in only_reason(read_bytes(tmp_path, "b.jsonl", b"\n \n"))

    @pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.html", "a.json", "a.bin"])
    def test_binary(self, tmp_path, name):
        noise = random.Random(7).randbytes(20_000)
        for data in (noise, b"\x89PNG\r\n\x1a\n" + noise, b"%PDF-1.7\nplain so far", b"\0" * 9000, b"PK\x03\x04x"):
            assert "binary" in only_reason(read_bytes(tmp_path, name, data))

    def test_binary_in_gzip(self, tmp_path):
        noise = random.Random(7).randbytes(20_000)
        assert "binary" in only_reason(read_bytes(tmp_path, "a.jsonl.gz", gzip.compress(noise)))

    def test_truncated_gzip_keeps_what_came_before(self, tmp_path):
        rng = random.Random(7)
        data = gzip.compress(lines(*({"text": rng.randbytes(400).hex()} for _ in range(2000))))
        articles, skipped = read_bytes(tmp_path, "a.jsonl.gz", data[: len(data) // 2])
        assert 100 < len(articles) < 2000
        assert ["gzip" in item.reason for item in skipped] == [True]
        assert "gzip" in only_reason(read_bytes(tmp_path, "b.txt.gz", data[:30]))

    def test_damaged_gzip(self, tmp_path):
        data = bytearray(gzip.compress(lines({"text": "x" * 1000})))
        data[-6] ^= 1  # the checksum
        articles, skipped = read_bytes(tmp_path, "a.jsonl.gz", bytes(data))
        assert "gzip" in skipped[-1].reason
        data[14] ^= 255
        assert "gzip" in read_bytes(tmp_path, "b.jsonl.gz", bytes(data))[1][-1].reason

    def test_gzip_in_name_only_and_unnamed(self, tmp_path):
        assert read_one(tmp_path, "a.jsonl.gz", lines({"text": "x"})).text == "x"
        assert read_one(tmp_path, "a.jsonl", gzip.compress(lines({"text": "x"}))).text == "x"

    def test_a_line_of_forty_megabytes_is_passed_over(self, tmp_path):
        path = tmp_path / "a.jsonl.gz"
        zeros = gzip.compress(b"0" * (1 << 20), 1)
        with path.open("wb") as file:  # gzip members may follow each other
            file.write(gzip.compress(lines({"text": "before"}) + b'{"text": "'))
            file.write(zeros * 40)
            file.write(gzip.compress(b'"}\n' + lines({"text": "after"})))
        articles, skipped = read(path)
        assert [article.text for article in articles] == ["before", "after"]
        assert [item.line for item in skipped] == [2]
        assert "longer than 8 MB" in skipped[0].reason

    def test_holds_one_line_at_most(self, tmp_path):
        import tracemalloc

        limits = Limits(line=1 << 20)
        path = tmp_path / "a.jsonl.gz"
        path.write_bytes(gzip.compress(b"0" * (40 << 20) + b"\n" + lines({"text": "after"})))
        list(read_articles([DATA / "pages" / "bridge.html"]))  # what loads once does not count
        tracemalloc.start()
        try:
            articles, _ = read(path, limits=limits)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert [article.text for article in articles] == ["after"]
        assert peak < 8 << 20

    def test_a_line_as_long_as_the_limit_is_read(self, tmp_path):
        line = lines({"text": "x" * 100})
        limit = len(line) - 1
        assert len(read_bytes(tmp_path, "a.jsonl", line * 2, Limits(line=limit))[0]) == 2
        assert len(read_bytes(tmp_path, "a.jsonl", line.strip(), Limits(line=limit))[0]) == 1
        assert "longer than" in read_bytes(tmp_path, "a.jsonl", line, Limits(line=limit - 1))[1][0].reason

    @pytest.mark.parametrize("name", ["a.txt", "a.html", "a.md", "a.xml"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_files_beyond_the_limit(self, tmp_path, name, packed):
        data = b'["' + b"a" * 5000 + b'"]'
        name, data = (f"{name}.gz", gzip.compress(data)) if packed else (name, data)
        reason = only_reason(read_bytes(tmp_path, name, data, Limits(file=4000, page=4000)))
        assert "larger than 4,000 bytes" in reason and "JSON Lines" in reason

    def test_large_json_lines_under_another_name_have_no_limit(self, tmp_path):
        articles, skipped = read_bytes(tmp_path, "a.json", lines({"text": "x" * 300}) * 50, Limits(document=4000))
        assert (len(articles), skipped) == (50, [])

    def test_a_file_of_faults_ends(self, tmp_path):
        articles, skipped = read_bytes(tmp_path, "a.jsonl", b"x\n" * 500, Limits(faults=20))
        assert len(skipped) == 21
        assert "rest was not read" in skipped[-1].reason

    def test_the_rest_is_always_read(self, tmp_path):
        noise = random.Random(7).randbytes(5000)
        files = {
            "a.txt": noise,
            "b.json": b"{",
            "c.jsonl.gz": b"\x1f\x8b\x08garbage",
            "d.html": b"<html>",
            "e.txt": b"Good.",
        }
        for name, data in files.items():
            (tmp_path / name).write_bytes(data)
        articles, skipped = read(tmp_path)
        assert [article.text for article in articles] == ["Good."]
        assert [Path(item.path).name for item in skipped] == ["a.txt", "b.json", "c.jsonl.gz", "d.html"]

    @given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.jsonl", "a.json", "a.jsonl.gz", "a"]))
    def test_no_bytes_raise(self, tmp_path_factory, data, name):
        folder = tmp_path_factory.mktemp("any")
        for content in (data, gzip.compress(data)[: len(data) + 5]):
            articles, skipped = read_bytes(folder, name, content)
            assert articles or skipped
            for article in articles:
                assert article.text and article.text == clean_text(article.text)
                assert article.id and "\n" not in article.title


ANY_TEXT = st.text(st.characters(exclude_categories=()))  # lone surrogates too


class TestCleaning:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("a\r\nb\rc\nd", "a\nb\nc\nd"),
            ("a\0b\x07c\x7fd\x9fe\tf", "abcde\tf"),
            ("end.\fNext\vline\x85here", "end.\nNext\nline\nhere"),
            ("\ud83d lone \udc00", "\ufffd lone \ufffd"),
            (" \u3000\n x \n", "x"),
            (
                "e\u0301 \u00e9 \ufb01 \u200f\u202eאב\u202c 👩\u200d🚒 \u00a0 \u2028",
                "e\u0301 \u00e9 \ufb01 \u200f\u202eאב\u202c 👩\u200d🚒",
            ),
        ],
    )
    def test_what_changes_and_what_does_not(self, text, expected):
        assert clean_text(text) == expected

    @given(ANY_TEXT)
    def test_idempotent(self, text):
        once = clean_text(text)
        assert clean_text(once) == once
        assert clean_title(clean_title(text)) == clean_title(text)
        assert "\n" not in clean_title(text)

    @pytest.mark.parametrize("blank", [" ", "\u00a0", "\t", "\n", " \n", "\u2028 "])
    def test_a_megabyte_of_blanks(self, blank):
        """What takes time by the square of their number would never end here."""
        run = blank * ((1 << 20) // len(blank))
        for text in (f"a{run}b", f"a{run};{run}b{run}and{run}c", run):
            assert len(clean_title(text)) <= LONGEST_TITLE
            assert len(headline(clean_text(text))) <= 91
            split_authors(text)
        assert split_authors(f"By a{run}and{run}b{run};{run}c") == ("a", "b", "c")

    def test_titles_are_cut_between_words(self):
        words = "word " * 60
        assert clean_title(words + "more") == words.strip()
        assert clean_title("x" + words + "more") == "x" + words.strip()
        assert clean_title("xx" + words + "more") == ("xx" + words)[:-6]
        assert clean_title("x" * 299 + " more") == "x" * 299
        assert clean_title("x" * 300 + " more") == "x" * 300
        assert clean_title("x" * 5000) == "x" * 300

    def test_many_authors_are_not_cut(self):
        names = tuple(f"Firstname{n} Lastname{n}" for n in range(100))
        assert split_authors("By " + "; ".join(names)) == split_authors(list(names)) == names

    def test_what_a_heading_loses_stays_in_the_text(self, tmp_path):
        words = " ".join(f"word{n}" for n in range(100))
        article = read_one(tmp_path, "a.txt", f"date 2024-09-09 {words}\n\nThe end.")
        assert words.startswith(article.title) and len(article.title) <= LONGEST_TITLE
        assert article.text == f"{words}\n\nThe end."

    @given(ANY_TEXT)
    def test_offsets_outlive_json_and_utf8(self, text):
        cleaned = clean_text(text)
        assert json.loads(json.dumps(cleaned)) == cleaned
        assert json.loads(json.dumps(cleaned, ensure_ascii=False).encode()) == cleaned
        assert cleaned.encode("utf-8").decode("utf-8") == cleaned
        units = cleaned.encode("utf-16-le")  # what a browser counts in
        assert len(units) // 2 == len(cleaned) + sum(char > "\uffff" for char in cleaned)

    @given(st.lists(ANY_TEXT, min_size=1, max_size=5), st.booleans())
    def test_any_text_survives_json_lines(self, tmp_path_factory, texts, escaped):
        path = tmp_path_factory.mktemp("any") / "a.jsonl"
        rows = (json.dumps({"id": str(n), "text": text}, ensure_ascii=escaped) for n, text in enumerate(texts))
        path.write_bytes("".join(row + "\n" for row in rows).encode("utf-8", "replace"))
        found = {article.id: article.text for article in read(path)[0]}
        for number, text in enumerate(texts):
            if not escaped:  # a lone surrogate has no UTF-8
                text = text.encode("utf-8", "replace").decode()
            assert found.get(str(number), "") == clean_text(text)


class TestSamples:
    SAMPLES = DATA.parent.parent / "samples"

    def test_every_sample_is_read(self):
        articles, skipped = read(self.SAMPLES)
        assert skipped == []
        assert len({article.id for article in articles}) == len(articles) == 20
        for article in articles:
            assert article.title and article.published and 150 <= len(article.text.split()) <= 500
        by_title = {article.title: article for article in articles}
        live = by_title["Live: storm Ragna reaches the Aldern coast"]
        assert live.published == datetime(2025, 10, 21, 22, 30)
        assert by_title["Central bank of Corland cuts its rate to 3.25 percent"].source == "Atlas Observer"

    def test_answers_stand_in_the_samples(self):
        texts = [article.text for article in read(self.SAMPLES)[0]]
        rows = (DATA / "sample_questions.jsonl").read_text(encoding="utf-8").splitlines()
        questions = [json.loads(row) for row in rows]
        assert [len([q for q in questions if bool(q["answers"]) is known]) for known in (True, False)] == [25, 6]
        for question in questions:
            for answer in question["answers"]:
                assert any(answer in text for text in texts), answer
