"""
What GitLab says, as frozen values: projects, runners and their managers, jobs, pipelines, and what tokens are good for.

Numbers are GitLab's own ids. A project is its number; its path is what it is called now. Moments are aware and in UTC.
None means that GitLab did not say, or does not let us see it: never "no". A token that a runner signs in with is kept
in `RunnerToken`, which nothing prints. Import this module by its name, as `core.model.cluster`.
"""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - msgspec reads the annotations when it decodes
from enum import StrEnum

from msgspec import Struct

MARKER_LIMIT = 1024
"""Longest maintenance note, in characters."""


class RunnerType(StrEnum):
    """What a runner is offered to; GitLab's own words."""

    INSTANCE = "instance_type"
    GROUP = "group_type"
    PROJECT = "project_type"


class AccessLevel(StrEnum):
    """Which refs a runner takes jobs of; GitLab's own words."""

    NOT_PROTECTED = "not_protected"
    REF_PROTECTED = "ref_protected"


class Group(Struct, frozen=True, gc=False, kw_only=True):
    """A group."""

    id: int
    path: str
    """Full path: `platform/tools`."""
    parent_id: int | None = None


class Project(Struct, frozen=True, gc=False, kw_only=True):
    """A project, as far as it decides who runs its jobs."""

    id: int
    path: str
    """With all groups: `platform/tools/deploy`; changes when the project or a group above it is renamed or moved."""
    group_id: int | None = None
    """The group it lies in; None for one of a user's own."""
    topics: tuple[str, ...] = ()
    """Maintainers of the project set these."""
    attributes: tuple[tuple[str, str], ...] | None = None
    """Custom attributes, sorted by key, set by administrators alone; None where they were not to be seen."""
    is_archived: bool = False
    is_leaving: bool = False
    """Marked for deletion; it still runs jobs."""
    instance_runners: bool | None = None
    """It lets instance runners take its jobs."""
    group_runners: bool | None = None
    """It lets its groups' runners take its jobs; only its maintainers and administrators see that."""
    last_activity_at: datetime | None = None
    updated_at: datetime | None = None


class Runner(Struct, frozen=True, gc=False, kw_only=True):
    """A runner as GitLab keeps it: one token, whoever uses it."""

    id: int
    type: RunnerType
    description: str = ""
    maintenance_note: str | None = None
    """
    Seen only by those who may change the runner; ours carries the marker.

    None: not seen. Of a runner that was read by its number GitLab does not say whether there is none or it is hidden.
    """
    tags: tuple[str, ...] = ()
    """Sorted."""
    run_untagged: bool = True
    is_locked: bool = False
    """A project runner that cannot be given to other projects, except by administrators."""
    access_level: AccessLevel = AccessLevel.NOT_PROTECTED
    is_paused: bool = False
    max_timeout_s: int | None = None
    status: str = ""
    """`online`, `offline`, `stale`, `never_contacted`; more may come."""
    contacted_at: datetime | None = None
    created_at: datetime | None = None
    token_expires_at: datetime | None = None
    short_sha: str = ""
    """First eight characters of its token after the prefix, the marker of a partition included; empty if not said."""
    group_ids: tuple[int, ...] = ()
    """Of a group runner: its group. Sorted."""
    project_ids: tuple[int, ...] = ()
    """Of a project runner: the projects that it is given to and that we see. Sorted."""
    project_count: int | None = None
    """How many projects it is given to, those that we do not see included."""

    @property
    def is_whole(self) -> bool:
        """Tell whether `project_ids` names every project that it is given to."""
        if self.project_count is None:
            return self.type is not RunnerType.PROJECT or bool(self.project_ids)
        return self.project_count == len(self.project_ids)


class RunnerManager(Struct, frozen=True, gc=False, kw_only=True):
    """A process that signs in with a runner's token."""

    id: int
    system_id: str
    version: str = ""
    status: str = ""
    """As `Runner.status`."""
    is_busy: bool = False
    contacted_at: datetime | None = None
    ip_address: str = ""
    """Where GitLab sees its requests come from; a proxy's as often as not."""


class NewRunner(Struct, frozen=True, gc=False, kw_only=True):
    """A runner to be created: paused and for tagged jobs alone, unless said otherwise."""

    type: RunnerType
    marker: str
    """Stands in its maintenance note and in no other runner's: by it a runner is found whose answer was lost."""
    target_id: int | None = None
    """The group or project; None for an instance runner."""
    description: str = ""
    note: str = ""
    """The rest of the maintenance note, before the marker."""
    tags: tuple[str, ...] = ()
    run_untagged: bool = False
    is_locked: bool = True
    access_level: AccessLevel = AccessLevel.NOT_PROTECTED
    is_paused: bool = True
    max_timeout_s: int | None = None
    """At least 600."""

    @property
    def maintenance_note(self) -> str:
        """The whole note, the marker on its last line."""
        return f"{self.note}\n{self.marker}" if self.note else self.marker


class RunnerChange(Struct, frozen=True, gc=False, kw_only=True):
    """What is to be different of a runner; None stays as it is."""

    description: str | None = None
    maintenance_note: str | None = None
    tags: tuple[str, ...] | None = None
    """The whole list."""
    run_untagged: bool | None = None
    is_locked: bool | None = None
    access_level: AccessLevel | None = None
    is_paused: bool | None = None
    max_timeout_s: int | None = None


class RunnerToken:
    """A runner's token; neither `str`, `repr`, a format nor an error shows it. `reveal` is the one way to read it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the token itself, for the Secret or file that it goes into and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "[secret]"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunnerToken) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        message = "A runner's token is not serialized. Use reveal() where it is stored."
        raise TypeError(message)


class CreatedRunner(Struct, frozen=True, kw_only=True):
    """A runner that exists now, with its token: GitLab shows it this once."""

    id: int
    token: RunnerToken
    token_expires_at: datetime | None = None
    was_found: bool = False
    """It had been created before by a request whose answer was lost, and was given a new token."""


class Job(Struct, frozen=True, gc=False, kw_only=True):
    """A job of GitLab CI."""

    id: int
    project_id: int | None
    project_path: str
    """As GitLab calls it now; empty where it does not say."""
    name: str
    stage: str
    status: str
    """`pending`, `running`, `success`, `failed`, `canceled` and eight more; more may come."""
    ref: str
    is_tag: bool
    tags: tuple[str, ...]
    """What the job asks for, sorted; not its runner's."""
    pipeline_id: int | None
    runner_id: int | None
    """None until a runner has picked it."""
    system_id: str
    """Of the runner's manager that has it; empty until then."""
    user: str
    """User name; show it as the policy's `privacy` says."""
    web_url: str
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    failure_reason: str


class Pipeline(Struct, frozen=True, gc=False, kw_only=True):
    """A pipeline."""

    id: int
    project_id: int | None
    ref: str
    is_tag: bool
    sha: str
    source: str
    """`push`, `schedule`, `merge_request_event`, `chat` and others."""
    status: str
    web_url: str
    created_at: datetime | None


class JobEvent(Struct, frozen=True, gc=False, kw_only=True):
    """What a hook said of a job: a hint that something changed, to be confirmed by asking for the job."""

    project_id: int
    project_path: str
    """As it was called then; empty where the hook does not say."""
    job_id: int
    pipeline_id: int | None
    runner_id: int | None
    """None until a runner has picked it."""
    status: str
    """As `Job.status`; hooks may overtake each other."""
    at: datetime | None
    """The latest moment that it names: when the job ended, began, or was created."""


class PipelineEvent(Struct, frozen=True, gc=False, kw_only=True):
    """What a hook said of a pipeline: a hint, as `JobEvent`."""

    project_id: int
    project_path: str
    pipeline_id: int
    status: str
    job_ids: tuple[int, ...]
    """Its jobs, sorted."""
    at: datetime | None
    """When it ended, or was created."""


class Purpose(StrEnum):
    """What a token is for: the scope that it needs at least (`api` has all three)."""

    READ = "read_api"
    CREATE = "create_runner"
    MANAGE = "manage_runner"
    HOOKS = "api"
    """Change webhooks: there is no narrower scope."""


class Ability(StrEnum):
    """What can be done with the tokens that are there."""

    PROJECTS = "projects"
    """List projects and groups, read jobs."""
    ATTRIBUTES = "custom-attributes"
    """See custom attributes: administrators alone, never on GitLab.com."""
    RUNNERS = "runners"
    """List the runners of groups and projects with all their settings."""
    INSTANCE_RUNNERS = "instance-runners"
    """List all runners of the instance."""
    CREATE_RUNNERS = "create-runners"
    MANAGE_RUNNERS = "manage-runners"
    """Change, pause and delete runners, and see their managers."""


class TokenScopes(Struct, frozen=True, kw_only=True):
    """What GitLab says of one of our tokens."""

    purpose: Purpose
    origin: str
    """Where it came from, for people: `file /run/secrets/gitlab/read`."""
    name: str = ""
    """As its owner called it."""
    scopes: tuple[str, ...] = ()
    """Sorted."""
    expires_on: date | None = None
    is_admin: bool | None = None
    """Its owner is an administrator and it may act as one; None: not known."""
    problem: str = ""
    """Why it cannot be used, one sentence; empty if it can."""

    def days_left(self, today: date) -> int | None:
        """Return how many days it is still good for, 0 on its last; None for one that does not end."""
        return None if self.expires_on is None else (self.expires_on - today).days


class Permit(Struct, frozen=True, kw_only=True):
    """Whether one ability is there, and if not, why and what to do."""

    ability: Ability
    is_on: bool
    why: str = ""
    """Empty if it is on."""


class Access(Struct, frozen=True, kw_only=True):
    """What was found when GitLab was asked who we are."""

    url: str
    version: str = ""
    """As `/metadata` says it: `19.5.0-ee`; empty where no token may ask."""
    tokens: tuple[TokenScopes, ...] = ()
    permits: tuple[Permit, ...] = ()
    """One for each ability, in their order."""

    def why_not(self, ability: Ability) -> str | None:
        """Return why an ability is missing; None if it is there."""
        found = next(one for one in self.permits if one.ability is ability)
        return None if found.is_on else found.why
