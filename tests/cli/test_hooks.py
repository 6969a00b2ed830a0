"""`runner-bridge hooks`: against a pretend GitLab that posts to a real receiver, there and back."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner_bridge.ask.hooks import Receiver
from runner_bridge.ask.web import make_app, serve
from runner_bridge.cli import run
from runner_bridge.cli.hook_secrets import Keeping, SecretFiles, read_secrets
from runner_bridge.core.errors import SettingsError
from tests.ask.web.serving import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner_bridge.core.model.gitlab import JobEvent, PipelineEvent
    from runner_bridge.simulate.gitlab.webhooks import Webhook
    from tests.cli.served import Served

SIGNING = "whsec_RkFLRVNFQ1JFVEZBS0VTRUNSRVRGQUtFU0VDUkVU"
SIGNED = "--hook-signing-file=signing"
OTHER = "whsec_QU5PVEhFUkZBS0VTRUNSRVRBTk9USEVSRkFLRVNF"


class Bridge:
    """A receiver that listens beside the pretend GitLab."""

    def __init__(self, served: Served) -> None:
        self.served = served
        self.hints: list[JobEvent | PipelineEvent] = []
        self.said: list[str] = []
        self.url = ""
        self._stack = AsyncExitStack()

    async def start(self) -> None:
        async def hint(event: JobEvent | PipelineEvent) -> None:
            self.hints.append(event)

        secrets = read_secrets(SecretFiles(signing="signing", token=""))
        receiver = Receiver(secrets=lambda: secrets, hint=hint, count=lambda _: None, tell=self.said.append)
        address = await self._stack.enter_async_context(serve(make_app(sources(hooks=receiver)), "127.0.0.1", 0))
        self.url = f"{address}/hooks/gitlab"

    async def stop(self) -> None:
        await self._stack.aclose()

    def webhooks(self) -> list[Webhook]:
        return list(self.served.world.webhooks.values())


@pytest.fixture
def bridge(served: Served) -> Iterator[Bridge]:
    world = served.world
    world.allows_local_hooks = True
    Path("token").write_text(world.token(world.user("boss", is_admin=True), "api"), encoding="utf-8")
    Path("signing").write_text(f"{SIGNING}\n", encoding="utf-8")
    policy = Path("policy.yaml").read_text(encoding="utf-8").replace("root_groups: []", "root_groups: [product]")
    Path("policy.yaml").write_text(policy.replace("19241", str(served.some("research/").id)), encoding="utf-8")
    bridge = Bridge(served)
    served.do(bridge.start)
    yield bridge
    served.do(bridge.stop)


def hooks(bridge: Bridge, verb: str, *more: str, secret: str = SIGNED) -> int:
    return run(["hooks", verb, "--url", bridge.url, "--token-file", "token", "--rate", "100", secret, *more])


def job(bridge: Bridge, start: str = "platform/") -> None:
    bridge.served.world.job(bridge.served.some(start))


def test_plan_then_apply_then_an_empty_plan(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    assert hooks(bridge, "plan") == 1
    out = capsys.readouterr().out
    assert "+ webhook of group:platform: There is none with this address." in out
    assert "3 to create" in out
    assert bridge.webhooks() == []

    assert hooks(bridge, "apply", "--yes") == 0
    project = bridge.served.some("research/").path
    assert sorted(one.owner.path for one in bridge.webhooks()) == ["platform", "product", project]
    assert {frozenset(one.events) for one in bridge.webhooks()} == {frozenset({"job_events"})}

    capsys.readouterr()
    assert hooks(bridge, "plan") == 0
    assert "Nothing to do" in capsys.readouterr().out
    assert hooks(bridge, "apply") == 0, "and nobody is asked"
    assert len(bridge.webhooks()) == 3


def test_a_project_below_a_group_that_tells_of_it_needs_none(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = Path("policy.yaml").read_text(encoding="utf-8").replace("[product]", "[research]")
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    assert hooks(bridge, "plan", "-o", "json") == 1
    assert json.loads(capsys.readouterr().out)["owners"] == ["group:platform", "group:research"]


def test_nothing_is_changed_unless_somebody_says_yes(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter("n\n")
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _prompt: next(answers))
    assert hooks(bridge, "apply") == 1
    assert "nothing was changed" in capsys.readouterr().err
    assert bridge.webhooks() == []


def test_what_somebody_changed_by_hand_is_planned_and_put_right(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    hooks(bridge, "apply", "--yes")
    one = bridge.webhooks()[0]
    one.verifies_tls, one.events = False, {"job_events", "push_events"}
    capsys.readouterr()
    assert hooks(bridge, "plan", "-o", "json") == 1
    (edit,) = json.loads(capsys.readouterr().out)["edits"]
    assert (edit["deed"], [field["name"] for field in edit["fields"]]) == (
        "update",
        ["enable_ssl_verification", "push_events"],
    )
    assert hooks(bridge, "apply", "--yes") == 0
    assert (one.verifies_tls, one.events, one.hook.signing) == (True, {"job_events"}, SIGNING)


def test_verify_has_gitlab_post_to_the_bridge(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    hooks(bridge, "apply", "--yes")
    assert hooks(bridge, "verify") == 0
    assert "no job yet" in capsys.readouterr().err
    job(bridge)
    assert hooks(bridge, "verify") == 0
    assert "delivered" in capsys.readouterr().err
    assert [one.project_path.partition("/")[0] for one in bridge.hints] == ["platform"]


def test_a_secret_that_differs_is_found_and_set_anew(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    hooks(bridge, "apply", "--yes")
    job(bridge)
    Path("signing").write_text(OTHER, encoding="utf-8")
    assert hooks(bridge, "apply", "--yes", "--renew-secrets") == 0
    assert {one.hook.signing for one in bridge.webhooks()} == {OTHER}
    assert hooks(bridge, "verify") == 1, "the bridge still has the one before"
    assert "signed with another key" in "".join(bridge.said)
    out, err = capsys.readouterr()
    assert not any(secret in out + err for secret in (SIGNING, OTHER, Path("token").read_text(encoding="utf-8")))


def test_a_webhook_that_was_switched_off_is_woken(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    hooks(bridge, "apply", "--yes")
    job(bridge)
    one = next(one for one in bridge.webhooks() if one.owner.path == "platform")
    one.failures = 40
    capsys.readouterr()
    assert hooks(bridge, "plan") == 1
    assert "alert_status: disabled -> executable" in capsys.readouterr().out
    assert hooks(bridge, "apply", "--yes") == 0
    assert one.failures == 0
    assert hooks(bridge, "plan") == 0


def test_a_gitlab_that_does_not_sign_is_told_and_works_with_a_token(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge.served.server.version = "18.11.2"
    assert hooks(bridge, "apply", "--yes") == 1
    assert "--hook-token-file" in capsys.readouterr().err
    assert hooks(bridge, "plan") == 3, "they are there, and would all be refused"
    assert "--hook-token-file" in capsys.readouterr().out
    Path("plain").write_text("FAKE-token-of-a-hook", encoding="utf-8")
    assert hooks(bridge, "apply", "--yes", "--renew-secrets", secret="--hook-token-file=plain") == 0
    assert {one.hook.secret for one in bridge.webhooks()} == {"FAKE-token-of-a-hook"}
    assert hooks(bridge, "plan", secret="--hook-token-file=plain") == 0


def test_on_free_each_project_has_its_own(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    bridge.served.world.has_group_hooks = False
    assert hooks(bridge, "plan") == 1
    assert "--per-project" in capsys.readouterr().out
    assert hooks(bridge, "apply", "--yes", "--per-project") == 0
    paths = {one.path for one in bridge.served.world.projects.values() if not one.archived}
    expected = {one for one in paths if one.startswith(("platform/", "product/"))}
    assert {one.owner.path for one in bridge.webhooks()} == expected | {bridge.served.some("research/").path}


def test_a_private_address_that_gitlab_refuses_names_the_setting(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge.served.world.allows_local_hooks = False
    assert hooks(bridge, "apply", "--yes") == 1
    assert "Outbound requests" in capsys.readouterr().err
    assert bridge.webhooks() == []


def test_a_token_that_only_reads_plans_and_does_not_apply(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    Path("token").write_text(bridge.served.token, encoding="utf-8")
    assert hooks(bridge, "plan") == 1
    assert hooks(bridge, "apply", "--yes") == 1
    assert "scope" in capsys.readouterr().err


def test_an_instance_runner_without_root_groups_is_not_proven(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = Path("policy.yaml").read_text(encoding="utf-8").replace("[product]", "[]")
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    assert hooks(bridge, "apply", "--yes") == 3
    assert "name gitlab.root_groups" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--url", "bridge.example.com"], "--url: expected an address"),
        (["--url", "https://a:b@bridge.example.com/hooks/gitlab"], "--url: expected an address"),
        (["--hook-signing-file", ""], "no secret"),
        (["--hook-signing-file", "token"], "no signing key"),
        (["--hook-signing-file", "missing"], "missing"),
    ],
)
def test_wrong_settings_are_told_before_gitlab_is_asked(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], more: list[str], said: str
) -> None:
    assert hooks(bridge, "plan", *more) == 2
    assert said in capsys.readouterr().err
    assert bridge.served.server.asked == []


def test_secrets_are_read_again_and_those_of_before_kept_where_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    file = Path("signing")
    with pytest.raises(SettingsError):
        Keeping(SecretFiles(signing="signing", token=""), said.append)
    file.write_text(SIGNING, encoding="utf-8")
    secrets = Keeping(SecretFiles(signing="signing", token=""), said.append)
    first = secrets().signing
    file.write_text("half of i", encoding="utf-8")
    secrets.again()
    secrets.again()
    assert secrets().signing == first
    assert len(said) == 1
    file.write_text(f"{OTHER}\n{SIGNING}", encoding="utf-8")
    secrets.again()
    assert secrets().signing[1:] == first
