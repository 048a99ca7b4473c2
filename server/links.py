"""Links to cited words: on this server, and on the page the article came from."""

from hashlib import sha256
from urllib.parse import quote, urlsplit

from index.articles import Article

_WORDS = 4  # of context on each side: the words alone land wrong in repetitive texts
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
    """``prefix-,first,last,-suffix`` for ``text[start:end]``, the context taken from the same paragraphs."""
    first, last = _ends(text[start:end])
    if not first:
        return ""
    prefix = " ".join(text[text.rfind("\n", 0, start) + 1 : start].split()[-_WORDS:])
    line_end = text.find("\n", end)
    suffix = " ".join(text[end : len(text) if line_end < 0 else line_end].split()[:_WORDS])
    parts = [f"{_encode(prefix)}-"] if prefix else []
    parts += [_encode(first)] + ([_encode(last)] if last else [])
    parts += [f"-{_encode(suffix)}"] if suffix else []
    return ",".join(parts)


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
