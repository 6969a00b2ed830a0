"""Which rights each purpose takes, one by one; the roles in `deploy/` grant exactly these."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runner_bridge.core.model import Finding
from runner_bridge.core.model.codes import doctor as codes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Purpose(StrEnum):
    """What an account is for; observe, label and enforce each take what the one before takes, and more."""

    CHECK = "check"
    OBSERVE = "observe"
    LABEL = "label"
    ENFORCE = "enforce"
    PROBE = "probe"
    """A pod of its own in the namespace of a tier's jobs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One right, as RBAC has it."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    """Empty: in all of them, or for what is in none."""
    name: str = ""
    """Of the one object; empty for any."""
    why: str

    @property
    def full_resource(self) -> str:
        """With its group, and with a subresource where it is one: `ipamblocks.crd.projectcalico.org`."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.full_resource}{where}"


_PODS = "who made each, what it asks for, its address"
_EVENTS = "why a pod has no address"
_NAMESPACES = "an annotation there reaches every pod in it"
_POOLS = "which pools exist and give addresses"
_PROBE_POD = "the pod of the probe, and those that earlier ones left behind"
_BLOCKS = "who really holds an address"


def rights_for(
    purpose: Purpose,
    *,
    pools: str,
    blocks: str,
    namespace: str = "",
    deletes: bool = False,
    lease: tuple[str, str] | None = None,
    watches_blocks: bool = False,
) -> tuple[Right, ...]:
    """
    Return the rights that a purpose takes.

    Args:
        purpose: what the account is for.
        pools: API group of the pools; empty where there are none to read.
        blocks: API group of the blocks, likewise.
        namespace: the only one whose pods are looked at; empty for all.
        deletes: a tier of the policy opts in to deletion, which counts for `enforce` alone.
        lease: namespace and name of the Lease by which one of several bridges leads; None where there is no election.
        watches_blocks: of a bridge, all blocks are watched (`run --blocks watch`).
    """
    if purpose is Purpose.CHECK:
        found = _check(namespace)
        found += _each(("list",), "ippools", pools, _POOLS) if pools else []
        return (*found, *(_each(("get", "list"), "ipamblocks", blocks, _BLOCKS) if blocks else ()))
    if purpose is Purpose.PROBE:
        found = _each(("create", "get", "list", "delete"), "pods", "", _PROBE_POD, namespace)
        found += _each(("get",), "pods/log", "", "what the pod met", namespace)
        found += _each(("list",), "events", "", _EVENTS, namespace)
        found += _each(("get",), "namespaces", "", _NAMESPACES, namespace)
        found += _each(("get",), "nodes", "", "whose address a destination sees behind NAT")
        found += _each(("list",), "ippools", pools, _POOLS) if pools else []
        return (*found, *(_each(("get", "list"), "ipamblocks", blocks, _BLOCKS) if blocks else ()))
    found = _each(("get", "list", "watch"), "pods", "", _PODS, namespace)
    found += _each(("list", "watch"), "events", "", _EVENTS, namespace)
    found += _each(("list", "watch"), "namespaces", "", _NAMESPACES)
    found += _each(("list", "watch"), "nodes", "", "whose address a destination sees behind NAT")
    found += _each(("list", "watch"), "ippools", pools, _POOLS) if pools else []
    found += _each(("get", "list"), "ipamblocks", blocks, _BLOCKS) if blocks else []
    found += _each(("watch",), "ipamblocks", blocks, "every address is audited") if blocks and watches_blocks else []
    if purpose in {Purpose.LABEL, Purpose.ENFORCE}:
        found += _each(("patch",), "pods", "", "the labels of the bridge", namespace)
        found += _each(("create",), "events", "events.k8s.io", "a breach is told", namespace)
        found += _each(("get", "patch"), "events", "events.k8s.io", "one that is told already is counted", namespace)
    if purpose is Purpose.ENFORCE and deletes:
        found += _each(("delete",), "pods", "", "a tier of the policy says delete: true", namespace)
    if lease is not None:
        found += _of_lease(*lease)
    return tuple(found)


def _of_lease(namespace: str, name: str) -> list[Right]:
    """Return the rights on one Lease; RBAC cannot grant `create` by a name that is not there yet."""
    group, why = "coordination.k8s.io", "one of several bridges leads by it"
    return [
        Right(verb=verb, resource="leases", group=group, namespace=namespace, name=one, why=why)
        for verb, one in (("get", name), ("update", name), ("create", ""))
    ]


def _check(namespace: str) -> list[Right]:
    return [
        *_each(("list",), "pods", "", _PODS, namespace),
        *_each(("list",), "events", "", _EVENTS, namespace),
        *_each(("get" if namespace else "list",), "namespaces", "", _NAMESPACES, namespace),
    ]


def missing(rights: Iterable[Right], allowed: Iterable[bool]) -> Iterator[Finding]:
    """Yield a finding for each right that the API server does not grant; both in the same order."""
    for right, is_allowed in zip(rights, allowed, strict=True):
        if not is_allowed:
            yield Finding(
                code=codes.RIGHT_MISSING,
                subject=str(right),
                observed="not allowed",
                expected=f"allowed: {right.why}",
                remedy=f"Grant the verb {right.verb} on {right.full_resource}, with the roles in deploy/.",
            )


def _each(verbs: Iterable[str], resource: str, group: str, why: str, namespace: str = "") -> list[Right]:
    return [Right(verb=verb, resource=resource, group=group, namespace=namespace, why=why) for verb in verbs]
