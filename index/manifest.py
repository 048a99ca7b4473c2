"""What a generation says of itself: settings, counts, and a hash for every file, itself included."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from index.errors import DamagedIndex, IncompatibleIndex
from index.runtime import file_hash

FORMAT = 3


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a generation is made of and from. ``files`` maps relative paths to ``[size, sha256]``."""

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


def damaged_files(folder: Path) -> list[str]:
    """Names of the files of one generation whose bytes are not those that were written."""
    try:
        files = unseal(folder / "manifest.json")["files"]
    except DamagedIndex:
        return ["manifest.json"]
    damaged = []
    for file, (size, digest) in files.items():
        path = folder / file
        if not path.is_file() or path.stat().st_size != size or file_hash(path) != digest:
            damaged.append(file)
    return damaged
