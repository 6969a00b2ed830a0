"""The stable shape for programs."""

from __future__ import annotations

import json

from runner_bridge.ask.views.findings_json import render
from runner_bridge.core.model import Place
from tests import make


def test_every_key_is_there_and_the_head_comes_first() -> None:
    place = Place(file="pools.yaml", line=3, column=9, end_column=22)
    finding = make.finding(place=place, observed="é", expected="b", cause="c", proof="d")
    text = render([finding], head={"files": 1})
    assert "é" in text
    assert list(json.loads(text)) == ["version", "files", "findings"]
    assert json.loads(text)["findings"] == [
        {
            "code": "pool-overlap",
            "family": "ip-pools",
            "severity": "error",
            "title": "two pools share addresses",
            "subject": "pools.a",
            "place": {"file": "pools.yaml", "line": 3, "column": 9, "end_column": 22},
            "observed": "é",
            "expected": "b",
            "cause": "c",
            "remedy": "Make them disjoint.",
            "proof": "d",
        }
    ]


def test_no_place_is_null_and_no_finding_an_empty_list() -> None:
    assert json.loads(render([make.finding(place=None)], head={}))["findings"][0]["place"] is None
    assert json.loads(render([], head={})) == {"version": 1, "findings": []}


def test_a_file_name_that_is_not_text_can_be_printed() -> None:
    render([make.finding(subject="\udcff")], head={}).encode()
