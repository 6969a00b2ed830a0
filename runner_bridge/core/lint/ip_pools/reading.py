"""
IPPool manifests → `Manifest` values that know where each field stands, and what is wrong with their form.

Reads the two API groups of Calico, lists and `kubectl get -o json` of them, and the pools inside of an `Installation`
of the Tigera operator, which have other field names.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from ipaddress import ip_network
from typing import TYPE_CHECKING

from runner_bridge.core.lint import templates
from runner_bridge.core.lint.ip_pools.documents import objects, operator_pools, word
from runner_bridge.core.lint.ip_pools.fields import (
    FIELDS,
    FLAG,
    OPERATOR_FIELDS,
    OTHER_NAMES,
    TOP,
    USES,
)
from runner_bridge.core.lint.ip_pools.manifest import Group, Manifest
from runner_bridge.core.lint.ip_pools.report import in_quotes, report
from runner_bridge.core.lint.ip_pools.values import (
    fits,
    in_calicos_words,
    is_null,
    seen,
    truth,
)
from runner_bridge.core.lint.selector import Selector
from runner_bridge.core.lint.selector import read as read_selector
from runner_bridge.core.lint.templates import is_covered
from runner_bridge.core.model.codes import ip_pools as codes
from runner_bridge.core.policy import forms
from runner_bridge.core.text.problem import Malformed
from runner_bridge.core.text.yaml import Kind, Node, parse, repeated_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.core.lint.ip_pools.fields import Allowed
    from runner_bridge.core.lint.ip_pools.manifest import Network
    from runner_bridge.core.model import Code, Finding, Place


SELECTOR_LIMIT = 1024
"""Longest selector, in characters."""

_CIDR = re.compile(r"[0-9a-fA-F:.]+/[0-9]{1,3}")


def read(text: str, name: str) -> tuple[tuple[Manifest, ...], tuple[Finding, ...]]:
    """
    Return every pool of a YAML or JSON text, in order, and the findings about its form. Never raises.

    Args:
        text: any YAML; objects that are no pools are passed over.
        name: what the file is called in places.
    """
    masked = templates.mask_yaml(text)
    unchecked = templates.unchecked(masked.lines, name)
    try:
        documents = parse(masked.text, name)
    except Malformed as problem:
        if unchecked:
            return (), templates.unchecked(range(1, text.count("\n") + 2), name)
        return (), (_unreadable(problem),)
    reader = _Reader(is_template=bool(unchecked))
    for document in documents:
        for node, kind in objects(document):
            reader.take(node, kind)
        for element in operator_pools(document):
            reader.operator_pool(element)
    return tuple(reader.pools), (*reader.findings, *unchecked)


def _unreadable(problem: Malformed) -> Finding:
    return report(
        codes.UNREADABLE,
        subject="the file",
        place=problem.place,
        observed=problem.observed,
        expected=problem.expected,
        remedy=problem.remedy,
    )


class _Reader:
    """Collects the pools and findings of one file; used once."""

    def __init__(self, *, is_template: bool) -> None:
        self._is_template = is_template
        self.pools: list[Manifest] = []
        self.findings: list[Finding] = []

    def take(self, node: Node, kind: str) -> None:
        if kind == "IPPool":
            self._ip_pool(node, word(node, "apiVersion"))

    def operator_pool(self, node: Node) -> None:
        place = (node.get("name") or node).place
        self._pool(Manifest(name=word(node, "name"), group=Group.OPERATOR, place=place), node, OPERATOR_FIELDS, node)

    def _ip_pool(self, node: Node, api: str) -> None:
        metadata, spec = node.get("metadata"), node.get("spec")
        name = metadata.get("name") if metadata else None
        group = Group.V1 if api == Group.V1 else Group.V3
        pool = Manifest(
            name=name.text if name and not is_covered(name.text) else "", group=group, place=(name or node).place
        )
        if api and api not in {Group.V1, Group.V3}:
            place = (node.get("apiVersion") or node).place
            expected = f"{Group.V3} or {Group.V1}"
            self._report(codes.API_VERSION, pool, place, observed=in_quotes(api), expected=expected)
        if not pool.name and not (name and is_covered(name.text)):
            self._report(codes.VALUE_REFUSED, pool, pool.place, observed="no metadata.name", expected="a name")
        elif pool.name and not forms.is_object_name(pool.name):
            self._report(
                codes.VALUE_REFUSED,
                pool,
                pool.place,
                observed=in_quotes(pool.name),
                expected="small letters, digits, - and .",
            )
        for key, _ in node.items:
            if key.text not in TOP:
                inside = "The field belongs under spec." if key.text in FIELDS else ""
                self._unknown(pool, key, TOP, inside)
        if spec is not None and spec.kind is Kind.MAPPING:
            self._pool(pool, spec, FIELDS, node)
        elif spec is None or not is_covered(spec.text):
            self._report(codes.CIDR_INVALID, pool, pool.place, observed="no spec", expected="spec with a cidr")

    def _pool(self, pool: Manifest, spec: Node, fields: Mapping[str, Allowed], whole: Node) -> None:
        # In a template the branches of a condition may say the same key.
        for first, repeated in () if self._is_template else repeated_keys(whole):
            cause = f"It stands in line {first.line} already."
            self._report(codes.REPEATED_KEY, pool, repeated.place, observed=in_quotes(repeated.text), cause=cause)
        nodes = {key.text: value for key, value in spec.items if key.text in fields and not is_null(value)}
        for key, _ in spec.items:
            if key.text not in fields:
                self._unknown(pool, key, tuple(fields))
        values = {name: self._value(pool, name, node, fields[name]) for name, node in nodes.items()}
        values = {name: value for name, value in values.items() if value is not None}
        if pool.group is Group.OPERATOR:
            values, nodes = in_calicos_words(values, nodes)
        if "cidr" not in nodes:
            self._report(codes.CIDR_INVALID, pool, pool.place, observed="no cidr", expected="a network")
        self.pools.append(self._manifest(pool, values, nodes))

    def _manifest(self, pool: Manifest, values: Mapping[str, object], nodes: Mapping[str, Node]) -> Manifest:
        namespaces = str(values.get("namespaceSelector", ""))
        uses = values.get("allowedUses")
        size = values.get("blockSize")
        unread = frozenset(nodes) - frozenset(values)
        return Manifest(
            name=pool.name,
            group=pool.group,
            place=pool.place,
            cidr=self._network(pool, nodes["cidr"]) if "cidr" in values else None,
            block_size=size if isinstance(size, int) else 0,
            nat_outgoing=values.get("natOutgoing") is True,
            disabled=values.get("disabled") is True,
            disable_bgp_export=values.get("disableBGPExport") is True,
            node_selector=Selector()
            if "nodeSelector" in unread
            else read_selector(str(values.get("nodeSelector", "all()"))),
            namespace_selector=read_selector(namespaces) if namespaces else None,
            allowed_uses=uses if isinstance(uses, tuple) else (),
            manual=values.get("assignmentMode") == "Manual",
            ipip=str(values.get("ipipMode", "")),
            vxlan=str(values.get("vxlanMode", "")),
            nodes={name: node for name, node in nodes.items() if name not in unread},
            unread=unread,
        )

    def _value(self, pool: Manifest, name: str, node: Node, allowed: Allowed) -> object:
        """Return the value of a field, None where it is refused or cannot be known."""
        if is_covered(node.text) or any(is_covered(one.text) for one in node.elements):
            return None
        if name.endswith("Selector") and node.tag.startswith("!"):
            self._report(
                codes.SELECTOR_TAG,
                pool,
                node.place,
                observed=f"{name}: {node.tag}{f' {node.text}' if node.text else ''}",
                expected=f'{name}: "{f"{node.tag} {node.text}".strip()}"',
            )
            return None
        if name == "allowedUses":
            return self._uses(pool, node)
        value = truth(node) if allowed == FLAG else node.value
        if isinstance(allowed, tuple):
            is_allowed, expected = value in allowed, f"one of {', '.join(allowed)}"
        else:
            is_allowed, expected = fits(value, allowed), allowed
        if not is_allowed:
            self._report(codes.VALUE_REFUSED, pool, node.place, observed=f"{name}: {seen(node)}", expected=expected)
            return None
        if name.endswith("Selector") and len(node.text) > SELECTOR_LIMIT:
            observed, expected = f"{name} of {len(node.text):,} characters", f"at most {SELECTOR_LIMIT:,}"
            self._report(codes.VALUE_REFUSED, pool, node.place, observed=observed, expected=expected)
            return None
        return value

    def _uses(self, pool: Manifest, node: Node) -> object:
        expected = f"a list of {', '.join(USES)}"
        if node.kind is not Kind.SEQUENCE:
            observed = f"allowedUses: {seen(node)}"
            self._report(codes.VALUE_REFUSED, pool, node.place, observed=observed, expected=expected)
            return None
        wrong = [one for one in node.elements if one.value not in USES]
        for one in wrong:
            observed = f"allowedUses: {seen(one)}"
            self._report(codes.VALUE_REFUSED, pool, one.place, observed=observed, expected=expected)
        return None if wrong else tuple(one.text for one in node.elements)

    def _network(self, pool: Manifest, node: Node) -> Network | None:
        text = node.text
        network = _network(text, strict=False) if _CIDR.fullmatch(text) else None
        if network is None:
            self._report(codes.CIDR_INVALID, pool, node.place, observed=in_quotes(text), expected="a network")
        elif _network(text, strict=True) is None:
            observed = f"host bits in {text}"
            self._report(codes.CIDR_INVALID, pool, node.place, observed=observed, expected=str(network))
            return None
        return network

    def _unknown(self, pool: Manifest, key: Node, known: tuple[str, ...], cause: str = "") -> None:
        by_letters = {name.lower(): name for name in known}
        close = get_close_matches(key.text.lower(), by_letters, 1, 0.75)
        other = OTHER_NAMES.get(key.text, "")
        meant = by_letters[close[0]] if close else other if other.split(" ", maxsplit=1)[0] in known else ""
        remedy = f"Write {meant}." if meant else ""
        self._report(
            codes.UNKNOWN_FIELD,
            pool,
            key.place,
            observed=in_quotes(key.text),
            expected=meant or f"one of {', '.join(known)}",
            cause=cause,
            remedy=remedy if not cause else "Move it under spec.",
        )

    def _report(
        self,
        code: Code,
        pool: Manifest,
        place: Place,
        *,
        observed: str,
        expected: str = "",
        cause: str = "",
        remedy: str = "",
    ) -> None:
        self.findings.append(
            report(
                code,
                subject=pool.subject,
                place=place,
                observed=observed,
                expected=expected,
                cause=cause,
                remedy=remedy,
            )
        )


def _network(text: str, *, strict: bool) -> Network | None:
    try:
        return ip_network(text, strict=strict)
    except ValueError:
        return None
