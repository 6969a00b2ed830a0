"""
What is asked of each `*_overwrite_allowed`: which texts of which CI variable would be a way out.

For annotations the way out is known exactly: a key of Calico with a value that Calico takes (`cni-plugin/pkg/k8s` in
projectcalico/calico). For the other settings it is a choice, made here and explained in
docs/explanation/overwrites.md.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Final, assert_never

from runner_bridge.core.model.annotations import CALICO, FAMILIES_KEY, POOL_KEYS
from runner_bridge.core.overwrites import goal
from runner_bridge.core.overwrites.inverse import Define, through_expansion

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner_bridge.core.overwrites.goal import Machine

_PROTECTED = re.compile(r"(?i)(?:[^/]*\.)?runner\.gitlab\.com/")
"""Labels that the runner lets nobody replace (executors/kubernetes/kubernetes.go)."""
OWN_LABELS: Final = "runner-bridge.dev/"
CONTROL_PLANE: Final = "node-role.kubernetes.io/control-plane"
HOST_NAME: Final = "kubernetes.io/hostname"

USUAL: Final = {
    f"{CALICO}ipv4pools": '["default"]',
    f"{CALICO}ipv6pools": '["default"]',
    f"{CALICO}ipAddrs": '["10.10.0.1"]',
    f"{CALICO}ipAddrsNoIpam": '["10.10.0.1"]',
    f"{CALICO}floatingIPs": '["10.10.0.1"]',
    f"{CALICO}allowedSourcePrefixes": '["0.0.0.0/0"]',
    FAMILIES_KEY: '["IPv6"]',
}
"""Each annotation by which a pod chooses its address, with a value that everybody recognises."""


class Setting(StrEnum):
    """The keys of `[runners.kubernetes]` that let a job overwrite something, by a regular expression or a bool."""

    ANNOTATIONS = "pod_annotations_overwrite_allowed"
    LABELS = "pod_labels_overwrite_allowed"
    NAMESPACE = "namespace_overwrite_allowed"
    SERVICE_ACCOUNT = "service_account_overwrite_allowed"
    NODE_SELECTOR = "node_selector_overwrite_allowed"
    NODE_TOLERATIONS = "node_tolerations_overwrite_allowed"
    BEARER_TOKEN = "bearer_token_overwrite_allowed"  # noqa: S105 - the name of a setting


VARIABLES: Final = {
    Setting.ANNOTATIONS: "KUBERNETES_POD_ANNOTATIONS_1",
    Setting.LABELS: "KUBERNETES_POD_LABELS_1",
    Setting.NAMESPACE: "KUBERNETES_NAMESPACE_OVERWRITE",
    Setting.SERVICE_ACCOUNT: "KUBERNETES_SERVICE_ACCOUNT_OVERWRITE",
    Setting.NODE_SELECTOR: "KUBERNETES_NODE_SELECTOR_1",
    Setting.NODE_TOLERATIONS: "KUBERNETES_NODE_TOLERATIONS_1",
    Setting.BEARER_TOKEN: "KUBERNETES_BEARER_TOKEN",
}
"""The CI variable of each setting; of those that are a prefix, with a `1` behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The way out of one setting, once as automata and once as a plain predicate that checks every proof."""

    reach: Machine
    """What a job must be able to write at all; where it cannot, the setting is harmless."""
    ways_out: tuple[Callable[[], tuple[Machine, ...]], ...]
    """Ways out, the most readable first; built when needed. Of one way every machine must be reachable; the first gives
    the proof."""
    is_way_out: Callable[[str, str], bool]
    """Of key and value as they arrive on the pod. The key is empty where the setting has none."""
    samples: tuple[str, ...]
    """Texts that reach it: where the pattern is called safe, google-re2 must match none of them."""
    longest: int | None = None
    """A text longer than this is refused by Kubernetes; None where that is not the point."""


def takes(key: str, value: str) -> bool:
    """
    Whether Calico accepts `value` for its annotation `key` and the pod thereby leaves what was configured.

    Any JSON list of strings counts: whether a pool of that name exists is the cluster's business. For the two lists
    of pools `[]` and `null` select automatically, and an empty text falls back to the namespace; both lose the
    configured pool. An emptied `ipFamilies` brings back the family that was left out.
    """
    if key not in USUAL:
        return False
    if not value:
        return key in POOL_KEYS or key == FAMILIES_KEY
    try:
        parsed = json.loads(value)
    except (ValueError, RecursionError):
        return False
    if parsed is None or parsed == []:
        return key in POOL_KEYS
    return isinstance(parsed, list) and all(isinstance(one, str) for one in parsed)


@lru_cache(maxsize=64)
def question(setting: Setting, configured: tuple[str, ...] = ()) -> Question:
    """
    Ask what matters of one setting that holds a regular expression.

    Args:
        setting: any but `BEARER_TOKEN`.
        configured: the keys that config.toml itself sets in the table which may be overwritten.
    """
    match setting:
        case Setting.ANNOTATIONS:
            return _annotations()
        case Setting.LABELS:
            return _labels(configured)
        case Setting.NAMESPACE:
            return _names(goal.mask("-"), ("kube-system",), "[a-z0-9]([-a-z0-9]*[a-z0-9])?", 63)
        case Setting.SERVICE_ACCOUNT:
            return _names(goal.mask("-."), (), "[a-z0-9]([-a-z0-9.]*[a-z0-9])?", 253)
        case Setting.NODE_SELECTOR:
            return _node_selector(configured)
        case Setting.NODE_TOLERATIONS:
            return _node_tolerations()
        case Setting.BEARER_TOKEN:
            message = f"{setting} holds no regular expression"
            raise ValueError(message)
    assert_never(setting)


def _annotations() -> Question:
    return Question(
        reach=goal.after({f"{key}=": goal.ANYTHING for key in USUAL}),
        ways_out=(
            cache(lambda: _usual(f"{CALICO}ipv4pools")),
            cache(lambda: _usual(*USUAL)),
            cache(_plain_lists),
            *(cache(partial(_everything_taken, define)) for define in Define),
        ),
        is_way_out=takes,
        samples=tuple(f"{key}={value}" for key, value in USUAL.items()),
    )


def _usual(*keys: str) -> tuple[Machine, ...]:
    """Accept the recognisable value of each key, and references that vanish."""
    return (goal.after({f"{key}=": through_expansion(goal.literal(USUAL[key]), Define.NONE) for key in keys}),)


def _plain_lists() -> tuple[Machine, ...]:
    """Accept lists of what may be names of pools, addresses or ranges."""
    lists = goal.json_list(goal.LOWER | goal.DIGITS | goal.mask("-.:/"), escapes=False)
    return (goal.after(dict.fromkeys((f"{key}=" for key in USUAL), through_expansion(lists, Define.PROPER))),)


def _everything_taken(define: Define) -> tuple[Machine, ...]:
    """Accept all that `takes` does."""
    pools = through_expansion(goal.json_list(nothing=("[]", "")), define)
    families = through_expansion(goal.json_list(nothing=("",)), define)
    others = through_expansion(goal.json_list(), define)
    special = {**dict.fromkeys(POOL_KEYS, pools), FAMILIES_KEY: families}
    return (goal.after({f"{key}=": special.get(key, others) for key in USUAL}),)


def _labels(configured: tuple[str, ...]) -> Question:
    """Ask for a label that config.toml sets, one of ours, or `pod`, by which the runner's Services find the pod."""
    configured = tuple(key for key in configured if not _PROTECTED.match(key))
    known = (*configured, "pod")
    value = through_expansion(goal.literal("faked"), Define.NONE)

    def faked(keys: tuple[str, ...]) -> tuple[Machine, ...]:
        return (goal.after({f"{key}=": value for key in keys}),)

    everything = goal.after({**{f"{key}=": goal.ANYTHING for key in known}, OWN_LABELS: goal.KEY_AND_ANYTHING})
    return Question(
        reach=everything,
        ways_out=(
            *(cache(partial(faked, keys)) for keys in (configured, ("pod", f"{OWN_LABELS}tier")) if keys),
            lambda: (everything,),
        ),
        is_way_out=lambda key, _: key in known or key.startswith(OWN_LABELS),
        samples=tuple(f"{key}=faked" for key in known),
    )


def _node_selector(configured: tuple[str, ...]) -> Question:
    r"""
    Ask for the node's own name, or any value at all of a label that config.toml selects by. Values are never expanded.

    A pattern that lists the values of such a label is an admin's choice: `^kubernetes\.io/arch=(amd64|arm64)$`.
    """
    valid = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
    known = (HOST_NAME, *configured)
    reach = goal.after(
        {**{f"{key}=": goal.LONGEST_LABEL_VALUE for key in configured}, f"{HOST_NAME}=": goal.LABEL_VALUE}
    )

    def any_value(key: str) -> tuple[Machine, ...]:
        return tuple(goal.after({f"{key}=": value}) for value in (goal.LABEL_VALUE, goal.LONGEST_LABEL_VALUE))

    def usual(key: str) -> tuple[Machine, ...]:
        return (goal.literal(f"{key}=worker-2"), any_value(key)[1])

    return Question(
        reach=reach,
        ways_out=(
            lambda: (goal.literal(f"{HOST_NAME}=worker-2"),),
            lambda: (goal.after({f"{HOST_NAME}=": goal.LABEL_VALUE}),),
            *(partial(way, key) for way in (usual, any_value) for key in configured),
        ),
        is_way_out=lambda key, text: key in known and valid.fullmatch(text) is not None,
        samples=(f"{HOST_NAME}=worker-2", *(f"{key}={'x' * 63}" for key in configured)),
    )


def _node_tolerations() -> Question:
    """Ask for the taint of the control plane, or all taints at once. `key[=value][:effect]`; never expanded."""
    effects = ("", ":NoSchedule", ":NoExecute", ":")
    texts = tuple(f"{key}{effect}" for key in (CONTROL_PLANE, f"{CONTROL_PLANE}=", "") for effect in effects)
    return Question(
        reach=goal.literal(*texts),
        ways_out=(lambda: (goal.literal(f"{CONTROL_PLANE}:NoSchedule"),), lambda: (goal.literal(*texts),)),
        is_way_out=lambda _, text: text in texts,
        samples=texts,
    )


def _names(inner: int, worst: tuple[str, ...], valid: str, longest: int) -> Question:
    """
    Ask for names of namespaces or accounts that begin as the pattern never meant.

    What was meant is unknown; but a pattern that allows names with two unrelated beginnings does not bind the
    beginning at all.
    """
    fits = re.compile(valid)
    foreign = (goal.name(inner=inner, first="prod-"), goal.name(inner=inner, first="other-"))
    return Question(
        reach=goal.name(inner=inner),
        ways_out=(lambda: (goal.literal(*worst),), lambda: foreign),
        is_way_out=lambda _, text: len(text) <= longest and fits.fullmatch(text) is not None,
        samples=("prod-x", "x"),
        longest=longest,
    )
