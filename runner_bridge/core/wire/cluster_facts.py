"""The few facts about a cluster that `doctor` asks for: version, Calico's version, kube-proxy's range, one right."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING

from msgspec import Struct, field

from runner_bridge.core.wire.answers import read_answer

if TYPE_CHECKING:
    from runner_bridge.core.model.cluster import Network


# `clusterCIDR: 10.0.0.0/8`, maybe quoted, maybe two of them with a comma between; a line of its own in config.conf.
_RANGE = re.compile(r"""^clusterCIDR:[ ]*["']?([0-9a-fA-F:./, ]*)["']?[ ]*$""", re.MULTILINE)
_MODE = re.compile(r"""^detectLocalMode:[ ]*["']?(\w*)["']?[ ]*$""", re.MULTILINE)
_CALICO = re.compile(r"v?(\d{1,4})\.(\d{1,4})")


class _Version(Struct):
    version: str = field(default="", name="gitVersion")


class _ConfigMap(Struct):
    data: dict[str, str] | None = None


class _ClusterInformationSpec(Struct):
    version: str | None = field(default=None, name="calicoVersion")


class _ClusterInformation(Struct):
    spec: _ClusterInformationSpec | None = None


class _ReviewStatus(Struct):
    allowed: bool = False


class _Review(Struct):
    status: _ReviewStatus | None = None


class _UserInfo(Struct):
    username: str | None = None


class _WhoStatus(Struct):
    user: _UserInfo | None = field(default=None, name="userInfo")


class _Who(Struct):
    status: _WhoStatus | None = None


def server_version(body: bytes | None) -> str:
    """Return the API server's version, `v1.36.3`; empty where the answer does not say. Never raises."""
    found = read_answer(body, _Version)
    return found.version if found else ""


def calico_version(body: bytes | None) -> tuple[str, tuple[int, int] | None]:
    """Return Calico's version as it writes it in its ClusterInformation, and its first two numbers. Never raises."""
    found = read_answer(body, _ClusterInformation)
    text = (found.spec.version if found and found.spec else None) or ""
    numbers = _CALICO.match(text)
    return text, (int(numbers[1]), int(numbers[2])) if numbers else None


def proxy_ranges(body: bytes | None) -> tuple[Network, ...]:
    """
    Return kube-proxy's clusterCIDR from its ConfigMap; empty where it has none or does not go by it. Never raises.

    Source: kubernetes, staging/src/k8s.io/kube-proxy/config/v1alpha1/types.go.
    """
    found = read_answer(body, _ConfigMap)
    text = ((found.data if found else None) or {}).get("config.conf", "")
    mode, written = _MODE.search(text), _RANGE.search(text)
    if written is None or (mode is not None and mode[1] not in {"", "ClusterCIDR"}):
        return ()
    ranges = []
    for part in written[1].split(","):
        try:
            ranges.append(ip_network(part.strip(), strict=False))
        except ValueError:
            continue
    return tuple(ranges)


def is_allowed(body: bytes | None) -> bool:
    """Tell whether a SelfSubjectAccessReview says yes. Never raises."""
    found = read_answer(body, _Review)
    return bool(found and found.status and found.status.allowed)


def user_name(body: bytes | None) -> str:
    """Return whom the API server takes us for, from a SelfSubjectReview; empty where it does not say. Never raises."""
    found = read_answer(body, _Who)
    return (found.status.user.username if found and found.status and found.status.user else None) or ""
