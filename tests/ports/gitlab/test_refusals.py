"""What GitLab refuses, and how: each way becomes one error that says what was seen and what to do."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import (
    DeniedError,
    InvalidError,
    NeighbourError,
    RunnerBridgeError,
    StaleError,
    UnavailableError,
    WireError,
)
from runner_bridge.core.model.gitlab import Purpose
from runner_bridge.ports.gitlab import LostError, Settings
from runner_bridge.ports.gitlab.refusals import wait_of
from runner_bridge.simulate.gitlab import Fault
from tests.ports.gitlab.world import NOON, as_admin, pair, world_of

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"Retry-After": "30"}, 30.0, id="seconds"),
        pytest.param({"Retry-After": "Sun, 01 Mar 2026 12:00:45 GMT"}, 45.0, id="a date"),
        pytest.param({"Retry-After": "Sun, 01 Mar 2026 11:00:00 GMT"}, 0.0, id="a date that is over"),
        pytest.param({"Retry-After": "soon"}, None, id="a word"),
        pytest.param({"Retry-After": "-5"}, None, id="a negative number"),
        pytest.param({"Retry-After": "9" * 5000}, None, id="a number without end"),
        pytest.param({"Retry-After": "٣"}, None, id="a digit of another script"),
        pytest.param({"RateLimit-Reset": str(int(NOON.timestamp()) + 20)}, 20.0, id="a reset"),
        pytest.param({"RateLimit-Reset": "later"}, None, id="a reset that is none"),
        pytest.param({"Retry-After": "7", "RateLimit-Reset": str(int(NOON.timestamp()) + 20)}, 7.0, id="both"),
        pytest.param({"RateLimit-Reset": "99999999999"}, 86400.0, id="a reset in a thousand years"),
    ],
)
def test_how_long_gitlab_wants_to_be_left_alone(headers: Mapping[str, str], seconds: float | None) -> None:
    assert wait_of(headers, NOON) == seconds


@pytest.mark.parametrize(
    ("headers", "at_least"),
    [
        pytest.param({}, 0.0, id="without headers"),
        pytest.param({"Retry-After": "30"}, 30.0, id="seconds"),
        pytest.param({"Retry-After": "Sun, 01 Mar 2026 12:00:45 GMT"}, 45.0, id="a date"),
        pytest.param({"RateLimit-Reset": str(int(NOON.timestamp()) + 20)}, 20.0, id="a reset"),
    ],
)
@pytest.mark.parametrize("way", ["rest", "graph"])
async def test_too_many_requests_are_waited_out(way: str, headers: Mapping[str, str], at_least: float) -> None:
    """The body is plain text, and half of GitLab's limits send no headers."""
    world = world_of(3)
    async with as_admin(world) as both:
        both.server.faults.add(Fault(status=429, body=b"Retry later\n", headers=headers, times=2))

        if way == "rest":
            assert await both.port.projects.get(next(iter(world.projects)))
        else:
            assert await both.port.runners.of_instance()

        assert at_least * 2 <= both.clock.seconds <= at_least * 2 + 5
        assert both.port.requests.total == 3


async def test_a_wait_that_is_too_long_is_left_to_the_caller() -> None:
    async with as_admin(world_of(3)) as both:
        both.server.faults.add(Fault(status=429, headers={"Retry-After": "3600"}))

        with pytest.raises(UnavailableError, match="left alone for 3600 s") as caught:
            await both.port.projects.get(1)

        assert caught.value.retry_after_s == 3600
        assert both.port.requests.total == 1


async def test_a_limit_that_one_of_us_met_holds_back_all() -> None:
    world = world_of(3)
    project = next(iter(world.projects))
    async with as_admin(world) as both:
        both.server.faults.add(Fault(status=429, headers={"Retry-After": "3600"}))
        with pytest.raises(UnavailableError):
            await both.port.projects.get(project)

        await both.port.projects.get(project)

        assert both.clock.seconds >= 3600


async def test_what_is_left_of_the_limit_is_known() -> None:
    world = world_of(3)
    async with as_admin(world) as both:
        assert both.port.requests.remaining is None
        both.server.faults.add(Fault(headers={"RateLimit-Remaining": "17"}))

        await both.port.projects.get(next(iter(world.projects)))

        assert both.port.requests.remaining == 17


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        pytest.param(
            Fault(status=200, body=PAGE, content_type="text/html"),
            UnavailableError,
            "a web page, expected JSON",
            id="a web page with 200",
        ),
        pytest.param(Fault(status=200, body=b'{"id": 1'), UnavailableError, "no JSON", id="torn JSON"),
        pytest.param(Fault(status=200, body=b"\xff\xfe"), UnavailableError, "no JSON", id="bytes"),
        pytest.param(Fault(status=200, body=b'{"id": "x"}'), WireError, "documentation says", id="another shape"),
        pytest.param(
            Fault(status=502, body=PAGE, content_type="text/html"), LostError, "502, GitLab or what", id="a bad gateway"
        ),
        pytest.param(Fault(status=403, body=PAGE, content_type="text/html"), DeniedError, "may not do this", id="403"),
        pytest.param(Fault(status=409, body=b'{"message": "409 Conflict"}'), StaleError, "moved on", id="409"),
        pytest.param(
            Fault(status=400, body=b'{"message": {"tags": ["no"]}}'), InvalidError, r'\{"tags": \["no"\]\}', id="400"
        ),
        pytest.param(Fault(status=422, body=b'{"error": "is invalid"}'), InvalidError, "is invalid", id="422"),
        pytest.param(Fault(is_torn=True), LostError, "broke off", id="a torn connection"),
        pytest.param(Fault(delay_s=3), LostError, "no answer in time", id="silence"),
        pytest.param(
            Fault(status=302, headers={"Location": "https://elsewhere.example.com/login?token=1"}),
            UnavailableError,
            r"redirects to https://elsewhere\.example\.com, expected an answer",
            id="a redirect elsewhere",
        ),
    ],
)
async def test_each_refusal_over_rest_says_what_it_is(fault: Fault, kind: type[RunnerBridgeError], words: str) -> None:
    async with as_admin(world_of(3), settings=Settings(connect_s=2, answer_s=0.2)) as both:
        for _ in range(4):
            both.server.faults.add(fault)

        with pytest.raises(kind, match=words) as caught:
            await both.port.projects.get(1)

        assert str(caught.value).startswith(f"{both.port.url}: get projects 1")
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        pytest.param(
            Fault(status=200, body=PAGE, content_type="text/html"), UnavailableError, "no GraphQL", id="a web page"
        ),
        pytest.param(Fault(status=200, body=b"{}"), UnavailableError, "no GraphQL", id="an empty answer"),
        pytest.param(
            Fault(status=200, body=b'{"errors": [{"message": "Field \'x\' does not exist on type \'Query\'"}]}'),
            WireError,
            "does not understand the question .Field 'x'",
            id="an unknown field",
        ),
        pytest.param(
            Fault(status=200, body=b'{"errors": [{"message": "Timeout on Project.id"}], "data": null}'),
            UnavailableError,
            "failed over it",
            id="out of time",
        ),
        pytest.param(
            Fault(
                status=200,
                body=b'{"errors": [{"message": "The resource that you are attempting to access does not exist or you '
                b"don't have permission to perform this action\"}]}",
            ),
            DeniedError,
            "does not let us",
            id="not allowed",
        ),
        pytest.param(
            Fault(status=200, body=b'{"data": {"runners": {"nodes": [{"id": 1}]}}}'),
            WireError,
            "documentation",
            id="shape",
        ),
        pytest.param(Fault(status=503, body=PAGE), LostError, "503, GitLab or what", id="503"),
        pytest.param(Fault(is_torn=True), LostError, "broke off", id="a torn connection"),
        pytest.param(Fault(delay_s=3), LostError, "no answer in time", id="silence"),
    ],
)
async def test_each_refusal_over_graphql_says_what_it_is(
    fault: Fault, kind: type[RunnerBridgeError], words: str
) -> None:
    async with as_admin(world_of(3), settings=Settings(connect_s=2, answer_s=0.2)) as both:
        for _ in range(4):
            both.server.faults.add(fault)

        with pytest.raises(kind, match=words) as caught:
            await both.port.runners.of_instance()

        assert str(caught.value).startswith(f"{both.port.url}: list runners")


async def test_an_expired_token_says_so_and_where_it_lies() -> None:
    world = world_of(3)
    token = world.token(world.user("root", is_admin=True), "read_api", expires_on=date(2026, 2, 28))
    async with pair(world, {Purpose.READ: token}) as both:
        with pytest.raises(DeniedError, match=r"the token from a test's read_api has expired .* Make a new one"):
            await both.port.projects.get(1)
        with pytest.raises(DeniedError, match="401"):
            await both.port.runners.of_instance()


async def test_a_token_without_the_scope_says_which_it_needs() -> None:
    world = world_of(3)
    token = world.token(world.user("root", is_admin=True), "read_user")
    async with pair(world, {Purpose.READ: token}) as both:
        with pytest.raises(DeniedError, match="has not the scope for this; it needs one of: api read_api"):
            await both.port.projects.get(1)
        with pytest.raises(DeniedError, match="403"):
            await both.port.runners.of_instance()


async def test_nobody_there_is_said_at_once_and_is_never_lost() -> None:
    world = world_of(3)
    async with as_admin(world) as both:
        await both.server.stop()

        for ask in (both.port.projects.get(1), both.port.runners.of_instance()):
            with pytest.raises(UnavailableError, match="cannot be reached") as caught:
                await ask
            assert not isinstance(caught.value, LostError)
        assert {ending for _, ending in both.port.requests.counts} == {"unreachable"}


async def test_gitlab_that_comes_back_is_asked_again() -> None:
    world = world_of(3)
    async with as_admin(world) as both:
        both.server.faults.add(Fault(is_torn=True))
        both.server.faults.add(Fault(status=500))

        assert await both.port.projects.get(next(iter(world.projects)))

        assert len(both.clock.waits) == 2


async def test_a_thing_that_is_not_there_is_an_answer() -> None:
    async with as_admin(world_of(3)) as both:
        assert await both.port.projects.get(10**6) is None
        assert await both.port.projects.group("no/such") is None
        assert await both.port.runners.get(10**6) is None
        assert await both.port.runners.managers(10**6) is None
        assert await both.port.runners.of_group("no/such") is None
        assert await both.port.runners.of_project("no/such") is None
        assert await both.port.jobs.get(1, 2) is None
        assert await both.port.jobs.pipeline(1, 2) is None


async def test_every_refusal_is_one_of_the_neighbours_errors() -> None:
    async with as_admin(world_of(3)) as both:
        for status in range(400, 600):
            if status == 404:
                continue
            both.server.faults.add(Fault(status=status, body=b"no", times=4))
            with pytest.raises(NeighbourError):
                await both.port.projects.get(1)
            both.server.faults.clear()
