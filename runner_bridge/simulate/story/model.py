"""What a story is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any


class Twist(StrEnum):
    """What goes wrong with a job; each has one place in the real world."""

    NONE = "none"
    OVERWRITTEN = "overwritten"
    """The job replaced the pool annotation by an overwrite variable that the runner let through."""
    MISSING = "missing"
    """The runner's section carries no annotation."""
    HOST_NETWORK = "host-network"
    """A `pod_spec` patch asks for the network of the node."""
    MISTYPED = "mistyped"
    """The annotation names a pool that does not exist: the sandbox never comes up."""
    EXHAUSTED = "exhausted"
    """The pool has no address left: the sandbox never comes up."""


class Accident(StrEnum):
    """What happens to the API server; no verdict may change because of it."""

    RESTART = "restart"
    COMPACTION = "compaction"
    BROKEN_WATCHES = "broken-watches"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The verdict a job pod has to get once it has settled."""

    outcome: str
    """`pass`, `unknown` or `breach`."""
    code: str = ""
    """A finding that has to be among its findings; empty where it has none that matters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A Calico IPPool."""

    name: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """One runner and what it writes on its job pods."""

    name: str
    runner: str
    short_id: str
    annotation: str
    """The value of `cni.projectcalico.org/ipv4pools`; empty for a tier that is not pinned."""
    projects: tuple[tuple[int, str], ...]
    """Number and path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One GitLab job."""

    number: int
    tier: Tier
    project: tuple[int, str]
    node: str
    starts_at_s: float
    runs_s: float
    """How long it runs; a pod without an address is given up by the runner after its own time-out instead."""
    twist: Twist = Twist.NONE
    expected: Expected

    @property
    def is_stuck(self) -> bool:
        """Tell whether its pod never gets a sandbox."""
        return self.twist in {Twist.MISTYPED, Twist.EXHAUSTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Manager:
    """A runner manager: one pod of a Deployment, which makes the job pods of its runner."""

    runner: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """
    A day: what is there before the first job, and the jobs.

    Seconds of the story are those that are played; hours in which nothing happens are skipped between two of them.
    """

    seed: int
    namespace: str
    nodes: dict[str, str]
    """Name and internal address."""
    pools: tuple[Pool, ...]
    managers: tuple[Manager, ...] = ()
    """They are there all the time."""
    jobs: tuple[Job, ...]
    """By their start."""
    accidents: tuple[tuple[float, Accident], ...] = ()
    """When, in seconds of the story, and what."""
    begins_at: datetime = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
    skips: tuple[tuple[float, timedelta], ...] = ()
    """At which second how much is skipped, in order."""
    down_s: float = 0.0
    """How long the API server is away when it restarts; no time at all where a story is played as fast as it goes."""
    policy: str
    """The text of the policy file that is meant for this cluster."""
