"""Questions with known answers: what one is, and how every format becomes one.

SQuAD JSON (versions 1.1 and 2.0), and JSON Lines: plain questions with answers, questions without an
answer, conversations, dates, values that changed, copies of one text, and news quizzes. What a record is
shows in its fields; files of different kinds can be mixed.
"""

import datetime
import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from index.errors import UsageError
from qa.assistant import Turn

_LINES = (".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
_SQUAD = (".json", ".json.gz")
_UNANSWERABLE = ("near_miss", "false_premise", "absent")


@dataclass(frozen=True, slots=True)
class Question:
    """A question and all that is known about its answer.

    ``answers`` are the accepted texts. ``answerable`` is False where the articles are known not to say,
    and None where nobody checked (a news quiz). ``date`` is the day it is asked on. ``article_ids`` and
    ``urls`` name articles that answer it. ``context`` is the one text to read (SQuAD). ``kind`` names the
    group it is reported in. ``resolved`` is the calendar date or ``A/B`` interval meant; ``earlier`` are
    values that no longer hold, oldest first; ``misleading_ids`` are articles that hold another answer.
    """

    id: str
    text: str
    answers: tuple[str, ...] = ()
    answerable: bool | None = True
    date: datetime.date | None = None
    article_ids: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    history: tuple[Turn, ...] = ()
    context: str | None = None
    kind: str = "question"
    resolved: str | None = None
    earlier: tuple[str, ...] = ()
    misleading_ids: tuple[str, ...] = ()


def read_questions(path: str | Path) -> list[Question]:
    """Every question in a file, or in the question files of a folder, in order.

    Raises UsageError, naming the file and line, when something is not a question.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.name.lower().endswith(_LINES + _SQUAD))
        questions = [question for each in files for question in read_questions(each)]
    else:
        questions = list(_read_file(path))
    if not questions:
        raise UsageError(f"{path} holds no questions; give a .json file in SQuAD form or a .jsonl file")
    return questions


def _read_file(path: Path) -> Iterator[Question]:
    name = path.name.lower()
    if name.endswith(_SQUAD):
        yield from _squad_questions(path, _parse(_read_text(path), str(path)))
    elif name.endswith(_LINES):
        # Only "\n" ends a line here: splitlines() would also cut at U+2028, which JSON allows inside a string.
        for number, line in enumerate(_read_text(path).split("\n"), 1):
            if line.strip():
                where = f"{path}:{number}"
                yield from _record_questions(_parse(line, where), where, f"{path.name}:{number}")
    else:
        raise UsageError(f"{path} is no question file; give .json (SQuAD) or .jsonl, either may be gzipped")


def _read_text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix.lower() == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot read {path} ({reason}); give a file or folder of questions") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8; save it as UTF-8 and try again") from error


def _parse(text: str, where: str) -> dict:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{where} is not JSON ({str(error).splitlines()[0]}); mend or remove it") from error
    if not isinstance(record, dict):
        raise UsageError(f"{where} is not a JSON object; see the question formats of: verbatim eval --help")
    return record


def _squad_questions(path: Path, document: dict) -> Iterator[Question]:
    try:
        for article in document["data"]:
            for paragraph in article["paragraphs"]:
                for record in paragraph["qas"]:
                    yield _squad_question(record, paragraph["context"])
    except (KeyError, TypeError) as error:
        raise UsageError(f"{path} is not in SQuAD form ({error!r}); lines of JSON belong in a .jsonl file") from error


def _squad_question(record: dict, context: str) -> Question:
    answers = tuple(dict.fromkeys(answer["text"] for answer in record.get("answers", ())))
    answerable = bool(answers) and not record.get("is_impossible", False)
    return Question(
        id=str(record["id"]),
        text=record["question"],
        answers=answers if answerable else (),
        answerable=answerable,
        context=context,
        kind="passage",
    )


def _record_questions(record: dict, where: str, name: str) -> Iterator[Question]:
    try:
        if "turns" in record:
            yield from _conversation(record, str(record.get("id", name)))
        else:
            yield _single(record, str(record.get("id", name)))
    except (KeyError, TypeError, ValueError) as error:
        what = f"lacks {error}" if isinstance(error, KeyError) else f"cannot be understood ({error})"
        raise UsageError(f"{where} {what}; a question has `question` and `answers`") from error


def _single(record: dict, name: str) -> Question:
    kind = _kind(record)
    answers, earlier = _texts(record, "answers", required=kind not in ("unanswerable", "changing")), ()
    article_ids = _texts(record, "article_ids") or _texts(record, "article_id")
    if kind == "changing":
        values = [value["answer"] for value in record["values"]]
        if not values:
            raise ValueError("`values` is empty")
        answers, article_ids = (values[-1],), (record["values"][-1]["article_id"],)
        # Values may come back: what holds again is no earlier value.
        earlier = tuple(dict.fromkeys(value for value in values if value != values[-1]))
    return Question(
        id=name,
        text=_text(record, "question"),
        answers=answers,
        answerable=None if kind == "quiz" else bool(answers),
        date=_day(record.get("date")),
        article_ids=article_ids,
        urls=_texts(record, "retrieved_urls"),
        kind=kind,
        resolved=record.get("resolved"),
        earlier=earlier,
        misleading_ids=_texts(record, "competing_article_ids"),
    )


def _kind(record: dict) -> str:
    named = record.get("kind")
    if "values" in record:
        return "changing"
    if named in ("when", "constraint"):
        return named
    if named in _UNANSWERABLE or "near_article_id" in record or record.get("answers") == []:
        return "unanswerable"
    if "article_ids" in record:
        return "copies"
    return "quiz" if "choices" in record else "question"


def _conversation(record: dict, name: str) -> Iterator[Question]:
    """Each turn as it was asked, with the turns before it, and each as a person made it self-contained.

    The history holds the accepted answers, so that one bad answer does not spoil the turns after it.
    """
    history: tuple[Turn, ...] = ()
    for number, turn in enumerate(record["turns"], 1):
        answers, article_ids = _texts(turn, "answers", required=True), _texts(turn, "article_id")
        known = {"answers": answers, "answerable": bool(answers), "article_ids": article_ids}
        known["date"] = _day(turn.get("date") or record.get("date"))
        asked, kind = _text(turn, "question"), "follow-up" if history else "opening"
        yield Question(f"{name}#{number}", asked, history=history, kind=kind, **known)
        if turn.get("standalone"):
            rewritten = _text(turn, "standalone")
            yield Question(f"{name}#{number}/standalone", rewritten, kind=f"{kind}, rewritten", **known)
        answer, article_id = (answers or ("",))[0], (article_ids or (None,))[0]
        history += (Turn(asked, answer, article_id),)


def _text(record: dict, field: str) -> str:
    value = record[field]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"`{field}` is not a text")
    return value


def _texts(record: dict, field: str, required: bool = False) -> tuple[str, ...]:
    """The texts in a field that holds one or a list of them; empty if it is absent or null."""
    value = record[field] if required else record.get(field)
    values = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ValueError(f"`{field}` is not a list of texts")
    return tuple(dict.fromkeys(values))


def _day(value: object) -> datetime.date | None:
    """A day written ``2024-09-09`` or ``2024/09/09``, whatever time follows it."""
    return datetime.date.fromisoformat(str(value)[:10].replace("/", "-")) if value else None


def same_address(url: str | None) -> str | None:
    """``url`` without what can differ between two addresses of one page: scheme, www, fragment, last slash."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    host = (parts.hostname or "").removeprefix("www.")
    return host + parts.path.rstrip("/") + (f"?{parts.query}" if parts.query else "")
