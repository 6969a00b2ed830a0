"""`pod_spec` patches: whether they are on, who may switch them, and what they do to the pod's network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.lint.runner_config.report import (
    Runner,
    find,
    join,
    scalar_of,
    table_of,
    tables_of,
    text_of,
)
from runner_bridge.core.lint.templates import is_covered
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.text.toml import Array, Scalar, Table
from runner_bridge.core.text.yaml import Kind, Malformed, Node
from runner_bridge.core.text.yaml import parse as parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding, Place

FLAG = "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"
PATCH_TYPES = ("strategic", "merge", "json")


def check(runner: Runner) -> Iterator[Finding]:
    """Yield what is wrong with the patches of one runner; nothing when the flag is pinned to false."""
    patches = tables_of(runner.kubernetes, "pod_spec") if runner.kubernetes else ()
    pin = _pinned(runner)
    if not patches or pin is False:
        return
    path = join(runner.path, "kubernetes", "pod_spec")
    read = [_Patch(table, f"{path}[{text_of(table, 'name') or number}]") for number, table in enumerate(patches)]
    asked = _by_environment(runner)
    if pin is None:
        yield _switchable(runner, read, asked)
    for patch in read:
        yield from patch.check(active=pin is True or asked is not None)


def _pinned(runner: Runner) -> bool | None:
    flags = table_of(runner.table, "feature_flags")
    flag = scalar_of(flags, FLAG) if flags else None
    if flag is None:
        return None
    # A template decides later; what it may decide is checked as if it were on, and as if no job could change it.
    return bool(flag.value)


def _by_environment(runner: Runner) -> Place | None:
    """Return the place of the flag in `environment`, where that sets it."""
    entry = find(runner.table, "environment")
    items = entry.value.items if entry and isinstance(entry.value, Array) else ()
    for item in items:
        if isinstance(item, Scalar) and str(item.value).casefold() in {
            f"{FLAG}={on}".casefold() for on in ("true", "1", "t")
        }:
            return item.place
    return None


def _switchable(runner: Runner, patches: list[_Patch], asked: Place | None) -> Finding:
    if asked is not None:
        path = join(runner.path, "environment")
        cause = f"A job that sets {FLAG} to false runs without the patches."
        return found(codes.FLAG_NOT_PINNED, path, asked, observed=f"{FLAG} in environment", cause=cause)
    network = next((patch for patch in patches if patch.host_network), None)
    cause = f"A job that sets {FLAG} to true gets them"
    cause += f"; {network.path} then gives its pod the network of the node." if network else "."
    table = (network or patches[0]).table
    return found(
        codes.POD_SPEC_DORMANT,
        join(runner.path, "kubernetes", "pod_spec"),
        table.place,
        observed=f"{len(patches)} patch{'es' if len(patches) > 1 else ''}, and no {FLAG} in [runners.feature_flags]",
        cause=cause,
    )


class _Patch:
    """One patch, read as far as it can be."""

    def __init__(self, table: Table, path: str) -> None:
        self.table = table
        self.path = path
        self.kind = text_of(table, "patch_type") or "strategic"
        self.scalar = scalar_of(table, "patch")
        self.trouble = ""
        self.node = self._read()
        self.host_network = self.node is not None and self._sets_host_network(self.node)
        self.metadata = self.node is not None and self._names_metadata(self.node)

    def _read(self) -> Node | None:
        text = text_of(self.table, "patch")
        if not text:
            return None
        try:
            documents = parse_yaml(text, self.path)
        except Malformed as error:
            self.trouble = f"no YAML: {error.observed} in its line {error.place.line}"
            return None
        node = documents[0] if documents else None
        wanted = Kind.SEQUENCE if self.kind == "json" else Kind.MAPPING
        if node is not None and node.kind is not wanted:
            self.trouble = f"a {node.kind}, expected a {wanted} for patch_type {self.kind}"
            return None
        return node

    def _sets_host_network(self, node: Node) -> bool:
        if self.kind != "json":
            value = node.get("hostNetwork")
            return value is not None and value.value is True
        return any(_operand(one, "path") == "/hostNetwork" and _is_true(one) for one in node.elements)

    def _names_metadata(self, node: Node) -> bool:
        if self.kind != "json":
            return any(node.get(key) is not None for key in ("metadata", "annotations", "labels"))
        paths = [_operand(one, "path") for one in node.elements]
        return any(path == "/metadata" or path.startswith("/metadata/") for path in paths)

    def check(self, *, active: bool) -> Iterator[Finding]:
        """
        Yield what is wrong with the patch.

        Args:
            active: it is on unless a job switches it off; else what it does has been said already.
        """
        patch_type = scalar_of(self.table, "patch_type")
        if patch_type and self.kind not in PATCH_TYPES and not is_covered(patch_type.value):
            yield found(
                codes.INVALID_VALUE,
                join(self.path, "patch_type"),
                patch_type.place,
                observed=repr(self.kind),
                expected=", ".join(PATCH_TYPES),
            )
        place = self.scalar.place if self.scalar else self.table.place
        file = scalar_of(self.table, "patch_path")
        if self.scalar and file and self.scalar.value and file.value:
            yield found(codes.POD_SPEC_UNREADABLE, self.path, file.place, observed="patch and patch_path")
        if self.trouble:
            yield found(codes.POD_SPEC_UNREADABLE, join(self.path, "patch"), place, observed=self.trouble)
        if self.metadata:
            cause = "Every job fails." if self.kind == "json" else "That part of the patch is dropped without a word."
            yield found(codes.POD_SPEC_METADATA, join(self.path, "patch"), place, observed="metadata", cause=cause)
        if self.host_network and active:
            yield found(codes.POD_SPEC_HOST_NETWORK, join(self.path, "patch"), place, observed="hostNetwork: true")


def _operand(operation: Node, name: str) -> str:
    value = operation.get(name)
    return value.text if value is not None else ""


def _is_true(operation: Node) -> bool:
    value = operation.get("value")
    return value is not None and value.value is True
