"""The pretend GitLab, asked in plain HTTP: pages, limits, scopes, tokens shown once, and the same world for a seed."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from runner_bridge.simulate.gitlab import Fault, GitLab, World, planted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DEEP = "projects(first: 100) { nodes { runners(first: 100) { nodes { " * 3 + "id" + " } } } }" * 3
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def world_of(projects: int = 50, seed: int = 1) -> World:
    return planted(World(seed=seed, now=lambda: NOON), projects=projects)


@asynccontextmanager
async def client_of(world: World, *scopes: str, is_admin: bool = True) -> AsyncIterator[tuple[GitLab, Any]]:
    token = world.token(world.user("somebody", is_admin=is_admin, platform=50), *(scopes or ("api",)))
    async with (
        GitLab(world) as server,
        aiohttp.ClientSession(f"{server.url}/api/", headers={"PRIVATE-TOKEN": token}) as session,
    ):
        yield server, session


def picture(world: World) -> list[object]:
    return [
        [(one.id, one.path, one.topics, one.attributes, one.archived) for one in world.projects.values()],
        [(one.id, one.token, one.tags, [each.system_id for each in one.managers]) for one in world.runners.values()],
    ]


def test_a_seed_is_a_world() -> None:
    assert picture(world_of(300)) == picture(world_of(300))
    assert picture(world_of(300)) != picture(world_of(300, seed=2))


def test_paths_are_of_every_script() -> None:
    paths = " ".join(one.path for one in world_of(2000).projects.values())

    assert all(part in paths for part in ("übung/", "データ/", "сборка", "données", "größe"))


async def test_keyset_pages_lead_on_by_their_links_alone() -> None:
    world = world_of(230)
    async with client_of(world) as (server, session):
        query: dict[str, str] = {"pagination": "keyset", "order_by": "id", "sort": "asc", "per_page": "100"}
        seen: list[int] = []
        while True:
            async with session.get("v4/projects", params=query) as response:
                seen += [one["id"] for one in await response.json()]
                link = response.headers.get("Link", "")
                assert "X-Total" not in response.headers
            if not link:
                break
            assert link.startswith(f"<{server.external_url}/api/v4/projects?")
            query["id_after"] = re.findall(r"id_after=(\d+)", link)[0]

    assert seen == sorted(world.projects)


async def test_keyset_goes_by_number_alone() -> None:
    async with (
        client_of(world_of()) as (_, session),
        session.get("v4/projects", params={"pagination": "keyset"}) as response,
    ):
        assert response.status == 405


async def test_above_ten_thousand_there_are_no_totals() -> None:
    async with client_of(world_of(10_001)) as (_, session), session.get("v4/projects") as response:
        assert len(await response.json()) == 20
        assert "X-Total" not in response.headers
        assert 'rel="last"' not in response.headers["Link"]
        assert 'rel="next"' in response.headers["Link"]


async def test_far_below_there_are_no_pages() -> None:
    async with client_of(world_of()) as (_, session), session.get("v4/projects", params={"page": "9999"}) as response:
        assert response.status == 405


async def test_the_token_of_a_runner_stands_in_one_answer() -> None:
    world = world_of()
    async with client_of(world) as (_, session):
        body = {"runner_type": "instance_type", "tag_list": "a,b", "run_untagged": False}
        async with session.post("v4/user/runners", json=body) as response:
            assert response.status == 201
            made = await response.json()
        texts = []
        for path in (f"runners/{made['id']}", "runners/all?per_page=100", f"runners/{made['id']}/managers"):
            async with session.get(f"v4/{path}") as response:
                assert response.status == 200
                texts.append(await response.text())

    assert made["token"].startswith("glrt-t1_")
    assert all(made["token"] not in text for text in texts)


async def test_a_new_token_ends_the_old_one() -> None:
    world = world_of()
    runner = world.runner("instance")
    old = runner.token
    async with client_of(world) as (_, session):
        async with session.post(f"v4/runners/{runner.id}/reset_authentication_token") as response:
            new = (await response.json())["token"]
        statuses = []
        for token in (old, new):
            async with session.post("v4/runners/verify", json={"token": token, "system_id": "r_1"}) as response:
                statuses.append(response.status)

    assert statuses == [403, 200]
    assert [one.system_id for one in runner.managers] == ["r_1"]


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        ("read_api", {"projects", "runner", "all", "graphql", "self"}),
        ("create_runner", {"create", "self"}),
        ("manage_runner", {"runner", "pause", "self"}),
        ("read_user", {"self"}),
        ("api", {"projects", "runner", "all", "graphql", "self", "create", "pause"}),
    ],
)
async def test_a_scope_opens_what_it_says_and_nothing_else(scope: str, allowed: set[str]) -> None:
    world = world_of()
    runner = world.runner("instance")
    asked: dict[str, tuple[str, str, object]] = {
        "projects": ("GET", "v4/projects", None),
        "runner": ("GET", f"v4/runners/{runner.id}", None),
        "all": ("GET", "v4/runners/all", None),
        "graphql": ("POST", "graphql", {"query": "{ currentUser { id } }"}),
        "self": ("GET", "v4/personal_access_tokens/self", None),
        "create": ("POST", "v4/user/runners", {"runner_type": "instance_type"}),
        "pause": ("PUT", f"v4/runners/{runner.id}", {"paused": True, "run_untagged": True}),
    }
    found = set()
    async with client_of(world, scope) as (_, session):
        for name, (method, path, body) in asked.items():
            async with session.request(method, path, json=body) as response:
                if response.status < 300:
                    found.add(name)
                else:
                    assert response.status == 403

    assert found == allowed


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("{ nothing }", "Cannot query field 'nothing'"),
        ("{ group(", "Syntax Error"),
        ("{ currentUser { id } }" + " " * 10_001, "too large"),
        (
            f"{{ runners(first: 100) {{ nodes {{ {DEEP} }} }} }}",
            "exceeds max complexity of 250",
        ),
    ],
)
async def test_a_question_that_is_too_much_or_none_is_refused_with_200(query: str, words: str) -> None:
    async with client_of(world_of()) as (_, session), session.post("graphql", json={"query": query}) as response:
        assert response.status == 200
        assert words in (await response.json())["errors"][0]["message"]


async def test_a_page_of_graphql_has_a_hundred_at_most() -> None:
    world = world_of(600)
    query = '{ group(fullPath: "platform") { projects(includeSubgroups: true, first: 500) { nodes { id } } } }'
    async with client_of(world) as (_, session), session.post("graphql", json={"query": query}) as response:
        data = (await response.json())["data"]

    assert len(data["group"]["projects"]["nodes"]) == min(
        100, sum(one.path.startswith("platform/") for one in world.projects.values())
    )


async def test_instance_runners_are_an_administrators() -> None:
    query = {"query": "{ runners { nodes { id maintenanceNote } } }"}
    async with client_of(world_of(), is_admin=False) as (_, session):
        async with session.post("graphql", json=query) as response:
            assert (await response.json())["data"] == {"runners": None}
        async with session.get("v4/runners/all") as response:
            assert response.status == 403


async def test_a_former_path_leads_to_the_number_at_the_external_address() -> None:
    world = world_of()
    project = next(iter(world.projects.values()))
    before = project.path.replace("/", "%2F")
    world.rename(project, "renamed")
    async with (
        client_of(world) as (server, session),
        session.get(f"v4/projects/{before}", allow_redirects=False) as response,
    ):
        assert response.status == 301
        assert response.headers["Location"] == f"{server.external_url}/api/v4/projects/{project.id}"


@pytest.mark.parametrize(
    ("how", "words"), [("none", "401 Unauthorized"), ("expired", "Token is expired"), ("revoked", "Token was revoked")]
)
async def test_a_token_that_is_no_good_is_told_how(how: str, words: str) -> None:
    world = world_of()
    text = world.token(
        world.user("root", is_admin=True), "api", expires_on=date(2026, 3, 1) if how == "expired" else None
    )
    world.tokens[text].is_revoked = how == "revoked"
    async with GitLab(world) as server, aiohttp.ClientSession() as session:
        headers = {} if how == "none" else {"Authorization": f"Bearer {text}"}
        async with session.get(f"{server.url}/api/v4/projects", headers=headers) as response:
            assert response.status == 401
            assert words in await response.text()


async def test_any_other_address_shows_the_way_to_the_log_in() -> None:
    async with (
        client_of(world_of()) as (server, session),
        session.get(f"{server.url}/explore", allow_redirects=False) as response,
    ):
        assert response.headers["Location"].endswith("/users/sign_in")


async def test_a_fault_hits_as_often_as_it_says() -> None:
    async with client_of(world_of()) as (server, session):
        server.faults.add(Fault(method="GET", path="/projects$", status=429, body=b"Retry later", times=2))
        statuses = []
        for _ in range(3):
            async with session.get("v4/projects") as response:
                statuses.append((response.status, response.content_type))

    assert statuses == [(429, "text/plain"), (429, "text/plain"), (200, "application/json")]


async def test_a_request_may_be_carried_out_and_its_answer_lost() -> None:
    world = world_of()
    before = len(world.runners)
    async with client_of(world) as (server, session):
        server.faults.add(Fault(method="POST", is_carried_out=True, is_torn=True))
        with pytest.raises(aiohttp.ClientError):
            await session.post("v4/user/runners", json={"runner_type": "instance_type"})

    assert len(world.runners) == before + 1


async def test_it_comes_back_on_the_same_port() -> None:
    async with client_of(world_of()) as (server, session):
        await server.stop()
        with pytest.raises(aiohttp.ClientError):
            await session.get("v4/projects")
        await server.start()
        async with session.get("v4/projects") as response:
            assert response.status == 200
