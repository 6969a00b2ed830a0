"""
A Lease of `coordination.k8s.io/v1`: who leads, and what to write to take it, keep it, or give it back.

What others wrote into the object stays in it. The moments in it are for people: whether a Lease has lapsed is never
told from them, because they are of somebody else's clock (client-go, tools/leaderelection/leaderelection.go).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import WireError

if TYPE_CHECKING:
    from datetime import datetime

LONGEST_S = 3600
"""A holder that claims to need no renewal for longer is not believed."""


class Held(Struct, frozen=True, kw_only=True):
    """A Lease as it was read."""

    holder: str = ""
    """Empty: nobody's."""
    lasts_s: float | None = None
    """How long its holder may be silent; None where it does not say, or nothing that can be."""
    spec: bytes = b"{}"
    """Canonical; while it stays the same the holder has not renewed it."""
    raw: bytes = b"{}"
    """The whole object, for the answer to it."""


def read_lease(body: bytes) -> Held:
    """
    Read a Lease.

    >>> read_lease(b'{"spec": {"holderIdentity": "a", "leaseDurationSeconds": 15}}').holder
    'a'

    Raises:
        WireError: it is none.
    """
    try:
        found = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"a Lease cannot be read: {error}."
        raise WireError(message) from error
    known = found if isinstance(found, dict) else {"spec": found}
    spec = known.get("spec", {})
    if not isinstance(spec, dict | None) or not isinstance(known.get("metadata", {}), dict):
        message = "a Lease cannot be read: it is no object with a spec."
        raise WireError(message)
    spec = spec or {}
    holder, lasts = spec.get("holderIdentity"), spec.get("leaseDurationSeconds")
    return Held(
        holder=holder if isinstance(holder, str) else "",
        lasts_s=float(lasts) if type(lasts) is int and 0 < lasts <= LONGEST_S else None,
        spec=msgspec.json.encode(spec, order="sorted"),
        raw=body,
    )


def new_lease(name: str, holder: str, lasts_s: float, at: datetime) -> bytes:
    """Return a Lease that somebody takes who found none."""
    spec = _taken({}, holder, lasts_s, at, "")
    return msgspec.json.encode(
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name}, "spec": spec}
    )


def taken(before: Held, holder: str, lasts_s: float, at: datetime) -> bytes:
    """Return a Lease as it is written to take it, or to renew it where it is one's own already."""
    return _with_spec(before, lambda spec: _taken(spec, holder, lasts_s, at, before.holder))


def given_back(before: Held, at: datetime) -> bytes:
    """Return a Lease as its holder writes it to let the next one begin at once."""
    over = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _micro_time(at)}
    return _with_spec(before, lambda spec: spec | over)


def _with_spec(before: Held, change: Any) -> bytes:  # noqa: ANN401 - a function of any spec
    found = msgspec.json.decode(before.raw)
    return msgspec.json.encode(found | {"spec": change(found.get("spec") or {})})


def _taken(spec: dict[str, Any], holder: str, lasts_s: float, at: datetime, before: str) -> dict[str, Any]:
    now = _micro_time(at)
    over = {"holderIdentity": holder, "leaseDurationSeconds": max(1, round(lasts_s)), "renewTime": now}
    if before == holder:
        return spec | over
    turns = spec.get("leaseTransitions")
    return spec | over | {"acquireTime": now, "leaseTransitions": turns + 1 if isinstance(turns, int) else 0}


def _micro_time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
