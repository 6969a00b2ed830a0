"""`runner-bridge apply`: on a pretend GitLab, cluster and runner manager, the world afterwards."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner_bridge.cli import run
from runner_bridge.core.model.ledger import Step
from runner_bridge.ports.ledger import Ledger
from runner_bridge.simulate.cluster import Denial
from tests.cli.installed import SECRET, TOKENS
from tests.cli.pretend_manager import PretendManager, of_file
from tests.cluster.secrets import secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.installed import Installed

LEDGER = "sqlite:///ledger.db"
CONFIG = Path("etc/config.toml")


def apply(installed: Installed, *more: str) -> int:
    flags = ("--rate", "100", "--kubeconfig", installed.kubeconfig, "--ledger", LEDGER, "--wait", "20")
    return run(["apply", "--yes", *flags, *more])


ONE = ("--target", "runner.infra-platform")


def plan(installed: Installed, *more: str) -> int:
    return run(["plan", "--rate", "100", "--kubeconfig", installed.kubeconfig, *more])


@pytest.fixture
def manager(installed: Installed) -> Iterator[PretendManager]:
    one = PretendManager(of_file(CONFIG), installed.world, Path("manager.log"))
    yield one
    one.close()


def steps() -> list[tuple[str, Step | None]]:
    with closing(Ledger.open(LEDGER, read_only=True)) as ledger:
        assert ledger.verify() == []
        return [(one.entry.act, one.entry.step) for one in ledger.entries()]


def ours(installed: Installed) -> list[Any]:
    return [one for one in installed.world.runners.values() if "runner-bridge.dev" in one.note]


def test_a_runner_is_made_signed_in_loaded_and_put_into_service(
    installed: Installed, manager: PretendManager, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(installed) == 0

    out, err = capsys.readouterr()
    (runner,) = ours(installed)
    assert (runner.paused, runner.tags, runner.group) == (False, ["infra"], installed.group)
    assert runner.note == "runner-bridge.dev/runner: prod-1/infra-platform"
    assert Path("etc/tokens/infra-platform").read_text().strip() == runner.token
    assert Path("etc/tokens/infra-platform").stat().st_mode & 0o777 == 0o600
    assert manager.tokens == {runner.token, installed.shared.token}
    assert "done  configuration.ci-main: Loaded. Loaded by its manager.\n" in out
    assert out.endswith("\nApplied: 3 done, 0 left.\n")
    assert runner.token not in out + err
    assert plan(installed) == 0


def test_every_step_is_in_the_ledger_before_it_is_done(installed: Installed, manager: PretendManager) -> None:
    apply(installed)
    acts = ["create-runner", "write-configuration", "put-into-service"]
    assert steps() == [pair for act in acts for pair in ((act, Step.INTENT), (act, Step.DONE))]
    assert manager.loaded == 2


def test_what_a_manager_refuses_is_put_back_to_the_byte_and_its_runner_stays_paused(
    installed: Installed, manager: PretendManager, capsys: pytest.CaptureFixture[str]
) -> None:
    manager.is_picky = True
    before = CONFIG.read_bytes()

    assert apply(installed) == 1

    out = capsys.readouterr().out
    assert CONFIG.read_bytes() == before
    (runner,) = ours(installed)
    assert runner.paused
    assert re.search(r"LEFT  configuration\.ci-main: Put back\. Refused by manager\.log: decoding configuration", out)
    assert "LEFT  service.infra-platform: Stays paused: its managers have not loaded its configuration.\n" in out

    manager.is_picky = False
    assert apply(installed) == 0
    assert len(ours(installed)) == 1
    assert not ours(installed)[0].paused
    assert plan(installed) == 0


def secrets(installed: Installed, text: str) -> None:
    installed.declare(SECRET, TOKENS)
    installed.cluster.create(secret("runner-config", {"config.toml": text, "other": "x"}))


def test_what_nobody_confirms_is_written_and_its_runner_waits_until_gitlab_has_heard_of_it(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.declare("values: release.yaml", TOKENS, runners="runners: [infra-platform]")
    policy = Path("policy.yaml")
    policy.write_text(policy.read_text(encoding="utf-8").replace("    loaded: { logs: [manager.log] }\n", ""))
    Path("release.yaml").write_text("runners:\n  secret: ci-token\n", encoding="utf-8")
    runner = installed.world.runner("group", group=installed.group)
    runner.description, runner.tags, runner.run_untagged, runner.paused = "infra-platform", ["infra"], False, True
    runner.note = "runner-bridge.dev: created, not in service yet\nrunner-bridge.dev/runner: prod-1/infra-platform"

    assert apply(installed, *ONE) == 1
    out = capsys.readouterr().out
    assert "done  configuration.ci-main: Written, not confirmed." in out
    assert "LEFT  service.infra-platform: Stays paused: GitLab has heard of 0 of 1 manager of it." in out

    installed.world.sign_in(runner, "s_1")
    assert apply(installed, *ONE) == 0
    assert not runner.paused
    assert plan(installed, *ONE) == 0


def test_a_secret_keeps_what_else_is_in_it(installed: Installed) -> None:
    secrets(installed, installed.sign_in_shared())
    Path("manager.log").touch()

    apply(installed, "--wait", "1", "--target", "configuration.ci-main")

    found = installed.cluster.admin("GET", "/api/v1/namespaces/ci-team-a/secrets/runner-config")["data"]
    assert sorted(found) == ["config.toml", "other"]


def test_nothing_is_applied_where_not_everything_was_seen(
    installed: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    installed.cluster.cluster.access.denials.append(Denial(verb="list", plural="ippools"))
    before = CONFIG.read_bytes()
    assert apply(installed) == 3
    assert (CONFIG.read_bytes(), ours(installed)) == (before, [])
    assert "nothing was applied" in capsys.readouterr().err


def _deny_secrets(installed: Installed) -> None:
    secrets(installed, installed.sign_in_shared())
    Path("manager.log").touch()
    installed.cluster.cluster.access.denials.append(Denial(verb="create", plural="secrets"))


def _fill_secret(installed: Installed) -> None:
    secrets(installed, installed.sign_in_shared())
    installed.cluster.create(secret("runner-tokens", {"other": "x" * (1024 * 1024)}))
    Path("manager.log").touch()


def _read_only(_: Installed) -> None:
    Path("manager.log").touch()
    Path("etc/tokens").symlink_to("/proc")


@pytest.mark.parametrize(
    ("break_it", "code", "says"),
    [
        pytest.param(lambda _: None, 3, "manager.log: no such file", id="manager-not-heard"),
        pytest.param(_deny_secrets, 3, "create secrets in namespace ci-team-a: not allowed", id="no-right"),
        pytest.param(_fill_secret, 2, "would hold 1,04", id="secret-too-large"),
        pytest.param(_read_only, 2, "/proc", id="read-only"),
    ],
)
def test_what_could_not_be_finished_is_not_begun(
    installed: Installed, capsys: pytest.CaptureFixture[str], break_it: Any, code: int, says: str
) -> None:
    break_it(installed)
    before = CONFIG.read_bytes()
    assert apply(installed) == code
    assert (CONFIG.read_bytes(), ours(installed)) == (before, [])
    err = capsys.readouterr().err
    assert "nothing was applied" in err
    assert says in err


def test_a_linked_configuration_is_written_where_it_lies(installed: Installed) -> None:
    CONFIG.rename("real.toml")
    CONFIG.symlink_to("../real.toml")
    manager = PretendManager(of_file(CONFIG), installed.world, Path("manager.log"))
    try:
        assert apply(installed) == 0
    finally:
        manager.close()
    assert CONFIG.is_symlink()
    assert "infra-platform" in Path("real.toml").read_text(encoding="utf-8")


def test_a_token_that_expires_in_the_middle_leaves_a_runner_that_the_next_apply_finishes(
    installed: Installed, manager: PretendManager, capsys: pytest.CaptureFixture[str]
) -> None:
    (managing,) = (one for one in installed.world.tokens.values() if one.scopes == ("manage_runner",))
    managing.is_revoked = True
    assert apply(installed) == 1
    (runner,) = ours(installed)
    assert runner.paused
    assert "done  configuration.ci-main: Loaded." in capsys.readouterr().out

    managing.is_revoked = False
    assert apply(installed) == 0
    assert not runner.paused
    assert manager.tokens == {runner.token, installed.shared.token}


def test_hand_edits_are_mended_and_what_is_nobodys_is_deleted_last(
    installed: Installed, manager: PretendManager, capsys: pytest.CaptureFixture[str]
) -> None:
    assert apply(installed) == 0
    (runner,) = ours(installed)
    runner.tags, runner.run_untagged, runner.description = ["other"], True, "x"
    old = installed.world.runner("group", group=installed.group)
    old.note = "runner-bridge.dev/runner: prod-1/of-yesterday"
    capsys.readouterr()

    assert apply(installed) == 0
    assert (runner.tags, runner.run_untagged, runner.description) == (["infra"], False, "infra-platform")
    assert old.id not in installed.world.runners
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"done  runner.#{old.id}: Deleted.",
        "",
        "Applied: 2 done, 0 left.",
    ]
    assert manager.refused == 0


def test_a_runner_that_cannot_be_moved_is_replaced_by_the_steps_that_are_printed(
    installed: Installed, manager: PretendManager, capsys: pytest.CaptureFixture[str]
) -> None:
    apply(installed)
    (old,) = ours(installed)
    old.group = installed.world.group("elsewhere")
    capsys.readouterr()
    assert plan(installed) == 1
    out = capsys.readouterr().out
    _, _, steps = out.partition("another group -> group:platform\n")
    assert [line.strip() for line in steps.splitlines()[:3]] == [
        f"1. In GitLab, pause runner #{old.id}, wait until its jobs have ended, and delete it.",
        "2. In etc/config.toml, take `id` and `token` out of the section infra-platform.",
        "3. runner-bridge apply --target runner.infra-platform",
    ]

    del installed.world.runners[old.id]
    lines = CONFIG.read_text(encoding="utf-8").splitlines(keepends=True)
    CONFIG.write_text("".join(line for line in lines if old.token not in line), encoding="utf-8")
    assert apply(installed, *ONE) == 0

    (runner,) = ours(installed)
    assert (runner.group, runner.paused) == (installed.group, False)
    assert manager.tokens == {runner.token, installed.shared.token}
    assert Path("etc/tokens/infra-platform").read_text(encoding="utf-8").strip() == runner.token
    assert plan(installed) == 0


def generate_pool() -> None:
    policy = Path("policy.yaml")
    text = policy.read_text(encoding="utf-8")
    policy.write_text(text.replace("class: nat", "class: nat, block_size: 26, nat_outgoing: true, automatic: false"))


def test_pools_that_are_ours_are_made_first(installed: Installed, manager: PretendManager) -> None:
    generate_pool()
    installed.cluster.admin("DELETE", "/apis/crd.projectcalico.org/v1/ippools/infraestrutura")
    assert apply(installed) == 3
    assert ours(installed) == []

    assert apply(installed, "--pools") == 0
    made = installed.cluster.admin("GET", "/apis/crd.projectcalico.org/v1/ippools/infraestrutura")["spec"]
    assert (made["cidr"], made["natOutgoing"], made["nodeSelector"]) == ("172.16.0.0/16", True, "!all()")
    assert manager.tokens == {one.token for one in installed.world.runners.values()}


def test_a_pool_is_changed_and_its_other_fields_stay(installed: Installed) -> None:
    generate_pool()
    path = "/apis/crd.projectcalico.org/v1/ippools/infraestrutura"
    patch = {"spec": {"disabled": True, "disableBGPExport": True}}
    installed.cluster.admin("PATCH", path, patch, kind="application/merge-patch+json")

    assert apply(installed, "--target", "pool.infraestrutura") == 0
    found = installed.cluster.admin("GET", path)["spec"]
    assert (found["disabled"], found["disableBGPExport"]) == (False, True)


def test_it_asks_and_takes_no_for_an_answer(installed: Installed, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["apply", "--ledger", LEDGER, "--kubeconfig", installed.kubeconfig]) == 2
    assert "Give --yes" in capsys.readouterr().err
