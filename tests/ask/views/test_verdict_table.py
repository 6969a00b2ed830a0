"""The table stays readable at 80 columns, whatever was found and however often."""

from __future__ import annotations

from datetime import date
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.ask.answers.check import answer
from runner_bridge.ask.views import verdict_table
from runner_bridge.core.model import Family, Finding, Outcome, Severity
from runner_bridge.core.model.codes import job_pods
from runner_bridge.core.model.verdict import Assigned, JobClaim, Origin, Requested, Waived
from tests import make

if TYPE_CHECKING:
    from runner_bridge.core.model.verdict import Verdict

SOURCE = "0 GETs, 0 writes: read from pods.json."
OVERWRITTEN = Finding(
    code=job_pods.ANNOTATION_OVERWRITTEN,
    subject="n/p",
    observed='["default"]',
    expected="infraestrutura",
    cause="A job variable overwrote it.",
    remedy="Close the door.",
)


def shown(*verdicts: Verdict, colour: bool = False, width: int = 80, wide: bool = False, **changes: Any) -> str:
    result = answer(make.judgement(*verdicts, **changes), source=SOURCE, judged_at=make.NOW)
    return "".join(verdict_table.render(result, colour=colour, width=width, wide=wide))


def breach(number: int = 0, **changes: Any) -> Verdict:
    values: dict[str, Any] = {
        "pod": f"runner-4xyqa7plw-project-4217-concurrent-{number}-m83eneg4",
        "findings": (OVERWRITTEN,),
        "requested": Requested(origin=Origin.POD, text='["default"]', pools=("default",)),
        "assigned": (Assigned(address=ip_address("10.244.84.128"), pool="default"),),
    }
    return make.verdict(Outcome.BREACH, **(values | changes))


def test_a_breach_and_a_pass_at_eighty_columns() -> None:
    assert shown(make.verdict(), breach(), assumptions=("No blocks were given.",)) == (
        """\
PROJECT      TIER  WANTED         ASKED          GOT            VERDICT
platform/api infra infraestrutura default        10.244.84.128  breach
                                  by pod         default
  gitlab-runners/runner-4xyqa7plw-project-4217-concurrent-0-m83eneg4, job 7311000
  annotation-overwritten: A job variable overwrote it. Seen ["default"],
    expected infraestrutura.
    do: Close the door.

platform/api infra infraestrutura infraestrutura 172.16.84.128  pass
                                  by pod         infraestrutura
assumed: No blocks were given.
2 job pods: 1 pass, 1 breach; evidence: address only
0 GETs, 0 writes: read from pods.json.
"""
    )


def test_the_how_to_shows_what_is_printed() -> None:
    page = Path(__file__).parents[3] / "docs/howto/check-a-cluster.md"
    block = page.read_text(encoding="utf-8").split("```\nPROJECT")[1].split("```")[0]
    assert f"PROJECT{block}" in shown(make.verdict(), breach())


def test_a_wide_terminal_gets_one_line_per_pod() -> None:
    assert "platform/api infra infraestrutura default by pod 10.244.84.128 default breach\n" in shown(
        breach(), width=120
    )


def test_the_narrowest_page_keeps_addresses_and_verdicts_whole() -> None:
    text = shown(breach(project_path="plataforma/pagamentos/api"), width=60)
    assert "10.244.84.128" in text
    assert "breach\n" in text
    assert max(map(len, text.split("  gitlab-runners/")[0].splitlines())) <= 60


def test_five_hundred_breaches_of_one_cause_are_ten_lines_and_a_count() -> None:
    text = shown(*(breach(number) for number in range(500)))
    assert text.count("10.244.84.128") == 10
    assert "+490 more like these; -o wide shows every pod" in text
    assert text.count("A job variable overwrote it.") == 1
    assert "Seen" not in text
    assert len(text.splitlines()) < 45


def test_wide_shows_every_pod_with_its_findings() -> None:
    lines = shown(*(breach(number) for number in range(12)), make.verdict(), wide=True).splitlines()
    titles = "NAMESPACE POD PROJECT TIER WANTED ASKED GOT VERDICT EVIDENCE RUNNER NODE JOB FINDINGS"
    assert " ".join(lines[0].split()) == titles
    assert sum("annotation-overwritten" in line for line in lines) == 12
    assert lines[1].split()[-6:] == [
        "breach",
        "address",
        "infra-platform",
        "node-1",
        "7311000",
        "annotation-overwritten",
    ]


def test_no_job_pods_say_that_nothing_is_proven() -> None:
    for wide in (False, True):
        assert shown(wide=wide) == (
            "No job pod of a declared runner was seen: nothing is proven.\n"
            "0 job pods\n"
            "0 GETs, 0 writes: read from pods.json.\n"
        )


def test_waivers_notes_and_findings_of_the_cluster_are_shown() -> None:
    waived = Waived(finding=OVERWRITTEN, until=date(2027, 3, 31), reason="approved NET-114")
    note = make.code("a-note", family=Family.JOB_PODS, severity=Severity.ADVICE, title="it is worth knowing")
    noted = Finding(code=note, subject="n/p", cause="Because it is.")
    overlap = Finding(code=job_pods.POOLS_OVERLAP, subject="a and b", remedy="Make them disjoint.")
    text = shown(
        make.verdict(waived=(waived,), findings=(noted,)),
        make.verdict(findings=(noted,), job=JobClaim()),
        findings=(overlap, Finding(code=note, subject="cluster", cause="One.")),
        waived=(waived,),
    )
    assert text.count("annotation-overwritten: waived until 2027-03-31: approved NET-114") == 2
    assert "pools-overlap: Two pools of the cluster overlap." in text
    assert "note: it is worth knowing (2 pods). Because it is." in text
    assert "note: it is worth knowing. One." in text
    assert "waived\n" in text


def test_a_remedy_that_several_findings_share_is_said_once() -> None:
    twin = Finding(code=job_pods.ADDRESS_ROUTABLE, subject="n/p", remedy=OVERWRITTEN.remedy)
    assert shown(breach(findings=(OVERWRITTEN, twin), job=JobClaim())).count("do: ") == 1


def test_colour_is_written_only_when_asked_for() -> None:
    assert "\x1b[" not in shown(breach(), make.verdict())
    assert "\x1b[1;31mbreach" in shown(breach(), colour=True)
    assert "\x1b[32mpass" in shown(make.verdict(), colour=True)


def test_beyond_a_thousand_lines_plain_columns_are_written() -> None:
    verdicts = [
        breach(number, findings=(Finding(code=make.code(f"code-{number}", outcome=Outcome.BREACH), subject="n/p"),))
        for number in range(verdict_table.LAID_OUT_ROWS + 1)
    ]
    text = shown(*verdicts)
    assert text.count("default by pod") == len(verdicts)


HOSTILE = st.text(max_size=120) | st.just("x/" * 200)


@given(st.lists(HOSTILE, min_size=8, max_size=8), st.integers(1, 200), st.booleans())
def test_no_text_of_a_dump_can_steer_the_terminal_or_break_the_output(texts: list[str], width: int, wide: bool) -> None:
    verdict = breach(
        project_path=texts[0],
        tier=texts[1],
        intended=(texts[2],),
        requested=Requested(origin=Origin.POD, text=texts[3]),
        namespace=texts[4],
        runner=texts[5],
        job=JobClaim(id=texts[6]),
        findings=(Finding(code=job_pods.HOST_NETWORK, subject="n/p", cause=texts[7]),),
    )
    text = shown(verdict, width=width, wide=wide)
    assert all(line.isprintable() for line in text.split("\n"))
    text.encode()


def test_a_long_path_is_broken_after_its_slashes() -> None:
    assert verdict_table._at_slashes("a/bb/ccc", 20).plain == "a/bb/ccc"
    assert verdict_table._at_slashes("platform/payments/api", 12).plain == "platform/\npayments/api"
    assert verdict_table._at_slashes("a/" + "x" * 20, 8).plain == "a/\n" + "x" * 20
