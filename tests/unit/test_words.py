"""No quote begins or ends inside a word or a combined character, in any script."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qa.words import whole_words

FAMILY = "👨\u200d👩\u200d👧"
SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
# Each is what a reader sees as one word or one character, and must never be cut.
UNITS = [
    "naïve",
    "nai\u0308ve",
    "caf\u0065\u0301s",
    "ﬁnance",
    "North",
    "x2024y",
    "e\u0301\u0323\u0302",
    FAMILY,
    "👍🏽",
    "❤\ufe0f",
    "1\ufe0f\u20e3",
    "🇫🇷",
    SCOTLAND,
    "inter\u00adnational",
    "می\u200cخواهم",
    "हिन्दी",
    "עִבְרִית",
    "ab\u200fcd",
    "한국어",
    "\u1112\u1161\u11ab",
    "ﷺ",
    "Ǆ",
    "ก็",
    "น้ำ",
    "が",
    "か\u3099",
    "Žižek",
    "ДЕНЬ",
    "𝒽𝒶𝓉",
]
pieces = st.sampled_from([*UNITS, " ", "  ", "\n", "-", ".", ",", "“", "”", "(", "\u202b", "\u202c", "\u200b", "字"])
mixed = st.lists(pieces, max_size=8).map("".join)


@st.composite
def cuts(draw, texts=mixed) -> tuple[str, int, int]:
    text = draw(texts)
    start = draw(st.integers(0, len(text)))
    return text, start, draw(st.integers(start, len(text)))


class TestWholeWords:
    @pytest.mark.parametrize("unit", UNITS)
    def test_nothing_is_cut_anywhere(self, unit):
        text = f"({unit}) {unit}, {unit}"
        first = text.index(unit)
        for start in range(len(unit)):
            for end in range(start + 1, len(unit) + 1):
                assert whole_words(text, first + start, first + end) == (first, first + len(unit))

    @pytest.mark.parametrize(
        ("text", "start", "end", "expected"),
        [
            ("the North-Joint drill", 4, 9, "North"),
            ("the North-Joint drill", 3, 10, "North-"),
            ("Biden's plan", 0, 5, "Biden"),
            (" Sea of Japan ", 0, 14, "Sea of Japan"),
            ("from 15–20 years", 5, 7, "15"),
            ("🇫🇷🇩🇪🇮🇹", 2, 4, "🇩🇪"),
            ("🇫🇷🇩🇪🇮🇹", 1, 3, "🇫🇷🇩🇪"),
            ("東京は晴れ", 0, 2, "東京"),
            ("one\u200btwo", 0, 3, "one"),
            ("\u202bשלום\u202c world", 1, 5, "שלום"),
            ("a word", 1, 2, ""),
            ("a", 0, 0, ""),
            ("", 0, 0, ""),
        ],
    )
    def test_no_more_than_needed_is_taken(self, text, start, end, expected):
        found = whole_words(text, start, end)
        assert text[slice(*found)] == expected

    @given(cuts())
    @example(("e\u0301", 1, 2))
    @example((" \u0301x", 1, 2))
    @example((FAMILY, 1, 2))
    def test_a_stretch_is_inside_the_text_and_holds_what_was_asked_for(self, cut):
        text, start, end = cut
        first, last = whole_words(text, start, end)
        assert 0 <= first <= last <= len(text)
        asked = text[start:end]
        if asked.strip():
            assert first <= start + len(asked) - len(asked.lstrip())
            assert last >= start + len(asked.rstrip())
            assert text[first:last] == text[first:last].strip()

    @given(cuts(st.one_of(mixed, st.text(max_size=20))))
    def test_neither_end_splits_a_word_or_a_character(self, cut):
        text, start, end = cut
        first, last = whole_words(text, start, end)
        for at in (first, last) if first < last else ():
            if 0 < at < len(text) and not text[at - 1].isspace():
                before, after = text[at - 1], text[at]
                assert not unicodedata.category(after).startswith("M")
                assert before != "\u200d" and after not in "\u200c\u200d"
                if before.isascii() and after.isascii():
                    assert not (before.isalnum() and after.isalnum())

    @given(cuts())
    def test_doing_it_twice_changes_nothing(self, cut):
        text, start, end = cut
        once = whole_words(text, start, end)
        assert whole_words(text, *once) == once

    @pytest.mark.parametrize("run", ["\u200f", "\u0301", "🇫", "\u200d", " ", "\u00ad", "x"])
    def test_a_hostile_run_takes_no_quadratic_time(self, run):
        text = "a" + run * 100_000 + "b"
        first, last = whole_words(text, 50_000, 50_001)
        assert 0 <= first <= last <= len(text)
