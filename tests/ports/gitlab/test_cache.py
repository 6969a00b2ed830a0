"""The projects that are kept: they outlive an outage, say how old they are, and follow what changes in GitLab."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import NeighbourError, SettingsError
from runner_bridge.ports.gitlab import Cache
from runner_bridge.simulate.gitlab import Fault
from tests.ports.gitlab.world import NOON, Pair, as_admin, world_of

if TYPE_CHECKING:
    from pathlib import Path

    from runner_bridge.ports.gitlab import Known

HOUR = timedelta(hours=1)


def cache_of(both: Pair, folder: Path, *roots: str, with_attributes: bool = False) -> Cache:
    return Cache(
        path=str(folder / "projects.jsonl"),
        url="https://gitlab.example.com",
        roots=roots,
        with_attributes=with_attributes,
    )


def paths(known: Known | None) -> set[str]:
    assert known is not None
    return {one.path for one in known.projects.values()}


async def test_what_was_read_is_there_for_the_next_process(tmp_path: Path) -> None:
    world = world_of(250)
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path, with_attributes=True)
        told: list[int] = []

        fresh = await cache.refresh(both.port.projects, now=NOON, progress=told.append)

        assert paths(fresh) == {one.path for one in world.projects.values()}
        assert await cache.read() == fresh
        assert told == [100, 200, 250]
        assert (tmp_path / "projects.jsonl").stat().st_mode & 0o777 == 0o600


async def test_an_outage_is_survived_and_told_with_the_age(tmp_path: Path) -> None:
    async with as_admin(world_of(50)) as both:
        cache = cache_of(both, tmp_path)
        before = await cache.refresh(both.port.projects, now=NOON)
        await both.server.stop()

        after = await cache.refresh(both.port.projects, now=NOON + 3 * HOUR)

        assert after.projects == before.projects
        assert after.age(NOON + 3 * HOUR) == 3 * HOUR
        assert "cannot be reached" in after.problem
        assert before.problem == ""


async def test_an_outage_at_the_very_first_is_an_error(tmp_path: Path) -> None:
    async with as_admin(world_of(50)) as both:
        await both.server.stop()

        with pytest.raises(NeighbourError):
            await cache_of(both, tmp_path).refresh(both.port.projects, now=NOON)


async def test_a_list_that_breaks_off_halfway_changes_nothing(tmp_path: Path) -> None:
    world = world_of(250)
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path)
        before = await cache.refresh(both.port.projects, now=NOON)
        world.projects.clear()
        both.server.faults.add(Fault(path="projects", status=200, body=b"<html>", times=None))

        after = await cache.refresh(both.port.projects, now=NOON + HOUR, is_whole=True)

        assert after.projects == before.projects
        assert paths(await cache.read()) == paths(before)


async def test_a_refresh_soon_after_asks_for_changes_alone(tmp_path: Path) -> None:
    world = world_of(1000)
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path)
        await cache.refresh(both.port.projects, now=NOON)
        both.port.requests.counts.clear()
        moved, new_home = next(iter(world.projects.values())), world.group("elsewhere")
        world.rename(moved, "moved", new_home)
        new = world.project("new", new_home, archived=True)

        after = await cache.refresh(both.port.projects, now=NOON + HOUR)

        assert both.port.requests.total == 1
        assert after.projects[moved.id].path == "elsewhere/moved"
        assert after.projects[new.id].is_archived
        assert len(after.projects) == 1001


async def test_deleted_projects_and_renamed_groups_are_seen_by_the_next_sweep(tmp_path: Path) -> None:
    world = world_of(300)
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path)
        await cache.refresh(both.port.projects, now=NOON)
        del world.projects[next(iter(world.projects))]
        group = world.find_group("platform")
        assert group is not None
        group.slug = "plattform"

        soon = await cache.refresh(both.port.projects, now=NOON + HOUR)
        later = await cache.refresh(both.port.projects, now=NOON + 7 * HOUR)

        assert len(soon.projects) == 300
        assert paths(later) == {one.path for one in world.projects.values()}
        assert later.swept_at == NOON + 7 * HOUR


async def test_a_project_that_left_the_root_group_is_let_go(tmp_path: Path) -> None:
    world = world_of(100, root="ours")
    theirs = world.group("theirs")
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path, "ours")
        await cache.refresh(both.port.projects, now=NOON)
        world.rename(next(iter(world.projects.values())), "gone", theirs)

        after = await cache.refresh(both.port.projects, now=NOON + HOUR, is_whole=True)

        assert len(after.projects) == 99


async def test_a_project_that_a_shifting_page_hid_is_asked_for(tmp_path: Path) -> None:
    """A list by page numbers skips one when an earlier entry is deleted meanwhile."""
    world = world_of(150, root="ours")
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path, "ours", with_attributes=True)
        await cache.refresh(both.port.projects, now=NOON)
        first = min(world.projects)

        def delete_one(listed: int) -> None:
            if listed == 100:
                del world.projects[first]

        after = await cache.refresh(both.port.projects, now=NOON + HOUR, is_whole=True, progress=delete_one)

        assert len(after.projects) == 150  # the deleted one was listed before it went
        assert set(world.projects) <= set(after.projects)


async def test_many_that_are_gone_are_not_asked_for_one_by_one(tmp_path: Path) -> None:
    world = world_of(250)
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path)
        await cache.refresh(both.port.projects, now=NOON)
        for number in list(world.projects)[:60]:
            del world.projects[number]
        both.port.requests.counts.clear()

        after = await cache.refresh(both.port.projects, now=NOON + HOUR, is_whole=True)

        assert len(after.projects) == 190
        assert both.port.requests.total == 2


async def test_a_clock_that_was_set_back_means_a_sweep(tmp_path: Path) -> None:
    async with as_admin(world_of(50)) as both:
        cache = cache_of(both, tmp_path)
        await cache.refresh(both.port.projects, now=NOON)

        after = await cache.refresh(both.port.projects, now=NOON - HOUR)

        assert after.swept_at == NOON - HOUR


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text[: len(text) // 2], id="cut"),
        pytest.param(lambda text: text[: text.rindex("\n", 0, -1) + 1], id="cut after a line"),
        pytest.param(lambda _: "", id="empty"),
        pytest.param(lambda _: "not JSON\n", id="no JSON"),
        pytest.param(lambda text: text.replace('"format":1', '"format":2'), id="of a later version"),
        pytest.param(lambda text: text.replace("gitlab.example.com", "other.example.com"), id="of another instance"),
        pytest.param(lambda text: text.replace('"roots":[]', '"roots":["a"]'), id="of other groups"),
        pytest.param(lambda text: text.replace('"with_attributes":false', '"with_attributes":true'), id="attributes"),
    ],
)
async def test_a_file_that_does_not_fit_is_as_good_as_none(tmp_path: Path, damage: object) -> None:
    async with as_admin(world_of(50)) as both:
        cache = cache_of(both, tmp_path)
        before = await cache.refresh(both.port.projects, now=NOON)
        file = tmp_path / "projects.jsonl"
        file.write_text(damage(file.read_text(encoding="utf-8")), encoding="utf-8")  # type: ignore[operator]

        assert await cache.read() is None
        assert await cache.refresh(both.port.projects, now=NOON) == before


async def test_bytes_that_are_no_text_are_as_good_as_none(tmp_path: Path) -> None:
    async with as_admin(world_of(5)) as both:
        (tmp_path / "projects.jsonl").write_bytes(b"\xff\xfe\x00")

        assert await cache_of(both, tmp_path).read() is None


async def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    async with as_admin(world_of(5)) as both:
        with pytest.raises(SettingsError, match="there is no folder"):
            await cache_of(both, tmp_path / "none").refresh(both.port.projects, now=NOON)
        with pytest.raises(SettingsError, match="is a folder"):
            await Cache(path=str(tmp_path), url="").read()


async def test_twenty_thousand_projects_of_one_group_are_kept(tmp_path: Path) -> None:
    world = world_of(20_000, root="everything")
    async with as_admin(world) as both:
        cache = cache_of(both, tmp_path, "everything", with_attributes=True)

        await cache.refresh(both.port.projects, now=NOON)

        assert paths(await cache.read()) == {one.path for one in world.projects.values()}
        assert both.port.requests.total == 200
