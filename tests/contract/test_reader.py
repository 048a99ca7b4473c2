"""What every reader keeps to."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from qa.reader import Reader, Reading
from tests.fakes import PhraseReader, real_reader

QUESTION = "When was the harbour bridge opened?"
ANSWER = "9 July 1911"
TEXT = f"The harbour bridge was opened on {ANSWER} by Mayor Ilse Brandt. Trams have crossed it ever since."
OTHER = "The cat Rex was found in a box on Monday. Nobody knows how it got there."
TITLE = "Bridge opened on 1 June 1900, harbour says"
FILLER = "The council met again and talked about the budget, the parks and the price of bread. "
ODD = [
    "",
    " ",
    "…",
    "🌉",
    "字" * 3000,
    "x" * 20_000,
    "\u202eabc\u202c",
    "e\u0301" * 50,
    "\0",
    "a\u2028b",
    "[SEP] [CLS]",
    "\ufeffBOM",
    "Yes",
]


@pytest.fixture(scope="module", params=["fake", pytest.param("real", marks=pytest.mark.slow)])
def reader(request) -> Reader:
    if request.param == "real":
        return real_reader()
    return PhraseReader({ANSWER: 9.0, "Ilse Brandt": 3.0, "Rex": 1.0, "e": -1.0, "x": -2.0}, null=0.5)


def check(reading: Reading, text: str) -> None:
    assert len(reading.spans) <= 3
    assert reading.null == reading.null  # not a NaN
    scores = [score for _, _, score in reading.spans]
    assert scores == sorted(scores, reverse=True)
    for start, end, score in reading.spans:
        assert isinstance(start, int) and isinstance(end, int) and isinstance(score, float)
        assert 0 <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip() != ""
        assert text[start:end].encode()  # no half of a surrogate pair
    ordered = sorted(reading.spans)
    assert all(one[1] <= other[0] for one, other in zip(ordered, ordered[1:], strict=False))


class TestReader:
    def test_it_finds_the_answer(self, reader):
        (reading,) = reader.read(QUESTION, [("", TEXT)])
        check(reading, TEXT)
        start, end, score = reading.spans[0]
        assert ANSWER in TEXT[start:end]
        assert score > reading.null

    def test_there_is_a_reading_for_each_text_in_order(self, reader):
        texts = [("", OTHER), (TITLE, TEXT), ("", ""), ("", TEXT), ("", OTHER)]
        readings = reader.read(QUESTION, texts)
        assert len(readings) == 5
        for reading, (_, text) in zip(readings, texts, strict=True):
            check(reading, text)
        assert ANSWER in TEXT[slice(*readings[1].spans[0][:2])]
        assert ANSWER in TEXT[slice(*readings[3].spans[0][:2])]
        assert readings[2].spans == ()

    def test_nothing_to_read(self, reader):
        assert reader.read(QUESTION, []) == []

    def test_a_text_reads_the_same_in_any_company(self, reader):
        (alone,) = reader.read(QUESTION, [("", TEXT)])
        crowd = reader.read(QUESTION, [("", FILLER * 9), ("", TEXT), *[("", OTHER)] * 20])[1]
        assert alone.spans[0][:2] == crowd.spans[0][:2]
        assert alone.spans[0][2] - alone.null == pytest.approx(crowd.spans[0][2] - crowd.null, abs=0.5)

    def test_the_answer_reads_better_than_another_text(self, reader):
        good, bad = reader.read(QUESTION, [("", TEXT), ("", OTHER)])
        margins = [max((s for _, _, s in r.spans), default=-99.0) - r.null for r in (good, bad)]
        assert margins[0] > margins[1]

    @pytest.mark.parametrize("title", [TITLE, TITLE * 100, "…", "字" * 500])
    def test_a_title_never_answers(self, reader, title):
        readings = reader.read(QUESTION, [(title, OTHER), (title, TEXT), (title, ANSWER)])
        for reading, text in zip(readings, (OTHER, TEXT, ANSWER), strict=True):
            check(reading, text)

    @pytest.mark.parametrize("text", ODD)
    def test_any_text_may_be_read(self, reader, text):
        for title in ("", "Title"):
            (reading,) = reader.read(QUESTION, [(title, text)])
            check(reading, text)

    @pytest.mark.parametrize("question", ["", "?", "when " * 2000, "字" * 500, "[SEP]", "\0", "🌉", "opened"])
    def test_any_question_may_be_asked(self, reader, question):
        (reading,) = reader.read(question, [("", TEXT)])
        check(reading, TEXT)

    @pytest.mark.parametrize("before", [0, 8, 60])
    def test_a_long_text_is_read_to_its_end(self, reader, before):
        text = FILLER * before + TEXT + " " + FILLER * 5
        for reading in (reader.read(QUESTION, [("Title", text)])[0], reader.read_text(QUESTION, text)):
            check(reading, text)
            start, end, _ = reading.spans[0]
            assert ANSWER in text[start:end]
            assert start >= before * len(FILLER)

    @pytest.mark.parametrize("text", ODD)
    def test_read_text_takes_any_text(self, reader, text):
        check(reader.read_text(QUESTION, text), text)

    def test_any_thread_may_read(self, reader):
        texts = [("", TEXT), ("", OTHER), ("", FILLER * 30)]
        expected = [reading.spans[:1] for reading in reader.read(QUESTION, texts)]
        with ThreadPoolExecutor(6) as pool:
            for readings in pool.map(lambda _: reader.read(QUESTION, texts), range(12)):
                found = [reading.spans[:1] for reading in readings]
                assert [[s[:2] for s in spans] for spans in found] == [[s[:2] for s in spans] for spans in expected]
