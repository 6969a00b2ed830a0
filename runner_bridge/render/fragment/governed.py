"""
What the policy decides in one runner's section, as plain values; everything else in a section is the admin's.

Sources: GitLab Runner, common/config.go (keys), executors/kubernetes/overwrites.go (what a job may overwrite),
common/build_settings.go (flags of the configuration beat those of a job); Calico, cni-plugin/pkg/k8s/k8s.go (the
annotations that choose an address).
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model.annotations import ADDRESS_KEYS, FAMILIES_KEY
from runner_bridge.core.model.annotations import POOL_KEYS as VERSIONS
from runner_bridge.render.fragment.go_template import escape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Runner, Tier

STAMP = "runner-bridge.dev/generation"
"""Annotation: which state of its own section a job pod was made from."""
TIER_LABEL = "runner-bridge.dev/tier"

POOL_KEYS = {f"IPv{version}": key for key, version in VERSIONS.items()}
"""The annotation that names the pools of a family."""

OVERWRITE = "_overwrite_allowed"
CLOSED = (
    "namespace_overwrite_allowed",
    "service_account_overwrite_allowed",
    "node_selector_overwrite_allowed",
    "node_tolerations_overwrite_allowed",
)
"""Regular expressions that would let a job leave its namespace, account or nodes: always empty."""

PINNED_FLAGS = ("FF_USE_ADVANCED_POD_SPEC_CONFIGURATION", "FF_SUSPENDABLE_ENVIRONMENTS")
"""
Flags that a job can switch by a variable while the section says nothing: the first wakes `pod_spec` patches (one may
set hostNetwork), the second lets a job continue in the namespace that an earlier one names. Off unless the section or
its `environment` says otherwise: what is in force today stays, and a job can no longer change it.
"""
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})  # Go, strconv.ParseBool

_OWN_KEYS = frozenset({"id", "token", "token_obtained_at", "token_expires_at"})


def global_keys(policy: Policy) -> dict[str, Any]:
    """Return the keys that stand before the first `[[runners]]` of a new file; `concurrent` is never below 1."""
    manager = policy.manager
    values = {
        "concurrent": max(1, manager.concurrent),
        "check_interval": manager.check_interval_s,
        "shutdown_timeout": manager.shutdown_timeout_s,
        "log_level": manager.log_level,
        "log_format": manager.log_format,
        "listen_address": manager.listen_address,
    }
    return {name: item for name, item in values.items() if item is not None}


def governed(policy: Policy, runner: Runner, *, token: str = "") -> dict[str, Any]:
    """
    Return the governed keys of a runner's section, in the order in which a new file has them.

    Flags and stamp are not among them, because they depend on the rest of the section; see `complete`. A token is
    among them only where one is given.
    """
    return {
        "name": str(runner.name),
        "url": policy.gitlab.url,
        **({"token": token} if token else {}),
        "executor": "kubernetes",
        "limit": runner.limit,
        "feature_flags": {},
        "kubernetes": kubernetes_keys(policy, policy.tiers[runner.tier]),
    }


def template_keys(policy: Policy, runner: Runner, *, through_tpl: bool) -> dict[str, Any]:
    """
    Return the governed keys of a template: name and url are left out.

    `register --template-config` ignores both (GitLab Runner, commands/register.go), so that they would only mislead.
    With `through_tpl` each `{{` is escaped.
    """
    values = governed(policy, runner)
    del values["name"], values["url"]
    return escape(values) if through_tpl else values


def kubernetes_keys(policy: Policy, tier: Tier) -> dict[str, Any]:
    """Return the governed keys of `[runners.kubernetes]`: what every job pod of the tier is made from."""
    job = tier.job
    values: dict[str, Any] = {"namespace": job.namespace}
    if job.service_account is not None:
        values["service_account"] = job.service_account
    if job.image is not None:
        values["image"] = job.image
    values["poll_timeout"] = job.poll_timeout_s
    values["automount_service_account_token"] = False
    values["bearer_token_overwrite_allowed"] = False
    values.update(dict.fromkeys(CLOSED, ""))
    values["pod_labels_overwrite_allowed"] = job.label_overwrites
    values["pod_annotations_overwrite_allowed"] = job.annotation_overwrites
    if tier.os:
        values["node_selector"] = {"kubernetes.io/os": tier.os}
    values["pod_labels"] = {**tier.labels, TIER_LABEL: str(tier.name)}
    values["pod_annotations"] = {**tier.annotations, **pool_annotations(policy, tier)}
    return values


def pool_annotations(policy: Policy, tier: Tier) -> dict[str, str]:
    """
    Return the Calico annotations that a pod of the tier needs when it is created; empty for a tier that is not pinned.

    On a cluster with both families a tier of one also says which: without that the pod gets an address of the other
    family from whatever pool the cluster prefers, and walks past the NAT.
    """
    if not tier.pin:
        return {}
    found = {POOL_KEYS[family]: _json(pool.name for pool in tier.pools_of(family)) for family in tier.families}
    if policy.cluster.dual_stack and len(tier.families) == 1:
        found[FAMILIES_KEY] = _json(tier.families)
    return found


def _json(names: Any) -> str:  # noqa: ANN401 - any iterable of strings
    return json.dumps(list(names), separators=(",", ":"))


def complete(section: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return a whole section: `section` as it was found (empty for a new one), and `values` in force.

    Flags are pinned, address annotations that the policy does not call for are gone, and the stamp of the result is
    added. Tables in `section` that `values` has too must be tables; nothing that is passed in is changed.
    """
    result = _over(section, values)
    flags = result["feature_flags"]
    for flag in PINNED_FLAGS:
        flags.setdefault(flag, _from_environment(result.get("environment"), flag))
    kubernetes = result["kubernetes"]
    for name, item in kubernetes.items():
        if name.endswith(OVERWRITE) and name not in values["kubernetes"]:
            kubernetes[name] = False if isinstance(item, bool) else ""  # one that a newer runner has
    annotations = kubernetes["pod_annotations"]
    wanted = values["kubernetes"]["pod_annotations"]
    for name in ADDRESS_KEYS:
        if name not in wanted:
            annotations.pop(name, None)
    annotations.pop(STAMP, None)
    annotations[STAMP] = stamp(result)
    return result


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for name, item in above.items():
        merged[name] = _over(merged.get(name, {}), item) if isinstance(item, dict) else item
    return merged


def _from_environment(environment: object, flag: str) -> bool:
    """Tell what `environment = ["FLAG=true"]` makes of a flag; the last entry counts."""
    entries = environment if isinstance(environment, list) else []
    found = [text for name, _, text in (str(entry).partition("=") for entry in entries) if name == flag]
    return bool(found) and found[-1] in _TRUE


def stamp(section: Mapping[str, Any]) -> str:
    """
    Return twelve hexadecimal digits that change with the meaning of a section.

    They do not change with the order of its keys, with comments, a rotated token, or anything in another section.
    """
    said = {name: item for name, item in section.items() if name not in _OWN_KEYS}
    kubernetes = said["kubernetes"]
    annotations = {name: text for name, text in kubernetes["pod_annotations"].items() if name != STAMP}
    said["kubernetes"] = {**kubernetes, "pod_annotations": annotations}
    return sha256(canonical(said).encode()).hexdigest()[:12]


def canonical(item: object) -> str:
    """Return a text that two values share exactly when TOML tells no difference: 1, 1.0 and true are three things."""
    return json.dumps(item, sort_keys=True, separators=(",", ":"), default=repr)
