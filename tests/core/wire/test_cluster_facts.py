"""Facts about a cluster, from what it really sends and from what it never should."""

from __future__ import annotations

import json
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.core.wire.cluster_facts import (
    calico_version,
    is_allowed,
    proxy_ranges,
    server_version,
    user_name,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def config(text: str) -> bytes:
    return body({"kind": "ConfigMap", "data": {"config.conf": f"kind: KubeProxyConfiguration\n{text}\nmode: ipvs\n"}})


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("clusterCIDR: 10.0.0.0/8", ["10.0.0.0/8"]),
        ('clusterCIDR: "10.0.0.0/8, fd00::/48"', ["10.0.0.0/8", "fd00::/48"]),
        ("clusterCIDR: 10.0.0.0/8\ndetectLocalMode: ClusterCIDR", ["10.0.0.0/8"]),
        ('clusterCIDR: 10.0.0.0/8\ndetectLocalMode: ""', ["10.0.0.0/8"]),
        ("clusterCIDR: 10.0.0.0/8\ndetectLocalMode: NodeCIDR", []),
        ('clusterCIDR: ""', []),
        ("clusterCIDR: 10.0.0.0/8,10.0.0/99", ["10.0.0.0/8"]),
        ("other: 1", []),
    ],
)
def test_the_range_that_kube_proxy_goes_by(text: str, ranges: list[str]) -> None:
    assert proxy_ranges(config(text)) == tuple(map(ip_network, ranges))


@pytest.mark.parametrize(("text", "numbers"), [("v3.32.1", (3, 32)), ("3.28", (3, 28)), ("master", None), ("", None)])
def test_the_version_of_calico(text: str, numbers: tuple[int, int] | None) -> None:
    assert calico_version(body({"spec": {"calicoVersion": text}})) == (text, numbers)


def test_what_the_api_server_says_of_itself_and_of_us() -> None:
    assert server_version(body({"gitVersion": "v1.36.3", "major": "1"})) == "v1.36.3"
    assert user_name(body({"status": {"userInfo": {"username": "a"}}})) == "a"
    assert is_allowed(body({"status": {"allowed": True}}))
    assert not is_allowed(body({"status": {"allowed": False}}))


@pytest.mark.parametrize(
    "junk", [None, b"", b"{", b"[]", b"{}", b"\xff", b'{"status": null, "spec": null, "data": null}']
)
@pytest.mark.parametrize("read", [server_version, calico_version, proxy_ranges, is_allowed, user_name])
def test_an_answer_of_another_shape_says_nothing(read: Callable[[bytes | None], Any], junk: bytes | None) -> None:
    assert read(junk) in ("", ("", None), (), False)
