"""
The answer of `status` for people: one screen of eighty columns, what is wrong first.

Plain columns, no table: each line begins with the word it is about. What a cluster or a job says of itself cannot
steer the terminal.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from runner_bridge.ask.answers.check import Mark
from runner_bridge.ask.views import well_formed
from runner_bridge.core.holding import UNDECLARED, Holder
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.model.state import Role
from runner_bridge.core.occupancy import Use
from runner_bridge.core.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime, timedelta

    from runner_bridge.ask.answers.status import PoolFill, Problem, StatusAnswer
    from runner_bridge.core.model.state import BlockReads, BridgeState, DriftState, WatchState

_NARROWEST: Final = 60
_MARGIN: Final = 11
"""Where the text of a line begins: after the longest word and a blank."""
_ORDER: Final = (Mark.PASS, Mark.BREACH, Mark.UNKNOWN, Mark.PENDING, Mark.WAIVED)
_STYLE: Final = {Mark.BREACH: "1;31", Mark.UNKNOWN: "33"}
_BOLD: Final = "1"
_RED: Final = "1;31"
_SHORT_DIGEST: Final = 12
_MOST_DRIFT: Final = 3
"""So many things that are not as declared are named."""
_ONE: Final = {
    Holder.JOBS: "job",
    Holder.OTHER_JOBS: "job of other runners",
    Holder.MANAGERS: "manager",
    Holder.PAUSE_PODS: "pause pod",
    Holder.PRE_PULLERS: "pre-puller",
    Holder.PROBES: "probe",
    Holder.OTHER: "other",
}
_USES: Final = {
    Use.OTHERS: "held by others",
    Use.LEAKED: "leaked",
    Use.NODES: "of nodes",
    Use.UNCLEAR: "not clear yet",
}
_SEVERAL: Final = {Holder.OTHER_JOBS: "jobs of other runners", Holder.OTHER: "others"}


def render(answer: StatusAnswer, *, colour: bool, width: int) -> str:
    """
    Return the answer in whole lines.

    Args:
        answer: what is shown.
        colour: whether ANSI sequences are written.
        width: columns of the terminal; below 60 counts as 60.
    """
    page = _Page(max(width, _NARROWEST), colour=colour)
    _head(answer, page)
    _troubles(answer, page)
    _job_pods(answer, page)
    _addresses(answer, page)
    _pools(answer.pools, answer.state.blocks, answer.state.at, page)
    if answer.is_running:
        _machinery(answer.state, page)
    return page.text


class _Page:
    """The lines so far."""

    def __init__(self, width: int, *, colour: bool) -> None:
        self._width = width
        self._colour = colour
        self._lines: list[str] = []

    def say(self, word: str, text: str, style: str = "") -> None:
        """Write a paragraph beside its word; the style is the word's."""
        first = f"{word:<{_MARGIN}}"
        lines = textwrap.wrap(
            _harmless(text),
            self._width,
            initial_indent=first,
            subsequent_indent=" " * _MARGIN,
            break_on_hyphens=False,
        )
        if lines and style and self._colour:
            lines[0] = f"\x1b[{style}m{first}\x1b[0m{lines[0][len(first) :]}"
        self._lines += lines or [first]

    def gap(self) -> None:
        """Write an empty line."""
        self._lines.append("")

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(f"{line.rstrip()}\n" for line in self._lines)


def _head(answer: StatusAnswer, page: _Page) -> None:
    state = answer.state
    simulated = ", simulated" if state.simulated else ""
    page.say("cluster", f"{state.cluster} at {state.server}{simulated}", _BOLD)
    if not answer.is_running:
        page.say("look", f"one look at {_time(state.at)}; this is no running bridge, nothing is watched or recorded")
        page.say("", f"runner-bridge {state.version}, policy {state.policy.file}; {state.calico.explanation}")
        return
    page.say("bridge", f"runner-bridge {state.version}, mode {state.mode}, {_role(state)}, {_lifetime(state)}")
    page.say("as of", _time(state.at))


def _role(state: BridgeState) -> str:
    if state.lease is None:
        return "without election" if state.role is Role.ALONE else str(state.role)
    if state.role is Role.LEADER:
        return f"leader by lease {state.lease.name}"
    return f"{state.role}; {state.lease.holder or 'nobody'} leads by lease {state.lease.name}"


def _lifetime(state: BridgeState) -> str:
    return f"up {_span(state.at - state.started_at)}"


def _troubles(answer: StatusAnswer, page: _Page) -> None:
    if answer.is_running:
        word = "NOT ALIVE" if not answer.is_alive else "NOT READY"
        for position, one in enumerate(answer.troubles):
            page.say("" if position else word, f"{one.name}: {one.text}.", _RED)
    else:
        for position, gap in enumerate(answer.state.gaps):
            page.say("" if position else "NOT WHOLE", f"{gap.kind}: {gap.reason}.", _RED)
    state = answer.state
    if state.policy.trouble:
        page.say(
            "POLICY", f"the changed file was refused, the one before stays in force: {state.policy.trouble}.", _RED
        )
    if state.lease is not None and state.lease.trouble:
        page.say("LEASE", f"{state.lease.trouble}.", _RED)
    if state.ledger is not None and state.ledger.witness_trouble:
        page.say("WITNESS", f"{state.ledger.witness_trouble}.", _RED)
    if state.blocks.trouble:
        page.say("BLOCKS", f"not readable, addresses are as the pods say: {state.blocks.trouble}.", _RED)
    for position, sentence in enumerate(answer.cluster):
        page.say("" if position else "CLUSTER", sentence, _RED)


def _job_pods(answer: StatusAnswer, page: _Page) -> None:
    page.gap()
    counted = ", ".join(f"{answer.verdicts.get(mark, 0)} {mark}" for mark in _ORDER if answer.verdicts.get(mark))
    parts = [f"{answer.job_pods:,}{f': {counted}' if counted else ''}"]
    if answer.unmanaged:
        parts.append(f"{answer.unmanaged:,} of other runners")
    if answer.probes:
        parts.append(_many(answer.probes, "probe"))
    if answer.evidence:
        parts.append(f"evidence: {answer.evidence}")
    if answer.is_running and not answer.state.is_whole:
        parts.append("as they were last known")
    page.say("job pods", "; ".join(parts), _BOLD)
    for one in answer.problems:
        _problem(one, page)
    if answer.more_problems:
        page.say("", f"and {answer.more_problems} more kinds of trouble; runner-bridge check shows all")


def _problem(one: Problem, page: _Page) -> None:
    others = f" and {one.pods - 1:,} more" if one.pods > 1 else ""
    page.say(f"  {one.mark}", f"{one.example}{others}", _STYLE.get(one.mark, ""))
    page.say("", f"{', '.join(one.codes)}; tier {one.tier}, got {one.got or 'no address'}")
    if one.cause:
        page.say("", one.cause)


def _addresses(answer: StatusAnswer, page: _Page) -> None:
    page.gap()
    page.say("addresses", f"routable addresses held by CI: {answer.holding.routable:,}", _BOLD)
    classes = sorted({one.pool_class for one in answer.holding.held}, key=lambda each: (each == UNDECLARED, each))
    for pool_class in sorted(classes, key=lambda each: each != "routable"):
        kinds = ((kind, answer.holding.addresses(kind=kind, pool_class=pool_class)) for kind in Holder)
        said = ", ".join(_many(number, _ONE[kind], _SEVERAL.get(kind, "")) for kind, number in kinds if number)
        shown = "outside every pool of the policy" if pool_class == UNDECLARED else pool_class
        page.say("", f"{shown}: {said}")
    if _sees_job_pods_alone(answer.state):
        page.say("", "of the whole cluster only pods with a runner's label are watched: managers are not counted")


def _sees_job_pods_alone(state: BridgeState) -> bool:
    """Where the policy names namespaces by patterns, or none, pods are selected by a label that managers lack."""
    return any(one.kind is Kind.PODS and not one.namespace for one in state.watches)


def _inside(pool: PoolFill) -> Iterator[str]:
    """Say what is worth a line beside the numbers: who else is in a pool of CI, and the node that has most of it."""
    said = ", ".join(f"{number:,} {_USES[use]}" for use, number in (pool.uses or {}).items() if number and use in _USES)
    if said:
        yield said
    if pool.fullest:
        most = pool.fullest[0]
        blocks = f"{_many(pool.blocks or 0, 'block')} on {_many(pool.nodes or 0, 'node')}"
        used = _many(most.addresses, "address", "addresses")
        yield f"{blocks}, most on {most.node}: {most.blocks:,} with {used}"


def _pools(pools: tuple[PoolFill, ...], blocks: BlockReads, at: datetime, page: _Page) -> None:
    if not pools:
        return
    names, ranges, classes = (max(len(text) for text in column) for column in _columns(pools))
    for position, one in enumerate(pools):
        head = f"{one.name:<{names}} {one.cidr:<{ranges}} {one.pool_class:<{classes}} "
        page.say("" if position else "pools", f"{head} {_fill(one)}", "" if position else _BOLD)
        if one.trouble:
            page.say("", f"  {one.name}: {one.trouble}")
        for text in _inside(one):
            page.say("", f"  {text}")
    if blocks.counted_at is not None:
        how = "of the watched blocks" if blocks.watched else "read from all blocks"
        page.say("", f"used as {how} {_span(max(at - blocks.counted_at, at - at))} ago")
    if blocks.count_trouble:
        page.say("", f"not counted: {blocks.count_trouble}" if blocks.counted_at is None else blocks.count_trouble)


def _columns(pools: tuple[PoolFill, ...]) -> Iterator[list[str]]:
    yield [one.name for one in pools]
    yield [one.cidr for one in pools]
    yield [one.pool_class for one in pools]


def _fill(pool: PoolFill) -> str:
    size = f"{pool.size:,}" if pool.size < 10**9 else f"2^{pool.size.bit_length() - 1}"
    if pool.allocated is None:
        return f"CI holds {pool.held:,} of {size}"
    share = f" ({pool.allocated / pool.size:.0%})" if pool.size < 10**9 else ""
    return f"{pool.allocated:,} of {size} used{share}, CI {pool.held:,}"


def _machinery(state: BridgeState, page: _Page) -> None:
    page.gap()
    page.say("watches", _watches(state), _BOLD)
    file = f"{state.policy.file} ({state.policy.digest[:_SHORT_DIGEST]})"
    page.say("policy", f"{file}, in force since {_time(state.policy.loaded_at)}", _BOLD)
    if state.ledger is None:
        page.say("ledger", "nothing is recorded by this process", _BOLD)
    else:
        ledger = state.ledger
        waiting = f", {ledger.waiting:,} waiting" if ledger.waiting else ""
        head = f"; head {ledger.segment}/{ledger.head[:_SHORT_DIGEST]}" if ledger.head else ""
        page.say("ledger", f"{ledger.name}: {_many(ledger.entries, 'entry', 'entries')}{waiting}{head}", _BOLD)
    page.say("acts", _acts(state), _BOLD)
    if state.drift is not None:
        page.say("drift", _drift(state, state.drift), _RED if state.drift.found else _BOLD)


def _drift(state: BridgeState, drift: DriftState) -> str:
    if drift.looked_at is None:
        return f"not known: {drift.trouble}" if drift.trouble else "being looked for"
    parts = [f"none, {_span(state.at - drift.looked_at)} ago"]
    if drift.found:
        shown = "; ".join(drift.found[:_MOST_DRIFT])
        more = f"; and {len(drift.found) - _MOST_DRIFT:,} more" if len(drift.found) > _MOST_DRIFT else ""
        parts = [f"{_many(len(drift.found), 'thing')} not as declared: {shown}{more}"]
        parts.append("runner-bridge drift says what mends it")
    if drift.unseen:
        parts.append(f"{drift.unseen:,} could not be compared")
    if drift.trouble:
        parts.append(f"not looked again: {drift.trouble}")
    return "; ".join(parts)


def _watches(state: BridgeState) -> str:
    if not state.watches:
        return "none"
    heard = [one.heard_at for one in state.watches if one.heard_at is not None]
    last = f", last heard {_span(max(state.at - max(heard), state.at - state.at))} ago" if heard else ""
    restarts = sum(one.restarts for one in state.watches)
    again = f", {_many(restarts, 'restart')}" if restarts else ""
    stale = [_watch(one) for one in state.watches if not one.is_fresh]
    fresh = f"{len(state.watches) - len(stale)} of {len(state.watches)} fresh"
    missing = f" (not {', '.join(stale)})" if stale else ""
    return f"{fresh}{missing}{last}{again}"


def _watch(watch: WatchState) -> str:
    return f"{watch.kind} of {watch.namespace}" if watch.namespace else str(watch.kind)


def _acts(state: BridgeState) -> str:
    acts = state.acts
    if state.mode == "observe":
        return "none: mode observe writes nothing to the cluster"
    numbers = (
        (acts.done, "done"),
        (acts.already_so, "already so"),
        (acts.skipped, "skipped"),
        (acts.failed, "failed"),
        (acts.waiting, "waiting"),
    )
    told = ", ".join(f"{number:,} {word}" for number, word in numbers if number or word == "done")
    return f"{told}; quarantine held back by {', '.join(acts.held_back)}" if acts.held_back else told


def _many(number: int, one: str, several: str = "") -> str:
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _span(span: timedelta) -> str:
    """
    Return how long, in the two largest units.

    >>> from datetime import timedelta
    >>> [_span(timedelta(seconds=one)) for one in (0.4, 59, 61, 7200, 90061)]
    ['0 s', '59 s', '1 min 1 s', '2 h 0 min', '1 d 1 h']
    """
    seconds = int(span.total_seconds())
    for size, unit, smaller_size, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // smaller_size} {smaller}"
    return f"{seconds} s"


def _harmless(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in well_formed(redact(text)))
