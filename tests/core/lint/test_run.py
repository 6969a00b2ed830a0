"""One run over several files: order, kinds, and what is nobody's."""

from __future__ import annotations

from datetime import date

from runner_bridge.core.lint.context import Context
from runner_bridge.core.lint.kinds import Kind
from runner_bridge.core.lint.run import Report, Source, in_order, lint
from runner_bridge.core.model import Place, Severity
from tests import make

POOL = "kind: IPPool\nmetadata:\n  name: {}\nspec:\n  cidr: {}\n"


def run(*sources: Source, kind: Kind | None = None) -> Report:
    return lint(sources, kind=kind, context=Context(), today=date(2026, 11, 25))


def source(name: str, text: str, folder: str = "") -> Source:
    return Source(name=name, text=text, folder=folder)


def test_pools_are_judged_over_all_files_and_told_in_order() -> None:
    report = run(
        source("b.yaml", POOL.format("b", "10.0.0.0/8")),
        source("a.yaml", POOL.format("a", "10.1.0.0/16")),
    )
    assert report.kinds == {"b.yaml": (Kind.IP_POOLS,), "a.yaml": (Kind.IP_POOLS,)}
    places = [(one.place.file, one.place.line) for one in report.findings if one.place]
    assert places == sorted(places, key=lambda place: (place[0] == "a.yaml", place[1]))
    (overlap,) = (one for one in report.findings if one.code.name == "ippool-overlap")
    assert str(overlap.place) == "a.yaml:5:9"
    assert overlap.excerpt == ("  cidr: 10.1.0.0/16",)


def test_what_is_of_no_kind_is_unknown_where_named_and_passed_over_where_found() -> None:
    report = run(source("named.yaml", "a: 1"), source("d/found.yaml", "a: 1", "d"), source("d/x.toml", "[a]\n", "d"))
    assert report.unknown == ("named.yaml",)
    assert report.passed_over == ("d/found.yaml", "d/x.toml")
    assert report.kinds == {}


def test_a_toml_file_that_was_named_is_a_runners() -> None:
    assert run(source("x.toml", "a = 1")).kinds == {"x.toml": (Kind.RUNNER_CONFIG,)}


def test_the_one_policy_of_a_run_says_what_is_meant(blog: str) -> None:
    closed = POOL.format("infraestrutura", "172.16.0.0/16") + '  nodeSelector: "!all()"\n'
    pools = source("pools.yaml", closed)
    assert "ippool-nat-off" in {one.code.name for one in run(pools).findings}
    with_policy = {one.code.name for one in run(pools, source("policy.yaml", blog)).findings}
    assert "ippool-nat-against-class" in with_policy
    twice = run(pools, source("policy.yaml", blog), source("other.yaml", blog))
    assert "ippool-nat-off" in {one.code.name for one in twice.findings}


def test_a_policy_that_is_split_over_a_folder_is_one(blog: str) -> None:
    head, pools, rest = blog.partition("pools:\n")
    gitlab, cluster, where = head.partition("cluster:\n")
    parts = [
        source("p/0.yaml", gitlab, "p"),
        source("p/1.yaml", cluster + where, "p"),
        source("p/2.yaml", pools + rest, "p"),
        source("p/x.yaml", "kind: Deployment\n", "p"),
        source("q/1.yaml", cluster + where, "q"),
    ]
    report = run(*parts)
    assert report.findings == ()
    assert sorted(report.kinds) == ["p/0.yaml", "p/1.yaml", "p/2.yaml"]
    assert report.passed_over == ("p/x.yaml", "q/1.yaml")


def test_the_problems_of_a_policy_are_findings() -> None:
    assert run(source("policy.yaml", "tiers: {}\n")).findings


def test_the_user_may_say_what_a_file_is() -> None:
    assert run(source("x", "a: 1"), kind=Kind.IP_POOLS).kinds == {"x": (Kind.IP_POOLS,)}


def test_findings_about_no_file_come_last_and_the_worst_of_a_place_first() -> None:
    here = Place(file="a", line=1, column=1)
    mild = make.finding(code=make.code("mild", severity=Severity.ADVICE), place=here)
    bad = make.finding(place=here)
    nowhere = make.finding(place=None)
    assert [one.code.name for one in in_order([nowhere, mild, bad], [source("a", "x")])] == [
        "pool-overlap",
        "mild",
        "pool-overlap",
    ]
