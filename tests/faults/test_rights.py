"""Every verb of the documented roles, taken away one by one on a real API server: `doctor` names it, and no other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ruamel.yaml import YAML

from runner_bridge.cli import run
from tests.cluster.server import BRIDGE
from tests.cluster.worlds import DEPLOY, World, binding, deny

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.server import ApiServer

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

CONFIG = Path(__file__).parents[2] / "config"
PURPOSES = {
    "check": ("rbac-read-only.yaml",),
    "label": ("rbac-run.yaml",),
    "enforce": ("rbac-run.yaml", "rbac-enforce.yaml"),
}
HERE = {"", "crd.projectcalico.org", "events.k8s.io"}
"""Groups that this server has; the roles name others for clusters that have those."""
NOT_NEEDED = {
    ("rbac-read-only.yaml", "get", "pods"),
    ("rbac-read-only.yaml", "get", "namespaces"),  # where one namespace alone is looked at
    ("rbac-read-only.yaml", "get", "events"),
    ("rbac-read-only.yaml", "get", "ippools"),
    ("rbac-read-only.yaml", "get", "clusterinformations"),  # Calico's version, for a line of doctor
    ("rbac-enforce.yaml", "get", "globalnetworkpolicies"),  # whether anything acts on the label of a quarantine
}
"""What a person is granted beside what is needed: without it nothing is missing."""


def rules(files: tuple[str, ...]) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield file, role, verb, resource and group of every rule for a group that is here."""
    for file in files:
        for document in YAML(typ="safe").load_all(DEPLOY / file):
            for rule in document.get("rules", ()) if document["kind"] == "ClusterRole" else ():
                for group in set(rule["apiGroups"]) & HERE:
                    for resource in rule["resources"]:
                        for verb in rule["verbs"]:
                            yield file, document["metadata"]["name"], verb, resource, group


def missing(server: World, purpose: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    config = str(server.kubeconfig(BRIDGE))
    run(["doctor", "--policy", "policy.yaml", "--kubeconfig", config, "--for", purpose, "-o", "json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return [one["subject"] for one in told["findings"] if one["code"] == "right-missing"]


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_verb_that_is_taken_away_is_named(
    api_server: ApiServer,
    purpose: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    policy = (CONFIG / "enforce.yaml").read_text().replace("quarantine: true }", "quarantine: true, delete: true }")
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    files = PURPOSES[purpose]
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    paths = [DEPLOY / file for file in files]
    api_server.apply(*paths)
    granted = list(rules(files))
    last = [one for one in granted if one[0] == files[-1]]  # the others are another purpose's
    bindings = [binding(f"bridge-{role}", role, BRIDGE) for role in sorted({role for _, role, *_ in granted})]
    for one in bindings:
        api_server.create(one)
    try:
        assert missing(api_server, purpose, capsys) == []
        found = {}
        for file, role, verb, resource, group in last:
            deny(api_server, resource, group, verb=verb, role=role)
            found[file, verb, resource, group] = missing(api_server, purpose, capsys)
            api_server.apply(*paths)
    finally:
        for one in bindings:
            api_server.delete(one)
    assert found == {
        (file, verb, resource, group): []
        if (file, verb, resource) in NOT_NEEDED
        else [f"{verb} {resource}.{group}" if group else f"{verb} {resource}"]
        for file, _, verb, resource, group in last
    }
