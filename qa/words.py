"""Where words begin and end, in any script."""

import unicodedata

_JOINER = "\u200d"
_WORD_BREAK = "\u200b"  # the one invisible character that divides words
_HIDDEN_AT_ONCE = 8  # invisible characters looked past: enough for any word, and no time lost on a hostile run


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """The least stretch around ``text[start:end]`` that cuts no word and no combined character.

    A tokenizer may split "naïve" into na + ##ïve and drop combining marks, and a span of tokens
    could then end in the middle of what the reader sees as one word or one character. White
    space at either end is left out.
    """
    while 0 < start < len(text) and _continues(text, start):
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
    if _extends(after) or before == _JOINER:
        return True
    if _is_flag_half(before) and _is_flag_half(after):
        return _flag_halves_before(text, at) % 2 == 1
    if _inside_number(text, at - 1) or _inside_number(text, at):
        return True
    left, right = _word_side(text, at - 1, -1), _word_side(text, at, 1)
    return left.isalnum() and right.isalnum() and not (_unspaced(left) or _unspaced(right))


def _inside_number(text: str, at: int) -> bool:
    """Whether ``text[at]`` is the point of 3.5, the comma of 1,879 or the colon of 10:30."""
    return text[at] in ".,:" and text[at - 1 : at].isdecimal() and text[at + 1 : at + 2].isdecimal()


def _extends(character: str) -> bool:
    """Combining marks, variation selectors, joiners, skin tones, tags, and Thai and Lao AM: parts of what is before."""
    return (
        unicodedata.category(character).startswith("M")
        or character in "\u200c\u200d\u0e33\u0eb3\uff9e\uff9f"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _word_side(text: str, at: int, step: int) -> str:
    """The character at ``at``, or beyond it where marks and invisible characters such as soft hyphens stand; or ""."""
    for place in range(at, at + step * _HIDDEN_AT_ONCE, step):
        if not 0 <= place < len(text):
            return ""
        character = text[place]
        hidden = unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") and character != _WORD_BREAK
        if not hidden:
            return character
    return ""


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves_before(text: str, at: int) -> int:
    first = at
    while first > 0 and _is_flag_half(text[first - 1]):
        first -= 1
    return at - first


def _unspaced(character: str) -> bool:
    """Scripts written without spaces have no word ends to respect."""
    return "\u0e00" <= character <= "\u0eff" or "\u2e80" <= character <= "\u9fff" or "\uac00" > character >= "\ua000"
