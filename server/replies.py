"""Replies of the assistant in the form in which they go out."""

from collections.abc import Sequence
from datetime import date

from index.articles import Article
from index.store import IndexInfo
from qa.assistant import Answer, Citation, Nearest, Reply, Superseded
from qa.corrections import Correction
from qa.explanation import Considered, Explanation
from qa.freshness import Freshness
from server.conversations import Exchange, Summary
from server.language import language_of
from server.links import article_path, conversation_path, marked_path, original_link
from server.messages import (
    AnswerOut,
    ArticleOut,
    AskReply,
    CitationOut,
    CitedPassage,
    ConsideredOut,
    ConversationOut,
    CopyOf,
    CorrectionOut,
    EarlierOut,
    FreshnessOut,
    IndexBrief,
    IndexOut,
    KeptConversation,
    KeptTurn,
    NearestOut,
    Timings,
    UnderstoodOut,
    WhyReply,
)
from server.texts import human_warning
from server.timeline import timeline_of


def write_reply(reply: Reply, conversation_id: str, info: IndexInfo) -> AskReply:
    """``info`` is of the index that gave the reply."""
    return AskReply(
        question=reply.question,
        searched_for=reply.searched_for,
        answered=bool(reply.answers),
        answers=[write_answer(answer) for answer in reply.answers],
        nearest=[write_nearest(nearest) for nearest in reply.nearest],
        conversation_id=conversation_id,
        language=language_of(reply.question),
        index=write_brief(info),
        understood=write_understood(reply),
        freshness=write_freshness(reply.freshness),
        timings_ms=Timings(**{stage: round(spent, 3) for stage, spent in reply.timings_ms.items()}),
    )


def write_answer(answer: Answer) -> AnswerOut:
    written = AnswerOut(
        text=answer.text,
        sentence=answer.sentence,
        confidence=answer.confidence,
        resolved_date=answer.resolved_date,
        status=answer.status,
        earlier=[write_earlier(earlier) for earlier in answer.earlier],
        citations=[write_citation(citation) for citation in answer.citations],
    )
    return written.model_copy(update={"timeline": timeline_of(written)})


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
        correction=write_correction(article, citation.correction) if citation.correction else None,
    )


def write_correction(article: Article, correction: Correction) -> CorrectionOut:
    start, end = correction.start, correction.end
    if article.text[start:end] != correction.quote:
        raise AssertionError(f"a correction differs from article {article.id!r} at {start}:{end}")
    href = marked_path(article.id, start, end)
    return CorrectionOut(kind=correction.kind, start=start, end=end, quote=correction.quote, href=href)


def write_understood(reply: Reply) -> UnderstoodOut | None:
    period = reply.understood
    if period is None:
        return None
    text = reply.searched_for[period.start_in : period.end_in].strip()
    return UnderstoodOut(kind=period.kind, text=text, after=iso(period.start), before=iso(period.end))


def write_freshness(freshness: Freshness) -> FreshnessOut:
    newest = iso(freshness.newest)
    warning = human_warning(newest, freshness.age) if newest and freshness.age and freshness.behind else None
    return FreshnessOut(newest_article=newest, age_days=freshness.age, warning=warning)


def write_why(explanation: Explanation) -> WhyReply:
    return WhyReply(
        searched_for=explanation.searched_for,
        threshold=explanation.threshold,
        considered=[write_considered(each) for each in explanation.considered],
    )


def write_considered(considered: Considered) -> ConsideredOut:
    article, hit, span = considered.article, considered.hit, considered.span
    start, end = hit.passage.start, hit.passage.end
    return ConsideredOut(
        article_id=article.id,
        title=article.title,
        source=article.source,
        published=iso(article.published),
        passage=CitedPassage(start=start, end=end, text=article.text[start:end]),
        quote=article.text[span.start : span.end] if span else None,
        start=span and span.start,
        end=span and span.end,
        href=marked_path(article.id, span.start, span.end) if span else marked_path(article.id, start, end),
        found_by=hit.by,
        score=round(hit.score, 4),
        cosine=round(hit.cosine, 4),
        bm25=round(hit.bm25, 4),
        confidence=considered.confidence,
    )


def write_summary(summary: Summary) -> ConversationOut:
    return ConversationOut(
        id=summary.id,
        title=summary.title,
        began=summary.began.isoformat(timespec="seconds"),
        turns=summary.turns,
        href=conversation_path(summary.id),
    )


def write_conversation(summary: Summary, exchanges: Sequence[Exchange]) -> KeptConversation:
    return KeptConversation(**dict(write_summary(summary)), exchanges=[write_exchange(each) for each in exchanges])


def write_exchange(exchange: Exchange) -> KeptTurn:
    return KeptTurn(
        turn=exchange.number,
        asked_at=exchange.asked_at.isoformat(timespec="seconds"),
        question=exchange.turn.question,
        answer=exchange.turn.answer,
        asking=exchange.asking,
        reply=exchange.reply,
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
