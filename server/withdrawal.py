"""A kept reply without the articles that were removed."""

from collections.abc import Iterator, Set
from typing import Any

from pydantic import ValidationError

from server.messages import AskReply
from server.timeline import timeline_of

_GONE = object()


def articles_in(value: Any) -> set[str]:
    """The ids of all articles that a reply, given as plain data, names anywhere."""
    return set(_ids(value))


def without_articles(reply: AskReply | None, article_ids: Set[str]) -> AskReply | None:
    """The reply without anything of these articles; None when nothing sound is left to show.

    An answer whose first citation goes is that of the next one, whose article has the words as its own; one
    without any citation goes too.
    """
    if reply is None:
        return None
    data = _prune(reply.model_dump(), article_ids)
    data["answers"] = [_recite(answer) for answer in data["answers"]]
    data["answered"] = bool(data["answers"])
    try:
        left = AskReply.model_validate(data)
    except ValidationError:
        return None
    answers = [answer.model_copy(update={"timeline": timeline_of(answer)}) for answer in left.answers]
    return left.model_copy(update={"answers": answers})  # a timeline names every value


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("article_id"), str):
            yield value["article_id"]
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _ids(each)


def _prune(value: Any, article_ids: Set[str]) -> Any:
    """``value`` without what is of these articles, and without what only they attested."""
    if isinstance(value, list):
        pruned = [_prune(each, article_ids) for each in value]
        return [each for each in pruned if each is not _GONE]
    if not isinstance(value, dict):
        return value
    if value.get("article_id") in article_ids:
        return _GONE
    kept = {name: _prune(each, article_ids) for name, each in value.items()}
    if value.get("citations") and not kept["citations"]:
        return _GONE
    return {name: None if each is _GONE else each for name, each in kept.items()}


def _recite(answer: dict[str, Any]) -> dict[str, Any]:
    first = answer["citations"][0]
    passage = first["passage"]
    if passage["text"].find(answer["sentence"]) >= 0 and answer["text"] == first["quote"]:
        return answer
    return answer | {"text": first["quote"], "sentence": first["quote"]}
