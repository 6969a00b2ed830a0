"""The answer of `status` for programs, and back again: fields are only ever added, and unknown ones are passed over."""

from __future__ import annotations

import re
from typing import Any

from msgspec import DecodeError, json, to_builtins

from runner_bridge.ask.answers.status import StatusAnswer
from runner_bridge.ask.views import well_formed
from runner_bridge.core.errors import WireError
from runner_bridge.core.redact import redact

_HASH = re.compile(r"[0-9a-f]{64}")
"""Digest of the policy, head of the ledger: whole texts that look like a line of a private key, and are none."""


def render(answer: StatusAnswer) -> str:
    """Return the answer as indented JSON with a line end."""
    return json.format(json.encode(_cleaned(to_builtins(answer))), indent=2).decode() + "\n"


def read(body: bytes, *, name: str) -> StatusAnswer:
    """
    Return the answer that a bridge gave.

    Args:
        body: JSON, as `render` writes it, of this release or another.
        name: who answered, for the error.

    Raises:
        WireError: it is no such answer.
    """
    try:
        return json.decode(body, type=StatusAnswer)
    except DecodeError as error:  # ValidationError is one of its kind
        message = (
            f"{name}: its answer is not the status of a runner-bridge: {redact(str(error))}. "
            "Expected what /api/v1/status gives. Check the address, and that both sides are of releases that fit."
        )
        raise WireError(message) from error


def _cleaned(value: Any) -> Any:  # noqa: ANN401 - a tree of what JSON can hold
    """Names of pods and claims of jobs may hold anything."""
    if isinstance(value, str):
        return value if _HASH.fullmatch(value) else well_formed(redact(value))
    if isinstance(value, dict):
        return {key: _cleaned(one) for key, one in value.items()}
    return [_cleaned(one) for one in value] if isinstance(value, (list, tuple)) else value
