"""What a policy means, as one hash: two texts that mean the same have the same one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy

_NOT_MEANING = {"place", "digest", "warnings", "index", "rules", "runners"}
"""Where things stand, and what is taken out to be sorted."""


def digest_of(policy: Policy) -> Policy:
    """
    Return the policy with its digest filled in.

    Order counts only where it means something: pools of a tier (spill-over), namespaces (the first is the default),
    and addresses. It does not for rules, runners, workloads, waivers, tags, or keys of any map.
    """
    meaning = _plain(policy)
    meaning["tiers"] = {name: _tier(tier) for name, tier in policy.tiers.items()}
    meaning["gitlab"]["root_groups"].sort()
    for part in ("workloads", "waivers"):
        meaning[part].sort(key=_text)
    return replace(policy, digest=hashlib.sha256(_text(meaning).encode()).hexdigest())


def _tier(tier: Any) -> Any:  # noqa: ANN401 - values of any kind become JSON
    plain = _plain(tier)
    plain["rules"] = sorted(f"{rule.kind}:{rule.value}" for rule in tier.rules)
    plain["runners"] = {runner.name: _plain(runner) for runner in tier.runners}
    for runner in plain["runners"].values():
        runner["tags"].sort()
        runner["short_ids"].sort()
    return plain


def _plain(value: Any) -> Any:  # noqa: ANN401 - values of any kind become JSON
    if is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name not in _NOT_MEANING
        }
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if value is None or isinstance(value, bool | int):
        return value
    return str(value)


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
