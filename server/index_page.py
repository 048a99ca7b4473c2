"""The page on which the index is looked after. It works without its script, which spares reloads."""

from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from index.errors import VerbatimError
from index.store import IndexInfo
from server.chart import draw_chart
from server.index_messages import TaskOut, write_task
from server.permission import is_permitted
from server.problems import refuse
from server.texts import INDEX_TEXTS, human_count, human_seconds, human_size, index_script_texts
from server.upkeep import Upkeep, write_kept

_SOURCES = 8
_EARLIER = 10


def render_index_page(request: Request) -> Response:
    """The index as it is; without one, the way to a first one."""
    state, permitted = request.app.state, is_permitted(request)
    upkeep: Upkeep = state.upkeep
    info, fault = _look(request)
    contents = upkeep.contents(info.generation) if info else None
    tasks = [write_task(task) for task in upkeep.tasks.all()] if permitted else []
    shown = _pick(tasks, request.query_params.get("task"))
    html = state.pages.render(
        "index.html",
        t=INDEX_TEXTS,
        info=info,
        fault=fault,
        permitted=permitted,
        free=state.permission.is_free,
        contents=contents,
        chart=draw_chart(contents.months) if contents else None,
        sources_shown=_SOURCES,
        generations=[write_kept(kept, permitted) for kept in upkeep.history()],
        task=shown,
        waiting=[each for each in tasks if each.state == "enqueued" and each is not shown],
        earlier=[each for each in tasks if each.finished_at and each is not shown][:_EARLIER],
        rolled_back=request.query_params.get("rolled_back"),
        describe=describe_task,
        human_size=human_size,
        script_texts=index_script_texts(),
    )
    return HTMLResponse(html, headers={"Cache-Control": "no-store", "Vary": "Accept"})


def _look(request: Request) -> tuple[IndexInfo | None, str | None]:
    """The facts of the index that answers, or what is wrong with it; neither where there is none."""
    try:
        return request.app.state.archive.info(), None
    except VerbatimError as error:
        refusal = refuse(request, error)
        return None, None if refusal.kind.name == "no-index" else str(refusal.detail)


def _pick(tasks: list[TaskOut], uid: str | None) -> TaskOut | None:
    """The task to show large: the one that was asked for, the one at work, the one that waits, the last one."""
    for wanted in (
        lambda task: task.uid == uid,
        lambda task: task.state == "processing",
        lambda task: task.state == "enqueued",
    ):
        found = [task for task in tasks if wanted(task)]
        if found:
            return found[-1]
    return tasks[0] if tasks else None


def describe_task(task: TaskOut) -> dict[str, Any]:
    """A task in words: ``title``, ``state`` and ``lines`` of what came of it."""
    titles = {"remove": INDEX_TEXTS.removing}
    names = ", ".join(task.paths or task.article_ids)
    uploaded = task.kind == "rebuild" and task.paths and not any(path.startswith(("/", "\\")) for path in task.paths)
    title = INDEX_TEXTS.adding if uploaded else titles.get(task.kind, INDEX_TEXTS.rebuilding)
    return {
        "title": title,
        "names": names if len(names) < 300 else names[:300] + " …",
        "state": describe_progress(task) or dict(INDEX_TEXTS.states)[task.state],
        "counts": _describe_counts(task),
    }


def describe_progress(task: TaskOut) -> str | None:
    """As "Stage 3 of 5: Embedding, 512 of 1,234, about 9 s left"."""
    at = task.progress
    if at is None:
        return None
    texts = INDEX_TEXTS
    said = f"{texts.stage} {at.number} {texts.of} {at.of}: {dict(texts.stages)[at.stage]}"
    if at.done or at.total:
        said += f", {at.done:,} {texts.of} {at.total:,}" if at.total else f", {at.done:,}"
    if at.seconds_left is not None and at.done < (at.total or 0):
        said += f", {texts.left % human_seconds(at.seconds_left)}"
    return said


def _describe_counts(task: TaskOut) -> str | None:
    counts = task.counts
    if counts is None:
        return None
    texts = INDEX_TEXTS
    parts = [f"{counts.added:,} {texts.added}", f"{counts.changed:,} {texts.changed}"]
    parts += [f"{counts.removed:,} {texts.removed}"]
    parts += [f"{counts.skipped:,} {texts.skipped}"] if counts.skipped else []
    return f"{', '.join(parts)}; {human_count(counts.articles, 'article', 'articles')}"
