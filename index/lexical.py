"""The word side: BM25 over the passages and their articles' titles, in tantivy.

Both text and question pass through :func:`words`, so that "U.S.", "$1,879", "Biden's" and
"North-Joint" meet their other spellings; stemming and folding of accents are tantivy's.
"""

import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from index import disk
from index.errors import DamagedIndex

_TITLE_WEIGHT = 0.4  # less than the text: a title repeats in every passage of its article
_POSSESSIVE = re.compile(r"(?<=\w)['’](?:s|S)\b|(?<=s)['’](?!\w)")
_INITIALS = re.compile(r"\b[^\W\d_](?:\.[^\W\d_])+\b\.?")  # the last full stop may be missing: "in the U.S?"
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
# Numbers keep their decimals; words split at hyphens but the joined form is kept beside the parts.
_WORD = re.compile(r"\d+(?:\.\d+)+|[^\W_]+(?:[-‐‑][^\W_]+)+|[^\W_]+")
_HYPHEN = re.compile(r"[-‐‑]")
# Words that carry nothing in a question; they stay in the index, where they cost little.
_ASKING = frozenset(
    """a an the of in on at to for from by with and or is are was were be been being do does did has have had what
    which who whom whose when where why how that this these those it its as there s according""".split()
)


def words(text: str) -> list[str]:
    """The words of ``text`` as they are indexed, before stemming: lower case, accents kept."""
    text = unicodedata.normalize("NFKC", text)
    text = _POSSESSIVE.sub("", text)
    text = _INITIALS.sub(lambda initials: initials.group().replace(".", ""), text)
    text = _GROUPED.sub("", text)
    found = []
    for word in _WORD.findall(text.lower()):
        if _HYPHEN.search(word):
            parts = _HYPHEN.split(word)
            found += [*parts, "".join(parts)]
        else:
            found.append(word)
    return found


def _schema():
    import tantivy

    return (
        tantivy.SchemaBuilder()
        .add_text_field("title", stored=False, tokenizer_name="words", index_option="freq")
        .add_text_field("body", stored=False, tokenizer_name="words", index_option="freq")
        .add_text_field("source", stored=False, tokenizer_name="raw", index_option="basic")
        .add_unsigned_field("row", stored=False, indexed=True, fast=True)
        .build()
    )


def _register(index) -> None:
    import tantivy

    analyzer = (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        .filter(tantivy.Filter.remove_long(60))
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )
    index.register_tokenizer("words", analyzer)


def write_lexical(folder: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """Indexes ``(title, passage text, source)`` of row 0, 1, 2, ... into ``folder``, one segment, always alike.

    Raises:
        IndexFault: the disk is full.
    """
    disk.make_folder(folder)
    with disk.step("write", folder, ValueError):
        writer = _open_writer(folder)
    try:
        with disk.step("write", folder, ValueError):
            _add_rows(writer, rows)
        with disk.step("sync", folder, ValueError):
            writer.commit()
    finally:
        with suppress(ValueError):  # its threads would write on while a failed build is cleared away
            writer.wait_merging_threads()
    for lock in folder.glob(".tantivy-*.lock"):
        disk.remove_file(lock)


def _open_writer(folder: Path):
    import tantivy

    index = tantivy.Index(_schema(), str(folder))
    _register(index)
    return index.writer(256_000_000, 1)


def _add_rows(writer, rows: Iterable[tuple[str, str, str]]) -> None:
    import tantivy

    words_of = lru_cache(maxsize=1)(words)  # all passages of an article have its title
    for row, (title, text, source) in enumerate(rows):
        document = tantivy.Document()
        document.add_text("title", " ".join(words_of(title)))
        document.add_text("body", " ".join(words(text)))
        document.add_text("source", source)
        document.add_unsigned("row", row)
        writer.add_document(document)


class LexicalIndex:
    """An open word index; searches may run from any thread."""

    def __init__(self, folder: Path):
        """
        Raises:
            DamagedIndex: tantivy cannot read it.
        """
        import tantivy

        # tantivy leaves a lock beside what it opens, and the index may lie on a disk that cannot be written to:
        # it is shown links in a folder of its own, which may go once all files are open.
        # A thread of tantivy may still write its lock there while the folder is removed.
        with tempfile.TemporaryDirectory(prefix="verbatim-", ignore_cleanup_errors=True) as view:
            for path in folder.absolute().iterdir():
                (Path(view) / path.name).symlink_to(path)
            try:
                self._index = tantivy.Index.open(view)
                _register(self._index)
                self._index.config_reader(reload_policy="manual")
                self._searcher = self._index.searcher()
            except ValueError as error:
                raise DamagedIndex(folder, " ".join(str(error).split())) from error
        shutil.rmtree(view, ignore_errors=True)
        self._schema = self._index.schema

    def search(
        self, question: str, k: int, rows: tuple[int, int] | None = None, sources: tuple[str, ...] = ()
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best ``k`` rows and their BM25 scores, best first: (<=k,) int64 and (<=k,) float32.

        ``rows`` limits the search to first <= row < last, ``sources`` to passages of these publishers.
        """
        query = self._query(question, rows, sources)
        if query is None:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        hits = self._searcher.search(query, k, count=False).hits
        found = self._searcher.fast_field_values("row", [address for _, address in hits])
        return np.array(found, dtype=np.int64), np.array([score for score, _ in hits], dtype=np.float32)

    def _query(self, question: str, rows: tuple[int, int] | None, sources: tuple[str, ...]):
        import tantivy

        asked = words(question)
        asked = [word for word in asked if word not in _ASKING] or asked
        if not asked:
            return None
        query = self._index.parse_query(
            " ".join(f'"{word}"' for word in asked), ["body", "title"], field_boosts={"title": _TITLE_WEIGHT}
        )
        must = tantivy.Occur.Must
        limits = []
        if rows is not None:
            first, last = rows
            if first >= last:
                return None
            limits.append(
                tantivy.Query.range_query(self._schema, "row", tantivy.FieldType.Unsigned, first, last, True, False)
            )
        if sources:
            # Passages of no publisher are indexed as of "", which names none.
            named = [source for source in sources if source]
            limits.append(tantivy.Query.term_set_query(self._schema, "source", named))
        if not limits:
            return query
        return tantivy.Query.boolean_query(
            [(must, query), *((must, tantivy.Query.const_score_query(limit, 0.0)) for limit in limits)]
        )
