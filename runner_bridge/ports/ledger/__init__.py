"""
The ledger: an append-only, hash-chained record in SQLite or PostgreSQL.

`Ledger.open` gives the questions; `Ledger.write` begins a term and gives the one who may append. The chain and the
intervals are defined in `core.chain` and `core.intervals`; here they are kept and found. Import this package only
where a ledger is used: it brings SQLAlchemy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.model.ledger import Opening
from runner_bridge.ports.ledger import migrate, upkeep
from runner_bridge.ports.ledger.database import PATIENCE_S, Database
from runner_bridge.ports.ledger.reading import Reading
from runner_bridge.ports.ledger.upkeep import Pruned
from runner_bridge.ports.ledger.writer import BATCH, CLOCK_TOLERANCE, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime, timedelta

    from runner_bridge.core.chain import Witness
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.ledger import Purpose

__all__ = ["CLOCK_TOLERANCE", "Ledger", "Pruned", "Reading", "Writer"]


class Ledger(Reading):
    """One ledger. Close it when done."""

    @classmethod
    def open(cls, url: str, *, read_only: bool = False, patience_s: float = PATIENCE_S) -> Ledger:
        """
        Open a ledger; unless it is only to be read, create it or bring its tables up to date.

        Args:
            url: `sqlite:///FILE` (four slashes: absolute; on a local disk) or `postgresql://…`.
            read_only: for questions; nothing is created or changed, not even on a medium that cannot be written.
            patience_s: how long a write waits for another process that writes.

        Raises:
            SettingsError: the address is none, or there is no such ledger to be read.
            LedgerError: it cannot be reached, written, or is not a ledger of this release.
        """
        database = Database(url, read_only=read_only, patience_s=patience_s)
        try:
            if read_only:
                migrate.check(database)
            else:
                migrate.upgrade(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @property
    def name(self) -> str:
        """Its address, without a password."""
        return self._database.name

    def write(  # noqa: PLR0913 - what is to be said of a term, by name
        self,
        *,
        purpose: Purpose,
        cluster: str,
        at: datetime,
        gitlab: str = "",
        actor: str = "",
        witness: Callable[[str], None] | None = None,
        batch: int = BATCH,
        tolerance: timedelta = CLOCK_TOLERANCE,
    ) -> Writer:
        """
        Begin a term: open a segment that is linked to the end of all before it.

        Args:
            purpose: only terms of `run` count as time in which the cluster was watched.
            cluster: the policy's `cluster.name`.
            at: now.
            gitlab: the policy's `gitlab.url`.
            actor: who writes.
            witness: is given one line per entry once it is durable, and the head of the chain every hour; called
                from the writer's thread.
            batch: the most entries of one transaction.
            tolerance: an entry may be so much older than the newest one.

        Raises:
            LedgerError: it could not be written, or the clock stands before the last entry of this cluster.
        """
        opening = Opening(segment=0, at=at, purpose=purpose, cluster=cluster, gitlab=gitlab, actor=actor)
        return Writer(self._database, opening, witness=witness, batch=batch, tolerance=tolerance)

    def verify(self, witnesses: Iterable[Witness] = ()) -> list[Finding]:
        """
        Check the database, the chain, and everything that is derived from it; an empty list: all is as it was written.

        Raises:
            LedgerError: it cannot be read far enough to say.
        """
        return upkeep.verify(self._database, witnesses)

    def repair(self) -> None:
        """
        Derive again everything that follows from the entries, in one transaction; the chain is not touched.

        Raises:
            LedgerError: it could not be written.
        """
        upkeep.repair(self._database)

    def prune(self, *, before: datetime, at: datetime, actor: str) -> Pruned:
        """
        Remove whole segments that ended before a moment; what is still open or ended later is carried over.

        Args:
            before: afterwards nothing is known of what ended earlier, where its segment could go.
            at: now.
            actor: who removes.

        Raises:
            SettingsError: the moment is not in the past.
            LedgerError: it could not be written, or the chain is not whole: nothing is removed then.
        """
        return upkeep.prune(self._database, before=before, at=at, actor=actor)

    def close(self) -> None:
        """Close every connection; end the terms of writers first."""
        self._database.close()
