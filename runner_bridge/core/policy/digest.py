"""What a policy means, as one hash: two texts that mean the same have the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any

from runner_bridge.core.policy.model import Enforcement, GitLab, Policy, Runner, Tier, TierEnforcement

_NOT_MEANING = {"place", "digest", "warnings", "index"}
"""Where things stand, and what follows from the rest."""
_ADDED: Mapping[str, tuple[object, ...]] = {
    "enforce": (Enforcement(), TierEnforcement()),
    "installations": ({},),
    "locked": (None,),
    "protected": (None,),
    "paused": (None,),
    "maximum_timeout_s": (None,),
}
"""Keys that version 1 of the format got later → what they mean unsaid: a policy without them keeps its digest."""


def digest_of(policy: Policy) -> Policy:
    """
    Return the policy with its digest filled in.

    Order counts only where it means something: pools of a tier (spill-over), namespaces (the first is the default),
    and addresses. It does not for rules, runners, workloads, waivers, tags, or keys of any map.
    """
    return replace(policy, digest=hashlib.sha256(_text(policy).encode()).hexdigest())


def _text(value: Any) -> str:  # noqa: ANN401 - values of any kind become JSON
    return json.dumps(value, default=_plain, sort_keys=True, separators=(",", ":"))


def _plain(value: Any) -> Any:  # noqa: ANN401 - values of any kind become JSON
    """Return one value as what JSON has; what is inside of it comes here by itself."""
    if isinstance(value, Mapping):
        return dict(value)
    names = _names(value.__class__)
    if not names:
        return str(value)
    plain = {name: one for name in names if (one := getattr(value, name)) not in _ADDED.get(name, ())}
    match value:
        case Policy():
            plain["workloads"] = sorted(map(_text, value.workloads))
            plain["waivers"] = sorted(map(_text, value.waivers))
        case GitLab():
            plain["root_groups"] = sorted(value.root_groups)
        case Tier():
            plain["rules"] = sorted(f"{rule.kind.value}:{rule.value}" for rule in value.rules)
            plain["runners"] = {runner.name: runner for runner in value.runners}
        case Runner():
            plain["tags"] = sorted(value.tags)
            plain["short_ids"] = sorted(value.short_ids)
    return plain


@cache
def _names(kind: type) -> tuple[str, ...]:
    """Return the fields of a dataclass that mean something; none for anything else."""
    return tuple(one.name for one in fields(kind) if one.name not in _NOT_MEANING) if is_dataclass(kind) else ()
