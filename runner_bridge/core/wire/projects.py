"""
GitLab's list of projects, as `GET /projects` answers it → `policy.model.Project`.

Several answers may follow one another (pages); https://docs.gitlab.com/api/projects/#list-all-projects.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw, Struct

from runner_bridge.core.errors import WireError
from runner_bridge.core.policy.model import Project, ProjectPath
from runner_bridge.core.redact import redact
from runner_bridge.core.wire.salvage import UNREADABLE, explain
from runner_bridge.core.wire.sniff import COMMANDS, broken, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

_WANT = "projects"


class _Attribute(Struct, gc=False):
    key: str | None = None
    value: str | None = None


class _Project(Struct, gc=False):
    id: int
    path_with_namespace: str
    topics: list[str] | None = None
    tag_list: list[str] | None = None
    custom_attributes: list[_Attribute] | None = None


class _Refusal(Struct, gc=False):
    message: str | None = None
    error: str | None = None


def read_projects(data: memoryview | bytes, *, name: str) -> tuple[tuple[Project, ...], tuple[str, ...]]:
    """
    Return the projects, each number once (the last answer counts), and for each entry that cannot be read, why.

    Args:
        data: arrays of projects, or projects, one after the other.
        name: how the file is called in messages.

    Raises:
        WireError: it is not JSON, is cut off, or holds something else than projects.
    """
    text = opened(data, name=name, want=_WANT)
    try:
        pages = msgspec.json.Decoder(Raw).decode_lines(text)
        entries = list(_entries(pages))
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(broken(error, data, name=name, want=_WANT)) from error
    found: dict[int, Project] = {}
    problems: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            project = msgspec.json.decode(entry, type=_Project)
        except UNREADABLE as error:
            problems.append(f"{name}: project number {number} cannot be read: {explain(error)}")
        else:
            found[project.id] = _narrow(project)
    if problems and not found:
        raise WireError(f"{problems[0]}, expected projects. Make it with: {COMMANDS[_WANT]}{_refusal(entries[0])}")
    return tuple(found.values()), tuple(problems)


def _entries(pages: list[Raw]) -> Iterator[Raw]:
    for page in pages:
        if bytes(memoryview(page)[:1]) == b"[":
            yield from msgspec.json.decode(page, type=list[Raw])
        else:
            yield page


def _refusal(entry: Raw) -> str:
    """Quote what GitLab says in place of an answer."""
    try:
        said = msgspec.json.decode(entry, type=_Refusal)
    except UNREADABLE:
        return ""
    words = said.message or said.error
    return f" (GitLab says {redact(words[:120])!r})" if words else ""


def _narrow(project: _Project) -> Project:
    attributes = {one.key: one.value or "" for one in project.custom_attributes or () if one.key}
    return Project(
        id=project.id,
        path=ProjectPath(project.path_with_namespace),
        # Before GitLab 14.5 topics were called tags.
        topics=tuple(project.topics if project.topics is not None else project.tag_list or ()),
        attributes=MappingProxyType(attributes),
    )
