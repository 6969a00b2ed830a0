from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from runner_bridge.core.holding import Holder, Holding, holding
from runner_bridge.core.model.cluster import Labels, Marks, Pod
from runner_bridge.core.model.verdict import Counts
from tests import make

POLICY = make.policy(
    make.tier("infra", runners=(make.runner(short_ids=(make.SHORT_ID,)),)),
    make.tier("default", make.WORKLOAD, pin=False, runners=(make.runner("shared", "default"),)),
)
ROUTABLE, NATED, ELSEWHERE = "10.10.0.7", "172.16.84.128", "192.0.2.1"
PROBE = Labels(probe="infra")
CANARY = make.marks(project="0", job=str(2**63 - 7))


def plain(name: str = "x", owner: str = "", **changes: Any) -> Pod:
    kind = changes.pop("owner_kind", "ReplicaSet" if owner else "")
    return make.job_pod(ROUTABLE, name=name, marks=None, owner=owner, owner_kind=kind, **changes)


KINDS = [
    pytest.param(make.job_pod(ROUTABLE), Holder.JOBS, id="a job pod"),
    pytest.param(
        make.job_pod(ROUTABLE, marks=make.marks(short_id="Xx1234567", manager="x")),
        Holder.OTHER_JOBS,
        id="a job pod of others",
    ),
    pytest.param(plain(owner="prod-gitlab-runner-7c9d6f"), Holder.MANAGERS, id="a manager of the chart"),
    pytest.param(plain(owner="infra-runner-7c9d6f"), Holder.MANAGERS, id="a manager of the operator"),
    pytest.param(make.job_pod(ROUTABLE, name="p", marks=Marks(pause=True)), Holder.PAUSE_PODS, id="a pause pod"),
    pytest.param(plain(owner="ci-image-puller", owner_kind="DaemonSet"), Holder.PRE_PULLERS, id="a pre-puller"),
    pytest.param(make.job_pod(ROUTABLE, marks=CANARY), Holder.PROBES, id="the runner's own check"),
    pytest.param(
        make.job_pod(ROUTABLE, name="runner-bridge-probe-infra-x1", marks=None, labels=Labels(probe="infra")),
        Holder.PROBES,
        id="our probe",
    ),
    pytest.param(plain(owner="minio-0"), Holder.OTHER, id="something else in a namespace of jobs"),
]


@pytest.mark.parametrize(("pod", "kind"), KINDS)
def test_a_routable_address_is_counted_for_what_holds_it(pod: Pod, kind: Holder) -> None:
    found = holding(POLICY, [pod])
    assert (found.routable, found.addresses(kind=kind, pool="workload"), found.pods) == (1, 1, {kind: 1})


@pytest.mark.parametrize(
    ("address", "pool", "pool_class"),
    [(ROUTABLE, "workload", "routable"), (NATED, "infraestrutura", "nat"), (ELSEWHERE, "", "undeclared")],
)
def test_an_address_is_counted_in_the_class_of_its_pool(address: str, pool: str, pool_class: str) -> None:
    (held,) = holding(POLICY, [make.job_pod(address)]).held
    assert (held.pool, held.pool_class, held.addresses) == (pool, pool_class, 1)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"phase": "Succeeded"}, id="finished"),
        pytest.param({"annotated": (), "deleting": True}, id="given back"),
        pytest.param({"host_network": True}, id="on the host's network"),
        pytest.param({"addresses": (), "annotated": None}, id="no address yet"),
    ],
)
def test_a_pod_that_holds_no_address_is_there_and_not_counted(changes: dict[str, Any]) -> None:
    found = holding(POLICY, [make.job_pod(ROUTABLE, **changes)])
    assert (found.addresses(), found.pods) == (0, {Holder.JOBS: 1})


@pytest.mark.parametrize("changes", [{"deleting": True}, {"annotated": ()}], ids=["leaving", "annotation emptied"])
def test_a_pod_holds_its_address_until_it_has_left(changes: dict[str, Any]) -> None:
    assert holding(POLICY, [make.job_pod(ROUTABLE, **changes)]).routable == 1


def test_an_address_counts_as_soon_as_calico_wrote_it() -> None:
    assert holding(POLICY, [make.job_pod(annotated=(ip_address(ROUTABLE),), addresses=())]).routable == 1


def test_an_address_that_two_pods_show_counts_once() -> None:
    found = holding(POLICY, [plain(owner="a-runner-1"), make.job_pod(ROUTABLE)])
    assert (found.addresses(), found.addresses(kind=Holder.JOBS)) == (1, 1)


def test_pods_in_namespaces_that_the_policy_does_not_name_are_not_of_ci() -> None:
    assert holding(POLICY, [replace(plain(owner="shop"), namespace="shop")]) == Holding()


def test_a_runner_that_is_known_by_its_own_file_is_a_declared_one() -> None:
    stranger = make.job_pod(ROUTABLE, marks=make.marks(short_id="Xx1234567", manager="x"))
    found = holding(POLICY, [stranger], short_ids=[("Xx1234567", "infra-platform")])
    assert found.pods == {Holder.JOBS: 1}


def test_pods_that_are_no_jobs_and_no_probes_are_the_others() -> None:
    pods = [pod for param in KINDS for pod in param.values if isinstance(pod, Pod)]
    found = holding(POLICY, pods)
    assert (found.others, found.pods_of(Holder.PROBES), found.pods_of(*Holder)) == (5, 2, len(KINDS))
    assert found.beside == Counts(unmanaged=1, probes=2, other=5)


PODS = st.lists(
    st.builds(
        lambda last, kind, changes: replace(
            kind, addresses=(ip_address(f"10.10.0.{last}"),), annotated=None, **changes
        ),
        st.integers(0, 9),
        st.sampled_from([param.values[0] for param in KINDS]),
        st.sampled_from([{}, {"phase": "Failed"}, {"host_network": True}, {"namespace": "elsewhere"}]),
    ),
    max_size=12,
)


@given(PODS, st.randoms())
def test_order_and_duplicates_of_pods_do_not_change_what_is_held(pods: list[Pod], random: Any) -> None:
    again = [*pods, *pods]
    random.shuffle(again)
    assert holding(POLICY, again).held == holding(POLICY, pods).held


@given(PODS)
def test_no_more_is_held_than_there_are_different_addresses(pods: list[Pod]) -> None:
    assert holding(POLICY, pods).addresses() <= len({address for pod in pods for address in pod.addresses})
