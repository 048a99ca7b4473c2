"""The command line: ``verbatim index``, ``ask``, ``serve`` and the rest.

Only click is imported up here, so that ``verbatim --help`` answers at once; each command imports what it needs.
Exit status: 0 done, 1 a designed error, told in one line, 2 wrong usage, 130 stopped with Ctrl-C.
"""

import difflib
import re
from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from index.errors import ArticleError, IndexFault, NoIndex, UsageError, VerbatimError
from server.listening import address_of, leave, listen, run_until_stopped, start_log, warm_up
from server.loading import open_archive, open_embedder, read_settings
from server.measuring import check_golden, evaluate_index, evaluate_reader, read_all_questions
from server.terminal import (
    Progress,
    describe_build,
    describe_kept,
    describe_reply,
    index_option,
    one_line,
    write_json,
    write_lines,
)

if TYPE_CHECKING:
    from qa.archive import Archive


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


class Named(click.Path):
    """A path. An empty one, as a shell makes of a variable that is not set, does not mean the folder one is in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty; name a file or folder", param, ctx)
        return super().convert(value, param, ctx)


_index_option = click.option(
    "--index",
    "folder",
    metavar="DIR",
    type=Named(file_okay=False, path_type=Path),
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
@click.argument("paths", metavar="PATH...", nargs=-1, required=True, type=Named(path_type=Path))
@_index_option
@click.option("--full", is_flag=True, help="Start over: keep no articles from elsewhere and reuse nothing.")
@click.option("--strict", is_flag=True, help="Fail at the first article that cannot be read.")
@click.option(
    "--golden",
    metavar="QUESTIONS",
    type=Named(path_type=Path),
    help="Take the new index only if it answers these questions at least as well as the one in use.",
)
@_json_option
def index_articles(
    paths: tuple[Path, ...], folder: Path | None, full: bool, strict: bool, golden: Path | None, as_json: bool
) -> None:
    """Bring the index up to date with files and folders of articles.

    Articles that are new, changed or gone are found; those that came from elsewhere stay. Reads text, HTML,
    JSON, JSON Lines, RSS, Atom, Markdown and PDF. Whatever happens, the index in use stays whole until the new one
    takes its place.
    """
    from dataclasses import asdict

    from index.build import build_index

    if not any(path.exists() for path in paths):
        raise ArticleError(paths[0], "there is no such file or folder; check the path")
    settings = read_settings(index=folder)
    questions = read_all_questions([golden]) if golden else ()
    embedder = open_embedder(settings)
    with Progress() as progress:
        check = {"check": partial(check_golden, questions, settings, embedder, progress)} if golden else {}
        options = {"full": full, "strict": strict, "keep": settings.generations}
        report = build_index(paths, settings.index, embedder, **options, progress=progress, **check)
    if as_json:
        write_json(asdict(report))
    else:
        write_lines(describe_build(report))
        write_lines(
            ['next: verbatim ask "QUESTION"' + index_option(folder) + " or: verbatim serve" + index_option(folder)]
        )


@main.command("remove")
@click.argument("article_ids", metavar="ARTICLE_ID...", nargs=-1)
@click.option("--generation", metavar="ID", help="Instead, remove a state of the index that is kept; see info.")
@_index_option
def remove(article_ids: tuple[str, ...], generation: str | None, folder: Path | None) -> None:
    """Take articles out of the index.

    Older states of it that hold one of them are removed, and the conversations that are kept lose them too. Ids are
    in the citations of `verbatim ask`. Delete the articles from your files as well, or the next `verbatim index` of
    these brings them back.
    """
    if bool(article_ids) == bool(generation):
        raise click.UsageError("name articles by their ids, or one --generation")
    from index.removal import remove_articles
    from index.store import Store
    from server.conversations import withdraw_articles

    settings = read_settings(index=folder)
    store = Store(settings.index)
    if generation:
        if not store.history():
            raise NoIndex(store.folder)  # the lock would make the folder
        with store.lock():
            store.discard(generation)
        write_lines([f"generation {generation} is removed"])
        return
    store.open()  # fails before models are loaded
    try:
        report = remove_articles(article_ids, settings.index, open_embedder(settings), keep=settings.generations)
    finally:  # also those that the index has not, or no more
        withdraw_articles(settings.data, sorted(set(article_ids) - store.open().digests().keys()))
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
    answered, info = archive.ask_with_info(request)
    reply = write_reply(answered, new_conversation(), info)
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
    from server.permission import keep_token, token_file

    given = read_settings(index=folder, host=host, port=port)
    settings = keep_token(given)
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
        if settings.token != given.token:
            click.echo(f"Who changes the archive from a browser or a program needs the token in {token_file(settings)}")
        server.run(sockets=[listener])

    leave(run_until_stopped(run))


@main.command("eval")
@click.argument("paths", metavar="QUESTIONS...", nargs=-1, required=True, type=Named(path_type=Path))
@_index_option
@click.option("--reading", is_flag=True, help="Test the reader alone, each question on its own text; needs no index.")
@_json_option
@click.option(
    "--predictions",
    metavar="FILE",
    type=Named(dir_okay=False, path_type=Path),
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
        write_lines(report.table().splitlines())
    if predictions:
        write_predictions(report.predictions, predictions)


@main.command("feedback")
def feedback() -> None:
    """Write what people said of answers, as SQuAD v2 JSON.

    For `verbatim eval` and for training. It was said on the page, and is read from the folder VERBATIM_DATA.
    """
    from server.conversations import Conversations
    from server.drawer import Drawer, kept_in
    from server.feedback import Feedback

    folder = read_settings().data
    drawer = Drawer(folder if kept_in(folder) else None)
    try:
        write_json(Feedback(drawer, Conversations(drawer)).export())
    finally:
        drawer.close()


@main.command("info")
@_index_option
@_json_option
def info(folder: Path | None, as_json: bool) -> None:
    """Tell what is in the index, and which of its files are damaged."""
    from index.store import Store
    from server.replies import write_index
    from server.upkeep import write_kept

    store = Store(read_settings(index=folder).index)
    damaged = store.verify()
    facts = write_index(store.info(damaged, store.served(damaged))).model_dump(mode="json")
    history = store.history()
    if as_json:
        write_json(facts | {"generations": [write_kept(kept, True).model_dump() for kept in history]})
        return
    shown = facts | {"damaged": ", ".join(facts["damaged"]) or "nothing", "size_bytes": f"{facts['size_bytes']:,}"}
    write_lines([f"{'index':<16}{store.folder}"])
    write_lines(f"{name.replace('_', ' '):<16}{'none' if value is None else value}" for name, value in shown.items())
    write_lines(map(describe_kept, history))


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
        where = index_option(folder)
        raise IndexFault(
            f"damaged files: {len(damaged)}; go back with: verbatim rollback{where}, "
            f"or make the index anew with: verbatim index ARTICLES --full{where}"
        )


@main.command("rollback")
@click.option("--to", metavar="GENERATION", help="Go to this one, newer or kept aside though it may be; see info.")
@_index_option
@_json_option
def rollback(to: str | None, folder: Path | None, as_json: bool) -> None:
    """Go back to the newest sound older state of the index."""
    from index.store import Store

    store = Store(read_settings(index=folder).index)
    if not store.history():
        raise NoIndex(store.folder)  # the lock would make the folder
    with store.lock():
        generation = store.rollback(to)
    if as_json:
        write_json({"generation": generation})
    else:
        write_lines([f"the index in use is now generation {generation}"])


def refuse_question(question: str, after: date | None, before: date | None) -> None:
    """Wrong usage, by the same limits as POST /ask."""
    from server.messages import LONGEST_QUESTION

    if not question.strip():
        raise click.UsageError("the question is empty; type one")
    if any("\ud800" <= character <= "\udfff" for character in question):  # bytes that are no UTF-8
        raise click.UsageError("the question is not text in UTF-8; type it again")
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
            nearest = difflib.get_close_matches(source, known, n=1) or known[:1]
            remedy = f"a source that there is: {nearest[0]!r}" if nearest else "none names one: leave out --source"
            raise UsageError(f"no article is from {source!r}; {remedy}")


if __name__ == "__main__":
    main()
