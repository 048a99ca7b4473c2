"""Feeds: the entries of an RSS or Atom file, each an article as far as the feed gives it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from index.markup import read_markup

_ENTITIES = re.compile(rb"<!ENTITY\b", re.IGNORECASE)
_MOST_TAGS = 200_000


def read_feed(data: bytes) -> Iterator[dict[str, object]]:
    """The fields of each entry, as ``records.make_record`` takes them.

    Raises ValueError when ``data`` is no feed, with the line where it breaks off if that is known.
    """
    import feedparser

    if _ENTITIES.search(data, 0, 1 << 20):
        raise ValueError("declares entities of its own, which feeds have no use for; save the article as .txt")
    if data.count(b"<") > _MOST_TAGS:
        raise ValueError(f"has more than {_MOST_TAGS:,} elements; split it")
    parsed = feedparser.parse(data, resolve_relative_uris=True, sanitize_html=True)
    if not parsed.get("version") and not parsed.entries:
        raise ValueError(_explain(parsed.get("bozo_exception")))
    source = _text(parsed.feed, "title")
    for entry in parsed.entries:
        yield _fields(entry, source)


def _fields(entry: Mapping[str, Any], source: str) -> dict[str, object]:
    authors = [author.get("name") for author in entry.get("authors", ()) if author.get("name")]
    return {
        "id": entry.get("id"),
        "title": _text(entry, "title"),
        "text": _body(entry),
        "url": entry.get("link"),
        "source": _text(entry.get("source") or {}, "title") or source,
        "published": entry.get("published") or entry.get("updated"),
        "authors": authors or entry.get("author"),
    }


def _body(entry: Mapping[str, Any]) -> str:
    """The longest text that the entry has: many feeds carry a summary beside the whole, in either place."""
    details = [*entry.get("content", ()), entry.get("summary_detail") or {}]
    return max((_seen(detail) for detail in details), key=len, default="")


def _text(holder: Mapping[str, Any], name: str) -> str:
    return _seen(holder.get(f"{name}_detail") or {"value": holder.get(name, "")})


def _seen(detail: Mapping[str, Any]) -> str:
    value = detail.get("value") or ""
    plain = detail.get("type") == "text/plain" and "&" not in value and "</" not in value
    return value if plain or not value.strip() else read_markup(value)


def _explain(error: object) -> str:
    line = getattr(error, "getLineNumber", lambda: None)()
    where = f" (it breaks off in line {line})" if line else ""
    return f"is XML but no RSS or Atom feed{where}; save the article as .txt, .html or .jsonl"
