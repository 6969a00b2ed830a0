"""The HTTP side of a bridge, wired: its options, where its answers come from, and where it listens."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from datetime import datetime

    from runner_bridge.ask.answers.jobs import JobsAnswer
    from runner_bridge.ask.metrics import Metrics
    from runner_bridge.ask.web import Sources, Token
    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.cli.hook_secrets import SecretFiles
    from runner_bridge.core.model.cluster import Address, IPPool, Pod
    from runner_bridge.core.model.ledger import Gap, Interval

DEFAULT_PORT = 8080
DEFAULT = f"127.0.0.1:{DEFAULT_PORT}"


class Place(NamedTuple):
    """Where to listen."""

    host: str
    """Empty: everywhere."""
    port: int
    """0: any that is free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The HTTP side of a bridge as it is wanted."""

    place: Place
    metrics: Metrics
    """What the bridge measures of itself."""
    tokens: tuple[Token, ...] = ()
    """Those that are accepted; none: only this machine is believed."""
    hooks: SecretFiles | None = None
    """Where the secrets of GitLab's hooks are; None: none are taken."""


class PlaceType(click.ParamType["Place | None"]):
    """`127.0.0.1:8080`, `:8080`, `[::1]:8080` → where to listen; `off` → None."""

    name = "place"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Place | None:
        """Return where to listen."""
        if isinstance(value, Place):
            return value
        text = str(value)
        if text == "off":
            return None
        host, colon, port = text.rpartition(":")
        is_bracketed = host.startswith("[") and host.endswith("]")
        if not colon or not _is_port(port) or (":" in host and not is_bracketed):
            self.fail(
                f"{text!r} is no place to listen on. Write 127.0.0.1:8080, :8080, [::1]:8080, or off.", param, ctx
            )
        return Place(host.removeprefix("[").removesuffix("]"), int(port))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) < 65536


listen_option = click.option(
    "--listen",
    type=PlaceType(),
    default=DEFAULT,
    show_default=True,
    envvar="RUNNER_BRIDGE_LISTEN",
    show_envvar=True,
    metavar="HOST:PORT",
    help="Health, metrics and the API; :8080 for everywhere, off for none.",
)
api_tokens_option = click.option(
    "--api-tokens",
    default="",
    metavar="FILE",
    help="Hashes of the tokens that may ask; without it only this machine may.",
)


def read_api_tokens(path: str) -> tuple[Token, ...]:
    """
    Read the tokens that are accepted; none for an empty path.

    Raises:
        SettingsError: the file cannot be read, or is wrong.
    """
    from runner_bridge.ask.web import read_tokens
    from runner_bridge.ports.files import display_name, read_text

    return read_tokens(read_text(path), name=display_name(path)) if path else ()


@asynccontextmanager
async def listening(bridge: Bridge, web: Web, *, tell: Callable[[str], None]) -> AsyncIterator[str]:
    """
    Answer over HTTP for as long as the context lasts; yield the address, for example `http://127.0.0.1:8080`.

    Args:
        bridge: whose answers they are.
        web: where to listen, and to whom.
        tell: is told one sentence at a time, for the log.

    Raises:
        SettingsError: nobody can listen there, or the secrets of hooks cannot be read.
    """
    from runner_bridge.ask.web import make_app, serve
    from runner_bridge.cli.bridge.hooks import receiving

    sources = sources_of(bridge, web, tell)
    async with receiving(bridge, web, tell) as receiver:
        app = make_app(replace(sources, hooks=receiver))
        async with serve(app, web.place.host, web.place.port) as address:
            yield address


def sources_of(bridge: Bridge, web: Web, tell: Callable[[str], None]) -> Sources:
    """Return where the answers of a bridge come from."""
    from runner_bridge.ask.web import Sources

    def pods() -> list[Pod]:
        return [pod for _, pod in bridge.picture.pods()] if bridge.picture else []

    def pools() -> tuple[IPPool, ...] | None:
        return bridge.picture.pools() if bridge.picture else None

    def who_had(
        address: Address, *, since: datetime | None, until: datetime | None
    ) -> tuple[Sequence[Interval], Sequence[Gap]]:
        found = bridge.ledger.who_had(address, since=since, until=until)
        return found, bridge.ledger.gaps(now=bridge.wanted.clock(), since=since, until=until)

    return Sources(
        jobs=_Jobs(bridge),
        state=bridge.state,
        policy=lambda: bridge.policy,
        verdicts=lambda: bridge.said,
        pods=pods,
        pools=pools,
        occupancy=lambda: bridge.occupancy,
        who_had=who_had,
        short_ids=lambda: bridge.known.short_ids,
        projects=lambda: None if bridge.known.projects is None else bridge.known.projects.values(),
        metrics=web.metrics,
        tell=tell,
        tokens=web.tokens,
    )


class _Jobs:
    """Asks the ledger of a bridge for jobs."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def one(self, job: str) -> JobsAnswer:
        """Return all about a job."""
        from runner_bridge.cli.job import ask

        return ask(self._bridge.ledger, job, now=self._bridge.wanted.clock())

    def some(self, *, since: datetime | None, until: datetime | None, tier: str, project: str) -> JobsAnswer:
        """Return the jobs of a stretch of time; of the last day where it has no beginning."""
        from runner_bridge.cli.jobs import ask

        now = self._bridge.wanted.clock()
        begin = since or (until or now) - timedelta(days=1)
        return ask(self._bridge.ledger, now=now, since=begin, until=until, tier=tier, project=project)
