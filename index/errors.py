"""Every error this project raises on purpose.

    VerbatimError
    ├── UsageError              what was typed cannot be meant
    │   └── UnknownArticle      no article has this id
    ├── ArticleError            a file or a record that cannot be read (reported, never fatal to a build)
    ├── IndexFault              the index on disk
    │   ├── NoIndex             nothing was built here yet
    │   ├── DamagedIndex        bytes differ from what the manifest says
    │   ├── IncompatibleIndex   made by another format, embedder or splitter
    │   ├── IndexLocked         another build is running
    │   └── GoldenFailed        the new generation answers less than the one in use
    └── ModelError              weights that are missing, altered or of the wrong kind

Each message says what is wrong and what to type next. They are shown as one line, so no
message holds a line break.
"""

from pathlib import Path


class VerbatimError(Exception):
    """Base of all designed errors: catch this to show ``str(error)`` and stop."""


class UsageError(VerbatimError):
    """What was asked for cannot be meant: an unknown option value, an empty question."""


class UnknownArticle(UsageError):
    def __init__(self, article_id: str):
        super().__init__(f"no article has the id {article_id!r}; ids are in the citations and in `verbatim ask --json`")
        self.article_id = article_id


class ArticleError(VerbatimError):
    """One file or record that cannot be read. Carries where: path and, in line-based formats, the line."""

    def __init__(self, path: str | Path, reason: str, line: int | None = None):
        where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{where}: {reason}")
        self.path, self.reason, self.line = str(path), reason, line


class IndexFault(VerbatimError):
    """Something about the index on disk."""


class NoIndex(IndexFault):
    def __init__(self, folder: Path):
        super().__init__(f"there is no index in {folder}; make one with: verbatim index ARTICLES --index {folder}")
        self.folder = folder


class DamagedIndex(IndexFault):
    def __init__(self, path: Path, reason: str):
        super().__init__(f"{path} is damaged ({reason}); check with: verbatim verify, go back with: verbatim rollback")
        self.path, self.reason = path, reason


class IncompatibleIndex(IndexFault):
    """The index was made by another format, embedder or splitter than the one in use."""


class IndexLocked(IndexFault):
    def __init__(self, folder: Path, pid: int):
        who = f"process {pid}" if pid else "another process"  # one that has only just begun has not said which it is
        super().__init__(f"{who} is building an index in {folder}; wait until it is done, then try again")
        self.pid = pid


class GoldenFailed(IndexFault):
    """The new generation answers fewer golden questions than the one in use, or cites falsely: it was not taken."""

    def __init__(self, reason: str, generation: str):
        super().__init__(
            f"{reason}; the new index is kept aside: look at the articles, or take it with: verbatim rollback --to "
            f"{generation}, or remove it with: verbatim remove --generation {generation}"
        )
        self.reason, self.generation = reason, generation


class ModelError(VerbatimError):
    """Weights that are missing, altered, or of a kind that cannot be used here."""
