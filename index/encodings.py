"""Encodings: bytes of an input file -> text."""

import codecs
import re

BOMS = (  # UTF-32 before UTF-16, whose mark its own begins with
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What news files come in when they are not UTF-8. More candidates make worse guesses.
_LEGACY = "cp1252 cp1250 iso8859_2 cp1251 koi8_r cp1253 cp1254 cp1255 cp1256 cp932 euc_jp gb18030 big5 cp949".split()
_DECLARED = re.compile(
    rb"""<(?:meta\b[^>]{0,200}?charset|\?xml\b[^>]{0,200}?encoding)\s*=\s*["']?\s*([\w.:-]+)""", re.I
)
_CONTROL_BYTES = bytes({*range(32), 127} - set(b"\t\n\v\f\r\x1b"))


def decode(data: bytes, declared: bool = False) -> str:
    """``data`` as text: by its byte order mark, as UTF-8, as its markup declares, else by what it looks like.

    Never raises; bytes that fit nothing become U+FFFD.
    """
    for mark, name in BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    if declared and (match := _DECLARED.search(data[:4096])):
        name = match[1].decode("ascii", "replace").lower()
        try:  # browsers read Latin-1 as its superset
            return data.decode("cp1252" if name in ("iso-8859-1", "latin1", "latin-1", "us-ascii") else name)
        except (LookupError, ValueError):
            pass
    return data.decode(guess_encoding(data), "replace")


def guess_encoding(data: bytes) -> str:
    """The encoding of bytes that are not valid UTF-8."""
    text = data.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if sum(char > "\x7f" for char in text) > 2 * broken:  # other encodings hardly ever look like UTF-8
        return "utf-8"
    from charset_normalizer import from_bytes  # loads slowly, and most archives never need it

    first = re.search(rb"[\x80-\xff]", data).start()
    sample = data[max(0, first - 2000) : first + 64_000]
    if len(data) > first + 64_000:  # not within a character
        sample = sample[: max(sample.rfind(b" "), sample.rfind(b"\n")) + 1] or sample
    guesses = [(guess.chaos, -guess.coherence, guess.encoding) for guess in from_bytes(sample, cp_isolation=_LEGACY)]
    if not guesses or (*guesses[0][:2], "cp1252") in guesses:  # on a tie, the commonest
        return "cp1252"
    return guesses[0][2]


def is_binary(head: bytes) -> bool:
    """Whether the first bytes of a file are no text in any encoding. A stray NUL in text is allowed."""
    if head.startswith((b"%PDF-", b"PK\x03\x04")):
        return True
    if head.startswith(tuple(mark for mark, _ in BOMS)):
        return False
    share = (len(head) - len(head.translate(None, _CONTROL_BYTES))) / len(head)
    if share <= 0.01:
        return False
    try:  # a character cut off at the end is no fault
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return True
    return share > 0.3
