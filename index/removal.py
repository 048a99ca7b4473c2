"""Taking articles down: a generation without them, and no other one that holds them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from index.build import (
    KEEP_GENERATIONS,
    SPLITTER,
    BuildReport,
    Progress,
    drafting,
    report,
    tidy,
    write_generation,
)
from index.embedder import Embedder
from index.errors import ArticleError, IndexFault, UnknownArticle
from index.generation import Generation
from index.store import Store


def remove_articles(
    article_ids: Sequence[str],
    folder: Path,
    embedder: Embedder,
    *,
    keep: int = KEEP_GENERATIONS,
    progress: Progress = lambda stage, done, total: None,
    check: Callable[[Generation], None] = lambda generation: None,
) -> BuildReport:
    """A new generation without these articles; older ones that hold one of them are removed, those aside as well.

    ``check`` is called last before anything changes, and may refuse by raising.

    Raises:
        UnknownArticle: one of the ids is in no generation; nothing is changed then.
        ArticleError: no article would be left.
    """
    began = time.monotonic()
    store = Store(folder)
    with store.lock():
        previous = store.open()
        previous.check()
        unwanted = set(article_ids)
        held = {kept.id: held_in(store, kept.id, unwanted) for kept in store.history()}
        for article_id in sorted(unwanted.difference(*filter(None, held.values()))):
            raise UnknownArticle(article_id)
        generation, reason = previous.id, None
        if held[previous.id]:
            generation, reason = write_without(unwanted, store, previous, embedder, progress, check)
        else:
            check(previous)
        dropped = tuple(name for name in held if name != generation and (held[name] is None or held[name]))
        built = report(store, generation, previous, [], reason, time.monotonic() - began)
        for name in dropped:
            store.drop(name)
        tidy(store, keep)
    return replace(built, dropped=dropped)


def held_in(store: Store, generation: str, article_ids: set[str]) -> set[str] | None:
    """Which of the articles a generation holds; None where that cannot be known, since it cannot be read."""
    try:
        opened = Generation(store.generations / generation)
        opened.check("articles.")
        return article_ids & opened.digests().keys()
    except IndexFault:
        return None


def write_without(
    unwanted: set[str],
    store: Store,
    previous: Generation,
    embedder: Embedder,
    progress: Progress,
    check: Callable[[Generation], None],
) -> tuple[str, str | None]:
    """Swaps in all that ``previous`` holds but these articles. (generation, why nothing could be reused)."""
    with drafting(store) as draft:
        for article, origin in previous.sourced_articles():
            if article.id not in unwanted:
                draft.add_article(article, origin)
        if not draft.count("article"):
            raise ArticleError(store.folder, "no article would be left; to be rid of them all, remove this folder")
        reason = write_generation(draft, previous, embedder, progress)
        manifest = draft.finish(embedder, SPLITTER, [], previous.manifest.built_from)
        check(Generation(draft.folder))
        store.swap(manifest.generation)
    return manifest.generation, reason
