"""
The values of the ledger: what is recorded (`Entry`), who records it (`Opening`), and what follows (`Interval`, `Fact`).

An entry says all that is known at its moment; nothing in it is ever changed. Intervals and facts are derived from
entries (`core.intervals`, `core.facts`) and can be derived again. Moments are aware and in UTC, addresses are text in
canonical form, as the ledger keeps them. Import this module by its name, as `core.model.cluster`.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations when it decodes
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from runner_bridge.core.model.finding import Outcome  # noqa: TC001 - as above
from runner_bridge.core.model.verdict import Grade  # noqa: TC001 - as above


class EntryKind(StrEnum):
    """What an entry tells."""

    OPENED = "opened"
    """A pod holds an address."""
    JUDGED = "judged"
    """What is known of an open interval has changed: verdict, grade, evidence."""
    CLOSED = "closed"
    """The pod no longer holds the address."""
    ACTED = "acted"
    """An action: its intent before, its receipt after."""
    GAP = "gap"
    """A stretch of time in which the bridge did not see the cluster."""
    ALERT = "alert"
    """Something a person was told."""
    CARRIED = "carried"
    """An interval that prune took over from the segments it removed, as it stood then."""
    FACT = "fact"
    """What GitLab says of the job that a pod claims to run."""


class Standing(StrEnum):
    """What has become of a pod's claim to run a job, once GitLab was asked."""

    CONFIRMED = "confirmed"
    """The project has this job, and all that could be compared agrees."""
    CONTRADICTED = "contradicted"
    """GitLab has another project, runner or time for it, or no such job where it shows us the others."""
    UNSEEN = "unseen"
    """GitLab does not show us the project, so it proves nothing."""


class Step(StrEnum):
    """How far an action is; everything but `intent` is a receipt and settles the intent of the same `act_id`."""

    INTENT = "intent"
    DONE = "done"
    ALREADY_SO = "already-so"
    SKIPPED = "skipped"
    FAILED = "failed"


class Purpose(StrEnum):
    """Why somebody writes; only `run` watches the cluster, so only the time between its terms is a gap."""

    RUN = "run"
    APPLY = "apply"
    PRUNE = "prune"


class Entry(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """
    One line of the ledger. Which fields are filled depends on the kind; empty means not known or not applicable.

    `opened`, `judged`: the pod's fields, all that is known, each time. `closed`: at least cluster, pod_uid, address.
    `acted`: act_id, act, step and the pod's fields. `gap`: from_at, to_at, text. `alert`: text. `fact`: pod, project
    and job as they are claimed; standing, project_path, job_url, job_name and those after it as GitLab has them; text.
    """

    kind: EntryKind
    at: datetime
    """When it was recorded, on the writer's clock; never earlier than what that writer recorded before."""
    cluster: str
    """The policy's `cluster.name`."""
    gitlab: str = ""
    """The policy's `gitlab.url`."""
    policy: str = ""
    """Digest of the policy that was in force."""
    actor: str = ""
    """Who or what records: `runner-bridge/<pod name>`, or a person's account for an order."""

    pod_uid: str = ""
    namespace: str = ""
    pod: str = ""
    address: str = ""
    handle: str = ""
    """Of the block's allocation; empty until the block was read."""
    sequence: int | None = None
    """`sequenceNumberForAllocation`; above 2^53, never a float."""
    node: str = ""
    node_uid: str = ""
    node_addresses: tuple[str, ...] = ()
    """Every address of the node at that moment: with NAT these are what a firewall sees."""
    project: str = ""
    """The project's number, from the label; decimal text."""
    project_path: str = ""
    runner: str = ""
    job: str = ""
    """The job's number as the pod's annotation claims it."""
    job_url: str = ""
    tier: str = ""
    pool: str = ""
    outcome: Outcome | None = None
    grade: Grade | None = None
    findings: tuple[str, ...] = ()
    """Names of finding codes, worst first."""

    from_at: datetime | None = None
    """The earliest moment the pod can have held the address, or the gap began; None: `at`."""
    seen_from_at: datetime | None = None
    """The first moment it was seen to hold it, where that is later than `from_at`."""
    seen_to_at: datetime | None = None
    """The last moment it was seen to hold it, where that is earlier than `to_at`: it went while nobody looked."""
    to_at: datetime | None = None
    """The latest moment it can have held the address (closed), or the gap ended; None: `at`."""
    opened_at: datetime | None = None
    """Of a carried interval only: `Interval.opened_at`."""
    judged_at: datetime | None = None
    """Of a carried interval only: `Interval.judged_at`."""

    act_id: str = ""
    """Unique per intent; its receipt carries the same."""
    act: str = ""
    """The kind of action: `label-pod`, `quarantine-pod`, `release-pod`, `emit-event`, `delete-pod`."""
    step: Step | None = None
    text: str = ""
    """
    One sentence: why there is a gap, what the alert said, what an action changes or why it failed, what contradicts
    a claim. No secrets.
    """

    standing: Standing | None = None
    job_name: str = ""
    stage: str = ""
    ref: str = ""
    pipeline: str = ""
    """Its number; decimal text."""
    status: str = ""
    """Of the job when it was asked for; GitLab's own word."""
    said_at: datetime | None = None
    """When GitLab said so, of a fact that prune took over; None: `at`."""


class IntervalKey(NamedTuple):
    """What one interval is: a pod on an address. A pod that gets the same address twice has one interval."""

    cluster: str
    pod_uid: str
    address: str


class Interval(Struct, frozen=True, gc=False, kw_only=True):
    """
    Who held an address from when to when.

    It was certainly held from `seen_from_at` to `seen_to_at`, and possibly from `from_at` to `to_at`: the two differ
    where the bridge did not look at the moment it began or ended.
    """

    cluster: str
    pod_uid: str
    address: str
    from_at: datetime
    seen_from_at: datetime
    seen_to_at: datetime | None = None
    """None: still held."""
    to_at: datetime | None = None
    """None: still held."""
    opened_at: datetime | None = None
    """The latest beginning that was recorded: a `closed` before it does not count. None: none was."""

    judged_at: datetime | None = None
    """When the evidence below was recorded; None: only an end is known."""
    gitlab: str = ""
    policy: str = ""
    actor: str = ""
    namespace: str = ""
    pod: str = ""
    handle: str = ""
    sequence: int | None = None
    node: str = ""
    node_uid: str = ""
    node_addresses: tuple[str, ...] = ()
    project: str = ""
    project_path: str = ""
    runner: str = ""
    job: str = ""
    job_url: str = ""
    tier: str = ""
    pool: str = ""
    outcome: Outcome | None = None
    grade: Grade | None = None
    findings: tuple[str, ...] = ()

    @property
    def key(self) -> IntervalKey:
        """What makes it one interval."""
        return IntervalKey(self.cluster, self.pod_uid, self.address)

    @property
    def open(self) -> bool:
        """The pod still holds the address, as far as is recorded."""
        return self.to_at is None


class FactKey(NamedTuple):
    """What one fact is about: the claim of one pod."""

    cluster: str
    pod_uid: str


class Fact(Struct, frozen=True, gc=False, kw_only=True):
    """What GitLab said last of the job that a pod claims."""

    cluster: str
    pod_uid: str
    said_at: datetime
    gitlab: str = ""
    namespace: str = ""
    pod: str = ""
    project: str = ""
    """By the pod's label."""
    job: str = ""
    """As it was claimed."""
    runner: str = ""
    """By the pod's labels."""
    standing: Standing | None = None
    project_path: str = ""
    job_url: str = ""
    job_name: str = ""
    stage: str = ""
    ref: str = ""
    pipeline: str = ""
    status: str = ""
    text: str = ""
    """What contradicts the claim, or what could not be compared; empty: all of it was."""

    @property
    def key(self) -> FactKey:
        """What makes it one fact."""
        return FactKey(self.cluster, self.pod_uid)


class Anchor(Struct, frozen=True, gc=False, kw_only=True):
    """How far a segment had come when somebody looked."""

    segment: int
    number: int
    """Of its last entry; 0: none yet."""
    hash: str
    """Of that entry, or of the opening; hexadecimal."""
    alive_at: datetime
    """The last moment at which its writer is known to have been at work."""


class Opening(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    The beginning of a segment: one writer's term, or a day of it.

    It names the heads of all segments that have grown since the last opening, so that rows cut off from any of them
    are missed.
    """

    segment: int
    at: datetime
    purpose: Purpose
    cluster: str
    gitlab: str = ""
    actor: str = ""
    continues: int = 0
    """The segment of the same term that this one continues; 0: a new term."""
    after: tuple[Anchor, ...] = ()
    dropped: tuple[Anchor, ...] = ()
    """The checkpoint of a prune: segments that it removed, whole."""
    dropped_before: datetime | None = None
    """Of a prune: intervals that ended before this moment are gone."""


class Gap(Struct, frozen=True, gc=False, kw_only=True):
    """A stretch of time in which pods may have come and gone without being recorded."""

    cluster: str
    reason: str
    """One sentence without full stop."""
    from_at: datetime | None = None
    """None: from the beginning of time."""
    to_at: datetime | None = None
    """None: until now."""
