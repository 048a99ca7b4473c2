"""What an evaluation found, as JSON for programs and as a table for people."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

from qa.scoring import Bin, Mean, Ranking, RiskPoint, Share

_SPECIAL = {
    "resolved_date": "calendar date right",
    "resolved_date_best": "calendar date right, best of three",
    "misled": "wrong, from an article of another period",
    "stale": "an earlier value given as current",
    "earlier_listed": "earlier values listed beside the answer",
    "copies_joined": "copies joined in one answer",
}


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was said to one question: ``answers`` best first, given even where ``answered`` is False."""

    id: str
    answered: bool
    confidence: float
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HitShare:
    """Of the questions with an answer: how often the best ``k`` passages hold it, or are from a named article."""

    k: int
    text: Share
    article: Share


@dataclass(frozen=True, slots=True)
class Scores:
    """What is counted about a group of questions.

    ``em``, ``f1``: as answered, over all; ``forced_*``: abstention off, over those with an answer; ``*_best``:
    the best of three answers. ``right_given``: of those answered, the right ones. ``right_kept``: of the right
    ones, those answered. ``refused``: of those without an answer, those refused. ``special``: what only some
    kinds of question have. ``p50``, ``p99``: seconds a question, to inform, not to compare machines with.
    """

    questions: int
    answered: Share
    em: Share
    f1: Mean
    em_best: Share
    f1_best: Mean
    forced_em: Share
    forced_f1: Mean
    forced_em_best: Share
    forced_f1_best: Mean
    right_given: Share
    right_kept: Share
    refused: Share
    hits: tuple[HitShare, ...]
    special: Mapping[str, Share]
    p50: float
    p99: float

    def to_json(self) -> dict[str, object]:
        return {
            "questions": self.questions,
            "answered": self.answered.to_json(),
            "as_answered": _four(self.em, self.f1, self.em_best, self.f1_best),
            "forced": _four(self.forced_em, self.forced_f1, self.forced_em_best, self.forced_f1_best),
            "right_given": self.right_given.to_json(),
            "right_kept": self.right_kept.to_json(),
            "unanswerable_refused": self.refused.to_json(),
            "hits": [{"k": hit.k, "text": hit.text.to_json(), "article": hit.article.to_json()} for hit in self.hits],
            **{name: share.to_json() for name, share in self.special.items()},
            "seconds": {"p50": self.p50, "p99": self.p99},
        }


def _four(em: Share, f1: Mean, em_best: Share, f1_best: Mean) -> dict[str, object]:
    return {
        "em": em.to_json(),
        "f1": f1.to_json(),
        "em_best_of_three": em_best.to_json(),
        "f1_best_of_three": f1_best.to_json(),
    }


@dataclass(frozen=True, slots=True)
class Confidence:
    """How far confidence tells good answers from bad; an answer to an unanswerable question is a wrong one.

    ``answerable`` and ``right`` are AUROCs. At ``keeping_nine`` nine in ten of the right answers are still
    given, and ``refused_then`` of the unanswerable questions are refused. ``risk_area`` is the area under the
    whole risk-coverage curve, ``error`` the expected calibration error over bins of equal count.
    """

    threshold: float
    answerable: Ranking
    right: Ranking
    keeping_nine: float | None
    refused_then: Share
    risk: tuple[RiskPoint, ...]
    risk_area: float | None
    bins: tuple[Bin, ...]
    error: float | None

    def to_json(self) -> dict[str, object]:
        return {
            "threshold": self.threshold,
            "auroc_answerable": self.answerable.to_json(),
            "auroc_right": self.right.to_json(),
            "keeping_nine_in_ten_right": {
                "threshold": self.keeping_nine,
                "unanswerable_refused": self.refused_then.to_json(),
            },
            "risk_coverage": {"area": self.risk_area, "curve": [asdict(point) for point in self.risk]},
            "calibration": {"error": self.error, "bins": [asdict(each) for each in self.bins]},
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What ``verbatim eval`` finds over an index. ``miscited`` are the ids of questions with a false citation."""

    overall: Scores
    kinds: Mapping[str, Scores]
    confidence: Confidence
    citations: Share
    miscited: tuple[str, ...]
    predictions: tuple[Prediction, ...]

    def to_json(self) -> dict[str, object]:
        """Everything but the predictions. Shares carry their count, total and 95 % interval."""
        return {
            "overall": self.overall.to_json(),
            "kinds": {kind: scores.to_json() for kind, scores in self.kinds.items()},
            "confidence": self.confidence.to_json(),
            "citations": {"valid": self.citations.to_json(), "miscited": list(self.miscited)},
        }

    def table(self) -> str:
        lines = list(_score_lines(self.overall))
        lines += _confidence_lines(self.confidence)
        lines.append(_line("citations whose words stand there", self.citations))
        if self.miscited:
            lines.append(f"  false citations in: {', '.join(self.miscited[:10])}")
        if len(self.kinds) > 1:
            lines += _kind_lines(self.kinds)
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What ``verbatim eval --reading`` finds: the reader alone, each question against its own text.

    ``best_f1`` is the mean F1 as answered at the threshold that suits these questions best, ``best_threshold``
    (None: refuse all); ``scores.f1`` is that at the threshold in use.
    """

    scores: Scores
    confidence: Confidence
    best_threshold: float | None
    best_f1: float | None
    predictions: tuple[Prediction, ...]

    def to_json(self) -> dict[str, object]:
        """Everything but the predictions. Shares carry their count, total and 95 % interval."""
        best = {"threshold": self.best_threshold, "f1": self.best_f1}
        return {"reading": self.scores.to_json(), "best": best, "confidence": self.confidence.to_json()}

    def table(self) -> str:
        best = f"{_percent(self.best_f1)}  at {_number(self.best_threshold)}"
        lines = [*_score_lines(self.scores, three=False), f"{'F1 at the best threshold':<42}{best}"]
        return "\n".join(lines + list(_confidence_lines(self.confidence)))


def _score_lines(scores: Scores, three: bool = True) -> Iterator[str]:
    yield f"{scores.questions} questions; shares with their 95 % intervals"
    yield _line("answered", scores.answered)
    yield _line("as answered: EM", scores.em)
    yield _line("as answered: F1", scores.f1)
    yield _line("forced: EM", scores.forced_em)
    yield _line("forced: F1", scores.forced_f1)
    if three:
        yield _line("as answered: EM, best of three", scores.em_best)
        yield _line("as answered: F1, best of three", scores.f1_best)
        yield _line("forced: EM, best of three", scores.forced_em_best)
        yield _line("forced: F1, best of three", scores.forced_f1_best)
    yield _line("of answers given, right", scores.right_given)
    yield _line("of right answers, given", scores.right_kept)
    if scores.refused.total:
        yield _line("of unanswerable questions, refused", scores.refused)
    for hit in scores.hits:
        yield _line(f"hit@{hit.k}: the answer is in the passages", hit.text)
        if hit.article.total:
            yield _line(f"hit@{hit.k}: a passage is from the article", hit.article)
    for name, share in scores.special.items():
        yield _line(_SPECIAL.get(name, name), share)
    yield f"{'time a question':<42}{scores.p50 * 1000:.0f} ms p50, {scores.p99 * 1000:.0f} ms p99"


def _confidence_lines(confidence: Confidence) -> Iterator[str]:
    yield f"{'threshold in use':<42}{_number(confidence.threshold)}"
    yield _line("AUROC, right or wrong", confidence.right)
    if confidence.answerable.value is not None:
        yield _line("AUROC, answerable or not", confidence.answerable)
    if confidence.refused_then.total:
        yield _line(f"refused at {_number(confidence.keeping_nine)}, keeping 9 in 10 right", confidence.refused_then)
    yield f"{'area under risk and coverage':<42}{_number(confidence.risk_area)}"
    curve = ", ".join(f"{point.coverage:.0%}: {point.risk:.0%}" for point in confidence.risk)
    yield f"{'wrong among the most confident':<42}{curve}"
    yield f"{'expected calibration error':<42}{_number(confidence.error)}"


def _kind_lines(kinds: Mapping[str, Scores]) -> Iterator[str]:
    yield ""
    yield f"{'kind':<22}{'asked':>7}{'answered':>10}{'EM':>8}{'F1':>8}{'forced EM':>11}{'F1':>8}{'hit@10':>9}"
    for kind, scores in kinds.items():
        hit = next((hit.text.value for hit in scores.hits if hit.k == 10), None)
        given = [scores.answered.value, scores.em.value, scores.f1.value]
        forced = [scores.forced_em.value, scores.forced_f1.value, hit]
        cells = zip([*given, *forced], (10, 8, 8, 11, 8, 9), strict=True)
        yield f"{kind:<22}{scores.questions:>7}" + "".join(f"{_percent(value):>{width}}" for value, width in cells)


def _line(label: str, measure: Share | Mean | Ranking) -> str:
    if measure.value is None or measure.interval is None:
        return f"{label:<42}-"
    low, high = measure.interval
    match measure:
        case Share(count, total):
            numbers = f"{count} of {total}"
        case Mean():
            numbers = f"of {measure.total}"
        case Ranking():
            numbers = f"{measure.positives} against {measure.negatives}"
    if isinstance(measure, Ranking):
        return f"{label:<42}{measure.value:.3f}    [{low:.3f}, {high:.3f}]  {numbers}"
    return f"{label:<42}{_percent(measure.value):<9}[{100 * low:.1f}, {100 * high:.1f}]  {numbers}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
