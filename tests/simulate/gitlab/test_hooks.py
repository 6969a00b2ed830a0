"""Webhooks as GitLab sends them: signed in both ways, the same key when sent again, null before a runner has it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from runner_bridge.simulate.gitlab import World
from runner_bridge.simulate.gitlab.hooks import Hook, job_event

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = b"a key of thirty-two bytes, fake!"
SIGNING = f"whsec_{base64.b64encode(KEY).decode()}"


def job_of(world: World) -> Any:
    return world.job(world.project("deploy", world.group("plattform")))


def test_a_delivery_is_signed_over_its_very_bytes() -> None:
    world = World(now=lambda: NOON)
    hook = Hook(url="http://127.0.0.1:1", secret="plain", signing=SIGNING)

    sent = hook.delivery("Job Hook", job_event(job_of(world), base="https://gitlab.example.com"), world)

    signed = f"{sent.headers['webhook-id']}.{int(NOON.timestamp())}.".encode() + sent.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert sent.headers["webhook-signature"] == f"v1,{expected}"
    assert sent.headers["X-Gitlab-Token"] == "plain"
    assert sent.headers["Idempotency-Key"] == sent.headers["webhook-id"]
    assert "plain" not in repr(hook)


def test_an_older_gitlab_signs_nothing_and_leaves_the_project_out() -> None:
    world = World(now=lambda: NOON)
    job = job_of(world)

    sent = Hook(url="http://127.0.0.1:1", secret="plain").delivery(
        "Job Hook", job_event(job, base="", is_old=True), world
    )

    assert "webhook-signature" not in sent.headers
    assert "project" not in json.loads(sent.body)


def test_a_job_has_a_runner_once_it_was_picked() -> None:
    world = World(now=lambda: NOON)
    job = job_of(world)
    assert job_event(job, base="")["runner"] is None

    job.runner = world.runner("instance")

    runner = job_event(job, base="")["runner"]
    assert isinstance(runner, dict)
    assert (runner["id"], runner["is_shared"]) == (job.runner.id, True)


async def test_what_is_sent_again_has_the_same_key() -> None:
    keys: list[str] = []

    async def receive(request: web.BaseRequest) -> web.Response:
        keys.append(request.headers["Idempotency-Key"])
        return web.Response(status=202)

    runner = web.ServerRunner(web.Server(receive))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    world = World(now=lambda: NOON)
    hook = Hook(url=f"http://127.0.0.1:{runner.addresses[0][1]}/hooks")
    job = job_of(world)
    first = hook.delivery("Job Hook", job_event(job, base=""), world)
    second = hook.delivery("Job Hook", job_event(job, base=""), world)

    statuses = [await hook.post(one) for one in (second, first, first)]
    await runner.cleanup()

    assert statuses == [202, 202, 202]
    assert keys[1] == keys[2] != keys[0]
    assert await hook.post(first) == 0
