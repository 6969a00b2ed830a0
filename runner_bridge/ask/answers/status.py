"""
"How does it stand?" in one screen: a bridge's state, what its verdicts come to, what CI holds, how full pools are.

The answer is whole and plain, so that it survives the wire: `status --url` shows what the bridge itself would show.
`GET /api/v1/status` is its JSON; fields are only ever added.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations when it decodes
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from runner_bridge.ask.answers.check import Mark
from runner_bridge.ask.answers.health import Check, alive, ready
from runner_bridge.core.holding import Holding  # noqa: TC001 - as above
from runner_bridge.core.model import Finding, Severity
from runner_bridge.core.model.codes.job_pods import SNAPSHOT_INCOMPLETE
from runner_bridge.core.model.state import BridgeState  # noqa: TC001 - as above
from runner_bridge.core.occupancy import NodeFill, Use  # noqa: TC001 - as above

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from runner_bridge.ask.answers.check import CheckAnswer, Group
    from runner_bridge.core.model.cluster import IPPool
    from runner_bridge.core.occupancy import Occupancy, PoolUse
    from runner_bridge.core.policy.model import Policy

CLEAN, BREACH, UNPROVEN = 0, 1, 3
MOST_PROBLEMS: Final = 5
"""Groups of job pods that are shown; `check` shows all."""
_BAD = (Mark.BREACH, Mark.UNKNOWN)


class PoolFill(Struct, frozen=True, gc=False, kw_only=True):
    """One pool of the policy."""

    name: str
    cidr: str
    pool_class: str
    """`routable`, `nat` or `isolated`."""
    size: int
    """Addresses of its range."""
    held: int
    """Addresses that CI holds."""
    allocated: int | None = None
    """Addresses that Calico gave out, to whomever, or that cool down; None where the blocks were not counted."""
    cooling: int | None = None
    """Those of them that nobody holds and that cannot be given out yet."""
    blocks: int | None = None
    nodes: int | None = None
    """Nodes that have blocks of it."""
    fullest: tuple[NodeFill, ...] = ()
    """The nodes with the most blocks."""
    uses: dict[Use, int] | None = None
    """What the addresses of a pool of CI are held for; None where not every address is audited."""
    trouble: str = ""
    """Why the cluster gives no address of it; a sentence without full stop, empty where it does or nobody looked."""


class Problem(Struct, frozen=True, gc=False, kw_only=True):
    """Job pods that are not proven to be right, for one reason."""

    mark: Mark
    pods: int
    """How many."""
    example: str
    """`namespace/name` of one."""
    tier: str
    got: str
    """Addresses of the example; empty where it has none."""
    codes: tuple[str, ...]
    cause: str
    remedy: str


class StatusAnswer(Struct, frozen=True, kw_only=True):
    """The whole answer."""

    state: BridgeState
    is_running: bool
    """False: one look at the cluster, by a process that does not watch it."""
    exit_code: int
    """0 clean, 1 a breach, 3 something is not proven."""
    verdicts: dict[Mark, int]
    """Job pods by what is shown of their verdict; each once."""
    unmanaged: int = 0
    """Job pods of runners that the policy does not declare."""
    probes: int = 0
    """Pods of `probe`, and runners' own checks at start-up."""
    other: int = 0
    """Pods beside them that are no job pods."""
    evidence: str = ""
    """How well addresses are proven, for example `12 block, 1 address`."""
    cluster: tuple[str, ...] = ()
    """What is wrong with the cluster as a whole, one sentence each."""
    problems: tuple[Problem, ...] = ()
    """Worst first; no more than five."""
    more_problems: int = 0
    """Further groups that are not among them."""
    holding: Holding
    pools: tuple[PoolFill, ...] = ()
    """In the order of the policy."""
    is_alive: bool = True
    is_ready: bool = True
    troubles: tuple[Check, ...] = ()
    """Why it is not alive or not ready."""
    read_at: datetime | None = None
    """When pods were looked at; None: at `state.at`."""

    @property
    def job_pods(self) -> int:
        """How many got a verdict."""
        return sum(self.verdicts.values())


def answer(
    state: BridgeState, check: CheckAnswer, holding: Holding, pools: Sequence[PoolFill], *, is_running: bool = True
) -> StatusAnswer:
    """
    Put the answer together.

    Args:
        state: of the bridge; of a single look at a cluster, what is known.
        check: what the verdicts come to.
        holding: what CI holds.
        pools: how full the pools are.
        is_running: the state is that of a bridge that watches.
    """
    health = (alive(state), ready(state)) if is_running else ()
    bad = [group for group in check.groups if group.mark in _BAD]
    troubles = tuple(one for each in health for one in each.troubles)
    return StatusAnswer(
        state=state,
        is_running=is_running,
        exit_code=_exit_code(check.exit_code, is_whole=state.is_whole, is_well=not troubles),
        verdicts={mark: check.marks[mark] for mark in Mark},
        unmanaged=check.unmanaged,
        probes=check.probes,
        other=check.other,
        evidence=check.evidence,
        cluster=tuple(one.headline for one in _of_cluster(state, check)),
        problems=tuple(map(_problem, bad[:MOST_PROBLEMS])),
        more_problems=max(0, len(bad) - MOST_PROBLEMS),
        holding=holding,
        pools=tuple(pools),
        is_alive=all(one.ok for one in health[:1]),
        is_ready=all(one.ok for one in health[1:]),
        troubles=troubles,
        read_at=check.judged_at,
    )


def _of_cluster(state: BridgeState, check: CheckAnswer) -> Iterator[Finding]:
    # What is not complete stands in the state itself.
    yield from (one for one in check.cluster if one.code != SNAPSHOT_INCOMPLETE or not state.gaps)
    # What makes no verdict of a pod uncertain may still have to be mended.
    yield from (one.finding for one in check.notes if not one.pods and one.finding.code.severity is Severity.WARNING)


def fills(
    policy: Policy, holding: Holding, *, pools: Iterable[IPPool] | None = None, occupancy: Occupancy | None = None
) -> tuple[PoolFill, ...]:
    """
    Say of every pool of the policy how full it is. Never raises.

    Args:
        policy: names the pools.
        holding: what CI holds.
        pools: those of the cluster; None where nobody looked.
        occupancy: what Calico gave out; None where nobody has counted.
    """
    observed = None if pools is None else {one.name: one for one in pools}
    return tuple(
        _counted(
            PoolFill(
                name=str(name),
                cidr=str(pool.cidr),
                pool_class=str(pool.pool_class),
                size=pool.cidr.num_addresses,
                held=holding.addresses(pool=str(name)),
                trouble="" if observed is None else _pool_trouble(observed, str(name)),
            ),
            occupancy.of(str(name)) if occupancy else None,
        )
        for name, pool in policy.pools.items()
    )


def _counted(fill: PoolFill, use: PoolUse | None) -> PoolFill:
    if use is None:
        return fill
    return structs.replace(
        fill,
        allocated=use.used + use.cooling,
        cooling=use.cooling,
        blocks=use.blocks,
        nodes=use.nodes,
        fullest=use.fullest,
        uses=None if use.uses is None else dict(use.uses),
    )


def _pool_trouble(observed: Mapping[str, IPPool], name: str) -> str:
    pool = observed.get(name)
    if pool is None:
        return "the cluster has no pool of this name"
    return "" if pool.enabled else f"it gives no addresses: {pool.reason or 'disabled'}"


def _problem(group: Group) -> Problem:
    row = group.rows[0]
    first = group.findings[0] if group.findings else None
    return Problem(
        mark=group.mark,
        pods=len(group.rows),
        example=row.pod,
        tier=row.tier,
        got=row.got,
        codes=row.codes,
        cause=(first.cause or f"{first.code.title[0].upper()}{first.code.title[1:]}.") if first else "",
        remedy=first.what_to_do if first else "",
    )


def _exit_code(checked: int, *, is_whole: bool, is_well: bool) -> int:
    if checked == BREACH:
        return BREACH
    return checked if is_whole and is_well else UNPROVEN
