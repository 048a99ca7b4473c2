"""Limits: how much of an input file is taken in, and what is said of the rest."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is held at once, in bytes after decompression, and how long a broken file is followed.

    ``faults`` is the number of lines without a record, one after the other, that end a file.
    """

    line: int = 8 << 20  # also for a record within a long JSON document
    file: int = 8 << 20
    document: int = 4 << 20  # a JSON document up to this size is parsed at once, a longer one record by record
    page: int = 4 << 20
    faults: int = 1000
    marks: int = 400_000  # "[", "{" and "," in what is parsed at once: each may become 100 bytes of memory
    tags: int = 20_000  # in a page: it takes a second and 60 MB of memory
    unpacked: int = 50 << 20  # of gzip data, more than a hundredfold of what they take packed


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a file that is no article: why, what to do, and in which line.

    ``whole``: the rest of the file was not read.
    """

    reason: str
    line: int | None = None
    whole: bool = False


def show_size(count: int) -> str:
    return f"{count >> 20} MB" if count >= 1 << 20 else f"{count:,} bytes"
