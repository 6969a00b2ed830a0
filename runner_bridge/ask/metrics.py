"""
What `run` measures of itself, for Prometheus: names, types, labels and their meaning, in one table.

Counters of what happened are told as it happens, by methods that `cli` hands to the rooms that know. Everything else is
taken from the bridge's state when it is asked for. No label holds what a job or a pod can choose: tiers and pools that
the policy does not declare are counted as `undeclared`. docs/reference/metrics.md is made from the table.
"""

from __future__ import annotations

from collections import Counter as Tally
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

import prometheus_client as prometheus
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector, CollectorRegistry

from runner_bridge.ask.answers.health import ready
from runner_bridge.core.holding import UNDECLARED, Holder, Holding
from runner_bridge.core.model.state import Role
from runner_bridge.core.policy.model import PoolClass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from prometheus_client.core import Metric as Family

    from runner_bridge.ask.answers.status import PoolFill
    from runner_bridge.core.model.state import BridgeState, WatchState
    from runner_bridge.core.model.verdict import Verdict
    from runner_bridge.core.policy.model import Policy

LATENCIES_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
VERDICTS: Final = ("pass", "breach", "unknown", "pending")
UNKNOWN_TIER: Final = "unknown"


class Type(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Spec:
    """One metric."""

    name: str
    """Whole, a counter's with `_total`."""
    type: Type
    labels: tuple[str, ...]
    help: str
    """One sentence without full stop; the unit is in the name."""


def _table(*specs: Spec) -> Mapping[str, Spec]:
    return {one.name: one for one in specs}


_RB: Final = "runner_bridge_"
SPECS: Final = _table(
    Spec(
        f"{_RB}jobs_observed_total",
        Type.COUNTER,
        ("tier", "pool", "verdict"),
        "Job pods by what was said of them: once when first judged, and again when their verdict turned",
    ),
    Spec(
        f"{_RB}findings_total",
        Type.COUNTER,
        ("tier", "code"),
        "Findings in verdicts: each once per job pod, when it is first said of it",
    ),
    Spec(
        f"{_RB}verify_latency_seconds",
        Type.HISTOGRAM,
        (),
        "Time from a change being read off the watch to the verdict being recorded and said",
    ),
    Spec(f"{_RB}job_pods", Type.GAUGE, ("verdict",), "Job pods of declared runners that are there now, by verdict"),
    Spec(
        f"{_RB}routable_addresses_held",
        Type.GAUGE,
        ("kind",),
        "Addresses of routable pools that pods of CI hold now, by what holds them",
    ),
    Spec(
        f"{_RB}pool_addresses",
        Type.GAUGE,
        ("ippool", "state"),
        "Addresses of a pool: size, held by CI as its pods say, and by Calico's blocks allocated to anybody and "
        "cooling down; of a pool of CI, where every address is audited, what holds them: ci, nodes, others, leaked, "
        "unclear",
    ),
    Spec(f"{_RB}pool_blocks", Type.GAUGE, ("ippool",), "Blocks that are cut from a pool"),
    Spec(
        f"{_RB}pool_node_blocks_max",
        Type.GAUGE,
        ("ippool",),
        "Blocks of a pool that the node with the most of them has; Calico gives a node 20 unless it is told otherwise",
    ),
    Spec(
        f"{_RB}blocks_counted_timestamp_seconds", Type.GAUGE, (), "When all blocks were last counted; 0: they were not"
    ),
    Spec(
        f"{_RB}quarantine_held_back",
        Type.GAUGE,
        ("by", "tier"),
        "1 where a limit has held pods back from quarantine within the last hour: the brake of a tier, or the number "
        "of quarantines",
    ),
    Spec(f"{_RB}acts_total", Type.COUNTER, ("kind", "outcome"), "Actions on the cluster, by kind and outcome"),
    Spec(f"{_RB}acts_waiting", Type.GAUGE, (), "Pods that an action is due for"),
    Spec(
        f"{_RB}watch_restarts_total",
        Type.COUNTER,
        ("kind",),
        "How often objects had to be listed anew after trouble with their watch",
    ),
    Spec(f"{_RB}watch_bad_lines_total", Type.COUNTER, ("kind",), "Lines and items that could not be read"),
    Spec(
        f"{_RB}watch_last_event_timestamp_seconds",
        Type.GAUGE,
        ("kind",),
        "When the API server last sent something; of several watches of a kind, the one that was silent longest",
    ),
    Spec(f"{_RB}watch_fresh", Type.GAUGE, ("kind",), "1 where every watch of the kind can be relied on"),
    Spec(f"{_RB}block_reads_total", Type.COUNTER, ("result",), "Reads of Calico's blocks, by result: done, failed"),
    Spec(f"{_RB}ledger_entries_total", Type.COUNTER, (), "Entries that became durable"),
    Spec(f"{_RB}ledger_writable", Type.GAUGE, (), "1 where the last entries are durable; 0: acting has stopped"),
    Spec(f"{_RB}ledger_waiting", Type.GAUGE, (), "Calls that wait for the disk"),
    Spec(
        f"{_RB}policy_reload_success", Type.GAUGE, (), "1 where the policy file, as it is now, is the policy in force"
    ),
    Spec(f"{_RB}policy_loaded_timestamp_seconds", Type.GAUGE, (), "When the policy in force was accepted"),
    Spec(f"{_RB}policy_reloads_total", Type.COUNTER, ("result",), "Changes of the policy file: accepted, refused"),
    Spec(
        f"{_RB}config_drift",
        Type.GAUGE,
        ("tier",),
        "Things that are not as the policy declares, by tier; only where drift is looked for, and was",
    ),
    Spec(
        f"{_RB}config_drift_unseen", Type.GAUGE, (), "Things that could not be compared when drift was last looked for"
    ),
    Spec(
        f"{_RB}config_drift_looked_timestamp_seconds", Type.GAUGE, (), "When everything was last compared; 0: not yet"
    ),
    Spec(f"{_RB}leader", Type.GAUGE, (), "1 where this process may record and act"),
    Spec(f"{_RB}ready", Type.GAUGE, (), "1 where the bridge can be relied on, as /readyz says"),
    Spec(f"{_RB}build_info", Type.GAUGE, ("version",), "Always 1; which release this is"),
    Spec(
        "controller_runtime_reconcile_total",
        Type.COUNTER,
        ("controller", "result"),
        "Rounds of judging, by result: success, error",
    ),
    Spec("controller_runtime_reconcile_errors_total", Type.COUNTER, ("controller",), "Rounds that ended in an error"),
    Spec("controller_runtime_reconcile_time_seconds", Type.HISTOGRAM, ("controller",), "How long a round took"),
    Spec("workqueue_depth", Type.GAUGE, ("name",), "Pods that wait for their turn; as acts_waiting, for dashboards"),
    Spec("workqueue_adds_total", Type.COUNTER, ("name",), "Pods that began to wait for their turn to be acted on"),
    Spec(
        "workqueue_retries_total",
        Type.COUNTER,
        ("name",),
        "Pods that were queued once more because the cluster could not be written to",
    ),
    Spec("workqueue_queue_duration_seconds", Type.HISTOGRAM, ("name",), "How long a pod waited for its turn"),
    Spec(
        f"{_RB}http_requests_total",
        Type.COUNTER,
        ("route", "code"),
        "Requests to the bridge's own HTTP server; one of no route counts as other",
    ),
    Spec(
        f"{_RB}hooks_total",
        Type.COUNTER,
        ("result",),
        "Webhooks of GitLab by what became of them: accepted, duplicate, uninteresting, unreadable, too-large, dropped "
        "(no room), refused (not authentic)",
    ),
)
"""By name, in the order of the reference."""

CONTROLLER: Final = "judge"
"""The label `controller` of what controllers usually measure."""
QUEUE: Final = "act"


class Metrics:
    """
    See the module. Its methods are called from the event loop.

    Args of the constructor:
        version: of this release.
        policy: its tiers and pools are the ones that are named.
    """

    def __init__(self, version: str, policy: Policy) -> None:
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series for something that nobody asks
        self.registry = CollectorRegistry(auto_describe=False)
        self._now = _Now(version)
        self.declare(policy)
        self._jobs = self._counter(f"{_RB}jobs_observed_total")
        self._findings = self._counter(f"{_RB}findings_total")
        self._latency = self._histogram(f"{_RB}verify_latency_seconds")
        self._acts = self._counter(f"{_RB}acts_total")
        self._rounds = self._counter("controller_runtime_reconcile_total")
        self._errors = self._counter("controller_runtime_reconcile_errors_total")
        self._round_time = self._histogram("controller_runtime_reconcile_time_seconds")
        self._adds = self._counter("workqueue_adds_total").labels(QUEUE)
        self._retries = self._counter("workqueue_retries_total").labels(QUEUE)
        self._waits = self._histogram("workqueue_queue_duration_seconds").labels(QUEUE)
        self._requests = self._counter(f"{_RB}http_requests_total")
        self._hooks = self._counter(f"{_RB}hooks_total")
        self._errors.labels(CONTROLLER)
        for result in ("success", "error"):
            self._rounds.labels(CONTROLLER, result)
        self.registry.register(self._now)
        prometheus.ProcessCollector(registry=self.registry)

    def declare(self, policy: Policy) -> None:
        """Take another policy's tiers and pools for the ones that are named."""
        self._tiers = frozenset(map(str, policy.tiers))
        self._pools = frozenset(map(str, policy.pools))

    def judged(self, verdict: Verdict, before: Verdict | None) -> None:
        """
        Count what is said of a job pod.

        Args:
            verdict: what is said now.
            before: what was said of this very pod until now; None for nothing.
        """
        word = word_of(verdict)
        tier = self._tier(verdict.tier)
        if before is None or word_of(before) != word:
            self._jobs.labels(tier, self._pool(verdict), word).inc()
        said = {one.code.name for one in before.findings} if before else set()
        for code in {one.code.name for one in verdict.findings} - said:
            self._findings.labels(tier, code).inc()

    def took(self, seconds: float) -> None:
        """Note how long after its change a verdict was recorded and said."""
        self._latency.observe(seconds)

    def round(self, seconds: float, *, failed: bool) -> None:
        """Note a round of judging."""
        self._round_time.labels(CONTROLLER).observe(seconds)
        self._rounds.labels(CONTROLLER, "error" if failed else "success").inc()
        if failed:
            self._errors.labels(CONTROLLER).inc()

    def acted(self, kind: str, outcome: str) -> None:
        """
        Count an action.

        Args:
            kind: the ledger's word for it, for example `label-pod`.
            outcome: a `Step` that is a receipt.
        """
        self._acts.labels(kind, outcome).inc()

    def queued(self) -> None:
        """Count a pod that began to wait for its turn to be acted on."""
        self._adds.inc()

    def retried(self) -> None:
        """Count a pod that is queued once more because the cluster could not be written to."""
        self._retries.inc()

    def waited(self, seconds: float) -> None:
        """Note how long a pod has waited for its turn."""
        self._waits.observe(seconds)

    def requested(self, route: str, code: int) -> None:
        """Count a request to our own server; the route is one of ours, or empty."""
        self._requests.labels(route or "other", str(code)).inc()

    def hooked(self, result: str) -> None:
        """Count a hook; the result is a `Result` of `ask.hooks`."""
        self._hooks.labels(result).inc()

    def render(
        self, accept: str, state: BridgeState, holding: Holding, fills: Sequence[PoolFill], words: Mapping[str, int]
    ) -> tuple[bytes, str]:
        """
        Return everything in the form that a scraper accepts, and its content type.

        Args:
            accept: the header of the request.
            state: of now.
            holding: what CI holds.
            fills: how full the pools are.
            words: job pods by `word_of` their verdict.
        """
        self._now.take(state, holding, fills, words)
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _counter(self, name: str) -> prometheus.Counter:
        spec = SPECS[name]
        return prometheus.Counter(name, spec.help, spec.labels, registry=self.registry)

    def _histogram(self, name: str) -> prometheus.Histogram:
        spec = SPECS[name]
        return prometheus.Histogram(name, spec.help, spec.labels, registry=self.registry, buckets=LATENCIES_S)

    def _tier(self, tier: str) -> str:
        if not tier:
            return UNKNOWN_TIER
        return tier if tier in self._tiers else UNDECLARED

    def _pool(self, verdict: Verdict) -> str:
        """Return the pool of the first address; empty without an address."""
        if not verdict.assigned:
            return ""
        pool = verdict.assigned[0].pool
        return pool if pool in self._pools else UNDECLARED


def word_of(verdict: Verdict) -> str:
    """Return the outcome, or `pending` for a pod without an address yet."""
    return "pending" if verdict.pending else str(verdict.outcome)


def words_of(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """Count verdicts by their word."""
    found = Tally(map(word_of, verdicts))
    return {word: found[word] for word in VERDICTS}


class _Now(Collector):
    """What is taken from the state when somebody asks."""

    def __init__(self, version: str) -> None:
        self._version = version
        self._taken: tuple[BridgeState, Holding, Sequence[PoolFill], Mapping[str, int]] | None = None

    def take(self, state: BridgeState, holding: Holding, fills: Sequence[PoolFill], words: Mapping[str, int]) -> None:
        self._taken = (state, holding, fills, words)

    def collect(self) -> Iterator[Family]:
        yield _gauge("build_info", [((self._version,), 1)])
        if self._taken is None:
            return
        state, holding, fills, words = self._taken
        yield _gauge("job_pods", [((word,), number) for word, number in words.items()])
        held = [((str(kind),), holding.addresses(kind=kind, pool_class=PoolClass.ROUTABLE)) for kind in Holder]
        yield _gauge("routable_addresses_held", held)
        yield _gauge("pool_addresses", list(_fills(fills)))
        yield _gauge("pool_blocks", [((one.name,), one.blocks) for one in fills if one.blocks is not None])
        most = [((one.name,), one.fullest[0].blocks) for one in fills if one.fullest]
        yield _gauge("pool_node_blocks_max", most)
        yield _gauge("blocks_counted_timestamp_seconds", [((), _seconds(state.blocks.counted_at))])
        held_back = [(tuple(what.partition(" ")[::2]), 1) for what in state.acts.held_back]
        yield _gauge("quarantine_held_back", held_back)
        yield from _of_watches(state.watches)
        yield from _of_machinery(state)
        waiting = GaugeMetricFamily("workqueue_depth", SPECS["workqueue_depth"].help, labels=("name",))
        waiting.add_metric((QUEUE,), state.acts.waiting)
        yield waiting


def _fills(fills: Sequence[PoolFill]) -> Iterator[tuple[tuple[str, ...], float]]:
    for one in fills:
        yield (one.name, "size"), one.size
        yield (one.name, "held"), one.held
        if one.allocated is not None:
            yield (one.name, "allocated"), one.allocated
            yield (one.name, "cooling"), one.cooling or 0
        for use, number in (one.uses or {}).items():
            yield (one.name, str(use)), number


def _of_watches(watches: Sequence[WatchState]) -> Iterator[Family]:
    kinds: dict[str, list[WatchState]] = {}
    for one in watches:
        kinds.setdefault(str(one.kind), []).append(one)
    items = list(kinds.items())
    yield _counter("watch_restarts_total", [((kind,), sum(one.restarts for one in each)) for kind, each in items])
    yield _counter("watch_bad_lines_total", [((kind,), sum(one.bad_lines for one in each)) for kind, each in items])
    yield _gauge("watch_last_event_timestamp_seconds", [((kind,), min(map(_heard, each))) for kind, each in items])
    yield _gauge("watch_fresh", [((kind,), all(one.is_fresh for one in each)) for kind, each in items])


def _heard(watch: WatchState) -> float:
    """Return seconds since 1970; 0 for never."""
    return _seconds(watch.heard_at)


def _of_machinery(state: BridgeState) -> Iterator[Family]:
    ledger, policy = state.ledger, state.policy
    yield _gauge("acts_waiting", [((), state.acts.waiting)])
    yield _counter("block_reads_total", [(("done",), state.blocks.done), (("failed",), state.blocks.failed)])
    yield _counter("ledger_entries_total", [((), ledger.entries if ledger else 0)])
    yield _gauge("ledger_writable", [((), ledger is not None and ledger.is_writable)])
    yield _gauge("ledger_waiting", [((), ledger.waiting if ledger else 0)])
    yield _gauge("policy_reload_success", [((), not policy.trouble)])
    yield _gauge("policy_loaded_timestamp_seconds", [((), _seconds(policy.loaded_at))])
    yield _counter("policy_reloads_total", [(("accepted",), policy.reloads), (("refused",), policy.refused)])
    if state.drift is not None:
        yield _gauge("config_drift", [((tier,), count) for tier, count in state.drift.by_tier])
        yield _gauge("config_drift_unseen", [((), state.drift.unseen)])
        yield _gauge("config_drift_looked_timestamp_seconds", [((), _seconds(state.drift.looked_at))])
    yield _gauge("leader", [((), state.role is not Role.STANDBY)])
    yield _gauge("ready", [((), ready(state).ok)])


def _seconds(moment: datetime | None) -> float:
    return moment.timestamp() if moment else 0.0


def _gauge(name: str, samples: Sequence[tuple[tuple[str, ...], Any]]) -> Family:
    spec = SPECS[_RB + name]
    family = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family


def _counter(name: str, samples: Sequence[tuple[tuple[str, ...], Any]]) -> Family:
    spec = SPECS[_RB + name]
    family = CounterMetricFamily(spec.name, spec.help, labels=spec.labels)
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family
