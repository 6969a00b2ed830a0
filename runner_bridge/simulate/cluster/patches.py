"""Merge patches. Objects are shared between versions, so a patch copies what it changes and nothing else."""

from __future__ import annotations

from typing import Any

Json = Any
"""Any JSON value."""

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "volumes": "name",
    "env": "name",
    "conditions": "type",
    "ownerReferences": "uid",
}
"""Lists a strategic merge patch merges by a key; every other list is replaced (k8s.io/api, struct tags)."""


def merge(target: Json, patch: Json) -> Json:
    """
    Return `target` with a JSON merge patch applied (RFC 7386).

    >>> merge({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": [3]}})
    {'a': {'c': 2, 'd': [3]}}
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Json, patch: Json) -> Json:
    """
    Return `target` with a strategic merge patch applied: as `merge`, but known lists are merged by their key.

    >>> strategic({"conditions": [{"type": "a", "status": "x"}]}, {"conditions": [{"type": "b", "status": "y"}]})
    {'conditions': [{'type': 'a', 'status': 'x'}, {'type': 'b', 'status': 'y'}]}
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif key in _MERGE_KEYS and isinstance(value, list):
            result[key] = _merge_list(result.get(key) or [], value, _MERGE_KEYS[key])
        else:
            result[key] = strategic(result.get(key), value)
    return result


def _merge_list(old: list[Any], new: list[Any], key: str) -> list[Any]:
    merged = {item[key]: item for item in old}
    for item in new:
        merged[item[key]] = strategic(merged.get(item[key]), item)
    return list(merged.values())
