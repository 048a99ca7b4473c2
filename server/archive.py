"""What the server needs of an archive of articles: four questions it can be asked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from index.articles import Article
from qa.assistant import Reply, Request


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """The index generation in use. ``built_at`` has a zone; ``damaged`` names files."""

    generation: str
    built_at: datetime
    articles: int
    passages: int
    newest_article: date | None
    embedder: str
    size_bytes: int
    damaged: tuple[str, ...] = ()
    skipped: int = 0


class Archive(Protocol):
    """Indexed articles and the assistant that answers from them.

    Called from several threads at once. Every method may raise an ``index.errors.IndexFault``:
    ``NoIndex`` as long as nothing was built, which the server then says on every page.
    """

    def ask(self, request: Request) -> Reply: ...

    def article(self, article_id: str) -> Article:
        """Raises ``UnknownArticle``."""
        ...

    def info(self) -> IndexInfo:
        """Cheap: called for every page and every answer."""
        ...

    def suggestions(self) -> tuple[str, ...]:
        """A few questions which these articles answer, for a page on which nothing was asked yet."""
        ...
