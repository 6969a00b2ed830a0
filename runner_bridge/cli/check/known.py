"""What `check` is told besides the cluster: GitLab's projects, and which runner made which pod."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner_bridge.core.policy.model import Policy, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of the runners from their own files."""

    short_ids: tuple[tuple[str, str], ...]
    """Short id and name; a stranger's name says so."""
    stamps: dict[str, str]
    """Name → the stamp that the pods of a runner carry since its file was last rendered."""


def read_projects_files(paths: Sequence[str]) -> list[Project]:
    """
    Read GitLab's lists of projects; what cannot be read of one is noted.

    Raises:
        SettingsError, WireError: as `ports.dumps.read_dump`.
    """
    from runner_bridge.cli.output import note
    from runner_bridge.core.wire.projects import read_projects
    from runner_bridge.ports.dumps import read_dump
    from runner_bridge.ports.files import display_name

    found: list[Project] = []
    for path in paths:
        projects, problems = read_projects(read_dump(path, want="projects"), name=display_name(path))
        found += projects
        for problem in problems:
            note(f"runner-bridge: {problem}.")
    return found


def read_runners(paths: Sequence[str], policy: Policy) -> Known:
    """
    Read which short id belongs to which runner; tokens are never kept.

    A runner is one of the policy's by its name and GitLab; one of another GitLab that has the same name is a stranger.
    """
    from runner_bridge.cli.output import note
    from runner_bridge.core.adopt.existing import parse, read
    from runner_bridge.core.redact import redact
    from runner_bridge.ports.files import display_name, read_text

    pairs: list[tuple[str, str]] = []
    stamps: dict[str, str] = {}
    for path in paths:
        tree = parse(read_text(path), display_name(path))
        runners = read(tree, display_name(path)).runners
        stamps |= _stamps(tree["runners"]) if runners else {}
        for runner in runners:
            where = f"runner-bridge: {display_name(path)}: runner {redact(str(runner))}"
            elsewhere = "$" not in runner.url and _plain_url(runner.url) != _plain_url(policy.gitlab.url)
            if elsewhere:
                note(f"{where} belongs to {redact(runner.url)}, the policy to {policy.gitlab.url}: a stranger's.")
            elif runner.name not in policy.runners:
                note(f"{where} is not declared in the policy: its job pods count as unmanaged.")
            if runner.short_id:
                pairs.append((runner.short_id, f"{runner.name} of {runner.url}" if elsewhere else runner.name))
            else:
                note(f"{where} has no token in the file, so its pods are told by its name alone.")
    return Known(short_ids=tuple(pairs), stamps=stamps)


def _stamps(sections: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    from runner_bridge.render.fragment.governed import STAMP

    found: dict[str, str] = {}
    for section in sections:
        kubernetes = section.get("kubernetes")
        notes = kubernetes.get("pod_annotations") if isinstance(kubernetes, dict) else None
        stamp = notes.get(STAMP) if isinstance(notes, dict) else None
        if isinstance(stamp, str):
            found[str(section.get("name"))] = stamp
    return found


def _plain_url(url: str) -> str:
    return url.rstrip("/").lower()
