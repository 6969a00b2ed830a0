"""What the frozen values say of themselves."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from runner_bridge.core.policy import model as p
from tests import make

V6 = make.pool("infra-v6", "fd00:16::/64", block_size=122)


def test_a_tier_gives_its_pools_by_family_in_their_order() -> None:
    second = make.pool("second", "172.20.0.0/16")
    tier = make.tier("infra", make.pool(), V6, second)
    assert [pool.name for pool in tier.pools_of("IPv4")] == ["infraestrutura", "second"]
    assert [pool.name for pool in tier.pools_of("IPv6")] == ["infra-v6"]
    assert tier.pool_class is p.PoolClass.NAT


@pytest.mark.parametrize(
    ("cidrs", "dual"),
    [(["10.0.0.0/8"], False), (["10.0.0.0/8", "172.16.0.0/16"], False), (["10.0.0.0/8", "fd00::/64"], True)],
)
def test_two_families_make_a_cluster_dual_stack(cidrs: list[str], dual: bool) -> None:
    cluster = p.Cluster(
        name="c",
        namespaces=(),
        pod_cidrs=tuple(map(ip_network, cidrs)),
        calico_version=None,
        pools_owner=p.PoolsOwner.ADMIN,
    )
    assert cluster.dual_stack is dual


def test_a_scope_without_target_is_written_without_colon() -> None:
    assert str(p.Scope(kind=p.ScopeKind.INSTANCE)) == "instance"
    assert str(p.Scope(kind=p.ScopeKind.GROUP, target="a/b")) == "group:a/b"
