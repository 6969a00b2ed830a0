"""
Runners: list, look, create, change, delete.

Creating is not idempotent in GitLab and the token is shown once, so a runner carries a marker in its maintenance note:
`create` looks for the marker first, never sends twice what may have been carried out, and gives a runner whose answer
was lost a new token. With a marker of its own for each runner that is wanted, it may be called again at any time.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from runner_bridge.core.errors import DeniedError, InvalidError, StaleError
from runner_bridge.core.model.gitlab import MARKER_LIMIT, Purpose, RunnerType
from runner_bridge.core.wire import gitlab_graph, gitlab_rest
from runner_bridge.ports.gitlab.refusals import Deed, LostError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner_bridge.core.model.gitlab import (
        CreatedRunner,
        NewRunner,
        Runner,
        RunnerChange,
        RunnerManager,
        RunnerToken,
    )
    from runner_bridge.ports.gitlab.projects import Projects
    from runner_bridge.ports.gitlab.session import Session

_LOOK_AFTER_S = (2.0, 8.0)
"""When it is looked for a runner whose answer was lost: GitLab may still be at it."""


class Runners:
    """
    Reads and changes runners.

    Args of the constructor:
        session: the session.
        projects: to find groups and projects by their numbers.
        is_shared: this is GitLab.com: its instance runners are not ours.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        session: Session,
        projects: Projects,
        *,
        is_shared: bool,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._projects = projects
        self._is_shared = is_shared
        self._sleep = sleep

    async def of_instance(self) -> tuple[Runner, ...]:
        """
        Return every runner of the instance, of each type, by number.

        Raises:
            DeniedError: the token's owner is no administrator, or this is GitLab.com.
            NeighbourError: GitLab cannot be asked.
        """
        if self._is_shared:
            message = f"{self._session.url}: its instance runners are not ours to list. Ask for those of a group."
            raise DeniedError(message, verb="list", resource="runners")
        found = await self._listed(gitlab_graph.runners_of_instance, "")
        if found is None:
            message = f"{self._session.url}: list runners: only an administrator's token lists those of the instance."
            raise DeniedError(message, verb="list", resource="runners")
        return found

    async def of_group(self, path: str) -> tuple[Runner, ...] | None:
        """
        Return the runners of a group, of those below it, and of all their projects, by number; None: no such group.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        return await self._listed(partial(gitlab_graph.runners_of_group, path), f"of group {path}")

    async def of_project(self, path: str) -> tuple[Runner, ...] | None:
        """
        Return the runners that a project sees, by number; None: no such project.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        return await self._listed(partial(gitlab_graph.runners_of_project, path), f"of project {path}")

    async def get(self, runner_id: int) -> Runner | None:
        """
        Return a runner with all its settings; None: there is none for us.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="get", resource="runners", endpoint="runner", subject=str(runner_id))
        answer = await self._session.rest("get", f"/runners/{runner_id}", deed=deed, purpose=self._reading())
        return None if answer.is_missing else gitlab_rest.runner(answer.body, what=self._session.subject(deed))

    async def managers(self, runner_id: int) -> tuple[RunnerManager, ...] | None:
        """
        Return the processes that sign in with a runner's token; None: there is no such runner for us.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="list", resource="runner managers", endpoint="runner-managers", subject=f"of {runner_id}")
        answer = await self._session.rest("get", f"/runners/{runner_id}/managers", deed=deed, purpose=self._reading())
        return None if answer.is_missing else gitlab_rest.managers(answer.body, what=self._session.subject(deed))

    async def marked(self, new: NewRunner) -> tuple[Runner, ...]:
        """
        Return the runners of the scope of `new` that carry its marker, by number.

        Raises:
            DeniedError: the token does not see maintenance notes there, so nobody can tell.
            InvalidError: there is no such group or project.
            NeighbourError: GitLab cannot be asked.
        """
        found = [one for one in await self._in_scope(new) if one.type is new.type and _is_of(one, new)]
        if any(one.maintenance_note is None for one in found):
            origin = self._session.tokens.origin(Purpose.READ)
            message = (
                f"{self._session.url}: list runners: the token from {origin} does not see their maintenance notes, "
                "so a runner of ours cannot be told from others. Use a token of an owner."
            )
            raise DeniedError(message, verb="list", resource="runners")
        return tuple(one for one in found if new.marker in (one.maintenance_note or "").splitlines())

    async def create(self, new: NewRunner) -> CreatedRunner:
        """
        Create a runner, or give the one that carries its marker a new token, if nobody has used it yet.

        Raises:
            LostError: GitLab may or may not create it; call again later with the same marker.
            StaleError: two runners carry the marker, or one that is in use.
            InvalidError: GitLab does not take it: no such group, untagged without tags, a time-out below ten minutes.
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        if len(new.maintenance_note) > MARKER_LIMIT:
            message = f"The maintenance note of a runner has at most {MARKER_LIMIT} characters. Shorten it."
            raise InvalidError(message, status=400, fields=("maintenance_note",))
        if found := await self.marked(new):
            return await self._take_over(found)
        deed = Deed(verb="create", resource="runners", endpoint="user-runners")
        try:
            answer = await self._session.rest(
                "post", "/user/runners", deed=deed, purpose=Purpose.CREATE, body=_asked(new), repeat=False
            )
        except LostError as lost:
            for wait_s in _LOOK_AFTER_S:
                await self._sleep(wait_s)
                if found := await self.marked(new):
                    return await self._take_over(found)
            message = f"{lost} Nothing with its marker is there yet. Run it again: it looks for the marker first."
            raise LostError(message) from None
        if answer.is_missing:
            raise self._nowhere(new)
        return gitlab_rest.created(answer.body, what=self._session.subject(deed))

    async def update(self, runner_id: int, change: RunnerChange) -> Runner | None:
        """
        Change a runner and return what it is then; None: there is none for us.

        Raises:
            InvalidError: GitLab does not take it.
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        deed = Deed(verb="update", resource="runners", endpoint="runner", subject=str(runner_id))
        answer = await self._session.rest(
            "put", f"/runners/{runner_id}", deed=deed, purpose=Purpose.MANAGE, body=_changed(change)
        )
        return None if answer.is_missing else gitlab_rest.runner(answer.body, what=self._session.subject(deed))

    async def delete(self, runner_id: int) -> bool:
        """
        Delete a runner; False: there was none, or it was deleted by a request of ours whose answer was lost.

        Raises:
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        deed = Deed(verb="delete", resource="runners", endpoint="runner", subject=str(runner_id))
        answer = await self._session.rest("delete", f"/runners/{runner_id}", deed=deed, purpose=Purpose.MANAGE)
        return not answer.is_missing

    async def renew(self, runner_id: int) -> CreatedRunner:
        """
        Give a runner a new token; the old one is worth nothing from then on, so never one that managers use.

        Raises:
            LostError: GitLab may have done it, or still do it; call again later.
            InvalidError: there is no such runner.
            NeighbourError: GitLab cannot be asked, or does not let us.
        """
        deed = Deed(verb="update", resource="runner token", endpoint="runner-token", subject=f"of {runner_id}")
        path = f"/runners/{runner_id}/reset_authentication_token"
        answer = await self._session.rest("post", path, deed=deed, purpose=Purpose.MANAGE, repeat=False)
        if answer.is_missing:
            message = f"{self._session.subject(deed)}: 404, there is no such runner for us."
            raise InvalidError(message, status=404)
        return gitlab_rest.renewed(answer.body, runner_id=runner_id, what=self._session.subject(deed))

    async def verify(self, token: RunnerToken, *, system_id: str) -> bool:
        """
        Tell whether GitLab takes a runner's token. It then lists a manager of that system id.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="get", resource="runner token", endpoint="runners-verify")
        body = {"token": token.reveal(), "system_id": system_id}
        purpose = self._session.tokens.first(Purpose.MANAGE, Purpose.READ, Purpose.CREATE)
        try:
            await self._session.rest("post", "/runners/verify", deed=deed, purpose=purpose, body=body)
        except DeniedError:
            return False
        return True

    def _reading(self) -> Purpose:
        return self._session.tokens.first(Purpose.READ, Purpose.MANAGE)

    async def _listed(self, question: Callable[[str | None], str], subject: str) -> tuple[Runner, ...] | None:
        deed = Deed(verb="list", resource="runners", endpoint="graphql-runners", subject=subject)
        found: dict[int, Runner] = {}
        after: str | None = None
        while True:
            data = await self._session.graph(question(after), deed=deed, purpose=Purpose.READ)
            page = gitlab_graph.runners(data, what=self._session.subject(deed))
            if page is None:
                return None
            found |= {one.id: one for one in page.items}
            if page.after is None:
                return tuple(found[number] for number in sorted(found))
            after = page.after

    async def _in_scope(self, new: NewRunner) -> tuple[Runner, ...]:
        if new.type is RunnerType.INSTANCE:
            return await self.of_instance()
        found: tuple[Runner, ...] | None = None
        if new.type is RunnerType.GROUP and new.target_id is not None:
            group = await self._projects.group(new.target_id)
            found = await self.of_group(group.path) if group else None
        elif new.target_id is not None:
            project = await self._projects.get(new.target_id)
            found = await self.of_project(project.path) if project else None
        if found is None:
            raise self._nowhere(new)
        return found

    async def _take_over(self, found: tuple[Runner, ...]) -> CreatedRunner:
        if len(found) > 1:
            numbers = ", ".join(str(one.id) for one in found)
            message = (
                f"{self._session.url}: runners {numbers} carry one marker, expected one of them. Delete the others."
            )
            raise StaleError(message)
        runner = found[0]
        if runner.contacted_at is not None:
            message = (
                f"{self._session.url}: runner {runner.id} carries the marker and is used by a manager, so it keeps its "
                "token. Store that token, or delete the runner."
            )
            raise StaleError(message)
        return await self.renew(runner.id)

    def _nowhere(self, new: NewRunner) -> InvalidError:
        kind = new.type.removesuffix("_type")
        message = f"{self._session.url}: create runners: there is no {kind} {new.target_id} for us. Correct the scope."
        return InvalidError(message, status=404)


def _is_of(runner: Runner, new: NewRunner) -> bool:
    """Tell whether a runner lies in the very scope of `new`, not in one below it or above."""
    match new.type:
        case RunnerType.INSTANCE:
            return True
        case RunnerType.GROUP:
            return new.target_id in runner.group_ids
        case RunnerType.PROJECT:
            return new.target_id in runner.project_ids


def _asked(new: NewRunner) -> Mapping[str, object]:
    target = {RunnerType.GROUP: "group_id", RunnerType.PROJECT: "project_id"}.get(new.type)
    body: dict[str, object] = {
        "runner_type": str(new.type),
        "description": new.description,
        "maintenance_note": new.maintenance_note,
        "tag_list": list(new.tags),
        "run_untagged": new.run_untagged,
        "locked": new.is_locked,
        "access_level": str(new.access_level),
        "paused": new.is_paused,
    }
    if target is not None:
        body[target] = new.target_id
    if new.max_timeout_s is not None:
        body["maximum_timeout"] = new.max_timeout_s
    return body


def _changed(change: RunnerChange) -> Mapping[str, object]:
    said = {
        "description": change.description,
        "maintenance_note": change.maintenance_note,
        "tag_list": None if change.tags is None else list(change.tags),
        "run_untagged": change.run_untagged,
        "locked": change.is_locked,
        "access_level": None if change.access_level is None else str(change.access_level),
        "paused": change.is_paused,
        "maximum_timeout": change.max_timeout_s,
    }
    return {key: value for key, value in said.items() if value is not None}
