"""Formats: the bytes of one input file -> records.

Reading streams and is bounded by ``Limits``, also after decompression. What cannot be read
becomes a ``Fault`` between the records, so that one bad line never costs the good ones.
"""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.records import BadRecord, Record, make_record
from index.textfiles import read_text
from index.webpages import read_page

_ENDINGS = {
    ".txt": "text", ".text": "text", ".html": "page", ".htm": "page", ".xhtml": "page",
    ".json": "json", ".jsonl": "lines", ".ndjson": "lines", ".jl": "lines",
}  # fmt: skip
_BOMS = (  # UTF-32 before UTF-16, whose mark its own begins with
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
# Possessive: where no page follows, many comments would be tried in every grouping.
_PAGE_OPENING = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<(?:!doctype html|html)\b", re.I | re.S)
_SAVE_AS = "save the article as .txt, .html or .jsonl"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is held at once, in bytes after decompression, and how long a broken file is followed.

    ``faults`` is the number of lines without a record, one after the other, that end a file.
    """

    line: int = 16 << 20
    file: int = 64 << 20
    page: int = 16 << 20  # a page takes about a second and 30 MB of memory for each MB of its markup
    faults: int = 1000


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a file that is no article: why, what to do, and in which line.

    ``whole``: the rest of the file was not read.
    """

    reason: str
    line: int | None = None
    whole: bool = False


def find_ending(path: Path) -> str:
    """The ending that tells the format, in lower case and without a closing ``.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def is_readable(path: Path) -> bool:
    """Whether the file's ending is one of those that are read from folders."""
    return find_ending(path) in _ENDINGS


def read_records(path: Path, limits: Limits = Limits()) -> Iterator[Record | Fault]:
    """The records of one file, in order, with a Fault for whatever cannot be read. Never raises for bad input."""
    empty = True
    try:
        with _open_bytes(path) as stream:
            for item in _read_stream(path, stream, limits):
                empty = False
                yield item
    except (EOFError, zlib.error, gzip.BadGzipFile):
        reason = "the gzip data is cut off or damaged; get the file again (what came before the damage was read)"
        yield Fault(reason, whole=True)
    except OSError as error:
        yield Fault(f"cannot be read ({error.strerror or error}); check the file and its permissions", whole=True)
    else:
        if empty:
            yield Fault("holds no article; remove it or fill it")


@contextmanager
def _open_bytes(path: Path) -> Iterator[io.BufferedReader]:
    """The file's bytes, decompressed where they are gzip, whatever the name says."""
    with ExitStack() as stack:
        stream = stack.enter_context(path.open("rb"))
        if stream.peek(2)[:2] == b"\x1f\x8b":
            stream = stack.enter_context(io.BufferedReader(gzip.GzipFile(fileobj=stream), 1 << 16))
        yield stream


def _read_stream(path: Path, stream: io.BufferedReader, limits: Limits) -> Iterator[Record | Fault]:
    head = stream.peek(1 << 13)
    if not head:
        yield Fault("is empty; remove it or fill it")
        return
    if _is_binary(head):
        yield Fault(f"is binary, not text; {_SAVE_AS}", whole=True)
        return
    kind = _sniff(_ENDINGS.get(find_ending(path)), head)
    if kind == "lines":
        yield from _read_lines(stream, limits)
        return
    limit = limits.page if kind == "page" else limits.file
    data = stream.read(limit + 1)
    if len(data) > limit:
        if kind == "json" and _opens_with_record(data):
            with _open_bytes(path) as again:
                yield from _read_lines(again, limits)
        else:
            reason = f"is larger than {_size(limit)}; split it, or make it JSON Lines, which has no limit"
            yield Fault(reason, whole=True)
    elif kind == "json":
        yield from _read_json(decode(data), limits)
    else:
        yield _read_one(kind, data, path)


def _read_one(kind: str, data: bytes, path: Path) -> Record | Fault:
    try:
        if kind == "page":
            return read_page(decode(data, declared=True))
        return read_text(decode(data), find_stem(path))
    except BadRecord as error:
        return Fault(str(error), whole=kind == "page")  # a text was read, it just holds none


def find_stem(path: Path) -> str:
    """The file's name without its endings."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem


def _sniff(kind: str | None, head: bytes) -> str:
    """The format: mostly what the ending says, but never against what the first bytes show."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if kind in (None, "text") and _PAGE_OPENING.match(start):
        return "page"
    if kind is None:
        return "json" if start[:1] in (b"{", b"[") else "text"
    if kind == "lines" and re.match(rb"\[|\{\s*\n", start):  # one JSON document under the wrong name
        return "json"
    return kind


def _size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count:,} bytes"


# Bytes -> text


def decode(data: bytes, declared: bool = False) -> str:
    """``data`` as text: by its byte order mark, as UTF-8, as its markup declares, else by what it looks like.

    Never raises; bytes that fit nothing become U+FFFD.
    """
    for mark, name in _BOMS:
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
    return data.decode(_guess_encoding(data), "replace")


def _guess_encoding(data: bytes) -> str:
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


def _is_binary(head: bytes) -> bool:
    """Whether the first bytes of a file are no text in any encoding. A stray NUL in text is allowed."""
    if head.startswith((b"%PDF-", b"PK\x03\x04")):
        return True
    if head.startswith(tuple(mark for mark, _ in _BOMS)):
        return False
    share = (len(head) - len(head.translate(None, _CONTROL_BYTES))) / len(head)
    if share <= 0.01:
        return False
    try:  # a character cut off at the end is no fault
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return True
    return share > 0.3


# JSON and JSON Lines


def _read_json(text: str, limits: Limits) -> Iterator[Record | Fault]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _ends_line(text, error.pos):  # JSON Lines under another name
            stream = io.BufferedReader(io.BytesIO(text.encode("utf-8", "surrogatepass")))
            yield from _read_lines(stream, limits)
        else:
            yield Fault(f"is not valid JSON: {_place(error)}; mend that place", error.lineno, whole=True)
    except (RecursionError, ValueError) as error:
        yield Fault(_explain(error), whole=True)
    else:
        yield from _list_records(value)


def _ends_line(text: str, end: int) -> bool:
    """Whether the JSON value that comes before ``end`` is all of the first line, and nothing else stands there."""
    _, line_end, after = text[:end].lstrip().partition("\n")
    return bool(line_end) and not after.strip()


def _opens_with_record(data: bytes) -> bool:
    """Whether the first line alone is a whole JSON object."""
    try:
        return isinstance(json.loads(decode(data.lstrip().split(b"\n", 1)[0])), dict)
    except (ValueError, RecursionError):
        return False


def _read_lines(stream: io.BufferedReader, limits: Limits) -> Iterator[Record | Fault]:
    encoding = None  # of lines that are not UTF-8, guessed once
    faults = 0
    for number, line in _split_lines(stream, limits.line):
        if line is None:
            items = [Fault(f"the line is longer than {_size(limits.line)}; split or remove it", number)]
        else:
            try:
                text = line if isinstance(line, str) else line.removeprefix(codecs.BOM_UTF8).decode("utf-8")
            except UnicodeDecodeError:
                encoding = encoding or _guess_encoding(line)
                text = line.decode(encoding, "replace")
            items = _parse_line(text, number)
        for item in items:
            faults = faults + 1 if isinstance(item, Fault) else 0
            yield item
        if faults >= limits.faults:
            reason = f"{faults:,} faults in a row, so the rest was not read; is this JSON Lines?"
            yield Fault(reason, number, whole=True)
            return


def _split_lines(stream: io.BufferedReader, limit: int) -> Iterator[tuple[int, bytes | str | None]]:
    """``(number from 1, line)`` for each line that is not blank; None for one longer than ``limit``, never held."""
    head = stream.peek(4)
    wide = next((name for mark, name in _BOMS[1:] if head.startswith(mark)), None)
    if wide is None:
        yield from _limit_lines(stream, limit)
        return
    # There a line end is several bytes, and the limit counts characters.
    lines = io.TextIOWrapper(stream, encoding=wide[:6], errors="replace")
    try:
        yield from _limit_lines(lines, limit)
    finally:
        lines.detach()  # the stream is closed by who opened it


def _limit_lines(lines: io.BufferedReader | io.TextIOWrapper, limit: int) -> Iterator[tuple[int, bytes | str | None]]:
    ends = (b"\n", "\n")
    number = 0
    while line := lines.readline(limit + 1):
        number += 1
        if len(line) > limit and line[-1:] not in ends:
            while (rest := lines.readline(1 << 20)) and rest[-1:] not in ends:
                pass
            yield number, None
        elif line.strip():
            yield number, line


def _parse_line(text: str, number: int) -> Iterator[Record | Fault]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield Fault(_explain(error), number)
    else:
        yield from _list_records(value, number)


def _explain(error: ValueError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "the JSON is nested too deeply; flatten or remove it"
    if isinstance(error, json.JSONDecodeError):
        return f"not valid JSON: {error.msg} at column {error.colno}; mend or remove the line"
    return "a number in the JSON has too many digits; shorten it or make it a string"


def _place(error: json.JSONDecodeError) -> str:
    return f"{error.msg} at line {error.lineno}, column {error.colno}"


def _list_records(value: object, line: int | None = None) -> Iterator[Record | Fault]:
    """The articles of a JSON value: one object, an array, or an object that holds an array of them."""
    if isinstance(value, dict):
        inner = next((value[name] for name in ("articles", "items") if isinstance(value.get(name), list)), None)
        value = [value] if inner is None else inner
        single = inner is None
    else:
        single = False
    if not isinstance(value, list):
        yield Fault("not an article; each one is a JSON object with a text field", line)
        return
    for number, fields in enumerate(value, 1):
        where = "" if single else f"record {number}: "
        try:
            if not isinstance(fields, dict):
                raise BadRecord("not an article; each one is a JSON object with a text field")
            yield make_record(fields)
        except BadRecord as error:
            yield Fault(f"{where}{error}", line)
