"""From scores of tokens to spans of text, with windows made by hand."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.reader import _LONGEST_ANSWER, Reading, Window, _best_window, cut_windows, decode

TEXT = "The new bridge will open on 4 May, the city said on Monday."
QUESTION = ["[CLS]", "When", "will", "it", "open", "[SEP]"]


def window_of(text: str, tokens: str = r"\w+|[^\w\s]") -> Window:
    """Question, separators and the tokens of ``text``, as a tokenizer would give them."""
    offsets = [match.span() for match in re.finditer(tokens, text)]
    places = [(-1, -1)] * len(QUESTION) + offsets + [(-1, -1)]
    return Window(0, list(range(len(places))), [0] * len(places), places)


def scores_for(window: Window, text: str, wanted: dict[str, float], null: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Half of each phrase's score at its first token, half at its last; -9 elsewhere."""
    starts = np.full(len(window.ids), -9.0, dtype=np.float32)
    ends = starts.copy()
    starts[0] = ends[0] = null / 2
    for phrase, score in wanted.items():
        first = text.index(phrase)
        last = first + len(phrase)
        starts[next(i for i, (s, e) in enumerate(window.offsets) if s <= first < e)] = score / 2
        ends[next(i for i, (s, e) in enumerate(window.offsets) if s < last <= e)] = score / 2
    return starts, ends


def decoded(text: str, wanted: dict[str, float], null: float = 0.0) -> tuple[list[str], Reading]:
    window = window_of(text)
    reading = decode(window, *scores_for(window, text, wanted, null), text)
    return [text[start:end] for start, end, _ in reading.spans], reading


class TestDecode:
    def test_the_best_span_comes_first_with_its_score(self):
        texts, reading = decoded(TEXT, {"4 May": 8, "Monday": 6}, null=3)
        assert texts[:2] == ["4 May", "Monday"]
        assert [score for _, _, score in reading.spans[:2]] == [8, 6]
        assert reading.null == 3

    def test_no_span_runs_over_a_blank_line(self):
        text = "The bridge will open on\n4 May.\n \nMonday news: the ferry sank."
        window = window_of(text)
        starts, ends = scores_for(window, text, {"4 May": 6, "Monday": 4})
        ends[np.argmax([offset == (text.index("sank"), text.index("sank") + 4) for offset in window.offsets])] = 9.0
        assert all("\n \n" not in text[start:end] for start, end, _ in decode(window, starts, ends, text).spans)
        texts, _ = decoded(text, {"on\n4 May": 6})
        assert texts[0] == "on\n4 May"  # a broken line is no paragraph

    def test_spans_do_not_overlap(self):
        window = window_of(TEXT)
        rng = np.random.default_rng(0)
        for _ in range(50):
            starts, ends = rng.normal(size=(2, len(window.ids))).astype(np.float32)
            spans = decode(window, starts, ends, TEXT).spans
            assert len(spans) in (1, 2, 3)
            ordered = sorted(spans)
            assert all(one[1] <= other[0] for one, other in zip(ordered, ordered[1:], strict=False))
            assert [s for _, _, s in spans] == sorted((s for _, _, s in spans), reverse=True)

    def test_it_is_the_best_of_all_pairs(self):
        window = window_of(TEXT)
        places = [i for i, (s, _) in enumerate(window.offsets) if s >= 0]
        rng = np.random.default_rng(1)
        for _ in range(30):
            starts, ends = rng.normal(size=(2, len(window.ids))).astype(np.float32)
            best = max(float(starts[a] + ends[b]) for a in places for b in places if 0 <= b - a < _LONGEST_ANSWER)
            assert decode(window, starts, ends, TEXT).spans[0][2] == pytest.approx(best)

    def test_question_and_separators_never_answer(self):
        window = window_of(TEXT)
        starts, ends = scores_for(window, TEXT, {"Monday": -4})
        starts[: len(QUESTION)] = ends[: len(QUESTION)] = 50
        starts[-1] = ends[-1] = 50
        reading = decode(window, starts, ends, TEXT)
        assert TEXT[slice(*reading.spans[0][:2])] == "Monday"
        assert reading.null == 100

    def test_an_end_never_comes_before_its_start(self):
        window = window_of(TEXT)
        starts, ends = scores_for(window, TEXT, {})
        starts[-2], ends[len(QUESTION)] = 20, 20  # the best start is the last token, the best end the first
        for start, end, score in decode(window, starts, ends, TEXT).spans:
            assert start < end
            assert score < 20

    def test_the_longest_answer_is_a_bound(self):
        text = " ".join(f"w{n}" for n in range(200))
        window = window_of(text)
        starts, ends = scores_for(window, text, {"w10": 10})
        first = len(QUESTION) + 10
        ends[first] = -9
        ends[first + _LONGEST_ANSWER - 1] = 5
        ends[first + _LONGEST_ANSWER] = 90
        best = decode(window, starts, ends, text).spans[0]
        assert len(text[best[0] : best[1]].split()) <= _LONGEST_ANSWER
        assert (best[0], best[1]) != (text.index("w10"), text.index(f"w{10 + _LONGEST_ANSWER}") + 3)

    def test_a_span_of_the_longest_length_is_found(self):
        text = " ".join(f"w{n}" for n in range(200))
        window = window_of(text)
        starts, ends = scores_for(window, text, {})
        first = len(QUESTION) + 10
        starts[first], ends[first + _LONGEST_ANSWER - 1] = 10, 10
        start, end, score = decode(window, starts, ends, text).spans[0]
        assert (text[start:end].split()[0], text[start:end].split()[-1], score) == (
            "w10",
            f"w{9 + _LONGEST_ANSWER}",
            20,
        )

    def test_nothing_of_the_text_gives_no_span(self):
        window = Window(0, [1, 2, 3], [0, 0, 0], [(-1, -1)] * 3)
        ones = np.ones(3, dtype=np.float32)
        assert decode(window, ones, ones, "") == Reading((), 2.0)

    def test_a_single_token(self):
        texts, _ = decoded("Yes", {"Yes": 1})
        assert texts == ["Yes"]

    def test_a_token_of_white_space_alone_gives_no_span(self):
        window = window_of("a b", r"\w|\s")
        starts, ends = scores_for(window, "a b", {" ": 9, "a": 1})
        assert all("a b"[start:end].strip() for start, end, _ in decode(window, starts, ends, "a b").spans)

    @pytest.mark.parametrize(
        ("text", "token", "whole"),
        [
            ("The café\u0301s closed", "cafe"[:3], "café\u0301s"),
            ("A naïve plan", "na", "naïve"),
            ("Look: 👨\u200d👩\u200d👧 here", "👨", "👨\u200d👩\u200d👧"),
            ("Won by 🇫🇷 today", "🇫", "🇫🇷"),
            ("Said \u202bשלום\u202c again", "שלו", "שלום"),
            ("An ofﬁce opened", "of", "ofﬁce"),
            ("A हिन्दी film", "ह", "हिन्दी"),
            ("An inter\u00adnational body", "inter", "inter\u00adnational"),
        ],
    )
    def test_a_token_that_cuts_a_word_is_widened(self, text, token, whole):
        start = text.index(token)
        window = Window(0, [0, 1], [0, 1], [(-1, -1), (start, start + len(token))])
        scores = np.array([0, 5], dtype=np.float32)
        ((first, last, _),) = decode(window, scores, scores, text).spans
        assert text[first:last] == whole

    @given(st.text(min_size=1, max_size=60), st.integers(0, 2**32 - 1))
    def test_any_text_gives_quotable_spans(self, text, seed):
        window = window_of(text, r"\w{1,3}|[^\w\s]|\s")
        scores = np.random.default_rng(seed).normal(size=(2, len(window.ids))).astype(np.float32)
        spans = decode(window, *scores, text).spans
        assert len(spans) <= 3
        for start, end, _ in spans:
            assert 0 <= start < end <= len(text)
            assert text[start:end] == text[start:end].strip()


def encoded(question: int, title: int, text: int) -> tuple[SimpleNamespace, int]:
    """An encoded pair of so many one-letter tokens, ``[CLS] q.. [SEP] title text.. [SEP]``, and the title's length."""
    sequences = [None, *[0] * question, None, *[1] * (title + text), None]
    letters = [(2 * i, 2 * i + 1) for i in range(title + text)]
    offsets = [(0, 0), *[(2 * i, 2 * i + 1) for i in range(question)], (0, 0), *letters, (0, 0)]
    ids = list(range(1000, 1000 + len(sequences)))
    types = [1 if sequence == 1 else 0 for sequence in sequences]
    return SimpleNamespace(sequence_ids=sequences, offsets=offsets, ids=ids, type_ids=types), 2 * title


class TestWindows:
    def test_a_short_text_is_one_window(self):
        encoding, prefix = encoded(3, 2, 4)
        (window,) = cut_windows(7, encoding, prefix, 50)
        assert window.text == 7
        assert window.ids == encoding.ids and window.types == encoding.type_ids
        none = (-1, -1)
        assert window.offsets == [none] * 5 + [none] * 2 + [(0, 1), (2, 3), (4, 5), (6, 7)] + [none]

    @pytest.mark.parametrize("title", [0, 5, 30, 200])
    @pytest.mark.parametrize("text", [1, 40, 41, 400])
    @pytest.mark.parametrize("longest", [24, 32, 64])
    def test_windows_cover_a_long_text(self, title, text, longest):
        encoding, prefix = encoded(6, title, text)
        windows = cut_windows(0, encoding, prefix, longest)
        assert all(len(window.ids) <= longest for window in windows)
        assert all(len(window.ids) == len(window.types) == len(window.offsets) for window in windows)
        for window in windows:
            assert window.ids[:8] == encoding.ids[:8] and window.ids[-1] == encoding.ids[-1]
            for place, offset in zip(window.ids, window.offsets, strict=True):
                at = place - 1000
                start, end = encoding.offsets[at]
                inside = encoding.sequence_ids[at] == 1 and start >= prefix
                assert offset == ((start - prefix, end - prefix) if inside else (-1, -1))
        seen = [offset for window in windows for offset in window.offsets if offset != (-1, -1)]
        assert set(seen) == {(2 * i, 2 * i + 1) for i in range(text)}

    def test_windows_share_a_quarter(self):
        encoding, prefix = encoded(6, 0, 400)
        first, second, *_ = cut_windows(0, encoding, prefix, 49)
        shared = set(first.offsets) & set(second.offsets) - {(-1, -1)}
        assert len(shared) == 10

    def test_a_token_of_no_width_is_no_place(self):
        encoding, prefix = encoded(1, 0, 3)
        encoding.offsets[4] = (2, 2)
        (window,) = cut_windows(0, encoding, prefix, 50)
        assert window.offsets[4] == (-1, -1)


class TestBestWindow:
    def test_it_is_the_one_with_the_best_span_whatever_its_null(self):
        low, high = Reading(((0, 1, 4.0),), 1.0), Reading(((5, 6, 9.0),), 8.0)
        assert _best_window([low, high]) == high
        assert _best_window([Reading((), -99.0), low]) == low
        assert _best_window([Reading((), 2.0)]) == Reading((), 2.0)
        assert _best_window([]).spans == ()
