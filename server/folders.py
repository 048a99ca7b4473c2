"""Which paths of this machine the server may be told to index."""

import os
from collections.abc import Sequence
from pathlib import Path

from index.errors import VerbatimError
from index.generation import Generation
from index.store import Store
from server.problems import INVALID, PATH_NOT_ALLOWED, Refusal
from server.settings import Settings
from server.uploads import Uploads


class Folders:
    """What was uploaded, what the index in use was built from, and the folders in the settings."""

    def __init__(self, settings: Settings, uploads: Uploads):
        self._store, self._uploads = Store(settings.index), uploads
        self._configured = [folder.absolute() for folder in settings.article_folders]

    def sources(self) -> list[Path]:
        """What the index in use was built from; without one, the folders in the settings."""
        generation = self._in_use()
        return [Path(path) for path in generation.built_from()] if generation else self._configured

    def present(self, full: bool) -> list[Path]:
        """Those of :meth:`sources` that are there, uploads last. What is not, its disk perhaps unplugged, is left out.

        Raises:
            Refusal: none is there; or one from which there are articles is not, and ``full`` would lose them.
        """
        sources = self.sources()
        missing = [path for path in sources if not path.exists()]
        if not sources or len(missing) == len(sources):
            named = f" ({missing[0]} is not there)" if missing else ""
            raise Refusal(INVALID, f"nothing is known to index from{named}; name paths, or upload files")
        if full and (lost := self._with_articles(missing)):
            raise Refusal(INVALID, f"{lost[0]} is not there, and starting over would lose its articles; name paths")
        return self._uploads.in_order(path for path in sources if path not in missing)

    def _with_articles(self, paths: Sequence[Path]) -> list[Path]:
        """Those of ``paths`` from which the index in use has articles; all if it cannot be read."""
        if not paths or (generation := self._in_use()) is None:
            return list(paths)
        origins = [Path(origin) for origin in generation.origins()]
        return [path for path in paths if any(origin.is_relative_to(path) for origin in origins)]

    def _in_use(self) -> Generation | None:
        try:
            return Generation(self._store.generations / self._store.current()[0])
        except (VerbatimError, OSError):
            return None

    def permit(self, names: Sequence[str]) -> list[Path]:
        """These paths, absolute, each within what may be indexed once every symbolic link is followed.

        Raises:
            Refusal: one of them is not, or is no absolute path, or none of them is there.
        """
        paths = [self.permit_one(name) for name in names]
        if not any(path.exists() for path in paths):
            raise Refusal(INVALID, f"there is no such file or folder: {names[0]}; check the path")
        return paths

    def permit_one(self, name: str) -> Path:
        if "\0" in name or not os.path.isabs(name):
            raise Refusal(INVALID, f"{name!r} is no absolute path; write it from the root on")
        path = Path(os.path.abspath(name))
        real = Path(os.path.realpath(path))
        allowed = (*self._configured, *self.sources(), self._uploads.folder)
        if not any(real.is_relative_to(os.path.realpath(each)) for each in allowed):
            detail = (
                f"{name} lies outside the article folders; add its folder to VERBATIM_ARTICLE_FOLDERS, or upload it"
            )
            raise Refusal(PATH_NOT_ALLOWED, detail)
        return path
