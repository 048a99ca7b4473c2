"""Links to cited words: on this server, and on the page the article came from."""

from hashlib import sha256
from urllib.parse import quote, urlsplit

from index.articles import Article

_WORDS = 4  # of context on each side: the words alone land wrong in repetitive texts
_CONTEXT = (_WORDS, 8, 16, 32)  # tried until the place is the only one
_LONGEST = 300  # characters quoted whole; longer ones are given by their first and last words


def article_path(article_id: str) -> str:
    """The path of an article's page."""
    if article_id in (".", ".."):  # browsers would resolve these, even percent-encoded
        return f"/articles/?id={quote(article_id).replace('.', '%2E')}"
    return f"/articles/{quote(article_id, safe='')}"


def marked_path(article_id: str, start: int, end: int, words: str | None = None) -> str:
    """The path of an article's page with ``text[start:end]`` marked; given ``words``, only while they stand there."""
    checked = f"&v={fingerprint(words)}" if words is not None else ""
    return _add(article_path(article_id), f"start={start}&end={end}{checked}")


def fingerprint(words: str) -> str:
    """8 hexadecimal digits by which a page sees that other words stand at this place by now."""
    return sha256(words.encode()).hexdigest()[:8]


def conversation_path(conversation_id: str) -> str:
    """The path of a conversation's page."""
    return f"/c/{quote(conversation_id, safe='')}"


def carry(path: str, conversation_id: str) -> str:
    """``path`` with the conversation that its page shall lead back to."""
    return _add(path, f"conversation={quote(conversation_id, safe='')}") if conversation_id else path


def web_address(url: str | None) -> str | None:
    """``url`` if it is one that a page may link to: http or https, with a host."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None


def original_link(article: Article, start: int, end: int) -> str | None:
    """The article's own page as a text fragment link (wicg.github.io/scroll-to-text-fragment), None without one."""
    url = web_address(article.url)
    if url is None:
        return None
    fragment = text_fragment(article.text, start, end)
    if not fragment:
        return url
    before = url.split(":~:", 1)[0]
    return f"{before}{'' if '#' in before else '#'}:~:text={fragment}"


def text_fragment(text: str, start: int, end: int) -> str:
    """``prefix-,first,last,-suffix`` for ``text[start:end]``: as much context as tells this place from all others.

    Prefix and suffix are of the same paragraph, or of the ones beside it where that has nothing more to tell: a
    browser takes neither from more than one.
    """
    first, last = _ends(text[start:end])
    if not first:
        return ""
    whole = _collapse(text)
    tries = [(count, beyond) for beyond in (False, True) for count in _CONTEXT]
    contexts = [(_before(text, start, *each), _after(text, end, *each)) for each in tries]
    prefix, suffix = next(
        (each for each in contexts if _is_single(_joined(text, start, end, *each), whole)), contexts[0]
    )
    parts = [f"{_encode(prefix)}-"] if prefix else []
    parts += [_encode(first)] + ([_encode(last)] if last else [])
    parts += [f"-{_encode(suffix)}"] if suffix else []
    return ",".join(parts)


def _before(text: str, start: int, count: int, beyond: bool) -> str:
    lines = text[:start].split("\n")
    words = lines.pop().split()
    while beyond and not words and lines:
        words = lines.pop().split()
    return " ".join(words[-count:])


def _after(text: str, end: int, count: int, beyond: bool) -> str:
    lines = text[end:].split("\n")[::-1]
    words = lines.pop().split()
    while beyond and not words and lines:
        words = lines.pop().split()
    return " ".join(words[:count])


def _joined(text: str, start: int, end: int, prefix: str, suffix: str) -> str:
    """The words and their context as they stand in the text, but for white space and case."""
    before = " " if text[:start][-1:].isspace() else ""
    after = " " if text[end : end + 1].isspace() else ""
    return _collapse(f"{prefix}{before if prefix else ''}{text[start:end]}{after if suffix else ''}{suffix}")


def _is_single(words: str, whole: str) -> bool:
    """Whether they occur once; ``str.count`` would miss places that overlap."""
    return whole.find(words) == whole.rfind(words)


def _collapse(text: str) -> str:
    return " ".join(text.split()).casefold()


def _ends(words: str) -> tuple[str, str]:
    """The words whole; or, when they are long or span paragraphs, their first and last few."""
    lines = [line.split() for line in words.split("\n") if line.strip()]
    whole = " ".join(words.split())
    if len(lines) > 1:
        return " ".join(lines[0][:_WORDS]), " ".join(lines[-1][-_WORDS:])
    if len(whole) <= _LONGEST or len(lines[0]) < 2:
        return whole, ""
    count = min(_WORDS, len(lines[0]) // 2)  # the two may not overlap
    return " ".join(lines[0][:count]), " ".join(lines[0][-count:])


def _add(path: str, query: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{query}"


def _encode(words: str) -> str:
    return quote(words, safe="").replace("-", "%2D")
