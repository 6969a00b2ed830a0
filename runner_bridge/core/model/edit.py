"""
What `plan` says and `apply` does: edits of live things, so that they are as the policy declares.

No value here holds a secret: texts of others pass `core.redact` before they become part of an edit. Import this module
by its name, as `core.model.cluster`.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from runner_bridge.core.model.finding import Finding  # noqa: TC001 - msgspec reads the annotations when it decodes


class Part(StrEnum):
    """The kinds of live things, in the order in which `apply` sees to them."""

    POOL = "pool"
    RUNNER = "runner"
    TOKEN = "token"  # noqa: S105 - a word
    CONFIGURATION = "configuration"
    SERVICE = "service"
    """A runner taking jobs: the last step, once its managers have loaded their configuration."""


class Deed(StrEnum):
    """What is done to one thing."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    TELL = "tell"
    """Nothing by us: it belongs to somebody else, who is told what to change."""

    @property
    def symbol(self) -> str:
        """As Terraform shows it; `!` is for what somebody else has to do."""
        return _SYMBOLS[self]


_SYMBOLS = {Deed.CREATE: "+", Deed.UPDATE: "~", Deed.DELETE: "-", Deed.TELL: "!"}


class FieldEdit(Struct, frozen=True, gc=False, kw_only=True):
    """One field, as it is and as it is declared."""

    name: str
    """In the words of whoever keeps it: `tag_list` of GitLab, `natOutgoing` of Calico."""
    before: str = ""
    """Empty: it is not there."""
    after: str = ""
    """Empty: it is taken away."""


class Edit(Struct, frozen=True, kw_only=True):
    """One thing to change."""

    deed: Deed
    part: Part
    name: str
    """Of the runner, installation or pool, as the policy calls it; `#` and a number where it knows none."""
    where: str
    """For people: `group:platform`, `/etc/gitlab-runner/config.toml`, `gitlab-runners/runner-config`."""
    why: str
    """One sentence."""
    fields: tuple[FieldEdit, ...] = ()
    """Sorted by name."""
    text: str = ""
    """A unified diff without secrets; for `tell` what somebody else has to apply."""
    warning: str = ""
    """What else happens, one sentence: `Restarts calico-node on every node.`"""
    runner_id: int | None = None
    """GitLab's number of the runner, where there is one."""
    is_confirmable: bool = True
    """Of a configuration: somebody will say that it was loaded. False: it ends as `written, not confirmed`."""

    @property
    def address(self) -> str:
        """What `--target` names: `runner.infra-platform`."""
        return f"{self.part}.{self.name}"


class Plan(Struct, frozen=True, kw_only=True):
    """All that differs, in the order in which it is applied."""

    edits: tuple[Edit, ...] = ()
    unseen: tuple[Finding, ...] = ()
    """What could not be compared, and what stands in the way of applying: without these nothing is proven in sync."""

    @property
    def is_empty(self) -> bool:
        """Nothing differs, as far as was seen."""
        return not self.edits
