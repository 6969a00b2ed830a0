"""Places on a real API server and a pretended one: replaced only where they are still what was read."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from runner_bridge.core.errors import SettingsError, StaleError, UnavailableError
from runner_bridge.core.policy import model as p
from runner_bridge.flow.apply.stores import Stores
from runner_bridge.ports.kube import open_cluster
from tests.cluster.secrets import secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.cluster.worlds import World

CONFIG = p.Store(kind=p.StoreKind.SECRET, namespace="ci-team-a", name="runner-config", key="config.toml")
TOKENS = p.Store(kind=p.StoreKind.SECRET, namespace="ci-team-a", name="runner-tokens")
INFRA, SHARED = p.RunnerName("infra"), p.RunnerName("shared")


@asynccontextmanager
async def stores(world: World) -> AsyncIterator[Stores]:
    for name in (CONFIG.name, TOKENS.name):
        world.admin("DELETE", f"/api/v1/namespaces/ci-team-a/secrets/{name}")
    async with open_cluster(kubeconfig=str(world.kubeconfig())) as cluster:
        yield Stores(cluster)


async def test_tokens_are_kept_beside_each_other_and_read_back(world: World) -> None:
    async with stores(world) as places:
        await places.check(TOKENS, more_bytes=256)
        assert (await places.tokens(TOKENS, [INFRA])).tokens == {}
        await places.keep(TOKENS, INFRA, "a")
        await places.check(TOKENS, more_bytes=256)
        await places.keep(TOKENS, SHARED, "b")
        assert (await places.tokens(TOKENS, [INFRA, SHARED])).tokens == {INFRA: "a", SHARED: "b"}


async def test_a_secret_that_somebody_else_has_written_since_is_left_alone(world: World) -> None:
    async with stores(world) as places:
        nothing = await places.raw(CONFIG)
        world.create(secret("runner-config", {"config.toml": "one", "other": "x"}))
        before = await places.raw(CONFIG)
        await places.replace(CONFIG, before, b"two")
        for stale in (nothing, before):
            with pytest.raises(StaleError):
                await places.replace(CONFIG, stale, b"three")
        assert (await places.configuration(CONFIG)).text == "two"


async def test_what_was_there_is_put_aside_and_forgotten(world: World) -> None:
    async with stores(world) as places:
        await places.replace(CONFIG, await places.raw(CONFIG), b"one")
        assert await places.set_aside(CONFIG) is None
        await places.replace(CONFIG, await places.raw(CONFIG), b"two", sets_aside=True)
        aside = await places.set_aside(CONFIG)
        assert aside is not None
        assert (aside.data, aside.is_of(b"two"), aside.is_of(b"three"), aside.is_of(None)) == (
            b"one",
            True,
            False,
            False,
        )
        assert (await places.configuration(CONFIG)).is_unconfirmed
        await places.forget(CONFIG)
        assert not (await places.configuration(CONFIG)).is_unconfirmed
        await places.replace(CONFIG, await places.raw(CONFIG), None)
        assert (await places.configuration(CONFIG)).text is None


async def test_what_kubernetes_would_not_take_is_said_before_it_is_sent(world: World) -> None:
    async with stores(world) as places:
        with pytest.raises(SettingsError, match="would hold 1,048,577 bytes"):
            await places.replace(CONFIG, await places.raw(CONFIG), b"x" * (1024 * 1024 + 1))
        half = b"x" * (600 * 1024)
        await places.replace(CONFIG, await places.raw(CONFIG), half)
        await places.replace(CONFIG, await places.raw(CONFIG), half + b"y", sets_aside=True)
        assert await places.set_aside(CONFIG) is None  # no room for both


async def test_without_a_cluster_it_is_said_why() -> None:
    with pytest.raises(UnavailableError, match="no kubeconfig"):
        await Stores(None, "no kubeconfig.").raw(CONFIG)
    assert (await Stores(None, "no kubeconfig.").tokens(TOKENS, [INFRA])).trouble == "no kubeconfig."
