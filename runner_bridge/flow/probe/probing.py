"""
One pod as the runner would make it for a tier: made, watched, judged, asked what it met, and always deleted.

Deleted also after an error, a time-out and a cancellation, with its uid as a precondition. Of a probe that was killed
before it could, the pod ends by its own deadline, and the next probe of the tier removes it: so there is one at a time.
Reads with get, not with a watch, for it is one pod for a minute and takes fewer rights.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, structs

from runner_bridge.core.errors import DeniedError, InvalidError, NeighbourError, StaleError, UnavailableError, WireError
from runner_bridge.core.judge import Evidence, judge_probe
from runner_bridge.core.judge.cluster_notes import calico_absent
from runner_bridge.core.judge.doubt import SETTLE_S, is_doubtful
from runner_bridge.core.model.cluster import Kind, Node, Pod
from runner_bridge.core.probe import Met, Targets, conclude
from runner_bridge.core.wire.probe import Container, container_of, report_of
from runner_bridge.core.wire.stream import Stream
from runner_bridge.flow.probe.around import Around
from runner_bridge.render.probe_pod import PROBE_LABEL, gitlab_of, is_address, probe_name, probe_pod

if TYPE_CHECKING:
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy, Tier
    from runner_bridge.core.probe import Probed
    from runner_bridge.core.wire.probe import Report
    from runner_bridge.flow.probe.around import Tools

POLL_S: Final = 0.5
EVENTS_EVERY: Final = 4
"""Every so many looks the events are read, while there is no address."""
REMOVE_WITHIN_S: Final = 15.0
LIVES_LONGER_S: Final = 60
"""So much longer than its probe may take a pod lives by itself."""
LONGEST_S: Final = 600
_LOG_BYTES: Final = 65536
# kubelet tries these again and again, and they end the same; a first ErrImagePull may be a hiccup.
_HOPELESS: Final = frozenset(
    {
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "CrashLoopBackOff",
        "StartError",
        "ContainerCannotRun",
    }
)


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be probed."""

    policy: Policy
    tier: Tier
    image: str
    echo: str = ""
    timeout_s: int = 120
    suffix: str
    """Makes the pod's name one that nobody else chooses."""


class Probe:
    """
    One probe; `run` it once.

    Args of the constructor:
        wanted: what is to be probed.
        tools: what it is driven with.
    """

    def __init__(self, wanted: Wanted, tools: Tools) -> None:
        self._wanted = wanted
        self._tools = tools
        self._tier = str(wanted.tier.name)
        self._namespace = wanted.tier.job.namespace
        self._name = probe_name(self._tier, wanted.suffix)
        self._uid = ""
        self._made = False
        self._subject = f"{self._namespace}/{self._name}"
        self._around = Around(self._namespace, tools)
        self._verdict: Verdict | None = None
        self._absent: Finding | None = None
        self._container = Container()
        self._report: Report | None = None
        self._trouble = ""
        self._node: tuple[str, Node | None] = ("", None)
        self._said = ""

    async def run(self) -> Probed:
        """
        Probe.

        Raises:
            DeniedError, UnavailableError, InvalidError, StaleError: the pod could not be made or seen.
            WireError: the cluster's answers cannot be read.
        """
        await self._remove_left_overs()
        await self._around.look()
        try:
            await self._make()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._wanted.timeout_s):
                    await self._follow()
            await self._ask_node()
        finally:
            left = await self._remove()
        return conclude(self._wanted.policy, self._wanted.tier, self._targets(), self._met(left))

    async def _make(self) -> None:
        wanted = self._wanted
        pod = probe_pod(
            wanted.policy,
            wanted.tier,
            name=self._name,
            image=wanted.image,
            echo=wanted.echo,
            lives_s=wanted.timeout_s + LIVES_LONGER_S,
        )
        self._made = True
        self._uid = await self._tools.writes.create_pod(self._namespace, msgspec.json.encode(pod))
        self._say(f"pod {self._subject} made, image {wanted.image}")

    async def _follow(self) -> None:
        """Look until nothing more can be learnt."""
        looks = 0
        while True:
            body = await self._tools.reads.get(f"/api/v1/namespaces/{self._namespace}/pods/{self._name}")
            if body is None:
                message = f"pod {self._subject} was deleted by somebody else, maybe by another probe of the tier."
                raise StaleError(message)
            pod = Stream(Kind.PODS).item(body).value
            self._container = container_of(body)
            if isinstance(pod, Pod) and await self._is_over(pod, with_events=looks % EVENTS_EVERY == 0):
                return
            looks += 1
            await self._tools.pause(POLL_S)

    async def _is_over(self, pod: Pod, *, with_events: bool) -> bool:
        if not pod.addresses:
            if with_events:
                await self._around.look_at_events(self._name)
            await self._judge(pod)
            self._say(f"bound to {pod.node}, no address yet" if pod.node else "not bound to a node yet")
            return self._absent is not None or not any(one.code.pending for one in self._verdict_findings)
        if self._verdict is None or not self._verdict.assigned:
            await self._prove(pod)
        container = self._container
        if not container.started:
            self._say(f"{self._held(pod)}; its container waits: {container.waiting or 'ContainerCreating'}")
            return container.waiting in _HOPELESS
        self._say(f"{self._held(pod)}; asking from inside")
        await self._read_report()
        return self._report is not None or container.ended or bool(self._trouble)

    @property
    def _verdict_findings(self) -> tuple[Finding, ...]:
        return self._verdict.findings if self._verdict is not None else ()

    @staticmethod
    def _held(pod: Pod) -> str:
        return f"on {pod.node} with {', '.join(map(str, pod.addresses))}"

    async def _prove(self, pod: Pod) -> None:
        """Judge by the block; where the two disagree, by fresh reads of both."""
        await self._around.look_at_blocks(pod)
        await self._judge(pod)
        if self._verdict is not None and is_doubtful(self._verdict):
            await self._tools.pause(SETTLE_S)
            body = await self._tools.reads.get(f"/api/v1/namespaces/{self._namespace}/pods/{self._name}")
            again = Stream(Kind.PODS).item(body).value if body is not None else pod
            if isinstance(again, Pod):
                await self._around.look_at_blocks(again)
                await self._judge(again)

    async def _judge(self, pod: Pod) -> None:
        snapshot = structs.replace(self._around.snapshot, pods=(pod,))
        evidence = Evidence.of(self._wanted.policy, snapshot)
        self._absent = calico_absent(evidence)
        self._verdict = judge_probe(evidence, pod, tier=self._tier, now=self._tools.clock())
        self._node = (pod.node, self._node[1])

    async def _read_report(self) -> None:
        path = f"/api/v1/namespaces/{self._namespace}/pods/{self._name}/log"
        try:
            log = await self._tools.reads.get(path, params={"limitBytes": str(_LOG_BYTES)})
            self._report = report_of(log or b"")
        except (DeniedError, UnavailableError, WireError) as error:
            # Unavailable after all attempts: the API server does not reach kubelet, which keeps no job from running.
            self._trouble = str(error)
        except InvalidError:
            pass  # 400: kubelet has not made the container's log yet

    async def _ask_node(self) -> None:
        name = self._node[0]
        if name:
            with contextlib.suppress(NeighbourError, WireError):
                body = await self._tools.reads.get(f"/api/v1/nodes/{name}")
                found = Stream(Kind.NODES).item(body).value if body is not None else None
                self._node = (name, found if isinstance(found, Node) else None)

    def _targets(self) -> Targets:
        gitlab = gitlab_of(self._wanted.policy)
        name = "" if is_address(gitlab.host) else gitlab.host
        return Targets(name=name, gitlab=f"{gitlab.host}:{gitlab.port}", echo=self._wanted.echo)

    def _met(self, left: str) -> Met:
        node = self._node[1]
        told = node.addresses if node is not None else ()
        return Met(
            subject=self._subject,
            verdict=self._verdict,
            absent=self._absent,
            container=self._container,
            report=self._report,
            trouble=self._trouble,
            node_addresses=tuple(dict.fromkeys((*told, *self._container.host_addresses))),
            left=left,
        )

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._tools.says(text)

    async def _remove(self) -> str:
        """Delete the pod; return why that could not be done, empty where it is gone."""
        if not self._made:
            return ""
        try:
            async with asyncio.timeout(REMOVE_WITHIN_S):
                await self._delete()
        except (NeighbourError, WireError) as error:
            left = str(error)
        except TimeoutError:
            left = f"not done in {REMOVE_WITHIN_S:g} s"
        else:
            self._tools.says(f"pod {self._subject} deleted")
            return ""
        self._tools.says(
            f"pod {self._subject} could not be deleted: {left} Do: kubectl delete pod -n {self._namespace} {self._name}"
        )
        return left

    async def _delete(self) -> None:
        # A create that was cut off may still arrive: the name is ours alone, so whatever has it is ours.
        for wait_s in (0.0, 1.0):
            if self._uid:
                break
            await self._tools.pause(wait_s)
            body = await self._tools.reads.get(f"/api/v1/namespaces/{self._namespace}/pods/{self._name}")
            self._uid = Stream(Kind.PODS).item(body).uid if body is not None else ""
        if self._uid:
            await self._tools.writes.delete_pod(namespace=self._namespace, pod=self._name, uid=self._uid)

    async def _remove_left_overs(self) -> None:
        """Remove what probes left behind that were killed: of this tier all, of others what is past its time."""
        pods = Stream(Kind.PODS)
        path = f"/api/v1/namespaces/{self._namespace}/pods"
        try:
            async with contextlib.aclosing(self._tools.reads.pages(path, label_selector=PROBE_LABEL)) as pages:
                found = [seen.value async for page in pages for seen in pods.page(page.body).seen]
        except DeniedError as error:
            self._tools.says(f"left-overs of earlier probes were not looked for: {error}")
            return
        for pod in found:
            if isinstance(pod, Pod) and self._is_left_over(pod):
                self._tools.says(f"removing {pod.namespace}/{pod.name}, left by an earlier probe")
                await self._tools.writes.delete_pod(namespace=pod.namespace, pod=pod.name, uid=pod.uid)

    def _is_left_over(self, pod: Pod) -> bool:
        if pod.marks is not None or not pod.labels.probe or pod.deleting:
            return False
        age = self._tools.clock() - pod.created_at if pod.created_at else timedelta(0)
        return pod.labels.probe == self._tier or pod.finished or age > timedelta(seconds=LONGEST_S + LIVES_LONGER_S)
