"""What the command line shows: progress, builds, answers; one place for what goes to a terminal."""

import json
import re
import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from index.build import BuildReport
    from index.store import Kept
    from server.messages import AnswerOut, AskReply, CitationOut

_SHOWN_SKIPPED = 20
_TELL_EVERY = 5.0  # seconds between two lines of progress where there is no terminal
_UNITS = {"reading": "articles", "splitting": "articles", "embedding": "passages", "asking": "questions"}
_WIDEST = 100


class Progress:
    """Shows how far each stage is on standard error: a bar on a terminal, elsewhere a line every few seconds."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._stage, self._bar = "", None
        self._began = self._told = self._heard = time.monotonic()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        if stage != self._stage:
            self._begin(stage, total)
        self._heard = time.monotonic()
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        elif done and self._heard - self._told >= _TELL_EVERY:
            self._told = self._heard
            say(self._line(done, total, self._heard - self._began))

    def _begin(self, stage: str, total: int | None) -> None:
        self.__exit__()
        self._stage, self._began = stage, self._heard  # a stage begins when the one before it was last heard of
        if self._terminal:
            from tqdm import tqdm

            unit = f" {_UNITS.get(stage, 'questions')}"
            layout = "{desc}: {n_fmt}/{total_fmt}{unit} {bar} {rate_fmt}, {remaining} left"
            if not total:
                layout = "{desc}: {n_fmt}{unit} in {elapsed}" if stage in _UNITS else "{desc}: {elapsed}"
            size = shutil.get_terminal_size()  # tqdm itself shows nothing where the terminal gives no size
            shape = {"ncols": size.columns, "nrows": size.lines}
            self._bar = tqdm(desc=stage, total=total, unit=unit, bar_format=layout, **shape)
            self._bar.start_t -= time.monotonic() - self._began

    def _line(self, done: int, total: int | None, seconds: float) -> str:
        rate = done / max(seconds, 0.001)
        unit = _UNITS.get(self._stage, "questions")
        if not total:
            return f"{self._stage}: {done:,} {unit}, {rate:,.0f} a second"
        left = (total - done) / rate
        return f"{self._stage}: {done:,} of {total:,} {unit}, {rate:,.0f} a second, {left:,.0f} s left"


def describe_build(report: "BuildReport") -> Iterator[str]:
    from server.texts import human_count

    articles = human_count(report.articles, "article", "articles")
    passages = human_count(report.passages, "passage", "passages")
    yield f"{articles}, {passages} ({report.embedded:,} embedded, {report.reused:,} reused), in {report.seconds:.1f} s"
    yield f"{report.added:,} added, {report.changed:,} changed, {report.removed:,} removed"
    if report.rebuilt_because:
        yield f"made anew, since {report.rebuilt_because}"
    if report.dropped:
        yield f"{human_count(len(report.dropped), 'state', 'states')} of the index that held any of it removed"
    if report.skipped:
        yield f"{len(report.skipped):,} skipped:"
    for item in report.skipped[:_SHOWN_SKIPPED]:
        yield f"  {item.path}{f':{item.line}' if item.line else ''}: {item.reason}"
    if len(report.skipped) > _SHOWN_SKIPPED:
        yield f"  and {len(report.skipped) - _SHOWN_SKIPPED:,} more; --json lists them all"


def describe_kept(kept: "Kept") -> str:
    """One generation in a line."""
    from server.texts import human_count

    facts = [kept.state]
    if kept.built_at is not None:
        facts += [f"built {kept.built_at:%Y-%m-%d %H:%M} UTC", human_count(kept.articles, "article", "articles")]
    if kept.reason:
        facts.append(kept.reason)
    return f"{'kept':<16}{kept.id} ({', '.join(facts)})"


def describe_reply(reply: "AskReply") -> Iterator[str]:
    from server.texts import TEXTS, human_confidence

    if reply.searched_for != reply.question.strip():
        yield f"{TEXTS.searched_for} {reply.searched_for}"
    for answer in reply.answers:
        yield from describe_answer(answer)
    if not reply.answered:
        yield f"{TEXTS.refusal} {TEXTS.nearest if reply.nearest else TEXTS.nothing_near}"
    for nearest in reply.nearest:
        yield ""
        yield from describe_citation(nearest)
        yield f"      best words there: {nearest.quote} ({human_confidence(nearest.confidence)})"
        yield from _wrap(nearest.passage.text, "      ")


def describe_answer(answer: "AnswerOut") -> Iterator[str]:
    from server.texts import TEXTS, human_confidence, human_resolved

    resolved = f" {human_resolved(answer)}." if human_resolved(answer) else ""
    yield answer.text
    yield f"  {human_confidence(answer.confidence)}.{resolved}"
    if answer.status == "conflicting":
        yield f"  {TEXTS.conflicting}"
    yield from _wrap(answer.sentence, "  ")
    for citation in answer.citations:
        yield from describe_citation(citation)
    for earlier in answer.earlier:
        yield f"  {TEXTS.earlier} {earlier.text}"
        for citation in earlier.citations:
            yield from describe_citation(citation)
    yield ""


def describe_citation(citation: "CitationOut") -> Iterator[str]:
    from server.texts import TEXTS, human_date

    facts = (citation.title, citation.source, human_date(citation.published) or TEXTS.undated)
    yield f"  [{citation.number}] {', '.join(fact for fact in facts if fact)}"
    if citation.original:
        yield f"      {citation.original}"
    yield f"      article {citation.article_id}, characters {citation.start} to {citation.end}"
    if citation.copies:
        yield f"      {TEXTS.copies} {'; '.join(copy.title or copy.article_id for copy in citation.copies)}"


def _wrap(text: str, indent: str) -> list[str]:
    width = min(_WIDEST, shutil.get_terminal_size().columns)
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def index_option(folder: Path | None) -> str:
    """The option that names the same index in the next command."""
    return f" --index {shlex.quote(str(folder))}" if folder else ""


def one_line(text: str) -> str:
    """``text`` without what a terminal would obey: articles may hold anything."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)


def say(line: str) -> None:
    """Something worth knowing on the way, to standard error."""
    click.echo(one_line(line), err=True)


def write_lines(lines: Iterable[str]) -> None:
    encoding = sys.stdout.encoding or "utf-8"  # not every terminal has all that articles hold
    for line in lines:
        click.echo(one_line(line).encode(encoding, "backslashreplace").decode(encoding))


def write_json(value: Any) -> None:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not utf8))
