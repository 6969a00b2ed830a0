"""The rooms that look and act, wired for one cluster: they live as long as it keeps Calico's objects where they are."""

from __future__ import annotations

import itertools
import os
import random
import socket
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.flow.act import Act
from runner_bridge.flow.act import Tools as Hands
from runner_bridge.flow.census import Audit, Census
from runner_bridge.flow.controller.controller import Controller
from runner_bridge.flow.controller.entries import Context
from runner_bridge.flow.controller.given import Tools
from runner_bridge.flow.observe.blocks import Blocks
from runner_bridge.flow.observe.observer import Observer
from runner_bridge.flow.observe.watched import WatchedBlocks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from runner_bridge.cli.bridge.wanted import Wanted
    from runner_bridge.core.model.ledger import Entry
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.flow.controller.bench import Known
    from runner_bridge.flow.observe.picture import Picture
    from runner_bridge.ports.kube import CalicoApi, Cluster, Reader, Writer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """The rooms of a bridge, wired."""

    observer: Observer
    controller: Controller
    blocks: Blocks | None
    act: Act
    census: Census | Audit | None
    """Who counts what Calico gave out; None where blocks cannot be read."""

    async def close(self) -> None:
        """Give up reads that are under way."""
        await self.controller.close()
        if self.blocks is not None:
            await self.blocks.close()


def wire(
    wanted: Wanted,
    policy: Policy,
    known: Known,
    cluster: Cluster,
    api: CalicoApi,
    *,
    writes: Writer,
    record: Callable[[tuple[Entry, ...]], Awaitable[None]],
) -> Rooms:
    """
    Choose the collaborators of every room. Nothing is asked yet, and nothing is recorded before `Controller.begin`.

    Args:
        wanted: the options.
        policy: the one in force.
        known: what files tell besides.
        cluster: what is watched.
        api: where Calico's objects are; they can be judged by.
        writes: what acts go through, fenced where there is an election.
        record: to the ledger of the term that is open.
    """
    context = context_of(policy)
    observer = Observer(
        policy.cluster.namespaces,
        api.pools,
        reads=cluster.reader,
        pause=wanted.pause,
        jitter=random.random,
        blocks_path=api.blocks if wanted.watch_blocks else "",
    )
    blocks = _blocks(wanted, cluster.reader, api.blocks, observer.picture) if api.blocks else None
    tools = Tools(
        record=record,
        clock=wanted.clock,
        pause=wanted.pause,
        read_pod=observer.read_pod,
        says=wanted.says,
        measures=wanted.measures,
    )
    controller = Controller(policy, context, observer.picture, blocks, tools, None, known)
    observer.report_to(controller.touch)
    hands = Hands(
        writes=writes,
        record=record,
        clock=wanted.clock,
        act_id=_numbered(uuid.uuid4().hex[:16]).__next__,
        pause=wanted.pause,
        note=wanted.says.note,
        measures=wanted.measures,
    )
    act = Act(wanted.mode, context, hands, controller.look, policy)
    controller.hand_over_to(act)
    census = _census(wanted, policy, cluster.reader, api.blocks, observer) if api.blocks else None
    return Rooms(observer=observer, controller=controller, blocks=blocks, act=act, census=census)


def _blocks(wanted: Wanted, reads: Reader, path: str, picture: Picture) -> Blocks:
    return WatchedBlocks(reads, path, picture) if wanted.watch_blocks else Blocks(reads, path)


def _numbered(start: str) -> Iterator[str]:
    """Yield texts that nobody else makes; to ask the system for chance each time would take longer than an entry."""
    return (f"{start}{number:016x}" for number in itertools.count())


def _census(wanted: Wanted, policy: Policy, reads: Reader, path: str, observer: Observer) -> Census | Audit:
    if not wanted.watch_blocks:
        return Census(policy, reads, path, clock=wanted.clock, pause=wanted.pause)
    return Audit(
        policy,
        observer.picture,
        observer.read_any_pod,
        says=wanted.says,
        clock=wanted.clock,
        pause=wanted.pause,
        elapsed=time.monotonic,
    )


def context_of(policy: Policy) -> Context:
    """Return what is the same in all entries as long as a policy is in force."""
    return Context(cluster=policy.cluster.name, gitlab=policy.gitlab.url, policy=policy.digest, actor=actor())


def actor() -> str:
    """Return who records: the pod's name, which is its host name."""
    return f"runner-bridge/{os.environ.get('HOSTNAME') or socket.gethostname()}"
