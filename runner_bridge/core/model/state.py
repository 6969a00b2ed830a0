"""
The state of a running bridge at one moment: what `run` keeps, and every surface shows.

Facts without judgement: what is alive or ready follows from them (`ask.answers.health`). Moments are aware and in UTC;
counts are of this process, from its start on. Texts hold no secret: addresses of databases and servers come without
passwords, and whatever a neighbour said went through `core.redact` before.
Import this module by its name, as `core.model.cluster`.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations when it decodes
from enum import StrEnum

from msgspec import Struct

from runner_bridge.core.model.cluster import Gap, Kind  # noqa: TC001 - as above


class Role(StrEnum):
    """Whether this process may write, where several watch one cluster."""

    ALONE = "alone"
    """No election: nobody else is expected."""
    LEADER = "leader"
    STANDBY = "standby"
    """It watches and judges, and neither records nor acts until it leads."""


class LeaseState(Struct, frozen=True, gc=False, kw_only=True):
    """The election; only where there is one."""

    name: str
    """`namespace/name` of the Lease."""
    holder: str = ""
    """Who leads; empty where nobody does, or it could not be read."""
    trouble: str = ""
    """Why it could not be read or renewed last time; a sentence without full stop, empty while all is well."""


class CalicoState(Struct, frozen=True, gc=False, kw_only=True):
    """Where the cluster keeps Calico's objects."""

    explanation: str
    """One sentence without full stop."""
    is_judgeable: bool
    """There are pools to judge by."""
    finding: str = ""
    """Why addresses say nothing although there are pools; a finding's headline, empty where they do."""


class PolicyState(Struct, frozen=True, gc=False, kw_only=True):
    """The policy in force: the last good one."""

    digest: str
    """As `Policy.digest`."""
    file: str
    """Its path as it was given."""
    loaded_at: datetime
    """When the policy in force was accepted."""
    trouble: str = ""
    """Why the file as it is now was refused; empty where the file is what is in force."""
    tried_at: datetime | None = None
    """When a change of the file was last looked at; None: it never changed."""
    reloads: int = 0
    """Changes of the file that were accepted."""
    refused: int = 0
    """Changes of the file that were refused."""


class WatchState(Struct, frozen=True, gc=False, kw_only=True):
    """One list with its watch."""

    kind: Kind
    namespace: str = ""
    """Empty: all of the cluster."""
    is_fresh: bool = False
    """What it told can be relied on: it was listed, and nothing was missed since."""
    is_needed: bool = True
    """Nothing is judged while it is not fresh."""
    objects: int = 0
    """How many it holds."""
    heard_at: datetime | None = None
    """When the API server last sent something: a list, a change or a bookmark. None: never."""
    tried_at: datetime | None = None
    """When it was last asked or heard: where this grows old, the process is stuck. None: never."""
    restarts: int = 0
    """How often it had to be listed anew after trouble; orderly ends of a watch do not count."""
    bad_lines: int = 0
    """Lines and items that could not be read."""
    trouble: str = ""
    """Why it is not fresh; a sentence without full stop, empty where it is."""


class LedgerState(Struct, frozen=True, gc=False, kw_only=True):
    """The record."""

    name: str
    """Its address, without a password."""
    is_writable: bool
    """The last entries are durable, or about to be; False: acting stops."""
    trouble: str = ""
    """Why the last entries could not be written, or are not yet after 10 s; empty while all is well."""
    witness_trouble: str = ""
    """Why the witness missed entries last time; empty while all is well. Recording and acting go on."""
    entries: int = 0
    """Entries that became durable."""
    waiting: int = 0
    """Calls that wait for the disk."""
    segment: int = 0
    """Number of the segment that is written."""
    head: str = ""
    """Hash of its last entry, hexadecimal."""


class Acts(Struct, frozen=True, gc=False, kw_only=True):
    """What was done to the cluster."""

    done: int = 0
    already_so: int = 0
    skipped: int = 0
    """The pod was gone when its turn came."""
    failed: int = 0
    waiting: int = 0
    """Pods that something is due for."""
    held_back: tuple[str, ...] = ()
    """What has held pods back from quarantine within the last hour: `brake TIER`, `quarantines` (their number)."""


class BlockReads(Struct, frozen=True, gc=False, kw_only=True):
    """Reads of Calico's blocks."""

    readable: bool = True
    """Somebody serves them; False: addresses are proven by the pods' status alone."""
    done: int = 0
    failed: int = 0
    under_way: int = 0
    trouble: str = ""
    """Why the last read failed; empty while all is well."""
    watched: bool = False
    """All of them are watched, so that every address is audited."""
    counted_at: datetime | None = None
    """When all of them were last counted; None: they were not, or not yet."""
    count_trouble: str = ""
    """Why they could not be counted, or a pod they name not be read, the last time; empty while all is well."""


class DriftState(Struct, frozen=True, gc=False, kw_only=True):
    """What was changed behind the policy, as it was looked for last."""

    looked_at: datetime | None = None
    """When everything was last compared; None: not yet."""
    by_tier: tuple[tuple[str, int], ...] = ()
    """How many things are not as declared, for each tier; one that several tiers have counts in each."""
    found: tuple[str, ...] = ()
    """What is not as declared, for people: `runner infra-platform: runner-drifted`."""
    unseen: int = 0
    """How many things could not be compared."""
    trouble: str = ""
    """Why it could not be looked at all; a sentence without full stop, empty while all is well."""


class BridgeState(Struct, frozen=True, kw_only=True):
    """Everything there is to say of a bridge without naming a pod."""

    at: datetime
    """The moment of all of it."""
    started_at: datetime
    version: str
    cluster: str
    """The policy's `cluster.name`."""
    server: str
    """Address of the API server."""
    mode: str
    """As `core.actions.Mode`: what it may do to the cluster."""
    role: Role = Role.ALONE
    lease: LeaseState | None = None
    calico: CalicoState
    policy: PolicyState
    watches: tuple[WatchState, ...] = ()
    """In a fixed order."""
    gaps: tuple[Gap, ...] = ()
    """Why nothing is judged now; empty: everything is."""
    ledger: LedgerState | None = None
    """None: nothing is recorded by this process (standby, or a look that is no bridge)."""
    acts: Acts = Acts()
    blocks: BlockReads = BlockReads()
    drift: DriftState | None = None
    """None: it is not looked for."""
    simulated: bool = False
    """The cluster is pretended; every surface says so."""

    @property
    def is_whole(self) -> bool:
        """Verdicts are of now: every needed watch is fresh, Calico can be judged by, nothing is in the way."""
        needed = all(one.is_fresh for one in self.watches if one.is_needed)
        return needed and not self.gaps and self.calico.is_judgeable and not self.calico.finding
