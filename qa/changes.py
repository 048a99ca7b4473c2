"""Values that moved: a death toll, a price, who leads. Several articles' answers become one, with its history.

A question that asks for a number or for who holds something has one right answer at a time. Candidates of one kind
from articles on one story are such answers at several times: the newest comes first, the others are its history.
What is compared is what the words say (``qa.values``); limits are in the fitted rank, a logit, so that they hold for
any reader.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby
from math import exp

from index.articles import Article
from qa.confidence import Confidence
from qa.evidence import Candidate
from qa.moving import Moving, find_moving, only_grows
from qa.periods import Period, publication_days
from qa.reader import Span
from qa.stories import Story, closeness, holds_role, in_headline, is_credit, newness, telling_words, told_of_period
from qa.values import Value, agree, read_name, read_number, same_kind

_REACH = (3.0, 2.0)  # how far below the best a number, and a name, of the history may rank
_FIRST = 2.0  # the same, for the value that comes first: any article that came out later has some number
_STEP = 2.0  # how much larger than the toll before it one may be that is not told so well
_DISPUTED = 1.5  # the same, for a value that is said to contradict another
_HEADLINE = 1.5  # what a value gains by standing in its article's headline, as the newest figure does
_CLOSE = 1.0  # what one gains by a sentence that has all of the question's telling words
_TIMELY = 1.5  # what one gains that the words around it call new, or loses that they call past or to come
_OF_PERIOD = 2.0  # what one gains by a sentence that dates it in the period asked for, or loses by another date
_FOLD = 30.0  # how much larger than another a price or a rate of one history may be
_LEAP = 100.0  # the same, for a toll and the one told before it
_MOST = 12  # values of one history


@dataclass(frozen=True, slots=True)
class Sighting:
    """A value as one article gives it, published ``when`` (ISO 8601). ``read`` is how its words alone rank, ``rank``
    what that comes to with all that the article says of the value."""

    candidate: Candidate
    span: Span
    value: Value
    when: str
    rank: float
    read: float
    signed: bool  # the headline gives it, or its sentence calls it new
    passed: bool  # its sentence calls it past or to come: "up from 28", "a former", "could reach 50"
    of_period: bool  # its sentence dates it in the period that the question names

    @property
    def day(self) -> str:
        return self.when[:10]


def join_changes(
    question: str,
    candidates: Sequence[Candidate],
    articles: Mapping[str, Article],
    confidence: Confidence,
    period: Period | None = None,
) -> list[Candidate]:
    """``candidates`` with the values of one history joined in one, which then comes first.

    The answer is the newest value, or that of the ``period`` which the question names; its ``earlier`` are the ones
    before, newest first. Values of the last day that cannot both be right are "conflicting", side by side.
    Candidates are returned as they are where nothing moved or the question asks for nothing that moves.
    """
    moving = find_moving(question, period)
    if moving is None or len(candidates) < 2:
        return list(candidates)
    dated = None if only_grows(question) else _dated(period)
    seen = _sightings(question, moving, candidates, articles, dated)
    history = _history(question, seen, articles, only_grows(question), dated)
    moves = moving.surely or any(each.signed for each in history)
    arranged = _arrange(candidates, history, confidence, dated, moves)
    if arranged is None:
        return _of_period_first(candidates, seen, history, dated)
    # The history answers at least as surely as any value did that its articles give.
    told = {each.span.passage.article_id for each in history}
    sure = max(each.candidate.confidence for each in seen if each.span.passage.article_id in told)
    return [replace(arranged[0], confidence=max(sure, arranged[0].confidence)), *arranged[1:]]


def has_moved(candidates: Sequence[Candidate]) -> bool:
    """Whether the first candidate is one of several values."""
    return bool(candidates) and (bool(candidates[0].earlier) or candidates[0].status == "conflicting")


@dataclass(frozen=True, slots=True)
class Dated:
    """The period a question names, and the first and last day on which articles on it may have come out."""

    period: Period
    start: str
    end: str

    def meant(self, sighting: Sighting) -> bool:
        return sighting.of_period or self.start <= sighting.day <= self.end


def _dated(period: Period | None) -> Dated | None:
    if period is None or period.kind not in ("within", "as_of", "before"):
        return None
    days = publication_days(period)
    if days is None:
        return None
    if period.kind != "within":  # what was so on a day was reported before it
        return Dated(period, date.min.isoformat(), (period.end or days[1]).isoformat())
    return Dated(period, days[0].isoformat(), days[1].isoformat())


def _sightings(
    question: str,
    moving: Moving,
    candidates: Sequence[Candidate],
    articles: Mapping[str, Article],
    dated: Dated | None,
) -> list[Sighting]:
    """Every value of the kind that is asked for in dated articles, as each article gives it best.

    Of undated questions, only those that are likely enough for any history: the rest of the work is theirs.
    """
    terms, role = telling_words(question)
    read = _values(moving, role, candidates, articles)
    best: dict[tuple[str, str], float] = {}
    for _, _, value, rank in read:
        best[value.kind, value.unit] = max(rank, best.get((value.kind, value.unit), rank))
    seen = []
    for candidate, span, value, rank in read:
        if dated is None and rank < best[value.kind, value.unit] - _REACH[value.kind == "name"] - _TIMELY:
            continue
        article = articles[span.passage.article_id]
        told, new = in_headline(value, article.title), newness(article.text, span)
        full = rank + _HEADLINE * told + _TIMELY * new + _CLOSE * closeness(question, terms, article.text, span)
        of_period = told_of_period(article.text, span, article.published, dated.period) if dated else 0
        full += _OF_PERIOD * of_period
        when = article.published.isoformat()
        seen.append(Sighting(candidate, span, value, when, full, rank, told or new > 0, new < 0, of_period > 0))
    return seen


def _values(
    moving: Moving, role: frozenset[str], candidates: Sequence[Candidate], articles: Mapping[str, Article]
) -> list[tuple[Candidate, Span, Value, float]]:
    """(candidate, its best span in an article, what that says, how that ranks) for each article with a date."""
    read = []
    for candidate in candidates:
        taken: set[str] = set()
        for span, rank in zip(candidate.spans, candidate.ranks, strict=True):
            article = articles[span.passage.article_id]
            if article.id in taken or article.published is None:
                continue
            value = _read(moving, article.text, span, role)
            if value is not None and moving.admits(value):
                taken.add(article.id)
                read.append((candidate, span, value, rank))
    return read


_YEAR = re.compile(r"(?<![\d,.])(?:19|20)\d\d(?!\d|[,.]\d)")  # "1,950" is none


def _read(moving: Moving, text: str, span: Span, role: frozenset[str]) -> Value | None:
    if moving.kind == "number":
        value = read_number(text, span.start, span.end)
        year = value is not None and value.kind == "count" and _YEAR.search(text[span.start : span.end])
        return None if year else value
    name = read_name(text[span.start : span.end])
    if name is None or is_credit(text, span, name) or not holds_role(text, span, role):
        return None
    return name


def _history(
    question: str, seen: Sequence[Sighting], articles: Mapping[str, Article], grows: bool, dated: Dated | None
) -> list[Sighting]:
    """One sighting an article, oldest first, of those that tell of one thing; empty where there are none."""
    meant = [each for each in seen if dated is None or dated.meant(each)]
    if not meant:
        return []
    lead = _leading(meant)
    story = Story(question, articles[lead.span.passage.article_id], lead.span.passage)
    if not story.found:
        return []
    alike = [each for each in meant if same_kind(each.value, lead.value)]
    least = max(each.read for each in alike) - _REACH[lead.value.kind == "name"]
    near = [
        each
        for each in seen
        if same_kind(each.value, lead.value)
        and each.read >= least - _TIMELY * each.signed
        and (grows or _comparable(each.value, lead.value))
        and story.told_in(articles[each.span.passage.article_id], each.span)
    ]
    if grows:
        return _trim(_rising(near), True)
    best: dict[str, Sighting] = {}
    for each in sorted(near, key=lambda each: -each.rank):
        best.setdefault(each.span.passage.article_id, each)
    return _trim(sorted(best.values(), key=lambda each: (each.when, each.rank))[-_MOST:], False)


def _trim(history: list[Sighting], grows: bool) -> list[Sighting]:
    """A history without the newest values that may not come first: they are too unlikely, or called past or to come.

    A toll a little above the one before is likely by that alone.
    """
    least = max((each.read for each in history), default=0.0) - _FIRST
    for place in reversed(range(len(history))):
        each = history[place]
        step = grows and place > 0 and each.value.high <= _STEP * history[place - 1].value.high
        if step or (not each.passed and each.read >= least - _TIMELY * each.signed):
            return history[: place + 1]
    return history


def _comparable(one: Value, other: Value) -> bool:
    """Whether a price or rate may have become the other: they do not move a hundredfold."""
    smaller, larger = sorted((abs(one.high), abs(other.high)))
    return larger <= _FOLD * smaller or larger == smaller


def _leading(seen: Sequence[Sighting]) -> Sighting:
    """The best sighting of the kind that weighs most."""
    weights: dict[tuple[str, str], float] = {}
    top = max(each.rank for each in seen)
    for each in seen:
        kind = each.value.kind, each.value.unit
        weights[kind] = weights.get(kind, 0.0) + exp(each.rank - top)
    heaviest = max(weights, key=lambda kind: weights[kind])
    return max((each for each in seen if (each.value.kind, each.value.unit) == heaviest), key=lambda each: each.rank)


def _rising(seen: Sequence[Sighting]) -> list[Sighting]:
    """The heaviest chain of sightings, one an article, in which no value falls as time goes on.

    A toll only grows: a later article's smaller number counts something else, however sure the reader is of it.
    """
    ordered = sorted(seen, key=lambda each: (each.day, each.value.high, each.when))
    chains: list[tuple[float, list[Sighting]]] = []
    top = max((each.rank for each in seen), default=0.0)
    for place, each in enumerate(ordered):
        before = [
            chain
            for (_, chain), last in zip(chains, ordered[:place], strict=True)
            if last.value.high <= each.value.high <= _LEAP * max(1.0, last.value.high)
            and all(one.span.passage.article_id != each.span.passage.article_id for one in chain)
        ]
        best = max(before, key=_weight_over(top), default=[])
        chains.append((0.0, [*best, each]))
    return max((chain for _, chain in chains), key=_weight_over(top), default=[])[-_MOST:]


def _weight_over(top: float) -> Callable[[Sequence[Sighting]], float]:
    return lambda chain: sum(exp(each.rank - top) for each in chain)


def _arrange(
    candidates: Sequence[Candidate],
    history: Sequence[Sighting],
    confidence: Confidence,
    dated: Dated | None,
    moves: bool,
) -> list[Candidate] | None:
    """The history's answer first, what contradicts it next, then the candidates that are no part of it; None where
    there is only one value."""
    current = _current(history, dated)
    if current is None:
        return None
    disputed = [
        each
        for each in history
        if each.day == current.day
        and not each.passed
        and each.rank >= current.rank - _DISPUTED
        and each.read >= current.read - _DISPUTED
        and not agree(each.value, current.value)
        and each.span.passage.article_id != current.span.passage.article_id
    ]
    runs = _runs([each for each in history if each.day < current.day]) if moves else []
    same = [each for each in history if each.day == current.day and agree(each.value, current.value)]
    while runs and all(_unmoved(each.value, current.value) for each in runs[0]):  # it was already so before
        same += runs.pop(0)
    if not runs and not disputed:
        return None
    kept = [current, *same, *disputed, *(each for run in runs for each in run)]
    told = {id(each.candidate) for each in kept}
    others = [candidate.rank for candidate in candidates if id(candidate) not in told]
    status = "conflicting" if disputed else "current"
    earlier = tuple(_candidate(run, confidence, others) for run in runs)
    first = _candidate(_best_told([current, *same]), confidence, others)
    first = replace(first, status=status, earlier=earlier)
    beside = [replace(_candidate([each], confidence, others), status=status) for each in _distinct(disputed)]
    return [first, *beside, *(candidate for candidate in candidates if id(candidate) not in told)]


def _unmoved(before: Value, now: Value) -> bool:
    """Whether a value is the earlier one still. "At least 151" bears with 156, which has overtaken it all the same."""
    return agree(replace(before, bound=""), replace(now, bound=""))


def _of_period_first(
    candidates: Sequence[Candidate], seen: Sequence[Sighting], history: Sequence[Sighting], dated: Dated | None
) -> list[Candidate]:
    """Where the question names a period, a value of it before a first one that is hardly told of it."""
    best = _current(history, dated) if dated else None
    if best is None:
        return list(candidates)
    least = best.rank - _OF_PERIOD
    if any(each.candidate is candidates[0] and dated.meant(each) and each.rank >= least for each in seen):
        return list(candidates)
    return sorted(candidates, key=lambda candidate: candidate is not best.candidate)


def _current(history: Sequence[Sighting], dated: Dated | None) -> Sighting | None:
    """The newest sighting; of a period the best of its days, since figures of it come out at several times."""
    if dated is None:
        return max(history, key=lambda each: (each.day, each.rank), default=None)
    inside = [each for each in history if dated.meant(each)]
    if dated.period.kind == "within":
        return max(inside, key=lambda each: each.rank, default=None)
    return max(inside, key=lambda each: (each.day, each.rank), default=None)


def _best_told(run: Sequence[Sighting]) -> list[Sighting]:
    """The most exact of sightings that agree first ("71.5%" before "71%"), the others in order."""
    best = max(run, key=lambda each: each.rank - (each.value.bound != ""))
    return [best, *(each for each in run if each is not best)]


def _runs(sightings: Sequence[Sighting]) -> list[list[Sighting]]:
    """Sightings newest first, those in a row that say the same together."""
    newest_first = sorted(sightings, key=lambda each: (each.day, each.value.high), reverse=True)
    return [list(run) for _, run in groupby(newest_first, key=lambda each: each.value.key)]


def _distinct(sightings: Sequence[Sighting]) -> list[Sighting]:
    best: dict[str, Sighting] = {}
    for each in sorted(sightings, key=lambda each: -each.rank):
        best.setdefault(each.value.key, each)
    return list(best.values())


def _candidate(run: Sequence[Sighting], confidence: Confidence, others: Sequence[float]) -> Candidate:
    """One value as it is shown. Other times' values do not compete with it, so they do not make it less sure."""
    best = max(run, key=lambda each: each.candidate.rank).candidate
    spans = dict.fromkeys(each.span for each in run)
    sure = confidence.of(best.features, best.rank, others) if best.features else best.confidence
    return replace(best, spans=tuple(spans), ranks=(), confidence=max(sure, best.confidence))
