"""
What is not believed at first sight: that pod and block disagree.

Lists and blocks are read one after the other, and Calico writes the pod before it gives an address back, so healthy
pods look wrong for a moment. What is found here has to be found again on fresh reads of both, `SETTLE_S` later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner_bridge.core.model.codes import job_pods as codes

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Verdict

SETTLE_S: Final = 2.0
"""Between two fresh reads of a pod and its block that disagree."""
_DOUBTED: Final = frozenset({codes.BLOCK_DISAGREES, codes.ADDRESS_GIVEN_TWICE, codes.ADDRESSES_DISAGREE})


def is_doubtful(verdict: Verdict) -> bool:
    """Tell whether a verdict stands on pod and block that disagree, so that both are to be read again. Never raises."""
    return any(finding.code in _DOUBTED for finding in verdict.findings)
