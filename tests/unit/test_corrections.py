"""Corrections and retractions in an article's own words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa.corrections import find_correction

STORY = "🌧️ The storm killed 12 people.\n\nRescue went on all night."


def note_of(text: str) -> str | None:
    found = find_correction(text)
    if found is None:
        return None
    assert text[found.start : found.end] == found.quote
    return found.quote


class TestNotes:
    @pytest.mark.parametrize(
        ("note", "kind"),
        [
            ("Correction: An earlier version of this story misstated the number of dead.", "correction"),
            ("CORRECTION: This story has been updated to reflect that he left in 2017.", "correction"),
            ("Corrections & Clarifications: A previous version of this article gave the wrong street.", "correction"),
            ("Corrections/clarifications: A previous version of this story had an incorrect number.", "correction"),
            ("This story has been updated to correct the minister’s name.", "correction"),
            ("Editor’s note: A previous version of this report incorrectly named the river.", "correction"),
            ("This article originally misstated the year of the fire.", "correction"),
            ("Clarification: The dam belongs to the town.", "clarification"),
            ("This story has been updated to clarify where the school is.", "clarification"),
            ("This article has been retracted because its source could not be confirmed.", "retraction"),
            ("Retraction: The Courier withdraws this report.", "retraction"),
        ],
    )
    @pytest.mark.parametrize("place", ["first", "last"])
    def test_are_found_wherever_they_stand(self, note, kind, place):
        text = f"{note}\n\n{STORY}" if place == "first" else f"{STORY}\n\n{note}"
        assert note_of(text) == note
        assert find_correction(text).kind == kind

    def test_one_in_a_paragraph_begins_with_its_sentence(self):
        text = f"{STORY} The end. An earlier version of this story had the wrong date. It was Tuesday.\nMore."
        assert note_of(text) == "An earlier version of this story had the wrong date. It was Tuesday."

    def test_a_retraction_comes_before_a_correction(self):
        text = f"Correction: The river is the Elbe.\n\n{STORY}\n\nThis story has been retracted."
        assert note_of(text) == "This story has been retracted."

    def test_a_long_note_ends_with_a_sentence(self):
        text = "Correction: " + "The river is the Elbe. " * 80
        assert len(note_of(text)) <= 600 and note_of(text).endswith("Elbe.")


class TestNoNotes:
    @pytest.mark.parametrize(
        "text",
        [
            "",
            STORY,
            "The journal retracted the study, and an earlier version of the ship broke apart.",
            "Voters asked the mayor to tweet a retraction.",
            "This story has been updated with a statement of the company.",
            "Editor’s Note: Sign up for our newsletter.",
            "A previous version of this story originally published in February 2022.",
            "The department of correction said: no.",
            "The claws may not be fully retracted.",
        ],
    )
    def test_nothing_is_found(self, text):
        assert find_correction(text) is None

    def test_a_page_of_other_stories_corrections_corrects_nothing_itself(self):
        line = "News: An earlier version of this story misspelled a name."
        assert find_correction("\n".join([line] * 8)) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_quotes_are_the_text_to_the_letter(before, after):
    text = f"{before}\nCorrection: It was Tuesday.\n{after}"
    found = find_correction(text)
    assert found is not None and text[found.start : found.end] == found.quote
