"""The count of addresses beside a bridge: verdicts depend on it as little as on GitLab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.flow.census import Audit, Census

AGAIN_S: Final = 60.0
"""How long it rests after a defect."""


async def counting(bridge: Bridge, census: Census | Audit) -> None:
    """Count addresses for ever; a defect of it is logged, is part of the state, and ends nothing."""
    while True:
        try:
            await census.run()
        except Exception as error:  # noqa: BLE001 - whatever it is, verdicts do not depend on it
            census.trouble = why = redact(f"{type(error).__name__}: {error}").rstrip(".")
            bridge.wanted.log.error("addresses-not-counted", why=why)  # noqa: TRY400 - no traceback reaches a user
            await bridge.wanted.pause(AGAIN_S)
