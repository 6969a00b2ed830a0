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
    """What an account is for; each takes what the one before takes, and more."""

    CHECK = "check"
    OBSERVE = "observe"
    LABEL = "label"


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """One right, as RBAC has it."""

    verb: str
    resource: str
    group: str = ""
    namespace: str = ""
    """Empty: in all of them, or for what is in none."""
    why: str

    @property
    def full_resource(self) -> str:
        """`ipamblocks.crd.projectcalico.org`."""
        return f"{self.resource}.{self.group}" if self.group else self.resource

    def __str__(self) -> str:
        where = f" in namespace {self.namespace}" if self.namespace else ""
        return f"{self.verb} {self.full_resource}{where}"


_READ = (
    ("pods", "who made each, what it asks for, its address"),
    ("events", "why a pod has no address"),
    ("namespaces", "an annotation there reaches every pod in it"),
)


def rights_for(
    purpose: Purpose, *, pools: str, blocks: str, namespace: str = "", own_namespace: str = ""
) -> tuple[Right, ...]:
    """
    Return the rights that a purpose takes.

    Args:
        purpose: what the account is for.
        pools: API group of the pools; empty where there are none to read.
        blocks: API group of the blocks, likewise.
        namespace: the only one that is looked at; empty for all.
        own_namespace: where the bridge runs and keeps its Lease.
    """
    watches = ("watch",) if purpose is not Purpose.CHECK else ()
    found = [
        Right(verb=verb, resource=resource, namespace=namespace if resource != "namespaces" else "", why=why)
        for resource, why in _READ
        for verb in ("get", "list", *watches)
    ]
    if pools:
        found += _each(("list", *watches), "ippools", pools, "which pools exist and give addresses")
    if blocks:
        found += _each(("get", "list"), "ipamblocks", blocks, "who really holds an address")
    if purpose is not Purpose.CHECK:
        found += _each(("get", "list", "watch"), "nodes", "", "whose address a destination sees")
        found += _each(
            ("get", "create", "update"), "leases", "coordination.k8s.io", "one of several bridges acts", own_namespace
        )
    if purpose is Purpose.LABEL:
        found += _each(("patch",), "pods", "", "labels of the bridge", namespace)
        found += _each(("create", "patch"), "events", "events.k8s.io", "breaches are told", namespace)
    return tuple(found)


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
