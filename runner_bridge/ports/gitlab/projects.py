"""
Projects and groups: all of them in pages of a hundred, those that changed, or one.

The whole instance goes by keyset (`GET /projects`, only without root groups and never on GitLab.com), a root group by
GraphQL, or by REST where custom attributes are wanted, which GraphQL does not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from runner_bridge.core.errors import SettingsError, WireError
from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.core.wire import gitlab_graph, gitlab_rest
from runner_bridge.ports.gitlab.refusals import Deed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from datetime import datetime

    from runner_bridge.core.model.gitlab import Group, Project
    from runner_bridge.ports.gitlab.session import Session

PAGE = 100
_BELOW = {"include_subgroups": "true", "with_shared": "false"}


class Projects:
    """
    Reads projects and groups.

    Args of the constructor:
        session: the session.
        is_shared: this is GitLab.com: only what is below root groups is ours to list.
    """

    def __init__(self, session: Session, *, is_shared: bool) -> None:
        self._session = session
        self._is_shared = is_shared

    async def pages(
        self, *, roots: tuple[str, ...] = (), with_attributes: bool = False, since: datetime | None = None
    ) -> AsyncIterator[tuple[Project, ...]]:
        """
        Yield projects, a page at a time; one that changes meanwhile may come twice.

        Args:
            roots: full paths of groups; none for the whole instance.
            with_attributes: custom attributes too; for administrators alone.
            since: only those that were created or changed after this moment. A new name of a group above, topics and
                attributes do not count as a change of a project, and a deleted one is not there to be listed.

        Raises:
            SettingsError: the whole of GitLab.com is asked for, or a root group is not there.
            NeighbourError: GitLab cannot be asked.
        """
        if not roots and self._is_shared:
            message = f"{self._session.url}: not all of its projects are ours to list. Name your groups in root_groups."
            raise SettingsError(message)
        if not roots:
            async for page in self._listed("/projects", {}, with_attributes=with_attributes, since=since):
                yield page
        for root in roots:
            path = f"/groups/{quote(root, safe='')}/projects"
            over_rest = self._listed(path, _BELOW, with_attributes=with_attributes, since=since, root=root)
            if since is None and not with_attributes:
                async for page in self._below(root, otherwise=over_rest):
                    yield page
            else:
                async for page in over_rest:
                    yield page

    async def get(self, ref: int | str, *, with_attributes: bool = False) -> Project | None:
        """
        Return one project by its number or full path, also by a path that it had before; None if there is none for us.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="get", resource="projects", endpoint="project", subject=str(ref))
        params = {"with_custom_attributes": "true"} if with_attributes else {}
        answer = await self._session.rest(
            "get", f"/projects/{quote(str(ref), safe='')}", deed=deed, purpose=Purpose.READ, params=params
        )
        if answer.is_missing:
            return None
        return gitlab_rest.project(answer.body, what=self._session.subject(deed))

    async def group(self, ref: int | str) -> Group | None:
        """
        Return one group by its number or full path; None if there is none for us.

        Raises:
            NeighbourError: GitLab cannot be asked.
        """
        deed = Deed(verb="get", resource="groups", endpoint="group", subject=str(ref))
        path = f"/groups/{quote(str(ref), safe='')}"
        params = {"with_projects": "false"}  # else a hundred of them come along
        answer = await self._session.rest("get", path, deed=deed, purpose=Purpose.READ, params=params)
        return None if answer.is_missing else gitlab_rest.group(answer.body, what=self._session.subject(deed))

    async def _listed(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        with_attributes: bool,
        since: datetime | None,
        root: str = "",
    ) -> AsyncIterator[tuple[Project, ...]]:
        endpoint = "group-projects" if root else "projects"
        deed = Deed(verb="list", resource="projects", endpoint=endpoint, subject=f"of {root}" if root else "")
        query: Mapping[str, str] | None = {
            "per_page": str(PAGE),
            **params,
            **({"with_custom_attributes": "true"} if with_attributes else {}),
            **_order(since, is_keyset=not root),
        }
        while query is not None:
            answer = await self._session.rest("get", path, deed=deed, purpose=Purpose.READ, params=query)
            if answer.is_missing:
                raise _no_group(self._session.url, root)
            page = gitlab_rest.projects(answer.body, what=self._session.subject(deed))
            changed = tuple(one for one in page if since is None or one.updated_at is None or one.updated_at >= since)
            if changed:
                yield changed
            # The list of a group cannot be cut by the moment of change: it is sorted by it, and read so far.
            query = answer.following if len(changed) == len(page) else None

    async def _below(
        self, root: str, *, otherwise: AsyncIterator[tuple[Project, ...]]
    ) -> AsyncIterator[tuple[Project, ...]]:
        """Ask over GraphQL, or otherwise where GitLab does not know a field: editions got some later than others."""
        try:
            async for page in self._asked(root):
                yield page
        except WireError:
            async for page in otherwise:
                yield page

    async def _asked(self, root: str) -> AsyncIterator[tuple[Project, ...]]:
        deed = Deed(verb="list", resource="projects", endpoint="graphql-projects", subject=f"of {root}")
        after: str | None = None
        while True:
            query = gitlab_graph.projects_of_group(root, after)
            data = await self._session.graph(query, deed=deed, purpose=Purpose.READ)
            found = gitlab_graph.projects(data, what=self._session.subject(deed))
            if found is None:
                raise _no_group(self._session.url, root)
            if found.items:
                yield found.items
            if found.after is None:
                return
            after = found.after


def _order(since: datetime | None, *, is_keyset: bool) -> Mapping[str, str]:
    if since is not None:
        changed = {"order_by": "updated_at", "sort": "desc"}
        return {**changed, "updated_after": since.isoformat()} if is_keyset else changed
    ordered = {"order_by": "id", "sort": "asc"}
    return {**ordered, "pagination": "keyset"} if is_keyset else ordered


def _no_group(url: str, root: str) -> SettingsError:
    message = (
        f"{url}: there is no group {root!r} that the token sees. Correct root_groups, or add its owner to the group."
    )
    return SettingsError(message)
