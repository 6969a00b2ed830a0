"""
What kind of file a text is: told from what stands in it, the name only helps where the content says nothing.

A text may be of several kinds: one YAML file can hold a ConfigMap of a runner and a pool. A text of none of them is
somebody else's; whether that is an error depends on who named the file.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING

from runner_bridge.core.lint import carried
from runner_bridge.core.lint.ip_pools.documents import objects, operator_pools
from runner_bridge.core.lint.templates import is_covered, mask_yaml
from runner_bridge.core.text.problem import Malformed
from runner_bridge.core.text.yaml import Kind as NodeKind
from runner_bridge.core.text.yaml import parse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner_bridge.core.text.yaml import Node

SUFFIXES = (".yaml", ".yml", ".json", ".toml")
"""Names of files that a folder is searched for."""


class Kind(StrEnum):
    """The kinds of files that have a linter; the words of `--kind`."""

    POLICY = "policy"
    RUNNER_CONFIG = "runner-config"
    HELM_VALUES = "helm-values"
    CONFIG_MAP = "config-map"
    IP_POOLS = "ip-pools"


POLICY_KEYS = frozenset(
    {
        "version",
        "gitlab",
        "cluster",
        "manager",
        "pools",
        "tiers",
        "workloads",
        "waivers",
        "privacy",
        "enforce",
        "installations",
    }
)
"""Keys at the top of a policy; a folder may have them in several files."""
_CHART_KEYS = frozenset({"gitlabUrl", "runnerToken", "runnerRegistrationToken", "unregisterRunners", "checkInterval"})

_MANIFESTS = {
    "IPPool": Kind.IP_POOLS,
    "Installation": Kind.IP_POOLS,
    "ConfigMap": Kind.CONFIG_MAP,
    "Secret": Kind.CONFIG_MAP,
    "Runner": Kind.CONFIG_MAP,
}
_TOML = re.compile(
    r"(?m)^[ \t]*(?:\[\[runners\]\]|\[runners[.\]]|\[session_server\]"
    r"|(?:concurrent|check_interval|listen_address)[ \t]*=)"
)
_YAML_KEY = re.compile(r"(?m)^([A-Za-z][\w-]*):(?:\s|$)")
_KIND = re.compile(r"(?m)(?:^kind|[\"']kind[\"'])[ \t]*:[ \t]*[\"']?([A-Za-z]+)")


def kinds_of(text: str, name: str) -> tuple[Kind, ...]:
    """
    Return the kinds of a text, each once, in the order in which they appear; none for somebody else's file.

    A file that cannot be read as YAML, a template for example, is told from lines that look like one kind.

    >>> kinds_of("concurrent = 4", "config.toml")
    (<Kind.RUNNER_CONFIG: 'runner-config'>,)
    >>> kinds_of("kind: Deployment", "web.yaml")
    ()
    """
    if name.endswith(".toml"):
        return (Kind.RUNNER_CONFIG,) if _TOML.search(text) or not text.strip() else ()
    try:
        documents = parse(mask_yaml(text).text, name)
    except Malformed:
        return _from_lines(text)
    found = [kind for document in documents for kind in _of_document(document)]
    if not found and not any(document.kind is NodeKind.MAPPING for document in documents):
        return (Kind.RUNNER_CONFIG,) if _TOML.search(text) else ()
    return _unique(found)


def unreadable(text: str, name: str) -> str:
    """Return why a text cannot be read as YAML, where and what to do; empty where it can."""
    try:
        parse(mask_yaml(text).text, name)
    except Malformed as error:
        return str(error)
    return ""


def only_wraps_values(text: str, name: str) -> bool:
    """Tell whether a file hands values to the runner's chart, as Argo CD or helmfile do, and is no values file."""
    try:
        documents = parse(mask_yaml(text).text, name)
    except Malformed:
        return False
    plain = [{key.text: value for key, value in document.items} for document in documents]
    if any("kind" not in keys and Kind.HELM_VALUES in _of_keys(keys) for keys in plain):
        return False
    return any(Kind.HELM_VALUES in _of_document(document) for document in documents)


def is_policy_part(text: str, name: str) -> bool:
    """Tell whether a text has only keys of a policy: beside one in the same folder it is a part of it."""
    try:
        documents = parse(text, name)
    except Malformed:
        return False
    keys = {key.text for document in documents for key, _ in document.items}
    return bool(keys) and keys <= POLICY_KEYS


def is_whole_policy(text: str, name: str) -> bool:
    """Tell whether a policy file stands by itself, and is no part of one that is split over a folder."""
    try:
        documents = parse(text, name)
    except Malformed:
        return True
    return any({"tiers", "pools"} <= {key.text for key, _ in document.items} for document in documents)


def _of_document(document: Node) -> Iterable[Kind]:
    if any(True for _ in operator_pools(document)):
        yield Kind.IP_POOLS
    for one in (document, *(inner for text in carried.texts(document) for inner in text.documents)):
        if any(True for _ in carried.values(one)):
            yield Kind.HELM_VALUES
        if one is not document and any(kind == "ConfigMap" and _is_ours(node, kind) for node, kind in objects(one)):
            yield Kind.CONFIG_MAP
    for node, kind in objects(document):
        if kind:
            if kind in _MANIFESTS and _is_ours(node, kind):
                yield _MANIFESTS[kind]
        elif node is document:
            yield from _of_keys({key.text: value for key, value in node.items})


def _is_ours(node: Node, kind: str) -> bool:
    api = node.get("apiVersion")
    if kind == "Installation":
        return api is not None and api.text.startswith("operator.tigera.io/")
    if kind == "Runner":
        return api is not None and api.text.startswith("apps.gitlab.com/")
    if kind == "IPPool":
        return True
    parts = [part for part in (node.get("data"), node.get("stringData")) if part]
    return any(
        key.text.endswith(".toml") or carried.is_toml(key.text, value.text)
        for part in parts
        for key, value in part.items
    )


def _of_keys(keys: dict[str, Node]) -> Iterable[Kind]:
    runners = keys.get("runners")
    has_runners = runners is not None and (runners.kind is NodeKind.MAPPING or is_covered(runners.text))
    if keys.keys() & _CHART_KEYS or "gitlab-runner" in keys or has_runners:
        yield Kind.HELM_VALUES
    elif _is_policy(keys):
        yield Kind.POLICY


def _is_policy(keys: dict[str, Node]) -> bool:
    if "version" in keys and keys.keys() & POLICY_KEYS - {"version"}:
        return True
    tiers, pools = keys.get("tiers"), keys.get("pools")
    if tiers is not None and tiers.kind is NodeKind.MAPPING:
        return True
    # `pools` alone is a common word; with `cidr` below it is ours.
    return pools is not None and any(value.get("cidr") for _, value in pools.items)


def _from_lines(text: str) -> tuple[Kind, ...]:
    manifests = [_MANIFESTS[kind] for kind in _KIND.findall(text) if kind in _MANIFESTS]
    if manifests:
        return _unique(manifests)
    keys = set(_YAML_KEY.findall(text))
    if "kind" in keys:
        return ()
    if keys & _CHART_KEYS or "runners" in keys or "gitlab-runner" in keys:
        return (Kind.HELM_VALUES,)
    if "tiers" in keys:
        return (Kind.POLICY,)
    return (Kind.RUNNER_CONFIG,) if _TOML.search(text) else ()


def _unique(kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    return tuple(dict.fromkeys(kinds))
