"""The pretend API server: one handler that speaks Kubernetes' HTTP for whatever resources it was given."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from runner_bridge.simulate.cluster import discovery, representation, status
from runner_bridge.simulate.cluster.access import Access
from runner_bridge.simulate.cluster.faults import Ending, Fault
from runner_bridge.simulate.cluster.objects import Objects
from runner_bridge.simulate.cluster.reading import Reader, read_query
from runner_bridge.simulate.cluster.resources import BUILT_IN, CALICO_V1, NAMESPACES, PODS, Resource
from runner_bridge.simulate.cluster.route import Route, RouteError, route_of
from runner_bridge.simulate.cluster.status import Object, StatusError
from runner_bridge.simulate.cluster.store import Store
from runner_bridge.simulate.listening import Listening
from runner_bridge.simulate.switches import Faults

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

_LARGEST_BODY = 3 * 1024 * 1024
_PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
_COMPRESS_FROM = 128 * 1024


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Cluster(Listening):
    """
    A pretend cluster on a loopback port: `async with Cluster() as cluster: … cluster.url`.

    `objects` is the same registry without HTTP, for whoever plays kubelet, scheduler or runner. `faults` and `access`
    are the switches; `restart`, `compact` and `end_watches` are the accidents.
    """

    def __init__(
        self,
        *,
        resources: tuple[Resource, ...] = (*BUILT_IN, *CALICO_V1),
        namespaces: tuple[str, ...] = ("default", "kube-system"),
        now: Callable[[], datetime] = _utc_now,
        bookmark_every_s: float = 60.0,
        keep_changes: int = 50_000,
    ) -> None:
        self.resources = resources
        self.now = now
        self.store = Store(keep_changes=keep_changes)
        self.objects = Objects(self.store, now)
        self.logs: dict[str, str] = {}
        """What the container of a pod has written so far, by the pod's uid; whoever plays kubelet fills it in."""
        super().__init__()
        self.faults: Faults[Fault] = Faults()
        self.access = Access()
        self._reader = Reader(self.store, bookmark_every_s=bookmark_every_s)
        self._watches: set[asyncio.Task[None]] = set()
        for namespace in namespaces:
            self.objects.create(NAMESPACES, "", {"metadata": {"name": namespace}})

    def kubeconfig(self, token: str = "") -> str:
        """Return a kubeconfig file for this cluster."""
        user: Object = {"token": token} if token else {}
        parts: Object = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "pretend", "cluster": {"server": self.url}}],
            "users": [{"name": "pretend", "user": user}],
            "contexts": [{"name": "pretend", "context": {"cluster": "pretend", "user": "pretend"}}],
            "current-context": "pretend",
        }
        return msgspec.json.encode(parts).decode()

    async def stop(self) -> None:
        """End all watches and connections and stop listening; objects and history stay."""
        await self.end_watches()
        await super().stop()

    async def restart(self, *, down_s: float = 0.0) -> None:
        """Go away and come back on the same port."""
        await self.stop()
        await asyncio.sleep(down_s)
        await self.start()

    async def end_watches(self) -> None:
        """Break off every watch that is open."""
        for task in tuple(self._watches):
            task.cancel()
        await asyncio.gather(*self._watches, return_exceptions=True)

    def compact(self) -> None:
        """Forget all history: watches and pages from before answer 410."""
        self.store.compact()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except StatusError as error:
            wait = error.retry_after_s
            headers = {"Retry-After": str(wait)} if wait is not None else None
            return _json(representation.encode(error.body), code=error.code, headers=headers)
        except RouteError:
            return web.Response(status=404, text="404 page not found\n")

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in {"/healthz", "/livez", "/readyz"}:
            return web.Response(text="ok")
        user = self.access.user(request.headers)
        if (document := discovery.document(self.resources, request.path)) is not None:
            fault = await self._meet("get", request.path)
            return await _spoilt(request, _json(representation.encode(document)), fault)
        if (review := await self._review(request, user)) is not None:
            return review
        route = route_of(self.resources, request.method, request.path, request.query)
        fault = await self._meet(route.verb, request.path)
        asked = f"{route.resource.plural}/{route.subresource}" if route.subresource else route.resource.plural
        group, namespace = route.resource.group, route.namespace
        if not self.access.allows(user=user, verb=route.verb, plural=asked, group=group, namespace=namespace):
            raise status.forbidden(
                route.resource,
                route.name,
                user=user,
                verb=route.verb,
                namespace=namespace,
                subresource=route.subresource,
            )
        if route.verb == "watch":
            return await self._watch(request, route, fault)
        if route.verb in {"get", "list"}:
            return await _spoilt(request, self._read(request, route), fault)
        return await _spoilt(request, self._write(request, route, await _body(request)), fault)

    async def _meet(self, verb: str, path: str) -> Fault | None:
        fault = self.faults.hit(verb, path)
        if fault is not None:
            await asyncio.sleep(fault.delay_s)
            if fault.refusal is not None:
                raise fault.refusal
        return fault

    async def _review(self, request: web.BaseRequest, user: str) -> web.Response | None:
        if request.method != "POST" or not request.path.startswith("/apis/authorization.k8s.io/v1/"):
            return None
        sent = await _body(request)
        if request.path.endswith("/selfsubjectaccessreviews"):
            return _json(representation.encode(self.access.review(user, sent)), code=201)
        if request.path.endswith("/selfsubjectrulesreviews"):
            return _json(representation.encode(self.access.rules(user, sent, self.resources)), code=201)
        return None

    def _read(self, request: web.BaseRequest, route: Route) -> web.Response:
        form = representation.form_of(request.headers.get("Accept", ""))
        if route.subresource == "log":
            return self._log(request, route)
        if route.verb == "get":
            found = self.objects.get(route.resource, route.namespace, route.name)
            return _json(representation.one(route.resource, found, form), request=request)
        query = read_query(route.resource, request.query)
        return _json(self._reader.page(route.resource, route.namespace, query, form), request=request)

    def _log(self, request: web.BaseRequest, route: Route) -> web.Response:
        """Answer as the API server does, which fetches the log of a pod's only container from kubelet."""
        pod = self.objects.get(PODS, route.namespace, route.name)
        if not pod["spec"].get("nodeName"):
            return web.Response(status=204)
        text = self.logs.get(pod["metadata"]["uid"])
        if text is None:
            container = pod["spec"]["containers"][0]["name"]
            raise status.bad_request(
                f'container "{container}" in pod "{route.name}" is waiting to start: ContainerCreating'
            )
        limit = request.query.get("limitBytes", "")
        body = text.encode()[: int(limit) if limit.isdecimal() else None]
        return web.Response(body=body, content_type="text/plain")

    def _write(self, request: web.BaseRequest, route: Route, sent: Object) -> web.Response:
        form = representation.form_of(request.headers.get("Accept", ""))
        resource, namespace, name = route.resource, route.namespace, route.name
        match route.verb:
            case "create":
                return _json(
                    representation.one(resource, self.objects.create(resource, namespace, sent), form), code=201
                )
            case "update":
                new = self.objects.replace(resource, namespace, name, sent, subresource=route.subresource)
            case "patch":
                new = self._patch(request, route, sent)
            case "delete":
                last, is_gone = self.objects.delete(resource, namespace, name, _options(request, sent))
                if is_gone and resource is not PODS:
                    about = {"name": name, "kind": resource.plural, "uid": last["metadata"]["uid"]}
                    done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": about}
                    return _json(representation.encode(done))
                new = last
            case _:
                raise status.method_not_allowed()
        return _json(representation.one(resource, new, form))

    def _patch(self, request: web.BaseRequest, route: Route, sent: Object) -> Object:
        kind = request.content_type
        supported = _PATCHES[:1] if route.resource.custom else _PATCHES
        if kind not in supported:
            raise status.unsupported_media_type(supported)
        return self.objects.patch(
            route.resource,
            route.namespace,
            route.name,
            sent,
            is_strategic=kind != _PATCHES[0],
            subresource=route.subresource,
        )

    async def _watch(self, request: web.BaseRequest, route: Route, fault: Fault | None) -> web.StreamResponse:
        form = representation.form_of(request.headers.get("Accept", ""))
        query = read_query(route.resource, request.query)
        chunks = self._reader.watch(route.resource, route.namespace, query, form)
        response = web.StreamResponse(
            headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"}
        )
        await response.prepare(request)
        task = asyncio.ensure_future(_send(request, response, chunks, fault))
        self._watches.add(task)
        try:
            await task
        except asyncio.CancelledError:
            if not task.cancelled():
                task.cancel()
                raise
            _reset(request)
        except ConnectionError:
            pass  # the client has gone away
        finally:
            self._watches.discard(task)
        return response


async def _send(
    request: web.BaseRequest, response: web.StreamResponse, chunks: AsyncIterator[bytes], fault: Fault | None
) -> None:
    if fault is not None and fault.inserted:
        await response.write(fault.inserted)
    left = fault.after_bytes if fault is not None and fault.ending is not None else None
    async with contextlib.aclosing(chunks):  # type: ignore[type-var]
        async for chunk in chunks:
            if left is None:
                await response.write(chunk)
                continue
            if fault is not None and fault.is_half_line and chunk:
                left = (chunk.index(b"\n") + 1) // 2
            await response.write(chunk[:left])
            left -= len(chunk[:left])
            if left == 0 and chunk and fault is not None:
                await _end(request, fault)
                return
    await response.write_eof()


async def _end(request: web.BaseRequest, fault: Fault) -> None:
    match fault.ending:
        case Ending.RESET:
            _reset(request)
        case Ending.SILENCE:
            await asyncio.Event().wait()
        case _:
            pass


def _reset(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _spoilt(request: web.BaseRequest, response: web.Response, fault: Fault | None) -> web.StreamResponse:
    """Return the response, or send only its beginning where a fault says so."""
    if fault is None or fault.ending is None:
        return response
    body = response.body
    torn = web.StreamResponse(status=response.status, headers={"Content-Type": "application/json"})
    torn.content_length = len(body) if isinstance(body, bytes) else 0
    await torn.prepare(request)
    await torn.write(body[: fault.after_bytes] if isinstance(body, bytes) else b"")
    await _end(request, fault)
    _reset(request)
    return torn


async def _body(request: web.BaseRequest) -> Object:
    text = b""
    async for chunk in request.content.iter_any():
        text += chunk
        if len(text) > _LARGEST_BODY:
            raise StatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {_LARGEST_BODY}")
    if not text:
        return {}
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise status.bad_request(f"error decoding the body: {error}") from error
    if not isinstance(read, dict):
        raise status.bad_request("the body is not a JSON object")
    return read


def _options(request: web.BaseRequest, sent: Object) -> Object:
    grace = request.query.get("gracePeriodSeconds")
    return {**sent, "gracePeriodSeconds": int(grace)} if grace is not None else sent


def _json(
    body: bytes, *, code: int = 200, headers: dict[str, str] | None = None, request: web.BaseRequest | None = None
) -> web.Response:
    headers = {"Content-Type": "application/json", **(headers or {})}
    if request is not None and len(body) > _COMPRESS_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
        return web.Response(body=gzip.compress(body, 1), status=code, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=body, status=code, headers=headers)
