"""
Webhooks: what GitLab posts when a job changes, with both ways to prove that it was GitLab.

https://docs.gitlab.com/user/project/integrations/webhook_events/#job-events, https://www.standardwebhooks.com. A
delivery may come twice, late, or before an earlier one: whoever plays GitLab sends them in the order that he likes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from runner_bridge.simulate.gitlab import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.simulate.gitlab.world import Job, World

_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One request that is to be posted; posting it again is what GitLab calls to resend."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Where job events go, and how they are proved."""

    url: str
    secret: str = field(default="", repr=False)
    """Sent as it is, in `X-Gitlab-Token`."""
    signing: str = field(default="", repr=False)
    """`whsec_…`: the body is signed with it; from GitLab 19.0 on."""

    def delivery(self, event: str, payload: Mapping[str, object], world: World) -> Delivery:
        """Return a delivery of an event: `Job Hook`, `Pipeline Hook`."""
        body = json.dumps(payload, ensure_ascii=False).encode()
        key = str(uuid.UUID(int=world.random.getrandbits(128), version=4))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitLab/19.5.0-ee",
            "X-Gitlab-Event": event,
            "X-Gitlab-Webhook-UUID": str(uuid.UUID(int=world.random.getrandbits(128), version=4)),
            "X-Gitlab-Event-UUID": key,
            "Idempotency-Key": key,
        }
        if self.secret:
            headers["X-Gitlab-Token"] = self.secret
        if self.signing:
            at = str(int(world.now().timestamp()))
            signed = sign(self.signing, key, at, body)
            headers |= {"webhook-id": key, "webhook-timestamp": at, "webhook-signature": signed}
        return Delivery(headers=headers, body=body)

    async def post(self, delivery: Delivery) -> int:
        """Post a delivery, and return the status of the answer; 0 where none came in time."""
        limits = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limits) as session,
                session.post(self.url, data=io.BytesIO(delivery.body), headers=dict(delivery.headers)) as response,
            ):
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return 0


def sign(secret: str, key: str, at: str, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    raw = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(raw, f"{key}.{at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def job_event(job: Job, *, base: str, is_old: bool = False) -> Mapping[str, object]:
    """Return the payload of a job event; an old server leaves `project` out, and all have `runner` null at first."""
    runner = job.runner
    payload: dict[str, object] = {
        "object_kind": "build",
        "ref": job.ref,
        "tag": False,
        "sha": f"{job.pipeline_id:040x}",
        "retries_count": 0,
        "build_id": job.id,
        "build_name": job.name,
        "build_stage": job.stage,
        "build_status": job.status,
        "build_created_at": f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC",
        "build_created_at_iso": documents.moment(job.created_at),
        "build_started_at_iso": documents.moment(job.started_at),
        "build_finished_at_iso": documents.moment(job.finished_at),
        "build_failure_reason": job.failure_reason or "unknown_failure",
        "pipeline_id": job.pipeline_id,
        "runner": {
            "id": runner.id,
            "description": runner.description,
            "runner_type": runner.type,
            "active": not runner.paused,
            "is_shared": runner.type == "instance_type",
            "tags": runner.tags,
        }
        if runner
        else None,
        "project_id": job.project.id,
        "project_name": job.project.path.replace("/", " / "),
        "user": {"id": job.user.id, "username": job.user.name} if job.user else None,
        "commit": {"id": job.pipeline_id, "name": None},
        "environment": None,
    }
    if not is_old:
        payload["project"] = {
            "id": job.project.id,
            "path_with_namespace": job.project.path,
            "web_url": f"{base}/{job.project.path}",
        }
    return payload
