"""
Problems in a values file of the chart gitlab-runner: the TOML in `runners.config`, and the chart's own traps.

Values of an umbrella chart are found below `gitlab-runner:`, and those that another tool hands to Helm wherever they
stand (`core.lint.carried`). Keys that the chart does not know are none of our business, but for misspellings of those
that matter here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner_bridge.core.lint import carried, templates
from runner_bridge.core.lint.runner_config.embedded import (
    Embedded,
    Variable,
    embedded,
    environment,
    looks_like_token,
    secrets,
    template_rules,
)
from runner_bridge.core.lint.runner_config.identity import is_placeholder
from runner_bridge.core.lint.runner_config.unknown import one_slip
from runner_bridge.core.lint.told import found
from runner_bridge.core.model.annotations import POOL_KEYS
from runner_bridge.core.model.codes import helm as codes
from runner_bridge.core.model.codes import runner_config as runner_codes
from runner_bridge.core.text.yaml import Kind, Malformed, Node, repeated_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding

_MATTERS = (
    "gitlabUrl",
    "runnerToken",
    "runnerRegistrationToken",
    "concurrent",
    "runners",
    "envVars",
    "extraEnv",
    "podAnnotations",
    "podLabels",
)
_MATTERS_OF_RUNNERS = ("config", "secret", "name", "executor")
_KNOWN = frozenset({*_MATTERS, *_MATTERS_OF_RUNNERS, "extraEnvFrom", "secrets", "configMaps", "podLabels"})


def lint(text: str, name: str) -> tuple[Finding, ...]:
    """
    Return the problems of a values file, in the order of its lines. Never raises.

    >>> [finding.code.name for finding in lint("runnerToken: glrt-t1_4xYqA7pLwFAKETOKEN00", "values.yaml")]
    ['token-in-values']
    """
    documents, findings = read(text, name)
    for document in documents:
        for values, path in _places(document):
            findings.extend(_values(values, name, path))
        for inner in carried.texts(document):
            inside = [pair for one in inner.documents for pair in carried.values(one)]
            findings.extend(templates.unchecked(inner.unchecked, name) if inside else ())
            for values, path in inside:
                findings.extend(_values(values, name, f"{inner.path}: {path}{'.' if path else ''}"))
    findings.sort(key=lambda one: (one.place.line, one.place.column) if one.place else (0, 0))
    return tuple(findings)


def _places(document: Node) -> Iterator[tuple[Node, str]]:
    """Yield the maps of values in a document, each with what its paths begin with."""
    places = {id(document): (document, "")}
    inner = document.get("gitlab-runner")
    if inner is not None:
        places[id(inner)] = (inner, "gitlab-runner.")
    for node, path in carried.values(document):
        places.setdefault(id(node), (node, f"{path}."))
    return (place for place in places.values() if place[0].kind is Kind.MAPPING)


def read(text: str, name: str) -> tuple[tuple[Node, ...], list[Finding]]:
    """Return the documents of a YAML file, a template as far as it can be read, and what is wrong with it as YAML."""
    try:
        documents, covered = templates.read_yaml(text, name)
    except Malformed as error:
        return (), [_unreadable(error), *templates.unchecked(templates.mask_yaml(text).lines, name)]
    findings = [
        found(codes.VALUES_REPEATED, key.text, key.place, observed=f"after line {first.line}")
        for document in documents
        for first, key in repeated_keys(document)
    ]
    return documents, [*findings, *templates.unchecked(covered, name)]


def _unreadable(error: Malformed) -> Finding:
    return found(
        codes.VALUES_UNREADABLE,
        "syntax",
        error.place,
        observed=error.observed,
        expected=error.expected,
        remedy=error.remedy,
    )


def _values(values: Node, name: str, path: str) -> Iterator[Finding]:
    runners = values.get("runners")
    if runners is not None and runners.kind is not Kind.MAPPING:
        runners = None
    config = runners.get("config") if runners else None
    inner = None
    if config is not None and config.kind is not Kind.SCALAR:
        yield found(codes.CHART_CONFIG_TYPE, f"{path}runners.config", config.place, observed=f"a {config.kind}")
    elif config is not None and isinstance(config.value, str) and config.text.strip():
        inner = embedded(config.text, name, config, f"{path}runners.config", template=True)
        yield from inner.findings
        yield from template_rules(inner)
        yield from secrets(inner)
    yield from _misspelt(values, _MATTERS, path)
    yield from _tokens(values, path)
    yield from _concurrent(values, path)
    yield from _manager(values, path, inner)
    variables = [*_env_vars(values, path), *_extra_env(values, path)]
    yield from environment(variables, inner)
    if runners:
        yield from _misspelt(runners, _MATTERS_OF_RUNNERS, f"{path}runners.")
        for key in ("podAnnotations", "podLabels"):
            yield from _legacy(runners, key, f"{path}runners.")
    if inner and runners and not _is_named(variables, runners):
        yield found(codes.CHART_NAME, f"{path}runners", _key(values, "runners").place, observed="no RUNNER_NAME")


def _misspelt(values: Node, matters: tuple[str, ...], path: str) -> Iterator[Finding]:
    for key, _ in values.items:
        name = key.text
        meant = next((one for one in matters if name.casefold() == one.casefold() or one_slip(name, one)), "")
        if meant and name not in _KNOWN and len(meant) > 5:
            yield found(codes.CHART_KEY, f"{path}{name}", key.place, observed=name, remedy=f"Did you mean {meant}?")


def _tokens(values: Node, path: str) -> Iterator[Finding]:
    for key in ("runnerToken", "runnerRegistrationToken"):
        node = values.get(key)
        if node is None or not node.text or "$" in node.text or templates.has_pieces(node.text):
            continue
        if not templates.is_covered(node.text) and (looks_like_token(node.text) or not is_placeholder(node.text)):
            yield found(codes.TOKEN_IN_VALUES, f"{path}{key}", node.place)


def _concurrent(values: Node, path: str) -> Iterator[Finding]:
    node = values.get("concurrent")
    if node is not None and isinstance(node.value, int) and node.value < 1 and node.value is not False:
        yield found(runner_codes.CONCURRENT, f"{path}concurrent", node.place, observed=node.text, expected="1 or more")


def _manager(values: Node, path: str, inner: Embedded | None) -> Iterator[Finding]:
    """Yield the pool annotation at the top; where job pods have one too, the manager's is meant."""
    annotations = values.get("podAnnotations")
    for key, _ in annotations.items if annotations else ():
        if key.text in POOL_KEYS and not (inner and inner.is_pinned):
            yield found(codes.MANAGER_ANNOTATION, f"{path}podAnnotations.{key.text}", key.place, observed=key.text)


def _legacy(runners: Node, key: str, path: str) -> Iterator[Finding]:
    value = runners.get(key)
    if value is not None and (value.items or value.text):
        yield found(codes.CHART_RUNNERS_KEY, f"{path}{key}", _key(runners, key).place, observed=f"{path}{key}")


def _env_vars(values: Node, path: str) -> Iterator[Variable]:
    node = values.get("envVars")
    for element in node.elements if node else ():
        variable, value = element.get("name"), element.get("value")
        if variable is not None and value is not None:
            yield Variable(
                name=variable.text, value=value.text, place=value.place, path=f"{path}envVars.{variable.text}"
            )


def _extra_env(values: Node, path: str) -> Iterator[Variable]:
    node = values.get("extraEnv")
    for key, value in node.items if node else ():
        yield Variable(name=key.text, value=value.text, place=value.place, path=f"{path}extraEnv.{key.text}")


def _is_named(variables: list[Variable], runners: Node) -> bool:
    name = runners.get("name")
    return any(one.name == "RUNNER_NAME" for one in variables) or (name is not None and bool(name.text))


def _key(values: Node, name: str) -> Node:
    return next(key for key, _ in values.items if key.text == name)
