"""An archive as it is served: the generation in use, and an assistant over it, replaced whole when a new one comes."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from index.articles import Article
from index.embedder import SentenceEmbedder
from index.errors import DamagedIndex, IncompatibleIndex, IndexFault, VerbatimError
from index.generation import Generation
from index.store import POINTER, IndexInfo, Pointer, Store
from qa.assistant import Assistant, Reply, Request
from qa.confidence import Confidence
from qa.explanation import Explanation, explain
from qa.inspection import Inspector
from qa.reader import SpanReader
from qa.suggestions import suggest

log = logging.getLogger("verbatim.archive")
_T = TypeVar("_T")
_LOOK_EVERY = 1.0  # seconds
_TRY_AGAIN_AFTER = 10.0  # seconds; opening reads every byte, so a damaged index must not be opened for each question


@dataclass(frozen=True, slots=True)
class Opened:
    generation: Generation
    assistant: Assistant
    info: IndexInfo
    pointer: Pointer


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a generation could not be opened, and until when that is taken for certain."""

    until: float
    error: Exception


class Archive:
    """Answers from whichever generation is current; a question is answered from one generation throughout.

    Every byte of that generation is read, much of it in the background. Once damage is found it answers no more,
    and the newest sound one answers instead; ``info().damaged`` names the files.

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
        self._failed: dict[Pointer, Failed] = {}
        self._lost_pointer = False
        self._opening = threading.Lock()
        self.inspector = Inspector(self.store)
        self._suggesting = threading.Lock()

    def ask(self, request: Request) -> Reply:
        return self.ask_with_info(request)[0]

    def ask_with_info(self, request: Request) -> tuple[Reply, IndexInfo]:
        """The reply, and the facts of the very generation that gave it."""
        return self._use(lambda opened: (opened.assistant.ask(request), opened.info))

    def explain(self, request: Request) -> Explanation:
        return self._use(lambda opened: explain(opened.assistant, request))

    def sources(self) -> tuple[str, ...]:
        """Publishers, those with most articles first."""
        return self._use(lambda opened: tuple(name for name, _ in opened.generation.sources()))

    def article(self, article_id: str) -> Article:
        """
        Raises:
            UnknownArticle: no article has this id.
        """
        return self._use(lambda opened: opened.generation.article(article_id))

    def info(self) -> IndexInfo:
        """The facts of the generation that answers; ``damaged`` names what is known of all of them so far."""
        info = self._current().info
        damaged = (*((POINTER,) if self._lost_pointer else ()), *self.inspector.damaged())
        return replace(info, damaged=damaged)

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

    def _use(self, use: Callable[[Opened], _T]) -> _T:
        """What ``use`` makes of the open generation, or of the one in its place if damage is found meanwhile."""
        while True:
            opened = self._current()
            try:
                found = use(opened)
            except DamagedIndex as error:
                if not self.inspector.condemn(error):
                    raise
                continue
            if not self.inspector.is_condemned(opened.generation.id):
                return found

    def _current(self) -> Opened:
        """The open generation; looks for a newer one at most every second. Nobody waits while that one is opened."""
        opened = self._opened
        sound = self._is_sound(opened)
        if sound and time.monotonic() - self._looked < _LOOK_EVERY:
            return opened
        if not self._opening.acquire(blocking=not sound):
            return opened
        try:
            self._looked = time.monotonic()
            self._look()
        except (VerbatimError, OSError):
            # A generation that is open stays good whatever happens to the pointer.
            if not self._is_sound(self._opened):
                raise
        finally:
            self._opening.release()
        return self._opened

    def _is_sound(self, opened: Opened | None) -> bool:
        return opened is not None and not self.inspector.is_condemned(opened.generation.id)

    def _look(self) -> None:
        """Opens what CURRENT names, if it is another generation; if that is damaged, the newest sound one."""
        try:
            self._take(self.store.current())
            self._lost_pointer = False
        except DamagedIndex as error:
            self._lost_pointer = error.path.parent == self.store.folder
            if not self._is_sound(self._opened):
                self._take_substitute(error)

    def _take_substitute(self, problem: DamagedIndex) -> None:
        for pointer in self.store.substitutes():
            try:
                self._take(pointer, whole=True)
            except (IndexFault, OSError):
                continue
            log.error("generation %s answers instead, since %s", pointer[0], problem)
            return
        raise problem

    def _take(self, pointer: Pointer, whole: bool = False) -> None:
        """Opens this generation, unless it is open; one that failed is not tried again at once."""
        if self._is_sound(self._opened) and self._opened.pointer == pointer:
            return
        failed = self._failed.get(pointer)
        if failed and (time.monotonic() < failed.until or self.inspector.is_condemned(pointer[0])):
            raise failed.error.with_traceback(None)  # it would hold what was opened, and grow each time
        try:
            if self.inspector.is_condemned(pointer[0]):
                raise DamagedIndex(self.store.generations / pointer[0], "bytes of it differ from its manifest")
            self._opened = self._open(pointer, whole)
        except (VerbatimError, OSError) as error:
            if self._is_sound(self._opened):  # else whoever asks is told
                log.error("generation %s cannot be opened, the last one goes on: %s", pointer[0], error)
            self._failed[pointer] = Failed(time.monotonic() + _TRY_AGAIN_AFTER, error)
            if isinstance(error, DamagedIndex):
                self.inspector.condemn(error)
            raise
        self.inspector.inspect(pointer[0])

    def _open(self, pointer: Pointer, whole: bool) -> Opened:
        generation = self.store.open(pointer)
        if whole:
            generation.check()
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
