"""Formats: the bytes of one input file -> records.

Reading streams and is bounded by ``Limits``, also after decompression. What cannot be read
becomes a ``Fault`` between the records, so that one bad line never costs the good ones.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from index.encodings import decode, is_binary
from index.isolation import Isolation
from index.jsonfiles import has_many_marks, opens_with_record, read_document, read_json, read_lines
from index.limits import Fault, Limits, show_size
from index.records import BadRecord, Record, clean_text, make_record
from index.textfiles import read_text
from index.webpages import read_page

__all__ = ["Fault", "Limits", "find_ending", "is_readable", "read_records"]

_ENDINGS = {
    ".txt": "text", ".text": "text", ".html": "page", ".htm": "page", ".xhtml": "page",
    ".json": "json", ".jsonl": "lines", ".ndjson": "lines", ".jl": "lines",
    ".xml": "feed", ".rss": "feed", ".atom": "feed", ".rdf": "feed",
    ".md": "markdown", ".markdown": "markdown", ".pdf": "pdf",
}  # fmt: skip
# Possessive: where no page follows, many comments would be tried in every grouping.
_PAGE_OPENING = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<(?:!doctype html|html)\b", re.I | re.S)
_FEED_OPENING = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*+<(?:rss|feed|rdf:RDF)\b", re.I | re.S)
_SCRIPT = re.compile(rb"<(script|style)\b.*?</\1", re.I | re.S)
_TAG = re.compile(rb"<[a-zA-Z]")
_SAVE_AS = "save the article as .txt, .html or .jsonl"


def find_ending(path: Path) -> str:
    """The ending that tells the format, in lower case and without a closing ``.gz``."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def is_readable(path: Path) -> bool:
    """Whether the file's ending is one of those that are read from folders."""
    return find_ending(path) in _ENDINGS


def read_records(path: Path, limits: Limits = Limits(), isolation: Isolation | None = None) -> Iterator[Record | Fault]:
    """The records of one file, in order, with a Fault for whatever cannot be read. Never raises for bad input.

    ``isolation`` serves many files; without it each PDF, feed or Markdown file gets one of its own.
    """
    if isolation is None:
        with Isolation() as isolation:
            yield from read_records(path, limits, isolation)
        return
    empty = True
    try:
        with _open_bytes(path, limits) as stream:
            for item in _read_stream(path, stream, limits, isolation):
                empty = False
                yield item
    except _Bomb:
        size = show_size(limits.unpacked)
        yield Fault(f"unpacks to more than {size}, a hundred times what it takes; unpack it first", whole=True)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        reason = "the gzip data is cut off or damaged; get the file again (what came before the damage was read)"
        yield Fault(reason, whole=True)
    except OSError as error:
        yield Fault(f"cannot be read ({error.strerror or error}); check the file and its permissions", whole=True)
    else:
        if empty:
            yield Fault("holds no article; remove it or fill it")


@contextmanager
def _open_bytes(path: Path, limits: Limits) -> Iterator[io.BufferedReader]:
    """The file's bytes, decompressed where they are gzip, whatever the name says."""
    with ExitStack() as stack:
        stream = stack.enter_context(path.open("rb"))
        if stream.peek(2)[:2] == b"\x1f\x8b":
            stream = stack.enter_context(io.BufferedReader(_Unpacked(stream, limits.unpacked), 1 << 16))
        yield stream


class _Bomb(Exception):
    """Gzip data that grow without end."""


class _Unpacked(gzip.GzipFile):
    """Raises _Bomb after ``most`` bytes, if they are more than a hundred times what was read for them."""

    def __init__(self, packed: io.BufferedReader, most: int):
        super().__init__(fileobj=packed)
        self._packed, self._most, self._size = packed, most, 0

    def readinto(self, buffer) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        self._size += len(data)
        if self._size > self._most and self._size > 100 * self._packed.tell():
            raise _Bomb
        return len(data)


def _read_stream(
    path: Path, stream: io.BufferedReader, limits: Limits, isolation: Isolation
) -> Iterator[Record | Fault]:
    head = stream.peek(1 << 13)
    if not head:
        yield Fault("is empty; remove it or fill it")
        return
    kind = _sniff(_ENDINGS.get(find_ending(path)), head)
    if kind == "pdf":
        yield from _read_pdf(path, head, isolation)
    elif is_binary(head):
        yield Fault(f"is binary, not text; {_SAVE_AS}", whole=True)
    elif kind == "lines":
        yield from read_lines(stream, limits)
    elif kind == "json":
        yield from _read_json(path, stream, limits)
    else:
        limit = limits.page if kind == "page" else limits.file
        data = stream.read(limit + 1)
        if len(data) > limit:
            reason = f"is larger than {show_size(limit)}; split it, or make it JSON Lines, which has no limit"
            yield Fault(reason, whole=True)
        elif kind in ("feed", "markdown"):
            yield from _read_isolated(kind, path, data, isolation)
        else:
            yield _read_one(kind, data, path, limits)


def _read_json(path: Path, stream: io.BufferedReader, limits: Limits) -> Iterator[Record | Fault]:
    data = stream.read(limits.document + 1)
    if len(data) <= limits.document and not has_many_marks(data, limits):
        yield from read_json(data, limits)
        return
    read = read_lines if opens_with_record(data, limits) else read_document
    del data
    with _open_bytes(path, limits) as again:
        yield from read(again, limits)


def _read_pdf(path: Path, head: bytes, isolation: Isolation) -> Iterator[Record | Fault]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    if packed:
        yield Fault("is a packed PDF; unpack it", whole=True)
    elif not head.lstrip().startswith(b"%PDF-"):
        yield Fault(f"is named like a PDF but is none; {_SAVE_AS}", whole=True)
    else:
        yield from _read_isolated("pdf", path, b"", isolation)


def _read_isolated(kind: str, path: Path, data: bytes, isolation: Isolation) -> Iterator[Record | Fault]:
    """What another process makes of the file; the rest of a file that breaks it is not known."""
    text = decode(data).encode("utf-8", "replace") if kind == "markdown" else data
    number = 0
    try:
        for number, fields in enumerate(isolation.read(kind, path, text), 1):
            try:
                record = make_record(fields)
            except BadRecord as error:
                reason = str(error) if clean_text(fields["text"]) else "there is no text; remove it or write some"
                yield Fault(f"entry {number}: {reason}" if kind == "feed" else reason)
                continue
            yield record if kind == "feed" else _complete(record, fields, path)
    except BadRecord as error:
        yield Fault(str(error), whole=True)


def _complete(record: Record, fields: dict[str, object], path: Path) -> Record:
    """With what the file's name, or a heading as text files have it, says of an article that has no title or day."""
    named = read_text(record.text, find_stem(path))
    title = record.title if fields.get("title") or fields.get("headline") else named.title
    return replace(record, title=title, published=record.published or named.published)


def _read_one(kind: str, data: bytes, path: Path, limits: Limits) -> Record | Fault:
    try:
        if kind == "page":
            if len(_TAG.findall(_SCRIPT.sub(b"", data))) > limits.tags:
                raise BadRecord(f"the page has more than {limits.tags:,} elements; save the article as .txt")
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
    if kind in (None, "text", "feed") and _PAGE_OPENING.match(start):
        return "page"
    if kind in (None, "text") and _FEED_OPENING.match(start):
        return "feed"
    if kind is None:
        return "json" if start[:1] in (b"{", b"[") else "text"
    if kind == "lines" and re.match(rb"\[|\{\s*\n", start):  # one JSON document under the wrong name
        return "json"
    return kind
