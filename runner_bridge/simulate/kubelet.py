"""
Plays a story on a pretend cluster: runner, scheduler, CNI plugin and kubelet, in the order a watch saw them.

Recorded life of a job pod: created, bound to a node, annotated by the CNI plugin, Running with its address, deletion
asked, annotations emptied, ended, gone. Time is the story's: it is walked from happening to happening, at once or at
a speed, so that the same story always writes the same objects in the same order.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.objects import instant
from runner_bridge.simulate.cluster.resources import CORE_EVENTS, NAMESPACES, NODES, PODS, POOLS_V1
from runner_bridge.simulate.cluster.status import Object, StatusError
from runner_bridge.simulate.ipam import Calico, IpamError, Sandbox
from runner_bridge.simulate.runner import job_pod, manager_pod, pod_name
from runner_bridge.simulate.story.model import Accident

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from runner_bridge.simulate.cluster import Cluster
    from runner_bridge.simulate.story.model import Job, Manager, Story

GIVES_UP_AFTER_S = 180.0
"""The runner's own time-out for a pod that does not come up (GitLab Runner, poll_timeout)."""
_RETRY_S = 14.0
"""Kubelet tries a sandbox again about so often."""
_SETTLES_AFTER_TRIES = 6


class StoryTime:
    """
    The time of a story: what its clocks show, the bridge's among them.

    It stands still except between one happening and the next, until it is told to `flow`. Quiet hours are skipped: a
    clock leaps there, as that of a machine that slept.

    Args of the constructor:
        start: what the clocks show at the beginning.
        skips: at which second of the story how much is skipped, in order.
    """

    def __init__(
        self,
        start: datetime = datetime(2026, 11, 25, 8, 0, tzinfo=UTC),
        skips: tuple[tuple[float, timedelta], ...] = (),
    ) -> None:
        self._start = start
        self._skips = skips
        self._elapsed_s = 0.0
        self._flowing: Callable[[], float] | None = None

    @property
    def elapsed_s(self) -> float:
        """How many seconds were played; what was skipped is not among them."""
        return self._flowing() if self._flowing is not None else self._elapsed_s

    @elapsed_s.setter
    def elapsed_s(self, value: float) -> None:
        self._elapsed_s, self._flowing = value, None

    def flow(self, elapsed_s: Callable[[], float] | None) -> None:
        """Take the seconds from somebody who counts them; None: stand still where it is now."""
        self._elapsed_s, self._flowing = self.elapsed_s, elapsed_s

    def __call__(self) -> datetime:
        """Return now."""
        return self.at(self.elapsed_s)

    def at(self, elapsed_s: float) -> datetime:
        """Return what the clocks show at a second of the story."""
        skipped = sum((much for at_s, much in self._skips if at_s <= elapsed_s), timedelta())
        return self._start + skipped + timedelta(seconds=elapsed_s)


class Kubelet:
    """Everything that happens to the job pods of one story."""

    def __init__(self, cluster: Cluster, story: Story, *, time: StoryTime | None = None) -> None:
        self._cluster = cluster
        self._objects = cluster.objects
        self._now = cluster.now
        self._time = time
        self._story = story
        self._calico = Calico(self._objects, cluster.now)
        self._order = itertools.count()
        self._ahead: list[tuple[float, int, Callable[[], Job | Accident | None]]] = []
        self._tries: dict[str, int] = {}

    def prepare(self) -> None:
        """Make the namespace, nodes and pools, and plan the jobs."""
        story = self._story
        self._objects.create(NAMESPACES, "", {"metadata": {"name": story.namespace}})
        for node, address in story.nodes.items():
            addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": node}]
            self._objects.create(NODES, "", {"metadata": {"name": node}, "status": {"addresses": addresses}})
        for pool in story.pools:
            self._objects.create(POOLS_V1, "", {"metadata": {"name": pool.name}, "spec": pool.spec})
        for manager in story.managers:
            self._house(manager)
        for job in story.jobs:
            self._at(job.starts_at_s, partial(self._create, job))
        for at_s, accident in story.accidents:
            self._at(at_s, partial(Accident, accident))

    async def play(
        self,
        *,
        speed: float | None = None,
        until_s: float = float("inf"),
        settled: Callable[[Job], Awaitable[None]] | None = None,
    ) -> None:
        """
        Let everything happen up to a moment of the story.

        Args:
            speed: story seconds in one real second; None for as fast as it goes.
            until_s: where to stop; a later call goes on from there.
            settled: called when a job's pod runs, or has failed often enough that its cause is known.
        """
        loop = asyncio.get_running_loop()
        began = loop.time() - (self._time.elapsed_s if self._time else 0.0) / (speed or 1)
        if self._time is not None:
            self._time.flow((lambda: (loop.time() - began) * speed) if speed else None)
        while self._ahead and self._ahead[0][0] <= until_s:
            at_s, _, happen = heapq.heappop(self._ahead)
            await asyncio.sleep(max(0.0, began + at_s / speed - loop.time()) if speed else 0)
            if self._time is not None and not speed:
                self._time.elapsed_s = at_s
            happened = happen()
            if isinstance(happened, Accident):
                await self._suffer(happened, speed)
            elif happened is not None and settled is not None:
                await settled(happened)

    def _at(self, at_s: float, happen: Callable[[], Job | Accident | None]) -> None:
        heapq.heappush(self._ahead, (at_s, next(self._order), happen))

    async def _suffer(self, accident: Accident, speed: float | None) -> None:
        match accident:
            case Accident.RESTART if self._cluster.is_listening:
                await self._cluster.restart(down_s=self._story.down_s / speed if speed else 0.0)
            case Accident.COMPACTION:
                self._cluster.compact()
            case _:
                await self._cluster.end_watches()

    def _house(self, manager: Manager) -> None:
        """Let a manager run, as it has for days."""
        namespace, pod = self._story.namespace, manager_pod(manager, self._story.namespace)
        name = pod["metadata"]["name"]
        self._objects.create(PODS, namespace, pod)
        self._objects.bind(namespace, name, manager.node)
        container_id = sha256(name.encode()).hexdigest()
        sandbox = Sandbox(namespace=namespace, pod=name, container_id=container_id, node=manager.node)
        status = self._running(self._story.nodes[manager.node], str(self._calico.add(sandbox)[0]))
        self._objects.patch(PODS, namespace, name, {"status": status}, is_strategic=True, subresource="status")

    def _create(self, job: Job) -> None:
        self._objects.create(PODS, self._story.namespace, job_pod(job, self._story.namespace))
        self._at(job.starts_at_s + 0.2, lambda: self._bind(job))
        ends_at_s = job.starts_at_s + (GIVES_UP_AFTER_S if job.is_stuck else job.runs_s)
        self._at(ends_at_s, lambda: self._ask_to_end(job, ends_at_s))

    def _bind(self, job: Job) -> None:
        self._objects.bind(self._story.namespace, pod_name(job), job.node)
        self._at(job.starts_at_s + 0.9, lambda: self._start(job, job.starts_at_s + 0.9))

    def _start(self, job: Job, at_s: float) -> Job | None:
        pod = self._pod(job)
        if pod is None or "deletionTimestamp" in pod["metadata"]:
            return None
        if pod["spec"].get("hostNetwork"):
            self._at(at_s + 0.7, lambda: self._run(job, self._story.nodes[job.node]))
            return None
        sandbox = self._sandbox(job)
        try:
            address = str(self._calico.add(sandbox)[0])
        except IpamError as error:
            self._calico.delete(sandbox)
            self._report(pod, sandbox, str(error))
            tries = self._tries[pod_name(job)] = self._tries.get(pod_name(job), 0) + 1
            self._at(at_s + _RETRY_S, lambda: self._start(job, at_s + _RETRY_S))
            return job if tries == _SETTLES_AFTER_TRIES else None
        self._at(at_s + 0.7, lambda: self._run(job, address))
        return None

    def _run(self, job: Job, address: str) -> Job | None:
        if self._pod(job) is None:
            return None
        states: list[Object] = [{"name": name, "ready": True, "state": {"running": {}}} for name in ("build", "helper")]
        self._status(job, {**self._running(self._story.nodes[job.node], address), "containerStatuses": states})
        return job

    def _running(self, host: str, address: str) -> Object:
        conditions = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
        return {
            "phase": "Running",
            "conditions": [self._condition(each) for each in conditions],
            "hostIP": host,
            "hostIPs": [{"ip": host}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": instant(self._now()),
        }

    def _ask_to_end(self, job: Job, at_s: float) -> None:
        self._objects.delete(PODS, self._story.namespace, pod_name(job))
        self._at(at_s + 1, lambda: self._end(job))

    def _end(self, job: Job) -> None:
        if self._pod(job) is None:
            return
        self._calico.delete(self._sandbox(job))
        self._status(job, {"phase": "Failed"})
        self._objects.delete(PODS, self._story.namespace, pod_name(job), {"gracePeriodSeconds": 0})

    def _pod(self, job: Job) -> Object | None:
        try:
            return self._objects.get(PODS, self._story.namespace, pod_name(job))
        except StatusError:
            return None

    def _sandbox(self, job: Job) -> Sandbox:
        text = f"{pod_name(job)}/{self._tries.get(pod_name(job), 0)}"
        container_id = sha256(text.encode()).hexdigest()
        return Sandbox(namespace=self._story.namespace, pod=pod_name(job), container_id=container_id, node=job.node)

    def _condition(self, kind: str) -> Object:
        return {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": instant(self._now())}

    def _status(self, job: Job, status: Object) -> None:
        namespace, name = self._story.namespace, pod_name(job)
        self._objects.patch(PODS, namespace, name, {"status": status}, is_strategic=True, subresource="status")

    def _report(self, pod: Object, sandbox: Sandbox, text: str) -> None:
        """Write the event kubelet writes when a sandbox fails, or count it up."""
        meta = pod["metadata"]
        name = f"{meta['name']}.{sha256(text.encode()).hexdigest()[:16]}"
        message = (
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "
            f'"{sandbox.container_id}": plugin type="calico" failed (add): {text}'
        )
        seen = {"lastTimestamp": instant(self._now()), "message": message}
        try:
            found = self._objects.get(CORE_EVENTS, meta["namespace"], name)
        except StatusError:
            about = {"kind": "Pod", "apiVersion": "v1", "namespace": meta["namespace"], "name": meta["name"]}
            event = {
                "metadata": {"name": name},
                "involvedObject": {**about, "uid": meta["uid"]},
                "reason": "FailedCreatePodSandBox",
                "type": "Warning",
                "source": {"component": "kubelet", "host": sandbox.node},
                "firstTimestamp": seen["lastTimestamp"],
                "count": 1,
            }
            self._objects.create(CORE_EVENTS, meta["namespace"], event | seen)
        else:
            self._objects.patch(CORE_EVENTS, meta["namespace"], name, {**seen, "count": found["count"] + 1})
