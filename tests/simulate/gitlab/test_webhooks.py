"""Webhooks of the pretend GitLab: who may have one, what they are told, and when nobody posts to them any more."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from runner_bridge.simulate.gitlab import GitLab, Posting, World
from runner_bridge.simulate.gitlab.hooks import Hook
from runner_bridge.simulate.gitlab.webhooks import Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SIGNING = "whsec_RkFLRVNFQ1JFVEZBS0VTRUNSRVRGQUtFU0VDUkVU"


class Ends:
    """A GitLab, whoever asks it, and whoever it posts to."""

    def __init__(self, version: str) -> None:
        self.now = NOON
        self.world = World(now=lambda: self.now)
        self.group = self.world.group("platform")
        self.project = self.world.project("deploy", self.world.group("tools", self.group))
        self.server = GitLab(self.world, version=version)
        self.got: list[dict[str, Any]] = []
        self.answers = 200
        self.url = ""

    async def ask(self, method: str, path: str, caller: str = "", /, **body: object) -> tuple[int, Any]:
        token = caller or self.world.token(self.world.user("owner", platform=50), "api")
        async with (
            aiohttp.ClientSession(headers={"PRIVATE-TOKEN": token}) as session,
            session.request(method, f"{self.server.url}/api/v4{path}", json=body or None) as answer,
        ):
            text = await answer.text()
            return answer.status, json.loads(text) if text else None

    async def receive(self, request: web.BaseRequest) -> web.Response:
        self.got.append({**(await request.json()), "headers": dict(request.headers)})
        return web.Response(status=self.answers)


@asynccontextmanager
async def ends(version: str = "19.5.0-ee") -> AsyncIterator[Ends]:
    both = Ends(version)
    runner = web.ServerRunner(web.Server(both.receive))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    both.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hooks/gitlab"
    both.world.allows_local_hooks = True
    try:
        async with both.server:
            yield both
    finally:
        await runner.cleanup()


async def test_a_webhook_is_created_listed_changed_and_deleted_and_shows_no_secret() -> None:
    async with ends() as both:
        status, made = await both.ask(
            "POST", "/groups/platform/hooks", url=both.url, job_events=True, signing_token=SIGNING, token="FAKE-secret"
        )
        assert (status, made["job_events"], made["push_events"]) == (201, True, True)
        assert (made["token_present"], made["signing_token_present"], made["alert_status"]) == (
            True,
            True,
            "executable",
        )
        assert "FAKE-secret" not in str(made)
        assert SIGNING not in str(made)

        _, changed = await both.ask(
            "PUT", f"/groups/platform/hooks/{made['id']}", push_events=False, custom_webhook_template="{}"
        )
        assert (changed["push_events"], changed["custom_webhook_template"]) == (False, "{}")
        assert changed["signing_token_present"]
        assert await both.ask("GET", f"/groups/platform/hooks/{made['id']}") == (200, changed)
        assert await both.ask("GET", "/groups/platform/hooks") == (200, [changed])
        assert await both.ask("GET", f"/projects/{both.project.id}/hooks") == (200, [])
        assert (await both.ask("DELETE", f"/groups/platform/hooks/{made['id']}"))[0] == 204
        assert (await both.ask("DELETE", f"/groups/platform/hooks/{made['id']}"))[0] == 404


async def test_a_gitlab_before_19_passes_over_the_signing_token_without_a_word() -> None:
    async with ends("18.11.2") as both:
        status, made = await both.ask("POST", f"/projects/{both.project.id}/hooks", url=both.url, signing_token=SIGNING)
    assert status == 201
    assert "signing_token_present" not in made
    assert not next(iter(both.world.webhooks.values())).hook.signing


@pytest.mark.parametrize(
    ("path", "level", "scopes", "status"),
    [
        ("/groups/platform/hooks", 40, ("api",), 403),
        ("/groups/platform/hooks", 50, ("read_api",), 403),
        ("/groups/platform/hooks", 50, ("api",), 201),
        ("/groups/elsewhere/hooks", 50, ("api",), 404),
        ("/projects/platform%2Ftools%2Fdeploy/hooks", 30, ("api",), 403),
        ("/projects/platform%2Ftools%2Fdeploy/hooks", 40, ("api",), 201),
        ("/projects/elsewhere/hooks", 40, ("api",), 404),
    ],
)
async def test_a_group_takes_an_owner_and_a_project_a_maintainer(
    path: str, level: int, scopes: tuple[str, ...], status: int
) -> None:
    async with ends() as both:
        token = both.world.token(both.world.user("somebody", platform=level), *scopes)
        assert (await both.ask("POST", path, token, url=both.url))[0] == status


async def test_group_webhooks_are_not_there_on_free() -> None:
    async with ends() as both:
        both.world.has_group_hooks = False
        assert (await both.ask("GET", "/groups/platform/hooks"))[0] == 404
        assert (await both.ask("POST", f"/projects/{both.project.id}/hooks", url=both.url))[0] == 201


@pytest.mark.parametrize("url", ["http://10.1.2.3/", "http://localhost/", "http://[::1]/", "ftp://example.com", "x"])
async def test_a_private_address_is_invalid_until_an_administrator_allows_it(url: str) -> None:
    async with ends() as both:
        both.world.allows_local_hooks = False
        refused = await both.ask("POST", f"/projects/{both.project.id}/hooks", url=url)
        assert refused == (422, {"error": "Invalid url given"})
        assert both.world.webhooks == {}
        assert (await both.ask("POST", f"/projects/{both.project.id}/hooks", url="https://example.com/"))[0] == 201


async def test_a_test_posts_the_newest_job_and_tells_what_was_answered() -> None:
    async with ends() as both:
        _, made = await both.ask("POST", "/groups/platform/hooks", url=both.url, job_events=True)
        path = f"/groups/platform/hooks/{made['id']}/test/job_events"
        assert await both.ask("POST", path) == (422, {"message": "Ensure the project has CI jobs."})
        job = both.world.job(both.project)
        assert (await both.ask("POST", path))[0] == 201
        assert [one["build_id"] for one in both.got] == [job.id]
        both.answers = 401
        assert (await both.ask("POST", path))[0] == 422
        assert (await both.ask("POST", path.replace("job_events", "nonsense")))[0] == 404
        both.world.allows_local_hooks = False
        status, said = await both.ask("POST", path)
        assert (status, "local network" in said["message"]) == (422, True)


async def test_a_job_is_told_to_its_project_and_all_groups_above_and_to_nobody_else() -> None:
    async with ends() as both:
        elsewhere = both.world.project("x", both.world.group("elsewhere"))
        for owner in (both.project, both.group, both.project.group, elsewhere):
            made = Webhook(id=both.world.number(), hook=Hook(url=both.url), owner=owner, created_at=NOON)
            made.events = {"job_events"}
            both.world.webhooks[made.id] = made
        next(iter(both.world.webhooks.values())).events = {"push_events"}
        posting = Posting(both.world, base=both.server.external_url, delay_s=0.01, repeats=1)

        posting.job(both.world.job(both.project))
        await posting.done()

    assert posting.statuses == [200] * 4, "two webhooks, each twice"
    assert len({one["headers"]["Idempotency-Key"] for one in both.got}) == 2


async def test_what_is_posted_late_may_overtake_and_says_what_was_so_then() -> None:
    async with ends() as both:
        made = Webhook(id=1, hook=Hook(url=both.url), owner=both.project, created_at=NOON, events={"job_events"})
        both.world.webhooks[1] = made
        posting = Posting(both.world, base="", delay_s=0.05, is_old=True)
        job = both.world.job(both.project)
        for status in ("pending", "running", "success"):
            job.status = status
            posting.job(job)
        await posting.done()
    assert sorted(one["build_status"] for one in both.got) == ["pending", "running", "success"]
    assert "project" not in both.got[0]


async def test_four_failures_switch_a_webhook_off_for_a_while_and_forty_for_good() -> None:
    async with ends() as both:
        made = Webhook(id=1, hook=Hook(url=both.url), owner=both.project, created_at=NOON, events={"job_events"})
        both.world.webhooks[1] = made
        both.answers = 401
        posting = Posting(both.world, base="")
        for _ in range(5):
            posting.job(both.world.job(both.project))
            await posting.done()
        assert (posting.statuses, made.status(both.now)) == ([401] * 4, "temporarily_disabled")
        both.now += timedelta(seconds=61)
        assert made.status(both.now) == "executable"
        for _ in range(36):
            made.answered(0, both.now)
        both.now += timedelta(days=30)
        assert made.status(both.now) == "disabled"
        made.answered(302, both.now)
        assert made.status(both.now) == "executable"
