"""
Problems in an existing config.toml of GitLab Runner: what it refuses, what it ignores, and what lets a job choose.

Held against the real runner: where `gitlab-runner lint` ends with FATAL there is an error here, at the same line. No
finding quotes a secret: values are quoted only where they cannot be one (names of pools, keys, words of a fixed list).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from runner_bridge.core.lint import templates
from runner_bridge.core.lint.runner_config import identity, kubernetes, metadata, pod_spec, shape, values
from runner_bridge.core.lint.runner_config.report import runners_of
from runner_bridge.core.lint.told import found
from runner_bridge.core.model import Place
from runner_bridge.core.model.codes import runner_config as codes
from runner_bridge.core.text.origin import is_generated
from runner_bridge.core.text.toml import Mistake, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model import Finding
    from runner_bridge.core.text.toml import Document

__all__ = ["Offset", "lint", "moved", "read"]


class Offset(Protocol):
    """Where a text stands inside of another file; a YAML scalar is one."""

    def inner_place(self, line: int, column: int, end_column: int = 0) -> Place:
        """Return the place in the outer file of a place in the text."""


def lint(text: str, name: str, *, offset: Offset | None = None, template: bool = False) -> tuple[Finding, ...]:
    """
    Return the problems of a config.toml, in the order of its lines. Never raises.

    >>> [finding.code.name for finding in lint("concurrent = 0", "config.toml")]
    ['no-runners', 'concurrent-below-one']

    Args:
        text: the file.
        name: what it is called in places.
        offset: where the text stands when it is a part of another file; places then are those of that file.
        template: it is for `gitlab-runner register --template-config`, which brings url, token, name and executor.
    """
    document, lines = read(text, name, template=template)
    content = _content(document, template=template, generated=is_generated(text))
    findings = [*_syntax(document, templates.covered_lines(text, lines)), *content]
    findings.sort(key=_by_line)
    if offset is None:
        return (*findings, *templates.unchecked(lines, name))
    outer = [offset.inner_place(line, 1).line for line in lines]
    return (*(moved(finding, offset) for finding in findings), *templates.unchecked(outer, name))


def read(text: str, name: str, *, template: bool) -> tuple[Document, tuple[int, ...]]:
    """Read a text, its template pieces covered where it is one; return the lines that hold such pieces too."""
    document = parse(text, name)
    if not templates.has_pieces(text):
        return document, ()
    if not (template or document.problems or templates.is_template_name(name)):
        return document, ()
    masked = templates.mask_toml(text, terraform=templates.uses_terraform(text, name))
    return parse(masked.text, name), masked.lines


def _syntax(document: Document, template_lines: frozenset[int]) -> Iterator[Finding]:
    for problem in document.problems:
        if problem.place.line in template_lines:
            continue  # a line with a template piece may well be TOML when it is filled in
        yield found(
            _SYNTAX_CODES[problem.mistake],
            "syntax",
            problem.place,
            observed=problem.observed,
            expected=problem.expected,
            remedy=problem.remedy,
        )


_SYNTAX_CODES = {
    Mistake.SYNTAX: codes.TOML_SYNTAX,
    Mistake.BARE_KEY: codes.UNQUOTED_KEY,
    Mistake.REPEATED: codes.TOML_REPEATED,
}


def _content(document: Document, *, template: bool, generated: bool) -> Iterator[Finding]:
    root = document.root
    runners = runners_of(root)
    yield from shape.check(root)
    yield from values.check_globals(root)
    # A line that could not be read may be the one that is missed.
    partial = template or any(problem.mistake is not Mistake.REPEATED for problem in document.problems)
    yield from identity.check(runners, partial=partial, generated=generated)
    pools_matter = any(metadata.pinned(runner) for runner in runners)
    for runner in runners:
        yield from values.check(runner, partial=partial)
        yield from metadata.check(runner)
        yield from kubernetes.check(runner, others_pinned=pools_matter)
        yield from pod_spec.check(runner)
    if "runners" not in root.entries and not document.problems:
        yield found(codes.NO_RUNNERS, "the file", Place(file=document.name, line=0), observed="no [[runners]]")


def _by_line(finding: Finding) -> tuple[int, int, str]:
    place = finding.place
    return (place.line, place.column, finding.code.name) if place else (0, 0, "")


def moved(finding: Finding, offset: Offset) -> Finding:
    """Return a finding at its place in the outer file; one about the text as a whole at its start."""
    place = finding.place if finding.place and finding.place.line else Place(file="", line=1, column=1)
    return replace(finding, place=offset.inner_place(place.line, place.column, place.end_column))
