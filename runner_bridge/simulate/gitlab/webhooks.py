"""
Webhooks over REST, and what GitLab posts to them: once, twice, late, out of order, and not at all any more after 4xx.

https://docs.gitlab.com/api/project_webhooks/, https://docs.gitlab.com/api/group_webhooks/ (Premium and Ultimate). A
secret stands in no answer. A server before 19.0 passes over a signing token without a word, and never says that there
is none. https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from runner_bridge.simulate.gitlab import documents, paging
from runner_bridge.simulate.gitlab.access import MAINTAINER, OWNER, RefusedError, forbidden, missing
from runner_bridge.simulate.gitlab.hooks import Hook, job_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.simulate.gitlab.access import Caller
    from runner_bridge.simulate.gitlab.hooks import Delivery
    from runner_bridge.simulate.gitlab.rest import Asked
    from runner_bridge.simulate.gitlab.world import Group, Job, Project, World

Done = tuple[int, object, "Mapping[str, str]"]

EVENTS = (
    "push_events",
    "tag_push_events",
    "issues_events",
    "confidential_issues_events",
    "merge_requests_events",
    "note_events",
    "confidential_note_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "deployment_events",
    "releases_events",
    "feature_flag_events",
    "repository_update_events",
)
_PATIENCE = 4
_LAST = 40
_LONGEST = timedelta(days=1)


@dataclass(slots=True, kw_only=True, eq=False)
class Webhook:
    """A webhook of a group or project."""

    id: int
    hook: Hook
    owner: Group | Project
    created_at: datetime
    events: set[str] = field(default_factory=lambda: {"push_events"})
    verifies_tls: bool = True
    template: str | None = None
    failures: int = 0
    """One after the other."""
    disabled_until: datetime | None = None

    def status(self, now: datetime) -> str:
        """Return what `alert_status` says."""
        if self.failures >= _LAST:
            return "disabled"
        return "temporarily_disabled" if self.disabled_until and self.disabled_until > now else "executable"

    def answered(self, status: int, now: datetime) -> None:
        """Count a delivery: 2xx and 3xx are a success, everything else (0: no answer) is a failure."""
        if 200 <= status < 400:
            self.failures, self.disabled_until = 0, None
            return
        self.failures += 1
        if self.failures >= _PATIENCE:
            exponent = min(self.failures - _PATIENCE, 11)
            self.disabled_until = now + min(timedelta(minutes=2**exponent), _LONGEST)


async def answer(world: World, caller: Caller, asked: Asked, *, version: str) -> Done | None:
    """Carry out a request about webhooks; None: it is about something else."""
    match asked.parts:
        case ("projects" | "groups" as kind, ref, "hooks", *rest):
            owner = _owner(world, caller, kind, ref)
            return await _about(world, asked, owner, tuple(rest), signs=int(version.partition(".")[0]) >= 19)
    return None


def _owner(world: World, caller: Caller, kind: str, ref: str) -> Group | Project:
    if kind == "projects":
        project = world.find_project(ref)
        if project is None or not caller.sees(project):
            raise missing("Project")
        if caller.level(project.group) < MAINTAINER:
            raise forbidden()
        return project
    group = world.find_group(ref)
    if group is None or not caller.level(group):
        raise missing("Group")
    if not world.has_group_hooks:  # Free
        raise missing()
    if caller.level(group) < OWNER:
        raise forbidden()
    return group


async def _about(world: World, asked: Asked, owner: Group | Project, rest: tuple[str, ...], *, signs: bool) -> Done:
    match asked.method, rest:
        case "GET", ():
            found = [one for one in world.webhooks.values() if one.owner is owner]
            window = paging.by_number(len(found), asked.query, asked.url)
            page = [document(one, world, signs=signs) for one in found[window.start : window.stop]]
            return 200, page, window.headers
        case "POST", ():
            made = Webhook(id=world.number(), hook=Hook(url=""), owner=owner, created_at=world.now())
            _change(made, asked.body, world, signs=signs)
            world.webhooks[made.id] = made
            return 201, document(made, world, signs=signs), {}
        case method, (number, *more):
            one = world.webhooks.get(int(number)) if number.isdecimal() else None
            if one is None or one.owner is not owner:
                raise missing()
            return await _one(world, asked, one, (method, *more), signs=signs)
    raise missing()


async def _one(world: World, asked: Asked, one: Webhook, what: tuple[str, ...], *, signs: bool) -> Done:
    match what:
        case ("GET",):
            return 200, document(one, world, signs=signs), {}
        case ("PUT",):
            _change(one, asked.body, world, signs=signs)
            return 200, document(one, world, signs=signs), {}
        case ("DELETE",):
            del world.webhooks[one.id]
            return 204, None, {}
        case ("POST", "test", trigger) if trigger in EVENTS:
            return await _tested(world, one, base=asked.base)
    raise missing()


async def _tested(world: World, one: Webhook, *, base: str) -> Done:
    """Post the newest job of the owner, whatever the state of the webhook: a success switches it on again."""
    jobs = [job for job in world.jobs.values() if _covers(one, job.project)]
    if not jobs:
        raise RefusedError(422, {"message": "Ensure the project has CI jobs."})
    if _is_blocked(one.hook.url, world):
        raise RefusedError(422, {"message": "URL is blocked: Requests to the local network are not allowed"})
    status = await one.hook.post(one.hook.delivery("Job Hook", job_event(jobs[-1], base=base), world))
    one.answered(status, world.now())
    if not 200 <= status < 300:
        raise RefusedError(422, {"message": f"Hook execution failed: {status}"})
    return 201, {"message": "201 Created"}, {}


def document(one: Webhook, world: World, *, signs: bool) -> documents.Document:
    """Return a webhook; whether it has secrets is said from 19.0 on."""
    found: documents.Document = {
        "id": one.id,
        "url": one.hook.url,
        "name": None,
        "created_at": documents.moment(one.created_at),
        "enable_ssl_verification": one.verifies_tls,
        "alert_status": one.status(world.now()),
        "disabled_until": documents.moment(one.disabled_until),
        "url_variables": [],
        "custom_webhook_template": one.template,
        "custom_headers": [],
        **{name: name in one.events for name in EVENTS},
    }
    if signs:
        found |= {"token_present": bool(one.hook.secret), "signing_token_present": bool(one.hook.signing)}
    return found


def _change(one: Webhook, body: Mapping[str, object], world: World, *, signs: bool) -> None:
    url = str(body.get("url", one.hook.url))
    if urlsplit(url).scheme not in {"http", "https"} or _is_blocked(url, world):
        raise RefusedError(422, {"error": "Invalid url given"})
    one.hook = Hook(
        url=url,
        secret=str(body.get("token", one.hook.secret)),
        signing=str(body.get("signing_token", one.hook.signing)) if signs else "",
    )
    for name in EVENTS:
        if name in body:
            (one.events.add if body[name] else one.events.discard)(name)
    one.verifies_tls = bool(body.get("enable_ssl_verification", one.verifies_tls))
    if "custom_webhook_template" in body:
        one.template = str(body["custom_webhook_template"]) or None


def _is_blocked(url: str, world: World) -> bool:
    """Tell whether a webhook may not go there: by default private addresses are refused."""
    host = urlsplit(url).hostname or ""
    try:
        is_local = ip_address(host).is_private
    except ValueError:
        is_local = host == "localhost"
    return is_local and not world.allows_local_hooks


def _covers(one: Webhook, project: Project) -> bool:
    return one.owner is project or any(one.owner is group for group in project.group.line())


class Posting:
    """
    Posts what happens to whoever wants to hear of it, as GitLab's background jobs do: some time later, in any order.

    Args of the constructor:
        world: whose webhooks they are.
        base: GitLab's address as it writes it itself.
        delay_s: how much later a delivery goes out, at most.
        repeats: which part of the deliveries goes out twice.
        is_old: it is a GitLab that leaves `project` out.
    """

    def __init__(
        self, world: World, *, base: str, delay_s: float = 0, repeats: float = 0, is_old: bool = False
    ) -> None:
        self._world = world
        self._base = base
        self._delay_s = delay_s
        self._repeats = repeats
        self._is_old = is_old
        self._under_way: set[asyncio.Task[None]] = set()
        self.statuses: list[int] = []
        """What the answers were so far; 0 where none came in time."""

    def job(self, job: Job) -> None:
        """Tell of a job as it is now; returns at once."""
        world, payload = self._world, job_event(job, base=self._base, is_old=self._is_old)
        for one in world.webhooks.values():
            is_on = "job_events" in one.events and one.status(world.now()) == "executable"
            if not is_on or not _covers(one, job.project):
                continue
            delivery = one.hook.delivery("Job Hook", payload, world)
            for _ in range(1 + (world.random.random() < self._repeats)):
                self._send(one, delivery)

    async def done(self) -> None:
        """Wait until everything has gone out."""
        while self._under_way:
            await asyncio.gather(*self._under_way)

    def _send(self, one: Webhook, delivery: Delivery) -> None:
        async def send() -> None:
            await asyncio.sleep(self._world.random.uniform(0, self._delay_s))
            status = await one.hook.post(delivery)
            one.answered(status, self._world.now())
            self.statuses.append(status)

        task = asyncio.create_task(send(), name="delivery")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
