"""An archive as it is served: the generation in use, and an assistant over it, replaced whole when a new one comes."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from index.articles import Article
from index.embedder import SentenceEmbedder
from index.errors import IncompatibleIndex, VerbatimError
from index.generation import Generation
from index.store import IndexInfo, Store
from qa.assistant import Assistant, Reply, Request
from qa.confidence import Confidence
from qa.reader import SpanReader
from qa.suggestions import suggest

log = logging.getLogger("verbatim.archive")
_LOOK_EVERY = 1.0  # seconds
_TRY_AGAIN_AFTER = 10.0  # seconds; opening reads every byte, so a damaged index must not be opened for each question


@dataclass(frozen=True, slots=True)
class Opened:
    generation: Generation
    assistant: Assistant
    info: IndexInfo
    pointer: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Failed:
    """A generation that could not be opened, and until when that is taken for certain."""

    pointer: tuple[str, str]
    until: float
    error: Exception


class Archive:
    """Answers from whichever generation is current; a question is answered from one generation throughout.

    ``load`` gives the embedder and the reader; it is called when the first generation is opened.
    Any thread may call any method. All of them raise what :meth:`Store.open` raises.
    """

    def __init__(
        self,
        folder: Path,
        load: Callable[[], tuple[SentenceEmbedder, SpanReader]],
        threshold: float | None = None,
    ):
        self.store = Store(folder)
        self._load, self._threshold = load, threshold
        self._models: tuple[SentenceEmbedder, SpanReader] | None = None
        self._opened: Opened | None = None
        self._suggestions: dict[str, tuple[str, ...]] = {}
        self._looked = 0.0
        self._failed: Failed | None = None
        self._opening = threading.Lock()
        self._suggesting = threading.Lock()

    def ask(self, request: Request) -> Reply:
        return self._current().assistant.ask(request)

    def ask_with_info(self, request: Request) -> tuple[Reply, IndexInfo]:
        """The reply, and the facts of the very generation that gave it."""
        opened = self._current()
        return opened.assistant.ask(request), opened.info

    def article(self, article_id: str) -> Article:
        """
        Raises:
            UnknownArticle: no article has this id.
        """
        return self._current().generation.article(article_id)

    def info(self) -> IndexInfo:
        return self._current().info

    def assistant(self) -> Assistant:
        return self._current().assistant

    def suggestions(self) -> tuple[str, ...]:
        """Questions that the newest articles answer; found once per generation, in the background."""
        opened = self._current()
        with self._suggesting:
            if opened.generation.id not in self._suggestions:
                self._suggestions = {opened.generation.id: ()}
                threading.Thread(target=self._find_suggestions, args=(opened,), daemon=True).start()
        return self._suggestions.get(opened.generation.id, ())

    def _find_suggestions(self, opened: Opened) -> None:
        found = suggest(opened.assistant)
        with self._suggesting:
            if opened.generation.id in self._suggestions:  # else a newer one has come meanwhile
                self._suggestions = {opened.generation.id: found}

    def _current(self) -> Opened:
        """The open generation; looks for a newer one at most every second. Nobody waits while that one is opened."""
        opened = self._opened
        if opened and time.monotonic() - self._looked < _LOOK_EVERY:
            return opened
        if not self._opening.acquire(blocking=opened is None):
            return opened
        try:
            self._looked = time.monotonic()
            self._look()
        except (VerbatimError, OSError):
            # A generation that is open stays good whatever happens to the pointer.
            if self._opened is None:
                raise
        finally:
            self._opening.release()
        return self._opened

    def _look(self) -> None:
        """Opens what CURRENT names, if it is another generation; one that failed is not tried again at once."""
        pointer = self.store.current()
        if self._opened and self._opened.pointer == pointer:
            return
        if self._failed and self._failed.pointer == pointer and time.monotonic() < self._failed.until:
            raise self._failed.error
        try:
            self._opened = self._open(pointer)
        except (VerbatimError, OSError) as error:
            if self._opened:  # else whoever asks is told
                log.error("generation %s cannot be opened, the last one goes on: %s", pointer[0], error)
            self._failed = Failed(pointer, time.monotonic() + _TRY_AGAIN_AFTER, error)
            raise

    def _open(self, pointer: tuple[str, str]) -> Opened:
        generation = self.store.open(pointer)
        if self._models is None:
            self._models = self._load()
        embedder, reader = self._models
        if generation.manifest.fingerprint != embedder.fingerprint:
            raise IncompatibleIndex(
                f"the index was made with the embedder {generation.manifest.embedder}, not {embedder.name}; set "
                f"VERBATIM_MODEL to it, or rebuild with: verbatim index ARTICLES --full"
            )
        confidence = Confidence.from_settings(reader.settings["confidence"])
        assistant = Assistant(generation, embedder, reader, confidence, self._threshold)
        return Opened(generation, assistant, self.store.info(pointer=pointer), pointer)
