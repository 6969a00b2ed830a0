"""Runners: one is created once, whatever becomes of the answers; what is there is read whole."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner_bridge.core.errors import DeniedError, InvalidError, NeighbourError, StaleError
from runner_bridge.core.model.gitlab import (
    AccessLevel,
    CreatedRunner,
    NewRunner,
    Purpose,
    RunnerChange,
    RunnerToken,
    RunnerType,
)
from runner_bridge.ports.gitlab import LostError, Settings
from runner_bridge.simulate.gitlab import Fault
from tests.ports.gitlab.world import NOON, as_admin, pair, tokens_of, world_of

if TYPE_CHECKING:
    from runner_bridge.simulate.gitlab import World
    from runner_bridge.simulate.gitlab.world import Runner

MARKER = "runner-bridge: gold"
POST = "/user/runners$"


def marked(world: World) -> list[Runner]:
    return [one for one in world.runners.values() if MARKER in one.note]


def new_runner(world: World, kind: RunnerType = RunnerType.GROUP, **more: object) -> NewRunner:
    group = world.find_group("platform/api")
    assert group is not None
    project = next(one for one in world.projects.values() if group in one.group.line())
    target = {RunnerType.GROUP: group.id, RunnerType.PROJECT: project.id}.get(kind)
    return NewRunner(type=kind, marker=MARKER, target_id=target, tags=("gold",), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", RunnerType)
async def test_a_runner_is_created_paused_and_for_tagged_jobs(kind: RunnerType) -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        created = await both.port.runners.create(
            new_runner(world, kind, description="gold", note="Ask Ops.", max_timeout_s=3600)
        )

        (made,) = marked(world)
        assert (made.id, made.type, made.token) == (created.id, kind, created.token.reveal())
        assert (made.paused, made.run_untagged, made.tags) == (True, False, ["gold"])
        assert (made.note, made.description, made.max_timeout) == (f"Ask Ops.\n{MARKER}", "gold", 3600)
        assert not created.was_found


LOST = [
    pytest.param(Fault(path=POST, is_carried_out=True, is_torn=True), id="the connection broke"),
    pytest.param(Fault(path=POST, is_carried_out=True, status=502, body=b"<html>"), id="a bad gateway"),
    pytest.param(Fault(path=POST, is_carried_out=True, status=500, body=b"{}"), id="an internal error"),
    pytest.param(Fault(path=POST, delay_s=3), id="too slow"),
]


@pytest.mark.parametrize("fault", LOST)
async def test_a_runner_whose_answer_was_lost_is_found_and_gets_a_new_token(fault: Fault) -> None:
    world = world_of(200)
    async with as_admin(world, settings=Settings(connect_s=2, answer_s=0.3)) as both:
        both.server.faults.add(fault)

        created = await both.port.runners.create(new_runner(world))

        (made,) = marked(world)
        assert (made.id, created.was_found) == (created.id, True)
        assert await both.port.runners.verify(created.token, system_id="r_1")
        assert both.server.asked.count(("POST", "/api/v4/user/runners")) == 1


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(Fault(path=POST, is_torn=True), id="the connection broke"),
        pytest.param(Fault(path=POST, status=503), id="not available"),
    ],
)
async def test_a_runner_that_may_still_come_is_not_asked_for_twice(fault: Fault) -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        both.server.faults.add(fault)

        with pytest.raises(LostError, match=r"Nothing with its marker is there yet\. Run it again"):
            await both.port.runners.create(new_runner(world))
        assert marked(world) == []
        created = await both.port.runners.create(new_runner(world))

        assert [one.id for one in marked(world)] == [created.id]


async def test_a_refusal_by_the_limit_was_not_carried_out_and_is_repeated() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        both.server.faults.add(Fault(path=POST, status=429, body=b"Retry later", times=2))

        created = await both.port.runners.create(new_runner(world))

        assert [one.id for one in marked(world)] == [created.id]


async def test_a_crash_after_the_answer_leaves_one_runner_with_a_token_that_works() -> None:
    """The process died before the token was stored: the next one has but the marker."""
    world = world_of(200)
    async with as_admin(world) as both:
        lost = await both.port.runners.create(new_runner(world))
        again = await both.port.runners.create(new_runner(world))

        assert [one.id for one in marked(world)] == [lost.id] == [again.id]
        assert await both.port.runners.verify(again.token, system_id="r_1")
        assert not await both.port.runners.verify(lost.token, system_id="r_1")


FAULTS = st.sampled_from(
    [
        Fault(path=POST, is_carried_out=True, is_torn=True),
        Fault(path=POST, is_carried_out=True, status=504),
        Fault(path=POST, is_torn=True),
        Fault(path=POST, status=500),
        Fault(path=POST, status=429),
        Fault(path="graphql", status=502, times=4),
        Fault(path="reset_authentication_token", is_carried_out=True, is_torn=True),
        Fault(path="groups", status=503, times=4),
    ]
)


@settings(max_examples=25)
@given(st.lists(FAULTS, max_size=6))
async def test_however_it_fails_there_is_never_a_second_runner(faults: list[Fault]) -> None:
    world = world_of(60)
    async with as_admin(world) as both:
        for fault in faults:
            both.server.faults.add(fault)
        created: CreatedRunner | None = None
        for _ in range(2 + 4 * len(faults)):
            with suppress(NeighbourError):
                created = await both.port.runners.create(new_runner(world))
                break
            assert len(marked(world)) <= 1

        assert created is not None
        (made,) = marked(world)
        assert made.token == created.token.reveal()


async def test_a_runner_that_managers_use_keeps_its_token() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        created = await both.port.runners.create(new_runner(world))
        await both.port.runners.verify(created.token, system_id="r_1")

        with pytest.raises(StaleError, match=f"runner {created.id} carries the marker and is used"):
            await both.port.runners.create(new_runner(world))

        assert marked(world)[0].token == created.token.reveal()


async def test_a_marker_that_two_runners_carry_is_told() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        first = await both.port.runners.create(new_runner(world))
        copy = world.runner("group", group=world.runners[first.id].group)
        copy.note = MARKER

        with pytest.raises(StaleError, match=f"runners {first.id}, {copy.id} carry one marker"):
            await both.port.runners.create(new_runner(world))


async def test_a_marker_in_another_scope_is_another_runners() -> None:
    world = world_of(200)
    other = world.runner("group", group=world.find_group("platform"))
    other.note = MARKER
    longer = world.runner("group", group=world.find_group("platform/api"))
    longer.note = f"{MARKER}-plus"
    async with as_admin(world) as both:
        created = await both.port.runners.create(new_runner(world))

        assert created.id not in {other.id, longer.id}


async def test_nothing_is_created_where_notes_are_hidden() -> None:
    """An auditor lists every runner, and sees no note: he could not find what was lost."""
    world = world_of(200)
    there = {
        "id": "gid://gitlab/Ci::Runner/1",
        "runnerType": "INSTANCE_TYPE",
        "userPermissions": {"updateRunner": False},
    }
    async with as_admin(world) as both:
        body = json.dumps({"data": {"runners": {"nodes": [there]}}}).encode()
        both.server.faults.add(Fault(path="graphql", status=200, body=body, content_type="application/json"))
        with pytest.raises(DeniedError, match="does not see their maintenance notes"):
            await both.port.runners.create(new_runner(world, RunnerType.INSTANCE))

        assert marked(world) == []


async def test_a_scope_that_goes_between_the_look_and_the_creation_is_said() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        both.server.faults.add(Fault(path=POST, status=404, body=b'{"message": "404 Not Found"}'))
        with pytest.raises(InvalidError, match="there is no group"):
            await both.port.runners.create(new_runner(world))


async def test_nothing_is_created_where_runners_are_not_listed() -> None:
    world = world_of(200)
    there = world.runner("instance")
    reader = world.user("maria", platform=50)
    admin = world.user("root", is_admin=True)
    tokens = {**tokens_of(world, admin), Purpose.READ: world.token(reader, "read_api")}
    async with pair(world, tokens) as both:
        before = set(world.runners)
        with pytest.raises(DeniedError, match="only an administrator's token lists"):
            await both.port.runners.create(NewRunner(type=RunnerType.INSTANCE, marker=MARKER, tags=("gold",)))
        assert set(world.runners) == before
        assert there.id in before


async def test_nothing_is_created_without_the_right_role() -> None:
    world = world_of(200)
    tokens = tokens_of(world, world.user("maria", platform=20))
    async with pair(world, tokens) as both:
        with pytest.raises(NeighbourError):
            await both.port.runners.create(new_runner(world))
        assert marked(world) == []


@pytest.mark.parametrize(
    ("new", "words"),
    [
        pytest.param({"tags": ()}, "can not be empty when runner is not allowed", id="untagged without tags"),
        pytest.param({"max_timeout_s": 60}, "at least 10 minutes", id="a time-out that is too short"),
        pytest.param({"note": "x" * 1024}, "at most 1024 characters", id="a note that is too long"),
        pytest.param({"target_id": 10**6}, "there is no group 1000000 for us", id="no such group"),
        pytest.param({"target_id": None}, "there is no group None", id="no group"),
        pytest.param({"type": RunnerType.PROJECT, "target_id": 10**6}, "there is no project 1000000", id="no project"),
    ],
)
async def test_what_gitlab_does_not_take_is_said(new: dict[str, object], words: str) -> None:
    world = world_of(200)
    group = world.find_group("platform/api")
    assert group is not None
    said = {"type": RunnerType.GROUP, "marker": MARKER, "target_id": group.id, "tags": ("gold",), **new}
    async with as_admin(world) as both:
        with pytest.raises(InvalidError, match=words):
            await both.port.runners.create(NewRunner(**said))  # type: ignore[arg-type]
        assert marked(world) == []


async def test_a_runner_changes_in_what_was_said_and_nothing_else() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        created = await both.port.runners.create(new_runner(world, description="gold"))
        change = RunnerChange(is_paused=False, tags=("silver", "arm64"), access_level=AccessLevel.REF_PROTECTED)

        after = await both.port.runners.update(created.id, change)

        assert after is not None
        assert (after.is_paused, after.tags, after.access_level) == (False, ("arm64", "silver"), "ref_protected")
        assert (after.description, after.maintenance_note, after.run_untagged) == ("gold", MARKER, False)
        assert await both.port.runners.get(created.id) == after
        assert await both.port.runners.update(10**6, change) is None


async def test_a_runner_is_deleted_once() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        created = await both.port.runners.create(new_runner(world))

        assert await both.port.runners.delete(created.id)
        assert not await both.port.runners.delete(created.id)
        assert marked(world) == []
        with pytest.raises(InvalidError, match="there is no such runner"):
            await both.port.runners.renew(created.id)


async def test_all_runners_of_the_instance_are_listed_with_their_settings() -> None:
    world = world_of(200)
    for number in range(120):
        world.runner("instance").tags = [f"t{number}"]
    async with as_admin(world) as both:
        found = await both.port.runners.of_instance()

        assert [one.id for one in found] == sorted(world.runners)
        for one in found:
            truth = world.runners[one.id]
            assert (one.type, one.tags, one.run_untagged) == (truth.type, tuple(sorted(truth.tags)), truth.run_untagged)
            assert one.project_ids == tuple(sorted(each.id for each in truth.projects))
            assert one.group_ids == ((truth.group.id,) if truth.group else ())
            assert one.short_sha == truth.token.removeprefix("glrt-")[:8]
            assert one.is_whole
        assert both.port.requests.total == 2


async def test_runners_below_a_group_and_those_that_a_project_sees() -> None:
    world = world_of(200)
    async with as_admin(world) as both:
        below = await both.port.runners.of_group("platform")
        group = world.find_group("platform")
        assert group is not None
        assert below
        for one in below:
            truth = world.runners[one.id]
            inside = [truth.group] if truth.group else [each.group for each in truth.projects]
            assert any(group in one.line() for one in inside)

        runner = next(one for one in world.runners.values() if one.projects)
        seen = await both.port.runners.of_project(runner.projects[0].path)
        assert seen is not None
        assert runner.id in {one.id for one in seen}


async def test_managers_are_listed_with_their_system_id() -> None:
    world = world_of(5)
    runner = world.runner("instance")
    world.sign_in(runner, "r_one")
    world.sign_in(runner, "s_two").is_busy = True
    async with as_admin(world) as both:
        found = await both.port.runners.managers(runner.id)

        assert found is not None
        assert [(one.system_id, one.is_busy, one.contacted_at) for one in found] == [
            ("r_one", False, NOON),
            ("s_two", True, NOON),
        ]


async def test_managers_are_read_with_the_managing_token_where_it_is_the_only_one() -> None:
    world = world_of(5)
    runner = world.runner("instance")
    token = world.token(world.user("root", is_admin=True), "manage_runner")
    async with pair(world, {Purpose.MANAGE: token}) as both:
        assert await both.port.runners.managers(runner.id) == ()
        assert await both.port.runners.get(runner.id) is not None


async def test_a_token_that_is_none_is_not_verified() -> None:
    async with as_admin(world_of(5)) as both:
        assert not await both.port.runners.verify(RunnerToken("fake"), system_id="r_1")
