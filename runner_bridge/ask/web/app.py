"""The routes, and what every request passes through: time limit, gate, errors, headers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from aiohttp import web

from runner_bridge.ask import hooks
from runner_bridge.ask.answers.health import alive, ready
from runner_bridge.ask.web.access import OPEN, Asker, Role, permit, who
from runner_bridge.ask.web.answering import Answers
from runner_bridge.ask.web.problem import HEADERS, BusyError, problem, problem_of
from runner_bridge.ask.web.sources import Sources
from runner_bridge.core.errors import SettingsError, WireError
from runner_bridge.core.moments import parse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from datetime import datetime

    from runner_bridge.ask.answers.health import Health
    from runner_bridge.core.model.cluster import Address

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ANSWER_S: Final = 20.0
"""How long an answer may take."""
_JSON: Final = "application/json; charset=utf-8"
_SAFE: Final = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One path, for the gate and for the reference."""

    path: str
    role: Role | None
    """Who may ask; None: everybody."""
    method: str = "GET"
    """POST: it authenticates itself."""
    parameters: tuple[str, ...] = ()
    help: str
    """One sentence without full stop."""


ROUTES: Final = (
    Route(
        path="/healthz", role=None, help="200 while the process is at work, 503 where a watch is stuck: start it anew"
    ),
    Route(path="/readyz", role=None, help="200 while what it says can be relied on and is recorded, else 503"),
    Route(path="/metrics", role=None, help="What Prometheus reads"),
    Route(path="/api/v1/status", role=Role.VIEWER, help="The status, as `runner-bridge status -o json` prints it"),
    Route(
        path="/api/v1/check",
        role=Role.VIEWER,
        help="Every verdict of now, as `runner-bridge check -o json` prints them",
    ),
    Route(
        path="/api/v1/who-had",
        role=Role.AUDITOR,
        parameters=("address", "at", "since", "until"),
        help="Who had an address, as `runner-bridge who-had -o json` prints it",
    ),
    Route(
        path="/api/v1/job",
        role=Role.AUDITOR,
        parameters=("id",),
        help="Where a job ran, by its number or page, as `runner-bridge job -o json` prints it",
    ),
    Route(
        path="/api/v1/jobs",
        role=Role.AUDITOR,
        parameters=("since", "until", "tier", "project"),
        help="Which jobs ran where, of the last day without `since`, as `runner-bridge jobs -o json` prints them",
    ),
    Route(
        path=hooks.PATH,
        role=None,
        method="POST",
        help="Takes webhooks of GitLab, where their secrets are set: 200 for whatever is authentic, else 401",
    ),
)
_BY_PATH: Final = {one.path: one for one in ROUTES}

SOURCES: Final = web.AppKey("sources", Sources)
LIMIT: Final = web.AppKey("limit", float)
ANSWERS: Final = web.AppKey("answers", Answers)
ASKER: Final = web.RequestKey("asker", Asker)


def make_app(sources: Sources, *, answer_s: float = ANSWER_S) -> web.Application:
    """
    Return the application; `serving.serve` makes it listen.

    Args:
        sources: where its answers come from.
        answer_s: how long an answer may take.
    """
    app = web.Application(middlewares=[_outermost], client_max_size=1024)
    app[SOURCES] = sources
    app[ANSWERS] = Answers(sources)
    app[LIMIT] = answer_s
    handlers = {
        "/healthz": _healthz,
        "/readyz": _readyz,
        "/metrics": _metrics,
        "/api/v1/status": _status,
        "/api/v1/check": _check,
        "/api/v1/who-had": _who_had,
        "/api/v1/job": _job,
        "/api/v1/jobs": _jobs,
    }
    for path, handler in handlers.items():
        app.router.add_get(path, handler)
    if sources.hooks is not None:
        app.router.add_post(hooks.PATH, sources.hooks.receive)
        app.cleanup_ctx.append(_hinting)
    app.cleanup_ctx.append(_closing)
    return app


async def _closing(app: web.Application) -> AsyncIterator[None]:
    yield
    await app[ANSWERS].close()


async def _hinting(app: web.Application) -> AsyncIterator[None]:
    """Pass on what hooks say for as long as the application runs."""
    receiver = app[SOURCES].hooks
    assert receiver is not None  # noqa: S101 - else this is not called
    working = asyncio.create_task(receiver.work(), name="hints")
    yield
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


@web.middleware
async def _outermost(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every request, in time, with the headers of all; whatever goes wrong becomes a problem document."""
    sources = request.app[SOURCES]
    is_hook = request.path == hooks.PATH and sources.hooks is not None
    try:
        if is_hook:
            response = await handler(request)  # which authenticates itself, reads a body, and has a limit of its own
        else:
            _pass_gate(request, sources)
            async with asyncio.timeout(request.app[LIMIT]):
                response = await handler(request)
    except TimeoutError:
        response = problem_of(
            BusyError(f"The answer took longer than {request.app[LIMIT]:g} s. Ask again, or ask for less.")
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing of it may reach the client
        response = problem_of(error)
        if response.status == 500:
            sources.tell(f"{request.method} {request.path}: {type(error).__name__}: {error}")
    response.headers.update(HEADERS)
    if request.body_exists and not is_hook:
        response.force_close()  # what follows is a body that nobody reads
    sources.metrics.requested(request.path if request.path in _BY_PATH else "", response.status)
    return response


def _pass_gate(request: web.Request, sources: Sources) -> None:
    """
    Let a request pass, or not.

    Raises:
        RefusedError: it is not known who asks, or not permitted.
        web.HTTPException: it asks for something else than to read.
    """
    if request.method not in _SAFE:
        raise web.HTTPMethodNotAllowed(request.method, _SAFE)
    if request.body_exists:
        raise web.HTTPRequestEntityTooLarge(max_size=0, actual_size=request.content_length or 1)
    if request.path in OPEN:
        return
    asker = who(
        peer=request.remote or "",
        headers=request.headers,
        host=request.headers.get("Host", ""),
        tokens=sources.tokens,
    )
    route = _BY_PATH.get(request.path)
    permit(asker, route.role if route is not None and route.role is not None else Role.VIEWER)
    request[ASKER] = asker


async def _healthz(request: web.Request) -> web.Response:
    _parameters(request)
    return _told(alive(request.app[SOURCES].state()))


async def _readyz(request: web.Request) -> web.Response:
    _parameters(request)
    return _told(ready(request.app[SOURCES].state()))


def _told(health: Health) -> web.Response:
    """Name what is not well, and not why: everybody may ask this."""
    lines = [f"[-] {one.name} failed: reason withheld, see status or the log" for one in health.troubles]
    return web.Response(text="\n".join([*lines, "failed" if lines else "ok"]) + "\n", status=503 if lines else 200)


async def _metrics(request: web.Request) -> web.Response:
    body, content_type = await request.app[ANSWERS].metrics(request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type})


async def _status(request: web.Request) -> web.Response:
    _parameters(request)
    return _json(await request.app[ANSWERS].status())


async def _check(request: web.Request) -> web.Response:
    _parameters(request)
    return _json(await request.app[ANSWERS].check())


async def _who_had(request: web.Request) -> web.Response:
    sources = request.app[SOURCES]
    asked = _parameters(request, "address", "at", "since", "until")
    address, since, until = _address(asked.get("address", "")), *_stretch(asked)
    sources.tell(f"who-had {address} asked by {request[ASKER].name}")
    if sources.who_had is None:
        return _no_ledger()
    return _json(await request.app[ANSWERS].who_had(sources.who_had, address, since, until))


async def _job(request: web.Request) -> web.Response:
    sources = request.app[SOURCES]
    job = _parameters(request, "id").get("id", "")
    sources.tell(f"job {job[:200]!r} asked by {request[ASKER].name}")
    if sources.jobs is None:
        return _no_ledger()
    try:
        return _json(await request.app[ANSWERS].job(sources.jobs, job))
    except SettingsError as error:
        raise WireError(str(error)) from None


async def _jobs(request: web.Request) -> web.Response:
    sources = request.app[SOURCES]
    asked = _parameters(request, "since", "until", "tier", "project")
    since, until = _stretch(asked)
    sources.tell(f"jobs asked by {request[ASKER].name}")
    if sources.jobs is None:
        return _no_ledger()
    tier, project = asked.get("tier", ""), asked.get("project", "")
    return _json(await request.app[ANSWERS].jobs(sources.jobs, since=since, until=until, tier=tier, project=project))


def _no_ledger() -> web.Response:
    return problem(503, "This process has no ledger: a standby records nothing. Ask the one that leads.")


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, headers={"Content-Type": _JSON})


def _parameters(request: web.Request, *known: str) -> dict[str, str]:
    """
    Return the parameters of the query.

    Raises:
        WireError: one is not known here, or given twice.
    """
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            expected = f"Known here: {', '.join(known)}." if known else "None is known here."
            message = f"{name[:40]!r} is no parameter. {expected}"
            raise WireError(message)
        if name in found:
            message = f"{name!r} is given twice. Give it once."
            raise WireError(message)
        found[name] = value
    return found


def _address(text: str) -> Address:
    try:
        return ip_address(text)
    except ValueError:
        message = f"address={text[:60]!r} is no address. Write address=172.16.12.2."
        raise WireError(message) from None


def _stretch(asked: dict[str, str]) -> tuple[datetime | None, datetime | None]:
    """Return the stretch of time that is asked about; None: no bound."""
    if "at" in asked and ("since" in asked or "until" in asked):
        message = "'at' and 'since' or 'until' exclude each other. Give a moment, or a stretch."
        raise WireError(message)
    if "at" in asked:
        return parse(asked["at"])
    since = parse(asked["since"]).since if "since" in asked else None
    until = parse(asked["until"]).until if "until" in asked else None
    if since is not None and until is not None and since > until:
        message = "'since' is after 'until'. Name the earlier moment first."
        raise WireError(message)
    return since, until
