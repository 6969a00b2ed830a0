"""A bridge's web part on loopback, with sources that hold what a test puts into them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from runner_bridge.ask.metrics import Metrics
from runner_bridge.ask.web import Sources, make_app, serve
from runner_bridge.core.model.ledger import Gap
from tests import make

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

POLICY = make.policy(
    make.tier("infra", runners=(make.runner(short_ids=(make.SHORT_ID,)),)),
    make.tier("default", make.WORKLOAD, pin=False, runners=(make.runner("shared", "default"),)),
)
GAP = Gap(cluster="prod-1", from_at=None, to_at=make.NOON, reason="nobody watched yet")


def sources(**changes: Any) -> Sources:
    values: dict[str, Any] = {
        "state": make.state,
        "policy": lambda: POLICY,
        "verdicts": lambda: [make.verdict()],
        "pods": lambda: [make.job_pod(), make.job_pod("10.10.0.9", name="x", marks=None)],
        "pools": lambda: None,
        "who_had": lambda _address, **_: ([], [GAP]),
        "metrics": Metrics("0.1.0", POLICY),
        "tell": lambda _text: None,
    }
    return Sources(**(values | changes))


class Client:
    """Asks one server."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    async def get(self, path: str, **more: Any) -> tuple[int, Any, Any]:
        """Return status, what is in the body, and the headers."""
        return await self.ask("GET", path, **more)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any, Any]:
        async with self.session.request(method, self.url + path, **more) as answer:
            is_json = answer.content_type.endswith("json") and method != "HEAD"
            return answer.status, await (answer.json(content_type=None) if is_json else answer.text()), answer.headers


@asynccontextmanager
async def served(
    most: int = 128, idle_s: float = 10.0, answer_s: float = 20.0, **changes: Any
) -> AsyncIterator[Client]:
    app = make_app(sources(**changes), answer_s=answer_s)
    async with serve(app, "127.0.0.1", 0, most=most, idle_s=idle_s) as url, aiohttp.ClientSession() as session:
        yield Client(url, session)
