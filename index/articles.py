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
    """Something that could not be read: where it stands and why."""

    path: str
    reason: str
    line: int | None = None


# What web pages and systems leave beside articles: not worth a word.
_BESIDE = frozenset(
    """.png .jpg .jpeg .gif .webp .avif .svg .ico .bmp .tif .tiff .css .scss .js .mjs .map .woff .woff2 .ttf .otf
    .eot .mp3 .mp4 .m4a .m4v .mov .avi .webm .ogg .ogv .wav .flac .vtt .srt .ini .db .lock .log .py .pyc .sh""".split()
)
_TRACKING = re.compile(r"utm_|(?:fbclid|gclid|mc_cid|mc_eid|msclkid|igshid)$", re.IGNORECASE)


def read_articles(paths: Iterable[Path], limits: Limits = Limits()) -> Iterator[Found | Skipped]:
    """Everything that ``paths`` hold, one article at a time.

    A path is a file, whatever its ending, or a folder, read with all folders in it in the order of
    their names, without hidden files. ``origin`` of what is found begins with the absolute form of
    its path, symbolic links not resolved. Nothing that is wrong with the input raises: it becomes a
    ``Skipped``, and the rest goes on. Holds one record (or one file that is no JSON Lines) at a time.
    """
    roots = _find_roots(paths)
    labels = _label_folders({folder for _, folder in roots})
    for path, folder in roots:
        files = _walk(path) if path == folder else [path]
        for item in files:
            if isinstance(item, Skipped):
                yield item
            else:
                key = f"{labels[folder]}/{item.relative_to(folder).as_posix()}"
                yield from _read_file(item, key, limits)


def _read_file(path: Path, key: str, limits: Limits) -> Iterator[Found | Skipped]:
    shown = _show(path)
    if problem := _check_file(path):
        yield Skipped(shown, problem)
        return
    number = 0
    for item in read_records(path, limits):
        if isinstance(item, Fault):
            yield Skipped(shown, item.reason, item.line)
        else:
            number += 1
            yield Found(_make_article(item, key if number == 1 else f"{key}#{number}"), shown)


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


def _find_roots(paths: Iterable[Path]) -> list[tuple[Path, Path]]:
    """``(path, folder)`` of each path, absolute: the folder itself, or the one that a file lies in.

    What a folder that is also given will bring is left to that folder, and nothing is listed twice.
    """
    absolute = dict.fromkeys(Path(os.path.abspath(path)) for path in paths)
    folders = {path for path in absolute if os.path.isdir(path)}

    def is_covered(path: Path) -> bool:
        outer = folders.intersection(path.parents)
        shown = any(not any(part.startswith(".") for part in path.relative_to(one).parts) for one in outer)
        return shown and (path in folders or is_readable(path))

    return [(path, path if path in folders else path.parent) for path in absolute if not is_covered(path)]


def _label_folders(folders: set[Path]) -> dict[Path, str]:
    """The folders' names, longer by as many parents as it takes to tell them apart.

    Ids of articles without an address come from these and the path below, so that they stay when
    the folder is moved, and differ between two folders with files of the same names.
    """
    labels = {}
    for folder in folders:
        others = [other.parts for other in folders if other.name == folder.name and other != folder]
        size = 1
        while size < len(folder.parts) and any(other[-size:] == folder.parts[-size:] for other in others):
            size += 1
        labels[folder] = _show("/".join(folder.parts[-size:]))
    return labels


def _walk(root: Path) -> Iterator[Path | Skipped]:
    """Files below ``root`` that may be articles, folder by folder, in the order of their names."""
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        path = waiting.pop()
        if os.path.isdir(path):
            inner = _list_folder(path, seen)
            if isinstance(inner, Skipped):
                yield inner
            else:
                waiting.extend(reversed(inner))
        elif is_readable(path):
            yield path
        elif (ending := find_ending(path)) not in _BESIDE:
            kind = f"files ending in {ending}" if ending else "files without an ending"
            yield Skipped(_show(path), f"{kind} are not read; save it as .txt, .html or .jsonl, or name it itself")


def _list_folder(folder: Path, seen: set[tuple[int, int]]) -> list[Path] | Skipped:
    """What lies in ``folder``, unless it is in ``seen``, the folders listed so far, to which it is added."""
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return Skipped(_show(folder), "leads to a folder that is read already; remove the link")
        seen.add((status.st_dev, status.st_ino))
        return [folder / name for name in sorted(os.listdir(folder)) if not name.startswith(".")]
    except OSError as error:
        return Skipped(_show(folder), f"the folder cannot be read ({error.strerror}); check its permissions")


def _check_file(path: Path) -> str | None:
    """What keeps a file from being opened: a pipe, for one, would wait for ever."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            return "the link leads nowhere; mend or remove it"
        return "there is no such file or folder; check the path"
    except (OSError, ValueError) as error:
        return f"cannot be read ({getattr(error, 'strerror', error)}); check the path and its permissions"
    return None if stat.S_ISREG(mode) else "is not a regular file; save its contents to one"


def _show(path: Path | str) -> str:
    """The path as text that can be stored and printed, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
