"""JSON and YAML of an answer hold the same tree, every pod and every word of its findings."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from ruamel.yaml import YAML

from runner_bridge.ask.answers.check import CheckAnswer, answer
from runner_bridge.ask.views import verdict_data
from runner_bridge.core.model import Finding, Outcome
from runner_bridge.core.model.codes import job_pods
from runner_bridge.core.model.verdict import JobClaim, Waived
from tests import make

FOUND = Finding(code=job_pods.HOST_NETWORK, subject="n/p", observed="hostNetwork", cause="A patch sets it.")
WAIVED = Waived(finding=FOUND, until=date(2027, 3, 31), reason="approved")


def answered(*verdicts: Any, **changes: Any) -> CheckAnswer:
    return answer(make.judgement(*verdicts, **changes), source="read from pods.json", judged_at=make.NOW)


ANSWER = answered(
    make.verdict(Outcome.BREACH, findings=(FOUND,), waived=(WAIVED,)),
    make.verdict(),
    findings=(Finding(code=job_pods.POOLS_OVERLAP, subject="a and b"),),
    waived=(WAIVED,),
)


def test_json_holds_every_pod_and_every_word() -> None:
    tree = json.loads(verdict_data.render_json(ANSWER))
    assert tree["exit_code"] == 1
    assert tree["counts"] == {
        "job_pods": 2,
        "breach": 1,
        "unknown": 0,
        "pending": 0,
        "waived": 0,
        "pass": 1,
        "unmanaged": 0,
        "probes": 0,
        "other": 0,
    }
    assert [pod["verdict"] for pod in tree["pods"]] == ["breach", "pass"]
    (found,) = tree["pods"][0]["findings"]
    assert (found["code"], found["outcome"], found["observed"]) == ("host-network", "breach", "hostNetwork")
    assert found["remedy"] == job_pods.HOST_NETWORK.remedy
    assert tree["pods"][0]["waived"][0]["until"] == "2027-03-31"
    assert tree["pods"][1]["got"] == [{"address": "172.16.84.128", "pool": "infraestrutura", "confirmed": False}]
    assert tree["pods"][1]["asked"]["by"] == "pod"
    assert [one["code"] for one in tree["cluster"]["findings"]] == ["pools-overlap"]


def test_yaml_holds_the_same_tree() -> None:
    assert YAML(typ="safe").load(verdict_data.render_yaml(ANSWER)) == json.loads(verdict_data.render_json(ANSWER))


def test_an_answer_about_nothing_has_the_same_keys() -> None:
    empty = json.loads(verdict_data.render_json(answered()))
    assert empty.keys() == json.loads(verdict_data.render_json(ANSWER)).keys()
    assert empty["counts"].keys() == json.loads(verdict_data.render_json(ANSWER))["counts"].keys()
    assert empty["nothing_proven"]


def test_claims_of_a_job_are_redacted_and_can_be_encoded() -> None:
    claim = JobClaim(name="deploy glrt-FAKETOKEN0000000000", ref="\ud800", url="https://x/?private_token=abcdef")
    for render in (verdict_data.render_json, verdict_data.render_yaml):
        text = render(answered(make.verdict(job=claim)))
        assert "FAKETOKEN" not in text
        assert "abcdef" not in text
        text.encode()


def test_the_compact_form_is_the_same_document_in_one_line() -> None:
    for one in (ANSWER, answered()):
        compact = verdict_data.render_compact(one)
        assert compact.count(b"\n") == 1
        assert json.loads(compact) == json.loads(verdict_data.render_json(one))
