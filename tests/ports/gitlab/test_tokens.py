"""Tokens come from a file, a variable or whoever is asked; one that rotates is taken up, none is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import DeniedError, SettingsError
from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.ports.gitlab import AskedToken, EnvironmentToken, FileToken
from tests.ports.gitlab.world import pair, world_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_file_is_read_without_the_space_around_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  fake-one \n")

    source = FileToken(str(tmp_path / "token"))

    assert await source.read() == "fake-one"
    assert source.origin == f"file {tmp_path / 'token'}"


async def test_a_variable_gives_its_value() -> None:
    source = EnvironmentToken("GITLAB_TOKEN", {"GITLAB_TOKEN": "fake-one"})

    assert await source.read() == "fake-one"
    assert source.origin == "variable GITLAB_TOKEN"


@pytest.mark.parametrize("text", ["", "\n", "two words", "a\nb", "tökén", "bell\x07"])
async def test_what_is_no_token_is_refused_without_being_shown(text: str) -> None:
    source = EnvironmentToken("GITLAB_TOKEN", {"GITLAB_TOKEN": text})

    with pytest.raises(SettingsError, match="variable GITLAB_TOKEN") as caught:
        await source.read()

    assert not text.strip() or text not in str(caught.value)


async def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no such file"):
        await FileToken(str(tmp_path / "none")).read()


async def test_a_token_that_rotates_between_two_requests_is_taken_up(tmp_path: Path) -> None:
    world = world_of(3)
    admin = world.user("root", is_admin=True)
    file = tmp_path / "read"
    file.write_text(world.token(admin, "read_api"))
    project = next(iter(world.projects))

    async with pair(world, {Purpose.READ: FileToken(str(file))}) as both:
        assert await both.port.projects.get(project)
        world.tokens.clear()
        file.write_text(world.token(admin, "read_api"))

        assert await both.port.projects.get(project)
        assert await both.port.runners.of_instance() is not None
        assert both.server.asked[-1] == ("POST", "/api/graphql")


async def test_a_token_that_rotates_during_a_request_is_tried_once_more() -> None:
    world = world_of(3)
    good = world.token(world.user("root", is_admin=True), "read_api")
    given = iter(["fake-old", good])
    project = next(iter(world.projects))

    async def ask() -> str:
        return next(given)

    async with pair(world, {Purpose.READ: AskedToken("a Secret", ask)}) as both:
        assert await both.port.projects.get(project)
        assert both.port.requests.counts == {("project", "401"): 1, ("project", "200"): 1}


async def test_without_a_token_nothing_is_asked() -> None:
    async with pair(world_of(), {}) as both:
        with pytest.raises(DeniedError, match="no GitLab token with the scope read_api or manage_runner"):
            await both.port.runners.get(1)

        assert both.server.asked == []
