"""
Calico: the pools that the policy declares as its own, and a filter that keeps their routes inside.

The same pool can be written through two API groups; they are two folders, because applying both makes two writers of
one thing. Where the Tigera operator owns the pools none is written: a patch adds them to its `Installation`.

Sources: Calico, api/pkg/apis/projectcalico/v3/ippool.go and bgpfilter.go, libcalico-go/lib/ipam/ipam.go (a named pool
skips selectors and assignmentMode); Tigera operator, api/v1/installation_types.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner_bridge.core.errors import RenderError
from runner_bridge.core.policy.model import Encapsulation, PoolClass, PoolsOwner
from runner_bridge.render import yaml_text
from runner_bridge.render.heading import heading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Pool

GROUPS = {"projectcalico.org-v3": "projectcalico.org/v3", "crd.projectcalico.org-v1": "crd.projectcalico.org/v1"}
ASSIGNMENT_MODE_SINCE = (3, 30)
"""Older versions ignore `assignmentMode`, or refuse it; 3.28.5 was seen to ignore it."""
FILTER = "runner-bridge-not-exported"

# encapsulation → (ipipMode, vxlanMode), and the word of the Tigera operator
_MODES = {
    Encapsulation.NONE: ("Never", "Never", "None"),
    Encapsulation.IPIP: ("Always", "Never", "IPIP"),
    Encapsulation.IPIP_CROSS_SUBNET: ("CrossSubnet", "Never", "IPIPCrossSubnet"),
    Encapsulation.VXLAN: ("Never", "Always", "VXLAN"),
    Encapsulation.VXLAN_CROSS_SUBNET: ("Never", "CrossSubnet", "VXLANCrossSubnet"),
}

_SELECTOR = (
    'nodeSelector "!all()" keeps pods out that ask for no pool. It is no protection: a pod that names the pool in an',
    "annotation gets it, whatever the selector says.",
)
_TRADE = (
    'With "!all()" a node gives its block back with the last pod, so a lone job gets the same address every time.',
    "Where an audit needs addresses to differ, and Calico is 3.30 or newer: nodeSelector all() together with",
    "assignmentMode Manual keeps the block on the node, and its addresses rotate.",
)
_NO_MODE = (
    "assignmentMode is left out: Calico before 3.30 ignores or refuses it. Declare cluster.calico_version to get it.",
)


def render(policy: Policy) -> Mapping[str, str]:
    """
    Return the manifests of generated pools; nothing where every pool exists already.

    Raises:
        RenderError: what was written does not say what the policy says, or a pool is one that Calico refuses.
    """
    pools = tuple(pool for pool in policy.pools.values() if pool.generated)
    if not pools:
        return {}
    files: dict[str, str] = {}
    if policy.cluster.pools_owner is PoolsOwner.TIGERA_OPERATOR:
        files["calico/installation.patch.yaml"] = _installation(policy, pools)
    else:
        for name, group in GROUPS.items():
            files[f"calico/{name}/ip-pools.yaml"] = _manifest(policy, pools, group)
    inside = tuple(pool for pool in pools if pool.pool_class is not PoolClass.ROUTABLE)
    if inside:
        for name, group in GROUPS.items():
            files[f"calico/{name}/bgp-filter.yaml"] = _bgp_filter(inside, group)
    return files


def manifest(policy: Policy, pool: Pool, api_version: str) -> dict[str, Any]:
    """
    Return one IPPool as it is created, with nothing but what the policy says.

    Raises:
        RenderError: it is one that Calico refuses.
    """
    metadata = {"name": str(pool.name)}
    return {"apiVersion": api_version, "kind": "IPPool", "metadata": metadata, "spec": _spec(policy, pool)}


def operator_patch(policy: Policy, pool: Pool) -> str:
    """
    Return the patch that adds one pool to the Installation of the Tigera operator.

    Raises:
        RenderError: it is a pool that Calico refuses.
    """
    return yaml_text.dump_list(
        [{"op": "add", "path": "/spec/calicoNetwork/ipPools/-", "value": _operator_pool(policy, pool)}]
    )


def _manifest(policy: Policy, pools: tuple[Pool, ...], group: str) -> str:
    documents = [manifest(policy, pool, group) for pool in pools]
    text = heading(*_which_file(group), *_selector_notes(policy, pools)) + "---\n".join(map(yaml_text.dump, documents))
    yaml_text.prove(f"IPPools of {group}", text, *documents)
    return text


def _which_file(group: str) -> tuple[str, ...]:
    if group.startswith("crd."):
        return (
            "Only where Calico has no API server: kubectl get apiservice v3.projectcalico.org says NotFound. Apply",
            "this file or the one of projectcalico.org/v3, never both. Nobody checks for overlaps on this way: run",
            "runner-bridge lint on the file together with the pools that exist.",
        )
    return (
        "kubectl apply where kubectl get apiservice v3.projectcalico.org is Available; else calicoctl apply, or the",
        "file of crd.projectcalico.org/v1. Never apply both: they are the same pools.",
    )


def _selector_notes(policy: Policy, pools: tuple[Pool, ...]) -> tuple[str, ...]:
    if all(pool.automatic for pool in pools):
        return ()
    return (*_SELECTOR, *_TRADE, *(() if _knows_mode(policy) else _NO_MODE))


def _knows_mode(policy: Policy) -> bool:
    version = policy.cluster.calico_version
    return version is not None and version >= ASSIGNMENT_MODE_SINCE


def _spec(policy: Policy, pool: Pool) -> dict[str, Any]:
    ipip, vxlan, _ = _modes(pool)
    return {
        "cidr": str(pool.cidr),
        # Always written: left out it is 26 or 122, and it can never be changed.
        "blockSize": pool.block_size,
        "ipipMode": ipip,
        "vxlanMode": vxlan,
        "natOutgoing": pool.nat_outgoing,
        "disabled": False,
        **_who_gets_it(policy, pool),
    }


def _who_gets_it(policy: Policy, pool: Pool) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "nodeSelector": "all()" if pool.automatic else "!all()",
        # Without it a node may take its tunnel address from the pool.
        "allowedUses": ["Workload"],
    }
    if _knows_mode(policy):
        chosen["assignmentMode"] = "Automatic" if pool.automatic else "Manual"
    return chosen


def _modes(pool: Pool) -> tuple[str, str, str]:
    modes = _MODES[pool.encapsulation]
    if modes[0] != "Never" and pool.cidr.version != 4:
        message = f"pool {pool.name}: IPIP carries no IPv6. Declare vxlan or none as its encapsulation."
        raise RenderError(message)
    return modes


def _installation(policy: Policy, pools: tuple[Pool, ...]) -> str:
    operations = [
        {"op": "add", "path": "/spec/calicoNetwork/ipPools/-", "value": _operator_pool(policy, pool)} for pool in pools
    ]
    text = heading(
        "The Tigera operator owns the pools of this cluster; one that it does not know it never touches, and one that",
        "leaves its list it deletes. So each pool is appended to the list and the rest stays as it is:",
        "  kubectl patch installation default --type=json --patch-file installation.patch.yaml",
        "Once: a second time the operator reports overlapping pools. A merge patch would replace the whole list.",
        "Where the Installation comes from Helm or Git, add the values below to its list there instead.",
        *_selector_notes(policy, pools),
    ) + yaml_text.dump_list(operations)
    yaml_text.prove("patch of the Installation", text, operations)
    return text


def _operator_pool(policy: Policy, pool: Pool) -> dict[str, Any]:
    return {
        "name": str(pool.name),
        "cidr": str(pool.cidr),
        "blockSize": pool.block_size,
        "encapsulation": _modes(pool)[2],
        "natOutgoing": "Enabled" if pool.nat_outgoing else "Disabled",
        "disableBGPExport": False,
        **_who_gets_it(policy, pool),
    }


def _bgp_filter(pools: tuple[Pool, ...], group: str) -> str:
    spec = {
        key: [
            {"cidr": str(pool.cidr), "matchOperator": "In", "action": "Reject"}
            for pool in pools
            if pool.family == family
        ]
        for key, family in (("exportV4", "IPv4"), ("exportV6", "IPv6"))
    }
    document = {
        "apiVersion": group,
        "kind": "BGPFilter",
        "metadata": {"name": FILTER},
        "spec": {key: rules for key, rules in spec.items() if rules},
    }
    text = heading(
        "Keeps the routes of pools behind NAT, or isolated, from BGP peers outside of the cluster. Needed only where",
        "there are such peers; it does nothing until each of them names it:",
        f'  kubectl patch bgppeer NAME --type=merge --patch \'{{"spec": {{"filters": ["{FILTER}"]}}}}\'',
        "(filters is a list: keep those that are there). Not on peers that are nodes or route reflectors of this",
        "cluster: nodes learn from them where pods live. disableBGPExport on the pool would cut those routes too.",
    ) + yaml_text.dump(document)
    yaml_text.prove("BGPFilter", text, document)
    return text
