"""
What GitLab says of webhooks → `core.model.webhooks`; https://docs.gitlab.com/api/project_webhooks/.

Which events there are differs from version to version and between groups and projects, so that they are read by the end
of their names.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - msgspec reads the annotations when it decodes

import msgspec
from msgspec import Struct

from runner_bridge.core.model.webhooks import Webhook
from runner_bridge.core.wire.gitlab_rest import decode, in_utc

_EVENTS = "_events"


class _Webhook(Struct, kw_only=True):
    id: int
    url: str
    enable_ssl_verification: bool | None = None
    token_present: bool | None = None
    signing_token_present: bool | None = None
    custom_webhook_template: str | None = None
    alert_status: str | None = None
    disabled_until: datetime | None = None


def webhooks(body: bytes, *, what: str) -> tuple[Webhook, ...]:
    """Read a page of webhooks. Raises as `gitlab_rest.decode`."""
    return tuple(_webhook(one, what) for one in decode(body, list[msgspec.Raw], what=what))


def webhook(body: bytes, *, what: str) -> Webhook:
    """Read one webhook. Raises as `gitlab_rest.decode`."""
    return _webhook(body, what)


def _webhook(body: bytes | msgspec.Raw, what: str) -> Webhook:
    found = decode(bytes(body), _Webhook, what=what)
    fields = decode(bytes(body), dict[str, object], what=what)
    return Webhook(
        id=found.id,
        url=found.url,
        events=tuple(sorted(name for name, value in fields.items() if name.endswith(_EVENTS) and value is True)),
        verifies_tls=found.enable_ssl_verification is not False,
        has_token=found.token_present,
        has_signing=found.signing_token_present,
        has_template=bool(found.custom_webhook_template),
        alert_status=found.alert_status or "",
        disabled_until=in_utc(found.disabled_until),
    )
