"""How good are the answers? Asks every question once and counts, over an index or over single passages.

``evaluate`` takes the whole way from question to citation, ``evaluate_reading`` the reader alone. An answer
is "right" when its text is an exact match (SQuAD normalisation). What is measured twice: "as answered" is
what a person would get, refusals included (a refusal is right exactly if there is no answer); "forced" is
the best answer whatever its confidence, over the questions that have one.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np

from index.articles import Article
from index.errors import UsageError
from qa.assistant import Answer, Citation, Reply, Request
from qa.days import mean_the_same
from qa.preferences import preferences
from qa.questions import Question, read_questions, same_address
from qa.report import Confidence, HitShare, Prediction, ReadingReport, Report, Scores
from qa.retriever import Filters, Hit, Preference
from qa.scoring import (
    Mean,
    Ranking,
    Share,
    best_threshold,
    calibration,
    exact_match,
    f1,
    risk_coverage,
    threshold_keeping,
    words_until,
)

__all__ = ["Question", "evaluate", "evaluate_reading", "read_questions", "write_predictions"]

HIT_DEPTHS = (1, 5, 10, 20, 50)
HIT_WORDS = 110  # words a hit stands for, so that an index of longer passages gains nothing
_FETCHED = 100  # enough passages to fill 50 x 110 words where many passages are short
_BEST = 3

Progress = Callable[[int, int], None]


class Asked(Protocol):
    """What is asked. An answer is given, not refused, from a confidence of ``threshold`` on."""

    threshold: float

    def ask(self, request: Request) -> Reply: ...


class Searched(Protocol):
    def retrieve(self, question: str, k: int, filters: Filters, preferences: Sequence[Preference]) -> list[Hit]: ...


class Archive(Protocol):
    def article(self, article_id: str) -> Article: ...


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One question, what came of it, and all that is counted about it."""

    question: Question
    prediction: Prediction
    seconds: float
    em: float
    f1: float
    em_best: float
    f1_best: float
    reply: Reply | None = None
    valid: tuple[bool, ...] = ()
    searched: bool = False
    text_rank: int | None = None
    article_rank: int | None = None

    @property
    def answered(self) -> bool:
        return self.prediction.answered

    @property
    def confidence(self) -> float:
        return self.prediction.confidence

    def as_answered(self, score: float) -> float:
        """``score`` if the question was answered; a refusal scores 1 exactly if there is no answer."""
        refusal_is_right = self.question.answerable is False
        return float(refusal_is_right) if not self.answered else 0.0 if refusal_is_right else score


def evaluate(
    questions: Sequence[Question],
    assistant: Asked,
    retriever: Searched | None = None,
    archive: Archive | None = None,
    *,
    progress: Progress | None = None,
) -> Report:
    """Ask every question and count what came of it.

    Each is asked once, with ``abstain=False``; whether it would have been answered follows from the first
    answer's confidence and ``assistant.threshold``. With ``retriever`` and ``archive`` the passages found for
    the standalone question are scored too (``hit@k``), and citations are checked against the archive's text
    instead of the text they carry. ``progress`` is called with how many are done and how many there are.
    """
    fetch = lru_cache(maxsize=256)(archive.article) if archive is not None else None
    outcomes = []
    for number, question in enumerate(questions, 1):
        outcomes.append(_ask(question, assistant, retriever, fetch))
        if progress is not None:
            progress(number, len(questions))
    kinds = dict.fromkeys(question.kind for question in questions)
    return Report(
        overall=_scores(outcomes),
        kinds={kind: _scores([each for each in outcomes if each.question.kind == kind]) for kind in kinds},
        confidence=_confidence(outcomes, assistant.threshold),
        citations=Share.of(valid for each in outcomes for valid in each.valid),
        miscited=tuple(each.question.id for each in outcomes if not all(each.valid)),
        predictions=tuple(each.prediction for each in outcomes),
    )


def evaluate_reading(
    questions: Sequence[Question],
    answer_in: Callable[[str, str], tuple[str, float]],
    *,
    threshold: float = 0.5,
    progress: Progress | None = None,
) -> ReadingReport:
    """Read each question's own context and count how well its answer was found.

    ``answer_in(question, context)`` returns the best span's text and the confidence that it answers; below
    ``threshold`` the question counts as refused. Raises UsageError for a question without a context.
    """
    outcomes = []
    for number, question in enumerate(questions, 1):
        if question.context is None:
            raise UsageError(f"question {question.id} has no text to read; leave out --reading to ask the index")
        begun = time.perf_counter()
        text, confidence = answer_in(question.text, question.context)
        seconds = time.perf_counter() - begun
        answers = (text,) if text else ()
        prediction = Prediction(question.id, bool(answers) and confidence >= threshold, confidence, answers)
        outcomes.append(_outcome(question, prediction, seconds))
        if progress is not None:
            progress(number, len(questions))
    best, best_f1 = _best_f1(outcomes)
    return ReadingReport(
        scores=_scores(outcomes),
        confidence=_confidence(outcomes, threshold),
        best_threshold=best,
        best_f1=best_f1,
        predictions=tuple(each.prediction for each in outcomes),
    )


def write_predictions(predictions: Iterable[Prediction], path: str | Path) -> None:
    """One JSON object a line: ``{id, answered, confidence, answers}``, answers best first."""
    try:
        with open(path, "w", encoding="utf-8") as lines:
            for each in predictions:
                record = {"id": each.id, "answered": each.answered, "confidence": each.confidence}
                lines.write(json.dumps(record | {"answers": list(each.answers)}, ensure_ascii=False) + "\n")
    except OSError as error:
        raise UsageError(f"cannot write {path} ({error.strerror}); give --predictions another file") from error


def _ask(
    question: Question, assistant: Asked, retriever: Searched | None, fetch: Callable[[str], Article] | None
) -> _Outcome:
    request = Request(question.text, history=question.history, asked_on=question.date, limit=_BEST, abstain=False)
    begun = time.perf_counter()
    reply = assistant.ask(request)
    seconds = time.perf_counter() - begun
    confidence = reply.answers[0].confidence if reply.answers else 0.0
    answered = bool(reply.answers) and confidence >= assistant.threshold
    prediction = Prediction(question.id, answered, confidence, tuple(answer.text for answer in reply.answers))
    measured: dict[str, object] = {"reply": reply, "valid": _check_citations(reply, fetch)}
    if retriever is not None and fetch is not None and question.answerable is not False:
        preferred = preferences(reply.searched_for, question.date or date.today(), reply.freshness.newest)
        hits = retriever.retrieve(reply.searched_for, _FETCHED, Filters(), preferred)
        measured["searched"] = True
        measured["text_rank"] = text_rank(hits, question.answers, fetch)
        measured["article_rank"] = article_rank(hits, question, fetch)
    return _outcome(question, prediction, seconds, **measured)


def _outcome(question: Question, prediction: Prediction, seconds: float, **measured: object) -> _Outcome:
    texts = prediction.answers[:_BEST] or ("",)
    if question.answerable is False:
        return _Outcome(question, prediction, seconds, 0.0, 0.0, 0.0, 0.0, **measured)
    matches = [exact_match(text, question.answers) for text in texts]
    overlaps = [f1(text, question.answers) for text in texts]
    return _Outcome(question, prediction, seconds, matches[0], overlaps[0], max(matches), max(overlaps), **measured)


def _check_citations(reply: Reply, fetch: Callable[[str], Article] | None) -> tuple[bool, ...]:
    """For each citation of a reply, whether its quote stands where it says, and heads the answer it belongs to."""
    valid = []
    for text, citations in _cited(reply):
        for number, citation in enumerate(citations):
            article = fetch(citation.article.id) if fetch is not None else citation.article
            stands = article.text[citation.start : citation.end] == citation.quote
            valid.append(stands and (number > 0 or text is None or text == citation.quote))
    return tuple(valid)


def _cited(reply: Reply) -> Iterable[tuple[str | None, Sequence[Citation]]]:
    for answer in reply.answers:
        yield answer.text, answer.citations
        for earlier in answer.earlier:
            yield earlier.text, earlier.citations
    for nearest in reply.nearest:
        yield None, (nearest.citation,)


def text_rank(hits: Sequence[Hit], answers: Sequence[str], fetch: Callable[[str], Article]) -> int | None:
    """The smallest k for which the first ``k * HIT_WORDS`` words of the passages contain an accepted answer.

    The answer must stand within one passage. None if no passage holds it.
    """
    before = 0
    for hit in hits:
        passage = hit.passage
        text = fetch(passage.article_id).text[passage.start : passage.end]
        needed = words_until(text, answers)
        if needed is not None:
            return -(-(before + needed) // HIT_WORDS)
        before += len(text.split())
        if before >= HIT_WORDS * HIT_DEPTHS[-1]:
            break
    return None


def article_rank(hits: Sequence[Hit], question: Question, fetch: Callable[[str], Article]) -> int | None:
    """The rank, from 1, of the first passage from an article that the question names by id or address."""
    urls = {same_address(url) for url in question.urls}
    for rank, hit in enumerate(hits, 1):
        if hit.passage.article_id in question.article_ids:
            return rank
        if urls and same_address(fetch(hit.passage.article_id).url) in urls:
            return rank
    return None


def _scores(outcomes: Sequence[_Outcome]) -> Scores:
    with_answer = [each for each in outcomes if each.question.answerable is not False]
    without = [each for each in outcomes if each.question.answerable is False]
    seconds = [each.seconds for each in outcomes] or [0.0]
    return Scores(
        questions=len(outcomes),
        answered=Share.of(each.answered for each in outcomes),
        em=Share.of(each.as_answered(each.em) for each in outcomes),
        f1=Mean.of([each.as_answered(each.f1) for each in outcomes]),
        em_best=Share.of(each.as_answered(each.em_best) for each in outcomes),
        f1_best=Mean.of([each.as_answered(each.f1_best) for each in outcomes]),
        forced_em=Share.of(each.em for each in with_answer),
        forced_f1=Mean.of([each.f1 for each in with_answer]),
        forced_em_best=Share.of(each.em_best for each in with_answer),
        forced_f1_best=Mean.of([each.f1_best for each in with_answer]),
        right_given=Share.of(each.em for each in outcomes if each.answered),
        right_kept=Share.of(each.answered for each in with_answer if each.em),
        refused=Share.of(not each.answered for each in without),
        hits=_hit_shares(with_answer),
        special=_special_shares(with_answer),
        p50=float(np.quantile(seconds, 0.5)),
        p99=float(np.quantile(seconds, 0.99)),
    )


def _hit_shares(outcomes: Sequence[_Outcome]) -> tuple[HitShare, ...]:
    searched = [each for each in outcomes if each.searched]
    named = [each for each in searched if each.question.article_ids or each.question.urls]
    if not searched:
        return ()
    return tuple(
        HitShare(
            k,
            Share.of(each.text_rank is not None and each.text_rank <= k for each in searched),
            Share.of(each.article_rank is not None and each.article_rank <= k for each in named),
        )
        for k in HIT_DEPTHS
    )


def _special_shares(outcomes: Sequence[_Outcome]) -> dict[str, Share]:
    """What only questions about dates, periods, changing values and copies are asked for."""
    given = [(each.question, each.reply.answers, each.em) for each in outcomes if each.reply is not None]
    dated = [(question.resolved, answers) for question, answers, _ in given if question.kind == "when"]
    shares = {
        "resolved_date": Share.of(
            answers[:1] and mean_the_same(answers[0].resolved_date, meant) for meant, answers in dated
        ),
        "resolved_date_best": Share.of(
            any(mean_the_same(answer.resolved_date, meant) for answer in answers[:_BEST]) for meant, answers in dated
        ),
        "misled": Share.of(
            not em and _articles(answers) & set(question.misleading_ids)
            for question, answers, em in given
            if question.misleading_ids
        ),
        "stale": Share.of(
            answers[:1] and exact_match(answers[0].text, question.earlier) and not em
            for question, answers, em in given
            if question.earlier
        ),
        "earlier_listed": Share.of(
            any(exact_match(old.text, question.earlier) for answer in answers[:1] for old in answer.earlier)
            for question, answers, _ in given
            if question.earlier
        ),
        "copies_joined": Share.of(
            len(_articles(answers) & set(question.article_ids)) > 1
            for question, answers, _ in given
            if question.kind == "copies"
        ),
    }
    return {name: share for name, share in shares.items() if share.total}


def _articles(answers: Sequence[Answer]) -> set[str]:
    """The ids of the articles that the first answer is cited from, copies included."""
    citations = answers[0].citations if answers else ()
    return {article.id for citation in citations for article in (citation.article, *citation.copies)}


def _confidence(outcomes: Sequence[_Outcome], threshold: float) -> Confidence:
    spoken = [each for each in outcomes if each.prediction.answers]
    levels, right = [each.confidence for each in spoken], [each.em for each in spoken]
    certain = [each.confidence for each in spoken if each.em]
    without = [each.confidence for each in outcomes if each.question.answerable is False]
    keeping_nine = threshold_keeping(0.9, certain)
    risk, risk_area = risk_coverage(levels, right)
    bins, error = calibration(levels, right)
    return Confidence(
        threshold=threshold,
        answerable=Ranking.of([each.confidence for each in outcomes if each.question.answerable], without),
        right=Ranking.of(certain, [each.confidence for each in spoken if not each.em]),
        keeping_nine=keeping_nine,
        refused_then=Share.of(level < keeping_nine for level in without) if keeping_nine is not None else Share(0, 0),
        risk=risk,
        risk_area=risk_area,
        bins=bins,
        error=error,
    )


def _best_f1(outcomes: Sequence[_Outcome]) -> tuple[float | None, float | None]:
    """The threshold that suits these questions best, and the mean F1 as answered at it."""
    refused = [float(each.question.answerable is False) for each in outcomes]
    given = [each.f1 if each.prediction.answers else score for each, score in zip(outcomes, refused, strict=True)]
    return best_threshold([each.confidence for each in outcomes], given, refused) if outcomes else (None, None)
