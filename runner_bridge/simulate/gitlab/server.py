"""The pretend GitLab: REST and GraphQL over real HTTP on a loopback port."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

from aiohttp import web

from runner_bridge.simulate.gitlab import graph, rest, runners
from runner_bridge.simulate.gitlab.access import RefusedError, caller_of
from runner_bridge.simulate.gitlab.world import World
from runner_bridge.simulate.listening import Listening
from runner_bridge.simulate.switches import Faults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner_bridge.simulate.gitlab.faults import Fault

_API = "/api/v4/"
_GRAPH = "/api/graphql"
_LARGEST_BODY = 1024 * 1024


class GitLab(Listening):
    """
    A pretend GitLab on a loopback port: `async with GitLab(world) as gitlab: … gitlab.url`.

    `world` is what it holds, `faults` are the switches, `asked` is what was asked so far (method and path, in order).

    Args of the constructor:
        world: what it holds; empty unless given.
        version: what `/metadata` says.
        external_url: how GitLab calls itself in links; not the address that it is reached at, as behind a Service.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        version: str = "19.5.0-ee",
        external_url: str = "https://gitlab.example.com",
    ) -> None:
        self.world = world or World()
        self.version = version
        self.external_url = external_url
        super().__init__()
        self.faults: Faults[Fault] = Faults()
        self.asked: list[tuple[str, str]] = []

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.method, request.path))
        fault = self.faults.hit(request.method, request.path)
        body = await request.content.read(_LARGEST_BODY)
        response: web.StreamResponse | None = None
        if fault is None or fault.is_carried_out or not (fault.status or fault.is_torn):
            response = await self._answer(request, body)
        if fault is None:
            return response or web.Response(status=404)
        return await _spoilt(request, response, fault)

    async def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        try:
            if request.path == _GRAPH:
                return self._graph(request, body)
            if request.path.startswith(_API):
                return await self._rest(request, body)
        except RefusedError as error:
            return _json(error.body, status=error.status)
        # Any other address shows the log-in page.
        return web.Response(status=302, headers={"Location": f"{self.external_url}/users/sign_in"})

    async def _rest(self, request: web.BaseRequest, body: bytes) -> web.Response:
        raw = request.rel_url.raw_path.removeprefix(_API)
        sent = _read(body)
        if (request.method, raw) == ("POST", "runners/verify"):
            status, data, headers = runners.verified(self.world, sent)
            return _json(data, status=status, headers=headers)
        asked = rest.Asked(
            method=request.method,
            parts=tuple(unquote(part) for part in raw.strip("/").split("/")),
            query=dict(request.query),
            body=sent,
            base=self.external_url,
        )
        caller = caller_of(self.world, request.headers)
        reply = await rest.answer(self.world, caller, asked, version=self.version)
        return _json(reply.data, status=reply.status, headers=reply.headers)

    def _graph(self, request: web.BaseRequest, body: bytes) -> web.Response:
        try:
            caller = caller_of(self.world, request.headers)
        except RefusedError:
            return _json({"errors": [{"message": "Invalid token"}]}, status=401)
        if not caller.scopes.intersection({"api", "read_api"}):
            return _json({"errors": [{"message": "insufficient_scope"}]}, status=403)
        return _json(graph.answer(self.world, caller, _read(body)))


async def _spoilt(request: web.BaseRequest, response: web.StreamResponse | None, fault: Fault) -> web.StreamResponse:
    await asyncio.sleep(fault.delay_s)
    if fault.is_torn:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=500)
    if fault.status:
        headers = {"Content-Type": fault.content_type, **fault.headers}
        return web.Response(status=fault.status, body=fault.body, headers=headers)
    spoilt = response or web.Response(status=500)
    spoilt.headers.update(fault.headers)
    return spoilt


def _read(body: bytes) -> Mapping[str, object]:
    if not body:
        return {}
    try:
        found = json.loads(body)
    except ValueError as error:
        raise RefusedError(400, {"error": "The request body is not JSON"}) from error
    return found if isinstance(found, dict) else {}


def _json(data: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    if data is None:
        return web.Response(status=status, headers=headers)
    body = json.dumps(data, ensure_ascii=False).encode()
    return web.Response(status=status, body=body, headers={"Content-Type": "application/json", **(headers or {})})
