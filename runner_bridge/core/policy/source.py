"""
The texts of a policy as one tree that knows where everything stands.

A policy may be split over the files of a folder: maps at the top are joined, lists at the top are put one after the
other in the order of the files, `version` may stand in each. A key that stands twice is a problem, in one file or in
two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from runner_bridge.core.model import Place
from runner_bridge.core.model.codes import policy as codes
from runner_bridge.core.policy.report import shown
from runner_bridge.core.text.yaml import Kind, Malformed, Node, Style, parse, repeated_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner_bridge.core.policy.files import Source
    from runner_bridge.core.policy.report import At, Report

_CORE = "tag:yaml.org,2002:"


class Tree:
    """The joined tree."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._maps: dict[int, dict[str, tuple[Node, Node]]] = {}
        """Key and value by name, for each mapping that was asked: one of a thousand keys is asked a thousand times."""

    def node(self, at: At) -> Node | None:
        """Return the value that keys lead to; None where it is not written."""
        node: Node | None = self.root
        for key in at:
            node = self._child(node, key) if node else None
        return node

    def place(self, at: At, *, on_key: bool = False) -> Place:
        """Return the place of a value, or of its key; where it is not written that of the nearest key above."""
        for length in range(len(at), 0, -1):
            node = self.node(at[:length])
            if node is None:
                continue
            on_key = on_key or length < len(at) or node.kind is not Kind.SCALAR
            key = self._key(self.node(at[: length - 1]), at[length - 1]) if on_key else None
            return (key or node).place
        return Place(file=self.root.file)

    def _child(self, node: Node, key: str | int) -> Node | None:
        if isinstance(key, int):
            return node.elements[key] if key < len(node.elements) else None
        found = self._named(node).get(key)
        return found[1] if found else None

    def _key(self, parent: Node | None, key: str | int) -> Node | None:
        found = self._named(parent).get(str(key)) if parent and parent.items else None
        return found[0] if found else None

    def _named(self, node: Node) -> dict[str, tuple[Node, Node]]:
        """Return the items of a mapping by the text of their key; of a repeated key the last."""
        known = self._maps.get(id(node))
        if known is None:
            known = self._maps[id(node)] = {name.text: (name, value) for name, value in node.items}
        return known


def read(sources: Sequence[Source], report: Report) -> dict[str, Any]:
    """
    Return the plain data of all texts and give the report their tree; what cannot be read is reported and left out.

    Keys are the text that is written, so that a pool may be called `10`. Never raises.
    """
    roots = [root for source in sources for root in _roots(source, report)]
    name = sources[0].name if sources else "policy"
    empty = Node(kind=Kind.MAPPING, file=name, line=0, column=0, end_column=0, style=Style.BLOCK)
    tree = Tree(_joined(roots, report) if roots else empty)
    report.tree = tree
    data = _plain(tree.root, (), report)
    assert isinstance(data, dict)  # noqa: S101 - the root is a mapping
    return data


def _roots(source: Source, report: Report) -> list[Node]:
    try:
        documents = parse(source.text, source.name)
    except Malformed as error:
        report.is_partial = True
        report.add(
            codes.MALFORMED,
            place=error.place,
            observed=error.observed,
            expected=error.expected,
            remedy=error.remedy,
        )
        return []
    if documents and (api := _kubernetes_key(documents[0])):
        report.is_partial = True
        report.add(
            codes.UNKNOWN_KEY,
            api.text,
            place=api.place,
            observed="a Kubernetes object",
            expected="a policy, or a part of one",
            remedy="Name the file of the policy, or keep other YAML out of its folder.",
        )
        return []
    if len(documents) > 1:
        report.add(
            codes.MALFORMED,
            place=documents[1].place,
            observed=f"{len(documents)} documents, separated by `---`",
            expected="one in each file",
            remedy="Put each into a file of its own, in one folder.",
        )
    kept = []
    for root in documents[:1]:
        if root.kind is Kind.MAPPING:
            kept.append(root)
            _report_repeated(root, report)
        elif root.text or root.kind is Kind.SEQUENCE:
            report.add(codes.WRONG_TYPE, place=root.place, observed=f"a {root.kind}", expected="a map of keys")
    return kept


def _kubernetes_key(root: Node) -> Node | None:
    """Return the key that makes a text an object of Kubernetes: a folder often holds those, too."""
    keys = {key.text: key for key, _ in root.items}
    return keys.get("apiVersion") if "kind" in keys else None


def _report_repeated(root: Node, report: Report) -> None:
    for first, again in repeated_keys(root):
        _repeated(first, again, report)


def _repeated(first: Node, again: Node, report: Report) -> None:
    report.add(
        codes.REPEATED_KEY,
        again.text,
        place=again.place,
        observed=f"{shown(again.text)} here and at {first.place}",
        expected="it once",
    )


def _joined(roots: list[Node], report: Report) -> Node:
    if len(roots) == 1:
        return roots[0]
    items: dict[str, tuple[Node, Node]] = {}
    for root in roots:
        for key, value in root.items:
            if key.text not in items:
                items[key.text] = (key, value)
                continue
            first_key, first = items[key.text]
            items[key.text] = (first_key, _two_joined(first_key, first, key, value, report))
    return replace(roots[0], items=tuple(items.values()))


def _two_joined(first_key: Node, first: Node, key: Node, value: Node, report: Report) -> Node:
    match first.kind, value.kind:
        case Kind.MAPPING, Kind.MAPPING:
            known = {name.text: name for name, _ in first.items}
            for name, _ in value.items:
                if name.text in known:
                    _repeated(known[name.text], name, report)
            return replace(first, items=(*first.items, *value.items))
        case Kind.SEQUENCE, Kind.SEQUENCE:
            return replace(first, elements=(*first.elements, *value.elements))
    if first.kind is not value.kind or first.value != value.value:
        _repeated(first_key, key, report)
    return first


def _plain(node: Node, at: At, report: Report) -> Any:  # noqa: ANN401 - YAML holds anything
    if node.tag and not node.tag.startswith(_CORE):
        report.add(
            codes.INVALID_VALUE,
            *at,
            place=node.place,
            observed=f"the YAML tag {shown(node.tag)}",
            expected="a value",
            remedy="Put quotes around the value if it is meant as text.",
        )
        report.drop(*at)
    if node.kind is Kind.SCALAR:
        return node.value
    # Nearly all values are scalars without a tag; they are taken without a call, and without the path to them.
    if node.kind is Kind.SEQUENCE:
        return [
            one.value if one.kind is Kind.SCALAR and not one.tag else _plain(one, (*at, number), report)
            for number, one in enumerate(node.elements)
        ]
    data = {}
    for key, value in node.items:
        if key.kind is not Kind.SCALAR:
            observed = f"a {key.kind} as a key"
            report.add(codes.WRONG_TYPE, *at, place=key.place, observed=observed, expected="a name as a key")
        elif value.kind is Kind.SCALAR and not value.tag:
            data[key.text] = value.value
        else:
            data[key.text] = _plain(value, (*at, key.text), report)
    return data
