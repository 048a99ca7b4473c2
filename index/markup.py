"""Markup: a piece of HTML as the text that its reader sees. For pieces that are all article; pages have more beside."""

import re
from collections.abc import Iterator

_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure
    footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p pre search section summary table
    tbody tfoot thead tr ul""".split()
)
_UNSEEN = frozenset(
    """audio canvas embed head iframe input link map math meta noembed noframes noscript object script select style
    svg template textarea title track video""".split()
)
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>", re.IGNORECASE)


def read_markup(html: str) -> str:
    """The text of ``html``: blocks stand apart by a blank line, cells of a row by a tab. Nothing is fetched."""
    return "\n\n".join(list_blocks(html))


def list_blocks(html: str) -> Iterator[str]:
    from lxml.html import HTMLParser, document_fromstring

    parser = HTMLParser(remove_comments=True, remove_pis=True, collect_ids=False, no_network=True)
    html = _DECLARATION.sub("", html.replace("\0", ""))
    tree = document_fromstring(f"<div>{html}</div>", parser=parser)
    run: list[str] = []
    for piece in _walk(tree):
        if piece is not None:
            run.append(piece)
        elif block := _join(run):
            yield block
            run.clear()
        else:
            run.clear()
    if block := _join(run):
        yield block


def _walk(tree) -> Iterator[str | None]:
    """Pieces of text in order, and None wherever a block begins or ends. Without recursion: markup may be deep."""
    from lxml.etree import iterwalk

    walk = iterwalk(tree, events=("start", "end"))
    kept = 0  # depth within preformatted text
    for event, element in walk:
        tag = element.tag if isinstance(element.tag, str) else ""
        unseen = tag in _UNSEEN
        kept += (event == "start") - (event == "end") if tag == "pre" else 0
        if event == "start" and unseen:
            walk.skip_subtree()
        elif event == "start":
            yield from _open(tag, element, kept)
        elif not unseen:
            yield from _close(tag, element)
        if event == "end" and element.tail:
            yield _flow(element.tail, kept)


def _open(tag: str, element, kept: int) -> Iterator[str | None]:
    if tag in _BLOCKS:
        yield None
    if tag == "br":
        yield "\n"
    if element.text:
        yield _flow(element.text, kept)


def _close(tag: str, element) -> Iterator[str | None]:
    if tag in _BLOCKS:
        yield None
    elif tag in ("td", "th") and element.getnext() is not None:
        yield "\t"


def _flow(text: str, kept: int) -> str:
    """Blanks and line ends of the markup, joined as HTML joins them."""
    return text if kept else re.sub(r"[ \t\r\n\f]+", " ", text)


def _join(run: list[str]) -> str:
    return re.sub(r" *([\n\t]) *", r"\1", re.sub(" {2,}", " ", "".join(run))).strip()
