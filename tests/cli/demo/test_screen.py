"""What the demo shows: a trouble is one line of eighty columns and said once; a pod that is waited for is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from runner_bridge.cli.demo.screen import Frame, Lines, cause_of, held_line, line_of
from runner_bridge.cli.demo.told import Labels, Note, Shown, Told, Trouble
from runner_bridge.core.holding import Held, Holder, Holding
from runner_bridge.core.model import Finding
from runner_bridge.core.model.cluster import Gap, Kind
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Outcome
from runner_bridge.core.model.verdict import Assigned, Grade, Origin, Requested, Verdict
from runner_bridge.simulate.cluster import Cluster
from runner_bridge.simulate.cluster.resources import PODS

if TYPE_CHECKING:
    from runner_bridge.core.model import Code

AT = datetime(2026, 11, 25, 8, 0, 51, tzinfo=UTC)
TROUBLE = Trouble(
    at=AT,
    pod="a",
    job="71227",
    word="breach",
    where="10.10.133.239 workload",
    code="annotation-overwritten",
    cause="Seen one thing, expected another. " * 9,
)
SHOWN = Shown(trouble=TROUBLE, label="label 999 ms", more="")


def verdict(code: Code, *, pending: bool = False, **more: Any) -> Verdict:
    found = Finding(code=code, subject="a", observed="this", expected="that", cause="Because.")
    return Verdict(
        namespace="ci",
        pod="a",
        outcome=code.outcome or Outcome.PASS,
        grade=Grade.ADDRESS,
        requested=Requested(origin=Origin.POD),
        findings=(found,),
        pending=pending,
        **more,
    )


def frame(*log: Shown | Note, scene: str = "A scene.") -> Frame:
    return Frame(at=AT, head="", where="", scene=scene, tiers=(), before=Holding(), held=Holding(), log=log)


def test_the_widest_trouble_with_its_label_is_one_line_of_eighty_columns() -> None:
    assert len(line_of(SHOWN)) == 80
    assert line_of(SHOWN).endswith("annotation-overwritten label 999 ms")


def test_a_long_cause_is_cut_and_what_is_more_is_not() -> None:
    lines = cause_of(replace(SHOWN, more="Said in time."), lines=2)
    assert len(lines) == 3
    assert lines[1].endswith(" …")
    assert all(len(line) <= 80 for line in lines)


def test_a_trouble_is_said_once_and_only_when_its_label_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Lines()
    screen.show(frame(replace(SHOWN, label="")))
    assert "annotation-overwritten" not in capsys.readouterr().out
    for _ in range(2):
        screen.show(frame(SHOWN, Note(at=AT, text="The API server is away.")))
    said = capsys.readouterr().out
    assert said.count("annotation-overwritten") == said.count("away") == 1


def test_who_holds_the_addresses_stands_behind_their_number() -> None:
    held = Holding(held=(Held(kind=Holder.MANAGERS, pool="workload", pool_class="routable", addresses=3),))
    assert held_line(Holding(), held) == "routable addresses held by CI: 0 → 3 (managers 3)"
    assert held_line(held, None) == "routable addresses held by CI: 3 → ?"


def test_a_pod_that_is_waited_for_is_no_trouble() -> None:
    told = Told(lambda: AT)
    told.verdict(verdict(codes.ADDRESS_PENDING, pending=True), AT)
    told.verdict(verdict(codes.ADDRESS_PENDING), AT)
    assert told.troubles == {}


def test_a_trouble_that_passes_in_the_end_is_forgotten() -> None:
    told = Told(lambda: AT)
    told.verdict(verdict(codes.POOL_EXHAUSTED), AT)
    assert told.troubles["a"].where == "no address"
    held = Assigned(address=ip_address("172.16.0.1"), pool="infraestrutura")
    told.verdict(
        structs.replace(verdict(codes.POOL_EXHAUSTED, assigned=(held,)), outcome=Outcome.PASS, findings=()), AT
    )
    assert told.troubles == {}


def test_what_is_in_doubt_is_noted_once_with_its_end() -> None:
    told = Told(lambda: AT)
    told.doubt((Gap(kind=Kind.PODS, reason="gone"),), AT)
    told.doubt((), AT)
    told.doubt((), AT)
    assert [one.text.split(":")[0] for one in told.notes] == ["The API server is not heard", "It is back"]


async def test_a_label_is_timed_from_the_address_it_can_follow_from() -> None:
    now = [0.0]
    cluster = Cluster()
    labels = Labels(cluster.store, lambda: now[0])

    def write(**meta: Any) -> None:
        cluster.objects.force(PODS, "ci", "a", {"metadata": {"name": "a", "namespace": "ci", **meta}})
        for change in cluster.store.since(PODS.storage, cluster.store.version - 1):
            labels.pod(change)

    write()
    now[0] = 5.0
    write(annotations={"cni.projectcalico.org/podIP": "172.16.0.1/32"})
    now[0] = 5.25
    write(annotations={"cni.projectcalico.org/podIP": "172.16.0.1/32"}, labels={"runner-bridge.dev/verdict": "breach"})
    assert labels.on["a"] == "breach"
    assert labels.took_s["a"] == pytest.approx(0.25)
