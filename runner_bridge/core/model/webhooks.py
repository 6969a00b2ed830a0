"""
Webhooks as GitLab keeps them, as they are wanted, and what lies between the two.

A *webhook* is GitLab's setting, a *hook* one call that comes of it. No secret is part of a value here, but of
`WebhookSecrets`, which does not show them. Import this module by its name, as `core.model.cluster`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - msgspec reads the annotations when it decodes
from enum import StrEnum

from msgspec import Struct

from runner_bridge.core.model.edit import Deed, FieldEdit  # noqa: TC001 - msgspec reads the annotations


class OwnerKind(StrEnum):
    """Who can have a webhook that tells of jobs; the instance's system hooks do not."""

    GROUP = "group"
    """Of all projects below it; Premium and Ultimate."""
    PROJECT = "project"


class Owner(Struct, frozen=True, kw_only=True):
    """A group or project."""

    kind: OwnerKind
    ref: str
    """Full path, or the number of a project."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.ref}"


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook of a group or project."""

    id: int
    url: str
    events: tuple[str, ...]
    """What it tells of, sorted: `job_events`, `push_events`."""
    verifies_tls: bool
    has_token: bool | None
    """None: a GitLab before 19.0, which does not say."""
    has_signing: bool | None
    """As above, and it does not sign."""
    has_template: bool
    """Its body is another one than GitLab's."""
    alert_status: str
    """`executable`, `temporarily_disabled`, `disabled`; empty where it does not say."""
    disabled_until: datetime | None

    @property
    def is_disabled(self) -> bool:
        """Its deliveries failed, and GitLab does not post to it any more, or not now."""
        return self.alert_status not in {"", "executable"}


class Wanted(Struct, frozen=True, kw_only=True):
    """How each webhook of ours is to be."""

    url: str
    with_pipelines: bool = False
    verifies_tls: bool = True
    is_signed: bool = True
    has_token: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """What it tells of, sorted."""
        return ("job_events", "pipeline_events") if self.with_pipelines else ("job_events",)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSecrets:
    """What GitLab is to prove itself with; empty for what it is not to."""

    signing: str = field(default="", repr=False)
    """`whsec_…`."""
    token: str = field(default="", repr=False)


class WebhookEdit(Struct, frozen=True, kw_only=True):
    """One webhook to change."""

    deed: Deed
    owner: Owner
    why: str
    """One sentence."""
    webhook_id: int | None = None
    """None: there is none yet."""
    fields: tuple[FieldEdit, ...] = ()
    """In GitLab's words, sorted by name; secrets as `set` and `not set`."""
