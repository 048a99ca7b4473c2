"""A small archive out of a large one: the articles that some questions need, and others, the same on every run."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from index.articles import Article
from index.generation import Generation
from qa.questions import Question, same_address
from qa.scoring import normalize_answer

SEED = 20240909


@dataclass(frozen=True, slots=True)
class Sample:
    """Articles in the order of the archive, and the questions that one of them answers."""

    articles: tuple[Article, ...]
    questions: tuple[Question, ...]


def take_sample(generation: Generation, questions: Sequence[Question], count: int) -> Sample:
    """``count`` articles: those that answer the questions that can be answered from the archive, filled up at random.

    Of a question that names several addresses, as news quizzes do, the first article that holds an accepted
    answer is taken. Questions come in the order given, until ``count`` articles are needed.
    """
    every = {article.id: article for article, _ in generation.sourced_articles()}
    by_address = {same_address(article.url): article.id for article in every.values() if article.url}
    needed: dict[str, None] = {}
    asked = []
    for question in questions:
        answering = answering_article(question, every, by_address)
        if answering is None or (answering not in needed and len(needed) == count):
            continue
        needed[answering] = None
        asked.append(question)
    others = [article_id for article_id in every if article_id not in needed]
    random.Random(SEED).shuffle(others)
    chosen = {*needed, *others[: count - len(needed)]}
    return Sample(tuple(article for article_id, article in every.items() if article_id in chosen), tuple(asked))


def answering_article(question: Question, articles: dict[str, Article], by_address: dict[str, str]) -> str | None:
    """Id of an article that answers, None if none is known to."""
    if question.answerable is False or not question.answers:
        return None
    for article_id in question.article_ids:
        if article_id in articles:
            return article_id
    wanted = [f" {normalize_answer(answer)} " for answer in question.answers if normalize_answer(answer)]
    for article_id in filter(None, (by_address.get(same_address(url)) for url in question.urls)):
        if holds(articles[article_id].text, wanted):
            return article_id
    return None


def holds(text: str, wanted: Iterable[str]) -> bool:
    text = f" {normalize_answer(text)} "
    return any(answer in text for answer in wanted)


def answerable(questions: Iterable[Question], generation: Generation, count: int) -> list[Question]:
    """The first ``count`` questions that an article of the archive answers."""
    found: list[Question] = []
    articles = {article.id: article for article, _ in generation.sourced_articles()}
    by_address = {same_address(article.url): article.id for article in articles.values() if article.url}
    for question in questions:
        if len(found) == count:
            break
        if answering_article(question, articles, by_address):
            found.append(question)
    return found
