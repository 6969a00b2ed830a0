"""What `doctor` asks a cluster; what it makes of the answers is `core.doctor`."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from runner_bridge.core.doctor import Acting, Picture, Purpose, examine, examine_quarantine, missing, rights_for
from runner_bridge.core.errors import DeniedError, StaleError
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.quarantine import NETWORK_POLICY
from runner_bridge.core.wire import cluster_facts
from runner_bridge.core.wire.reader import Reader as Wire
from runner_bridge.ports.kube import Patience, discover_calico, open_cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner_bridge.core.doctor import Right
    from runner_bridge.core.model import Finding
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.ports.kube import CalicoApi, Cluster, Reader

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_PROXY = "/api/v1/namespaces/kube-system/configmaps/kube-proxy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What was seen, and what is wrong with it."""

    seen: tuple[tuple[str, str], ...]
    """Name and text, in the order in which they are shown."""
    findings: tuple[Finding, ...]
    source: str
    """What was asked."""


def examine_cluster(
    policy: Policy,
    *,
    purpose: Purpose,
    namespace: str = "",
    lease: tuple[str, str] | None = None,
    watches_blocks: bool = False,
    kubeconfig: str = "",
    context: str = "",
) -> Examined:
    """
    Examine a cluster.

    Args:
        policy: what is meant.
        purpose: what the account is for.
        namespace: where job pods are; empty for everywhere.
        lease: namespace and name of the Lease by which a bridge leads; None: it leads without.
        watches_blocks: it is for `run --blocks watch`.
        kubeconfig: as of `open_cluster`.
        context: as of `open_cluster`.

    Raises:
        SettingsError: there is no way into a cluster.
        UnavailableError, DeniedError, InvalidError, StaleError: it cannot be asked.
    """

    def rights_on(api: CalicoApi) -> tuple[Right, ...]:
        return rights_for(
            purpose,
            pools=_group(api.pools),
            blocks=_group(api.blocks),
            namespace=namespace,
            deletes=any(tier.enforce.delete for tier in policy.tiers.values()),
            lease=lease,
            watches_blocks=watches_blocks,
        )

    return asyncio.run(_examine(policy, purpose, rights_on, kubeconfig, context))


async def _examine(
    policy: Policy,
    purpose: Purpose,
    rights_on: Callable[[CalicoApi], tuple[Right, ...]],
    kubeconfig: str,
    context: str,
) -> Examined:
    async with open_cluster(kubeconfig=kubeconfig, context=context, patience=Patience(attempts=3)) as cluster:
        reader = cluster.reader
        version = cluster_facts.server_version(await reader.get("/version"))
        api = await discover_calico(reader)
        rights = rights_on(api)
        who = await _who(reader)
        lacking = tuple(missing(rights, await _allowed(reader, rights)))
        calico, numbers = await _calico(reader, api)
        picture = await _picture(cluster, api, numbers)
        enforced = await _acting(reader, policy) if purpose is Purpose.ENFORCE else None
        return Examined(
            seen=(
                ("cluster", _server(cluster, version)),
                ("account", f"{who or 'not told'}, {_has(rights, lacking)} that {purpose} takes"),
                ("calico", f"{api.explanation}{f', {calico}' if calico else ''}"),
                ("pools", _pools(picture)),
            ),
            findings=(
                *lacking,
                *examine(picture, policy),
                *(examine_quarantine(enforced, policy) if enforced else ()),
            ),
            source=f"{cluster.session.reads} questions, {cluster.session.writes} writes.",
        )


def _server(cluster: Cluster, version: str) -> str:
    context = f" (context {cluster.access.context})" if cluster.access.context else ""
    return f"{cluster.access.server}{context}{f', Kubernetes {version}' if version else ''}"


def _has(rights: Sequence[Right], lacking: Sequence[Finding]) -> str:
    return f"lacks {len(lacking)} of the {len(rights)} rights" if lacking else f"has the {len(rights)} rights"


def _pools(picture: Picture) -> str:
    pools = "not readable" if picture.pools is None else f"{len(picture.pools)}"
    blocks = "blocks not readable" if picture.blocks is None else f"{len(picture.blocks)} blocks"
    return f"{pools}; {blocks}"


def _group(path: str) -> str:
    """`/apis/crd.projectcalico.org/v1/ippools` → `crd.projectcalico.org`."""
    return path.split("/")[2] if path else ""


async def _who(reader: Reader) -> str:
    """Return whom the API server takes us for; empty before Kubernetes 1.28, which cannot be asked."""
    body = msgspec.json.encode({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"})
    try:
        return cluster_facts.user_name(await reader.question(_WHO, body))
    except (DeniedError, StaleError):
        return ""


async def _allowed(reader: Reader, rights: Sequence[Right]) -> list[bool]:
    async def one(right: Right) -> bool:
        resource, _, subresource = right.resource.partition("/")
        attributes = {
            "verb": right.verb,
            "resource": resource,
            "subresource": subresource,
            "group": right.group,
            "namespace": right.namespace,
            "name": right.name,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return cluster_facts.is_allowed(await reader.question(_REVIEWS, msgspec.json.encode(review)))

    return list(await asyncio.gather(*map(one, rights)))


async def _calico(reader: Reader, api: CalicoApi) -> tuple[str, tuple[int, int] | None]:
    if not api.pools:
        return "", None
    path = f"{api.pools.removesuffix('/ippools')}/clusterinformations/default"
    return cluster_facts.calico_version(await _maybe(reader, path))


async def _acting(reader: Reader, policy: Policy) -> Acting:
    """Look for the network policies that act on the label of a quarantine, by their names."""
    unread: dict[str, None] = {}

    async def is_there(path: str, what: str) -> bool:
        try:
            return await reader.get(path) is not None
        except DeniedError:
            unread[what] = None
            return False

    calico = [
        await is_there(
            f"/apis/{group}/globalnetworkpolicies/{name}", f"globalnetworkpolicies.{group.partition('/')[0]}"
        )
        for group in ("projectcalico.org/v3", "crd.projectcalico.org/v1")
        for name in (NETWORK_POLICY, f"default.{NETWORK_POLICY}")  # with the Calico tier before it, as it may be stored
    ]
    named = [name for name in policy.cluster.namespaces if "*" not in name]
    kubernetes = "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies/" + NETWORK_POLICY
    found = [name for name in named if await is_there(kubernetes.format(name), "networkpolicies.networking.k8s.io")]
    return Acting(calico=any(calico), namespaces=frozenset(found), unread=tuple(unread))


async def _maybe(reader: Reader, path: str) -> bytes | None:
    """Read what helps but is not needed; None where it is not there or may not be read."""
    try:
        return await reader.get(path)
    except DeniedError:
        return None


async def _picture(cluster: Cluster, api: CalicoApi, calico: tuple[int, int] | None) -> Picture:
    reader = cluster.reader
    wire = Wire()
    pools_text = await _maybe(reader, api.pools) if api.pools else b'{"kind":"IPPoolList","items":[]}'
    if pools_text is not None:
        wire.read(pools_text, name=api.pools or "pools", want=Kind.POOLS)
    has_blocks = bool(api.blocks) and await _list(reader, api.blocks, wire)
    snapshot = wire.snapshot()
    return Picture(
        pools=snapshot.pools if pools_text is not None else None,
        pools_text=(pools_text or b"").decode("utf-8", "replace"),
        blocks=(snapshot.blocks or ()) if has_blocks else None,
        blocks_served=bool(api.blocks),
        explanation=api.explanation,
        nodes=await _nodes(reader),
        calico=calico,
        proxy_ranges=cluster_facts.proxy_ranges(await _maybe(reader, _PROXY)),
    )


async def _nodes(reader: Reader) -> int | None:
    """Count the nodes with one small request; None where they may not be listed."""
    try:
        async with aclosing(reader.pages("/api/v1/nodes", limit=1)) as pages:
            first = await anext(pages)
    except DeniedError:
        return None
    if not first.more:
        return None  # none or one: too few for a pool to have too few blocks
    return None if first.remaining is None else first.remaining + 1


async def _list(reader: Reader, path: str, wire: Wire) -> bool:
    try:
        async with aclosing(reader.pages(path)) as pages:
            async for page in pages:
                wire.read(page.body, name=f"GET {path}", want=Kind.BLOCKS)
    except DeniedError:
        return False
    return True
