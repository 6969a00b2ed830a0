"""
The one registry of finding codes, a file per family.

A new code is one `Code` in its family's file and one section of a reference page; `tests/meta` compares the two.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from runner_bridge.core.model.codes import (
    audit,
    doctor,
    drift,
    helm,
    ip_pools,
    job_pods,
    ledger,
    overwrites,
    plan,
    policy,
    probe,
    runner_binary,
    runner_config,
)
from runner_bridge.core.model.finding import Code

if TYPE_CHECKING:
    from collections.abc import Mapping


def _collect() -> dict[str, Code]:
    found: dict[str, Code] = {}
    families = (
        policy,
        runner_config,
        runner_binary,
        overwrites,
        helm,
        ip_pools,
        job_pods,
        ledger,
        doctor,
        probe,
        plan,
        audit,
        drift,
    )
    for family in families:
        for value in vars(family).values():
            if isinstance(value, Code):
                if value.name in found:
                    message = f"finding code {value.name!r} is defined twice"
                    raise ValueError(message)
                found[value.name] = value
    return found


REGISTRY: Mapping[str, Code] = MappingProxyType(_collect())
