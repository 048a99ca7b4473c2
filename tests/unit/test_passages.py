"""Sentences and windows: nothing lost, nothing drifting, always an end."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.passages import Passage, split_article, split_sentences, split_text

# Made of what the rules look at, so that chance finds their corners.
marked = st.text(alphabet=" \n\t\u00a0\u2028.!?…\"'”’»)]([“AbcÉ9.U字é\u0301🌉", max_size=80)
anything = st.one_of(marked, st.text(max_size=80))


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in split_sentences(text)]


class TestSentences:
    @given(anything)
    def test_every_visible_character_lies_in_exactly_one(self, text):
        times = [0] * len(text)
        for start, end in split_sentences(text):
            assert start < end
            assert not text[start].isspace() and not text[end - 1].isspace()
            for at in range(start, end):
                times[at] += 1
        assert all(count == 1 for count, character in zip(times, text, strict=True) if not character.isspace())
        assert max(times, default=0) <= 1

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("He came. She left! Who? All… Nobody.", ["He came.", "She left!", "Who?", "All…", "Nobody."]),
            ("Mr. Smith met Mrs. Jones. They spoke.", ["Mr. Smith met Mrs. Jones.", "They spoke."]),
            ("It rained. Mr. Smith left. Dr. Wu stayed.", ["It rained.", "Mr. Smith left.", "Dr. Wu stayed."]),
            ("It rained. U.S. Army units came.", ["It rained.", "U.S. Army units came."]),
            ("It rained. Jan. 6 was dry. (Gen. Lee slept.)", ["It rained.", "Jan. 6 was dry.", "(Gen. Lee slept.)"]),
            ("The U.S. Senate voted on Jan. 6 in Washington.", ["The U.S. Senate voted on Jan. 6 in Washington."]),
            ("John F. Kennedy spoke. Then he left.", ["John F. Kennedy spoke.", "Then he left."]),
            ("It fell 3.5 percent to 1.2 million. Bonds rose.", ["It fell 3.5 percent to 1.2 million.", "Bonds rose."]),
            ("“Stop.” “Why?” she asked.", ["“Stop.”", "“Why?” she asked."]),
            ('He said "no." Then (he left.) 40 stayed.', ['He said "no."', "Then (he left.)", "40 stayed."]),
            ("He said (“no.”) They left.", ["He said (“no.”)", "They left."]),
            ("A headline\nThe text. More\n\n  Last  \n", ["A headline", "The text.", "More", "Last"]),
            ("the end. or not. École fermée. École vide.", ["the end. or not.", "École fermée.", "École vide."]),
            ("一句话。又一句话。", ["一句话。又一句话。"]),
            (" \n\t ", []),
            ("", []),
            (".", ["."]),
        ],
    )
    def test_where_they_end(self, text, expected):
        assert sentences(text) == expected

    @pytest.mark.parametrize("run", [" ", "\u00a0", "\n", " \n", ". ", "(", "A. ", ". (", "…”", "\t\u2028"])
    def test_a_hostile_run_takes_no_quadratic_time(self, run):
        text = "He left." + run * 200_000 + "x"
        assert len(split_sentences(text)) >= 1  # a quadratic scan would take minutes here


class TestWindows:
    @given(anything, st.integers(1, 6), st.integers(0, 8))
    def test_any_text_is_covered_in_order(self, text, size, overlap):
        windows = split_text(text, size, overlap)
        covered = [False] * len(text)
        for start, end in windows:
            assert 0 <= start < end <= len(text)
            assert not text[start].isspace() and not text[end - 1].isspace()
            covered[start:end] = [True] * (end - start)
        assert all(inside or character.isspace() for inside, character in zip(covered, text, strict=True))
        for (start, end), (next_start, next_end) in zip(windows, windows[1:], strict=False):
            assert start < next_start and end < next_end

    @given(anything, st.integers(1, 6), st.integers(0, 8))
    def test_size_and_overlap_are_bounds(self, text, size, overlap):
        windows = split_text(text, size, overlap)
        for start, end in windows:
            assert len(text[start:end].split()) <= size
            assert end - start <= 16 * size
        for (_, end), (next_start, _) in zip(windows, windows[1:], strict=False):
            assert len(text[next_start:end].split()) <= overlap

    def test_windows_end_at_sentences(self):
        text = " ".join(f"Sentence number {n} has exactly seven words." for n in range(40))
        windows = split_text(text, 30, 8)
        assert [text[start:end] for start, end in windows[:2]] == [
            " ".join(f"Sentence number {n} has exactly seven words." for n in range(4)),
            " ".join(f"Sentence number {n} has exactly seven words." for n in range(3, 7)),
        ]
        assert windows[-1][1] == len(text)

    def test_a_sentence_longer_than_a_window_is_cut_between_words(self):
        text = " ".join(f"word{n}" for n in range(25)) + "."
        assert [text[start:end].split()[0] for start, end in split_text(text, 10, 3)] == ["word0", "word10", "word20"]

    def test_a_long_sentence_leaves_room_for_itself(self):
        text = "One two three. " + " ".join(["Word"] * 10) + ". Last."
        windows = [text[start:end] for start, end in split_text(text, 10, 5)]
        assert windows == ["One two three.", " ".join(["Word"] * 10) + ".", "Last."]

    @pytest.mark.parametrize("text", ["x" * 100_000, "字" * 100_000, "🌉" * 5_000, "字。" * 30_000])
    def test_a_text_without_spaces_is_cut_by_characters(self, text):
        windows = split_text(text)
        assert max(end - start for start, end in windows) <= 16 * 110
        assert windows[0][0] == 0 and windows[-1][1] == len(text)
        assert all(one[1] == other[0] for one, other in zip(windows, windows[1:], strict=False))

    def test_a_long_text_is_split_at_once(self):
        text = "The council met on Monday and voted for the bridge. " * 20_000
        windows = split_text(text)
        assert len(windows) == pytest.approx(200_000 / 85, rel=0.2)
        assert all(re.fullmatch(r"The council.*bridge\.", text[start:end]) for start, end in windows)

    def test_passages_name_their_article(self):
        text = "One. " * 200
        passages = split_article("a/b", text, 100, 0)
        assert passages == [Passage("a/b", 0, 499), Passage("a/b", 500, 999)]
        assert split_article("a", " \n ") == []

    def test_the_same_text_splits_the_same_way(self):
        text = "He left. " * 500
        assert split_text(text) == split_text(text)
