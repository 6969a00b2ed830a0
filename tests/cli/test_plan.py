"""`runner-bridge plan`: a pretend GitLab and cluster, and a runner manager's folder, against a policy."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import run
from runner_bridge.simulate.cluster import Denial
from tests.cli.installed import SECRET, TOKENS
from tests.cluster.secrets import secret

if TYPE_CHECKING:
    from tests.cli.installed import Installed

OURS = "runner-bridge.dev/runner: prod-1/infra-platform"


def plan(installed: Installed, *more: str) -> int:
    return run(["plan", "--rate", "100", "--kubeconfig", installed.kubeconfig, *more])


def _link_to_nothing() -> None:
    Path("etc/config.toml").unlink()
    Path("etc/config.toml").symlink_to("nothing")


def edits(installed: Installed, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    """Return what it says for programs, by address; `!` holds the findings."""
    plan(installed, "-o", "json", *more)
    answer = json.loads(capsys.readouterr().out)
    return {one["address"]: one for one in answer["edits"]} | {"!": answer["findings"]}


def as_declared(installed: Installed) -> None:
    """Make everything as the policy says, by hand."""
    runner = installed.world.runner("group", group=installed.group)
    runner.description, runner.note, runner.tags, runner.run_untagged = "infra-platform", OURS, ["infra"], False
    Path("etc/tokens").mkdir()
    Path("etc/tokens/infra-platform").write_text(f"{runner.token}\n", encoding="utf-8")
    config = Path("etc/config.toml")
    assert run(["render", "--into", str(config), "--write"]) == 0
    merged = config.read_text(encoding="utf-8")
    config.write_text(
        merged.replace('name = "infra-platform"\n', f'name = "infra-platform"\n  token = "{runner.token}"\n'),
        encoding="utf-8",
    )


def test_it_says_what_is_created_and_changed_in_the_order_in_which_it_is_done(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(installed) == 1

    out, err = capsys.readouterr()
    assert re.findall(r"^  [+~!-] .*", out, re.MULTILINE) == [
        "  + runner.infra-platform  group:platform",
        "  + token.infra-platform  group:platform",
        "  ~ configuration.ci-main  etc/config.toml",
        "  ~ service.infra-platform  group:platform",
    ]
    assert '      +  token = "[secret]"\n' in out
    assert out.endswith("\nPlan: 2 to create, 2 to change, 0 to delete.\n")
    assert err == ""


def test_it_writes_nothing(installed: Installed) -> None:
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}

    plan(installed)

    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before
    assert {method for method, path in installed.gitlab.asked if path != "/api/graphql"} == {"GET"}
    assert len(installed.world.runners) == 1


def test_what_is_as_declared_is_an_empty_plan(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    as_declared(installed)
    capsys.readouterr()

    assert plan(installed) == 0
    assert capsys.readouterr().out == "No changes: what was compared is as the policy says.\n"


@pytest.mark.parametrize(
    ("by_hand", "told"),
    [
        pytest.param(lambda one: setattr(one, "tags", ["infra", "more"]), "runner.infra-platform", id="tag-added"),
        pytest.param(lambda one: setattr(one, "run_untagged", True), "runner.infra-platform", id="untagged"),
        pytest.param(lambda _: Path("etc/config.toml").write_text(""), "configuration.ci-main", id="file-emptied"),
    ],
)
def test_a_change_by_hand_is_told(
    installed: Installed, capsys: pytest.CaptureFixture[str], by_hand: Any, told: str
) -> None:
    as_declared(installed)
    by_hand(list(installed.world.runners.values())[-1])
    capsys.readouterr()

    assert plan(installed) == 1
    assert f"~ {told} " in capsys.readouterr().out


def test_a_token_that_is_kept_and_not_in_the_file_yet_goes_there(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    as_declared(installed)
    config = Path("etc/config.toml")
    text = config.read_text(encoding="utf-8")
    config.write_text(re.sub(r'  token = "glrt-t2_.*"\n', "", text), encoding="utf-8")
    capsys.readouterr()

    found = edits(installed, capsys)
    assert set(found) == {"configuration.ci-main", "!"}
    assert '+  token = "[secret]"' in found["configuration.ci-main"]["text"]


def test_secrets_are_read_and_their_owner_is_told_instead_of_fought(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.declare(SECRET, TOKENS)
    release = {"meta.helm.sh/release-name": "ci-main"}
    installed.cluster.create(secret("runner-config", {"config.toml": installed.sign_in_shared()}, **release))

    found = edits(installed, capsys)
    configuration = found["configuration.ci-main"]
    assert (configuration["deed"], configuration["where"]) == ("tell", "ci-team-a/runner-config")
    assert "the Helm release ci-main" in configuration["why"]
    assert found["!"] == []


@pytest.mark.parametrize(
    ("break_it", "code", "why"),
    [
        pytest.param(
            lambda one: one.cluster.cluster.access.denials.append(Denial(verb="get", plural="secrets", group="")),
            "configuration-unseen",
            "secrets",
            id="no-right-to-read-secrets",
        ),
        pytest.param(
            lambda one: one.cluster.create(secret("runner-config", {"config.toml": "a = "})),
            "configuration-unseen",
            "ci-team-a/runner-config:1",
            id="no-toml",
        ),
        pytest.param(
            lambda one: one.cluster.cluster.access.denials.append(Denial(verb="list", plural="ippools")),
            "pools-unseen",
            "ippools",
            id="no-right-to-read-pools",
        ),
        pytest.param(lambda one: one.do(one.gitlab.stop), "runners-unseen", "cannot be reached", id="gitlab-is-away"),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_holds(
    installed: Installed, capsys: pytest.CaptureFixture[str], break_it: Any, code: str, why: str
) -> None:
    installed.declare(SECRET, TOKENS)
    break_it(installed)

    found = edits(installed, capsys)
    assert why in {one["code"]: one["cause"] for one in found["!"]}[code]


def test_tokens_that_cannot_be_seen_are_not_taken_for_missing(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    runner = installed.world.runner("group", group=installed.group)
    runner.description, runner.note, runner.tags, runner.run_untagged = "infra-platform", OURS, ["infra"], False
    Path("etc/tokens").write_text("", encoding="utf-8")

    found = edits(installed, capsys)
    assert set(found) == {"!"}
    assert [one["code"] for one in found["!"]] == ["configuration-unseen"]
    assert plan(installed) == 3


def test_a_neighbour_that_is_left_out_is_not_asked(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(installed, "--without", "gitlab", "--without", "cluster") == 1

    out, err = capsys.readouterr()
    assert "Plan: 0 to create, 1 to change, 0 to delete.\n" in out
    assert err == "runner-bridge: not asked, as you said: cluster and gitlab.\n"
    assert installed.gitlab.asked == []


def test_a_target_is_planned_alone(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    found = edits(installed, capsys, "--target", "configuration.ci-main")
    assert set(found) == {"configuration.ci-main", "!"}
    assert installed.gitlab.asked == []
    assert plan(installed, "--target", "runner.other") == 2
    assert "'runner.other': names nothing of the policy" in capsys.readouterr().err


def test_pools_are_compared_where_they_are_asked_for(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    policy = Path("policy.yaml")
    text = policy.read_text(encoding="utf-8")
    policy.write_text(
        text.replace("172.16.0.0/16, class: nat", "172.16.0.0/16, class: nat, block_size: 25"), encoding="utf-8"
    )

    assert "pool.infraestrutura" not in edits(installed, capsys)
    assert edits(installed, capsys, "--pools")["pool.infraestrutura"]["deed"] == "tell"


def test_terraform_gets_a_block_for_each_runner(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(installed, "-o", "terraform") == 1
    out = capsys.readouterr().out
    assert f"  group_id         = {installed.group.id}\n" in out
    assert f'  to = gitlab_user_runner.shared\n  id = "{installed.shared.id}"\n' in out


def test_terraform_needs_gitlab(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(installed, "-o", "terraform", "--without", "gitlab") == 3
    assert capsys.readouterr().out == ""


def test_no_way_into_a_cluster_is_a_finding_unless_one_was_named(
    installed: Installed, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "nowhere.yaml")
    assert run(["plan", "--rate", "100", "-o", "json"]) == 1
    assert [one["code"] for one in json.loads(capsys.readouterr().out)["findings"]] == ["pools-unseen"]
    assert run(["plan", "--rate", "100", "--kubeconfig", "nowhere.yaml"]) == 2


VALUES = "values: clusters/release.yaml"


@pytest.mark.parametrize(
    ("says", "parts"),
    [
        pytest.param("", {"runner", "token", "configuration", "service"}, id="nothing-yet"),
        pytest.param('runnerToken: "{token}"\n', {"configuration"}, id="signed-in"),
    ],
)
def test_values_of_a_release_are_compared(
    installed: Installed, capsys: pytest.CaptureFixture[str], says: str, parts: set[str]
) -> None:
    installed.declare(VALUES, TOKENS, runners="runners: [infra-platform]")
    runner = installed.world.runner("group", group=installed.group)
    runner.tags, runner.run_untagged = ["infra"], False
    Path("clusters").mkdir()
    Path("clusters/release.yaml").write_text(says.format(token=runner.token), encoding="utf-8")

    found = edits(installed, capsys)
    assert {one["part"] for address, one in found.items() if address != "!"} == parts
    assert found["configuration.ci-main"]["is_confirmable"] is False


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        pytest.param(lambda: Path("etc").rename("gone"), "there is no folder 'etc'", id="no-folder"),
        pytest.param(lambda: Path("etc/config.toml").write_bytes(b"\xff"), "not a text file", id="no-text"),
        pytest.param(
            _link_to_nothing,
            "no such file",
            id="link-to-nothing",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_said(
    installed: Installed, capsys: pytest.CaptureFixture[str], prepare: Any, says: str
) -> None:
    prepare()
    (finding,) = edits(installed, capsys)["!"]
    assert (finding["code"], says in finding["cause"]) == ("configuration-unseen", True)


def test_a_file_that_is_mounted_is_whose_it_is_mounted_from(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("etc/..data").symlink_to("2026")
    found = edits(installed, capsys)["configuration.ci-main"]
    assert (found["deed"], "mounted there" in found["why"]) == ("tell", True)


def test_a_configuration_that_is_not_there_yet_is_created(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("etc/config.toml").unlink()
    assert edits(installed, capsys)["configuration.ci-main"]["deed"] == "create"


@pytest.mark.parametrize(
    ("values", "deed", "cause"),
    [
        pytest.param({}, "create", "", id="no-key"),
        pytest.param({"config.toml": "\udcff"}, "", "not UTF-8 text", id="no-text"),
    ],
)
def test_a_secret_without_a_configuration(
    installed: Installed, capsys: pytest.CaptureFixture[str], values: dict[str, str], deed: str, cause: str
) -> None:
    installed.declare(SECRET, TOKENS)
    installed.cluster.create(secret("runner-config", values))

    found = edits(installed, capsys)
    assert found.get("configuration.ci-main", {}).get("deed", "") == deed
    assert all(cause in one["cause"] for one in found["!"])
    assert bool(found["!"]) is bool(cause)


def test_a_runner_that_lies_elsewhere_is_found_by_its_number(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = installed.world.runner("group", group=installed.world.group("products"))
    text = f'[[runners]]\n  name = "infra-platform"\n  id = {elsewhere.id}\n  token = "{elsewhere.token}"\n'
    Path("etc/config.toml").write_text(text, encoding="utf-8")

    found = edits(installed, capsys, "--target", "runner.infra-platform")
    assert (found["runner.infra-platform"]["deed"], found["runner.infra-platform"]["runner_id"]) == (
        "tell",
        elsewhere.id,
    )


@pytest.mark.parametrize("scope", ["project:platform/deploy", "project:{number}", "project:platform/gone"])
def test_a_project_is_found_by_its_path_or_number(
    installed: Installed, capsys: pytest.CaptureFixture[str], scope: str
) -> None:
    project = installed.world.project("deploy", installed.group)
    policy = Path("policy.yaml")
    wanted = scope.format(number=project.id)
    policy.write_text(policy.read_text(encoding="utf-8").replace("group:platform", wanted), encoding="utf-8")

    found = edits(installed, capsys, "--target", "runner.infra-platform")
    if "gone" in scope:
        assert [one["code"] for one in found["!"]] == ["scope-missing"]
    else:
        assert found["runner.infra-platform"]["where"] == wanted


def test_pools_of_the_tigera_operator_come_with_their_patch(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = Path("policy.yaml")
    text = policy.read_text(encoding="utf-8").replace(
        "  name: prod-1\n", "  name: prod-1\n  calico: { pools_owner: tigera-operator }\n"
    )
    policy.write_text(text.replace("class: nat", "class: nat, block_size: 27"), encoding="utf-8")

    found = edits(installed, capsys, "--target", "pool.infraestrutura")
    assert 'path: "/spec/calicoNetwork/ipPools/-"' in found["pool.infraestrutura"]["text"]
    assert installed.gitlab.asked == []
