"""Of blocks that were read for a pod, exactly what they say of its addresses is kept."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from runner_bridge.core.model.cluster import Allocation, Block, Pod
from runner_bridge.flow.controller.proof import Proof, allocations, excerpt, fingerprint
from tests import make

ADDRESSES = [ip_address(text) for text in ("172.16.0.1", "172.16.0.2", "172.16.0.70", "fd00::1", "10.0.0.1")]
RANGES = [ip_network(text) for text in ("172.16.0.0/26", "172.16.0.64/26", "fd00::/122", "172.16.0.0/24")]


def blocks() -> st.SearchStrategy[Block]:
    entries = st.builds(
        lambda **said: Allocation(**said),  # noqa: PLW0108 - given the class itself, it reads all its annotations
        pod=st.sampled_from(["runner-a", "b"]),
        namespace=st.sampled_from(["ci-infra", "ci"]),
        handle=st.sampled_from(["", "h.1"]),
    )
    return st.builds(
        lambda **said: Block(**said),  # noqa: PLW0108 - as above
        cidr=st.sampled_from(RANGES),
        node=st.sampled_from(["", "worker-1"]),
        allocations=st.dictionaries(st.sampled_from([1, 2, 3, 6]), entries, max_size=4),
        deleted=st.booleans(),
        problems=st.sampled_from([(), ("odd",)]),
    )


def pods() -> st.SearchStrategy[Pod]:
    shown = st.lists(st.sampled_from(ADDRESSES), unique=True, max_size=3).map(tuple)
    return st.builds(
        lambda addresses, annotated: make.job_pod(
            namespace="ci-infra", name="runner-a", addresses=addresses, annotated=annotated
        ),
        shown,
        st.none() | shown,
    )


@given(read=st.lists(blocks(), max_size=3), pod=pods())
def test_what_is_kept_says_of_the_pods_addresses_what_the_blocks_say_and_nothing_else(
    read: list[Block], pod: Pod
) -> None:
    kept = Proof(fingerprint(pod), excerpt(read, pod), 1).blocks

    shown = {*pod.addresses, *(pod.annotated or ())}
    assert kept == tuple(
        structs.replace(
            block, allocations={at: one for at, one in block.allocations.items() if block.cidr[at] in shown}
        )
        for block in read
    )


def test_a_pods_own_entry_holds_its_own_name() -> None:
    pod = make.job_pod(name="runner-a", addresses=(ADDRESSES[0],), annotated=None)
    entry = Allocation(pod=pod.name[:3] + pod.name[3:], namespace=pod.namespace)

    proof = Proof(fingerprint(pod), excerpt([Block(cidr=RANGES[0], allocations={1: entry})], pod), 0)

    assert allocations(pod, proof)[ADDRESSES[0]].pod is pod.name


def test_where_no_block_could_be_read_there_is_nothing() -> None:
    proof = Proof(fingerprint(make.job_pod()), None, 2)

    assert (proof.blocks, allocations(make.job_pod(), proof)) == (None, {})
