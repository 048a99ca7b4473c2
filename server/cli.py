"""The command line: ``verbatim index``, ``ask``, ``serve`` and the rest.

Only click is imported up here, so that ``verbatim --help`` answers at once; each command imports what it needs.
Exit status: 0 done, 1 a designed error, told in one line, 2 wrong usage, 130 stopped with Ctrl-C.
"""

import difflib
import json
import math
import os
import re
import shlex
import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from index.errors import ArticleError, GoldenFailed, IndexFault, NoIndex, UsageError, VerbatimError

if TYPE_CHECKING:
    import socket

    from index.build import BuildReport
    from index.embedder import SentenceEmbedder
    from index.store import Generation
    from qa.archive import Archive
    from qa.questions import Question
    from qa.reader import SpanReader
    from qa.report import ReadingReport, Report
    from server.messages import AnswerOut, AskReply, CitationOut
    from server.settings import Settings

_SHOWN_SKIPPED = 20
_TELL_EVERY = 5.0  # seconds between two lines of progress where there is no terminal
_UNITS = {"reading": "articles", "splitting": "articles", "embedding": "passages", "asking": "questions"}
_WIDEST = 100


class Commands(click.Group):
    """Shows a designed error as one line, and never a traceback for what the system refuses."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # click ends quietly: whoever was reading has had enough
        except VerbatimError as error:
            self._fail(ctx, f"error: {error}", 1)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._fail(ctx, f"error: {where}{error.strerror or error}; check the path, its permissions and the disk", 1)
        except KeyboardInterrupt:
            self._fail(ctx, "stopped; nothing is left half done", 130)

    @staticmethod
    def _fail(ctx: click.Context, line: str, status: int) -> None:
        click.echo(one_line(line), err=True)
        ctx.exit(status)


class Day(click.ParamType):
    """A day, written YYYY-MM-DD and no other way."""

    name = "date"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        self.fail(f"{value!r} is no day; write it YYYY-MM-DD, such as 2024-09-09", param, ctx)


_index_option = click.option(
    "--index",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the index; VERBATIM_INDEX or ./verbatim-index if not given.",
)
_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else.")


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="verbatim", prog_name="verbatim")
def main() -> None:
    """Ask a collection of news articles; the answer is their exact words, with citations.

    Begin with: verbatim index ARTICLES, then: verbatim ask "QUESTION" or: verbatim serve
    """


@main.command("index")
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_index_option
@click.option("--full", is_flag=True, help="Start over: keep no articles from elsewhere and reuse nothing.")
@click.option("--strict", is_flag=True, help="Fail at the first article that cannot be read.")
@click.option(
    "--golden",
    metavar="QUESTIONS",
    type=click.Path(path_type=Path),
    help="Take the new index only if it answers these questions at least as well as the one in use.",
)
@_json_option
def index_articles(
    paths: tuple[Path, ...], folder: Path | None, full: bool, strict: bool, golden: Path | None, as_json: bool
) -> None:
    """Bring the index up to date with files and folders of articles.

    Articles that are new, changed or gone are found; those that came from elsewhere stay. Reads text, HTML,
    JSON and JSON Lines. Whatever happens, the index in use stays whole until the new one takes its place.
    """
    from dataclasses import asdict

    from index.build import build_index

    if not any(path.exists() for path in paths):
        raise ArticleError(paths[0], "there is no such file or folder; check the path")
    settings = read_settings(index=folder)
    questions = read_all_questions([golden]) if golden else ()
    embedder = load_embedding(settings)
    with Progress() as progress:
        check = {"check": partial(check_golden, questions, settings, embedder, progress)} if golden else {}
        report = build_index(paths, settings.index, embedder, full=full, strict=strict, progress=progress, **check)
    if as_json:
        write_json(asdict(report))
    else:
        write_lines(describe_build(report))
        write_lines(['next: verbatim ask "QUESTION"' + _where(folder) + " or: verbatim serve" + _where(folder)])


@main.command("remove")
@click.argument("article_ids", metavar="ARTICLE_ID...", nargs=-1, required=True)
@_index_option
def remove(article_ids: tuple[str, ...], folder: Path | None) -> None:
    """Take articles out of the index.

    They go from every older state of it that is kept, too. Ids are in the citations of `verbatim ask`.
    """
    from index.build import remove_articles
    from index.store import Store

    settings = read_settings(index=folder)
    Store(settings.index).open()  # fails before models are loaded
    report = remove_articles(article_ids, settings.index, load_embedding(settings))
    write_lines(describe_build(report))


@main.command("ask")
@click.argument("question", metavar='"QUESTION"')
@_index_option
@_json_option
@click.option("--after", metavar="DATE", type=Day(), help="Only articles of this day (YYYY-MM-DD) or later.")
@click.option("--before", metavar="DATE", type=Day(), help="Only articles of this day (YYYY-MM-DD) or earlier.")
@click.option("--source", "sources", metavar="NAME", multiple=True, help="Only articles of this source; repeatable.")
@click.option("--always", is_flag=True, help="Show the best answers however unlikely they are.")
def ask(
    question: str,
    folder: Path | None,
    as_json: bool,
    after: date | None,
    before: date | None,
    sources: tuple[str, ...],
    always: bool,
) -> None:
    """Answer a question in the articles' exact words.

    When they do not tell, that is said, with the passages that come closest.
    """
    from qa.assistant import Request
    from qa.retriever import Filters
    from server.conversations import new_conversation
    from server.replies import write_reply

    refuse_question(question, after, before)
    archive = open_archive(read_settings(index=folder))
    refuse_unknown_sources(archive, sources)
    request = Request(question.strip(), filters=Filters(after, before, sources), abstain=not always)
    reply = write_reply(archive.ask(request), new_conversation(), archive.info())
    if as_json:
        write_json(reply.model_dump(mode="json"))
    else:
        write_lines(describe_reply(reply))


@main.command("serve")
@_index_option
@click.option("--host", help="Address to listen on; VERBATIM_HOST or 127.0.0.1 if not given.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; VERBATIM_PORT or 8000 if not given, 0 any free one.")
def serve(folder: Path | None, host: str | None, port: int | None) -> None:
    """Answer questions on a web page and over HTTP, until Ctrl-C."""
    settings = read_settings(index=folder, host=host, port=port)
    listener = listen(settings.host, settings.port)  # a port in use is told before anything heavy is loaded
    import threading

    import uvicorn

    from server.app import create_app, uvicorn_options

    start_log(settings.log_level)
    archive = open_archive(settings)
    server = uvicorn.Server(uvicorn.Config(create_app(archive, settings), **uvicorn_options(settings)))

    def run() -> None:
        threading.Thread(target=warm_up, args=(archive,), daemon=True).start()
        click.echo(f"Verbatim is at {address_of(listener)} (stop it with Ctrl-C)")
        server.run(sockets=[listener])

    leave(run_until_stopped(run))


@main.command("eval")
@click.argument("paths", metavar="QUESTIONS...", nargs=-1, required=True, type=click.Path(path_type=Path))
@_index_option
@click.option("--reading", is_flag=True, help="Test the reader alone, each question on its own text; needs no index.")
@_json_option
@click.option(
    "--predictions",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also write what was answered, a JSON object a line: id, answered, confidence, answers.",
)
def evaluate_questions(
    paths: tuple[Path, ...], folder: Path | None, reading: bool, as_json: bool, predictions: Path | None
) -> None:
    """Count how many questions are answered right.

    QUESTIONS are files or folders: SQuAD JSON (1.1 or 2.0), or JSON Lines with `question`, `answers` (any of
    them is accepted, [] where the articles do not tell) and, if known, `id`, `date` and `article_id`.
    """
    from qa.evaluate import write_predictions

    settings = read_settings(index=folder)
    questions = read_all_questions(paths)
    report = evaluate_reader(questions, settings) if reading else evaluate_index(questions, settings)
    if as_json:
        write_json(report.to_json())
    else:
        click.echo(report.table())
    if predictions:
        write_predictions(report.predictions, predictions)


@main.command("info")
@_index_option
@_json_option
def info(folder: Path | None, as_json: bool) -> None:
    """Tell what is in the index, and which of its files are damaged."""
    from index.store import Store
    from server.replies import write_index

    store = Store(read_settings(index=folder).index)
    facts = write_index(store.info(store.verify())).model_dump(mode="json")
    if as_json:
        write_json(facts)
        return
    shown = facts | {"damaged": ", ".join(facts["damaged"]) or "nothing", "size_bytes": f"{facts['size_bytes']:,}"}
    write_lines([f"{'index':<16}{store.folder}"])
    write_lines(f"{name.replace('_', ' '):<16}{'none' if value is None else value}" for name, value in shown.items())


@main.command("verify")
@_index_option
@_json_option
def verify(folder: Path | None, as_json: bool) -> None:
    """Read every byte of the index and name damaged files.

    The exit status is 1 if there is one.
    """
    from index.store import Store

    store = Store(read_settings(index=folder).index)
    damaged, kept = store.verify(), store.complete()
    if as_json:
        write_json({"sound": not damaged, "generations": kept, "damaged": damaged})
    elif damaged:
        write_lines(damaged)
    else:
        write_lines([f"all is sound: every byte of {len(kept)} {'generation' if len(kept) == 1 else 'generations'}"])
    if damaged:
        where = _where(folder)
        raise IndexFault(
            f"damaged files: {len(damaged)}; go back with: verbatim rollback{where}, "
            f"or make the index anew with: verbatim index ARTICLES --full{where}"
        )


@main.command("rollback")
@_index_option
@_json_option
def rollback(folder: Path | None, as_json: bool) -> None:
    """Go back to the newest sound older state of the index."""
    from index.store import Store

    store = Store(read_settings(index=folder).index)
    if not store.complete():
        raise NoIndex(store.folder)  # the lock would make the folder
    with store.lock():
        generation = store.rollback()
    if as_json:
        write_json({"generation": generation})
    else:
        write_lines([f"the index in use is now generation {generation}"])


# What the commands share


def read_settings(**overrides: Any) -> "Settings":
    from server.settings import Settings

    return Settings.from_environment(overrides)


def load_embedding(settings: "Settings") -> "SentenceEmbedder":
    from index.embedder import load_embedder

    return load_embedder(settings.model, settings.cache, settings.threads, say)


def load_models(settings: "Settings") -> "tuple[SentenceEmbedder, SpanReader]":
    """The embedder and the reader that the settings name.

    Raises:
        ModelError: one of them is missing or altered.
    """
    return load_embedding(settings), load_reading(settings)


def load_reading(settings: "Settings") -> "SpanReader":
    from qa.reader import load_reader

    return load_reader(str(settings.reader) if settings.reader else None, settings.cache, settings.threads, say)


def open_archive(settings: "Settings") -> "Archive":
    """The archive in ``settings.index``; index and models are opened when it is first asked."""
    from qa.archive import Archive

    return Archive(settings.index, partial(load_models, settings), settings.threshold)


def read_all_questions(paths: Iterable[Path]) -> "list[Question]":
    from qa.questions import read_questions

    return [question for path in paths for question in read_questions(path)]


def evaluate_index(questions: "Sequence[Question]", settings: "Settings") -> "Report":
    from qa.evaluate import evaluate

    assistant = open_archive(settings).assistant()
    with Progress() as progress:
        return evaluate(
            questions, assistant, assistant.retriever, assistant.generation, progress=partial(progress, "asking")
        )


def evaluate_reader(questions: "Sequence[Question]", settings: "Settings") -> "ReadingReport":
    """The reader alone: confidence is the odds of its best span against there being no answer."""
    from qa.evaluate import evaluate_reading

    reader = load_reading(settings)

    def answer_in(question: str, context: str) -> tuple[str, float]:
        reading = reader.read_text(question, context)
        if not reading.spans:
            return "", 0.0
        start, end, score = reading.spans[0]
        return context[start:end], 1 / (1 + math.exp(min(700.0, reading.null - score)))

    with Progress() as progress:
        return evaluate_reading(questions, answer_in, progress=partial(progress, "reading questions"))


def check_golden(
    questions: "Sequence[Question]",
    settings: "Settings",
    embedder: "SentenceEmbedder",
    progress: "Progress",
    new: "Generation",
) -> None:
    """
    Raises:
        GoldenFailed: ``new`` cites falsely, or gives fewer right answers than the generation in use.
    """
    from index.store import Store
    from qa.assistant import Assistant
    from qa.confidence import Confidence
    from qa.evaluate import evaluate

    reader = load_reading(settings)
    confidence = Confidence.from_settings(reader.settings["confidence"])

    def measure(generation: "Generation", stage: str) -> "Report":
        assistant = Assistant(generation, embedder, reader, confidence, settings.threshold)
        return evaluate(questions, assistant, archive=generation, progress=partial(progress, stage))

    found = measure(new, "asking the new index")
    if found.miscited:
        raise GoldenFailed(f"the new index cites falsely for the question {found.miscited[0]}; it was not taken")
    try:
        old = Store(settings.index).open()
    except IndexFault as error:
        say(f"only citations were checked: {error}")
        return
    if old.manifest.fingerprint != embedder.fingerprint:
        say(f"only citations were checked: the index in use was made with {old.manifest.embedder}")
        return
    before = measure(old, "asking the index in use").overall.em
    if found.overall.em.count < before.count:
        raise GoldenFailed(
            f"the new index answers {found.overall.em.count} of {len(questions)} golden questions right, "
            f"the one in use {before.count}; it was not taken: look at the articles, or index them without --golden"
        )


def refuse_question(question: str, after: date | None, before: date | None) -> None:
    """Wrong usage, by the same limits as POST /ask."""
    from server.messages import LONGEST_QUESTION

    if not question.strip():
        raise click.UsageError("the question is empty; type one")
    if len(question) > LONGEST_QUESTION:
        raise click.UsageError(f"the question has {len(question):,} characters; at most {LONGEST_QUESTION:,} are read")
    if after and before and after > before:
        raise click.UsageError("--after is later than --before; swap them")


def refuse_unknown_sources(archive: "Archive", sources: Sequence[str]) -> None:
    if not sources:
        return
    known = [name for name, _ in archive.assistant().generation.sources()]
    for source in sources:
        if source not in known:
            nearest = (difflib.get_close_matches(source, known, n=1) or known[:1] or ["none"])[0]
            raise UsageError(f"no article is from {source!r}; a source that there is: {nearest!r}")


def listen(host: str, port: int) -> "socket.socket":
    """
    Raises:
        UsageError: the port is taken, or the address is not this machine's.
    """
    import errno
    import socket

    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = port % 65535 + 1
            raise UsageError(f"port {port} is in use; take another with: verbatim serve --port {other}") from error
        raise UsageError(f"cannot listen on {host}, port {port} ({error.strerror}); try --host 127.0.0.1") from error


def address_of(listener: "socket.socket") -> str:
    host, port = listener.getsockname()[:2]
    host = "localhost" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}"


def start_log(level: str) -> None:
    """This program's own lines from ``level`` on, of libraries only warnings, to standard error."""
    import logging

    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("verbatim").setLevel(level.upper())


def run_until_stopped(run: Callable[[], None]) -> int:
    """The exit status after ``run``, which Ctrl-C ends."""
    try:
        run()
    except KeyboardInterrupt:
        say("stopped")
        return 130
    return 0


def leave(status: int) -> NoReturn:
    """Ends the process at once: a thread still inside a model's native code makes Python's own way out abort."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status)


def warm_up(archive: "Archive") -> None:
    """Asks something, so that the first question of a person finds everything loaded and compiled."""
    import logging

    from qa.assistant import Request

    try:
        archive.ask(Request("What happened?"))
    except VerbatimError as error:
        logging.getLogger("verbatim").warning("%s", error)


# What is shown


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
    if report.skipped:
        yield f"{len(report.skipped):,} skipped:"
    for item in report.skipped[:_SHOWN_SKIPPED]:
        yield f"  {item.path}{f':{item.line}' if item.line else ''}: {item.reason}"
    if len(report.skipped) > _SHOWN_SKIPPED:
        yield f"  and {len(report.skipped) - _SHOWN_SKIPPED:,} more; --json lists them all"


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
    from server.texts import TEXTS, human_confidence, human_date

    resolved = f" {TEXTS.resolved} {human_date(answer.resolved_date)}." if answer.resolved_date else ""
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


def _where(folder: Path | None) -> str:
    """The option that names the same index in the next command."""
    return f" --index {shlex.quote(str(folder))}" if folder else ""


def one_line(text: str) -> str:
    """``text`` without what a terminal would obey: articles may hold anything."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]+", " ", text)


def say(line: str) -> None:
    """Something worth knowing on the way, to standard error."""
    click.echo(one_line(line), err=True)


def write_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(one_line(line))


def write_json(value: Any) -> None:
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    click.echo(json.dumps(value, ensure_ascii=not utf8))


if __name__ == "__main__":
    main()
