"""The word side: BM25 over the passages and their articles' titles, in tantivy.

Both text and question pass through :func:`words`, so that "U.S.", "$1,879", "Biden's" and
"North-Joint" meet their other spellings; stemming and folding of accents are tantivy's.
"""

import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np

from index import disk
from index.errors import DamagedIndex

_LONGEST = 60  # bytes of a word in the index; tantivy refuses a question of which it drops every word
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


def _analyzer():
    import tantivy

    return (
        tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace())
        .filter(tantivy.Filter.remove_long(_LONGEST))
        .filter(tantivy.Filter.ascii_fold())
        .filter(tantivy.Filter.stemmer("english"))
        .build()
    )


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
    index.register_tokenizer("words", _analyzer())
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
                self._analyzer = _analyzer()
                self._index.register_tokenizer("words", self._analyzer)
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

    def cover(self, question: str, rows: np.ndarray) -> np.ndarray:
        """How much of the question each of ``rows``, (n,) int64, says: (n, 2) float32, 0 to 1.

        The first number is the share of the question's words that the passage or its title holds, the second that of
        the title alone. Words weigh as BM25 weighs their rarity.
        """
        import tantivy

        stems = list(dict.fromkeys(self._analyzer.analyze(" ".join(_asked(question)))))
        if not stems or not len(rows):
            return np.zeros((len(rows), 2), np.float32)
        count = self._searcher.num_docs
        found = np.array([self._searcher.doc_freq("body", stem) for stem in stems])
        rarity = np.log(1 + (count - found + 0.5) / (found + 0.5))
        shares = (rarity / rarity.sum()).tolist()

        def holding(*fields: str):
            terms = [[tantivy.Query.term_query(self._schema, field, stem) for field in fields] for stem in stems]
            words = zip(map(_any_of, terms), shares, strict=True)
            return _any_of([tantivy.Query.const_score_query(word, share) for word, share in words])

        return np.column_stack([self._score(holding("body", "title"), rows), self._score(holding("title"), rows)])

    def _score(self, query, rows: np.ndarray) -> np.ndarray:
        """The query's score of each of ``rows``, (n,) float32; 0 where it does not match."""
        import tantivy

        limit = tantivy.Query.term_set_query(self._schema, "row", rows.tolist())
        both = [(tantivy.Occur.Must, query), (tantivy.Occur.Must, tantivy.Query.const_score_query(limit, 0.0))]
        hits = self._searcher.search(tantivy.Query.boolean_query(both), len(rows), count=False).hits
        found = self._searcher.fast_field_values("row", [address for _, address in hits])
        scores = dict(zip(found, (score for score, _ in hits), strict=True))
        return np.array([scores.get(row, 0.0) for row in rows.tolist()], dtype=np.float32)

    def _query(self, question: str, rows: tuple[int, int] | None, sources: tuple[str, ...]):
        import tantivy

        asked = _asked(question)
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


def _asked(question: str) -> list[str]:
    """The words of a question that are looked for."""
    asked = [word for word in words(question) if len(word.encode()) < _LONGEST]
    return [word for word in asked if word not in _ASKING] or asked


def _any_of(queries: Sequence):
    import tantivy

    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])
