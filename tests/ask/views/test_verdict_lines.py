"""One verdict, one line, whatever a job writes into its claims."""

from __future__ import annotations

import json

from msgspec import structs

from runner_bridge.ask.views.verdict_lines import json_line, text_line, word_of
from runner_bridge.core.model.codes import job_pods as codes
from runner_bridge.core.model.finding import Finding, Outcome
from runner_bridge.core.model.verdict import JobClaim
from tests import make

ROUTABLE = Finding(
    code=codes.ADDRESS_ROUTABLE, subject="ci/a", observed="10.10.0.1 in workload", expected="infra", cause="Why."
)
NOTE = Finding(code=codes.NAMESPACE_UNDECLARED, subject="ci/a")


def test_a_pass_is_short() -> None:
    line = text_line(structs.replace(make.verdict(), findings=(NOTE,)), make.NOW, colour=False)
    assert line.startswith("17:40:00 pass     gitlab-runners/runner-4xyqa7plw")
    assert line.endswith("172.16.84.128 infraestrutura [address]  infra")


def test_a_breach_says_why() -> None:
    line = text_line(make.verdict(Outcome.BREACH, findings=(ROUTABLE, NOTE), tier=""), make.NOW, colour=False)
    assert line.endswith("tier unknown  address-routable: seen 10.10.0.1 in workload, expected infra. Why.")
    bare = Finding(code=codes.ADDRESS_ROUTABLE, subject="ci/a")
    line = text_line(make.verdict(Outcome.BREACH, findings=(bare,)), make.NOW, colour=False)
    assert line.endswith(f"address-routable: {codes.ADDRESS_ROUTABLE.title}.")


def test_colour_is_only_where_it_is_wanted() -> None:
    assert "\x1b[1;31mbreach" in text_line(make.verdict(Outcome.BREACH), make.NOW, colour=True)
    assert "\x1b" not in text_line(make.verdict(Outcome.BREACH), make.NOW, colour=False)


def test_waiting_is_not_the_same_as_unproven() -> None:
    assert word_of(make.verdict(Outcome.UNKNOWN, pending=True)) == "pending"
    assert word_of(make.verdict(Outcome.UNKNOWN)) == "unknown"


def test_a_program_reads_the_same_words() -> None:
    tree = json.loads(json_line(make.verdict(Outcome.BREACH, findings=(ROUTABLE,)), make.NOW))
    assert (tree["event"], tree["verdict"], tree["at"]) == ("verdict", "breach", "2026-11-23T17:40:00.000+00:00")
    assert tree["got"] == [{"address": "172.16.84.128", "pool": "infraestrutura", "confirmed": False}]
    assert [one["code"] for one in tree["findings"]] == ["address-routable"]
    assert tree["findings"][0]["remedy"] == codes.ADDRESS_ROUTABLE.remedy


def test_claims_break_no_line_and_no_encoding() -> None:
    hostile = make.verdict(pod="a\nbreach b\udcff", job=JobClaim(id="1\n2", url="\udc80"))
    assert len(text_line(hostile, make.NOW, colour=False).splitlines()) == 1
    line = json_line(hostile, make.NOW)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["job"]["id"] == "1\n2"
