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
        try:
            generation = Generation(self._store.generations / self._store.current()[0])
            recorded = [Path(path) for path in generation.built_from()]
        except (VerbatimError, OSError):
            recorded = []
        return recorded or self._configured

    def present(self, full: bool) -> list[Path]:
        """Those of :meth:`sources` that are there. What is not, on a disk that is unplugged perhaps, is left out.

        Raises:
            Refusal: none is there; or one is not, and ``full`` would lose its articles.
        """
        sources = self.sources()
        missing = [path for path in sources if not path.exists()]
        if not sources or len(missing) == len(sources):
            named = f" ({missing[0]} is not there)" if missing else ""
            raise Refusal(INVALID, f"nothing is known to index from{named}; name paths, or upload files")
        if missing and full:
            raise Refusal(INVALID, f"{missing[0]} is not there, and starting over would lose its articles; name paths")
        return [path for path in sources if path not in missing]

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
