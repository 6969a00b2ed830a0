"""What is due for a pod: labels in our own domain and Events, convergent, and nothing where nothing may be done."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from runner_bridge.core.actions import (
    LABELS,
    LONGEST_NOTE,
    QUARANTINED,
    Action,
    DeletePod,
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
from runner_bridge.core.model.verdict import Assigned, Verdict, Waived
from runner_bridge.core.quarantine import NO_POWERS, UNLIMITED, Limits, Powers
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
            case DeletePod():
                pod = structs.replace(pod, deleting=True)
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
    assert dict(action.changes) == {"runner-bridge.dev/pool": None, "runner-bridge.dev/verdict": None}
    (action,) = plan(verdict(), stands, (), Mode.LABEL)
    assert isinstance(action, LabelPod)
    assert action.changes == (("runner-bridge.dev/pool", "infraestrutura"),)


@pytest.mark.parametrize(
    ("pod", "mode"),
    [
        pytest.param(POD, Mode.OBSERVE, id="observing"),
        pytest.param(structs.replace(POD, phase="Succeeded"), Mode.LABEL, id="finished"),
        pytest.param(structs.replace(POD, deleting=True), Mode.LABEL, id="leaving"),
        pytest.param(structs.replace(POD, annotated=(), deleting=True), Mode.LABEL, id="its address was given back"),
        pytest.param(structs.replace(POD, uid="another"), Mode.LABEL, id="another pod of the name"),
        pytest.param(
            structs.replace(POD, labels=Labels(tier="infra", pool="infraestrutura", verdict="breach")),
            Mode.LABEL,
            id="labelled and told",
        ),
        pytest.param(
            structs.replace(POD, labels=Labels(tier="infra", pool="infraestrutura", verdict="breach")),
            Mode.ENFORCE,
            id="in a tier that does not opt in",
        ),
    ],
)
def test_nothing_is_due(pod: Pod, mode: Mode) -> None:
    told = [event_of(BREACH, one).name for one in BREACH.findings]
    assert plan(BREACH, pod, told, mode) == ()


def test_a_waiting_pod_of_a_rendered_runner_needs_no_patch() -> None:
    made = structs.replace(POD, labels=Labels(tier="infra"))
    assert plan(verdict(codes.ADDRESS_PENDING, pending=True, assigned=()), made, (), Mode.LABEL) == ()


@pytest.mark.parametrize("claim", [{}, {"host_network": True}, {"phase": "Pending"}])
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


IN_WORKLOAD = (Assigned(address=ip_address("10.10.0.1"), pool="workload", confirmed=True),)
PROVEN = structs.replace(BREACH, assigned=IN_WORKLOAD)
LABELLED = Labels(tier="infra", pool="workload", verdict="breach")
ISOLATED = structs.replace(LABELLED, quarantine=QUARANTINED)
OPTED_IN = Powers(quarantine=frozenset({"infra"}))
MAY_DELETE = Powers(quarantine=frozenset({"infra"}), delete=frozenset({"infra"}))
FULL = Limits(may_quarantine=False, may_delete=False)


def test_quarantine_is_laid_by_the_same_patch_as_the_other_labels_and_told() -> None:
    patch, *events = plan(PROVEN, POD, (), Mode.ENFORCE, OPTED_IN)
    assert isinstance(patch, LabelPod)
    assert patch.quarantines
    assert dict(patch.changes)["runner-bridge.dev/quarantine"] == "true"
    assert len(patch.changes) == 4
    assert patch.because == ("address-routable", "annotation-overwritten")
    assert [one.reason for one in events if isinstance(one, EmitEvent)] == [
        "AddressRoutable",
        "AnnotationOverwritten",
        "Quarantined",
    ]


def test_where_there_is_no_room_the_pod_is_labelled_and_told_as_a_breach() -> None:
    patch, *events = plan(PROVEN, POD, (), Mode.ENFORCE, OPTED_IN, FULL)
    assert isinstance(patch, LabelPod)
    assert not patch.quarantines
    assert patch.because == ()
    assert "Quarantined" not in [one.reason for one in events if isinstance(one, EmitEvent)]


def test_a_quarantine_that_stands_needs_no_room() -> None:
    told = {one.name for one in plan(PROVEN, POD, (), Mode.ENFORCE, OPTED_IN) if isinstance(one, EmitEvent)}
    assert plan(PROVEN, structs.replace(POD, labels=ISOLATED), told, Mode.ENFORCE, OPTED_IN, FULL) == ()


def test_a_breach_that_is_over_ends_the_quarantine_in_one_patch() -> None:
    (patch,) = plan(verdict(), structs.replace(POD, labels=ISOLATED), (), Mode.ENFORCE, OPTED_IN, FULL)
    assert isinstance(patch, LabelPod)
    assert patch.releases
    assert patch.labels == RIGHT


def test_a_pod_is_deleted_only_when_its_quarantine_stands_and_it_is_told_before() -> None:
    first = plan(PROVEN, POD, (), Mode.ENFORCE, MAY_DELETE)
    assert not any(isinstance(one, DeletePod) for one in first)
    pod, told = performed(POD, set(), first)
    event, deletion = plan(PROVEN, pod, told, Mode.ENFORCE, MAY_DELETE)
    assert isinstance(event, EmitEvent)
    assert event.reason == "Deleting"
    assert deletion == DeletePod(
        namespace=POD.namespace, pod=POD.name, uid=POD.uid, because=("address-routable", "annotation-overwritten")
    )
    assert plan(PROVEN, pod, told, Mode.ENFORCE, MAY_DELETE, FULL) == ()


@pytest.mark.parametrize(
    ("verdict", "related"),
    [
        pytest.param(PROVEN, ("IPPool", "workload"), id="pool"),
        pytest.param(verdict(codes.HOST_NETWORK, assigned=()), ("Node", "node-1"), id="node"),
        pytest.param(verdict(codes.HOST_NETWORK, assigned=(), node=""), None, id="no-node"),
        pytest.param(BREACH, None, id="inside"),
    ],
)
def test_an_event_names_what_the_pod_should_not_have(verdict: Verdict, related: tuple[str, str] | None) -> None:
    found = event_of(verdict, verdict.findings[0]).related
    assert ((found.kind, found.name) if found else None) == related


texts = st.sampled_from(["", "infra", "default", "pass", "breach", "unknown"])
all_codes = st.sampled_from([one for one in vars(codes).values() if isinstance(one, Code)])
findings = st.lists(all_codes, max_size=3).map(
    lambda found: tuple(Finding(code=one, subject="gitlab-runners/a") for one in found)
)
pods = st.builds(
    lambda labels, **facts: structs.replace(POD, labels=labels, **facts),
    st.builds(Labels, tier=texts, pool=texts, verdict=texts, quarantine=st.sampled_from(["", QUARANTINED, "no"])),
    host_network=st.booleans(),
    phase=st.sampled_from(["Pending", "Running", "Succeeded"]),
    deleting=st.booleans(),
)


def judged(
    found: tuple[Finding, ...], waived: tuple[Finding, ...], address: tuple[Assigned, ...], tier: str
) -> Verdict:
    """A verdict as the judge makes it: the outcome is the worst of what is not waived."""
    outcomes = {one.code.outcome for one in found}
    worst = next((one for one in (Outcome.BREACH, Outcome.UNKNOWN) if one in outcomes), Outcome.PASS)
    accepted = tuple(Waived(finding=one, until=date(2027, 1, 1), reason="approved") for one in waived)
    made = make.verdict(worst, findings=found, waived=accepted, assigned=address, tier=tier, uid=POD.uid)
    return structs.replace(made, pending=worst is Outcome.UNKNOWN and all(one.code.pending for one in found))


verdicts = st.builds(
    judged,
    findings,
    findings,
    st.sampled_from([(), IN_WORKLOAD, (Assigned(address=ip_address("10.10.0.1"), pool="workload"),)]),
    st.sampled_from(["infra", "default", ""]),
)
powers = st.sampled_from([NO_POWERS, OPTED_IN, MAY_DELETE])
limits = st.sampled_from([UNLIMITED, FULL])


@given(verdicts, pods, st.sampled_from(Mode), powers, limits)
def test_convergent_after_a_plan_nothing_is_due(
    verdict: Verdict, pod: Pod, mode: Mode, powers: Powers, limits: Limits
) -> None:
    after, told = pod, set[str]()
    for _ in range(2 if powers.delete else 1):  # a deletion follows when the quarantine stands
        after, told = performed(after, told, plan(verdict, after, told, mode, powers, limits))
    assert plan(verdict, after, told, mode, powers, limits) == ()


@given(verdicts, pods, st.sampled_from(Mode), powers, limits)
def test_nothing_but_labels_of_our_own_domain_is_touched(
    verdict: Verdict, pod: Pod, mode: Mode, powers: Powers, limits: Limits
) -> None:
    actions = plan(verdict, pod, (), mode, powers, limits)
    assert mode is not Mode.OBSERVE or actions == ()
    for action in actions:
        assert (action.namespace, action.pod, action.uid) == (POD.namespace, POD.name, POD.uid)
        if isinstance(action, LabelPod):
            assert all(key.startswith("runner-bridge.dev/") for key, _ in action.changes)


@given(verdicts, pods, st.sampled_from(Mode), powers, limits)
def test_quarantine_takes_a_mode_a_tier_a_breach_and_room(
    verdict: Verdict, pod: Pod, mode: Mode, powers: Powers, limits: Limits
) -> None:
    for action in plan(verdict, pod, (), mode, powers, limits):
        quarantines = isinstance(action, LabelPod) and action.quarantines
        if quarantines or isinstance(action, DeletePod):
            assert mode is Mode.ENFORCE
            assert verdict.tier in powers.quarantine
            assert verdict.outcome is Outcome.BREACH
            assert action.because  # type: ignore[union-attr]  # an Event is neither
            assert set(action.because) <= {one.code.name for one in verdict.findings}  # type: ignore[union-attr]
            assert verdict.assigned
            assert not pod.host_network
        assert not quarantines or limits.may_quarantine
        assert not isinstance(action, DeletePod) or (limits.may_delete and verdict.tier in powers.delete)
