"""What a running bridge knows of itself, gathered from its rooms into the one value that every surface shows."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import structs

from runner_bridge import __version__
from runner_bridge.core.model import state
from runner_bridge.core.redact import redact
from runner_bridge.flow.observe.watched import WatchedBlocks
from runner_bridge.flow.observe.watching import NEEDED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from runner_bridge.cli.bridge.opening import Bridge
    from runner_bridge.cli.bridge.rooms import Rooms
    from runner_bridge.flow.lead import Lead


def state_of(bridge: Bridge, rooms: Rooms | None, at: datetime) -> state.BridgeState:
    """Return the state of a bridge at a moment."""
    wanted, lead = bridge.wanted, bridge.lead
    found = state.BridgeState(
        at=at,
        started_at=bridge.started_at,
        version=__version__,
        cluster=bridge.policy.cluster.name,
        server=bridge.cluster.reader.server,
        mode=str(wanted.mode),
        role=bridge.role,
        lease=_lease(lead) if lead is not None else None,
        calico=state.CalicoState(explanation=bridge.api.explanation, is_judgeable=bridge.api.is_judgeable),
        policy=bridge.policy_state,
        ledger=bridge.terms.state(),
        drift=bridge.drift,
        simulated=wanted.simulated,
    )
    return found if rooms is None else _with(found, rooms)


def _lease(lead: Lead) -> state.LeaseState:
    return state.LeaseState(name=lead.name, holder=redact(lead.holder), trouble=redact(lead.trouble))


def _with(found: state.BridgeState, rooms: Rooms) -> state.BridgeState:
    """Return the state with what the rooms know."""
    controller, act = rooms.controller, rooms.act
    absent = controller.absent
    return structs.replace(
        found,
        calico=structs.replace(found.calico, finding=redact(absent.headline) if absent else ""),
        watches=tuple(_watches(rooms, found.at)),
        gaps=tuple(structs.replace(gap, reason=redact(gap.reason)) for gap in controller.doubts),
        acts=state.Acts(
            done=act.done,
            already_so=act.already_so,
            skipped=act.skipped,
            failed=act.failed,
            waiting=act.waiting,
            held_back=act.held_back,
        ),
        blocks=_blocks(rooms),
    )


def _watches(rooms: Rooms, at: datetime) -> Iterator[state.WatchState]:
    now = asyncio.get_running_loop().time()

    def when(seconds: float | None) -> datetime | None:
        return None if seconds is None else at - timedelta(seconds=now - seconds)

    for one in rooms.observer.watchings:
        doubt = rooms.observer.picture.doubt_of(one.source)
        yield state.WatchState(
            kind=one.source.kind,
            namespace=one.source.namespace,
            is_fresh=not doubt,
            is_needed=one.source.kind in NEEDED,
            objects=rooms.observer.picture.count(one.source),
            heard_at=when(one.heard_s),
            tried_at=when(one.tried_s),
            restarts=one.restarts,
            bad_lines=one.bad_lines,
            trouble=redact(doubt),
        )


def _blocks(rooms: Rooms) -> state.BlockReads:
    blocks, trouble = rooms.blocks, redact(rooms.controller.block_trouble.rstrip("."))
    if blocks is None:
        return state.BlockReads(readable=False)
    census = rooms.census
    return state.BlockReads(
        done=blocks.done,
        failed=blocks.failed,
        under_way=blocks.under_way,
        trouble=trouble,
        watched=isinstance(blocks, WatchedBlocks),
        counted_at=census.occupancy.at if census and census.occupancy else None,
        count_trouble=redact(census.trouble) if census else "",
    )
