"""What is due for a pod: labels in our own domain and Events, convergent, and nothing where nothing may be done."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from runner_bridge.core.actions import (
    LABELS,
    LONGEST_NOTE,
    Action,
    EmitEvent,
    LabelPod,
    Mode,
    event_of,
    plan,
    wanted,
)
from runner_bridge.core.marks import LONGEST_LABEL
from runner_bridge.core.model.cluster import Labels, Pod
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Code, Finding, Outcome
from runner_bridge.core.model.verdict import Assigned, Verdict
from tests import make

POD = make.job_pod()
RIGHT = Labels(tier="infra", pool="infraestrutura", verdict="pass")


def verdict(*found: Code, **changes: object) -> Verdict:
    findings = tuple(Finding(code=one, subject="gitlab-runners/a", observed="seen", cause="Because.") for one in found)
    outcome = findings[0].code.outcome if findings else Outcome.PASS
    return structs.replace(make.verdict(outcome or Outcome.PASS), uid=POD.uid, findings=findings, **changes)


BREACH = verdict(codes.ADDRESS_ROUTABLE, codes.ANNOTATION_OVERWRITTEN, codes.NAMESPACE_UNDECLARED)


def performed(pod: Pod, told: set[str], actions: tuple[Action, ...]) -> tuple[Pod, set[str]]:
    """The world after a plan, as the API server would have it."""
    labels = {field: getattr(pod.labels, field) for field in LABELS}
    names = {key: field for field, key in LABELS.items()}
    for action in actions:
        match action:
            case LabelPod(changes=changes):
                labels |= {names[key]: value or "" for key, value in changes}
            case EmitEvent(name=name):
                told = told | {name}
    return structs.replace(pod, labels=Labels(**labels)), told


def test_a_pod_without_labels_gets_all_of_them_in_one_patch() -> None:
    (action,) = plan(verdict(), POD, (), Mode.LABEL)
    assert isinstance(action, LabelPod)
    assert dict(action.changes) == {
        "runner-bridge.dev/tier": "infra",
        "runner-bridge.dev/pool": "infraestrutura",
        "runner-bridge.dev/verdict": "pass",
    }


def test_only_what_differs_is_changed_and_what_is_not_wanted_is_taken_away() -> None:
    stands = structs.replace(POD, labels=Labels(tier="infra", pool="workload", verdict="pass"))
    (action,) = plan(verdict(codes.ADDRESS_PENDING, pending=True, assigned=()), stands, (), Mode.LABEL)
    assert isinstance(action, LabelPod)
    assert dict(action.changes) == dict.fromkeys(LABELS.values())
    (action,) = plan(verdict(), stands, (), Mode.LABEL)
    assert isinstance(action, LabelPod)
    assert action.changes == (("runner-bridge.dev/pool", "infraestrutura"),)


@pytest.mark.parametrize(
    ("pod", "mode"),
    [
        pytest.param(POD, Mode.OBSERVE, id="observing"),
        pytest.param(structs.replace(POD, phase="Succeeded"), Mode.LABEL, id="finished"),
        pytest.param(structs.replace(POD, deleting=True), Mode.LABEL, id="leaving"),
        pytest.param(structs.replace(POD, annotated=()), Mode.LABEL, id="its address was given back"),
        pytest.param(structs.replace(POD, uid="another"), Mode.LABEL, id="another pod of the name"),
        pytest.param(
            structs.replace(POD, labels=Labels(tier="infra", pool="infraestrutura", verdict="breach")),
            Mode.LABEL,
            id="labelled and told",
        ),
    ],
)
def test_nothing_is_due(pod: Pod, mode: Mode) -> None:
    told = [event_of(BREACH, one).name for one in BREACH.findings]
    assert plan(BREACH, pod, told, mode) == ()


@pytest.mark.parametrize("claim", [{"host_network": True}, {"phase": "Pending"}])
def test_a_pod_cannot_hide_by_claiming_that_its_address_was_given_back(claim: dict[str, object]) -> None:
    assert plan(BREACH, structs.replace(POD, annotated=(), **claim), (), Mode.LABEL)


def test_each_kind_of_breach_is_told_once_and_a_note_never() -> None:
    twice = structs.replace(BREACH, findings=BREACH.findings + BREACH.findings)
    actions = plan(twice, structs.replace(POD, labels=wanted(BREACH)), (), Mode.LABEL)
    assert [one.reason for one in actions if isinstance(one, EmitEvent)] == ["AddressRoutable", "AnnotationOverwritten"]


def test_an_event_is_known_again_by_pod_and_breach() -> None:
    first, second = (event_of(BREACH, one) for one in BREACH.findings[:2])
    assert first.name != second.name
    assert event_of(structs.replace(BREACH, uid="another"), BREACH.findings[0]).name != first.name
    assert event_of(structs.replace(BREACH, tier="other"), BREACH.findings[0]).name == first.name


def test_a_note_fits_into_an_event_whatever_was_seen() -> None:
    finding = Finding(code=codes.ADDRESS_ROUTABLE, subject="a", observed="ü" * 2000)
    event = event_of(structs.replace(BREACH, pod="a" * 253), finding)
    assert len(event.note.encode()) <= LONGEST_NOTE
    assert event.note.endswith("…")
    assert len(event.name) <= 253


def test_pools_of_both_families_stand_in_one_label() -> None:
    two = (
        Assigned(address=ip_address("172.16.0.1"), pool="infra"),
        Assigned(address=ip_address("fd00::1"), pool="infra-v6"),
    )
    assert wanted(verdict(assigned=two)).pool == "infra_infra-v6"
    assert wanted(verdict(assigned=two * 2)).pool == "infra_infra-v6"
    assert wanted(verdict(assigned=(Assigned(address=ip_address("172.16.0.1")),))).pool == ""


def test_a_label_is_never_longer_than_kubernetes_takes() -> None:
    many = tuple(Assigned(address=ip_address("172.16.0.1"), pool=f"pool-{number}" * 4) for number in range(5))
    assert len(wanted(verdict(assigned=many)).pool) <= LONGEST_LABEL


texts = st.sampled_from(["", "infra", "default", "pass", "breach", "unknown"])


@given(
    verdict=st.sampled_from([verdict(), BREACH, verdict(codes.ADDRESS_PENDING, pending=True, assigned=())]),
    labels=st.builds(Labels, tier=texts, pool=texts, verdict=texts),
    told=st.sets(st.sampled_from([event_of(BREACH, one).name for one in BREACH.findings])),
)
def test_convergent_after_a_plan_nothing_is_due(verdict: Verdict, labels: Labels, told: set[str]) -> None:
    pod = structs.replace(POD, labels=labels)
    actions = plan(verdict, pod, told, Mode.LABEL)
    assert plan(verdict, *performed(pod, told, actions), Mode.LABEL) == ()
