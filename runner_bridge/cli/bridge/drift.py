"""Drift while a bridge runs: looked for on a slow timer, kept in its state, logged when it comes and when it goes."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from msgspec import structs

from runner_bridge.cli.gitlab_access import all_tokens
from runner_bridge.core.errors import RunnerBridgeError, SettingsError
from runner_bridge.core.model.state import DriftState, Role
from runner_bridge.core.redact import redact
from runner_bridge.flow.apply import Neighbours
from runner_bridge.flow.drift import read_drift
from runner_bridge.ports.gitlab import open_gitlab

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.core.drift import Drift
    from runner_bridge.core.model import Finding
    from runner_bridge.core.model.gitlab import Purpose
    from runner_bridge.core.policy.model import Policy
    from runner_bridge.ports.gitlab import Budget, TokenSource


async def drifting(
    bridge: Bridge,
    *,
    every_s: float,
    budget: Budget | None = None,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    read: Callable[[Policy, Neighbours], Awaitable[Drift]] = read_drift,
) -> None:
    """
    Look for drift for ever; a standby leaves it to who leads.

    Verdicts never wait for it, and what goes wrong here is part of the state and ends nothing.

    Args:
        bridge: a running one; its policy is taken anew each time.
        every_s: how long to wait after each look.
        budget: shared with whoever else asks GitLab in this process; None: one of its own for each look.
        pause: sleeps that many seconds.
        read: compares everything.
    """
    told: Mapping[str, Finding] = {}
    while True:
        if bridge.role is Role.STANDBY:
            bridge.drift = None
        else:
            state = bridge.drift = bridge.drift or DriftState()
            try:
                found = await _look(bridge, read, budget)
                bridge.drift = _state(bridge, found)
                told = _tell(bridge, found, told)
            except RunnerBridgeError as error:
                why = redact(str(error)).rstrip(".")
                bridge.drift = structs.replace(state, trouble=why)
                bridge.wanted.log.warning("drift-not-looked-for", why=why)
            except Exception as error:  # noqa: BLE001 - whatever it is, verdicts do not depend on it
                why = redact(f"{type(error).__name__}: {error}").rstrip(".")
                bridge.drift = structs.replace(state, trouble=why)
                bridge.wanted.log.error("drift-not-looked-for", why=why)  # noqa: TRY400 - no traceback reaches a user
        await pause(every_s)


async def _look(bridge: Bridge, read: Callable[[Policy, Neighbours], Awaitable[Drift]], budget: Budget | None) -> Drift:
    policy = bridge.policy
    async with AsyncExitStack() as stack:
        gitlab, no_gitlab = None, ""
        try:
            tokens: Mapping[Purpose, TokenSource] = all_tokens()
            opened = open_gitlab(policy.gitlab.url, tokens=tokens, budget=budget)
            gitlab = await stack.enter_async_context(opened)
        except SettingsError as error:
            no_gitlab = str(error)
        whom = Neighbours(gitlab=gitlab, no_gitlab=no_gitlab, cluster=bridge.cluster, no_cluster="")
        return await read(policy, whom)


def _state(bridge: Bridge, found: Drift) -> DriftState:
    return DriftState(
        looked_at=bridge.wanted.clock(),
        by_tier=tuple(found.by_tier.items()),
        found=tuple(_line(one) for one in found.found),
        unseen=len(found.unseen),
    )


def _line(one: Finding) -> str:
    return f"{redact(one.subject)}: {one.code.name}"


def _tell(bridge: Bridge, found: Drift, before: Mapping[str, Finding]) -> Mapping[str, Finding]:
    """Log what is new and what is gone; return what there is now."""
    now = {_line(one): one for one in found.found}
    for line, one in now.items():
        if line not in before:
            bridge.wanted.log.warning("drift", subject=one.subject, code=one.code.name, do=one.what_to_do)
    # What cannot be compared now may still be so.
    hidden = {_kind(one) for one in found.unseen}
    kept = {line: one for line, one in before.items() if line not in now and _kind(one) in hidden}
    for line, one in before.items():
        if line not in now and line not in kept:
            bridge.wanted.log.info("drift-mended", subject=one.subject, code=one.code.name)
    return {**kept, **now}


def _kind(finding: Finding) -> str:
    """Return what a finding is about: `runner` of both `runner-drifted` and `runners-unseen`."""
    return finding.code.name.partition("-")[0].rstrip("s")
