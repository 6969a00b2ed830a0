"""
The last look at what is about to leave: what was written is read again and must say what the policy says.

Compares with the policy itself and not with the values that were written, so that a mistake on the way from one to the
other is seen as well.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

from runner_bridge.core.errors import RenderError
from runner_bridge.core.model.annotations import ADDRESS_KEYS, FAMILIES_KEY
from runner_bridge.render.fragment.governed import POOL_KEYS, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.policy.model import Policy, Runner, Tier


def parse_back(text: str, artefact: str) -> dict[str, Any]:
    """
    Parse TOML that we wrote.

    Raises:
        RenderError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{artefact}: what was written is no TOML: {error}. This is a defect; nothing was written."
        raise RenderError(message) from error


def prove_same(artefact: str, observed: object, expected: object) -> None:
    """
    Compare what was parsed back with what was to be written.

    Raises:
        RenderError: they differ.
    """
    if canonical(observed) != canonical(expected):
        message = f"{artefact}: what was written differs from what was meant. This is a defect; nothing was written."
        raise RenderError(message)


def prove_section(artefact: str, policy: Policy, runner: Runner, parsed: Mapping[str, Any]) -> None:
    """
    Hold the section of a runner against the policy: its pools, closed overwrites, labels that the runner accepts.

    Raises:
        RenderError: the section does not do what the policy says.
    """
    kubernetes = parsed["kubernetes"]
    tier = policy.tiers[runner.tier]
    prove_annotations(artefact, policy, tier, kubernetes["pod_annotations"])
    job = tier.job
    allowed = {
        "pod_annotations_overwrite_allowed": job.annotation_overwrites,
        "pod_labels_overwrite_allowed": job.label_overwrites,
    }
    for name, item in kubernetes.items():
        if name.endswith("_overwrite_allowed") and item not in ("", False, allowed.get(name, "")):
            _refuse(artefact, f"{runner.name}: {name} is {item!r}, expected an empty one")
    for name in tier.labels:
        if name.partition("/")[0].lower().endswith("runner.gitlab.com"):
            _refuse(artefact, f"{runner.name}: the label {name} is in a domain whose labels the runner drops")


def prove_annotations(artefact: str, policy: Policy, tier: Tier, found: Mapping[str, str]) -> None:
    """
    Hold the annotations of a pod against its tier: exactly its pools, in one string of JSON without variables.

    Raises:
        RenderError: a pod with these annotations would get another address.
    """
    wanted: dict[str, list[str]] = {}
    if tier.pin:
        for family in tier.families:
            wanted[POOL_KEYS[family]] = [pool.name for pool in tier.pools if pool.family == family]
        if policy.cluster.dual_stack and len(set(tier.families)) == 1:
            wanted[FAMILIES_KEY] = list(tier.families)
    seen = {name: _list(artefact, name, found[name]) for name in ADDRESS_KEYS if name in found}
    if seen != wanted:
        _refuse(artefact, f"tier {tier.name}: its pods would ask for {seen}, expected {wanted}")


def _list(artefact: str, name: str, text: str) -> list[str]:
    try:
        names = json.loads(text)
    except ValueError:
        names = None
    if "$" in text or not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
        _refuse(artefact, f"{name} is {text!r}, expected a JSON list of names without variables")
    return list(names)


def _refuse(artefact: str, what: str) -> None:
    message = f"{artefact}: {what}. This is a defect; nothing was written."
    raise RenderError(message)
