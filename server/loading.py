"""Settings -> models and archive, for every command alike."""

from functools import partial
from typing import TYPE_CHECKING, Any

from server.terminal import say

if TYPE_CHECKING:
    from index.embedder import SentenceEmbedder
    from qa.archive import Archive
    from qa.reader import SpanReader
    from server.settings import Settings


def read_settings(**overrides: Any) -> "Settings":
    from server.settings import Settings

    return Settings.from_environment(overrides)


def open_embedder(settings: "Settings") -> "SentenceEmbedder":
    from index.embedder import load_embedder

    return load_embedder(settings.model, settings.cache, settings.threads, say)


def load_models(settings: "Settings") -> "tuple[SentenceEmbedder, SpanReader]":
    """The embedder and the reader that the settings name.

    Raises:
        ModelError: one of them is missing or altered.
    """
    return open_embedder(settings), open_reader(settings)


def open_reader(settings: "Settings") -> "SpanReader":
    from qa.reader import load_reader

    return load_reader(str(settings.reader) if settings.reader else None, settings.cache, settings.threads, say)


def open_archive(settings: "Settings") -> "Archive":
    """The archive in ``settings.index``; index and models are opened when it is first asked."""
    from qa.archive import Archive

    return Archive(settings.index, partial(load_models, settings), settings.threshold)
