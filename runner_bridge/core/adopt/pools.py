"""
Which pools the admin has named for an adoption: by flags, or by the IPPools of the cluster.

A config.toml names pools and never says their CIDRs. They are asked for, all at once, and never invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from runner_bridge.core.errors import SettingsError
from runner_bridge.core.policy.model import Network, PoolClass
from runner_bridge.core.redact import redact
from runner_bridge.core.text import yaml

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

HOW_TO_NAME = "--pool NAME=CIDR,CLASS (CLASS is routable, nat or isolated)"
AUTOMATIC = "automatic"
"""Marks, behind the class, a pool that pods get which ask for none; the policy has a key of this name."""
HOW_TO_ANSWER = (
    "(CLASS is routable, nat or isolated. All pools at once: --pools FILE, which holds what "
    "`kubectl get ippools.crd.projectcalico.org -o yaml` prints.)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPool:
    """A pool whose CIDR and class are known."""

    name: str
    cidr: Network
    pool_class: PoolClass
    automatic: bool
    """Whether pods that ask for nothing land in it."""
    for_pods: bool = True
    """Whether any pod may get an address of it: it is enabled, and not for tunnels or load balancers only."""


def parse_pool(text: str) -> KnownPool:
    """
    Read `NAME=CIDR,CLASS` or `NAME=CIDR,CLASS,automatic`, the value of a `--pool` flag.

    Raises:
        SettingsError: a part is missing or is not what it has to be.

    >>> parse_pool("infra=172.16.0.0/16,nat").pool_class
    <PoolClass.NAT: 'nat'>
    """
    name, _, rest = (part.strip() for part in text.partition("="))
    cidr, kind, *marks = *(part.strip() for part in rest.split(",")), ""
    if not name or kind not in set(PoolClass) or marks not in ([""], [AUTOMATIC, ""]):
        message = (
            f"--pool {text!r} is not understood. Expected {HOW_TO_NAME}, for example infra=172.16.0.0/16,nat; "
            f"a pool that pods get which ask for none may be marked: workload=10.10.0.0/16,routable,{AUTOMATIC}."
        )
        raise SettingsError(message)
    return KnownPool(
        name=name,
        cidr=_network(cidr, f"--pool {text!r}"),
        pool_class=PoolClass(kind),
        automatic=AUTOMATIC in marks,
    )


def read_pools(text: str, file: str) -> tuple[KnownPool, ...]:
    """
    Read the IPPools of a dump or manifest, YAML or JSON, of either API group; other objects are passed over.

    A pool seen through both groups counts once. `natOutgoing` makes it `nat`, else it is `routable`.

    Raises:
        WireError: the file is not YAML.
        SettingsError: it holds no IPPool, or one whose CIDR is none.
    """
    pools: dict[str, KnownPool] = {}
    for document in yaml.parse(text, file):
        for item in _objects(yaml.to_python(document)):
            spec = _dict(item.get("spec"))
            name = str(_dict(item.get("metadata")).get("name", ""))
            if not name:
                continue
            pools[name] = KnownPool(
                name=name,
                cidr=_network(str(spec.get("cidr", "")), f"{file}: IPPool {name!r}"),
                pool_class=PoolClass.NAT if spec.get("natOutgoing") is True else PoolClass.ROUTABLE,
                automatic=_is_for_pods(spec) and _takes_any_pod(spec),
                for_pods=_is_for_pods(spec),
            )
    if not pools:
        message = f"{file}: holds no IPPool. Expected what `kubectl get ippools.crd.projectcalico.org -o yaml` prints."
        raise SettingsError(message)
    return tuple(pools.values())


def _objects(tree: object) -> Iterator[dict[str, Any]]:
    """Yield the IPPools of a document: the object itself, or the items of a List."""
    top = _dict(tree)
    items = top.get("items")
    for one in items if isinstance(items, list) else [top]:
        item = _dict(one)
        if item.get("kind") == "IPPool" or top.get("kind") == "IPPoolList":
            yield item


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_for_pods(spec: dict[str, Any]) -> bool:
    uses = spec.get("allowedUses") or ["Workload"]
    return spec.get("disabled") is not True and isinstance(uses, list) and "Workload" in uses


def _takes_any_pod(spec: dict[str, Any]) -> bool:
    """Tell whether Calico may use it for a pod that asks for no pool (calico, libcalico-go/lib/ipam/ipam.go)."""
    return (
        spec.get("assignmentMode") != "Manual"
        and "".join(str(spec.get("nodeSelector", "")).split()) != "!all()"
        and not spec.get("namespaceSelector")
    )


def _network(text: str, where: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        message = f"{where}: {redact(text)!r} is not a CIDR: {error}. Expected one such as 172.16.0.0/16."
        raise SettingsError(message) from error


class KnownPools:
    """The pools by name and by CIDR; a flag wins over the dump."""

    def __init__(self, named: Iterable[KnownPool], dumped: Iterable[KnownPool]) -> None:
        self._named = tuple(named)
        self._pools = {one.name: one for one in (*dumped, *self._named)}

    def find(self, entry: str) -> KnownPool | None:
        """Return the pool of one entry of an annotation, which Calico takes as a name or as a CIDR."""
        if entry in self._pools:
            return self._pools[entry]
        try:
            cidr = ip_network(entry, strict=False)
        except ValueError:
            return None
        return next((one for one in self._pools.values() if one.cidr == cidr), None)

    @property
    def for_pods(self) -> tuple[KnownPool, ...]:
        """All pools from which pods may get addresses, those of the dump first."""
        return tuple(one for one in self._pools.values() if one.for_pods)

    def of_unpinned(self, pinned: Container[str]) -> tuple[KnownPool, ...]:
        """
        Return the pools of pods that ask for none.

        Those that a flag marks, else those of the flags that no runner asks for, else the automatic ones of the dump.
        """
        marked = [one for one in self._named if one.automatic]
        spare = [one for one in self._named if one.name not in pinned]
        return tuple(marked or spare or [one for one in self._pools.values() if one.automatic])
