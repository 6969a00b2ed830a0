"""Bring the tables of a ledger up to date, or say that they are not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, text

from runner_bridge.core.errors import LedgerError
from runner_bridge.ports.ledger.tables import HEAD

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from runner_bridge.ports.ledger.database import Database

FOLDER = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """
    Create or change the tables, all in one transaction; does nothing where they are up to date.

    Raises:
        LedgerError: it cannot be written, belongs to a newer release, or is the database of something else.
    """
    with database.translated(), database.engine.connect() as connection:
        if _version(connection, database) == HEAD:
            return
        connection.rollback()
        with database.writing(connection):
            if _version(connection, database) != HEAD:  # another process may have been faster
                _run(connection)


def check(database: Database) -> None:
    """
    Make sure that the tables are those this release reads.

    Raises:
        LedgerError: they are older or newer, or there are none.
    """
    with database.reading() as connection:
        if _version(connection, database) != HEAD:
            message = f"{database.name}: no ledger of this release. `runner-bridge run` creates or upgrades it."
            raise LedgerError(message)


def _version(connection: Connection, database: Database) -> str:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" not in tables:
        if tables:
            message = f"{database.name}: holds tables of something else. Name an empty database for the ledger."
            raise LedgerError(message)
        return ""
    version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or ""
    if version > HEAD:
        message = f"{database.name}: written by a newer release (tables {version}, this one knows {HEAD}). Upgrade."
        raise LedgerError(message)
    return str(version)


def _run(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - a third of a second, once in the life of a ledger
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
