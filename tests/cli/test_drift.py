"""`runner-bridge drift`: what was changed behind the policy, in GitLab, in a file and in the cluster."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import run
from runner_bridge.simulate.cluster import Denial
from tests.cli.pretend_manager import PretendManager, of_file
from tests.cli.test_plan import as_declared

if TYPE_CHECKING:
    from tests.cli.installed import Installed


def drift(installed: Installed, *more: str) -> int:
    return run(["drift", "--rate", "100", "--kubeconfig", installed.kubeconfig, *more])


@pytest.fixture
def in_order(installed: Installed, capsys: pytest.CaptureFixture[str]) -> Installed:
    policy = Path("policy.yaml")
    text = policy.read_text(encoding="utf-8")
    pool = "infraestrutura: { cidr: 172.16.0.0/16, class: nat"
    policy.write_text(
        text.replace(pool, f"{pool}, nat_outgoing: true, automatic: false, encapsulation: none").replace(
            "default: { cidr: 10.244.0.0/16, class: routable",
            "default: { cidr: 10.244.0.0/16, class: routable, generate: false",
        ),
        encoding="utf-8",
    )
    as_declared(installed)
    capsys.readouterr()
    return installed


def test_where_everything_is_as_declared_it_says_so(in_order: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    assert drift(in_order) == 0
    assert capsys.readouterr().out == "Everything that was compared is as declared.\n"


def annotate(installed: Installed) -> None:
    annotations = {"cni.projectcalico.org/ipv4pools": '["infraestrutura"]'}
    metadata = {"name": "team", "annotations": annotations}
    installed.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def edit_file() -> None:
    config = Path("etc/config.toml")
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("infraestrutura", "default"), encoding="utf-8")


@pytest.mark.parametrize(
    ("by_hand", "code", "command"),
    [
        pytest.param(
            lambda one: list(one.world.runners.values())[-1].tags.append("more"),
            "runner-drifted",
            "runner-bridge apply --target runner.infra-platform",
            id="runner",
        ),
        pytest.param(
            lambda one: one.world.runners.popitem(),
            "runner-gone",
            "runner-bridge apply --target runner.infra-platform",
            id="runner-deleted",
        ),
        pytest.param(
            lambda _: edit_file(),
            "configuration-drifted",
            "runner-bridge apply --target configuration.ci-main",
            id="file",
        ),
        pytest.param(
            annotate,
            "namespace-grants-pool",
            "kubectl annotate namespace team cni.projectcalico.org/ipv4pools-",
            id="namespace",
        ),
    ],
)
def test_a_change_by_hand_is_told_with_the_command_that_mends_it(
    in_order: Installed, capsys: pytest.CaptureFixture[str], by_hand: Any, code: str, command: str
) -> None:
    by_hand(in_order)

    assert drift(in_order, "-o", "json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert code in [one["code"] for one in answer["findings"]]
    assert command in next(one["remedy"] for one in answer["findings"] if one["code"] == code)
    assert drift(in_order) == 1
    assert "as declared" in capsys.readouterr().out


def test_no_secret_is_part_of_what_is_shown(in_order: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    edit_file()
    for output in ("text", "json"):
        drift(in_order, "-o", output)
        out, err = capsys.readouterr()
        assert not [one.token for one in in_order.world.runners.values() if one.token in out + err]


def test_what_cannot_be_read_is_no_clean_answer(in_order: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    in_order.cluster.cluster.access.denials.append(Denial(verb="list", plural="namespaces", group=""))
    assert drift(in_order) == 3
    out = capsys.readouterr().out
    assert "[namespaces-unseen]" in out
    assert out.endswith("Everything that was compared is as declared; 1 could not be compared, so there may be more.\n")
    in_order.do(in_order.gitlab.stop)
    assert drift(in_order, "--without", "gitlab", "--without", "cluster") == 0
    assert "not asked, as you said: cluster and gitlab." in capsys.readouterr().err


def test_nothing_is_written(in_order: Installed) -> None:
    edit_file()
    before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    drift(in_order)
    assert {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()} == before


def apply(installed: Installed, *more: str) -> int:
    flags = ("--rate", "100", "--kubeconfig", installed.kubeconfig, "--ledger", "sqlite:///ledger.db", "--wait", "20")
    return run(["apply", "--yes", *flags, *more])


@pytest.mark.parametrize(
    "by_hand",
    [
        pytest.param(lambda one: setattr(one, "tags", ["infra", "more"]), id="tag"),
        pytest.param(lambda one: setattr(one, "run_untagged", True), id="untagged"),
        pytest.param(lambda _: edit_file(), id="file"),
    ],
)
def test_the_command_that_is_said_mends_it(
    in_order: Installed, capsys: pytest.CaptureFixture[str], by_hand: Any
) -> None:
    manager = PretendManager(of_file(Path("etc/config.toml")), in_order.world, Path("manager.log"))
    by_hand(list(in_order.world.runners.values())[-1])
    assert drift(in_order, "-o", "json") == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    found = re.match(r"`runner-bridge apply (--target [\w.-]+)`", finding["remedy"])
    assert found

    assert apply(in_order, *found[1].split()) == 0
    manager.close()
    assert drift(in_order) == 0
