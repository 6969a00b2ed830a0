"""Helm values, the Operator's resources, patches of workloads and the names in them."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner_bridge.core.policy import model as p
from runner_bridge.core.text import yaml
from runner_bridge.render import helm_values, runner_operator, workloads
from runner_bridge.render.fragment.go_template import escape, printed
from runner_bridge.render.names import dns_name
from tests import make

MANAGER = p.Manager(
    concurrent=7,
    check_interval_s=5,
    shutdown_timeout_s=60,
    log_level="warn",
    log_format="json",
    listen_address="[::]:9300",
)


def documents(text: str) -> list[Any]:
    return [yaml.to_python(node) for node in yaml.parse(text, "test")]


def values(policy: p.Policy, runner: str = "infra-platform") -> dict[str, Any]:
    found: dict[str, Any] = documents(helm_values.render(policy)[f"helm/{runner}.values.yaml"])[0]
    return found


def test_a_release_is_one_runner_with_a_name_that_stays() -> None:
    found = values(make.policy())
    assert found["envVars"] == [{"name": "RUNNER_NAME", "value": "infra-platform"}]
    assert len(tomllib.loads(found["runners"]["config"])["runners"]) == 1
    assert set(tomllib.loads(found["runners"]["config"])) == {"runners"}


@pytest.mark.parametrize(("limit", "concurrent"), [(20, 20), (0, 7)])
def test_a_release_runs_what_its_runner_may(limit: int, concurrent: int) -> None:
    policy = make.policy(make.tier(runners=(make.runner(limit=limit),)), manager=MANAGER)
    assert values(policy)["concurrent"] == concurrent


@pytest.mark.parametrize(("address", "port"), [("[::]:9300", 9300), (":9252", 9252), ("localhost", 9252)])
def test_settings_of_the_manager_are_values_of_the_chart(address: str, port: int) -> None:
    manager = p.Manager(
        concurrent=1,
        check_interval_s=5,
        shutdown_timeout_s=60,
        log_level="warn",
        log_format="json",
        listen_address=address,
    )
    found = values(make.policy(manager=manager))
    assert [found[key] for key in ("checkInterval", "shutdown_timeout", "logLevel", "logFormat")] == [
        5,
        60,
        "warn",
        "json",
    ]
    assert found["metrics"] == {"enabled": True, "port": port}


@pytest.mark.parametrize("text", ["{{ .Values.x }}", "{{{", "{{}}", "}}{{`", "a {{- b"])
def test_braces_reach_the_runner_as_they_are_in_the_policy(text: str) -> None:
    policy = make.policy(make.tier(annotations={"example.com/a": text, text: "b"}))
    section = tomllib.loads(values(policy)["runners"]["config"])["runners"][0]
    assert section["kubernetes"]["pod_annotations"]["example.com/a"] == text.replace("{{", "{{ `{{` }}")
    assert printed(section)["kubernetes"]["pod_annotations"][text] == "b"


def test_a_policy_with_braces_merges_into_its_own_values() -> None:
    policy = make.policy(make.tier(annotations={"example.com/a": "{{ x }}"}))
    text = helm_values.render(policy)["helm/infra-platform.values.yaml"]
    assert helm_values.merge_values(text, policy, policy.runners[p.RunnerName("infra-platform")]) == text


@given(st.text("{}` a"))
def test_escaping_is_undone_by_printing(text: str) -> None:
    if "{{ `{{` }}" not in text:
        assert printed(escape({"a": text})) == {"a": text}


def test_the_operators_own_settings_are_said_where_they_count() -> None:
    tier = make.tier(
        job=p.JobSettings(
            namespace="ci",
            service_account=None,
            image="alpine:3",
            poll_timeout_s=400,
            annotation_overwrites="",
            label_overwrites="",
        )
    )
    config, variables, runner = documents(
        runner_operator.render(make.policy(tier, manager=MANAGER))["operator/infra-platform.yaml"]
    )
    assert {each["metadata"]["namespace"] for each in (config, variables, runner)} == {"ci"}
    assert variables["data"] == {"KUBERNETES_POLL_TIMEOUT": "400", "RUNNER_NAME": "infra-platform"}
    assert runner["spec"] == {
        "gitlabUrl": "https://gitlab.example.com",
        "token": "infra-platform-token",
        "config": config["metadata"]["name"],
        "env": variables["metadata"]["name"],
        "concurrent": 20,
        "interval": 5,
        "shutdownTimeout": 60,
        "logLevel": "warn",
        "logFormat": "json",
        "listenAddr": "[::]:9300",
        "buildImage": "alpine:3",
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Namespace", "metadata.annotations"),
        ("Pod", "metadata.annotations"),
        ("DaemonSet", "spec.template.metadata.annotations"),
        ("Deployment", "spec.template.metadata.annotations"),
        ("CronJob", "spec.jobTemplate.spec.template.metadata.annotations"),
    ],
)
def test_a_patch_reaches_the_pods_of_its_kind(kind: str, path: str) -> None:
    name = "" if kind == "Namespace" else "x"
    workload = p.Workload(tier=p.TierName("infra"), namespace="logging", kind=kind, name=name, place=make.HERE)
    ((file, text),) = workloads.render(make.policy(workloads=(workload,))).items()
    (patch,) = documents(text)
    for key in path.split("."):
        patch = patch[key]
    assert patch == {"cni.projectcalico.org/ipv4pools": '["infraestrutura"]'}
    assert file.startswith(f"workloads/{kind.lower()}-logging")


def test_a_job_is_made_anew_because_its_template_cannot_be_patched() -> None:
    workload = p.Workload(tier=p.TierName("infra"), namespace="etl", kind="Job", name="load", place=make.HERE)
    (text,) = workloads.render(make.policy(workloads=(workload,))).values()
    assert "kubectl" not in text
    assert "create it anew" in text


def test_a_workload_of_a_tier_that_is_not_pinned_needs_no_patch() -> None:
    workload = p.Workload(tier=p.TierName("default"), namespace="web", kind="Deployment", name="x", place=make.HERE)
    assert workloads.render(make.policy(workloads=(workload,))) == {}


@given(st.text(max_size=70), st.text(max_size=70))
def test_names_are_accepted_by_kubernetes_and_stay_apart(one: str, other: str) -> None:
    names = {dns_name(one), dns_name(other)}
    assert len(names) == len({one, other})
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?", name) for name in names)
