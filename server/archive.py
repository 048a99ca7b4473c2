"""What the server needs of an archive of articles: the questions it can be asked."""

from typing import Protocol

from index.articles import Article
from index.store import IndexInfo
from qa.assistant import Reply, Request
from qa.explanation import Explanation


class Archive(Protocol):
    """Indexed articles and the assistant that answers from them.

    Called from several threads at once. Every method may raise an ``index.errors.IndexFault``:
    ``NoIndex`` as long as nothing was built, which the server then says on every page.
    """

    def ask_with_info(self, request: Request) -> tuple[Reply, IndexInfo]:
        """The reply, and the facts of the index that gave it, though another may be in use by now."""
        ...

    def explain(self, request: Request) -> Explanation:
        """What was considered for an answer."""
        ...

    def sources(self) -> tuple[str, ...]:
        """Publishers, those with most articles first."""
        ...

    def article(self, article_id: str) -> Article:
        """Raises ``UnknownArticle``."""
        ...

    def info(self) -> IndexInfo:
        """Cheap: called for every page."""
        ...

    def suggestions(self) -> tuple[str, ...]:
        """A few questions which these articles answer, for a page on which nothing was asked yet."""
        ...
