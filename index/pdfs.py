"""PDF files with a text layer: the words of the pages, as running text.

A PDF holds lines, not paragraphs: lines are joined where the text runs on, hyphens at line ends go where a word
goes on, and ligatures become letters. Offsets are of the text that is made so.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_HYPHENS = "-\u2010\u00ad"
_SOFT = re.compile("[\ufffe\x02](?:\r?\n)?(.?)")  # what PDFium makes of a hyphen at the end of a line
_ENDS = re.compile(r"[.!?:…][\"'”’»)\]]*$")
_PAGE_NUMBER = re.compile(r"(?:page|seite|p\.)?\s*[-–]?\s*\d{1,4}\s*[-–]?(?:\s*(?:of|/)\s*\d{1,4})?", re.IGNORECASE)
_UNTITLED = re.compile(r"^(?:untitled|title|document\d*|microsoft word.*|.*\.(?:docx?|pdf|indd|qxd|tex|odt))$", re.I)
_FULL = 0.8  # of the usual width: a line this long runs on into the next
_LONGEST = 4_000_000  # characters


def load_pdfium() -> None:
    import pypdfium2  # noqa: F401


def read_pdf(path: Path, tell: Callable[[int], None]) -> dict[str, object]:
    """The fields of the article, as ``records.make_record`` takes them; ``tell`` hears how much text there is so far.

    Raises ValueError when it cannot be opened or holds no text.
    """
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        why = "needs a password; save it without one" if locked else "is no PDF that can be read; save it again"
        raise ValueError(why) from error
    try:
        lines = []
        size = 0
        for number in range(len(document)):
            page = _read_page(document, number)
            size += len(page)
            tell(size)
            if size > _LONGEST:
                raise ValueError(f"holds more than {_LONGEST:,} characters; split it")
            page = _SOFT.sub(lambda found: found[1] if found[1].islower() else f"-{found[1]}", page)
            lines.append(_trim(page.translate(_LIGATURES).replace("\r\n", "\n").split("\n")))
        title = document.get_metadata_dict().get("Title", "").strip()
    finally:
        document.close()
    text = "\n\n".join(_join_pages(lines))
    if not text.strip():
        raise ValueError("has no text layer, only pictures of pages; have the text recognised first")
    return {"title": "" if _UNTITLED.match(title) else title, "text": text}


def _read_page(document, number: int) -> str:
    import pypdfium2

    try:
        page = document[number]
        text = page.get_textpage()
        found = text.get_text_range()
        text.close()
        page.close()
        return found
    except pypdfium2.PdfiumError:
        return ""  # one page that is broken costs only itself


def _trim(lines: list[str]) -> list[str]:
    """The lines of a page without a page number above or below them."""
    lines = [line.strip() for line in lines]
    while lines and (not lines[-1] or _PAGE_NUMBER.fullmatch(lines[-1])):
        lines.pop()
    if lines and _PAGE_NUMBER.fullmatch(lines[0]):
        lines.pop(0)
    return lines


def _join_pages(pages: list[list[str]]) -> Iterator[str]:
    """Paragraphs; one that runs over the end of a page stays whole."""
    lengths = sorted(len(line) for page in pages for line in page if line)
    width = lengths[int(len(lengths) * 0.8)] if lengths else 0
    paragraph = ""
    for page in pages:
        for line in page:
            if not line:
                if paragraph and _ENDS.search(paragraph):
                    yield paragraph
                    paragraph = ""
                continue
            before = paragraph
            paragraph = _append(paragraph, line)
            if len(line) < _FULL * width and _ENDS.search(line) or not before and len(line) < width / 2:
                yield paragraph
                paragraph = ""
    if paragraph:
        yield paragraph


def _append(paragraph: str, line: str) -> str:
    if not paragraph:
        return line
    if paragraph[-1] in _HYPHENS and len(paragraph) > 1 and paragraph[-2].isalpha():
        if paragraph[-1] not in "-\u2010" or line[:1].islower():
            return paragraph[:-1] + line
        return paragraph + line
    return f"{paragraph} {line}"
