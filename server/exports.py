"""A kept conversation as Markdown, with all citations and with their numbers as on the page."""

import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin

from server.conversations import Exchange, Summary
from server.marks import marked_sentence
from server.messages import AnswerOut, AskReply, CitationOut
from server.texts import TEXTS, human_confidence, human_date, human_resolved

_SIGNS = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~&=$^:@])")


def write_markdown(summary: Summary, exchanges: Sequence[Exchange], address: str) -> str:
    """``address`` is this server's, to which articles are linked."""
    lines = [f"# {plain(summary.title)}", "", f"{TEXTS.name}, {human_date(summary.began.isoformat())}", ""]
    for exchange in exchanges:
        lines += [f"## {plain(exchange.turn.question)}", "", *_exchange(exchange, address)]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """``text`` on one line, so that Markdown shows it and reads nothing into it."""
    return _SIGNS.sub(r"\\\1", " ".join(text.split()))


def _exchange(exchange: Exchange, address: str) -> Iterator[str]:
    reply = exchange.reply
    if reply is None:
        yield from (f"> **{plain(exchange.turn.answer)}**" if exchange.turn.answer else TEXTS.refusal, "")
        return
    if reply.searched_for != reply.question:
        yield from (f"{TEXTS.searched_for} {plain(reply.searched_for)}", "")
    if reply.answered:
        for answer in reply.answers:
            yield from _answer(answer, address)
    else:
        yield from _refusal(reply, address)


def _answer(answer: AnswerOut, address: str) -> Iterator[str]:
    before, words, after = marked_sentence(answer)
    numbers = "".join(f" \\[{citation.number}\\]" for citation in answer.citations)
    yield from (f"> {_joined(before, words, after)}{numbers}", "")
    sure = ". ".join(filter(None, (human_confidence(answer.confidence), human_resolved(answer))))
    yield from (f"{plain(sure)}.", "")
    if answer.status == "conflicting":
        yield from (TEXTS.conflicting, "")
    yield from (*(_source(citation, address) for citation in answer.citations), "")
    for earlier in answer.earlier:
        when = human_date(earlier.published) or TEXTS.undated
        yield from (f"{TEXTS.earlier} **{plain(earlier.text)}** ({when})", "")
        yield from (*(_source(citation, address) for citation in earlier.citations), "")


def _refusal(reply: AskReply, address: str) -> Iterator[str]:
    yield from (TEXTS.refusal, "")
    if reply.nearest:
        yield from (TEXTS.nearest, "", *(_source(nearest, address) for nearest in reply.nearest), "")


def _joined(before: str, words: str, after: str) -> str:
    """The sentence with its words bold: spaces may not stand inside the stars, and letters not right beside them."""
    return f"{_edge(before)}**{plain(words)}**{_edge(after)}"


def _edge(text: str) -> str:
    start = " " if text[:1].isspace() else ""
    end = " " if text[-1:].isspace() else ""
    return f"{start}{plain(text)}{end}" if text.strip() else start


def _source(citation: CitationOut, address: str) -> str:
    about = [citation.title or citation.article_id, citation.source, human_date(citation.published) or TEXTS.undated]
    told = ", ".join(plain(part) for part in about if part)
    links = [f"[{TEXTS.marked_here}](<{urljoin(address, citation.href)}>)"]
    if citation.original:
        links.append(f"[{TEXTS.original_at}](<{citation.original.replace('<', '%3C').replace('>', '%3E')}>)")
    copies = "; ".join(plain(copy.title or copy.article_id) for copy in citation.copies)
    also = f" {TEXTS.copies} {copies}." if copies else ""
    return f"- \\[{citation.number}\\] “{plain(citation.quote)}” {told}. {' · '.join(links)}.{also}"
