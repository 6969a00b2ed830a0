"""
Problems in Calico pools: in the form of their manifests, in one pool, and between all pools of a run.

Only what the API server refuses, or stores although it is dangerous, is an error. Nothing is assumed about pools that
are in no file: the cluster may have others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.lint.ip_pools import alone, reading, together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.lint.context import Context
    from runner_bridge.core.lint.ip_pools.manifest import Manifest
    from runner_bridge.core.model import Finding


def lint(texts: Iterable[tuple[str, str]], context: Context) -> tuple[Finding, ...]:
    """
    Return the findings about every pool of a run, in the order of the files and lines. Never raises.

    Args:
        texts: pairs of text and file name; objects in them that are no pools are passed over.
        context: what is known besides the files.
    """
    findings: list[Finding] = []
    pools: list[Manifest] = []
    for text, name in texts:
        found, problems = reading.read(text, name)
        findings += problems
        pools += found
    for pool in pools:
        findings += alone.lint(pool, context)
    return (*findings, *together.lint(pools, context))
