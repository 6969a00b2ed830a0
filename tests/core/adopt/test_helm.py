from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.adopt import Adoption, Options, Undecided, adopt_helm_values
from runner_bridge.core.adopt.differences import NAMED
from runner_bridge.core.adopt.helm import as_runner_config, parse_values, tags
from runner_bridge.core.adopt.pools import parse_pool
from runner_bridge.core.errors import WireError
from runner_bridge.core.policy import Source, load
from runner_bridge.render.helm_values import merge_values
from tests.core.adopt.sections import changed, sections

if TYPE_CHECKING:
    from runner_bridge.core.policy.model import Policy

RELEASE = (Path(__file__).parent / "samples" / "release.values.yaml").read_text(encoding="utf-8")
POOLS = ("infraestrutura=172.16.0.0/16,nat", "edge=172.18.0.0/16,nat", "workload=10.10.0.0/16,routable,automatic")


def merge(text: str, policy: Policy) -> str:
    (runner,) = policy.runners.values()
    return merge_values(text, policy, runner)


def adopt(text: str, **options: Any) -> Adoption:
    settings = Options(**({"pools": tuple(map(parse_pool, POOLS)), "namespace": "ci-infra"} | options))
    return adopt_helm_values(text, "values.yaml", options=settings, merge=merge)


def policy_of(adoption: Adoption) -> Policy:
    return load([Source(name="policy.yaml", text=adoption.policy)], today=date(2026, 1, 1))


def config(text: str, runner_name: str = "") -> dict[str, Any]:
    return as_runner_config(parse_values(text, "values.yaml"), runner_name, "values.yaml")


def runner(text: str, runner_name: str = "") -> dict[str, Any]:
    (section,) = config(text, runner_name)["runners"]
    assert isinstance(section, dict)
    return section


def test_a_release_reads_as_an_admin_wants_to_read_it(golden: Any) -> None:
    text = re.sub(r'generation" = "[0-9a-f]{12}"', 'generation" = "(stamp)"', adopt(RELEASE).policy)
    golden(Path(__file__).parent / "golden" / "release.policy.yaml", text)


def test_the_policy_says_what_the_release_says() -> None:
    policy = policy_of(adopt(RELEASE))
    (tier,) = policy.tiers.values()
    (one,) = tier.runners
    assert (one.name, one.limit, one.tags, one.short_ids) == ("infra-platform", 20, ("infra",), ("4xYqA7pLw",))
    assert [pool.name for pool in tier.pools] == ["infraestrutura"]
    assert (tier.job.namespace, tier.job.image) == ("ci-infra", "alpine:3.20")
    assert (policy.manager.concurrent, policy.manager.check_interval_s) == (20, 5)
    assert (policy.manager.log_level, policy.manager.listen_address) == ("info", ":9252")


def test_a_merge_into_the_release_changes_what_is_named_and_a_second_changes_nothing() -> None:
    adoption = adopt(RELEASE)
    merged = merge(RELEASE, policy_of(adoption))
    assert {one.path[:3] for one in adoption.differences} == {("runners", "config", "runners")}
    changed = {one.path[-1]: (one.before, one.after) for one in adoption.differences}
    assert changed["pod_annotations_overwrite_allowed"] == ('".*"', '""')
    assert changed["namespace"] == ('"{{.Release.Namespace}}"', '"ci-infra"')
    assert "cni.projectcalico.org/ipv4pools" not in changed
    assert adopt(merged).differences == ()


def test_what_only_helm_can_fill_in_stays_as_it_is() -> None:
    text = RELEASE.replace('"alpine:3.20"', "'{{ .Values.image }}'").replace(
        "[runners.kubernetes.pod_annotations]",
        "[runners.kubernetes.pod_annotations]\n          team = '{{ .Values.team }}'",
    )
    assert "{{ .Values.team }}" in text
    adoption = adopt(text)
    assert not [one for one in adoption.differences if one.path[-1] in {"image", "team"}]
    assert "'{{ .Values.image }}'" in merge(text, policy_of(adoption))


def test_a_namespace_that_only_helm_knows_is_asked_for() -> None:
    with pytest.raises(Undecided, match="--namespace NAME"):
        adopt(RELEASE, namespace="")


def test_jobs_of_a_template_without_a_namespace_run_where_the_release_lives() -> None:
    assert runner("runners: {config: ''}")["kubernetes"]["namespace"] == "{{.Release.Namespace}}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("envVars: [{name: RUNNER_NAME, value: a}]\nextraEnv: {OTHER: x}", "a", id="list of variables"),
        pytest.param("envVars: [5, {name: RUNNER_NAME}]\nextraEnv: {RUNNER_NAME: b}", "b", id="map of variables"),
        pytest.param("runners: {name: c}", "c", id="name of the runner"),
        pytest.param("fullnameOverride: d", "d", id="name of the release's objects"),
        pytest.param("concurrent: 1", "given", id="the flag"),
    ],
)
def test_the_name_is_that_which_the_manager_registers_with(text: str, name: str) -> None:
    assert runner(text, "given")["name"] == name


def test_a_runner_that_is_named_after_its_pod_needs_a_name() -> None:
    text = RELEASE.replace("RUNNER_NAME", "OTHER")
    with pytest.raises(Undecided, match="--runner-name NAME"):
        adopt(text)
    adoption = adopt(text, runner_name="infra-platform")
    assert {one.why for one in adoption.differences if one.path[0] == "envVars"} == {NAMED}


def test_the_chart_makes_kubernetes_runners_unless_it_is_told_otherwise() -> None:
    assert runner("runners: {}")["executor"] == "kubernetes"
    assert runner("runners: {executor: docker}")["executor"] == "docker"


@pytest.mark.parametrize(
    ("metrics", "address"),
    [("{enabled: true, port: 9000}", ":9000"), ("{enabled: true}", ":9252"), ("{enabled: false}", None), ("5", None)],
)
def test_metrics_are_served_where_the_chart_says(metrics: str, address: str | None) -> None:
    assert config(f"metrics: {metrics}").get("listen_address") == address


def test_tags_of_the_chart_are_one_text_with_commas() -> None:
    assert tags({"runners": {"tags": "a, b,,a"}}) == ("a", "b")
    assert tags({"runners": {"tags": 5}}) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("- a", "is not one map", id="a list"),
        pytest.param("", "is not one map", id="nothing"),
        pytest.param("a: 1\n---\nb: 1", "is not one map", id="two documents"),
        pytest.param("runners: {config: '{{ if x }}'}", "as long as Helm has not filled it in", id="template"),
        pytest.param(f"runners: {{config: 'a = {'[' * 5000}'}}", "is not TOML", id="deep"),
        pytest.param("runners: {config: 'a = 1'}", None, id="no section"),
        pytest.param(
            'runners: {config: "[[runners]]\\n[[runners]]"}', "does not hold one [[runners]]", id="two sections"
        ),
        pytest.param("runners: {config: 'runners = 5'}", "does not hold one [[runners]]", id="no array"),
        pytest.param("a: b: c", "values.yaml:1:", id="no YAML"),
    ],
)
def test_values_that_cannot_be_read_are_refused(text: str, said: str | None) -> None:
    if said is None:
        assert runner(text)["executor"] == "kubernetes"
        return
    with pytest.raises(WireError) as refused:
        config(text)
    assert said in str(refused.value)


def test_a_table_that_is_none_is_told_by_the_reader() -> None:
    with pytest.raises(Undecided, match="kubernetes is a number, expected a table"):
        adopt('gitlabUrl: https://x.example\nrunners: {name: a, config: "[[runners]]\\nkubernetes = 5"}')


@given(sections(), st.booleans(), st.sampled_from(["", "# ours\n", "resources: {limits: {memory: 1Gi}}\n"]))
def test_any_release_differs_from_its_policy_in_nothing_but_what_is_named(body: str, named: bool, more: str) -> None:
    template = "".join(f"    {line}\n" for line in ["[[runners]]", *body.splitlines()])
    name = "envVars:\n  - name: RUNNER_NAME\n    value: a\n" if named else ""
    text = f"{more}gitlabUrl: https://gitlab.example.com\n{name}runners:\n  config: |\n{template}"
    adoption = adopt(text, runner_name="a")
    merged = merge(text, policy_of(adoption))
    assert {one.path for one in adoption.differences} == changed(parse_values(text, "v"), parse_values(merged, "v"))
    assert {one.path[0] for one in adoption.differences} <= {"runners", "envVars"}
    assert adopt(merged).differences == ()


def test_values_of_an_umbrella_chart_are_read_below_the_charts_name() -> None:
    inner = "gitlabUrl: https://gitlab.example.com\nconcurrent: 7\n"
    umbrella = "gitlab-runner:\n" + "".join(f"  {line}\n" for line in inner.splitlines()) + "postgresql: {}\n"
    assert parse_values(umbrella, "values.yaml") == parse_values(inner, "values.yaml")


def test_an_object_around_the_values_is_refused() -> None:
    with pytest.raises(WireError, match="Name the values file that it hands to Helm"):
        parse_values("apiVersion: argoproj.io/v1alpha1\nkind: Application\n", "app.yaml")
