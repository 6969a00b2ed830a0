"""What our tokens are good for: what is off is told with the reason, before anybody needs it."""

from __future__ import annotations

from datetime import date

import pytest

from runner_bridge.core.errors import UnavailableError
from runner_bridge.core.model.gitlab import Ability, Purpose
from runner_bridge.ports.gitlab import EnvironmentToken
from runner_bridge.simulate.gitlab import Fault
from tests.ports.gitlab.world import as_admin, pair, tokens_of, world_of

OFF_ON_GITLAB_COM = {Ability.ATTRIBUTES, Ability.INSTANCE_RUNNERS}


async def test_an_administrator_with_all_tokens_can_do_everything() -> None:
    async with as_admin(world_of(5)) as both:
        access = await both.port.access()

    assert all(access.why_not(one) is None for one in Ability)
    assert [one.ability for one in access.permits] == list(Ability)
    assert access.version == "19.5.0-ee"
    assert [(one.purpose, one.scopes, one.problem) for one in access.tokens] == [
        (Purpose.READ, ("read_api",), ""),
        (Purpose.CREATE, ("create_runner",), ""),
        (Purpose.MANAGE, ("manage_runner",), ""),
        (Purpose.HOOKS, ("api",), ""),
    ]
    assert access.tokens[0].is_admin


async def test_the_oldest_version_says_its_name_too() -> None:
    async with as_admin(world_of(5), version="17.11.2") as both:
        assert (await both.port.access()).version == "17.11.2"


@pytest.mark.parametrize(
    ("missing", "off"),
    [
        pytest.param(Purpose.READ, set(Ability) - {Ability.MANAGE_RUNNERS}, id="none that reads"),
        pytest.param(Purpose.CREATE, {Ability.CREATE_RUNNERS}, id="none that creates"),
        pytest.param(Purpose.MANAGE, {Ability.MANAGE_RUNNERS}, id="none that manages"),
    ],
)
async def test_what_a_missing_token_takes_away(missing: Purpose, off: set[Ability]) -> None:
    world = world_of(5)
    tokens = tokens_of(world, world.user("root", is_admin=True))
    del tokens[missing]
    async with pair(world, tokens) as both:
        access = await both.port.access()

    assert {one for one in Ability if access.why_not(one)} == off
    assert all(str(missing) in (access.why_not(one) or "") for one in off)


async def test_without_any_token_nothing_is_asked_and_everything_is_off() -> None:
    async with pair(world_of(5), {}) as both:
        access = await both.port.access()

        assert both.server.asked == []
    assert all(access.why_not(one) for one in Ability)


async def test_somebody_who_is_no_administrator_sees_neither_attributes_nor_instance_runners() -> None:
    world = world_of(5)
    async with pair(world, tokens_of(world, world.user("maria", platform=50))) as both:
        access = await both.port.access()

    assert {one for one in Ability if access.why_not(one)} == OFF_ON_GITLAB_COM
    assert "Only an administrator sees custom attributes" in (access.why_not(Ability.ATTRIBUTES) or "")
    assert "403" in (access.why_not(Ability.INSTANCE_RUNNERS) or "")
    assert access.tokens[0].is_admin is False


async def test_gitlab_com_has_neither_even_for_its_own_administrators() -> None:
    async with as_admin(world_of(5), is_shared=True) as both:
        access = await both.port.access()

        assert ("GET", "/api/v4/runners/all") not in both.server.asked
    assert {one for one in Ability if access.why_not(one)} == OFF_ON_GITLAB_COM
    assert "GitLab.com" in (access.why_not(Ability.ATTRIBUTES) or "")


async def test_an_expired_token_is_off_and_says_so() -> None:
    world = world_of(5)
    admin = world.user("root", is_admin=True)
    tokens = tokens_of(world, admin)
    tokens[Purpose.READ] = world.token(admin, "read_api", expires_on=date(2026, 3, 1))
    async with pair(world, tokens) as both:
        access = await both.port.access()

    assert "has expired" in (access.why_not(Ability.PROJECTS) or "")
    assert "could not be found again" in (access.why_not(Ability.CREATE_RUNNERS) or "")


async def test_a_revoked_token_that_still_answers_is_off() -> None:
    async with as_admin(world_of(5)) as both:
        both.server.faults.add(Fault(path="self", status=200, body=b'{"scopes": ["api"], "active": false}'))
        access = await both.port.access()

    assert "has expired or was revoked" in (access.why_not(Ability.PROJECTS) or "")


async def test_a_token_of_the_wrong_scope_is_named_with_the_one_it_needs() -> None:
    world = world_of(5)
    admin = world.user("root", is_admin=True)
    async with pair(world, {Purpose.MANAGE: world.token(admin, "read_api", "read_user")}) as both:
        why = (await both.port.access()).why_not(Ability.MANAGE_RUNNERS)

    assert why == (
        "The token from a test's manage_runner has the scopes read_api, read_user, expected manage_runner. "
        "Make one that has it."
    )


async def test_a_token_that_may_do_everything_is_enough_for_each_purpose() -> None:
    world = world_of(5)
    token = world.token(world.user("root", is_admin=True), "api")
    async with pair(world, dict.fromkeys(Purpose, token)) as both:
        access = await both.port.access()

    assert all(access.why_not(one) is None for one in Ability)


async def test_when_a_token_ends_is_known() -> None:
    world = world_of(5)
    token = world.token(world.user("root", is_admin=True), "read_api", expires_on=date(2026, 3, 31))
    async with pair(world, {Purpose.READ: token}) as both:
        (read,) = (await both.port.access()).tokens

    assert read.days_left(date(2026, 3, 1)) == 30


async def test_a_token_of_another_kind_is_taken_on_trust() -> None:
    """An OAuth token is none that can look at itself; GitLab answers 400."""
    async with as_admin(world_of(5)) as both:
        words = b'{"message": "400 Bad request - This endpoint requires token type to be a personal access token"}'
        both.server.faults.add(Fault(path="self", status=400, body=words, times=3))
        access = await both.port.access()

    assert all(access.why_not(one) is None for one in Ability)


async def test_a_source_without_a_token_is_told_like_a_bad_token() -> None:
    async with pair(world_of(5), {Purpose.READ: EnvironmentToken("GITLAB_TOKEN", {})}) as both:
        access = await both.port.access()

    assert "variable GITLAB_TOKEN: holds no GitLab token" in (access.why_not(Ability.PROJECTS) or "")


async def test_what_may_not_be_asked_beside_it_does_no_harm() -> None:
    async with as_admin(world_of(5)) as both:
        for path in ("metadata", "/user$"):
            both.server.faults.add(Fault(path=path, status=403, body=b"{}"))
        both.server.faults.add(Fault(path="runners/all", status=404, body=b"{}"))
        access = await both.port.access()

    assert access.version == ""
    assert access.tokens[0].is_admin is None
    assert access.why_not(Ability.INSTANCE_RUNNERS) == "GitLab has no list of all runners."


async def test_a_gitlab_that_does_not_answer_is_an_error() -> None:
    async with as_admin(world_of(5)) as both:
        await both.server.stop()

        with pytest.raises(UnavailableError):
            await both.port.access()
