"""What Prometheus reads: names as they are promised, numbers as they were told, no label that a job can choose."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from runner_bridge.ask.answers.status import fills
from runner_bridge.ask.metrics import SPECS, Metrics, Type, words_of
from runner_bridge.core.holding import Held, Holder, Holding
from runner_bridge.core.model import Finding, Outcome
from runner_bridge.core.model.cluster import Kind
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.state import Acts, BlockReads, DriftState, Role, WatchState
from runner_bridge.core.model.verdict import Assigned
from runner_bridge.core.occupancy import NodeFill, Occupancy, PoolUse, Use
from tests import make

if TYPE_CHECKING:
    from runner_bridge.core.model.state import BridgeState

POLICY = make.policy()
HOLDING = Holding(held=(Held(kind=Holder.MANAGERS, pool="workload", pool_class="routable", addresses=3),))
PENDING = make.verdict(Outcome.UNKNOWN, pending=True, assigned=())
FOUND = (Finding(code=codes.ANNOTATION_MISSING, subject="x"),)
BREACH = make.verdict(Outcome.BREACH, findings=FOUND)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("0.1.0", POLICY)


def text_of(metrics: Metrics, state: BridgeState | None = None, accept: str = "") -> str:
    words = words_of([make.verdict(), PENDING])
    body, _ = metrics.render(accept, state or make.state(), HOLDING, fills(POLICY, HOLDING), words)
    return body.decode()


def samples(metrics: Metrics, state: BridgeState | None = None) -> dict[str, float]:
    found = {}
    for family in text_string_to_metric_families(text_of(metrics, state)):
        for one in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(one.labels.items()))
            found[f"{one.name}{{{labels}}}" if labels else one.name] = one.value
    return found


def test_a_job_pod_counts_once_and_again_when_its_verdict_turns(metrics: Metrics) -> None:
    for now, before in ((PENDING, None), (PENDING, PENDING), (make.verdict(), PENDING), (BREACH, make.verdict())):
        metrics.judged(now, before)
    metrics.judged(BREACH, BREACH)
    seen = samples(metrics)
    assert seen["runner_bridge_jobs_observed_total{pool=,tier=infra,verdict=pending}"] == 1
    assert seen["runner_bridge_jobs_observed_total{pool=infraestrutura,tier=infra,verdict=pass}"] == 1
    assert seen["runner_bridge_jobs_observed_total{pool=infraestrutura,tier=infra,verdict=breach}"] == 1


def test_a_finding_counts_once_per_pod(metrics: Metrics) -> None:
    metrics.judged(BREACH, None)
    metrics.judged(BREACH, BREACH)
    assert samples(metrics)["runner_bridge_findings_total{code=annotation-missing,tier=infra}"] == 1


def test_names_that_the_policy_does_not_declare_become_no_labels(metrics: Metrics) -> None:
    pods = [replace(one, pool=f"pool-{number}") for number, one in enumerate(make.verdict().assigned * 50)]
    for number, one in enumerate(pods):
        metrics.judged(make.verdict(tier=f"tier-{number}", assigned=(one,)), None)
        metrics.requested("", 404)
    metrics.judged(make.verdict(tier=""), None)
    seen = samples(metrics)
    assert seen["runner_bridge_jobs_observed_total{pool=undeclared,tier=undeclared,verdict=pass}"] == 50
    assert seen["runner_bridge_jobs_observed_total{pool=infraestrutura,tier=unknown,verdict=pass}"] == 1
    assert seen["runner_bridge_http_requests_total{code=404,route=other}"] == 50
    assert "tier-7" not in text_of(metrics)


def test_another_policy_names_other_tiers(metrics: Metrics) -> None:
    metrics.declare(make.policy(make.tier("gold", make.pool("gilt"))))
    assigned = (Assigned(address=make.verdict().assigned[0].address, pool="gilt"),)
    metrics.judged(make.verdict(tier="gold", assigned=assigned), None)
    assert samples(metrics)["runner_bridge_jobs_observed_total{pool=gilt,tier=gold,verdict=pass}"] == 1


def test_what_happens_is_counted_as_it_is_told(metrics: Metrics) -> None:
    metrics.took(0.003)
    metrics.round(0.2, failed=False)
    metrics.round(0.2, failed=True)
    metrics.acted("label-pod", "done")
    seen = samples(metrics)
    assert seen["runner_bridge_verify_latency_seconds_count"] == 1
    assert seen["runner_bridge_verify_latency_seconds_bucket{le=0.005}"] == 1
    assert seen["runner_bridge_verify_latency_seconds_bucket{le=0.0025}"] == 0
    assert seen["controller_runtime_reconcile_total{controller=judge,result=success}"] == 1
    assert seen["controller_runtime_reconcile_errors_total{controller=judge}"] == 1
    assert seen["runner_bridge_acts_total{kind=label-pod,outcome=done}"] == 1


WATCH = WatchState(kind=Kind.PODS, namespace="a", is_fresh=True, heard_at=make.NOW, restarts=2, bad_lines=1)


@pytest.mark.parametrize(
    ("changes", "sample", "value"),
    [
        ({}, "runner_bridge_routable_addresses_held{kind=managers}", 3),
        ({}, "runner_bridge_routable_addresses_held{kind=jobs}", 0),
        ({}, "runner_bridge_pool_addresses{ippool=workload,state=size}", 65536),
        ({}, "runner_bridge_pool_addresses{ippool=workload,state=held}", 3),
        ({}, "runner_bridge_job_pods{verdict=pass}", 1),
        ({}, "runner_bridge_job_pods{verdict=pending}", 1),
        ({}, "runner_bridge_build_info{version=0.1.0}", 1),
        ({}, "runner_bridge_ready", 1),
        ({"ledger": None}, "runner_bridge_ready", 0),
        ({"ledger": None}, "runner_bridge_ledger_writable", 0),
        ({"ledger": None}, "runner_bridge_ledger_entries_total", 0),
        ({}, "runner_bridge_ledger_entries_total", 12),
        ({}, "runner_bridge_leader", 1),
        ({"role": Role.STANDBY}, "runner_bridge_leader", 0),
        ({"acts": Acts(waiting=4)}, "workqueue_depth{name=act}", 4),
        ({}, "runner_bridge_policy_reload_success", 1),
        ({"policy": replace(make.state().policy, trouble="x", refused=3)}, "runner_bridge_policy_reload_success", 0),
        (
            {"policy": replace(make.state().policy, trouble="x", refused=3)},
            "runner_bridge_policy_reloads_total{result=refused}",
            3,
        ),
        ({"watches": (WATCH, replace(WATCH, namespace="b"))}, "runner_bridge_watch_restarts_total{kind=pods}", 4),
        ({"watches": (WATCH, replace(WATCH, is_fresh=False))}, "runner_bridge_watch_fresh{kind=pods}", 0),
        (
            {"watches": (WATCH, replace(WATCH, heard_at=make.NOW - timedelta(hours=1)))},
            "runner_bridge_watch_last_event_timestamp_seconds{kind=pods}",
            (make.NOW - timedelta(hours=1)).timestamp(),
        ),
        (
            {"acts": Acts(held_back=("brake infra", "quarantines"))},
            "runner_bridge_quarantine_held_back{by=brake,tier=infra}",
            1,
        ),
        (
            {"acts": Acts(held_back=("brake infra", "quarantines"))},
            "runner_bridge_quarantine_held_back{by=quarantines,tier=}",
            1,
        ),
        (
            {"blocks": BlockReads(counted_at=make.NOW)},
            "runner_bridge_blocks_counted_timestamp_seconds",
            make.NOW.timestamp(),
        ),
        (
            {"watches": (replace(WATCH, heard_at=None),)},
            "runner_bridge_watch_last_event_timestamp_seconds{kind=pods}",
            0,
        ),
    ],
)
def test_the_state_is_told_as_it_is_now(metrics: Metrics, changes: dict[str, Any], sample: str, value: float) -> None:
    assert samples(metrics, make.state(**changes))[sample] == value


def test_how_much_is_allocated_is_told_where_the_blocks_were_read(metrics: Metrics) -> None:
    use = PoolUse(
        pool="workload", blocks=3, used=7, cooling=2, fullest=(NodeFill("n", 2, 5),), uses={Use.LEAKED: 4, Use.CI: 3}
    )
    known = fills(POLICY, HOLDING, occupancy=Occupancy(at=make.NOW, pools=(use,)))
    body = metrics.render("", make.state(), HOLDING, known, {})[0].decode()
    for state, number in (("allocated", 9), ("cooling", 2), ("leaked", 4), ("ci", 3)):
        assert f'runner_bridge_pool_addresses{{ippool="workload",state="{state}"}} {number}.0' in body
    assert 'runner_bridge_pool_blocks{ippool="workload"} 3.0' in body
    assert 'runner_bridge_pool_node_blocks_max{ippool="workload"} 2.0' in body


def test_how_pods_wait_to_be_acted_on_is_told_by_the_names_of_controllers(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.queued()
    metrics.retried()
    metrics.waited(0.3)
    seen = samples(metrics)
    assert seen["workqueue_adds_total{name=act}"] == 3
    assert seen["workqueue_retries_total{name=act}"] == 1
    assert seen["workqueue_queue_duration_seconds_bucket{le=0.5,name=act}"] == 1
    assert seen["workqueue_queue_duration_seconds_bucket{le=0.25,name=act}"] == 0


def test_before_anybody_asked_only_the_release_is_known(metrics: Metrics) -> None:
    assert {one.name for one in metrics.registry.collect()} >= {"runner_bridge_build_info"}


def test_a_scraper_gets_the_form_that_it_accepts(metrics: Metrics) -> None:
    assert text_of(metrics, accept="application/openmetrics-text; version=1.0.0").endswith("# EOF\n")


def everything(metrics: Metrics) -> str:
    metrics.judged(BREACH, None)
    metrics.acted("label-pod", "done")
    metrics.round(0.1, failed=True)
    metrics.requested("/healthz", 200)
    metrics.hooked("accepted")
    use = PoolUse(pool="workload", blocks=3, used=7, fullest=(NodeFill("n", 2, 5),), uses={Use.LEAKED: 4})
    known = fills(POLICY, HOLDING, occupancy=Occupancy(at=make.NOW, pools=(use,)))
    state = make.state(acts=Acts(held_back=("brake infra",)), drift=DriftState(by_tier=(("infra", 0),)))
    body, _ = metrics.render("", state, HOLDING, known, words_of([make.verdict()]))
    return body.decode()


def test_everything_in_the_table_is_exposed_with_its_type_and_labels_and_nothing_else(metrics: Metrics) -> None:
    exposed = {}
    for family in text_string_to_metric_families(everything(metrics)):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for one in family.samples for label in one.labels if label != "le"}
        exposed[name] = (family.type, labels, family.documentation)
    ours = {name: one for name, one in exposed.items() if not name.startswith("process_")}
    assert ours == {name: (str(one.type), set(one.labels), one.help) for name, one in SPECS.items()}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_a_metric_is_named_as_prometheus_names(spec: Any) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", spec.name)
    assert spec.name.endswith("_total") is (spec.type is Type.COUNTER)
    assert not spec.help.endswith(".")


def test_promtool_finds_nothing_to_mend(metrics: Metrics) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        why = "promtool is not installed, so nothing checks the metrics: make promtool"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=everything(metrics), capture_output=True, text=True, check=False
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line]
    assert (done.returncode, said) == (0, [])


def test_drift_is_told_by_tier_where_it_is_looked_for(metrics: Metrics) -> None:
    drift = DriftState(looked_at=make.NOON, by_tier=(("infra", 2), ("default", 0)), unseen=1)
    seen = samples(metrics, make.state(drift=drift))
    assert seen["runner_bridge_config_drift{tier=infra}"] == 2
    assert seen["runner_bridge_config_drift{tier=default}"] == 0
    assert seen["runner_bridge_config_drift_unseen"] == 1
    assert seen["runner_bridge_config_drift_looked_timestamp_seconds"] == make.NOON.timestamp()
    assert not [name for name in samples(metrics) if "config_drift" in name]
    assert samples(metrics, make.state(drift=DriftState()))["runner_bridge_config_drift_looked_timestamp_seconds"] == 0
