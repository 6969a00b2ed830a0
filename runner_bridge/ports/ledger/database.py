"""
One database behind two kinds of transaction, and the one place where its errors are translated.

SQLite through the standard library's driver: write-ahead log, `synchronous=FULL`, a write transaction takes the lock
at once. PostgreSQL through psycopg: synchronous commit, one advisory lock serialises writers. So every write
transaction sees the end of the chain as it is, on either.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from runner_bridge.core.errors import LedgerError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import URL

PATIENCE_S = 5.0
"""How long a write waits for another writer before it is refused."""

_LOCK_KEY = 0x72756E62
"""The advisory lock that all writers of a PostgreSQL ledger take."""

_POSTGRESQL = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "application_name": "runner-bridge",
}

_REASONS = (
    (("disk is full", "53100", "53200"), "the disk is full. Make room; what was acknowledged is safe."),
    (
        ("is locked", "55P03", "57014"),
        "another process holds the lock for too long. Find it, or wait; what was acknowledged is safe.",
    ),
    (
        ("readonly database", "read-only", "25006", "42501", "permission denied"),
        "it may only be read. Give write permission to the file and its folder, or use another ledger.",
    ),
    (
        ("malformed", "not a database", "XX001", "XX002"),
        "it is damaged or no ledger. Keep the file and run: runner-bridge ledger verify.",
    ),
    (
        ("disk I/O error", "58030"),
        "the disk cannot be written: a limit on the size of files, a quota, or a fault. What was acknowledged is safe.",
    ),
    (("unable to open",), "it cannot be opened. Check that its folder exists and that you may write to it."),
)


class Database:
    """An address and how to reach it; holds pooled connections."""

    def __init__(self, url: str, *, read_only: bool = False, patience_s: float = PATIENCE_S) -> None:
        """
        Check the address; nothing is opened yet.

        Raises:
            SettingsError: it is no address of SQLite or PostgreSQL, or names a file that is not there to be read.
        """
        self.read_only = read_only
        self.patience_s = patience_s
        parsed = _parse(url)
        self.name = parsed.render_as_string(hide_password=True)
        self.path = parsed.database or "" if parsed.get_backend_name() == "sqlite" else ""
        self._file: tuple[int, int] | None = None
        """The file of SQLite, by its device and number, since it was opened for the first time."""
        self.engine = self._sqlite() if self.path else self._postgresql(parsed)

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()

    @contextmanager
    def reading(self, *, temporary: bool = False, one_question: bool = False) -> Iterator[Connection]:
        """
        Open a transaction that sees one state and writes nothing, or temporary tables alone.

        A single question sees one state by itself: the transaction around it would only cost time.

        Raises:
            LedgerError: it cannot be read.
        """
        with self.translated(), self.engine.connect() as connection:
            if self.path and not one_question:
                connection.exec_driver_sql("BEGIN")
            elif not one_question:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=not temporary)
            yield connection  # the pool rolls back what is given back

    @contextmanager
    def writing(self, connection: Connection) -> Iterator[None]:
        """
        Open a write transaction on a connection; it is durable when this returns.

        Raises:
            LedgerError: it could not be written; nothing of it is there, unless the connection broke while it
                was committed: then it is there whole or not at all.
        """
        with self.translated():
            try:
                with connection.begin():
                    if self.path:
                        connection.exec_driver_sql("BEGIN IMMEDIATE")
                    else:
                        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
                    yield
                self._check_file()
            except BaseException:
                connection.invalidate()
                raise

    def _check_file(self) -> None:
        """
        Find out whether what was written is where it will be looked for.

        SQLite goes on in a file that has been removed or replaced; what it writes there is lost with the process.
        """
        if self.path and _file_of(self.path) != self._file:
            message = (
                f"{self.name}: the file was removed or replaced while it was written to. Nothing more is recorded. "
                "Put the right one in its place, run: runner-bridge ledger verify, and start the bridge again."
            )
            raise LedgerError(message)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """
        Let errors of the database leave as ours.

        Raises:
            LedgerError: every error of the driver, with what to do about it.
        """
        try:
            yield
        except SQLAlchemyError as error:
            raise LedgerError(f"{self.name}: {explain(error)}") from error

    def _sqlite(self) -> Engine:
        if self.read_only and not os.path.isfile(self.path):  # noqa: PTH113
            message = f"{self.path}: there is no ledger. Name it with --ledger or RUNNER_BRIDGE_LEDGER."
            raise SettingsError(message)

        def connect() -> sqlite3.Connection:
            made = _open_sqlite(self.path, read_only=self.read_only, patience_s=self.patience_s)
            self._file = self._file or _file_of(self.path)
            return made

        return create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4, max_overflow=4)

    def _postgresql(self, url: URL) -> Engine:
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            poolclass=QueuePool,
            pool_size=4,
            max_overflow=4,
            pool_pre_ping=self.read_only,
            connect_args=_POSTGRESQL,
        )

        @event.listens_for(engine, "connect")
        def _durable(connection: psycopg.Connection[Any], _record: object) -> None:
            connection.autocommit = True
            connection.execute("SET synchronous_commit = on")
            connection.execute(f"SET lock_timeout = '{round(self.patience_s * 1000)}ms'")
            connection.autocommit = False

        return engine


def explain(error: SQLAlchemyError) -> str:
    """Return what is wrong with the database and what to do, without the statement or its values."""
    original = error.orig if isinstance(error, DBAPIError) else error
    said = str(original).strip().partition("\n")[0]
    state = getattr(original, "sqlstate", None) or ""
    for signs, reason in _REASONS:
        if any(sign == state or (len(sign) > 5 and sign in said) for sign in signs):
            return f"{reason} ({said})" if said else reason
    return f"it cannot be used: {said or type(original).__name__}. Check the address and the database's own log."


def _parse(url: str) -> URL:
    shape = "Write sqlite:///FILE or postgresql://USER@HOST/DATABASE."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        message = f"--ledger: not an address of a database. {shape}"
        raise SettingsError(message) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        message = f"--ledger: {parsed.get_backend_name()!r} is no database that can keep a ledger. {shape}"
        raise SettingsError(message)
    if parsed.get_backend_name() == "sqlite" and (not parsed.database or parsed.database == ":memory:"):
        message = f"--ledger: a ledger in memory keeps nothing. {shape}"
        raise SettingsError(message)
    return parsed


def _file_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - at each transaction
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _open_sqlite(path: str, *, read_only: bool, patience_s: float) -> sqlite3.Connection:
    """Open the file; one on a medium that cannot be written, and that nobody writes to, is read as it lies there."""
    uri = f"file:{quote(path)}"
    if read_only:
        try:
            return _configured(_connect(f"{uri}?mode=ro", patience_s), read_only=True)
        except sqlite3.OperationalError:
            if os.path.exists(f"{path}-wal"):  # noqa: PTH110 - entries are in it that `immutable` would not see
                raise
            return _configured(_connect(f"{uri}?mode=ro&immutable=1", patience_s), read_only=True)
    return _configured(_connect(f"{uri}?mode=rwc", patience_s), read_only=False)


def _connect(uri: str, patience_s: float) -> sqlite3.Connection:
    # Transactions are opened by `Database.writing`; the pool hands a connection to one thread at a time.
    return sqlite3.connect(uri, uri=True, timeout=patience_s, isolation_level=None, check_same_thread=False)


def _configured(connection: sqlite3.Connection, *, read_only: bool) -> sqlite3.Connection:
    try:
        if read_only:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        else:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cell_size_check = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection
