"""Where words begin and end, in any script."""

import unicodedata

_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The least stretch around ``text[start:end]`` that cuts no word and no combined character.

    A tokenizer may split "naïve" into na + ##ïve and drop combining marks, and a span of tokens
    could then end in the middle of what the reader sees as one word or one character. White
    space at either end is left out.
    """
    while start > 0 and start < len(text) and _continues(text, start):
        start -= 1
    while 0 < end < len(text) and _continues(text, end):
        end += 1
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _continues(text: str, at: int) -> bool:
    """Whether a cut before ``text[at]`` would split a word or a combined character."""
    before, after = text[at - 1], text[at]
    if after in _JOINERS or before == "\u200d" or unicodedata.category(after).startswith("M"):
        return True
    if "\U0001f3fb" <= after <= "\U0001f3ff":  # a skin tone belongs to the emoji before it
        return True
    return before.isalnum() and after.isalnum() and not (_unspaced(before) or _unspaced(after))


def _unspaced(character: str) -> bool:
    """Scripts written without spaces have no word ends to respect."""
    return "\u0e00" <= character <= "\u0eff" or "\u2e80" <= character <= "\u9fff" or "\uac00" > character >= "\ua000"
