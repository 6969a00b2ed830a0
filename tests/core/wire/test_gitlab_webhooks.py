"""What GitLab says of a webhook, in the words of any version."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from runner_bridge.core.errors import UnavailableError, WireError
from runner_bridge.core.wire.gitlab_webhooks import webhook, webhooks

NEW = b"""{"id": 1, "url": "https://b/", "job_events": true, "push_events": false, "emoji_events": true,
  "vulnerability_events": null, "enable_ssl_verification": false, "token_present": true, "signing_token_present": false,
  "custom_webhook_template": "{}", "alert_status": "temporarily_disabled",
  "disabled_until": "2026-03-01T13:00:00+01:00",
  "something_new": {"a": [1]}}"""
OLD = b'{"id": 2, "url": "https://b/", "job_events": true, "custom_webhook_template": null}'


def test_a_webhook_is_read_with_whatever_it_tells_of() -> None:
    found = webhook(NEW, what="x")
    assert (found.id, found.events) == (1, ("emoji_events", "job_events"))
    assert (found.verifies_tls, found.has_token, found.has_signing, found.has_template) == (False, True, False, True)
    assert (found.alert_status, found.disabled_until) == (
        "temporarily_disabled",
        datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
    )
    assert found.is_disabled


def test_what_an_older_one_does_not_say_is_not_known() -> None:
    (found,) = webhooks(b"[" + OLD + b"]", what="x")
    assert (found.has_token, found.has_signing, found.alert_status, found.is_disabled) == (None, None, "", False)
    assert (found.verifies_tls, found.has_template) == (True, False)


@pytest.mark.parametrize("body", [b"{}", b'[{"id": "a"}]', b"[1]"])
def test_another_shape_is_said(body: bytes) -> None:
    with pytest.raises(WireError, match="list webhooks"):
        webhooks(body, what="list webhooks")


def test_a_page_of_something_in_between_is_said() -> None:
    with pytest.raises(UnavailableError, match="a web page"):
        webhooks(b"<html>", what="list webhooks")
