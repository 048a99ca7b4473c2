"""JSON: documents and JSON Lines -> records."""

import codecs
import io
import json
import re
from collections.abc import Iterator

from index.encodings import BOMS, decode, guess_encoding
from index.limits import Fault, Limits, show_size
from index.records import BadRecord, Record, has_text, make_record

_CHUNK = 1 << 20  # characters
_BLANKS = re.compile(r"[ \t\r\n]*")
_TOO_MANY = "holds more lists and objects than any article; remove what is no text"
_NO_ARTICLE = "not an article; each one is a JSON object with a text field"


def read_json(data: bytes, limits: Limits) -> Iterator[Record | Fault]:
    """A document that is short enough to be parsed at once, or JSON Lines under its name."""
    text = decode(data)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and _ends_line(text, error.pos):  # JSON Lines under another name
            stream = io.BufferedReader(io.BytesIO(text.encode("utf-8", "surrogatepass")))
            yield from read_lines(stream, limits)
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


def opens_with_record(data: bytes, limits: Limits) -> bool:
    """Whether the first line alone is a whole JSON object."""
    line = data.lstrip().split(b"\n", 1)[0]
    try:
        return not has_many_marks(line, limits) and isinstance(json.loads(decode(line)), dict)
    except (ValueError, RecursionError):
        return False


def read_lines(stream: io.BufferedReader, limits: Limits) -> Iterator[Record | Fault]:
    encoding = None  # of lines that are not UTF-8, guessed once
    faults = 0
    for number, line in _split_lines(stream, limits.line):
        if line is None:
            items = [Fault(f"the line is longer than {show_size(limits.line)}; split or remove it", number)]
        else:
            try:
                text = line if isinstance(line, str) else line.removeprefix(codecs.BOM_UTF8).decode("utf-8")
            except UnicodeDecodeError:
                encoding = encoding or guess_encoding(line)
                text = line.decode(encoding, "replace")
            items = _parse_line(text, number, limits)
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
    wide = next((name for mark, name in BOMS[1:] if head.startswith(mark)), None)
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


def has_many_marks(text: str | bytes, limits: Limits) -> bool:
    """Whether the text would become far more lists, objects and numbers than an article has."""
    signs = ("[", "{", ",") if isinstance(text, str) else (b"[", b"{", b",")
    return len(text) > limits.marks and sum(text.count(sign) for sign in signs) > limits.marks


def _parse_line(text: str, number: int, limits: Limits) -> Iterator[Record | Fault]:
    if has_many_marks(text, limits):
        yield Fault(_TOO_MANY, number)
        return
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
    """The articles of a JSON value: one object, an array, or an object without a text that holds an array of them."""
    single = False
    if isinstance(value, dict):
        inner = next((value[name] for name in ("articles", "items") if isinstance(value.get(name), list)), None)
        single = inner is None or has_text(value)
        value = [value] if single else inner
    if not isinstance(value, list):
        yield Fault(_NO_ARTICLE, line)
        return
    for number, fields in enumerate(value, 1):
        yield _read_record(fields, "" if single else f"record {number}: ", line)


def _read_record(fields: object, where: str, line: int | None) -> Record | Fault:
    try:
        if not isinstance(fields, dict):
            raise BadRecord(_NO_ARTICLE)
        return make_record(fields)
    except BadRecord as error:
        return Fault(f"{where}{error}", line)


# Long documents


def read_document(stream: io.BufferedReader, limits: Limits) -> Iterator[Record | Fault]:
    """The articles of a document of any length: an array, or an object that holds an array of them."""
    document = _Document(stream, limits)
    try:
        alone = document.take("[")
        if alone or document.enter_array(("articles", "items")):
            yield from _read_members(document, limits)
            if alone and document.sign():
                raise BadRecord("is not valid JSON: something stands after its end; mend that place")
        else:
            size = show_size(limits.document)
            yield Fault(f"is larger than {size} and no list of articles; make it JSON Lines, which has no limit")
    except BadRecord as error:
        yield Fault(str(error), document.line, whole=True)
    finally:
        document.close()


def _read_members(document: "_Document", limits: Limits) -> Iterator[Record | Fault]:
    number = faults = 0
    while not document.take("]"):
        if number and not document.take(","):
            raise BadRecord("is not valid JSON: a comma is missing between two records; mend that place")
        document.sign()  # goes to where the record begins
        number, line = number + 1, document.line
        item = _read_record(document.value(), f"record {number}: ", line)
        yield item
        faults = faults + 1 if isinstance(item, Fault) else 0
        if faults >= limits.faults:
            raise BadRecord(f"{faults:,} faults in a row, so the rest was not read")


class _Document:
    """A JSON document of which no more is held than the value that is read."""

    def __init__(self, stream: io.BufferedReader, limits: Limits):
        head = stream.peek(4)
        wide = next((name for mark, name in BOMS[1:] if head.startswith(mark)), None)
        self._lines = io.TextIOWrapper(stream, encoding=wide[:6] if wide else "utf-8-sig", errors="replace")
        self._limits = limits
        self._text, self._at, self._ended = "", 0, False
        self._lines_gone = 0
        self._decoder = json.JSONDecoder()

    @property
    def line(self) -> int:
        return 1 + self._lines_gone + self._text.count("\n", 0, self._at)

    def close(self) -> None:
        self._lines.detach()  # the stream is closed by who opened it

    def sign(self) -> str:
        """The next character that is not blank, "" at the end."""
        while True:
            self._at = _BLANKS.match(self._text, self._at).end()
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                return ""
            self._fill()

    def take(self, sign: str) -> bool:
        if self.sign() != sign:
            return False
        self._at += 1
        return True

    def value(self) -> object:
        self.sign()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
                problem = None
            except json.JSONDecodeError as error:
                problem = error
            except (ValueError, RecursionError) as error:
                raise BadRecord(_explain(error)) from error
            if self._ended:
                raise BadRecord(f"is not valid JSON: {problem.msg}; mend that place") from problem
            if len(self._text) - self._at > self._limits.line:
                raise BadRecord(f"is not valid JSON, or a record is longer than {show_size(self._limits.line)}")
            self._fill()

    def enter_array(self, names: tuple[str, ...]) -> bool:
        """Goes into the first array of one of these names in an object."""
        if not self.take("{"):
            return False
        while True:
            name = self.value()
            if not self.take(":"):
                raise BadRecord("is not valid JSON: a colon is missing; mend that place")
            if name in names and self.take("["):
                return True
            self.value()
            if not self.take(","):
                return False

    def _fill(self) -> None:
        self._lines_gone += self._text.count("\n", 0, self._at)
        more = self._lines.read(_CHUNK)
        self._ended = not more
        self._text, self._at = self._text[self._at :] + more, 0
        if has_many_marks(self._text, self._limits):
            raise BadRecord(_TOO_MANY)
