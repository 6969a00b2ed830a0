"""
A plan for programs: what stands beside its findings in `-o json`, documented in `docs/reference/plan.md`.

Keys are only ever added. No text in it holds a secret.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from runner_bridge.core.model.edit import Deed
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.model.edit import Plan


def head(plan: Plan) -> Mapping[str, Any]:
    """Return the edits in their order, and how many there are of each deed."""
    counts = Counter(one.deed for one in plan.edits)
    edits = [{"address": one.address, **_clean(msgspec.to_builtins(one))} for one in plan.edits]
    return {"edits": edits, "counts": {str(deed): counts[deed] for deed in Deed}}


def _clean(value: Any) -> Any:  # noqa: ANN401 - any JSON
    match value:
        case str():
            return redact(value)
        case dict():
            return {key: _clean(item) for key, item in value.items()}
        case list() | tuple():
            return [_clean(item) for item in value]
        case _:
            return value
