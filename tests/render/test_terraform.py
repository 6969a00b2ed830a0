"""Runners as blocks of Terraform."""

from __future__ import annotations

import re

from runner_bridge.core.policy import model as p
from runner_bridge.render import terraform
from tests import make

PROJECT = p.Scope(kind=p.ScopeKind.PROJECT, target="platform/deploy")


def blocks(*runners: p.Runner, **existing: int) -> str:
    policy = make.policy(make.tier(runners=runners))
    targets = {"group:platform": 7, "project:platform/deploy": None}
    known = {p.RunnerName(name.replace("_", "-")): number for name, number in existing.items()}
    return terraform.blocks(policy, targets=targets, existing=known).partition("\n\n")[0].partition("resource")[2]


def test_a_new_runner_is_created_paused() -> None:
    assert blocks(make.runner(tags=("b", "a"))) == (
        ' "gitlab_user_runner" "infra-platform" {\n'
        '  runner_type      = "group_type"\n'
        "  group_id         = 7\n"
        '  description      = "infra-platform"\n'
        '  tag_list         = ["a", "b"]\n'
        "  untagged         = false\n"
        '  access_level     = "not_protected"\n'
        "  paused           = true\n"
        '  maintenance_note = "runner-bridge.dev/runner: prod-1/infra-platform"\n'
        "}\n"
    )


def test_everything_that_is_declared_is_in_it() -> None:
    text = blocks(make.runner("9.x", scope=PROJECT, locked=True, protected=True, paused=False, maximum_timeout_s=900))
    assert ' "runner_9_x" {' in text
    for line in (
        "project_id       = null # project:platform/deploy: not seen in GitLab",
        'access_level     = "ref_protected"',
        "locked           = true",
        "maximum_timeout  = 900",
    ):
        assert f"\n  {line}\n" in text


def test_a_runner_that_exists_is_imported_and_not_paused() -> None:
    policy = make.policy(make.tier(runners=(make.runner(), make.runner("b", paused=True))))
    text = terraform.blocks(policy, targets={}, existing={p.RunnerName("infra-platform"): 17, p.RunnerName("b"): 18})
    assert 'import {\n  to = gitlab_user_runner.infra-platform\n  id = "17"\n}\n' in text
    assert re.findall(r"^  paused .*", text, re.MULTILINE) == ["  paused           = true"]


def test_a_runner_of_the_instance_has_no_target_and_no_text_is_a_template() -> None:
    text = blocks(make.runner(scope=p.Scope(kind=p.ScopeKind.INSTANCE), tags=("${a}", "%{b}")))
    assert "_id " not in text
    assert '["$${a}", "%%{b}"]' in text
