"""Label and field selectors, from Kubernetes' documentation of labels and of field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from runner_bridge.simulate.cluster.status import Object, bad_request

if TYPE_CHECKING:
    from runner_bridge.simulate.cluster.resources import Resource

Matcher = Callable[[Object], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<op>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^=!\s]+)\s*(?P<op>==|!=|=)\s*(?P<value>[^=!\s]*)$")
_EXISTS = re.compile(r"^(?P<no>!?)\s*(?P<key>[^=!\s()]+)$")


def everything(_: Object) -> bool:
    """Match every object."""
    return True


def _requirement(text: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.match(text):
        key, values = found["key"], frozenset(each.strip() for each in found["values"].split(","))
        if found["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.match(text):
        key, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.match(text):
        key = found["key"]
        return (lambda labels: key not in labels) if found["no"] else (lambda labels: key in labels)
    raise bad_request(f"unable to parse requirement: {text!r}")


def label_selector(text: str) -> Matcher:
    """
    Return what matches `a=b,c!=d,e in (f,g),h notin (i),j,!k`.

    Raises:
        StatusError: 400, for text that is none.
    """
    if not text.strip():
        return everything
    requirements = [_requirement(each.strip()) for each in re.split(r",(?![^()]*\))", text)]

    def matches(obj: Object) -> bool:
        labels = obj.get("metadata", {}).get("labels") or {}
        return all(holds(labels) for holds in requirements)

    return matches


def _field(obj: Object, path: str) -> str:
    found: object = obj
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)


def field_selector(text: str, resource: Resource) -> Matcher:
    """
    Return what matches `status.phase!=Pending,spec.nodeName=a`; which fields there are depends on the resource.

    Raises:
        StatusError: 400, for a field that cannot be selected by.
    """
    if not text.strip():
        return everything
    terms: list[tuple[str, bool, str]] = []
    for term in text.split(","):
        path, operator, value = re.split(r"(!=|==|=)", term, maxsplit=1) if "=" in term else (term, "", "")
        if not operator:
            raise bad_request(f'invalid selector: "{text}"; can\'t understand "{term}"')
        if path not in {"metadata.name", "metadata.namespace", *resource.selectable}:
            raise bad_request(f"field label not supported: {path}")
        terms.append((path, operator != "!=", value))
    return lambda obj: all((_field(obj, path) == value) is equal for path, equal, value in terms)
