"""One generation of the index: how it is written and how it is read.

    generations/<id>/
        articles.sqlite              the record: articles, and where their passages lie
        embeddings.npy               (passages, dimensions) float16, in the passages' order
        keys.npy                     (passages, 16) uint8, hashes of the embedded texts
        days.npy                     (passages,) int32, days of publication since 1970, ascending; undated ones least
        vectors.faiss                the vector index
        lexical/                     the word index
        manifest.json                written last: settings, counts, a SHA-256 for each file above

It never changes once its manifest stands. A reader opens one and keeps it.
"""

import hashlib
import json
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from index import copies, disk
from index.articles import Article, Skipped
from index.dense import DenseIndex
from index.errors import DamagedIndex, IndexFault, UnknownArticle
from index.lexical import LexicalIndex
from index.manifest import FORMAT, PENDING, Manifest, is_sound, read_manifest, write_manifest
from index.passages import Passage
from index.runtime import file_hash

UNDATED = np.iinfo(np.int32).min
_SCHEMA = """
    create table article (
        number integer primary key, id text not null unique, title text not null, text text not null, url text,
        source text, published text, authors text not null, origin text not null, digest blob not null,
        signature blob, copies integer);
    create index copies_of on article (copies) where copies is not null;
    create index sources on article (source);
    create index newest on article (published desc);
    create table passage (
        row integer primary key, article integer not null, start integer not null, "end" integer not null);
    create index passages_of on passage (article);
"""
_MOST_COPIES = 50
_AT_ONCE = 200  # articles
_CHEAP = 256 << 20  # bytes: files up to this size are read whole before they are used, in a quarter of a second


class Draft:
    """A generation being written. Articles first, then passages, vectors and indexes, then :meth:`finish`."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.embeddings = folder / "embeddings.npy"
        self.keys = folder / "keys.npy"
        self.vectors = folder / "vectors.faiss"
        self.lexical = folder / "lexical"
        self._record = folder / "articles.sqlite"
        with self._writing():
            self._database = sqlite3.connect(self._record, isolation_level=None)
            self._database.executescript("pragma journal_mode = off; pragma synchronous = off;" + _SCHEMA + "begin;")

    def _writing(self) -> AbstractContextManager[None]:
        return disk.step("write", self._record, sqlite3.OperationalError)

    def add_article(self, article: Article, origin: str) -> None:
        """A later article of the same id is a new version and takes the earlier one's place."""
        row = (*_article_row(article), origin, article_digest(article))
        with self._writing():
            self._database.execute("delete from article where id = ?", (article.id,))
            self._database.execute(f"insert into article ({_COLUMNS}, origin, digest) values (?,?,?,?,?,?,?,?,?)", row)

    def has_article(self, article_id: str) -> bool:
        return self._database.execute("select 1 from article where id = ?", (article_id,)).fetchone() is not None

    def text_of(self, article_id: str) -> str:
        return self._database.execute("select text from article where id = ?", (article_id,)).fetchone()[0]

    def write_copies(self, signatures: Mapping[str, np.ndarray], groups: Sequence[Sequence[str]]) -> None:
        """Records each article's signature, uint32 (n,), and which articles are copies of one another."""
        with self._writing():
            self._database.executemany(
                "update article set signature = ? where id = ?",
                [(signature.tobytes(), article_id) for article_id, signature in signatures.items()],
            )
            self._database.executemany(
                "update article set copies = ? where id = ?",
                [(number, article_id) for number, group in enumerate(groups) for article_id in group],
            )

    def articles(self) -> Iterator[tuple[int, Article]]:
        """(number, article) by day of publication, the undated first. One may write passages meanwhile."""
        for (number,) in self._database.execute("select number from article order by published, number").fetchall():
            row = self._database.execute(f"select {_COLUMNS} from article where number = ?", (number,)).fetchone()
            yield number, _to_article(row)

    def add_passages(self, first_row: int, number: int, passages: Sequence[Passage]) -> None:
        with self._writing():
            self._database.executemany(
                "insert into passage values (?,?,?,?)",
                [(row, number, p.start, p.end) for row, p in enumerate(passages, first_row)],
            )

    def passage_texts(self) -> Iterator[tuple[Article, str]]:
        """(article, passage text) of row 0, 1, 2, ..."""
        previous, article = None, None
        for number, start, end in self._database.execute('select article, start, "end" from passage order by row'):
            if number != previous:
                row = self._database.execute(f"select {_COLUMNS} from article where number = ?", (number,)).fetchone()
                previous, article = number, _to_article(row)
            yield article, article.text[start:end]

    def count(self, table: str) -> int:
        return self._database.execute(f"select count(*) from {table}").fetchone()[0]

    def digests(self) -> dict[str, bytes]:
        """Article id -> digest of its content."""
        return dict(self._database.execute("select id, digest from article"))

    def write_days(self) -> None:
        """Writes the day of publication of each passage; passages stand in that order."""
        days = self._database.execute(
            "select julianday(substr(published, 1, 10)) - 2440587.5 "
            "from passage join article on number = article order by row"
        )
        days = [UNDATED if day is None else int(day) for (day,) in days]
        disk.save_array(self.folder / "days.npy", np.array(days, dtype=np.int32))

    def newest(self) -> str | None:
        newest = self._database.execute("select max(published) from article").fetchone()[0]
        return newest[:10] if newest else None

    def finish(
        self, embedder, splitter: dict[str, int], skipped: Sequence[Skipped], built_from: Sequence[str] = ()
    ) -> Manifest:
        """Closes the record, syncs every file and writes the manifest, last of all: ready, but not taken yet."""
        counts = {"articles": self.count("article"), "passages": self.count("passage")}
        newest = self.newest()
        with self._writing():
            self._database.execute("commit")
        self._database.close()
        files = {}
        for path in sorted(path for path in self.folder.rglob("*") if path.is_file()):
            disk.sync_file(path)
            files[path.relative_to(self.folder).as_posix()] = [path.stat().st_size, file_hash(path)]
        manifest = Manifest(
            format=FORMAT,
            generation=self.folder.name,
            built_at=datetime.now(UTC).isoformat(timespec="seconds"),
            embedder=embedder.name,
            fingerprint=embedder.fingerprint,
            dimensions=embedder.dimensions,
            splitter=splitter,
            copies=copies.VERSION,
            skipped=len(skipped),
            skipped_first=[asdict(item) for item in skipped[:1000]],
            files=files,
            newest_article=newest,
            aside=PENDING,
            built_from=list(built_from),
            **counts,
        )
        disk.sync_folder(self.lexical)
        write_manifest(self.folder, manifest)
        disk.sync_folder(self.folder.parent)
        return manifest

    def close(self) -> None:
        self._database.close()

    def discard(self) -> None:
        """Leaves nothing behind; if the disk does not let it, the next build will."""
        self._database.close()
        with suppress(IndexFault):
            disk.remove_folder(self.folder)


class Generation:
    """One finished generation, open for reading; safe to use from several threads.

    Raises:
        DamagedIndex: a file is missing or has another size, or the vectors' bytes differ.
        IncompatibleIndex: another format wrote it.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.manifest = read_manifest(folder)
        self.id = self.manifest.generation
        for file, (size, _) in self.manifest.files.items():
            if not (folder / file).exists() or (folder / file).stat().st_size != size:
                raise DamagedIndex(folder / file, "it is missing or has another size")
        # One connection, opened now: it stays good when a build removes the file.
        self._database = _open_database(folder / "articles.sqlite")
        weakref.finalize(self, self._database.close).atexit = False  # threads may be asking to the last
        self._turn = threading.Lock()
        self._query("select 1 from article limit 1")
        self._sources: dict[str, np.ndarray] = {}
        self._copied: dict[str, int] | None = None
        self.check("days.npy")
        self.days = np.load(folder / "days.npy")

    def check(self, prefix: str = "", cheap: bool = False) -> None:
        """Reads the files whose names begin with ``prefix`` against their hashes; the large ones not, if ``cheap``.

        Raises:
            DamagedIndex: a byte differs.
        """
        for file, (size, digest) in self.manifest.files.items():
            looked_at = file.startswith(prefix) and not (cheap and size > _CHEAP)
            if looked_at and not is_sound(self.folder / file, size, digest):
                raise DamagedIndex(self.folder / file, "its bytes differ from the manifest")

    def dense(self) -> DenseIndex:
        self.check("vectors.faiss", cheap=True)  # FAISS itself notices few flipped bits
        return DenseIndex(self.folder / "vectors.faiss", self.manifest.passages, self.manifest.dimensions)

    def lexical(self) -> LexicalIndex:
        self.check("lexical/")  # whatever its size: tantivy stops the process on some flipped bits
        return LexicalIndex(self.folder / "lexical")

    def stored_vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """(embeddings float16 (n, d), keys uint8 (n, 16)), as memory maps."""
        return (
            np.load(self.folder / "embeddings.npy", mmap_mode="r"),
            np.load(self.folder / "keys.npy", mmap_mode="r"),
        )

    def article(self, article_id: str) -> Article:
        """
        Raises:
            UnknownArticle: no article has this id.
        """
        rows = self._query(f"select {_COLUMNS} from article where id = ?", (article_id,))
        if not rows:
            raise UnknownArticle(article_id)
        return _to_article(rows[0])

    def passages(self, rows: Sequence[int]) -> list[Passage]:
        """The passages of these rows, in the order asked for."""
        marks = ",".join("?" * len(rows))
        found = {
            row: Passage(article_id, start, end)
            for row, article_id, start, end in self._query(
                f'select row, id, start, "end" from passage join article on number = article where row in ({marks})',
                [int(row) for row in rows],
            )
        }
        return [found[int(row)] for row in rows]

    def passages_of(self, article_id: str) -> list[Passage]:
        """All passages of an article, in order."""
        rows = self._query(
            'select start, "end" from passage where article = (select number from article where id = ?) order by row',
            (article_id,),
        )
        return [Passage(article_id, start, end) for start, end in rows]

    def sourced_articles(self) -> Iterator[tuple[Article, str]]:
        """(article, origin) of every article."""
        sql = f"select {_COLUMNS}, origin, number from article where number > ? order by number limit {_AT_ONCE}"
        number = 0
        while rows := self._query(sql, (number,)):
            for *row, origin, _ in rows:
                yield _to_article(row), origin
            number = rows[-1][-1]

    def digests(self) -> dict[str, bytes]:
        return dict(self._query("select id, digest from article"))

    def signatures(self) -> dict[str, np.ndarray]:
        """Article id -> signature of its text, uint32 (n,)."""
        rows = self._query("select id, signature from article")
        return {article_id: np.frombuffer(signature, dtype=np.uint32) for article_id, signature in rows}

    def copy_groups(self) -> list[tuple[str, ...]]:
        """Ids of the articles that are copies of one another, group by group."""
        groups: dict[int, list[str]] = {}
        for number, article_id in self._query("select copies, id from article where copies is not null order by 1, 2"):
            groups.setdefault(number, []).append(article_id)
        return [tuple(group) for group in groups.values()]

    def copied(self) -> dict[str, int]:
        """Number of the group of each article that has copies."""
        if self._copied is None:
            self._copied = dict(self._query("select id, copies from article where copies is not null"))
        return self._copied

    def copies_of(self, article_id: str) -> list[Article]:
        """The other articles that carry the same text; of very many the earliest."""
        rows = self._query(
            f"select {_COLUMNS} from article where id <> ? and copies = (select copies from article where id = ?) "
            f"order by published is null, published, number limit {_MOST_COPIES}",
            (article_id, article_id),
        )
        return [_to_article(row) for row in rows]

    @property
    def newest(self) -> date | None:
        """The day of the newest article."""
        day = self.manifest.newest_article
        return date.fromisoformat(day[:10]) if day else None

    def newest_articles(self, k: int) -> list[Article]:
        """The ``k`` articles published last, newest first."""
        rows = self._query(f"select {_COLUMNS} from article order by published desc, number limit ?", (k,))
        return [_to_article(row) for row in rows]

    def sources(self) -> list[tuple[str, int]]:
        """Publishers and their numbers of articles, most first."""
        return self._query(
            "select source, count(*) from article where source is not null group by source order by 2 desc, 1"
        )

    def months(self) -> list[tuple[str | None, int]]:
        """Months of publication, as "2024-09", and their numbers of articles, in order; None for the undated."""
        return self._query("select substr(published, 1, 7), count(*) from article group by 1 order by 1")

    def origins(self) -> list[str]:
        """The files that the articles stand in."""
        return [origin for (origin,) in self._query("select distinct origin from article order by 1")]

    def built_from(self) -> list[str]:
        """The files and folders to read again to bring all of this up to date."""
        return self.manifest.built_from or self.origins()

    def rows_between(self, after: date | None, before: date | None) -> tuple[int, int]:
        """First and last + 1 of the rows published from ``after`` to ``before``, both included; never the undated."""
        first = day_number(after) if after else UNDATED + 1
        last = np.searchsorted(self.days, day_number(before), "right") if before else len(self.days)
        first = int(np.searchsorted(self.days, first, "left"))
        return first, max(first, int(last))

    def rows_from(self, sources: Iterable[str]) -> np.ndarray:
        """(passages,) bool: which rows come from these publishers."""
        selected = np.zeros(self.manifest.passages, dtype=bool)
        for source in sources:
            rows = self._sources.get(source)
            if rows is None:
                query = "select row from passage join article on number = article where source = ?"
                rows = np.array([row for (row,) in self._query(query, (source,))], dtype=np.int64)
                if len(rows):  # anyone may ask for any name, and only those that exist are few
                    self._sources[source] = rows
            selected[rows] = True
        return selected

    def _query(self, sql: str, values: Sequence = ()) -> list[tuple]:
        """All rows. Threads take turns: they would share a prepared statement, and get each other's rows."""
        try:
            with self._turn:
                return self._database.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise DamagedIndex(self.folder / "articles.sqlite", str(error)) from error


def _open_database(path: Path) -> sqlite3.Connection:
    """
    Raises:
        DamagedIndex: it cannot be opened.
    """
    quoted = path.as_posix().replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        return sqlite3.connect(f"file:{quoted}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise DamagedIndex(path, str(error)) from error


def day_number(day: date) -> int:
    """Days since 1 January 1970, as in ``days.npy``."""
    return day.toordinal() - 719_163


_COLUMNS = "id, title, text, url, source, published, authors"


def _article_row(article: Article) -> tuple:
    published = article.published.isoformat() if article.published else None
    authors = json.dumps(article.authors, ensure_ascii=False)
    return article.id, article.title, article.text, article.url, article.source, published, authors


def _to_article(row: Sequence) -> Article:
    published = None
    if row[5]:
        published = date.fromisoformat(row[5]) if len(row[5]) == 10 else datetime.fromisoformat(row[5])
    return Article(row[0], row[1], row[2], row[3], row[4], published, tuple(json.loads(row[6])))


def article_digest(article: Article) -> bytes:
    """16 bytes over all that an article says."""
    content = json.dumps(_article_row(article), ensure_ascii=False).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, digest_size=16).digest()
