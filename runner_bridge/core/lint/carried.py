"""
A runner's configuration inside of another file: what Argo CD, Flux, Kustomize, helmfile or k3s hands on.

Values of the chart are not told by the kind of the object, of which there are too many, but by what only this chart
has: a `runners.config` with a `[[runners]]` in it. Some tools take them as YAML (Flux `spec.values`, Argo CD
`valuesObject`), some as a text that holds YAML (Argo CD `values`, k3s `valuesContent`), as patches of Kustomize are;
never a text inside of such a text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner_bridge.core.lint import templates
from runner_bridge.core.text.yaml import Kind, Malformed, Node

if TYPE_CHECKING:
    from collections.abc import Iterator

_RUNNERS = re.compile(r"\[\[[ \t]*runners[ \t]*\]\]")
_OTHER_LANGUAGES = (".yaml", ".yml", ".json", ".sh", ".md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text of a file that is YAML itself."""

    path: str
    """Of the text in the file."""
    documents: tuple[Node, ...]
    """What it holds, with places of the file."""
    unchecked: tuple[int, ...]
    """The lines of the file that hold a piece of a template, where those had to be covered."""


def is_toml(key: str, text: str) -> bool:
    """Tell whether an entry of a ConfigMap is TOML of a runner: by its key, else by what stands in it."""
    if key.endswith(".toml"):
        return bool(text.strip())
    return not key.endswith(_OTHER_LANGUAGES) and not text.startswith("#!") and _RUNNERS.search(text) is not None


def values(document: Node) -> Iterator[tuple[Node, str]]:
    """Yield each map that holds values of the runner's chart, and its path; that of the document itself is empty."""
    for node, path in _walk(document):
        runners = node.get("runners")
        config = runners.get("config") if runners is not None else None
        if config is not None and _RUNNERS.search(config.text):
            yield node, path


def texts(document: Node) -> Iterator[Text]:
    """Yield each text with a `[[runners]]` that is YAML and not TOML, nor anything else."""
    for node, path in _walk(document):
        if node.kind is not Kind.SCALAR or not _RUNNERS.search(node.text):
            continue
        try:
            documents, lines = templates.read_yaml(node.text, node.file)
        except Malformed:
            continue
        found = tuple(inner.inside(node) for inner in documents if inner.kind is Kind.MAPPING)
        if found:
            outer = tuple(node.inner_place(line, 1).line for line in lines)
            yield Text(path=path, documents=found, unchecked=outer)


def _walk(document: Node) -> Iterator[tuple[Node, str]]:
    """Yield every value with its path, in the order of the file; one that aliases share counts once."""
    seen: set[int] = set()
    waiting = [(document, "")]
    while waiting:
        node, path = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node, path
        inner = [(value, f"{path}.{key.text}" if path else key.text) for key, value in node.items]
        inner += [(element, f"{path}[{number}]") for number, element in enumerate(node.elements)]
        waiting += reversed(inner)
