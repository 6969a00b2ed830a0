"""Projects: all of them in few requests, those that changed, one by any of its names; on GitLab.com only our own."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import DeniedError, SettingsError
from runner_bridge.core.model.gitlab import Group, Project, Purpose
from runner_bridge.ports.gitlab import Budget
from runner_bridge.simulate.gitlab import Fault
from tests.ports.gitlab.world import NOON, Clock, as_admin, pair, tokens_of, world_of

if TYPE_CHECKING:
    from runner_bridge.ports.gitlab.projects import Projects


async def listed(projects: Projects, **how: object) -> dict[int, Project]:
    found: list[Project] = []
    async for page in projects.pages(**how):  # type: ignore[arg-type] # handed on as they are
        assert page
        found += page
    assert len({one.id for one in found}) == len(found)
    return {one.id: one for one in found}


async def test_ten_thousand_projects_take_a_hundred_requests_of_one_server() -> None:
    """Links name GitLab's external address, which leads nowhere from here."""
    world = world_of(10_000)
    async with as_admin(world) as both:
        found = await listed(both.port.projects, with_attributes=True)

        assert {one.path for one in found.values()} == {one.path for one in world.projects.values()}
        assert both.port.requests.total <= 101
        assert both.server.external_url not in both.port.url


async def test_ten_thousand_projects_keep_to_one_request_a_second() -> None:
    clock = Clock()
    async with as_admin(world_of(10_000), budget=Budget(clock=clock, sleep=clock.sleep)) as both:
        assert len(await listed(both.port.projects)) == 10_000

        assert clock.seconds == 95  # the first five are free
        assert both.port.budget.waited_s == 95


async def test_five_thousand_projects_below_one_group_take_fifty_questions() -> None:
    world = world_of(5000, root="everything")
    async with as_admin(world) as both:
        found = await listed(both.port.projects, roots=("everything",))

        assert len(found) == 5000
        assert both.port.requests.counts == {("graphql-projects", "200"): 50}


async def test_both_ways_say_the_same_of_a_project() -> None:
    world = world_of(300, root="everything")
    next(iter(world.projects.values())).leaving_on = "2026-03-08"
    async with as_admin(world) as both:
        over_graphql = await listed(both.port.projects, roots=("everything",))
        over_rest = await listed(both.port.projects)

    assert over_graphql == over_rest
    assert any(one.is_archived for one in over_rest.values())
    assert any(one.is_leaving for one in over_rest.values())
    assert any(one.topics for one in over_rest.values())


async def test_a_gitlab_that_does_not_know_a_field_is_asked_over_rest() -> None:
    """GitLab 17.11 without the enterprise edition has no date of deletion in GraphQL."""
    world = world_of(150, root="everything")
    async with as_admin(world) as both:
        words = b'{"errors": [{"message": "Field \'markedForDeletionOn\' doesn\'t exist on type \'Project\'"}]}'
        both.server.faults.add(Fault(path="graphql", status=200, body=words, content_type="application/json"))

        found = await listed(both.port.projects, roots=("everything",))

        assert len(found) == 150
        assert both.port.requests.counts["group-projects", "200"] == 2


async def test_attributes_of_a_groups_projects_come_over_rest() -> None:
    world = world_of(250)
    async with as_admin(world) as both:
        found = await listed(both.port.projects, roots=("platform",), with_attributes=True)

        truth = {one.id: one.attributes for one in world.projects.values() if one.path.startswith("platform/")}
        assert {number: dict(one.attributes or ()) for number, one in found.items()} == truth
        assert {endpoint for endpoint, _ in both.port.requests.counts} == {"group-projects"}


async def test_attributes_are_unknown_to_others_than_administrators() -> None:
    world = world_of(50)
    user = world.user("maria", platform=50)
    async with pair(world, tokens_of(world, user)) as both:
        found = await listed(both.port.projects, with_attributes=True)

    assert found
    assert all(one.attributes is None for one in found.values())


@pytest.mark.parametrize("roots", [(), ("everything",)], ids=["instance", "group"])
async def test_only_what_changed_is_read_when_that_is_asked(roots: tuple[str, ...]) -> None:
    world = world_of(1000, root="everything")
    changed = list(world.projects.values())[::250]
    for one in changed:
        world.rename(one, f"{one.slug}-new")
    async with as_admin(world) as both:
        found = await listed(both.port.projects, roots=roots, since=NOON - timedelta(minutes=10))

        assert {one.path for one in found.values()} == {one.path for one in changed}
        assert both.port.requests.total == 1


@pytest.mark.parametrize("ref", ["number", "path", "former path", "path in capitals"])
async def test_a_project_is_found_by_each_of_its_names(ref: str) -> None:
    """A former path is answered with a redirect to the external address, where our token must not go."""
    world = world_of(5)
    project = next(iter(world.projects.values()))
    before = project.path
    world.rename(project, "größe-neu")
    named: dict[str, int | str] = {
        "number": project.id,
        "path": project.path,
        "former path": before,
        "path in capitals": project.path.title().replace("SS", "ß"),
    }
    async with as_admin(world) as both:
        found = await both.port.projects.get(named[ref])

    assert found is not None
    assert (found.id, found.path) == (project.id, project.path)


async def test_a_group_is_found_by_number_and_path() -> None:
    world = world_of(5)
    group = world.find_group("データ/сборка")
    assert group is not None
    async with as_admin(world) as both:
        expected = Group(id=group.id, path="データ/сборка", parent_id=group.parent.id if group.parent else None)

        assert await both.port.projects.group("データ/сборка") == expected
        assert await both.port.projects.group(group.id) == expected


async def test_a_project_of_others_is_not_there() -> None:
    world = world_of(200)
    user = world.user("maria", platform=20)
    theirs = next(one for one in world.projects.values() if one.path.startswith("infra/"))
    async with pair(world, tokens_of(world, user)) as both:
        assert await both.port.projects.get(theirs.path) is None
        assert all(one.path.startswith("platform/") for one in (await listed(both.port.projects)).values())


async def test_gitlab_com_is_never_asked_for_all_projects() -> None:
    world = world_of(100)
    user = world.user("maria", platform=50)
    async with pair(world, tokens_of(world, user), is_shared=True) as both:
        with pytest.raises(SettingsError, match="Name your groups in root_groups"):
            await listed(both.port.projects)
        with pytest.raises(DeniedError, match="not ours to list"):
            await both.port.runners.of_instance()
        assert both.server.asked == []

        assert await listed(both.port.projects, roots=("platform",))


@pytest.mark.parametrize("how", [{}, {"with_attributes": True}], ids=["graphql", "rest"])
async def test_a_root_group_that_is_not_there_is_named(how: dict[str, bool]) -> None:
    async with as_admin(world_of(5)) as both:
        with pytest.raises(SettingsError, match="no group 'platfrom' that the token sees"):
            await listed(both.port.projects, roots=("platfrom",), **how)


async def test_a_path_with_quotes_is_a_path() -> None:
    async with as_admin(world_of(5)) as both:
        with pytest.raises(SettingsError, match="no group"):
            await listed(both.port.projects, roots=('a"b\\c{',))


async def test_gitlab_com_is_known_by_its_address() -> None:
    from runner_bridge.ports.gitlab import open_gitlab

    async with open_gitlab("https://gitlab.com/", tokens={}) as port:
        assert port.is_shared
        assert port.url == "https://gitlab.com"


async def test_jobs_and_pipelines_are_told_as_they_are() -> None:
    world = world_of(5)
    user = world.user("maria", platform=50)
    project = next(iter(world.projects.values()))
    runner = world.runner("instance")
    manager = world.sign_in(runner, "r_abc")
    waiting = world.job(project, tags=["gold", "arm64"], user=user)
    running = world.job(project, status="running", runner=runner, manager=manager, started_at=NOON)
    async with as_admin(world) as both:
        first = await both.port.jobs.get(project.id, waiting.id)
        second = await both.port.jobs.get(project.id, running.id)
        pipeline = await both.port.jobs.pipeline(project.id, running.pipeline_id)

    assert first is not None
    assert (first.runner_id, first.system_id, first.tags) == (None, "", ("arm64", "gold"))
    assert (first.project_path, first.user) == (project.path, "maria")
    assert second is not None
    assert (second.runner_id, second.system_id, second.started_at) == (runner.id, "r_abc", NOON)
    assert pipeline is not None
    assert (pipeline.id, pipeline.source, pipeline.project_id) == (running.pipeline_id, "push", project.id)


async def test_the_newest_jobs_of_a_project_come_in_one_page() -> None:
    world = world_of(5)
    mine, other = list(world.projects.values())[:2]
    jobs = [world.job(mine) for _ in range(120)]
    world.job(other)
    async with as_admin(world) as both:
        page = await both.port.jobs.newest(mine.id)
        assert await both.port.jobs.newest(10**6) is None
        assert both.port.requests.total == 2

    assert page is not None
    assert [one.id for one in page] == [one.id for one in reversed(jobs[20:])]


async def test_a_job_of_another_project_is_not_confirmed() -> None:
    world = world_of(5)
    mine, other = list(world.projects.values())[:2]
    job = world.job(mine)
    async with as_admin(world) as both:
        assert await both.port.jobs.get(other.id, job.id) is None
        assert await both.port.jobs.get(10**6, job.id) is None


async def test_without_purpose_no_token_goes_out() -> None:
    world = world_of(5)
    async with pair(world, {Purpose.CREATE: "fake"}) as both:
        with pytest.raises(DeniedError, match="no GitLab token with the scope read_api"):
            await both.port.projects.get(1)
        assert both.server.asked == []
