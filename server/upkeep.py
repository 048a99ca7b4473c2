"""The index's life seen from the server: what is in it, and what may be done to it."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import BinaryIO

from index.errors import IndexLocked, VerbatimError
from index.generation import Generation
from index.store import IndexInfo, Kept, Store
from server.builder import COMMAND, Builder, Withdraw
from server.folders import Folders
from server.index_messages import GenerationOut, IndexDetails, MonthOut, SkippedOut, SourceOut, write_skipped
from server.problems import INDEX_BUSY, Refusal
from server.replies import write_index
from server.settings import Settings
from server.tasks import Job, Task, Tasks
from server.uploads import Uploads, own_folder

_SHOWN_ORIGINS = 100


@dataclass(frozen=True, slots=True)
class Contents:
    """What one generation holds. ``months`` are "YYYY-MM" and numbers of articles."""

    generation: str
    sources: tuple[tuple[str, int], ...] = ()
    months: tuple[tuple[str, int], ...] = ()
    undated: int = 0
    skipped: tuple[SkippedOut, ...] = ()
    built_from: tuple[str, ...] = ()


class Upkeep:
    """Any thread may call any method."""

    def __init__(
        self, settings: Settings, command: Sequence[str] = COMMAND, withdraw: Withdraw = lambda article_ids: None
    ):
        folder = own_folder(settings)
        self.uploads = Uploads(folder)
        self.folders = Folders(settings, self.uploads)
        self.tasks = Tasks(folder / "tasks", Builder(settings, self.uploads, command, withdraw))
        self.most_files = settings.upload_files
        self._store = Store(settings.index)
        self._contents = Contents("")

    def rebuild(self, paths: Sequence[str] | None, full: bool, golden: str | None) -> Task:
        """
        Raises:
            Refusal: a path may not be indexed from here, nothing is there to index, or too many tasks wait.
        """
        found = self.folders.permit(paths) if paths else self.folders.present(full)
        questions = os.fsdecode(self.folders.permit([golden])[0]) if golden else None
        return self.tasks.submit(Job("rebuild", tuple(map(os.fsdecode, found)), full=full, golden=questions))

    def add(self, files: Iterable[tuple[str, BinaryIO]]) -> Task:
        """Indexes uploaded files, (name, bytes), beside what there is.

        Raises:
            Refusal: a file is empty, there is none, or too many tasks wait.
        """
        incoming = self.uploads.store(files)
        names = tuple(sorted(path.name for path in incoming.glob("*/*")))
        try:
            return self.tasks.submit(Job("rebuild", incoming=os.fsdecode(incoming), files=names))
        except Refusal:
            self.uploads.drop_incoming(incoming)
            raise

    def remove(self, article_ids: Sequence[str]) -> Task:
        return self.tasks.submit(Job("remove", article_ids=tuple(article_ids)))

    def roll_back(self, generation: str | None) -> str:
        """The generation that is in use now.

        Raises:
            Refusal: a build is running.
            VerbatimError: there is no such generation, or none to go back to.
        """
        if not self._store.history():
            self._store.current()  # raises NoIndex; the lock would make the folder
        try:
            with self._store.lock():
                return self._store.rollback(generation)
        except IndexLocked:
            detail = "the index is being built; wait until that is done, or cancel it"
            raise Refusal(INDEX_BUSY, detail, headers={"Retry-After": "10"}) from None

    def history(self) -> list[Kept]:
        """All generations on disk, newest first."""
        return self._store.history()

    def contents(self, generation: str) -> Contents:
        """What ``generation`` holds; nothing if it cannot be read."""
        if self._contents.generation != generation:
            try:
                self._contents = _read_contents(Generation(self._store.generations / generation))
            except (VerbatimError, OSError):
                return Contents(generation)
        return self._contents

    def details(self, info: IndexInfo, permitted: bool) -> IndexDetails:
        """All there is to tell of the index in use; of files of this machine only if ``permitted``."""
        contents = self.contents(info.generation)
        return IndexDetails(
            **dict(write_index(info)),
            sources=[SourceOut(source=source, articles=count) for source, count in contents.sources],
            months=[MonthOut(month=month, articles=count) for month, count in contents.months],
            undated=contents.undated,
            generations=[write_kept(kept, permitted) for kept in self.history()],
            skipped_articles=list(contents.skipped) if permitted else [],
            built_from=list(contents.built_from[:_SHOWN_ORIGINS]) if permitted else [],
        )


def write_kept(kept: Kept, permitted: bool) -> GenerationOut:
    fields = asdict(kept)
    built_at = kept.built_at.isoformat(timespec="seconds") if kept.built_at else None
    reason = kept.reason if permitted or kept.state == "aside" else None  # why one is unreadable names its files
    return GenerationOut(**fields | {"generation": fields.pop("id"), "built_at": built_at, "reason": reason})


def _read_contents(generation: Generation) -> Contents:
    months = generation.months()
    return Contents(
        generation=generation.id,
        sources=tuple(generation.sources()),
        months=tuple((month, count) for month, count in months if month),
        undated=sum(count for month, count in months if month is None),
        skipped=tuple(write_skipped(each) for each in generation.manifest.skipped_first),
        built_from=tuple(generation.built_from()),
    )
