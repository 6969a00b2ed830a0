"""Which webhooks a policy needs, and what lies between them and those that are there."""

from __future__ import annotations

from typing import Any

import pytest

from runner_bridge.core.model.edit import Deed
from runner_bridge.core.model.webhooks import Owner, OwnerKind, Wanted, Webhook, WebhookSecrets
from runner_bridge.core.policy.model import GitLab, Policy, Scope, ScopeKind
from runner_bridge.core.webhooks import compare, is_unheard, owners
from tests import make

URL = "https://bridge.example.com/hooks/gitlab"
GROUP = Owner(kind=OwnerKind.GROUP, ref="platform")
WANTED = Wanted(url=URL, has_token=True)


def policy(*scopes: str, roots: tuple[str, ...] = ("platform", "products")) -> Policy:
    found = []
    for number, text in enumerate(scopes):
        kind, _, target = text.partition(":")
        found.append(make.runner(f"r{number}", scope=Scope(kind=ScopeKind(kind), target=target)))
    return make.policy(
        make.tier("infra", runners=tuple(found)), gitlab=GitLab(url="https://gitlab.example.com", root_groups=roots)
    )


def webhook(number: int = 1, **changes: Any) -> Webhook:
    values: dict[str, Any] = {
        "id": number,
        "url": URL,
        "events": ("job_events",),
        "verifies_tls": True,
        "has_token": True,
        "has_signing": True,
        "has_template": False,
        "alert_status": "executable",
        "disabled_until": None,
    }
    return Webhook(**(values | changes))


@pytest.mark.parametrize(
    ("scopes", "expected"),
    [
        (["group:platform"], ["group:platform"]),
        (["group:platform/tools", "group:platform", "project:Platform/deploy"], ["group:platform"]),
        (["group:platform", "group:platform-two"], ["group:platform", "group:platform-two"]),
        (["project:19241", "project:products/shop", "project:19241"], ["project:19241", "project:products/shop"]),
        (["instance", "group:platform/tools"], ["group:platform", "group:products"]),
        ([], []),
    ],
)
def test_each_declared_scope_is_covered_once(scopes: list[str], expected: list[str]) -> None:
    assert [str(one) for one in owners(policy(*scopes))] == expected


def test_an_instance_runner_without_root_groups_goes_unheard() -> None:
    assert is_unheard(policy("instance", roots=()))
    assert not is_unheard(policy("instance"))
    assert not is_unheard(policy("group:platform", roots=()))


def test_what_is_as_wanted_needs_nothing() -> None:
    assert compare(GROUP, (webhook(url=f"{URL}/"), webhook(2, url="https://elsewhere/")), WANTED) == ()


def test_a_missing_one_is_created_for_jobs_alone() -> None:
    (edit,) = compare(GROUP, (webhook(url="https://elsewhere/"),), WANTED)
    assert (edit.deed, edit.owner, edit.webhook_id) == (Deed.CREATE, GROUP, None)
    assert {one.name: one.after for one in edit.fields} == {
        "enable_ssl_verification": "true",
        "job_events": "true",
        "signing_token": "set",
        "token": "set",
        "url": URL,
    }


@pytest.mark.parametrize(
    ("changes", "wanted", "expected"),
    [
        ({"events": ()}, {}, [("job_events", "false", "true")]),
        ({"events": ("job_events", "push_events")}, {}, [("push_events", "true", "false")]),
        ({}, {"with_pipelines": True}, [("pipeline_events", "false", "true")]),
        ({"verifies_tls": False}, {}, [("enable_ssl_verification", "false", "true")]),
        ({}, {"verifies_tls": False}, [("enable_ssl_verification", "true", "false")]),
        ({"has_signing": False}, {}, [("signing_token", "not set", "set")]),
        ({"has_signing": False}, {"is_signed": False}, []),
        ({"has_token": False}, {"has_token": False}, []),
        ({"has_token": False}, {}, [("token", "not set", "set")]),
        ({"has_token": None, "has_signing": None}, {}, []),
        ({"has_template": True}, {}, [("custom_webhook_template", "set", "not set")]),
        ({"alert_status": "disabled"}, {}, [("alert_status", "disabled", "executable")]),
        ({"alert_status": ""}, {}, []),
    ],
)
def test_every_difference_is_named_in_the_words_of_gitlab(
    changes: dict[str, Any], wanted: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    values: dict[str, Any] = {"url": URL, "has_token": True, **wanted}
    edits = compare(GROUP, (webhook(**changes),), Wanted(**values))
    assert [(one.name, one.before, one.after) for edit in edits for one in edit.fields] == expected
    assert all(edit.deed is Deed.UPDATE and edit.webhook_id == 1 for edit in edits)
    assert all(("failed" in edit.why) is ("alert_status" in changes) for edit in edits)


def test_secrets_can_be_set_again_though_nobody_sees_which_there_are() -> None:
    (edit,) = compare(GROUP, (webhook(has_signing=None),), WANTED, renew=True)
    assert [(one.name, one.before, one.after) for one in edit.fields] == [
        ("signing_token", "not set", "set anew"),
        ("token", "set", "set anew"),
    ]


def test_the_oldest_of_several_stays() -> None:
    edits = compare(GROUP, (webhook(3), webhook(2), webhook(1, events=())), WANTED)
    assert [(one.deed, one.webhook_id) for one in edits] == [(Deed.UPDATE, 1), (Deed.DELETE, 2), (Deed.DELETE, 3)]


def test_secrets_do_not_show() -> None:
    assert "FAKE" not in repr(WebhookSecrets(signing="FAKE", token="FAKE"))
