"""The pod of a probe is a runner's job pod in all that decides its address, and harmless in the rest."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from runner_bridge.core.judge import Evidence, judge, judge_probe
from runner_bridge.core.model import cluster as c
from runner_bridge.core.policy import model as p
from runner_bridge.core.wire.stream import Stream
from runner_bridge.render.fragment.governed import governed
from runner_bridge.render.probe_pod import gitlab_of, probe_name, probe_pod
from tests import make


def job(**changes: Any) -> p.JobSettings:
    values: dict[str, Any] = {
        "namespace": "gitlab-runners",
        "service_account": None,
        "image": None,
        "poll_timeout_s": 360,
        "annotation_overwrites": "",
        "label_overwrites": "",
    }
    return p.JobSettings(**(values | changes))


def made(tier: p.Tier | None = None, *, url: str = "https://gitlab.example.com", **wanted: Any) -> dict[str, Any]:
    tier = tier or make.tier()
    policy = make.policy(tier, gitlab=p.GitLab(url=url, root_groups=()))
    values: dict[str, Any] = {"name": "probe-1", "image": "busybox", "lives_s": 180}
    return probe_pod(policy, tier, **(values | wanted))


def environment(pod: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in pod["spec"]["containers"][0]["env"]}


@pytest.mark.parametrize(
    "tier",
    [
        make.tier(labels={"cost-centre": "infra"}, annotations={"team": "net"}, os="linux"),
        make.tier(job=job(namespace="ci", service_account="builder")),
        make.tier("default", make.WORKLOAD, pin=False),
    ],
    ids=["labels and nodes", "account", "not pinned"],
)
def test_what_decides_its_address_is_what_the_rendered_configuration_says(tier: p.Tier) -> None:
    policy = make.policy(tier)
    keys = governed(policy, tier.runners[0])["kubernetes"]
    pod = made(tier)
    ours = pod["metadata"]["labels"].pop("runner-bridge.dev/probe")
    assert ours == tier.name
    assert pod["metadata"]["labels"] == keys["pod_labels"]
    assert pod["metadata"]["annotations"] == keys["pod_annotations"]
    assert pod["metadata"]["namespace"] == keys["namespace"]
    assert pod["spec"].get("serviceAccountName") == keys.get("service_account")
    assert pod["spec"].get("nodeSelector") == keys.get("node_selector")
    assert pod["spec"]["automountServiceAccountToken"] is keys["automount_service_account_token"]


def test_a_variable_of_ci_is_left_out() -> None:
    pod = made(make.tier(labels={"ref": "$CI_COMMIT_REF_SLUG", "a": "b"}, annotations={"job": "${CI_JOB_ID}"}))
    assert "ref" not in pod["metadata"]["labels"]
    assert "job" not in pod["metadata"]["annotations"]
    assert pod["metadata"]["labels"]["a"] == "b"


def test_it_is_as_restricted_as_kubernetes_knows() -> None:
    """Pod Security Standards, restricted; and it ends by itself."""
    spec = made()["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]) == {"requests", "limits"}
    assert spec["activeDeadlineSeconds"] == 180
    assert not {"hostNetwork", "hostPID", "hostIPC", "volumes"} & set(spec)


def test_read_back_it_is_a_probe_and_asks_for_its_tier() -> None:
    (seen,) = Stream(c.Kind.PODS).page(msgspec.json.encode({"items": [made()]})).seen
    assert isinstance(seen.value, c.Pod)
    snapshot = c.Snapshot(pods=(seen.value,), namespaces=(c.Namespace(name="gitlab-runners"),))
    assert judge(make.policy(), snapshot, now=make.NOW).counts.probes == 1
    verdict = judge_probe(Evidence.of(make.policy(), snapshot), seen.value, tier="infra", now=make.NOW)
    assert [one.code.name for one in verdict.findings] == ["address-pending"]
    assert verdict.requested.pools == ("infraestrutura",)


@pytest.mark.parametrize(
    ("url", "name", "host", "port"),
    [
        ("https://gitlab.example.com", "gitlab.example.com", "gitlab.example.com", 443),
        ("http://gitlab.example.com/gitlab", "gitlab.example.com", "gitlab.example.com", 80),
        ("https://gitlab.example.com:8443", "gitlab.example.com", "gitlab.example.com", 8443),
        ("https://192.0.2.9", "", "192.0.2.9", 443),
        ("https://[2001:db8::9]:8443", "", "2001:db8::9", 8443),
    ],
)
def test_gitlab_is_asked_where_the_policy_says(url: str, name: str, host: str, port: int) -> None:
    told = environment(made(url=url))
    assert (told["RB_NAME"], told["RB_GITLAB_HOST"], told["RB_GITLAB_PORT"]) == (name, host, str(port))
    assert gitlab_of(make.policy(gitlab=p.GitLab(url=url, root_groups=()))).port == port


def test_nothing_that_kubernetes_would_expand_is_left() -> None:
    """`$(X)` in a command or a value is replaced by a variable of the container; `$$` is one dollar sign."""
    pod = made(echo="https://echo.example.com/$(RB_NAME)")
    assert environment(pod)["RB_ECHO"] == "https://echo.example.com/$$(RB_NAME)"
    script = pod["spec"]["containers"][0]["command"][2]
    assert "$" not in script.replace("$$", "")


def test_its_name_fits_whatever_the_tier_is_called() -> None:
    name = probe_name("Ein_sehr.langer-Name-einer-Stufe-der-Klasse-A", "x7k2q")
    assert len(name) <= 63
    assert name == "runner-bridge-probe-ein-sehr-langer-name-einer-stu-x7k2q"


def test_it_is_plain_json() -> None:
    assert json.loads(json.dumps(made())) == made()
