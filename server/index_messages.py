"""What goes over the wire about the index and its tasks, field for field."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool

from server.messages import IndexOut
from server.tasks import STAGES, Task


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair, which is not text") from None
    return value


FilePath = Annotated[str, Field(min_length=1, max_length=4_000), AfterValidator(_text)]
ArticleId = Annotated[str, Field(min_length=1, max_length=4_000), AfterValidator(_text)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")
    nested: ClassVar[dict[str, type[BaseModel]]] = {}


class RebuildRequest(_Strict):
    """What to read again. Without paths, all that the index in use was built from."""

    paths: list[FilePath] | None = Field(
        None, max_length=1_000, description="Absolute paths of files and folders within the article folders."
    )
    full: StrictBool = Field(False, description="True starts over: keeps no articles from elsewhere, reuses nothing.")
    golden: FilePath | None = Field(
        None, description="A file of questions that the new index must answer as well as the one in use."
    )


class RemoveRequest(_Strict):
    article_ids: list[ArticleId] = Field(min_length=1, max_length=1_000)


class RollbackRequest(_Strict):
    generation: str | None = Field(None, max_length=200, description="Null goes back to the newest sound older one.")


class RolledBack(BaseModel):
    generation: str = Field(description="The one that is in use now.")


class ProgressOut(BaseModel):
    stage: str = Field(description=f"One of {', '.join(STAGES)}.")
    number: int = Field(description="Of the stage, from 1.")
    of: int = Field(description="How many stages there are.")
    done: int = Field(description="Passages while embedding, questions while checking, else articles.")
    total: int | None
    seconds_left: float | None = Field(description="Until the end of this stage; null where that is not known.")


class SkippedOut(BaseModel):
    path: str
    line: int | None
    reason: str


class CountsOut(BaseModel):
    """Of articles, except passages, embedded and reused."""

    articles: int
    passages: int
    embedded: int
    reused: int
    added: int
    changed: int
    removed: int
    skipped: int


class TaskError(BaseModel):
    """A problem document."""

    type: str
    title: str
    status: int
    detail: str
    instance: str


class TaskOut(BaseModel):
    uid: str
    kind: Literal["rebuild", "remove"]
    state: Literal["enqueued", "processing", "succeeded", "failed", "canceled"]
    paths: list[str] | None = Field(description="What is read; of uploaded files the names.")
    full: bool
    article_ids: list[str] = Field(description="What is removed.")
    enqueued_at: str
    started_at: str | None
    finished_at: str | None
    progress: ProgressOut | None = Field(description="Of a task that is processed.")
    generation: str | None = Field(description="What a task that succeeded has made.")
    counts: CountsOut | None = Field(description="Of a task that succeeded.")
    skipped: list[SkippedOut] = Field(description="What could not be read, the first 1,000.")
    rebuilt_because: str | None = Field(description="Why nothing of the last index could be reused, if so.")
    error: TaskError | None = Field(description="Why a task failed.")


class TaskList(BaseModel):
    tasks: list[TaskOut] = Field(description="Newest first.")


class SourceOut(BaseModel):
    source: str
    articles: int


class MonthOut(BaseModel):
    month: str = Field(description="YYYY-MM")
    articles: int


class GenerationOut(BaseModel):
    generation: str
    state: str = Field(description="in use, kept, aside (it was refused) or unreadable")
    reason: str | None
    built_at: str | None
    articles: int | None
    passages: int | None


class IndexDetails(IndexOut):
    """The index in use. What names files of the server's machine is there only for who may change the index."""

    sources: list[SourceOut] = Field(description="Publishers, those with most articles first.")
    months: list[MonthOut] = Field(description="Articles by month of publication, in order.")
    undated: int = Field(description="Articles without a date.")
    generations: list[GenerationOut] = Field(description="All that are kept, newest first.")
    skipped_articles: list[SkippedOut] = Field(description="What the last build could not read, the first 1,000.")
    built_from: list[str] = Field(description="Files and folders that are read again by a rebuild without paths.")


def write_task(task: Task) -> TaskOut:
    report = task.report or {}
    skipped = report.get("skipped", ())
    counts = None
    if "articles" in report:
        names = [name for name in CountsOut.model_fields if name != "skipped"]
        counts = CountsOut(**{name: report[name] for name in names}, skipped=len(skipped))
    return TaskOut(
        uid=task.uid,
        kind=task.job.kind,
        state=task.state,
        paths=[*task.job.paths, *task.job.files] if task.job.kind == "rebuild" else None,
        full=task.job.full,
        article_ids=list(task.job.article_ids),
        enqueued_at=write_time(task.enqueued_at),
        started_at=write_time(task.started_at),
        finished_at=write_time(task.finished_at),
        progress=write_progress(task),
        generation=report.get("generation"),
        counts=counts,
        skipped=[write_skipped(each) for each in skipped[:1000]],
        rebuilt_because=report.get("rebuilt_because"),
        error=TaskError(**task.error, instance=task_path(task.uid)) if task.error else None,
    )


def write_progress(task: Task) -> ProgressOut | None:
    at = task.progress
    if at is None or task.state != "processing":
        return None
    left = at.seconds_left
    return ProgressOut(
        stage=at.stage,
        number=STAGES.index(at.stage) + 1,
        of=len(STAGES),
        done=at.done,
        total=at.total,
        seconds_left=None if left is None else round(left, 1),
    )


def write_skipped(item: dict[str, Any]) -> SkippedOut:
    return SkippedOut(path=item["path"], line=item.get("line"), reason=item["reason"])


def write_time(time: datetime | None) -> str | None:
    return time.isoformat(timespec="seconds") if time else None


def task_path(uid: str) -> str:
    return f"/index/tasks/{uid}"
