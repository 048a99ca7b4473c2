"""The SQLite file in which the server keeps what people asked: private, and safe from several threads.

It lies in the user's data folder, never in the index. ``verbatim remove`` opens it beside a running
server, hence the write-ahead log.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAME = "conversations.sqlite"
_VERSION = 1
_TABLES = """
create table conversation (
    id text primary key, visitor text not null, title text not null, began text not null, used integer not null
);
create index conversation_by_use on conversation (visitor, used);
create table turn (
    conversation text not null references conversation (id) on delete cascade,
    number integer not null, asked_at text not null, question text not null, answer text not null, article_id text,
    asking text not null, reply text, primary key (conversation, number)
) without rowid;
create table cited (
    article_id text not null, conversation text not null, number integer not null,
    primary key (article_id, conversation, number),
    foreign key (conversation, number) references turn (conversation, number) on delete cascade
) without rowid;
create index cited_by_turn on cited (conversation, number);
create table feedback (
    id integer primary key autoincrement, visitor text not null, conversation text not null, turn integer not null,
    answer integer not null, given_at text not null, verdict text not null, line text not null, entry text not null,
    unique (visitor, conversation, turn, answer)
);
create table judged (
    feedback integer not null references feedback (id) on delete cascade, article_id text not null,
    primary key (article_id, feedback)
) without rowid;
create table removed (article_id text primary key, at integer not null) without rowid;
create table counter (name text primary key, value integer not null) without rowid;
insert into counter values ('use', 0);
"""

log = logging.getLogger("verbatim")


class Drawer:
    """One connection, opened when it is first needed; ``folder`` None keeps all in memory.

    A file that cannot be used is logged, and memory takes its place; if ``strict``, sqlite3.Error or OSError is raised.
    """

    def __init__(self, folder: Path | None, strict: bool = False):
        self._folder, self._strict = folder, strict
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.RLock()

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of what is done in it, or nothing."""
        with self._lock:
            connection = self._open()
            connection.execute("begin immediate")
            try:
                yield connection
                connection.execute("commit")
            except BaseException:
                if connection.in_transaction:  # SQLite may have ended it by itself, as when a disk is full
                    connection.execute("rollback")
                raise

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        with self._lock:
            return self._open().execute(query, values).fetchall()

    def forget_log(self) -> None:
        """What was deleted leaves the write-ahead log too."""
        with self._lock:
            self._open().execute("pragma wal_checkpoint(truncate)")

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = _connect(self._folder and self._folder / NAME)
            except (sqlite3.Error, OSError) as error:
                if self._strict:
                    raise
                place = f"{self._folder}/{NAME}"
                log.error("conversations are not kept, %s: %s; move it away, or set VERBATIM_DATA", place, error)
                self._folder, self._connection = None, _connect(None)
        return self._connection


def kept_in(folder: Path) -> bool:
    """Whether anything was ever kept in ``folder``."""
    return (folder / NAME).exists()


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    connection = sqlite3.connect(path or ":memory:", timeout=10, isolation_level=None, check_same_thread=False)
    try:
        connection.row_factory = sqlite3.Row
        connection.create_function("folded", 1, lambda text: text.casefold(), deterministic=True)
        for pragma in ("journal_mode=wal", "synchronous=normal", "secure_delete=on", "foreign_keys=on"):
            connection.execute(f"pragma {pragma}")
        _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("begin immediate")  # another process may be making them
    (version,) = connection.execute("pragma user_version").fetchone()
    if version == 0:
        for statement in _TABLES.split(";\n"):
            connection.execute(statement)
        connection.execute(f"pragma user_version={_VERSION}")
    connection.execute("commit")
    if version > _VERSION:
        raise sqlite3.DatabaseError(f"it was written by a later version (its format is {version})")
