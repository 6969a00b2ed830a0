"""
Which of Calico's two API groups tells the truth about pools and about blocks, found per resource.

Three installations look alike at first sight: the old group alone; the old group with Calico's own API server in front
(which serves pools in the new group, but never blocks); and the new group as CRDs, maybe with the old ones left behind
by a migration. Sources: calico, libcalico-go/lib/backend/k8s/discovery.go,
apiserver/pkg/registry/projectcalico/rest/storage_calico.go, kube-controllers/pkg/controllers/migration/controller.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from runner_bridge.core.errors import DeniedError, UnavailableError
from runner_bridge.core.wire.answers import read_answer

if TYPE_CHECKING:
    from runner_bridge.ports.kube.reader import Reader

OLD: Final = "/apis/crd.projectcalico.org/v1"
NEW: Final = "/apis/projectcalico.org/v3"
_API_SERVICE: Final = "/apis/apiregistration.k8s.io/v1/apiservices/v3.projectcalico.org"
_MIGRATIONS: Final = "/apis/migration.projectcalico.org/v1/datastoremigrations"
_MOVED: Final = frozenset({"Converged", "Complete"})


class CalicoApi(Struct, frozen=True, kw_only=True):
    """Where a cluster keeps Calico's objects; the paths of their collections, empty where nobody serves them."""

    pools: str = ""
    blocks: str = ""
    explanation: str
    """One sentence without full stop."""

    @property
    def is_judgeable(self) -> bool:
        """There are pools to judge by."""
        return bool(self.pools)


class _Resource(Struct):
    name: str = ""


class _Resources(Struct):
    resources: list[_Resource] | None = None


class _Metadata(Struct):
    labels: dict[str, str] | None = None


class _ApiService(Struct):
    metadata: _Metadata | None = None


class _MigrationStatus(Struct):
    phase: str = ""


class _Migration(Struct):
    status: _MigrationStatus | None = None


class _Migrations(Struct):
    items: list[_Migration] | None = None


async def discover_calico(reader: Reader) -> CalicoApi:
    """
    Ask what the cluster serves: two GETs, and up to two more where both groups could be meant.

    Raises:
        UnavailableError, DeniedError, InvalidError: as `Reader.get`.
    """
    old = await _served(reader, OLD)
    try:
        new = await _served(reader, NEW)
    except UnavailableError:
        # CRDs are always answered for: this is Calico's own API server, and it is down. What it would show is in the
        # old group; where there is no old group, nothing is known.
        if "ippools" not in old:
            raise
        return _of(old, set(), "Calico's CRDs of crd.projectcalico.org (Calico's own API server does not answer)")
    if "ippools" not in old | new:
        return CalicoApi(
            explanation="neither crd.projectcalico.org nor projectcalico.org serves IPPools: "
            "Calico's IPAM is not in use here, or its datastore is not this cluster's"
        )
    if "ippools" not in new or not await _is_crd_backed(reader, new):
        behind = "Calico's CRDs of crd.projectcalico.org" if "ippools" in old else "Calico's own API server"
        return _of(old, new, behind)
    if "ippools" not in old:
        return CalicoApi(
            pools=f"{NEW}/ippools",
            blocks=f"{NEW}/ipamblocks" if "ipamblocks" in new else "",
            explanation="Calico's CRDs of projectcalico.org",
        )
    phase = await _migration_phase(reader)
    if phase in _MOVED:
        return _of(new, old, f"Calico's CRDs of projectcalico.org (migration from the older group: {phase})", NEW, OLD)
    why = f"migration to projectcalico.org: {phase}" if phase else "those of projectcalico.org are there too, unused"
    return _of(old, new, f"Calico's CRDs of crd.projectcalico.org ({why})")


def _of(first: set[str], second: set[str], explanation: str, group: str = OLD, other: str = NEW) -> CalicoApi:
    """Take each resource from the first group; pools from the second too, where the first does not serve them."""
    pools = f"{group}/ippools" if "ippools" in first else f"{other}/ippools" if "ippools" in second else ""
    blocks = f"{group}/ipamblocks" if "ipamblocks" in first else ""
    if not blocks:
        explanation = f"{explanation}, without IPAMBlocks: its datastore is not this cluster's"
    return CalicoApi(pools=pools, blocks=blocks, explanation=explanation)


async def _served(reader: Reader, group: str) -> set[str]:
    body = await reader.get(group)
    found = read_answer(body, _Resources)
    return {one.name for one in found.resources or ()} if found else set()


async def _is_crd_backed(reader: Reader, served: set[str]) -> bool:
    """Tell whether the new group is CRDs; where the APIService may not be read, by what it serves."""
    try:
        found = read_answer(await reader.get(_API_SERVICE), _ApiService)
    except DeniedError:
        found = None
    if found is None:
        return "ipamblocks" in served  # Calico's own API server has no storage for them
    labels = (found.metadata.labels if found.metadata else None) or {}
    return bool(labels.get("kube-aggregator.kubernetes.io/automanaged"))


async def _migration_phase(reader: Reader) -> str:
    try:
        found = read_answer(await reader.get(_MIGRATIONS), _Migrations)
    except DeniedError:
        found = None
    phases = [one.status.phase for one in (found.items if found else None) or () if one.status]
    return phases[0] if phases else ""
