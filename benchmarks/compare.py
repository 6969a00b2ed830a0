"""
Compare functions by the CPU they burn, interleaved in one run.

What runs first, a warm cache or a noisy neighbour then meets every function alike; a ratio of medians survives what an
absolute time does not. Children count too, so a function may start processes.
"""

from __future__ import annotations

import gc
import resource
import sys
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def compare(
    title: str,
    functions: Mapping[str, Callable[[], object]],
    *,
    peer: str,
    rounds: int = 7,
    at_most: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """
    Run all functions `rounds` times in turn and print, for each, CPU milliseconds and the ratio to the peer.

    Args:
        title: what is measured, in one line.
        functions: name → what to run; each is called once before anything is counted.
        peer: the name of the function that is 1.0.
        rounds: how often; the median of the ratios counts, the spread is printed.
        at_most: name → the promised ratio; a broken promise ends the process with 1 after everything is printed.

    Returns:
        name → median ratio to the peer.
    """
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(rounds):
        for name, function in functions.items():
            gc.collect()
            before = cpu_seconds()
            function()
            taken[name].append(cpu_seconds() - before)
    promised = at_most or {}
    print(title)
    ratios = {name: _line(name, taken[name], taken[peer], promised.get(name)) for name in functions}
    broken = [name for name, limit in promised.items() if ratios[name] > limit]
    if broken:
        sys.exit(f"slower than promised: {', '.join(broken)}")
    return ratios


def cpu_seconds() -> float:
    """Return the CPU that this process and its finished children have burnt, user and system."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _line(name: str, seconds: list[float], peer: list[float], limit: float | None) -> float:
    ratios = [mine / max(its, 1e-9) for mine, its in zip(seconds, peer, strict=True)]
    ratio = median(ratios)
    promise = "" if limit is None else f"   promised ≤ {limit:g}"
    spread = f"({min(ratios):.3f} to {max(ratios):.3f})"
    print(f"  {name:36} {median(seconds) * 1000:10.2f} ms {ratio:8.3f} x   {spread}{promise}")
    return ratio
