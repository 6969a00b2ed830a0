"""The blocks that can hold an address, as Calico cuts and names them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from runner_bridge.core.blocks import block_name, block_ranges
from runner_bridge.core.model.cluster import IPPool

INFRA = IPPool(name="infra", cidr=ip_network("172.16.0.0/16"), block_size=25)
OLD = IPPool(name="old", cidr=ip_network("10.10.0.0/16"))
SIX = IPPool(name="six", cidr=ip_network("fd00:10::/48"))
TINY = IPPool(name="tiny", cidr=ip_network("192.0.2.0/30"))


@pytest.mark.parametrize(
    ("addresses", "names"),
    [
        (["172.16.12.2", "172.16.12.127"], ["172-16-12-0-25"]),
        (["172.16.12.2", "172.16.12.128"], ["172-16-12-0-25", "172-16-12-128-25"]),
        (["10.10.84.130"], ["10-10-84-128-26"]),
        (["fd00:10::41"], ["fd00-10--40-122"]),
        (["192.0.2.1"], ["192-0-2-0-30"]),
        (["203.0.113.1"], []),
    ],
    ids=["once for neighbours", "two blocks", "default size", "IPv6", "pool smaller than a block", "in no pool"],
)
def test_an_address_names_the_block_that_can_hold_it(addresses: list[str], names: list[str]) -> None:
    ranges = block_ranges(map(ip_address, addresses), [INFRA, OLD, SIX, TINY])

    assert [block_name(one) for one in ranges] == names


def test_pools_that_overlap_give_a_block_each() -> None:
    other = IPPool(name="other", cidr=ip_network("172.16.0.0/12"), block_size=28)

    assert len(block_ranges([ip_address("172.16.12.2")], [INFRA, other])) == 2
