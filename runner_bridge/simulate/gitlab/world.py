"""What a pretend GitLab holds: groups, projects, users, tokens, runners, jobs. Plain objects that tests may change."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runner_bridge.simulate.gitlab.webhooks import Webhook

_LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(slots=True, kw_only=True, eq=False)
class Group:
    """A group; its full path follows from those above."""

    id: int
    slug: str
    parent: Group | None = None

    @property
    def path(self) -> str:
        """Return the full path."""
        return f"{self.parent.path}/{self.slug}" if self.parent else self.slug

    def line(self) -> Iterator[Group]:
        """Yield the group and those above it."""
        group: Group | None = self
        while group is not None:
            yield group
            group = group.parent


@dataclass(slots=True, kw_only=True, eq=False)
class Project:
    """A project."""

    id: int
    slug: str
    group: Group
    topics: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    archived: bool = False
    leaving_on: str | None = None
    instance_runners: bool = True
    group_runners: bool = True
    active_at: datetime
    updated_at: datetime

    @property
    def path(self) -> str:
        """Return the path with all groups."""
        return f"{self.group.path}/{self.slug}"


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    """Somebody with tokens."""

    id: int
    name: str
    is_admin: bool = False
    groups: dict[int, int] = field(default_factory=dict)
    """By the group's number: the access level, which holds for everything below too."""


@dataclass(slots=True, kw_only=True, eq=False)
class Token:
    """A personal access token."""

    text: str = field(repr=False)
    user: User
    scopes: tuple[str, ...]
    name: str = "bridge"
    expires_on: date | None = None
    is_revoked: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Manager:
    """A process that signed in with a runner's token."""

    id: int
    system_id: str
    version: str = "19.4.0"
    contacted_at: datetime
    is_busy: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Runner:
    """A runner."""

    id: int
    type: str
    token: str = field(repr=False)
    created_at: datetime
    creator: User | None = None
    description: str = ""
    note: str = ""
    tags: list[str] = field(default_factory=list)
    run_untagged: bool = True
    locked: bool = False
    access_level: str = "not_protected"
    paused: bool = False
    max_timeout: int | None = None
    token_expires_at: datetime | None = None
    group: Group | None = None
    projects: list[Project] = field(default_factory=list)
    managers: list[Manager] = field(default_factory=list)

    @property
    def contacted_at(self) -> datetime | None:
        """Return when a manager was heard of last."""
        return max((one.contacted_at for one in self.managers), default=None)


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """A job."""

    id: int
    project: Project
    name: str = "build"
    stage: str = "build"
    status: str = "pending"
    ref: str = "main"
    tags: list[str] = field(default_factory=list)
    pipeline_id: int
    source: str = "push"
    user: User | None = None
    runner: Runner | None = None
    manager: Manager | None = None
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    failure_reason: str | None = None


def _utc_now() -> datetime:
    return datetime.now(UTC)


class World:
    """
    Everything that one GitLab holds; numbers and tokens follow from the seed.

    Args of the constructor:
        seed: of all that is random.
        now: its clock.
    """

    def __init__(self, *, seed: int = 1, now: Callable[[], datetime] = _utc_now) -> None:
        self.now = now
        self.random = random.Random(seed)  # noqa: S311 - a pretend world that is the same each time
        self.groups: dict[int, Group] = {}
        self.projects: dict[int, Project] = {}
        self.users: dict[int, User] = {}
        self.tokens: dict[str, Token] = {}
        self.runners: dict[int, Runner] = {}
        self.jobs: dict[int, Job] = {}
        self.webhooks: dict[int, Webhook] = {}
        self.has_group_hooks = True
        """Premium and Ultimate."""
        self.allows_local_hooks = False
        """An administrator lets webhooks go to private addresses."""
        self.moved: dict[str, int] = {}
        """Former paths of projects."""
        self._last = 0

    def number(self) -> int:
        """Return a number that was not used yet."""
        self._last += 1
        return self._last

    def group(self, slug: str, parent: Group | None = None) -> Group:
        """Add a group."""
        group = Group(id=self.number(), slug=slug, parent=parent)
        self.groups[group.id] = group
        return group

    def project(self, slug: str, group: Group, **more: object) -> Project:
        """Add a project; `more` are its other fields."""
        now = self.now()
        project = Project(id=self.number(), slug=slug, group=group, active_at=now, updated_at=now)
        for name, value in more.items():
            setattr(project, name, value)
        self.projects[project.id] = project
        return project

    def user(self, name: str, *, is_admin: bool = False, **groups: int) -> User:
        """Add a user; `groups` gives the access level by the full path of a top-level group."""
        by_path = {one.path: one.id for one in self.groups.values()}
        levels = {by_path[path]: level for path, level in groups.items()}
        user = User(id=self.number(), name=name, is_admin=is_admin, groups=levels)
        self.users[user.id] = user
        return user

    def token(self, user: User, *scopes: str, expires_on: date | None = None) -> str:
        """Give a user a token, and return it."""
        text = f"glpat-FAKETOKEN{self.scrap(12)}"
        self.tokens[text] = Token(text=text, user=user, scopes=scopes, expires_on=expires_on)
        return text

    def runner(self, kind: str, *, group: Group | None = None, projects: tuple[Project, ...] = ()) -> Runner:
        """Add a runner of type `instance`, `group` or `project`."""
        token = self.runner_token(kind)
        runner = Runner(
            id=self.number(),
            type=f"{kind}_type",
            token=token,
            created_at=self.now(),
            group=group,
            projects=list(projects),
        )
        self.runners[runner.id] = runner
        return runner

    def sign_in(self, runner: Runner, system_id: str) -> Manager:
        """Let a manager be heard of."""
        for known in runner.managers:
            if known.system_id == system_id:
                known.contacted_at = self.now()
                return known
        manager = Manager(id=self.number(), system_id=system_id, contacted_at=self.now())
        runner.managers.append(manager)
        return manager

    def job(self, project: Project, **more: object) -> Job:
        """Add a job that is pending; `more` are its other fields."""
        job = Job(id=self.number(), project=project, pipeline_id=self.number(), created_at=self.now())
        for name, value in more.items():
            setattr(job, name, value)
        self.jobs[job.id] = job
        return job

    def rename(self, project: Project, slug: str, group: Group | None = None) -> None:
        """Give a project another name, or another group; its former path leads to it."""
        self.moved[project.path.lower()] = project.id
        project.slug = slug
        project.group = group or project.group
        project.updated_at = self.now()

    def runner_token(self, kind: str) -> str:
        """Return a new token of a runner, clearly a fake."""
        part = {"instance": 1, "group": 2, "project": 3}[kind]
        return f"glrt-t{part}_{self.scrap(9)}FAKETOKEN00"

    def scrap(self, length: int) -> str:
        """Return some letters."""
        return "".join(self.random.choice(_LETTERS) for _ in range(length))

    def find_project(self, ref: str) -> Project | None:
        """Return a project by number or path."""
        if ref.isdecimal():
            return self.projects.get(int(ref))
        return next((one for one in self.projects.values() if one.path.lower() == ref.lower()), None)

    def find_group(self, ref: str) -> Group | None:
        """Return a group by number or path."""
        if ref.isdecimal():
            return self.groups.get(int(ref))
        return next((one for one in self.groups.values() if one.path.lower() == ref.lower()), None)
