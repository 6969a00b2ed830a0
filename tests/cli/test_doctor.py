"""`doctor` on a cluster, real and pretended: healthy, with one thing wrong, and with one verb taken away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import USAGE, run
from runner_bridge.simulate import recorded
from tests.cluster import calico
from tests.cluster.pretend import Pretend
from tests.cluster.server import BRIDGE, NOBODY, READER
from tests.cluster.worlds import DEPLOY, POOLS, World, allow, binding, deny, user_of

if TYPE_CHECKING:
    from tests.cluster.server import ApiServer

OLD = "crd.projectcalico.org"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("policy.yaml").write_text(recorded.text("policy.yaml"), encoding="utf-8")


def doctor(world: World, *arguments: str, user: str | None = None) -> int:
    path = world.kubeconfig(user_of(world) if user is None else user)
    return run(["doctor", "--policy", "policy.yaml", "--kubeconfig", str(path), *arguments])


def codes(capsys: pytest.CaptureFixture[str]) -> list[tuple[str, str]]:
    told = json.loads(capsys.readouterr().out)
    return [(one["code"], one["subject"]) for one in told["findings"] if one["severity"] != "advice"]


def test_a_healthy_cluster_has_what_check_needs(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    before = len(world.audited(READER))

    assert doctor(world) == 0

    out, err = capsys.readouterr()
    assert err == ""
    assert f"cluster  {world.url} (context " in out
    assert "has the 6 rights that check takes" in out
    assert "calico   Calico's CRDs of crd.projectcalico.org\n" in out
    assert "pools    2; 0 blocks" in out
    assert "questions, 0 writes." in out
    if not isinstance(world, Pretend):
        asked = world.audited(READER)[before:]
        # Reviews are asked with POST, and change nothing.
        assert {verb for verb, uri in asked if "reviews" not in uri} <= {"get", "list"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (calico.pool("infraestrutura", "172.16.0.0/16", blockSize=26, disabled=True), "pool-gives-nothing"),
        (calico.pool("infraestrutura", "172.16.0.0/16", blockSize=26, allowedUses=["Tunnel"]), "pool-gives-nothing"),
        (calico.pool("zone", "172.16.8.0/24", blockSize=26, nodeSelector="!all()"), "pools-overlap"),
        (calico.block("172.16.84.128/28"), "block-size-differs"),
    ],
    ids=["disabled", "for tunnels alone", "overlap", "a block of another size"],
)
def test_one_thing_wrong_is_found(
    world: World, changed: dict[str, Any], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.create(changed)

    assert doctor(world, "-o", "json") == 1
    assert expected in dict(codes(capsys))


def test_a_pool_that_is_not_there_is_found(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.delete(POOLS[1])

    assert doctor(world) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "pool infraestrutura: " in out
    assert "Every job of tier infra that asks for it would wait and fail." in out


def test_kube_proxys_range_is_read_where_it_may_be(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    config = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kube-proxy", "namespace": "kube-system"},
        "data": {"config.conf": "clusterCIDR: 10.244.0.0/16\n"},
    }
    world.create(config)
    try:
        assert doctor(world, "-o", "json", user="") == 1
        assert codes(capsys) == [("pool-outside-proxy-range", "pool infraestrutura")]
    finally:
        world.delete(config)


@pytest.mark.parametrize(
    ("verb", "plural", "group"),
    [("list", "pods", ""), ("get", "ipamblocks", OLD), ("list", "ippools", OLD), ("list", "events", "")],
)
def test_a_verb_that_is_taken_away_is_named(
    world: World, verb: str, plural: str, group: str, capsys: pytest.CaptureFixture[str]
) -> None:
    deny(world, plural, group, verb=verb)
    try:
        assert doctor(world, "-o", "json") == 1
    finally:
        allow(world)
    full = f"{plural}.{group}" if group else plural
    assert ("right-missing", f"{verb} {full}") in codes(capsys)


@pytest.mark.real
@pytest.mark.parametrize(
    ("verb", "plural", "group", "role"),
    [
        ("", "", "", ""),
        ("patch", "pods", "", "runner-bridge-label"),
        ("create", "events", "events.k8s.io", "runner-bridge-label"),
        ("watch", "nodes", "", "runner-bridge-observe"),
    ],
    ids=["nothing", "patch pods", "create events", "watch nodes"],
)
def test_the_account_of_the_running_bridge_has_what_it_needs_until_a_verb_is_taken(
    api_server: ApiServer, verb: str, plural: str, group: str, role: str, capsys: pytest.CaptureFixture[str]
) -> None:
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    api_server.apply(DEPLOY / "rbac-run.yaml")
    bindings = [binding(f"bridge-{one}", f"runner-bridge-{one}", BRIDGE) for one in ("observe", "label")]
    for one in bindings:
        api_server.create(one)
    if role:
        deny(api_server, plural, group, verb=verb, role=role)

    doctor(api_server, "--for", "label", "-o", "json", user=BRIDGE)
    missing = [subject for code, subject in codes(capsys) if code == "right-missing"]
    for one in bindings:
        api_server.delete(one)
    assert missing == ([f"{verb} {plural}{f'.{group}' if group else ''}"] if role else [])


@pytest.mark.real
def test_the_rights_on_the_lease_of_run_are_asked_for_by_its_name(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    api_server.apply(DEPLOY / "rbac-run.yaml")
    bound = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "bridge-lead", "namespace": "runner-bridge"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "runner-bridge-lead"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": BRIDGE}],
    }

    def lacking(lease: str) -> list[str]:
        doctor(api_server, "--for", "observe", "--lease", lease, "-o", "json", user=BRIDGE)
        return [subject for code, subject in codes(capsys) if code == "right-missing" and "leases" in subject]

    on = "leases.coordination.k8s.io in namespace runner-bridge"
    assert lacking("runner-bridge/runner-bridge") == [f"get {on}", f"update {on}", f"create {on}"]
    api_server.create(bound)
    assert lacking("runner-bridge/runner-bridge") == []
    assert lacking("runner-bridge/another") == [f"get {on}", f"update {on}"]
    api_server.delete(bound)


@pytest.mark.real
def test_the_verb_of_run_that_watches_all_blocks_is_asked_for_where_that_is_wanted(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    api_server.apply(DEPLOY / "rbac-run.yaml")
    bound = binding("bridge-observes", "runner-bridge-observe", BRIDGE)
    api_server.create(bound)

    def lacking(how: str) -> list[str]:
        doctor(api_server, "--for", "observe", "--blocks", how, "-o", "json", user=BRIDGE)
        return [subject for code, subject in codes(capsys) if code == "right-missing"]

    try:
        assert lacking("on-demand") == []
        assert lacking("watch") == ["watch ipamblocks.crd.projectcalico.org"]
    finally:
        api_server.delete(bound)


def test_a_lease_without_a_namespace_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--policy", "policy.yaml", "--lease", "bridge"]) == USAGE
    assert "NAMESPACE/NAME" in capsys.readouterr().err


def test_the_namespace_of_a_probe_has_to_be_said_where_tiers_differ(capsys: pytest.CaptureFixture[str]) -> None:
    text = Path("policy.yaml").read_text(encoding="utf-8")
    text = text.replace("namespaces: [ci-team-a]", "namespaces: [ci-team-a, elsewhere]")
    apart = text.replace("  infra:\n", "  infra:\n    job: {namespace: elsewhere}\n", 1)
    Path("policy.yaml").write_text(apart, encoding="utf-8")
    assert run(["doctor", "--policy", "policy.yaml", "--for", "probe", "--kubeconfig", "absent"]) == 2
    assert "jobs run in ci-team-a, elsewhere. Say with -n which of them is meant." in capsys.readouterr().err


@pytest.mark.real
def test_who_may_nothing_is_told_everything_that_is_missing(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(api_server, user=NOBODY) == 1
    out = capsys.readouterr().out
    assert f"{NOBODY}, lacks 6 of the 6 rights that check takes" in out
    assert "pools    not readable; blocks not readable" in out


@pytest.mark.real
def test_whether_anything_acts_on_the_label_of_a_quarantine_is_seen(
    api_server: ApiServer, capsys: pytest.CaptureFixture[str]
) -> None:
    example = (DEPLOY.parent / "config" / "enforce.yaml").read_text(encoding="utf-8")
    Path("policy.yaml").write_text(example.replace(', "ci-job-*"', ""), encoding="utf-8")
    assert run(["render", "--policy", "policy.yaml", "-o", "out"]) == 0
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "runner-bridge"}})
    api_server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "gitlab-runners"}})
    api_server.apply(DEPLOY / "rbac-run.yaml", DEPLOY / "rbac-enforce.yaml")
    bindings = [binding(f"bridge-{one}", f"runner-bridge-{one}", BRIDGE) for one in ("observe", "label", "enforce")]
    for one in bindings:
        api_server.create(one)
    found = []
    try:
        for files in ((), (Path("out/quarantine/kubernetes.yaml"),)):
            api_server.apply(*files)
            capsys.readouterr()
            doctor(api_server, "--for", "enforce", "-o", "json", user=BRIDGE)
            found.append([code for code, _ in codes(capsys) if code.startswith(("quarantine", "right"))])
    finally:
        for one in bindings:
            api_server.delete(one)
    assert found == [["quarantine-acts-on-nothing"], []]


def test_a_cluster_that_does_not_answer_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("config").write_text(
        "{current-context: c, clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}],"
        " contexts: [{name: c, context: {cluster: c}}]}",
        encoding="utf-8",
    )

    assert run(["doctor", "--policy", "policy.yaml", "--kubeconfig", "config"]) == 3
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("runner-bridge: http://127.0.0.1:1: get /version: cannot be reached")
    assert err.count("\n") == 1
