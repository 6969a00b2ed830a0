"""Where pools stand in a document: as objects, in lists of them, and where the Tigera operator is told of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.text.yaml import Kind, Node

if TYPE_CHECKING:
    from collections.abc import Iterator


def objects(document: Node) -> Iterator[tuple[Node, str]]:
    """Yield the Kubernetes objects of a document with their kind; the items of lists one by one, at any depth."""
    waiting = [(document, "")]
    while waiting:
        node, inherited = waiting.pop()
        kind = word(node, "kind") or inherited
        items = node.get("items")
        if kind.endswith("List") and items is not None and items.kind is Kind.SEQUENCE:
            waiting += [(item, kind.removesuffix("List")) for item in reversed(items.elements)]
        elif node.kind is Kind.MAPPING:
            yield node, kind


def operator_pools(document: Node) -> Iterator[Node]:
    """
    Yield the pools that the Tigera operator is told to make.

    They stand in an `Installation`, in a patch of one (a map, or a list of JSON patch operations), or in the values of
    the operator's chart.
    """
    for node, kind in objects(document):
        if kind == "Installation" and word(node, "apiVersion").startswith("operator.tigera.io/"):
            yield from _below(node, "spec", "calicoNetwork", "ipPools")
        elif not kind and node is document:
            yield from _below(node, "spec", "calicoNetwork", "ipPools")
            yield from _below(node, "installation", "calicoNetwork", "ipPools")
    for operation in document.elements:
        value = operation.get("value")
        if value is not None and word(operation, "path").startswith("/spec/calicoNetwork/ipPools"):
            yield from (one for one in (value, *value.elements) if one.kind is Kind.MAPPING)


def _below(node: Node, *steps: str) -> Iterator[Node]:
    at: Node | None = node
    for step in steps:
        at = at.get(step) if at is not None else None
    if at is not None:
        yield from (element for element in at.elements if element.kind is Kind.MAPPING)


def word(node: Node, key: str) -> str:
    """Return the text of a key, empty where it is absent or no text."""
    value = node.get(key)
    return value.text if value is not None and isinstance(value.value, str) else ""
