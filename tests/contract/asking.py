"""Plain HTTP against an API server, pretend or real, without any code of the bridge in between."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

MERGE = {"Content-Type": "application/merge-patch+json"}
STRATEGIC = {"Content-Type": "application/strategic-merge-patch+json"}
METADATA_ONLY = {"Accept": "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"}
METADATA_LIST = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """An API server and a namespace in it that belongs to one test."""

    session: aiohttp.ClientSession
    namespace: str
    stranger: dict[str, str]
    """The headers of an account that may do nothing."""

    def path(self, plural: str, name: str = "", *, root: str = "/api/v1") -> str:
        return f"{root}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Return status and body, read as JSON."""
        headers = {"Content-Type": "application/json", **more.pop("headers", {})}
        data = None if body is None else json.dumps(body)
        async with self.session.request(method, path, data=data, headers=headers, params=more) as answer:
            return answer.status, await answer.json(content_type=None)

    async def make(self, plural: str, body: dict[str, Any], *, root: str = "/api/v1") -> Any:
        """Create an object and return it."""
        status, made = await self.ask("POST", self.path(plural, root=root), body)
        assert status == 201, made
        return made

    async def pod(self, name: str, **meta: Any) -> Any:
        """Create a small pod."""
        containers = [{"name": "build", "image": "registry.example.com/build:1"}]
        return await self.make("pods", {"metadata": {"name": name, **meta}, "spec": {"containers": containers}})

    async def config_map(self, name: str, **meta: Any) -> Any:
        """Create a ConfigMap."""
        return await self.make("configmaps", {"metadata": {"name": name, **meta}, "data": {"a": "1"}})

    @asynccontextmanager
    async def watch(self, plural: str, **query: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """Open a watch on this test's namespace and yield its events."""
        async with self.events(self.path(plural), **{"watch": "1", "timeoutSeconds": "5", **query}) as events:
            yield events

    @asynccontextmanager
    async def events(self, path: str, *, headers: Any = None, **query: Any) -> AsyncIterator[AsyncIterator[Any]]:
        """Open a watch on any path and yield its events."""
        async with self.session.get(path, params=query, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            yield (json.loads(line) async for line in answer.content)


def named(event: Any) -> tuple[str, str]:
    """Return type and name of an event."""
    return event["type"], event["object"]["metadata"]["name"]
