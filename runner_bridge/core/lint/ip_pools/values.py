"""What the value of a field means to Kubernetes, and whether it is one that the field may have."""

from __future__ import annotations

from runner_bridge.core.lint.ip_pools.fields import ENCAPSULATIONS, FLAG, NUMBER
from runner_bridge.core.lint.ip_pools.report import in_quotes
from runner_bridge.core.text.yaml import Kind, Node, Style

# Tools of Kubernetes read YAML 1.1, where these are truth values too.
_TRUE, _FALSE = frozenset({"yes", "Yes", "YES", "on", "On", "ON"}), frozenset({"no", "No", "NO", "off", "Off", "OFF"})


def is_null(node: Node) -> bool:
    """Tell whether the field counts as absent."""
    return node.kind is Kind.SCALAR and node.value is None and not node.tag


def truth(node: Node) -> object:
    """Return what the tools of Kubernetes read, which know more words for true and false."""
    if node.style is Style.PLAIN and not node.tag:
        if node.text in _TRUE:
            return True
        if node.text in _FALSE:
            return False
    return node.value


def fits(value: object, kind: str) -> bool:
    """Tell whether a value is of a kind: `fields.TEXT`, `NUMBER` or `FLAG`."""
    if kind == FLAG:
        return isinstance(value, bool)
    if kind == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, str)


def seen(node: Node) -> str:
    """Return how a finding quotes a value."""
    if node.kind is not Kind.SCALAR:
        return "a map" if node.kind is Kind.MAPPING else "a list"
    return in_quotes(node.text) if isinstance(node.value, str) else node.text


def in_calicos_words(values: dict[str, object], nodes: dict[str, Node]) -> tuple[dict[str, object], dict[str, Node]]:
    """Return the fields of the operator's pool as an IPPool has them."""
    values, nodes = dict(values), dict(nodes)
    if "natOutgoing" in values:
        values["natOutgoing"] = values["natOutgoing"] == "Enabled"
    if "disableNewAllocations" in values:
        values["disabled"] = values.pop("disableNewAllocations")
        nodes["disabled"] = nodes.pop("disableNewAllocations")
    if "encapsulation" in values:
        values["ipipMode"], values["vxlanMode"] = ENCAPSULATIONS[str(values["encapsulation"])]
        nodes["ipipMode"] = nodes["vxlanMode"] = nodes["encapsulation"]
    return values, nodes
