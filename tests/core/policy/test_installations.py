"""Where runner managers are installed: who serves what, and where it is written."""

from __future__ import annotations

from runner_bridge.core.policy.model import Store, StoreKind
from tests.core.policy.base import POLICY, changed, read

TWO = """\
installations:
  ci-main:
    configuration: {secret: gitlab-runners/runner-config}
    tokens: {secret: gitlab-runners/runner-tokens}
    loaded: {metrics: ["http://127.0.0.1:9252/metrics"]}
  infra:
    runners: [infra-19241]
    configuration: {file: /etc/gitlab-runner/config.toml}
    tokens: {directory: /etc/gitlab-runner/tokens}
    loaded: {logs: [/var/log/runner.log]}
privacy:"""


def test_an_installation_serves_what_no_other_one_names() -> None:
    policy = read(changed(("privacy:", TWO)))
    assert {name: one.runners for name, one in policy.installations.items()} == {
        "ci-main": ("infra-platform", "shared"),
        "infra": ("infra-19241",),
    }


def test_a_secret_has_the_key_that_the_image_reads() -> None:
    main, host = read(changed(("privacy:", TWO))).installations.values()
    assert main.configuration == Store(
        kind=StoreKind.SECRET, namespace="gitlab-runners", name="runner-config", key="config.toml"
    )
    assert [str(main.configuration), str(main.tokens), str(host.tokens)] == [
        "gitlab-runners/runner-config",
        "gitlab-runners/runner-tokens",
        "/etc/gitlab-runner/tokens",
    ]
    assert (main.metrics, host.logs) == (("http://127.0.0.1:9252/metrics",), ("/var/log/runner.log",))


def test_a_policy_may_say_nothing_of_them() -> None:
    policy = read(POLICY)
    assert not policy.installations
    assert {(one.locked, one.protected, one.paused, one.maximum_timeout_s) for one in policy.runners.values()} == {
        (None, None, None, None)
    }
