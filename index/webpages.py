"""Web pages: the article in an HTML page, without the page around it."""

import json
import logging
import re
from collections.abc import Iterator
from datetime import date, datetime

from index.records import (
    BadRecord,
    Record,
    clean_text,
    clean_title,
    headline,
    parse_published,
    split_authors,
    web_address,
)

_BLOCKS = {"p", "head", "item", "row", "code", "quote", "list", "table", "ab", "div", "fw"}
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>", re.IGNORECASE)
# Only what JSON can be: a broken date must not cost the page.
_JSON_LD_DATE = re.compile(r'"datePublished"\s*:\s*("(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){1,80}")')
_META_DATE = (
    "//meta[@property='article:published_time' or @itemprop='datePublished' or @name='pubdate'"
    " or @name='parsely-pub-date' or @name='date']/@content",
    "//*[@itemprop='datePublished']/@datetime",
)


def read_page(html: str) -> Record:
    """The main text of a page, with title, authors, time, site and canonical address where the page gives them.

    Paragraphs stand apart by a blank line. Nothing is fetched. Raises BadRecord when the page has
    no main text or cannot be taken apart.
    """
    try:
        return _read(html)
    except BadRecord:
        raise
    except Exception as error:  # three parsers meet hostile markup here; one page must never stop the rest
        raise BadRecord(f"the page cannot be taken apart ({type(error).__name__}); save the article as .txt") from error


def _read(html: str) -> Record:
    tree, document = _extract(html)
    text = clean_text("\n\n".join(_list_blocks(document.body))) if document else ""
    title = clean_title(document.title or "") if document else ""
    if title and text.startswith(f"{title}\n\n"):  # it is shown above the text already
        text = clean_text(text[len(title) :])
    if not text:
        raise BadRecord("the page has no main text; save the article as .txt")
    published = _find_published(tree) or parse_published(document.date)
    return Record(
        text=text,
        title=title or headline(text),
        url=web_address(document.url),
        source=clean_title(document.sitename or "") or None,
        published=published,
        authors=split_authors(document.author),
    )


def _extract(html: str):
    """The parsed page and what trafilatura makes of it (None when it finds no text)."""
    import trafilatura  # with its parsers it loads slowly, and most archives hold no pages
    from lxml.html import HTMLParser, document_fromstring

    for name in ("trafilatura", "htmldate", "courlan"):  # or their warnings go to standard error, unasked
        logging.getLogger(name).addHandler(logging.NullHandler())
    parser = HTMLParser(remove_comments=True, remove_pis=True, collect_ids=False, no_network=True)
    # A tree, not a string: a page that is nothing but an address would be downloaded.
    tree = document_fromstring(_DECLARATION.sub("", clean_text(html)) or "<html></html>", parser=parser)
    document = trafilatura.bare_extraction(
        tree,
        with_metadata=True,
        include_comments=False,
        include_tables=True,
        date_extraction_params={"original_date": True, "extensive_search": False},
    )
    return tree, document


def _find_published(tree) -> date | datetime | None:
    """The time that the page's own markup gives, which trafilatura would shorten to a day."""
    values = [value for path in _META_DATE for value in tree.xpath(path)]
    for script in tree.xpath("//script[@type='application/ld+json']/text()"):
        values += [json.loads(match, strict=False) for match in _JSON_LD_DATE.findall(script)]
    return next((moment for moment in map(parse_published, values) if moment), None)


def _list_blocks(element) -> Iterator[str]:
    """The blocks of text under ``element``, as a browser would break them."""
    run = [_flow(element.text)]
    for child in element:
        if element.tag == "row":
            run += ["\t", *_inline(child)]
        elif child.tag in _BLOCKS:
            yield from _close(run)
            yield from _list_blocks(child)
        else:
            run += _inline(child)
        run.append(_flow(child.tail))
    yield from _close(run)


def _inline(element) -> list[str]:
    """The text within one element of a line."""
    if element.tag == "lb":
        return ["\n"]
    run = [_flow(element.text)]
    for child in element:
        run += [*_inline(child), _flow(child.tail)]
    return run


def _flow(text: str | None) -> str:
    """Blanks and line ends of the markup, joined as HTML joins them."""
    return re.sub(r"[ \t\r\n\f]+", " ", text or "")


def _close(run: list[str]) -> Iterator[str]:
    """The run as one block, if it holds anything."""
    block = re.sub(r" *([\n\t]) *", r"\1", re.sub(" {2,}", " ", "".join(run))).strip()
    run.clear()
    if block:
        yield block
