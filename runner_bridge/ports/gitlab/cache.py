"""
The projects as they were when GitLab was last asked: a file that outlives GitLab's outages and says how old it is.

The first line says of what and when, each other one is a project; written whole or not at all. What changed is asked
for often and cheaply; all of it from time to time, since a deleted project, a group with a new name, topics and custom
attributes show in no list of changes. Whether a file is still good is up to whoever reads it: its age is in it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from runner_bridge.core.errors import NeighbourError, SettingsError, WireError
from runner_bridge.core.model.gitlab import Project
from runner_bridge.ports import files

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner_bridge.ports.gitlab.projects import Projects

_FORMAT = 1
_LIMIT_BYTES = 512 * 1024 * 1024
_OVERLAP = timedelta(minutes=10)
"""Changes are asked for from so long before the last time: clocks differ, and GitLab's replicas lag."""
_ASK_SINGLY = 20
"""A handful of projects that a sweep did not list is asked for one by one: a page may shift under a list."""


class _Head(Struct, frozen=True, kw_only=True):
    format: int = _FORMAT
    url: str
    roots: tuple[str, ...]
    with_attributes: bool
    count: int
    swept_at: datetime
    refreshed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The projects, and from when they are."""

    projects: Mapping[int, Project]
    swept_at: datetime
    """When all of them were listed last."""
    refreshed_at: datetime
    """When changes were asked for last; up to then new and renamed projects are known."""
    problem: str = ""
    """Why GitLab could not be asked just now; empty where it was."""

    def age(self, now: datetime) -> timedelta:
        """Return how old the picture is."""
        return now - self.refreshed_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The file, and of which projects it is."""

    path: str
    url: str
    """Of the instance; a file of another one is not used."""
    roots: tuple[str, ...] = ()
    with_attributes: bool = False
    sweep_every: timedelta = timedelta(hours=6)
    """How old the last whole list may be."""

    async def refresh(
        self,
        source: Projects,
        *,
        now: datetime,
        is_whole: bool = False,
        progress: Callable[[int], None] | None = None,
    ) -> Known:
        """
        Ask GitLab for what changed, or for everything where that is due, and write it down.

        Where GitLab cannot be asked, the last picture is returned, with the reason in its `problem`.

        Args:
            source: asks GitLab.
            now: the moment before the first question.
            is_whole: ask for everything, due or not.
            progress: is told how many projects have been listed.

        Raises:
            NeighbourError: GitLab cannot be asked, and there is no file.
            SettingsError: the file cannot be read or written, or GitLab has no such root group.
            WireError: GitLab answers what we do not understand, and there is no file.
        """
        known = await self.read()
        tell = progress or (lambda _: None)
        try:
            if known is None or is_whole or now - known.swept_at >= self.sweep_every or now < known.refreshed_at:
                fresh = await self._sweep(source, known, now, tell)
            else:
                fresh = await self._changes(source, known, now, tell)
        except (NeighbourError, WireError) as error:
            if known is None:
                raise
            return Known(
                projects=known.projects,
                swept_at=known.swept_at,
                refreshed_at=known.refreshed_at,
                problem=str(error),
            )
        await asyncio.to_thread(self._write, fresh)
        return fresh

    async def read(self) -> Known | None:
        """
        Return what the file holds; None: there is none, it is damaged, or it is of other projects.

        Raises:
            SettingsError: it is there and cannot be read.
        """
        return await asyncio.to_thread(self._read)

    async def _sweep(self, source: Projects, known: Known | None, now: datetime, tell: Callable[[int], None]) -> Known:
        found: dict[int, Project] = {}
        async for page in source.pages(roots=self.roots, with_attributes=self.with_attributes):
            found |= {one.id: one for one in page}
            tell(len(found))
        missed = [number for number in known.projects if number not in found] if known else []
        if len(missed) <= _ASK_SINGLY:
            for number in missed:
                one = await source.get(number, with_attributes=self.with_attributes)
                if one is not None and self._is_ours(one):
                    found[number] = one
        return Known(projects=found, swept_at=now, refreshed_at=now)

    async def _changes(self, source: Projects, known: Known, now: datetime, tell: Callable[[int], None]) -> Known:
        found = dict(known.projects)
        seen = 0
        since = known.refreshed_at - _OVERLAP
        async for page in source.pages(roots=self.roots, with_attributes=self.with_attributes, since=since):
            found |= {one.id: one for one in page}
            seen += len(page)
            tell(seen)
        return Known(projects=found, swept_at=known.swept_at, refreshed_at=now)

    def _is_ours(self, project: Project) -> bool:
        return not self.roots or any(project.path.lower().startswith(f"{root.lower()}/") for root in self.roots)

    def _read(self) -> Known | None:
        try:
            text = files.read_text(self.path, limit_bytes=_LIMIT_BYTES)
        except WireError:
            return None
        except SettingsError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        first, _, rest = text.partition("\n")
        try:
            head = msgspec.json.decode(first, type=_Head)
            listed = msgspec.json.Decoder(Project).decode_lines(rest)
        except (msgspec.MsgspecError, RecursionError):
            return None
        if (
            head.format != _FORMAT
            or head.count != len(listed)
            or (head.url, head.roots, head.with_attributes) != self._of
        ):
            return None
        return Known(projects={one.id: one for one in listed}, swept_at=head.swept_at, refreshed_at=head.refreshed_at)

    def _write(self, known: Known) -> None:
        url, roots, with_attributes = self._of
        head = _Head(
            url=url,
            roots=roots,
            with_attributes=with_attributes,
            count=len(known.projects),
            swept_at=known.swept_at,
            refreshed_at=known.refreshed_at,
        )
        ordered = (known.projects[number] for number in sorted(known.projects))
        text = msgspec.json.Encoder().encode_lines([head, *ordered]).decode()
        files.write_text(self.path, text, mode=0o600)

    @property
    def _of(self) -> tuple[str, tuple[str, ...], bool]:
        return self.url, tuple(sorted(self.roots)), self.with_attributes
