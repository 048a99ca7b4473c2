"""Passages: sentence-aware windows over an article's text.

A passage never copies text: it is a pair of code-point offsets into
``article.text``, so it cannot drift from what the reader sees.
"""

import re
from dataclasses import dataclass

# A sentence ends at . ! ? or … (closing quotes and brackets belong to it),
# followed by white space and something that can open a sentence, or at a line break.
_BOUNDARY = re.compile(
    r"""(?:(?<=[.!?…])|(?<=[.!?…]["'”’»)\]])|(?<=[.!?…]["'”’»)\]]["'”’»)\]]))[^\S\n]+(?=["'“‘«(\[]*[^\W_a-z])"""
    r"|(?<!\s)\s*\n\s*"  # from the first white space only: a long run of it would take quadratic time
)
# A full stop after these does not end a sentence.
_ABBREVIATION = re.compile(
    r"""(?:^|[\s("'“‘\[])(?:
    Mr|Mrs|Ms|Dr|Prof|Rev|Hon|Gen|Lt|Col|Capt|Cmdr|Sgt|Maj|Adm|Gov|Sen|Rep|Sens|Reps|Pres|Supt|Insp|
    St|Mt|Ft|Ave|Blvd|Rd|Jr|Sr|vs|v|No|Nos|Fig|Eq|approx|ca|al|etc|Inc|Corp|Ltd|Co|Cos|Bros|
    Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec|Mon|Tue|Tues|Wed|Thu|Thurs|Fri|Sat|Sun|
    Ala|Ariz|Ark|Calif|Colo|Conn|Del|Fla|Ga|Ill|Ind|Kan|Ky|La|Md|Mass|Mich|Minn|Miss|Mo|Mont|Neb|Nev|
    Okla|Ore|Pa|Tenn|Tex|Va|Vt|Wash|Wis|Wyo|[A-Z]|(?:[A-Za-z]\.)+[A-Za-z])\.$""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Passage:
    """``article.text[start:end]``, offsets in code points, ``start < end``."""

    article_id: str
    start: int
    end: int


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of ``text``, in order, without the white space around them.

    Every character that is not white space lies in exactly one sentence.
    """
    sentences = []
    start = len(text) - len(text.lstrip())
    for match in _BOUNDARY.finditer(text, start):
        if match.start() <= start:
            continue
        breaks_line = "\n" in match.group()
        # One character further back than the sentence: an abbreviation may be its first word.
        if not breaks_line and _ABBREVIATION.search(text, max(start - 1, match.start() - 12, 0), match.start()):
            continue
        sentences.append((start, match.start()))
        start = match.end()
    end = len(text.rstrip())
    if end > start:
        sentences.append((start, end))
    return sentences


_WORD = re.compile(r"\S+")


def _pieces(text: str, sentence: tuple[int, int], size: int) -> list[tuple[int, int, int]]:
    """A sentence as ``(start, end, words)`` pieces of at most ``size`` words and ``16 * size`` characters."""
    pieces = []
    words: list[tuple[int, int]] = []
    limit = 16 * size  # a "word" of a megabyte, or a language without spaces, is cut by characters
    for match in _WORD.finditer(text, *sentence):
        for start in range(match.start(), match.end(), limit):
            end = min(start + limit, match.end())
            if words and (len(words) == size or end - words[0][0] > limit):
                pieces.append((words[0][0], words[-1][1], len(words)))
                words = []
            words.append((start, end))
    if words:
        pieces.append((words[0][0], words[-1][1], len(words)))
    return pieces


def split_text(text: str, size: int = 110, overlap: int = 25) -> list[tuple[int, int]]:
    """Windows of whole sentences, about ``size`` words each, as ``(start, end)`` code-point offsets.

    A window closes before the sentence that would take it past ``size`` words; the next one
    begins with as many of its last sentences as fit in ``overlap`` words. A sentence longer
    than ``size`` is cut between words.
    """
    pieces = [piece for sentence in split_sentences(text) for piece in _pieces(text, sentence, size)]
    windows = []
    first = 0
    while first < len(pieces):
        last, words = first, pieces[first][2]
        while last + 1 < len(pieces) and words + pieces[last + 1][2] <= size and _near(pieces, first, last + 1, size):
            last += 1
            words += pieces[last][2]
        windows.append((pieces[first][0], pieces[last][1]))
        if last + 1 == len(pieces):
            break
        following, shared = last + 1, 0
        while following - 1 > first and shared + pieces[following - 1][2] <= overlap:
            following -= 1
            shared += pieces[following][2]
        # The overlap must leave room for the next sentence, or the window would not move on.
        while following <= last and (
            shared + pieces[last + 1][2] > size or not _near(pieces, following, last + 1, size)
        ):
            shared -= pieces[following][2]
            following += 1
        first = following
    return windows


def _near(pieces: list[tuple[int, int, int]], first: int, last: int, size: int) -> bool:
    return pieces[last][1] - pieces[first][0] <= 16 * size


def split_article(article_id: str, text: str, size: int = 110, overlap: int = 25) -> list[Passage]:
    """The passages of one article; none for a text of white space alone."""
    return [Passage(article_id, start, end) for start, end in split_text(text, size, overlap)]
