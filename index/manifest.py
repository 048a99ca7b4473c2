"""What a generation says of itself: settings, counts, and a hash for every file, itself included."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from index import disk
from index.errors import DamagedIndex, IncompatibleIndex
from index.runtime import file_hash

FORMAT = 3
PENDING = "its build has not ended"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of and from. ``files`` maps relative paths to ``[size, sha256]``.

    ``aside`` is why the generation is not one of those that are served and gone back to; None for those.
    ``built_from`` are the files and folders that were named, by this build and those that it goes on from.
    """

    format: int
    generation: str
    built_at: str
    embedder: str
    fingerprint: str
    dimensions: int
    splitter: dict[str, int]
    copies: int
    articles: int
    passages: int
    newest_article: str | None
    skipped: int
    skipped_first: list[dict]
    files: dict[str, list]
    aside: str | None = None
    built_from: list[str] = field(default_factory=list)


def read_manifest(folder: Path) -> Manifest:
    """
    Raises:
        DamagedIndex: it cannot be read, or a byte of it differs.
        IncompatibleIndex: another format wrote it.
    """
    fields = unseal(folder / "manifest.json")
    if fields["format"] != FORMAT:
        raise IncompatibleIndex(
            f"{folder} was written in format {fields['format']}, this version reads {FORMAT}; "
            "rebuild with: verbatim index ARTICLES --full"
        )
    return Manifest(**fields)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Writes the manifest, or puts it in place of the one there, all or nothing."""
    disk.replace_synced(folder / "manifest.json", seal(asdict(manifest)))


def seal(fields: dict) -> bytes:
    """The bytes of a manifest, which hold a hash of the rest: CURRENT vouches for one generation only."""
    digest = hashlib.sha256(json.dumps(fields, indent=1).encode()).hexdigest()
    return json.dumps(fields | {"checksum": digest}, indent=1).encode()


def unseal(path: Path) -> dict:
    try:
        data = path.read_bytes()
        fields = json.loads(data)
        del fields["checksum"]
        if seal(fields) != data:
            raise ValueError
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DamagedIndex(path, "it is not as it was written") from error
    return fields


def find_damage(folder: Path, hash_file: Callable[[Path], str] = file_hash) -> Iterator[str]:
    """Names of the files of one generation whose bytes are not those that were written, as they are found."""
    try:
        files = unseal(folder / "manifest.json")["files"]
    except DamagedIndex:
        yield "manifest.json"
        return
    for file, (size, digest) in files.items():
        if not is_sound(folder / file, size, digest, hash_file):
            yield file


def is_sound(path: Path, size: int, digest: str, hash_file: Callable[[Path], str] = file_hash) -> bool:
    """Whether a file has these bytes. One that cannot be read has not."""
    try:
        return path.is_file() and path.stat().st_size == size and hash_file(path) == digest
    except OSError:
        return False
