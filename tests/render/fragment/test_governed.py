"""What the policy decides in a section."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from runner_bridge.core.errors import RenderError
from runner_bridge.core.model.annotations import ADDRESS_KEYS
from runner_bridge.core.policy import model as p
from runner_bridge.render.fragment import proof
from runner_bridge.render.fragment.governed import (
    complete,
    global_keys,
    governed,
    pool_annotations,
    stamp,
)
from runner_bridge.render.runner_config import render
from tests import make

V4 = make.pool("second", "172.17.0.0/16")
V6 = make.pool("infra-v6", "fd00:10::/48", block_size=122)


def dual(*tiers: p.Tier) -> p.Policy:
    cluster = make.policy().cluster
    return make.policy(
        *tiers,
        cluster=p.Cluster(
            name=cluster.name,
            namespaces=cluster.namespaces,
            pod_cidrs=(make.pool().cidr, V6.cidr),
            calico_version=None,
            pools_owner=cluster.pools_owner,
        ),
    )


def job(**changes: Any) -> p.JobSettings:
    values: dict[str, Any] = {
        "namespace": "ci",
        "service_account": None,
        "image": None,
        "poll_timeout_s": 360,
        "annotation_overwrites": "",
        "label_overwrites": "",
    }
    return p.JobSettings(**(values | changes))


def whole(policy: p.Policy) -> dict[str, Any]:
    return complete({}, governed(policy, next(iter(policy.runners.values()))))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (make.policy(make.tier()), {"ipv4pools": '["infraestrutura"]'}),
        (make.policy(make.tier("infra", make.pool(), V4)), {"ipv4pools": '["infraestrutura","second"]'}),
        (dual(make.tier()), {"ipv4pools": '["infraestrutura"]', "ipFamilies": '["IPv4"]'}),
        (dual(make.tier("infra", V6)), {"ipv6pools": '["infra-v6"]', "ipFamilies": '["IPv6"]'}),
        (dual(make.tier("infra", make.pool(), V6)), {"ipv4pools": '["infraestrutura"]', "ipv6pools": '["infra-v6"]'}),
        (dual(make.tier(pin=False)), {}),
    ],
    ids=["one", "spill-over", "IPv4 only", "IPv6 only", "both", "not pinned"],
)
def test_a_pod_asks_for_exactly_the_pools_of_its_tier(policy: p.Policy, expected: dict[str, str]) -> None:
    found = pool_annotations(policy, policy.tiers[p.TierName("infra")])
    assert found == {f"cni.projectcalico.org/{key}": value for key, value in expected.items()}


def test_every_overwrite_is_written_and_closed() -> None:
    kubernetes = whole(make.policy(make.tier()))["kubernetes"]
    assert {key: value for key, value in kubernetes.items() if key.endswith("_overwrite_allowed")} == {
        "bearer_token_overwrite_allowed": False,
        "namespace_overwrite_allowed": "",
        "service_account_overwrite_allowed": "",
        "node_selector_overwrite_allowed": "",
        "node_tolerations_overwrite_allowed": "",
        "pod_labels_overwrite_allowed": "",
        "pod_annotations_overwrite_allowed": "",
    }


def test_an_allow_list_of_the_tier_is_carried_over() -> None:
    tier = make.tier(job=job(annotation_overwrites="^team=", label_overwrites="^cost="))
    kubernetes = whole(make.policy(tier))["kubernetes"]
    assert kubernetes["pod_annotations_overwrite_allowed"] == "^team="
    assert kubernetes["pod_labels_overwrite_allowed"] == "^cost="


def test_optional_settings_are_written_only_where_the_policy_has_them() -> None:
    bare = whole(make.policy(make.tier()))["kubernetes"]
    said = whole(make.policy(make.tier(os="windows", job=job(image="alpine", service_account="ci"))))["kubernetes"]
    assert {"image", "service_account", "node_selector"}.isdisjoint(bare)
    assert (said["image"], said["service_account"]) == ("alpine", "ci")
    assert said["node_selector"] == {"kubernetes.io/os": "windows"}


def test_a_tiers_labels_and_annotations_are_on_the_pod_but_never_in_the_place_of_ours() -> None:
    tier = make.tier(
        labels={"cost-centre": "infra", "runner-bridge.dev/tier": "other"},
        annotations={"example.com/a": "$CI_JOB_ID", "runner-bridge.dev/generation": "0"},
    )
    kubernetes = whole(make.policy(tier))["kubernetes"]
    assert kubernetes["pod_labels"] == {"cost-centre": "infra", "runner-bridge.dev/tier": "infra"}
    assert kubernetes["pod_annotations"]["example.com/a"] == "$CI_JOB_ID"
    assert len(kubernetes["pod_annotations"]["runner-bridge.dev/generation"]) == 12


def test_globals_are_those_of_the_policy_and_concurrent_never_ends_the_runner() -> None:
    manager = p.Manager(
        concurrent=0,
        check_interval_s=1,
        shutdown_timeout_s=2,
        log_level="warn",
        log_format="json",
        listen_address=":9252",
    )
    policy = make.policy(manager=manager)
    assert global_keys(policy) == {
        "concurrent": 1,
        "check_interval": 1,
        "shutdown_timeout": 2,
        "log_level": "warn",
        "log_format": "json",
        "listen_address": ":9252",
    }
    text = render(policy)["config.toml"]
    assert text.index("listen_address") < text.index("[[runners]]")
    assert tomllib.loads(text)["log_format"] == "json"


def test_a_policy_without_runners_gives_a_file_without_runners() -> None:
    assert tomllib.loads(render(make.policy(make.tier(runners=())))["config.toml"]) == {"concurrent": 20}


@pytest.mark.parametrize("changed", [1, 1.0, True, "1"])
def test_the_stamp_tells_types_apart(changed: object) -> None:
    section = whole(make.policy())
    others = [{**section, "x": other} for other in (1, 1.0, True, "1") if type(other) is not type(changed)]
    assert stamp({**section, "x": changed}) not in [stamp(other) for other in others]


@pytest.mark.parametrize(
    ("tier", "message"),
    [
        (make.tier(annotations={"cni.projectcalico.org/ipAddrs": '["172.16.0.1"]'}), "its pods would ask for"),
        (make.tier(pin=False, annotations={ADDRESS_KEYS[0]: '["other"]'}), "its pods would ask for"),
        (make.tier("infra", make.pool("$POOL")), "without variables"),
        (make.tier(labels={"job.runner.gitlab.com/id": "1"}), "in a domain whose labels the runner drops"),
        (make.tier(labels={"Runner.GitLab.com/id": "1"}), "in a domain whose labels the runner drops"),
    ],
)
def test_a_file_that_would_not_do_what_the_policy_says_never_leaves(tier: p.Tier, message: str) -> None:
    with pytest.raises(RenderError, match=message):
        render(make.policy(tier))


@pytest.mark.parametrize("text", ["", "infra", '"infra"', "[1]", '[""]', '["$X"]', '{"a": 1}', "null"])
def test_an_annotation_that_is_no_list_of_names_is_refused(text: str) -> None:
    policy = make.policy()
    with pytest.raises(RenderError, match="expected a JSON list of names without variables"):
        proof.prove_annotations("x", policy, policy.tiers[p.TierName("infra")], {ADDRESS_KEYS[0]: text})


def test_an_overwrite_that_is_open_is_refused() -> None:
    policy = make.policy()
    runner = next(iter(policy.runners.values()))
    section = whole(policy)
    section["kubernetes"]["namespace_overwrite_allowed"] = ".*"
    with pytest.raises(RenderError, match=r"namespace_overwrite_allowed is '\.\*', expected an empty one"):
        proof.prove_section("x", policy, runner, section)


def test_text_that_is_no_toml_or_says_something_else_is_refused() -> None:
    with pytest.raises(RenderError, match=r"^x: what was written is no TOML"):
        proof.parse_back("a = ", "x")
    with pytest.raises(RenderError, match=r"^x: what was written differs"):
        proof.prove_same("x", {"a": True}, {"a": 1})
