"""Annotations and labels of job pods: the pool annotation above all."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from ipaddress import ip_network
from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config.report import Runner, join, table_of
from runner_bridge.core.lint.templates import FILLER, is_covered
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.annotations import CALICO, POOL_KEYS
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.text.toml import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding, Place
    from runner_bridge.core.text.toml import Entry, Table

_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_FIXED = tuple(f"{CALICO}{name}" for name in ("ipAddrs", "ipAddrsNoIpam", "hwAddr", "floatingIPs"))
_OTHERS = tuple(f"{CALICO}{name}" for name in ("ipFamilies", "allowedSourcePrefixes", "qosPolicies"))

# apimachinery/pkg/util/validation: a qualified name, after an optional DNS subdomain. Annotation keys are checked in
# small letters, label keys as they are.
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_RUNNERS_OWN = re.compile(r"(?i)(?:[^/]*\.)?runner\.gitlab\.com/.*")


def check(runner: Runner) -> Iterator[Finding]:
    """Yield what is wrong with the annotations and labels of one runner."""
    kubernetes = runner.kubernetes
    if kubernetes is None:
        return
    path = join(runner.path, "kubernetes")
    annotations = table_of(kubernetes, "pod_annotations")
    for entry in _entries(annotations):
        yield from _annotation(entry, join(path, "pod_annotations", entry.key.name))
    for entry in _entries(table_of(kubernetes, "pod_labels")):
        yield from _label(entry, join(path, "pod_labels", entry.key.name))
    if pinned(runner) and runner.executor not in {"", "kubernetes"} and annotations is not None:
        yield found(
            codes.KUBERNETES_UNUSED,
            join(path, "pod_annotations"),
            annotations.place,
            observed=f"executor {runner.executor!r}",
            expected='"kubernetes"',
        )


def pinned(runner: Runner) -> bool:
    """Tell whether the job pods of a runner ask for a pool."""
    annotations = table_of(runner.kubernetes, "pod_annotations") if runner.kubernetes else None
    return annotations is not None and any(key in annotations.entries for key in POOL_KEYS)


def _entries(table: Table | None) -> list[Entry]:
    return [entry for name, entry in table.entries.items() if FILLER not in name] if table else []


def _annotation(entry: Entry, path: str) -> Iterator[Finding]:
    key, place = entry.key.name, entry.key.place
    if key in POOL_KEYS:
        if isinstance(entry.value, Scalar) and isinstance(entry.value.value, str):
            yield from _pool_annotation(entry.value.value, path, entry.value.place, version=POOL_KEYS[key])
        return
    if key in _FIXED:
        yield found(codes.FIXED_ADDRESS, path, place, observed=key.removeprefix(CALICO))
    elif meant := misspelt(key):
        yield found(
            codes.POOL_ANNOTATION_MISSPELT, path, place, observed=key, expected=meant, remedy=f'Write "{meant}".'
        )
    elif not _is_key(key.casefold()):
        yield found(codes.METADATA_KEY, path, place, observed=f"{key!r}", expected=_why(key))
    elif _RUNNERS_OWN.fullmatch(key):
        yield found(codes.ANNOTATION_REPLACED, path, place, observed=key)
    elif key.startswith(_APP_ARMOR):
        remedy = "Use app_armor_profile in the security context of the container."
        yield found(codes.DEPRECATED_KEY, path, place, observed=key, remedy=remedy)


def _pool_annotation(value: str, path: str, place: Place, *, version: int) -> Iterator[Finding]:
    """Yield what is wrong with a list of pools of one IP version, as the runner and Calico would see it."""
    if is_covered(value):
        return
    if "$" in value:
        yield found(
            codes.POOL_ANNOTATION_VARIABLE,
            path,
            place,
            observed=value,
            expected="names of pools",
            cause=f"A job that sets {_variable(value)} gets the pool that it names.",
        )
        return
    trouble = _pool_list(value, version=version)
    if trouble:
        expected = """a JSON list of pools, '["infraestrutura"]'"""
        yield found(codes.POOL_ANNOTATION_INVALID, path, place, observed=trouble, expected=expected)


def _variable(value: str) -> str:
    found_ = re.search(r"\$\{?(\w+)", value)
    return found_[1] if found_ else "a variable"


def _pool_list(value: str, *, version: int) -> str:
    """Return what is wrong with a list of pools of one IP version; empty when nothing is."""
    try:
        pools = json.loads(value)
    except (ValueError, RecursionError):
        return f"{value!r}, which is no JSON" if value.strip() else "an empty text"
    if not isinstance(pools, list):
        return f"{value!r}, which is no list"
    if not pools:
        return "an empty list"
    return next(filter(None, (_pool(pool, version) for pool in pools)), "")


def _pool(pool: object, version: int) -> str:
    """Return what is wrong with one pool; it is named as Kubernetes names objects, or by its range."""
    if not isinstance(pool, str) or not pool.strip():
        return f"{json.dumps(pool, ensure_ascii=False)}, which is no name of a pool"
    if _DOMAIN.fullmatch(pool):
        return ""
    try:
        other = ip_network(pool, strict=False).version if "/" in pool else None
    except ValueError:
        other = None
    if other is None:
        return f"{pool!r}, which no pool can be called"
    return "" if other == version else f"{pool!r}, which is a range of IPv{other} and not of IPv{version}"


def misspelt(key: str) -> str:
    """Return the key that Calico knows for one that only looks like it; empty when it is nothing of the kind."""
    if not re.search(r"(?i)projectcalico|ip_?v?[46]_?pools?\Z", key) or key in _OTHERS:
        return ""
    known = {one.casefold(): one for one in (*POOL_KEYS, *_FIXED, *_OTHERS)}
    last = key.rsplit("/", 1)[-1].casefold().replace("_", "")
    same = next((one for one in known.values() if one.rsplit("/", 1)[-1].casefold() == last), "")
    close = get_close_matches(key.casefold(), known, n=1, cutoff=0.85)
    return same or (known[close[0]] if close else "")


def _label(entry: Entry, path: str) -> Iterator[Finding]:
    key, place = entry.key.name, entry.key.place
    if key in POOL_KEYS:
        yield found(
            codes.MISPLACED_KEY,
            path,
            place,
            observed="the pool annotation as a label",
            expected="it in [runners.kubernetes.pod_annotations]",
            cause="Calico reads annotations; a label of that name does nothing.",
            remedy="Move it to [runners.kubernetes.pod_annotations].",
        )
    elif _RUNNERS_OWN.fullmatch(key):
        yield found(codes.LABEL_RESERVED, path, place, observed=key)
    elif not _is_key(key):
        yield found(codes.METADATA_KEY, path, place, observed=f"{key!r}", expected=_why(key))


def _is_key(key: str) -> bool:
    domain, slash, name = key.rpartition("/")
    return bool(_NAME.fullmatch(name)) and (not slash or bool(_DOMAIN.fullmatch(domain)))


def _why(key: str) -> str:
    domain, slash, name = key.rpartition("/")
    if slash and not _DOMAIN.fullmatch(domain.casefold()):
        return "a DNS name before the slash"
    if len(name) > 63:
        return "at most 63 characters after the slash"
    return "letters, digits, -, _ and ., with a letter or digit at both ends"
