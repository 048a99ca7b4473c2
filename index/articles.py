"""Articles: what one is, and how every format becomes one."""

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from index.formats import Fault, Limits, find_ending, is_readable, read_records
from index.isolation import Isolation
from index.records import Record, clean_text

__all__ = ["Article", "Found", "Limits", "Skipped", "clean_text", "read_articles"]


@dataclass(frozen=True, slots=True)
class Article:
    """One news article, exactly as its reader sees it.

    ``text`` holds no carriage returns, NULs or lone surrogates, so that an offset means the
    same code point here, in JSON and in a browser. ``published`` has a zone only where the
    source gives one.
    """

    id: str
    title: str
    text: str
    url: str | None = None
    source: str | None = None
    published: date | datetime | None = None
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """An article and the absolute path of the input file that it stands in."""

    article: Article
    origin: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that could not be read: where it stands and why.

    ``whole``: the rest of this file or folder was not read, so what it holds is not known.
    """

    path: str
    reason: str
    line: int | None = None
    whole: bool = False


# What web pages and systems leave beside articles: not worth a word.
_BESIDE = frozenset(
    """.png .jpg .jpeg .gif .webp .avif .svg .ico .bmp .tif .tiff .css .scss .js .mjs .map .woff .woff2 .ttf .otf
    .eot .mp3 .mp4 .m4a .m4v .mov .avi .webm .ogg .ogv .wav .flac .vtt .srt .ini .db .lock .log .py .pyc .sh""".split()
)
_TRACKING = re.compile(r"utm_|(?:fbclid|gclid|mc_cid|mc_eid|msclkid|igshid)$", re.IGNORECASE)


def read_articles(
    paths: Iterable[Path], limits: Limits = Limits(), without: Path | None = None
) -> Iterator[Found | Skipped]:
    """Everything that ``paths`` hold, one article at a time.

    A path is a file, whatever its ending, or a folder, read with all folders in it in the order of
    their names, without hidden files and without the folder ``without``. ``origin`` of what is found begins
    with the absolute form of its path, symbolic links not resolved. Nothing that is wrong with the input raises:
    it becomes a ``Skipped``, and the rest goes on. An article without an id or the address of a page gets its id
    from the absolute path of its file and its place in it. Holds one record (or one file that is no JSON Lines)
    at a time.
    """
    with Isolation() as isolation:
        for path in _find_roots(paths):
            for item in _walk(path, without) if os.path.isdir(path) else [path]:
                if isinstance(item, Skipped):
                    yield item
                else:
                    yield from _read_file(item, limits, isolation)


def _read_file(path: Path, limits: Limits, isolation: Isolation) -> Iterator[Found | Skipped]:
    if problem := _check_file(path):
        yield problem
        return
    shown = show_path(path)
    number = 0
    for item in read_records(path, limits, isolation):
        if isinstance(item, Fault):
            yield Skipped(shown, item.reason, item.line, item.whole)
        else:
            number += 1
            yield Found(_make_article(item, shown if number == 1 else f"{shown}#{number}"), shown)


def _make_article(record: Record, key: str) -> Article:
    host = urlsplit(record.url).hostname if record.url else None
    return Article(
        id=record.id or _derive_id(record.url, key),
        title=record.title,
        text=record.text,
        url=record.url,
        source=record.source or (host.removeprefix("www.") if host else None),
        published=record.published,
        authors=record.authors,
    )


def _derive_id(url: str | None, key: str) -> str:
    """16 hex digits of SHA-256 over the canonical address, or over ``key`` where the address is of no one page."""
    name = _canonical(url) if url else None
    return hashlib.sha256((name or key).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _canonical(url: str) -> str | None:
    """The address without what differs between links to one page: fragment, default port, tracking marks.

    None for the address of a whole site, which any number of articles may carry.
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2].lower()
    host = host.removesuffix({"http": ":80", "https": ":443"}[parts.scheme])
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    kept = [pair for pair in pairs if not _TRACKING.match(pair[0])]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    if parts.path in ("", "/") and not query:
        return None
    return parts._replace(netloc=host, query=query, fragment="").geturl()


# Files and folders


def _find_roots(paths: Iterable[Path]) -> list[Path]:
    """The paths, absolute, without those that a folder among them will bring. Nothing is listed twice."""
    absolute = dict.fromkeys(Path(os.path.abspath(path)) for path in paths)
    folders = {path for path in absolute if os.path.isdir(path)}

    def is_covered(path: Path) -> bool:
        outer = folders.intersection(path.parents)
        shown = any(not any(part.startswith(".") for part in path.relative_to(one).parts) for one in outer)
        return shown and (path in folders or is_readable(path))

    return [path for path in absolute if not is_covered(path)]


def _walk(root: Path, without: Path | None) -> Iterator[Path | Skipped]:
    """Files below ``root`` that may be articles, folder by folder, in the order of their names."""
    seen: set[tuple[int, int]] = set()
    passed = os.path.realpath(without) if without else None
    waiting = [root]
    within = os.path.realpath(root)
    while waiting:
        path = waiting.pop()
        if path != root and _leads_out(path, within):
            reason = "the link leads out of the folder that was named; name what it leads to itself"
            yield Skipped(show_path(path), reason, whole=True)
        elif os.path.isdir(path):
            inner = [] if path != root and os.path.realpath(path) == passed else _list_folder(path, seen)
            if isinstance(inner, Skipped):
                yield inner
            else:
                waiting.extend(reversed(inner))
        elif is_readable(path):
            yield path
        elif (ending := find_ending(path)) not in _BESIDE:
            kind = f"files ending in {ending}" if ending else "files without an ending"
            reason = f"{kind} are not read; save it as .txt, .html or .jsonl, or name it itself"
            yield Skipped(show_path(path), reason, whole=True)


def _leads_out(path: Path, within: str) -> bool:
    """Whether a link leads to something that is not in the folder ``within``."""
    if not path.is_symlink() or not path.exists():
        return False
    return os.path.commonpath([within, os.path.realpath(path)]) != within


def _list_folder(folder: Path, seen: set[tuple[int, int]]) -> list[Path] | Skipped:
    """What lies in ``folder``, unless it is in ``seen``, the folders listed so far, to which it is added."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return Skipped(show_path(folder), "leads to a folder that is read already; remove the link")
        seen.add((status.st_dev, status.st_ino))
        return [folder / name for name in sorted(os.listdir(folder)) if not name.startswith(".")]
    except OSError as error:
        reason = f"the folder cannot be read ({error.strerror}); check its permissions"
        return Skipped(show_path(folder), reason, whole=True)


def _check_file(path: Path) -> Skipped | None:
    """What keeps a file from being opened: a pipe, for one, would wait for ever."""
    shown = show_path(path)
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):  # it has gone, and left nothing unread
        if path.is_symlink():
            return Skipped(shown, "the link leads nowhere; mend or remove it")
        return Skipped(shown, "there is no such file or folder; check the path")
    except (OSError, ValueError) as error:
        reason = f"cannot be read ({getattr(error, 'strerror', error)}); check the path and its permissions"
        return Skipped(shown, reason, whole=True)
    if stat.S_ISREG(mode):
        return None
    return Skipped(shown, "is not a regular file; save its contents to one", whole=True)


def show_path(path: Path | str) -> str:
    """The path as text that can be stored and printed, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
