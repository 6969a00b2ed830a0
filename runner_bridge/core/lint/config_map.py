"""
Problems in Kubernetes manifests that hold a runner's configuration: ConfigMap, Secret, and the Operator's Runner.

The TOML inside is linted where it stands. Whether it is a whole config.toml or a template for `gitlab-runner register`
is told by its key, by a Runner of the same file that names it, and by whether a url or a token stands in it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.lint import carried, templates
from runner_bridge.core.lint.helm_values import read
from runner_bridge.core.lint.ip_pools.documents import objects
from runner_bridge.core.lint.runner_config.embedded import (
    Embedded,
    Variable,
    embedded,
    environment,
    looks_like_token,
    secrets,
    template_rules,
)
from runner_bridge.core.lint.runner_config.report import find, join
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.annotations import POOL_KEYS
from runner_bridge.core.model.codes import helm as codes
from runner_bridge.core.model.codes import runner_config as runner_codes
from runner_bridge.core.text.yaml import Kind, Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner_bridge.core.model import Finding, Place

_NOT_APPLIED = {
    "request_concurrency": "RUNNER_REQUEST_CONCURRENCY",
    "output_limit": "RUNNER_OUTPUT_LIMIT",
    "poll_timeout": "KUBERNETES_POLL_TIMEOUT",
}
"""Keys of a template that the Operator does not apply, and the variables that do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """The start of a text whose inner places cannot be told."""

    node: Node

    def inner_place(self, line: int, column: int, end_column: int = 0) -> Place:
        del line, column, end_column
        return self.node.place


def lint(text: str, name: str) -> tuple[Finding, ...]:
    """
    Return the problems of the runner configuration in Kubernetes manifests, in the order of the lines. Never raises.

    >>> manifest = "{kind: ConfigMap, data: {config.toml: 'concurrent = 0'}}"
    >>> [finding.code.name for finding in lint(manifest, "cm.yaml")]
    ['concurrent-below-one']
    """
    documents, findings = read(text, name)
    found_objects = [pair for document in documents for pair in objects(document)]
    for document in documents:
        for wrapped in carried.texts(document):
            inside = [pair for one in wrapped.documents for pair in objects(one) if pair[1] in {"ConfigMap", "Secret"}]
            findings.extend(templates.unchecked(wrapped.unchecked, name) if inside else ())
            found_objects += inside
    runners = [node for node, kind in found_objects if kind == "Runner"]
    for node, kind in found_objects:
        match kind:
            case "ConfigMap" | "Secret":
                findings.extend(_map(node, kind, name, runners, found_objects))
            case "Runner":
                findings.extend(_runner(node))
            case _:
                pass
    findings.sort(key=lambda one: (one.place.line, one.place.column) if one.place else (0, 0))
    return tuple(findings)


def _map(
    node: Node, kind: str, name: str, runners: Sequence[Node], everything: Sequence[tuple[Node, str]]
) -> Iterator[Finding]:
    own = _name(node)
    owner = next((one for one in runners if _text(_spec(one, "config")) == own and kind == "ConfigMap"), None)
    for path, key, value in _entries(node, kind):
        text, exact = _decoded(value, encoded=path == "data" and kind == "Secret")
        if carried.is_toml(key, text):
            offset = value if exact else _Start(node=value)
            inner = _toml(text, name, offset, join(path, key), owner is not None)
            yield from _checked(inner, kind, owner, everything)
        elif kind == "ConfigMap" and looks_like_token(text):
            yield found(codes.SECRET_IN_CONFIG_MAP, join(path, key), value.place)
    for runner in runners:
        # Where the template stands in the file too, the variables are judged beside it.
        if kind == "ConfigMap" and _text(_spec(runner, "env")) == own and not _has_template(runner, everything):
            yield from environment(_variables(node), None)


def _has_template(runner: Node, everything: Sequence[tuple[Node, str]]) -> bool:
    wanted = _text(_spec(runner, "config"))
    return any(kind == "ConfigMap" and _name(node) == wanted for node, kind in everything)


def _toml(text: str, name: str, offset: Node | _Start, path: str, owned: bool) -> Embedded:  # noqa: FBT001 - private
    inner = embedded(text, name, offset, path, template=True)
    whole = any(find(runner.table, key) for runner in inner.runners for key in ("url", "token"))
    if owned or "template" in path or not whole:
        return inner
    return embedded(text, name, offset, path, template=False)


def _checked(
    inner: Embedded, kind: str, owner: Node | None, everything: Sequence[tuple[Node, str]]
) -> Iterator[Finding]:
    yield from inner.findings
    if kind == "ConfigMap":
        yield from secrets(inner)
    if owner is not None:
        variables = _environment_of(owner, everything)
        yield from template_rules(inner)
        yield from _not_applied(inner, variables)
        yield from environment(variables or (), inner)
    elif "template" in inner.path:
        yield from template_rules(inner)


def _not_applied(inner: Embedded, variables: Sequence[Variable] | None) -> Iterator[Finding]:
    """Yield the keys of a template that the Operator does not apply, where no variable does; None: nothing is known."""
    if variables is None:
        return
    given = {variable.name for variable in variables}
    for runner in inner.runners:
        for table in (runner.table, runner.kubernetes):
            for key, variable in _NOT_APPLIED.items():
                entry = find(table, key) if table else None
                if entry and variable not in given:
                    remedy = f"Set {variable} in the ConfigMap that spec.env of the Runner names."
                    place = entry.key.place
                    yield found(
                        codes.TEMPLATE_KEY_IGNORED,
                        join(inner.path, key),
                        inner.offset.inner_place(place.line, place.column, place.end_column),
                        observed=key,
                        cause="The Operator does not apply it.",
                        remedy=remedy,
                    )


def _environment_of(runner: Node, everything: Sequence[tuple[Node, str]]) -> list[Variable] | None:
    """Return the variables of a Runner; None when it names a ConfigMap that is not in the file."""
    wanted = _text(_spec(runner, "env"))
    if not wanted:
        return []
    for node, kind in everything:
        if kind == "ConfigMap" and _name(node) == wanted:
            return list(_variables(node))
    return None


def _variables(node: Node) -> Iterator[Variable]:
    data = node.get("data")
    for key, value in data.items if data else ():
        yield Variable(name=key.text, value=value.text, place=value.place, path=join("data", key.text))


def _runner(node: Node) -> Iterator[Finding]:
    token, concurrent = _spec(node, "token"), _spec(node, "concurrent")
    if token is not None and looks_like_token(token.text):
        remedy = "Write the name of a Secret with the key runner-token, and have GitLab make a new token."
        yield found(codes.SECRET_IN_CONFIG_MAP, "spec.token", token.place, remedy=remedy)
    if concurrent is not None and isinstance(concurrent.value, int) and concurrent.value < 1:
        yield found(runner_codes.CONCURRENT, "spec.concurrent", concurrent.place, observed=concurrent.text)
    metadata = node.get("metadata")
    annotations = metadata.get("annotations") if metadata else None
    for key, _ in annotations.items if annotations else ():
        if key.text in POOL_KEYS:
            yield found(codes.MANAGER_ANNOTATION, "metadata.annotations", key.place, observed=key.text)
    for name in ("podSpec", "deploymentSpec"):
        patch = _spec(node, name)
        place = _mentions_pool(patch) if patch is not None else None
        if place is not None:
            yield found(codes.MANAGER_ANNOTATION, f"spec.{name}", place, observed="the pool annotation")


def _mentions_pool(node: Node) -> Place | None:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if any(key in one.text for key in POOL_KEYS):
            return one.place
        waiting += [part for pair in reversed(one.items) for part in reversed(pair)]
        waiting += reversed(one.elements)
    return None


def _entries(node: Node, kind: str) -> Iterator[tuple[str, str, Node]]:
    for path in ("data", "stringData") if kind == "Secret" else ("data",):
        part = node.get(path)
        for key, value in part.items if part else ():
            if value.kind is Kind.SCALAR:
                yield path, key.text, value


def _decoded(value: Node, *, encoded: bool) -> tuple[str, bool]:
    """Return a text, and whether places in it are places in the file."""
    if not encoded:
        return value.text, True
    try:
        return base64.b64decode("".join(value.text.split()), validate=True).decode(), False
    except (binascii.Error, UnicodeDecodeError):
        return "", False


def _spec(node: Node, key: str) -> Node | None:
    spec = node.get("spec")
    return spec.get(key) if spec else None


def _name(node: Node) -> str:
    metadata = node.get("metadata")
    return _text(metadata.get("name") if metadata else None)


def _text(node: Node | None) -> str:
    return node.text if node is not None else ""
