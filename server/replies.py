"""Replies of the assistant in the form in which they go out."""

from datetime import date

from index.articles import Article
from index.store import IndexInfo
from qa.assistant import Answer, Citation, Nearest, Reply, Superseded
from server.links import article_path, marked_path, original_link
from server.messages import (
    AnswerOut,
    ArticleOut,
    AskReply,
    CitationOut,
    CitedPassage,
    CopyOf,
    EarlierOut,
    IndexBrief,
    IndexOut,
    NearestOut,
    Timings,
)


def write_reply(reply: Reply, conversation_id: str, info: IndexInfo) -> AskReply:
    """``info`` is of the index that gave the reply."""
    return AskReply(
        question=reply.question,
        searched_for=reply.searched_for,
        answered=bool(reply.answers),
        answers=[write_answer(answer) for answer in reply.answers],
        nearest=[write_nearest(nearest) for nearest in reply.nearest],
        conversation_id=conversation_id,
        index=write_brief(info),
        timings_ms=Timings(**{stage: round(spent, 3) for stage, spent in reply.timings_ms.items()}),
    )


def write_answer(answer: Answer) -> AnswerOut:
    return AnswerOut(
        text=answer.text,
        sentence=answer.sentence,
        confidence=answer.confidence,
        resolved_date=answer.resolved_date,
        status=answer.status,
        earlier=[write_earlier(earlier) for earlier in answer.earlier],
        citations=[write_citation(citation) for citation in answer.citations],
    )


def write_earlier(earlier: Superseded) -> EarlierOut:
    return EarlierOut(
        text=earlier.text,
        published=iso(earlier.citations[0].article.published) if earlier.citations else None,
        citations=[write_citation(citation) for citation in earlier.citations],
    )


def write_nearest(nearest: Nearest) -> NearestOut:
    return NearestOut(**dict(write_citation(nearest.citation)), confidence=nearest.confidence)


def write_citation(citation: Citation) -> CitationOut:
    """The last gate: nothing that is not in the article to the letter goes out as a quote."""
    article, passage = citation.article, citation.passage
    if article.text[citation.start : citation.end] != citation.quote:
        raise AssertionError(f"a quote differs from article {article.id!r} at {citation.start}:{citation.end}")
    return CitationOut(
        number=citation.number,
        article_id=article.id,
        title=article.title,
        source=article.source,
        url=article.url,
        published=iso(article.published),
        quote=citation.quote,
        start=citation.start,
        end=citation.end,
        passage=CitedPassage(start=passage.start, end=passage.end, text=article.text[passage.start : passage.end]),
        href=marked_path(article.id, citation.start, citation.end),
        original=original_link(article, citation.start, citation.end),
        copies=[write_copy(copy) for copy in citation.copies],
    )


def write_copy(article: Article) -> CopyOf:
    return CopyOf(
        article_id=article.id,
        title=article.title,
        source=article.source,
        url=article.url,
        published=iso(article.published),
        href=article_path(article.id),
    )


def write_article(article: Article) -> ArticleOut:
    return ArticleOut(
        id=article.id,
        title=article.title,
        text=article.text,
        url=article.url,
        source=article.source,
        published=iso(article.published),
        authors=list(article.authors),
    )


def write_brief(info: IndexInfo) -> IndexBrief:
    return IndexBrief(
        generation=info.generation,
        built_at=info.built_at.isoformat(timespec="seconds"),
        articles=info.articles,
        newest_article=iso(info.newest_article),
    )


def write_index(info: IndexInfo) -> IndexOut:
    return IndexOut(
        **dict(write_brief(info)),
        passages=info.passages,
        embedder=info.embedder,
        size_bytes=info.size_bytes,
        damaged=list(info.damaged),
        skipped=info.skipped,
    )


def iso(published: date | None) -> str | None:
    return published.isoformat() if published else None
