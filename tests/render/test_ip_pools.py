"""Pools as Calico takes them, checked by reading them back and comparing with the policy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.errors import RenderError
from runner_bridge.core.policy import model as p
from runner_bridge.core.text import yaml
from runner_bridge.render.ip_pools import manifest, operator_patch, render
from tests import make

V3 = "calico/projectcalico.org-v3/"


def with_cluster(*pools: p.Pool, **changes: Any) -> p.Policy:
    base = make.policy().cluster
    values: dict[str, Any] = {
        "name": base.name,
        "namespaces": base.namespaces,
        "pod_cidrs": base.pod_cidrs,
        "calico_version": None,
        "pools_owner": p.PoolsOwner.ADMIN,
    }
    return make.policy(make.tier("infra", *pools), cluster=p.Cluster(**(values | changes)))


def documents(text: str) -> list[Any]:
    return [yaml.to_python(node) for node in yaml.parse(text, "test")]


def spec(policy: p.Policy, file: str = f"{V3}ip-pools.yaml") -> dict[str, Any]:
    found: dict[str, Any] = documents(render(policy)[file])[0]["spec"]
    return found


def test_pools_that_exist_already_are_nobody_elses_to_write() -> None:
    assert render(make.policy(make.tier("default", make.WORKLOAD, pin=False))) == {}


def test_the_selector_is_quoted() -> None:
    assert 'nodeSelector: "!all()"\n' in render(make.policy())[f"{V3}ip-pools.yaml"]


def test_a_routable_pool_is_not_filtered() -> None:
    routable = with_cluster(make.pool(pool_class=p.PoolClass.ROUTABLE, nat_outgoing=False))
    assert not [name for name in render(routable) if "bgp" in name]


@pytest.mark.parametrize(
    ("version", "automatic", "selector", "mode"),
    [
        (None, False, "!all()", None),
        ((3, 29), False, "!all()", None),
        ((3, 30), False, "!all()", "Manual"),
        ((3, 32), True, "all()", "Automatic"),
        (None, True, "all()", None),
    ],
)
def test_assignment_mode_is_used_where_calico_knows_it(
    version: tuple[int, int] | None, automatic: bool, selector: str, mode: str | None
) -> None:
    found = spec(with_cluster(make.pool(automatic=automatic), calico_version=version))
    assert (found["nodeSelector"], found.get("assignmentMode")) == (selector, mode)


def test_what_an_automatic_pool_need_not_be_told_is_not_said() -> None:
    assert "protection" not in render(with_cluster(make.pool(automatic=True)))[f"{V3}ip-pools.yaml"]


@pytest.mark.parametrize("encapsulation", [p.Encapsulation.IPIP, p.Encapsulation.IPIP_CROSS_SUBNET])
@pytest.mark.parametrize("owner", p.PoolsOwner)
def test_ipip_for_ipv6_is_refused(encapsulation: p.Encapsulation, owner: p.PoolsOwner) -> None:
    pool = make.pool("v6", "fd00:10::/48", block_size=122, encapsulation=encapsulation)
    with pytest.raises(RenderError, match="pool v6: IPIP carries no IPv6"):
        render(with_cluster(pool, pools_owner=owner))


pools = st.builds(
    make.pool,
    st.sampled_from(["infra", "on", "1e3", "a.b"]),
    st.sampled_from(["172.16.0.0/16", "10.0.0.0/8"]),
    block_size=st.integers(20, 32),
    nat_outgoing=st.booleans(),
    automatic=st.booleans(),
    encapsulation=st.sampled_from(p.Encapsulation),
    pool_class=st.sampled_from(p.PoolClass),
)
MODES = {
    ("Never", "Never"): p.Encapsulation.NONE,
    ("Always", "Never"): p.Encapsulation.IPIP,
    ("CrossSubnet", "Never"): p.Encapsulation.IPIP_CROSS_SUBNET,
    ("Never", "Always"): p.Encapsulation.VXLAN,
    ("Never", "CrossSubnet"): p.Encapsulation.VXLAN_CROSS_SUBNET,
}


@given(pools)
def test_what_is_read_back_is_the_pool_of_the_policy(pool: p.Pool) -> None:
    files = render(with_cluster(pool, calico_version=(3, 30)))
    (v3,), (v1,) = (
        documents(files[f"calico/{group}/ip-pools.yaml"])
        for group in ("projectcalico.org-v3", "crd.projectcalico.org-v1")
    )
    assert (v3.pop("apiVersion"), v1.pop("apiVersion")) == ("projectcalico.org/v3", "crd.projectcalico.org/v1")
    assert v3 == v1
    assert v3["metadata"] == {"name": pool.name}
    found = v3["spec"]
    assert MODES[found.pop("ipipMode"), found.pop("vxlanMode")] == pool.encapsulation
    assert found == {
        "cidr": str(pool.cidr),
        "blockSize": pool.block_size,
        "natOutgoing": pool.nat_outgoing,
        "disabled": False,
        "nodeSelector": "all()" if pool.automatic else "!all()",
        "allowedUses": ["Workload"],
        "assignmentMode": "Automatic" if pool.automatic else "Manual",
    }


@given(pools)
def test_the_patch_of_the_installation_adds_the_pool_and_replaces_nothing(pool: p.Pool) -> None:
    files = render(with_cluster(pool, pools_owner=p.PoolsOwner.TIGERA_OPERATOR))
    (operations,) = documents(files["calico/installation.patch.yaml"])
    assert not [name for name in files if "ip-pools" in name]
    ((op, path, value),) = [each.values() for each in operations]
    assert (op, path) == ("add", "/spec/calicoNetwork/ipPools/-")
    assert value["encapsulation"].lower() == pool.encapsulation.replace("-", "")
    assert value["natOutgoing"] == ("Enabled" if pool.nat_outgoing else "Disabled")
    assert (value["name"], value["cidr"], value["blockSize"]) == (pool.name, str(pool.cidr), pool.block_size)


def test_one_pool_is_what_the_files_say() -> None:
    policy = make.policy()
    (pool,) = (one for one in policy.pools.values() if one.generated)
    (written,) = yaml.parse(render(policy)[f"{V3}ip-pools.yaml"], "a")
    assert yaml.to_python(written) == manifest(policy, pool, "projectcalico.org/v3")

    owned = with_cluster(pool, pools_owner=p.PoolsOwner.TIGERA_OPERATOR)
    assert render(owned)["calico/installation.patch.yaml"].endswith(operator_patch(owned, pool))
